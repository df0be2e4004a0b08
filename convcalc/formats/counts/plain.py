"""Counts of tools as aligned text."""

from convcalc.formats.counts import Sheet
from convcalc.formats.plain import aligned


def render(sheet: Sheet, **_: object) -> str:
    """The table under its title, ending in a newline."""
    text = [sheet.title]
    if sheet.cells:
        rows = [[head.title for head in sheet.heads], *sheet.cells]
        text += ["", *aligned(rows, [head.right for head in sheet.heads])]
    return "\n".join([*text, *([""] if sheet.notes else []), *sheet.notes]) + "\n"
