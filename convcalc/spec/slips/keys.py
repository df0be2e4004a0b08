"""Slips that are YAML and mean something else there: `filters:8` is a key, `maxpool 2` a word."""

import re
from collections.abc import Collection
from typing import NamedTuple

from convcalc.diagnostics import Fix, rename, respell
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import declarations, defaults
from convcalc.spec.slips.lines import BULLETS, WORD, odd_sign, signs_put_right

_KEY = re.compile(rf"[\"'“”‘’]?({WORD})[\"'“”‘’]?[ ]*([:=：＝ ]|\Z)[ ]*=?[ ]*(.*)", re.DOTALL)
"""A field, what stands behind it in place of a colon and a blank, and the value."""
_ENTRY = re.compile(rf"({WORD})[ ]*[:=][ ]*([^,;:=]+?)[ ]*(?:[,;][ ]*|[ ]+(?={WORD}[ ]*[:=])|\Z)")
"""A field with its value, one of several."""
MOST_CHARACTERS = 300
"""Longer keys and words are not looked at."""


class Meant(NamedTuple):
    """What a word is when it is written as YAML has it."""

    help: str
    """What to write, in the words of a finding."""
    fix: Fix | None
    """The same as a fix, where nothing else can be meant."""
    fields: frozenset[str] = frozenset()
    """The fields that are given so."""


def field_of(text: str, fields: Collection[str], *, empty: bool) -> Meant | None:
    """What a key means that holds its value, or has signs around it; None where it is another.

    `empty` says that nothing stands behind it.

    >>> field_of("filters:8", ["filters", "kernel"], empty=True).help
    'a blank is missing: `filters: 8`'
    """
    if len(text) > MOST_CHARACTERS:
        return None
    match = _KEY.fullmatch(text)
    if match is not None and match[1] in fields and match[1] != text:
        name, sign, rest = match.groups()
        if not rest:
            curly = not re.match(r"[:=]", sign)
            return Meant(f"write `{name}`", rename(name) if curly else None, frozenset({name}))
        if not odd_sign(rest):
            words = {":": "a blank", " ": "a colon"}.get(sign if "=" not in text else "=")
            missing = f"{words} is missing" if words else "write a colon"
            fix = rename(name, rest) if empty else None
            return Meant(f"{missing}: `{name}: {rest}`", fix, frozenset({name}))
    if odd_sign(text):
        right = signs_put_right(text)
        given = frozenset(re.findall(rf"({WORD})[\"']?:[ ]", right)) & frozenset(fields)
        if given and empty:
            return Meant(f"write `{right}`", respell(right, f"write `{right}`"), given)
    return None


def entries_of(kind: str, text: str) -> Meant | None:
    """The fields that a value behind a kind holds without braces: `filters=8, kernel=3`.

    >>> entries_of("maxpool", "kernel=2").help
    'write `maxpool: {kernel: 2}`'
    >>> entries_of("maxpool", "kernel=2}").help  # the brace that opens was forgotten
    'write `maxpool: {kernel: 2}`'
    """
    text = text.strip().strip("()")
    if text.endswith("}") and "{" not in text:
        text = text[:-1].rstrip()
    if len(text) > MOST_CHARACTERS:
        return None
    given, at = {}, 0
    for match in _ENTRY.finditer(text):
        if match.start() != at:
            return None
        given[match[1]] = match[2]
        at = match.end()
    if any(text.count(opening) != text.count(closing) for opening, closing in ("()", "[]", "{}")):
        return None  # which brackets are meant is not sure
    if not given or at < len(text) or not given.keys() <= declarations(layer_class(kind)).keys():
        return None
    braces = f"{{{', '.join(f'{name}: {value}' for name, value in given.items())}}}"
    advice = f"write `{kind}: {braces}`"
    return Meant(advice, respell(braces, advice), frozenset(given))


def item_of(
    text: str,
    kinds: Collection[str],
    *,
    alone: bool,
    quoted: bool,
    listed: bool,
    behind: str = "",
) -> Meant | None:
    """What an item means whose kind has more about it: `maxpool:2`, `relu,`, `relu tanh`.

    `alone` says that it is the word of an item, `quoted` that it stands in quotes, and `listed`
    that its list stands in brackets; `behind` is what follows on its line.

    >>> item_of("maxpool 2", ["maxpool"], alone=True, quoted=False, listed=False).help
    'write `maxpool: 2`'
    """
    if len(text) > MOST_CHARACTERS or "\n" in text:
        return None
    if odd_sign(text):
        right = signs_put_right(text).strip("\"'")
        if re.match(WORD, right) and re.match(WORD, right)[0] in kinds:  # type: ignore[index]
            return _respelled(right)
        return None
    bare = re.fullmatch(rf"({WORD})[ ]*(?:[,;:]|\(\))", text)
    if bare is not None and bare[1] in kinds:
        return _respelled(bare[1])
    opening = re.fullmatch(rf"({WORD})[ ]*([{{\[]{WORD})", text)
    closed = re.fullmatch(r":[ ][^{}\[\]]*[}\]](?:[ ]+#.*|[ ]*\])?", behind) is not None
    if opening is not None and opening[1] in kinds and not alone and closed:
        return _respelled(f"{opening[1]}: {opening[2]}")
    words = re.split(r"[ ]*[,;][ ]*|[ ]+", text)
    if len(words) > 1 and all(word in kinds for word in words):
        if listed:
            return _respelled(", ".join(words))
        return Meant("start each with a dash of its own", None)
    value = re.fullmatch(rf"({WORD})[ ]*[:= ][ ]*=?[ ]*(\S+)", text)
    if value is not None and value[1] in kinds and alone and _takes_alone(value[1], value[2]):
        return _respelled(f"{value[1]}: {value[2]}")
    if quoted and re.fullmatch(rf"({WORD}):[ ].*", text) and text.partition(":")[0] in kinds:
        return _respelled(text)
    return None


def _respelled(right: str) -> Meant:
    advice = f"write `{right}`"
    return Meant(advice, respell(right, advice))


def _takes_alone(kind: str, value: str) -> bool:
    """Whether a value may stand alone behind a kind, which needs no other field."""
    from convcalc.spec.nodes import ScalarNode
    from convcalc.spec.values import FieldError, Scope, read_value

    if kind not in CATALOGUE:
        return False
    cls = layer_class(kind)
    declared = declarations(cls)
    if (
        not declared
        or not cls.stands_alone
        or {*declared} - {*defaults(cls)} - {next(iter(declared))}
    ):
        return False
    try:
        read_value(next(iter(declared.values())), ScalarNode(value, 0, len(value)), Scope({}))
    except FieldError:
        return False
    return True


def items_of(text: str, kinds: Collection[str], *, below: bool = False) -> Meant | None:
    """The list of items that stands behind `layers` in another form, or `below` it, as written.

    >>> items_of("relu, tanh", ["relu", "tanh"]).help
    'write `[relu, tanh]`'
    """
    if len(text) > 100 * MOST_CHARACTERS:
        return None
    if below and BULLETS.match(text):
        right = BULLETS.sub(lambda match: f"{match[1] or match[3] or ''}- ", text)
        first = right.partition("\n")[0]
        return Meant(f"write `{_short(first)}`", respell(right, f"write `{_short(first)}`"))
    if odd_sign(text):
        right = signs_put_right(text)
        if re.match(r"\[|-[ ]" if below else r"\[", right):
            first = _short(right.partition("\n")[0])
            return Meant(f"write `{first}`", respell(right, f"write `{first}`"))
        return None
    if text[:1] in "({" and text[-1:] in ")}" and "\n" not in text:
        words = re.split(r"[ ]*,[ ]*", text[1:-1].strip())
    elif "\n" not in text and ":" not in text:
        words = re.split(r"[ ]*[,;][ ]*|[ ]+", text)
    else:
        return _with_dashes(text, kinds) if below else None
    if words and all(word in kinds for word in words):
        return _respelled(f"[{', '.join(words)}]")
    return _with_dashes(text, kinds) if below else None


def _with_dashes(text: str, kinds: Collection[str]) -> Meant | None:
    """Items line by line, with the dashes that they lack."""
    lines = text.split("\n")
    first = re.match(WORD, lines[0])
    if first is None or first[0] not in kinds or text[:1] in "{[":
        return None
    # The text begins behind the indentation of its first line: the others tell what that is.
    rest = [line for line in lines[1:] if re.match(rf"[ ]*({WORD})[ ]*:?(?:[ ]|$)", line)]
    indents = [len(line) - len(line.lstrip(" ")) for line in rest]
    indent = min(indents, default=0)
    made = [f"- {lines[0]}"]
    for line in lines[1:]:
        column = len(line) - len(line.lstrip(" "))
        word = re.match(WORD, line.strip())
        if column == indent and line.strip() and (word is None or word[0] not in kinds):
            return None
        made.append(f"{line[:column]}- {line[column:]}" if column == indent and word else line)
    if any(len(line) - len(line.lstrip(" ")) > indent for line in rest):
        return Meant(f"write `- {first[0]}`: a dash before each item", None)
    advice = f"write `- {first[0]}`: a dash before each item"
    return Meant(advice, respell("\n".join(made), advice))


def spec_of(text: str) -> Meant | None:
    """A spec whose colons are other signs, so that all of it is one text to YAML."""
    from convcalc.spec.slips import error_of

    if len(text) > 1000 * MOST_CHARACTERS or not re.match(r"[A-Za-z_]", text):
        return None
    right = signs_put_right(text)
    right = re.sub(
        rf"^([ ]*(?:-[ ]+)*{WORD})[ ]*=[ ]*(?!=)(?=\S)", r"\1: ", right, flags=re.MULTILINE
    )
    right = re.sub(rf"^([ ]*{WORD})[ ]*=[ ]*$", r"\1:", right, flags=re.MULTILINE)
    right = re.sub(rf"^([ ]*(?:-[ ]+)*{WORD}):(?=[^\s/])", r"\1: ", right, flags=re.MULTILINE)
    if right == text or not re.search(r"^(?:input|layers):", right, re.MULTILINE):
        return None
    if error_of(right) is not None:
        return None
    first = right.partition("\n")[0]
    advice = f"a colon and a blank stand behind a key: `{_short(first)}`"
    return Meant(advice, respell(right, advice))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
