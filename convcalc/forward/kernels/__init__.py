"""Which kernel computes which operation."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from convcalc.forward.fusion import Operation, folded, is_activation, shape_of
from convcalc.forward.kernels.common import Array, Banded, Whole, grid, grid_windows
from convcalc.forward.kernels.convolution import Convolution, matrix
from convcalc.forward.kernels.depthwise import Depthwise
from convcalc.forward.kernels.elementwise import Activation, Affine, Concat, LayerNorm, Merge
from convcalc.forward.kernels.fallback import BandedDefinition, Definition
from convcalc.forward.kernels.linear import Linear
from convcalc.forward.kernels.pooling import Pooling
from convcalc.forward.kernels.transposed import Transposed
from convcalc.forward.kernels.winograd import Winograd, tile_size
from convcalc.forward.reference import layer_weights
from convcalc.forward.weights import Drawn
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
        operations: list[Operation],
        batch: int,
        weights: Mapping[str, Any],
        threads: int,
        *,
        once: bool,
    ) -> None:
        self.network, self.operations, self.batch = network, operations, batch
        self.weights, self.threads, self.once = weights, threads, once

    def threads_for(self, *operations: Operation) -> int:
        """Threads for some operations: one, where waking others takes as long as they save."""
        plans = (self.network.plans[operation.index] for operation in operations)
        work = sum(plan.macs + SWITCH * plan.output.size for plan in plans if plan)
        return 1 if work * self.batch < LITTLE else self.threads

    def grids(self, operation: Operation) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Extents of an operation's first input and of its output."""
        given = shape_of(self.network, self.operations, operation.inputs[0])
        output = self.network.shape_of(operation.last)
        assert output is not None  # noqa: S101 (networks with errors are refused)
        return grid(self.batch, given), grid(self.batch, output)


def choose(choice: Choice, operation: Operation) -> Kernel:
    """The kernel for an operation; the reference where there is none."""
    network, kind, activation = choice.network, operation.kind, operation.activation
    plan = network.plans[operation.index]
    assert plan is not None  # noqa: S101
    weights = layer_weights(network, operation.index, choice.weights)
    if kind == "linear":
        factor, summand = folded(network, operation, choice.weights)
        weight = weights["weight"]
        if factor is not None:
            weight = np.asarray(weight) * factor[:, None]
        threads = choice.threads_for(operation)
        return Linear(weight, summand, choice.batch, activation, threads)
    drawn = isinstance(weights.get("weight"), Drawn)  # and then nobody else has it
    weights = {name: np.asarray(each) for name, each in weights.items()}
    if operation.folds:
        return _convolution(choice, operation, plan, weights["weight"], own=drawn)
    if kind == "affine":
        return Affine(*folded(network, operation, choice.weights), activation)
    if kind in ("add", "multiply"):
        return Merge(np.add if kind == "add" else np.multiply, activation)
    if kind == "concat":
        return Concat()
    if is_activation(operation.layer):
        return Activation(operation.layer)
    if kind == "layernorm" and getattr(operation.layer, "over", None) == "channels":
        return LayerNorm(weights, getattr(operation.layer, "eps", 0))
    pooling = _pooling(choice, operation, plan)
    if pooling is not None:
        return pooling
    rank = shape_of(network, choice.operations, operation.inputs[0]).rank
    if plan.windows == () and kind not in COUPLED and rank and plan.output.rank == rank:
        return BandedDefinition(operation.layer, weights, rank)
    return Definition(operation.layer, weights)


def _convolution(
    choice: Choice, operation: Operation, plan: Plan, weight: Array, *, own: bool
) -> Kernel:
    layer: Any = operation.layer
    given, output = choice.grids(operation)
    channels = given[-1]
    groups = channels if operation.kind == "depthwise_conv" else layer.groups
    windows = grid_windows(plan.windows or ())
    if weight.ndim == 3:  # a sequence has one column
        weight = weight[..., None]
    factor, summand = folded(choice.network, operation, choice.weights)
    activation = operation.activation
    if operation.kind == "conv_transpose":
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


def _pooling(choice: Choice, operation: Operation, plan: Plan) -> Kernel | None:
    kind, layer = operation.kind, operation.layer
    windows = plan.windows or ()
    if kind not in ("maxpool", "avgpool", "adaptive_avgpool", "adaptive_maxpool"):
        return None
    if any(window.up > 1 for window in windows):  # regions of different sizes
        return None
    given, output = choice.grids(operation)
    factor: Array | None = None
    if kind == "adaptive_avgpool":
        factor = np.float32(1 / prod(window.kernel for window in windows))
    elif kind == "avgpool":
        shape = choice.network.shape_of(operation.node.inputs[0])
        assert shape is not None  # noqa: S101
        # One over what the layer divides by: of ones, its means over its sums.
        ones = np.ones((1, 1, *shape.spatial), np.float32)
        factor = layer.forward(np, {}, (ones,)) / window_sums(np, ones, windows)
        factor = factor.reshape(*output[1:-1], 1)
        if (factor == factor.flat[0]).all():
            factor = factor.reshape(-1)[0]
    return Pooling(grid_windows(windows), given, output, factor)
