"""The arrays around one layer: what it reads, its weights, and what its definition gives."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from convcalc.forward.given import Inputs, index_limits
from convcalc.forward.reference import run_reference
from convcalc.forward.threads import blas_threads
from convcalc.forward.values import random_inputs
from convcalc.forward.weights import drawn_weights, layer_weights, weight_names
from convcalc.graph import Network
from convcalc.graph.planned import leading_to
from convcalc.layers.base import Layer


class Around(NamedTuple):
    """One layer in one run of one example, in NumPy."""

    xs: tuple[Any, ...]
    """What it reads, each (1, C, *spatial)."""
    weights: Mapping[str, Any]
    """Its weights by the names of its plan, in PyTorch's layout."""
    y: Any
    """What its definition gives, (1, C, *spatial)."""

    @property
    def xp(self) -> Any:
        """The library of the arrays."""
        return np


def around(
    network: Network,
    index: int,
    *,
    given: Inputs | None = None,
    weights: Mapping[str, Any] | None = None,
    seed: int = 0,
    dtype: str = "float32",
) -> Around:
    """Run a layer and those that it needs, by their definitions, on the first example given.

    Inputs and weights are those that `verify` draws from the same seed, unless they are given; each
    array is freed behind its last reader, and weights are drawn when their layer runs. Raises
    `SpecError` where an error keeps one of these layers unknown.
    """
    held = drawn_weights(network, seed) if weights is None else weights
    part = leading_to(network, index)
    (last,) = part.outputs
    named = {node.name: at for at, node in enumerate(network.nodes)}
    own = {}
    for node, plan in zip(part.nodes, part.plans, strict=True):
        whole = weight_names(network, network.nodes[named[node.name]], plan)
        own.update(
            {full: held[whole[name]] for name, full in weight_names(part, node, plan).items()}
        )

    def array(values: Any) -> Any:
        return np.asarray(np.asarray(values), dtype=dtype)

    limits = index_limits(network)
    numbers = {network.nodes[at].name for at in limits}
    inputs = random_inputs(part, 1, seed, limits) if given is None else given
    example = {
        name: np.asarray(x[:1]) if name in numbers else array(x[:1]) for name, x in inputs.items()
    }
    node = part.nodes[last]
    names = [part.nodes[each].name for each in node.inputs]
    with np.errstate(all="ignore"), blas_threads(1):
        outputs = run_reference(np, part, example, own, {*names, node.name}, read=array)
    arrays = {name: array(each) for name, each in layer_weights(part, last, own).items()}
    return Around(tuple(outputs[name] for name in names), arrays, outputs[node.name])


def alone(layer: Layer, x: Sequence[Any], weights: Mapping[str, Sequence[Any]]) -> Around:
    """Run a layer by itself, by its definition, on numbers in lists: (C, *spatial), in float64."""
    xs = (np.asarray(x, dtype="float64")[None],)
    held = {name: np.asarray(each, dtype="float64") for name, each in weights.items()}
    return Around(xs, held, layer.forward(np, held, xs))
