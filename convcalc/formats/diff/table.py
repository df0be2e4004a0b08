"""The comparison as aligned text."""

from convcalc.analysis.compare import Comparison
from convcalc.formats.diff import HEAD, RIGHT, row, totals
from convcalc.formats.plain import aligned

_STYLES = {"+": "\x1b[32m", "−": "\x1b[31m", "~": "\x1b[33m", "·": "\x1b[2m"}


def render(comparison: Comparison, *, color: bool = False) -> str:
    """The layers that changed and the totals, ending in a newline."""
    old, new = comparison.old, comparison.new
    title = f"{old.name} → {new.name}" if old.name != new.name else new.name
    lines = [f"{title} ({old.path} → {new.path})", ""]
    if comparison.changes:
        rows = [row(change) for change in comparison.changes]
        table: list[list[str]] = [HEAD, *rows]
        body = aligned(table, RIGHT)
        lines.append(body[0])
        for cells, line in zip(rows, body[1:], strict=True):
            lines.append(f"{_STYLES[cells[0]]}{line}\x1b[0m" if color else line)
    else:
        lines.append("No layer changed.")
    numbers: list[list[str]] = [["", "Old", "New", "Difference", ""], *totals(comparison)]
    lines += ["", *aligned(numbers, [False, True, True, True, True])]
    return "\n".join(lines) + "\n"
