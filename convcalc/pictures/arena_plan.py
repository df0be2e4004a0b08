"""The plan of an arena: offsets upwards, operators from left to right, the peak marked."""

from collections.abc import Iterator

from convcalc.analysis.memory.arena_search import Searched
from convcalc.analysis.memory.banks import Banked
from convcalc.analysis.memory.layout import Stretch, laid_out, running
from convcalc.analysis.memory.static_plan import ArenaReport, Buffer
from convcalc.numbers import both_bytes, grouped, plural
from convcalc.pictures.font import shortened, width
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Scene
from convcalc.pictures.stack import MARGIN, Stack

HIGH, BANK_HIGH = 320.0, 170.0
"""Height of a plan in one piece, and of a bank's."""
WIDE, WIDEST = 720.0, 1600.0
"""Width of a plan of few operators, and of very many."""
NARROWEST, BROADEST = 4.0, 48.0
"""Width of an operator, where the plan has room for it."""
TICKS = 64
"""Room left of the plan for the sizes at its side."""
SIZE, LINE = 10, 13
"""Height of the font in the plan, and of a line of it."""
NAMED = 13
"""Least width of an operator whose name stands below it."""
NAME = 150
"""Most room that such a name has."""
NUMBER = 36
"""Least distance of numbers of operators, where there is no room for names."""
LISTED = 12
"""Buffers in use at the peak that are named below the plan."""
LEGEND = {
    "source": "input",
    "dense": "map",
    "norm": "scratch",
    "heat 3": "in use at the peak",
}
"""Role of a buffer → what it is."""


def scene(arena: ArenaReport, searched: Searched | None, banked: Banked | None) -> Scene:
    """A picture of the plan that `--plan` writes: the best that was searched, or by bank."""
    layout = laid_out(arena, searched, banked)
    rows = Stack(f"{arena.name}: plan of the arena, {arena.dtype} ({layout.plan})")
    used: dict[str, None] = {}
    said = [_stretch(rows, arena, stretch, used) for stretch in layout.stretches]
    rows.down += 6
    rows.legend([(role, text) for role, text in LEGEND.items() if role in used])
    if layout.left:
        named = ", ".join(f"{each.name} {grouped(each.bytes)}" for each in layout.left[:LISTED])
        more = f" and {len(layout.left) - LISTED} more" if len(layout.left) > LISTED else ""
        said.append(f"{plural(len(layout.left), 'buffer')} in no bank, in bytes: {named}{more}.")
        rows.text(said[-1], size=11, role="fault text")
    if not arena.exact:
        said.append("Some layers have no rule, so the figures are no promise.")
        rows.text(said[-1], size=11, role="fault text")
    rows.text(
        f"{arena.runtime.title}, {arena.runtime.kernels}. Offsets upwards, operators from left to "
        "right; what lives at the same time is at other bytes.",
        size=11,
        role="quiet",
    )
    return rows.scene(" ".join(said))


def _stretch(rows: Stack, arena: ArenaReport, stretch: Stretch, used: dict[str, None]) -> str:
    """Draw one stretch of memory below what is there; a sentence of what it shows."""
    where = f"{stretch.name}: " if stretch.name else ""
    if not stretch.bytes:
        said = f"{where}nothing is in it."
        rows.text(said, bold=True)
        return said
    if stretch.room is not None:
        of = f"{grouped(stretch.bytes)} of {grouped(stretch.room)} bytes"
        rows.text(f"{where}{of}", bold=True)
    plan = _Plan(rows, arena, stretch)
    rows.items += plan.drawn(used)
    rows.reach(plan.right)
    rows.down = plan.bottom + plan.names
    there = stretch.at(stretch.busiest)
    named = "; ".join(
        f"{each.name}, {grouped(each.bytes)} at {grouped(each.offset)}" for each in there[:LISTED]
    )
    more = f"; and {len(there) - LISTED} more" if len(there) > LISTED else ""
    said = f"In use at the peak, in bytes: {named}{more}."
    rows.text(said, size=11, role="quiet")
    rows.down += 8
    return f"{where}{plan.peak}. {said}"


class _Plan:
    """Where a stretch is drawn."""

    def __init__(self, rows: Stack, arena: ArenaReport, stretch: Stretch) -> None:
        self.arena, self.stretch = arena, stretch
        self.high = HIGH if stretch.room is None else BANK_HIGH
        times = len(arena.operators) + 1
        narrowest = min(NARROWEST, WIDEST / times)
        self.step = min(BROADEST, max(WIDE / times, narrowest))
        self.wide = self.step * times
        self.left = MARGIN + TICKS
        self.top = rows.down + 2 * LINE
        self.bottom = self.top + self.high
        self.live = stretch.live
        self.busiest = stretch.busiest
        runs = shortened(running(arena, self.busiest), 2 * NAME, SIZE + 1, bold=True)
        self.peak = f"{both_bytes(max(self.live))} in use at operator {self.busiest}, {runs}"
        self.head = f"{grouped(stretch.bytes)} bytes"
        self.marked = self.left + (self.busiest + 0.5) * self.step
        long = 10 + width(self.peak, SIZE + 1, bold=True)
        self.before = self.marked + long > self.left + self.wide and self.marked - long >= MARGIN
        self.right = max(
            self.left + self.wide + 12 + width(self.head, SIZE),
            0.0 if self.before else self.marked + long,
        )
        self.named: list[str] = []
        self.names = LINE + 8.0
        if self.step >= NAMED:
            layers = [running(arena, number) for number in range(times)]
            self.named = [shortened(name, NAME, SIZE) for name in layers]
            self.names = max(width(name, SIZE) for name in self.named) + 14

    def drawn(self, used: dict[str, None]) -> Iterator[Drawn]:
        """The axes, the buffers and the peak's mark."""
        frame = ((self.left, self.top), (self.left, self.bottom))
        yield Path((*frame, (self.left + self.wide, self.bottom)), "measure")
        yield from self._sizes()
        yield from self._operators()
        at_peak = set(map(id, self.stretch.at(self.busiest)))
        for buffer in self.stretch.buffers:
            role = _role(buffer)
            used[role] = None
            if id(buffer) in at_peak:
                role = "heat 3"
                used[role] = None
            if buffer.bytes:
                yield self._buffer(buffer, role)
        yield from self._mark()

    def _buffer(self, buffer: Buffer, role: str) -> Part:
        """A buffer as a box, with its name where that has room."""
        unit = self.high / self.stretch.bytes
        long = (buffer.last - buffer.first + 1) * self.step
        tall = buffer.bytes * unit
        left = self.left + buffer.first * self.step
        top = self.bottom - (buffer.offset + buffer.bytes) * unit
        items: list[Drawn] = [Box(left, top, long, tall, role)]
        middle, centre = left + long / 2, top + tall / 2
        size = grouped(buffer.bytes)
        for name in dict.fromkeys((buffer.name, buffer.name.rpartition(".")[2])):
            wide = width(name, SIZE) + 6
            if tall >= LINE and wide <= long:
                both = tall >= 2 * LINE + 2 and width(size, SIZE) + 6 <= long
                down = centre + SIZE * 0.36 - (LINE / 2 if both else 0)
                items.append(Label(middle, down, name, SIZE, anchor="middle"))
                if both:
                    items.append(Label(middle, down + LINE, size, SIZE, anchor="middle"))
                break
            if long >= LINE and wide <= tall:
                across = middle + SIZE * 0.36
                items.append(Label(across, centre, name, SIZE, anchor="middle", turned=True))
                break
        return Part(tuple(items), title=_told(buffer))

    def _sizes(self) -> Iterator[Drawn]:
        """Sizes at the left, and a line where the highest buffer ends, with the whole beside it."""
        every = _round_step(self.stretch.bytes)
        for size in range(0, self.stretch.bytes + 1, every):
            down = self.bottom - size * self.high / self.stretch.bytes
            yield Path(((self.left - 4, down), (self.left, down)), "measure")
            text, low = _in_units(size), down + SIZE * 0.36
            yield Label(self.left - 8, low, text, SIZE, role="quiet", anchor="end")
        across = self.left + self.wide + 5
        yield Path(((self.left, self.top), (across, self.top)), "row line")
        yield Label(across + 4, self.top + SIZE * 0.36, self.head, SIZE)

    def _operators(self) -> Iterator[Drawn]:
        """What runs, below the axis: names where they have room, else numbers."""
        times = len(self.arena.operators) + 1
        if self.named:
            for number, name in enumerate(self.named):
                across = self.left + (number + 0.5) * self.step + SIZE * 0.36
                label = Label(across, self.bottom + 6, name, SIZE, role="quiet", anchor="end")
                yield label._replace(turned=True)
            return
        every = 1
        while every * self.step < NUMBER:
            every = every * 5 // 2 if str(every)[0] == "2" else every * 2
        for number in range(0, times, every):
            across = self.left + (number + 0.5) * self.step
            text = str(number)
            yield Label(across, self.bottom + LINE + 2, text, SIZE, role="quiet", anchor="middle")

    def _mark(self) -> Iterator[Drawn]:
        """A wedge over the operator at which most is in use, and what that is."""
        across, up = self.marked, self.top - 7
        wedge = ((across - 5, up - 8), (across + 5, up - 8), (across, up))
        yield Path(wedge, "heat 3", closed=True)
        side, anchor = (-10, "end") if self.before else (10, "start")
        yield Label(across + side, up, self.peak, SIZE + 1, anchor=anchor, bold=True)


def _role(buffer: Buffer) -> str:
    if buffer.scratch:
        return "norm"
    return "dense" if buffer.first else "source"


def _told(buffer: Buffer) -> str:
    """What is said of a buffer where somebody points at it."""
    what = "scratch" if buffer.scratch else f"{'×'.join(map(str, buffer.shape))} {buffer.dtype}"
    return (
        f"{buffer.name}: {grouped(buffer.bytes)} bytes at {grouped(buffer.offset)}, {what}, "
        f"operators {buffer.first} to {buffer.last}"
    )


def _round_step(size: int) -> int:
    """A power of two of which three to six go into a size.

    >>> _round_step(9408), _round_step(3)
    (2048, 1)
    """
    return 1 << max((size // 3).bit_length() - 1, 0)


def _in_units(size: int) -> str:
    """A size in the largest unit that it has.

    >>> _in_units(0), _in_units(1536), _in_units(3 << 20)
    ('0', '1.5 KiB', '3 MiB')
    """
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} B" if size else "0"
