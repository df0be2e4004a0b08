"""Which positions an output turns on, by its gradient: what it sees, and what PyTorch says."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from tabled import tabled

from convcalc.analysis.traced import Traced, traced
from convcalc.checks.resources import Needs
from convcalc.cli import convcalc
from convcalc.forward.effective import effective_field, input_gradients
from convcalc.forward.weights import expected_weights, random_weights
from convcalc.graph import loads
from convcalc.graph.planned import Planned, planned

LINEAR = (
    "conv: {filters: 1, kernel: 3, dilation: 2, padding: 2}",
    "conv: {filters: 1, kernel: 2, stride: 3, padding: 1}",
    "conv: {filters: 1, kernel: 3, padding: 1, padding_mode: circular}",
    "conv: {filters: 1, kernel: 4, padding: 3, padding_mode: reflect}",
    "conv_transpose: {filters: 1, kernel: 3, stride: 2, padding: 1}",
    "avgpool: {kernel: 3, stride: 2, rounding: ceil}",
    "upsample: {scale: 2, mode: linear}",
    "upsample: {scale: 3}",
    "adaptive_avgpool: 5",
    "add: [[], [conv: {filters: 1, kernel: 5, padding: 2}]]",
    "crop: [[1, 2]]",
    "pad: [[2, 0]]",
    "batchnorm",
)
"""What no value decides of: with weights of 1 every path has a gradient above 0."""


def ones(network: Planned) -> dict[str, Any]:
    return {name: np.ones(weight.shape) for name, _, weight in expected_weights(network)}


@tabled("pair", [*product(LINEAR, repeat=2)])
def test_an_output_has_a_gradient_where_it_sees_a_value(pair: tuple[str, str]) -> None:
    network = planned(loads(f"rounding: floor\ninput: 11x1\nlayers: [{', '.join(pair)}]"))
    x = {"input": np.ones((1, 1, 11))}
    count = network.shape_of(network.output).spatial[0]
    for output in {0, count // 2, count - 1}:
        seen = traced(network, network.output, (output,)).get(0, Traced(((),), ((0, -1),)))
        values = {value for start, end in seen.axes[0] for value in range(start, end)}
        found = input_gradients(network, network.output, (output,), x, ones(network))
        gradient = found["input"] if found else np.zeros((1, 1, 11))
        assert {*np.flatnonzero(gradient).tolist()} == values, output


def test_a_value_that_is_chosen_lies_in_the_field_and_every_value_of_it_is_some_time() -> None:
    text = "input: 13x9x2\nrounding: floor\nlayers: [maxpool: {kernel: 3, stride: 2}, maxpool: 2]"
    network = planned(loads(text))
    generator = np.random.default_rng(0)
    x = {"input": generator.permutation(400 * 13 * 9 * 2).reshape(400, 2, 13, 9) / 1e3}
    at = (1, 0)
    seen = traced(network, network.output, at)[0]
    field = effective_field(network, network.output, at, x, {})["input"]
    expected = np.zeros((13, 9), bool)
    rows, columns = (
        [value for start, end in axis for value in range(start, end)] for axis in seen.axes
    )
    expected[np.ix_(rows, columns)] = True
    assert np.array_equal(field > 0, expected)
    # Of each of 800 maps one value of the window is chosen, whose gradient is 1.
    assert field.sum() == pytest.approx(1)


def test_gradients_are_pytorchs_in_inference() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    text = (
        "input: 9x9x3\nlayers: [conv: {filters: 4, kernel: 3}, batchnorm, relu, dropout, "
        "{groupnorm: 2}, {maxpool: {kernel: 3, stride: 2}}, conv: {filters: 2, kernel: 2}]"
    )
    network = planned(loads(text))
    weights = {name: each.astype(float) for name, each in random_weights(network).items()}
    x = np.random.default_rng(1).standard_normal((5, 3, 9, 9))
    found = input_gradients(network, network.output, (1, 0), {"input": x}, weights)["input"]

    w = {name: torch.from_numpy(each) for name, each in weights.items()}
    given = torch.from_numpy(x).requires_grad_()
    y = functional.conv2d(given, w["conv1.weight"], w["conv1.bias"])
    statistics = (w["batchnorm1.running_mean"], w["batchnorm1.running_var"])
    y = functional.batch_norm(y, *statistics, w["batchnorm1.weight"], w["batchnorm1.bias"])
    y = functional.group_norm(functional.relu(y), 2, w["groupnorm1.weight"], w["groupnorm1.bias"])
    y = functional.conv2d(functional.max_pool2d(y, 3, 2), w["conv2.weight"], w["conv2.bias"])
    y[:, :, 1, 0].sum().backward()
    assert np.allclose(found, given.grad.numpy(), rtol=1e-10, atol=1e-12)


SPEC = "input: 8x8x3\nlayers: [conv: {filters: 2, kernel: 3}, relu, flatten, linear: 3]"


def called(*arguments: str) -> Any:
    return CliRunner().invoke(convcalc, ["verify", "-", "--training", *arguments], input=SPEC)


def test_the_picture_says_how_it_was_found() -> None:
    printed = called("--field", "conv1", "--batch", "3")
    assert printed.exit_code == 0, printed.output
    assert printed.stdout.startswith("<svg")
    for said in ("3 inputs of 8×8×3", "random weights, from seed 0", "Effective field of conv1"):
        assert said in printed.stdout
    assert printed.stdout == called("--field", "conv1", "--batch", "3").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--field", "linear1"), "is about a map of one image or sequence"),
        (("--field", "none"), "none"),
        (("--field", "conv1", "--optimizer", "adam"), "--optimizer has no effect with --field"),
        (("-o", "field.svg"), "--output and --force are of --field"),
        (("--field", "conv1", "-o", "field.gif"), "its name ends with none of"),
    ],
)
def test_what_is_no_picture_is_refused(arguments: tuple[str, ...], said: str) -> None:
    printed = called(*arguments)
    assert printed.exit_code == 2
    assert said in printed.stderr


@tabled(
    ("factor", "rc", "said"), [(float("nan"), 2, "is not finite"), (0.0, 0, "every gradient is 0")]
)
def test_a_field_without_values_is_no_picture_of_one(
    factor: float, rc: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "net.yaml").write_text("{input: 6x6x1, layers: [conv: {filters: 2, kernel: 3}]}")
    weights: Any = {"conv1.weight": np.full((2, 1, 3, 3), factor), "conv1.bias": np.zeros(2)}
    np.savez(tmp_path / "w.npz", **weights)
    arguments = [str(tmp_path / "net.yaml"), "--training", "--field", "conv1"]
    done = CliRunner().invoke(
        convcalc, ["verify", *arguments, "--weights", str(tmp_path / "w.npz")]
    )
    assert (done.exit_code, said in done.output) == (rc, True), done.output


def test_norms_that_share_weights_have_an_eps_each_and_another_input_is_left_out() -> None:
    text = """
    input: {other: 4x4x1, x: 4x4x1}
    layers:
      - {from: other, relu: }
      - {from: x, name: first, batchnorm: {eps: 1.0}}
      - {name: second, weights: first, batchnorm: {eps: 3.0}}
    """
    network = planned(loads(text))
    weights = {
        f"first.running_{of}": np.full(1, value) for of, value in (("mean", 2.0), ("var", 1))
    }
    weights |= {"first.weight": np.full(1, 5.0), "first.bias": np.zeros(1)}
    given = {name: np.ones((1, 1, 4, 4)) for name in ("other", "x")}
    field = input_gradients(network, network.output, (1, 2), given, weights)["x"]
    # 5/√(1 + 1) of the first, and 5/√(1 + 3) of the second.
    assert np.isclose(field[0, 0, 1, 2], 5 / 2**0.5 * 5 / 2, rtol=1e-12)
    assert np.count_nonzero(field) == 1
    done = CliRunner().invoke(
        convcalc, ["verify", "-", "--training", "--field", "second"], input=text
    )
    assert done.exit_code == 0, done.output


def test_what_is_kept_for_the_way_back_is_compared_with_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layers = ", ".join(["{conv: {filters: 8, kernel: 3, padding: 1}}", "relu"] * 40)
    text = f"{{input: 64x64x8, layers: [{layers}]}}"
    network = planned(loads(text))
    # Of 80 layers, 8·64·64 values of float32 for each of 64 examples, less the last.
    kept = 79 * 64 * 4 * 8 * 64 * 64
    inference = Needs(network, dtype="float32", engine=False, threads=1, keep=False)
    assert inference.batch(64).total < kept
    monkeypatch.setattr("convcalc.cli.running.available", lambda: kept)
    arguments = ["verify", "-", "--training", "--field", "conv40", "--batch", "64"]
    done = CliRunner().invoke(convcalc, arguments, input=text)
    assert done.exit_code == 2
    assert "are available" in done.stderr
