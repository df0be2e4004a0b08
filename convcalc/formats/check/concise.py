"""One line a finding, which terminals and editors make clickable; then how many there are."""

from convcalc.checks.report import CheckReport
from convcalc.formats.check.text import counts
from convcalc.formats.diagnostics import STYLES, printable


def render(report: CheckReport, *, color: bool = False) -> str:
    """The findings as `file:line:column: code message`."""
    lines = []
    for diagnostic in report.diagnostics:
        style, reset = (STYLES[diagnostic.severity], "\x1b[0m") if color else ("", "")
        lines.append(
            f"{printable(diagnostic.where)}: {style}{diagnostic.code}{reset} "
            f"{printable(diagnostic.told)}"
        )
    return "\n".join([*lines, counts(report), ""])
