"""Transposed convolution."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem, either
from convcalc.layers.arrays import over_positions, padded, per_channel, unpadded
from convcalc.layers.base import (
    BIAS,
    INFERENCE,
    Arrays,
    Axes,
    Gradients,
    Growth,
    Layer,
    Padding,
    Plan,
    Product,
    Run,
    Weight,
    Weights,
    axes,
    padding_field,
    whole,
)
from convcalc.layers.sliding import (
    check_axes,
    check_groups,
    check_spatial,
    output_sizes,
    per_axis,
    sides,
)
from convcalc.numbers import times
from convcalc.shape import Shape
from convcalc.window import Window, transposed

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept


@final
class ConvTranspose(Layer):
    """Transposed convolution: spreads every input value over a kernel of outputs.

    Shapes: H×W×C → ((H − 1)·S + D·(F − 1) + 1 − 2P + output padding)×(…)×filters. Padding `same`
    makes the output S times as large as the input.
    Source: Dumoulin and Visin, arXiv:1603.07285, chapter 4; torch.nn.ConvTranspose2d.
    """

    keeps = "input"
    precision = "low"
    layout = "format"

    filters: Annotated[int, whole("Number of filters K: channels out.", 1, letter="K")]
    kernel: Annotated[Axes, axes("Kernel size F.", letter="F")]
    stride: Annotated[
        Axes, axes("Stride S: outputs from one input value to the next.", letter="S")
    ] = 1
    padding: Annotated[
        Padding, padding_field("Padding P, cut from the output's border.", letter="P")
    ] = 0
    output_padding: Annotated[Axes, axes("Rows O added behind the output.", 0, letter="O")] = 0
    dilation: Annotated[
        Axes, axes("Distance D between taps; 1 is the ordinary kernel.", letter="D")
    ] = 1
    groups: Annotated[
        int, whole("Groups of channels G that do not see each other.", 1, letter="G")
    ] = 1
    bias: Annotated[bool, BIAS] = True

    def _windows(self, rank: int) -> tuple[Window, ...]:
        pairs = sides(self.padding, rank)
        extra = per_axis(self.output_padding, rank)
        windows = []
        for kernel, stride, dilation, pair, behind in zip(
            per_axis(self.kernel, rank),
            per_axis(self.stride, rank),
            per_axis(self.dilation, rank),
            pairs,
            extra,
            strict=True,
        ):
            if self.padding == "same":
                surplus = dilation * (kernel - 1) + 1 - stride
                cut = max(surplus, 0) // 2, surplus - max(surplus, 0) // 2
            else:
                cut = pair
            windows.append(transposed(kernel, stride, dilation, *cut, behind))
        return tuple(windows)

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Padding that leaves nothing, output padding beyond the stride, groups."""
        x = xs[0]
        wrong = [
            *check_spatial("conv_transpose", x, self),
            *check_axes(
                x.rank,
                kernel=self.kernel,
                stride=self.stride,
                padding=self.padding,
                output_padding=self.output_padding,
                dilation=self.dilation,
            ),
        ]
        yield from wrong
        yield from check_groups(x.channels, self.filters, self.groups)
        if wrong:
            return
        if self.padding == "same" and any(per_axis(self.output_padding, x.rank)):
            yield self._said_twice(x)
            return
        for window, behind in zip(
            self._windows(x.rank), per_axis(self.output_padding, x.rank), strict=True
        ):
            if behind and behind >= max(window.up, window.dilation):
                yield Problem(
                    "CC302",
                    f"output_padding {behind} is not smaller than the stride {window.up} or the "
                    f"dilation {window.dilation}",
                    "output_padding",
                    self._less_behind(x),
                )
                return
        for window, size in zip(self._windows(x.rank), x.spatial, strict=True):
            if window.output(size) < 1:
                full = (size - 1) * window.up + window.extent
                cut = full - window.output(size)
                yield Problem(
                    "CC303",
                    f"padding cuts the whole output away: ({size} − 1)·{window.up} + "
                    f"{window.extent} − {cut} = {window.output(size)}",
                    "padding",
                    self._less_cut(x),
                )
                return

    def _less_behind(self, x: Shape) -> str:
        """The most output padding that there can be."""
        from convcalc.layers.remedies import changed, shown, works

        limits = [max(window.up, window.dilation) - 1 for window in self._windows(x.rank)]
        extra = self.output_padding
        less: Axes = min(limits)
        if isinstance(extra, tuple):
            less = tuple(min(pair) for pair in zip(extra, limits, strict=True))
        if not works(changed(self, output_padding=less), x):
            return "use an output_padding smaller than the stride or the dilation"
        return f"use {shown(less)}" if isinstance(less, tuple) else f"use at most {less}"

    def _less_cut(self, x: Shape) -> str:
        """The most padding with which something is left."""
        from convcalc.layers.remedies import changed, clipped, shown, works

        windows = zip(
            self._windows(x.rank), x.spatial, per_axis(self.output_padding, x.rank), strict=True
        )
        full = [(size - 1) * window.up + window.extent + behind for window, size, behind in windows]
        if self.padding == "same":
            return "cut less off"
        less = clipped(self.padding, [(rows - 1) // 2 for rows in full])
        if not works(changed(self, padding=less), x):
            return "cut less off"
        at_most = "a padding of at most" if isinstance(less, int) else "padding"
        return f"use {at_most} {shown(less)}"

    def _said_twice(self, x: Shape) -> Problem:
        """`same` says how large the output is, and so does output padding."""
        from convcalc.layers.remedies import changed, works

        extra = per_axis(self.output_padding, x.rank)
        windows = self._windows(x.rank)
        same = [size * window.up for window, size in zip(windows, x.spatial, strict=True)]
        # Keras pads such a layer by half its kernel on both sides.
        pads = [(window.extent // 2,) * 2 for window in windows]
        sizes = [
            (size - 1) * window.up + window.extent - sum(pair) + behind
            for window, size, pair, behind in zip(windows, x.spatial, pads, extra, strict=True)
        ]
        ways = [f"leave output_padding out for {times(same)}"]
        if works(changed(self, padding=tuple(pads)), x):
            written = f"write padding {list(map(list, pads))} for {times(sizes)}"
            ways.append(f"{written}, which is what Keras makes of both")
        return Problem(
            "CC302",
            f"`same` says that the output is {times(same)}, and output_padding "
            f"{times(extra)} adds to it",
            "output_padding",
            either(ways),
        )

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """A stride of positions more with every input value."""
        return tuple(map(Growth, per_axis(self.stride, rank)))

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One weight per tap, channel and filter of the group; a MAC per weight and input value."""
        x = xs[0]
        windows = self._windows(x.rank)
        weight = Weight(
            "weight", (x.channels, self.filters // self.groups, *per_axis(self.kernel, x.rank))
        )
        weights = (weight, Weight("bias", (self.filters,))) if self.bias else (weight,)
        output = Shape(self.filters, output_sizes(windows, x.spatial))
        products = (Product(prod(x.spatial) * weight.size, weight.name),)
        return Plan(output, weights, products, windows)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[k, i·S + t·D − P] += w[c, k, t]·x[c, i], then b[k]. Source: torch.nn.ConvTranspose."""
        from convcalc.layers.tapwise import scattered  # only who runs a network

        x, windows = xs[0], self._windows(xs[0].ndim - 2)
        mirrored, sizes = _mirrored(windows, x.shape[2:])
        y = scattered(xp, weights["weight"], self.groups, x, mirrored, sizes)
        y = padded(xp, y, _around(windows))
        return y + per_channel(weights["bias"], y) if self.bias else y

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """A transposed convolution goes back as a convolution goes forward.

        dx[c, i] = Σ w[c, k, t]·dy[k, i·S + t·D − P]; dw[c, k, t] = Σ x[c, i]·dy[k, …]; db = Σ dy.
        """
        from convcalc.layers.tapwise import correlated, gathered

        weight, (shape,) = weights["weight"], kept.shapes
        windows = self._windows(shape.rank)
        mirrored, _ = _mirrored(windows, shape.spatial)
        whole = unpadded(xp, dy, _around(windows))
        gradients: Gradients = {}
        if kept.asks(0):
            gradients[0] = gathered(xp, weight, self.groups, whole, mirrored)
        if kept.asks("weight"):
            x = kept["input"]
            gradients["weight"] = correlated(xp, x, self.groups, whole, mirrored, weight.shape)
        if kept.asks("bias"):
            gradients["bias"] = over_positions(dy)
        return gradients


def _mirrored(windows: Sequence[Window], spatial: Sequence[int]) -> tuple[list[Window], list[int]]:
    """Ordinary windows over the output that meet at position i what input value i adds to.

    With them the output's extents before its border is cut off.
    """
    sizes = [(size - 1) * w.up + w.extent for w, size in zip(windows, spatial, strict=True)]
    return [Window(w.kernel, w.up, w.dilation) for w in windows], sizes


def _around(windows: Sequence[Window]) -> list[tuple[int, int]]:
    """What is added to the output's border, below 0 what is cut off."""
    return [(w.before + 1 - w.extent, w.after + 1 - w.extent) for w in windows]
