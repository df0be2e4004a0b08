"""`analyze --summary`: one table with a row for each spec, and families as their members."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from formatted import FORMATTED
from tabled import tabled

import convcalc
from convcalc.analysis.memory import read_limit
from convcalc.cli import convcalc as command_line
from convcalc.formats.summaries import SUMMARY_COLUMNS
from convcalc.graph.families import members
from convcalc.spec.bundled import find_bundled

BAD = "name: bad\ninput: 8x8x3\nlayers: [relu, linear: 3]\n"
FAMILY = (
    "input: 8x8x3\nparameters: {width: 4}\n"
    "presets: {one: {width: 1}, two: {width: 2}, ten: {width: 10}}\n"
    "layers:\n  - conv: {filters: width, kernel: 3}\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(BAD)
    Path("net.yaml").write_text(FAMILY)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, ["analyze", "--summary", *arguments])


def table(*arguments: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(run(*arguments, "-f", "csv").stdout))]


def test_a_row_has_the_totals_the_peak_and_the_largest_batches() -> None:
    columns = ",".join(SUMMARY_COLUMNS)
    specs = ["vgg16", "lenet5"]
    rows = table(*specs, "--batch", "4", "--limit", "T4", "--limit", "1GiB", "--columns", columns)

    for spec, row in zip(specs, rows, strict=True):
        report = convcalc.analyze(convcalc.load(spec), batch=4)
        totals = report.totals
        assert row == {
            "spec": spec,
            "name": report.name,
            "input": str(report.input).replace("×", "x"),
            "output": str(report.output),
            "layers": str(len(report.layers)),
            "parameters": str(totals.parameters),
            "buffers": str(totals.buffers),
            "macs": str(totals.macs),
            "flops": str(totals.flops),
            "activations": str(totals.activations),
            "activation_bytes": str(totals.activation_bytes),
            "peak_bytes": str(convcalc.memory(convcalc.load(spec), batch=4).peak),
            "largest_batch T4": str(convcalc.largest_batch(convcalc.load(spec), "T4")),
            "largest_batch 1GiB": str(convcalc.largest_batch(convcalc.load(spec), 2**30)),
        }


@pytest.mark.parametrize("name", FORMATTED["analyze"])
def test_every_format_has_every_row_and_one_with_errors_keeps_its_own(name: str) -> None:
    result = run("lenet5", "bad.yaml", "vgg16", "nosuch", "-f", name, "--limit", "8GiB")

    assert result.exit_code == 2  # `nosuch` could not be worked on
    assert "bad.yaml:3:" in result.stderr
    assert "error[CC308]" in result.stderr
    at = [result.stdout.find(spec) for spec in ("lenet5", "bad.yaml", "vgg16", "nosuch")]
    assert at == sorted(at)
    assert at[0] > 0
    if name == "json":
        networks = json.loads(result.stdout)["networks"]
        assert [each["peak_bytes"] is None for each in networks] == [False, True, False, True]
        assert [each["largest_batches"][0]["batch"] is None for each in networks] == [
            False, True, False, True,
        ]  # fmt: skip
    elif name == "csv":
        assert "bad.yaml,8x8x3,,,,,\n" in result.stdout
    else:
        assert result.stdout.count("?") == 5 + 6 + 1  # the input of `nosuch` is unknown, too
        assert "Errors keep it unknown." in result.stdout
    assert run("lenet5", "bad.yaml", "-f", name).exit_code == 1
    assert run("lenet5", "vgg16", "-f", name).exit_code == 0


@tabled(
    ("by", "order"),
    [
        ("parameters", ["one", "two", "ten", "bad"]),
        ("-parameters", ["ten", "two", "one", "bad"]),
        ("name", ["bad", "one", "ten", "two"]),
        ("-name", ["two", "ten", "one", "bad"]),
        ("output", ["one", "two", "ten", "bad"]),
        ("1MB", ["ten", "two", "one", "bad"]),
        ("layers", ["two", "one", "ten", "bad"]),
        ("-layers", ["two", "one", "ten", "bad"]),
    ],
)
def test_rows_are_sorted_by_any_column_and_what_is_unknown_comes_last(
    by: str, order: Sequence[str]
) -> None:
    specs = ["net.yaml#two", "bad.yaml", "net.yaml#one", "net.yaml#ten"]
    rows = table(*specs, "--columns", "name", "--limit", "1MB", "--sort", by)

    assert [row["name"] for row in rows] == order


def test_a_family_is_all_of_its_members_and_a_pattern_some() -> None:
    every = [f"net.yaml#{name}" for name in ("one", "two", "ten")]

    assert members("net.yaml#*") == every
    assert members("net.yaml#t*") == every[1:]
    assert members("net.yaml#one") == ["net.yaml#one"]
    assert members("net.yaml#x*") == ["net.yaml#x*"]
    assert [row["parameters"] for row in table("net.yaml#*")] == ["28", "56", "280"]
    bundled = members("resnet#*")
    assert {"resnet#resnet18", "resnet#wide_resnet50_2"} <= {*bundled}
    assert len(bundled) == len({*bundled}) > 10
    for command in ("analyze", "memory"):
        result = CliRunner().invoke(command_line, [command, "net.yaml#*", "-f", "json"])
        assert [each["spec"] for each in json.loads(result.stdout)] == every
    checked = CliRunner().invoke(command_line, ["check", "--isolated", "net.yaml#*"])
    assert "in 3 specs" in checked.output
    missing = run("net.yaml#x*")
    assert missing.exit_code == 2
    assert "there is no preset `x*`" in missing.stderr


def test_a_file_called_like_a_pattern_is_that_file() -> None:
    Path("net.yaml#*").write_text(FAMILY.replace("width: 4", "width: 5"))

    assert [row["parameters"] for row in table("net.yaml#*")] == ["140"]


@tabled(
    ("arguments", "said"),
    [
        (["--summary", "--depth", "1"], "--depth is about layers, and --summary shows none"),
        (["--summary", "--verify"], "--verify is about layers, and --summary shows none"),
        (["--sort", "macs"], "--sort is about the rows of --summary"),
        (["--limit", "T4"], "--limit is about the rows of --summary"),
        (
            ["--summary", "--sort", "size"],
            "no column of a summary is called 'size'; there are spec",
        ),
        (["--summary", "--columns", "kind"], "no column of a summary is called 'kind'"),
        (["--columns", "peak"], "no column is called 'peak'"),
        (["--columns", "kind", "--summary"], "no column of a summary is called 'kind'"),
        (["--summary", "--limit", "12"], "write 12GiB or 12MB"),
        (
            ["--summary", "-f", "json", "--columns", "name"],
            "json has every column of every network",
        ),
    ],
)
def test_options_without_effect_are_refused(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(command_line, ["analyze", "lenet5", *arguments])

    assert result.exit_code == 2
    assert said in result.stderr


def test_the_table_on_a_terminal_cuts_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for width in ("20", "80", "200"):
        monkeypatch.setenv("COLUMNS", width)
        shown = run("vgg16", "resnet50", "-f", "table", "--limit", "rtx4090").stdout
        assert "138,357,544" in shown
        assert (
            f"{convcalc.largest_batch(convcalc.load('vgg16'), read_limit('rtx4090').name):,}"
            in (shown)
        )
        assert "…" not in shown


def test_all_of_a_family_has_its_main_network_where_no_member_is_the_same() -> None:
    """VGG-16 stands in `vgg.yaml` without a preset; ResNet-50 is one of the presets."""
    assert "vgg16" in members("vgg#*")
    assert members("vgg#vgg16*") == ["vgg16", "vgg#vgg16_bn"]
    assert "vgg16" not in members("vgg#*_bn")
    for name in ("vgg11", "resnet18", "squeezenet1_1", "mnasnet0_5"):
        family = find_bundled(name)
        if family is not None and family.preset:
            every = members(f"{Path(family.path).stem}#*")
            titles = {convcalc.load(each).name for each in every}
            assert convcalc.load(str(family.path)).name in titles
    Path("own.yaml").write_text(
        "name: Main\n"
        + FAMILY.replace("{width: 1}, two: {width: 2}, ten: {width: 10}", "{name: One, width: 1}")
    )
    assert members("own.yaml#*") == ["own.yaml", "own.yaml#one"]
    assert members("own.yaml#o*") == ["own.yaml#one"]


@pytest.mark.parametrize("command", [["show"], ["diff", "vgg16"], ["verify"]])
def test_a_pattern_where_one_spec_belongs_says_which_commands_take_it(command: list[str]) -> None:
    done = CliRunner().invoke(command_line, [*command, "vgg#*"])

    assert done.exit_code
    assert "`analyze`, `memory` and `check` take a pattern" in done.output
