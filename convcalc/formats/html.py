"""An HTML table, for notebooks."""

from html import escape

from convcalc.analysis import analyze
from convcalc.analysis.report import Report
from convcalc.formats.columns import chosen
from convcalc.formats.rows import rows
from convcalc.formats.summary import notes, summary, title
from convcalc.graph import Network

MAX_ROWS = 1_000
"""Rows a notebook is shown."""


def of_network(network: Network) -> str:
    """A network as the report on it, with what inference takes, as one HTML element."""
    report = analyze(network, strict=False)
    return render(report, peak=report.inference_peak)


def render(report: Report, *, peak: int | None = None) -> str:
    """The report as one HTML element; `peak` are bytes that inference takes."""
    picked = chosen(None)
    lines = ["<div>", f"<p><b>{escape(title(report))}</b></p>", "<table>", "<thead><tr>"]
    lines += [f"<th>{escape(column.title)}</th>" for column in picked]
    lines.append("</tr></thead><tbody>")
    for count, row in enumerate(row for row in rows(report) if not row.heading):
        if count == MAX_ROWS:
            lines.append(
                f'<tr><td colspan="{len(picked)}">… and {len(report.layers) - count:,} more'
                "</td></tr>"
            )
            break
        cells = "".join(
            f'<td style="text-align:{"right" if column.right else "left"}">'
            f"{escape(column.cell(row))}</td>"
            for column in picked
        )
        lines.append(f"<tr>{cells}</tr>")
    lines.append("</tbody></table><table><tbody>")
    for what, count_text, units in summary(report, peak):
        lines.append(
            f'<tr><th style="text-align:left">{escape(what)}</th>'
            f'<td style="text-align:right">{escape(count_text)}</td><td>{escape(units)}</td></tr>'
        )
    lines.append("</tbody></table>")
    lines += [f"<p><b>{escape(note)}</b></p>" for note in notes(report)]
    lines.append("</div>")
    return "\n".join(lines)
