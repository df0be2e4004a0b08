"""What one layer does to one axis, whatever its size: asked of the layer, never worked out again.

A layer says how its output grows (`Layer.growth`); where it starts to, and from which size on it
works, its own `check` and `plan` are asked at a few sizes.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convcalc.diagnostics import Problem
from convcalc.layers.base import Growth, Layer, Weight
from convcalc.layers.sliding import UNBOUNDED
from convcalc.shape import Shape
from convcalc.window import Window

LARGE = 2**32
"""The extent of axes that are not asked about: with so many rows there is room for everything."""
LARGEST = 2**40
"""The largest extent that a layer is asked about."""
NAMED = frozenset({"length", "height", "width", "depth"})
"""What a field holds that is about one spatial axis alone."""
MOST_TRIED = 4_096
"""Most sizes that are tried one by one below the one from which on there is a rule."""
TILES = "CC301"
"""What layers say of a stride that does not tile."""


class NotKnownError(Exception):
    """What a layer does to an axis follows from no rule."""


class WrongError(Exception):
    """A layer takes no size; `problem` is what it says, if it is known."""

    def __init__(self, problem: Problem | None = None) -> None:
        super().__init__()
        self.problem = problem


class Step(NamedTuple):
    """What becomes of an axis, and which of its extents the layer takes."""

    times: int
    """An extent n becomes ⌊(times·n + shift)/over⌋."""
    shift: int
    """What is added before it is divided, in rows."""
    over: int
    """What it is divided by, which is rounded down."""
    least: int = 1
    """The least extent that it takes."""
    without: tuple[int, ...] = ()
    """Extents from there on that it does not take."""
    turn: int = 0
    """A stride tiles the extents with this remainder, divided by `over`."""
    exact: bool = False
    """Whether it takes those alone that its stride tiles."""
    spare: int | None = None
    """How many rows may be left over without one that is real; None where none are left out."""
    border: int = 0
    """How many rows of a border it puts behind."""

    def at(self, extent: int) -> int:
        """The extent of the output."""
        return (self.times * extent + self.shift) // self.over

    def left_over(self, extent: int) -> int:
        """How many rows are left over behind the last window."""
        return (extent - self.turn) % self.over


def _shape(channels: int, rank: int, axis: int, extent: int) -> Shape:
    spatial = [LARGE] * rank
    spatial[axis] = extent
    return Shape(channels, tuple(spatial))


class Answer(NamedTuple):
    """What a layer of one input does to maps of any size, of so many channels and axes."""

    steps: tuple[Step, ...]
    """What it does to each spatial axis."""
    channels: int
    """Channels of its output."""
    weights: tuple[Weight, ...]
    """Its weights, for a large map."""
    weighs: tuple[bool, ...]
    """For each spatial axis, whether its weights are larger on a larger map."""
    inside: bool
    """Whether they are as large as the map that comes in, and not as the one that goes out."""
    single: bool
    """Whether it takes a map of one position."""


def answer(layer: Layer, channels: int, rank: int) -> Answer:
    """Ask a layer; raises as `step_along` does."""
    # Fields of one number say the same of every axis, and one of them is asked.
    values = vars(layer).values()
    alike = rank > 1 and not any(isinstance(each, tuple) or each in NAMED for each in values)
    steps = tuple(step_along(layer, channels, rank, axis) for axis in range(1 if alike else rank))
    steps *= rank if alike else 1
    shape = Shape(channels, (LARGE,) * rank)
    if not rank:
        refuse(layer, shape)
    plan = layer.plan([shape])
    weighs = [False] * rank
    if plan.weights:
        for axis in range(rank):
            if alike and axis:
                weighs[axis] = weighs[0]
                continue
            other = layer.plan([_shape(channels, rank, axis, 2 * LARGE)])
            weighs[axis] = other.weights != plan.weights
    inside = plan.positions == "kept"
    single = True
    if rank > 1 and type(layer).check is not Layer.check and all(s.least == 1 for s in steps):
        one = Shape(channels, (1,) * rank)
        single = all(each.code == TILES or each.severity != "error" for each in layer.check([one]))
    return Answer(
        steps=steps,
        channels=plan.output.channels,
        weights=plan.weights,
        weighs=tuple(weighs),
        inside=inside,
        single=single,
    )


def refuse(layer: Layer, *shapes: Shape) -> None:
    """Raise `WrongError` where a layer has an error with its inputs."""
    for problem in layer.check(shapes):
        if problem.severity == "error":
            raise WrongError(problem)


def step_along(layer: Layer, channels: int, rank: int, axis: int) -> Step:
    """What a layer of one input does to a spatial axis of its input, which has `rank` of them.

    Raises `NotKnownError` where that follows no rule, and `WrongError` where it takes no size.
    """
    growths = layer.growth(rank)
    if growths is None:
        raise NotKnownError
    if growths[axis] == Growth() and type(layer).check is Layer.check:
        return Step(1, 0, 1)
    return _asked(layer, channels, axis, growths)


def _asked(layer: Layer, channels: int, axis: int, growths: Sequence[Growth]) -> Step:
    growth = growths[axis]
    # There is room for everything along the others, in whole steps where a layer takes no less.
    beside = [LARGE - LARGE % (other.inputs if other.even else 1) for other in growths]

    def made(extent: int) -> Shape:
        return Shape(channels, (*beside[:axis], extent, *beside[axis + 1 :]))

    def fits(extent: int) -> bool:
        if growth.even:  # what is left over is asked apart
            extent -= extent % growth.inputs
        if not extent:
            return False
        problems = layer.check([made(extent)])
        return all(problem.code == TILES or problem.severity != "error" for problem in problems)

    def output(extent: int) -> int:
        return layer.plan([made(extent)]).output.spatial[axis]

    if not fits(LARGE):
        refuse(layer, made(beside[axis]))
    least = _first(fits)
    known: Any = layer
    rounding, same = getattr(known, "rounding", None), getattr(known, "padding", None) == "same"
    without: tuple[int, ...] = ()
    if getattr(known, "padding_mode", "zero") not in UNBOUNDED and (same or rounding == "ceil"):
        # A border that is mirrored goes up and down with the size, as the last step needs it.
        window = layer.plan([made(LARGE)]).windows[axis]
        until = max(window.extent + window.stride, least)
        if until > MOST_TRIED:
            raise NotKnownError
        fitting = [extent for extent in range(1, until + 1) if fits(extent)]
        least = fitting[0] if fitting else until
        without = tuple(extent for extent in range(least, until) if extent not in fitting)
    times, shift, turn = _rule(output, growth, least)
    over = growth.inputs if times else 1
    step = Step(times=times, shift=shift, over=over, least=least, without=without, turn=turn)
    if growth.even:
        return step._replace(exact=True)
    if rounding is None or same:
        windows = layer.plan([made(least)]).windows
        return step._replace(border=max(windows[axis].after, 0)) if windows else step
    if rounding == "exact":
        return step._replace(exact=True)
    if rounding == "floor":
        window = layer.plan([made(least)]).windows[axis]
        return step._replace(spare=spare(window))
    return step


def spare(window: Window) -> int:
    """How many positions may be left over behind the last window with no real row among them.

    >>> spare(Window(kernel=7, stride=2, before=3, after=3))
    1
    """
    tiled = LARGE - window.remainder(LARGE)
    low, high = 0, window.stride  # a row left over more is never one dropped less
    while high - low > 1:
        middle = (low + high) // 2
        if window.dropped(tiled + middle):
            high = middle
        else:
            low = middle
    return low


def _first(fits: Callable[[int], bool]) -> int:
    """The least extent that fits, where all larger ones do."""
    if fits(1):
        return 1
    high = 2
    while not fits(high):
        high *= 2
        if high > LARGEST:
            raise WrongError
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            high = middle
        else:
            low = middle
    return high


def _rule(output: Callable[[int], int], growth: Growth, least: int) -> tuple[int, int, int]:
    """times, shift and turn of a step from a few outputs."""
    outputs, inputs, _ = growth
    start = output(least)
    if outputs == 0:
        return 0, start, 0
    if inputs == 1:
        return outputs, start - outputs * least, 0
    if outputs == 1:
        # The next output comes with one of the next `inputs` rows.
        low, high = least, least + inputs
        while high - low > 1:
            middle = (low + high) // 2
            if output(middle) > start:
                high = middle
            else:
                low = middle
        return 1, (start + 1) * inputs - high, high % inputs
    if inputs > MOST_TRIED:
        raise NotKnownError
    there = [output(extent) for extent in range(least, least + inputs)]
    for shift in range(start * inputs - outputs * least, (start + 1) * inputs - outputs * least):
        if there == [(outputs * (least + i) + shift) // inputs for i in range(inputs)]:
            return outputs, shift, 0
    raise NotKnownError
