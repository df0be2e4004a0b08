"""The spec's tree as YAML, as a careful person writes it.

What fits on a line stands in braces; items stand one below the other. Comments stay where they
belong, quotes stand where text needs them or means something else without.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from convcalc.collector import without_collection
from convcalc.spec.nodes import MAX_DEPTH, Entry, List, Map, Text
from convcalc.spec.tree import NAMES, REMARKS, Item, Spec

WIDTH = 100
"""Characters of a line."""
WRAPPED = 3
"""Most lines of a mapping in braces; one that needs more has a line for each key."""
OPENED = frozenset({"presets", "defaults", "blocks"})
"""Top-level mappings that are never in braces."""
DIRECTIVE = re.compile(r"#\s*convcalc:", re.IGNORECASE)
"""A comment that is about the line that it stands on."""

_KEY = re.compile(r"[^\W\d][\w.-]*\Z")
_FLOW = re.compile(r"[,\[\]{}]|:|\?")
"""What a scalar within braces has in quotes, for every version of libyaml."""
_FOLDABLE = re.compile(r"[^\s#][^\s]*(?: [^\s]+)*\n?\Z")
"""One paragraph, its words one space apart."""
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


@without_collection
def write(spec: Spec) -> str:
    """The text of a spec; raises `ValueError` where it nests deeper than a spec can."""
    if not spec.parts:
        return "\n".join([*spec.comments.before, "{}"]) + "\n"
    return "\n".join(_Writer().entries(spec, 0, top=True)) + "\n"


def inline(value: Any, *, within: bool = False) -> str | None:
    """A value on one line; None where it needs more, or cannot stand `within` braces."""
    return _Writer().part(value) if within else _Writer().inline(value)


def fits_within(text: str) -> bool:
    """Whether text without quotes can stand within braces or brackets."""
    return not _FLOW.search(text)


class _Writer:
    def __init__(self) -> None:
        self.depth = 0
        self.parts: dict[tuple[int, int], tuple[Any, str | None]] = {}
        """By node and depth the node, which layers that are alike share, and it on one line."""

    def deeper(self, lines: Callable[[], list[str]]) -> list[str]:
        """Lines of what is nested, within the depth that a spec can have."""
        if self.depth >= MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} deep; move inner layers into blocks"
            raise ValueError(message)
        self.depth += 1
        made = lines()
        self.depth -= 1
        return made

    def entries(self, mapping: Map, indent: int, *, top: bool = False) -> list[str]:
        """Keys one below the other."""
        return self.deeper(lambda: self._entries(mapping, indent, top=top))

    def _entries(self, mapping: Map, indent: int, *, top: bool) -> list[str]:
        lines: list[str] = []
        behind: dict[int, str] = {}
        margin = " " * indent
        for position, entry in enumerate(mapping.parts):
            before = list(entry.comments.before)
            if not position and before and not before[0]:
                del before[0]
            lines += _indented(before, margin)
            behind[len(lines)] = entry.comments.line
            lines += self.entry(entry, indent, top=top)
            lines += _indented(entry.comments.after, margin)
        return _aligned(lines, behind)

    def entry(self, entry: Entry, indent: int, *, top: bool = False) -> list[str]:
        """A key with its value, and the comment behind it."""
        key = " " * indent + key_text(entry.key) + ":"
        comment = entry.comments.line
        lines = self.valued(entry, key, indent, top=top)
        if comment:
            lines[0] += f"  {comment}"
        return lines

    def valued(self, entry: Entry, key: str, indent: int, *, top: bool) -> list[str]:
        """A key with its value, in the form that suits it."""
        value, comment = entry.value, entry.comments.line
        if value is None:
            return [key]
        if isinstance(value, Text):
            return _text_lines(value, key, indent, remark=entry.key in REMARKS)
        opened = top and entry.key in OPENED and bool(value)
        text = None if opened else self.inline(value)
        if text is not None:
            held = bool(DIRECTIVE.match(comment))
            single = not isinstance(value, Map | List) or not value
            if held or single or len(key) + 1 + len(text) <= WIDTH:
                return [f"{key} {text}"]
            wrapped = None if comment else self.wrapped(value, f"{key} ")
            if wrapped is not None:
                return wrapped
        if isinstance(value, List):
            return [key, *self.elements(value, indent + 2)]
        return [key, *self.entries(value, indent + 2)]

    def elements(self, values: List, indent: int) -> list[str]:
        """Elements one below the other, each behind a dash."""
        before, lines = self._elements(values, indent)
        return _indented(before, " " * indent) + lines

    def _elements(self, values: List, indent: int) -> tuple[list[str], list[str]]:
        """The comments above the first element, and all other lines."""
        margin = " " * indent
        first: list[str] = []
        lines: list[str] = []
        behind: dict[int, str] = {}
        for position, value in enumerate(values.values):
            before, made = self.element(value, indent)
            if position:
                lines += _indented(before, margin)
            else:
                first = before[1:] if before and not before[0] else before
            if isinstance(value, Map | List):
                behind[len(lines)] = value.comments.line
                made += _indented(value.comments.after, margin)
            lines += made
        return first, _aligned(lines, behind)

    def element(self, value: Any, indent: int) -> tuple[list[str], list[str]]:
        """The comments above an element, and its lines, the first with its dash."""
        margin = " " * indent
        if not isinstance(value, Map | List):
            inline = "" if value is None else f" {scalar_text(value)}"
            return [], [f"{margin}-{inline}"]
        before, comment = list(value.comments.before), value.comments.line
        text = self.inline(value)
        if isinstance(value, Item) and len(value) == 1:
            (entry,) = value.parts
            text = key_text(entry.key) if entry.value is None and not _noted(entry) else None
        elif isinstance(value, Item) and value.value is None and value.kind is not None:
            text = text if _from_elsewhere_alone(value) else None  # `relu:` with a name below it
        held = bool(DIRECTIVE.match(comment))
        if text is not None and (
            held or not value or len(value) == 1 or indent + 2 + len(text) <= WIDTH
        ):
            lines = [f"{margin}- {text}"]
        elif isinstance(value, List):
            above, lines = self.deeper_elements(value, indent + 2)
            before += above
            lines[0] = f"{margin}- {lines[0][indent + 2 :]}"
        else:
            value, above, behind = _raised(value)
            before += above
            comment = "  ".join(filter(None, (comment, behind)))
            if comment:  # what stands behind a line does not let that line be wrapped
                first = value.parts[0]
                marked = first.comments._replace(line=comment)
                entries = (Entry(first.key, first.value, marked), *value.parts[1:])
                value, comment = type(value).of(entries), ""
            lines = self.entries(value, indent + 2)
            lines[0] = f"{margin}- {lines[0][indent + 2 :]}"
        if comment:
            lines[0] += f"  {comment}"
        return before, lines

    def deeper_elements(self, value: List, indent: int) -> tuple[list[str], list[str]]:
        """A list in a list."""
        above: list[str] = []

        def lines() -> list[str]:
            first, made = self._elements(value, indent)
            above.extend(first)
            return made

        return above, self.deeper(lines)

    def inline(self, value: Any) -> str | None:
        """A value on one line in braces or brackets; None where it needs lines of its own."""
        if isinstance(value, List):
            if any(isinstance(each, Item) or each is None for each in value.values):
                return None
            parts = [self.part(each) for each in value.values]
            return None if None in parts else f"[{', '.join(map(str, parts))}]"
        if isinstance(value, Map):
            entries = [self.inline_entry(entry) for entry in value.parts]
            return None if None in entries else f"{{{', '.join(map(str, entries))}}}"
        return scalar_text(value)

    def part(self, value: Any) -> str | None:
        """A value within braces or brackets."""
        if isinstance(value, Map | List):
            known = self.parts.get((id(value), self.depth))
            if known is None:
                known = value, self._part(value)
                self.parts[id(value), self.depth] = known
            return known[1]
        if isinstance(value, Text) and not value.quoted and _FLOW.search(value.text):
            return None
        return scalar_text(value)

    def _part(self, value: Map | List) -> str | None:
        comments = value.comments
        if comments.before or comments.line or comments.after:
            return None
        if self.depth >= MAX_DEPTH:
            return None  # which the lines will refuse
        self.depth += 1
        text = self.inline(value)
        self.depth -= 1
        return text

    def inline_entry(self, entry: Entry) -> str | None:
        """A key and its value within braces."""
        if _noted(entry):
            return None
        key = key_text(entry.key)
        if entry.value is None:
            return key
        if isinstance(entry.value, List) and entry.value and entry.key == "layers":
            return None
        if isinstance(entry.value, Text) and entry.key in (*REMARKS, *NAMES):
            text = entry.value.text
            return f"{key}: {_quoted(text) if _FLOW.search(text) else scalar_text(entry.value)}"
        text = self.part(entry.value)  # type: ignore[assignment]
        return None if text is None else f"{key}: {text}"

    def wrapped(self, value: Any, start: str) -> list[str] | None:
        """A mapping in braces over a few lines, each filled."""
        if not isinstance(value, Map):
            return None
        margin = " " * (len(start) + 1)
        lines = [start + "{"]
        for position, entry in enumerate(value.parts):
            text = self.inline_entry(entry)
            ending = "}" if position == len(value) - 1 else ","
            if text is None:
                return None
            if len(margin) + len(text) + 1 > WIDTH:
                return None
            gap = "" if lines[-1].endswith("{") else " "
            if len(lines[-1]) + len(gap) + len(text) + 1 > WIDTH:
                lines.append(margin)
                gap = ""
            lines[-1] += f"{gap}{text}{ending}"
        return lines if len(lines) <= WRAPPED else None


def _from_elsewhere_alone(item: Item) -> bool:
    """Whether an item is a kind alone with what it comes from: `{relu, origin: layer1.0.relu}`."""
    return item.entries.keys() == {item.kind, "origin"}


def _noted(entry: Entry) -> bool:
    comments = entry.comments
    return bool(comments.before or comments.line or comments.after)


def _raised(value: Map) -> tuple[Map, list[str], str]:
    """A mapping behind a dash without the comments of its first entry, and those."""
    first = value.parts[0]
    above, behind = first.comments.before, first.comments.line
    plain = first.comments._replace(before=(), line="")
    entries = (Entry(first.key, first.value, plain), *value.parts[1:])
    return type(value).of(entries), list(above), behind


def _indented(comments: Iterable[str], margin: str) -> list[str]:
    return [f"{margin}{comment}" if comment else "" for comment in comments]


def _aligned(lines: list[str], behind: dict[int, str]) -> list[str]:
    """The lines with comments in one column where lines that have some follow each other."""
    run: list[int] = []
    noted = [number for number, comment in behind.items() if comment]
    for number in [*noted, len(lines) + 1]:
        if run and number != run[-1] + 1:
            codes = [lines[each].removesuffix(behind[each]).rstrip() for each in run]
            column = max(map(len, codes)) + 2
            fits = all(column + len(behind[each]) <= WIDTH for each in run)
            if fits and all(lines[each].endswith(f"  {behind[each]}") for each in run):
                for each, code in zip(run, codes, strict=True):
                    lines[each] = f"{code:{column}}{behind[each]}"
            run = []
        run.append(number)
    return lines


@lru_cache(maxsize=256)
def key_text(key: str) -> str:
    """A key, in quotes where it needs them."""
    return key if _KEY.match(key) else _quoted(key)


def scalar_text(value: Any) -> str:
    """A scalar on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Text):
        return _quoted(value.text) if value.quoted else value.text
    return repr(value)


def _quoted(text: str) -> str:
    if text.isprintable() and ('"' in text or "\\" in text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    number = ord(character)
    return (
        f"\\x{number:02x}"
        if number < 256
        else f"\\u{number:04x}"
        if number < 65536
        else (f"\\U{number:08x}")
    )


def _text_lines(value: Text, key: str, indent: int, *, remark: bool) -> list[str]:
    """Text behind a key, over several lines where it is a long remark."""
    text = value.text
    if remark and value.quoted and text.endswith("\n") and "\n" not in text[:-1]:
        folded = _folded(text, indent + 2)
        if folded is not None:
            return [f"{key} >", *folded]
    if value.quoted and "\n" in text:
        lines = text.split("\n")
        shown = all(line.isprintable() for line in lines)
        if (
            shown
            and lines[0].strip()
            and not lines[0].startswith(" ")
            and text.rstrip() == (text.removesuffix("\n"))
        ):
            ending = "" if text.endswith("\n") else "-"
            body = lines[:-1] if text.endswith("\n") else lines
            return [f"{key} |{ending}", *_indented(body, " " * (indent + 2))]
    return [f"{key} {scalar_text(value)}"]


def _folded(text: str, indent: int) -> list[str] | None:
    if not _FOLDABLE.match(text) or not text.rstrip().isprintable():
        return None
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(" " * indent + word)
    return lines
