"""Layers without a kernel of their own: their readable definition, on bands where it can be."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convcalc.forward.engine.kernels.common import (
    Array,
    Banded,
    Rows,
    Tensor,
    Whole,
    channels_first,
)
from convcalc.forward.engine.pool import Call, Phase
from convcalc.layers import Layer


def define(layer: Layer, weights: Mapping[str, Any], xs: Sequence[Array], out: Array) -> None:
    """Run a layer's definition on channels-first arrays."""
    np.copyto(out, layer.forward(np, weights, xs))


class Definition(Whole):
    """A layer's `forward` on everything at once, on one thread."""

    def __init__(self, layer: Layer, weights: Mapping[str, Any]) -> None:
        self.layer, self.weights = layer, weights

    def bind(self, xs: Sequence[Sequence[Tensor]], out: Tensor, work: Array) -> list[Phase]:  # noqa: ARG002
        """One call."""
        given = [x.channels_first for x in xs[0]]
        return [[[(define, (self.layer, self.weights, given, out.channels_first))]]]


class Lookup(Definition):
    """The `forward` of a layer that looks up, on the whole numbers that lie where float32 would."""

    def bind(self, xs: Sequence[Sequence[Tensor]], out: Tensor, work: Array) -> list[Phase]:  # noqa: ARG002
        """One call."""
        given = [x.channels_first.view(np.int32) for x in xs[0]]
        return [[[(define, (self.layer, self.weights, given, out.channels_first))]]]


class BandedDefinition(Banded):
    """A layer's `forward` by rows, where every position stands for itself."""

    def __init__(self, layer: Layer, weights: Mapping[str, Any], rank: int) -> None:
        self.layer, self.weights, self.rank = layer, weights, rank

    def calls(self, xs: Sequence[Rows], out: Rows, work: Array) -> list[Call]:  # noqa: ARG002
        """One call."""
        given = [channels_first(x.inner, self.rank) for x in xs]
        target = channels_first(out.inner, self.rank)
        return [(define, (self.layer, self.weights, given, target))]
