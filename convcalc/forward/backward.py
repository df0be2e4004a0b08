"""One pass through a network and back, as in training, by every layer's readable definition.

A layer gets what was kept of its forward pass and nothing else, so that what its memory facts
declare is enough, or it fails.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from convcalc.forward.recording import record
from convcalc.forward.weights import weight_names
from convcalc.graph.planned import Planned, PlannedNode
from convcalc.layers import SOURCES, UNPOOL, Plan
from convcalc.layers.base import Gradients
from convcalc.layers.kept import Kept


class Pass(NamedTuple):
    """What a forward pass of a training step left behind."""

    outputs: Mapping[int, Any]
    """The arrays of the network's outputs, by the index of their layers."""
    kept: Mapping[int, Kept]
    """By layer, what its backward pass gets; layers that have none are left out."""
    updated: Mapping[str, Any]
    """New values of running statistics, by their full names."""


class BackwardError(Exception):
    """A layer's backward pass raised: what it needs was not kept, say, because nothing says so.

    `layer` is its index, and `error` what it raised.
    """

    def __init__(self, layer: int, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.layer, self.error = layer, error


class Learned(NamedTuple):
    """What a backward pass gives."""

    weights: Mapping[str, Any]
    """Gradients of weights by their full names; where layers share one, their sum."""
    inputs: Mapping[str, Any]
    """Gradients of the network's inputs that were asked for, by their names."""


def forward_pass(
    xp: Any,
    network: Planned,
    given: Mapping[str, Any],
    weights: Mapping[str, Any],
    asked: Sequence[Collection[int | str]],
    generator: np.random.Generator,
    after: Callable[[PlannedNode, Any, Kept | None], None] | None = None,
) -> Pass:
    """Run every layer as in training, and hold what its backward pass needs.

    `given` has the arrays of the inputs by their names; `asked` is what `asked_of` gives. `after`
    is called with each layer that runs, its output, and what is kept of it.
    """
    kept: dict[int, Kept] = {}
    outputs: dict[int, Any] = {}
    updated: dict[str, Any] = {}
    places = {id(node): index for index, node in enumerate(network.nodes)}

    def step(node: PlannedNode, plan: Plan, xs: list[Any]) -> Any:
        index = places[id(node)]
        y = given.get(node.name)
        if y is None:
            names = weight_names(network, node, plan)
            # Statistics that layers share move on from where the layer before left them.
            own = {name: updated.get(full, weights[full]) for name, full in names.items()}
            made = record(xp, node.layer, own, xs, asked[index], generator)
            y = made.output
            if asked[index]:
                kept[index] = _of_pool(node, made.kept, kept)
            updated.update((names[name], array) for name, array in made.updated.items())
            if after is not None:
                after(node, y, kept.get(index))
        if index in network.outputs:
            outputs[index] = y
        return y

    for _ in network.walk(step, sparing=True):
        pass
    return Pass(outputs, kept, updated)


def backward_pass(
    xp: Any,
    network: Planned,
    weights: Mapping[str, Any],
    kept: dict[int, Kept],
    gradients: dict[int, Any],
    after: Callable[[PlannedNode, Any, Gradients], None] | None = None,
    summed: Callable[[PlannedNode, Any], None] | None = None,
) -> Learned:
    """Go back through every layer that has a gradient, the last first.

    `gradients` are the loss's for the network's outputs, by the index of their layers. What a layer
    kept, and the gradient of its output, are let go of with it: both are empty in the end, and
    others are added to the loss's gradients in their memory. `after` is called with each layer, the
    gradient of its output, and what it gives; `summed` with each layer and a sum that it adds to,
    while what is summed is still there. Raises `BackwardError` for whatever a layer raises but
    `MemoryError`.
    """
    flowing = gradients
    sole: set[int | str] = {*gradients}  # of layers and weights, what nobody else looks at
    learned: dict[str, Any] = {}
    entering: dict[str, Any] = {}
    for index in range(len(network.nodes) - 1, -1, -1):
        node, dy = network.nodes[index], flowing.pop(index, None)
        held = kept.pop(index, None)
        if dy is None or held is None:
            if dy is not None and node.kind in SOURCES:
                entering[node.name] = dy
            continue
        names = weight_names(network, node, network.plans[index])
        own = {name: weights[full] for name, full in names.items()}
        try:
            made = node.layer.backward(xp, own, held, dy)
        except MemoryError:  # which says nothing of the layer
            raise
        except Exception as error:
            raise BackwardError(index, error) from error
        if after is not None:
            after(node, dy, made)
        for key, gradient in made.items():
            if key not in held.asked:
                continue
            of: dict[Any, Any] = learned if isinstance(key, str) else flowing
            name: int | str = names[key] if isinstance(key, str) else node.inputs[key]
            before = of.get(name)
            if before is None:
                of[name] = gradient
                continue
            # The gradient of what is used more than once is the sum of all uses'.
            if name in sole:
                before += gradient
                total = before
            else:
                total = before + gradient
                sole.add(name)
            if summed is not None:
                summed(node, total)
            of[name] = total
    return Learned(learned, entering)


def _of_pool(node: PlannedNode, own: Kept, kept: Mapping[int, Kept]) -> Kept:
    """What a layer keeps; of one that undoes a pool, where values stood is the pool's own array."""
    pool = kept.get(node.like) if node.kind == UNPOOL and node.like is not None else None
    if pool is None or "indices" not in pool:
        return own
    return Kept({**own.arrays, "indices": pool["indices"]}, own.shapes, own.asked)
