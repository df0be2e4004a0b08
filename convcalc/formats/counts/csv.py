"""Counts of tools as comma-separated values, numbers as programs read them."""

import csv
import io

from convcalc.formats.counts import Sheet


def render(sheet: Sheet, *, header: bool = True, several: bool = False, **_: object) -> str:
    """The table, ending in a newline; of `several` specs each row starts with the spec."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    spec = [sheet.spec] if several else []
    if header:
        writer.writerow([*(["spec"] if several else []), *sheet.keys])
    writer.writerows([*spec, *row] for row in sheet.values)
    return text.getvalue()
