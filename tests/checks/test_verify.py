"""`convcalc verify`: good networks pass, wrong predictions are caught, files and limits hold."""

import io
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from math import prod
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner, Result
from paths import ROOT

import convcalc as library
from convcalc import Shape, forward
from convcalc.analysis import analyze
from convcalc.checks import resources
from convcalc.checks.resources import Needs
from convcalc.checks.verify import Run, verify
from convcalc.cli import convcalc
from convcalc.cli.verify import ending_cleanly, progress_bar
from convcalc.formats.verify import json as json_format
from convcalc.forward import files, values
from convcalc.forward.engine import Executable
from convcalc.forward.files import save_arrays, whole_file
from convcalc.forward.foreign import FileError
from convcalc.forward.images import DEVIATION, MEAN, read_image
from convcalc.forward.named import read_weights
from convcalc.forward.observe import observe
from convcalc.graph import Network, load, loads
from convcalc.graph.planned import planned
from convcalc.layers import arrays, special
from convcalc.layers.activation import Relu
from convcalc.layers.base import Plan, Product, Weight
from convcalc.layers.convolution import Conv

SPEC = """\
input: 8x8x3
parameters: {width: 4}
layers:
  - conv: {filters: width, kernel: 3}
  - batchnorm
  - relu
  - flatten
  - linear: 5
"""

Command = Callable[..., Result]


@pytest.fixture
def run() -> Command:
    def call(*arguments: str) -> Result:
        return CliRunner().invoke(convcalc, ["verify", *arguments], prog_name="convcalc")

    return call


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


def rows(result: Result) -> dict[str, dict[str, Any]]:
    return {layer["name"]: layer for layer in json.loads(result.stdout)["layers"]}


# -- Good networks -----------------------------------------------------------------------------

SMALL = {
    "lenet5": "28x28x1",
    "alexnet": "67x67x3",
    "resnet18": "64x64x3",
    "mobilenet_v2": "64x64x3",
    "densenet121": "64x64x3",
    "googlenet": "64x64x3",
    "shufflenet_v2_x1_0": "64x64x3",
    "efficientnet_b0": "64x64x3",
    "convnext_tiny": "64x64x3",
    "dcgan_generator": "",
    "sentence_cnn": "",
    "wavenet": "4096x256",  # more samples than the 3,070 that an output hears
}


@pytest.mark.parametrize("engine", [False, True])
@pytest.mark.parametrize("name", SMALL)
def test_good_networks_are_as_predicted(name: str, *, engine: bool) -> None:
    network = load(name, input=SMALL[name] or None)
    verdict = verify(network, Run(batch=2, engine=engine)).verdict
    totals = analyze(network, batch=2).totals

    assert verdict.good, verdict.differences
    assert verdict.tier == ("engine" if engine else "reference")
    assert verdict.finite
    assert verdict.macs.observed == totals.macs
    assert verdict.weights.observed == totals.known("parameters") + totals.known("buffers")
    assert verdict.activation_bytes.observed is not None
    assert 0 < verdict.activation_bytes.observed <= verdict.activation_bytes.predicted
    assert verdict.allocated >= verdict.activation_bytes.observed


def test_what_is_alive_is_what_a_fused_runtime_needs() -> None:
    outcome = verify(load("vgg16", input="64x64x3", parameters={"classes": 10}), Run(engine=True))
    verdict = outcome.verdict

    # The outputs of both convolutions in front of the first pooling.
    assert verdict.activation_bytes.observed == verdict.activation_bytes.predicted
    assert verdict.activation_bytes.predicted == 2 * 64 * 64 * 64 * 4


def test_a_run_in_chains_takes_less_than_a_fused_runtime_needs() -> None:
    network = load("vgg16", input="64x64x3", parameters={"classes": 10})
    compiled = forward.compile(network, once=True).compiled()

    # The second convolution is pooled band by band: only its maxima are ever whole.
    assert values._alive_in_stages(compiled, planned(network)) == (64 * 64 + 32 * 32) * 64 * 4


@pytest.mark.parametrize("format_name", ["plain", "table", "json"])
def test_the_command_shows_a_row_per_layer(run: Command, net: str, format_name: str) -> None:
    result = run(net, "--format", format_name)

    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    for name in ("conv1", "batchnorm1", "relu1", "flatten1", "linear1"):
        assert name in result.stdout


def test_json_has_both_sides(run: Command, net: str) -> None:
    result = run(net, "--format", "json", "--batch", "3")
    found = json.loads(result.stdout)

    assert found["verified"] is True
    assert found["schema"] == 1
    assert found["differences"] == []
    assert found["totals"]["macs"] == {"predicted": 13824, "observed": 13824}
    assert found["totals"]["weights"] == {"predicted": 853, "observed": 853}
    first = rows(result)["conv1"]
    assert first["output"] == {"predicted": [4, 6, 6], "observed": [4, 6, 6]}
    assert first["weights"] == {"predicted": 112, "observed": 112}
    assert first["macs"] == {"predicted": 3 * 108 * 36, "observed": 3 * 108 * 36}
    assert first["finite"] is True


def satisfies_schema(text: str) -> None:
    """Held against a schema that knows every key."""
    schema = json.loads((ROOT / "docs" / "verify.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(json.loads(text))


@pytest.mark.parametrize(
    "options",
    [(), ("--profile", "--top", "2"), ("--engine",), ("--dtype", "float64", "--batch", "2")],
)
def test_json_satisfies_its_schema(run: Command, net: str, options: tuple[str, ...]) -> None:
    satisfies_schema(run(net, "--format", "json", *options).stdout)


def test_options_change_what_runs(run: Command, net: str) -> None:
    shape = run(net, "--input", "10x8x2", "--set", "width=7", "-f", "json")
    assert rows(shape)["conv1"]["output"]["observed"] == [7, 8, 6]
    assert "float32, numpy reference" in run(net).stdout
    assert "float32, numpy engine" in run(net, "--engine").stdout
    assert "float64, numpy reference" in run(net, "--dtype", "float64").stdout
    assert "float16, numpy reference" in run(net, "--dtype", "float16").stdout
    assert "seed 9" in run(net, "--seed", "9", "--threads", "1").stdout
    assert list(rows(run(net, "--layers", "*conv*", "-f", "json"))) == ["conv1"]
    profile = run(net, "--profile", "--engine")
    assert "GFLOP/s" in profile.stdout
    assert "in all" in profile.stdout
    assert "Allocated for activations" in profile.stdout
    timed = json.loads(run(net, "--profile", "-f", "json").stdout)["profile"]
    assert [each["kernel"] for each in timed] == ["conv", "batchnorm", "relu", "flatten", "linear"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--layers", "nothing"), "no layer matches 'nothing'"),
        (("--weights-map", "x.yaml"), "--weights"),
        (("--classes", "x.txt"), "--top"),
        (("--weights", "absent.npz"), "absent.npz"),
        (("--weights", "absent.safetensors"), "absent.safetensors"),
        (("--weights", "weights.pt"), "weights.pt cannot be read"),
        (("--image", "absent.npy"), "absent.npy"),
        (("--batch", "0"), "--batch"),
        (("--dtype", "int8"), "--dtype"),
        (("--reference",), "--reference is the default now; `--engine` is the other"),
        (("--engine", "--dtype", "float64"), "--dtype float64 is for the definitions"),
        (("--engine", "--backend", "cupy"), "--backend cupy is for the definitions"),
    ],
)
def test_what_cannot_run_is_said_and_exits_with_2(
    run: Command, net: str, arguments: tuple[str, ...], message: str
) -> None:
    result = run(net, *arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_spec_with_errors_is_not_run(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("input: 8x8x3\nlayers: [linear: 3]\n", encoding="utf-8")

    result = run(str(path))
    assert result.exit_code == 1
    assert "CC308" in result.stderr
    assert run(str(tmp_path / "absent.yaml")).exit_code == 2


def test_analyze_appends_the_verdict(net: str) -> None:
    def call(*arguments: str) -> Result:
        return CliRunner().invoke(convcalc, ["analyze", net, "--verify", *arguments])

    assert call().stdout.endswith("5 layers as predicted, and all values are finite.\n")
    machine = call("--format", "json")
    assert json.loads(machine.stdout)["schema"] == 1
    assert "5 layers as predicted" in machine.stderr


# -- Wrong predictions -------------------------------------------------------------------------


def replanned(monkeypatch: pytest.MonkeyPatch, change: Callable[[Plan], Plan]) -> Network:
    original = Conv.plan
    monkeypatch.setattr(Conv, "plan", lambda self, xs: change(original(self, xs)))
    return loads("input: 8x8x3\nlayers: [conv: {filters: 4, kernel: 3}, relu]\n")


WRONG: list[tuple[Callable[[Plan], Plan], str]] = [
    (
        lambda plan: plan._replace(output=Shape(4, (7, 6))),
        "conv1: output 7×6×4 predicted, 6×6×4 observed",
    ),
    (
        lambda plan: plan._replace(output=Shape(5, (6, 6))),
        "conv1: output 6×6×5 predicted, 6×6×4 observed",
    ),
    (
        lambda plan: plan._replace(products=(Product(plan.macs + 1, "weight"),)),
        "conv1: 3,889 MACs predicted, 3,888 observed",
    ),
    (
        lambda plan: plan._replace(weights=(*plan.weights, Weight("slope", (4,)))),
        "conv1: weight 'slope' is predicted, and was never asked for",
    ),
    (
        lambda plan: plan._replace(weights=(Weight("weight", (4, 3, 3, 4)), plan.weights[1])),
        "conv1: of weight 'weight', 108 of 144 values were read",
    ),
    (
        lambda plan: plan._replace(weights=(Weight("weight", (4, 2, 3, 3)), plan.weights[1])),
        "conv1: its definition raised ValueError: ",
    ),
    (
        lambda plan: plan._replace(weights=plan.weights[:1]),
        "",
    ),
]


@pytest.mark.parametrize(("change", "difference"), WRONG)
def test_a_wrong_plan_is_caught(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Plan], Plan], difference: str
) -> None:
    verdict = verify(replanned(monkeypatch, change), Run()).verdict

    satisfies_schema(json_format.render(verdict))
    if not difference:  # without a bias planned, the definition adds none
        assert verdict.good
        return
    assert not verdict.good
    assert any(each.startswith(difference) for each in verdict.differences), verdict.differences


def test_a_wrong_plan_exits_with_1_and_shows_both_numbers(
    monkeypatch: pytest.MonkeyPatch, run: Command, net: str
) -> None:
    original = Conv.plan
    monkeypatch.setattr(
        Conv,
        "plan",
        lambda self, xs: original(self, xs)._replace(products=(Product(3888 * 2 + 1, "weight"),)),
    )
    result = run(net)

    assert result.exit_code == 1
    assert "7,777 ≠ 3,888" in result.stdout
    assert "✗" in result.stdout
    assert result.stdout.endswith("1 difference found.\n")
    assert not json.loads(run(net, "-f", "json").stdout)["verified"]
    analyzed = CliRunner().invoke(convcalc, ["analyze", net, "--verify"])
    assert analyzed.exit_code == 1
    assert "conv1: 7,777 MACs predicted, 3,888 observed" in analyzed.stdout


def test_a_wrong_shape_keeps_the_engine_away_and_values_are_still_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = replanned(monkeypatch, lambda plan: plan._replace(output=Shape(4, (60, 6))))
    verdict = verify(network, Run(engine=True)).verdict

    assert verdict.tier == "reference"
    assert verdict.finite
    assert verdict.notes


def test_a_failing_definition_is_one_difference_and_silences_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise IndexError("seven")

    monkeypatch.setattr(Relu, "forward", fail)
    verdict = verify(loads(SPEC), Run()).verdict

    assert verdict.differences == ("relu1: its definition raised IndexError: seven",)
    assert verdict.tier == "none"
    assert verdict.layers[-1].observed == (5,)


@pytest.mark.parametrize("engine", [True, False])
def test_values_that_are_not_finite_are_found(*, engine: bool) -> None:
    network = loads(SPEC)
    weights = forward.random_weights(network)
    weights["linear1.weight"][2, 3] = np.nan
    verdict = verify(network, Run(weights=weights, engine=engine)).verdict

    assert verdict.differences == ("linear1: some of its values are not finite",)
    assert [layer.finite for layer in verdict.layers] == [True] * 4 + [False]


def test_a_value_that_the_engine_does_not_write_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from convcalc.forward.engine.kernels.linear import Linear

    monkeypatch.setattr(Linear, "bind", lambda *_: [[[(len, ("",))], []]])
    verdict = verify(loads(SPEC), Run(engine=True)).verdict

    assert "linear1: some of its values are not finite" in verdict.differences


def test_the_default_does_not_run_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Executable, "__init__", lambda *_, **__: pytest.fail("it ran"))

    assert verify(loads(SPEC), Run()).verdict.good


def test_the_engine_says_how_far_it_is_from_the_definitions() -> None:
    (note,) = verify(loads(SPEC), Run(engine=True)).verdict.notes

    # 6×6×4 outputs in three samples of 3×3×4 each, and of five outputs of `linear` four three
    # times; batch norm and relu end the convolution's pass, and flatten moves 144.
    assert note.startswith("the engine was compared with the definitions at 264 values, ")


def test_shared_weights_count_once_and_multiply_every_time() -> None:
    network = loads(
        "input: 6x6x4\nlayers:\n  - {layers: [conv: {filters: 4, kernel: 3, padding: 1}], "
        "repeat: 3, shared: true}\n"
    )
    verdict = verify(network, Run()).verdict

    assert verdict.good
    assert verdict.weights.observed == 148
    assert verdict.macs.observed == 3 * 144 * 36


ODD = [
    "[dropout]",
    "[flatten, dropout, flatten]",
    "[relu]",
    "[crop: 1, slice: {stop: 1}]",
    "[permute: [3, 1, 2], conv: {filters: 2, kernel: 3}]",
    "[concat: [[], [flatten, reshape: 8x8x3]]]",
    "[conv: {filters: 3, kernel: 3, padding: 1, padding_mode: reflect}, lrn: 3, softmax]",
    "[conv_transpose: {filters: 2, kernel: 2, stride: 3}, pad: 1]",
    "[layernorm: all, groupnorm: 3, prelu, upsample: {scale: 2, mode: linear}]",
    "[batchnorm: {track_running_stats: false}, instancenorm, adaptive_avgpool: 3]",
    "[locally_connected: {filters: 2, kernel: 3}, lppool: 2, avgpool: 3]",
    "[multiply: [[], [global_avgpool, sigmoid]], adaptive_maxpool: 2, global_maxpool]",
]


@pytest.mark.parametrize("layers", ODD)
@pytest.mark.parametrize(
    "run",
    [
        Run(batch=2, engine=True),
        Run(keep=True, engine=True),
        Run(batch=2),
        Run(dtype="float64", keep=True),
    ],
)
def test_every_sort_of_layer_is_as_predicted(layers: str, run: Run) -> None:
    network = loads(f"input: 8x8x3\nlayers: {layers}\n")
    outcome = verify(network, run)

    assert outcome.verdict.good, outcome.verdict.differences
    assert set(outcome.kept) == ({node.name for node in network.layers} if run.keep else set())
    assert not run.keep or outcome.verdict.activation_bytes.observed is None


def test_observing_takes_no_memory_for_values() -> None:
    network = load("vgg16")
    weights = {
        f"{node.name}.{weight.name}": np.broadcast_to(np.float32(0), weight.shape)
        for node, plan in zip(network.nodes, network.plans, strict=True)
        for weight in (plan.weights if plan else ())
    }
    found, peak = forward.measure_peak(observe, network, 32, weights)

    assert found[0].output == (32, 3, 224, 224), "the input"
    assert found[1].output == (32, 64, 224, 224)
    assert found[1].multiplications(network.plans[1]) == 32 * 86704128
    assert peak < 4 << 20


# -- Weights -----------------------------------------------------------------------------------


def safetensors(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def as_safetensors(weights: dict[str, Any]) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in weights.items():
        part = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(part)],
        }
        data += part
    return safetensors(header, data)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_weights_of_files_are_used(run: Command, net: str, tmp_path: Path, suffix: str) -> None:
    network = load(net)
    weights = forward.random_weights(network, 4)
    path = tmp_path / f"weights.{suffix}"
    if suffix == "npz":
        save_arrays(path, weights)
    else:
        path.write_bytes(as_safetensors(weights))
    found, unused, _ = read_weights(str(path), network)

    assert unused == ()
    assert set(found) == set(weights)
    assert all((found[name] == weights[name]).all() for name in weights)
    result = run(net, "--weights", str(path))
    assert result.exit_code == 0, result.output
    assert "weights of a file" in result.stdout


def test_foreign_names_are_mapped(run: Command, net: str, tmp_path: Path) -> None:
    network = load(net)
    weights = forward.random_weights(network)
    names = {name: f"module.{number}" for number, name in enumerate(weights)}
    foreign = {names[name]: each for name, each in weights.items()}
    save_arrays(tmp_path / "w.npz", {"extra": np.zeros(3), **foreign})
    for file, text in (
        ("map.json", json.dumps(names)),
        ("map.yaml", "".join(f"{ours}: {theirs}\n" for ours, theirs in names.items())),
    ):
        (tmp_path / file).write_text(text, encoding="utf-8")
        arguments = ("--weights", str(tmp_path / "w.npz"), "--weights-map", str(tmp_path / file))
        result = run(net, *arguments)

        assert result.exit_code == 0, result.output
        assert "1 array not used: extra" in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a, b]", "must be a mapping of names"),
        ("conv1.weight: [a]", "must be a mapping of names"),
        ("", "must be a mapping of names"),
        ("wibble.weight: x", "wibble.weight"),
        ("conv1.weight: x", "no array 'x'"),
        ("a: b: c", "no mapping that can be read"),
    ],
)
def test_wrong_mappings_are_said(
    run: Command, net: str, tmp_path: Path, text: str, message: str
) -> None:
    save_arrays(tmp_path / "w.npz", forward.random_weights(load(net)))
    (tmp_path / "map.yaml").write_text(text, encoding="utf-8")
    arguments = ("--weights", str(tmp_path / "w.npz"), "--weights-map", str(tmp_path / "map.yaml"))
    result = run(net, *arguments)

    assert result.exit_code == 2
    assert message in result.stderr


def test_all_that_does_not_fit_is_said_at_once(run: Command, net: str, tmp_path: Path) -> None:
    weights = forward.random_weights(load(net))
    weights["conv1.weight"] = weights["conv1.weight"].transpose(2, 3, 1, 0)
    weights["fc.weight"] = weights.pop("linear1.weight")
    weights["batchnorm1.num_batches_tracked"] = np.array(7)
    save_arrays(tmp_path / "w.npz", weights)
    result = run(net, "--weights", str(tmp_path / "w.npz"))

    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == "convcalc: 3 weights do not fit the network:"
    assert "conv1.weight: is 3×3×3×4, expected 4×3×3×3" in result.stderr
    assert "linear1.weight: missing, expected 5×144" in result.stderr
    assert "fc.weight: no such weight" in result.stderr


def entry(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "header"),
    "short": (b"\1\2", "header"),
    "endless header": (safetensors({}, length=2**64 - 1), "header"),
    "header beyond the file": (safetensors({}, length=100), "header"),
    "no header": (safetensors(b""), "header"),
    "no JSON": (safetensors(b"{{{{"), "no JSON"),
    "no text": (safetensors(b"\xff\xff\xff"), "no JSON"),
    "nested": (safetensors(b"[" * 100_000), "no JSON"),
    "a list": (safetensors([1]), "no JSON object"),
    "twice": (safetensors(b'{"a": {}, "a": {}}'), "twice"),
    "entry is no object": (safetensors({"a": 3}), "no JSON object"),
    "unknown type": (safetensors({"a": entry(dtype="F9")}, bytes(8)), "type"),
    "type is a list": (safetensors({"a": entry(dtype=["F32"])}, bytes(8)), "type"),
    "shape is negative": (safetensors({"a": entry(shape=[-2])}, bytes(8)), "shape"),
    "shape has fractions": (safetensors({"a": entry(shape=[2.0])}, bytes(8)), "shape"),
    "shape is true": (safetensors({"a": entry(shape=[True])}, bytes(8)), "shape"),
    "shape is huge": (safetensors({"a": entry(shape=[2**62, 2**62])}, bytes(8)), "shape needs"),
    "shape of 99 axes": (safetensors({"a": entry(shape=[1] * 99)}, bytes(8)), "shape"),
    "beyond the end": (safetensors({"a": entry(data_offsets=[8, 16])}, bytes(8)), "lies at"),
    "backwards": (safetensors({"a": entry(data_offsets=[8, 0])}, bytes(8)), "lies at"),
    "before the start": (safetensors({"a": entry(data_offsets=[-8, 0])}, bytes(8)), "offsets"),
    "three offsets": (safetensors({"a": entry(data_offsets=[0, 4, 8])}, bytes(8)), "offsets"),
    "too few bytes": (safetensors({"a": entry(data_offsets=[0, 4])}, bytes(8)), "shape needs"),
    "overlapping": (
        safetensors({"a": entry(), "b": entry(data_offsets=[4, 12])}, bytes(12)),
        "overlap",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_safetensors_are_refused(run: Command, net: str, tmp_path: Path, name: str) -> None:
    content, message = HOSTILE[name]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)

    with pytest.raises(FileError, match=message):
        read_weights(str(path), load(net))
    assert run(net, "--weights", str(path)).exit_code == 2


def test_safetensors_of_other_types_are_read(tmp_path: Path) -> None:
    network = loads("input: 2x1x2\nlayers: [scale, flatten, linear: {features: 2, bias: false}]\n")
    header = {
        "scale1.weight": {"dtype": "BF16", "shape": [2], "data_offsets": [1, 5]},
        "linear1.weight": {"dtype": "F64", "shape": [2, 4], "data_offsets": [5, 69]},
        "empty": {"dtype": "I64", "shape": [0], "data_offsets": [1, 1]},
        "empty.num_batches_tracked": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]},
    }
    data = b"\7" + struct.pack("<2H", 0x3F80, 0xC000) + np.arange(8.0).tobytes()
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors(header, data))
    with pytest.raises(ValueError, match="empty: no such weight"):
        read_weights(str(path), network)
    found, unused, _ = read_weights(str(path), network, {"scale1.weight": "scale1.weight"})

    assert unused == ("empty",)
    assert found["scale1.weight"].tolist() == [1.0, -2.0]
    assert found["linear1.weight"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert {each.dtype for each in found.values()} == {np.dtype(np.float32)}


class Trap:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("trapped",)


def test_what_is_no_npz_file_is_said_plainly(run: Command, net: str, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    absent = run(net, "--weights", str(path)).stderr
    path.write_text("weights", encoding="ascii")
    junk = run(net, "--weights", str(path)).stderr

    assert absent == f"convcalc: {path} cannot be read: No such file or directory\n"
    assert junk == f"convcalc: {path} is no NPZ file: it is no ZIP archive\n"


@pytest.mark.parametrize("kind", ["pickle", "text", "one array", "cut off", "words"])
def test_hostile_npz_files_are_refused(
    run: Command, net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.npz"
    if kind == "pickle":
        np.savez(path, np.array([Trap()], dtype=object))
    elif kind == "text":
        path.write_text("no archive", encoding="utf-8")
    elif kind == "one array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif kind == "words":
        save_arrays(path, {"conv1.weight": np.array(["a"])})
    else:
        save_arrays(path, forward.random_weights(load(net)))
        path.write_bytes(path.read_bytes()[:-30])
    result = run(net, "--weights", str(path))

    assert result.exit_code == 2
    assert str(path) in result.stderr
    assert not (tmp_path / "trapped").exists()


def test_an_archive_that_unpacks_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch, net: str, tmp_path: Path
) -> None:
    np.savez_compressed(tmp_path / "w.npz", np.zeros(1 << 20))
    monkeypatch.setattr(files, "PACKED", 4)

    with pytest.raises(FileError, match="would unpack to"):
        read_weights(str(tmp_path / "w.npz"), load(net))


# -- Images and classes ------------------------------------------------------------------------

IMAGE_SHAPE = Shape(3, (6, 8))


def test_numbers_of_an_array_file_are_the_input(tmp_path: Path) -> None:
    path = str(tmp_path / "x.npy")
    given = np.random.default_rng(0).random((1, 3, 6, 8))
    np.save(path, given)

    assert np.array_equal(read_image(path, IMAGE_SHAPE, batch=2)[1], given[0].astype(np.float32))
    with pytest.raises(FileError, match="3×6×8 numbers, and the input is 3×6×9"):
        read_image(path, Shape(3, (6, 9)))


def test_an_array_of_pixels_is_normalized(tmp_path: Path) -> None:
    path = str(tmp_path / "x.npy")
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    np.save(path, pixels)
    unit = pixels.transpose(2, 0, 1) / 255

    assert np.allclose(read_image(path, IMAGE_SHAPE, "unit")[0], unit, atol=1e-6)
    assert np.allclose(read_image(path, IMAGE_SHAPE, "signed")[0], 2 * unit - 1, atol=1e-6)
    expected = (pixels / 255 - MEAN) / DEVIATION
    assert np.allclose(read_image(path, IMAGE_SHAPE)[0], expected.transpose(2, 0, 1), atol=1e-5)


@pytest.mark.parametrize(
    ("array", "shape", "message"),
    [
        (np.zeros((6, 8, 3), np.int64), IMAGE_SHAPE, "int64"),
        (np.zeros((6, 8, 3), np.uint8), Shape(2, (6, 8)), "1 or 3 channels"),
        (np.array([{}]), IMAGE_SHAPE, "no NPY file"),
    ],
)
def test_arrays_that_are_no_image_are_refused(
    tmp_path: Path, array: Any, shape: Shape, message: str
) -> None:
    np.save(tmp_path / "x.npy", array)

    with pytest.raises(FileError, match=message):
        read_image(str(tmp_path / "x.npy"), shape)


def test_grey_pixels_are_normalized_to_one(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((6, 8), 255, np.uint8))

    assert (read_image(str(tmp_path / "x.npy"), Shape(1, (6, 8))) == 1).all()
    with pytest.raises(FileError, match="three channels"):
        read_image(str(tmp_path / "x.npy"), Shape(1, (6, 8)), "imagenet")


def test_without_pillow_it_is_said(
    run: Command, net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    path = tmp_path / "cat.png"
    path.write_bytes(b"")
    result = run(net, "--image", str(path))

    assert result.exit_code == 2
    assert "needs Pillow" in result.stderr
    assert "pip install pillow" in result.stderr


def test_images_are_scaled_and_cropped(run: Command, net: str, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[:, 40:88] = 255  # the crop from the middle is white
    image.fromarray(pixels).save(tmp_path / "x.png")
    found = read_image(str(tmp_path / "x.png"), Shape(3, (32, 16)), "unit")

    assert found.shape == (1, 3, 32, 16)
    assert (found == 1).all()
    assert run(net, "--image", str(tmp_path / "x.png")).exit_code == 0
    (tmp_path / "y.png").write_bytes((tmp_path / "x.png").read_bytes()[:60])
    assert run(net, "--image", str(tmp_path / "y.png")).exit_code == 2


def test_the_likeliest_classes_are_named(run: Command, net: str, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("cat\ndog\nowl\nfox\nbee\n", encoding="utf-8")
    arguments = (net, "--top", "3", "--classes", str(names), "--batch", "2", "-f", "json")
    best = json.loads(run(*arguments).stdout)["top"]
    output = forward.run(
        load(net), values.random_input(planned(load(net)), 2, 0), seed=0, keep="output"
    )["linear1"]
    shares = np.exp(output) / np.exp(output).sum(axis=1, keepdims=True)

    for example, row in zip(best, shares, strict=True):
        assert [each["class"] for each in example] == list(np.argsort(-row)[:3])
        for each in example:
            assert each["probability"] == pytest.approx(row[each["class"]], rel=1e-4)
            assert each["name"] == ["cat", "dog", "owl", "fox", "bee"][each["class"]]
    assert "Probability" in run(net, "--top", "1").stdout
    names.write_text("cat\n", encoding="utf-8")
    wrong = run(net, "--top", "1", "--classes", str(names))
    assert wrong.exit_code == 2
    assert "1 class, and the output has 5" in wrong.stderr


def test_probabilities_are_not_made_twice() -> None:
    scores = np.log(np.array([[0.5, 0.3, 0.2]]))

    for kind, given in (("softmax", np.exp(scores)), ("linear", scores), ("log_softmax", scores)):
        ((first, share), (second, _)) = values.top(given, kind, 2)[0]
        assert (first, second) == (0, 1)
        assert share == pytest.approx(0.5)


def test_only_scores_have_a_top(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 8x8x3\nlayers: [relu]\n", encoding="utf-8")
    result = run(str(path), "--top", "1")

    assert result.exit_code == 2
    assert "needs scores of classes" in result.stderr


# -- Saving ------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [(), ("--engine",)])
def test_activations_are_saved(
    run: Command, net: str, tmp_path: Path, extra: tuple[str, ...]
) -> None:
    folder = tmp_path / "out"
    result = run(net, "--save", str(folder), *extra)
    assert result.exit_code == 0, result.output
    network = load(net)
    expected = forward.run(
        network, values.random_input(planned(network), 1, 0), reference=True, keep="all"
    )
    with np.load(folder / "activations.npz") as found:
        assert sorted(found.files) == sorted(expected)
        for name, array in expected.items():
            assert np.allclose(found[name], array, atol=1e-4), name
    assert run(net, "--save", str(folder), "--layers", "conv1").exit_code == 0
    with np.load(folder / "activations.npz") as found:
        assert found.files == ["conv1"]


def test_an_interrupted_save_leaves_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "activations.npz"
    path.write_bytes(b"before")

    def interrupted(file: Any, *_: Any, **__: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, "write_array", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_arrays(path, {"a": np.zeros(3)})

    assert [each.name for each in tmp_path.iterdir()] == ["activations.npz"]
    assert path.read_bytes() == b"before"


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without asking them")
def test_a_terminated_save_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from convcalc.cli.verify import ending_cleanly\n"
        "from convcalc.forward.files import whole_file\n"
        "with ending_cleanly(), whole_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "a.npz")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM

    assert list(tmp_path.iterdir()) == []


def test_the_library_leaves_signals_to_whose_process_it_is(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with whole_file(tmp_path / "a.npz") as file:
        file.write(b"whole")
        assert signal.getsignal(signal.SIGTERM) is before
    with ending_cleanly():
        assert signal.getsignal(signal.SIGTERM) is not before

    assert signal.getsignal(signal.SIGTERM) is before


def test_layers_may_have_any_name(tmp_path: Path) -> None:
    arrays = {"file": np.zeros(2), "allow_pickle": np.ones(3), "a.b": np.float32(2)}
    save_arrays(tmp_path / "deep" / "x.npz", arrays)

    with np.load(tmp_path / "deep" / "x.npz") as found:
        assert {name: found[name].shape for name in found.files} == {
            "file": (2,),
            "allow_pickle": (3,),
            "a.b": (),
        }


# -- A bar -------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar(5) as progress:
        assert progress is not None
        verify(loads(SPEC), Run(progress=progress))
    assert "Running" in terminal.getvalue()
    assert "100%" in terminal.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bar(5) as progress:
        assert progress is None


# -- Memory ------------------------------------------------------------------------------------


def test_too_large_is_refused_with_a_batch_that_fits(
    run: Command, net: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = Needs(load(net), dtype="float32", engine=False, threads=1, keep=False, drawn=True)
    limit = needs.batch(7).total
    monkeypatch.setattr("convcalc.cli.running.available", lambda: limit)
    monkeypatch.setattr(values, "random_input", lambda *_: pytest.fail("something was allocated"))
    result = run(net, "--batch", "100", "--threads", "1")

    assert result.exit_code == 2
    assert "needs up to" in result.stderr
    assert "are available" in result.stderr
    assert result.stderr.rstrip().endswith("a batch of 7 would fit: --batch 7")
    assert needs.batch(8).total > limit


def test_too_large_is_refused_with_an_input_that_fits(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 60_000_000)
    result = run("mobilenet_v2", "--input", "1024x1024x3", "--threads", "1")

    assert result.exit_code == 2
    assert "a smaller input would fit: --input 192x192x3" in result.stderr
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 1000)
    assert "no batch would fit" in run("mobilenet_v2").stderr
    monkeypatch.setattr("convcalc.cli.running.available", lambda: None)
    assert run("lenet5").exit_code == 0


def test_weights_of_a_file_are_counted_and_drawn_ones_are_not(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 150_000_000)
    result = run("alexnet_torchvision", "--weights", "absent.npz", "--threads", "1")

    assert result.exit_code == 2
    assert "244.40 MB" in result.stderr  # 61,100,840 parameters of 4 bytes
    assert run("alexnet_torchvision", "--threads", "1", "--engine").exit_code == 0
    # Its largest layer, 9216 × 4096 and 4096 of 4 bytes, is 151.01 MB alone.
    assert "(151.01 MB" in run("alexnet_torchvision").stderr


DENSE = """\
input: 64x64x8
layers:
  - layers:
      - concat: [[], [batchnorm, relu, conv: {filters: 8, kernel: 3, padding: 1}]]
    repeat: 8
"""
SHARED = """\
input: 4x4x256
layers:
  - layers: [conv: {filters: 256, kernel: 3, padding: 1}]
    repeat: 40
    shared: true
"""
NEEDS = {
    "large linear layers and Winograd's filtering": ("vgg11", True, False),
    "linear layers that are drawn block by block": ("vgg11", True, True),
    "weights of one layer at a time": ("vgg11", False, True),
    "norms in the weights of depthwise convolutions": ("mobilenet_v2", True, True),
    "residual branches by their definitions": ("resnet18", False, True),
    "outputs kept that are more than all else": (DENSE, True, False),
    "weights that are shared, prepared for each use": (SHARED, True, True),
}


@pytest.mark.parametrize(("spec", "engine", "drawn"), NEEDS.values(), ids=NEEDS)
def test_what_is_needed_covers_what_is_taken(spec: str, *, engine: bool, drawn: bool) -> None:
    if "input:" in spec:
        network = loads(spec)
    else:
        network = load(spec, input="64x64x3", parameters={"classes": 10})
    threads = 2 if engine else 1
    need = Needs(network, dtype="float32", engine=engine, threads=threads, keep=True, drawn=drawn)
    run = Run(batch=2, engine=engine, threads=threads, keep=True, profile=not drawn)
    _, peak = forward.measure_peak(verify, network, run)

    assert peak <= need.batch(2).total <= 6 * peak


LONG = [
    *(
        f"upsample: {{{size}, mode: {mode}{corners}}}"
        for size in ("scale: 3", "size: 9001")
        for mode, corners in [
            ("nearest", ""),
            ("linear", ""),
            ("linear", ", align_corners: true"),
        ]
    ),
    "adaptive_avgpool: 2500",
    "adaptive_maxpool: 2500",
    *(f"pad: {{padding: 2500, mode: {mode}}}" for mode in ("zero", "reflect", "circular")),
    "crop: 3",
    "avgpool: {kernel: 3, stride: 1, padding: 1, count_include_pad: false}",
    "maxpool: {kernel: 3, stride: 1, padding: 1}",
    "lppool: {kernel: 3, stride: 1}",
    "conv: {filters: 1, kernel: 3, padding: same}",
    "conv_transpose: {filters: 1, kernel: 2, stride: 2}",
    "lrn: 3",
    "gelu",
    "softmax",
]


@pytest.mark.parametrize("item", LONG)
def test_what_is_noted_of_each_of_many_outputs_is_counted(
    item: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "PIECES", 2**16)
    monkeypatch.setattr(arrays, "PIECE", 64)
    monkeypatch.setattr(special, "PIECE", 64)
    network = loads(f"input: 3000x1\nlayers:\n  - {item}\n")
    need = Needs(network, dtype="float32", engine=False, threads=1, keep=False, drawn=True)
    x = np.ones((1, 1, 3000), np.float32)
    forward.run(network, x, reference=True)  # what is imported and remembered once
    _, peak = forward.measure_peak(forward.run, network, x, reference=True)

    assert peak <= need.batch(1).total


def test_rows_of_weights_that_are_drawn_whole_are_counted() -> None:
    network = loads("input: 1400x1400x3\nlayers: [flatten, linear: 2]\n")
    need = Needs(network, dtype="float32", engine=True, threads=2, keep=False, drawn=True)
    _, peak = forward.measure_peak(verify, network, Run(threads=2, engine=True))

    assert peak <= need.batch(1).total <= 2 * peak


def test_limits_of_control_groups_are_read(tmp_path: Path) -> None:
    def group(path: str, **contents: str) -> None:
        folder = tmp_path / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            (folder / f"memory.{name}").write_text(text, encoding="ascii")

    group("a", max="5000", current="1000")
    group("a/b", max="max", current="900")
    group("memory", limit_in_bytes="7000", usage_in_bytes="500")
    own = tmp_path / "own"
    own.write_text("5:cpu,memory:/\n3:cpu:/x\n0::/a/b\n", encoding="utf-8")

    assert sorted(resources._control_groups(str(tmp_path), str(own))) == [4000, 6500]
    assert list(resources._control_groups(str(tmp_path), str(tmp_path / "absent"))) == []


def test_something_is_available_here() -> None:
    found = resources.available()

    assert found is None or found > 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit is not enforced")
def test_a_limit_on_the_address_space_is_respected(net: str) -> None:
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "sys.argv = ['convcalc', 'verify', 'vgg16', '--batch', '64', '--threads', '1']\n"
        "from convcalc.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 2
    assert "vgg16 needs up to" in done.stderr


# -- CuPy --------------------------------------------------------------------------------------


def test_without_cupy_it_is_said(run: Command, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    result = run(net, "--backend", "cupy")

    assert result.exit_code == 2
    assert "needs CuPy" in result.stderr
    assert "numpy reference" in run(net, "--backend", "auto").stdout


class FakeRuntimeError(Exception):
    """CUDA's."""


def fake_cupy(count: Callable[[], int]) -> ModuleType:
    """NumPy in the place of CuPy: what is shared by both, with the parts that CuPy has."""
    module = ModuleType("cupy")
    vars(module).update({name: getattr(np, name) for name in np.__all__ if name != "test"})
    stream = SimpleNamespace(synchronize=lambda: None)
    runtime = SimpleNamespace(
        getDeviceCount=count,
        CUDARuntimeError=FakeRuntimeError,
        memGetInfo=lambda: (80_000_000, 85_000_000_000),
    )
    cuda = SimpleNamespace(runtime=runtime, get_current_stream=lambda: stream)
    pool = SimpleNamespace(total_bytes=lambda: 4096)
    vars(module).update(
        cuda=cuda, asnumpy=np.asarray, get_default_memory_pool=lambda: pool, newaxis=None
    )
    return module


def test_without_a_gpu_it_is_said(run: Command, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> int:
        raise FakeRuntimeError("no driver")

    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(no_driver))
    result = run(net, "--backend", "cupy")

    assert result.exit_code == 2
    assert "needs a CUDA GPU" in result.stderr
    assert run(net, "--backend", "auto").exit_code == 0


def test_a_gpu_runs_the_reference(
    run: Command, net: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(lambda: 1))
    result = run(net, "--backend", "auto", "--save", str(tmp_path), "--top", "1", "-f", "json")
    found = json.loads(result.stdout)

    assert (found["backend"], found["tier"], found["verified"]) == ("cupy", "reference", True)
    assert found["totals"]["allocated_bytes"] == 4096


def test_too_large_for_a_gpu_is_refused(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(lambda: 1))
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 1 << 40)
    result = run("vgg11", "--backend", "cupy")

    assert result.exit_code == 2
    # Weights are drawn layer by layer; the largest has 25,088 × 4,096 and 4,096 of 4 bytes.
    assert "411.06 MB (392.02 MiB) of weights" in result.stderr
    assert "80.00 MB (76.29 MiB) are available" in result.stderr


# -- The library -------------------------------------------------------------------------------


def test_the_library_runs_networks() -> None:
    network = library.loads(SPEC)
    x = np.ones((2, 3, 8, 8), np.float32)
    every = library.run(network, x, keep="all")
    reference = library.run(network, x.astype(np.float64), reference=True, keep="all")

    assert list(library.run(network, x)) == ["linear1"]
    whole = library.run(network, x.astype(np.int64), reference=True)["linear1"]
    assert whole.dtype == np.float32
    assert np.allclose(whole, every["linear1"], atol=1e-5)
    assert list(library.run(network, x, reference=True)) == ["linear1"]
    assert list(every) == ["conv1", "batchnorm1", "relu1", "flatten1", "linear1"]
    for name, array in every.items():
        assert np.allclose(array, reference[name], atol=1e-5)
    assert list(library.run(network, x, keep=["relu1", "linear1"])) == ["relu1", "linear1"]
    assert prod(every["conv1"].shape) == 2 * 4 * 36


# -- Start-up ----------------------------------------------------------------------------------


def test_only_running_imports_numpy() -> None:
    code = (
        "import sys, convcalc\n"
        "from convcalc.checks import verify\n"
        "from convcalc.cli import verify, analyze\n"
        "import convcalc.forward, convcalc.formats.verify.plain, convcalc.formats.verify.json\n"
        "convcalc.run\n"
        "assert 'numpy' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
