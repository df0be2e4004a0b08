"""From layers to fusions: what a producer can do on its way out needs no pass of its own."""

from collections import Counter
from collections.abc import Collection, Mapping
from enum import Flag, auto
from math import gcd
from typing import Any

import numpy as np

from convcalc.forward.weights import layer_weights
from convcalc.graph import LayerNode
from convcalc.graph.planned import Planned, PlannedNode
from convcalc.layers import Layer, kinds
from convcalc.layers.base import Pointwise
from convcalc.layers.channels import Affine
from convcalc.shape import Shape
from convcalc.window import Window


class Part(Flag):
    """What a layer can be in a pass that it shares with its neighbours."""

    FOLDS = auto()
    """Its weights take a factor per channel, and its pass a summand and an activation function."""
    AFFINE = auto()
    """It is a factor and a summand per channel, which an activation function may follow."""
    ENDS = auto()
    """It is neither, and an activation function may follow in its pass."""
    ENDING = auto()
    """It maps values one by one, which a pass may end in."""
    ADDED = auto()
    """It is a sum, which the pass that computes a summand may end in."""
    LEFT_OUT = auto()
    """It needs no pass where its output is its input."""


PARTS: Mapping[str, Part] = {
    **dict.fromkeys(kinds("dense") - {"locally_connected", "separable_conv"}, Part.FOLDS),
    **dict.fromkeys(("batchnorm", "scale", "affine"), Part.AFFINE),
    **dict.fromkeys(kinds("activation") - {"prelu"}, Part.ENDING),
    **dict.fromkeys(kinds("identity", "view", having="linear"), Part.LEFT_OUT),
    **dict.fromkeys(("adaptive_avgpool", "adaptive_maxpool"), Part.LEFT_OUT),
    "add": Part.ENDS | Part.ADDED | Part.LEFT_OUT,
    **dict.fromkeys(("multiply", "maximum"), Part.ENDS | Part.LEFT_OUT),
    **dict.fromkeys(("subtract", "divide"), Part.ENDS),
    "concat": Part.LEFT_OUT,
}
"""What the layers of a kind can be, as far as their hyperparameters let them."""
APART: Mapping[str, str] = {
    "separable_conv": "its definition computes it, two convolutions in one",
    "matmul": "its definition computes it, which ends in no pass over all its outputs",
    **dict.fromkeys(kinds("recurrent"), "its outputs are made one after the other"),
    "locally_connected": "its definition computes it, which ends in no pass over all its outputs",
    **dict.fromkeys(
        kinds("pool") - PARTS.keys(), "it ends in a maximum or a factor, mostly on small maps"
    ),
    **dict.fromkeys(
        kinds("norm") - PARTS.keys(), "its factors depend on the values, so weights take none"
    ),
    **dict.fromkeys(kinds("source"), "it is there before any pass"),
    "attention": "its definition computes it, which ends in no pass over all its outputs",
    "learned": "its definition copies its weights for each example",
    "embedding": "it copies rows of its weights, and ends in no pass over all its outputs",
    **dict.fromkeys(
        ("channel_avgpool", "channel_maxpool"), "each of its outputs sees other channels"
    ),
    "prelu": "it has weights, which the end of a pass does not take",
    **dict.fromkeys(kinds("softmax"), "each of its outputs sees other channels"),
    **dict.fromkeys(
        {*kinds("view", "resize"), "channel_shuffle", "slice"} - PARTS.keys(),
        "it moves values, and a pass leaves them in their places",
    ),
}
"""Kinds that have a pass of their own, and why."""


class Fused:
    """A layer, with the layers behind it that are done in the same pass."""

    def __init__(self, network: Planned, index: int, inputs: list[int]) -> None:
        self.node: PlannedNode = network.nodes[index]
        self.index = index
        self.is_affine = _is_affine(self.node)
        """Whether it is nothing but a factor and a summand per channel."""
        self.inputs = inputs
        """Fusions it reads; the network's input reads none, and nothing computes it."""
        self.affine: list[int] = [index] if self.is_affine else []
        """Batch norms and scales folded into its weights."""
        self.residual: int | None = None
        """A fusion whose output is added, the last of `inputs`."""
        self.activation: Layer | None = None
        self.names = [self.node.name]
        self.last = index
        """The layer whose output it computes."""
        self.folds = _folds(network, index)
        """Whether its kernel takes factors into its weights and ends in a summand."""
        self.ends = self.folds or self.is_affine or _can(self.node, Part.ENDS)
        """Whether its pass may end in an activation function."""

    @property
    def layer(self) -> Layer:
        """The layer it is named after."""
        return self.node.layer


def _can(node: LayerNode, part: Part) -> bool:
    """Whether the layers of a node's kind can be any of some parts."""
    return bool(PARTS.get(node.kind, Part(0)) & part)


def _folds(network: Planned, index: int) -> bool:
    node, plan = network.nodes[index], network.plans[index]
    if not _can(node, Part.FOLDS) or getattr(node.layer, "padding_mode", "zero") != "zero":
        return False
    windows = plan.windows
    # A transposed convolution some of whose outputs meet no tap is left to its definition.
    return all(w.kernel >= w.up and gcd(w.dilation, w.up) == 1 for w in windows)


def _is_affine(node: LayerNode) -> bool:
    return _can(node, Part.AFFINE) and bool(getattr(node.layer, "track_running_stats", True))


def is_activation(node: LayerNode) -> bool:
    """Whether a layer maps values one by one, knowing nothing of their places."""
    return _can(node, Part.ENDING) and isinstance(node.layer, Pointwise)


def _same_values(network: Planned, index: int) -> bool:
    """Whether a layer's output is its input."""
    node, plan = network.nodes[index], network.plans[index]
    if len(node.inputs) != 1 or plan.output != network.shape_of(node.inputs[0]):
        return False
    return _can(node, Part.LEFT_OUT) and all(window == Window() for window in plan.windows)


def fuse(network: Planned, keep: Collection[int]) -> tuple[list[Fused], dict[int, int]]:
    """Fusions in order, and the fusion that holds each layer's output.

    Layers in `keep` get an output of their own, which nothing behind them is fused into.
    """
    read = Counter(source for node in network.nodes for source in node.inputs)
    fusions: list[Fused] = []
    holder: dict[int, int] = {}

    def before(source: int) -> Fused | None:
        """The fusion that nobody but the reader of `source` needs as it is."""
        fusion = fusions[holder[source]]
        if fusion.inputs and fusion.last == source and read[source] == 1 and source not in keep:
            return fusion
        return None

    def absorb(index: int) -> Fused | None:
        node = network.nodes[index]
        if _can(node, Part.ADDED) and len(node.inputs) == 2:
            return _absorb_sum(network, index, holder, before)
        fusion = before(node.inputs[0])
        if fusion is None or len(node.inputs) != 1 or fusion.activation is not None:
            return None
        if fusion.residual is None and _is_affine(node):
            if fusion.folds or fusion.is_affine:
                fusion.affine.append(index)
                return fusion
        elif is_activation(node) and fusion.ends:
            fusion.activation = node.layer
            return fusion
        return None

    for index, node in enumerate(network.nodes):
        if _same_values(network, index):
            (source,) = node.inputs
            holder[index] = holder[source]
            fusion = before(source)
            if fusion is not None:
                fusion.last = index
                fusion.names.append(node.name)
            continue
        fusion = absorb(index) if node.inputs else None
        if fusion is None:
            fusion = Fused(network, index, [holder[each] for each in node.inputs])
            fusions.append(fusion)
            holder[index] = len(fusions) - 1
        else:
            fusion.last = index
            fusion.names.append(node.name)
            holder[index] = fusions.index(fusion)
    return fusions, holder


def _absorb_sum(
    network: Planned, index: int, holder: Mapping[int, int], before: Any
) -> Fused | None:
    """The later of two summands, when it is a convolution that can add the earlier one."""
    first, second = sorted(network.nodes[index].inputs, key=lambda source: holder[source])
    fusion: Fused | None = before(second)
    if (
        fusion is None
        or not fusion.folds
        or fusion.activation is not None
        or fusion.residual is not None
        or holder[first] == holder[second]
        or network.shape_of(first) != network.shape_of(second)
    ):
        return None
    fusion.residual = holder[first]
    fusion.inputs.append(holder[first])
    return fusion


def folded(network: Planned, fused: Fused, weights: Mapping[str, Any]) -> tuple[Any, Any | None]:
    """Factor and summand per output channel that a fusion's norms, scales and bias come to."""
    factor: Any = None
    summand: Any = None
    if fused.folds:
        bias = layer_weights(network, fused.index, weights).get("bias")
        summand = None if bias is None else np.asarray(bias)
    for index in fused.affine:
        layer = network.nodes[index].layer
        held = layer_weights(network, index, weights)
        own = {name: np.asarray(each) for name, each in held.items()}
        if isinstance(layer, Affine):
            channels = network.plans[index].output.channels
            own["weight"] = np.full(channels, layer.times, np.float32)
            own["bias"] = np.full(channels, layer.plus, np.float32)
        times: Any = own.get("weight")
        plus: Any = own.get("bias")
        if "running_var" in own:
            inverse = 1 / np.sqrt(own["running_var"] + layer.eps)  # type: ignore[attr-defined]
            times = inverse if times is None else times * inverse
            plus = (
                -own["running_mean"] * times if plus is None else plus - own["running_mean"] * times
            )
        factor = times if factor is None else factor * times
        if summand is not None:
            plus = summand * times if plus is None else summand * times + plus
        summand = plus
    return factor, summand


def shape_of(network: Planned, fusions: list[Fused], value: int) -> Shape:
    """The shape of one example of a fusion's output, or of the network's input."""
    return network.shape_of(fusions[value].last)
