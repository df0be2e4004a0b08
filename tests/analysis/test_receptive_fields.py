"""Receptive fields against dye: a NaN in one input value turns the outputs NaN that see it."""

import csv
import json
import random
from io import StringIO

import numpy as np
import pytest
from draws import no_advice
from tabled import tabled

from convcalc import Network, analyze, load, loads
from convcalc.analysis import receptive_field
from convcalc.analysis.reach import reached
from convcalc.checks.run import Task, check_text
from convcalc.formats import csv as csv_format
from convcalc.formats import json as json_format
from convcalc.formats import plain
from convcalc.forward.reference import run_reference
from convcalc.forward.weights import random_weights
from convcalc.graph import unread
from convcalc.graph.planned import planned
from convcalc.spec.text import SourceText

Sizes = dict[str, tuple[int, ...]]


@pytest.fixture(autouse=True)
def no_search_for_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What CC306 advises is not asked here, and finding it takes longer than all else."""
    monkeypatch.setattr(unread, "told", lambda *_: iter(()))


def dyed(network: Network) -> Sizes:
    """The largest number of input values, axis by axis, that an output of each layer sees."""
    assert network.input
    found: dict[str, list[int]] = {node.name: [] for node in network.layers}
    for axis, extent in enumerate(network.input.spatial):
        x = np.random.default_rng(0).random((extent, *network.input.axes))
        for value in range(extent):  # example i has its value i dyed
            np.moveaxis(x[value], axis + 1, 0)[value] = np.nan
        weights = random_weights(network)
        outputs = run_reference(np, planned(network), {"input": x}, weights, found.keys())
        for name, output in outputs.items():
            sees = np.isnan(output).any(axis=1).reshape(extent, -1)
            first, last = sees.argmax(axis=0), extent - sees[::-1].argmax(axis=0)
            found[name].append(int(np.max((last - first) * sees.any(axis=0))))
    return {name: tuple(sizes) for name, sizes in found.items()}


def spatial(items: list[str], shape: str) -> tuple[int, ...] | None:
    """The extents of what the items make; None when the spec has errors."""
    try:
        network = loads(f"input: {shape}\nrounding: floor\nlayers: [{', '.join(items)}]")
    except ValueError:
        return None
    output = network.shape_of(network.output)
    return output.spatial if output and max(output.axes) <= 40 else None


class Draw:
    """Random specs, each of whose layers fits what is before it."""

    def __init__(self, seed: int, rank: int, *, padded: bool) -> None:
        self.random = random.Random(seed)  # noqa: S311 (tests)
        self.rank, self.padded = rank, padded

    def number(self, most: int, least: int = 1) -> int:
        return self.random.randint(least, most)

    def padding(self, most: int) -> str:
        pairs = [[self.number(most, 0), self.number(most, 0)] for _ in range(self.rank)]
        return str(pairs if self.padded else [[0, 0]] * self.rank)

    def item(self) -> str:
        """A layer of any kind that moves positions."""
        kernel, stride = self.number(4), self.number(3)
        border = self.random.choice(["zero", "zero", "reflect", "replicate", "circular"])
        linear = self.random.choice(["linear", "cubic"]) if self.rank == 2 else "linear"
        mode = self.random.choice(["nearest", linear, f"{linear}, align_corners: true"])
        scale = self.random.choice(["2", "3", "1.5", "0.7", "1.3"])
        # Stride 1 is a convolution padded in full.
        least = max(stride, 1 if self.padded else 2)
        # Of an image, an output that sees nothing along one axis sees nothing along the other.
        taps, apart = (self.number(5), self.number(2)) if self.rank == 1 else (self.number(5, 3), 1)
        spread = f"kernel: {taps}, stride: {least}, padding: {self.padding(1)}, dilation: {apart}"
        slid = f"kernel: {kernel}, stride: {stride}, padding: {self.padding(kernel // 2)}"
        return self.random.choice([
            f"conv: {{filters: 2, {slid}, dilation: {self.number(2)}, padding_mode: {border}}}",
            f"conv: {{filters: 1, {slid}}}",
            f"maxpool: {{{slid}}}",
            f"avgpool: {{{slid}}}",
            f"upsample: {{scale: {scale}, mode: {mode}}}",
            f"upsample: {{size: {self.number(24)}, mode: {mode}}}",
            f"conv_transpose: {{filters: 2, {spread}}}",
            f"adaptive_avgpool: {self.number(9)}",
            "global_avgpool",
            f"pad: {{padding: {self.padding(2)}, mode: {border}}}",
            f"crop: {[[self.number(2, 0), self.number(2, 0)]] * self.rank}",
            "relu",
        ])  # fmt: skip

    def merge(self, before: list[str], shape: str) -> str:
        """Branches that end in one size, or in a single position that is spread over it."""
        extents = spatial(before, shape)
        size = "x".join(map(str, extents or ()))
        branches = [self.random.choice(["", self.items(before, shape, 1)])]
        for _ in range(self.number(2)):
            inside = self.items(before, shape, self.number(2))
            end = self.random.choice([
                f"upsample: {{size: {size}}}",
                f"upsample: {{size: {size}, mode: linear, align_corners: true}}",
                f"adaptive_maxpool: {size}",
                f"adaptive_avgpool: {size}",
                "global_maxpool",
            ])  # fmt: skip
            one = "conv: {filters: 1, kernel: 1}"
            branches.append(f"{inside}, {end}, {one}" if inside else f"{end}, {one}")
        kind = "concat" if "global_maxpool" not in "".join(branches) else "add"
        if kind == "add":
            branches = [f"conv: {{filters: 1, kernel: 1}}, {one}" for one in branches]
        return f"{kind}: [{', '.join(f'[{one}]' for one in branches)}]"

    def items(self, before: list[str], shape: str, count: int) -> str:
        found: list[str] = []
        for _ in range(8 * count):
            item = self.item()
            if len(found) < count and spatial([*before, *found, item], shape):
                found.append(item)
        return ", ".join(found)

    def network(self) -> str:
        """The text of a network."""
        shape = "x".join(str(self.number(14, 2)) for _ in range(self.rank)) + "x1"
        items: list[str] = []
        for _ in range(5):
            item = self.merge(items, shape) if self.random.random() < 0.4 else self.item()
            if spatial([*items, item], shape):
                items.append(item)
        return f"input: {shape}\nrounding: floor\nlayers: [{', '.join(items or ['relu'])}]"


def differences(text: str, *, padded: bool) -> tuple[list[str], int, int]:
    """Where a reported field is wrong, how many were looked at, and how many are bounds."""
    network = loads(text)
    sees = dyed(network)
    if any(len(seen) > 1 and 0 in seen for seen in sees.values()):
        return [], 0, 0  # a branch that reads padding alone along one axis sees nothing of others
    wrong, looked, bounds = [], 0, 0
    for layer in analyze(network).layers:
        if layer.receptive_field is None:
            continue
        for field, count in zip(layer.receptive_field, sees[layer.name], strict=True):
            looked += 1
            bounds += not field.exact
            known = field.exact and (field.counted or not padded)
            if (field.size < count and (field.counted or "circular" not in text)) or (
                known and field.size != count
            ):
                sign = "=" if known else "≤"
                wrong.append(f"{layer.name}: {sign} {field.size}, and {count} are seen")
    return wrong, looked, bounds


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("padding", ["none", "some"])
def test_fields_are_the_largest_number_of_values_an_output_sees(rank: int, padding: str) -> None:
    padded = padding == "some"
    looked = bounds = 0
    for seed in range(10):
        text = Draw(seed, rank, padded=padded).network()
        wrong, more, bounded = differences(text, padded=padded)
        assert wrong == [], text
        looked, bounds = looked + more, bounds + bounded

    assert looked > 80
    assert bounds == 0


class DrawJoined(Draw):
    """The same with maps one behind the other along an axis, and parts cut out of one."""

    def item(self) -> str:
        if self.random.random() < 0.3:
            axis = "length" if self.rank == 1 else self.random.choice(["height", "width"])
            start, stop = self.number(3, 0), self.random.choice([-1, -2, 5, 8])
            return f"slice: {{start: {start}, stop: {stop}, axis: {axis}}}"
        return super().item()

    def merge(self, before: list[str], shape: str) -> str:
        extents = spatial(before, shape) or ()
        along = self.number(self.rank) - 1
        branches = []
        for _ in range(self.number(3)):
            inside = self.items(before, shape, self.number(2))
            if self.rank > 1:  # alike along the other axis
                sizes = [*extents]
                sizes[along] = self.number(6)
                inside += f"{', ' if inside else ''}adaptive_maxpool: {sizes}"
            branches.append(f"[{inside}{', ' if inside else ''}conv: {{filters: 1, kernel: 1}}]")
        if self.rank == 1:
            branches[0] = "[conv: {filters: 1, kernel: 1}]"
        axis = ("length",) if self.rank == 1 else ("height", "width")
        return f"concat: {{branches: [{', '.join(branches)}], axis: {axis[along]}}}"


@pytest.mark.parametrize("rank", [1, 2])
def test_fields_of_maps_one_behind_the_other(rank: int) -> None:
    """Along a sequence exact; of images at least bounds, where branches are not alike."""
    looked = bounds = joined = 0
    for seed in range(8):
        text = DrawJoined(seed, rank, padded=seed % 2 == 1).network()
        wrong, more, bounded = differences(text, padded=seed % 2 == 1)
        assert wrong == [], text
        looked, bounds = looked + more, bounds + bounded
        joined += "concat" in text

    assert looked > 40
    assert joined > 3
    assert not bounds or rank > 1


@pytest.mark.parametrize("rank", [1, 2])
def test_values_reach_the_outputs_that_they_turn(rank: int) -> None:
    """Of maps one behind the other: `reached` beside a value that is dyed."""
    compared = 0
    for seed in range(8):
        network = loads(DrawJoined(100 + seed, rank, padded=False).network())
        assert network.input
        place = tuple(seed % extent for extent in network.input.spatial)
        x = np.random.default_rng(0).random((1, *network.input.axes))
        x[0, 0][place] = np.nan
        names = [node.name for node in network.layers]
        outputs = run_reference(np, planned(network), {"input": x}, random_weights(network), names)
        for node, reach in zip(network.nodes, reached(network, place), strict=True):
            if node.name not in outputs or reach is None or reach.lost:
                continue
            turned = np.isnan(outputs[node.name][0]).any(axis=0)
            told = np.zeros(turned.shape, bool)
            for block in reach.blocks:
                places = [[at for pair in axis for at in range(*pair)] for axis in block]
                told[np.ix_(*places)] = True
            assert not (turned & ~told).any(), (seed, node.name)
            assert not reach.exact or np.array_equal(turned, told), (seed, node.name)
            compared += "concat" in node.kind

    assert compared > 3


def test_bounds_hold_where_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receptive_field, "COUNTED", 0)
    bounds = 0
    for seed in range(10):
        padded = seed % 2 == 0
        text = Draw(seed, 1, padded=padded).network()
        wrong, _, bounded = differences(text, padded=padded)
        assert wrong == [], text
        bounds += bounded

    assert bounds > 6


PSP = """input: 60x1
layers:
  - concat: [[],
      [avgpool: 60, upsample: {size: 60, mode: linear, align_corners: true}],
      [avgpool: 30, upsample: {size: 60, mode: linear, align_corners: true}]]
  - conv: {filters: 1, kernel: 3, padding: 1}
  - conv: {filters: 1, kernel: 3, padding: 1}
"""
"""Pooled levels of 1 and 2 positions, spread again: all outputs see the whole input, or half."""


def sizes(text: str) -> list[tuple[int, bool, bool]]:
    """Size, `exact` and `aligned` of each layer that has a field."""
    return [
        (layer.receptive_field[0].size, layer.receptive_field[0].exact, layer.aligned)
        for layer in analyze(loads(text)).layers
        if layer.receptive_field
    ]


def test_pooled_levels_spread_again_see_no_more_than_there_is() -> None:
    assert sizes(PSP) == [
        (60, True, True), (60, True, True), (30, True, True), (60, True, True),
        (60, True, False), (60, True, False), (60, True, False),
    ]  # fmt: skip
    assert sizes(PSP.replace("true", "false"))[-3:] == [(60, True, True)] * 3


def test_a_position_spread_over_a_long_map_is_counted_exactly() -> None:
    text = "input: 600x3\nlayers: [global_maxpool, upsample: {size: 600}]"

    assert sizes(text) == [(600, True, True)] * 2


@pytest.mark.parametrize("length", [1000, 10**9])
def test_what_some_output_sees_by_its_values_alone_needs_no_counting(length: int) -> None:
    """Two of the first convolution's outputs, 2 apart, see 5; four thirds of a value touch 2."""
    text = f"rounding: floor\ninput: {length}x2\nlayers: [" + "{}]"
    halved = "conv: {filters: 2, kernel: 3, stride: 2, padding: 1}, upsample: 2"

    assert sizes(text.format(f"{halved}, conv: {{filters: 2, kernel: 3, padding: 1}}"))[-1] == (
        5, True, True,
    )  # fmt: skip
    assert sizes(text.format("upsample: 3, conv: {filters: 2, kernel: 4, stride: 2}"))[-1] == (
        2, True, True,
    )  # fmt: skip


def test_outputs_that_repeat_one_position_are_no_step_apart() -> None:
    """What they see is the same, so that from one to the next it is 0 values."""
    layers = "[global_maxpool, upsample: 8, conv: {filters: 3, kernel: 3, padding: 1}]"
    fields = [
        layer.receptive_field for layer in analyze(loads(f"input: 8x8x3\nlayers: {layers}")).layers
    ]

    assert [[field.stride for field in axes or ()] for axes in fields] == [[1, 1], [0, 0], [0, 0]]


def test_causal_branches_see_what_both_see_together() -> None:
    text = """input: 32x4
layers:
  - add:
      - - conv: {filters: 4, kernel: 3, padding: [[2, 0]]}
      - - conv: {filters: 4, kernel: 3, padding: [[0, 2]]}
"""
    assert sizes(text) == [(3, True, True), (3, True, True), (5, True, True)]
    assert "*" not in plain.render(analyze(loads(text)))


def test_gates_leave_the_field_of_the_path_with_positions() -> None:
    """The same convolutions with and without squeeze-and-excitation."""
    gated, bare = (
        analyze(load(name)).layers[-5].receptive_field for name in ("se_resnet50", "resnet50_v1")
    )
    assert bare
    assert gated
    assert [field.size for field in bare] == [483, 483]
    assert [(field.size, field.jump, field.start) for field in gated] == [
        (field.size, field.jump, field.start) for field in bare
    ]


def test_gates_show_the_whole_input_and_no_padding() -> None:
    gate = "multiply: [[], [global_avgpool, conv: {filters: 4, kernel: 1}, sigmoid]]"
    first = "conv: {filters: 4, kernel: 3, padding: 1}"
    by_vector = "multiply: [[], [flatten, linear: 4, reshape: 1x1x4]]"
    for merge in (gate, by_vector):
        found = sizes(f"input: 16x16x4\nlayers: [{first}, {merge}, {first}]")
        assert found[0] == (3, True, True)
        assert found[-2:] == [(16, True, True)] * 2


def test_the_part_that_a_gate_shows_is_counted_with_the_field() -> None:
    """Rows 2 to 5 of 10 pooled: an output at 9, which sees 8 to 10, sees 2 to 9 of the input."""
    text = """input: 10x10x1
layers:
  - conv: {filters: 1, kernel: 3, padding: 1}
  - {from: input, crop: [[2, 4], [2, 4]]}
  - global_avgpool
  - multiply: [[from: conv1], [from: global_avgpool1]]
"""
    assert sizes(text)[-1] == (8, True, True)


MOVED = """input: 8x8x4
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
  - add: [[], [permute: [2, 1, 3], permute: [2, 1, 3]]]
"""
"""What a permutation makes of positions is not followed."""


@pytest.mark.parametrize(
    "spec",
    [
        "input: 9x9x2",
        "input: {image: 9x9x2, other: 5x5x3}",
    ],
)
def test_learned_values_see_nothing(spec: str) -> None:
    start = "other" if "other" in spec else "input"
    layers = f"""
layers:
  - conv: {{filters: 3, kernel: 3, padding: 1}}
  - add: [[], [{{from: {start}, name: positions, learned: 9x9x3}}]]
  - conv: {{filters: 3, kernel: 3, padding: 1}}
"""
    net = loads(spec + layers)
    conv1, learned, added, conv2 = analyze(net).layers
    assert learned.fields == (None,)
    for layer, size in ((conv1, 3), (added, 3), (conv2, 5)):
        (fields,) = layer.fields  # in the first input alone
        assert fields is not None
        assert [(field.size, field.exact) for field in fields] == [(size, True)] * 2
    *_, first, nothing, met, last = reached(net, [4, 4])
    assert nothing is not None
    assert nothing.blocks == ()
    assert [each and each.number for each in (first, met, last)] == [9, 9, 25]


def test_bounds_are_marked_wherever_they_stand() -> None:
    report = analyze(loads(MOVED))
    table = plain.render(report)
    layer = json.loads(json_format.render(report))["layers"][-1]
    row = list(csv.DictReader(StringIO(csv_format.render(report))))[-1]

    assert "≤8×8" in table
    assert "≤ The field is an upper bound" in table
    assert (layer["receptive_field"]["size"], layer["receptive_field"]["exact"]) == ([8, 8], False)
    assert row["receptive_field"] == "<=8x8"
    assert json.loads(json_format.render(report))["layers"][0]["receptive_field"]["exact"] is True


@tabled(
    ("expected", "severities"),
    [
        ("8", ["warning"]),
        ("3", ["warning"]),
        ("9", ["error"]),
        ("8x9", ["error"]),
        ("<= 8", []),
        ("<= 8x9", []),
        ("<= 7", ["warning"]),
        ("'>= 1'", []),
        ("'>= 2'", ["warning"]),
        ("'>= 9'", ["error"]),
        ("1..8", []),
        ("2..8", ["warning"]),
        ("8x8x8", ["error"]),
    ],
)
def test_bounds_keep_and_break_only_what_they_decide(expected: str, severities: list[str]) -> None:
    text = MOVED + f"expect: {{receptive_field: {expected}}}"
    diagnostics = check_text(SourceText("moved.yaml", text), Task()).diagnostics
    found = [problem for problem in diagnostics if problem.code == "CC503"]

    assert [problem.severity for problem in found] == severities
    assert all("at most 8×8" in problem.message for problem in found)


class Axes:
    """Random networks of which each axis has hyperparameters of its own."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 (tests)

    def both(self, *choices: object) -> list[str]:
        """What each axis has; half of the time the same."""
        one, other = self.random.choice(choices), self.random.choice(choices)
        return [str(one), str(one if self.random.random() < 0.5 else other)]

    def slid(self, kernels: list[str]) -> list[str]:
        strides, dilations = self.both(1, 1, 2, 3), self.both(1, 1, 2)
        paddings = self.both("[0, 0]", "[1, 1]", "[0, 1]", "[2, 0]")
        return along("kernel: #, stride: #, dilation: #, padding: #",
                     kernels, strides, dilations, paddings)  # fmt: skip

    def item(self) -> list[str]:
        """One layer: of both axes, and of each alone."""
        kernels = self.both(1, 2, 3, 4, 5)
        mode = self.random.choice(["zero", "zero", "replicate", "circular"])
        interpolation = self.random.choice(["nearest", "linear", "linear, align_corners: true"])
        kept = {"1": "[0, 0]", "3": "[1, 1]", "5": "[2, 2]"}
        odd = self.both(*kept)
        borders = [kept[kernel] for kernel in odd]
        paddings = self.both("[0, 0]", "[1, 0]", "[2, 2]")
        return self.random.choice([
            [f"conv: {{filters: 1, {text}, padding_mode: {mode}}}" for text in self.slid(kernels)],
            along("maxpool: {kernel: #, stride: #}", kernels, self.both(1, 2, 3)),
            along(f"upsample: {{scale: #, mode: {interpolation}}}", self.both(1, 2, 3)),
            along("conv_transpose: {filters: 1, kernel: #, stride: #}", kernels, self.both(1, 2)),
            along(f"pad: {{padding: #, mode: {mode}}}", paddings),
            along("crop: #", self.both("[0, 0]", "[1, 0]", "[0, 2]")),
            along("add: [[], [conv: {filters: 1, kernel: #, padding: #}]]", odd, borders),
            along("add: [[], [conv: {filters: 1, kernel: #, padding: #}, global_avgpool]]",
                  odd, borders),
            ["add: [[], [global_maxpool]]"] * 3,
            along("adaptive_avgpool: #", self.both(1, 2, 5)),
        ])  # fmt: skip


def along(text: str, *values: list[str]) -> list[str]:
    """A text whose signs # are lists of what both axes have, and what the first and second have."""
    texts = [text] * 3
    for one, other in values:
        for number, value in enumerate((f"[{one}, {other}]", f"[{one}]", f"[{other}]")):
            texts[number] = texts[number].replace("#", value, 1)
    return texts


def fields(text: str) -> list[list[tuple[object, ...]]] | None:
    """Along each axis of each layer, what is reported; None for a spec with errors."""
    try:
        with no_advice():
            report = analyze(loads(text))
    except ValueError:
        return None
    return [
        [(one.size, one.jump, one.start, one.exact) for one in layer.receptive_field or ()]
        for layer in report.layers
    ]


def test_each_axis_has_the_field_that_it_has_alone() -> None:
    """Fields of one axis are held against dye above."""
    looked = 0
    for seed in range(60):
        draw = Axes(seed)
        extents = draw.both(6, 7, 12, 13)
        shapes = [f"{'x'.join(extents)}x1", f"{extents[0]}x1", f"{extents[1]}x1"]
        items: list[list[str]] = []
        for _ in range(5):
            tried = [*items, draw.item()]
            layers = [", ".join(texts) for texts in zip(*tried, strict=True)]
            texts = [
                f"input: {shape}\nrounding: floor\nlayers: [{text}]"
                for shape, text in zip(shapes, layers, strict=True)
            ]
            found = [fields(text) for text in texts]
            if None in found:
                continue
            items = tried
            looked += 1
            both, one, other = (each[-1] for each in found if each)
            if both:
                assert both == [*one, *other], texts[0]
    assert looked > 150


@tabled("item", ["attention: {heads: 1, branches: [[], [from: b]]}", "matmul: [[], [from: b]]"])
def test_what_mixes_all_positions_of_two_inputs_has_no_place_in_either(item: str) -> None:
    """Each output sees all of one input, or of both, and what is added to it still does."""
    network = loads(
        f"input: {{a: 5x5, b: 5x5}}\nlayers: [add: [[conv: {{filters: 5, kernel: 1}}], [{item}]]]"
    )
    rows = {row.name: row.receptive_fields for row in analyze(network).layers}
    mixed, added = rows[item.partition(":")[0] + "1"], rows["add1"]

    assert {name: fields for name, (fields, _) in mixed.items()} == {"a": None, "b": None}
    assert added["b"][0] is None
    assert [field.size for field in added["a"][0] or ()] == [5]
