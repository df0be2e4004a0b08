"""What one output position sees of the image, layer by layer, with its padding and its neighbour.

Maps stand above one another on the scale of the image, each centred on it, so that what is seen
spreads downwards; of images the maps are also drawn from in front, with the part that is seen.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from math import ceil, floor
from typing import NamedTuple

from convcalc.analysis.receptive_field import Sight
from convcalc.analysis.traced import Traced, traced
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.chosen import one_named
from convcalc.explanation.chosen import position as as_position
from convcalc.explanation.region import Region, Seen, region
from convcalc.graph import Network
from convcalc.graph.planned import Planned, leading_to
from convcalc.layers.sliding import AXIS_NAMES, LINE_NAMES
from convcalc.numbers import plural, times
from convcalc.pictures.font import shortened, width
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Scene, everything
from convcalc.pictures.stack import MARGIN, Stack
from convcalc.shape import Shape
from convcalc.stretches import Stretches
from convcalc.window import Window, met

ROOM = 640
"""Width that the image's positions get."""
WIDEST = 30
"""Most pixels of one position."""
NAMES = 240
"""Most width of the column of layers' names."""
ROW, APART = 16, 12
"""Height of a map's row, and what is left below it."""
CELL_ROW, CELLS_APART = 18, 34
"""The same where every position is drawn."""
DRAWN_POSITIONS = 48
"""Most positions of the view that are all drawn, with lines to those that they read."""
LEAST_CELL = 7
"""Least pixels of a position that is drawn by itself."""
LEAST_HOLE = 3
"""Least pixels of what is not seen between stretches that are."""
MOST_ROWS = 22
"""Most layers that are drawn; of more those where the size changes, and some between."""
SQUARES = 6
"""Most maps that are drawn from in front."""
SIDE = 128
"""The longer side of one."""
BETWEEN = 34
"""What is left between two."""


def scene(network: Network, layer: str | None = None, at: Sequence[int] | None = None) -> Scene:
    """What a position of a layer's output sees: the last that has positions, and its middle.

    Raises `ArgumentError` for a layer or a position that there is not, or whose outputs have no
    position, and `SpecError` where an error keeps the layer, or one before it, unknown.
    """
    index = _last(network) if layer is None else one_named(network, layer, "a field")
    known = leading_to(network, index)
    position = _middle(known.shape_of(known.output)) if at is None else as_position(at, "at")
    seen = region(network, index, position)
    return _Field(known, position, seen).scene()


def _last(network: Network) -> int:
    """The last layer of several positions that have a place in the image."""
    named = network.named_inputs
    sight = Sight(network, tuple(named.values())[:1])
    for _ in network.walk(sight.follow):
        pass
    placed = [
        index
        for index, node in enumerate(network.nodes)
        if node.inputs
        and (shape := network.shape_of(index)) is not None
        and shape.spatial
        and index not in sight.lost | sight.unseen
    ]
    several = [
        each for each in placed if (shape := network.shape_of(each)) and max(shape.spatial) > 1
    ]
    if not placed:
        unknown = any(network.shape_of(index) is None for index in range(len(network.nodes)))
        which = "layer whose shape is known" if unknown else "layer"
        message = f"no {which} has positions in the image of {network.path}"
        raise ArgumentError(message)
    return (several or placed)[-1]


def _middle(shape: Shape) -> tuple[int, ...]:
    return tuple(size // 2 for size in shape.spatial)


class Row(NamedTuple):
    """A map that is drawn."""

    node: int
    """Index of the layer that makes it."""
    name: str
    """Full name of that layer."""
    shape: Shape
    """Shape of the map."""
    seen: Traced
    """What is seen of it."""
    beside: Traced | None
    """What the neighbour of the position sees of it; None where there is no neighbour."""


class _Field:
    """A position, and what is worked out of it."""

    def __init__(self, network: Planned, position: Sequence[int], seen: Region) -> None:
        self.network, self.position, self.region = network, position, seen
        target = network.output
        shape = network.shape_of(target)
        self.neighbour = _neighbour(position, shape)
        mine = traced(network, target, position)
        others = traced(network, target, self.neighbour) if self.neighbour else {}
        self.source = network.named_inputs[next(iter(seen.images))]
        self.image = seen.image
        sight = Sight(network, (self.source,))
        for _ in network.walk(sight.follow):
            pass
        self.sight = sight
        self.rows = [
            Row(
                index,
                network.nodes[index].name,
                network.shape_of(index),
                mine[index],
                others.get(index),
            )
            for index in range(target + 1)
            if index in mine and self._drawn(index, target)
        ]
        longest = max(width(row.name) for row in self.rows)
        self.column = min(longest, NAMES) + 16

    def _drawn(self, index: int, target: int) -> bool:
        """Whether a layer has a row: the input, the last, and those that slide between."""
        if index in (self.source, target):
            return True
        plan, shape = self.network.plans[index], self.network.shape_of(index)
        slides = any(window != Window() for window in plan.seen(0)) and index not in self.sight.lost
        rank = len(self.position)
        return slides and shape.rank == rank and index not in self.sight.unseen

    def scene(self) -> Scene:
        """The picture."""
        network, rank = self.network, len(self.position)
        lines = LINE_NAMES[rank]
        where = ", ".join(f"{name} {at}" for name, at in zip(lines, self.position, strict=True))
        stack = Stack(f"What {self.region.layer} sees at {where}, of {network.name}")
        extents = network.shape_of(self.source).spatial
        if rank == 2:
            self._squares(stack)
        axes = range(rank) if rank == 3 else [rank - 1]
        for axis in axes:
            self._cone(stack, axis)
        boxes = (each for each in everything(stack.items) if isinstance(each, Box))
        stack.legend(self._legend({box.role for box in boxes}))
        for axis, (seen, extent) in enumerate(zip(self.image, extents, strict=True)):
            stack.text(f"{AXIS_NAMES[rank][axis]}: {_said(seen, lines[axis], extent)}")
        self._numbers(stack)
        described = [
            f"{name}: {_said(seen, line, extent)}."
            for name, line, seen, extent in zip(
                AXIS_NAMES[rank], lines, self.image, extents, strict=True
            )
        ]
        return stack.scene(" ".join(described))

    def _numbers(self, stack: Stack) -> None:
        """The layer's receptive field, and what neighbours share."""
        fields = self.sight.fields[self.network.output]
        if fields is None or self.network.output in self.sight.lost:
            return
        field = self.sight.counted(self.network.output, fields)[-1]
        text = f"receptive field {field.size:,}, stride {field.jump}"
        if isinstance(field.jump, int) and field.jump > 0 and field.exact:
            shared = max(field.size - field.jump, 0)
            text += f": neighbours share {shared:,} of {field.size:,}"
        stack.text(text, role="quiet")

    def _legend(self, drawn: Collection[str]) -> list[tuple[str, str]]:
        """What the boxes are."""
        entries = [("seen", "seen")]
        if len(self.position) == 2 and self.neighbour is not None:
            entries.append(("beside", f"seen at {_place(self.neighbour)}"))
        if "partly seen" in drawn:
            entries.append(("partly seen", "seen with holes between"))
        if "padding cell" in drawn:
            entries.append(("padding cell", "seen beyond the border: padding"))
        return entries

    # The maps from in front

    def _squares(self, stack: Stack) -> None:
        """The maps of the stages, each with what is seen of it, and lines from one to the next."""
        rows = _of_stages(self.rows, SQUARES)
        high, wide = self.network.shape_of(self.source).spatial
        scale = SIDE / max(high, wide)
        tall, broad = max(high * scale, 12), max(wide * scale, 12)
        stack.down += 12
        top, left = stack.down, float(MARGIN)
        before: tuple[float, float, float] | None = None
        for row in rows:
            x, y, across, down = _part(row.seen, row.shape, left, top, broad, tall)
            parts: list[Drawn] = [Box(left, top, broad, tall, "map")]
            parts += _grid(row.shape, left, top, broad, tall)
            parts.append(Box(x, y, across, down, "seen"))
            if row.beside is not None and row.node == self.source:
                bx, by, bw, bh = _part(row.beside, row.shape, left, top, broad, tall)
                parts.append(Box(bx, by, bw, bh, "beside"))
            title = f"{row.name}: sees {_sizes(row.seen)} of {times(row.shape.spatial)}"
            stack.items.append(Part(tuple(parts), title=title))
            if before is not None:
                end_x, start_y, end_y = before
                stack.items.append(Path(((end_x, start_y), (x, y)), "followed line"))
                stack.items.append(Path(((end_x, end_y), (x, y + down)), "followed line"))
            before = (x + across, y, y + down)
            texts = (row.name, times(row.shape.spatial), f"sees {_sizes(row.seen)}")
            for place, text in enumerate(texts):
                stack.items.append(
                    Label(
                        left + broad / 2,
                        top + tall + 16 + place * 14,
                        shortened(text, broad + BETWEEN - 10, 10),
                        size=10,
                        role="quiet" if place else "text",
                        anchor="middle",
                    )
                )
            left += broad + BETWEEN
        stack.reach(left - BETWEEN)
        stack.down = top + tall + 60

    # One axis, layer by layer

    def _cone(self, stack: Stack, axis: int) -> None:
        """Maps along one axis, the position's above and the image below."""
        name = AXIS_NAMES[len(self.position)][axis]
        if len(self.position) > 1:
            stack.text(f"Along the {name}", size=13, bold=True)
        stack.down += 10
        view = _View.of(self, axis)
        fine = view.last - view.first <= DRAWN_POSITIONS and len(self.rows) <= MOST_ROWS
        rows = self.rows if fine else _of_stages(self.rows, MOST_ROWS)
        high, apart = (CELL_ROW, CELLS_APART) if fine else (ROW, APART)
        tops = {}
        for row in reversed(rows):
            tops[row.node] = stack.down
            stack.down += high + apart
        stack.down += 4 - apart
        if fine:
            stack.items += self._taps(rows, view, tops, axis, high)
        else:
            stack.items += _edges(rows, view, tops, axis, high)
        for row in reversed(rows):
            top = tops[row.node]
            stack.items += self._row(row, view, axis, top, high, fine=fine)
            said = _hull(row.seen, axis, row.shape.spatial[axis])
            right = view.right + 18
            stack.items.append(Label(right, top + high - 4, said, size=11, role="quiet"))
            stack.reach(right + width(said, 11))
            named = shortened(row.name, NAMES)
            stack.items.append(Label(MARGIN, top + high - 4, named))
        self._below(stack, view, axis)
        stack.down += 14

    def _row(
        self, row: Row, view: "_View", axis: int, top: float, high: float, *, fine: bool
    ) -> Iterator[Drawn]:
        """A map's row: what is seen of it, and beyond."""
        left, jump = view.placed(row, axis)
        size = row.shape.spatial[axis]
        parts: list[Drawn] = []
        cell = jump * view.scale

        def x(at: float) -> float:
            return view.x(left + at * jump)

        first, last = max(x(0), view.left), min(x(size), view.right)
        hull = row.seen.hull(axis)
        before, behind = row.seen.before(axis), row.seen.behind(axis, size)
        if fine and cell >= LEAST_CELL:
            low = max(ceil((view.first - left) / jump), -before)
            high_cell = min(floor((view.last - left) / jump), size + behind)
            for at in range(low, high_cell):
                inside = 0 <= at < size
                seen = inside and any(a <= at < b for a, b in row.seen.axes[axis])
                role = "seen" if seen else "cell" if inside else "padding cell"
                if role == "cell":
                    role = "unread cell"
                text = str(at) if inside else ""
                box = Box(x(at) + 1, top, cell - 2, high, role, min(3, cell / 4))
                parts.append(box)
                if text and width(text, 9) <= cell - 4:
                    middle = x(at + 0.5)
                    look = "text" if seen else "quiet"
                    parts.append(
                        Label(middle, top + high - 5.5, text, size=9, role=look, anchor="middle")
                    )
        else:
            parts.append(Box(first, top, max(last - first, 1), high, "map"))
            for end, place, anchor in (
                (x(0), view.left - 3, "end"),
                (x(size), view.right + 3, "start"),
            ):
                if not view.left - 1 < end < view.right + 1:  # the map goes on
                    parts.append(Label(place, top + high - 5, "…", anchor=anchor))
            role, stretches = _shown(row.seen, axis, cell)
            for start, end in stretches:
                a, b = max(x(start), view.left), min(x(end), view.right)
                parts.append(Box(a, top, max(b - a, 1.5), high, role))
            for start, end in ((-before, 0), (size, size + behind)):
                a, b = max(x(start), view.left), min(x(end), view.right)
                if b - a >= 1.5:
                    parts.append(Box(a, top + 2, b - a, high - 4, "padding cell"))
        shown = "nothing" if hull is None else f"{hull[0]} to {hull[1]}"
        yield Part(tuple(parts), title=f"{row.name}: sees {shown} of {size}")

    def _taps(
        self, rows: Sequence[Row], view: "_View", tops: dict[int, float], axis: int, high: float
    ) -> Iterator[Drawn]:
        """Lines from every position that is seen to those that it reads."""
        drawn = {row.node: row for row in rows}
        for row in rows:
            plan = self.network.plans[row.node]
            for number, read in enumerate(self.network.nodes[row.node].looks_at):
                source = self._drawn_before(read, drawn)
                windows = plan.seen(number)
                if source is None or not windows:
                    continue
                left, jump = view.placed(row, axis)
                below_left, below = view.placed(source, axis)
                for start, end in row.seen.axes[axis]:
                    for at in range(start, end):
                        first, step, hits = met(windows[axis], at)
                        size = source.shape.spatial[axis]
                        for value in range(first, first + step * hits, step):
                            role = "followed line" if 0 <= value < size else "tap line"
                            yield Path(
                                (
                                    (view.x(left + (at + 0.5) * jump), tops[row.node] + high),
                                    (
                                        view.x(below_left + (value + 0.5) * below),
                                        tops[source.node],
                                    ),
                                ),
                                role,
                            )

    def _drawn_before(self, index: int, drawn: dict[int, Row]) -> Row | None:
        """The row of a layer, or of the one whose positions it keeps; None of several."""
        while index not in drawn:
            reads = self.network.nodes[index].looks_at
            kept = [read for read in reads if self.network.shape_of(read).spatial]
            if not kept or self.network.plans[index].positions == "lost":
                return None
            index = max(kept)
        return drawn[index]

    def _below(self, stack: Stack, view: "_View", axis: int) -> None:
        """Below the image what is seen of it, by the position and by its neighbour."""
        image = self.rows[0]
        line = LINE_NAMES[len(self.position)][axis]
        every = [(self.position, image.seen)]
        if self.neighbour is not None and image.beside is not None:
            every.append((self.neighbour, image.beside))
        for position, seen in every:
            hull = seen.hull(axis)
            if hull is None:
                continue
            left = max(view.x(hull[0]) + 1, view.left)
            right = min(view.x(hull[1] + 1) - 1, view.right)
            what = plural(hull[1] - hull[0] + 1, line)
            stack.measure(left, right, 4, f"{_place(position)} sees {what}")
            stack.down += 24


class _View(NamedTuple):
    """The part of the image, along one axis, that a picture has room for."""

    field: _Field
    """Whose picture it is."""
    extent: int
    """Positions of the image along the axis."""
    first: float
    """The first position of the image, or in front of it, that is shown."""
    last: float
    """Where the view ends, in positions of the image."""

    @classmethod
    def of(cls, field: _Field, axis: int) -> "_View":
        """Around what the position and its neighbour see."""
        image = field.rows[0]
        extent = image.shape.spatial[axis]
        every = [each for each in (image.seen, image.beside) if each is not None]
        low = min(min(each.lines[axis][0], _first(each, axis)) for each in every)
        high = max(max(each.lines[axis][1] + 1, _end(each, axis)) for each in every)
        ends = [(0.0, float(extent))]
        for row in field.rows:
            left, jump = cls(field, extent, 0, extent).placed(row, axis)
            ends.append((left, left + row.shape.spatial[axis] * jump))
        least, most = min(low, *(left for left, _ in ends)), max(high, *(end for _, end in ends))
        if most - least <= DRAWN_POSITIONS:
            return cls(field, extent, least, most)
        border = max((high - low) * 0.12, 2)
        first, last = max(low - border, least), min(high + border, most)
        return cls(field, extent, first, last)

    @property
    def left(self) -> float:
        """Where the view begins."""
        return MARGIN + self.field.column

    @property
    def scale(self) -> float:
        """Pixels of a position."""
        return min(ROOM / (self.last - self.first), WIDEST)

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.x(self.last)

    def x(self, at: float) -> float:
        """Where a position of the image begins."""
        return self.left + (at - self.first) * self.scale

    def placed(self, row: Row, axis: int) -> tuple[float, float]:
        """Where a map begins, and from one of its positions to the next, in the image's."""
        size = row.shape.spatial[axis]
        fields = self.field.sight.fields[row.node]
        jump = float(fields[axis].jump) if fields is not None else 0.0
        if not jump or row.node in self.field.sight.lost:
            jump = self.extent / size
        return (self.extent - size * jump) / 2, jump


def _place(position: Sequence[int]) -> str:
    """A position as `--at` takes it."""
    return ",".join(map(str, position))


def _neighbour(position: Sequence[int], shape: Shape) -> tuple[int, ...] | None:
    """The next position along the last axis, or the one before it; None where there is no other."""
    *others, at = position
    size = shape.spatial[-1]
    beside = at + 1 if at + 1 < size else at - 1
    return (*others, beside) if 0 <= beside < size else None


def _of_stages(rows: Sequence[Row], most: int) -> list[Row]:
    """At most so many rows: the first and the last, where the size changes, and some between."""
    if len(rows) <= most:
        return [*rows]
    ends = [
        at
        for at, row in enumerate(rows)
        if at in (0, len(rows) - 1) or row.shape.spatial != rows[at + 1].shape.spatial
    ]
    if len(ends) > most:
        step = (len(ends) - 1) / (most - 1)
        ends = sorted({ends[round(each * step)] for each in range(most)})
    rest = [at for at in range(len(rows)) if at not in ends]
    room = most - len(ends)
    if room:
        step = len(rest) / room
        ends = sorted({*ends, *(rest[int(each * step)] for each in range(room))})
    return [rows[at] for at in ends]


def _edges(
    rows: Sequence[Row], view: _View, tops: dict[int, float], axis: int, high: float
) -> Iterator[Drawn]:
    """Lines along the borders of what is seen, from each row to the one below it."""
    for below, row in pairwise(rows):
        mine, lower = row.seen.hull(axis), below.seen.hull(axis)
        if mine is None or lower is None:
            continue
        left, jump = view.placed(row, axis)
        below_left, below_jump = view.placed(below, axis)
        ends = (
            (left + mine[0] * jump, below_left + lower[0] * below_jump),
            (left + (mine[1] + 1) * jump, below_left + (lower[1] + 1) * below_jump),
        )
        for here, there in ends:
            start = (min(max(view.x(here), view.left), view.right), tops[row.node] + high)
            end = (min(max(view.x(there), view.left), view.right), tops[below.node])
            yield Path((start, end), "followed line")


def _part(
    seen: Traced, shape: Shape, left: float, top: float, broad: float, tall: float
) -> tuple[float, float, float, float]:
    """Where a part of a map stands that is drawn from in front: x, y, width and height."""
    sides = []
    for axis, (start, long) in enumerate(((top, tall), (left, broad))):
        hull = seen.hull(axis) or (0, -1)
        cell = long / shape.spatial[axis]
        sides.append((start + hull[0] * cell, max((hull[1] + 1 - hull[0]) * cell, 2.0)))
    (y, down), (x, across) = sides
    return x, y, across, down


def _grid(shape: Shape, left: float, top: float, broad: float, tall: float) -> Iterator[Drawn]:
    """Lines between positions where these are large enough."""
    rows, columns = shape.spatial
    if tall / rows < LEAST_CELL or broad / columns < LEAST_CELL:
        return
    for at in range(1, rows):
        y = top + at * tall / rows
        yield Path(((left, y), (left + broad, y)), "grid")
    for at in range(1, columns):
        x = left + at * broad / columns
        yield Path(((x, top), (x, top + tall)), "grid")


def _sizes(seen: Traced) -> str:
    """How large the part is that is seen, by axis."""
    hulls = [seen.hull(axis) for axis in range(len(seen.axes))]
    return times([hull[1] - hull[0] + 1 if hull else 0 for hull in hulls])


def _shown(seen: Traced, axis: int, cell: float) -> tuple[str, Stretches]:
    """The stretches that are drawn, with their role: one with holes, where these are too narrow."""
    stretches = seen.axes[axis]
    if len(stretches) > 1:
        holes = [after[0] - before[1] for before, after in pairwise(stretches)]
        if min(holes) * cell < LEAST_HOLE:
            return "partly seen", ((stretches[0][0], stretches[-1][1]),)
    return "seen", stretches


def _hull(seen: Traced, axis: int, extent: int) -> str:
    """What is seen along an axis, in a few letters."""
    hull = seen.hull(axis)
    if hull is None:
        return "padding alone"
    size = hull[1] - hull[0] + 1
    count = sum(end - start for start, end in seen.axes[axis])
    text = f"{size} at {hull[0]}" if size == 1 else f"{size}: {hull[0]} to {hull[1]}"
    if count < size:
        text = f"{count} from {hull[0]} to {hull[1]}"
    padding = seen.before(axis) + seen.behind(axis, extent)
    return text + (f" + {padding} padding" if padding else "")


def _first(seen: Traced, axis: int) -> int:
    """The first position that is seen."""
    hull = seen.hull(axis)
    return hull[0] if hull else seen.lines[axis][0]


def _end(seen: Traced, axis: int) -> int:
    """Where what is seen ends."""
    hull = seen.hull(axis)
    return hull[1] + 1 if hull else seen.lines[axis][1] + 1


def _said(seen: Seen, line: str, extent: int) -> str:
    """What is seen of the image along an axis, as `explain --at` has it."""
    sign = "" if seen.exact else "no more than "
    if seen.first is None:
        return "padding alone"
    through = f"{seen.first}" if seen.size == 1 else f"{seen.first} to {seen.last}"
    text = f"{sign}{line if seen.size == 1 else line + 's'} {through}, {seen.size} of {extent}"
    sides = [
        f"{number} of padding {where}"
        for number, where in ((seen.before, "before"), (seen.behind, "behind"))
        if number
    ]
    return ", ".join([text, *sides])
