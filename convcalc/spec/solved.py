"""What an input from outside makes of the parameters that the spec's own is made of.

`input: [size, size, 3]` with `--input 64x64x3` says that `size` is 64, and so it is everywhere.
Where no layer reads the parameter, an input that it cannot make is taken as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from convcalc.diagnostics import listed
from convcalc.layers.base import AXIS_WORDS
from convcalc.spec.expressions import ExpressionError
from convcalc.spec.given import Given
from convcalc.spec.made_of import names_in, read_by_layers, steps
from convcalc.spec.nodes import List, Node, ScalarNode, Value
from convcalc.spec.syntax import parse
from convcalc.spec.tree import Spec
from convcalc.spec.values import described, shown


class Extent(NamedTuple):
    """An extent of an input that is made of parameters, and what it is to be."""

    given: Given
    """The input that it is an extent of, with its shape from outside."""
    axis: str
    """What the axis is called: `height`, `channels`."""
    text: str
    """The expression that makes it."""
    wanted: int
    """How large it is from outside."""
    names: tuple[str, ...]
    """The parameters in it."""

    @property
    def said(self) -> str:
        """The extent as a message has it."""
        made = "" if self.text in self.names else f" (`{self.text[:40]}`)"
        return f"{self.axis} {self.wanted}{made}"


class Solved(NamedTuple):
    """What inputs from outside make of parameters."""

    values: dict[str, object]
    """The parameters that have another value with them, none of which is set otherwise."""
    left: tuple[Extent, ...]
    """Extents that layers hang on, too, and that do not say what their parameters are."""
    set_to: Mapping[str, object]
    """The parameters that are set from outside."""

    def check(self, values: Mapping[str, Value]) -> None:
        """Report what is left that the values of the parameters do not make."""
        for extent in self.left:
            if extent.given.refused or any(name not in values for name in extent.names):
                continue
            try:
                made = parse(extent.text).evaluate(values)
            except ExpressionError:
                continue  # which is told where the input is read
            if made == extent.wanted:
                continue
            fixed = {**self.set_to, **self.values}
            free = [name for name in extent.names if name not in fixed]
            if free:
                names = listed([f"`{name}`" for name in extent.names])
                options = listed([f"`--set {name}=…`" for name in free])
                message = f"{extent.said} is made of {names}, and does not say what is meant"
                _refuse(extent, message, f"set {options}, too, or in place of the input")
            else:
                given = listed([f"{name} = {described(values[name])}" for name in extent.names])
                message = f"{extent.said} is {described(made)} with {given}"
                _refuse(extent, message, "leave the input out, or what is set")


def solved(inputs: Sequence[Given], root: Spec, set_to: Mapping[str, object]) -> Solved:
    """The values that inputs from outside give to parameters, beside those that are set.

    What cannot be so is reported, where a layer reads the parameter or it was set to something
    else.
    """
    declared = root.entries.get("parameters")
    known = set(getattr(declared, "entries", ()))
    extents = [extent for given in inputs for extent in _extents(given, known)]
    names = dict.fromkeys(name for extent in extents for name in extent.names)
    read = {name: name in read_by_layers(root.entries, name) for name in names}
    values: dict[str, object] = {}
    for name, elsewhere in read.items():
        own = [extent for extent in extents if extent.names == (name,)]
        value = _value(name, own, elsewhere=elsewhere, set_to=set_to)
        if value is not None and name not in set_to:
            values[name] = value
    left = tuple(
        extent
        for extent in extents
        if _steps(extent) is None and any(read[name] for name in extent.names)
    )
    return Solved(values, left, set_to)


def _extents(given: Given, known: set[str]) -> Iterator[Extent]:
    """The extents of an input from outside that the spec makes of parameters."""
    shape, node = given.input_shape, given.node
    if shape is None or given.refused:
        return
    items: Sequence[Node] = node.items if isinstance(node, List) else (node,) if node else ()
    if len(items) != shape.rank + 1:
        return
    words = (*AXIS_WORDS[shape.rank][1:], "channels") if shape.rank in AXIS_WORDS else ()
    for item, axis, wanted in zip(items, words, (*shape.spatial, shape.channels), strict=False):
        if isinstance(item, ScalarNode) and (names := names_in(item) & known):
            yield Extent(given, axis, item.text, wanted, tuple(sorted(names)))


def _value(
    name: str, extents: Sequence[Extent], *, elsewhere: bool, set_to: Mapping[str, object]
) -> int | None:
    """The value of a parameter with which it makes extents; None where there is no one such."""
    made: dict[int, Extent] = {}
    for extent in extents:
        known = _steps(extent)
        if known is None:
            continue
        value = extent.wanted
        for times, shift, _ in reversed(known):
            value, rest = divmod(value - shift, times)
            if rest:
                break
        else:
            made.setdefault(value, extent)
            continue
        if elsewhere:
            near = [_at(known, each) for each in (value, value + 1)]
            message = f"no whole {name} makes {extent.said}"
            _refuse(extent, message, f"use {shown(near[0])} or {shown(near[1])}")
        return None
    if not made:
        return None
    (value, first), *more = made.items()
    if more and elsewhere:
        (another, second), *_ = more
        message = f"{first.said} makes {name} {value}, and {second.said} makes it {another}"
        _refuse(second, message, f"give both as one value of `{name}` makes them")
    if more:
        return None
    if name in set_to and _number(set_to[name]) not in (None, value):
        message = f"{first.said} makes {name} {value}, and it is set to {set_to[name]}"
        _refuse(first, message, f"leave `--set {name}={set_to[name]}` out, or the input")
        return None
    return value


def _number(value: object) -> float | None:
    """The number that a parameter is set to, which may be text; None where it is none."""
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def _steps(extent: Extent) -> tuple[tuple[int, int, int], ...] | None:
    """How the only parameter of an extent makes it, if one value of it alone can."""
    try:
        known = steps(parse(extent.text)) if len(extent.names) == 1 else None
    except ExpressionError:
        return None
    return None if known is None or any(over > 1 for *_, over in known) else known


def _at(known: Sequence[tuple[int, int, int]], value: int) -> int:
    """What an expression makes of a value."""
    for times, shift, over in known:
        value = (times * value + shift) // over
    return value


def _refuse(extent: Extent, message: str, advice: str) -> None:
    """Say that an input from outside cannot be."""
    given, shape = extent.given, extent.given.input_shape
    written = "" if shape is None else "x".join(map(str, (*shape.spatial, shape.channels)))
    given.outside("CC108", f"input {given.option}{written}: {message}", given.at, advice)
    given.refused = True
