"""Inputs whose axes are not what the spec means: refused, or asked about, with what to write."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from called import ON_NETWORKS, called
from click.testing import CliRunner
from tabled import tabled

from convcalc import SpecError, load, loads
from convcalc.cli import convcalc
from convcalc.graph import read, read_text
from convcalc.shape import Shape
from convcalc.spec.given import (
    looks_batched,
    looks_channels_first,
    looks_without_channels,
    of_rank,
)
from convcalc.spec.text import SourceText
from convcalc.spec.values import parse_shape

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


@pytest.mark.thorough
@tabled("given", REFUSED)
@tabled("command", ON_NETWORKS)
def test_an_input_of_other_axes_than_the_specs_own_is_refused(command: str, given: str) -> None:
    result = CliRunner().invoke(convcalc, [*called(command, "resnet50"), "--input", given])

    assert result.exit_code == 1
    assert "error[CC108]" in result.output
    assert f"write --input {REFUSED[given]}" in result.output


@pytest.mark.parametrize("given", REFUSED)
def test_the_library_refuses_an_input_of_other_axes(given: str) -> None:
    with pytest.raises(SpecError, match=f"--input {REFUSED[given]}"):
        load("resnet50", input=given)
    assert load("resnet50", input=REFUSED[given]).input is not None


@tabled("given", ASKED)
def test_an_input_that_reads_as_something_else_is_asked_about(given: str) -> None:
    found = loads(SPEC.format(given)).diagnostics

    assert [item.code for item in found] == ["CC119"]
    assert ASKED[given] in (found[0].help or "")
    assert not loads(SPEC.format(ASKED[given])).diagnostics


@tabled("given", MEANT)
def test_an_input_that_is_meant_is_not_asked_about(given: str) -> None:
    layers = "[linear: 8]" if given == "784" else "[conv: {filters: 8, kernel: 1}]"

    assert not loads(f"input: {given}\nlayers: {layers}\n").diagnostics


@tabled("given", ASKED)
def test_an_input_that_comes_from_elsewhere_is_what_it_is(given: str) -> None:
    """Nobody wrote it; but somebody may give another, and err."""
    known = SPEC.replace("padding: 1}}", "padding: 1}}\n    origin: /Conv")
    assert not [item for item in loads(known.format(given)).diagnostics if item.code == "CC119"]

    with pytest.raises(SpecError, match="CC108"):
        loads(known.format(ASKED[given]), input=given)


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


CHANNELS_FIRST = {
    # A sequence of a thousand channels and a hundred times as many as positions
    "10x1000": True, "10x999": False, "1x1000": True, "1x999": False,
    "11x1100": True, "11x1099": False,
    # Grey or three or four channels before an image of 16 rows or more
    "3x16x16": True, "3x16x17": True, "3x17x16": True, "3x15x17": False, "3x17x15": False,
    "4x16x17": True, "2x16x17": False, "5x16x17": False,
    # Any number before a square image
    "12x120x120": True, "5x5x5": False, "2x1x1": False, "1x7x7": True,
    # One row of more channels than columns
    "1x8x16": True, "1x8x15": False, "1x7x14": False, "1x22x500": True, "1x16x16": True,
    "1x15x15": False,
    # Channels before a volume, or a batch before them
    "3x16x16x16": True, "4x16x16x16": True, "1x16x16x16": True, "2x16x16x16": False,
    "3x16x15x15": False, "8x3x224x224": True, "8x4x224x224": True, "8x1x224x224": True,
    "8x2x224x224": False, "8x3x15x15": False,
    "3x16x17x18": True, "4x16x17x18": True, "5x16x17x18": False, "3x15x17x18": False,
    "3x18x17x15": False, "3x16x20x18": True,
    "784": False, "224x224x3": False, "16x112x112x3": False,
}  # fmt: skip
WITHOUT_CHANNELS = {"28x28": True, "8x8": True, "7x7": False, "28x29": False, "8x8x8": False}
BATCHED = {
    "1x224x224x3": True, "1x8x8x4": True, "1x8x8x5": False, "1x7x8x3": False, "1x8x7x3": False,
    "2x8x8x3": False, "1x8x4": False,
}  # fmt: skip


@tabled(
    ("text", "looks", "expected"),
    [
        *((text, looks_channels_first, said) for text, said in CHANNELS_FIRST.items()),
        *((text, looks_without_channels, said) for text, said in WITHOUT_CHANNELS.items()),
        *((text, looks_batched, said) for text, said in BATCHED.items()),
    ],
)
def test_spec_inputs_that_look_like_another_order(
    text: str, looks: Callable[[Shape], bool], *, expected: bool
) -> None:
    assert looks(parse_shape(text)) == expected


@tabled(
    ("given", "own", "meant"),
    [
        ("320", "224x224x3", "320x320x3"),
        ("320x300", "224x224x3", "320x300x3"),
        ("8x320x300x3", "224x224x3", "320x300x3"),
        ("8x3x320x300", "224x224x3", "320x300x3"),
        ("8x9x320x300", "224x224x3", None),
        ("320x300x3", "224x224x3", None),
        ("100", "100x8", "100x8"),
        ("5x100x8", "100x8", "100x8"),
        ("5x8x100", "100x8", "100x8"),
        ("5x784", "784", "784"),
        ("5x784", "12", None),
    ],
)
def test_spec_inputs_of_other_axes_are_what_they_mean(
    given: str, own: str, meant: str | None
) -> None:
    right = of_rank(parse_shape(given), parse_shape(own))

    assert right == (meant and parse_shape(meant))


@tabled(
    ("shape", "kernel", "message", "advice"),
    [
        ("8x3x32x32", "[3, 3]", "3 spatial axes, and kernel 3x3 of conv1 is for 2", "32x32x3"),
        ("8x1000x1000", "[3]", "2 spatial axes, and kernel 3 of conv1 is for 1", "1000x1000"),
    ],
)
def test_spec_inputs_behind_a_batch_are_said_without_it(
    shape: str, kernel: str, message: str, advice: str
) -> None:
    text = f"input: {shape}\nlayers:\n  - conv: {{filters: 8, kernel: {kernel}}}\n"
    (found,) = read_text(SourceText("x", text)).diagnostics

    assert found.message == f"input {shape} has {message}"
    assert found.help == f"write {advice}, without the batch"


@tabled(
    ("shape", "message", "advice"),
    [
        ("28x28", "a sequence of 28 positions with 28 channels",
         "an image has its channels behind: write 28x28x1 if it is grey"),
        ("10x1000", "a length of 10 and 1000 channels", "write 1000x10 if it has 10 channels"),
        ("3x224x200", "a height of 3 and 200 channels", "write 224x200x3 if it has 3 channels"),
        ("1x22x500", "a height of 1 and 500 channels", "write 22x500x1 if it has 1 channel"),
        ("1x220x230x4", "a depth of 1 and 4 channels", "write 220x230x4, without the batch"),
        ("8x3x224x224", "a depth of 8 and 224 channels", "write 224x224x3, without the batch"),
        ("8x1x224x224", "a depth of 8 and 224 channels", "write 224x224x1, without the batch"),
        ("8x4x224x224", "a depth of 8 and 224 channels", "write 224x224x4, without the batch"),
        ("3x16x17x18", "a depth of 3 and 18 channels", "write 16x17x18x3 if it has 3 channels"),
        ("1x16x16x16", "a depth of 1 and 16 channels", "write 16x16x16x1 if it has 1 channel"),
    ],
)  # fmt: skip
def test_spec_inputs_of_another_order_are_said_with_the_right_one(
    shape: str, message: str, advice: str
) -> None:
    (found,) = read_text(SourceText("x", SPEC.format(shape))).diagnostics

    assert found.message == f"input {shape} reads as {message}"
    assert (found.help or "").removeprefix("shapes are height × width × channels: ") == advice


NAMED = """
input: {left: 32x32x3, right: 16x16x3}
layers:
  - {maxpool: 2, name: pooled}
  - concat: [[], [from: right]]
"""


def test_inputs_from_outside_are_given_by_name() -> None:
    assert [str(loads(NAMED).shape_of(index)) for index in (0, 1)] == ["32×32×3", "16×16×3"]
    both = loads(NAMED, input={"left": "64x64x3", "right": (32, 32, 4)})
    assert both.shape_of(both.output) == Shape(7, (32, 32))
    one = loads(NAMED, input={"right": Shape(5, (16, 16))})
    assert one.shape_of(one.output) == Shape(8, (16, 16))
    only = loads("{input: {image: 8x8x3}, layers: [relu]}", input="4x4x3")
    assert only.input == Shape(3, (4, 4))


@tabled(
    ("given", "code", "message"),
    [
        (
            "64x64x3",
            "CC108",
            "input --input 64x64x3 is for one of the 2 inputs, and names none",
        ),
        (
            {"lef": "64x64x3"},
            "CC118",
            "the spec has no input `lef` that --input could set",
        ),
        (
            {"right": "64x3"},
            "CC108",
            "input --input right=64x3 has 1 spatial axis, and the spec's own 16x16x3 has 2",
        ),
        (
            {"right": "3x64x64"},
            "CC108",
            "input --input right=3x64x64 has 64 channels, and the spec's own 16x16x3 has 3, which ",
        ),
    ],
)
def test_inputs_by_name_are_those_of_the_spec(given: object, code: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        loads(NAMED, input=given)  # type: ignore[arg-type]
    (problem,) = caught.value.diagnostics
    assert problem.code == code
    assert problem.message.startswith(message)


OTHERS = "input: {a: 8x8x3, b: [8, 8, 20], c: 12, d: [s, s, s]}\nparameters: {s: 8}\nlayers: [relu]"


@tabled(
    ("given", "advice"),
    [
        ("16x16x3", "write --input a=16x16x3 --input d=16x16x3"),
        ("16x16x20", "write --input b=16x16x20 --input d=16x16x20"),
        ("12", "write --input c=12"),
        ("8x3", "write --input NAME=8x3, with the name of one; they are `a`, `b`, `c`, `d`"),
    ],
)
def test_a_shape_without_a_name_is_offered_to_inputs_that_can_be_so(
    given: str, advice: str
) -> None:
    with pytest.raises(SpecError) as caught:
        loads(OTHERS, input=given)
    (problem,) = caught.value.diagnostics
    assert problem.help == advice


def test_an_input_without_a_name_is_not_given_by_name() -> None:
    with pytest.raises(SpecError) as caught:
        loads(SPEC.format("8x8x3"), input={"image": "16x16x3"})
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.help) == ("CC118", "write --input 16x16x3")


@tabled(
    ("options", "message"),
    [
        (["left=4", "left=5"], "left is given twice, as 4 and as 5"),
        (["left=4", "5"], "5 is given without a name, and left has one"),
        (["=4"], "'=4' is not NAME=SHAPE, such as left=64x64x1"),
    ],
)
def test_options_that_are_no_inputs_by_name(options: list[str], message: str) -> None:
    given = [part for option in options for part in ("--input", option)]
    result = CliRunner().invoke(convcalc, ["analyze", "lenet5", *given])
    assert result.exit_code == 2
    assert message in result.output


@tabled("command", [*ON_NETWORKS])
def test_every_command_on_networks_takes_inputs_by_name(command: str, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(NAMED)
    given = ["--input", "left=64x64x3", "--input", "rihgt=32x32x3"]
    result = CliRunner().invoke(convcalc, [*called(command, str(spec)), *given])
    assert result.exit_code != 0
    assert "did you mean `right`?" in result.output
