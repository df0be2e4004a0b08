"""Words that are looked up: kinds, codes, pages, specs and commands, whichever command is asked."""

import json
import re
from typing import get_args

import pytest
from click.testing import CliRunner, Result
from kinds import CASES

from convcalc.analysis.reference import EXAMPLES, FAMILIES, describe, example_spec
from convcalc.cli import convcalc
from convcalc.graph import loads
from convcalc.layers import CATALOGUE, Family, kinds, layer_class
from convcalc.layers.base import declarations
from convcalc.layers.letters import AXES


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, arguments, prog_name="convcalc")


# Kinds


def test_every_kind_has_an_example_and_every_family_a_title() -> None:
    assert EXAMPLES.keys() == CATALOGUE.keys(), "EXAMPLES of convcalc/analysis/reference.py"
    assert {*FAMILIES} == {*get_args(Family)} - {"source"}


@pytest.mark.parametrize("kind", CATALOGUE)
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
    assert len(page.inputs) == (2 if page.merges else 1)
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
        assert sorted(listed) == sorted(CATALOGUE)
        assert all(title in text for title in FAMILIES.values())
    value = json.loads(run("kinds", "--format", "json").stdout)
    assert [each["kind"] for each in value["kinds"]] == [*CATALOGUE]


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("conv", ["conv"]),
        ("Conv2d", ["conv"]),
        ("nn.Conv2d", ["conv"]),
        ("LeakyReLU", ["leaky_relu"]),
        ("softmax", ["softmax"]),
        ("pool", [kind for kind in CATALOGUE if kind in kinds("pool")]),
        ("norm", [kind for kind in CATALOGUE if kind in kinds("norm")]),
        ("merge", ["add", "multiply", "concat"]),
    ],
)
def test_kinds_are_known_by_the_names_of_others_and_families(word: str, shown: list[str]) -> None:
    value = json.loads(run("kinds", word, word, "-f", "json").stdout)

    assert [each["kind"] for each in value["kinds"]] == shown


# Words of other commands


@pytest.mark.parametrize(
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
