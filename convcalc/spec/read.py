"""Located YAML nodes become the spec's tree, with the comments of the text.

A comment goes to the entry or item that it stands behind or above; below the last of a list, and
indented as deep, it goes to that one. Blank lines are kept with what follows them.
"""

import re
from bisect import bisect_right
from typing import Any, Literal

from convcalc.collector import without_collection
from convcalc.diagnostics import Span
from convcalc.findings import Findings
from convcalc.layers import CATALOGUE, layer_class
from convcalc.spec.comments import Comment, comments
from convcalc.spec.fields import MODIFIERS, quoted
from convcalc.spec.source import ListNode, MapNode, Node, ScalarNode
from convcalc.spec.text import SourceText
from convcalc.spec.tree import (
    NAMES,
    NO_COMMENTS,
    REMARKS,
    Block,
    Comments,
    Entry,
    Item,
    List,
    Map,
    Spec,
    Text,
    scalar,
)

_BREAK = re.compile("[\x85\u2028\u2029]")
"""Where a comment ends for libyaml, and a line does not for anybody else."""
Role = Literal["spec", "presets", "remarked", "blocks", "block", "items", "item", "branches", "any"]
"""What a node is by where it stands."""


@without_collection
def read(text: SourceText, findings: Findings, root: Node | None) -> Spec | None:
    """The spec that a composed text holds; None, and findings, where it has not the form of one.

    Fields are not looked at: what they hold is kept as it is written.
    """
    if not isinstance(root, MapNode):
        if root is not None or not findings.diagnostics:
            findings.report(
                "CC107",
                f"a spec is a mapping, and this is {quoted(root) if root else 'empty'}",
                root.start if root else 0,
                root.start + 1 if root else 1,
                "start with `input: 224x224x3` and `layers:`",
            )
        return None
    reader = _Reader(text, findings, root)
    spec = reader.spec()
    return None if reader.failed else spec


class _Unit:
    """An entry of a mapping or an element of a list, where comments may go."""

    __slots__ = (
        "after", "before", "behind", "column", "element", "flow", "last", "line",
        "opening", "parent", "start", "wordless",
    )  # fmt: skip

    def __init__(
        self, start: int, line: int, column: int, parent: "_Unit | None", *, flow: bool
    ) -> None:
        self.start = start
        self.line = line
        self.column = column
        self.parent = parent
        self.flow = flow
        """Within braces or brackets."""
        self.element = False
        """An element of a list, no entry of a mapping."""
        self.opening = False
        """The first of its kind."""
        self.wordless = False
        """An element that keeps no comments: a word or a number."""
        self.last = 0
        """The line where what is in brackets, braces or quotes ends; 0 for anything else."""
        self.before: list[str] = []
        self.behind = ""
        self.after: list[str] = []

    @property
    def first(self) -> bool:
        """Whether it is written on the line of the element that it is the first of."""
        return self.opening and self.parent is not None and self.parent.element

    def comments(self) -> Comments:
        """What it got."""
        if not (self.before or self.behind or self.after):
            return NO_COMMENTS
        return Comments(tuple(self.before), self.behind, tuple(self.after))

    def chain(self) -> "list[_Unit]":
        """Itself and all that it is in, from the inside out."""
        units = [self]
        while (outer := units[-1].parent) is not None:
            units.append(outer)
        return units

    def holder(self) -> "_Unit":
        """The unit that keeps its comments: those of an element's first entry are the element's."""
        unit = self
        while unit.parent is not None and (unit.first or unit.wordless):
            unit = unit.parent
        return unit


class _Reader:
    def __init__(self, text: SourceText, findings: Findings, root: MapNode) -> None:
        self.text = text
        self.findings = findings
        self.root = root
        self.failed = False
        self.units: list[_Unit] = []
        """In the order of the text, outer ones before inner ones."""
        self.by_place: dict[tuple[int, str | int], _Unit] = {}
        blocks = root.entries.get("blocks")
        self.blocks = frozenset(blocks.entries) if isinstance(blocks, MapNode) else frozenset()

    def spec(self) -> Spec:
        self.walk(self.root, "spec", None, flow=False)
        loose = self.attach()
        entries = self.entries(self.root, "spec")
        about = Comments(tuple(loose)) if loose else NO_COMMENTS
        return Spec.of(entries, about, self.place(self.root))

    # What a node is

    def role(self, outer: Role, key: str, value: Node) -> Role:
        """What the value of a key is."""
        if key == "layers" and outer in ("spec", "block", "item"):
            return "items"
        if outer == "spec":
            return {"blocks": "blocks", "presets": "presets"}.get(key, "any")  # type: ignore[return-value]
        if outer == "blocks":
            return "block"
        if outer == "presets":
            return "remarked"
        if outer == "item" and key not in MODIFIERS and isinstance(value, ListNode):
            merges = key not in self.blocks and key in CATALOGUE
            return "branches" if merges and layer_class(key).inputs != "one" else "any"
        return "any"

    @staticmethod
    def role_of_element(outer: Role) -> Role:
        if outer == "items":
            return "item"
        return "items" if outer == "branches" else "any"

    # Comments

    def walk(self, node: Node, role: Role, parent: _Unit | None, *, flow: bool) -> None:
        """Note every entry and element, with its place."""
        text = self.text.content
        if isinstance(node, ScalarNode):
            return
        flow = flow or text[node.start : node.start + 1] in ("[", "{")
        if isinstance(node, MapNode):
            for position, (key, start) in enumerate(
                zip(node.entries, node.key_starts, strict=True)
            ):
                value = node.entries[key]
                unit = self.unit(start, *self.text.position(start), parent, value, flow=flow)
                unit.opening = position == 0
                self.by_place[id(node), key] = unit
                self.walk(value, self.role(role, key, value), unit, flow=flow)
            return
        column = self.text.position(node.start)[1]
        inner = self.role_of_element(role)
        for position, value in enumerate(node.items):
            line, own = self.text.position(value.start)
            dash = value.start - own + column
            if flow:
                unit = self.unit(value.start, line, own, parent, value, flow=True)
            else:
                start = dash if text[dash : dash + 1] == "-" else value.start
                unit = self.unit(start, line, column, parent, value, flow=False)
            unit.opening = position == 0
            unit.element = True
            unit.wordless = isinstance(value, ScalarNode) and inner != "item"
            self.by_place[id(node), position] = unit
            self.walk(value, inner, unit, flow=flow)

    def unit(
        self, start: int, line: int, column: int, parent: _Unit | None, value: Node, *, flow: bool
    ) -> _Unit:
        unit = _Unit(start, line, column, parent, flow=flow)
        bounded = isinstance(value, ScalarNode) or self.text.content[value.start] in "[{"
        if bounded and value.end > value.start:
            unit.last = self.text.position(value.end - 1)[0]
        self.units.append(unit)
        return unit

    def attach(self) -> list[str]:
        """Give every comment and blank line to its unit; what is left where there is no unit."""
        loose: list[str] = []
        starts = [unit.start for unit in self.units]
        for comment in comments(self.text):
            text = _BREAK.split(comment.text)[0].rstrip()
            if not self.units:
                loose.append(text)
                continue
            at = bisect_right(starts, comment.start)
            before = self.units[at - 1] if at else None
            following = self.units[at] if at < len(self.units) else None
            owner = None if comment.alone else self.behind(before, comment)
            if owner is not None:
                owner.behind = f"{owner.behind}  {text}" if owner.behind else text
                continue
            blank = comment.alone and self.is_blank(comment.line - 1)
            lines = self.above_or_below(before, following, comment)
            lines += ["", text] if blank else [text]
        for unit in self.units:
            if not unit.flow and not unit.first and self.is_blank(unit.line - 1):
                unit.before.append("")
        for unit in self.units:
            if unit.opening and unit.before and not unit.before[0]:
                del unit.before[0]  # no blank line opens a list
        return loose

    @staticmethod
    def behind(before: _Unit | None, comment: Comment) -> _Unit | None:
        """The unit on whose line a comment stands: what ends there, or else what starts there."""
        if before is None:
            return None
        chain = [unit for unit in reversed(before.chain()) if not unit.wordless]
        ended = (unit for unit in chain if unit.last == comment.line > unit.line and not unit.flow)
        started = (unit for unit in chain if unit.line == comment.line)
        owner = next(ended, None) or next(started, None)
        return owner.holder() if owner else None

    def above_or_below(
        self, before: _Unit | None, following: _Unit | None, comment: Comment
    ) -> list[str]:
        """The lines that a comment on a line of its own belongs to."""
        column = self.text.position(comment.start)[1]
        least = following.column if following is not None else 0
        if before is not None and before.flow and (following is None or not following.flow):
            chain = [unit for unit in before.chain() if not unit.flow]
            inside = bool(chain) and chain[0].last > comment.line
            if inside and not before.wordless:
                return before.after
            if inside:
                return before.holder().before
        if following is not None and following.flow:
            return following.holder().before
        deep = [unit for unit in before.chain() if not unit.flow] if before is not None else []
        for unit in deep if comment.alone or following is None else ():
            if unit.wordless:
                continue
            if least < unit.column <= column:
                return unit.after
        if following is not None:
            return following.holder().before
        return (deep[-1] if deep else self.units[-1].chain()[-1]).after

    def is_blank(self, line: int) -> bool:
        return line > 0 and not self.text.line(line).strip()

    # The tree

    def place(self, node: Node) -> Span:
        return self.text.span(node.start, node.end)

    def comments_of(self, node: Node, key: str | int) -> Comments:
        return self.by_place[id(node), key].comments()

    def entries(self, node: MapNode, role: Role) -> list[Entry]:
        return [
            Entry(
                key,
                self.remark(value)
                if self.is_remark(role, key)
                else self.value(value, self.role(role, key, value)),
                self.comments_of(node, key),
                self.place(value),
            )
            for key, value in node.entries.items()
        ]

    @staticmethod
    def is_remark(role: Role, key: str) -> bool:
        if role == "item":
            return key in NAMES
        return key in REMARKS and role in ("spec", "remarked", "block")

    def remark(self, node: Node) -> Any:
        """Text, with quotes or without."""
        if isinstance(node, ScalarNode) and (node.text or not node.plain):
            return Text(node.text)
        return self.value(node, "any")

    def value(self, node: Node, role: Role, about: Comments = NO_COMMENTS) -> Any:
        """A value as what it is by its place; what has not that form is reported."""
        if role == "item":
            return self.item(node, about)
        wanted = {"items": ListNode, "branches": ListNode, "blocks": MapNode, "presets": MapNode}
        form = MapNode if role in ("block", "remarked") else wanted.get(role)
        empty = isinstance(node, ScalarNode) and not node.text and node.plain
        if form is not None and not isinstance(node, form) and not empty:
            what = "a list of items" if form is ListNode else "a mapping"
            self.refuse("CC107", f"{what} stands here, and this is {quoted(node)}", node)
        if isinstance(node, ListNode):
            inner = self.role_of_element(role)
            return List(
                tuple(
                    self.value(value, inner, self.comments_of(node, position))
                    for position, value in enumerate(node.items)
                ),
                about,
                self.place(node),
            )
        if isinstance(node, MapNode):
            cls = Block if role == "block" else Map
            return cls.of(self.entries(node, role), about, self.place(node))
        if not node.plain:
            return Text(node.text, quoted=True)
        return scalar(node.text) if node.text else None

    def item(self, node: Node, about: Comments) -> Item:
        place = self.place(node)
        if isinstance(node, ScalarNode):
            if not node.text:
                self.refuse("CC116", "this item is empty", node, "write a kind: `- relu`")
            return Item.of([Entry(node.text, None, place=place)], about, place)
        if isinstance(node, ListNode):
            self.refuse(
                "CC116", "a list is no item", node, "a group of items is written `- layers: [...]`"
            )
            return Item.of([], about, place)
        kinds = [key for key in node.entries if key not in MODIFIERS]
        if len(kinds) > 1:
            message = f"one item has several kinds: {', '.join(kinds)[:80]}"
            self.refuse("CC116", message, node.key(kinds[1]), "start each with a dash of its own")
        elif not node.entries:
            self.refuse("CC116", "this item is empty", node, "write a kind: `- relu`")
        return Item.of(self.entries(node, "item"), about, place)

    def refuse(self, code: str, message: str, node: Node, advice: str | None = None) -> None:
        self.failed = True
        self.findings.report(code, message, node.start, min(node.end, node.start + 80), advice)
