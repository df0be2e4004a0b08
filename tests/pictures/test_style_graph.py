"""The graph of a network: nothing overlaps, every line is there, and it says what is true."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from geometry import boxes_of, faults, joined
from paths import ROOT
from tabled import tabled

import convcalc
from convcalc.formats import html as html_format
from convcalc.graph import Network, as_written, network_of, read_text
from convcalc.pictures.lost import with_lost
from convcalc.pictures.scene import Box, Part, Scene, everything
from convcalc.pictures.structure import Chain, Flow, Frame, Repeat, Split, structure
from convcalc.spec.bundled import bundled_names, find_bundled
from convcalc.spec.text import SourceText

OPTIONS: tuple[Mapping[str, Any], ...] = (
    {},
    {"depth": 1},
    {"depth": 9},
    {"direction": "right"},
    {"depth": 9, "direction": "right"},
    {"only_changes": True},
    {"shade": "macs"},
    {"shade": "kind", "direction": "right"},
)
FAMILIES = (
    *("crnn", "fpn", "googlenet", "resnet18", "siamese", "ssd300", "unet", "vit_b_16", "wavenet"),
)


def _read(text: str) -> Network:
    return convcalc.read(convcalc.parse(text))


def _missing(network: Network, scene: Scene) -> set[tuple[int, int]]:
    """Boxes that no line joins, and one of whose layers reads one of the other's."""
    boxes = boxes_of(scene)
    wanted = {
        (boxes[network.nodes[read].name], boxes[node.name])
        for node in network.nodes
        for read in node.inputs
        if node.name in boxes and network.nodes[read].name in boxes and node.kind != "learned"
    }
    return {(one, other) for one, other in wanted if one != other} - joined(scene)


@tabled("name", FAMILIES)
def test_nothing_overlaps_and_every_line_is_there(name: str) -> None:
    network = convcalc.load(name)
    scene = convcalc.draw(network)
    assert faults(scene) == []
    assert _missing(network, scene) == set()


@pytest.mark.thorough
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_nothing_overlaps_in_the_whole_zoo(options: Mapping[str, Any]) -> None:
    for name in bundled_names():
        network = convcalc.load(name)
        scene = convcalc.draw(network, **options)
        assert faults(scene) == [], name
        if "only_changes" not in options:
            assert _missing(network, scene) == set(), name


def _any_network(random: Random) -> str:
    """A network whose layers read one another as it happens."""
    inputs = [f"i{number}" for number in range(random.choice([1, 1, 2]))]
    names, lines = [*inputs, "first"], [f"  - {{tanh, from: {inputs[-1]}, name: first}}"]
    for number in range(random.choice([5, 12, 30])):
        read = names[-1] if random.random() < 0.6 else random.choice(names[-12:])
        others = {names[-1], *random.choices(names[-15:], k=random.choice([1, 1, 2]))}
        if random.random() < 0.6:
            kind = random.choice(["conv: {filters: 4, kernel: 1}", "relu", "batchnorm"])
            lines.append(f"  - {{{kind}, from: {read}, name: n{number}}}")
        elif len(others) > 1:
            branches = ", ".join(f"[from: {each}]" for each in sorted(others))
            lines.append(f"  - {{add: [{branches}], name: n{number}}}")
        else:
            continue
        names.append(f"n{number}")
    given = ", ".join(f"{name}: 8x8x4" for name in inputs)
    return f"input: {{{given}}}\nlayers:\n" + "\n".join(lines) + "\n"


def _draw_any(seed: int) -> None:
    network = _read(_any_network(Random(seed)))  # noqa: S311
    assert not network.errors
    for options in ({}, {"direction": "right"}):
        scene = convcalc.draw(network, **options)
        assert faults(scene) == [], seed
        assert _missing(network, scene) == set(), seed


def test_any_network_is_drawn_without_overlaps_and_with_all_lines() -> None:
    for seed in range(6):
        _draw_any(seed)


@pytest.mark.thorough
def test_many_networks_are_drawn_without_overlaps_and_with_all_lines() -> None:
    for seed in range(6, 1_000):
        _draw_any(seed)


def _shown(scene: Scene) -> list[Part]:
    """Layers and groups that are boxes or rows."""
    parts = [each for each in everything(scene.items) if isinstance(each, Part)]
    return [each for each in parts if each.key and not each.frame]


def _pyramid(levels: int) -> Scene:
    """Levels that each have an output beside, as a feature pyramid's."""
    items = "".join(
        f"  - {{name: m{number}, add: [[conv: {{filters: 4, kernel: 1}}], [tanh]]}}\n"
        f"  - {{name: p{number}, from: m{number}, conv: {{filters: 4, kernel: 3, padding: 1}}}}\n"
        f"  - {{name: d{number}, from: m{number}, relu6: {{}}}}\n"
        for number in range(levels)
    )
    names = ", ".join(f"p{number}" for number in range(levels))
    network = _read(f"input: 8x8x4\noutputs: [{names}, relu1]\nlayers:\n{items}  - relu\n")
    assert not network.errors
    return convcalc.draw(network)


def test_outputs_of_a_pyramid_stand_one_below_the_other() -> None:
    """What nothing reads keeps no room beside all that follows: no picture gets wider with them."""
    scenes = [_pyramid(levels) for levels in (3, 4, 9)]
    for scene in scenes:
        assert faults(scene) == []
    assert len({scene.width for scene in scenes}) == 1
    shown = {part.key: part.items[0] for part in _shown(convcalc.draw("fpn"))}
    left = {box.x for name in ("p3", "p4", "p5") if isinstance(box := shown[name], Box)}
    assert len(left) == 1


def test_resnet152_is_small_at_its_usual_depth() -> None:
    scene = convcalc.draw("resnet152")
    assert len(_shown(scene)) <= 30
    assert len(scene.to_svg()) < 200_000
    assert "×35" in [label.text for label in scene.labels]  # blocks 2 to 36 of conv4_x


ROUNDS = """
input: 8x8x4
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
  - relu
  - conv: {filters: 4, kernel: 3, padding: 1}
  - relu
  - conv: {filters: 4, kernel: 3, padding: 1}
  - relu
  - flatten
"""


SHORTER = ROUNDS.replace("kernel: 3, padding: 1}\n  - relu\n  - flatten", "kernel: 3}\n  - flatten")
TURNS = """
input: 8x8x4
layers:
  - add:
    - [tanh, upsample: 2, maxpool: 2, upsample: 2, maxpool: 2, upsample: 2, maxpool: 2]
    - []
"""
"""Two layers in turns, in one of two branches."""


@tabled(
    ("text", "badges"),
    [
        (ROUNDS, ["×3"]),
        (ROUNDS.replace("relu\n  - flatten", "relu6\n  - flatten"), ["×2"]),
        (
            ROUNDS.replace(
                "kernel: 3, padding: 1}\n  - relu\n  - flatten", "kernel: 3}\n  - flatten"
            ),
            ["×2"],
        ),
        (ROUNDS + "outputs: [relu1, flatten1]\n", ["×2"]),  # the first is seen outside
        (ROUNDS + "  - linear: 3\n  - {relu, from: conv2}\n", []),  # as is what is in the second
        (TURNS, ["×3"]),
    ],
)
def test_what_comes_again_is_drawn_once(text: str, badges: list[str]) -> None:
    scene = convcalc.draw(_read(text))
    assert [label.text for label in scene.labels if label.text.startswith("×")] == badges


def _causal(dilations: Sequence[int], more: str = "") -> str:
    items = "".join(
        f"  - conv: {{filters: 4, kernel: 2, dilation: {each}, padding: [[{each}, 0]]{more}}}\n"
        f"  - tanh\n  - {{dropout: {each / 1024}}}\n"
        for each in dilations
    )
    return f"input: 64x4\nlayers:\n{items}"


@tabled(
    ("text", "badges", "said"),
    [
        (_causal([1, 2, 4]), ["×3"], "4, dilation 1, 2, 4"),
        (_causal([1, 2, 4, 8, 16]), ["×5"], "4, dilation 1…16"),
        (_causal([2, 2, 2]), ["×3"], "4, dilation 2"),
        (_causal([4, 1, 2, 4, 1, 2, 4]), ["×7"], "4, dilation 1, 2, 4"),
        # What makes other tensors, or puts its padding elsewhere, is something else.
        (_causal([1, 2]).replace("filters: 4", "filters: 5", 1), [], "dilation 2"),
        (_causal([2, 4]).replace("[[2, 0]]", "[[0, 2]]"), [], "dilation 2"),
        (_causal([1, 2]).replace("kernel: 2", "kernel: 3").replace("[[1, 0]]", "1"), [], "4"),
    ],
)
def test_rounds_that_differ_in_a_number_are_drawn_once_and_say_it(
    text: str, badges: list[str], said: str
) -> None:
    scene = convcalc.draw(_read(text))
    texts = [label.text for label in scene.labels]
    assert [each for each in texts if each.startswith("×")] == badges
    assert any(each.endswith(said) for each in texts), texts


def test_wavenet_is_one_round_and_says_its_dilations() -> None:
    """Which hands on two tensors: what the next layer hears, and the sum of all skips."""
    scene = convcalc.draw("wavenet")
    texts = [label.text for label in scene.labels]
    assert len(_shown(scene)) <= 30
    assert "dilation 1, 2, 4 … 512 in turn  ×28" in texts
    assert "gate3…30" in texts
    assert "2, 32, dilation 1…512" in texts


@pytest.mark.thorough
@tabled("name", bundled_names())
def test_no_bundled_network_has_many_boxes(name: str) -> None:
    """SegNet has no groups but its 26 convolutions, each with its rows."""
    assert len(_shown(convcalc.draw(name))) <= {"segnet": 51}.get(name, 40)


def _repeats(chain: Chain) -> Iterator[Repeat]:
    waiting = [chain]
    while waiting:
        for element in waiting.pop().elements:
            if isinstance(element, Repeat):
                yield element
            if isinstance(element, Repeat | Frame):
                waiting.append(element.inside)
            elif isinstance(element, Split):
                waiting += element.branches


def _rounds_are_one(flow: Flow) -> int:
    """Assert that what is drawn once may be, of all rounds; how many repeats there are."""
    readers: dict[int, set[int]] = {}
    for index, inputs in enumerate(flow.inputs):
        for read in inputs:
            readers.setdefault(read, set()).add(index)
    repeats = [*_repeats(structure(flow))]
    for repeat in repeats:
        start, stride = repeat.start, repeat.stride
        for at in range(start, start + stride):
            tensors: list[set[int]] = [set() for _ in flow.inputs[at]]
            for turn in range(repeat.rounds):
                here, own = at + turn * stride, start + turn * stride
                assert flow.alike[here] == flow.alike[at]
                assert len(flow.inputs[here]) == len(tensors)
                for read, before, kept in zip(
                    flow.inputs[here], flow.inputs[at], tensors, strict=True
                ):
                    if before >= start:
                        assert read == before + turn * stride  # its own round's
                    elif read < own - stride or not turn:
                        assert read == before  # what all rounds read
                    else:
                        kept.add(read - own)  # what the one before hands on
                if turn < repeat.rounds - 1:
                    assert max(readers.get(here, {here})) < own + 2 * stride
                    assert here not in flow.outputs
            assert all(len(kept) <= 1 for kept in tensors)
    return len(repeats)


def _any_rounds(random: Random) -> Flow:
    """Rounds that read their own layers, what is before all of them, and the round before."""
    before, stride = random.randint(2, 4), random.randint(1, 5)
    inputs: list[tuple[int, ...]] = [(), *((each,) for each in range(before - 1))]
    pattern = [
        [
            random.choice([("own", at - 1), ("own", at - 1), ("last", stride - 1), *others])
            for _ in range(random.choice([1, 1, 2]))
        ]
        for at in range(stride)
        for others in [[("last", random.randrange(stride)), ("all", random.randrange(before))]]
    ]
    rounds = random.randint(2, 5)
    for turn in range(rounds):
        start = before + turn * stride
        for wanted in pattern:
            read = []
            for where, at in wanted:
                if where == "all":
                    read.append(at)
                elif where == "own" and at >= 0:
                    read.append(start + at)
                else:
                    read.append(start - stride + at if turn else before - 1 - at % before)
            inputs.append(tuple(dict.fromkeys(read)))
    total = len(inputs)
    inputs += [(random.randrange(total - stride, total),), (total - 1, total)]
    if random.random() < 0.3:  # somebody reads what a round in the middle makes
        inputs.append((random.randrange(before, total), total + 1))
    kinds = [f"before{each}" for each in range(before)] + [*range(stride)] * rounds
    return Flow(inputs, [*kinds, *(f"behind{each}" for each in range(len(inputs) - total))])


def test_rounds_are_drawn_once_only_where_they_read_alike() -> None:
    """Whatever rounds hand on: several tensors, some that all read, or from one in between."""
    folded = sum(_rounds_are_one(_any_rounds(Random(seed))) > 0 for seed in range(400))  # noqa: S311
    assert folded > 40


def test_a_network_without_groups_is_folded_first() -> None:
    unit = (
        "  - conv: {filters: %d, kernel: 1}\n  - batchnorm\n  - relu\n"
        "  - conv: {filters: %d, kernel: 3, padding: 1}\n  - batchnorm\n  - sigmoid\n"
        "  - maxpool: 2\n"
    )
    text = "input: 64x64x4\nlayers:\n" + "".join(unit % (width, width) for width in (8, 16, 32, 64))
    scene = convcalc.draw(_read(text))
    frames = [each for each in everything(scene.items) if isinstance(each, Part) and each.frame]
    assert len(frames) == 4  # which differ in their widths alone


@tabled(
    ("options", "shown", "hidden"),
    [
        ({"depth": 1}, {"conv2_x"}, {"conv2_x.basic_block1"}),
        ({"depth": 2}, {"conv2_x.basic_block1"}, {"conv2_x.basic_block1.conv1"}),
        ({"depth": 1, "expand": "conv3_x"}, {"conv3_x.basic_block1", "conv2_x"}, set()),
        # What a group stands in is opened with it, and a round of its own is drawn alone.
        ({"depth": 1, "expand": ["conv2_x.*2"]}, {"conv2_x.basic_block2.conv1"}, {"conv2_x"}),
        ({"depth": 9, "collapse": ["conv?_x"]}, {"conv2_x", "conv5_x"}, {"conv5_x.basic_block1"}),
        ({"only_changes": True}, {"conv1", "maxpool1"}, {"batchnorm1", "relu1"}),
    ],
)
def test_depth_and_patterns_say_what_is_open(
    options: dict[str, Any], shown: set[str], hidden: set[str]
) -> None:
    keys = {part.key for part in _shown(convcalc.draw("resnet18", **options))}
    assert shown <= keys
    assert not hidden & keys


def _sizes(scene: Scene) -> dict[str, tuple[float, float]]:
    """How large frames are, by the names of their groups."""
    return {
        part.key: (round(box.width, 2), round(box.height, 2))
        for part in everything(scene.items)
        if isinstance(part, Part) and part.frame and isinstance(box := part.items[0], Box)
    }


def test_how_large_a_group_is_hangs_on_its_inside_alone() -> None:
    alone = _sizes(convcalc.draw("resnet18", depth=1, expand=["conv3_x.basic_block1"]))
    among = _sizes(convcalc.draw("resnet18", depth=9, collapse=["conv3_x.basic_block2"]))
    assert {*alone} == {"conv3_x", "conv3_x.basic_block1"}
    assert alone.items() <= among.items()


def test_shapes_stand_on_lines_and_outputs_at_their_end() -> None:
    texts = [label.text for label in convcalc.draw("lenet5").labels]
    for shape in ("28×28×1", "28×28×6", "14×14×6", "10×10×16", "5×5×16", "400", "120", "84", "10"):
        assert shape in texts


def test_outputs_say_that_they_are() -> None:
    text = "{input: 8x8x4, layers: [{name: a, tanh: {}}, {name: b, tanh: {}}], outputs: [a, b]}"
    texts = [label.text for label in convcalc.draw(_read(text)).labels]
    assert "a, output" in texts  # which b reads
    assert "b: 8×8×4" in texts
    folded = [label.text for label in convcalc.draw("ssd300", depth=1).labels]
    assert folded.count("6 outputs") == 2


def test_patterns_of_nothing_and_depths_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="did you mean conv3_x"):
        convcalc.draw("resnet18", expand=["conv3x"])
    with pytest.raises(ValueError, match="below 1"):
        convcalc.draw("resnet18", depth=0)
    with pytest.raises(ValueError, match="direction"):
        convcalc.draw("resnet18", direction="left")
    with pytest.raises(ValueError, match="shade"):
        convcalc.draw("resnet18", shade="flops")
    with pytest.raises(TypeError, match="expand"):
        convcalc.draw("resnet18", expand=3)
    with pytest.raises(ValueError, match="no layer of lenet5 says where it comes from"):
        convcalc.draw("lenet5", names="origin")


MERGE = """
rounding: floor
input: 56x56x64
layers:
  - add:
    - [conv: {filters: 128, kernel: 3, stride: 2, padding: 1}, tanh]
    - []
"""
BROKEN: tuple[tuple[str, set[str], set[str]], ...] = (
    # What is drawn of each: texts of faults, and the boxes that are marked.
    (MERGE, {"28×28×128", "56×56×64"}, {"add1"}),
    (MERGE.replace("- add:", "- concat:"), {"28×28×128", "56×56×64"}, {"concat1"}),
    ("{input: 3x3x16, layers: [conv: {filters: 8, kernel: 5}]}", {"3×3×16"}, {"conv1"}),
    ("{input: 9x9x3, layers: [maxpool: 2, relu]}", {"9×9×3"}, {"maxpool1"}),
    ("{input: 9x9x3, layers: [{relu, from: nowhere}]}", set(), {"relu1"}),
    ("{input: 9x9x3, layers: [cnv: 3, relu]}", {"9×9×3"}, {"line 1"}),
    ("input: 9x9x3\nlayers:\n- conv: 8\n  kernel: 3\n- fc: 3\n", {"9×9×3"}, {"line 3", "line 5"}),
    ("{input: 9x9x3, layers: [concat: [[relu], [{oops: 3, name: it}]]]}", {"9×9×3"}, {"it"}),
    (
        "input: 9x9x3\nlayers:\n  - {name: a, layers: [relu, x: {}]}\n",
        {"9×9×3"},
        {"a.line 3"},
    ),
    ("{input: 9x9x3, layers: [conv: {filters: x, kernel: 1}]}", {"9×9×3"}, {"conv1"}),
    ("{input: 9x9x3, layers: [reshape: 3x3x3]}", {"9×9×3"}, {"reshape1"}),
    ("{input: 0x9x3, layers: [relu]}", set(), {"input"}),
    ("{input: 9x9x4, layers: [conv: {filters: 6, kernel: 1, groups: 4}]}", {"9×9×4"}, {"conv1"}),
    (
        "input: 9x9x3\nlayers:\n  - {name: a, layers: [relu, maxpool: 2]}\n",
        {"9×9×3"},
        {"a.maxpool1"},
    ),
)


@tabled(("text", "sizes", "marked"), BROKEN)
def test_a_broken_spec_is_drawn_with_its_fault(
    text: str, sizes: set[str], marked: set[str]
) -> None:
    network = read_text(SourceText("net.yaml", text))
    assert network.errors
    for options in ({}, {"direction": "right"}, {"depth": 1}):
        scene = convcalc.draw(network, **options)
        assert faults(scene) == [], (text, options)
        red = [label.text for label in scene.labels if label.role == "fault text"]
        assert sizes <= {*red}
        signs = [label.text for label in scene.labels if label.text.startswith("✗")]
        assert len(signs) > len(marked)  # at the box, and below the picture
        said = " ".join(red)
        assert all(word in said for word in network.errors[0].message.split())
        if options != {"depth": 1}:
            parts = [part for part in _shown(scene) if part.title.startswith("✗")]
            assert {part.key for part in parts} == marked


LOSING = ("relu", "conv", "batchnorm", "maxpool", "linear", "upsample", "flatten")
"""Kinds that read one tensor, whose items are lost where they are misspelled."""


@tabled("name", (*FAMILIES, "densenet121", "two_stream"))
def test_what_is_misspelled_stands_where_it_stood(name: str) -> None:
    """The same boxes read the same boxes as without the fault, in the same groups."""
    bundled = find_bundled(name)
    assert bundled is not None
    text = Path(bundled.path).read_text()
    good = convcalc.load(name)
    for kind in LOSING:
        wrong, many = re.subn(rf"(?<=- ){kind}(?![a-z_])", f"{kind}x", text)
        if not many:
            continue
        network, told, before = with_lost(
            network_of(as_written(SourceText(name, wrong)), preset=bundled.preset)
        )
        assert [node.inputs for node in network.nodes] == [node.inputs for node in good.nodes]
        assert [group.layers for group in network.groups] == [group.layers for group in good.groups]
        kinds = [node.kind for node in good.nodes]
        assert {kinds[index] for index in told} == {kind}
        assert [was is None for was in before] == [index in told for index in range(len(kinds))]
        assert not any(node.unknown for node in network.nodes)


@pytest.mark.thorough
@tabled("path", sorted(ROOT.glob("tests/specs/**/*.yaml")))
def test_every_spec_is_shown_whatever_is_wrong_with_it(path: Path) -> None:
    network = convcalc.read(path)
    assert faults(convcalc.draw(network)) == []
    assert "<table" in network._repr_html_()
    whole, _, before = with_lost(network)
    assert [was for was in before if was is not None] == [*range(len(network.nodes))]
    assert all(read < at for at, node in enumerate(whole.nodes) for read in node.inputs)


def _chain(count: int) -> Network:
    """Layers none of which is like the one before."""
    random = Random(1)  # noqa: S311
    lines = [f"  - conv: {{filters: {random.randrange(4, 99)}, kernel: 1}}" for _ in range(count)]
    return _read("input: 2x2x4\nlayers:\n" + "\n".join(lines) + "\n")


def test_a_notebook_shows_a_network_as_its_graph_above_its_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = convcalc.load("resnet18")
    html = network._repr_html_()
    data = re.search(r'<img alt="([^"]*)"[^>]* src="data:image/svg\+xml;base64,([^"]*)"', html)
    assert data is not None
    assert data[1].startswith("ResNet-18: 69 layers")
    assert b64decode(data[2]).decode() == convcalc.draw(network).to_svg()
    assert html.index("<img") < html.index("<table>")
    monkeypatch.setattr(html_format, "MAX_PICTURE", 1_000)
    large = network._repr_html_()
    assert "<img" not in large
    assert "too large to be shown" in large


@pytest.mark.thorough
def test_ten_thousand_layers_are_drawn() -> None:
    scene = convcalc.draw(_chain(10_000))
    assert len(boxes_of(scene)) > 1
    assert scene.to_svg()


def test_what_is_nested_deep_needs_no_recursion() -> None:
    # Each of the blocks calls the next one, and every block has a branch of its own.
    blocks = [f"b{number}" for number in range(19)]
    text = "input: 8x8x4\nblocks:\n"
    for name, inner in zip(blocks, [*blocks[1:], "relu"], strict=True):
        text += f"  {name}: {{layers: [add: [[relu, {inner}, relu], []]]}}\n"
    scene = convcalc.draw(_read(text + "layers: [b0]\n"), depth=99)
    assert scene.to_svg().count("add1") >= 19
    assert faults(scene) == []
