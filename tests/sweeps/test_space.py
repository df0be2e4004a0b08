"""Axes and the designs that they span."""

from itertools import product
from typing import Any

import pytest
from tabled import tabled

from convcalc import loads, parse
from convcalc.analysis.memory.terms import RunTerms
from convcalc.diagnostics import ArgumentError
from convcalc.shape import Shape
from convcalc.sweeps.engine.evaluator import PiecewiseEvaluator
from convcalc.sweeps.measures import read_measure
from convcalc.sweeps.plain import PlainEvaluator
from convcalc.sweeps.space import Sample, Space, read_space
from convcalc.sweeps.subject import Subject
from convcalc.sweeps.values import written_values

SPEC = """
input: 32x32x3
parameters: {width: 16, depth: 2, word: 'same', batch: 1, wide: false}
layers: [{conv: {filters: width, kernel: 3, padding: word}}, relu]
"""
SUBJECT = Subject(loads(SPEC, path="net.yaml"))


@tabled(
    ("text", "values"),
    [
        ("1..6", "1 2 3 4 5 6"),
        ("0.25..1:0.25", "0.25 0.5 0.75 1"),
        ("0.1..0.5:0.1", "0.1 0.2 0.3 0.4 0.5"),
        ("6..2:-2", "6 4 2"),
        ("-1..1", "-1 0 1"),
        ("5..5", "5"),
        ("16..128:*2", "16 32 64 128"),
        ("0.125..1:*2", "0.125 0.25 0.5 1"),
        ("8..2:*0.5", "8 4 2"),
        ("1e2..3e2:1e2", "100 200 300"),
        ("128,160..224:32, 300", "128 160 192 224 300"),
        ("[a, 'b,c', 3x3]", "a b,c 3x3"),
        ("[[224, 200, 3], 8]", "224x200x3 8"),
        (".5..1:.5", "0.5 1"),
    ],
)
def test_values_are_as_one_would_type_them(text: str, values: str) -> None:
    assert written_values(text, "x") == values.split()


@tabled(
    ("text", "message"),
    [
        ("0.25..2:0.1", "x: from 0.25, steps of 0.1 do not meet 2: it meets 1.95 and 2.05"),
        ("0.5..3", "x: from 0.5, steps of 1, as none is written, do not meet 3: it meets 2.5 and"),
        ("6..1:-2", "x: from 6, steps of -2 do not meet 1: it meets 2 and 0"),
        ("6..1", "x: 6..1 goes nowhere: write 1..6"),
        ("1..6:-1", "x: 1..6:-1 goes nowhere: write 6..1:-1"),
        ("1..6:0", "x: a step of 0 leads nowhere"),
        ("16..100:*2", "x: from 16, factors of 2 do not meet 100: it meets 64 and 128"),
        ("16..4:*2", "x: 16..4:*2 goes nowhere: write 4..16:*2"),
        ("0..4:*2", "x: no factor leads from 0 to 4"),
        ("1..4:*1", "x: a factor of 1 leads nowhere"),
        ("1..x", "x: '1..x' is no range"),
        ("1..9e15", "x would have 9,000,000,000,000,000 values, and 100,000 are the most"),
        ("1..2:1e-30", "x would have 1,0"),
        ("1,,2", "x has an empty value between commas"),
        ("", "x has no values: write x=1,2,3 or x=1..3"),
        ("[]", "x has no values"),
        ("[1, 2", "x: [1, 2 is read as a list of YAML"),
        ("[{a: 1}]", "x: a value is a number"),
    ],
)
def test_values_that_are_none_are_refused_with_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ArgumentError) as error:
        written_values(text, "x")

    assert message in str(error.value)


def spanned(*vary: str, **options: Any) -> Space:
    pairs = [(name, text) for name, _, text in (each.partition("=") for each in vary)]
    return read_space(SUBJECT, pairs, **options)


@tabled(
    ("vary", "message"),
    [
        ("widht=1", "--vary 'widht': nothing is called so: did you mean width?"),
        ("width=1 width=2", "width is varied twice"),
        ("batch=1 set.batch=2 batch=3", "batch is varied twice"),
        ("optimizer=adam", "--vary optimizer is of a training step: add --training"),
        ("checkpoint=every=2", "--vary checkpoint is of a training step: add --training"),
        ("dtype=float23", "dtype=float23: it is none of float32"),
        ("batch=00000000000900000000000", "a batch is a whole number from 1 to 2,147,483,648"),
        ("batch=0", "batch=0: a batch is a whole number from 1"),
        ("batch=1.5", "batch=1.5: a batch is a whole number from 1"),
        ("width=1/0", "width=1/0: "),
        ("width=2,2.0,2", "width has 2 twice"),
        ("width=2*height", "width=2*height reads 'height', which is not varied"),
        ("width=depth+1 depth=width-1", "worked out from one another, in a circle"),
        ("width=1/depth depth=0,1", "width, at depth 0: "),
        ("input=0", "input=0: "),
        ("input.left=3x3x3", "the spec has one input"),
        ("width=1..3000 depth=1..3000 batch=1..3000", "27,000,000,000 designs are more than"),
    ],
)
def test_axes_that_are_none_are_refused(vary: str, message: str) -> None:
    with pytest.raises(ArgumentError) as error:
        spanned(*vary.split())

    assert message in str(error.value)


def test_designs_are_in_the_order_of_nested_loops() -> None:
    space = spanned("width=8,16", "batch=1,2,3", "depth=width/8", "input=32,48x32x3")
    rows = [
        (design.parameters["width"], design.batch, design.parameters["depth"], design.input)
        for design in map(space.design, range(space.designs))
    ]

    assert [(width, batch, depth) for width, batch, depth, _ in rows] == [
        (width, batch, {"8": "1", "16": "2"}[width])
        for width, batch, _ in product(("8", "16"), (1, 2, 3), range(2))
    ]
    assert [str(row[3]) for row in rows[:2]] == ["32×32×3", "48×32×3"]


def test_codes_of_a_stretch_and_of_some_rows_are_those_of_the_whole() -> None:
    space = spanned("width=1..7", "batch=1,2", "depth=width+batch", "input=32,48")
    whole = [column.tolist() for column in space.codes(0, space.designs)]
    part = [column.tolist() for column in space.codes(5, 17)]
    some = [column.tolist() for column in space.codes(5, 17, [0, 3, 11])]

    assert part == [column[5:17] for column in whole]
    assert some == [[column[5], column[8], column[16]] for column in whole]


@pytest.mark.parametrize("count", [1, 20, 64, 100])
def test_a_random_sample_has_no_design_twice_whatever_stretch_is_asked_for(count: int) -> None:
    space = spanned("width=1..10", "depth=1..10", sample=Sample(count, seed=3))
    rows = list(zip(*(column.tolist() for column in space.codes(0, count)), strict=True))
    pieces = [
        tuple(int(column[0]) for column in space.codes(index, index + 1)) for index in range(count)
    ]

    assert len({*rows}) == count
    assert pieces == rows
    other = spanned("width=1..10", "depth=1..10", sample=Sample(count, seed=4))
    assert count in (1, 100) or {*rows} != {
        *zip(*(column.tolist() for column in other.codes(0, count)), strict=True)
    }


def test_a_latin_hypercube_has_every_value_alike() -> None:
    space = spanned("width=1..7", "depth=1..10", sample=Sample(70, method="latin"))
    codes = [column.tolist() for column in space.codes(0, 70)]

    assert [
        [column.count(code) for code in range(size)]
        for column, size in zip(codes, (7, 10), strict=True)
    ] == [[10] * 7, [7] * 10]


def test_a_sample_of_more_than_all_is_refused() -> None:
    with pytest.raises(ArgumentError, match="a sample of 8 designs is more than all 7"):
        spanned("width=1..7", sample=Sample(8))


def test_memory_is_asked_as_the_design_says() -> None:
    space = spanned(
        "dtype=float16",
        "optimizer=adam",
        "checkpoint=[none, every=2]",
        "set.batch=5",
        terms=RunTerms(training=True),
        batch=4,
    )
    first, second = space.design(0), space.design(1)

    assert first.parameters == {"batch": "5"}
    assert first.batch == 4
    assert first.terms == RunTerms("float16", training=True, optimizer="adam")
    assert second.terms == first.terms._replace(checkpoint=2)


def test_checkpoints_are_not_found_for_designs() -> None:
    """There is no limit to find them for."""
    training = RunTerms(training=True)
    found = training._replace(checkpoint="auto")
    with pytest.raises(ArgumentError, match="for one network within one limit"):
        read_space(Subject("lenet5"), [("checkpoint", ["auto", "every=2"])], terms=training)
    with pytest.raises(ArgumentError, match="for one network within one limit"):
        read_space(Subject("lenet5"), [("batch", "1,2")], terms=found)


def test_an_input_that_changes_with_others_is_not_varied_beside_them() -> None:
    text = "input: {left: 8x8x1, right: 8x8x1}\nlayers: [add: [[from: left], [from: right]]]\n"
    subject = Subject(loads(text, path="two.yaml"))
    with pytest.raises(ArgumentError, match="the first inputs change with `input`"):
        read_space(subject, [("input.right", "4"), ("input", "8,16")])
    both = read_space(subject, [("input.left", "4,8"), ("input.right", "9")])
    assert both.design(1).input == {"left": Shape(1, (8, 8)), "right": Shape(1, (9, 9))}


CHANNELED = """\
input: {left: [8, 8, channels], right: [8, 8, depth]}
parameters: {channels: 3, depth: 2*channels, width: 2}
layers:
  - {conv: {filters: width, kernel: 1}, from: left}
  - {conv: {filters: width, kernel: 3}, from: right, name: other}
"""


def test_a_number_alone_keeps_the_channels_of_each_design() -> None:
    """Also where these are varied, and follow from what is."""
    vary = [("input", "4,5,6x6x1"), ("channels", "1,3"), ("width", "1..3")]
    subject = Subject(
        parse(
            "{input: [8, 8, channels], parameters: {channels: 3, width: 2}, "
            "layers: [conv: {filters: width, kernel: 3}]}"
        )
    )
    space = read_space(subject, vary)
    shapes = [str(space.design(number).input) for number in range(0, space.designs, 3)]
    asked = [read_measure(name) for name in ("parameters", "macs", "memory")]
    one = PiecewiseEvaluator(subject).evaluate(space, 0, space.designs, asked)
    other = PlainEvaluator(subject).evaluate(space, 0, space.designs, asked)

    assert shapes == ["4×4×1", "4×4×3", "5×5×1", "5×5×3", "6×6×1", "6×6×1"]
    assert (other.reason < 0).tolist() == [True] * 15 + [False] * 3  # 6x6x1 is not of 3 channels
    for name, column in other.columns.items():
        assert one.columns[name].tolist() == column.tolist()
    assert other.columns["parameters"][:6].tolist() == [10, 20, 30, 28, 56, 84]  # w·(9c + 1)

    several = read_space(Subject(parse(CHANNELED)), [("input", "4"), ("channels", "1,5")])
    assert [several.design(number).input for number in (0, 1)] == [
        {"left": Shape(1, (4, 4)), "right": Shape(2, (4, 4))},
        {"left": Shape(5, (4, 4)), "right": Shape(10, (4, 4))},
    ]
