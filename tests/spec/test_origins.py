"""Where layers come from: `origin`, in a text and in Python, to the layer and back."""

import json

import pytest
from draws import Draw, examples
from tabled import tabled

from convcalc import Item, Spec, analyze, loads, parse
from convcalc.formats.json import render
from convcalc.graph import Network, read_text
from convcalc.spec.origin_lists import _number_in, shortened, written_out
from convcalc.spec.origins import joined, literal, unlike
from convcalc.spec.text import SourceText


def origins(layers: str, blocks: str = "") -> dict[str, str]:
    network = loads(f"input: 8x8x4\nparameters: {{way: 2}}\n{blocks}layers: {layers}\n")
    return {node.name: node.origin for node in network.layers}


@tabled(
    ("layers", "expected"),
    [
        ("[relu]", {"relu1": ""}),
        ("[{relu, origin: layer1.0.relu}]", {"relu1": "layer1.0.relu"}),
        ("[{conv: {filters: 2, kernel: 1}, origin: 0}]", {"conv1": "0"}),
        ('[{relu, name: a, origin: "/x/Relu:0"}]', {"a": "/x/Relu:0"}),
        ("[{relu, origin: same, repeat: 2}]", {"relu1": "same", "relu2": "same"}),
        ("[{relu, origin: [x, 1], repeat: 2}]", {"relu1": "x", "relu2": "1"}),
        ('[{relu, origin: "r{index - 1}", repeat: 2}]', {"relu1": "r0", "relu2": "r1"}),
        ('[{relu, origin: "w{way}{{way}}"}]', {"relu1": "w2{way}"}),
        ('[{relu, origin: "{{"}]', {"relu1": "{"}),
        ('[{relu, origin: "a{{{way}}}{way}"}]', {"relu1": "a{2}2"}),
        ('[{relu, origin: "[x{way}, y]"}]', {"relu1": "[x2, y]"}),
        # A group without a name changes no name, and says what stands in front.
        ("[{layers: [{relu, origin: a}, relu], origin: g}]", {"relu1": "g.a", "relu2": ""}),
        ("[{layers: [{relu, origin: a}], origin: g/, name: b}]", {"b.relu1": "g/a"}),
        # A merge is no group: its branches stand beside it.
        (
            "[{add: [[], [{relu, origin: r}]], origin: sum}]",
            {"relu1": "r", "add1": "sum"},
        ),
        # Of a merge with one branch left there is no layer that could come from anywhere.
        ("[{add: [[{relu, origin: r}], [when: false]], origin: sum}]", {"relu1": "r"}),
        ("[{split: {into: [a, b]}, origin: parts}]", {"a": "parts", "b": "parts"}),
    ],
)
def test_origin_of(layers: str, expected: dict[str, str]) -> None:
    assert origins(layers) == expected


UNIT = "blocks: {unit: {parameters: {n}, layers: [{relu, origin: 'act{n}'}, relu]}}\n"


@tabled(
    ("layers", "expected"),
    [
        ("[unit: 1]", ["act1", ""]),
        ("[{unit: 1, origin: a.b}, {unit: 2, origin: c_}]", ["a.b.act1", "", "c_act2", ""]),
        ("[{unit: way, origin: [a, b], repeat: 2}]", ["a.act2", "", "b.act2", ""]),
        ("[{layers: [{unit: 3, origin: u}], origin: g, name: x}]", ["g.u.act3", ""]),
        ("[{layers: [unit: 3], origin: g}]", ["g.act3", ""]),
    ],
)
def test_what_is_in_a_block_comes_behind_its_calls(layers: str, expected: list[str]) -> None:
    assert [*origins(layers, UNIT).values()] == expected


def test_groups_say_where_they_come_from() -> None:
    layers = "[{unit: 1, origin: a}, {unit: 1, name: b}, {layers: [relu], name: c, origin: d}]"
    network = loads(f"input: 8x8x4\n{UNIT}layers: {layers}")
    assert {group.name: group.origin for group in network.groups} == {
        "unit1": "a",
        "b": "",
        "c": "d",
    }


@tabled(
    ("layers", "kinds"),
    [
        ("[origin: 3]", ["conv"]),
        ("[{origin: 3, name: x, repeat: 2}]", ["conv", "conv"]),
        ("[{origin: 3, weights: x}]", ["conv"]),
    ],
)
def test_a_block_that_is_older_than_the_modifier_is_called(layers: str, kinds: list[str]) -> None:
    blocks = "blocks: {origin: {parameters: {n}, layers: [conv: {filters: n, kernel: 1}]}}"
    before = "{conv: {filters: 3, kernel: 1}, name: x}, "
    if "weights" in layers:
        layers, kinds = "[" + before + layers[1:], ["conv", *kinds]
    network = loads(f"input: 8x8x3\n{blocks}\nlayers: {layers}")
    assert [node.kind for node in network.layers] == kinds
    assert not any(node.origin for node in network.nodes)


@examples(200, name=lambda draw: draw.text("a.{}:/ -#'\"[]0é", 12) or "x")
def test_any_name_comes_back(name: str) -> None:
    """What a layer came from is the same behind a text as in Python, whatever its characters."""
    spec = Spec(
        input="8x8x4",
        layers=[
            Item("relu", origin=literal(name)),
            Item("relu", origin=[literal(name), "b"], repeat=2),
            Item(layers=[Item("relu", origin="end")], origin=literal(name)),
        ],
    )
    expected = [name, name, "b", joined(name, "end")]
    for made in (spec, parse(spec.to_yaml())):
        assert [node.origin for node in made.network().layers] == expected
    assert parse(spec.to_yaml()) == spec


def test_items_in_python() -> None:
    item = Item("relu", origin="a.b")
    assert str(item.origin) == "a.b"
    assert item.replace(origin=None) == Item("relu")
    assert item.replace(origin=["x"]).origin[0].text == "x"
    assert Item("relu").origin is None
    assert Item("origin", 3).origin is None  # the call of a block
    assert repr(item) == "Item('relu', origin='a.b')"


def test_json_has_origins_where_there_are_some() -> None:
    text = "{input: 8x8x4, layers: [{relu, origin: here}, {relu, origin: [a], repeat: 1}, relu]}"
    layers = json.loads(render(analyze(loads(text))))["layers"]
    assert [layer.get("origin") for layer in layers] == ["here", "a", None]


def test_names_that_come_twice_are_told_apart() -> None:
    assert unlike(["a", "a", "b", "a (2)", "a"]) == ["a", "a (3)", "b", "a (2)", "a (4)"]


def test_what_is_drawn_has_braces() -> None:
    drawn = [Draw(f"x {number}").text("a{}", 4) for number in range(50)]
    assert any("{" in text for text in drawn)


# Lists by kind


def listed(names: str) -> Network:
    layers = "[relu, tanh, {relu, repeat: 2}, {relu, origin: own}]"
    text = f"input: 8x8x4\nlayers: {layers}\norigins: {names}\n"
    return read_text(SourceText("net.yaml", text))


@tabled(
    ("names", "expected"),
    [
        ("{relu: [a, b, c]}", ["a", "", "b", "c", "own"]),
        ('{relu: ["r{0..2}"], tanh: [t]}', ["r0", "t", "r1", "r2", "own"]),
        ('{relu: ["r{4..0..2}"]}', ["r4", "", "r2", "r0", "own"]),
        ('{relu: ["r{7,3..4}"]}', ["r7", "", "r3", "r4", "own"]),
        ('{relu: ["r{{0}}", "", c]}', ["r{0}", "", "", "c", "own"]),
        ('{relu: ["a{1,2}.{x}", "b{0,0}"]}', ["", "", "", "", "own"]),  # four for three
        ("{relu: [a, b]}", ["", "", "", "", "own"]),
        ("{}", ["", "", "", "", "own"]),
    ],
)
def test_origins_that_are_listed_by_kind(names: str, expected: list[str]) -> None:
    network = listed(names)
    assert not network.errors
    assert [node.origin for node in network.layers] == expected
    wrong = [each.code for each in network.diagnostics]
    taken = expected[0] or names == "{}"
    assert wrong == ([] if taken else ["CC116"])


@tabled(
    ("names", "code"),
    [
        ("[a]", "CC107"),
        ("{relu: a}", "CC107"),
        ("{relu: [[a], b, c]}", "CC107"),
        ('{relu: ["a{", b, c]}', "CC107"),
        ('{relu: ["a}", b, c]}', "CC107"),
        ('{relu: ["a{1,}", b, c]}', "CC107"),
        ('{relu: ["a{0..999999999}", b, c]}', "CC107"),
        ('{relu: ["{1..999}{1..999}{1..999}"]}', "CC107"),
        ('{relu: ["a\\u0007", b, c]}', "CC107"),
        ("{rellu: [a, b, c]}", "CC113"),
        ("{block: [a, b, c]}", "CC113"),
    ],
)
def test_lists_of_origins_that_mean_nothing(names: str, code: str) -> None:
    assert [each.code for each in listed(names).errors] == [code]


def test_names_come_back_from_few_with_braces() -> None:
    """Names of modules in modules, of numbered nodes, and of anything."""
    shorter = 0
    for seed in range(60):
        random = Draw(f"names {seed}")
        names: list[str] = []
        for _ in range(random.randint(1, 6)):
            word = random.choice(("conv", "/l/block.", "a{b}", "x-", "", "0", "node_Conv_"))
            start, step = random.randint(0, 12), random.randint(1, 3)
            inner = random.choice(("", ".bn", "_{}"))
            for number in range(random.randint(1, 5)):
                rounds = range(random.randint(1, 3) if inner == ".bn" else 1)
                count = start + step * number
                names += [f"{word}{count}{inner}{each or ''}" for each in rounds]
        made = shortened(names)
        assert [each for text in made for each in written_out(text)] == names
        shorter += len(made) < len(names)
    assert shorter > 40
    assert shortened([f"n{at:03}" for at in range(4)]) == ["n{000,001,002,003}"]


@pytest.mark.parametrize("step", ["alike", "any"])
def test_each_name_is_compared_with_few_others(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers without a pattern fill many braces, and none is to look through all that follow."""
    random = Draw(step)
    names, number, compared = [], 0, 0

    def counted(text: str, front: str, behind: str) -> str | None:
        nonlocal compared
        compared += 1
        return _number_in(text, front, behind)

    for _ in range(1500):
        number += 2 if step == "alike" else random.randint(1, 19)
        names.append(f"Conv_{number}")
    monkeypatch.setattr("convcalc.spec.origin_lists._number_in", counted)
    made = shortened(names)
    assert [name for each in made for name in written_out(each)] == names
    assert len(made) == 1 if step == "alike" else len(made) > 50
    assert compared < 10 * len(names)
