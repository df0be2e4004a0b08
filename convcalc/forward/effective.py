"""Which positions of the input an output turns on, and how much: by its gradient.

Source: Luo et al., arXiv:1701.04128, "Understanding the Effective Receptive Field". The network is
as in inference: running statistics stand still and nothing is dropped.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convcalc.forward.backward import backward_pass, forward_pass
from convcalc.forward.threads import blas_threads
from convcalc.graph import LayerNode
from convcalc.graph.asked import asked_of
from convcalc.graph.planned import Planned, leading_to
from convcalc.layers import Plan, layer_class

CONSTANT = "running_mean"
"""What a norm has whose statistics stand still in inference."""


def input_gradients(
    network: Planned,
    layer: int,
    at: Sequence[int],
    given: Mapping[str, Any],
    weights: Mapping[str, Any],
    channels: Any = None,
) -> dict[str, Any]:
    """The gradient of a position of a layer's output for every input that it sees, by its name.

    It is that of the sum over the channels, or of those that `channels` weighs. Arrays are batch
    first, and so is the answer; each example has its own.
    """
    part = leading_to(network, layer)
    still, held = _in_inference(part, weights)
    asked = asked_of(still, inputs=True)
    asked = [frozenset(key for key in keys if isinstance(key, int)) for keys in asked]
    fixed = {still.nodes[index].name: given[still.nodes[index].name] for index in still.inputs}
    with np.errstate(all="ignore"), blas_threads(1):
        made = forward_pass(np, still, fixed, held, asked, np.random.default_rng(0))
        y = made.outputs[still.output]
        dy = np.zeros_like(y)
        place = (slice(None), slice(None), *at)
        dy[place] = 1 if channels is None else channels
        learned = backward_pass(np, still, held, dict(made.kept), {still.output: dy})
    return dict(learned.inputs)


def effective_field(
    network: Planned,
    layer: int,
    at: Sequence[int],
    given: Mapping[str, Any],
    weights: Mapping[str, Any],
) -> dict[str, Any]:
    """By input, the mean of |∂y/∂x| over examples and channels: an array of its spatial extents.

    y is the sum over the channels of a layer's output at a position.
    """
    each_input = input_gradients(network, layer, at, given, weights)
    return {name: np.abs(each).mean(axis=(0, 1)) for name, each in each_input.items()}


def _in_inference(network: Planned, weights: Mapping[str, Any]) -> tuple[Planned, dict[str, Any]]:
    """A network that is in training what this one is in inference, and its weights.

    A norm by running statistics is y = w·(x − mean)/√(var + eps) + b, so that it scales each
    channel; nothing is dropped.
    """
    held = {name: np.asarray(each) for name, each in weights.items()}
    nodes: list[LayerNode] = []
    plans: list[Plan] = []
    for node, plan in zip(network.nodes, network.plans, strict=True):
        here, new = node, plan
        if any(weight.name == CONSTANT for weight in plan.weights):
            owner = node if node.shared_with is None else network.nodes[node.shared_with]
            eps = getattr(node.layer, "eps")  # noqa: B009 (of norms; each has its own)
            held.update(_as_scale(weights, owner.name, eps, node.name))
            layer = layer_class("scale")(bias=True)
            here = node._replace(kind="scale", layer=layer, shared_with=None)
            new = layer.plan([network.shape_of(node.inputs[0])])
        elif node.kind == "dropout":
            here = node._replace(kind="identity", layer=layer_class("identity")())
        nodes.append(here)
        plans.append(new)
    return Planned(*network._replace(nodes=nodes, plans=plans)), held


def _as_scale(weights: Mapping[str, Any], owner: str, eps: float, name: str) -> dict[str, Any]:
    """The weights of a scale called `name` that does what a norm does with those of `owner`."""
    factor = 1 / np.sqrt(np.asarray(weights[f"{owner}.running_var"]) + eps)
    factor = factor * weights.get(f"{owner}.weight", 1)
    bias = weights.get(f"{owner}.bias", 0) - weights[f"{owner}.{CONSTANT}"] * factor
    return {f"{name}.weight": factor, f"{name}.bias": bias}
