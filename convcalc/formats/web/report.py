"""The report: networks as one HTML file to open, with their figures, charts and findings."""

from collections.abc import Sequence
from html import escape

from convcalc.checks.report import CheckReport
from convcalc.collector import without_collection
from convcalc.formats.web.data import SCHEMA, Subject, check_data, common, memories, report_data
from convcalc.formats.web.frame import WebPage, document
from convcalc.formats.web.picture import graph, rules
from convcalc.formats.web.tables import finding_tables, network_tables
from convcalc.numbers import plural
from convcalc.pictures.svg import element


@without_collection
def render(subjects: Sequence[Subject]) -> str:
    """The file of one network or several, the first being what the others are compared with."""
    drawn = [graph(subject.network) for subject in subjects]
    memory = [memories(subject) for subject in subjects]
    data = report_data(subjects, drawn, memory)
    names = list(dict.fromkeys(subject.report.name for subject in subjects))
    title = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    figures, lines = [], []
    for number, made in enumerate(drawn):
        shown = element(made.scene, f"picture{number}") if made and made.scene else ""
        figures.append(f'<div class="picture">{shown}</div>')
    for subject, made, runs in zip(subjects, drawn, memory, strict=True):
        told = ((run, its["memory"]) for run, its in runs.items())
        peaks = [(run, each and each["memory"]["peak"]) for run, each in told]
        lines += network_tables(subject.report, peaks)
        if subject.network.nodes and (made is None or made.scene is None):
            draws = f"<code>convcalc draw {escape(subject.report.path)}</code>"
            lines.append(f"<p>Its graph has too many boxes for a page. {draws} draws it.</p>")
        lines.append("<h3>Findings</h3>")
        lines += finding_tables(subject.checked.diagnostics)
    style = rules(scene for made in drawn if made for scene in made.scenes)
    body = _body(figures, lines)
    return document(WebPage("report", f"{title} · convcalc", body, data, style=style))


def render_findings(checked: CheckReport) -> str:
    """The file of what `check` found, in any number of specs."""
    data = {"schema": SCHEMA, "networks": [], "check": check_data(checked), **common()}
    lines = [f"<h2>{plural(len(checked.files), 'spec')}</h2>"]
    lines += finding_tables(checked.diagnostics)
    return document(WebPage("findings", "Findings · convcalc", _body([], lines), data))


def _body(pictures: Sequence[str], lines: Sequence[str]) -> str:
    """Pictures, which the script takes, and what is shown where no script runs."""
    return "\n".join(['<div id="page">', *pictures, "</div>", "<noscript>", *lines, "</noscript>"])
