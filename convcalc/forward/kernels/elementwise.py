"""Passes over values in their places: norms, sums, products, activations, concatenation."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from convcalc.forward.kernels.common import (
    BAND,
    Array,
    Border,
    Tensor,
    activation_call,
    bands,
    finish,
)
from convcalc.forward.pool import Call, Phase
from convcalc.layers import Layer


class Banded:
    """A kernel that goes over bands of rows, which stay in cache from one pass to the next."""

    workspace = 0

    def __init__(self, inputs: int, threads: int) -> None:
        self.threads = threads
        self.borders: Sequence[Border | None] = [None] * inputs

    def bind(self, xs: Sequence[Tensor], out: Tensor, work: Array) -> list[Phase]:  # noqa: ARG002
        """Calls for each band of the output."""
        images, rows, *rest = out.inner.shape
        most = BAND // (prod(rest) * (len(xs) + 1))
        parts = []
        for own in bands(images, rows, most, self.threads):
            calls: list[Call] = []
            for image, first, end in own:
                sources = []
                for x in xs:  # an extent of 1 is spread over the others'
                    place = slice(first, end) if x.inner.shape[1] == rows else slice(None)
                    sources.append(x.inner[image, place])
                calls += self.calls(sources, out.inner[image, first:end])
            parts.append(calls)
        return [parts]

    def calls(self, sources: list[Array], target: Array) -> list[Call]:
        """The calls for one band."""
        raise NotImplementedError


class Activation(Banded):
    """An activation with nothing in front that it could end."""

    def __init__(self, layer: Layer, threads: int) -> None:
        super().__init__(1, threads)
        self.layer = layer

    def calls(self, sources: list[Array], target: Array) -> list[Call]:
        """One pass."""
        return [activation_call(self.layer, sources[0], target)]


class Affine(Banded):
    """A factor and a summand per channel: batch norm in front of its convolution."""

    def __init__(
        self, factor: Array | None, summand: Array | None, activation: Layer | None, threads: int
    ) -> None:
        super().__init__(1, threads)
        self.factor, self.summand, self.activation = factor, summand, activation

    def calls(self, sources: list[Array], target: Array) -> list[Call]:
        """Multiply into the target, and go on there."""
        factor = np.float32(1) if self.factor is None else self.factor
        calls: list[Call] = [(np.multiply, (sources[0], factor, target))]
        if self.summand is not None or self.activation is not None:
            calls += finish(target, target, self.summand, None, self.activation)
        return calls


class Merge(Banded):
    """The sum or the product of several tensors."""

    def __init__(
        self, function: Callable[..., Any], inputs: int, activation: Layer | None, threads: int
    ) -> None:
        super().__init__(inputs, threads)
        self.function, self.activation = function, activation

    def calls(self, sources: list[Array], target: Array) -> list[Call]:
        """The first two into the target, and the others onto it."""
        calls: list[Call] = []
        total = sources[0]
        for source in sources[1:]:
            calls.append((self.function, (total, source, target)))
            total = target
        if self.activation is not None:
            calls.append(activation_call(self.activation, target, target))
        return calls


class Concat(Banded):
    """Channels one behind the other."""

    def calls(self, sources: list[Array], target: Array) -> list[Call]:
        """A copy each."""
        calls: list[Call] = []
        first = 0
        for source in sources:
            end = first + source.shape[-1]
            calls.append((np.copyto, (target[..., first:end], source)))
            first = end
        return calls
