"""What `--input` makes of the parameters that a spec's own input is made of."""

import pytest
from tabled import tabled

from convcalc import Shape
from convcalc.graph import Network, read, read_text
from convcalc.spec.text import SourceText

SPEC = """
input: [2*size + 1, size, chan]
parameters: {size: 8, chan: 3}
layers:
  - conv: {filters: size, kernel: 3, padding: 1}
  - linear: {features: chan, axis: channels}
"""
SEVERAL = """
input: [a*b, c // 2, 3]
parameters: {a: 4, b: 2, c: 16}
layers:
  - conv: {filters: a, kernel: 3, padding: 1}
  - relu
  - conv: {filters: c, kernel: 3, padding: 1}
"""
UNREAD = """
input: [size, size, 3]
parameters: {size: 8}
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
"""
PAIR = """
input: {left: [size, 8, 3], right: [2*size, 8, 3]}
parameters: {size: 8}
layers:
  - {from: left, conv: {filters: size, kernel: 3, padding: 1}}
  - {from: right, maxpool: [2, 1]}
  - concat: [[from: conv1], []]
"""


def given(text: str, shape: object, **parameters: object) -> Network:
    return read_text(SourceText("net", text), input=shape, parameters=parameters or None)  # type: ignore[arg-type]


@tabled(
    ("text", "shape", "parameters"),
    [
        (SPEC, "9x4x3", {"size": 4, "chan": 3}),  # 2·4 + 1
        (SPEC, "25x12x7", {"size": 12, "chan": 7}),
        (SEVERAL, "8x8x3", {"a": 4, "b": 2, "c": 16}),  # as the spec has it
        (UNREAD, "9x9x3", {"size": 9}),
        (UNREAD, "9x7x3", {"size": 8}),  # no layer reads it, so the input is what counts
        (PAIR, {"left": "4x8x3"}, {"size": 4}),  # and 8 rows on the right
        (PAIR, {"right": "20x8x3"}, {"size": 10}),
        (PAIR, {"left": "4x8x3", "right": "8x8x3"}, {"size": 4}),
    ],
)
def test_a_parameter_has_the_value_that_the_input_says(
    text: str, shape: object, parameters: dict[str, int]
) -> None:
    network = given(text, shape)

    assert not network.errors
    assert network.parameters == parameters
    again = read_text(SourceText("net", text), input=shape, parameters=parameters)  # type: ignore[arg-type]
    assert [node.layer for node in again.nodes] == [node.layer for node in network.nodes]


@tabled(
    ("text", "shape", "set_to", "message", "advice"),
    [
        (SPEC, "9x5x3", {}, "(`2*size + 1`) makes size 4, and width 5 makes it 5", "one value"),
        (SPEC, "8x4x3", {}, "no whole size makes height 8 (`2*size + 1`)", "use 7 or 9"),
        (SPEC, "9x4x3", {"size": 5}, "makes size 4, and it is set to 5", "--set size=5"),
        (SPEC, "9x4x3", {"size": "5"}, "makes size 4, and it is set to 5", "--set size=5"),
        (UNREAD, "9x9x3", {"size": 5}, "height 9 makes size 9, and it is set to 5", "leave"),
        (SEVERAL, "9x8x3", {}, "height 9 (`a*b`) is made of `a`, `b`", "`--set a=…`, `--set b=…`"),
        (SEVERAL, "9x8x3", {"a": 3}, "does not say what is meant", "set `--set b=…`, too"),
        (SEVERAL, "9x8x3", {"a": 3, "b": 2}, "height 9 (`a*b`) is 6 with a = 3, b = 2", "leave"),
        (SEVERAL, "8x7x3", {}, "width 7 (`c // 2`) is made of `c`", "set `--set c=…`, too"),
        (
            PAIR, {"left": "4x8x3", "right": "20x8x3"}, {},
            "--input right=20x8x3: height 4 makes size 4, and height 20 (`2*size`) makes it 10",
            "one value",
        ),
    ],
)  # fmt: skip
def test_an_input_that_contradicts_is_refused_with_the_numbers(
    text: str, shape: object, set_to: dict[str, object], message: str, advice: str
) -> None:
    (error,) = given(text, shape, **set_to).errors

    assert (error.code, error.where) == ("CC108", "net: --input")
    assert message in error.message
    assert advice in (error.help or "")


@pytest.mark.parametrize("set_to", [{"size": 4}, {"size": "4"}, {"size": 4, "chan": 3}])
def test_an_input_and_a_value_that_agree_are_fine(set_to: dict[str, object]) -> None:
    assert not given(SPEC, "9x4x3", **set_to).errors


def test_layers_of_bundled_networks_follow_the_input() -> None:
    """WaveNet's levels are what it puts out; a sentence's words are as wide as they come in."""
    levels = read("wavenet", input="1600x128")
    assert levels.parameters["levels"] == 128
    assert levels.shape_of(levels.output) == Shape(128, (1600,))
