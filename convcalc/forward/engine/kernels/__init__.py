"""Which kernel computes which fusion: a table by kind, and the reasons for what is not in it."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcalc.forward.engine.fusion import Fused, folded, is_activation, shape_of
from convcalc.forward.engine.kernels.common import Array, Banded, Whole, grid, grid_windows
from convcalc.forward.engine.kernels.convolution import Convolution, matrix
from convcalc.forward.engine.kernels.depthwise import Depthwise
from convcalc.forward.engine.kernels.elementwise import (
    Activation,
    Affine,
    Concat,
    LayerNorm,
    Merge,
    maximum,
)
from convcalc.forward.engine.kernels.fallback import BandedDefinition, Definition, Lookup
from convcalc.forward.engine.kernels.linear import Linear
from convcalc.forward.engine.kernels.pooling import Pooling
from convcalc.forward.engine.kernels.transposed import Transposed
from convcalc.forward.engine.kernels.winograd import Winograd, most_prepared, tile_size
from convcalc.forward.weights import Drawn, layer_weights
from convcalc.graph.planned import Planned
from convcalc.layers import Plan, Weight, kinds
from convcalc.layers.pooling import window_sums
from convcalc.window import Window

Kernel = Banded | Whole
LITTLE = 6_000_000
"""Work, in multiply-accumulates, that one thread does as fast as several.

Threads take turns at Python's lock between NumPy's calls, and each turn costs some of that.
"""
SWITCH = 25
"""What a pass over one value counts for."""


class Choice:
    """All that choosing a kernel looks at."""

    def __init__(
        self,
        network: Planned,
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
        work = sum(plan.macs + SWITCH * plan.output.size for plan in plans)
        return 1 if work * self.batch < LITTLE else self.threads

    def grids(self, fused: Fused) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Extents of a fusion's first input and of its output."""
        given = shape_of(self.network, self.fusions, fused.inputs[0])
        return grid(self.batch, given), grid(self.batch, self.network.shape_of(fused.last))

    def plan(self, fused: Fused) -> Plan:
        """The plan of the layer that a fusion is named after."""
        return self.network.plans[fused.index]

    def arrays(self, fused: Fused) -> dict[str, Array]:
        """The weights of the layer that a fusion is named after."""
        held = layer_weights(self.network, fused.index, self.weights)
        return {name: np.asarray(each) for name, each in held.items()}

    def folded(self, fused: Fused) -> tuple[Array | None, Array | None]:
        """Factor and summand per output channel, each None where there is none."""
        return folded(self.network, fused, self.weights)


def _linear(choice: Choice, fused: Fused) -> Kernel:
    factor, summand = choice.folded(fused)
    weight = layer_weights(choice.network, fused.index, choice.weights)["weight"]
    _, output = choice.grids(fused)
    if choice.plan(fused).output.spatial:
        windows = grid_windows([Window(kernel=1)] * choice.plan(fused).output.rank)
        kernel = np.asarray(weight)[..., None, None]
        prepared = matrix(kernel, factor, 1, own=isinstance(weight, Drawn))
        return Convolution(prepared, summand, windows, output, fused.activation)
    if factor is not None:
        weight = np.asarray(weight) * factor[:, None]
    threads = choice.threads_for(fused)
    return Linear(weight, summand, choice.batch, fused.activation, threads)


def _convolution(choice: Choice, fused: Fused) -> Kernel | None:
    if not fused.folds:
        return None
    given, output = choice.grids(fused)
    channels = given[-1]
    windows = grid_windows(choice.plan(fused).windows)
    # One that is drawn is nobody else's.
    own = isinstance(layer_weights(choice.network, fused.index, choice.weights)["weight"], Drawn)
    weight = choice.arrays(fused)["weight"]
    groups = channels // weight.shape[1]
    if weight.ndim == 3:  # a sequence has one column
        weight = weight[..., None]
    factor, summand = choice.folded(fused)
    if groups == channels == output[-1] > 1 and len(windows) == 2:
        if factor is not None:
            weight = weight * factor.reshape(-1, 1, 1, 1)
        return Depthwise(weight, summand, windows, output, fused.activation)
    prepared = matrix(weight, factor, groups, own=own)
    tile = tile_size(windows, groups, channels, output, once=choice.once)
    if tile:
        return Winograd(prepared, summand, windows, given, output, tile, fused.activation)
    return Convolution(prepared, summand, windows, output, fused.activation)


def _transposed(choice: Choice, fused: Fused) -> Kernel | None:
    if not fused.folds:
        return None
    given, output = choice.grids(fused)
    weight = choice.arrays(fused)["weight"]
    groups = output[-1] // weight.shape[1]
    if weight.ndim == 3:
        weight = weight[..., None]
    windows = grid_windows(choice.plan(fused).windows)
    factor, summand = choice.folded(fused)
    return Transposed(weight, factor, summand, windows, groups, given, output, fused.activation)


def _affine(choice: Choice, fused: Fused) -> Kernel | None:
    return Affine(*choice.folded(fused), fused.activation) if fused.is_affine else None


def _merge(function: Callable[..., Any]) -> Callable[[Choice, Fused], Kernel]:
    def chosen(choice: Choice, fused: Fused) -> Kernel:  # noqa: ARG001
        return Merge(function, fused.activation)

    return chosen


def _concat(choice: Choice, fused: Fused) -> Kernel | None:
    return Concat() if choice.plan(fused).positions == "kept" else None


def _activation(choice: Choice, fused: Fused) -> Kernel | None:  # noqa: ARG001
    return Activation(fused.layer) if is_activation(fused.node) else None


def _layer_norm(choice: Choice, fused: Fused) -> Kernel | None:
    layer: Any = fused.layer
    return LayerNorm(choice.arrays(fused), layer.eps) if layer.over == "channels" else None


def _pooling(choice: Choice, fused: Fused, factor: Array | None = None) -> Kernel | None:
    windows = choice.plan(fused).windows
    if any(window.up > 1 for window in windows):  # regions of different sizes
        return None
    given, output = choice.grids(fused)
    return Pooling(grid_windows(windows), given, output, factor)


def _means(choice: Choice, fused: Fused) -> Kernel | None:
    windows, (_, *extents, _) = choice.plan(fused).windows, choice.grids(fused)[1]
    shape = choice.network.shape_of(fused.node.inputs[0])
    # One over what the layer divides by: of ones, its means over its sums.
    ones = np.ones((1, 1, *shape.spatial), np.float32)
    factor = fused.layer.forward(np, {}, (ones,)) / window_sums(np, ones, windows)
    factor = factor.reshape(*extents, 1)
    return _pooling(choice, fused, factor.flat[0] if (factor == factor.flat[0]).all() else factor)


def _even_means(choice: Choice, fused: Fused) -> Kernel | None:
    count = prod(window.kernel for window in choice.plan(fused).windows)
    return _pooling(choice, fused, np.float32(1 / count))


def _lookup(choice: Choice, fused: Fused) -> Kernel | None:
    return Lookup(fused.layer, choice.arrays(fused))


def _all(fused: Fused, weight: Weight) -> int:  # noqa: ARG001
    return weight.size


def _if_folded(fused: Fused, weight: Weight) -> int:
    return weight.size if fused.affine else 0


def _tiles(fused: Fused, weight: Weight) -> int:  # noqa: ARG001
    return most_prepared(weight.shape)


class Row(NamedTuple):
    """What computes the layers of a kind."""

    choose: Callable[[Choice, Fused], Kernel | None]
    """The kernel for a fusion that begins with one; None where its definition runs."""
    prepared: Callable[[Fused, Weight], int] | None = None
    """Values that the kernel makes of the layer's first weight, at most; without, it reads its
    weights as they are."""


KERNELS: Mapping[str, Row] = {
    "conv": Row(_convolution, _tiles),
    "depthwise_conv": Row(_convolution, _all),
    "conv_transpose": Row(_transposed, _all),
    "linear": Row(_linear, _if_folded),
    **dict.fromkeys(("maxpool", "adaptive_maxpool"), Row(_pooling)),
    "avgpool": Row(_means),
    "adaptive_avgpool": Row(_even_means),
    **dict.fromkeys(("batchnorm", "scale", "affine"), Row(_affine)),
    "layernorm": Row(_layer_norm),
    **dict.fromkeys(kinds("activation") - {"prelu"}, Row(_activation)),
    "add": Row(_merge(np.add)),
    "subtract": Row(_merge(np.subtract)),
    "multiply": Row(_merge(np.multiply)),
    "divide": Row(_merge(np.divide)),
    "maximum": Row(_merge(maximum)),
    "concat": Row(_concat),
    "embedding": Row(_lookup),
}
DEFINED: Mapping[str, str] = {
    "locally_connected": "each weight is read once, whatever computes it, and memory is the limit",
    "separable_conv": "two items, `depthwise_conv` and `conv`, are the fast way to say the same",
    "matmul": "one call of NumPy multiplies both matrices",
    "maxunpool": "it looks for the largest values again, which is one pass for each tap",
    "kmaxpool": "NumPy sorts each channel in one call",
    **dict.fromkeys(kinds("recurrent"), "each step needs the one before it, whatever computes it"),
    **dict.fromkeys(
        ("channel_avgpool", "channel_maxpool", "l2norm"),
        "every position stands for itself, so its definition runs band by band",
    ),
    "lppool": "powers take longer than all that a kernel would save",
    **dict.fromkeys(
        ("global_avgpool", "global_maxpool"), "one call of NumPy goes over the whole map already"
    ),
    **dict.fromkeys(
        ("groupnorm", "instancenorm"), "statistics of whole maps are not there band by band"
    ),
    "lrn": "every position stands for itself, so its definition runs band by band",
    "prelu": "every position stands for itself, so its definition runs band by band",
    **dict.fromkeys(
        kinds("softmax"), "every position stands for itself, so its definition runs band by band"
    ),
    **dict.fromkeys(kinds("source"), "it is given, and never computed"),
    "attention": "a few calls of NumPy multiply matrices of all heads at once",
    "learned": "its definition copies its weights in one call",
    **dict.fromkeys(kinds("identity"), "inference leaves it out"),
    **dict.fromkeys(kinds("view"), "it is left out, or one copy in another order"),
    **dict.fromkeys(kinds("resize"), "it is one copy, or a blend that few networks have"),
    **dict.fromkeys(
        ("slice", "channel_shuffle"), "its definition copies a band in its places in one call"
    ),
}
"""Kinds that their definitions compute, and why that is enough."""


def choose(choice: Choice, fused: Fused) -> Kernel:
    """The kernel for a fusion; the layer's definition where there is none."""
    row = KERNELS.get(fused.node.kind)
    kernel = row.choose(choice, fused) if row else None
    if kernel is not None:
        return kernel
    plan, weights = choice.plan(fused), choice.arrays(fused)
    rank = shape_of(choice.network, choice.fusions, fused.inputs[0]).rank
    alone = plan.positions == "kept" and fused.node.kind not in kinds(having="coupled")
    if alone and rank and plan.output.rank == rank:
        return BandedDefinition(fused.layer, weights, rank)
    return Definition(fused.layer, weights)
