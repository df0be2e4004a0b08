"""Slabs in a row, as papers draw networks: as high as the map is large, as thick as channels.

Vectors are bars. Where the map gets smaller and larger again and something skips that, the row goes
down and up again, a U. What a row is made of, `stages` says.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log2, prod
from typing import NamedTuple

from convcalc.arguments import one_of, whole
from convcalc.graph import Network
from convcalc.pictures.font import shortened, width, wrapped
from convcalc.pictures.found import with_groups
from convcalc.pictures.lost import with_lost_named
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Point, Scene, moved
from convcalc.pictures.shades import Shades, family_of, legend_of, shades_of
from convcalc.pictures.stages import ENOUGH, KEEPERS, Head, Row, Skip, Stage, rows
from convcalc.pictures.words import figures
from convcalc.shape import Shape

MARGIN, GAP, BETWEEN = 18, 20, 30
"""Room round all, between two stages, and between two rows or levels of a U."""
HIGH, THICK, BAR = 170, 40, 150
"""Height of the largest map, thickness of the most channels, and height of the longest bar."""
SLANT = (0.30, 0.22)
"""How far depth goes to the right and up, of its length."""
FLAT = (6.0, 4.4)
"""The same of what has no depth, in pixels."""
THIN = 9
"""Thickness of a bar."""
RANGE = 8
"""The largest map is at most so many times the smallest where heights are in proportion."""
LEAST_HIGH, LEAST_THICK = 5, 2.5
"""Least height and thickness of a slab, so that it is seen."""
FEW = 64
"""Of vectors no longer than this the longest is no bar of full height."""
COPIES = 4
"""Equal stages up to so many stand side by side where no more of them are anywhere."""
APART = 2.5
"""Between what a slab is divided into, on average, or else it is not divided: lines would merge."""
BESIDE = 5
"""What is between two of these."""
BIG, SMALL, LINE = 11, 9.5, 11.5
"""Heights of the fonts, and of a line."""
WIDEST = 118
"""Most room for a line below a slab."""
HEADS = 6
"""Most outputs that are written below a stage."""
LANE = 15
"""Height of a lane for a skip."""
ASIDE = 7
"""What is between lines that go up and down side by side."""
LEAST_WIDE = 420
"""Least width of a picture, so that its notes are no column."""
SMALLER = 0.55
"""Level of a U: the map is smaller by a factor of two to this power at least."""
WORDS = {
    "source": "input",
    "dense": "convolution, linear",
    "pool": "pooling",
    "norm": "normalization",
    "activation": "activation",
    "softmax": "softmax",
    "identity": "identity",
    "view": "reshaped",
    "resize": "resized",
    "channels": "other channels",
    "merge": "branches that meet",
    "recurrent": "recurrent",
    "fault": "does not work out",
}
"""Role → what the legend says of it."""


class Scale(NamedTuple):
    """How large things are drawn."""

    extent: int
    """The largest extent of a map."""
    channels: int
    """The most channels of a map."""
    features: int
    """What a bar of full height stands for: so many values."""
    power: float
    """Heights are in proportion to extents to this power."""
    copies: bool
    """Whether equal stages stand side by side."""

    def high(self, extent: int) -> float:
        """Height of an extent."""
        return max(LEAST_HIGH, float(HIGH * (extent / self.extent) ** self.power))

    def thick(self, channels: int) -> float:
        """Thickness of channels."""
        return max(LEAST_THICK, float(THICK * (channels / self.channels) ** 0.5))

    def long(self, features: int) -> float:
        """Height of a bar."""
        return max(LEAST_HIGH, float(BAR * (features / self.features) ** 0.5))


class Body(NamedTuple):
    """The slabs of a stage, their left edge and the middle of their height at 0."""

    items: tuple[Drawn, ...]
    """What they are drawn of."""
    width: float
    """How far they reach to the right."""
    height: float
    """Height of the front."""
    slant: Point
    """How far depth goes to the right and up."""
    front: float
    """Where the front of the last of them starts."""
    thick: float
    """Thickness of each of them, in pixels."""

    @property
    def top(self) -> float:
        """Its upper edge."""
        return -self.height / 2 - self.slant[1]

    @property
    def face(self) -> Point:
        """The middle of the face that looks to the right."""
        return self.front + self.thick + self.slant[0] / 2, -self.slant[1] / 2


class Column(NamedTuple):
    """A stage with its texts; x from the column's left edge, y from the middle of the slab."""

    stage: Stage
    """The stage that it shows."""
    body: Body
    """The slabs of the stage."""
    shift: float
    """Where the slabs start, in pixels from the left edge."""
    width: float
    """How wide the column is."""
    above: tuple[str, ...]
    """Text above: channels, or values."""
    below: tuple[tuple[str, bool], ...]
    """Lines below, with whether they are quiet: extents, and what makes them."""
    heads: tuple[tuple[str, str], ...]
    """Name and shape of outputs that leave it."""

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.body.top - (LINE + 3) * len(self.above)

    @property
    def foot(self) -> float:
        """Where its lines end."""
        return self.body.height / 2 + 4 + LINE * len(self.below)

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.foot + (18 + 2 * LINE * len(self.heads) if self.heads else 0)


class Placed(NamedTuple):
    """A row with its columns at their places."""

    row: Row
    """The row that it shows."""
    columns: tuple[Column, ...]
    """A column for each stage."""
    lefts: tuple[float, ...]
    """Left edges of the columns."""
    axes: tuple[float, ...]
    """The middle of each slab's height."""
    levels: tuple[int, ...]
    """How deep each is in the U; all 0 without one."""
    gaps: tuple[float, ...]
    """Right ends of the gaps in front of the columns, where lines go up and down."""
    lanes: dict[tuple[int, int], float]
    """How high the lane of each skip is, by the stages that it leads from and to; those that go
    straight have none."""
    bottom: float
    """Its lower edge; the upper one is at 0."""

    @property
    def width(self) -> float:
        """Its right edge."""
        return self.lefts[-1] + self.columns[-1].width


SHADES = ("parameters", "macs", "memory", "kind")
"""What colours can say."""


def scene(network: Network, *, depth: int | None = None, shade: str | None = None) -> Scene:
    """The network as slabs; `depth` as in `stages.rows`, `shade` as in `shades.shades_of`."""
    if depth is not None:
        depth = whole(depth, "depth", least=0)
    if shade is not None:
        shade = one_of(shade, "shade", SHADES)
    network = with_lost_named(network)
    if len(network.layers) > 2 * ENOUGH:
        network = with_groups(network)
    shades = shades_of(network, shade)
    drawn = tuple(_shaded(row, shades) for row in rows(network, depth))
    scale = _scale(drawn)
    placed = [_placed(row, scale, _incoming(drawn, number)) for number, row in enumerate(drawn)]
    rights = _offsets(placed)
    items: list[Drawn] = []
    right = MARGIN - min(rights)
    down = float(MARGIN)
    origins: list[Point] = []
    for each, aside in zip(placed, rights, strict=True):
        origin = right + aside, down
        origins.append(origin)
        items += [moved(item, *origin) for item in _drawn(network, each)]
        down = origin[1] + each.bottom + BETWEEN
    items += _joins(network, placed, origins)
    wide = max(origin[0] + each.width for origin, each in zip(origins, placed, strict=True))
    wide = max(wide, LEAST_WIDE)
    entries = _entries(drawn) if shades is None else legend_of(network, shades, ())
    legend, down = _legend(entries, wide, down - BETWEEN + 26)
    items += legend
    notes = _notes(network, placed, scale)
    for line in wrapped(" ".join(notes), wide - MARGIN, SMALL):
        items.append(Label(MARGIN, down, line, SMALL, "quiet"))
        down += LINE + 1.5
    stages = sum(len(row.stages) for row in drawn)
    about = f"{len(network.layers)} layers in {stages} stages, from {network.shown_input}. "
    size = wide + MARGIN, down + MARGIN - LINE
    return Scene(network.name, about + " ".join(notes), *size, tuple(items))


def _spatial(shape: Shape) -> tuple[int, ...]:
    """Extents that are drawn: none where they are all 1, and the last two of three."""
    return () if prod(shape.spatial) == 1 else shape.spatial[-2:]


def _scale(drawn: Sequence[Row]) -> Scale:
    """How large the stages of all rows are drawn."""
    stages = [stage for row in drawn for stage in row.stages]
    shapes = [stage.shape for stage in stages if stage.shape is not None]
    extents = [extent for shape in shapes for extent in _spatial(shape)] or [1]
    channels = [shape.channels for shape in shapes if _spatial(shape)] or [1]
    features = [shape.channels for shape in shapes if not _spatial(shape)]
    smallest = min((extent for extent in extents if extent > 1), default=1)
    power = 1 if max(extents) <= RANGE * smallest else 0.5
    most = max(stage.times for stage in stages)
    return Scale(
        max(extents), max(channels), max([*features, FEW]), power, copies=1 < most <= COPIES
    )


def _body(stage: Stage, scale: Scale) -> Body:
    """The slabs of a stage."""
    shape = stage.shape
    if shape is None:
        return _slab(Body((), 0, 60, (0, 0), 0, 44), stage, 1)
    spatial = _spatial(shape)
    copies = stage.times if scale.copies else 1
    if not spatial:
        return _slab(Body((), 0, scale.long(shape.channels), FLAT, 0, THIN), stage, copies)
    high = scale.high(spatial[0])
    deep = scale.high(spatial[1]) if len(spatial) > 1 else 0
    slant = (max(SLANT[0] * deep, FLAT[0]), max(SLANT[1] * deep, FLAT[1]))
    return _slab(Body((), 0, high, slant, 0, scale.thick(shape.channels)), stage, copies)


def _slab(sizes: Body, stage: Stage, copies: int) -> Body:
    """So many slabs of these sizes, side by side."""
    items: list[Drawn] = []
    top, bottom, thick = -sizes.height / 2, sizes.height / 2, sizes.thick
    right, up = sizes.slant
    front = 0.0
    for copy in range(copies):
        front = copy * (thick + BESIDE)
        end = front + thick
        if right:
            roof = ((front, top), (front + right, top - up), (end + right, top - up), (end, top))
            wall = ((end, top), (end + right, top - up), (end + right, bottom - up), (end, bottom))
            items += [Path(roof, f"{stage.role} side", closed=True)]
            items += [Path(wall, f"{stage.role} side", closed=True)]
        items.append(Box(front, top, thick, sizes.height, stage.role))
        done = 0
        legible = thick >= APART * len(stage.parts)
        for part in stage.parts[:-1] if legible else ():
            done += part
            cut = front + thick * done / sum(stage.parts)
            points = ((cut, bottom), (cut, top), *(((cut + right, top - up),) if right else ()))
            items.append(Path(points, f"{stage.role} side"))
    return sizes._replace(items=tuple(items), width=front + thick + right, front=front)


def _column(stage: Stage, scale: Scale, heads: Sequence[Head]) -> Column:
    """A stage with its texts."""
    body = _body(stage, scale)
    shape = stage.shape
    above = () if shape is None else (f"{shape.channels}",)
    below: list[tuple[str, bool]] = []
    if shape is not None and shape.spatial and prod(shape.spatial) > 1:
        below.append(("×".join(map(str, shape.spatial)), False))
    comma = "," if " ×" in stage.text[-1] else ""
    times = f"{comma} ×{stage.times}" if stage.times > 1 else ""
    lines = [*stage.text[:-1], stage.text[-1] + times]
    below += [(shortened(line, WIDEST, SMALL), True) for line in lines]
    named = [
        (shortened(head.name, WIDEST, SMALL), str(head.shape or "?")) for head in heads[:HEADS]
    ]
    if len(heads) > HEADS:
        named[-1] = (f"and {len(heads) - HEADS + 1} more", "")
    wide = max(
        [
            body.width,
            *(width(text, BIG, bold=True) for text in above),
            *(width(text, SMALL) for text, _ in below),
            *(width(name, SMALL) for name, _ in named),
            *(width(size, SMALL, bold=True) for _, size in named),
        ]
    )
    shift = (wide - body.width) / 2
    return Column(stage, body, shift, wide, above, tuple(below), tuple(named))


def _incoming(drawn: Sequence[Row], number: int) -> Counter[int]:
    """How many rows join each stage of one."""
    return Counter(place for row in drawn if row.reader == number for place in row.joins)


def _levels(row: Row) -> list[int]:
    """How deep each stage is in a U; all at 0 where nothing skips what is smaller."""
    sizes = [max(stage.area, 1) for stage in row.stages]
    rank = max((len(stage.shape.spatial) for stage in row.stages if stage.shape), default=1) or 1
    if not any(
        min(sizes[skip.source + 1 : skip.target]) < min(sizes[skip.source], sizes[skip.target])
        for skip in row.skips
    ):
        return [0] * len(sizes)
    levels, level = [0], 0
    for before, size in pairwise(sizes):
        deeper = log2(before / size) / rank
        level += round(deeper) if abs(deeper) > 1 else (deeper > SMALLER) - (deeper < -SMALLER)
        levels.append(level)
    least = min(levels)
    return [each - least for each in levels]


def _placed(row: Row, scale: Scale, joining: Counter[int]) -> Placed:
    """A row with its columns at their places."""
    heads: dict[int, list[Head]] = defaultdict(list)
    for head in row.heads:
        heads[head.source].append(head)
    columns = [_column(stage, scale, heads[place]) for place, stage in enumerate(row.stages)]
    levels = _levels(row)
    over = [skip for skip in row.skips if not _free(skip, levels)]
    # Each gap has room for the lines that go up and down in it: its elbow, skips, rows that join.
    lines = [joining[place] for place in range(len(columns) + 1)]
    for skip in over:
        lines[skip.source + 1] += 1
        lines[skip.target] += 1
    lefts, left = [], 0.0
    for place, column in enumerate(columns):
        left += (GAP + ASIDE * lines[place]) if place else ASIDE * lines[0]
        lefts.append(left)
        left += column.width
    tops = dict.fromkeys(levels, 0.0)
    bottoms = dict(tops)
    for column, level in zip(columns, levels, strict=True):
        tops[level] = min(tops[level], column.top)
        bottoms[level] = max(bottoms[level], column.bottom)
    bands: dict[int, list[Skip]] = defaultdict(list)
    for skip in over:
        bands[min(levels[skip.source : skip.target + 1])].append(skip)
    axes, down = {}, 0.0
    lanes: dict[tuple[int, int], float] = {}
    for level in sorted(tops):
        taken = _lanes(bands[level])
        up = down + LANE * max((number + 1 for number in taken.values()), default=0)
        lanes |= {ends: up - LANE * (number + 0.3) for ends, number in taken.items()}
        axes[level] = up - tops[level]
        down = axes[level] + bottoms[level] + BETWEEN
    return Placed(
        row=row,
        columns=tuple(columns),
        lefts=tuple(lefts),
        axes=tuple(axes[level] for level in levels),
        levels=tuple(levels),
        gaps=tuple(left - 8 for left in lefts),
        lanes=lanes,
        bottom=down - BETWEEN,
    )


def _free(skip: Skip, levels: Sequence[int]) -> bool:
    """Whether a skip can go straight: all stages between its ends are deeper."""
    level = levels[skip.source]
    return level == levels[skip.target] and min(levels[skip.source + 1 : skip.target]) > level


def _lanes(skips: Sequence[Skip]) -> dict[tuple[int, int], int]:
    """A lane for each skip, the lowest for the shortest, so that none lie over one another."""
    taken: list[list[tuple[int, int]]] = []
    lanes = {}
    for skip in sorted(skips, key=lambda each: (each.target - each.source, each.source)):
        free = (
            number
            for number, lane in enumerate(taken)
            if all(skip.target < start or end < skip.source for start, end in lane)
        )
        number = next(free, len(taken))
        if number == len(taken):
            taken.append([])
        taken[number].append((skip.source, skip.target))
        lanes[skip.source, skip.target] = number
    return lanes


def _drawn(network: Network, placed: Placed) -> Iterator[Drawn]:
    """What a row is drawn of: its stages, what they hand on, and its skips."""
    columns, lefts, axes = placed.columns, placed.lefts, placed.axes
    for place, column in enumerate(columns):
        yield moved(_part(network, column), lefts[place], axes[place])
    lines = [
        item for place in range(len(columns) - 1) for item in _handed_on(network, placed, place)
    ]
    skips = [_skip(network, placed, *each) for each in _ranked(placed)]
    yield from lines
    yield from skips
    uprights = [upright for line in (*lines, *skips) for upright in _uprights(line)]
    for skip, line in zip(placed.row.skips, skips, strict=True):
        yield from _skip_text(skip, line, uprights)


def _part(network: Network, column: Column) -> Part:
    """A stage with its texts as a part, named after its last layer."""
    stage, body = column.stage, column.body
    middle = column.width / 2
    items: list[Drawn] = [moved(item, column.shift, 0) for item in body.items]
    items += [
        Label(middle, body.top - 5, text, BIG, anchor="middle", bold=True) for text in column.above
    ]
    down = body.height / 2 + 4
    for text, quiet in column.below:
        down += LINE
        role = "fault text" if stage.shape is None else ("quiet" if quiet else "text")
        items.append(Label(middle, down - 2, text, SMALL, role, anchor="middle"))
    if column.heads:
        items.append(
            Path(((middle, column.foot + 4), (middle, column.foot + 16)), "line", arrow=True)
        )
        down = column.foot + 18
        for name, size in column.heads:
            down += LINE
            items.append(Label(middle, down - 2, name, SMALL, "quiet", anchor="middle"))
            down += LINE
            if size:
                items.append(Label(middle, down - 2, size, SMALL, anchor="middle", bold=True))
    return Part(tuple(items), network.nodes[stage.end].name, _title(network, stage))


def _title(network: Network, stage: Stage) -> str:
    """What is said of a stage: its layers, its shape, what is wrong."""
    names = [network.nodes[node].name for node in sorted(stage.nodes)]
    said = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    wrong = [each for each in network.errors if each.layer in set(names)]
    if wrong:
        return f"{said}: {wrong[0].code} {wrong[0].message}"
    has = figures(network, sorted(stage.nodes))
    return f"{said}: {stage.shape or '?'}" + (f"; {has}" if has else "")


def _handed_on(network: Network, placed: Placed, place: int) -> Iterator[Path]:
    """The kernel that slides over a stage to the next one, or an arrow to it."""
    start, end = placed.columns[place], placed.columns[place + 1]
    left, axis = placed.lefts[place] + start.shift, placed.axes[place]
    goal = placed.lefts[place + 1] + end.shift - 2, placed.axes[place + 1]
    names = (network.nodes[each.stage.end].name for each in (start, end))
    source, target = names
    face = left + start.body.face[0], axis + start.body.face[1]
    bad = end.stage.shape is None
    if placed.levels[place] == placed.levels[place + 1]:
        kernel = () if bad else _kernel(start, end)
        if kernel:
            corners = tuple((left + x, axis + y) for x, y in kernel)
            role = "kernel"
            yield Path((corners[1], goal), role, source=source, target=target)
            yield Path((corners[2], goal), role, source=source, target=target)
            yield Path(corners, role, closed=True)
            return
        role = "fault line" if bad else "line"
        yield Path(((face[0], goal[1]), goal), role, arrow=True, source=source, target=target)
        return
    # Down or up: out at the lower part of the face, along the gap, in at the lower part.
    out = axis + start.body.height * 0.25
    into = goal[1] + end.body.height * 0.25
    turn = placed.gaps[place + 1]
    points = ((face[0], out - start.body.slant[1] / 2), (turn, out - start.body.slant[1] / 2))
    yield Path(
        (*points, (turn, into), (goal[0], into)),
        "fault line" if bad else "line", arrow=True, radius=4, source=source, target=target,
    )  # fmt: skip


def _kernel(start: Column, end: Column) -> tuple[Point, ...]:
    """The window of the next stage on the face of this one; nothing where it has none."""
    shape, kernel = start.stage.shape, end.stage.kernel
    if shape is None or not kernel or prod(shape.spatial) == 1:
        return ()
    body = start.body
    right, up = body.slant
    high = min(kernel[-2:][0] / shape.spatial[-2:][0], 1)
    deep = min(kernel[-1] / shape.spatial[-1], 1) if len(kernel) > 1 else 1
    # No smaller than can be seen, in the upper half where there is room.
    high = max(high, min(7 / body.height, 1))
    deep = max(deep, min(7 / right, 1))
    from_left, from_top = (1 - deep) * 0.45, (1 - high) * 0.35
    x = body.front + body.thick + right * from_left
    y = -body.height / 2 + body.height * from_top - up * from_left
    tall, across, rise = body.height * high, right * deep, up * deep
    return ((x, y), (x + across, y - rise), (x + across, y - rise + tall), (x, y + tall))


def _ranked(placed: Placed) -> Iterator[tuple[Skip, int, int]]:
    """The skips of a row with what of their ends is theirs: the first, the second line there."""
    used: Counter[int] = Counter()
    straight: Counter[int] = Counter()
    for skip in placed.row.skips:
        if (skip.source, skip.target) not in placed.lanes:
            yield skip, straight[skip.source], 0
            straight[skip.source] += 1
        else:
            used.update((skip.source + 1, skip.target))
            yield skip, used[skip.source + 1], used[skip.target]


def _skip(network: Network, placed: Placed, skip: Skip, out: int, into: int) -> Path:
    """A skip: straight where nothing is in its way, else through its lane."""
    start, end = placed.columns[skip.source], placed.columns[skip.target]
    names = [network.nodes[each.stage.end].name for each in (start, end)]
    left = placed.lefts[skip.source] + start.shift + start.body.face[0]
    goal = placed.lefts[skip.target] + end.shift - 2
    lane = placed.lanes.get((skip.source, skip.target))
    points: tuple[Point, ...]
    if lane is None:
        height = min(start.body.height, end.body.height)
        down = placed.axes[skip.source] - height * 0.2 + 6 * out
        points = ((left, down), (goal, down))
    else:
        begin = placed.axes[skip.source] - start.body.height * 0.2
        finish = placed.axes[skip.target] - end.body.height * 0.2
        first = placed.gaps[skip.source + 1] - ASIDE * out
        last = placed.gaps[skip.target] - ASIDE * into
        ends = ((left, begin), (first, begin)), ((last, finish), (goal, finish))
        points = (*ends[0], (first, lane), (last, lane), *ends[1])
    role = "skip places" if skip.dashed else "skip"
    return Path(points, role, arrow=True, radius=5, source=names[0], target=names[1])


def _uprights(line: Path) -> Iterator[tuple[float, float, float]]:
    """The parts of a line that go up or down: where, from where on, and to where."""
    for (x, y), (to_x, to_y) in pairwise(line.points):
        if x == to_x:
            yield x, min(y, to_y), max(y, to_y)


def _skip_text(
    skip: Skip, line: Path, uprights: Sequence[tuple[float, float, float]]
) -> Iterator[Label]:
    """What is done on a skip, above its level part, where no other line goes through it."""
    if not skip.text:
        return
    (left, y), (right, _) = max(pairwise(line.points), key=lambda ends: ends[1][0] - ends[0][0])
    crossing = [x for x, top, bottom in uprights if left < x < right and top < y < bottom + SMALL]
    edges = [left, *sorted(crossing), right]
    start, end = max(pairwise(edges), key=lambda ends: ends[1] - ends[0])
    # A straight one starts on the slab that it leaves.
    start = max(start, left + (HIGH * SLANT[0] if len(line.points) == 2 else 0))
    room = end - start - 16
    if room > 30:
        text = shortened(skip.text, room, SMALL)
        yield Label((start + end) / 2, y - 3, text, SMALL, "quiet", anchor="middle")


def _offsets(placed: Sequence[Placed]) -> list[float]:
    """How far each row starts to the right of the first: each ends in front of what reads it."""
    rights = [0.0]
    lines = Counter((each.row.reader, place) for each in placed for place in each.row.joins)
    for each in placed[1:]:
        row = each.row.reader
        if row is None:
            rights.append(0.0)
            continue
        place = each.row.joins[0]
        gap = placed[row].gaps[place] - ASIDE * (lines[row, place] + 1)
        rights.append(rights[row] + gap - each.width)
    return rights


def _joins(network: Network, placed: Sequence[Placed], origins: Sequence[Point]) -> Iterator[Path]:
    """The lines from rows to what reads them."""
    used: Counter[tuple[int, int]] = Counter()
    for each, (right, down) in zip(placed, origins, strict=True):
        row = each.row.reader
        if row is None:
            continue
        for place in each.row.joins:
            read, (to_right, to_down) = placed[row], origins[row]
            start, end = each.columns[-1], read.columns[place]
            begin = right + each.lefts[-1] + start.shift + start.body.face[0]
            goal = to_right + read.lefts[place] + end.shift - 2
            into = to_down + read.axes[place] + end.body.height * 0.3
            used[row, place] += 1
            turn = to_right + read.gaps[place] - ASIDE * (used[row, place] - 0.5)
            out = down + each.axes[-1]
            names = (network.nodes[one.stage.end].name for one in (start, end))
            source, target = names
            yield Path(
                ((begin, out), (turn, out), (turn, into), (goal, into)), "line",
                arrow=True, radius=4, source=source, target=target,
            )  # fmt: skip


def _shaded(row: Row, shades: Shades | None) -> Row:
    """A row whose colours say how much its stages have of what is asked for."""
    if shades is None:
        return row
    stages = (
        stage if stage.role == "fault" else stage._replace(role=shades.role(sorted(stage.nodes)))
        for stage in row.stages
    )
    return row._replace(stages=tuple(stages))


def _entries(drawn: Sequence[Row]) -> list[tuple[str, str]]:
    """The roles of stages and lines with what they mean."""
    used = {stage.role for row in drawn for stage in row.stages}
    entries = [(role, word) for role, word in WORDS.items() if role in used]
    skips = [skip for row in drawn for skip in row.skips]
    entries += [("skip", "read again")] if any(not skip.dashed for skip in skips) else []
    entries += [("skip places", "places of maxima")] if any(skip.dashed for skip in skips) else []
    return entries


def _legend(
    entries: Sequence[tuple[str, str]], wide: float, down: float
) -> tuple[list[Drawn], float]:
    """What colours and lines mean, in lines no wider than this, and where they end."""
    items: list[Drawn] = []
    right = float(MARGIN)
    for role, word in entries:
        long = width(word, SMALL) + 34
        if right + long > wide and right > MARGIN:
            right, down = float(MARGIN), down + 16
        if not role.startswith("skip"):
            items.append(Box(right, down - 9, 12, 10, role))
        else:
            items.append(Path(((right, down - 4), (right + 13, down - 4)), role))
        items.append(Label(right + 18, down, word, SMALL, "quiet"))
        right += long
    return items, down + 18


def _notes(network: Network, placed: Sequence[Placed], scale: Scale) -> list[str]:
    """What scales are, and what is left out, in sentences."""
    stages = [stage for each in placed for stage in each.row.stages]
    shapes = [stage.shape for stage in stages if stage.shape is not None]
    maps = [shape for shape in shapes if _spatial(shape)]
    notes = []
    if maps:
        root = "" if scale.power == 1 else "the square root of "
        extents = "length" if all(len(shape.spatial) == 1 for shape in maps) else "map's extents"
        sides = "height" if extents == "length" else "height and depth"
        notes.append(
            f"Slabs: {sides} in proportion to {root}the {extents} (largest {scale.extent}), "
            f"thickness to the square root of channels (most {scale.channels})."
        )
    if any(len(shape.spatial) > 2 for shape in maps):
        notes.append("The first extent below a slab, of time or depth, is not drawn.")
    if len(maps) < len(shapes):
        longest = max(shape.channels for shape in shapes if not _spatial(shape))
        notes.append(f"Bars: height in proportion to the square root of values (most {longest}).")
    if any(_kernel_drawn(each) for each in placed):
        notes.append("Small windows on slabs: kernels.")
    if not all(each.row.whole for each in placed):
        notes.append("Not all that goes between rows is drawn.")
    if any(stage.times > 1 for stage in stages):
        notes.append("×3: three, one behind the other.")
    texts = [line for stage in stages for line in stage.text]
    if any(" /" in line for line in texts):
        notes.append("/2: stride 2.")
    if any(" ↑" in line for line in texts):
        notes.append("↑2: stride 2 of what comes out.")
    kept = {
        node.kind.replace("_", " ") for node in network.layers if family_of(node.kind) in KEEPERS
    }
    if kept:
        notes.append(f"Not drawn on their own: {', '.join(sorted(kept))}.")
    return notes


def _kernel_drawn(placed: Placed) -> bool:
    """Whether some stage of a row shows a kernel."""
    pairs = zip(pairwise(placed.columns), pairwise(placed.levels), strict=True)
    return any(one == other and _kernel(*columns) for columns, (one, other) in pairs)
