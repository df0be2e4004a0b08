"""Layers by patterns of their names, as options take them."""

from collections.abc import Collection
from fnmatch import fnmatchcase

from convcalc.graph import Network
from convcalc.layers import SOURCES


def matching(network: Network, pattern: str | None) -> Collection[str]:
    """Names of the layers that a pattern matches, or of those in the group that it names.

    It may match where they come from, too: `layer1.*`.
    """
    nodes = [(index, node) for index, node in enumerate(network.nodes) if node.kind not in SOURCES]
    if pattern is None:
        return [node.name for _, node in nodes]
    inside = {
        index
        for group in network.groups
        if pattern and pattern in (group.name, group.origin)
        for index in group.layers
    }
    return [
        node.name
        for index, node in nodes
        if index in inside
        or fnmatchcase(node.name, pattern)
        or (node.origin and fnmatchcase(node.origin, pattern))
    ]
