"""What other tools read: the pre-commit hook and the documented snippets."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from paths import ROOT

from convcalc.checks.configuration import read_settings
from convcalc.checks.run import Task, check_text
from convcalc.spec.text import SourceText

GOOD = "input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3, padding: 1}\n  - relu\n"
BAD = "input: 224x224x3\nlayers:\n  - conv: {filters: 96, kernel: 11, stride: 4}\n"
CI = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit works on git")
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="the action runs bash")


def documented(start: str) -> str:
    """The fenced block of docs/ci.md that starts with a text."""
    found = next(
        block for block in re.findall(r"```\w+[^\n]*\n(.*?)```", CI, re.DOTALL) if start in block
    )
    return str(found)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with `convcalc`, as an installation has it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "convcalc"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m convcalc "$@"\n')
    program.chmod(0o755)
    return folder


def environment(tools: Path, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT")}
    return kept | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "HOME": str(tmp_path),
    }


@needs_git
def test_the_pre_commit_hook_checks_specs_and_passes_over_other_yaml(
    tmp_path: Path, tools: Path
) -> None:
    manifest = ROOT / ".pre-commit-hooks.yaml"
    pre_commit = [sys.executable, "-m", "pre_commit"]
    subprocess.run([*pre_commit, "validate-manifest", str(manifest)], check=True)
    hook, _ = yaml.safe_load(manifest.read_text())
    # The hook itself, run from here instead of from an environment of its own.
    local = {**hook, "language": "system"}
    repository = tmp_path / "repository"
    repository.mkdir()
    config = {"repos": [{"repo": "local", "hooks": [local]}]}
    (repository / ".pre-commit-config.yaml").write_text(json.dumps(config))
    (repository / "good.yaml").write_text(GOOD)
    (repository / "compose.yaml").write_text("services: {}\n")
    known = environment(tools, tmp_path)

    def run() -> subprocess.CompletedProcess[str]:
        subprocess.run(["git", "add", "-A"], cwd=repository, check=True, env=known)
        return subprocess.run(
            [*pre_commit, "run", "--all-files"],
            cwd=repository,
            capture_output=True,
            text=True,
            env=known,
            check=False,
        )

    subprocess.run(["git", "init", "-q"], cwd=repository, check=True, env=known)
    result = run()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Passed" in result.stdout
    (repository / "bad.yaml").write_text(BAD)
    result = run()
    assert result.returncode == 1
    assert "bad.yaml:3:45: error[CC301]" in result.stdout
    assert "compose.yaml" not in result.stdout


def test_the_documented_hooks_are_ours() -> None:
    hooks = yaml.safe_load(documented(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    ours = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == [hook["id"] for hook in ours]


def test_the_documented_configuration_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(documented("[tool.convcalc]"), encoding="utf-8")
    found = read_settings(str(path))
    assert found.fail_on == "error"
    assert len(found.budget) == 3


def test_the_documented_ignores_silence_everything() -> None:
    assert check_text(SourceText("a.yaml", documented("ignore-file")), Task()).diagnostics == ()


@needs_bash
def test_the_documented_gitlab_job_writes_its_reports(tmp_path: Path, tools: Path) -> None:
    job = yaml.safe_load(documented(".gitlab-ci.yml"))["specs"]
    (tmp_path / "bad.yaml").write_text(BAD)
    result = subprocess.run(
        ["bash", "-e", "-c", job["script"][-1]],
        cwd=tmp_path,
        env=environment(tools, tmp_path) | {"CI_PROJECT_DIR": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 1
    reports = job["artifacts"]["reports"]
    issues = json.loads((tmp_path / reports["codequality"]).read_text())
    assert issues[0]["location"]["path"] == "bad.yaml"
    assert "<testsuites" in (tmp_path / reports["junit"]).read_text()
