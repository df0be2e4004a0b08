"""The designs of a sweep as comma-separated values, one row each, in the order of their numbers."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from convcalc.sweeps.job import Encoded, Job
from convcalc.sweeps.report import SweepReport

PART = ""
"""A file of text grows as it is."""


def header(job: Job) -> bytes:
    """The first line: the number, the axes, what was worked out, and the network's digest."""
    names = ["design", *(axis.name for axis in job.space.axes), *job.shown, "network"]
    return f"{','.join(_quoted(names))}\n".encode()


def encode(encoded: Encoded) -> bytes:
    """A line for each design."""
    rows = encoded.rows
    columns: list[Sequence[str]] = [list(map(str, rows.numbers.tolist()))]
    for axis, code in zip(encoded.space.axes, rows.codes, strict=True):
        texts = _quoted(axis.texts)
        columns.append([texts[each] for each in code.tolist()])
    columns += [_column(rows.columns[name]) for name in encoded.names]
    columns.append([f"{times:016x}{plus:016x}" for times, plus in rows.digest.tolist()])
    lines = map(",".join, zip(*columns, strict=True))
    return "".join(f"{line}\n" for line in lines).encode()


def finish(part: str, path: str) -> None:
    """Nothing: the file is there already."""
    del part, path


def render(result: SweepReport, *, color: bool = False) -> str:
    """Nothing: the rows were written as they came."""
    del result, color
    return ""


def _column(column: Any) -> Sequence[str]:
    """Numbers as programs read them."""
    values = column.tolist()
    if column.dtype.kind == "b":
        return ["true" if value else "false" for value in values]
    texts = list(map(str, values))
    return texts if column.dtype.kind in "if" else _quoted(texts)


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
