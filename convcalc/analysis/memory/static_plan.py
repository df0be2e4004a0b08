"""The static plan of a micro-controller: every map, and all scratch, at an offset of one arena.

What a runtime makes of a network is in `runtimes`, and how buffers are placed in `planner`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.analysis.memory.planner import Need, alive, greedy, height, rounded_up
from convcalc.analysis.memory.runtimes import RUNTIMES, Lowered, Operator, Runtime, Unruled
from convcalc.graph import Network
from convcalc.graph.planned import planned


class Buffer(NamedTuple):
    """A map or scratch in the arena."""

    name: str
    """The layer that makes it, and what else it is where a layer has several; or `input`."""
    offset: int
    """Bytes from the beginning of the arena, a multiple of the alignment."""
    bytes: int
    """Its own size in bytes, rounded up to the alignment."""
    first: int
    """Number of the operation that makes it; 0 is before all others."""
    last: int
    """Number of the last operation that reads it."""
    scratch: bool = False
    """Whether a kernel works with it while it runs, and nothing else reads it."""
    layer: str = ""
    """Full name of the layer that makes it; of an input, of the input itself."""
    shape: tuple[int, ...] = ()
    """Its extents, channels last, the example's axis left out; () of scratch."""
    dtype: str = ""
    """Its data type; "" of scratch."""


class ArenaReport(NamedTuple):
    """Where every map of one example lies."""

    name: str
    """The network's name, as its spec has it."""
    dtype: str
    """Data type of the maps, a key of `DTYPE_BYTES`."""
    size: int
    """Bytes of all that is planned, the head: maps and scratch of one example."""
    lower_bound: int
    """Most bytes alive at once: no plan of these operators in this order can do with less."""
    buffers: tuple[Buffer, ...]
    """Every map, in the order in which they are made, then all scratch."""
    runtime: Runtime
    """The runtime whose operators these are, with its kernels and the version measured."""
    operators: tuple[Operator, ...]
    """What the network is for the runtime, in the order in which it runs; they are numbered from
    1 on."""
    tail: int | None
    """Bytes of the arena's persistent part, an estimate that no byte counts on; None without."""
    flash: int
    """Bytes of all weights: docs/definitions.md says which."""
    unruled: tuple[Unruled, ...]
    """Layers that there is no rule for; with any, `size` is no promise."""
    lowered: Lowered
    """The network as the runtime has it, from which all of this follows."""

    @property
    def exact(self) -> bool:
        """Whether every layer has a rule, so that the head is the runtime's to the byte."""
        return not self.unruled

    @property
    def scratch(self) -> tuple[tuple[Operator, int], ...]:
        """The operators that take scratch, and how much each takes, every buffer rounded up."""
        sums = [
            (each, sum(rounded_up(size, self.runtime.alignment) for size in each.scratch))
            for each in self.operators
        ]
        return tuple((each, size) for each, size in sums if size)


def arena(network: Network, *, dtype: str = "int8", runtime: str = "tflite-micro") -> ArenaReport:
    """Plan the arena of a network for one example, as the runtime's greedy planner does.

    >>> from convcalc.graph import load
    >>> arena(load("lenet5")).size
    9408
    """
    which = RUNTIMES[runtime]
    return _report(network.name, dtype, which, which.lower(planned(network), dtype))


def _report(name: str, dtype: str, runtime: Runtime, lowered: Lowered) -> ArenaReport:
    buffers = _buffers(lowered, runtime.alignment)
    needs = [Need(each.bytes, each.first, each.last) for each in buffers]
    offsets = greedy(needs)
    placed = zip(buffers, offsets, strict=True)
    return ArenaReport(
        name=name,
        dtype=dtype,
        size=height(needs, offsets),
        lower_bound=max(alive(needs)),
        buffers=tuple(buffer._replace(offset=offset) for buffer, offset in placed),
        runtime=runtime,
        operators=lowered.operators,
        tail=lowered.tail,
        flash=lowered.flash,
        unruled=lowered.unruled,
        lowered=lowered,
    )


def reordered(arena: ArenaReport, order: Sequence[int]) -> ArenaReport:
    """The same arena with its operators in another order, planned in the same way."""
    operators = tuple(arena.operators[number] for number in order)
    inputs = arena.lowered.inputs
    made = [*range(inputs), *(operator.makes for operator in operators)]
    place = {number: at for at, number in enumerate(made)}
    lowered = arena.lowered._replace(
        maps=tuple(arena.lowered.maps[number] for number in made),
        operators=tuple(
            operator._replace(
                reads=tuple(place[read] for read in operator.reads), makes=place[operator.makes]
            )
            for operator in operators
        ),
        outputs=tuple(place[output] for output in arena.lowered.outputs),
    )
    return _report(arena.name, arena.dtype, arena.runtime, lowered)


def _buffers(lowered: Lowered, alignment: int) -> list[Buffer]:
    """All that needs a place: the maps in their order, then scratch in the operators' order."""
    made = [0] * len(lowered.maps)
    last = [0] * len(lowered.maps)
    for number, operator in enumerate(lowered.operators, 1):
        made[operator.makes] = last[operator.makes] = number
        for read in operator.reads:
            last[read] = number
    for output in lowered.outputs:
        last[output] = len(lowered.operators)
    buffers = [
        Buffer(
            each.name,
            0,
            rounded_up(each.bytes, alignment),
            made[number],
            last[number],
            layer=each.layer,
            shape=each.shape,
            dtype=each.dtype,
        )
        for number, each in enumerate(lowered.maps)
    ]
    for number, operator in enumerate(lowered.operators, 1):
        name = lowered.maps[operator.makes].name
        for place, size in enumerate(operator.scratch, 1):
            called = f"{name} scratch" + (f" {place}" if len(operator.scratch) > 1 else "")
            rounded = rounded_up(size, alignment)
            buffers.append(
                Buffer(called, 0, rounded, number, number, scratch=True, layer=operator.layer)
            )
    return buffers
