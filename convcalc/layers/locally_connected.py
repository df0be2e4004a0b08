"""Convolution without weight sharing."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import borders, inside, meetings, padded, taps, unpadded
from convcalc.layers.base import (
    INFERENCE,
    ROUNDING,
    Arrays,
    Axes,
    Gradients,
    Growth,
    Layer,
    Padding,
    Plan,
    Product,
    Reasons,
    Rounding,
    Run,
    Weight,
    Weights,
    axes,
    flag,
    padding_field,
    whole,
)
from convcalc.layers.sliding import (
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


@final
class LocallyConnected(Layer):
    """A convolution with weights, and biases, of its own at every position.

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×filters.
    Source: CS231n notes, "Parameter Sharing"; Keras LocallyConnected2D.
    """

    unmade: ClassVar[Reasons] = {
        "columns": "what each tap meets is a part of the input, and multiplied where it lies"
    }

    filters: Annotated[int, whole("Number of filters K: channels out.", 1, letter="K")]
    kernel: Annotated[Axes, axes("Kernel size F.", letter="F")]
    stride: Annotated[Axes, axes("Stride S.", letter="S")] = 1
    padding: Annotated[Padding, padding_field("Padding P.", letter="P")] = 0
    dilation: Annotated[
        Axes, axes("Distance D between taps; 1 is the ordinary kernel.", letter="D")
    ] = 1
    bias: Annotated[bool, flag("Add a learned number per output value.")] = True
    rounding: Annotated[Rounding, ROUNDING] = "exact"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input."""
        yield from check_sliding("locally_connected", self, xs[0])

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """One position more with every stride."""
        return sliding_growth(self, rank)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One weight per output value, tap and channel, and a MAC for each."""
        x = xs[0]
        windows = windows_of(self, x.spatial)
        output = Shape(self.filters, output_sizes(windows, x.spatial))
        kernel = per_axis(self.kernel, x.rank)
        weight = Weight("weight", (*output.axes, x.channels, *kernel))
        weights = (weight, Weight("bias", output.axes)) if self.bias else (weight,)
        return Plan(output, weights, (Product(weight.size, weight.name),), windows)

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept as columns, which are multiplied position by position."""
        from convcalc.layers.operations import Operation, border, learned

        x, size = xs[0], plan.output.size
        first = border(x, plan.windows)
        columns = x.channels * prod(per_axis(self.kernel, x.rank)) * prod(plan.output.spatial)
        weight, *bias = learned(plan)
        at = len(first)
        return (
            *first,
            Operation(columns, (at,), name="columns"),
            Operation(
                size, (at + 1,), keeps="input", learns=(weight,), precision="low", layout="turned"
            ),
            *(
                Operation(
                    size, (at + 2,), learns=(each,), gradient="same", layout="kept", name="plus"
                )
                for each in bias
            ),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[k, o] = Σ w[k, o, c, t]·x[c, o·S + t·D − P] + b[k, o]. Source: Keras."""
        x = xs[0]
        y: Any = 0
        for tap, values in taps(xp, x, windows_of(self, x.shape[2:])):
            at_tap = (..., *tap)
            weight = xp.moveaxis(weights["weight"][at_tap], -1, 1)  # (K, *output, C) → (K, C, …)
            y = y + (weight * values[:, None]).sum(axis=2)
        return y + weights["bias"] if self.bias else y

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """As a convolution, but nothing is summed over positions: each has weights of its own.

        dx[c, i] = Σ w[k, o, c, t]·dy[k, o] where o·S + t·D − P = i, and dw[k, o, c, t] is the
        product x[c, i]·dy[k, o], summed over the batch alone.
        """
        (shape,), weight = kept.shapes, weights["weight"]
        windows = windows_of(self, shape.spatial)
        around = borders(windows)
        inner = inside(windows)
        spatial = [size + sum(pair) for size, pair in zip(shape.spatial, around, strict=True)]
        gradients: Gradients = {}
        if kept.asks(0):
            dx = xp.zeros((dy.shape[0], shape.channels, *spatial), dtype=dy.dtype)
            for tap, _, values in meetings(inner, spatial):
                at_tap = (..., *tap)
                own = xp.moveaxis(weight[at_tap], -1, 1)  # (K, *output, C) → (K, C, *output)
                dx[values] += (own * dy[:, :, None]).sum(axis=1)
            gradients[0] = unpadded(xp, dx, around)
        if kept.asks("weight"):
            x = padded(xp, kept["input"], around)
            dw = xp.zeros_like(weight)
            for tap, _, values in meetings(inner, spatial):
                at_tap = (..., *tap)
                products = (dy[:, :, None] * x[values][:, None]).sum(axis=0)
                dw[at_tap] = xp.moveaxis(products, 1, -1)
            gradients["weight"] = dw
        if kept.asks("bias"):
            gradients["bias"] = dy.sum(axis=0)
        return gradients
