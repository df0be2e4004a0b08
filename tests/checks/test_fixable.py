"""What `check` marks as [fixable] is what `--fix` would write, and nothing else."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from paths import TESTS

from convcalc.checks.fixes import fixed
from convcalc.checks.run import Task, check_file
from convcalc.cli import convcalc
from convcalc.spec.bundled import find_bundled
from convcalc.spec.source import open_spec

SPECS = sorted((TESTS / "specs" / "err").glob("*.yaml"))
SLIPS = """\
input: 32x32x3
layers:
  - conv: {out_channels: 8, kernel: 3}
  - relu
  - maxpool: {kernel: 2, stride: 3}
"""
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    Path("net.yaml").write_text(SLIPS, encoding="utf-8")

    def call(*arguments: str, given: str = "") -> Result:
        return CliRunner().invoke(convcalc, ["check", *arguments], input=given)

    return call


def test_every_spec_of_the_tests_is_marked_by_what_is_fixed() -> None:
    marked = 0
    for path in SPECS:
        checked = check_file(str(path), Task(mark_fixable=True))
        done = fixed(open_spec(str(path), find_bundled), Task())
        codes = Counter(item.code for item in checked.diagnostics if item.fixable)
        fixes = Counter(done.codes)

        assert codes <= fixes, path.name
        assert bool(codes) == bool(fixes), path.name
        # A fix that came of another one has no finding of its own before.
        offered = Counter(item.code for item in checked.diagnostics if item.edits)
        assert codes == fixes & offered, path.name
        marked += codes.total()

    assert marked > 30


def test_findings_are_marked_and_counted(run: Run) -> None:
    """By hand: the name is sure; that the stride does not tile has several remedies."""
    lines = run("net.yaml").stdout.splitlines()

    assert lines[0] == "net.yaml:3:12: error[CC109] conv has no field `out_channels` [fixable]"
    assert [line for line in lines if "[fixable]" in line] == lines[:1]
    assert lines[-1] == "1 fixable with `--fix`; `--diff` shows what it would write."

    assert "Fixed 1 finding" in run("net.yaml", "--fix").stderr
    again = run("net.yaml").stdout
    assert "CC301" in again
    assert "fixable" not in again


def test_what_is_no_file_is_not_marked_for_it_is_not_fixed(run: Run) -> None:
    assert "[fixable]" not in run("-", given=SLIPS).stdout
    Path("family.yaml").write_text(f"presets: {{a: , b: }}\n{SLIPS}", encoding="utf-8")
    assert "[fixable]" in run("family.yaml").stdout
    assert "[fixable]" not in run("family.yaml#a").stdout


def test_what_is_not_selected_or_is_refused_is_not_marked(run: Run) -> None:
    assert "fixable" not in run("net.yaml", "--ignore", "CC109").stdout
    # A bias before batch norm, which `expect` wants.
    promised = "input: 8x8x3\nlayers: [conv: {filters: 4, kernel: 3}, batchnorm, relu]\n"
    Path("net.yaml").write_text(promised, encoding="utf-8")
    assert re.search(r"CC408\].*\[fixable\]", run("net.yaml").stdout)
    Path("net.yaml").write_text(f"{promised}expect: {{parameters: 120}}\n", encoding="utf-8")
    assert re.search(r"CC408\].*[^\]]$", run("net.yaml").stdout, re.MULTILINE)
    assert "fixable" not in run("net.yaml").stdout


def test_many_files_are_marked_in_any_number_of_processes(run: Run) -> None:
    for number in range(3):
        Path(f"{number}.yaml").write_text(SLIPS, encoding="utf-8")

    alone, together = (run(".", "-j", jobs).stdout for jobs in ("1", "2"))
    assert alone == together
    assert "4 fixable with `--fix`" in alone


@pytest.mark.parametrize("format_name", ["concise", "json", "sarif", "github"])
def test_formats_that_programs_read_are_as_they_were(run: Run, format_name: str) -> None:
    assert "[fixable]" not in run("net.yaml", "--format", format_name).stdout
    run("net.yaml", "--format", format_name, "--output", "text:all.txt")
    assert "[fixable]" in Path("all.txt").read_text(encoding="utf-8")
