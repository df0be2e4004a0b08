"""What has not the form of a spec: lists, mappings and items where something else stands.

Fields are not looked at: what they hold is kept as it is written.
"""

from collections.abc import Iterator
from typing import NamedTuple

from convcalc.diagnostics import Problem
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.tree import MODIFIERS, Item, Spec, branches_of
from convcalc.spec.values import quoted

LONGEST = 80
"""Characters of what is at fault that are marked."""


class Misfit(NamedTuple):
    """What stands where it cannot, and at which place."""

    problem: Problem
    """What is wrong, without a field."""
    start: int
    """Offset in characters of what is at fault."""
    end: int
    """Offset behind what is marked of it."""


def misfits(spec: Spec) -> Iterator[Misfit]:
    """Everything in a spec that has not its form, in the order in which it was written."""
    for key, node in spec.entries.items():
        if key == "layers":
            yield from _items(node)
        elif key in ("blocks", "presets") and not _empty(node):
            if not isinstance(node, Map):
                yield _misfit("CC107", f"a mapping stands here, and this is {quoted(node)}", node)
                continue
            for inner in node.entries.values():
                if not isinstance(inner, Map) and not _empty(inner):
                    message = f"a mapping stands here, and this is {quoted(inner)}"
                    yield _misfit("CC107", message, inner)
                elif isinstance(inner, Map) and key == "blocks" and "layers" in inner:
                    yield from _items(inner.entries["layers"])


def _misfit(code: str, message: str, node: Node, advice: str | None = None) -> Misfit:
    end = min(node.end, node.start + LONGEST)
    return Misfit(Problem(code, message, help=advice), node.start, end)


def _empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and not node.text and node.plain


def _items(node: Node) -> Iterator[Misfit]:
    if isinstance(node, List):
        for item in node.items:
            yield from _item(item)
    elif not _empty(node):
        yield _misfit("CC107", f"a list of items stands here, and this is {quoted(node)}", node)


def _item(item: Node) -> Iterator[Misfit]:
    if not isinstance(item, Item):
        advice = "a group of items is written `- layers: [...]`"
        yield _misfit("CC116", "a list is no item", item, advice)
        return
    kinds = [key for key in item if key not in MODIFIERS]
    if len(kinds) > 1:
        message = f"one item has several kinds: {', '.join(kinds)[:80]}"
        advice = "start each with a dash of its own"
        yield _misfit("CC116", message, item.key(kinds[1]), advice)
    elif not item or "" in item:
        yield _misfit("CC116", "this item is empty", item, "write a kind: `- relu`")
    for key, value in item.entries.items():
        if key == "layers":
            yield from _items(value)
        elif (branches := branches_of(key, value)) is not None:
            for branch in branches.items:
                yield from _items(branch)
