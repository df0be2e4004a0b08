"""What a page says without its script: the same figures as plain tables."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import count, islice

from convcalc.analysis.report import Report
from convcalc.diagnostics import Diagnostic
from convcalc.formats.columns import chosen
from convcalc.formats.rows import Row, rows
from convcalc.formats.summary import notes, summary, title
from convcalc.numbers import both_bytes, grouped

MOST_ROWS = 1_000
"""Rows of the table of layers; of more, blocks are folded, and what is more then is left out."""


def network_tables(report: Report, peaks: Iterable[tuple[str, int | None]]) -> list[str]:
    """A network: its totals, and its layers; `peaks` are of runs, in bytes."""
    lines = [f"<h2>{escape(title(report))}</h2>"]
    known = [
        (f"Peak of {run}", f"{grouped(peak)} B", both_bytes(peak)) for run, peak in peaks if peak
    ]
    lines += table(("Total", "", ""), [*summary(report), *known], (False, True, False))
    lines += [f"<p>{escape(note)}</p>" for note in notes(report)]
    columns = chosen(report, None)
    shown = _rows(report)
    listed = [
        [column.cell(row) if column.title != "Layer" else row.name for column in columns]
        for row in shown[:MOST_ROWS]
    ]
    if listed:
        heads, right = [each.title for each in columns], [each.right for each in columns]
        lines += table(heads, listed, right)
    if len(shown) > MOST_ROWS:
        lines.append(f"<p>And {grouped(len(shown) - MOST_ROWS)} more.</p>")
    if any(row.kind == "block" for row in shown) or len(shown) > MOST_ROWS:
        lines.append(f"<p><code>convcalc analyze {escape(report.path)}</code> has all layers.</p>")
    return lines


def _rows(report: Report) -> list[Row]:
    """Layers, with blocks folded so far that there are at most so many, or else all of them."""
    if len(report.layers) <= MOST_ROWS:
        return _layers(report)
    shown: list[Row] = []
    for depth in count(1):
        deeper = _layers(report, depth, MOST_ROWS + 1)
        if len(deeper) > MOST_ROWS or deeper == shown:
            break
        shown = deeper
    return shown or _layers(report, 1)


def _layers(report: Report, depth: int | None = None, most: int | None = None) -> list[Row]:
    """The rows of a report but headings, at most so many."""
    return [*islice((row for row in rows(report, depth) if not row.heading), most)]


def finding_tables(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """What was found, each with its line of the spec."""
    if not diagnostics:
        return ["<p>No findings.</p>"]
    heads = ("Where", "Code", "What", "What to do", "Line")
    listed = [
        (
            each.where,
            f"{each.severity} {each.code}",
            each.told,
            each.help or "",
            each.source_line.strip(),
        )
        for each in diagnostics
    ]
    return table(heads, listed, (False,) * len(heads))


def table(
    heads: Sequence[str], listed: Iterable[Sequence[str]], right: Sequence[bool]
) -> list[str]:
    """A table, the cells of some columns aligned to the right."""
    kinds = [' class="number"' if each else "" for each in right]
    top = "".join(
        f'<th scope="col"{kind}>{escape(text)}</th>'
        for text, kind in zip(heads, kinds, strict=True)
    )
    lines = ["<table>", f"<thead><tr>{top}</tr></thead>", "<tbody>"]
    for row in listed:
        cells = "".join(
            f"<td{kind}>{escape(text)}</td>" for text, kind in zip(row, kinds, strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    return [*lines, "</tbody></table>"]
