"""Values of normalization in inference: x less a mean, by a deviation, scaled and moved."""

from typing import Any, cast

from convcalc.explanation.value.base import Array, Asked, Made, Name, bracketed, index_text, real
from convcalc.numbers import value_text


def batchnorm(asked: Asked) -> Made:
    """By running statistics; without them by those of the batch, which is this one example."""
    if cast("Any", asked.layer).track_running_stats:
        return _by_running(asked, "In inference the mean and the variance are the running ones.")
    note = "The layer keeps no running statistics, and takes those of the batch: of this example."
    return _by_values(asked, _of_channels(asked, range(asked.channel, asked.channel + 1)), note)


def instancenorm(asked: Asked) -> Made:
    """By the statistics of the channel's positions; by running ones where they are tracked."""
    if cast("Any", asked.layer).track_running_stats:
        return _by_running(asked, "In inference the mean and the variance are the running ones.")
    note = "Mean and variance are those of all positions of the channel."
    return _by_values(asked, _of_channels(asked, range(asked.channel, asked.channel + 1)), note)


def groupnorm(asked: Asked) -> Made:
    """By the statistics of a group of channels."""
    size = asked.shapes[0].channels // cast("Any", asked.layer).groups
    group = asked.channel // size
    read = range(group * size, (group + 1) * size)
    note = (
        f"Mean and variance are those of group {group}, channels {read.start} to {read.stop - 1}."
    )
    return _by_values(asked, _of_channels(asked, read), note)


def layernorm(asked: Asked) -> Made:
    """By the statistics of the position's channels, or of all values."""
    if cast("Any", asked.layer).over == "all":
        note = "Mean and variance are those of all values of the example."
        return _by_values(asked, ("X", asked.x), note, everywhere=True)
    place = asked.place
    text = f"X[{index_text(place)},:]" if place else "X"
    note = "Mean and variance are those of all channels of the position."
    return _by_values(asked, (text, asked.x[place]), note)


def lrn(asked: Asked) -> Made:
    """By the squares of neighbouring channels."""
    layer, channels = cast("Any", asked.layer), asked.shapes[0].channels
    first = max(asked.channel - layer.size // 2, 0)
    end = min(asked.channel + (layer.size - 1) // 2 + 1, channels)
    index = index_text((*asked.place, f"{first or ''}:{end}"))  # type: ignore[arg-type]
    values = asked.x[asked.place][first:end].astype("float64")
    x, squares = _value(asked), float((values * values).sum())
    base = layer.k + layer.alpha / layer.size * squares
    divisor = asked.xp.asarray(base) ** layer.beta
    k, alpha, beta = (value_text(each) for each in (layer.k, layer.alpha, layer.beta))
    value = float(x / divisor)
    return Made(
        formula=f"x / ({k} + {alpha} / {layer.size} * np.sum(X[{index}]**2))**{_power(beta)}",
        numbers=f"{real(x)}/({k} + {alpha}/{layer.size}·{real(squares)})^{beta}",
        value=value,
        names={"x": Name(f"X[{index_text(asked.at)}]", x)},
        notes=(f"The squares are those of {_channels(range(first, end))}.",),
        roundings=values.size + 32,
        magnitude=abs(value) * (1 + abs(layer.beta)),
    )


def l2norm(asked: Asked) -> Made:
    """By the length of the position's channels."""
    eps, x = cast("Any", asked.layer).eps, _value(asked)
    text = f"X[{index_text(asked.place)},:]" if asked.place else "X"
    values = asked.x[asked.place].astype("float64")
    length = float(asked.xp.sqrt((values * values).sum()))
    least = max(length, eps)
    value = x / least if least else float("nan")
    names = {
        "x": Name(f"X[{index_text(asked.at)}]", x),
        "length": Name(f"np.sqrt(np.sum({text}**2))", length),
    }
    formula = f"x / max(length, {value_text(eps)})"
    numbers = f"{real(x)}/{real(least)}"
    if "weight" in asked.weights:
        weight = float(asked.weights["weight"][asked.channel])
        names["w"] = Name(f"weight[{asked.channel}]", weight)
        formula += " * w"
        numbers += f"·{bracketed(weight)}"
        value *= weight
    return Made(
        formula,
        numbers,
        value,
        names,
        notes=(f"The length is that of all {values.size:,} channels of the position.",),
        roundings=values.size + 16,
        magnitude=2 * abs(value),
    )


def _channels(read: range) -> str:
    """Some channels in words."""
    if len(read) == 1:
        return f"channel {read.start} alone"
    return f"channels {read.start} to {read.stop - 1}"


def _power(exponent: str) -> str:
    return f"({exponent})" if exponent.startswith("-") else exponent


def _value(asked: Asked) -> float:
    return float(asked.x[asked.at])


def _of_channels(asked: Asked, read: range) -> tuple[str, Array]:
    """All positions of some channels, as text and as values."""
    axes = [":"] * len(asked.place)
    index = ",".join([*axes, f"{read.start or ''}:{read.stop}"])
    return f"X[{index}]", asked.x[..., read.start : read.stop]


def _by_running(asked: Asked, note: str) -> Made:
    c = asked.channel
    mean, variance = (float(asked.weights[f"running_{name}"][c]) for name in ("mean", "var"))
    names = {
        "mean": Name(f"running_mean[{c}]", mean),
        "var": Name(f"running_var[{c}]", variance),
    }
    return _normalized(asked, names, mean, variance, 1, abs(mean), note, index=str(c))


def _by_values(asked: Asked, of: tuple[str, Array], note: str, *, everywhere: bool = False) -> Made:
    text, values = of[0], of[1].astype("float64")
    mean, variance = float(values.mean()), float(values.var())
    names = {"mean": Name(f"np.mean({text})", mean), "var": Name(f"np.var({text})", variance)}
    index = index_text((asked.channel, *asked.place)) if everywhere else str(asked.channel)
    size = float(abs(values).mean())
    return _normalized(asked, names, mean, variance, values.size, size, note, index=index)


def _normalized(
    asked: Asked,
    names: dict[str, Name],
    mean: float,
    variance: float,
    count: int,
    size: float,
    note: str,
    *,
    index: str,
) -> Made:
    """(x − mean)/√(var + eps)·w + b; `size` is how large the values of the mean are."""
    eps, x = cast("Any", asked.layer).eps, _value(asked)
    at = tuple(map(int, index.split(",")))
    learned = {
        letter: float(asked.weights[name][at])
        for letter, name in (("w", "weight"), ("b", "bias"))
        if name in asked.weights
    }
    names = {"x": Name(f"X[{index_text(asked.at)}]", x), **names}
    formula = f"(x - mean) / np.sqrt(var + {value_text(eps)})"
    minus = f"{real(x)} − {bracketed(mean)}"
    numbers = f"({minus})/√({real(variance)} + {value_text(eps)})"
    with asked.xp.errstate(all="ignore"):
        deviation = asked.xp.sqrt(asked.xp.asarray(variance + eps))
        value = float((x - mean) / deviation)
        scale = float((abs(x) + size) / deviation)
    roundings = count + 16
    if "w" in learned:
        names["w"] = Name(f"weight[{index}]", learned["w"])
        formula += " * w"
        numbers += f"·{bracketed(learned['w'])}"
        value *= learned["w"]
        scale *= abs(learned["w"])
    if "b" in learned:
        names["b"] = Name(f"bias[{index}]", learned["b"])
        formula += " + b"
        sign = "− " if learned["b"] < 0 else "+ "
        numbers += f" {sign}{real(abs(learned['b']))}"
        value += learned["b"]
        scale += abs(learned["b"])
    magnitude = scale + abs(value)
    return Made(
        formula, numbers, value, names, notes=(note,), roundings=roundings, magnitude=magnitude
    )
