"""Losses and their gradients: by hand, by differences, and beside PyTorch."""

import math
from typing import Any

import numpy as np
import pytest
from tabled import tabled

from convcalc.forward.losses import (
    LOSSES,
    OF_SCORES,
    Loss,
    checked_target,
    drawn_target,
    loss_of,
)

ALL = {**LOSSES, "of scores": OF_SCORES}


def drawn(loss: Loss, *shape: int) -> tuple[Any, Any]:
    """An output, of shares where the loss is of some, and targets."""
    generator = np.random.default_rng(3)
    y = generator.uniform(0.05, 0.95, shape) if loss is ALL["binary-cross-entropy"] else None
    y = generator.standard_normal(shape) if y is None else y
    target = drawn_target(generator, loss, shape)
    return y, target if target is None or target.dtype.kind == "i" else target.astype(float)


def test_losses_by_hand() -> None:
    # Of scores 0, 0 and log 2 the softmax gives 1/4, 1/4 and 1/2.
    y = np.array([[0.0, 0.0, math.log(2)]])
    value, kept = LOSSES["cross-entropy"].value(np, y, np.array([2]))
    assert math.isclose(value, math.log(2))
    gradient = LOSSES["cross-entropy"].gradient(np, kept, np.array([2]))
    assert np.allclose(gradient, [[0.25, 0.25, -0.5]])
    # −log 0.8, and −log(1 − 0.25); their mean is that of two values.
    y, target = np.array([[0.8, 0.25]]), np.array([[1.0, 0.0]])
    shared, _ = LOSSES["binary-cross-entropy"].value(np, y, target)
    assert math.isclose(shared, (math.log(1 / 0.8) + math.log(1 / 0.75)) / 2)
    # A logarithm is −100 at least: −(−100) of one value.
    with np.errstate(divide="ignore"):
        value, _ = LOSSES["binary-cross-entropy"].value(np, np.zeros((1, 1)), np.ones((1, 1)))
    assert value == 100
    # Scores whose sigmoid is that: log(0.8/0.2) and log(0.25/0.75).
    of_scores, _ = OF_SCORES.value(np, np.log(y / (1 - y)), target)
    assert math.isclose(of_scores, shared)
    assert LOSSES["squares"].value(np, np.array([[3.0, 1.0]]), None)[0] == 5
    apart = LOSSES["mean-squared-error"].value(np, np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
    assert apart[0] == 2


def test_large_scores_are_finite() -> None:
    y = np.array([[1e4, -1e4]], np.float32)
    for loss, target in ((LOSSES["cross-entropy"], np.array([1])), (OF_SCORES, np.ones((1, 2)))):
        value, kept = loss.value(np, y, target)
        assert np.isfinite(value)
        assert np.isfinite(loss.gradient(np, kept, target)).all()


@tabled("name", ALL)
@tabled("shape", [(3, 4), (2, 3, 5), (2, 3, 4, 5)])
def test_gradients_are_those_of_differences(name: str, shape: tuple[int, ...]) -> None:
    loss = ALL[name]
    y, target = drawn(loss, *shape)
    gradient = loss.gradient(np, loss.value(np, y, target)[1], target)
    assert gradient.shape == y.shape
    way = np.random.default_rng(4).standard_normal(shape)
    there, back = (loss.value(np, y + sign * 1e-6 * way, target)[0] for sign in (1, -1))
    assert math.isclose((gradient * way).sum(), (there - back) / 2e-6, rel_tol=1e-6)


@tabled("name", ALL)
@tabled("shape", [(3, 4), (2, 3, 4, 5)])
def test_values_and_gradients_are_pytorchs(name: str, shape: tuple[int, ...], torch: Any) -> None:
    functions = torch.nn.functional
    theirs = {
        "cross-entropy": functions.cross_entropy,
        "binary-cross-entropy": functions.binary_cross_entropy,
        "of scores": functions.binary_cross_entropy_with_logits,
        "mean-squared-error": functions.mse_loss,
        "squares": lambda y, _: y.square().mean(),
    }
    loss = ALL[name]
    y, target = drawn(loss, *shape)
    tensor = torch.tensor(y, requires_grad=True)
    expected = theirs[name](tensor, None if target is None else torch.tensor(target))
    expected.backward()
    value, kept = loss.value(np, y, target)
    assert math.isclose(value, expected.item(), rel_tol=1e-12)
    assert np.allclose(loss.gradient(np, kept, target), tensor.grad.numpy(), rtol=1e-11, atol=1e-15)


@tabled("dtype", ["float16", "float32", "float64"])
def test_gradients_have_the_type_of_the_output(dtype: str) -> None:
    for name, loss in ALL.items():
        y, target = drawn(loss, 1, 2, 257, 256)  # more positions than float16 has numbers
        if target is not None and target.dtype.kind == "f":
            target = target.astype(dtype)
        gradient = loss.gradient(np, loss.value(np, y.astype(dtype), target)[1], target)
        assert gradient.dtype == dtype, name
        assert np.isfinite(gradient).all(), name
        assert gradient.any(), name


def test_binary_cross_entropy_is_of_shares_where_a_sigmoid_made_them() -> None:
    assert loss_of("binary-cross-entropy", "sigmoid") is LOSSES["binary-cross-entropy"]
    assert loss_of("binary-cross-entropy", "linear") is OF_SCORES
    assert loss_of("cross-entropy", "softmax") is LOSSES["cross-entropy"]


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("cross-entropy", [[0, 1]], "the target is 1×2, and the output wants 2: the number of a"),
        ("cross-entropy", [0, 3], "whole numbers from 0 to 2, and one is 3"),
        ("cross-entropy", [0, 0.5], "whole numbers from 0 to 2, and one is 0.5"),
        ("cross-entropy", [0, math.nan], "whole numbers from 0 to 2, and one is nan"),
        ("binary-cross-entropy", [[0, 1, 2]] * 2, "shares from 0 to 1, and one is 2"),
        ("mean-squared-error", [0, 1], "the target is 2, and the output wants 2×3: one for each"),
        ("squares", [0, 1], "would have no effect"),
    ],
)
def test_targets_that_do_not_fit_are_refused(name: str, target: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_target(np, LOSSES[name], "the target", target, (2, 3))
    with pytest.raises(TypeError, match="is an array of numbers"):
        checked_target(np, LOSSES["cross-entropy"], "the target", ["cat", "dog"], (2, 3))
