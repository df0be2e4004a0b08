"""What every layer sees of the input, from its plan's windows and the fields before it."""

from collections.abc import Iterator, Sequence

from convcalc.graph import INPUT, Network
from convcalc.layers.base import Plan
from convcalc.shape import Shape
from convcalc.window import Field

Fields = tuple[Field, ...]
"""One field per spatial axis of the network's input."""


def receptive_fields(network: Network) -> Iterator[tuple[Fields | None, bool]]:
    """For each layer its fields per axis of the input, and whether its paths align.

    Fields are None where outputs have no position in the input (a vector, a transposed map), or
    where an error keeps them unknown.
    """
    start: Fields = (Field(),) * (network.input.rank if network.input else 0)
    seen: list[Fields | None] = []
    off: set[int] = set()
    """Layers that see more than one place."""
    rank = len(start)
    for node, plan in zip(network.nodes, network.plans, strict=True):
        if plan is None:
            seen.append(None)
            yield None, True
            continue
        aligned = True
        if len(node.inputs) == 1:
            index = node.inputs[0]
            fields = start if index == INPUT else seen[index]
            if plan.windows != () and fields is not None:
                fields = _through(plan, fields, network.shape_of(index))
        else:
            fields, aligned = _merged(network, plan, node.inputs, seen, start)
        seen.append(fields)
        if not aligned or (off and not off.isdisjoint(node.inputs)):
            aligned = False
            off.add(len(seen) - 1)
        positioned = fields and plan.output.rank == rank and all(field.size for field in fields)
        yield (fields if positioned else None), aligned


def _through(plan: Plan, before: Fields, shape: Shape | None) -> Fields:
    """The fields after one layer that slides, or that loses the positions."""
    windows = plan.windows
    if windows is None or len(windows) != len(before):
        sizes = shape.spatial if shape and shape.rank == len(before) else (1,) * len(before)
        return tuple(field.collapsed(size) for field, size in zip(before, sizes, strict=True))
    if any(window.up > 1 for window in windows):
        return tuple(
            (field.spread() if size == 1 else field).through(window)
            for field, window, size in zip(before, windows, shape.spatial, strict=True)  # type: ignore[union-attr]
        )
    first = before[0].through(windows[0])
    fields = [first]
    for field, window in zip(before[1:], windows[1:], strict=True):
        alike = field is before[0] and window == windows[0]  # most maps are square
        fields.append(first if alike else field.through(window))
    return tuple(fields)


def _merged(
    network: Network,
    plan: Plan,
    inputs: Sequence[int],
    seen: Sequence[Fields | None],
    start: Fields,
) -> tuple[Fields | None, bool]:
    """The fields of a layer that merges several tensors, and whether they align."""
    merged: list[Field] | None = None
    aligned = True
    for index in inputs:
        fields = start if index == INPUT else seen[index]
        shape = network.shape_of(index)
        if fields is None or shape is None:
            return None, aligned
        here = [
            field.collapsed(1)
            if axis < shape.rank and shape.spatial[axis] == 1 and plan.output.spatial[axis] > 1
            else field
            for axis, field in enumerate(fields)
        ]
        if merged is None:
            merged = here
            continue
        aligned = aligned and all(
            one.aligned(other) for one, other in zip(merged, here, strict=True)
        )
        merged = [one.union(other) for one, other in zip(merged, here, strict=True)]
    return (tuple(merged) if merged is not None else None), aligned
