"""Pooling, one axis after the other: F rows and F columns to go over instead of F²."""

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import Any

import numpy as np

from convcalc.forward.engine.kernels.common import Array, Banded, Rows, aligned, pieces
from convcalc.forward.engine.pool import Call
from convcalc.window import Window


def maximum(a: Array, b: Array, out: Array) -> None:
    """np.maximum with a place to write to, which it takes by name only."""
    np.maximum(a, b, out=out)


class Pooling(Banded):
    """The largest value under the kernel, or the sum times a factor, in each channel."""

    def __init__(
        self,
        windows: Sequence[Window],
        shape: Sequence[int],
        output: Sequence[int],
        factor: Array | None,
    ) -> None:
        self.function: Callable[..., Any] = maximum if factor is None else np.add
        self.empty = np.float32(-inf if factor is None else 0)
        self.windows, self.window, self.factor = windows, windows[0], factor
        self.extents = shape[1:-1]
        self.row = prod(map(max, shape[2:], output[2:]))

    def scratch(self, rows: int) -> int:
        """What comes between one axis and the next."""
        return 2 * aligned(rows * self.row)

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:
        """Bring one axis after the other to its output size."""
        x, target = xs[0].inner, out.inner
        memory = list(pieces(work, *[(prod(target.shape[:2]) * self.row,)] * 2))
        calls: list[Call] = []
        axes = [axis for axis, window in enumerate(self.windows) if axis == 0 or window != Window()]
        for axis in axes:
            shape = (*target.shape[: axis + 2], *x.shape[axis + 2 :])
            y = target if axis == axes[-1] else memory[axis % 2][: prod(shape)].reshape(shape)
            starts = (out.first, xs[0].first) if axis == 0 else (0, 0)
            taps = self._taps(axis, target.shape[axis + 1], *starts)
            met, into = np.moveaxis(x, axis + 1, 0), np.moveaxis(y, axis + 1, 0)
            full = [met[values] for _, places, values in taps if places == slice(0, len(into))]
            if len(full) > 1:
                calls.append((self.function, (full[0], full[1], into)))
            else:
                calls.append((np.copyto, (into, full[0] if full else self.empty)))
            for _, places, values in taps[min(len(full), 2) :]:
                calls.append((self.function, (into[places], met[values], into[places])))
            x = y
        if self.factor is not None:
            factor = self.factor
            if factor.ndim and len(factor) > 1:
                factor = factor[out.first : out.first + target.shape[1]]
            calls.append((np.multiply, (target, factor, target)))
        return calls

    def _taps(self, axis: int, count: int, first: int, held: int) -> list[tuple[int, slice, slice]]:
        """For each tap: how many outputs from `first` on meet a value, which, and the values.

        Those that most outputs meet come first. Values are counted from `held` on.
        """
        window, size, end = self.windows[axis], self.extents[axis], first + count
        taps = []
        for tap in window.taps(size):
            shift = tap * window.dilation - window.before
            low = max(first, -(shift // window.stride))
            high = min(end, (size - 1 - shift) // window.stride + 1)
            if high > low:
                start = low * window.stride + shift - held
                stop = (high - 1) * window.stride + shift - held + 1
                values = slice(start, stop, window.stride)
                taps.append((high - low, slice(low - first, high - first), values))
        return sorted(taps, key=lambda each: -each[0])
