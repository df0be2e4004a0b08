"""Convolution: the values under the kernel copied into a matrix, band by band, and multiplied."""

from collections.abc import Sequence
from math import prod

import numpy as np

from convcalc.forward.kernels.common import (
    Array,
    Banded,
    Rows,
    aligned,
    finish,
    paddings,
    pieces,
    product,
)
from convcalc.forward.pool import Call
from convcalc.layers import Layer
from convcalc.window import Window


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

    def scratch(self, rows: int) -> int:
        """The matrix of what is met, and its product where rows of the output lie apart."""
        positions = rows * self.row
        return aligned(positions * self.groups * self.depth) + positions * self.filters

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:
        """Gather, multiply, finish; what is in place already is not gathered."""
        target, given = out.inner, xs[0].inner
        positions = prod(target.shape[:-1])
        columns, products = pieces(
            work, (self.groups, positions, self.depth), (positions, self.filters)
        )
        calls: list[Call] = []
        if self.pointwise and given.flags.c_contiguous:
            columns = given.reshape(1, positions, self.depth)
        else:
            met = xs[0].windows(self.windows, target.shape[1:-1])
            front = met.ndim - 1
            apart = met.reshape(*met.shape[:front], self.groups, -1) if self.groups > 1 else met
            if self.groups > 1:
                apart = apart.transpose(front, *range(front), front + 1)
            calls.append((np.copyto, (columns.reshape(apart.shape), apart)))
        source = target if target.flags.c_contiguous else products.reshape(target.shape)
        flat = source.reshape(positions, self.filters)
        if self.groups == 1:
            calls += product(columns[0], self.weight[0], flat)
        else:
            by_group = flat.reshape(positions, self.groups, self.group_filters).transpose(1, 0, 2)
            calls.append((np.matmul, (columns, self.weight, by_group)))
        residual = xs[1] if len(xs) > 1 else None
        return calls + finish(source, target, self.summand, residual, self.activation)
