"""Layers by patterns of their names, as options take them."""

from collections.abc import Collection

from convcalc.graph import Network
from convcalc.layers import SOURCES
from convcalc.spec.ways import Layers, called


def matching(network: Network, pattern: str | None) -> Collection[str]:
    """Names of the layers that a pattern matches, or of those in the group that it names.

    It may match where they come from, too: `layer1.*`.
    """
    nodes = [(index, node) for index, node in enumerate(network.nodes) if node.kind not in SOURCES]
    if pattern is None:
        return [node.name for _, node in nodes]
    matched = called(Layers(network.nodes, network.groups), pattern)
    return [node.name for index, node in nodes if index in matched]
