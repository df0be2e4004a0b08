"""`convcalc sizes`: what it answers, its JSON, and its exit codes."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from paths import ROOT

from convcalc.cli import convcalc


def run(text: str, *arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["sizes", "-", *arguments], input=text)


POOLS = "{input: 8x12x3, layers: [maxpool: 2, maxpool: 2]}"


@pytest.mark.parametrize(
    "text",
    [
        POOLS,
        "{input: 784, layers: [linear: 10]}",
        "{input: 8x8x3, layers: [add: [[], [permute: [1, 3, 2]]]]}",
        "{input: [n, n, 3], parameters: {n: 8}, layers: [crop: {size: n - 4}, maxpool: 2]}",
        "{input: 9x9x3, rounding: ceil, layers: [maxpool: 2, flatten, linear: 3]}",
        "{input: 9x9x3, rounding: floor, layers: [maxpool: 2]}",
    ],
)
def test_json_satisfies_its_schema(text: str) -> None:
    schema = json.loads((ROOT / "docs" / "sizes.schema.json").read_text(encoding="utf-8"))
    result = run(text, "--format", "json", "--near", "10")

    assert result.exit_code == 0, result.output
    jsonschema.Draft7Validator(schema).validate(json.loads(result.stdout))


def test_the_nearest_sizes_are_below_and_above() -> None:
    value = json.loads(run(POOLS, "--near", "10x12", "--format", "json").stdout)

    assert [each["accepted"] for each in value["near"]] == [
        {"below": 8, "above": 12},
        {"below": 12, "above": 12},
    ]


@pytest.mark.parametrize(
    ("text", "arguments", "code", "shown"),
    [
        (POOLS, "", 0, "4·k, k ≥ 1"),
        # Its own input does not fit: the law is shown, and the finding.
        (POOLS.replace("8x12", "9x12"), "", 1, "4·k, k ≥ 1"),
        # A layer that is not known might ask anything.
        ("{input: 8x8x3, layers: [maxpol: 2]}", "", 1, ""),
        ("{input: 8x8x3, layers: [{conv: {filters: 0, kernel: 3}}]}", "", 1, ""),
        (POOLS, "--near 3x4x5", 2, ""),
        (POOLS, "--near 0", 2, ""),
    ],
)
def test_exit_codes(text: str, arguments: str, code: int, shown: str) -> None:
    result = run(text, *arguments.split())

    assert result.exit_code == code, result.output
    assert (shown in result.stdout) if shown else result.stdout == ""


def test_a_spec_that_is_not_there_could_not_be_run(tmp_path: Path) -> None:
    result = CliRunner().invoke(convcalc, ["sizes", str(tmp_path / "a.yaml")])

    assert (result.exit_code, result.stdout) == (2, "")
