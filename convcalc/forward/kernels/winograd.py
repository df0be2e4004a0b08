"""Winograd's minimal filtering: fewer multiplications for square kernels that move by one.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308;
matrices by Cook and Toom's construction from interpolation points, in float64.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcalc.forward.kernels.common import SMALL, Array, Border, Tensor, aligned, finish, share
from convcalc.forward.pool import Call, Phase
from convcalc.layers import Layer
from convcalc.window import Window

POINTS = {
    # (0, ±1, ±2) for tiles of four would be 2.7 × less accurate.
    4: (0.0, 1.0, -1.0),
    6: (0.0, 0.625, -0.625, 1.5, -1.5),
}
"""Interpolation points, beside infinity, by extent of the input tile."""
TILES = 160
"""Tiles that are transformed and multiplied at a time: tall enough for a fast product, and small
enough to stay in cache."""
FEW = 96
"""Tiles per thread below which the threads share out the products by position instead."""


@lru_cache
def matrices(tile: int, kernel: int) -> tuple[Array, Array, Array]:
    """(Bᵀ, G, Aᵀ) of F(tile, kernel), so that y = Aᵀ((G·w) ⊙ (Bᵀ·x))."""
    size = tile + kernel - 1
    points = np.array(POINTS[size])
    inner, outer = np.zeros((size, size)), np.zeros((tile, size))
    weights = np.zeros((size, kernel))
    for row, point in enumerate(points):
        others = np.delete(points, row)
        inner[row, : size - 1] = np.poly(others)[::-1]
        weights[row] = point ** np.arange(kernel) / np.prod(point - others)
        outer[:, row] = point ** np.arange(tile)
    inner[-1] = np.poly(points)[::-1]
    weights[-1, -1] = outer[-1, -1] = 1
    return inner.astype(np.float32), weights.astype(np.float32), outer.astype(np.float32)


def tile_size(
    windows: Sequence[Window], groups: int, channels: int, output: Sequence[int], *, once: bool
) -> int:
    """Extent of the output tiles for a convolution, 0 where Winograd does not pay.

    VGG-16 takes 0.75 × as long, other networks gain by their share of such layers.
    """
    images, *spatial, _ = output
    plain = all(w.stride == w.dilation == 1 for w in windows)
    kernels = {window.kernel for window in windows}
    if len(spatial) != 2 or not plain or groups > 1 or channels < 16 or len(kernels) > 1:
        return 0
    positions = images * prod(spatial)
    if once and positions < 2600:  # its weights would take longer to transform than it saves
        return 0
    kernel = kernels.pop()
    if kernel == 5 and positions >= 196:
        return 2
    if kernel != 3 or positions < 98:
        return 0
    # Four needs some 30 tiles to multiply. Six saves at most 3 % of VGG-16, and errs 5 × as much.
    return 4 if images * prod(-(-size // 4) for size in spatial) >= 32 else 2


class Segment(NamedTuple):
    """Tile rows `first` to `end` of an image, their first tile among those of the chunk."""

    image: int
    first: int
    end: int
    tile: int


class Winograd:
    """A convolution in three steps: transform tiles, multiply by position, transform back."""

    def __init__(
        self,
        weight: Array,
        summand: Array | None,
        window: Window,
        borders: Border,
        shape: Sequence[int],
        output: Sequence[int],
        tile: int,
        activation: Layer | None,
        threads: int,
    ) -> None:
        kernel = window.kernel
        self.summand, self.activation, self.threads = summand, activation, threads
        self.images, self.height, self.width, self.filters = output
        self.channels = shape[-1]
        self.padding = borders
        self.tile, self.size = tile, tile + kernel - 1
        self.inner, middle, self.outer = matrices(tile, kernel)
        self.down, self.across = -(-self.height // tile), -(-self.width // tile)
        # Tiles cover more than the output; what they read there is a wider border.
        self.borders: Sequence[Border | None] = [
            tuple(
                (low, max(count * tile + kernel - 1 - extent - low, high))
                for (low, high), count, extent in zip(
                    borders, (self.down, self.across), shape[1:3], strict=True
                )
            )
        ]
        both = np.kron(middle, middle)
        self.weight = (both @ weight.reshape(kernel * kernel, -1)).reshape(
            self.size**2, self.channels, self.filters
        )
        rows = self.images * self.down
        self.few = threads > 1 and rows * self.across < FEW * threads
        self.chunk = rows if self.few else max(min(TILES // self.across, -(-rows // threads)), 1)
        tiles = self.chunk * self.across
        values = self.size**2 * tiles
        row = self.size * (self.across * tile + kernel - 1) * self.channels
        self.sizes = (
            aligned(max(values * self.channels, self.size * tile * tiles * self.filters)),
            aligned(values * self.filters),
            aligned(max(row * self.chunk, tile * tile * tiles * self.filters)),
        )
        self.workspace = sum(self.sizes) * (1 if self.few else threads)

    def bind(self, xs: Sequence[Tensor], out: Tensor, work: Array) -> list[Phase]:
        """Chunks of tiles for each thread, or every step of few tiles shared out."""
        rows = self.images * self.down
        residual = xs[1].inner if len(xs) > 1 else None
        if self.few:
            memory = self._memory(work, 0)
            parts = [self._segments(*part) for part in share(rows, self.threads)]
            tiles = rows * self.across
            return [
                [[c for s in part for c in self._enter(s, tiles, xs[0], memory)] for part in parts],
                [
                    self._multiply(tiles, memory, *part)
                    for part in share(self.size**2, self.threads)
                ],
                [
                    [c for s in part for c in self._leave(s, tiles, out, residual, memory)]
                    for part in parts
                ],
            ]
        found: list[list[Call]] = []
        for thread, (first, end) in enumerate(share(rows, self.threads)):
            memory = self._memory(work, thread)
            calls: list[Call] = []
            for a, b in share(end - first, -(-(end - first) // self.chunk)):
                chunk = self._segments(first + a, first + b)
                chunk = [s._replace(tile=s.tile - (first + a) * self.across) for s in chunk]
                tiles = (b - a) * self.across
                for segment in chunk:
                    calls += self._enter(segment, tiles, xs[0], memory)
                calls += self._multiply(tiles, memory, 0, self.size**2)
                for segment in chunk:
                    calls += self._leave(segment, tiles, out, residual, memory)
            found.append(calls)
        return [found]

    def _memory(self, work: Array, thread: int) -> list[Array]:
        start = sum(self.sizes) * thread
        found = []
        for size in self.sizes:
            found.append(work[start : start + size])
            start += size
        return found

    def _segments(self, first: int, end: int) -> list[Segment]:
        """Rows of tiles, numbered over all images, by image."""
        found = []
        while first < end:
            image, row = divmod(first, self.down)
            count = min(self.down - row, end - first)
            found.append(Segment(image, row, row + count, first * self.across))
            first += count
        return found

    def _enter(self, segment: Segment, tiles: int, x: Tensor, memory: list[Array]) -> list[Call]:
        """Bᵀ·x·B of each tile, into (position, tile, channel)."""
        size, tile, across, channels = self.size, self.tile, self.across, self.channels
        rows, width = segment.end - segment.first, across * tile + size - tile
        (low, _), (left, _) = self.padding
        top = x.border[0][0] - low + segment.first * tile
        near = x.full[segment.image, top:, x.border[1][0] - left :]
        row, item = near.strides[0], near.itemsize
        run = width * channels
        overlapping = as_strided(near, (rows, size, run), (row * tile, row, item))
        start = segment.tile // across * size * run
        turned = memory[2][start : start + rows * size * run].reshape(rows, size, run)
        calls: list[Call] = []
        # A product that OpenBLAS has to pack runs at a third or a quarter of the speed.
        for a, b in share(run, -(-run * size * size // SMALL)):
            calls.append((np.matmul, (self.inner, overlapping[:, :, a:b], turned[:, :, a:b])))
        columns = as_strided(
            turned,
            (rows, size, across, size, channels),
            tuple(item * n for n in (size * run, run, tile * channels, channels, 1)),
        )
        values = memory[0][: size * size * tiles * channels].reshape(size, size, tiles, channels)
        part = values[:, :, segment.tile : segment.tile + rows * across]
        part = part.reshape(size, size, rows, across, channels).transpose(2, 0, 3, 1, 4)
        calls.append((np.matmul, (self.inner, columns, part)))
        return calls

    def _multiply(self, tiles: int, memory: list[Array], first: int, end: int) -> list[Call]:
        count = self.size**2
        values = memory[0][: count * tiles * self.channels].reshape(count, tiles, self.channels)
        products = memory[1][: count * tiles * self.filters].reshape(count, tiles, self.filters)
        part = slice(first, end)
        return [(np.matmul, (values[part], self.weight[part], products[part]))]

    def _leave(
        self, segment: Segment, tiles: int, out: Tensor, residual: Array | None, memory: list[Array]
    ) -> list[Call]:
        """Aᵀ·m·A of each tile, cut to the output, with its summand and activation."""
        size, tile, across, filters = self.size, self.tile, self.across, self.filters
        rows = segment.end - segment.first
        own = slice(segment.tile, segment.tile + rows * across)
        products = memory[1][: size * size * tiles * filters].reshape(size, size, tiles, filters)
        run = tile * filters
        turned: Any = memory[0][: size * tiles * run].reshape(size, tiles, tile, filters)[:, own]
        calls: list[Call] = [(np.matmul, (self.outer, products[:, :, own].swapaxes(1, 2), turned))]
        turned = turned.reshape(size, rows, across, run).transpose(1, 2, 0, 3)
        start = segment.tile * tile * run
        whole = memory[2][start : start + rows * across * tile * run]
        target = whole.reshape(rows, tile, across, run).transpose(0, 2, 1, 3)
        calls.append((np.matmul, (self.outer, turned, target)))
        top = segment.first * tile
        bottom = min(segment.end * tile, self.height)
        image = whole.reshape(rows * tile, across * tile, filters)[: bottom - top, : self.width]
        added = None if residual is None else residual[segment.image, top:bottom]
        place = out.inner[segment.image, top:bottom]
        return [*calls, *finish(image, place, self.summand, added, self.activation)]
