"""What becomes of the outputs when the input is shifted: translation, as the notes on CNNs ask.

A convolution is equivariant: shifted by the stride, the input gives the same output shifted by one,
but near borders, where other values come in. Pooling makes some outputs invariant: they stay where
the input is shifted by less than the stride. A layer whose weights or sums hang on the place breaks
it: flatten, locally connected layers, norms over the map. All of that is observed here: the network
runs on windows of one larger random image, by the definitions of its layers, in float64.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Any, NamedTuple

from convcalc.analysis import analyze
from convcalc.analysis.report import LayerReport
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.page import Page, Section, Table
from convcalc.graph.planned import Planned
from convcalc.layers import kinds
from convcalc.layers.base import AXIS_WORDS
from convcalc.numbers import both_bytes, plural
from convcalc.window import Field

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""
TOLERANCE = 1e-9
"""Largest difference that is one of rounding in float64, as a part of a layer's largest output."""
MOST_BYTES = 4 << 30
"""Most memory that the outputs of all layers may take at once."""
POOLS = kinds("pool")
"""Kinds whose outputs may stay where the input is shifted by less than the stride."""
LARGEST = 1 << 20
"""Largest stride that the input is shifted by."""


class Axis(NamedTuple):
    """What a shift along one axis does to a layer's output."""

    name: str
    """What the axis is called: `height`."""
    steps: int
    """Positions that the output is shifted by: the input's shift, divided by the layer's stride."""
    start: int
    """Positions at the start that are not those of the shifted output: a border."""
    end: int
    """Positions at the end that are not."""
    inside: int
    """Positions that see no border of the input in either run, by the receptive field."""
    moved: int
    """How many of these are not those of the shifted output."""
    unchanged: float | None
    """Share of the outputs of a pool, but those of 0, that stay when the input is shifted by one
    value; None of other kinds, and where one value is the network's stride."""

    @property
    def equivariant(self) -> bool:
        """Whether all but the borders is as it was, shifted."""
        return self.moved == 0 and self.inside > 0


class ShiftedLayer(NamedTuple):
    """What shifts do to the output of a layer."""

    name: str
    """Full name of the layer."""
    kind: str
    """Its kind, a key of the catalogue."""
    axes: tuple[Axis, ...]
    """Along each axis; empty where its output has no positions, or they have no place in the
    input."""

    @property
    def equivariant(self) -> bool:
        """Whether it is along every axis."""
        return bool(self.axes) and all(axis.equivariant for axis in self.axes)

    @property
    def unseen(self) -> bool:
        """Whether that cannot be seen: some axis has no position away from its borders."""
        return (
            bool(self.axes)
            and all(axis.equivariant or axis.inside == 0 for axis in self.axes)
            and not self.equivariant
        )


class Shifts(NamedTuple):
    """What shifts of the input do to a network."""

    name: str
    """What the network is called."""
    shift: tuple[int, ...]
    """Values that the input is shifted by along each axis: the network's stride."""
    layers: tuple[ShiftedLayer, ...]
    """The layers, in their order."""
    broken: str
    """The first layer that reads what is equivariant and is not; empty where there is none."""
    reason: str
    """Why it is not."""

    @property
    def page(self) -> Page:
        """It as a page, which formats make text of."""
        return _page(self)


def shifts(network: Planned, weights: Mapping[str, Any] | None = None, seed: int = 0) -> Shifts:
    """Shift the input of a network by its stride, and see where its outputs follow.

    Raises `ArgumentError` for one of several inputs, without positions, or whose outputs take more
    than `MOST_BYTES` to hold.
    """
    from convcalc.forward.shifted import runs

    shape = network.input
    if len(network.inputs) != 1 or not shape.spatial or network.index_inputs:
        message = "a shift is of one input with positions: a sequence of values, an image, a volume"
        raise ArgumentError(message)
    report = analyze(network)
    needed = 8 * 4 * sum(plan.output.size for plan in network.plans)
    if needed > MOST_BYTES:
        message = f"the outputs of all layers take {both_bytes(needed)}: give a smaller --input"
        raise ArgumentError(message)
    strides = tuple(_stride(report.nodes, axis) for axis in range(len(shape.spatial)))
    axes: dict[str, list[Axis]] = {node.name: [] for node in network.layers}
    outputs = runs(network, strides, weights, seed)
    still = next(outputs)
    for axis, stride in enumerate(strides):
        shifted = next(outputs)
        by_one = next(outputs) if stride > 1 else None
        for layer in report.layers:
            seen = _axis(layer, axis, stride, still, shifted, by_one, shape.spatial[axis])
            if seen is not None:
                axes[layer.name].append(seen)
    layers = tuple(
        ShiftedLayer(layer.name, layer.kind, tuple(axes[layer.name])) for layer in report.layers
    )
    broken, reason = _first_broken(network, layers)
    return Shifts(report.name, strides, layers, broken, reason)


def _stride(nodes: Any, axis: int) -> int:
    """The network's stride along an axis: the least that is a multiple of every layer's."""
    whole = 1
    for node in nodes:
        for fields in node.fields:
            if fields and len(fields) > axis and fields[axis].jump:
                whole = lcm(whole, Fraction(fields[axis].jump).numerator)
    if whole > LARGEST:
        message = f"the layers' strides have no common multiple below {LARGEST:,}: {whole:,}"
        raise ArgumentError(message)
    return whole


def _axis(
    layer: LayerReport,
    axis: int,
    stride: int,
    still: Mapping[str, Any],
    shifted: Mapping[str, Any],
    by_one: Mapping[str, Any] | None,
    seen_extent: int,
) -> Axis | None:
    """What a shift along an axis does to a layer; None where it has no positions there."""
    fields = layer.fields[0] if len(layer.fields) == 1 else None
    shape = layer.output
    if shape is None or not shape.spatial or not fields or len(fields) <= axis:
        return None
    field: Field = fields[axis]
    if not field.jump or shape.spatial[axis] == 1 or Fraction(stride) % Fraction(field.jump):
        return None
    steps = int(Fraction(stride) / Fraction(field.jump))
    y, z = still[layer.name], shifted[layer.name]
    place = axis + 2
    extent = y.shape[place]
    largest = float(abs(y).max()) or 1.0
    others = tuple(each for each in range(y.ndim) if each != place)
    before = y.take(range(min(steps, extent), extent), place)
    after = z.take(range(max(extent - steps, 0)), place)
    same = (abs(before - after) <= TOLERANCE * largest).all(axis=others)
    start, end = _ends(same)
    clean = _clean(field, steps, len(same), seen_extent)
    moved = int((~same[clean.start : clean.stop]).sum())
    unchanged = None
    if by_one is not None and layer.kind in POOLS:
        one = by_one[layer.name]
        stays = abs(one - y) <= TOLERANCE * largest
        counted = (abs(y) > 0) | (abs(one) > 0)
        unchanged = float(stays[counted].mean()) if counted.any() else 1.0
    return Axis(
        name=AXIS_WORDS[shape.rank][place - 1],
        steps=steps,
        start=start,
        end=end,
        inside=len(clean),
        moved=moved,
        unchanged=unchanged,
    )


def _clean(field: Field, steps: int, positions: int, extent: int) -> range:
    """The positions that see none of the input's borders, of both runs.

    Position i of the second run is i + `steps` of the first; each sees `size` values from `start` +
    i·`jump` on, of `extent`.
    """
    first = ceil(-Fraction(field.start) / Fraction(field.jump))
    last = (extent - field.size - Fraction(field.start)) / Fraction(field.jump) - steps
    low = min(max(first, 0), positions)
    return range(low, max(min(floor(last) + 1, positions), low))


def _ends(same: Any) -> tuple[int, int]:
    """How many at the start and at the end are not the same; all at the start where none are."""
    places = [place for place, each in enumerate(same) if each]
    if not places:
        return len(same), 0
    return places[0], len(same) - 1 - places[-1]


REASONS = {
    "flatten": "each position becomes numbers of its own, with weights of their own behind them",
    "locally_connected": "each position has weights of its own",
    "linear": "it has no positions",
    "attention": "every position is weighed against all others",
    "layernorm": "its statistics are over the whole map, whose border is another one",
    "instancenorm": "its statistics are over the whole map, whose border is another one",
    "groupnorm": "its statistics are over the whole map, whose border is another one",
}
"""Kind → why it does not follow."""


def _first_broken(network: Planned, layers: tuple[ShiftedLayer, ...]) -> tuple[str, str]:
    """The first layer that reads what follows, or may, and does not; and why."""
    follows = {layer.name: layer.equivariant or layer.unseen for layer in layers}
    for index, node in enumerate(network.nodes):
        read = [network.nodes[each] for each in node.inputs]
        before = all(follows.get(each.name, each.kind == "input") for each in read)
        if not read or follows[node.name] or not before:
            continue
        if node.kind in REASONS:
            return node.name, REASONS[node.kind]
        spatial = network.plans[index].output.spatial
        if not spatial:
            return node.name, "its output has no positions"
        if all(extent == 1 for extent in spatial):
            return node.name, "its one position sees all of the map, whatever is where"
        return node.name, "what it computes hangs on where it is"
    return "", ""


def _page(seen: Shifts) -> Page:
    """What was seen as a page."""
    rows: list[tuple[str, ...]] = []
    for layer in seen.layers:
        mark = "✓" if layer.equivariant else "?" if layer.unseen else "✗"
        steps = "×".join(str(axis.steps) for axis in layer.axes) or "–"
        borders = {axis.name: (axis.start, axis.end) for axis in layer.axes if axis.equivariant}
        border = ", ".join(f"{name} {start} and {end}" for name, (start, end) in borders.items())
        if len(borders) == len(layer.axes) and len({*borders.values()}) == 1:
            border = "{} and {}".format(*next(iter(borders.values())))
        unchanged = [axis.unchanged for axis in layer.axes if axis.unchanged is not None]
        stays = f"{min(unchanged):.0%}" if unchanged else "–"
        rows.append((layer.name, layer.kind, steps, border or "–", stays, mark))
    shift = "×".join(map(str, seen.shift))
    first = (
        f"The input is shifted by {shift}, the network's stride; ✓ is an output that is the same, "
        "shifted, but for positions at the start and the end of each axis, its border."
    )
    unseen = [layer.name for layer in seen.layers if layer.unseen]
    last = [f"All {plural(len(seen.layers), 'layer')} follow."]
    if seen.broken:
        last = [f"{seen.broken} is the first that does not follow: {seen.reason}."]
    elif unseen:
        last = ["No layer is seen not to follow."]
    if unseen:
        last.append(
            f"? is {plural(len(unseen), 'layer')}, from {unseen[0]} on, without a position away "
            "from the borders: a larger --input has some."
        )
    table = Table(
        ("Layer", "Kind", "Shifted by", "Border", "Stays at a shift of 1", ""),
        tuple(rows),
        frozenset({2, 4}),
    )
    data = {
        "schema": SCHEMA,
        "name": seen.name,
        "shift": [*seen.shift],
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "equivariant": None if layer.unseen else layer.equivariant,
                "axes": [axis._asdict() for axis in layer.axes],
            }
            for layer in seen.layers
        ],
        "broken": seen.broken or None,
        "reason": seen.reason or None,
    }
    return Page(f"Shifts of {seen.name}", (Section("", (first, table, *last)),), data)
