"""The report: networks as one HTML file to open, with their figures, charts and findings."""

from collections.abc import Sequence

from convcalc.checks.report import CheckReport
from convcalc.formats.web.columns import unpacked
from convcalc.formats.web.data import SCHEMA, Subject, check_data, common, report_data
from convcalc.formats.web.frame import Page, document
from convcalc.formats.web.tables import finding_tables, network_tables
from convcalc.numbers import plural


def render(subjects: Sequence[Subject]) -> str:
    """The file of one network or several, the first being what the others are compared with."""
    data = report_data(subjects)
    names = list(dict.fromkeys(subject.report.name for subject in subjects))
    title = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    lines = []
    for subject, packed in zip(subjects, data["networks"], strict=True):
        (network,) = unpacked(packed)
        runs = ((run, told["memory"]) for run, told in network["memory"].items())
        peaks = [(run, told and told["memory"]["peak"]) for run, told in runs]
        lines += [*network_tables(subject.report, peaks), "<h3>Findings</h3>"]
        lines += finding_tables(subject.checked.diagnostics)
    return document(Page("report", f"{title} · convcalc", _without_script(lines), data))


def render_findings(checked: CheckReport) -> str:
    """The file of what `check` found, in any number of specs."""
    data = {"schema": SCHEMA, "networks": [], "check": check_data(checked), **common()}
    lines = [f"<h2>{plural(len(checked.files), 'spec')}</h2>"]
    lines += finding_tables(checked.diagnostics)
    return document(Page("findings", "Findings · convcalc", _without_script(lines), data))


def _without_script(lines: Sequence[str]) -> str:
    """What is shown where no script runs; elsewhere the browser takes it for one text."""
    return "\n".join(['<div id="page"></div>', "<noscript>", *lines, "</noscript>"])
