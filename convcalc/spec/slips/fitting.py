"""Whether a text in which a slip was put right has the form of a spec around what was changed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from convcalc.findings import Findings
from convcalc.spec.text import SourceText

if TYPE_CHECKING:
    from convcalc.spec.nodes import Node


def fits(before: str, after: str) -> bool:
    """Whether nothing stands where it cannot in the lines that changed and in those of their block.

    What is still no YAML further on is not looked at, nor are fields and what they hold.
    """
    text = SourceText("", after)
    first, last = _changed(before, text)
    return not any(first <= text.line_of(at) <= last for at in _out_of_place(text))


def _changed(before: str, after: SourceText) -> tuple[int, int]:
    """The lines around those that another text has otherwise: their item, and those behind it."""
    old, new = before.split("\n"), after.content.split("\n")
    most = min(len(old), len(new))
    first = next((at for at in range(most) if old[at] != new[at]), most)
    same = next((at for at in range(most - first) if old[-1 - at] != new[-1 - at]), most - first)
    last = len(new) - same
    column = min((_indent(line) for line in new[first:last] if line.strip()), default=0)
    while first and _indent(new[first]) >= column and not new[first].lstrip().startswith("- "):
        first -= 1
    while last < len(new) and (_indent(new[last]) >= column or not new[last].strip()):
        if not column and new[last][:1] not in ("", " ", "-", "#"):
            break  # another key of the spec
        last += 1
    return first + 1, last


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _out_of_place(text: SourceText) -> Iterator[int]:
    """Offsets of what has not the form of a spec."""
    from convcalc.spec.expand import TOP_LEVEL
    from convcalc.spec.form import misfits
    from convcalc.spec.items import BLOCK_KEYS
    from convcalc.spec.nodes import Map
    from convcalc.spec.read import read
    from convcalc.spec.slips import error_of
    from convcalc.spec.source import compose

    if error_of(text.content) is not None:
        return
    findings = Findings(text)
    root = compose(text, findings)
    if root is not None:
        yield from _torn(root, text)
    spec = read(root, findings)
    if spec is None:
        yield 0
        return
    yield from (misfit.start for misfit in misfits(spec))
    yield from (key.start for key in spec.key_nodes() if key.text not in TOP_LEVEL)
    blocks = spec.entries.get("blocks")
    for block in blocks.entries.values() if isinstance(blocks, Map) else ():
        if isinstance(block, Map):
            yield from (key.start for key in block.key_nodes() if key.text not in BLOCK_KEYS)


def _torn(root: "Node", text: SourceText) -> Iterator[int]:
    """Offsets of items that are nothing, and of bare words that go on in another line.

    The latter is right in text for people alone.
    """
    from convcalc.spec.nodes import List, Map, ScalarNode
    from convcalc.spec.slips.lines import TEXTS

    open_nodes = [root]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, Map):
            open_nodes += [each for key, each in node.entries.items() if key not in TEXTS]
        elif isinstance(node, List):
            open_nodes += node.items
            for each in node.items:
                if isinstance(each, ScalarNode) and not each.text and each.plain:
                    yield each.start
        elif isinstance(node, ScalarNode) and "\n" in text.content[node.start : node.end].rstrip():
            yield from (node.start, node.end - 1)
