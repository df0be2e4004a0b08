"""Words that are looked up: kinds, codes, pages, specs and commands, whichever command is asked."""

import ast
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result
from kinds import CASES
from paths import PACKAGE, ROOT
from tabled import tabled

from convcalc import documentation
from convcalc.analysis.reference import (
    DESCRIBED,
    EXAMPLES,
    FAMILIES,
    describe,
    example_spec,
)
from convcalc.checks.ignores import without_idle
from convcalc.checks.run import Task, check_file, check_text
from convcalc.cli import COMMANDS, GROUPS, convcalc, pager
from convcalc.graph import Network, Written, loads, network_of, read
from convcalc.layers import CATALOGUE, UNPOOL, Family, kinds, layer_class
from convcalc.layers.base import declarations
from convcalc.layers.letters import AXES
from convcalc.spec.bundled import bundled_architectures, find_bundled
from convcalc.spec.text import SourceText

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, arguments, prog_name="convcalc")


# Kinds


def test_every_kind_has_an_example_and_every_family_a_title() -> None:
    assert EXAMPLES.keys() == CATALOGUE.keys(), "EXAMPLES of convcalc/analysis/reference.py"
    assert {*FAMILIES} == {*get_args(Family)}


@tabled("kind", CATALOGUE)
def test_an_example_is_clean_and_its_formulas_give_its_numbers(kind: str) -> None:
    page = describe(kind)
    output = page.plan.output
    numbers = {
        "Parameters": page.parameters,
        "Buffers": page.buffers,
        "MACs": page.plan.macs,
        "C′": output.channels,
        **{f"{letter}′": n for letter, n in zip(AXES[output.rank], output.spatial, strict=True)},
    }

    assert loads(example_spec(kind)).diagnostics == ()
    # What goes back where a pool found it reads what that pool read, too.
    assert len(page.inputs) == (2 if page.merges or kind == UNPOOL else 1)
    for what, letters, worked, value in page.formulas:
        assert numbers[what] == value
        assert not letters.isdecimal()
        if "⌊" not in worked and "⌈" not in worked:
            text = worked.replace("·", "*").replace("−", "-").replace("/", "//")
            assert eval(text, {}) == value, what  # noqa: S307 (digits and signs)
    counted = {each.what for each in page.formulas}
    assert all(what in counted for what in ("Parameters", "MACs") if numbers[what])


def test_a_page_of_a_kind_shows_every_field_with_its_default_and_meaning() -> None:
    for kind in CATALOGUE:
        lines = run("kinds", kind).stdout.splitlines()
        for name, declared in declarations(layer_class(kind)).items():
            (line,) = [line for line in lines if line.startswith(f"{name} ")]
            assert line.endswith(f"  {declared.doc}")
            required = name not in vars(layer_class(kind))
            assert ("  required  " in line) == required, line
        assert f"- {EXAMPLES[kind][1]}" in lines
        assert any(line.startswith("Source: ") for line in lines)


def test_a_convolution_is_worked_out_as_in_the_notes() -> None:
    """CS231n: (227 − 11 + 2·0)/4 + 1 = 55; 96·(11·11·3 + 1) weights and biases; 55·55·96·363."""
    page = describe("conv")
    expected = next(case for case in CASES if case.kind == "conv" and case.inputs == "227x227x3")

    assert (page.parameters, page.plan.macs) == (expected.parameters, expected.macs)
    assert [each[:3] for each in page.formulas[1:]] == [
        ("H′", "(H − F + 2·P)/S + 1", "(227 − 11 + 2·0)/4 + 1"),
        ("Parameters", "K·(C·F·F + 1)", "96·(3·11·11 + 1)"),
        ("MACs", "H′·W′·K·C·F·F", "55·55·96·3·11·11"),
    ]


def test_without_a_kind_all_are_listed_by_family_with_what_they_do() -> None:
    for name in ("plain", "markdown"):
        text = run("kinds", "--format", name).stdout
        listed = re.findall(r"^(?:  |- `)(\w+)`?:? +\S", text, re.MULTILINE)
        assert sorted(listed) == sorted(DESCRIBED)
        assert all(title in text for title in FAMILIES.values())
    value = json.loads(run("kinds", "--format", "json").stdout)
    assert [each["kind"] for each in value["kinds"]] == [*DESCRIBED]


@tabled(
    ("word", "shown"),
    [
        ("conv", ["conv"]),
        ("Conv2d", ["conv"]),
        ("nn.Conv2d", ["conv"]),
        ("LeakyReLU", ["leaky_relu"]),
        ("softmax", ["softmax"]),
        ("pool", [kind for kind in CATALOGUE if kind in kinds("pool")]),
        ("norm", [kind for kind in CATALOGUE if kind in kinds("norm")]),
        ("merge", [kind for kind in CATALOGUE if kind in kinds("merge")]),
    ],
)
def test_kinds_are_known_by_the_names_of_others_and_families(word: str, shown: list[str]) -> None:
    value = json.loads(run("kinds", word, word, "-f", "json").stdout)

    assert [each["kind"] for each in value["kinds"]] == shown


# Words of other commands


@tabled(
    ("arguments", "said"),
    [
        ("kinds maxpol", "no kind of layer is called 'maxpol': did you mean maxpool?"),
        ("kinds wibble", "no kind of layer is called 'wibble': `convcalc kinds` lists them."),
        ("kinds cc301", "`convcalc rule CC301` shows it."),
        ("kinds bias-before-norm", "`convcalc rule bias-before-norm` shows it."),
        ("kinds docs/spec.md", "`convcalc docs spec` shows it."),
        ("kinds resnet50", "`convcalc show resnet50` shows it."),
        ("kinds memory", "`convcalc docs memory` shows it."),
        ("kinds analyze", "`convcalc analyze --help` shows it."),
        ("rule conv", "no rule is called 'conv': `convcalc kinds conv` shows it."),
        ("rule Conv2d", "`convcalc kinds conv` shows it."),
        ("rule CC499", "did you mean CC4"),
    ],
)
def test_a_word_of_another_command_is_answered_with_its_call(arguments: str, said: str) -> None:
    result = run(*arguments.split())

    assert result.exit_code == 2
    assert said in result.stderr


# Pages that texts name


PAGE = re.compile(r"docs/[\w.-]*\w\.(?:md|json)")
CALL = re.compile(r"`convcalc ((?:docs|kinds|rule|show) [\w.#-]*\w)`")


def texts_of(path: Path) -> Iterator[str]:
    """What a module may say to people: its texts, and the help of its command.

    Of a module that names neither a page nor a call there are none.
    """
    text = path.read_text(encoding="utf-8")
    if not re.search("docs/|`convcalc ", text):
        return
    tree = ast.parse(text)
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    quiet = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
        if getattr(node, "name", "") != "command" or "cli" not in path.parts
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet:
            yield node.value


@cache
def texts() -> list[tuple[str, str]]:
    """What the package may say to people, with its file; pages of rules, too."""
    modules = ((text, path.name) for path in PACKAGE.rglob("*.py") for text in texts_of(path))
    rules = ((path.read_text(encoding="utf-8"), path.name) for path in PACKAGE.rglob("*.md"))
    return [*modules, *rules]


def named(pattern: re.Pattern[str]) -> dict[str, str]:
    """What those texts name, and where."""
    return {name: place for text, place in texts() for name in pattern.findall(text)}


def test_every_page_that_a_text_names_is_one_that_docs_shows() -> None:
    pages = named(PAGE)

    assert pages
    for page, place in pages.items():
        assert run("docs", page).stdout == (ROOT / page).read_text(encoding="utf-8"), place


def test_every_call_that_a_text_names_shows_something() -> None:
    calls = named(CALL)

    assert {"docs memory", "docs definitions"} <= calls.keys()
    for call, place in calls.items():
        assert run(*call.split()).exit_code == 0, f"{place} names `convcalc {call}`"


def test_docs_lists_every_page_and_shows_each_as_it_is() -> None:
    listed = [line.split()[0] for line in run("docs").stdout.splitlines()]

    files = sorted(path for path in (ROOT / "docs").iterdir() if path.is_file())
    assert listed == [path.name.removesuffix(".md") for path in files]
    for topic in listed:
        path = ROOT / "docs" / (topic if topic.endswith(".json") else f"{topic}.md")
        assert run("docs", topic).stdout_bytes.decode() == path.read_text(encoding="utf-8")


def test_the_pages_are_in_the_wheel() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = wheel["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    # `.ci/run` installs a wheel and asks it for a page.
    # Those of docs/ are added by hatch_build.py, without their pictures.
    assert included == {"architectures": "convcalc/architectures"}
    assert documentation.documentation_folder() == ROOT / "docs"


def test_docs_shows_a_part_of_a_page_and_pages_of_codes_and_kinds() -> None:
    part = run("docs", "spec#rounding").stdout
    assert part.startswith("## Rounding\n")
    assert not re.search(r"^## (?!Rounding)", part, re.MULTILINE)
    assert run("docs", "CC301").stdout == run("rule", "CC301").stdout
    assert run("docs", "bias-before-norm").stdout == run("rule", "CC408").stdout
    assert run("docs", "Conv2d").stdout == run("kinds", "conv", "-f", "markdown").stdout


def test_on_a_terminal_a_page_is_laid_out_and_links_become_calls() -> None:
    text = (
        "# A page\n\n<!-- generated: x -->\n\nOf **all**, see [the spec](spec.md#rounding), "
        "[below](#below) and [a paper](https://arxiv.org/abs/1).\n\n```yaml\n- relu\n```\n"
    )
    shown = pager.laid_out(text, 60, color=False)

    assert "generated" not in shown
    assert "**" not in shown
    assert "the spec (convcalc docs spec#rounding), below" in " ".join(shown.split())
    assert "https://arxiv.org/abs/1" in shown
    assert "- relu" in shown
    assert max(map(len, shown.splitlines())) <= 60
    assert "\x1b[" in pager.laid_out(text, 60, color=True)


@pytest.mark.parametrize("lines", [1000, 3])
def test_a_page_longer_than_the_screen_goes_to_a_pager(
    lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paged: list[str] = []
    monkeypatch.setattr("click.echo_via_pager", lambda text, **_: paged.append(text))
    monkeypatch.setenv("LINES", str(lines))
    monkeypatch.setenv("COLUMNS", "80")
    pager.show("# A page\n\nText.\n\nMore.\n")

    assert bool(paged) == (lines == 3)
    assert ("More." in capsys.readouterr().out) == (lines == 1000)


# Specs that are bundled


MEMBERS = {
    bundled.path: name for name in bundled_architectures() if (bundled := find_bundled(name))
}
"""A network of every bundled file, and of a family the last member."""


def checked(spec: str) -> tuple[list[tuple[str, str]], Network]:
    """What fails a check of a spec, without places, and the network that it is about."""
    networks: list[Network] = []

    def kept(written: Written, **given: Any) -> Network:
        networks.append(network_of(written, **given))
        return networks[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("convcalc.checks.run.network_of", kept)
        found = check_file(spec, Task()).diagnostics
    (network,) = networks
    return [(each.code, each.message) for each in found if each.severity != "note"], network


@pytest.mark.thorough
@tabled("name", MEMBERS.values())
def test_what_is_shown_of_a_bundled_spec_is_that_network(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.yaml"
    saved = run("show", name, "-o", str(path))
    assert (saved.exit_code, saved.stdout) == (0, "")
    given = find_bundled(name)
    assert given is not None
    if not given.preset:  # no family: the file as it is
        assert path.read_bytes() == Path(given.path).read_bytes()
        return
    (found, own), (wanted, bundled) = checked(str(path)), checked(name)

    assert [each.code for each in own.diagnostics] == [each.code for each in bundled.diagnostics]
    assert (own.name, own.input, own.year, own.reference) == (
        bundled.name, bundled.input, bundled.year, bundled.reference,
    )  # fmt: skip
    assert [(node.name, node.layer) for node in own.nodes] == [
        (node.name, node.layer) for node in bundled.nodes
    ]
    assert found == wanted
    assert {each[:2] for each in own.promises.expect} == {
        each[:2] for each in bundled.promises.expect
    }


def test_a_file_is_shown_as_it_is_and_a_member_as_its_own_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (
        "# A family.\n\ninput:   8x8x3\nparameters: {width: 4}\nexpect: {output: 6x6x4}\n"
        "presets:\n  small: {width: 2, expect: {output: 6x6x2}}\n  odd: {width: 1.5}\n"
        "layers:\n  - conv: {filters: width, kernel: 3}\n"
    )
    Path("net.yaml").write_text(text, encoding="utf-8")

    assert run("show", "net.yaml").stdout == text
    assert run("show", "net.yaml#small").stdout == (
        "# A family.\n\nname: small\ninput: 8x8x3\nparameters: {width: 2}\n"
        "expect: {output: 6x6x2}\nlayers:\n  - conv: {filters: width, kernel: 3}\n"
    )
    missing = run("show", "net.yaml#smal")
    assert missing.exit_code == 2
    assert "there is no preset `smal`" in missing.stderr
    assert "did you mean `small`?" in missing.stderr


def test_comments_that_silence_nothing_in_a_member_are_left_out() -> None:
    lines = [
        "# convcalc: ignore-file[CC416] of its sister",
        "input: 8x8x3  # convcalc: ignore[CC115, CC415] of its sister",
        "layers:",
        "  # Kept as it is.",
        "  # convcalc: ignore[CC405] of its sister",
        "  - conv: {filters: 4, kernel: 3}  # convcalc: ignore[CC408, CC405] one is needed",
        "  - batchnorm",
    ]
    text = SourceText("net.yaml", "\n".join(lines))
    left = without_idle(text, check_text(text, Task()).diagnostics).split("\n")

    assert left == ["input: 8x8x3", *lines[2:4], *lines[5:]]


def test_show_writes_over_a_file_only_when_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("mine\n")
    refused = run("show", "lenet5", "-o", str(path))

    assert refused.exit_code == 2
    assert "net.yaml is there already: --force writes over it" in refused.stderr
    assert path.read_text() == "mine\n"
    assert run("show", "lenet5", "-o", str(path), "--force").exit_code == 0
    assert path.read_text() == run("show", "lenet5").stdout


@pytest.mark.parametrize("name", ["resnet34", "resnet#34", "resnet#resnet34", "resnet.yaml#34"])
def test_a_member_of_a_bundled_family_is_known_by_the_end_of_its_name(name: str) -> None:
    assert run("show", name).stdout.startswith("name: ResNet-34\n")
    assert read(name).name == "ResNet-34"


# Where a command belongs


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        ("vgg16", "convcalc analyze vgg16"),
        ("vgg16 --batch 2", "convcalc analyze vgg16 --batch 2"),
        ("resnet#50", "convcalc analyze 'resnet#50'"),
        ("nets/none.yaml", "convcalc analyze nets/none.yaml"),
        ("net.txt", "convcalc analyze net.txt"),
        ("-", "convcalc analyze -"),
        (".", "convcalc check ."),
        ("CC301", "convcalc rule CC301"),
        ("unused-block", "convcalc rule unused-block"),
        ("conv", "convcalc kinds conv"),
        ("definitions", "convcalc docs definitions"),
        ("explain CC301", "convcalc rule CC301"),
        ("explain bias-before-norm -f json", "convcalc rule bias-before-norm"),
        ("explain vgg16", "convcalc explain vgg16 stage1.conv1"),
        ("explain relu", "convcalc kinds relu"),
    ],
)
def test_what_is_no_command_is_answered_with_the_call_that_is_meant(
    arguments: str, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.txt").write_text("input: 8\nlayers: [relu]\n")
    result = run(*arguments.split())

    assert (result.exit_code, result.stdout) == (2, "")
    assert f"`{call}`" in result.stderr


@pytest.mark.parametrize(
    ("word", "near"),
    [("analyse", "analyze"), ("rules", "rule"), ("kind", "kinds"), ("lst", "list")],
)
def test_a_misspelt_command_is_answered_with_the_right_one(word: str, near: str) -> None:
    assert f"did you mean '{near}'?" in run(word, "vgg16").stderr


# The list of commands


def test_help_shows_every_command_in_one_group_and_on_one_line() -> None:
    names = [name for group in GROUPS.values() for name in group]
    lines = CliRunner().invoke(convcalc, ["--help"], terminal_width=80).stdout.splitlines()

    assert len({*names}) == len(names)
    assert [*COMMANDS] == names
    assert len({*COMMANDS.values()}) == len(names)
    for title in GROUPS:
        assert f"{title}:" in lines
    for name, summary in COMMANDS.items():
        shown = [line for line in lines if line.startswith(f"  {name} ")]
        assert [line.split(maxsplit=1) for line in shown] == [[name, summary]]
