"""What ultralytics-thop counts: thop's rules put right, for derived classes and functions, too.

Source: thop/vision/basic_hooks.py, calc_func.py, rnn_hooks.py and profile.py of ultralytics-thop.
"""

from math import prod
from types import MappingProxyType

from convcalc.analysis.conventions import thop
from convcalc.analysis.conventions.alike import (
    ON_A_GRID,
    POOLED_APART,
    REASONS,
    nothing,
)
from convcalc.analysis.conventions.terms import (
    APART,
    MACS,
    MADE,
    MODULE,
    OF_MODULE,
    READ,
    Quantity,
    Rule,
    Rules,
    Site,
    Term,
    field,
    normalized,
    of_rank,
)
from convcalc.layers.sliding import unrounded_windows

__all__ = ["PARAMETERS", "REASONS", "RULES", "printed"]

_CONV: Rule = (Term("products of convolutions that are called as functions", -1, MACS, (APART,)),)


def _windows(site: Site) -> int:
    """Values that the windows of an average pooling cover, and padding where it counts."""
    covered, sizes = 1, site.inputs[0].spatial
    windows = unrounded_windows(site.layer, sizes)  # what rounding up adds behind covers nothing
    for size, made, window in zip(sizes, site.plan.output.spatial, windows, strict=True):
        lower, upper = (0, size)
        if site.layer.count_include_pad:
            lower, upper = -window.before, size + window.after
        firsts = (at * window.stride - window.before for at in range(made))
        covered *= sum(
            max(min(first + window.kernel, upper) - max(first, lower), 0) for first in firsts
        )
    return site.batch * site.inputs[0].channels * covered


def _regions(site: Site) -> int:
    """Values that the regions of an adaptive pooling cover, over all outputs."""
    covered = prod(
        sum(-(-(at + 1) * size // of) - at * size // of for at in range(of))
        for size, of in zip(site.inputs[0].spatial, site.plan.output.spatial, strict=True)
    )
    return site.batch * site.inputs[0].channels * covered


def _scores(site: Site) -> int:
    """Scores of all heads."""
    queries, keys = site.queries, site.keys
    heads: int = site.layer.heads
    return site.batch * heads * prod(queries.spatial) * prod(keys.spatial)


SCORES_MADE = Quantity("B·h·L·S", _scores)
SCORE_ROWS = Quantity(
    "B·h·L", lambda site: site.batch * site.layer.heads * prod(site.inputs[0].spatial)
)
_POOLED: Rule = (
    Term(
        "the regions of an adaptive pool, an addition each",
        1,
        Quantity("k of all y", _regions),
        (MODULE,),
    ),
    Term("an adaptive pool's output, a division each", 1, MADE, (MODULE,)),
)

_ALIKE = thop.of_modules(MODULE)

RULES: Rules = MappingProxyType(
    {
        **nothing(
            "linear", "maxpool", "lppool", "adaptive_maxpool", "global_maxpool",
            "kmaxpool", "maxunpool", "channel_avgpool", "channel_maxpool", "lrn", "l2norm", "relu",
            "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "hardsigmoid",
            "hardswish", "tanh", "abs", "softplus", "scale", "affine", "add", "subtract",
            "multiply", "divide", "maximum", "matmul", "embedding",
        ),
        **_ALIKE,
        "conv": _CONV,
        "depthwise_conv": _CONV,
        "separable_conv": _CONV,
        "conv_transpose": _CONV,
        "avgpool": (
            POOLED_APART,
            Term(
                "the windows of an average pooling, an addition each",
                1,
                Quantity("k of all y", _windows),
                (MODULE,),
            ),
            Term("an average pooling's output, a division each", 1, MADE, (MODULE,)),
        ),
        "adaptive_avgpool": _POOLED,
        "global_avgpool": _POOLED,
        "groupnorm": normalized("a group norm", 4, 2, MODULE),
        "log_softmax": (Term("3 per value of a log-softmax", 3, READ, (MODULE,)),),
        "upsample": (
            *_ALIKE["upsample"],
            Term(
                "31 per value that a trilinear resizing makes",
                31,
                MADE,
                (field("mode", "linear"), of_rank(3), field("antialias", False), MODULE),
            ),
        ),
        "attention": (
            ON_A_GRID,
            Term("3 per score of an attention's softmax", 3, SCORES_MADE, (OF_MODULE,)),
            Term(
                "an addition less in each row of an attention's softmax",
                -1,
                SCORE_ROWS,
                (OF_MODULE,),
            ),
        ),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""
PARAMETERS: Rules = MappingProxyType({})
"""It counts those that we count."""


def printed(total: int) -> str:
    """As its `clever_format` writes it, with two decimals.

    >>> printed(4_133_742_592), printed(10**9), printed(999)
    ('4.13G', '1.00G', '999.00B')
    """
    unit, size = next((each for each in thop.UNITS if total >= each[1]), ("B", 1.0))
    return f"{total / size:.2f}{unit}"
