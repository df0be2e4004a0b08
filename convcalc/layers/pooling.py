"""Pooling with a kernel that slides over each channel by itself."""

from collections.abc import Iterator, Sequence
from math import inf, nan, prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import borders, in_pieces, meetings, padded, unpadded
from convcalc.layers.base import (
    INFERENCE,
    MAX_NUMBER,
    MAX_WHOLE,
    ROUNDING,
    Arrays,
    Axes,
    Extents,
    Gradients,
    Growth,
    Layer,
    Padding,
    Plan,
    Reasons,
    Rounding,
    Run,
    Weights,
    axes,
    flag,
    number,
    padding_field,
    whole,
)
from convcalc.layers.sliding import (
    check_pool_padding,
    check_sliding,
    output_sizes,
    sliding_growth,
    unrounded_windows,
    windows_of,
)
from convcalc.shape import Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation

UNPADDED = {"pad": "the padding is left out, and no copy has it"}
STRIDE = axes("Stride S; the kernel size when left out.", letter="S")


def pooling_plan(layer: "MaxPool | AvgPool | LpPool", x: Shape) -> Plan:
    """Plan of a pooling layer: channels untouched, nothing learned."""
    windows = windows_of(layer, x.spatial)
    return Plan(Shape(x.channels, output_sizes(windows, x.spatial)), positions=windows)


def window_sums(xp: Any, x: Any, windows: Sequence[Window]) -> Any:
    """The sum of the values under the kernel at every output."""
    y = xp.zeros((*x.shape[:2], *output_sizes(tuple(windows), x.shape[2:])), dtype=x.dtype)
    for _, places, values in meetings(windows, x.shape[2:]):
        y[places] += x[values]
    return y


def window_spread(xp: Any, dy: Any, windows: Sequence[Window], spatial: Sequence[int]) -> Any:
    """The adjoint of `window_sums`: each value gets what the windows have that it lies in."""
    dx = xp.zeros((*dy.shape[:2], *spatial), dtype=dy.dtype)
    for _, places, values in meetings(windows, spatial):
        dx[values] += dy[places]
    return dx


def taps_within(window: Window, first: int, end: int) -> int:
    """How many taps lie from `first` up to, not including, `end` behind where the window starts.

    >>> taps_within(Window(kernel=3, dilation=2), 1, 5)
    2
    """
    from_tap = max(-(-first // window.dilation), 0)
    return max(min(-(-end // window.dilation), window.kernel) - from_tap, 0)


def counted(xp: Any, y: Any, axis: int, window: Window, size: int, padding: tuple[int, int]) -> Any:
    """How many positions each window of `y` along `axis` covers of `size` values and `padding`."""
    first, end = -padding[0], size + padding[1]

    def piece(outputs: range) -> Any:
        starts = [output * window.stride - window.before for output in outputs]
        counts = [taps_within(window, first - start, end - start) for start in starts]
        return xp.asarray(counts, dtype=y.dtype)

    counts = in_pieces(xp, 0, y.shape[axis], piece)
    return counts.reshape(-1, *(1,) * (y.ndim - 1 - axis))


def maxima(xp: Any, x: Any, windows: Sequence[Window]) -> Any:
    """The largest value under the kernel at every output; −∞ where it meets none."""
    y = xp.full((*x.shape[:2], *output_sizes(tuple(windows), x.shape[2:])), -inf, dtype=x.dtype)
    for _, places, values in meetings(windows, x.shape[2:]):
        y[places] = xp.maximum(y[places], x[values])
    return y


def numbered(xp: Any, spatial: Sequence[int]) -> Any:
    """The number of each position of a map, in the order in which they lie."""
    return xp.arange(prod(spatial)).reshape(tuple(spatial))


def largest(xp: Any, x: Any, y: Any, windows: Sequence[Window]) -> Any:
    """Where the largest value under the kernel stands first: its number among those of the map."""
    numbers = numbered(xp, x.shape[2:])
    indices = xp.zeros(y.shape, dtype=numbers.dtype)
    for _, places, values in reversed(list(meetings(windows, x.shape[2:]))):
        met = x[values]
        here = (met == y[places]) | xp.isnan(met)
        indices[places] = xp.where(here, numbers[values], indices[places])
    return indices


def to_indices(xp: Any, dy: Any, indices: Any, spatial: Sequence[int]) -> Any:
    """The adjoint of taking values by their numbers: each gradient is added where its value was."""
    count, channels = dy.shape[:2]
    dx = xp.zeros((count * channels, prod(spatial)), dtype=dy.dtype)
    rows = xp.arange(count * channels).reshape(-1, 1)
    xp.add.at(dx, (rows, indices.reshape(count * channels, -1)), dy.reshape(count * channels, -1))
    return dx.reshape(count, channels, *spatial)


ODD = 2**24
"""Beyond this, every whole number of float32 is even, and no negative value stays one."""


def power(xp: Any, x: Any, exponent: float) -> Any:
    """x^exponent, NaN where a negative number has no such power."""
    whole = float(exponent).is_integer()
    if whole and abs(exponent) <= ODD:
        return x ** int(exponent)
    bounded = max(-MAX_NUMBER, min(exponent, MAX_NUMBER))
    return (abs(x) if whole else xp.where(x < 0, nan, x)) ** bounded


@final
class MaxPool(Layer):
    """Max pooling: the largest value under the kernel, in each channel; padding never wins.

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×C.
    Source: CS231n notes, "Pooling Layer"; ONNX operator MaxPool; torch.nn.MaxPool2d.
    """

    ceils: ClassVar[bool] = True
    keeps = "input"
    unmade: ClassVar[Reasons] = UNPADDED

    kernel: Annotated[Axes, axes("Kernel size F.", letter="F")]
    stride: Annotated[Axes | None, STRIDE] = None
    padding: Annotated[
        Padding, padding_field("Padding P, at most half the kernel.", letter="P")
    ] = 0
    dilation: Annotated[
        Axes, axes("Distance D between taps; 1 is the ordinary kernel.", letter="D")
    ] = 1
    rounding: Annotated[Rounding, ROUNDING] = "exact"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input."""
        yield from check_sliding("maxpool", self, xs[0])
        yield from check_pool_padding(self, xs[0])

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """One position more with every stride."""
        return sliding_growth(self, rank)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return pooling_plan(self, xs[0])

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept, and where each largest value stood: 8 bytes an output."""
        from convcalc.layers.operations import (
            Array,
            Operation,
            as_image,
            border,
            pooling_precision,
        )

        size = plan.output.size
        pool = Operation(
            size,
            keeps=self.keeps,
            extra=(Array("indices", size, width=8),),
            precision=pooling_precision(xs[0]),
            layout="format",
        )
        return as_image(xs[0], border(xs[0], unrounded_windows(self, xs[0].spatial)), pool)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[o] = max of x[o·S + t·D − P], the padding left out. Source: torch.nn.MaxPool2d."""
        x = xs[0]
        windows = windows_of(self, x.shape[2:])
        y = maxima(xp, x, windows)
        if run.training:
            run.keep("indices", largest(xp, x, y, windows))
        return y

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """To the largest value of each window, the first of equal ones: the notes' switches."""
        return {0: to_indices(xp, dy, kept["indices"], kept.shapes[0].spatial)}


@final
class AvgPool(Layer):
    """Average pooling: the mean of the values under the kernel, in each channel.

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×C.
    Source: ONNX operator AveragePool; torch.nn.AvgPool2d.
    """

    ceils: ClassVar[bool] = True
    keeps = "input"
    unmade: ClassVar[Reasons] = UNPADDED

    kernel: Annotated[Axes, axes("Kernel size F.", letter="F")]
    stride: Annotated[Axes | None, STRIDE] = None
    padding: Annotated[
        Padding, padding_field("Padding P, at most half the kernel.", letter="P")
    ] = 0
    dilation: Annotated[
        Axes, axes("Distance D between taps; 1 is the ordinary kernel.", letter="D")
    ] = 1
    count_include_pad: Annotated[bool, flag("Count the padding's zeros in the mean.")] = True
    divisor: Annotated[int | None, whole("Divide by this instead of the count.", 1)] = None
    rounding: Annotated[Rounding, ROUNDING] = "exact"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input."""
        yield from check_sliding("avgpool", self, xs[0])
        yield from check_pool_padding(self, xs[0])

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """One position more with every stride."""
        return sliding_growth(self, rank)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return pooling_plan(self, xs[0])

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept."""
        from convcalc.layers.operations import (
            VOLUME,
            Operation,
            as_image,
            border,
            pooling_layout,
            pooling_precision,
        )

        pool = Operation(
            plan.output.size,
            keeps=self.keeps,
            precision=pooling_precision(xs[0]),
            layout=pooling_layout(xs[0], plan),
            back_layout="fresh" if xs[0].rank == VOLUME else "output",
        )
        return as_image(xs[0], border(xs[0], unrounded_windows(self, xs[0].spatial)), pool)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[o] = Σ x[o·S + t − P]/count. Source: torch.nn.AvgPool2d.

        `count_include_pad` is on by default, as in PyTorch, and off in ONNX operator AveragePool.
        The count is F; what a window of ceil mode reaches beyond the padding is not counted, nor
        is the padding itself unless `count_include_pad`; `divisor` replaces it.
        """
        x = xs[0]
        windows = windows_of(self, x.shape[2:])
        return self._divided(xp, window_sums(xp, x, windows), x.shape[2:])

    def _divided(self, xp: Any, total: Any, spatial: tuple[int, ...]) -> Any:
        """What was summed over a window's values, or is to be spread over them, by their count."""
        if self.divisor is not None:
            return total / self.divisor
        given = unrounded_windows(self, spatial)
        for axis, (window, size) in enumerate(zip(given, spatial, strict=True), 2):
            padding = (window.before, window.after) if self.count_include_pad else (0, 0)
            total = total / counted(xp, total, axis, window, size, padding)
        return total

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Spread evenly: every value of a window gets the same share of its gradient."""
        spatial = kept.shapes[0].spatial
        share = self._divided(xp, dy, spatial)
        return {0: window_spread(xp, share, windows_of(self, spatial), spatial)}


def _on_padded(windows: Sequence[Window], given: Sequence[Window]) -> tuple[Window, ...]:
    """The windows on a map that has the padding of those `given`, which are not rounded up."""
    return tuple(
        each._replace(before=0, after=each.after - window.after)
        for each, window in zip(windows, given, strict=True)
    )


@final
class LpPool(Layer):
    """Lp pooling: (Σ x^p)^(1/p) of the values under the kernel, in each channel; L2 by default.

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×C.
    Source: CS231n notes, "General pooling"; ONNX operator LpPool; torch.nn.LPPool2d.
    """

    ceils: ClassVar[bool] = True
    unmade: ClassVar[Reasons] = {
        "mean": "the sum is taken at once, without dividing by the count and multiplying again",
        "sign": "sign(y)·relu(|y|) is y, which is taken as it is",
        "relu": "sign(y)·relu(|y|) is y, which is taken as it is",
    }

    kernel: Annotated[Axes, axes("Kernel size F.", letter="F")]
    stride: Annotated[Axes | None, STRIDE] = None
    padding: Annotated[
        Padding, padding_field("Padding P with zeros, at most half the kernel.", letter="P")
    ] = 0
    norm: Annotated[float, number("Exponent p.", above=0, maximum=MAX_WHOLE)] = 2
    rounding: Annotated[Rounding, ROUNDING] = "exact"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input."""
        yield from check_sliding("lppool", self, xs[0])
        yield from check_pool_padding(self, xs[0])

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """One position more with every stride."""
        return sliding_growth(self, rank)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return pooling_plan(self, xs[0])

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """(sign(y)·relu(|y|)·F)^(1/p), y the mean of x^p: each step keeps what it needs."""
        from convcalc.layers.operations import (
            VOLUME,
            Operation,
            as_image,
            padding,
            pooling_layout,
            pooling_precision,
        )
        from convcalc.layers.operations import power as raised

        x, size = xs[0], plan.output.size
        windows = unrounded_windows(self, x.spatial)
        bordered = any(window.before or window.after for window in windows)
        first = (padding(x, windows, "zero"),) if bordered else ()
        inside = first[-1].output if first else x.size
        first = (*first, raised(inside, len(first)))
        precision, layout = pooling_precision(x), pooling_layout(x, plan)
        pool = Operation(
            size,
            keeps="input",
            precision=precision,
            layout=layout,
            back_layout="fresh" if x.rank == VOLUME else "output",
            name="mean",
        )
        mean = as_image(x, first, pool)
        y, kept = len(mean), Operation(size, layout="kept", back_layout="gradient")
        return (
            *mean,
            kept._replace(reads=(y,), name="sign"),
            kept._replace(reads=(y,), keeps="input", scratch=size, name="abs"),
            kept._replace(reads=(y + 2,), keeps="output", back_layout="output", name="relu"),
            kept._replace(
                reads=(y + 1, y + 3), keeps="factors", gradient="product", name="multiply"
            ),
            kept._replace(reads=(y + 4,), name="times"),
            raised(size, y + 5)._replace(holds=(y,)),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[o] = (Σ x[o·S + t − P]^p)^(1/p). Source: torch.nn.LPPool2d.

        As in PyTorch, x^p keeps its sign, so an odd p gives NaN where the sum is negative (ONNX
        operator LpPool takes |x|), and the sum of a window that ceil mode lets reach beyond the
        padding is scaled up to a whole kernel.
        """
        x, spatial = xs[0], xs[0].shape[2:]
        windows, given = windows_of(self, spatial), unrounded_windows(self, spatial)
        # Padding adds 0^p, which is 0: only training, which keeps it, has it made.
        if run.training and any(window.before or window.after for window in given):
            x = run.keep("pad", padded(xp, x, borders(given)))
            windows = _on_padded(windows, given)
        total = window_sums(xp, run.keep("power", power(xp, x, self.norm)), windows)
        total = self._scaled_up(xp, total, spatial)
        return power(xp, run.keep("times", total), 1 / self.norm)

    def _scaled_up(self, xp: Any, sums: Any, spatial: Extents) -> Any:
        """Sums of windows that ceil mode lets reach beyond the padding, as of a whole kernel."""
        windows, given = windows_of(self, spatial), unrounded_windows(self, spatial)
        for axis, (window, size) in enumerate(zip(given, spatial, strict=True), 2):
            if windows[axis - 2] != window:
                padding = (window.before, window.after)
                sums = sums * window.kernel / counted(xp, sums, axis, window, size, padding)
        return sums

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """With s the windows' sums, dx = x^(p − 1)·Σ dy·s^(1/p − 1) over those that x is in.

        The p of x's slope and the 1/p of the root's are 1.

        As in PyTorch, a sum of 0 has the gradient 0, whatever the slope of its root.
        """
        spatial, total = kept.shapes[0].spatial, kept["times"]
        given = unrounded_windows(self, spatial)
        empty = total == 0
        back = dy * power(xp, xp.where(empty, 1, total), 1 / self.norm - 1)
        back = xp.where(empty, 0, back)
        x = kept["pad"] if "pad" in kept else kept["input"]
        windows = _on_padded(windows_of(self, spatial), given)
        sums = window_spread(xp, self._scaled_up(xp, back, spatial), windows, x.shape[2:])
        return {0: unpadded(xp, sums * power(xp, x, self.norm - 1), borders(given))}
