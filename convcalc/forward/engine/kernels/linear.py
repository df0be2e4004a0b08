"""Fully connected layers, which read every weight once: memory is what limits them."""

from collections.abc import Iterator, Sequence

import numpy as np

from convcalc.forward.engine.kernels.common import (
    Array,
    Tensor,
    Whole,
    aligned,
    finish,
    pieces,
    share,
)
from convcalc.forward.engine.pool import Call, Phase
from convcalc.forward.weights import Drawn
from convcalc.layers import Layer

SMALL = 1_000_000
"""Multiplications up to which OpenBLAS multiplies without packing its operands first."""


class Linear(Whole):
    """Each thread has its share of the outputs, so that every weight is read by one of them.

    The weights stay in PyTorch's layout, outputs × inputs: the other one is little faster for a
    single example, and costs a copy. Random ones that
    are read once are drawn into a core's cache when they are, and never are all in memory.
    """

    def __init__(
        self,
        weight: Array | Drawn,
        summand: Array | None,
        batch: int,
        activation: Layer | None,
        threads: int,
    ) -> None:
        self.weight, self.summand, self.batch = weight, summand, batch
        self.activation, self.threads = activation, threads
        self.outputs, self.inputs = (int(size) for size in weight.shape)
        self.workspace = aligned(self.outputs * batch)
        if isinstance(weight, Drawn):
            self.workspace += threads * aligned(weight.step)

    def bind(self, xs: Sequence[Sequence[Tensor]], out: Tensor, work: Array) -> list[Phase]:
        """The product of each share, then its summand and activation."""
        given, *residual = xs[0]
        x = given.inner.reshape(self.batch, -1)
        products, *memory = self._memory(work)
        blocks = self._blocks()
        parts: list[list[Call]] = []
        for thread, (low, high) in enumerate(share(len(blocks), self.threads)):
            if low == high:
                continue
            first, end = blocks[low][0], blocks[high - 1][1]
            calls: list[Call] = []
            for number in range(low, high):
                a, b = blocks[number]
                if isinstance(self.weight, Drawn):
                    drawn = memory[thread][: (b - a) * self.inputs]
                    calls.append((self.weight.fill, (drawn, number)))
                    weight = drawn.reshape(b - a, self.inputs)
                else:
                    weight = self.weight[a:b]
                calls += self._multiply(weight, x, products[a:b])
            target, source = out.inner[..., first:end], products[first:end].T[None, :, None]
            summand = None if self.summand is None else self.summand[first:end]
            added = residual[0].inner[..., first:end] if residual else None
            parts.append([*calls, *finish(source, target, summand, added, self.activation)])
        return [parts]

    def _memory(self, work: Array) -> Iterator[Array]:
        size = self.weight.step if isinstance(self.weight, Drawn) else 0
        return pieces(work, (self.outputs, self.batch), *[(size,)] * self.threads)

    def _blocks(self) -> list[tuple[int, int]]:
        """Rows of weights that are there, or are drawn, together."""
        if isinstance(self.weight, Drawn):
            blocks = self.weight.blocks()
            return [(first // self.inputs, end // self.inputs) for first, end in blocks]
        return [(a, b) for a, b in share(self.outputs, self.threads) if a < b]

    def _multiply(self, weight: Array, x: Array, out: Array) -> list[Call]:
        """The product with x.T, in blocks of rows that OpenBLAS multiplies without packing them.

        Packing a matrix that is read once costs more than multiplying it.
        """
        count, depth = weight.shape
        if self.batch == 1:
            return [(np.matmul, (weight, x[0], out[:, 0]))]
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
