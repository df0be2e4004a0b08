"""Specs in pairs: those in ok/ are silent, those in err/ say exactly what their .out says."""

import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from paths import TESTS
from tabled import tabled

from convcalc import parse
from convcalc.analysis import analyze
from convcalc.diagnostics import Span
from convcalc.findings import Findings
from convcalc.formats.diagnostics import render
from convcalc.graph import Network, read, read_text
from convcalc.spec import source
from convcalc.spec.nodes import MAX_DEPTH, ScalarNode
from convcalc.spec.source import Opened, compose, open_spec
from convcalc.spec.text import SourceText
from convcalc.spec.values import FieldError, Scope, axes, quoted, word
from convcalc.spec.write import write

FOLDER = TESTS / "specs"
OK = sorted((FOLDER / "ok").glob("*.yaml"))
ERR = sorted((FOLDER / "err").glob("*.yaml"))


def findings(path: Path) -> str:
    network = read(str(path))
    return render(network.diagnostics).replace(str(path), path.name)


@tabled("path", OK, ids=lambda path: path.stem)
def test_good_specs_are_silent_and_keep_what_they_expect(path: Path) -> None:
    network = read(str(path))

    assert not network.diagnostics
    report = analyze(network)
    for promise in network.promises.expect:
        if promise.name == "output":
            assert report.output == promise.wanted
        else:
            assert promise.wanted.holds(getattr(report.totals, promise.name))  # type: ignore[union-attr]


@tabled("path", ERR, ids=lambda path: path.stem)
def test_bad_specs_say_exactly_what_is_wrong(path: Path) -> None:
    found = findings(path)
    expected = path.with_suffix(".out")
    if os.environ.get("CONVCALC_UPDATE"):
        expected.write_text(found, encoding="utf-8")

    assert found == expected.read_text(encoding="utf-8")
    assert found, "a spec in err/ has something wrong"


def test_every_finding_marks_at_least_one_character() -> None:
    """A caret under nothing would be no place; in an empty text the first one stands for it."""
    ways = ["name: a\x01b", "layers: [conv: {filters: 3 +}]", "layers: [conv: {filters: (}]", ""]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in ERR] + ways
    empty = [
        (found.code, span)
        for text in texts
        for found in read_text(SourceText("x", text)).diagnostics
        if isinstance(span := found.place, Span)
        if (span.end_line, span.end_column) <= (span.line, span.column)
    ]

    assert not empty


@pytest.mark.parametrize(
    ("text", "overrides", "places"),
    [
        # An unknown kind hides nothing of what stands behind it.
        (
            "input: 8x8x3\ndefaults:\n  kernl: {a: 1}\n  conv: {kernell: 3}\nlayers: [relu]\n",
            {},
            [("CC113", 3, 3, 8), ("CC109", 4, 10, 17)],
        ),
        # What has no place in the text is at its first character.
        ("input: 8x8x3\nlayers: [relu]\n", {"width": 3}, [("CC118", 1, 1, 2)]),
        ("\n\n", {}, [("CC107", 1, 1, 1)]),
    ],
)
def test_findings_stand_where_the_fault_is(
    text: str, overrides: dict[str, int], places: list[tuple[str, int, int, int]]
) -> None:
    network = read_text(SourceText("x", text), parameters=overrides)

    assert [
        (each.code, each.place.line, each.place.column, each.place.end_column)
        for each in network.diagnostics
        if isinstance(each.place, Span)
    ] == places


def test_reading_many_bad_specs_in_one_run_mixes_nothing_up() -> None:
    alone = [findings(path) for path in ERR]
    together = [findings(path) for path in reversed(ERR)]

    assert alone == together[::-1]


@tabled("path", ERR, ids=lambda path: path.stem)
def test_bad_specs_are_analysed_as_far_as_they_go(path: Path) -> None:
    network: Network = read(str(path))
    report = analyze(network, strict=False)

    assert len(report.nodes) == len(network.nodes)
    assert report.totals.complete or network.errors
    if report.totals.complete:
        assert all(layer.output is not None for layer in report.layers)


LONG = "n" * 100
REFUSED = [
    # text, code, first line and column and those behind the end, and a word of the message
    ("a: &b 1\n", "CC104", (1, 4, 1, 6), "anchors are not used in specs: &b"),
    ("a: &bcd [1]\n", "CC104", (1, 4, 1, 8), "anchors are not used in specs: &bcd"),
    ("é: &b {c: 1}\n", "CC104", (1, 4, 1, 6), "anchors are not used in specs: &b"),
    ("a: 1\r\nb: &c\r\n", "CC104", (2, 4, 2, 6), "anchors are not used in specs: &c"),
    (f"k: &{LONG} 1\n", "CC104", (1, 4, 1, 105), f"anchors are not used in specs: &{LONG[:59]}…"),
    (f"k: &{LONG[:60]} 1\n", "CC104", (1, 4, 1, 65), f"not used in specs: &{LONG[:60]}"),
    (f"k: &{LONG[:61]} 1\n", "CC104", (1, 4, 1, 66), f"not used in specs: &{LONG[:59]}…"),
    ("a: !x\n", "CC104", (1, 4, 1, 5), "tags are not used in specs: !x"),
    ("a: !x [1]\n", "CC104", (1, 4, 1, 5), "tags are not used in specs: !x"),
    ("a: *bc\n", "CC104", (1, 4, 1, 7), "aliases are not used in specs: *bc"),
    ("? [a]\n: 1\n", "CC104", (1, 3, 1, 4), "a list or mapping cannot be a key"),
    ("{{a: 1}: 1}\n", "CC104", (1, 2, 1, 3), "a list or mapping cannot be a key"),
    ("<<: {a: 1}\n", "CC104", (1, 1, 1, 3), "merge keys are not used in specs"),
    ("a: 1\n---\nb: 2\n", "CC105", (2, 1, 2, 4), "a second document starts here"),
    ("a: 1\na: 2\n", "CC106", (2, 1, 2, 2), "key `a` is given twice"),
    ("- " * (MAX_DEPTH + 1) + "a\n", "CC103", (1, 129, 1, 130), "nested more than 64 deep"),
    ("x: " + "[" * MAX_DEPTH + "\n", "CC103", (1, 67, 1, 68), "nested more than 64 deep"),
    ("x: 1\ny: \x01\n", "CC105", (2, 4, 2, 5), "not YAML: "),
]


def composed(text: str) -> Findings:
    written = SourceText("x", text)
    found = Findings(written)
    compose(written, found)
    return found


@tabled(("text", "code", "span", "said"), REFUSED)
def test_spec_source_is_refused_where_the_reason_stands(
    text: str, code: str, span: tuple[int, ...], said: str
) -> None:
    (found,) = composed(text).diagnostics

    assert (found.code, found.span) == (code, span)
    assert said in found.message
    assert found.help or said == "not YAML: "
    assert "\n" not in found.message


@tabled(
    "text",
    ["a: 1\n", "'<<': 1\n", "---\na: 1\n", "a: 1\n...\n", "- " * MAX_DEPTH + "a\n",
     "x: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1), "'&a': '*b'\n", ""],
)  # fmt: skip
def test_spec_source_within_the_rules_says_nothing(text: str) -> None:
    assert not composed(text).diagnostics


def test_spec_source_names_the_first_place_of_a_key_given_twice() -> None:
    found = composed("a: 1\nb: 1\na: 2\nlong: 1\nlong: 2\na: 3\n").diagnostics

    said = [(each.span and each.span[:2], each.related[0][0][:4]) for each in found]
    assert said == [((3, 1), (1, 1, 1, 2)), ((5, 1), (4, 1, 4, 5)), ((6, 1), (1, 1, 1, 2))]


@tabled(
    ("text", "line", "help_"),
    [
        ("a: 1\n\tb: 2\n", 2, "indent with spaces"),
        ("a: >=3\n", 1, "put quotes around it: '>=3'"),
        ("expect: {output: >3}\n", 1, "put quotes around it: '>3'"),
        ("- relu\n  name: b\n", 1, "write `- relu:`"),
        ("a: b\n  name: c\n", 2, "begin it at the start of its line"),
        ("a: b: c\n", 1, "write `a: {b: c}`"),
        ("- a b\n  name: c\n", 2, "indent the lines of one mapping alike"),
        ("a: 1\nb: [1\n\n\n", 2, "write `[1]`"),
        ("a: [1\nb: 2\n", 1, "write `[1]`"),
    ],
)
def test_spec_source_that_is_no_yaml_is_told_at_its_line(
    text: str, line: int, help_: str | None
) -> None:
    (found,) = composed(text).diagnostics

    assert found.code == "CC105"
    assert found.span
    assert found.span.line == line
    assert (found.help or "").startswith(help_ or "")
    assert bool(found.help) == bool(help_)


TEXTS = ["", "a", "a\n", "\n\nab\n", "a\r\nbc\rd\n", "ab\u2028c\x0cd\nefg"]


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column by counting the ends of lines before."""
    ends = [at + 1 for at, sign in enumerate(text)
            if sign == "\n" or (sign == "\r" and text[at + 1 : at + 2] != "\n")]  # fmt: skip
    before = [end for end in ends if end <= offset]
    return len(before) + 1, offset - max(before, default=0) + 1


@pytest.mark.parametrize("text", TEXTS)
def test_spec_text_knows_the_place_of_every_character(text: str) -> None:
    written = SourceText("x", text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    for offset in range(len(text) + 1):
        line, column = place(text, offset)
        assert written.position(offset) == (line, column)
        assert written.offset(line, column) == offset
    for number in (*range(1, len(lines) + 1), *range(len(lines), 0, -1)):  # whichever came before
        assert written.line(number) == lines[number - 1]


@pytest.mark.parametrize("text", TEXTS)
def test_spec_text_spans_at_least_a_character(text: str) -> None:
    for start, end in product(range(len(text) + 3), repeat=2):
        first, last = min(start, len(text)), min(max(end, start + 1), len(text))
        line, column = place(text, first)
        behind = max(place(text, last), (line, column + 1)) if last <= first else place(text, last)

        assert SourceText("x", text).span(start, end) == (line, column, *behind)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a" * 39, "a" * 39),
        ("a" * 40, "a" * 40),
        ("a" * 41, "a" * 39 + "…"),
        ("a" * 99, "a" * 39 + "…"),
    ],
)
def test_spec_fields_are_quoted_with_forty_characters(text: str, shown: str) -> None:
    assert quoted(ScalarNode(text, 0, len(text))) == f"`{shown}`"


def test_spec_fields_have_eighteen_digits_at_most() -> None:
    digits = "9" * 18
    assert axes(ScalarNode(f"{digits}x1", 0, 20), Scope({})) == (int(digits), 1)
    for text in (f"{digits}9x1", f"1x{digits}9"):
        with pytest.raises(FieldError) as error:
            axes(ScalarNode(text, 0, 21), Scope({}))
        assert error.value.problem.code == "CC103"
        assert "a number of 19 digits" in error.value.problem.message


CHOICES = ("zero", "reflect")


@tabled(
    ("text", "plain", "values", "chosen"),
    [
        ("zero", True, {}, "zero"),
        ("zero", False, {}, "zero"),
        ("mode", True, {"mode": "reflect"}, "reflect"),
        ("zero", True, {"zero": "reflect"}, "zero"),
        ("mode", False, {"mode": "reflect"}, None),
        ("mode", True, {"mode": 3}, None),
        ("mode", True, {}, None),
        ("'reflect' if deep else 'zero'", True, {"deep": True}, "reflect"),
        ("'reflect' if deep else 'zero'", True, {"deep": False}, "zero"),
        ("mode if deep else other", True, {"deep": False, "other": "zero", "mode": "x"}, "zero"),
        ("'reflect' if deep else 'zero'", False, {"deep": True}, None),
        ("1 if deep else 2", True, {"deep": True}, None),
        ("'reflect'", True, {}, "reflect"),
    ],
)
def test_spec_fields_of_words_take_words_text_and_conditions(
    text: str, *, plain: bool, values: dict[str, Any], chosen: str | None
) -> None:
    node = ScalarNode(text, 0, len(text), plain)
    if chosen is not None:
        assert word(node, Scope(values), CHOICES) == chosen
        return
    with pytest.raises(FieldError) as error:
        word(node, Scope(values), CHOICES)
    assert error.value.problem.code == "CC107"
    assert "zero, reflect" in error.value.problem.message


# -- what is no regular file -----------------------------------------------------------------


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.yaml"
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes")
    os.mkfifo(path)
    return path


def from_pipe(pipe: Path, *chunks: bytes) -> Opened:
    """What is read from a pipe that gives these chunks and stays open."""
    writer = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        for chunk in chunks:
            os.write(writer, chunk)
        return open_spec(str(pipe), lambda _: None)
    finally:
        os.close(writer)


def test_spec_source_of_a_silent_pipe_is_waited_for_so_long(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "SILENCE_SECONDS", 0.01)
    (found,) = from_pipe(pipe, b"input: 8").problems

    assert found.code == "CC101"
    assert "nothing came from it for 0 s" in found.message


def test_spec_source_of_an_open_pipe_is_waited_for_so_long_in_all(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PIPE_SECONDS", 0.0)
    (found,) = from_pipe(pipe, b"input: 8").problems

    assert found.code == "CC101"
    assert "did not end within 0 s" in found.message


def test_spec_source_of_a_pipe_is_read_up_to_one_character_too_many(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "SILENCE_SECONDS", 0.01)
    monkeypatch.setattr(source, "MAX_BYTES", 8)

    for text, said in ((b"input: 8", "nothing came"), (b"input: 88", "larger than")):
        (found,) = from_pipe(pipe, text).problems
        assert said in found.message


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("input: 8\nlayers:\n\n  - relu\n", "input: 8\nlayers:\n  - relu\n"),
        ("input: 8\nlayers:\n\n  # a\n  - relu\n", "input: 8\nlayers:\n  # a\n  - relu\n"),
        ("input: 8\nlayers:\n  - relu\n\n  - tanh\n", "input: 8\nlayers:\n  - relu\n\n  - tanh\n"),
        ("input: 8\n\nlayers:\n  - relu\n", "input: 8\n\nlayers:\n  - relu\n"),
    ],
)
def test_spec_lists_do_not_begin_with_a_blank_line(text: str, written: str) -> None:
    assert write(parse(text)) == written
