"""Running networks with several inputs and outputs: values by name, by both tiers and PyTorch."""

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from tabled import tabled

import convcalc
from convcalc import forward
from convcalc.cli import convcalc as program
from convcalc.forward.given import checked_inputs
from convcalc.graph import loads
from convcalc.graph.planned import planned

CLOSE = 1e-4
PAIR = """
input: {left: 4x4x2, right: 4x4x2}
layers:
  - {conv: {filters: 3, kernel: 3, padding: 1}, name: one}
  - {from: right, conv: {filters: 3, kernel: 3, padding: 1}, name: two}
  - {subtract: [[from: one], [from: two]], name: difference}
  - {name: head, layers: [abs, flatten, linear: 2]}
outputs: [head, one, right]
"""
KINDS = ("conv", "relu", "batchnorm", "sigmoid", "scale", "add", "subtract", "maximum", "concat")


def drawn(random: Random) -> str:
    """A network with two inputs, one to three outputs, and nothing that reaches none of them."""
    size, channels = random.choice(["6", "5x4"]), random.randint(1, 3)
    counts = {"left": channels, "right": channels}
    layers: list[dict[str, Any]] = []
    unread = {"left", "right"}
    for number in range(random.randint(4, 9)):
        name, kind = f"t{number}", random.choice(KINDS)
        read = random.choice([*counts][-4:])
        others = [other for other, count in counts.items() if count == counts[read]]
        counts[name] = counts[read]
        if kind in ("add", "subtract", "maximum", "concat"):
            other = random.choice(others)
            layers.append({"name": name, kind: [[{"from": read}], [{"from": other}]]})
            unread.discard(other)
            counts[name] *= 2 if kind == "concat" else 1
        elif kind == "conv":
            counts[name] = random.randint(1, 4)
            fields = {"filters": counts[name], "kernel": 3, "padding": 1}
            layers.append({"name": name, "from": read, kind: fields})
        else:
            layers.append({"name": name, "from": read, kind: {}})
        unread.discard(read)
        unread.add(name)
    outputs = random.sample(sorted(unread), len(unread))
    items = "".join(f"  - {json.dumps(layer)}\n" for layer in layers)
    shape = f"{size}x{channels}"
    return (
        f"input: {{left: {shape}, right: {shape}}}\nlayers:\n{items}outputs: [{', '.join(outputs)}]"
    )


DRAWN = [drawn(Random(seed)) for seed in range(24)]  # noqa: S311 (tests repeat)


def given(network: convcalc.Network, seed: int = 0, batch: int = 2) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        name: generator.normal(size=(batch, *planned(network).shape_of(index).axes)).astype("f4")
        for name, index in network.named_inputs.items()
    }


def test_outputs_come_by_the_names_that_the_spec_gives_them() -> None:
    network = loads(PAIR)
    xs = given(network)
    weights = forward.random_weights(network, 3)
    for reference in (True, False):
        outputs = convcalc.run(network, xs, weights, reference=reference)
        assert list(outputs) == ["head", "one", "right"]
        assert np.array_equal(outputs["right"], xs["right"])
        alone = convcalc.run(network, xs, weights, reference=reference, keep=["one", "left"])
        assert np.allclose(alone["one"], outputs["one"], atol=1e-6)
        assert np.array_equal(alone["left"], xs["left"])
        every = convcalc.run(network, xs, weights, reference=reference, keep="all")
        assert {*every} == {*(node.name for node in network.layers), "head", "right"}
        assert np.array_equal(every["head"], every["head.linear1"])
    executable = forward.compile(network, 2, weights=weights)
    assert list(executable.run(xs)) == ["head", "one", "right"]


def test_one_input_may_be_named_and_one_output_comes_by_its_layer() -> None:
    network = loads("{input: 4x4x1, layers: [relu]}")
    x = np.arange(-8, 8, dtype="f4").reshape(1, 1, 4, 4)
    assert np.array_equal(convcalc.run(network, {"input": x})["relu1"], x.clip(0))
    assert np.array_equal(convcalc.run(network, x)["relu1"], x.clip(0))


@tabled("text", DRAWN, ids=lambda text: str(DRAWN.index(text)))
def test_the_engine_is_as_the_definitions_and_nan_reaches_what_depends_on_it(text: str) -> None:
    network = loads(text)
    xs, weights = given(network), forward.random_weights(network, 1)
    expected = convcalc.run(network, xs, weights, reference=True)
    assert list(expected) == list(network.named_outputs)
    found = convcalc.run(network, xs, weights)
    for name, y in expected.items():
        assert np.allclose(found[name], y, atol=CLOSE, rtol=CLOSE), name
    for name, index in network.named_inputs.items():
        dyed = {**xs, name: np.full_like(xs[name], np.nan)}
        seen = convcalc.run(network, dyed, weights, reference=True)
        reached = [*network.walk(lambda node, _, before: node.name == name or any(before))]  # noqa: B023
        assert reached[index]
        for end, at in network.named_outputs.items():
            assert bool(np.isnan(seen[end]).any()) == reached[at], (name, end)


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch")


@tabled("text", DRAWN, ids=lambda text: str(DRAWN.index(text)))
def test_values_are_pytorchs(text: str, torch: Any) -> None:
    import torch_memory  # needs torch

    network = loads(text)
    xs, weights = given(network), forward.random_weights(network, 1)
    peer = torch_memory.Peer(network, 2, "cpu")
    peer.xs = [torch.from_numpy(x) for x in xs.values()]
    for node, own in zip(network.nodes, peer.weights, strict=True):
        for name, tensor in own.items():
            tensor.data = torch.from_numpy(weights[f"{node.name}.{name}"])
    with torch.no_grad():
        outputs = peer.run(torch_memory.Flags(training=False), lambda _: False)
    found = convcalc.run(network, xs, weights)
    for (name, y), theirs in zip(found.items(), outputs, strict=True):
        assert np.allclose(y, theirs.numpy(), atol=CLOSE, rtol=CLOSE), name


@tabled("text", DRAWN, ids=lambda text: str(DRAWN.index(text)))
def test_verify_finds_everything_as_predicted(text: str) -> None:
    network = loads(text)
    verdict = convcalc.verify(network, engine=True)
    assert verdict.good, verdict.differences
    assert [end.name for end in verdict.outputs] == list(network.named_outputs)
    assert convcalc.verify(network, x=given(network)).good


X = np.zeros((2, 2, 4, 4), "f4")
WRONG: list[tuple[Any, type[Exception], str]] = [
    (X, TypeError, "has 2 inputs, and x is one array: write {'left': …, 'right': …}"),
    ({"left": X}, ValueError, "x lacks right: <text> takes left, right"),
    (
        {"left": X, "rihgt": X},
        ValueError,
        "x has 'rihgt', which is no input of <text>: it has left, right; did",
    ),
    ({"left": X, "right": X[:1]}, ValueError, "input 'right' has 1 example, and 'left' has 2"),
    ({"left": X, "right": X[:, :1]}, ValueError, "input 'right' is 2×1×4×4, and "),
    ({"left": X, "right": X[0]}, ValueError, "write it[None] for one example"),
    ({"left": X, "right": "x"}, TypeError, "input 'right' is an array of numbers"),
]


@tabled(("x", "error", "message"), WRONG, ids=lambda row: str(row)[:40])
def test_what_is_no_batch_of_each_input_is_refused(
    x: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        checked_inputs(planned(loads(PAIR)), x)
    assert message in str(raised.value)


def test_a_value_is_explained_of_given_inputs() -> None:
    network = loads(PAIR)
    xs = given(network, batch=1)
    value = convcalc.explain_value(network, "difference", (1, 2, 0), x=xs, seed=2)
    kept = convcalc.run(network, xs, seed=2, reference=True, keep=["difference"])
    assert value.forward == kept["difference"][0, 0, 1, 2]
    assert value.agrees


def test_images_are_given_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pair.yaml").write_text(PAIR, encoding="utf-8")
    Path("one.yaml").write_text("{input: 4x4x2, layers: [relu]}", encoding="utf-8")
    for name in ("a.npy", "input=b.npy", "b.npy"):
        np.save(name, X[0])

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(program, ["verify", *arguments])
        return result.exit_code, result.output

    assert run("pair.yaml", "--image", "left=a.npy", "--image", "right=b.npy")[0] == 0
    assert run("one.yaml", "--image", "a.npy")[0] == 0
    assert run("one.yaml", "--image", "input=b.npy")[0] == 0
    for images, told in (
        (["left=a.npy"], "there is none for right; write --image left=FILE --image right=FILE"),
        (["a.npy"], "'a.npy' names no input"),
        (["up=a.npy", "right=b.npy"], "there is no input 'up'"),
        (["left=a.npy", "left=a.npy"], "--image is given twice for left"),
    ):
        code, output = run("pair.yaml", *(f"--image={image}" for image in images))
        assert (code, told in " ".join(output.split())) == (2, True), output
    code, output = run("pair.yaml", "--top", "2")
    assert code == 2
    assert "--top is about one output, and there are head, one, right" in output
