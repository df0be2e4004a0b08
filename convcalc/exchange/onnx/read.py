"""ONNX files as specs: operators become layers, constants weights, and the batch goes."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from convcalc.collector import without_collection
from convcalc.diagnostics import Problem
from convcalc.exchange.foreign import Finding, Imported, refused
from convcalc.exchange.onnx.graph import Graph
from convcalc.exchange.onnx.inputs import (
    Given,
    add_input,
    asking,
    laid_out,
    shape_node,
)
from convcalc.exchange.onnx.inputs import (
    notes as notes_of_inputs,
)
from convcalc.exchange.onnx.model import DamagedError, parse
from convcalc.exchange.onnx.operations import Operation, text
from convcalc.exchange.onnx.package import messages
from convcalc.exchange.onnx.patterns import recognise
from convcalc.exchange.onnx.reader import Lost, Lowered, Reader
from convcalc.exchange.onnx.rows import reads
from convcalc.exchange.onnx.scopes import PRODUCER, TORCH
from convcalc.exchange.onnx.values import Batch, UnknownError, Value, shown, size_of
from convcalc.exchange.wiring import CannotError, Wiring
from convcalc.numbers import plural
from convcalc.shape import Shape
from convcalc.spec.nodes import Entry, List, Map, Text
from convcalc.spec.tree import Spec

if TYPE_CHECKING:
    from convcalc.spec.fold.scopes import Scopes
    from convcalc.spec.source import Opened

OTHER_NAMES = frozenset({"", "main_graph", "torch_jit", "torch-jit-export", "graph", "Graph"})
"""What exporters call every graph."""


SIZED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "upsample": frozenset({"size"}),
        "reshape": frozenset({"shape"}),
        "slice": frozenset({"axis"}),
        "crop": frozenset({"amount"}),
        "adaptive_avgpool": frozenset({"size"}),
        "adaptive_maxpool": frozenset({"size"}),
    }
)
"""Kinds whose numbers may hang on how large a map is → the fields that have such numbers."""
BADLY_SAID = (ValueError, TypeError, IndexError, KeyError, OverflowError, ZeroDivisionError)
"""What attributes might raise that have the right types and mean nothing, and nothing sees it."""
UNSEEN = "what it says does not fit what it reads"
"""What is said then; the tests look that nothing is."""


def ready() -> None:
    """Import what reading needs; raises `ImportError` where the package onnx is not installed."""
    messages()


@without_collection
def read(opened: "Opened", given: "Shape | Mapping[str, Shape] | None" = None) -> Imported:
    """The network that a file says; see `Imported`."""
    try:
        model = parse(opened)
        said = Given(model, given)
        refusal = said.refused()
        if refusal is not None:
            return refusal
        folder = os.path.dirname(opened.file)  # noqa: PTH120 (pathlib takes long to import)
        graph = Graph(model, folder, said.extents)
        made = asking(graph) if graph.open else _imported(graph)
        graph.release()
    except DamagedError as error:
        return refused("CC101", str(error), "export it again, and check it with onnx.checker")
    return made


def _imported(graph: Graph) -> Imported:
    scopes = cache(partial(_scopes, graph))
    of_convcalc = graph.model.producer_name == PRODUCER
    wiring = Wiring(paths=partial(_paths, scopes) if of_convcalc else dict)
    reader = Reader(
        wiring,
        fixed=not graph.named,
        module_of=_modules(graph),
        kind_of=partial(_kind, scopes) if of_convcalc else lambda _: "",
    )
    idle = _idle(graph)
    recognise(graph)
    for value in graph.inputs:
        add_input(graph, wiring, value)
    graph.prune()
    for op in graph.operations:
        _lower(reader, op)
    outputs = _outputs(graph, reader)
    live = wiring.live(outputs)
    written = wiring.written(outputs)
    spec = _spec(graph, wiring, written)
    known = _known(graph)
    return Imported(
        spec,
        (*_findings(reader.lost), *known, *_undecided(reader)),
        reader.weights,
        whole=not (reader.lost or known),
        notes=(
            *notes_of_inputs(graph),
            *idle,
            *_worked_out(graph, wiring, live),
            *reader.said(live),
        ),
        quantized=graph.quantized,
        scopes=scopes,
        said=written.said,
        inputs={
            made.origin: written.inputs.get(number, "")
            for number, made in enumerate(wiring.made)
            if made.kind == "input" and number not in wiring.stopgaps
        },
    )


def _idle(graph: Graph) -> list[str]:
    """What is said of operations with weights that no output hangs on, which are left out."""
    idle = graph.idle()
    if not idle:
        return []
    left = {id(op) for op in idle}
    used = {name for op in graph.operations if id(op) not in left for name in _learned(op)}
    learned = [_learned(op) for op in idle]
    count = sum(map(bool, learned))
    held = {name: size for each in learned for name, size in each.items() if name not in used}
    if not count:
        return []
    are = "is" if count == 1 else "are"
    what = f"{plural(count, 'operator')} with {plural(sum(held.values()), 'weight')} {are} left out"
    return [f"{what}: no output hangs on what is made there"]


def _worked_out(graph: Graph, wiring: Wiring, live: Sequence[bool]) -> list[str]:
    """What is said of numbers that may hang on extents which the file leaves open."""
    if not graph.named:
        return []
    kinds = Counter(
        made.kind
        for made, there in zip(wiring.made, live, strict=True)
        if there and made.kind in SIZED and not SIZED[made.kind].isdisjoint(made.fields)
    )
    if not kinds:
        return []
    listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    said = f"the file leaves extents open, and sizes and places in {listed} may hang on those given"
    return [f"{said}: for others import it anew, and leave the parameters as they are"]


def _learned(op: Operation) -> dict[str, int]:
    """The arrays of the file that an operation reads, and how many values each has."""
    read = [value.constant for value in op.inputs if value is not None]
    return {
        each.name: each.size
        for each in read
        if each is not None and each.initializer and each.floats
    }


def _modules(graph: Graph) -> Callable[[str], str]:
    """What gives by the origin of a layer the path of its module, of a file of PyTorch's."""
    if graph.model.producer_name != TORCH:
        return lambda _: ""

    def module(origin: str) -> str:
        from convcalc.exchange.onnx.scopes import scopes_of
        from convcalc.spec.fold.scopes import parts_of

        node = graph.told.get(origin)
        scope = None if node is None else scopes_of(graph.model, {origin: node}).get(origin)
        if scope is not None:
            return ".".join(scope.path)
        return ".".join(parts_of(origin)[:-1]) if origin.startswith("/") else ""

    return module


def _paths(scopes: "Callable[[], Scopes]") -> dict[str, tuple[str, ...]]:
    """By the origin of layers the blocks of the spec that the file was made of."""
    return {origin: each.path for origin, each in scopes().items()}


def _kind(scopes: "Callable[[], Scopes]", origin: str) -> str:
    """The kind of the layer of the spec that an operation comes from; empty where none is said."""
    scope = scopes().get(origin)
    return "" if scope is None else scope.kind


def _scopes(graph: Graph) -> "Scopes":
    """Where layers stand, by their origins."""
    from convcalc.exchange.onnx.scopes import scopes_of

    return scopes_of(graph.model, graph.told)


def _lower(reader: Reader, op: Operation) -> None:
    """Make layers of an operation, or remember that it cannot be said."""
    for value in op.inputs:
        if value is not None and value.constant is None and value.lowered is None:
            return  # what it reads could not be said, and that is told
    function = reads(op) or _unlike
    try:
        if op.malformed:
            _refuse(op.malformed)
        function(reader, op)
        _see_outputs(op)
    except CannotError as error:
        reader.lost.append(Lost(op, error.message, error.help))
    except UnknownError as error:
        reader.lost.append(Lost(op, str(error), None))
    except BADLY_SAID:
        reader.lost.append(Lost(op, UNSEEN, None))
    else:
        return
    _cut(reader, op)


def _see_outputs(op: Operation) -> None:
    """See that a layer gives all that is read of an operation; raises `CannotError`."""
    for value in op.outputs:
        if value.uses and value.lowered is None and value.constant is None:
            _refuse(f"its output {value.number + 1}, `{value.name[:60]}`, is read, too")


def _unlike(reader: Reader, op: Operation) -> None:
    """An operator of no row."""
    del reader, op
    _refuse("no layer is like it")


def _refuse(message: str) -> NoReturn:
    raise CannotError(message)


def _cut(reader: Reader, op: Operation) -> None:
    """Let what an operation makes come in as an input, so that the rest is worked out."""
    for value in op.outputs:
        if not value.uses or value.lowered is not None:
            continue
        dims = value.dims
        if dims is None or sum(isinstance(each, Batch) for each in dims) != 1:
            continue
        attends = "refused" in op.attributes
        merged = op.attributes.get("layout") if attends else None
        if merged is not None and len(dims) == 2:  # positions and examples, and channels
            shape, layout = Shape(size_of(dims[1:]), (size_of(dims[:1]),)), merged
        elif Batch() in dims:
            shape, layout = laid_out(dims, len(dims) - 1 if attends else None)
        else:
            continue
        if shape.rank > 3 or min(shape.axes) < 1:
            continue
        number = reader.wiring.input(shape, op.origin)
        reader.wiring.stopgaps.add(number)
        value.lowered = Lowered(number, layout)


def _outputs(graph: Graph, reader: Reader) -> list[int]:
    """The layers whose outputs are the network's, and those that lead to what cannot be said."""
    stopgaps = reader.wiring.stopgaps
    ends = [value for lost in reader.lost for value in lost.op.inputs if value is not None]
    numbers = [_end(reader, value) for value in graph.outputs if value.lowered is not None]
    live = reader.wiring.live(numbers) if ends else []
    for value in ends:
        if value.lowered is not None and not live[value.lowered.number]:
            numbers.append(value.lowered.number)
            reader.wiring.enliven(live, value.lowered.number)
    return list(dict.fromkeys(number for number in numbers if number not in stopgaps))


def _end(reader: Reader, value: Value) -> int:
    """The layer that gives an output: a vector where the file has one, and no map of one pixel."""
    number = reader.low(value).number
    others = [extent for extent in value.dims or () if extent != Batch()]
    vector = len(others) == 1 and not isinstance(others[0], Batch)  # and no rows of all examples
    if not vector or value.operation is None or not reader.shape(number).rank:
        return number
    return reader.canonical(value.operation, value)


def _findings(lost: list[Lost]) -> list[Finding]:
    """What could not be said, one finding for each operator and reason."""
    alike: dict[tuple[str, str], list[Lost]] = {}
    for each in lost:
        alike.setdefault((each.op.title, each.why), []).append(each)
    findings = []
    for (title, why), group in alike.items():
        first = group[0].op
        shapes = ", ".join(shown(value.dims) for value in first.inputs if value is not None)
        more = f" (and {len(group) - 1:,} more)" if len(group) > 1 else ""
        what = f"{title}{_written_as(group)} of {shapes or 'nothing'}"
        message = f"{what} cannot be said in a spec: {why}{more}"
        findings.append(Finding(Problem("CC601", message, help=group[0].help), first.origin))
    return findings


def _written_as(group: list[Lost]) -> str:
    """The operators that are one finding, with how often each is there, the most first."""
    written = Counter[str]()
    for each in group:
        written.update(each.op.attributes.get("written", ()))
    often = sorted(written.items(), key=lambda each: (-each[1], each[0]))
    return f" ({', '.join(f'{count:,} {name}' for name, count in often)})" if often else ""


def _known(graph: Graph) -> list[Finding]:
    """The outputs that are the same whatever the inputs are, which no layer makes."""
    return [
        Finding(
            Problem(
                "CC601",
                f"the output of {shown(value.constant.dims)} cannot be said in a spec: it hangs on "
                "no input",
            ),
            value.name,
        )
        for value in graph.outputs
        if value.lowered is None and value.constant is not None
    ]


def _undecided(reader: Reader) -> list[Finding]:
    """What is taken for parameters and may be none, one finding for all of it."""
    if not reader.undecided:
        return []
    op, constant = reader.undecided[0]
    values = sum(each.size for _, each in reader.undecided)
    more = len(reader.undecided) - 1
    who = f" and {more:,} more have no names of their own" if more else " has no name of its own"
    message = (
        f"the array {shown(constant.dims)} that {op.title} reads{who}: {values:,} values are "
        "counted as parameters"
    )
    advice = (
        "they are none if the network has them fixed, as means of images or positions by sines: "
        "then take them off the total"
    )
    return [Finding(Problem("CC602", message, help=advice, severity="warning"), op.origin)]


def _spec(graph: Graph, wiring: Wiring, written: Any) -> Spec:
    parameters: dict[str, int] = {}
    shapes = {}
    for number, made in enumerate(wiring.made):
        if made.kind == "input" and (len(written.inputs) < 2 or number in written.inputs):
            if number in wiring.stopgaps and not written.inputs:
                continue
            shapes[number] = shape_node(graph, made, parameters)
    given: Any = (
        next(iter(shapes.values()))
        if len(shapes) == 1
        else Map({written.inputs[number]: node for number, node in shapes.items()})
    )
    name = text(graph.model.graph.name)
    entries: dict[str, Any] = {}
    if name not in OTHER_NAMES and len(name) <= 60 and name.isprintable():
        entries["name"] = Text(name, quoted=not name.replace("_", "").replace("-", "").isalnum())
    entries["input"] = given
    entries["rounding"] = "floor"
    if parameters:
        entries["parameters"] = Map(parameters)
    entries["layers"] = List(written.items)
    if written.outputs:
        entries["outputs"] = List([Text(each) for each in written.outputs])
    return Spec.of([Entry(key, value) for key, value in entries.items()])
