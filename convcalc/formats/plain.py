"""Aligned text, for pipes and files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convcalc.analysis.report import Report
from convcalc.formats.columns import chosen
from convcalc.formats.rows import rows
from convcalc.formats.summary import notes, summary, title

if TYPE_CHECKING:
    from convcalc.analysis.training import Training


def render(
    report: Report,
    *,
    columns: Sequence[str] | None = None,
    depth: int | None = None,
    peak: int | None = None,
    training: "Training | None" = None,
    color: bool = False,
) -> str:
    """The report as aligned text, ending in a newline."""
    del color
    picked = chosen(report, columns)
    cells = [[column.title for column in picked]]
    cells += [
        [column.cell(row) for column in picked] for row in rows(report, depth) if not row.heading
    ]
    lines = [title(report), "", *aligned(cells, [column.right for column in picked]), ""]
    lines += aligned([list(line) for line in summary(report, peak, training)], [False, True, False])
    lines += notes(report)
    return "\n".join(lines) + "\n"


def aligned(cells: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Rows of cells as lines whose columns line up, two spaces apart.

    >>> aligned([["a", "10"], ["bcd", "2"]], [False, True])
    ['a    10', 'bcd   2']
    """
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)] if cells else []
    return [
        "  ".join(
            cell.rjust(width) if rightward else cell.ljust(width)
            for cell, width, rightward in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
