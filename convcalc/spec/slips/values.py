"""Slips of values: several keys on one line, and signs that no value begins with."""

import re
from collections.abc import Iterator

from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import declarations
from convcalc.spec.slips.broken import Broken, Line, Slip
from convcalc.spec.slips.lines import LEAD, TEXTS, WORD

_ENTRY = rf"{WORD}[ ]*:[ ]+[^,:{{}}\[\]]+"

NAME_WITH_BRACES = r"""\bfrom:[ ]+([^\s"',:{}\[\]]{0,80}(?:\{[^"'{}]{1,80}\}[\w.-]{0,80}){1,9})"""
"""`from: down{index}`, where it cannot stand without quotes."""


def slips(broken: Broken) -> Iterator[Slip]:
    """What may be wrong with the values around the place where reading ended."""
    for line in broken.suspects:
        yield from _keys_on_one_line(broken, line)
    yield from _stars(broken)
    yield from _ranges(broken)
    yield from _beginnings(broken)


def _keys_on_one_line(broken: Broken, line: Line) -> Iterator[Slip]:
    """`conv: filters: 3`, `input: 8x8x3 layers: [relu]`, `name: a: b`."""
    from convcalc.spec.expand import TOP_LEVEL

    match = re.match(rf"({LEAD})({WORD})([ ]*:[ ]+|,?[ ]+)(?![{{\[\"'])(.*\S)", line.text)
    if match is None or not re.search(r":(?:[ ]|$)", match[4]):
        return
    key, rest = match[2], match[4]
    start, end = line.start + match.start(4), line.start + match.end(4)
    item = "-" in match[1]
    second = re.search(rf"([ ,;]+)({WORD})[ ]*:(?=[ ]|$)", rest)
    if second is not None and key in TOP_LEVEL and second[2] in TOP_LEVEL and not item:
        at = start + second.start(1)
        stop = start + second.end(1)
        message = f"`{second[2]}` stands on the line of `{key}`"
        yield Slip(message, at, stop, f"begin a line with `{second[2]}:`", f"\n{match[1]}")
        return
    if key in TEXTS:
        sign = "'" if '"' in rest or "\\" in rest else '"'
        if sign not in rest:
            whole = f"{sign}{rest}{sign}"
            message = f"the text behind `{key}:` has a colon in it"
            yield Slip(message, start, end, f"put quotes around it: `{whole}`", whole)
        return
    if ":" not in match[3] and not item:
        return
    entries = _entries(key, rest)
    if entries is None:
        return
    begin, colon = line.start + match.end(2), ": "
    if ":" in match[3]:
        begin, colon = line.start + match.start(4), ""
    below = broken.below(broken.number(line.start))
    goes_on = (
        below is not None
        and below.indent > line.indent
        and re.match(rf"[ ]+{WORD}[ ]*:", below.text) is not None
        and len(entries) == 1
    )
    message = f"`{key}` has fields, and they stand in no braces"
    if goes_on and below is not None:
        right = f":\n{' ' * below.indent}{entries[0]}"
        advice = f"write `{entries[0]}` on the next line"
        yield Slip(message, line.start + match.end(2), end, advice, right)
    braces = f"{{{', '.join(entries)}}}"
    yield Slip(message, begin, end, f"write `{key}: {braces}`", colon + braces)


def _entries(key: str, rest: str) -> list[str] | None:
    """Fields as they stand in braces; None where a text is something else."""
    text = rest.strip()
    for opening, closing in (("(", ")"), ("", "}"), ("", ",")):
        if text.startswith(opening) and text.endswith(closing) and text.count("(") <= 1:
            text = text[len(opening) : len(text) - len(closing)].strip()
    text = re.sub(rf"(?<=[^,;:\s])[ ]*[;,]?[ ]+(?={WORD}[ ]*:(?:[ ]|$))", ", ", text)
    parts = [part.strip() for part in text.split(",")]
    if parts and ":" not in parts[0] and key in CATALOGUE:
        fields = list(declarations(layer_class(key)))
        if not fields or not layer_class(key).stands_alone or " " in parts[0]:
            return None
        parts[0] = f"{fields[0]}: {parts[0]}"
    if not all(re.fullmatch(_ENTRY, part) for part in parts):
        return None
    return parts


def names_with_braces(broken: Broken) -> Iterator[Slip]:
    """An expression in the braces of a name without quotes, where YAML sees a mapping begin."""
    for line in broken.suspects:
        match = re.search(NAME_WITH_BRACES, line.text)
        if match is not None:
            start, end = line.start + match.start(1), line.start + match.end(1)
            name = f'"{match[1]}"'
            message = "a name with braces begins a mapping here"
            advice = f"put quotes around it: `{name}`"
            yield Slip(message, start, end, advice, name)


def _stars(broken: Broken) -> Iterator[Slip]:
    """A star for the size of an axis, `[*, 7]`, where YAML sees the name of an alias begin."""
    for line in broken.suspects:
        for match in re.finditer(r"\[[^\[\]]{0,80}\]", line.text):
            whole = re.sub(r"(?<=[\[,])([ ]*)\*(?=[ ]*[,\]])", r"\1'*'", match[0])
            if whole != match[0]:
                message = "`*` begins the name of an alias in YAML"
                start, end = line.start + match.start(), line.start + match.end()
                yield Slip(message, start, end, f"put quotes around it: `{whole}`", whole)


def _ranges(broken: Broken) -> Iterator[Slip]:
    """A range without quotes, where YAML sees folded text begin."""
    for line in broken.suspects:
        match = re.search(r":[ ]+(>[ ]*=?[ ]*\d[^,}\]#]{0,80})", line.text)
        if match is not None:
            written = match[1].strip()
            start = line.start + match.start(1)
            end = start + len(written)
            message = "text over several lines begins with `>`"
            yield Slip(message, start, end, f"put quotes around it: '{written}'", f"'{written}'")


def _beginnings(broken: Broken) -> Iterator[Slip]:
    """A sign that no value begins with: @, %, a backtick, and in brackets a question mark."""
    content, at = broken.text.content, broken.stopped
    sign = content[at : at + 1]
    line = broken.line(broken.number(at))
    stop = line.end
    before = content[line.start : at]
    if sign not in ("@", "%", "`", "?", "|", ">", "&", "*", "!") or not sign:
        return
    flow = re.search(r"[{\[][^}\]]*\Z", before) is not None
    if flow and (behind := re.search(r"[,}\]]", content[at:stop])):
        stop = at + behind.start()
    written = content[at:stop].rstrip()
    end = at + len(written)
    if not written:
        return
    message = f"no value begins with `{sign}`" if sign != "`" else "no value begins with a backtick"
    plain = written.strip("@%`&*!?")
    if re.fullmatch(WORD, plain) and (sign == "`" or plain in CATALOGUE):
        yield Slip(message, at, end, f"write `{plain}`", plain)
        return
    if "?" in written:
        yield Slip("`?` is no value", at, end, "write a number for `?`", f"'{written}'", sure=False)
        return
    other = '"' if "'" in written else "'"
    whole = f"{other}{written}{other}"
    yield Slip(message, at, end, f"put quotes around it: `{whole}`", whole)
