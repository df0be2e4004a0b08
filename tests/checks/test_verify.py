"""`convcalc verify`: good networks pass, and wrong predictions are caught."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from math import prod
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner, Result
from kinds import CASES, Case
from paths import ROOT
from tabled import tabled
from verified import SPEC, Command, rows, verified, written

import convcalc as library
from convcalc import Shape, forward
from convcalc.analysis import analyze
from convcalc.checks.verify import Run, verify
from convcalc.cli import convcalc
from convcalc.cli.verify import progress_bar
from convcalc.formats.verify import json as json_format
from convcalc.forward import values
from convcalc.forward.engine import Executable
from convcalc.forward.observe import observe
from convcalc.graph import Network, load, loads
from convcalc.graph.planned import planned
from convcalc.layers.activation import Relu
from convcalc.layers.base import Plan, Product, Weight
from convcalc.layers.convolution import Conv


@pytest.fixture
def run() -> Command:
    return verified


@pytest.fixture
def net(tmp_path: Path) -> str:
    return written(tmp_path)


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
    "dcnn": "",
    "segnet": "40x56x3",
    "crnn": "",
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


@tabled(
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


@tabled("layers", ODD)
@tabled(
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


@tabled("case", [case for case in CASES if case.small and len(case.shapes) == 1])
def test_every_kind_is_as_predicted(case: Case) -> None:
    """Its definition asks for all of its weights, each value of them, and multiplies as planned."""
    network = loads(f"input: {case.inputs}\nlayers: [{{{case.item}}}]\n")
    verdict = verify(network, Run()).verdict

    assert verdict.good, verdict.differences


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
