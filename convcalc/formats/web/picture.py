"""The graph of a network on a page: a picture, and what the script folds and unfolds."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from convcalc.graph import Network
from convcalc.pictures.foldable import Foldable, foldable
from convcalc.pictures.scene import Scene
from convcalc.pictures.svg import style

MOST = 3_000
"""Layers, and folded groups, that a graph has at once; deeper groups cannot be unfolded."""
STILL = 400
"""Boxes that a picture has that is there without the script."""


class Graph(NamedTuple):
    """The graph of a network on a page."""

    scene: Scene | None
    """It as it is at first, which is there without the script; None of one with many boxes."""
    foldable: Foldable
    """All that the script draws any other combination of open groups of."""

    @property
    def scenes(self) -> list[Scene]:
        """What has all the roles that the page's style is to have."""
        sample = self.foldable.sample()
        return [sample] if self.scene is None else [self.scene, sample]


def graph(network: Network) -> Graph | None:
    """The graph of a network; None of one without layers, or with more boxes than a page has."""
    made = foldable(network, MOST, STILL) if network.nodes else None
    return made and Graph(*made)


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


def graph_data(made: Graph | None, sources: int) -> dict[str, Any] | None:
    """What the script reads of a graph.

    `sources` is how many inputs stand before the layers, which are counted without them.
    """
    if made is None:
        return None
    data: dict[str, Any] = _plain(made.foldable)
    for place in data["places"]:
        for face in place["closed"]["faces"] if place["closed"] else ():
            face["layers"] = [index - sources for index in face["layers"] if index >= sources]
    return data


def _plain(value: Any) -> Any:
    """Named tuples as what JSON has."""
    if not isinstance(value, tuple | list):
        return value
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(one) for name, one in value._asdict().items()}
    return [_plain(one) for one in value]
