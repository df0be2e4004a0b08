"""What is wrong with a picture as a drawing: what overlaps, is cut off, or runs through others."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from convcalc.pictures import font
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Scene, everything

STROKE = 0.01


class Rectangle(NamedTuple):
    """What something covers."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Rectangle") -> bool:
        """Whether both cover the same place."""
        return (
            self.left < other.right - STROKE
            and other.left < self.right - STROKE
            and self.top < other.bottom - STROKE
            and other.top < self.bottom - STROKE
        )

    def grown(self, by: float) -> "Rectangle":
        """The same, larger on each side."""
        return Rectangle(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def holds(self, other: "Rectangle") -> bool:
        """Whether the other one lies in it."""
        return (
            self.left <= other.left + STROKE
            and other.right <= self.right + STROKE
            and self.top <= other.top + STROKE
            and other.bottom <= self.bottom + STROKE
        )


def of_box(box: Box) -> Rectangle:
    """What a box covers."""
    return Rectangle(box.x, box.y, box.x + box.width, box.y + box.height)


def of_label(label: Label) -> Rectangle:
    """What a text covers."""
    long = font.width(label.text, label.size, bold=label.bold)
    left = label.x - {"start": 0, "middle": long / 2, "end": long}[label.anchor]
    top = label.y - font.CAP_HEIGHT * label.size
    return Rectangle(left, top, left + long, label.y + font.DESCENT * label.size * 0.5)


def faults(scene: Scene) -> list[str]:
    """What is wrong, in words: nothing of a good picture."""
    return [*_of_boxes(scene), *_of_labels(scene), *_of_lines(scene), *_cut_off(scene)]


def cards(scene: Scene) -> Iterator[tuple[str, Box]]:
    """The boxes of layers and folded groups with their names; frames are none, nor rows in them."""
    for part, inside in _parts(scene.items, inside=False):
        boxes = [each for each in part.items if isinstance(each, Box) and each.role != "behind"]
        if boxes and not part.frame and not inside:
            yield part.key, boxes[0]


def _parts(items: Sequence[Drawn], *, inside: bool) -> Iterator[tuple[Part, bool]]:
    for each in items:
        if isinstance(each, Part):
            yield each, inside
            yield from _parts(each.items, inside=inside)


def _of_boxes(scene: Scene) -> Iterator[str]:
    """Boxes that overlap, or stand out of their frame."""
    boxes = [(name, of_box(box)) for name, box in cards(scene)]
    rows = {
        name for name, its in boxes if any(its != other and other.holds(its) for _, other in boxes)
    }
    outer = sorted((its, name) for name, its in boxes if name not in rows)
    for at, (one, name) in enumerate(outer):
        for other, its in outer[at + 1 :]:
            if other.left >= one.right:
                break
            if one.meets(other):
                yield f"{name} and {its} overlap"
    for part, _ in _parts(scene.items, inside=False):
        frame = next((each for each in part.items if isinstance(each, Box)), None)
        if part.frame and frame is not None:
            for each in everything(part.items):
                if isinstance(each, Box) and not of_box(frame).holds(of_box(each)):
                    yield f"a box of {part.key} stands out of its frame"


def _of_labels(scene: Scene) -> Iterator[str]:
    """Texts over one another, wider than their box, or over the edge of one."""
    labels = [(each, of_label(each)) for each in everything(scene.items) if isinstance(each, Label)]
    placed = sorted(labels, key=lambda each: each[1].top)
    for at, (label, one) in enumerate(placed):
        for other, its in placed[at + 1 :]:
            if its.top >= one.bottom:
                break
            if one.meets(its):
                yield f"texts overlap: {label.text!r} and {other.text!r}"
    boxes = [of_box(each) for each in everything(scene.items) if isinstance(each, Box)]
    boxes.sort(key=lambda each: each.top)
    for label, one in labels:
        for box in boxes:
            if box.top >= one.bottom:
                break
            if one.meets(box) and not box.holds(one):
                yield f"the text {label.text!r} crosses the edge of a box"


def _of_lines(scene: Scene) -> Iterator[str]:
    """Lines through boxes and texts, and others that end nowhere."""
    boxes = [of_box(box).grown(-0.5) for _, box in cards(scene)]
    labels = [(each.text, of_label(each)) for each in scene.labels]
    for path in scene.paths:
        if path.closed:
            continue
        for (x, y), (to_x, to_y) in pairwise(path.points):
            if abs(x - to_x) > STROKE and abs(y - to_y) > STROKE:
                yield f"a line from {path.source} to {path.target} is aslant"
            stroke = Rectangle(min(x, to_x), min(y, to_y), max(x, to_x), max(y, to_y)).grown(0.02)
            if any(stroke.meets(box) for box in boxes):
                yield f"a line from {path.source} to {path.target} runs through a box"
            for text, its in labels:
                if stroke.meets(its):
                    yield f"a line from {path.source} to {path.target} runs through {text!r}"


def _cut_off(scene: Scene) -> Iterator[str]:
    """What is not on the paper."""
    paper = Rectangle(0, 0, scene.width, scene.height)
    for each in everything(scene.items):
        if isinstance(each, Box) and not paper.holds(of_box(each)):
            yield f"a box at {each.x:.0f}, {each.y:.0f} is cut off"
        if isinstance(each, Label) and not paper.holds(of_label(each)):
            yield f"the text {each.text!r} is cut off"
        if isinstance(each, Path) and not all(
            paper.holds(Rectangle(x, y, x, y)) for x, y in each.points
        ):
            yield f"a line of {each.source} is cut off"


def boxes_of(scene: Scene) -> dict[str, int]:
    """By the name of a layer or a folded group that is drawn, the number of its box."""
    numbers: dict[str, int] = {}
    for number, (part, _) in enumerate(_parts(scene.items, inside=False)):
        inner = [each for each in part.items if isinstance(each, Part)]
        if not part.frame and inner:
            numbers.update({each.key: number for each in inner})
        elif not part.frame and part.key:
            numbers.setdefault(part.key, number)
    return numbers


def joined(scene: Scene) -> set[tuple[int, int]]:
    """Which boxes lines join, by their numbers."""
    numbers = boxes_of(scene)
    return {
        (numbers[path.source], numbers[path.target])
        for path in scene.paths
        if path.source and path.target
    }
