"""Slips in brackets and quotes: a comma too few, a bracket too many, a quote that is not closed."""

import re
from collections.abc import Iterator

from convcalc.spec.slips.broken import Broken, Line, Slip
from convcalc.spec.slips.lines import LEAD, WORD

CLOSING = {"[": "]", "{": "}"}
_TOKEN = re.compile(r"""[\[\]{}\n]|"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|(?<!\S)\#.*""")
"""A bracket, the end of a line, or what may hold brackets that are none."""
LONGEST_TOKEN = 40
"""Characters of a value that are marked as a whole."""
MOST_BACK = 400
"""Characters before the place where reading ended that are looked at."""


def slips(broken: Broken) -> Iterator[Slip]:
    """What may be wrong with the brackets and quotes around the place where reading ended."""
    yield from _commas(broken)
    yield from _stray(broken)
    yield from _unclosed(broken)
    yield from _quotes(broken)
    for line in broken.suspects:
        yield from _apostrophes(line)


def _commas(broken: Broken) -> Iterator[Slip]:
    """Two entries without a comma between them, with another sign, or with a comma too many."""
    content, at = broken.text.content, broken.stopped
    if "',' or" not in broken.problem and "node content" not in broken.problem:
        return
    before = content[max(at - MOST_BACK, 0) : at]
    base = at - len(before)
    for pattern in (rf"""([^\s,{{\[:;])([ \t]*;)?(\s*)(["']?{WORD}["']?)\s*\Z""", None):
        match = re.search(pattern or r"([^\s,{\[:;])([ \t]*;)?(\s*)()\Z", before)
        if match is None or (pattern and not match[2] and not match[3]):
            continue
        if pattern is None and not re.match(r"""["'{\[A-Za-z_]""", content[at : at + 1]):
            continue
        end = base + (match.end(2) if match[2] else match.end(1))
        token = re.search(
            r"""(?:"[^"\n]*"|'[^'\n]*'|[^\s,{}\[\]:;]+|[}\]])\Z""", before[: match.end(1)]
        )
        long = token is None or len(token[0]) > LONGEST_TOKEN
        start = base + (match.start(1) if long or token is None else token.start())
        value = content[start : base + match.end(1)]
        right = f"{value}," + ("" if match[3] else " ")
        name = match[4] or re.match(r"[\"']?\w*[\"']?", content[at : at + 40])[0]  # type: ignore[index]
        if match[2]:
            message = f"a semicolon stands behind `{value}`, where a comma belongs"
        else:
            message = f"a comma is missing behind `{value}`"
        advice = f"write `{value}, {name}`" if name else f"write `{value},`"
        yield Slip(message, start, end, advice, right)
    if content[at : at + 1] == ",":
        message = "nothing stands between this comma and what is before it"
        spare = re.match(r",[ ]*", content[at:])
        end = at + (spare.end() if spare and content[at - 1 : at] != "," else 1)
        yield Slip(message, at, end, "leave the comma out", "")


def _stray(broken: Broken) -> Iterator[Slip]:
    """A bracket that closes nothing."""
    content, at = broken.text.content, broken.stopped
    if content[at : at + 1] not in ("}", "]", ")"):
        return
    sign = content[at]
    if not _closed_without(broken, at):
        return
    message = f"`{sign}` closes nothing"
    yield Slip(message, at, at + 1, "leave it out", "")


def _closed_without(broken: Broken, spare: int) -> bool:
    """Whether all brackets that are open at one are closed behind it when it is left out."""
    content = broken.text.content
    first = broken.line(broken.number(broken.opened)).start
    open_: list[str] = []
    for match in _TOKEN.finditer(content, first, spare + 500):
        sign, at = match[0], match.start()
        if at > spare and not open_:
            return True
        if at == spare:
            continue
        if sign in CLOSING:
            open_.append(sign)
        elif sign in ("]", "}") and open_ and CLOSING[open_.pop()] != sign:
            return False
        elif sign == "\n" and at > spare:
            before, behind = content[first:at].rstrip(), content[at : at + MOST_BACK].lstrip()
            if not before.endswith((",", "[", "{")) and not behind.startswith((",", "]", "}")):
                return False
    return not open_


def _unclosed(broken: Broken) -> Iterator[Slip]:
    """A list or mapping in brackets that is not closed, or by the bracket of the other."""
    content = broken.text.content
    first = broken.line(broken.number(broken.opened)).start
    if broken.number(broken.stopped) - broken.number(broken.opened) > 50:
        stop = broken.text.starts[broken.number(broken.opened) + 50]
    else:
        stop = min(broken.stopped + 500, len(content))
    open_: list[tuple[str, int]] = []
    for match in _TOKEN.finditer(content, first, stop):
        sign, at = match[0], match.start()
        if sign in CLOSING:
            open_.append((sign, at))
        elif sign in ("]", "}"):
            if open_ and CLOSING[open_[-1][0]] == sign:
                open_.pop()
                continue
            wanted = [CLOSING[each] for each, _ in open_]
            if sign in wanted:
                missing = "".join(
                    reversed(wanted[len(wanted) - 1 - wanted[::-1].index(sign) + 1 :])
                )
                yield _missing(broken, at, missing, open_[-1][1])
            if open_:
                message = f"`{open_[-1][0]}` is closed by `{sign}`"
                right = CLOSING[open_[-1][0]]
                yield Slip(message, at, at + 1, f"write `{right}`", right)
            return
        elif sign == "\n" and open_ and not content[first:at].rstrip().endswith((",", "[", "{")):
            yield _missing(broken, at, _closing(open_), open_[-1][1])
    if open_:
        yield _missing(broken, len(content[:stop].rstrip()), _closing(open_), open_[-1][1])


def _closing(open_: list[tuple[str, int]]) -> str:
    return "".join(CLOSING[sign] for sign, _ in reversed(open_))


def _missing(broken: Broken, at: int, closing: str, opened: int) -> Slip:
    """What opens somewhere and is closed nowhere."""
    content = broken.text.content
    line = broken.line(broken.number(max(at - 1, 0)))
    at = min(at, line.end) if "\n" not in content[at : at + 1] or at > line.end else at
    last = re.search(r"\S{1,30}\Z", content[line.start : at])
    start = line.start + last.start() if last else at - 1
    right = content[start:at] + closing
    sign = content[opened]
    number, column = broken.text.position(opened)
    where = "" if number == broken.text.line_of(start) else f" of line {number}, column {column},"
    message = f"`{sign}`{where} is not closed"
    return Slip(message, start, at, f"write `{right}`", right)


def _quotes(broken: Broken) -> Iterator[Slip]:
    """Quotes that are not closed, or text behind them, or a backslash in them."""
    content, opened = broken.text.content, broken.opened
    sign = content[opened : opened + 1]
    line = broken.line(broken.number(opened))
    stop = line.start + len(broken.text.line(broken.number(opened)).rstrip())
    if sign in ('"', "'") and "quoted scalar" in broken.problem:
        if "escape" in broken.problem and sign == '"':
            end = content.find('"', broken.stopped) + 1
            inner = content[opened + 1 : end - 1]
            if end and "\n" not in inner and "'" not in inner:
                message = "a backslash in double quotes begins a sign of its own"
                yield Slip(message, opened, end, f"write `'{inner}'`", f"'{inner}'")
            return
        ends = [match.start() for match in re.finditer(r"[,}\]]", content[opened:stop])]
        for length in [*ends[:4], stop - opened]:
            written = content[opened : opened + length].rstrip()
            if len(written) > 1:
                message = f"the quote {sign} is not closed"
                end = opened + len(written)
                yield Slip(message, opened, end, f"write `{written}{sign}`", written + sign)


def _apostrophes(line: Line) -> Iterator[Slip]:
    """Text in quotes that has quotes in it, or more text behind it."""
    match = re.match(rf"({LEAD}(?:{WORD}:[ ]+)?)([\"'].*\S)[ ]*$", line.text)
    if match is None:
        return
    written = match[2]
    inner = written[1:-1] if written[-1] == written[0] and len(written) > 2 else ""
    sign = written[0]
    other = "'" if sign == '"' else '"'
    start, end = line.start + match.start(2), line.start + match.end(2)
    if inner and other not in inner and "\\" not in inner:
        message = f"the text in {sign} has {sign} in it"
        right = f"{other}{inner}{other}"
        yield Slip(message, start, end, f"write `{right}`", right)
    elif not inner:
        whole = (
            f"{other}{written}{other}"
            if other not in written
            else "'" + written.replace("'", "''") + "'"
        )
        message = "text stands behind the closing quote"
        yield Slip(message, start, end, f"write `{whole}`", whole)
