"""What is written in a spec: the entries, words and kinds of its nodes."""

import re

from convcalc.spec.source import ListNode, MapNode, Node, ScalarNode

IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*")


def entries(node: Node | None) -> dict[str, Node]:
    """The entries of a mapping; none of anything else."""
    return node.entries if isinstance(node, MapNode) else {}


def words(node: Node | None) -> set[str]:
    """Every name in the values of a node."""
    names: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, ScalarNode):
            names.update(IDENTIFIER.findall(here.text))
        elif isinstance(here, ListNode):
            waiting.extend(here.items)
        elif here is not None:
            waiting.extend(here.entries.values())
    return names


def kinds_named(node: Node | None) -> set[str]:
    """Every word that may name a layer or a block: scalars in lists, and keys of items."""
    named: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, ListNode):
            waiting.extend(here.items)
            named.update(item.text for item in here.items if isinstance(item, ScalarNode))
        elif isinstance(here, MapNode):
            waiting.extend(here.entries.values())
            named.update(here.entries)
    return named
