"""Values of pooling: the largest, the mean or the norm of the values of one channel."""

from collections.abc import Sequence
from itertools import product
from math import inf, nan, prod
from typing import Any, cast

from convcalc.explanation.value.base import (
    Array,
    Asked,
    Made,
    Name,
    Patch,
    at_places,
    bracketed,
    index_text,
    real,
    slice_text,
)
from convcalc.layers.pooling import power, taps_within
from convcalc.layers.sliding import LINE_NAMES, unrounded_windows
from convcalc.numbers import plural, value_text
from convcalc.window import Window, meeting, values_under


def maxpool(asked: Asked) -> Made:
    """The largest value under the kernel."""
    return _largest(asked, _under_kernel(asked))


def global_maxpool(asked: Asked) -> Made:
    """The largest value of the map."""
    return _largest(asked, [range(size) for size in asked.sizes])


def adaptive_maxpool(asked: Asked) -> Made:
    """The largest value of a region."""
    return _largest(asked, _under_kernel(asked))


def kmaxpool(asked: Asked) -> Made:
    """One of the largest values of the channel, at the place that it has among them."""
    xp, k, c = asked.xp, cast("Any", asked.layer).k, asked.channel
    (number,) = asked.place
    places = xp.sort(xp.argsort(-asked.x[:, c], kind="stable")[:k])
    at = int(places[number])
    return Made(
        formula=f"X[P[{number}],{c}]",
        numbers="",
        value=float(asked.x[at, c]),
        names={"P": Name(f"np.sort(np.argsort(-X[:,{c}], kind='stable')[:{k}])")},
        notes=(f"P are the places of the {k} largest values of the channel: this one is {at}.",),
    )


def maxunpool(asked: Asked) -> Made:
    """The value of the last window whose largest value stood here, or 0."""
    xp, c, windows = asked.xp, asked.channel, cast("Any", asked.layer).windows
    x, pooled = asked.xs
    last = None
    met = [
        meeting(window, at, outputs)
        for window, at, outputs in zip(windows, asked.place, asked.sizes, strict=True)
    ]
    for output in product(*met):
        places = [
            values_under(window, at, 0, size)
            for window, at, size in zip(windows, output, asked.shapes[1].spatial, strict=True)
        ]
        flat = at_places(xp, pooled[..., c : c + 1], places).reshape(-1)
        missing = xp.isnan(flat)
        number = int(missing.argmax() if missing.any() else flat.argmax())
        within = xp.unravel_index(number, tuple(map(len, places)))
        stood = tuple(along[int(n)] for along, n in zip(places, within, strict=True))
        if stood == tuple(asked.place):
            last = output
    if last is None:
        note = "No window of the pool has its largest value here: X2 is larger around it."
        return Made("0.0", "", 0.0, notes=(note,))
    at = index_text((*last, c))
    where = f"X2[{index_text((*asked.place, c))}]"
    note = f"{where} is the largest value under the pool's window {index_text(last)}."
    return Made(formula=f"X1[{at}]", numbers="", value=float(x[last][c]), notes=(note,))


def avgpool(asked: Asked) -> Made:
    """The mean of the values under the kernel, with or without padding, or a sum by a divisor."""
    layer = cast("Any", asked.layer)
    places = _under_kernel(asked)
    if layer.divisor is not None:
        count, why = layer.divisor, "The layer's divisor stands in the place of the count."
    else:
        given = unrounded_windows(layer, asked.sizes)
        counts = [
            _counted(window, place, size, padded=layer.count_include_pad)
            for window, place, size in zip(given, asked.place, asked.sizes, strict=True)
        ]
        count, read = prod(counts), prod(map(len, places))
        why = f"{' · '.join(map(str, counts))} = {count:,} positions count"
        if count > read:
            why += f", {count - read:,} of them zeros of the padding"
        elif read < prod(window.kernel for window in asked.plan.windows):
            why += ": what is outside of the map does not"
        why += "."
    return _mean(asked, places, count, why)


def adaptive_avgpool(asked: Asked) -> Made:
    """The mean of a region."""
    places = _under_kernel(asked)
    return _mean(asked, places, prod(map(len, places)), "Every value of the region counts.")


def global_avgpool(asked: Asked) -> Made:
    """The mean of the map."""
    places = [range(size) for size in asked.sizes]
    return _mean(asked, places, prod(asked.sizes), "Every position of the map counts.")


def channel_avgpool(asked: Asked) -> Made:
    """The mean of the channels of a position."""
    patch, where = _of_position(asked)
    total, count = float(patch.values.sum()), patch.values.size
    return Made(
        formula=f"np.sum({where}) / {count}",
        numbers=f"{bracketed(total)}/{count:,}",
        value=total / count,
        patch=patch,
        notes=("Every channel of the position counts.",),
        roundings=count + 4,
        magnitude=float(abs(patch.values).sum()) / count,
    )


def channel_maxpool(asked: Asked) -> Made:
    """The largest value of the channels of a position."""
    patch, where = _of_position(asked)
    missing = asked.xp.isnan(patch.values)
    winner = int(missing.argmax() if missing.any() else patch.values.argmax())
    at = (*asked.place, winner)
    count = plural(patch.values.size, "channel")
    return Made(
        formula=f"np.max({where})",
        numbers="",
        value=float(patch.values[winner]),
        patch=patch,
        notes=(f"The largest value of {count} is that of channel {winner}: X[{index_text(at)}].",),
        winner=at,
    )


def _of_position(asked: Asked) -> tuple[Patch, str]:
    """The channels of the position, and the text of them."""
    values = asked.x[asked.place].astype("float64")
    index = f"[{index_text(asked.place)},:]" if asked.place else ""
    return Patch(values, tuple(range(values.size)), ()), f"X{index}"


def lppool(asked: Asked) -> Made:
    """The p-th root of the sum of p-th powers under the kernel."""
    layer, xp = cast("Any", asked.layer), asked.xp
    p, places = layer.norm, _under_kernel(asked)
    patch, where = _patch(asked, places)
    exponent = value_text(p)
    powers = power(xp, patch.values, p)
    total, scale, notes = float(powers.sum()), 1.0, []
    given = unrounded_windows(layer, asked.sizes)
    axes = zip(given, asked.plan.windows, asked.place, asked.sizes, strict=True)
    text = f"np.sum({where}**{exponent})"
    for window, rounded, place, size in axes:
        count = _counted(window, place, size, padded=True)
        if rounded != window:
            scale *= window.kernel / count
            text += f" * {window.kernel} / {count}"
    if scale != 1:
        notes.append(
            "The window reaches beyond the padding, and its sum is scaled up to a whole kernel."
        )
    root = float(power(xp, xp.asarray(total * scale), 1 / p))
    if total < 0 or root != root:  # noqa: PLR0124 (NaN alone is not itself)
        notes.append("A number below 0 has no such root: the value is NaN.")
    if scale != 1:
        text = f"({text})"
    factor = f" · {real(scale)}" if scale != 1 else ""
    sums = float(abs(powers).sum())
    return Made(
        formula=f"{text}**(1/{exponent})",
        numbers=f"({real(total)}{factor})^(1/{exponent})",
        value=root,
        patch=patch,
        notes=tuple(notes),
        roundings=powers.size + 16,
        magnitude=abs(root) * (sums / abs(total) if total else 1.0) * (1 + 1 / p),
    )


def _under_kernel(asked: Asked) -> list[range]:
    """The places of the map under the kernel, or in the region, without those of padding."""
    return [
        values_under(window, place, 0, size)
        for window, place, size in zip(asked.plan.windows, asked.place, asked.sizes, strict=True)
    ]


def _counted(window: Window, place: int, size: int, *, padded: bool) -> int:
    """How many positions count along an axis: of the map, and of its padding if `padded`."""
    before, after = (window.before, window.after) if padded else (0, 0)
    start = place * window.stride - window.before
    return taps_within(window, -before - start, size + after - start)


def _patch(asked: Asked, places: Sequence[range]) -> tuple[Patch, str]:
    """The values of the channel at some places, and the text of them."""
    channel = asked.channel
    values = at_places(asked.xp, asked.x[..., channel : channel + 1], places)
    patch = Patch(values, (channel,), tuple(map(tuple, places)))
    return patch, f"X[{','.join(map(_slice, places, asked.sizes))},{channel}]"


def _slice(places: range, size: int) -> str:
    if not places:
        return ":0"
    return ":" if places == range(size) else slice_text(places)


def _largest(asked: Asked, places: Sequence[range]) -> Made:
    patch, where = _patch(asked, places)
    values: Array = patch.values
    if not values.size:
        note = "The kernel meets padding alone here, and padding never wins: nothing is larger."
        return Made("-np.inf", "", -inf, patch=patch, notes=(note,))
    flat = values.reshape(-1)
    missing = asked.xp.isnan(flat)
    number = int(missing.argmax() if missing.any() else flat.argmax())
    value = float(flat[number])
    within = asked.xp.unravel_index(number, tuple(map(len, places)))
    winner = tuple(along[int(each)] for along, each in zip(places, within, strict=True))
    equal = int((flat == value).sum())
    names = LINE_NAMES[len(places)]
    where_text = ", ".join(f"{name} {at}" for name, at in zip(names, winner, strict=True))
    note = f"The largest of {plural(values.size, 'value')} stands at {where_text}"
    if equal > 1:
        note += f"; {equal:,} are as large, and this is the first"
    left_out = prod(window.kernel for window in asked.plan.windows) - values.size
    notes = [f"{note}: it is X[{index_text((*winner, asked.channel))}]."]
    if asked.kind == "maxpool" and left_out > 0:
        notes.append(
            f"{plural(left_out, 'position')} under the kernel outside of the map are left out."
        )
    return Made(
        formula=f"np.max({where})",
        numbers="",
        value=value,
        patch=patch,
        notes=tuple(notes),
        winner=(*winner, asked.channel),
    )


def _mean(asked: Asked, places: Sequence[range], count: int, why: str) -> Made:
    patch, where = _patch(asked, places)
    total = float(patch.values.sum())
    return Made(
        formula=f"np.sum({where}) / {count}",
        numbers=f"{bracketed(total)}/{count:,}",
        value=total / count if count else nan,
        patch=patch,
        notes=(why,),
        roundings=patch.values.size + 4,
        magnitude=float(abs(patch.values).sum()) / max(count, 1),
    )
