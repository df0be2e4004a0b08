"""The inputs of a file: how large they are, by what is given of them, and which axis is what."""

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.diagnostics import Problem, closest, listed
from convcalc.exchange.foreign import Finding, Imported
from convcalc.exchange.onnx.graph import Graph, Open
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.reader import BATCH, Layout, Lowered
from convcalc.exchange.onnx.rows import LAST, SAME, SECOND, row_of
from convcalc.exchange.onnx.values import Batch, Dims, Value, shown
from convcalc.exchange.wiring import Made, Wiring, legal
from convcalc.shape import Shape
from convcalc.spec.nodes import NOWHERE, List, ScalarNode, Text
from convcalc.spec.words import MEANINGFUL

MOST_FOLLOWED = 200
"""Operations that an input is followed through to find what its axes are."""
WORDS = {3: ("depth", "height", "width"), 2: ("height", "width"), 1: ("length",), 0: ()}
"""What spatial axes are called where a file gives them no names."""


class Given:
    """What is given of the inputs of a file from outside, as `--input` does."""

    def __init__(self, model: Any, given: "Shape | Mapping[str, Shape] | None") -> None:
        own = {each.name for each in model.graph.initializer}
        self.names = [each.name for each in model.graph.input if each.name not in own]
        """What the file calls its inputs."""
        called = {legal(name, "input"): name for name in reversed(self.names)}
        called.update((name, name) for name in self.names)
        self.extents: dict[str, tuple[int, ...]] = {}
        """By what the file calls an input, or "" for any, its extents in the order of ONNX."""
        self.unknown: list[str] = []
        """Names that no input has."""
        named = {"": given} if isinstance(given, Shape) else given or {}
        for name, shape in named.items():
            if name and name not in called:
                self.unknown.append(name)
            else:
                self.extents[called.get(name, "")] = shape.axes

    def refused(self) -> Imported | None:
        """The findings about names that no input has; None where there are none."""
        if not self.unknown:
            return None
        findings = []
        for name in self.unknown:
            near = closest(name, self.names)
            plural = "the inputs are" if len(self.names) > 1 else "its input is"
            known = listed([f"`{each[:60]}`" for each in self.names[:8]])
            advice = f"did you mean `{near}`?" if near else f"{plural} {known}"
            message = f"the file has no input `{name[:60]}` that --input could set"
            findings.append(Finding(Problem("CC118", message, help=advice), "--input"))
        return Imported(None, tuple(findings), whole=False)


def asking(graph: Graph) -> Imported:
    """What there is of a file that leaves open how large its input is."""
    by_input: dict[str, list[Open]] = {}
    for each in graph.open:
        by_input.setdefault(each.input, []).append(each)
    findings = []
    for name, opens in by_input.items():
        words = ", ".join(f"`{each.name}`" if each.name else f"axis {each.axis}" for each in opens)
        option = f"{legal(name, 'input')}=" if len(graph.inputs) > 1 else ""
        message = f"the file leaves open how large the input `{name[:60]}` is: {words}"
        if name in graph.unfit:
            said, (channels, *spatial) = graph.unfit[name]
            dims = "×".join(("N", *(str(each) if each else "?" for each in said)))
            shape = "x".join(map(str, (*spatial, channels)))
            message += f"; it is {dims}, and --input {shape} is none such"
        findings.append(
            Finding(
                Problem(
                    "CC603",
                    message,
                    help=f"say it: --input {option}224x224x3",
                ),
                name,
            )
        )
    return Imported(None, tuple(findings), whole=False)


def notes(graph: Graph) -> list[str]:
    """What is said of inputs that are given in vain, because the file says how large they are.

    And of those whose first extents differ, which all are taken for the examples.
    """
    uneven = [f"{size:,} of `{name[:60]}`" for name, size in graph.first.items()]
    taken = [
        f"the first axis of each input is taken for the examples, and they are {listed(uneven)}"
    ]
    return [
        *(taken if len({*graph.first.values()}) > 1 else ()),
        *(
            f"the file says how large the input `{name[:60]}` is, {shown(dims)}, and --input does "
            "not change what is imported: change `input` in the spec"
            for name, dims in graph.fixed.items()
        ),
    ]


def laid_out(dims: Dims, channels: int | None = None) -> tuple[Shape, Layout]:
    """A tensor as the shape of a layer's output, and what each of its axes is.

    `channels` is the axis that the layer has as its channels: the first that is not the examples
    unless it is given.
    """
    places = [at for at, extent in enumerate(dims) if not isinstance(extent, Batch)]
    if channels is not None:
        places.sort(key=lambda at: (at != channels, at))
    axes = tuple(int(dims[at]) for at in places) or (1,)  # type: ignore[arg-type]
    layout: list[int] = [BATCH] * len(dims)
    for place, at in enumerate(places):
        layout[at] = place
    return Shape.from_axes(axes), tuple(layout)


def add_input(graph: Graph, wiring: Wiring, value: Value) -> None:
    """Let an input of the file be one of the network."""
    if any(op.name == "Gather" for op in graph.operations):
        from convcalc.exchange.onnx.lookups import indices, names_rows

        lowered = indices(wiring, value) if names_rows(graph, value) else None
        if lowered is not None:
            value.lowered = lowered
            return
    shape, layout = laid_out(value.dims or (), _channels(graph, value))
    value.lowered = Lowered(wiring.input(shape, value.name), layout)


def _channels(graph: Graph, given: Value) -> int:
    """Which axis of an input is its channels: what the first operation that cares has there.

    Convolutions have them behind the examples, linear layers, norms and LSTMs last.
    """
    rank = len(given.dims or ())
    if rank < len(("examples", "length", "channels")):
        return rank - 1
    readers: dict[int, list[Operation]] = {}
    for op in graph.operations:
        for value in op.inputs:
            if value is not None and value.constant is None:
                readers.setdefault(id(value), []).append(op)
    waiting: list[tuple[Value, tuple[int, ...]]] = [(given, tuple(range(rank)))]
    seen: set[int] = set()
    for value, axes in waiting:  # which grows
        for op in readers.get(id(value), ()):
            row = row_of(op)
            says = "" if row is None else row.axes
            if says == SECOND:
                channels: int = op.attributes.get("channels", 1)  # as `patterns.focused` says it
                return axes[channels]
            if says == LAST:
                return _last(op, axes)
            if id(op) in seen or len(seen) > MOST_FOLLOWED:
                continue
            seen.add(id(op))
            if op.name == "Transpose" and not op.domain:
                order = op.attributes.get("perm") or tuple(range(rank))[::-1]
                if sorted(order) != list(range(rank)):
                    continue
                turned = tuple(axes[at] for at in order)
                waiting += [(each, turned) for each in op.outputs]
            elif says == SAME:
                waiting += [
                    (each, axes) for each in op.outputs if each.dims and len(each.dims) == rank
                ]
    return 1


def _last(op: Operation, axes: Sequence[int]) -> int:
    """The channels where an operation has them last, or at the axis that it names."""
    alone = op.attributes.get("axes")
    if op.attributes.get("axis", -1) not in (-1, len(axes) - 1) and not alone:
        return 1  # a norm of all values
    return axes[alone[0]] if alone and len(alone) == 1 else axes[-1]


def shape_node(graph: Graph, made: Made, parameters: dict[str, int]) -> Any:
    """The shape of an input as a spec says it, with parameters for what the file leaves open."""
    shape, named = made.shape, graph.named.get(made.origin)
    extents: list[int | str] = [*shape.spatial, shape.channels]
    value = next((each for each in graph.inputs if each.name == made.origin), None)
    if named and value is not None and value.lowered is not None:
        for axis, given in named.items():
            code = value.lowered.layout[axis]
            if isinstance(code, tuple) or code < 0:
                continue
            words = (*WORDS[shape.rank], "channels")
            at = shape.rank if code == 0 else code - 1
            name = _parameter(given or words[at], parameters, int(extents[at]))
            parameters[name] = int(extents[at])
            extents[at] = name
        if parameters:
            return List([Text(each) if isinstance(each, str) else each for each in extents])
    return ScalarNode("x".join(map(str, extents)), NOWHERE, 0)


def _parameter(given: str, parameters: dict[str, int], extent: int) -> str:
    """The name of a parameter for an extent, another one's if that is as large."""
    name = legal(given, "size").replace("-", "_")
    base, count = f"{name}_" if name in MEANINGFUL else name, 2
    name = base
    while parameters.get(name, extent) != extent:
        name, count = f"{base}_{count}", count + 1
    return name
