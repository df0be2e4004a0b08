"""What deepspeed's profiler counts: functions that it replaces, two operations a multiply-add.

Source: deepspeed/profiling/flops_profiler/profiler.py.
"""

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
    BIASES,
    EINSUM,
    FUNCTION,
    LPPOOL,
    LRN,
    MULTIPLY,
    POOL,
    SCALE,
    SOFTMAX_OF_WEIGHTS,
    SOFTMAX_WITHIN,
    STATES,
    seen,
)
from convcalc.analysis.conventions.terms import (
    AFFINE,
    BIAS_MADE,
    EXACT,
    FAST,
    MACS,
    MADE,
    PLAIN,
    READ,
    Condition,
    Quantity,
    Rule,
    Rules,
    Site,
    Term,
    normalized,
    written,
)

__all__ = ["PARAMETERS", "REASONS", "RULES", "printed"]

LINEAR = written("linear")
TRACKED = Condition("by running statistics", lambda site: bool(site.layer.track_running_stats))
"""It puts a model into evaluation first, so these are what a batch norm has, if it keeps any."""
UNTRACKED = ~TRACKED


def estimate(macs: int) -> int:
    """What a product of two matrices written as `einsum` counts: NumPy's estimate of it.

    That is 2·MACs + 1, which NumPy prints with four digits.

    >>> estimate(210), estimate(5_608_200)
    (421, 11220000)
    """
    return int(float(f"{2 * macs + 1:.3e}"))


def recomputed(site: Site) -> int:
    """Positions of a convolution whose padding is a string, as it works them out.

    It pads by half on both sides, which is one too few for an even kernel.
    """
    positions = 1
    for extent, window in zip(site.inputs[0].spatial, site.plan.windows, strict=True):
        whole = window.dilation * (window.kernel - 1)
        positions *= extent + 2 * (whole // 2) - whole
    return positions


def _lost(site: Site) -> int:
    return site.batch * (site.positions - recomputed(site))


LOST = Quantity("MACs of positions", lambda site: _lost(site) * site.weight("weight"))
LOST_BIAS = Quantity("bias of positions", lambda site: _lost(site) * site.weight("bias"))
SAME = Condition("padding='same'", lambda site: site.has("string") and site.layer.padding == "same")
EINSUM_ROUNDED = Quantity("MACs", lambda site: estimate(site.macs) - 2 * site.macs)

_BIAS = Term("1 per value that a convolution adds a bias to", 1, BIAS_MADE, (~LINEAR,))
_LOST: Rule = (
    Term(
        "2 per multiply-add of the last rows of an even kernel, which it takes not to be there",
        -2,
        LOST,
        (SAME,),
    ),
    Term("1 per bias of these rows", -1, LOST_BIAS, (SAME,)),
)
CONVOLUTION: Rule = (_BIAS, *_LOST)


_UNHOOKED = Term("2 per multiply-add of what has no hook", -2, MACS, (~EXACT,))


def _recurrent(gates: int, others: int) -> Rule:
    return (
        _UNHOOKED,
        Term("additions that products do not need, two a gate", -2 * gates, STATES, (EXACT,)),
        Term(f"{others} per value of a state at each step", others, STATES, (EXACT,)),
        Term("1 per bias of a recurrent layer at each step", 1, BIASES, (EXACT,)),
    )


SHARED: Rules = MappingProxyType(
    {
        **nothing(
            "kmaxpool", "maxunpool", "channel_avgpool", "channel_maxpool", "l2norm", "selu",
            "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "abs", "softplus",
            "log_softmax", "subtract", "divide", "maximum", "embedding", "linear",
        ),
        "conv": CONVOLUTION,
        "depthwise_conv": CONVOLUTION,
        "separable_conv": (_BIAS,),
        "lstm": _recurrent(4, 10),
        "gru": _recurrent(3, 7),
        "batchnorm": (
            Term("2 per value that a batch norm with factors reads", 2, READ, (AFFINE, TRACKED)),
            Term("1 per value that a batch norm without factors reads", 1, READ, (PLAIN, TRACKED)),
            Term(
                "5 per value that a batch norm reads, by its batch's statistics",
                5, READ, (AFFINE, UNTRACKED),
            ),
            Term(
                "4 per value that a batch norm without factors reads, by its batch's statistics",
                4, READ, (PLAIN, UNTRACKED),
            ),
        ),
        "groupnorm": normalized("a group norm", 5, 4),
        "layernorm": normalized("a layer norm", 5, 4),
        "instancenorm": normalized("an instance norm", 5, 4),
        "lrn": LRN,
        "lppool": LPPOOL,
        "maxpool": POOL,
        "avgpool": (POOLED_APART, *POOL),
        "adaptive_avgpool": POOL,
        "adaptive_maxpool": POOL,
        "global_avgpool": POOL,
        "global_maxpool": POOL,
        "relu": seen("ReLU"),
        "prelu": seen("PReLU"),
        "elu": seen("ELU"),
        "leaky_relu": seen("LeakyReLU"),
        "gelu": seen("GELU"),
        "silu": seen("SiLU"),
        "softmax": seen("softmax"),
        "relu6": (Term("1 per value of a function ReLU6", 1, READ, (FUNCTION,)),),
        "affine": AFFINE_FUNCTIONS,
        "add": ADD,
        "multiply": MULTIPLY,
    }
)  # fmt: skip
"""What calflops, which was made after it, counts alike."""
SIZE = written("size")
BY_SIZE = Quantity("S(y)", lambda site: site.positions)

RULES: Rules = MappingProxyType(
    {
        **SHARED,
        "conv_transpose": (
            Term("1 per value that a transposed convolution adds a bias to", 1, BIAS_MADE),
        ),
        "upsample": (
            RESIZED_OTHERWISE,
            Term("1 per value that resizing by a factor makes", 1, MADE, (~SIZE,)),
            Term(
                "1 per position that resizing to a size makes, of one channel and example",
                1, BY_SIZE, (SIZE,),
            ),
        ),
        "scale": SCALE,
        "matmul": (Term("an einsum's estimate, of four digits", 1, EINSUM_ROUNDED, (EINSUM,)),),
        "attention": (
            ON_A_GRID,
            SOFTMAX_OF_WEIGHTS,
            SOFTMAX_WITHIN,
            Term("2 per multiply-add of attention, one operator inside no_grad", -2, MACS, (FAST,)),
        ),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""
PARAMETERS: Rules = MappingProxyType({})
"""It counts those that we count."""


def printed(total: int) -> str:
    """As `get_model_profile(…, as_string=True)` gives it.

    >>> printed(8_211_108_352), printed(2_000_000), printed(12)
    ('8.21 GFLOPS', '2 MFLOPS', '12 FLOPS')
    """
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "K")):
        if total >= size:
            return f"{round(total / size, 2):g} {unit}FLOPS"
    return f"{total:g} FLOPS"
