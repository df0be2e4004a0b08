"""The designs of a sweep as comma-separated values, one row each, in the order of their numbers."""

import csv
import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from convcalc.sweeps.digest import hex_of
from convcalc.sweeps.job import Encoded, Job
from convcalc.sweeps.report import SweepReport
from convcalc.sweeps.values import typed

PART = ""
"""A file of text grows as it is."""


def header(job: Job) -> bytes:
    """The first line: the number, the axes, what was worked out, and the network's digest."""
    return f"{','.join(_quoted(job.column_names))}\n".encode()


def encode(encoded: Encoded) -> bytes:
    """A line for each design."""
    rows = encoded.rows
    columns: list[Sequence[str]] = [list(map(str, rows.numbers.tolist()))]
    for axis, code in zip(encoded.space.axes, rows.codes, strict=True):
        texts = _cells(axis.texts)
        columns.append([texts[each] for each in code.tolist()])
    columns += [_column(rows.columns[name]) for name in encoded.names]
    columns.append(hex_of(rows.digest))
    lines = map(",".join, zip(*columns, strict=True))
    return "".join(f"{line}\n" for line in lines).encode()


def finish(part: str, path: str) -> None:
    """Nothing: the file is there already."""
    del part, path


def render(result: SweepReport, *, color: bool = False) -> str:
    """Nothing: the rows were written as they came."""
    del result, color
    return ""


@lru_cache(maxsize=64)
def _cells(texts: tuple[str, ...]) -> list[str]:
    """The values of an axis as cells, once for all stretches."""
    return _quoted(texts)


def _column(column: Any) -> Sequence[str]:
    """Numbers as programs read them, anything else as one would type it."""
    values = column.tolist()
    if column.dtype.kind in "if":
        return list(map(str, values))
    return _quoted(list(map(typed, values)))


def _quoted(texts: Sequence[str]) -> list[str]:
    """Texts as cells, in quotes where they need them."""
    made = []
    for text in texts:
        if not set(text) & {",", '"', "\n", "\r"}:
            made.append(text)
            continue
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow([text])
        made.append(line.getvalue())
    return made
