"""The comments of a text come to the tree that was read from it.

A comment goes to the entry or item that it stands behind or above; below the last of a list, and
indented as deep, it goes to that one. Blank lines are kept with what follows them.
"""

import re
from bisect import bisect_right
from typing import TypeVar

from convcalc.collector import without_collection
from convcalc.spec.comments import Comment, comments
from convcalc.spec.nodes import NO_COMMENTS, Comments, List, Map, Node, ScalarNode, noted
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Item, Spec

_M = TypeVar("_M", bound=Map)
_BREAK = re.compile("[\x85\u2028\u2029]")
"""Where a comment ends for libyaml, and a line does not for anybody else."""


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


@without_collection
def annotated(text: SourceText, spec: Spec) -> Spec:
    """The spec that was read from a text, with the text's comments."""
    return _Annotator(text).annotated(spec)


class _Annotator:
    def __init__(self, text: SourceText) -> None:
        self.text = text
        self.units: list[_Unit] = []
        """In the order of the text, outer ones before inner ones."""
        self.by_place: dict[tuple[int, str | int], _Unit] = {}

    def annotated(self, spec: Spec) -> Spec:
        self.walk(spec, None, flow=False)
        loose = self.attach()
        return self.mapping(spec, Comments(tuple(loose)) if loose else NO_COMMENTS)

    # Comments

    def walk(self, node: Node, parent: _Unit | None, *, flow: bool) -> None:
        """Note every entry and element, with its place."""
        text = self.text.content
        if isinstance(node, ScalarNode) or is_bare(node):
            return
        flow = flow or text[node.start : node.start + 1] in ("[", "{")
        if isinstance(node, Map):
            for position, (key, start) in enumerate(
                zip(node.entries, node.key_starts, strict=True)
            ):
                value = node.entries[key]
                unit = self.unit(start, *self.text.position(start), parent, value, flow=flow)
                unit.opening = position == 0
                self.by_place[id(node), key] = unit
                self.walk(value, unit, flow=flow)
            return
        column = self.text.position(node.start)[1]
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
            unit.wordless = isinstance(value, ScalarNode)
            self.by_place[id(node), position] = unit
            self.walk(value, unit, flow=flow)

    def unit(
        self, start: int, line: int, column: int, parent: _Unit | None, value: Node, *, flow: bool
    ) -> _Unit:
        unit = _Unit(start, line, column, parent, flow=flow)
        bounded = isinstance(value, ScalarNode) or is_bare(value)
        bounded = bounded or self.text.content[value.start] in "[{"
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

    def comments_of(self, node: Node, key: str | int) -> Comments:
        return self.by_place[id(node), key].comments()

    def mapping(self, node: _M, about: Comments) -> _M:
        """A mapping with the comments of its entries, and those about the whole."""
        if is_bare(node):
            return node.at(node.entries, node.key_starts, node.start, node.end, noted(about, {}))
        by_key = {key: self.comments_of(node, key) for key in node.entries}
        entries = {key: self.value(value, NO_COMMENTS) for key, value in node.entries.items()}
        return node.at(entries, node.key_starts, node.start, node.end, noted(about, by_key))

    def value(self, node: Node, about: Comments) -> Node:
        if isinstance(node, ScalarNode):
            return node
        if isinstance(node, Map):
            return self.mapping(node, about)
        items = (
            self.value(value, self.comments_of(node, position))
            for position, value in enumerate(node.items)
        )
        return List.at(tuple(items), node.start, node.end, about)


def is_bare(node: Node) -> bool:
    """Whether it is an item that is a word alone."""
    return isinstance(node, Item) and node.bare
