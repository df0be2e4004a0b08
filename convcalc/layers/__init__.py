"""The catalogue of layers: every kind a spec can name, and where its class is.

A module is imported when a spec first names one of its kinds, because start-up is a feature.
"""

from importlib import import_module

from convcalc.layers.base import Layer, Plan, Product, Weight

__all__ = ["CATALOGUE", "Layer", "Plan", "Product", "Weight", "layer_class"]

CATALOGUE: dict[str, tuple[str, str]] = {
    "conv": ("convolution", "Conv"),
    "depthwise_conv": ("convolution", "DepthwiseConv"),
    "conv_transpose": ("conv_transpose", "ConvTranspose"),
    "locally_connected": ("locally_connected", "LocallyConnected"),
    "linear": ("linear", "Linear"),
    "maxpool": ("pooling", "MaxPool"),
    "avgpool": ("pooling", "AvgPool"),
    "lppool": ("pooling", "LpPool"),
    "adaptive_avgpool": ("adaptive_pooling", "AdaptiveAvgPool"),
    "adaptive_maxpool": ("adaptive_pooling", "AdaptiveMaxPool"),
    "global_avgpool": ("adaptive_pooling", "GlobalAvgPool"),
    "global_maxpool": ("adaptive_pooling", "GlobalMaxPool"),
    "batchnorm": ("normalization", "BatchNorm"),
    "groupnorm": ("normalization", "GroupNorm"),
    "layernorm": ("normalization", "LayerNorm"),
    "instancenorm": ("normalization", "InstanceNorm"),
    "lrn": ("normalization", "LocalResponseNorm"),
    "relu": ("activation", "Relu"),
    "relu6": ("activation", "Relu6"),
    "leaky_relu": ("parametric_activation", "LeakyRelu"),
    "prelu": ("parametric_activation", "Prelu"),
    "elu": ("parametric_activation", "Elu"),
    "selu": ("activation", "Selu"),
    "gelu": ("parametric_activation", "Gelu"),
    "silu": ("activation", "Silu"),
    "mish": ("activation", "Mish"),
    "sigmoid": ("activation", "Sigmoid"),
    "hardsigmoid": ("activation", "Hardsigmoid"),
    "hardswish": ("activation", "Hardswish"),
    "tanh": ("activation", "Tanh"),
    "softplus": ("parametric_activation", "Softplus"),
    "softmax": ("activation", "Softmax"),
    "log_softmax": ("activation", "LogSoftmax"),
    "dropout": ("dropout", "Dropout"),
    "flatten": ("rearrange", "Flatten"),
    "reshape": ("rearrange", "Reshape"),
    "permute": ("rearrange", "Permute"),
    "pixel_shuffle": ("shuffle", "PixelShuffle"),
    "channel_shuffle": ("shuffle", "ChannelShuffle"),
    "pad": ("border", "Pad"),
    "crop": ("border", "Crop"),
    "upsample": ("upsample", "Upsample"),
    "slice": ("channels", "Slice"),
    "scale": ("channels", "Scale"),
    "add": ("merge", "Add"),
    "multiply": ("merge", "Multiply"),
    "concat": ("merge", "Concat"),
}
"""Kind → (module of this package, class)."""

_loaded: dict[str, type[Layer]] = {}


def layer_class(kind: str) -> type[Layer]:
    """The class of a kind of layer; `KeyError` when there is no such kind."""
    found = _loaded.get(kind)
    if found is None:
        module, name = CATALOGUE[kind]
        found = getattr(import_module(f"convcalc.layers.{module}"), name)
        _loaded[kind] = found
    return found
