"""CC404: a pool throws most of the map away."""

from collections.abc import Iterator
from math import prod

from convcalc.numbers import times
from convcalc.rules.base import Advice
from convcalc.rules.context import POOLS, Context


def check(context: Context) -> Iterator[Advice]:
    """Pools with a kernel of more than 3 and a stride, but for those over the whole map."""
    for index in context.of(*POOLS):
        windows, spatial = context.windows(index), context.output(index).spatial
        if len(spatial) < 2 or set(spatial) == {1}:
            continue
        if len({window.kernel for window in windows}) > 1:
            continue
        if any(window.kernel > 3 and window.stride > 1 for window in windows):
            kernel = times(tuple(window.kernel for window in windows))
            strides = times(tuple(window.stride for window in windows))
            kept = 100 / prod(window.stride for window in windows)
            yield Advice(
                index,
                f"a {kernel} pool of stride {strides} keeps {kept:.3g}% of the activations",
                "pool 2×2 or 3×3 with stride 2, with convolutions between",
                "kernel",
            )
