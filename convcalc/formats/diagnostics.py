"""Findings as text: the place, what is, the source with a caret, and what to do."""

import unicodedata
from collections import Counter
from collections.abc import Iterable

from convcalc.diagnostics import SEVERITIES, Diagnostic
from convcalc.numbers import plural

MAX_WIDTH = 120
"""Characters of a source line that are shown."""

STYLES = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "note": "\x1b[1;34m",
    "help": "\x1b[1;36m",
    "dim": "\x1b[2m",
}
_RESET = "\x1b[0m"


def render(diagnostics: Iterable[Diagnostic], *, color: bool = False) -> str:
    """The findings one after the other, and how many there are; nothing of none."""
    listed = list(diagnostics)
    if not listed:
        return ""
    blocks = [render_one(diagnostic, color=color) for diagnostic in listed]
    return "\n".join([*blocks, f"Found {tally(listed)}.", ""])


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """How many findings there are of each severity: `2 errors, 1 warning and 3 notes`."""
    numbers = Counter(diagnostic.severity for diagnostic in diagnostics)
    *first, last = [plural(numbers[one], one) for one in SEVERITIES if numbers[one]]
    return f"{', '.join(first)} and {last}" if first else last


def render_one(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """One finding.

    The first line is `path:line:column: severity[code] message`; editors and terminals follow it.
    In values made in Python the place is `path: layers[3].conv.filters`. Which layers it is about
    stands below the source, where the place does not say that.
    """

    def styled(style: str, text: str) -> str:
        return f"{STYLES[style]}{text}{_RESET}" if color else text

    lines = [
        f"{printable(diagnostic.where)}: "
        + styled(diagnostic.severity, f"{diagnostic.severity}[{diagnostic.code}]")
        + f" {printable(diagnostic.message)}"
        + (f" {styled('dim', '[fixable]')}" if diagnostic.fixable else "")
    ]
    span = diagnostic.span
    text, start = _cropped(diagnostic.source_line, span.column - 1) if span else ("", 0)
    if span and text.strip():
        number = f"{span.line:>4}"
        last = span.end_column - 1 if span.end_line == span.line else len(diagnostic.source_line)
        length = max(min(last - (span.column - 1), len(text) - start), 1)
        before = "".join(" " * _width(character) for character in text[:start])
        under = "^" * max(sum(map(_width, text[start : start + length])), 1)
        marks = styled(diagnostic.severity, under)
        lines.append(f"{styled('dim', number + ' |')} {text}")
        lines.append(f"{styled('dim', ' ' * len(number) + ' |')} {before}{marks}")
    if diagnostic.built:
        lines.append(f"   = {styled('note', 'layer')}: {printable(diagnostic.layers)}")
    for place, what in diagnostic.related:
        where = printable(diagnostic._replace(place=place).where)
        lines.append(f"   = {styled('note', printable(what))}: {where}")
    if diagnostic.help:
        lines.append(f"   = {styled('help', 'help')}: {printable(diagnostic.help)}")
    return "\n".join(lines) + "\n"


def printable(text: str) -> str:
    r"""Text without characters that would move the cursor or change colours.

    >>> printable("a\x1b[31mb")
    'a�[31mb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else " " if character == "\t" else "\ufffd"
        for character in text
    )


def _cropped(line: str, column: int) -> tuple[str, int]:
    """The part of a source line around a column, and where the column is in it."""
    if len(line) <= MAX_WIDTH:
        return printable(line), min(column, len(line))
    start = max(min(column - MAX_WIDTH // 2, len(line) - MAX_WIDTH), 0)
    part = printable(line[start : start + MAX_WIDTH])
    if start:
        part = "…" + part[1:]
    if start + MAX_WIDTH < len(line):
        part = part[:-1] + "…"
    return part, column - start


def _width(character: str) -> int:
    """Columns of a terminal that a character takes."""
    if character.isascii():
        return 1
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
