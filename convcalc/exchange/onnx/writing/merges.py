"""Merges and constants as operators."""

from convcalc.exchange.onnx.writer import Maker, Write


def chain(operator: str) -> Write:
    """One input after the other; of one alone, itself."""

    def write(make: Maker) -> str:
        if len(make.inputs) == 1:
            return make("Identity", make.x)
        y = make.x
        for x in make.inputs[1:]:
            y = make(operator, y, x)
        return y

    return write


def concat(make: Maker) -> str:
    """Concat along the axis that the layer names."""
    axis = (make.layer.joins(make.shape.rank) or 0) + 1
    return make("Concat", *make.inputs, axis=axis)


def matmul(make: Maker) -> str:
    """MatMul, whose factors ONNX has in the other order with channels first."""
    return make("MatMul", make.inputs[1], make.inputs[0])


def batch(make: Maker) -> str:
    """How many examples there are, as a list of one number."""
    return make("Slice", make("Shape", make.x), make.integers(0), make.integers(1))


def learned(make: Maker) -> str:
    """An array of the file, once for each example."""
    values = make.values("weight")
    if len(make.layer.shape) == 2:
        values = values.transpose(0, 2, 1)
    weight = make.arranged("weight", "", values)
    extents = make("Concat", batch(make), make.integers(*make.plan.output.axes), axis=0)
    return make("Expand", weight, extents)


def embedding(make: Maker) -> str:
    """Rows by position, then channels first."""
    rows = make("Gather", make.weight("weight"), make("Squeeze", make.x, make.integers(1)), axis=0)
    return make.transpose(rows, 0, 2, 1)
