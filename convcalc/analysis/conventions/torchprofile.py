"""What torchprofile counts: the operations of PyTorch's JIT trace, some of one kind and not others.

Source: torchprofile/handlers.py, trace.py.
"""

from math import prod
from types import MappingProxyType

from convcalc.analysis.conventions.alike import (
    ON_A_GRID,
    POOLED_APART,
    REASONS,
    RESIZED_OTHERWISE,
    TRACED_UNPOOL,
    nothing,
)
from convcalc.analysis.conventions.patched import BIASED
from convcalc.analysis.conventions.terms import (
    AFFINE,
    FAST,
    MACS,
    MADE,
    NO_WEIGHTS,
    OF_MODULE,
    SLOW,
    WITHIN,
    Condition,
    Quantity,
    Rule,
    Rules,
    Site,
    Term,
    Uncounted,
    field,
    of_rank,
    products_by,
    written,
)

__all__ = ["REASONS", "RULES", "printed"]

_AS_STRING = "convolutions whose padding is a string, an operation that it has no handler for"
_STRING: Rule = (Term(_AS_STRING, -1, MACS, (written("string"),)),)


def _norm(what: str) -> Rule:
    return (Term(f"1 per value that {what} with factors makes", 1, MADE, (AFFINE,)),)


def _on_output(site: Site) -> int:
    """A transposed convolution's weights at its output's positions, of the groups of neither.

    It takes the weight's first axis for the channels that come in, and its second where as many
    channels come out as stand first.
    """
    (weight,) = (each for each in site.plan.weights if each.name == "weight")
    first, second, *kernel = weight.shape
    channels = second if site.plan.output.channels == first else first
    taps = 1
    for extent in kernel:
        taps *= extent
    return site.made * channels * taps - site.macs


def multiplied(site: Site) -> int:
    """Values that the multiplications of a product make, one after the other."""
    channels, spatial, made = 1, (1,) * site.plan.output.rank, 0
    for at, x in enumerate(site.inputs):
        channels = max(channels, x.channels)
        spatial = tuple(map(max, spatial, x.spatial)) if x.rank else spatial
        if at:
            made += channels * prod(spatial)
    return site.batch * made


def _queries(site: Site) -> int:
    """Values of the queries of all heads; of windows, also of the zeros that fill them."""
    x = site.inputs[0]
    positions = site.layer.cut(x).whole if site.layer.cuts else x.spatial
    return site.batch * x.channels * prod(positions)


_SCALED = Quantity("L·E", _queries)
_SIZES = "sizes that are multiplied where attention is traced"
CALLS = Quantity("calls", lambda _: 1)
"""Once a call, whatever the batch."""
_SHARED_VALUES = Condition(
    "keys and values of one tensor, queries of another",
    lambda site: (
        len(site.inputs) == len("qk")
        and any(weight.name == "in_proj_weight" for weight in site.plan.weights)
    ),
)
TIMES = Condition("a factor that is not 1", lambda site: site.layer.times != 1)
_MULTIPLIED = "1 per value that a multiplication makes"
_MEAN: Rule = (Term("1 per value that a mean makes", 1, MADE),)

RULES: Rules = MappingProxyType(
    {
        **nothing(
            "linear", "lstm", "maxpool", "adaptive_maxpool", "global_maxpool", "kmaxpool",
            "channel_maxpool", "relu", "relu6", "prelu", "elu", "selu", "gelu", "silu",
            "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "abs", "softplus", "softmax",
            "log_softmax", "add", "subtract", "divide", "maximum", "matmul", "embedding",
        ),
        "conv": _STRING,
        "depthwise_conv": _STRING,
        "separable_conv": (
            Term(_AS_STRING, -1, products_by("weight"), (written("string"),)),
        ),
        "conv_transpose": (
            Term(
                "a transposed convolution at its output's positions, not its input's",
                1,
                Quantity("k·c·y − MACs", _on_output),
            ),
        ),
        "maxunpool": (TRACED_UNPOOL,),
        "gru": (Term("recurrent layers other than LSTM, which have no handler", -1, MACS),),
        "avgpool": (POOLED_APART, *_MEAN),
        "lppool": (
            Term("3 per value of a power-average pooling, its mean and two products", 3, MADE),
        ),
        "adaptive_avgpool": _MEAN,
        "global_avgpool": _MEAN,
        "channel_avgpool": _MEAN,
        "batchnorm": _norm("a batch norm"),
        "groupnorm": _norm("a group norm"),
        "layernorm": _norm("a layer norm"),
        "instancenorm": _norm("an instance norm"),
        "lrn": (Term("3 per value of a local response norm, its multiplications", 3, MADE),),
        "l2norm": (Term(_MULTIPLIED, 1, MADE, (AFFINE,)),),
        "leaky_relu": (Term("1 per value that a leaky ReLU makes", 1, MADE),),
        "scale": (Term(_MULTIPLIED, 1, MADE),),
        "affine": (Term(_MULTIPLIED, 1, MADE, (TIMES,)),),
        "multiply": (Term(_MULTIPLIED, 1, Quantity("y of each product", multiplied)),),
        "upsample": (
            RESIZED_OTHERWISE,
            Term(
                "4 per value that a bilinear resizing makes",
                4,
                MADE,
                (field("mode", "linear"), of_rank(2), field("antialias", False)),
            ),
        ),
        "attention": (
            ON_A_GRID,
            Uncounted(
                "it stops at attention's fast path inside no_grad, which gives no weights",
                (FAST, NO_WEIGHTS),
            ),
            Term(
                "all of attention, one operator inside no_grad that it has no handler for",
                -1,
                MACS,
                (FAST, ~NO_WEIGHTS),
            ),
            Term(_SIZES, 4, CALLS, (OF_MODULE, SLOW)),
            Term(_SIZES, 1, CALLS, (OF_MODULE, SLOW, _SHARED_VALUES)),
            Term(_SIZES, 1, CALLS, (OF_MODULE, SLOW, _SHARED_VALUES, BIASED)),
            Term(_SIZES, 2, CALLS, (WITHIN,)),
            Term("1 per query that attention scales", 1, _SCALED, (OF_MODULE, SLOW, ~NO_WEIGHTS)),
            Term("1 per query that attention scales", 1, _SCALED, (WITHIN,)),
        ),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""


def printed(total: int) -> str:
    """As `profile_macs(model, inputs)` is printed."""
    return str(total)
