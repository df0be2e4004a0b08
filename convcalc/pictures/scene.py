"""What a picture is made of: boxes, paths and texts in one coordinate system, with what they mean.

A style makes a `Scene` of a network and knows no format; a writer makes text of a `Scene` and knows
no network. Coordinates are pixels of 1/96 inch, x to the right and y down, from the upper left
corner of the picture. Nothing has a colour: it has a role, and a theme says what a role looks like.

    >>> layer = Part((Box(0, 0, 90, 24, "dense"), Label(45, 16, "conv1", anchor="middle")), "conv1")
    >>> [label.text for label in Scene("Net", "One layer.", 90, 24, (layer,)).labels]
    ['conv1']
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias, Union

Point: TypeAlias = tuple[float, float]
"""x and y."""


class Box(NamedTuple):
    """A rectangle."""

    x: float
    """Its left edge, in pixels from the left of the picture."""
    y: float
    """Its upper edge, in pixels from the top of the picture."""
    width: float
    """How far it reaches to the right, in pixels."""
    height: float
    """How far it reaches down, in pixels."""
    role: str
    """What it is, a key of `theme.ROLES`."""
    radius: float = 0
    """Radius of its corners."""


class Label(NamedTuple):
    """A line of text."""

    x: float
    """Where it starts, ends or has its middle, as `anchor` says."""
    y: float
    """Its baseline, in pixels from the top of the picture."""
    text: str
    """What it says, on one line."""
    size: float = 12
    """Height of its font."""
    role: str = "text"
    """What it is, a key of `theme.ROLES`."""
    anchor: str = "start"
    """Which of its points `x` is: `start`, `middle` or `end`."""
    bold: bool = False
    """Whether it is set in the heavier font."""
    turned: bool = False
    """Whether it runs upwards; then `x` is its baseline, and `y` is what `anchor` says."""


class Path(NamedTuple):
    """Straight lines from point to point, or the polygon that they enclose."""

    points: tuple[Point, ...]
    """Its points, at least two."""
    role: str
    """What it is, a key of `theme.ROLES`."""
    closed: bool = False
    """Whether it is a polygon, which is filled."""
    arrow: bool = False
    """Whether its end has a head."""
    radius: float = 0
    """Radius of its corners."""
    source: str = ""
    """Key of the part that it comes from, if it joins two."""
    target: str = ""
    """Key of the part that it goes to."""
    title: str = ""
    """What goes along it, such as a shape."""


class Raster(NamedTuple):
    """A grid of pixels, as a PNG file."""

    x: float
    """Its left edge, in pixels from the left of the picture."""
    y: float
    """Its upper edge, in pixels from the top of the picture."""
    width: float
    """How far it reaches to the right, in pixels."""
    height: float
    """How far it reaches down, in pixels."""
    png: bytes
    """The file; its pixels are shown as squares, not smoothed."""
    about: str
    """What it shows, for whoever does not see it."""


class Part(NamedTuple):
    """What belongs together: a layer with its texts, or a frame with all that stands in it."""

    items: "tuple[Drawn, ...]"
    """What it is drawn of, the lowest first."""
    key: str = ""
    """What paths call it: its name in the network, if it has one."""
    title: str = ""
    """What is said of it where somebody points at it, and read aloud."""
    frame: bool = False
    """Whether it is a frame round others, and no layer."""
    link: str = ""
    """Where it leads on the page that it stands in: `#row`; empty for nowhere."""


Drawn: TypeAlias = Union[Box, Label, Path, Raster, Part]  # noqa: UP007 (3.10 has no | of a forward name)
"""What a scene is made of."""


class Scene(NamedTuple):
    """A picture."""

    title: str
    """What it is a picture of, in a few words."""
    description: str
    """What it shows, in sentences, for whoever does not see it."""
    width: float
    """How wide it is."""
    height: float
    """How high it is."""
    items: tuple[Drawn, ...]
    """What it is made of, the lowest first."""
    shown: float = 0
    """How wide it is shown, in pixels, everything in it larger or smaller; 0 for as wide as it is.
    """

    @property
    def scale(self) -> float:
        """How many pixels one of its own is shown as."""
        return self.shown / self.width if self.shown and self.width else 1

    @property
    def labels(self) -> list[Label]:
        """Its texts, in the order in which they are drawn."""
        return [each for each in everything(self.items) if isinstance(each, Label)]

    @property
    def parts(self) -> dict[str, Part]:
        """What has a key, by it."""
        found = (each for each in everything(self.items) if isinstance(each, Part))
        return {each.key: each for each in found if each.key}

    @property
    def paths(self) -> list[Path]:
        """Its paths, in the order in which they are drawn."""
        return [each for each in everything(self.items) if isinstance(each, Path)]

    def to_svg(self, theme: str = "auto") -> str:
        """It as SVG; `theme` is `light`, `dark`, or `auto`, which follows the reader's."""
        from convcalc.pictures.svg import render

        return render(self, theme)

    def to_png(self, theme: str = "light", scale: float = 2) -> bytes:
        """It as PNG, `scale` pixels for each of its own; one that is `shown` is so many wide.

        Raises `MissingExtraError` without the extra `pictures`, and warns of texts in letters that
        the font which ships has not.
        """
        from convcalc.pictures.png import render, without_letters

        said = without_letters(self)
        if said:
            import warnings

            warnings.warn(said, stacklevel=2)
        return render(self, theme, scale)

    def _repr_svg_(self) -> str:
        """It, for notebooks."""
        return self.to_svg()


def everything(items: Sequence[Drawn]) -> Iterator[Drawn]:
    """Items with all that is in them, outer before inner, however deep they are nested."""
    waiting = [iter(items)]
    while waiting:
        for each in waiting[-1]:
            yield each
            if isinstance(each, Part):
                waiting.append(iter(each.items))
                break
        else:
            waiting.pop()


def moved(item: Drawn, right: float, down: float) -> Drawn:
    """The same at another place."""
    if isinstance(item, Part):
        return item._replace(items=tuple(moved(each, right, down) for each in item.items))
    if isinstance(item, Path):
        return item._replace(points=tuple((x + right, y + down) for x, y in item.points))
    return item._replace(x=item.x + right, y=item.y + down)
