"""What is written in a spec: the names in its values, and the items inside one another."""

from collections.abc import Iterable, Iterator
from typing import Any

from convcalc.spec.nodes import List, Map, Text
from convcalc.spec.syntax import mentioned
from convcalc.spec.tree import Item


def names_in(value: Any) -> set[str]:
    """Every name in a value of the tree, and in the values inside it."""
    names: set[str] = set()
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Text):
            names |= mentioned(here.text)
        elif isinstance(here, List):
            waiting.extend(here)
        elif isinstance(here, Map):
            waiting.extend(here.values())
    return names


def within(items: Iterable[Any]) -> Iterator[Item]:
    """Items, and those of their groups and branches; what is no item is passed over."""
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        if isinstance(item, Item):
            yield item
            waiting.extend(item.layers)
            for branch in item.branches:
                waiting.extend(branch)
