"""Attention as it was recognised, as a layer."""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from convcalc.exchange.foreign import Source
from convcalc.exchange.onnx.attention import Projection, joined, rows_of
from convcalc.exchange.onnx.dense import alike
from convcalc.exchange.onnx.merges import named
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.reader import Reader
from convcalc.exchange.onnx.values import Constant
from convcalc.exchange.onnx.windows import Table
from convcalc.exchange.wiring import CannotError
from convcalc.layers.relative import TABLE
from convcalc.layers.windows import Cut

FOLDED = "folded: biases of relative positions, which the file has for each pair of positions"
UNPROVEN = "biases of pairs, taken for those of relative positions: their values are missing"


def attention(reader: Reader, op: Operation) -> None:
    """What `attention.py` recognised, and `windows.py` within parts of a map."""
    if "refused" in op.attributes:
        raise CannotError(op.attributes["refused"])
    parts: Cut | None = op.attributes.get("cut")
    reads = [_read(reader, op, number, parts) for number in range(len(op.inputs))]
    width = reader.shape(reads[0]).channels
    made: Sequence[tuple[Projection, int]] = op.attributes["projections"]
    factors = op.attributes["factors"]
    matrix, turned, out_bias = op.attributes["out"]
    fields: dict[str, Any] = {"heads": op.attributes["heads"]}
    weights: dict[str, Source] = {}
    constants: list[Constant | None] = []
    if parts is not None:
        fields |= _cut(parts)
        for table in op.attributes["tables"]:
            fields["relative_bias"] = True
            biases = _table(table)
            weights[TABLE] = biases.release
            constants.append(biases)
            if table.constant.size > table.places.size:
                reader.count(FOLDED)
            if not table.known:
                reader.count(UNPROVEN)
            if parts.by == "whole" and not named(table.constant):
                reader.undecided.append((op, table.constant))

    def rows(at: int) -> Source:
        projection, start = made[at]
        return lambda: (
            factors[at] * rows_of(projection.matrix, start, width, turned=projection.turned)
        )

    if len({reader.shape(number).channels for number in reads}) == 1:
        weights["in_proj_weight"] = lambda: joined(rows(at)() for at in range(3))
    else:
        weights |= {f"{name}_proj_weight": rows(at) for at, name in enumerate("qkv")}
    weights["out_proj.weight"] = lambda: rows_of(matrix, 0, width, turned=turned)
    given = [*(projection.bias for projection, _ in made), out_bias]
    if any(bias is not None for bias in given):
        missing = sum(bias is None for bias in given)
        if missing:
            reader.count("biases that are 0 and left out of the file are counted")
        *summands, last = (_zeros(width) if bias is None else bias for bias in given)
        weights["in_proj_bias"] = lambda: joined(
            factors[at] * _part(bias, 0 if given[at] is None else made[at][1], width)
            for at, bias in enumerate(summands)
        )
        weights["out_proj.bias"] = lambda: _part(last, 0, width)
        constants += [*summands, last]
    else:
        fields["bias"] = False
    constants += [*(each.matrix for each, _ in made), matrix]
    number = reader.add(op, "attention", reads, fields, weights, constants)
    reader.give(op, number, op.attributes["layout"])


def _read(reader: Reader, op: Operation, number: int, parts: Cut | None) -> int:
    """The layer that gives an input: of a map with its axes in their order."""
    value = reader.tensor(op, number)
    last = len(value.dims or ()) - 1
    if parts is None:
        return reader.channels_at(op, value, last).number
    return reader.fit(op, value, [last, *range(1, last)])


def _cut(parts: Cut) -> dict[str, Any]:
    """Windows or a grid as a spec says them."""
    if parts.by == "whole":
        return {}
    fields: dict[str, Any] = {parts.by: alike(parts.inner)}
    if parts.shifted:
        fields["shift"] = alike(parts.shift)
    return fields


def _table(table: Table) -> Constant:
    """Biases by relative position and head, of the array that has them."""
    constant = table.constant
    return Constant(
        table.places.shape,
        lambda: constant.release().reshape(-1)[table.places] * table.times,
        floats=True,
        name=constant.name,
        initializer=constant.initializer,
        sources=constant.sources,
    )


def _zeros(count: int) -> Constant:
    """A bias that a file has none of."""
    return Constant((count,), lambda: np.zeros(count, np.float32), floats=True)


def _part(bias: Constant, start: int, count: int) -> Any:
    return bias.release().reshape(-1)[start : start + count]


def alone(reader: Reader, op: Operation) -> NoReturn:
    """Attention of ONNX that was not recognised with the linear layers around it."""
    del reader, op
    message = "it is causal, has a mask, or stands between other things than linear layers"
    raise CannotError(message)


def parted(reader: Reader, op: Operation) -> NoReturn:
    """Rows of a map's parts, which no layer makes."""
    del reader, op
    message = "positions in the order of windows are wanted by what is no layer on windows"
    raise CannotError(message)
