"""Networks made into others: what stays, what changes, and what both compute."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import convcalc
from convcalc.cli import convcalc as program
from convcalc.forward import random_weights
from convcalc.graph.planned import planned
from convcalc.spec.bundled import bundled_names
from convcalc.surgery import CONVERSIONS, convert
from convcalc.surgery.edits import CannotConvertError, Subject
from convcalc.surgery.proof import proven

SMALL = 3e8
"""MACs of networks that are run in each test run; larger ones are tried thoroughly."""


def test_vgg16_becomes_the_notes_convolutional_network() -> None:
    made = convert("vgg16", "linear-to-conv")
    kinds = [node.kind for node in made.network.nodes]
    plans = [plan for plan, kind in zip(made.network.plans, kinds, strict=True) if kind == "conv"]
    # Notes of CS231n, "Converting FC layers to CONV layers": F = 7 and K = 4096, then 1×1.
    shapes = [plan.weights[0].shape for plan in plans[-3:]]
    assert shapes == [(4096, 512, 7, 7), (4096, 4096, 1, 1), (1000, 4096, 1, 1)]
    assert convcalc.analyze(made.network).totals.parameters == 138_357_544
    larger = made.spec.network(input="384x384x3")
    pools = [index for index, node in enumerate(larger.nodes) if node.kind == "maxpool"]
    assert str(larger.shape_of(pools[-1])) == "12×12×512"
    assert str(larger.shape_of(larger.output)) == "6×6×1000"


def test_what_padding_does_to_the_answers_of_crops_is_said() -> None:
    def said(network: str) -> str:
        return convert(network, "linear-to-conv").steps[0].result.remarks[1]

    # VGG-16's last map has an effective padding of 90 and a stride of 32: 90/32 is 2.8.
    assert "of a crop's 7×7 map 3 positions at each border see padding" in said("vgg16")
    unpadded = (
        "{input: 8x8x1, layers: [conv: {filters: 2, kernel: 3}, maxpool: 2, flatten, linear: 3]}"
    )
    remarks = convert(convcalc.parse(unpadded), "linear-to-conv").steps[0].result.remarks
    assert remarks[1] == "for a larger input its answers are those of the crops at a stride of 2"


def test_blocks_parameters_and_comments_stay_where_the_change_allows_it() -> None:
    before = Subject.of(convcalc.read("vgg16")).spec
    after = convert("vgg16", "linear-to-conv").spec
    assert after.blocks == before.blocks
    assert after.parameters == before.parameters
    assert "conv: {filters: classes, kernel: 1}" in after.to_yaml()
    text = """
input: 4x4x2
layers:
  - conv: {filters: 2, kernel: 2}
  - flatten
  - linear: 3  # %s
"""
    noted = convcalc.parse(text % "the head")
    assert "{filters: 3, kernel: 3}  # the head" in convert(noted, "linear-to-conv").spec.to_yaml()
    ignored = convcalc.parse(text % "convcalc: ignore[CC413] why")
    assert "#" not in convert(ignored, "linear-to-conv").spec.to_yaml()


def test_comments_of_a_file_stay(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text(
        """
input: 4x4x2
parameters: {classes: 3}  # how many
layers:
  # what sees
  - conv: {filters: classes, kernel: 2}  # the stem
  - flatten
  - linear: classes  # the head
""",
        encoding="utf-8",
    )
    arguments = ["convert", str(file), "--linear-to-conv"]
    for settings in ([], ["--set", "classes=5"]):
        done = CliRunner().invoke(program, [*arguments, *settings])
        assert done.exit_code == 0
        for comment in ("# how many", "# what sees", "# the stem", "# the head"):
            assert comment in done.stdout
    assert "classes: 5" in done.stdout


def test_one_item_whose_layers_become_different_ones_is_written_out() -> None:
    spec = convcalc.new("CONV -> POOL -> [FC -> RELU]*2 -> FC", features=8)
    made = convert(spec, "linear-to-conv")
    kernels = [
        plan.weights[0].shape[2:]
        for node, plan in zip(made.network.nodes, made.network.plans, strict=True)
        if node.kind == "conv"
    ]
    assert kernels == [(3, 3), (16, 16), (1, 1), (1, 1)]
    assert any("written out" in remark for remark in made.steps[0].result.remarks)


def test_defaults_of_the_new_kind_do_not_reach_what_it_stands_for() -> None:
    text = """
input: 4x4x2
defaults: {conv: {bias: false, stride: 2}}
layers: [conv: {filters: 2, kernel: 2}, flatten, linear: 3]
"""
    made = convert(convcalc.loads(text), "linear-to-conv")
    assert convcalc.analyze(made.network).totals.parameters == 2 * 2 * 4 + 2 * 4 * 3 + 3
    assert all(proof.holds for proof in proven(planned(convcalc.loads(text)), made))


def _applicable() -> list[tuple[str, str]]:
    """Bundled networks and equal conversions, one each; small ones."""
    chosen = [
        ("lenet5", "linear-to-conv"),
        ("cifar_tiny_vgg", "linear-to-conv"),
        ("mobilenet_v1_0_25", "fold-batchnorm"),
        ("sentence_cnn", "linear-to-conv"),
        ("shufflenet_v2_x0_5", "fold-batchnorm"),
    ]
    tried_below = {"reparameterize"}  # of which no bundled network has a sum
    assert {name for _, name in chosen} | tried_below == {
        name for name, row in CONVERSIONS.items() if row.equal and row.value is None
    }
    return chosen


@pytest.mark.parametrize(("network", "conversion"), _applicable())
def test_equal_conversions_compute_what_the_network_did(network: str, conversion: str) -> None:
    old = planned(convcalc.read(network))
    proofs = proven(old, convert(old, conversion))
    assert [proof.dtype for proof in proofs] == ["float32", "float64"]
    assert all(proof.holds for proof in proofs)


@pytest.mark.thorough
@pytest.mark.parametrize("conversion", [name for name, row in CONVERSIONS.items() if not row.value])
@pytest.mark.parametrize("network", bundled_names())
def test_every_bundled_network_is_converted_or_refused(network: str, conversion: str) -> None:
    old = planned(convcalc.read(network))
    try:
        made = convert(old, conversion)
    except CannotConvertError as error:
        assert str(error)  # noqa: PT017 (either is right)
        return
    assert made.network.inputs == old.inputs
    macs = convcalc.analyze(old).totals.macs or 0
    if CONVERSIONS[conversion].equal and macs < SMALL:
        assert all(proof.holds for proof in proven(old, made))


def test_what_a_separable_convolution_saves_is_what_the_paper_says() -> None:
    text = "{input: 14x14x64, layers: [conv: {filters: 128, kernel: 3, padding: 1, bias: false}]}"
    made = convert(convcalc.parse(text), "separable").network
    # Howard et al. 2017, section 3.1: D_K²·M·D_F² + M·N·D_F², 1/N + 1/D_K² of D_K²·M·N·D_F².
    assert convcalc.analyze(made).totals.macs == 14 * 14 * (9 * 64 + 64 * 128)
    assert convcalc.analyze(made).totals.parameters == 9 * 64 + 64 * 128


def test_a_stack_sees_and_saves_what_the_notes_say() -> None:
    text = "{input: 32x32x8, layers: [conv: {filters: 8, kernel: 7, padding: 3, bias: false}]}"
    made = convert(convcalc.parse(text), "stack").network
    # Notes of CS231n: three 3×3 see 7×7, with 3·(C·(3·3·C)) = 27·C² weights instead of 49·C².
    assert [node.kind for node in made.layers] == ["conv", "relu", "conv", "relu", "conv"]
    report = convcalc.analyze(made)
    assert report.totals.parameters == 27 * 8 * 8
    assert [field.size for field in report.layers[-1].receptive_field or ()] == [7, 7]


@pytest.mark.parametrize(
    ("factor", "filters"),
    [
        # torchvision.models.mobilenet_v2(width_mult=0.5): features[0] and the last convolution.
        ("0.5", [16, 640]),
        ("1", [32, 1280]),
    ],
)
def test_a_width_rounds_as_mobilenets_do(factor: str, filters: list[int]) -> None:
    made = convert("mobilenet_v2", ("width", factor)).network
    counts = [
        plan.output.channels
        for node, plan in zip(made.nodes, made.plans, strict=True)
        if node.kind == "conv"
    ]
    assert [counts[0], counts[-1]] == filters
    assert str(made.shape_of(made.output)) == "1000"


@pytest.mark.parametrize("factor", ["0", "-1", "x", "1e9", "1/0", "9" * 30])
def test_a_width_is_a_factor(factor: str) -> None:
    with pytest.raises(CannotConvertError, match="a width is a factor such as"):
        convert("lenet5", ("width", factor))


def test_a_convolution_is_a_matrix_of_zeros_and_repeated_values() -> None:
    made = convert("lenet5", ("conv-to-linear", "C3"))
    # By hand: 14·14·6 = 1,176 columns and 10·10·16 = 1,600 rows; each of them has 5·5·6 = 150 of
    # 2,400 weights, so 1,026/1,176 = 87.24 % are zeros, and of 240,000 others 2,400 differ.
    assert made.steps[0].result.remarks[0] == (
        "C3: 1,600×1,176, 1,881,600 values for 2,400; 87.24% are zeros, and of the others 99.00% "
        "repeat"
    )
    given = random_weights(convcalc.read("lenet5"), 1)
    weights = made.weights(given)
    matrix = weights["C3.linear1.weight"]
    assert matrix.shape == (1600, 1176)
    assert np.count_nonzero(matrix) == 1600 * 150
    np.testing.assert_array_equal(np.unique(matrix[matrix != 0]), np.unique(given["C3.weight"]))


def test_zeros_are_counted_where_a_layer_pads() -> None:
    text = "{input: 5x4x2, layers: [conv: {filters: 3, kernel: 3, padding: 1, stride: [2, 1]}]}"
    old = planned(convcalc.loads(text))
    made = convert(old, ("conv-to-linear", "conv1"))
    weights = made.weights(random_weights(old, 1))
    (matrix,) = (each for name, each in weights.items() if name.endswith("weight"))
    share = 1 - np.count_nonzero(matrix) / matrix.size
    assert f"{share:.2%} are zeros" in made.steps[0].result.remarks[0]
    assert all(proof.holds for proof in proven(old, made))


def test_there_and_back_is_the_same_network() -> None:
    there = convert("lenet5", "linear-to-conv")
    back = convert(there.spec, ("conv-to-linear", "C5, F6, output")).spec
    before = convert(there.spec, ("conv-to-linear", "C5, F6, output")).network
    assert [node.kind for node in before.nodes] == [
        node.kind for node in convcalc.read("lenet5").nodes
    ]
    original = Subject.of(convcalc.read("lenet5")).spec
    said = [line for line in original.to_yaml().splitlines() if not line.startswith("expect")]
    assert [_without_braces(line) for line in back.to_yaml().splitlines()] == [
        _without_braces(line) for line in said
    ]


def _without_braces(line: str) -> str:
    """`linear: {features: 120}` is `linear: 120`."""
    return line.replace("{features: ", "").replace("}", "")


REPEATED = """
input: 16x16x3
defaults: {conv: {bias: false}}
blocks:
  rep:
    parameters: {filters, stride: 1}
    layers:
      - add:
          - - conv: {filters: filters, kernel: 3, stride: stride, padding: 1, rounding: floor}
            - batchnorm
          - - conv: {filters: filters, kernel: 1, stride: stride, rounding: floor}
            - batchnorm
          - - when: stride == 1
            - batchnorm
      - relu
layers:
  - rep: {filters: 8, stride: 2}
  - {rep: {filters: 8}, repeat: 2}
  - rep: {filters: 16, stride: 2}
  - global_avgpool
"""


def test_what_repvgg_trains_becomes_one_convolution_each() -> None:
    old = planned(convcalc.loads(REPEATED))
    made = convert(old, "reparameterize")
    kinds = [node.kind for node in made.network.layers]
    assert kinds == ["conv", "relu"] * 4 + ["global_avgpool"]
    assert all(proof.holds for proof in proven(old, made))
    # By hand: 27·8 + 8, twice 72·8 + 8, 72·16 + 16.
    assert convcalc.analyze(made.network).totals.parameters == 224 + 2 * 584 + 1168


@pytest.mark.parametrize(
    "other",
    [
        "conv: {filters: 4, kernel: 3, padding: 2, dilation: 2}",
        "conv: {filters: 4, kernel: 1, groups: 2}",
        "conv: {filters: 4, kernel: 1}, relu",
        "conv: {filters: 4, kernel: 3, padding: [[0, 2], [0, 2]]}",
        "conv: {filters: 4, kernel: 3, padding: 1, padding_mode: reflect}",
    ],
)
def test_what_is_no_sum_of_one_window_stays(other: str) -> None:
    one = "[conv: {filters: 4, kernel: 3, padding: 1}]"
    branches = other.replace(", relu", "}, {relu: ").replace("conv:", "{conv:", 1) + "}"
    network = convcalc.loads(f"{{input: 8x8x4, layers: [add: [{one}, [{branches}]]]}}")
    with pytest.raises(CannotConvertError, match="no sum is of convolutions"):
        convert(network, "reparameterize")


def test_pruned_filters_are_the_smallest_and_their_readers_follow() -> None:
    text = """
input: 6x6x2
layers:
  - conv: {filters: 4, kernel: 3}
  - batchnorm
  - relu
  - concat: [[conv: {filters: 3, kernel: 1, name: left}], []]
  - flatten
  - linear: 5
"""
    text = text.replace(
        "conv: {filters: 3, kernel: 1, name: left}", "{conv: {filters: 3, kernel: 1}, name: left}"
    )
    old = planned(convcalc.loads(text))
    made = convert(old, ("prune", "conv1=2"))
    weights = random_weights(old, 3)
    weights["conv1.weight"][[0, 2]] *= 1e-3
    new = made.weights(weights)
    assert new["conv1.weight"].shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(new["conv1.weight"], weights["conv1.weight"][[1, 3]])
    np.testing.assert_array_equal(new["batchnorm1.bias"], weights["batchnorm1.bias"][[1, 3]])
    np.testing.assert_array_equal(new["left.weight"], weights["left.weight"][:, [1, 3]])
    # What went is worth nothing where its weights are 0: both compute the same then.
    for name in ("conv1.weight", "conv1.bias", "batchnorm1.bias", "batchnorm1.running_mean"):
        weights[name][[0, 2]] = 0
    new = made.weights(weights)
    x = np.random.default_rng(1).standard_normal((2, 2, 6, 6), dtype=np.float32)
    (before,) = convcalc.run(old, x, weights).values()
    (after,) = convcalc.run(made.network, x, new).values()
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-5 * abs(before).max())


@pytest.mark.parametrize(
    ("network", "prune", "said"),
    [
        ("resnet18", "conv1=32", "which needs all channels of conv1"),
        ("lenet5", "output=5", "is an output of the network"),
        ("lenet5", "C1=6", "keep from 1 to 5 of them"),
        ("lenet5", "S2=3", "is avgpool"),
        ("lenet5", "c1=3", "did you mean 'C1'?"),
        ("lenet5", "C1", "LAYER=N"),
        ("alexnet", "conv2=100", "has groups"),
    ],
)
def test_what_cannot_be_pruned_is_refused(network: str, prune: str, said: str) -> None:
    with pytest.raises(CannotConvertError, match=re.escape(said)):
        convert(network, ("prune", prune))


@pytest.mark.parametrize(
    "between",
    [
        "flatten: {start: 2}",
        "flatten: {start: 2, end: 3}",
        "flatten: {start: 1, end: 2}",
        "pad: 1",
        "{flatten: {start: 2}}, {pad: {padding: [[1, 0]]}}",
    ],
)
def test_filters_go_from_what_is_flat_in_part(between: str) -> None:
    old = planned(
        convcalc.loads(
            "{input: 3x4x5, layers: [{conv: {filters: 4, kernel: 1}}, "
            f"{between}, {{conv: {{filters: 2, kernel: 1}}}}]}}"
        )
    )
    made = convert(old, ("prune", "conv1=3"))
    weights = random_weights(old, 3)
    for name in ("conv1.weight", "conv1.bias"):
        weights[name][2] = 0
    x = np.random.default_rng(1).standard_normal((2, 5, 3, 4), dtype=np.float32)
    (before,) = convcalc.run(old, x, weights).values()
    (after,) = convcalc.run(made.network, x, made.weights(weights)).values()
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-5 * abs(before).max())


def test_filters_stay_where_channels_are_padded() -> None:
    network = convcalc.loads(
        "{input: 3x3x4, layers: [{conv: {filters: 4, kernel: 1}}, {pad: {channels: [1, 1]}}, "
        "{conv: {filters: 2, kernel: 1}}]}"
    )
    with pytest.raises(CannotConvertError, match="pad1 is pad, which needs all channels of conv1"):
        convert(network, ("prune", "conv1=3"))


def test_another_input_sets_the_parameter_that_makes_it() -> None:
    made = convert("unet", ("input", "188x188x1"))
    assert str(made.spec.parameters["resolution"]) == "188"
    assert "input: [resolution, resolution, 1]" in made.spec.to_yaml()
    weights = {"encoder1.conv1.weight": 1}
    assert made.weights(weights) == weights
    with pytest.raises(ValueError, match="a network of other weights"):
        convert("vgg16", ("input", "96x96x3")).weights({})


def test_stacks_go_there_and_back() -> None:
    text = "{input: 9x9x4, layers: [conv: {filters: 4, kernel: 5, padding: 2}, relu]}"
    there = convert(convcalc.parse(text), "stack")
    back = convert(there.spec, "unstack")
    assert [node.kind for node in back.network.layers] == ["conv", "relu"]
    assert convcalc.analyze(back.network).totals.parameters == 25 * 16 + 4


def test_a_stack_of_which_only_some_pad_makes_as_large_a_map() -> None:
    layers = "{conv: {filters: 8, kernel: 3, padding: 1}}, {conv: {filters: 8, kernel: 3}}, relu"
    made = convert(convcalc.loads(f"{{input: 13x13x8, layers: [{layers}]}}"), "unstack")
    assert "conv: {filters: 8, kernel: 5, padding: 1}" in made.spec.to_yaml()
    # By hand: 13 − 3 + 2 + 1 = 13, then 13 − 3 + 1 = 11; at once 13 − 5 + 2 + 1 = 11.
    assert str(made.network.shape_of(-1)) == "11×11×8"


def test_items_that_say_more_than_a_layer_become_groups() -> None:
    text = """
input: 8x8x16
layers:
  - {conv: {filters: 16, kernel: 3, padding: same}, repeat: 2, name: twice}
  - {relu, from: twice2}
"""
    made = convert(convcalc.parse(text), "separable").network
    assert [node.kind for node in made.layers] == ["depthwise_conv", "conv"] * 2 + ["relu"]


def test_conversions_apply_in_the_order_in_which_they_are_written() -> None:
    def run(*options: str) -> str:
        result = CliRunner().invoke(program, ["convert", "lenet5", *options])
        assert result.exit_code == 0, result.stderr
        return result.stdout

    width, convolution = ("--width", "0.5"), ("--linear-to-conv",)
    assert run(*width, *convolution) != run(*convolution)
    assert (
        run(*width, *width)
        == CliRunner()
        .invoke(program, ["convert", "lenet5", "--width", "0.5", "--width", "0.5"])
        .stdout
    )


def test_a_wrong_move_of_weights_is_seen() -> None:
    old = planned(convcalc.read("lenet5"))
    made = convert(old, "linear-to-conv")
    step = made.steps[0]
    assert step.result.moves is not None
    moves = step.result.moves

    def turned(weights: object) -> dict[str, object]:
        given = dict(moves(weights))  # type: ignore[arg-type]
        given["C5.weight"] = given["C5.weight"][:, :, ::-1]
        return given

    wrong = made._replace(steps=(step._replace(result=step.result._replace(moves=turned)),))
    assert not any(proof.holds for proof in proven(old, wrong))


def test_the_command_moves_weights_into_a_file(tmp_path: Path) -> None:
    network = convcalc.read("lenet5")
    weights = random_weights(network, 4)
    np.savez(tmp_path / "old.npz", **weights)
    result = CliRunner().invoke(
        program,
        [
            *("convert", "lenet5", "--linear-to-conv", "--verify"),
            *("--weights", str(tmp_path / "old.npz"), "--save", str(tmp_path / "new.npz")),
            *("-o", str(tmp_path / "new.yaml")),
        ],
    )
    assert result.exit_code == 0
    assert "float64: equal" in result.stderr
    assert "Receptive field  16×16 → 32×32" in result.stderr
    x = np.random.default_rng(1).standard_normal((2, 1, 28, 28), dtype=np.float32)
    (before,) = convcalc.run(network, x, weights).values()
    (after,) = convcalc.run(str(tmp_path / "new.yaml"), x, tmp_path / "new.npz").values()
    assert after.shape == (2, 10, 1, 1)
    np.testing.assert_allclose(after[..., 0, 0], before, rtol=0, atol=1e-5 * abs(before).max())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("unet", "--linear-to-conv"), "no linear layer is behind a map"),
        (("lenet5", "--fold-batchnorm"), "no batch norm is right behind"),
        (("lenet5",), "say what to do with it: --linear-to-conv"),
        (("lenet5", "--linear-to-conv", "--save", "x.npz"), "--weights gives the old"),
        (("lenet5", "--linear-to-conv", "--seed", "1"), "--seed is of the random weights"),
    ],
)
def test_what_cannot_be_done_is_refused(arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(program, ["convert", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("conversion", "asked"),
    [
        (conversion, asked)
        for conversion in (
            *("--separable", "--width=2", "--input=32x32x1"),
            *("--prune=C3=9", "--quantize-friendly"),
        )
        for asked in ("--save", "--verify")
        if asked == "--verify" or conversion not in ("--prune=C3=9", "--quantize-friendly")
        # of which what stays moves
    ],
)
def test_what_another_network_has_not_is_refused_before_anything_is_written(
    conversion: str, asked: str, tmp_path: Path
) -> None:
    weights = tmp_path / "old.npz"
    np.savez(weights, **random_weights(convcalc.read("lenet5"), 4))
    file, new = tmp_path / "new.yaml", tmp_path / "new.npz"
    wanted = ["--verify"] if asked == "--verify" else ["--save", str(new)]
    arguments = ["convert", "lenet5", conversion, "-o", str(file), "--weights", str(weights)]
    result = CliRunner().invoke(program, [*arguments, *wanted])
    assert result.exit_code == 2
    expected = "nothing to verify" if asked == "--verify" else "there are none to move"
    assert expected in result.stderr
    assert not file.exists()
    assert not new.exists()


def test_nothing_is_written_where_something_is_in_the_way(tmp_path: Path) -> None:
    np.savez(tmp_path / "old.npz", **random_weights(convcalc.read("lenet5"), 4))
    (tmp_path / "there.yaml").write_text("mine")
    weights = ("--weights", str(tmp_path / "old.npz"), "--save", str(tmp_path / "new.npz"))
    for file in (tmp_path / "there.yaml", tmp_path / "no" / "such.yaml"):
        result = CliRunner().invoke(
            program, ["convert", "lenet5", "--linear-to-conv", *weights, "-o", str(file)]
        )
        assert result.exit_code == 2
        assert not (tmp_path / "new.npz").exists()
    assert (tmp_path / "there.yaml").read_text() == "mine"


def test_a_counted_name_goes_on_meaning_the_layer_that_it_meant() -> None:
    """Where one fewer comes before it, `batchnorm2` is another; of the same size, it would fit."""
    text = """
input: 6x6x4
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
  - batchnorm
  - relu
  - batchnorm
  - relu
  - batchnorm
  - relu
  - {batchnorm, weights: batchnorm2}
"""
    old = planned(convcalc.loads(text))
    made = convert(old, "fold-batchnorm")
    assert all(proof.holds for proof in proven(old, made))
    norms = [node for node in made.network.nodes if node.kind == "batchnorm"]
    assert [node.shared_with for node in norms] == [None, None, 3]


@pytest.mark.parametrize(
    ("convolution", "norm", "frozen", "mixed"),
    [
        ("frozen: true", "frozen: true", True, False),
        ("frozen: true", "frozen: false", False, True),
        ("frozen: false", "frozen: true", False, True),
        ("frozen: false", "frozen: false", False, False),
    ],
)
def test_what_takes_in_a_norm_is_frozen_where_both_are(
    convolution: str, norm: str, *, frozen: bool, mixed: bool
) -> None:
    text = f"""
input: 8x8x3
layers:
  - {{conv: {{filters: 4, kernel: 3, padding: 1}}, {convolution}}}
  - {{batchnorm, {norm}}}
  - {{conv: {{filters: 4, kernel: 3, padding: 1}}, frozen: true}}
  - {{batchnorm: {{affine: false}}}}
"""
    made = convert(convcalc.loads(text), "fold-batchnorm")
    assert [bool(node.frozen) for node in made.network.nodes] == [False, frozen, True]
    said = [each for each in made.steps[0].result.remarks if "learn" in each]
    assert said == ["1 of them learned where it did not, or the reverse: both learn now"] * mixed


def test_a_stack_before_it_does_not_change_whose_weights_a_layer_uses() -> None:
    text = """
input: 8x8x16
layers:
  - conv: {filters: 16, kernel: 5, padding: 2}
  - relu
  - conv: {filters: 16, kernel: 3, padding: 1}
  - {conv: {filters: 16, kernel: 3, padding: 1}, weights: conv2}
"""
    made = convert(convcalc.loads(text), "stack").network
    kinds = [node.kind for node in made.nodes]
    assert kinds == ["input", "conv", "relu", "conv", "relu", "conv", "conv"]
    assert made.nodes[-1].shared_with == 5


@pytest.mark.parametrize("conversion", [("prune", "conv1=3"), "separable"])
def test_a_spec_that_was_written_out_says_so(conversion: str | tuple[str, str]) -> None:
    text = """
input: 8x8x{}
layers:
  - {{conv: {{filters: 8 * index, kernel: 5, padding: 2}}, repeat: 2}}
  - relu
  - conv: {{filters: 4, kernel: 1}}
""".format(3 if conversion == "separable" else 16)
    remarks = convert(convcalc.loads(text), conversion).steps[0].result.remarks
    assert any("written out and folded" in each for each in remarks)


FAMILY = """
input: 8x8x3
parameters: {n: 8, deep: false}
presets:
  small: {n: 4}
  big: {deep: true}
layers:
  - {conv: {filters: n, kernel: 3}, name: a}
  - {relu: , when: deep}
  - batchnorm
  - {conv: {filters: 2*n, kernel: 3}, name: b}
"""


@pytest.mark.parametrize(
    ("conversion", "others"),
    [
        ("fold-batchnorm", "`big`"),
        ("separable", ""),
        (("width", "0.5"), "`small`"),
        (("prune", "a=3"), ""),
        (("prune", "a=6"), "`small`"),
    ],
)
def test_presets_that_would_become_something_else_are_told(
    conversion: str | tuple[str, str], others: str
) -> None:
    remarks = convert(convcalc.loads(FAMILY), conversion).steps[-1].result.remarks
    told = [each for each in remarks if "something else by itself" in each]

    assert [others in each for each in told] == ([True] if others else [])
