"""The command line: formats, options, exit codes, several specs at once."""

import ast
import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from paths import PACKAGE
from tabled import tabled

from convcalc.cli import COMMANDS, convcalc
from convcalc.cli.explain import FIGURES, MODES
from convcalc.formats import FORMATS
from convcalc.formats.columns import COLUMNS

GOOD = "input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3}\n  - relu\n"
BAD = "input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3}\n  - linear: 3\n  - relu\n"
WARNED = "input: 9x9x3\nrounding: floor\nlayers:\n  - maxpool: 2\n"

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    def call(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(
            convcalc, arguments, input=stdin, prog_name="convcalc", color=True
        )

    return call


@pytest.fixture
def spec(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str, name: str = "net.yaml") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@tabled("name", COMMANDS)
def test_every_command_has_help_with_an_example(run: Run, name: str) -> None:
    result = run(name, "--help")

    assert result.exit_code == 0
    assert "Example" in result.stdout


def test_a_misspelt_command_is_answered_with_the_right_one(run: Run) -> None:
    result = run("analyse", "vgg16")

    assert result.exit_code == 2
    assert "did you mean 'analyze'?" in result.stderr


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").stdout.startswith("convcalc ")


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_shows_vgg16(run: Run, format_name: str) -> None:
    result = run("analyze", "vgg16", "--format", format_name)

    assert result.exit_code == 0
    assert result.stderr == ""
    # Rows are of layers alone.
    totals = FORMATS[format_name].form != "rows"
    assert ("138357544" in result.stdout.replace(",", "")) == totals
    assert result.stdout.endswith("\n")
    assert "stage1.conv1" in result.stdout or format_name == "table"


def test_json_has_the_layers_of_vgg16_as_the_design_shows_them(run: Run) -> None:
    report = json.loads(run("analyze", "vgg16", "--format", "json").stdout)
    first = report["layers"][0]

    assert report["schema"] == 1
    assert report["input"] == {"channels": 3, "spatial": [224, 224]}
    assert first["name"] == "stage1.conv1"
    assert first["kind"] == "conv"
    assert first["inputs"] == ["input"]
    assert first["output"] == {"channels": 64, "spatial": [224, 224]}
    assert first["weights"] == {"weight": [64, 3, 3, 3], "bias": [64]}
    assert first["macs"] == 64 * 3 * 9 * 224 * 224
    assert first["receptive_field"]["size"] == [3, 3]
    assert report["totals"]["macs"] == 15470264320
    assert report["totals"]["flops"] == 30940528640
    assert report["totals"]["parameter_bytes"] == 553430176
    assert report["totals"]["activations"] == 15237608
    assert report["totals"]["activation_bytes"] == 60950432
    assert report["diagnostics"] == []


def test_csv_rows_add_up_to_the_totals(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("analyze", "vgg16", "-f", "csv").stdout)))

    assert sum(int(row["parameters"]) for row in rows) == 138357544
    assert sum(int(row["macs"]) for row in rows) == 15470264320
    assert sum(int(row["activation_bytes"]) for row in rows) + 4 * 150528 == 60950432


def test_a_batch_and_a_data_type_scale_what_they_should(run: Run) -> None:
    one = json.loads(run("analyze", "vgg16", "-f", "json").stdout)["totals"]
    many = json.loads(
        run("analyze", "vgg16", "-f", "json", "--batch", "32", "--dtype", "float16").stdout
    )["totals"]

    assert many["macs"] == 32 * one["macs"]
    assert many["activation_bytes"] == 16 * one["activation_bytes"]
    assert many["parameter_bytes"] == one["parameter_bytes"] // 2
    assert many["parameters"] == one["parameters"]


def test_input_and_parameters_can_be_set(run: Run, spec: Callable[[str], str]) -> None:
    path = spec("input: 8x8x3\nparameters: {n: 4}\nlayers: [conv: {filters: n, kernel: 3}]\n")
    report = json.loads(
        run("analyze", path, "-f", "json", "--input", "10x12x1", "--set", "n=7").stdout
    )

    assert report["output"] == {"channels": 7, "spatial": [8, 10]}


@tabled(
    ("arguments", "said"),
    [
        (["--input", "224y224"], "384x384x3"),
        (["--input", "0x3"], "from 1 to"),
        (["--set", "classes"], "NAME=VALUE"),
        (["--batch", "0"], "0 is not in the range"),
        (["--dtype", "float31"], "float31"),
        (["--columns", "name,size"], "no column is called 'size'"),
        (["--depth", "0"], "0 is not in the range"),
        (["--format", "xml"], "xml"),
    ],
)
def test_wrong_options_are_usage_errors(run: Run, arguments: list[str], said: str) -> None:
    result = run("analyze", "vgg16", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_an_unknown_parameter_is_a_finding(run: Run) -> None:
    result = run("analyze", "vgg16", "--set", "clases=10")

    assert result.exit_code == 1
    assert "did you mean `classes`?" in result.stderr


@pytest.mark.parametrize("format_name", FORMATS)
def test_on_problems_the_rest_is_shown_and_the_exit_code_is_1(
    run: Run, spec: Callable[[str], str], format_name: str
) -> None:
    result = run("analyze", spec(BAD), "-f", format_name)

    assert result.exit_code == 1
    form = FORMATS[format_name].form
    assert "6x6x4" in result.stdout.replace("×", "x") or form == "values"
    assert "error[CC308]" in result.stderr
    if form == "values":
        report = json.loads(result.stdout)
        assert [layer["output"] is None for layer in report["layers"]] == [False, True, True]
        assert report["totals"]["complete"] is False
        assert report["diagnostics"][0]["code"] == "CC308"
    elif form != "rows":
        assert "?" in result.stdout
        assert "lower bounds" in result.stdout


def test_warnings_alone_exit_0(run: Run, spec: Callable[[str], str]) -> None:
    result = run("analyze", spec(WARNED))

    assert result.exit_code == 0
    assert "warning[CC306]" in result.stderr


def test_all_problems_of_all_specs_are_shown(run: Run, spec: Callable[..., str]) -> None:
    one, two, good = spec(BAD, "a.yaml"), spec(BAD, "b.yaml"), spec(GOOD, "c.yaml")
    result = run("analyze", one, "missing.yaml", two, good)

    assert result.exit_code == 2
    assert result.stderr.count("CC308") == 2
    assert "missing.yaml:1:1: error[CC101]" in result.stderr
    assert result.stdout.count("8×8×3") == 3


def test_several_specs_are_one_json_array_and_one_csv_table(
    run: Run, spec: Callable[..., str]
) -> None:
    one, two = spec(GOOD, "a.yaml"), spec(GOOD, "b.yaml")
    reports = json.loads(run("analyze", one, two, "-f", "json").stdout)
    rows = list(csv.DictReader(io.StringIO(run("analyze", one, two, "-f", "csv").stdout)))

    assert [report["spec"] for report in reports] == [one, two]
    assert [row["spec"] for row in rows] == [one, one, two, two]


def test_standard_input_is_read(run: Run) -> None:
    result = run("analyze", "-", stdin=GOOD)

    assert result.exit_code == 0
    assert "8×8×3 → 6×6×4" in result.stdout
    assert run("analyze", "-", stdin=BAD).stderr.startswith("-:4:5: error[CC308]")


def test_a_file_wins_over_a_bundled_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bundled = run("analyze", "vgg16.yaml").stdout
    (tmp_path / "vgg16.yaml").write_text(GOOD, encoding="utf-8")

    assert "138,357,544" in bundled
    assert "8×8×3 → 6×6×4" in run("analyze", "vgg16.yaml").stdout


def test_blocks_fold_to_a_depth(run: Run) -> None:
    rows = list(
        csv.DictReader(io.StringIO(run("analyze", "vgg16", "-f", "csv", "--depth", "1").stdout))
    )

    assert [row["name"] for row in rows][:6] == [*(f"stage{n}" for n in range(1, 6)), "flatten1"]
    assert sum(int(row["parameters"]) for row in rows) == 138357544
    assert rows[0]["output"] == "112x112x64"


def test_columns_are_chosen_and_ordered(run: Run) -> None:
    result = run("analyze", "vgg16", "-f", "csv", "--columns", "macs,name")

    assert result.stdout.splitlines()[1] == "86704128,stage1.conv1"
    for name in COLUMNS:
        counted = ["--count", "fvcore"] if name == "count" else []
        assert run("analyze", "vgg16", "--columns", name, *counted).exit_code == 0


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
def test_the_table_never_cuts_a_number(
    run: Run, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = run("analyze", "vgg16", "-f", "table").stdout

    assert "102,764,544" in text
    assert "…" not in text
    if width >= 80:
        assert max(map(len, text.splitlines())) <= width


def test_control_characters_of_a_spec_do_not_reach_the_terminal(
    run: Run, spec: Callable[[str], str]
) -> None:
    result = run(
        "analyze", spec('input: 8\nname: "a\\e[31mred"\nlayers: [{relu: , "\\e[2J": 1}]\n')
    )

    assert "\x1b" not in result.stderr
    assert "\x1b" not in result.stdout


def test_the_schema_is_printed(run: Run) -> None:
    schema = json.loads(run("schema").stdout)

    assert schema["definitions"]["item"]["properties"]["conv"]["allOf"]
    assert schema["definitions"]["conv"]["properties"]["kernel"]


def test_list_shows_every_architecture_or_those_that_match(run: Run) -> None:
    names = run("list", "--format", "names").stdout.split()

    assert {"vgg16", "lenet5", "alexnet"} <= set(names)
    assert run("list", "lenet5", "-f", "json").stdout.count('"name"') == 1
    assert "61,706" in run("list", "lenet5").stdout


def test_a_bug_is_one_message_and_exit_code_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    import convcalc.cli.analyze as module

    monkeypatch.setattr(module, "read", fail)
    result = run("analyze", "vgg16")

    assert result.exit_code == 2
    assert "internal error, which is a bug: RuntimeError: broken" in result.stderr
    assert "Traceback" not in result.stderr


MODES_ASKED = {
    "figures": (),
    "error": ("--error", "message.txt"),
    "memory": ("--memory",),
    "value": ("--value", "0,0,0"),
    "at": ("--at", "0,0"),
    "reaches": ("--reaches", "0,0"),
    "fit": ("--fit",),
}
"""What `explain` explains → how that is asked for."""


def test_an_error_of_our_own_is_none_of_how_explain_is_called(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "too many values to unpack"
        raise ValueError(message)

    (tmp_path / "message.txt").write_text("RuntimeError: mat1 and mat2")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("input: 8x8x3\nlayers: [maxpool: 2]\n")
    assert MODES_ASKED.keys() == {"figures", *MODES}
    for name, options in MODES_ASKED.items():
        mode = MODES.get(name, FIGURES)
        layers = () if mode.layers == "none" else ("maxpool1",)
        assert run("explain", "a.yaml", *layers, *options).exit_code in (0, 1)
        with monkeypatch.context() as patched:
            patched.setattr(f"{mode.module}.{mode.function}", broken)
            result = run("explain", "a.yaml", *layers, *options)
        assert result.exit_code == 2
        assert "internal error, which is a bug: ValueError: too many values" in result.stderr


def test_no_command_takes_every_value_error_for_a_wrong_call() -> None:
    """Python raises one of our own errors; of a file that is opened it is none of them."""
    taken = {
        f"{path.name}: {ast.unparse(handler.type)}"
        for path in (PACKAGE / "cli").glob("*.py")
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(handler, ast.ExceptHandler) and handler.type is not None
        if re.search(r"\bValueError\b", ast.unparse(handler.type))
    }
    assert taken == {
        "fold.py: ValueError",  # writing a spec that is nested too deep
        "output.py: (OSError, ValueError)",
        "pasted.py: (OSError, ValueError)",
    }


def test_an_interrupt_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    import convcalc.cli.analyze as module

    monkeypatch.setattr(module, "read", interrupt)

    assert run("analyze", "vgg16").exit_code == 130


PARTIAL = """input: 32x32x3
blocks:
  b: {layers: [conv: {filters: 8, kernel: 3, padding: 1}, conv: {filters: 8, kernel: 3, stride: 2}]}
layers: [b, {name: g, layers: [relu, conv: {filters: 8, kernel: 3, stride: 2}]}]
"""


def test_a_folded_block_with_something_unknown_gives_no_partial_sum(
    run: Run, spec: Callable[[str], str]
) -> None:
    text = run("analyze", spec(PARTIAL), "-f", "csv", "--depth", "1").stdout

    assert text.splitlines()[1:] == ["b1,block,2 layers,,,,,", "g,block,2 layers,,,,,"]


def test_a_folded_block_shows_its_own_output(run: Run, spec: Callable[[str], str]) -> None:
    path = spec(
        "input: 32x32x3\nlayers:\n  - name: g\n    layers:\n"
        "      - {name: a, conv: {filters: 8, kernel: 3, padding: 1}}\n"
        "      - conv: {filters: 16, kernel: 2, stride: 2}\n"
        "      - {from: a}\n  - relu\n"
    )
    rows = list(
        csv.DictReader(io.StringIO(run("analyze", path, "-f", "csv", "--depth", "1").stdout))
    )

    assert (rows[0]["output"], rows[0]["receptive_field"]) == ("32x32x8", "3x3")


@pytest.mark.parametrize("name", ["efficientnet_b0", "vgg16"])
def test_numbers_stay_whole_on_narrow_terminals(
    run: Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = list(csv.DictReader(io.StringIO(run("analyze", name, "-f", "csv").stdout)))
    for width in (20, 60, 90):
        monkeypatch.setenv("COLUMNS", str(width))
        text = run("analyze", name, "-f", "table").stdout

        for row in rows:
            assert f" {int(row['parameters']):,} " in text, width


@pytest.mark.parametrize(
    "text",
    [
        "input: 8x8x3\nlayers: [relu]\nexpect: {macz: 3}\n",
        "input: 8x8x3\nlayers: [relu]\nlayers: [relu]\n",
        "input: 8x8x3\nlayers: [{relu: , name: a}, {relu: , name: a}]\n",
    ],
)
def test_errors_that_keep_nothing_out_leave_the_totals_complete(
    run: Run, spec: Callable[[str], str], text: str
) -> None:
    result = run("analyze", spec(text), "-f", "json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["totals"]["complete"] is True


def test_paths_that_do_not_align_are_marked_from_there_on(
    run: Run, spec: Callable[[str], str]
) -> None:
    path = spec(
        "input: 64x1\nlayers:\n  - conv: {filters: 1, kernel: 3}\n"
        "  - {from: input, concat: [[maxpool: 2], [crop: [[0, 32]]]]}\n"
        "  - conv: {filters: 1, kernel: 3}\n"
    )
    report = json.loads(run("analyze", path, "-f", "json").stdout)
    text = run("analyze", path, "-f", "plain").stdout

    fields = [layer["receptive_field"]["aligned"] for layer in report["layers"]]
    assert fields == [True, True, True, False, False]
    assert "* Paths of different strides lead to this layer" in text
    assert "concat1" in text


def test_outputs_that_cannot_encode_get_plain_characters() -> None:
    import os
    import subprocess
    import sys

    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "convcalc", "analyze", "vgg16", "--format"]
    plain = subprocess.run([*command, "plain"], env=environment, capture_output=True, check=True)
    encoded = subprocess.run([*command, "json"], env=environment, capture_output=True, check=True)

    assert b"VGG-16: 224x224x3 -> 1000" in plain.stdout
    assert json.loads(encoded.stdout)["totals"]["parameters"] == 138357544


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_closed_and_full_streams_are_no_bugs(tmp_path: Path) -> None:
    import subprocess
    import sys

    def shell(redirect: str, spec: str = "vgg16") -> subprocess.CompletedProcess[bytes]:
        command = f"{sys.executable} -m convcalc analyze {spec} {redirect}"
        return subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)

    assert (shell(">&-").returncode, shell(">&-").stderr) == (0, b"")
    assert shell("2>&-").returncode == 0
    assert b"-:1:1: error[CC101] is closed" in shell("<&-", "-").stderr
    full = shell(">/dev/full")
    assert (full.returncode, b"cannot write" in full.stderr) == (2, True)


def test_columns_add_up(run: Run) -> None:
    once = run("analyze", "lenet5", "-f", "csv", "--columns", "name,output,macs")
    several = ("--columns", "name", "--columns", "output,name", "--columns", "macs")
    assert run("analyze", "lenet5", "-f", "csv", *several).stdout == once.stdout
    refused = run("analyze", "lenet5", "--columns", "nonsense", "--columns", "name")
    assert refused.exit_code == 2
    assert "no column is called 'nonsense'" in refused.stderr


def test_columns_are_shown_once_each(run: Run) -> None:
    result = run("analyze", "lenet5", "-f", "csv", "--columns", "name,output,name")

    assert result.stdout.splitlines()[0] == "name,output"


def test_list_says_when_nothing_matches(run: Run) -> None:
    result = run("list", "zzz")

    assert result.exit_code == 2
    assert "no architecture's name holds 'zzz'" in result.stderr


def test_csv_has_its_header_when_the_first_spec_shows_nothing(
    run: Run, spec: Callable[[str], str]
) -> None:
    result = run("analyze", "missing.yaml", spec(GOOD), "-f", "csv")

    assert result.exit_code == 2
    assert result.stdout.splitlines()[0].startswith("spec,name,kind")
    assert len(result.stdout.splitlines()) == 3
