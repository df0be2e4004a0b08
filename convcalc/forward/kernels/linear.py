"""Fully connected layers, which read every weight once: memory is what limits them."""

from collections.abc import Sequence

import numpy as np

from convcalc.forward.kernels.common import (
    SMALL,
    Array,
    Rows,
    Tensor,
    Whole,
    aligned,
    finish,
    share,
)
from convcalc.forward.pool import Call, Phase
from convcalc.layers import Layer


class Linear(Whole):
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
    ) -> None:
        self.weight, self.summand, self.batch = weight, summand, batch
        self.activation, self.threads = activation, threads
        self.workspace = aligned(len(weight) * batch)

    def bind(self, xs: Sequence[Sequence[Tensor]], out: Tensor, work: Array) -> list[Phase]:
        """The product of each share, then its summand and activation."""
        given, *residual = xs[0]
        x = given.inner.reshape(self.batch, -1)
        parts: list[list[Call]] = []
        for first, end in share(len(self.weight), self.threads):
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
            added = Rows(residual[0].inner[..., first:end], ((0, 0),), 0) if residual else None
            calls += finish(source, target, summand, added, self.activation)
            parts.append(calls if count else [])
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
        blocks = (weight[:whole].reshape(*shape, depth), x.T, out[:whole].reshape(*shape, -1))
        calls: list[Call] = [(np.matmul, blocks)]
        if whole < count:
            calls.append((np.matmul, (weight[whole:], x.T, out[whole:])))
        return calls
