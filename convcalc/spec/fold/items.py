"""Nodes as the items of a spec."""

from typing import Any

from convcalc.layers import BRANCHES, layer_class
from convcalc.spec.fold.context import Context
from convcalc.spec.fold.nodes import Node
from convcalc.spec.nodes import (
    Entry,
    List,
    Map,
    ScalarNode,
    Text,
    node_of,
)
from convcalc.spec.tree import Item


def item_of(node: Node, context: Context) -> Item:
    """A node as an item."""
    if node.fixed is not None:
        return node.fixed
    entries: list[Entry] = []
    if node.kind is not None:
        entries.append(Entry(node.kind, _written(node, context)))
    modifiers: dict[str, Any] = {
        "name": None if node.name is None else Text(node.name),
        "from": _text(node.reads.get("from")),
        "repeat": node.modifiers.get("repeat"),
        "when": node.modifiers.get("when"),
        "shared": node.modifiers.get("shared"),
        "weights": _text(node.reads.get("weights")),
        "frozen": node.modifiers.get("frozen"),
        "origin": node.origin,
    }
    entries += [Entry(key, _valued(each)) for key, each in modifiers.items() if each is not None]
    return Item.of(entries, node.comments)


def _valued(value: Any) -> Any:
    from convcalc.spec.nodes import value_of

    return value_of(value) if isinstance(value, ScalarNode) else value


def _text(name: str | None) -> Text | None:
    return None if name is None else Text(name)


def _written(node: Node, context: Context) -> Any:
    """What stands behind the kind."""
    kind = node.kind or ""
    if kind == "layers":
        return List([item_of(each, context) for each in node.inner[0].nodes])
    means = context.meaning(kind)
    fields: dict[str, Any] = dict(node.fields)
    texts = context.texts.get(kind, frozenset())
    for name, target in node.reads.items():
        if name not in ("from", "weights"):
            fields[name] = named_value(target, node, context) if name in texts else Text(target)
    if means is not None:
        order = [name for name, *_ in means.fields]
        fields = {name: fields[name] for name in order if name in fields}
    if node.branched:
        branches = List(
            [List([item_of(each, context) for each in inner.nodes]) for inner in node.inner]
        )
        if not fields and layer_class(kind).inputs == "many":
            return branches
        return Map({BRANCHES: branches, **{key: node_of(each) for key, each in fields.items()}})
    if means is not None and means.alone is not None and fields.keys() == {means.alone}:
        return _valued(node_of(fields[means.alone]))
    return Map({key: node_of(each) for key, each in fields.items()}) if fields else None


def named_value(target: str, node: Node, context: Context) -> Text:
    """The name of a tensor as an argument: in quotes, but where a parameter holds it."""
    local = context.texts.get(node.within.root.block, frozenset())
    return Text(target, quoted=target not in local)
