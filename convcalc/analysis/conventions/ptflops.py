"""What ptflops counts by its backend pytorch: hooks of modules, and functions that it replaces.

Source: ptflops/pytorch_ops.py and pytorch_engine.py. What hooks count is divided by the batch, what
functions count is not; a module whose forward calls such a function is counted by both.
"""

from collections.abc import Iterator, Sequence
from math import prod
from types import MappingProxyType

from convcalc.analysis.conventions.alike import (
    ON_A_GRID,
    POOLED_APART,
    REASONS,
    RESIZED_OTHERWISE,
    nothing,
)
from convcalc.analysis.conventions.patched import (
    ADD,
    AFFINE_FUNCTIONS,
    ATTENDED,
    BIASED,
    BIASES,
    FUNCTION,
    LEARNING,
    LPPOOL,
    LRN,
    MULTIPLY,
    PAIRED_SCALE,
    POOLED,
    POOLED_READ,
    PROJECTIONS,
    SOFTMAX_OF_WEIGHTS,
    SOFTMAX_WITHIN,
    STATES,
    WEIGHTS,
    seen,
)
from convcalc.analysis.conventions.terms import (
    BIAS_MADE,
    EXACT,
    MACS,
    MADE,
    OF_MODULE,
    READ,
    SCORES,
    SLOW,
    WITHIN,
    Condition,
    Quantity,
    Rule,
    Rules,
    Site,
    Term,
    normalized,
)

HOOK = "hooks"
"""The part of the terms that hooks of modules count, which is averaged over the batch."""
_HOOKED = frozenset(
    {"conv", "depthwise_conv", "conv_transpose", "separable_conv", "linear", "lstm", "gru"}
)
"""Kinds whose multiply-accumulates a hook counts."""

__all__ = ["PARAMETERS", "REASONS", "RULES", "left", "printed", "settle"]

INEXACT = ~EXACT


def _biases_in(site: Site) -> int:
    """Values of what projections in make, of the batch."""
    queries, keys = site.queries, site.keys
    positions = prod(queries.spatial) + 2 * prod(keys.spatial)
    return site.batch * positions * queries.channels


def _values(site: Site) -> int:
    """Values of as many positions as there are queries, as wide as the values that are read."""
    return site.batch * prod(site.inputs[0].spatial) * site.inputs[-1].channels


def _widths(site: Site) -> int:
    """Multiply-adds beyond ours if keys and values are as wide as what is read, not as queries."""
    queries, values = site.inputs[0], site.inputs[-1]
    keys = site.keys
    width, many, seen = queries.channels, prod(queries.spatial), prod(keys.spatial)
    heads: int = site.layer.heads
    more = seen * keys.channels * (keys.channels - width)
    more += seen * values.channels * (values.channels - width)
    more += many * seen * (heads * (values.channels // heads) - width)
    more += many * (values.channels**2 - width**2)
    return site.batch * more


PROJECTED = Quantity("(L + 2·S)·E", _biases_in)
WIDTHS = Quantity("of widths", _widths)
OUT = Quantity("L·V", _values)
FIRST = Quantity("y", lambda site: site.made // site.batch)
"""The output's values of one example."""

_UNSEEN = Term("products of what is no module of torch.nn itself", -1, MACS, (INEXACT,))
_UNSEEN_PRODUCT = Condition(
    "an operator or einsum", lambda site: site.has("operator") or site.has("einsum")
)
_BIAS = Term("1 per value that a bias is added to", 1, BIAS_MADE, (EXACT,), HOOK)
_WEIGHED: Rule = (_UNSEEN, _BIAS)


def _twice(what: str) -> Rule:
    """What a hook counts, and the function that the module calls once more."""
    return (
        Term(f"1 per value of a module {what}", 1, READ, (EXACT,), HOOK),
        *seen(what),
    )


_POOL: Rule = (
    Term("1 per value that a module of pooling reads", 1, POOLED_READ, (EXACT,), HOOK),
    POOLED,
)


def _recurrent(hadamards: int) -> Rule:
    return (
        _UNSEEN,
        Term(f"{hadamards} per value of a state at each step", hadamards, STATES, (EXACT,), HOOK),
        Term("1 per bias of a recurrent layer at each step", 1, BIASES, (EXACT,), HOOK),
    )


RULES: Rules = MappingProxyType(
    {
        **nothing(
            "kmaxpool", "maxunpool", "channel_avgpool", "channel_maxpool",
            "l2norm", "selu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "abs",
            "softplus", "log_softmax", "subtract", "divide", "maximum", "embedding",
        ),
        "conv": _WEIGHED,
        "depthwise_conv": _WEIGHED,
        "conv_transpose": _WEIGHED,
        "separable_conv": _WEIGHED,
        "linear": _WEIGHED,
        "lstm": _recurrent(10),
        "gru": _recurrent(7),
        "batchnorm": normalized("a batch norm", 2, 1, EXACT, part=HOOK),
        "groupnorm": normalized("a group norm", 2, 1, EXACT, part=HOOK),
        "instancenorm": normalized("an instance norm", 2, 1, EXACT, part=HOOK),
        "lrn": LRN,
        "lppool": LPPOOL,
        "affine": AFFINE_FUNCTIONS,
        "layernorm": (Term("1 per value that a layer norm reads", 1, READ, (EXACT,), HOOK),),
        "maxpool": _POOL,
        "avgpool": (POOLED_APART, *_POOL),
        "adaptive_avgpool": _POOL,
        "adaptive_maxpool": _POOL,
        "global_avgpool": _POOL,
        "global_maxpool": _POOL,
        "relu": _twice("ReLU"),
        "prelu": _twice("PReLU"),
        "elu": _twice("ELU"),
        "gelu": _twice("GELU"),
        "relu6": (
            Term("1 per value of a module ReLU6", 1, READ, (EXACT,), HOOK),
            Term("1 per value of a function ReLU6", 1, READ, (FUNCTION,)),
        ),
        "leaky_relu": (Term("1 per value of a module LeakyReLU", 1, READ, (EXACT,), HOOK),),
        "silu": seen("SiLU"),
        "softmax": seen("softmax"),
        "upsample": (
            RESIZED_OTHERWISE,
            Term(
                "1 per value that a module of resizing makes of the first example",
                1,
                FIRST,
                (EXACT,),
                HOOK,
            ),
            Term("1 per value that a function of resizing makes, which the module calls", 1, MADE),
        ),
        "scale": PAIRED_SCALE,
        "add": ADD,
        "multiply": MULTIPLY,
        "matmul": (
            Term(
                "products by an operator or einsum, which it does not see",
                -1, MACS, (_UNSEEN_PRODUCT,),
            ),
        ),
        "attention": (
            ON_A_GRID,
            Term(
                "attention that is no module of torch.nn itself",
                -1,
                MACS,
                (OF_MODULE, INEXACT),
            ),
            Term(
                "keys and values are taken to stay as wide as they are read",
                1,
                WIDTHS,
                (OF_MODULE, EXACT),
                HOOK,
            ),
            Term("1 per value of queries, which are scaled", 1, READ, (OF_MODULE, EXACT), HOOK),
            Term(
                "1 per bias of the projections in",
                1, PROJECTED, (OF_MODULE, EXACT, BIASED), HOOK,
            ),
            Term(
                "1 per weight of attention, for its softmax",
                1, ATTENDED, (OF_MODULE, EXACT), HOOK,
            ),
            Term(
                "1 per bias of the projection out, whether there is one or not",
                1, OUT, (OF_MODULE, EXACT), HOOK,
            ),
            Term(
                "both products of attention once more, by torch.bmm",
                1, SCORES, (OF_MODULE, WEIGHTS, SLOW),
            ),
            SOFTMAX_OF_WEIGHTS,
            Term("projections by F.linear, which it does not replace", -1, PROJECTIONS, (WITHIN,)),
            SOFTMAX_WITHIN,
        ),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""
PARAMETERS: Rules = LEARNING
"""It counts those that learn."""
AVERAGE = "hooks' counts, of which it takes the average over the batch"


def _hooked(site: Site, amounts: Sequence[tuple[Term, int]]) -> int:
    """What hooks count of a layer, of the whole batch."""
    hooked = sum(amount for term, amount in amounts if term.part == HOOK)
    own = site.kind == "attention" and OF_MODULE.holds(site)
    if EXACT.holds(site) and (own or site.kind in _HOOKED):
        hooked += site.macs
    return hooked


def left(site: Site) -> int:
    """What the average over the batch leaves of a layer: that is cut off of the sum alone."""
    rule = RULES[site.kind]
    amounts = [(term, term.of(site)) for term in rule if isinstance(term, Term)]
    return 0 if site.named else _hooked(site, amounts) % site.batch


def settle(site: Site, amounts: Sequence[tuple[Term, int]]) -> Iterator[tuple[Term, int]]:
    """What is taken off of a layer's counts by hooks, for their average over the batch.

    Of several inputs, which it gives by their names, it takes the batch for one example.
    """
    hooked = _hooked(site, amounts)
    gone = 0 if site.named else hooked - hooked // site.batch
    if gone:
        yield Term(AVERAGE, -1, Quantity("", lambda _: gone)), -gone


def printed(total: int) -> str:
    """As `get_model_complexity_info(…, as_strings=True)` gives it.

    >>> printed(4_132_436_968), printed(2_000_000), printed(12)
    ('4.13 GMac', '2.0 MMac', '12 Mac')
    """
    for size, unit in ((10**9, "GMac"), (10**6, "MMac"), (10**3, "KMac")):
        if total >= size:
            return f"{round(total / size, 2)} {unit}"
    return f"{total} Mac"
