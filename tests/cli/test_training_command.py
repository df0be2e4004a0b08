"""`convcalc verify --training` on the command line: what it prints, refuses and ends with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner, Result
from paths import ROOT
from tabled import tabled

from convcalc.checks import training
from convcalc.cli import convcalc
from convcalc.formats.training import curve
from convcalc.forward.losses import LOSSES
from convcalc.forward.training import Trainer
from convcalc.layers import Layer
from convcalc.layers.activation import Relu

NET = """\
name: net
input: 6x6x2
layers:
  - {conv: {filters: 4, kernel: 3, bias: false}, name: first, origin: features.0}
  - batchnorm
  - relu
  - flatten
  - linear: 3
"""
Command = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET, encoding="utf-8")

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(convcalc, ["verify", "net.yaml", "--training", *arguments])

    return call


def test_every_format_has_a_row_per_layer_and_json_satisfies_its_schema(run: Command) -> None:
    schema = json.loads((ROOT / "docs" / "training.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    for format_name in ("table", "plain", "json"):
        result = run("--format", format_name, "--steps", "3")
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        for name in ("first", "batchnorm1", "relu1", "flatten1", "linear1"):
            assert name in result.stdout
        if format_name == "json":
            jsonschema.Draft7Validator(schema).validate(json.loads(result.stdout))
        else:
            assert "Loss " in result.stdout
            assert "step 3" in result.stdout
            assert "curve" not in run("--format", format_name).stdout


def test_options_change_what_is_trained(run: Command) -> None:
    given = ("--batch", "3", "--optimizer", "adam", "--loss", "squares", "--seed", "5")
    result = run(*given, "--learning-rate", "0.25", "--dtype", "float64", "--layers", "*linear*")
    assert "(3 examples, float64, numpy, seed 5, adam at 0.25, squares)" in result.stdout
    assert "batchnorm1" not in result.stdout
    assert "features.0" in run("--names", "origin").stdout


def test_an_image_and_weights_are_taken(run: Command) -> None:
    generator = np.random.default_rng(0)
    np.save("image.npy", generator.standard_normal((2, 6, 6)).astype(np.float32))
    arrays: dict[str, Any] = {"first.weight": np.ones((4, 2, 3, 3)), "linear1.bias": np.ones(3)}
    arrays |= {f"batchnorm1.{name}": np.ones(4) for name in ("weight", "bias", "running_mean")}
    arrays |= {"batchnorm1.running_var": np.ones(4), "linear1.weight": np.ones((3, 64))}
    np.savez("weights.npz", **arrays)
    result = run("--image", "image.npy", "--weights", "weights.npz", "--format", "json")
    found = json.loads(result.stdout)
    assert found["seed"] is None
    assert found["layers"][0]["weight_norm"] == pytest.approx(72**0.5)  # of 72 ones


@tabled(
    ("arguments", "message"),
    [
        (("--engine",), "--engine has no effect with --training"),
        (("--top", "3"), "--top has no effect with --training"),
        (("--shift",), "--shift has no effect with --training"),
        (("--profile",), "--profile has no effect with --training"),
        (("--save", "x"), "--save has no effect with --training"),
        (("--layers", "nothing"), "no layer matches 'nothing'"),
        (("--steps", "0"), "--steps"),
        (("--learning-rate", "0"), "0.0 is no number above 0"),
        (("--learning-rate", "nan"), "nan is no number above 0"),
        (("--loss", "cross-entropie"), "cross-entropy"),
        (("--optimizer", "adm"), "adam"),
        (("--weights", "absent.npz"), "absent.npz"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    run: Command, arguments: tuple[str, ...], message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr


@tabled("arguments", [("--steps", "2"), ("--loss", "squares"), ("--optimizer", "adam")])
def test_what_is_of_training_needs_it(run: Command, arguments: tuple[str, ...]) -> None:
    run()
    result = CliRunner().invoke(convcalc, ["verify", "net.yaml", *arguments])
    assert result.exit_code == 2
    assert f"{arguments[0]} is of training: give --training" in result.stderr


def test_a_batch_that_cannot_be_trained_on_is_a_finding(run: Command) -> None:
    Path("net.yaml").write_text(NET.replace("kernel: 3", "kernel: 6"), encoding="utf-8")
    result = run()
    assert result.exit_code == 1
    assert "net.yaml:5:5: error[CC513]" in result.stderr
    assert "the smallest batch that works is 2" in result.stderr
    assert run("--batch", "2").exit_code == 0


def test_a_kind_without_a_backward_pass_is_refused(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Relu, "backward", Layer.backward)
    result = run()
    assert result.exit_code == 2
    assert result.stderr == "convcalc: relu1 cannot be trained: relu has no backward pass\n"


def test_a_network_without_weights_is_refused(run: Command) -> None:
    Path("net.yaml").write_text("input: 4x4x1\nlayers: [relu, flatten]\n", encoding="utf-8")
    result = run()
    assert result.exit_code == 2
    assert "has no weights that learn" in result.stderr


def test_ctrl_c_shows_what_was_done(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    update, done = Trainer.update, list[int]()

    def interrupted(self: Trainer, gradients: Any) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        update(self, gradients)

    monkeypatch.setattr(Trainer, "update", interrupted)
    result = run("--steps", "9")
    assert result.exit_code == 130
    assert "2 of 9 steps, and then it was interrupted" in result.stdout
    assert result.stderr == "convcalc: interrupted\n"
    monkeypatch.setattr(Trainer, "forward", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    result = run("--steps", "9")
    assert (result.exit_code, result.stdout) == (130, "")


def test_too_little_memory_is_told_with_the_batch_that_fits(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 17_000_000)
    result = run("--batch", "5000")
    assert result.exit_code == 2
    assert "training net.yaml needs up to" in result.stderr
    batch = result.stderr.rpartition("--batch ")[2].strip()
    assert run("--batch", batch).exit_code == 0
    assert run("--batch", str(int(batch) + 1)).exit_code == 2
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 1000)
    assert run().stderr.endswith("are available; none would fit\n")


def test_what_a_loss_takes_is_part_of_what_a_step_needs(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = set()
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 1000)
    for loss in LOSSES:
        needs.add(run("--batch", "50000", "--loss", loss).stderr)
    assert len(needs) > 1


def test_a_difference_ends_with_1(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "state_bytes", lambda *_: 7)
    result = run()
    assert result.exit_code == 1
    assert "  optimizer state: 7 bytes predicted, 0 observed\n1 difference found." in result.stdout


def test_the_curve_stands_on_0_and_has_a_column_for_each_step_or_their_mean() -> None:
    assert curve([4.0, 2.0, 1.0]) == [
        "4 │█",
        "  │█",
        "  │█",
        "  │█",
        "  │██",
        "  │██",
        "  │███",
        "  │███",
        "0 └───",
        "   step 1 step 3",
    ]
    assert len(curve([1.0] * 600)[0].partition("│")[2]) == 60
    # Of 2 steps a column the first has 1 and 3: the curve ends at their mean.
    assert curve([1.0, 3.0, *[1.0] * 118])[0].startswith("2 │█")
    assert curve([0.0, 0.0]) == []
    assert curve([float("nan"), 1.0])[7] == "  │×█"
