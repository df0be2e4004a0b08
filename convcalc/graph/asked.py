"""Which gradients a training step makes: of which inputs, and of which weights of each layer."""

from convcalc.graph import Network
from convcalc.layers import CONSTANTS, SOURCES, UNPOOL


def asked_of(network: Network, *, inputs: bool = False) -> list[frozenset[int | str]]:
    """By layer, the inputs by number, and the weights by name, that have a gradient.

    A weight has one unless it is frozen; a tensor has one where something that it is made of has.
    `inputs` gives one to the network's inputs, too, those of whole numbers left out. Of a layer
    that an error keeps unknown nothing is known to learn.
    """
    has: list[bool] = []
    asked: list[frozenset[int | str]] = []
    indices = network.index_inputs
    for index, (node, plan) in enumerate(zip(network.nodes, network.plans, strict=True)):
        if node.kind in SOURCES:
            has.append(inputs and index not in indices)
            asked.append(frozenset())
            continue
        owner = node if node.shared_with is None else network.nodes[node.shared_with]
        weights = () if plan is None or owner.frozen else plan.weights
        keys: set[int | str] = {weight.name for weight in weights if not weight.buffer}
        reads = () if node.kind in CONSTANTS else node.inputs
        if node.kind == UNPOOL:  # where the largest values stood has no gradient
            reads = reads[:1]
        keys.update(number for number, read in enumerate(reads) if has[read])
        has.append(bool(keys))
        asked.append(frozenset(keys))
    return asked
