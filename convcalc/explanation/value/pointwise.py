"""Values that are computed from the values at one position alone: activations, sums, products."""

from collections.abc import Callable
from math import erf, prod, sqrt
from typing import Any, NamedTuple, cast

from convcalc.explanation.value.base import (
    Asked,
    Made,
    Name,
    added,
    bracketed,
    index_text,
    real,
)
from convcalc.layers.activation import SELU_ALPHA, SELU_SCALE
from convcalc.numbers import value_text


class Function(NamedTuple):
    """An activation function."""

    text: str
    """What it is of x, as NumPy has it; fields of the layer stand in braces."""
    of: Callable[[Any, Any, Any], Any]
    """It, of the array library, the layer and x."""


def _sigmoid(xp: Any, x: Any) -> Any:
    return 1 / (1 + xp.exp(-x))


FUNCTIONS = {
    "relu": Function("np.maximum(x, 0)", lambda xp, _, x: xp.maximum(x, 0)),
    "relu6": Function(
        "np.minimum(np.maximum(x, 0), 6)", lambda xp, _, x: xp.minimum(xp.maximum(x, 0), 6)
    ),
    "leaky_relu": Function(
        "x if x > 0 else {slope} * x", lambda _, layer, x: x if x > 0 else layer.slope * x
    ),
    "elu": Function(
        "x if x > 0 else {alpha} * np.expm1(x)",
        lambda xp, layer, x: x if x > 0 else layer.alpha * xp.expm1(x),
    ),
    "selu": Function(
        f"{SELU_SCALE} * (x if x > 0 else {SELU_ALPHA} * np.expm1(x))",
        lambda xp, _, x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * xp.expm1(x)),
    ),
    "silu": Function("x / (1 + np.exp(-x))", lambda xp, _, x: x * _sigmoid(xp, x)),
    "mish": Function(
        "x * np.tanh(np.logaddexp(0, x))", lambda xp, _, x: x * xp.tanh(xp.logaddexp(0, x))
    ),
    "sigmoid": Function("1 / (1 + np.exp(-x))", lambda xp, _, x: _sigmoid(xp, x)),
    "hardsigmoid": Function(
        "np.minimum(np.maximum(x + 3, 0), 6) / 6",
        lambda xp, _, x: xp.minimum(xp.maximum(x + 3, 0), 6) / 6,
    ),
    "hardswish": Function(
        "x * np.minimum(np.maximum(x + 3, 0), 6) / 6",
        lambda xp, _, x: x * xp.minimum(xp.maximum(x + 3, 0), 6) / 6,
    ),
    "tanh": Function("np.tanh(x)", lambda xp, _, x: xp.tanh(x)),
    "abs": Function("np.abs(x)", lambda xp, _, x: xp.abs(x)),
    "softplus": Function(
        "x if {beta} * x > {threshold} else np.logaddexp(0, {beta} * x) / {beta}",
        lambda xp, layer, x: (
            x if layer.beta * x > layer.threshold else xp.logaddexp(0, layer.beta * x) / layer.beta
        ),
    ),
}
"""Functions of one value without weights."""
EXACTLY = Function(
    "x * (1 + math.erf(x / math.sqrt(2))) / 2", lambda _, __, x: x * (1 + erf(x / sqrt(2))) / 2
)
"""gelu by the normal distribution."""
BY_TANH = Function(
    "x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))",
    lambda xp, _, x: x / 2 * (1 + xp.tanh(xp.sqrt(2 / xp.pi) * (x + 0.044715 * x**3))),
)
"""gelu as it is approximated."""
STEPS = 64
"""Roundings that a function may take on its way, and the error of those that are approximated."""


def _value(asked: Asked) -> Any:
    """What goes in, as a number of the array library."""
    return asked.x[asked.at].astype("float64")


def activation(asked: Asked) -> Made:
    """f(x), the value in its place."""
    return _applied(asked, FUNCTIONS[asked.kind])


def gelu(asked: Asked) -> Made:
    """x·Φ(x), or what is near it."""
    tanh = cast("Any", asked.layer).approximate == "tanh"
    return _applied(asked, BY_TANH if tanh else EXACTLY)


def prelu(asked: Asked) -> Made:
    """x, or a learned slope times x."""
    slopes = asked.weights["weight"]
    at = asked.channel if slopes.size > 1 else 0
    slope = float(slopes[at])
    function = Function("x if x > 0 else w * x", lambda _, __, x: x if x > 0 else slope * x)
    made = _applied(asked, function)
    return made._replace(names={**made.names, "w": Name(f"weight[{at}]", slope)})


def _applied(asked: Asked, function: Function) -> Made:
    x = _value(asked)
    fields = {name: value_text(value) for name, value in vars(asked.layer).items()}
    fields = {name: f"({text})" if text.startswith("-") else text for name, text in fields.items()}
    value = float(function.of(asked.xp, asked.layer, x))
    text = function.text.format(**fields)
    return Made(
        formula=text,
        numbers="",
        value=value,
        names={"x": Name(f"X[{index_text(asked.at)}]", float(x))},
        roundings=STEPS,
        magnitude=abs(float(x)) + abs(value),
    )


def softmax(asked: Asked) -> Made:
    """eˣ by the sum of those of all channels of the position."""
    names, powers, shifted, index = _powers(asked)
    total = float(powers.sum())
    value = float(powers[index]) / total
    return Made(
        formula=f"e[{index}] / np.sum(e)",
        numbers=f"{real(float(powers[index]))}/{real(total)}",
        value=value,
        names=names,
        notes=_shift_note(powers.size),
        roundings=powers.size + 16,
        magnitude=value * (2 + float(abs(shifted).max())),
    )


def log_softmax(asked: Asked) -> Made:
    """The logarithm of that."""
    names, powers, shifted, index = _powers(asked)
    total = float(powers.sum())
    x, logarithm = float(shifted[index]), float(asked.xp.log(powers.sum()))
    return Made(
        formula="x - np.log(np.sum(e))",
        numbers=f"{real(x)} − log({real(total)})",
        value=x - logarithm,
        names={**names, "x": Name(f"X[{index_text(asked.at)}] - np.max({_channels(asked)})", x)},
        notes=_shift_note(powers.size),
        roundings=powers.size + 16,
        magnitude=abs(x) + abs(logarithm) + 1,
    )


def _shift_note(count: int) -> tuple[str, ...]:
    return (f"The sum is over the {count:,} channels of the position, the largest shifted to 0.",)


def _channels(asked: Asked) -> str:
    return f"X[{index_text(asked.place)},:]" if asked.place else "X"


def _powers(asked: Asked) -> tuple[dict[str, Name], Any, Any, int]:
    values = asked.x[asked.place].astype("float64")
    shifted = values - values.max()
    text = _channels(asked)
    names = {"e": Name(f"np.exp({text} - np.max({text}))")}
    return names, asked.xp.exp(shifted), shifted, asked.channel


def scale(asked: Asked) -> Made:
    """w·x + b of the channel."""
    c, x = asked.channel, float(_value(asked))
    weight = float(asked.weights["weight"][c])
    names = {"x": Name(f"X[{index_text(asked.at)}]", x), "w": Name(f"weight[{c}]", weight)}
    formula, value, magnitude = "w * x", x * weight, abs(x * weight)
    numbers = f"{bracketed(weight)}·{bracketed(x)}"
    if "bias" in asked.weights:
        bias = float(asked.weights["bias"][c])
        names["b"] = Name(f"bias[{c}]", bias)
        formula += " + b"
        numbers += f" + {bracketed(bias)}"
        value += bias
        magnitude += abs(bias)
    return Made(formula, numbers, value, names, roundings=4, magnitude=magnitude)


def affine(asked: Asked) -> Made:
    """The layer's factor times the value, and its summand."""
    layer, x = cast("Any", asked.layer), float(_value(asked))
    times, plus = layer.times, layer.plus
    factor = f"({value_text(times)})" if times < 0 else value_text(times)
    numbers = f"{bracketed(times)}·{bracketed(x)}" + (f" + {bracketed(plus)}" if plus else "")
    return Made(
        formula=f"{factor} * x" + (f" + {value_text(plus)}" if plus else ""),
        numbers=numbers,
        value=times * x + plus,
        names={"x": Name(f"X[{index_text(asked.at)}]", x)},
        roundings=4,
        magnitude=abs(times * x) + abs(plus),
    )


def _operands(asked: Asked) -> tuple[list[str], list[float], tuple[str, ...]]:
    """The values that meet, each at its place; an extent of 1 is spread over the others'."""
    texts, values, spread = [], [], []
    for number, (x, shape) in enumerate(zip(asked.xs, asked.shapes, strict=True), 1):
        extents = (*shape.spatial, shape.channels)
        at = tuple(one if extent > 1 else 0 for one, extent in zip(asked.at, extents, strict=True))
        texts.append(f"X{number}[{index_text(at)}]")
        values.append(float(x[at]))
        if at != asked.at:
            spread.append(f"X{number}, which is {shape}, is spread over {asked.plan.output}.")
    return texts, values, tuple(spread)


def add(asked: Asked) -> Made:
    """The sum of the branches."""
    texts, values, notes = _operands(asked)
    return Made(
        formula=" + ".join(texts),
        numbers=added(values),
        value=sum(values),
        notes=notes,
        roundings=len(values),
        magnitude=sum(map(abs, values)),
    )


def multiply(asked: Asked) -> Made:
    """The product of the branches."""
    texts, values, notes = _operands(asked)
    value = prod(values)
    return Made(
        formula=" * ".join(texts),
        numbers="·".join(map(bracketed, values)),
        value=value,
        notes=notes,
        roundings=len(values),
        magnitude=abs(value),
    )


def subtract(asked: Asked) -> Made:
    """The first branch's value less the second's."""
    texts, values, notes = _operands(asked)
    one, other = values
    return Made(
        formula=" - ".join(texts),
        numbers=f"{real(one)} − {bracketed(other)}",
        value=one - other,
        notes=notes,
        roundings=2,
        magnitude=abs(one) + abs(other),
    )


def divide(asked: Asked) -> Made:
    """The first branch's value by the second's."""
    texts, values, notes = _operands(asked)
    one, other = values
    with asked.xp.errstate(all="ignore"):
        value = float(asked.xp.float64(one) / other)
    return Made(
        formula=" / ".join(texts),
        numbers=f"{bracketed(one)}/{bracketed(other)}",
        value=value,
        notes=notes,
        roundings=2,
        magnitude=abs(value),
    )


def maximum(asked: Asked) -> Made:
    """The largest of the branches' values."""
    texts, values, notes = _operands(asked)
    return Made(
        formula=f"np.max([{', '.join(texts)}])",
        numbers=f"max({', '.join(map(real, values))})",
        value=float(asked.xp.max(asked.xp.asarray(values))),
        notes=notes,
    )
