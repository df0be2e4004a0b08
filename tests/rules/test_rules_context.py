"""What rules ask of a network, answered by hand."""

from collections.abc import Iterable
from typing import NamedTuple

import pytest
from tabled import tabled

from convcalc.graph import Network, loads, read_text
from convcalc.rules.context import Context
from convcalc.spec.text import SourceText


class Row(NamedTuple):
    """A network, and the names of layers that answer."""

    what: str
    input: str
    layers: str
    collapse: str
    """Where the map becomes the one position of the output; "" for nowhere."""
    collapses: str
    """All such layers."""
    dense: bool
    """Whether the output is a map, or every position of one in a row."""
    extra: str = ""


CONV = "conv: {filters: 8, kernel: 3, padding: 1}"
BESIDE = "[conv: {filters: 8, kernel: 1}, global_maxpool, flatten]"
ROWS = [
    Row("no layers but an activation", "8x8x3", "relu", "", "", dense=True),
    Row("a map", "8x8x3", CONV, "", "", dense=True),
    Row("a pool over all", "8x8x3", f"{CONV}, global_avgpool, relu", "global_avgpool1",
        "global_avgpool1", dense=False),
    Row("a flattened map", "8x8x3", f"{CONV}, flatten", "flatten1", "flatten1", dense=True),
    Row("and a linear layer", "8x8x3", f"{CONV}, flatten, linear: 5", "flatten1", "flatten1",
        dense=False),
    Row("a kernel as large as the map", "8x8x3", "conv: {filters: 9, kernel: 8}, flatten", "conv1",
        "conv1", dense=False),
    Row("two positions are not one", "8x4x3", "maxpool: 4", "", "", dense=True),
    Row("a vector from the start", "9", "linear: 5, relu", "", "", dense=False),
    Row("one position from the start", "1x1x9", "conv: {filters: 5, kernel: 1}", "", "",
        dense=False),
    Row("branches that end in a pool each", "8x8x3",
        f"concat: [[{CONV}, global_avgpool, flatten], {BESIDE}], linear: 5", "global_avgpool1",
        "global_avgpool1 global_maxpool1", dense=False),
    Row("the input pooled beside a branch", "8x8x3",
        f"concat: [[global_avgpool, flatten], {BESIDE}]", "global_avgpool1",
        "global_avgpool1 global_maxpool1", dense=False),
    Row("three branches, read twice", "8x8x3",
        f"concat: [{BESIDE}, {BESIDE}, {BESIDE}], add: [[], [linear: 24]], add: [[], [relu]]",
        "global_maxpool1", "global_maxpool1 global_maxpool2 global_maxpool3", dense=False),
    Row("a position spread again", "1x1x4", "upsample: 4, relu, global_avgpool", "global_avgpool1",
        "global_avgpool1", dense=False),
    Row("one branch is the input's own position", "1x1x4",
        "add: [[upsample: 4, global_avgpool], []], add: [[], [relu]]", "global_avgpool1",
        "global_avgpool1", dense=False),
    Row("and that is the first", "1x1x4", "add: [[], [upsample: 4, global_avgpool]]", "", "",
        dense=False),
]  # fmt: skip


def names(context: Context, indices: Iterable[int | None]) -> str:
    return " ".join(context.name(index) for index in indices if index is not None)


@tabled("row", ROWS, ids=lambda row: row.what)
def test_where_the_map_becomes_one_position(row: Row) -> None:
    context = Context(loads(f"input: {row.input}\n{row.extra}\nlayers: [{row.layers}]"))

    assert names(context, [context.collapse]) == row.collapse
    assert names(context, context.collapses) == row.collapses
    assert context.dense == row.dense
    assert context.pooled == ("pool" in row.collapse)


COMPUTED = {
    "by itself": ("", "dropout: rate", True),
    "in a mapping": ("", "dropout: {rate: 1 - rate}", True),
    "in a list": ("", "reshape: {shape: [8*rate, -1]}", True),
    "in `defaults`": ("defaults: {dropout: {rate: rate}}", "dropout", True),
    "in `defaults`, of a field beside": (
        "defaults: {maxpool: {stride: rate + 1}}",
        "maxpool: {kernel: 1}",
        True,
    ),
    "a block's parameter": (
        "blocks: {unit: {parameters: {p: 0}, layers: [dropout: p]}}",
        "unit: {p: 0.5}",
        True,
    ),
    "a block's parameter that nothing sets": (
        "blocks: {unit: {parameters: {p: 0}, layers: [dropout: p]}}",
        "unit",
        True,
    ),
    "a number": ("", "dropout: 0", False),
    "no field at all": ("", "dropout", False),
    "in `defaults`, which the item hides": (
        "defaults: {dropout: {rate: rate}}",
        "dropout: 0",
        False,
    ),
    "in `defaults` of another kind": ("defaults: {dropout: {rate: rate}}", "flatten", False),
    "in `defaults`, a number": ("defaults: {dropout: {rate: 0}}", "dropout", False),
    "a word": ("", "maxpool: {kernel: 1, rounding: ceil, padding: same}", False),
    "where its branches do": ("", "add: [[dropout: rate]]", False),
}  # fmt: skip
"""Where a name stands, and whether the last layer's fields are computed from it."""


@tabled("where", COMPUTED)
def test_fields_are_computed_wherever_their_name_stands(where: str) -> None:
    extra, item, wanted = COMPUTED[where]
    text = f"input: 8x8x3\nparameters: {{rate: 0.5}}\n{extra}\nlayers: [{item}]"
    network = read_text(SourceText("x", text))

    assert Context(network).computed(len(network.nodes) - 1) is wanted


def broken(mistake: str) -> Network:
    """A map, a mistake behind it, and a layer of which nothing is known."""
    text = f"input: 8x8x3\nlayers: [{CONV}, relu, {mistake}, flatten, linear: 5]"
    network = read_text(SourceText("x", text))
    assert len(network.errors) == 1
    return network


@pytest.mark.parametrize("mistake", [
    "conv: {filters: 8, kernel: 99}", "maxpool: 9", "reshape: {shape: [7, -1]}",
    "batchnorm: {epsilon: -1}", "add: [[], [maxpool: 2]]",
])  # fmt: skip
def test_of_a_network_with_a_mistake_nothing_is_said_about_its_end(mistake: str) -> None:
    context = Context(broken(mistake))

    assert context.collapse is None
    assert context.collapses == []
    assert not context.dense
    assert not context.pooled
    assert not context.any_size
    assert context.first_fitting([context.output(0)], lambda _: True) is None
    assert context.fields[1][0] is not None, "what is known stays known"
    assert context.smallest_fields[2] == ((3, 1), (3, 1))


def test_the_smallest_field_is_that_of_the_shortest_path() -> None:
    """Along an axis: 3; 3 + 2·1 = 5 beside the same 3; pooled by 2: 3 + 1·1 = 4, 2 apart."""
    text = f"input: 16x16x8\nlayers: [{CONV}, add: [[], [{CONV}]], maxpool: 2, {CONV}, upsample: 2]"
    context = Context(loads(text))
    fields = dict(zip([node.name for node in context.nodes], context.smallest_fields, strict=True))

    assert fields == {
        "input": ((1, 1),) * 2,
        "conv1": ((3, 1),) * 2,
        "conv2": ((5, 1),) * 2,
        "add1": ((3, 1),) * 2,
        "maxpool1": ((4, 2),) * 2,
        "conv3": ((8, 2),) * 2,  # 4 + 2·2
        "upsample1": None,
    }


DIAMOND = """input: 8x8x8
layers:
  - {relu: , name: a}
  - {relu: , name: b}
  - {relu6: , name: c}
  - {elu: , name: d, from: b}
  - {sigmoid: , name: e}
  - {tanh: , name: f, from: a}
"""
"""a is read by b and f; b by c and d; d by e."""


@tabled(
    ("one", "other", "wanted"),
    [
        ("a", "a", ""),
        ("a", "b", "b"),
        ("a", "e", "b d e"),
        ("b", "e", "d e"),
        ("c", "e", "c d e"),
        ("e", "c", "c d e"),
        ("c", "d", "c d"),
        ("e", "f", "b d e f"),
        ("c", "f", "b c f"),
    ],
)
def test_between_two_layers_are_those_behind_the_last_common_one(
    one: str, other: str, wanted: str
) -> None:
    context = Context(loads(DIAMOND))
    index = {node.name: number for number, node in enumerate(context.nodes)}

    assert names(context, context.between(index[one], index[other])) == wanted


def test_who_reads_a_layer_and_which_are_wanted() -> None:
    text = """input: 8
layers:
  - {linear: 8, name: once}
  - {linear: 8, name: twice}
  - {linear: 8, name: asked}
  - add: [[], [from: twice]]
  - {linear: 8, name: unread, from: once}
  - {linear: 8, name: last, from: add1}
expect: {layers: {asked: 8}}
"""
    context = Context(loads(text))
    index = {node.name: number for number, node in enumerate(context.nodes)}
    readers = {name: context.reader(number) for name, number in index.items()}

    assert context.consumers[index["input"]] == [index["once"]]
    assert sorted(names(context, sorted(context.wanted)).split()) == ["asked", "last"]
    assert readers == {
        "input": index["once"],
        "once": None,  # two read it
        "twice": None,
        "asked": None,  # one does, and so does `expect`
        "add1": index["last"],
        "unread": None,
        "last": None,
    }
