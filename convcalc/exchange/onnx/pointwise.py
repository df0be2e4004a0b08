"""Operators that work value by value, as layers."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.reader import Reader, tidy
from convcalc.exchange.onnx.values import Constant, Value, shown
from convcalc.exchange.wiring import CannotError

Fields = dict[str, Any]


class Pointwise:
    """An operator and the kind that it is, with what its attributes are called there."""

    def __init__(self, kind: str, **fields: tuple[str, float, float]) -> None:
        self.kind = kind
        self.fields = fields
        """Field → attribute, its value in ONNX where none is given, and the field's."""

    def of(self, attributes: Mapping[str, Any]) -> Fields:
        """The fields that say something."""
        made: Fields = {}
        for field, (attribute, usual, default) in self.fields.items():
            value = tidy(attributes.get(attribute, usual))
            if value != default:
                made[field] = value
        return made


POINTWISE: Mapping[str, Pointwise] = MappingProxyType(
    {
        "Relu": Pointwise("relu"),
        "LeakyRelu": Pointwise("leaky_relu", slope=("alpha", 0.01, 0.01)),
        "Elu": Pointwise("elu", alpha=("alpha", 1.0, 1.0)),
        "Sigmoid": Pointwise("sigmoid"),
        "HardSwish": Pointwise("hardswish"),
        "Mish": Pointwise("mish"),
        "Tanh": Pointwise("tanh"),
        "Softplus": Pointwise("softplus"),
        "Abs": Pointwise("abs"),
        "Silu": Pointwise("silu"),
    }
)
"""Operator → its kind. `Silu` is none of ONNX: what x·sigmoid(x) is recognised as."""
SELU = (1.67326, 1.0507)
"""ONNX's alpha and gamma, to the digits that tell them."""
HARD = (1 / 6, 0.5)
"""The slope and the summand of the hard sigmoid that is a layer."""


def apply(reader: Reader, op: Operation, kind: str, fields: Fields | None = None) -> None:
    """A layer that works value by value, however its input lies."""
    value = reader.tensor(op)
    low = reader.low(value)
    reader.give(op, reader.add(op, kind, [low.number], fields), low.layout)


def pointwise(reader: Reader, op: Operation) -> None:
    """One of `POINTWISE`."""
    row = POINTWISE[op.name]
    apply(reader, op, row.kind, row.of(op.attributes))


def fused(name: str, parameters: Sequence[float]) -> tuple[str, Fields]:
    """The activation in a fused operator."""
    attributes: dict[str, Any] = {}
    if name == "Clip":
        low, high = [*parameters, 0.0, 6.0][:2] if len(parameters) >= 2 else (0.0, 6.0)
        kind = clipped(low, high)
        if kind is not None:
            return kind, {}
    elif name == "HardSigmoid":
        if near(parameters or (0.2, 0.5), HARD):
            return "hardsigmoid", {}
    elif name in POINTWISE:
        row = POINTWISE[name]
        if parameters and row.fields:
            attributes = {next(iter(row.fields.values()))[0]: parameters[0]}
        return row.kind, row.of(attributes)
    message = f"the activation {name} in it"
    raise CannotError(message)


def near(values: Sequence[float], wanted: Sequence[float]) -> bool:
    """Whether numbers are these, as far as float32 and the digits of a file tell."""
    return len(values) == len(wanted) and all(
        abs(one - other) <= 1e-4 * max(abs(other), 1e-3)
        for one, other in zip(values, wanted, strict=True)
    )


def hard_sigmoid(reader: Reader, op: Operation) -> None:
    """HardSigmoid, where it is the layer's."""
    alpha, beta = op.attributes.get("alpha", 0.2), op.attributes.get("beta", 0.5)
    if near((alpha, beta), HARD):
        apply(reader, op, "hardsigmoid")
        return
    message = f"it is min(max({tidy(alpha)}·x + {tidy(beta)}, 0), 1), and the layer (x + 3)/6"
    raise CannotError(message)


def selu(reader: Reader, op: Operation) -> None:
    """Selu, where it is the layer's."""
    alpha, gamma = op.attributes.get("alpha", SELU[0]), op.attributes.get("gamma", SELU[1])
    if near((alpha, gamma), SELU):
        apply(reader, op, "selu")
        return
    message = f"alpha is {tidy(alpha)} and gamma {tidy(gamma)}"
    raise CannotError(message)


def gelu(reader: Reader, op: Operation) -> None:
    """Gelu, and FastGelu of com.microsoft."""
    if op.input(1) is not None:
        message = "it adds a bias in front"
        raise CannotError(message)
    tanh = op.name == "FastGelu" or op.attributes.get("approximate", "none") == "tanh"
    apply(reader, op, "gelu", {"approximate": "tanh"} if tanh else None)


def _bound(op: Operation, name: str, number: int) -> float | None:
    """A number that is given, which may stand in an array of one."""
    given = op.given(name, number)
    while isinstance(given, list) and len(given) == 1:
        (given,) = given
    if given is not None and not isinstance(given, int | float):
        message = f"{name} is no number"
        raise CannotError(message)
    return given


def bounds(op: Operation) -> tuple[float | None, float | None]:
    """What Clip cuts off below and above."""
    low, high = _bound(op, "min", 1), _bound(op, "max", 2)
    return (
        None if low is None or low < -3e38 else tidy(low),
        None if high is None or high > 3e38 else tidy(high),
    )


def clipped(low: float | None, high: float | None) -> str | None:
    """The layer that a Clip is; None where there is none."""
    return {(0.0, 6.0): "relu6", (0.0, None): "relu", (None, None): "identity"}.get((low, high))


def clip(reader: Reader, op: Operation) -> None:
    """Clip, where it is ReLU6 or ReLU."""
    low, high = bounds(op)
    kind = clipped(low, high)
    if kind is None:
        message = f"it cuts off below {low} and above {high}; layers do at 0 and 6"
        raise CannotError(message)
    apply(reader, op, kind)


def dropout(reader: Reader, op: Operation) -> None:
    """Dropout, of which the mask is not read."""
    if len(op.outputs) > 1 and op.outputs[1].uses:
        message = "its mask is read by another operator"
        raise CannotError(message)
    rate = op.given("ratio", 1, 0.5)
    rate = tidy(rate[0] if isinstance(rate, list) else rate)
    apply(reader, op, "dropout", {"rate": rate})


def negative(reader: Reader, op: Operation) -> None:
    """Neg."""
    apply(reader, op, "affine", {"times": -1})


def identity(reader: Reader, op: Operation) -> None:
    """What is passed on as it is."""
    low = reader.low(reader.tensor(op))
    op.outputs[0].lowered = low
    op.outputs[0].dims = (op.inputs[0] or Value("")).dims


def cut_off(reader: Reader, op: Operation) -> None:
    """Cast of real numbers to others; of an input that names rows, which are whole numbers."""
    made = reader.wiring.made[reader.low(reader.tensor(op)).number]
    if made.kind != "input" or made.shape.rank != 1 or made.shape.channels != 1:
        message = "it makes whole numbers, and no layer cuts off what stands behind the point"
        raise CannotError(message)
    identity(reader, op)


MOST_FACTORS = 4
"""The largest whole power that is written as a product."""


def power(reader: Reader, op: Operation) -> None:
    """Pow to a small whole number: a product of a tensor with itself."""
    value = reader.tensor(op)
    low = reader.low(value)
    exponent = op.constant(1)
    times = reader.number(exponent) if exponent is not None else None
    if times is None or times != int(times) or not 1 <= times <= MOST_FACTORS:
        what = "another tensor" if times is None else f"{times:g}"
        message = f"the power is {what}, and a product has 2 to {MOST_FACTORS} factors"
        raise CannotError(message)
    if len(exponent.dims if exponent is not None else ()) > len(value.dims or ()):
        message = "its output has more axes than its input"
        raise CannotError(message)
    number = low.number
    if times > 1:
        number = reader.add(op, "multiply", [low.number] * int(times))
    reader.give(op, number, low.layout)


def softmax(reader: Reader, op: Operation) -> None:
    """Softmax and LogSoftmax along one axis, which are the channels then."""
    value = reader.tensor(op)
    dims = value.dims or ()
    old = op.version < 13
    axis = op.attributes.get("axis", 1 if old else -1)
    axis = axis + len(dims) if axis < 0 else axis
    if not 0 <= axis < len(dims):
        message = f"there is no axis {axis}"
        raise CannotError(message)
    if old and any(extent != 1 for extent in dims[axis + 1 :]):
        message = "before version 13 it is over all axes from the one it names"
        raise CannotError(message)
    low = reader.channels_at(op, value, axis)
    kind = "softmax" if op.name == "Softmax" else "log_softmax"
    reader.give(op, reader.add(op, kind, [low.number]), low.layout)


def prelu(reader: Reader, op: Operation) -> None:
    """PRelu, with one slope or one for each channel."""
    slope = op.constant(1)
    value = reader.tensor(op)
    dims = value.dims or ()
    if slope is None:
        message = "its slopes are no constant"
        raise CannotError(message)
    if op.version < 7 and len(slope.dims) == 1 and slope.size > 1 and len(dims) > 2:
        message = "before version 7 its slopes are for channels, and written for the last axis"
        raise CannotError(message)
    weights = {"weight": lambda: slope.release().reshape(-1)}
    if slope.size == 1:
        low = reader.low(value)
        number = reader.add(op, "prelu", [low.number], None, weights, (slope,))
        reader.give(op, number, low.layout)
        return
    axis = lone_axis(slope, len(dims))
    if axis is None or slope.size != dims[axis]:
        message = f"its slopes are {shown(slope.dims)}"
        raise CannotError(message)
    low = reader.channels_at(op, value, axis)
    fields = {"slopes": "channels"}
    reader.give(op, reader.add(op, "prelu", [low.number], fields, weights, (slope,)), low.layout)


def lone_axis(constant: Constant, rank: int) -> int | None:
    """The axis of a tensor that a constant has values along, where it is one alone."""
    front = rank - len(constant.dims)
    along = [front + at for at, extent in enumerate(constant.dims) if extent != 1]
    return along[0] if len(along) == 1 and front >= 0 else None
