"""The verdict as aligned text in colours."""

import re

from convcalc.checks.verdict import Verdict
from convcalc.formats.verify import BAD, GOOD, plain

_STYLES = {GOOD: "\x1b[32m", BAD: "\x1b[31m"}
_MARK = re.compile(f"[{GOOD}{BAD}]$", re.MULTILINE)


def render(verdict: Verdict, *, color: bool = False) -> str:
    """The same as plain text, with marks in colour."""
    text = plain.render(verdict)
    return coloured(text, good=verdict.good) if color else text


def coloured(text: str, *, good: bool) -> str:
    """A verdict's text with its title bold, its marks and its last line in colour."""
    head, *lines, last = text.rstrip("\n").split("\n")
    marked = [_MARK.sub(lambda found: f"{_STYLES[found[0]]}{found[0]}\x1b[0m", x) for x in lines]
    style = _STYLES[GOOD if good else BAD]
    return "\n".join([f"\x1b[1m{head}\x1b[0m", *marked, f"{style}{last}\x1b[0m"]) + "\n"
