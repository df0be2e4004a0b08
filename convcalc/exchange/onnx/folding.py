"""Operations whose result is known before the network runs: shapes, constants, and their sums."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from convcalc.exchange.onnx.extents import axes_of, axis_of
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.values import Batch, Constant, Dims, Extent, UnknownError

MOST_FOLDED = 2**20
"""Most values of an array that is worked out at once; others are when they are asked for."""

Folder = Callable[[Operation, list[Any]], Any]


def at_hand(values: Any, kind: str, name: str) -> Constant:
    """Numbers that are there already, as an array of a kind that NumPy has."""
    return _at_hand(np.array(values, kind), name)


def _at_hand(array: Any, name: str) -> Constant:
    made = Constant(array.shape, lambda: array, floats=array.dtype.kind == "f", name=name)
    made.array  # noqa: B018 (which is kept from here on)
    return made


def extents_of(op: Operation, dims: Dims) -> Constant:
    """What Shape and Size make."""
    if op.name == "Size":
        total: Extent = 1
        for extent in dims:
            total = extent * total
        array = np.empty((), dtype=object)
        array[()] = total
        array = array if isinstance(total, Batch) else array.astype(np.int64)
    else:
        chosen = dims[op.attributes.get("start", 0) : op.attributes.get("end", len(dims))]
        array = _of_ints(chosen)
    return _at_hand(array, op.origin)


def _of_ints(values: Any) -> Any:
    """Extents as an array, of objects where the number of examples is among them."""
    listed = list(values)
    if any(isinstance(value, Batch) for value in listed):
        array = np.empty(len(listed), dtype=object)
        array[:] = listed
        return array
    return np.array(listed, dtype=np.int64)


def _tidy(array: Any) -> Any:
    """An array of objects that are all plain numbers as one of numbers."""
    if array.dtype == object and not any(isinstance(each, Batch) for each in array.flat):
        kinds = [type(each) for each in array.flat]
        return array.astype(np.float64 if float in kinds else np.int64)
    return array


def _divide(op: Operation, xs: list[Any]) -> Any:
    del op
    left, right = xs
    if object in (left.dtype, right.dtype):
        return left // right
    if left.dtype.kind in "iu" and right.dtype.kind in "iu":
        if not right.all():
            message = "a division by 0"
            raise UnknownError(message)
        return (np.abs(left) // np.abs(right)) * np.sign(left) * np.sign(right)
    return left / right


def _power(one: Any, other: Any) -> Any:
    """A power of the type of what is raised, whatever the exponent is: 16 to 0.5 is 4."""
    if one.dtype == object:
        return np.power(one, other)
    return np.power(one, other).astype(one.dtype)


def _slice(op: Operation, xs: list[Any]) -> Any:
    array = xs[0]
    starts, ends = op.given("starts", 1), op.given("ends", 2)
    axes, steps = op.given("axes", 3), op.given("steps", 4)
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    where = [slice(None)] * array.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        extent = array.shape[axis_of(axis, array.ndim)]
        first, behind, by = slice(start, end, step).indices(extent)
        where[axis] = slice(first, None if behind < 0 else behind, by)
    return array[tuple(where)]


def _squeeze(op: Operation, xs: list[Any]) -> Any:
    axes = axes_of(op)
    return np.squeeze(xs[0], None if axes is None else tuple(axes))


def _unsqueeze(op: Operation, xs: list[Any]) -> Any:
    array, axes = xs[0], axes_of(op) or []
    for axis in sorted(axis_of(axis, array.ndim + len(axes)) for axis in axes):
        array = np.expand_dims(array, axis)
    return array


def _reshape(op: Operation, xs: list[Any]) -> Any:
    target = [
        xs[0].shape[at] if extent == 0 and not op.attributes.get("allowzero") else extent
        for at, extent in enumerate(xs[1].tolist())
    ]
    return xs[0].reshape(target)


def _gather(op: Operation, xs: list[Any]) -> Any:
    axis = op.attributes.get("axis", 0)
    return np.take(xs[0], xs[1].astype(np.int64), axis=axis)


_CASTS = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}
_CASTS |= {2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 12: "uint32", 13: "uint64"}


def _cast(op: Operation, xs: list[Any]) -> Any:
    if xs[0].dtype == object:
        return xs[0]
    kind = _CASTS.get(op.attributes.get("to", 1))
    return xs[0].astype(kind) if kind else xs[0].astype("float32")


def _range(op: Operation, xs: list[Any]) -> Any:
    del op
    start, limit, step = (each.item() for each in xs)
    if not step or abs((limit - start) / step) > MOST_FOLDED:
        message = "a range without end"
        raise UnknownError(message)
    return np.arange(start, limit, step)


def _filled(op: Operation, xs: list[Any]) -> Any:
    shape = _for_one(xs[0])
    if _count(shape) > MOST_FOLDED:
        message = "too large"
        raise UnknownError(message)
    value = op.attributes.get("value")
    if value is None:
        return np.zeros(shape, np.float32)
    from onnx import numpy_helper

    return np.full(shape, numpy_helper.to_array(value).reshape(-1)[0])


def _for_one(shape: Any) -> list[int]:
    """Extents for one example: what is the same for all is spread over them anyway."""
    return [extent.times if isinstance(extent, Batch) else extent for extent in shape.tolist()]


def _of_shape(op: Operation, shape: Constant, sources: tuple[str, ...]) -> Constant | None:
    """A weight that is one number everywhere, which no memory is taken for; None of a small one."""
    from onnx import numpy_helper

    dims = tuple(shape.array.reshape(-1).tolist())
    if any(isinstance(extent, Batch) or extent < 0 for extent in dims):
        return None
    value = op.attributes.get("value")
    number = np.float32(0) if value is None else numpy_helper.to_array(value).reshape(-1)[0]
    if number.dtype.kind != "f" or _count([*dims]) <= 64:
        return None
    return Constant(
        dims,
        lambda: np.broadcast_to(number, dims),
        floats=True,
        name=_name(op, 0),
        initializer=True,
        sources=sources or (_name(op, 0),),
    )


def _count(shape: list[int]) -> int:
    count = 1
    for extent in shape:
        count *= abs(int(extent))
    return count


def _expand(op: Operation, xs: list[Any]) -> Any:
    del op
    shape = np.broadcast_shapes(xs[0].shape, tuple(_for_one(xs[1])))
    if _count([*shape]) > MOST_FOLDED:
        message = "too large"
        raise UnknownError(message)
    return np.broadcast_to(xs[0], shape)


def _tile(op: Operation, xs: list[Any]) -> Any:
    del op
    if _count([*xs[0].shape, *xs[1].tolist()]) > MOST_FOLDED:
        message = "too large"
        raise UnknownError(message)
    return np.tile(xs[0], xs[1].tolist())


def _split(op: Operation, xs: list[Any]) -> Any:
    sizes = op.given("split", 1)
    axis = op.attributes.get("axis", 0)
    if sizes is None:  # the last one is what is left, which NumPy spreads over the first
        count = op.attributes.get("num_outputs") or len(op.outputs)
        chunk = -(-xs[0].shape[axis] // count)
        sizes = [chunk] * (count - 1)
        return np.split(xs[0], np.cumsum(sizes), axis=axis)
    return np.split(xs[0], np.cumsum(sizes)[:-1], axis=axis)


def _where(op: Operation, xs: list[Any]) -> Any:
    del op
    condition, one, other = np.broadcast_arrays(*xs)
    return np.where(condition.astype(bool), one, other)


def _scattered(op: Operation, xs: list[Any]) -> Any:
    """The first array with slices of it replaced."""
    array, places, updates = xs
    if op.attributes.get("reduction", "none") != "none":
        message = "values that are brought together where they land"
        raise UnknownError(message)
    made = array.copy()
    made[tuple(np.moveaxis(places, -1, 0))] = updates
    return made


def _gathered(op: Operation, xs: list[Any]) -> Any:
    """Slices of the first array, by where they begin."""
    array, places = xs
    if op.attributes.get("batch_dims"):
        message = "slices for each example"
        raise UnknownError(message)
    return array[tuple(np.moveaxis(places, -1, 0))]


def _triangle(op: Operation, xs: list[Any]) -> Any:
    """One half of matrices, and zeros in the other."""
    diagonal = int(xs[1].item()) if len(xs) > 1 and xs[1] is not None else 0
    half = np.triu if op.attributes.get("upper", 1) else np.tril
    return half(xs[0], diagonal)


def _dequantize(op: Operation, xs: list[Any]) -> Any:
    array, scale = xs[0].astype(np.float32), xs[1].astype(np.float32)
    zero = xs[2].astype(np.float32) if len(xs) > 2 and xs[2] is not None else None
    block = op.attributes.get("block_size", 0)
    if block:
        axis = axis_of(op.attributes.get("axis", 1), array.ndim)
        scale = _of_blocks(scale, block, axis, array.shape)
        zero = None if zero is None else _of_blocks(zero, block, axis, array.shape)
    elif scale.ndim == 1 and array.ndim > 1:
        axis = axis_of(op.attributes.get("axis", 1), array.ndim)
        shape = [-1 if at == axis else 1 for at in range(array.ndim)]
        scale = scale.reshape(shape)
        zero = None if zero is None else zero.reshape(shape)
    return (array if zero is None else array - zero) * scale


def _of_blocks(array: Any, block: int, axis: int, shape: tuple[int, ...]) -> Any:
    """Numbers of blocks along an axis as one for each value."""
    if block < 1 or array.ndim != len(shape) or array.shape[axis] != -(-shape[axis] // block):
        message = f"scales of {array.shape} for blocks of {block} of {shape}"
        raise UnknownError(message)
    each = np.arange(shape[axis]) // block
    return np.take(array, each, axis=axis)


def _reduced(function: Callable[..., Any]) -> Folder:
    def fold(op: Operation, xs: list[Any]) -> Any:
        axes = axes_of(op)
        keep = bool(op.attributes.get("keepdims", 1))
        return function(xs[0], axis=None if not axes else tuple(axes), keepdims=keep)

    return fold


def _mean(array: Any, **axes: Any) -> Any:
    """A mean of the type of what it is of; of whole numbers it is cut off behind the point."""
    return (
        np.trunc(np.mean(array, **axes)).astype(array.dtype)
        if array.dtype.kind in "iu"
        else np.mean(array, **axes)
    )


def _one(function: Callable[[Any], Any]) -> Folder:
    return lambda _, xs: function(xs[0])


def _two(function: Callable[[Any, Any], Any]) -> Folder:
    return lambda _, xs: function(xs[0], xs[1])


def _all(function: Callable[[Any, Any], Any]) -> Folder:
    def fold(_: Operation, xs: list[Any]) -> Any:
        made = xs[0]
        for x in xs[1:]:
            made = function(made, x)
        return made

    return fold


def _same(one: Any, other: Any) -> Any:
    if object in (one.dtype, other.dtype):
        return np.array(
            [left == right for left, right in np.broadcast(one, other)], dtype=bool
        ).reshape(np.broadcast_shapes(one.shape, other.shape))
    return one == other


FOLDERS: Mapping[str, Folder] = MappingProxyType(
    {
        "Add": _two(lambda a, b: a + b),
        "Sub": _two(lambda a, b: a - b),
        "Mul": _two(lambda a, b: a * b),
        "Div": _divide,
        "Pow": _two(_power),
        "Mod": lambda op, xs: np.fmod(*xs) if op.attributes.get("fmod") else xs[0] % xs[1],
        "Max": _all(np.maximum),
        "Min": _all(np.minimum),
        "Sqrt": _one(np.sqrt),
        "Neg": _one(lambda a: -a),
        "Abs": _one(np.abs),
        "Exp": _one(np.exp),
        "Log": _one(np.log),
        "Floor": _one(lambda a: a if a.dtype == object else np.floor(a)),
        "Ceil": _one(lambda a: a if a.dtype == object else np.ceil(a)),
        "Round": _one(np.round),
        "Reciprocal": _one(lambda a: 1 / a),
        "Sin": _one(np.sin),
        "Cos": _one(np.cos),
        "Not": _one(np.logical_not),
        "And": _two(np.logical_and),
        "Or": _two(np.logical_or),
        "Equal": _two(_same),
        "Less": _two(lambda a, b: a < b),
        "LessOrEqual": _two(lambda a, b: a <= b),
        "Greater": _two(lambda a, b: a > b),
        "GreaterOrEqual": _two(lambda a, b: a >= b),
        "Where": _where,
        "Trilu": _triangle,
        "GatherND": _gathered,
        "ScatterND": _scattered,
        "Relu": _one(lambda a: np.maximum(a, 0)),
        "Sigmoid": _one(lambda a: 1 / (1 + np.exp(-a))),
        "Tanh": _one(np.tanh),
        "Gather": _gather,
        "Concat": lambda op, xs: np.concatenate(xs, axis=op.attributes.get("axis", 0)),
        "Slice": _slice,
        "Squeeze": _squeeze,
        "Unsqueeze": _unsqueeze,
        "Reshape": _reshape,
        "Flatten": lambda op, xs: xs[0].reshape(
            _count([*xs[0].shape[: op.attributes.get("axis", 1)]]), -1
        ),
        "Transpose": lambda op, xs: np.transpose(xs[0], op.attributes.get("perm")),
        "Cast": _cast,
        "CastLike": lambda _, xs: xs[0].astype(xs[1].dtype),
        "Identity": _one(lambda a: a),
        "Dropout": _one(lambda a: a),
        "Range": _range,
        "ConstantOfShape": _filled,
        "Expand": _expand,
        "Tile": _tile,
        "Split": _split,
        "ReduceProd": _reduced(np.prod),
        "ReduceSum": _reduced(np.sum),
        "ReduceMax": _reduced(np.max),
        "ReduceMin": _reduced(np.min),
        "ReduceMean": _reduced(_mean),
        "DequantizeLinear": _dequantize,
        "Size": _one(lambda a: np.array(a.size, dtype=np.int64)),
        "MatMul": _two(lambda a, b: a @ b),
    }
)
"""Operator → what it makes of arrays that are known."""


def fold(op: Operation, dims: list[Dims]) -> list[Constant] | None:
    """The constants that an operation makes of constants; None where that is not known how.

    `dims` are the extents of what it makes, as far as they are known. Large arrays are worked out
    when somebody asks for them.
    """
    folder = FOLDERS.get(op.name)
    if folder is None:
        return None
    read = [value.constant if value is not None else None for value in op.inputs]
    known = [each for each in read if each is not None]
    small = all(each.size <= MOST_FOLDED and _wanted(each) for each in known)
    sources = tuple(name for each in known for name in each.sources)
    initializer = any(each.initializer for each in known)
    floats = _floats(op, known)
    mixed = any(each.mixed for each in known) or _mixed(op, known)
    if not small and dims and all(each.floats for each in known[:1]):
        return [
            Constant(
                each,
                _later(op, folder, read, number),
                floats=floats,
                name=_name(op, number),
                initializer=initializer,
                sources=sources,
                mixed=mixed,
            )
            for number, each in enumerate(dims)
        ]
    if op.name == "ConstantOfShape" and known and known[0].size:
        filled = _of_shape(op, known[0], sources)
        if filled is not None:
            return [filled]
    made = _worked_out(op, folder, read)
    arrays = made if isinstance(made, list) else [made]
    return [
        _kept(_tidy(np.asarray(array)), op, number, sources, initializer=initializer, mixed=mixed)
        for number, array in enumerate(arrays)
    ]


def _wanted(constant: Constant) -> bool:
    """Whether its values are wanted as numbers: it is no weight that is only handed on."""
    return constant.known or not constant.floats or constant.size <= 64


def _floats(op: Operation, known: list[Constant]) -> bool:
    if op.name == "DequantizeLinear":
        return True
    if op.name == "Cast":
        return op.attributes.get("to", 1) in (1, 10, 11, 16)
    return any(each.floats for each in known[:2])


def _worked_out(op: Operation, folder: Folder, read: list[Constant | None]) -> Any:
    arrays = [None if each is None else np.asarray(each.array) for each in read]
    return worked_out(op, folder, arrays)


def worked_out(op: Operation, folder: Folder, arrays: list[Any]) -> Any:
    """What an operation makes of arrays; raises `UnknownError` where they do not go together."""
    while arrays and arrays[-1] is None:
        arrays.pop()
    try:
        with np.errstate(all="ignore"):
            return folder(op, arrays)
    except UnknownError:
        raise
    except (
        ValueError, TypeError, IndexError, AttributeError, OverflowError, ZeroDivisionError,
        MemoryError,
    ) as error:  # fmt: skip
        raise UnknownError(" ".join(str(error).split())[:100]) from error


def _mixed(op: Operation, known: list[Constant]) -> bool:
    """Whether an operation makes one array of several, and not a longer one or one in floats."""
    if op.name in ("Concat", "DequantizeLinear") or len(known) < len("ab"):
        return False
    return sum(each.floats and each.initializer and each.size > 1 for each in known) > 1


def _later(
    op: Operation, folder: Folder, read: list[Constant | None], number: int
) -> Callable[[], Any]:
    """What works out an output of an operation when it is asked for."""

    def load() -> Any:
        made = _worked_out(op, folder, read)
        return made[number] if isinstance(made, list) else made

    return load


def _kept(
    array: Any,
    op: Operation,
    number: int,
    sources: tuple[str, ...],
    *,
    initializer: bool,
    mixed: bool,
) -> Constant:
    made = Constant(
        tuple(array.shape),
        lambda: array,
        floats=array.dtype.kind == "f",
        name=_name(op, number),
        initializer=initializer,
        sources=sources,
        mixed=mixed,
    )
    made.array  # noqa: B018 (which is at hand)
    return made


def _name(op: Operation, number: int) -> str:
    return op.outputs[number].name if number < len(op.outputs) else op.origin
