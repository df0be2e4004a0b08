"""What notebooks show: a table of layers, and of a network its graph above it."""

from html import escape

from convcalc.analysis import analyze
from convcalc.analysis.report import Report
from convcalc.formats.columns import chosen
from convcalc.formats.rows import rows
from convcalc.formats.summary import notes, summary, title
from convcalc.graph import Network

MAX_ROWS = 1_000
"""Rows a notebook is shown."""
MAX_LAYERS = 5_000
"""Layers up to which a notebook is shown the graph: more take too long."""
MAX_PICTURE = 400_000
"""Letters of the SVG that a notebook is shown."""


def of_network(network: Network) -> str:
    """A network as its graph, and below it the report on it with what inference takes."""
    report = analyze(network, strict=False)
    table = render(report, peak=report.inference_peak)
    return f"<div>\n{_picture(network)}\n{table}\n</div>"


def _picture(network: Network) -> str:
    """The graph as an image, which scrolls in what is as high as a screen.

    As an image its style is its own, and changes nothing else of the notebook.
    """
    from base64 import b64encode

    from convcalc.pictures import draw

    scene = draw(network) if len(network.nodes) <= MAX_LAYERS else None
    svg = "" if scene is None else scene.to_svg()
    if scene is None or len(svg) > MAX_PICTURE:
        return (
            "<p>The graph is too large to be shown here: <code>convcalc draw</code> writes it.</p>"
        )
    data = b64encode(svg.encode("utf-8", "xmlcharrefreplace")).decode("ascii")
    about = escape(f"{scene.title}: {scene.description}")
    return (
        '<div style="max-height:40em;overflow:auto">'
        f'<img alt="{about}" style="max-width:none" src="data:image/svg+xml;base64,{data}"></div>'
    )


def render(report: Report, *, peak: int | None = None) -> str:
    """The report as one HTML element; `peak` are bytes that inference takes."""
    picked = chosen(report, None)
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
