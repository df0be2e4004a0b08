"""A page on a terminal: the same as plain text, folded to its width, with colours."""

import shutil

from convcalc.explanation.page import Page
from convcalc.formats.explanation import plain

COLORS = plain.Style(title="\x1b[1m", label="\x1b[36m", dim="\x1b[2m", end="\x1b[0m")
"""Titles are bold, labels cyan, heads of columns dim."""


def render(page: Page, *, width: int | None = None, color: bool = True) -> str:
    """The page as text of at most `width` characters a line (None: as the terminal has)."""
    wide = width or shutil.get_terminal_size().columns
    return plain.render(page, width=wide, style=COLORS if color else plain.PLAIN)
