"""Operations that are one layer together: activations, norms and shuffles as exporters write them.

Each pattern is looked for at its last operation, and what it found takes that one's place; what is
inside goes with it, unless something else reads that.
"""

from collections.abc import Callable, Iterator, Mapping
from math import inf, pi, sqrt
from types import MappingProxyType
from typing import Any

from convcalc.exchange.onnx.extents import Cut, axis_of, borders, reduced_axes
from convcalc.exchange.onnx.graph import Graph
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.values import Batch, Constant, Dims, UnknownError, Value, size_of

CLOSE = 1e-3
"""How far a constant may be from what it stands for, of which files have float16."""
Pattern = Callable[[Operation], Operation | None]


ORDERS: Mapping[tuple[tuple[int, int], ...], str] = MappingProxyType(
    {
        ((0, 0), (1, 0), (0, 1), (1, 1)): "columns",
        ((0, 0), (0, 1), (1, 0), (1, 1)): "rows",
    }
)
"""Which of four pixels comes first, second, third, fourth → the order of the channels."""


def made_by(value: Value | None, *names: str) -> Operation | None:
    """The operation that makes a value, where it is one of these."""
    op = None if value is None else value.operation
    if op is None or op.domain or op.malformed or op.name not in names:
        return None
    if value is not None and value.number:
        return None
    return op


def number(value: Value | None) -> float | None:
    """The one number that a value is."""
    constant = None if value is None else value.constant
    if constant is None or constant.size != 1:
        return None
    try:
        return float(constant.array.reshape(-1)[0])
    except (UnknownError, TypeError, ValueError):
        return None


def is_near(value: float | None, wanted: float) -> bool:
    """Whether a number stands for another."""
    return value is not None and abs(value - wanted) <= CLOSE * max(abs(wanted), CLOSE)


def with_number(op: Operation | None) -> tuple[Value, float] | None:
    """The tensor and the number that an operation brings together."""
    if op is None or len(op.inputs) < 2:
        return None
    for at in (0, 1):
        value, other = op.input(at), number(op.input(1 - at))
        if value is not None and value.constant is None and other is not None:
            return value, other
    return None


def plus(value: Value | None, summand: float) -> Value | None:
    """What a number is added to."""
    pair = with_number(made_by(value, "Add"))
    return pair[0] if pair is not None and is_near(pair[1], summand) else None


def factors(value: Value, depth: int = 4) -> tuple[list[Value], float]:
    """The tensors that are multiplied, and the numbers among them as one."""
    op = made_by(value, "Mul", "Div") if depth else None
    if op is None:
        return [value], 1.0
    if op.name == "Div":
        by = number(op.input(1))
        divided = op.input(0)
        if not by or divided is None:
            return [value], 1.0
        tensors, constant = factors(divided, depth - 1)
        return tensors, constant / by
    tensors, constant = [], 1.0
    for each in op.inputs:
        if each is None:
            return [value], 1.0
        known = number(each)
        if known is not None:
            constant *= known
        else:
            more, times = factors(each, depth - 1)
            tensors += more
            constant *= times
    return tensors, constant


def anew(op: Operation, name: str, inputs: list[Any], **attributes: Any) -> Operation:
    """What an operation is recognised as."""
    made = Operation(name, inputs, attributes, op.origin, version=max(op.version, 17))
    made.outputs = op.outputs[:1]
    return made


# Activations


def gated(op: Operation) -> Operation | None:
    """x·sigmoid(x), x·tanh(softplus(x)), x·hardsigmoid(x), and GELU in both its forms."""
    if op.name == "Div" and number(op.input(1)) is None:
        return None
    tensors, constant = factors(op.outputs[0])
    if len(tensors) == 1 and op.name in ("Mul", "Div"):
        clipped = _clipped(tensors[0])
        if clipped is not None and is_near(constant, 1 / 6):
            return anew(op, "HardSigmoid", [clipped], alpha=1 / 6, beta=0.5)
        return None
    if len(tensors) != 2:
        return None
    for x, gate in (tensors, tensors[::-1]):
        made = _gate(op, x, gate, constant)
        if made is not None:
            return made
    return None


def _gate(op: Operation, x: Value, gate: Value, constant: float) -> Operation | None:
    plain = is_near(constant, 1)
    inner = made_by(gate, "Sigmoid", "HardSigmoid", "Tanh")
    if plain and inner is not None:
        if inner.name == "Sigmoid" and inner.input(0) is x:
            return anew(op, "Silu", [x])
        if inner.name == "HardSigmoid" and inner.input(0) is x and _hard(inner):
            return anew(op, "HardSwish", [x])
        soft = made_by(inner.input(0), "Softplus") if inner.name == "Tanh" else None
        if soft is not None and soft.input(0) is x:
            return anew(op, "Mish", [x])
    if is_near(constant, 1 / 6) and _clipped(gate) is x:
        return anew(op, "HardSwish", [x])
    if not is_near(constant, 0.5):
        return None
    half = made_by(plus(gate, 1), "Erf", "Tanh")
    read = half.input(0) if half is not None else None
    if half is None or read is None:
        return None
    inside, times = factors(read)
    if half.name == "Erf":
        if inside == [x] and is_near(times, 1 / sqrt(2)):
            return anew(op, "Gelu", [x])
    elif len(inside) == 1 and is_near(times, sqrt(2 / pi)) and _cubic(inside[0], x):
        return anew(op, "Gelu", [x], approximate="tanh")
    return None


def _hard(op: Operation) -> bool:
    alpha, beta = op.attributes.get("alpha", 0.2), op.attributes.get("beta", 0.5)
    return is_near(alpha, 1 / 6) and is_near(beta, 0.5)


def _clipped(value: Value) -> Value | None:
    """X of min(max(x + 3, 0), 6)."""
    op = made_by(value, "Clip")
    if op is None:
        return None
    try:
        low, high = op.given("min", 1), op.given("max", 2)
    except UnknownError:
        return None
    if not is_near(_one(high), 6) or not is_near(_one(low), 0):
        return None
    return plus(op.input(0), 3)


def between(op: Operation) -> Operation | None:
    """Clip by two operators: the smaller of a number and the larger of another, or the reverse."""
    outer = with_number(op) if len(op.inputs) == len(("tensor", "number")) else None
    inner = made_by(outer[0], "Max" if op.name == "Min" else "Min") if outer is not None else None
    pair = with_number(inner) if inner is not None and len(inner.inputs) == 2 else None
    if outer is None or pair is None:
        return None
    low, high = (pair[1], outer[1]) if op.name == "Min" else (outer[1], pair[1])
    return anew(op, "Clip", [pair[0]], min=low, max=high) if low <= high else None


def _one(value: Any) -> float | None:
    while isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    return None if value is None else float(value)


def _cubic(value: Value, x: Value) -> bool:
    """Whether a value is x + 0.044715·x³."""
    op = made_by(value, "Add")
    if op is None or len(op.inputs) != 2:
        return False
    for at in (0, 1):
        other = op.input(1 - at)
        if op.input(at) is x and other is not None:
            tensors, constant = factors(other)
            power = made_by(tensors[0], "Pow") if len(tensors) == 1 else None
            cube = power is not None and power.input(0) is x and is_near(number(power.input(1)), 3)
            return is_near(constant, 0.044715) and (cube or tensors == [x, x, x])
    return False


def soft(op: Operation) -> Operation | None:
    """X where it is large and log(1 + eˣ) elsewhere; PyTorch's exporter has it so."""
    condition, x = made_by(op.input(0), "Greater"), op.input(1)
    log = made_by(op.input(2), "Log", "Log1p", "Softplus")
    if condition is None or x is None or log is None or condition.input(0) is not x:
        return None
    if not is_near(number(condition.input(1)), 20):
        return None
    if log.name == "Softplus" and log.input(0) is x:
        return anew(op, "Softplus", [x])
    inside = plus(log.input(0), 1)
    power = made_by(inside, "Exp")
    return anew(op, "Softplus", [x]) if power is not None and power.input(0) is x else None


# Normalization


def normalized(op: Operation) -> Operation | None:
    """(x − mean)/√(variance + ε), as older files have it, over some axes."""
    if op.name == "Div":
        centred, deviation = op.input(0), op.input(1)
        root = made_by(deviation, "Sqrt")
        inside = root.input(0) if root is not None else _half_power(deviation)
    else:
        centred = inside = None
        for at in (0, 1):
            root = made_by(inverted(op.input(at)), "Sqrt")
            if root is not None:
                centred, inside = op.input(1 - at), root.input(0)
    pair = with_number(made_by(inside, "Add"))
    sub = made_by(centred, "Sub")
    if pair is None or sub is None or centred is None:
        return None
    x, average = sub.input(0), made_by(sub.input(1), "ReduceMean")
    squares = made_by(pair[0], "ReduceMean")
    if average is None or squares is None or x is None or average.input(0) is not x:
        return None
    square = made_by(squares.input(0), "Pow", "Mul")
    if square is None or square.input(0) is not centred:
        return None
    if square.name == "Pow" and not is_near(number(square.input(1)), 2):
        return None
    if square.name == "Mul" and square.input(1) is not centred:
        return None
    try:
        axes = reduced_axes(average)
        if reduced_axes(squares) != axes or not average.attributes.get("keepdims", 1):
            return None
    except UnknownError:
        return None
    return anew(op, "LayerNormalization", [x], epsilon=pair[1], axes=axes, axis=axes[0])


def root_mean_square(op: Operation) -> Operation | None:
    """X/√(mean of x² + ε) along the last axis: RMSNorm, which no layer is."""
    pairs = [(op.input(0), op.input(1)), (op.input(1), op.input(0))]
    for x, divisor in pairs if op.name == "Mul" else pairs[:1]:
        inside = inverted(divisor) if op.name == "Mul" else divisor
        root = made_by(inside, "Sqrt")
        square = root.input(0) if root is not None else _half_power(inside)
        pair = with_number(made_by(square, "Add"))
        mean = made_by(pair[0] if pair is not None else None, "ReduceMean")
        if mean is not None and x is not None and _squared(mean.input(0)) is x:
            return anew(op, "RMSNormalization", [x])
    return None


def inverted(value: Value | None) -> Value | None:
    """X of 1/x."""
    op = made_by(value, "Reciprocal", "Div")
    if op is None or op.name == "Reciprocal":
        return None if op is None else op.input(0)
    return op.input(1) if number(op.input(0)) == 1 else None


def _squared(value: Value | None) -> Value | None:
    """What is multiplied by itself."""
    op = made_by(value, "Pow", "Mul")
    if op is None or len(op.inputs) != len("xx"):
        return None
    x = op.input(0)
    twice = op.input(1) is x if op.name == "Mul" else number(op.input(1)) == len("xx")
    return x if twice and x is not None and x.constant is None else None


def local_response(op: Operation) -> Operation | None:
    """X/(k + α·mean of x² over neighbouring channels)^β, as PyTorch has no operator for it."""
    x, power = op.input(0), made_by(op.input(1), "Pow")
    beta = number(power.input(1)) if power is not None else None
    pair = with_number(made_by(power.input(0), "Add")) if power is not None else None
    if x is None or pair is None or beta is None or x.dims is None or len(x.dims) < 3:
        return None
    means, alpha = factors(pair[0])
    if len(means) != 1:
        return None
    from convcalc.exchange.onnx.moving import neighbours  # which few files have

    squares, size = neighbours(means[0])
    if squares is None or _squared(squares) is not x:
        return None
    return anew(op, "LRN", [x], size=size, alpha=alpha, beta=beta, bias=pair[1], even=True)


def _half_power(value: Value | None) -> Value | None:
    op = made_by(value, "Pow")
    return op.input(0) if op is not None and is_near(number(op.input(1)), 0.5) else None


def affine(op: Operation) -> Operation | None:
    """The factors and summands behind a normalization that has none yet."""
    for at in (0, 1):
        value = op.input(at)
        other = op.input(1 - at)
        constant = other.constant if other is not None else None
        norm = made_by(value, "LayerNormalization", "GroupNormalization")
        if norm is None or constant is None or value is None or value.uses != 1:
            continue
        have = len(norm.inputs)
        wanted = 1 if op.name == "Mul" else 2
        if have != wanted or not constant.floats or not _fits(norm, value, constant):
            continue
        return anew(op, norm.name, [*norm.inputs, other], **norm.attributes)
    return None


def _fits(norm: Operation, value: Value, constant: Constant) -> bool:
    """Whether a constant has one number for each value that is normalized together."""
    dims = value.dims or ()
    if constant.size == 1 or len(constant.dims) > len(dims):
        return False
    padded = (1,) * (len(dims) - len(constant.dims)) + tuple(constant.dims)
    if norm.name == "GroupNormalization":
        return padded == (1, *dims[1:2], *(1 for _ in dims[2:]))
    axis = axis_of(norm.attributes.get("axis", -1), len(dims))
    axes = norm.attributes.get("axes") or range(axis, len(dims))
    return padded == tuple(extent if at in axes else 1 for at, extent in enumerate(dims))


def grouped(op: Operation) -> Operation | None:
    """Group norm as PyTorch exports it: instance norm of groups that were made one channel each."""
    norm = made_by(op.input(0), "InstanceNormalization")
    before = made_by(norm.input(0), "Reshape") if norm is not None else None
    if norm is None or before is None:
        return None
    x, inside = before.input(0), before.outputs[0]
    if x is None or x.dims is None or inside.dims is None or op.outputs[0].dims != x.dims:
        return None
    if len(inside.dims) != 3 or x.dims[0] != inside.dims[0] != Batch() or len(x.dims) < 3:
        return None
    if not (_all(norm.constant(1), 1) and _all(norm.constant(2), 0)):
        return None
    eps = norm.attributes.get("epsilon", 1e-5)
    return anew(op, "GroupNormalization", [x], num_groups=inside.dims[1], epsilon=eps)


def _all(constant: Constant | None, wanted: float) -> bool:
    if constant is None or constant.size > 65536:
        return False
    try:
        return bool((constant.array == wanted).all())
    except UnknownError:
        return False


def unit_length(op: Operation) -> Operation | None:
    """X divided by its length along an axis, which is no less than a small number."""
    divisor = op.input(1)
    expand = made_by(divisor, "Expand")
    clip = made_by(expand.input(0) if expand is not None else divisor, "Clip", "Max")
    norm = made_by(clip.input(0), "ReduceL2") if clip is not None else None
    x = op.input(0)
    if norm is None or clip is None or x is None or norm.input(0) is not x or x.dims is None:
        return None
    try:
        axes = reduced_axes(norm)
        least = _one(clip.given("min", 1))
    except UnknownError:
        return None
    if len(axes) != 1 or not norm.attributes.get("keepdims", 1) or least is None:
        return None
    return anew(op, "LpNormalization", [x], axis=axes[0], p=2, least=least)


# Values in another order


def shuffled(op: Operation) -> Operation | None:
    """Channels that take turns, and maps that channels become, by two reshapes and a transpose."""
    turn = made_by(op.input(0), "Transpose")
    before = made_by(turn.input(0), "Reshape") if turn is not None else None
    if turn is None or before is None or before.input(0) is None:
        return None
    x = before.input(0)
    dims = x.dims if x is not None else None
    inside, out = before.outputs[0].dims, op.outputs[0].dims
    order = tuple(turn.attributes.get("perm") or ())
    if not dims or not inside or not out or dims[0] != inside[0] or out[0] != dims[0]:
        return None
    turns = len(inside) == len(dims) + 1 and order == (0, 2, 1, *range(3, len(inside)))
    if turns and dims == out and inside[3:] == dims[2:]:
        return anew(op, "ChannelShuffle", [x], groups=inside[1])
    if len(inside) == 6 and len(dims) == len(out) == 4:
        return _space(op, x, dims, inside, out, order)
    if len(inside) == 4 and len(dims) == len(out) == 3:
        return _length(op, x, dims, inside, out, order)
    return None


def _length(
    op: Operation, x: Any, dims: Any, inside: Any, out: Any, order: Any
) -> Operation | None:
    """A pixel shuffle of a sequence, or its reverse."""
    batch, channels, length = dims
    longer = inside[2]
    if order == (0, 1, 3, 2) and inside == (batch, out[1], longer, length):
        if out == (batch, out[1], length * longer):
            return anew(op, "DepthToSpace", [x], blocksize=longer, mode="CRD")
        return None
    factor = inside[3]
    orders = {(0, 3, 1, 2): "rows", (0, 1, 3, 2): "channels"}
    if order not in orders or inside != (batch, channels, out[2], factor):
        return None
    if out != (batch, channels * factor, out[2]):
        return None
    return anew(op, "SpaceToDepth", [x], blocksize=factor, order=orders[order])


def _space(op: Operation, x: Any, dims: Any, inside: Any, out: Any, order: Any) -> Operation | None:
    """A pixel shuffle or its reverse."""
    _, channels, height, width = dims
    if order == (0, 1, 4, 2, 5, 3):
        factor = inside[2]
        if inside == (dims[0], out[1], factor, factor, height, width):
            return anew(op, "DepthToSpace", [x], blocksize=factor, mode="CRD")
    if order == (0, 1, 3, 5, 2, 4):
        factor = inside[3]
        whole = (dims[0], channels, out[2], factor, out[3], factor)
        if inside == whole and out[1] == channels * factor**2:
            return anew(op, "SpaceToDepth", [x], blocksize=factor, order="channels")
    if order == (0, 3, 4, 1, 5, 2):
        factor = inside[1]
        if inside == (dims[0], factor, factor, out[1], height, width):
            return anew(op, "DepthToSpace", [x], blocksize=factor, mode="DCR")
    first = {(0, 3, 5, 1, 2, 4): "rows", (0, 5, 3, 1, 2, 4): "columns"}.get(order)
    if first is not None:
        factor = inside[3]
        whole = (dims[0], channels, out[2], factor, out[3], factor)
        if inside == whole:
            return anew(op, "SpaceToDepth", [x], blocksize=factor, order=first)
    return None


def strided(op: Operation) -> Operation | None:
    """What PyTorch's as_strided leaves: all values in a row, and each of them taken in order."""
    row, chosen = made_by(op.input(0), "Reshape"), op.constant(1)
    value = row.outputs[0] if row is not None else None
    if row is None or chosen is None or value is None or value.dims is None:
        return None
    batch = isinstance(value.dims[0], Batch)
    if len(value.dims) != 1 or not batch or op.attributes.get("axis", 0) != 0:
        return None
    listed = chosen.array.reshape(-1)
    if value.dims[0] != Batch(listed.size) or (listed != range(listed.size)).any():
        return None
    return anew(op, "Reshape", [row.input(0), op.input(1)]) if chosen.dims[:1] == (1,) else None


def both_ways(op: Operation) -> Operation | None:
    """The states of both directions of an LSTM or GRU, one behind the other."""
    turn = made_by(op.input(0), "Transpose")
    states = made_by(turn.input(0), "LSTM", "GRU") if turn is not None else None
    out = op.outputs[0].dims
    if states is None or turn is None or out is None or len(out) != 3:
        return None
    dims = states.outputs[0].dims
    order = tuple(turn.attributes.get("perm") or ())
    if dims is None or order != (0, 2, 1, 3) or dims[1] != 2:
        return None
    if out != (dims[0], dims[2], 2 * dims[3]) or any(each.uses for each in states.outputs[1:]):
        return None
    return anew(op, states.name, states.inputs, **states.attributes, joined=True)


def focused(op: Operation) -> Operation | None:
    """Every second row and column as channels of their own, as YOLOv5 begins and Swin merges."""
    rank = len(op.outputs[0].dims or ())
    if len(op.inputs) != len(ORDERS) * 2 or rank != 4:
        return None
    channels = axis_of(op.attributes.get("axis", 1), rank)
    if channels not in (1, rank - 1):
        return None
    rows, columns = (axis for axis in range(1, rank) if axis != channels)
    places = []
    source = None
    for value in op.inputs:
        offsets = {rows: 0, columns: 0}
        at = value
        steps = 0
        while (cut := made_by(at, "Slice")) is not None and steps < 2:
            took = Cut(cut)
            if all(step == 1 for _, _, step in took.spans.values()):
                break  # it is what all of them are cut from
            for axis, (first, behind, step) in took.spans.items():
                extent = took.dims[axis]
                if axis not in offsets or step != 2 or first > 1 or behind != extent:
                    return None
                offsets[axis] = first
            at, steps = cut.input(0), steps + 1
        if not steps or (source is not None and at is not source):
            return None
        source = at
        places.append((offsets[rows], offsets[columns]))
    order = ORDERS.get(tuple(places))
    if order is None or source is None:
        return None
    return anew(op, "SpaceToDepth", [source], blocksize=2, order=order, channels=channels)


def largest_in_order(op: Operation) -> Operation | None:
    """The k largest values along the last axis in the order of their places: two TopK."""
    rank = len(op.outputs[0].dims or ())
    if rank < 2 or axis_of(op.attributes.get("axis", 0), rank) != rank - 1:
        return None
    ordered = made_by(op.input(1), "TopK")
    if ordered is None or ordered.attributes.get("largest", 1):
        return None
    places = ordered.input(0)
    largest = places.operation if places is not None and places.number == 1 else None
    if largest is None or largest.name != "TopK" or not largest.attributes.get("largest", 1):
        return None
    if largest.input(0) is not op.input(0):
        return None
    for each in (ordered, largest):
        if axis_of(each.attributes.get("axis", -1), rank) != rank - 1:
            return None
    counts = [number(each.input(1)) for each in (ordered, largest)]
    if counts[0] is None or counts[0] != counts[1]:
        return None
    return anew(op, "KMaxPool", [op.input(0)], k=int(counts[0]))


def of_regions(op: Operation) -> Operation | None:
    """Adaptive pooling to regions of several sizes."""
    sums = made_by(op.input(0), "Add") if op.name == "Div" and op.constant(1) is not None else None
    if op.name == "Concat" and made_by(op.input(0), "ReduceMean", "ReduceMax") is None:
        return None
    if op.name == "Div" and (sums is None or made_by(sums.input(1), "Gather") is None):
        return None
    from convcalc.exchange.onnx.regions import regions  # which few files have

    return regions(op)


def unpooled(op: Operation) -> Operation | None:
    """What undoes a max pooling, with the tensor that this read instead of where values were.

    A tensor that was made longer or shorter behind for the pool is that again behind it.
    """
    known = made_by(_as_before(op.outputs[0], 0, "MaxUnpool"), "MaxUnpool")
    if known is None or op.outputs[0].dims is None:
        return None
    given = {name: known.attributes.get(name) for name in ("kernel_shape", "strides", "pads")}
    read = known.input(1) if known.attributes.get("undone") else _pooled(known, given)
    source = None if read is None else _as_before(read, -inf, "", op.outputs[0].dims)
    if source is None or source.dims != op.outputs[0].dims:
        return None
    return anew(op, "MaxUnpool", [known.input(0), source], undone=True, **given)


def _pooled(op: Operation, windows: Mapping[str, Any]) -> Value | None:
    """What the pool read that a MaxUnpool undoes, whose places are through a map of its extents."""
    indices = op.input(1)
    pool = indices.operation if indices is not None and indices.number == 1 else None
    if pool is None or pool.name != "MaxPool" or pool.domain or pool.malformed:
        return None
    said = pool.attributes
    alike = all(tuple(said.get(name) or ()) == tuple(each or ()) for name, each in windows.items())
    read = pool.input(0)
    known = read is not None and read.dims is not None and read.dims == op.outputs[0].dims
    return read if alike and known and _is_plain(pool) else None


def scattered(op: Operation) -> Operation | None:
    """What undoes a max pooling as PyTorch exports it: values put into zeros by their numbers.

    These are the places that the pool found in its map, and where that map begins among all.
    """
    scatter = _flat(op.input(0), "ScatterND")
    zeros = scatter.constant(0) if scatter is not None else None
    out = op.outputs[0].dims
    if scatter is None or zeros is None or not out or len(out) < len("ncl"):
        return None
    one = size_of(out[2:])
    maps = zeros.size // one if one else 0
    pool = _pool_of(scatter.input(1), maps, one)
    source = pool.input(0) if pool is not None else None
    if pool is None or source is None or source.dims != out or maps * one != zeros.size:
        return None
    values = _before_reshapes(scatter.input(2), pool.outputs[0].dims)
    plain = scatter.attributes.get("reduction", "none") == "none" and _is_plain(pool)
    if values is None or not plain or zeros.array.any():
        return None
    given = {name: pool.attributes.get(name) for name in ("kernel_shape", "strides", "pads")}
    return anew(op, "MaxUnpool", [values, source], undone=True, **given)


RESHAPES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")


def _flat(value: Value | None, name: str) -> Operation | None:
    """An operation of this name whose values in their order a tensor is."""
    for _ in range(LONGEST):
        op = made_by(value, name, *RESHAPES)
        if op is None or op.name == name:
            return op
        value = op.input(0)
    return None


def _before_reshapes(value: Value | None, dims: Dims | None) -> Value | None:
    """The tensor of these extents whose values in their order another one is."""
    for _ in range(LONGEST):
        if value is None or value.dims == dims:
            return value
        op = made_by(value, *RESHAPES)
        value = op.input(0) if op is not None else None
    return None


def _pool_of(value: Value | None, maps: int, one: int) -> Operation | None:
    """The pool whose places these are, of so many maps one behind the other; None of others.

    ONNX counts places through all maps, PyTorch through each: so its exporter takes off where each
    map begins, which a pool of one value says, and MaxUnpool adds that again.
    """
    begins = _flat(value, "Add")
    if begins is not None:
        at = 0 if begins.constant(0) is not None else 1
        known, value = begins.constant(at), begins.input(1 - at)
        if known is None or known.size != maps or not _counts(known, one):
            return None
    elif maps != 1:
        return None
    apart = _flat(value, "Sub")
    first = made_by(apart.input(1), "Slice") if apart is not None else None
    pool, each = (_places(reader) for reader in (apart, first))
    if pool is None or each is None or first is None or pool.input(0) is not each.input(0):
        return None
    cut = Cut(first)
    spans = [cut.spans.get(axis) for axis in range(2, len(cut.dims))]
    alone = max(each.attributes.get("kernel_shape") or (0,)) == 1 and _is_plain(each)
    return pool if alone and len(cut.spans) == len(spans) == spans.count((0, 1, 1)) else None


def _counts(known: Constant, by: int) -> bool:
    """Whether numbers are 0 and each of them so much more than the one before."""
    return bool(known.array.reshape(-1).tolist() == [at * by for at in range(known.size)])


def _places(op: Operation | None) -> Operation | None:
    """The pool whose places an operation reads first."""
    value = op.input(0) if op is not None else None
    pool = value.operation if value is not None and value.number == 1 else None
    if pool is None or pool.name != "MaxPool" or pool.domain or pool.malformed:
        return None
    return pool


def _is_plain(pool: Operation) -> bool:
    """Whether a pool counts places row by row, pads as it says, and has no gaps."""
    said = pool.attributes
    plain = said.get("auto_pad", "NOTSET") == "NOTSET" and not said.get("storage_order")
    return plain and all(step == 1 for step in said.get("dilations") or ())


def _as_before(value: Value, filled: float, name: str, dims: Dims | None = None) -> Value | None:
    """A tensor before it was cut or filled behind: what an operator makes, or has these extents."""
    for _ in range(LONGEST):
        op = value.operation
        if value.dims == dims or op is None or op.name == name or op.domain or op.malformed:
            return value
        if op.name == "Slice":
            behind = all(span[0] == 0 and span[2] == 1 for span in Cut(op).spans.values())
        elif op.name == "Pad" and op.attributes.get("mode", "constant") == "constant":
            before, after = borders(op)
            given = 0.0 if op.input(2) is None else number(op.input(2))
            behind = given == filled and not any(before) and min(after) >= 0
        else:
            return value
        inner = op.input(0)
        if not behind or inner is None:
            return value
        value = inner
    return None


LONGEST = 8
"""Most operations that a tensor is cut and filled by."""


def _patterns() -> Iterator[tuple[str, tuple[Pattern, ...]]]:
    yield "Mul", (gated, affine, normalized, root_mean_square)
    yield "Div", (gated, normalized, unit_length, root_mean_square, local_response, of_regions)
    yield "Min", (between,)
    yield from dict.fromkeys(("MaxUnpool", "Slice", "Pad"), (unpooled,)).items()
    yield "Max", (between,)
    yield "Add", (affine,)
    yield "Reshape", (grouped, shuffled, both_ways, scattered)
    yield "Squeeze", (scattered,)
    yield "Where", (soft,)
    yield "Gather", (strided,)
    yield "Concat", (focused, of_regions)
    yield "GatherElements", (largest_in_order,)


PATTERNS: Mapping[str, tuple[Pattern, ...]] = MappingProxyType(dict(_patterns()))
"""Operator → the patterns that it may be the last of."""


def recognise(graph: Graph) -> None:
    """Put what is recognised in the place of the operations that it is."""
    attends = False
    for at, op in enumerate(graph.operations):
        attends = attends or op.name in ("Softmax", "Attention")
        if op.domain or op.malformed:
            continue
        for pattern in PATTERNS.get(op.name, ()):
            try:
                made = pattern(op)
            except UnknownError:  # then it is not what is looked for
                continue
            if made is not None:
                graph.operations[at] = made
                for output in made.outputs:
                    output.operation = made
                break
    if attends:
        from convcalc.exchange.onnx.attention import attentive

        attentive(graph)
