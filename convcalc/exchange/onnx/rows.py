"""The table of operators: what reads each of them. Kinds have theirs in `kinds.py`."""

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
