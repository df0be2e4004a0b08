"""CC418: a transposed convolution's kernel is not divisible by its stride."""

from collections.abc import Iterator
from typing import cast

from convcalc.layers.conv_transpose import ConvTranspose
from convcalc.layers.sliding import per_axis, sides
from convcalc.rules.base import Advice
from convcalc.rules.context import Context
from convcalc.shape import Shape


def check(context: Context) -> Iterator[Advice]:
    """Transposed convolutions that give some positions more inputs than others."""
    for index in context.of("conv_transpose"):
        layer, x = cast("ConvTranspose", context.nodes[index].layer), context.input(index)
        for axis, (kernel, stride, size) in enumerate(
            zip(
                per_axis(layer.kernel, x.rank),
                per_axis(layer.stride, x.rank),
                x.spatial,
                strict=True,
            )
        ):
            if kernel % stride and size > 1:
                few = kernel // stride
                yield Advice(
                    index,
                    f"kernel {kernel} is not divisible by stride {stride}: along an axis outputs "
                    f"get {few} or {few + 1} inputs, in turn",
                    f"use {_divisible(layer, axis, x)}, or `upsample` and an ordinary convolution",
                    "kernel",
                )
                break


def _divisible(layer: ConvTranspose, axis: int, x: Shape) -> str:
    """The kernels next to this one that the stride divides, padded so that the size stays."""
    kernel, stride = per_axis(layer.kernel, x.rank)[axis], per_axis(layer.stride, x.rank)[axis]
    dilation = per_axis(layer.dilation, x.rank)[axis]
    extra = per_axis(layer.output_padding, x.rank)[axis]
    size = layer.plan([x]).output.spatial[axis]
    said = [] if layer.padding == "same" else [sides(layer.padding, x.rank)[axis]]
    kernels = []
    for taps in (kernel // stride * stride, (kernel // stride + 1) * stride):
        cut = (x.spatial[axis] - 1) * stride + dilation * (taps - 1) + 1 - size
        behind = cut % 2
        if not taps or cut < 0:  # the rows behind would be made of the bias alone
            continue
        before = (cut + behind) // 2
        changes = []
        if said and said != [(before, before)]:
            changes.append(f"padding {before}")
        if said and behind != extra:
            changes.append(f"output_padding {behind}")
        kernels.append(f"kernel {taps}" + (f" with {' and '.join(changes)}" if changes else ""))
    where = f" along axis {axis + 1}" if isinstance(layer.kernel, tuple) else ""
    return (" or ".join(kernels) or f"a kernel that {stride} divides") + where
