"""Optimizers: by hand, and beside torch.optim parameter by parameter."""

from typing import Any

import numpy as np
import pytest
from tabled import tabled

from convcalc.analysis.memory.optimizer import RULES, STATES, state_bytes
from convcalc.forward.optimizers import OPTIMIZERS, first_state, step

PEERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}),
    "rmsprop": ("RMSprop", {}),
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {}),
}
"""By name, PyTorch's class, and what is not its default."""


def test_every_optimizer_of_the_memory_model_steps() -> None:
    assert [*OPTIMIZERS] == [*RULES] == [*PEERS]
    assert {name: rule.state for name, rule in OPTIMIZERS.items()} == STATES


def test_two_steps_by_hand() -> None:
    # At a learning rate of 1/2, a gradient of 2 and then of 1.
    def after(name: str) -> list[float]:
        x, places = np.array([4.0]), []
        state = first_state(np, name, x)
        for gradient in (2.0, 1.0):
            step(np, name, x, np.array([gradient]), state, 0.5)
            places.append(float(x[0]))
        return places

    assert after("sgd") == [3, 2.5]
    assert after("momentum") == pytest.approx([3, 3 - 0.5 * (0.9 * 2 + 1)])
    # v = 2, and 0.9·2 + 1 = 2.8; the steps are ½·(2 + 0.9·2) and ½·(1 + 0.9·2.8).
    assert after("nesterov") == pytest.approx([2.1, 2.1 - 0.5 * (1 + 0.9 * 2.8)])
    # 2/√4, and 1/√(4 + 1).
    assert after("adagrad") == pytest.approx([3.5, 3.5 - 0.5 / 5**0.5])
    # The first step of Adam is as long as the learning rate.
    assert after("adam")[0] == pytest.approx(3.5)
    assert after("adamw")[0] == pytest.approx(4 * (1 - 0.5 * 0.01) - 0.5)


@tabled("name", OPTIMIZERS)
def test_steps_are_pytorchs(name: str, torch: Any) -> None:
    peer, options = PEERS[name]
    generator = np.random.default_rng(0)
    xs = [generator.standard_normal(shape) for shape in ((5, 4), (3,))]
    theirs = [torch.tensor(x, requires_grad=True) for x in xs]
    optimizer = getattr(torch.optim, peer)(theirs, **options)
    assert optimizer.defaults["lr"] == OPTIMIZERS[name].learning_rate
    states = [first_state(np, name, x) for x in xs]
    for _ in range(5):
        for x, state, their in zip(xs, states, theirs, strict=True):
            gradient = generator.standard_normal(x.shape)
            their.grad = torch.tensor(gradient)
            step(np, name, x, gradient, state)
        optimizer.step()
        for x, their in zip(xs, theirs, strict=True):
            assert np.allclose(x, their.detach().numpy(), rtol=1e-12, atol=1e-14)


@tabled("name", OPTIMIZERS)
def test_what_is_remembered_is_what_the_memory_model_says(name: str) -> None:
    xs = [np.ones((5, 4), np.float32), np.ones(3, np.float32)]
    states = [first_state(np, name, x) for x in xs]
    remembered = sum(int(each.nbytes) for state in states for each in state.values())
    assert remembered == state_bytes(name, [x.nbytes for x in xs])
    for x, state in zip(xs, states, strict=True):
        step(np, name, x, np.ones_like(x), state)
        assert {each.dtype for each in [x, *state.values()]} == {np.dtype(np.float32)}
