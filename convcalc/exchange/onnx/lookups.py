"""Gather of rows that an input of the network names: an embedding."""

from convcalc.exchange.onnx.extents import axis_of, whole
from convcalc.exchange.onnx.graph import Graph
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.reader import BATCH, ONE, Layout, Lowered, Reader
from convcalc.exchange.onnx.values import Batch, Value
from convcalc.exchange.wiring import CannotError, Wiring
from convcalc.shape import Shape

PASSED_ON = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
"""Operators behind which whole numbers are the same."""
MOST_NAMES = 16
"""Tensors that hold the same numbers up to which is looked for a Gather."""


def names_rows(graph: Graph, value: Value) -> bool:
    """Whether an input is whole numbers that name rows of an array of the file."""
    same = [value]
    for op in graph.operations:  # each behind what makes its inputs
        if len(same) > MOST_NAMES or not any(each in op.inputs for each in same):
            continue
        if op.name in PASSED_ON and op.input(0) in same:
            same += op.outputs
        elif op.name == "Gather" and op.input(1) in same and op.constant(0) is not None:
            return True
    return False


def indices(wiring: Wiring, value: Value) -> Lowered | None:
    """An input of whole numbers as a sequence with one channel; None of more than one axis."""
    dims = value.dims or ()
    places = [at for at, extent in enumerate(dims) if not isinstance(extent, Batch)]
    long = [at for at in places if dims[at] != 1] or places[-1:]
    if len(long) > 1:
        return None
    length = whole(dims[long[0]]) if long else 1
    layout: list[int] = [ONE if at in places else BATCH for at in range(len(dims))]
    for at in long:
        layout[at] = 1
    return Lowered(wiring.input(Shape(1, (length,)), value.name), tuple(layout))


def embedding(reader: Reader, op: Operation) -> None:
    """Gather of the rows of a matrix of the file."""
    table = op.constant(0)
    low = reader.low(op.input(1))
    made = reader.wiring.made[low.number]
    if table is None or made.kind != "input" or made.shape.rank != 1 or made.shape.channels != 1:
        message = "which values it takes is worked out as the network runs"
        raise CannotError(message)
    if len(table.dims) != 2 or axis_of(op.attributes.get("axis", 0), 2) or not table.floats:
        message = "what it takes values of is no matrix of rows"
        raise CannotError(message)
    rows, features = map(whole, table.dims)
    fields = {"entries": rows, "features": features}
    weights = {"weight": table.release}
    number = reader.add(op, "embedding", [low.number], fields, weights, (table,))
    layout: Layout = (*(ONE if code == 0 else code for code in low.layout), 0)
    reader.give(op, number, layout)
