"""The reference tier: every layer's readable definition, one after the other."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from convcalc.forward.weights import owner
from convcalc.graph import INPUT, Network


def layer_weights(network: Network, index: int, weights: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of one layer by the names its plan uses."""
    plan, name = network.plans[index], network.nodes[owner(network, index)].name
    return (
        {weight.name: weights[f"{name}.{weight.name}"] for weight in plan.weights} if plan else {}
    )


def run_reference(
    xp: Any,
    network: Network,
    x: Any,
    weights: Mapping[str, Any],
    keep: Collection[str],
    after: Callable[[int, Any], None] | None = None,
) -> dict[str, Any]:
    """Outputs of the layers in `keep`; every other array is freed behind its last reader.

    `after` is called with each layer's index and output.
    """
    readers: dict[int, int] = {}
    for index, node in enumerate(network.nodes):
        readers.update(dict.fromkeys(node.inputs, index))
    held: dict[int, Any] = {INPUT: x}
    found: dict[str, Any] = {}
    for index, node in enumerate(network.nodes):
        if node.layer is None:
            continue
        inputs = [held[source] for source in node.inputs]
        y = node.layer.forward(xp, layer_weights(network, index, weights), inputs)
        if after is not None:
            after(index, y)
        if node.name in keep:
            found[node.name] = y
        held[index] = y
        for source in {index, *node.inputs}:
            if readers.get(source, source) <= index:
                held.pop(source, None)
    return found
