"""Values that are learned and no layer's: a class token, positions."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Extents,
    Gradients,
    Layer,
    Plan,
    Run,
    Weight,
    Weights,
    extents,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


@final
class Learned(Layer):
    """Learned values, the same for every example: of the tensor that comes in it reads nothing.

    Shapes: any → `shape`, written as in `input`. Parameters: as many as it has values.
    Source: Dosovitskiy et al., arXiv:2010.11929, section 3.1 (the class token and positions of
    ViT); torch.nn.Parameter.
    """

    shape: Annotated[Extents, extents("Height × width × channels: 1x768 is one token.")]

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """At least one extent."""
        if not self.shape:
            yield Problem(
                "CC302",
                "a shape is at least one extent",
                "shape",
                "write it as in `input`: 1x768 is one token of 768 channels",
            )

    def growth(self, rank: int) -> None:
        """It grows with nothing."""

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A weight for each value, in PyTorch's order: of a sequence, the channels are last."""
        *spatial, channels = self.shape
        output = Shape(channels, tuple(spatial))
        last = (*spatial, channels) if len(spatial) == 1 else output.axes
        return Plan(output, (Weight("weight", (1, *last)),), positions="lost")

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A view of the weights; their gradient is summed over the batch."""
        from convcalc.layers.operations import Operation, learned

        output = plan.output
        turned = output.rank == 1 and 1 < output.channels < output.size
        return (
            Operation(
                output.size,
                (),
                "view",
                learns=learned(plan),
                gradient="same",
                layout="turned" if turned else "fresh",
                back_layout="last" if output.rank == 1 else "fresh",
            ),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """The weights w, for each example of the batch. Source: torch.Tensor.expand."""
        weight = weights["weight"]
        if len(self.shape) == len(("length", "channels")):
            weight = weight.transpose(0, 2, 1)
        return xp.concatenate([weight] * len(xs[0]), axis=0)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Every example of the batch read the same values: their gradients add up."""
        dw = dy.sum(axis=0, keepdims=True)
        if len(self.shape) == len(("length", "channels")):
            dw = dw.transpose(0, 2, 1)
        return {"weight": dw}
