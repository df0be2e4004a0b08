"""CC416: convolutions whose input sees the whole image already."""

from collections.abc import Iterator, Sequence

from convcalc.numbers import times
from convcalc.rules.base import Advice
from convcalc.rules.context import SLIDING, Context
from convcalc.shape import Shape


def check(context: Context) -> Iterator[Advice]:
    """The first of the convolutions that see no more, if they are a fifth of all."""
    image = context.network.input
    layers, unproductive = _unproductive(context)
    if not unproductive or image is None:
        return
    first, last = _seen(context, unproductive[0]), _seen(context, unproductive[-1])
    reached = tuple(size for size, _ in first)
    least = tuple(size + 1 for size, _ in last)
    stride = max(jump for _, jump in last)
    larger = context.first_fitting(
        _larger_inputs(image, least, stride), lambda trial: not _unproductive(trial)[1]
    )
    yield Advice(
        unproductive[0],
        f"the map before {context.name(unproductive[0])} sees {times(reached)} of the "
        f"{times(image.spatial)} input: {len(unproductive)} of {len(layers)} convolutions "
        "cannot see more",
        "leave layers out"
        + (f", or use a larger input, such as {times(larger.spatial)}" if larger else ""),
    )


def _unproductive(context: Context) -> tuple[list[int], list[int]]:
    """The convolutions with a kernel, and those of them whose input sees the whole image.

    The latter only if they are a fifth of the former.
    """
    image = context.network.input
    if image is None or not image.spatial:
        return [], []
    if not any(fields and fields[0].size >= image.spatial[0] for fields, _ in context.fields):
        return [], []  # not even along the longest path
    # the field of the position in a corner reaches beyond the image
    whole = [2 * size - 1 if context.dense else size for size in image.spatial]
    layers = {
        index: seen
        for index in sorted(context.of(*SLIDING))
        if any(window.extent > 1 for window in context.windows(index))
        and (seen := _seen(context, index))
    }
    unproductive = [
        index
        for index, seen in layers.items()
        if all(size >= extent for (size, _), extent in zip(seen, whole, strict=True))
    ]
    return [*layers], unproductive if 5 * len(unproductive) >= len(layers) else []


def _seen(context: Context, index: int) -> Sequence[tuple[int, int]]:
    """What the input of a layer sees along its shortest path: size and stride per axis.

    Nothing where its positions have no place in the image.
    """
    return context.smallest_fields[context.before(index)] or ()


def _larger_inputs(image: Shape, least: tuple[int, ...], stride: int) -> Iterator[Shape]:
    """Inputs of at least these extents, the smallest first: those of whole strides at first."""
    for on in range(16):
        for rest in (0, 1):
            yield image._replace(
                spatial=tuple(
                    max(extent, (-(-size // stride) + on) * stride + rest)
                    for extent, size in zip(image.spatial, least, strict=True)
                )
            )
