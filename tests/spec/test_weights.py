"""Weights that are another layer's: which layers those are, and what is wrong with which."""

from collections.abc import Mapping

import pytest
from tabled import tabled

from convcalc import Item, Spec, analyze, loads, parse, run
from convcalc.graph import read_text
from convcalc.spec.text import SourceText

CONV = "conv: {filters: 4, kernel: 3, padding: 1}"
BACK = "conv_transpose: {filters: 4, kernel: 3, padding: 1, bias: false}"
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
    "a transposed convolution, of a convolution": (
        f"layers: [{{{CONV}, name: one}}, tanh, {{{BACK}, weights: one}}]",
        {"conv_transpose1": "one"},
    ),
    "a convolution, of a transposed one": (
        (
            "layers: [{conv_transpose: {filters: 4, kernel: 3, padding: 1}, name: one}, tanh, "
            "{conv: {filters: 4, kernel: 3, stride: 2, padding: same, bias: false}, weights: one}]"
        ),
        {"conv1": "one"},
    ),
    "a group, the other way round": (
        (
            f"layers: [{{layers: [{CONV}, relu], name: one}}, "
            f"{{layers: [{BACK}, relu], weights: one, name: two}}, "
            f"{{{BACK}, weights: two.conv_transpose1}}]"
        ),
        {"two.conv_transpose1": "one.conv1", "conv_transpose1": "one.conv1"},
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
    f"[{{{CONV}, name: a}}, {{conv_transpose: {{filters: 4, kernel: 3}}, weights: a}}]": (
        "CC202",
        "a `conv_transpose` shares no bias with a `conv`, and this has one beside the weight of a",
    ),
    f"[{{{CONV}, name: a}}, {{conv_transpose: {{filters: 5, kernel: 3}}, weights: a}}]": (
        "CC202",
        "shared weight would be 4×5×3×3 here, and is 4×4×3×3 in a",
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


KINDS = {
    **dict.fromkeys(("conv", "separable_conv", "conv_transpose"), "filters: 4, kernel: 1, "),
    "depthwise_conv": "kernel: 1, ",
    "locally_connected": "filters: 4, kernel: 1, ",
    "linear": "features: 4, axis: channels, ",
}
"""Kinds with a matrix of weights → the fields of one that keeps the channels."""


@tabled("owner", KINDS)
def test_only_a_convolution_and_its_transpose_are_of_two_kinds(owner: str) -> None:
    there = f"{owner}: {{{KINDS[owner]}bias: true}}"
    taken = set()
    for kind, fields in KINDS.items():
        user = f"{kind}: {{{fields}bias: {'true' if kind == owner else 'false'}}}"
        layers = f"[{{{there}, name: a}}, {{{user}, weights: a}}]"
        errors = read_text(SourceText("it.yaml", f"input: 3x3x4\nlayers: {layers}\n")).errors
        if not any("is a `" in error.message for error in errors):
            taken.add(kind)

    others = {"conv": {"conv_transpose"}, "depthwise_conv": {"conv_transpose"}}
    others["conv_transpose"] = {"conv", "depthwise_conv"}
    assert taken == {owner} | others.get(owner, set())
