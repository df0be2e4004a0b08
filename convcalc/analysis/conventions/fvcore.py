"""What fvcore counts: the operations of PyTorch's JIT trace, a multiply-add as one flop.

Source: fvcore/nn/jit_handles.py, flop_count.py and activation_count.py.
"""

from math import floor, prod
from types import MappingProxyType

from convcalc.analysis.conventions.alike import (
    NEAREST,
    ON_A_GRID,
    POOLED_APART,
    REASONS,
    RESIZED_OTHERWISE,
    TRACED_UNPOOL,
    nothing,
)
from convcalc.analysis.conventions.terms import (
    AFFINE,
    BATCH_STATISTICS,
    FAST,
    MACS,
    MADE,
    NO_WEIGHTS,
    OF_MODULE,
    PLAIN,
    READ,
    RUNNING_STATISTICS,
    SCORES,
    SLOW,
    WITHIN,
    Quantity,
    Rule,
    Rules,
    Site,
    Term,
    field,
    normalized,
    of_rank,
    products_by,
    written,
)

__all__ = ["ACTIVATIONS", "PARAMETERS", "REASONS", "RULES", "printed"]


def einsum_flop(macs: int) -> int:
    """What a product of two matrices written as `einsum` counts.

    It is half of NumPy's estimate, 2·MACs + 1, which that prints with four digits.

    >>> einsum_flop(210), einsum_flop(5_608_200)
    (210, 5610000)
    """
    return floor(float(f"{2 * macs + 1:.3e}") / 2)


ROUNDED = Quantity("rounded − MACs", lambda site: einsum_flop(site.macs) - site.macs)

_AS_STRING = "convolutions whose padding is a string, an operation that it has no handle for"
_STRING: Rule = (Term(_AS_STRING, -1, MACS, (written("string"),)),)
DEPTHWISE_STRING = Term(_AS_STRING, -1, products_by("weight"), (written("string"),))
"""Of a separable convolution, whose kernel of 1 has no padding."""


_POOLED = "the adaptive pool's input"

RULES: Rules = MappingProxyType(
    {
        **nothing(
            "conv_transpose", "linear", "maxpool", "lppool",
            "adaptive_maxpool", "global_maxpool", "kmaxpool", "channel_avgpool",
            "channel_maxpool", "lrn", "l2norm", "relu", "relu6", "leaky_relu", "prelu", "elu",
            "selu", "gelu", "silu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "abs",
            "softplus", "softmax", "log_softmax", "scale", "affine", "add", "subtract", "multiply",
            "divide", "maximum", "embedding",
        ),
        "conv": _STRING,
        "depthwise_conv": _STRING,
        "separable_conv": (DEPTHWISE_STRING,),
        "maxunpool": (TRACED_UNPOOL,),
        "lstm": (Term("recurrent layers, which it has no handle for", -1, MACS),),
        "gru": (Term("recurrent layers, which it has no handle for", -1, MACS),),
        "adaptive_avgpool": (Term(_POOLED, 1, READ, (of_rank(2),)),),
        "global_avgpool": (Term(_POOLED, 1, READ, (of_rank(2), ~written("mean"))),),
        "batchnorm": (
            Term("2 per value that a batch norm reads", 2, READ, (AFFINE, RUNNING_STATISTICS)),
            Term(
                "1 per value that a batch norm without factors reads",
                1,
                READ,
                (PLAIN, RUNNING_STATISTICS),
            ),
            Term(
                "5 per value that a batch norm reads, by its batch's statistics",
                5,
                READ,
                (AFFINE, BATCH_STATISTICS),
            ),
            Term(
                "4 per value that a batch norm without factors reads, by its batch's statistics",
                4,
                READ,
                (PLAIN, BATCH_STATISTICS),
            ),
        ),
        "groupnorm": normalized("a group norm", 5, 4),
        "layernorm": normalized("a layer norm", 5, 4),
        "instancenorm": normalized("an instance norm", 5, 4),
        "upsample": (
            RESIZED_OTHERWISE,
            Term(
                "1 per value that resizing to the nearest makes",
                1,
                MADE,
                (NEAREST, of_rank(2)),
            ),
            Term(
                "4 per value that a bilinear resizing makes",
                4,
                MADE,
                (field("mode", "linear"), of_rank(2), field("antialias", False)),
            ),
        ),
        "avgpool": (POOLED_APART,),
        "matmul": (
            Term("an einsum's estimate, of four digits", 1, ROUNDED, (written("einsum"),)),
        ),
        "attention": (
            ON_A_GRID,
            Term(
                "both products of attention, one operator that it has no handle for",
                -1,
                SCORES,
                (OF_MODULE, NO_WEIGHTS, SLOW),
            ),
            Term(
                "all of attention, one operator inside no_grad that it has no handle for",
                -1,
                MACS,
                (FAST,),
            ),
        ),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""


def _positions(site: Site) -> tuple[int, int, int, int]:
    """Of attention: queries, keys and values of an example, and keys that a query sees."""
    queries, values = site.inputs[0], site.inputs[-1]
    keys = site.keys
    if site.layer.cuts:
        cut = site.layer.cut(queries)
        return prod(cut.whole), prod(cut.whole), prod(cut.whole), cut.length
    count, others = prod(queries.spatial), prod(keys.spatial)
    return count, others, prod(values.spatial), others


def projected(site: Site) -> int:
    """Values that the four projections make."""
    queries, keys, values, _ = _positions(site)
    return site.batch * site.inputs[0].channels * (2 * queries + keys + values)


def _attended(site: Site) -> int:
    """Values that both products of attention make: scores of each head, and means."""
    queries, _, _, seen = _positions(site)
    heads: int = site.layer.heads
    return site.batch * queries * (heads * seen + site.inputs[0].channels)


def _inner(site: Site) -> int:
    """Values between the two convolutions of a separable one."""
    channels: int = site.inputs[0].channels * site.layer.multiplier
    return site.batch * channels * site.positions


_OUTPUTS = "outputs of convolutions and products"
_MADE: Rule = (Term(_OUTPUTS, 1, MADE),)
_UNLESS_STRING: Rule = (Term(_OUTPUTS, 1, MADE, (~written("string"),)),)

ACTIVATIONS: Rules = MappingProxyType(
    {
        "conv": _UNLESS_STRING,
        "depthwise_conv": _UNLESS_STRING,
        "conv_transpose": _MADE,
        "separable_conv": (
            *_MADE,
            Term(_OUTPUTS, 1, Quantity("y of the first", _inner), (~written("string"),)),
        ),
        "linear": _MADE,
        "matmul": _MADE,
        "attention": (
            Term(_OUTPUTS, 1, Quantity("y of its projections", projected), (SLOW,)),
            Term(_OUTPUTS, 1, Quantity("y of its products", _attended), (~NO_WEIGHTS, SLOW)),
            Term(_OUTPUTS, 1, Quantity("y of its products", _attended), (WITHIN, NO_WEIGHTS)),
        ),
    }
)
"""By kind what its ActivationCountAnalysis counts; nothing of all other kinds."""

PARAMETERS: Rules = MappingProxyType({})
"""It counts those that we count."""


def printed(total: int) -> str:
    """As `FlopCountAnalysis(model, inputs).total()` is printed."""
    return str(total)
