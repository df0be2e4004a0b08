"""Pooling, one axis after the other: F rows and F columns to go over instead of F²."""

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import Any

import numpy as np

from convcalc.forward.kernels.common import BAND, Array, Border, Tensor, aligned, bands, pieces
from convcalc.forward.pool import Call, Phase
from convcalc.window import Window

Places = tuple[slice, ...]


def _taps(
    window: Window, size: int, axis: int, first: int, end: int
) -> list[tuple[int, Places, Places]]:
    """For each tap: how many of outputs `first` to `end` meet a value, which, and the values.

    Those that most outputs meet come first.
    """
    front = (slice(None),) * axis
    found = []
    for tap in range(window.kernel):
        shift = tap * window.dilation - window.before
        low = max(first, -(shift // window.stride))
        high = min(end, (size - 1 - shift) // window.stride + 1)
        if high > low:
            start = low * window.stride + shift
            stop = (high - 1) * window.stride + shift + 1
            values = slice(start, stop, window.stride)
            places = slice(low - first, high - first)
            found.append((high - low, (*front, places), (*front, values)))
    return sorted(found, key=lambda each: -each[0])


def maximum(a: Array, b: Array, out: Array) -> None:
    """np.maximum with a place to write to, which it takes by name only."""
    np.maximum(a, b, out=out)


class Pooling:
    """The largest value under the kernel, or the sum times a factor, in each channel."""

    def __init__(
        self,
        windows: Sequence[Window],
        shape: Sequence[int],
        output: Sequence[int],
        factor: Array | None,
        threads: int,
    ) -> None:
        self.function: Callable[..., Any] = maximum if factor is None else np.add
        self.empty = np.float32(-inf if factor is None else 0)
        self.windows, self.factor, self.threads = windows, factor, threads
        self.images, self.rows, *rest = output
        self.extents = tuple(shape[1:-1])
        self.borders: Sequence[Border | None] = [None]
        row = prod(map(max, shape[2:], rest))
        self.most = max(BAND // (row * (windows[0].stride + 1) + prod(rest)), 1)
        self.size = aligned(min(self.most, self.rows) * row)
        self.workspace = self.size * 2 * threads

    def bind(self, xs: Sequence[Tensor], out: Tensor, work: Array) -> list[Phase]:
        """Each thread's bands of rows: along the rows, then along each other axis."""
        parts = []
        scratch = pieces(work, *[self.size] * 2 * self.threads)
        for own in bands(self.images, self.rows, self.most, self.threads):
            memory = (next(scratch), next(scratch))
            calls: list[Call] = []
            for image, first, end in own:
                target = out.inner[image, first:end]
                self._reduce(xs[0].inner[image], target, first, end, memory, calls)
                if self.factor is not None:
                    factor = self.factor
                    if factor.ndim:
                        factor = factor[first:end] if factor.shape[0] > 1 else factor
                    calls.append((np.multiply, (target, factor, target)))
            parts.append(calls)
        return [parts]

    def _reduce(
        self,
        x: Array,
        target: Array,
        first: int,
        end: int,
        memory: Sequence[Array],
        calls: list[Call],
    ) -> None:
        """Bring one axis after the other to its output size."""
        axes = [axis for axis, window in enumerate(self.windows) if axis == 0 or window != Window()]
        for axis in axes:
            shape = (*target.shape[: axis + 1], *x.shape[axis + 1 :])
            y = target
            if axis != axes[-1]:
                y = memory[axis % 2][: prod(shape)].reshape(shape)
            span = (first, end) if axis == 0 else (0, target.shape[axis])
            taps = _taps(self.windows[axis], self.extents[axis], axis, *span)
            full = [values for count, _, values in taps if count == shape[axis]]
            rest = taps[len(full) :]
            if len(full) > 1:
                one, other = x[full[0]], x[full[1]]
                calls.append((self.function, (one, other, y)))
                rest = taps[2:]
            elif full:
                calls.append((np.copyto, (y, x[full[0]])))
            else:
                calls.append((np.copyto, (y, self.empty)))
            for _, places, values in rest:
                part = y[places]
                calls.append((self.function, (part, x[values], part)))
            x = y


class GlobalPooling:
    """The mean or the largest value of each channel over all positions."""

    borders: Sequence[Border | None] = (None,)

    def __init__(self, shape: Sequence[int], threads: int, *, mean: bool) -> None:
        self.threads, self.mean = threads, mean
        self.workspace = prod(shape[:2]) * shape[-1]

    def bind(self, xs: Sequence[Tensor], out: Tensor, work: Array) -> list[Phase]:
        """Images in turn: over the columns of each row, then over the rows.

        Adding one position after the other would let errors grow with their number.
        """
        x = xs[0].inner
        images, rows, *rest, channels = x.shape
        reduce = np.add.reduce if self.mean else np.maximum.reduce
        factor = np.float32(1 / prod(x.shape[1:-1]))
        sums = work[: images * rows * channels].reshape(images, rows, channels)
        parts: list[list[Call]] = [[] for _ in range(self.threads)]
        for image in range(images):
            target = out.inner[image].reshape(-1)
            calls = parts[image % self.threads]
            calls.append((reduce, (x[image], tuple(range(1, 1 + len(rest))), None, sums[image])))
            calls.append((reduce, (sums[image], 0, None, target)))
            if self.mean:
                calls.append((np.multiply, (target, factor, target)))
        return [parts]
