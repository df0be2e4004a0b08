"""Annotations of GitHub Actions, the gravest first: it shows ten of each severity a step."""

from convcalc.checks.report import CheckReport, rank
from convcalc.formats.check import helped, said

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
"""Severity → the workflow command that shows it."""


def render(report: CheckReport, *, color: bool = False) -> str:
    """The findings as workflow commands, one a line."""
    del color
    lines = []
    for diagnostic in sorted(report.diagnostics, key=rank):
        span = diagnostic.span
        properties: dict[str, object] = {
            "title": f"convcalc ({diagnostic.code})",
            "file": report.relative(diagnostic.path),
        }
        if span:
            properties |= {"line": span.line, "endLine": span.end_line}
        if span and span.line == span.end_line:  # columns are for one line only
            properties |= {"col": span.column, "endColumn": span.end_column}
        text = helped(f"{diagnostic.code} {said(diagnostic)}", diagnostic)
        settings = ",".join(f"{name}={_value(value)}" for name, value in properties.items())
        lines.append(f"::{_COMMANDS[diagnostic.severity]} {settings}::{_escaped(text)}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(value: object) -> str:
    return _escaped(str(value)).replace(":", "%3A").replace(",", "%2C")
