"""What would do where a layer is wrong: values that were tried on the layer itself.

A help that names a number is one that the layer has no error with. Imported where there is an
error to help with.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import isqrt
from typing import Any, Literal, TypeVar

from convcalc.diagnostics import Way
from convcalc.layers.base import Axes, Layer, Padding
from convcalc.layers.sliding import (
    Sliding,
    beyond,
    per_axis,
    sides,
    unrounded_windows,
    windows_of,
)
from convcalc.shape import Shape
from convcalc.window import Window

MAX_TRIED = 1000
"""Most values of a field that are tried."""
MAX_SIDE = 64
"""Largest side of a map that a vector is put into, if it is no image."""
IMAGE_CHANNELS = (1, 3)
SMALLEST_IMAGE = 8
"""Side of the smallest map that is taken for an image."""


Changed = TypeVar("Changed")


def changed(layer: Changed, **fields: object) -> Changed:
    """The layer with other values of some fields."""
    known: Any = layer
    other: Changed = replace(known, **fields)
    return other


def works(layer: Layer, x: Shape) -> bool:
    """Whether a layer has no error with an input."""
    return not any(problem.severity == "error" for problem in layer.check([x]))


def slides(kind: str, layer: Sliding, x: Shape) -> bool:
    """Whether nothing is wrong with the sizes of a kernel that slides over `x`."""
    windows = windows_of(layer, x.spatial)
    if any(window.room(size) < 0 for window, size in zip(windows, x.spatial, strict=True)):
        return False
    if layer.rounding == "exact":
        if layer.padding == "same":
            if any(window.stride == 1 and window.extent % 2 == 0 for window in windows):
                return False
        elif any(window.remainder(size) for window, size in zip(windows, x.spatial, strict=True)):
            return False
    if "pool" in kind:
        kernels = per_axis(layer.kernel, x.rank)
        pairs = sides(layer.padding, x.rank)
        return all(max(pair) <= kernel // 2 for kernel, pair in zip(kernels, pairs, strict=True))
    mode = getattr(layer, "padding_mode", "zero")
    borders = ((window.before, window.after) for window in windows)
    return not any(beyond(pair, mode, size) for size, pair in zip(x.spatial, borders, strict=True))


def smaller_kernel(kind: str, layer: Sliding, most: dict[int, int], x: Shape) -> Way:
    """The largest kernel that fits, with which nothing else is wrong.

    `most` has the largest that fits along each axis where the kernel is too large.
    """
    if isinstance(layer.kernel, tuple):
        fitting = tuple(most.get(axis, kernel) for axis, kernel in enumerate(layer.kernel))
        if slides(kind, changed(layer, kernel=fitting), x):
            return Way(f"use kernel {shown(fitting)}", (("kernel", fitting),))
    else:
        top = min(most.values())
        for kernel in range(top, max(top - MAX_TRIED, 0), -1):
            if slides(kind, changed(layer, kernel=kernel), x):
                text = f"use a kernel of at most {top}" if kernel == top else f"use kernel {kernel}"
                return Way(text, (("kernel", kernel),))
    return Way("use a smaller kernel")


def odd_kernels(kind: str, layer: Sliding, x: Shape) -> Iterator[str]:
    """The kernels beside an even one that `same` can do with, and the padding that it means."""
    windows = unrounded_windows(layer, x.spatial)
    even = [window.stride == 1 and window.extent % 2 == 0 for window in windows]
    kernels = per_axis(layer.kernel, x.rank)
    beside = []
    for step in (-1, 1):
        wanted = tuple(
            kernel + step if odd else kernel for kernel, odd in zip(kernels, even, strict=True)
        )
        value: Axes = wanted if isinstance(layer.kernel, tuple) else layer.kernel + step
        if slides(kind, changed(layer, kernel=value), x):
            beside.append(shown(value))
    if beside:
        yield f"use kernel {' or '.join(beside)}"
    pairs = tuple((window.before, window.after) for window in windows)
    if slides(kind, changed(layer, padding=pairs), x):
        yield (
            f"say which side gets more: padding {shown(pairs)}, as `rounding: floor` does with "
            "`same`"
        )


def own_map(
    kind: str, layer: Sliding, windows: tuple[Window, ...], x: Shape, left_over: list[int]
) -> list[str]:
    """The nearest larger and smaller map that the layer's strides tile."""
    larger = [
        size + (window.stride - rest if rest else 0)
        for window, size, rest in zip(windows, x.spatial, left_over, strict=True)
    ]
    smaller = [size - rest for size, rest in zip(x.spatial, left_over, strict=True)]
    sizes = [
        "×".join(map(str, spatial))
        for spatial in (larger, smaller)
        if min(spatial) > 0 and slides(kind, layer, x._replace(spatial=tuple(spatial)))
    ]
    what = "length" if x.rank == 1 else "map"
    return [f"give it a {what} of {' or '.join(sizes)}"] if sizes else []


def smaller_padding(
    kind: str, layer: Sliding, limits: Iterable[int], x: Shape
) -> tuple[Padding, bool] | None:
    """The most of its padding that a layer can have, and whether that is up to the limits.

    `limits` are the most at one side, by axis. None where no padding would do.
    """
    most = list(limits)
    for less in range(min(max(most), MAX_TRIED) + 1):
        padding = clipped(layer.padding, [max(limit - less, 0) for limit in most])
        if slides(kind, changed(layer, padding=padding), x):
            return padding, not less
    return None


def clipped(padding: Padding, limits: list[int]) -> Padding:
    """Padding that is nowhere more than the limit of its axis; one number stays one.

    >>> clipped(3, [1, 2]), clipped((3, (0, 1)), [1, 2])
    (1, ((1, 1), (0, 1)))
    """
    if isinstance(padding, int):
        return min(padding, *limits)
    return tuple(
        (min(before, limit), min(after, limit))
        for (before, after), limit in zip(sides(padding, len(limits)), limits, strict=True)
    )


def mapped(layer: Layer, x: Shape) -> str:
    """A map of a vector's values that a layer works on, as `reshape` has it; empty for none.

    An image, grey or in colours, where there are as many values as one has; else the smallest map.
    """
    for channels in IMAGE_CHANNELS:
        side = isqrt(x.channels // channels)
        shape = Shape(channels, (side, side))
        if side >= SMALLEST_IMAGE and shape.size == x.channels and works(layer, shape):
            return str(shape).replace("×", "x")
    for side in range(1, MAX_SIDE + 1):
        for rank in (2, 1, 3):
            block = side**rank
            if block <= x.channels and not x.channels % block:
                shape = Shape(x.channels // block, (side,) * rank)
                if works(layer, shape):
                    return str(shape).replace("×", "x")
    return ""


def shown(value: Axes | Padding | Literal["same", "valid"]) -> str:
    """The value of a field as a help has it: `3x5`, `[[0, 1], [1, 1]]`."""
    if not isinstance(value, tuple):
        return str(value)
    if any(isinstance(each, tuple) for each in value):
        return str([list(pair) for pair in sides(value, len(value))])
    return "x".join(map(str, value))
