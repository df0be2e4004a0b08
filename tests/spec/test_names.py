"""What layers are called: each name once, and a number that can be told from what it counts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabled import tabled

from convcalc.graph import Network, read_text
from convcalc.layers import CATALOGUE, layer_class
from convcalc.spec.text import SourceText

BLOCKS = """
input: 8x8x4
blocks:
  unit: {layers: [relu, relu6]}
  unit1: {layers: [relu6]}
  unit1_: {layers: [relu]}
layers:
"""
NAMES = [
    "a",
    "a1",
    "a1_",
    "a1_1",
    "a11",
    "relu1",
    "relu6",
    "relu6_1",
    "relu6_2",
    "unit1",
    "unit1_1",
]


def written(text: str) -> Network:
    return read_text(SourceText("net.yaml", text))


def called(items: str) -> list[str]:
    return [node.name for node in written(BLOCKS + items).layers]


@tabled("kind", CATALOGUE)
def test_the_number_of_a_kind_can_be_told_from_the_kind(kind: str) -> None:
    item = f"  - {kind}" + (": [[], []]\n" if layer_class(kind).inputs == "many" else "\n")
    between = "_" if kind[-1].isdigit() else ""

    assert called(item * 2) == [f"{kind}{between}1", f"{kind}{between}2"]


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ("unit, unit", "unit1.relu1 unit1.relu6_1 unit2.relu1 unit2.relu6_1"),
        ("unit1, unit1", "unit1_1.relu6_1 unit1_2.relu6_1"),
        ("{name: conv2, relu: {}, repeat: 2}", "conv2_1 conv2_2"),
        ("{name: res, relu: {}, repeat: 2}", "res1 res2"),
        ("{name: res, layers: [relu6], repeat: 2}", "res1.relu6_1 res2.relu6_1"),
        ("{name: res2, layers: [relu6], repeat: 2}", "res2_1.relu6_1 res2_2.relu6_1"),
        ("{name: relu6_1, relu: {}}, relu6, relu6", "relu6_1 relu6_2 relu6_3"),
        ("relu6, {name: relu6_3, relu: {}}, relu6, relu6", "relu6_1 relu6_3 relu6_2 relu6_4"),
    ],
)
def test_names_that_end_in_a_digit_are_numbered_behind_a_line(items: str, names: str) -> None:
    assert " ".join(called(f"  [{items}]")) == names


def test_a_name_that_a_number_made_is_taken() -> None:
    network = written(BLOCKS + "  [relu6, {name: relu6_1, relu: {}}]")

    (problem,) = network.errors
    assert "`relu6_1` is taken" in problem.message


def test_from_finds_what_was_numbered() -> None:
    network = written(BLOCKS + "  [relu6, relu6, relu, {from: relu6_2, relu: {}}]")

    assert network.nodes[-1].inputs == (2,)
    latest = written(BLOCKS + "  [{name: a1, relu: {}, repeat: 2}, relu, {from: a1, relu: {}}]")
    assert latest.nodes[-1].inputs == (2,)


items = st.recursive(
    st.builds(
        lambda kind, name, repeat: ", ".join(
            part for part in (name and f"name: {name}", f"{kind}: {{}}", repeat) if part
        ).join("{}"),
        st.sampled_from(["relu", "relu6", "unit", "unit1", "unit1_"]),
        st.sampled_from(["", *NAMES]),
        st.sampled_from(["", "", "repeat: 2"]),
    ),
    lambda inner: st.builds(
        lambda layers, name, repeat: ", ".join(
            part for part in (name and f"name: {name}", f"layers: [{layers}]", repeat) if part
        ).join("{}"),
        st.lists(inner, min_size=1, max_size=3).map(", ".join),
        st.sampled_from(["", *NAMES]),
        st.sampled_from(["", "repeat: 2"]),
    ),
    max_leaves=8,
)


@given(st.lists(items, min_size=1, max_size=6))
def test_no_two_layers_are_called_alike_unless_that_is_an_error(drawn: list[str]) -> None:
    network = written(BLOCKS + f"  [{', '.join(drawn)}]")
    names = [node.name for node in network.nodes]

    assert all(re.search(" is taken$", each.message) for each in network.errors)
    if not network.errors:
        assert len(set(names)) == len(names)
