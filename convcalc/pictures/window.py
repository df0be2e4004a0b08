"""One axis of a layer that slides, as the CS231n notes draw it: its cells, and the windows on them.

What a cell is and where the taps lie is `Axis`'s to say, as for the drawings in letters.
Source of the figure: Karpathy et al., CS231n, "Convolutional Networks", spatial arrangement.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.diagnostics import ArgumentError
from convcalc.explanation.cells import CELLS, Axis
from convcalc.explanation.chosen import one_named
from convcalc.explanation.layer import SIZES, LayerExplanation, explained
from convcalc.explanation.windows import AxisWindow, numbers
from convcalc.graph import Network
from convcalc.layers import SOURCES, kinds
from convcalc.layers.letters import AXES
from convcalc.layers.sliding import AXIS_NAMES
from convcalc.numbers import plural
from convcalc.pictures.font import width
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Scene
from convcalc.pictures.stack import MARGIN, Stack
from convcalc.window import Interpolated, Tiled

NAMES = 96
"""Least width of the column of names in front of the cells."""
STEP_ROOM = 44
"""What it has beside the names, for how far a window steps."""
CELLS_SHOWN = 40
"""Most cells of an axis that are drawn; of more the first and the last."""
ROOM = 760
"""Width that cells get, as far as they are not too narrow or too wide then."""
NARROWEST, WIDEST = 20.0, 32.0
"""Of a cell."""
WIDEST_UNDER = 340.0
"""Of a cell that several outputs lie over."""
CELL = 26
"""Height of a cell."""
FAN = 78
"""Height between outputs and what they read."""
STEP = 25
"""Height of a window's row."""
TAP = 19
"""Height of a tap in it."""
BREAK = 36
"""Width of the gap between the first and the last cells."""
ROWS = 8
"""Most windows that all have a row; of more the first and the last."""
FIRST, LAST = 4, 3
"""How many of them."""
MOST_OVER = 12
"""Most outputs that are drawn over the first cells, and over the last."""
FANNED = 13
"""Most taps of a window that each get a line to its output; of more the outermost."""
GROUPS = 4
"""Groups of channels that are all drawn; of more the first two and the last."""

LOOKS = {
    "o": "cell",
    "p": "padding cell",
    "+": "past cell",
    ".": "gap cell",
    "x": "dropped cell",
    "-": "unread cell",
    "c": "dropped cell",
}
"""Sign of a cell → its role."""
TRANSPOSED = "conv_transpose"
"""The kind whose kernel lies the other way round on the values that are spread out."""
WEIGHTED = kinds("dense")
"""Kinds whose taps have weights."""
PADDED = WEIGHTED | {"pad"}
"""Kinds whose padding has a value; pools pass it over, and a recurrence has none before it."""


def scene(network: Network, layer: str | None = None) -> Scene:
    """The windows of a layer, that with a name or the first that slides.

    Raises `ArgumentError` for a name of none, or of one that slides nothing, and `SpecError` for
    one of a network with errors where that may be why.
    """
    index = _first(network) if layer is None else one_named(network, layer, "a window")
    (one,) = explained(network, [index]).layers
    if not one.windows and (one.output is not None or not network.errors):
        message = f"{one.name} ({one.kind}) slides nothing along an axis: name a layer that does"
        raise ArgumentError(message)
    rows = Stack(f"{one.name} ({one.kind}): {_shapes(one)}, of {network.name}")
    for axis in one.windows:
        alike = [other for other in one.windows if other[1:] == axis[1:]]
        if alike[0] is axis:
            _axis(rows, one, axis, [other.axis for other in alike])
    if one.grouping:
        _groups(rows, network, index, one)
    if not one.windows:
        rows.text("Its windows are unknown: an error keeps them so.")
    for finding in one.findings:
        rows.text(f"{finding.code}: {finding.message}", role="fault text")
    return rows.scene(_described(one))


def _first(network: Network) -> int:
    """The first layer that slides; the first of all where none does."""
    for index, plan in enumerate(network.plans):
        kind = network.nodes[index].kind
        if plan is not None and plan.windows and kind not in SOURCES:
            return index
    for index, node in enumerate(network.nodes):
        if node.kind not in SOURCES:
            return index
    message = f"{network.path} has no layers, so there is nothing to draw"
    raise ArgumentError(message)


def _shapes(one: LayerExplanation) -> str:
    return f"{' and '.join(str(read.shape or '?') for read in one.inputs)} → {one.output or '?'}"


def _described(one: LayerExplanation) -> str:
    """What is seen, in sentences."""
    said = [f"{one.does}"]
    for axis in one.windows:
        outputs = axis.cells.outputs
        said.append(f"Along the {axis.axis}: {axis.size:,} values, {outputs:,} windows.")
    return " ".join(said)


class Places(NamedTuple):
    """Where cells stand: all of an axis, or the first and the last with a gap between."""

    first: range
    """The first cells, or all."""
    last: range
    """The last; none where all are drawn."""
    pitch: float
    """From one cell to the next."""
    left: float
    """Where the first begins."""

    @classmethod
    def of(cls, axis: Axis, left: float) -> "Places":
        """Those of an axis."""
        cells, step = axis.cells, _step(axis)
        most = CELLS_SHOWN if step >= 1 else max(int(CELLS_SHOWN * step), 4)
        first, last = cells, range(0)
        if len(cells) > most + 2:
            wanted = max(axis.span + 2 * max(int(step), 1), 8)
            part = min(wanted, most // 2)
            first, last = cells[:part], cells[len(cells) - part :]
        narrowest = max(NARROWEST, width(str(axis.size - 1), 9) + 4)
        pitch = min(max(ROOM / (len(first) + len(last)), narrowest), max(WIDEST, narrowest))
        if step < 1:
            pitch = min(max(pitch, NARROWEST / step), WIDEST_UNDER)
        return cls(first, last, pitch, left)

    @property
    def cells(self) -> list[int]:
        """The cells that are drawn."""
        return [*self.first, *self.last]

    def x(self, cell: float) -> float:
        """Where a cell begins, or a point between cells lies; in the gap for those not drawn."""
        behind = self.left + len(self.first) * self.pitch
        if not self.last or cell <= self.first[-1] + 1:
            return self.left + (cell - self.first[0]) * self.pitch
        if cell < self.last[0]:
            return self.gap
        return behind + BREAK + (cell - self.last[0]) * self.pitch

    @property
    def gap(self) -> float:
        """The middle of the gap."""
        return self.left + len(self.first) * self.pitch + BREAK / 2

    def ends(self, cell: int) -> float:
        """Where a cell ends."""
        return self.x(cell + 1) if self.shows(cell) or not self.last else self.x(cell)

    def middle(self, cell: int) -> float:
        """Where the middle of a cell is."""
        return (self.x(cell) + self.ends(cell)) / 2

    def shows(self, cell: int) -> bool:
        """Whether a cell is drawn."""
        return cell in self.first or cell in self.last


def _step(axis: Axis) -> float:
    """Cells from one output to the next."""
    return axis.window.stride / (1 if axis.spread else axis.window.up)


class Output(NamedTuple):
    """An output that is drawn."""

    number: int
    """Which output it is, from 0."""
    taps: range
    """The cells under its taps."""
    x: float
    """Where its middle stands."""


def _outputs(axis: Axis, places: Places) -> tuple[list[Output], list[Output], float]:
    """The first outputs that are drawn, or all, and the last, and how wide one is."""
    count, step = axis.outputs, _step(axis)
    least = width(str(count - 1), 9) + 6
    wide = max(min(CELL, step * places.pitch - 3), least)
    if not places.last and count <= CELLS_SHOWN:
        first, last = [*range(count)], list[int]()
    else:
        most = min(MOST_OVER, max(int(len(places.first) * places.pitch / (wide + 2)), 1))
        first = [*_over(axis, range(min(count, most)), places.first)] or [0]
        behind = range(count - 1, max(count - 1 - most, first[-1]), -1)
        last = [*_over(axis, behind, places.last or places.first)][::-1]
        last = last or [each for each in (count - 1,) if each > first[-1]]

    def placed(number: int) -> Output:
        taps = axis.taps(number)
        if not axis.spread:  # what lies beyond the map is not drawn
            taps = _within(taps, axis.cells)
        return Output(number, taps, places.x(axis.center(number)))

    drawn, drawn_last = [placed(each) for each in first], [placed(each) for each in last]
    for at in range(1, len(drawn)):
        least_x = drawn[at - 1].x + wide + 2
        drawn[at] = drawn[at]._replace(x=max(drawn[at].x, least_x))
    for at in range(len(drawn_last) - 2, -1, -1):
        most_x = drawn_last[at + 1].x - wide - 2
        drawn_last[at] = drawn_last[at]._replace(x=min(drawn_last[at].x, most_x))
    if drawn_last and drawn_last[0].x - drawn[-1].x < wide + 2:  # both reach over the gap
        apart = (2.5 * wide - (drawn_last[0].x - drawn[-1].x)) / 2
        drawn = [each._replace(x=each.x - apart) for each in drawn]
        drawn_last = [each._replace(x=each.x + apart) for each in drawn_last]
    return drawn, drawn_last, wide


def _within(taps: range, cells: range) -> range:
    """Those of the taps that lie on cells of the axis."""
    first = next((at for at, tap in enumerate(taps) if tap in cells), 0)
    behind = next((at for at, tap in enumerate(taps[::-1]) if tap in cells), len(taps))
    return taps[first : len(taps) - behind]


def _over(axis: Axis, numbers: range, cells: range) -> Iterator[int]:
    """The outputs, until one reads cells that are not all among those, as far as there are any."""
    border = axis.cells
    for number in numbers:
        taps = axis.taps(number)
        within = [each for each in (taps[:1], taps[-1:]) if each and each[0] in border]
        if not all(each[0] in cells for each in within):
            return
        yield number


def _axis(rows: Stack, one: LayerExplanation, shown: AxisWindow, names: Sequence[str]) -> None:
    """The figure of one axis, or of several that are alike."""
    axis = shown.cells
    if len(one.windows) > 1:
        rows.text(f"Along the {' and '.join(names)}", size=13, bold=True)
    rows.down += 8
    counts = (f"output {axis.outputs:,}", f"input {shown.size:,}")
    column = max(NAMES, *(width(each, bold=True) + STEP_ROOM for each in counts))
    places = Places.of(axis, MARGIN + column)
    rows.reach(places.x(places.cells[-1]) + places.pitch)
    first, last, wide = _outputs(axis, places) if axis.outputs else ([], [], 0)
    for output in (*first[-1:], *last[-1:]):
        rows.reach(output.x + wide / 2)
    if first:
        rows.name(counts[0], bold=True)
        base = rows.down + CELL + FAN
        rows.items += _fan(axis, places, (first, last), rows.down, base)
        rows.items += _over_cells((first, last), wide, rows.down)
        rows.down = base
    rows.name(counts[1], bold=True)
    rows.items += _cells(shown, places, rows.down, one.kind)
    rows.down += CELL + 5
    _measures(rows, one, shown, places, names[0])
    _staircase(rows, one, axis, places, (first, last))
    rows.down += 8
    _legend(rows, shown, places, (*first, *last), one.kind)
    rows.down += 6
    for group in one.groups:
        if group.title == SIZES:
            for figure in group.figures:
                if figure.of in names:
                    rows.text(str(figure.shown()), size=13)
    rows.down += 14


def _cells(shown: AxisWindow, places: Places, top: float, kind: str) -> Iterator[Drawn]:
    """The row of cells."""
    axis = shown.cells
    size = _size([str(axis.size - 1)], places.pitch - 6)
    for cell in places.cells:
        x, sign = places.x(cell), axis.sign(cell)
        if sign == " ":
            continue
        text = _inside(shown, cell, sign, kind)
        parts: list[Drawn] = []
        if sign == ".":
            parts.append(Box(x + places.pitch / 2 - 2, top + CELL / 2 - 2, 4, 4, "gap cell", 2))
        else:
            parts.append(Box(x + 1, top, places.pitch - 2, CELL, LOOKS[sign], 3))
        if sign in "xc":
            parts.append(
                Path(((x + 4, top + CELL - 3), (x + places.pitch - 4, top + 3)), "fault line")
            )
        if text:
            role = "quiet" if sign in "p+" else "text"
            middle = x + places.pitch / 2
            parts.append(
                Label(middle, top + CELL / 2 + 4, text, size=size, role=role, anchor="middle")
            )
        value = f"value {cell // axis.up}" if sign in "ox-c" else ""
        yield Part(tuple(parts), title=": ".join([value] * bool(value) + [CELLS[sign]]))
    if places.last:
        middle = places.gap
        yield Label(middle, top + CELL / 2 + 4, "…", size=14, role="text", anchor="middle")


def _inside(shown: AxisWindow, cell: int, sign: str, kind: str) -> str:
    """What stands in a cell: its number, or what padding holds."""
    axis = shown.cells
    if sign in "ox-c":
        return str(cell // axis.up)
    if sign not in "p+" or kind not in PADDED:
        return ""
    if shown.mode == "zero":
        return "0"
    from convcalc.layers.arrays import source

    return str(source(cell, shown.size, shown.mode))


def _fan(
    axis: Axis, places: Places, outputs: tuple[list[Output], list[Output]], top: float, base: float
) -> Iterator[Drawn]:
    """Lines from outputs to what they read; those of one stand out, to be followed."""
    first, last = outputs
    followed = first[min(1, len(first) - 1)].number
    for output in sorted((*first, *last), key=lambda each: each.number == followed):
        role = "followed line" if output.number == followed else "tap line"
        start = (output.x, top + CELL)
        taps = output.taps
        if len(taps) <= FANNED and all(places.shows(tap) or not axis.has(tap) for tap in taps):
            for tap in taps:
                if axis.has(tap):
                    yield Path((start, (places.middle(tap), base)), role)
        elif taps:
            for x in (places.x(taps[0]) + 1, places.ends(taps[-1]) - 1):
                yield Path((start, (x, base)), role)


def _size(texts: Sequence[str], room: float, large: float = 11, small: float = 9) -> float:
    """The size that all texts of a row are set in."""
    return large if max((width(text, large) for text in texts), default=0) <= room else small


def _over_cells(
    outputs: tuple[list[Output], list[Output]], wide: float, top: float
) -> Iterator[Drawn]:
    """The row of outputs."""
    first, last = outputs
    size = _size([str(each.number) for each in (*first, *last)], wide - 6)
    for output in (*first, *last):
        box = Box(output.x - wide / 2, top, wide, CELL, "output cell", 3)
        text = str(output.number)
        label = Label(output.x, top + CELL / 2 + 4, text, size=size, role="text", anchor="middle")
        yield Part((box, label), title=f"output {output.number}")
    if last and last[0].number > first[-1].number + 1:
        middle = (first[-1].x + last[0].x) / 2
        yield Label(middle, top + CELL / 2 + 4, "…", size=14, role="text", anchor="middle")


def _measures(
    rows: Stack, one: LayerExplanation, shown: AxisWindow, places: Places, name: str
) -> None:
    """How many cells are padding, values and beyond, below them."""
    axis = shown.cells
    cells = axis.cells
    end = (shown.size - 1) * axis.up
    shape = one.inputs[0].shape
    letter = dict(zip(AXIS_NAMES[shape.rank], AXES[shape.rank], strict=True))[name] if shape else ""
    before, size = -cells[0], (cells[0] + before_of(axis), end)
    padded = [(cells[0], -1, before)] if before > 0 else []
    written = max(axis.window.after, 0) - axis.past
    if axis.spread and written > 0:
        padded.append((end + 1, end + written, written))
    for start, stop, count in padded:
        text = f"P = {count}" if axis.up == 1 else f"{count}"
        _measure(rows, places, start, stop, text)
    _measure(rows, places, size[0], size[1], f"{letter} = {shown.size:,}" if letter else "")
    if axis.past:
        behind = end + written
        _measure(rows, places, behind + 1, behind + axis.past, f"+ {axis.past}")
    rows.down += 26


def before_of(axis: Axis) -> int:
    """Cells in front of the first value."""
    return -axis.cells[0]


def _measure(rows: Stack, places: Places, start: int, stop: int, text: str) -> None:
    """A measure below cells, from the first to the last one."""
    rows.measure(places.x(start) + 2, places.ends(stop) - 2, 3, text)


def _staircase(
    rows: Stack,
    one: LayerExplanation,
    axis: Axis,
    places: Places,
    outputs: tuple[list[Output], list[Output]],
) -> None:
    """A row for each window, or for the first and the last, with what it covers."""
    if not outputs[0]:
        taps = axis.taps(0)
        rows.name("kernel", small=True)
        rows.items += _window_row(one, axis, places, taps, rows.down)
        rows.down += STEP
        return
    every = [*outputs[0], *outputs[1]]
    shown: list[Output | None] = [*every]
    whole = len(every) == axis.outputs
    if not whole or len(every) > ROWS:
        first, last = outputs if outputs[1] else (every, every[-LAST:])
        shown = [*first[:FIRST], None, *last[-LAST:]]
    sliding = axis.window.up == 1 and not isinstance(axis.window, (Interpolated, Tiled))
    if sliding and axis.window.kernel > 1:
        window = axis.window
        text = f"F = {window.kernel}"
        if window.dilation > 1:
            text = f"D·(F − 1) + 1 = {window.dilation}·({window.kernel} − 1) + 1 = {window.extent}"
        _above(rows, places, every[0].taps, text)
    for place, output in enumerate(shown):
        if output is None:
            rows.items.append(Label(MARGIN, rows.down + 12, "…", size=12, role="quiet"))
            rows.down += STEP
            continue
        rows.name(f"output {output.number}", small=True)
        row = [*_window_row(one, axis, places, output.taps, rows.down)]
        title = f"output {output.number} reads {_reads(axis, output.taps)}"
        rows.items.append(Part(tuple(row), title=title))
        if place == 1 and sliding and every[0].taps and output.number == 1:
            _stepped(rows, places, every[0].taps[0], output.taps[0], axis.window.stride)
        rows.down += STEP


def _above(rows: Stack, places: Places, taps: range, text: str) -> None:
    """A measure above a window, of the cells that it covers."""
    left, right, down = places.x(taps[0]) + 2, places.ends(taps[-1]) - 2, rows.down + 16
    rows.items.append(Path(((left, down), (right, down)), "measure"))
    rows.items += [Path(((x, down - 3), (x, down + 3)), "measure") for x in (left, right)]
    wide = width(text, 11)
    anchored = max((left + right) / 2, places.left + wide / 2 - 20)
    rows.items.append(Label(anchored, down - 6, text, size=11, role="quiet", anchor="middle"))
    rows.reach(anchored + wide / 2)
    rows.down += 22


def _stepped(rows: Stack, places: Places, start: int, stop: int, stride: int) -> None:
    """An arrow from where one window begins to where the next does."""
    left, right, down = places.x(start) + 2, places.x(stop), rows.down + TAP / 2
    rows.items.append(Path(((left, down), (right, down)), "measure", arrow=True))
    rows.items.append(Path(((left, down - 3), (left, down + 3)), "measure"))
    text = f"S = {stride}"
    rows.items.append(Label(left - 5, down + 4, text, size=11, role="quiet", anchor="end"))


def _window_row(
    one: LayerExplanation, axis: Axis, places: Places, taps: range, top: float
) -> Iterator[Drawn]:
    """A window on the cells: its taps, and a line through what lies between them."""
    seen = [tap for tap in places.cells if tap in taps]
    if len(taps) > 1:
        line = ((places.x(taps[0]) + 2, top + TAP / 2), (places.ends(taps[-1]) - 2, top + TAP / 2))
        yield Path(line, "window line")
    weights = [f"w{number}" for number in range(min(len(taps), len(places.cells) + 1))]
    size = _size(weights, places.pitch - 6, 10, 8)
    fits = one.kind in WEIGHTED and max(width(text, size) for text in weights) <= places.pitch - 5
    for tap in seen:
        role = "tap" if axis.meets(tap) else "empty tap"
        x = places.x(tap)
        yield Box(x + 2, top, places.pitch - 4, TAP, role, 3)
        number = taps.index(tap)
        weight = len(taps) - 1 - number if one.kind == TRANSPOSED else number
        if fits:
            text = f"w{weight}"
            role = "text" if axis.meets(tap) else "quiet"
            yield Label(
                x + places.pitch / 2,
                top + TAP / 2 + 3.5,
                text,
                size=size,
                role=role,
                anchor="middle",
            )
    if _passes(places, taps):
        yield Label(places.gap, top + TAP / 2 - 1, "…", size=12, role="quiet", anchor="middle")


def _passes(places: Places, taps: range) -> bool:
    """Whether a window reaches over the gap."""
    return bool(places.last and taps and taps[0] <= places.first[-1] and taps[-1] >= places.last[0])


def _reads(axis: Axis, taps: range) -> str:
    """What an output reads, in words."""
    met = [tap for tap in (taps if len(taps) <= CELLS_SHOWN else ()) if axis.meets(tap)]
    if len(taps) > CELLS_SHOWN:
        return f"{len(taps):,} cells"
    inside = [tap // axis.up for tap in met if 0 <= tap <= (axis.size - 1) * axis.up]
    others = len(taps) - len(inside)
    values = ", ".join(map(str, inside))
    said = [f"{'value' if len(inside) == 1 else 'values'} {values}"] if inside else []
    said += [plural(others, "cell") + " without a value"] if others else []
    return " and ".join(said) or "nothing"


def _legend(
    rows: Stack, shown: AxisWindow, places: Places, outputs: Sequence[Output], kind: str
) -> None:
    """What the cells are, each once."""
    axis = shown.cells
    signs = {axis.sign(cell) for cell in places.cells}
    entries = [(LOOKS[sign], text) for sign, text in CELLS.items() if sign in signs]
    if shown.mode != "zero":
        entries = [
            (role, f"padding ({shown.mode}: the value that is repeated)")
            if role == "padding cell"
            else (role, text)
            for role, text in entries
        ]
    under = [output.taps for output in outputs] or [axis.taps(0)]
    seen = [tap for taps in under for tap in taps[: 4 * CELLS_SHOWN]]
    empty = any(not axis.meets(tap) for tap in seen)
    what = "weight on a value" if kind in WEIGHTED else "tap on a value"
    entries.append(("tap", what))
    entries += [("empty tap", what.replace("a value", "no value"))] * empty
    rows.legend(entries)


def _groups(rows: Stack, network: Network, index: int, one: LayerExplanation) -> None:
    """Which channels the filters of each group see."""
    layer, shape = network.nodes[index].layer, one.inputs[0].shape
    if shape is None or one.output is None:
        return
    count = getattr(layer, "groups", 1) if hasattr(layer, "filters") else shape.channels
    filters, channels = one.output.channels // count, shape.channels // count
    shown: list[int | None] = [*range(count)] if count <= GROUPS else [0, 1, None, count - 1]
    rows.text("Channels", size=13, bold=True)
    rows.down += 8
    pairs = [
        None
        if each is None
        else (
            numbers("filter", each * filters, filters),
            numbers("channel", each * channels, channels),
        )
        for each in shown
    ]
    wide = max(width(text, 11) for pair in pairs if pair for text in pair) + 20
    across = float(MARGIN + NAMES)
    top, base = rows.down, rows.down + CELL + FAN / 2
    for name, down in (
        (f"output {one.output.channels:,}", top),
        (f"input {shape.channels:,}", base),
    ):
        rows.items.append(Label(MARGIN, down + 17, name, bold=True))
    for pair in pairs:
        if pair is None:
            for down in (top, base):
                rows.items.append(
                    Label(across + BREAK / 2, down + 17, "…", size=14, anchor="middle")
                )
            across += BREAK + 8
            continue
        for text, down, role in zip(pair, (top, base), ("output cell", "cell"), strict=True):
            rows.items.append(Box(across, down, wide, CELL, role, 3))
            rows.items.append(Label(across + wide / 2, down + 17, text, size=11, anchor="middle"))
        middle = across + wide / 2
        rows.items.append(Path(((middle, base), (middle, top + CELL)), "line", arrow=True))
        across += wide + 8
    rows.reach(across)
    rows.down = base + CELL + 4
    rows.text(one.grouping)
