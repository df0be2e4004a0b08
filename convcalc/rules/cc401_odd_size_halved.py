"""CC401: an odd height or width is halved."""

from collections.abc import Iterator
from typing import cast

from convcalc.graph.inputs import resized
from convcalc.layers import UNPOOL
from convcalc.layers.convolution import Conv, DepthwiseConv
from convcalc.layers.sliding import AXIS_NAMES, Sliding, decimal, unrounded_windows
from convcalc.numbers import times
from convcalc.rules.base import Advice
from convcalc.rules.context import POOLS, SLIDING, Context
from convcalc.shape import Shape
from convcalc.window import Window


def check(context: Context) -> Iterator[Advice]:
    """The first layer that halves an odd axis, said of the input."""
    odd = _odd_halves(context)
    image = context.network.input
    if not odd or image is None:
        return
    inputs = [times(shape.spatial) for shape in _even_inputs(context, image)]
    if not inputs:
        return
    first = odd[0][0]
    axes = [axis for index, axis in odd if index == first]
    spatial, names = context.input(first).spatial, AXIS_NAMES[image.rank]
    halves = dict.fromkeys(f"{spatial[axis]}/2 = {decimal(spatial[axis], 2)}" for axis in axes)
    one = len(context.network.inputs) == 1
    noun = "a length of" if image.rank == 1 and one else f"{context.network.an_input} of"
    which = "the input" if one else f"the input {context.name(0)}"
    padded = _padded_stays_even(context, image, first)
    yield Advice(
        None,
        f"{context.name(first)} halves an odd {' and '.join(names[axis] for axis in axes)}: "
        f"{' and '.join(halves)}, from {which} {image}",
        f"use {noun} {' or '.join(inputs)}"
        + (", or `padding: same` in the convolutions before that shrink the map" if padded else ""),
        context.input_field,
    )


def _padded_stays_even(context: Context, image: Shape, last: int) -> bool:
    """Whether convolutions padded to keep the size, where they are not, would do instead."""
    nodes = list(context.network.nodes)
    for index in context.of("conv", "depthwise_conv"):
        layer = nodes[index].layer
        if index < last and isinstance(layer, Conv | DepthwiseConv):
            windows = context.windows(index)
            if all(w.stride == 1 and w.kernel % 2 and not (w.before or w.after) for w in windows):
                nodes[index] = nodes[index].changed(layer.replace(padding="same"))
    padded = resized(context.network._replace(nodes=nodes), image)
    return padded is not None and not _odd_halves(Context(padded))


def _odd_halves(context: Context) -> list[tuple[int, int]]:
    """Layers that halve an odd axis so that a row is dropped or made up, and the axis."""
    image = context.network.input
    if image is None or not image.spatial or not context.complete or context.any_size:
        return []
    if context.of("crop") or (image.rank == 1 and not context.of("upsample", "conv_transpose")):
        return []
    undone = {context.nodes[index].like for index in context.of(UNPOOL)}
    return [
        (index, axis)
        for index in sorted(context.of(*SLIDING, *POOLS))
        for axis in _halved_axes(context, index)
        if context.input(index).spatial[axis] % 2
        and not context.nodes[index].rounds_as_elsewhere
        and not _tiles(context, index, axis)
        and ((context.dense and index not in undone) or _drops(context, index, axis))
    ]


def _drops(context: Context, index: int, axis: int) -> bool:
    """Whether the last row is dropped; otherwise one is made up."""
    return context.windows(index)[axis].dropped(context.input(index).spatial[axis]) > 0


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
    """The next smaller and the next larger input that the network halves without an odd size.

    All weights stay as they are, and outputs as large as the input do, too.
    """
    odd = {axis for _, axis in _odd_halves(context)}
    ends = [
        output
        for output in context.network.outputs
        if context.output(output).spatial == image.spatial
    ]

    def fits(trial: Context) -> bool:
        shape = trial.network.input
        return (
            trial.weights == context.weights
            and shape is not None
            and all(trial.output(end).spatial == shape.spatial for end in ends)
            and not _odd_halves(trial)
        )

    for step in (-1, 1):
        inputs = (
            image._replace(
                spatial=tuple(
                    size + change if axis in odd else size
                    for axis, size in enumerate(image.spatial)
                )
            )
            for change in range(step, 100 * step, step)
            if all(2 * (size + change) >= size for size in image.spatial)
        )
        fitting = context.first_fitting(inputs, fits)
        if fitting is not None:
            yield fitting


def _halves(window: Window, size: int) -> bool:
    """Whether the output is half as large as the input, give or take the rounding."""
    return window.stride == 2 and window.before + window.after >= window.extent - 2 and size > 1


def _halved_axes(context: Context, index: int) -> list[int]:
    x, image = context.input(index), context.network.input
    if image is None or image.rank != x.rank or not context.follows_input(index):
        return []
    return [
        axis
        for axis, pair in enumerate(zip(context.windows(index), x.spatial, strict=True))
        if _halves(*pair)
    ]
