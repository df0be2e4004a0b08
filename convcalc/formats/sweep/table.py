"""What a sweep comes to as tables on a terminal."""

from collections.abc import Callable, Sequence
from functools import partial

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import RenderableType
from rich.padding import Padding
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
    spare = sweep.spare(result.job)
    for each in sweep.tables(result):
        console.print()
        console.print(Text(each.title, style="bold"))
        _print(console, _Fit(each, spare, console.width))
        if each.more:
            console.print(Text(each.more, style="dim"))
        if each.front and (drawn := sweep.letters(result, console.width)):
            console.print()
            _wide(console, Text("\n".join(drawn)), max(map(len, drawn)))
    invalid = [*sweep.reasons(result)]
    if invalid:
        console.print()
        console.print(Text("Why designs are invalid, with an example of each reason:", "bold"))
        for count, code, where, message, example in invalid:
            console.print(Text.assemble((f"{count} × {code}", "bold red"), f" {where}: {message}"))
            console.print(Padding(Text(example, style="dim"), (0, 0, 0, 4)))
        for line in sweep.further(result):
            console.print(Text(line, style="bold red"))
    return console.written()


class _Fit:
    """The columns of a table that were made to fit, the least important first, and how.

    Heads fold, columns move together, and what nobody asked for goes. No number is ever cut off.
    """

    def __init__(self, table: sweep.Table, spare: Sequence[str], width: int) -> None:
        self.columns = [*range(len(table.names))]
        self.heads = table.head
        self.table = table
        self.gap = 2
        """Spaces between columns."""
        self.hidden: list[str] = []
        """Columns that are left out."""
        steps: list[Callable[[], object]] = [
            self._fold,
            *(partial(self._drop, name) for name in spare),
            lambda: setattr(self, "gap", 1),
        ]
        for step in steps:
            if self.needed <= width:
                break
            step()

    @property
    def widths(self) -> list[int]:
        """Characters of the widest cell of each column."""
        return [
            max(
                *map(cell_len, self.heads[column].split("\n")),
                *(cell_len(row[column]) for row in self.table.rows),
            )
            for column in self.columns
        ]

    @property
    def needed(self) -> int:
        """Characters that the columns take."""
        return sum(self.widths) + self.gap * (len(self.columns) - 1)

    def _fold(self) -> None:
        self.heads = [head.replace(" ", "\n") for head in self.heads]

    def _drop(self, name: str) -> None:
        self.columns.remove(self.table.names.index(name))
        self.hidden.append(name)


def _print(console: Screen, fit: _Fit) -> None:
    """Print a table, and say what of it is not shown."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=0)
    for number, (column, wide) in enumerate(zip(fit.columns, fit.widths, strict=True)):
        table.add_column(
            fit.heads[column],
            justify="right" if fit.table.right[column] else "left",
            no_wrap=True,
            min_width=wide + (fit.gap - 1 if number else 0),  # the box has one
        )
    for row in fit.table.rows:
        table.add_row(*(Text(row[column]) for column in fit.columns))
    _wide(console, table, fit.needed)
    if fit.hidden:
        note = f"Not shown for want of width: {', '.join(fit.hidden)} (--columns chooses)."
        console.print(Text(note, style="dim"))


def _wide(console: Screen, shown: RenderableType, needed: int) -> None:
    """Print what is not to be folded, over the end of the lines if it must be."""
    width = console.width
    console.width = max(width, needed)
    console.print(shown)
    console.width = width
