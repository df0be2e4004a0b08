"""The tables of what is read: operators and what reads them, and kinds with what becomes them."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

READS: Mapping[str, str] = MappingProxyType(
    {
        "Conv": "dense:convolution",
        "com.microsoft:FusedConv": "dense:convolution",
        "ConvTranspose": "dense:transposed",
        "Gemm": "dense:gemm",
        "com.microsoft:FusedGemm": "dense:gemm",
        "MatMul": "dense:product",
        **dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), "dense:pooling"),
        **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), "dense:everywhere"),
        "KMaxPool": "dense:in_order",
        **dict.fromkeys(("ReduceMean", "ReduceMax", "ReduceSum"), "norms:reduced"),
        "BatchNormalization": "norms:batch",
        "GroupNormalization": "norms:group",
        "LayerNormalization": "norms:layer",
        "InstanceNormalization": "norms:instance",
        "LRN": "norms:local_response",
        "LpNormalization": "norms:length",
        "Attention": "norms:attention",
        **dict.fromkeys(
            (
                "Relu", "LeakyRelu", "Elu", "Sigmoid", "HardSwish", "Mish", "Tanh", "Softplus",
                "Abs", "Silu",
            ),
            "pointwise:pointwise",
        ),
        "Clip": "pointwise:clip",
        "PRelu": "pointwise:prelu",
        "Selu": "pointwise:selu",
        **dict.fromkeys(("Gelu", "com.microsoft:Gelu", "com.microsoft:FastGelu"), "pointwise:gelu"),
        "HardSigmoid": "pointwise:hard_sigmoid",
        **dict.fromkeys(("Softmax", "LogSoftmax"), "pointwise:softmax"),
        "Dropout": "pointwise:dropout",
        "Identity": "pointwise:identity",
        "Neg": "pointwise:negative",
        **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), "views:reshaped"),
        "Transpose": "views:turned",
        "Expand": "views:expanded",
        "DepthToSpace": "views:to_space",
        "SpaceToDepth": "views:to_depth",
        "ChannelShuffle": "views:channels_shuffled",
        "Pad": "views:padded",
        **dict.fromkeys(("Resize", "Upsample"), "views:resized"),
        "Slice": "views:cut",
        "Split": "views:split",
        "Gather": "views:gathered",
        **dict.fromkeys(("Add", "Sum", "Sub", "Mul", "Div", "Max"), "merges:merge"),
        "Mean": "merges:mean",
        "Concat": "merges:joined",
        **dict.fromkeys(("LSTM", "GRU"), "recurrent:recurrent"),
    }
)  # fmt: skip
"""Operator → the module and function that makes layers of it; `com.microsoft:` before those of that
domain.

`Attention`, `ChannelShuffle`, `KMaxPool` and `Silu` are what several operators are recognised as.
"""

BECOMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "conv": ("Conv", "com.microsoft:FusedConv"),
        "depthwise_conv": ("Conv",),
        "conv_transpose": ("ConvTranspose",),
        "linear": ("Gemm", "com.microsoft:FusedGemm", "MatMul"),
        "lstm": ("LSTM",),
        "gru": ("GRU",),
        "maxpool": ("MaxPool",),
        "avgpool": ("AveragePool",),
        "lppool": ("LpPool",),
        "global_avgpool": ("GlobalAveragePool", "ReduceMean", "ReduceSum"),
        "kmaxpool": ("KMaxPool",),
        "global_maxpool": ("GlobalMaxPool", "ReduceMax"),
        "channel_avgpool": ("ReduceMean", "ReduceSum"),
        "channel_maxpool": ("ReduceMax",),
        "batchnorm": ("BatchNormalization",),
        "groupnorm": ("GroupNormalization", "InstanceNormalization"),
        "layernorm": ("LayerNormalization", "ReduceMean"),
        "instancenorm": ("InstanceNormalization",),
        "lrn": ("LRN",),
        "l2norm": ("LpNormalization",),
        "relu": ("Relu", "Clip", "Max"),
        "relu6": ("Clip",),
        "leaky_relu": ("LeakyRelu",),
        "prelu": ("PRelu",),
        "elu": ("Elu",),
        "selu": ("Selu",),
        "gelu": ("Gelu", "com.microsoft:Gelu", "com.microsoft:FastGelu", "Mul"),
        "silu": ("Silu", "Mul"),
        "mish": ("Mish", "Mul"),
        "sigmoid": ("Sigmoid",),
        "hardsigmoid": ("HardSigmoid", "Div"),
        "hardswish": ("HardSwish", "Mul", "Div"),
        "tanh": ("Tanh",),
        "abs": ("Abs",),
        "softplus": ("Softplus",),
        "softmax": ("Softmax",),
        "log_softmax": ("LogSoftmax",),
        "dropout": ("Dropout",),
        "identity": ("Clip",),
        "flatten": ("Flatten", "Reshape", "Squeeze"),
        "reshape": ("Reshape", "Unsqueeze", "Expand"),
        "permute": ("Transpose",),
        "pixel_shuffle": ("DepthToSpace", "Reshape"),
        "space_to_depth": ("SpaceToDepth", "Reshape", "Concat"),
        "channel_shuffle": ("ChannelShuffle", "DepthToSpace", "Reshape"),
        "pad": ("Pad",),
        "upsample": ("Resize", "Upsample"),
        "slice": ("Slice", "Split", "Gather"),
        "scale": ("Mul",),
        "affine": ("Add", "Sub", "Mul", "Div", "Neg", "Mean"),
        "add": ("Add", "Sum", "Mean"),
        "subtract": ("Sub",),
        "multiply": ("Mul",),
        "divide": ("Div",),
        "maximum": ("Max",),
        "concat": ("Concat",),
        "matmul": ("MatMul",),
        "attention": ("Attention",),
        "learned": ("Add", "Sub", "Mul", "Div", "Concat"),
        "embedding": ("Gather",),
    }
)
"""Kind → the operators that may become it."""
NEVER: Mapping[str, str] = MappingProxyType(
    {
        "separable_conv": "it is two convolutions in a file",
        "locally_connected": "it is a convolution, a product and a sum of patches in a file",
        "adaptive_avgpool": "exporters write a plain pool, or one operation for each output",
        "adaptive_maxpool": "exporters write a plain pool, or one operation for each output",
        "maxunpool": "places count through a whole map in ONNX, and here through a pool's windows",
        "crop": "a cut from both sides is a slice for each axis",
    }
)
"""Kind → why no operator becomes it."""
_loaded: dict[str, Any] = {}


def reads(operator: str) -> Any:
    """The function that reads an operator; None where there is none."""
    where = READS.get(operator)
    if where is None:
        return None
    function = _loaded.get(where)
    if function is None:
        module, _, name = where.partition(":")
        function = getattr(import_module(f"convcalc.exchange.onnx.{module}"), name)
        _loaded[where] = function
    return function
