"""Weights that are another layer's: which layers those are, and what is wrong with which."""

from collections.abc import Mapping

import pytest
from tabled import tabled

from convcalc import Item, Spec, analyze, loads, parse, run
from convcalc.graph import read_text
from convcalc.spec.text import SourceText

CONV = "conv: {filters: 4, kernel: 3, padding: 1}"
UNIT = f"blocks: {{unit: {{layers: [{CONV}, batchnorm, relu]}}}}\n"

USERS: Mapping[str, tuple[str, dict[str, str]]] = {
    "a layer": (
        f"layers: [{{{CONV}, name: one}}, tanh, {{{CONV}, weights: one}}]",
        {"conv1": "one"},
    ),
    "a layer by its number": (
        f"layers: [{CONV}, tanh, {{{CONV}, weights: conv1}}]",
        {"conv2": "conv1"},
    ),
    "a call": (
        f"{UNIT}layers: [{{unit: , name: one}}, {{unit: , weights: one}}]",
        {"unit1.conv1": "one.conv1", "unit1.batchnorm1": "one.batchnorm1"},
    ),
    "a group, of a call": (
        f"{UNIT}layers: [unit, {{layers: [{CONV}, batchnorm, relu], weights: unit1, name: two}}]",
        {"two.conv1": "unit1.conv1", "two.batchnorm1": "unit1.batchnorm1"},
    ),
    "of a layer in a block": (
        f"{UNIT}layers: [unit, {{{CONV}, weights: unit1.conv1}}]",
        {"conv1": "unit1.conv1"},
    ),
    "of a merge with its branches": (
        (
            f"layers: [{{add: [[], [{CONV}, relu]], name: one}}, "
            f"{{add: [[], [{CONV}, relu]], weights: one}}]"
        ),
        {"conv2": "conv1"},
    ),
    "of one that uses another's": (
        (
            f"layers: [{{{CONV}, name: one}}, tanh, {{{CONV}, weights: one, name: two}}, tanh, "
            f"{{{CONV}, weights: two}}]"
        ),
        {"two": "one", "conv1": "one"},
    ),
    "of the latest round": (
        (
            f"layers: [{{layers: [{CONV}, relu], repeat: 2, name: one}}, "
            f"{{layers: [{CONV}, relu], weights: one, name: two}}]"
        ),
        {"two.conv1": "one2.conv1"},
    ),
    "in every round": (
        (
            f"layers: [{{layers: [{CONV}, relu], name: one}}, "
            f"{{layers: [{CONV}, relu], weights: one, name: two, repeat: 2}}]"
        ),
        {"two1.conv1": "one.conv1", "two2.conv1": "one.conv1"},
    ),
    "by a name with braces": (
        (
            f"layers: [{{{CONV}, name: p3}}, relu, {{layers: [{{{CONV}, "
            'weights: "p{index + 2}"}], repeat: 1}]'
        ),
        {"conv1": "p3"},
    ),
    "by a block's parameter": (
        (
            "blocks: {head: {parameters: {of}, layers: ["
            f"{{{CONV}, weights: of}}]}}}}\n"
            f'layers: [{{{CONV}, name: p3}}, relu, head: {{of: "p3"}}]'
        ),
        {"head1.conv1": "p3"},
    ),
    "of a block that is called like the modifier": (
        (
            f"blocks: {{weights: {{layers: [{CONV}]}}}}\n"
            "layers: [weights, relu, {weights: , name: two}, relu, {weights: , from: relu1}]"
        ),
        {},
    ),
}
"""A spec → each layer that uses the weights of another, with that one."""


@tabled("name", USERS)
def test_weights_are_found_as_tensors_are(name: str) -> None:
    text, expected = USERS[name]
    network = loads(f"input: 8x8x4\n{text}\n")
    names = [node.name for node in network.nodes]
    shared = {
        node.name: names[node.shared_with]
        for node, plan in zip(network.nodes, network.plans, strict=True)
        if node.shared_with is not None and plan is not None and plan.weights
    }

    assert shared == expected


def test_they_count_once() -> None:
    """A 3×3 convolution of 4 channels to 4, 3·3·4·4 + 4 = 148 parameters, on two maps."""
    items = f"[{{{CONV}, name: a}}, relu, {{{CONV}, weights: a}}]"
    totals = analyze(loads(f"input: 8x8x4\nlayers: {items}")).totals

    assert (totals.parameters, totals.macs) == (148, 2 * 8 * 8 * 144)


def test_towers_with_the_same_weights_give_the_same_of_the_same() -> None:
    np = pytest.importorskip("numpy")
    network = loads(f"""
input: 8x8x4
{UNIT}
layers:
  - {{unit: , name: left}}
  - {{unit: , name: right, from: input, weights: left}}
  - subtract: [[from: left], [from: right]]
""")

    (output,) = run(network, np.ones((1, 4, 8, 8), np.float32)).values()

    assert not np.any(output)


ERRORS: Mapping[str, tuple[str, str]] = {
    f"[{{{CONV}, name: a}}, {{relu: , weights: a}}]": (
        "CC202",
        "layer 1 is a `conv` in `a`, and a `relu` here",
    ),
    f"[{{layers: [{CONV}], name: a}}, {{layers: [{CONV}, relu], weights: a}}]": (
        "CC202",
        "`a` has 1 layer, and here are 2",
    ),
    f"[{{{CONV}, name: a}}, {{conv: {{filters: 5, kernel: 3}}, weights: a}}]": (
        "CC202",
        "shared weight would be 5×4×3×3 here, and is 4×4×3×3 in a",
    ),
    "[{relu: , name: a}, {relu: , weights: a}]": ("CC202", "`relu` has no weights"),
    "[{relu: , weights: input}]": ("CC202", "`input` is an input, which has no weights"),
    f"[{{{CONV}, weights: b}}, {{{CONV}, name: b}}]": (
        "CC201",
        "nothing before this item is called `b`",
    ),
    f"[{{{CONV}, weights: b, name: b}}]": ("CC201", "nothing before this item is called `b`"),
    f"[{{layers: [{CONV}, {{{CONV}, weights: a}}], name: a}}]": (
        "CC201",
        "`a` is the group or block that this item is in, and not finished",
    ),
    f"[{{{CONV}, name: a}}, {{from: a, weights: a}}]": (
        "CC116",
        "`weights` stands beside a layer, a group or a call, and this has none",
    ),
    f"[{CONV}, {{{CONV}, weights: [conv1]}}]": (
        "CC107",
        "weights is the name of an item, and this is a list",
    ),
}
"""Items → the code and the beginning of the message of their one error."""


@tabled("items", ERRORS)
def test_what_is_wrong_is_said_once(items: str) -> None:
    (error,) = read_text(SourceText("it.yaml", f"input: 8x8x4\nlayers: {items}\n")).errors
    code, message = ERRORS[items]

    assert (error.code, error.message[: len(message)]) == (code, message)
    assert error.help


def test_an_item_of_python_says_whose_weights_it_uses() -> None:
    item = Item("conv", filters=4, kernel=3, weights="one")
    spec = Spec(input="8x8x4", layers=[Item("conv", filters=4, kernel=3, name="one"), item])

    assert (item.kind, item.weights, item.fields.get("weights")) == ("conv", "one", None)
    assert parse(spec.to_yaml()) == spec
    assert eval(repr(spec)) == spec  # noqa: S307 (what it says of itself)
    assert spec.network().nodes[2].shared_with == 1
