"""Tables by kind cover the catalogue: a kind has a row in each, or a reason why it has none."""

import functools
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import recorded
from paths import ROOT
from tabled import tabled
from test_recording import cases

from convcalc.analysis.conventions import CONVENTIONS, tables
from convcalc.analysis.memory.runtimes import tflite_micro
from convcalc.explanation import matrices, value
from convcalc.explanation.messages import finder
from convcalc.forward import weights
from convcalc.forward.engine import fusion, kernels
from convcalc.forward.engine.kernels import activations
from convcalc.layers import CATALOGUE, SOURCES, Fact, Layer, kinds, layer_class, written
from convcalc.layers.base import Pointwise, declarations
from convcalc.rules import cc421_identity_layer
from convcalc.shape import Shape

CONSUMERS: dict[str, tuple[ModuleType, str, str, frozenset[str]]] = {
    "what fuses": (fusion, "PARTS", "APART", kinds()),
    "kernels": (kernels, "KERNELS", "DEFINED", kinds()),
    "activations": (activations, "CALLS", "DEFINED", kinds("activation")),
    "initial weights": (weights, "INITIAL", "UNWEIGHTED", kinds()),
    "explained values": (value, "EXPLAINERS", "UNEXPLAINED", kinds()),
    "products of matrices": (
        matrices,
        "PRODUCTS",
        "SEVERAL",
        kinds("dense", "recurrent") | {"matmul", "attention"},
    ),
    "operators of TensorFlow Lite Micro": (
        tflite_micro,
        "LOWERINGS",
        "REASONS",
        kinds() - SOURCES,
    ),
    "ways to be written": (written, "WAYS", "ONE_WAY", kinds()),
    "activations that TensorFlow Lite Micro fuses instead": (
        tflite_micro,
        "FUSED_INSTEAD",
        "NOT_INSTEAD",
        kinds("activation"),
    ),
    **{
        f"what {tool} counts": (tables(tool).module, "RULES", "REASONS", kinds() - SOURCES)
        for tool in CONVENTIONS
    },
    "identities": (cc421_identity_layer, "IDENTITIES", "NO_IDENTITIES", kinds() - SOURCES),
}
"""A module, its table with a row by kind, its table of reasons for those that have none there, and
the kinds that both are about."""


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_every_kind_has_a_row_or_a_reason(consumer: str) -> None:
    module, rows_name, reasons_name, about = CONSUMERS[consumer]
    rows, reasons = getattr(module, rows_name), getattr(module, reasons_name)
    path = Path(str(module.__file__)).relative_to(ROOT).as_posix()
    tables = f"{rows_name} or a reason to {reasons_name} in {path}"
    neither = ", ".join(sorted(about - rows.keys() - reasons.keys()))
    both = ", ".join(sorted(rows.keys() & reasons.keys()))
    unknown = ", ".join(sorted((rows.keys() | reasons.keys()) - about))
    if neither:
        pytest.fail(f"{neither}: add a row to {tables}", pytrace=False)
    if both:
        pytest.fail(f"{both}: has a row, and a reason why not: {tables}", pytrace=False)
    if unknown:
        pytest.fail(f"{unknown}: no kind that this is about: {tables}", pytrace=False)
    assert all(len(reason.split()) >= 3 for reason in reasons.values())


def test_messages_tell_what_a_kind_does_where_it_stops_or_there_is_a_reason() -> None:
    told = {
        kind
        for operation, those in finder.OF_KIND.items()
        if operation not in finder.OF_ANY
        for kind in those
    }
    where = "OF_KIND or a reason to UNTOLD in convcalc/explanation/messages/finder.py"
    neither = sorted(CATALOGUE.keys() - told - finder.UNTOLD.keys())
    assert not neither, f"{', '.join(neither)}: add a row to {where}"
    assert finder.UNTOLD.keys() <= CATALOGUE.keys() - told
    assert all(len(reason.split()) >= 3 for reason in finder.UNTOLD.values())


def test_kinds_without_initial_weights_have_none() -> None:
    for kind in CATALOGUE:
        named = {
            weight.name for layer, shapes in cases(kind) for weight in layer.plan(shapes).weights
        }
        assert bool(named) == (kind in weights.INITIAL), kind
        assert not named or any("weight" in each for each in named), kind


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


MERGING = kinds("merge")
UNSAID: Mapping[Fact, Mapping[str, str]] = {
    "nonnegative": {},
    "keeps_nonnegative": {"dropout": "in training it changes them"},
    "stays_nonnegative": {
        "pad": "its value may be below 0",
        **dict.fromkeys(MERGING, "rules follow one input of several"),
    },
    "linear": {
        **dict.fromkeys(kinds("dense"), "its weights mix channels"),
        "learned": "it reads nothing, and what is linear in nothing is no part of a linear map",
        **dict.fromkeys(MERGING, "rules follow one input of several"),
        **dict.fromkeys(
            (
                "permute",
                "pixel_shuffle",
                "space_to_depth",
                "channel_shuffle",
                "crop",
                "upsample",
                "slice",
            ),
            "what is linear on both sides of it does not become one layer",
        ),
    },
    "keeps_places": {
        **dict.fromkeys(MERGING, "rules follow one input of several"),
    },
    "keeps_channels": dict.fromkeys(MERGING, "rules follow one input of several"),
}
"""Facts that are seen in forward passes, and why a kind in all of whose layers one is seen is not
said to have it."""


def run_on(layer: Layer, weights: dict[str, Any], xs: list[Any]) -> Any:
    """A layer's definition, on whole numbers where it looks up."""
    return layer.forward(np, weights, recorded.looked_up(layer, xs))


def shown(kind: str) -> set[Fact]:
    """What holds of all layers of a kind in the tables, as far as a forward pass shows it."""
    random = np.random.default_rng(1)
    facts = set(UNSAID)
    placed = False
    for layer, shapes in cases(kind):
        plan = layer.plan(shapes)
        weights = {weight.name: random.normal(size=weight.shape) for weight in plan.weights}
        if "running_var" in weights:
            weights["running_var"] = np.abs(weights["running_var"]) + 0.5
        run = functools.partial(run_on, layer, weights)
        one, other = ([random.normal(size=(2, *x.axes)) - 1 for x in shapes] for _ in range(2))
        above = [9 * np.abs(x) for x in one]
        y = run(one)
        between = run([2 * x - z for x, z in zip(one, other, strict=True)])
        seen: dict[Fact, bool] = {
            "nonnegative": y.min() >= 0,
            "stays_nonnegative": run(above).min() >= 0,
            "keeps_nonnegative": np.array_equal(run(above), above[0]),
            "linear": np.allclose(between, 2 * y - run(other)),
            "keeps_channels": plan.output.channels == shapes[0].channels,
            "keeps_places": plan.output.spatial == shapes[0].spatial,
        }
        if shapes[0].spatial and seen["keeps_places"]:
            placed = placed or shapes[0].size > shapes[0].channels
            changed = [one[0].copy(), *one[1:]]
            changed[0][..., -1] += 1
            same = np.array_equal(run(changed)[..., :-1], y[..., :-1])
            seen["keeps_places"] = same or "coupled" in CATALOGUE[kind].facts
        for fact, holds in seen.items():
            if not holds:
                facts.discard(fact)
    return facts if placed else facts - {"keeps_places"}


@tabled("kind", CATALOGUE)
def test_facts_of_a_kind_are_what_its_layers_show(kind: str) -> None:
    row, facts = CATALOGUE[kind], shown(kind)
    where = f"{kind}, of family {row.family}, in CATALOGUE of convcalc/layers/__init__.py"
    unsaid = [
        fact
        for fact, reasons in UNSAID.items()
        if fact in facts and fact not in row.facts and kind not in reasons
    ]
    assert not unsaid, (
        f"{where}: all of its layers in tests/kinds.py show {unsaid}, and rules would be silent "
        "there; add the facts, a layer that shows otherwise, or a reason in UNSAID"
    )
    for fact, reasons in UNSAID.items():
        if fact in row.facts:
            assert kind not in reasons, f"{where}: has {fact}, and UNSAID says why it has not"
            assert fact in facts, (
                f"{where}: not all of its layers in tests/kinds.py show {fact}; take it away, or, "
                "where its family has it (COMMON), choose another family"
            )


SIZE = 3
"""An extent that maps are cut or resized to."""


def is_sized(kind: str) -> bool:
    """Whether a size that is given is the output's, of a larger and of a smaller input."""
    made = layer_class(kind)(size=SIZE)
    planned = [made.plan([Shape(4, (side, side))]).output.spatial for side in (4, 7)]
    return planned == [(SIZE, SIZE)] * 2


@tabled("kind", CATALOGUE)
def test_facts_about_fields_are_what_the_fields_do(kind: str) -> None:
    declared, facts = declarations(layer_class(kind)), CATALOGUE[kind].facts
    assert ("sized" in facts) == ("size" in declared and is_sized(kind))
    if "placed_by_plan" in facts:
        assert "keeps_places" not in facts
        assert {layer.plan(shapes).positions == "kept" for layer, shapes in cases(kind)} == {
            True,
            False,
        }


@tabled("kind", sorted(kinds("merge")))
def test_what_sums_changes_by_as_much_as_an_input_does(kind: str) -> None:
    random = np.random.default_rng(2)
    a, b, change = (random.normal(size=(2, 3, 3)) for _ in range(3))
    layer = layer_class(kind)()
    moved = [
        layer.forward(np, {}, xs) - layer.forward(np, {}, [a, b])
        for xs in ([a + change, b], [a, b + change])
    ]
    by_as_much = all(
        each.shape == change.shape and np.allclose(abs(each), abs(change)) for each in moved
    )
    assert by_as_much == ("sums" in CATALOGUE[kind].facts)
