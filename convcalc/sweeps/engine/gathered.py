"""Designs by the numbers of what their pieces are, and the chunk that is made of them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from convcalc.analysis.memory.terms import RunTerms
from convcalc.sweeps.chunk import VALID, Chunk, Reason
from convcalc.sweeps.digest import digest_of_outputs
from convcalc.sweeps.engine.fields import Fields
from convcalc.sweeps.engine.peaks import Peaks, composes
from convcalc.sweeps.engine.pieces import Piece
from convcalc.sweeps.engine.results import ADDED, Results
from convcalc.sweeps.engine.tables import UNKNOWN, alike
from convcalc.sweeps.engine.worked import ALONE, JOINS, NORM
from convcalc.sweeps.measures import Measure
from convcalc.sweeps.plain import PlainEvaluator
from convcalc.sweeps.space import Space


class Gathered(NamedTuple):
    """What the designs of a stretch are made of."""

    pieces: Sequence[Piece]
    """The pieces of the spec."""
    codes: Sequence[Any]
    """By axis, the code of each."""
    leaves: Sequence[Any]
    """By piece, the leaf of each; one number where all have the same."""
    incoming: Sequence[Any]
    """By piece, what comes into it in each, numbered; `UNKNOWN` where an error keeps it so."""
    results: Sequence[Any]
    """By piece, the result of each; `UNKNOWN` behind a piece with errors."""
    invalid: Any
    """Whether each has an error."""
    whole: Any
    """Whether each is worked out whole."""

    @property
    def says_outputs(self) -> bool:
        """Whether the spec says which tensors are its outputs: it is one piece then."""
        return self.pieces[0].says_outputs


class Maker:
    """Makes a chunk of gathered designs."""

    def __init__(
        self,
        results: Results,
        plain: PlainEvaluator,
        space: Space,
        numbers: Any,
        gathered: Gathered,
        measures: Sequence[Measure],
    ) -> None:
        self.results = results
        self.plain = plain
        self.space = space
        self.numbers = numbers
        self.gathered = gathered
        self.measures = measures
        self.wholes = 0
        """How many whole networks were worked out."""
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
        made, rows, count = self._made(good)
        if len(self.results.given[0].shapes) > 1 or not count:
            return np.int64(0), np.False_
        sizes, known = Fields.of(self.results).sizes(made, count)
        return self._spread(rows, sizes), self._spread(rows, known)

    def _peaks(self, good: Any) -> tuple[Any, Any]:
        """The peak of inference of each, and whether it is known."""
        results = self.results
        made, rows, count = self._made(good)
        if not count or self.gathered.says_outputs:
            return np.int64(0), np.False_
        tables = results.tables
        parameters, alone = np.int64(0), np.int64(0)
        for own in made:
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
                pieces = [one if every or np.ndim(one) == 0 else one[which] for one in made]
                values = parameters if every or np.ndim(parameters) == 0 else parameters[which]
                total[which], known[which] = Peaks.of(results).bytes(
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
        numbers, first = alike([codes for _, codes in axes], count)
        for number, row in enumerate(first.tolist()):
            batch, terms = space.batch, plain
            for axis, codes in axes:
                value = axis.values[int(codes[row])]
                if axis.kind == "batch":
                    batch = value
                else:
                    terms = terms._replace(dtype=value)
            yield numbers == number, batch, terms

    def _made(self, good: Any) -> tuple[Sequence[Any], Any, int]:
        """The results of designs without errors, which these are, and how many."""
        made = self.gathered.results
        if good.all():
            return made, slice(None), len(good)
        rows = np.flatnonzero(good)
        return [own if np.ndim(own) == 0 else own[rows] for own in made], rows, len(rows)

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
        for made in self.gathered.results:
            part = values[made]
            total = np.maximum(total, part) if name == "largest_tensor" else total + part
        return total

    def _digest(self, good: Any) -> Any:
        tables, results = self.results.tables, self.results
        times, plus = tables["times"].values, tables["plus"].values
        factor: Any = np.uint64(1)
        addend: Any = np.uint64(0)
        with np.errstate(over="ignore"):
            for made in self.gathered.results:
                part = times[made]
                factor = factor * part
                addend = addend * part + plus[made]
            if self.gathered.says_outputs:
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
        plain = self.plain
        made = np.zeros((len(first), len(self.measures)), np.int64)
        reason = np.full(len(first), VALID, np.int32)
        digests = np.zeros((len(first), 2), np.uint64)
        for place in np.argsort(first).tolist():
            number = int(self.numbers[rows[first[place]]])
            one = plain.evaluate(self.space, number, number + 1, self.measures)
            self.wholes += 1
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

        A design that has a result of every piece is the network that these are. One with errors is
        the same as another where the same pieces have errors, of the same leaf for the same that
        comes in: other pieces have none to tell. Of one that is worked out whole nothing is known.
        """
        gathered, results = self.gathered, self.results
        whole, invalid = gathered.whole[rows], gathered.invalid[rows]
        fine = ~(whole | invalid)
        shape = gathered.whole.shape
        keys: list[Any] = [whole + 2 * invalid]
        for piece, leaves, incoming, made in zip(
            gathered.pieces, gathered.leaves, gathered.incoming, gathered.results, strict=True
        ):
            own = np.broadcast_to(made, shape)[rows]
            keys.append(np.where(fine | results.wrong.values[own], own, UNKNOWN))
            wrong = np.array([leaf.wrong for leaf in piece.leaves] or [False])
            if wrong.any():
                own = np.broadcast_to(leaves, shape)[rows]
                told = wrong[own] & invalid
                keys.append(np.where(told, own, UNKNOWN))
                keys.append(np.where(told, np.broadcast_to(incoming, shape)[rows], UNKNOWN))
        for axis, codes in zip(self.space.axes, gathered.codes, strict=True):
            turns = fine if axis.kind not in ("parameter", "input") else False
            if np.any(whole | turns):
                keys.append(np.where(whole | turns, codes[rows], UNKNOWN))
        return alike(keys, len(rows))
