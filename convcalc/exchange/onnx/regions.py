"""Adaptive pooling found in what it is written as where regions are of several sizes.

Each output is the mean or the largest of a region. What an operation takes of each position is seen
from what it makes of a map that is 1 there and 0 elsewhere, of all positions at once, as examples.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from convcalc.exchange.onnx.extents import reduced_axes
from convcalc.exchange.onnx.folding import FOLDERS, worked_out
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.patterns import anew, made_by
from convcalc.exchange.onnx.values import Batch, Constant, UnknownError, Value

LINEAR = frozenset({
    "Add", "Concat", "Div", "Gather", "GatherND", "ReduceMean", "Slice", "Transpose", "Where",
})  # fmt: skip
"""Operators that means of regions are made by."""
LARGEST = frozenset({"Concat", "ReduceMax", "Slice"})
"""Operators that largest values of regions are made by."""
MOST_POSITIONS = 1024
"""Most positions of a map whose regions are looked for."""
MOST_OPERATIONS = 4096
"""Most operations that one of them is made by."""
MOST_VALUES = 2**22
"""Most values that any of these makes of a map for each position."""


def regions(op: Operation) -> Operation | None:
    """Means or largest values of the regions of a map, which do not tile it."""
    out = op.outputs[0].dims
    if out is None or len(out) not in (3, 4, 5) or out[0] != Batch():
        return None
    if op.name == "Concat":
        reduced = made_by(op.input(0), "ReduceMean", "ReduceMax")
        if reduced is None:
            return None
        operators = LARGEST if reduced.name == "ReduceMax" else LINEAR
    else:
        if op.constant(1) is None or made_by(op.input(0), "Add") is None:
            return None
        operators = LINEAR
    source, order = _behind(op, operators)
    if source is None or source.dims is None or len(source.dims) != len(out):
        return None
    if source.dims[:2] != out[:2] or any(isinstance(each, Batch) for each in source.dims[1:]):
        return None
    before = tuple(int(each) for each in source.dims[2:])  # type: ignore[arg-type]
    behind = tuple(int(each) for each in out[2:])  # type: ignore[arg-type]
    if before == behind or not 0 < prod(before) <= MOST_POSITIONS:
        return None
    largest = operators is LARGEST
    made = _responses(order, source, op.outputs[0], before)
    wanted = _wanted(before, behind, largest=largest)
    if made.shape != wanted.shape or not np.allclose(made, wanted, rtol=1e-6, atol=0):
        return None
    name = "AdaptiveMaxPool" if largest else "AdaptiveAveragePool"
    inner = made_by(source, name)  # of another axis, as one after the other is written
    first = inner.input(0) if inner is not None else None
    if first is not None and first.dims is not None:
        each = zip(first.dims[2:], before, behind, strict=True)
        source = first if all(size in (extent, to) for extent, size, to in each) else source
    return anew(op, name, [source], size=behind)


def _behind(last: Operation, operators: frozenset[str]) -> tuple[Value | None, list[Operation]]:
    """The one tensor that all of these operators behind an operation go back to, and they."""
    order: list[Operation] = []
    known: set[int] = set()
    sources: dict[int, Value] = {}
    waiting: list[tuple[Operation, bool]] = [(last, False)]
    while waiting:
        op, done = waiting.pop()
        if done:
            order.append(op)
            continue
        if id(op) in known:
            continue
        known.add(id(op))
        if len(known) > MOST_OPERATIONS:
            return None, []
        waiting.append((op, True))
        for value in op.inputs:
            if value is None or value.constant is not None:
                continue
            inner = made_by(value, *operators)
            if inner is None:
                sources[id(value)] = value
            else:
                waiting.append((inner, False))
    return (next(iter(sources.values())) if len(sources) == 1 else None), order


def _responses(order: list[Operation], source: Value, last: Value, sizes: tuple[int, ...]) -> Any:
    """What comes out for a map that is 1 at one position, for each of them: (positions, *sizes)."""
    count = prod(sizes)
    made: dict[int, Any] = {id(source): np.eye(count).reshape(count, 1, *sizes)}
    left = {id(source): 0}
    for op in order:
        for value in op.inputs:
            if value is not None:
                left[id(value)] = left.get(id(value), 0) + 1
    for op in order:
        array = _one(op, [_given(value, made) for value in op.inputs])
        if array.size > MOST_VALUES:
            message = "regions of a map that is too large"
            raise UnknownError(message)
        made[id(op.outputs[0])] = array
        for value in op.inputs:
            if value is not None:
                left[id(value)] -= 1
                if not left[id(value)]:
                    made.pop(id(value), None)
    array = made[id(last)]
    if array.ndim != len(sizes) + 2 or array.shape[:2] != (count, 1):
        message = "other axes"
        raise UnknownError(message)
    return array[:, 0]


def _given(value: Value | None, made: dict[int, Any]) -> Any:
    if value is None:
        return None
    return np.asarray(_known(value.constant)) if value.constant is not None else made[id(value)]


def _known(constant: Constant) -> Any:
    if constant.size > MOST_VALUES:
        message = "an array that is too large"
        raise UnknownError(message)
    return constant.array


def _one(op: Operation, xs: list[Any]) -> Any:
    """What an operation makes of arrays."""
    if op.name in ("ReduceMean", "ReduceMax"):
        axes = tuple(reduced_axes(op))
        function: Callable[..., Any] = np.mean if op.name == "ReduceMean" else np.max
        return function(xs[0], axis=axes, keepdims=bool(op.attributes.get("keepdims", 1)))
    return worked_out(op, FOLDERS[op.name], xs)


def _wanted(before: tuple[int, ...], behind: tuple[int, ...], *, largest: bool) -> Any:
    """What adaptive pooling takes of each position: (positions, *outputs)."""
    made: Any = np.ones((1,) * (2 * len(before)))
    for axis, (extent, size) in enumerate(zip(before, behind, strict=True)):
        along = np.zeros((extent, size))
        for at in range(size):
            first, last = at * extent // size, -(-(at + 1) * extent // size)
            along[first:last, at] = 1 if largest else 1 / (last - first)
        shape = [1] * (2 * len(before))
        shape[axis], shape[len(before) + axis] = extent, size
        made = made * along.reshape(shape)
    return made.reshape(prod(before), *behind)
