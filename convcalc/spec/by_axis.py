"""Values that mean a number for each axis and are written otherwise: 4x4x(3*2), ?x224x3, 3, 3.

Nothing is shown here as what to write unless it was read as what it should be.
"""

import re
from collections.abc import Iterator, Mapping
from math import floor
from typing import Literal, NamedTuple

from convcalc.diagnostics import Fix, listed, write_value
from convcalc.shape import Shape
from convcalc.spec.expressions import ExpressionError
from convcalc.spec.nodes import List, Map, Node, ScalarNode, Value
from convcalc.spec.syntax import parse

Form = Literal["axes", "ratios", "extents", "rest", "shape"]
"""What is read: `rest` is extents of which one may be −1, for what is left; a `shape` is one of an
input or output."""
UNKNOWN = frozenset({"?", "*", "-1", "none", "null", "nil", "nan", "~", ":", "_", "...", "…"})
"""What stands elsewhere for a size that is not known, in lower case."""
SIDES = {
    "height": ("height", "h", "rows"),
    "width": ("width", "w", "columns", "cols"),
    "channels": ("channels", "c", "channel"),
    "depth": ("depth", "d"),
    "length": ("length", "l"),
}
"""What people call the extents of a shape."""
ORDER = ("depth", "height", "length", "width", "channels")
"""How a shape gives them."""
LETTERS = "abcdefgh"
"""Names of the shapes that a help names."""
MOST_CHARACTERS = 200
"""Longer texts are no shapes."""


class Advice(NamedTuple):
    """What to write in the place of a value."""

    help: str
    """What to write, in the words of a finding."""
    fix: Fix | None = None
    """The same as a fix of the whole value, where nothing else can be meant."""
    message: str = ""
    """What is wrong with the whole value; empty where what was found first says enough."""


def advice(node: Node, names: Mapping[str, Value], form: Form) -> Advice | None:
    """What to write for a value that is no number, or list of them; None where nobody can tell."""
    parts = parts_by_axis(node)
    if isinstance(node, ScalarNode) and re.match(r"[0-9]+[ ]*[xX×][^)]*\(([^()]*)\Z", node.text):
        return Advice("write the missing `)`")
    if parts is None or len(parts) < 2:
        return None
    texts = [node.text] if isinstance(node, ScalarNode) else [*map(_text, _items(node))]
    whole = isinstance(node, ScalarNode)
    if any(not part for part in parts):
        some = [part for part in parts if part]
        shown = "x".join(some)
        if whole and len(some) > 1 and all(map(_is_digits, some)) and not parts[-1]:
            return Advice(f"write `{shown}`")
        return Advice("a number stands on both sides of each x: 3x5") if whole else None
    if form != "rest" and any(part.lower() in UNKNOWN for part in parts):
        return _of_unknown(parts, form)
    left_open = form == "rest" and any(part.lower() in UNKNOWN - {"-1"} for part in parts)
    if form == "rest":
        parts = ["-1" if part.lower() in UNKNOWN else part for part in parts]
        if parts.count("-1") > 1:
            return Advice("write −1 once, for what is left, and numbers for the others")
    values = [_value(part, names) for part in parts]
    if all(map(_is_digits, parts)):
        shown = "x".join(parts)
        if form == "shape" and not all(map(int, parts)):
            return None
        sure = not any("*" in text for text in texts)
        if not whole and not any("x" in text for text in texts):
            return None  # it is a list of numbers, and what is wrong is something else
        return Advice(f"write `{shown}`", write_value(shown) if sure else None)
    if any(re.fullmatch(r"-[0-9]+", part) and part != "-1" for part in parts):
        return Advice("a size is 1 or more") if form != "ratios" else None
    shown = _as_list(parts)
    missing = [name for part in parts for name in sorted(_names(part)) if name not in names]
    if missing:
        words = listed(f"`{name}`" for name in dict.fromkeys(missing))
        them = "it" if len(set(missing)) == 1 else "them"
        return Advice(f"write a number for {words}, or declare {them} under `parameters:`")
    if any(value is None for value in values) or not (whole or left_open):
        return None
    if form != "ratios" and not all(isinstance(value, int) for value in values):
        rounded = [str(floor(value)) for value in values if value is not None]
        plain = all(value is not None and value >= 1 for value in values)
        return Advice(f"numbers are whole here: `{'x'.join(rounded)}`") if plain else None
    if any(value is not None and value < (-1 if form == "rest" else 0) for value in values):
        return None
    written = tuple(int(part) if re.fullmatch(r"-?[0-9]{1,18}", part) else part for part in parts)
    return Advice(f"write it as a list: `{shown}`", None if left_open else write_value(written))


def of_shape(node: Node, names: Mapping[str, Value]) -> Advice | None:
    """What to write for what should be one shape and is a mapping, or several shapes."""
    several = _several(node)
    if several is not None and len(several) == 1:
        shown = "x".join(several[0])
        return Advice(f"write `{shown}`", write_value(shown))
    if several is not None:
        named = zip(LETTERS, map("x".join, several), strict=False)
        shown = ", ".join(f"{letter}: {shape}" for letter, shape in named)
        more = ", …" if len(several) > len(LETTERS) else ""
        said = f"several have a name each: `{{{shown}{more}}}`"
        return Advice(said, None, f"this takes one shape, and has {len(several)}")
    if not isinstance(node, Map):
        return None
    if list(node.entries) in (["shape"], ["size"]):
        inner = next(iter(node.entries.values()))
        parts = parts_by_axis(inner) or []
        if parts and all(map(_is_digits, parts)):
            shown = "x".join(parts)
            return Advice(f"write `{shown}`", write_value(shown))
    sides = {side: _text(node.entries[key]) for key in node.entries for side in _side(key)}
    if len(sides) == len(node.entries) and "channels" in sides:
        given = [sides[side] for side in ORDER if side in sides]
        if all(map(_is_digits, given)):
            shown = "x".join(given)
            return Advice(f"write `{shown}`", write_value(shown))
        if all(_value(part, names) is not None for part in given):
            return Advice(f"write it as a list: `{_as_list(given)}`", write_value(tuple(given)))
    return Advice("write height × width × channels in one: `224x224x3`")


def means_one_shape(node: Map) -> bool:
    """Whether a mapping says the extents of one shape by their names, or is one with a name.

    >>> means_one_shape(Map({"height": 224, "width": 224, "channels": 3}))
    True
    >>> means_one_shape(Map({"image": "224x224x3", "depth": "224x224x1"}))
    False
    """
    keys = [*node.entries]
    if keys in (["shape"], ["size"]):
        return True
    sides = [any(_side(key)) for key in keys]
    known = all(sides) or any("channels" in _side(key) for key in keys)
    return bool(keys) and known and all(_is_one(inner) for inner in node.entries.values())


def _is_one(node: Node) -> bool:
    """Whether a value can be one extent."""
    return isinstance(node, ScalarNode) and len(parts_by_axis(node) or [""]) < 2


def _as_list(parts: list[str]) -> str:
    """Numbers and expressions as a list; one with a comma stands in quotes there."""
    quoted = (f"'{part}'" if "," in part else part for part in parts)
    return f"[{', '.join(quoted)}]"


def _of_unknown(parts: list[str], form: Form) -> Advice:
    """What to do about sizes that are left open."""
    first = next(part for part in parts if part.lower() in UNKNOWN)
    rest = parts[1:]
    known = all(map(_is_digits, rest))
    if form == "shape" and parts[0] == first and known and len(rest) > 1:
        last = _channels_last(rest)
        shown = "x".join(last)
        if len(rest) > 2:
            fix = write_value(shown) if last == rest else None
            return Advice(f"leave the batch out: `{shown}`", fix, f"`{first}` is no size")
        return Advice(f"write a number for `{first}`, or `{shown}` if it is the batch")
    return Advice(f"write a number for `{first}`")


def _channels_last(parts: list[str]) -> list[str]:
    """Extents with the channels behind, if they were in front."""
    from convcalc.spec.given import looks_channels_first

    numbers = [int(part) for part in parts]
    turned = looks_channels_first(Shape(numbers[-1], tuple(numbers[:-1])))
    return [*parts[1:], parts[0]] if turned and len(parts) == 3 else parts


def _several(node: Node) -> list[list[str]] | None:
    """The shapes that a value lists; None where it is something else."""
    if isinstance(node, ScalarNode) and "," in node.text[:MOST_CHARACTERS]:
        text = node.text[:MOST_CHARACTERS].strip("()[] ")
        shapes = [parts_by_axis(ScalarNode(each, 0, len(each))) for each in text.split(",")]
    elif isinstance(node, List):
        shapes = [_inner(item) for item in node.items]
    elif isinstance(node, Map) and not all(any(_side(key)) for key in node.entries):
        shapes = [_inner(item) for item in node.entries.values()]
        if len(shapes) < 2:
            return None
    else:
        return None
    known = [each for each in shapes if each and all(map(_is_digits, each))]
    vectors = sum(len(each) == 1 for each in known)
    numbers = known and vectors == len(known)  # which are one shape
    return None if numbers or len(known) != len(shapes) else known


def _inner(item: Node) -> list[str] | None:
    """The numbers of a shape in a list of shapes, with a name or without."""
    if isinstance(item, Map) and len(item.entries) == 1:
        item = next(iter(item.entries.values()))
    return None if isinstance(item, Map) else parts_by_axis(item)


def _side(key: str) -> Iterator[str]:
    """Which extent a key is."""
    for side, names in SIDES.items():
        if key.lower() in names:
            yield side


def parts_by_axis(node: Node) -> list[str] | None:
    """What a value gives for each axis, as it is written."""
    if isinstance(node, List):
        if not all(isinstance(item, ScalarNode) for item in node.items):
            return None
        parts: list[str] = []
        for item in node.items:
            inner = _split(_text(item)) if "x" in _text(item) else None
            parts += inner if inner and all(map(_is_digits, inner)) else [_text(item)]
        return parts
    if not isinstance(node, ScalarNode) or not 0 < len(node.text) <= MOST_CHARACTERS:
        return None
    return _split(_within(node.text.strip()))


def _items(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, List) else ()


def _text(node: Node) -> str:
    return node.text.strip() if isinstance(node, ScalarNode) else ""


def _within(text: str) -> str:
    """A text without the brackets around all of it."""
    while text[:1] in ("(", "[") and text[-1:] == {"(": ")", "[": "]"}[text[:1]]:
        depth = 0
        for position, sign in enumerate(text):
            depth += (sign in "([") - (sign in ")]")
            if depth == 0 and position < len(text) - 1:
                return text
        text = text[1:-1].strip()
    return text


def _split(text: str) -> list[str] | None:
    """A text at the signs between numbers: an x, ×, a comma, blanks, or * between all of them."""
    if re.search(r"(?<![0-9])0[0-9]", text):
        return None  # digits in groups, or no number
    if re.fullmatch(r"[0-9]+(?:[ ]*[xX×*,;][ ]*[0-9]+)+", text):
        return re.split(r"[ ]*[xX×*,;][ ]*", text)
    if re.fullmatch(r"[0-9]+(?:[ ]+[0-9]+)+", text):
        return text.split()
    parts, depth, start = [], 0, 0
    for position, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if depth == 0 and (sign in "×," or (sign in "xX" and _separates(text, position))):
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()] if depth == 0 else None


def _separates(text: str, position: int) -> bool:
    """Whether an x is no letter of a word: a number, a bracket or a sign stands beside it."""
    before, behind = text[:position].rstrip(), text[position + 1 :].lstrip()
    if re.search(r"[0-9)?~:]\Z|(?:\A|[xX×,])[ ]*[*_]\Z", before):
        return True
    beside = before[-1:].isalnum() and text[position - 1] != " "  # a letter, and x the next of it
    brackets = r"" if beside else r"|\("
    return re.match(rf"[0-9?~:-]|[*_][ ]*(?:\Z|[xX×,]){brackets}", behind) is not None


def _is_digits(part: str) -> bool:
    return part.isascii() and part.isdecimal() and len(part) <= 18


def _names(part: str) -> frozenset[str]:
    try:
        return parse(part).names
    except ExpressionError:
        return frozenset()


def _value(part: str, names: Mapping[str, Value]) -> int | float | None:
    """The number that an expression is; None where it is none, or cannot be known."""
    try:
        value = parse(part).evaluate(names)
    except ExpressionError:
        return None
    if isinstance(value, bool | str):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value
