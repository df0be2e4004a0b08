"""The comparison as HTML, for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape

from convcalc.analysis.compare import Comparison
from convcalc.formats.diff import HEAD, RIGHT, row, totals
from convcalc.numbers import plural

MAX_ROWS = 1_000
"""Rows a notebook is shown."""


def render(comparison: Comparison) -> str:
    """The totals, and the layers that changed, as one HTML element."""
    old, new = comparison.old, comparison.new
    title = f"{old.name} → {new.name}" if old.name != new.name else new.name
    lines = ["<div>", f"<p><b>{escape(title)}</b> ({escape(old.path)} → {escape(new.path)})</p>"]
    changes = comparison.changes
    if changes:
        lines += _table(HEAD, map(row, changes[:MAX_ROWS]), RIGHT)
    else:
        lines.append("<p>No layer changed.</p>")
    if len(changes) > MAX_ROWS:
        lines.append(f"<p>… and {plural(len(changes) - MAX_ROWS, 'layer')} more.</p>")
    head = ["", "Old", "New", "Difference", ""]
    lines += _table(head, totals(comparison), [False, True, True, True, True])
    return "\n".join([*lines, "</div>"])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool]) -> list[str]:
    lines = ["<table>", "<thead><tr>", *(f"<th>{escape(text)}</th>" for text in head)]
    lines.append("</tr></thead><tbody>")
    for cells in rows:
        written = "".join(
            f'<td style="text-align:{"right" if each else "left"}">{escape(cell)}</td>'
            for cell, each in zip(cells, right, strict=True)
        )
        lines.append(f"<tr>{written}</tr>")
    return [*lines, "</tbody></table>"]
