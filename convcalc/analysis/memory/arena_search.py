"""How good an arena's plan is: the best that was found, and an order that has less alive."""

from typing import NamedTuple

from convcalc.analysis.memory.plan_search import BestOrder, BestPlan, Node, best_order, best_plan
from convcalc.analysis.memory.planner import Need, rounded_up
from convcalc.analysis.memory.static_plan import ArenaReport, reordered


class Searched(NamedTuple):
    """What was found beside the runtime's plan of an arena."""

    plan: BestPlan
    """The lowest plan that was found of the operators in their order."""
    order: BestOrder
    """The order of operators with the least alive at once that was found."""
    ordered: ArenaReport | None
    """The runtime's plan of the operators in that order; None where it is the one that they have,
    or where the runtime's plan of it is no lower."""


def search(arena: ArenaReport, seconds: float = 1.0) -> Searched:
    """Search for a lower plan, and for an order with less alive, for some seconds.

    Raises `ValueError` for seconds that are not 0 or more.

    >>> from convcalc.analysis.memory.static_plan import arena
    >>> from convcalc.graph import load
    >>> found = search(arena(load("lenet5")))
    >>> found.plan.size, found.plan.proven, found.ordered
    (9408, True, None)
    """
    needs = [Need(each.bytes, each.first, each.last) for each in arena.buffers]
    plan = best_plan(needs, seconds)
    alignment = arena.runtime.alignment
    nodes = [
        Node(
            each.reads,
            each.makes,
            sum(rounded_up(size, alignment) for size in each.scratch),
        )
        for each in arena.operators
    ]
    sizes = [rounded_up(each.bytes, alignment) for each in arena.lowered.maps]
    order = best_order(nodes, sizes, arena.lowered.inputs, arena.lowered.outputs, seconds)
    ordered = None
    if order.peak < arena.lower_bound:
        ordered = reordered(arena, order.order)
        if ordered.size >= arena.size:
            ordered = None
    return Searched(plan, order, ordered)
