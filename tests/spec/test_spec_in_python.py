"""Specs made, changed and written in Python."""

import copy
import inspect
import pickle
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from tabled import tabled
from test_spec_tree import WORKING, decoded, said

import convcalc
from convcalc import Block, Item, Shape, Spec, SpecError, Text, parse
from convcalc.graph import read_text
from convcalc.spec.expand import TOP_LEVEL
from convcalc.spec.nodes import List, Map
from convcalc.spec.syntax import parse as expression
from convcalc.spec.text import SourceText

SMALL = Spec(
    name="Small",
    input=(32, 32, 3),
    parameters={"width": 16, "border": Text("same", quoted=True)},
    blocks={
        "stage": Block(
            {"filters": None, "n": 2},
            layers=[
                Item(
                    layers=[
                        Item("conv", filters="filters", kernel=3, padding="border"),
                        Item("batchnorm"),
                        Item("relu"),
                    ],
                    repeat="n",
                )
            ],
        )
    },
    layers=[
        Item("stage", filters="width", name="one"),
        Item("maxpool", 2),
        Item("add", branches=[[], [Item("stage", {"filters": "width", "n": 1})]]),
        Item("concat", branches=[[Item(from_="maxpool1")], []], when="width > 8"),
        Item("global_avgpool"),
        Item("flatten"),
        Item("linear", 10),
    ],
    expect={"output": 10},
)
WRITTEN = """\
name: Small
input: 32x32x3
parameters: {width: 16, border: "same"}
blocks:
  stage:
    parameters: {filters, n: 2}
    layers:
      - layers:
          - conv: {filters: filters, kernel: 3, padding: border}
          - batchnorm
          - relu
        repeat: n
layers:
  - {stage: {filters: width}, name: one}
  - maxpool: 2
  - add:
      - []
      - - stage: {filters: width, n: 1}
  - concat:
      - - from: maxpool1
      - []
    when: width > 8
  - global_avgpool
  - flatten
  - linear: 10
expect: {output: 10}
"""


def test_a_spec_made_in_python_is_written_as_a_person_would() -> None:
    assert SMALL.to_yaml() == WRITTEN
    assert parse(WRITTEN) == SMALL


def test_a_spec_made_in_python_has_the_network_of_its_yaml() -> None:
    made, read = SMALL.network(), convcalc.loads(WRITTEN)

    assert said(made) != ()
    assert said(made) == said(read)
    assert convcalc.analyze(made).totals == convcalc.analyze(read).totals


def test_a_spec_takes_every_key_that_its_yaml_has() -> None:
    assert inspect.signature(Spec).parameters.keys() == TOP_LEVEL.keys()
    for key in TOP_LEVEL:
        assert isinstance(inspect.getattr_static(Spec, key), property)


@tabled("name", [name for name in WORKING if not name.startswith("corpus/")])
def test_the_network_of_a_tree_is_that_of_its_text(name: str) -> None:
    text = decoded(name)

    assert said(parse(text).network()._replace(name="")) == said(
        read_text(SourceText("a.yaml", text))._replace(name="")
    )


def test_parameters_and_input_are_replaced_as_load_does() -> None:
    network = SMALL.network(input="64x64x3", width=8)

    assert network.input == Shape(3, (64, 64))
    assert network.parameters["width"] == 8
    assert said(network) == said(convcalc.loads(WRITTEN, input="64x64x3", parameters={"width": 8}))


WRONG: list[tuple[Callable[[], Spec], str, str]] = [
    (
        lambda: Spec(input=(8, 8, 3), layers=[Item("relu"), Item("conv", filters=0, kernel=3)]),
        "layers[1].conv.filters",
        "CC302",
    ),
    (
        lambda: Spec(input=(8, 8, 3), layers=[Item("conv", filters=4)]),
        "layers[0].conv",
        "CC115",
    ),
    (
        lambda: Spec(input=(8, 8, 3), layers=[Item("conv", filters=4, kernel=3, in_channels=3)]),
        "layers[0].conv.in_channels",
        "CC109",
    ),
    (lambda: Spec(input=(8, 8, 3), layers=[Item("rlu")]), "layers[0]", "CC113"),
    (lambda: Spec(input=(8, 8, 3), layers=[Item("relu", from_="x")]), "layers[0].from_", "CC201"),
    (lambda: Spec(layers=[Item("relu")]), "spec", "CC115"),
    (lambda: Spec(input=(8, 0, 3), layers=[Item("relu")]), "input", "CC108"),
    (lambda: Spec(input=(8, "a b", 3), layers=[Item("relu")]), "input[1]", "CC110"),
    (
        lambda: Spec(
            input=(8, 8, 3),
            blocks={"a": Block(layers=[Item("relu"), Item("conv", filters="n", kernel=3)])},
            layers=[Item("a")],
        ),
        "blocks.a.layers[1].conv.filters",
        "CC111",
    ),
    (
        lambda: Spec(
            input=(8, 8, 3),
            layers=[Item("add", branches=[[], [Item("relu"), Item("maxpool", 3)]])],
        ),
        "layers[0].add[1][1].maxpool",
        "CC301",
    ),
    (
        lambda: Spec(
            input=(8, 8, 3),
            layers=[Item(layers=[Item("relu", repeat=-1)], name="group")],
        ),
        "layers[0].layers[0].repeat",
        "CC302",
    ),
    (
        lambda: Spec(input=(8, 8, 3), layers=[Item("relu")], defaults={"conv": {"kernel": -1}}),
        "defaults.conv.kernel",
        "CC302",
    ),
    (
        lambda: Spec(
            input=(8, 8, 3),
            layers=[
                Item("conv", filters=4, kernel=3, groups=1, rounding="exact", padding=[[1, -1]] * 2)
            ],
        ),
        "layers[0].conv.padding[0][1]",
        "CC302",
    ),
]


@tabled(("make", "place", "code"), WRONG, ids=[place for _, place, _ in WRONG])
def test_an_error_names_what_was_said_in_python(
    make: Callable[[], Spec], place: str, code: str
) -> None:
    with pytest.raises(SpecError) as caught:
        make().network()

    assert [(found.named, found.code) for found in caught.value.diagnostics] == [(place, code)]
    assert str(caught.value).startswith(f"{place}: {code} ")


def test_what_a_place_is_called_leads_there() -> None:
    """Every value of every item, made wrong, is named by a path that leads to that value."""
    for position, item in enumerate(SMALL.layers):
        for field in item.fields:
            broken = SMALL.replace(
                layers=[
                    item.replace(**{field: Text("1 +")}) if at == position else each
                    for at, each in enumerate(SMALL.layers)
                ]
            )
            with pytest.raises(SpecError) as caught:
                broken.network()
            named = caught.value.diagnostics[0].named
            assert named == f"layers[{position}].{item.kind}.{field}"


@tabled(
    ("value", "written"),
    [
        (3, "3"),
        (0.1, "0.1"),
        (1e-5, "1e-05"),
        (True, "true"),
        (np.int64(3), "3"),
        (np.float64(0.5), "0.5"),
        ("width", "width"),
        ("same", "same"),
        ("3", "3"),
        ((3, 5), "[3, 5]"),
        ([[1, 2], [0, 1]], "[[1, 2], [0, 1]]"),
        (range(2), "[0, 1]"),
        (expression("2 * (a + b)"), "2*(a + b)"),
        (expression("64"), "64"),
        (Text("a", quoted=True), '"a"'),
        ("a: b", '"a: b"'),
        (Shape(3, (8, 8)), "8x8x3"),
    ],
)
def test_values_of_python_are_written_as_a_spec_has_them(value: object, written: str) -> None:
    spec = Spec(layers=[Item("conv", filters=value)])

    assert spec.to_yaml() == f"layers:\n  - conv: {{filters: {written}}}\n"
    assert parse(spec.to_yaml()) == spec


def test_an_expression_with_a_comma_gets_lines_of_its_own() -> None:
    spec = Spec(layers=[Item("conv", filters="divisible(width, 8)", kernel=3)])

    assert spec.to_yaml() == (
        "layers:\n  - conv:\n      filters: divisible(width, 8)\n      kernel: 3\n"
    )


@tabled(
    ("make", "error", "said"),
    [
        (lambda: Item("conv", filters=object()), TypeError, "a spec holds numbers"),
        (lambda: Item("conv", filters=float("nan")), ValueError, "nan is no number"),
        (lambda: Item("conv", filters=float("inf")), ValueError, "inf is no number"),
        (lambda: Item("conv", filters=b"3"), TypeError, "a spec holds numbers"),
        (lambda: Item(""), TypeError, "a kind is a word"),
        (Item, TypeError, "an item has a kind"),
        (lambda: Item(filters=3), TypeError, "without a kind has no filters"),
        (lambda: Item("conv", 3, kernel=3), TypeError, "one of them"),
        (lambda: Item("add", branches=[["relu"]]), TypeError, "a branch[0] is an Item"),  # type: ignore[list-item]
        (lambda: Spec(layers=["relu"]), TypeError, "layers[0] is an Item"),  # type: ignore[list-item]
        (lambda: Spec(layers=Item("relu")), TypeError, "layers: a list of items"),  # type: ignore[arg-type]
        (lambda: Spec(blocks={"a": [Item("relu")]}), TypeError, "a is a Block"),  # type: ignore[dict-item]
        (lambda: Block("filters", layers=[]), TypeError, "a list of names or a dict"),
        (lambda: Spec(name=3), TypeError, "name is a word"),  # type: ignore[arg-type]
        (lambda: SMALL.replace(layer=[]), TypeError, "layer"),
        (lambda: Item("add", branches=[[]]).replace(filters=3), TypeError, "has no fields"),
    ],
)
def test_what_no_spec_can_hold_is_refused_where_it_is_said(
    make: Callable[[], object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        make()
    assert said in str(caught.value)


def test_what_nests_too_deep_is_refused() -> None:
    item = Item("relu")
    for _ in range(5000):
        item = Item(layers=[item])
    for made in (Spec.to_yaml, Spec.network):
        with pytest.raises(ValueError, match="nested more than 64 deep"):
            made(Spec(input=8, layers=[item]))
    for inner in (lambda values: [values], lambda values: {"a": values}):
        values: Any = 1
        for _ in range(300):
            values = inner(values)
        for made in (Spec.to_yaml, Spec.network):
            with pytest.raises(ValueError, match="nested more than 64 deep"):
                made(Spec(input=8, expect={"a": values}))


def test_what_nests_too_deep_to_be_shown_is_refused_all_the_same() -> None:
    """Python's own text of it would never end, or end in a RecursionError."""
    deep: dict[str, Any] = {"relu": None}
    for _ in range(5000):
        deep = {"layers": [deep]}
    with pytest.raises(TypeError, match=r"layers\[0\] is an Item, and this is a value \(dict\)"):
        Spec(input=8, layers=[deep])  # type: ignore[list-item]


def test_replace_changes_what_it_names_and_keeps_the_rest() -> None:
    text = """\
# A remark.
input: 8x8x3
layers:
  - conv: {filters: 8, kernel: 3}  # first

  # above
  - {relu: {}, name: last}
colour: blue
"""
    spec = parse(text)
    conv, relu = spec.layers
    changed = spec.replace(
        name="New", layers=[conv.replace(filters=16, padding=1), relu.replace(name=None)]
    )

    assert (
        changed.to_yaml()
        == """\
name: New
# A remark.
input: 8x8x3
layers:
  - conv: {filters: 16, kernel: 3, padding: 1}  # first

  # above
  - relu: {}
colour: blue
"""
    )
    assert spec.to_yaml() == text
    assert changed.replace(input=None).input is None
    assert spec["colour"] == Text("blue")


def test_items_are_changed_in_every_part() -> None:
    add = Item("add", branches=[[Item("relu")], []])
    group = Item(layers=[Item("relu")], name="g")

    assert add.replace(kind="concat").branches == add.branches
    assert add.replace(branches=[[], []]).branches == ((), ())
    assert str(add.replace(kind="concat", axis="height").fields["axis"]) == "height"
    beside = Item("concat", axis="height", branches=[[], []])
    assert beside.replace(axis="width").branches == ((), ())
    assert beside.replace(branches=[[]]) == Item("concat", axis="height", branches=[[]])
    assert group.replace(layers=[], repeat=2) == Item(layers=[], name="g", repeat=2)
    assert Item("maxpool", 2).replace(value=3) == Item("maxpool", 3)
    assert Item("maxpool", 2).replace(stride=1) == Item("maxpool", kernel=2, stride=1)
    assert Item("relu").replace(from_="a", when="x") == Item("relu", from_="a", when="x")
    assert Item("conv", filters=3, kernel=1).replace(kernel=None) == Item("conv", filters=3)


def test_trees_are_values() -> None:
    spec = parse(WRITTEN)
    other = parse("# elsewhere\n" + WRITTEN)

    assert hash(spec) == hash(SMALL)
    assert spec != other, "comments are part of it"
    assert spec.layers == other.layers, "places are not"
    assert spec.layers[0].start != other.layers[0].start
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301 (our own)
    assert copy.deepcopy(spec) == spec
    with pytest.raises(AttributeError, match=r"replace\(name="):
        spec.name = "x"  # type: ignore[misc]
    assert Item("a", 1) != Item("a", True)
    assert Item("a", [1]) != Item("a", [1.0])
    assert Map({"a": 1}) != Map({"a": True})
    assert List((1,)) != List((True,))


def test_parse_refuses_what_has_not_the_form_of_a_spec() -> None:
    for text, code in [
        ("", "CC107"),
        ("[1]", "CC107"),
        ("layers: {", "CC105"),
        ("layers: relu", "CC107"),
        ("layers: [[relu]]", "CC116"),
        ("layers: [{}]", "CC116"),
        ("layers: ['']", "CC116"),
        ("layers: [{conv: 1, relu: 2}]", "CC116"),
        ("layers: [add: [relu]]", "CC107"),
        ("blocks: [a]", "CC107"),
        ("blocks: {a: [relu]}", "CC107"),
        ("name: a\nname: b", "CC106"),
        ("a: 1", "CC107"),
        ("name: a\n---\nb: 2", "CC105"),
    ]:
        with pytest.raises(SpecError) as caught:
            parse(text)
        assert [found.code for found in caught.value.diagnostics] == [code], text


def test_a_spec_shows_itself_as_the_python_that_makes_it() -> None:
    names = {"Spec": Spec, "Item": Item, "Block": Block, "Text": Text}

    assert eval(repr(SMALL), names) == SMALL  # noqa: S307 (our own)
    item = Item("block", {"name": 1, "a b": "x"}, from_="y", repeat=2)
    assert eval(repr(item), names) == item  # noqa: S307


def test_one_item_at_two_places_is_two_in_the_network() -> None:
    pool = Item("maxpool", 3)
    spec = Spec(input=(9, 9, 1), layers=[pool, pool, pool])
    with pytest.raises(SpecError) as caught:
        spec.network()
    assert [found.named for found in caught.value.diagnostics] == ["layers[2].maxpool"]

    network = spec.replace(layers=[pool, pool]).network()
    first, second = network.nodes[-2:]
    assert first.item == second.item == pool
    assert first.item is not second.item, "what is written twice stands at two places"


def test_a_network_of_python_is_made_without_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        message = "a text is made"
        raise AssertionError(message)

    monkeypatch.setattr("convcalc.spec.write.write", fail)
    monkeypatch.setattr("convcalc.spec.source.parser_of", fail)
    network = SMALL.network()

    assert set(network.lines) == {None}
    assert network.groups[0].item == SMALL.layers[0]
    assert "ScalarNode" not in repr(network.groups)
    assert repr(network.groups[0].item) == repr(SMALL.layers[0])
    assert repr(network.groups[0]) == "<Group 'one': block 'stage', layers 1 to 6>"


def test_values_of_python_and_their_yaml_have_the_same_problems_at_the_same_places() -> None:
    """Whatever is made wrong in a spec is named alike in both."""
    for make, place, code in WRONG:
        spec = make()
        found = convcalc.check(spec, isolated=True, select="CC1,CC2,CC3").diagnostics
        assert [(each.code, each.named) for each in found] == [(code, place)]
        assert all(each.span is None and not each.source_line for each in found)


@pytest.mark.parametrize("name", ["text", "concise", "github", "gitlab", "junit", "sarif", "json"])
def test_every_format_of_check_names_a_place_in_python(name: str) -> None:
    spec = Spec(input=(8, 8, 3), layers=[Item("relu"), Item("conv", filters=0, kernel=3)])
    report = convcalc.check({"mine": spec}, isolated=True)
    render = import_module(f"convcalc.formats.check.{name}").render
    text = render(report)

    assert "CC302" in text
    named = "layers[1].conv.filters" in text
    assert named or name == "json"
    if name == "json":
        assert '"line": null' in text
        assert '"named": "layers[1].conv.filters"' in text


@pytest.mark.parametrize(
    ("value", "rest", "given"),
    [
        (3, {}, "a value"),
        (None, {"branches": []}, "branches"),
        (None, {"branches": [[Item("relu")]]}, "branches"),
        (None, {"filters": 3, "kernel": 5}, "filters"),
    ],
)
def test_spec_items_without_a_kind_have_layers_alone(
    value: object, rest: dict[str, Any], given: str
) -> None:
    with pytest.raises(TypeError, match=f"an item without a kind has no {given}"):
        Item(None, value, **rest)


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        (3, {"filters": 4}),
        (3, {"branches": []}),
        (None, {"branches": [], "filters": 4}),
        (3, {"branches": [], "filters": 4}),
    ],
)
def test_spec_items_take_a_value_or_fields_or_branches(value: object, rest: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="conv takes a value, fields or branches, one of them"):
        Item("conv", value, **rest)
    if value is not None:
        with pytest.raises(TypeError, match="concat takes a value, or branches and fields, one"):
            Item("concat", value, **rest)
