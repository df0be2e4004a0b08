"""Tables by kind cover the catalogue: a kind has a row in each, or a reason why it has none."""

from collections.abc import Mapping

import pytest
from test_recording import cases

from convcalc.forward import weights
from convcalc.forward.engine import fusion, kernels
from convcalc.forward.engine.kernels import activations
from convcalc.layers import CATALOGUE, kinds, layer_class
from convcalc.layers.base import Pointwise

CONSUMERS: dict[str, tuple[Mapping[str, object], Mapping[str, str], frozenset[str]]] = {
    "what fuses": (fusion.PARTS, fusion.APART, kinds()),
    "kernels": (kernels.KERNELS, kernels.DEFINED, kinds()),
    "activations": (activations.CALLS, activations.DEFINED, kinds("activation")),
    "initial weights": (weights.INITIAL, weights.UNWEIGHTED, kinds()),
}
"""Rows, reasons for what has none, and the kinds that both are about."""


@pytest.mark.parametrize(("rows", "reasons", "about"), CONSUMERS.values(), ids=CONSUMERS)
def test_every_kind_has_a_row_or_a_reason(
    rows: Mapping[str, object], reasons: Mapping[str, str], about: frozenset[str]
) -> None:
    assert not about - rows.keys() - reasons.keys(), "neither"
    assert not rows.keys() & reasons.keys(), "both"
    assert rows.keys() | reasons.keys() == about
    assert all(len(reason.split()) >= 3 for reason in reasons.values())


def test_kinds_without_initial_weights_have_none() -> None:
    for kind in CATALOGUE:
        named = {
            weight.name for layer, shapes in cases(kind) for weight in layer.plan(shapes).weights
        }
        assert bool(named) == (kind in weights.INITIAL), kind
        assert not named or "weight" in named, kind


def test_what_may_end_a_pass_knows_only_the_value_in_its_place() -> None:
    for kind, part in fusion.PARTS.items():
        if fusion.Part.ENDING in part:
            layer = layer_class(kind)
            assert issubclass(layer, Pointwise), kind
            assert layer.storage == "in_place", kind
            assert all(not made.plan(shapes).weights for made, shapes in cases(kind)), kind


def test_what_takes_factors_has_a_kernel_that_says_what_it_makes_of_its_weights() -> None:
    for kind, part in fusion.PARTS.items():
        if fusion.Part.FOLDS in part:
            assert kernels.KERNELS[kind].prepared is not None, kind
        if part & (fusion.Part.FOLDS | fusion.Part.AFFINE | fusion.Part.ENDS):
            assert kind in kernels.KERNELS, kind
