"""What an expansion reads of what is varied, as questions whose answers say how it goes on.

An expansion meets an axis of a sweep only where it looks a name up: each time it does is a question
(the value of an expression, with all other names in it as they are there, or of a name alone), and
with the same answers it asks the same questions and writes out the same layers. So what a piece of
a spec becomes is a tree of questions: designs go down it by their answers, all at once, and only
where a branch was never taken is something expanded. Nothing is guessed from the text: what is not
asked was not read.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from convcalc.spec.expressions import Expression, ExpressionError, Name
from convcalc.spec.nodes import Value
from convcalc.spec.values import Scope
from convcalc.sweeps.engine.radix import Radix

Answer = tuple[Any, ...]
"""The value of an expression with its type, or the error that it has; what tells answers apart."""
MOST_ANSWERS = 2**20
"""Most combinations of values that one question is answered for."""
FEW_ANSWERS = 64
"""Combinations of which a question has a table of answers from the start."""
SPARSE = 8
"""One in how many combinations is to be known before there is a table of all."""


class TooManyError(Exception):
    """More combinations of values than are gone through, so that designs are worked out whole."""


class Column(NamedTuple):
    """The values of a name, by the axes that it turns on."""

    axes: tuple[int, ...]
    """The axes, by their numbers, rising."""
    values: tuple[Value | None, ...]
    """A value for each combination of their codes, the last one changing fastest; None where an
    error keeps it unknown: nothing is asked of such designs."""


class Question:
    """An expression in one place of a spec, with the values of what is not varied."""

    def __init__(
        self,
        expression: Expression,
        around: Mapping[str, Value],
        columns: Mapping[str, Column],
        sizes: Sequence[int],
    ) -> None:
        self.expression = expression
        self.around = around
        self.columns = columns
        """What is varied in it, by name."""
        axes = sorted({axis for column in columns.values() for axis in column.axes})
        self.radix = Radix(axes, [sizes[axis] for axis in axes])
        """The combinations of codes that it has answers for."""
        if self.radix.count > MOST_ANSWERS:
            raise TooManyError
        self._alone: tuple[str, Sequence[Value | None]] | None = None
        """The only name that is varied in it, with its values by the number of a combination."""
        if len(columns) == 1:
            ((alone, only),) = columns.items()
            self._alone = alone, only.values
        self._given: dict[Answer, int] = {}
        self._met: dict[int, int] = {}
        """The numbers of answers by combination, as long as these are few of all."""
        self._table: Any = None
        if self.radix.count <= FEW_ANSWERS:
            self._table = np.full(self.radix.count, -1, np.int32)

    def number(self, answer: Answer) -> int:
        """The number of an answer."""
        return self._given.setdefault(answer, len(self._given))

    def answers(self, codes: Sequence[Any]) -> Any:
        """The numbers of the answers that designs with these codes give, as an array."""
        places = self.radix.joined(codes)
        if self._table is None:
            return self._among_met(places)
        numbers = self._table[places]
        if (numbers < 0).any():
            for place in np.unique(np.atleast_1d(places)[np.atleast_1d(numbers) < 0]).tolist():
                self._table[place] = self.number(self.answer(place))
            numbers = self._table[places]
        return numbers

    def _among_met(self, places: Any) -> Any:
        """The same without a table, of which a spec may ask as many questions as it has designs."""
        own, back = np.unique(places, return_inverse=True)
        for place in own.tolist():
            if place not in self._met:
                self._met[place] = self.number(self.answer(place))
        numbers = np.array([self._met[place] for place in own.tolist()], np.int32)
        if len(self._met) * SPARSE > self.radix.count:
            self._table = np.full(self.radix.count, -1, np.int32)
            self._table[[*self._met]] = [*self._met.values()]
            self._met = {}
        return numbers[back].reshape(np.shape(places))

    def answer(self, place: int) -> Answer:
        """The answer for one combination of codes, by its number."""
        values = dict(self.around)
        if self._alone is not None:
            alone, known = self._alone
            values[alone] = known[place]  # type: ignore[assignment]
            return answered(self.expression, values)
        codes = dict(zip(self.radix.axes, self.radix.split(place), strict=True))
        for name, column in self.columns.items():
            own = 0
            for axis in column.axes:
                own = own * self.radix.size(axis) + codes[axis]
            values[name] = column.values[own]  # type: ignore[assignment]  # which is known
        return answered(self.expression, values)


def answered(expression: Expression, values: Mapping[str, Value]) -> Answer:
    """What an expression gives, its type told as well: `1` and `true` and `1.0` are three."""
    try:
        value = expression.evaluate(values)
    except ExpressionError as error:
        return error.code, error.message
    return type(value), value


class Asked(NamedTuple):
    """A question that an expansion asked, with the answer that it got."""

    key: tuple[Any, ...]
    """What is the same question: the expression and the values of what is not varied in it."""
    question: Question
    """What gives its answers for other designs."""
    answer: Answer
    """What it was answered in this design."""


class Recorder:
    """Notes the questions that one expansion asks."""

    def __init__(self, columns: Mapping[str, Column], sizes: Sequence[int]) -> None:
        self.columns = columns
        self.sizes = sizes
        self.questions: dict[tuple[Any, ...], Question] = {}
        """All that were ever asked."""
        self.asked: list[Asked] = []
        """Those of the expansion at hand, in order, each once."""
        self._now: set[tuple[Any, ...]] = set()
        self._names: dict[str, Expression] = {}
        self._quiet = 0
        self._touched = False

    def begin(self) -> None:
        """Forget what the expansion before asked."""
        self.asked = []
        self._now = set()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Note nothing: who looks up knows on what that hangs."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def looked_up(self, name: str, value: Value) -> None:
        """A name that is varied was looked up by itself."""
        self._touched = True
        if not self._quiet:
            expression = self._names.get(name)
            if expression is None:
                expression = self._names[name] = Name(name)
            self._ask(expression, {}, (name,), answered(expression, {name: value}))

    def calculated(self, expression: Expression, names: Mapping[str, Value]) -> Value:
        """Work out an expression, and note it as one question if it reads what is varied.

        All names in it count, those of a branch that this design does not take as well.
        """
        if self._quiet:
            return expression.evaluate(names)
        varied: list[str] = []
        around: dict[str, Value] = {}
        self._quiet += 1
        try:
            for name in sorted(expression.names):
                self._touched = False
                try:
                    value = names[name]
                except KeyError:
                    continue
                if self._touched:
                    varied.append(name)
                else:
                    around[name] = value
            if not varied:
                return expression.evaluate(names)
            try:
                value = expression.evaluate(names)
            except ExpressionError as error:
                self._ask(expression, around, varied, (error.code, error.message))
                raise
            self._ask(expression, around, varied, (type(value), value))
            return value
        finally:
            self._quiet -= 1

    def _ask(
        self,
        expression: Expression,
        around: Mapping[str, Value],
        varied: Sequence[str],
        answer: Answer,
    ) -> None:
        fixed = tuple((name, type(value), value) for name, value in around.items())
        key = (id(expression), fixed, tuple(varied))
        if key in self._now:
            return
        question = self.questions.get(key)
        if question is None:
            columns = {name: self.columns[name] for name in varied}
            question = Question(expression, around, columns, self.sizes)
            self.questions[key] = question  # which holds the expression, whose id is in the key
        self._now.add(key)
        self.asked.append(Asked(key, question, answer))


class Watched(dict[str, Value]):
    """The values of the top's parameters in one design, of which the varied ones are watched."""

    def __init__(self, values: Mapping[str, Value], recorder: Recorder) -> None:
        super().__init__(values)
        self.recorder = recorder

    def __getitem__(self, name: str) -> Value:
        value = super().__getitem__(name)
        if name in self.recorder.columns:
            self.recorder.looked_up(name, value)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a name, which is looked up like any other."""
        return self[name] if name in self else default  # noqa: SIM401 (which is this)


class WatchedScope(Scope):
    """Names over watched ones, in which expressions are noted."""

    __slots__ = ("recorder",)

    def __init__(
        self,
        values: Mapping[str, Value],
        failed: AbstractSet[str] = frozenset(),
        *,
        recorder: Recorder,
    ) -> None:
        super().__init__(values, failed)
        self.recorder = recorder

    def beside(self, values: Mapping[str, Value], failed: AbstractSet[str]) -> "WatchedScope":
        """Another scope that is watched by the same."""
        return WatchedScope(values, failed, recorder=self.recorder)

    def calculated(self, expression: Expression) -> Value:
        """The value of an expression, noted."""
        return self.recorder.calculated(expression, self.values)
