"""CC405: a stride larger than the kernel leaves values unread."""

from collections.abc import Iterator
from math import prod

from convcalc.numbers import times
from convcalc.rules.base import Advice
from convcalc.rules.context import PLACED, POOLS, SLIDING, Context


def check(context: Context) -> Iterator[Advice]:
    """Layers that skip values which no other layer reads."""
    skipping = {
        index: skipped
        for index in context.of(*SLIDING, *POOLS)
        if (skipped := _skipped(context, index)) is not None
    }
    if not skipping:
        return
    origins = context.origins(PLACED)
    read: set[int] = {origins[index] for index in context.wanted if not context.source(index)}
    wanted = {origins[context.before(index)] for index in skipping}
    for index, node in enumerate(context.nodes):
        if index in skipping or origins[index] != index:
            continue
        for before in node.inputs:
            if origins[before] in wanted:
                read.add(origins[before])
    for index in sorted(skipping):
        origin = origins[context.before(index)]
        if origin in read:
            continue
        kernel, stride, share = skipping[index]
        yield Advice(
            index,
            f"stride {stride} over a kernel of {kernel} never reads {share:.3g}% of "
            f"{context.name(context.before(index))}, and no other layer does",
            "use a kernel of at least the stride, a smaller stride, or stride where the values are "
            "computed",
            "stride",
        )


def _skipped(context: Context, index: int) -> tuple[str, str, float] | None:
    """Kernel, stride and the share of values between windows, if there are any."""
    axes = list(zip(context.windows(index), context.output(index).spatial, strict=True))
    if not any(window.stride > window.extent and size > 1 for window, size in axes):
        return None
    read = prod(min(window.kernel / window.stride, 1) for window, _ in axes)
    kernels = times(tuple(window.kernel for window, _ in axes))
    return kernels, times(tuple(window.stride for window, _ in axes)), 100 * (1 - read)
