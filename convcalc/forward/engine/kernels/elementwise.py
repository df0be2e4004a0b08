"""Passes over values in their places: norms, sums, products, activations, concatenation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from convcalc.forward.engine.kernels.activations import activation_call, blocks
from convcalc.forward.engine.kernels.common import (
    Array,
    Banded,
    Rows,
    finish,
)
from convcalc.forward.engine.pool import Call
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


def layer_norm(
    source: Array, weight: Array | None, bias: Array | None, eps: float, target: Array
) -> None:
    """Each position by the mean and variance of its channels; means are products with a matrix."""
    channels = source.shape[-1]
    parts = np.full(channels, 1 / channels, np.float32)
    for x, y in blocks(source, target):
        np.subtract(x, (x @ parts)[..., None], y)
        scale = (y * y) @ parts
        scale += np.float32(eps)
        np.sqrt(scale, scale)
        np.divide(y, scale[..., None], y)
        if weight is not None:
            np.multiply(y, weight, y)
        if bias is not None:
            np.add(y, bias, y)


class LayerNorm(Banded):
    """Layer normalization over channels, block by block, so that no pass leaves the cache."""

    def __init__(self, weights: Mapping[str, Array], eps: float) -> None:
        self.weights, self.eps = weights, eps

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:  # noqa: ARG002
        """Block by block."""
        weight, bias = self.weights.get("weight"), self.weights.get("bias")
        return [(layer_norm, (xs[0].inner, weight, bias, self.eps, out.inner))]


def maximum(one: Array, other: Array, target: Array) -> None:
    """The larger of two values, whose ufunc takes its target by name alone."""
    np.maximum(one, other, out=target)


class Merge(Banded):
    """The sum, the product or another function of several tensors, two at a time."""

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
