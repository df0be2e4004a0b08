"""Operators that bring tensors together, and constants into them, as layers."""

import re
from collections.abc import Sequence
from typing import Any

from convcalc.exchange.onnx.dense import added_bias, with_bias
from convcalc.exchange.onnx.extents import axis_of
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.pointwise import apply, identity
from convcalc.exchange.onnx.reader import BATCH, ONE, Reader
from convcalc.exchange.onnx.values import Batch, Constant, Value, shown, size_of
from convcalc.exchange.wiring import CannotError, Made, called

KINDS = {"Add": "add", "Sum": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide",
    "Max": "maximum"}  # fmt: skip
_MADE_UP = re.compile(
    r"onnx::|/|_inlfunc|.*Constant|(?:_?val_\d|_?const|scalar_tensor|node_|\d)[^.]*$"
)
"""What exporters call constants that have no name of their own.

`0.weight` is a name: what the first layer of an `nn.Sequential` has.
"""


def named(constant: Constant) -> bool:
    """Whether somebody gave a constant its name, as parameters have one.

    >>> [named(Constant((), lambda: 0, floats=True, name=name, initializer=True))
    ...     for name in ("onnx::Mul_12", "val_3", "17", "encoder.scale", "3.weight")]
    [False, False, False, True, True]
    """
    return any(not _MADE_UP.match(name) for name in constant.sources or (constant.name,))


def merge(reader: Reader, op: Operation) -> None:
    """Add, Sub, Mul, Div, Max and Sum, of tensors and constants."""
    _see_axis(op)
    if op.name == "Add":
        biased = added_bias(op)
        if biased is not None and biased[0].outputs[0].lowered is not None:
            with_bias(reader, op, *biased)
            return
    known = [value.constant if value is not None else None for value in op.inputs]
    if len(op.inputs) == 1:
        identity(reader, op)
        return
    if any(known):
        if len(op.inputs) == 2 and _with_number(reader, op, known):
            return
        if op.name == "Mul" and _scaled(reader, op, known):
            return
    tensors = [value for value in op.inputs if value is not None]
    together(reader, op, KINDS[op.name], tensors)


def _see_axis(op: Operation) -> None:
    """Refuse what meets a tensor elsewhere than at its last axes, as before version 7."""
    axis, one, other = op.attributes.get("axis"), op.input(0), op.input(1)
    if axis is None or one is None or other is None:
        return
    rank, short = len(one.dims or ()), len(other.dims or ())
    if short and axis_of(axis, rank) != rank - short:
        message = f"before version 7 it has {shown(other.dims)} begin at axis {axis}"
        raise CannotError(message)


def _with_number(reader: Reader, op: Operation, known: Sequence[Constant | None]) -> bool:
    """A constant factor or summand that is one number, and no parameter."""
    at = 0 if known[0] is not None else 1
    constant = known[at]
    value = op.inputs[1 - at]
    if constant is None or value is None or constant.size != 1 or _learned(constant):
        return False
    if len(constant.dims) > len(value.dims or ()):
        return False
    number = reader.number(constant)
    if number is None:
        message = f"the value of `{constant.name[:60]}` is not in the file"
        raise CannotError(message)
    fields: dict[str, Any] | None = None
    if op.name in ("Add", "Sum"):
        fields = {"plus": number}
    elif op.name == "Mul":
        fields = {"times": number}
    elif op.name == "Sub":
        fields = {"plus": -number} if at else {"times": -1, "plus": number}
    elif op.name == "Div" and at and number:
        fields = {"times": 1 / number}
    elif op.name == "Max" and number == 0:
        turned = Operation("Relu", [value], {}, op.origin)
        turned.outputs = op.outputs
        apply(reader, turned, "relu")
        return True
    if op.name == "Max":
        message = f"it takes the larger of a tensor and {number:g}; relu does of 0"
        raise CannotError(message)
    if fields is None:
        return False
    turned = Operation(op.name, [value], {}, op.origin)
    turned.outputs = op.outputs
    if fields in ({"plus": 0.0}, {"times": 1.0}):
        low = reader.low(value)
        reader.give(turned, low.number, low.layout)
        return True
    fields = {name: _short(each) for name, each in fields.items()}
    factor = _factor_before(reader, op, value) if fields.keys() == {"plus"} else None
    if factor is None:
        apply(reader, turned, "affine", fields)
        return True
    origin, (before,) = factor.origin, factor.reads
    number = reader.add(op, "affine", [before], {**factor.fields, **fields}, origin=origin)
    reader.give(turned, number, reader.low(value).layout)
    return True


def _factor_before(reader: Reader, op: Operation, value: Value) -> Made | None:
    """The mere factor of the same module that makes what nothing else reads: both are one layer."""
    made = _before(reader, op, value)
    factor = made is not None and made.kind == "affine" and made.fields.keys() == {"times"}
    return made if factor else None


def _norm_before(reader: Reader, op: Operation, value: Value) -> Made | None:
    """The norm by lengths of the same module whose factors these are."""
    made = _before(reader, op, value)
    return made if made is not None and made.kind == "l2norm" else None


def _before(reader: Reader, op: Operation, value: Value) -> Made | None:
    """The layer of the same module that makes a tensor which nothing else reads."""
    made = reader.wiring.made[reader.low(value).number]
    module, other = (each.rpartition("/")[0] for each in (op.origin, made.origin))
    return made if value.uses == 1 and module == other else None


def _short(number: float) -> float:
    return int(number) if number == int(number) and abs(number) < 10**9 else number


def _learned(constant: Constant) -> bool:
    """Whether one number is a parameter: a weight that somebody named."""
    return constant.initializer and constant.floats and named(constant)


def _scaled(reader: Reader, op: Operation, known: Sequence[Constant | None]) -> bool:
    """A factor for each channel."""
    at = 0 if known[0] is not None else 1
    constant, value = known[at], op.inputs[1 - at]
    if constant is None or value is None or value.dims is None or not constant.floats:
        return False
    rank = len(value.dims)
    along = [axis for axis, extent in enumerate(constant.dims) if extent != 1]
    axis = rank - len(constant.dims) + along[0] if len(along) == 1 else -1
    if axis < 0 or value.dims[axis] != constant.size or len(constant.dims) > rank:
        return False
    low = reader.low(value)
    if low.layout[axis] != 0:
        return False
    _decide(reader, op, constant)
    weights = {"weight": lambda: constant.release().reshape(-1)}
    norm = _norm_before(reader, op, value)
    if norm is not None:
        fields = {name: each for name, each in norm.fields.items() if name != "affine"}
        number = reader.add(
            op, norm.kind, norm.reads, fields, weights, (constant,), origin=norm.origin
        )
    else:
        number = reader.add(op, "scale", [low.number], None, weights, (constant,))
    reader.give(op, number, low.layout)
    return True


def _decide(reader: Reader, op: Operation, constant: Constant) -> None:
    """Remember of an array without a name that it is taken for a parameter."""
    if not named(constant):
        reader.undecided.append((op, constant))


def together(reader: Reader, op: Operation, kind: str, values: Sequence[Value]) -> None:
    """Tensors and constants that meet value by value, laid as the largest tensor is."""
    tensors = [value for value in values if value.constant is None]
    if not tensors:
        message = "it reads constants alone"
        raise CannotError(message)
    rank = max(len(value.dims or ()) for value in values)
    main = max(tensors, key=lambda value: (len(value.dims or ()), size_of(value.dims or ())))
    order = _order(reader, main, rank, values)
    reads = [
        reader.fit(op, value, order, rank)
        if value.constant is None
        else learned(reader, op, value.constant, order, rank)
        for value in values
    ]
    number = reader.add(op, kind, reads)
    layout: list[Any] = [BATCH] * rank
    for place, at in enumerate(order):
        layout[at] = place
    reader.give(op, number, tuple(layout))


def _order(reader: Reader, main: Value, rank: int, values: Sequence[Value]) -> list[int]:
    """The axes of what meets, channels first, as the main tensor has them."""
    dims = main.dims or ()
    front = rank - len(dims)
    low = reader.low(main)
    batch = {front + at for at, extent in enumerate(dims) if isinstance(extent, Batch)}
    where: dict[int, int] = {}
    loose = []
    for at, code in enumerate((ONE,) * front + low.layout):
        if isinstance(code, tuple):
            message = "several axes that are one meet others"
            raise CannotError(message)
        if code >= 0:
            where[code] = at
        elif at not in batch:
            loose.append(at)
    left = [axis for axis in range(reader.shape(low.number).rank + 1) if axis not in where]
    if not left and all(
        len(value.dims or ()) <= rank - at - 1 or (value.dims or ())[at - rank] == 1
        for at in loose
        for value in values
    ) and 0 in where and not loose:  # fmt: skip
        return [where[axis] for axis in sorted(where)]
    every = [at for at in range(rank) if at not in batch]
    if front and not any(isinstance(extent, Batch) for extent in dims[:1]):
        return every
    channels = where.get(0)
    if channels is None:
        return every
    return [channels, *(at for at in every if at != channels)]


def learned(
    reader: Reader, op: Operation, constant: Constant, order: Sequence[int], rank: int
) -> int:
    """Values of the file that meet a tensor, as parameters, for axes in this order."""
    if not constant.floats:
        message = f"whole numbers meet a tensor: `{constant.name[:60]}`"
        raise CannotError(message)
    front = rank - len(constant.dims)
    if front < 0 or len(order) > 4:
        message = f"the array {shown(constant.dims)} has more axes than what it meets"
        raise CannotError(message)
    # An array that was expanded to as many as there are examples has one for all of them.
    extents = (1,) * front + tuple(
        extent.times if isinstance(extent, Batch) else int(extent) for extent in constant.dims
    )
    if any(isinstance(constant.dims[at - front], Batch) for at in order if at >= front):
        message = f"the array {shown(constant.dims)} has as many values as there are examples"
        raise CannotError(message)
    if any(extents[at] != 1 for at in range(rank) if at not in order):
        message = f"the array {shown(constant.dims)} has values for each example"
        raise CannotError(message)
    axes = tuple(extents[at] for at in order)
    if not axes:
        message = f"the array {shown(constant.dims)} meets one number of each example"
        raise CannotError(message)
    shape = (*axes[1:], axes[0])
    _decide(reader, op, constant)

    def load() -> Any:
        array = constant.release().reshape(extents)
        rest = [at for at in range(rank) if at not in order]
        array = array.transpose((*rest, *order)).reshape(axes)
        if len(axes) == 2:  # as PyTorch has a sequence: its channels are last
            array = array.T
        return array.reshape(1, *array.shape)

    origin = called(next(iter(constant.sources), constant.name)) or op.origin
    way = (shape, *(at - front for at in order if extents[at] != 1))  # which may be turned
    return reader.add(
        op, "learned", [], {"shape": shape}, {"weight": load}, (constant,), origin=origin, way=way
    )


def joined(reader: Reader, op: Operation) -> None:
    """Concat along any axis but the examples."""
    values = [value for value in op.inputs if value is not None]
    tensors = [value for value in values if value.constant is None]
    if len(values) == 1:
        identity(reader, op)
        return
    if not tensors:
        message = "it reads constants alone"
        raise CannotError(message)
    main = max(tensors, key=lambda value: size_of(value.dims or ()))
    rank = len(main.dims or ())
    axis = axis_of(op.attributes.get("axis", 1), rank)
    values = [value for value in values if value.dims is None or size_of(value.dims)]
    low = reader.low(main)
    codes = [code for code in low.layout if not isinstance(code, tuple) and code >= 0]
    whole = sorted(codes) == list(range(reader.shape(low.number).rank + 1))
    if whole and BATCH in low.layout and len(codes) == rank - 1:
        order = sorted(
            (at for at in range(rank) if low.layout[at] != BATCH),
            key=lambda at: low.layout[at],
        )
    else:
        order = reader.places(main)
    if axis not in order:
        message = "it joins examples"
        raise CannotError(message)
    reads = [
        reader.fit(op, value, order)
        if value.constant is None
        else learned(reader, op, value.constant, order, rank)
        for value in values
    ]
    along = order.index(axis)
    fields = {"axis": reader.axis_word(reads[0], along)} if along else None
    layout: list[Any] = [BATCH] * rank
    for place, at in enumerate(order):
        layout[at] = place
    number = reads[0] if len(reads) == 1 else _concat(reader, op, reads, fields)
    reader.give(op, number, tuple(layout))


def _concat(reader: Reader, op: Operation, reads: list[int], fields: dict[str, Any] | None) -> int:
    """A concat, which goes on from another one that joins the first of the same tensors.

    Dense blocks are exported so: each layer joins all that there are so far once more.
    """
    axis = (fields or {}).get("axis", "")
    whole = tuple(reads)
    for count in range(len(reads) - 1, 1, -1):
        before = reader.joined.get((whole[:count], axis))
        if before is not None:
            reads = [before, *reads[count:]]
            break
    number = reader.add(op, "concat", reads, fields)
    reader.joined[whole, axis] = number
    return number


def mean(reader: Reader, op: Operation) -> None:
    """Mean: the sum divided by how many there are."""
    values = [value for value in op.inputs if value is not None]
    together(reader, op, "add", values)
    low = op.outputs[0].lowered
    number = reader.add(op, "affine", [low.number], {"times": 1 / len(values)})
    reader.give(op, number, low.layout)
