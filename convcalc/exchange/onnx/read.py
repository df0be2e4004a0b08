"""ONNX files as specs: operators become layers, constants weights, and the batch goes."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from convcalc.collector import without_collection
from convcalc.diagnostics import Problem
from convcalc.exchange.foreign import Finding, Imported, refused
from convcalc.exchange.onnx.graph import Graph, Open
from convcalc.exchange.onnx.model import DamagedError, parse
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.patterns import recognise
from convcalc.exchange.onnx.pointwise import POINTWISE
from convcalc.exchange.onnx.reader import BATCH, Lost, Lowered, Reader
from convcalc.exchange.onnx.rows import reads
from convcalc.exchange.onnx.values import Batch, UnknownError, Value, shown
from convcalc.exchange.wiring import CannotError, Made, Wiring, legal
from convcalc.shape import Shape
from convcalc.spec.expressions import FUNCTIONS
from convcalc.spec.names import RESERVED
from convcalc.spec.nodes import NOWHERE, Entry, List, Map, ScalarNode, Text
from convcalc.spec.tree import Spec

if TYPE_CHECKING:
    from convcalc.spec.source import Opened

MEANINGFUL = RESERVED | {"incoming", "null"} | FUNCTIONS.keys()
"""Words that mean something where a parameter is written, or used in an expression."""
OTHER_NAMES = frozenset({"", "main_graph", "torch_jit", "torch-jit-export", "graph", "Graph"})
"""What exporters call every graph."""


BADLY_SAID = (ValueError, TypeError, IndexError, KeyError, OverflowError, ZeroDivisionError)
"""What attributes raise that have the right types and mean nothing, as a list that is too short."""


@without_collection
def read(opened: "Opened", given: "Shape | Mapping[str, Shape] | None" = None) -> Imported:
    """The network that a file says; see `Imported`."""
    try:
        model = parse(opened)
        extents = _given(given)
        graph = Graph(model, str(Path(opened.file).parent), extents)
        if graph.open:
            return _asking(graph)
        return _imported(graph)
    except DamagedError as error:
        return refused("CC101", str(error), "export it again, and check it with onnx.checker")


def _given(given: "Shape | Mapping[str, Shape] | None") -> dict[str, tuple[int, ...]]:
    """Extents of inputs in the order in which ONNX has them."""
    if given is None:
        return {}
    named = {"": given} if isinstance(given, Shape) else given
    return {name: shape.axes for name, shape in named.items()}


def _asking(graph: Graph) -> Imported:
    """What there is of a file that leaves open how large its input is."""
    by_input: dict[str, list[Open]] = {}
    for each in graph.open:
        by_input.setdefault(each.input, []).append(each)
    findings = []
    for name, opens in by_input.items():
        words = ", ".join(f"`{each.name}`" if each.name else f"axis {each.axis}" for each in opens)
        option = f"{legal(name, 'input')}=" if len(graph.inputs) > 1 else ""
        findings.append(
            Finding(
                Problem(
                    "CC603",
                    f"the file leaves open how large the input `{name[:60]}` is: {words}",
                    help=f"say it: --input {option}224x224x3",
                ),
                name,
            )
        )
    return Imported(None, tuple(findings), whole=False)


def _fixed(graph: Graph) -> list[str]:
    """What is said of inputs that are given in vain, because the file says how large they are."""
    return [
        f"the file says how large the input `{name[:60]}` is, {shown(dims)}, and --input does not "
        "change what is imported: change `input` in the spec"
        for name, dims in graph.fixed.items()
    ]


def _imported(graph: Graph) -> Imported:
    wiring = Wiring()
    reader = Reader(wiring, fixed=not graph.named)
    recognise(graph)
    for value in graph.inputs:
        _input(graph, wiring, value)
    for op in _wanted(graph):
        _lower(reader, op)
    outputs = _outputs(graph, reader)
    written = wiring.written(outputs)
    spec = _spec(graph, wiring, written)
    return Imported(
        spec,
        (*_findings(reader.lost), *_undecided(reader)),
        reader.weights,
        whole=not reader.lost,
        notes=(*_fixed(graph), *reader.said(wiring.live(outputs))),
        quantized=graph.quantized,
    )


def _input(graph: Graph, wiring: Wiring, value: Value) -> None:
    dims = value.dims or ()
    if any(op.name == "Gather" for op in graph.operations):
        from convcalc.exchange.onnx.lookups import looked_up, numbers

        lowered = numbers(wiring, value) if looked_up(graph, value) else None
        if lowered is not None:
            value.lowered = lowered
            return
    places = [at for at, extent in enumerate(dims) if not isinstance(extent, Batch)]
    channels = _channels(graph, value)
    order = sorted(places, key=lambda at: (at != channels, at))
    axes = tuple(int(dims[at]) for at in order) or (1,)  # type: ignore[arg-type]
    number = wiring.input(Shape.from_axes(axes), value.name)
    layout: list[int] = [BATCH] * len(dims)
    for place, at in enumerate(order):
        layout[at] = place
    value.lowered = Lowered(number, tuple(layout))


MOST_FOLLOWED = 200
"""Operations that an input is followed through to find what its axes are."""
_FIRST = frozenset({"Conv", "FusedConv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool",
    "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "InstanceNormalization",
    "GroupNormalization", "LRN", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth",
    "ChannelShuffle", "PRelu"})  # fmt: skip
_LAST = frozenset({"MatMul", "Gemm", "LayerNormalization", "LSTM", "GRU", "Attention"})
_PASSING = frozenset({"Add", "Sub", "Mul", "Div", "Sum", "Concat", "Slice", "Split", "Pad", "Clip",
    "Dropout"})  # fmt: skip


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
            if op.name in _FIRST:
                return axes[1]
            if op.name in _LAST:
                alone = op.attributes.get("axes")
                if op.attributes.get("axis", -1) not in (-1, rank - 1) and not alone:
                    return 1  # a norm of all values
                return axes[alone[0]] if alone and len(alone) == 1 else axes[-1]
            if id(op) in seen or len(seen) > MOST_FOLLOWED:
                continue
            seen.add(id(op))
            if op.name == "Transpose":
                order = op.attributes.get("perm") or tuple(range(rank))[::-1]
                if sorted(order) != list(range(rank)):
                    continue
                turned = tuple(axes[at] for at in order)
                waiting += [(each, turned) for each in op.outputs]
            elif op.name in _PASSING or op.name in POINTWISE or op.name == "Gelu":
                waiting += [
                    (each, axes) for each in op.outputs if each.dims and len(each.dims) == rank
                ]
    return 1


def _lower(reader: Reader, op: Operation) -> None:
    """Make layers of an operation, or remember that it cannot be said."""
    unknown = [
        value
        for value in op.inputs
        if value is not None and value.constant is None and value.lowered is None
    ]
    if unknown:
        return  # what it reads could not be said, and that is told
    function = reads(f"{op.domain}:{op.name}" if op.domain else op.name) or _unlike
    try:
        if op.malformed:
            _refuse(op.malformed)
        function(reader, op)
    except CannotError as error:
        reader.lost.append(Lost(op, error.message, error.help))
    except UnknownError as error:
        reader.lost.append(Lost(op, str(error), None))
    except BADLY_SAID as error:
        why = " ".join(str(error).split())[:100]
        reader.lost.append(Lost(op, f"what it says does not fit what it reads: {why}", None))
    else:
        return
    _cut(reader, op)


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
        if dims is None or Batch() not in dims or sum(isinstance(each, Batch) for each in dims) > 1:
            continue
        places = [at for at, extent in enumerate(dims) if not isinstance(extent, Batch)]
        axes = tuple(int(dims[at]) for at in places) or (1,)  # type: ignore[arg-type]
        if not 0 < len(axes) <= 4 or min(axes) < 1:
            continue
        number = reader.wiring.input(Shape.from_axes(axes), op.origin)
        reader.wiring.stopgaps.add(number)
        layout: list[int] = [BATCH] * len(dims)
        for place, at in enumerate(places):
            layout[at] = place
        value.lowered = Lowered(number, tuple(layout))


def _wanted(graph: Graph) -> list[Operation]:
    """The operations that the outputs need, in their order."""
    needed: set[int] = set()
    waiting = [value.operation for value in graph.outputs]
    while waiting:
        op = waiting.pop()
        if op is None or id(op) in needed:
            continue
        needed.add(id(op))
        waiting += [value.operation for value in op.inputs if value is not None]
    wanted = [op for op in graph.operations if id(op) in needed]
    for op in graph.operations:
        for value in (*op.inputs, *op.outputs):
            if value is not None:
                value.uses = 0
    for op in wanted:
        for value in op.inputs:
            if value is not None:
                value.uses += 1
    for value in graph.outputs:
        value.uses += 1
    return wanted


def _outputs(graph: Graph, reader: Reader) -> list[int]:
    """The layers whose outputs are the network's, and those that lead to what cannot be said."""
    stopgaps = reader.wiring.stopgaps
    ends = [value for lost in reader.lost for value in lost.op.inputs if value is not None]
    numbers = [_end(reader, value) for value in graph.outputs if value.lowered is not None]
    live = reader.wiring.live(numbers)
    for value in ends:
        if value.lowered is not None and not live[value.lowered.number]:
            numbers.append(value.lowered.number)
            live = reader.wiring.live(numbers)
    return list(dict.fromkeys(number for number in numbers if number not in stopgaps))


def _end(reader: Reader, value: Value) -> int:
    """The layer that gives an output: a vector where the file has one, and no map of one pixel."""
    number = reader.low(value).number
    vector = sum(not isinstance(extent, Batch) for extent in value.dims or ()) == 1
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
        message = f"{title} of {shapes or 'nothing'} cannot be said in a spec: {why}{more}"
        findings.append(Finding(Problem("CC601", message, help=group[0].help), first.origin))
    return findings


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
            shapes[number] = _shape_node(graph, made, parameters)
    given: Any = (
        next(iter(shapes.values()))
        if len(shapes) == 1
        else Map({written.inputs[number]: node for number, node in shapes.items()})
    )
    name = graph.model.graph.name
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


WORDS = {3: ("depth", "height", "width"), 2: ("height", "width"), 1: ("length",), 0: ()}
"""What spatial axes are called where a file gives them no names."""


def _shape_node(graph: Graph, made: Made, parameters: dict[str, int]) -> Any:
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
