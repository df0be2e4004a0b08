"""Safe fixes: a few edits that can only be meant, each verified by checking the result.

Everything but the edit stays as it is, to the byte: comments, layout, line ends. A fix is taken
when its finding is gone afterwards, the spec is still read, and nothing new is found that the
finding did not hide.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from convcalc.checks.run import Task, check_opened
from convcalc.diagnostics import Diagnostic, Problem
from convcalc.graph import LayerNode, Network, read_opened
from convcalc.layers.base import Layer
from convcalc.shape import Shape
from convcalc.spec.source import ListNode, MapNode, Opened, ScalarNode
from convcalc.spec.text import SourceText
from convcalc.spec.vocabulary import FIELDS

MAX_FIXES = 200
"""Fixes made in one file."""
MAX_KERNEL = 1000
"""Largest kernel for which a padding is looked for."""
FIXABLE = {
    "CC109": "a field of another framework gets the name that is used here",
    "CC301": "the one symmetric padding that tiles, inside the network",
    "CC308": "a `flatten` before a linear layer",
    "CC408": "`bias: false` before a normalization that takes the bias away",
}
"""Code → what is done about it."""

_RENAMED = re.compile(r"it is called `(\w+)` here\Z")
_UNSURE = frozenset({"ceil_mode", "round_mode", "border_mode", "auto_pad", "channels", "size"})
"""Foreign names whose values do not mean the same."""
_MOVED = frozenset({"from", "when", "repeat", "shared"})
"""Keys beside a kind with which an item is not always, or not once, behind the one before it."""
_HIDES = frozenset({"CC109", "CC301", "CC308"})
"""Errors: what is behind them was not looked at, so findings there are not new."""


class Edit(NamedTuple):
    """Text put in place of a stretch of the source."""

    start: int
    """Offset in the source of the first character that goes."""
    end: int
    """Offset behind the last character that goes; `start` where nothing does."""
    text: str
    """What stands there afterwards; "" removes the stretch."""


NOT_YAML = "CC105"


class Fixed(NamedTuple):
    """A text with its fixes made."""

    text: str
    """The whole text afterwards; as it was where nothing could be fixed."""
    codes: tuple[str, ...]
    """What was fixed, one code a fix."""
    unread: Diagnostic | None = None
    """Why the text could not be read at all."""


def fixed(opened: Opened, task: Task) -> Fixed:
    """The text with everything fixed that is safe to fix and would be reported."""
    text = opened.text.content
    done: list[str] = []
    refused: set[tuple[str, str, str | None]] = set()
    while len(done) < MAX_FIXES:
        found = _findings(opened, text, task)
        for finding in found:
            if finding.code == NOT_YAML:
                return Fixed(text, (), finding)
            key = (finding.code, finding.source_line, finding.layer)
            if finding.code not in FIXABLE or key in refused:
                continue
            edit = _edit(_again(opened, text), finding, task)
            if edit is not None:
                candidate = text[: edit.start] + edit.text + text[edit.end :]
                if _better(finding, found, _findings(opened, candidate, task)):
                    text = candidate
                    done.append(finding.code)
                    break
            refused.add(key)
        else:
            break
    return Fixed(text, tuple(done))


def _again(opened: Opened, text: str) -> Opened:
    return opened._replace(text=SourceText(opened.text.path, text))


def _findings(opened: Opened, text: str, task: Task) -> tuple[Diagnostic, ...]:
    return check_opened(_again(opened, text), task).diagnostics


def _better(
    finding: Diagnostic, before: tuple[Diagnostic, ...], after: tuple[Diagnostic, ...]
) -> bool:
    """Whether the finding is gone, and nothing came that it did not hide."""
    old = Counter(item.code for item in before)
    new = Counter(item.code for item in after)
    if new[finding.code] >= old[finding.code] and finding.code not in _HIDES:
        return False
    if any((item.code, item.layer) == (finding.code, finding.layer) for item in after):
        return finding.code == "CC109" and new["CC109"] < old["CC109"]
    worse = {code for code in new if new[code] > old[code]}
    if finding.code in _HIDES:
        return not any(code.startswith(("CC1", "CC9")) for code in worse)
    return not worse


def _edit(opened: Opened, finding: Diagnostic, task: Task) -> Edit | None:
    """The edit that fixes a finding, where there is exactly one."""
    if finding.code == "CC109":
        return _renamed(opened.text, finding)
    network = read_opened(opened, input=task.shape, parameters=task.parameters)
    nodes = [node for node in network.nodes if node.name == finding.layer]
    if not nodes:
        return None
    makers: dict[str, Callable[[Network, LayerNode, str], Edit | None]] = {
        "CC301": _padded,
        "CC308": _flattened,
        "CC408": _unbiased,
    }
    return makers[finding.code](network, nodes[0], opened.text.content)


def _renamed(text: SourceText, finding: Diagnostic) -> Edit | None:
    span, match = finding.span, _RENAMED.search(finding.help or "")
    if span is None:
        return None
    start = text.offset(span.line, span.column)
    end = text.offset(span.end_line, span.end_column)
    quote = text.content[start : start + 1]
    if quote in ('"', "'") and text.content[end + 1 : end + 2] == quote:
        start, end = start + 1, end + 1
    foreign = text.content[start:end]
    if match is None or foreign in _UNSURE or len(foreign) < 2:
        return None
    if match[1] not in FIELDS.get(foreign.lower(), ()):  # a misspelling is a guess
        return None
    return Edit(start, end, match[1])


def _flattened(network: Network, node: LayerNode, text: str) -> Edit | None:
    """A `flatten` of its own before the item."""
    del network
    item = node.item
    if isinstance(item, MapNode) and not _MOVED.isdisjoint(item.entries):
        return None
    if re.search(r"\bflatten\d", text):  # a name that one more `flatten` would move
        return None
    start = item.start
    line = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    before = text[line:start]
    if re.fullmatch(r"[ ]*- +", before):
        end = "\r\n" if "\r\n" in text else "\n"
        line = _above_comments(text, line, before.partition("-")[0])
        return Edit(line, line, f"{before}flatten{end}")
    # In a flow list, between its bracket or a comma and the item; `{` opens the item itself.
    if re.search(r"[\[,]\s*\Z", text[:start]):
        return Edit(start, start, "flatten, ")
    return None


def _above_comments(text: str, line: int, indent: str) -> int:
    """Where the comments start that stand right above a line, and so are about it."""
    while line:
        end = line - (2 if text.endswith("\r\n", 0, line) else 1)
        above = max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1
        if not text.startswith(f"{indent}#", above):
            break
        line = above
    return line


def _unbiased(network: Network, node: LayerNode, text: str) -> Edit | None:
    """`bias: false`, where every layer written at this place is one that needs none."""
    from convcalc.rules import advice

    flagged = {index for index, _ in advice(network, ["CC408"])}
    alike = [at for at, other in enumerate(network.nodes) if other.item is node.item]
    if not flagged.issuperset(alike):
        return None
    return _with_field(node, text, "bias", "false")


def _padded(network: Network, node: LayerNode, text: str) -> Edit | None:
    """The one symmetric padding up to half the kernel that tiles, where the input cannot change."""
    layer = node.layer
    if layer is None or any(index < 0 for index in node.inputs):
        return None  # an input that tiles would do as well
    kernel, padding = getattr(layer, "kernel", None), getattr(layer, "padding", None)
    if not isinstance(kernel, int) or not isinstance(padding, int):
        return None
    xs: list[Shape] = []
    for index in node.inputs:
        shape = network.shape_of(index)
        if shape is None:
            return None
        xs.append(shape)
    if kernel > MAX_KERNEL:
        return None
    amounts = range((kernel - 1) // 2 + 1)
    tiling = list(islice((each for each in amounts if not list(_problems(layer, each, xs))), 2))
    return _with_field(node, text, "padding", str(tiling[0])) if len(tiling) == 1 else None


def _problems(layer: Layer, padding: int, xs: list[Shape]) -> Iterator[Problem]:
    from dataclasses import replace

    return replace(layer, padding=padding).check(xs)  # type: ignore[call-arg]


def _with_field(node: LayerNode, text: str, field: str, value: str) -> Edit | None:
    """A field put into an item, or its value replaced."""
    item = node.item
    if isinstance(item, ListNode):
        return None
    fields = item.entries.get(node.kind) if isinstance(item, MapNode) else None
    if isinstance(fields, MapNode):
        given = fields.entries.get(field)
        if given is not None:
            return Edit(given.start, given.end, value) if isinstance(given, ScalarNode) else None
        last = list(fields.entries.values())[-1]
        if text[fields.start : fields.start + 1] == "{":
            return Edit(last.end, last.end, f", {field}: {value}")
        if not isinstance(last, ScalarNode) or "\n" in text[last.start : last.end]:
            return None
        start = fields.key_starts[-1]
        line = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
        indent = text[line:start]
        if indent.strip():
            return None
        end = re.compile(r"[^\r\n]*(\r\n|\n|\r|\Z)").match(text, last.end)
        if end is None:
            return None
        newline = end[1] or ("\r\n" if "\r\n" in text else "\n")
        addition = f"{indent}{field}: {value}{newline}"
        if not end[1]:
            addition = newline + addition.removesuffix(newline)
        return Edit(end.end(), end.end(), addition)
    if isinstance(fields, ScalarNode) and fields.text and isinstance(node.layer, Layer):
        from convcalc.layers.base import declarations

        principal = next(iter(declarations(type(node.layer))))
        written = text[fields.start : fields.end]
        return Edit(fields.start, fields.end, f"{{{principal}: {written}, {field}: {value}}}")
    return None
