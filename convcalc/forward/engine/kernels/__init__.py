"""Which kernel computes which fusion."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from convcalc.forward.engine.fusion import Fused, folded, is_activation, shape_of
from convcalc.forward.engine.kernels.common import Array, Banded, Whole, grid, grid_windows
from convcalc.forward.engine.kernels.convolution import Convolution, matrix
from convcalc.forward.engine.kernels.depthwise import Depthwise
from convcalc.forward.engine.kernels.elementwise import Activation, Affine, Concat, LayerNorm, Merge
from convcalc.forward.engine.kernels.fallback import BandedDefinition, Definition
from convcalc.forward.engine.kernels.linear import Linear
from convcalc.forward.engine.kernels.pooling import Pooling
from convcalc.forward.engine.kernels.transposed import Transposed
from convcalc.forward.engine.kernels.winograd import Winograd, tile_size
from convcalc.forward.weights import Drawn, layer_weights
from convcalc.graph import Network
from convcalc.layers import Plan
from convcalc.layers.pooling import window_sums

Kernel = Banded | Whole
COUPLED = ("groupnorm", "instancenorm", "layernorm", "batchnorm")
"""Kinds that take statistics over positions, and so see them all."""
LITTLE = 6_000_000
"""Work, in multiply-accumulates, that one thread does as fast as several: some 100 µs.

Threads take turns at Python's lock between NumPy's calls, which costs 5 to 10 µs a turn. With this
ShuffleNet v2 takes 0.84 × as long, LeNet-5 0.52 ×.
"""
SWITCH = 25
"""What a pass over one value counts for."""


class Choice:
    """All that choosing a kernel looks at."""

    def __init__(
        self,
        network: Network,
        fusions: list[Fused],
        batch: int,
        weights: Mapping[str, Any],
        threads: int,
        *,
        once: bool,
    ) -> None:
        self.network, self.fusions, self.batch = network, fusions, batch
        self.weights, self.threads, self.once = weights, threads, once

    def threads_for(self, *fusions: Fused) -> int:
        """Threads for some fusions: one, where waking others takes as long as they save."""
        plans = (self.network.plans[fused.index] for fused in fusions)
        work = sum(plan.macs + SWITCH * plan.output.size for plan in plans if plan)
        return 1 if work * self.batch < LITTLE else self.threads

    def grids(self, fused: Fused) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Extents of a fusion's first input and of its output."""
        given = shape_of(self.network, self.fusions, fused.inputs[0])
        output = self.network.shape_of(fused.last)
        assert output is not None  # noqa: S101 (networks with errors are refused)
        return grid(self.batch, given), grid(self.batch, output)


def choose(choice: Choice, fused: Fused) -> Kernel:
    """The kernel for a fusion; the reference where there is none."""
    network, kind, activation = choice.network, fused.kind, fused.activation
    plan = network.plans[fused.index]
    assert plan is not None  # noqa: S101
    weights = layer_weights(network, fused.index, choice.weights)
    if kind == "linear":
        factor, summand = folded(network, fused, choice.weights)
        weight = weights["weight"]
        if factor is not None:
            weight = np.asarray(weight) * factor[:, None]
        threads = choice.threads_for(fused)
        return Linear(weight, summand, choice.batch, activation, threads)
    drawn = isinstance(weights.get("weight"), Drawn)  # and then nobody else has it
    weights = {name: np.asarray(each) for name, each in weights.items()}
    if fused.folds:
        return _convolution(choice, fused, plan, weights["weight"], own=drawn)
    if kind == "affine":
        return Affine(*folded(network, fused, choice.weights), activation)
    if kind in ("add", "multiply"):
        return Merge(np.add if kind == "add" else np.multiply, activation)
    if kind == "concat":
        return Concat()
    if is_activation(fused.layer):
        return Activation(fused.layer)
    if kind == "layernorm" and getattr(fused.layer, "over", None) == "channels":
        return LayerNorm(weights, getattr(fused.layer, "eps", 0))
    pooling = _pooling(choice, fused, plan)
    if pooling is not None:
        return pooling
    rank = shape_of(network, choice.fusions, fused.inputs[0]).rank
    if plan.windows == () and kind not in COUPLED and rank and plan.output.rank == rank:
        return BandedDefinition(fused.layer, weights, rank)
    return Definition(fused.layer, weights)


def _convolution(choice: Choice, fused: Fused, plan: Plan, weight: Array, *, own: bool) -> Kernel:
    layer: Any = fused.layer
    given, output = choice.grids(fused)
    channels = given[-1]
    groups = channels if fused.kind == "depthwise_conv" else layer.groups
    windows = grid_windows(plan.windows or ())
    if weight.ndim == 3:  # a sequence has one column
        weight = weight[..., None]
    factor, summand = folded(choice.network, fused, choice.weights)
    activation = fused.activation
    if fused.kind == "conv_transpose":
        return Transposed(weight, factor, summand, windows, groups, given, output, activation)
    if groups == channels == output[-1] > 1 and len(windows) == 2:
        if factor is not None:
            weight = weight * factor.reshape(-1, 1, 1, 1)
        return Depthwise(weight, summand, windows, output, activation)
    prepared = matrix(weight, factor, groups, own=own)
    tile = tile_size(windows, groups, channels, output, once=choice.once)
    if tile:
        return Winograd(prepared, summand, windows, given, output, tile, activation)
    return Convolution(prepared, summand, windows, output, activation)


def _pooling(choice: Choice, fused: Fused, plan: Plan) -> Kernel | None:
    kind, layer = fused.kind, fused.layer
    windows = plan.windows or ()
    if kind not in ("maxpool", "avgpool", "adaptive_avgpool", "adaptive_maxpool"):
        return None
    if any(window.up > 1 for window in windows):  # regions of different sizes
        return None
    given, output = choice.grids(fused)
    factor: Array | None = None
    if kind == "adaptive_avgpool":
        factor = np.float32(1 / prod(window.kernel for window in windows))
    elif kind == "avgpool":
        shape = choice.network.shape_of(fused.node.inputs[0])
        assert shape is not None  # noqa: S101
        # One over what the layer divides by: of ones, its means over its sums.
        ones = np.ones((1, 1, *shape.spatial), np.float32)
        factor = layer.forward(np, {}, (ones,)) / window_sums(np, ones, windows)
        factor = factor.reshape(*output[1:-1], 1)
        if (factor == factor.flat[0]).all():
            factor = factor.reshape(-1)[0]
    return Pooling(grid_windows(windows), given, output, factor)
