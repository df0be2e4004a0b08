"""The findings as JSON: stable, one finding a line; docs/check.schema.json describes it."""

import json

from convcalc.checks.report import CheckReport, fingerprints
from convcalc.formats.json import diagnostic_value

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""


def render(report: CheckReport, *, color: bool = False) -> str:
    """The findings as a JSON object, ending in a newline."""
    del color
    dump = json.JSONEncoder(ensure_ascii=False).encode
    diagnostics = [
        dump({**diagnostic_value(one), "fingerprint": mark})
        for one, mark in zip(report.diagnostics, fingerprints(report), strict=True)
    ]
    listed = "[\n  " + ",\n  ".join(diagnostics) + "]" if diagnostics else "[]"
    return (
        f'{{"schema": {SCHEMA},\n "files": {dump(list(report.files))},\n'
        f' "statistics": {dump(report.statistics)},\n'
        f' "promises_not_looked_at": {report.left_out},\n'
        f' "diagnostics": {listed}}}\n'
    )
