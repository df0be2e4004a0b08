"""Every layer's backward pass, held against its own forward pass.

Where a layer is linear in what it reads, ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩, equal and not close: `adjoints.py`
draws those. The others are held against differences.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import adjoints
import numpy as np
import pytest
from tabled import tabled
from test_recording import cases

from convcalc.forward.recording import record
from convcalc.layers import CATALOGUE, Layer
from convcalc.shape import Shape

WAITING = (
    set(CATALOGUE)
    - adjoints.DRAWS.keys()
    - {
        "relu",
        "maxpool",
        "batchnorm",
    }
)
"""Kinds whose backward pass is yet to be written."""

SMALL = 4_000
"""Most values of what goes in, and comes out, of a layer that differences are taken of."""

STEP = 1e-5
"""How far a value is moved to either side."""


def drawn(layer: Layer, shapes: Sequence[Shape]) -> tuple[dict[str, Any], Any]:
    """Random weights and inputs of two examples: numbers with gaps between.

    They are multiples of 0.01 in random order, of which no two are equal and none is a kink's 0:
    no choice between two of them changes within a step.
    """
    generator = np.random.default_rng(1)

    def values(shape: Sequence[int]) -> Any:
        count = int(np.prod(shape))
        spread = generator.permutation(count) - count / 2 + 0.25
        return (spread * 0.01).reshape(tuple(shape))

    plan = layer.plan(shapes)
    weights = {weight.name: values(weight.shape) for weight in plan.weights}
    return weights, [values((2, *shape.axes)) for shape in shapes]


def small(kind: str) -> Iterator[tuple[Layer, Sequence[Shape]]]:
    """The layers of a kind in the tables that are small enough."""
    for layer, shapes in cases(kind):
        if max(*(x.size for x in shapes), layer.plan(shapes).output.size) <= SMALL:
            yield layer, shapes


def given_back(layer: Layer, weights: Any, xs: Any, dy: Any) -> Any:
    """The gradients of all that a layer reads, after its own forward pass."""
    return layer.backward(np, weights, record(np, layer, weights, xs).kept, dy)


@tabled("kind", adjoints.DRAWS)
def test_the_backward_pass_of_what_is_linear_is_its_adjoint(kind: str) -> None:
    """Of layers at random, some 2,000 identities in all, and of those in the tables."""
    for case, identity in adjoints.drawn_identities(kind, 1, 64):
        assert identity.holds, (case, identity)
    random = Random(kind)  # noqa: S311 (tests repeat)
    for layer, shapes in small(kind):
        if getattr(layer, "times", 1) == 0.1:  # no binary fraction
            continue
        case = adjoints.Drawn(layer, shapes, adjoints.unit(kind, layer, shapes))
        for identity in adjoints.identities(case, kind, random):
            assert identity.holds, (case, identity)


@tabled("kind", adjoints.OVERLAPPING)
def test_windows_that_overlap_are_among_those_drawn(kind: str) -> None:
    """An assignment that should add up is right where no value is read twice."""
    random = Random(kind)  # noqa: S311 (tests repeat)
    cases = [adjoints.drawn(kind, random) for _ in range(64)]
    assert sum(map(adjoints.overlaps, cases)) > len(cases) / 4


@tabled("kind", sorted(set(CATALOGUE) - WAITING - adjoints.DRAWS.keys()))
def test_the_backward_pass_is_that_of_differences(kind: str) -> None:
    for layer, shapes in small(kind):
        weights, xs = drawn(layer, shapes)
        y = record(np, layer, weights, xs).output
        generator = np.random.default_rng(3)
        dy = generator.standard_normal(y.shape)
        gradients = given_back(layer, weights, xs, dy)
        for key, gradient in gradients.items():
            value = weights[key] if isinstance(key, str) else xs[key]
            assert gradient.shape == value.shape, (layer, shapes, key)
            for _ in range(3):
                way = generator.integers(0, 2, value.shape) * 2.0 - 1
                moved = []
                for sign in (1, -1):
                    there = value + sign * STEP * way
                    w = {**weights, key: there} if isinstance(key, str) else weights
                    x = [there if at == key else each for at, each in enumerate(xs)]
                    moved.append((record(np, layer, w, x).output * dy).sum())
                expected = (moved[0] - moved[1]) / (2 * STEP)
                close = pytest.approx(expected, rel=1e-5, abs=1e-6 * np.abs(dy).sum())
                assert (gradient * way).sum() == close, (layer, shapes, key)


@tabled("kind", sorted(WAITING))
def test_kinds_that_wait_say_so(kind: str) -> None:
    layer, shapes = next(cases(kind))
    weights, xs = drawn(layer, shapes)
    with pytest.raises(NotImplementedError, match="has no backward pass"):
        layer.backward(np, weights, record(np, layer, weights, xs).kept, xs[0])
