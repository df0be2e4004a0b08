"""Live memory over the operations, drawn with blocks."""

from collections.abc import Sequence

from convcalc.analysis.memory import MemoryReport
from convcalc.numbers import both_bytes, megabytes

HEIGHT = 12
"""Rows of the picture."""
STEP = 4
"""Columns of the optimizer's step, which is one operation."""
LEAST = 20
"""Columns that it has at least."""
_EIGHTHS = " ▁▂▃▄▅▆▇█"
ALWAYS = "░"
"""What is there all the time."""


def drawn(report: MemoryReport, width: int) -> list[str]:
    """The picture, as lines of at most `width` characters; nothing of no operation.

    Each column is the largest of the operations it stands for.
    """
    if not report.timeline or not report.peak:
        return []
    top, middle = megabytes(report.peak), megabytes(report.peak // 2)
    margin = max(len(top), len(middle), len("0 B"))
    columns = max(width - margin - 2, LEAST)
    phases = _phases(report, columns)
    values = [value for _, values in phases for value in values]
    always = HEIGHT * report.fixed // report.peak
    lines = [_marker(report, values, margin)]
    for row in range(HEIGHT, 0, -1):
        label = {HEIGHT: top, HEIGHT // 2: middle}.get(row, "")
        cells = "".join(_cell(value, report.peak, row, always) for value in values)
        lines.append(f"{label:>{margin}} │{cells}".rstrip())
    axis = "".join("┴" + "─" * (len(values) - 1) for _, values in phases)
    lines.append(f"{'0 B':>{margin}} └{axis[1:]}")
    names = "".join(name[: len(values)].ljust(len(values)) for name, values in phases)
    lines.append(f"{'':>{margin}}  {names}".rstrip())
    legend = "parameters, state and input" if report.training else "parameters and input"
    lines.append(f"{'':>{margin}}  {ALWAYS} there all the time: {legend}")
    return lines


def _phases(report: MemoryReport, columns: int) -> list[tuple[str, list[int]]]:
    """Phase and the height of each of its columns."""
    forward = [moment.bytes for moment in report.timeline if moment.phase == "forward"]
    backward = [moment.bytes for moment in report.timeline if moment.phase == "backward"]
    if not report.training:
        return [("forward", _spread(forward, columns))]
    columns -= STEP
    first = round(columns * len(forward) / max(len(forward) + len(backward), 1))
    first = min(max(first, 1), columns - 1)
    return [
        ("forward", _spread(forward, first)),
        ("backward", _spread(backward, columns - first)),
        ("step", [report.step_peak] * STEP),
    ]


def _spread(values: Sequence[int], columns: int) -> list[int]:
    """Values over columns: the largest of those that fall together."""
    count = len(values)
    if not count:
        return [0] * columns
    return [
        max(
            values[
                column * count // columns : max(
                    (column + 1) * count // columns, column * count // columns + 1
                )
            ]
        )
        for column in range(columns)
    ]


def _cell(value: int, peak: int, row: int, always: int) -> str:
    eighths = max(8 * HEIGHT * value // peak, 1 if value else 0) - 8 * (row - 1)
    if eighths <= 0:
        return " "
    return ALWAYS if row <= always and eighths >= 8 else _EIGHTHS[min(eighths, 8)]


def _marker(report: MemoryReport, values: Sequence[int], margin: int) -> str:
    """Where the peak stands, and what it is."""
    at = max(range(len(values)), key=values.__getitem__)
    text = f"{both_bytes(report.peak)}, {report.peak_layer}"
    left = margin + 2 + at
    if len(text) + 2 <= len(values) - at:
        return f"{'':>{left}}▼ {text}"
    return f"{text + ' ▼':>{left + 1}}"
