"""Inputs and outputs by name: what a network knows of them, and how they are found."""

import json

from tabled import tabled

from convcalc import Item, Spec, analyze, loads
from convcalc.checks.promises import broken
from convcalc.graph import read_text
from convcalc.shape import Shape
from convcalc.spec.text import SourceText
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


def test_what_is_seen_is_said_of_each_input() -> None:
    # left: 3, pooled by 2: 3 + 1 = 4 at stride 2, then 4 + 2·2 = 8; right: 3, then 3 + 2 = 5
    report = analyze(
        loads("""
input: {left: 32x32x3, right: 16x16x3, unit: 8}
layers:
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: fine}
  - {maxpool: 2, name: pooled}
  - {conv: {filters: 8, kernel: 3, padding: 1}, from: right, name: coarse}
  - concat: [[from: pooled], []]
  - {conv: {filters: 4, kernel: 3, padding: 1}, name: both}
  - {linear: 4, from: unit, name: gate}
  - reshape: 1x1x4
  - {multiply: [[from: both], []], name: gated}
outputs: [gated, fine]
""")
    )

    def seen(name: str) -> dict[str, list[tuple[object, ...]] | None]:
        by_input = report.layer(name).receptive_fields
        return {
            name: None if fields is None else [field[:3] for field in fields]
            for name, (fields, _) in by_input.items()
        }

    assert seen("fine") == {"left": [(3, 1, -1)] * 2}
    assert seen("coarse") == {"right": [(3, 1, -1)] * 2}
    assert seen("both") == {"left": [(8, 2, -3)] * 2, "right": [(5, 1, -2)] * 2}
    assert seen("gate") == {"unit": None}
    assert seen("gated") == {**seen("both"), "unit": None}
    assert report.layer("fine").fields == (report.layer("fine").receptive_field,)
    assert report.layer("both").receptive_field is None
    layers = {each["name"]: each for each in report.to_dict()["layers"]}
    assert layers["fine"]["receptive_field"] == layers["fine"]["receptive_fields"]["left"]
    assert layers["both"]["receptive_fields"]["right"]["size"] == [5, 5]
    assert "8×8 / 5×5" in str(report)
    assert "3x3 5x5" not in report.to_csv()
    assert "8x8 5x5" in report.to_csv()


def test_a_gate_from_another_input_is_seen_everywhere_and_its_map_where_it_is() -> None:
    report = analyze(
        loads("""
input: {image: 32x32x3, hint: 9x9x3}
layers:
  - {multiply: [[], [{global_avgpool: , from: hint}]], name: gated}
  - {conv: {filters: 4, kernel: 3, padding: 1}, name: last}
""")
    )
    fields = report.layer("last").receptive_fields
    assert [[field.size for field in of or ()] for of, _ in fields.values()] == [[3, 3], [9, 9]]
    assert all(field.exact for of, _ in fields.values() for field in of or ())


def test_a_piece_of_a_row_is_seen_as_it_was() -> None:
    report = analyze(
        loads("""
input: {left: 10x3, right: 12x3}
layers:
  - {concat: {axis: length, branches: [[], [from: right]]}, name: row}
  - {conv: {filters: 4, kernel: 3, padding: 1}, name: last}
""")
    )
    fields = report.layer("last").receptive_fields
    assert [[field.size for field in of or ()] for of, _ in fields.values()] == [[3], [3]]


def test_promises_about_outputs_by_name() -> None:
    network = loads(
        "{input: 8x8x3, layers: [{relu: , name: a}, {maxpool: 2, name: b}], outputs: [b, a], "
        "expect: {output: 4x4x3, outputs: {a: 8x8x3, b: <= 3x3x3, c: 8x8x3}}}"
    )
    problems = [(one.problem.code, one.problem.message) for one in broken(network)]
    assert problems == [
        ("CC502", "output b: 4×4×3, and <= 3x3x3 was expected: +1 rows, +1 columns"),
        ("CC505", "no output is called `c`"),
    ]


@tabled(
    "text",
    [
        "{input: {a: {b: 3}}, layers: [relu]}",
        "{input: {a: [1, [2]]}, layers: [relu]}",
        "{input: {a: , b: 8}, layers: [relu]}",
        "{input: {'': 8, b: 8}, layers: [relu]}",
        "{input: {a: [8], b: 8x8x8x8x8}, layers: [relu]}",
        "{input: {a: 8, a: 9}, layers: [relu]}",
        "{input: {a: 99999999999999999999, b: 8}, layers: [relu]}",
        "{input: 8, layers: [relu], outputs: {a: relu1}}",
        "{input: 8, layers: [relu], outputs: [[relu1]]}",
        "{input: 8, layers: [relu], outputs: [null]}",
        "{input: 8, layers: [relu], outputs: }",
        "{input: 8, layers: [relu], outputs: ['p{']}",
        "{input: 8, layers: [relu], outputs: ['{1/0}']}",
        "{input: 8, layers: [relu], outputs: [3]}",
        "{input: 8, layers: , outputs: [input]}",
    ],
)
def test_what_is_no_input_or_output_is_a_finding(text: str) -> None:
    report = analyze(read_text(SourceText("net.yaml", text)), strict=False)
    assert any(one.severity == "error" for one in report.diagnostics)
    assert report.to_json()
    assert str(report)
