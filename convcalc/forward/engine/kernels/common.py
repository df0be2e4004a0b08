"""What kernels share: arrays with borders, rows of them, and the last pass over a band.

How a batch of images lies in memory. Each cell is a position with all its C channels, one behind
the other; here three rows of four columns, with a border of one position on all sides:

    +---+---+---+---+---+---+
    | 0 | 0 | 0 | 0 | 0 | 0 |       `full` is all of it, and `inner` what is not the border.
    +---+---+---+---+---+---+
    | 0 | a | b | c | d | 0 |
    +---+---+---+---+---+---+       0 0 0 0 0 0 0 a b c d 0 0 e f g h 0 0 i j k l 0 0 0 0 0 0 0
    | 0 | e | f | g | h | 0 |                     |_____|     |_____|     |_____|
    +---+---+---+---+---+---+                      a run       a run       a run
    | 0 | i | j | k | l | 0 |
    +---+---+---+---+---+---+       In memory, row by row, a run of columns × channels is one piece
    | 0 | 0 | 0 | 0 | 0 | 0 |       (`merged`), and both borders lie between it and the next.
    +---+---+---+---+---+---+

A kernel writes runs, and its reader finds zeros around them without asking where the map ends.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcalc.forward.engine.kernels.activations import ZERO, activation_call
from convcalc.forward.engine.pool import Call, Phase
from convcalc.layers import Layer
from convcalc.shape import Shape
from convcalc.window import Window

Border = tuple[tuple[int, int], ...]
"""Zeros in front of and behind each axis."""
Array = Any

LINE = 16
"""Values in a cache line."""


class Rows(NamedTuple):
    """Some rows of images: (images, rows, …, columns, channels), the axes behind with borders."""

    full: Array
    """The rows with the borders of the axes behind them, (images, rows, …, columns, channels)."""
    border: Border
    """Zeros in front of and behind each axis between the rows and the channels."""
    first: int
    """The row that they begin with; below zero in the border."""

    @property
    def inner(self) -> Array:
        """The values without a border."""
        return self.full[_inside(self.full.shape, ((0, 0), (0, 0), *self.border))]

    def windows(self, windows: Sequence[Window], outputs: Sequence[int]) -> Array:
        """What each output meets: (images, *outputs, *kernel, channels), a view; row 0 by row 0."""
        behind = zip(self.border, windows[1:], strict=True)
        first = (slice(low - window.before, None) for (low, _), window in behind)
        place = (slice(None), slice(None), *first)
        start = self.full[place]
        image, *steps, channel = start.strides
        pairs = list(zip(steps, windows, strict=True))
        return as_strided(
            start,
            (len(start), *outputs, *(window.kernel for window in windows), start.shape[-1]),
            (
                image,
                *(step * window.stride for step, window in pairs),
                *(step * window.dilation for step, window in pairs),
                channel,
            ),
        )


class Tensor:
    """A batch in memory: (images, rows, …, columns, channels), with a border of zeros.

    A vector's batch is its rows and a sequence has one column, so that every kernel finds four axes
    or more, and one that goes over rows works for all of them.
    """

    def __init__(self, full: Array, border: Border, rank: int) -> None:
        self.full, self.border, self.rank = full, border, rank
        self.inner = full[_inside(full.shape, ((0, 0), *border))]

    @property
    def channels_first(self) -> Array:
        """The values as layers define them: (N, C, *spatial)."""
        return channels_first(self.inner, self.rank)

    def rows(self, images: slice, first: int, end: int) -> Rows:
        """Rows of some images, which may reach into the border."""
        low = self.border[0][0]
        return Rows(self.full[images, first + low : end + low], self.border[1:], first)

    def border_fills(self) -> list[Call]:
        """Calls that set the border to zero."""
        return fills(self.full, ((0, 0), *self.border))


def _inside(shape: Sequence[int], border: Border) -> tuple[slice, ...]:
    return tuple(slice(low, size - high) for (low, high), size in zip(border, shape, strict=False))


def fills(full: Array, border: Border) -> list[Call]:
    """Calls that set a border to zero."""
    sides: list[tuple[slice, ...]] = []
    where: tuple[slice, ...] = ()
    for (low, high), size in zip(border, full.shape, strict=False):
        sides += [(*where, slice(0, low))] if low else []
        sides += [(*where, slice(size - high, size))] if high else []
        where = (*where, slice(low, size - high))
    return [(np.copyto, (full[side], ZERO)) for side in sides]


def channels_first(array: Array, rank: int) -> Array:
    """(N, C, *spatial), as layers define it, of (N, rows, …, columns, C)."""
    if rank == 0:
        return array[0, :, 0, :]
    return np.moveaxis(array[:, :, 0, :] if rank == 1 else array, -1, 1)


class Banded:
    """A kernel that computes some rows of an image at a time, on any thread."""

    window: Window = Window()
    """What an output row meets of the first input's rows; the other inputs are met row by row."""
    border: Border | None = None
    """Zeros that the first input must have around it; without, only its values are read."""
    step = 1
    """Numbers of rows that leave nothing of a computation unused are its multiples."""
    limit = 0
    """Rows that it computes best at a time; 0: as many as stay in cache."""

    def needs(self, first: int, end: int) -> tuple[int, int]:
        """Rows of the first input, border included, for output rows `first` to `end`."""
        start = first * self.window.stride - self.window.before
        return start, start + (end - 1 - first) * self.window.stride + self.window.extent

    def scratch(self, rows: int) -> int:  # noqa: ARG002
        """Values of memory for computing so many rows of an image."""
        return 0

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:
        """The calls that compute the rows `out` from those of the inputs."""
        raise NotImplementedError


class Whole:
    """A kernel that shares out its work in its own way."""

    border: Border | None = None
    workspace = 0
    """Values of memory beside the output."""

    def bind(self, xs: Sequence[Sequence[Tensor]], out: Tensor, work: Array) -> list[Phase]:
        """The calls of each thread that compute `out` from its inputs, `xs[0]`."""
        raise NotImplementedError


def grid(batch: int, shape: Shape) -> tuple[int, ...]:
    """Extents of a `Tensor` without its border."""
    if shape.rank == 0:
        return (1, batch, 1, shape.channels)
    return (batch, *shape.spatial, *((1,) if shape.rank == 1 else ()), shape.channels)


def grid_windows(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Windows along the axes of a `Tensor`."""
    return (*windows, *((Window(),) * (2 - len(windows))))


def paddings(windows: Sequence[Window]) -> Border:
    """The border that windows reach into."""
    return tuple((window.before, window.after) for window in windows)


def share(total: int, parts: int) -> list[tuple[int, int]]:
    """`total` things in as many even parts."""
    return list(pairwise(total * part // parts for part in range(parts + 1) if parts))


def pieces(work: Array, *shapes: Sequence[int]) -> Iterator[Array]:
    """Arrays in a workspace, each from a cache line of its own on."""
    first = 0
    for shape in shapes:
        size = prod(shape)
        yield work[first : first + size].reshape(shape)
        first += aligned(size)


def aligned(size: int) -> int:
    """`size` rounded up to whole cache lines."""
    return -(-size // LINE) * LINE


def finish(
    source: Array,
    target: Array,
    summand: Array | None,
    residual: Array | None,
    activation: Layer | None,
) -> list[Call]:
    """Calls for target = activation(source + summand + residual); `source` is overwritten.

    All arrays are (images, rows, …, columns, channels). The last pass is the one that writes into
    the target, between its borders.
    """
    columns = target.shape[-2]
    if all(_is_run(array) for array in (source, target, residual) if array is not None):
        # Runs of columns × channels: the inner loop is as long as a row, and not as its channels.
        source, target = merged(source), merged(target)
        residual = None if residual is None else merged(residual)
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


def _is_run(array: Array) -> bool:
    """Whether the columns of a row are one piece, with nothing between them."""
    return bool(array.strides[-2] == array.strides[-1] * array.shape[-1])


def merged(array: Array) -> Array:
    """The last two axes as one run, still the same memory; borders of rows stay between them."""
    *front, columns, channels = array.shape
    return as_strided(array, (*front, columns * channels), (*array.strides[:-2], array.strides[-1]))
