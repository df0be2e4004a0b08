"""Winograd's minimal filtering: fewer multiplications for square kernels that move by one.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308;
matrices by Cook and Toom's construction from interpolation points, in float64.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

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

POINTS = {
    # (0, ±1, ±2) for tiles of four would be less accurate.
    4: (0.0, 1.0, -1.0),
    6: (0.0, 0.625, -0.625, 1.5, -1.5),
}
"""Interpolation points, beside infinity, by extent of the input tile."""
TILES = 160
"""Tiles that are transformed and multiplied at a time: tall enough for a fast product, and small
enough to stay in cache."""


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

    Transforming costs some passes over the values; products with many channels pay for them.
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
    # Four needs some 30 tiles to multiply. Six would save little more, and err more.
    return 4 if images * prod(-(-size // 4) for size in spatial) >= 32 else 2


def most_prepared(weight: Sequence[int]) -> int:
    """Values that are made of a convolution's weights, at most: as many, or a tile per kernel."""
    filters, channels, *kernel = weight
    tiles = kernel in ([3, 3], [5, 5])
    return filters * channels * (max(POINTS) ** 2 if tiles else prod(kernel))


class Winograd(Banded):
    """A convolution in three steps: transform tiles, multiply by position, transform back."""

    def __init__(
        self,
        weight: Array,
        summand: Array | None,
        windows: Sequence[Window],
        shape: Sequence[int],
        output: Sequence[int],
        tile: int,
        activation: Layer | None,
    ) -> None:
        self.window, kernel = windows[0], windows[0].kernel
        self.summand, self.activation = summand, activation
        _, _, self.width, self.filters = output
        self.channels = shape[-1]
        self.tile = self.step = tile
        self.size = tile + kernel - 1
        self.inner, middle, self.outer = matrices(tile, kernel)
        self.across = -(-self.width // tile)
        # Tiles cover more than the output; what they read there is a wider border.
        (top, bottom), (self.left, right) = paddings(windows)
        beyond = self.across * tile + kernel - 1 - shape[2] - self.left
        self.border = ((top, bottom + tile - 1), (self.left, max(beyond, right)))
        self.chunk = max(TILES // self.across, 1)
        self.limit = self.chunk * tile
        both = np.kron(middle, middle)
        self.weight = (both @ weight.reshape(kernel * kernel, -1)).reshape(
            self.size**2, self.channels, self.filters
        )

    def needs(self, first: int, end: int) -> tuple[int, int]:
        """Rows for whole tiles."""
        start = first - self.window.before
        return start, start + -(-(end - first) // self.tile) * self.tile + self.size - self.tile

    def _shapes(self, down: int) -> tuple[list[int], list[int], list[int]]:
        tiles, size, tile = down * self.across, self.size, self.tile
        row = size * (self.across * tile + size - tile) * self.channels
        return (
            [max(size * size * tiles * self.channels, size * tile * tiles * self.filters)],
            [size * size * tiles * self.filters],
            [max(row * down, tile * tile * tiles * self.filters)],
        )

    def scratch(self, rows: int) -> int:
        """Tiles, their products, and what lies between the two halves of a transform."""
        down = min(self.chunk, -(-rows // self.tile))
        return sum(aligned(size) for (size,) in self._shapes(down))

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:
        """Chunks of tile rows."""
        target, tile = out.inner, self.tile
        images, down = len(target), -(-target.shape[1] // tile)
        residual = xs[1].inner if len(xs) > 1 else None
        calls: list[Call] = []
        chunks = -(-down // self.chunk) if images == 1 else 1
        for first, end in share(down, chunks):
            rows = slice(first * tile, end * tile)
            memory = list(pieces(work, *self._shapes(images * (end - first))))
            calls += self._enter(xs[0], first, end - first, memory)
            added = None if residual is None else residual[:, rows]
            calls += self._leave(end - first, target[:, rows], added, memory)
        return calls

    def _enter(self, x: Rows, first: int, down: int, memory: list[Array]) -> list[Call]:
        """Bᵀ·x·B of each tile, into (position, tile, channel), and the products."""
        size, tile, across, channels = self.size, self.tile, self.across, self.channels
        near = x.full[:, first * tile :, x.border[0][0] - self.left :]
        images, run = len(near), (across * tile + size - tile) * channels
        (image, row, *_), item = near.strides, near.itemsize
        rows = (images, down, size, run)
        overlapping = as_strided(near, rows, (image, row * tile, row, item))
        turned = memory[2][: prod(rows)].reshape(rows)
        columns = as_strided(
            turned,
            (images * down, size, across, size, channels),
            tuple(item * n for n in (size * run, run, tile * channels, channels, 1)),
        )
        tiles = images * down * across
        values = memory[0][: size * size * tiles * channels].reshape(size * size, tiles, channels)
        places = values.reshape(size, size, -1, across, channels).transpose(2, 0, 3, 1, 4)
        products = memory[1].reshape(size * size, tiles, self.filters)
        return [
            (np.matmul, (self.inner, overlapping, turned)),
            (np.matmul, (self.inner, columns, places)),
            (np.matmul, (values, self.weight, products)),
        ]

    def _leave(
        self, down: int, target: Array, residual: Array | None, memory: list[Array]
    ) -> list[Call]:
        """Aᵀ·m·A of each tile, cut to the output, with its summand and activation."""
        size, tile, across, filters = self.size, self.tile, self.across, self.filters
        images, height = target.shape[:2]
        tiles, run = images * down * across, tile * filters
        products = memory[1].reshape(size, size, tiles, filters)
        turned = memory[0][: size * tiles * run].reshape(size, tiles, tile, filters)
        calls: list[Call] = [(np.matmul, (self.outer, products.swapaxes(1, 2), turned))]
        rows = turned.reshape(size, images * down, across, run).transpose(1, 2, 0, 3)
        whole = memory[2][: tiles * tile * run]
        places = whole.reshape(images * down, tile, across, run).transpose(0, 2, 1, 3)
        calls.append((np.matmul, (self.outer, rows, places)))
        image = whole.reshape(images, down * tile, across * tile, filters)
        image = image[:, :height, : self.width]
        return [*calls, *finish(image, target, self.summand, residual, self.activation)]
