"""Every format of `convcalc check`, read back by what its readers use."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import jsonschema
import pytest
from click.testing import CliRunner
from junitparser import JUnitXml
from paths import DATA, ROOT
from tabled import tabled

from convcalc.checks.formats import CHECK_FORMATS
from convcalc.checks.report import About, CheckReport, fingerprints
from convcalc.checks.run import Task, check_text
from convcalc.cli import convcalc
from convcalc.diagnostics import Diagnostic, Named, Severity, Span
from convcalc.formats.check.concise import render as concise
from convcalc.formats.check.github import render as github
from convcalc.formats.check.gitlab import render as gitlab
from convcalc.formats.check.json import render as as_json
from convcalc.formats.check.junit import render as junit
from convcalc.formats.check.sarif import render as sarif
from convcalc.formats.check.text import render as text
from convcalc.rules import CODES
from convcalc.rules.page import pages
from convcalc.spec.text import SourceText

SARIF_SCHEMA = json.loads((DATA / "sarif-2.1.0.json").read_text())


def finding(
    code: str = "CC301",
    path: str = "nets/a b.yaml",
    line: int = 3,
    severity: Severity = "error",
    message: str = "100 % of: this, is wrong\nreally",
    source_line: str = "  - conv: {stride: 4}",
) -> Diagnostic:
    span = Span(line, 5, line, 9)
    return Diagnostic(
        code, severity, message, "do that", path, span, source_line, "conv1", "stride"
    )


def report(tmp_path: Path, *found: Diagnostic, files: tuple[str, ...] = ()) -> CheckReport:
    files = files or tuple(dict.fromkeys(one.path for one in found))
    codes = {
        code: About(page.summary, page.name, page.severity, page.text)
        for code, page in pages().items()
    }
    return CheckReport(files, found, codes)


FINDINGS = (
    finding("CC413", severity="note", line=12),
    finding(severity="warning", code="CC401"),
    finding(),
    finding(line=9, source_line="  - conv: {stride: 3}"),
    finding("CC101", path="none.yaml", line=1, source_line=""),
)


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckReport:
    monkeypatch.chdir(tmp_path)
    return report(tmp_path, *FINDINGS, files=("nets/a b.yaml", "none.yaml", "clean.yaml"))


def test_text_ends_with_how_many_there_are(found: CheckReport) -> None:
    assert text(found).endswith("\nFound 3 errors, 1 warning and 1 note in 2 of 3 specs.\n")


def test_concise_is_one_line_a_finding(found: CheckReport) -> None:
    assert concise(found).splitlines() == [
        "nets/a b.yaml:12:5: CC413 100 % of: this, is wrong�really",
        "nets/a b.yaml:3:5: CC401 100 % of: this, is wrong�really",
        "nets/a b.yaml:3:5: CC301 100 % of: this, is wrong�really",
        "nets/a b.yaml:9:5: CC301 100 % of: this, is wrong�really",
        "none.yaml:1:5: CC101 100 % of: this, is wrong�really",
        "Found 3 errors, 1 warning and 1 note in 2 of 3 specs.",
    ]


def test_json_has_everything(found: CheckReport) -> None:
    value = json.loads(as_json(found))
    assert value["schema"] == 1
    assert value["files"] == ["nets/a b.yaml", "none.yaml", "clean.yaml"]
    assert value["statistics"] == {"CC101": 1, "CC301": 2, "CC401": 1, "CC413": 1}
    assert [found["severity"] for found in value["diagnostics"]] == [
        "note",
        "warning",
        "error",
        "error",
        "error",
    ]
    assert value["diagnostics"][2] == {
        "code": "CC301",
        "severity": "error",
        "message": "100 % of: this, is wrong\nreally",
        "help": "do that",
        "path": "nets/a b.yaml",
        "line": 3,
        "column": 5,
        "end_line": 3,
        "end_column": 9,
        "layer": "conv1",
        "field": "stride",
        "fix": None,
        "related": [],
        "fingerprint": fingerprints(found)[2],
    }


def test_json_satisfies_its_schema(
    found: CheckReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = json.loads((ROOT / "docs" / "check.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    for one in (found, found._replace(left_out=3), CheckReport((), (), {})):
        validator.validate(json.loads(as_json(one)))
    flagged = []
    for code, page in pages().items():  # what every rule says, of layers and of networks
        if "Flagged" in page.specs:
            name = f"{code}.yaml"
            (tmp_path / name).write_text(page.specs["Flagged"], encoding="utf-8")
            flagged.append(name)
    (tmp_path / "known.json").write_text('{"schema": 1, "files": {"CC401.yaml": {"CC402": 3}}}')
    result = CliRunner().invoke(
        convcalc,
        ["check", *flagged, "--extend-select", "CC", "--baseline", "known.json", "-f", "json"],
    )
    value = json.loads(result.stdout)
    validator.validate(value)
    assert {*value["statistics"]} >= {name.removesuffix(".yaml") for name in flagged} - {"CC402"}
    assert "CC903" in value["statistics"]
    value["diagnostics"][0]["severity"] = "remark"  # what may come
    validator.validate(value)
    value["diagnostics"][0]["line"] = 0
    assert not validator.is_valid(value)


def test_github_escapes_and_starts_with_the_gravest(found: CheckReport) -> None:
    lines = github(found).splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "::error title=convcalc (CC101)",
        "::error title=convcalc (CC301)",
        "::error title=convcalc (CC301)",
        "::warning title=convcalc (CC401)",
        "::notice title=convcalc (CC413)",
    ]
    assert lines[1] == (
        "::error title=convcalc (CC301),file=nets/a b.yaml,line=3,endLine=3,col=5,endColumn=9"
        "::CC301 100 %25 of: this, is wrong%0Areally%0Ahelp: do that"
    )
    odd = report(Path(), finding(path="a,b:c%.yaml"))
    assert "file=a%2Cb%3Ac%25.yaml," in github(odd)


def test_gitlab_has_what_it_requires(found: CheckReport) -> None:
    issues = json.loads(gitlab(found))
    assert [issue["severity"] for issue in issues] == [
        "info",
        "minor",
        "major",
        "major",
        "critical",
    ]
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    for issue in issues:
        assert issue["description"].startswith(issue["check_name"])
        assert issue["location"]["lines"]["begin"] >= 1
        assert not Path(issue["location"]["path"]).is_absolute()
    assert gitlab(CheckReport((), (), {})) == "[]\n"


def validated(log: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(log)
    validator = jsonschema.Draft4Validator(
        SARIF_SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
    )
    validator.validate(value)
    run: dict[str, Any] = value["runs"][0]
    return run


def test_sarif_validates_against_the_published_schema(found: CheckReport) -> None:
    run = validated(sarif(found))
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("CC101", "error"),
        ("CC301", "error"),
        ("CC301", "error"),
        ("CC401", "warning"),
        ("CC413", "note"),
    ]
    rules = run["tool"]["driver"]["rules"]
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in rules}
    assert (levels["CC101"], levels["CC401"], levels["CC413"]) == ("error", "warning", "note")
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert min(region.values()) >= 1
    artifact = run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "nets/a%20b.yaml", "uriBaseId": "%SRCROOT%"}
    assert run["columnKind"] == "unicodeCodePoints"


FIXABLE = """\
input: 8x8x3
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
  - linear: 10
    name: fc
  - {relu: , name: fc}
"""
"""What can be fixed in line 4, and a name in line 6 that is taken in line 5."""


def test_fixes_and_other_places_reach_every_format() -> None:
    found = check_text(SourceText("a.yaml", FIXABLE), Task()).diagnostics
    checked = report(Path(), *found)
    by_code = {one["code"]: one for one in json.loads(as_json(checked))["diagnostics"]}
    place = {"line": 4, "column": 1, "end_line": 4, "end_column": 1}

    jsonschema.validate(
        json.loads(as_json(checked)),
        json.loads((ROOT / "docs" / "check.schema.json").read_text(encoding="utf-8")),
    )
    assert by_code["CC308"]["fix"] == {
        "message": "put `flatten` before it",
        "edits": [{**place, "text": "  - flatten\n"}],
    }
    assert by_code["CC308"]["related"] == []
    first = {"line": 5, "column": 11, "end_line": 5, "end_column": 13, "message": "first here"}
    assert (by_code["CC117"]["fix"], by_code["CC117"]["related"]) == (None, [first])

    results = {one["ruleId"]: one for one in validated(sarif(checked))["results"]}
    (replaced,) = results["CC308"]["fixes"][0]["artifactChanges"][0]["replacements"]
    region = {"startLine": 4, "startColumn": 1, "endLine": 4, "endColumn": 1}
    assert replaced == {"deletedRegion": region, "insertedContent": {"text": "  - flatten\n"}}
    (related,) = results["CC117"]["relatedLocations"]
    assert related["physicalLocation"]["region"]["startLine"] == 5
    assert related["message"] == {"text": "first here"}

    assert "\n   = first here: a.yaml:5:11\n" in text(checked)
    for name in {*CHECK_FORMATS} - {"text", "json", "sarif"}:  # which have places of their own
        render = import_module(f"convcalc.formats.check.{name}").render
        assert "(first here: line 5, column 11)" in render(checked), name


def test_sarif_of_nothing_and_of_what_lies_elsewhere(tmp_path: Path) -> None:
    assert validated(sarif(CheckReport((), (), {})))["results"] == []
    elsewhere = report(tmp_path, finding(path="/elsewhere/a.yaml"))._replace(root=str(tmp_path))
    result = validated(sarif(elsewhere))["results"][0]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "file:///elsewhere/a.yaml"}


def test_sarif_keeps_the_gravest_of_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.formats.check.sarif.MAX_RESULTS", 1)
    run = validated(sarif(report(Path(), finding(severity="warning"), finding())))
    assert [result["level"] for result in run["results"]] == ["error"]


def test_fingerprints_stay_when_lines_move_and_tell_findings_apart(tmp_path: Path) -> None:
    before = fingerprints(report(tmp_path, finding(line=3), finding(line=9)))
    after = fingerprints(report(tmp_path, finding(line=13), finding(line=19)))
    assert before == after
    assert len(set(before)) == 2
    others = [finding("CC302"), finding(path="b.yaml"), finding(source_line="- conv: {stride: 5}")]
    assert not set(before) & set(fingerprints(report(tmp_path, *others)))


def test_machine_paths_are_relative_to_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "sub"
    inner.mkdir()
    monkeypatch.chdir(inner)
    found = report(tmp_path, finding(path="a.yaml"))._replace(root=str(tmp_path))
    assert "file=sub/a.yaml," in github(found)
    assert json.loads(gitlab(found))[0]["location"]["path"] == "sub/a.yaml"
    assert fingerprints(found) != fingerprints(found._replace(root="."))


def test_junit_is_read_back(found: CheckReport) -> None:
    suites = JUnitXml.fromstring(junit(found))
    assert (suites.tests, suites.failures, suites.errors) == (6, 3, 1)
    assert [suite.name for suite in suites] == ["nets/a b.yaml", "none.yaml", "clean.yaml"]
    cases = [case for suite in suites for case in suite]
    assert [case.is_passed for case in cases] == [True, False, False, False, False, True]
    assert cases[0].system_out.startswith("nets/a b.yaml:12:5: note[CC413] ")
    assert cases[2].result[0].type == "CC301"


def test_junit_takes_any_character() -> None:
    odd = report(Path(), finding(path="a\x01.yaml", message="x\x00\ud800<&\x1b"))
    assert "failures" in fromstring(junit(odd)).attrib  # noqa: S314 (our own)


@tabled("name", CHECK_FORMATS)
def test_every_format_says_where_a_finding_in_values_is_and_what_to_do(name: str) -> None:
    one = finding(path="<spec>", source_line="")._replace(place=Named("layers[3].conv.filters", 7))
    made = import_module(f"convcalc.formats.check.{name}").render(report(Path(), one))

    assert "layers[3].conv.filters" in made
    assert "do that" in made or name == "concise"  # which has no room for help


def test_nothing_found_is_shown_by_every_format(tmp_path: Path) -> None:
    nothing = report(tmp_path, files=("a.yaml",))
    for name in CHECK_FORMATS:
        made = import_module(f"convcalc.formats.check.{name}").render(nothing)
        assert made == "" or made.endswith("\n"), name
    assert text(nothing) == concise(nothing) == "No findings in 1 spec.\n"
    assert json.loads(as_json(nothing))["diagnostics"] == []
    assert github(nothing) == ""
    suites = JUnitXml.fromstring(junit(nothing))
    assert (suites.tests, suites.failures) == (1, 0)


def test_every_code_that_is_used_is_described() -> None:
    import re

    import convcalc

    folder = Path(convcalc.__file__).parent
    used = {
        code
        for file in folder.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        for code in re.findall(r'"(CC\d{3})"', line)
        if ">>>" not in line
    }
    assert not used - CODES.keys()
    assert all(page.summary for page in pages().values())
