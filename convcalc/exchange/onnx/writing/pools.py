"""Pools as operators."""

from collections.abc import Sequence
from math import inf, prod
from typing import Any

from convcalc.exchange.onnx.writer import Maker, Unwritten, Write
from convcalc.exchange.onnx.writing.borders import bordered, padded, pads, sliding, unpadded
from convcalc.layers.sliding import unrounded_windows
from convcalc.window import Window


def pool(make: Maker) -> tuple[str, Sequence[Window], dict[str, Any]]:
    """The input, its windows and the operator's attributes, rounding up as the file can say it."""
    written = unrounded_windows(make.layer, make.shape.spatial)
    windows = make.plan.windows
    attributes = sliding(written)
    if windows != written:
        attributes["ceil_mode"] = 1
    return make.x, windows, attributes


def beyond(windows: Sequence[Window]) -> bool:
    """Whether there is more padding than an operator of pooling takes."""
    return any(max(window.before, window.after) >= window.kernel for window in windows)


def maxpool(make: Maker) -> str:
    """MaxPool."""
    x, windows, attributes = pool(make)
    if beyond(windows):
        x = bordered(make, windows, "zero", -inf)
        attributes = sliding(unpadded(windows))
    return make("MaxPool", x, **attributes)


def maxunpool(make: Maker) -> str:
    """MaxUnpool by a pool that is written once more: a layer sees the tensors alone that it reads.

    It makes as many rows as its windows come to: what the pool reads gets that many before, and
    what comes out is cut or padded to what it had.
    """
    windows, sizes = make.layer.windows, make.plan.output.spatial
    made = [
        (outputs - 1) * window.stride + window.kernel - window.before
        for window, outputs in zip(windows, make.shape.spatial, strict=True)
    ]
    more = [(0, 0), (0, 0), *((0, to - size) for to, size in zip(made, sizes, strict=True))]
    pooled = fitted(make, make.inputs[1], more, -inf)
    attributes = sliding([window._replace(after=0) for window in windows])
    _, indices = make.many("MaxPool", [pooled], 2, **attributes)
    y = make("MaxUnpool", make.x, indices, **attributes)
    return fitted(make, y, [(before, -after) for before, after in more], 0)


def fitted(make: Maker, x: str, sides: Sequence[tuple[int, int]], value: float) -> str:
    """A tensor padded behind along each axis, or cut where the number is negative."""
    longer = [(before, max(after, 0)) for before, after in sides]
    if any(after for _, after in longer):
        x = padded(make, x, longer, value=value)
    for axis, (_, after) in enumerate(sides):
        if after < 0:
            x = make.cut(x, axis, 0, after)
    return x


def avgpool(make: Maker) -> str:
    """AveragePool."""
    layer = make.layer
    x, windows, attributes = pool(make)
    dilated = any(window.dilation > 1 for window in windows)
    if dilated and make.opset < 19:
        raise Unwritten("average pooling with dilation needs opset 19")
    if layer.divisor is not None or (beyond(windows) and layer.count_include_pad):
        if attributes.get("ceil_mode") and layer.divisor is None:
            raise Unwritten("average pooling that rounds up has too much padding")
        x = bordered(make, windows, "zero") if any(pads(windows)) else x
        y = make("AveragePool", x, **sliding(unpadded(windows)))
        if layer.divisor is None:
            return y
        taps = prod(window.kernel for window in windows)
        return make("Mul", y, make.number(taps / layer.divisor))
    return make("AveragePool", x, **attributes, count_include_pad=int(layer.count_include_pad))


def lppool(make: Maker) -> str:
    """LpPool, or its formula where that is another."""
    layer = make.layer
    windows = make.plan.windows
    rounded = tuple(windows) != tuple(unrounded_windows(layer, make.shape.spatial))
    if rounded:
        raise Unwritten("lppool that rounds up scales sums at the border, which LpPool does not")
    if layer.norm % 2 == 0:
        return make("LpPool", make.x, **sliding(windows), p=int(layer.norm))
    taps = prod(window.kernel for window in windows)
    powers = make("Pow", make.x, make.number(layer.norm))
    mean = make("AveragePool", powers, **sliding(windows), count_include_pad=1)
    return make("Pow", make("Mul", mean, make.number(taps)), make.number(1 / layer.norm))


def whole_map(operator: str) -> Write:
    """An operator over all positions."""
    return lambda make: make(operator, make.x)


def adaptive(whole: str, pool: str, reduce: str) -> Write:
    """Where regions are alike, a pool; else region by region along each axis."""

    def write(make: Maker) -> str:
        sizes, x = make.plan.output.spatial, make.x
        if all(size == 1 for size in sizes):
            return make(whole, x)
        if all(not extent % size for extent, size in zip(make.shape.spatial, sizes, strict=True)):
            kernel = [e // s for e, s in zip(make.shape.spatial, sizes, strict=True)]
            return make(pool, x, kernel_shape=kernel, strides=kernel)
        for axis, (extent, size) in enumerate(zip(make.shape.spatial, sizes, strict=True), 2):
            regions = []
            for at in range(size):
                part = make.cut(x, axis, at * extent // size, -(-(at + 1) * extent // size))
                regions.append(make.reduce(reduce, part, axis))
            x = make("Concat", *regions, axis=axis)
        return x

    return write


def kmaxpool(make: Maker) -> str:
    """TopK, with the values in their order again."""
    count = make.integers(make.layer.k)
    _, places = make.many("TopK", [make.x, count], 2, axis=-1)
    ordered, _ = make.many("TopK", [places, count], 2, axis=-1, largest=0)
    return make("GatherElements", make.x, ordered, axis=-1)


def over_channels(operator: str) -> Write:
    """An operator over the channels."""
    return lambda make: make.reduce(operator, make.x, 1)
