"""What torchinfo counts: parameters of called leaf modules, by the positions of their outputs.

Source: torchinfo/layer_info.py, `calculate_macs`, and model_statistics.py.
"""

from types import MappingProxyType

from convcalc.analysis.conventions.alike import (
    ON_A_GRID,
    POOLED_APART,
    REASONS,
    RESIZED_OTHERWISE,
    nothing,
)
from convcalc.analysis.conventions.terms import (
    AFFINE,
    ALL_PARAMETERS,
    APART,
    BIAS_MADE,
    MACS,
    MODULE,
    ON_OUTPUT,
    ROWS_BEYOND,
    Quantity,
    Rule,
    Rules,
    Site,
    Term,
    written,
)

__all__ = ["PARAMETERS", "REASONS", "RULES", "printed"]

LINEAR = written("linear")
_ABSENT = Term(
    "products of what is called as a function, which it does not see", -1, MACS, (APART,)
)
_CONV_BIAS = Term("1 per value that a convolution adds a bias to", 1, BIAS_MADE, (MODULE, ~LINEAR))
_ROWS = "rows of a linear layer beyond the first of each example"
_BIAS = Quantity("B·b", lambda site: site.batch * site.weight("bias"))
_LINEAR_BIAS = "1 per bias of a linear layer, once an example"
_CONV: Rule = (
    _ABSENT,
    _CONV_BIAS,
    Term(_ROWS, -1, ROWS_BEYOND, (LINEAR,)),
    Term(_LINEAR_BIAS, 1, _BIAS, (LINEAR,)),
)


def _parameters(what: str) -> Rule:
    return (
        Term(f"1 per parameter of {what}, once an example", 1, ALL_PARAMETERS, (AFFINE, MODULE)),
    )


def _steps(site: Site) -> int:
    """Values of biases at each step: its parameters at each step, less our MACs."""
    return site.batch * site.positions * site.parameters - site.macs


_RECURRENT: Rule = (
    Term("1 per bias of a recurrent layer at each step", 1, Quantity("B·T·b", _steps)),
)

RULES: Rules = MappingProxyType(
    {
        **nothing(
            "maxpool", "lppool", "adaptive_avgpool", "adaptive_maxpool",
            "global_avgpool", "global_maxpool", "kmaxpool", "maxunpool", "channel_avgpool",
            "channel_maxpool", "lrn", "l2norm", "relu", "relu6", "leaky_relu", "elu", "selu",
            "gelu", "silu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "abs",
            "softplus", "softmax", "log_softmax", "scale", "affine", "add", "subtract",
            "multiply", "divide", "maximum",
        ),
        "conv": _CONV,
        "depthwise_conv": (_ABSENT, _CONV_BIAS),
        "conv_transpose": (
            _ABSENT,
            Term(
                "a transposed convolution's weights at its output's positions, not its input's",
                1,
                ON_OUTPUT,
                (MODULE,),
            ),
            _CONV_BIAS,
        ),
        "separable_conv": (_ABSENT, _CONV_BIAS),
        "linear": (
            _ABSENT,
            Term(_ROWS, -1, ROWS_BEYOND, (MODULE,)),
            Term(_LINEAR_BIAS, 1, _BIAS, (MODULE,)),
        ),
        "lstm": _RECURRENT,
        "gru": _RECURRENT,
        "batchnorm": _parameters("a batch norm"),
        "groupnorm": _parameters("a group norm"),
        "layernorm": _parameters("a layer norm"),
        "instancenorm": _parameters("an instance norm"),
        "prelu": _parameters("a PReLU"),
        "avgpool": (POOLED_APART,),
        "upsample": (RESIZED_OTHERWISE,),
        "matmul": (Term("products of two matrices, which are no module", -1, MACS),),
        "attention": (
            ON_A_GRID,Term("attention, whose parts are called as functions", -1, MACS)),
        "embedding": (
            Term(
                "1 per value of an embedding's table, once an example",
                1,
                ALL_PARAMETERS,
                (MODULE,),
            ),
        ),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""
UNITS = (("T", 10**12), ("G", 10**9), ("M", 10**6))
"""Its units, the largest first."""

PARAMETERS: Rules = MappingProxyType({})
"""It counts those that we count."""


def printed(total: int) -> str:
    """The line of its summary, as Python 3.10 has it; later ones write the unit's name.

    >>> printed(4_089_238_376), printed(2_000_000)
    ('Total mult-adds (G): 4.09', 'Total mult-adds (M): 2')
    """
    unit, size = next(((unit, size) for unit, size in UNITS if total >= size), UNITS[-1])
    value = total / size
    text = f"{int(value):,}" if value.is_integer() else f"{value:,.2f}"
    return f"Total mult-adds ({unit}): {text}"
