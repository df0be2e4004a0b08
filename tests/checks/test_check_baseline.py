"""Baselines: known findings are not reported, new ones are, and entries that went are told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from convcalc.checks.baseline import BaselineError, read_baseline
from convcalc.cli import convcalc

HEAD = "input: 224x224x3\nlayers:\n"
STRIDE = "  - conv: {filters: 96, kernel: 11, stride: 4}\n"
FIELD = "  - relu: {inplace: true}\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Result:
        arguments = ("check", "--baseline", "ci/known.json", "--format", "json", *arguments)
        return CliRunner().invoke(convcalc, arguments)

    (tmp_path / "ci").mkdir()
    return call


def codes(result: Result) -> list[str]:
    return [found["code"] for found in json.loads(result.stdout)["diagnostics"]]


def test_an_old_repository_starts_clean(run: Callable[..., Result], tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(HEAD + STRIDE + FIELD)
    other = tmp_path / "other.yaml"
    other.write_text(HEAD + STRIDE)
    result = run("--update-baseline")
    assert codes(result) == []
    assert result.exit_code == 0
    baseline = tmp_path / "ci" / "known.json"
    assert json.loads(baseline.read_text()) == {
        "schema": 1,
        "files": {"../net.yaml": {"CC109": 1, "CC301": 1}, "../other.yaml": {"CC301": 1}},
    }
    # Lines may move.
    net.write_text("# moved\n\n" + HEAD + STRIDE + FIELD)
    assert run().exit_code == 0
    # What is new is reported with all of its kind, because which is new cannot be told.
    net.write_text(HEAD + STRIDE + FIELD + FIELD)
    assert codes(run()) == ["CC109", "CC109"]
    # What went is reported at its entry.
    net.write_text(HEAD + STRIDE)
    result = run()
    found = json.loads(result.stdout)["diagnostics"]
    assert [one["code"] for one in found] == ["CC903"]
    assert found[0]["message"] == ("the baseline allows 1 × CC109 in ../net.yaml, and there are 0")
    assert baseline.read_text().splitlines()[found[0]["line"] - 1].strip() == '"CC109": 1,'
    assert result.exit_code == 1
    assert run("--ignore", "CC9").exit_code == 0
    # Only entries of what was checked are touched, and those of files that went are dropped.
    assert run("--update-baseline", "net.yaml").exit_code == 0
    assert json.loads(baseline.read_text())["files"] == {
        "../net.yaml": {"CC301": 1},
        "../other.yaml": {"CC301": 1},
    }
    other.unlink()
    run("--update-baseline", "net.yaml")
    assert list(json.loads(baseline.read_text())["files"]) == ["../net.yaml"]


def test_what_could_not_be_read_has_no_baseline(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_bytes(b"\0")
    assert run("--update-baseline", "net.yaml").exit_code == 2
    assert json.loads((tmp_path / "ci" / "known.json").read_text())["files"] == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no JSON"),
        ("[]", "no baseline"),
        ('{"schema": 2, "files": {}}', "this is schema 2, and 1 is known"),
        ('{"schema": 1, "files": []}', "no baseline"),
        ('{"schema": 1, "files": {"a": {"CC301": "x"}}}', '"x" is no count'),
        ("[" * 100_000, "no "),
    ],
)
def test_a_baseline_that_is_none(
    run: Callable[..., Result], tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "ci" / "known.json").write_text(text)
    (tmp_path / "net.yaml").write_text(HEAD + "  - relu\n")
    result = run()
    assert result.exit_code == 2
    assert f"known.json: {says}" in result.stderr


def test_what_was_not_looked_for_may_still_be_needed(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    net = tmp_path / "net.yaml"
    baseline = tmp_path / "ci" / "known.json"
    known = {"../net.yaml": {"CC402": 1}}
    baseline.write_text(json.dumps({"schema": 1, "files": known}))

    def kept(*arguments: str) -> bool:
        before = baseline.read_text()
        run("--update-baseline", *arguments)
        files = json.loads(baseline.read_text())["files"]
        baseline.write_text(before)
        return bool(files.get("../net.yaml", {}).get("CC402") == 1)

    net.write_text(HEAD + STRIDE)  # an error, so that there is no advice
    assert codes(run()) == ["CC301"]
    assert kept()
    net.write_text("layers: [\n")  # not YAML
    assert codes(run()) == ["CC105"]
    assert kept()
    net.write_bytes(b"\0")
    assert codes(run("net.yaml")) == ["CC102"]
    assert kept("net.yaml")
    net.write_text(HEAD + "  - relu\n")
    assert codes(run("--select", "CC3,CC9")) == []
    assert kept("--select", "CC3,CC9")
    assert codes(run("--input", "8x8x3", "--select", "CC402,CC9")) == []
    assert kept("--input", "8x8x3")
    assert codes(run("--select", "CC402,CC9")) == ["CC903"]
    assert not kept()


@pytest.mark.parametrize("count", ["-1", "1.5", "true", '"3"', "null"])
def test_a_count_is_a_whole_number(tmp_path: Path, count: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(f'{{"schema": 1, "files": {{"a.yaml": {{"CC301": {count}}}}}}}')
    with pytest.raises(BaselineError, match="is no count"):
        read_baseline(str(path))


@pytest.mark.parametrize("strict", [[], ["--strict"]])
def test_errors_that_are_known_hide_no_limit_in_silence(
    run: Callable[..., Result], tmp_path: Path, strict: list[str]
) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(HEAD + STRIDE + "  - relu\n  - relu\n")
    note = "has 1 error that the baseline knows; advice and promises need a valid spec"
    run("--update-baseline", *strict)

    result = run(*strict)
    assert (result.exit_code, codes(result)) == (0, [])
    assert note in result.stderr
    result = run("--max-parameters", "1", *strict)
    assert (result.exit_code, codes(result)) == (2, [])
    assert "net.yaml: whether it keeps to --max-parameters 1 is not known" in result.stderr
    net.write_text(HEAD + STRIDE + FIELD)
    result = run("--max-parameters", "1", *strict)
    assert (result.exit_code, codes(result)) == (1, ["CC109"])
    assert "not known" not in result.stderr
