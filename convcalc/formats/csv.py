"""Comma-separated values: one row a layer, numbers as programs read them."""

import csv
import io
from collections.abc import Sequence

from convcalc.analysis.report import Report
from convcalc.formats.columns import table


def render(
    report: Report,
    *,
    columns: Sequence[str] | None = None,
    depth: int | None = None,
    header: bool = True,
    several: bool = False,
) -> str:
    """The report as CSV; of `several` reports, each row starts with the spec's name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(table(report, columns, depth, header=header, several=several))
    return text.getvalue()
