"""How layers are written in code: what a spec says of it, and that nothing loses it."""

from collections import Counter
from pathlib import Path

import pytest
from tabled import tabled

import convcalc
from convcalc.graph.by_origin import by_origin
from convcalc.graph.written import with_ways, written, written_said
from convcalc.layers import CATALOGUE
from convcalc.layers.written import WAYS, WORDS, kinds_with, usual, words_of
from convcalc.spec.fold import fold
from convcalc.spec.made_of import read_by_layers
from convcalc.spec.members import member
from convcalc.spec.unfold import unfolded

NETWORK = """\
input: 8x8x4
blocks:
  unit:
    layers:
      - conv: {filters: 4, kernel: 1}
      - layernorm
      - relu
layers:
  - conv: {filters: 4, kernel: 3, padding: same}
  - {relu: , name: last}
  - {unit: {}, repeat: 2}
  - upsample: 2
  - global_avgpool
"""


def said(lines: str, *more: tuple[str, str]) -> dict[str, list[str]]:
    """How the layers of the network above are written."""
    network = with_ways(convcalc.loads(f"{NETWORK}written: {lines}"), more)
    return {
        node.name: sorted(words)
        for node, words in zip(network.nodes, written(network), strict=True)
        if words
    }


USUAL = {
    "conv1": ["module"],
    "last": ["module"],
    **{
        f"unit{number}.{kind}1": ["module"]
        for number in (1, 2)
        for kind in ("conv", "layernorm", "relu")
    },
    "upsample1": ["module", "scale"],
    "global_avgpool1": ["module"],
}
FUNCTIONS = {each: ["function"] for each in ("last", "unit1.relu1", "unit2.relu1")}

SAID: list[tuple[str, dict[str, list[str]]]] = [
    ("{}", {}),
    ("", {}),
    ("{relu: function}", FUNCTIONS),
    ("{last: method}", {"last": ["method"]}),
    ("{relu: function, last: method}", {**FUNCTIONS, "last": ["method"]}),
    ("{last: method, relu: function}", FUNCTIONS),
    ("{relu: function, last: module}", {**FUNCTIONS, "last": ["module"]}),
    (
        "{unit1: subclass}",
        {f"unit1.{each}1": ["subclass"] for each in ("conv", "layernorm", "relu")},
    ),
    ("{'unit*.layernorm*': subclass}", {f"unit{n}.layernorm1": ["subclass"] for n in (1, 2)}),
    ("{conv: linear}", {f"unit{n}.conv1": ["linear"] for n in (1, 2)}),
    ("{'*': mean}", {"global_avgpool1": ["mean"]}),
    ("{upsample: size}", {"upsample1": ["module", "size"]}),
    ("{upsample: [function, size]}", {"upsample1": ["function", "size"]}),
    ("{upsample: [function, size], upsample1: scale}", {"upsample1": ["function", "scale"]}),
    ("{conv: string}", {"conv1": ["module", "string"]}),
    ("{conv1: [string, subclass]}", {"conv1": ["string", "subclass"]}),
    (
        "{'unit*.conv1': linear, conv1: function}",
        {"conv1": ["function"], **{f"unit{n}.conv1": ["linear"] for n in (1, 2)}},
    ),
    (
        "{conv: [function, linear]}",
        {"conv1": ["function"], **{f"unit{n}.conv1": ["linear"] for n in (1, 2)}},
    ),
]  # fmt: skip


@tabled(("lines", "others"), SAID)
def test_a_layer_is_written_as_the_last_line_says_that_matches_it(
    lines: str, others: dict[str, list[str]]
) -> None:
    assert said(lines) == {**USUAL, **others}


def test_lines_from_outside_stand_behind_those_of_the_spec() -> None:
    assert said("{relu: function}", ("last", "method"))["last"] == ["method"]
    assert said("{last: method}", ("relu", "function"))["last"] == ["function"]


def test_it_is_known_which_line_says_it() -> None:
    network = convcalc.loads(f"{NETWORK}written: {{relu: function, last: method, unit1: module}}")
    lines = [{word: way.pattern for word, way in each.items()} for each in written_said(network)]
    known = dict(zip((node.name for node in network.nodes), lines, strict=True))

    assert known["last"] == {"method": "last"}
    assert known["unit1.relu1"] == {"module": "unit1"}
    assert known["unit2.relu1"] == {"function": "relu"}
    assert known["conv1"] == {}


REFUSED: list[tuple[str, int, str, str, str]] = [
    ("{rleu: function}", 11, "CC116", "no layer is called `rleu`, or is of that kind", "`relu`"),
    ("{unit3: function}", 11, "CC116", "no layer is called `unit3`", "lists names"),
    ("{relu: linear}", 11, "CC116", "`relu` is `relu`, of which `linear` cannot be said", "method"),
    ("{conv1: linear}", 11, "CC116", "`conv1` is no convolution of kernel 1", "leave the line out"),
    ("{unit1.conv1: string}", 11, "CC116", "`unit1.conv1` is no convolution whose", "name those"),
    ("{relu: functoin}", 17, "CC107", "this takes one of module", "did you mean `function`?"),
    ("{input: function}", 11, "CC116", "`input` is `input`, of which `function` cannot", "conv"),
    ("{relu: []}", 17, "CC107", "this takes one of module", ""),
    ("{relu: }", 17, "CC107", "this takes one of module", ""),
    ("{relu: {a: b}}", 17, "CC107", "this takes one of module", ""),
    ("{relu: [function, fun]}", 28, "CC107", "this takes one of module", ""),
    ("{relu: [function, method]}", 18, "CC116", "`function` holds of nothing here", "one of both"),
    ("{conv: [linear, function]}", 18, "CC116", "`linear` holds of nothing here", "one of both"),
    ("{last: [method, method]}", 18, "CC116", "`method` is said twice", "say one of both"),
    ("[relu]", 10, "CC107", "written is a mapping", "{relu: function}"),
    ("function", 10, "CC107", "written is a mapping", "{relu: function}"),
]  # fmt: skip


@tabled(("lines", "column", "code", "message", "advice"), REFUSED)
def test_what_says_nothing_is_refused(
    lines: str, column: int, code: str, message: str, advice: str
) -> None:
    with pytest.raises(convcalc.SpecError) as raised:
        convcalc.loads(f"{NETWORK}written: {lines}")
    (found,) = raised.value.diagnostics

    assert (found.code, found.line, found.column) == (code, 14, column)
    assert found.message.startswith(message)
    assert advice in (found.help or "")


@tabled(
    ("pattern", "word", "message"),
    [
        ("rleu", "function", "no layer is called `rleu`, or is of that kind: did you mean `relu`?"),
        ("relu", "functoin", "did you mean function?"),
        ("relu", "mean", "of which `mean` cannot be said"),
    ],
)
def test_lines_from_outside_that_say_nothing_are_refused(
    pattern: str, word: str, message: str
) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        said("{}", (pattern, word))

    assert message in str(raised.value)


@pytest.mark.parametrize("kind", ["identity", "concat"])
def test_a_kind_of_which_nothing_can_be_said_is_known(kind: str) -> None:
    text = "{input: 4x4x2, layers: [identity, concat: [[], []]], written: {%s: mean}}"
    with pytest.raises(convcalc.SpecError) as raised:
        convcalc.loads(text % kind)
    (found,) = raised.value.diagnostics

    assert found.message == f"`{kind}` is `{kind}`, of which `mean` cannot be said"
    assert found.help == "`mean` is said of global_avgpool"


def test_a_line_says_nothing_of_a_network_with_errors() -> None:
    text = NETWORK.replace("kernel: 3, padding: same", "kernel: 30") + "written: {rleu: function}"

    with pytest.raises(convcalc.SpecError) as raised:
        convcalc.loads(text)

    assert [found.code for found in raised.value.diagnostics] == ["CC303"]


def test_more_pairs_of_lines_and_layers_than_can_be_tried_are_refused() -> None:
    lines = ", ".join(f"'l{number}*': function" for number in range(501))
    many = "{layers: [relu], repeat: 8000}"

    with pytest.raises(convcalc.SpecError) as raised:
        convcalc.loads(f"{{input: 8, layers: [{many}], written: {{{lines}}}}}")
    (found,) = raised.value.diagnostics

    assert found.code == "CC103"
    assert found.message == (
        "written has 501 lines, which for 8,001 layers are more than 4,000,000 pairs of both"
    )


LINES = [lines for lines, _ in SAID if lines not in ("", "{}")]


@tabled("lines", LINES)
def test_writing_a_spec_out_and_folding_it_keep_how_it_is_written(lines: str) -> None:
    spec = convcalc.parse(f"{NETWORK}written: {lines}")
    flat = unfolded(spec)
    assert flat is not None
    again = fold(flat)
    wanted = written(spec.network())

    assert written(flat.network()) == wanted
    assert written(again.network()) == wanted
    assert again.blocks or again.layers != flat.layers


@tabled("name", ["googlenet", "inception_v3", "densenet121", "convnext_tiny"])
def test_bundled_networks_are_folded_with_what_they_say(name: str) -> None:
    network = convcalc.load(name)
    assert network.written is not None
    spec = network.written.spec
    flat = None if spec is None else unfolded(spec)
    assert flat is not None

    assert written(flat.network()) == written(network)
    assert written(fold(flat).network()) == written(network)


def test_every_word_is_one_of_a_kind_and_answers_one_question() -> None:
    for word in WORDS:
        assert kinds_with(word), word
    for kind, questions in WAYS.items():
        assert kind in CATALOGUE
        words = words_of(kind)
        assert {*words} <= {*WORDS}
        assert max(Counter(words).values()) == 1
        assert usual(kind) == {answers[0] for answers in questions} - {""}
        assert all(len(answers) > 1 for answers in questions)


def test_conversions_say_of_layers_with_other_names_how_they_are_written() -> None:
    text = """\
input: 16x16x16
layers:
  - conv: {filters: 16, kernel: 5, padding: 2}
  - conv: {filters: 8, kernel: 1}
  - batchnorm
  - relu
written: {conv2: subclass, relu: function}
"""
    made = convcalc.convert(convcalc.loads(text), ["stack", "fold-batchnorm"])

    words = zip(made.network.layers, written(made.network)[1:], strict=True)

    assert [(node.name, *said) for node, said in words] == [
        ("conv1", "module"),
        ("relu1", "module"),
        ("conv2", "module"),
        ("conv3", "subclass"),
        ("relu2", "function"),
    ]
    assert written(convcalc.loads(made.spec.to_yaml())) == written(made.network)


def test_a_layer_that_is_called_as_another_kind_is_not_written_as_that() -> None:
    layers = (
        "[{conv: {filters: 4, kernel: 1}}, {dropout: , name: conv}, {conv: {filters: 4, kernel: 1},"
        " name: c}, batchnorm, upsample: {size: 8x8}, {upsample: {size: 8x8}, name: relu}, relu]"
    )
    ways = "{conv: subclass, upsample1: subclass, dropout: module}"
    network = convcalc.loads(f"{{input: 8x8x4, layers: {layers}, written: {ways}}}")
    made = convcalc.convert(network, ["fold-batchnorm"])
    lines = made.spec.written

    assert [" ".join(sorted(words)) for words in written(made.network)[1:]] == [
        *("subclass", "module", "subclass", "size subclass", "module size", "module"),
    ]
    assert [*lines] == ["conv", "upsample1", "dropout"]


def test_layers_that_are_called_by_their_origins_are_written_as_they_were() -> None:
    layers = "[{relu: , name: a, origin: x.0}, {relu: , name: b, origin: a}]"
    network = convcalc.loads(f"{{input: 8, layers: {layers}, written: {{a: function}}}}")

    assert [*map(set, written(network)[1:])] == [{"function"}, {"function"}]  # by name, by origin
    network = convcalc.loads(f"{{input: 8, layers: {layers}, written: {{b: method}}}}")
    renamed = by_origin(network)
    assert [node.name for node in renamed.layers] == ["x.0", "a"]
    assert written(renamed) == written(network)


def test_a_word_is_no_parameter_of_that_name() -> None:
    """The layers do not read it: the input's size may be whatever is given."""
    text = "{input: [size, size, 4], parameters: {size: 8}, layers: [upsample: 2]"
    entries = convcalc.parse(f"{text}, written: {{upsample: size}}}}").entries

    assert "size" not in read_by_layers(entries, "size")
    unused = text.replace("[size, size, 4]", "8x8x4") + ", written: {upsample: size}}"
    found = {each.code for each in convcalc.check({"a.yaml": unused}, isolated=True).diagnostics}
    assert "CC422" in found
    assert "size" in read_by_layers(convcalc.parse(text.replace("2", "size") + "}").entries, "size")


FAMILY = """\
input: 8x8x4
parameters: {last: false}
presets:
  one: {last: true, written: {last: method, relu: function}}
  two: {}
layers:
  - relu
  - {relu: , name: last, when: last}
written: {relu: subclass}
"""


def test_the_size_of_an_upsample_is_written_as_the_spec_gives_it() -> None:
    layers = (
        "[{upsample: {size: 9x9}}, {upsample: 2}, {upsample: {size: [incoming.height + 2, 9]}}]"
    )
    network = convcalc.loads(f"{{input: 4x4x2, layers: {layers}}}")
    by_factor = with_ways(network, [("upsample", "scale")])

    assert [sorted(words) for words in written(network)[1:]] == [
        ["module", "size"],
        ["module", "scale"],
        ["module", "size"],
    ]
    assert [*map(sorted, written(by_factor)[1:])] == [["module", "scale"]] * 3


def test_a_preset_adds_lines_behind_those_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "family.yaml"
    file.write_text(FAMILY, encoding="utf-8")
    one = convcalc.load(f"{file}#one")
    spec = member(convcalc.parse(FAMILY), "one")

    assert [*map(set, written(one)[1:])] == [{"function"}, {"function"}]
    assert [*spec.written] == ["last", "relu"]
    assert written(spec.network()) == written(one)
    assert [*map(set, written(convcalc.load(f"{file}#two"))[1:])] == [{"subclass"}]


def test_a_line_of_a_preset_stands_in_place_of_the_same_line_of_its_file(tmp_path: Path) -> None:
    text = """\
input: 8x8x4
presets:
  one: {written: {conv: function}}
written: {conv: string, relu: method}
layers: [conv: {filters: 4, kernel: 3, padding: same}, relu]
"""
    file = tmp_path / "family.yaml"
    file.write_text(text, encoding="utf-8")
    one = convcalc.load(f"{file}#one")

    assert [*map(set, written(one)[1:])] == [{"function"}, {"method"}]
    assert written(member(convcalc.parse(text), "one").network()) == written(one)
