"""The fully connected layer."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

from convcalc.diagnostics import Problem, insert
from convcalc.layers.arrays import by_channel, over_positions, per_channel
from convcalc.layers.base import (
    BIAS,
    INFERENCE,
    Arrays,
    Gradients,
    Layer,
    Plan,
    Product,
    Run,
    Weight,
    Weights,
    choice,
    whole,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


@final
class Linear(Layer):
    """Fully connected layer: every output sees every input of a vector, or of each position.

    Shapes: C → features; along `channels`, H×W×C → H×W×features.
    Source: CS231n notes, "Fully-connected layer"; ONNX operator Gemm; torch.nn.Linear.
    """

    keeps = "input"
    precision = "low"

    features: Annotated[int, whole("Number of outputs K.", 1, letter="K")]
    bias: Annotated[bool, BIAS] = True
    axis: Annotated[
        Literal["channels"] | None,
        choice("`channels` works at each position alone, with the same weights.", "channels"),
    ] = None

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A vector, not an image, unless it works at each position."""
        x = xs[0]
        if x.spatial and self.axis is None:
            yield Problem(
                "CC308",
                f"linear needs a vector, and its input is {x}",
                help=f"put `flatten` before it ({x} becomes {x.size}), or `global_avgpool` and "
                f"`flatten` ({x.channels}); `axis: channels` works at every position alone",
                fix=insert("flatten"),
            )

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One weight per input and output; a MAC per weight, at each position."""
        x = xs[0]
        weight = Weight("weight", (self.features, x.channels))
        weights = (weight, Weight("bias", (self.features,))) if self.bias else (weight,)
        macs = weight.size * prod(x.spatial) if x.spatial else weight.size
        return Plan(Shape(self.features, x.spatial), weights, (Product(macs, weight.name),))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A product of matrices, which needs each only for the gradient of the other."""
        (product,) = super().operations(xs, plan)
        product = product._replace(keeps_to_learn=True, weighs_back=True, views_back=True)
        x = xs[0]
        return at_positions(x, product) if x.spatial else (product,)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[k] = Σ w[k, c]·x[c] + b[k]. Source: ONNX operator Gemm; torch.nn.Linear."""
        weight, x = weights["weight"], xs[0]
        y = x @ weight.T if x.ndim == 2 else weight @ x.reshape(*x.shape[:2], -1)
        y = y.reshape(x.shape[0], -1, *x.shape[2:])
        return y + per_channel(weights["bias"], y) if self.bias else y

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """dx[c] = Σ w[k, c]·dy[k]; dw[k, c] = Σ dy[k]·x[c]; db[k] = Σ dy[k]."""
        (shape,), weight = kept.shapes, weights["weight"]
        gradients: Gradients = {}
        if kept.asks(0):
            dx = dy @ weight if dy.ndim == 2 else weight.T @ dy.reshape(*dy.shape[:2], -1)
            gradients[0] = dx.reshape(dy.shape[0], *shape.axes)
        if kept.asks("weight"):
            gradients["weight"] = by_channel(dy) @ by_channel(kept["input"]).T
        if kept.asks("bias"):
            gradients["bias"] = over_positions(dy)
        return gradients


def at_positions(x: Shape, product: "Operation") -> "tuple[Operation, ...]":
    """A product at each position of `x`, as PyTorch does it: of rows of channels, in order.

    Of what does not lie so there is a copy, and the bias is a sum of its own.
    """
    from convcalc.layers.operations import Layout, Operation, view

    positions = prod(x.spatial)
    wide = 1 < positions < product.output
    last: Layout = "channels_last" if x.rank > 1 else "turned"
    rows: Any = "rows" if positions > 1 else ""
    apart: tuple[Operation, ...] = (product._replace(holds=(0,), wants_back=rows),)
    if len(product.learns) > 1:
        plus = Operation(
            product.output, (1,), gradient="same", holds=(0,), layout="kept", name="plus"
        )
        apart = (apart[0]._replace(name="product"), plus)
    contiguous: Any = "one" if positions == 1 else "last" if x.channels > 1 else "format"
    product = product._replace(contiguous=contiguous, otherwise=apart, wants_back=rows)
    return (product, view(product.output, 1)._replace(layout=last if wide else "both"))
