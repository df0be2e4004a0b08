"""What an output position sees of every layer on the way to the input, along each axis.

Followed backwards, layer by layer: the set of positions that a layer's output sees of what it reads
is that of all of its positions that are seen. `receptive_field` says the same of the input alone,
for all outputs at once.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from convcalc.graph.planned import Planned
from convcalc.layers import CONSTANTS, UNPOOL
from convcalc.layers.base import Plan
from convcalc.stretches import Stretches, joined
from convcalc.window import Interpolated, Tiled, Window, met, values_under

WORKED_OUT = 2**16
"""Most positions of one axis that are looked at one by one; of more the hull is taken."""


class Traced(NamedTuple):
    """What is seen of one layer's output."""

    axes: tuple[Stretches, ...]
    """By axis, the positions that are seen; () of a vector. All combinations of them are, or, where
    paths see different ones, a part of these; where one by one takes too long, no others are."""
    lines: tuple[tuple[int, int], ...]
    """By axis, the first and the last position that would be seen if maps went on without end:
    what of it lies outside of the map is padding."""

    def before(self, axis: int) -> int:
        """How many positions of padding in front of what is seen along an axis are."""
        first, last = self.lines[axis]
        return max(min(-first, last - first + 1), 0)

    def behind(self, axis: int, size: int) -> int:
        """How many behind it are, of a map of that size."""
        first, last = self.lines[axis]
        return max(min(last - size + 1, last - first + 1), 0)

    def hull(self, axis: int) -> tuple[int, int] | None:
        """The first and the last position along an axis; None where padding alone is seen."""
        stretches = self.axes[axis]
        return (stretches[0][0], stretches[-1][1] - 1) if stretches else None

    def filled(self) -> "Traced":
        """The same with all positions between the first and the last along each axis."""
        ends = (self.hull(axis) for axis in range(len(self.axes)))
        return self._replace(axes=tuple(((end[0], end[1] + 1),) if end else () for end in ends))


def traced(network: Planned, layer: int, position: Sequence[int]) -> dict[int, Traced]:
    """What a position of a layer's output sees of each layer before it, and of inputs, by index.

    A layer that it sees nothing of is left out.

    >>> from convcalc.graph import load
    >>> from convcalc.graph.planned import leading_to
    >>> vgg16 = leading_to(load("vgg16"), 4)  # the second convolution's activation
    >>> traced(vgg16, 4, (0, 5))[0]
    Traced(axes=(((0, 3),), ((3, 8),)), lines=((-2, 2), (3, 7)))
    """
    start = tuple(((at, at + 1),) for at in position)
    seen = {layer: Traced(start, tuple((at, at) for at in position))}
    return _followed(network, layer, seen, filled=False)


def traced_region(
    network: Planned, layer: int, region: Sequence[tuple[int, int]]
) -> dict[int, Traced]:
    """What is needed of each layer to compute a rectangle of a layer's output, by index.

    `region` has the first position along each axis and the one behind the last. Of every layer
    a rectangle is computed, so what is needed of one is what all positions of the next one's see.

    >>> from convcalc.graph import load
    >>> from convcalc.graph.planned import leading_to
    >>> vgg16 = leading_to(load("vgg16"), 4)
    >>> traced_region(vgg16, 4, ((0, 112), (112, 224)))[0].axes
    (((0, 114),), ((110, 224),))
    """
    start = Traced(
        tuple((each,) for each in region), tuple((first, end - 1) for first, end in region)
    )
    return _followed(network, layer, {layer: start}, filled=True)


def _followed(
    network: Planned, layer: int, seen: dict[int, Traced], *, filled: bool
) -> dict[int, Traced]:
    """All that is seen behind what is seen of a layer; `filled` with what is in between."""
    for index in range(layer, -1, -1):
        node, plan = network.nodes[index], network.plans[index]
        if index not in seen:
            continue
        if filled:
            seen[index] = seen[index].filled()
        if node.kind in CONSTANTS:
            continue
        reads = node.looks_at
        if node.kind == UNPOOL:
            reads = tuple(dict.fromkeys(reads))
        for number, read in enumerate(reads):
            sizes = network.shape_of(read).spatial
            mode = getattr(node.layer, "padding_mode", "zero")
            through = _through(seen[index], plan, number, sizes, mode)
            if through is not None:
                seen[read] = _both(seen[read], through) if read in seen else through
    return seen


def _both(one: Traced, other: Traced) -> Traced:
    """What either sees."""
    return Traced(
        tuple(joined((*a, *b)) for a, b in zip(one.axes, other.axes, strict=True)),
        tuple(
            (min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(one.lines, other.lines, strict=True)
        ),
    )


def _through(
    seen: Traced, plan: Plan, number: int, sizes: Sequence[int], mode: str
) -> Traced | None:
    """What is seen of one of the maps that a layer reads; None of one that is not looked at."""
    windows = plan.seen(number)
    if plan.positions == "lost" or len(seen.axes) != len(sizes):
        return Traced(tuple(((0, size),) for size in sizes), tuple((0, size - 1) for size in sizes))
    along = []
    for axis, (stretches, line, size) in enumerate(zip(seen.axes, seen.lines, sizes, strict=True)):
        if windows:
            along.append(_axis(windows[axis], stretches, line, size, mode))
        elif size == plan.output.spatial[axis]:
            along.append((stretches, line))
        else:  # the single position of a gate
            along.append((((0, size),) if stretches else (), (0, size - 1)))
    if windows and not plan.windows and not all(stretches for stretches, _ in along):
        return None  # of maps one behind the other it is another one that is looked at
    axes, lines = zip(*along, strict=True)
    return Traced(axes, lines)


def _axis(
    window: Window, stretches: Stretches, line: tuple[int, int], size: int, mode: str
) -> tuple[Stretches, tuple[int, int]]:
    """What outputs see of an axis of a map, and would see of one without end."""
    values: list[tuple[int, int]] = []
    if sum(end - start for start, end in stretches) * window.kernel > WORKED_OUT:
        stretches = joined([(stretches[0][0], stretches[-1][1])])
    for start, end in stretches:
        values += _values(window, start, end, size)
    border = max(window.before, 0) + max(window.after, 0)
    if stretches and mode != "zero" and border:
        values += _repeated(window, stretches, size, mode)
    seen = joined(values)
    (first, _, hits), (start, step, more) = met(window, line[0]), met(window, line[1])
    if hits and more:
        return seen, (first, start + step * (more - 1))
    return seen, (seen[0][0], seen[-1][1] - 1) if seen else (0, -1)


def _values(window: Window, start: int, end: int, size: int) -> Iterable[tuple[int, int]]:
    """The values under the taps of outputs from `start` up to, not including, `end`."""
    plain = window.up == 1 and not isinstance(window, (Interpolated, Tiled))
    if plain and window.dilation == 1 and window.stride <= window.kernel:  # no holes
        first = start * window.stride - window.before
        last = (end - 1) * window.stride - window.before + window.kernel
        return [(max(first, 0), min(last, size))]
    if (end - start) * window.kernel > WORKED_OUT:
        ends = [values_under(window, output, 0, size) for output in (start, end - 1)]
        first = ends[0][0] if ends[0] else 0
        return [(first, ends[1][-1] + 1 if ends[1] else size)]  # the hull
    return [
        (value, value + 1)
        for output in range(start, end)
        for value in values_under(window, output, 0, size)
    ]


def _repeated(
    window: Window, stretches: Stretches, size: int, mode: str
) -> Iterable[tuple[int, int]]:
    """The values that a border repeats where outputs look at it."""
    from convcalc.layers.arrays import source

    if sum(end - start for start, end in stretches) * window.kernel > WORKED_OUT:
        return [(0, size)]
    places = {
        place
        for start, end in stretches
        for output in range(start, end)
        for first in (output * window.stride - window.before,)
        for place in range(first, first + window.extent, window.dilation)
        if not 0 <= place < size and -window.before <= place < size + window.after
    }
    return [(at, at + 1) for at in (source(place, size, mode) for place in places)]
