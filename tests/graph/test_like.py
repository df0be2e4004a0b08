"""Layers that are made as large as other tensors: the same network as with numbers in their place.

The numbers of each row are worked out by hand, and are what PyTorch's users write: `x[..., :h, :w]`
around the centre, `F.pad` by half of the difference before and the rest behind, `F.interpolate`.
"""

from draws import Draw, no_advice
from random_sizes import differing, drawn, following
from tabled import tabled

from convcalc import Shape, explain, load, loads, sizes, verify
from convcalc.graph import read_text
from convcalc.graph.changed import in_order, with_input, without
from convcalc.graph.inputs import Known, resized
from convcalc.graph.planned import leading_to, planned
from convcalc.laws.trying import planned as planned_for
from convcalc.spec.text import SourceText

BEFORE = """
input: 40x33x4
layers:
  - {name: a, conv: {filters: 4, kernel: 3}}            # 38×31
  - {name: b, maxpool: {kernel: 2, rounding: ceil}}     # 19×16
"""
ITEMS = {
    # 38 − 19 = 19 rows too many, 9 before and 10 behind; 31 − 16 = 15 columns, 7 and 8
    "from: a, crop: {like: b}": "from: a, crop: {amount: [[9, 10], [7, 8]]}",
    "from: a, crop: {like: b, offset: 3}": "from: a, crop: {amount: [[3, 16], [3, 12]]}",
    "from: a, crop: {like: b, offset: [0, 15]}": "from: a, crop: {amount: [[0, 19], [15, 0]]}",
    "from: a, crop: {size: 16, offset: 3}": "from: a, crop: {amount: [[3, 19], [3, 12]]}",
    "pad: {like: a}": "pad: {padding: [[9, 10], [7, 8]]}",
    "pad: {like: a, offset: [19, 0]}": "pad: {padding: [[19, 0], [0, 15]]}",
    "pad: {like: b, mode: reflect}": "pad: {padding: 0, mode: reflect}",
    "pad: {like: input, value: 2, channels: [1, 2]}": (
        "pad: {padding: [[10, 11], [8, 9]], value: 2, channels: [1, 2]}"
    ),
    "upsample: {like: a}": "upsample: {size: 38x31}",
    "upsample: {like: input, mode: linear}": "upsample: {size: 40x33, mode: linear}",
    "upsample: {like: b, mode: cubic}": "upsample: {size: 19x16, mode: cubic}",
    "upsample: {like: a, mode: linear, align_corners: incoming.channels == 4}": (
        "upsample: {size: 38x31, mode: linear, align_corners: true}"
    ),
}
"""Items that follow a tensor → the same with numbers."""


@tabled("item", ITEMS)
def test_what_follows_another_tensor_is_what_numbers_make_of_it(item: str) -> None:
    late, early = (
        loads(f"{BEFORE}  - {{{each}}}\n  - conv: {{filters: 1, kernel: 3}}")
        for each in (item, ITEMS[item])
    )

    assert [plan and plan.output for plan in late.plans] == [
        plan and plan.output for plan in early.plans
    ]
    assert [plan and plan.windows for plan in late.plans] == [
        plan and plan.windows for plan in early.plans
    ]
    assert late.nodes[3].inputs == early.nodes[3].inputs
    assert verify(late, seed=1).good
    assert verify(late, engine=True, seed=1).good


BLOCKS = """
blocks:
  again: {layers: [{name: first, conv: {filters: 1, kernel: 3}}, maxpool: {kernel: 3, stride: 1}]}
  cut: {parameters: {skip}, layers: [crop: {like: skip}]}
  cut_to: {parameters: {to}, layers: [crop: {like: "d{to}"}]}
  shadow:
    layers: [{name: first, conv: {filters: 1, kernel: 5}}, {from: input, crop: {like: first}}]
"""
NAMES = {
    # A block is what its last item makes: (16 − 2) − 2.
    "a block": ("[{name: two, again: }, {from: input, crop: {like: two}}]", 12),
    "inside a block": ("[{name: two, again: }, {from: input, crop: {like: two.first}}]", 14),
    "a block without a name": ("[again, {from: input, crop: {like: again1.first}}]", 14),
    "a group": (
        "[layers: [{name: c, conv: {filters: 1, kernel: 5}}], {from: input, crop: {like: c}}]",
        12,
    ),
    # Rounds make 14, 12 and 10 rows.
    "a round": (
        "[{name: d, conv: {filters: 1, kernel: 3}, repeat: 3}, {from: input, crop: {like: d2}}]",
        12,
    ),
    "the latest round": (
        "[{name: d, conv: {filters: 1, kernel: 3}, repeat: 3}, {from: input, crop: {like: d}}]",
        10,
    ),
    "braces": (
        (
            "[{name: d, conv: {filters: 1, kernel: 3}, repeat: 3}, "
            "{pad: {like: 'd{4 - index}'}, repeat: 3}]"
        ),
        14,
    ),
    "an argument": (
        '[{name: c, conv: {filters: 1, kernel: 5}}, {from: input, cut: {skip: "c"}}]',
        12,
    ),
    "a number in braces": (
        "[{name: d, conv: {filters: 1, kernel: 3}, repeat: 3}, {from: input, cut_to: {to: 2}}]",
        12,
    ),
    "the input": ("[conv: {filters: 1, kernel: 3}, pad: {like: input}]", 16),
    "a kind and number": (
        "[conv: {filters: 1, kernel: 3}, relu, {from: input, crop: {like: conv1}}]",
        14,
    ),
    # The block's own `first` comes before the one outside.
    "the inner one": ("[{name: first, relu: }, shadow]", 12),
}
"""Items on 16×16 → the height that comes out, by hand."""


@tabled("case", NAMES)
def test_names_mean_what_they_mean_to_from(case: str) -> None:
    layers, height = NAMES[case]

    network = loads(f"input: 16x16x1\n{BLOCKS}\nlayers: {layers}")

    assert network.shape_of(network.output) == Shape(1, (height, height))


UNET = """
input: 40x40x4
layers:
  - {name: top, conv: {filters: 4, kernel: 3}}
  - {name: low, maxpool: {kernel: 2, rounding: floor}}
  - {name: up, upsample: {scale: 2, mode: linear}}
  - concat: [[from: top, crop: {like: up}], [{from: up}]]
  - {from: low, name: wide, upsample: {like: top}}
  - relu
"""


def test_explain_says_what_it_is_as_large_as() -> None:
    explanation = explain(loads(UNET), "crop1")

    assert explanation.layers[0].like == "up"
    assert "makes its map as large as that of up." in str(explanation)
    assert explain(loads(UNET), "top").layers[0].like == ""


def test_another_input_makes_other_numbers() -> None:
    network = loads(UNET)
    wide = Shape(4, (44, 38))
    alone = read_text(SourceText("net", UNET), input=wide)
    assert not alone.errors

    other = resized(network, wide)

    assert other is not None
    assert list(other.plans) == list(alone.plans)
    assert [node.layer for node in other.nodes] == [node.layer for node in alone.nodes]
    changed = with_input(planned(network), wide)
    assert changed is not None
    assert list(changed.plans) == list(alone.plans)


def test_layers_in_other_places_follow_the_same_tensor() -> None:
    network = planned(loads(UNET))
    index = {node.name: at for at, node in enumerate(network.nodes)}

    less = without(network, [index["relu1"]])
    assert less is not None
    assert less.nodes[-1].like == index["top"]
    order = [*range(len(network.nodes))]
    order.remove(index["wide"])
    order.insert(index["low"] + 1, index["wide"])
    moved = in_order(network, order)
    assert moved is not None
    assert moved.nodes[index["low"] + 1].like == index["top"]
    order.remove(index["wide"])
    order.insert(index["top"], index["wide"])
    assert in_order(network, order) is None
    part = leading_to(network, index["crop1"])
    assert [node.name for node in part.nodes] == ["input", "top", "low", "up", "crop1"]
    assert part.nodes[-1].like == 3


def test_an_error_of_the_tensor_that_is_followed_silences_what_follows() -> None:
    network = read_text(
        SourceText(
            "net",
            "{input: 8x8x1, layers: [{name: a, maxpool: 9}, {from: input, crop: {like: a}}, relu]}",
        )
    )

    assert [found.code for found in network.diagnostics] == ["CC303"]


LAWS = {
    # Halved and doubled again, an wide row is lost, and made up for: any size that has two rows.
    "[maxpool: {kernel: 2, rounding: floor}, upsample: {like: input}]": "k, k ≥ 2",
    # W − 2 rows, of which every other one is kept: ⌊(W − 4)/2⌋ + 1 ≤ W − 2.
    "[{name: a, conv: {filters: 1, kernel: 3}}, maxpool: 2, pad: {like: a}]": "2·k, k ≥ 2",
    # Of W − 2 rows, W/2 from the fourth on: 3 + ⌊W/2⌋ ≤ W − 2 from W = 9 on.
    "[{name: h, maxpool: {kernel: 2, rounding: floor}}, {from: input, name: a, "
    "conv: {filters: 1, kernel: 3}}, crop: {like: h, offset: 3}]": "k, k ≥ 9",
    # 2·⌊W/2⌋ + 1 ≤ W: wide sizes.
    "[maxpool: {kernel: 2, rounding: floor}, upsample: 2, {name: d}, {from: input, "
    "crop: {like: d, offset: 1}}]": "3 + 2·k, k ≥ 0",
    "[{name: c, conv: {filters: 1, kernel: 4}}, {from: input, crop: {size: 12}}, "
    "pad: {like: c}]": "k, k ≥ 15",
    "[upsample: {size: 9}, {name: n}, {from: input, crop: {like: n, offset: 2}}]": "k, k ≥ 11",
    "[upsample: {size: 9}, {name: n}, {from: input, pad: {like: n}}]": "1…9",
    # Of a border that is mirrored no more is known than that there may be none.
    "[{name: c, conv: {filters: 1, kernel: 2}}, pad: {like: c, mode: reflect}]": "k, k ≥ 2",
    "[conv: {filters: 1, kernel: 2}, pad: {like: input, mode: reflect}]": "not known",
}
"""Layers on a sequence of one channel → the sizes that they take, by hand."""


@tabled("layers", LAWS)
def test_laws_of_what_follows_another_tensor(layers: str) -> None:
    network = read_text(SourceText("net", f"input: 16x1\nlayers: {layers}"))

    assert sizes(network).fits[0].accepted.text() == LAWS[layers]
    assert [*differing(network, range(1, 60))] == []


READING = {
    # ⌊W/2⌋ rows, a window of 2 on what is left as it comes: an even ⌊W/2⌋ above 0.
    "[maxpool: {kernel: 2, rounding: floor}, adaptive_avgpool: ['*'], maxpool: 2]": (
        "(4…5) + 4·k, k ≥ 0"
    ),
    "[conv: {filters: 1, kernel: 3}, adaptive_maxpool: incoming.length]": "k, k ≥ 3",
    # ⌊(W − 2)/2⌋ − 1 ≥ 3.
    "[conv: {filters: 1, kernel: 3}, adaptive_avgpool: {size: incoming.length // 2 - 1}, "
    "conv: {filters: 1, kernel: 3}]": "k, k ≥ 10",
    "[upsample: {size: 2*incoming.length}, maxpool: 3]": "3·k, k ≥ 1",
    # 2·W − 13 ≥ 1 and ≤ W; with rows before, 2·W − 11 ≤ W.
    "[crop: {size: 2*incoming.length - 13}]": "7…13",
    "[crop: {size: 2*incoming.length - 13, offset: 2}]": "7…11",
    # What is read does not follow the size.
    "[adaptive_avgpool: 5, conv: {filters: 1, kernel: incoming.length}]": "k, k ≥ 1",
    "[upsample: {size: 8*incoming.channels}]": "k, k ≥ 1",
    # No law is made of a kernel that follows the size, nor of a product with itself.
    "[conv: {filters: 1, kernel: incoming.length}]": "not known",
    "[upsample: {size: incoming.length*incoming.length}]": "not known",
}
"""Layers on a sequence of one channel that read its length → the sizes that they take, by hand."""


@tabled("layers", READING)
def test_laws_of_what_reads_the_incoming_extents(layers: str) -> None:
    network = read_text(SourceText("net", f"input: 8x1\nlayers: {layers}"))

    if network.errors:  # with this length
        network = read_text(SourceText("net", f"input: 9x1\nlayers: {layers}"))

    fit = sizes(network).fits[0]
    assert fit.accepted.text() == READING[layers]
    assert [*differing(network, range(1, 40))] == []
    if fit.unknown:
        assert fit.unknown.endswith("its fields read the length, which follows the size")


def test_laws_of_random_networks_that_follow_are_what_they_take() -> None:
    wrong: list[str] = []
    known = 0
    for number in range(40):
        draw = Draw(f"f{number}")
        text = following(drawn(draw), draw)
        with no_advice():
            network = read_text(SourceText(f"random {number}", text))
        wrong += [*differing(network, range(1, 30))]
        known += any(fit.accepted.sizes for fit in sizes(network).fits)

    assert wrong == []
    assert known > 15


@tabled(
    ("name", "sizes", "outputs"),
    [
        # Each of four poolings halves what two 3×3 convolutions leave, and at least 4 rows come
        # out: 188 and every 16th size, 184 rows of which go (572 − 388 in the paper's figure).
        ("unet", range(1, 641), {size: size - 184 for size in range(188, 641, 16)}),
        # The authors' padding of 100 and their offsets: as large as the image, whatever that is.
        *(
            (name, range(first, 641, 8), {size: size for size in range(first, 641, 8)})
            for first, name in enumerate(("fcn32s", "fcn16s", "fcn8s"), 1)
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bundled_networks_take_the_inputs_that_arithmetic_says(
    name: str, sizes: range, outputs: dict[int, int]
) -> None:
    network = load(name)
    assert network.input is not None
    known: Known = {}

    plans = {
        size: planned_for(network, network.input._replace(spatial=(size, size)), known)
        for size in sizes
    }

    assert {size: made[-1].output.spatial for size, made in plans.items() if made} == {
        size: (output, output) for size, output in outputs.items()
    }
