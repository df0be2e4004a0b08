"""Transposed convolution: outputs that lie a stride apart are an ordinary convolution each."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from convcalc.forward.engine.kernels.common import Array, Banded, Rows
from convcalc.forward.engine.kernels.convolution import Convolution, matrix
from convcalc.forward.engine.pool import Call
from convcalc.layers import Layer
from convcalc.window import Window


def _phases(window: Window, size: int) -> list[tuple[slice, slice, Window]]:
    """For each phase of the stride: its outputs, its taps last to first, and their window.

    Output o meets with tap t the value (o + cut − t·D)/S, where S divides that. In the phase that
    begins at output o these are taps t₀, t₀ + S, … with t₀ ≡ (o + cut)/D (mod S), which reach D
    values apart; S and D have no common divisor, so that every phase has some.
    """
    step, reach, outputs = window.up, window.dilation, window.output(size)
    cut = window.extent - 1 - window.before
    phases = []
    for first in range(min(step, outputs)):
        tap = (first + cut) * pow(reach, -1, step) % step
        start = (first + cut - tap * reach) // step
        taps = len(range(tap, window.kernel, step))
        count = len(range(first, outputs, step))
        backwards = slice(tap + (taps - 1) * step, None if tap < step else tap - step, -step)
        low = (taps - 1) * reach - start
        high = max(count - 1 + start - (size - 1), 0)
        inner = Window(taps, dilation=reach, before=low, after=high)
        phases.append((slice(first, outputs, step), backwards, inner))
    return phases


class Transposed(Banded):
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
    ) -> None:
        channels, group_filters, *kernel = weight.shape
        weight = weight.reshape(groups, channels // groups, group_filters, *kernel).swapaxes(1, 2)
        weight = weight.reshape(groups * group_filters, channels // groups, *kernel)
        self.step = windows[0].up
        self.parts: list[tuple[tuple[slice, ...], Convolution]] = []
        for phase in product(*map(_phases, windows, shape[1:-1])):
            places, taps, inner = zip(*phase, strict=True)
            counts = [len(range(place.start, place.stop, place.step)) for place in places]
            met: Any = (..., *taps)
            prepared = matrix(weight[met], factor, groups)
            part = Convolution(
                prepared, summand, inner, (output[0], *counts, output[-1]), activation
            )
            self.parts.append((places, part))
        borders: list[Any] = [part.border for _, part in self.parts]
        self.border = tuple(
            (max(0, *lows), max(highs))
            for lows, highs in (zip(*axis, strict=True) for axis in zip(*borders, strict=True))
        )

    def _rows(self, first: int, end: int) -> list[tuple[int, int]]:
        """For each part, which of its own rows lie in `first` to `end`."""
        starts, step = [places[0].start for places, _ in self.parts], self.step
        return [(max(-((s - first) // step), 0), -((s - end) // step)) for s in starts]

    def needs(self, first: int, end: int) -> tuple[int, int]:
        """What any part needs."""
        spans = [
            part.needs(low, high)
            for (low, high), (_, part) in zip(self._rows(first, end), self.parts, strict=True)
            if low < high
        ]
        return min(low for low, _ in spans), max(high for _, high in spans)

    def scratch(self, rows: int) -> int:
        """What a part needs; they take turns."""
        return max(part.scratch(-(-rows // self.step)) for _, part in self.parts)

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:
        """One convolution after the other, into every stride-th row and column."""
        calls: list[Call] = []
        rows = self._rows(out.first, out.first + out.full.shape[1])
        plain = ((0, 0),) * len(out.border)
        for (low, high), (places, part) in zip(rows, self.parts, strict=True):
            if low >= high:
                continue
            own = slice(places[0].start + low * self.step - out.first, None, self.step)
            place = (slice(None), own, *places[1:])
            start, end = (row - xs[0].first for row in part.needs(low, high))
            given = [xs[0]._replace(full=xs[0].full[:, start:end])]
            given += [Rows(x.inner[place], plain, 0) for x in xs[1:]]
            calls += part.calls(given, Rows(out.inner[place], plain, 0), work)
        return calls
