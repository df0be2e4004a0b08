"""A sweep as a whole: all that its result depends on, and what comes of a stretch of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np

from convcalc.diagnostics import ArgumentError
from convcalc.sweeps.axes import MEMORY, SET
from convcalc.sweeps.chunk import VALID, Chunk, Evaluator
from convcalc.sweeps.evaluators import evaluator_of, stretch_of
from convcalc.sweeps.kept import Groups, Keeper, Rows, joined
from convcalc.sweeps.measures import Measure
from convcalc.sweeps.names import Names, listed_names
from convcalc.sweeps.space import Space
from convcalc.sweeps.subject import Subject
from convcalc.sweeps.where import Where, holding, read_where

NUMBER, NETWORK = "design", "network"
"""How the columns with the number of a design and with the digest of its network are called."""
SHOWN = ("parameters", "macs")
"""Measures that are shown of every design."""
MOST_TOP = 10_000
"""Most networks among the best."""
MOST_GOALS = 4
"""Most goals of a front."""
CHUNK = 16
"""Designs of a chunk: chunks begin at its multiples, whoever works them out."""
STRETCH = 65_536
"""Most designs that are held at once, whatever a task has."""

Encode = Callable[["Encoded"], bytes]
"""What makes text, or another form for a file, of designs that are left."""


class StoppedError(ArgumentError):
    """What ended a sweep though nothing is wrong with what was asked: it may be gone on with."""

    done: int | None = None
    """How many designs were done; None where it is not known."""


class Encoded(NamedTuple):
    """Designs that are left, with what a file says of them."""

    space: Space
    """The space that they are of, whose axes say what codes mean."""
    rows: Rows
    """The designs, a row each, with all that was worked out of them."""
    names: tuple[str, ...]
    """Which columns are to be written, in order."""
    values: tuple[Any, ...]
    """By axis an array of its values, by code."""


class Invalid(NamedTuple):
    """A reason for which designs are invalid."""

    code: str
    """The code of the finding; empty where what is asked has no answer and no code."""
    where: str
    """Where the spec is at fault: `net.yaml:4:40`."""
    message: str
    """What is wrong with the example, with its numbers."""
    example: int
    """The number of the first design that is invalid for it."""
    designs: int
    """How many designs are invalid for it."""


class Partial(NamedTuple):
    """What comes of a stretch of designs."""

    start: int
    """The number of the first design of the stretch."""
    stop: int
    """The number behind that of the last one."""
    left: int
    """How many designs meet all conditions."""
    invalid: tuple[Invalid, ...]
    """Why others are invalid, in the order of first examples."""
    tried: tuple[Any, ...]
    """By axis an array of booleans: which of its values a design that was worked out has."""
    valid: tuple[Any, ...]
    """By axis an array of booleans: which of its values a valid design has."""
    best: Groups | None
    """Those that may be among the best; None where none are left."""
    front: Groups | None
    """Those that may be on the front; None where none are left, or no front is asked for."""
    written: Mapping[str, bytes] = MappingProxyType({})
    """The designs that are left as each file has them, by its ending."""
    rows: Rows | None = None
    """The same as arrays, where these are asked for."""


class Parts(Protocol):
    """A folder that all who work designs out write to themselves, a file for each stretch."""

    def encode(self, encoded: Encoded) -> bytes:
        """Designs, to be put behind those before them."""
        ...

    def write(self, start: int, stop: int, rows: bytes) -> None:
        """Write the file of a stretch, over what was written of it before."""
        ...

    def go_on(self, done: int) -> None:
        """Raise `ArgumentError` where designs of before, up to `done`, are not there."""
        ...

    def settle(self, since: int, stretches: Sequence[tuple[int, int]]) -> None:
        """Take away files of designs from `since` on that are of none of these stretches."""
        ...


class Job:
    """A sweep that is asked for; it can be sent to another process."""

    def __init__(
        self,
        subject: Subject,
        space: Space,
        *,
        where: str | None = None,
        pareto: str | None = None,
        sort: str | None = None,
        top: int = 20,
        columns: str | None = None,
        all_rows: bool = False,
        memory: bool = False,
    ) -> None:
        """Read what is asked; raises `ArgumentError` for what is none, before the first design.

        `memory` is whether memory is shown in any case, because something is said of how it runs.
        """
        self.subject = subject
        self.space = space
        self.asked: Mapping[str, Any] = {
            "where": where,
            "pareto": pareto,
            "sort": sort,
            "top": top,
            "columns": columns,
            "all_rows": all_rows,
            "memory": memory,
        }
        if top > MOST_TOP:
            message = f"{space.wording.key('top')} {top:,} is more than {MOST_TOP:,}"
            raise ArgumentError(message)
        self.names = Names(subject, space)
        self.where: Where = read_where(where, self.names)
        goals = self._ends(pareto, "pareto")
        if pareto is not None and not 2 <= len(goals) <= MOST_GOALS:
            message = (
                f"{space.wording.key('pareto')} takes 2 to {MOST_GOALS} goals, and there "
                f"{'is' if len(goals) == 1 else 'are'} {len(goals)}: write "
                f"{'more' if len(goals) == 1 else 'fewer'}, as in macs,-receptive_field"
            )
            raise ArgumentError(message)
        sorts = self._ends(sort, "sort") or goals[:1]
        called = space.wording.key("columns")
        shown = listed_names(columns, called) if columns is not None else []
        self.names.check(shown, called)
        self.keeper = Keeper(space.axes, goals, sorts, top, all_rows=all_rows)
        self.shown: tuple[str, ...] = self._shown(shown, memory=memory)
        """The measures, and other columns, that are shown, in order."""
        self.encode: Mapping[str, Encode] = {}
        """What makes the rows of files that are written, by their ending."""
        self.firsts: Rows | None = None
        """Where nothing is sorted by, the first networks once these are known: they are the best,
        and of later designs it is only counted which give them."""
        self.parts: Parts | None = None
        """Where whoever works designs out writes them, if that is asked for."""
        self.with_rows = False
        """Whether whoever runs it wants designs as arrays."""

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs."""
        return {name: value for name, value in self.__dict__.items() if name != "evaluator"}

    def _ends(self, text: str | None, key: str) -> tuple[tuple[str, bool], ...]:
        """Names, those with - in front of which the most is the best."""
        if text is None:
            return ()
        option = self.space.wording.key(key)
        names = listed_names(text, option)
        ends = tuple((name.removeprefix("-").strip(), name.startswith("-")) for name in names)
        if not all(name for name, _ in ends):
            message = f"{option}: {text[:60]!r} has a - with no name behind it"
            raise ArgumentError(message)
        self.names.check([name for name, _ in ends], option)
        if len({name for name, _ in ends}) < len(ends):
            message = f"{option} {text}: a name stands there twice, with and without -"
            raise ArgumentError(message)
        for name, column in self.names.examples(name for name, _ in ends).items():
            if column.dtype.kind not in "if":
                message = f"{option}: {name} is no number"
                raise ArgumentError(message)
        return ends

    def _shown(self, asked: Sequence[str], *, memory: bool) -> tuple[str, ...]:
        """Measures that are shown: those named anywhere, and what axes of memory change."""
        ends = [name for name, _ in (*self.keeper.goals, *self.keeper.sort)]
        named = [*SHOWN, *asked, *ends, *self.where.names]
        measures = [name for name in dict.fromkeys(named) if self.names.measure(name) is not None]
        terms, kinds = self.space.terms, {axis.kind for axis in self.space.axes}
        known = [self.names.measure(name) for name in measures]
        of_training = [
            measure
            for measure in known
            if measure and (measure.name == "training_memory" or measure.limit)
        ]
        of_memory = [measure for measure in known if measure and measure.memory]
        if terms.training and not of_training:
            measures.append("training_memory")
        elif not of_memory and (memory or kinds & {*MEMORY}):
            measures.append("memory")
        others: dict[str, str] = {}
        for name in (*asked, *ends):
            if (parameter := self.names.not_varied(name)) is not None:
                others.setdefault(parameter, name)
        return (*others.values(), *measures)

    @cached_property
    def evaluator(self) -> Evaluator:
        """Who works designs out."""
        return evaluator_of(self.subject, self.space.designs)

    @property
    def columns(self) -> list[str]:
        """What is kept of every design that is left: what is shown, and goals and the like."""
        ends = [name for name, _ in (*self.keeper.goals, *self.keeper.sort)]
        return [*dict.fromkeys((*self.shown, *ends))]

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """The kind of each column that is no measure, as NumPy has kinds: `i` for whole numbers."""
        examples = self.names.examples(self.columns)
        return {name: example.dtype.kind for name, example in examples.items()}

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """How the columns of a row are called: the number, the axes, what is shown, the digest.

        A parameter that is called as another one of these is `set.NAME`.
        """
        others = {NUMBER, NETWORK, *(measure.name for measure in self.measures)}
        axes = [
            f"{SET}{axis.name}" if axis.name in others else axis.name for axis in self.space.axes
        ]
        shown = [f"{SET}{name}" if name in (NUMBER, NETWORK) else name for name in self.shown]
        return (NUMBER, *axes, *shown, NETWORK)

    @property
    def measures(self) -> list[Measure]:
        """What is worked out of every design that is left."""
        known = [self.names.measure(name) for name in self.shown]
        return [measure for measure in known if measure is not None]

    def knows(self, best: Groups) -> None:
        """Take in the best of all designs up to some number."""
        if self.firsts is None:
            self.firsts = self.keeper.firsts(best)

    @property
    def waits(self) -> bool:
        """Whether it is yet to be known which networks are the first, and so the best."""
        return not self.keeper.sort and not self.keeper.all_rows and self.firsts is None

    def run(self, start: int, stop: int) -> Partial:
        """What comes of the designs from `start` to before `stop`."""
        keeper = self.keeper
        tally = _Tally(self.space)
        best: list[Groups] = []
        front: list[Groups] = []
        written: dict[str, list[bytes]] = {ending: [] for ending in self.encode}
        values = tuple(map(self.names.values_of, self.space.axes))
        kept: list[Rows] = []
        part: list[bytes] = []
        left = 0
        end = start
        while end < stop:
            first, end = end, min(end + stretch_of(self.evaluator, STRETCH), stop)
            rows = self._left(first, end, tally)
            if not len(rows.numbers):
                continue
            left += len(rows.numbers)
            if self.firsts is None:
                best.append(keeper.best(keeper.groups(keeper.best_rows(rows)), ties=True))
            elif len((few := keeper.among(rows, self.firsts)).numbers):
                best.append(keeper.groups(few))
            if keeper.goals:
                front.append(keeper.groups(keeper.front_rows(rows)))
            encoded = Encoded(self.space, rows, self.shown, values)
            for ending, encode in self.encode.items():
                written[ending].append(encode(encoded))
            if self.parts is not None:
                part.append(self.parts.encode(encoded))
            if self.with_rows:
                kept.append(rows)
        if self.parts is not None and (part or not start):
            self.parts.write(start, stop, b"".join(part))
        return Partial(
            start=start,
            stop=stop,
            left=left,
            invalid=tally.invalid,
            tried=tally.tried,
            valid=tally.valid,
            best=keeper.best(keeper.merged(best), ties=True) if best else None,
            front=keeper.front(keeper.merged(front)) if front else None,
            written={ending: b"".join(parts) for ending, parts in written.items()},
            rows=joined(kept) if kept else None,
        )

    def _left(self, start: int, stop: int, tally: "_Tally") -> Rows:
        """The designs of a stretch that are valid and meet all conditions."""
        space, names = self.space, self.names
        left = np.arange(stop - start)
        codes = space.codes(start, stop)
        columns: dict[str, Any] = {}
        digest: Any = None
        known: set[str] = set()

        def work_out(measures: Sequence[Measure]) -> None:
            nonlocal left, codes, columns, digest
            every = len(left) == stop - start
            chunk = self.evaluator.evaluate(space, start, stop, measures, None if every else left)
            tally.count(chunk, codes)
            columns |= chunk.columns
            known.update(chunk.columns)
            digest = chunk.digest
            keep(chunk.reason == VALID)

        def keep(chosen: Any) -> None:
            nonlocal left, codes, columns, digest
            if chosen.all():
                return
            left = left[chosen]
            codes = tuple(code[chosen] for code in codes)
            columns = {name: column[chosen] for name, column in columns.items()}
            digest = None if digest is None else digest[chosen]

        for step in self.where.steps:
            if not len(left):
                break
            if step.measures:
                work_out(step.measures)
            for condition in step.conditions:
                own = names.columns(sorted(condition.names), codes)
                holds = holding(condition, columns | own, space, start + left)
                if digest is not None:
                    tally.valid_are(code[~holds] for code in codes)
                keep(holds)
        if not len(left):
            return Rows(left, (), {}, None)
        rest = [measure for measure in self.measures if measure.name not in known]
        if rest or digest is None:
            work_out(rest)
        tally.valid_are(codes)
        wanted = self.columns
        own = names.columns(wanted, codes)
        self._check_kinds(own)
        columns |= own
        return Rows(start + left, codes, {name: columns[name] for name in wanted}, digest)

    def _check_kinds(self, own: Mapping[str, Any]) -> None:
        """Raise `ArgumentError` for a column that is of another kind here than in `kinds`."""
        for name, column in own.items():
            if len(column) and column.dtype.kind != self.kinds[name]:
                message = (
                    f"{name} has values of one type in some designs and of another one in others, "
                    "and a column has one type: leave it out"
                )
                raise ArgumentError(message)


class _Tally:
    """Which designs were worked out, and why which were invalid."""

    def __init__(self, space: Space) -> None:
        self.tried = tuple(np.zeros(len(axis.texts), bool) for axis in space.axes)
        self.valid = tuple(np.zeros(len(axis.texts), bool) for axis in space.axes)
        self._reasons: dict[tuple[str, str], Invalid] = {}

    @property
    def invalid(self) -> tuple[Invalid, ...]:
        return tuple(sorted(self._reasons.values(), key=lambda each: each.example))

    def count(self, chunk: Chunk, codes: tuple[Any, ...]) -> None:
        """Take in what was worked out, of which some may turn out invalid by more that is asked."""
        for tried, code in zip(self.tried, codes, strict=True):
            tried[code] = True
        valid = chunk.reason == VALID
        if valid.all():
            return
        counts = np.bincount(chunk.reason[~valid], minlength=len(chunk.reasons)).tolist()
        for reason, count in zip(chunk.reasons, counts, strict=True):
            if count:
                add_reason(self._reasons, Invalid(*reason, count))

    def valid_are(self, codes: Iterable[Any]) -> None:
        """Take in designs that were worked out, of which no more is asked."""
        for valid, code in zip(self.valid, codes, strict=True):
            valid[code] = True


def add_reason(reasons: dict[tuple[str, str], Invalid], more: Invalid) -> None:
    """Count designs that are invalid for a reason; the example is the first of all."""
    key = more.code, more.where
    known = reasons.get(key)
    if known is None:
        reasons[key] = more
        return
    first = known if known.example <= more.example else more
    reasons[key] = first._replace(designs=known.designs + more.designs)
