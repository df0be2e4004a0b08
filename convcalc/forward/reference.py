"""The reference tier: every layer's readable definition, one after the other."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from convcalc.forward.weights import weight_names
from convcalc.graph import LayerNode
from convcalc.graph.planned import Planned, PlannedNode
from convcalc.layers import Plan


def run_reference(
    xp: Any,
    network: Planned,
    given: Mapping[str, Any],
    weights: Mapping[str, Any],
    keep: Collection[str],
    after: Callable[[LayerNode, Sequence[Any], Any], None] | None = None,
    read: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """Outputs of the layers in `keep`; every other array is freed behind its last reader.

    `given` has the arrays of the inputs by their names. `after` is called with each layer that
    computes, its inputs and its output; `read`, with each weight when its layer runs, makes an
    array of it.
    """
    outputs: dict[str, Any] = {}

    def step(node: PlannedNode, plan: Plan, xs: list[Any]) -> Any:
        y = given.get(node.name)
        if y is None:
            names = weight_names(network, node, plan)
            own = {name: weights[full] for name, full in names.items()}
            if read is not None:
                own = {name: read(weight) for name, weight in own.items()}
            y = node.layer.forward(xp, own, xs)
            if after is not None:
                after(node, xs, y)
        if node.name in keep:
            outputs[node.name] = y
        return y

    for _ in network.walk(step, sparing=True):
        pass
    return outputs
