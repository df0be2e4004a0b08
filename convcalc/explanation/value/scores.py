"""Which positions attention is over, and what is added to scores, in numbers and in NumPy."""

from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from convcalc.explanation.value.base import Array, Asked, Name
from convcalc.layers.attention import Attention
from convcalc.layers.relative import TABLE, relative_index
from convcalc.layers.windows import MASKED, Cut


class Scored(NamedTuple):
    """The positions that a query meets."""

    at: int
    """Which of them is the query's own."""
    tokens: tuple[Array, ...]
    """By input the positions of it, (positions, channels)."""
    read: tuple[str, ...]
    """The same as NumPy has it."""
    added: Any = 0.0
    """What is added to scores, (heads, positions)."""
    terms: tuple[str, ...] = ()
    """The same as NumPy has it."""
    names: Mapping[str, Name] = MappingProxyType({})
    """What names in these are."""
    said: str = ""
    """What the positions are, behind their number."""


def scored(asked: Asked) -> Scored:
    """All positions, or those of the part of the map that the query stands in."""
    layer = cast("Attention", asked.layer)
    if layer.cuts:
        return _within(asked, layer, layer.cut(asked.shapes[0]))
    inputs = [*zip(asked.xs, asked.shapes, strict=True)]
    texts = [f"X{number}" for number in range(1, len(inputs) + 1)] if inputs[1:] else ["X"]
    return Scored(
        at=int(asked.xp.ravel_multi_index(asked.place, asked.sizes)),
        tokens=tuple(x.reshape(-1, shape.channels) for x, shape in inputs),
        read=tuple(
            f"{text}.reshape(-1, {shape.channels})"
            for text, (_, shape) in zip(texts, inputs, strict=True)
        ),
    )


def _within(asked: Asked, layer: Attention, cut: Cut) -> Scored:
    xp, channels = asked.xp, asked.shapes[0].channels
    # Where the query stands once windows are moved, and in its part.
    moved = [
        (place - shift) % whole
        for place, shift, whole in zip(asked.place, cut.shift, cut.whole, strict=True)
    ]
    steps = cut.outer if cut.by == "grid" else (1,) * len(moved)
    first = [
        place % step if cut.by == "grid" else place // inner * inner
        for place, step, inner in zip(moved, steps, cut.inner, strict=True)
    ]
    own = [(at - one) // step for at, one, step in zip(moved, first, steps, strict=True)]
    x, text, names = asked.x, "X", dict[str, Name]()
    if cut.whole != cut.sizes:
        pairs = [(0, more - size) for size, more in zip(cut.sizes, cut.whole, strict=True)]
        x, names["P"] = xp.pad(x, [*pairs, (0, 0)]), Name(f"np.pad({text}, {[*pairs, (0, 0)]})")
        text = "P"
    if cut.shifted:
        by, axes = tuple(-shift for shift in cut.shift), tuple(range(len(moved)))
        x, names["S"] = xp.roll(x, by, axes), Name(f"np.roll({text}, {by}, {axes})")
        text = "S"
    if cut.parts > 1:
        places = [
            slice(one, one + inner * step, step)
            for one, inner, step in zip(first, cut.inner, steps, strict=True)
        ]
        x = x[tuple(places)]
        shown = ",".join(
            f"{one.start}:{one.stop}" + (f":{one.step}" if one.step > 1 else "") for one in places
        )
        text = f"{text}[{shown}]"
    names["T"] = Name(f"{text}.reshape(-1, {channels})")
    at = int(xp.ravel_multi_index(tuple(own), cut.inner))
    extra: Any = xp.zeros((layer.heads, cut.length))
    terms = []
    if layer.relative_bias:
        rows = relative_index(xp, cut.inner)[at]
        extra = extra + asked.weights[TABLE][rows].astype("float64").T
        names["B"] = Name(f"{TABLE}[{_rows(own, cut.inner)}].T")
        terms.append("B")
    if cut.shifted:
        apart = cut.mask(xp, "float64").reshape(cut.parts, cut.length, cut.length)
        part = int(xp.ravel_multi_index(
            tuple(one // inner for one, inner in zip(first, cut.inner, strict=True)), cut.outer
        ))  # fmt: skip
        extra = extra + apart[part, at]
        names["D"] = Name(_apart(cut, first, own))
        terms.append(f"{MASKED:g} * D")
    said = f" of its {cut.by}" if cut.parts > 1 else ""
    return Scored(at, (x.reshape(-1, channels),), ("T",), extra, tuple(terms), names, said)


def _rows(own: list[int], inner: tuple[int, ...]) -> str:
    """The rows of the table for a query and all positions of its part."""
    text = ""
    for axis, (at, size) in enumerate(zip(own, inner, strict=True)):
        along = f"{at + size - 1} - np.arange({size})"
        stride = prod(2 * other - 1 for other in inner[axis + 1 :])
        along = f"({along}) * {stride}" if stride > 1 else along
        text = f"np.add.outer({text}, {along})" if text else along
    return f"({text}).ravel()" if len(own) > 1 else text


def _apart(cut: Cut, first: list[int], own: list[int]) -> str:
    """Which positions of a part a shift brought to the query from elsewhere."""
    text = ""
    for one, at, inner, shift, whole in zip(
        first, own, cut.inner, cut.shift, cut.whole, strict=True
    ):
        places = f"np.arange({one}, {one + inner})"
        far = one + at >= whole - shift
        along = f"({places} >= {whole - shift}) != {far}" if shift else f"{places} < 0"
        text = f"np.logical_or.outer({text}, {along})" if text else along
    return f"({text}).ravel()"
