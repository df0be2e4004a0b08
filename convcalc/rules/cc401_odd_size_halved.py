"""CC401: an odd height or width is halved."""

from collections.abc import Iterator
from typing import cast

from convcalc.layers.sliding import AXIS_NAMES, Sliding, decimal, unrounded_windows
from convcalc.rules.base import Advice
from convcalc.rules.context import POOLS, SLIDING, Context, times
from convcalc.shape import Shape
from convcalc.window import Window


def check(context: Context) -> Iterator[Advice]:
    """The first layer that halves an odd axis, said of the input."""
    odd = _odd_halves(context)
    image = context.network.input
    if not odd or image is None:
        return
    first, axis = odd[0]
    size = context.input(first).spatial[axis]
    sizes = " or ".join(times(shape.spatial) for shape in _even_inputs(context, image))
    noun = "a length of" if image.rank == 1 else "an input of"
    yield Advice(
        None,
        f"{context.name(first)} halves an odd {AXIS_NAMES[image.rank][axis]}: "
        f"{size}/2 = {decimal(size, 2)}, from the input {image}",
        f"use {noun} {sizes}" if sizes else "use sizes that stay even until the last is halved",
        "input",
    )


def _odd_halves(context: Context) -> list[tuple[int, int]]:
    """Layers that halve an odd axis so that a row is dropped or made up, and the axis."""
    image = context.network.input
    if image is None or not image.spatial or not context.complete or context.any_size:
        return []
    if context.of("crop") or (image.rank == 1 and not context.of("upsample", "conv_transpose")):
        return []
    return [
        (index, axis)
        for index in sorted(context.of(*SLIDING, *POOLS))
        for axis in _halved_axes(context, index)
        if context.input(index).spatial[axis] % 2 and not _tiles(context, index, axis)
    ]


def _tiles(context: Context, index: int, axis: int) -> bool:
    """Whether the windows end where the padding as written ends, alike on both sides if `same`.

    An odd kernel with P = (F − 1)/2 tiles odd sizes: (321 − 3 + 2·1)/2 + 1 = 161.
    """
    layer, spatial = context.nodes[index].layer, context.input(index).spatial
    window = unrounded_windows(cast("Sliding", layer), spatial)[axis]
    if cast("Sliding", layer).padding == "same":
        return window.before == window.after
    return window.remainder(spatial[axis]) == 0


def _even_inputs(context: Context, image: Shape) -> Iterator[Shape]:
    """The next smaller and the next larger input that the network halves without an odd size."""
    odd = {axis for _, axis in _odd_halves(context)}
    for step in (-1, 1):
        inputs = (
            image._replace(
                spatial=tuple(
                    size + change if axis in odd else size
                    for axis, size in enumerate(image.spatial)
                )
            )
            for change in range(step, 100 * step, step)
        )
        fitting = context.first_fitting(inputs, lambda trial: not _odd_halves(trial))
        if fitting is not None:
            yield fitting


def _halves(window: Window, size: int) -> bool:
    """Whether the output is half as large as the input, give or take the rounding."""
    return (
        window.stride == 2
        and window.up == 1
        and window.before + window.after >= window.extent - 2
        and size > 1
    )


def _halved_axes(context: Context, index: int) -> list[int]:
    plan, x = context.plans[index], context.input(index)
    image = context.network.input
    if plan is None or not plan.windows or image is None or image.rank != x.rank:
        return []
    return [
        axis
        for axis, found in enumerate(zip(plan.windows, x.spatial, strict=True))
        if _halves(*found)
    ]
