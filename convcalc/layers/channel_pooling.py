"""Pooling over the channels of each position."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

from convcalc.layers.arrays import repeated
from convcalc.layers.base import INFERENCE, Arrays, Gradients, Layer, Plan, Run, Weights

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation
    from convcalc.shape import Shape


@final
class ChannelAvgPool(Layer):
    """The mean over the channels of each position.

    Shapes: H×W×C → H×W×1.
    Source: Woo et al., arXiv:1807.06521, section 3 (CBAM's spatial attention); ONNX operator
    ReduceMean over axis 1; torch.mean.
    """

    def plan(self, xs: "Sequence[Shape]") -> Plan:
        """No weights, no multiply-accumulates."""
        return Plan(xs[0]._replace(channels=1))

    def operations(self, xs: "Sequence[Shape]", plan: Plan) -> "tuple[Operation, ...]":
        """A mean keeps nothing."""
        from convcalc.layers.operations import Operation

        return (Operation(plan.output.size, layout="one", back_layout="fresh"),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """Y = Σ x[c]/C. Source: ONNX operator ReduceMean, axis 1."""
        return xs[0].mean(axis=1, keepdims=True)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Spread evenly over the channels."""
        channels = kept.shapes[0].channels
        return {0: repeated(xp, dy / channels, (dy.shape[0], channels, *dy.shape[2:]))}


@final
class ChannelMaxPool(Layer):
    """The largest value of the channels of each position.

    Shapes: H×W×C → H×W×1.
    Source: Woo et al., arXiv:1807.06521, section 3 (CBAM's spatial attention); ONNX operator
    ReduceMax over axis 1; torch.max.
    """

    def plan(self, xs: "Sequence[Shape]") -> Plan:
        """No weights, no multiply-accumulates."""
        return Plan(xs[0]._replace(channels=1))

    def operations(self, xs: "Sequence[Shape]", plan: Plan) -> "tuple[Operation, ...]":
        """Which channel had the largest value is kept: 8 bytes an output."""
        from convcalc.layers.operations import Array, Operation

        size = plan.output.size
        indices = Array("indices", size, width=8)
        return (Operation(size, extra=(indices,), layout="one", back_layout="fresh"),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """The largest of x[c] over all c. Source: ONNX operator ReduceMax, axis 1."""
        if run.training:
            run.keep("indices", xp.expand_dims(xs[0].argmax(axis=1), 1))
        return xs[0].max(axis=1, keepdims=True)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """To the channel that had the largest value, the first of equal ones, as in PyTorch."""
        numbers = xp.arange(kept.shapes[0].channels).reshape(-1, *(1,) * (dy.ndim - 2))
        return {0: xp.where(numbers == kept["indices"], dy, 0)}
