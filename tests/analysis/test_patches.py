"""Stages that run patch by patch: regions, halo and MACs by hand, and a run in the planned arena.

The run computes each patch with the layers' own definitions, in views of one block of memory at
the planned offsets. What a buffer does not hold is NaN, so that a region that is too small shows.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from draws import Draw, examples, no_advice
from tabled import tabled

from convcalc.analysis.memory import arena
from convcalc.analysis.memory.patches import (
    INPUT_MEMORY,
    POSITIONWISE,
    Asked,
    Patches,
    _Draft,
    _ends_of_stages,
    _Stage,
    answered,
    fitting,
    in_patches,
    maps_of,
    problem,
    read_grid,
)
from convcalc.analysis.memory.planner import rounded_up
from convcalc.analysis.memory.static_plan import ArenaReport
from convcalc.forward import random_weights
from convcalc.forward.reference import run_reference
from convcalc.forward.weights import layer_weights
from convcalc.graph import SpecError, load, loads
from convcalc.graph.planned import Planned, leading_to, planned

np = pytest.importorskip("numpy")

Weights = Mapping[str, Any]


def patched(
    spec: str,
    grid: tuple[int, int],
    until: str,
    input_memory: str = "counted",
    dtype: str = "int8",
) -> Patches:
    network = planned(loads(spec))
    return in_patches(network, arena(network, dtype=dtype), grid, until, input_memory)


def index_of(network: Planned, name: str) -> int:
    return [node.name for node in network.nodes].index(name)


# -- by hand -------------------------------------------------------------------------------------

# Two convolutions of 3x3, the second with stride 2: of the input a patch needs 2n + 3 rows.
TWO = """
input: 16x16x3
rounding: floor
layers:
  - conv: {filters: 8, kernel: 3, padding: same}
  - conv: {filters: 16, kernel: 3, stride: 2, padding: 1}
  - relu
  - conv: {filters: 4, kernel: 1}
"""


def test_regions_are_the_receptive_field_clipped_to_the_map() -> None:
    plan = patched(TWO, (2, 4), "conv2")

    # Rows 0-3 of conv2 read rows -1-7 of conv1, which read rows -2-8 of the input; columns 2-3
    # read 3-7, and those 2-8.
    assert plan.regions[1] == {
        0: ((0, 9), (2, 9)),
        1: ((0, 8), (3, 8)),
        2: ((0, 4), (2, 4)),
    }
    # The field of conv2 is 5 wide and moves by 2; that of conv1 3, and by 2.
    assert [(each.name, each.region, each.halo) for each in plan.layers] == [
        ("input", (10, 7), (3, 3)),
        ("conv1", (9, 5), (1, 1)),
        ("conv2", (4, 2), (0, 0)),
    ]


def test_overlaps_are_computed_again() -> None:
    conv1, conv2 = patched(TWO, (2, 4), "conv2").layers[1:]

    # conv1: 16·16·8·27 whole; its patches have 8 + 9 rows, and 4 + 5 + 5 + 5 columns.
    assert (conv1.macs, conv1.patched_macs) == (16 * 16 * 8 * 27, 17 * 19 * 8 * 27)
    assert conv2.macs == conv2.patched_macs == 8 * 8 * 16 * 72


def test_the_peak_is_of_all_that_is_alive_by_the_definition() -> None:
    whole = 8 * 8 * 16
    counted = patched(TWO, (2, 4), "conv2")
    streamed = patched(TWO, (2, 4), "conv2", "streamed")

    # The largest patch has 10x7 of the input, 9x5 of conv1; the output is there throughout.
    assert counted.stage_peak == whole + 16 * 16 * 3 + 9 * 5 * 8 + 8  # rounded up to 16
    assert streamed.stage_peak == whole + 10 * 7 * 3 + 14 + 9 * 5 * 8 + 8
    assert counted.rest_peak == streamed.rest_peak == whole + 8 * 8 * 4
    assert (counted.peak, counted.layer) == (counted.stage_peak, "conv1")
    assert counted.patch == 5  # of the second row the second, the first that is not at an edge


def test_one_patch_is_the_whole_without_copies_for_padding() -> None:
    plan = patched(TWO, (1, 1), "conv2")

    # conv2's padding is not what `same` pads, so the runtime copies 16x16 to 18x18.
    assert plan.whole_peak == (16 * 16 + 18 * 18) * 8
    assert plan.peak == 16 * 16 * 3 + 16 * 16 * 8 + 8 * 8 * 16
    assert plan.macs == plan.patched_macs


def test_of_holes_between_windows_the_positions_in_between_are_computed() -> None:
    spec = (
        "{input: 14x14x1, rounding: floor, layers: [relu, maxpool: {kernel: 1, stride: 4}, relu]}"
    )
    plan = patched(spec, (2, 1), "maxpool1", dtype="float32")

    assert plan.regions[0][1] == ((0, 5), (0, 13))  # rows 0 and 4
    assert plan.layers[0].halo == (0, 0)


# -- refused -------------------------------------------------------------------------------------


@tabled(
    ("layers", "until", "said"),
    [
        ("[relu, global_avgpool]", "global_avgpool1", r"global_avgpool1 \(global_avgpool\) is not"),
        ("[groupnorm: {groups: 1}]", "groupnorm1", "is not computed patch by patch"),
        ("[batchnorm: {track_running_stats: false}]", "batchnorm1", "statistics of the whole map"),
        ("[concat: {axis: width, branches: [[], [relu]]}]", "concat1", "one behind the other"),
        ("[flatten, linear: 3]", "linear1", r"flatten1 \(flatten\) is not"),
        ("[relu, conv: {filters: 2, kernel: 3}]", "rely1", "no layer 'rely1'; did you mean relu1"),
        ("[conv: {filters: 2, kernel: 3}]", "input", "is no operator of its own"),
        ("[conv: {filters: 2, kernel: 6}]", "conv1", "4 patches along the rows .* has 3"),
        (
            "[conv: {filters: 3, kernel: 1}, tanh, maxpool: {kernel: 1}, add: [[], [from: conv1]]]",
            "maxpool1",
            "add1, behind maxpool1, reads conv1",
        ),
    ],
)
def test_what_cannot_run_in_patches_is_refused(layers: str, until: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        patched(f"{{input: 8x8x3, rounding: floor, layers: {layers}}}", (4, 4), until)


def test_an_input_that_is_read_behind_the_stage_cannot_be_streamed() -> None:
    spec = "{input: 8x8x3, layers: [conv: {filters: 3, kernel: 1}, tanh, add: [[], [from: input]]]}"

    assert patched(spec, (2, 2), "conv1").peak
    with pytest.raises(ValueError, match="add1, behind conv1, reads the input, which is streamed"):
        patched(spec, (2, 2), "conv1", "streamed")


@tabled("text", ["4", "4x", "0x4", "4x4x4", "-1x2", "x", "33x32", "9" * 5000 + "x1", "²x2"])
def test_what_is_no_grid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no grid|no patches|more than|there may be"):
        read_grid(text)


# -- looked for ----------------------------------------------------------------------------------


def test_of_all_that_fit_the_one_with_the_fewest_macs_is_found() -> None:
    network = planned(loads(TWO))
    report = arena(network)
    plans = [
        in_patches(network, report, (count, count), until)
        for until in ("conv1", "relu1", "conv3")
        for count in range(1, 9)
    ]
    # With the least of these rooms, what is behind the stage does not fit either.
    for room in (100, *range(2000, 6000, 250), min(plan.size for plan in plans)):
        fit = [plan.patched_macs for plan in plans if plan.size <= room]
        found = fitting(network, report, room)
        if fit:
            assert (found.size <= room, found.patched_macs) == (True, min(fit))
        else:
            assert found.size == min(plan.size for plan in plans) > room
            said = problem(found, "a limit", room)
            assert said is not None
            assert "nothing smaller was found" in (said.help or "")
    assert fitting(network, report, 2500, "relu1", "streamed").until == "relu1"


@pytest.mark.parametrize("memory", ["counted", "streamed"])
def test_what_is_worked_out_to_leave_grids_out_is_what_is_planned(memory: str) -> None:
    # Looking for a grid plans patches that are alike once; a bound that is too high would leave
    # out a grid that fits.
    network = planned(load("mobilenet_v1_0_25"))
    report = arena(network)
    for until in ("separable3.conv1", "separable4.depthwise_conv1"):
        stage = _Stage(network, report, until)
        for grid in ((1, 1), (1, 2), (2, 2), (3, 3), (5, 4), (7, 8)):
            draft = _Draft(network, stage, grid, memory)
            assert draft.least == draft.peak
            assert stage.least(memory) <= draft.peak


# The input is read by the stage and behind it, 864 bytes that are there once.
TWICE = """
input: 12x9x8
layers:
  - conv: {filters: 8, kernel: 3, padding: 1}
  - conv: {filters: 4, kernel: 3, stride: 3}
  - relu
  - concat: [[conv: {filters: 2, kernel: 1}], [from: input, avgpool: 3]]
"""
# Of 5 rows a third patch has 2 and the halo of one side: no patch before the last is as large.
LAST = """
input: 6x6x16
layers:
  - conv: {filters: 16, kernel: 5, padding: 2}
  - conv: {filters: 4, kernel: 2}
  - conv: {filters: 1, kernel: 1}
"""


@pytest.mark.parametrize("spec", [TWICE, LAST])
def test_what_leaves_grids_out_is_below_every_plan(spec: str) -> None:
    network = planned(loads(spec))
    report = arena(network)
    plans = []
    for until in _ends_of_stages(network, report):
        stage = _Stage(network, report, until)
        for count in range(1, min(8, *stage.extents) + 1):
            draft = _Draft(network, stage, (count, count), "counted")
            assert stage.least("counted") <= draft.peak, (until, count)
            assert draft.least <= draft.peak, (until, count)
            plans.append(draft.placed(report))
    for room in {plan.size for plan in plans}:
        found = fitting(network, report, room)
        least = min(plan.patched_macs for plan in plans if plan.size <= room)
        assert (found.size <= room, found.patched_macs) == (True, least)


def test_where_nothing_runs_in_patches_nothing_is_found() -> None:
    vectors = planned(loads("{input: 8, layers: [linear: 3, relu]}"))
    with pytest.raises(ValueError, match="no layer of it can run in patches"):
        fitting(vectors, arena(vectors), 100)
    with pytest.raises(ValueError, match="of rows and columns, and input is 8"):
        fitting(vectors, arena(vectors), 100, "relu1")
    with pytest.raises(ValueError, match="need a limit"):
        answered(vectors, arena(vectors), Asked(None), [])


# -- run -----------------------------------------------------------------------------------------


class Run:
    """A network whose stage runs in one block of memory, at the offsets of a plan."""

    def __init__(
        self, network: Planned, report: ArenaReport, plan: Patches, weights: Weights, x: Any
    ) -> None:
        self.network, self.report, self.plan, self.weights, self.x = (
            network, report, plan, weights, x,
        )  # fmt: skip
        self.maps = maps_of(network, report)
        self.until = index_of(network, plan.until)
        self.memory = np.zeros(plan.size, np.uint8)
        self.offsets = {(each.map, each.patch): each.offset for each in plan.buffers}
        self.held: dict[tuple[int, int], Any] = {}
        self.layer = {node.name: index for index, node in enumerate(network.nodes)}
        self.peak = 0

    def region(self, number: int, patch: int) -> tuple[tuple[int, int], ...]:
        each = self.report.lowered.maps[number]
        if patch < 0:
            return tuple((0, extent) for extent in each.shape[:-1])
        return self.plan.regions[patch].get(self.layer[each.layer], ((0, 0), (0, 0)))

    def take(self, number: int, patch: int, scratch: Sequence[int] = ()) -> Any:
        """A view of the memory, channels last, at the place that is planned for it."""
        channels = self.report.lowered.maps[number].shape[-1]
        shape = [end - start for start, end in self.region(number, patch)] + [channels]
        view = np.ndarray(shape, self.x.dtype, self.memory, self.offsets[number, patch])
        view[...] = np.nan
        self.held[number, patch] = view
        sizes = [*(each.nbytes for each in self.held.values()), *scratch]
        live = sum(rounded_up(each, 16) for each in sizes)
        self.peak = max(self.peak, live)
        return view

    def spread(self, number: int, patch: int) -> Any:
        """A map as layers know it, NaN where the patch has nothing of it."""
        key = (number, -1) if (number, -1) in self.held else (number, patch)
        shape = self.report.lowered.maps[number].shape
        map_ = np.full(shape, np.nan, self.x.dtype)
        map_[tuple(slice(*each) for each in self.region(*key))] = self.held[key]
        return map_.transpose(2, 0, 1)[None]

    def read_input(self, number: int, patch: int) -> None:
        source = self.x[0].transpose(1, 2, 0)
        region = tuple(slice(*each) for each in self.region(number, patch))
        self.take(number, patch)[...] = source[region]

    def run(self) -> Any:
        plan = self.plan
        stage = [each for each in plan.steps if each.patch >= 0]
        if plan.input_memory == "counted":
            self.read_input(0, -1)
        output = self.take(self.maps[self.until], -1)
        for at, (operator, patch) in enumerate(stage):
            for read in operator.reads:
                if read == 0 and not {(0, -1), (0, patch)} & self.held.keys():
                    self.read_input(0, patch)
            values = self.computed(operator, patch)
            region = tuple(slice(*each) for each in self.region(operator.makes, patch))
            if operator.makes == self.maps[self.until]:
                output[region] = values[region]
                made = output[region]
            else:
                made = self.take(operator.makes, patch, operator.scratch)
                made[...] = values[region]
            assert not np.isnan(made).any(), (operator.layer, patch)
            later = {
                (read, key)
                for step in plan.steps[at + 1 :]
                for read in step.operator.reads
                for key in (step.patch, -1)
            }
            for key in [*self.held]:
                if key not in later and key[0] != self.maps[self.until]:
                    self.held.pop(key)[...] = np.nan
        return self.behind(output)

    def computed(self, operator: Any, patch: int) -> Any:
        """All that an operator makes of what is there, channels last, by its layers' definitions.

        What is between two operators of one layer is held as that layer's input.
        """
        known = {}
        if operator.makes not in self.maps:
            x = self.spread(operator.reads[0], patch)
            return x[0].transpose(1, 2, 0)
        for read in operator.reads:
            if read not in self.maps:
                known[self.network.nodes[self.layer[operator.layer]].inputs[0]] = self.spread(
                    read, patch
                )
        shape = self.report.lowered.maps[operator.makes].shape

        def value(index: int) -> Any:
            node, plan = self.network.nodes[index], self.network.plans[index]
            if index not in known:
                extents = (*plan.output.spatial, plan.output.channels)
                held = self.maps[index]
                if held != operator.makes and extents == self.report.lowered.maps[held].shape:
                    known[index] = self.spread(held, patch)
                else:
                    own = layer_weights(self.network, index, self.weights)
                    known[index] = node.layer.forward(
                        np, own, [value(each) for each in node.inputs]
                    )
            return known[index]

        layers = [
            index
            for index, number in enumerate(self.maps)
            if number == operator.makes
            and (
                *self.network.plans[index].output.spatial,
                self.network.plans[index].output.channels,
            )
            == shape
            and index in self.wanted()
        ]
        return value(layers[-1])[0].transpose(1, 2, 0)

    def wanted(self) -> set[int]:
        """The layers that are computed in patches: those that the end needs, and what is fused."""
        end = self.maps[self.until]
        needed = {self.until} | {at for at, number in enumerate(self.maps) if number == end}
        waiting = [*needed]
        while waiting:
            for read in self.network.nodes[waiting.pop()].inputs:
                if read not in needed:
                    needed.add(read)
                    waiting.append(read)
        return needed

    def behind(self, output: Any) -> Any:
        """The stage's map; behind it, what is alive is followed by the maps' own bytes."""
        lowered = self.report.lowered
        held = dict.fromkeys((number for number, _ in self.held), 0)
        rest = [each.operator for each in self.plan.steps if each.patch < 0]
        for at, operator in enumerate(rest):
            still = {read for each in rest[at:] for read in each.reads} | {*lowered.outputs}
            held = dict.fromkeys((held.keys() & still) | {operator.makes}, 0)
            live = sum(rounded_up(lowered.maps[each].bytes, 16) for each in held)
            live += sum(rounded_up(each, 16) for each in operator.scratch)
            self.peak = max(self.peak, live)
        return output.transpose(2, 0, 1)[None]


def end_of_map(network: Planned, report: ArenaReport, until: str) -> str:
    """The last layer that is fused into the operator of another: what its map is of."""
    maps = maps_of(network, report)
    index = index_of(network, until)
    same = [
        at
        for at, number in enumerate(maps)
        if number == maps[index] and network.shape_of(at) == network.shape_of(index)
    ]
    return network.nodes[same[-1]].name


def run_both(
    network: Planned, grid: tuple[int, int], until: str, memory: str, weights: Weights, x: Any
) -> tuple[Any, Any, Patches, Run]:
    report = arena(network, dtype=str(x.dtype))
    plan = in_patches(network, report, grid, until, memory)
    run = Run(network, report, plan, weights, x)
    end = end_of_map(network, report, until)
    with np.errstate(all="ignore"):
        whole = run_reference(np, network, {network.nodes[0].name: x}, weights, [end])[end]
        return run.run(), whole, plan, run


def chain(draw: Draw) -> str:
    """A spec of a few layers on a small map, with a sum now and then."""
    layers = []
    for _ in range(draw.randint(1, 5)):
        kind = draw.choice(
            ["conv", "conv", "depthwise_conv", "maxpool", "avgpool", "relu", "add", "pad", "concat"]
        )
        if kind == "relu":
            layers.append("relu")
            continue
        if kind == "pad":
            layers.append(f"pad: {{padding: {draw.choice(['1', '[[2, 0], [0, 3]]'])}}}")
            continue
        if kind == "concat":
            layers.append("concat: [[], [depthwise_conv: {kernel: [5, 3], padding: same}], []]")
            continue
        if kind == "add":
            layers.append(
                "add: [[], [conv: {filters: '*', kernel: 3, padding: same}, relu]]"
                if draw.flag()
                else "add: [[maxpool: {kernel: 3, stride: 1, padding: 1}], [conv: {filters: 4, "
                "kernel: [5, 1], padding: same}, conv: {filters: 4, kernel: 1}]]"
            )
            continue
        fields = {
            "kernel": f"[{draw.randint(1, 3)}, {draw.randint(1, 3)}]",
            "stride": f"[{draw.randint(1, 2)}, {draw.randint(1, 3)}]",
        }
        if kind == "conv":
            fields["filters"] = draw.choice(["1", "4"])
        if kind == "avgpool":
            fields["kernel"] = "2"
            fields["padding"] = draw.choice(["0", "1"])
            fields["count_include_pad"] = draw.choice(["true", "false"])
        elif kind == "maxpool":
            fields["kernel"] = draw.choice(["2", "3"])
            fields["padding"] = draw.choice(["0", "1"])
        else:
            fields["padding"] = draw.choice(["0", "[[0, 2], [1, 0]]", "2"])
            fields["dilation"] = str(draw.randint(1, 2))
            fields["padding_mode"] = draw.choice(["zero", "zero", "reflect"])
        layers.append(
            f"{kind}: {{{', '.join(f'{key}: {value}' for key, value in fields.items())}}}"
        )
    rows, columns = draw.randint(7, 14), draw.randint(7, 14)
    shape = f"{rows}x{columns}x{draw.choice([1, 3, 4])}"
    return f"{{input: {shape}, rounding: floor, layers: [{', '.join(layers)}]}}"


def small(network: Planned, draw: Draw) -> Weights:
    """Whole numbers that are small: sums of their products have no error in float64."""
    random = np.random.default_rng(draw.randint(0, 2**32 - 1))
    return {
        name: random.integers(-2, 3, weight.shape).astype(np.float64)
        for name, weight in random_weights(network, 0).items()
    }


@examples(24, draw=lambda draw: draw)
def test_a_run_in_patches_is_equal_and_takes_what_is_planned(draw: Draw) -> None:
    equal_in_patches(draw)


@pytest.mark.thorough
@examples(400, draw=lambda draw: draw)
def test_more_runs_in_patches_are_equal_and_take_what_is_planned(draw: Draw) -> None:
    equal_in_patches(draw)


def equal_in_patches(draw: Draw) -> None:
    network = None
    while network is None:
        with no_advice(), suppress(SpecError):
            network = planned(loads(chain(draw)))
    until = draw.choice([node.name for node in network.layers])
    rows, columns = (
        min(draw.randint(1, 4), extent)
        for extent in network.shape_of(index_of(network, until)).spatial
    )
    x = np.random.default_rng(3).integers(-4, 5, (1, *network.input.axes)).astype(np.float64)
    for memory in INPUT_MEMORY:
        try:
            mine, whole, plan, run = run_both(
                network, (rows, columns), until, memory, small(network, draw), x
            )
        except ValueError:
            with pytest.raises(ValueError, match=r"leave nothing|streamed|of its own"):
                in_patches(network, arena(network, dtype="float64"), (rows, columns), until, memory)
            continue
        assert (mine == whole).all()
        assert run.peak == plan.peak


FIELDS = {
    "conv": "conv: {filters: 4, kernel: 3, padding_mode: circular, padding: 1}",
    "depthwise_conv": "depthwise_conv: {kernel: 3}",
    "maxpool": "maxpool: {kernel: 2, rounding: ceil}",
    "avgpool": "avgpool: {kernel: 2, rounding: ceil}",
    "pad": "pad: {padding: 2, mode: reflect}",
    "add": "add: [[], [relu]]",
    "multiply": "multiply: [[], [sigmoid]]",
    "concat": "concat: [[], [tanh]]",
}


@tabled("kind", POSITIONWISE)
def test_every_kind_that_is_not_refused_runs_in_patches(kind: str) -> None:
    layer = FIELDS.get(kind, kind)
    three = "conv: {filters: 5, kernel: 3, padding: 1}"
    network = planned(loads(f"{{input: 9x11x3, layers: [{three}, {layer}, {three}]}}"))
    x = np.random.default_rng(7).standard_normal((1, 3, 9, 11), np.float32)

    mine, whole, plan, run = run_both(
        network, (2, 3), "conv3" if kind == "conv" else "conv2", "streamed",
        random_weights(network, 2), x,
    )  # fmt: skip

    assert np.abs(mine - whole).max() <= 1e-5 * np.abs(whole).max()
    assert run.peak == plan.peak


@pytest.mark.parametrize(
    "memory", ["streamed", pytest.param("counted", marks=pytest.mark.thorough)]
)
def test_a_mobile_network_in_patches_gives_what_it_gives_whole(memory: str) -> None:
    network = planned(load("mobilenet_v2", input="48x32x3"))
    until = "sequence3.bottleneck2.add1"
    x = np.random.default_rng(5).standard_normal((1, 3, 48, 32), np.float32)

    mine, whole, plan, run = run_both(
        leading_to(network, index_of(network, until)),
        (3, 2),
        until,
        memory,
        random_weights(network, 4),
        x,
    )

    # The last row of two is 1; before each window of 3 it is 2, 5 (stride 2), 6, 13, 14, and 29.
    assert plan.regions[0][0] == ((0, 30), (0, 30))
    assert np.abs(mine - whole).max() <= 1e-5 * np.abs(whole).max()
    assert run.peak == plan.peak


def test_nothing_of_a_region_is_left_over() -> None:
    network = planned(loads(TWO))
    index = index_of(network, "conv2")
    weights = random_weights(network, 1)
    plan = in_patches(network, arena(network), (2, 4), "conv2")
    for regions in plan.regions:
        region = regions[0]
        cell = tuple(slice(*each) for each in regions[index])
        for axis, ends in enumerate(region):
            for place in (ends[0], ends[1] - 1):
                x = np.ones((1, 3, 16, 16), np.float32)
                np.moveaxis(x, axis + 2, 0)[place] = np.nan
                y = run_reference(np, network, {"input": x}, weights, ["conv2"])["conv2"]
                assert np.isnan(y[0, 0][cell]).any()
