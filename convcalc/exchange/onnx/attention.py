"""Self-attention found in the operations that it is written as.

Exporters write it in many ways: one projection or three, examples first or second, heads as an axis
or as examples, the scale in one place or two. So the way of the values is not compared with any of
these: numbers that say where each value comes from go the way that the values go, and what arrives
is held against what attention is.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from convcalc.exchange.onnx.extents import Cut, axis_of, parts
from convcalc.exchange.onnx.graph import Graph
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.patterns import is_near, made_by, number
from convcalc.exchange.onnx.values import Batch, Constant, Dims, UnknownError, Value

EXAMPLES = 2
"""How many examples go the way, so that theirs are told apart."""
MOST = 2**24
"""Most values that go the way."""
VIEWS = frozenset({"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Gather", "Slice", "Split",
    "Flatten", "Expand"})  # fmt: skip
LONGEST = 16
"""Most operations between a projection and a product."""


Way = tuple[tuple[Operation, int], ...]
"""Operations that move values, each with the number of its output that goes on."""


class Projection(NamedTuple):
    """A linear layer that queries, keys or values are made by, and the way from there."""

    source: Value
    """The tensor that it reads."""
    output: Value
    """The tensor that it makes."""
    matrix: Constant
    """Its weight, inputs × outputs or turned."""
    turned: bool
    """Whether the weight is outputs × inputs."""
    bias: Constant | None
    """What it adds; None where it adds nothing."""
    scale: float
    """What is multiplied on the way."""
    way: "Way"
    """The operations that move values from there on, the first first."""

    @property
    def labels(self) -> Any:
        """Where each value that arrives comes from: its number in `output`."""
        return arrived(_numbers(self.output.dims), self.way)


def attentive(graph: Graph) -> None:
    """Put attention in the place of the operations that it is."""
    readers: dict[int, list[tuple[int, Operation]]] = {}
    for at, op in enumerate(graph.operations):
        for value in op.inputs:
            if value is not None and value.constant is None:
                readers.setdefault(id(value), []).append((at, op))
    known: dict[object, Any] = {}
    for op in list(graph.operations):
        if op.name != "Softmax" or op.domain:
            continue
        try:
            made = _attention(op, readers, known)
        except (UnknownError, ValueError, IndexError, TypeError):
            made = None
        if made is not None:
            place, attention = made
            graph.operations[place] = attention
            attention.outputs[0].operation = attention


def _numbers(dims: Dims | None) -> tuple[int, ...]:
    """Extents for so many examples."""
    if dims is None:
        message = "extents that are not known"
        raise UnknownError(message)
    return tuple(each.times * EXAMPLES if isinstance(each, Batch) else each for each in dims)


def _once(known: dict[object, Any], key: object, make: Callable[[], Any]) -> Any:
    """What was worked out before for layers that are written alike."""
    if key not in known:
        known[key] = make()
    return known[key]


def said(way: Way) -> tuple[object, ...]:
    """What is said by operations on a way, which may be said again elsewhere."""
    return tuple(
        (
            op.name,
            output,
            _numbers(op.outputs[output].dims),
            tuple(op.attributes.get("perm") or ()),
            op.attributes.get("axis"),
            *(
                tuple(value.constant.array.reshape(-1).tolist())
                for value in op.inputs[1:]
                if value is not None and value.constant is not None
            ),
        )
        for op, output in way
    )


def arrived(dims: tuple[int, ...], way: Way) -> Any:
    """Numbers of values with these extents, after a way."""
    count = int(np.prod(dims))
    if count > MOST:
        message = f"{count:,} values are too many to follow"
        raise UnknownError(message)
    labels = np.arange(count, dtype=np.int64).reshape(dims)
    for op, output in way:
        labels = _viewed(op, output, labels)
    return labels


def _attention(
    softmax: Operation,
    readers: dict[int, list[tuple[int, Operation]]],
    known: dict[object, Any],
) -> tuple[int, Operation] | None:
    """The attention around a softmax, and the place of its last operation."""
    scores = softmax.input(0)
    rank = len(_numbers(scores.dims if scores is not None else None))
    if axis_of(softmax.attributes.get("axis", -1), rank) != rank - 1:
        return None
    product, scale = _scores(scores)
    if product is None:
        return None
    after = _only(softmax.outputs[0], readers)
    if after is None or after[1].name != "MatMul" or after[1].input(0) is not softmax.outputs[0]:
        return None
    queries, keys = _projection(product.input(0)), _projection(product.input(1))
    values = _projection(after[1].input(1))
    if queries is None or keys is None or values is None:
        return None
    if not queries.source is keys.source is values.source:
        return None
    source = queries.source
    dims = _numbers(source.dims)
    if len(dims) != 3:
        return None
    width = dims[-1]
    ways = tuple((said(each.way), _numbers(each.output.dims)) for each in (queries, keys, values))
    key = (ways, dims, _batch(source))
    heads = _once(known, key, lambda: _heads(queries, keys, values, dims, source))
    if heads is None:
        return None
    count, depth, offsets, owner = heads
    if not is_near(scale * queries.scale * keys.scale * depth**0.5, 1) or values.scale != 1:
        return None
    ends = _end(after[1].outputs[0], readers)
    if ends is None:
        return None
    place, last, matrix, turned, bias, way = ends
    begin = _numbers(after[1].outputs[0].dims)
    sizes = (count, depth, dims[1 if _batch(source) == 0 else 0])
    layout = _once(
        known,
        (key, begin, said(way), len(last.dims or ())),
        lambda: _context(arrived(begin, way), last, owner, sizes),
    )
    if layout is None or matrix.size != width * width:
        return None
    made = Operation("Attention", [source], {"heads": count, "layout": layout}, product.origin)
    made.attributes |= {
        "projections": tuple(zip((queries, keys, values), offsets, strict=True)),
        "out": (matrix, turned, bias),
    }
    made.outputs = [last]
    return place, made


def _scores(value: Value | None) -> tuple[Operation | None, float]:
    """The product of queries and keys behind the scores, and what it is multiplied by."""
    scale = 1.0
    for _ in range(LONGEST):
        op = made_by(value, "MatMul", "Mul", "Div")
        if op is None:
            return None, scale
        if op.name == "MatMul":
            return op, scale
        times = number(op.input(1))
        value = op.input(0)
        if times is None and op.name == "Mul":
            times, value = number(op.input(0)), op.input(1)
        if not times:
            return None, scale
        scale = scale * times if op.name == "Mul" else scale / times
    return None, scale


def _only(
    value: Value, readers: dict[int, list[tuple[int, Operation]]]
) -> tuple[int, Operation] | None:
    """The one operation that reads a value."""
    known = readers.get(id(value), [])
    return known[0] if len(known) == 1 and value.uses == 1 else None


def _projection(value: Value | None) -> Projection | None:
    """The linear layer that a value is made by, and where each of its numbers is from."""
    way: list[tuple[Operation, int]] = []
    scale = 1.0
    for _ in range(LONGEST):
        op = value.operation if value is not None else None
        if op is None or value is None or op.domain:
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
        source, matrix, turned, bias = linear
        return Projection(
            source=source,
            output=value,
            matrix=matrix,
            turned=turned,
            bias=bias,
            scale=scale,
            way=tuple(reversed(way)),
        )
    return None


def _linear(value: Value) -> tuple[Value, Constant, bool, Constant | None] | None:
    """What a linear layer reads, its weight, whether that is outputs × inputs, and its bias."""
    op = value.operation
    bias = None
    if op is not None and op.name == "Add":
        for at in (0, 1):
            inner = made_by(op.input(at), "MatMul")
            if inner is not None and op.constant(1 - at) is not None:
                bias, op = op.constant(1 - at), inner
                break
    if op is None or op.name not in ("MatMul", "Gemm"):
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
    if bias is not None and bias.size != outputs:
        return None
    return source, matrix, turned, bias


def _viewed(op: Operation, output: int, labels: Any) -> Any:
    """Labels that went through an operation which moves values."""
    if op.name == "Transpose":
        return labels.transpose(op.attributes.get("perm"))
    if op.name == "Gather":
        chosen = op.constant(1)
        if chosen is None:
            message = "a choice that is not known"
            raise UnknownError(message)
        return np.take(labels, chosen.array.astype(np.int64), axis=op.attributes.get("axis", 0))
    if op.name == "Slice":
        where: list[Any] = [slice(None)] * labels.ndim
        for axis, span in Cut(op).spans.items():
            where[axis] = slice(*span)
        return labels[tuple(where)]
    if op.name == "Split":
        axis = op.attributes.get("axis", 0)
        sizes = [_numbers(dims)[axis] for dims in parts(op)]
        return np.split(labels, np.cumsum(sizes)[:-1], axis=axis)[output]
    if op.name == "Expand":
        return np.broadcast_to(labels, _numbers(op.outputs[output].dims))
    return labels.reshape(_numbers(op.outputs[output].dims))


def _batch(source: Value) -> int:
    dims = source.dims or ()
    return next((at for at, extent in enumerate(dims) if isinstance(extent, Batch)), -1)


def _rows(source: Value, dims: tuple[int, ...]) -> tuple[Any, Any]:
    """The example and the position of each row of what is attended to."""
    example, position = np.indices(dims[:-1]).reshape(2, -1)
    if _batch(source) == 1:
        example, position = position, example
    elif _batch(source) != 0:
        message = "no axis of examples"
        raise UnknownError(message)
    return example, position


def _heads(
    queries: Projection,
    keys: Projection,
    values: Projection,
    dims: tuple[int, ...],
    source: Value,
) -> tuple[int, int, tuple[int, int, int], tuple[Any, Any]] | None:
    """Heads, their depth, where each part begins, and the example and head of each matrix."""
    length = dims[1] if _batch(source) == 0 else dims[0]
    width = dims[-1]
    example, position = _rows(source, dims)
    kinds = []
    for part, turned in ((queries, False), (keys, True), (values, False)):
        labels = part.labels.swapaxes(-1, -2) if turned else part.labels
        depth = labels.shape[-1]
        if labels.shape[-2] != length or width % depth:
            return None
        labels = labels.reshape(-1, length, depth)
        columns = labels % part.output.dims[-1]  # type: ignore[index]
        rows = labels // part.output.dims[-1]  # type: ignore[index]
        start = int(columns.min())
        head = (columns[:, 0, 0] - start) // depth
        wanted = start + head[:, None, None] * depth + np.arange(depth)
        same = (columns == wanted).all() and (rows == rows[..., :1]).all()
        if not same or (position[rows[..., 0]] != np.arange(length)).any():
            return None
        owners = example[rows[..., 0]]
        if (owners != owners[:, :1]).any():
            return None
        kinds.append((depth, start, head, owners[:, 0]))
    (depth, _, head, owner), *others = kinds
    for other_depth, _, other_head, other_owner in others:
        if other_depth != depth or (other_head != head).any() or (other_owner != owner).any():
            return None
    count = width // depth
    if head.size != EXAMPLES * count or {*head.tolist()} != {*range(count)}:
        return None
    starts = (kinds[0][1], kinds[1][1], kinds[2][1])
    return count, depth, starts, (owner, head)


def _end(
    value: Value, readers: dict[int, list[tuple[int, Operation]]]
) -> tuple[int, Value, Constant, bool, Constant | None, Way] | None:
    """The projection that what is attended to goes through, and the way there."""
    way: list[tuple[Operation, int]] = []
    for _ in range(LONGEST):
        following = _only(value, readers)
        if following is None:
            return None
        place, op = following
        if op.name in VIEWS and not op.domain and op.input(0) is value:
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
        if linear is None or linear[0] is not value:
            return None
        return place, last, linear[1], linear[2], linear[3], tuple(way)
    return None


def _context(
    labels: Any, last: Value, owner: tuple[Any, Any], sizes: tuple[int, int, int]
) -> tuple[int | tuple[int, ...], ...] | None:
    """The layout of what comes out, where each row is of one example and position."""
    count, depth, length = sizes
    rows = labels.reshape(-1, labels.shape[-1])
    example, head = owner
    if rows.shape[1] != count * depth:
        return None
    matrix, rest = np.divmod(rows, length * depth)
    position, column = np.divmod(rest, depth)
    if (head[matrix] * depth + column != np.arange(count * depth)).any():
        return None
    examples, positions = example[matrix], position
    if (examples != examples[:, :1]).any() or (positions != positions[:, :1]).any():
        return None
    by_example = (examples[:, 0] * length + positions[:, 0] == np.arange(len(rows))).all()
    by_position = (positions[:, 0] * EXAMPLES + examples[:, 0] == np.arange(len(rows))).all()
    if not by_example and not by_position:
        return None
    order = (-1, 1) if by_example else (1, -1)
    leading = len(last.dims or ()) - 1
    if leading == 1:
        return (order, 0)
    return (*order, 0) if leading == len(order) else None


def rows_of(matrix: Constant, start: int, count: int, *, turned: bool) -> Any:
    """Some outputs of a linear layer's weight, as outputs × inputs."""
    array = matrix.release()
    array = array if turned else array.T
    return array[start : start + count]


def joined(arrays: Iterable[Any]) -> Any:
    """Arrays one below the other."""
    return np.concatenate(list(arrays))
