"""What is written in a spec: the names in its values, and the items inside one another."""

from collections.abc import Iterable, Iterator
from typing import Any

from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import declarations
from convcalc.spec.names import braced
from convcalc.spec.nodes import List, Map, Text
from convcalc.spec.syntax import mentioned
from convcalc.spec.tree import Item, branches_of

_WORDS = frozenset({"true", "false", "same", "valid"})
"""What is no name in a field, beside the words that it may be one of."""


def names_in(value: Any) -> set[str]:
    """Every name in a value of the tree, and in the values inside it."""
    names: set[str] = set()
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Text) and braced(here.text):  # of a tensor; expressions have none
            from convcalc.spec.braces import names_within

            names |= names_within(here.text)
        elif isinstance(here, Text):
            names |= mentioned(here.text)
        elif isinstance(here, List):
            waiting.extend(here)
        elif isinstance(here, Map):
            waiting.extend(here.values())
    return names


def computed(item: Item, usual: Any) -> bool:
    """Whether fields of an item's layer are worked out from names, wherever these are written.

    `usual` is what the spec's `defaults` say of the kind; a field that the item gives hides it.
    """
    kind = item.kind or ""
    declared = declarations(layer_class(kind)) if kind in CATALOGUE else {}
    fields = dict(usual) if isinstance(usual, Map) else {}
    value = item.value
    if isinstance(value, Map):
        fields.update((key, each) for key, each in value.items() if key in declared)
    elif declared and value is not None and getattr(value, "text", value) != kind:
        merged = branches_of(kind, value) is not None
        fields.update({} if merged else {next(iter(declared)): value})
    words = {word for each in declared.values() for word in each.choices} | _WORDS
    return any(names_in(each) - words for each in fields.values())


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
