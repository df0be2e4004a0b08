"""What a fix changes in a text: the smallest stretches of it; all else stays, to the byte.

A finding's place says what the fix is about: a key, a value, or the item that they are in. There
are no edits where the text around is not of a form that is known to stay what it is.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from convcalc.diagnostics import Diagnostic, Fix, Keyed, Span, Written
from convcalc.layers import BRANCHES, CATALOGUE, field_names, takes_branches
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.text import SourceText
from convcalc.spec.tree import MODIFIERS, Item

MOVED = frozenset({"from", "when", "repeat", "shared"})
"""Keys beside a kind with which an item is not always, or not once, behind the one before it."""
_COLON = re.compile(r"\s*:")
_DASH = re.compile(r"-[ ]+\Z")


class Edit(NamedTuple):
    """Text put in place of a stretch, by its offsets in characters."""

    start: int
    """Offset in characters of the first one that goes."""
    end: int
    """Offset behind the last character that goes; `start` where nothing does."""
    text: str
    """What stands there afterwards; "" removes the stretch."""


class _Step(NamedTuple):
    """One step from the root of a text towards a place."""

    holder: Map | List
    """The mapping or list that the step goes into."""
    key: str
    """The key that it goes to; "" in a list."""
    position: int
    """Number of the entry or item that it goes to, from 0 on."""
    node: Node
    """What stands behind that key or dash."""
    at_key: bool = False
    """Whether the place is the key and not what stands behind it."""


def applied(source: SourceText, edits: Iterable[tuple[Span, str]]) -> str:
    """The text with edits made."""
    parts: list[str] = []
    at = 0
    for span, text in edits:
        parts += [source.content[at : source.offset(span.line, span.column)], text]
        at = source.offset(span.end_line, span.end_column)
    return "".join([*parts, source.content[at:]])


def _word(node: Node) -> Node:
    """The word that an item is which is nothing else, or the node itself."""
    return next(iter(node.entries.values())) if isinstance(node, Item) and node.bare else node


def _item(steps: Sequence[_Step]) -> _Step | None:
    """The innermost item that the way leads through."""
    for at in range(len(steps) - 1, 0, -1):
        step, outer = steps[at], steps[at - 1]
        if not isinstance(step.holder, List):
            continue
        if outer.key == "layers" and not outer.at_key:
            return step
        if isinstance(outer.holder, List) and at > 1 and _branches(steps[: at - 1]):
            return step
    return None


def _branches(steps: Sequence[_Step]) -> bool:
    """Whether the list that a way leads to is a kind's branches, alone or beside its fields."""
    step, outer = steps[-1], steps[-2] if len(steps) > 1 else None
    if outer is not None and step.key == BRANCHES and outer.node is step.holder:
        step = outer
    return isinstance(step.holder, Map) and takes_branches(step.key)


def _inline(value: Written, *, within: bool) -> str | None:
    """A value as the writer of specs has it on one line, `within` braces or not."""
    from convcalc.spec.nodes import tree
    from convcalc.spec.write import inline

    return inline(tree(_python(value)), within=within)


def _python(value: Written) -> Any:
    """A value as Python has it, mappings as such."""
    if isinstance(value, Keyed):
        return {value.key: _python(value.value)}
    return tuple(map(_python, value)) if isinstance(value, tuple) else value


class Editor:
    """Makes edits of fixes in one text."""

    def __init__(self, source: SourceText, root: Node | None) -> None:
        self.source = source
        self.text = source.content
        self.root = root
        self._keys: dict[int, list[str]] = {}
        self._numbered: dict[str, bool] = {}

    def edited(self, diagnostic: Diagnostic) -> Diagnostic:
        """A finding with the edits of its fix; without a fix where there are none."""
        if diagnostic.fix is None or diagnostic.edits or diagnostic.span is None:
            return diagnostic
        spans = tuple(
            (self.span(edit), edit.text) for edit in self.edits(diagnostic.span, diagnostic.fix)
        )
        return diagnostic._replace(edits=spans) if spans else diagnostic._replace(fix=None)

    def edits(self, place: Span, fix: Fix) -> Sequence[Edit]:
        """The edits of a fix of what is at fault at a place, in order."""
        start = self.source.offset(place.line, place.column)
        end = self.source.offset(place.end_line, place.end_column)
        if fix.do == "respell":
            return (Edit(start, end, str(fix.value)),)
        steps = self.steps(start, end)
        if not steps:
            return ()
        flow = any(self.text[step.holder.start] in "[{" for step in steps)
        if fix.do == "rename":
            return self.renamed(steps[-1], start, end, fix, flow=flow)
        if fix.value is not None:
            if fix.do == "write":
                return self.written(steps[-1], start, fix.value, flow=flow)
            return self.field_set(_item(steps), fix.name, fix.value)
        if fix.do == "insert":
            return self.inserted(_item(steps), fix.name)
        if fix.do == "remove_item":
            return self.item_removed(_item(steps))
        if fix.do == "remove_field":
            return self.field_removed(steps, start, end)
        return self.value_removed(steps, start) if fix.do == "remove_value" else ()

    def span(self, edit: Edit) -> Span:
        """A stretch, which may be empty."""
        return Span(*self.source.position(edit.start), *self.source.position(edit.end))

    # The way to a place

    def steps(self, start: int, end: int) -> list[_Step]:
        """The way from the root to the innermost key or value around a stretch."""
        steps: list[_Step] = []
        node = self.root
        while node is not None and not isinstance(node, ScalarNode):
            step = self.into(node, start)
            if step is None:
                break
            steps.append(step)
            node = step.node
            whole = node.start == start and (isinstance(node, ScalarNode) or node.end <= end)
            if step.at_key or whole:
                break
        return steps

    def into(self, node: Map | List, start: int) -> _Step | None:
        """The step towards a place."""
        if isinstance(node, List):
            at = bisect_right(node.items, start, key=lambda item: item.start) - 1
            inside = at >= 0 and start <= node.items[at].end
            return _Step(node, "", at, _word(node.items[at])) if inside else None
        at = bisect_right(node.key_starts, start) - 1
        if at < 0:
            return None
        keys = self._keys.setdefault(id(node), [])
        if not keys:
            keys.extend(node.entries)
        value = node.entries[keys[at]]
        at_key = start == node.key_starts[at]
        inside = at_key or value.start <= start <= value.end
        return _Step(node, keys[at], at, value, at_key) if inside else None

    # Names and values

    def renamed(self, step: _Step, start: int, end: int, fix: Fix, *, flow: bool) -> Sequence[Edit]:
        """Another name for a key, a word, or a name within an expression."""
        node, text = step.node, self.text
        if step.at_key and isinstance(step.holder, Map):
            if fix.name in step.holder.entries:
                return ()
            end = start + len(step.key) + 2 * (text[start] in "'\"")
            old = step.key
        elif isinstance(node, ScalarNode):
            whole = node.start == start and node.end <= end
            old = node.text if whole else text[start:end]
        else:
            return ()
        if text[start:end] != old:
            start, end = start + 1, end - 1  # quotes stay
        if text[start:end] != old or not old:
            return ()
        edit = Edit(start, end, fix.name)
        if fix.value is None:
            return (edit,)
        if not step.at_key or not (isinstance(node, ScalarNode) or self.replaceable(node)):
            return ()
        value = _inline(fix.value, within=flow)
        if value is None:
            return ()
        if node.end > node.start:
            return (edit, Edit(node.start, node.end, value))
        if not isinstance(node, ScalarNode) or node.text or _COLON.match(text, end):
            return ()
        return (Edit(start, end, f"{fix.name}: {value}"),)

    def written(self, step: _Step, start: int, value: Written, *, flow: bool) -> Sequence[Edit]:
        """Another value in the place of one."""
        node, text = step.node, _inline(value, within=flow)
        if step.at_key or node.start != start or text is None or not self.replaceable(node):
            return ()
        return (Edit(node.start, node.end, text),)

    def replaceable(self, node: Node) -> bool:
        """Whether a value is written within its line, so that another can stand in its place."""
        written = self.text[node.start : node.end]
        return (
            bool(written)
            and "\n" not in written
            and "\r" not in written
            and (isinstance(node, ScalarNode) or written[0] in "[{")
        )

    # Items

    def field_set(self, step: _Step | None, field: str, given: Written) -> Sequence[Edit]:
        """A field put into an item, or its value replaced."""
        value = _inline(given, within=True)
        if step is None or value is None or isinstance(step.node, List):
            return ()
        item = step.node
        if isinstance(item, ScalarNode):
            alone = f"{item.text}: {{{field}: {value}}}"
            flow = self.text[step.holder.start : step.holder.start + 1] == "["
            if self.text[item.start : item.end] != item.text:
                return ()
            return (Edit(item.start, item.end, f"{{{alone}}}" if flow else alone),)
        kind = next((key for key in item.entries if key not in MODIFIERS), "")
        fields = item.entries.get(kind)
        if isinstance(fields, Map):
            return self.field_in(fields, field, value)
        if fields is None or kind not in CATALOGUE or not self.replaceable_or_empty(fields):
            return ()
        if fields.start == fields.end:  # nothing stands behind the kind
            start = item.key(kind).end
            colon = _COLON.match(self.text, start)
            end = colon.end() if colon else start
            return (Edit(end, end, f"{'' if colon else ':'} {{{field}: {value}}}"),)
        principal = field_names(kind)[0]
        if principal == field:
            return (Edit(fields.start, fields.end, value),)
        written = self.text[fields.start : fields.end]
        from convcalc.spec.write import fits_within

        if isinstance(fields, ScalarNode) and fields.plain and not fits_within(written):
            return ()
        if isinstance(fields, ScalarNode) and fields.plain and fields.text == kind:
            return (Edit(fields.start, fields.end, f"{{{field}: {value}}}"),)
        return (Edit(fields.start, fields.end, f"{{{principal}: {written}, {field}: {value}}}"),)

    def replaceable_or_empty(self, node: Node) -> bool:
        """The same of a value that may be none."""
        return node.start == node.end or self.replaceable(node)

    def field_in(self, fields: Map, field: str, value: str) -> Sequence[Edit]:
        """A field put into a mapping, or its value replaced."""
        given = fields.entries.get(field)
        if given is not None:
            return (Edit(given.start, given.end, value),) if self.replaceable(given) else ()
        if self.text[fields.start : fields.start + 1] == "{":
            if not fields.entries:
                return (Edit(fields.start + 1, fields.start + 1, f"{field}: {value}"),)
            end = self.end(fields.entries[next(reversed(fields.entries))])
            return () if end is None else (Edit(end, end, f", {field}: {value}"),)
        end = self.end(fields)
        indent = self.before(fields.key_starts[-1])
        if end is None or indent.strip():
            return ()
        return (self.line_behind(end, f"{indent}{field}: {value}"),)

    def inserted(self, step: _Step | None, kind: str) -> Sequence[Edit]:
        """An item of its own before an item."""
        if step is None or (isinstance(step.node, Map) and MOVED & step.node.entries.keys()):
            return ()
        if self.numbers(kind):
            return ()
        start = step.node.start
        before = self.before(start)
        if self.text[step.holder.start : step.holder.start + 1] == "[":
            return (Edit(start, start, f"{kind}, "),)
        if not _DASH.search(before):
            return ()
        if before.lstrip(" ").startswith("-") and before.count("-") == 1:
            line = self.above_comments(start - len(before), before.partition("-")[0])
            if "convcalc:" in self.commented(line).lower():
                return ()  # what it silences is in the item that it stands above now
            return (Edit(line, line, f"{before}{kind}{self.newline}"),)
        margin = " " * before.rindex("-")  # `- - item`: the first of a list in a list
        return (Edit(start, start, f"{kind}{self.newline}{margin}{before[len(margin) :]}"),)

    def numbers(self, kind: str) -> bool:
        """Whether the text has names of items that one more or less of a kind would move."""
        if kind not in self._numbered:
            match = re.search(rf"\b{re.escape(kind)}_?\d", self.text)
            self._numbered[kind] = match is not None
        return self._numbered[kind]

    # What goes

    def taken(self, kind: str) -> Collection[str]:
        """The names of what a kind, or a block of the text, takes."""
        if kind in CATALOGUE:
            return field_names(kind)
        node = self.root
        for name in ("blocks", kind, "parameters"):
            node = node.entries.get(name) if isinstance(node, Map) else None
        return node.entries if isinstance(node, Map) else ()

    def field_removed(self, steps: Sequence[_Step], start: int, end: int) -> Sequence[Edit]:
        """No key with its value, unless an item's kind takes it or the key is that kind."""
        step, item = steps[-1], _item(steps)
        if item is not None and step.holder is item.node:
            return ()
        within = item is not None and steps[-2].holder is item.node
        if within and step.key in self.taken(steps[-2].key):
            return ()
        if step.at_key and end < start + len(step.key):
            return ()  # the place is that of the mapping, which begins with this key
        return self.entry_removed(step)

    def value_removed(self, steps: Sequence[_Step], start: int) -> Sequence[Edit]:
        """A key that nothing stands behind, where its kind or block takes nothing: `- relu`."""
        step, item = steps[-1], _item(steps)
        holder, node = step.holder, step.node
        if step.at_key or item is None or holder is not item.node or self.taken(step.key):
            return ()
        if not isinstance(holder, Map) or node.start != start or not self.replaceable(node):
            return ()
        key = holder.key(step.key)
        between = _COLON.match(self.text, key.end)
        if self.text[key.start : key.end] != step.key or between is None:
            return ()
        if self.text[holder.start : holder.start + 1] == "{":
            return (Edit(node.start, node.end, ""),)
        alone = len(holder.entries) == 1
        return (Edit(key.end if alone else between.end(), node.end, ""),)

    def entry_removed(self, step: _Step) -> Sequence[Edit]:
        """A key and its value."""
        holder, node = step.holder, step.node
        if not isinstance(holder, Map):
            return ()
        start = holder.key_starts[step.position]
        end = self.end(node)
        if end is None:
            return ()
        if node.start == node.end:  # an empty value ends somewhere behind the colon
            colon = _COLON.match(self.text, start + len(step.key))
            end = colon.end() if colon else start + len(step.key)
        if self.text[holder.start : holder.start + 1] == "{":
            return self.part_removed(start, end)
        return () if self.before(start).strip() else self.lines_removed(start, end)

    def item_removed(self, step: _Step | None) -> Sequence[Edit]:
        """An item that nothing else is said of."""
        if step is None:
            return ()
        items, node = step.holder, step.node
        if not isinstance(items, List) or len(items.items) < 2:
            return ()
        kind = node.text if isinstance(node, ScalarNode) else ""
        if isinstance(node, Map) and len(node.entries) == 1:
            kind = next(iter(node.entries))
        end = self.end(node)
        if not kind or end is None or self.numbers(kind):
            return ()
        if self.text[items.start : items.start + 1] == "[":
            return self.part_removed(node.start, end)
        before = self.before(node.start)
        alone = _DASH.search(before) and before.count("-") == 1 and not before.strip(" -")
        return self.lines_removed(node.start, end) if alone else ()

    def part_removed(self, start: int, end: int) -> Sequence[Edit]:
        """A part of what stands in braces or brackets, with its comma."""
        behind = re.compile(r"[ ]*,[ ]*").match(self.text, end)
        rest = re.compile(r"[ \t]*").match(self.text, behind.end() if behind else end)
        if "#" in self.text[start:end] or (rest and self.text.startswith("#", rest.end())):
            return ()  # the comment would be another's
        if not self.before(start).strip() and self.commented(start):
            return ()
        if behind:
            return (Edit(start, behind.end(), ""),)
        before = re.search(r",[ ]*\Z", self.text[max(start - 80, 0) : start])
        return (Edit(start - len(before[0]) if before else start, end, ""),)

    def lines_removed(self, start: int, end: int) -> Sequence[Edit]:
        """Whole lines, where nothing else stands on them."""
        first = start - len(self.before(start))
        rest = re.compile(r"[ ]*(\r\n|\n|\r|\Z)").match(self.text, end)
        if rest is None or "#" in self.text[start:end] or self.commented(start):
            return ()
        return (Edit(first, rest.end(), ""),)

    # Places in the text

    @cached_property
    def newline(self) -> str:
        """How lines end."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def before(self, offset: int) -> str:
        """What stands before a place on its line."""
        return self.text[offset - self.source.position(offset)[1] + 1 : offset]

    def end(self, node: Node) -> int | None:
        """Where the last word, quote or bracket of a value ends; None where that is not plain."""
        while not isinstance(node, ScalarNode) and self.text[node.start] not in "[{":
            inner = node.items if isinstance(node, List) else list(node.entries.values())
            if not inner or inner[-1].start == inner[-1].end:
                return None
            node = inner[-1]
        folded = isinstance(node, ScalarNode) and self.text[node.start : node.start + 1] in "|>"
        return None if folded and node.end > node.start else node.end

    def line_behind(self, end: int, line: str) -> Edit:
        """A line below the one on which something ends."""
        rest = re.compile(r"[^\r\n]*(\r\n|\n|\r|\Z)").match(self.text, end)
        at = rest.end() if rest else len(self.text)
        if rest is not None and rest[1]:
            return Edit(at, at, f"{line}{self.newline}")
        return Edit(at, at, f"{self.newline}{line}")

    def commented(self, offset: int) -> str:
        """The comment above the line of a place, which is about what is below; "" for none.

        Blank lines between do not matter, as they do not for what a comment silences.
        """
        number = self.source.position(offset)[0] - 1
        while number > 0 and not self.source.line(number).strip():
            number -= 1
        lines = []
        while number > 0 and self.source.line(number).strip()[:1] in ("", "#"):
            lines.append(self.source.line(number))
            number -= 1
        return "\n".join(lines).strip()

    def above_comments(self, line: int, indent: str) -> int:
        """Where the comments start that stand right above a line, and so are about it."""
        number = self.source.position(line)[0]
        while number > 1 and self.source.line(number - 1).startswith(f"{indent}#"):
            number -= 1
        return self.source.offset(number, 1)
