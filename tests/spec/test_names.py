"""What layers are called: each name once, and a number that can be told from what it counts."""

import re
from collections.abc import Sequence

from draws import Draw, examples
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


@tabled(
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


def item(draw: Draw, depth: int = 3) -> str:
    """A layer or a call, or a group of some, with a name or without, once or twice."""
    if depth and draw.random() < 0.4:
        kind = f"layers: [{', '.join(draw.some(lambda: item(draw, depth - 1), 1, 3))}]"
        repeat = draw.choice(["", "repeat: 2"])
    else:
        kind = draw.choice(["relu", "relu6", "unit", "unit1", "unit1_"]) + ": {}"
        repeat = draw.choice(["", "", "repeat: 2"])
    name = draw.choice(["", *NAMES])
    return ", ".join(part for part in (name and f"name: {name}", kind, repeat) if part).join("{}")


@examples(200, items=lambda draw: draw.some(lambda: item(draw), 1, 6))
def test_no_two_layers_are_called_alike_unless_that_is_an_error(items: Sequence[str]) -> None:
    network = written(BLOCKS + f"  [{', '.join(items)}]")
    names = [node.name for node in network.nodes]

    assert all(re.search(" is taken$", each.message) for each in network.errors)
    if not network.errors:
        assert len(set(names)) == len(names)


# Names with expressions in braces

LEVELS = f"""
input: 8x8x4
parameters: {{depth: 3, half: depth/2, side: "left", on: true, ratio: 2/1, long: "{"x" * 600}"}}
layers:
  - {{name: down, relu: {{}}, repeat: depth}}
  - {{name: left1, relu6: {{}}}}
  - {{name: group, layers: [{{name: a2, relu: {{}}}}]}}
"""


@tabled(
    ("name", "index"),
    [
        ("down{depth}", 3),
        ("down{depth - 1}", 2),
        ("down{min(depth, 1)}", 1),
        ("down{ratio}", 2),  # 2/1 is whole
        ("down{2.0}", 2),
        ("{side}1", 4),
        ("{side}{depth - 2}", 4),
        ("group.a{2}", 5),
        ("{'input' if on else side}", 0),
        ("{'}' if depth < 3 else 'down3'}", 3),  # a brace in quotes is text
    ],
)
def test_braces_in_from_are_worked_out(name: str, index: int) -> None:
    network = written(LEVELS + f'  - {{from: "{name}", softmax: {{}}}}')

    assert not network.diagnostics
    assert network.nodes[-1].inputs == (index,)


def test_braces_in_from_see_the_round_and_what_the_block_is_given() -> None:
    """As a U-Net's decoder does: the first round up starts from the last one down."""
    text = """
input: 8x8x4
parameters: {depth: 3}
blocks:
  skip: {parameters: {level}, layers: [{add: [[], [from: "down{level}"]]}]}
layers:
  - {name: down, relu: {}, repeat: depth}
  - {layers: [{add: [[], [from: "down{depth + 1 - index}"]]}], repeat: depth}
  - {skip: depth + 1 - index, repeat: depth}
"""
    network = written(text)

    assert not network.diagnostics
    assert [node.inputs for node in network.nodes if node.kind == "add"] == [
        *((3, 3), (4, 2), (5, 1)),
        *((6, 3), (7, 2), (8, 1)),
    ]


@tabled(
    ("name", "code", "message", "advice", "at"),
    [
        ("down{depth + 1}", "CC201", "`down4`, which `down{depth + 1}` is with depth = 3",
         "`down1`, `down2`, `down3`", "down{depth + 1}"),
        ("{side}2", "CC201", "`left2`, which `{side}2` is", "`left1`", "{side}2"),
        ("down{dpeth}", "CC111", "`dpeth`", "did you mean `depth`?", "dpeth"),
        ("down{on}", "CC107", "takes a whole number or text, and is true", "1 if on else 2", "on"),
        ("down{half}", "CC112", "not a whole number: `half` = 1.5", "round it", "half"),
        ("down{}", "CC107", "no value", "write the value", "}"),
        ("down{1/0}", "CC112", "divides by zero", "keep", "1/0"),
        ("down{incoming.channels}", "CC111", "before any shape is known", "write a number",
         "incoming.channels"),
        ("down{depth", "CC110", "`{` is never closed", "write the missing", "{"),
        ("down}", "CC110", "`}` closes nothing", "remove it", "}"),
        ("down{depth}}", "CC110", "`}` closes nothing", "remove it", "}"),
        ("down{{depth}}", "CC110", "`{` stands within braces", "one expression", "{"),
        ("down{depth 1}", "CC110", "without an operator", "write *", "1"),
        ("down{'" + "x" * 990 + "'}{side}", "CC103", "1,004 characters", "shorter", None),
        ("{long}{long}", "CC103", "makes a name of 1,200 characters", "shorter", None),
        ("down{" + "1+" * 600 + "1}", "CC103", "1,207 characters", "shorter", None),
    ],
)  # fmt: skip
def test_what_is_wrong_in_braces_is_shown_where_it_is(
    name: str, code: str, message: str, advice: str | None, at: str | None
) -> None:
    text = LEVELS + f'  - {{from: "{name}", softmax: {{}}}}'

    (problem,) = written(text).errors

    assert problem.code == code
    assert message in problem.message
    assert advice is None or advice in (problem.help or "")
    assert problem.span is not None
    span = problem.span
    shown = text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]
    assert shown.strip('"') == (at or name)


def test_a_block_is_handed_a_number_and_no_braces() -> None:
    """Or else it would depend on who passes a text on which `index` its braces see."""
    text = """
input: 8x8x4
blocks:
  skip: {parameters: {source}, layers: [{add: [[], [from: source]]}]}
layers:
  - {name: down, relu: {}, repeat: 2}
  - {skip: "down{index}", repeat: 2}
"""
    (first, *_) = written(text).errors

    assert first.code == "CC201"
    assert "`down{index}`, which parameter `source` holds" in first.message
    assert "write the braces in `from`" in (first.help or "")


@examples(200, name=lambda draw: draw.text("{}'\"a1+ .", 24))
def test_any_braces_have_a_tensor_or_a_finding(name: str) -> None:
    quoted = name.replace('"', '\\"')
    network = written(LEVELS + f'  - {{from: "{quoted}", softmax: {{}}}}')

    assert network.errors or len(network.nodes[-1].inputs) == 1
