"""What ptflops counts by its backend aten: convolutions and products of matrices, with biases.

Source: ptflops/aten_ops.py and aten_engine.py. It sees what PyTorch dispatches on the CPU, so not
what one operator does there: attention without its weights, an LSTM.
"""

from types import MappingProxyType

from convcalc.analysis.conventions.alike import (
    ON_A_GRID,
    POOLED_APART,
    REASONS,
    RESIZED_OTHERWISE,
    nothing,
)
from convcalc.analysis.conventions.fvcore import projected
from convcalc.analysis.conventions.patched import BIASED, BIASES
from convcalc.analysis.conventions.ptflops import PARAMETERS, PROJECTED, printed
from convcalc.analysis.conventions.terms import (
    BIAS_MADE,
    FAST,
    MACS,
    NO_WEIGHTS,
    OF_MODULE,
    SCORES,
    SLOW,
    Condition,
    Quantity,
    Rule,
    Rules,
    Site,
    Term,
)

__all__ = ["PARAMETERS", "REASONS", "RULES", "printed"]

_TORN = "added apart where several examples do not lie one behind the other"
TORN = Condition(
    "several examples of several steps",
    lambda site: site.batch > 1 and site.inputs[0].size > site.inputs[0].channels,
)
"""A sequence whose steps are put first lies apart then: its product and bias are two operations."""


def _first_biases(site: Site) -> int:
    """Biases of what the first layer reads, at each step, in both directions."""
    first = (each.size for each in site.plan.weights if each.name.startswith("bias_ih_l0"))
    return site.batch * site.positions * sum(first)


_FIRST_BIASES = Quantity("B·T·b", _first_biases)
_BIAS: Rule = (Term("1 per value that a bias is added to", 1, BIAS_MADE),)
_PROJECTED = Quantity("y of its projections", projected)

RULES: Rules = MappingProxyType(
    {
        **nothing(
            "maxpool", "lppool", "adaptive_avgpool", "adaptive_maxpool",
            "global_avgpool", "global_maxpool", "kmaxpool", "maxunpool", "channel_avgpool",
            "channel_maxpool", "batchnorm", "groupnorm", "layernorm", "instancenorm", "lrn",
            "l2norm", "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish",
            "sigmoid", "hardsigmoid", "hardswish", "tanh", "abs", "softplus", "softmax",
            "log_softmax", "scale", "affine", "add", "subtract", "multiply", "divide",
            "maximum", "matmul", "embedding",
        ),
        "conv": _BIAS,
        "depthwise_conv": _BIAS,
        "separable_conv": _BIAS,
        "conv_transpose": _BIAS,
        "linear": _BIAS,
        "lstm": (Term("an LSTM, one operator on the CPU", -1, MACS),),
        "gru": (
            Term("1 per bias of a recurrent layer at each step", 1, BIASES),
            Term(f"biases of its first input, {_TORN}", -1, _FIRST_BIASES, (TORN,)),
        ),
        "avgpool": (POOLED_APART,),
        "upsample": (RESIZED_OTHERWISE,),
        "attention": (
            ON_A_GRID,
            Term("1 per value that projections add a bias to", 1, _PROJECTED, (BIASED, SLOW)),
            Term(
                f"biases of the projections in, {_TORN}",
                -1,
                PROJECTED,
                (OF_MODULE, BIASED, SLOW, TORN),
            ),
            Term(
                "both products of attention, one operator on the CPU",
                -1,
                SCORES,
                (OF_MODULE, NO_WEIGHTS, SLOW),
            ),
            Term("all of attention, one operator inside no_grad", -1, MACS, (FAST,)),
        ),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""
