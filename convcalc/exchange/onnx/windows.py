"""Attention within parts of a map: windows, which may be shifted, and grids.

What attends is rows of a tensor; a map becomes such rows by reshapes and transpositions, by slices
that are joined again (a shift) and with a border of zeros, and rows become a map again. Where the
map is between is no matter: some exporters write its layers on the rows, too. So numbers that say
where each row comes from are held against those of windows of a map, and all that works on the rows
is written as working on the map.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcalc.exchange.onnx.attention import RESHAPES, Added, Core, Readers, put, read_by
from convcalc.exchange.onnx.graph import Graph
from convcalc.exchange.onnx.moving import (
    EXAMPLES,
    LONGEST,
    NOTHING,
    VIEWS,
    before,
    fresh,
    moved,
    numbers,
)
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.values import Batch, Constant, Dims, UnknownError, Value
from convcalc.layers.relative import relative_index
from convcalc.layers.windows import MASKED, Cut, cut

if TYPE_CHECKING:
    from convcalc.exchange.onnx.otherwise import Unsaid

POINTWISE = frozenset({
    "Relu", "LeakyRelu", "Elu", "Selu", "Sigmoid", "HardSigmoid", "HardSwish", "Mish", "Tanh",
    "Softplus", "Abs", "Silu", "Gelu", "FastGelu", "Clip", "Erf", "Dropout", "Neg", "Identity",
})  # fmt: skip
"""Operators that work value by value on their first input."""
MEETING = frozenset({"Add", "Sub", "Mul", "Div"})
MOST_INSIDE = 200
"""Most operations that work on the rows between two maps."""
SPATIAL = (1, 2, 3)
"""How many spatial axes a map may have."""
ENOUGH = MASKED * 0.999
"""What is added at least to scores of positions that do not see each other."""


class Table(NamedTuple):
    """What positions learn for each other."""

    constant: Constant
    """The biases of all pairs, or what has them."""
    places: Any
    """Which of its values is for which relative position and head, (positions, heads)."""
    times: float
    """What they are multiplied by."""
    known: bool
    """Whether it is known that the same relative positions have the same: by its values, unless
    these are not in the file."""


class Map(NamedTuple):
    """A map that rows come from, or become."""

    value: Value
    """The tensor of examples, channels and positions."""
    sizes: tuple[int, ...]
    """Its extents along the spatial axes."""
    last: bool
    """Whether its channels are its last axis, and not its second."""

    @property
    def order(self) -> tuple[int, ...]:
        """How it is turned so that its channels are last."""
        rank = len(self.sizes)
        return tuple(range(rank + 2)) if self.last else (0, *range(2, rank + 2), 1)

    def first(self, labels: Any) -> Any:
        """Labels of it with the channels behind the examples."""
        return np.moveaxis(labels, -1, 1) if self.last else labels


class Region(NamedTuple):
    """What works on rows between maps."""

    values: tuple[Value, ...]
    """The tensors of rows."""
    inside: tuple[Operation, ...]
    """The operations that work on them, row by row."""
    cores: "tuple[Core | Unsaid, ...]"
    """The attention among them."""
    entries: tuple[Value, ...]
    """Those of the tensors that maps become."""
    exits: tuple[Value, ...]
    """Those that become maps."""


def within(graph: Graph, cores: "Sequence[Core | Unsaid]") -> "list[Core | Unsaid]":
    """Put attention within parts of maps in the place of what it is; what is none is given back.

    Of attention that no layer is, what is around it is written as working on maps.
    """
    graph.prune()
    there = {id(op) for op in graph.operations}
    left = {id(core.last): core for core in cores if id(core.last.operation) in there}
    readers = read_by(graph)
    firsts = {each: core for core in cores for each in core.begins}
    for core in cores:
        if id(core.last) not in left:
            continue
        for region in _regions(core, left, firsts, readers):
            try:
                done = _settle(graph, region, readers)
            except UnknownError:
                readers = read_by(graph)  # it may have begun
                continue
            if done:
                for each in region.cores:
                    del left[id(each.last)]
                readers = read_by(graph)
                break
    return list(left.values())


def _regions(
    core: "Core | Unsaid",
    cores: "dict[int, Core | Unsaid]",
    firsts: "dict[int, Core | Unsaid]",
    readers: Readers,
) -> Iterator[Region]:
    """What may stand between maps: the attention alone, or all that works on the same rows."""
    if len(core.sources) > 1 and not core.why:
        return
    values = (*core.sources, core.last)
    if all(id(op) in core.begins for each in core.sources for _, op in readers.get(id(each), ())):
        yield Region(values, (), (core,), values[:-1], values[-1:])
    grown = _grown(core, cores, firsts, readers)
    if grown is not None:
        yield grown


def _grown(
    core: "Core | Unsaid",
    cores: "dict[int, Core | Unsaid]",
    firsts: "dict[int, Core | Unsaid]",
    readers: Readers,
) -> Region | None:
    """All that works on the rows of an attention, as far as it goes; None where it goes too far.

    `cores` are those that are left by what they make, and `firsts` all by what reads for them.
    """
    values: dict[int, Value] = {}
    inside: dict[int, Operation] = {}
    attending: dict[int, Core | Unsaid] = {id(core.last): core}
    entries: list[Value] = []
    exits: list[Value] = []
    waiting = [*core.sources, core.last]
    while waiting:
        value = waiting.pop()
        if id(value) in values:
            continue
        values[id(value)] = value
        if len(values) > MOST_INSIDE:
            return None
        op, leads = value.operation, readers.get(id(value), ())
        if value.uses != len(leads) or op is None:
            return None  # it is an input or an output of the network
        if id(value) in cores:
            other = cores[id(value)]
            if len(other.sources) > 1 and not other.why:
                return None
            attending[id(value)] = other
            waiting += other.sources
        elif (rows := _rowwise(op)) is not None:
            inside[id(op)] = op
            waiting += rows
        elif before(value) is not None:
            entries.append(value)
        else:
            return None
        for _, reader in leads:
            first = firsts.get(id(reader))
            if first is not None and id(first.last) in cores:
                waiting.append(first.last)
            elif _rowwise(reader) is not None:
                waiting.append(reader.outputs[0])
            elif reader.name in VIEWS or reader.name == "Slice":
                exits.append(value)
            else:
                return None
    every = {id(each): each for each in exits}
    return Region(
        tuple(values.values()),
        tuple(inside.values()),
        tuple(attending.values()),
        tuple(entries),
        tuple(every.values()),
    )


def _rowwise(op: Operation) -> list[Value] | None:
    """The tensors of rows that an operation reads which works row by row; None of another one."""
    out = op.outputs[0].dims
    first = op.input(0)
    if op.domain or op.malformed or out is None or first is None or first.dims is None:
        return None
    dims = first.dims
    if op.name in POINTWISE:
        return [first]
    if op.name in MEETING:
        return _meeting(op, out)
    if op.name in RESHAPES:
        alike = len(dims) > 1 and len(out) > 1 and dims[-1] == out[-1] != 1
        return [first] if alike and not isinstance(out[-1], Batch) else None
    if op.name == "LayerNormalization":
        axes = op.attributes.get("axes")
        last = op.attributes.get("axis", -1) in (-1, len(dims) - 1)
        own = all(each is None or each.constant is not None for each in op.inputs[1:])
        return [first] if own and (last if axes is None else [*axes] == [len(dims) - 1]) else None
    if op.name in ("MatMul", "Gemm"):
        matrix = op.constant(1)
        bias = op.input(2)
        whole = matrix is not None and len(matrix.dims) == 2 and first.constant is None
        plain = not op.attributes.get("transA") and (bias is None or bias.constant is not None)
        return [first] if whole and plain else None
    return None


def _meeting(op: Operation, out: Dims) -> list[Value] | None:
    """The tensors that meet row by row, and arrays that are the same for all rows."""
    rows = []
    for value in op.inputs:
        if value is None or value.dims is None:
            return None
        if value.constant is not None:
            if any(extent != 1 for extent in value.dims[:-1]) or len(value.dims) > len(out):
                return None
        elif value.dims[:-1] == out[:-1]:
            rows.append(value)
        else:
            return None
    return rows


# Maps that rows come from


def _settle(graph: Graph, region: Region, readers: Readers) -> bool:
    """Write what works on rows as working on a map; whether it is the rows of one."""
    core = region.cores[0]
    entry = region.entries[0] if region.entries else None
    if entry is None:
        return False
    exact = not all(each.why for each in region.cores)
    for each in _maps(entry, core):
        there, parts = each
        if parts.whole != parts.sizes and region.inside and exact:
            continue  # what fills the windows is no zeros any more behind other layers
        if not all(_parts_of(other, parts) for other in region.cores):
            continue
        tables = [_terms(other, parts) for other in region.cores]
        maps = [there, *(_map_of(other, parts) for other in region.entries[1:])]
        ends = [_end(other, parts, readers) for other in region.exits]
        if None in tables or None in maps or (None in ends and not region.inside):
            continue
        _write(graph, region, parts, tables, maps, ends, readers)
        graph.prune()
        return True
    return False


def _row_labels(value: Value, source: Value) -> Any:
    """Where the rows of a tensor come from, (rows, channels)."""
    labels = moved(value, source)
    return labels.reshape(-1, labels.shape[-1])


def _maps(entry: Value, core: "Core | Unsaid") -> Iterator[tuple[Map, Cut]]:
    """The maps that rows may be of, the one farthest back first, with how each is cut."""
    candidates = []
    value: Value | None = entry
    apart = False
    for _ in range(LONGEST):
        value = before(value)
        if value is None:
            break
        apart |= len(value.dims or ()) > max(SPATIAL) + 2
        candidates.append((value, apart))
    for value, apart in candidates[::-1]:
        try:
            labels = _row_labels(entry, value)
        except UnknownError:
            continue
        for there in _as_maps(value, labels.shape[1]):
            for parts in _cuts(there, core, labels, apart=apart):
                if _same_rows(labels, there, parts):
                    yield there, parts


def _as_maps(value: Value, channels: int) -> Iterator[Map]:
    """A tensor as a map with its channels last, and with its channels first."""
    dims = value.dims or ()
    if len(dims) - 2 not in SPATIAL or dims[0] != Batch():
        return
    extents = dims[1:]
    if any(isinstance(extent, Batch) for extent in extents):
        return
    sizes = [int(extent) for extent in extents]  # type: ignore[arg-type]
    if sizes[-1] == channels:
        yield Map(value, tuple(sizes[:-1]), last=True)
    if sizes[0] == channels:
        yield Map(value, tuple(sizes[1:]), last=False)


def _cuts(there: Map, core: "Core | Unsaid", labels: Any, *, apart: bool) -> Iterator[Cut]:
    """The ways to cut a map into parts of as many positions; `apart` says that axes were cut."""
    length, rows, start = core.length, len(labels), int(labels[0, 0])
    every: list[Cut] = []
    begin = np.unravel_index(0 if start == NOTHING else start, numbers(there.value.dims))
    first = [int(each) for each in (begin[1:-1] if there.last else begin[2:])]
    for inner in product(*(_divisors(length),) * len(there.sizes)):
        if prod(inner) != length:
            continue
        shifted = all(move < each for move, each in zip(first, inner, strict=True))
        if start != NOTHING and shifted:
            every.append(cut(there.sizes, window=inner, shift=first))
        if all(not size % each for size, each in zip(there.sizes, inner, strict=True)):
            every.append(cut(there.sizes, grid=inner))
    if length == prod(there.sizes):
        every.append(cut(there.sizes))
    order = ("window", "grid", "whole") if apart else ("whole", "window", "grid")
    for each in sorted(every, key=lambda made: order.index(made.by)):
        if prod(each.whole) * EXAMPLES == rows:
            yield each


def _divisors(number: int) -> list[int]:
    return [each for each in range(1, number + 1) if not number % each]


def _same_rows(labels: Any, there: Map, parts: Cut) -> bool:
    """Whether rows are those of a map's parts, one part behind the other."""
    first = there.first(fresh(numbers(there.value.dims)))
    one = first[0, 0]  # where its values of the first channel stand, in the first part
    if not _begins(labels[: parts.length, 0], one, parts):
        return False
    made = parts.rows(np, first + 1).reshape(labels.shape)  # which has zeros where it is filled
    return bool((np.where(made == 0, NOTHING, made - 1) == labels).all())


def _begins(labels: Any, one: Any, parts: Cut) -> bool:
    """Whether the first part is that of the cut, which is soon told."""
    places = []
    for axis, (inner, outer, shift) in enumerate(
        zip(parts.inner, parts.outer, parts.shift, strict=True)
    ):
        step = outer if parts.by == "grid" else 1
        place = (np.arange(inner) * step + shift) % parts.whole[axis]
        places.append(place)
    sizes = np.array(one.shape).reshape(-1, *(1,) * len(places))
    mesh = np.stack(np.meshgrid(*places, indexing="ij"))
    there = (mesh < sizes).all(axis=0)
    inside = np.minimum(mesh, sizes - 1)
    wanted = np.where(there, one[tuple(inside)], NOTHING).reshape(-1)
    return bool((wanted == labels).all())


def _parts_of(core: "Core | Unsaid", parts: Cut) -> bool:
    """Whether the rows that attend to each other are a part, in each head.

    Of attention that no layer is, which stays a finding, nothing is claimed.
    """
    if not isinstance(core, Core):
        return True
    heads = core.heads
    if (heads.queries != heads.keys).any():
        return False
    group = heads.queries[:, :1] // parts.length
    if (heads.queries != group * parts.length + np.arange(parts.length)).any():
        return False
    wanted = np.arange(parts.parts * EXAMPLES)
    pairs = group[:, 0] * heads.total + heads.head
    return len(pairs) == len(wanted) * heads.total and bool(
        (np.sort(pairs) == np.arange(len(pairs))).all()
    )


def _map_of(entry: Value, parts: Cut) -> Map | None:
    """The map of these sizes that rows are of, the nearest."""
    value = before(entry)
    for _ in range(LONGEST):
        if value is None:
            return None
        labels = _row_labels(entry, value)
        for there in _as_maps(value, labels.shape[1]):
            if there.sizes == parts.sizes and _same_rows(labels, there, parts):
                return there
        value = before(value)
    return None


def _end(exit_: Value, parts: Cut, readers: Readers) -> Map | None:
    """The map that rows become; None where they become none at once."""
    value: Value | None = exit_
    channels = numbers(exit_.dims)[-1]
    rows = fresh((EXAMPLES * parts.parts, parts.length, channels))
    wanted = parts.map(np, rows)
    for _ in range(LONGEST):
        value = _behind(value, readers)
        if value is None:
            return None
        for there in _as_maps(value, channels):
            if there.sizes == parts.sizes:
                labels = there.first(moved(value, exit_))
                if labels.shape == wanted.shape and (labels == wanted).all():
                    return there
    return None


def _behind(value: Value | None, readers: Readers) -> Value | None:
    """The tensor that all that reads another one moves its values to."""
    known = [op for _, op in readers.get(id(value), ())]
    if value is None or not known or value.uses != len(known):
        return None
    if len(known) == 1 and known[0].name in VIEWS and known[0].input(0) is value:
        return known[0].outputs[0]
    if any(op.name != "Slice" or op.domain or op.input(0) is not value for op in known):
        return None
    joins = [readers.get(id(op.outputs[0]), ()) for op in known]
    if any(len(each) != 1 or each[0][1].name != "Concat" for each in joins):
        return None
    last = joins[0][0][1]
    one = all(each[0][1] is last for each in joins)
    return last.outputs[0] if one and before(last.outputs[0]) is value else None


# What scores get added


def _terms(core: "Core | Unsaid", parts: Cut) -> list[Table] | None:
    """The table of biases, if there is one, of what scores get added; None where it is more."""
    if not isinstance(core, Core):
        return []
    heads = core.heads
    order = np.argsort(heads.queries[:, 0] // parts.length * heads.total + heads.head)
    shape = (len(order), parts.length, parts.length)
    tables: list[Table] = []
    masks = 0
    for term in core.added:
        places = term.places(shape)[order]
        places = places.reshape(EXAMPLES, parts.parts, heads.total, *shape[1:])
        if parts.shifted and _masks(term, places, parts):
            masks += 1
            continue
        table = _table(term, places, parts)
        if table is None:
            return None
        tables.append(table)
    if len(tables) > 1 or masks != int(parts.shifted):
        return None
    return tables


def _values(term: Added) -> Any:
    """The values of an array; None where they are not to be had."""
    try:
        return np.asarray(term.constant.array, np.float64).reshape(-1) * term.times
    except UnknownError:
        return None


def _masks(term: Added, places: Any, parts: Cut) -> bool:
    """Whether an array keeps positions apart that a shift brought together, and no others."""
    values = _values(term)
    if values is None:
        return False
    wanted = parts.mask(np, np.float64)[:, None]
    apart = np.broadcast_to(wanted == MASKED, places.shape)
    given = values[places]
    return bool((given[apart] <= ENOUGH).all() and (given[~apart] == 0).all())


def _table(term: Added, places: Any, parts: Cut) -> Table | None:
    """What an array says of relative positions, where it says the same of all parts."""
    constant = term.constant
    if not constant.initializer or constant.mixed or (places != places[:1, :1]).any():
        return None
    each = places[0, 0]
    index = relative_index(np, parts.inner).reshape(-1)
    _, first = np.unique(index, return_index=True)
    rows = each.reshape(len(each), -1)
    chosen = rows[:, first]
    values = _values(term)
    if values is not None and not (values > ENOUGH).all():
        return None  # a mask
    alike = chosen[:, index]
    same = bool((alike == rows).all())
    if not same and values is not None and not np.array_equal(values[alike], values[rows]):
        return None
    return Table(constant, chosen.T, term.times, known=same or values is not None)


# What is written instead


def _write(
    graph: Graph,
    region: Region,
    parts: Cut,
    tables: Sequence[Any],
    maps: Sequence[Any],
    ends: Sequence[Map | None],
    readers: Readers,
) -> None:
    """Write a region as working on a map, whose channels are the last axis."""
    rank = len(parts.sizes)
    where = {id(op): at for at, op in enumerate(graph.operations)}
    inside = {id(op) for op in region.inside}
    inside |= {each for core in region.cores for each in core.begins}
    behind: dict[int, Operation] = {}
    for value, end in zip(region.exits, ends, strict=True):
        if end is not None:
            back = (*range(rank + 2),) if end.last else (0, rank + 1, *range(1, rank + 1))
            _turn(graph, where, value, back, end.value)
        else:
            behind[where[id(value.operation)]] = _parted(value, parts, inside, readers)
    for value, there in zip(region.entries, maps, strict=True):
        _turn(graph, where, there.value, there.order, value)
    for op in region.inside:
        if op.name in RESHAPES:
            op.name, op.inputs = "Identity", op.inputs[:1]
        if op.name == "LayerNormalization":
            kept = {name: each for name, each in op.attributes.items() if name != "axes"}
            op.attributes = {**kept, "axis": -1}
    for core, table in zip(region.cores, tables, strict=True):
        at = where[id(core.last.operation)]
        layout = (-1, *range(1, rank + 1), 0)
        put(graph, core._replace(place=at), core.sources, layout, cut=parts, tables=table)
    for value in region.values:
        value.dims = (Batch(), *parts.sizes, (value.dims or ())[-1])
    for at in sorted(behind, reverse=True):
        graph.operations.insert(at + 1, behind[at])


def _turn(
    graph: Graph, where: dict[int, int], source: Value, order: tuple[int, ...], out: Value
) -> None:
    """Make a tensor a transposition of another one."""
    old = out.operation
    if old is None:
        message = "nothing makes it"
        raise UnknownError(message)
    made = Operation("Transpose", [source], {"perm": order}, old.origin, version=old.version)
    made.outputs = [out]
    graph.operations[where[id(old)]] = made
    out.operation, out.number = made, 0


def _parted(value: Value, parts: Cut, inside: set[int], readers: Readers) -> Operation:
    """The rows that a map has, for what reads them and does not make a map of them at once."""
    rows = Value(value.name, value.dims)
    name = value.operation.origin if value.operation is not None else value.name
    made = Operation("Parted", [value], {"cut": parts}, name, version=17)
    made.outputs, rows.operation = [rows], made
    for _, op in readers.get(id(value), ()):
        if id(op) not in inside:
            op.inputs = [rows if each is value else each for each in op.inputs]
    return made
