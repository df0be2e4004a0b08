"""The table on a terminal: a tree of blocks, colours, and bars for shares of the memory."""

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from convcalc.analysis.report import Report
from convcalc.formats.columns import COLUMNS, NONE, UNKNOWN, usual_columns
from convcalc.formats.rows import Row, rows
from convcalc.formats.summary import notes, summary, title
from convcalc.numbers import bar, scaled

if TYPE_CHECKING:
    from convcalc.analysis.training import Training

LEAST, VERY_LEAST = 20, 14
"""Characters that hyperparameters keep before other columns give way, and before they go."""


class Screen(Console):
    """What is laid out for a terminal of a width (None: that of this one), kept as text."""

    def __init__(self, width: int | None, *, color: bool, theme: Theme | None = None) -> None:
        self._kept = io.StringIO()
        super().__init__(
            file=self._kept,
            width=width,
            force_terminal=color,
            no_color=not color,
            color_system="standard" if color else None,
            highlight=False,
            legacy_windows=False,
            theme=theme,
        )

    def written(self) -> str:
        """All that was printed, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._kept.getvalue().split("\n"))


def render(
    report: Report,
    *,
    columns: Sequence[str] | None = None,
    depth: int | None = None,
    peak: int | None = None,
    training: "Training | None" = None,
    width: int | None = None,
    color: bool = True,
) -> str:
    """The report as a table of at most `width` characters, ending in a newline."""
    console = Screen(width, color=color)
    shown = list(rows(report, depth))
    grid = [
        _Column(name, [_cell(name, row) for row in shown])
        for name in columns or usual_columns(report)
    ]
    for position, column in enumerate(grid):
        if column.name == "memory":
            most = report.totals.activation_bytes or 0
            shares = [_share(row, most) for row in shown]
            grid.insert(position + 1, _Column("share", shares))
            break
    fit = _Fit(grid, console.width, shown, chosen=columns is not None)
    shown_totals = summary(report, peak, training)
    # Wider than the terminal if it must be, because a number cut off is a wrong number.
    across = sum(_widest(part, shown_totals) for part in range(3)) + 2 * 2
    console.width = max(console.width, fit.needed, across)
    # The space between columns is their width's, because a padded cell takes rich twice the time.
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=0)
    for column in grid:
        wide = column.name == "hyperparameters"
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=not wide,
            min_width=None if wide else column.width + fit.gap - 1,
            overflow="fold",
        )
    for cells in zip(*(column.cells for column in grid), strict=True):
        table.add_row(*cells)
    console.print(Text(title(report), style="bold"))
    console.print(table)
    console.print()
    totals = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    totals.add_column(style="bold", no_wrap=True, min_width=len("Activations"))
    totals.add_column(justify="right", no_wrap=True, min_width=_widest(1, shown_totals))
    totals.add_column(style="dim", no_wrap=True, min_width=_widest(2, shown_totals))
    for line in shown_totals:
        totals.add_row(*map(Text, line))
    console.print(totals)
    if fit.hidden:
        note = f"Not shown for want of width: {', '.join(fit.hidden)} (--columns chooses)."
        console.print(Text(note, style="dim"))
    for said in notes(report):
        console.print(Text(said, style="bold red"))
    return console.written()


class _Column:
    """A column with its cells, so that its width is known before anything is drawn."""

    def __init__(self, name: str, cells: list[Text]) -> None:
        self.name = name
        self.cells = cells
        self.title = "" if name == "share" else COLUMNS[name].title.replace(" ", "\n")
        self.right = name != "share" and COLUMNS[name].right

    @property
    def width(self) -> int:
        """Characters of the widest cell."""
        titles = max(map(len, self.title.split("\n")))
        return max(titles, max((cell.cell_len for cell in self.cells), default=0))


class _Fit:
    """Columns that were made to fit, the least important first, and how.

    MACs get a unit, bars go, then memory and the receptive field; hyperparameters fold to LEAST
    characters and then further, columns move together, and at last hyperparameters and the kind go.
    No number is ever cut off.
    """

    def __init__(self, grid: list[_Column], width: int, shown: list[Row], *, chosen: bool) -> None:
        self.grid = grid
        self.least = LEAST
        self.gap = 2
        """Spaces behind each column."""
        self.hidden: list[str] = []
        """Columns that are left out."""
        steps: list[Callable[[], object]] = [
            lambda: _with_units(grid, shown),
            lambda: self._drop("share"),
            lambda: self._drop("memory"),
            lambda: self._drop("receptive_field"),
            self._fold,
            lambda: setattr(self, "gap", 1),
            lambda: self._drop("hyperparameters"),
            lambda: self._drop("kind"),
        ]
        for step in [] if chosen else steps:
            if self.needed <= width:
                break
            step()
        if "hyperparameters" in self.hidden:
            self.gap = 2
            if self.needed > width:
                self.gap = 1

    @property
    def needed(self) -> int:
        """Characters that the columns take at least."""
        widths = [
            min(column.width, self.least) if column.name == "hyperparameters" else column.width
            for column in self.grid
        ]
        return sum(widths) + self.gap * len(self.grid) - 1

    def _fold(self) -> None:
        self.least = VERY_LEAST
        for column in self.grid:
            if column.name == "hyperparameters":
                column.title = "Hyper-\nparameters"

    def _drop(self, name: str) -> None:
        kept = [column for column in self.grid if column.name != name]
        if len(kept) < len(self.grid) and name != "share":
            self.hidden.append(name)
        self.grid[:] = kept


def _with_units(grid: list[_Column], shown: list[Row]) -> None:
    """Write MACs with a unit."""
    for column in grid:
        if column.name == "macs":
            column.cells = [
                Text("" if row.heading else scaled(row.macs), style=cell.style)
                if row.macs is not None
                else cell
                for row, cell in zip(shown, column.cells, strict=True)
            ]


def _cell(name: str, row: Row) -> Text:
    if name == "name":
        return Text("  " * row.level + row.label, style="bold" if row.heading else "")
    cell = COLUMNS[name].cell(row)
    if cell == UNKNOWN:
        return Text(cell, style="bold red")
    if name == "kind":
        return Text(cell, style="cyan")
    return Text(cell, style="dim" if cell in (NONE, "0") else "")


def _widest(part: int, lines: list[tuple[str, str, str]]) -> int:
    return max(len(line[part]) for line in lines)


def _share(row: Row, most: int) -> Text:
    """The row's share of all activation memory, as a bar and per cent."""
    if not row.activation_bytes or not most:
        return Text("")
    share = row.activation_bytes / most
    return Text(f"{bar(share)} {share:>4.0%}", style="blue")
