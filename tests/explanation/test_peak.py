"""`convcalc explain --memory`: the table adds up, and what it cannot explain it says plainly."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from paths import DATA, ROOT
from tabled import tabled

import convcalc
from convcalc.analysis.memory import memory
from convcalc.analysis.memory.changes import FEWEST_TRIALS, TRIALS, WORK
from convcalc.cli import convcalc as command

GOLDEN: dict[str, dict[str, int]] = json.loads((DATA / "memory.json").read_text(encoding="utf-8"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["explain", *arguments, "--memory"])


def explained(*arguments: str) -> dict[str, Any]:
    """What JSON says, which satisfies its schema and adds up."""
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    value: dict[str, Any] = json.loads(result.stdout)
    schema = json.loads((ROOT / "docs" / "explain.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(value)
    peak = value["peak"]
    assert sum(tensor["bytes"] for tensor in value["tensors"]) == peak["bytes"]
    assert sum(peak["parts"].values()) == peak["bytes"]
    assert all(change["peak"] + change["saved"] == peak["bytes"] for change in value["changes"])
    return value


@tabled(
    ("key", "field", "terms"),
    [
        ("alexnet/batch=8/inplace", "train_peak_momentum", {"optimizer": "momentum"}),
        ("alexnet/batch=1/inplace", "train_peak_adam", {"optimizer": "adam", "fused": False}),
        ("resnet18/batch=8/inplace", "train_peak_adam_foreach", {"optimizer": "adam"}),
        ("resnet18/batch=1/outofplace", "train_peak_sgd", {}),
    ],
)
def test_tables_add_up_to_what_was_measured(key: str, field: str, terms: dict[str, Any]) -> None:
    """`data/memory.json` was measured on PyTorch 2.13."""
    name, batch, manner = key.split("/")
    found = convcalc.explain_memory(
        "alexnet_torchvision" if name == "alexnet" else name,
        batch=int(batch.removeprefix("batch=")),
        inplace=manner == "inplace",
        training=True,
        **terms,
    )
    assert sum(tensor.bytes for tensor in found.peak.tensors) == GOLDEN[key][field]


@tabled(
    ("options", "of", "like"),
    [
        ("lenet5", "inference", {}),
        (
            "lenet5 --batch 3 --dtype float16 --overhead 1kB",
            "inference",
            {"batch": 3, "dtype": "float16", "overhead": 1000},
        ),
        (
            "lenet5 --training --optimizer adam --per-tensor",
            "training",
            {"training": True, "optimizer": "adam", "fused": False},
        ),
        (
            "resnet18 --training --checkpoint conv2_x --device cuda --mixed-precision",
            "training",
            {"training": True, "checkpoint": "conv2_x", "device": "cuda", "mixed_precision": True},
        ),
        (
            "lenet5 --no-inplace --input 36x36x1",
            "inference",
            {"inplace": False, "input": "36x36x1"},
        ),
    ],
)
def test_options_mean_what_they_mean_to_memory(options: str, of: str, like: dict[str, Any]) -> None:
    value = explained(*options.split())
    assert value["of"] == of
    report = memory(value["spec"], **like)
    peak = value["peak"]
    assert (peak["bytes"], peak["phase"], peak["layer"]) == (
        report.peak,
        report.peak_phase,
        report.peak_layer,
    )


@tabled(
    ("options", "of", "size"),
    [
        # docs/memory.md shows these of LeNet-5: the arena, and the lower line in float32.
        ("lenet5 --arena", "arena", 9408),
        ("lenet5 --deploy", "deploy", 246_824 + 23_520),
    ],
)
def test_arenas_and_runtimes_are_explained(options: str, of: str, size: int) -> None:
    value = explained(*options.split())
    assert (value["of"], value["peak"]["bytes"]) == (of, size)


TOKENS = """
input: 6x6x4
layers:
  - conv: {filters: 8, kernel: 2, stride: 2}
  - flatten: {start: 2}
  - concat: {branches: [[learned: 1x8], []], axis: length}
  - add: [[], [learned: 10x8]]
  - attention: 2
  - flatten
  - linear: 3
"""
"""A vision transformer in small: of one example gradients of what is learned are parts of others"""


@tabled(
    ("batch", "optimizer", "attention"),
    [
        (batch, optimizer, attention)
        for batch in (1, 2)
        for optimizer in ("sgd", "adam")
        for attention in ("fused", "math")
    ],
)
def test_one_example_is_explained_as_it_is_taken(
    batch: int, optimizer: str, attention: str
) -> None:
    """Where one example takes otherwise than each of several, so does its table."""
    terms: Any = {"training": True, "optimizer": optimizer, "attention": attention}
    network = convcalc.loads(TOKENS)
    found = convcalc.explain_memory(network, batch=batch, **terms)
    report = memory(network, batch=batch, **terms)
    parts = {line.name: line.bytes for line in report.at_peak}
    assert sum(tensor.bytes for tensor in found.peak.tensors) == report.peak
    assert {name: size for name, size in found.parts.items() if size} == parts
    assert all(change.peak < report.peak for change in found.changes.lower)
    cheaper = {change.write for change in found.changes.lower}
    assert ("--optimizer sgd" in cheaper) == (optimizer == "adam")


def test_attention_is_explained_as_it_is_computed() -> None:
    value = explained("vit_b_16", "--attention", "math")
    assert (value["attention"], explained("vit_b_16")["attention"]) == ("math", "fused")
    assert any(change["write"] == "--attention fused" for change in value["changes"])
    assert (
        "(one example, float32, attention written out)"
        in run("vit_b_16", "--attention", "math").stdout
    )


def test_a_gap_in_an_arena_is_a_line_of_its_own() -> None:
    value = explained("mobilenet_v3_small", "--arena")
    gaps = value["peak"]["parts"].get("gaps", 0)
    buffers = sum(each["bytes"] for each in value["tensors"] if each["part"] == "buffers")
    assert buffers + gaps == value["peak"]["bytes"]


def test_one_of_several_devices_is_explained() -> None:
    words = "lenet5 --training --optimizer adam --data-parallel 4 --shard optimizer"
    value = explained(*words.split())
    shared = [each for each in value["tensors"] if each["part"] == "optimizer state"]
    assert [each["name"] for each in shared] == ["optimizer state, a share of 1/4"]
    assert any(change["write"] == "--shard parameters" for change in value["changes"])


@tabled(
    ("options", "message"),
    [
        ("--optimizer adam", "--optimizer needs --training"),
        ("--per-tensor", "--fused or --per-tensor needs --training"),
        ("--checkpoint every=2", "--checkpoint needs --training"),
        ("--data-parallel 2", "--data-parallel needs --training"),
        ("--training --shard optimizer", "--shard needs --data-parallel N"),
        ("--deploy --arena", "--deploy and --arena are two plans of memory: ask for one"),
        ("--arena --batch 2", "--arena is planned for one example: leave --batch out"),
        ("--arena --training", "--training has no effect on --arena"),
        ("--deploy --no-inplace", "--no-inplace has no effect on --deploy"),
        ("--attention math", "attention 'math' would change nothing: LeNet-5 has none"),
        ("--attention fused --arena", "--attention has no effect on --arena"),
        ("--training --dtype int8", "int8 cannot be trained: its gradients are no whole numbers"),
        ("--training --checkpoint auto", "--checkpoint auto needs a --limit"),
        ("--training --checkpoint nowhere", "no layer's name begins with 'nowhere'"),
        ("C1", "--memory is about the whole network: leave C1 out"),
    ],
)
def test_what_there_is_not_is_refused(options: str, message: str) -> None:
    result = run("lenet5", *options.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_options_of_memory_need_the_mode() -> None:
    result = CliRunner().invoke(command, ["explain", "lenet5", "C1", "--training"])
    assert result.exit_code == 2
    assert "--training is an option of --memory" in result.stderr


def test_a_batch_that_is_too_small_is_a_finding(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("input: 4x4x3\nlayers: [global_avgpool, batchnorm]\n", encoding="utf-8")
    result = run(str(spec), "--training")
    assert result.exit_code == 1
    assert "CC513" in result.stdout + result.stderr


def test_the_page_adds_up_in_words() -> None:
    """The largest are listed, the rest is one row, and `--all` lists every one."""
    whole = memory("lenet5", training=True).peak
    for every in ([], ["--all"]):
        text = run("lenet5", "--training", "--format", "markdown", *every).stdout
        table = text.partition("What is alive there")[2].split("\n\n")[1].splitlines()[2:]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
        *parts, total = [int(row[3].replace(",", "")) for row in cells]
        assert sum(parts) == total == whole
        assert ("smaller ones" in cells[-2][0]) == (not every)


@pytest.mark.parametrize("form", ["plain", "table", "markdown"])
def test_every_format_shows_it(form: str) -> None:
    result = run("lenet5", "--training", "--format", form)
    assert result.exit_code == 0
    assert "backward" in result.stdout or "forward" in result.stdout


def test_a_network_without_layers_peaks_before_any_runs(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("input: 4x4x3\nlayers: []\n", encoding="utf-8")
    result = run(str(spec), "--format", "plain")
    assert "192 bytes, 192 B, before any layer runs." in result.stdout


def test_the_value_says_what_the_command_says() -> None:
    value = convcalc.explain_memory("lenet5", training=True)
    assert f"{value}\n" == run("lenet5", "--training", "--format", "plain").stdout
    assert value.to_json() == run("lenet5", "--training", "--format", "json").stdout
    assert value.to_markdown() == run("lenet5", "--training", "--format", "markdown").stdout
    assert repr(value).startswith("<PeakExplanation 'LeNet-5': training, batch 1, ")


def test_the_page_of_the_documentation_says_how_much_is_tried() -> None:
    text = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
    assert f"at most {TRIALS} changes, which work out {WORK:,} layers together" in text
    assert f"and at least {FEWEST_TRIALS};" in text
