"""Fully connected layers, which read every weight once: memory is what limits them."""

from collections.abc import Sequence

import numpy as np

from convcalc.forward.kernels.common import SMALL, Array, Border, Tensor, aligned, finish, share
from convcalc.forward.pool import Call, Phase
from convcalc.layers import Layer


class Linear:
    """Each thread has its share of the outputs, so that every weight is read by one of them.

    The weights stay in PyTorch's layout, outputs × inputs: the other one is 10 % faster for a
    single example (24.6 against 22.2 GB/s), and costs a copy of 494 MB in VGG-16.
    """

    def __init__(
        self,
        weight: Array,
        summand: Array | None,
        batch: int,
        activation: Layer | None,
        threads: int,
        *,
        residual: bool,
    ) -> None:
        self.weight, self.summand, self.batch = weight, summand, batch
        self.activation, self.threads = activation, threads
        self.borders: Sequence[Border | None] = [None] * (1 + residual)
        self.workspace = aligned(weight.shape[0] * batch) + threads * 16

    def bind(self, xs: Sequence[Tensor], out: Tensor, work: Array) -> list[Phase]:
        """The product of each share, then its summand and activation."""
        x = xs[0].inner.reshape(self.batch, -1)
        parts: list[list[Call]] = []
        for first, end in share(self.weight.shape[0], self.threads):
            if first == end:
                parts.append([])
                continue
            weight, count = self.weight[first:end], end - first
            products = work[first * self.batch : end * self.batch]
            target = out.inner[..., first:end]
            if self.batch == 1:
                calls: list[Call] = [(np.matmul, (weight, x[0], products))]
                source = products.reshape(target.shape)
            else:
                turned = products.reshape(count, self.batch)
                calls = self._multiply(weight, x, turned)
                source = turned.T[None, :, None]
            summand = None if self.summand is None else self.summand[first:end]
            added = xs[1].inner[..., first:end] if len(xs) > 1 else None
            parts.append([*calls, *finish(source, target, summand, added, self.activation)])
        return [parts]

    def _multiply(self, weight: Array, x: Array, out: Array) -> list[Call]:
        """The product with x.T, in blocks of rows that OpenBLAS multiplies without packing them.

        Packing a matrix that is read once costs more than multiplying it: 3.9 → 13.2 GB/s at
        batch 4.
        """
        count, depth = weight.shape
        size = min(SMALL // (depth * self.batch), count)
        if size < 1 or self.batch > 16:
            return [(np.matmul, (weight, x.T, out))]
        whole = count // size * size
        shape = (count // size, size)
        calls: list[Call] = [
            (
                np.matmul,
                (weight[:whole].reshape(*shape, depth), x.T, out[:whole].reshape(*shape, -1)),
            )
        ]
        if whole < count:
            calls.append((np.matmul, (weight[whole:], x.T, out[whole:])))
        return calls
