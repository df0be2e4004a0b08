"""The graph of a network on a page: a picture for each depth to which groups are open."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from convcalc.graph import Network
from convcalc.pictures.graph import Choices, levels
from convcalc.pictures.scene import Scene
from convcalc.pictures.svg import render, style

MANY_LAYERS = 3_000
"""Layers from which on there is the picture of the usual depth alone."""
MOST = 250_000
"""Characters of a picture; deeper ones are left out."""
_OPEN = re.compile(r' class="([^"]*)" fill="none" style="fill:none"')
_STYLE = re.compile("<style>.*?</style>\n?", re.DOTALL)
_IDS = re.compile(r'(?<=[" ])(title|description)(?=[" ])')
_RULE = re.compile(r"\.([\w.-]+)\{")


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
        if (made and scene == made[-1].scene) or len(render(scene)) > MOST:
            break
        made.append(Picture(depth, scene, shows))
    same = [number for number, one in enumerate(made) if one.scene == usual]
    return (made, same[0]) if same else ([first, *made], 0)


def element(picture: Picture, name: str) -> str:
    """A picture as an element of a page, which has its `rules`; its ids begin with `name`."""
    text = _STYLE.sub("", render(picture.scene, "light"))
    opening, rest = text.split(">", 1)
    named, body = rest.split("</desc>", 1) if "</desc>" in rest else ("", rest)
    head = f"{opening}>{named}</desc>"
    # A policy of the page refuses styles that are attributes.
    return _IDS.sub(rf"{name}-\1", head) + _OPEN.sub(r' class="\1 open"', body).rstrip("\n")


def rules(scenes: Iterable[Scene]) -> str:
    """The style of the roles that scenes have, light and dark, as the system or the page asks."""
    listed: Sequence[Scene] = [*scenes]
    items = tuple(item for scene in listed for item in scene.items)
    every = Scene("", "", 0, 0, items)
    light, dark = (style(every, theme) for theme in ("light", "dark"))

    def within(text: str, selector: str) -> str:
        return _RULE.sub(rf"{selector}.picture .\1{{", text)

    return "\n".join(
        (
            within(light, ""),
            "@media screen{",
            "@media (prefers-color-scheme:dark){",
            within(dark, ':root:not([data-theme="light"]) '),
            "}",
            within(dark, ':root[data-theme="dark"] '),
            "}",
            ".picture .open{fill:none}",
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
                "svg": None if number == first else element(one, f"{name}-{number}"),
                "keys": [*one.shows],
                "layers": [
                    [index - sources for index in layers if index >= sources]
                    for layers in one.shows.values()
                ],
            }
            for number, one in enumerate(made)
        ],
    }
