"""One item that makes several tensors of one, each with a name."""

from collections.abc import Mapping

import pytest
from tabled import tabled

from convcalc import Item, Spec, loads, parse
from convcalc.graph import Network, read_text
from convcalc.layers.channels import Slice
from convcalc.spec.text import SourceText


def parts(network: Network) -> dict[str, tuple[object, str]]:
    """Every slice by its name, with its output."""
    return {
        node.name: (node.layer, str(network.shape_of(index)))
        for index, node in enumerate(network.nodes)
        if node.kind == "slice"
    }


@tabled(
    ("item", "expected"),
    [
        (
            "split: {into: [a, b, c]}",
            {
                "a": (Slice(start=0, stop=4), "8×6×4"),
                "b": (Slice(start=4, stop=8), "8×6×4"),
                "c": (Slice(start=8, stop=12), "8×6×4"),
            },
        ),
        (
            "split: [a, b]",
            {"a": (Slice(start=0, stop=6), "8×6×6"), "b": (Slice(start=6, stop=12), "8×6×6")},
        ),
        (
            "split: {into: {a: 2*n, b: 12 - 2*n}}",
            {"a": (Slice(start=0, stop=6), "8×6×6"), "b": (Slice(start=6, stop=12), "8×6×6")},
        ),
        (
            "split: {into: {top: 1, rest: 7}, axis: height}",
            {
                "top": (Slice(start=0, stop=1, axis="height"), "1×6×12"),
                "rest": (Slice(start=1, stop=8, axis="height"), "7×6×12"),
            },
        ),
    ],
)
def test_parts_are_slices(item: str, expected: Mapping[str, object]) -> None:
    network = loads(f"{{input: 8x6x12, parameters: {{n: 3}}, layers: [{item}, relu]}}")

    assert parts(network) == expected
    assert network.nodes[-1].inputs == (0,), "the tensor is passed on as it is"


def test_parts_in_rounds_and_blocks_have_names_as_items_have() -> None:
    network = loads("""
input: 8x8x12
blocks:
  half:
    layers:
      - split: [one, other]
      - add: [[from: one], [from: other]]
layers:
  - half:
    repeat: 2
  - from: half1.other
  - split: {into: [one, other]}
  - name: both
  - concat: [[from: both], [from: one]]
""")

    assert set(parts(network)) == {
        *("half1.one", "half1.other", "half2.one", "half2.other"),
        *("one", "other"),
    }
    assert str(network.shape_of(network.outputs[0])) == "8×8×9", "6 channels, and 3 of them again"


def test_a_block_of_that_name_is_the_block() -> None:
    network = loads("{input: 8, blocks: {split: {layers: [relu]}}, layers: [split]}")

    assert [node.name for node in network.layers] == ["split1.relu1"]


def test_parts_of_other_sizes_are_other_slices_for_another_input() -> None:
    text = "{input: 9x8, layers: [split: {into: [a, b], axis: length}, from: b]}"
    with pytest.raises(Exception, match="9 positions do not divide into 2 equal parts"):
        loads(text)

    longer = loads(text, input="12x8")
    assert str(longer.shape_of(longer.outputs[0])) == "6×8"


def test_values_are_those_of_the_tensor() -> None:
    np = pytest.importorskip("numpy")
    from convcalc import run

    network = loads("{input: 5x6, layers: [split: {into: {a: 2, b: 4}}, "
                    "concat: [[from: a], [from: b]]]}")  # fmt: skip
    x = np.arange(30, dtype=np.float32).reshape(1, 6, 5)
    (output,) = run(network, x).values()

    assert np.array_equal(output, x)


ERRORS: Mapping[str, tuple[str, str]] = {
    "split: [a, b, c]": ("CC312", "10 channels do not divide into 3 equal parts: 10/3 = 3.333"),
    "split: {into: {a: 3, b: 4}}": ("CC312", "the parts are 3 + 4 = 7 of 10 channels"),
    "split: {into: {a: 3, b: 5}, axis: width}": ("CC312", "the parts are 3 + 5 = 8 of 9 columns"),
    "split: {into: [a, b], axis: depth}": ("CC311", "axis depth is none of 8×9×10"),
    "split: {into: {a: 3, relu1: 7}}": ("CC117", "name `relu1` is taken"),
    "split: {into: [a, b c]}": ("CC117", "`b c` is no name"),
    "split: [a]": ("CC302", "split makes two parts or more, and has 1"),
    "split: {into: {a: 0, b: 10}}": ("CC302", "part `a` is 0, which is below 1"),
    "split": ("CC115", "split needs the names of its parts"),
    "split: {axis: height}": ("CC115", "split needs the names of its parts"),
    "split: {into: [a, b], dim: 2}": ("CC109", "split has no field `dim`"),
    "split: {a: 3, b: 7}": ("CC109", "split has no field `a`"),
    "split: 2": ("CC107", "into is a list of names, or names with sizes, and this is `2`"),
    "split: {into: {a: x, b: 7}}": ("CC111", "`x` is not a known name"),
    "{split: [a, b], axis: height}": ("CC109", "`axis` cannot stand beside `split`"),
    "{split: [a, b], weights: relu1}": (
        "CC202",
        "layer 1 is a `relu` in `relu1`, and a",
    ),
}
"""An item → the code and the beginning of the message of its one error."""


@tabled("item", ERRORS)
def test_what_is_wrong_is_said_once(item: str) -> None:
    text = f"input: 8x9x10\nlayers:\n  - relu\n  - {item}\n  - relu\n"
    (error,) = read_text(SourceText("it.yaml", text)).errors
    code, message = ERRORS[item]

    assert (error.code, error.message[: len(message)]) == (code, message)
    assert error.help


def test_it_is_written_and_read_as_it_is() -> None:
    items = [Item("split", into={"a": 3, "b": 5}, axis="width"), Item("split", into=["c", "d"])]
    spec = Spec(input="8x8x4", layers=[*items, Item("split", ["e", "f"])])

    assert parse(spec.to_yaml()) == spec
    assert len(parts(spec.network())) == len("abcdef")
