"""Filters of a layer go, and what reads them follows.

Those that stay are the ones with the largest sums of absolute weights (Li et al. 2017, "Pruning
Filters for Efficient ConvNets"); without weights there is nothing to choose by, and only numbers
change.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.graph.planned import Planned
from convcalc.layers import CATALOGUE, kinds
from convcalc.layers.base import field_value
from convcalc.layers.rearrange import Flatten
from convcalc.numbers import plural
from convcalc.spec.tree import Item
from convcalc.surgery.edits import CannotConvertError, Edit, Result, Subject, edited

if TYPE_CHECKING:
    from convcalc.graph import LayerNode

PRUNED = ("conv", "linear")
"""Kinds whose outputs can go, each with its row of weights."""
FOLLOWING = kinds("activation", "identity", "pool") | {"batchnorm", "upsample", "pad", "crop"}
"""Kinds through which each channel goes by itself."""


class Kept(NamedTuple):
    """Which channels of an output stay."""

    source: int
    """The pruned layer, whose filters they are."""
    spread: int = 1
    """Values behind each other that each filter makes: those of its map, once that is flat."""
    before: int = 0
    """Channels before them, of the branches that are concatenated first."""
    behind: int = 0
    """Channels behind them, of the branches that are concatenated after."""


def convert(subject: Subject, value: str) -> Result:
    """The network with N filters of the layers that match, LAYER=N."""
    pattern, _, number = value.rpartition("=")
    if not pattern or not number.isdecimal() or len(number) > 9:
        message = f"what to prune is LAYER=N, such as conv3=48, and this is {value[:60]!r}"
        raise CannotConvertError(message)
    network = subject.network
    chosen = [index for index, node in enumerate(network.nodes) if fnmatchcase(node.name, pattern)]
    if not chosen:
        from convcalc.arguments import unknown

        message = str(unknown(pattern, "layer", (node.name for node in network.nodes)))
        raise CannotConvertError(message)
    for index in chosen:
        _check(network, index, int(number))
    sources = _followed(network, chosen)
    _check_shared(network, sources)
    count = int(number)
    edits = {index: _fewer(network.nodes[index].kind, count) for index in chosen}
    made = edited(subject, edits)
    gone = sum(network.shape_of(index).channels - count for index in chosen)
    names = {
        new.name: index
        for index, places in enumerate(made.places)
        for new in (made.subject.network.nodes[each] for each in places)
    }

    def moves(weights: Mapping[str, Any]) -> dict[str, Any]:
        return _moved(network, made.subject.network, names, weights, sources, chosen, count)

    return Result(
        made.subject,
        moves,
        (
            f"{plural(gone, 'filter')} of {plural(len(chosen), 'layer')} went, the smallest",
            *made.remarks,
        ),
    )


def _check(network: Planned, index: int, count: int) -> None:
    """Refuse to prune what cannot be."""
    node = network.nodes[index]
    channels = network.shape_of(index).channels
    shared = {each.shared_with for each in network.nodes}
    if node.kind not in PRUNED:
        message = f"{node.name} is {node.kind}: filters of {' and '.join(PRUNED)} layers can go"
    elif not 1 <= count < channels:
        message = f"{node.name} has {channels} filters: keep from 1 to {channels - 1} of them"
    elif node.shared_with is not None or index in shared:
        message = f"{node.name} shares its weights with other layers"
    elif node.kind == "conv" and field_value(node.layer, "groups") != 1:
        message = f"{node.name} has groups, of which each would need as many filters"
    else:
        return
    raise CannotConvertError(message)


def _check_shared(network: Planned, kept: Sequence[tuple[Kept, ...]]) -> None:
    """Refuse where layers of the same weights read different channels, which would not fit both."""
    for node in network.nodes:
        if node.shared_with is None:
            continue
        owner = network.nodes[node.shared_with]
        if [kept[each] for each in node.inputs] != [kept[each] for each in owner.inputs]:
            message = (
                f"{node.name} has the weights of {owner.name}, and reads other channels: those "
                "that stay would not be the same"
            )
            raise CannotConvertError(message)


def _followed(network: Planned, chosen: Sequence[int]) -> list[tuple[Kept, ...]]:
    """For each layer which channels of what it makes stay; raises where something else reads it."""
    made: list[tuple[Kept, ...]] = []
    for index, node in enumerate(network.nodes):
        given = [made[each] for each in node.inputs]
        if index in chosen:
            made.append((Kept(index),))
        elif not any(given) or (node.kind in PRUNED and _takes(node)):
            made.append(())
        elif node.kind in FOLLOWING and not _adds_channels(network, index):
            made.append(given[0])
        elif isinstance(node.layer, Flatten):
            spread = network.shape_of(index).channels // network.shape_of(node.inputs[0]).channels
            made.append(
                tuple(
                    Kept(each.source, spread, each.before * spread, each.behind * spread)
                    for each in given[0]
                )
            )
        elif node.kind == "concat" and field_value(node.layer, "axis") in (None, "channels"):
            made.append(_concatenated(network, node, given))
        else:
            names = ", ".join(
                sorted({network.nodes[each.source].name for kept in given for each in kept})
            )
            message = (
                f"{node.name} is {node.kind}, which needs all channels of {names}: prune what is "
                "read by convolutions and linear layers alone"
            )
            raise CannotConvertError(message)
        if index in network.outputs and made[-1]:
            message = f"{node.name} is an output of the network, whose channels stay"
            raise CannotConvertError(message)
    return made


def _adds_channels(network: Planned, index: int) -> bool:
    """Whether there are more channels behind a layer, as where it pads them."""
    node = network.nodes[index]
    return network.shape_of(index).channels != network.shape_of(node.inputs[0]).channels


def _takes(node: "LayerNode") -> bool:
    """Whether a layer sums over all channels that it reads."""
    return node.kind == "linear" or field_value(node.layer, "groups") == 1  # type: ignore[arg-type]


def _concatenated(
    network: Planned, node: "LayerNode", given: Sequence[tuple[Kept, ...]]
) -> tuple[Kept, ...]:
    """What stays of branches side by side."""
    widths = [network.shape_of(each).channels for each in node.inputs]
    return tuple(
        each._replace(
            before=each.before + sum(widths[:place]), behind=each.behind + sum(widths[place + 1 :])
        )
        for place, kept in enumerate(given)
        for each in kept
    )


def _fewer(kind: str, count: int) -> Edit:
    """The edit of a pruned layer."""
    field = "features" if kind == "linear" else "filters"

    def items(item: Item) -> tuple[Item, ...]:
        return (item.replace(**{field: count}),)

    return Edit(items)


def _moved(
    old: Planned,
    new: Planned,
    names: Mapping[str, int],
    weights: Mapping[str, Any],
    kept: Sequence[tuple[Kept, ...]],
    chosen: Sequence[int],
    count: int,
) -> dict[str, Any]:
    """The weights of what stays."""
    import numpy as np

    rows: dict[int, Any] = {}
    for index in chosen:
        weight = np.asarray(weights[f"{old.nodes[index].name}.weight"])
        sums = abs(weight).reshape(len(weight), -1).sum(axis=1)
        rows[index] = np.sort(np.argsort(-sums, kind="stable")[:count])
    made: dict[str, Any] = {}
    for node, plan in zip(new.nodes, new.plans, strict=True):
        index = names[node.name]
        before = old.nodes[index]
        if node.shared_with is not None:
            continue
        here = _positions(old, before.inputs[0], kept, rows) if before.inputs else None
        for declared in plan.weights:
            array = np.asarray(weights[f"{before.name}.{declared.name}"])
            if index in rows:
                array = array[rows[index]]
            if here is not None:
                mixes = "mixes" in CATALOGUE[node.kind].facts
                array = array[:, here] if mixes and array.ndim > 1 else array
                of_channels = len(array) == old.shape_of(before.inputs[0]).channels
                array = array[here] if of_channels and not mixes else array
            made[f"{node.name}.{declared.name}"] = array
    return made


def _positions(
    network: Planned, index: int, kept: Sequence[tuple[Kept, ...]], rows: Mapping[int, Any]
) -> Any:
    """Which channels of an output stay; None where all do."""
    import numpy as np

    if not kept[index]:
        return None
    stays = np.ones(network.shape_of(index).channels, bool)
    for each in kept[index]:
        filters = network.shape_of(each.source).channels
        of_source = np.zeros(filters, bool)
        of_source[rows[each.source]] = True
        stays[each.before : len(stays) - each.behind] = np.repeat(of_source, each.spread)
    return np.flatnonzero(stays)
