"""Slips of a line: its blank, colon, dash or equals sign, signs from elsewhere, its indentation."""

import re
from collections.abc import Iterator

from convcalc.layers import CATALOGUE, layer_class, takes_branches
from convcalc.layers.base import declarations
from convcalc.spec.expand import TOP_LEVEL
from convcalc.spec.items import BLOCK_KEYS
from convcalc.spec.slips.broken import Broken, Line, Slip
from convcalc.spec.tree import MODIFIERS

WORD = r"[A-Za-z_][A-Za-z0-9_.-]*"
LEAD = r"[ ]*(?:-[ ]+)*"
"""What stands before the first word of a line: blanks and dashes."""
TEXTS = frozenset({"name", "reference", "description"})
"""Keys that hold text."""
SIGNS = {
    "：": ": ",
    "，": ", ",
    "｛": "{",
    "｝": "}",
    "［": "[",
    "］": "]",
    "【": "[",
    "】": "]",
    "（": "(",
    "）": ")",
    "－": "-",
    "＃": "#",
    "＝": "=",
    "\u3000": "  ",
    "\u00a0": " ",
    "\u2002": " ",
    "\u2003": " ",
    "\u2009": " ",
    "\u202f": " ",
    "\ufeff": "",
    "\u200b": "",
}
"""Signs that look like those of YAML, and what they are there."""
_SIGNS = re.compile(f"[{''.join(map(re.escape, SIGNS))}][ ]*")
BULLETS = re.compile(r"^([ ]*)([–—−•‣◦*+]|\d+[.)])[ ]+(?=\w)|^([ ]*)(-)(?=[A-Za-z])", re.MULTILINE)
"""What people begin an item with instead of a dash and a blank."""
NAMES = {
    "\u3000": "a full-width blank",
    "\u00a0": "a no-break space",
    "\u2002": "a wide blank",
    "\u2003": "a wide blank",
    "\u2009": "a thin blank",
    "\u202f": "a narrow no-break space",
    "\ufeff": "a byte order mark",
    "\u200b": "a blank without width",
}


def slips(broken: Broken) -> Iterator[Slip]:
    """What may be wrong with the lines around the place where reading ended."""
    for line in broken.suspects:
        yield from _tabs(line)
        yield from _signs(broken, line)
        yield from _comments(line)
        yield from _directive(broken, line)
        yield from _bullets(broken, line)
        yield from _equals(line)
        yield from _blanks(line)
        yield from _fields(broken, line)
        yield from _colons(broken, line)
        yield from _list_behind_key(broken, line)
        yield from _dashes(broken, line)


def _tabs(line: Line) -> Iterator[Slip]:
    """A tab where a line is indented, or behind a dash."""
    lead = re.match(r"[ \t]*(?:-[ \t]+)*", line.text)
    at = lead[0].find("\t") if lead else -1
    if at < 0:
        return
    behind_dash = lead is not None and "-" in lead[0][:at] and not lead[0][at:].strip("\t")
    if behind_dash and lead is not None:
        start, end = line.start + at, line.start + lead.end()
        yield Slip("a tab stands behind a dash", start, end, "write a blank", " ")
    message = "a tab indents this line"
    advice = "indent with spaces: YAML allows no tabs there"
    start = line.start + at
    yield Slip(message, start, start + 1, advice)


def signs_put_right(text: str) -> str:
    """A text with the signs of YAML for those that look like them, but in quotes and comments."""
    parts = re.split(r"""("[^"\n]*"|'[^'\n]*'|(?<!\S)#.*)""", text)
    for at in range(0, len(parts), 2):
        parts[at] = _SIGNS.sub(lambda match: SIGNS[match[0][0]], parts[at])
        parts[at] = re.sub(r"[“”„]", '"', parts[at])
        parts[at] = re.sub(r"[‘’‚]", "'", parts[at])
    return re.sub(r"[ ]+$", "", "".join(parts), flags=re.MULTILINE)


def odd_sign(text: str) -> str:
    """The first sign of a text that only looks like one of YAML; empty where there is none."""
    bare = re.sub(r"""("[^"\n]*"|'[^'\n]*'|(?<!\S)#.*)""", lambda match: " " * len(match[0]), text)
    found = re.search(f"[{''.join(map(re.escape, SIGNS))}“”„‘’‚]", bare)
    return found[0] if found else ""


def _signs(broken: Broken, line: Line) -> Iterator[Slip]:
    """A full-width colon, a no-break space, a curly quote."""
    sign = odd_sign(line.text)
    if not sign:
        return
    right = signs_put_right(line.text)
    at = line.text.index(sign)
    stop = max(position for position, each in enumerate(line.text) if odd_sign(each)) + 1
    tail = line.text[stop:].lstrip(" ") if SIGNS.get(line.text[stop - 1], "")[-1:] == " " else ""
    stop = len(line.text) - len(tail) if tail else stop
    head = signs_put_right(line.text[:at] + "x")[:-1]
    rest = signs_put_right("x" + line.text[stop:])[1:] if stop < len(line.text.rstrip()) else ""
    middle = right[len(head) : len(right) - len(rest)]
    shown = NAMES.get(sign) or f"`{sign}`"
    message = f"{shown} is no sign of YAML"
    meant = SIGNS.get(sign, '"' if sign in "“”„" else "'").strip()
    advice = f"write `{meant}`" if meant else "write blanks"
    whole = signs_put_right(broken.text.content)
    yield Slip(message, line.start + at, line.start + stop, advice, middle, whole=whole)


def _comments(line: Line) -> Iterator[Slip]:
    """A comment as other languages have it."""
    match = re.search(r"(?:^[ ]*|(?<=[ ]))(//+|--+|;+|/\*)(?=[ ]|$)(.*)$", line.text)
    if match is None:
        return
    start = line.start + match.start(1)
    if match[1] == "/*":
        right = "#" + re.sub(r"[ ]*\*/[ ]*$", "", match[2])
        yield Slip("a comment begins with `#`", start, line.end, "write `#`", right)
    else:
        end = start + len(match[1])
        yield Slip("a comment begins with `#`", start, end, "write `#`", "#")


def _directive(broken: Broken, line: Line) -> Iterator[Slip]:
    """A version of YAML that no document follows."""
    for number in (1, 2, 3):
        if number > len(broken.text.starts):
            return
        first = broken.line(number)
        if first.text.startswith("%YAML"):
            message = "no document follows the version of YAML"
            advice = f"leave out `{first.text.strip()}`, or write `---` below it"
            yield Slip(message, first.start, line.start, advice, "")


def _bullets(broken: Broken, line: Line) -> Iterator[Slip]:
    """What stands instead of a dash and a blank."""
    match = BULLETS.match(line.text)
    if match is None:
        return
    sign = match[2] or match[4]
    start = line.start + len(match[1] if match[2] else match[3])
    whole = BULLETS.sub(lambda each: f"{each[1] or each[3] or ''}- ", broken.text.content)
    message = "a blank is missing behind the dash"
    if sign != "-":
        message = f"an item begins with a dash, and this with `{sign}`"
    word = re.match(r"[^\s:{\[]+", line.text[match.end() :])
    advice = f"write `- {word[0]}`" if word else "write `- `"
    yield Slip(message, start, line.start + match.end(), advice, "- ", whole=whole)


def _equals(line: Line) -> Iterator[Slip]:
    """An equals sign for a colon."""
    match = re.match(rf"({LEAD})({WORD})([ ]*=[ ]*)(?!=)", line.text)
    if match is None:
        return
    start, end = line.start + match.start(3), line.start + match.end()
    rest = line.text[match.end() :].strip()
    right = ": " if rest else ":"
    advice = f"write `{match[2]}:{' ' + _short(rest) if rest else ''}`"
    message = f"an equals sign stands behind `{match[2]}`, where a colon belongs"
    yield Slip(message, start, end, advice, right)


def _blanks(line: Line) -> Iterator[Slip]:
    """No blank behind a colon, or one before it instead."""
    match = re.match(rf"({LEAD})({WORD})[ ]*:(?=[^\s:/])", line.text)
    if match is None:
        return
    start, end = line.start + match.end(2), line.start + match.end()
    rest = line.text[match.end() :].strip()
    message = f"a blank is missing behind `{line.text[match.start(2) : match.end()]}`"
    yield Slip(message, start, end, f"write `{match[2]}: {_short(rest)}`", ": ")


def _colons(broken: Broken, line: Line) -> Iterator[Slip]:
    """No colon behind a key."""
    match = re.match(rf"({LEAD})({WORD})([ ]*)(?=[{{\[])", line.text)
    if match is not None:
        start, end = line.start + match.start(2), line.start + match.end()
        rest = line.text[match.end() :].strip()
        message = f"a colon is missing behind `{match[2]}`"
        advice = f"write `{match[2]}: {_short(rest)}`"
        yield Slip(message, start, end, advice, f"{match[2]}: ")
    match = re.match(rf"({LEAD})({WORD})[ ]*$", line.text)
    if match is not None and _beside_modifier(broken, line, match):
        start, end = line.start + match.start(2), line.start + match.end(2)
        message = f"a colon is missing behind `{match[2]}`"
        yield Slip(message, start, end, f"write `{match[2]}:`", f"{match[2]}:")
    below = broken.below(broken.number(line.start))
    if match is None or below is None:
        return
    start = line.start + match.start(2)
    listed = below.text.lstrip().startswith("- ") and below.indent >= line.indent
    listed = listed and (match[2] not in CATALOGUE or takes_branches(match[2]))
    keyed = re.match(rf"[ ]+{WORD}[ ]*:(?:[ ]|$)", below.text) is not None
    if (listed and "-" not in match[1]) or (keyed and below.indent > line.indent):
        dash = "- " if "-" in match[1] else ""
        message = f"a colon is missing behind `{match[2]}`"
        yield Slip(
            message, start, start + len(match[2]), f"write `{dash}{match[2]}:`", f"{match[2]}:"
        )


def _fields(broken: Broken, line: Line) -> Iterator[Slip]:
    """A field of a kind on a line below it, and no colon behind it, or behind neither."""
    number = broken.number(line.start)
    kind = _kind_above(broken, number)
    match = _bare(line.text, kind and kind[1])
    if match is None or kind is None:
        return
    lines = broken.text.content.split("\n")
    top, name = kind
    for each in range(top + 1, min(number + 20, len(lines) + 1)):
        other = _kind_above(broken, each)
        bare = _bare(lines[each - 1], other[1] if other is not None else None)
        if bare is not None:
            lines[each - 1] = f"{lines[each - 1][: bare.end(2)]}:{lines[each - 1][bare.end(2) :]}"
    written = f"{match[2]}: {_short(line.text[match.end() :].strip())}"
    message, advice = f"a colon is missing behind `{match[2]}`", f"write `{written}`"
    start, end, right = line.start + match.start(2), line.start + match.end(2), f"{match[2]}:"
    item = re.match(rf"{LEAD}{name}(?=[ ]*$)", broken.line(top).text)
    if item is not None:
        start = broken.line(top).start + item.end() - len(name)
        shown = item[0].strip()
        message = f"colons are missing behind `{name}` and `{match[2]}`"
        beside = len(match[1]) <= item.end() - len(name)
        below = "below it, indented further," if beside else "below it"
        advice = f"write `{shown}:`, and {below} `{written}`"
        lines[top - 1] = f"{lines[top - 1][: item.end()]}:{lines[top - 1][item.end() :]}"
        fixed = "\n".join(lines[top - 1 : number])[item.end() - len(name) :]
        behind = lines[number - 1][match.end(2) + 1 :]
        right = fixed[: len(fixed) - len(behind)]
    yield Slip(message, start, end, advice, right, whole="\n".join(lines))


def _bare(text: str, kind: str | None) -> "re.Match[str] | None":
    """A field of a kind and its value on a line, with a blank alone between them."""
    match = re.match(rf"([ ]+)({WORD})[ ]+(?=[^\s:=#])", text)
    if match is None or kind is None or ": " in text[match.end() :]:
        return None
    return match if match[2] in declarations(layer_class(kind)) else None


def _kind_above(broken: Broken, number: int) -> tuple[int, str] | None:
    """The kind that a line may have fields of, the nearest above that is indented less; its line.

    What is no kind is no answer.
    """
    text = broken.line(number).text
    indent = len(text) - len(text.lstrip(" "))
    for above in range(number - 1, max(number - 20, 0), -1):
        other = broken.line(above)
        match = re.match(rf"({LEAD})({WORD})[ ]*:?[ ]*$", other.text)
        if match is not None and other.indent < indent:
            return (above, match[2]) if match[2] in CATALOGUE else None
    return None


def _beside_modifier(broken: Broken, line: Line, word: "re.Match[str]") -> bool:
    """Whether a kind stands below a key such as `name`, in the same column."""
    number = broken.number(line.start)
    if number < 2 or "-" in word[1] or word[2] not in {*CATALOGUE, *_blocks(broken)}:
        return False
    above = re.match(rf"({LEAD})({WORD})[ ]*:(?:[ ]|$)", broken.line(number - 1).text)
    return above is not None and above[2] in MODIFIERS and above.start(2) == word.start(2)


def _list_behind_key(broken: Broken, line: Line) -> Iterator[Slip]:
    """A list that begins on the line of its key."""
    match = re.match(rf"({LEAD}{WORD}:)([ ]+)(?=-[ ])", line.text)
    if match is None:
        return
    start, end = line.start + match.end(1), line.start + match.end()
    below = broken.below(broken.number(line.start))
    goes_on = below is not None and below.text.lstrip().startswith("- ")
    indent = below.indent if goes_on and below is not None else line.indent + 2
    key = match[1].strip(" -")
    yield Slip(
        f"a list begins behind `{key}`",
        start,
        end,
        f"begin it on the next line: `{line.text[match.end() :].strip()}`",
        f"\n{' ' * indent}",
    )


def _dashes(broken: Broken, line: Line) -> Iterator[Slip]:
    """An item without its dash."""
    match = re.match(rf"([ ]*)({WORD})(?=[ ]*(?::[ ]|:?$))", line.text)
    if match is None or (match[2] not in CATALOGUE and match[2] not in _blocks(broken)):
        return
    start = line.start + match.start(2)
    message = f"the dash before `{match[2]}` is missing"
    end = start + len(match[2])
    whole = re.sub(
        rf"^({match[1]})({WORD})(?=[ ]*(?::[ ]|:?$))",
        lambda each: f"{each[1]}- {each[2]}" if each[2] in CATALOGUE else each[0],
        broken.text.content,
        flags=re.MULTILINE,
    )
    yield Slip(message, start, end, f"write `- {match[2]}`", f"- {match[2]}")
    yield Slip(message, start, end, f"write `- {match[2]}`", f"- {match[2]}", whole=whole)


def _blocks(broken: Broken) -> set[str]:
    """Words that a spec may call: the keys that are indented."""
    return set(re.findall(rf"^[ ]+({WORD}):[ ]*$", broken.text.content, re.MULTILINE)) - {
        *MODIFIERS,
        "layers",
        "parameters",
    }


def indentations(broken: Broken) -> Iterator[Slip]:
    """A line that is indented otherwise than the lines around it allow."""
    if broken.line(1).text.startswith(" "):
        yield from _indented(broken, broken.line(1), 1)
    for line in broken.suspects[:2]:
        yield from _indented(broken, line, broken.number(line.start))


def _indented(broken: Broken, line: Line, number: int) -> Iterator[Slip]:
    """A line indented as those above it, the nearest first."""
    columns: list[tuple[int, str]] = []
    for above in range(number - 1, max(number - 30, 0), -1):
        other = broken.line(above)
        lead = re.match(rf"{LEAD}({WORD})?", other.text)
        if not other.text.strip() or lead is None:
            continue
        shown = lead[1] or other.text.strip()[:20]
        columns.append((other.indent, shown))
        if "-" in lead[0] and lead[1]:
            columns.append((lead.start(1), shown))
    if number == 1:
        columns = [(0, "")]
    known: dict[int, str] = {}
    for column, shown in columns:
        known.setdefault(column, shown)
    known.pop(line.indent, None)
    content = broken.text.content
    good = []
    for column, shown in known.items():
        stop = _block_end(broken, line, number)
        moved = _moved(content[line.start : stop], column - line.indent)
        good.append((column, shown, content[: line.start] + moved + content[stop:], stop))
    from convcalc.spec.slips import error_of

    works = [each for each in good if error_of(each[2]) is None]
    for column, shown, whole, stop in works or good:
        if not _stays(broken, line, column, number):
            continue
        word = re.match(rf"{LEAD}({WORD})?", line.text)
        name = (word and word[1]) or line.text.strip()[:20]
        alone = "\n" not in content[line.start : stop].rstrip("\r\n")
        start, end = line.start, line.start + max(line.indent, 1)
        right = " " * column + ("" if line.indent else content[line.start : line.start + 1])
        message = f"`{name}` is indented by {line.indent}"
        message += f", and `{shown}` above it by {column}" if shown else ", and what follows by 0"
        advice = f"indent it by {column}" if column else "begin it at the start of its line"
        sure = alone and len(works) == 1
        yield Slip(message, start, end, advice, right, sure=sure, whole=whole)


def _stays(broken: Broken, line: Line, column: int, number: int) -> bool:
    """Whether a line that begins in a column can still be of the item that it stands in.

    A field further out would be a key of what is around the item, and take along what follows.
    """
    word = re.match(rf"[ ]*({WORD})[ ]*:(?:[ ]|$)", line.text)
    if word is None or word[1] in {*TOP_LEVEL, *BLOCK_KEYS}:
        return True
    for above in range(number - 1, max(number - 30, 0), -1):
        other = broken.line(above)
        if re.match(r"[ ]*-[ ]", other.text):
            return other.indent < column
        if other.text.strip() and other.indent < column:
            return True
    return True


def _block_end(broken: Broken, line: Line, number: int) -> int:
    """Where a line ends with those below that are indented more."""
    stop = number
    for below in range(number + 1, min(number + 200, len(broken.text.starts)) + 1):
        other = broken.line(below)
        if other.text.strip() and other.indent <= line.indent:
            break
        stop = below
    starts = broken.text.starts
    return starts[stop] if stop < len(starts) else len(broken.text.content)


def _moved(text: str, by: int) -> str:
    """Lines indented by more blanks, or fewer."""
    if by >= 0:
        return re.sub(r"^(?=[^\n\r])", " " * by, text, flags=re.MULTILINE)
    return re.sub(rf"^[ ]{{0,{-by}}}", "", text, flags=re.MULTILINE)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
