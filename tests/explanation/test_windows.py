"""Drawings in `explain SPEC LAYER`: of every kind that slides, and what groups of channels see."""

from kinds import CASES
from tabled import tabled

from convcalc import explain, loads
from convcalc.explanation.drawing import FIRST, LAST, ROWS
from convcalc.explanation.page import Drawing
from convcalc.explanation.windows import axis_windows, drawn, grouping
from convcalc.graph import read_text
from convcalc.layers.convolution import Conv, DepthwiseConv
from convcalc.shape import Shape
from convcalc.spec.text import SourceText


def page(item: str, shape: str = "9x9x4") -> str:
    network = loads(f"rounding: floor\ninput: {shape}\nlayers: [{item}]")
    assert network.output is not None
    return str(explain(network, network.nodes[network.output].name))


@tabled(
    ("item", "lines"),
    [
        # Both axes are alike, and drawn once.
        (
            "conv: {filters: 2, kernel: 3, stride: 2}",
            ["Windows along the height and width", "output 3                    ■  ■  ■"],
        ),
        (
            "maxpool: {kernel: 2, rounding: ceil}",
            ["input     o  o  o  o  o  o  o  o  o  +", "+ more than the padding"],
        ),
        (
            "conv: {filters: 2, kernel: 3, padding: [[2, 0], [1, 1]], padding_mode: reflect}",
            ["Windows along the height", "Windows along the width", "p padding (reflect)"],
        ),
        ("pad: {padding: 1, mode: circular}", ["p padding (circular)"]),
        # What is resampled has values alone: 9 to 4 by the nearest reads 0, 2, 4 and 6.
        ("upsample: {size: 4}", ["input     o  -  o  -  o  -  o  -  -"]),
        ("conv_transpose: {filters: 2, kernel: 2, stride: 3}", [". gap"]),
        ("global_avgpool", ["output 0  ■  ■  ■  ■  ■  ■  ■  ■  ■"]),
        (
            "conv: {filters: 6, kernel: 1, groups: 2}",
            ["2 groups: filters 0 to 2 see channels 0 to 1, filters 3 to 5 channels 2 to 3;"],
        ),
    ],
)
def test_a_layer_is_drawn(item: str, lines: list[str]) -> None:
    text = page(item)

    for line in lines:
        assert line in text, text


def test_what_slides_nothing_is_not_drawn() -> None:
    for item in ("relu", "flatten", "batchnorm"):
        assert "Windows" not in page(item)
    network = loads("input: 9x9x4\nlayers: [maxpool: 3, maxpool: 3]")
    assert "Windows" in str(explain(network, "maxpool1"))
    assert "Windows" not in str(explain(network))  # of all layers the figures alone


@tabled(
    ("item", "lines"),
    [
        (
            "conv: {filters: 2, kernel: 3, stride: 2}",
            ["input     o  o  o  o  o  o  o  o  o  x", "output 3                    ■  ■  ■"],
        ),
        (
            "maxpool: 12",
            [
                "input   o  o  o  o  o  o  o  o  o  o\n",
                "kernel  ■  ■  ■  ■  ■  ■  ■  ■  ■  ■  □  □",
            ],
        ),
    ],
)
def test_a_layer_that_fails_is_drawn_as_far_as_it_gets(item: str, lines: list[str]) -> None:
    network = read_text(SourceText("net.yaml", f"input: 10x10x4\nlayers: [{item}]"))
    text = str(explain(network, network.nodes[1].name, strict=False))

    for line in lines:
        assert line in text, text


def test_groups_in_words() -> None:
    x, depthwise = Shape(8, (4,)), DepthwiseConv(kernel=1, multiplier=2)
    assert grouping(depthwise, x, Shape(16, (4,))) == (
        "8 groups: filters 0 to 1 see channel 0, filters 2 to 3 channel 1, …, filters 14 to 15 "
        "channel 7; no others."
    )
    assert grouping(Conv(filters=4, kernel=1), x, Shape(4, (4,))) == ""
    assert grouping(Conv(filters=3, kernel=1, groups=3), Shape(3, (4,)), Shape(3, (4,))) == (
        "3 groups: filter 0 sees channel 0, filter 1 channel 1, filter 2 channel 2; no others."
    )


def test_the_windows_of_every_kind_are_its_plans() -> None:
    """Each axis of each kind's case is drawn, with as many outputs as the plan says."""
    kinds = set()
    for case in CASES:
        layer, xs = case.layer, case.shapes
        plan = layer.plan(xs)
        windows = axis_windows(layer, xs[0], plan)
        assert [each.window for each in windows] == [*plan.windows]
        kinds |= {case.kind} if windows else set()
        for each, outputs in zip(windows, plan.output.spatial if windows else (), strict=True):
            sections = drawn([each])
            (picture,) = sections[0].parts
            assert isinstance(picture, Drawing)
            rows = [line for line in picture.lines if line.startswith("output")]
            assert len(rows) == outputs or (outputs > ROWS and 2 <= len(rows) <= FIRST + LAST)
            assert rows[-1].startswith(f"output {outputs - 1} ")
    assert {"conv", "maxpool", "conv_transpose", "upsample", "adaptive_avgpool", "crop"} <= kinds
