"""Rows that layers never read: which of them are told of, and how the whole network does without.

A layer knows what it does not read, and not whether another input would suit the layers around it.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from convcalc.diagnostics import Problem
from convcalc.graph import Network
from convcalc.graph.inputs import Known, resized
from convcalc.layers import keeps_places, kinds
from convcalc.layers.base import Plan
from convcalc.shape import Shape
from convcalc.window import Window

TRIED = 20_000
"""Most layers that are worked out in search of an input to name, and again of another layer."""
FARTHEST = 256
"""Most rows that an input is made smaller or larger by."""
MADE_LONGER = kinds("resize") - {"pad", "crop"} | {"conv_transpose"}
"""Layers after which a map has more positions."""


def told(network: Network, claims: Sequence[tuple[int, Problem]]) -> Iterator[tuple[int, Problem]]:
    """What layers found of their input, as far as the whole network bears it out.

    The help names what was tried on the whole network.

    Nothing is told of a network with errors; of rows that a `pad` put there; of layers that come
    from elsewhere, where they round down, too; and of sequences that are never made longer again,
    whose length is what it is. A network that gives back what
    it was given, an autoencoder, takes no input of which it gives back another size.
    """
    image = network.input
    if image is None or not network.complete:
        return
    sequence = image.rank == 1 and not any(node.kind in MADE_LONGER for node in network.nodes)
    kept = [
        (index, problem)
        for index, problem in claims
        if any(_dropped(network, index)) and not network.nodes[index].rounds_as_elsewhere
    ]
    if sequence or not kept:
        return
    before = {index for index, _ in all_dropped(network)}
    inputs: list[str] = []
    known: Known = {}  # trials differ by a row, and most layers behind see none of it
    effects = (-1, ", which makes the same output"), (1, "")
    for (step, effect), shape in zip(effects, network.nearest_whole_inputs(), strict=True):
        if shape is not None and _reads_whole(network, image, shape, step, known):
            plain = image.rank == 1 and len(network.inputs) == 1
            noun = "" if inputs else "a length " if plain else f"{network.an_input} "
            inputs.append(f"{noun}of {'×'.join(map(str, shape.spatial))}{effect}")
    trials = TRIED // len(network.nodes) + 1
    for number, (index, problem) in enumerate(kept):
        ways = [*inputs]
        if number < trials:
            ways += _at_the_layer(network, index, before, known)
        if not ways and _gives_back(network):
            continue
        text = f"use {', or '.join(ways)}" if ways else _cropped(network, index)
        yield index, problem._replace(help=text)


def _dropped(network: Network, index: int) -> list[int]:
    """The rows per axis that a layer does not read because its last step does not fit."""
    node, plan = network.nodes[index], network.plans[index]
    layer: Any = node.layer
    if getattr(layer, "rounding", None) != "floor" or getattr(layer, "padding", "") == "same":
        return []
    x = network.shape_of(node.inputs[0])
    if plan is None or x is None or len(plan.windows) != x.rank:
        return []
    rows = _rows(plan.windows, x.spatial)
    if not any(rows):
        return []
    border = _border_behind(network, node.inputs[0])
    return [max(row - more, 0) for row, more in zip(rows, border or [0] * len(rows), strict=True)]


@lru_cache(maxsize=1024)  # trials see the same maps over and over
def _rows(windows: tuple[Window, ...], spatial: tuple[int, ...]) -> tuple[int, ...]:
    """The rows per axis that windows do not read because the last step does not fit."""
    return tuple(window.dropped(size) for window, size in zip(windows, spatial, strict=True))


def _border_behind(network: Network, index: int) -> list[int] | None:
    """The rows that a `pad` put behind a map, if one made it."""
    while keeps_places(network.nodes[index].kind, network.plans[index]):
        index = network.nodes[index].inputs[0]
    if network.nodes[index].kind != "pad":
        return None
    plan = network.plans[index]
    return [max(window.after, 0) for window in plan.windows] if plan else None


def all_dropped(network: Network) -> Iterator[tuple[int, list[int]]]:
    """The layers that leave out real rows of their input, and how many along each axis."""
    for index in range(len(network.nodes)):
        rows = _dropped(network, index)
        if any(rows):
            yield index, rows


def _reads_whole(network: Network, image: Shape, shape: Shape, step: int, known: Known) -> bool:
    """Whether every layer reads all of another input, with the same weights.

    With a smaller one the output has the same shape, too.
    """
    if shape == image or not _near(image, shape):
        return False
    whole = resized(network, shape, known)
    if whole is None or not _comparable(network, whole, step):
        return False
    return not any(all_dropped(whole))


def _near(image: Shape, shape: Shape) -> bool:
    """Whether an input is no more than so many rows larger or smaller than another."""
    pairs = zip(image.spatial, shape.spatial, strict=True)
    return all(abs(one - two) < FARTHEST for one, two in pairs)


def _comparable(network: Network, other: Network, step: int) -> bool:
    """Whether all weights are the same, and the output where the input is smaller."""
    if _gives_back(network) and not _gives_back(other):
        return False
    same_output = _outputs(network) == _outputs(other)
    return (same_output or step > 0) and _weights(network.plans) == _weights(other.plans)


def _gives_back(network: Network) -> bool:
    """Whether an output is as large as its input, as what it is to reproduce is."""
    return network.input is not None and network.input in _outputs(network)


def _outputs(network: Network) -> list[Shape | None]:
    return [network.shape_of(output) for output in network.outputs]


def _weights(plans: Sequence[Plan | None]) -> list[object]:
    return [plan.weights for plan in plans if plan is not None and plan.weights]


def _at_the_layer(network: Network, index: int, before: set[int], known: Known) -> list[str]:
    """Rounding up or padding behind, where later layers then read all of their input, too."""
    node, plan, image = network.nodes[index], network.plans[index], network.input
    x = network.shape_of(node.inputs[0])
    layer: Any = node.layer
    if plan is None or x is None or image is None:
        return []
    if "pool" in node.kind:
        text, changed = "`rounding: ceil`", layer.replace(rounding="ceil")
    else:
        pairs = tuple(
            (window.before, window.after + (-window.room(size) % window.stride if rows else 0))
            for window, size, rows in zip(
                plan.windows, x.spatial, _dropped(network, index), strict=True
            )
        )
        text, changed = f"padding {list(map(list, pairs))}", layer.replace(padding=pairs)
    nodes = list(network.nodes)
    nodes[index] = node.changed(changed)
    other = resized(network._replace(nodes=nodes), image, known)
    if other is None or _weights(other.plans) != _weights(network.plans):
        return []
    return [f"{text} here"] if {at for at, _ in all_dropped(other)} < before else []


def _cropped(network: Network, index: int) -> str:
    """What says that the rows are not wanted, where nothing else is to be had."""
    sides = ", ".join(f"[0, {rows}]" for rows in _dropped(network, index))
    return f"put `crop: [{sides}]` before it if they are not wanted"
