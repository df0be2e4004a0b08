"""Points over two figures: those on a front joined by its line, the others beside."""

from collections.abc import Callable, Iterator, Sequence
from math import floor, inf, log10
from typing import NamedTuple

from convcalc.pictures.font import shortened, width
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Point, Scene
from convcalc.pictures.stack import MARGIN, Stack

WIDE, HIGH = 560.0, 360.0
"""Width and height of what the points stand in."""
SIZE, LINE = 10, 13
"""Height of the font at the sides, and of a line of it."""
DOT = 7.0
"""How wide a point is."""
MOST = 2_000
"""Most points that are drawn."""
NARROWEST = 20
"""Fewest columns of letters that points stand in."""
ROLES = ("heat 3", "kept", "followed line", "measure", "quiet", "text")
"""Roles that points, the front's line, and what stands at the sides have."""
TICKS = 5
"""About how many numbers stand at a side."""
CLOSE = 2.0**-40
"""Share of two values by which they differ so little that they stand at one place."""


class Side(NamedTuple):
    """A figure, along one side."""

    name: str
    """What it is called at the side."""
    shown: Callable[[float], str]
    """How one of its values is written."""
    most: bool = False
    """Whether more of it is the better, and not less."""


class Dot(NamedTuple):
    """A point."""

    x: float
    """Its value along the lower side."""
    y: float
    """Its value along the left side."""
    front: bool
    """Whether it is on the front."""
    title: str
    """What is said of it where somebody points at it."""
    link: str = ""
    """Where it leads on the page that it stands in: `#row`; empty for nowhere."""


def scene(title: str, across: Side, up: Side, dots: Sequence[Dot], notes: Sequence[str]) -> Scene:
    """A picture of points; `notes` stand below it."""
    rows = Stack(title)
    every = -(-len(dots) // MOST)
    drawn = dots[::every] if every > 1 else dots
    plot = _Plot(rows, across, up, drawn)
    rows.items += plot.drawn()
    rows.reach(plot.right)
    rows.down = plot.bottom + 3 * LINE
    entries = [("heat 3", "on the front")] if any(dot.front for dot in drawn) else []
    entries += [("kept", "among the best")] if not all(dot.front for dot in drawn) else []
    rows.legend(entries)
    said = [*notes]
    if every > 1:
        said.append(f"Of {len(dots):,} points one in {every} is drawn.")
    for note in said:
        rows.text(note, size=11, role="quiet")
    about = f"{len(drawn):,} points over {across.name} and {up.name}."
    return rows.scene(" ".join([about, *said]))


class _Plot:
    """Where the points stand."""

    def __init__(self, rows: Stack, across: Side, up: Side, dots: Sequence[Dot]) -> None:
        self.across, self.up, self.dots = across, up, dots
        self.xs = ticks([dot.x for dot in dots])
        self.ys = ticks([dot.y for dot in dots])
        labels = max(width(up.shown(each), SIZE) for each in self.ys)
        self.left = MARGIN + labels + 12
        self.top = rows.down + LINE + 8
        self.bottom = self.top + HIGH
        last = width(across.shown(self.xs[-1]), SIZE) / 2
        self.right = self.left + WIDE + max(last, DOT)

    def place(self, x: float, y: float) -> Point:
        """Where two figures stand."""
        return (
            self.left + WIDE * _share(x, self.xs),
            self.bottom - HIGH * _share(y, self.ys),
        )

    def drawn(self) -> Iterator[Drawn]:
        """The sides with their numbers, the front's line, and the points over it."""
        corner = (self.left, self.bottom)
        yield Path(((self.left, self.top), corner, (self.left + WIDE, self.bottom)), "measure")
        name = shortened(self.up.name, WIDE, SIZE + 1, bold=True)
        yield Label(MARGIN, self.top - 10, name, SIZE + 1, bold=True)
        middle, down = self.left + WIDE / 2, self.bottom + 2.6 * LINE
        name = shortened(self.across.name, WIDE, SIZE + 1, bold=True)
        yield Label(middle, down, name, SIZE + 1, anchor="middle", bold=True)
        for x in self.xs:
            at, _ = self.place(x, self.ys[0])
            yield Path(((at, self.bottom), (at, self.bottom + 4)), "measure")
            text, low = self.across.shown(x), self.bottom + LINE + 3
            yield Label(at, low, text, SIZE, role="quiet", anchor="middle")
        for y in self.ys:
            _, at = self.place(self.xs[0], y)
            yield Path(((self.left - 4, at), (self.left, at)), "measure")
            text, low = self.up.shown(y), at + SIZE * 0.36
            yield Label(self.left - 8, low, text, SIZE, role="quiet", anchor="end")
        edge = self.edge()
        if len(edge) > 1:
            yield Path(tuple(self.place(x, y) for x, y in edge), "followed line")
        for dot in sorted(self.dots, key=lambda dot: dot.front):
            x, y = self.place(dot.x, dot.y)
            role = "heat 3" if dot.front else "kept"
            box = Box(x - DOT / 2, y - DOT / 2, DOT, DOT, role, DOT / 2)
            yield Part((box,), title=dot.title, link=dot.link)

    def edge(self) -> list[Point]:
        """The front of these two figures alone, by the first: what no point is better than."""
        across, up = (-1 if side.most else 1 for side in (self.across, self.up))
        edge: list[Point] = []
        least = inf
        for x, y in sorted({(across * dot.x, up * dot.y) for dot in self.dots if dot.front}):
            if y < least:
                edge.append((across * x, up * y))
                least = y
        return sorted(edge)


def ticks(values: Sequence[float]) -> list[float]:
    """Round numbers from below the least value to above the greatest.

    >>> ticks([3, 17, 42]), ticks([5, 5])
    ([0.0, 10.0, 20.0, 30.0, 40.0, 50.0], [4.0, 5.0, 6.0])
    """
    least, greatest = min(values), max(values)
    apart = max(abs(least), abs(greatest)) * CLOSE
    if greatest - least <= apart:
        one = max(1.0, apart)
        return [least - one, float(least), greatest + one]
    rough = (greatest - least) / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next((each * power for each in (1, 2, 5) if each * power >= rough), 10 * power)
    first = floor(least / step)
    count = -(-(greatest - first * step) // step)
    return [(first + number) * step for number in range(int(count) + 1)]


def _share(value: float, ticks: Sequence[float]) -> float:
    """How far a value is from the first number to the last."""
    return (value - ticks[0]) / (ticks[-1] - ticks[0])


def letters(
    across: Side,
    up: Side,
    dots: Sequence[Dot],
    wide: int = 60,
    high: int = 12,
    most: int | None = None,
) -> list[str]:
    """The same points in letters: ■ is on the front, □ is not.

    They stand in `wide` columns, or in fewer where lines would be longer than `most`.
    """
    xs, ys = ([getattr(dot, name) for dot in dots] for name in ("x", "y"))
    ends = [up.shown(max(ys)), *[""] * (high - 2), up.shown(min(ys))]
    room = max(map(len, ends))
    if most is not None:
        wide = min(wide, max(most - room - len("  ") - len("  ") - len(across.name), NARROWEST))
    grid = [[" "] * wide for _ in range(high)]
    for dot in sorted(dots, key=lambda dot: dot.front):
        column = _cell(dot.x, xs, wide)
        grid[high - 1 - _cell(dot.y, ys, high)][column] = "■" if dot.front else "□"
    lines = [f"{up.name}"]
    lines += [
        f"{end:>{room}} │{''.join(row)}".rstrip() for end, row in zip(ends, grid, strict=True)
    ]
    first, last = across.shown(min(xs)), across.shown(max(xs))
    lines.append(f"{'':>{room}} └{'─' * wide}")
    gap = max(wide - len(first) - len(last), 1)
    lines.append(f"{'':>{room}}  {first}{' ' * gap}{last}  {across.name}")
    return lines


def _cell(value: float, values: Sequence[float], count: int) -> int:
    least, greatest = min(values), max(values)
    if least == greatest:
        return 0
    return min(int((value - least) / (greatest - least) * count), count - 1)
