"""Convolutions and linear layers as operators."""

from collections.abc import Sequence
from itertools import product

from convcalc.exchange.onnx.writer import Maker
from convcalc.exchange.onnx.writing.borders import bordered, pads, sliding, unpadded
from convcalc.window import Window


def convolution(
    make: Maker, x: str, windows: Sequence[Window], weight: str, *, groups: int, bias: bool
) -> str:
    """Conv of a tensor that has its border."""
    inputs = [x, weight, *([make.weight("bias")] if bias else [])]
    return make("Conv", *inputs, **sliding(windows), group=groups if groups > 1 else None)


def padded_input(make: Maker, mode: str) -> tuple[str, Sequence[Window]]:
    """The input and the windows that are left, once a border that is no zeros stands around it."""
    windows = make.plan.windows
    if mode == "zero" or not any(map(any, ((w.before, w.after) for w in windows))):
        return make.x, windows
    return bordered(make, windows, mode), unpadded(windows)


def conv(make: Maker) -> str:
    """Conv."""
    layer = make.layer
    x, windows = padded_input(make, layer.padding_mode)
    weight = make.weight("weight")
    return convolution(make, x, windows, weight, groups=layer.groups, bias=layer.bias)


def depthwise_conv(make: Maker) -> str:
    """Conv with a group for each channel."""
    x, windows = padded_input(make, make.layer.padding_mode)
    weight, groups = make.weight("weight"), make.shape.channels
    return convolution(make, x, windows, weight, groups=groups, bias=make.layer.bias)


def separable_conv(make: Maker) -> str:
    """Two Convs."""
    x, windows = padded_input(make, make.layer.padding_mode)
    weight = make.weight("weight")
    inside = convolution(make, x, windows, weight, groups=make.shape.channels, bias=False)
    inputs = [inside, make.weight("pointwise")]
    bias = [make.weight("bias")] if make.layer.bias else []
    return make("Conv", *inputs, *bias, kernel_shape=[1] * make.shape.rank)


def conv_transpose(make: Maker) -> str:
    """ConvTranspose."""
    layer, windows = make.layer, make.plan.windows
    cuts = [(w.extent - 1 - w.before, w.extent - 1 - w.after) for w in windows]
    attributes = {
        "kernel_shape": [window.kernel for window in windows],
        "strides": [window.up for window in windows],
        "dilations": [window.dilation for window in windows],
        "pads": [max(before, 0) for before, _ in cuts] + [max(after, 0) for _, after in cuts],
        "output_padding": [max(-after, 0) for _, after in cuts],
        "group": layer.groups,
    }
    inputs = [make.x, make.weight("weight"), *([make.weight("bias")] if layer.bias else [])]
    return make("ConvTranspose", *inputs, **attributes)


def locally_connected(make: Maker) -> str:
    """A sum over the taps of what each meets, times its own weights at every position."""
    windows, output = make.plan.windows, make.plan.output.spatial
    x = bordered(make, windows, "zero") if any(pads(windows)) else make.x
    values = make.values("weight")
    axes = "xyz"[: len(windows)]
    total = ""
    for tap in product(*(range(window.kernel) for window in windows)):
        met = x
        for axis, (at, window, size) in enumerate(zip(tap, windows, output, strict=True), 2):
            start = at * window.dilation
            stop = start + (size - 1) * window.stride + 1
            met = make.cut(met, axis, start, stop, window.stride)
        name = f"weight at {'×'.join(map(str, tap))}"
        at_tap = (..., *tap)
        weight = make.arranged("weight", name, values[at_tap])
        part = make("Einsum", met, weight, equation=f"nc{axes},k{axes}c->nk{axes}")
        total = make("Add", total, part) if total else part
    return make("Add", total, make.weight("bias")) if make.layer.bias else total


def linear(make: Maker) -> str:
    """Gemm, or MatMul and Add of each position."""
    bias = [make.weight("bias")] if make.layer.bias else []
    rank = make.shape.rank
    if not rank:
        return make("Gemm", make.x, make.weight("weight"), *bias, transB=1)
    ones = (1,) * rank
    weight = make.weight("weight", (*make.values("weight").shape, *ones))
    return make("Conv", make.x, weight, *bias, kernel_shape=ones)
