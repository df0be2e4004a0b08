"""A depthwise convolution and a pointwise one behind it, as one layer."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
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
    Rounding,
    Run,
    Weight,
    Weights,
    axes,
    padding_field,
    whole,
)
from convcalc.layers.convolution import PADDING_MODE, Conv, DepthwiseConv
from convcalc.layers.sliding import check_padded_border, check_sliding, sliding_growth
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


@final
class SeparableConv(Layer):
    """Depthwise separable convolution: filters of each channel, then sums over all channels.

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×filters.
    Source: Chollet, arXiv:1610.02357; Keras SeparableConv2D, whose bias is the second's alone.
    """

    filters: Annotated[int, whole("Number of filters K: channels out.", 1, letter="K")]
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

    @property
    def parts(self) -> tuple[DepthwiseConv, Conv]:
        """The two convolutions."""
        first = DepthwiseConv(
            kernel=self.kernel,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            multiplier=self.multiplier,
            bias=False,
            padding_mode=self.padding_mode,
            rounding=self.rounding,
        )
        return first, Conv(filters=self.filters, kernel=1, bias=self.bias)

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input."""
        yield from check_sliding("separable_conv", self, xs[0])
        yield from check_padded_border(self, self.padding_mode, xs[0])

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """One position more with every stride."""
        return sliding_growth(self, rank)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A weight per tap and channel made, then one per channel and filter."""
        first, second = self.parts
        inside = first.plan(xs)
        outside = second.plan([inside.output])
        (weight,), (point, *bias) = inside.weights, outside.weights
        return Plan(
            outside.output,
            (weight, Weight("pointwise", point.shape), *bias),
            (*inside.products, outside.products[0]._replace(by="pointwise", of=None)),
            inside.positions,
        )

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Both convolutions, with a map between them that is kept."""
        first, second = self.parts
        inside = first.plan(xs)
        *border, deep = first.operations(xs, inside)
        (point,) = second.operations([inside.output], second.plan([inside.output]))
        names = {weight.name: weight for weight in plan.weights}
        point = point._replace(
            reads=(len(border) + 1,),
            learns=tuple(
                names["pointwise"] if weight.name == "weight" else weight for weight in point.learns
            ),
        )
        return (*border, deep._replace(name="depthwise"), point)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[k, o] = Σ p[k, j]·(Σ w[j, t]·x[⌊j/m⌋, o·S + t·D − P]) + b[k]. Source: Keras."""
        first, second = self.parts
        inside = run.keep("depthwise", first.forward(xp, {"weight": weights["weight"]}, xs, run))
        point = {"weight": weights["pointwise"]}
        if self.bias:
            point["bias"] = weights["bias"]
        return second.forward(xp, point, (inside,), run)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The second convolution's backward pass, then the first's."""
        from convcalc.layers.kept import Kept  # only who trains

        first, second = self.parts
        names = {"weight": "pointwise", "bias": "bias"}
        asked: set[int | str] = {ours for ours, name in names.items() if kept.asks(name)}
        into = {key for key in (0, "weight") if kept.asks(key)}
        inside = first.plan(kept.shapes).output
        between = {"input": kept["depthwise"]} if "depthwise" in kept else {}
        back = second.backward(
            xp,
            {"weight": weights["pointwise"]},
            Kept(between, (inside,), asked | {0} if into else asked),
            dy,
        )
        gradients: Gradients = {names[ours]: back[ours] for ours in names if ours in asked}
        if into:
            here = Kept(kept.arrays, kept.shapes, into)
            gradients |= first.backward(xp, {"weight": weights["weight"]}, here, back[0])
        return gradients
