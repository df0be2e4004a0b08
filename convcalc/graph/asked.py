"""Which gradients a training step makes: of which inputs, and of which weights of each layer."""

from convcalc.graph import Network, gradient_reads, leading
from convcalc.layers import SOURCES


def asked_of(network: Network, *, inputs: bool = False) -> list[frozenset[int | str]]:
    """By layer, the inputs by number, and the weights by name, that have a gradient.

    A weight has one unless it is frozen; a tensor has one where something that it is made of has.
    Of a layer that no output is made of nothing has, because nothing flows back to it.
    `inputs` gives one to the network's inputs, too, those of whole numbers left out. Of a layer
    that an error keeps unknown nothing is known to learn.
    """
    has: list[bool] = []
    asked: list[frozenset[int | str]] = []
    indices, lead = network.index_inputs, leading(network)
    for index, (node, plan) in enumerate(zip(network.nodes, network.plans, strict=True)):
        if node.kind in SOURCES or index not in lead:
            has.append(inputs and node.kind in SOURCES and index not in indices)
            asked.append(frozenset())
            continue
        owner = node if node.shared_with is None else network.nodes[node.shared_with]
        weights = () if plan is None or owner.frozen else plan.weights
        keys: set[int | str] = {weight.name for weight in weights if not weight.buffer}
        keys.update(number for number, read in enumerate(gradient_reads(node)) if has[read])
        has.append(bool(keys))
        asked.append(frozenset(keys))
    return asked
