"""What PyTorch's FlopCounterMode counts on the meta device: products alone, 2 a multiply-add.

Source: torch/utils/flop_counter.py.
"""

from types import MappingProxyType

from convcalc.analysis.conventions.alike import (
    ON_A_GRID,
    POOLED_APART,
    REASONS,
    RESIZED_OTHERWISE,
)
from convcalc.analysis.conventions.terms import Rules
from convcalc.layers import CATALOGUE

__all__ = ["REASONS", "RULES", "printed"]

RULES: Rules = MappingProxyType(
    {
        **{kind: () for kind in CATALOGUE if kind not in REASONS},
        "avgpool": (POOLED_APART,),
        "upsample": (RESIZED_OTHERWISE,),
        "attention": (ON_A_GRID,),
    }
)
"""By kind what it counts beside our multiply-accumulates, or less: nothing of any."""


def printed(total: int) -> str:
    """As `FlopCounterMode.get_total_flops()` is printed."""
    return str(total)
