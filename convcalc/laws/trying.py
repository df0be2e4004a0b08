"""Sizes tried one by one on the network: what no law can say, and what laws are held against."""

from collections.abc import Sequence

from convcalc.graph import LayerNode, Network, made_late, uses_weights
from convcalc.graph.inputs import Known, answer, fed
from convcalc.graph.unread import all_dropped
from convcalc.layers.base import Plan
from convcalc.shape import Shape


def planned(network: Network, shape: Shape, known: Known) -> list[Plan] | None:
    """The plans of all layers for an input of a shape; None where a layer has an error.

    `known` keeps what layers answered for the next trial.
    """
    plans: list[Plan] = []
    nodes = fed(network, shape)
    for node in nodes:
        xs = tuple([plans[read].output for read in node.inputs])
        layer = node.layer
        if node.late is not None:
            layer = made_late(node, xs[0], nodes, plans)
        if layer is None or node.unknown:
            return None
        plan, *_ = answer(layer, xs, known)
        if plan is None or not uses_weights(node, plan, nodes, plans):
            return None
        plans.append(plan)
    return plans


def tried(network: Network, shape: Shape, known: Known) -> frozenset[int] | None:
    """The axes along which a layer leaves out a row of an input; None where it is not taken."""
    plans = planned(network, shape, known)
    if plans is None:
        return None
    other = network._replace(nodes=_made(network.nodes, plans), plans=plans)
    return frozenset(
        axis for _, rows in all_dropped(other) for axis, count in enumerate(rows) if count
    )


def _made(nodes: Sequence[LayerNode], plans: Sequence[Plan]) -> list[LayerNode]:
    """The nodes with the layers that were late."""
    return [
        node
        if node.late is None
        else node._replace(layer=made_late(node, plans[node.inputs[0]].output, nodes, plans))
        for node in nodes
    ]
