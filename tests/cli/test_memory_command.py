"""`convcalc memory`: every option, every format, limits and what is said beyond them."""

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from paths import ROOT
from tabled import tabled

import convcalc
from convcalc.analysis.memory import RunTerms, arena, deploy, model, sharded
from convcalc.checks.promises import broken
from convcalc.cli import convcalc as command_line
from convcalc.formats.memory import MEMORY_FORMATS
from convcalc.formats.memory.timeline import HEIGHT, drawn
from convcalc.graph import read_text
from convcalc.spec.text import SourceText

SMALL = """\
name: small
input: 12x12x3
blocks:
  pair: {layers: [{conv: {filters: 8, kernel: 3, padding: 1}}, relu]}
layers:
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: first}
  - relu
  - pair
  - pair
  - pair
  - {dropout: 0.5, name: drop}
  - maxpool: 2
  - flatten
  - linear: 10
"""
BAD = "input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 9}\n"
GIB = 2**30

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    def call(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(
            command_line, ["memory", *arguments], input=stdin, prog_name="convcalc"
        )

    return call


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return str(path)


def answered(result: Result) -> Any:
    """The JSON of a run that went well, or over a limit."""
    assert result.exit_code in (0, 1), result.stderr
    return json.loads(result.stdout)


# -- the breakdown -----------------------------------------------------------------------------


def test_every_line_is_the_librarys(run: Run) -> None:
    found = answered(run("alexnet_torchvision", "--batch", "8", "-f", "json"))["memory"]
    report = convcalc.memory(convcalc.load("alexnet_torchvision"), batch=8)

    for name in ("parameters", "buffers", "input", "peak", "forward_peak", "activation_peak"):
        assert found[name] == getattr(report, name)
    assert found["gradients"] == found["kept"] == found["optimizer_state"] == 0
    assert sum(found["at_peak"].values()) == found["peak"]
    assert found["peak_layer"] == report.peak_layer


@tabled(
    ("options", "terms"),
    [
        ([], {}),
        (["--batch", "7"], {"batch": 7}),
        (["--training"], {"training": True}),
        (["--training", "--optimizer", "adamw"], {"training": True, "optimizer": "adamw"}),
        (
            ["--training", "--optimizer", "adam", "--per-tensor"],
            {"training": True, "optimizer": "adam", "fused": False},
        ),
        (
            ["--training", "--optimizer", "rmsprop", "--fused"],
            {"training": True, "optimizer": "rmsprop"},
        ),
        (["--dtype", "bfloat16"], {"dtype": "bfloat16"}),
        (["--training", "--mixed-precision"], {"training": True, "mixed_precision": True}),
        (["--no-inplace"], {"inplace": False}),
        (["--inplace"], {"inplace": True}),
        (["--training", "--device", "cuda"], {"training": True, "device": "cuda"}),
        (["--overhead", "500MB"], {"overhead": 500_000_000}),
        (["--overhead", "1.5MiB"], {"overhead": 1_572_864}),
        (["--training", "--checkpoint", "every=3"], {"training": True, "checkpoint": 3}),
        (
            ["--training", "--checkpoint", "first,pair2", "--checkpoint", "drop"],
            {"training": True, "checkpoint": ["first", "pair2", "drop"]},
        ),
    ],
)
def test_options_are_the_librarys_terms(
    run: Run, small: str, options: list[str], terms: dict[str, Any]
) -> None:
    found = answered(run(small, "-f", "json", *options))
    report = convcalc.memory(convcalc.load(small), **terms)

    assert found["memory"]["peak"] == report.peak
    assert found["memory"]["kept"] == report.kept
    assert found["memory"]["overhead"] == report.overhead
    assert found["timeline"] == [moment._asdict() for moment in report.timeline]
    assert found["layers"] == [layer._asdict() for layer in report.layers]
    for name, value in terms.items():
        assert name == "checkpoint" or found["terms"][name] == value


def test_input_and_parameters_can_be_set(run: Run, small: str) -> None:
    one = answered(run(small, "-f", "json"))["memory"]
    larger = answered(run(small, "-f", "json", "--input", "24x24x3"))["memory"]

    assert larger["input"] == 4 * one["input"]
    lenet = answered(run("vgg16", "-f", "json", "--set", "classes=10"))["memory"]
    assert lenet["parameters"] == 4 * (138357544 - 990 * 4097)


def test_the_named_lines_of_a_training_step(run: Run) -> None:
    text = run("vgg16", "--training", "--batch", "8", "--optimizer", "momentum").stdout

    for line in ("Parameters", "Buffers", "Gradients", "Optimizer state", "Input", "Targets"):
        assert line in text
    for line in ("Kept for backward", "Temporaries", "Forward peak", "Backward peak", "Step peak"):
        assert line in text
    assert "The peak: 2.22 GB (2.07 GiB), in the backward pass at stage4.relu3" in text
    assert "2,219,016,488" in text
    assert "Not included" in text
    assert "CUDA context" in text


def test_layers_are_shown_when_asked_for(run: Run, small: str) -> None:
    text = run(small, "--training", "--layers", "--checkpoint", "every=2").stdout

    assert "Live backward" in text
    assert "runs again" in text
    assert "pair1.conv1" in text
    assert "Live backward" not in run(small, "--layers").stdout
    assert "in place" in run(small, "--layers").stdout
    assert "Layers, in bytes" not in run(small).stdout


# -- formats -----------------------------------------------------------------------------------


EVERYTHING = [
    "--training", "--optimizer", "adam", "--layers", "--timeline", "--deploy", "--arena",
    "--checkpoint", "every=3", "--data-parallel", "4", "--shard", "gradients", "--limit", "T4",
]  # fmt: skip


@pytest.mark.parametrize("format_name", ["table", "plain", "markdown"])
def test_formats_for_people_show_everything(run: Run, small: str, format_name: str) -> None:
    result = run(small, *EVERYTHING, "-f", format_name)

    assert result.exit_code == 0, result.stderr
    text = result.stdout.replace("\\", "")
    for said in (
        "Parts, which are not all alive at once", "Peaks, all lines included", "The peak: ",
        "Checkpointing", "One of 4 devices, ZeRO stage 2", "The lower line", "Arena of one example",
        "Layers, in bytes", "Limits, and the largest batches", "Not included", "▼", "backward",
    ):  # fmt: skip
        assert said in text, said
    report = convcalc.memory(convcalc.load(small), training=True, optimizer="adam", checkpoint=3)
    assert f"{report.peak:,}" in text
    assert text.endswith("\n")
    assert "\x1b" not in text


def test_the_table_has_bars_and_colours_where_they_are_wanted(
    run: Run, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    plain = run(small, "--training", "-f", "plain").stdout
    bars = run(small, "--training", "-f", "table").stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    colored = CliRunner().invoke(
        command_line, ["memory", small, "-f", "table", "--timeline", "--limit", "1kB"], color=True
    )

    assert "█" in bars
    assert "█" not in plain
    assert "\x1b[1m" in colored.stdout
    assert "\x1b[1;31m" in colored.stdout


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_no_number_is_ever_cut_off(run: Run, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = run("vgg16", "--training", "-f", "table", "--timeline").stdout

    assert "553,430,176" in text
    assert "553.43 MB (527.79 MiB)" in text
    assert "…" not in text
    if width >= 80:
        assert max(map(len, text.splitlines())) <= width


def test_the_picture_is_as_high_as_the_peak() -> None:
    report = convcalc.memory(convcalc.load("vgg16"), batch=8, training=True)
    lines = drawn(report, 100)

    assert max(map(len, lines)) <= 100
    assert f"1.67 GB (1.55 GiB), {report.peak_layer}" in lines[0]
    column = lines[0].index("▼")
    assert lines[1][column] == "█"
    assert sum("│" in line for line in lines) == HEIGHT
    assert lines[-2].split() == ["forward", "backward", "step"]
    # Nothing is ever below what is there all the time.
    always = HEIGHT * report.fixed // report.peak
    assert all(set(line.split("│")[1]) == {"░"} for line in lines[1 + HEIGHT - always : 1 + HEIGHT])


def test_the_picture_of_inference_has_one_phase() -> None:
    report = convcalc.memory(convcalc.load("lenet5"), batch=8)

    assert drawn(report, 80)[-2].split() == ["forward"]
    assert max(map(len, drawn(report, 1))) < 60


def test_a_network_of_no_layers_is_shown(run: Run) -> None:
    empty = "input: 4x4x2\nlayers: []\n"
    for options in ([], ["--training"]):
        for format_name in MEMORY_FORMATS:
            result = run("-", "--timeline", *options, "-f", format_name, stdin=empty)
            assert result.exit_code == 0, result.stderr


def test_csv_is_numbers_layers_or_operations(run: Run, small: str) -> None:
    def rows(*options: str) -> list[dict[str, str]]:
        text = run(small, "-f", "csv", *options).stdout
        return list(csv.DictReader(io.StringIO(text)))

    report = convcalc.memory(convcalc.load(small), training=True)
    numbers = rows("--training", "--limit", "1GiB")
    at_peak = [int(row["value"]) for row in numbers if row["section"] == "at the peak"]
    assert sum(at_peak) == report.peak
    assert [row["value"] for row in numbers if row["section"] == "limit"] == [str(GIB)]
    layers = rows("--training", "--layers")
    assert [int(row["kept"]) for row in layers] == [layer.kept for layer in report.layers]
    assert layers[0]["in_place"] == "false"
    timeline = rows("--training", "--timeline")
    assert [int(row["bytes"]) for row in timeline] == [each.bytes for each in report.timeline]
    refused = run(small, "-f", "csv", "--layers", "--timeline")
    assert refused.exit_code == 2
    assert "not both" in refused.stderr
    everything = run(small, *EVERYTHING[:3], *EVERYTHING[5:], "-f", "csv").stdout
    for section in ("checkpointing", "one device", "lower line", "arena offset"):
        assert f"\n{section}," in everything


def documented(value: object, described: Any, root: Any) -> None:
    """Fail on a key that the schema does not describe."""
    if "anyOf" in described:
        kind = "array" if isinstance(value, list) else "object" if value is not None else "null"
        options = [resolved(option, root) for option in described["anyOf"]]
        described = next((each for each in options if each.get("type") == kind), {})
    described = resolved(described, root)
    if isinstance(value, dict) and described.get("properties"):
        assert set(value) <= set(described["properties"])
        for key, inner in value.items():
            documented(inner, described["properties"][key], root)
    elif isinstance(value, list) and "items" in described:
        for inner in value:
            documented(inner, described["items"], root)


def resolved(described: Any, root: Any) -> Any:
    reference = described.get("$ref")
    return root["definitions"][reference.rpartition("/")[2]] if reference else described


@pytest.mark.parametrize(
    "arguments",
    [
        ["small"],
        ["small", *EVERYTHING],
        ["small", "--limit", "1kB", "--limit", "T4"],
        ["small", "bad", "missing.yaml"],
        ["small", "--dtype", "int8", "--limit", "1GiB"],
    ],
)
def test_json_satisfies_its_schema(
    run: Run, small: str, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    schema = json.loads((ROOT / "docs" / "memory.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    named = [
        {"small": small, "bad": str(tmp_path / "bad.yaml")}.get(word, word) for word in arguments
    ]
    value = json.loads(run(*named, "-f", "json").stdout)

    jsonschema.Draft7Validator(schema).validate(value)
    for one in value if isinstance(value, list) else [value]:
        documented(one, schema["definitions"]["answer"], schema)
    assert isinstance(value, list) == ("bad" in arguments)


SINGLE = """\
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, padding: 1, bias: false}
  - global_avgpool
  - conv: {filters: 8, kernel: 1, bias: false}
  - batchnorm
  - relu
  - flatten
  - linear: 2
"""


def test_a_batch_that_is_too_small_is_refused_at_its_layer(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SINGLE, encoding="utf-8")
    result = run(str(path), "--training", "--layers", "-f", "json")
    (found,) = json.loads(result.stdout)["diagnostics"]
    assert result.exit_code == 1
    assert json.loads(result.stdout)["memory"] is None
    assert (found["code"], found["line"], found["column"], found["layer"]) == (
        "CC513",
        6,
        5,
        "batchnorm1",
    )
    assert "error[CC513] the network cannot be trained on a batch of 1" in result.stderr
    assert "help: the smallest batch that works is 2" in result.stderr
    assert run(str(path), "--training", "--batch", "2").exit_code == 0
    assert run(str(path)).exit_code == 0


def test_the_smallest_batch_that_works_is_what_may_not_fit(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SINGLE, encoding="utf-8")
    options = ["--training", "--batch", "2", "--format"]
    alone, two = (
        convcalc.memory(convcalc.load(path), batch=batch, training=training).peak
        for batch, training in ((1, False), (2, True))
    )
    limit = ["--limit", f"{two - 1}B"]
    assert alone < two - 1
    (found,) = json.loads(run(str(path), *options, "json", *limit).stdout)["limits"]
    assert found["one_example"] == two
    assert found["largest_training_batch"] == 0 < found["largest_inference_batch"]
    result = run(str(path), *options, "plain", *limit)
    assert "Not even a batch of 2, the smallest that works, fits into" in result.stdout
    assert "not even a batch of 2, the smallest that works, fits" in result.stderr


def test_a_budget_at_a_batch_that_is_too_small(run: Run, tmp_path: Path) -> None:
    terms = "{limit: 1GiB, training: true}"
    source = SourceText("net.yaml", SINGLE + f"budget: {{memory: {terms}}}\n")
    (found,) = broken(read_text(source))
    assert found.problem.code == "CC513"
    assert found.problem.field == "budget.memory"


# -- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("batch", "code"), [(93, 0), (94, 0), (95, 1)])
def test_vgg16_with_momentum_in_8_gib(run: Run, batch: int, code: int) -> None:
    options = ["--training", "--optimizer", "momentum", "--limit", "8GiB", "--batch", str(batch)]
    result = run("vgg16", *options, "-f", "json")
    (limit,) = json.loads(result.stdout)["limits"]

    assert result.exit_code == code
    assert limit["largest_training_batch"] == 94
    assert limit["fits"] == (code == 0)
    if code:
        assert "error[CC512] memory of a training step with momentum at batch 95" in result.stderr
        assert "the limit 8GiB is 8.59 GB (8.00 GiB)" in result.stderr
        assert "the largest batch that fits is 94" in result.stderr
    else:
        assert not result.stderr


@pytest.mark.parametrize(
    ("name", "limit", "optimizer", "batch"),
    [
        ("alexnet_torchvision", "4GiB", "momentum", 930),
        ("googlenet", "4GiB", "adam", 86),
        ("resnet18", "4GiB", "adam", 185),
        ("mobilenet_v2", "8GiB", "adam", 108),
    ],
)
def test_published_largest_batches(
    run: Run, name: str, limit: str, optimizer: str, batch: int
) -> None:
    options = ["--training", "--optimizer", optimizer, "--per-tensor", "--limit", limit]
    (found,) = answered(run(name, *options, "-f", "json"))["limits"]

    assert found["largest_training_batch"] == batch


def test_several_limits_and_both_largest_batches(run: Run, small: str) -> None:
    options = ["--limit", "100kB", "--limit", "RTX 4090", "--limit", "a100-80gb"]
    found = answered(run(small, *options, "--optimizer", "adam", "-f", "json"))
    net = convcalc.load(small)

    totals = [100_000, 2349 * GIB // 100, 7914 * GIB // 100]
    assert [each["bytes"] for each in found["limits"]] == totals
    assert [each["context"] for each in found["limits"]] == [0, 500_000_000, 500_000_000]
    for each in found["limits"]:
        asked: list[tuple[str, dict[str, Any]]] = [
            ("largest_inference_batch", {}),
            ("largest_training_batch", {"training": True, "optimizer": "adam"}),
        ]
        for key, terms in asked:
            largest = each[key]
            room = each["bytes"] - each["context"]
            assert convcalc.largest_batch(net, room, **terms) == largest
            assert convcalc.memory(net, batch=largest + 1, **terms).peak > room
    text = run(small, *options).stdout
    assert "RTX 4090" in text
    assert "25.22 GB (23.49 GiB)" in text


def test_what_does_not_fit_says_what_dominates_and_what_would_help(run: Run) -> None:
    options = ["--training", "--optimizer", "adam", "--limit", "200MB"]
    result = run("resnet50", *options)
    (limit,) = json.loads(run("resnet50", *options, "-f", "json").stdout)["limits"]
    terms = RunTerms(training=True, optimizer="adam")
    net = convcalc.load("resnet50")

    assert result.exit_code == 1
    assert limit["largest_training_batch"] == 0
    assert limit["one_example"] == model(net, terms).peak(1)
    assert next(iter(limit["most"])) == "optimizer_state"
    peaks = {each["change"]: each["peak"] for each in limit["suggestions"]}
    assert peaks["plain SGD"] == model(net, terms._replace(optimizer="sgd")).peak(1)
    smaller = convcalc.load("resnet50", input="96x96x3")
    assert peaks["an input of 96×96×3"] == model(smaller, terms).peak(1)
    every = RunTerms(training=True, mixed_precision=True, checkpoint=13)
    together = model(smaller, every).peak(1)
    assert together == 207_101_816
    assert limit["suggestions"][-1]["peak"] == together
    named = limit["suggestions"][-1]["change"].split(" + ")
    assert named[0] == "plain SGD"
    assert sorted(named) == sorted(
        ["plain SGD", "an input of 96×96×3", "mixed precision", "checkpoints every 13 layers"]
    )
    said = " ".join(result.stdout.split())
    assert "Not even one example fits into 200MB" in said
    assert "most of it optimizer state 204.46 MB (194.99 MiB)" in said
    assert "plain SGD: 268.05 MB (255.63 MiB)" in said
    assert "none" in said
    assert "not even one example fits; plain SGD + an input of 96×96×3 + " in result.stderr


def test_mixed_precision_is_suggested_where_it_helps(run: Run) -> None:
    options = ["--training", "--limit", "60MB", "-f", "json"]
    (limit,) = json.loads(run("mobilenet_v2", *options).stdout)["limits"]

    assert "mixed precision" in {each["change"] for each in limit["suggestions"]}
    assert any(each["change"].startswith("checkpoints") for each in limit["suggestions"])


def test_a_network_that_cannot_be_smaller_is_not_asked_to_be(run: Run) -> None:
    vector = "input: 100\nlayers: [linear: 10]\n"
    tight = "input: 8x8x1\nlayers: [{conv: {filters: 2, kernel: 8}}, flatten, linear: 2]\n"
    single = "input: 1x1x9\nlayers: [{conv: {filters: 2, kernel: 1}}]\n"
    for text in (vector, tight, single):
        (limit,) = json.loads(run("-", "--limit", "10B", "-f", "json", stdin=text).stdout)["limits"]
        assert not [each for each in limit["suggestions"] if "input" in each["change"]]
        assert not limit["fits"]


def test_int8_is_not_trained(run: Run, small: str) -> None:
    result = run(small, "--dtype", "int8", "--limit", "1GiB")

    assert result.exit_code == 0
    assert (
        answered(run(small, "--dtype", "int8", "--limit", "1GiB", "-f", "json"))["limits"][0][
            "largest_training_batch"
        ]
        is None
    )
    assert "–" in result.stdout


def test_csv_says_whether_it_fits(run: Run, small: str) -> None:
    options = ["--limit", "1kB", "--limit", "T4", "-f", "csv"]
    rows = list(csv.DictReader(io.StringIO(run(small, *options).stdout)))
    peak = convcalc.memory(convcalc.load(small)).peak

    assert [(row["name"], row["value"]) for row in rows if row["section"] == "fits"] == [
        ("1kB", "false"),
        ("T4", "true"),
    ]
    taken = [row["value"] for row in rows if row["section"] == "taken of the limit"]
    assert taken == [str(peak)] * 2


def test_suggestions_of_one_device_are_of_its_share(run: Run) -> None:
    options = ["--training", "--optimizer", "adam", "--data-parallel", "8", "--shard", "optimizer"]
    found = answered(run("resnet50", *options, "--limit", "100MB", "-f", "json"))
    (limit,) = found["limits"]
    net = convcalc.load("resnet50")
    sgd = sharded(model(net, RunTerms(training=True)).report(1), 8, "optimizer").total

    assert limit["most"]["optimizer_state"] == found["data_parallel"]["optimizer_state"]
    assert {each["change"]: each["peak"] for each in limit["suggestions"]}["plain SGD"] == sgd


# -- the rest ----------------------------------------------------------------------------------


def test_checkpointing_says_what_it_saves_and_costs(run: Run) -> None:
    options = ["--training", "--batch", "8", "--checkpoint", "every=10"]
    found = answered(run("resnet50", *options, "-f", "json"))["checkpointing"]
    net = convcalc.load("resnet50")
    plain = convcalc.memory(net, batch=8, training=True)

    assert (found["kept_without"], found["peak_without"]) == (plain.kept, plain.peak)
    assert found["kept"] < found["kept_without"]
    assert 0 < found["recomputed_macs"] < found["forward_macs"]
    assert found["forward_macs"] == convcalc.analyze(net, batch=8).totals.macs
    assert f"{found['recomputed_macs']:,} MACs" in run("resnet50", *options).stdout
    useless = run("lenet5", "--training", "--checkpoint", "every=1000").stdout
    assert "No layers run again" in useless


def test_the_cheapest_checkpoints(run: Run) -> None:
    """What is printed is the choice, how far it is proven, and an option that says the same."""
    options = ["--training", "--batch", "16"]
    plain = convcalc.memory("resnet18", batch=16, training=True).peak
    limit = ["--limit", f"{plain * 3 // 4}B"]
    text = run("resnet18", *options, "--checkpoint", "auto", *limit).stdout
    assert "Proven best" in text
    assert "use_reentrant=False" in text
    document = answered(run("resnet18", *options, "--checkpoint", "auto", *limit, "-f", "json"))
    found = document["checkpointing"]["auto"]
    assert (found["fits"], found["proven"], found["lowest_peak"]) == (True, True, None)
    assert found["argument"] == ",".join(each["name"] for each in found["segments"])
    assert f"--checkpoint {found['argument']}" in " ".join(text.split())
    again = answered(
        run("resnet18", *options, "--checkpoint", found["argument"], *limit, "-f", "json")
    )
    assert again["memory"] == document["memory"]
    assert (
        sum(each["recomputed_macs"] for each in found["segments"])
        == (again["checkpointing"]["recomputed_macs"])
    )
    rows = run("resnet18", *options, "--checkpoint", "auto", *limit, "-f", "csv").stdout
    assert rows.count("segment that runs again") == len(found["segments"])
    wide = run("resnet18", *options, "--checkpoint", "auto", "--limit", "T4").stdout
    assert "Without checkpoints it fits, too" in wide


def test_no_checkpoints_fit(run: Run) -> None:
    options = ["--training", "--checkpoint", "auto", "--limit", "64MB"]
    result = run("resnet18", *options)
    assert result.exit_code == 1
    assert "Nothing fits into 64MB: the lowest peak of all choices is" in result.stdout
    found = answered(run("resnet18", *options, "-f", "json"))
    assert not found["checkpointing"]["auto"]["fits"]
    assert found["checkpointing"]["auto"]["lowest_peak"] == found["memory"]["peak"]


@pytest.mark.parametrize("stage", [None, "optimizer", "gradients", "parameters"])
def test_data_parallelism(run: Run, small: str, stage: Any) -> None:
    options = ["--training", "--optimizer", "adam", "--data-parallel", "8"]
    options += ["--shard", stage] if stage else []
    found = answered(run(small, *options, "--limit", "60kB", "--limit", "1MB", "-f", "json"))
    net = convcalc.load(small)

    def one(batch: int) -> Any:
        report = convcalc.memory(net, batch=batch, training=True, optimizer="adam")
        return sharded(report, 8, stage or "none")

    assert found["data_parallel"] == one(1)._asdict()
    for limit in found["limits"]:
        largest = limit["largest_training_batch"]
        assert limit["peak"] == one(1).total
        assert largest == 0 or one(largest).total <= limit["bytes"]
        assert one(largest + 1).total > limit["bytes"]
    assert "of 8 devices" in run(small, *options).stdout


def test_deploy_and_arena(run: Run, small: str) -> None:
    found = answered(run(small, "--deploy", "--arena", "--batch", "3", "-f", "json"))
    net = convcalc.load(small)
    plan, lower = arena(net, dtype="int8"), deploy(net, batch=3)

    assert found["arena"]["dtype"] == "int8"
    assert found["arena"]["size"] == plan.size >= found["arena"]["lower_bound"]
    named = [{**buffer._asdict(), "shape": [*buffer.shape]} for buffer in plan.buffers]
    assert found["arena"]["tensors"] == named
    assert found["deploy"]["activation_peak"] == lower.activation_peak
    wide = answered(run(small, "--arena", "--dtype", "float32", "-f", "json"))
    assert wide["arena"]["dtype"] == "float32"
    assert wide["arena"]["size"] > found["arena"]["size"]


def test_an_arena_is_held_against_limits_and_boards(run: Run) -> None:
    over = run("lenet5", "--arena", "--limit", "9KiB", "-f", "json")
    [fit] = json.loads(over.stdout)["arena"]["limits"]
    assert (over.exit_code, fit["fits"], fit["takes"]) == (1, False, 9408)
    assert json.loads(over.stdout)["limits"] == []
    assert "error[CC512] arena in int8: 9.41 kB (9.19 KiB), and the limit 9KiB" in over.stderr
    fine = run("lenet5", "--board", "rp2040", "--limit", "T4", "-f", "json")
    value = json.loads(fine.stdout)
    assert fine.exit_code == 0
    assert [(each["of"], each["board"], each["fits"]) for each in value["arena"]["limits"]] == [
        ("arena", "rp2040", True),
        ("flash", "rp2040", True),
    ]
    assert [each["limit"] for each in value["limits"]] == ["T4"]  # a GPU has no arena
    unknown = run("vit_b_16", "--board", "max78000", "-f", "json")
    assert unknown.exit_code == 1
    assert "error[CC515]" in unknown.stderr
    assert {each["fits"] for each in json.loads(unknown.stdout)["arena"]["limits"]} == {None}
    shown = run("vit_b_16", "--arena", "-f", "json")
    assert (shown.exit_code, "warning[CC515]" in shown.stderr) == (0, True)
    wrong = run("lenet5", "--board", "rp2041")
    assert (wrong.exit_code, "did you mean rp2040?" in wrong.stderr) == (2, True)


def test_a_plan_is_a_picture_where_the_name_of_its_file_says_so(run: Run, tmp_path: Path) -> None:
    for ending, start in ((".svg", b"<svg"), (".SVG", b"<svg"), (".tex", b"%"), (".json", b"{")):
        file = tmp_path / f"plan{ending}"
        assert run("lenet5", "--plan", str(file)).exit_code == 0
        assert file.read_bytes().startswith(start), ending
    assert "4,704" in (tmp_path / "plan.svg").read_text(encoding="utf-8")
    shown = run("lenet5", "--arena", "--timeline", "-f", "markdown").stdout
    assert shown.count("```") == 2
    assert shown.index("Plan of the arena (greedy)") < shown.rindex("```")
    assert "Plan of the arena" not in run("lenet5", "--timeline").stdout


def test_a_stage_in_patches_has_a_plan_of_its_own(run: Run) -> None:
    options = ("vgg16", "--patches", "2x2", "--until", "stage1.maxpool1")
    value = answered(run(*options, "-f", "json"))["arena"]
    found = value["patches"]

    # The input, a patch of 113x113 and one of 112x112 of 64 channels, and the map that is pooled.
    peak = 224 * 224 * 3 + (113 * 113 + 112 * 112 + 112 * 112) * 64
    assert (found["stage_peak"], found["rest_peak"]) == (peak, 112 * 112 * 128 * 2)
    assert (found["peak_layer"], found["peak_patch"]) == ("stage2.conv2", None)
    assert (found["peak_without"], found["size_without"]) == (value["lower_bound"], value["size"])
    # Of each of the two convolutions' 224 rows and columns the first has 1 twice.
    again = (226 * 226 - 224 * 224) * 64 * 27
    assert found["macs"] - found["macs_without"] == again
    assert found["layers"][0]["halo"] == [4, 4]
    streamed = answered(run(*options, "--input-memory", "streamed", "-f", "json"))
    assert streamed["arena"]["patches"]["stage_peak"] < peak
    rows = list(csv.DictReader(io.StringIO(run(*options, "-f", "csv").stdout)))
    named = {row["name"]: row["value"] for row in rows if row["section"] == "arena patches"}
    assert named["while patches run"] == str(peak)
    assert (named["input"], named["patches"]) == ("counted", "4")
    assert "the input streamed" in run(*options, "--input-memory", "streamed").stdout


@pytest.mark.thorough
def test_patches_are_held_against_limits_and_looked_for(run: Run) -> None:
    found = run("mobilenet_v2", "--patches", "auto", "--limit", "512KiB", "-f", "json")
    value = json.loads(found.stdout)["arena"]
    [fit] = value["limits"]
    assert (found.exit_code, fit["fits"]) == (0, True)
    assert fit["takes"] == value["patches"]["size"] <= 512 * 1024 < value["size"]
    over = run("lenet5", "--patches", "2x2", "--until", "S2", "--limit", "2KiB")
    assert over.exit_code == 1
    assert "error[CC512] arena in int8, S2 in 2x2 patches" in over.stderr
    assert "`--patches auto` looks for both" in over.stderr


@tabled(
    ("options", "said"),
    [
        (["--patches", "4x4"], "--patches needs --until LAYER"),
        (["--patches", "4"], "'4' is no grid of patches"),
        (["--patches", "auto"], "need a limit to fit into"),
        (["--patches", "auto", "--limit", "T4"], "need a limit to fit into"),
        (["--until", "C1"], "--until is about --patches"),
        (["--input-memory", "streamed"], "--input-memory is about --patches"),
        (["--patches", "2x2", "--until", "S22"], "there is no layer 'S22'; did you mean S2?"),
        (["--patches", "2x2", "--until", "C5"], "lenet5: flatten1 (flatten) is not computed"),
        (["--patches", "2x2", "--until", "S2", "--search", "1"], "a plan of its own, without"),
    ],
)
def test_patches_that_cannot_be_are_refused(run: Run, options: list[str], said: str) -> None:
    result = run("lenet5", *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_several_specs_and_findings(run: Run, small: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD, encoding="utf-8")
    result = run(str(bad), small, "lenet5", "-f", "csv")

    assert result.exit_code == 1
    assert "error[CC" in result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {row["spec"] for row in rows} == {small, "lenet5"}
    assert run("missing.yaml", small).exit_code == 2
    values = json.loads(run(str(bad), small, "-f", "json").stdout)
    assert values[0]["memory"] is None
    assert values[0]["diagnostics"]
    assert values[1]["memory"]["peak"]


@tabled(
    ("arguments", "said"),
    [
        (["--batch", "0"], "0 is not in the range"),
        (["--batch", "9" * 5000], "range"),
        (["--search", "0"], "is not in the range"),
        (["--search", "nan"], "nan is no number of seconds"),
        (["--optimizer", "lion"], "lion"),
        (["--optimizer", "adam"], "--optimizer needs --training"),
        (["--per-tensor"], "--fused or --per-tensor needs --training"),
        (["--checkpoint", "every=2"], "--checkpoint needs --training"),
        (["--data-parallel", "2"], "--data-parallel needs --training"),
        (["--training", "--shard", "gradients"], "--shard needs --data-parallel"),
        (["--training", "--data-parallel", "0"], "0 is not in the range"),
        (["--training", "--checkpoint", "every=0"], "every=K"),
        (["--training", "--checkpoint", "every=-1"], "every=K"),
        (["--training", "--checkpoint", "every=" + "9" * 5000], "every=K"),
        (["--training", "--checkpoint", "every=2,first"], "every=K"),
        (["--training", "--checkpoint", "often=2"], "every=K"),
        (["--training", "--checkpoint", "auto"], "exactly one --limit, and there is none"),
        (
            ["--training", "--checkpoint", "auto", "--limit", "T4", "--limit", "1GiB"],
            "exactly one --limit, and there are 2",
        ),
        (["--checkpoint", "auto", "--limit", "T4"], "--checkpoint needs --training"),
        (
            ["--training", "--checkpoint", "auto", "--limit", "T4", "--data-parallel", "2"],
            "about one device: leave --data-parallel out",
        ),
        (
            ["--training", "--checkpoint", "auto", "--limit", "1GiB", "--arena"],
            "the limits are the arena's",
        ),
        (["--training", "--checkpoint", "auto,first"], "no layer's name begins with 'auto'"),
        (["--training", "--checkpoint", "first..nowhere"], "no layer or block is 'nowhere'"),
        (["--training", "--checkpoint", ","], "every=K"),
        (["--training", "--checkpoint", "nowhere"], "no layer's name begins with 'nowhere'"),
        (["--training", "--dtype", "int8"], "int8 cannot be trained"),
        (["--mixed-precision", "--dtype", "float16"], "mixed precision starts from float32"),
        (["--limit", "lots"], "'lots' is neither"),
        (["--limit", "-1"], "neither"),
        (["--limit", "9" * 5000], "neither"),
        (["--limit", "12 parsecs"], "rtx4090"),
        (["--limit", "a100"], "'a100' may be a100-40gb or a100-80gb"),
        (["--limit", "NVIDIA"], "neither"),
        (["--overhead", "-5MB"], "no number of bytes"),
        (["--overhead", "nan"], "no number of bytes"),
        (["--dtype", "float31"], "float31"),
        (["--device", "abacus"], "abacus"),
        (["--format", "xml"], "xml"),
        (["--input", "0x3"], "from 1 to"),
    ],
)
def test_wrong_options_are_usage_errors(
    run: Run, small: str, arguments: list[str], said: str
) -> None:
    result = run(small, *arguments)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert "bug" not in result.stderr


def test_the_largest_numbers_are_worked_out(run: Run, small: str) -> None:
    options = ["--batch", str(2**31), "--overhead", "9" * 18, "--limit", "9" * 17 + "TiB"]
    found = answered(run(small, "--training", *options, "-f", "json"))

    assert found["limits"][0]["fits"]
    assert found["limits"][0]["largest_training_batch"] > 10**24
    shown = run(small, "--training", *options, "--timeline", "--layers", "-f", "table")
    assert shown.exit_code == 0


def test_control_characters_do_not_reach_the_terminal(run: Run) -> None:
    text = 'name: "a\\e[31mb"\ninput: 4x4x1\nlayers: [relu]\n'
    for format_name in ("plain", "table", "markdown"):
        result = run("-", "-f", format_name, "--limit", "1", stdin=text)
        assert "\x1b" not in result.stdout + result.stderr


# -- analyze, the library, start-up ------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["plain", "markdown", "table"])
def test_analyze_shows_the_same_peak(format_name: str) -> None:
    arguments = ["analyze", "resnet18", "--batch", "8", "-f", format_name]
    text = CliRunner().invoke(command_line, arguments).stdout
    report = convcalc.memory(convcalc.load("resnet18"), batch=8)

    assert f"{report.peak:,} B" in text


def test_analyze_without_an_answer_shows_none() -> None:
    result = CliRunner().invoke(command_line, ["analyze", "-", "-f", "plain"], input=BAD)

    assert "Inference" not in result.stdout


def test_a_notebook_shows_the_breakdown() -> None:
    net = convcalc.loads("name: <i>\ninput: 8x8x3\nlayers: [{conv: {filters: 4, kernel: 3}}]\n")
    html = convcalc.memory(net, training=True)._repr_html_()

    assert "&lt;i&gt;" in html
    assert html.count("<table>") == 3
    assert "Kept for backward" in html
    assert "CUDA context" in html


def test_rich_is_not_needed(small: str) -> None:
    import subprocess

    code = (
        "import sys\nfrom convcalc.cli import convcalc\n"
        f"convcalc(['memory', {small!r}, '--timeline', '-f', 'table'], standalone_mode=False)\n"
    )
    probe = code.replace("convcalc([", "sys.argv = ['x']\ntry:\n  convcalc([") + (
        "except SystemExit:\n  pass\n"
        "assert not {'rich', 'numpy', 'torch', 'importlib.metadata'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False, cwd=ROOT)
    assert not done.returncode, done.stderr
