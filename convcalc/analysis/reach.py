"""Which outputs of every layer an input position reaches: receptive fields the other way round.

A set of positions is a product of sets by axis, or several such products where paths differ: a
1×3 and a 3×1 kernel side by side reach a cross. Along an axis it is stretches of neighbours.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from convcalc.graph import LayerNode, Network
from convcalc.layers import CONSTANTS, UNPOOL
from convcalc.layers.base import Joined, Plan
from convcalc.shape import Shape
from convcalc.stretches import Stretch, Stretches, joined
from convcalc.window import Interpolated, Tiled, Window, meeting, values_under

if TYPE_CHECKING:
    from convcalc.layers.unpooling import MaxUnpool

Block = tuple[Stretches, ...]
"""Positions of a map: every combination of those along each axis."""

MOST_BLOCKS = 16
"""Products that are kept; more become the smallest one that holds them all."""
MOST_COMPARED = 64
"""Products that are compared with each other, of which few may be left; more are joined unseen."""
WORKED_OUT = 2**20
"""Most stretches and outputs that are looked at; beyond, what is reached is an upper bound."""


class Reached(NamedTuple):
    """The outputs of a layer that an input position reaches."""

    blocks: tuple[Block, ...] = ()
    """Products whose union they are; () is none."""
    lost: bool = False
    """Whether outputs have no position of the input's: then blocks are () or one without axes."""
    exact: bool = True
    """Whether all of them are reached; otherwise no others are."""

    def along(self, axis: int) -> Stretches:
        """The positions along an axis that any of the outputs has."""
        return joined(stretch for block in self.blocks for stretch in block[axis])

    @property
    def is_product(self) -> bool:
        """Whether every combination of those along each axis is reached."""
        return len(self.blocks) <= 1

    @property
    def number(self) -> int | None:
        """How many positions are reached; None where several products overlap, or none has one."""
        if self.lost or len(self.blocks) > 1:
            return None
        total = 1 if self.blocks else 0
        for stretches in self.blocks[0] if self.blocks else ():
            total *= sum(end - start for start, end in stretches)
        return total


def reached(
    network: Network, position: Sequence[int], source: int | None = None
) -> list[Reached | None]:
    """For each layer what a position of the network's input reaches; None where it is unknown.

    Of several inputs that is the one of index `source`, or the first.

    >>> from convcalc.graph import loads
    >>> items = "[conv: {filters: 1, kernel: 3, dilation: 2}]"
    >>> network = loads(f"{{input: 9x1, layers: {items}}}")
    >>> reached(network, [4])[-1].blocks  # outputs 0, 2 and 4, and none between
    ((((0, 1), (2, 3), (4, 5)),),)
    """
    start = tuple(((each, each + 1),) for each in position)
    walk = _Walk(network, start, network.inputs[0] if source is None else source)
    return [*network.walk(walk.step)]


class _OutOfWorkError(Exception):
    """No more is looked at."""


class _Walk:
    """What is worked out, layer by layer, and how much of that is left."""

    def __init__(self, network: Network, start: Block, source: int) -> None:
        self.network = network
        self.source = network.nodes[source]
        self.start = start
        self.left = WORKED_OUT

    def step(
        self, node: LayerNode, plan: Plan | None, before: Sequence[Reached | None]
    ) -> Reached | None:
        """What is reached of the next layer."""
        if plan is None or any(each is None for each in before):
            return None
        if not node.inputs:
            return Reached((self.start,) if node is self.source else ())
        if node.kind in CONSTANTS:
            return Reached((), lost=True)
        read = [each for each in before if each is not None]
        shapes = [self.network.shape_of(index) for index in node.inputs]
        if node.kind == UNPOOL:
            read, shapes = self._pooled(node, read, shapes)
        exact = all(each.exact for each in read)
        any_reached = any(each.blocks for each in read)
        joined = isinstance(plan.positions, Joined)
        lost = [each.lost for each in read if each.blocks or not each.lost]
        if plan.positions == "lost" or all(lost) or (joined and any(lost)):
            return Reached(((),) if any_reached else (), lost=True, exact=exact)
        blocks: list[Block] = []
        for number, (each, shape) in enumerate(zip(read, shapes, strict=True)):
            if shape is None:
                return None
            if each.lost:  # spread over a map whose positions are the input's
                blocks += [_whole(plan.output)] if each.blocks else []
                continue
            for block in each.blocks:
                if windows := plan.seen(number):
                    through, sure = self._through(node, plan.output, windows, block, shape)
                    exact = exact and sure
                    blocks += [through] if all(through) else []
                else:
                    blocks.append(_spread(block, shape, plan.output))
        kept, sure = _without_held(blocks)
        return Reached(kept, exact=exact and sure)

    def _pooled(
        self, node: LayerNode, read: list[Reached], shapes: list[Shape | None]
    ) -> tuple[list[Reached], list[Shape | None]]:
        """What is reached of what a layer undoes a pool with: of the pool, for what that reads."""
        (x, given), (made, pooled) = read, shapes
        if given.lost or made is None or pooled is None:
            return read, shapes
        windows = cast("MaxUnpool", node.layer).windows
        both = [self._through(node, made, windows, block, pooled) for block in given.blocks]
        exact = given.exact and all(sure for _, sure in both)
        blocks = tuple(through for through, _ in both if all(through))
        return [x, Reached(blocks, exact=exact)], [made, made]

    def _through(
        self,
        node: LayerNode,
        output: Shape,
        windows: Sequence[Window],
        block: Block,
        shape: Shape,
    ) -> tuple[Block, bool]:
        """What a block reaches through windows, and whether it reaches all of that."""
        mode = getattr(node.layer, "padding_mode", "zero")
        axes, sure = [], True
        for window, stretches, size, outputs in zip(
            windows, block, shape.spatial, output.spatial, strict=True
        ):
            axis = self._afforded(window, stretches, size, outputs, mode)
            sure = sure and axis is not None
            bound = _hull(window, stretches, outputs, mode)
            axes.append(joined([bound]) if axis is None else axis)
        return tuple(axes), sure

    def _afforded(
        self, window: Window, stretches: Stretches, size: int, outputs: int, mode: str
    ) -> Stretches | None:
        """What is reached along an axis; None where working that out takes too long."""
        try:
            return joined(self._outputs(window, stretches, size, outputs, mode))
        except _OutOfWorkError:
            return None

    def _outputs(
        self, window: Window, stretches: Stretches, size: int, outputs: int, mode: str
    ) -> Iterator[Stretch]:
        border = max(window.before, 0) + max(window.after, 0)
        if mode != "zero" and border:
            self._spend(border)
            stretches = _with_border(window, stretches, size, mode)
            window = window._replace(before=0, after=0)
        for start, end in stretches:
            hull = _met(window, start, end, outputs)
            if isinstance(window, (Interpolated, Tiled)):
                self._spend(max(hull[1] - hull[0], 0))
                yield from (
                    (output, output + 1)
                    for output in range(*hull)
                    if values_under(window, output, start, end)
                )
            elif _has_no_holes(window, end - start):
                yield hull
            else:
                self._spend(end - start)
                for value in range(start, end):
                    those = meeting(window, value, outputs)
                    if those.step == 1:
                        yield those.start, those.stop
                    else:
                        self._spend(len(those))
                        yield from ((output, output + 1) for output in those)

    def _spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise _OutOfWorkError


def _has_no_holes(window: Window, count: int) -> bool:
    """Whether every window that lies around or on so many neighbours has a tap on one of them."""
    if window.up == 1:
        return window.dilation <= count
    return window.dilation == 1 and window.kernel >= window.up


def _met(window: Window, start: int, end: int, outputs: int) -> Stretch:
    """The outputs whose windows, with the holes in them, come to the values of a stretch."""
    kernel, stride, dilation, before, _, up = window
    lowest = start * up + before - dilation * (kernel - 1)
    highest = (end - 1) * up + before
    return max(-(-lowest // stride), 0), min(highest // stride + 1, outputs)


def _hull(window: Window, stretches: Stretches, outputs: int, mode: str) -> Stretch:
    """A stretch of outputs beyond which none is reached."""
    if mode != "zero" and (window.before or window.after):
        return 0, outputs
    return _met(window, stretches[0][0], stretches[-1][1], outputs)


def _with_border(window: Window, stretches: Stretches, size: int, mode: str) -> Stretches:
    """Where the values stand once the border that repeats some of them is there."""
    from convcalc.layers.arrays import source

    before, after = window.before, window.after
    border = [*range(-before, 0), *range(size, size + after)]
    repeated = (
        (place + before, place + before + 1)
        for place in border
        if any(start <= source(place, size, mode) < end for start, end in stretches)
    )
    inside = (
        (max(start, -min(before, 0)) + before, min(end, size + min(after, 0)) + before)
        for start, end in stretches
    )
    return joined([*inside, *repeated])


def _whole(shape: Shape) -> Block:
    """All positions of a map."""
    return tuple(((0, size),) for size in shape.spatial)


def _spread(block: Block, shape: Shape, output: Shape) -> Block:
    """What is reached of a merge: a single position is spread over a larger map."""
    return tuple(
        ((0, to),) if size == 1 < to else stretches
        for stretches, size, to in zip(block, shape.spatial, output.spatial, strict=True)
    )


def _without_held(blocks: Sequence[Block]) -> tuple[tuple[Block, ...], bool]:
    """The blocks less those that others hold, and whether their union is the same."""
    kept: list[Block] = []
    for block in blocks:
        new, known = block, 0
        while known < len(kept):  # one that is joined to another may hold a third
            one = kept[known]
            differing = sum(a != b for a, b in zip(one, new, strict=True))
            both = tuple(joined((*a, *b)) for a, b in zip(one, new, strict=True))
            if differing <= 1 or both in (one, new):
                del kept[known]
                new, known = both, 0
            else:
                known += 1
        kept.append(new)
        if len(kept) > MOST_COMPARED:
            break
    if len(kept) <= MOST_BLOCKS:
        return tuple(kept), True
    axes = zip(*blocks, strict=True)
    return (tuple(joined(each for one in axis for each in one) for axis in axes),), False
