"""How attention is written: to itself, to another tensor, and within parts of a map."""

from collections.abc import Sequence
from math import prod

import numpy as np

from convcalc.exchange.onnx.writer import Maker
from convcalc.layers.relative import TABLE, relative_index
from convcalc.layers.windows import Cut
from convcalc.shape import Shape


def attention(make: Maker) -> str:
    """Projections, heads apart, and the products of all queries with all keys."""
    shape = make.shape
    if make.layer.cuts:
        return _within(make, make.layer.cut(shape))
    rows = [_tokens(make, x, each) for x, each in zip(make.inputs, make.shapes, strict=True)]
    if len(rows) == 1:
        queries, keys, values = _together(make, rows[0], prod(shape.spatial))
    else:
        queries, keys, values = _apart(make, rows)
    scores = make("MatMul", _scaled(make, queries), make.transpose(keys, 0, 1, 3, 2))
    y = make.transpose(_out(make, scores, values, prod(shape.spatial)), 0, 2, 1)
    return y if shape.rank == 1 else make.reshape(y, 0, *shape.axes)


def _tokens(make: Maker, x: str, shape: Shape) -> str:
    """Positions of a map as rows of its channels."""
    flat = x if shape.rank == 1 else make.reshape(x, 0, shape.channels, prod(shape.spatial))
    return make.transpose(flat, 0, 2, 1)


def _together(make: Maker, rows: str, length: int) -> list[str]:
    """Queries, keys and values of all heads, by one matrix."""
    width, heads = make.shape.channels, make.layer.heads
    made = make("MatMul", rows, _columns(make, "in_proj_weight"))
    if make.layer.bias:
        made = make("Add", made, make.weight("in_proj_bias"))
    apart = make.reshape(made, 0, length, 3, heads, width // heads)
    turned = make.transpose(apart, 2, 0, 3, 1, 4)
    return [make("Gather", turned, make.integer(at), axis=0) for at in range(3)]


def _apart(make: Maker, rows: Sequence[str]) -> list[str]:
    """The same of several tensors, each by its own part of the weights."""
    width, heads = make.shape.channels, make.layer.heads
    packed = make.plan.weights[0].name == "in_proj_weight"
    made = []
    for at, name in enumerate("qkv"):
        number = min(at, len(rows) - 1)
        part = slice(at * width, (at + 1) * width)
        own = "in_proj_weight" if packed else f"{name}_proj_weight"
        values = make.values(own)[part] if packed else make.values(own)
        each = make("MatMul", rows[number], make.arranged(own, f"of {name}", values.T))
        if make.layer.bias:
            summands = make.values("in_proj_bias")[part]
            each = make("Add", each, make.arranged("in_proj_bias", f"of {name}", summands))
        length = prod(make.shapes[number].spatial)
        apart = make.reshape(each, 0, length, heads, width // heads)
        made.append(make.transpose(apart, 0, 2, 1, 3))
    return made


def _scaled(make: Maker, queries: str) -> str:
    depth = make.shape.channels // make.layer.heads
    return make("Mul", queries, make.number(depth**-0.5))


def _out(make: Maker, scores: str, values: str, length: int) -> str:
    """What the heads give at each of so many positions, and its projection."""
    means = make("MatMul", make("Softmax", scores, axis=-1), values)
    together = make.reshape(make.transpose(means, 0, 2, 1, 3), 0, length, make.shape.channels)
    y = make("MatMul", together, _columns(make, "out_proj.weight"))
    return make("Add", y, make.weight("out_proj.bias")) if make.layer.bias else y


def _columns(make: Maker, weight: str) -> str:
    """A matrix as it is multiplied from the right."""
    return make.arranged(weight, "", make.values(weight).T)


def _within(make: Maker, cut: Cut) -> str:
    """The same within each part of a map, whose scores have biases."""
    heads, length = make.layer.heads, cut.length
    queries, keys, values = _together(make, _rows(make, cut), length)
    scores = make("MatMul", _scaled(make, queries), make.transpose(keys, 0, 1, 3, 2))
    if make.layer.relative_bias:
        biases = make.values(TABLE)[relative_index(np, cut.inner)].transpose(2, 0, 1)
        scores = make("Add", scores, make.arranged(TABLE, "of all pairs", biases))
    if cut.shifted:
        mask = cut.mask(np, "float32")[:, None]
        masked = make.graph.array("mask", mask, key=f"mask of {cut}")
        scores = make.reshape(scores, -1, cut.parts, heads, length, length)
        scores = make.reshape(make("Add", scores, masked), -1, heads, length, length)
    return _map(make, cut, _out(make, scores, values, length))


def _rows(make: Maker, cut: Cut) -> str:
    """Positions of a map part by part."""
    if cut.by == "whole":
        return _tokens(make, make.x, make.shape)
    x, rank, channels = make.x, len(cut.sizes), make.shape.channels
    if cut.whole != cut.sizes:
        lacking = [whole - size for size, whole in zip(cut.sizes, cut.whole, strict=True)]
        x = make("Pad", x, make.integers(*(0,) * (rank + 4), *lacking))
    for axis, (whole, shift) in enumerate(zip(cut.whole, cut.shift, strict=True), 2):
        x = _rolled(make, x, axis, whole, shift)
    x = make.reshape(x, 0, channels, *cut.axes)
    x = make.transpose(x, 0, *(2 + axis for axis in cut.order), 1)
    return make.reshape(x, -1, cut.length, channels)


def _map(make: Maker, cut: Cut, rows: str) -> str:
    """The map that these are the rows of."""
    rank, channels = len(cut.sizes), make.shape.channels
    if cut.by == "whole":
        y = make.transpose(rows, 0, 2, 1)
        return y if rank == 1 else make.reshape(y, 0, channels, *cut.sizes)
    x = make.reshape(rows, -1, *(cut.axes[axis] for axis in cut.order), channels)
    back = [1 + cut.order.index(axis) for axis in range(2 * rank)]
    x = make.reshape(make.transpose(x, 0, 2 * rank + 1, *back), -1, channels, *cut.whole)
    for axis, (size, whole, shift) in enumerate(
        zip(cut.sizes, cut.whole, cut.shift, strict=True), 2
    ):
        x = _rolled(make, x, axis, whole, (whole - shift) % whole)
        x = make.cut(x, axis, 0, size) if size < whole else x
    return x


def _rolled(make: Maker, x: str, axis: int, size: int, by: int) -> str:
    """A map from a position of an axis on, and what stands before that behind it."""
    if not by:
        return x
    return make("Concat", make.cut(x, axis, by, size), make.cut(x, axis, 0, by), axis=axis)
