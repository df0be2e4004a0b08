"""Counts of tools as a Markdown table."""

from collections.abc import Sequence

from convcalc.formats.counts import Sheet
from convcalc.formats.markdown import escaped


def render(sheet: Sheet, **_: object) -> str:
    """The table under a heading, ending in a newline."""
    lines = [f"### {escaped(sheet.title)}"]
    if sheet.cells:
        lines += ["", _row([head.title for head in sheet.heads])]
        lines.append(
            "| " + " | ".join("--:" if head.right else ":--" for head in sheet.heads) + " |"
        )
        lines += [_row(row) for row in sheet.cells]
    for said in sheet.notes:
        lines += ["", f"**{escaped(said)}**"]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escaped(cell.strip()) for cell in cells) + " |"
