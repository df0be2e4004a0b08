"""`convcalc.gradients`: by hand, and whole networks beside PyTorch's autograd."""

from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from paths import ROOT

import convcalc
from convcalc import forward
from convcalc.checks.trained import TrainingRun
from convcalc.checks.training import verify_training
from convcalc.diagnostics import ArgumentError
from convcalc.graph.planned import planned
from convcalc.layers.linear import Linear

ARCHITECTURES = ROOT / "architectures"
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
"""How far a gradient may be from PyTorch's, as a part of the largest of its array."""

VIT = """
input: 16x16x3
blocks:
  encoder:
    layers:
      - add: [[], [layernorm, attention: 4]]
      - add: [[], [layernorm, linear: {features: 32, axis: channels}, gelu,
                   linear: {features: 16, axis: channels}]]
layers:
  - {learned: 1x16, name: token}
  - {learned: 17x16, name: positions}
  - {from: input, conv: {filters: 16, kernel: 4, stride: 4}}
  - flatten: {start: 2}
  - concat: {axis: length, branches: [[from: token], []]}
  - add: [[], [from: positions]]
  - {encoder: {}, repeat: 2}
  - layernorm
  - slice: {axis: length, stop: 1}
  - flatten
  - linear: 10
"""
SIAMESE = """
input: {left: 8x8x2, right: 8x8x2}
blocks: {tower: {layers: [conv: {filters: 4, kernel: 3}, batchnorm, relu, flatten, linear: 6]}}
layers:
  - {tower: {}, name: one}
  - {from: right, tower: {}, name: two, weights: one}
  - subtract: [[from: one], [from: two]]
  - {name: distance, layers: [abs, linear: 1, sigmoid]}
  - {from: one, name: side, linear: 2}
outputs: [distance, side]
"""


def bundled(name: str, size: str | None = None) -> convcalc.Network:
    """A bundled network in which nothing is random."""
    text = Path(ARCHITECTURES, f"{name}.yaml").read_text(encoding="utf-8")
    network = convcalc.loads(text, input=size)
    dropped = {node.layer for node in network.nodes if node.kind == "dropout"}
    for rate in {str(layer.rate) for layer in dropped}:  # type: ignore[union-attr]
        text = text.replace(f"dropout: {rate}", "dropout: 0")
    return convcalc.loads(text, input=size)


NETWORKS = {
    "lenet5": lambda: bundled("lenet5"),
    "siamese": lambda: convcalc.loads(SIAMESE),
    "vit": lambda: convcalc.loads(VIT),
    "resnet": lambda: bundled("resnet", "64x64x3"),
    "mobilenet_v2": lambda: bundled("mobilenet_v2", "64x64x3"),
    "unet": lambda: bundled("unet", "188x188x1"),
    "dcgan_generator": lambda: bundled("dcgan_generator"),
    "dcgan_discriminator": lambda: bundled("dcgan_discriminator"),
    "fpn": lambda: bundled("fpn", "64x64x3"),
}
LARGE = {"unet", "dcgan_generator", "dcgan_discriminator", "fpn", "resnet", "mobilenet_v2"}
"""What takes more than a moment."""


def drawn(network: convcalc.Network, dtype: str) -> tuple[Any, Any, Any]:
    """Inputs of two examples, classes for every output, and weights."""
    generator = np.random.default_rng(1)
    x = {
        name: generator.standard_normal((2, *planned(network).shape_of(index).axes))
        for name, index in network.named_inputs.items()
    }
    target = {}
    for name, index in network.named_outputs.items():
        shape = planned(network).shape_of(index)
        target[name] = generator.integers(0, shape.channels, (2, *shape.spatial))
    weights = forward.random_weights(network, 3)
    scaled = {name: each.astype(dtype) for name, each in weights.items()}
    return {name: each.astype(dtype) for name, each in x.items()}, target, scaled


def autograd(network: convcalc.Network, x: Any, target: Any, weights: Any) -> Any:
    """The loss and its gradients in PyTorch, by names of weights; statistics, and of inputs."""
    torch = pytest.importorskip("torch")
    from torch_memory import Flags, Peer

    class Valued(Peer):
        """One whose gradients have values."""

        def spread(self, index: int, value: Any, *, over_batch: bool = True) -> Any:
            if not self.learned(index):
                return value
            value = value.mT if value.ndim == len(("batch", "length", "channels")) else value
            return value.expand(len(self.xs[0]) if over_batch else 1, *value.shape[1:])

    peer = Valued(network, 2, "cpu")
    gradients: dict[str, Any] = {}
    statistics: dict[str, Any] = {}
    layers = zip(network.nodes, planned(network).plans, peer.weights, strict=True)
    for node, plan, own in layers:
        for name in [weight.name for weight in plan.weights if node.shared_with is None]:
            held = torch.from_numpy(np.array(weights[f"{node.name}.{name}"]))
            learned = own[name].requires_grad
            own[name] = torch.nn.Parameter(held) if learned else held
            (gradients if learned else statistics)[f"{node.name}.{name}"] = own[name]
    peer.xs = [torch.from_numpy(each.copy()).requires_grad_() for each in x.values()]
    peer.ys = [torch.from_numpy(each) for each in target.values()]
    outputs = peer.run(Flags(training=True), lambda _: False)
    loss = peer.added(outputs, torch.nn.functional.cross_entropy)
    loss.backward()
    return loss.item(), gradients, statistics, dict(zip(x, peer.xs, strict=True))


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *((name, dtype) for name in NETWORKS if name not in LARGE for dtype in TOLERANCE),
        # Of many layers float32 is too coarse: what rounding does before a norm, it makes larger.
        *(pytest.param(name, "float64", marks=pytest.mark.thorough) for name in sorted(LARGE)),
    ],
)
def test_whole_networks_have_the_gradients_of_autograd(name: str, dtype: str) -> None:
    network = NETWORKS[name]()
    x, target, weights = drawn(network, dtype)
    before = {key: each.copy() for key, each in weights.items()}
    loss, expected, statistics, inputs = autograd(network, x, target, weights)
    made = convcalc.gradients(network, x, target, weights=weights)
    assert made.loss == pytest.approx(loss, rel=TOLERANCE[dtype])
    assert made.weights.keys() == expected.keys()
    largest = max(float(each.grad.abs().max()) for each in expected.values())
    for ours, theirs in ((made.weights, expected), (made.inputs, inputs)):
        for key, tensor in theirs.items():
            wanted = tensor.grad.numpy()
            assert (ours[key].shape, ours[key].dtype) == (wanted.shape, dtype), key
            # What cancels out, as of a bias before a norm, is noise of what it is made of.
            scale = max(np.abs(wanted).max(), 1e-2 * largest)
            assert np.abs(ours[key] - wanted).max() <= TOLERANCE[dtype] * scale, key
    for key, tensor in statistics.items():
        assert np.allclose(made.statistics[key], tensor.numpy(), rtol=TOLERANCE[dtype]), key
    assert all(np.array_equal(each, before[key]) for key, each in weights.items())


def test_gradients_by_hand() -> None:
    # y = 2·3 − 1·1 + 1 = 6: of y² the gradient is 12, of the weights 12·x, of the input 12·w.
    weights = {"linear1.weight": np.array([[2.0, -1.0]]), "linear1.bias": np.array([1.0])}
    network = convcalc.loads("{input: 2, layers: [linear: 1]}")
    made = convcalc.gradients(network, [[3.0, 1.0]], weights=weights, loss="squares")
    assert made.loss == 36
    assert made.weights["linear1.weight"].tolist() == [[36, 12]]
    assert made.weights["linear1.bias"].tolist() == [12]
    assert made.inputs["input"].tolist() == [[24, -12]]
    assert made.outputs["linear1"].tolist() == [[6]]
    assert repr(made) == "<LossGradients: loss 36, 2 weights>"
    # Against 4 the difference is 2, and its square's gradient 4.
    made = convcalc.gradients(
        network, [[3.0, 1.0]], [[4.0]], weights=weights, loss="mean-squared-error"
    )
    assert (made.loss, made.weights["linear1.bias"].tolist()) == (4, [4])


def test_dropout_is_the_seeds_and_whole_numbers_have_no_gradient() -> None:
    text = "{input: 6x1, layers: [embedding: {entries: 9, features: 4}, dropout: 0.5, flatten]}"
    x = [[[8, 0, 3, 3, 1, 2]]]
    one, same, other = (
        convcalc.gradients(convcalc.loads(text), x, loss="squares", seed=seed) for seed in (1, 1, 2)
    )
    assert one.inputs == {}
    assert one.weights["embedding1.weight"].dtype == np.float32
    assert np.array_equal(one.outputs["flatten1"], same.outputs["flatten1"])
    assert not np.array_equal(one.outputs["flatten1"] == 0, other.outputs["flatten1"] == 0)


def test_a_batch_too_small_to_normalize_is_an_error_with_the_one_that_does() -> None:
    network = convcalc.loads("{input: 2x2x3, layers: [conv: {filters: 4, kernel: 2}, batchnorm]}")
    with pytest.raises(convcalc.SpecError, match="the smallest batch that works is 2"):
        convcalc.gradients(network, np.zeros((1, 3, 2, 2)), loss="squares")
    assert convcalc.gradients(network, np.ones((2, 3, 2, 2)), loss="squares").weights


def test_targets_that_do_not_fit_are_refused() -> None:
    network, x = convcalc.loads("{input: 2, layers: [linear: 3]}"), np.ones((2, 2))
    for target, message in (
        (None, "cross-entropy needs a target, and there is none"),
        ([0, 3], "target has whole numbers from 0 to 2, and one is 3"),
        ([0], "target is 1, and the output wants 2"),
        ({"linear2": [0, 1]}, "target has 'linear2': the outputs of <text> are linear1"),
    ):
        with pytest.raises(ArgumentError, match=message):
            convcalc.gradients(network, x, target)
    both = convcalc.loads(SIAMESE)
    pair = {"left": np.ones((2, 2, 8, 8)), "right": np.ones((2, 2, 8, 8))}
    with pytest.raises(TypeError, match="has 2 outputs, and target is one: write"):
        convcalc.gradients(both, pair, [0, 0])
    with pytest.raises(ArgumentError, match="target lacks side"):
        convcalc.gradients(both, pair, {"distance": [0, 0]})


def test_what_is_no_array_of_numbers_is_refused() -> None:
    network = convcalc.loads("{input: 2x2x1, layers: [flatten, linear: 2]}")
    x = np.ones((2, 1, 2, 2))
    with pytest.raises(TypeError, match="target is an array of numbers"):
        convcalc.gradients(network, x, [[1], [1, 2]])
    weights = {"linear1.weight": np.ones((2, 4)), "linear1.bias": np.ones(2) * 1j}
    with pytest.raises(ValueError, match="holds complex128, and weights are real numbers"):
        convcalc.gradients(network, x, [0, 1], weights=weights)


def test_too_little_memory_is_no_fault_of_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(Linear, "backward", full)
    network = convcalc.loads("{input: 2x2x1, layers: [flatten, linear: 2]}")
    with pytest.raises(MemoryError):
        convcalc.gradients(network, np.ones((2, 1, 2, 2)), [0, 1])
    with pytest.raises(MemoryError):
        verify_training(planned(network), TrainingRun(batch=2))
