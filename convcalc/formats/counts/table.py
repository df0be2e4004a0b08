"""Counts of tools as a table on a terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from convcalc.formats.columns import UNKNOWN
from convcalc.formats.counts import Sheet
from convcalc.formats.table import Screen


def render(sheet: Sheet, *, width: int | None = None, color: bool = True, **_: object) -> str:
    """The table, ending in a newline; its last column is folded where it is too wide."""
    console = Screen(width, color=color)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    needed = 0
    for at, head in enumerate(sheet.heads):
        last = at == len(sheet.heads) - 1
        widest = max(map(len, [head.title, *(row[at] for row in sheet.cells)]), default=0)
        needed += min(widest, 30) + 3 if last else widest + 3
        table.add_column(
            head.title,
            justify="right" if head.right else "left",
            no_wrap=not last,
            min_width=min(widest, 30) if last else widest,
            overflow="fold",
        )
    for row in sheet.cells:
        table.add_row(*(Text(cell, style="bold red" if cell == UNKNOWN else "") for cell in row))
    console.width = max(console.width, needed)
    console.print(Text(sheet.title, style="bold"))
    if sheet.cells:
        console.print(table)
    for said in sheet.notes:
        console.print(Text(said, style="bold red"))
    return console.written()
