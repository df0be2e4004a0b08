"""Convolution: the values under the kernel copied into a matrix, band by band, and multiplied."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from convcalc.forward.kernels.common import (
    BAND,
    Array,
    Border,
    Tensor,
    aligned,
    bands,
    finish,
    pieces,
    product,
    share,
)
from convcalc.forward.pool import Call, Phase
from convcalc.layers import Layer
from convcalc.window import Window

FEW = 64
"""Positions per thread below which the threads share out filters instead of rows."""


def matrix(weight: Array, factor: Array | None, groups: int) -> Array:
    """A convolution's weights as (groups, taps·channels, filters), the factor folded in."""
    filters, channels, *kernel = weight.shape
    weight = weight.reshape(groups, filters // groups, channels, *kernel)
    last = weight.ndim - 1
    weight = weight.transpose(0, *range(3, last + 1), 2, 1)
    if factor is not None:
        factor = factor.reshape(groups, *(1,) * (last - 1), filters // groups)
        weight = np.multiply(weight, factor, order="C")
    return np.ascontiguousarray(weight).reshape(groups, -1, filters // groups)


class Convolution:
    """Any stride, dilation, padding and number of groups."""

    def __init__(
        self,
        weight: Array,
        summand: Array | None,
        windows: Sequence[Window],
        output: Sequence[int],
        activation: Layer | None,
        threads: int,
    ) -> None:
        self.weight, self.summand, self.activation = weight, summand, activation
        self.windows, self.threads = windows, threads
        self.images, self.rows, *rest, self.filters = output
        self.groups, self.depth, self.group_filters = weight.shape
        self.row = prod(rest)
        self.outputs = (self.rows, *rest)
        self.borders: Sequence[Border | None] = [tuple((w.before, w.after) for w in windows)]
        self.pointwise = self.groups == 1 and all(window == Window() for window in windows)
        width = self.row * (self.groups * self.depth + 2 * self.filters)
        self.few = self.groups == 1 and threads > 1 and self._positions() <= FEW * threads
        self.most = max(BAND // width, 1)
        most = min(self.most, self.rows) * self.row
        self.sizes: tuple[int, ...] = (most * self.groups * self.depth, most * self.filters)
        self.workspace = sum(map(aligned, self.sizes)) * threads
        if self.few:
            positions = self._positions()
            part = positions * -(-self.filters // threads)
            self.sizes = (positions * self.depth, *[part] * threads)
            self.workspace = sum(map(aligned, self.sizes))

    def _positions(self) -> int:
        return self.images * self.rows * self.row

    def bind(self, xs: Sequence[Tensor], out: Tensor, work: Array) -> list[Phase]:
        """Each thread's bands of rows, or its filters where the map is small."""
        x = xs[0]
        residual = xs[1].inner if len(xs) > 1 else None
        direct = self.pointwise and x.plain
        met = x.windows(self.windows, self.outputs)
        if self.few:
            return self._bind_few(x, met, out, residual, work, direct=direct)
        parts: list[list[Call]] = []
        scratch = pieces(work, *self.sizes * self.threads)
        for own in bands(self.images, self.rows, self.most, self.threads):
            columns, products = next(scratch), next(scratch)
            calls: list[Call] = []
            for image, first, end in own:
                positions = (end - first) * self.row
                if direct:
                    patches = x.inner[image, first:end].reshape(positions, self.depth)
                else:
                    patches = self._gather(met[image, first:end], columns, calls)
                target = out.inner[image, first:end]
                source = target if out.plain else _shaped(products, target.shape)
                flat = source.reshape(positions, self.filters)
                calls += self._multiply(patches, flat)
                added = None if residual is None else residual[image, first:end]
                calls += finish(source, target, self.summand, added, self.activation)
            parts.append(calls)
        return [parts]

    def _gather(self, met: Array, columns: Array, calls: list[Call]) -> Array:
        """Copy what the outputs of a band meet into rows of a matrix, one matrix per group."""
        front = met.ndim - 1
        split = (*met.shape[:front], self.groups, met.shape[front] // self.groups)
        order = (front, *range(front), front + 1)
        values: Any = np.lib.stride_tricks.as_strided(
            met, split, (*met.strides[:front], met.strides[front] * split[-1], met.strides[front])
        ).transpose(order)
        calls.append((np.copyto, (_shaped(columns, values.shape), values)))
        gathered = columns[: values.size].reshape(self.groups, -1, self.depth)
        return gathered[0] if self.groups == 1 else gathered

    def _multiply(self, patches: Array, flat: Array) -> list[Call]:
        if self.groups == 1:
            return product(patches, self.weight[0], flat)
        apart = flat.reshape(-1, self.groups, self.group_filters).transpose(1, 0, 2)
        return [(np.matmul, (patches, self.weight, apart))]

    def _bind_few(
        self,
        x: Tensor,
        met: Array,
        out: Tensor,
        residual: Array | None,
        work: Array,
        *,
        direct: bool,
    ) -> list[Phase]:
        columns, *products = pieces(work, *self.sizes)
        phases: list[Phase] = []
        if direct:
            patches = x.full.reshape(-1, self.depth)
        else:
            patches = columns[: self._positions() * self.depth].reshape(-1, self.depth)
            target = patches.reshape(self.images, *met.shape[1:])
            phases.append(
                [
                    [(np.copyto, (target[i, a:b], met[i, a:b])) for i, a, b in own]
                    for own in bands(self.images, self.rows, self.rows, self.threads)
                ]
            )
        parts: list[list[Call]] = []
        for memory, (first, end) in zip(products, share(self.filters, self.threads), strict=True):
            if first == end:
                parts.append([])
                continue
            target = out.inner[..., first:end]
            source = _shaped(memory, target.shape)
            flat = source.reshape(-1, end - first)
            summand = None if self.summand is None else self.summand[first:end]
            added = None if residual is None else residual[..., first:end]
            calls: list[Call] = [(np.matmul, (patches, self.weight[0][:, first:end], flat))]
            parts.append([*calls, *finish(source, target, summand, added, self.activation)])
        return [*phases, parts]


def _shaped(memory: Array, shape: tuple[int, ...]) -> Array:
    return memory[: prod(shape)].reshape(shape)
