"""The graph of a network on a page: a picture for each depth to which groups are open."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from convcalc.graph import Network
from convcalc.pictures.graph import Choices, levels
from convcalc.pictures.scene import Scene
from convcalc.pictures.svg import element, style

MANY_LAYERS = 3_000
"""Layers from which on there is the picture of the usual depth alone."""
MOST = 250_000
"""Characters of a picture; deeper ones are left out."""


class Picture(NamedTuple):
    """A network as a graph, down to a depth."""

    depth: int
    """Groups nested this deep are one box."""
    scene: Scene
    """The graph that is drawn of it, with all of its layers."""
    shows: dict[str, list[int]]
    """Key of a part → the indices of the layers that it stands for."""


def pictures(network: Network) -> tuple[list[Picture], int]:
    """The pictures of a network, from few boxes to many, and which of them is shown at first.

    None of a network without layers.
    """
    if not network.nodes:
        return [], 0
    usual, shows = levels(network, Choices())
    first = Picture(0, usual, shows)
    made: list[Picture] = []
    depth = 0
    while len(network.nodes) < MANY_LAYERS:
        depth += 1
        scene, shows = levels(network, Choices(depth=depth))
        if (made and scene == made[-1].scene) or len(element(scene, "")) > MOST:
            break
        made.append(Picture(depth, scene, shows))
    same = [number for number, one in enumerate(made) if one.scene == usual]
    return (made, same[0]) if same else ([first, *made], 0)


def rules(scenes: Iterable[Scene]) -> str:
    """The style of the roles that scenes have, light and dark, as the system or the page asks."""
    items = [item for scene in scenes for item in scene.items]

    def within(theme: str, root: str = "") -> str:
        return style(items, theme, f"{root}.picture ")

    return "\n".join(
        (
            within("light"),
            "@media screen{",
            "@media (prefers-color-scheme:dark){",
            within("dark", ':root:not([data-theme="light"]) '),
            "}",
            within("dark", ':root[data-theme="dark"] '),
            "}",
        )
    )


def picture_data(made: Sequence[Picture], first: int, name: str, sources: int) -> dict[str, Any]:
    """What the script reads of the pictures; the first shown stands in the page already.

    `sources` is how many inputs stand before the layers, which are counted without them.
    """
    return {
        "first": first,
        "levels": [
            {
                "depth": one.depth,
                "svg": None if number == first else element(one.scene, f"{name}-{number}"),
                "keys": [*one.shows],
                "layers": [
                    [index - sources for index in layers if index >= sources]
                    for layers in one.shows.values()
                ],
            }
            for number, one in enumerate(made)
        ],
    }
