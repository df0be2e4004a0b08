"""Designs worked out piece by piece, each piece once, and added up by index over arrays.

For every piece of the spec's list of layers (`pieces`) a design has a number that says what the
piece is there, and from piece to piece one that says what comes in; both together are the number of
a result (`worked`). What a design has is the sum of what its results have, gathered from tables.
What does not add up is asked of the whole network, once for all designs that have the same one. The
reference is `plain`, of which every answer is the same, and which gives all that is told of invalid
designs.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from convcalc.analysis.memory.terms import RunTerms
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.collector import without_collection
from convcalc.findings import Findings
from convcalc.spec.expand import MAX_LAYERS, MAX_STEPS
from convcalc.sweeps.chunk import VALID, Chunk, Reason
from convcalc.sweeps.digest import digest_of_outputs
from convcalc.sweeps.engine.fields import LARGEST, PieceField, field_of
from convcalc.sweeps.engine.names import Top, expander_of
from convcalc.sweeps.engine.pieces import (
    InconsistentError,
    Kits,
    MergeError,
    Piece,
    apart,
)
from convcalc.sweeps.engine.peaks import PiecePeak, composes, peak_of
from convcalc.sweeps.engine.watched import TooManyError
from convcalc.sweeps.engine.worked import ALONE, JOINS, NORM, Known, State, Worked, work_out
from convcalc.sweeps.measures import Measure
from convcalc.sweeps.plain import PlainEvaluator
from convcalc.sweeps.space import Space
from convcalc.sweeps.subject import Subject

WHOLE = -2
"""What stands in the place of a result of a design that is worked out whole."""
UNKNOWN = -1
"""What stands where nothing is known yet, or nothing comes in because a piece before has errors."""
SMALL = 2**40
"""No number of a piece is larger, so that sums stay within 64 bits; else the design is whole."""
MOST_RESULTS = 200_000
"""Most results that are kept; then all are forgotten."""
MOST_PAIRS = 2**24
"""Most pairs of a leaf and what comes in that one piece keeps a table of."""
ADDED: tuple[str, ...] = ("parameters", "buffers", "macs", "activations", "layers")
"""Measures that add up over the pieces, as tables have them."""


class Table:
    """Numbers of results, which grows."""

    def __init__(self, dtype: Any) -> None:
        self._values: Any = np.zeros(0, dtype)
        self._new: list[int] = []
        self.add = self._new.append
        """Put another one behind."""

    @property
    def values(self) -> Any:
        """All of them, as an array."""
        if self._new:
            self._values = np.concatenate([self._values, np.array(self._new, self._values.dtype)])
            self._new.clear()
        return self._values


class Pairs:
    """Numbers by pairs of numbers, of which most are met or none."""

    def __init__(self) -> None:
        self.table: Any = np.full((8, 8), UNKNOWN, np.int32)

    def at(self, rows: Any, columns: Any, find: Callable[[int, int], int]) -> Any:
        """The number of each pair; `find` gives what is not known yet. Neither is below 0."""
        self._make_room(int(np.max(rows, initial=0)), int(np.max(columns, initial=0)))
        found = self.table[rows, columns]
        if np.ndim(found) == 0:
            if found == UNKNOWN:
                found = self.table[rows, columns] = find(int(rows), int(columns))
            return found
        unknown = np.flatnonzero(found == UNKNOWN)
        if unknown.size:
            width = self.table.shape[1]
            rows = np.broadcast_to(rows, found.shape)[unknown]
            columns = np.broadcast_to(columns, found.shape)[unknown]
            places = np.unique(rows.astype(np.int64) * width + columns)
            for place in places.tolist():
                row, column = divmod(place, width)
                self.table[row, column] = find(row, column)
            found[unknown] = self.table[rows, columns]
        return found

    def _make_room(self, row: int, column: int) -> None:
        height, width = self.table.shape
        if row < height and column < width:
            return
        while row >= height:
            height *= 2
        while column >= width:
            width *= 2
        if height * width > MOST_PAIRS:
            raise FullError
        grown = np.full((height, width), UNKNOWN, np.int32)
        grown[: self.table.shape[0], : self.table.shape[1]] = self.table
        self.table = grown


class FullError(Exception):
    """More results than are kept."""


class Facts:
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


class Results:
    """All results of all pieces, numbered, and what they add."""

    def __init__(self) -> None:
        self.known = Known()
        self.worked: list[Worked | None] = []
        self.states: dict[State, int] = {}
        self.given: list[State] = []
        """What comes in, by number."""
        self.some_wrong = self.some_large = False
        self.gaps = Table(np.int64)
        self.pairs: dict[int, Pairs] = {}
        self.after = Table(np.int32)
        self.wrong = Table(np.bool_)
        self.large = Table(np.bool_)
        self.fields = Fields(self)
        self.peaks = Peaks(self)
        self.tables: dict[str, Table] = {
            **{name: Table(np.int64) for name in (*ADDED, "largest_tensor", "nodes", "alone")},
            "times": Table(np.uint64),
            "plus": Table(np.uint64),
        }

    def state(self, state: State) -> int:
        """The number of what comes in."""
        number = self.states.setdefault(state, len(self.states))
        if number == len(self.given):
            self.given.append(state)
            self.gaps.add(state.gap)
        return number

    def add(self, worked: Worked | None) -> int:
        """Number a result."""
        if len(self.worked) >= MOST_RESULTS:
            raise FullError
        self.worked.append(worked)
        values: dict[str, int] = dict.fromkeys(self.tables, 0)
        if worked is not None:
            values |= worked.sums._asdict()
            values["layers"] = worked.layers
            values["largest_tensor"] = worked.largest
            values["nodes"] = len(worked.nodes)
            values["alone"] = worked.alone
            values["times"], values["plus"] = worked.digest
        numbers = [value for name, value in values.items() if name not in ("times", "plus")]
        large = max(numbers) > SMALL
        self.large.add(large)
        for name, table in self.tables.items():
            table.add(0 if large else values[name])
        self.some_wrong |= worked is None
        self.some_large |= large
        self.wrong.add(worked is None)
        self.after.add(UNKNOWN if worked is None else self.state(worked.after))
        return len(self.worked) - 1


class Fields:
    """Receptive fields of designs, composed of those of their pieces."""

    def __init__(self, results: "Results") -> None:
        self.results = results
        self.known: dict[int, PieceField | None] = {}

    def sizes(self, found: Sequence[Any], count: int) -> tuple[Any, Any]:
        """The smallest axis of each design's last field, and whether it is known.

        `found` are the results of every piece, of designs without errors.
        """
        size: list[Any] = []
        jump: list[Any] = []
        most = 1
        last: Any = np.int64(0)
        there: Any = np.False_
        lost: Any = np.False_
        known: Any = np.True_
        for number, own in enumerate(found):
            numbers, back = np.unique(own, return_inverse=True)
            pieces = [self._of(each) for each in numbers.tolist()]
            axes = max([len(each.last or each.after or ()) for each in pieces if each] or [0])
            told = np.array([each is not None for each in pieces])[back]
            known = known & (told | lost)
            if not axes:
                continue
            if number == 0 or not size:
                size = [np.int64(1)] * axes
                jump = [np.int64(1)] * axes
            lasts, afters = (
                [
                    (each.last if which == 0 else each.after) or () if each else ()
                    for each in pieces
                ]
                for which in (0, 1)
            )
            has = np.array([bool(each) for each in lasts])[back] & ~lost
            goes = np.array([bool(each) for each in afters])[back] & ~lost
            most *= max([each.jump for along in afters for each in along] or [1])
            least: Any = None
            after_size, after_jump = list(size), list(jump)
            for axis in range(axes):
                grown = np.array([along[axis].size if along else 1 for along in lasts], np.int64)
                own_size = size[axis] + jump[axis] * (grown[back] - 1)
                least = own_size if least is None else np.minimum(least, own_size)
                grown = np.array([along[axis].size if along else 1 for along in afters], np.int64)
                times = np.array([along[axis].jump if along else 1 for along in afters], np.int64)
                after_size[axis] = size[axis] + jump[axis] * (grown[back] - 1)
                after_jump[axis] = jump[axis] * times[back]
            if most > LARGEST:
                known = known & False
                break
            last = np.where(has, least, last)
            there = there | has
            size, jump = after_size, after_jump
            lost = lost | ~goes
        shape = (count,)
        return np.broadcast_to(last, shape), np.broadcast_to(known & there, shape)

    def _of(self, number: int) -> PieceField | None:
        if number not in self.known:
            worked = self.results.worked[number]
            assert worked is not None
            self.known[number] = field_of(worked)
        return self.known[number]


class Peaks:
    """Peaks of inference of designs, composed of those of their pieces."""

    def __init__(self, results: "Results") -> None:
        self.results = results
        self.pairs: dict[tuple[Any, ...], Pairs] = {}
        self.made: list[PiecePeak] = []
        self.after = Table(np.int64)
        self.buffers = Table(np.int64)
        self.entry = Table(np.int64)
        self.fewest = Table(np.int64)
        self.live: dict[int, Table] = {}
        self.add(PiecePeak((), 0, 0, 1, -1))  # of what does not compose

    def add(self, peak: PiecePeak) -> int:
        """Number what a piece takes."""
        self.made.append(peak)
        self.after.add(peak.after)
        self.buffers.add(peak.buffers)
        self.entry.add(peak.entry)
        self.fewest.add(peak.fewest)
        return len(self.made) - 1

    def bytes(
        self, found: Sequence[Any], parameters: Any, batch: int, terms: RunTerms, *, single: bool
    ) -> tuple[Any, Any]:
        """The peak of each design for a batch, and whether it is known."""
        known: Any = np.True_
        buffers: Any = np.int64(0)
        live: Any = np.int64(0)
        entry: Any = np.int64(0)
        orders: Any = np.int64(0)
        last = len(found) - 1
        for number, own in enumerate(found):
            first = number == 0
            pairs = self.pairs.setdefault((terms, single, first), Pairs())

            def find(
                result: int, order: int, first: bool = first  # noqa: FBT001 (of this turn)
            ) -> int:
                worked = self.results.worked[result]
                assert worked is not None
                peak = peak_of(worked, order, terms, first=first, single=single)
                return 0 if peak is None else self.add(peak)

            places = pairs.at(own, np.maximum(orders, 0), find)
            known = known & (places > 0) & (orders >= 0)
            buffers = buffers + self.buffers.values[places]
            entry = entry + self.entry.values[places]
            live = np.maximum(live, self._lives(batch)[places])
            known = known & (self.fewest.values[places] <= batch)
            orders = self.after.values[places]
            if number < last:
                known = known & (orders >= 0)
        width = DTYPE_BYTES[terms.dtype]
        total = parameters * width + buffers + terms.overhead + entry * batch + live
        return total, known

    def _lives(self, batch: int) -> Any:
        """By number, most bytes alive for a batch."""
        table = self.live.setdefault(batch, Table(np.int64))
        for peak in self.made[len(table.values) :]:
            live = peak.live(batch)
            table.add(live if live < SMALL else 0)
        return table.values


class Gathered(NamedTuple):
    """What the designs of a stretch are made of."""

    codes: Sequence[Any]
    """By axis, the code of each."""
    leaves: Sequence[Any]
    """By piece, the leaf of each; one number where all have the same."""
    results: Sequence[Any]
    """By piece, the result of each; `UNKNOWN` behind a piece with errors."""
    invalid: Any
    """Whether each has an error."""
    whole: Any
    """Whether each is worked out whole."""


class PiecewiseEvaluator:
    """Works out designs by their pieces; see `chunk.Evaluator`."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.plain = PlainEvaluator(subject)
        self._axes: Any = None
        self._pieces: list[Piece] = []
        self._top: Top | None = None
        self._kits: Kits | None = None
        self._results = Results()
        self.wholes = 0
        """How many whole networks were worked out so far."""
        self._facts: dict[int, Facts] = {}
        self._rank = 0
        self.says_outputs = False
        """Whether the spec says which tensors are its outputs: it is one piece then."""

    @property
    def pieces(self) -> Sequence[Piece]:
        """The pieces of the spec, as far as is known; none where designs are worked out whole."""
        return self._pieces

    # What there is

    def _begin(self, space: Space) -> None:
        """Look at the spec for the axes of a space, unless that was done."""
        if self._axes is not None and self._axes == space.axes:
            return
        self._axes = space.axes
        self._top = self._kits = None
        try:
            top = Top(self.subject, space.axes)
            if not self._looks_fine(top):
                return
            self._top, self._kits = top, Kits(top)
        except TooManyError:
            return
        count = len(self._kits.items)
        one = len(top.heads[0].shapes) > 1 if top.heads and top.heads[0] else True
        self.says_outputs = top.member.entry("outputs") is not None
        one |= self.says_outputs
        self._part([range(count)] if one else [range(at, at + 1) for at in range(count)])

    def _looks_fine(self, top: Top) -> bool:
        """Whether the spec as it is written has nothing that is only told of a whole."""
        subject = self.subject
        entries = subject.spec.entries
        earlier = subject.written.findings.diagnostics
        if "origins" in entries or not subject.written.whole or subject.written.unmeasured:
            return False
        if not getattr(entries.get("layers"), "items", ()):
            return False
        if any(each.severity == "error" for each in earlier) or not any(top.known):
            return False
        from convcalc.spec.expand import Expander

        start = next(at for at, head in enumerate(top.heads) if head is not None)
        codes = [0] * len(top.axes)
        for axis, code in zip(top.radix.axes, top.radix.split(start), strict=True):
            codes[axis] = code
        findings = Findings(subject.written.places)
        expander = expander_of(Expander, top, codes, findings)
        expander.begin()
        expander.inspect_uncalled()
        ranks = {tuple(s.rank for s in head.shapes) for head in top.heads if head is not None}
        self._rank = next(iter(ranks))[0]
        return len(ranks) == 1 and not any(
            each.severity == "error" for each in findings.diagnostics
        )

    def _part(self, ranges: Sequence[range]) -> None:
        assert self._kits is not None
        last = len(ranges) - 1
        self._pieces = [
            Piece(self._kits, number, items, last=number == last)
            for number, items in enumerate(ranges)
        ]
        self._results, self._facts = Results(), {}

    def _merge(self, first: int, last: int) -> None:
        """Make pieces one."""
        ranges = [piece.items for piece in self._pieces]
        one = range(ranges[first].start, ranges[last].stop)
        self._part([*ranges[:first], one, *ranges[last + 1 :]])

    # Designs

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
        self._begin(space)
        if self._top is None:
            return self.plain.evaluate(space, start, stop, measures, rows)
        codes = space.codes(start, stop, rows)
        numbers = np.arange(start, stop, dtype=np.int64)
        numbers = numbers if rows is None else numbers[rows]
        if not len(numbers):
            return self.plain.evaluate(space, start, stop, measures, rows)
        while True:
            try:
                gathered = self._gather(codes, len(numbers))
                break
            except MergeError as error:
                self._merge(error.first, error.last)
            except FullError:
                if not self._results.worked:
                    raise
                self._part([piece.items for piece in self._pieces])
            except (InconsistentError, TooManyError):
                self._top = None
                return self.plain.evaluate(space, start, stop, measures, rows)
        return _Chunk(self, space, numbers, gathered, measures).chunk()

    def _gather(self, codes: Sequence[Any], count: int) -> Gathered:
        top, results = self._top, self._results
        assert top is not None
        whole = np.zeros(count, bool)
        heads = top.radix.joined(codes)
        whole |= ~top.known[heads]
        for column in top.columns.values():
            whole |= ~_there(column, codes, top.sizes)
        if whole.any():
            fine = np.flatnonzero(~whole)
            if not fine.size:
                nothing = np.full(count, UNKNOWN, np.int32)
                made = [nothing for _ in self._pieces]
                return Gathered(codes, made, made, np.zeros(count, bool), whole)
            # Those that nothing is known of take part as one of the others.
            stand = np.where(whole, fine[0], np.arange(count))
            own = [column[stand] for column in codes]
        else:
            own = list(codes)
        states: Any = self._first_states(top.radix.joined(own))
        leaves: list[Any] = []
        made: list[Any] = []
        facts: list[Facts] = []
        invalid = np.zeros(count, bool)
        before = sum(len(piece.leaves) for piece in self._pieces)
        lost: Any = None
        for piece in self._pieces:
            found = piece.numbers(own)
            leaves.append(found)
            told = self._told(piece)
            facts.append(told)
            if told.wrong is not None:
                wrong = told.wrong[found]
                invalid |= wrong
                lost = wrong if lost is None else lost | wrong
            if told.unusual is not None:
                whole |= told.unusual[found]
            own_results = self._results_of(piece, found, states, lost)
            made.append(own_results)
            states = results.after.values[own_results]
            if results.some_wrong:
                bad = results.wrong.values[own_results]
                if lost is not None:
                    bad = bad & ~lost
                invalid |= bad
                lost = bad if lost is None else lost | bad
        if sum(len(piece.leaves) for piece in self._pieces) > before:
            for first, last in apart(self._pieces):
                raise MergeError(first, last)
        if results.some_large:
            for found in made:
                whole |= results.large.values[found] & (found >= 0)
        for most, name in ((MAX_STEPS, "steps"), (MAX_LAYERS, "nodes")):
            counts = [getattr(told, name) for told in facts]
            if sum(int(each.max()) for each in counts) > most:
                whole |= sum(each[f] for each, f in zip(counts, leaves, strict=True)) > most
        whole |= self._other_axes(facts, leaves, top.radix.joined(own))
        return Gathered(codes, leaves, made, invalid & ~whole, whole)

    def _told(self, piece: Piece) -> Facts:
        """What is asked of the leaves of a piece."""
        known = self._facts.get(piece.number)
        if known is None or known.count < len(piece.leaves):
            known = self._facts[piece.number] = Facts(piece, self._rank)
        return known

    def _first_states(self, heads: Any) -> Any:
        top = self._top
        assert top is not None
        numbers = np.array(
            [
                UNKNOWN if head is None else self._results.state(State(head.shapes, 0))
                for head in top.heads
            ]
        )
        return numbers[heads]

    def _results_of(self, piece: Piece, leaves: Any, states: Any, lost: Any) -> Any:
        """The results of a piece; `UNKNOWN` where errors before or in it keep them so."""
        results = self._results
        pairs = results.pairs.setdefault(piece.number, Pairs())
        places = self.subject.written.places
        first = piece.number == 0

        def find(leaf: int, state: int) -> int:
            given = results.given[state]
            known = results.known
            return results.add(work_out(piece.leaves[leaf], given, places, known, first=first))

        if lost is None or not lost.any():
            return pairs.at(leaves, states, find)
        leaves, states, lost = np.broadcast_arrays(leaves, states, lost)
        found = np.full(leaves.shape, UNKNOWN, np.int32)
        rows = np.flatnonzero(~lost)
        if leaves.ndim and rows.size:
            found[rows] = pairs.at(leaves[rows], states[rows], find)
        return found

    def _other_axes(self, facts: Sequence[Facts], leaves: Sequence[Any], heads: Any) -> Any:
        """Whether fields show that the input's axes may not be what it says: a whole is asked."""
        doubtful: Any = np.False_
        reshaped: Any = np.False_
        for told, found in zip(facts, leaves, strict=True):
            if told.odd is not None:
                doubtful = doubtful | (told.odd[found] & ~reshaped)
            if told.reshapes.any():
                reshaped = reshaped | told.reshapes[found]
        return doubtful


def _there(column: Any, codes: Sequence[Any], sizes: Sequence[int]) -> Any:
    """Whether a name has a value in each design."""
    if None not in column.values:
        return np.True_
    place: Any = 0
    for axis in column.axes:
        place = place * sizes[axis] + codes[axis]
    return np.array([value is not None for value in column.values])[place]


class _Chunk:
    """A chunk that is made of gathered designs."""

    def __init__(
        self,
        evaluator: PiecewiseEvaluator,
        space: Space,
        numbers: Any,
        gathered: Gathered,
        measures: Sequence[Measure],
    ) -> None:
        self.evaluator = evaluator
        self.results = evaluator._results  # noqa: SLF001 (which made it)
        self.space = space
        self.numbers = numbers
        self.gathered = gathered
        self.measures = measures
        self.columns: dict[str, Any] = {}
        self.reason: Any = np.full(len(numbers), VALID, np.int32)

    def chunk(self) -> Chunk:
        """All of it."""
        gathered, count = self.gathered, len(self.numbers)
        good = ~(gathered.invalid | gathered.whole)
        told = good.copy()
        some = bool(good.any())
        for measure in self.measures:
            values: Any = None
            if not some:
                pass
            elif self._adds_up(measure):
                values = np.broadcast_to(self._column(measure.name), (count,))
            elif measure.name == "receptive_field":
                values, known = self._fields(good)
                told &= known
            elif measure.name == "memory":
                values, known = self._peaks(good)
                told &= known
            else:
                told[:] = False
            column = np.zeros(count, np.int64) if values is None else np.where(good, values, 0)
            self.columns[measure.name] = column
        digest = self._digest(good) if some else np.zeros((count, 2), np.uint64)
        rows = np.flatnonzero(~told)
        if not rows.size:
            return Chunk(self.numbers, self.columns, self.reason, (), digest)
        return self._with_wholes(rows, digest)

    def _fields(self, good: Any) -> tuple[Any, Any]:
        """The smallest axis of each last field, and whether it is known."""
        found, rows, count = self._found(good)
        if len(self.results.given[0].shapes) > 1 or not count:
            return np.int64(0), np.False_
        sizes, known = self.results.fields.sizes(found, count)
        return self._spread(rows, sizes), self._spread(rows, known)

    def _peaks(self, good: Any) -> tuple[Any, Any]:
        """The peak of inference of each, and whether it is known."""
        results = self.results
        found, rows, count = self._found(good)
        if not count or self.evaluator.says_outputs:
            return np.int64(0), np.False_
        tables = results.tables
        parameters, alone = np.int64(0), np.int64(0)
        for own in found:
            parameters = parameters + tables["parameters"].values[own]
            alone = alone | tables["alone"].values[own]
        alone = (alone & ALONE > 0) | ((alone & JOINS > 0) & (alone & NORM > 0))
        total, known = np.zeros(count, np.int64), np.zeros(count, bool)
        for part, batch, terms in self._runs(rows, count):
            if not composes(terms):
                continue
            for single in (False, True):
                own = np.broadcast_to(alone if batch == 1 else np.False_, (count,)) == single
                which = np.flatnonzero(part & own)
                if not which.size:
                    continue
                every = which.size == count
                pieces = [one if every or np.ndim(one) == 0 else one[which] for one in found]
                values = parameters if every or np.ndim(parameters) == 0 else parameters[which]
                total[which], known[which] = results.peaks.bytes(
                    pieces, values, batch, terms, single=single
                )
        return self._spread(rows, total), self._spread(rows, known)

    def _runs(self, rows: Any, count: int) -> Iterator[tuple[Any, int, RunTerms]]:
        """Which designs run in one way, for every way."""
        space = self.space
        axes = [
            (axis, np.broadcast_to(codes, self.numbers.shape)[rows])
            for axis, codes in zip(space.axes, self.gathered.codes, strict=True)
            if axis.kind in ("batch", "dtype")
        ]
        plain = space.terms._replace(training=False, optimizer="sgd", checkpoint=None, fused=True)
        numbers, first = _alike([codes for _, codes in axes], count)
        for number, row in enumerate(first.tolist()):
            batch, terms = space.batch, plain
            for axis, codes in axes:
                value = axis.values[int(codes[row])]
                if axis.kind == "batch":
                    batch = value
                else:
                    terms = terms._replace(dtype=value)
            yield numbers == number, batch, terms

    def _found(self, good: Any) -> tuple[Sequence[Any], Any, int]:
        """The results of designs without errors, which these are, and how many."""
        found = self.gathered.results
        if good.all():
            return found, slice(None), len(good)
        rows = np.flatnonzero(good)
        return [own if np.ndim(own) == 0 else own[rows] for own in found], rows, len(rows)

    def _spread(self, rows: Any, values: Any) -> Any:
        """Values of some designs among all."""
        if isinstance(rows, slice):
            return values
        spread = np.zeros(len(self.numbers), values.dtype)
        spread[rows] = values
        return spread

    def _adds_up(self, measure: Measure) -> bool:
        return measure.name in (*ADDED, "flops", "largest_tensor")

    def _column(self, name: str) -> Any:
        tables = self.results.tables
        if name == "flops":
            return 2 * self._column("macs")
        values = tables[name].values
        total: Any = 0
        for found in self.gathered.results:
            part = values[found]
            total = np.maximum(total, part) if name == "largest_tensor" else total + part
        return total

    def _digest(self, good: Any) -> Any:
        tables, results = self.results.tables, self.results
        times, plus = tables["times"].values, tables["plus"].values
        factor: Any = np.uint64(1)
        addend: Any = np.uint64(0)
        with np.errstate(over="ignore"):
            for found in self.gathered.results:
                part = times[found]
                factor = factor * part
                addend = addend * part + plus[found]
            if self.evaluator.says_outputs:
                return self._pairs(factor, addend, good)
            gaps = results.gaps.values[results.after.values[self.gathered.results[-1]]]
            ends = [digest_of_outputs((1 + gap,)) for gap in range(int(np.max(gaps)) + 1)]
            end_times = np.array([end.times for end in ends], np.uint64)[gaps]
            end_plus = np.array([end.plus for end in ends], np.uint64)[gaps]
            addend = addend * end_times + end_plus
            factor = factor * end_times
        return self._pairs(factor, addend, good)

    def _pairs(self, factor: Any, addend: Any, good: Any) -> Any:
        digest = np.empty((len(self.numbers), 2), np.uint64)
        digest[:, 0] = factor
        digest[:, 1] = addend
        digest[~good] = 0
        return digest

    def _with_wholes(self, rows: Any, digest: Any) -> Chunk:
        """The chunk with what is worked out of whole networks, once for all that are the same."""
        classes, first = self._classes(rows)
        reasons: list[Reason] = []
        known: dict[tuple[str, str], int] = {}
        plain = self.evaluator.plain
        made = np.zeros((len(first), len(self.measures)), np.int64)
        reason = np.full(len(first), VALID, np.int32)
        digests = np.zeros((len(first), 2), np.uint64)
        for place in np.argsort(first).tolist():
            number = int(self.numbers[rows[first[place]]])
            one = plain.evaluate(self.space, number, number + 1, self.measures)
            self.evaluator.wholes += 1
            if one.reasons:
                said = one.reasons[0]
                if said.key not in known:
                    known[said.key] = len(reasons)
                    reasons.append(said)
                reason[place] = known[said.key]
            made[place] = [int(one.columns[each.name][0]) for each in self.measures]
            digests[place] = one.digest[0]
        for at, measure in enumerate(self.measures):
            self.columns[measure.name][rows] = made[:, at][classes]
        self.reason[rows] = reason[classes]
        digest[rows] = digests[classes]
        return Chunk(self.numbers, self.columns, self.reason, tuple(reasons), digest)

    def _classes(self, rows: Any) -> tuple[Any, Any]:
        """Which of some designs give the same, by a number each, and the first of each.

        A design that has a result of every piece is the network that these are; one with errors is
        the same as another where the same pieces have the same errors; of one that is worked out
        whole nothing is known.
        """
        gathered, results = self.gathered, self.results
        whole, invalid = gathered.whole[rows], gathered.invalid[rows]
        fine = ~(whole | invalid)
        shape = gathered.whole.shape
        keys: list[Any] = [whole + 2 * invalid]
        for piece, leaves, found in zip(
            self.evaluator.pieces, gathered.leaves, gathered.results, strict=True
        ):
            found = np.broadcast_to(found, shape)[rows]
            bad = results.wrong.values[found] if results.worked else False
            keys.append(np.where(fine | bad, found, UNKNOWN))
            wrong = np.array([leaf.wrong for leaf in piece.leaves] or [False])
            if wrong.any():
                leaves = np.broadcast_to(leaves, shape)[rows]
                keys.append(np.where(wrong[leaves] & invalid, leaves, UNKNOWN))
        for axis, codes in zip(self.space.axes, gathered.codes, strict=True):
            turns = fine if axis.kind not in ("parameter", "input") else False
            if np.any(whole | turns):
                keys.append(np.where(whole | turns, codes[rows], UNKNOWN))
        return _alike(keys, len(rows))


def _alike(keys: Sequence[Any], count: int) -> tuple[Any, Any]:
    """Rows with the same keys, which are from -1 on: a number each, and the first row of each."""
    joined, most = np.zeros(count, np.int64), 1
    for key in keys:
        own = int(key.max()) + 2
        if most * own > 2**62:
            _, joined = np.unique(joined, return_inverse=True)
            most = int(joined.max()) + 1
        joined = joined * own + (key + 1)
        most *= own
    _, first, numbers = np.unique(joined, return_index=True, return_inverse=True)
    return numbers, first
