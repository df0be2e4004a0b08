"""Every page says the truth, and every rule knows where to stop.

`CONVCALC_UPDATE=1 python -m pytest tests/rules/test_rules.py` writes docs/rules.md anew.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple, get_type_hints

import pytest
import yaml
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from paths import ROOT
from tabled import tabled
from work import counted

from convcalc.checks.codes import Selection
from convcalc.checks.run import Task, check_text
from convcalc.checks.settings import Settings
from convcalc.cli import convcalc
from convcalc.diagnostics import Diagnostic
from convcalc.graph import Network, loads, read, read_text
from convcalc.layers import CATALOGUE, GIVEN
from convcalc.rules import (
    CODES,
    RULES,
    advice,
    context,
    rule_check,
    rule_module,
)
from convcalc.rules.page import FOLDER, Page, markdown, pages
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Spec

PAGES = pages()
TABLE = ROOT / "convcalc" / "rules" / "__init__.py"
WITHOUT_SPEC = {"CC100", "CC101", "CC102", "CC118", "CC601", "CC602", "CC603", "CC604", "CC903"}
"""Codes that no text of a spec alone can show."""
SPEC_RULES = {code for code, row in RULES.items() if row.about == "spec"}
"""Rules about what is written, whatever the layers are."""
ZOO = sorted((ROOT / "architectures").glob("*.yaml"))


def checked(text: str, *, path: str = "page.yaml", code: str = "CC4") -> tuple[Diagnostic, ...]:
    """What `convcalc check` finds in a text, a rule that is off by default included."""
    settings = Settings(selection=Selection(extend_select=(code,)))
    return check_text(SourceText(path, text), Task(settings)).diagnostics


def advised(text: str, code: str) -> list[str]:
    """The layers, or fields of the network, that a rule is about."""
    return judged(loads(text), code)


def judged(network: Network, code: str) -> list[str]:
    return [
        network.nodes[index].name if index is not None else str(problem.field)
        for index, problem in advice(network, {code})
    ]


# Pages


WITH_SPEC = sorted(PAGES.keys() - WITHOUT_SPEC)


@tabled("code", WITH_SPEC)
def test_flagged_gives_exactly_its_code_and_instead_gives_nothing(code: str) -> None:
    specs = PAGES[code].specs

    assert specs.keys() == {"Flagged", "Instead"}
    found = checked(specs["Flagged"], code=code)
    assert {(item.code, item.severity) for item in found} == {(code, PAGES[code].severity)}
    assert [found.message for found in checked(specs["Instead"], code=code)] == []


@tabled("page", PAGES.values(), ids=lambda page: page.code)
def test_pages_have_their_parts(page: Page) -> None:
    assert page.summary.endswith(".")
    assert "\n\n**Why.** " in page.text
    assert max(map(len, page.text.split("\n"))) <= 100
    why = re.search(r"^\*\*Why a (\w+)\.\*\* ", page.text, re.MULTILINE)
    assert (why[1] if why else "error") == page.severity
    if page.code in RULES:
        assert re.search(r"^Source: ", page.text, re.MULTILINE)
    if page.code in WITHOUT_SPEC:
        assert not page.specs


def test_every_code_in_the_program_has_a_page() -> None:
    source = "".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "convcalc").rglob("*.py")
        if file != TABLE
    )
    mentioned = set(re.findall(r"CC\d{3}", source)) - {"CC999"}

    assert mentioned - PAGES.keys() == set(), "codes without a page"
    assert PAGES.keys() - mentioned == set(), "pages of codes that nothing gives"


def test_every_code_has_a_row_and_a_file_of_its_own() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == CODES.keys()
    assert {file.suffix for file in FOLDER.iterdir()} == {".md"}
    assert [*CODES] == sorted(CODES)
    # Advice, and nothing else, has a name, and a module named after code and name.
    assert [code for code in CODES if code.startswith("CC4")] == [*RULES]
    assert len({row.name for row in RULES.values()}) == len(RULES)
    modules = {file.stem for file in TABLE.parent.glob("*.py")}
    named = {f"{code.lower()}_{row.name.replace('-', '_')}" for code, row in RULES.items()}
    assert {name for name in modules if re.match(r"cc\d", name)} == named
    for code in RULES:
        check = rule_check(code)

        assert (check.__name__, check.__module__) == ("check", rule_module(code))
        assert (sys.modules[check.__module__].__doc__ or "").startswith(f"{code}: ")


def test_rules_about_the_spec_are_those_that_read_all_of_it() -> None:
    """And so they say the same of a spec whose layers do not fit."""
    reading = {code for code in RULES if Spec in get_type_hints(rule_check(code)).values()}

    assert reading == SPEC_RULES
    for code in reading:
        flagged = PAGES[code].specs["Flagged"]
        spec = yaml.safe_load(flagged)
        spec["layers"].insert(0, {"reshape": 7})
        wrong = json.dumps(spec)
        assert read_text(SourceText("x", wrong)).errors
        said, still = (
            [(index, problem) for index, problem in advice(network, {code})]
            for network in (loads(flagged), read_text(SourceText("x", wrong)))
        )
        assert said == still != []


def test_files_of_pages_are_markdown_without_a_heading() -> None:
    for file in FOLDER.iterdir():
        text = file.read_text(encoding="utf-8")

        assert text.endswith("\n")
        assert not text.endswith("\n\n"), file
        assert not text.startswith(("#", "\n")), file
        assert text.count("```") % 2 == 0, file


def test_the_documentation_is_made_from_the_pages() -> None:
    file, now = ROOT / "docs" / "rules.md", markdown()
    if os.environ.get("CONVCALC_UPDATE"):
        file.write_text(now, encoding="utf-8")

    assert file.read_text(encoding="utf-8") == now, "CONVCALC_UPDATE=1 writes it anew"


# The command


def rule(*arguments: str) -> str:
    result = CliRunner().invoke(convcalc, ["rule", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_prints_pages_by_code_name_and_prefix() -> None:
    assert rule("CC401") == PAGES["CC401"].markdown
    assert rule("cc401") == rule("odd-size-halved") == rule("CC401")
    assert rule("CC30") == "\n".join(
        page.markdown for code, page in PAGES.items() if code.startswith("CC30")
    )
    assert rule("--all") == "\n".join(page.markdown for page in PAGES.values())
    assert rule().splitlines() == [f"{page.code}  {page.summary}" for page in PAGES.values()]


def test_the_command_prints_json() -> None:
    found = json.loads(rule("CC407", "CC100", "--format", "json"))

    assert found["schema"] == 1
    assert [entry["code"] for entry in found["rules"]] == ["CC407", "CC100"]
    assert found["rules"][0] == {
        "code": "CC407",
        "name": "no-nonlinearity",
        "stage": "Advice",
        "severity": "warning",
        "default": True,
        "summary": PAGES["CC407"].summary,
        "text": PAGES["CC407"].text,
        "flagged": PAGES["CC407"].specs["Flagged"],
        "instead": PAGES["CC407"].specs["Instead"],
    }
    assert found["rules"][1]["flagged"] is None
    assert len(json.loads(rule("--all", "-f", "json"))["rules"]) == len(PAGES)


def test_the_command_knows_what_was_probably_meant() -> None:
    result = CliRunner().invoke(convcalc, ["rule", "bias-before-nrom"])

    assert result.exit_code == 2
    assert "did you mean bias-before-norm?" in result.output


def test_a_shell_completes_codes_and_names() -> None:
    def completed(word: str) -> list[str]:
        shell = ShellComplete(convcalc, {}, "convcalc", "_CONVCALC_COMPLETE")
        return [item.value for item in shell.get_completions(["rule"], word)]

    assert completed("CC42") == completed("cc42") == [code for code in CODES if code[:4] == "CC42"]
    assert completed("unused-") == ["unused-tensor", "unused-parameter", "unused-block"]
    assert completed("") == [*CODES]
    assert completed("x") == []


@pytest.mark.parametrize("word", ["", " ", "C", "CC", "-"])
def test_too_short_words_are_no_rule(word: str) -> None:
    result = CliRunner().invoke(convcalc, ["rule", "--", word])

    assert result.exit_code == 2
    assert "no rule is called" in result.output


# The rules


class Row(NamedTuple):
    """A spec, and the layers or fields that a rule is about in it."""

    code: str
    why: str
    input: str
    layers: str
    expected: str = ""
    extra: str = ""
    """More top-level lines."""


CONV = "{filters: 16, kernel: 3, padding: 1}"
DILATED = "{filters: 16, kernel: 3, padding: 2, dilation: 2}"
POOLED = "global_avgpool, flatten, linear: 10"

ROWS = [
    # CC401
    Row("CC401", "half of an odd size", "100x96x3", "maxpool: 2, maxpool: 2, maxpool: 2", "input",
        "rounding: ceil"),
    Row("CC401", "a row made up, which goes again", "50x48x3",
        "conv: 8, {name: p, maxpool: {kernel: 2, rounding: ceil}}, conv: 8, {name: q, "
        "maxpool: {kernel: 2, rounding: ceil}}, maxunpool: q, maxunpool: p",
        extra="defaults: {conv: {kernel: 3, padding: 1}}"),
    Row("CC401", "a dropped row comes back as zeros", "50x48x3",
        "conv: 8, {name: p, maxpool: 2}, conv: 8, {name: q, maxpool: {kernel: 2, rounding: floor}},"
        " maxunpool: q, maxunpool: p", "input",
        extra="defaults: {conv: {kernel: 3, padding: 1}}"),
    Row("CC401", "a global pool takes any size", "100x100x3",
        f"maxpool: 2, maxpool: 2, maxpool: 2, {POOLED}", "", "rounding: ceil"),
    Row("CC401", "so does an adaptive one", "100x100x3",
        "maxpool: 2, maxpool: 2, maxpool: 2, adaptive_avgpool: 4, flatten, linear: 10", "",
        "rounding: ceil"),
    Row("CC401", "both do where rows are dropped", "100x100x3",
        f"maxpool: 2, maxpool: 2, maxpool: 2, {POOLED}", "", "rounding: floor"),
    Row("CC401", "the adaptive one", "100x100x3",
        "maxpool: 2, maxpool: 2, maxpool: 2, adaptive_avgpool: 4, relu, flatten, linear: 10", "",
        "rounding: floor"),
    Row("CC401", "a flattened map takes none", "100x100x3",
        "maxpool: 2, maxpool: 2, maxpool: 2, relu, flatten, linear: 10", "input",
        "rounding: floor"),
    Row("CC401", "pools without padding tile odd sizes", "55x55x3",
        "maxpool: {kernel: 3, stride: 2}"),
    Row("CC401", "a sequence made of an image has no height", "9x9x4",
        "reshape: [-1, 4], maxpool: 2, relu", "", "rounding: floor"),
    Row("CC401", "7 at the end is not halved any more", "28x28x3", "maxpool: 2, maxpool: 2"),
    Row("CC401", "odd kernels padded alike tile odd sizes", "321x225x3",
        "conv: {filters: 8, kernel: 3, stride: 2, padding: 1}, "
        "conv: {filters: 8, kernel: 5, stride: 2, padding: 2}"),
    Row("CC401", "so does `same`", "25x25x3",
        "conv: {filters: 8, kernel: 3, stride: 2, padding: same}"),
    Row("CC401", "`same` makes up a row for an even kernel", "25x25x3",
        "conv: {filters: 8, kernel: 4, stride: 2, padding: same}", "input"),
    Row("CC401", "sequences that are made longer again", "25x3", "maxpool: 2, upsample: 2", "input",
        "rounding: ceil"),
    Row("CC401", "a sequence is as long as it is", "25x3", "maxpool: 2", "", "rounding: ceil"),
    Row("CC401", "a row is made up on the way to a vector", "25x25x3",
        "maxpool: 2, flatten, linear: 10", "", "rounding: ceil"),
    Row("CC401", "one is dropped", "25x25x3", "maxpool: 2, flatten, linear: 10", "input",
        "rounding: floor"),
    Row("CC401", "no size next to it keeps the output as large as the input", "28x28x3",
        "maxpool: 2, maxpool: 2, maxpool: 2, upsample: 2, upsample: 2, "
        "conv: {filters: 3, kernel: 3}, upsample: 2", "", "rounding: ceil"),
    Row("CC401", "a crop makes up for it", "25x25x3", "maxpool: 2, upsample: 2, crop: {size: 25}",
        "", "rounding: ceil"),
    Row("CC401", "a map that a reshape makes is as large as it is", "64",
        "linear: 1323, relu, reshape: 21x21x3, conv: {filters: 8, kernel: 3, stride: 2}, relu, "
        "conv: {filters: 8, kernel: 4, stride: 2, padding: 1}", "", "rounding: floor"),
    Row("CC401", "thirds are no halves", "25x25x3", "maxpool: 3", "", "rounding: floor"),
    Row("CC401", "an even kernel padded by all but a row on each side", "25x25x3",
        "conv: {filters: 8, kernel: 4, stride: 2, padding: [[1, 1], [1, 1]]}", "input",
        "rounding: floor"),
    Row("CC401", "padded less, it means to shrink", "25x25x3",
        "conv: {filters: 8, kernel: 4, stride: 2, padding: [[1, 0], [1, 0]]}", "",
        "rounding: floor"),
    Row("CC401", "one row has no half", "1x32x3",
        "conv: {filters: 8, kernel: 4, stride: 2, padding: same}"),
    Row("CC401", "three rows have", "3x32x3",
        "conv: {filters: 8, kernel: 4, stride: 2, padding: same}", "input"),
    Row("CC401", "sequences that a transposed convolution makes longer again", "25x3",
        "maxpool: 2, conv_transpose: {filters: 3, kernel: 2, stride: 2}", "input",
        "rounding: ceil"),
    Row("CC401", "a map that is no image of the network's", "25x23x3",
        "reshape: 575x3, maxpool: 2, upsample: 2", "", "rounding: floor"),
    # CC402
    Row("CC402", "filters of 6 are not large", "64x64x3",
        f"conv: {CONV}, relu, conv: {{filters: 64, kernel: 6, stride: 2, padding: 2}}, relu, "
        "conv: {filters: 8, kernel: 1}"),
    Row("CC402", "in two groups they are half as large", "64x64x3", f"conv: {CONV}, relu, "
        "conv: {filters: 64, kernel: 7, stride: 2, padding: 3, groups: 2, rounding: floor}, relu, "
        "conv: {filters: 8, kernel: 1}"),
    Row("CC402", "a sequence has one axis", "64x3",
        f"conv: {CONV}, relu, conv: {{filters: 64, kernel: 7, padding: 3}}, relu, "
        "conv: {filters: 8, kernel: 1}"),
    Row("CC402", "the image behind a normalization is still the image", "64x64x3",
        "batchnorm, pad: 3, conv: {filters: 64, kernel: 7}, relu"),
    Row("CC402", "one axis is not two", "64x64x32", f"conv: {CONV}, relu, "
        "conv: {filters: 32, kernel: 1x7, padding: [0, 3]}"),
    Row("CC402", "the whole map is a linear layer by another name", "7x7x3",
        f"conv: {CONV}, relu, conv: {{filters: 100, kernel: 7}}"),
    Row("CC402", "a linear layer that slides over a larger map", "64x64x3",
        f"conv: {CONV}, relu, conv: {{filters: 64, kernel: 7}}, relu, conv: {CONV}"),
    Row("CC402", "what makes an image", "64x64x3",
        f"conv: {CONV}, relu, conv: {{filters: 3, kernel: 9, padding: 4}}, tanh"),
    Row("CC402", "what makes an image, before what does not", "64x64x3",
        f"{{conv: {CONV}, name: first}}, "
        "{conv: {filters: 3, kernel: 9, padding: 4}, name: image}, "
        "{conv: {filters: 64, kernel: 9, padding: 4}, from: first, name: other}, "
        "{tanh: , from: image}", "other"),
    Row("CC402", "depthwise filters are cheap", "64x64x3",
        f"conv: {CONV}, relu, depthwise_conv: {{kernel: 7, padding: 3}}"),
    Row("CC402", "more filters than a stack makes up for", "64x64x3",
        f"conv: {CONV}, relu, conv: {{filters: 256, kernel: 7, padding: 3}}, relu, "
        f"conv: {CONV}", "conv2"),
    Row("CC402", "behind one that a stack would do for", "64x64x16",
        f"conv: {CONV}, relu, concat: [[conv: {{filters: 16, kernel: 7, padding: 3}}], "
        f"[conv: {{filters: 256, kernel: 7, padding: 3}}]], relu, conv: {CONV}", "conv3"),
    Row("CC402", "the whole map with a border around it", "7x7x3",
        f"conv: {CONV}, relu, conv: {{filters: 100, kernel: 7, padding: 1}}, relu, conv: {CONV}"),
    Row("CC402", "with a stride it does not slide like a linear layer", "65x65x3",
        f"conv: {CONV}, relu, conv: {{filters: 64, kernel: 7, stride: 2}}, relu, conv: {CONV}",
        "conv2"),
    Row("CC402", "nor with a border on one side", "64x64x3",
        f"conv: {CONV}, relu, conv: {{filters: 256, kernel: 7, padding: [[3, 0], [0, 0]]}}, relu, "
        f"conv: {CONV}", "conv2"),
    Row("CC402", "7 along one axis is not large", "64x64x3",
        f"conv: {CONV}, relu, conv: {{filters: 256, kernel: 6x7, padding: [3, 3]}}, relu, "
        f"conv: {CONV}"),
    Row("CC402", "behind others that may be large", "64x64x3",
        f"conv: {CONV}, {{relu: , name: map}}, concat: ["
        "[from: map, conv: {filters: 64, kernel: 7, padding: 3, groups: 2}], "
        "[from: map, conv: {filters: 64, kernel: 1x7, padding: [0, 3]}], "
        "[from: map, conv: {filters: 64, kernel: 7}, pad: 3], "
        "[from: map, conv: {filters: 256, kernel: 7, padding: 3}]], relu, "
        f"conv: {CONV}", "conv5"),
    # CC403
    Row("CC403", "a kernel of 1 needs none", "32x32x3", "conv: {filters: 8, kernel: 1, padding: 1}",
        "conv1"),
    Row("CC403", "each axis by itself", "32x32x3",
        "conv: {filters: 8, kernel: 3x1, padding: [1, 1]}",
        "conv1"),
    Row("CC403", "no padding at all is a choice", "32x32x3", "conv: {filters: 8, kernel: 5}"),
    Row("CC403", "too little of it is none", "32x32x3",
        "conv: {filters: 8, kernel: 5, padding: 1}", "conv1"),
    Row("CC403", "along one axis on purpose", "32x32x3",
        "conv: {filters: 8, kernel: 3, padding: [1, 0]}"),
    Row("CC403", "a crop behind it makes up for it", "100x16",
        "conv: {filters: 8, kernel: 3, padding: 2}, crop: [[0, 2]]"),
    Row("CC403", "dilation widens the kernel", "32x32x3",
        "conv: {filters: 8, kernel: 3, padding: 2, dilation: 2}"),
    Row("CC403", "a pad before it makes up for it", "32x32x3",
        "pad: {padding: 1, mode: reflect}, conv: {filters: 8, kernel: 3}"),
    Row("CC403", "a global pool right behind it does not mind", "100x64",
        "conv: {filters: 8, kernel: 3}, relu, global_maxpool, flatten, linear: 2"),
    Row("CC403", "words that lack context are left out", "100x16", "conv: {filters: 8, kernel: 5}"),
    Row("CC403", "sequences do not grow on purpose", "100x16",
        "conv: {filters: 8, kernel: 3, padding: 2}", "conv1"),
    Row("CC403", "strides shrink on purpose", "33x33x3",
        "conv: {filters: 8, kernel: 3, stride: 2}"),
    Row("CC403", "an even kernel has no such padding", "32x32x3", "conv: {filters: 8, kernel: 2}"),
    Row("CC403", "the whole map", "3x3x64", "conv: {filters: 8, kernel: 3}"),
    Row("CC403", "past and no future", "100x16",
        "conv: {filters: 16, kernel: 3, padding: [[2, 0]]}"),
    Row("CC403", "one position of a padded map", "3x3x64",
        "conv: {filters: 8, kernel: 5, padding: 1}"),
    Row("CC403", "strides shrink on purpose, padded or not", "32x33x3",
        "conv: {filters: 8, kernel: 5, stride: 2, padding: 1}", "", "rounding: floor"),
    Row("CC403", "an even kernel has none that would do", "32x32x3",
        "conv: {filters: 8, kernel: 2, padding: 1}"),
    Row("CC403", "a pad before it adds what it lacks", "32x32x3",
        "pad: {padding: 1, mode: reflect}, conv: {filters: 8, kernel: 5, padding: 1}"),
    Row("CC403", "or does not", "32x32x3",
        "pad: {padding: 1, mode: reflect}, conv: {filters: 8, kernel: 7, padding: 1}", "conv1"),
    Row("CC403", "a crop that leaves more", "100x16",
        "conv: {filters: 8, kernel: 3, padding: 3}, crop: [[0, 2]]", "conv1"),
    Row("CC403", "a crop that leaves less", "100x16",
        "conv: {filters: 8, kernel: 3, padding: 2}, crop: [[0, 4]]", "conv1"),
    Row("CC403", "a convolution that undoes it is no crop", "32x32x3",
        "conv: {filters: 8, kernel: 3, padding: 2}, conv: {filters: 8, kernel: 5, padding: 1}",
        "conv1 conv2"),
    Row("CC403", "padding on one side", "32x32x3",
        "conv: {filters: 8, kernel: 5, padding: [[1, 0], [1, 0]]}", "conv1"),
    Row("CC403", "padding on the other", "32x32x3",
        "conv: {filters: 8, kernel: 5, padding: [[0, 1], [0, 1]]}", "conv1"),
    Row("CC403", "behind some that are left alone", "32x32x3",
        "concat: [[conv: {filters: 8, kernel: 5, padding: 2}], "
        "[conv: {filters: 8, kernel: 5}, pad: 2], "
        "[conv: {filters: 8, kernel: 2, padding: 1}, crop: {size: 32}], "
        "[conv: {filters: 8, kernel: 3, padding: 2}, crop: {size: 32}], "
        "[pad: 1, conv: {filters: 8, kernel: 5, padding: 1}], "
        "[conv: {filters: 8, kernel: 3, padding: 2}, crop: 1, conv: {filters: 8, kernel: 3, "
        "padding: 1}]]"),
    Row("CC403", "a crop to its input's size, however far behind it", "32x32x3",
        "conv: {filters: 8, kernel: 3, padding: 20}, relu, maxpool: 2, conv: {filters: 8, "
        "kernel: 3, padding: 1}, conv_transpose: {filters: 3, kernel: 4, stride: 2, padding: 1}, "
        "crop: {like: input, offset: 19}"),
    Row("CC403", "or a slice along each axis", "32x32x3",
        "conv: {filters: 8, kernel: 3, padding: 20}, relu, slice: {start: 19, stop: 51, "
        "axis: height}, slice: {start: 19, stop: 51, axis: width}"),
    Row("CC403", "but none on another branch", "32x32x3",
        "concat: [[conv: {filters: 8, kernel: 3, padding: 2}, flatten], "
        "[conv: {filters: 8, kernel: 2, padding: 1}, crop: {size: 32}, flatten]]", "conv1"),
    Row("CC403", "behind a sequence and a pooled map", "32x32x3",
        "concat: [[reshape: 1024x3, conv: {filters: 8, kernel: 5, padding: 1}, flatten], "
        "[conv: {filters: 8, kernel: 5, padding: 1}, global_avgpool, flatten], "
        "[conv: {filters: 8, kernel: 31}, flatten], "
        "[conv: {filters: 8, kernel: 3, padding: 2}, flatten]]", "conv4"),
    # CC404
    Row("CC404", "3 is not too large", "33x33x3", "maxpool: {kernel: 3, stride: 2}"),
    Row("CC404", "the whole map", "8x8x3", "avgpool: 8"),
    Row("CC404", "no stride, no loss", "13x13x3", "maxpool: {kernel: 5, stride: 1, padding: 2}"),
    Row("CC404", "frequencies and time are no image", "32x32x3",
        "avgpool: {kernel: 4x2, stride: 4x2}"),
    Row("CC404", "a stride along one axis is enough", "33x30x3",
        "avgpool: {kernel: 5, stride: 4x1}", "avgpool1"),
    Row("CC404", "sequences are long", "8000x1", "maxpool: 4"),
    Row("CC404", "4 is", "32x32x3", "maxpool: 4", "maxpool1"),
    Row("CC404", "two positions are not the whole map", "8x4x3", "maxpool: 4", "maxpool1"),
    Row("CC404", "behind some that are left alone", "64x64x3",
        "concat: [[maxpool: 64, flatten], [maxpool: {kernel: 8x4}, flatten], "
        "[reshape: 4096x3, maxpool: 4, flatten], [maxpool: 4, flatten]]",
        "maxpool4"),
    Row("CC404", "a stride where the kernel is not large is none where it is", "33x33x3",
        "maxpool: {kernel: 3, stride: 2}, maxpool: {kernel: 5, stride: 1}"),
    # CC405
    Row("CC405", "a stride as large as the kernel", "16x16x8", "relu, maxpool: 2"),
    Row("CC405", "one more", "17x17x8", "relu, conv: {filters: 8, kernel: 2, stride: 3}", "conv1"),
    Row("CC405", "two positions are enough to skip some between", "4x4x8",
        "relu, conv: {filters: 8, kernel: 1, stride: 3}", "conv1"),
    Row("CC405", "one position is", "4x4x8", "relu, conv: {filters: 8, kernel: 1, stride: 4}", "",
        "rounding: floor"),
    Row("CC405", "another layer reads the rest", "16x16x8", "add: [[conv: {filters: 8, kernel: 3, "
        "stride: 2, padding: 1}], [conv: {filters: 8, kernel: 1, stride: 2}]]", "",
        "rounding: floor"),
    Row("CC405", "behind activations of its own", "16x16x8",
        "relu, add: [[batchnorm, conv: {filters: 8, kernel: 3, stride: 2, padding: 1}], "
        "[conv: {filters: 8, kernel: 1, stride: 2}]]", "", "rounding: floor"),
    Row("CC405", "neither branch does", "16x16x8", "relu, add: [[conv: {filters: 8, kernel: 1, "
        "stride: 2}], [conv: {filters: 8, kernel: 1, stride: 2}]]", "conv1 conv2",
        "rounding: floor"),
    Row("CC405", "dilated kernels reach across", "17x17x8",
        "conv: {filters: 8, kernel: 2, stride: 3, dilation: 2}", "", "rounding: floor"),
    Row("CC405", "the image itself", "16x16x8", "conv: {filters: 8, kernel: 1, stride: 2}",
        "conv1", "rounding: floor"),
    Row("CC405", "the image, which another layer reads", "16x16x8",
        "add: [[conv: {filters: 8, kernel: 3, stride: 2, padding: 1}], "
        "[relu, conv: {filters: 8, kernel: 1, stride: 2}]]", "", "rounding: floor"),
    Row("CC405", "the spec expects something of what is skipped", "16x16x8",
        "{relu: , name: whole}, conv: {filters: 8, kernel: 1, stride: 2}", "",
        "rounding: floor\nexpect: {layers: {whole: 16x16x8}}"),
    Row("CC405", "behind one that another reads the rest of", "16x16x8",
        "concat: [[conv: {filters: 8, kernel: 1}, "
        "add: [[conv: {filters: 8, kernel: 3, stride: 2, padding: 1}], "
        "[conv: {filters: 8, kernel: 1, stride: 2}]]], [conv: {filters: 8, kernel: 1}, "
        "conv: {filters: 8, kernel: 1, stride: 2}]]", "conv5", "rounding: floor"),
    # CC406
    Row("CC406", "5×5 from few to many channels is no dearer", "32x32x3",
        f"conv: {CONV}, conv: {{filters: 32, kernel: 5, padding: 2}}"),
    Row("CC406", "5×5 between equal channels is", "32x32x16",
        "conv: {filters: 16, kernel: 5, padding: 2}", "conv1"),
    Row("CC406", "from many to few channels the stack is narrower", "32x32x64",
        "conv: {filters: 32, kernel: 7, padding: 3}"),
    Row("CC406", "a stride has no such stack", "33x33x16",
        "conv: {filters: 16, kernel: 5, padding: 2, stride: 2}"),
    Row("CC406", "volumes too", "16x16x16x16", "conv: {filters: 16, kernel: 5, padding: 2}",
        "conv1"),
    # 2·9·13·(12 + 13) weights are ¾ of 25·12·13: just worth it.
    Row("CC406", "three quarters of the weights", "20x20x12",
        "conv: {filters: 13, kernel: 5, padding: 2}", "conv1"),
    Row("CC406", "more than that", "20x20x12", "conv: {filters: 14, kernel: 5, padding: 2}"),
    Row("CC406", "groups", "20x20x16", "conv: {filters: 16, kernel: 5, padding: 2, groups: 2}"),
    Row("CC406", "a dilated kernel", "20x20x16",
        "conv: {filters: 16, kernel: 5, dilation: 2, padding: 4}"),
    Row("CC406", "an even kernel", "20x20x16",
        "conv: {filters: 16, kernel: 6, padding: [[2, 3], [2, 3]]}"),
    Row("CC406", "a kernel that is no square", "20x20x16",
        "conv: {filters: 16, kernel: 5x7, padding: same}"),
    Row("CC406", "the whole map", "5x5x16", "conv: {filters: 16, kernel: 5}"),
    Row("CC406", "depthwise", "20x20x16", "depthwise_conv: {kernel: 5, padding: 2}"),
    # CC407
    Row("CC407", "two groups are factorized", "32x32x16",
        f"conv: {CONV}, conv: {{filters: 16, kernel: 3, padding: 1, groups: 2}}"),
    Row("CC407", "as wide as the narrower end is no bottleneck", "32x32x64",
        "conv: {filters: 32, kernel: 1}, conv: {filters: 32, kernel: 1}", "conv2"),
    Row("CC407", "by one channel it is", "32x32x64",
        "conv: {filters: 31, kernel: 1}, conv: {filters: 32, kernel: 1}"),
    Row("CC407", "1×1 before n×n", "32x32x16",
        f"conv: {{filters: 16, kernel: 1}}, conv: {CONV}", "conv2"),
    Row("CC407", "n×1 before n×n", "32x32x16",
        f"conv: {{filters: 16, kernel: 3x1, padding: [1, 0]}}, conv: {CONV}", "conv2"),
    Row("CC407", "normalization, dropout and averages are linear", "32x32x3",
        f"conv: {CONV}, batchnorm, dropout, avgpool: 2, flatten, linear: 64", "linear1"),
    Row("CC407", "nor is one by the statistics of the batch", "32x32x3",
        f"conv: {CONV}, batchnorm: {{track_running_stats: false}}, conv: {CONV}"),
    Row("CC407", "layer normalization is not", "32x32x3", f"conv: {CONV}, layernorm, conv: {CONV}"),
    Row("CC407", "nor is a maximum", "32x32x3", f"conv: {CONV}, maxpool: 2, conv: {CONV}"),
    Row("CC407", "linear bottlenecks", "32x32x64", "conv: {filters: 8, kernel: 1}, "
        "conv: {filters: 64, kernel: 1}"),
    Row("CC407", "inverted residuals as narrow as their input", "32x32x16",
        "depthwise_conv: {kernel: 3, padding: 1}, relu, conv: {filters: 16, kernel: 1}, batchnorm, "
        "conv: {filters: 72, kernel: 1}"),
    Row("CC407", "with a gate that stands first in the product", "32x32x16",
        "depthwise_conv: {kernel: 3, padding: 1}, relu, multiply: [[global_avgpool, "
        "conv: {filters: 16, kernel: 1}, sigmoid], []], conv: {filters: 16, kernel: 1}, batchnorm, "
        "conv: {filters: 72, kernel: 1}"),
    Row("CC407", "separable convolutions", "32x32x64",
        "depthwise_conv: {kernel: 3, padding: 1}, conv: {filters: 64, kernel: 1}"),
    Row("CC407", "one axis after the other", "32x32x64",
        "conv: {filters: 64, kernel: 3x1, padding: [1, 0]}, "
        "conv: {filters: 64, kernel: 1x3, padding: [0, 1]}"),
    Row("CC407", "something else reads what is between", "32x32x16",
        f"conv: {CONV}, add: [[], [conv: {CONV}]]"),
    Row("CC407", "three in a row are two findings", "784", "linear: 50, linear: 40, linear: 10",
        "linear2 linear3"),
    Row("CC407", "n×n before 1×1", "32x32x16",
        f"conv: {CONV}, conv: {{filters: 16, kernel: 1}}", "conv2"),
    Row("CC407", "both along the same axis", "32x32x16",
        "conv: {filters: 16, kernel: 3x1, padding: [1, 0]}, "
        "conv: {filters: 16, kernel: 3x1, padding: [1, 0]}", "conv2"),
    Row("CC407", "one axis of a volume after the other two", "8x8x8x16",
        "conv: {filters: 16, kernel: 1x3x3, padding: same}, "
        "conv: {filters: 16, kernel: 3x1x1, padding: same}"),
    Row("CC407", "behind a depthwise one, 3×3 is no half of it", "32x32x16",
        f"depthwise_conv: {{kernel: 3, padding: 1}}, relu, conv: {CONV}, "
        "conv: {filters: 72, kernel: 1}", "conv2"),
    Row("CC407", "behind a gated depthwise one, 1×1 is", "32x32x16",
        "depthwise_conv: {kernel: 3, padding: 1}, relu, "
        "multiply: [[], [global_avgpool, sigmoid]], conv: {filters: 16, kernel: 1}, batchnorm, "
        "conv: {filters: 72, kernel: 1}"),
    Row("CC407", "behind some that are left alone", "32x32x16",
        f"concat: [[conv: {CONV}, relu, conv: {CONV}], "
        f"[conv: {CONV}, conv: {{filters: 16, kernel: 3, padding: 1, groups: 4}}], "
        "[conv: {filters: 8, kernel: 1}, conv: {filters: 16, kernel: 1}], "
        "[depthwise_conv: {kernel: 3, padding: 1}, relu, conv: {filters: 16, kernel: 1}, "
        "conv: {filters: 72, kernel: 1}], "
        f"[conv: {CONV}, conv: {CONV}]]", "conv10"),
    # CC408
    Row("CC408", "instance normalization", "32x32x3", f"conv: {CONV}, instancenorm", "conv1"),
    Row("CC408", "groups keep the mean of a channel", "32x32x3",
        f"conv: {CONV}, groupnorm: 4"),
    Row("CC408", "linear and transposed", "1024", "linear: 512, batchnorm, relu, "
        "reshape: 4x4x32, conv_transpose: {filters: 8, kernel: 4, stride: 2, padding: 1}, "
        "batchnorm", "linear1 conv_transpose1"),
    Row("CC408", "something else reads the bias", "32x32x16",
        f"conv: {CONV}, add: [[], [batchnorm]]"),
    Row("CC408", "an activation is between", "32x32x3", f"conv: {CONV}, relu, batchnorm"),
    Row("CC408", "an image is normalized", "32x32x3", f"batchnorm, conv: {CONV}, relu"),
    Row("CC408", "no bias", "32x32x3",
        "conv: {filters: 8, kernel: 3, bias: false}, batchnorm, depthwise_conv: "
        "{kernel: 3, bias: false}, instancenorm"),
    Row("CC408", "a bias of its own at each position has no mean", "8x8x3",
        "locally_connected: {filters: 4, kernel: 3}, batchnorm"),
    Row("CC408", "behind some that are left alone", "8x8x3",
        "concat: [[batchnorm, flatten], [conv: {filters: 8, kernel: 3, bias: false}, batchnorm, "
        "flatten], [locally_connected: {filters: 4, kernel: 3}, batchnorm, flatten], "
        "[conv: {filters: 8, kernel: 3}, batchnorm, flatten]]", "conv2"),
    # CC409
    Row("CC409", "directly", "32x32x3", f"conv: {CONV}, dropout, batchnorm, conv: {CONV}",
        "batchnorm1"),
    Row("CC409", "what is normalized is the output", "32x32x3",
        f"conv: {CONV}, dropout, conv: {CONV}, batchnorm, relu"),
    Row("CC409", "the first normalization behind it", "32x32x3",
        f"conv: {CONV}, dropout: 0.2, relu, conv: {CONV}, batchnorm, conv: {CONV}, batchnorm, "
        f"conv: {CONV}", "batchnorm1"),
    Row("CC409", "dropout of 0 drops nothing", "32x32x3",
        f"conv: {CONV}, dropout: 0, batchnorm, conv: {CONV}"),
    Row("CC409", "normalized per example in between", "32x32x3",
        f"dropout, layernorm, batchnorm, conv: {CONV}"),
    Row("CC409", "the least dropout", "32x32x3",
        f"conv: {CONV}, dropout: 0.01, batchnorm, conv: {CONV}", "batchnorm1"),
    Row("CC409", "dropout of 0 behind a dropout", "32x32x3",
        f"dropout: 0.2, dropout: 0, batchnorm, conv: {CONV}", "batchnorm1"),
    Row("CC409", "dropout of 0 on the input", "32x32x3",
        f"dropout: 0, batchnorm, conv: {CONV}"),
    Row("CC409", "a dropout, and another behind it", "32x32x3",
        f"relu, dropout: 0.2, dropout: 0.3, batchnorm, conv: {CONV}", "batchnorm1"),
    Row("CC409", "the input is normalized", "32x32x3", f"batchnorm, dropout, conv: {CONV}"),
    Row("CC409", "behind one that is the output", "32x32x3",
        f"concat: [[dropout: 0.1, batchnorm], [dropout: 0.2, batchnorm, conv: {CONV}]]",
        "batchnorm2"),
    # CC410
    Row("CC410", "at the end", "784", "linear: 10, softmax"),
    Row("CC410", "a logarithm of it", "784", "linear: 10, softmax, log_softmax", "softmax1"),
    Row("CC410", "twice", "784", "linear: 10, log_softmax, log_softmax", "log_softmax1"),
    Row("CC410", "attention", "16x16x8",
        "multiply: [[], [conv: {filters: 8, kernel: 1}, softmax]], "
        f"conv: {CONV}"),
    Row("CC410", "an expected value", "8x8x16",
        "softmax, conv: {filters: 2, kernel: 1, bias: false}, upsample: 2"),
    Row("CC410", "an expected value beside another head", "8x8x16",
        "concat: [[softmax, {conv: {filters: 2, kernel: 1, bias: false}}], "
        "[{conv: {filters: 2, kernel: 1}}]]"),
    Row("CC410", "weights behind an expected value", "784", "linear: 32, softmax, "
        "{linear: {features: 4, bias: false}}, relu, linear: 2", "softmax1"),
    Row("CC410", "through a view", "8x8x16", "softmax, flatten, linear: 10", "softmax1"),
    Row("CC410", "an average with a bias", "8x8x16",
        "softmax, conv: {filters: 2, kernel: 1}, upsample: 2", "softmax1"),
    Row("CC410", "as many channels are no average", "8x8x16",
        "softmax, conv: {filters: 16, kernel: 1, bias: false}, upsample: 2", "softmax1"),
    Row("CC410", "more channels are none either", "784",
        "linear: 4, softmax, linear: {features: 32, bias: false}", "softmax1"),
    Row("CC410", "a filter of each channel's own", "8x8x16",
        "softmax, depthwise_conv: {kernel: 3, bias: false}", "softmax1"),
    Row("CC410", "an average by a linear layer", "784",
        "linear: 32, softmax, linear: {features: 4, bias: false}"),
    Row("CC410", "through dropout", "784", "linear: 32, softmax, dropout, linear: 4", "softmax1"),
    Row("CC410", "said once, however many work on it", "784",
        "linear: 32, softmax, concat: [[linear: 4], [linear: 5], [relu]]", "softmax1"),
    Row("CC410", "behind an expected value", "784",
        "{relu: , name: a}, concat: [[from: a, softmax, linear: {features: 4, bias: false}], "
        "[from: a, softmax, linear: 5]]", "softmax2"),
    # CC411
    Row("CC411", "behind a softmax", "784", "linear: 10, softmax, dropout", "dropout1"),
    Row("CC411", "before a softmax", "784", "linear: 10, dropout, softmax", "dropout1"),
    Row("CC411", "before the last layer", "784", "linear: 99, relu, dropout, linear: 10"),
    Row("CC411", "dropout of 0", "784", "linear: 10, dropout: 0"),
    Row("CC411", "before a pool", "8x8x16",
        "conv: {filters: 8, kernel: 1}, dropout, global_avgpool"),
    Row("CC411", "what is put out is the input", "784",
        "{linear: 8, name: side}, {dropout: , name: last}, {relu: , from: input}"),
    Row("CC411", "of the input alone", "784", "dropout"),
    Row("CC411", "behind an activation", "784", "linear: 10, relu, dropout", "dropout1"),
    Row("CC411", "behind a view", "784", "linear: 10, dropout, reshape: [10]", "dropout1"),
    Row("CC411", "of which another layer is the output", "784",
        "{linear: 10, name: last}, dropout: 0.5, {relu: , from: last}"),
    # CC412
    Row("CC412", "a gate", "16x16x8", "multiply: [[], [conv: {filters: 1, kernel: 1}, sigmoid]], "
        f"conv: {CONV}"),
    Row("CC412", "a value head", "19x19x8",
        "conv: {filters: 1, kernel: 1}, relu, flatten, linear: 256"),
    Row("CC412", "an image with one channel", "28x28x1", f"conv: {CONV}"),
    Row("CC412", "in a vector", "784", "linear: 1, relu, linear: 10", "linear1"),
    Row("CC412", "at the end", "784", "linear: 100, relu, linear: 1, sigmoid"),
    Row("CC412", "two are more than one", "32x32x16",
        f"conv: {{filters: 2, kernel: 1}}, relu, conv: {CONV}"),
    Row("CC412", "of two one is left", "32x32x2",
        f"conv: {{filters: 1, kernel: 1}}, relu, conv: {CONV}", "conv1"),
    Row("CC412", "of one all are", "32x32x1",
        f"conv: {{filters: 1, kernel: 3, padding: 1}}, relu, conv: {CONV}"),
    Row("CC412", "named once, however many work on it", "16x16x8",
        f"conv: {CONV}, relu, conv: {{filters: 1, kernel: 1}}, relu, "
        "concat: [[conv: {filters: 4, kernel: 1}], [conv: {filters: 4, kernel: 1}]]", "conv2"),
    Row("CC412", "behind those of more, and the image", "8x8x1",
        "concat: [[conv: {filters: 4, kernel: 1}, relu, conv: {filters: 4, kernel: 1}], "
        "[conv: {filters: 4, kernel: 1}, relu, conv: {filters: 1, kernel: 1}, relu, "
        "conv: {filters: 4, kernel: 1}]]", "conv4"),
    # CC413
    Row("CC413", "small networks may", "28x28x1", "flatten, linear: 100, relu, linear: 10"),
    Row("CC413", "an average of what sees less than half the image", "256x256x3",
        f"conv: {CONV}, maxpool: 4, flatten, linear: 100, relu, linear: 10"),
    Row("CC413", "of what sees half of it", "8x8x256",
        "conv: {filters: 256, kernel: 3, padding: 1}, relu, conv: {filters: 256, kernel: 3, "
        "padding: 1}, relu, flatten, linear: 100, relu, linear: 10", "linear1"),
    Row("CC413", "a steering angle is about places", "8x8x256",
        "conv: {filters: 256, kernel: 5, padding: 2}, relu, flatten, linear: 100, relu, "
        "linear: 1"),
    Row("CC413", "a probability is not", "8x8x256",
        "conv: {filters: 256, kernel: 5, padding: 2}, relu, flatten, linear: 300, relu, "
        "linear: 1, sigmoid", "linear1"),
    Row("CC413", "so is a map", "8x8x256",
        "conv: {filters: 256, kernel: 5, padding: 2}, relu, flatten, linear: 300, relu, "
        "linear: 64, reshape: 8x8x1"),
    Row("CC413", "a vector has no positions", "4096", "linear: 1000, relu, linear: 10"),
    Row("CC413", "through dropout", "64x64x16", "flatten, dropout, linear: 100, relu, linear: 10",
        "linear1"),
    # 100·(99·101 + 1) = 1,000,000 of 1,001,010.
    Row("CC413", "a million is heavy", "99x101x1", "flatten, linear: 100, relu, linear: 10",
        "linear1"),
    Row("CC413", "99 hundredths of it are not", "99x101x1",
        "flatten, linear: 99, relu, linear: 10"),
    Row("CC413", "half of all is", "99x101x1", "flatten, add: [[linear: 100], [linear: 100]]",
        "linear1 linear2"),
    Row("CC413", "a third of all is not", "99x101x1",
        "flatten, add: [[linear: 100], [linear: 100], [linear: 100]]"),
    Row("CC413", "one position has no average", "1x1x4096",
        "flatten, linear: 1000, relu, linear: 10"),
    Row("CC413", "two positions have one", "1x2x4096",
        "flatten, linear: 1000, relu, linear: 10", "linear1"),
    Row("CC413", "reshaped instead of flattened", "64x64x16",
        "reshape: [65536], linear: 100, relu, linear: 10", "linear1"),
    Row("CC413", "a number reshaped is still a number", "64x64x16",
        "flatten, linear: 100, relu, linear: 1, flatten, reshape: 1x1x1"),
    Row("CC413", "two numbers are not one", "64x64x16", "flatten, linear: 100, relu, linear: 2",
        "linear1"),
    Row("CC413", "behind one of a vector", "9999",
        "add: [[linear: 100], [reshape: 99x101x1, flatten, linear: 100]]", "linear2"),
    Row("CC413", "behind one of a single position", "99x101x1", "reshape: 1x1x9999, "
        "add: [[flatten, linear: 100], [reshape: 99x101x1, flatten, linear: 100]]", "linear2"),
    Row("CC413", "behind others that are not", "64x64x16",
        "concat: [[global_avgpool, flatten, linear: 8], [flatten, relu, linear: 100]], linear: 10",
        "linear2"),
    # CC414
    Row("CC414", "the output is what it is", "32x32x3", "conv: {filters: 10, kernel: 1}, softmax"),
    Row("CC414", "vectors too", "784", "linear: 100, relu, linear: 10", "linear1"),
    Row("CC414", "depthwise filters are as many as there are channels", "12x12x12",
        "depthwise_conv: {kernel: 3, padding: 1}, relu, conv: {filters: 8, kernel: 1}"),
    Row("CC414", "multiples", "784", "linear: 8, relu, linear: 16, relu, linear: 24, relu"),
    # CC415
    Row("CC415", "half the image will do", "9x9x3", f"conv: {CONV}, relu, conv: {CONV}, relu, "
        f"{POOLED}"),
    Row("CC415", "flattened maps see all", "64x64x3", f"conv: {CONV}, relu, flatten, linear: 10"),
    Row("CC415", "maps may be local", "64x64x3", f"conv: {CONV}, relu"),
    Row("CC415", "words of a sentence too", "64x3", f"conv: {CONV}, relu, {POOLED}"),
    Row("CC415", "gates see the whole image", "8x8x16", f"conv: {CONV}, relu, multiply: [[], "
        f"[global_avgpool, conv: {{filters: 16, kernel: 1}}, sigmoid]], {POOLED}"),
    Row("CC415", "the very first layer", "32x32x3", f"conv: {CONV}, {POOLED}", "conv1"),
    Row("CC415", "a map of two positions", "24x8x3",
        f"avgpool: {{kernel: 8, stride: 16}}, {POOLED}", "avgpool1"),
    Row("CC415", "the last of branches that see as much", "32x32x3",
        f"concat: [[conv: {CONV}, relu, global_avgpool], "
        f"[conv: {CONV}, relu, global_avgpool]], flatten, linear: 2", "conv2"),
    Row("CC415", "the input itself", "32x32x3", POOLED),
    Row("CC415", "the last layer that sees", "8x8x3", f"conv: {CONV}, batchnorm, relu, {POOLED}",
        "conv1"),
    Row("CC415", "words of a text written as an image", "50x300x1",
        "concat: [[conv: {filters: 100, kernel: 3x300}, relu, global_maxpool], "
        "[conv: {filters: 100, kernel: 4x300}, relu, global_maxpool]], flatten, linear: 2"),
    Row("CC415", "one branch that sees the whole image is enough", "16x16x3",
        f"concat: [[conv: {CONV}, relu, global_avgpool], "
        "[conv: {filters: 8, kernel: 15, padding: 7}, relu, "
        "conv: {filters: 8, kernel: 3, padding: 1}, global_avgpool]], flatten, linear: 2"),
    Row("CC415", "the branch that sees most", "32x32x3",
        f"concat: [[conv: {CONV}, relu, global_avgpool], "
        "[conv: {filters: 8, kernel: 5, padding: 2}, relu, global_avgpool], "
        "[conv: {filters: 8, kernel: 1}, relu, global_avgpool]], flatten, linear: 2", "conv2"),
    Row("CC415", "a flattened branch sees all", "16x16x3",
        f"concat: [[conv: {CONV}, relu, global_avgpool, flatten], "
        "[flatten, linear: 8]], linear: 2"),
    Row("CC415", "half of one axis alone", "16x32x3", f"conv: {CONV}, relu, conv: {CONV}, relu, "
        f"conv: {CONV}, relu, conv: {CONV}, relu, {POOLED}", "conv4"),
    Row("CC415", "one less than half", "10x10x3", f"conv: {CONV}, relu, {POOLED}", "conv1"),
    Row("CC415", "behind a maximum, an average", "32x32x3",
        f"concat: [[conv: {CONV}, relu, global_maxpool], [conv: {CONV}, relu, global_avgpool]], "
        "flatten, linear: 2", "conv2"),
    # CC416
    Row("CC416", "the shortest path counts", "5x5x16", ", ".join(
        [f"add: [[], [conv: {CONV}, relu]]"] * 9)),
    Row("CC416", "the first that sees no more", "5x5x16",
        ", ".join([f"conv: {CONV}, relu"] * 4) + f", {POOLED}", "conv3"),
    Row("CC416", "two of twelve may", "21x21x16",
        ", ".join([f"conv: {CONV}, relu"] * 12) + f", {POOLED}"),
    Row("CC416", "three of thirteen may not", "21x21x16",
        ", ".join([f"conv: {CONV}, relu"] * 13) + f", {POOLED}", "conv11"),
    Row("CC416", "each position of a map sees the whole image", "5x5x16",
        ", ".join([f"conv: {CONV}, relu"] * 6), "conv5"),
    Row("CC416", "all positions in a row, too", "5x5x16",
        ", ".join([f"conv: {CONV}, relu"] * 4) + ", flatten"),
    # Of five 3×3 convolutions the last reads what sees 9 rows.
    Row("CC416", "one of five is a fifth", "9x9x16",
        ", ".join([f"conv: {CONV}, relu"] * 5) + f", {POOLED}", "conv5"),
    Row("CC416", "one of six is not", "11x11x16",
        ", ".join([f"conv: {CONV}, relu"] * 6) + f", {POOLED}"),
    Row("CC416", "one row more is not seen", "10x10x16",
        ", ".join([f"conv: {CONV}, relu"] * 5) + f", {POOLED}"),
    Row("CC416", "kernels of 2 see more", "3x3x16", ", ".join(
        ["conv: {filters: 16, kernel: 2, padding: [[0, 1], [0, 1]]}, relu"] * 3) + f", {POOLED}",
        "conv3"),
    Row("CC416", "kernels of 1 are not counted", "9x9x16", ", ".join(
        [f"conv: {CONV}, relu"] * 5 + ["conv: {filters: 16, kernel: 1}, relu"] * 5)
        + f", {POOLED}", "conv5"),
    Row("CC416", "along both axes", "9x12x16",
        ", ".join([f"conv: {CONV}, relu"] * 5) + f", {POOLED}"),
    # CC417
    Row("CC417", "one is no row", "32x32x16", f"conv: {DILATED}"),
    Row("CC417", "without common factor", "32x32x16",
        f"conv: {DILATED}, relu, "
        "conv: {filters: 16, kernel: 3, padding: 3, dilation: 3}"),
    Row("CC417", "a convolution without dilation behind them", "32x32x16",
        f"conv: {DILATED}, relu, "
        f"conv: {DILATED}, relu, conv: {CONV}"),
    Row("CC417", "a pool of stride 1 reads every row (DeepLab-LargeFOV)", "32x32x16",
        f"maxpool: {{kernel: 3, stride: 1, padding: 1}}, conv: {DILATED}, relu, conv: {DILATED}"),
    Row("CC417", "a pool ends the row", "32x32x16",
        f"conv: {DILATED}, relu, "
        f"conv: {DILATED}, maxpool: 2, conv: {CONV}",
        "conv2"),
    Row("CC417", "residual ones", "32x32x16",
        f"add: [[], [conv: {DILATED}]], "
        f"add: [[], [conv: {DILATED}]]", "conv2"),
    Row("CC417", "three in a row", "32x32x16", f"{', relu, '.join([f'conv: {DILATED}'] * 3)}",
        "conv3"),
    Row("CC417", "a kernel of 1 between them", "32x32x16",
        f"conv: {DILATED}, relu, conv: {{filters: 16, kernel: 1}}, relu, conv: {DILATED}", "conv3"),
    Row("CC417", "a stride ends the row", "32x32x16", f"conv: {DILATED}, relu, conv: "
        "{filters: 16, kernel: 3, padding: 2, dilation: 2, stride: 2, rounding: floor}"),
    Row("CC417", "of two branches, each with one", "32x32x16",
        f"concat: [[conv: {DILATED}, relu], [conv: {DILATED}, relu]]"),
    Row("CC417", "the longer of two branches goes on", "32x32x16",
        f"concat: [[conv: {DILATED}], [conv: {DILATED}, relu, conv: {DILATED}]], "
        f"conv: {DILATED}", "conv4"),
    Row("CC417", "one axis alone", "32x32x16",
        "conv: {filters: 16, kernel: 3x1, padding: [2, 0], dilation: 2}, relu, "
        "conv: {filters: 16, kernel: 3x1, padding: [2, 0], dilation: 4}", "conv2",
        "rounding: floor"),
    Row("CC417", "6 and 4 have 2 in common", "32x32x16",
        "conv: {filters: 16, kernel: 3, padding: 6, dilation: 6}, relu, "
        "conv: {filters: 16, kernel: 3, padding: 4, dilation: 4}", "conv2"),
    # CC418
    Row("CC418", "a map of two", "2x2x16", "conv_transpose: {filters: 8, kernel: 3, stride: 2}",
        "conv_transpose1"),
    Row("CC418", "divisible", "8x8x16", "conv_transpose: {filters: 8, kernel: 4, stride: 2}, "
        "conv_transpose: {filters: 8, kernel: 2, stride: 2}, "
        "conv_transpose: {filters: 8, kernel: 3}"),
    Row("CC418", "holes", "8x8x16", "conv_transpose: {filters: 8, kernel: 1, stride: 2}",
        "conv_transpose1"),
    Row("CC418", "one value has no neighbours", "1x1x16",
        "conv_transpose: {filters: 8, kernel: 5, stride: 2}"),
    Row("CC418", "along the second axis alone", "1x8x16",
        "conv_transpose: {filters: 8, kernel: 3, stride: 2}", "conv_transpose1"),
    Row("CC418", "divided by 3", "8x8x16", "conv_transpose: {filters: 8, kernel: 6, stride: 3}, "
        "conv_transpose: {filters: 8, kernel: 4, stride: 3}", "conv_transpose2"),
    # CC424
    Row("CC424", "windows of 3 every 2", "9x9x8",
        "{name: p, maxpool: {kernel: 3, stride: 2}}, maxunpool: {indices: p}", "maxunpool1"),
    Row("CC424", "along the width alone", "8x9x8",
        "{name: p, maxpool: {kernel: 2x3, stride: 2}}, maxunpool: {indices: p}", "maxunpool1"),
    Row("CC424", "windows side by side, and one alone", "8x8x8",
        "{name: p, maxpool: 2}, maxunpool: {indices: p}, "
        "{name: q, maxpool: {kernel: 8, stride: 1}}, maxunpool: {indices: q}"),
    # CC419
    Row("CC419", "a projection beside a padded convolution", "32x32x8", "add: [[conv: {filters: 8, "
        "kernel: 3, stride: 2, padding: 1}], [conv: {filters: 8, kernel: 1, stride: 2}]]", "",
        "rounding: floor"),
    Row("CC419", "half a position of `same`", "32x32x8", "add: [[conv: {filters: 8, kernel: 3, "
        "stride: 2, padding: same}], [conv: {filters: 8, kernel: 1, stride: 2, padding: same}]]",
        "",
        "rounding: floor"),
    Row("CC419", "the past", "100x8",
        "add: [[], [conv: {filters: 8, kernel: 9, padding: [[8, 0]]}]]"),
    Row("CC419", "other strides", "16x16x8", f"conv: {CONV}, add: [[maxpool: 2, maxpool: 2], "
        "[crop: {size: 8}, maxpool: 2]]", "add1"),
    Row("CC419", "a pooled position spread over the map (ASPP)", "28x28x8",
        "concat: [[], [global_avgpool, conv: {filters: 8, kernel: 1}, upsample: {size: 28}]]"),
    Row("CC419", "so does each axis (PointNet)", "1024x8",
        "concat: [[], [global_maxpool, upsample: {size: 1024, mode: linear}], "
        "[global_maxpool, conv_transpose: {filters: 8, kernel: 1024}]]"),
    Row("CC419", "pooled levels spread again (PSPNet)", "60x60x8",
        "concat: [[], [avgpool: 30, upsample: {scale: 30, mode: linear}], "
        "[avgpool: 20, upsample: 20]]"),
    Row("CC419", "feature pyramids", "64x64x16", "{relu: , name: p2}, "
        "conv: {filters: 16, kernel: 3, stride: 2, padding: 1}, "
        "conv: {filters: 16, kernel: 3, stride: 2, padding: 1}, "
        "add: [[from: p2], [upsample: 4]]", "", "rounding: floor"),
    Row("CC419", "decoders of sizes that halve to an odd one", "50x50x8", "{relu: , name: a}, "
        "maxpool: 2, {relu: , name: b}, maxpool: {kernel: 3, stride: 2, padding: 1}, "
        "{concat: [[upsample: {size: 25}], [from: b]]}, {concat: [[upsample: 2], [from: a]]}"),
    Row("CC419", "windows, moved and along a grid", "56x56x8", "conv: {filters: 8, kernel: 3, "
        "padding: 1}, add: [[], [attention: {heads: 2, window: 7, shift: 3}]], "
        "maxpool: {kernel: 3, stride: 2, padding: 1}, add: [[], [attention: {heads: 2, grid: 7}]]",
        "", "rounding: floor"),
    Row("CC419", "corners aligned", "32x32x8", "{relu: , name: a}, maxpool: 4, "
        "concat: [[upsample: {scale: 4, mode: linear, align_corners: true}], [from: a]]",
        "concat1"),
    Row("CC419", "more than half a position of the coarsest map", "32x32x8",
        "{relu: , name: a}, maxpool: 4, concat: [[upsample: 4, "
        "pad: [[3, 0], [0, 0]], crop: [[0, 3], [0, 0]]], [from: a]]", "concat1"),
    Row("CC419", "and no more than that", "32x32x8",
        "{relu: , name: a}, maxpool: 4, concat: [[upsample: 4, "
        "pad: [[2, 0], [0, 0]], crop: [[0, 2], [0, 0]]], [from: a]]"),
    Row("CC419", "a coarse map before the branches is no excuse", "32x32x8",
        "maxpool: 4, upsample: 4, add: [[], [pad: [[1, 0], [0, 0]], crop: [[0, 1], [0, 0]]]]",
        "add1"),
    Row("CC419", "along the second axis alone", "16x16x8",
        "add: [[], [pad: [[0, 0], [3, 0]], crop: [[0, 0], [0, 3]]]]", "add1"),
    Row("CC419", "and branches behind a gate have", "16x16x8",
        "add: [[global_avgpool], [], [pad: [[3, 0], [0, 0]], crop: [[0, 3], [0, 0]]]]", "add1"),
    Row("CC419", "gates have no place", "16x16x16", "multiply: [[], [global_avgpool]]"),
    # CC420
    Row("CC420", "outputs by name", "784", "{linear: 10, name: side}, {linear: 10, from: input}",
        "",
        "expect: {layers: {side: 10}}"),
    Row("CC420", "listed as outputs", "784", "{linear: 10, name: side}, {linear: 10, from: input}",
        "", "outputs: [side, linear1]"),
    Row("CC420", "the last item, where others are listed", "784",
        "{linear: 10, name: side}, {linear: 9, name: end}, {linear: 10, from: input}", "linear1",
        "outputs: [side, end]"),
    Row("CC420", "one of several inputs", "{left: 784, right: 10, unit: 9}", "linear: 10", "right",
        "outputs: [linear1, unit]"),
    Row("CC420", "an input whose size another tensor takes", "{left: 8x8x3, right: 16x16x3}",
        "upsample: {like: right}", "", "outputs: [upsample1]"),
    Row("CC420", "the end of a branch", "784", "{linear: 10, name: side}, relu, "
        "{linear: 10, from: input}", "relu1"),
    # CC421
    Row("CC421", "fields from parameters", "784", "dropout: rate, reshape: [width]", "",
        "parameters: {rate: 0, width: 784}"),
    Row("CC421", "fields from parameters by way of `defaults`", "8x8x3",
        "dropout, maxpool: {kernel: 1}, dropout: 0", "dropout2",
        "parameters: {rate: 0}\ndefaults: {dropout: {rate: rate}, maxpool: {stride: rate + 1}}"),
    Row("CC421", "shapes that stay", "28x28x3", "reshape: 28x28x3, permute: [1, 2, 3], pad: 0, "
        "upsample: 1, slice: {start: 0}", "pad1 upsample1 reshape1 permute1 slice1"),
    Row("CC421", "adaptive pools are for other inputs", "7x7x3", "adaptive_avgpool: 7"),
    Row("CC421", "merges of one branch", "784", "add: [[relu]], concat: [[]]", "add1 concat1"),
    Row("CC421", "a second relu", "8x8x3", "relu, maxpool: 2, relu", "relu2"),
    Row("CC421", "behind what makes no value negative", "8x8x8",
        "relu, avgpool: 2, pixel_shuffle: 2, slice: {stop: 1}, crop: 1, relu", "relu2"),
    Row("CC421", "padded with what is, learned factors, and sums", "8x8x4",
        "relu, pad: {padding: 1, value: -1.0}, relu, scale, relu, {add: [[], [scale]]}, relu"),
    Row("CC421", "a relu that does something elsewhere", "8x8x3",
        "{layers: [relu, conv: {filters: 3, kernel: 1}, relu], repeat: 2}"),
    Row("CC421", "an item that does something elsewhere", "8x8x3",
        "{layers: [upsample: {size: 16x16}, relu6], repeat: 2}"),
    # CC422
    Row("CC422", "used by another parameter", "784", "linear: half", "",
        "parameters: {width: 8, half: width/2}"),
    Row("CC422", "hidden by a block's own", "784", "unit: {width: 10}", "parameters.width",
        "parameters: {width: 8}\nblocks: {unit: {parameters: {width}, layers: [linear: width]}}"),
    Row("CC422", "passed on to a block", "784", "unit: {width: width}", "",
        "parameters: {width: 8}\nblocks: {unit: {parameters: {width}, layers: [linear: width]}}"),
    Row("CC422", "of a block", "784", "unit: {depth: 10}", "blocks.unit.parameters.depth",
        "blocks: {unit: {parameters: {depth}, layers: [linear: 10]}}"),
    Row("CC422", "as a condition, a name and a promise", "784",
        "{linear: 9, when: deep}, {relu: , name: here}, {linear: 8, from: place}", "",
        "parameters: {deep: true, place: 'here', outputs: 8}\nexpect: {output: outputs}"),
    Row("CC422", "in the braces of a name", "784",
        "{linear: 9, name: stage, repeat: 2}, {linear: 8, from: 'stage{last}'}", "",
        "parameters: {last: 2}"),
    Row("CC422", "in the braces of an output", "784", "{linear: 9, name: p3}", "",
        "parameters: {level: 3}\noutputs: ['p{level}']"),
    Row("CC422", "a word before the braces of a name", "784",
        "linear: 9, linear: 9, {linear: 8, from: 'linear{1 + 1}'}",
        "parameters.linear", "parameters: {linear: 2}"),
    # CC423
    Row("CC423", "called by a block that nothing calls", "784", "linear: 10",
        "blocks.inner blocks.outer",
        "blocks: {inner: {layers: [relu]}, outer: {layers: [inner]}}"),
    Row("CC423", "called in a branch, and under a condition", "784",
        "add: [[one], [{two: , when: false}]]", "",
        "blocks: {one: {layers: [relu]}, two: {layers: [relu6]}}"),
]  # fmt: skip


# What a rule says of a layer does not depend on the layers beside it

WHOLE = {
    "CC401": "the input, of which there is one",
    "CC411": "what stands before the output",
    "CC413": "the weights of all layers together",
    "CC415": "where the map of the network's output comes from",
    "CC416": "the same",
    "CC420": "the network's inputs",
    "CC421": "the number of all layers of a kind",
    "CC424": "a pool by its name, which is another one's where layers stand beside others",
    **dict.fromkeys(SPEC_RULES, "the text"),
}
"""Rules about a network as a whole, or its text, and what they look at."""


def beside(*branches: Sequence[object], shape: str) -> str:
    """Layers side by side, each chain from the input, in one network."""
    return json.dumps({"input": shape, "layers": [{"concat": [[*b, "flatten"] for b in branches]}]})


def parts() -> dict[str, list[list[object]]]:
    """By input, the layers of all pages and rows that start from it, the flagged ones last."""
    texts = [PAGES[code].specs[title] for title in ("Instead", "Flagged") for code in RULES]
    rows = sorted(ROWS, key=lambda row: bool(row.expected))
    texts += [f"input: {row.input}\nlayers: [{row.layers}]\n{row.extra}" for row in rows]
    found: dict[str, list[list[object]]] = {}
    for spec in (yaml.load(text, yaml.CSafeLoader) for text in texts):
        if set(spec) == {"input", "layers"} and "name" not in json.dumps(spec):
            found.setdefault(spec["input"], []).append(spec["layers"])
    return found


PARTS = parts()


def numbers(text: str) -> Counter[str]:
    """How often each rule about layers has something to say."""
    found = advice(loads(text), RULES.keys() - WHOLE.keys())
    return Counter(problem.code for _, problem in found)


@tabled("shape", PARTS)
def test_advice_about_layers_is_the_same_beside_others(shape: str) -> None:
    branches = PARTS[shape]
    alone = [numbers(beside(branch, shape=shape)) for branch in branches]

    together = sum(alone, Counter[str]())
    assert numbers(beside(*branches, shape=shape)) == together
    assert numbers(beside(*reversed(branches), shape=shape)) == together
    twice = Counter({code: 2 * number for code, number in together.items()})
    assert numbers(beside(*branches, *branches, shape=shape)) == twice


@tabled("shape", PARTS)
def test_advice_about_layers_is_the_same_beside_a_mistake(shape: str) -> None:
    """What is known of a network is judged; what its input and output are like is not known."""
    branches, mistake = PARTS[shape], ["flatten", {"reshape": {"shape": [7919, -1]}}, "relu"]
    wrong = read_text(SourceText("x", beside(*branches, mistake, shape=shape)))

    assert len(wrong.errors) == 1
    found = [problem.code for _, problem in advice(wrong, RULES.keys())]
    assert not {"CC401", "CC411", "CC415"}.intersection(found)
    right = beside(*branches, ["flatten", "relu"], shape=shape)
    assert Counter(code for code in found if code not in WHOLE) == numbers(right)


def test_what_stands_beside_others_has_advice_of_every_rule_about_layers() -> None:
    said = Counter[str]()
    for shape, branches in PARTS.items():
        said += numbers(beside(*branches, shape=shape))
    silent = sorted(RULES.keys() - WHOLE.keys() - said.keys())
    assert not silent, f"{silent}: no page or row beside others, nor a reason in WHOLE"


@tabled("row", ROWS, ids=lambda row: f"{row.code}: {row.why}")
def test_rules_know_where_to_stop_and_have_numbers_and_say_what_to_do(row: Row) -> None:
    network = loads(f"input: {row.input}\n{row.extra}\nlayers: [{row.layers}]")

    assert sorted(judged(network, row.code)) == sorted(row.expected.split())
    for index, problem in advice(network, RULES.keys()):
        assert problem.severity == RULES[problem.code].severity
        assert problem.message[-1] not in ".!"
        assert problem.help
        assert len(problem.message) < 200
        if index is not None and problem.field is not None:
            assert hasattr(network.nodes[index].layer, problem.field)
            assert network.nodes[index].kind in CATALOGUE


def broken(network: Network, index: int) -> Network:
    """The same network with an error in one layer, which leaves all behind it unknown."""
    unknown = {index}
    for at, node in enumerate(network.nodes):
        if not unknown.isdisjoint(node.inputs):
            unknown.add(at)
    plans = [None if at in unknown else plan for at, plan in enumerate(network.plans)]
    error = network.diagnostics[0]._replace(severity="error")
    return network._replace(plans=plans, diagnostics=(error,), complete=False)


@tabled("code", RULES)
def test_rules_pass_over_what_an_error_keeps_unknown(code: str) -> None:
    """No rule stumbles over it, in whatever layer it is of all that the rule has to judge."""
    for row in ROWS:
        if row.code == code:
            text = f"input: {row.input}\n{row.extra}\nwrong: 1\nlayers: [{row.layers}]"
            network = read_text(SourceText("net", text))
            for index in range(len(network.nodes)):
                given = advice(broken(network, index), {code})
                assert {problem.code for _, problem in given} <= {code}, row.why


def test_every_rule_has_rows() -> None:
    for code in RULES:
        where = {bool(row.expected) for row in ROWS if row.code == code}
        assert where == {True, False}, f"{code} has no rows in ROWS that speak and that do not"


LINKS = {
    **dict.fromkeys(("relu", "gelu", "sigmoid"), ""),
    "conv": "{filters: 16, kernel: 3, padding: 1}",
    "depthwise_conv": "{kernel: 3, padding: 1}",
    "conv_transpose": "{filters: 16, kernel: 3, padding: 1}",
    "locally_connected": "{filters: 16, kernel: 3}",
    "maxpool": "2",
    "avgpool": "2",
    "flatten": "",
    "reshape": "4x16x16",
    "scale": "",
    "pad": "1",
    "crop": "1",
    "upsample": "2",
    "pixel_shuffle": "2",
    "channel_shuffle": "4",
    "slice": "{stop: 8}",
}
"""Layers whose values are other ones in training where those before them are."""
BREAKS = {"layernorm": "", "groupnorm": "4", "instancenorm": "", "softmax": ""}
"""Layers that scale what comes anew."""


@tabled("kind", [*LINKS, *BREAKS])
def test_dropout_reaches_a_batch_norm_through_layers_of_these_kinds(kind: str) -> None:
    link = f"{kind}: {LINKS.get(kind, BREAKS.get(kind))}"
    text = f"input: 8x8x16\nlayers: [dropout: 0.5, {{{link}}}, batchnorm, LAST]"
    last = "{linear: 8}" if kind == "flatten" else "{conv: {filters: 8, kernel: 1}}"

    assert advised(text.replace("LAST", last), "CC409") == ["batchnorm1"] * (kind in LINKS)


FIELDS = {
    "CC401": "input",
    **dict.fromkeys(("CC402", "CC404", "CC406", "CC418"), "kernel"),
    "CC403": "padding",
    "CC405": "stride",
    "CC408": "bias",
    "CC411": "rate",
    "CC412": "filters features",
    "CC414": "filters features",
    "CC417": "dilation",
    "CC424": "indices",
    "CC422": "parameters.width blocks.unit.parameters.depth parameters.classes parameters.linear",
    "CC423": "blocks.inner blocks.outer blocks.unit",
}
"""The fields at fault that a rule points at; a rule that is not here points at whole layers."""


@tabled("code", RULES)
def test_rules_point_at_the_field_at_fault(code: str) -> None:
    rows = [
        f"input: {row.input}\n{row.extra}\nlayers: [{row.layers}]"
        for row in ROWS
        if row.code == code and row.expected
    ]
    rows.append(PAGES[code].specs["Flagged"])
    rows.append(
        "input: 8x8x16\nlayers: [{conv: {filters: 1, kernel: 1}}, "
        "{conv: {filters: 12, kernel: 1}}, {conv: {filters: 8, kernel: 1}}]"
    )
    said = {str(problem.field) for text in rows for _, problem in advice(loads(text), {code})}

    assert said == {*FIELDS.get(code, "None").split()}, f"{code} has another row in FIELDS, or none"


MESSAGES = {
    "CC401": [
        ("100x96x3", ("maxpool: {kernel: 2, rounding: ceil}, maxpool: {kernel: 2, rounding: ceil}, "
         "maxpool: {kernel: 2, rounding: ceil}"),
         "maxpool3 halves an odd height: 25/2 = 12.5, from the input 100×96×3"),
    ],
    # 7·7·16 = 784 and 3·3·3·16 = 432; 9³·16 = 11,664 and 4·3³·16 = 1,728.
    "CC402": [
        (f"{shape}x3", (f"conv: {CONV}, relu, conv: {{filters: 256, kernel: {kernel}, "
         f"padding: same}}, relu, conv: {CONV}"), message)
        for shape, kernel, message in (
            ("64x64", 7,
             ("a 7×7 filter on 16 channels has 784 weights; 3 of 3×3 on as many see as much with "
              "432")),
            ("64x64", "7x9",
             ("a 7×9 filter on 16 channels has 1,008 weights; 4 of 3×3 on as many see as much "
              "with 576")),
            ("32x32x32", 9,
             ("a 9×9×9 filter on 16 channels has 11,664 weights; 4 of 3×3×3 on as many see as "
              "much with 1,728")))
    ],
    "CC407": [
        ("784", "linear: 50, linear: 40",
         ("linear2 is linear in what linear1 makes: together they compute one linear map of 784 "
          "channels to 40")),
    ],
    "CC408": [
        ("32x32x3", "conv: {filters: 1200, kernel: 1}, instancenorm",
         ("instancenorm subtracts the mean of each channel, and with it the bias: 1,200 "
          "parameters do nothing")),
        ("32x32x3", "conv: {filters: 2, kernel: 1}, batchnorm",
         ("batchnorm subtracts the mean of each channel, and with it the bias: 2 parameters do "
          "nothing")),
        ("32x32x3", "conv: {filters: 1, kernel: 1}, batchnorm",
         ("batchnorm subtracts the mean of each channel, and with it the bias: 1 parameter does "
          "nothing")),
    ],
    "CC410": [
        ("784", "linear: 10, softmax, log_softmax",
         "log_softmax1 works on the probabilities of softmax1"),
        ("784", "linear: 10, softmax, log_softmax",
         ("log_softmax1 works on the probabilities of softmax1; leave this one out, and keep one "
          "at the end")),
        ("784", "linear: 10, softmax, linear: 5",
         ("linear2 works on the probabilities of softmax1; use an activation such as `relu` here, "
          "and keep softmax for the end")),
    ],
    "CC412": [
        ("16x8x5", f"conv: {{filters: 1, kernel: 1}}, relu, conv: {CONV}",
         "conv1 leaves one channel of 5: conv2 works on 16×8 values"),
        ("784", "linear: 1, relu, linear: 10",
         "linear1 leaves one channel of 784: linear2 works on one number"),
    ],
    # 64·64·16·100 + 100 of those and 100·10 + 10; 16·100 weights stay.
    "CC413": [
        ("64x64x16", "flatten, linear: 100, relu, linear: 10",
         ("linear1 has 6,553,700 of the 6,554,710 parameters (100%), a weight for each of the "
          "64×64×16 values per output; put `global_avgpool` before the flatten: 16 values, and "
          "6,552,000 parameters fewer")),
    ],
    "CC414": [
        ("784", f"linear: {channels}, relu, linear: 10",
         (f"{channels} channels are no multiple of 8: {channels}/8 = {quotient}; "
          f"use {instead}"))
        for channels, quotient, instead in ((100, "12.5", "96 or 104"), (5, "0.625", "8"),
                                            (9, "1.125", "8 or 16"), (15, "1.875", "8 or 16"))
    ],
    # 3; 4 at 2 apart, 8; 10 at 4 apart, 18.
    "CC415": [
        ("64x16x3", f"conv: {CONV}, maxpool: 2, conv: {CONV}, maxpool: 2, conv: {CONV}, {POOLED}",
         "the last map sees 18×18 of the 64×16 input at each position"),
    ],
    "CC420": [
        ("784", "{linear: 12, name: side}, relu, {linear: 10, from: input}",
         "nothing reads relu1 (12), and it is not the output, which is linear1"),
    ],
    "CC421": [
        ("28x28x3", "pad: 0, relu", "pad (padding 0) leaves its input 28×28×3 as it is"),
        ("28x28x3", "upsample: 1, relu", "upsample (scale 1) leaves its input 28×28×3 as it is"),
        ("28x28x3", "relu, relu", "relu leaves what relu1 makes as it is: no value is negative"),
        ("28x28x3", "relu, tanh, relu",
         "relu leaves what tanh1 makes as it is: no value behind relu1 is negative"),
    ],
    "CC409": [
        ("8x8x3", f"conv: {CONV}, dropout: {rate}, batchnorm, conv: {CONV}",
         (f"dropout1 makes the mean square of its values in training {shift} that in inference, "
          "and batchnorm1 keeps the statistics of training"))
        for rate, shift in ((0.2, "1.25 times"), (0.5, "2 times"), (1, "other than"))
    ],
    "CC403": [
        ("32x32x3", "conv: {filters: 8, kernel: 3x5, padding: 1}",
         ("stride 1 and padding 1 shrink the map by 2: a kernel of 3×5 keeps it with (F − 1)/2 = "
          "[1, 2]")),
        ("32x32x3", "conv: {filters: 8, kernel: 3, dilation: 2, padding: 3}",
         "stride 1 and padding 3 grow the map by 2: a kernel of 5×5 keeps it with (F − 1)/2 = 2"),
        ("32x32x3", "conv: {filters: 8, kernel: 3, padding: [[2, 1], [2, 1]]}",
         ("stride 1 and padding [[2, 1], [2, 1]] grow the map by 1: a kernel of 3×3 keeps it with "
          "(F − 1)/2 = 1")),
        ("32x32x3", "conv: {filters: 8, kernel: 3, padding: [2, 3]}",
         ("stride 1 and padding [[2, 2], [3, 3]] grow the map by 4: a kernel of 3×3 keeps it with "
          "(F − 1)/2 = 1; use padding 1, or none")),
    ] + [
        ("32x32x3", f"conv: {{filters: 8, kernel: 3, padding: {padding}}}",
         f"stride 1 and padding {padding} {how}: a kernel of 3×3 keeps it with (F − 1)/2 = 1")
        for padding, how in ((2, "grow the map by 2"),
                             ("[[1, 2], [1, 2]]", "grow the map by 1"))
    ],
    "CC411": [
        ("784", "linear: 10, dropout: 0.25",
         "dropout sets 25% of the 10 values that linear1 puts out to 0"),
    ],
    "CC404": [
        ("32x32x3", "maxpool: 4", "a 4×4 pool of stride 4×4 keeps 6.25% of the activations"),
        ("37x33x3", "avgpool: {kernel: 5, stride: 4x2}",
         "a 5×5 pool of stride 4×2 keeps 12.5% of the activations"),
    ],
    "CC405": [
        ("8x8x3", "relu, conv: {filters: 8, kernel: 2, stride: 3}",
         "stride 3×3 over a kernel of 2×2 never reads 55.6% of relu1, and no other layer does"),
        ("9x9x3", "relu, conv: {filters: 8, kernel: 1x3, stride: 2, padding: [0, 1]}",
         "stride 2×2 over a kernel of 1×3 never reads 50% of relu1, and no other layer does"),
        ("9x9x3", "conv: {filters: 8, kernel: 1, stride: 2}",
         "stride 2×2 over a kernel of 1×1 never reads 75% of input, and no other layer does"),
    ],
    "CC406": [
        ("32x32x16", "conv: {filters: 16, kernel: 7, padding: 3}",
         ("one 7×7 convolution from 16 to 16 channels has 12,544 weights; 3 of 3×3 see as much "
         "with 6,912")),
    ],
    "CC416": [
        ("5x5x16", ", ".join([f"conv: {CONV}, relu"] * 7),
         "the map before conv5 sees 9×9 of the 5×5 input: 3 of 7 convolutions cannot see more"),
    ],
    "CC417": [
        ("32x32x16", f"conv: {DILATED}, relu, conv: {DILATED}",
         ("the dilations of 2 convolutions up to conv2 have the common factor 2: each output reads "
         "one in 2 positions along an axis")),
    ],
    "CC418": [
        ("8x8x16", "conv_transpose: {filters: 8, kernel: 5, stride: 3}",
         "kernel 5 is not divisible by stride 3: along an axis outputs get 1 or 2 inputs, in turn"),
    ],
    "CC424": [
        ("9x9x8", "{name: p, maxpool: {kernel: 3, stride: 2}}, maxunpool: {indices: p}",
         ("windows of 3 every 2 overlap along the height: where two have one largest value, one of "
          "both values is lost")),
    ],
    "CC419": [
        ("64x64x8", ("concat: [[], [maxpool: 2, "
         "upsample: {scale: 2, mode: linear, align_corners: true}]]"),
         ("neighbours in branch 1 look at places 1 apart in the input, in branch 2 0.9841: "
          "aligned corners stretch a map to its border")),
        ("16x16x8", "add: [[], [pad: [[3, 0], [3, 0]], crop: [[0, 3], [0, 3]]]]",
         "branches 1 and 2 look at places at least 3 input rows apart, and positions are 1 apart"),
    ],
}  # fmt: skip
"""What rules say, with numbers worked out by hand."""


EVEN = "conv: {filters: 8, kernel: 40, padding: same}"
LEVEL = "upsample: {{scale: {0}, mode: linear, align_corners: true}}"
NORMED = f"dropout, conv: {CONV}, batchnorm"


@pytest.mark.parametrize(
    ("code", "shape", "layers", "help_"),
    [
        ("CC419", "100x8", f"concat: [[{EVEN}, relu, {EVEN}], []]",
         ("use odd kernels in conv1 and conv2: even ones cannot have the same padding on each side "
         "and keep the size")),
        ("CC419", "60x60x8", (f"concat: [[], [avgpool: 30, {LEVEL.format(30)}], [avgpool: 20, "
                             f"{LEVEL.format(20)}]]"),
         "set `align_corners: false` in upsample1 and upsample2"),
        ("CC409", "8x8x3", f"{NORMED}, relu, conv: {CONV}",
         "move dropout1 behind batchnorm1, the last batch normalization"),
        ("CC409", "8x8x3", f"{NORMED}, relu, {NORMED}, relu, conv: {CONV}",
         ("leave the 2 dropouts before a batch normalization out, and put one behind batchnorm2, "
         "the last batch normalization")),
        ("CC409", "8x8x3", f"{NORMED}, relu, dropout, conv: {CONV}",
         "leave dropout1 out: dropout2 stands behind the last batch normalization"),
        ("CC413", "8x8x256", ("conv: {filters: 256, kernel: 5, padding: 2}, relu, "
                             "adaptive_avgpool: 6, flatten, linear: 300, relu, linear: 10"),
         "set `adaptive_avgpool: 1`: 256 values, and 2,688,000 parameters fewer"),
        ("CC401", "32x32x3", (f"conv: {CONV}, conv: {{filters: 8, kernel: 3}}, maxpool: 2, "
                             "conv: {filters: 8, kernel: 3}, maxpool: 2, flatten, linear: 10"),
         ("use an input of 30×30, or `padding: same` in the convolutions before that shrink the "
         "map")),
    ],
)  # fmt: skip
def test_helps_name_what_is_to_be_done_in_the_whole_network(
    code: str, shape: str, layers: str, help_: str
) -> None:
    network = loads(f"input: {shape}\nrounding: floor\nlayers: [{layers}]")

    assert {found.help for _, found in advice(network, {code})} == {help_}


@tabled("code", MESSAGES)
def test_messages_have_the_right_numbers(code: str) -> None:
    for shape, layers, message in MESSAGES[code]:
        network = loads(f"input: {shape}\nlayers: [{layers}]")
        said = [found for _, found in advice(network, {code})]
        helped = {f"{found.message}; {found.help}" for found in said}
        assert message in helped.union(found.message for found in said)


def test_every_rule_about_layers_has_a_message_worked_out_by_hand() -> None:
    without = sorted(RULES.keys() - SPEC_RULES - MESSAGES.keys())
    assert not without, f"{without}: no row in MESSAGES"
    assert MESSAGES.keys() <= RULES.keys()


@pytest.mark.parametrize(
    ("kernel", "shape", "count", "weights", "stack"),
    [
        (5, "20x20x16", 2, 25 * 16 * 16, 2 * 9 * 16 * 16),
        (7, "20x20x16", 3, 49 * 16 * 16, 3 * 9 * 16 * 16),
        (9, "20x20x16", 4, 81 * 16 * 16, 4 * 9 * 16 * 16),
        (11, "20x20x16", 5, 121 * 16 * 16, 5 * 9 * 16 * 16),
        # The filters in between are as many as the larger of both sides.
        (7, "20x20x12", 3, 49 * 12 * 16, 9 * 16 * (12 + 16 + 16)),
        (7, "20x20x20", 3, 49 * 20 * 16, 9 * 20 * (20 + 20 + 16)),
        (5, "9x9x9x16", 2, 125 * 16 * 16, 2 * 27 * 16 * 16),
    ],
)
def test_a_stack_of_small_filters_is_counted(
    kernel: int, shape: str, count: int, weights: int, stack: int
) -> None:
    net = loads(f"input: {shape}\nlayers: [conv: {{filters: 16, kernel: {kernel}, padding: same}}]")
    ((index, problem),) = advice(net, {"CC406"})

    assert index == 1
    assert f"has {weights:,} weights; {count} of " in problem.message
    assert problem.message.endswith(f" see as much with {stack:,}")
    assert problem.help is not None
    assert problem.help.startswith(f"stack {count} convolutions of 3×3")


class Help(NamedTuple):
    """A spec, what a rule's help says about it, and what doing that means in its text."""

    code: str
    spec: str
    help: str
    changes: tuple[tuple[str, str], ...]


def trial(input: str, layers: str, extra: str = "rounding: exact") -> str:  # noqa: A002
    return f"input: {input}\n{extra}\nlayers: [{layers}]"


HALVED = f"conv: {CONV}, relu, maxpool: 2"
UNET = trial(
    "64x64x3",
    "conv: {filters: 8, kernel: 3, padding: 1}, {relu: , name: a}, maxpool: 2, "
    "conv: {filters: 16, kernel: 3, padding: 1}, {relu: , name: b}, maxpool: 2, "
    "conv: {filters: 16, kernel: 3, padding: 1}, relu, "
    "concat: [[upsample: {scale: 2, mode: linear, align_corners: true}], [from: b]], "
    "concat: [[upsample: {scale: 2, mode: linear, align_corners: true}], [from: a]]",
)
TWO_ADVICES = trial(
    "64x64x16",
    "{relu: , name: a}, conv: {filters: 16, kernel: 3, stride: 2, padding: 1}, "
    "{relu: , name: b}, conv: {filters: 16, kernel: 3, stride: 2, padding: 1}, relu, "
    "conv_transpose: {filters: 16, kernel: 3, stride: 2, padding: 1, output_padding: 1}, "
    "concat: [[], [from: b]], "
    "conv_transpose: {filters: 16, kernel: 3, stride: 2, padding: 1, output_padding: 1}, "
    "concat: [[], [from: a]]",
    "rounding: floor",
)
KERNELS = (
    "use kernel 2 with padding 0 and output_padding 0 or kernel 4 with output_padding 0, "
    "or `upsample` and an ordinary convolution"
)

HELPS = [
    Help("CC401", trial("100x100x3", f"{HALVED}, {HALVED}, {HALVED}", "rounding: ceil"),
         "use an input of 96×96 or 104×104", (("100x100", size),))
    for size in ("96x96", "104x104")
] + [
    Help("CC401", trial("100x64x3", f"{HALVED}, {HALVED}, {HALVED}", "rounding: floor"),
         "use an input of 96×64 or 104×64", (("100x64", "104x64"),)),
    Help("CC401", trial("1001x3", "maxpool: 2, maxpool: 2, conv: {filters: 8, kernel: 250}, "
                        "upsample: 1000",
                        "rounding: floor"),
         "use a length of 1000 or 1004", (("1001x3", "1004x3"),)),
    Help("CC401", trial("25x25x3", f"{HALVED}, conv: {{filters: 8, kernel: 12}}, "
                        "upsample: 24", "rounding: floor"),
         "use an input of 24×24 or 26×26", (("25x25x3", "24x24x3"),)),
    Help("CC415", trial("64x64x3", f"{HALVED}, {HALVED}, conv: {CONV}, relu, {POOLED}"),
         "add layers, strides or dilation, or use a smaller input, such as 36×36",
         (("64x64", "36x36"),)),
    Help("CC415", trial("64x16x3", f"{HALVED}, {HALVED}, conv: {CONV}, relu, {POOLED}"),
         "add layers, strides or dilation, or use a smaller input, such as 36×16",
         (("64x16", "36x16"),)),
    Help("CC415", trial("49x10x1", "conv: {filters: 64, kernel: 10x4, stride: 2, padding: same}, "
                        "relu, depthwise_conv: {kernel: 3, padding: same}, "
                        "conv: {filters: 64, kernel: 1}, relu, avgpool: 25x5, flatten, linear: 12"),
         "add layers, strides or dilation",
         (("depthwise_conv: {kernel: 3", "depthwise_conv: {kernel: 25x5"),)),
    Help("CC416", trial("16x16x3", f"{HALVED}, {HALVED}, conv: {CONV}, relu, conv: {CONV}, relu, "
                        f"conv: {CONV}, relu, {POOLED}"),
         "leave layers out, or use a larger input, such as 28×28", (("16x16x3", "28x28x3"),)),
    # Seven convolutions of 3, each of which sees 2 more: what the last reads sees 13 rows.
    Help("CC416", trial("5x5x3", f"{', '.join([f'conv: {CONV}, relu'] * 7)}, {POOLED}"),
         "leave layers out, or use a larger input, such as 14×14", (("5x5x3", "14x14x3"),)),
    Help("CC418", trial("8x8x16", "conv_transpose: {filters: 8, kernel: 3, stride: 2, padding: 1, "
                        "output_padding: 1}, relu"),
         KERNELS, (("kernel: 3", "kernel: 4"), ("output_padding: 1", "output_padding: 0"))),
    Help("CC418", trial("8x8x16", "conv_transpose: {filters: 8, kernel: 3, stride: 2, padding: 1, "
                        "output_padding: 1}, relu"),
         KERNELS, (("kernel: 3", "kernel: 2"), ("padding: 1, output_padding: 1", "padding: 0"))),
    Help("CC418", trial("8x8x16", "conv_transpose: {filters: 8, kernel: 3, stride: 2}, relu"),
         "use kernel 4 with padding 1 and output_padding 1, or `upsample` and an ordinary "
         "convolution",
         (("kernel: 3, stride: 2", "kernel: 4, stride: 2, padding: 1, output_padding: 1"),)),
    Help("CC418", trial("8x8x16", "conv_transpose: {filters: 8, kernel: 5, stride: 2, "
                        "padding: same}, relu"),
         "use kernel 4 or kernel 6, or `upsample` and an ordinary convolution",
         (("kernel: 5", "kernel: 6"),)),
    Help("CC418", trial("8x8x16", "conv_transpose: {filters: 8, kernel: 4, stride: 3, "
                        "padding: same}, relu"),
         "use kernel 3 or kernel 6, or `upsample` and an ordinary convolution",
         (("kernel: 4", "kernel: 6"),)),
    Help("CC418", trial("8x8x16", "conv_transpose: {filters: 8, kernel: 1, stride: 2}, relu"),
         "use kernel 2 with padding 1 and output_padding 1, or `upsample` and an ordinary "
         "convolution",
         (("kernel: 1, stride: 2", "kernel: 2, stride: 2, padding: 1, output_padding: 1"),)),
    Help("CC418", trial("8x8x16", "conv_transpose: {filters: 8, kernel: 4x3, stride: 2, "
                        "padding: [1, 1]}, relu"),
         "use kernel 2 with output_padding 1 or kernel 4 with padding 2 and output_padding 1 along "
         "axis 2, or `upsample` and an ordinary convolution",
         (("kernel: 4x3", "kernel: 4x4"), ("[1, 1]", "[1, 2], output_padding: [0, 1]"))),
    Help("CC418", TWO_ADVICES, KERNELS,
         (("kernel: 3, stride: 2, padding: 1, output_padding: 1",
           "kernel: 4, stride: 2, padding: 1"),)),
    Help("CC418", TWO_ADVICES, KERNELS,
         (("kernel: 3, stride: 2, padding: 1, output_padding: 1", "kernel: 2, stride: 2"),)),
    Help("CC424", trial("9x9x8", "{name: p, maxpool: {kernel: 3, stride: 2}}, relu, "
                        "maxunpool: {indices: p}"),
         "pool with kernel 2, or stride 3", (("stride: 2", "stride: 3"),)),
    Help("CC419", UNET, "set `align_corners: false` in upsample1",
         (("align_corners: true", "align_corners: false"),)),
    Help("CC419", trial("64x64x8", "concat: [[], [maxpool: 2, maxpool: 2, "
                        "upsample: {scale: 2, mode: linear, align_corners: true}, relu, "
                        "upsample: {scale: 2, mode: linear, align_corners: true}]]"),
         "set `align_corners: false` in upsample1 and upsample2",
         (("align_corners: true", "align_corners: false"),)),
    Help("CC419", trial("16x16x8", "add: [[maxpool: 2, maxpool: 2], "
                        "[crop: {size: 8}, maxpool: 2]]"),
         "give the branches the same strides", (("crop: {size: 8}", "maxpool: 2"),)),
    Help("CC419", trial("16x16x8", "add: [[], [pad: [[1, 0], [1, 0]], crop: [[0, 1], [0, 1]]]]"),
         "give the branches the same padding on each side, or crop alike",
         (("crop: [[0, 1], [0, 1]]", "crop: [[1, 0], [1, 0]]"),)),
]  # fmt: skip


@tabled("row", HELPS, ids=lambda row: f"{row.code}: {row.help}")
def test_doing_what_the_help_says_ends_the_finding_and_brings_no_other(row: Help) -> None:
    before = checked(row.spec, code="CC415")
    text = row.spec
    for old, new in row.changes:
        assert old in text
        text = text.replace(old, new)
    after = checked(text, code="CC415")

    assert row.help in {found.help for found in before if found.code == row.code}
    assert {found.code for found in after} <= {found.code for found in before} - {row.code}


def test_no_help_of_a_rule_names_an_input_that_the_network_does_not_take() -> None:
    """Of every size from 20 to 75, in three networks that are particular about sizes."""
    half, third = (
        f"conv: {{filters: 8, kernel: {2 * stride - 1}, stride: {stride}, padding: {stride - 1}}}"
        for stride in (2, 3)
    )
    networks = [
        ("rounding: floor", f"{HALVED}, {HALVED}, {HALVED}, upsample: 8"),
        ("rounding: exact", f"{third}, relu, conv: {CONV}, relu, avgpool: 5, {POOLED}"),
        ("rounding: floor", f"{half}, add: [[maxpool: 2, upsample: 2], []], {HALVED}, {POOLED}"),
    ]
    named = 0
    for extra, layers in networks:
        for size in range(20, 76):
            shape = f"{size}x{size}x3"
            for found in checked(trial(shape, layers, extra), code="CC415"):
                if found.code not in {"CC401", "CC415", "CC416"}:
                    continue
                for other in re.findall(r"(\d+)×\1", found.help or ""):
                    named += 1
                    again = checked(trial(f"{other}x{other}x3", layers, extra), code="CC415")
                    assert not [one for one in again if one.severity == "error"], shape
                    assert found.code not in {one.code for one in again}, shape

    assert named > 50


def of_kernel(kernel: int, stride: int, padding: int) -> str:
    """A convolution and an activation."""
    return f"conv: {{filters: 8, kernel: {kernel}, stride: {stride}, padding: {padding}}}, relu"


@pytest.mark.parametrize(
    ("extra", "layers", "sizes"),
    [
        # 3; 4, in strides of 2; 8; 10, in strides of 4; 18, half of 36
        ("rounding: floor", f"{HALVED}, {HALVED}, conv: {CONV}, relu, {POOLED}", (37, 45, 70)),
        ("rounding: exact", f"{HALVED}, {HALVED}, conv: {CONV}, relu, {POOLED}", (40, 44)),
        # 7, half of 14, in half of which are 28
        ("rounding: floor", f"conv: {CONV}, relu, {of_kernel(5, 1, 2)}, {POOLED}", (15, 27, 28)),
        ("rounding: floor", f"conv: {CONV}, relu, {of_kernel(5, 1, 2)}, {POOLED}", (29, 31)),
        # 7, in strides of 3; 13, half of 26, but 25 is what the stride takes
        ("rounding: exact", f"{of_kernel(7, 3, 3)}, conv: {CONV}, relu, {POOLED}", (28, 37, 46)),
        # 4, in strides of 3; 10, half of 20, but 19 is what the stride takes
        ("rounding: exact", f"{of_kernel(4, 3, 0)}, conv: {CONV}, relu, {POOLED}", (25, 37, 40)),
    ],
)
def test_the_smaller_input_named_is_the_largest_that_will_do(
    extra: str, layers: str, sizes: Sequence[int]
) -> None:
    """Down to half of the one there is."""

    def said(size: int) -> list[str | None] | None:
        text = trial(f"{size}x{size}x3", layers, extra)
        network = read_text(SourceText("x", text))
        if network.errors:
            return None
        return [problem.help for _, problem in advice(network, {"CC415"})]

    for size in sizes:
        will_do = [other for other in range(-(-size // 2), size) if said(other) == []]
        named = f", or use a smaller input, such as {will_do[-1]}×{will_do[-1]}" if will_do else ""
        assert said(size) == [f"add layers, strides or dilation{named}"]


@pytest.mark.parametrize(
    ("extra", "layers", "sizes", "named"),
    [
        # What the last convolution reads sees 34, in strides of 4.
        ("rounding: floor", f"{HALVED}, {HALVED}, {{0}}, {{0}}, {{0}}, {{0}}, {POOLED}", (5, 25),
         36),
        ("rounding: exact", f"{HALVED}, {HALVED}, {{0}}, {{0}}, {{0}}, {{0}}, {POOLED}", (8, 24),
         36),
        # 19, in strides of 2, and 20 does not fit
        ("rounding: exact", f"{of_kernel(3, 2, 1)}, {{0}}, {{0}}, {{0}}, {{0}}, {{0}}, {POOLED}",
         (5, 13), 21),
        # 27, in strides of 3, and 30 does not fit
        ("rounding: exact", f"{of_kernel(3, 3, 1)}, {{0}}, {{0}}, {{0}}, {{0}}, {{0}}, {POOLED}",
         (7, 16), 31),
        # 13, and each position sees the whole image where it sees 2·13 − 1
        ("rounding: floor", "{0}, {0}, {0}, {0}, {0}, {0}, {0}", (5, 6), 14),
        ("rounding: exact", f"{HALVED}, {', '.join(['{0}'] * 7)}, upsample: 2", (6, 12), 30),
        # 15, in strides of 2, by the way around the pool
        ("rounding: floor", (f"{of_kernel(3, 2, 1)}, add: [[maxpool: 2, upsample: 2], []], "
         f"{{0}}, {{0}}, {{0}}, {{0}}, {POOLED}"), (7, 12), 16),
    ],
)  # fmt: skip
def test_the_larger_input_named_is_one_that_every_convolution_adds_to(
    extra: str, layers: str, sizes: Sequence[int], named: int
) -> None:
    layers = layers.replace("{0}", f"conv: {CONV}, relu")
    for size in sizes:
        network = loads(trial(f"{size}x{size}x3", layers, extra))

        ((_, problem),) = advice(network, {"CC416"})
        assert problem.help == f"leave layers out, or use a larger input, such as {named}×{named}"


def test_codes_choose_the_rules() -> None:
    network = loads("input: 784\nlayers: [{linear: 20}, {linear: 12}]")

    assert {found.code for _, found in advice(network)} == {"CC407"}
    assert {found.code for _, found in advice(network, {"CC414"})} == {"CC414"}
    assert list(advice(network, ())) == []


def test_kinds_of_layers_exist() -> None:
    named = [value for value in vars(context).values() if isinstance(value, frozenset)]

    assert named
    assert frozenset().union(*named) <= CATALOGUE.keys() | GIVEN.keys()


@tabled("path", sorted((ROOT / "tests" / "specs").rglob("*.yaml")), ids=str)
def test_no_spec_is_too_broken_for_the_rules(path: Path) -> None:
    network: Network = read(str(path))

    for index, problem in advice(network, RULES.keys()):
        assert index is None or network.plans[index] is not None, problem


LARGE = {
    "residual": f"{{repeat: TIMES, layers: [add: [[], [conv: {CONV}, batchnorm, relu, "
    f"conv: {CONV}, batchnorm]], relu]}}",
    "advised at every layer": "{repeat: TIMES, layers: [conv: {filters: 16, kernel: 5, padding: 4, "
    "dilation: 2}, dropout, batchnorm]}",
    "vectors that two read": "global_avgpool, flatten, "
    "{repeat: TIMES, layers: [add: [[], [relu6]]]}",
    "a long chain that many read": "{repeat: TIMES, layers: [dropout: 0.1, relu]}, {name: end, "
    f"relu: }}, {{repeat: TIMES, layers: [{{from: end, conv: {CONV}}}, softmax]}}",
}


@pytest.mark.parametrize("layers", LARGE.values(), ids=LARGE)
def test_advice_takes_work_in_proportion_to_the_layers(layers: str) -> None:
    def calls(times: int) -> int:
        text = layers.replace("TIMES", str(times))
        network = loads(f"input: 32x32x16\nlayers: [{text}]")
        with counted() as work:
            for _ in advice(network, RULES.keys()):
                pass
        return work.calls

    assert calls(1000) < 2.1 * calls(500)


# The zoo


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_the_zoo_has_no_finding_without_a_reasoned_ignore(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = check_text(SourceText(path.name, text), Task()).diagnostics

    assert [f"{item.line}: {item.code} {item.message}" for item in found] == []
    for reason in re.findall(r"# convcalc: ignore\S*\](.*)", text):
        assert len(reason.split()) > 2, "an ignore says why"


# The recipe for a new layer

RECIPE = re.compile(r"^   >>> @final\n(.*?)\n\n   ```", re.MULTILINE | re.DOTALL)
ADVISED = """\
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, padding: 1}
  - ACTIVATION
  - dropout: 0.5
  - conv: {filters: 8, kernel: 3, padding: 1}
  - ACTIVATION
  - batchnorm
  - conv: {filters: 1, kernel: 1}
  - ACTIVATION
  - concat:
      - - conv: {filters: 8, kernel: 3, padding: 1}
        - ACTIVATION
        - conv: {filters: 8, kernel: 3, padding: 1}
        - ACTIVATION
      - - conv: {filters: 8, kernel: 3, padding: 1, stride: 2, rounding: floor}
        - ACTIVATION
        - upsample: {size: 32}
  - maxpool: {kernel: 5, stride: 5, rounding: floor}
  - ACTIVATION
  - ACTIVATION
  - flatten
  - linear: 100
  - softmax
  - ACTIVATION
  - linear: 10
  - ACTIVATION
  - dropout: 0.5
"""


def test_a_layer_added_by_the_recipe_gets_all_advice_that_relu_gets(tmp_path: Path) -> None:
    """The recipe's own layer, with relu's facts, in a copy of the package."""
    match = RECIPE.search((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert match is not None
    code = "@final\n" + "".join(
        line.strip(" ").removeprefix("...").removeprefix(" ") + "\n" if "..." in line[:6] else ""
        for line in match[1].splitlines()
    )
    shutil.copytree(ROOT / "convcalc", tmp_path / "convcalc")
    module = tmp_path / "convcalc" / "layers" / "parametric_activation.py"
    module.write_text(f"{module.read_text(encoding='utf-8')}\n\n{code}", encoding="utf-8")
    table = tmp_path / "convcalc" / "layers" / "__init__.py"
    row = CATALOGUE["relu"]._replace(module="parametric_activation", name="Threshold")
    text = table.read_text(encoding="utf-8").replace(
        '    "relu": Kind(',
        f'    "threshold": Kind("{row.module}", "{row.name}", "{row.family}", {row.own}),\n'
        '    "relu": Kind(',
    )
    table.write_text(text, encoding="utf-8")
    found = []
    for kind in ("relu", "threshold"):
        path = tmp_path / f"{kind}.yaml"
        path.write_text(ADVISED.replace("ACTIVATION", kind), encoding="utf-8")
        command = [sys.executable, "-m", "convcalc", "check", "-f", "json", "--select", "CC4"]
        done = subprocess.run(
            [*command, str(path)], cwd=tmp_path, capture_output=True, check=False, text=True
        )
        assert done.stdout, done.stderr
        said = json.loads(done.stdout)["diagnostics"]
        found.append(
            [(one["code"], one["line"], one["message"].replace(kind, "…")) for one in said]
        )

    assert found[0] == found[1]
    assert {"CC404", "CC409", "CC410", "CC411", "CC412", "CC421"} <= {
        code for code, _, _ in found[0]
    }


# The recipe for a new rule

ADDED = re.compile(r"^   (`{3,})\w+ (convcalc/\S+)\n(.*?)^   \1$", re.MULTILINE | re.DOTALL)
ADDED_ROW = re.compile(r'^   >>> \{("(CC\d+)": Code\("\w+", "([\w-]+)".*\))\}$', re.MULTILINE)


def test_a_rule_added_by_the_recipe_is_checked_explained_and_documented(tmp_path: Path) -> None:
    """The recipe's own file, page and row, in a copy of the package, and nothing else."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shutil.copytree(ROOT / "convcalc", tmp_path / "convcalc")
    written = {path: dedent(block) for _, path, block in ADDED.findall(text)}
    for path, block in written.items():
        assert f"`{path}`" in text, "the text names the file, which its block does not show"
        with (tmp_path / path).open("x", encoding="utf-8") as file:
            file.write(block)
    ((row, code, name),) = ADDED_ROW.findall(text)
    table = tmp_path / TABLE.relative_to(ROOT)
    before = table.read_text(encoding="utf-8")
    after = before.replace('    "CC501"', f'    {row},\n    "CC501"')
    assert after != before
    table.write_text(after, encoding="utf-8")

    def ran(*arguments: str) -> str:
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, check=False, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": "", "PYTHONUTF8": "1"},
        )  # fmt: skip
        assert not done.stderr, done.stderr
        return done.stdout

    page = json.loads(ran("convcalc", "rule", name, "-f", "json"))["rules"][0]
    for title in ("flagged", "instead"):
        (tmp_path / f"{title}.yaml").write_text(page[title], encoding="utf-8")
    found = json.loads(ran("convcalc", "check", "-f", "json", "flagged.yaml", "instead.yaml"))
    documented = ran("convcalc.rules")

    assert (page["code"], page["name"], page["severity"]) == (code, name, "note")
    assert len(written) == 2
    assert page["text"] + "\n" in written.values()
    assert [(one["path"], one["code"], one["severity"]) for one in found["diagnostics"]] == [
        ("flagged.yaml", code, "note")
    ]
    assert f"### {code} {name}\n\n*Advice, note.*\n\n{page['text']}\n" in documented
    assert f"[{code}](#{code.lower()}-{name}) | note | {page['summary']} |" in documented
    documentation = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert [line for line in documentation.splitlines() if line not in documented] == []
