"""Stacks of small filters that see as much as a large one."""

from math import prod

from convcalc.shape import Shape
from convcalc.window import Window


def stack_of(
    kernel: tuple[int, ...], x: Shape, output: Shape, windows: tuple[Window, ...]
) -> tuple[int, int] | None:
    """How many 3×3 filters see as much, and their weights, if they are worth it."""
    extent = kernel[0]
    if extent < 5 or extent % 2 == 0 or len(set(kernel)) > 1 or kernel == x.spatial:
        return None
    if any(window.stride > 1 or window.dilation > 1 for window in windows):
        return None
    count = (extent - 1) // 2
    taps = 3 ** len(kernel)
    before, filters = x.channels, output.channels
    between = max(before, filters)
    weights = taps * between * (before + (count - 2) * between + filters)
    large = prod(kernel) * before * filters
    return (count, weights) if 4 * weights <= 3 * large else None
