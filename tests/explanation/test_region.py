"""`explain --at` and `--reaches`: regions by hand, refusals, and the JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from paths import ROOT
from tabled import tabled

from convcalc import load, loads
from convcalc.cli import convcalc
from convcalc.explanation.region import Seen, region, stretches_text

SCHEMA = json.loads((ROOT / "docs" / "explain.schema.json").read_text(encoding="utf-8"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["explain", *arguments])


def value(*arguments: str) -> Mapping[str, Any]:
    """What is printed as JSON, which satisfies its schema."""
    printed: Mapping[str, Any] = json.loads(run(*arguments, "--format", "json").stdout)
    jsonschema.Draft7Validator(SCHEMA).validate(printed)
    return printed


def seen(items: str, at: int, extent: int = 9) -> tuple[Seen, Seen]:
    """What an output of the last layer sees of the input and of what the layer reads."""
    network = loads(f"rounding: floor\ninput: {extent}x1\nlayers: [{items}]")
    assert network.output is not None
    whole = region(network, network.output, (at,))
    return whole.image[0], whole.inputs[0][1][0]


def one(items: str, at: int) -> Seen:
    image, read = seen(items, at)
    assert image == read, "there is one layer"
    return image


CONV = "conv: {filters: 1, kernel: 3"


@tabled(
    ("items", "at", "expected"),
    [
        # −1, 0 and 1, of which the first is padding.
        (f"{CONV}, padding: 1}}", 0, Seen(0, 1, 1, 0)),
        (f"{CONV}, padding: 1}}", 8, Seen(7, 8, 0, 1)),
        (f"{CONV}, padding: 1}}", 4, Seen(3, 5, 0, 0)),
        # 2·1 − 0 and two more.
        (f"{CONV}, stride: 2}}", 1, Seen(2, 4, 0, 0)),
        # Padding of 4 and more: output 0 sees padding alone.
        (f"{CONV}, padding: 4}}", 0, Seen(None, None, 3, 0)),
        ("crop: 2", 0, Seen(2, 2, 0, 0)),
        ("maxpool: {kernel: 1, stride: 3}", 2, Seen(6, 6, 0, 0)),
        ("relu", 5, Seen(5, 5, 0, 0)),
        ("global_avgpool", 0, Seen(0, 8, 0, 0)),
    ],
)
def test_regions_of_one_layer_by_hand(items: str, at: int, expected: Seen) -> None:
    assert one(items, at) == expected


def test_taps_in_the_padding_are_counted_one_step_back() -> None:
    # Taps at −2, 0 and 2: one tap of padding, and two positions of it on the line.
    image, read = seen(f"{CONV}, dilation: 2, padding: 2}}", 0)

    assert (image, read) == (Seen(0, 2, 2, 0), Seen(0, 2, 1, 0))


def test_regions_of_known_networks() -> None:
    # VGG-16's last map: field 212, stride 32, padding 90 (Araujo, Norris and Sim, 2019).
    vgg16 = load("vgg16")
    last = next(index for index, node in enumerate(vgg16.nodes) if node.name == "stage5.maxpool1")
    (rows, columns) = region(vgg16, last, (0, 3)).image

    assert rows == Seen(0, 212 - 90 - 1, 90, 0)
    assert columns == Seen(3 * 32 - 90, 3 * 32 - 90 + 211, 0, 0)
    # AlexNet's pixel 100: windows of 11 that start every 4 values from ⌈(100 − 10)/4⌉ on.
    printed = value("alexnet", "conv1", "--reaches", "100,60")
    assert printed["layers"][0]["blocks"] == [[[[23, 25]], [[13, 15]]]]


def test_phases_of_upsampling_see_what_they_do() -> None:
    # A kernel of 3 over values that are doubled: outputs see two values, or one and a neighbour.
    items = "upsample: 2, conv: {filters: 1, kernel: 2}"
    assert [seen(items, at)[0][:2] for at in range(4)] == [(0, 0), (0, 1), (1, 1), (1, 2)]


def test_a_gate_and_a_merge_say_what_each_path_sees() -> None:
    gate = "conv: {filters: 1, kernel: 1}, multiply: [[], [global_avgpool]]"
    network = loads(f"input: 9x1\nlayers: [{gate}]")
    assert network.output is not None
    whole = region(network, network.output, (4,))

    assert whole.image[0][:2] == (0, 8)
    assert [axes[0][:2] for _, axes in whole.inputs] == [(4, 4), (0, 0)]


SPEC = """input: 8x9x3
layers:
  - {conv: {filters: 4, kernel: 3}, name: first}
  - {flatten: , name: flat}
  - {linear: 2, name: head}
"""


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC, encoding="utf-8")
    Path("tokens.yaml").write_text(
        "input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 4, stride: 4}\n  - reshape: 4x4\n"
        "  - concat: {branches: [[learned: 1x4], []], axis: length}\n",
        encoding="utf-8",
    )
    Path("vector.yaml").write_text("input: 4\nlayers: [linear: 2]\n", encoding="utf-8")


@tabled(
    ("arguments", "said"),
    [
        ("first --at 6,0", "row 6 is none of first, whose outputs are 6×7: rows are 0 to 5"),
        ("first --at 0,7", "column 7 is none of first"),
        ("first --at 3", "a position of first, whose outputs are 6×7, is 2 numbers, as 3,3"),
        ("first --at -1,0", "'-1,0' is no position"),
        ("first --at 1,", "'1,' is no position"),
        ("head --at 0", "flat lost them, and may have mixed all that it reads; ask about first"),
        ("flat --at 0", "this layer lost them"),
        ("first --reaches 8,0", "row 8 is none of the network's input, which is 8×9"),
        ("first --reaches 1", "is 2 numbers, as 4,4"),
        ("--all --at 0,0", "--at is about one layer, and --all is every one"),
        ("first --at 0,0 --dtype int8", "--memory, --value or the figures of layers, not of --at"),
        ("first head --at 0,0", "--at is about one layer, and 2 are named"),
        ("first --at 0,0 --reaches 0,0", "--at and --reaches are about different things"),
        ("first --at 0,0 --batch 2", "--batch"),
    ],
)
def test_what_is_no_position_is_refused_with_those_there_are(arguments: str, said: str) -> None:
    result = run("net.yaml", *arguments.split())

    assert said in result.stderr
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_vector_has_no_positions() -> None:
    assert (
        "linear1 has no positions: the network's input is a vector"
        in run("vector.yaml", "linear1", "--at", "0").stderr
    )
    assert "16000, is 1 number, as 8000" in run("wavenet", "gate1", "--reaches", "0,0").stderr


def test_the_layer_that_is_named_instead_of_one_without_positions_has_them() -> None:
    said = run("tokens.yaml", "concat1", "--at", "0").stderr

    assert "reshape1 lost them" in said
    assert "ask about conv1, which has them" in said
    assert run("tokens.yaml", "conv1", "--at", "0,0").exit_code == 0


def test_pages_say_what_the_values_say() -> None:
    at = run("net.yaml", "first", "--at", "0,6").stdout
    assert "height  rows 0 to 2     3 of 8" in at
    assert "width   columns 6 to 8  3 of 9" in at
    reaches = run("net.yaml", "--all", "--reaches", "4,4").stdout
    assert "first  2 to 4  2 to 4   9 of 42" in reaches
    assert "No output of flat, head has a position in the image: all may be reached." in reaches
    assert value("net.yaml", "first", "--at", "0,6")["image"][1]["first"] == 6
    assert value("net.yaml", "--all", "--reaches", "4,4")["layers"][2]["lost"]


BROKEN = """input: 8x9x3
layers:
  - {conv: {filters: 4, kernel: 3}, name: first}
  - {conv: {filters: 4, kernel: 3, stride: 4}, name: wrong}
  - {relu: , name: behind}
"""


def test_errors_elsewhere_keep_no_answer_back() -> None:
    Path("broken.yaml").write_text(BROKEN, encoding="utf-8")

    at = run("broken.yaml", "first", "--at", "0,6")
    assert "width   columns 6 to 8  3 of 9" in at.stdout
    reaches = run("broken.yaml", "--all", "--reaches", "4,4")
    assert "first  2 to 4  2 to 4   9 of 42" in reaches.stdout
    assert "Of wrong, behind nothing is known" in reaches.stdout
    assert value("broken.yaml", "--all", "--reaches", "4,4")["unknown"] == ["wrong", "behind"]
    silent = [run("broken.yaml", "behind", *mode, "0,0") for mode in (["--at"], ["--reaches"])]
    assert not any(each.stdout for each in silent)
    for each in (at, reaches, *silent):
        assert each.exit_code == 1
        assert "error[CC301]" in each.stderr


def test_what_a_merge_reads_has_its_own_extents() -> None:
    # The gate comes first and has no position; the map behind it has 9.
    gate = "multiply: [[global_avgpool, flatten, {reshape: 1x1}], []]"
    Path("gate.yaml").write_text(f"input: 9x1\nlayers: [{gate}]", encoding="utf-8")

    assert "1 of 9" in run("gate.yaml", "multiply1", "--at", "4").stdout.split("which is")[-1]


def test_stretches_in_words() -> None:
    assert stretches_text([(0, 3), (4, 5)]) == "0 to 2, 4"
    assert stretches_text([(at, at + 1) for at in range(0, 40, 4)]) == "0, 4, …, 36"
    uneven = [(at * at, at * at + 1) for at in range(2, 12)]
    assert stretches_text(uneven) == "4, 9, 16, … (6 more), 121"


BEHIND = (
    "input: {}x9x1\nlayers: [concat: {{branches: [[conv: {{filters: 1, kernel: 5x3, padding: [2, 1]"
    "}}], [conv: {{filters: 1, kernel: 1x7, padding: [0, 3]}}], []], axis: height}}, {}]"
)
"""Three maps one behind the other, whose outputs see 5×3, 1×7 and 1×1, and what stands behind."""


@tabled("behind", ["relu", "relu, batchnorm, affine: {times: 2}", "slice: {stop: 1}, relu"])
def test_an_output_of_maps_one_behind_the_other_sees_what_its_own_map_does(behind: str) -> None:
    extent, reach = 6, ((2, 1), (0, 3), (0, 0))
    network = loads(BEHIND.format(extent, behind))
    assert network.output is not None
    for row in range(3 * extent):
        number, at = divmod(row, extent)
        for column in range(9):
            whole = region(network, network.output, (row, column))
            expected = []
            for place, size, far in zip((at, column), (extent, 9), reach[number], strict=True):
                before, behind_it = max(far - place, 0), max(place + far - size + 1, 0)
                first, last = place - far + before, place + far - behind_it
                expected.append(Seen(first, last, before, behind_it))
            assert whole.image == tuple(expected), (row, column)


def test_a_bound_says_why_it_is_one() -> None:
    """Rows of the second map see 7 columns, and those of the others fewer: none is told apart."""
    text = BEHIND.format(6, "{name: end, conv: {filters: 1, kernel: 3, padding: 1}}")
    Path("net.yaml").write_text(text, encoding="utf-8")
    page = run("net.yaml", "end", "--at", "2,4", "--format", "plain").stdout

    assert "≤ columns 0 to 8" in page
    assert "too long" not in page
    assert "≤: no more than this: not all positions on the way see alike along this axis" in page
    assert value("net.yaml", "end", "--at", "2,4")["image"][1]["counted"]


def test_what_takes_too_long_to_count_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.analysis.receptive_field.COUNTED", 1)
    text = BEHIND.format(6, "{name: end, conv: {filters: 1, kernel: 3, padding: 1}}")
    Path("net.yaml").write_text(text, encoding="utf-8")
    page = run("net.yaml", "end", "--at", "2,4", "--format", "plain").stdout

    assert "≤: no more than this, as it takes too long to count." in page
    assert not value("net.yaml", "end", "--at", "2,4")["image"][1]["counted"]


def test_a_map_that_sees_nothing_of_the_input_says_so() -> None:
    """The first of five tokens is learned; the other four each see the patch that they are of."""
    text = (
        "input: 4x1\nlayers:\n"
        "  - {name: all, concat: {branches: [[learned: 1x1], []], axis: length}}\n"
    )
    Path("net.yaml").write_text(text, encoding="utf-8")

    assert value("net.yaml", "all", "--at", "0")["image"][0]["first"] is None
    assert " nothing " in run("net.yaml", "all", "--at", "0", "--format", "plain").stdout
    assert value("net.yaml", "all", "--at", "3")["image"][0]["first"] == 2
