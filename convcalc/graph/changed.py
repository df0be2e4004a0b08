"""The network with one thing changed, planned again: a layer, its place, or the order of branches.

Each gives None where the network cannot be so, and never a network with an error.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from convcalc.graph import Group, LayerNode, Network, plan_layers
from convcalc.graph.inputs import fed
from convcalc.graph.planned import Planned
from convcalc.layers.base import Layer
from convcalc.shape import Shape


def with_layers(network: Planned, layers: "dict[int, tuple[str, Layer]]") -> Planned | None:
    """Other layers, each with its kind, in the places of some, which are named by their indices."""
    nodes: list[LayerNode] = list(network.nodes)
    for index, (kind, layer) in layers.items():
        nodes[index] = nodes[index].changed(layer)._replace(kind=kind)
    return _planned(network, nodes)


def given_as(network: Network, shape: Shape) -> str:
    """How the command line gives a network another input, and with it those that change alike."""
    if len(network.inputs) == 1:
        return f"--input {str(shape).replace('×', 'x')}"
    nodes = fed(network, shape)
    options = []
    for index in network.alike_inputs:
        layer = nodes[index].layer
        if layer is not None:
            text = str(layer.plan(()).output).replace("×", "x")
            options.append(f"--input {nodes[index].name}={text}")
    return " ".join(options)


def with_input(network: Planned, shape: Shape) -> Planned | None:
    """An input of another shape."""
    return _planned(network, fed(network, shape))


def without(network: Planned, gone: Iterable[int]) -> Planned | None:
    """Without some layers; what read one of them reads the first that it read."""
    left = {*gone}
    stands_for = list(range(len(network.nodes)))
    place: dict[int, int] = {}
    for index, node in enumerate(network.nodes):
        if index in left:
            stands_for[index] = stands_for[node.inputs[0]]
        else:
            place[index] = len(place)
    nodes: list[LayerNode] = []
    for index, node in enumerate(network.nodes):
        if index in left:
            continue
        owner = node.shared_with
        if owner in left:
            return None
        nodes.append(
            node._replace(
                inputs=tuple(place[stands_for[read]] for read in node.inputs),
                shared_with=None if owner is None else place[owner],
                like=None if node.like is None else place[stands_for[node.like]],
            )
        )
    groups = [
        group._replace(layers=kept)
        for group in network.groups
        if (kept := _stretch(place[index] for index in group.layers if index in place))
    ]
    outputs = tuple(place[stands_for[index]] for index in network.outputs)
    return _planned(network, nodes, groups, outputs)


def without_branch(network: Planned, merge: int, branch: int) -> Planned | None:
    """A merge without the first of its inputs that a layer gives, and without what is for it alone.

    A merge of two is gone altogether. None where the layer gives all that is merged.
    """
    node = network.nodes[merge]
    left = tuple(read for read in node.inputs if read != branch)
    if not left:
        return None
    nodes: list[LayerNode] = list(network.nodes)
    nodes[merge] = node._replace(inputs=left)
    gone = {merge} if len(left) == 1 else set()
    read = [0] * len(nodes)
    for index in [*network.outputs, *(each for node in nodes for each in _reads(node))]:
        read[index] += 1
    for index in range(merge - 1, -1, -1):
        if not read[index] and nodes[index].inputs:
            gone.add(index)
            for each in _reads(nodes[index]):
                read[each] -= 1
    return without(Planned(*network._replace(nodes=nodes)), gone)


def in_order(network: Planned, order: Sequence[int]) -> Planned | None:
    """The same layers in another order, given by their indices; each still reads what it read.

    None where a layer would stand before one that it reads.
    """
    place = {index: position for position, index in enumerate(order)}
    nodes: list[LayerNode] = []
    for index in order:
        node = network.nodes[index]
        if any(place[read] >= len(nodes) for read in _reads(node)):
            return None
        owner, like = (
            None if each is None else place[each] for each in (node.shared_with, node.like)
        )
        inputs = tuple(place[read] for read in node.inputs)
        nodes.append(node._replace(inputs=inputs, shared_with=owner, like=like))
    groups = [
        group._replace(layers=kept)
        for group in network.groups
        if (kept := _stretch(place[index] for index in group.layers))
    ]
    outputs = tuple(place[index] for index in network.outputs)
    return _planned(network, nodes, groups, outputs)


def moved(network: Planned, index: int, before: int) -> Planned | None:
    """A layer in front of an earlier one, from which a chain of layers leads to it.

    None where there is no such chain: each layer reads the one before it, and is read by the one
    behind it alone.
    """
    nodes = list(network.nodes)
    for each in range(before + 1, index + 1):
        if nodes[each].inputs != (each - 1,) or _readers(network, each - 1) != [each]:
            return None
    if len(nodes[before].inputs) != 1 or any(
        node.shared_with is not None for node in nodes[before : index + 1]
    ):
        return None
    first = nodes[index]._replace(inputs=nodes[before].inputs)
    chain = [
        node._replace(inputs=(place,)) for place, node in enumerate(nodes[before:index], before)
    ]
    nodes[before : index + 1] = [first, *chain]
    return _planned(network, nodes)


def branches(network: Planned, merge: int) -> list[range]:
    """The branches of a merge that could run in any order, in the one in which they do.

    A branch that only hands on what there is before them has no layers and is not among them.
    """
    ends = sorted({*network.nodes[merge].inputs}.difference(network.inputs))
    while ends and not _between(network, ends, merge):
        ends.pop(0)
    return _between(network, ends, merge)


def _between(network: Planned, ends: Sequence[int], merge: int) -> list[range]:
    """The branches that end so and stand directly before a merge; [] if one reads another."""
    if len(ends) < 2 or ends[-1] != merge - 1:
        return []
    later = [range(before + 1, end + 1) for before, end in pairwise(ends)]
    outside = [
        read
        for part in later
        for index in part
        for read in _reads(network.nodes[index])
        if read < part.start
    ]
    start = max([*outside, *network.inputs]) + 1  # an input is of no branch
    if start > ends[0]:
        return []
    return [range(start, ends[0] + 1), *later]


def _reads(node: LayerNode) -> list[int]:
    """What a layer cannot stand before: what it reads, whose weights it uses, what it follows."""
    beside = (node.shared_with, node.like)
    return [*node.inputs, *(each for each in beside if each is not None)]


def _readers(network: Planned, index: int) -> list[int]:
    readers = [
        other
        for other in range(index + 1, len(network.nodes))
        if index in _reads(network.nodes[other])
    ]
    return [*readers, len(network.nodes)] if index in network.outputs else readers


def _stretch(indices: Iterable[int]) -> range:
    """Indices as a range, which is empty unless they stand together."""
    places = sorted(indices)
    if not places or places[-1] - places[0] + 1 != len(places):
        return range(0)
    return range(places[0], places[-1] + 1)


def _planned(
    network: Planned,
    nodes: Sequence[LayerNode],
    groups: Sequence[Group] | None = None,
    outputs: tuple[int, ...] | None = None,
) -> Planned | None:
    nodes, plans, _ = plan_layers(nodes)
    if any(plan is None for plan in plans):
        return None
    changed = network._replace(
        nodes=nodes,
        plans=plans,
        diagnostics=(),
        groups=network.groups if groups is None else tuple(groups),
        outputs=network.outputs if outputs is None else outputs,
        lines=[None] * len(nodes),
    )
    return Planned(*changed)
