"""Inputs and outputs by name: what a network knows of them, and how they are found."""

import json

from convcalc import Item, Spec, analyze, loads
from convcalc.shape import Shape
from convcalc.spec.tree import Block

TOWERS = """
input: {left: 105x105x1, right: 105x105x1, length: 12}
blocks:
  tower: {layers: [{conv: {filters: 8, kernel: 3, padding: 1}, name: left}, relu]}
layers:
  - tower
  - {tower: , from: right, name: other}
  - add: [[from: tower1], []]
  - {linear: 4, from: length, name: sized}
outputs: [add1, other, length, tower1.left, sized]
"""
"""The names of an input and of a block's layer are one word, and each is found in its place."""


def test_inputs_come_first_in_the_order_in_which_they_are_written() -> None:
    network = loads(TOWERS)
    assert network.inputs == (0, 1, 2)
    assert network.named_inputs == {"left": 0, "right": 1, "length": 2}
    assert [network.shape_of(index) for index in network.inputs] == [
        Shape(1, (105, 105)),
        Shape(1, (105, 105)),
        Shape(12),
    ]
    assert network.input == Shape(1, (105, 105))
    reads = {
        node.name: [network.nodes[read].name for read in node.inputs] for node in network.nodes
    }
    assert reads["tower1.left"] == ["left"]
    assert reads["other.left"] == ["right"]


def test_outputs_have_the_names_and_the_order_that_the_spec_gives_them() -> None:
    network = loads(TOWERS)
    named = {name: network.nodes[index].name for name, index in network.named_outputs.items()}
    assert named == {
        "add1": "add1",
        "other": "other.relu1",
        "length": "length",
        "tower1.left": "tower1.left",
        "sized": "sized",
    }
    assert network.output == network.outputs[0]


def test_without_names_there_is_one_input_and_the_last_item_is_the_output() -> None:
    network = loads("{input: 8x8x3, layers: [relu, tanh]}")
    assert network.named_inputs == {"input": 0}
    assert network.named_outputs == {"tanh1": 2}
    assert network.output_names == ()


def test_one_input_may_have_a_name() -> None:
    network = loads("{input: {image: 8x8x3}, layers: [relu, add: [[], [from: image]]]}")
    assert network.named_inputs == {"image": 0}
    assert network.nodes[2].inputs == (1, 0)


def test_the_report_says_all_of_them() -> None:
    report = analyze(loads(TOWERS))
    assert report.to_dict()["inputs"] == [
        {"name": "left", "shape": {"channels": 1, "spatial": [105, 105]}},
        {"name": "right", "shape": {"channels": 1, "spatial": [105, 105]}},
        {"name": "length", "shape": {"channels": 12, "spatial": []}},
    ]
    outputs = json.loads(report.to_json())["outputs"]
    assert [(each["name"], each["layer"]) for each in outputs][1:3] == [
        ("other", "other.relu1"),
        ("length", "length"),
    ]
    ends = (
        "left 105×105×1, right 105×105×1, length 12 → add1 105×105×8, other 105×105×8, length 12, "
        "tower1.left 105×105×8, sized 4"
    )
    for text in (str(report), report.to_markdown(), repr(report)):
        assert ends.replace("_", "\\_") in text
    # the inputs are activations: 2·105² + 12; two convs, the sum and the linear layer own storage
    assert report.totals.activations == 2 * 105**2 + 12 + 3 * 105**2 * 8 + 4
    assert report.totals.parameters == 2 * (9 * 8 + 8) + 12 * 4 + 4


def test_a_spec_in_python_says_the_same() -> None:
    spec = Spec(
        input={"left": (9, 9, 2), "right": "9x9x2"},
        blocks={"tower": Block(layers=[Item("relu")])},
        layers=[Item("tower"), Item("tower", from_="right")],
        outputs=["tower1", "tower2"],
    )
    assert spec.to_yaml() == (
        "input: {left: 9x9x2, right: 9x9x2}\n"
        "blocks:\n"
        "  tower:\n"
        "    layers:\n"
        "      - relu\n"
        "layers:\n"
        "  - tower\n"
        "  - tower:\n"
        "    from: right\n"
        "outputs: [tower1, tower2]\n"
    )
    assert spec.outputs == loads(spec.to_yaml()).written.spec.outputs  # type: ignore[union-attr]
    assert spec.network().named_outputs == {"tower1": 2, "tower2": 3}
