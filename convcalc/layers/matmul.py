"""The product of two matrices that a network computes."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Layer,
    Plan,
    Product,
    Run,
    Weights,
)
from convcalc.layers.merge import check_two
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


@final
class Matmul(Layer):
    """The product of two matrices, each of length × channels, as they are written.

    Shapes: L×K, K×M → L×M.
    Source: Qi et al., arXiv:1612.00593, section 4.2 (PointNet's T-Nets: n×3 times 3×3);
    ONNX operator MatMul; torch.bmm.
    """

    inputs = "many"

    keeps = "factors"
    precision = "low"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Two matrices, of which the second is as long as the first has channels."""
        two = list(check_two("matmul", xs))
        yield from two
        if two:
            return
        for position, x in enumerate(xs, 1):
            if x.rank != 1:
                yield Problem(
                    "CC309",
                    f"matmul multiplies matrices of length × channels, and branch {position} is "
                    f"{x}",
                    help=f"`reshape` it: {x.size} values are a matrix such as 1x{x.size}"
                    if not x.rank
                    else f"`reshape` its positions into one axis: [-1, {x.channels}]",
                    related=((position - 1, f"branch {position} ends here"),),
                )
                return
        first, second = xs
        if first.channels != second.spatial[0]:
            yield Problem(
                "CC309",
                f"branch 1 is {first} and branch 2 {second}: a row of {first.channels} is "
                f"multiplied with columns of {second.spatial[0]}",
                help=f"give branch 1 {second.spatial[0]} channels, or `reshape` branch 2 to "
                f"{first.channels} rows",
                related=((0, "branch 1 ends here"), (1, "branch 2 ends here")),
            )

    def growth(self, rank: int) -> None:
        """By the first of its inputs alone, which is no rule for all of them."""

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A MAC for each value of the output and each of the K that it sums over."""
        first, second = xs
        output = Shape(second.channels, first.spatial)
        return Plan(output, products=(Product(output.size * first.channels, 1),), positions="lost")

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Each matrix is kept for the gradient of the other."""
        return super().operations(xs, plan)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[l, m] = Σ x₁[l, k]·x₂[k, m]. Source: ONNX operator MatMul.

        Channels stand before positions in arrays, so it is the second times the first there.
        """
        return xs[1] @ xs[0]

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Each gets the gradient times the other, turned: dx₁ = x₂ᵀ·dy and dx₂ = dy·x₁ᵀ."""
        gradients: Gradients = {}
        if kept.asks(0):
            gradients[0] = kept["input 2"].swapaxes(1, 2) @ dy
        if kept.asks(1):
            gradients[1] = dy @ kept["input 1"].swapaxes(1, 2)
        return gradients
