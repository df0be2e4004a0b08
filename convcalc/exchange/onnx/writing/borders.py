"""Windows as attributes of operators, and the borders that are written out for them."""

from collections.abc import Sequence
from typing import Any

from convcalc.exchange.onnx.writer import Maker, Unwritten
from convcalc.window import Window

MODES = {"zero": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""Borders, as operator Pad calls them."""


def pads(windows: Sequence[Window]) -> list[int]:
    """All paddings in front, then all behind."""
    return [window.before for window in windows] + [window.after for window in windows]


def sliding(windows: Sequence[Window]) -> dict[str, Any]:
    """Kernel, strides, pads and dilations of windows, as operators have them."""
    attributes: dict[str, Any] = {
        "kernel_shape": [window.kernel for window in windows],
        "strides": [window.stride for window in windows],
        "pads": pads(windows),
    }
    if any(window.dilation > 1 for window in windows):
        attributes["dilations"] = [window.dilation for window in windows]
    return attributes


def bordered(make: Maker, windows: Sequence[Window], mode: str, value: float = 0) -> str:
    """The input with a border of its own, for what no operator pads."""
    sides = [(0, 0), (0, 0), *((window.before, window.after) for window in windows)]
    return padded(make, make.x, sides, mode, value)


def padded(
    make: Maker, x: str, sides: Sequence[tuple[int, int]], mode: str = "zero", value: float = 0
) -> str:
    """A tensor with a border."""
    if mode == "circular" and make.opset < 19:
        return around(make, x, sides)
    pads = make.integers(*(before for before, _ in sides), *(after for _, after in sides))
    inputs = [x, pads, make.number(value)] if mode == "zero" else [x, pads]
    return make("Pad", *inputs, mode=MODES[mode])


def around(make: Maker, x: str, sides: Sequence[tuple[int, int]]) -> str:
    """A border that goes around, of what stands at the other end of each axis."""
    extents = (0, *make.shape.axes)
    for axis, ((before, after), extent) in enumerate(zip(sides, extents, strict=True)):
        if max(before, after) > extent > 0:
            raise Unwritten("a circular border larger than the map needs opset 19")
        front = [make.cut(x, axis, extent - before, extent)] if before else []
        behind = [make.cut(x, axis, 0, after)] if after else []
        if front or behind:
            x = make("Concat", *front, x, *behind, axis=axis)
    return x


def unpadded(windows: Sequence[Window]) -> list[Window]:
    """Windows over a tensor that has its border already."""
    return [window._replace(before=0, after=0) for window in windows]
