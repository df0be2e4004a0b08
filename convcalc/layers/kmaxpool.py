"""Pooling to the largest values of a sequence, in the order in which they come."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Growth,
    Layer,
    Plan,
    Run,
    Weights,
    whole,
)
from convcalc.layers.pooling import to_indices
from convcalc.layers.sequence import check_sequence
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


@final
class KMaxPool(Layer):
    """The k largest values of each channel of a sequence, in the order in which they come.

    Shapes: L×C → k×C.
    Source: Kalchbrenner et al., arXiv:1404.2188, section 3.2 (k-max pooling); torch.topk.
    """

    k: Annotated[int, whole("How many values of each channel are left.", 1, letter="k")]

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A sequence of at least k values."""
        (x,) = xs
        if x.rank != 1:
            one_by_one = f" to {x.channels}x1: its values, one after the other"
            yield from check_sequence("kmaxpool pools", x, one_by_one)
        elif self.k > x.spatial[0]:
            yield Problem(
                "CC303",
                f"k {self.k} is more than the {x.spatial[0]} values of the sequence",
                "k",
                f"leave at most {x.spatial[0]}",
            )

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """None at all, however long the sequence."""
        return (Growth(0),) * rank

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates; each output may be any value of its channel."""
        return Plan(Shape(xs[0].channels, (self.k,)), positions="lost")

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Their places are found and put in order, 8 bytes each, and the values taken from there.

        PyTorch has no such layer; this is `x.gather(-1, x.topk(k, -1).indices.sort(-1).values)`.
        """
        from convcalc.layers.operations import Array, Operation

        size = plan.output.size
        sorting = tuple(
            Array(name, size, width=8, kept=False) for name in ("largest", "places", "ordering")
        )
        return (
            Operation(0, (), extra=sorting, name="order"),
            Operation(
                size,
                keeps="input",
                extra=(Array("indices", size, width=8),),
                back_layout="fresh",
            ),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x[p] where p are the places of the k largest x, in order. Source: arXiv:1404.2188.

        Of equal values the first are taken, as ONNX's TopK does.
        """
        (x,) = xs
        # From the end on, so that of equal values those in front are behind, among the largest.
        backwards = xp.argsort(x[..., ::-1], axis=-1, kind="stable")[..., x.shape[-1] - self.k :]
        places = run.keep("indices", xp.sort(x.shape[-1] - 1 - backwards, axis=-1))
        return xp.take_along_axis(x, places, axis=-1)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """To the values that were taken, the first of equal ones."""
        return {0: to_indices(xp, dy, kept["indices"], kept.shapes[0].spatial)}
