"""The same layers behind an input of another shape, planned again as far as it is another."""

from collections.abc import Sequence
from itertools import repeat

from convcalc.graph import Network, made_late, plan_of, uses_weights, walk, with_made
from convcalc.layers.base import Layer, Plan
from convcalc.shape import Shape
from convcalc.spec.flat import LayerNode, source_node

Known = dict[tuple[Layer, tuple[Shape, ...]], tuple[Plan | None, frozenset[str], tuple[int, ...]]]
"""Layer and shapes of its inputs → its plan, the codes of what is wrong with it, and along which
axes another size might do, if all of that are errors about sizes."""


def fed(
    network: Network, shape: Shape, nodes: Sequence[LayerNode] | None = None
) -> list[LayerNode]:
    """The same layers, or these of its `nodes`, behind a first input of `shape`.

    Inputs as large as the first change with it, and keep their channels; others stay.
    """
    nodes = [*(network.nodes if nodes is None else nodes)]
    first, *others = network.alike_inputs
    nodes[first] = source_node(nodes[first].name, shape, nodes[first].item)
    for index in others:
        own = network.shape_of(index)
        if own is not None:
            given = own._replace(spatial=shape.spatial)
            nodes[index] = source_node(nodes[index].name, given, nodes[index].item)
    return nodes


def resized(network: Network, shape: Shape, known: Known | None = None) -> Network | None:
    """The same layers for an input of `shape`; None where that brings a problem to one of them.

    Of several inputs those change that `fed` says.
    `known` keeps what layers answered for the next trial.
    """
    nodes = fed(network, shape)
    plans: list[Plan | None] = []
    made: dict[int, LayerNode] = {}
    answers = {} if known is None else known

    def step(node: LayerNode, _: Plan | None, before: list[Plan | None]) -> Plan | None:
        if node.unknown:
            return None
        shapes = tuple([read.output for read in before if read is not None])
        layer = node.layer
        if node.late is not None:
            layer = made_late(node, shapes[0], nodes, plans)
            made[len(plans)] = node._replace(layer=layer)
        if layer is None:
            return None
        plan = _plan_without_new_problems(network, node, layer, shapes, answers)
        return plan if plan is None or uses_weights(node, plan, nodes, plans) else None

    for plan in walk(nodes, repeat(None), step):
        if plan is None:
            return None
        plans.append(plan)
    return network._replace(nodes=with_made(nodes, made), plans=plans)


def _plan_without_new_problems(
    network: Network, node: LayerNode, layer: Layer, shapes: tuple[Shape, ...], known: Known
) -> Plan | None:
    """The plan for other inputs, unless they bring a problem that the layer does not have now."""
    plan, codes, _ = answer(layer, shapes, known)
    if codes and node.layer is not None:
        present = tuple(there for index in node.inputs if (there := network.shape_of(index)))
        if not codes <= answer(node.layer, present, known)[1]:
            return None
    return plan


def answer(
    layer: Layer, shapes: tuple[Shape, ...], known: Known
) -> tuple[Plan | None, frozenset[str], tuple[int, ...]]:
    """A layer's plan and what is wrong with it, worked out once; see `Known`."""
    given = known.get((layer, shapes))
    if given is None:
        plan, problems = plan_of(layer, shapes)
        errors = [problem.sizes for problem in problems if problem.severity == "error"]
        axes = {axis for sizes in errors if sizes is not None for axis in sizes.axes}
        given = known[layer, shapes] = (
            plan,
            frozenset(problem.code for problem in problems),
            () if None in errors else tuple(sorted(axes)),
        )
    return given
