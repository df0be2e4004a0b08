"""Every command on a network of several inputs and outputs: about all of them, or refused."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tabled import tabled

from convcalc import explain_reach
from convcalc.cli import convcalc

SPEC = """
name: Two in, three out
input: {left: 32x32x3, right: 16x16x3}
layers:
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: fine}
  - {maxpool: 2, name: pooled}
  - {conv: {filters: 8, kernel: 3, padding: 1}, from: right, name: coarse}
  - concat: [[from: pooled], []]
  - {conv: {filters: 4, kernel: 3, padding: 1}, name: boxes}
outputs: [boxes, coarse, fine]
"""
ENDS = (
    "left 32×32×3",
    "right 16×16×3",
    "boxes 16×16×4",
    "coarse 16×16×8",
    "fine 32×32×8",
)


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    return str(path)


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(convcalc, [*arguments])
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    assert "internal error" not in result.output
    assert result.exit_code == exit_code, result.output
    return result.output


@tabled(
    ("command", "says"),
    [
        ("analyze {}", ENDS),
        ("analyze {} --format markdown", ENDS),
        ("analyze {} --format table", ("left 32×32×3",)),
        ("analyze {} --format csv", ("boxes,conv", "8x8 5x5")),
        ("check {}", ("No findings",)),
        ("memory {}", ("15,360",)),
        ("memory {} --training", ("15,360",)),
        ("diff {} {}", ("No layer changed",)),
        ("diff {} lenet5", ("left 32×32×3, right 16×16×3", "boxes 16×16×4, coarse 16×16×8")),
        # left: 3×3, a pool that sees 4×4 in steps of 2, 4 + 2·2; right: 3×3 twice
        ("diff {} lenet5", ("boxes 8×8 / 5×5, coarse 3×3, fine 3×3",)),
        ("diff {} lenet5 --format json", ('"receptive_fields": {"left": {"size": [8, 8]',)),
        ("explain {} boxes", ("Receptive field in left", "Receptive field in right")),
        ("explain {} coarse", ("Receptive field in right",)),
        ("explain {} boxes --at 0,0", ("Of the input left", "Of the input right")),
        ("explain {} coarse --at 0,0", ("Of the input right", "which is that input")),
        (
            "explain {} --all --reaches 3,3",
            ("of 2 inputs", "Of the input left", "Of the input right"),
        ),
        ("explain {} coarse --fit", ("What fits coarse",)),
        ("explain {} --memory", ("the peak of inference",)),
        ("explain {} --memory --training", ("the peak of a training step",)),
        ("analyze {} lenet5 --format csv --columns name,output", ("boxes,16x16x4",)),
        ("check {} --format json", ('"files"',)),
        ("verify {}", ENDS),
        ("verify {} --engine", ENDS),
        ("explain {} coarse --value 1,1,0", ("what right gives",)),
        ("sizes {}", ("input left", "right stays 16×16×3", "32    32      fine")),
    ],
)
def test_a_command_says_something_about_all_of_them(
    command: str, says: tuple[str, ...], spec: str
) -> None:
    said = run(*command.replace("{}", spec).split())
    for each in says:
        assert each in said, said


def test_what_is_reached_and_seen_of_the_second_input(spec: str) -> None:
    seen = json.loads(run("explain", spec, "boxes", "--at", "2,2", "--format", "json"))
    # right: 3×3 behind 3×3 is rows 2 − 2 to 2 + 2; left: (2·2 − 2·1 − 1) … 8 rows of them
    assert [(axis["first"], axis["last"]) for axis in seen["images"][1]["axes"]] == [(0, 4)] * 2
    assert [(axis["first"], axis["last"]) for axis in seen["images"][0]["axes"]] == [(1, 8)] * 2
    reached = json.loads(run("explain", spec, "--all", "--reaches", "3,3", "--format", "json"))
    by_name = {each["layer"]: each for each in reached["layers"]}
    assert not by_name["coarse"]["reached"]
    assert by_name["boxes"]["blocks"] == [[[[0, 3]], [[0, 3]]]]
    assert [each["input"] for each in reached["inputs"]] == ["left", "right"]
    assert reached["inputs"][0]["layers"] == reached["layers"]
    named = json.loads(run("explain", spec, "--all", "--reaches", "right=3,3", "--format", "json"))
    assert named["inputs"] == reached["inputs"][1:]
    of_right = {each["layer"]: each for each in named["layers"]}
    # coarse is 3×3 with a border of 1 around right: row 3 is seen by its outputs 2 to 4
    assert of_right["coarse"]["blocks"] == [[[[2, 4]], [[2, 4]]]]


def test_a_position_is_of_the_inputs_that_have_it(spec: str) -> None:
    said = run("explain", spec, "coarse", "--reaches", "20,20")  # right has 16 rows
    assert "of the input left" in said
    assert "There is no such position in right." in said
    library = explain_reach(spec, (3, 3), of="right")
    assert library["coarse"].blocks == ((((2, 5),), ((2, 5),)),)
    for wrong, why in {"up=3,3": "are left, right", "right=20,20": "row 20 is none of"}.items():
        result = CliRunner().invoke(convcalc, ["explain", spec, "coarse", "--reaches", wrong])
        assert result.exit_code == 2
        assert why in result.stderr


def test_inputs_as_large_change_together_and_others_stay(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("""
input: {left: 33x33x3, right: 33x33x5, unit: 8}
layers:
  - concat: [[], [from: right]]
  - {conv: {filters: 4, kernel: 5, stride: 2}, name: seen}
  - {linear: 4, from: unit, name: told}
outputs: [seen, told, right]
""")
    said = json.loads(run("sizes", str(spec), "--format", "json"))
    assert (said["input_name"], said["following"]) == ("left", ["right"])
    assert said["staying"] == [{"name": "unit", "channels": 8, "spatial": []}]
    for fit in said["sizes"]:
        assert fit["drops_nothing"]["text"] == "5 + 2*k, k >= 0"
        outputs = {(each["output"], each["extent"]) for each in fit["outputs"]}
        assert outputs == {("seen", "k + 1"), ("right", "2·k + 5")}


def test_a_parameter_of_several_inputs_is_tried_on_all(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("""
parameters: {size: 16}
input: {left: [size, size, 3], right: [size//2, size//2, 3]}
layers:
  - maxpool: 2
  - concat: [[], [from: right]]
""")
    said = json.loads(run("sizes", str(spec), "--format", "json"))
    assert (said["following"], said["staying"]) == (["right"], [])
    (fit,) = said["sizes"]
    assert fit["accepted"]["text"] == "2*k, k >= 1"


ODD = """
rounding: floor
input: {left: 33x33x3, right: 33x33x5, aux: 9x9x3}
layers:
  - concat: [[], [from: right]]
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: seen}
  - relu
  - {maxpool: {kernel: 2, stride: 2}, name: half}
  - {conv: {filters: 8, kernel: 3, padding: 1}, from: aux}
  - {maxpool: {kernel: 2, stride: 2}, name: other}
outputs: [half, other]
"""


def test_advice_about_the_input_is_of_those_that_change_with_the_first(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(ODD)
    found = json.loads(run("check", str(spec), "--format", "json", exit_code=1))
    (odd,) = [each for each in found["diagnostics"] if each["code"] == "CC401"]
    assert odd["message"] == (
        "half halves an odd height and width: 33/2 = 16.5, from the input left 33×33×3"
    )
    assert odd["help"] == "use an input `left` of 32×32 or 34×34"
    assert (odd["line"], odd["column"]) == (3, 15)


def test_a_finding_about_the_size_names_the_input(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("""
input: {image: 225x225x3, unit: 8}
layers:
  - {conv: {filters: 8, kernel: 11, stride: 4}, name: seen}
  - {linear: 4, from: unit, name: told}
outputs: [seen, told]
""")
    # (225 − 11)/4 + 1 = 54.5; (227 − 11)/4 + 1 = 55, (223 − 11)/4 + 1 = 54
    said = run("check", str(spec), exit_code=1)
    assert "use an input `image` of 227×227 or 223×223" in said


def test_a_folder_finds_specs_of_several_inputs(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC)
    block = "input:\n  a: 8\n  b: 9\nlayers:\n  - concat: [[], [from: b]]\n"
    (tmp_path / "block.yaml").write_text(block)
    assert "No findings in 2 specs" in run("check", str(tmp_path))
