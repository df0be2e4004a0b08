"""Dropout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, final

from convcalc.layers.base import Pointwise, number


@final
@dataclass(frozen=True)
class Dropout(Pointwise):
    """Zeroes values at random in training; does nothing in inference.

    Shapes: unchanged. Source: Srivastava et al., JMLR 2014; torch.nn.Dropout.
    """

    rate: Annotated[float, number("Share of values zeroed.", 0, maximum=1)] = 0.5

    def forward(self, xp: Any, weights: Mapping[str, Any], xs: Sequence[Any]) -> Any:
        """x: inference leaves every value as it is. Source: ONNX operator Dropout."""
        return xs[0]
