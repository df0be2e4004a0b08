"""Findings name the layers that they are about where their line does not say which."""

import json

import pytest
from click.testing import CliRunner

from convcalc import Shape
from convcalc.checks.report import CheckReport
from convcalc.checks.run import Task, check_text
from convcalc.cli import convcalc
from convcalc.diagnostics import Built, Diagnostic
from convcalc.formats.diagnostics import render
from convcalc.graph import SpecError, loads, read_text
from convcalc.graph.occurrences import MAX_CALLS
from convcalc.spec.text import SourceText

DOWN = """\
input: 49x74x3
rounding: floor
blocks:
  down:
    parameters: {f}
    layers:
      - conv: {filters: f, kernel: 3, padding: 1}
      - conv: {filters: f, kernel: 4, stride: 2, padding: 1}
layers:
"""
CALLED = DOWN + "".join(f"  - down: {filters}\n" for filters in (8, 16, 32, 64, 64, 64))
"""49 rows are 24, 12, 6, 3 and 1 after five halvings, and 4 do not fit into 1 + 2·1."""


def found(text: str) -> tuple[Diagnostic, ...]:
    return read_text(SourceText("net.yaml", text)).diagnostics


def test_the_call_that_fails_is_named_with_what_it_reads() -> None:
    (error,) = found(CALLED)

    assert error.layer == "down6.conv2"
    assert error.built == (Built("down6.conv2", (Shape(64, (1, 2)),), number=6, among=6),)
    assert error.told == (
        "kernel 4 is larger than the padded height: 1 + 2 = 3 "
        "(in down6.conv2 (6th of 6), input 1×2×64; called here: line 15, column 5)"
    )
    with pytest.raises(SpecError, match=r"in down6\.conv2 \(6th of 6\), input 1×2×64"):
        loads(CALLED)


@pytest.mark.parametrize("format_", ["text", "concise", "github", "gitlab", "sarif", "junit"])
def test_every_format_names_the_layer_and_its_input(format_: str) -> None:
    done = CliRunner().invoke(convcalc, ["check", "-", "--format", format_], input=CALLED)

    assert "down6.conv2 (6th of 6), input 1×2×64" in done.stdout
    assert done.stdout.count("6th of 6") == 1
    assert "called here" in done.stdout


def test_json_has_the_call_among_the_related_places() -> None:
    done = CliRunner().invoke(convcalc, ["check", "-", "--format", "json"], input=CALLED)
    (error,) = json.loads(done.stdout)["diagnostics"]

    assert error["layer"] == "down6.conv2"
    assert [(each["line"], each["message"]) for each in error["related"]] == [(15, "called here")]


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ("[maxpool: {kernel: 2}]", ""),  # its line says which
        ("[{maxpool: {kernel: 2}, name: half}]", ""),
        ("[{maxpool: {kernel: 4, stride: 3}, repeat: 2}]", "maxpool1 (1st of 2), input 15×15×3"),
        ("[add: [[], [maxpool: {kernel: 2}]]]", "maxpool1, input 15×15×3"),
        ("[{name: a, layers: [maxpool: {kernel: 2}]}]", "a.maxpool1, input 15×15×3"),
        ("[conv: {filters: 4, kernel: 2, padding: [[0, 1], [0, 1]]}, concat: [[], [crop: 1]]]", ""),
        ("[{layers: [add: [[relu], [crop: 1]]], repeat: 1}]",
         "add1, inputs 15×15×3, 13×13×3"),
    ],
)  # fmt: skip
def test_a_layer_is_named_where_its_line_does_not_say_which(layers: str, said: str) -> None:
    (error,) = found(f"input: 15x15x3\nlayers: {layers}\n")

    assert error.layers == said
    assert ("= layer:" in render([error])) == bool(said)


def test_the_calls_that_lead_to_an_error_are_named_from_the_inside_out() -> None:
    blocks = "".join(
        f"  b{level}:\n    layers:\n      - b{level + 1}\n" for level in range(1, MAX_CALLS + 3)
    )
    last = f"  b{MAX_CALLS + 3}:\n    layers:\n      - maxpool: 2\n"
    (error,) = found(f"input: 15x15x3\nblocks:\n{blocks}{last}layers:\n  - b1\n")

    lines = [place.line for place, _ in error.related]  # type: ignore[union-attr]
    assert len(lines) == MAX_CALLS
    assert lines == sorted(lines, reverse=True)


def test_one_finding_of_several_calls_names_the_first_of_them_and_counts_the_rest() -> None:
    """Each of five calls has a channel too few for its groups."""
    text = (
        "input: 8x8x3\nblocks:\n  unit:\n    layers:\n      - conv: {filters: 3, kernel: 1, "
        "groups: 2}\nlayers:\n  - concat: [[unit], [unit], [unit], [unit], [unit]]\n"
    )
    both = found(text)

    named = (
        "unit1.conv1 (1st of 5), input 8×8×3; unit2.conv1 (2nd of 5), input 8×8×3; "
        "unit3.conv1 (3rd of 5), input 8×8×3; and 2 more"
    )
    assert [each.layers for each in both] == [named, named]
    checked = check_text(SourceText("net.yaml", text), Task()).diagnostics
    assert {each.layers for each in checked} == {"unit1.conv1 (1st of 5), input 8×8×3"}
    assert all("(and 4 more layers written here)" in each.message for each in checked)
    assert len(checked) == len(both) == 2


def test_a_field_that_no_layer_can_have_is_named_with_its_call() -> None:
    """17 // 16 is 1, and 8 // 16 is 0."""
    text = (
        "input: 8x8x3\nblocks:\n  gate:\n    parameters: {c}\n    layers:\n"
        "      - conv: {filters: c//16, kernel: 1}\nlayers:\n  - gate: 17\n  - gate: 8\n"
    )
    (error,) = found(text)

    assert error.layers == "gate2.conv1 (2nd of 2), input 8×8×1"
    assert [place.line for place, _ in error.related] == [9]  # type: ignore[union-attr]


def test_advice_in_a_block_names_a_layer_and_no_calls() -> None:
    text = (
        "input: 32x32x8\nblocks:\n  unit:\n    layers:\n"
        "      - conv: {filters: 8, kernel: 3, padding: 1}\n      - batchnorm\n      - relu\n"
        "layers:\n  - unit\n  - unit\n"
    )
    (advice,) = check_text(SourceText("net.yaml", text), Task()).diagnostics

    assert (advice.code, advice.related) == ("CC408", ())
    assert advice.layers == "unit1.conv1 (1st of 2), input 32×32×8"
    assert "and 1 more layer written here" in str(CheckReport(("net.yaml",), (advice,), {}))
