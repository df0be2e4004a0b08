"""Fusions run one behind the other on a band of rows, which stays in a core's cache."""

from collections.abc import Iterable, Iterator, Sequence
from math import gcd, prod
from typing import NamedTuple

from convcalc.forward.engine.kernels import Kernel
from convcalc.forward.engine.kernels.common import (
    Array,
    Banded,
    Border,
    Rows,
    Tensor,
    aligned,
    fills,
    pieces,
    share,
)
from convcalc.forward.engine.kernels.convolution import Convolution
from convcalc.forward.engine.kernels.depthwise import Depthwise
from convcalc.forward.engine.kernels.elementwise import Activation, Affine
from convcalc.forward.engine.pool import Call, Phase
from convcalc.window import Window

BAND = 1536 * 1024
"""Values that one band works on: 6 MiB, which its passes find in cache. With fewer, calls are so
short that calling takes longer than what stays in cache saves."""


def joins(kernel: Kernel, reader: Kernel) -> bool:
    """Whether the only reader of a kernel's output takes it band by band.

    Where neighbouring bands of the reader meet the same rows, both compute them: that pays for a
    cheap pass, and for the 1×1 convolution in front of a depthwise one, whose output is large.
    """
    if not isinstance(kernel, Banded) or not isinstance(reader, Banded):
        return False
    cheap = isinstance(kernel, Affine | Activation)
    expanding = isinstance(kernel, Convolution) and kernel.pointwise
    return cheap or not overlaps(reader) or (expanding and isinstance(reader, Depthwise))


def overlaps(kernel: Kernel) -> bool:
    """Whether neighbouring bands of a kernel meet the same rows."""
    assert isinstance(kernel, Banded)  # noqa: S101
    size = 4 * kernel.step
    return kernel.needs(0, size)[1] > kernel.needs(size, 2 * size)[0]


class Band(NamedTuple):
    """Some rows of an image, or all of several images."""

    images: slice
    """Which images of the batch it is of; several only where it has all of their rows."""
    first: int
    """Its first row in each of them, of the last output of the chain."""
    end: int
    """The row behind its last one."""


def bands(images: int, rows: int, most: int, threads: int, step: int) -> list[list[Band]]:
    """For each thread its bands, of at most `most` rows, which begin at multiples of `step`.

    >>> for each in bands(1, rows=10, most=4, threads=2, step=2):
    ...     print([(band.first, band.end) for band in each])
    [(0, 4)]
    [(4, 6), (6, 10)]
    """
    units = images * -(-rows // step)
    return [
        _joined(_cut(range(*part), rows, most, step), rows, most) for part in share(units, threads)
    ]


def _cut(units: range, rows: int, most: int, step: int) -> Iterator[Band]:
    """Bands for some units of `step` rows, which are counted over all images."""
    each = -(-rows // step)
    for image in range(units.start // each, -(-units.stop // each)):
        top, bottom = max(units.start - image * each, 0), min(units.stop - image * each, each)
        for first, end in share(bottom - top, -(-(bottom - top) // max(most // step, 1))):
            low, high = (top + first) * step, min((top + end) * step, rows)
            yield Band(slice(image, image + 1), low, high)


def _joined(cut: Iterable[Band], rows: int, most: int) -> list[Band]:
    """Neighbouring images that are whole become one band: small maps make tall matrices."""
    joined: list[Band] = []
    for band in cut:
        before = joined[-1] if joined else band._replace(first=rows)
        images = slice(before.images.start, band.images.stop)
        whole = band.end - band.first == rows == before.end - before.first
        if whole and (images.stop - images.start) * rows <= most:
            joined[-1] = Band(images, 0, rows)
        else:
            joined.append(band)
    return joined


class Chain:
    """Banded kernels, each the first input of the next."""

    def __init__(
        self,
        kernels: Sequence[Banded],
        given: Sequence[int],
        outputs: Sequence[Sequence[int]],
        threads: int,
    ) -> None:
        self.kernels = kernels
        self.rows = [output[1] for output in outputs]
        self.behind = [tuple(output[2:]) for output in outputs]
        self.given = prod(given[2:])
        step, most = self._rhythm()
        images, units = outputs[-1][0], -(-self.rows[-1] // step)
        self.bands = bands(images, self.rows[-1], most, min(threads, images * units), step)
        sizes = {
            (band.images.stop - band.images.start, self._spans(band.first, band.end))
            for own in self.bands
            for band in own
        }
        self.size = max(count * self._size(spans) for count, spans in sizes)
        self.workspace = self.size * len(self.bands)

    def _rhythm(self) -> tuple[int, int]:
        """Rows of the last output that leave nothing of a computation unused, and most at a time.

        Each kernel has a number of rows that suits it, of its own output; those behind it make
        fewer of them by their strides.
        """
        step = stride = 1
        limits = []
        for kernel, reader in zip(self.kernels[::-1], (None, *self.kernels[:0:-1]), strict=True):
            stride *= reader.window.stride if reader else 1
            step *= kernel.step // gcd(step * stride, kernel.step)
            limits += [max(kernel.limit // stride, step)] if kernel.limit else []
        # What a band touches grows with its rows, from what one of them alone touches.
        low, high = (self._touched(count * step) for count in (1, 2))
        return step, min(limits, default=(1 + max(BAND - low, 0) // max(high - low, 1)) * step)

    def _spans(self, first: int, end: int) -> tuple[tuple[int, int], ...]:
        """Rows of each kernel's output that the next one meets, to compute the last one's."""
        spans = [(first, end)]
        for number in range(len(self.kernels) - 1, 0, -1):
            reader, rows = self.kernels[number], self.rows[number - 1]
            first, end = reader.needs(first, end)
            if reader.border is None:
                first, end = _clipped(first, end, rows)
            spans.append((first, end))
            first, end = _clipped(first, end, rows)
            if first == end:  # nothing but padding is met; whatever is in front computes a row
                first, end = 0, 1
        return tuple(spans[::-1])

    def _between(self, number: int, first: int, end: int) -> tuple[int, ...]:
        """Extents of what lies between a kernel and the next, border included."""
        *axes, channels = self.behind[number]
        border = self.kernels[number + 1].border or ((0, 0),) * (1 + len(axes))
        wide = (size + sum(pair) for size, pair in zip(axes, border[1:], strict=True))
        return (end - first, *wide, channels)

    def _size(self, spans: Sequence[tuple[int, int]]) -> int:
        between = (
            aligned(prod(self._between(number, *span))) for number, span in enumerate(spans[:-1])
        )
        own = (k.scratch(end - first) for k, (first, end) in zip(self.kernels, spans, strict=True))
        return aligned(sum(between) + max(own))

    def _touched(self, rows: int) -> int:
        spans = self._spans(0, rows)
        first, end = _clipped(*spans[0], self.rows[0])
        first, end = self.kernels[0].needs(first, max(end, first + 1))
        own = [k.scratch(end - first) for k, (first, end) in zip(self.kernels, spans, strict=True)]
        own[0] = max(own[0], (end - first) * self.given)
        outputs = zip(spans, self.behind, strict=True)
        return sum(own) + sum((end - first) * prod(behind) for (first, end), behind in outputs)

    def bind(self, xs: Sequence[Sequence[Tensor]], out: Tensor, work: Array) -> list[Phase]:
        """Each thread's bands; `xs` are the inputs of each kernel that no other computes."""
        parts: list[list[Call]] = []
        for thread, own in enumerate(self.bands):
            memory = work[thread * self.size : (thread + 1) * self.size]
            parts.append([])
            for band in own:
                parts[-1] += self._band(xs, out, band, memory)
        return [parts]

    def _band(
        self,
        xs: Sequence[Sequence[Tensor]],
        out: Tensor,
        band: Band,
        memory: Array,
    ) -> list[Call]:
        images = band.images
        count, spans = images.stop - images.start, self._spans(band.first, band.end)
        shapes = [(count, *self._between(number, *span)) for number, span in enumerate(spans[:-1])]
        between = list(pieces(memory, *shapes))
        scratch = memory[sum(aligned(prod(shape)) for shape in shapes) :]
        calls: list[Call] = []
        met: list[Rows] = []
        for number, (kernel, (first, end)) in enumerate(zip(self.kernels, spans, strict=True)):
            low, high = max(first, 0), min(end, self.rows[number])
            if number < len(between):
                full = between[number]
                border: Border = self.kernels[number + 1].border or ((0, 0),) * (full.ndim - 2)
                calls += fills(full, ((0, 0), (low - first, end - max(high, low)), *border[1:]))
                target = Rows(full[:, low - first : high - first], border[1:], low)
                following = [Rows(full, border[1:], first)]
            else:
                target, following = out.rows(images, low, high), []
            if low < high:
                met += [
                    _met(kernel, x, images, low, high, windowed=not met and not place)
                    for place, x in enumerate(xs[number])
                ]
                calls += kernel.calls(met, target, scratch)
            met = following
        return calls


def _clipped(first: int, end: int, rows: int) -> tuple[int, int]:
    """The rows among them that there are."""
    first = min(max(first, 0), rows)
    return first, max(min(end, rows), first)


def _met(kernel: Banded, x: Tensor, images: slice, first: int, end: int, *, windowed: bool) -> Rows:
    """The rows of an input that a kernel meets."""
    rows = x.inner.shape[1]
    if windowed:
        first, end = kernel.needs(first, end)
        if kernel.border is None:
            first, end = _clipped(first, end, rows)
    if rows == 1 and kernel.border is None and kernel.window == Window():
        first, end = 0, 1  # spread over the other inputs' rows
    return x.rows(images, first, end)
