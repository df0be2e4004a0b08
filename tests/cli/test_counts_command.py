"""`convcalc analyze` with --count, --why and --whose."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft7Validator
from paths import ROOT

from convcalc.analysis.conventions import CONVENTIONS
from convcalc.cli import convcalc
from convcalc.spec.promises import TOOLS

MIXED = (
    "name: mixed\ninput: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3, padding: 1}\n"
    "  - batchnorm\n  - {relu, name: gate}\n  - maxunpool: {indices: pool}\n"
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["analyze", *arguments])


def test_the_tools_that_are_offered_are_those_that_there_are() -> None:
    assert [*TOOLS] == [*CONVENTIONS]


def test_a_tool_s_count_is_a_column_and_a_total() -> None:
    result = run("resnet50", "--count", "fvcore", "--depth", "1", "--format", "plain")
    assert result.exit_code == 0
    assert "MACs          Count" in result.stdout
    (norm,) = (line for line in result.stdout.splitlines() if line.startswith("batchnorm1"))
    assert "1,605,632" in norm  # 2·112·112·64
    assert "fvcore       4,111,512,576  flops, one a multiply-add" in result.stdout
    assert "11,114,984  activations, as fvcore counts them" in result.stdout


def test_the_layers_of_a_column_add_up_to_the_total() -> None:
    for tool in TOOLS:
        result = run("mobilenet_v2", "--count", tool, "--format", "json", "--batch", "2")
        value = json.loads(result.stdout)
        assert sum(layer["count"] for layer in value["layers"]) == value["count"]["total"]


def test_the_terms_of_a_bridge_add_up_to_the_total_of_every_tool() -> None:
    for tool in TOOLS:
        result = run("resnet18", f"--why={tool}", "--format", "json", "--batch", "2")
        value = json.loads(result.stdout)
        assert sum(term["amount"] for term in value["terms"]) == value["total"]
        for term in value["terms"]:
            assert sum(term["layers"].values()) == term["amount"]


def test_a_bridge_by_layer_says_what_each_adds() -> None:
    rows = list(
        csv.DictReader(
            StringIO(run("resnet18", "--why=fvcore", "--by-layer", "--format", "csv").stdout)
        )
    )
    norms = [row for row in rows if row["layer"] and "batch norm" in row["term"]]
    assert len(norms) == 20
    (total,) = (row for row in rows if not row["layer"] and "batch norm" in row["term"])
    assert sum(int(row["amount"]) for row in norms) == int(total["amount"]) == 4_967_424 + 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--why", "resnet18"], "no tool is called so; a SPEC stands before --why"),
        (["--why"], "--why leads to a tool's number"),
        (["--count", "thop", "--why=fvcore"], "are two tools"),
        (["--count", "thop", "--mode", "train"], "--mode is without effect on thop"),
        (["--count", "torchinfo", "--no-grad"], "--no-grad is without effect on torchinfo"),
        (
            ["--count", "torchprofile", "--mode", "train"],
            "--mode is without effect on torchprofile",
        ),
        (["--count", "thop", "--no-grad"], "--no-grad is without effect on thop"),
        (["--no-grad"], "--no-grad is about what other tools count"),
        (["--by-layer", "--count", "thop"], "--by-layer is of the terms of --why"),
        (["--parameters", "--count", "thop"], "--parameters says what --whose asks about"),
        (["--count", "fvcore", "--mode", "train", "--no-grad"], "without effect with --mode train"),
        (
            ["--whose", "1M", "--parameters", "--batch", "2"],
            "--batch is without effect on a number",
        ),
        (["--why=thop", "--by-layer", "--format", "json"], "--by-layer is without effect on what"),
        (["--whose", "4.1G", "--count", "thop"], "--whose asks of all tools"),
        (["--whose", "four"], "'four' is no number as people write them"),
        (
            ["--count", "all", "--columns", "name"],
            "--columns is without effect on what --count all",
        ),
        (
            ["--count", "all", "--columns", "count"],
            "--columns is without effect on what --count all",
        ),
        (["--why=all", "--depth", "1"], "--depth is without effect on what --why all shows"),
        (["--count", "all", "--summary"], "--summary is without effect on what --count all shows"),
        (["--why=thop", "--dtype", "float16"], "--dtype is without effect on what --why shows"),
        (["--count", "thop", "--summary"], "--summary is without effect on what --count shows"),
        (["--columns", "count"], "the column count is what a tool counts of layers: name it by"),
        (["--columns", "count", "--summary", "--count", "thop"], "lled 'count'; there are spec"),
        (["--count", "torchvision"], "did you mean"),
    ],
)
def test_what_would_be_without_effect_is_refused(arguments: list[str], said: str) -> None:
    result = run("resnet18", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_tool_that_has_no_number_says_of_which_layer(tmp_path: Path) -> None:
    spec = tmp_path / "unpooled.yaml"
    spec.write_text(
        "input: 8x8x3\nlayers:\n  - {name: pool, maxpool: 2}\n  - maxunpool: {indices: pool}\n"
    )
    result = run(str(spec), "--count", "fvcore", "--format", "plain")
    assert result.exit_code == 1
    assert "fvcore has no number of maxunpool1 (maxunpool): PyTorch 2.13 stops" in result.stdout
    result = run(str(spec), "--count", "all", "--format", "plain")
    assert result.exit_code == 0
    assert "fvcore, torchprofile, timm have no number of maxunpool1" in result.stdout


def test_whose_number_is_said_with_the_nearest() -> None:
    result = run("resnet50", "--whose", "4.12G", "--format", "plain")
    assert result.exit_code == 0
    assert "the nearest is fvcore, 4,111,512,576, which is 8,487,424 less." in result.stdout
    result = run("resnet50", "--whose", "4111512576", "--format", "csv")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1] == "fvcore,4111512576,as it is,"


def test_errors_of_a_network_are_said_and_the_others_shown(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("input: 8x8x3\nlayers: [conv: {filters: 2, kernel: 9}]\n")
    for arguments in (["--count", "all"], ["--why=thop"], ["--whose", "1.81G"]):
        result = run(str(bad), "resnet18", *arguments, "--format", "plain")
        assert result.exit_code == 1
        assert "ResNet-18" in result.stdout
        assert "bad.yaml:2" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["resnet18", "--count", "all"],
        ["resnet18", "vgg16", "--count", "all"],
        ["resnet18", "--why=fvcore"],
        ["resnet18", "--why=all"],
        ["resnet18", "--whose", "1.8G"],
        ["resnet18", "--whose", "1.7G"],
        ["resnet18", "--whose", "11.7M", "--parameters"],
    ],
)
def test_json_satisfies_its_schema(arguments: list[str]) -> None:
    schema = json.loads((ROOT / "docs" / "counts.schema.json").read_text("utf-8"))
    report = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
    assert (
        schema["definitions"]["tool_count"]["required"]
        == (report["definitions"]["tool_count"]["required"])
    )
    value = json.loads(run(*arguments, "--format", "json").stdout)
    Draft7Validator(schema).validate(value)


def test_attention_without_gradients_is_another_number_of_ptflops(tmp_path: Path) -> None:
    """As ptflops 0.7.5 says: on the fast path it sees no `torch.bmm`, and no softmax."""
    spec = tmp_path / "attention.yaml"
    spec.write_text("input: 5x8\nwritten: {attention: weights}\nlayers: [attention: 2]\n")
    totals = [
        json.loads(run(str(spec), "--count", "ptflops", *more, "--format", "json").stdout)
        for more in ([], ["--no-grad"])
    ]
    assert [each["count"]["total"] for each in totals] == [2380, 1930]


def test_how_layers_are_written_is_said_over_the_spec() -> None:
    """Values of ReLUs are counted by a hook and by a function: 2 × 2,308,096 of ResNet-18."""
    totals = [
        json.loads(run("resnet18", "--count", "ptflops", *more, "--format", "json").stdout)
        for more in ([], ["--written", "relu=function"], ["--written", "relu=method"])
    ]
    assert [each["count"]["total"] for each in totals] == [
        1_825_313_768,
        1_825_313_768 - 2_308_096,
        1_825_313_768 - 2 * 2_308_096,
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--written", "relu=function"], "--written is about what other tools count"),
        (["--count", "ptflops", "--written", "rleu=function"], "did you mean `relu`?"),
        (["--count", "ptflops", "--written", "relu=fun"], "'fun' is none of module, function"),
        (["--count", "ptflops", "--written", "relu=mean"], "`mean` cannot be said"),
        (["--count", "ptflops", "--written", "relu"], "is not PATTERN=WORD"),
    ],
)
def test_lines_that_say_nothing_are_refused(arguments: list[str], said: str) -> None:
    result = run("resnet18", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
