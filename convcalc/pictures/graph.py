"""Layers as boxes, one below the other, and what they read as arrows with the shapes on them."""

from convcalc.graph import Network
from convcalc.layers import CATALOGUE, GIVEN
from convcalc.pictures.font import width
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Scene

HEIGHT, GAP, MARGIN = 30, 30, 16
"""Height of a box, what is left for an arrow between two, and round all."""


def scene(network: Network) -> Scene:
    """The network as a graph."""
    texts = [f"{node.name} · {node.kind}" for node in network.nodes]
    wide = max((width(text) for text in texts), default=0) + 24
    items: list[Drawn] = []
    for place, (node, text) in enumerate(zip(network.nodes, texts, strict=True)):
        down = MARGIN + place * (HEIGHT + GAP)
        for read in node.inputs:
            up = MARGIN + read * (HEIGHT + GAP) + HEIGHT
            line = ((MARGIN + wide / 2, up), (MARGIN + wide / 2, down))
            source = network.nodes[read].name
            items.append(Path(line, "line", arrow=True, source=source, target=node.name))
        box = Box(
            MARGIN, down, wide, HEIGHT, (GIVEN.get(node.kind) or CATALOGUE[node.kind]).family, 5
        )
        label = Label(MARGIN + wide / 2, down + 19, text, anchor="middle")
        items.append(Part((box, label), node.name, f"{text}: {network.shape_of(place) or '?'}"))
    high = MARGIN * 2 + len(texts) * (HEIGHT + GAP) - GAP
    about = f"{len(network.layers)} layers, from {network.shown_input}."
    return Scene(network.name, about, wide + 2 * MARGIN, high, tuple(items))
