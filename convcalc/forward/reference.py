"""The reference tier: every layer's readable definition, one after the other."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from convcalc.forward.weights import layer_weights
from convcalc.graph import INPUT, Network


def run_reference(
    xp: Any,
    network: Network,
    x: Any,
    weights: Mapping[str, Any],
    keep: Collection[str],
    after: Callable[[int, Sequence[Any], Any], None] | None = None,
    read: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """Outputs of the layers in `keep`; every other array is freed behind its last reader.

    `after` is called with each layer's index, inputs and output; `read`, with each weight when its
    layer runs, makes an array of it.
    """
    readers: dict[int, int] = {}
    for index, node in enumerate(network.nodes):
        readers.update(dict.fromkeys(node.inputs, index))
    held: dict[int, Any] = {INPUT: x}
    outputs: dict[str, Any] = {}
    for index, node in enumerate(network.nodes):
        if node.layer is None:
            continue
        inputs = [held[source] for source in node.inputs]
        own = layer_weights(network, index, weights)
        if read is not None:
            own = {name: read(weight) for name, weight in own.items()}
        y = node.layer.forward(xp, own, inputs)
        if after is not None:
            after(index, inputs, y)
        if node.name in keep:
            outputs[node.name] = y
        held[index] = y
        for source in {index, *node.inputs}:
            if readers.get(source, source) <= index:
                held.pop(source, None)
    return outputs
