"""The fully connected layer."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem, insert
from convcalc.layers.base import (
    BIAS,
    INFERENCE,
    Arrays,
    Layer,
    Plan,
    Product,
    Run,
    Weight,
    Weights,
    whole,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.operations import Operation


@final
class Linear(Layer):
    """Fully connected layer: every output sees every input of a vector.

    Shapes: C → features.
    Source: CS231n notes, "Fully-connected layer"; ONNX operator Gemm; torch.nn.Linear.
    """

    keeps = "input"
    precision = "low"

    features: Annotated[int, whole("Number of outputs K.", 1, letter="K")]
    bias: Annotated[bool, BIAS] = True

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A vector, not an image."""
        x = xs[0]
        if x.spatial:
            yield Problem(
                "CC308",
                f"linear needs a vector, and its input is {x}",
                help=f"put `flatten` before it ({x} becomes {x.size}), or `global_avgpool` and "
                f"`flatten` ({x.channels}); at every position alone, it is `conv` with kernel 1",
                fix=insert("flatten"),
            )

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One weight per input and output; a MAC per weight."""
        channels = xs[0].channels
        weight = Weight("weight", (self.features, channels))
        weights = (weight, Weight("bias", (self.features,))) if self.bias else (weight,)
        return Plan(Shape(self.features), weights, (Product(weight.size, weight.name),))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A product of matrices, which needs each only for the gradient of the other."""
        (product,) = super().operations(xs, plan)
        return (product._replace(weighs_back=True, views_back=True),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[k] = Σ w[k, c]·x[c] + b[k]. Source: ONNX operator Gemm; torch.nn.Linear."""
        y = xs[0] @ weights["weight"].T
        return y + weights["bias"] if self.bias else y
