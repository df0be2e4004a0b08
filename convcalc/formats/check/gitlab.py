"""GitLab's code quality report: a list of issues, each told from the others by its fingerprint."""

import json

from convcalc.checks.report import CheckReport, fingerprints, rank
from convcalc.diagnostics import Span
from convcalc.formats.check import said

_SEVERITIES = ("critical", "major", "minor", "info")
NO_SPAN = Span(1, 1, 1, 1)
"""A place in values made in Python, which the description names: GitLab wants a line."""


def render(report: CheckReport, *, color: bool = False) -> str:
    """The findings as a JSON list, ending in a newline.

    GitLab does not show `check_name`, so the description starts with the code.
    """
    del color
    issues = []
    for diagnostic, mark in zip(report.diagnostics, fingerprints(report), strict=True):
        span = diagnostic.span or NO_SPAN
        issues.append(
            {
                "description": f"{diagnostic.code}: {said(diagnostic)}"
                + (f" (help: {diagnostic.help})" if diagnostic.help else ""),
                "check_name": diagnostic.code,
                "fingerprint": mark,
                "severity": _SEVERITIES[rank(diagnostic)],
                "location": {
                    "path": report.relative(diagnostic.path),
                    "lines": {"begin": span.line, "end": span.end_line},
                    "positions": {
                        "begin": {"line": span.line, "column": span.column},
                        "end": {"line": span.end_line, "column": span.end_column},
                    },
                },
            }
        )
    return json.dumps(issues, ensure_ascii=False, indent=1) + "\n"
