"""The table: each kind of layer, the operators that it is in ONNX, and what reads them."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A kind of layer in ONNX."""

    operators: tuple[str, ...] = ()
    """The operators that become it, or something near it; `com.microsoft:` before those of that
    domain."""
    read: str = ""
    """What makes it of one of them: module and function; empty where another row's does."""
    write: str = ""
    """What makes operators of it: module and function; empty where nothing does yet."""


def _pointwise(*operators: str) -> Row:
    return Row(operators, "pointwise:pointwise")


ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "conv": Row(("Conv", "com.microsoft:FusedConv"), "dense:convolution"),
        "conv_transpose": Row(("ConvTranspose",), "dense:transposed"),
        "linear": Row(("Gemm", "com.microsoft:FusedGemm"), "dense:gemm"),
        "matmul": Row(("MatMul",), "dense:product"),
        "maxpool": Row(("MaxPool", "AveragePool", "LpPool"), "dense:pooling"),
        "global_avgpool": Row(("GlobalAveragePool", "GlobalMaxPool"), "dense:everywhere"),
        "kmaxpool": Row(("KMaxPool",), "dense:in_order"),
        "channel_avgpool": Row(("ReduceMean", "ReduceMax", "ReduceSum"), "norms:reduced"),
        "batchnorm": Row(("BatchNormalization",), "norms:batch"),
        "groupnorm": Row(("GroupNormalization",), "norms:group"),
        "layernorm": Row(("LayerNormalization",), "norms:layer"),
        "instancenorm": Row(("InstanceNormalization",), "norms:instance"),
        "lrn": Row(("LRN",), "norms:local_response"),
        "l2norm": Row(("LpNormalization",), "norms:length"),
        "relu": _pointwise(
            "Relu", "LeakyRelu", "Elu", "Sigmoid", "HardSwish", "Mish", "Tanh", "Softplus", "Abs",
            "Silu",
        ),
        "relu6": Row(("Clip",), "pointwise:clip"),
        "prelu": Row(("PRelu",), "pointwise:prelu"),
        "selu": Row(("Selu",), "pointwise:selu"),
        "gelu": Row(("Gelu", "com.microsoft:Gelu", "com.microsoft:FastGelu"), "pointwise:gelu"),
        "hardsigmoid": Row(("HardSigmoid",), "pointwise:hard_sigmoid"),
        "softmax": Row(("Softmax", "LogSoftmax"), "pointwise:softmax"),
        "dropout": Row(("Dropout",), "pointwise:dropout"),
        "identity": Row(("Identity",), "pointwise:identity"),
        "flatten": Row(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), "views:reshaped"),
        "permute": Row(("Transpose",), "views:turned"),
        "reshape": Row(("Expand",), "views:expanded"),
        "pixel_shuffle": Row(("DepthToSpace",), "views:to_space"),
        "channel_shuffle": Row(("ChannelShuffle",), "views:channels_shuffled"),
        "attention": Row(("Attention",), "norms:attention"),
        "lstm": Row(("LSTM", "GRU"), "recurrent:recurrent"),
        "space_to_depth": Row(("SpaceToDepth",), "views:to_depth"),
        "pad": Row(("Pad",), "views:padded"),
        "upsample": Row(("Resize", "Upsample"), "views:resized"),
        "slice": Row(("Slice",), "views:cut"),
        "split": Row(("Split",), "views:split"),
        "embedding": Row(("Gather",), "views:gathered"),
        "affine": Row(("Neg",), "pointwise:negative"),
        "add": Row(("Add", "Sum", "Sub", "Mul", "Div", "Max"), "merges:merge"),
        "multiply": Row(("Mean",), "merges:mean"),
        "concat": Row(("Concat",), "merges:joined"),
    }
)  # fmt: skip
"""Kind → what it is in ONNX."""

OPERATORS: Mapping[str, str] = MappingProxyType(
    {operator: row.read for row in ROWS.values() for operator in row.operators}
)
"""Operator → what reads it."""
_loaded: dict[str, Any] = {}


def reads(operator: str) -> Any:
    """The function that reads an operator; None where there is none."""
    where = OPERATORS.get(operator)
    if where is None:
        return None
    function = _loaded.get(where)
    if function is None:
        module, _, name = where.partition(":")
        function = getattr(import_module(f"convcalc.exchange.onnx.{module}"), name)
        _loaded[where] = function
    return function
