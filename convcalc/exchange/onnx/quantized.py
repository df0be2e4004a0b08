"""Operators of quantized files as those that they quantize: the network is the same in floats."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.exchange.onnx.values import Constant, UnknownError, Value


class Row(NamedTuple):
    """What an operator quantizes, and where its tensors stand among scales and zero points."""

    name: str
    """The operator in floats."""
    tensors: tuple[int, ...]
    """Numbers of its inputs that are tensors or weights, each with scale and zero point behind."""
    bias: int = 0
    """Number of its input that is a bias, in steps of the product of both scales; 0 where none
    is."""
    every: int = 0
    """Where tensors begin that go on to the end, each with scale and zero point; 0 where none
    do."""


OPERATORS: Mapping[str, Row] = MappingProxyType(
    {
        "QLinearConv": Row("Conv", (0, 3), 8),
        "QLinearMatMul": Row("MatMul", (0, 3)),
        "com.microsoft.QGemm": Row("Gemm", (0, 3), 6),
        "com.microsoft.QLinearAdd": Row("Add", (0, 3)),
        "com.microsoft.QLinearMul": Row("Mul", (0, 3)),
        "com.microsoft.QLinearSigmoid": Row("Sigmoid", (0,)),
        "com.microsoft.QLinearLeakyRelu": Row("LeakyRelu", (0,)),
        "com.microsoft.QLinearSoftmax": Row("Softmax", (0,)),
        "com.microsoft.QLinearAveragePool": Row("AveragePool", (0,)),
        "com.microsoft.QLinearGlobalAveragePool": Row("GlobalAveragePool", (0,)),
        "com.microsoft.QLinearConcat": Row("Concat", (), every=2),
    }
)
"""Quantized operator → what it quantizes. Source: onnxruntime, ContribOperators.md."""


def in_floats(title: str, inputs: list[Value | None]) -> tuple[str, list[Value | None]] | None:
    """The operator that one quantizes with its inputs in floats; None of any other."""
    row = OPERATORS.get(title)
    if row is None:
        return None
    places = (*row.tensors, *(range(row.every, len(inputs), 3) if row.every else ()))
    read = [_floats(inputs, at) for at in places]
    if row.bias and row.bias < len(inputs) and inputs[row.bias] is not None:
        scales = [_scale(inputs, at + 1) for at in row.tensors]
        read.append(_stepped(inputs[row.bias], scales))
    return row.name, read


def _floats(inputs: list[Value | None], at: int) -> Value | None:
    """An input as it is in floats; a constant by its scale and zero point."""
    value = inputs[at] if at < len(inputs) else None
    if value is None or value.constant is None:
        return value
    constant, scale, zero = value.constant, _scale(inputs, at + 1), _scale(inputs, at + 2)

    def load() -> Any:
        array = constant.array.astype("float32")
        steps, offset = _array(scale), _array(zero)
        shape = (-1, *(1,) * (array.ndim - 1)) if array.ndim > 1 and steps.size > 1 else ()
        if shape:
            steps = steps.reshape(shape)
            offset = offset.reshape(shape) if offset.size > 1 else offset
        return (array - offset.astype("float32")) * steps

    return _made(value, constant, load)


def _stepped(value: Value | None, scales: list[Constant | None]) -> Value | None:
    """A bias of whole steps, each as large as the product of the scales."""
    if value is None or value.constant is None:
        return value
    constant = value.constant

    def load() -> Any:
        import numpy as np

        step = np.prod(np.broadcast_arrays(*(_array(each) for each in scales)), axis=0)
        return constant.array.astype("float32") * step

    return _made(value, constant, load)


def _made(value: Value, constant: Constant, load: Any) -> Value:
    floats = Constant(
        constant.dims,
        load,
        floats=True,
        name=constant.name,
        initializer=constant.initializer,
        sources=constant.sources,
    )
    return Value(value.name, value.dims, constant=floats)


def _scale(inputs: list[Value | None], at: int) -> Constant | None:
    value = inputs[at] if at < len(inputs) else None
    return None if value is None else value.constant


def _array(constant: Constant | None) -> Any:
    if constant is None:
        message = "a scale is worked out as the network runs"
        raise UnknownError(message)
    import numpy as np

    return np.asarray(constant.array)
