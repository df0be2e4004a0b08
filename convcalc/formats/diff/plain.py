"""The comparison as aligned text, for pipes and files."""

from collections.abc import Mapping

from convcalc.analysis.compare import Comparison
from convcalc.formats.diff import HEAD, RIGHT, row, totals
from convcalc.formats.plain import aligned


def render(comparison: Comparison, **_: object) -> str:
    """The layers that changed and the totals, ending in a newline."""
    return text(comparison, {})


def text(comparison: Comparison, styles: Mapping[str, str]) -> str:
    """The same, with what a terminal is told before a layer by the sign of what became of it."""
    old, new = comparison.old, comparison.new
    title = f"{old.name} → {new.name}" if old.name != new.name else new.name
    lines = [f"{title} ({old.path} → {new.path})", ""]
    if comparison.changes:
        rows = [row(change) for change in comparison.changes]
        table: list[list[str]] = [HEAD, *rows]
        body = aligned(table, RIGHT)
        lines.append(body[0])
        for cells, line in zip(rows, body[1:], strict=True):
            style = styles.get(cells[0])
            lines.append(f"{style}{line}\x1b[0m" if style else line)
    else:
        lines.append("No layer changed.")
    numbers: list[list[str]] = [["", "Old", "New", "Difference", ""], *totals(comparison)]
    lines += ["", *aligned(numbers, [False, True, True, True, True])]
    return "\n".join(lines) + "\n"
