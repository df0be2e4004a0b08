"""Transposed convolution: outputs that lie a stride apart are an ordinary convolution each."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from convcalc.forward.kernels.common import Array, Border, Tensor
from convcalc.forward.kernels.convolution import Convolution, matrix
from convcalc.forward.pool import Phase
from convcalc.layers import Layer
from convcalc.window import Window


def _phases(window: Window, size: int) -> list[tuple[slice, slice, Window]]:
    """For each phase of the stride: its outputs, its taps last to first, and their window."""
    step, cut, outputs = window.up, window.kernel - 1 - window.before, window.output(size)
    found = []
    for first in range(min(step, outputs)):
        start, tap = divmod(first + cut, step)
        taps = len(range(tap, window.kernel, step))
        count = len(range(first, outputs, step))
        low = taps - 1 - start
        backwards = slice(tap + (taps - 1) * step, None if tap < step else tap - step, -step)
        inner = Window(taps, before=low, after=max(count - 1 + start - (size - 1), 0))
        found.append((slice(first, None, step), backwards, inner))
    return found


class Transposed:
    """A convolution per phase of the strides: only multiplications that count, and no scattering.

    U-Net's 2×2 kernels with stride 2 become four products of the map with a matrix.
    """

    def __init__(
        self,
        weight: Array,
        factor: Array | None,
        summand: Array | None,
        windows: Sequence[Window],
        groups: int,
        shape: Sequence[int],
        output: Sequence[int],
        activation: Layer | None,
        threads: int,
    ) -> None:
        channels, group_filters, *kernel = weight.shape
        weight = weight.reshape(groups, channels // groups, group_filters, *kernel).swapaxes(1, 2)
        weight = weight.reshape(groups * group_filters, channels // groups, *kernel)
        sizes = shape[1:-1]
        self.parts: list[tuple[Any, Convolution]] = []
        for phase in product(*map(_phases, windows, sizes)):
            places, taps, inner = zip(*phase, strict=True)
            met = (..., *taps)
            counts = [len(range(*p.indices(n))) for p, n in zip(places, output[1:-1], strict=True)]
            self.parts.append(
                (
                    (slice(None), *places),
                    Convolution(
                        matrix(weight[met], factor, groups),
                        summand,
                        inner,
                        (output[0], *counts, output[-1]),
                        activation,
                        threads,
                    ),
                )
            )
        wanted = [
            [(max(window.before, 0), window.after) for window in part.windows]
            for _, part in self.parts
        ]
        self.borders: Sequence[Border | None] = [
            tuple(
                (max(low for low, _ in axis), max(high for _, high in axis))
                for axis in zip(*wanted, strict=True)
            )
        ]
        self.workspace = max(part.workspace for _, part in self.parts)

    def bind(self, xs: Sequence[Tensor], out: Tensor, work: Array) -> list[Phase]:
        """One convolution after the other, into every stride-th row and column."""
        phases: list[Phase] = []
        for places, part in self.parts:
            given = [xs[0], *(x.part(places) for x in xs[1:])]
            phases += part.bind(given, out.part(places), work)
        return phases
