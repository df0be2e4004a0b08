"""The laws of whole networks, held against every size tried on the network itself."""

import pytest
from draws import Draw, no_advice
from random_sizes import differing, drawn, joined
from tabled import tabled

from convcalc.graph import load, loads, read_text
from convcalc.graph.inputs import Known
from convcalc.laws import sizes
from convcalc.laws.trying import tried
from convcalc.shape import Shape
from convcalc.spec.text import SourceText

PUBLISHED = {
    "vgg16": ("32·k, k ≥ 1", "32·k, k ≥ 1"),
    # Krizhevsky's 227: (227 − 11)/4 + 1 = 55, then 3×3 pools of stride 2: 27, 13, 6.
    "alexnet": ("67 + 32·k, k ≥ 0", "67 + 32·k, k ≥ 0"),
    # Szegedy et al., arXiv:1512.00567: 299 = 75 + 7·32.
    "inception_v3": ("75 + 32·k, k ≥ 0", "75 + 32·k, k ≥ 0"),
    "zfnet": ("8·k, k ≥ 6 or 50 + 8·k, k ≥ 0",) * 2,
    "densenet121": ("k, k ≥ 29", "(29…32) + 32·k, k ≥ 0"),
    "fcn8s": ("k, k ≥ 1", "k, k ≥ 1"),
    "resnet50": ("k, k ≥ 1", "k, k ≥ 1"),
}
"""Network → its laws, accepted and drops nothing, along both axes of its image."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_laws_of_bundled_networks(name: str) -> None:
    report = sizes(name)

    assert [(fit.accepted.text(), fit.whole.text()) for fit in report.fits] == [PUBLISHED[name]] * 2


@pytest.mark.parametrize(
    "name",
    ["alexnet", "zfnet", "fcn8s", "densenet121", "c3d", "sentence_cnn", "lenet5", "nin", "unet"],
)
def test_laws_are_what_the_network_takes(name: str) -> None:
    assert [*differing(load(name), range(1, 100))] == []


def test_laws_of_random_networks_are_what_they_take() -> None:
    wrong: list[str] = []
    known = 0
    for number in range(100):
        with no_advice():
            network = read_text(SourceText(f"random {number}", drawn(Draw(f"s{number}"))))
        wrong += [*differing(network, range(1, 40))]
        known += any(fit.accepted.sizes for fit in sizes(network).fits)

    assert wrong == []
    assert known > 50


def test_laws_of_maps_one_behind_the_other_are_what_networks_take() -> None:
    wrong: list[str] = []
    known = 0
    for number in range(60):
        draw = Draw(f"joined {number}")
        with no_advice():
            network = read_text(SourceText(f"joined {number}", joined(drawn(draw), draw)))
        if network.errors:
            continue
        wrong += [*differing(network, range(1, 40))]
        known += any(fit.accepted.sizes for fit in sizes(network).fits)

    assert wrong == []
    assert known > 8


BLOCKS = {
    # A map of blocks of 3 behind a stride of 2: (W − 2)/2 + 1 = 3·k.
    "input: 24x4\nlayers: [maxpool: 2, space_to_depth: 3]": "6·k, k ≥ 1",
    "input: 24x4\nrounding: floor\nlayers: [maxpool: 2, space_to_depth: 3]": "(6…7) + 6·k, k ≥ 0",
    # Behind a kernel of 3 without padding: W − 2 = 4·k.
    "input: 6x4\nlayers: [conv: {filters: 4, kernel: 3}, space_to_depth: 4]": "6 + 4·k, k ≥ 0",
    "input: 9x4\nlayers: [space_to_depth: 1]": "k, k ≥ 1",
    # Of a map, along either axis; so a grid of attention.
    "input: 24x24x4\nlayers: [space_to_depth: 3]": "3·k, k ≥ 1",
    "input: 14x28x4\nlayers: [attention: {heads: 2, grid: 7}]": "7·k, k ≥ 1",
    "input: 8x8x4\nlayers: [attention: {heads: 2, grid: [1, 4]}]": "k, k ≥ 1",
    # Windows take every size that is half of one: zeros fill the last ones.
    "input: 8x8x4\nlayers: [attention: {heads: 2, window: 7, shift: 1}]": "k, k ≥ 4",
}
"""Specs → sizes that are accepted, by hand."""


@tabled("text", BLOCKS)
def test_blocks_of_positions_take_the_sizes_that_they_divide(text: str) -> None:
    network = loads(text)

    assert sizes(network).fits[0].accepted.text() == BLOCKS[text]
    assert [*differing(network, range(1, 60))] == []


BORDERS = {
    # Of 4 + 2 rows a kernel of 5 with a stride of 2 leaves over one, which is the border's.
    "[upsample: {size: 4}, pad: 1, maxpool: {kernel: 5, stride: 2}]": "k, k ≥ 1",
    "[upsample: {size: 4}, pad: [[0, 2]], relu, maxpool: {kernel: 4, stride: 3}]": "k, k ≥ 1",
    # Channels that follow the size, and 4 positions, whatever it is.
    "[permute: [2, 1], pad: 1, maxpool: {kernel: 5, stride: 2}]": "k, k ≥ 1",
    # Without the border it is a real row.
    "[upsample: {size: 6}, maxpool: {kernel: 5, stride: 2}]": "none",
    "[permute: [2, 1], maxpool: {kernel: 3, stride: 2}]": "none",
}
"""Layers on a sequence of 4 channels → the sizes that drop nothing, by hand."""


@tabled("layers", BORDERS)
def test_rows_of_a_border_are_none_wherever_they_are_added(layers: str) -> None:
    network = loads(f"input: 9x4\nrounding: floor\nlayers: {layers}")

    assert sizes(network).fits[0].whole.text() == BORDERS[layers]
    assert [*differing(network, range(1, 40))] == []


TOWERS = {
    # 3 rows at least for the kernel; both matrices are 1 × (W − 2)², whatever W is.
    ("conv: {filters: 1, kernel: 3}",) * 2: "k, k ≥ 3",
    # W/2 behind both, of even W.
    ("maxpool: 2",) * 2: "2·k, k ≥ 1",
    # ⌊W/2⌋ and ⌈W/2⌉ are alike for even W alone, which is not followed.
    ("maxpool: {kernel: 2, rounding: floor}", "maxpool: {kernel: 2, rounding: ceil}"): "not known",
}
"""Two layers, each before a linear layer whose weights are shared → the law of their inputs."""


@tabled("towers", TOWERS)
def test_shared_weights_that_follow_the_size_alike_have_a_law(towers: tuple[str, str]) -> None:
    one, other = towers
    network = loads(
        "input: {left: 8x8x1, right: 8x8x1}\nlayers:\n"
        f"  - {{name: a, layers: [{one}, flatten, linear: 1]}}\n"
        f"  - {{name: b, from: right, weights: a, layers: [{other}, flatten, linear: 1]}}\n"
        "  - add: [[from: a], [from: b]]\n"
    )

    assert sizes(network).fits[0].accepted.text() == TOWERS[towers]
    assert [*differing(network, range(1, 20))] == []


ONE_AXIS = {
    # Rows are read, and columns are pooled in pairs: ⌊(W − 2)/2⌋ + 1 takes every even width.
    "conv: {filters: 8, kernel: [incoming.height, 3], padding: [0, 1]}": "2·k, k ≥ 1",
    # W + 2·1 − 3 + 1 = W, and of no row are two made.
    "avgpool: {kernel: [incoming.height // 2, 1], rounding: floor}": "2·k, k ≥ 1",
    "conv: {filters: incoming.height, kernel: [1, 3], rounding: floor}": "2·k, k ≥ 2",
    "split: {into: [a, b, c], axis: height}": "2·k, k ≥ 1",
    "split: {into: {a: 5, b: 19}, axis: height}": "2·k, k ≥ 1",
    "slice: {axis: height, stop: incoming.height - 3}": "2·k, k ≥ 1",
    "pad: {padding: [[incoming.height, 0], [2, 0]]}": "2·k, k ≥ 1",
    # (W − 4)/2 + 1 is even where W is 6, 10, 14 …
    "maxpool: {kernel: [incoming.height, 4], stride: [1, 2]}": "6 + 4·k, k ≥ 0",
}
"""A layer whose fields read the height alone → the widths that it and pooling of pairs take."""


@tabled("layer", ONE_AXIS)
def test_an_axis_that_no_field_reads_keeps_its_law(layer: str) -> None:
    """The height has none, because the layer may do to it whatever an expression says."""
    pool = "maxpool: {kernel: [1, 2], stride: [1, 2]}"
    spec = SourceText("net", f"{{input: 24x34x3, layers: [{layer}, {pool}]}}")
    network, known = read_text(spec), Known()
    height, width = sizes(network).fits

    assert (height.accepted.text(), width.accepted.text()) == ("not known", ONE_AXIS[layer])
    for size in range(1, 40):
        taken = tried(network, Shape(3, (24, size)), known) is not None
        assert taken == (size in width.accepted), size


@tabled(
    "layer",
    [
        "conv: {filters: 8, kernel: [1, 'incoming.height // 8']}",
        "conv: {filters: 8, kernel: [1, '1 if incoming.height > 10 else 2']}",
        "conv: {filters: '1 if incoming.height > 10**6 else 2', kernel: 1}",
        "conv: {filters: 9, kernel: 1, groups: incoming.height / 8}",
    ],
)
def test_an_axis_that_a_field_of_another_is_about_has_none(layer: str) -> None:
    network = loads(f"{{input: 24x32x3, layers: [{layer}]}}")

    assert {fit.accepted.text() for fit in sizes(network).fits} == {"not known"}


def test_what_is_not_known_is_said_once_of_axes_that_are_alike() -> None:
    report = sizes(loads("input: 8x8x4\nlayers: [upsample: 1.1]"))

    assert str(report).count("Not known, upsample1") == 1


def test_a_law_that_is_not_known_says_so_and_answers_nothing() -> None:
    """No size is told to be none of it, as `none` would."""
    report = sizes(loads("input: 8x8x4\nlayers: [upsample: 1.1]"))
    law = report.fits[0].accepted

    assert report.fits[0].unknown
    assert (law.text(), law.written()) == ("not known", "not known")
    with pytest.raises(ValueError, match="8 is one of the sizes is not known"):
        assert 8 in law
    assert '"text": "not known"' in report.to_json()
    assert '"text": "none"' not in report.to_json()


def test_many_strides_cost_no_more_than_few() -> None:
    """Eight strides of 3 and four of 2: 6,561 · 16 = 104,976 remainders, and one of them does."""
    layers = ["{maxpool: 3}"] * 8 + ["{maxpool: 2}"] * 4
    exact = loads(f"{{input: 104976x1, layers: [{', '.join(layers)}]}}")
    floor = loads(f"{{input: 104976x1, rounding: floor, layers: [{', '.join(layers)}]}}")

    assert sizes(exact).fits[0].accepted.text() == "104976·k, k ≥ 1"
    assert sizes(floor).fits[0].accepted.text() == "k, k ≥ 104976"
    assert sizes(floor).fits[0].whole.text() == "104976·k, k ≥ 1"


@pytest.mark.parametrize(
    ("spec", "laws"),
    [
        # (W + 2·1 − 3)/2 leaves padding over alone: every size drops nothing.
        ("input: 9x9x1, rounding: floor, layers: [maxpool: {kernel: 3, stride: 2, padding: 1}]",
         ("k, k ≥ 1", "k, k ≥ 1")),
        # U-Net's skip: halved and doubled is the same for even sizes.
        ("input: 8x8x1, rounding: floor, layers: [concat: [[], [maxpool: 2, upsample: 2]]]",
         ("2·k, k ≥ 1", "2·k, k ≥ 1")),
        # A gate of one row fits every map; maps of other sizes do not.
        ("input: 8x8x1, layers: [multiply: [[], [global_avgpool]]]", ("k, k ≥ 1", "k, k ≥ 1")),
        # W and 8: where W is 8, and where it is 1, which is spread.
        ("input: 8x8x1, layers: [add: [[], [upsample: {size: 8}]]]", ("1 or 8", "1 or 8")),
        # Mirrored: a border of 3 needs 4 values.
        ("input: 8x8x1, layers: [pad: {padding: 3, mode: reflect}]", ("k, k ≥ 4", "k, k ≥ 4")),
        # The tie of an axis to itself, turned: 2·W + 1 is odd.
        ("input: 8x8x1, layers: [conv_transpose: {filters: 1, kernel: 3, stride: 2}, maxpool: 2]",
         ("none", "none")),
        # Attention is as its queries: W/2 of them, whatever it attends to.
        ("input: 8x8x4, layers: [attention: {heads: 2, branches: [[maxpool: 2], []]}, maxpool: 3]",
         ("6·k, k ≥ 1", "6·k, k ≥ 1")),
        # Where as many values as keys hang on the size, it is not followed.
        ("input: 1x4, layers: [attention: {heads: 1, branches: [[], [], [upsample: {size: 1}]]}]",
         ("not known", "not known")),
        # The map is 5 rows whatever the input, and the last is dropped: always.
        ("input: 8x8x1, rounding: floor, layers: [adaptive_avgpool: 5, maxpool: 2]",
         ("k, k ≥ 1", "none")),
    ],
)  # fmt: skip
def test_laws_by_hand(spec: str, laws: tuple[str, str]) -> None:
    network = read_text(SourceText("spec", f"{{{spec}}}"))

    assert {(fit.accepted.text(), fit.whole.text()) for fit in sizes(network).fits} == {laws}


def test_axes_that_are_compared_are_shown_together() -> None:
    report = sizes(loads("{input: 8x8x3, layers: [add: [[], [permute: [1, 3, 2]]]]}"))

    assert report.together == (("height", "width"),)
    assert report.mixing == ("add1",)
    # 1 is spread over the other; else both are alike.
    assert [(fit.name, fit.accepted.text(), dict(fit.held)) for fit in report.fits] == [
        ("height", "1 or 8", {"width": 8}),
        ("width", "1 or 8", {"height": 8}),
        ("height = width", "k, k ≥ 1", {}),
    ]


def test_a_layer_that_takes_no_single_position_makes_axes_hang_together() -> None:
    text = "{input: 8x1x3, layers: [instancenorm]}"
    report = sizes(loads(text))

    assert report.together == (("height", "width"),)
    assert [(fit.accepted.text(), dict(fit.held)) for fit in report.fits] == [
        ("k, k ≥ 2", {"width": 1}),
        ("k, k ≥ 1", {"height": 8}),
        ("k, k ≥ 2", {}),
    ]


UNET = 188, 204, 572
"""Ronneberger et al., arXiv:1505.04597, section 2: choose sizes whose poolings come out even."""


COUNTED = """
input: [resolution, resolution, 1]
parameters: {resolution: 572, half: (resolution - 4)/2, low: (((half - 4)/2 - 4)/2 - 4)/2 - 4}
blocks:
  double: {layers: [{conv: {filters: 2, kernel: 3}, repeat: 2}]}
  up:
    parameters: {skip, size}
    layers:
      - concat: [[from: skip, crop: {size: size}], [upsample: 2]]
      - double
layers:
  - {name: one, double: }
  - maxpool: 2
  - {name: two, double: }
  - maxpool: 2
  - {name: three, double: }
  - maxpool: 2
  - {name: four, double: }
  - maxpool: 2
  - double
  - up: {skip: "four", size: 2*low}
  - up: {skip: "three", size: 4*low - 8}
  - up: {skip: "two", size: 8*low - 24}
  - up: {skip: "one", size: 16*low - 56}
"""
"""U-Net with its crops worked out from the input, as who knows no `like` writes them."""


def test_a_parameter_that_layers_read_is_tried() -> None:
    fit = sizes(loads(COUNTED)).fits[0]

    assert (fit.name, fit.axes, fit.given) == ("resolution", ("height", "width"), 572)
    assert fit.accepted.text() == "188 + 16·k, k ≥ 0"
    assert all(size in fit.accepted for size in UNET)
    assert fit.tried
    # The output of the paper's 572 is 388, its (572 − 188)/16 = 24th.
    assert [each.text for each in fit.outputs] == ["16·k + 4"] * 2
    assert 16 * 24 + 4 == 388


@pytest.mark.parametrize(
    ("extents", "law"),
    [
        ("[size, size, 1]", "4·k, k ≥ 1"),
        ("[2*size, size, 1]", "4·k, k ≥ 1"),
        ("[size + 1, 8, 1]", "3 + 4·k, k ≥ 0"),
        ("[4*size, 8, 1]", "k, k ≥ 1"),
    ],
)
def test_a_parameter_that_makes_the_input_has_the_law(extents: str, law: str) -> None:
    layers = "layers: [maxpool: 2, maxpool: 2]"
    network = read_text(SourceText("a", f"{{input: {extents}, parameters: {{size: 7}}, {layers}}}"))
    fit = sizes(network).fits[0]

    assert (fit.name, fit.parameter, fit.tried, fit.accepted.text()) == ("size", True, 0, law)


UNLIKE = "conv: {filters: 4, kernel: [3, 5], stride: [1, 3]}"


def test_each_axis_keeps_weights_and_has_outputs_of_its_own() -> None:
    head = ", flatten, linear: 4"
    spec = "{{rounding: floor, input: {}, parameters: {{wide: 40}}, layers: [{}{}]}}"
    # ⌊(40 − 5)/3⌋ + 1 = 12, as of 38; 20 − 3 + 1 = 18 is made of 20 alone.
    height, width = sizes(loads(spec.format("20x40x3", UNLIKE, head))).fits
    assert [fit.keeping and fit.keeping.text() for fit in (height, width)] == ["20", "38…40"]
    made, _ = sizes(loads(spec.format("[20, wide, 3]", UNLIKE, head))).fits
    assert made.keeping is not None
    assert (made.name, made.keeping.text()) == ("wide", "38…40")

    made, height = sizes(loads(spec.format("[20, wide, 3]", UNLIKE, ""))).fits
    assert [(each.axis, each.text) for each in made.outputs] == [("width", "⌊(k − 2)/3⌋")]
    assert [(each.axis, each.text) for each in height.outputs] == [("height", "k − 2")]


@tabled(
    ("stride", "padding"), [("2x3", "[[1, 0], [0, 3]]"), ("1x4", "0"), ("3x2", "[[2, 2], [1, 0]]")]
)
def test_weights_are_kept_by_all_sizes_that_keep_them(stride: str, padding: str) -> None:
    layer = f"conv: {{filters: 2, kernel: 3x5, stride: {stride}, padding: {padding}}}"
    text = f"{{rounding: floor, input: 20x30x1, layers: [{layer}, flatten, linear: 2]}}"
    now = loads(text).plans[3]
    for axis, fit in enumerate(sizes(loads(text)).fits):
        assert fit.keeping is not None
        for size in range(5, 60):
            extents = [20, 30]
            extents[axis] = size
            plan = loads(text, input=f"{extents[0]}x{extents[1]}x1").plans[3]
            assert now is not None
            assert plan is not None
            assert (plan.weights == now.weights) == (size in fit.keeping), (fit.name, size)


def test_what_no_size_mends_and_what_is_not_accepted_is_said() -> None:
    text = "{input: 9x9x1, layers: [conv: {filters: 2, kernel: 2, stride: 2}, LAST]}"
    _, wrong = sizes(read_text(SourceText("net", text.replace("LAST", "linear: 2")))).fits
    assert not wrong.accepted.sizes
    assert [(each.layer, each.what) for each in wrong.asks] == [
        ("conv1", ("least", "remainders")),
        ("linear1", ("never",)),
    ]

    report = sizes(read_text(SourceText("net", text.replace("LAST", "flatten, linear: 2"))))
    # There are no weights that 9 has and another size could keep.
    assert [(fit.accepted.text(), fit.keeping) for fit in report.fits] == [("2·k, k ≥ 1", None)] * 2
    assert "It is not accepted: a layer has an error with it." in str(report)
    assert "No layer drops a row." not in str(report)


def test_axes_of_the_output_that_are_alike_are_shown_once() -> None:
    text = "{parameters: {n: 8}, input: [n, n, 1], layers: [conv: {filters: 2, kernel: 3}]}"

    assert str(sizes(loads(text))).count("k, k ≥ 3  k − 2") == 1
