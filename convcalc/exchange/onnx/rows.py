"""The table of operators: what reads each of them, and what it says of the axes of its input.

Kinds have theirs in `kinds.py`.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.exchange.onnx.operations import Operation

SECOND, LAST, SAME = "second", "last", "same"
"""What an operator says of the axes of its input: which of them is the channels, or that its output
has the same ones in the same places."""


class Operator(NamedTuple):
    """What reads an operator, and what it shows of its input."""

    reads: str
    """The module and function that makes layers of it."""
    axes: str = ""
    """`SECOND`, `LAST` or `SAME`; empty where it says nothing of axes."""


def _alike(names: Iterable[str], reads: str, axes: str = "") -> dict[str, Operator]:
    return dict.fromkeys(names, Operator(reads, axes))


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "Conv": Operator("dense:convolution", SECOND),
        "com.microsoft:FusedConv": Operator("dense:convolution", SECOND),
        "ConvTranspose": Operator("dense:transposed", SECOND),
        "Gemm": Operator("dense:gemm", LAST),
        "com.microsoft:FusedGemm": Operator("dense:gemm", LAST),
        "MatMul": Operator("dense:product", LAST),
        **_alike(("MaxPool", "AveragePool", "LpPool"), "dense:pooling", SECOND),
        **_alike(("GlobalAveragePool", "GlobalMaxPool"), "dense:everywhere", SECOND),
        **_alike(("AdaptiveAveragePool", "AdaptiveMaxPool"), "dense:adaptive", SECOND),
        "Einsum": Operator("dense:summed"),
        "MaxUnpool": Operator("dense:unpooled", SECOND),
        "KMaxPool": Operator("dense:in_order"),
        **_alike(("ReduceMean", "ReduceMax", "ReduceSum"), "norms:reduced"),
        "BatchNormalization": Operator("norms:batch", SECOND),
        "GroupNormalization": Operator("norms:group", SECOND),
        "LayerNormalization": Operator("norms:layer", LAST),
        "InstanceNormalization": Operator("norms:instance", SECOND),
        "LRN": Operator("norms:local_response", SECOND),
        "LpNormalization": Operator("norms:length"),
        **_alike(
            ("RMSNormalization", "com.microsoft:SimplifiedLayerNormalization"),
            "norms:root_mean_square",
            LAST,
        ),
        "MultiHeadAttention": Operator("attended:attention", LAST),
        "Attention": Operator("attended:alone", LAST),
        "Parted": Operator("attended:parted"),
        **_alike(
            (
                "Relu", "LeakyRelu", "Elu", "Sigmoid", "HardSwish", "Mish", "Tanh", "Softplus",
                "Abs", "Silu",
            ),
            "pointwise:pointwise",
            SAME,
        ),
        "Clip": Operator("pointwise:clip", SAME),
        "PRelu": Operator("pointwise:prelu", SECOND),
        "Selu": Operator("pointwise:selu", SAME),
        **_alike(
            ("Gelu", "com.microsoft:Gelu", "com.microsoft:FastGelu"), "pointwise:gelu", SAME
        ),
        "HardSigmoid": Operator("pointwise:hard_sigmoid", SAME),
        **_alike(("Softmax", "LogSoftmax"), "pointwise:softmax", SAME),
        "Pow": Operator("pointwise:power", SAME),
        "Dropout": Operator("pointwise:dropout", SAME),
        "Identity": Operator("pointwise:identity", SAME),
        "Cast": Operator("pointwise:cut_off", SAME),
        "Neg": Operator("pointwise:negative", SAME),
        **_alike(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), "views:reshaped"),
        "Transpose": Operator("views:turned"),
        "Expand": Operator("views:expanded"),
        "DepthToSpace": Operator("views:to_space", SECOND),
        "SpaceToDepth": Operator("views:to_depth", SECOND),
        "ChannelShuffle": Operator("views:channels_shuffled", SECOND),
        "Pad": Operator("views:padded", SAME),
        **_alike(("Resize", "Upsample"), "views:resized", SECOND),
        "Slice": Operator("views:cut", SAME),
        "Split": Operator("views:split", SAME),
        "Gather": Operator("views:gathered"),
        **_alike(("Add", "Sum", "Sub", "Mul", "Div", "Max"), "merges:merge", SAME),
        "Mean": Operator("merges:mean", SAME),
        "Concat": Operator("merges:joined", SAME),
        "LSTM": Operator("recurrent:recurrent", LAST),
        "GRU": Operator("recurrent:recurrent", LAST),
    }
)  # fmt: skip
"""Operator → its row; `com.microsoft:` before those of that domain.

Those of no domain that ONNX has not are what several operators are recognised as.
"""
_loaded: dict[str, Any] = {}


def row_of(op: Operation) -> Operator | None:
    """The row of an operation's operator; None where there is none."""
    return OPERATORS.get(f"{op.domain}:{op.name}" if op.domain else op.name)


def reads(op: Operation) -> Any:
    """The function that reads an operation; None where there is none."""
    row = row_of(op)
    if row is None:
        return None
    function = _loaded.get(row.reads)
    if function is None:
        module, _, name = row.reads.partition(":")
        function = getattr(import_module(f"convcalc.exchange.onnx.{module}"), name)
        _loaded[row.reads] = function
    return function
