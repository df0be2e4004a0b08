"""Layers that do nothing in inference."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Plan,
    Pointwise,
    Run,
    Storage,
    Weights,
    number,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


@final
class Dropout(Pointwise):
    """Zeroes values at random in training; does nothing in inference.

    Shapes: unchanged. Source: Srivastava et al., JMLR 2014; torch.nn.Dropout.
    """

    rate: Annotated[float, number("Share of values zeroed.", 0, maximum=1)] = 0.5

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Training makes a mask: of the values' type on the CPU, of bytes on CUDA."""
        from convcalc.layers.operations import Array, Operation

        if not self.rate:
            return ()
        mask = Array("mask", xs[0].size, cuda_width=1, first=True)
        if self.rate == 1:
            mask = Array("mask", constant=1, first=True)
        size = plan.output.size
        return (
            Operation(
                size, extra=(mask,), training_only=True, layout="kept", back_layout="gradient"
            ),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x: inference leaves every value as it is. Source: ONNX operator Dropout.

        Training multiplies by 0, or by 1/(1 − rate) so that the mean stays.
        """
        x = xs[0]
        if not run.training or not self.rate:
            return x
        if self.rate == 1:
            return x * run.keep("mask", xp.zeros((1,), dtype=x.dtype))
        mask = (run.uniform(xp, x.shape) >= self.rate).astype(x.dtype)
        mask /= 1 - self.rate
        return x * run.keep("mask", mask)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The gradient where a value was kept, as much larger as that: dy·mask."""
        return {0: dy * kept["mask"] if self.rate else dy}


@final
class Identity(Pointwise):
    """Passes the tensor on as it is: a place for a name, or for a layer that is left out.

    Shapes: unchanged. Source: ONNX operator Identity; torch.nn.Identity.
    """

    storage: ClassVar[Storage] = "view"

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """None: the tensor itself is passed on."""
        return ()

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """X itself. Source: ONNX operator Identity."""
        return xs[0]

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The gradient itself."""
        return {0: dy}
