"""Where layers stand in what they come from: modules, or the blocks of a spec."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from convcalc.spec.nodes import (
    List,
    Map,
)
from convcalc.spec.tree import Item, Spec


class Scope(NamedTuple):
    """Where a layer stands where it comes from: in modules, or in the blocks of a spec."""

    path: tuple[str, ...]
    """The names of these, from the outermost on, each as it is called within the one before."""
    called: str = ""
    """What the layer is called within the last of them, if it is to be called so again."""
    classes: tuple[str, ...] = ()
    """What each of them is an instance of, where that is known."""
    kind: str = ""
    """The kind of the layer that is called so; others come of the same. Empty for any."""


Scopes: TypeAlias = Mapping[str, Scope]
"""By the origin of layers where they stand."""


NOWHERE_ELSE = Scope(())


def exact_names(spec: Spec) -> bool:
    """Whether all origins are names that layers and what they stand in can have again."""
    waiting: list[Any] = [spec.entries.get("layers")]
    nested = False
    while waiting:
        here = waiting.pop()
        if isinstance(here, Item) and "origin" in here.entries:
            text = getattr(here.entries["origin"], "text", "")
            if not all(map(_WORD.match, text.split("."))):
                return False
            nested = nested or "." in text
        if isinstance(here, Map):
            waiting += here.entries.values()
        elif isinstance(here, List):
            waiting += here.items
    return nested


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


def common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The parts that two paths begin with."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return one[:count]


def parts_of(path: str) -> tuple[str, ...]:
    """The scopes that an origin names, and the layer in them.

    >>> parts_of("/layer1/layer1.0/conv1/Conv"), parts_of("layer1.0.conv1")
    (('layer1', '0', 'conv1', 'Conv'), ('layer1', '0', 'conv1'))
    """
    if "/" not in path:
        return tuple(filter(None, path.split(".")))
    before, parts = "", []
    for part in path.split("/"):
        if part:
            parts.append(part.removeprefix(f"{before}."))
            before = part
    return tuple(parts)
