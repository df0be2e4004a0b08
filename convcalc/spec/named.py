"""Places in values made in Python: what a stretch of their written text is called there."""

from keyword import iskeyword

from convcalc.spec.source import ListNode, MapNode, Node, ScalarNode


def name_at(root: Node | None, start: int, end: int) -> str:
    """The name of the innermost value that a stretch of a text begins in: `layers[3].conv.filters`.

    A key that is at fault itself is called by its name; empty for the whole. One character at the
    beginning of a mapping stands for the mapping, as it does in a finding.
    """
    name = ""
    node = root
    while isinstance(node, MapNode | ListNode):
        inner = None
        if isinstance(node, MapNode):
            whole = start == node.start and end == start + 1
            if whole and len(next(iter(node.entries), "")) > 1:
                return name
            for (key, value), at in zip(node.entries.items(), node.key_starts, strict=True):
                if at <= start < max(_end(value), at + 1):
                    inner = f"{'.' if name else ''}{_word(key)}", value
        else:
            for position, value in enumerate(node.items):
                if value.start <= start < max(_end(value), value.start + 1):
                    inner = f"[{position}]", value
        if inner is None:
            return name
        name, node = name + inner[0], inner[1]
    return name


def _end(node: Node) -> int:
    """Where a value ends; what is missing behind a word is the word's."""
    return node.end + isinstance(node, ScalarNode)


def _word(key: str) -> str:
    """A key as Python spells it: `from` is `from_`."""
    return f"{key}_" if iskeyword(key) else key
