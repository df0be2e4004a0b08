"""What became of a network, as its graph: layers added, removed and changed, side by side in one.

It is the new network with the layers of the old one that are gone, each where it was and with what
it read and what read it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from convcalc.analysis.compare import Change, Comparison, beside
from convcalc.graph import Group, LayerNode, Network
from convcalc.layers.base import Plan
from convcalc.numbers import value_text
from convcalc.pictures.graph import Choices, Mark, drawn
from convcalc.pictures.scene import Scene

GONE = " (removed)"
"""What is put behind the names of layers that are gone: another may have the name now."""


class Both(NamedTuple):
    """Two networks as one, with what became of its layers."""

    network: Network
    """The new network with what is gone of the old one."""
    marks: dict[int, Mark]
    """By layer what became of it; of those that are as they were nothing."""


def scene(old: Network, new: Network, comparison: Comparison) -> Scene:
    """The networks that were compared as one graph, with what changed marked by colour and sign."""
    both = joined(old, new, comparison)
    return drawn(
        both.network,
        Choices(depth=1),
        both.marks,
        f"{old.name} → {new.name}",
        base="kept",
        opened=_worth_opening(both),
    )


def joined(old: Network, new: Network, comparison: Comparison) -> Both:
    """Both networks as one."""
    before = {node.name: index for index, node in enumerate(old.nodes)}
    after = {node.name: index for index, node in enumerate(new.nodes)}
    image = _inputs(old, new)
    pairs = beside(comparison.old.layers, comparison.new.layers)
    image |= {before[one.name]: after[other.name] for one, other in pairs if one and other}
    gone = _anchors(old, image, len(new.inputs), [
        (one and before[one.name], other and after[other.name]) for one, other in pairs
    ])  # fmt: skip
    order = sorted([
        *((index, 0, index) for index in range(len(new.nodes))),
        *((anchor, 1, index) for index, anchor in gone.items()),
    ])  # fmt: skip
    place = {(old_one, index): at for at, (_, old_one, index) in enumerate(order)}
    where = {index: place[0, other] for index, other in image.items()}
    where |= {index: place[1, index] for index in gone}
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(old.nodes):
        for read in node.inputs:
            if read in gone and index not in gone and index in image:
                readers.setdefault(image[index], []).append(place[1, read])
    nodes: list[LayerNode] = []
    plans: list[Plan | None] = []
    for _, is_old, index in order:
        source = old if is_old else new
        node = source.nodes[index]
        plans.append(source.plans[index])
        if is_old:
            inputs: Iterable[int] = (where[read] for read in node.inputs if read in where)
            node = node._replace(name=f"{node.name}{GONE}")
        else:
            at = place[0, index]
            was = [read for read in readers.get(index, ()) if read < at]
            inputs = [*(place[0, read] for read in node.inputs), *was]
        shared = node.shared_with
        mapped = None if shared is None or is_old else place[0, shared]
        nodes.append(
            node._replace(inputs=tuple(dict.fromkeys(inputs)), shared_with=mapped, like=None)
        )
    marks = {
        place[key]: mark
        for change in comparison.changes
        for key, mark in _marked(change, before, after)
    }
    marks |= {
        place[1, index]: Mark("removed", "−") for index in gone if old.nodes[index].kind == "input"
    }
    network = new._replace(
        nodes=nodes,
        plans=plans,
        lines=[None] * len(nodes),
        inputs=tuple(place[0, index] for index in new.inputs),
        outputs=tuple(place[0, index] for index in new.outputs),
        groups=tuple(_groups(new.groups, place)),
        diagnostics=(),
        written=None,
    )
    return Both(network, marks)


def _inputs(old: Network, new: Network) -> dict[int, int]:
    """Inputs of the old network that are there still, with what they are in the new one."""
    if len(old.inputs) == len(new.inputs) == 1:
        return {old.inputs[0]: new.inputs[0]}
    named = new.named_inputs
    return {index: named[name] for name, index in old.named_inputs.items() if name in named}


def _anchors(
    old: Network,
    image: dict[int, int],
    first: int,
    pairs: Iterable[tuple[int | None, int | None]],
) -> dict[int, int]:
    """Layers of the old network that are gone → the layer of the new one behind which they stand.

    That is where they were, and behind all that they read.
    """
    gone: dict[int, int] = {index: first - 1 for index in old.inputs if index not in image}
    last = first - 1
    for one, other in pairs:
        if other is not None:
            last = max(last, other)
        elif one is not None:
            gone[one] = last
    for index in sorted(gone):
        for read in old.nodes[index].inputs:
            gone[index] = max(gone[index], gone[read] if read in gone else image.get(read, 0))
    return gone


def _groups(groups: Iterable[Group], place: dict[tuple[int, int], int]) -> Iterable[Group]:
    """The groups of the new network, with what is gone from within them."""
    for group in groups:
        if group.layers:
            start, stop = place[0, group.layers[0]], place[0, group.layers[-1]] + 1
            output = None if group.output is None else place[0, group.output]
            yield group._replace(layers=range(start, stop), output=output)


def _marked(
    change: Change, before: dict[str, int], after: dict[str, int]
) -> Iterable[tuple[tuple[int, int], Mark]]:
    """The mark of a layer that is not as it was; one that only costs more or less has none."""
    if change.status == "added" and change.new:
        yield (0, after[change.new.name]), Mark("added", "+")
    elif change.status == "removed" and change.old:
        yield (1, before[change.old.name]), Mark("removed", "−")
    elif change.status == "changed" and change.new:
        yield (0, after[change.new.name]), Mark("changed", "~", "; ".join(_differences(change)))


def _differences(change: Change) -> Iterable[str]:
    """What differs of a layer, in words."""
    if change.old and change.new and change.old.kind != change.new.kind:
        yield f"was {change.old.kind}"
    for name, old, new in change.fields:
        if change.old and change.new and change.old.kind != change.new.kind:
            continue
        yield f"{name} {_value(old)} → {_value(new)}"
    if change.reads:
        yield f"reads {', '.join(change.reads[1])}, and read {', '.join(change.reads[0])}"
    if change.weights:
        yield f"weights of {change.weights[1] or 'its own'}, not {change.weights[0] or 'its own'}"


def _value(value: object) -> str:
    return "none" if value is None else value_text(value)


def _worth_opening(both: Both) -> set[str]:
    """Groups of which a part changed: what is all new, or as it was, is one box."""
    names = set()
    for group in both.network.groups:
        roles = {both.marks[index].role if index in both.marks else "" for index in group.layers}
        if len(roles) > 1 or roles == {"changed"}:
            names.add(group.name)
    return names
