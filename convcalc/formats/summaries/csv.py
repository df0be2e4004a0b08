"""Networks as comma-separated values: a row each, numbers as programs read them."""

import csv
import io
from collections.abc import Sequence

from convcalc.analysis.summaries import Summary
from convcalc.formats.summaries import SummaryColumn


def render(rows: Sequence[Summary], columns: Sequence[SummaryColumn], **_: object) -> str:
    """The table, ending in a newline; what is unknown is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    writer.writerows([column.data(row) for column in columns] for row in rows)
    return text.getvalue()
