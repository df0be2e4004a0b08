"""`convcalc explain`: which layers it is about, its options, and what it says where it cannot."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from paths import ROOT

from convcalc.cli import convcalc


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["explain", *arguments])


def layers(*arguments: str) -> list[str]:
    """Names of the layers that are explained, by JSON that satisfies its schema."""
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    schema = json.loads((ROOT / "docs" / "explain.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(value)
    return [layer["name"] for layer in value["layers"]]


SPEC = """input: 8x8x3
blocks:
  unit: {layers: [conv: {filters: 4, kernel: 3, padding: 1}, relu]}
layers:
  - unit
  - unit
  - {linear: 10, name: head}
"""
FIRST = ["unit1.conv1", "unit1.relu1"]


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC.replace("  - {lin", "  - flatten\n  - {lin"), encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("unit1.conv1", FIRST[:1]),
        ("unit1.c", FIRST[:1]),
        ("unit1", FIRST),
        ("unit1 head unit1.relu1", [*FIRST, "head"]),
        ("*.relu?", ["unit1.relu1", "unit2.relu1"]),
        ("he", ["head"]),
        ("--all", [*FIRST, "unit2.conv1", "unit2.relu1", "flatten1", "head"]),
    ],
)
def test_names_mean_layers_groups_their_starts_and_patterns(
    names: str, expected: list[str]
) -> None:
    assert layers("net.yaml", *names.split()) == expected


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("unit1.conv2", "did you mean unit1.conv1?"),
        ("unit", "2 names of net.yaml begin with 'unit': unit1, unit2"),
        ("zzz", "there are unit1, unit2, input, flatten1, head"),
        ("unit1.somewhere", "in unit1 there are unit1.conv1"),
        ("zz*", "no layer of net.yaml matches 'zz*'"),
        ("", "`convcalc explain net.yaml unit1.conv1`, or --all"),
        ("--all head zzz", "--all is every layer: leave 'head zzz' or --all out"),
    ],
)
def test_what_names_no_layer_is_answered_with_those_there_are(names: str, said: str) -> None:
    result = run("net.yaml", *names.split())

    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_name_of_a_network_with_errors_is_none_beside_what_is_wrong_there() -> None:
    Path("broken.yaml").write_text(SPEC, encoding="utf-8")
    result = run("broken.yaml", "nosuch")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "error[CC3" in result.stderr
    assert "no layer of broken.yaml is called 'nosuch'" in result.stderr


def test_a_network_without_layers_has_none() -> None:
    Path("empty.yaml").write_text("input: 8x8x3\nlayers: []\n", encoding="utf-8")

    assert "It has no layers." in run("empty.yaml", "--all").stdout
    assert "`convcalc explain empty.yaml input`" in run("empty.yaml").stderr
    assert "'a'; there is input\n" in run("empty.yaml", "a").stderr
