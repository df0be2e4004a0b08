"""Attention found in the operations that it is written as.

Exporters write it in many ways: one projection or three, examples first or second, heads as an axis
or as examples, the scale in one place or two. So the way of the values is not compared with any of
these: numbers that say where each value comes from go the way that the values go, and what arrives
is held against what attention is. Attention within parts of a map goes on in `windows.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcalc.exchange.onnx.extents import axis_of, subscripts
from convcalc.exchange.onnx.graph import Graph
from convcalc.exchange.onnx.moving import (
    LONGEST,
    VIEWS,
    TooManyError,
    Way,
    arrived,
    numbers,
    said,
)
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.patterns import made_by, number
from convcalc.exchange.onnx.values import Batch, Constant, UnknownError, Value, shown

if TYPE_CHECKING:
    from convcalc.exchange.onnx.otherwise import Unsaid

Readers = Mapping[int, Sequence[tuple[int, Operation]]]
"""By a tensor's identity, the operations that read it, each with its place."""
KERNELS = ("Softmax", "Attention")
"""Operators around which attention is looked for."""
RESHAPES = ("Reshape", "Squeeze", "Unsqueeze", "Flatten")
"""Operators that leave values in their order."""


class Projection(NamedTuple):
    """A linear layer that queries, keys or values are made by, and the way from there."""

    source: Value
    """The tensor that it reads."""
    output: Value
    """The tensor that it makes."""
    linear: Operation
    """The operation that reads the source."""
    matrix: Constant
    """Its weight, inputs × outputs or turned."""
    turned: bool
    """Whether the weight is outputs × inputs."""
    bias: Constant | None
    """What it adds; None where it adds nothing."""
    scale: float
    """What is multiplied on the way."""
    way: Way
    """The operations that move values from there on, the first first."""

    @property
    def key(self) -> tuple[object, ...]:
        """What is the same where it is written alike."""
        return said(self.way), numbers(self.output.dims), numbers(self.source.dims)


class Product(NamedTuple):
    """Many products of two matrices, by MatMul or Einsum."""

    operation: Operation
    """The operation that multiplies."""
    sides: tuple[Value | None, Value | None]
    """What stands on the left and on the right."""
    turns: tuple[tuple[int, ...], tuple[int, ...]]
    """The order of the axes of each in which the last two are its matrices; empty where they lie
    so."""
    back: tuple[int, ...]
    """The order in which the axes of the products lie in what comes out; empty where it is that
    one."""


class Added(NamedTuple):
    """An array that scores get added."""

    constant: Constant
    """The array, which broadcasts."""
    times: float
    """The number that it is multiplied by."""
    dims: tuple[int, ...]
    """Extents of the scores that it is added to."""

    def places(self, shape: tuple[int, ...]) -> Any:
        """For each of the scores with these extents, which of the array's values it gets."""
        own = tuple(numbers(self.constant.dims))
        rank = len(self.dims)
        if len(own) > rank or any(
            extent not in (1, self.dims[rank - len(own) + at]) for at, extent in enumerate(own)
        ):
            message = f"{own} is added to {self.dims}"
            raise UnknownError(message)
        index = np.arange(self.constant.size).reshape(own)
        return np.broadcast_to(index, self.dims).reshape(shape)


class Kernel(NamedTuple):
    """The two products of attention, and what happens between them."""

    sides: tuple[Value | None, Value | None, Value | None]
    """Queries, keys and values, head by head."""
    turns: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    """The order of the axes of each, as of `Product`; keys stand as columns."""
    scale: float
    """The factor of the scores."""
    added: tuple[Added, ...]
    """The arrays that scores get added."""
    output: Value
    """The tensor that the heads give."""
    back: tuple[int, ...]
    """The order of its axes, as of `Product`."""
    origin: str
    """What the file calls it."""


class Heads(NamedTuple):
    """How projections are cut into heads."""

    total: int
    """How many heads there are."""
    depth: int
    """Channels of each of them."""
    starts: tuple[int, int, int]
    """Which output of its linear layer is the first of queries, keys and values."""
    head: Any
    """The head of each pair of matrices that are multiplied."""
    queries: Any
    """The rows of the queries' source that are in each, in their order."""
    keys: Any
    """The same of keys, and so of values."""


class Core(NamedTuple):
    """Attention among rows of a tensor, whatever these are."""

    projections: tuple[Projection, Projection, Projection]
    """What makes queries, keys and values."""
    heads: Heads
    """How they are cut into heads."""
    added: tuple[Added, ...]
    """What the scores get added."""
    last: Value
    """The tensor that comes out."""
    place: int
    """The place of the operation that makes it."""
    layout: Any
    """How that lies, of a row of positions; None where its rows are the source's."""
    attributes: dict[str, Any]
    """What makes layers of it."""
    origin: str
    """What the file calls it."""

    @property
    def why(self) -> str:
        """Why no layer is it; empty as long as one may be."""
        return ""

    @property
    def begins(self) -> frozenset[int]:
        """The identities of the operations that read what it reads."""
        return frozenset(id(each.linear) for each in self.projections)

    @property
    def length(self) -> int:
        """How many positions attend to each other."""
        return int(self.heads.queries.shape[1])

    @property
    def sources(self) -> list[Value]:
        """The tensors that it reads: one, or queries' and keys', or values' as well."""
        queries, keys, values = (each.source for each in self.projections)
        if queries is keys is values:
            return [queries]
        return [queries, keys] if keys is values else [queries, keys, values]


def attentive(graph: Graph) -> None:
    """Put attention in the place of the operations that it is, or what says that no layer is it."""
    readers = read_by(graph)
    known: dict[object, Any] = {}
    apart: list[Core | Unsaid] = []
    unsaid: list[Unsaid] = []
    around: dict[int, Operation] = {}
    for op in list(graph.operations):
        if op.name not in KERNELS or op.domain or op.malformed:
            continue
        core, why = _read(op, readers, known)
        if core is not None and core.layout is not None:
            put(graph, core, core.sources, core.layout)
        elif core is not None:
            apart.append(core)
            around[id(core.last)] = op
        elif (other := _unsaid(op, readers, why)) is not None:
            (apart if other.apart else unsaid).append(other)
    if apart:
        from convcalc.exchange.onnx.windows import within

        others = within(graph, apart)
        readers = read_by(graph)
        for each in others:
            left = (
                _unsaid(around[id(each.last)], readers, _among(each))
                if isinstance(each, Core)
                else each
            )
            unsaid += [left] if left is not None else []
    _refuse(graph, unsaid)


def _read(op: Operation, readers: Readers, known: dict[object, Any]) -> tuple[Core | None, str]:
    """The attention around an operation, and why it cannot be told where that is known."""
    try:
        kernel = _kernel(op, readers) if op.name == "Softmax" else _whole(op)
        return (None if kernel is None else _attention(kernel, readers, known)), ""
    except TooManyError as error:
        return None, str(error)
    except UnknownError:
        return None, ""


def _unsaid(op: Operation, readers: Readers, why: str) -> "Unsaid | None":
    """The attention around an operation that no layer is; None where there is none."""
    from convcalc.exchange.onnx.otherwise import otherwise  # which few files have

    try:
        return otherwise(op, readers, why)
    except UnknownError:
        return None


def _among(core: Core) -> str:
    """Why attention that is not of all positions is no layer."""
    if any(each.constant.mixed for each in core.added):
        return "its scores get biases that are made of several arrays"
    if not core.added:
        return "it is among rows that are no windows of a map"
    shapes = ", ".join(shown(each.constant.dims) for each in core.added)
    return (
        f"its scores get {shapes} added, which is no bias of relative positions: "
        "a mask, as where each position sees none behind it"
    )


def _refuse(graph: Graph, unsaid: "Sequence[Unsaid]") -> None:
    """Put one operation in the place of each attention that no layer is."""
    where = {id(op): at for at, op in enumerate(graph.operations)} if unsaid else {}
    for each in unsaid:
        at = where.get(id(each.last.operation))
        if at is not None:
            put(graph, each._replace(place=at), each.sources, each.layout)


def read_by(graph: Graph) -> Readers:
    """Who reads each tensor that an operation makes."""
    readers: dict[int, list[tuple[int, Operation]]] = {}
    for at, op in enumerate(graph.operations):
        for value in op.inputs:
            if value is not None and value.constant is None:
                readers.setdefault(id(value), []).append((at, op))
    return readers


def put(
    graph: Graph, core: "Core | Unsaid", sources: Sequence[Value], layout: Any, **attributes: Any
) -> None:
    """Put attention in the place of its last operation."""
    made = Operation(
        "MultiHeadAttention", sources, {**core.attributes, "layout": layout}, core.origin
    )
    made.attributes |= attributes
    made.outputs = [core.last]
    graph.operations[core.place] = made
    core.last.operation, core.last.number = made, 0


def _once(known: dict[object, Any], key: object, make: Callable[[], Any]) -> Any:
    """What was worked out before for layers that are written alike."""
    if key not in known:
        known[key] = make()
    return known[key]


def _kernel(softmax: Operation, readers: Readers) -> Kernel | None:
    """The two products around a softmax."""
    scores = softmax.input(0)
    rank = len(numbers(scores.dims if scores is not None else None))
    if softmax.version < 13 and "axis" not in softmax.attributes:
        return None
    if axis_of(softmax.attributes.get("axis", -1), rank) != rank - 1:
        return None
    product, scale, added = _scores(scores)
    after = _only(softmax.outputs[0], readers)
    if product is None or after is None:
        return None
    context = product_of(after[1], after=softmax.outputs[0])
    if context is None or context.sides[0] is not softmax.outputs[0] or context.turns[0]:
        return None
    sides, turns = (*product.sides, context.sides[1]), (*product.turns, context.turns[1])
    out, origin = after[1].outputs[0], product.operation.origin
    return Kernel(sides, turns, scale, added, out, context.back, origin)


def _whole(op: Operation) -> Kernel | None:
    """What ONNX's own operator multiplies, of tensors with an axis of heads."""
    sides = (op.input(0), op.input(1), op.input(2))
    dims = [numbers(each.dims if each is not None else None) for each in sides]
    given = op.attributes
    more = any(each is not None for each in op.inputs[4:])
    if [len(each) for each in dims] != [4, 4, 4] or given.get("is_causal") or more:
        return None
    if given.get("softcap") or any(each.uses for each in op.outputs[1:]):
        return None
    added: tuple[Added, ...] = ()
    if op.input(3) is not None:
        mask = op.constant(3)
        if mask is None or not mask.floats:
            return None
        added = (Added(mask, 1.0, (*dims[0][:3], dims[1][2])),)
    scale = given.get("scale") or dims[0][3] ** -0.5
    turns = ((), (0, 1, 3, 2), ())
    return Kernel(sides, turns, scale, added, op.outputs[0], (), op.origin)


def _attention(kernel: Kernel, readers: Readers, known: dict[object, Any]) -> Core | None:
    """The attention around two products."""
    scale, added = kernel.scale, kernel.added
    queries, keys, values = (_projection(each) for each in kernel.sides)
    if queries is None or keys is None or values is None:
        return None
    key = (queries.key, keys.key, values.key, kernel.turns)
    heads = _once(known, key, lambda: _heads((queries, keys, values), kernel.turns))
    if heads is None:
        return None
    factor = scale * queries.scale * keys.scale * heads.depth**0.5
    if not isfinite(factor) or not isfinite(values.scale):
        return None
    ends = _end(kernel.output, readers)
    if ends is None:
        return None
    place, last, matrix, turned, bias, way = ends
    width = heads.total * heads.depth
    if matrix.size != width * width or numbers(queries.source.dims)[-1] != width:
        return None
    begin, back = numbers(kernel.output.dims), kernel.back
    rows = _once(
        known,
        (key, begin, said(way), back),
        lambda: _context(_given_back(begin, back, way), heads),
    )
    if rows is None:
        return None
    attributes = {
        "heads": heads.total,
        "projections": tuple(zip((queries, keys, values), heads.starts, strict=True)),
        "factors": (_tidy(factor), 1.0, _tidy(values.scale)),
        "out": (matrix, turned, bias),
    }
    layout = None if added else _laid((queries, keys, values), heads, rows, last)
    if layout is None and (rows != np.arange(len(rows))).any():
        return None
    return Core(
        projections=(queries, keys, values),
        heads=heads,
        added=added,
        last=last,
        place=place,
        layout=layout,
        attributes=attributes,
        origin=kernel.origin,
    )


def _tidy(factor: float) -> float:
    """A factor, which is 1 where float32 cannot tell."""
    return 1.0 if abs(factor - 1) < 1e-6 else factor


def _given_back(begin: tuple[int, ...], back: tuple[int, ...], way: Way) -> Any:
    """The numbers of what the heads give, after the way to the last projection.

    They count matrix by matrix, however the axes of these lie.
    """
    labels = arrived(begin, way)
    if not back:
        return labels
    inner = [begin[back.index(axis)] for axis in range(len(back))]
    of = np.arange(labels.size).reshape(inner).transpose(back).reshape(-1)
    return of[labels]


def product_of(op: Operation, after: Value | None = None) -> Product | None:
    """What an operation multiplies; of the product behind a softmax, its output `after`."""
    if op.domain or op.malformed or len(op.inputs) != 2:
        return None
    if op.name == "MatMul":
        one, other = op.inputs
        ranks = [len(numbers(each.dims if each is not None else None)) for each in (one, other)]
        if ranks[0] != ranks[1] or ranks[0] < len("ij"):
            return None
        return Product(op, (one, other), ((), ()), ())
    if op.name != "Einsum":
        return None
    left, right, out = subscripts(op)
    sides = (op.inputs[0], op.inputs[1])
    if after is not None and sides[1] is after:
        left, right, sides = right, left, sides[::-1]
    batch = [letter for letter in left if letter in right and letter in out]
    along = [letter for letter in left if letter in right and letter not in out]
    rows = [letter for letter in left if letter not in right and letter in out]
    columns = [letter for letter in right if letter not in left and letter in out]
    every = sorted([*batch, *along, *rows, *columns])
    if [len(along), len(rows), len(columns)] != [1, 1, 1] or every != sorted({*left, *right}):
        return None
    if len(out) != len(batch) + 2:
        return None
    if after is None and [*out[-2:]] == [*columns, *rows]:  # keys stand on the left
        left, right, rows, columns, sides = right, left, columns, rows, sides[::-1]
    if after is None:
        batch = [letter for letter in out if letter in batch]
    whole = [*batch, *rows, *columns]
    turns = ([*batch, *rows, *along], [*batch, *along, *columns])
    orders = (_order(left, turns[0]), _order(right, turns[1]))
    return Product(op, sides, orders, _order(whole, [*out]))


def _order(letters: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    """The axes of a tensor in an order; none where they lie so."""
    order = tuple([*letters].index(letter) for letter in wanted)
    return () if order == tuple(range(len(letters))) else order


def _scores(value: Value | None) -> tuple[Product | None, float, tuple[Added, ...]]:
    """The product of queries and keys behind the scores, its factor, and what is added to it."""
    scale = 1.0
    added: list[Added] = []
    for _ in range(LONGEST):
        op = made_by(value, "MatMul", "Einsum", "Mul", "Div", "Add", *RESHAPES)
        if op is None:
            break
        if op.name in ("MatMul", "Einsum"):
            product = product_of(op)
            lies = product is not None and not product.back
            return (product if lies else None), scale, tuple(added)
        if op.name in RESHAPES:
            value = op.input(0)
            continue
        at = 0 if op.name != "Div" and op.constant(0) is not None else 1
        constant, value = op.constant(at), op.input(1 - at)
        times = number(op.input(at))
        if op.name == "Add":
            if constant is None or not constant.floats:
                break
            if constant.initializer or not _nothing(constant):
                added.append(Added(constant, scale, numbers(op.outputs[0].dims)))
        elif not times:
            break
        else:
            scale = scale * times if op.name == "Mul" else scale / times
    return None, scale, ()


def _nothing(constant: Constant) -> bool:
    """Whether a constant that is at hand is zeros."""
    return constant.known and not constant.array.any()


def _only(value: Value, readers: Readers) -> tuple[int, Operation] | None:
    """The one operation that reads a value."""
    known = readers.get(id(value), ())
    return known[0] if len(known) == 1 and value.uses == 1 else None


def _projection(value: Value | None) -> Projection | None:
    """The linear layer that a value is made by, and where each of its numbers is from."""
    way: list[tuple[Operation, int]] = []
    scale = 1.0
    for _ in range(LONGEST):
        op = value.operation if value is not None else None
        if op is None or value is None or op.domain or op.malformed:
            return None
        if op.name in VIEWS:
            way.append((op, value.number))
            value = op.input(0)
            continue
        if op.name in ("Mul", "Div"):
            times = number(op.input(1))
            following = op.input(0)
            if times is None and op.name == "Mul":
                times, following = number(op.input(0)), op.input(1)
            if times:
                scale = scale * times if op.name == "Mul" else scale / times
                value = following
                continue
        linear = _linear(value)
        if linear is None:
            return None
        last, source, matrix, turned, bias = linear
        return Projection(
            source=source,
            output=value,
            linear=last,
            matrix=matrix,
            turned=turned,
            bias=bias,
            scale=scale,
            way=tuple(reversed(way)),
        )
    return None


def _linear(value: Value) -> tuple[Operation, Value, Constant, bool, Constant | None] | None:
    """The product of a linear layer, what it reads, its weight, whether it is turned, its bias."""
    op = value.operation
    bias = None
    if op is not None and op.name == "Add" and len(op.inputs) == 2:
        for at in (0, 1):
            inner = made_by(op.input(at), "MatMul")
            if inner is not None and op.constant(1 - at) is not None:
                bias, op = op.constant(1 - at), inner
                break
    if op is None or op.name not in ("MatMul", "Gemm") or op.domain or op.malformed:
        return None
    matrix, source = op.constant(1), op.input(0)
    if matrix is None or source is None or source.constant is not None or len(matrix.dims) != 2:
        return None
    turned = False
    if op.name == "Gemm":
        given = op.attributes
        scaled = op.input(2) is not None and given.get("beta", 1) != 1
        if given.get("transA") or given.get("alpha", 1) != 1 or scaled:
            return None
        turned = bool(given.get("transB"))
        bias = op.constant(2)
        if op.input(2) is not None and bias is None:
            return None
    outputs = matrix.dims[0] if turned else matrix.dims[1]
    if bias is not None and (bias.size != outputs or bias.dims[-1:] != (outputs,)):
        return None
    return op, source, matrix, turned, bias


class _Part(NamedTuple):
    """Queries, keys or values as matrices."""

    depth: int
    """Channels of each head."""
    start: int
    """Which output of the linear layer is the first of them."""
    head: Any
    """The head of each matrix."""
    rows: Any
    """The rows of the source that each matrix has, (matrices, rows)."""


def _heads(projections: Sequence[Projection], turns: Sequence[tuple[int, ...]]) -> Heads | None:
    """How queries, keys and values are cut into heads; None where they are cut otherwise."""
    made = []
    for number_, (projection, turn) in enumerate(zip(projections, turns, strict=True)):
        part = _part(projection, turn, keys=number_ == 1)
        if part is None:
            return None
        made.append(part)
    queries, keys, values = made
    for other in (keys, values):
        if other.depth != queries.depth or other.head.shape != queries.head.shape:
            return None
        if (other.head != queries.head).any():
            return None
    if keys.rows.shape != values.rows.shape or (keys.rows != values.rows).any():
        return None
    total = int(queries.head.max()) + 1
    if total * queries.depth != numbers(projections[0].source.dims)[-1]:
        return None
    return Heads(
        total=total,
        depth=queries.depth,
        starts=(queries.start, keys.start, values.start),
        head=queries.head,
        queries=queries.rows,
        keys=keys.rows,
    )


def _part(projection: Projection, turn: tuple[int, ...], *, keys: bool) -> _Part | None:
    """The rows and the head of each matrix, whose columns are a head's in their order."""
    labels = arrived(numbers(projection.output.dims), projection.way)
    if turn:
        labels = labels.transpose(turn)
    if keys:
        labels = labels.swapaxes(-1, -2)
    length, depth = labels.shape[-2:]
    features = numbers(projection.output.dims)[-1]
    labels = labels.reshape(-1, length, depth)
    if not labels.size:
        return None
    rows, columns = np.divmod(labels, features)
    start = int(columns.min())
    head = (columns[:, 0, 0] - start) // depth
    wanted = start + head[:, None, None] * depth + np.arange(depth)
    if not ((columns == wanted).all() and (rows == rows[..., :1]).all()):
        return None
    return _Part(depth, start, head, rows[..., 0])


def _end(
    value: Value, readers: Readers
) -> tuple[int, Value, Constant, bool, Constant | None, Way] | None:
    """The projection that what is attended to goes through, and the way there."""
    way: list[tuple[Operation, int]] = []
    for _ in range(LONGEST):
        following = _only(value, readers)
        if following is None:
            return None
        place, op = following
        if op.name in VIEWS and not op.domain and not op.malformed and op.input(0) is value:
            way.append((op, 0))
            value = op.outputs[0]
            continue
        if op.name not in ("MatMul", "Gemm") or op.input(0) is not value:
            return None
        last = op.outputs[0]
        behind = _only(last, readers) if op.name == "MatMul" else None
        if behind is not None and behind[1].name == "Add":
            linear = _linear(behind[1].outputs[0])
            if linear is not None:
                place, last = behind[0], behind[1].outputs[0]
        linear = _linear(last)
        if linear is None or linear[1] is not value:
            return None
        return place, last, linear[2], linear[3], linear[4], tuple(way)
    return None


def _context(labels: Any, heads: Heads) -> Any:
    """For each row that comes out, which of the queries' rows it is; None where it is no such."""
    rows = labels.reshape(-1, labels.shape[-1])
    depth, length = heads.depth, heads.queries.shape[1]
    if rows.shape[1] != heads.total * depth:
        return None
    matrix, rest = np.divmod(rows, length * depth)
    position, column = np.divmod(rest, depth)
    if (heads.head[matrix] * depth + column != np.arange(rows.shape[1])).any():
        return None
    of = heads.queries[matrix, position]
    return of[:, 0] if (of == of[:, :1]).all() else None


# All positions of an example


def _laid(
    projections: Sequence[Projection], heads: Heads, rows: Any, last: Value
) -> tuple[int | tuple[int, ...], ...] | None:
    """The layout of what comes out, where all positions of an example attend to all of one."""
    queries, keys, _ = projections
    own, other = _ordered(queries.source), _ordered(keys.source)
    if own is None or other is None or _ordered(projections[2].source) is None:
        return None
    if keys.source is not projections[2].source and _ordered(projections[2].source) != other:
        return None
    examples = []
    for source, taken, batch in (
        (queries.source, heads.queries, own), (keys.source, heads.keys, other),
    ):  # fmt: skip
        example, position = _apart(source, taken, batch)
        length = numbers(source.dims)[1 - batch]
        if taken.shape[1] != length or (position != np.arange(length)).any():
            return None
        if (example != example[:, :1]).any():
            return None
        examples.append(example[:, 0])
    if (examples[0] != examples[1]).any():
        return None
    pairs = {*zip(examples[0].tolist(), heads.head.tolist(), strict=True)}
    if len(pairs) != len(heads.head) or len(pairs) != heads.total * int(examples[0].max() + 1):
        return None
    return _layout(queries.source, rows, own, last)


def _ordered(source: Value) -> int | None:
    """The axis of the examples of a row of positions, whose channels are last; None of others."""
    dims = source.dims or ()
    if len(dims) != len(("examples", "positions", "channels")):
        return None
    batches = [at for at, extent in enumerate(dims) if isinstance(extent, Batch)]
    return batches[0] if batches in ([0], [1]) and dims[batches[0]] == Batch() else None


def _apart(source: Value, rows: Any, batch: int) -> tuple[Any, Any]:
    """The example and the position of rows."""
    front, behind = np.divmod(rows, numbers(source.dims)[1])
    return (front, behind) if batch == 0 else (behind, front)


def _layout(
    source: Value, rows: Any, batch: int, last: Value
) -> tuple[int | tuple[int, ...], ...] | None:
    """The layout of what comes out, with its rows by example or by position."""
    example, position = _apart(source, rows, batch)
    every = numbers(source.dims)
    length, count = every[1 - batch], every[batch]
    by_example = (example * length + position == np.arange(len(rows))).all()
    by_position = (position * count + example == np.arange(len(rows))).all()
    if not by_example and not by_position:
        return None
    order = (-1, 1) if by_example else (1, -1)
    leading = len(last.dims or ()) - 1
    if leading == 1:
        return (order, 0)
    if leading != len(order):
        return None
    wanted = (count, length) if by_example else (length, count)
    return (*order, 0) if numbers(last.dims)[:-1] == wanted else None


def rows_of(matrix: Constant, start: int, count: int, *, turned: bool) -> Any:
    """Some outputs of a linear layer's weight, as outputs × inputs."""
    array = matrix.release()
    array = array if turned else array.T
    return array[start : start + count]


def joined(arrays: Iterable[Any]) -> Any:
    """Arrays one below the other."""
    return np.concatenate(list(arrays))
