"""Every layer's backward pass against PyTorch's autograd, with the same weights."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from test_forward_against_torch import (  # noqa: E402 (it needs torch)
    PEERS,
    TWINS,
    draws,
    folded,
    values,
)
from torch_memory import functional_call, twins  # noqa: E402

from convcalc.forward.recording import record  # noqa: E402
from convcalc.layers import Layer  # noqa: E402

functional = torch.nn.functional

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
"""Of the largest gradient of an array, or of the output, where those cancel out."""
ROUGH = {"hardsigmoid": ("float64", 1e-7)}
"""PyTorch multiplies doubles by a sixth that it has as a float32."""
SOME = 6
"""Random layers of each kind and rank."""
LEFT_OUT = {"dropout": "it draws numbers of its own, and its test is of its mask"}
"""Kinds that autograd cannot be put beside."""
WITHOUT = {"embedding": 0, "learned": 0, "maxunpool": 1}
"""Inputs that have no gradient: whole numbers, what nothing is read of, and where values stood."""


def in_training(of: Any) -> Any:
    """A norm by the statistics of what comes in, whatever it counts."""

    def answer(layer: Any, weights: Any, xs: list[Any]) -> Any:
        learned = (weights.get("weight"), weights.get("bias"))
        return of(xs[0], None, None, *learned, True, 0.0, layer.eps)

    return answer


TRAINED = {
    "batchnorm": in_training(functional.batch_norm),
    "instancenorm": in_training(functional.instance_norm),
    "channel_maxpool": lambda _, __, xs: xs[0].max(1, keepdim=True).values,
    "abs": lambda _, __, xs: xs[0].abs(),
    "maximum": folded(torch.maximum),
}
"""What PyTorch does in training where it is another thing than in inference, or has no row yet."""


def compare(kind: str, layer: Layer, weights: Any, xs: list[Any], theirs: Any) -> None:
    """All gradients of a layer against those of a function of weights and inputs."""
    keys = [number for number in range(len(xs)) if number != WITHOUT.get(kind)]
    for dtype, tolerance in {**TOLERANCE, **dict([ROUGH[kind]] if kind in ROUGH else [])}.items():
        own = {name: each.astype(dtype) for name, each in weights.items()}
        inputs = [each.astype(dtype) for each in xs]
        tensors = {name: torch.from_numpy(each.copy()) for name, each in own.items()}
        given = [torch.from_numpy(each.copy()) for each in inputs]
        for name, each in tensors.items():
            each.requires_grad_(not name.startswith("running_"))
        for key in keys:
            given[key].requires_grad_()
        expected = theirs(layer, tensors, given)
        dy = np.random.default_rng(9).normal(size=expected.shape).astype(dtype)
        expected.backward(torch.from_numpy(dy))

        asked = [*keys, *(name for name in own if not name.startswith("running_"))]
        made = record(np, layer, own, inputs, asked)
        gradients = layer.backward(np, own, made.kept, dy)
        for key in asked:
            wanted = (tensors[key] if isinstance(key, str) else given[key]).grad
            value = np.zeros_like(own[key] if isinstance(key, str) else inputs[key])
            value = value if wanted is None else wanted.numpy()
            ours = gradients[key]
            assert (ours.shape, ours.dtype) == (value.shape, dtype), (layer, key)
            assert np.array_equal(np.isnan(ours), np.isnan(value)), (layer, key, dtype)
            most = max(np.abs(np.nan_to_num(each)).max(initial=0) for each in (value, dy))
            apart = np.abs(np.nan_to_num(ours - value)).max(initial=0)
            assert apart <= tolerance * most, (layer, key, dtype)


@pytest.mark.parametrize(
    ("kind", "rank"),
    [(kind, rank) for kind, (ranks, *_) in PEERS.items() for rank in ranks if kind not in LEFT_OUT],
)
def test_gradients_are_autograds(kind: str, rank: int) -> None:
    peer = TRAINED.get(kind) or PEERS[kind][2]
    for layer, shapes, plan in draws(kind, rank)[:SOME]:
        weights, xs = values(layer, shapes, plan)
        if kind == "attention":  # as trained ones are: else one share is all
            weights = {name: each / each.shape[-1] ** 0.5 for name, each in weights.items()}
        compare(kind, layer, weights, xs, peer)


@pytest.mark.parametrize("case", [case for case in TWINS if case.kind not in LEFT_OUT])
def test_gradients_of_a_worked_layer_are_its_twins(case: Any) -> None:
    def twin(layer: Layer, weights: Any, xs: list[Any]) -> Any:
        return functional_call(twins(layer)[0].double().train(), weights, tuple(xs))

    layer = case.layer
    weights, xs = values(layer, case.shapes, layer.plan(case.shapes))
    compare(case.kind, layer, weights, xs, TRAINED.get(case.kind) or twin)
