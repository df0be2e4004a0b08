"""What TensorFlow's profiler counts of a network of Keras: operations of its frozen graph.

Source: tensorflow/python/profiler/internal/flops_registry.py and ops/nn_ops.py; which operations a
layer becomes is Keras'.
"""

from math import prod
from types import MappingProxyType

from convcalc.analysis.conventions.alike import DILATED, RESIZING, nothing
from convcalc.analysis.conventions.patched import JOINED
from convcalc.analysis.conventions.terms import (
    AFFINE,
    BIAS_MADE,
    MACS,
    PLAIN,
    READ,
    Condition,
    Quantity,
    Reasons,
    Rule,
    Rules,
    Site,
    Term,
    Uncounted,
    field,
    of_rank,
)

GROUPED = Condition("in groups", lambda site: site.layer.groups > 1)


def _space_to_batch(site: Site) -> bool:
    """Whether a dilated convolution is made on maps of another size than its own.

    A dilation lays every so manieth row and column apart, so extents are padded to multiples.
    """
    return any(
        window.dilation > 1 and (extent + window.before + window.after) % window.dilation
        for extent, window in zip(site.inputs[0].spatial, site.plan.windows, strict=True)
    )


def _strides(site: Site) -> int:
    stride, rank = site.layer.stride, site.rank
    return prod(stride) if isinstance(stride, tuple) else stride**rank


def _by_output(site: Site) -> int:
    """Operations of a transposed convolution by its output's values, less two a multiply-add."""
    kernel = site.weight("weight") // site.plan.output.channels
    return int(2 * site.made * kernel // _strides(site) - 2 * site.macs)


def _kernel(site: Site) -> int:
    """Values of all windows of a pool."""
    return site.made * prod(window.kernel for window in site.plan.windows)


CHANNELS = Quantity("C", lambda site: site.inputs[0].channels)
"""The channels, whatever the batch."""
CHANNELS_EACH = Quantity("B·C", lambda site: site.batch * site.inputs[0].channels)
ROWS = Quantity("x/w", lambda site: site.read // site.weight("weight"))
"""What is normalized by itself: a position, where that is over the channels."""
GROUPS = Quantity("B·groups", lambda site: site.batch * site.layer.groups)
INDICES = Quantity("B·L", lambda site: site.batch * site.positions)
WINDOWS = Quantity("k·y", _kernel)
EXTENTS = Quantity("extents", lambda site: site.rank)

_BIAS = Term("1 per value that a bias is added to", 1, BIAS_MADE)
_CONV: Rule = (
    _BIAS,
    Uncounted(
        "TensorFlow makes a dilated convolution on maps that are padded to multiples of it",
        (Condition("padded", _space_to_batch),),
    ),
)
_POOL: Rule = (
    Term("1 per value of a window that is pooled", 1, WINDOWS, (of_rank(1, 2),)),
    Uncounted("what it counts of a pool in three dimensions was not asked", (of_rank(3),)),
    Uncounted("Keras' pools have no dilation", (DILATED,)),
)
_UNASKED = "what it counts of this layer was not asked"
_JOINED: Rule = (Term("1 per value that is joined", 1, JOINED),)

RULES: Rules = MappingProxyType(
    {
        **nothing(
            "global_maxpool", "relu", "relu6", "leaky_relu", "elu", "sigmoid", "tanh", "softplus",
            "matmul",
        ),
        "conv": (
            *_CONV,
            Term("2 per multiply-add in groups, which another function runs", -2, MACS, (GROUPED,)),
        ),
        "depthwise_conv": _CONV,
        "separable_conv": _CONV,
        "conv_transpose": (
            _BIAS,
            Term(
                "2 per weight and value of the output, in place of the input",
                1,
                Quantity("2·w·y/(Cout·strides) − 2·MACs", _by_output),
            ),
            Uncounted("Keras' transposed convolutions have no groups", (GROUPED,)),
            Uncounted("what it counts in three dimensions was not asked", (of_rank(3),)),
        ),
        "linear": (_BIAS,),
        "batchnorm": (
            Term("2 per value that a batch norm reads", 2, READ, (AFFINE,)),
            Term("6 per channel of a batch norm, once a batch", 6, CHANNELS, (AFFINE,)),
            Uncounted("what it counts of a batch norm without factors was not asked", (PLAIN,)),
        ),
        "layernorm": (
            Term("9 per value that a layer norm reads", 9, READ, (AFFINE,)),
            Term("4 per position that a layer norm reads", 4, ROWS, (AFFINE,)),
            Uncounted("what it counts of a layer norm without factors was not asked", (PLAIN,)),
        ),
        "groupnorm": (
            Term("6 per value that a group norm reads", 6, READ, (AFFINE,)),
            Term("3 per channel of a group norm", 3, CHANNELS_EACH, (AFFINE,)),
            Term("4 per group", 4, GROUPS, (AFFINE,)),
            Uncounted("what it counts of a group norm without factors was not asked", (PLAIN,)),
        ),
        "maxpool": _POOL,
        "avgpool": _POOL,
        "global_avgpool": (Term("1 per value that a mean reads", 1, READ),),
        "silu": (Term("2 per value of a SiLU", 2, READ),),
        "gelu": (Term("4 per value of a GELU", 4, READ),),
        "hardswish": (Term("3 per value of a hard swish", 3, READ),),
        "hardsigmoid": (Term("2 per value of a hard sigmoid", 2, READ),),
        "softmax": (Term("5 per value of a softmax", 5, READ),),
        "upsample": (
            Term(
                "1 per new extent of what is resized to the nearest",
                1,
                EXTENTS,
                (field("mode", "nearest"),),
            ),
            Uncounted(_UNASKED, (field("mode", "cubic"),)),
            Uncounted(_UNASKED, (RESIZING,)),
            Uncounted(_UNASKED, (field("align_corners", True),)),
            Uncounted(_UNASKED, (field("antialias", True),)),
        ),
        "add": _JOINED,
        "multiply": _JOINED,
        "affine": (Term("2 per value that is scaled and moved", 2, READ),),
        "embedding": (Term("2 per index that is looked up", 2, INDICES),),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""
REASONS: Reasons = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("lppool", "kmaxpool", "maxunpool", "channel_avgpool", "channel_maxpool", "lrn"),
                *("adaptive_avgpool", "adaptive_maxpool", "instancenorm", "l2norm", "selu"),
                *("mish", "abs", "log_softmax", "scale", "subtract", "divide", "maximum"),
            ),
            _UNASKED,
        ),
        "prelu": "Keras' has a slope for each value, and so many it counts",
        "attention": "how much of its products is counted hangs on how TensorFlow rewrites them",
        "lstm": "of a loop over steps it counts one",
        "gru": "of a loop over steps it counts one",
        "locally_connected": "Keras 3 has no locally connected layer",
    }
)
"""Why it is not known what it counts of a kind."""


def printed(total: int) -> str:
    """As `profile(…).total_float_ops` is printed."""
    return str(total)
