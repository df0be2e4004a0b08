"""`convcalc size`: what its numbers are, what is refused, exit codes and JSON."""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from paths import ROOT
from tabled import tabled

from convcalc.cli import convcalc

SCHEMA = json.loads((ROOT / "docs" / "size.schema.json").read_text(encoding="utf-8"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["size", *arguments])


def value(*arguments: str) -> Mapping[str, Any]:
    """What is printed as JSON, which satisfies its schema."""
    printed: Mapping[str, Any] = json.loads(run(*arguments, "--format", "json").stdout)
    jsonschema.Draft7Validator(SCHEMA).validate(printed)
    return printed


@tabled(
    ("arguments", "code", "said"),
    [
        ("227 11 4 0", 0, "kernel 11, stride 4, padding 0: 227 → 55\n"),
        ("227 --kernel 11 --stride 4", 0, "227 → 55\n"),
        ("8x9 --kernel 3x4 --padding 1x0", 0, "8×9 → 8×6\n"),
        ("[8,9] --kernel 3", 0, "8×9 → 6×7\n"),
        ("224 11 4 0", 1, "error[CC301] stride 4 does not tile"),
        ("5 --kernel 7", 1, "error[CC303] kernel 7 is larger"),
        ("10 3 2 0 --floor", 0, "warning[CC306] the last 1 position"),
        ("5 --kernel 4 --same", 1, "error[CC307]"),
        ("8 --kernel 3x3", 1, "error[CC311] kernel has 2 values"),
        ("8x8 3 1 [[1,2]]", 1, "error[CC311] padding has 1 value, and the input has 2"),
        ("4 3 2 0 --transposed --output-padding 2", 1, "error[CC302] output_padding 2"),
        ("5 --kernel 3 --padding valid", 0, "5 → 3\n"),
        ("--output-size 55 --kernel 11 --stride 4", 0, "input    length  227\n"),
        ("4 3 2 1 --output-size 8 --transposed", 0, "output_padding  length  1\n"),
        ("--output-size 17 --kernel 4 --stride 2 --padding 1 --transposed", 1, "none\n"),
        ("7 --output-size 1 --kernel 7", 0, "stride    length  1, 2, 3, … without end\n"),
        ("5 --output-size 5 --same", 0, "kernel   length  1, 3, 5, … without end\n"),
        ("--output-size 2 --kernel 1 --stride 9 --floor", 0, "input    length  10 … 18\n"),
        ("--output-size 8 --kernel 3 --stride 8 --padding same", 0, "57 … 64\n"),
    ],
)
def test_answers_and_exit_codes(arguments: str, code: int, said: str) -> None:
    result = run(*arguments.split())

    assert said in result.output
    assert result.exit_code == code, result.output


@tabled(
    ("arguments", "said"),
    [
        ("224 11", "2 numbers may be several things: 224 11. Write one, the input"),
        ("224 11 4", "(224x11x4)"),
        ("1 2 3 4 5", "5 numbers may be several things"),
        ("", "an input, such as 224, is missing"),
        ("224", "--kernel is missing; with --output-size, it is solved for"),
        ("227 11 4 0 --stride 4", "the stride is given twice, as 4 and as --stride 4"),
        ("227 11 4 0 --same", "--same says what the padding is, and so does a padding of 0"),
        ("8 --kernel 3 --padding 1 --same", "and so does --padding 1"),
        ("8 --kernel 3 --floor --ceil", "--floor and --ceil"),
        ("8 --kernel 3 --rounding floor --floor", "--floor and --rounding floor"),
        ("8 --kernel 3 --transposed --ceil", "--ceil has no effect"),
        ("8 --kernel 3 --output-padding 1", "--output-padding is of a transposed layer"),
        ("8 --kernel 0", "'--kernel': '0': 0 is below 1"),
        ("0 3 1 1", "the input: '0': 0 is below 1"),
        ("8 3 0 1", "the stride: '0': 0 is below 1"),
        ("8 --kernel [[1", "not YAML"),
        ("8 --kernel wide", "'wide'"),
        ("1x2x3x4 --kernel 1", "1 to 3 spatial axes, and this has 4"),
        ("--output-size 5 --stride 2", "input and kernel are both missing"),
        ("5 3 1 1 --dilation 1 --output-size 5", "nothing is missing"),
        ("5x5 --kernel 3 --output-size 5", "these are 2 and 1"),
    ],
)
def test_what_says_nothing_or_too_much_is_refused(arguments: str, said: str) -> None:
    result = run(*arguments.split())

    assert said in result.stderr
    assert (result.exit_code, result.stdout) == (2, "")


def test_json_has_every_number() -> None:
    whole = value("8x9", "--kernel", "3", "--stride", "2", "--ceil")
    # ⌈5/2⌉ + 1 and 6/2 + 1; the last window of the first axis ends at 9, two past 7.
    assert (whole["output"], whole["dropped"], whole["past"]) == ([4, 4], [0, 0], [1, 0])
    assert whole["formulas"][0]["filled"] == "⌈(8 − 3 + 2·0)/2⌉ + 1"
    assert [window["after"] for window in whole["windows"]] == [1, 0]

    # A kernel that does not fit drops nothing: there is no last step.
    assert value("10", "12", "12", "0")["dropped"] == [0]

    broken = value("224", "11", "4", "0")
    assert broken["output"] is None
    assert [each["code"] for each in broken["diagnostics"]] == ["CC301"]
    assert broken["diagnostics"][0]["named"] == "stride"
    assert value("8", "--kernel", "3", "--same")["padding"] == "same"

    solved = value("224", "--output-size", "55", "--kernel", "11", "--stride", "4")
    padding, dilation = solved["solutions"]
    assert padding["axes"] == [[{"first": 3, "last": 3, "step": 1}]]
    # 224 − (10·D + 1) = 54·4 has no whole D.
    assert (dilation["axes"], dilation["rounded_down"]) == ([[]], [])


@pytest.mark.parametrize("name", ["table", "plain", "markdown"])
def test_every_format_has_the_drawing(name: str) -> None:
    assert "output 2        ■  ■  ■" not in run("227", "11", "4", "0", "--format", name).stdout
    assert "output 2              ■  ■  □" in run("5", "3", "2", "1", "--format", name).stdout
