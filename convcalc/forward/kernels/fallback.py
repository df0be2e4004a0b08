"""Layers without a kernel of their own: their readable definition, on bands where it can be."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convcalc.forward.kernels.common import BAND, Array, Border, Tensor, bands
from convcalc.forward.pool import Call, Phase
from convcalc.layers import Layer

COUPLED = ("groupnorm", "instancenorm", "layernorm", "batchnorm")
"""Kinds that take statistics over positions, and so see them all."""


def define(layer: Layer, weights: Mapping[str, Any], xs: Sequence[Array], out: Array) -> None:
    """Run a layer's definition on channels-first arrays."""
    np.copyto(out, layer.forward(np, weights, xs))


class Fallback:
    """A layer's `forward`, by rows if every position stands for itself."""

    workspace = 0

    def __init__(
        self, layer: Layer, weights: Mapping[str, Any], inputs: int, threads: int, *, local: bool
    ) -> None:
        self.layer, self.weights, self.threads, self.local = layer, weights, threads, local
        self.borders: Sequence[Border | None] = [None] * inputs

    def bind(self, xs: Sequence[Tensor], out: Tensor, work: Array) -> list[Phase]:  # noqa: ARG002
        """One call on everything, or one per band."""
        sources, target = [x.channels_first for x in xs], out.channels_first
        if not self.local or out.rank == 0:
            call: Call = (define, (self.layer, self.weights, sources, target))
            return [[[call], *[()] * (self.threads - 1)]]
        images, rows = target.shape[0], target.shape[2]
        most = max(BAND * rows * images // max(target.size, 1), 1)
        parts: list[list[Call]] = []
        for own in bands(images, rows, most, self.threads):
            calls: list[Call] = []
            for image, first, end in own:
                place = (slice(image, image + 1), slice(None), slice(first, end))
                given = [source[place] for source in sources]
                calls.append((define, (self.layer, self.weights, given, target[place])))
            parts.append(calls)
        return [parts]
