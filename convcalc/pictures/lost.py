"""Items that errors keep out of a network, as layers that a picture can show where they stand."""

from collections.abc import Mapping, Sequence

from convcalc.diagnostics import Diagnostic, Named
from convcalc.graph import LayerNode, Network
from convcalc.layers import CATALOGUE
from convcalc.spec.flat import Group, Lost
from convcalc.spec.nodes import ScalarNode
from convcalc.spec.tree import Item, called

OTHER = "item"
"""What is called a kind where nothing is written that could be one."""
UNSAID = "an error keeps it out"
"""What is said of an item where no place shows which error is its."""


def with_lost(network: Network) -> tuple[Network, dict[int, str], list[int | None]]:
    """The network with its lost items, what is wrong with each, and what each of its layers was.

    The second is by index of the layers that are added, the third by index of all: the layer's
    index in the network as it is, None of those that are added.
    """
    items = network.lost_items
    if not items:
        return network, {}, list(range(len(network.nodes)))
    before: list[int | None] = []
    added: list[int] = []
    start = 0
    for item in items:
        before += range(start, item.before)
        start = item.before
        added.append(len(before))
        before.append(None)
    before += range(start, len(network.nodes))
    now = {was: index for index, was in enumerate(before) if was is not None}
    lost = iter([_added(*each, now, added) for each in zip(items, _names(network), strict=True)])
    nodes = [next(lost) if was is None else _moved(network, was, now, added) for was in before]
    whole = network._replace(
        nodes=nodes,
        plans=[None if was is None else network.plans[was] for was in before],
        lines=[None if was is None else network.lines[was] for was in before],
        inputs=tuple(now[index] for index in network.inputs),
        outputs=tuple(now[index] for index in network.outputs),
        groups=_groups(network, now, added, len(nodes)),
        lost_items=(),
        lost_reads={},
    )
    told = {index: _wrong(network, item) for index, item in zip(added, items, strict=True)}
    return whole, told, before


def with_lost_named(network: Network) -> Network:
    """The network with its lost items, each of which the error that keeps it out is about."""
    if not network.lost_items:
        return network
    whole, _, before = with_lost(network)
    added = [node.name for node, was in zip(whole.nodes, before, strict=True) if was is None]
    told = list(network.diagnostics)
    for item, name in zip(network.lost_items, added, strict=True):
        error = _error(network, item)
        if error is not None:
            told.append(error._replace(layer=name))
    return whole._replace(diagnostics=tuple(told))


def _added(item: Lost, name: str, now: Mapping[int, int], added: Sequence[int]) -> LayerNode:
    """A lost item as a layer of which nothing is known but what it reads."""
    reads = now.get(-1 if item.reads is None else item.reads)
    if reads is None and item.after is not None:
        reads = added[item.after]
    said = item.item if isinstance(item.item, Item) else Item(OTHER)
    return LayerNode(name, _kind(item), None, () if reads is None else (reads,), said)


def _moved(network: Network, index: int, now: Mapping[int, int], added: Sequence[int]) -> LayerNode:
    """A layer of the network, which reads lost items, too, where it would."""
    node = network.nodes[index]
    known = iter(node.inputs)
    inputs: list[int] = []
    unknown: list[int] = []
    for at in range(len(node.inputs) + len(node.unknown)):
        if at not in node.unknown:
            inputs.append(now[next(known)])
        elif (index, at) in network.lost_reads:
            inputs.append(added[network.lost_reads[index, at]])
        else:
            unknown.append(at)
    return node._replace(
        inputs=tuple(inputs),
        unknown=tuple(unknown),
        shared_with=None if node.shared_with is None else now[node.shared_with],
        like=None if node.like is None else now[node.like],
    )


def _groups(
    network: Network, now: Mapping[int, int], added: Sequence[int], count: int
) -> tuple[Group, ...]:
    """The groups, with the lost items that stand in them."""
    groups = []
    for group in network.groups:
        mine = [now[index] for index in (*group.layers[:1], *group.layers[-1:])] + [
            index
            for index, item in zip(added, network.lost_items, strict=True)
            if item.group == group.name or item.group.startswith(f"{group.name}.")
        ]
        layers = range(min(mine), max(mine) + 1) if mine else range(count, count)
        output = None if group.output is None else now[group.output]
        groups.append(group._replace(layers=layers, output=output))
    return tuple(groups)


def _kind(item: Lost) -> str:
    """What a lost item is, as far as it says that."""
    if not isinstance(item.item, Item):
        return OTHER
    known = (key for key in item.item.entries if key in CATALOGUE)
    return next(known, None) or called(item.item) or OTHER


def _names(network: Network) -> list[str]:
    """What lost items are called: their names or lines, each once."""
    used = {node.name for node in network.nodes} | {group.name for group in network.groups}
    names = []
    for number, item in enumerate(network.lost_items, 1):
        line = None if network.written is None else network.written.places.line_of(item.item.start)
        given = item.item.entries.get("name") if isinstance(item.item, Item) else None
        said = given.text if isinstance(given, ScalarNode) else ""
        said = said or (f"lost item {number}" if line is None else f"line {line}")
        name = full = f"{item.group}.{said}" if item.group else said
        again = 1
        while name in used:
            again += 1
            name = f"{full} ({again})"
        used.add(name)
        names.append(name)
    return names


def _wrong(network: Network, item: Lost) -> str:
    """What is wrong with an item."""
    error = _error(network, item)
    return UNSAID if error is None else error.message


def _error(network: Network, item: Lost) -> Diagnostic | None:
    """The error that keeps an item out: the first whose place is in it."""
    if network.written is None:
        return None
    places = network.written.places
    place = places.place(item.item.start, item.item.end)
    if isinstance(place, Named):  # of values that were made in Python
        within = tuple(f"{place.name}{sign}" for sign in ".[")
        return next(
            (
                error
                for error in network.errors
                if error.named and (error.named == place.name or error.named.startswith(within))
            ),
            None,
        )
    first, last = places.line_of(item.item.start), places.line_of(item.item.end)
    if first is None or last is None:
        return None
    for error in network.errors:
        if error.line is not None and first <= error.line <= last:
            return error
    return None
