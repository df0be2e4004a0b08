"""Inputs whose axes are not what the spec means: refused, or asked about, with what to write."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from convcalc import SpecError, load, loads
from convcalc.cli import convcalc
from convcalc.graph import read

SPEC = "input: {}\nlayers:\n  - conv: {{filters: 8, kernel: 3, padding: 1}}\n"

REFUSED = {  # beside a spec for 224x224x3
    "320x320": "320x320x3",
    "320": "320x320x3",
    "1x320x320x3": "320x320x3",
    "10x320x320x3": "320x320x3",
    "1x3x320x320": "320x320x3",
    "3x320x320": "320x320x3",
}
ASKED = {
    "3x224x224": "224x224x3",
    "13x64x64": "64x64x13",
    "12x120x120": "120x120x12",
    "30x25x25": "25x25x30",
    "30x5x5": "5x5x30",
    "1x22x500": "22x500x1",
    "1x28x28": "28x28x1",
    "2x44100": "44100x2",
    "12x5000": "5000x12",
    "28x28": "28x28x1",
    "10x1x28x28": "28x28x1",
    "8x3x32x32": "32x32x3",
    "1x224x224x3": "224x224x3",
    "1x32x64x64": "32x64x64x1",
}
MEANT = [
    "128x100", "98x40", "7x300", "10x768", "16000x1", "1x128x9", "1x1x64", "7x7x512", "32x32x3",
    "240x320x3", "8x8x8", "16x112x112x3", "155x240x240x4", "4x4x4x8", "784", "5000x12",
]  # fmt: skip


@pytest.mark.parametrize("given", REFUSED)
@pytest.mark.parametrize("command", ["analyze", "memory", "verify"])
def test_an_input_of_other_axes_than_the_specs_own_is_refused(command: str, given: str) -> None:
    result = CliRunner().invoke(convcalc, [command, "resnet50", "--input", given])

    assert result.exit_code == 1
    assert "error[CC108]" in result.output
    assert f"write --input {REFUSED[given]}" in result.output


def test_an_input_of_other_axes_is_refused_by_diff_and_check(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.yaml").write_text(SPEC.format("224x224x3"), encoding="utf-8")
    one, two = str(tmp_path / "1.yaml"), str(tmp_path / "2.yaml")
    for arguments in (["diff", one, two], ["check", one]):
        result = CliRunner().invoke(convcalc, [*arguments, "--input", "320x320"])
        assert result.exit_code, arguments
        assert "CC108" in result.output, arguments


@pytest.mark.parametrize("given", REFUSED)
def test_the_library_refuses_an_input_of_other_axes(given: str) -> None:
    with pytest.raises(SpecError, match=f"--input {REFUSED[given]}"):
        load("resnet50", input=given)
    assert load("resnet50", input=REFUSED[given]).input is not None


@pytest.mark.parametrize("given", ASKED)
def test_an_input_that_reads_as_something_else_is_asked_about(given: str) -> None:
    found = loads(SPEC.format(given)).diagnostics

    assert [item.code for item in found] == ["CC119"]
    assert ASKED[given] in (found[0].help or "")
    assert not loads(SPEC.format(ASKED[given])).diagnostics


@pytest.mark.parametrize("given", MEANT)
def test_an_input_that_is_meant_is_not_asked_about(given: str) -> None:
    layers = "[linear: 8]" if given == "784" else "[conv: {filters: 8, kernel: 1}]"

    assert not loads(f"input: {given}\nlayers: {layers}\n").diagnostics


UNREADABLE = {
    "no such preset": ("{}#missing", SPEC.format("8x8x3")),
    "no YAML": ("{}", "input: ["),
    "no mapping": ("{}", "- relu"),
    "no layers": ("{}", "input: 8x8x3\n"),
    "too much": ("{}", "input: 8x8x3\nlayers: [{relu: , repeat: 1000000000}]"),
    "input of other axes": ("{}", SPEC.format("224x224x3")),
    "no layer that works": ("{}", SPEC.format("784")),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_has_no_totals(name: str, tmp_path: Path) -> None:
    form, text = UNREADABLE[name]
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    spec = form.format(path)
    given = ["--input", "784" if name == "no layer that works" else "32x32x3"]
    given = ["--input", "32x32"] if name == "input of other axes" else given

    result = CliRunner().invoke(convcalc, ["analyze", spec, *given, "--format", "json"])
    report = json.loads(result.stdout)

    assert result.exit_code
    assert report["totals"].pop("complete") is False
    assert set(report["totals"].values()) == {None}
    network = read(spec, input=given[1])
    assert not network.complete
