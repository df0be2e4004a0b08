"""What a sweep comes to as tables on a terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from convcalc.formats import sweep
from convcalc.formats.table import Screen
from convcalc.sweeps.report import SweepReport


def render(result: SweepReport, *, width: int | None = None, color: bool = True) -> str:
    """The same as plain text, wider than the terminal if it must be to cut no number."""
    console = Screen(width, color=color)
    console.print(Text(sweep.title(result), style="bold"))
    for line in sweep.summary(result):
        console.print(Text(line))
    for each in sweep.tables(result):
        console.print()
        console.print(Text(each.title, style="bold"))
        needed = _print(console, each)
        console.width = max(console.width, needed)
        if each.front and (drawn := sweep.letters(result)):
            console.print()
            console.width = max(console.width, *map(len, drawn))
            console.print(Text("\n".join(drawn)))
    invalid = [*sweep.reasons(result)]
    if invalid:
        console.print()
        console.print(Text("Why designs are invalid, with an example of each reason:", "bold"))
        for count, code, where, message, example in invalid:
            console.print(Text.assemble((f"{count} × {code}", "bold red"), f" {where}: {message}"))
            console.print(Text(f"    {example}", style="dim"))
        for line in sweep.further(result):
            console.print(Text(line, style="bold red"))
    return console.written()


def _print(console: Screen, each: sweep.Table) -> int:
    """Print a table, and say how wide it is."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=0)
    needed = 0
    for column, (head, rightward) in enumerate(zip(each.head, each.right, strict=True)):
        widest = max(len(head), *(len(row[column]) for row in each.rows), 0)
        needed += widest + 2
        table.add_column(
            head, justify="right" if rightward else "left", no_wrap=True, min_width=widest + 1
        )
    for row in each.rows:
        table.add_row(*map(Text, row))
    console.width = max(console.width, needed)
    console.print(table)
    if each.more:
        console.print(Text(each.more, style="dim"))
    return needed
