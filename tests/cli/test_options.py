"""No option is taken without effect: what every command declares, one by one and in pairs."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from tabled import tabled

from convcalc.checks.fixes import marked
from convcalc.checks.run import Checked, Task, check_opened
from convcalc.cli import COMMANDS, convcalc
from convcalc.forward import random_weights
from convcalc.graph import Network, loads, read_opened
from convcalc.spec.source import Opened

SPEC = "name: a\ninput: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3, padding: 1}\n  - relu\n"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "a.yaml").write_text(SPEC)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(convcalc, [*arguments])

    return call


def declared() -> Iterator[tuple[str, click.Option]]:
    """Every option of every command."""
    context = click.Context(convcalc)
    for name in COMMANDS:
        command = convcalc.get_command(context, name)
        assert command is not None
        for option in command.params:
            if isinstance(option, click.Option):
                yield name, option


SINGLE = [(name, option) for name, option in declared() if not (option.multiple or option.is_flag)]


@tabled(("command", "option"), SINGLE, ids=[f"{name} {option.opts[-1]}" for name, option in SINGLE])
def test_an_option_of_one_value_is_refused_twice(
    run: Run, command: str, option: click.Option
) -> None:
    name = option.opts[-1]
    result = run(command, "a.yaml", name, "1", name, "2")
    assert result.exit_code == 2
    assert f"{name} is given twice, and one would have no effect" in result.stderr
    assert "given twice" not in run(command, "a.yaml", name, "1").stderr


def test_two_options_that_contradict_each_other_are_refused(run: Run) -> None:
    for pair in (("--fused", "--per-tensor"), ("--inplace", "--no-inplace")):
        result = run("memory", "a.yaml", "--training", *pair)
        assert result.exit_code == 2
        assert f"{' or '.join(pair)} is given twice" in result.stderr


def test_normalize_needs_an_image(run: Run) -> None:
    result = run("verify", "a.yaml", "--normalize", "unit")
    assert result.exit_code == 2
    assert "--normalize says what becomes of an --image; there is none" in result.stderr


def test_normalize_needs_pixels(run: Run) -> None:
    np.save("given.npy", np.ones((3, 8, 8), np.float32))
    result = run("verify", "a.yaml", "--image", "given.npy", "--normalize", "unit")
    assert result.exit_code == 2
    assert "given.npy holds float32, which is the input itself: nothing is" in result.stderr
    assert run("verify", "a.yaml", "--image", "given.npy").exit_code == 0


def test_seed_needs_something_random(run: Run) -> None:
    np.save("given.npy", np.ones((3, 8, 8), np.float32))
    np.savez("weights.npz", **random_weights(loads(SPEC)))
    given = ("--image", "given.npy", "--weights", "weights.npz")
    result = run("verify", "a.yaml", *given, "--seed", "0")
    assert result.exit_code == 2
    assert "--seed is of random weights and input; both are given" in result.stderr
    # The engine is compared with the definitions at positions that the seed chooses.
    for sensible in (given, (*given, "--seed", "0", "--engine"), (*given[:2], "--seed", "0")):
        assert run("verify", "a.yaml", *sensible).exit_code == 0


def test_a_parameter_has_one_value(run: Run, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(SPEC + "parameters: {width: 4}\n")
    for command in ("analyze", "check", "memory", "verify"):
        result = run(command, "b.yaml", "--set", "width=1", "--set", "width=2")
        assert result.exit_code == 2
        assert "width is given twice, as 1 and as 2" in result.stderr
        assert "given twice" not in run(command, "b.yaml", *["--set", "width=1"] * 2).stderr


# One by one and in pairs


NET = """\
name: net
input: 8x8x3
parameters: {width: 20, unused: 1}
layers:
  - conv: {filters: width, kernel: 3, padding: 1}
  - relu
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: second, origin: features.3}
  - batchnorm
  - relu
  - {dropout: 0.5, name: drop}
  - flatten
  - linear: 10
budget: {parameters: 1}
"""
"""CC408 (which can be fixed), CC414 (off by default), CC511; dropout and a norm for training."""
ATTENDING = NET.replace("  - flatten", "  - maxpool: 2\n  - attention: 2\n  - flatten")
GROUPS = (
    "  - {name: block, layers: [tanh, maxpool: 2, upsample: 2]}\n"
    "  - {name: other, layers: [upsample: 2, maxpool: 2]}\n"
)
DRAWN = NET.replace("  - conv", f"{GROUPS}  - conv", 1)
WIDER = NET.replace("filters: 8", "filters: 16")
BIASED = (
    "name: biased\ninput: 8x8x3\nparameters: {unused: 1}\nlayers:\n"
    "  - conv: {filters: 8, kernel: 3, padding: 1}\n  - batchnorm\n  - maxpool: 2\n"
)
"""CC408, CC422, and CC301 where the input is odd."""


SWEPT = """\
input: 8x8x3
parameters: {width: 4, unused: 1, classes: 4}
layers:
  - conv: {filters: width, kernel: 3, padding: 1}
  - batchnorm
  - relu
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: second}
  - relu
  - dropout: 0.5
  - flatten
  - linear: classes
"""
"""Designs that differ in `unused` alone are one network; dropout and a state for training."""


class Command(NamedTuple):
    """How a command is tried out."""

    arguments: tuple[str, ...]
    """What it is called with besides options."""
    options: Mapping[str, tuple[str, ...]]
    """Option → it and a value with which it changes something."""
    needs: Mapping[str, tuple[str, ...]] = {}
    """Options and arguments that an option is refused, or has no effect, without."""
    quiet: Mapping[str, str] = {}
    """Options that change no answer, with the reason."""
    heeded: Mapping[tuple[str, str], str] = {}
    """Pairs of which the one does what the other asks for, with the reason."""


FIGURES = ("parameters", "macs", "flops", "activations", "largest-tensor")
IN_BYTES = ("memory", "training-memory", "arena", "flash")
"""What `fit` limits."""
TRIED = {
    "check": Command(
        ("net.yaml", "known", "excluded.yaml", "foreign/foreign.yaml"),
        {
            "--format": ("--format", "concise"),
            "--output": ("--output", "junit:out.xml"),
            "--base": ("--base", "HEAD"),
            "--select": ("--select", "CC3,CC408"),
            "--extend-select": ("--extend-select", "CC414"),
            "--ignore": ("--ignore", "CC408"),
            "--fail-on": ("--fail-on", "never"),
            "--strict": ("--strict",),
            "--max-memory": ("--max-memory", "1B"),
            "--max-training-memory": ("--max-training-memory", "1B"),
            "--batch": ("--batch", "2000"),
            "--optimizer": ("--optimizer", "adam"),
            "--max-parameters": ("--max-parameters", "2"),
            "--max-macs": ("--max-macs", "2"),
            "--max-flops": ("--max-flops", "2"),
            "--max-activations": ("--max-activations", "2"),
            "--max-largest-tensor": ("--max-largest-tensor", "2"),
            "--max-arena": ("--max-arena", "2B"),
            "--max-flash": ("--max-flash", "2B"),
            "--input": ("--input", "7x7x3"),
            "--set": ("--set", "width=28"),
            "--baseline": ("--baseline", "all.json"),
            "--update-baseline": ("--update-baseline",),
            "--statistics": ("--statistics",),
            "--stdin-filename": ("--stdin-filename", "called/called.yaml"),
            "--fix": ("--fix",),
            "--diff": ("--diff",),
            "--watch": ("--watch",),
            "--exclude": ("--exclude", "other.yaml"),
            "--force-exclude": ("--force-exclude",),
            "--only-specs": ("--only-specs",),
            "--jobs": ("--jobs", "1"),
            "--config": ("--config", "other.toml"),
            "--isolated": ("--isolated",),
            "--show-files": ("--show-files",),
            "--show-config": ("--show-config",),
            "--color": ("--color", "always"),
        },
        {
            "--batch": ("--max-memory", "2MB"),
            "--optimizer": ("--max-training-memory", "100kB"),
            "--stdin-filename": ("-",),
            "--base": ("--output", "card:card.md"),
        },
        {"--jobs": "how fast the answer comes"},
        {
            ("--force-exclude", "--isolated"): "there may be --exclude, and pre-commit gives both",
            ("--extend-select", "--diff"): "what is fixed is on, unless a configuration ignores it",
        },
    ),
    "analyze": Command(
        ("net.yaml",),
        {
            "--names": ("--names", "origin"),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "width=24"),
            "--batch": ("--batch", "2"),
            "--dtype": ("--dtype", "float16"),
            "--format": ("--format", "csv"),
            "--columns": ("--columns", "name,parameters,memory"),
            "--depth": ("--depth", "1"),
            "--summary": ("--summary",),
            "--sort": ("--sort", "-parameters"),
            "--limit": ("--limit", "T4"),
            "--verify": ("--verify",),
            "--dataset-size": ("--dataset-size", "100"),
            "--epochs": ("--epochs", "3"),
            "--freeze": ("--freeze", "conv1"),
            "--count": ("--count", "thop"),
            "--why": ("--why", "torchinfo"),
            "--by-layer": ("--by-layer",),
            "--whose": ("--whose", "1.23G"),
            "--parameters": ("--parameters",),
            "--written": ("--written", "conv=function"),
            "--mode": ("--mode", "train"),
            "--no-grad": ("--no-grad",),
        },
        {
            "--depth": ("blocks.yaml",),
            "--sort": ("wider.yaml", "--summary"),
            "--limit": ("--summary",),
            "--epochs": ("--dataset-size", "100"),
            "--by-layer": ("--why", "torchinfo"),
            "--parameters": ("--whose", "1.23G"),
            "--written": ("--count", "thop"),
            "--mode": ("--count", "fvcore"),
            "--no-grad": ("attending.yaml", "--count", "fvcore"),
        },
    ),
    "diff": Command(
        ("net.yaml", "wider.yaml"),
        {
            "--git": ("--git", "HEAD"),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "width=24"),
            "--batch": ("--batch", "2"),
            "--dtype": ("--dtype", "float16"),
            "--format": ("--format", "markdown"),
            "--fail-on-increase": ("--fail-on-increase", "parameters=1%"),
            "--draw": ("--draw", "new.svg"),
            "--force": ("--force",),
        },
        {"--force": ("--draw", "old.svg")},
        {},
        {("--draw", "--force"): "a file that is not there yet is written either way"},
    ),
    "memory": Command(
        ("attending.yaml",),
        {
            "--names": ("--names", "origin"),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "width=24"),
            "--batch": ("--batch", "2"),
            "--dtype": ("--dtype", "float64"),
            "--training": ("--training",),
            "--optimizer": ("--optimizer", "adam"),
            "--attention": ("--attention", "math"),
            "--fused": ("--per-tensor",),
            "--mixed-precision": ("--mixed-precision",),
            "--inplace": ("--no-inplace",),
            "--device": ("--device", "cuda"),
            "--overhead": ("--overhead", "500MB"),
            "--limit": ("--limit", "T4"),
            "--context": ("--context", "300MB"),
            "--checkpoint": ("--checkpoint", "every=2"),
            "--data-parallel": ("--data-parallel", "2"),
            "--shard": ("--shard", "optimizer"),
            "--deploy": ("--deploy",),
            "--arena": ("--arena",),
            "--board": ("--board", "rp2040"),
            "--freeze": ("--freeze", "conv1"),
            "--bank": ("--bank", "dtcm=1KiB"),
            "--search": ("--search", "0.05"),
            "--patches": ("--patches", "2x2"),
            "--until": ("--until", "maxpool1"),
            "--input-memory": ("--input-memory", "streamed"),
            "--plan": ("--plan", "new.json"),
            "--force": ("--force",),
            "--loss": ("--loss", "squares"),
            "--layers": ("--layers",),
            "--timeline": ("--timeline",),
            "--format": ("--format", "markdown"),
        },
        {
            "--names": ("--layers",),
            "--optimizer": ("--training",),
            "--fused": ("--optimizer", "adam", "--training"),
            "--checkpoint": ("--training",),
            "--data-parallel": ("--training",),
            "--shard": ("--data-parallel", "2", "--optimizer", "adam", "--training"),
            "--device": ("--training",),
            "--attention": ("--training",),
            "--freeze": ("--training",),
            "--loss": ("--training",),
            "--context": ("--limit", "T4"),
            "--patches": ("--until", "maxpool1"),
            "--until": ("--patches", "2x2"),
            "--input-memory": ("--patches", "2x2", "--until", "conv1"),
            "--force": ("--plan", "old.json"),
        },
        {},
        {
            **{
                ("--arena", other): "each asks for the arena"
                for other in (
                    *("--board", "--bank", "--search", "--patches", "--until", "--input-memory"),
                    *("--plan", "--force"),
                )
            },
            ("--plan", "--force"): "a file that is not there yet is written either way",
        },
    ),
    "export": Command(
        ("net.yaml",),
        {
            "--to": ("--to", "onnx"),
            "--output": ("--output", "new.onnx"),
            "--force": ("--force",),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "width=24"),
            "--weights": ("--weights", "weights.npz"),
            "--weights-map": ("--weights-map", "map.yaml"),
            "--seed": ("--seed", "5"),
            "--opset": ("--opset", "20"),
            "--dynamic-batch": ("--dynamic-batch",),
        },
        {"--weights-map": ("--weights", "renamed.npz"), "--force": ("--output", "old.onnx")},
        {"--to": "there is one format"},
        {("--output", "--force"): "a file that is not there yet is written either way"},
    ),
    "convert": Command(
        ("net.yaml",),
        {
            "--linear-to-conv": ("--linear-to-conv",),
            "--fold-batchnorm": ("--fold-batchnorm",),
            "--reparameterize": ("--reparameterize",),
            "--conv-to-linear": ("--conv-to-linear", "second"),
            "--prune": ("--prune", "conv1=3"),
            "--quantize-friendly": ("--quantize-friendly",),
            "--separable": ("--separable",),
            "--unstack": ("--unstack",),
            "--stack": ("--stack",),
            "--width": ("--width", "0.5"),
            "--output": ("--output", "new.yaml"),
            "--force": ("--force",),
            "--verify": ("--verify",),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "width=24"),
            "--weights": ("--weights", "weights.npz"),
            "--weights-map": ("--weights-map", "map.yaml"),
            "--save": ("--save", "new.npz"),
            "--seed": ("--seed", "5"),
        },
        {
            "--force": ("--output", "old.yaml"),
            "--weights-map": ("--weights", "renamed.npz"),
            "--weights": ("--verify",),
            "--save": ("--weights", "weights.npz"),
            "--seed": ("--verify",),
        },
        {"--verify": "it says that nothing changed"},
        {("--output", "--force"): "a file that is not there yet is written either way"},
    ),
    "pattern": Command(
        ("net.yaml",),
        {"--input": ("--input", "16x16x3"), "--set": ("--set", "width=24")},
        {},
        {"--input": "a pattern has no sizes", "--set": "a pattern has no sizes"},
    ),
    "new": Command(
        ("[CONV -> POOL]*N -> [FC -> RELU]*2 -> FC",),
        {
            "--output": ("--output", "new.yaml"),
            "--force": ("--force",),
            "--template": ("--template", "unet"),
            "--input": ("--input", "64x64x1"),
            "--classes": ("--classes", "7"),
            "--filters": ("--filters", "8"),
            "--features": ("--features", "9"),
            "--kernel": ("--kernel", "5"),
            "--pool": ("--pool", "4"),
            "--set": ("--set", "N=1"),
            "--name": ("--name", "Net"),
        },
        {"--force": ("--output", "old.yaml")},
        {},
        {("--output", "--force"): "a file that is not there yet is written either way"},
    ),
    "draw": Command(
        ("drawn.yaml",),
        {
            "--style": ("--style", "window"),
            "--to": ("--to", "svg"),
            "--output": ("--output", "new.svg"),
            "--force": ("--force",),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "width=24"),
            "--theme": ("--theme", "dark"),
            "--width": ("--width", "300"),
            "--direction": ("--direction", "right"),
            "--depth": ("--depth", "1"),
            "--expand": ("--expand", "bl*"),
            "--collapse": ("--collapse", "block"),
            "--only-changes": ("--only-changes",),
            "--shade": ("--shade", "macs"),
            "--names": ("--names", "origin"),
            "--layer": ("--layer", "second"),
            "--at": ("--at", "0,1"),
            "--layers": ("--layers", "second"),
            "--maps": ("--maps", "2"),
            "--weights": ("--weights", "drawn.npz"),
            "--weights-map": ("--weights-map", "drawn-map.yaml"),
            "--image": ("--image", "image.npy"),
            "--normalize": ("--normalize", "signed"),
            "--seed": ("--seed", "5"),
        },
        {
            "--force": ("--output", "old.svg"),
            "--layer": ("--style", "window"),
            "--expand": ("--depth", "1"),
            "--at": ("--style", "field"),
            "--layers": ("--style", "activations"),
            "--maps": ("--style", "activations"),
            "--weights": ("--style", "activations"),
            "--weights-map": ("--style", "activations", "--weights", "renamed-drawn.npz"),
            "--image": ("--style", "activations"),
            "--normalize": ("--style", "activations", "--image", "image.npy"),
            "--seed": ("--style", "activations"),
        },
        {"--to": "the other format is no text"},
        {
            ("--output", "--force"): "a file that is not there yet is written either way",
            ("--depth", "--collapse"): "at 1 the block is one box as it is",
            ("--expand", "--only-changes"): "a group of which one layer is left is that layer",
            ("--expand", "--collapse"): "what is to be one box is none that is opened",
            ("--style", "--set"): "the first layer that slides stays as it is",
            ("--set", "--at"): "what an output sees does not depend on how many channels there are",
        },
    ),
    "report": Command(
        ("net.yaml",),
        {
            "--output": ("--output", "new.html"),
            "--force": ("--force",),
            "--open": ("--open",),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "width=24"),
            "--batch": ("--batch", "2"),
            "--dtype": ("--dtype", "float64"),
            "--optimizer": ("--optimizer", "adam"),
        },
        {"--force": ("--output", "old.onnx"), "--open": ("--output", "new.html")},
        {},
        {("--output", "--force"): "a file that is not there yet is written either way"},
    ),
    "verify": Command(
        ("net.yaml",),
        {
            "--names": ("--names", "origin"),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "width=24"),
            "--batch": ("--batch", "2"),
            "--dtype": ("--dtype", "float16"),
            "--backend": ("--backend", "auto"),
            "--engine": ("--engine",),
            "--seed": ("--seed", "5"),
            "--threads": ("--threads", "1"),
            "--layers": ("--layers", "second"),
            "--weights": ("--weights", "weights.npz"),
            "--weights-map": ("--weights-map", "map.yaml"),
            "--image": ("--image", "image.npy"),
            "--normalize": ("--normalize", "signed"),
            "--top": ("--top", "2"),
            "--classes": ("--classes", "classes.txt"),
            "--save": ("--save", "saved"),
            "--profile": ("--profile",),
            "--shift": ("--shift",),
            "--training": ("--training",),
            "--optimizer": ("--optimizer", "adam"),
            "--learning-rate": ("--learning-rate", "0.5"),
            "--loss": ("--loss", "squares"),
            "--steps": ("--steps", "2"),
            "--freeze": ("--freeze", "conv1"),
            "--field": ("--field", "conv1"),
            "--output": ("--output", "new.svg"),
            "--force": ("--force",),
            "--format": ("--format", "json"),
        },
        {
            "--field": ("--training",),
            "--output": ("--training", "--field", "conv1"),
            "--force": ("--training", "--field", "conv1", "--output", "old.svg"),
            "--weights-map": ("--weights", "renamed.npz"),
            "--image": ("--top", "10"),
            "--normalize": ("--image", "image.npy", "--top", "10"),
            "--classes": ("--top", "2"),
            **dict.fromkeys(
                ("--optimizer", "--learning-rate", "--loss", "--steps", "--freeze"),
                ("--training",),
            ),
        },
        {
            "--threads": "how fast the answer comes",
            "--backend": "where the answer is computed",
        },
        {
            ("--seed", "--weights"): "the input is random still, of which --top shows something",
            ("--seed", "--weights-map"): "the same",
            ("--engine", "--seed"): "which samples are compared, too, is the seed's",
            ("--output", "--force"): "a file that is not there yet is written either way",
            **{
                (option, "--shift"): "which outputs follow hangs on kinds and windows alone"
                for option in ("--input", "--set", "--seed", "--weights", "--weights-map")
            },
        },
    ),
    "explain": Command(
        ("attending.yaml",),
        {
            "--all": ("--all",),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "width=24"),
            "--batch": ("--batch", "2"),
            "--dtype": ("--dtype", "float16"),
            "--memory": ("--memory",),
            "--training": ("--training",),
            "--optimizer": ("--optimizer", "adam"),
            "--fused": ("--per-tensor",),
            "--mixed-precision": ("--mixed-precision",),
            "--inplace": ("--no-inplace",),
            "--device": ("--device", "cuda"),
            "--overhead": ("--overhead", "500MB"),
            "--checkpoint": ("--checkpoint", "every=2"),
            "--data-parallel": ("--data-parallel", "2"),
            "--shard": ("--shard", "optimizer"),
            "--deploy": ("--deploy",),
            "--arena": ("--arena",),
            "--attention": ("--attention", "math"),
            "--value": ("--value", "0,1,2"),
            "--seed": ("--seed", "5"),
            "--weights": ("--weights", "attending.npz"),
            "--weights-map": ("--weights-map", "attending-map.yaml"),
            "--image": ("--image", "image.npy"),
            "--normalize": ("--normalize", "signed"),
            "--at": ("--at", "0,1"),
            "--reaches": ("--reaches", "0,1"),
            "--fit": ("--fit",),
            "--output-size": ("--output-size", "4"),
            "--error": ("--error", "message.txt"),
            "--svg": ("--svg", "new.svg"),
            "--demo": ("--demo", "new.html"),
            "--force": ("--force",),
            "--format": ("--format", "json"),
        },
        {
            "--svg": ("second",),
            "--demo": ("second",),
            "--force": ("second", "--svg", "old.svg"),
            "--input": ("second",),
            "--set": ("second",),
            "--batch": ("second", "--format", "json"),
            "--dtype": ("second", "--format", "json"),
            "--format": ("second",),
            "--training": ("--memory",),
            "--optimizer": ("--memory", "--training"),
            "--fused": ("--memory", "--optimizer", "adam", "--training"),
            "--mixed-precision": ("--memory", "--training"),
            "--inplace": ("--memory", "--training"),
            "--device": ("--memory", "--training"),
            "--overhead": ("--memory",),
            "--checkpoint": ("--memory", "--training"),
            "--data-parallel": ("--memory", "--training"),
            "--shard": (
                *("--memory", "--data-parallel", "2", "--optimizer", "adam", "--training"),
            ),
            "--deploy": ("--memory",),
            "--arena": ("--memory",),
            "--attention": ("--memory",),
            "--at": ("second",),
            "--reaches": ("second",),
            "--fit": ("second",),
            "--output-size": ("second", "--fit"),
            "--value": ("second",),
            "--seed": ("second", "--value", "0,1,2"),
            "--weights": ("second", "--value", "0,1,2"),
            "--weights-map": ("second", "--weights", "renamed-attending.npz", "--value", "0,1,2"),
            "--image": ("second", "--value", "0,1,2"),
            "--normalize": ("second", "--image", "image.npy", "--value", "0,1,2"),
        },
        heeded={
            **{
                ("--all", option): "the few tensors that are alive at the peak are shown anyway"
                for option in (
                    *("--memory", "--training", "--optimizer", "--fused", "--mixed-precision"),
                    *("--inplace", "--device", "--overhead", "--checkpoint", "--data-parallel"),
                    *("--shard", "--deploy", "--arena", "--attention"),
                )
            },
            ("--set", "--at"): "a parameter may decide a size, and this one decides channels",
            ("--set", "--reaches"): "the same",
            ("--svg", "--force"): "a file that is not there yet is written either way",
        },
    ),
    "list": Command(("lenet",), {"--format": ("--format", "names")}),
    "import": Command(
        ("open.onnx",),
        {
            "--input": ("--input", "8x8x3"),
            "--from": ("--from", "onnx"),
            "--flat": ("--flat",),
            "--output": ("--output", "copy.yaml"),
            "--force": ("--force",),
        },
        needs={
            "--flat": ("--input", "8x8x3"),
            "--output": ("--input", "8x8x3"),
            "--force": ("--output", "net.yaml", "--input", "8x8x3"),
        },
        quiet={"--from": "the content says the same"},
        heeded={("--output", "--force"): "a file that is not there yet is written either way"},
    ),
    "show": Command(
        ("lenet5",),
        {"--output": ("--output", "copy.yaml"), "--force": ("--force",)},
        needs={"--force": ("--output", "net.yaml")},
        heeded={("--output", "--force"): "a file that is not there yet is written either way"},
    ),
    "fold": Command(
        ("net.yaml",),
        {
            "--output": ("--output", "copy.yaml"),
            "--force": ("--force",),
            "--flat": ("--flat",),
            "--names": ("--names",),
            "--check": ("--check",),
            "--diff": ("--diff",),
        },
        needs={"--force": ("--output", "net.yaml"), "--names": ("--flat",)},
        heeded={
            ("--output", "--force"): "a file that is not there yet is written either way",
            ("--names", "--check"): "whether it would change is all that is said",
        },
    ),
    "size": Command(
        ("8",),
        {
            "--kernel": ("--kernel", "3"),
            "--stride": ("--stride", "2"),
            "--padding": ("--padding", "[[0, 1]]"),
            "--same": ("--same",),
            "--dilation": ("--dilation", "2"),
            "--rounding": ("--rounding", "floor"),
            "--floor": ("--floor",),
            "--ceil": ("--ceil",),
            "--transposed": ("--transposed",),
            "--output-padding": ("--output-padding", "1"),
            "--output-size": ("--output-size", "5"),
            "--format": ("--format", "json"),
        },
        {
            "--output-padding": ("--transposed", "--kernel", "4"),
            **dict.fromkeys(
                ("--stride", "--padding", "--same", "--dilation", "--rounding", "--floor"),
                ("--kernel", "4"),
            ),
            **dict.fromkeys(
                ("--ceil", "--transposed", "--output-size", "--format"), ("--kernel", "4")
            ),
        },
    ),
    "fit": Command(
        ("two.yaml",),
        {
            "--vary": ("--vary", "width=8..16:8"),
            **{f"--max-{name}": (f"--max-{name}", "100") for name in FIGURES},
            **{f"--max-{name}": (f"--max-{name}", "1kB") for name in IN_BYTES},
            "--nearest": ("--nearest", "training_memory=1MB"),
            "--batch": ("--batch", "2"),
            "--optimizer": ("--optimizer", "adam"),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "kernel=3"),
            "--format": ("--format", "json"),
        },
        needs={
            "--vary": ("--max-macs", "1M"),
            **{f"--max-{name}": ("--vary", "width=1..4") for name in (*FIGURES, *IN_BYTES)},
            "--nearest": ("--vary", "width=1..4"),
            "--batch": ("--vary", "width=1..4", "--max-memory", "1MB"),
            "--optimizer": ("--vary", "width=1..4", "--max-training-memory", "1MB"),
            "--input": ("--vary", "width=1..4", "--max-macs", "1M"),
            "--set": ("--vary", "width=1..4", "--max-macs", "1M"),
            "--format": ("--vary", "width=1..4", "--max-macs", "1M"),
        },
    ),
    "sizes": Command(
        ("strided.yaml",),
        {
            "--near": ("--near", "20"),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "stride=2"),
            "--format": ("--format", "json"),
        },
    ),
    "sweep": Command(
        ("swept.yaml", "--vary", "width=4,5", "--vary", "unused=1,2"),
        {
            "--vary": ("--vary", "batch=1,2"),
            "--where": ("--where", "macs > 1"),
            "--pareto": ("--pareto", "macs,-parameters"),
            "--sort": ("--sort", "-macs"),
            "--top": ("--top", "1"),
            "--columns": ("--columns", "layers"),
            "--all-rows": ("--all-rows",),
            "--sample": ("--sample", "3"),
            "--sampling": ("--sampling", "latin"),
            "--seed": ("--seed", "5"),
            "--input": ("--input", "16x16x3"),
            "--set": ("--set", "classes=3"),
            "--batch": ("--batch", "2"),
            "--dtype": ("--dtype", "float64"),
            "--training": ("--training",),
            "--optimizer": ("--optimizer", "adam"),
            "--fused": ("--per-tensor",),
            "--mixed-precision": ("--mixed-precision",),
            "--inplace": ("--no-inplace",),
            "--device": ("--device", "cuda"),
            "--overhead": ("--overhead", "10kB"),
            "--checkpoint": ("--checkpoint", "every=2"),
            "--jobs": ("--jobs", "1"),
            "--scheduler": ("--scheduler", "nowhere"),
            "--output": ("--output", "new.csv"),
            "--output-dir": ("--output-dir", "designs"),
            "--force": ("--force",),
            "--state": ("--state", "new.state"),
            "--resume": ("--resume", "old.json"),
            "--format": ("--format", "json"),
        },
        {
            "--sampling": ("--sample", "3"),
            "--seed": ("--sample", "3"),
            "--optimizer": ("--training",),
            "--fused": ("--optimizer", "adam", "--training"),
            "--device": ("--training",),
            "--checkpoint": ("--training",),
            "--force": ("--output", "old.json"),
        },
        {"--jobs": "how fast the answer comes"},
        {
            ("--output", "--force"): "a file that is not there yet is written either way",
            ("--force", "--state"): "a file that is not there yet is written either way",
            ("--sampling", "--seed"): "designs of a few are one sample in some orders",
            **dict.fromkeys(
                (
                    *(("--batch", "--fused"), ("--training", "--inplace")),
                    *(("--optimizer", "--mixed-precision"), ("--fused", "--mixed-precision")),
                    *(("--mixed-precision", "--inplace"), ("--inplace", "--device")),
                    *(("--optimizer", "--inplace"), ("--fused", "--inplace")),
                    *(("--inplace", "--checkpoint"), ("--optimizer", "--device")),
                    *(("--fused", "--device"), ("--optimizer", "--checkpoint")),
                    ("--fused", "--checkpoint"),
                ),
                "the peak alone is shown, and stands where that takes no more",
            ),
        },
    ),
    "docs": Command((), {}),
    "kinds": Command((), {"--format": ("--format", "json")}),
    "rule": Command(
        (),
        {"--all": ("--all",), "--format": ("--format", "json")},
        heeded={("--all", "--format"): "json has every page unless codes are named"},
    ),
    "schema": Command((), {}),
    "completion": Command(("zsh",), {}),
    "format": Command(
        ("net.yaml", "known", "excluded.yaml", "foreign/foreign.yaml"),
        {
            "--check": ("--check",),
            "--diff": ("--diff",),
            "--exclude": ("--exclude", "other.yaml"),
            "--force-exclude": ("--force-exclude",),
            "--only-specs": ("--only-specs",),
            "--stdin-filename": ("--stdin-filename", "called/called.yaml"),
            "--config": ("--config", "other.toml"),
            "--isolated": ("--isolated",),
        },
        needs={"--stdin-filename": ("-",), "--isolated": ("--force-exclude",)},
        quiet={"--stdin-filename": "it stands in what is said of a text that is in no style yet"},
        heeded={
            ("--check", "--diff"): "either changes nothing and tells by the exit code",
            ("--force-exclude", "--isolated"): "there may be --exclude, and pre-commit gives both",
        },
    ),
}


def test_every_option_is_tried() -> None:
    every: dict[str, set[str]] = {name: set() for name in COMMANDS}
    for name, option in declared():
        if not option.hidden:
            every[name].add(option.opts[-1])
    for name, options in every.items():
        assert name in TRIED, f"`{name}` has no row in TRIED"
        untried = sorted(options ^ TRIED[name].options.keys())
        assert not untried, f"`{name}` has {untried}, or its row in TRIED has, and not both"
    assert TRIED.keys() == every.keys(), "a row in TRIED is of no command"


class Outcome(NamedTuple):
    """What a run leaves behind."""

    code: int
    stdout: str
    stderr: str
    files: Mapping[str, bytes]

    @property
    def refused(self) -> bool:
        """Whether the use was wrong, with a reason."""
        return self.code == 2 and "\nError: " in self.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every option has something to do."""
    root = tmp_path_factory.mktemp("options")
    texts = {
        "net.yaml": NET,
        "two.yaml": "input: 8x8x3\nparameters: {width: 8, kernel: 1}\nlayers: [conv: {filters: "
        "width, kernel: kernel}, flatten]\n",
        "strided.yaml": "input: 8x8x3\nparameters: {stride: 1}\nlayers: [maxpool: {kernel: 2, "
        "stride: stride}]\n",
        "attending.yaml": ATTENDING,
        "swept.yaml": SWEPT,
        "drawn.yaml": DRAWN,
        "wider.yaml": WIDER,
        "known/biased.yaml": BIASED,
        "known/other.yaml": BIASED,
        "known/third.yaml": BIASED,
        "known/words.yaml": "input: 8x8x3\nlayers:\n  - conv: {out_channels: 8, kernel: 3}\n",
        "excluded.yaml": BIASED,
        "foreign/foreign.yaml": "services: [\n",
        "foreign/convcalc.toml": 'ignore = ["CC4"]\n',
        "blocks.yaml": "input: 8x8x3\nblocks: {b: {layers: [relu, relu6]}}\nlayers: [b]\n",
        "convcalc.toml": 'exclude = ["excluded.yaml"]\n',
        "other.toml": 'ignore = ["CC511"]\nexclude = ["excluded.yaml", "words.yaml"]\n',
        "all.json": '{"schema": 1, "files": {"net.yaml": {"CC408": 1}, '
        '"known/other.yaml": {"CC408": 1, "CC422": 1}}}\n',
        "old.onnx": "",
        "old.svg": "",
        "old.json": "",
        "old.yaml": "",
        "message.txt": "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB",
        "called/convcalc.toml": 'ignore = ["CC408"]\n',
        "known/convcalc.toml": 'baseline = "known.json"\n[[overrides]]\nfiles = ["third.yaml"]\n'
        'ignore = ["CC408"]\n',
        "known/known.json": '{"schema": 1, "files": {"biased.yaml": {"CC408": 1}}}\n',
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    for text, file, renamed, mapped in (
        (NET, "weights.npz", "renamed.npz", "map.yaml"),
        (ATTENDING, "attending.npz", "renamed-attending.npz", "attending-map.yaml"),
        (DRAWN, "drawn.npz", "renamed-drawn.npz", "drawn-map.yaml"),
    ):
        weights = random_weights(loads(text), 7)
        np.savez(root / file, **weights)
        np.savez(root / renamed, **{name.upper(): each for name, each in weights.items()})
        (root / mapped).write_text("".join(f"{name}: {name.upper()}\n" for name in weights))
    (root / "open.onnx").write_bytes(OPEN)
    (root / "classes.txt").write_text("".join(f"class {number}\n" for number in range(10)))
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    np.save(root / "image.npy", pixels)
    return root


OPEN = (
    b"\x08\x08:\xd6\x01"
    + b"".join(
        b'\n\x0c\n\x01%c\x12\x01%c"\x04%s' % (97 + at, 98 + at, (b"Relu", b"Tanh")[at % 2])
        for at in range(12)
    )
    + b"\x12\x01gZ\x1e\n\x01a\x12\x19\n\x17\x08\x01\x12\x13\n\x03\x12\x01N\n\x02\x08\x03\n\x03\x12"
    b"\x01h\n\x03\x12\x01wb\t\n\x01m\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\x11"
)
"""An ONNX file: Relu and Tanh in turns, of an input of 3 channels, whose extents `h` and `w` it
leaves open."""
UNTOUCHED = 0
"""When files that no run has written to are said to be from."""


class Trial:
    """Runs a command in a folder as it was, each combination once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for name in self.before:
            os.utime(folder / name, ns=(UNTOUCHED, UNTOUCHED))
        self.known: dict[tuple[str, ...], Outcome] = {}
        self.checked: dict[object, Checked] = {}
        self.marked: dict[object, Checked] = {}
        self.networks: dict[object, Network] = {}

    def check(self, opened: Opened, task: Task) -> Checked:
        """What is found in one spec, once for all runs that ask for it in the same words."""
        return self._once(self.checked, check_opened, opened, task)

    def mark(self, opened: Opened, task: Task) -> Checked:
        """The same with what fixes would mend marked."""
        return self._once(self.marked, marked, opened, task)

    def read(self, opened: Opened, **given: Any) -> Network:
        """The network of a spec, read once for all runs that give it the same."""
        parameters = tuple((given["parameters"] or {}).items())
        asked = (*opened[:1], *opened[2:], opened.text.content, given["input"], parameters)
        if asked not in self.networks:
            self.networks[asked] = read_opened(opened, **given)
        return self.networks[asked]

    def _once(
        self,
        known: dict[object, Checked],
        answer: Callable[[Opened, Task], Checked],
        opened: Opened,
        task: Task,
    ) -> Checked:
        path = opened.text.path
        settings = task.of(path)  # of which this is all that decides what is found in one spec
        budget = tuple((limit, settings.holds(limit, path)) for limit in settings.budget_for(path))
        given = (settings.selection_for(path), budget, task.shape, tuple(task.parameters.items()))
        asked = (*opened[:1], *opened[2:], path, opened.text.content, *given)
        if asked not in known:
            known[asked] = answer(opened, task)
        return known[asked]

    def __call__(self, *arguments: str) -> Outcome:
        if arguments not in self.known:
            result = CliRunner().invoke(convcalc, arguments, input=BIASED, color=True)
            files = self._files()
            for name in files.keys() - self.before.keys():
                (self.folder / name).unlink()
            for name, data in self.before.items():
                if files.get(name) is not data:
                    (self.folder / name).write_bytes(data)
                    os.utime(self.folder / name, ns=(UNTOUCHED, UNTOUCHED))
            self.known[arguments] = Outcome(result.exit_code, result.stdout, result.stderr, files)
        return self.known[arguments]

    def _files(self) -> dict[str, bytes]:
        """Every file with what it holds; those that a run has written to are read."""
        files = {}
        for root, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(root, name)  # noqa: PTH118 (of thousands, a Path is slow)
                key = path[len(str(self.folder)) + 1 :]
                untouched = os.stat(path).st_mtime_ns == UNTOUCHED  # noqa: PTH116
                files[key] = self.before[key] if untouched else Path(path).read_bytes()
        return files


@pytest.fixture(scope="module")
def tried_out(folder: Path) -> Trial:
    return Trial(folder)


@pytest.fixture
def trial(tried_out: Trial, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.chdir(folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def watch(look: Callable[[], tuple[list[str], Callable[[], int]]]) -> NoReturn:
        code = look()[1]()
        click.echo("watching", err=True)
        sys.exit(code)

    monkeypatch.setattr("convcalc.cli.check.watch_files", watch)
    monkeypatch.setattr("convcalc.cli.report.show", lambda file: click.echo(f"shows {file}"))
    for module in ("run", "fixes"):
        monkeypatch.setattr(f"convcalc.checks.{module}.check_opened", tried_out.check)
    monkeypatch.setattr("convcalc.checks.fixes.marked", tried_out.mark)
    monkeypatch.setattr("convcalc.graph.read_opened", tried_out.read)
    for module in ("values", "engine"):  # a profile is the same each time
        monkeypatch.setattr(f"convcalc.forward.{module}.perf_counter", count().__next__)
    return tried_out


def _split(arguments: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Options with their values, and other arguments, one by one."""
    at = 0
    while at < len(arguments):
        end = at + 1
        if arguments[at].startswith("--"):
            while end < len(arguments) and not arguments[end].startswith("-"):
                end += 1
        yield arguments[at], [*arguments[at:end]]
        at = end


def without_effect(
    trial: Trial, name: str, options: Sequence[str], values: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Those of some options, given together, that change nothing, unless they are refused."""
    if name == "export":
        pytest.importorskip("onnx", reason="which writes the file")
    tried = TRIED[name]
    if name == "import":
        pytest.importorskip("onnx", reason="it parses the files")
    needed: list[str] = [name, *tried.arguments]
    said = {values[option][0] for option in options}
    for option in options:
        for word, more in _split(tried.needs.get(option, ())):
            if word not in said:
                needed += more
                said.add(word)
    flat = [word for option in options for word in values[option]]
    whole = trial(*needed, *flat)
    if whole.refused:
        return []
    silent = []
    for option in options:
        rest = [word for other in options if other != option for word in values[other]]
        if option not in tried.quiet and trial(*needed, *rest) == whole:
            silent.append(option)
    return silent


SINGLES = [(name, option) for name, tried in TRIED.items() for option in tried.options]


@pytest.mark.parametrize(("name", "option"), SINGLES)
def test_an_option_changes_something_or_is_refused(trial: Trial, name: str, option: str) -> None:
    assert without_effect(trial, name, [option], TRIED[name].options) == []


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "option"), SINGLES)
def test_two_options_change_something_each_or_are_refused(
    trial: Trial, name: str, option: str
) -> None:
    if option == "--input" and "--image" in TRIED[name].options:
        pytest.importorskip("PIL", reason="an image of another size than the input is resized")
    tried = TRIED[name]
    others = [*tried.options]
    for other in others[others.index(option) + 1 :]:
        if (option, other) not in tried.heeded:
            silent = without_effect(trial, name, [option, other], tried.options)
            assert silent == [], f"{option} with {other}"


THREE = [
    # Either of the last two alone leaves something that the seed decides.
    ("verify", ("--seed", "--weights", "--image")),
    ("explain", ("--seed", "--weights", "--image")),
]


@pytest.mark.parametrize(("name", "options"), THREE)
def test_three_options_change_something_each_or_are_refused(
    trial: Trial, name: str, options: Sequence[str]
) -> None:
    assert without_effect(trial, name, options, TRIED[name].options) == []


REPEATED = [(name, option.opts[-1]) for name, option in declared() if option.multiple]
SECOND = {
    "--input": "24x24x3",
    "--columns": "output",
    "--limit": "1GB",
    "--board": "max78000",
    "--bank": "sram=1KiB",
    "--checkpoint": "every=3",
    "--fail-on-increase": "parameters=2%",
    "--image": "other.npy",
    "--output": "json:out.json",
    "--select": "CC422",
    "--extend-select": "CC408",  # which a configuration ignores of one
    "--ignore": "CC422",
    "--exclude": "biased.yaml",
    "--expand": "other",
    "--collapse": "other",
    "--width": "0.75",
    "--prune": "second=3",
    "--conv-to-linear": "conv1",
    "--freeze": "linear1",
    "--written": "linear=function",
    "--vary": "input=8,16",
}
"""Option that may be repeated → another value than that of `TRIED`."""


@pytest.mark.parametrize(("name", "option"), REPEATED)
def test_of_two_values_each_counts_or_they_are_refused(
    trial: Trial, name: str, option: str
) -> None:
    tried = TRIED[name]
    first = tried.options[option]
    of_parameter = f"{first[1].partition('=')[0]}=7"
    second = (option, of_parameter if option == "--set" else SECOND[option])
    needed = (name, *tried.arguments, *tried.needs.get(option, ()))
    both = trial(*needed, *first, *second)
    if both.refused:
        assert "is given twice" in both.stderr or f"{first[1]}, {second[1]}" in both.stderr
    else:
        assert both != trial(*needed, *first)
        assert both != trial(*needed, *second)


def test_an_option_says_that_it_may_be_repeated() -> None:
    for name, option in declared():
        if option.multiple:
            assert "repeatable" in (option.help or ""), f"{name} {option.opts[-1]}"


FORMATS = [
    (name, choice)
    for name, option in declared()
    if name in TRIED and "--format" in option.opts and isinstance(option.type, click.Choice)
    for choice in option.type.choices
]
OF_THE_SCREEN = ("--statistics", "--color", "--strict", "--output", "--fail-on")
HEEDED = {("json", name) for name in ("--statistics", "--all", "--layers", "--timeline")}
"""What a format does unasked."""


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "choice"), FORMATS)
def test_an_option_changes_something_in_every_format(trial: Trial, name: str, choice: str) -> None:
    tried = TRIED[name]
    others = OF_THE_SCREEN if name == "check" else [*tried.options]
    for other in others:
        if other == "--format" or (choice, other) in HEEDED:
            continue
        values = {**tried.options, "--format": ("--format", choice)}
        silent = {*without_effect(trial, name, [other, "--format"], values)} - {"--format"}
        assert not silent, f"{other} with --format {choice}"
