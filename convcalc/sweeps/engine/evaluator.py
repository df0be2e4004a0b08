"""Designs worked out piece by piece, each piece once, and added up by index over arrays.

For every piece of the spec's list of layers (`pieces`) a design has a number that says what the
piece is there, and from piece to piece one that says what comes in; both together are the number of
a result (`worked`). What a design has is the sum of what its results have, gathered from tables.
What does not add up is asked of the whole network, once for all designs that have the same one
(`gathered`). The reference is `plain`, of which every answer is the same, and which gives all that
is told of invalid designs.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from convcalc.collector import without_collection
from convcalc.findings import Findings
from convcalc.spec.expand import MAX_LAYERS, MAX_STEPS, Expander
from convcalc.sweeps.axes import Axis
from convcalc.sweeps.chunk import VALID, Chunk, Reason
from convcalc.sweeps.engine.gathered import Gathered, Maker
from convcalc.sweeps.engine.names import Head, Top, errors_in, expander_of
from convcalc.sweeps.engine.pieces import InconsistentError, Kits, MergeError, Piece, look_apart
from convcalc.sweeps.engine.results import Results
from convcalc.sweeps.engine.tables import UNKNOWN, Pairs
from convcalc.sweeps.engine.watched import Column, TooManyError
from convcalc.sweeps.engine.worked import State, work_out
from convcalc.sweeps.measures import Measure
from convcalc.sweeps.plain import PlainEvaluator
from convcalc.sweeps.space import Space
from convcalc.sweeps.subject import Subject

BLOCK = 2**16
"""Most designs that are worked out at once."""
FIRST = 2**12
"""How many are worked out first; from then on four times as many where little is new, or fewer."""
FEWEST = 2**8
"""The fewest that are worked out at once, however much is new."""
LITTLE = 20_000
"""Layers that are little, of those that a block of designs brings."""
MOST_KEPT = 250_000
"""Layers of leaves and results that may be kept from block to block; of more all are forgotten."""
MOST_QUESTIONS = 20_000
"""Questions that may be kept from block to block, as layers may."""


class PiecewiseEvaluator:
    """Works out designs by their pieces; see `chunk.Evaluator`."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.plain = PlainEvaluator(subject)
        self.wholes = 0
        """How many whole networks were worked out so far."""
        self._axes: Sequence[Axis] | None = None
        self._pieces: _Pieces | None = None
        self._most = FIRST
        """How many designs are worked out next."""

    @property
    def pieces(self) -> Sequence[Piece]:
        """The pieces of the spec; none where designs are worked out one by one."""
        return () if self._pieces is None else self._pieces.pieces

    @without_collection
    def evaluate(
        self,
        space: Space,
        start: int,
        stop: int,
        measures: Sequence[Measure],
        rows: Any = None,
    ) -> Chunk:
        """Measures of designs; see `Evaluator`."""
        if self._axes is not space.axes:  # held, so that no other ones can be taken for them
            self._axes = space.axes
            self._pieces = _pieces(self.subject, space)
            self._most = FIRST
        rows = None if rows is None else np.asarray(rows)
        count = stop - start if rows is None else len(rows)
        if self._pieces is None or not count:
            return self.plain.evaluate(space, start, stop, measures, rows)
        chunks = []
        done = 0
        while done < count:
            end = min(done + self._most, count)
            if rows is None:
                chunks.append(self._block(space, start + done, start + end, measures, None))
            else:
                chunks.append(self._block(space, start, stop, measures, rows[done:end]))
            done = end
        return chunks[0] if len(chunks) == 1 else joined(chunks)

    def _block(
        self, space: Space, start: int, stop: int, measures: Sequence[Measure], rows: Any
    ) -> Chunk:
        if self._pieces is None:
            return self.plain.evaluate(space, start, stop, measures, rows)
        codes = space.codes(start, stop, rows)
        numbers = np.arange(start, stop, dtype=np.int64)
        numbers = numbers if rows is None else numbers[rows]
        before = self._pieces.forget()
        try:
            gathered = self._pieces.gather_all(codes, len(numbers))
        except (InconsistentError, TooManyError):
            self._pieces = None
            return self.plain.evaluate(space, start, stop, measures, rows)
        new = self._pieces.kept - before
        if new < LITTLE:
            self._most = min(4 * self._most, BLOCK)
        elif new > MOST_KEPT:
            self._most = max(self._most // 4, FEWEST)
        maker = Maker(self._pieces.results, self.plain, space, numbers, gathered, measures)
        chunk = maker.chunk()
        self.wholes += maker.wholes
        return chunk


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Neighbouring chunks as one."""
    reasons: dict[tuple[str, str], int] = {}
    said: list[Reason] = []
    numbers = []
    for chunk in chunks:
        places = []
        for reason in chunk.reasons:
            if reason.key not in reasons:
                reasons[reason.key] = len(said)
                said.append(reason)
            places.append(reasons[reason.key])
        numbers.append(np.array([*places, VALID], np.int32)[chunk.reason])
    return Chunk(
        np.concatenate([chunk.numbers for chunk in chunks]),
        {
            name: np.concatenate([chunk.columns[name] for chunk in chunks])
            for name in chunks[0].columns
        },
        np.concatenate(numbers),
        tuple(said),
        np.concatenate([chunk.digest for chunk in chunks]),
    )


def _pieces(subject: Subject, space: Space) -> "_Pieces | None":
    """The pieces of a spec for the axes of a space; None where it has what only a whole tells."""
    entries, written = subject.spec.entries, subject.written
    earlier = written.findings.diagnostics
    if (
        "origins" in entries
        or not written.whole
        or written.unmeasured
        or not getattr(entries.get("layers"), "items", ())
        or any(each.severity == "error" for each in earlier)
    ):
        return None
    try:
        top = Top(subject, space.axes)
    except TooManyError:
        return None
    ranks = {shape.rank for head in top.heads if head for shape in head.shapes}
    if len(ranks) != 1 or not _blocks_are_fine(top):
        return None
    return _Pieces(top, next(iter(ranks)))


def _blocks_are_fine(top: Top) -> bool:
    """Whether blocks have no error of form, which is told of those that a design does not call."""
    findings = Findings(top.subject.written.places)
    expander = expander_of(Expander, top, top.usual, findings)
    expander.begin()
    before = errors_in(findings)
    expander.inspect_uncalled()
    return errors_in(findings) == before


class _Pieces:
    """All pieces of a spec, and what they were made to be."""

    def __init__(self, top: Top, rank: int) -> None:
        self.top = top
        self.rank = rank
        self.kits = Kits(top)
        self.pieces: list[Piece] = []
        self.results = Results()
        self._facts: dict[int, _Facts] = {}
        heads = [head for head in top.heads if head is not None]
        count = len(self.kits.items)
        if len(heads[0].shapes) > 1 or top.member.entry("outputs") is not None:
            self._part([range(count)])
        else:
            self._part([range(at, at + 1) for at in range(count)])

    @property
    def kept(self) -> int:
        """Layers of all that was found."""
        return self.results.kept + sum(piece.kept for piece in self.pieces)

    def forget(self) -> int:
        """Let go of what was found, if it is much; how many layers are kept."""
        many = len(self.kits.recorder.questions) > MOST_QUESTIONS
        if many:
            self.kits = Kits(self.top)
        if many or self.kept > MOST_KEPT:
            self._part([piece.items for piece in self.pieces])
        return self.kept

    def merge(self, first: int, last: int) -> None:
        """Make pieces one."""
        ranges = [piece.items for piece in self.pieces]
        one = range(ranges[first].start, ranges[last].stop)
        self._part([*ranges[:first], one, *ranges[last + 1 :]])

    def _part(self, ranges: Sequence[range]) -> None:
        last = len(ranges) - 1
        self.pieces = [
            Piece(self.kits, number, items, last=number == last)
            for number, items in enumerate(ranges)
        ]
        self.results, self._facts = Results(), {}

    def gather_all(self, codes: Sequence[Any], count: int) -> Gathered:
        """What designs with these codes are made of, once it is known which pieces there are."""
        gathered: Gathered | None = None
        while gathered is None:
            with suppress(MergeError):
                gathered = self.gather(codes, count)
        return gathered

    def gather(self, codes: Sequence[Any], count: int) -> Gathered:
        """What designs with these codes are made of."""
        whole = ~self._there(codes, count)
        own: Sequence[Any] = codes
        if whole.any():
            fine = np.flatnonzero(~whole)
            if not fine.size:
                nothing = [np.full(count, UNKNOWN, np.int32) for _ in self.pieces]
                return Gathered(self.pieces, codes, nothing, nothing, nothing, ~whole, whole)
            # Those that nothing is known of take part as one of the others.
            stand = np.where(whole, fine[0], np.arange(count))
            own = [column[stand] for column in codes]
        leaves = self._leaves(own)
        facts = [self._told(piece) for piece in self.pieces]
        made, incoming, invalid = self._made(leaves, facts, self._first_states(own), count)
        whole |= self._only_whole(leaves, facts)
        if self.results.some_large:
            for each in made:
                whole |= self.results.large.values[each] & (each >= 0)
        return Gathered(self.pieces, codes, leaves, incoming, made, invalid & ~whole, whole)

    def _leaves(self, codes: Sequence[Any]) -> Sequence[Any]:
        """The leaf of every piece; raises `MergeError` when pieces were made one."""
        before = sum(len(piece.leaves) for piece in self.pieces)
        try:
            leaves = [piece.numbers(codes) for piece in self.pieces]
            if sum(len(piece.leaves) for piece in self.pieces) > before:
                look_apart(self.pieces)
        except MergeError as error:
            self.merge(error.first, error.last)
            raise
        return leaves

    def _there(self, codes: Sequence[Any], count: int) -> Any:
        """Whether inputs and all names have values, by design."""
        there = np.ones(count, bool)
        if not self.top.known.all():
            there &= self.top.known[self.top.radix.joined(codes)]
        for column in self.top.columns.values():
            if None in column.values:
                there &= _has_value(column, codes, self.top.sizes)
        return there

    def _told(self, piece: Piece) -> "_Facts":
        """What is asked of the leaves of a piece."""
        known = self._facts.get(piece.number)
        if known is None or known.count < len(piece.leaves):
            known = self._facts[piece.number] = _Facts(piece, self.rank)
        return known

    def _first_states(self, codes: Sequence[Any]) -> Any:
        """What comes into the first piece, by design."""
        numbers = np.array([self._first_state(head) for head in self.top.heads])
        return numbers[self.top.radix.joined(codes)]

    def _first_state(self, head: Head | None) -> int:
        return UNKNOWN if head is None else self.results.state(State(head.shapes, 0))

    def _made(
        self, leaves: Sequence[Any], facts: Sequence["_Facts"], states: Any, count: int
    ) -> tuple[Sequence[Any], Sequence[Any], Any]:
        """The results of every piece, what comes into it, and which designs have an error."""
        results = self.results
        made: list[Any] = []
        incoming: list[Any] = []
        invalid = np.zeros(count, bool)
        lost: Any = None
        for piece, leaf, told in zip(self.pieces, leaves, facts, strict=True):
            own = self._results_of(piece, leaf, states, lost)
            made.append(own)
            incoming.append(states if lost is None else np.where(lost, UNKNOWN, states))
            states = results.after.values[own]
            if told.wrong is not None:
                invalid |= told.wrong[leaf]
            if results.some_wrong:
                invalid |= results.wrong.values[own] & (own >= 0)
                unknown = (own < 0) | (states == UNKNOWN)
                lost = unknown if lost is None else lost | unknown
        return made, incoming, invalid

    def _results_of(self, piece: Piece, leaves: Any, states: Any, lost: Any) -> Any:
        """The results of a piece; `UNKNOWN` where errors before or in it keep them so."""
        results = self.results
        pairs = results.pairs.setdefault(piece.number, Pairs())
        places = self.top.subject.written.places
        first = piece.number == 0

        def find(leaf: int, state: int) -> int:
            given, known = results.given[state], results.known
            with self.kits.recorder.quiet():  # a layer that is late was asked for all it may read
                worked = work_out(piece.leaves[leaf], given, places, known, first=first)
            return results.add(worked)

        if lost is None or not lost.any():
            return pairs.at(leaves, states, find)
        leaves, states, lost = np.broadcast_arrays(leaves, states, lost)
        made = np.full(leaves.shape, UNKNOWN, np.int32)
        rows = np.flatnonzero(~lost)
        if leaves.ndim and rows.size:
            made[rows] = pairs.at(leaves[rows], states[rows], find)
        return made

    def _only_whole(self, leaves: Sequence[Any], facts: Sequence["_Facts"]) -> Any:
        """Which designs have what is only looked at in a whole: too many layers, say.

        Fields of a layer may show that the input's axes are not what it says, before there is a
        layer that makes others.
        """
        whole: Any = np.False_
        reshaped: Any = np.False_
        for told, leaf in zip(facts, leaves, strict=True):
            if told.unusual is not None:
                whole = whole | told.unusual[leaf]
            if told.odd is not None:
                whole = whole | (told.odd[leaf] & ~reshaped)
            if told.reshapes.any():
                reshaped = reshaped | told.reshapes[leaf]
        for most, counts in (
            (MAX_STEPS, [told.steps for told in facts]),
            (MAX_LAYERS, [told.nodes for told in facts]),
        ):
            if sum(int(each.max()) for each in counts) > most:
                total: Any = 0
                for each, leaf in zip(counts, leaves, strict=True):
                    total = total + each[leaf]
                whole = whole | (total > most)
        return whole


class _Facts:
    """What is asked of the leaves of a piece, as arrays."""

    def __init__(self, piece: Piece, rank: int) -> None:
        leaves = piece.leaves
        self.count = len(leaves)
        self.wrong = _some([leaf.wrong for leaf in leaves])
        self.unusual = _some([leaf.unusual for leaf in leaves])
        self.odd = _some([bool(leaf.axes - {rank}) for leaf in leaves])
        self.reshapes = np.array([leaf.reshapes for leaf in leaves])
        self.steps = np.array([leaf.steps for leaf in leaves])
        self.nodes = np.array([len(leaf.nodes) for leaf in leaves])


def _some(facts: Sequence[bool]) -> Any:
    """Facts as an array; None where none holds."""
    return np.array(facts) if any(facts) else None


def _has_value(column: Column, codes: Sequence[Any], sizes: Sequence[int]) -> Any:
    """Whether a name has a value in each design."""
    place: Any = 0
    for axis in column.axes:
        place = place * sizes[axis] + codes[axis]
    return np.array([value is not None for value in column.values])[place]
