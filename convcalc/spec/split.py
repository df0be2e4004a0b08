"""`split`: one item that cuts a tensor into named parts, each an ordinary slice.

Imported when a spec first splits.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, cast

from convcalc.diagnostics import Problem
from convcalc.findings import Findings
from convcalc.layers.base import AXIS_WORDS, Axis, Layer, axis_number, check_axis
from convcalc.layers.channels import LINES, Slice
from convcalc.shape import Shape
from convcalc.spec.flat import EXTENTS, Late, Like
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.values import FieldError, Scope, near_key, quoted, shown, whole, word

if TYPE_CHECKING:
    from convcalc.spec.fields import FieldReader
    from convcalc.spec.names import Reporter

FIELDS = ("into", "axis")
"""What stands under `split`; the first may stand alone."""


class Said(NamedTuple):
    """What an item splits into."""

    names: tuple[ScalarNode, ...]
    """What the parts are called, in order."""
    sizes: tuple[int, ...] | None
    """How much each gets; None for equal parts."""
    axis: Axis
    """The axis that is cut, by its name: `channels` unless another is given."""
    node: Node
    """What is at fault where they do not fit: the value of `into`."""


def read(node: Node, scope: Scope, report: "Reporter", reader: "FieldReader") -> Said | None:
    """What a value behind `split` says; None, and findings, where that is nothing."""
    into: Node | None = node
    axis: Axis = "channels"
    if isinstance(node, Map):
        for key in node.key_nodes():
            if key.text not in FIELDS:
                advice, fix = near_key(key, FIELDS, node)
                advice = advice or "its fields are into, axis; names with sizes stand under `into`"
                report.error("CC109", f"split has no field {quoted(key)}", key, advice, fix=fix)
                return None
        into = node.entries.get("into")
        if "axis" in node.entries:
            try:
                axis = cast("Axis", word(node.entries["axis"], scope, AXIS_WORDS[3] + ("length",)))
            except FieldError as error:
                reader.report(reader.caused(error, scope), field="axis")
                return None
    if into is None or (isinstance(into, ScalarNode) and (not into.text or into.text == "split")):
        advice = "write `split: {into: [a, b]}`, or `split: {into: {a: 16, b: 48}}`"
        report.error("CC115", "split needs the names of its parts", node, advice)
        return None
    return _parts(into, axis, scope, report, reader)


def _parts(
    into: Node, axis: Axis, scope: Scope, report: "Reporter", reader: "FieldReader"
) -> Said | None:
    sizes: tuple[int, ...] | None = None
    names: list[ScalarNode] = []
    wrong: list[Node] = []
    if isinstance(into, Map):
        names += into.key_nodes()
    elif isinstance(into, List):
        names += [each for each in into.items if isinstance(each, ScalarNode)]
        wrong += [each for each in into.items if not isinstance(each, ScalarNode)]
    else:
        wrong.append(into)
    if wrong:
        message = f"into is a list of names, or names with sizes, and this is {quoted(wrong[0])}"
        report.error("CC107", message, wrong[0], "write [a, b], or {a: 16, b: 48}")
        return None
    if len(names) < len("ab"):
        message = f"split makes two parts or more, and has {len(names)}"
        report.error("CC302", message, into, "name a part for each, or use `slice` for one alone")
        return None
    valid = [report.valid_name(name) for name in names]
    if not all(valid):
        return None
    if isinstance(into, Map):
        try:
            sizes = tuple(whole(each, scope) for each in into.entries.values())
        except FieldError as error:
            reader.report(reader.caused(error, scope), field="into")
            return None
        for name, size in zip(names, sizes, strict=True):
            if size < 1:
                message = f"part `{name.text}` is {shown(size)}, which is below 1"
                report.error("CC302", message, into.entries[name.text], "use 1 or more")
                return None
    return Said(tuple(names), sizes, axis, into)


class Part(Late):
    """What makes the slice of one part, once it is known what is split."""

    __slots__ = ("_number", "_said")

    def __init__(self, said: Said, number: int) -> None:
        self._said = said
        self._number = number
        self._made = {}

    @property
    def said(self) -> Said:
        """What the item says."""
        return self._said

    def reads(self, incoming: Shape, name: str) -> frozenset[str]:
        """The extent that is split, for its parts have to fit."""
        del incoming, name
        return frozenset({f"incoming.{self._said.axis}"})

    @property
    def extents(self) -> tuple[int, ...]:
        """Extents that it takes, several where there are."""
        if self._said.sizes is not None:
            return (sum(self._said.sizes),)
        return tuple(len(self._said.names) * extent for extent in EXTENTS)

    def base(self, incoming: Shape, name: str, findings: Findings | None) -> Layer | None:
        """The slice, which is as large as no other tensor."""
        return self.layer(incoming, name, findings)

    def layer(
        self,
        incoming: Shape,
        name: str,
        findings: Findings | None,
        like: Like | None = None,
    ) -> Layer | None:
        """The slice; None where the parts do not fit, which the first of them tells."""
        del like
        if incoming not in self._made:
            self._made[incoming] = self._slice(incoming, name, findings)
        return self._made[incoming]

    def _slice(self, incoming: Shape, name: str, findings: Findings | None) -> Layer | None:
        said = self._said
        problem = next(check_axis(said.axis, incoming), None) or _misfit(said, incoming)
        if problem is not None:
            if findings is not None and not self._number:
                findings.add(problem, findings.places.place(said.node.start, said.node.end), name)
            return None
        extent = incoming.axes[axis_number(said.axis, incoming.rank) or 0]
        count = len(said.names)
        ends = [0, *accumulate(said.sizes or [extent // count] * count)]
        return Slice(start=ends[self._number], stop=ends[self._number + 1], axis=said.axis)


def _misfit(said: Said, x: Shape) -> Problem | None:
    """What is wrong with the sizes of the parts."""
    extent, lines = x.axes[axis_number(said.axis, x.rank) or 0], LINES[said.axis]
    count = len(said.names)
    if said.sizes is None:
        if not extent % count:
            return None
        sizes = _closest(extent, count)
        advice = "give each a size" + (f": {_written(said.names, sizes)}" if min(sizes) else "")
        message = f"{extent} {lines} do not divide into {count} equal parts: {extent}/{count} = "
        return Problem("CC312", f"{message}{extent / count:.4g}", "into", advice)
    total = sum(said.sizes)
    if total == extent:
        return None
    last = said.sizes[-1] + extent - total
    message = f"the parts are {' + '.join(map(str, said.sizes))} = {total} of {extent} {lines}"
    advice = f"let them add up to {extent}"
    if last > 0:
        advice += f", for example with {said.names[-1].text}: {last}"
    return Problem("CC312", message, "into", advice)


def _closest(extent: int, count: int) -> list[int]:
    """The sizes of parts that are as equal as can be."""
    return [extent // count + (number < extent % count) for number in range(count)]


def _written(names: Sequence[ScalarNode], sizes: Sequence[int]) -> str:
    pairs = (f"{name.text}: {size}" for name, size in zip(names, sizes, strict=True))
    return f"`into: {{{', '.join(pairs)}}}`"
