"""A help that names a number is one to follow: a layer done as it says has no error."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pytest
from draws import Draw
from kinds import pool
from tabled import tabled

from convcalc.diagnostics import Problem
from convcalc.layers import CATALOGUE, UNPOOL, layer_class
from convcalc.layers.base import Layer, axis_number, declarations, defaults
from convcalc.layers.remedies import clipped
from convcalc.layers.sliding import per_axis
from convcalc.shape import Shape

Done = Iterator[tuple[Layer, list[Shape]]]
"""What a layer and its inputs are, once somebody has done what a help says."""
DRAWN = 150
"""Layers of each kind that are tried, and more of those with sizes of their own."""


def extents(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.split("[x×]", text)))


def shape(text: str) -> Shape:
    *spatial, channels = extents(text)
    return Shape(channels, tuple(spatial))


def one_or_per_axis(text: str, present: object) -> Any:
    """What is written: one number where one stands there, or one for each axis."""
    return extents(text) if isinstance(present, tuple) else int(text)


def set_to(field: str, layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    """Each of the values in the field."""
    for text in filter(None, match.groups()):
        yield replace(layer, **{field: one_or_per_axis(text, getattr(layer, field))}), xs


def at_most(field: str, layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    """The value where the field has more."""
    assert not isinstance(getattr(layer, field), tuple), "by axis, all values are said"
    yield replace(layer, **{field: int(match[1])}), xs


def padded(layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    yield replace(layer, padding=tuple(map(tuple, ast.literal_eval(match[1])))), xs


def mapped(layer: Layer, _: list[Shape], match: "re.Match[str]") -> Done:
    """A map of each of the sizes comes in."""
    for text in filter(None, match.groups()):
        yield layer, [Shape(1, extents(text))]


def of_channels(layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    """A map of each of the sizes comes in, with the channels that there are."""
    for changed, (x,) in mapped(layer, xs, match):
        yield changed, [xs[0]._replace(spatial=x.spatial)]


def rounded(layer: Any, xs: list[Shape], _: "re.Match[str]") -> Done:
    yield replace(layer, rounding="floor"), xs


def cropped(layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    yield replace(layer, amount=clipped(layer.amount, [int(match[1])] * xs[0].rank)), xs


def cropped_by(layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    yield replace(layer, amount=tuple(map(tuple, ast.literal_eval(match[1])))), xs


def sliced(layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    """Both ends of the range, in whichever field is at fault."""
    extent = xs[0].axes[axis_number(layer.axis, xs[0].rank) or 0]
    stop = extent if layer.stop is None else layer.stop
    ends = {"start": layer.start, "stop": stop}
    outside = [field for field, end in ends.items() if not -extent <= end <= extent]
    if len(outside) == 1:
        for end in match.groups():
            yield replace(layer, **{outside[0]: int(end)}), xs


def said_twice(layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    yield replace(layer, output_padding=0), xs
    if match[1]:
        yield from padded(layer, xs, match)


def reshaped(_: Layer, xs: list[Shape], match: "re.Match[str]") -> Done:
    product = int(match[1])
    yield layer_class("reshape")(shape=(product,)), xs
    yield layer_class("reshape")(shape=(-1, 1)), xs


def spread(layer: Layer, xs: list[Shape], match: "re.Match[str]") -> Done:
    """The vectors become maps, and have as many channels where that is asked for."""
    vector = shape(match[1])
    after = [vector if x == Shape(vector.channels) else x for x in xs]
    if match[2]:
        after = [x._replace(channels=7) for x in after]
    yield layer, after


def flattened(layer: Layer, xs: list[Shape], match: "re.Match[str]") -> Done:
    assert int(match[1]) == xs[0].size
    assert int(match[2]) == xs[0].channels
    yield from ((layer, [Shape(int(each))]) for each in match.groups())


def flattened_branch(layer: Layer, xs: list[Shape], match: "re.Match[str]") -> Done:
    """The map becomes a vector, as the others are."""
    at = int(match[1]) - 1
    assert xs[at].rank
    yield layer, [Shape(x.size) if number == at else x for number, x in enumerate(xs)]


def any_divisor(layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    channels = int(match[1])
    divisors = (number for number in range(1, channels + 1) if not channels % number)
    field = "heads" if hasattr(layer, "heads") else "groups"
    layers = [replace(layer, **{field: number}) for number in divisors if number != xs[0].size]
    yield from ((each, xs) for each in layers)


def to_multiple(layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    (x,), factors = xs, extents(match[1])
    factors = factors if len(factors) > 1 else factors * x.rank
    for spare in (0, 1):  # what crops, and what pads
        pairs = zip(x.spatial, factors, strict=True)
        sizes = tuple(max((size // each + spare) * each, each) for size, each in pairs)
        yield layer, [x._replace(spatial=sizes)]


def windowed(layer: Any, xs: list[Shape], match: "re.Match[str]") -> Done:
    """A smaller window, and the shift within it."""
    window = one_or_per_axis(match[1], layer.window)
    most = [each - 1 for each in per_axis(window, xs[0].rank)]
    shift = layer.shift
    shift = tuple(map(min, shift, most)) if isinstance(shift, tuple) else min(shift, *most)
    assert shift == layer.shift or "less of a shift" in match[0]
    yield replace(layer, window=window, shift=shift), xs


def as_rows(_: Layer, xs: list[Shape], match: "re.Match[str]") -> Done:
    """A matrix with as many values comes out of each that is none."""
    channels = int(match.groups()[-1])
    shapes = [x for x in xs if x.rank != 1 and x.size % channels == 0]
    assert shapes
    yield layer_class("reshape")(shape=(-1, channels)), shapes[:1]


def in_a_row(layer: Layer, _: list[Shape], match: "re.Match[str]") -> Done:
    """A sequence of numbers comes in, or several that are like each other."""
    assert len({*match.groups()}) == 1
    yield layer, [Shape(1, (int(match[1]),))]


def fitting(layer: Layer, xs: list[Shape], match: "re.Match[str]") -> Done:
    first, second = xs
    yield layer, [first._replace(channels=int(match[1])), second]
    yield layer, [first, second._replace(spatial=(int(match[2]),))]


Do = Callable[[Any, list[Shape], "re.Match[str]"], Done]
PAIRS = r"(\[\[.*?\]\])"
SIZE = r"(\d+(?:[x×]\d+)*)"
DOING: dict[str, Do | str] = {
    r"^write `rounding: floor`": rounded,
    rf"give it a (?:map|length) of {SIZE}(?: or {SIZE})?": of_channels,
    rf"or use padding {PAIRS}$": padded,
    rf"^use kernel {SIZE}, pad more": partial(set_to, "kernel"),
    r"^use a kernel of at most (\d+)": partial(at_most, "kernel"),
    rf"^use kernel {SIZE}(?: or {SIZE})?(?:, or say|$)": partial(set_to, "kernel"),
    rf"which side gets more: padding {PAIRS}": padded,
    r"^use a padding of at most (\d+)": partial(at_most, "padding"),
    rf"^use padding {PAIRS}": padded,
    r"^use padding (\d+)": partial(set_to, "padding"),
    r"^use ((?:\d+x)+\d+|\d+)$": partial(set_to, "output_padding"),
    r"^use at most (\d+)$": partial(at_most, "output_padding"),
    rf"^leave output_padding out for [\d×]+(?:, or write padding {PAIRS}|$)": said_twice,
    r"^use a divisor of \d+ and \d+, such as (\d+)": partial(set_to, "groups"),
    r"^use a divisor of (\d+)$": any_divisor,
    r"^use an end of at least (\d+)$": partial(set_to, "end"),
    r"^use a stop of at least (\d+)$": partial(set_to, "stop"),
    r"^use an offset of at most (\d+)$": partial(at_most, "offset"),
    rf"^use offset {SIZE}$": partial(set_to, "offset"),
    r"^use a start of at most (\d+)$": partial(set_to, "start"),
    r"^use (\d+) to (\d+), or a negative number": sliced,
    r"^leave between (\d+) and (\d+)$": partial(set_to, "size"),
    rf"^leave {SIZE}$": partial(set_to, "size"),
    r"^cut at most (\d+) from every side$": cropped,
    rf"^cut {PAIRS}$": cropped_by,
    r"^use a multiple of (\d+) channels": (
        lambda layer, xs, match: iter([(layer, [xs[0]._replace(channels=int(match[1]))])])
    ),
    r"^use extents whose product (?:is|divides) (\d+)": reshaped,
    rf"for example to {SIZE}$": lambda layer, _, match: iter([(layer, [shape(match[1])])]),
    rf"^`pad` or `crop` it to a multiple of {SIZE}$": to_multiple,
    r"^use a shift of at most (\d+)$": partial(at_most, "shift"),
    rf"^use shift {SIZE}$": partial(set_to, "shift"),
    rf"^use (?:a window of at most|window) {SIZE}(?:$|, and less of a shift$)": windowed,
    r"^`reshape` it: (\d+) values are a (?:matrix|sequence) such as 1x(\d+)$": as_rows,
    r"^`reshape` it to (\d+)x1: its values, one after the other$": lambda layer, _, match: iter(
        [(layer.replace(k=1), [Shape(1, (int(match[1]),))])]
    ),
    r"^`reshape` its positions into one axis: \[-1, (\d+)\]$": as_rows,
    r"^leave at most (\d+)$": lambda layer, xs, match: iter([(layer.replace(k=int(match[1])), xs)]),
    r"^name the pool that made \S+, or make the input (\S+)$": (
        lambda layer, xs, match: iter([(layer, [shape(match[1]), xs[1]])])
    ),
    r"^give branch 1 (\d+) channels, or `reshape` branch 2 to (\d+) rows$": fitting,
    r"^`reshape` the vector to (\S+) to spread it over a map(, and give|$)": spread,
    r"^put `flatten` at the end of branch (\d+)$": flattened_branch,
    r"^put `flatten` before it \(\S+ becomes (\d+)\), or .* \((\d+)\)": flattened,
    r"^write \d+ numbers in a row as `input: (\d+)x1`$": in_a_row,
    r"^one number a position is `input: (\d+)x1`$": in_a_row,
    r"^give each of the \d+ channels .*`input: \{first: (\d+)x1, second: (\d+)x1\}`$": in_a_row,
    r"^give numbers: 1, \[1, 2\]": "the form of a value",
    r"^write `(crop|upsample): 2`": "the form of a value",
    r"^write `pad: 1` for a border": "the form of a value",
    r"^write it as in `input`: 4x4x1024": "the form of a value",
    r"^give \[1(, 2)*(, 3)*(, 4)*(, 5)*\] in the order wanted": "the numbers to put in order",
    r"^1 is the channels, 2 the first spatial axis$": "what the numbers mean",
    r"^give the branches the same number of channels": "1×1 is a kernel of a layer elsewhere",
    r"^give the branches the same strides .* 1×1 map": "1×1 is the map of a layer elsewhere",
}
"""A pattern of helps with a number → what is done, or what the number is."""


def drawn(kind: str, draw: Draw) -> tuple[Layer, list[Shape]]:
    """A layer with some of its fields, and inputs."""
    make: Any = layer_class(kind)
    usual = defaults(make)
    fields = {
        name: draw.whole(-6, 6) if (declared.minimum or 0) < -6 else draw.field(declared)
        for name, declared in declarations(make).items()
        if name not in usual or draw.random() < 0.4
    }
    if kind == UNPOOL:
        x, pooled = draw.shape(), draw.shape()
        axes = ((draw.whole(1, 3), draw.whole(1, 3), draw.whole(0, 1)) for _ in pooled.spatial)
        return make(pool(*axes)), [x, pooled]
    return make(**fields), [draw.shape() for _ in range(2 if make.inputs == "many" else 1)]


def errors(layer: Layer, xs: list[Shape]) -> list[Problem]:
    return [problem for problem in layer.check(xs) if problem.severity == "error"]


USED: Counter[str] = Counter()
"""How often each row of the table was followed."""


@cache
def rows_of(text: str) -> list[tuple[str, re.Match[str]]]:
    """The rows of the table that a help matches."""
    return [(row, match) for row in DOING if (match := re.search(row, text))]


@pytest.mark.thorough
@tabled("kind", CATALOGUE)
def test_a_layer_done_as_a_help_says_has_no_error(kind: str) -> None:
    draw = Draw(kind)
    fields = {*declarations(layer_class(kind))}
    times = (
        16
        if "pool" in kind and "kernel" in fields
        else 10
        if {"kernel", "size", "window"} & fields
        else 1
    )
    for _ in range(DRAWN * times):
        layer, xs = drawn(kind, draw)
        wrong = errors(layer, xs)
        for problem in wrong:
            help_ = problem.help or ""
            if not re.search(r"\d", help_):
                continue
            rows = rows_of(help_)
            assert rows, help_
            if len({each.code for each in wrong}) > 1:
                continue  # what else is wrong stays
            for row, match in rows:
                USED[row] += 1
                done = DOING[row]
                for after, inputs in done(layer, xs, match) if callable(done) else ():
                    left = errors(after, inputs)
                    assert not left, (layer, xs, help_, after, inputs, left)


def test_every_row_is_followed_and_wanted() -> None:
    """Of each row some layer above was told; the table has no other."""
    if not USED:
        test_a_layer_done_as_a_help_says_has_no_error()
    assert {*DOING} == {row for row, times in USED.items() if times}
