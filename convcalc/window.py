"""The only output-size and receptive-field arithmetic there is.

One `Window` along one axis describes every layer that slides: convolution, pooling, transposed
convolution, resampling and adaptive pooling. A layer that upsamples first spreads its input out,
``up − 1`` gaps between neighbours, and then slides over the gaps and the padding like any other.
"""

from math import ceil, floor, gcd, lcm
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fractions import Fraction

    from typing_extensions import Self

    Rational = int | Fraction
    Seen = tuple[int, int] | None


class Window(NamedTuple):
    """A kernel that slides along one axis.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning",
    arXiv:1603.07285, relationships 6 (general), 14 (transposed) and 15 (dilated).
    """

    kernel: int = 1
    """How many taps the kernel has along the axis, F."""
    stride: int = 1
    """Step S from one output to the next, in values of the input once it is spread out."""
    dilation: int = 1
    """Distance D between taps; 1 is the ordinary kernel."""
    before: int = 0
    """Padding in front of the first value (negative: cropped)."""
    after: int = 0
    """Padding behind the last value (negative: cropped)."""
    up: int = 1
    """Distance between neighbouring input values once they are spread out; 1 is not at all."""

    @property
    def extent(self) -> int:
        """What the dilated kernel spans: D·(F − 1) + 1.

        >>> Window(kernel=3, dilation=2).extent
        5
        """
        return self.dilation * (self.kernel - 1) + 1

    def room(self, size: int) -> int:
        """How far the kernel can travel over `size` values; negative when it does not fit."""
        return (size - 1) * self.up + 1 - self.extent + (self.before + self.after)

    def output(self, size: int) -> int:
        """Output size for `size` input values, (W − F + 2P)/S + 1 rounded down.

        >>> Window(kernel=11, stride=4).output(227)
        55
        >>> Window(kernel=3, before=1, after=1, up=2).output(4)  # transposed: (4 − 1)·2 + 3 − 2·1
        7
        """
        return self.room(size) // self.stride + 1

    def remainder(self, size: int) -> int:
        """Positions left over behind the last window; 0 when the stride tiles the input.

        >>> Window(kernel=11, stride=4).remainder(224)
        1
        """
        return self.room(size) % self.stride

    def dropped(self, size: int) -> int:
        """Real input values that no window reads only because the last step does not fit.

        Padding left over costs nothing, and neither does the gap that a stride larger than the
        kernel leaves between all its windows.

        >>> Window(kernel=3, stride=2).dropped(224)
        1
        >>> Window(kernel=7, stride=2, before=3, after=3).dropped(224)  # only padding is left over
        0
        >>> Window(kernel=1, stride=2).dropped(56)
        0
        """
        left_over = self.remainder(size) - max(self.after, 0) - max(self.stride - self.extent, 0)
        return max(left_over, 0)

    def taps(self, size: int) -> range:
        """The taps that may meet a value, where the input is not spread out.

        All others meet padding only: a kernel of 10^9 over 8 values and its padding has few.

        >>> Window(kernel=9, stride=9, before=4, after=4).taps(3)
        range(4, 7)
        """
        rest = self.before - (self.output(size) - 1) * self.stride  # what the last output overhangs
        first = max(-(-rest // self.dilation), 0)
        return range(first, min((self.before + size - 1) // self.dilation + 1, self.kernel))

    def rounded_up(self, size: int) -> "Window":
        """The window padded behind so that a partial last step counts (ceil mode).

        The last window must start inside the input or the padding in front of it, as in PyTorch:
        otherwise it is dropped again. Caffe drops it where there is padding only.

        >>> Window(kernel=1, stride=3).rounded_up(5).output(5)  # 3 in Caffe
        2

        >>> Window(kernel=3, stride=2).rounded_up(112).output(112)
        56
        >>> Window(kernel=2, stride=2, before=1, after=1).rounded_up(3).output(3)
        2
        """
        room = self.room(size)
        whole = -(-room // self.stride) * self.stride  # where the last window starts
        if whole >= size + self.before:
            return self
        return self._replace(after=self.after + whole - room)


class Interpolated(Window):
    """A window of resampling whose output reads one value alone where it lies right on it."""

    __slots__ = ()


class Tiled(Window):
    """Tiles that lie side by side: an output reads every `step`-th value of the one it lies in.

    As a window it is one that holds what any output of it reads, and as large as its input.
    """

    tile: int
    """Positions of a tile."""
    first: int
    """Where a tile begins."""
    step: int
    """Distance between the values that an output reads, of which it is one itself."""

    def __new__(cls, tile: int, first: int = 0, step: int = 1) -> "Self":
        """Tiles of so many positions, one of which begins at `first`."""
        made = super().__new__(cls, 2 * tile - 1, 1, 1, tile - 1, tile - 1, 1)
        made.tile, made.first, made.step = tile, first, step
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tiled) and vars(self) == vars(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.tile, self.first, self.step))

    def begins(self, output: int) -> int:
        """Where the tile begins that an output lies in.

        >>> [Tiled(7, 4).begins(output) for output in (0, 3, 4, 11)]
        [-3, -3, 4, 11]
        """
        return (output - self.first) // self.tile * self.tile + self.first


def same(size: int, kernel: int, stride: int, dilation: int) -> Window:
    """The window whose output has ⌈W/S⌉ values; an odd pixel of padding goes behind.

    Source: ONNX operator Conv, auto_pad SAME_UPPER; TensorFlow's padding="SAME". With stride 1
    this is PyTorch's padding="same".

    >>> same(224, 3, 1, 1)
    Window(kernel=3, stride=1, dilation=1, before=1, after=1, up=1)
    >>> same(224, 3, 2, 1)
    Window(kernel=3, stride=2, dilation=1, before=0, after=1, up=1)
    """
    extent = dilation * (kernel - 1) + 1
    total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    return Window(kernel, stride, dilation, total // 2, total - total // 2)


def transposed(
    kernel: int,
    stride: int = 1,
    dilation: int = 1,
    before: int = 0,
    after: int = 0,
    output_padding: int = 0,
) -> Window:
    """The window of a transposed convolution, whose padding is cut from its output.

    (W − 1)·S + D·(F − 1) + 1 − 2P + output padding: Dumoulin and Visin, relationship 14.

    >>> transposed(kernel=4, stride=2, before=1, after=1).output(16)
    32
    """
    reach = dilation * (kernel - 1)
    return Window(kernel, 1, dilation, reach - before, reach - after + output_padding, up=stride)


def adaptive(size: int, output: int) -> Window:
    """The window of adaptive pooling: output i reads ⌊i·n/m⌋ up to, not including, ⌈(i+1)·n/m⌉.

    >>> adaptive(7, 7)
    Window(kernel=1, stride=1, dilation=1, before=0, after=0, up=1)
    >>> adaptive(224, 7)
    Window(kernel=32, stride=32, dilation=1, before=0, after=0, up=1)
    >>> adaptive(7, 3).output(7)
    3
    """
    common = gcd(size, output)
    stride, up = size // common, output // common
    return Window(stride + up - 1, stride, 1, up - 1, up - 1, up)


def resampled(
    size: int,
    output: int,
    step: "tuple[int, int]",
    offset: "tuple[int, int]",
    reach: int,
    *,
    smooth: bool = False,
) -> Window:
    """The window of resampling: output o reads around position o·step + offset of the input.

    `step` and `offset` are ratios of integers, and `reach` is how many input values an output
    reads: 1 for nearest (the value at or before the position), 2 for linear, 4 for cubic. If it is
    `smooth`, it reads as many steps, and not values, around the position, so that a map that
    shrinks leaves none out.

    >>> resampled(4, 8, (1, 2), (0, 1), 1).output(4)
    8
    >>> resampled(9, 3, (3, 1), (1, 1), 2, smooth=True)  # two each side of 1, 4 and 7
    Window(kernel=5, stride=3, dilation=1, before=1, after=1, up=1)
    """
    numerator, denominator = step
    shift, shift_denominator = offset
    common = denominator * shift_denominator // gcd(denominator, shift_denominator)
    stride = numerator * (common // denominator)
    moved = shift * (common // shift_denominator)
    reduced = gcd(gcd(stride, moved), common)
    stride, moved, up = stride // reduced, moved // reduced, common // reduced
    if stride == 0:  # corners aligned over a single value: every output reads it
        return Window(output, 1, 1, output - 1, output - 1, output)
    if smooth:
        behind = ahead = reach // 2 * max(stride, up) - 1
        kind = Window
    else:
        if up == 1:  # every position is that of a value, which is then read alone
            reach = 1
        kind = Interpolated if reach > 2 else Window
        # Values strictly within reach/2 either side of the position; nearest looks only backwards.
        behind, ahead = (up - 1, 0) if reach == 1 else (reach // 2 * up - 1, reach // 2 * up - 1)
    kernel = behind + ahead + 1
    before = behind - moved
    after = (output - 1) * stride + kernel - ((size - 1) * up + 1) - before
    return kind(kernel, stride, 1, before, after, up)


MOST = 2**62
"""Largest magnitude of a `Field`'s numbers, as many values as a tensor may have."""
FINEST = 2**512
"""Largest denominator of a `Field`'s fractions."""
PHASES = 512
"""Longest pattern of phases that a `Field` keeps; beyond it, sizes are upper bounds."""


class Field(NamedTuple):
    """What one output position sees of the network's input, along one axis.

    Output o sees the `size` input values from ``start + o·jump`` on. After upsampling neighbouring
    outputs see more or fewer values than each other, in a pattern that repeats (`phases`): `size`
    is then the largest number, and `start` and `jump`, which may be fractions, hold on average.

    The arithmetic is that of an endless line: padding counts as if the input went on there. That is
    the receptive field as it is published, as long as all outputs see alike. Where they do not
    (`counted`), a map's border is the end of what can be seen, and the largest number of values
    seen has to be counted; this arithmetic gives an upper bound of it.

    Source: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks",
    Distill 2019, equations 2 to 4.
    """

    size: int = 1
    """Receptive field size; 0 when nothing is seen."""
    jump: "Rational" = 1
    """Effective stride: input values from one output to the next; 0 when all see the same."""
    start: "Rational" = 0
    """First input value that output 0 sees; minus the effective padding."""
    phases: "tuple[Seen, ...]" = ()
    """What outputs 0 to P − 1 see, when that differs; output o + P sees the same P·jump further."""
    whole: int = 0
    """Extent of the input where every output sees all of it as well (a gate over the map)."""
    counted: bool = False
    """Whether outputs see more or fewer values than each other, so that they must be counted."""
    exact: bool = True
    """Whether some output sees `size` values; otherwise it is an upper bound."""

    @property
    def stride(self) -> "Rational":
        """Effective stride, as formats call `jump`."""
        return self.jump

    @property
    def padding(self) -> "Rational":
        """Effective padding: how far output 0 sees in front of the input."""
        return -self.start

    def clamped(self) -> "Field":
        """The same with numbers that do not grow without end: beyond `MOST` they are `MOST`.

        A thousand strides multiply to a number of a thousand digits, and as many resamplings by
        1.01 to a fraction of them, which is rounded at `FINEST`; `size` then is an upper bound.
        """
        size, jump, start, *_ = self
        if size > MOST or jump > MOST or not -MOST <= start <= MOST:
            return Field(MOST, MOST if jump else 0, -MOST, (), self.whole, True, False)
        if jump.__class__ is start.__class__ is int:  # as most are
            return self
        if jump.denominator <= FINEST and start.denominator <= FINEST:
            return self
        from fractions import Fraction

        # Over as many outputs as there may be, the rounding is less than a position.
        return self._replace(
            size=size + 2,
            jump=Fraction(floor(jump * FINEST), FINEST),
            start=Fraction(floor(start * FINEST), FINEST) - 1,
            counted=True,
            exact=False,
        )

    def sees(self, output: int) -> "Seen":
        """First value that an output sees, and the one behind the last; None when it sees none.

        >>> twice = Field().through(Window(kernel=2, before=1, after=1, up=2))
        >>> [twice.sees(output) for output in range(4)]  # the nearest value
        [(0, 1), (0, 1), (1, 2), (1, 2)]
        """
        if self.phases:
            period = len(self.phases)
            turn, phase = divmod(output, period)
            seen = self.phases[phase]
            further = int(turn * period * self.jump)
            return None if seen is None else (seen[0] + further, seen[1] + further)
        first = self.start + output * self.jump
        return (floor(first), ceil(first + self.size)) if self.size else None

    def through(self, window: Window) -> "Field":
        """The field after a layer that slides `window` over this one.

        >>> Field().through(Window(kernel=3)).through(Window(kernel=3, stride=2))[:3]
        (5, 2, 0)
        """
        kernel, stride, dilation, before, _, up = window
        size, jump, start, phases, whole, counted, _ = self
        if window.__class__ is Tiled:  # a call less than isinstance, of every axis of every layer
            return self._through_tiles(window)
        if up > 1 and (whole or jump == 0) and (dilation > 1 or kernel < up):
            # Some outputs see nothing, not even what all others see.
            local = self._replace(whole=0).through(window) if jump else self
            most = max(local.size, whole)
            return local._replace(size=most, phases=(), counted=True, exact=False)
        if size == 0 or jump == 0:
            return self
        if up == 1 and isinstance(jump, int) and not phases:
            size += dilation * (kernel - 1) * jump
            start -= before * jump
            if whole or counted:
                return self._replace(size=size, jump=jump * stride, start=start)
            return Field(size, jump * stride, start)
        spread = up * (len(phases) or 1)
        period = spread // gcd(stride, spread)
        if period > PHASES or not (phases or isinstance(jump, int)):
            return self._bounded(window)
        seen = tuple(self._phase(window, output) for output in range(period))
        return self._of_phases(_ratio(jump * stride, up), seen)

    def _through_tiles(self, window: Tiled) -> "Field":
        """The field of outputs that each see what a tile of this one sees."""
        if self.size == 0 or self.jump == 0 or window.tile == 1:
            return self
        period = lcm(window.tile, len(self.phases) or 1)
        if period > PHASES or not (self.phases or isinstance(self.jump, int)):
            return self._bounded(window)
        seen = tuple(self._phase(window, output) for output in range(period))
        return self._of_phases(self.jump, seen)

    def _phase(self, window: Window, output: int) -> "Seen":
        """What one output of `window` sees: all that the values under its taps see."""
        value, step, hits = met(window, output)
        if not hits:
            return None  # all taps fall into gaps
        # What the values see repeats after so many hits, further on.
        turn = min(hits, len(self.phases) or 1)
        front = [self.sees(value + hit * step) for hit in range(turn)]
        rear = [self.sees(value + hit * step) for hit in range(hits - turn, hits)]
        starts = [seen[0] for seen in front if seen]
        ends = [seen[1] for seen in rear if seen]
        return (min(starts), max(ends)) if starts and ends else None

    def _of_phases(self, jump: "Rational", phases: "tuple[Seen, ...]") -> "Field":
        seeing = [(output, *seen) for output, seen in enumerate(phases) if seen]
        if not seeing:
            return self._replace(size=0, jump=0, start=0, phases=(), counted=True)
        size = max(end - first for _, first, end in seeing)
        middles = sum(first + end - 1 - 2 * output * jump for output, first, end in seeing)
        start = _ratio(middles - (size - 1) * len(seeing), 2 * len(seeing))
        kept = phases if len(phases) > 1 else ()
        return Field(size, jump, start, kept, self.whole, True, self.exact)

    def _bounded(self, window: Window) -> "Field":
        """An interval that holds what each output sees, where phases are too many to keep."""
        kernel, stride, dilation, before, _, up = window
        step = _ratio(self.jump, up)
        low, high = _interval(self)
        low -= before * step
        high += (dilation * (kernel - 1) - before) * step
        return self._of_interval(step * stride, low, high)

    def _of_interval(self, jump: "Rational", low: "Rational", high: "Rational") -> "Field":
        jump = _ratio(jump, 1)
        if isinstance(jump, int):
            low, high = floor(low), ceil(high)
        size = ceil(high - low) + 1
        start = _ratio(low + high - (size - 1), 2)
        return Field(size, jump, start, (), self.whole, True, False)

    def collapsed(self, positions: int) -> "Field":
        """All positions of an axis seen at once, by outputs that have no position of their own.

        >>> Field(3, 1, -1).collapsed(5)[:3]
        (7, 0, -1)
        """
        turn = min(positions, len(self.phases) or 1)
        outputs = (*range(turn), *range(positions - turn, positions))
        intervals = [seen for output in outputs if (seen := self.sees(output))]
        start = min((seen[0] for seen in intervals), default=0)
        size = max((seen[1] for seen in intervals), default=0) - start
        exact = self.exact and positions == 1
        return Field(size, 0, start, (), self.whole, True, exact)

    def aligned(self, other: "Field") -> bool:
        """Whether outputs of both fields look at the same place: equal stride and centre."""
        if not self.jump or not other.jump:
            return True
        return (
            self.jump == other.jump and 2 * self.start + self.size == 2 * other.start + other.size
        )

    def union(self, other: "Field") -> "Field":
        """The field of an output computed from both, whose strides are equal.

        >>> Field(3, 1, -1).union(Field(7, 1, -3))[:3]
        (7, 1, -3)
        """
        if not self.size or not other.size:
            return self if self.size else other
        hull = self._beside(other)
        if self.counted or other.counted or self.whole or other.whole:
            return hull._replace(
                whole=max(self.whole, other.whole),
                counted=self.counted or other.counted,
                exact=hull.exact and self.exact and other.exact,
            )
        return hull

    def _beside(self, other: "Field") -> "Field":
        if isinstance(self.jump, int) and not (self.phases or other.phases):
            start = min(self.start, other.start)
            end = max(self.start + self.size, other.start + other.size)
            return Field(ceil(end - start), self.jump, start)
        own, others = len(self.phases), len(other.phases)
        period = lcm(own or 1, others or 1)
        if period > PHASES or not (isinstance(self.jump, int) or (own and others)):
            (low, high), (lower, higher) = _interval(self), _interval(other)
            return self._of_interval(self.jump, min(low, lower), max(high, higher))
        pairs = ((self.sees(output), other.sees(output)) for output in range(period))
        return self._of_phases(self.jump, tuple(_hull(*pair) for pair in pairs))


def met(window: Window, output: int) -> tuple[int, int, int]:
    """The values under the taps of an output: the first, the step to the next, how many there are.

    They may lie beyond the map, whose values are numbered from 0 on.

    >>> met(Window(kernel=3, dilation=2, before=2), 0)
    (-2, 2, 3)
    >>> met(Tiled(7, 4), 5), met(Tiled(8, step=2), 3)
    ((4, 1, 7), (1, 2, 4))
    >>> met(Window(kernel=3, before=1, up=2), 0)  # gap, value, gap
    (0, 1, 1)
    """
    kernel, stride, dilation, before, _, up = window
    if isinstance(window, Tiled):
        begins = window.begins(output)
        tooth = (output - begins) % window.step
        return begins + tooth, window.step, window.tile // window.step
    first = output * stride - before
    if up == 1:
        return first, dilation, kernel
    if isinstance(window, Interpolated) and not (first + kernel // 2) % up:
        return (first + kernel // 2) // up, 1, 1
    common = gcd(dilation, up)
    if first % common:
        return 0, 1, 0
    # Taps tap, tap + every, … meet values; the others fall into gaps.
    every = up // common
    tap = -first // common * pow(dilation // common, -1, every) % every
    return (first + tap * dilation) // up, dilation // common, (kernel - 1 - tap) // every + 1


def values_under(window: Window, output: int, first: int, stop: int) -> range:
    """The values from `first` up to, not including, `stop` under the taps of an output.

    >>> [*values_under(Window(kernel=3, stride=2, dilation=2, before=1), 0, 0, 7)]  # −1 is padding
    [1, 3]
    >>> [*values_under(adaptive(7, 3), 1, 0, 7)]
    [2, 3, 4]
    """
    value, step, hits = met(window, output)
    skipped = min(max(-((value - first) // step), 0), hits)
    end = min(max(-((value - stop) // step), skipped), hits)
    return range(value + skipped * step, value + end * step, step)


def meeting(window: Window, value: int, outputs: int) -> range:
    """The outputs, of so many, that have a tap on a value: the other way round of `met`.

    Of an interpolating window some of them lie right on another value, and read that one alone.

    >>> meeting(Window(kernel=3, before=1, after=1), 0, 8)
    range(0, 2)
    >>> [*meeting(Window(kernel=3, dilation=2), 4, 8)]  # every other output
    [0, 2, 4]
    """
    kernel, stride, dilation, before, _, up = window
    if isinstance(window, Tiled):  # each is read by those that it reads
        return values_under(window, value, 0, outputs)
    place = value * up + before
    common = gcd(stride, dilation)
    if place % common:
        return range(0)  # it always lies between two taps
    every = dilation // common
    lowest = max(-((dilation * (kernel - 1) - place) // stride), 0)
    # Outputs whose taps come to the place: output·stride and place differ by whole dilations.
    turn = place // common * pow(stride // common, -1, every) % every
    first = lowest + (turn - lowest) % every
    return range(first, max(min(place // stride + 1, outputs), first), every)


def read_by(window: Window, value: int, outputs: int) -> bool:
    """Whether any of the outputs reads a value."""
    those = meeting(window, value, outputs)
    if not isinstance(window, Interpolated):
        return bool(those)
    return any(reads(window, output, value) for output in those)


def reads(window: Window, output: int, value: int) -> bool:
    """Whether an output has a tap on a value and reads it.

    >>> reads(Window(kernel=3, dilation=2), 0, 1), reads(Window(kernel=3, dilation=2), 0, 2)
    (False, True)
    """
    first, step, hits = met(window, output)
    return value in range(first, first + hits * step, step)


def inside(window: Window, low: int, high: int) -> tuple[int, int]:
    """The first and the last output whose taps all meet values from `low` to `high`, or gaps.

    >>> inside(Window(kernel=3, before=1, after=1), 0, 7)
    (1, 6)
    >>> inside(Tiled(3, 1), 0, 8)  # 0, then 1 to 3 and 4 to 6, then 7 and 8
    (1, 6)
    """
    kernel, stride, dilation, before, _, up = window
    if isinstance(window, Tiled):
        begins = window.begins(low)
        rest = window.begins(high + 1)
        return begins if begins == low else begins + window.tile, rest - 1
    first = up * (low - 1) + 1 + before
    last = up * (high + 1) - 1 + before - dilation * (kernel - 1)
    return -(-first // stride), last // stride


def _interval(field: Field) -> "tuple[Rational, Rational]":
    """The first and the last value that any output o sees, less o·jump."""
    if not field.phases:
        return field.start, field.start + field.size - 1
    seeing = [(output, *seen) for output, seen in enumerate(field.phases) if seen]
    low = min(first - output * field.jump for output, first, _ in seeing)
    return low, max(end - 1 - output * field.jump for output, _, end in seeing)


def _ratio(numerator: "Rational", denominator: int) -> "Rational":
    """Their quotient, an integer where it is one."""
    if denominator == 1 and isinstance(numerator, int):
        return numerator
    from fractions import Fraction  # slow to import, and few networks upsample

    quotient = Fraction(numerator) / denominator
    return int(quotient) if quotient.denominator == 1 else quotient


def _hull(one: "Seen", other: "Seen") -> "Seen":
    """From the first value of both to the last."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])
