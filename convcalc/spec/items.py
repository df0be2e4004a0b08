"""What an item says: a kind of layer, a call of a block, a group, branches, or a name alone.

And what is said once for many layers: blocks, and the values that fields have unless given.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from convcalc.diagnostics import Fix, respell
from convcalc.layers import BRANCHES, CATALOGUE, GIVEN, field_names, kinds, layer_class
from convcalc.layers.base import declarations
from convcalc.spec.fields import FieldReader
from convcalc.spec.names import Reporter, nothing_is_called
from convcalc.spec.nodes import NOTHING, List, Map, Node, ScalarNode
from convcalc.spec.tree import MODIFIERS, YOUNGER, Item, branches_of, condition_of
from convcalc.spec.values import Scope, misnamed, near_key, quoted, renamed

if TYPE_CHECKING:
    from convcalc.spec.slips.keys import Meant

SPLIT = "split"
"""What an item is called that makes several tensors of one, and no layer of its own."""
BESIDE = {
    "weights": "write what is to have the weights",
    "origin": "write what comes from it",
}
"""Modifiers that say nothing alone, and what to do then."""
BLOCK_KEYS = ("parameters", "layers", "description")
"""Keys that a block may have."""
LONGEST = 40
"""Letters of a word that a help repeats."""


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
    """The items of a group that is written where it stands, or the branches of a kind; None for
    the others."""
    value: Node
    """What stands behind the kind or block; beside branches, the fields without them."""
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
        self.broken: set[str] = set()
        """Blocks whose definition has an error of its own; to call one is none."""
        self.rank: int | None = None
        """The spatial axes of the network's input; None where it is not known."""
        self.is_tensor: Callable[[str], bool] = nothing_is_called
        """Whether `from` finds a tensor of a name where the items are that are being read."""

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
            if value.start == node.start >= 0:
                return self._parse_word(node, name, value)
        keys = [name for name in node.entries if name not in MODIFIERS]
        if not keys:  # but for a block, which may be older than the modifier
            keys = [name for name in YOUNGER if name in node.entries and name in self.blocks][:1]
        modifiers = node if len(keys) < len(node.entries) else None
        if not keys:
            for name, advice in BESIDE.items():
                if name in node.entries:
                    message = (
                        f"`{name}` stands beside a layer, a group or a call, and this has none"
                    )
                    self.report.error("CC116", message, node.key(name), advice)
                    return None
            if "from" in node.entries or "name" in node.entries:
                return Said(None, None, None, node, node)
            advice = "write `kind: {fields}`, such as `conv: {filters: 64, kernel: 3}`"
            if "when" in node.entries and len(node.entries) == 1:
                advice += "; `when` alone begins a branch, and nothing else"
            self.report.error(
                "CC116", "this item has no kind of layer, block or group", node, advice
            )
            return None
        known = [
            name
            for name in keys
            if name in CATALOGUE or name in self.blocks or name in ("layers", SPLIT)
        ]
        if len(known) < len(keys) and self._kind_as_value(node):
            return None
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
            self.unknown_kind(node.key(name), value=value, only=modifiers is None)
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
        if name == SPLIT:
            return Said(SPLIT, None, None, value, modifiers)
        return self._layer_item(name, value, node, modifiers)

    def _kind_as_value(self, node: Item) -> bool:
        """Report an item such as `{type: conv, filters: 8}`; False of others."""
        from convcalc.spec.elsewhere import kind_as_value

        answer = kind_as_value(node)
        if answer is None or answer[0] in self.blocks:
            return False
        key = node.key(answer[0])
        message = f"{quoted(key)} is not a kind of layer or a block"
        self.report.error("CC113", message, key, answer[1])
        return True

    def _parse_word(self, node: Item, name: str, word: Node) -> Said | None:
        """An item that is a word alone."""
        block = self.meant(name)
        if block is not None:
            return Said(None, block, None, word, None)
        if name == SPLIT:
            return Said(SPLIT, None, None, word, None)
        if name in CATALOGUE:
            return self._layer_item(name, word, node, None)
        self.unknown_kind(node.key(name), alone=True)
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
        inputs = layer_class(kind).inputs
        if inputs == "one":
            return Said(kind, None, None, value, modifiers)
        if isinstance(value, List) and inputs == "many":
            return Said(kind, None, value, NOTHING, modifiers)
        if isinstance(value, Map) and BRANCHES in value.entries:
            branches = value.entries[BRANCHES]
            if isinstance(branches, List):
                return Said(kind, None, branches, value.without(BRANCHES), modifiers)
            message = f"{BRANCHES} is a list of branches, and this is {quoted(branches)}"
            self.report.error("CC107", message, branches, "write `branches: [[], [relu]]`")
            return None
        if inputs == "either":
            if isinstance(value, List) and all(isinstance(each, List) for each in value.items):
                first = field_names(kind)[0]
                message = f"{kind} takes branches beside {first}, and this is {quoted(value)}"
                advice = f"write `{kind}: {{{first}: …, {BRANCHES}: [[], [relu]]}}`"
                self.report.error("CC107", message, value, advice)
                return None
            return Said(kind, None, None, value, modifiers)
        if isinstance(value, Map) and value.entries:
            self._without_branches(kind, value, node)
            return None
        self.report.error(
            "CC115" if node.bare else "CC107",
            f"{kind} takes a list of branches"
            + ("" if node.bare else f", and this is {quoted(value)}"),
            value,
            self._two_branches(kind, value),
        )
        return None

    def _without_branches(self, kind: str, fields: Map, node: Item) -> None:
        """Report the fields of a kind that merges which say no branches, or by another name."""
        names = field_names(kind)
        unknown = [key for key in fields.key_nodes() if key.text not in names]
        for key in unknown:
            self.reader.unknown_field(kind, key, names, None, fields)
        lists = sum(isinstance(fields.entries[key.text], List) for key in unknown)
        if lists != 1:  # which then are the branches
            message = f"{kind} takes a list of branches, and this has none"
            advice = f"write `{kind}: {{branches: [[], [conv: {{…}}]], …}}`"
            self.report.error("CC115", message, node.key(kind), advice)

    def lone_branch(self, kind: str, branches: List, word: Node) -> bool:
        """Report a single word as all branches, which means that and the tensor before."""
        if not isinstance(word, ScalarNode) or not word.text:
            return False
        advice = self._two_branches(kind, word)
        message = f"{kind} takes a list of branches, and this one is {quoted(word)}"
        self.report.error("CC107", message, branches, advice)
        return True

    def _two_branches(self, kind: str, value: Node) -> str:
        return f"write `{kind}: [[], [{self._branch(value)}]]`; `[]` passes the tensor on as it is"

    def _branch(self, value: Node) -> str:
        """The item of a branch that is meant by a word: a kind, or else a tensor's name."""
        word = value.text if isinstance(value, ScalarNode) and value.text else ""
        if not word.replace("_", "a").isalnum() or len(word) > LONGEST or word in kinds("merge"):
            return "conv: {…}"
        return word if word in CATALOGUE or word in self.blocks else f"from: {word}"

    def _misplaced_fields(self, kind: str, keys: list[str], node: Item) -> None:
        """Fields that stand beside their kind, because they are not indented under it."""
        block = self.meant(kind)
        if block is not None:
            fields = list(block.parameters.entries) if block.parameters else []
        else:
            fields = field_names(kind) if kind in CATALOGUE else ["into", "axis"] * (kind == SPLIT)
        from convcalc.spec.answers import field_answer
        from convcalc.spec.vocabulary import native_field

        for key in keys:
            if key == kind:
                continue
            advice, fix = near_key(node.key(key), MODIFIERS, node)
            right = native_field(key, fields)
            if key in fields:
                alone = branches_of(kind, node.entries[kind]) is node.entries[kind]
                braces = f"{{branches: […], {key}: …}}" if alone else f"{{{key}: …}}"
                if kind == SPLIT:
                    braces = f"{{into: […], {key}: …}}"
                advice, fix = f"indent it under `{kind}:`, or write `{kind}: {braces}`", None
                if alone:
                    advice = f"write `{kind}: {braces}`"
            elif advice is None and (answer := field_answer(kind, key, node, fields)):
                advice = answer.advice
            elif advice is None and right is not None:
                advice = f"it is called `{right}` here, and stands under `{kind}:`"
            advice = advice or f"beside a kind stand only {', '.join(MODIFIERS)}"
            message = f"`{key}` cannot stand beside `{kind}`"
            self.report.error("CC109", message, node.key(key), advice, fix=fix)

    def unknown_kind(
        self,
        node: ScalarNode,
        *,
        kinds_only: bool = False,
        alone: bool = False,
        value: Node | None = None,
        only: bool = False,
    ) -> None:
        """Report a word that is no kind of layer and no block.

        `value` is what stands behind it, and `only` says that the item has nothing else.
        """
        if self.report.findings.full or node.text in self.broken:
            return
        from convcalc.spec.answers import call_answer
        from convcalc.spec.vocabulary import answer_to, native_kind, sure_kind

        kinds = [*CATALOGUE, *(() if kinds_only else (SPLIT, *self.blocks))]
        near = native_kind(node.text[:100], kinds)
        tensor = value is None and not kinds_only and self.is_tensor(node.text)
        if node.text in GIVEN:
            advice = "it stands at the top of a spec, and `from: input` starts an item from it"
        elif tensor:
            advice = f"it is a tensor's name: an item starts from it by `from: {node.text}`"
        elif near:
            advice = f"did you mean `{near}`?"
        elif answer := answer_to(node.text[:100]):
            advice = answer
        elif kinds_only:
            advice = "`convcalc kinds` lists the kinds of layers"
        elif self.blocks:
            blocks = ", ".join(list(self.blocks)[:12])
            advice = f"`convcalc kinds` lists the kinds of layers; the blocks here are {blocks}"
        else:
            advice = (
                "`convcalc kinds` lists the kinds of layers; blocks are defined under `blocks:`"
            )
        if not node.text:
            self.report.error(
                "CC116", "this item is empty", node, "write a kind of layer, such as `relu`"
            )
            return
        fix = renamed(sure_kind(node.text[:100], kinds)) if near else None
        at: Node = node
        if near is None or near in CATALOGUE:
            from convcalc.spec.elsewhere import meaning

            sense = meaning(node.text[:100], near or "", value, self.rank)
            if sense is not None:
                advice, fix = sense.help, None
                at, fix = self._translated(node, value, sense.right, only=only)
        if node.text.endswith(")") and (call := call_answer(node.text[:200])):
            advice, fix = call
        if " -" in node.text:
            advice = "a dash within an item belongs to its text: indent the items of a list alike"
            fix = None
        elif tensor:
            fix = respell(f"from: {node.text}", f"write `from: {node.text}`")
        elif (slip := self._slip(node, kinds, alone=alone)) is not None:
            advice, fix = slip.help, slip.fix
        what = "a kind of layer" if kinds_only else "a kind of layer or a block"
        self.report.error("CC113", f"{quoted(node)} is not {what}", at, advice, fix=fix)

    def _translated(
        self, key: ScalarNode, value: Node | None, right: str | None, *, only: bool
    ) -> tuple[Node, Fix | None]:
        """The stretch of a kind with its value, and what is written in its place."""
        end = key.end if value is None else max(key.end, value.end)
        written = self.report.written(key.start, end)
        if right is None or not written.startswith(key.text) or re.search(r"[\n\r#]", written):
            return key, None
        if not only and ":" not in right:
            right += ":"
        if value is not None and value.end <= key.end and ":" in right:
            behind = self.report.written(key.end, key.end + 2)
            if behind.startswith(":"):
                return key, None  # its colon would be written twice
        return ScalarNode(key.text, key.start, end - key.start), respell(right, f"write `{right}`")

    def _slip(self, node: ScalarNode, kinds: list[str], *, alone: bool) -> "Meant | None":
        """What a word with more about it than a kind is when it is written as YAML has it."""
        from convcalc.spec.slips.keys import item_of

        behind = self.report.written(node.end, node.end + 200).partition("\n")[0].rstrip()
        return item_of(
            node.text,
            [*kinds, *self.broken],
            alone=alone,
            quoted=not node.plain,
            listed=self.report.sign_before(node.start) in ("[", ","),
            behind=behind,
        )

    def inspect_branch(self, branch: List) -> None:
        """Look through a branch that is not expanded, which may begin with a condition."""
        self.inspect(branch, 0 if condition_of(branch) is None else 1)

    def inspect(self, items: List, first: int = 0) -> None:
        """Look through items that are not expanded, for errors that need no values."""
        for node in items.items[first:]:
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
                    self.inspect_branch(branch)
        elif item.group is not None:
            self.inspect(item.group)
        if item.kind is not None and item.kind != SPLIT:
            self.inspect_fields(item.kind, item.value)

    def inspect_fields(self, kind: str, value: Node) -> None:
        """Look through the fields of a layer that there is not, whatever their values."""
        if not isinstance(value, Map):
            return
        names = field_names(kind)
        for key in value.key_nodes():
            if key.text not in names:
                self.reader.unknown_field(kind, key, names, None, value)


class Definitions:
    """What reads `blocks` and `defaults`."""

    def __init__(self, report: Reporter, reader: FieldReader, items: Items) -> None:
        self.report = report
        self.reader = reader
        self.items = items

    def read_defaults(self, node: Node | None, scope: Scope) -> None:
        """Read `defaults`: fields by kind."""
        entries = self.report.mapping(node, "defaults", "write `defaults: {conv: {bias: false}}`")
        for key in entries.key_nodes() if entries else ():
            if key.text not in CATALOGUE:
                value = entries.entries[key.text] if entries else None
                self.items.unknown_kind(key, kinds_only=True, value=value)
                continue
            fields = self.report.mapping(
                entries.entries[key.text] if entries else None,
                key.text,
                f"write `{key.text}: {{field: value}}`",
            )
            if fields is not None:
                self._refuse_tensors(key.text, fields)
                values = self.reader.values(key.text, fields, scope, None)
                if values:
                    self.reader.kind_defaults[key.text] = values

    def _refuse_tensors(self, kind: str, fields: Map) -> None:
        """Report fields that name a tensor, where no item stands from which it is looked for."""
        declared = declarations(layer_class(kind))
        for key in fields.key_nodes():
            if key.text in declared and declared[key.text].form == "tensor":
                message = f"{key.text} names a tensor, and defaults are for every {kind}"
                self.report.error("CC109", message, key, "write it at the item")

    def read_blocks(self, node: Node | None) -> None:
        """Read `blocks`: what items may call."""
        entries = self.report.mapping(node, "blocks", "write `blocks: {stage: {layers: [...]}}`")
        for each in node.items if isinstance(node, List) else ():
            self.items.broken.update(each.entries if isinstance(each, Map) else ())
        for key in entries.key_nodes() if entries else ():
            body = entries.entries[key.text] if entries else key
            if not self.report.valid_name(key):
                continue
            if key.text in (*MODIFIERS, "layers") and key.text not in YOUNGER:
                self.report.error(
                    "CC117",
                    f"`{key.text}` has a meaning of its own in an item",
                    key,
                    "choose another name",
                )
                continue
            if isinstance(body, List):
                self._block_as_list(key, body)
                continue
            self.items.broken.add(key.text)
            block = self.report.mapping(body, f"block `{key.text}`", "write `layers:` under it")
            if block is None and isinstance(body, ScalarNode) and not body.text and body.plain:
                message = f"block `{key.text}` needs `layers`, a list of items"
                self.report.error("CC115", message, key, "write `layers:` under it")
            if block is None:
                continue
            for inner in block.key_nodes():
                if inner.text not in BLOCK_KEYS:
                    advice, fix = near_key(inner, BLOCK_KEYS, block)
                    self.report.error(
                        "CC109",
                        f"a block has no key {quoted(inner)}",
                        inner,
                        advice or f"its keys are {', '.join(BLOCK_KEYS)}",
                        fix=fix,
                    )
            layers = block.entries.get("layers")
            if layers is None and misnamed("layers", BLOCK_KEYS, block):
                continue
            if not isinstance(layers, List):
                self.report.error(
                    "CC107" if layers is not None else "CC115",
                    f"block `{key.text}` needs `layers`, a list of items",
                    layers or key,
                    "write `layers:` and items under it, each after a dash",
                )
                continue
            parameters = self.report.mapping(
                block.entries.get("parameters"), "parameters", "write `parameters: {filters, n: 1}`"
            )
            for parameter in parameters.key_nodes() if parameters else ():
                self.report.valid_parameter(parameter)
            if key.text in CATALOGUE:
                self.report.error(
                    "CC117",
                    f"`{key.text}` is a kind of layer, too: it means this block, and the kind in "
                    "the block's own layers and under `defaults`",
                    key,
                    "choose another name if the kind is wanted elsewhere",
                    "note",
                )
            self.items.blocks[key.text] = Definition(key.text, parameters, layers, block)

    def _block_as_list(self, key: ScalarNode, body: List) -> None:
        """A block that is the list of its layers: said once, and called as if it had them."""
        from convcalc.spec.read import read_items

        text = self.report.written(body.start, body.end).rstrip()
        column = body.start - self.report.line_start(body.start)
        indented = column > key.start - self.report.line_start(key.start)
        advice, fix = f"write `{key.text}: {{layers: [...]}}`", None
        if text.startswith("["):
            fix = respell(f"{{layers: {text}}}", advice)
        elif text.startswith("-"):
            advice = f"write `layers:` under `{key.text}:`, and the list under that"
            fix = respell(f"layers:\n{' ' * column}{text}", advice) if indented else None
        self.report.findings.report(
            "CC107",
            f"block `{key.text}` is a list, and a block is a mapping with `layers`",
            body.start,
            body.start + len(text) if text else body.end,
            advice,
            fix=fix,
        )
        self.items.blocks[key.text] = Definition(key.text, None, read_items(body), Map())
