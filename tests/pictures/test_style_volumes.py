"""Volumes: what a network's stages are, and that nothing of their picture lies over another."""

from functools import cache
from itertools import combinations, pairwise
from random import Random

import pytest
from paths import ROOT
from tabled import tabled
from work import counted

import convcalc
from convcalc.graph import Network
from convcalc.pictures import font
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Point, Scene, everything
from convcalc.pictures.stages import ENOUGH, Row, Stage, rows

ZOO = sorted(path.stem for path in (ROOT / "architectures").glob("*.yaml"))
SOME = (*ZOO[::3], "fpn", "googlenet", "segnet", "siamese", "ssd300", "unet", "wavenet", "yolov3")
Edges = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def _stages(spec: str, depth: int | None = None) -> tuple[Stage, ...]:
    return rows(convcalc.load(spec), depth)[0].stages


@tabled(
    ("spec", "shapes"),
    [
        # Krizhevsky et al. 2012, figure 2, with the pools between; both towers as one.
        (
            "alexnet",
            "227×227×3 55×55×96 27×27×96 27×27×256 13×13×256 13×13×384 13×13×256 6×6×256 4096 1000",
        ),
        # Radford et al. 2016, figure 1: a 100-dimensional z, projected to 4×4, then four times two.
        ("dcgan_generator", "1×1×100 4×4×512 8×8×256 16×16×128 32×32×64 64×64×3"),
        # He et al. 2016, table 1.
        (
            "resnet152",
            "224×224×3 112×112×64 56×56×64 56×56×256 28×28×512 14×14×1024 7×7×2048 1×1×2048 1000",
        ),
    ],
)
def test_stages_are_the_shapes_of_the_publication(spec: str, shapes: str) -> None:
    assert [str(stage.shape) for stage in _stages(spec)] == shapes.split()


@tabled(
    ("spec", "times"),
    [
        ("vgg16", [2, 2, 3, 3, 3, 2]),  # Simonyan & Zisserman 2015, table 1, D; two linear layers
        ("vgg19", [2, 2, 4, 4, 4, 2]),  # the same, E
        ("resnet152", [3, 8, 36, 3]),  # He et al. 2016, table 1
        ("convnext_tiny", [3, 3, 9, 3]),  # Liu et al. 2022
        ("vit_b_16", [12]),  # Dosovitskiy et al. 2021, table 1
    ],
)
def test_what_is_repeated_is_counted(spec: str, times: list[int]) -> None:
    assert [stage.times for stage in _stages(spec) if stage.times > 1] == times


@tabled(
    ("spec", "text"),
    [
        ("densenet121", "dense_layer ×6 dense_layer ×12 dense_layer ×24 dense_layer ×16"),
        ("googlenet", " ".join(["concat of 4"] * 7)),  # nine modules, three of one shape
    ],
)
def test_blocks_say_what_is_in_them(spec: str, text: str) -> None:
    said = [
        line for stage in _stages(spec) for line in stage.text[1:] if " of " in line or "_" in line
    ]
    assert " ".join(said) == text


def test_a_concatenation_has_the_channels_of_its_branches() -> None:
    # Szegedy et al. 2015, table 1, inception (3a): 64, 128, 32 and 32.
    first = next(stage for stage in _stages("googlenet") if stage.parts)
    assert first.parts == (64, 128, 32, 32)


@pytest.mark.parametrize(("branches", "lines"), [(4, 3), (40, 0)])
def test_a_slab_is_divided_where_there_is_room_for_lines(branches: int, lines: int) -> None:
    conv = "[conv: {filters: 4, kernel: 1}]"
    spec = f"{{input: 32x32x3, layers: [concat: [{', '.join([conv] * branches)}]]}}"
    scene = convcalc.draw(convcalc.parse(spec), "volumes")
    open_lines = [
        each
        for each in everything(scene.items)
        if isinstance(each, Path) and each.role.endswith(" side") and not each.closed
    ]
    assert len(open_lines) == lines
    assert f"concat of {branches}" in scene.to_svg()


def test_skips_go_round_what_is_smaller() -> None:
    row = rows(convcalc.load("unet"))[0]
    shapes = [str(stage.shape) for stage in row.stages]
    # Ronneberger et al. 2015, figure 1: what is copied and cropped.
    copied = ["568×568×64", "280×280×128", "136×136×256", "64×64×512"]
    assert [shapes[skip.source] for skip in row.skips] == copied
    assert [row.stages[skip.target].text for skip in row.skips] == [("up",)] * 4


def test_outputs_beside_the_last_leave_their_level() -> None:
    # Lin et al. 2017, figure 3: a prediction at each level of the pyramid.
    row = rows(convcalc.load("fpn"))[0]
    leaving = {head.name: row.stages[head.source].shape for head in row.heads}
    assert [shape.spatial[0] for shape in leaving.values() if shape] == [25, 50, 100, 200]


def test_every_input_has_its_row_which_ends_where_it_is_read() -> None:
    made = rows(convcalc.load("two_stream"))
    assert [row.stages[0].text for row in made] == [("image",), ("flow",)]
    assert (made[1].reader, made[1].whole) == (0, True)
    assert [made[0].stages[place].text for place in made[1].joins] == [("add",)]


@cache
def _networks(*names: str) -> tuple[Network, ...]:
    """These networks of the zoo, and what has an error in the middle."""
    broken = (
        "{input: 8x8x3, layers: [conv: {filters: 4, kernel: 3}, add: [[], [conv: 5], []], relu]}"
    )
    return *map(convcalc.load, names), convcalc.read(convcalc.parse(broken))


def test_every_layer_is_in_a_stage_or_beside_them() -> None:
    for network in _networks(*SOME):
        made = rows(network)
        assert max(len(row.stages) for row in made) <= ENOUGH, network.name
        _assert_whole(network, made)


@pytest.mark.thorough
@pytest.mark.parametrize("depth", [None, 0, 1, 2, 9])
def test_every_layer_is_somewhere_at_any_depth(depth: int | None) -> None:
    for network in _networks(*ZOO):
        _assert_whole(network, rows(network, depth))


def _assert_whole(network: Network, made: tuple[Row, ...]) -> None:
    """No layer is left out, none is in two stages, and each stage hands on what its last makes."""
    held = [node for row in made for stage in row.stages for node in stage.nodes]
    beside = {node for row in made for skip in row.skips for node in skip.nodes}
    beside |= {node for row in made for head in row.heads for node in head.nodes}
    assert len(held) == len(set(held)), network.name
    missing = set(range(len(network.nodes))) - {*held, *beside}
    assert not missing, (network.name, [network.nodes[node].name for node in missing])
    for row in made:
        for stage in row.stages:
            made_last = network.shape_of(stage.end)
            sizes = [shape and shape.size for shape in (stage.shape, made_last)]
            assert sizes[0] == sizes[1], (network.name, stage)


def test_nothing_lies_over_another_and_nothing_is_cut_off() -> None:
    for network in _networks(*SOME):
        _assert_apart(network.name, convcalc.draw(network, "volumes"))


@pytest.mark.thorough
@pytest.mark.parametrize("depth", [None, 0, 1, 2, 9])
def test_nothing_lies_over_another_at_any_depth(depth: int | None) -> None:
    for network in _networks(*ZOO):
        options = {} if depth is None else {"depth": depth}
        _assert_apart(f"{network.name} at {depth}", convcalc.draw(network, "volumes", **options))


def _assert_apart(name: str, scene: Scene) -> None:
    """Parts apart, texts apart, all in the picture, and no line through a part it does not join."""
    parts = {part.key: _edges(part.items) for part in scene.parts.values()}
    for (one, first), (other, second) in combinations(parts.items(), 2):
        assert not _meet(first, second), f"{name}: {one} and {other}"
    texts = [(label.text, _edges((label,))) for label in scene.labels]
    for (text, first), (other, second) in combinations(texts, 2):
        assert not _meet(first, second), f"{name}: {text!r} and {other!r}"
    left, top, right, bottom = _edges(scene.items)
    assert left >= 0, name
    assert top >= 0, name
    assert right <= scene.width, name
    assert bottom <= scene.height, name
    for path in scene.paths:
        if not path.source:
            continue
        assert {path.source, path.target} <= parts.keys()
        ends = parts[path.source], parts[path.target]
        others = [edges for edges in parts.values() if edges not in ends]
        for start, end in pairwise(path.points):
            for edges in others:
                assert not _crosses(start, end, edges), f"{name}: {path}"
        for text, edges in texts:
            for start, end in pairwise(path.points):
                assert not _crosses(start, end, edges), f"{name}: {text!r} under {path}"


def _edges(items: tuple[Drawn, ...]) -> Edges:
    """What items span."""
    points = [point for item in everything(items) for point in _corners(item)]
    across, down = zip(*points, strict=True)
    return min(across), min(down), max(across), max(down)


def _corners(item: Drawn) -> tuple[Point, ...]:
    """The corners of what an item spans."""
    if isinstance(item, Part):
        return ()
    if isinstance(item, Path):
        return item.points
    if isinstance(item, Label):
        wide = font.width(item.text, item.size, bold=item.bold)
        left = item.x - wide * {"start": 0, "middle": 0.5, "end": 1}[item.anchor]
        top = item.y - item.size * font.CAP_HEIGHT
        return (left, top), (left + wide, item.y + item.size * font.DESCENT * 0.5)
    assert isinstance(item, Box)
    return (item.x, item.y), (item.x + item.width, item.y + item.height)


def _meet(one: Edges, other: Edges) -> bool:
    """Whether two rectangles overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _crosses(start: Point, end: Point, edges: Edges) -> bool:
    """Whether a line goes through a rectangle (Liang and Barsky 1984)."""
    first, last = 0.0, 1.0
    for axis in (0, 1):
        step, low, high = end[axis] - start[axis], edges[axis], edges[axis + 2]
        if step == 0:
            if not low < start[axis] < high:
                return False
            continue
        near, far = sorted(((low - start[axis]) / step, (high - start[axis]) / step))
        first, last = max(first, near), min(last, far)
    return first < last


def test_twice_as_many_layers_are_twice_the_work() -> None:
    body = (
        "[conv: {filters: 16, kernel: 3}, relu, conv: {filters: 32, kernel: 3}, add: [[], [relu]]]"
    )
    calls = []
    for times in (25, 50):
        text = f"{{input: 4000x4000x3, layers: [{{repeat: {times}, layers: {body}}}]}}"
        network = convcalc.loads(text)
        with counted() as work:
            convcalc.draw(network, "volumes")
        calls.append(work.calls)
    assert calls[1] < 2.2 * calls[0]


def test_colours_can_say_how_much_a_stage_has() -> None:
    # VGG-16 has 138,357,544 parameters (Simonyan & Zisserman 2015, table 2): 102,764,544 and
    # 16,781,312 in the first two linear layers, 1,792 in the first convolution.
    scene = convcalc.draw("vgg16", "volumes", shade="parameters")
    roles = {
        part.key: next(item.role for item in part.items if isinstance(item, Box))
        for part in scene.parts.values()
    }
    assert roles["stage1.relu2"] == "heat 1"
    assert roles["dropout2"] == "heat 4"
    assert roles["input"] == roles["stage5.maxpool1"] == "heat 0"


def _any_network(random: Random) -> str:
    """A network of maps of 4 channels and several sizes that read one another as it happens."""
    count = random.choice([1, 1, 2, 3])
    sizes = {f"i{number}": 16 for number in range(count)}
    lines = []
    for number in range(random.choice([6, 15, 40])):
        names = [*sizes]
        read = names[-1] if random.random() < 0.7 else random.choice(names[-15:])
        alike = [name for name in names if sizes[name] == sizes[read] and name != read]
        size = sizes[read]
        if alike and random.random() < 0.35:
            other = random.choice(alike)
            kind = f"add: [[from: {read}], [from: {other}]]"
        else:
            kind, size = random.choice(
                [
                    ("conv: {filters: 4, kernel: 3, padding: 1}", size),
                    ("relu", size),
                    ("maxpool: 2", size // 2) if size > 1 else ("batchnorm", size),
                    ("upsample: 2", size * 2) if size < 32 else ("batchnorm", size),
                ]
            )
            kind = f"{kind}, from: {read}"
        lines.append(f"  - {{{kind}, name: n{number}}}")
        sizes[f"n{number}"] = size
    given = ", ".join(f"i{number}: 16x16x4" for number in range(count))
    return f"input: {{{given}}}\nlayers:\n" + "\n".join(lines) + "\n"


def _draw_any(seed: int) -> None:
    network = convcalc.read(convcalc.parse(_any_network(Random(seed))))  # noqa: S311
    for depth in (None, 0):
        _assert_whole(network, rows(network, depth))
        options = {} if depth is None else {"depth": depth}
        _assert_apart(f"seed {seed} at {depth}", convcalc.draw(network, "volumes", **options))


def test_what_does_not_work_out_says_what_it_reads() -> None:
    text = "{input: 8x8x3, layers: [add: [[], [conv: {filters: 5, kernel: 1}]], relu, relu]}"
    scene = convcalc.draw(convcalc.parse(text), "volumes")
    told = [label.text for label in scene.labels if label.role == "fault text"]
    assert told == ["add", "reads 8×8×3", "reads 8×8×5", "CC309"]
    assert [path.target for path in scene.paths if path.role == "fault line"] == ["relu2"]
    assert "cannot be added" in scene.parts["relu2"].title


def test_what_is_misspelled_stands_where_it_stood() -> None:
    text = "{input: 8x8x3, layers: [conv: {filters: 4, kernel: 3}, maxpol: 2, conv: 5, relu]}"
    scene = convcalc.draw(convcalc.parse(text), "volumes")
    told = [label.text for label in scene.labels if label.role == "fault text"]
    assert told[:2] == ["maxpol", "reads 6×6×4"]
    assert "CC113" in told
    assert next(path.source for path in scene.paths if path.role == "fault line") == "conv1"
    _assert_apart("misspelled", scene)


def test_many_inputs_of_one_layer_have_a_line_each() -> None:
    names = [f"i{number}" for number in range(12)]
    given = ", ".join(f"{name}: 8x8x4" for name in names)
    read = ", ".join(f"[from: {name}]" for name in names)
    network = convcalc.loads(f"{{input: {{{given}}}, layers: [add: [{read}]]}}")
    scene = convcalc.draw(network, "volumes")
    _assert_apart("12 inputs", scene)
    assert {path.source for path in scene.paths if path.target == "add1"} == set(names)


def test_any_network_is_drawn_apart() -> None:
    # Of the last two one is read in front of what it reads, and one joins where another leads.
    for seed in (*range(12), 1259, 2362):
        _draw_any(seed)


@pytest.mark.thorough
def test_many_networks_are_drawn_apart() -> None:
    for seed in range(12, 600):
        _draw_any(seed)


@pytest.mark.thorough
@pytest.mark.parametrize("depth", [None, 0, 1, 2])
def test_specs_with_errors_and_without_are_drawn_apart(depth: int | None) -> None:
    for path in sorted(ROOT.glob("tests/specs/**/*.yaml")):
        network = convcalc.read(path)
        _assert_whole(network, rows(network, depth))
        options = {} if depth is None else {"depth": depth}
        _assert_apart(f"{path.name} at {depth}", convcalc.draw(network, "volumes", **options))


@tabled(
    ("style", "option", "wrong"),
    [
        ("volumes", "depth", "wibble"),
        ("volumes", "depth", -1),
        ("volumes", "shade", "wibble"),
        ("volumes", "shade", 3),
        ("activations", "maps", 0),
        ("activations", "maps", "wibble"),
        ("activations", "layers", 3),
        ("activations", "layers", "wibble"),
        ("activations", "seed", -1),
        ("activations", "x", "wibble"),
        ("activations", "weights", 3),
    ],
)
def test_options_that_are_none_are_refused_by_name(style: str, option: str, wrong: object) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{option}|wibble"):
        convcalc.draw("lenet5", style, **{option: wrong})
