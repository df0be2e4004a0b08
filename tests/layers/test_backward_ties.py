"""The gradient where a function bends or two values are alike: as PyTorch has it.

docs/definitions.md has these rules, under "Gradients at a tie"; no difference tells them.
"""

from collections.abc import Iterator, Mapping
from math import exp
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from tabled import tabled

from convcalc.forward.recording import record
from convcalc.layers import layer_class

NOTHING: Mapping[str, Any] = MappingProxyType({})
SELU = 1.0507009873554804934 * 1.6732632423543772848
"""Its slope just below 0."""


class Tie(NamedTuple):
    """A layer, arrays of one example each, and the gradients where the output's are 1, 2, 3, …."""

    kind: str
    fields: dict[str, Any]
    xs: tuple[Any, ...]
    gradients: tuple[Any, ...]
    weights: Mapping[str, Any] = NOTHING
    of_weights: Mapping[str, Any] = NOTHING


TIES = [
    Tie("relu", {}, ([-1, 0, 2],), ([0, 0, 3],)),
    Tie("relu6", {}, ([-1, 0, 2, 6, 7],), ([0, 0, 3, 0, 0],)),
    Tie("leaky_relu", {"slope": 0.5}, ([-1, 0, 2],), ([0.5, 1, 3],)),
    Tie("leaky_relu", {"slope": -0.5}, ([-1, 0, 2],), ([-0.5, -1, 3],)),
    # the slope's gradient is −1·1 below 0, and 0·2 at it
    Tie("prelu", {}, ([-1, 0, 2],), ([0.5, 1, 3],), {"weight": [0.5]}, {"weight": [-1]}),
    Tie("elu", {"alpha": 0.5}, ([0, 2],), ([0.5, 2],)),
    Tie("selu", {}, ([0],), ([SELU],)),
    Tie("abs", {}, ([-1, 0, 2],), ([-1, 0, 3],)),
    Tie("hardsigmoid", {}, ([-3, 0, 3, 4],), ([0, 2 / 6, 0, 0],)),
    Tie("hardswish", {}, ([-3, 0, 3, 4],), ([0, 1, 3, 4],)),
    Tie("softplus", {"threshold": 3.0}, ([3, 4],), ([1 / (1 + exp(-3)), 2],)),
    Tie("softplus", {"beta": 2.0, "threshold": 3.0}, ([1.5, 2],), ([1 / (1 + exp(-3)), 2],)),
    # the first of equal values: of a window, of a region, of the map, of the channels
    Tie("maxpool", {"kernel": 2}, ([[1, 1, 0, 0]],), ([[1, 0, 2, 0]],)),
    Tie("maxpool", {"kernel": 3, "stride": 1}, ([[1, 5, 5, 1]],), ([[0, 3, 0, 0]],)),
    Tie("maxpool", {"kernel": 2}, ([[[1, 5], [5, 5]]],), ([[[0, 1], [0, 0]]],)),
    Tie("maxpool", {"kernel": 2, "padding": 1, "stride": 2},
        ([[[0, 0], [0, 0]]],), ([[[1, 2], [3, 4]]],)),
    Tie("adaptive_maxpool", {"size": 2}, ([[1, 1, 1]],), ([[1, 2, 0]],)),
    Tie("global_maxpool", {}, ([[[1, 5], [5, 1]]],), ([[[0, 1], [0, 0]]],)),
    Tie("channel_maxpool", {}, ([[5, 1], [5, 2], [1, 2]],), ([[1, 0], [0, 2], [0, 0]],)),
    Tie("kmaxpool", {"k": 2}, ([[5, 1, 5, 5]],), ([[1, 0, 2, 0]],)),
    Tie("kmaxpool", {"k": 2}, ([[5, 1, 1, 1]],), ([[1, 2, 0, 0]],)),
    # a half to both, and of three that are alike halves of the halves
    Tie("maximum", {}, ([1, 3, 2], [1, 2, 3]), ([0.5, 2, 0], [0.5, 0, 3])),
    Tie("maximum", {}, ([8], [8], [8]), ([0.25], [0.25], [0.5])),
    Tie("maximum", {}, ([[4, 4]], [[4]]), ([[0.5, 1]], [[1.5]])),
    # a sum of 0 has none, though the slope of its root is infinite, and that of p = 1 is 1
    Tie("lppool", {"kernel": 2}, ([[0, 0, 3, 4]],), ([[0, 0, 2 * 3 / 5, 2 * 4 / 5]],)),
    Tie("lppool", {"kernel": 2, "norm": 1}, ([[1, -1, 3, 4]],), ([[0, 0, 2, 2]],)),
    # a length of eps is divided by as a length, and one of 0 by eps
    Tie("l2norm", {"eps": 5.0, "affine": False}, ([3, 4],),
        ([1 / 5 - 3 * (3 + 8) / 125, 2 / 5 - 4 * (3 + 8) / 125],)),
    Tie("l2norm", {"eps": 6.0, "affine": False}, ([3, 4],), ([1 / 6, 2 / 6],)),
    Tie("l2norm", {"eps": 0.5, "affine": False}, ([0, 0],), ([2, 4],)),
]  # fmt: skip


def batches(arrays: Any) -> list[Any]:
    """Arrays of one example as batches of it."""
    return [np.array([array], dtype=float) for array in arrays]


def counted(y: Any) -> Any:
    """1, 2, 3, … in the shape of an output: each of its gradients tells where it went."""
    return np.arange(1.0, y.size + 1).reshape(y.shape)


def gradients(kind: str) -> Iterator[tuple[Any, bool]]:
    """Each gradient at the ties of a kind, and whether it is the one expected."""
    for tie in TIES:
        if tie.kind == kind:
            layer = layer_class(tie.kind)(**tie.fields)
            weights = {name: np.array(each) for name, each in tie.weights.items()}
            made = record(np, layer, weights, batches(tie.xs))
            given = layer.backward(np, weights, made.kept, counted(made.output))
            wanted: list[tuple[Any, Any]] = [*enumerate(batches(tie.gradients))]
            wanted += tie.of_weights.items()
            for key, expected in wanted:
                yield (tie, given[key]), np.allclose(given[key], expected, 0, 1e-15)


@tabled("kind", sorted({tie.kind for tie in TIES}))
def test_the_gradient_at_a_tie(kind: str) -> None:
    for case, right in gradients(kind):
        assert right, case


def test_the_gradient_at_a_tie_is_pytorchs() -> None:
    """All but k-max pooling's: PyTorch's topk does not say which of equal values it takes."""
    torch = pytest.importorskip("torch")
    from test_backward_against_torch import TRAINED
    from test_forward_against_torch import PEERS

    for tie in TIES:
        if tie.kind == "kmaxpool":
            continue
        layer = layer_class(tie.kind)(**tie.fields)
        xs = [torch.from_numpy(x).requires_grad_() for x in batches(tie.xs)]
        weights = {
            name: torch.tensor(each, dtype=torch.float64, requires_grad=True)
            for name, each in tie.weights.items()
        }
        peer = TRAINED.get(tie.kind) or PEERS[tie.kind][2]
        y = peer(layer, weights, xs)
        y.backward(torch.from_numpy(counted(y.detach().numpy())))
        for x, expected in zip(xs, batches(tie.gradients), strict=True):
            assert np.allclose(x.grad.numpy(), expected, 0, 1e-7, equal_nan=True), (tie, x.grad)
        for name, each in tie.of_weights.items():
            assert weights[name].grad.tolist() == each, tie
