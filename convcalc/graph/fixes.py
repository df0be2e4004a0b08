"""Fixes that hold wherever an item is built, with what they change in the text."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from convcalc.diagnostics import Diagnostic, Fix
from convcalc.spec.edit import Editor
from convcalc.spec.text import SourceText

if TYPE_CHECKING:
    from convcalc.graph import LayerNode, Network


def settled(network: "Network", diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings about a network, each with the edits of its fix, or without a fix.

    A field that a layer wants set stands in an item, which a repeat or the calls of a block may
    build into several layers: all of them must want the same.
    """
    written = network.written
    if written is None:
        return tuple(diagnostics)
    items: dict[int, list[LayerNode]] = {}
    by_name: dict[str, list[LayerNode]] = {}
    for node in network.nodes:
        by_name[node.name] = items.setdefault(id(node.item), [])
        by_name[node.name].append(node)
    agreed: dict[tuple[int, str, Fix], bool] = {}

    def holds(item: Diagnostic) -> bool:
        alike = by_name.get(item.layer or "")
        if item.fix is None or item.fix.do != "set" or item.code[:3] != "CC3" or not alike:
            return True
        key = id(alike), item.code, item.fix
        if key not in agreed:
            agreed[key] = _agreed(network, alike, item.code, item.fix)
        return agreed[key]

    kept = (item if holds(item) else item._replace(fix=None) for item in diagnostics)
    text = written.places
    if not isinstance(text, SourceText):
        return tuple(kept)
    return tuple(map(Editor(text, written.spec).edited, kept))


def _agreed(network: "Network", alike: "list[LayerNode]", code: str, fix: Fix) -> bool:
    """Whether all layers of an item have the same problem, with the same fix."""
    wanted: dict[tuple[object, ...], bool] = {}
    for node in alike:
        if node.layer is None:
            continue
        if node.unknown:
            continue
        xs = [shape for before in node.inputs if (shape := network.shape_of(before))]
        if len(xs) < len(node.inputs):
            continue  # an error before it keeps its input unknown
        key = id(node.layer), *xs
        if key not in wanted:
            wanted[key] = any(
                (problem.code, problem.fix) == (code, fix) for problem in node.layer.check(xs)
            )
        if not wanted[key]:
            return False
    return True
