"""A graph whose groups fold and unfold one by one: all that placing any combination takes.

What is drawn of a box or of the edge of a frame is the same whatever else is open, so each stands
here once, and so does who reads whom, from layer to layer. What hangs on the combination is where
things stand, which `layout.py` says, and `web/src/layout.ts` the same to whoever folds on a page.
"""

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.collector import without_collection
from convcalc.graph import Network
from convcalc.pictures.font import FAMILY, shortened, width
from convcalc.pictures.found import with_groups
from convcalc.pictures.graph import (
    ARROW,
    BELOW,
    MARGIN,
    PAD,
    SHADOW,
    SIZE,
    SMALL,
    Choices,
    Picture,
    most_title,
    with_faults,
)
from convcalc.pictures.layout import Room, Spot
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Scene, moved
from convcalc.pictures.structure import Card, Frame

LINES = ("line", "skip", "fault line")
"""Roles of lines."""


class Text(NamedTuple):
    """A line of text, and how wide it is."""

    x: float
    """As of a `Label`, in pixels from the left of what it is written on."""
    y: float
    """Its baseline, in pixels from the top of that."""
    text: str
    """What it says, on one line."""
    size: float
    """Height of its font."""
    role: str
    """What it is, a key of `theme.ROLES`."""
    anchor: str
    """Which of its points `x` is."""
    bold: bool
    """Whether it is set in the heavier font."""
    wide: float
    """How wide it is, in pixels."""


class Face(NamedTuple):
    """What is drawn of a layer, or of a folded group."""

    key: str
    """The name of that layer or group."""
    title: str
    """What is said of it where somebody points at it."""
    boxes: list[Box]
    """Rectangles, from the upper left corner of the box that it stands in."""
    texts: list[Text]
    """What is written on them."""
    layers: list[int]
    """The layers that it stands for, those of other rounds too."""


class Boxed(NamedTuple):
    """A box: a layer with rows below it, or a folded group."""

    high: float
    """How high it is, in pixels."""
    behind: list[Box]
    """What is behind it where it stands for several rounds."""
    faces: list[Face]
    """The layer and its rows; or the group."""
    over: list[Text]
    """What is written over them."""
    made: Text
    """The shape of what it makes, from where its line starts."""
    labelled: bool
    """Whether that is written beside its line, as it is where something reads it."""
    leaves: bool
    """Whether its output is the network's, and nothing reads it."""
    fault: bool
    """Whether an error is about what it stands for."""
    unknown: bool
    """Whether an error keeps the shape of what it makes unknown."""
    enters: Text
    """That shape at a box with an error that its line comes to from the side."""


class Titled(NamedTuple):
    """What is written above a frame."""

    near: float
    """How far the axis of the frame is from its left edge at least, in pixels."""
    texts: list[Text]
    """All of it, and what it is where there is no room for that; nothing of what has no name."""


class Framed(NamedTuple):
    """A frame: a group that is open, or the rounds of a repeat."""

    key: str
    """The name of the group; empty of rounds."""
    title: str
    """What is said of it where somebody points at it."""
    role: str
    """What it is, a key of `theme.ROLES`."""
    titled: Titled
    """What is written above it."""
    crowded: Titled
    """The same where a line comes in beside it, so that there is no room for the badge."""
    badge: Text | None
    """How often it comes, from its right edge; None of what comes once."""


class Place(NamedTuple):
    """What can be visible: a layer or a group, rounds of several, or branches side by side."""

    closed: Boxed | None
    """It as a box, if it can be one."""
    opened: Framed | None
    """It as a frame, if it can be one."""
    name: str | None
    """The group that is said to be open or folded, of what can be both."""
    level: int
    """How many groups stand around that one: it is open at depths beyond the next."""
    rounds: int
    """How many rounds it stands for."""
    chains: list[int]
    """What stands in it where it is open, side by side: numbers of chains."""


class Measures(NamedTuple):
    """Distances that are the same everywhere, in pixels."""

    wide: float
    """How wide all boxes are."""
    shadow: float
    """How far what is behind a box reaches."""
    arrow: float
    """Length of the arrow that leaves the network."""
    below: float
    """What is kept free below that for its shape."""
    margin: float
    """What is left round all."""
    pad: float
    """What is left beside texts."""


class Foldable(NamedTuple):
    """A graph, and how it is folded."""

    chains: list[int]
    """By chain, outer before inner, how many places are in it; the first one is the whole."""
    places: list[Place]
    """Places, chain by chain."""
    lines: list[tuple[int, int]]
    """Places whose boxes are joined where all is open, in the order of the network."""
    room: Room
    """Distances between what stands there."""
    measures: Measures
    """Distances in what is drawn."""
    foot: list[Text]
    """What is written below the graph, from where that ends."""
    about: str
    """What it shows, in sentences."""
    font: str
    """Families of fonts, the one whose texts are as wide as they are here first."""
    depth: int
    """How deep groups are open at first."""
    whole: bool
    """Whether all groups can be unfolded; else too many boxes stand in the deepest of them."""

    def sample(self) -> Scene:
        """Something of each role that it can have, in no place."""
        items: list[Drawn] = [Path(((0, 0), (0, 1)), role) for role in LINES]
        for place in self.places:
            if place.opened is not None:
                items.append(Box(0, 0, 1, 1, place.opened.role))
            if place.closed is not None:
                items += place.closed.behind
                items += [box for face in place.closed.faces for box in face.boxes]
        items += [Label(0, 0, "", role=role) for role in ("text", "quiet", "fault text")]
        return Scene("", "", 0, 0, tuple(items))


@without_collection
def foldable(network: Network, most: int, still: int) -> tuple[Scene | None, Foldable] | None:
    """The usual picture of a network, and all others; None of more boxes than `most` at once.

    The usual one is None if it has more than `still`.

    Groups are open down to the depth that has at most so many. `drawn` of the same groups as open
    is the same picture.
    """
    network, marks, before = with_faults(with_groups(network))
    usual = Picture(network, Choices(), marks, None, ())
    boxes = len(usual.layout.boxes)
    if boxes > most:
        return None
    scene = usual.scene(network.name) if boxes <= still else None
    return scene, _Parts(usual, before, most).foldable()


class _Parts:
    """A graph on its way to its parts."""

    def __init__(self, usual: Picture, before: Sequence[int | None], most: int) -> None:
        self.before = before
        """By layer, which one it is of the network without what errors keep out."""
        self.usual = usual
        self.levels = _levels(usual.flow.groups)
        self.picture = usual.at_depth(usual.deepest(most))

    def foldable(self) -> Foldable:
        """All of them."""
        picture, layout = self.picture, self.picture.layout
        spots = [spot for run in layout.runs for spot in run.spots]
        chain = {id(run): number for number, run in enumerate(layout.runs)}
        number = {id(spot): place for place, spot in enumerate(spots)}
        places = [self._place(spot, [chain[id(run)] for run in spot.runs]) for spot in spots]
        return Foldable(
            chains=[len(run.spots) for run in layout.runs],
            places=places,
            lines=[(number[id(one)], number[id(other)]) for one, other in layout.edges()],
            room=picture.room,
            measures=Measures(picture.box_width, SHADOW, ARROW, BELOW, MARGIN, PAD),
            foot=[_text(each) for each in picture.foot(0, 0) if isinstance(each, Label)],
            about=picture.about(),
            font=FAMILY,
            depth=self.usual.depth,
            whole=all(isinstance(spot.element, Card) for spot in layout.boxes),
        )

    def _place(self, spot: Spot, chains: list[int]) -> Place:
        element = spot.element
        if spot.is_split:
            return Place(None, None, None, 0, 1, chains)
        closed = None
        if isinstance(element, Card | Frame):
            closed = self._closed(self._shut(spot) if spot.frame else spot)
        if not spot.frame:
            return Place(closed, None, None, 0, spot.rounds, chains)
        if not isinstance(element, Frame):
            return Place(None, self._opened(spot), None, 0, spot.rounds, chains)
        group = _innermost(element)
        name = self.picture.groups[group].name
        level = self.levels[group]
        return Place(closed, self._opened(spot), name, level, spot.rounds, chains)

    def _shut(self, spot: Spot) -> Spot:
        """The same group as a box."""
        shut = Spot(spot.element, spot.run, spot.place)
        shut.repeat = spot.repeat
        shut.spare = self.picture.spare(shut)
        shut.along, shut.across = self.picture.extent(shut)
        shut.along += shut.spare
        shut.axis = shut.across / 2
        return shut

    def _closed(self, spot: Spot) -> Boxed:
        picture = self.picture
        part = picture.box(spot)
        down, right = -MARGIN - spot.start, -MARGIN - spot.left
        items = [moved(each, right, down) for each in part.items]
        rows = [each for each in items if isinstance(each, Part)]
        behind = [each for each in items if isinstance(each, Box) and each.role == "behind"]
        over = [each for each in items if isinstance(each, Label)]
        if isinstance(spot.element, Card):
            layers = [picture.rounds_of(place) for place in spot.element.rows]
            faces = [self._face(row, row.items, its) for row, its in zip(rows, layers, strict=True)]
        else:
            front = [each for each in items if each not in behind]
            faces, over = [self._face(part, front, sorted(picture.layers_of(spot)))], []
        leaves, shape = picture.leaves(spot), picture.made_shapes(spot)[-1]
        made = picture.made_text(spot)
        below = Label(0, ARROW + 12, made, size=SMALL, anchor="middle", bold=True)
        beside = Label(-6, 13, made, size=SMALL, role="quiet", anchor="end")
        return Boxed(
            high=spot.along - spot.spare,
            behind=behind,
            faces=faces,
            over=[_text(each) for each in over],
            made=_text(below if leaves else beside),
            labelled=picture.is_read(spot),
            leaves=leaves,
            fault=picture.at_fault(spot),
            unknown=shape is None,
            enters=_text(Label(10, -5, str(shape or "?"), size=SMALL, role="fault text")),
        )

    def _face(self, part: Part, items: Sequence[Drawn], layers: Sequence[int]) -> Face:
        known = [was for index in layers if (was := self.before[index]) is not None]
        return Face(
            part.key,
            part.title,
            [each for each in items if isinstance(each, Box)],
            [_text(each) for each in items if isinstance(each, Label)],
            known,
        )

    def _opened(self, spot: Spot) -> Framed:
        picture = self.picture
        part = picture.frame(spot, ())
        box = part.items[0]
        assert isinstance(box, Box)  # noqa: S101 (for the type checker)
        times = Label(-PAD, 15, f"×{spot.rounds}", size=SIZE, anchor="end", bold=True)
        return Framed(
            part.key,
            part.title,
            box.role,
            self._titled(spot, crowded=False),
            self._titled(spot, crowded=spot.rounds > 1),
            _text(times) if spot.rounds > 1 else None,
        )

    def _titled(self, spot: Spot, *, crowded: bool) -> Titled:
        title, most = self.picture.frame_title(spot, crowded=crowded), most_title(spot)
        texts = [title, shortened(title, most, SMALL, bold=True)] if title else []
        return Titled(
            min(width(title, SMALL, bold=True), most) + 2 * PAD,
            [_text(Label(PAD, 15, text, SMALL, bold=True)) for text in dict.fromkeys(texts)],
        )


def _text(label: Label) -> Text:
    values = {name: value for name, value in label._asdict().items() if name != "turned"}
    return Text(**values, wide=width(label.text, label.size, bold=label.bold))


def _levels(groups: Sequence[range]) -> list[int]:
    """By group, how many groups stand around it."""
    around: list[range] = []
    levels = []
    for layers in groups:
        while around and layers.start >= around[-1].stop:
            around.pop()
        levels.append(len(around))
        around.append(layers)
    return levels


def _innermost(frame: Frame) -> int:
    """The group that is open where the inside of a frame is shown: one in it that is all of it."""
    while True:
        inside = frame.inside.elements
        if len(inside) > 1 or not isinstance(inside[0], Frame):
            return frame.group
        frame = inside[0]
