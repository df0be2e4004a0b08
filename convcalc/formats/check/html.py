"""One HTML file to open: the findings with their lines, those of each severity to be shown or not.

It loads nothing, and reads without its script, too.
"""

from convcalc.checks.report import CheckReport
from convcalc.formats.web.report import render_findings


def render(report: CheckReport, *, color: bool = False) -> str:
    """The findings as a page."""
    del color
    return render_findings(report)
