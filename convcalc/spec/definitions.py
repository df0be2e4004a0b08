"""What is said once for many layers: blocks, and the values that fields have unless given."""

from convcalc.diagnostics import closest
from convcalc.layers import CATALOGUE
from convcalc.spec.fields import MODIFIERS, FieldReader, Scope, quoted
from convcalc.spec.items import Definition, Items
from convcalc.spec.nodes import List, Node
from convcalc.spec.reporter import Reporter, right_name

BLOCK_KEYS = ("parameters", "layers", "description")
"""Keys that a block may have."""


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
                self.items.unknown_kind(key, kinds_only=True)
                continue
            fields = self.report.mapping(
                entries.entries[key.text] if entries else None,
                key.text,
                f"write `{key.text}: {{field: value}}`",
            )
            if fields is not None:
                values = self.reader.values(key.text, fields, scope, None)
                if values:
                    self.reader.kind_defaults[key.text] = values

    def read_blocks(self, node: Node | None) -> None:
        """Read `blocks`: what items may call."""
        entries = self.report.mapping(node, "blocks", "write `blocks: {stage: {layers: [...]}}`")
        for key in entries.key_nodes() if entries else ():
            body = entries.entries[key.text] if entries else key
            if not self.report.valid_name(key):
                continue
            if key.text in MODIFIERS or key.text == "layers":
                self.report.error(
                    "CC117",
                    f"`{key.text}` has a meaning of its own in an item",
                    key,
                    "choose another name",
                )
                continue
            if isinstance(body, List):
                self.report.error(
                    "CC107",
                    f"block `{key.text}` is a list, and a block is a mapping with `layers`",
                    key,
                    f"write `{key.text}: {{layers: [...]}}`",
                )
                continue
            block = self.report.mapping(body, f"block `{key.text}`", "write `layers:` under it")
            if block is None:
                continue
            for inner in block.key_nodes():
                if inner.text not in BLOCK_KEYS:
                    near = closest(inner.text, BLOCK_KEYS)
                    self.report.error(
                        "CC109",
                        f"a block has no key {quoted(inner)}",
                        inner,
                        f"did you mean `{near}`?"
                        if near
                        else f"its keys are {', '.join(BLOCK_KEYS)}",
                        fix=right_name(near, inner.text, BLOCK_KEYS),
                    )
            layers = block.entries.get("layers")
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
