"""What kernels share: tensors with borders, bands of rows, and the last pass over a band."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcalc.forward.pool import Call, Phase
from convcalc.layers import Layer
from convcalc.shape import Shape
from convcalc.window import Window

try:  # np.clip takes 3.9 µs a call, the ufunc that it calls 0.95
    from numpy._core.umath import clip  # type: ignore[import-not-found,attr-defined,unused-ignore]
except ImportError:  # NumPy 1
    from numpy.core.umath import clip  # type: ignore[import-not-found,attr-defined,no-redef,unused-ignore]

Border = tuple[tuple[int, int], ...]
Array = Any

BAND = 384 * 1024
"""Values that one band works on, 1.5 MiB: its passes find them in a core's second cache. Half of
that is 3 to 6 % slower for ResNet-50, a sixth 12 %."""
LINE = 16
"""Values in a cache line."""
ZERO, SIX, INFINITY = np.float32(0), np.float32(6), np.float32(inf)


class Tensor:
    """A batch in memory: (images, rows, …, columns, channels), with a border of zeros.

    A vector's batch is its rows and a sequence has one column, so that every kernel finds four axes
    or more, and one that bands rows works for all of them.
    """

    def __init__(self, full: Array, border: Border, rank: int) -> None:
        self.full = full
        self.border = border
        self.rank = rank
        inside = (
            slice(low, size - high)
            for (low, high), size in zip(border, full.shape[1:-1], strict=True)
        )
        everything = (slice(None), *inside)
        self.inner = full[everything]
        self.plain = full.shape == self.inner.shape
        """Whether there is no border: rows lie one behind the other."""

    def part(self, places: Any) -> "Tensor":
        """Some rows and columns, as a tensor that is not in one piece."""
        found = Tensor(self.inner[places], ((0, 0),) * len(self.border), self.rank)
        found.plain = False
        return found

    @property
    def channels_first(self) -> Array:
        """The values as layers define them: (N, C, *spatial)."""
        if self.rank == 0:
            return self.inner[0, :, 0, :]
        inner = self.inner[:, :, 0, :] if self.rank == 1 else self.inner
        return np.moveaxis(inner, -1, 1)

    def windows(self, windows: Sequence[Window], outputs: Sequence[int]) -> Array:
        """What each output meets: (images, *outputs, *kernel, channels), a view."""
        first = [low - window.before for (low, _), window in zip(self.border, windows, strict=True)]
        behind = (slice(None), *(slice(each, None) for each in first))
        start = self.full[behind]
        image, *steps, channel = self.full.strides
        return as_strided(
            start,
            (start.shape[0], *outputs, *(window.kernel for window in windows), start.shape[-1]),
            (
                image,
                *(step * window.stride for step, window in zip(steps, windows, strict=True)),
                *(step * window.dilation for step, window in zip(steps, windows, strict=True)),
                channel,
            ),
        )

    def border_fills(self) -> list[Call]:
        """Calls that set the border to zero."""
        calls: list[Call] = []
        where: tuple[slice, ...] = (slice(None),)
        for (low, high), size in zip(self.border, self.full.shape[1:-1], strict=True):
            for side in (slice(0, low), slice(size - high, size)):
                place = (*where, side)
                if side.start != side.stop:
                    calls.append((np.copyto, (self.full[place], ZERO)))
            where = (*where, slice(low, size - high))
        return calls


class Kernel(Protocol):
    """How one operation is computed."""

    borders: Sequence[Border | None]
    """The border that each input must have; None where none is read."""
    workspace: int
    """Values of memory beside the output, shared by the threads."""

    def bind(self, xs: Sequence[Tensor], out: Tensor, work: Array) -> list[Phase]:
        """The calls of each thread that compute `out`."""


def grid(batch: int, shape: Shape) -> tuple[int, ...]:
    """Extents of a `Tensor` without its border."""
    if shape.rank == 0:
        return (1, batch, 1, shape.channels)
    return (batch, *shape.spatial, *((1,) if shape.rank == 1 else ()), shape.channels)


def grid_windows(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Windows along the axes of a `Tensor`."""
    return (*windows, *((Window(),) * (2 - len(windows))))


def share(total: int, threads: int) -> list[tuple[int, int]]:
    """`total` things in as many even parts as there are threads."""
    cuts = [total * part // threads for part in range(threads + 1)] if threads else []
    return list(pairwise(cuts))


def bands(images: int, rows: int, most: int, threads: int) -> list[list[tuple[int, int, int]]]:
    """For each thread its bands (image, first row, end), of at most `most` rows."""
    found = []
    for first, end in share(images * rows, threads):
        own = []
        for image in range(first // rows, -(-end // rows)):
            top = max(first - image * rows, 0)
            size = min(end - image * rows, rows) - top
            own += [(image, top + a, top + b) for a, b in share(size, -(-size // max(most, 1)))]
        found.append(own)
    return found


def pieces(work: Array, *sizes: int) -> Iterator[Array]:
    """Parts of a workspace, each on a cache line of its own."""
    first = 0
    for size in sizes:
        yield work[first : first + size]
        first += aligned(size)


def aligned(size: int) -> int:
    """`size` rounded up to whole cache lines."""
    return -(-size // LINE) * LINE


def activate(layer: Layer, source: Array, target: Array) -> None:
    """An activation by its definition; on a band, its temporaries stay in cache."""
    np.copyto(target, layer.forward(np, {}, (source,)))


def activation_call(layer: Layer, source: Array, target: Array) -> Call:
    """The call that applies an activation."""
    kind = type(layer).__name__
    # clip runs a vector loop at 8.5 Gvalues/s; np.maximum with a scalar a slow one at 3.6.
    if kind == "Relu":
        return clip, (source, ZERO, INFINITY, target)
    if kind == "Relu6":
        return clip, (source, ZERO, SIX, target)
    return activate, (layer, source, target)


def finish(
    source: Array,
    target: Array,
    summand: Array | None,
    residual: Array | None,
    activation: Layer | None,
) -> list[Call]:
    """Calls for target = activation(source + summand + residual); `source` is overwritten.

    All arrays are (rows, …, columns, channels). The last pass is the one that writes into the
    target, between its borders.
    """
    columns = target.shape[-2]
    arrays = [array for array in (source, target, residual) if array is not None]
    if all(array.strides[-2] == array.strides[-1] * array.shape[-1] for array in arrays):
        # Rows of columns × channels: a summand repeated along them runs at 7 to 8 Gvalues/s
        # instead of 4 to 5 with one of 64 to 512 channels.
        source, target, residual = (
            None if a is None else _merged(a) for a in (source, target, residual)
        )
        summand = None if summand is None else np.tile(summand, columns)
    operands = [operand for operand in (summand, residual) if operand is not None]
    calls: list[Call] = []
    for number, operand in enumerate(operands, 1):
        last = number == len(operands) and activation is None
        calls.append((np.add, (source, operand, target if last else source)))
    if activation is not None:
        calls.append(activation_call(activation, source, target))
    elif not operands and source is not target:
        calls.append((np.copyto, (target, source)))
    return calls


def _merged(array: Array) -> Array:
    """The last two axes as one, still the same memory."""
    *front, columns, channels = array.shape
    return as_strided(array, (*front, columns * channels), (*array.strides[:-2], array.strides[-1]))


SMALL = 1_000_000
"""Multiplications up to which OpenBLAS multiplies without packing its operands first."""


def product(a: Array, b: Array, out: Array) -> list[Call]:
    """Calls for out = a @ b, a tall matrix by a small one."""
    rows, inner = a.shape
    columns = b.shape[-1]
    most = SMALL // (inner * columns)
    if rows <= most or most < 16:
        return [(np.matmul, (a, b, out))]
    # In chunks that OpenBLAS does not pack: 75 → 98 GFLOP/s for 12544×96 @ 96×24, 66 → 105 for
    # 12544×32 @ 32×16, 86 → 110 for 3136×256 @ 256×64.
    size = min(most, 256)
    size = rows // -(-rows // size)
    count = rows // size
    whole = count * size
    calls: list[Call] = [
        (
            np.matmul,
            (a[:whole].reshape(count, size, inner), b, out[:whole].reshape(count, size, columns)),
        )
    ]
    if whole < rows:
        calls.append((np.matmul, (a[whole:], b, out[whole:])))
    return calls
