"""What a layer that goes along a sequence does to memory in inference, as PyTorch's CPU does it.

What is kept in training is not PyTorch's, but what the layer's own backward pass needs; so memory
is told of inference alone.
"""

from typing import TYPE_CHECKING

from convcalc.layers.base import Plan
from convcalc.layers.operations import Array, Operation, learned
from convcalc.layers.recurrent import GATES
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.recurrent import Recurrent


class _Steps:
    """Operations as they are written down; each gets the number of the tensor that it makes."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def add(self, operation: Operation) -> int:
        """The number of the tensor that the operation makes; 0 is the layer's input."""
        self.operations.append(operation)
        return len(self.operations)

    def zeros(self, size: int, name: str, holds: tuple[int, ...] = ()) -> int:
        """Values that nothing is read for."""
        return self.add(Operation(size, (), name=name, holds=holds))


def _beginning(layer: "Recurrent", steps: _Steps, states: int) -> tuple[int, ...]:
    """The first states of all layers and directions, which live until the end."""
    size = layer.layers * len(layer.directions) * layer.features
    return tuple(steps.zeros(size, "zeros") for _ in range(states))


def _first(x: Shape, steps: _Steps, held: tuple[int, ...] = ()) -> int:
    """The input with its steps first, which is a copy unless it lies so already."""
    there = Operation(x.size, steps_first=True, layout="kept", name="steps", holds=held)
    if x.spatial == (1,):  # one step lies first, whatever comes behind
        there = there._replace(storage="view", steps_first=False, layout="steps")
    return steps.add(there)


def _output(
    x: Shape, layer: "Recurrent", plan: Plan, steps: _Steps, last: int
) -> tuple[Operation, ...]:
    """The output is seen with its channels first; training keeps every step's gates and states."""
    size = x.spatial[0] * layer.features
    arrays = []
    for end in (end for number in range(layer.layers) for end in layer.ends(number)):
        arrays.append(Array(f"gates of {end}", GATES * size, when="training"))
        arrays += [Array(f"{name} of {end}", size, when="training") for name in layer.kept_states]
    view = Operation(plan.output.size, (last,), "view", layout="steps", name="view")
    steps.add(view._replace(keeps=(0,), extra=tuple(arrays), learns=learned(plan)))
    return tuple(steps.operations)


def lstm(layer: "Recurrent", x: Shape, plan: Plan) -> tuple[Operation, ...]:
    """An output and two states for each direction, which are stacked at the end."""
    steps = _Steps()
    (length,), size = x.spatial, layer.features
    start = _beginning(layer, steps, 2)
    first = read = _first(x, steps)
    ends: tuple[list[int], list[int]] = ([], [])
    made: list[int] = []
    for number in range(layer.layers):
        below, made = made, []
        columns = (
            4 * size * ((layer.features * len(layer.directions) if number else x.channels) + size)
        )
        for at in range(len(layer.directions)):
            for each in ends:
                each.append(steps.zeros(size, "state", start))
            along = Operation(length * size, (read,), layout="fresh", name="along")
            if not layer.bias:  # zeros of the weights' sizes stand in for it
                along = along._replace(extra=(Array("zeros", constant=columns, kept=False),))
            made.append(steps.add(along._replace(holds=tuple(below[at:]))))
        if layer.bidirectional:
            both = Operation(2 * length * size, tuple(made), layout="fresh", name="both")
            read = steps.add(both._replace(holds=(read,)))
        else:
            (read,) = made
    count = len(ends[0])
    stacked = steps.add(Operation(count * size, tuple(ends[0]), name="states"))
    held = (first, *made, read, *ends[0], stacked, *start)
    steps.add(Operation(count * size, tuple(ends[1]), name="cells", holds=held))
    return _output(x, layer, plan, steps, read)


def gru(layer: "Recurrent", x: Shape, plan: Plan) -> tuple[Operation, ...]:
    """What the input gives to all gates at once, then a state for every step."""
    steps = _Steps()
    (length,), size = x.spatial, layer.features
    start = _beginning(layer, steps, 1)
    read = 0
    ends: list[int] = []
    for number in range(layer.layers):
        made: list[int] = []
        gone: tuple[int, ...] = ()
        states: tuple[int, ...] = ()
        for _ in layer.directions:
            given = read if number else _first(x, steps, start)
            gates = steps.add(
                Operation(length * 3 * size, (given,), layout="kept", name="gates", holds=gone)
            )
            if layer.bias and not number:  # in one with the product where the steps lie first
                plus = Operation(length * 3 * size, (gates,), steps_first=True, layout="kept")
                gates = steps.add(plus._replace(name="bias", holds=gone))
            before = steps.zeros((length - 1) * size, "states", (*start, gates))
            step = Operation(
                size,
                (gates,),
                extra=(
                    Array("gates of the state", 3 * size, kept=False),
                    Array("new", size, kept=False),
                ),
                layout="fresh",
                name="state",
            )
            ends.append(steps.add(step))
            stack = Operation(length * size, (before, ends[-1]), layout="fresh", name="along")
            made.append(steps.add(stack._replace(holds=(gates, read))))
            gone, states = (gates,), (*states, before)
        if layer.bidirectional:
            both = Operation(2 * length * size, tuple(made), layout="fresh", name="both")
            read = steps.add(both._replace(holds=(*gone, *states, read)))
        else:
            (read,) = made
    held = (read, *start)
    steps.add(Operation(len(ends) * size, tuple(ends), name="ends", holds=held))
    return _output(x, layer, plan, steps, read)
