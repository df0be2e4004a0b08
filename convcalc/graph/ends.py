"""What made an output: the last layer that changed values, and not only their shape."""

from convcalc.graph import Network
from convcalc.layers import kinds

UNCHANGED = kinds("identity", "view", having="linear")
"""Kinds that leave values in their order."""


def last_kind(network: Network, index: int) -> str:
    """The kind of the last layer that changes values, of those that a tensor is made of."""
    while network.nodes[index].kind in UNCHANGED:
        index = network.nodes[index].inputs[0]
    return network.nodes[index].kind
