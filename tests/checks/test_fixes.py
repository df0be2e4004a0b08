"""Every finding with a fix, fixed alone: it goes, no error comes, and all other text stays."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import get_args

import pytest
from kinds import CASES
from paths import PACKAGE, ROOT, TESTS

from convcalc import Block, Item, Spec, parse
from convcalc.checks.codes import Selection
from convcalc.checks.fixes import Fixed, fixed
from convcalc.checks.run import Task, check_text
from convcalc.checks.settings import Settings
from convcalc.diagnostics import (
    Diagnostic,
    Fix,
    Named,
    Span,
    remove_field,
    remove_item,
    remove_value,
    set_field,
)
from convcalc.graph import Network, SpecError, read_text
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import declarations
from convcalc.rules.page import pages
from convcalc.spec.edit import Editor, applied
from convcalc.spec.source import Opened
from convcalc.spec.text import SourceText

EVERYTHING = Task(Settings(Selection(extend_select=("CC4",))))
PROMISED = "CC5"
"""What `expect` and `budget` say of the network; `--fix` makes no fix that breaks it."""
SHAPES = {
    ("star_notation.yaml", "CC119"): "its layers fit each other as the products they are",
}
"""Fixes that change a shape, in networks where that shape is needed."""


def texts() -> Iterator[tuple[str, str]]:
    for folder in ("specs/err", "corpus"):
        for path in sorted((TESTS / folder).glob("*.yaml")):
            yield path.name, path.read_bytes().decode("utf-8-sig", "replace")
    for code, page in pages().items():
        for number, match in enumerate(re.finditer(r"```yaml\n(.*?)```", page.text, re.DOTALL)):
            yield f"{code} {number}", match[1]


@cache
def findings(text: str) -> tuple[Diagnostic, ...]:
    return check_text(SourceText("a.yaml", text), EVERYTHING).diagnostics


def said(item: Diagnostic) -> tuple[str, str | None, str]:
    return item.code, item.layer, item.message


def fixing(text: str) -> Fixed:
    return fixed(Opened("a.yaml", SourceText("a.yaml", text)), EVERYTHING)


@cache
def with_fixes() -> list[tuple[str, str, Diagnostic]]:
    """A text and one of its findings with a fix: each fix of a code once a text, CC408's once."""
    every = {
        ("" if item.code == "CC408" else name, item.code, str(item.fix)): (name, text, item)
        for name, text in texts()
        for item in findings(text)
        if item.fix is not None
    }
    return [*every.values()]


@pytest.mark.thorough
def test_fixes_of_all_sorts_are_looked_at() -> None:
    assert {item.code for _, _, item in with_fixes()} >= {
        *("CC107", "CC109", "CC110", "CC111", "CC113", "CC119", "CC201", "CC308"),
        *("CC403", "CC408", "CC421", "CC505"),
    }
    dos = {item.fix.do for _, _, item in with_fixes() if item.fix}
    assert dos == {*get_args(Fix.__annotations__["do"])}


def test_a_fix_alone_mends_its_finding_and_breaks_nothing() -> None:
    for name, text, item in with_fixes():
        assert item.edits, (name, item)
        after = applied(SourceText("a.yaml", text), item.edits)
        old, new = Counter(map(said, findings(text))), Counter(map(said, findings(after)))

        assert new[said(item)] < old[said(item)], (name, item.message, after)
        there, then = (  # names of items count the items of a kind
            Counter((each.code, each.message) for each in findings(spec)) for spec in (text, after)
        )
        came = {
            code
            for code, _ in then - there
            if code[:3] != PROMISED and not (item.code == "CC113" and code == "CC109")
        }
        errors = {each.code for each in findings(after) if each.severity == "error"}
        if (name, item.code) not in SHAPES:
            assert not came & errors, (name, item.message, came, after)


def test_what_is_left_out_leaves_every_other_layer_as_it_was() -> None:
    """What may go does nothing: no layer beside it has other fields, shapes, weights or MACs."""

    def layers(network: Network, gone: set[int]) -> list[object]:
        return [
            (node.kind, node.layer, plan and (plan.output, plan.weights, plan.macs))
            for node, plan in zip(network.nodes, network.plans, strict=True)
            if id(node.item) not in gone
        ]

    seen = set()
    for name, text, item in with_fixes():
        before = read_text(SourceText("a.yaml", text))
        if item.fix is None or "remove" not in item.fix.do or before.errors:
            continue
        seen.add(item.code)
        gone = {id(node.item) for node in before.nodes if node.name == item.layer}
        after = read_text(SourceText("a.yaml", applied(SourceText("a.yaml", text), item.edits)))
        assert layers(after, set()) == layers(before, gone), (name, item)
    assert "CC421" in seen


def test_a_field_that_a_kind_has_is_set_and_never_removed() -> None:
    """In each form of an item: `dropout` has another rate than `dropout: 0`, and so with all."""
    forms = 0
    for case in CASES:
        values = {field: json.dumps(value) for field, value in case.fields.items()}
        items = [
            (f"{case.kind}: {{{', '.join(f'{each}: {values[each]}' for each in values)}}}", values)
        ]
        if next(iter(values), "") == next(iter(declarations(layer_class(case.kind))), None):
            first, value = next(iter(values.items()))
            items.append((f"{case.kind}: {value}", {first: value}))
        for item, given in items:
            text = f"layers:\n  - relu\n  - {item}\n  - softmax\n"
            source, editor = (
                SourceText("a.yaml", text),
                Editor(SourceText("a.yaml", text), parse(text)),
            )
            for field, value in given.items():
                before = f"{field}: " if "{" in item.partition(":")[2][:2] else f"{case.kind}: "
                at = text.index(before + value) + len(before)
                place = Span(*source.position(at), *source.position(at + len(value)))
                assert not editor.edits(place, remove_field()), (item, field)
                assert not editor.edits(place, remove_value()), (item, field)
                (edit,) = editor.edits(place, remove_item())
                assert (
                    applied(source, [(editor.span(edit), "")]) == "layers:\n  - relu\n  - softmax\n"
                )
                forms += 1
    assert forms > len(CATALOGUE)


@pytest.mark.parametrize("field", ["0", "{rate: 0}", "\n      rate: 0"])
def test_an_item_goes_whole_whichever_of_its_fields_is_at_fault(field: str) -> None:
    head = "input: 8x8x3\nlayers:\n  - relu\n"
    text = f"{head}  - dropout: {field}\n  - softmax\n"
    source = SourceText("a.yaml", text)
    at = text.index("0", len(head))
    place = Span(*source.position(at), *source.position(at + 1))
    editor = Editor(source, parse(text))

    def after(fix: Fix) -> str:
        edits = editor.edits(place, fix)
        return applied(source, [(editor.span(edit), edit.text) for edit in edits])

    assert after(remove_item()) == f"{head}  - softmax\n"
    assert after(set_field("rate", 1)) == text.replace("0", "1")
    assert after(remove_field()) == after(remove_value()) == text


def test_an_argument_that_a_block_has_is_not_removed_and_others_are() -> None:
    text = (
        "input: 8x8x3\nblocks: {unit: {parameters: {k: 3}, layers: [maxpool: k]}}\n"
        "layers:\n  - unit: {k: 2, in_channels: 3}\n"
    )
    source = SourceText("a.yaml", text)
    editor = Editor(source, parse(text))
    made = []
    for name in ("k: 2", "in_channels"):
        at = text.index(name)
        place = Span(*source.position(at), *source.position(at + len(name.partition(":")[0])))
        made.append([edit.text for edit in editor.edits(place, remove_field())])

    assert made == [[], [""]]


def test_the_text_outside_of_the_edits_stays() -> None:
    for name, text, item in with_fixes():
        source = SourceText("a.yaml", text)
        after, at, there = applied(source, item.edits), 0, 0
        for span, put in item.edits:
            start = source.offset(span.line, span.column)
            end = source.offset(span.end_line, span.end_column)
            assert start >= at, (name, item.edits)
            assert after[there : there + start - at] == text[at:start]
            there += start - at
            assert after[there : there + len(put)] == put
            there, at = there + len(put), end
            assert "#" not in text[start:end], "a comment would go"
        assert after[there:] == text[at:]


def test_the_page_names_every_code_that_has_fixes() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    table = re.search(r"\| Code \| Fix \|\n(.*?)\n\n", page, re.DOTALL)
    assert table is not None
    named = set(
        re.findall(r"CC\d{3}", " ".join(re.findall(r"^\|([^|]*)\|", table[1], re.MULTILINE)))
    )
    unnamed = {item.code for _, _, item in with_fixes()} - named
    assert not unnamed, f"{sorted(unnamed)}: no row in the table of docs/ci.md"
    made = {
        code
        for path in PACKAGE.rglob("*.py")
        for code in re.findall(r'"(CC\d{3})"', path.read_text(encoding="utf-8"))
    }
    assert named <= made


def test_fixing_again_changes_nothing() -> None:
    for name, text in {name: text for name, text, _ in with_fixes()}.items():
        once = fixing(text)
        assert fixing(once.text).text == once.text, name
        assert not [item for item in findings(once.text) if item.code[:3] == PROMISED] or [
            item for item in findings(text) if item.code[:3] == PROMISED
        ], name


def torn(text: str, chance: Random) -> str:
    """A text with a few slips of a hand: letters lost or put in, stretches twice, lines changed."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        slip = chance.randrange(4)
        if slip == 0:
            text = text[:at] + text[at + 1 :]
        elif slip == 1:
            text = text[:at] + chance.choice("{}[],:#\"'\n -*x3|>&!\r\t\u2028") + text[at:]
        elif slip == 2:
            text = text[:at] + text[at - 30 : at] + text[at:]
        else:
            lines = text.split("\n")
            first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[first], lines[second] = lines[second], lines[first]
            text = "\n".join(lines)
    return text.replace("\n", "\r\n") if chance.random() < 0.2 else text


def test_whatever_the_text_edits_are_those_of_what_stands_there() -> None:
    """No fix makes a text that is no YAML, or a key twice; and fixing never fails.

    What was no YAML may have hidden what is refused, or a key twice.
    """
    chance, form = Random(5), {"CC100", "CC104", "CC105", "CC106"}  # noqa: S311 (tests repeat)
    small = [text for _, text, _ in with_fixes() if len(text) < 1000]
    seen = 0
    for _ in range(200):
        text = torn(chance.choice(small), chance)
        found = findings(text)
        for item in found:
            assert (item.fix is None) == (not item.edits), (text, item)
            if item.edits:
                seen += 1
                after = findings(applied(SourceText("a.yaml", text), item.edits))
                hidden = {"CC104", "CC106"} if item.code == "CC105" else set()
                came = {each.code for each in after} & form - {each.code for each in found}
                assert not came - hidden, (text, item)
        fixing(text)
    assert seen > 100


def test_of_values_made_in_python_a_fix_says_what_to_do_and_edits_no_text() -> None:
    spec = Spec(
        input=(8, 8, 3),
        blocks={"unit": Block(["width"], [Item("conv", filters="width", kernel=3)])},
        layers=[Item("unit", width=-1), Item("linear", features=3, name="head"), Item("cnv")],
    )
    with pytest.raises(SpecError) as error:
        spec.network()
    unknown, bound = sorted(error.value.diagnostics, key=lambda item: item.code)

    assert (str(unknown.fix), unknown.edits, unknown.named) == ("write `conv`", (), "layers[2]")
    assert bound.named == "layers[0].unit.width"
    ((place, text),) = bound.related
    assert text == "used here"
    assert isinstance(place, Named)
    assert place.name.startswith("blocks.unit.layers[0].conv")
    assert f"; used here: {place.name})" in str(error.value)


def test_help_names_some_of_very_many_names_and_compares_with_some() -> None:
    parameters = "".join(f"  p{number}: 1\n" for number in range(3000))
    preset = ", ".join(f"q{number}: 1" for number in range(50))
    text = f"input: 8x8x3\nparameters:\n{parameters}presets:\n  a: {{{preset}}}\nlayers: [relu]\n"
    found = [item for item in findings(text) if item.code == "CC109"]

    assert len(found) == 50
    assert all(len(item.help or "") < 200 for item in found)
