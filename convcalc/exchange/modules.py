"""The modules of a file from elsewhere as groups of its network, for tables with a depth."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from convcalc.graph import Group, Network
from convcalc.layers import SOURCES
from convcalc.spec.fold.scopes import Scopes, parts_of
from convcalc.spec.tree import Item

DEEPEST = 20
"""Most modules inside one another."""
NOTHING = Item.at({}, (), -1, -1)
"""Where a module is said, which no spec does."""

Path = tuple[str, ...]


def modules(network: Network, scopes: Scopes) -> tuple[Group, ...]:
    """The modules of several layers each, outer before inner, by what origins or `scopes` say.

    As folding has it: all that stands in one stands together in the network, and nothing else does.
    """
    paths = [
        () if node.kind in SOURCES else _path(node.origin, scopes)[:DEEPEST]
        for node in network.nodes
    ]
    totals = Counter(path[:depth] for path in paths for depth in range(1, len(path) + 1))
    return tuple(_groups(paths, totals, range(len(paths)), 1))


def _path(origin: str, scopes: Scopes) -> Path:
    """The modules that a layer stands in."""
    scope = scopes.get(origin)
    if scope is not None:
        return scope.path
    return parts_of(origin)[:-1] if "/" in origin else ()


def _groups(
    paths: Sequence[Path], totals: Counter[Path], layers: range, depth: int
) -> Iterator[Group]:
    """The groups among some layers, of which each is so many modules deep."""
    for path, numbers in groupby(layers, lambda at: paths[at][:depth]):
        inside = list(numbers)
        if len(path) < depth:
            continue
        run = range(inside[0], inside[-1] + 1)
        if len(run) > 1 and len(run) == totals[path]:
            yield Group(".".join(path), "", NOTHING, run, run[-1])
        yield from _groups(paths, totals, run, depth + 1)
