"""The table of kinds: what writes each of them as operators of ONNX, and which it is read from."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from convcalc.exchange.onnx.attending import attention
from convcalc.exchange.onnx.writer import Write
from convcalc.exchange.onnx.writing import (
    activations,
    merges,
    norms,
    places,
    pools,
    recurrent,
    sums,
)


class Row(NamedTuple):
    """What a kind of layer is in ONNX, in both directions."""

    write: Write
    """What writes it as operators: there is no kind that ONNX cannot say."""
    operators: tuple[str, ...] = ()
    """What it may be read from; each has a row in `rows.OPERATORS`."""
    unread: str = ""
    """Why it is read from none, where it is not."""


ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "conv": Row(sums.conv, ("Conv", "com.microsoft:FusedConv")),
        "depthwise_conv": Row(sums.depthwise_conv, ("Conv",)),
        "conv_transpose": Row(sums.conv_transpose, ("ConvTranspose",)),
        "separable_conv": Row(sums.separable_conv, unread="it is two convolutions in a file"),
        "locally_connected": Row(
            sums.locally_connected,
            unread="it is a convolution, a product and a sum of patches in a file",
        ),
        "linear": Row(sums.linear, ("Gemm", "com.microsoft:FusedGemm", "MatMul")),
        "lstm": Row(recurrent.recurrent("LSTM"), ("LSTM",)),
        "gru": Row(recurrent.recurrent("GRU"), ("GRU",)),
        "maxpool": Row(pools.maxpool, ("MaxPool", "Slice")),
        "avgpool": Row(pools.avgpool, ("AveragePool",)),
        "lppool": Row(pools.lppool, ("LpPool",)),
        "adaptive_avgpool": Row(
            pools.adaptive("GlobalAveragePool", "AveragePool", "ReduceMean"),
            ("AveragePool", "AdaptiveAveragePool"),
        ),
        "adaptive_maxpool": Row(
            pools.adaptive("GlobalMaxPool", "MaxPool", "ReduceMax"), ("MaxPool", "AdaptiveMaxPool")
        ),
        "global_avgpool": Row(
            pools.whole_map("GlobalAveragePool"), ("GlobalAveragePool", "ReduceMean", "ReduceSum")
        ),
        "global_maxpool": Row(pools.whole_map("GlobalMaxPool"), ("GlobalMaxPool", "ReduceMax")),
        "kmaxpool": Row(pools.kmaxpool, ("KMaxPool",)),
        "maxunpool": Row(pools.maxunpool, ("MaxUnpool",)),
        "channel_avgpool": Row(pools.over_channels("ReduceMean"), ("ReduceMean", "ReduceSum")),
        "channel_maxpool": Row(pools.over_channels("ReduceMax"), ("ReduceMax",)),
        "batchnorm": Row(norms.batchnorm, ("BatchNormalization",)),
        "groupnorm": Row(norms.groupnorm, ("GroupNormalization", "InstanceNormalization")),
        "layernorm": Row(norms.layernorm, ("LayerNormalization", "ReduceMean")),
        "instancenorm": Row(norms.instancenorm, ("InstanceNormalization",)),
        "lrn": Row(norms.lrn, ("LRN",)),
        "l2norm": Row(norms.l2norm, ("LpNormalization",)),
        "relu": Row(activations.function("Relu"), ("Relu", "Clip", "Max")),
        "relu6": Row(activations.relu6, ("Clip",)),
        "leaky_relu": Row(activations.leaky_relu, ("LeakyRelu",)),
        "prelu": Row(activations.prelu, ("PRelu",)),
        "elu": Row(activations.elu, ("Elu",)),
        "selu": Row(activations.function("Selu"), ("Selu",)),
        "gelu": Row(
            activations.gelu, ("Gelu", "com.microsoft:Gelu", "com.microsoft:FastGelu", "Mul")
        ),
        "silu": Row(activations.silu, ("Silu", "Mul")),
        "mish": Row(activations.mish, ("Mish", "Mul")),
        "sigmoid": Row(activations.function("Sigmoid"), ("Sigmoid",)),
        "hardsigmoid": Row(
            activations.function("HardSigmoid", alpha=1 / 6, beta=0.5), ("HardSigmoid", "Div")
        ),
        "hardswish": Row(activations.function("HardSwish"), ("HardSwish", "Mul", "Div")),
        "tanh": Row(activations.function("Tanh"), ("Tanh",)),
        "abs": Row(activations.function("Abs"), ("Abs",)),
        "softplus": Row(activations.softplus, ("Softplus",)),
        "softmax": Row(activations.function("Softmax", axis=1), ("Softmax",)),
        "log_softmax": Row(activations.function("LogSoftmax", axis=1), ("LogSoftmax",)),
        "dropout": Row(places.dropout, ("Dropout",)),
        "identity": Row(activations.function("Identity"), ("Clip",)),
        "flatten": Row(places.flatten, ("Flatten", "Reshape", "Squeeze")),
        "reshape": Row(places.reshape, ("Reshape", "Unsqueeze", "Expand")),
        "permute": Row(places.permute, ("Transpose",)),
        "pixel_shuffle": Row(places.pixel_shuffle, ("DepthToSpace", "Reshape")),
        "space_to_depth": Row(places.space_to_depth, ("SpaceToDepth", "Reshape", "Concat")),
        "channel_shuffle": Row(
            places.channel_shuffle, ("ChannelShuffle", "DepthToSpace", "Reshape")
        ),
        "pad": Row(places.pad, ("Pad",)),
        "crop": Row(places.crop, ("Slice",)),
        "upsample": Row(places.upsample, ("Resize", "Upsample")),
        "slice": Row(places.sliced, ("Slice", "Split", "Gather")),
        "scale": Row(places.scale, ("Mul",)),
        "affine": Row(places.affine_numbers, ("Add", "Sub", "Mul", "Div", "Neg", "Mean")),
        "add": Row(merges.chain("Add"), ("Add", "Sum", "Mean")),
        "subtract": Row(merges.chain("Sub"), ("Sub",)),
        "multiply": Row(merges.chain("Mul"), ("Mul", "Pow")),
        "divide": Row(merges.chain("Div"), ("Div",)),
        "maximum": Row(merges.chain("Max"), ("Max",)),
        "concat": Row(merges.concat, ("Concat",)),
        "matmul": Row(merges.matmul, ("MatMul", "Einsum")),
        "attention": Row(attention, ("MultiHeadAttention", "Attention")),
        "learned": Row(merges.learned, ("Add", "Sub", "Mul", "Div", "Concat")),
        "embedding": Row(merges.embedding, ("Gather",)),
    }
)
"""Every kind of the catalogue → what writes it, and what it is read from or why it is not."""
