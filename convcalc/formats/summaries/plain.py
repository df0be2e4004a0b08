"""Networks as aligned text, one a line."""

from collections.abc import Sequence

from convcalc.analysis.summaries import Summary
from convcalc.formats.plain import aligned
from convcalc.formats.summaries import SummaryColumn, notes, title


def render(rows: Sequence[Summary], columns: Sequence[SummaryColumn], **_: object) -> str:
    """The table, ending in a newline."""
    cells = [[column.title for column in columns]]
    cells += [[column.cell(row) for column in columns] for row in rows]
    lines = [title(rows), "", *aligned(cells, [column.right for column in columns])]
    said = notes(rows, columns)
    return "\n".join([*lines, *([""] if said else []), *said]) + "\n"
