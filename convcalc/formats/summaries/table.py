"""Networks as a table on a terminal, one a line."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from convcalc.analysis.summaries import Summary
from convcalc.formats.columns import UNKNOWN
from convcalc.formats.summaries import SummaryColumn, notes, title
from convcalc.formats.table import Screen


def render(
    rows: Sequence[Summary],
    columns: Sequence[SummaryColumn],
    *,
    width: int | None = None,
    color: bool = True,
    **_: object,
) -> str:
    """The table, ending in a newline; wider than the terminal if it must be to cut no number."""
    console = Screen(width, color=color)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=0)
    needed = 0
    for column in columns:
        heads = column.title.split(" ", 1)
        widest = max(map(len, [*heads, *(column.cell(row) for row in rows)]))
        needed += widest + 2
        table.add_column(
            "\n".join(heads),
            justify="right" if column.right else "left",
            no_wrap=True,
            min_width=widest + 1,
        )
    for row in rows:
        cells = [column.cell(row) for column in columns]
        table.add_row(*(Text(cell, style="bold red" if cell == UNKNOWN else "") for cell in cells))
    console.width = max(console.width, needed)
    console.print(Text(title(rows), style="bold"))
    console.print(table)
    for said in notes(rows, columns):
        console.print()
        console.print(Text(said, style="bold red"))
    return console.written()
