"""Convolutions that share their weights over positions."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import (
    borders,
    inside,
    makes_border,
    over_positions,
    padded,
    per_channel,
    unpadded,
)
from convcalc.layers.base import (
    BIAS,
    INFERENCE,
    ROUNDING,
    Arrays,
    Axes,
    Gradients,
    Growth,
    Layer,
    Padding,
    PaddingMode,
    Plan,
    Product,
    Rounding,
    Run,
    Weight,
    Weights,
    axes,
    choice,
    padding_field,
    whole,
)
from convcalc.layers.sliding import (
    check_groups,
    check_padded_border,
    check_sliding,
    output_sizes,
    per_axis,
    sliding_growth,
    windows_of,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation

PADDING_MODE = choice("What the border holds.", "zero", "reflect", "replicate", "circular")


def convolution_plan(
    layer: "Conv | DepthwiseConv", x: Shape, filters: int, groups: int, *, bias: bool
) -> Plan:
    """Plan of `filters` filters over `x`, each reading one of `groups` groups of channels."""
    windows = windows_of(layer, x.spatial)
    output = Shape(filters, output_sizes(windows, x.spatial))
    weight = Weight("weight", (filters, x.channels // groups, *per_axis(layer.kernel, x.rank)))
    weights = (weight, Weight("bias", (filters,))) if bias else (weight,)
    return Plan(
        output, weights, (Product(prod(output.spatial) * weight.size, weight.name),), windows
    )


def convolution_forward(
    layer: "Conv | DepthwiseConv", groups: int, xp: Any, weights: Weights, x: Any, run: Run
) -> Any:
    """Sum over the taps: each filter's weights at a tap times the channels that the tap meets."""
    from convcalc.layers.tapwise import gathered  # only who runs a network

    windows, mode = windows_of(layer, x.shape[2:]), layer.padding_mode
    x = padded(xp, x, borders(windows), mode)
    if makes_border(windows, mode):
        run.keep("pad", x)
    y = gathered(xp, weights["weight"], groups, x, inside(windows))
    if "bias" in weights:
        y += per_channel(weights["bias"], y)
    return y


def convolution_backward(
    layer: "Conv | DepthwiseConv", groups: int, xp: Any, weights: Weights, kept: "Kept", dy: Any
) -> Gradients:
    """The notes' rule: a convolution's backward pass is a convolution with flipped filters.

    Each tap that took a value of x to an output takes the output's gradient back to that value, and
    the weight's gradient is the sum of what its tap met times the gradient of what it made.
    """
    from convcalc.layers.tapwise import correlated, scattered

    weight, (shape,) = weights["weight"], kept.shapes
    windows, mode = windows_of(layer, shape.spatial), layer.padding_mode
    inner, around = inside(windows), borders(windows)
    gradients: Gradients = {}
    if kept.asks(0):
        spatial = [size + sum(pair) for size, pair in zip(shape.spatial, around, strict=True)]
        dx = scattered(xp, weight, groups, dy, inner, spatial)
        gradients[0] = unpadded(xp, dx, around, mode)
    if kept.asks("weight"):
        x = kept["pad"] if "pad" in kept else padded(xp, kept["input"], around, mode)
        gradients["weight"] = correlated(xp, dy, groups, x, inner, weight.shape)
    if kept.asks("bias"):
        gradients["bias"] = over_positions(dy)
    return gradients


@final
class Conv(Layer):
    """Convolution: each filter slides over all channels of its group (a cross-correlation).

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×filters, in 1, 2 or 3 dimensions.
    Source: CS231n notes, "Convolutional Layer"; ONNX operator Conv; torch.nn.Conv2d.
    """

    keeps = "input"
    precision = "low"
    layout = "format"

    filters: Annotated[int, whole("Number of filters K: channels out.", 1, letter="K")]
    kernel: Annotated[Axes, axes("Kernel size F.", letter="F")]
    stride: Annotated[Axes, axes("Stride S.", letter="S")] = 1
    padding: Annotated[Padding, padding_field("Padding P.", letter="P")] = 0
    dilation: Annotated[
        Axes, axes("Distance D between taps; 1 is the ordinary kernel.", letter="D")
    ] = 1
    groups: Annotated[
        int, whole("Groups of channels G that do not see each other.", 1, letter="G")
    ] = 1
    bias: Annotated[bool, BIAS] = True
    padding_mode: Annotated[PaddingMode, PADDING_MODE] = "zero"
    rounding: Annotated[Rounding, ROUNDING] = "exact"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input; groups against the channels."""
        yield from check_sliding("conv", self, xs[0])
        yield from check_groups(xs[0].channels, self.filters, self.groups)
        yield from check_padded_border(self, self.padding_mode, xs[0])

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """One position more with every stride."""
        return sliding_growth(self, rank)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One weight per tap, channel of the group and filter; a MAC per weight and position."""
        return convolution_plan(self, xs[0], self.filters, self.groups, bias=self.bias)

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept; as a copy with its border, where the kernel cannot make that."""
        from convcalc.layers.operations import after, border

        first = border(xs[0], plan.windows, self.padding_mode)
        return after(first, *super().operations(xs, plan))

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[k, o] = Σ w[k, c, t]·x[c, o·S + t·D − P] + b[k]. Source: torch.nn.Conv2d."""
        return convolution_forward(self, self.groups, xp, weights, xs[0], run)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """dx[c, i] = Σ w[k, c, t]·dy[k, o] where o·S + t·D − P = i; dw = Σ x·dy; db = Σ dy."""
        return convolution_backward(self, self.groups, xp, weights, kept, dy)


@final
class DepthwiseConv(Layer):
    """Depthwise convolution: every channel has filters of its own and sees no other channel.

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×(C·multiplier).
    Source: Howard et al., arXiv:1704.04861; torch.nn.Conv2d with groups = channels.
    """

    keeps = "input"
    precision = "low"
    layout = "format"

    kernel: Annotated[Axes, axes("Kernel size F.", letter="F")]
    stride: Annotated[Axes, axes("Stride S.", letter="S")] = 1
    padding: Annotated[Padding, padding_field("Padding P.", letter="P")] = 0
    dilation: Annotated[
        Axes, axes("Distance D between taps; 1 is the ordinary kernel.", letter="D")
    ] = 1
    multiplier: Annotated[int, whole("Filters per channel M.", 1, letter="M")] = 1
    bias: Annotated[bool, BIAS] = True
    padding_mode: Annotated[PaddingMode, PADDING_MODE] = "zero"
    rounding: Annotated[Rounding, ROUNDING] = "exact"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input."""
        yield from check_sliding("depthwise_conv", self, xs[0])
        yield from check_padded_border(self, self.padding_mode, xs[0])

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """One position more with every stride."""
        return sliding_growth(self, rank)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One weight per tap and output channel; a MAC per weight and position."""
        channels = xs[0].channels
        return convolution_plan(self, xs[0], channels * self.multiplier, channels, bias=self.bias)

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept; as a copy with its border, where the kernel cannot make that."""
        from convcalc.layers.operations import after, border

        first = border(xs[0], plan.windows, self.padding_mode)
        return after(first, *super().operations(xs, plan))

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[c·m + j, o] = Σ w[c·m + j, t]·x[c, o·S + t·D − P] + b. Source: ONNX operator Conv."""
        return convolution_forward(self, xs[0].shape[1], xp, weights, xs[0], run)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """As a convolution with a group for every channel."""
        return convolution_backward(self, kept.shapes[0].channels, xp, weights, kept, dy)
