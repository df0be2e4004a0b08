"""The GitHub action, its steps run as a runner runs them, and the comment of its recipe.

CONVCALC_ACTION lets it install itself, which takes a network.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from paths import ROOT

GOOD = "input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3, padding: 1}\n  - relu\n"
WIDER = GOOD.replace("filters: 4", "filters: 5")
BAD = "input: 224x224x3\nlayers:\n  - conv: {filters: 96, kernel: 11, stride: 4}\n"
DOUBTFUL = (
    "input: 9x9x1\nlayers:\n  - conv: {filters: 2, kernel: 3, padding: 1}\n  - batchnorm\n"
    "  - relu\n  - conv: {filters: 2, kernel: 7, padding: 3}\n"
)
"""A bias before a norm, and a large filter."""
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step.get("id", step.get("name")): step for step in ACTION["runs"]["steps"]}
MARK = "<!-- convcalc: convcalc -->\n"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the action runs bash")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="a base is git's")


class Ran(NamedTuple):
    """What came of a step."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A checkout with specs, beside the runner's own folder and one with `convcalc`."""
    for name in ("checkout", "runner", "bin"):
        (tmp_path / name).mkdir()
    for name, text in (("good", GOOD), ("bad", BAD), ("doubtful", DOUBTFUL)):
        (tmp_path / "checkout" / f"{name}.yaml").write_text(text)
    for name, module in (("convcalc", " -m convcalc"), ("python", "")):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}"{module} "$@"\n')
        program.chmod(0o755)
    return tmp_path / "checkout"


def run(step: str, work: Path, folder: str = ".", **variables: str) -> Ran:
    """Run a step's script in a folder of the checkout, with variables and what a runner has."""
    runner = work.parent / "runner"
    files = {name: runner / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for path in files.values():
        path.write_bytes(b"")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT", "CI"))}
    given = dict.fromkeys(STEPS[step]["env"], "")  # as an input that is not given
    given |= {"CONVCALC_BIN": str(work.parent / "bin"), "CONVCALC_CATEGORY": "convcalc"}
    result = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step]["run"]],
        cwd=work / folder,
        env=kept
        | {"PYTHONPATH": str(ROOT), "HOME": str(runner), "RUNNER_TEMP": str(runner)}
        | {"RUNNER_OS": "Linux", "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(work)}
        | {name: str(path) for name, path in files.items()}
        | given
        | variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    lines = files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
    outputs = dict(line.split("=", 1) for line in lines)
    summary = files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    return Ran(result.returncode, result.stdout + result.stderr, outputs, summary)


def check(work: Path, folder: str = ".", **inputs: str) -> Ran:
    """Run the check with some inputs of the action, and the others as they are unless given."""
    given = {name: row["default"] for name, row in ACTION["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    variables = {}
    for name, value in STEPS["check"]["env"].items():
        match = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", value)
        if match:
            variables[name] = given[match[1]]
    return run("check", work, folder, **variables)


# What the file says


def test_inputs_reach_scripts_as_variables_alone() -> None:
    """A `${{ }}` in a script would run what an input says."""
    for step in STEPS.values():
        assert "${{" not in step.get("run", "")
        assert "uses" in step or step["shell"] == "bash"
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text(encoding="utf-8")))
    assert used == ACTION["inputs"].keys()


def test_every_output_is_one_that_the_check_has(work: Path) -> None:
    values = {name: row["value"] for name, row in ACTION["outputs"].items()}

    assert values == {name: f"${{{{ steps.check.outputs.{name} }}}}" for name in values}
    assert check(work).outputs.keys() == values.keys()


def test_the_python_of_other_steps_stays_what_it_was() -> None:
    assert STEPS["python"]["with"]["update-environment"] is False
    for name in ("folder", "install"):
        env = STEPS[name]["env"]
        assert env["CONVCALC_PYTHON"] == "${{ steps.python.outputs.python-path }}"


# The check


@pytest.mark.parametrize(
    ("inputs", "expected", "counts"),
    [
        ({"paths": "good.yaml\n\nbad.yaml\n"}, 1, ("1", "0", "0")),
        ({"fail_on": "never"}, 0, ("1", "1", "1")),
        ({"paths": "doubtful.yaml", "fail_on": "error"}, 0, ("0", "1", "1")),
        ({"paths": "doubtful.yaml", "arguments": "--strict\n"}, 1, ("1", "0", "1")),
        ({"arguments": "--exclude\nbad.yaml\n\n--ignore=CC408"}, 0, ("0", "0", "1")),
        ({"config": "a b/own.toml"}, 1, ("1", "0", "0")),
        ({"paths": "none.yaml"}, 2, ("1", "0", "0")),
    ],
)  # fmt: skip
def test_a_check_counts_what_it_finds(
    work: Path, inputs: dict[str, str], expected: int, counts: Sequence[str]
) -> None:
    (work / "a b").mkdir()
    (work / "a b" / "own.toml").write_text('select = ["CC3"]\n')
    ran = check(work, **inputs)

    assert ran.code == expected, ran.log
    assert ran.outputs["exit-code"] == str(expected)
    assert tuple(ran.outputs[name] for name in ("errors", "warnings", "notes")) == counts
    assert json.loads(Path(ran.outputs["sarif-file"]).read_text())["version"] == "2.1.0"
    card = Path(ran.outputs["card-file"]).read_text(encoding="utf-8")
    assert card == ran.summary
    assert card.startswith(f"{MARK}### convcalc\n")
    if expected == 1 and "config" not in inputs and "arguments" not in inputs:
        assert "::error title=convcalc (CC301),file=bad.yaml" in ran.log


def test_blanks_and_quotes_of_a_line_stay(work: Path) -> None:
    odd = 'sub dir/it\'s "so" $HOME `x` $(touch hacked).yaml'
    (work / "sub dir").mkdir()
    (work / odd).write_text(BAD)
    (work / "sub dir" / "good.yaml").write_text(GOOD)
    named = check(work, paths=f"good.yaml\n{odd}")

    assert named.code == 1
    assert named.outputs["errors"] == "1"
    assert check(work, paths="sub dir", arguments=f"--exclude={odd}").code == 0
    assert check(work, paths="sub dir", arguments="--exclude\nit's*").code == 0
    assert not (work / "hacked").exists()


@pytest.mark.parametrize("arguments", ["--strict --statistics", "--fail-on"])
def test_a_check_that_cannot_run_says_so(work: Path, arguments: str) -> None:
    ran = check(work, paths="good.yaml", arguments=arguments)

    assert ran.code == 2
    assert ran.outputs == {"exit-code": "2"}
    assert ran.summary == ""
    assert "Error: " in ran.log


def test_paths_and_configuration_are_those_of_the_working_directory(work: Path) -> None:
    (work / "nets").mkdir()
    (work / "nets" / "bad.yaml").write_text(BAD)
    (work / "nets" / "convcalc.toml").write_text('fail-on = "never"\n')
    assert STEPS["check"]["working-directory"] == "${{ inputs.working-directory }}"
    ran = check(work, "nets", paths="*.yaml")

    assert ran.code == 0
    assert ran.outputs["errors"] == "1"
    assert "file=nets/bad.yaml" in ran.log  # from the checkout on, as annotations want it


def test_a_category_marks_the_card(work: Path) -> None:
    assert check(work, paths="good.yaml", category="big\nnets").summary.startswith(
        "<!-- convcalc: big nets -->\n"
    )
    assert STEPS["Upload SARIF"]["with"]["category"] == "${{ inputs.category }}"


def test_without_a_summary_there_is_a_card(work: Path) -> None:
    ran = run("check", work, CONVCALC_PATHS="good.yaml", GITHUB_STEP_SUMMARY="")

    assert ran.code == 0
    assert Path(ran.outputs["card-file"]).read_text(encoding="utf-8").startswith("<!-- convcalc: ")


# What changed


@pytest.fixture
def pull(work: Path) -> dict[str, str]:
    """A pull request as GitHub checks it out, and what it says of it.

    Its branch widens a network. The base has moved on since the event, and is merged into.
    """
    for path in work.glob("*.yaml"):
        path.unlink()
    git(work, "init", "-q", "-b", "main")
    commits = {"base": {"net": GOOD}, "head": {"net": WIDER}, "moved": {"net": GOOD, "new": GOOD}}
    hashes: dict[str, str] = {}
    for name, texts in commits.items():
        if name != "base":
            git(work, "checkout", "-q", "-b", name, hashes["base"])
        for spec, text in texts.items():
            (work / f"{spec}.yaml").write_text(text)
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", name)
        hashes[name] = git(work, "rev-parse", "HEAD")
    git(work, "merge", "-q", "--no-edit", "head")
    return {
        "CONVCALC_PATHS": "net.yaml\nnew.yaml",
        "CONVCALC_PULL_BASE": hashes["base"],
        "CONVCALC_PULL_HEAD": hashes["head"],
    }


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    result = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return result.stdout.strip()


@needs_git
def test_what_changed_is_what_the_pull_request_changes(work: Path, pull: dict[str, str]) -> None:
    moved = git(work, "rev-parse", "HEAD^1")
    ran = run("check", work, **pull)

    # 4 filters of 3·9 weights and a bias, and one more.
    assert "<code>net.yaml</code> | 140<br>+28 (+25.00%)" in ran.summary
    assert f"since <code>{moved[:12]}</code>" in ran.summary
    assert "1 network as before" in ran.summary  # which the base has got since the event
    asked = run("check", work, **pull, CONVCALC_BASE=pull["CONVCALC_PULL_BASE"])
    assert "<code>new.yaml</code><br>*new*" in asked.summary


@needs_git
def test_a_branch_that_is_checked_out_alone_is_compared_with_the_base(
    work: Path, pull: dict[str, str]
) -> None:
    git(work, "checkout", "-q", "head")
    ran = run("check", work, **pull | {"CONVCALC_PATHS": "net.yaml"})

    assert f"since <code>{pull['CONVCALC_PULL_BASE'][:12]}</code>" in ran.summary
    assert "+28 (+25.00%)" in ran.summary


@needs_git
def test_a_clone_without_history_is_no_failure(work: Path, pull: dict[str, str]) -> None:
    git(work.parent, "clone", "-q", "--depth", "1", f"file://{work}", "shallow")
    shallow = work.parent / "shallow"
    ran = run("check", shallow, **pull)

    assert ran.code == 0, ran.log
    assert "::notice title=convcalc::The card shows no changes" in ran.log
    assert "<code>net.yaml</code> | 140 |" in ran.summary
    asked = run("check", shallow, **pull, CONVCALC_BASE="HEAD~1")
    assert asked.code == 2
    assert "`fetch-depth: 0` for actions/checkout" in asked.log
    git(work.parent, "clone", "-q", "--depth", "2", f"file://{work}", "deeper")
    assert "+28 (+25.00%)" in run("check", work.parent / "deeper", **pull).summary


def test_a_folder_that_is_no_repository_is_no_failure(work: Path) -> None:
    known = {"CONVCALC_PULL_BASE": "0" * 40, "CONVCALC_PULL_HEAD": "1" * 40}
    ran = run("check", work, CONVCALC_PATHS="good.yaml", **known)

    assert ran.code == 0, ran.log
    assert "<code>good.yaml</code> | 112 |" in ran.summary


# Where it is installed


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the action's sources, as few as there may be."""
    root = tmp_path / "source"
    for name in ("architectures/a.yaml", "convcalc/a.py", "docs/a.md"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("a")
    for name in ("constraints.txt", "hatch_build.py", "pyproject.toml"):
        (root / name).write_text("a")
    return root


def folder_of(work: Path, source: Path) -> dict[str, str]:
    ran = run("folder", work, CONVCALC_PYTHON=sys.executable, CONVCALC_SOURCE=str(source))
    assert ran.code == 0, ran.log
    return ran.outputs


def test_each_state_of_the_sources_has_a_folder_and_a_key(work: Path, source: Path) -> None:
    first = folder_of(work, source)

    assert re.fullmatch(r"convcalc-[0-9a-f]{32}", first["key"])
    assert first["folder"] == str(work.parent / "runner" / first["key"])
    (source / "convcalc" / "a.pyc").write_text("b")
    assert folder_of(work, source) == first
    keys = {first["key"]}
    for name in ("convcalc/a.py", "convcalc/b.py", "constraints.txt", "docs/a.md"):
        (source / name).write_text("b")
        keys.add(folder_of(work, source)["key"])
    (source / "convcalc" / "b.py").rename(source / "convcalc" / "c.py")
    keys.add(folder_of(work, source)["key"])
    assert len(keys) == 6
    assert all(STEPS[name]["with"]["key"] == "${{ steps.folder.outputs.key }}" for name in CACHED)


CACHED = ("restored", "Keep what is installed")


def test_sources_that_are_installed_are_those_of_the_key() -> None:
    """What the wheel is built of, and nothing that is left out of the key."""
    script = STEPS["folder"]["run"]
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    built = re.findall(r'^(\w+) = "convcalc/\1"$', settings, re.MULTILINE)

    assert sorted(built) == ["architectures"]  # and of docs/ what hatch_build.py adds
    for name in (*built, "docs", "convcalc", "constraints.txt", "hatch_build.py", "pyproject.toml"):
        assert f'"{name}"' in script


def test_it_is_installed_once_with_the_versions_of_the_constraints(work: Path) -> None:
    python = work.parent / "python"
    python.write_text(
        '#!/bin/sh\necho "$*" >> "$0.log"\nif [ "$2" = venv ]; then\n  mkdir -p "$3/bin"\n'
        '  cp "$0" "$3/bin/python"\nelse\n  printf "#!/bin/sh\\n" > "${0%python}convcalc"\n'
        '  chmod +x "${0%python}convcalc"\nfi\n'
    )
    python.chmod(0o755)
    folder = work.parent / "runner" / "convcalc-0"
    known = {"CONVCALC_PYTHON": str(python), "CONVCALC_SOURCE": "/the action"}
    for _ in range(2):
        ran = run("install", work, **known, CONVCALC_FOLDER=str(folder))
        assert ran.code == 0, ran.log
        assert ran.outputs == {"bin": f"{folder}/bin"}

    assert Path(f"{python}.log").read_text() == f"-m venv {folder}\n"
    assert (folder / "bin" / "python.log").read_text() == (
        "-m pip install --quiet --disable-pip-version-check "
        "--constraint /the action/constraints.txt /the action\n"
    )


@pytest.mark.skipif(not os.environ.get("CONVCALC_ACTION"), reason="CONVCALC_ACTION asks for it")
def test_it_installs_itself_and_checks(work: Path) -> None:
    known = {"CONVCALC_PYTHON": sys.executable, "CONVCALC_SOURCE": str(ROOT), "PYTHONPATH": ""}
    where = run("folder", work, **known).outputs
    ran = run("install", work, **known, CONVCALC_FOLDER=where["folder"])
    assert ran.code == 0, ran.log
    ran = run("check", work, CONVCALC_BIN=ran.outputs["bin"], CONVCALC_PATHS=".", PYTHONPATH="")

    assert ran.code == 1, ran.log
    assert ran.outputs["errors"] == "1"
    listed = subprocess.run(
        [f"{where['folder']}/bin/python", "-m", "pip", "list", "--format=freeze"],
        check=True,
        capture_output=True,
        text=True,
    )
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    for name in ("click", "pathspec", "rich"):
        [version] = [line for line in listed.stdout.splitlines() if line.startswith(f"{name}==")]
        assert f"\n{version}\n" in pins


# The recipe


def recipe() -> Mapping[str, Any]:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    [text] = re.findall(r"```yaml fragment\n(# \.github/workflows.*?)```", page, re.DOTALL)
    [job] = yaml.safe_load(text)["jobs"].values()
    return {"checkout": job["steps"][0], "convcalc": job["steps"][1], "comment": job["steps"][2]}


def test_the_recipe_is_of_this_action() -> None:
    steps = recipe()
    asked = re.findall(r"steps\.convcalc\.outputs\.([\w-]+)", str(steps["comment"]))

    assert steps["convcalc"]["with"].keys() <= ACTION["inputs"].keys()
    assert steps["convcalc"]["id"] == "convcalc"
    assert set(asked) == {"card-file"} <= ACTION["outputs"].keys()
    assert steps["checkout"]["with"]["fetch-depth"] == 0


def test_a_fork_has_no_upload_that_fails_and_no_comment() -> None:
    theirs = "github.event.pull_request.head.repo.full_name {} github.repository"

    assert theirs.format("!=") in STEPS["Upload SARIF"]["continue-on-error"]
    assert theirs.format("==") in recipe()["comment"]["if"]
    assert "github.actor == 'dependabot[bot]'" in STEPS["Upload SARIF"]["continue-on-error"]
    assert "github.actor != 'dependabot[bot]'" in recipe()["comment"]["if"]


@pytest.mark.parametrize("known", ["", "7\n9\n"])
def test_a_comment_is_posted_and_then_replaced(work: Path, known: str) -> None:
    card = work / "card.md"
    card.write_text(f"{MARK}### convcalc\n")
    program = work.parent / "bin" / "gh"
    program.write_text(
        '#!/bin/sh\nprintf "%s|" "$@" >> "$GH_LOG"\necho >> "$GH_LOG"\n'
        'case "$*" in *--paginate*) printf "$GH_KNOWN"; echo "$mark" >> "$GH_LOG";; esac\n'
    )
    program.chmod(0o755)
    log = work / "log"
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", recipe()["comment"]["run"]],
        env={
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "GH_LOG": str(log),
            "GH_KNOWN": known,
            "GITHUB_REPOSITORY": "us/nets",
            "NUMBER": "5",
            "CARD": str(card),
        },
        check=True,
    )
    asked, mark, written = log.read_text().splitlines()

    assert asked.startswith("api|--paginate|repos/us/nets/issues/5/comments|--jq|")
    assert mark == MARK.strip()
    where = (
        "--method|PATCH|repos/us/nets/issues/comments/7"
        if known
        else ("repos/us/nets/issues/5/comments")
    )
    assert written == f"api|--silent|{where}|-F|body=@{card}|"
