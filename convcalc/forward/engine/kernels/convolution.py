"""Convolution: the values under the kernel copied into a matrix, band by band, and multiplied."""

from collections.abc import Sequence
from math import prod

import numpy as np

from convcalc.forward.engine.kernels.common import (
    Array,
    Banded,
    Rows,
    aligned,
    finish,
    paddings,
    pieces,
    share,
)
from convcalc.forward.engine.pool import Call
from convcalc.layers import Layer
from convcalc.window import Window

WIDE = 4 * 1024 * 1024
"""Values in the largest matrix that is gathered."""


def matrix(weight: Array, factor: Array | None, groups: int, *, own: bool = False) -> Array:
    """A convolution's weights as (groups, taps·channels, filters), the factor folded in.

    Weights that nobody else owns may be overwritten.
    """
    filters, channels, *kernel = weight.shape
    weight = weight.reshape(groups, filters // groups, channels, *kernel)
    last = weight.ndim - 1
    weight = weight.transpose(0, *range(3, last + 1), 2, 1)
    if factor is not None:
        factor = factor.reshape(groups, *(1,) * (last - 1), filters // groups)
        weight = np.multiply(weight, factor, order="C", out=weight if own else None)
    return np.ascontiguousarray(weight).reshape(groups, -1, filters // groups)


class Convolution(Banded):
    """Any stride, dilation, padding and number of groups."""

    def __init__(
        self,
        weight: Array,
        summand: Array | None,
        windows: Sequence[Window],
        output: Sequence[int],
        activation: Layer | None,
    ) -> None:
        self.weight, self.summand, self.activation = weight, summand, activation
        self.windows, self.window, self.border = windows, windows[0], paddings(windows)
        self.behind = output[2:-1]
        self.row = prod(self.behind)
        self.groups, self.depth, self.group_filters = weight.shape
        self.filters = output[-1]
        self.pointwise = self.groups == 1 and all(window == Window() for window in windows)

    def _slices(self, rows: int) -> list[tuple[int, int]]:
        """Parts of the second axis, so that volumes and very wide maps make no huge matrix."""
        values = rows * self.row * self.groups * self.depth
        return share(self.behind[0], min(-(-values // WIDE), self.behind[0]))

    def scratch(self, rows: int) -> int:
        """The matrix of what is met, and its product where rows of the output lie apart."""
        widest = max(end - first for first, end in self._slices(rows))
        positions = rows * widest * (self.row // self.behind[0])
        return aligned(positions * self.groups * self.depth) + positions * self.filters

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:
        """Gather, multiply, finish; what is in place already is not gathered."""
        target, residual = out.inner, xs[1].inner if len(xs) > 1 else None
        met = xs[0].windows(self.windows, target.shape[1:-1])
        calls: list[Call] = []
        for first, end in self._slices(prod(target.shape[:2])):
            place = (slice(None), slice(None), slice(first, end))
            added = None if residual is None else residual[place]
            calls += self._slice(met[place], target[place], added, work)
        return calls

    def _slice(self, met: Array, target: Array, residual: Array | None, work: Array) -> list[Call]:
        positions, front = prod(target.shape[:-1]), met.ndim - 1
        matrices = (self.groups, positions, self.depth)
        columns, products = pieces(work, matrices, (positions, self.filters))
        calls: list[Call] = []
        if self.pointwise and met.flags.c_contiguous:
            columns = met.reshape(matrices)
        else:
            by_group = met.reshape(*met.shape[:front], self.groups, -1)
            by_group = by_group.transpose(front, *range(front), front + 1)
            calls.append((np.copyto, (columns.reshape(by_group.shape), by_group)))
        source = target if target.flags.c_contiguous else products.reshape(target.shape)
        sums = source.reshape(positions, self.groups, self.group_filters).transpose(1, 0, 2)
        calls.append((np.matmul, (columns, self.weight, sums)))
        return calls + finish(source, target, self.summand, residual, self.activation)
