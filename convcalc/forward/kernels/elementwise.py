"""Passes over values in their places: norms, sums, products, activations, concatenation."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convcalc.forward.kernels.common import (
    Array,
    Banded,
    Rows,
    activation_call,
    finish,
)
from convcalc.forward.pool import Call
from convcalc.layers import Layer


class Affine(Banded):
    """A factor and a summand per channel: batch norm in front of its convolution."""

    def __init__(
        self, factor: Array | None, summand: Array | None, activation: Layer | None
    ) -> None:
        self.factor = np.float32(1) if factor is None else factor
        self.summand, self.activation = summand, activation

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:  # noqa: ARG002
        """Multiply into the target, and go on there."""
        target = out.inner
        calls: list[Call] = [(np.multiply, (xs[0].inner, self.factor, target))]
        if self.summand is not None or self.activation is not None:
            calls += finish(target, target, self.summand, None, self.activation)
        return calls


class Merge(Banded):
    """The sum or the product of several tensors."""

    def __init__(self, function: Callable[..., Any], activation: Layer | None) -> None:
        self.function, self.activation = function, activation

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:  # noqa: ARG002
        """The first two into the target, and the others onto it."""
        calls: list[Call] = []
        total, target = xs[0].inner, out.inner
        for x in xs[1:]:
            calls.append((self.function, (total, x.inner, target)))
            total = target
        if self.activation is not None:
            calls.append(activation_call(self.activation, target, target))
        return calls


class Concat(Banded):
    """Channels one behind the other."""

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:  # noqa: ARG002
        """A copy each."""
        calls: list[Call] = []
        first = 0
        for x in xs:
            end = first + x.inner.shape[-1]
            calls.append((np.copyto, (out.inner[..., first:end], x.inner)))
            first = end
        return calls


class Activation(Banded):
    """An activation with nothing in front that it could end."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:  # noqa: ARG002
        """One pass."""
        return [activation_call(self.layer, xs[0].inner, out.inner)]
