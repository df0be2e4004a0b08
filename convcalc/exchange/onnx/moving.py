"""Values that operations move: numbers that say where each comes from go the way that they go."""

from typing import Any

import numpy as np

from convcalc.exchange.onnx.extents import Cut, axis_of, borders, parts
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.patterns import number
from convcalc.exchange.onnx.values import Batch, Dims, UnknownError, Value

EXAMPLES = 2
"""How many examples go the way, so that theirs are told apart."""
MOST = 2**24
"""Most values that go the way."""
VIEWS = frozenset({"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Gather", "Slice", "Split",
    "Flatten", "Expand", "Parted"})  # fmt: skip
"""Operators that move the values of their first input. `Parted` is what `windows.py` puts in."""
LONGEST = 16
"""Most operations that are gone through in one direction."""
NOTHING = 2**62
"""The number of a value that stands in a border of zeros; no tensor has as many."""


class TooManyError(UnknownError):
    """More values than are followed."""


Way = tuple[tuple[Operation, int], ...]
"""Operations that move values, each with the number of its output that goes on."""


def numbers(dims: Dims | None) -> tuple[int, ...]:
    """Extents for so many examples."""
    if dims is None:
        message = "extents that are not known"
        raise UnknownError(message)
    return tuple(each.times * EXAMPLES if isinstance(each, Batch) else each for each in dims)


def fresh(dims: tuple[int, ...]) -> Any:
    """A number of its own for each value of a tensor with these extents."""
    count = 1
    for extent in dims:
        count *= extent
    if count > MOST:
        message = f"{count:,} values are too many to follow"
        raise TooManyError(message)
    return np.arange(count, dtype=np.int64).reshape(dims)


def said(way: Way) -> tuple[object, ...]:
    """What is said by operations on a way, which may be said again elsewhere."""
    return tuple(
        (
            op.name,
            output,
            numbers(op.outputs[output].dims),
            tuple(op.attributes.get("perm") or ()) if op.name == "Transpose" else (),
            op.attributes.get("axis") if op.name in ("Gather", "Split") else None,
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
    labels = fresh(dims)
    for op, output in way:
        labels = viewed(op, output, labels)
    return labels


def viewed(op: Operation, output: int, labels: Any) -> Any:
    """Numbers that went through an operation which moves values."""
    wanted = numbers(op.outputs[output].dims)
    made = _moved(op, output, labels, wanted)
    if made.shape != wanted:
        message = f"{op.name} makes {made.shape} of {labels.shape}, and not {wanted}"
        raise UnknownError(message)
    return made


def _moved(op: Operation, output: int, labels: Any, wanted: tuple[int, ...]) -> Any:
    rank = labels.ndim
    if op.name == "Transpose":
        order = tuple(op.attributes.get("perm") or range(rank)[::-1])
        if sorted(order) != list(range(rank)):
            message = f"{order} is no order of {rank} axes"
            raise UnknownError(message)
        return labels.transpose(order)
    if op.name == "Parted":
        made = op.attributes["cut"].rows(np, np.moveaxis(labels, -1, 1))
        return made.reshape(wanted)
    if op.name == "Gather":
        return _taken(op, labels)
    if op.name == "Slice":
        where: list[Any] = [slice(None)] * rank
        for axis, span in Cut(op).spans.items():
            first, behind, step = span
            where[axis] = slice(first, None if behind < 0 else behind, step)
        return labels[tuple(where)]
    if op.name == "Split":
        axis = axis_of(op.attributes.get("axis", 0), rank)
        sizes = [numbers(dims)[axis] for dims in parts(op)]
        if sum(sizes) != labels.shape[axis] or output >= len(sizes) or min(sizes) < 0:
            message = f"parts of {sizes} of {labels.shape[axis]}"
            raise UnknownError(message)
        return np.split(labels, np.cumsum(sizes)[:-1], axis=axis)[output]
    if op.name == "Expand":
        if len(wanted) < rank or any(
            old not in (1, new) for old, new in zip(labels.shape[::-1], wanted[::-1], strict=False)
        ):
            message = f"{labels.shape} spread to {wanted}"
            raise UnknownError(message)
        return np.broadcast_to(labels, wanted)
    if np.prod(wanted, dtype=object) != labels.size:
        message = f"{labels.size:,} values as {wanted}"
        raise UnknownError(message)
    return labels.reshape(wanted)


def _taken(op: Operation, labels: Any) -> Any:
    """What a Gather takes, whose choice is known."""
    chosen = op.constant(1)
    if chosen is None:
        message = "a choice that is not known"
        raise UnknownError(message)
    axis = axis_of(op.attributes.get("axis", 0), labels.ndim)
    array, extent = np.asarray(chosen.array), labels.shape[axis]
    whole = array.dtype.kind in "iu"
    if not whole or (array.size and not -extent <= array.min() <= array.max() < extent):
        message = "a choice that is not there"
        raise UnknownError(message)
    return np.take(labels, array.astype(np.int64), axis=axis)


def before(value: Value | None) -> Value | None:
    """The tensor that the values of another one were the last time, in another order.

    A border of zeros may stand around them, and a tensor may be parts of one that are joined again.
    """
    op = None if value is None else value.operation
    if op is None or value is None or op.domain or op.malformed:
        return None
    if op.name in VIEWS or (op.name == "Pad" and bordered(op)):
        return op.input(0)
    if op.name == "Concat" and op.inputs:
        sources = [_of_part(each) for each in op.inputs]
        if sources[0] is not None and all(each is sources[0] for each in sources):
            return sources[0]
    return None


def _of_part(value: Value | None) -> Value | None:
    """What a slice is cut from."""
    op = None if value is None else value.operation
    return op.input(0) if op is not None and op.name == "Slice" and not op.domain else None


def bordered(op: Operation) -> bool:
    """Whether a Pad puts nothing but zeros around a tensor."""
    value = op.input(2)
    zero = value is None or number(value) == 0
    sides = [side for each in borders(op) for side in each]
    plain = op.attributes.get("mode", "constant") == "constant"
    return zero and plain and min(sides, default=0) >= 0


def moved(value: Value, source: Value) -> Any:
    """For each value of a tensor its number in the one that it was moved from.

    Raises `UnknownError` where it is not that one's values, in whatever order.
    """
    return _followed(value, source, 2 * LONGEST)


def _followed(value: Value | None, source: Value, left: int) -> Any:
    if value is source:
        return fresh(numbers(source.dims))
    op = None if value is None else value.operation
    if op is None or value is None or not left or op.domain or op.malformed:
        message = "a tensor that is more than moved"
        raise UnknownError(message)
    if op.name in VIEWS:
        return viewed(op, value.number, _followed(op.input(0), source, left - 1))
    if op.name == "Pad" and bordered(op):
        sides = list(zip(*borders(op), strict=True))
        labels = _followed(op.input(0), source, left - 1)
        return np.pad(labels, sides, constant_values=NOTHING)
    if op.name == "Concat" and op.inputs:
        each = [_followed(every, source, left - 1) for every in op.inputs]
        axis = axis_of(op.attributes.get("axis", 1), each[0].ndim)
        made = np.concatenate(each, axis=axis)
        if made.shape != numbers(value.dims):
            message = "parts that do not fit"
            raise UnknownError(message)
        return made
    message = f"{op.name} makes values"
    raise UnknownError(message)


def neighbours(value: Value) -> tuple[Value | None, int]:
    """The tensor whose means over neighbouring channels another one is, and of how many each is.

    They begin half as many before a channel, rounded down, with zeros where there is none.
    """
    after: Value | None = value
    for _ in range(LONGEST):
        op = None if after is None else after.operation
        if op is None or op.name not in VIEWS:
            break
        after = before(after)
    op = None if after is None else after.operation
    if after is None or op is None or op.name != "AveragePool" or op.domain or op.malformed:
        return None, 0
    kernel = tuple(op.attributes.get("kernel_shape") or ())
    size = max(kernel, default=0)
    steps = tuple(op.attributes.get("strides") or ()) + tuple(op.attributes.get("dilations") or ())
    plain = op.attributes.get("auto_pad", "NOTSET") in ("NOTSET", "VALID")
    alone = sum(each != 1 for each in kernel) <= 1 and all(each == 1 for each in steps)
    if not alone or not plain or any(op.attributes.get("pads") or ()):
        return None, 0
    axis = 2 + kernel.index(size)
    source = op.input(0)
    while source is not None and (nearer := before(source)) is not None:
        source = nearer
    if source is None or source.dims is None or after.dims is None:
        return None, 0
    padded = moved(op.input(0) or source, source)
    count = padded.shape[axis] - size + 1
    every = [np.take(padded, range(at, at + count), axis=axis) for at in range(size)]
    windows = np.stack(every, axis=-1).reshape(-1, size)
    made = windows[moved(value, after).reshape(-1)]
    labels = fresh(numbers(source.dims))
    channels = labels.shape[1]
    ahead = size // 2
    border = ((0, 0), (ahead, size - 1 - ahead), *((0, 0) for _ in labels.shape[2:]))
    wide = np.pad(labels, border, constant_values=NOTHING)
    wanted = np.stack([wide[:, at : at + channels] for at in range(size)], axis=-1)
    same = made.shape == (labels.size, size) and (made == wanted.reshape(-1, size)).all()
    return (source, size) if same and value.dims == source.dims else (None, 0)
