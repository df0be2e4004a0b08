"""Comma-separated values: one row a layer, numbers as programs read them."""

import csv
import io
from collections.abc import Sequence

from convcalc.analysis.report import Report
from convcalc.formats.columns import COLUMNS, DEFAULT_COLUMNS, known_columns
from convcalc.formats.rows import rows

NAMES = {"memory": "activation_bytes"}
"""Columns whose values say what they are by another name."""


def render(
    report: Report,
    *,
    columns: Sequence[str] | None = None,
    depth: int | None = None,
    header: bool = True,
    several: bool = False,
) -> str:
    """The report as CSV; of `several` reports, each row starts with the spec's name."""
    names = known_columns(columns or DEFAULT_COLUMNS)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    first = ["spec"] if several else []
    if header:
        writer.writerow(first + [NAMES.get(name, name) for name in names])
    spec = [report.path] if several else []
    for row in rows(report, depth):
        if not row.heading:
            writer.writerow(spec + [COLUMNS[name].value(row) for name in names])
    return text.getvalue()
