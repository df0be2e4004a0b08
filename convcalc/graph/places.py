"""Problems of layers, and of the network as a whole, at the places where they were written."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from convcalc.diagnostics import Place, Problem
from convcalc.findings import Findings
from convcalc.graph import Network
from convcalc.layers import SOURCES, takes_branches
from convcalc.spec.flat import LayerNode
from convcalc.spec.nodes import List, Map, Node, ScalarNode

if TYPE_CHECKING:
    from convcalc.spec.tree import Item, Spec


def diagnose(findings: Findings, network: Network, index: int | None, problem: Problem) -> None:
    """Put a problem of a layer, or of the network as a whole, on record at its place."""
    spec = network.written.spec if network.written else None
    report(findings, spec, network.nodes, index, problem)


def report(
    findings: Findings,
    spec: "Spec | None",
    nodes: Sequence[LayerNode],
    index: int | None,
    problem: Problem,
) -> None:
    """Put a problem of one of the nodes of a spec, or of all of it, on record at its place."""
    place = findings.places.place
    if index is None:
        findings.add(problem, place(*_top_place(spec, problem.field)))
        return
    node = nodes[index]
    if problem.related:
        problem = problem._replace(related=tuple(_inputs(problem, node, nodes, place)))
    at = place(*_place(node.item, node.kind, problem.field))
    findings.add(problem, at, node.name)


def _inputs(
    problem: Problem,
    node: LayerNode,
    nodes: Sequence[LayerNode],
    place: Callable[[int, int], Place],
) -> Iterator[tuple[Place, str]]:
    """The other places of a layer's problem, an input being the layer that makes it."""
    for where, text in problem.related:
        if not isinstance(where, int):
            yield where, text
        elif (before := nodes[node.inputs[where]]).kind not in SOURCES:
            yield place(*_place(before.item, before.kind, None)), text


def _top_place(root: "Spec | None", field: str | None) -> tuple[int, int]:
    """Where a field of the network was written, `expect.parameters` say; its layers otherwise."""
    if root is None:
        return 0, 1
    node: Node = root
    for name in field.split(".") if field else ():
        if isinstance(node, Map) and name in node.entries:
            node = node.entries[name]
    if isinstance(node, ScalarNode) and node.text:
        return node.start, node.end
    if node is not root:
        return node.start, node.start + 1
    for name in ("layers", "input"):
        if name in root.entries:
            key = root.key(name)
            return key.start, key.end
    return root.start, root.start + 1


def _place(item: "Item", kind: str, field: str | None) -> tuple[int, int]:
    """Where a field of a layer was written: its value, or the layer's kind if it was not."""
    fields = item.entries.get(kind)
    if field is not None:
        if isinstance(fields, Map) and field in fields.entries:
            value = fields.entries[field]
            return value.start, value.end
        if (isinstance(fields, ScalarNode) and fields.text) or (
            isinstance(fields, List) and not takes_branches(kind)
        ):
            return fields.start, fields.end
    key = item.key(kind)
    return key.start, key.end
