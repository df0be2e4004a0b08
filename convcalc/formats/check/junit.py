"""JUnit XML: a suite a file and a test case a finding; a file without any is one passed case.

A note is no failure: its case has passed, and holds its text as output.
"""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from convcalc.checks.report import CheckReport
from convcalc.diagnostics import REFUSED, Diagnostic
from convcalc.formats.check import helped

_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: CheckReport, *, color: bool = False) -> str:
    """The findings as XML, ending in a newline."""
    del color
    grouped: dict[str, list[Diagnostic]] = {file: [] for file in report.files}
    for diagnostic in report.diagnostics:
        grouped.setdefault(diagnostic.path, []).append(diagnostic)
    root = Element("testsuites", {"name": "convcalc", **_totals(report.diagnostics, grouped)})
    for file, findings in grouped.items():
        name = _clean(report.relative(file))
        totals = _totals(findings, {file: findings})
        suite = SubElement(root, "testsuite", {"name": name, **totals})
        if not findings:
            SubElement(suite, "testcase", name="convcalc check", classname=name, file=name)
        for diagnostic in findings:
            span = diagnostic.span
            place = f"{span.line}:{span.column}" if span else f"{diagnostic.named}"
            case = SubElement(
                suite,
                "testcase",
                {
                    "name": f"{diagnostic.code} at {place}",
                    "classname": name,
                    "file": name,
                    **({"line": str(span.line)} if span else {}),
                },
            )
            if diagnostic.severity == "note":
                element = SubElement(case, "system-out")
            else:
                tag = "error" if diagnostic.code in REFUSED else "failure"
                element = SubElement(
                    case, tag, type=diagnostic.code, message=_clean(diagnostic.message)
                )
            text = f"{diagnostic.where}: {diagnostic.severity}[{diagnostic.code}] {diagnostic.told}"
            element.text = _clean(helped(text, diagnostic))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _totals(findings: Sequence[Diagnostic], grouped: dict[str, list[Diagnostic]]) -> dict[str, str]:
    errors = sum(diagnostic.code in REFUSED for diagnostic in findings)
    notes = sum(diagnostic.severity == "note" for diagnostic in findings)
    clean = sum(not items for items in grouped.values())
    return {
        "tests": str(len(findings) + clean),
        "failures": str(len(findings) - errors - notes),
        "errors": str(errors),
    }


def _clean(text: str) -> str:
    """Text without characters that XML does not allow; what is no Unicode becomes an escape."""
    return _FORBIDDEN.sub("\ufffd", text.encode("utf-8", "backslashreplace").decode("utf-8"))
