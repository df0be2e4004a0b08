"""`--checkpoint auto`: the cheapest checkpoints within a limit, and how far that is proven.

Where pieces tell all (`pieces`), the answer is the best of every choice of segments of layers that
follow each other in the network's order, and the walk of the segments found has to give what was
told of them, or the answer is not called proven. Where they do not, and where there are too many,
equal segments of several lengths are tried, and those left out that need not run again.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import isqrt
from typing import NamedTuple

from convcalc.analysis.memory.cheapest import Choices, TooMany, cheapest
from convcalc.analysis.memory.checkpoint import segments, written
from convcalc.analysis.memory.pieces import Pieces
from convcalc.analysis.memory.terms import Model, RunTerms, allowed, model
from convcalc.analysis.memory.walk import Segment, at, walk
from convcalc.graph import Network
from convcalc.graph.planned import Planned, planned
from convcalc.layers import UNPOOL

LENGTHS = 16
"""About how many lengths of equal segments are tried, where not every choice is."""
FEWER = 12
"""About how many choices of each length are without the segments that do most again."""
COARSEST = 64
"""Layers from one place to the next at which segments may begin, where there are too many."""
LONG = 100
"""Layers above which short segments are looked at first, to know how much is enough."""
SHORT = 2
"""What these are at most, in square roots of layers."""
ROUNDS = 2
"""Rounds of that search."""
BEST = "the best of every choice of segments"
GIVEN_UP = "the search for the best of every choice was given up"
PEAK_GIVEN_UP = (
    "none does less again, and the search for the lowest peak of these, and the fewest segments, "
    "was given up"
)


class Part(NamedTuple):
    """A segment, as a user of PyTorch writes it."""

    name: str
    """The segment as `--checkpoint` takes it: `conv1..relu2`."""
    layers: int
    """How many layers it has."""
    recomputed_macs: int
    """Multiply-accumulates that it does again, for the whole batch."""
    reads: tuple[str, ...]
    """What it starts from: inputs, and layers outside it, by name."""
    gives: tuple[str, ...]
    """Those of its layers that others read, or that are outputs, by name."""


class Automatic(NamedTuple):
    """The checkpoints that were chosen."""

    parts: tuple[Part, ...]
    """The segments that run again, in the network's order."""
    fits: bool
    """Whether the peak with them is within the limit; if not, no choice is known that is."""
    proven: bool
    """Whether no other choice does less again within the limit, or, if none fits, none does."""
    how: str
    """How the answer was found."""
    fewest: int
    """No choice that fits, or that has as low a peak if none does, does fewer multiply-accumulates
    again than these, for the whole batch: as many as this one, where it is proven; otherwise how
    many are known, or 0."""
    lowest: int
    """Where nothing fits, the lowest peak that any choice is known to reach; otherwise 0."""
    peak_without: int
    """The peak without checkpoints."""

    @property
    def names(self) -> tuple[str, ...]:
        """The segments as `--checkpoint` takes them."""
        return tuple(part.name for part in self.parts)


class _Found(NamedTuple):
    """A choice of segments, and how it was found."""

    segments: tuple[Segment, ...]
    """The segments, in the network's order."""
    macs: int
    """Multiply-accumulates that are done again, of one example."""
    peak: int
    """Bytes of the peak of the batch, all lines included."""
    proven: bool
    """Whether no choice is better."""
    how: str
    """How it was found, in words."""
    fewest: int = 0
    """No choice does fewer multiply-accumulates again, of one example."""


def automatic(network: Network, terms: RunTerms, batch: int, room: int) -> Automatic:
    """The segments with the fewest recomputed MACs whose peak is at most `room` bytes.

    Of equal ones they have the lowest peak, and then are the fewest. `terms` are of training; what
    they say of checkpoints is not asked. Raises what `model` raises.
    """
    network = planned(network)
    search = _Search(network, terms._replace(checkpoint=None), batch)
    best = search.found(room)
    fits = best.peak <= room
    return Automatic(
        parts=tuple(search.parts(best.segments)),
        fits=fits,
        proven=best.proven,
        how=best.how,
        fewest=best.fewest * batch,
        lowest=0 if fits else best.peak,
        peak_without=search.without.peak,
    )


class _Search:
    def __init__(self, network: Planned, terms: RunTerms, batch: int) -> None:
        self.network, self.terms, self.batch = network, terms, batch
        self.model: Model = model(network, terms).of(batch)
        self.allowed = allowed(network, terms)
        self.base = self.model.fixed() + self.model.moving * batch
        self.least = self.model.gradients + self.model.step
        self.macs = [plan.macs for plan in network.plans]
        self.without = self.taken(())
        layers = len(network.layers)
        self.root = self.taken(segments(network, max(round(layers**0.5), 2)))

    def taken(self, chosen: Sequence[Segment]) -> _Found:
        """What segments take, by the walk."""
        walked = walk(
            self.model.program,
            training=True,
            inplace=bool(self.terms.inplace),
            segments=chosen,
            allowed=self.allowed,
        )
        events = (*walked.forward, *walked.backward)
        live = max((at(event.live, self.batch) for event in events), default=0)
        macs = sum(self.macs[layer] for layer in {*walked.recomputed})
        return _Found(tuple(chosen), macs, self.base + max(live, self.least), False, "")

    def pieces(self) -> Pieces:
        """All pieces of the step."""
        return Pieces(
            self.model.program,
            self.batch,
            self.macs,
            inplace=bool(self.terms.inplace),
            allowed=self.allowed,
        )

    def found(self, room: int) -> _Found:
        """The best within `room`; where nothing fits, what takes least."""
        pieces = self.pieces()
        if not pieces.known:
            return self.tried(room)
        every = 1
        while every <= COARSEST:
            with suppress(TooMany):
                return self.best(pieces, room, every)
            every *= 2
        return self.tried(room)

    def reaches(self, room: int) -> bool:
        """Whether any choice is known to fit."""
        pieces = self.pieces()
        if pieces.known and room - self.base >= self.least:
            with suppress(TooMany):
                choices = Choices(pieces, room - self.base, sum(self.macs))
                return choices.lowest(room - self.base, room - self.base) is not None
        return self.found(room).peak <= room

    def best(self, pieces: Pieces, room: int, every: int) -> _Found:
        """The best by pieces; segments begin and end at `every` so many layers."""
        known = [self.without, self.root]
        fitting = [each.macs for each in known if each.peak <= room]
        most = min(fitting) if fitting else sum(self.macs)
        widest = max(room, min(each.peak for each in known))
        # Where nothing need run again, what has the lowest peak does not take more than that.
        widest = min(widest, self.without.peak)
        within = room - self.base
        if len(self.macs) > LONG:
            widest, most = self.roughly(pieces, widest, within, most, every, fits=bool(fitting))
        choices = Choices(pieces, widest - self.base, most, every=every)
        if not fitting:
            reached = choices.lowest(self.least, widest - self.base)
            lowest = max(reached or widest - self.base, self.least)
            within = max(within, lowest)
        answer = cheapest(choices, within, self.least, most)
        choice, proven, how = answer.choice, answer.proven and every == 1, BEST
        fewest = answer.bound if every == 1 else 0
        if choice is not None and not answer.proven:
            how = PEAK_GIVEN_UP if answer.bound == choice.macs else GIVEN_UP
        if every > 1:
            how = f"the best of the segments that begin and end at every {every}th layer"
        if choice is None:
            return self.tried(room)
        walked = self.taken(choice.segments)
        # The walk has the last word.
        if (walked.macs, walked.peak) != (choice.macs, self.base + max(choice.most, self.least)):
            return self.tried(room)
        walked = walked._replace(proven=proven, how=how, fewest=fewest)
        return walked if proven else self.better(walked, room)

    def roughly(
        self, pieces: Pieces, widest: int, within: int, most: int, every: int, *, fits: bool
    ) -> tuple[int, int]:
        """The peak and the MACs that are enough, by what short segments alone reach.

        The peak is never below `within`, where what is dearer there may still do less again. `fits`
        says whether anything is known to be within. So there are fewer pieces of all lengths.
        """
        short = SHORT * isqrt(len(self.macs))
        with suppress(TooMany):
            choices = Choices(pieces, widest - self.base, most, every=every, longest=short)
            if not fits:
                reached = choices.lowest(self.least, widest - self.base)
                if reached is None:
                    return widest, most
                widest = self.base + max(reached, within)
                if reached > within:
                    return widest, most
            choice = cheapest(choices, within, self.least, most, rounds=ROUNDS).choice
            return widest, most if choice is None else choice.macs
        return widest, most

    def better(self, found: _Found, room: int) -> _Found:
        """The best of it and of what is known anyway."""
        known = [found, self.without, self.root]
        return min(known, key=lambda each: _order(each, room))._replace(
            how=found.how, fewest=found.fewest
        )

    def tried(self, room: int) -> _Found:
        """The best of what is tried whatever the limit, so that a higher one is never dearer.

        These are equal segments of several lengths, and the same without the first few of those
        that do most again.
        """
        layers = len(self.network.layers)
        lengths = {max(round(layers ** (step / LENGTHS)), 1) for step in range(LENGTHS + 1)}
        known = [self.without, self.root]
        for length in sorted(lengths):
            whole = self.taken(segments(self.network, length))
            known.append(whole)
            dearest = sorted(
                whole.segments, key=lambda each: -sum(self.macs[each.first : each.stop])
            )
            fewer = -(-len(dearest) // FEWER)
            known += [
                self.taken(sorted(dearest[left_out:]))
                for left_out in range(fewer, len(dearest), fewer or 1)
            ]
        how = "the best of equal segments of several lengths, and of those without the dearest"
        return min(known, key=lambda each: _order(each, room))._replace(how=how)

    def parts(self, chosen: Sequence[Segment]) -> Iterator[Part]:
        """Segments in words."""
        walked = walk(
            self.model.program,
            training=True,
            inplace=bool(self.terms.inplace),
            segments=chosen,
            allowed=self.allowed,
        )
        again = {*walked.recomputed}
        for segment in chosen:
            inside = range(segment.first, segment.stop)
            macs = sum(self.macs[layer] for layer in inside if layer in again)
            yield in_words(self.network, segment, macs * self.batch)


def in_words(network: Network, segment: Segment, macs: int) -> Part:
    """A segment as a user of PyTorch writes it."""
    nodes = network.nodes
    inside = range(segment.first, segment.stop)
    reads: dict[str, None] = {}
    for layer in inside:
        node = nodes[layer]
        reads |= {nodes[read].name: None for read in node.inputs if read not in inside}
        if node.kind == UNPOOL and node.like is not None and node.like not in inside:
            reads[f"indices of {nodes[node.like].name}"] = None
    later = {read for node in nodes[segment.stop :] for read in node.inputs}
    later.update(network.outputs)
    gives = (nodes[layer].name for layer in inside if layer in later)
    return Part(written(network, segment), len(inside), macs, tuple(reads), tuple(gives))


def largest_batch(network: Network, terms: RunTerms, room: int) -> int:
    """The largest batch that fits into `room` bytes with some checkpoints; 0 when none that works.

    A choice of segments takes no less for one more example, so what fits is found by bisection; of
    each choice that is tried, where not all are looked at.
    """
    network = planned(network)
    terms = terms._replace(checkpoint=None)
    any_batch = model(network, terms)

    def fits(batch: int) -> bool:
        search = _Search(network, terms, batch)
        return min(search.without.peak, search.root.peak) <= room or search.reaches(room)

    low = max(any_batch.largest_batch(room), any_batch.fewest - 1)
    each = any_batch.moving
    # An example takes its input at least.
    high = max(low, (room - any_batch.fixed()) // each if each else low) + 1
    step = max(low, 1)
    while low + step < high and fits(low + step):
        low, step = low + step, 2 * step
    high = min(high, low + step)
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low if low >= any_batch.fewest else 0


def _order(found: _Found, room: int) -> tuple[bool, int, int, int]:
    """What is better comes first: what fits, then the least done again; else the lowest peak."""
    fits = found.peak <= room
    first, second = (found.macs, found.peak) if fits else (found.peak, found.macs)
    return not fits, first, second, len(found.segments)
