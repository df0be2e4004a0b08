"""The peak of an arena whose first stage runs patch by patch: regions, halo, buffers and MACs.

Source: Lin et al., MCUNetV2: Memory-Efficient Patch-based Inference for Tiny Deep Learning, 2021
(arXiv:2110.15352). docs/memory.md defines what is alive when.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise, product, zip_longest
from math import prod
from typing import Literal, NamedTuple

from convcalc.analysis.memory.planner import Need, alive, greedy, height, rounded_up
from convcalc.analysis.memory.runtimes import Map, Operator
from convcalc.analysis.memory.static_plan import ArenaReport
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.analysis.traced import Traced, traced_region
from convcalc.arguments import one_of
from convcalc.diagnostics import ArgumentError, Problem, closest
from convcalc.graph.planned import Planned
from convcalc.layers.base import Joined
from convcalc.numbers import both_bytes

Region = tuple[tuple[int, int], ...]
"""A rectangle of a map: along each axis its first position and the one behind its last."""
InputMemory = Literal["counted", "streamed"]
INPUT_MEMORY: tuple[InputMemory, ...] = ("counted", "streamed")
"""Whether the whole input lies in the arena, or of each patch its region alone."""

AUTO = "auto"
"""What stands for the grid, and the layer, with the least MACs that fit."""
ALONG = 8
"""Most patches along each axis that are tried then."""
MOST = 1024
"""Most patches of a stage."""
AXES = 2
"""Axes of the maps of a stage."""
PADDED = ("PAD", "PADV2", "MIRROR_PAD")
"""Operators that copy a map with a border; patches see the border without a copy."""
POSITIONWISE = (
    "conv", "depthwise_conv", "maxpool", "avgpool", "pad", "batchnorm", "scale", "add", "multiply",
    "concat", "relu", "relu6", "leaky_relu", "prelu", "elu", "silu", "sigmoid", "hardsigmoid",
    "hardswish", "tanh", "dropout", "identity",
)  # fmt: skip
"""Kinds of layers that a stage may have: each output position sees a rectangle of the input alone,
and takes as many MACs as any other."""


class PatchBuffer(NamedTuple):
    """A map, a region of one, or scratch in the arena."""

    map: int
    """The number of the map in the arena's `lowered`; -1 of scratch."""
    patch: int
    """The patch that it is of; -1 of what is there for all, or behind the stage."""
    region: Region
    """What of the map it holds; () of scratch and of maps without positions."""
    bytes: int
    """Its size in bytes, rounded up to the alignment."""
    first: int
    """The step that it is made in; 0 is before all others."""
    last: int
    """The last step that reads it."""
    offset: int = 0
    """Bytes from the beginning of the arena."""


class PatchStep(NamedTuple):
    """An operator that runs, for a patch or behind the stage; steps are numbered from 1 on."""

    operator: Operator
    """The runtime's operator, its reads those of the stage: no padded copies."""
    patch: int
    """Number of the patch, row by row; -1 behind the stage."""


class PatchedLayer(NamedTuple):
    """A layer of the stage, or an input of it."""

    name: str
    """Full name of the layer, or of the input."""
    kind: str
    """The kind of layer, as a spec has it; `input` of an input."""
    extents: tuple[int, ...]
    """Rows and columns of its output."""
    region: tuple[int, ...]
    """Most rows, and most columns, of it that a patch needs."""
    halo: tuple[int, ...]
    """Rows, and columns, that two patches side by side both need, as if maps had no end."""
    macs: int
    """Multiply-accumulates of the whole layer, for one example."""
    patched_macs: int
    """Those of all patches together."""


class Patches(NamedTuple):
    """A network whose first stage runs patch by patch."""

    until: str
    """Full name of the layer whose output the patches are of."""
    grid: tuple[int, int]
    """How many patches there are along rows and columns."""
    input_memory: InputMemory
    """Whether the whole input is counted, or of each patch its region alone."""
    dtype: str
    """Data type of the maps."""
    peak: int
    """Most bytes alive at once."""
    stage_peak: int
    """The same while the patches run."""
    rest_peak: int
    """The same behind them; 0 where nothing runs behind."""
    layer: str
    """Full name of the layer that runs at the peak."""
    patch: int
    """The patch that runs at the peak, numbered row by row; -1 where it is behind the stage."""
    size: int
    """Bytes of all buffers with an offset each, by the runtime's greedy planner."""
    whole_peak: int
    """Most bytes alive at once where nothing runs in patches."""
    whole_size: int
    """The arena's head where nothing runs in patches."""
    macs: int
    """Multiply-accumulates of the whole network, for one example, without patches."""
    patched_macs: int
    """The same with patches."""
    layers: tuple[PatchedLayer, ...]
    """What the stage is made of, inputs first."""
    regions: tuple[Mapping[int, Region], ...]
    """By patch, what is needed of each layer, by the layer's index."""
    steps: tuple[PatchStep, ...]
    """The operators in the order in which they run, those of the stage once a patch."""
    buffers: tuple[PatchBuffer, ...]
    """All that has a place in the arena."""
    exact: bool
    """Whether the runtime's rules know every layer."""
    sought: bool = False
    """Whether the grid was looked for."""


def read_grid(text: str) -> tuple[int, int]:
    """Rows and columns of patches, as `4x4`; raises `ValueError` for what is none.

    >>> read_grid("4x2")
    (4, 2)
    """
    numbers = text.lower().replace("×", "x").split("x")
    if len(numbers) != AXES or not all(each.isascii() and each.isdigit() for each in numbers):
        message = f"{text!r:.60} is no grid of patches: write rows and columns, such as 4x4"
        raise ArgumentError(message)
    if any(len(each) > len(str(MOST)) for each in numbers):
        message = f"{text!r:.60} are more than {MOST:,} patches"
        raise ArgumentError(message)
    rows, columns = map(int, numbers)
    if not rows or not columns:
        message = f"{text} has no patches"
        raise ArgumentError(message)
    if rows * columns > MOST:
        message = f"{text} are {rows * columns:,} patches, and there may be {MOST:,}"
        raise ArgumentError(message)
    return rows, columns


def in_patches(
    network: Planned,
    arena: ArenaReport,
    grid: tuple[int, int],
    until: str,
    input_memory: str = "counted",
) -> Patches:
    """Run the operators up to a layer patch by patch of its output, and the others as they are.

    `arena` is the network's own. Raises `ValueError` for a layer that there is not, for a stage
    that cannot be run in patches, and for more patches than the layer has rows or columns.

    >>> from convcalc.analysis.memory import arena
    >>> from convcalc.graph import load
    >>> from convcalc.graph.planned import planned
    >>> vgg16 = planned(load("vgg16"))
    >>> four = in_patches(vgg16, arena(vgg16), (2, 2), "stage1.maxpool1")
    >>> four.layers[0].halo, four.stage_peak
    ((4, 4), 2573376)
    """
    grid = read_grid("x".join(map(str, grid)))
    return _Draft(network, _Stage(network, arena, until), grid, input_memory).placed(arena)


class Asked(NamedTuple):
    """What is asked about a stage in patches."""

    grid: tuple[int, int] | None
    """Patches along rows and columns; None looks for them."""
    until: str | None = None
    """Full name of the layer that they are of; None looks for it, too."""
    input_memory: str = "counted"
    """How the input is counted, a word of `INPUT_MEMORY`."""


def answered(network: Planned, arena: ArenaReport, asked: Asked, rooms: Sequence[int]) -> Patches:
    """The stage that is asked about; a grid that is looked for fits into the smallest room.

    Raises `ValueError` as `in_patches` does, for a grid without a layer, and for no room to fit.
    """
    if asked.grid is None:
        if not rooms:
            message = "patches that fit need a limit to fit into, such as 256KiB"
            raise ArgumentError(message)
        return fitting(network, arena, min(rooms), asked.until, asked.input_memory)
    if asked.until is None:
        message = "patches need the layer that they end at"
        raise ArgumentError(message)
    return in_patches(network, arena, asked.grid, asked.until, asked.input_memory)


def fitting(
    network: Planned,
    arena: ArenaReport,
    room: int,
    until: str | None = None,
    input_memory: str = "counted",
) -> Patches:
    """The stage and the grid with the least MACs whose plan has room; if none has, the smallest.

    Grids of one to `ALONG` patches along both axes are tried, for every layer where none is given.
    Raises `ValueError` where nothing can run in patches.
    """
    ends = [until] if until is not None else _ends_of_stages(network, arena)
    best: Patches | None = None
    smallest: Patches | None = None
    refused: ArgumentError | None = None
    for name in ends:
        try:
            stage = _Stage(network, arena, name)
            for count in range(1, min(ALONG, *stage.extents) + 1):
                most = room if best is not None or smallest is None else max(room, smallest.size)
                limited = best is not None or smallest is not None
                if limited and stage.least(input_memory) > most:
                    break  # however many patches there are
                draft = _Draft(network, stage, (count, count), input_memory)
                if best is not None and draft.patched_macs >= best.patched_macs:
                    continue
                if limited and draft.least > most:
                    continue
                plan = draft.placed(arena)
                best = plan if plan.size <= room else best
                smallest = plan if smallest is None or plan.size < smallest.size else smallest
        except ArgumentError as error:
            refused = refused or error
    if smallest is None:
        if until is not None and refused is not None:
            raise refused
        message = "no layer of it can run in patches"
        raise ArgumentError(message)
    return (best or smallest)._replace(sought=True)


def _ends_of_stages(network: Planned, arena: ArenaReport) -> list[str]:
    """The layers that patches may end at: of those that are one operator the last."""
    last: dict[int, str] = {}
    for node, number in zip(network.nodes, maps_of(network, arena), strict=True):
        if node.kind in POSITIONWISE:
            last[number] = node.name
    return [*last.values()]


def maps_of(network: Planned, arena: ArenaReport) -> list[int]:
    """By layer, the number of the map that its output is, or that its output is a view of."""
    lowered = arena.lowered
    made = {lowered.maps[number].layer: number for number in range(lowered.inputs)}
    made |= {each.layer: each.makes for each in lowered.operators}  # the last of each layer's
    maps: list[int] = []
    for node in network.nodes:
        maps.append(made[node.name] if node.name in made else maps[node.inputs[0]])
    return maps


class _Stage:
    """The operators that a layer's output needs, which run patch by patch, and all others."""

    def __init__(self, network: Planned, arena: ArenaReport, until: str) -> None:
        tensors = network.tensors()
        if tensors.get(until) is None:
            near = closest(until, [name for name, index in tensors.items() if index is not None])
            advice = f"; did you mean {near}?" if near else ""
            message = f"there is no layer {until!r:.60}{advice}"
            raise ArgumentError(message)
        self.index: int = tensors[until]  # type: ignore[assignment]  # not None, as was asked
        self.name = until
        self.alignment = arena.runtime.alignment
        self.maps: Sequence[Map] = arena.lowered.maps
        self.inputs = arena.lowered.inputs
        self.outputs = arena.lowered.outputs
        self.needed = _needed(network, self.index)
        self._refuse(network)
        self.extents = network.shape_of(self.index).spatial
        self.map = maps_of(network, arena)[self.index]
        self.layer = {node.name: index for index, node in enumerate(network.nodes)}
        if self.map < self.inputs or self.maps[self.map].shape[:-1] != self.extents:
            message = f"{until} is no operator of its own: name the layer before or behind it"
            raise ArgumentError(message)
        self.operators: list[Operator] = []
        self.rest: list[Operator] = []
        self._split(network, arena.lowered.operators)
        self._refuse_readers(until)

    def _refuse(self, network: Planned) -> None:
        """Refuse what cannot be computed from a region of the map before it."""
        for index in self.needed:
            node, shape = network.nodes[index], network.shape_of(index)
            if node.kind != "input" and node.kind not in POSITIONWISE:
                message = f"{node.name} ({node.kind}) is not computed patch by patch"
                raise ArgumentError(message)
            if node.kind == "batchnorm" and not getattr(node.layer, "track_running_stats", True):
                message = f"{node.name} takes the statistics of the whole map"
                raise ArgumentError(message)
            if isinstance(network.plans[index].positions, Joined):
                message = f"{node.name} puts positions one behind the other, not channels"
                raise ArgumentError(message)
            if shape.rank != AXES:
                message = f"patches are of maps of rows and columns, and {node.name} is {shape}"
                raise ArgumentError(message)

    def _split(self, network: Planned, operators: Sequence[Operator]) -> None:
        """Part the operators; a stage's have no padded copies."""
        makers = {each.makes: each for each in operators}
        inside: set[int] = set()
        waiting = [self.map]
        while waiting:
            number = waiting.pop()
            if number not in inside and number in makers:
                inside.add(number)
                waiting += makers[number].reads
        unpadded: dict[int, int] = {}
        for each in operators:
            if each.makes not in inside:
                self.rest.append(each)
            elif each.name in PADDED and network.nodes[self.layer[each.layer]].kind != "pad":
                unpadded[each.makes] = each.reads[0]
            else:
                reads = tuple(unpadded.get(read, read) for read in each.reads)
                self.operators.append(each._replace(reads=reads))

    def _refuse_readers(self, until: str) -> None:
        """Refuse a stage of which more than the end is needed whole."""
        made = {each.makes for each in self.operators} - {self.map}
        for each in self.rest:
            for read in each.reads:
                if read in made:
                    message = (
                        f"{each.layer}, behind {until}, reads {self.maps[read].name}, of which "
                        "patches leave nothing"
                    )
                    raise ArgumentError(message)
        for output in self.outputs:
            if output in made:
                message = f"{self.maps[output].name} is an output, and patches leave nothing of it"
                raise ArgumentError(message)

    def bytes_of(self, number: int, extents: Sequence[int]) -> int:
        """Bytes of a part of a map that has these extents, rounded up."""
        each = self.maps[number]
        values = prod(extents) * each.shape[-1]
        return rounded_up(values * DTYPE_BYTES[each.dtype], self.alignment)

    def least(self, memory: str) -> int:
        """Bytes that no number of patches goes below: behind the stage, or its end and inputs."""
        entering = {read for each in self.operators for read in each.reads if read < self.inputs}
        inputs = set() if memory == "streamed" else entering
        return max(self._behind, sum(map(self.whole, self._beside | inputs)))

    def whole(self, number: int) -> int:
        """Bytes of a whole map, rounded up."""
        return self.bytes_of(number, self.maps[number].shape[:-1])

    @cached_property
    def _beside(self) -> set[int]:
        """Maps alive while any patch runs: the stage's end, and inputs of what is behind it."""
        behind = {read for each in self.rest for read in each.reads if read < self.inputs}
        return behind | {self.map}

    @cached_property
    def _behind(self) -> int:
        """Most bytes alive at once behind the stage, of what is made there and of its end."""
        last = {self.map: 0}
        for at, each in enumerate(self.rest, 1):
            last |= dict.fromkeys((*each.reads, each.makes), at)
        last |= dict.fromkeys(self.outputs, len(self.rest))
        first = {each.makes: at for at, each in enumerate(self.rest, 1)}
        needs = [
            Need(self.whole(number), first.get(number, 0), end) for number, end in last.items()
        ]
        needs += [
            Need(rounded_up(size, self.alignment), at, at)
            for at, each in enumerate(self.rest, 1)
            for size in each.scratch
        ]
        return max(alive(needs)[1:], default=0)


def _needed(network: Planned, index: int) -> list[int]:
    """The layers and inputs that a layer's output needs, itself among them."""
    seen, waiting = {index}, [index]
    while waiting:
        for read in network.nodes[waiting.pop()].inputs:
            if read not in seen:
                seen.add(read)
                waiting.append(read)
    return sorted(seen)


class _Draft:
    """A stage in patches before its buffers have a place; what is dear is worked out if asked."""

    def __init__(
        self, network: Planned, stage: _Stage, grid: tuple[int, int], input_memory: str
    ) -> None:
        self.memory: InputMemory = "streamed"
        if one_of(input_memory, "input memory", INPUT_MEMORY) == "counted":
            self.memory = "counted"
        for count, extent, along in zip(grid, stage.extents, ("rows", "columns"), strict=True):
            if count > extent:
                message = f"{count} patches along the {along} of {stage.name}, which has {extent}"
                raise ArgumentError(message)
        self.stage, self.grid = stage, grid
        self.ends = _ends(network, stage, grid)
        self.layers = tuple(_layers(network, stage, *self.ends))
        self.macs = sum(plan.macs for plan in network.plans)
        self.patched_macs = self.macs + sum(each.patched_macs - each.macs for each in self.layers)

    @cached_property
    def regions(self) -> list[dict[int, Region]]:
        """By patch, row by row, what is needed of each layer."""
        rows, columns = (
            [{index: _hull(seen, index, axis) for index in self.stage.needed} for seen in along]
            for axis, along in enumerate(self.ends)
        )
        return [
            {index: (stretch, column[index]) for index, stretch in row.items()}
            for row in rows
            for column in columns
        ]

    @cached_property
    def least(self) -> int:
        """Most bytes alive at once, with one of all patches alike before the last, and the last.

        What lives across patches ends within the last of them at the earliest.
        """
        kinds = [
            [tuple(end - start for start, end in (_hull(seen, index, axis) for index in seen))
             for seen in along]
            for axis, along in enumerate(self.ends)
        ]  # fmt: skip
        *others, last = zip(product(*kinds), self.regions, strict=True)
        regions = [*dict(others).values(), last[1]]
        _, buffers = _planned(self.stage, regions, self.memory)
        return max(alive([Need(each.bytes, each.first, each.last) for each in buffers]))

    @cached_property
    def planned(self) -> tuple[list[PatchStep], list[PatchBuffer]]:
        """All steps, and all buffers without a place."""
        return _planned(self.stage, self.regions, self.memory)

    @cached_property
    def live(self) -> list[int]:
        """Bytes alive in each step, 0 before all of them."""
        return alive([Need(each.bytes, each.first, each.last) for each in self.planned[1]])

    @property
    def peak(self) -> int:
        """Most bytes alive at once."""
        return max(self.live)

    @property
    def rest_peak(self) -> int:
        """The same behind the stage."""
        return max(self.live[len(self.regions) * len(self.stage.operators) + 1 :], default=0)

    def placed(self, arena: ArenaReport) -> Patches:
        """All of it, each buffer at its place."""
        steps, buffers = self.planned
        needs = [Need(each.bytes, each.first, each.last) for each in buffers]
        offsets = greedy(needs)
        step = steps[max(self.live.index(self.peak), 1) - 1]
        return Patches(
            until=self.stage.name,
            grid=self.grid,
            input_memory=self.memory,
            dtype=arena.dtype,
            peak=self.peak,
            stage_peak=max(self.live[: len(self.regions) * len(self.stage.operators) + 1]),
            rest_peak=self.rest_peak,
            layer=step.operator.layer,
            patch=step.patch,
            size=height(needs, offsets),
            whole_peak=arena.lower_bound,
            whole_size=arena.size,
            macs=self.macs,
            patched_macs=self.patched_macs,
            layers=self.layers,
            regions=tuple(self.regions),
            steps=tuple(steps),
            buffers=tuple(
                buffer._replace(offset=offset)
                for buffer, offset in zip(buffers, offsets, strict=True)
            ),
            exact=arena.exact,
        )


_Along = Sequence[Mapping[int, Traced]]
"""By row of patches, or by column, what is needed of each layer along that axis."""


def _ends(network: Planned, stage: _Stage, grid: tuple[int, int]) -> tuple[_Along, _Along]:
    """What rows and columns of patches need: along one axis it hangs on nothing of the other."""
    rows, columns = (
        [(extent * number // count, extent * (number + 1) // count) for number in range(count)]
        for count, extent in zip(grid, stage.extents, strict=True)
    )
    both = [
        traced_region(network, stage.index, each)
        for each in zip_longest(rows, columns, fillvalue=min(rows, columns, key=len)[-1])
    ]
    return both[: len(rows)], both[: len(columns)]


def _hull(seen: Mapping[int, Traced], index: int, axis: int) -> tuple[int, int]:
    """The first position that is needed of a layer, and the one behind the last; of none 0, 0."""
    hull = seen[index].hull(axis) if index in seen else None
    return (hull[0], hull[1] + 1) if hull else (0, 0)


def _planned(
    stage: _Stage, regions: Sequence[Mapping[int, Region]], memory: InputMemory
) -> tuple[list[PatchStep], list[PatchBuffer]]:
    """All steps, and all that lives during them, without offsets."""
    steps = [
        PatchStep(operator, patch) for patch in range(len(regions)) for operator in stage.operators
    ]
    inside = len(steps)
    steps += [PatchStep(operator, -1) for operator in stage.rest]
    first: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], int] = {}
    entering = {read for each in stage.operators for read in each.reads if read < stage.inputs}
    for number in range(stage.inputs):
        if number not in entering or memory == "counted":
            first[number, -1] = last[number, -1] = 0
    first[stage.map, -1], last[stage.map, -1] = 1, inside
    for at, (operator, patch) in enumerate(steps, 1):
        for read in operator.reads:
            key = (read, -1) if (read, -1) in first else (read, patch)
            if key not in first and patch < 0:
                message = (
                    f"{operator.layer}, behind {stage.name}, reads the input, which is streamed: "
                    "count it"
                )
                raise ArgumentError(message)
            first.setdefault(key, at)  # of an input that is streamed
            last[key] = at
        key = (operator.makes, patch)
        if operator.makes != stage.map:
            first[key] = last[key] = at
    for output in stage.outputs:
        last[output, -1] = len(steps)
    buffers = []
    for (number, patch), made in first.items():
        shape = stage.maps[number].shape[:-1]
        region = tuple((0, extent) for extent in shape)
        if patch >= 0:
            empty = ((0, 0),) * AXES
            region = regions[patch].get(stage.layer[stage.maps[number].layer], empty)
        size = stage.bytes_of(number, [end - start for start, end in region])
        buffers.append(PatchBuffer(number, patch, region, size, made, last[number, patch]))
    for at, (operator, patch) in enumerate(steps, 1):
        for scratch in operator.scratch:
            size = rounded_up(scratch, stage.alignment)
            buffers.append(PatchBuffer(-1, patch, (), size, at, at))
    return steps, buffers


def _layers(
    network: Planned, stage: _Stage, rows: _Along, columns: _Along
) -> Iterator[PatchedLayer]:
    """What patches need of each layer, and what that costs."""
    for index in stage.needed:
        extents = network.shape_of(index).spatial
        macs, positions = network.plans[index].macs, prod(extents)
        lengths = [
            [end - start for start, end in (_hull(each, index, axis) for each in along)]
            for axis, along in enumerate((rows, columns))
        ]
        yield PatchedLayer(
            name=network.nodes[index].name,
            kind=network.nodes[index].kind,
            extents=extents,
            region=tuple(map(max, lengths)),
            halo=tuple(_halo(along, index, axis) for axis, along in enumerate((rows, columns))),
            macs=macs,
            patched_macs=macs // positions * prod(map(sum, lengths)),
        )


def _halo(along: Sequence[Mapping[int, Traced]], index: int, axis: int) -> int:
    """Most positions that two patches side by side both need."""
    shared = [
        one[index].lines[axis][1] - other[index].lines[axis][0] + 1
        for one, other in pairwise(along)
        if index in one and index in other
    ]
    return max([0, *shared])


def _advice(patches: Patches) -> str:
    if patches.sought:
        return f"nothing smaller was found with up to {ALONG}x{ALONG} patches; make layers smaller"
    if patches.patch < 0:
        return "end the patches further behind: the most is alive behind them"
    return "use more patches, or end them at another layer; `--patches auto` looks for both"


def problem(patches: Patches, name: str, room: int) -> Problem | None:
    """What is said of a limit that is below the plan; None of one that is not."""
    if patches.size <= room:
        return None
    rows, columns = patches.grid
    return Problem(
        "CC512",
        f"arena in {patches.dtype}, {patches.until} in {rows}x{columns} patches: "
        f"{both_bytes(patches.size)}, and the limit {name} is {both_bytes(room)}: "
        f"{both_bytes(patches.size - room)} more; most is alive at {patches.layer}",
        None,
        _advice(patches),
    )
