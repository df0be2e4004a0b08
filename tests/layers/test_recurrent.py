"""LSTM and GRU: values by hand, multiplications by PyTorch's counter, memory refused."""

from math import exp, tanh
from typing import Any

import numpy as np
import pytest

from convcalc import SpecError, largest_batch, load, loads, memory
from convcalc.analysis.memory import Questions, RunTerms, answer, read_limit
from convcalc.forward.observe import observe
from convcalc.forward.weights import drawn_weights
from convcalc.graph.planned import planned
from convcalc.layers import layer_class
from convcalc.shape import Shape


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


ONES = {"weight_ih_l0": np.ones((4, 1)), "weight_hh_l0": np.zeros((4, 1))}


def run(kind: str, x: list[float], weights: dict[str, Any], **fields: Any) -> list[list[float]]:
    layer = layer_class(kind)(features=1, bias=False, **fields)
    y: Any = layer.forward(np, weights, [np.array([[x]])])
    return [[float(value) for value in row] for row in y[0]]


def test_two_steps_of_an_lstm() -> None:
    """All gates see x alone: 1, and then 0."""
    cell = sigmoid(1) * tanh(1)
    wanted = [sigmoid(1) * tanh(cell), 0.5 * tanh(0.5 * cell)]
    assert run("lstm", [1, 0], ONES) == [pytest.approx(wanted)]
    both = ONES | {f"{name}_reverse": weight for name, weight in ONES.items()}
    first = sigmoid(1) * tanh(
        sigmoid(1) * tanh(1)
    )  # from behind, 0 comes first and changes nothing
    assert run("lstm", [1, 0], both, bidirectional=True) == [
        pytest.approx(wanted),
        pytest.approx([first, 0]),
    ]


def test_two_steps_of_a_gru() -> None:
    """The new state sees the old one times the reset gate: x is 1, and then 0."""
    weights = {"weight_ih_l0": np.ones((3, 1)), "weight_hh_l0": np.array([[0.0], [0.0], [1.0]])}
    first = (1 - sigmoid(1)) * tanh(1)
    second = 0.5 * tanh(0.5 * first) + 0.5 * first
    assert run("gru", [1, 0], weights) == [pytest.approx([first, second])]


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_multiplications_are_those_that_pytorch_counts(kind: str) -> None:
    """On the meta device: on the CPU its counter says 0 of an LSTM."""
    torch = pytest.importorskip("torch")
    counter = pytest.importorskip("torch.utils.flop_counter").FlopCounterMode
    module = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](3, 4, 2, bidirectional=True)
    with counter(display=False) as counted:
        module.to("meta")(torch.zeros(5, 1, 3, device="meta"))
    layer = layer_class(kind)(features=4, layers=2, bidirectional=True)
    assert 2 * layer.plan([Shape(3, (5,))]).macs == counted.get_total_flops()


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_what_is_seen_multiplying_is_what_is_planned(kind: str) -> None:
    """`verify` counts the products of matrices, and not those of gates."""
    item = f"{kind}: {{features: 4, layers: 2, bidirectional: true}}"
    network = planned(loads(f"{{input: 5x3, layers: [{item}]}}"))
    seen = observe(network, 1, drawn_weights(network))[1]
    assert seen.multiplications(network.plans[1]) == network.plans[1].macs > 0


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_memory_of_a_training_step_is_refused(kind: str) -> None:
    network = loads(f"{{input: 26x8, layers: [relu, {kind}: 4]}}")
    for batch in (1, 8):
        with pytest.raises(SpecError, match=rf"CC514 .*training step is not known.* {kind}\b"):
            memory(network, batch=batch, training=True)
    with pytest.raises(SpecError, match="CC514"):
        largest_batch(network, "1GiB", training=True)
    (fit,) = answer(network, RunTerms(), 1, Questions((read_limit("1MiB"),))).fits
    assert fit.training is None
    assert fit.inference == largest_batch(network, "1MiB") > 0
    assert memory(load("lenet5"), training=True).training


def test_where_inference_is_not_to_the_byte_is_said() -> None:
    network = loads("{input: 6x4, layers: [lstm: 4, gru: 4]}")
    asked: dict[str, dict[str, Any]] = {
        "float32": {},
        "float64": {"dtype": "float64"},
        "cuda": {"device": "cuda"},
        "mixed": {"mixed_precision": True},
    }
    said = {
        name: [each.layer for each in memory(network, batch=2, **terms).inexact]
        for name, terms in asked.items()
    }
    both = ["lstm1", "gru1"]
    assert said == {"float32": [], "float64": ["lstm1"], "cuda": both, "mixed": both}
