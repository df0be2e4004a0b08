"""Dropout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.layers.base import Plan, Pointwise, number
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.operations import Operation


@final
@dataclass(frozen=True)
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
        mask = Array(constant=1) if self.rate == 1 else Array(xs[0].size, cuda_width=1)
        extra = (mask._replace(first=True),)
        size = plan.output.size
        return (Operation(size, extra=extra, training_only=True, layout="kept"),)

    def forward(self, xp: Any, weights: Mapping[str, Any], xs: Sequence[Any]) -> Any:
        """x: inference leaves every value as it is. Source: ONNX operator Dropout."""
        return xs[0]
