"""Networks as a Markdown table, a row each."""

from collections.abc import Sequence

from convcalc.analysis.summaries import Summary
from convcalc.formats.markdown import escaped
from convcalc.formats.summaries import SummaryColumn, notes, title


def render(rows: Sequence[Summary], columns: Sequence[SummaryColumn], **_: object) -> str:
    """The table under a heading, ending in a newline."""
    lines = [f"### {title(rows)}", "", _row([column.title for column in columns])]
    lines.append("| " + " | ".join("--:" if column.right else ":--" for column in columns) + " |")
    lines += [_row([column.cell(row) for column in columns]) for row in rows]
    for said in notes(rows, columns):
        lines += ["", f"**{escaped(said)}**"]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
