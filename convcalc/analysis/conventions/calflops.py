"""What calflops counts: functions that it replaces, two operations a multiply-add.

Source: calflops/pytorch_ops.py. It was made after deepspeed's profiler, of an older version.
"""

from math import prod
from types import MappingProxyType

from convcalc.analysis.conventions.alike import ON_A_GRID, REASONS, RESIZED_OTHERWISE
from convcalc.analysis.conventions.deepspeed import (
    BY_SIZE,
    EINSUM_ROUNDED,
    SHARED,
    SIZE,
    printed,
)
from convcalc.analysis.conventions.patched import (
    EINSUM,
    LEARNING,
    PAIRED_SCALE,
    SOFTMAX_OF_WEIGHTS,
    SOFTMAX_WITHIN,
)
from convcalc.analysis.conventions.terms import (
    FAST,
    MACS,
    OF_MODULE,
    READ,
    SCORES,
    SLOW,
    Condition,
    Quantity,
    Rules,
    Site,
    Term,
)

__all__ = ["PARAMETERS", "REASONS", "RULES", "printed"]


def _divided_twice(site: Site) -> int:
    """Multiply-adds of a transposed convolution that are lost where groups divide filters twice."""
    _, filters, *kernel = site.plan.weights[0].shape
    lost = filters - filters // site.layer.groups
    inputs = site.inputs[0]
    return int(site.batch * prod(kernel) * inputs.size * lost)


def _forward(site: Site) -> int:
    """Values that a bias would be added to if a transposed convolution were none."""
    if not site.weight("bias"):
        return 0
    _, filters, *_ = site.plan.weights[0].shape
    layer, inputs = site.layer, site.inputs[0]
    positions = 1
    for axis, extent in enumerate(inputs.spatial):
        stride, dilation, kernel = (
            value[axis] if isinstance(value, tuple) else value
            for value in (layer.stride, layer.dilation, layer.kernel)
        )
        window = site.plan.windows[axis]
        padding = dilation * (kernel - 1) - window.before
        positions *= (extent + 2 * padding - (dilation * (kernel - 1) + 1)) // stride + 1
    return int(site.batch * filters * positions)


UNSEEN = Condition("an operator or bmm", lambda site: site.has("operator") or site.has("bmm"))

RULES: Rules = MappingProxyType(
    {
        **SHARED,
        "conv_transpose": (
            Term(
                "2 per multiply-add that is lost where groups divide the filters twice",
                -2,
                Quantity("MACs", _divided_twice),
            ),
            Term(
                "1 per value of the bias, of a map as a convolution would make it",
                1,
                Quantity("y of a convolution", _forward),
            ),
        ),
        "upsample": (
            RESIZED_OTHERWISE,
            Term("1 per value that resizing by a factor reads", 1, READ, (~SIZE,)),
            Term(
                "1 per position that resizing to a size makes, of one channel and example",
                1,
                BY_SIZE,
                (SIZE,),
            ),
        ),
        "scale": PAIRED_SCALE,
        "matmul": (
            Term(
                "2 per multiply-add of an operator or bmm, which it does not see",
                -2, MACS, (UNSEEN,),
            ),
            Term("an einsum's estimate, of four digits", 1, EINSUM_ROUNDED, (EINSUM,)),
        ),
        "attention": (
            ON_A_GRID,
            Term(
                "2 per multiply-add of both products of attention, which it does not see",
                -2,
                SCORES,
                (OF_MODULE, SLOW),
            ),
            SOFTMAX_OF_WEIGHTS,
            SOFTMAX_WITHIN,
            Term("2 per multiply-add of attention, one operator inside no_grad", -2, MACS, (FAST,)),
        ),
    }
)  # fmt: skip
"""By kind what it counts beside our multiply-accumulates, or less."""

PARAMETERS: Rules = LEARNING
"""It counts those that learn."""
