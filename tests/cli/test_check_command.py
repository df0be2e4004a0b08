"""`convcalc check` from the outside: what is found, what is shown, and the exit codes."""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tabled import tabled

from convcalc.checks.run import Task, check_file, check_files
from convcalc.cli import convcalc

CLEAN = (
    "name: clean\ninput: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3, padding: 1}\n  - relu\n"
)
BROKEN = "name: broken\ninput: 224x224x3\nlayers:\n  - conv: {filters: 96, kernel: 11, stride: 4}\n"
NOTED = (
    "input: 16x16x3\nlayers:\n  - conv: {filters: 64, kernel: 9, padding: 4}\n  - relu\n"
    "  - flatten\n  - linear: 64\n  - relu\n  - linear: 10\n"
)
"""A linear layer of 16,384 × 64 weights: CC413, of which a million are a matter of budget."""
WARNED = "name: warned\ninput: 9x9x3\nrounding: floor\nlayers:\n  - maxpool: 2\n"

Run = Callable[..., Result]
Write = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(convcalc, ["check", *arguments], input=stdin, color=True)

    return call


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def call(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name

    return call


def codes(result: Result) -> list[str]:
    return [found["code"] for found in json.loads(result.stdout)["diagnostics"]]


def test_a_clean_spec_exits_0_and_says_how_much_was_checked(run: Run, write: Write) -> None:
    result = run(write("a.yaml", CLEAN))
    assert result.stdout == "No findings in 1 spec.\n"
    assert result.exit_code == 0


def test_an_error_exits_1_at_its_place_with_a_caret_and_help(run: Run, write: Write) -> None:
    result = run(write("a.yaml", BROKEN))
    assert result.exit_code == 1
    assert result.stdout == (
        "a.yaml:4:45: error[CC301] stride 4 does not tile the input: "
        "(224 − 11 + 2·0)/4 + 1 = 54.25\n"
        "   4 |   - conv: {filters: 96, kernel: 11, stride: 4}\n"
        "     |                                             ^\n"
        "   = help: write `rounding: floor` once at the top of the spec, as frameworks do "
        "(drops 1 row and 1 column), use an input of 223×223 or 227×227, "
        "or use padding [[1, 2], [1, 2]]\n"
        "\n"
        "Found 1 error in 1 spec.\n"
    )


@tabled("name", ["text", "concise", "json", "github", "gitlab", "sarif", "junit"])
@tabled(("text", "expected"), [(CLEAN, 0), (BROKEN, 1), (WARNED, 1), ("\0binary", 2)])
def test_the_exit_code_never_depends_on_the_format(
    run: Run, write: Write, name: str, text: str, expected: int
) -> None:
    assert run(write("a.yaml", text), "--format", name).exit_code == expected


@tabled(
    ("text", "options", "expected"),
    [
        (WARNED, [], 1),
        (NOTED, [], 0),
        (NOTED, ["--strict"], 0),
        (NOTED, ["--select", "CC413"], 0),
        (NOTED, ["--fail-on", "error"], 0),
        (NOTED, ["--fail-on", "note"], 1),
        (NOTED, ["--fail-on", "note", "--ignore", "CC413"], 0),
        (NOTED, ["--fail-on", "never"], 0),
        (CLEAN, ["--fail-on", "note"], 0),
        (WARNED, ["--fail-on", "note"], 1),
        (BROKEN, ["--fail-on", "note"], 1),
        (WARNED, ["--fail-on", "error"], 0),
        (WARNED, ["--fail-on", "error", "--strict"], 1),
        (WARNED, ["--fail-on", "never"], 0),
        (BROKEN, ["--fail-on", "error"], 1),
        (BROKEN, ["--fail-on", "never"], 0),
        ("\0", ["--fail-on", "never"], 2),
    ],
)
def test_fail_on_and_strict(
    run: Run, write: Write, text: str, options: list[str], expected: int
) -> None:
    assert run(write("a.yaml", text), *options).exit_code == expected


def test_a_note_is_shown_and_stays_one(run: Run, write: Write) -> None:
    for arguments in ([], ["--strict"], ["--select", "CC413"]):
        result = run(write("a.yaml", NOTED), *arguments)
        assert result.stdout.startswith("a.yaml:6:5: note[CC413] linear1 has 1,048,640 of the ")
        assert result.stdout.endswith("\nFound 1 note in 1 spec.\n")
        assert result.exit_code == 0
    assert "\x1b[1;34mnote[CC413]" in run("a.yaml", "--color", "always").stdout
    write("convcalc.toml", 'fail-on = "note"\n')
    assert run("a.yaml").exit_code == 1
    assert run("a.yaml", "--fail-on", "warning").exit_code == 0


def test_strict_reports_warnings_as_errors(run: Run, write: Write) -> None:
    result = run(write("a.yaml", WARNED), "--strict", "--select", "CC306")
    assert "error[CC306]" in result.stdout
    assert "Found 1 error in 1 spec." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--select", "CC999", "."], "no code starts with CC999"),
        (
            ["--ignore", "E501", "."],
            "'E501' is no code such as CC301, no beginning of codes such as CC4 and no",
        ),
        (["--output", "sarif", "."], "is not FORMAT:FILE"),
        (["--output", "pdf:a", "."], "is not FORMAT:FILE"),
        (["--max-parameters", "many", "."], "--max-parameters many: "),
        (["--update-baseline", "."], "--update-baseline needs --baseline FILE"),
        (["--baseline", "none.json", "a.yaml"], "there is no such baseline"),
        (["--config", "none.toml", "a.yaml"], "none.toml: cannot be read"),
        (["--statistics", "--format", "sarif", "a.yaml"], "--statistics goes with"),
        (["--output", "json:none/a.json", "a.yaml"], "none/a.json: cannot be written"),
    ],
)
def test_what_cannot_run_exits_2_and_says_why(
    run: Run, write: Write, arguments: list[str], says: str
) -> None:
    write("a.yaml", CLEAN)
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_a_missing_file_exits_2_and_the_others_are_checked_all_the_same(
    run: Run, write: Write
) -> None:
    result = run("nope.yaml", write("a.yaml", BROKEN), "--format", "json")
    assert result.exit_code == 2
    assert codes(result) == ["CC101", "CC301"]


def test_a_folder_without_specs_is_said_and_exits_2(run: Run, write: Write) -> None:
    write("folder/other.yaml", "services: {}\n")
    result = run("folder")
    assert result.exit_code == 2
    assert result.stderr == "convcalc: no specs in folder\n"
    assert run("nothing/*.yaml").stderr == "convcalc: nothing matches nothing/*.yaml\n"


def test_bundled_names_are_known(run: Run) -> None:
    assert run("vgg16", "--select", "CC1,CC2,CC3,CC5").exit_code == 0


def test_selection_of_codes(run: Run, write: Write) -> None:
    path = write("a.yaml", BROKEN.replace("stride: 4", "strid: 4"))
    assert codes(run(path, "--format", "json")) == ["CC109"]
    assert codes(run(path, "--format", "json", "--ignore", "CC109")) == []
    assert codes(run(path, "--format", "json", "--select", "CC3")) == []
    assert codes(run(path, "--format", "json", "--select", "CC3", "--extend-select", "CC1")) == [
        "CC109"
    ]
    assert codes(run(path, "--format", "json", "--ignore", "CC1", "--extend-select", "CC109")) == [
        "CC109"
    ]


def test_errors_that_are_not_selected_are_not_passed_over_in_silence(
    run: Run, write: Write
) -> None:
    result = run(write("a.yaml", BROKEN), "--select", "CC4")
    assert result.exit_code == 0
    assert (
        "a.yaml has 1 error of codes not selected or silenced; advice and promises" in result.stderr
    )


def test_what_could_not_be_read_is_reported_whatever_is_selected(run: Run, write: Write) -> None:
    result = run(
        write("a.yaml", "layers: [\n"), "--select", "CC1,CC4", "--ignore", "CC1", "-f", "json"
    )
    assert codes(result) == ["CC105"]
    assert result.exit_code == 1


def test_standard_input_under_a_name(run: Run) -> None:
    result = run("-", "--stdin-filename", "nets/a.yaml", "--format", "concise", stdin=BROKEN)
    assert result.stdout.startswith("nets/a.yaml:4:45: CC301 stride 4 does not tile")
    assert run("-", "--format", "concise", stdin=BROKEN).stdout.startswith("-:4:45: CC301")
    refused = run("-", "--stdin-filename", "a.yaml", "--format", "concise", stdin=b"\xff")
    assert refused.stdout.startswith("a.yaml:1:1: CC102")
    assert refused.exit_code == 2


def test_parameters_and_input_may_be_set(run: Run, write: Write) -> None:
    path = write("a.yaml", "parameters: {n: }\n" + CLEAN.replace("filters: 4", "filters: n"))
    assert codes(run(path, "--format", "json")) == ["CC115"]
    assert run(path, "--set", "n=4").exit_code == 0
    assert run(path, "--set", "n=4", "--input", "3x224x224").exit_code == 1


def test_under_github_actions_text_and_annotations_are_shown(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.yaml", BROKEN)
    run()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    shown = run(path).stdout
    assert "Found 1 error in 1 spec.\n::error title=convcalc (CC301),file=a.yaml,line=4" in shown
    assert run(path, "--format", "github").stdout == shown
    assert "::error" not in run(path, "--format", "concise").stdout


def test_outputs_go_to_files_as_well(run: Run, write: Write, tmp_path: Path) -> None:
    result = run(write("a.yaml", BROKEN), "-o", "sarif:a.sarif", "-o", "junit:a.xml")
    assert "error[CC301]" in result.stdout
    assert json.loads((tmp_path / "a.sarif").read_text("utf-8"))["version"] == "2.1.0"
    assert "<testsuites" in (tmp_path / "a.xml").read_text("utf-8")


def test_statistics(run: Run, write: Write) -> None:
    paths = [write(f"{name}.yaml", BROKEN) for name in "abc"]
    assert run(*paths, "--statistics").stdout == (
        "3  CC301  A stride does not tile the input.\nFound 3 errors in 3 of 3 specs.\n"
    )
    assert json.loads(run(*paths, "--format", "json").stdout)["statistics"] == {"CC301": 3}


def test_colours_are_for_terminals_or_on_demand(run: Run, write: Write) -> None:
    path = write("a.yaml", BROKEN)
    assert "\x1b[" not in run(path).stdout
    for name in ("text", "concise"):
        assert "\x1b[1;31m" in run(path, "--color", "always", "--format", name).stdout


def test_every_member_of_a_family_is_checked_and_findings_are_told_once(
    run: Run, write: Write
) -> None:
    text = (
        "input: 8x8x3\nparameters: {n: , k: 3}\n"
        "presets:\n  small: {n: 4}\n  large: {n: 8, k: 11}\n  wide: {n: 16}\n"
        "layers:\n  - conv: {filters: n, kernel: k, padding: 1}\n  - relu\n"
    )
    found = json.loads(run(write("family.yaml", text), "--format", "json").stdout)["diagnostics"]
    assert [one["code"] for one in found] == ["CC303"]
    assert found[0]["message"].startswith("large: kernel 11 is larger")
    broken = text.replace("filters: n", "filter: n")
    result = run(write("family.yaml", broken), "--format", "json")
    messages = [one["message"] for one in json.loads(result.stdout)["diagnostics"]]
    assert "conv has no field `filter`" in messages
    assert len(messages) == len(set(messages))


def test_several_processes_find_the_same_in_the_same_order(write: Write, tmp_path: Path) -> None:
    files = [
        str(tmp_path / write(f"{number}.yaml", [CLEAN, BROKEN, WARNED, "["][number % 4]))
        for number in range(40)
    ]
    assert check_files(files, Task(), jobs=2) == check_files(files, Task(), jobs=1)


def die(files: list[str], task: Task) -> None:
    """What a process does that is killed for its memory."""
    os._exit(9)


@pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork", reason="other processes do not know `die`"
)
def test_a_process_that_dies_takes_no_other_file_with_it_in_silence(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convcalc.checks.run._check_chunk", die)
    files = [str(tmp_path / write(f"{number}.yaml", CLEAN)) for number in range(4)]
    checked = check_files(files, Task(), jobs=2)
    assert [one.path for one in checked] == files
    assert {item.code for one in checked for item in one.diagnostics} == {"CC100"}


def test_a_crash_is_reported_with_its_file_and_exits_2(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        message = "boom"
        raise ZeroDivisionError(message)

    monkeypatch.setattr("convcalc.checks.run.check_opened", fail)
    result = run(write("a.yaml", CLEAN), "--format", "concise")
    assert result.exit_code == 2
    assert "a.yaml:1:1: CC100 convcalc failed on this file: ZeroDivisionError" in result.stdout


def test_advice_about_layers_written_at_one_place_is_one_finding(tmp_path: Path) -> None:
    text = (
        "input: 64x64x3\nlayers:\n"
        "  - layers:\n      - conv: {filters: 8, kernel: 5, padding: 1}\n      - relu\n"
        "    repeat: 4\n"
    )
    path = tmp_path / "a.yaml"
    path.write_text(text)
    places = [(found.code, found.span) for found in check_file(str(path), Task()).diagnostics]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("promise", ["{0}", " {0}", "{{{0}}}"])
@pytest.mark.parametrize("range", [">= 42K", ">42K", "> 1.5M"])
def test_a_range_without_quotes_gets_help(run: Run, write: Write, promise: str, range: str) -> None:  # noqa: A002
    value = promise.format(f"parameters: {range}")
    text = CLEAN + f"expect: {value}\n" if value[0] == "{" else CLEAN + f"expect:\n  {value}\n"
    result = run(write("a.yaml", text), "--format", "json")
    found = json.loads(result.stdout)["diagnostics"]
    assert [one["code"] for one in found] == ["CC105"]
    assert found[0]["help"] == f"put quotes around it: '{range}'"


def test_listing_what_is_not_there_exits_2(run: Run, write: Write, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write("a.yaml", CLEAN)
    for path in ("empty", "nothing.yaml", "*.yml"):
        result = run("--show-files", "a.yaml", path)
        assert result.exit_code == 2
        assert result.stdout == "a.yaml\n"
        assert path in result.stderr
    assert run("--show-files", "a.yaml", "vgg16").stdout == "a.yaml\nvgg16\n"


def test_statistics_of_a_format_without_them_are_refused_before_the_run(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convcalc.cli.checking.check_files", lambda *_, **__: pytest.fail("it ran"))
    result = run(write("a.yaml", CLEAN), "-f", "sarif", "--statistics")
    assert result.exit_code == 2
    assert "--statistics goes with text, concise and json, not with sarif" in result.stderr


def test_nothing_heavy_is_imported() -> None:
    script = (
        "import sys\nsys.argv = ['convcalc', 'check', 'vgg16']\nfrom convcalc.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'rich', 'numpy', 'multiprocessing', 'concurrent.futures', 'xml',"
        " 'importlib.metadata'} & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert found.stdout.splitlines()[-1] == "[]"
