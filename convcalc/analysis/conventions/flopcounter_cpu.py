"""What PyTorch's FlopCounterMode counts on the CPU, whose fused operators it has no formula for.

Source: torch/utils/flop_counter.py, whose registry has neither
`_scaled_dot_product_flash_attention_for_cpu` nor `mkldnn_rnn_layer`.
"""

from types import MappingProxyType

from convcalc.analysis.conventions import flopcounter
from convcalc.analysis.conventions.flopcounter import REASONS, printed
from convcalc.analysis.conventions.terms import (
    FAST,
    MACS,
    NO_WEIGHTS,
    OF_MODULE,
    SCORES,
    SLOW,
    Rules,
    Term,
)

__all__ = ["REASONS", "RULES", "printed"]

RULES: Rules = MappingProxyType(
    {
        **flopcounter.RULES,
        "lstm": (Term("an LSTM, one operator of the CPU that has no formula", -2, MACS),),
        "attention": (
            *flopcounter.RULES["attention"],
            Term(
                "both products of attention, one operator of the CPU that has no formula",
                -2,
                SCORES,
                (OF_MODULE, NO_WEIGHTS, SLOW),
            ),
            Term(
                "all of attention, one operator inside no_grad that has no formula",
                -2,
                MACS,
                (FAST,),
            ),
        ),
    }
)
"""By kind what it counts beside our multiply-accumulates, or less."""
