"""Every layer's backward pass, held against its own forward pass.

Where a layer is linear in what it reads, ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩, equal and not close: `adjoints.py`
draws those. The others are held against differences, in `test_backward_differences.py`.
"""

from collections.abc import Iterator, Sequence
from random import Random

import adjoints
from tabled import tabled
from test_backward_differences import KINDS
from test_recording import cases

from convcalc.layers import CATALOGUE, Layer
from convcalc.shape import Shape

SMALL = 4_000
"""Most values of what goes in, and comes out, of a layer that is run."""


def small(kind: str) -> Iterator[tuple[Layer, Sequence[Shape]]]:
    """The layers of a kind in the tables that are small enough."""
    for layer, shapes in cases(kind):
        if max(*(x.size for x in shapes), layer.plan(shapes).output.size) <= SMALL:
            yield layer, shapes


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


def test_attention_is_the_adjoint_of_what_it_makes_of_values() -> None:
    """Of its products the one of shares and values, and all projections but that of keys."""
    for case, identity in adjoints.drawn_identities("attention", 1, 64):
        assert identity.holds, (case, identity)


@tabled("kind", adjoints.OVERLAPPING)
def test_windows_that_overlap_are_among_those_drawn(kind: str) -> None:
    """An assignment that should add up is right where no value is read twice."""
    random = Random(kind)  # noqa: S311 (tests repeat)
    cases = [adjoints.drawn(kind, random) for _ in range(64)]
    assert sum(map(adjoints.overlaps, cases)) > len(cases) / 4


def test_every_backward_pass_is_an_adjoint_or_held_against_differences() -> None:
    assert adjoints.DRAWS.keys() | {*KINDS} == CATALOGUE.keys()
