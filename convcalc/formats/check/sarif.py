"""SARIF 2.1.0, the format of code scanning, written by hand: it is a dictionary.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from convcalc import __version__
from convcalc.checks.report import About, CheckReport, fingerprints, rank
from convcalc.diagnostics import Diagnostic, Place, Span
from convcalc.formats.check import helped

SCHEMA_URI = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MAX_RESULTS = 25_000
"""Results that GitHub takes of one run; it keeps the 5,000 gravest."""
FINGERPRINT = "convcalc/v1"


def render(report: CheckReport, *, color: bool = False) -> str:
    """The findings as a SARIF log, the gravest first, ending in a newline."""
    del color
    marked = list(zip(report.diagnostics, fingerprints(report), strict=True))
    marked.sort(key=lambda pair: rank(pair[0]))
    codes = sorted({diagnostic.code for diagnostic in report.diagnostics} | report.codes.keys())
    places = {code: number for number, code in enumerate(codes)}
    run = {
        "tool": {
            "driver": {
                "name": "convcalc",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(code, report) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(diagnostic, mark, places[diagnostic.code], report)
            for diagnostic, mark in marked[:MAX_RESULTS]
        ],
    }
    log = {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1) + "\n"


def _rule(code: str, report: CheckReport) -> dict[str, Any]:
    about = report.codes.get(code) or About(code)
    rule: dict[str, Any] = {
        "id": code,
        "shortDescription": {"text": about.summary},
        "fullDescription": {"text": about.summary},
        "help": {"text": about.text or about.summary, "markdown": about.text or about.summary},
        "defaultConfiguration": {"level": about.severity},
    }
    if about.name:
        rule["name"] = about.name
    return rule


def _result(diagnostic: Diagnostic, mark: str, place: int, report: CheckReport) -> dict[str, Any]:
    artifact = _artifact(report.relative(diagnostic.path))
    names = [diagnostic.named, diagnostic.layer]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": place,
        "level": diagnostic.severity,
        "message": {"text": helped(diagnostic._replace(related=()).told, diagnostic)},
        "locations": [_location(artifact, diagnostic.place)],
        "partialFingerprints": {FINGERPRINT: mark},
    }
    if any(names):
        result["locations"][0]["logicalLocations"] = [
            {"fullyQualifiedName": name, "kind": "element"} for name in names if name
        ]
    if diagnostic.related:
        result["relatedLocations"] = [
            {**_location(artifact, place), "message": {"text": text}}
            for place, text in diagnostic.related
        ]
    if diagnostic.edits:
        replacements = [
            {"deletedRegion": _region(span), "insertedContent": {"text": text}}
            for span, text in diagnostic.edits
        ]
        result["fixes"] = [
            {
                "description": {"text": str(diagnostic.fix)},
                "artifactChanges": [{"artifactLocation": artifact, "replacements": replacements}],
            }
        ]
    return result


def _location(artifact: dict[str, str], place: Place) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": artifact}
    if isinstance(place, Span):
        location["region"] = _region(place)
    return {"physicalLocation": location}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _artifact(path: str) -> dict[str, str]:
    pure = PurePosixPath(path)
    if pure.is_absolute():
        return {"uri": pure.as_uri()}
    # Its bytes: a name need not be Unicode.
    return {"uri": quote(path.encode("utf-8", "surrogateescape")), "uriBaseId": "%SRCROOT%"}
