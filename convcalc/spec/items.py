"""What an item says: a kind of layer, a call of a block, a group, branches, or a name alone."""

from typing import NamedTuple

from convcalc.diagnostics import closest
from convcalc.layers import CATALOGUE, GIVEN, layer_class
from convcalc.layers.base import declarations
from convcalc.spec.fields import MODIFIERS, FieldReader, quoted, renamed
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.reporter import Reporter, right_name
from convcalc.spec.tree import Item
from convcalc.spec.vocabulary import native_kind, sure_kind


class Definition(NamedTuple):
    """A block as `blocks` defines it."""

    name: str
    """The key that it is defined under, by which items call it."""
    parameters: Map | None
    """Its parameters with their defaults; None where it has none."""
    layers: List
    """Its items, which are read anew for each call."""
    node: Map
    """The whole definition, for findings about it."""


class Said(NamedTuple):
    """What one YAML item says, before any expression is evaluated."""

    kind: str | None
    """The kind of layer that it names; None for a block and a group."""
    block: Definition | None
    """The block that it calls; None for a layer and a group."""
    group: List | None
    """The items of a group that is written where it stands; None for the others."""
    value: Node
    """What stands behind the kind or block."""
    modifiers: Item | None
    """The item, when it has modifiers."""


class Items:
    """The items of a spec, each looked through once."""

    def __init__(self, report: Reporter, reader: FieldReader) -> None:
        self.report = report
        self.reader = reader
        self.blocks: dict[str, Definition] = {}
        """The blocks of the spec."""
        self.calls: list[str] = []
        """The blocks that are being written out, outer before inner."""
        self.said: dict[int, Said | None] = {}
        """What items say, by their identity; None for what says nothing that can be."""

    def parsed(self, node: Node) -> Said | None:
        """What an item says; None, and a finding, where that is nothing."""
        item = self._parse(node)
        self.said[id(node)] = item
        return item

    def _parse(self, node: Node) -> Said | None:
        if not isinstance(node, Item):
            self.report.error(
                "CC116",
                "a list is no item",
                node,
                "a group of items is written `- layers: [...]`",
            )
            return None
        if len(node.entries) == 1:
            ((name, value),) = node.entries.items()
            if value.start == node.start:
                return self._parse_word(node, name, value)
        keys = [name for name in node.entries if name not in MODIFIERS]
        modifiers = node if len(keys) < len(node.entries) else None
        if not keys:
            if "from" in node.entries or "name" in node.entries:
                return Said(None, None, None, node, node)
            self.report.error(
                "CC116",
                "this item has no kind of layer, block or group",
                node,
                "write `kind: {fields}`, such as `conv: {filters: 64, kernel: 3}`",
            )
            return None
        known = [
            name for name in keys if name in CATALOGUE or name in self.blocks or name == "layers"
        ]
        if len(keys) > 1:
            if len(known) == 1:
                self._misplaced_fields(known[0], keys, node)
            elif len(known) > 1:
                self.report.error(
                    "CC116",
                    f"one item has several kinds: {', '.join(known)}",
                    node.key(known[1]),
                    "start each with a dash of its own",
                )
            else:
                self.unknown_kind(node.key(keys[0]))
            return None
        name = keys[0]
        value = node.entries[name]
        if not known:
            self.unknown_kind(node.key(name))
            return None
        if name == "layers":
            if not isinstance(value, List):
                self.report.error(
                    "CC107", f"layers is a list of items, and this is {quoted(value)}", value
                )
                return None
            return Said(None, None, value, value, modifiers)
        block = self.meant(name)
        if block is not None:
            return Said(None, block, None, value, modifiers)
        return self._layer_item(name, value, node, modifiers)

    def _parse_word(self, node: Item, name: str, word: Node) -> Said | None:
        """An item that is a word alone."""
        block = self.meant(name)
        if block is not None:
            return Said(None, block, None, word, None)
        if name in CATALOGUE:
            return self._layer_item(name, word, node, None)
        self.unknown_kind(node.key(name))
        return None

    def meant(self, name: str) -> Definition | None:
        """The block that a name means where the expansion is; None for a kind.

        A block whose name is also a kind's is the block, so that a spec means what it meant when
        kinds are added. In the block's own layers the name is the kind's, because a block never
        calls itself.
        """
        block = self.blocks.get(name)
        own = block is not None and bool(self.calls) and self.calls[-1] == name
        return None if own and name in CATALOGUE else block

    def _layer_item(
        self, kind: str, value: Node, node: Item, modifiers: Item | None
    ) -> Said | None:
        if layer_class(kind).inputs == "one":
            return Said(kind, None, None, value, modifiers)
        if isinstance(value, List):
            return Said(kind, None, value, value, modifiers)
        self.report.error(
            "CC115" if node.bare else "CC107",
            f"{kind} takes a list of branches"
            + ("" if node.bare else f", and this is {quoted(value)}"),
            value,
            f"write `{kind}: [[], [conv: {{…}}]]`; `[]` passes the tensor on as it is",
        )
        return None

    def _misplaced_fields(self, kind: str, keys: list[str], node: Item) -> None:
        """Fields that stand beside their kind, because they are not indented under it."""
        block = self.meant(kind)
        if block is not None:
            fields = list(block.parameters.entries) if block.parameters else []
        else:
            fields = list(declarations(layer_class(kind))) if kind in CATALOGUE else []
        for key in keys:
            if key == kind:
                continue
            near, fix = closest(key, MODIFIERS), None
            if key in fields:
                advice = f"indent it under `{kind}:`, or write `{kind}: {{{key}: …}}`"
            elif near:
                advice, fix = f"did you mean `{near}`?", right_name(near, key, MODIFIERS)
            else:
                advice = f"beside a kind stand only {', '.join(MODIFIERS)}"
            message = f"`{key}` cannot stand beside `{kind}`"
            self.report.error("CC109", message, node.key(key), advice, fix=fix)

    def unknown_kind(self, node: ScalarNode, *, kinds_only: bool = False) -> None:
        """Report a word that is no kind of layer and no block."""
        if self.report.findings.full:
            return
        kinds = [*CATALOGUE, *(() if kinds_only else self.blocks)]
        near = native_kind(node.text[:100], kinds)
        if node.text in GIVEN:
            advice = "it stands at the top of a spec, and `from: input` starts an item from it"
        elif near:
            advice = f"did you mean `{near}`?"
        elif kinds_only:
            advice = "`convcalc schema` lists the kinds"
        elif self.blocks:
            advice = f"the blocks of this spec are {', '.join(list(self.blocks)[:12])}"
        else:
            advice = "docs/spec.md lists the kinds of layers; blocks are defined under `blocks:`"
        if not node.text:
            self.report.error(
                "CC116", "this item is empty", node, "write a kind of layer, such as `relu`"
            )
            return
        fix = renamed(sure_kind(node.text[:100], kinds)) if near else None
        if " - " in node.text or " -" in node.text:
            advice = "a dash within an item belongs to its text: indent the items of a list alike"
            fix = None
        what = "a kind of layer" if kinds_only else "a kind of layer or a block"
        self.report.error("CC113", f"{quoted(node)} is not {what}", node, advice, fix=fix)

    def inspect(self, items: List) -> None:
        """Look through items that are not expanded, for errors that need no values."""
        for node in items.items:
            at = id(node)
            if at not in self.said:
                item = self.parsed(node)
                if item is not None:
                    self.inspect_item(item)

    def inspect_item(self, item: Said) -> None:
        """Look through one item that is not expanded."""
        if item.block is not None:
            return
        if item.kind is not None and item.group is not None:
            for branch in item.group.items:
                if isinstance(branch, List):
                    self.inspect(branch)
        elif item.group is not None:
            self.inspect(item.group)
        elif item.kind is not None and isinstance(item.value, Map):
            fields = list(declarations(layer_class(item.kind)))
            for key in item.value.key_nodes():
                if key.text not in fields:
                    self.reader.unknown_field(item.kind, key, fields, None, item.value)
