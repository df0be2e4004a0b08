"""A layer as an item: its kind and fields, its name, what it reads, whose weights it uses."""

from collections.abc import Mapping
from typing import Any

from convcalc.layers import BRANCHES, layer_class
from convcalc.spec.nodes import (
    NO_COMMENTS,
    NOTHING_ABOUT,
    NOWHERE,
    Comments,
    List,
    Map,
    Node,
    ScalarNode,
    is_plain,
    node_of,
    noted,
)
from convcalc.spec.tree import Item

NOTHING_BEHIND = ScalarNode("", NOWHERE, 0)
"""What stands behind a kind that needs no fields; all share it."""


def as_item(
    kind: str,
    value: Any,
    *,
    name: str | None = None,
    start: str | None = None,
    weights: str | None = None,
    frozen: bool = False,
    origin: str | None = None,
    comments: Comments = NO_COMMENTS,
) -> Item:
    """The item of a layer, with what stands behind its kind; None where nothing does.

    `start` and `weights` name the tensor that it starts from, where that is not the one before it,
    and the layer whose weights it uses; `frozen` ones are left as they are in training.
    """
    entries: dict[str, Node] = {kind: NOTHING_BEHIND if value is None else node_of(value)}
    if name:
        entries["name"] = _word(name)
    if start:
        entries["from"] = _word(start)
    if weights:
        entries["weights"] = _word(weights)
    if frozen:
        entries["frozen"] = _word("true")
    if origin:
        entries["origin"] = _word(origin)
    about = NOTHING_ABOUT if comments is NO_COMMENTS else noted(comments, {})
    return Item.unplaced(entries, about)


def started(name: str) -> Item:
    """The item that goes on from a tensor and does nothing."""
    return Item.unplaced({"from": _word(name)})


def _word(text: str) -> ScalarNode:
    return ScalarNode(text, NOWHERE, 0, is_plain(text))


def merging(kind: str, branches: List, fields: Mapping[str, Any]) -> Any:
    """What stands behind a kind that brings branches together, and has other fields or none."""
    if not fields and layer_class(kind).inputs == "many":
        return branches
    return Map({BRANCHES: branches, **fields})
