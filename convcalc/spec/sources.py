"""Inputs with names, `input: {left: 105x105x1, right: 105x105x1}`, and what is given for each."""

from collections.abc import Iterator, Mapping, Sequence

from convcalc.diagnostics import Named, Problem, closest, listed
from convcalc.layers import FIRST
from convcalc.shape import Shape
from convcalc.spec.by_axis import means_one_shape, parts_by_axis
from convcalc.spec.fields import FieldReader
from convcalc.spec.flat import LayerNode
from convcalc.spec.given import Given
from convcalc.spec.names import Reporter
from convcalc.spec.nodes import Map, Node, ScalarNode
from convcalc.spec.tree import Spec
from convcalc.spec.values import quoted

EXAMPLE = "224x224x3"
"""A shape that helps show where the spec's own is unknown."""


def sources(
    report: Reporter,
    reader: FieldReader,
    root: Spec,
    node: Node | None,
    outside: Shape | Mapping[str, Shape] | None,
) -> Sequence[Given]:
    """The inputs that a mapping names, or the only one; what is given for each from outside.

    There is one at least, so that a network always has a first.
    """
    if not isinstance(node, Map) or means_one_shape(node):
        one = Given(report, reader, root, outside if isinstance(outside, Shape) else None, node)
        one.refused = isinstance(outside, dict) and _refuse_names(report, one.at, outside)
        return [one]
    if not node.entries:
        report.error(
            "CC110",
            "input names no shape",
            node,
            f"write `input: {EXAMPLE}`, or a name and a shape for each: "
            "`{left: 105x105x1, right: 105x105x1}`",
        )
        empty = Given(report, reader, root, None, node)
        empty.refused = True
        return [empty]
    for key in node.key_nodes():
        if report.valid_name(key) and key.text in FIRST:
            message = f"{quoted(key)} is a kind of layer, and names an input here"
            report.error("CC117", message, key, "choose another name")
    shapes, refused = _from_outside(report, node, outside)
    givens = []
    for name, shape in node.entries.items():
        given = Given(report, reader, root, shapes.get(name), shape, name=name)
        given.refused = refused
        givens.append(given)
    return givens


def _from_outside(
    report: Reporter, node: Map, outside: Shape | Mapping[str, Shape] | None
) -> tuple[Mapping[str, Shape], bool]:
    """The shapes given for inputs by name, and whether some are for none that there is."""
    names = list(node.entries)
    if outside is None:
        return {}, False
    if isinstance(outside, Shape):
        if len(names) == 1:
            return {names[0]: outside}, False
        shown = _written(outside)
        alike = [name for name, own in node.entries.items() if _can_be(own, outside)]
        options = " ".join(f"--input {name}={shown}" for name in alike or ("NAME",))
        called = listed(f"`{name}`" for name in names)
        which = "" if alike else f", with the name of one; they are {called}"
        message = f"input --input {shown} is for one of the {len(names)} inputs, and names none"
        _outside(report, "CC108", message, node, f"write {options}{which}")
        return {}, True
    unknown = [name for name in outside if name not in node.entries]
    for name in unknown:
        near = closest(name, names)
        called = listed(f"`{each}`" for each in names)
        advice = f"did you mean `{near}`?" if near else f"the inputs are {called}"
        message = f"the spec has no input {quoted(ScalarNode(name, 0, 0))} that --input could set"
        _outside(report, "CC118", message, node, advice)
    return outside, bool(unknown)


def _can_be(own: Node, shape: Shape) -> bool:
    """Whether an input may have a shape: its own has as many axes, and as many channels."""
    parts = parts_by_axis(own) or []
    channels = parts[-1] if parts else ""
    alike = not channels.isdecimal() or int(channels) == shape.channels
    return len(parts) == shape.rank + 1 and alike


def _refuse_names(report: Reporter, node: Node, outside: Mapping[str, Shape]) -> bool:
    """Say that shapes by name are for a spec whose only input has none."""
    name, shape = next(iter(outside.items()))
    message = f"the spec's input has no name, and --input {name}={_written(shape)} gives it one"
    _outside(report, "CC118", message, node, f"write --input {_written(shape)}")
    return True


def _outside(report: Reporter, code: str, message: str, own: Node, advice: str) -> None:
    """Report what is wrong with inputs from outside, beside the spec's own."""
    related = ((report.place_of(own), "the spec's own"),)
    problem = Problem(code, message, "input", advice, related=related)
    report.findings.add(problem, Named("--input"))


def behind_only(nodes: Sequence[LayerNode], source: int) -> list[LayerNode]:
    """The layers that read what comes of one input, and of no other."""
    return list(_behind(nodes, source))


def _behind(nodes: Sequence[LayerNode], source: int) -> Iterator[LayerNode]:
    behind = {source}
    for index, node in enumerate(nodes):
        if node.inputs and not node.unknown and behind.issuperset(node.inputs):
            behind.add(index)
            yield node


def _written(shape: Shape) -> str:
    return "x".join(map(str, (*shape.spatial, shape.channels)))
