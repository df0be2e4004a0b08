"""What a piece of a chain takes in inference, so that the peak of the whole is the largest of them.

docs/memory.md, "inference": at every operation that is alive which something still reads, beside
the parameters, the buffers and the input, which are there all the time. Between two pieces of a
chain nothing is alive but the tensor that goes from one to the other: nothing else of what one
makes is read in another (`pieces`). So at an operation of a piece that is alive which would be in a
network of one layer that makes that tensor and of the piece, and the peak is the largest over the
pieces. What such a network may do to that tensor, to overwrite it say, is what the whole may, as
long as the tensor has storage of its own that nothing else lies on; and how its values lie is what
the layer is told to make (`order`). Both are looked at behind every piece. Where the tensor lies on
the network's input it takes nothing and is never overwritten, and the piece is taken as it would be
in front. Where it lies in another way, or something else is alive, a design is worked out whole.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np

from convcalc.analysis.memory.batch import fewest
from convcalc.analysis.memory.program import Program, program
from convcalc.analysis.memory.terms import RunTerms
from convcalc.analysis.memory.walk import Walk, at
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.graph.planned import Planned
from convcalc.layers.base import Layer, Plan
from convcalc.layers.operations import Layout, Operation
from convcalc.shape import Shape
from convcalc.sweeps.engine.results import Results
from convcalc.sweeps.engine.tables import Pairs, Table
from convcalc.sweeps.engine.worked import Worked, network_behind, network_of_piece

ORDERS: tuple[Layout, ...] = ("fresh", "channels_last", "both")
"""The ways in which what goes from piece to piece may lie."""
LARGEST = 2**60
"""Most bytes of a piece for a batch, so that sums stay within 64 bits; else the design is whole."""
GIVEN = len(ORDERS)
"""What stands in their place where it is the network's input, or lies on that, which stays."""


class PiecePeak(NamedTuple):
    """What a piece takes, for what comes in as it lies."""

    lines: tuple[tuple[int, int], ...]
    """Bytes alive at its operations, those that are there once and those of every example; without
    such as are never more than another's."""
    buffers: int
    """Bytes of running statistics and counters."""
    entry: int
    """Bytes per example of the network's inputs, of the first piece; else 0."""
    fewest: int
    """The smallest batch that its layers take."""
    after: int
    """How what it gives lies, counted in `ORDERS`, or `GIVEN`; -1 where another piece cannot start
    from it."""

    def live(self, batch: int) -> int:
        """Most bytes alive for a batch."""
        return max((once + each * batch for once, each in self.lines), default=0)


class _Before:
    """A layer that makes what comes into a piece; nothing else is ever asked of it."""

    def __init__(self, order: Layout) -> None:
        self.order = order

    def integers(self, xs: Sequence[Shape]) -> dict[str, Any]:
        """No arrays."""
        del xs
        return {}

    def operations(self, xs: Sequence[Shape], plan: Plan) -> tuple[Operation, ...]:
        """One, that makes a new array."""
        del xs
        return (Operation(plan.output.size, layout=self.order),)


BEFORE = [cast("Layer", _Before(order)) for order in ORDERS]


def composes(terms: RunTerms) -> bool:
    """Whether peaks of pieces compose: autocast's copies of weights live on beyond a piece."""
    return (
        not terms.mixed_precision
        and terms.attention is None
        and type(terms.inplace) is bool
        and terms.overhead <= LARGEST
    )


def peak_of(
    worked: Worked, order: int, terms: RunTerms, *, first: bool, single: bool
) -> PiecePeak | None:
    """What a piece takes; None where that is not told by these numbers."""
    given = first or order == GIVEN
    network = network_of_piece(worked) if given else network_behind(worked, BEFORE[order])
    written = program(
        network,
        dtype=terms.dtype,
        training=False,
        cuda=terms.device == "cuda",
        single=single,
    )
    start = len(written.inputs) if given else 2
    walker = Walk(written, training=False, inplace=bool(terms.inplace))
    if not given and written.order[written.steps[0].output] != ORDERS[order]:
        return None
    walked = walker.run(())
    events = [event.live for event in walked.forward if event.layer >= start]
    lines = {(at(live, 0), at(live, 1) - at(live, 0)) for live in events}
    return PiecePeak(
        lines=_largest(lines),
        buffers=written.buffers,
        entry=written.entry if first else 0,
        fewest=fewest(network_of_piece(worked), training=False).batch,
        after=_after(network, written, walker, given=given),
    )


def _largest(lines: set[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The lines that are the largest for some batch, so far as one is never above another."""
    kept: list[tuple[int, int]] = []
    for once, each in sorted(lines, reverse=True):
        if not kept or each > kept[-1][1]:
            kept.append((once, each))
    return tuple(kept)


def _after(network: Planned, written: Program, walker: Walk, *, given: bool) -> int:
    """How what a piece gives lies, where it alone is alive then, in storage of its own; else -1.

    What lies on the network's input is alive as long as that, and takes nothing.
    """
    (tensor,) = written.outputs
    order, storage = written.order[tensor], walker.storage[tensor]
    size = walker.size[tensor]
    if written.widths[tensor] != written.width:
        return -1
    if storage < len(network.inputs):
        same = given and order == "fresh" and walker.live == 0 and len(network.inputs) == 1
        return GIVEN if same else -1
    alone = walker.held[storage] == 1 and walker.bytes[storage] == size == walker.live
    return ORDERS.index(order) if alone and order in ORDERS else -1


class _Batch:
    """What pieces take for one batch, by their numbers."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.live = Table(np.int64)
        """Most bytes alive at their operations."""
        self.entries = Table(np.int64)
        """Bytes of the network's inputs."""
        self.large = Table(np.bool_)
        """Whether one of these is more than `LARGEST`, and 0 stands in the place of both."""

    def add(self, peak: PiecePeak) -> None:
        """Number what a piece takes."""
        live, entries = peak.live(self.batch), peak.entry * self.batch
        large = max(live, entries) > LARGEST
        self.live.add(0 if large else live)
        self.entries.add(0 if large else entries)
        self.large.add(large)


class Peaks:
    """Peaks of inference of designs, composed of those of their pieces."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.pairs: dict[tuple[Any, ...], Pairs] = {}
        self.made: list[PiecePeak] = []
        self.after = Table(np.int64)
        self.buffers = Table(np.int64)
        self.fewest = Table(np.int64)
        self.batches: dict[int, _Batch] = {}
        self.add(PiecePeak((), 0, 0, 1, -1))  # of what does not compose

    @staticmethod
    def of(results: Results) -> "Peaks":
        """Those that belong to results, which hold them."""
        if results.peaks is None:
            results.peaks = Peaks(results)
        peaks: Peaks = results.peaks
        return peaks

    def add(self, peak: PiecePeak) -> int:
        """Number what a piece takes."""
        self.made.append(peak)
        self.after.add(peak.after)
        self.buffers.add(peak.buffers)
        self.fewest.add(peak.fewest)
        return len(self.made) - 1

    def bytes(
        self, made: Sequence[Any], parameters: Any, batch: int, terms: RunTerms, *, single: bool
    ) -> tuple[Any, Any]:
        """The peak of each design for a batch, and whether it is known."""
        known: Any = np.True_
        buffers: Any = np.int64(0)
        live: Any = np.int64(0)
        entries: Any = np.int64(0)
        orders: Any = np.int64(0)
        last = len(made) - 1
        for number, own in enumerate(made):
            first = number == 0
            pairs = self.pairs.setdefault((terms, single, first), Pairs())

            find = partial(self._find, terms=terms, first=first, single=single)
            places = pairs.at(own, np.maximum(orders, 0), find)
            known = known & (places > 0) & (orders >= 0)
            buffers = buffers + self.buffers.values[places]
            taken = self._of_batch(batch)
            entries = entries + taken.entries.values[places]
            live = np.maximum(live, taken.live.values[places])
            known = known & ~taken.large.values[places]
            known = known & (self.fewest.values[places] <= batch)
            orders = self.after.values[places]
            if number < last:
                known = known & (orders >= 0)
        width = DTYPE_BYTES[terms.dtype]
        total = parameters * width + buffers + terms.overhead + entries + live
        return total, known

    def _find(self, result: int, order: int, *, terms: RunTerms, first: bool, single: bool) -> int:
        worked = self.results.worked[result]
        peak = peak_of(worked, order, terms, first=first, single=single)
        return 0 if peak is None else self.add(peak)

    def _of_batch(self, batch: int) -> _Batch:
        """What all that is numbered takes for a batch."""
        taken = self.batches.setdefault(batch, _Batch(batch))
        for peak in self.made[taken.live.count :]:
            taken.add(peak)
        return taken
