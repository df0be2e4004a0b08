"""What thop counts: modules of torch.nn itself, by hooks on their calls.

Source: thop/vision/basic_hooks.py, calc_func.py, rnn_hooks.py and profile.py.
"""

from math import prod
from types import MappingProxyType

from convcalc.analysis.conventions.alike import (
    NEAREST,
    ON_A_GRID,
    POOLED_APART,
    REASONS,
    RESIZED_OTHERWISE,
    nothing,
)
from convcalc.analysis.conventions.terms import (
    EXACT,
    MACS,
    MADE,
    ON_OUTPUT,
    OWN_PARAMETERS,
    READ,
    Condition,
    Quantity,
    Rule,
    Rules,
    Site,
    Term,
    field,
    normalized,
    of_rank,
)

__all__ = ["PARAMETERS", "REASONS", "RULES", "printed"]

UNSEEN = Term(
    "products of what is no module of torch.nn itself, which has no hook", -1, MACS, (~EXACT,)
)
"""Of functions, and of classes that are derived from torch.nn's."""


ROWS = Quantity("x/n", lambda site: site.read // site.inputs[0].channels)
"""How many rows a softmax over n channels has."""


def adaptive(site: Site) -> int:
    """What it counts of an adaptive pooling, in floating-point numbers as it works them out.

    One over the share of positions that are left, axis by axis, and 1 more for the division, by the
    values that come out.
    """
    kernel = 1.0
    for size, of in zip(site.inputs[0].spatial, site.plan.output.spatial, strict=True):
        kernel *= size / of
    return int((kernel + 1) * site.made)


CUT_OFF = Quantity("cut off", lambda site: adaptive(site) - site.read - site.made)
"""What is lost where the sum is cut to a whole number."""
POOLED: Rule = (
    Term("an adaptive pool's input, an addition each", 1, READ, (EXACT,)),
    Term("an adaptive pool's output, a division each", 1, MADE, (EXACT,)),
    Term("what an adaptive pool's number is cut off by", 1, CUT_OFF, (EXACT,)),
)

GATES = Quantity(
    "B·T·G·H",
    lambda site: (
        site.batch
        * prod(site.inputs[0].spatial)
        * site.layer.layers
        * len(site.layer.directions)
        * site.layer.gates
        * site.layer.features
    ),
)
"""Values of gates, of all layers, directions and steps."""
STATES = Quantity("B·T·H", lambda site: GATES.of(site) // site.layer.gates)
"""Values of states, of all layers, directions and steps."""


def of_modules(seen: Condition) -> Rules:
    """What thop and ultralytics-thop count alike of the modules that their hooks see."""
    biased = field("bias", True)
    recurrent = (
        Term("1 per value of a recurrent layer's gates, its function", 1, GATES, (seen,)),
        Term("2 per value of a recurrent layer's gates, its biases", 2, GATES, (biased, seen)),
        Term("4 per value of a recurrent layer's states", 4, STATES, (seen,)),
    )

    return {
        "lstm": recurrent,
        "gru": recurrent,
        "batchnorm": normalized("a batch norm", 4, 2, seen),
        "layernorm": normalized("a layer norm", 4, 2, seen),
        "instancenorm": normalized("an instance norm", 4, 2, seen),
        "prelu": (Term("1 per value that a PReLU reads", 1, READ, (seen,)),),
        "softmax": (
            Term("3 per value of a softmax", 3, READ, (seen,)),
            Term("an addition less in each row of a softmax", -1, ROWS, (seen,)),
        ),
        "upsample": (
            RESIZED_OTHERWISE,
            *(
                Term(
                    f"{each} per value that a {what} resizing makes",
                    each,
                    MADE,
                    (field("mode", mode), of_rank(rank), field("antialias", False), seen),
                )
                for each, what, mode, rank in (
                    (5, "linear", "linear", 1),
                    (11, "bilinear", "linear", 2),
                    (259, "bicubic", "cubic", 2),
                )
            ),
        ),
    }


_ALIKE = of_modules(EXACT)

RULES: Rules = MappingProxyType(
    {
        **nothing(
            "maxpool", "lppool", "adaptive_maxpool", "global_maxpool", "kmaxpool", "maxunpool",
            "channel_avgpool", "channel_maxpool", "groupnorm", "lrn", "l2norm", "relu", "relu6",
            "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "hardsigmoid",
            "hardswish", "tanh", "abs", "softplus", "log_softmax", "scale", "affine", "add",
            "subtract", "multiply", "divide", "maximum", "embedding",
        ),
        **_ALIKE,
        **{kind: (UNSEEN, *_ALIKE[kind]) for kind in ("lstm", "gru")},
        "conv": (UNSEEN,),
        "depthwise_conv": (UNSEEN,),
        "separable_conv": (UNSEEN,),
        "conv_transpose": (
            UNSEEN,
            Term(
                "a transposed convolution's weights at its output's positions, not its input's",
                1,
                ON_OUTPUT,
                (EXACT,),
            ),
        ),
        "linear": (UNSEEN,),
        "avgpool": (
            POOLED_APART,
            Term("1 per value that an average pooling makes", 1, MADE, (EXACT,)),
        ),
        "adaptive_avgpool": POOLED,
        "global_avgpool": POOLED,
        "upsample": (
            *_ALIKE["upsample"],
            Term(
                "1 per value that resizing to the nearest makes",
                1,
                MADE,
                (NEAREST, EXACT),
            ),
        ),
        "matmul": (Term("products of two matrices, which are no module", -1, MACS),),
        "attention": (ON_A_GRID, Term("attention, which has no hook", -1, MACS)),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""

_UNHOOKED: Rule = (Term("parameters of layers without a hook", -1, OWN_PARAMETERS),)
_DERIVED: Rule = (Term("parameters of layers without a hook", -1, OWN_PARAMETERS, (~EXACT,)),)
PARAMETERS: Rules = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "conv", "depthwise_conv", "separable_conv", "conv_transpose", "linear", "lstm",
                "gru", "batchnorm", "layernorm", "instancenorm", "prelu",
            ),
            _DERIVED,
        ),
        **dict.fromkeys(
            ("groupnorm", "l2norm", "scale", "learned", "attention", "embedding"), _UNHOOKED
        ),
    }
)  # fmt: skip
"""By kind how its number of parameters differs from ours."""

UNITS = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("K", 1e3))
"""Its units, the largest first; a number must be larger than one to be written in it."""


def printed(total: int) -> str:
    """As its `clever_format` writes it, with two decimals.

    >>> printed(4_133_742_592), printed(10**9), printed(1000)
    ('4.13G', '1000.00M', '1000.00B')
    """
    unit, size = next((each for each in UNITS if total > each[1]), ("B", 1.0))
    return f"{total / size:.2f}{unit}"
