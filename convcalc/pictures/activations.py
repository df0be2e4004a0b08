"""What the layers make of an image: a column a layer, as the CS231n notes show ConvNetJS.

Feature maps stand below their layer, the first channels of each, and the filters of the first
layer at the end; of vectors the largest values are named.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.arguments import text, whole
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network
from convcalc.graph.planned import Planned, planned
from convcalc.layers import CATALOGUE, SOURCES
from convcalc.numbers import plural
from convcalc.pictures.bitmap import png
from convcalc.pictures.font import shortened, width, wrapped
from convcalc.pictures.scene import Box, Drawn, Label, Part, Raster, Scene, moved
from convcalc.pictures.stages import rows

if TYPE_CHECKING:
    from convcalc.forward.pixels import Pixels, Seen

MARGIN, GAP, BESIDE = 18, 12, 3
"""Room round all, between columns, and between maps."""
CELL = 48
"""Width of a map."""
LEAST, MOST = 12, 96
"""Least and most height of a map."""
SMALL, LINE = 9.5, 12
"""Height of the font, and of a line."""
COLUMNS = 20
"""Most layers that are shown unless some are named."""
LIMIT = 200
"""Most layers that are shown at all."""
MAPS = 10
"""Maps of a layer, unless another number is asked for."""
NAMED = 84
"""Room for the name of a layer."""
BAR = 60
"""Length of the bar of the largest value."""
FILTERS = 96
"""Most filters that are shown."""
FILTER = 30
"""Width of a filter."""
UNSEEN = frozenset({"identity", "view"})
"""Families that make nothing else to look at of what comes in."""


class Column(NamedTuple):
    """What is drawn of a layer."""

    part: Part
    """Its texts and maps, from its upper left corner."""
    width: float
    """How wide it is, in pixels."""
    height: float
    """How high it is, in pixels."""


def scene(
    network: Network,
    *,
    x: Any = None,
    weights: Any = None,
    seed: int | None = None,
    layers: str | None = None,
    maps: int = MAPS,
) -> Scene:
    """The network with what its layers make of `x`; of random numbers without one.

    `x` and `weights` as `convcalc.run` takes them, random from `seed` unless given; `layers` is a
    name or a pattern, `maps` how many channels of each layer are shown. Raises `SpecError` where
    the network has errors, `ArgumentError` for what does not fit, and `ImportError` without NumPy.
    """
    whole_network = planned(network)
    maps = whole(maps, "maps")
    if seed is not None:
        seed = whole(seed, "seed", least=0)
    if layers is not None:
        layers = text(layers, "layers", "'*.conv?'")
    shown = _shown(whole_network, layers)
    from convcalc.forward.given import checked_inputs
    from convcalc.forward.named import given_weights, own_weights
    from convcalc.forward.pixels import MOST as PIXELS
    from convcalc.forward.pixels import activations, filters

    if weights is not None:
        arrays: Mapping[str, Any] | None = given_weights(weights, whole_network).weights
    else:
        fitted = own_weights(whole_network) if seed is None else None
        arrays = None if fitted is None else fitted.weights
    given = None if x is None else checked_inputs(whole_network, x)
    seen = activations(
        whole_network, set(shown), given=given, weights=arrays, seed=seed or 0, most=maps
    )
    columns = [_column(whole_network, index, seen[index]) for index in shown]
    items: list[Drawn] = []
    right, down = float(MARGIN), float(MARGIN)
    for column in columns:
        items.append(moved(column.part, right, down))
        right += column.width + GAP
    wide = max(right - GAP, 420)
    down += max(column.height for column in columns) + 16
    first = _first(whole_network)
    if first is not None:
        made = filters(whole_network, first, arrays, seed or 0, FILTERS)
        grid, high = _filters(whole_network, first, made, wide)
        items += [moved(item, MARGIN, down) for item in grid]
        down += high
    random = [what for what, there in (("weights", arrays), ("input", given)) if there is None]
    shades = "Each map goes from its smallest value, black, to its largest, white."
    notes = [
        f"At most {plural(maps, 'channel')} of a layer, the first ones.",
        shades,
    ]
    shapes = [whole_network.shape_of(index) for index in shown]
    ranks = {shape.rank if shape.size > shape.channels else 0 for shape in shapes}
    if max((extent for shape in shapes for extent in shape.spatial), default=0) > PIXELS:
        notes.append(f"What is larger than {PIXELS} along an axis is averaged to that.")
    if 3 in ranks:
        notes.append("Of time or depth, what is in the middle.")
    if 1 in ranks:
        notes.append("Of a sequence, a row a channel.")
    if 0 in ranks:
        notes.append("Of a vector, its values row by row.")
    if random:
        notes.append(f"Random {' and '.join(random)}, from seed {seed or 0}.")
    down += 6
    for line in wrapped(" ".join(notes), wide - MARGIN, SMALL):
        items.append(Label(MARGIN, down, line, SMALL, "quiet"))
        down += LINE
    about = f"What {plural(len(shown), 'layer')} make of the input. " + " ".join(notes)
    return Scene(network.name, about, wide + MARGIN, down + MARGIN - LINE, tuple(items))


def _shown(network: Planned, pattern: str | None) -> list[int]:
    """The layers that are shown: those that a pattern matches, all, or the ends of stages."""
    if pattern is not None:
        inside = {
            index for group in network.groups if group.name == pattern for index in group.layers
        }
        chosen = [
            index
            for index, node in enumerate(network.nodes)
            if index in inside or fnmatchcase(node.name, pattern)
        ]
        if not chosen:
            message = f"no layer matches {pattern!r}; `convcalc analyze` lists them"
            raise ArgumentError(message)
        if len(chosen) > LIMIT:
            message = f"{pattern!r} matches {len(chosen)} layers, and {LIMIT} can be shown"
            raise ArgumentError(message)
        return chosen
    seen = [
        index
        for index, node in enumerate(network.nodes)
        if index in network.inputs
        or (node.kind not in SOURCES and CATALOGUE[node.kind].family not in UNSEEN)
    ]
    if len(seen) <= COLUMNS:
        return seen
    ends = set()
    for row in rows(network):
        for stage in row.stages:
            # What is dropped or flattened in the end was seen before.
            last = [index for index in stage.nodes.intersection(seen) if index <= stage.end]
            ends.add(max(last, default=stage.end))
    return sorted(ends)[:LIMIT]


def _first(network: Planned) -> int | None:
    """The first layer with filters that reads an input; None where there is none."""
    for index, node in enumerate(network.nodes):
        if node.kind == "conv" and set(node.inputs) <= set(network.inputs):
            return index
    return None


def _column(network: Planned, index: int, seen: "Seen") -> Column:
    """A layer's texts and maps."""
    node, shape = network.nodes[index], network.shape_of(index)
    name, size = shortened(node.name, NAMED, SMALL, bold=True), str(shape)
    count = len(seen.maps)
    below = "" if seen.channels == shape.channels else f"{seen.channels} of {shape.channels}"
    wide = max(
        CELL, width(name, SMALL, bold=True), width(size, SMALL), width(below, SMALL),
        CELL + BAR if index in network.outputs and seen.largest else 0,
    )  # fmt: skip
    items: list[Drawn] = [
        Label(wide / 2, LINE - 3, name, SMALL, anchor="middle", bold=True),
        Label(wide / 2, 2 * LINE - 3, size, SMALL, "quiet", anchor="middle"),
    ]
    down = 2.0 * LINE + 3
    for channel, grid in enumerate(seen.maps):
        what = f"channel {channel}" if count > 1 else plural(seen.channels, "channel")
        drawn, across, high = _raster(grid, CELL, f"{node.name}, {what}")
        items += [moved(item, (wide - across) / 2, down) for item in drawn]
        down += high + BESIDE
    if below:
        items.append(Label(wide / 2, down + LINE - 4, below, SMALL, "quiet", anchor="middle"))
        down += LINE
    if index in network.outputs:
        bars, high = _bars(seen.largest, wide)
        items += [moved(item, 0, down + 8) for item in bars]
        down += high + 8
    return Column(Part(tuple(items), node.name, f"{node.name}: {shape}"), wide, down)


def _raster(grid: "Pixels", wide: float, what: str) -> tuple[list[Drawn], float, float]:
    """A map as an image with a thin line round it, and how wide and high they are."""
    high = wide * grid.height / grid.width
    # Pixels of what is far from square are no squares.
    rows = ceil(LEAST / high) if high < LEAST else 1
    high *= rows
    if high > MOST:
        wide, high = max(wide * MOST / high, LEAST), MOST
    columns = max(round(wide * grid.height * rows / (high * grid.width)), 1)
    data = grid.data
    if rows > 1 or columns > 1:
        size = grid.colours
        one = (data[at : at + size] for at in range(0, len(data), size))
        data = b"".join(pixel * columns for pixel in one)
        row = grid.width * columns * size
        data = b"".join(data[at : at + row] * rows for at in range(0, len(data), row))
    file = png(grid.width * columns, grid.height * rows, grid.colours, data)
    odd = "" if grid.finite else "; some values are no numbers"
    about = f"{what}: {_number(grid.low)} to {_number(grid.high)}{odd}"
    wide = high * grid.width * columns / (grid.height * rows)
    drawn: list[Drawn] = [
        Box(0, 0, wide, high, "source"),
        Raster(0, 0, wide, high, file, about=about),
    ]
    return drawn, wide, high


def _number(value: float) -> str:
    """A value in three digits."""
    return f"{value + 0:.3g}".replace("-", "−")  # and no −0


def _bars(largest: Sequence[tuple[int, float]], wide: float) -> tuple[list[Drawn], float]:
    """The largest values of an output as bars, and how high they are together."""
    items: list[Drawn] = []
    down = 0.0
    most = max((value for _, value in largest), default=0)
    for place, value in largest:
        down += LINE
        items.append(Label(0, down - 3, str(place), SMALL))
        items.append(Label(wide, down - 3, _number(value), SMALL, "quiet", anchor="end"))
        if value > 0:
            items.append(Box(28, down - 11, max((wide - 72) * value / most, 1), 9, "dense"))
    return items, down


def _filters(
    network: Planned, index: int, made: Sequence["Pixels"], wide: float
) -> tuple[list[Drawn], float]:
    """The filters of a layer in rows, and how high they are together."""
    if not made:
        return [], 0
    node, plan = network.nodes[index], network.plans[index]
    shape = plan.weights[0].shape
    total = f"{len(made)} of {shape[0]}" if len(made) < shape[0] else str(shape[0])
    size = "×".join(map(str, (*shape[2:], shape[1])))
    title = f"Filters of {node.name}: {total}, {size} each"
    items: list[Drawn] = [Label(0, LINE - 3, title, SMALL, bold=True)]
    across = max(int((wide - MARGIN + BESIDE) // (FILTER + BESIDE)), 1)
    high = 0.0
    for number, grid in enumerate(made):
        row, column = divmod(number, across)
        drawn, _, high = _raster(grid, FILTER, f"{node.name}, filter {number}")
        place = column * (FILTER + BESIDE), LINE + 3 + row * (high + BESIDE)
        items += [moved(item, *place) for item in drawn]
    lines = -(-len(made) // across)
    return [Part(tuple(items), "", title)], LINE + 3 + lines * (high + BESIDE) + 12
