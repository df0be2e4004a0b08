"""CC415: no position before the global pool sees even half of the image."""

from collections.abc import Iterator
from math import prod

from convcalc.numbers import times
from convcalc.rules.base import Advice
from convcalc.rules.context import MAXIMA, PLACED, Context
from convcalc.shape import Shape


def check(context: Context) -> Iterator[Advice]:
    """The layer that makes the last map, where no position sees half of the image."""
    image = context.network.input
    unseen = _last_of_parts(context)
    if unseen is None or image is None:
        return
    last, seen = unseen
    smaller = context.first_fitting(
        _smaller_inputs(context, image, last, seen), lambda trial: _last_of_parts(trial) is None
    )
    yield Advice(
        context.origins(PLACED)[last],
        f"the last map sees {times(seen)} of the {times(image.spatial)} input at each position",
        "add layers, strides or dilation"
        + (f", or use a smaller input, such as {times(smaller.spatial)}" if smaller else ""),
    )


def _last_of_parts(context: Context) -> tuple[int, tuple[int, ...]] | None:
    """The map before an average over all of it that sees parts of the image, and how much."""
    image = context.network.input
    if image is None or image.rank < 2 or not context.pooled:
        return None
    if any("pool" not in context.kind(index) for index in context.collapses):
        return None  # a layer that reads every position
    parts: list[tuple[int, tuple[int, ...]]] = []
    for index in context.collapses:
        if context.kind(index) in MAXIMA:
            continue
        last = context.before(index)
        fields = None if context.source(last) else context.fields[last][0]
        if fields is None:
            return None
        seen = tuple(field.size for field in fields)
        if context.sees_half(last):
            return None
        parts.append((last, seen))
    return max(parts, key=lambda pair: (prod(pair[1]), pair[0]), default=None)


def _smaller_inputs(
    context: Context, image: Shape, last: int, seen: tuple[int, ...]
) -> Iterator[Shape]:
    """Inputs of which the last map sees half, the largest first, down to half of this one.

    Those of whole strides come first.
    """
    fields = context.fields[last][0] or ()
    strides = [max(int(field.jump), 1) for field in fields]
    for back in range(16):
        for rest in (None, 0, 1):
            spatial = tuple(
                extent
                if 2 * size >= extent
                else 2 * size - back
                if rest is None
                else (2 * size // stride - back) * stride + rest
                for extent, size, stride in zip(image.spatial, seen, strides, strict=True)
            )
            if all(
                extent <= 2 * smaller and smaller <= extent
                for extent, smaller in zip(image.spatial, spatial, strict=True)
            ):
                yield image._replace(spatial=spatial)
