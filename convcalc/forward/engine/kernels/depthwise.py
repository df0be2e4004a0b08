"""Depthwise convolution: one multiply-add pass per tap, over runs of columns × channels."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcalc.forward.engine.kernels.common import Array, Banded, Rows, finish, paddings, pieces
from convcalc.forward.engine.pool import Call
from convcalc.layers import Layer
from convcalc.window import Window

RUN = 2048
"""Values in the longest run: with its weights it stays in the first cache."""


def multiply_add(values: Array, weight: Array, out: Array) -> None:
    """out[n, r, w, m] = Σ values[i, j, n, r, w, m]·weight[i, j, m].

    One call of einsum goes over the output once, a multiply and an add per tap for each tap.
    """
    np.einsum("ijnrwm,ijm->nrwm", values, weight, out=out)


class Depthwise(Banded):
    """One filter per channel, over one or two axes."""

    def __init__(
        self,
        weight: Array,
        summand: Array | None,
        windows: Sequence[Window],
        output: Sequence[int],
        activation: Layer | None,
    ) -> None:
        self.summand, self.activation = summand, activation
        self.windows, self.window, self.border = windows, windows[0], paddings(windows)
        *_, self.columns, channels = output
        repeat = 1
        if windows[1].stride == 1:  # neighbours of an output are neighbours of what it meets
            widths = range(1, max(min(RUN // channels, self.columns), 1) + 1)
            repeat = max(width for width in widths if self.columns % width == 0)
        self.runs = (self.columns // repeat, repeat * channels)
        taps = weight.reshape(channels, -1).T.reshape(*(w.kernel for w in windows), -1)
        self.weight = np.ascontiguousarray(np.tile(taps, (1, 1, repeat)))

    def scratch(self, rows: int) -> int:
        """The sums, where rows of the output lie apart."""
        return rows * self.runs[0] * self.runs[1]

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:
        """All taps at once, then the last pass."""
        target = out.inner
        met = xs[0].windows(self.windows, target.shape[1:-1])
        image, row, column, tap, across, item = met.strides
        values = as_strided(
            met,
            (*self.weight.shape[:2], *target.shape[:2], *self.runs),
            (tap, across, image, row, column * (self.columns // self.runs[0]), item),
        )
        source = target
        if not target.flags.c_contiguous:
            (source,) = pieces(work, target.shape)
        sums = source.reshape(*target.shape[:2], *self.runs)
        residual = xs[1].inner if len(xs) > 1 else None
        return [
            (multiply_add, (values, self.weight, sums)),
            *finish(source, target, self.summand, residual, self.activation),
        ]
