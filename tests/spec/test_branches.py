"""Branches beside fields: the form that every kind with branches may have."""

from typing import Any

import pytest
from tabled import tabled

from convcalc import Item, Spec, check, loads, parse
from convcalc.graph import Network, read_text
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.channels import Affine
from convcalc.spec.text import SourceText

MERGES = [kind for kind in CATALOGUE if layer_class(kind).inputs == "many"]


def written(item: str) -> Network:
    return loads(f"input: 8x8\nlayers: [{{{item}}}]")


@tabled("kind", MERGES)
def test_branches_mean_the_same_beside_fields_and_alone(kind: str) -> None:
    alone, beside = written(f"{kind}: [[], [relu]]"), written(f"{kind}: {{branches: [[], [relu]]}}")

    assert not beside.diagnostics
    assert [node[:4] for node in alone.nodes] == [node[:4] for node in beside.nodes]


@tabled("kind", MERGES)
def test_branches_beside_fields_survive_writing_and_reading(kind: str) -> None:
    spec = Spec(input="8x8", layers=[Item(kind, {"branches": [[], [Item("relu")]]})])

    assert parse(spec.to_yaml()) == spec
    assert eval(repr(spec)) == spec  # noqa: S307 (what it says of itself)
    assert spec.layers[0].branches == ((), (Item("relu"),))


def test_what_stands_in_branches_beside_fields_is_looked_through_where_it_is_dropped() -> None:
    text = """
input: 8x8
layers:
  - concat: {branches: [[], [when: false, rel]]}
    repeat: 0
  - concat: {branches: [[when: true], [when: false, relu]], filtres: 3}
"""
    found = read_text(SourceText("it.yaml", text)).errors

    assert [(each.code, each.place[:2]) for each in found] == [
        ("CC113", (4, 43)),
        ("CC109", (6, 61)),
    ]


def test_rules_follow_names_in_branches_beside_fields() -> None:
    """A parameter that a branch alone mentions is used."""
    branch = [Item("conv", filters="filters", kernel=3, padding=1)]
    spec = Spec(
        input="9x4",
        parameters={"filters": 4},
        layers=[Item("add", {"branches": [[], branch]})],
    )

    assert not check(spec).diagnostics


@pytest.fixture
def either(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind that takes one tensor, or branches if it has them."""

    def first(_: Affine, xs: Any) -> Any:
        return loads("input: 1\nlayers: [relu]").plans[0]._replace(output=xs[0])  # type: ignore[union-attr]

    monkeypatch.setattr(Affine, "inputs", "either")
    monkeypatch.setattr(Affine, "plan", first)


@pytest.mark.usefixtures("either")
@tabled(
    ("item", "inputs"),
    [
        ("affine", (1,)),
        ("affine: 2", (1,)),
        ("affine: {plus: 1}", (1,)),
        ("affine: {times: 2, branches: [[], [from: input]]}", (1, 0)),
        ("affine: {branches: [[from: input]]}", (0,)),
        ("affine: {branches: [[], [when: false, relu]]}", (1,)),
    ],
)
def test_kinds_that_may_have_branches_read_one_tensor_without_them(
    item: str, inputs: tuple[int, ...]
) -> None:
    network = loads(f"input: 8x8\nlayers: [relu, {item}]")

    assert not network.diagnostics
    assert (network.nodes[-1].kind, network.nodes[-1].inputs) == ("affine", inputs)
