"""The largest value of one axis with which a network keeps its limits, or the nearest to a figure.

Up to `ALL` values every one is worked out; a longer range is halved again and again, which finds
the answer where figures only rise or only fall, and so that is asked of every value that was tried,
some that are spread over the range among them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from operator import index
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.arguments import by_name, one_of, shown, text, whole
from convcalc.diagnostics import ArgumentError, Diagnostic, listed
from convcalc.graph import Given
from convcalc.methods import above, from_json
from convcalc.spec.nodes import ScalarNode, Value
from convcalc.spec.promises import OPTIMIZERS, OUTSIDE, Quantity, amounts
from convcalc.spec.values import FieldError
from convcalc.sweeps.axes import TRAINING, read_axes
from convcalc.sweeps.evaluators import FEW, evaluator_of
from convcalc.sweeps.measures import TRAINING as OF_TRAINING
from convcalc.sweeps.measures import Measure, read_measure
from convcalc.sweeps.plain import PlainEvaluator
from convcalc.sweeps.space import Space
from convcalc.sweeps.subject import Subject
from convcalc.sweeps.values import Steps, written_steps
from convcalc.sweeps.wording import LIBRARY, Wording

ALL = 10_000
"""Most values of a range that are all worked out."""
NEAR = 256
"""How far from a value that is invalid another one is looked for."""
FAR = 48
"""How many neighbours are looked at farther away."""
SPREAD = 16
"""In how many parts a range that is halved is divided by values that are tried, too."""
BETTER = 64
"""How often a value beside an answer may be the better one."""
SCHEMA = 1
"""Changes only when a field of the JSON changes its meaning or goes."""
_AT_ONCE = 500
"""How many designs are worked out at once."""


class Tried(NamedTuple):
    """One value of the axis, and what a network with it comes to."""

    value: str
    """The value, as one would type it."""
    figures: Mapping[str, int] = MappingProxyType({})
    """What was asked of it, by name; empty where the network is invalid."""
    code: str = ""
    """The code of what makes it invalid; empty where it is valid, and where there is no code."""
    problem: str = ""
    """What makes it invalid; empty where it is valid."""
    holds: bool = False
    """Whether it is valid and keeps all limits; of a nearest value whether it is valid."""


class Invalid(NamedTuple):
    """Values that are invalid for one reason."""

    code: str
    """The code of the finding; empty where there is none."""
    values: int
    """How many of the values that were tried are."""
    example: str
    """The first of them."""
    problem: str
    """What is wrong with it."""
    where: str
    """Where the spec is at fault: `net.yaml:4:40`."""


class Fitted(NamedTuple):
    """What `fit` finds."""

    name: str
    """The network's name, or the spec's path without one."""
    path: str
    """The spec as it was named."""
    axis: str
    """What was varied: a parameter of the spec, `input`, or `batch`."""
    limits: Mapping[str, Quantity]
    """What was to hold, by the names of the measures; empty where a nearest value was asked for."""
    nearest: tuple[str, int] | None
    """The measure that was to come near a figure, and the figure."""
    answer: Tried | None
    """The largest value that holds, or the nearest one, the smallest of those that are as near;
    None where no value that was tried is one."""
    below: Tried | None
    """The next smaller value of the range; None where there is none."""
    above: Tried | None
    """The next larger value of the range; None where there is none."""
    closest: Tried | None
    """Where no value holds, the valid one that was tried and breaks its limits by the least share,
    the smallest of such; None where there is an answer, or no valid value."""
    values: int
    """How many values the range has."""
    tried: int
    """How many of them were worked out: all, or those that halving came by."""
    monotone: bool
    """Whether each figure only rises, or only falls, over the values that were tried."""
    broken: int
    """How many smaller values that were tried are valid and do not keep the limits."""
    unseen: tuple[str, str] | None
    """Values between which halving ended early, because none is valid where it looked; None where
    it went to its end, and where all values were worked out."""
    alike: tuple[str, str] | None
    """The first and the last of neighbours that give the figures of the answer, itself one of
    them; None where it is alone, or where not all values were worked out."""
    invalid: tuple[Invalid, ...]
    """Why values that were tried are invalid, by code and place."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Where no value that was tried is valid: the errors of the network with the first of them."""

    @property
    def complete(self) -> bool:
        """Whether every value of the range was worked out."""
        return self.tried == self.values

    def __repr__(self) -> str:
        """What was found, in one line."""
        found = f"{self.axis} {self.answer.value}" if self.answer else f"no {self.axis}"
        return f"<Fitted {self.name!r}: {found}, {self.tried:,} of {self.values:,} values tried>"

    def __str__(self) -> str:
        """The text that `convcalc fit` prints."""
        return str(above("Fitted.__str__", self)).removesuffix("\n")

    def to_json(self) -> str:
        """The answer as JSON, as `convcalc fit --format json` prints it."""
        return str(above("Fitted.to_json", self))

    def to_dict(self) -> dict[str, Any]:
        """The same as Python has it: lists, dictionaries, numbers, texts and None."""
        return from_json(self.to_json())


def fit(
    spec: Given,
    vary: str,
    *,
    limits: Mapping[str, int | str] | None = None,
    nearest: Mapping[str, int | str] | None = None,
    batch: int | None = None,
    optimizer: str | None = None,
    input: object = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, str | Value] | None = None,
) -> Fitted:
    """The largest value of one axis with which a network keeps `limits`, or comes `nearest`.

    `vary` is the axis with its range, `alpha=0.1..4:0.01`: a parameter of the spec, `input` or
    `batch`. `limits` are the most of what a sweep measures, by name, and `nearest` is one measure
    with the figure it is to come near. `batch` is of memory alone, and `optimizer` of a training
    step. Raises `ArgumentError` for what cannot be asked, and `SpecError` for a spec that cannot be
    read.

    >>> found = fit("mobilenet_v2", "alpha=0.25..2:0.05", limits={"parameters": "5M"})
    >>> found.answer.value, found.answer.figures, found.above.figures
    ('1.2', {'parameters': 4725992}, {'parameters': 5050376})
    """
    asked: Mapping[str, Any] = {"limits": limits, "nearest": nearest, "batch": batch}
    return find(
        spec,
        vary,
        **asked,
        optimizer=optimizer,
        input=input,
        parameters=parameters,
        wording=LIBRARY,
    )


def find(
    spec: Given,
    vary: str,
    *,
    limits: Mapping[str, int | str] | None,
    nearest: Mapping[str, int | str] | None,
    batch: int | None,
    optimizer: str | None,
    input: object,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, str | Value] | None,
    wording: Wording,
) -> Fitted:
    """What `fit` gives, asked in these words."""
    text(vary, "vary", "'alpha=0.25..2:0.05'")
    if batch is not None:
        batch = whole(batch, "batch")
    if optimizer is not None:
        optimizer = one_of(optimizer, "optimizer", OPTIMIZERS)
    held = by_name({} if limits is None else limits, "limits", "{'parameters': '5M'}")
    near = by_name({} if nearest is None else nearest, "nearest", "{'parameters': 25557032}")
    subject = Subject(spec, input=input, parameters=parameters)
    axis = _axis(subject, vary, wording)
    wanted, goal = _asked(held, near, wording)
    measures = [read_measure(name) for name in (wanted or [goal[0] if goal else ""])]
    training = any(measure.name in OF_TRAINING for measure in measures)
    _idle(measures, batch, optimizer)
    name, steps = _read_range(subject, axis, vary, training=training, wording=wording)
    if name == "batch" and batch is not None:
        message = "batch is varied, and given as well: leave one of them out"
        raise ArgumentError(message)
    if name == "batch" and not _batched(measures):
        message = "nothing that is asked turns on the batch: limit memory or training_memory"
        raise ArgumentError(message)
    terms = Space(()).terms._replace(training=training, optimizer=optimizer or "sgd")
    trials = _Trials(subject, name, steps, Space((), batch or 1, terms), measures, wanted)
    network = subject.network(dict([(name, steps.text(0))] if name in subject.defaults else []))
    return trials.fitted(network.name or subject.path, goal)


def _asked(
    limits: Mapping[str, int | str], nearest: Mapping[str, int | str], wording: Wording
) -> tuple[dict[str, Quantity], tuple[str, int] | None]:
    """The limits as ranges, or the one figure that is to be come near."""
    if limits and nearest:
        message = "a limit and a nearest figure are two questions: ask one of them"
        raise ArgumentError(message)
    if len(nearest) > 1:
        message = f"nearest takes one figure, and these are {len(nearest)}: {', '.join(nearest)}"
        raise ArgumentError(message)
    if nearest:
        [(name, written)] = nearest.items()
        amount = _amount(name, written, wording)
        if amount.minimum is None or amount.minimum != amount.maximum:
            said = wording.asked(name, str(written), limit=False)
            message = f"{said} is a range, and this takes one number"
            raise ArgumentError(message)
        return {}, (name, amount.minimum)
    if not limits:
        message = (
            f"nothing is to hold: give a limit, such as {wording.limit}, or what is to come near a "
            f"figure, {wording.nearest}"
        )
        raise ArgumentError(message)
    return {
        name: _amount(name, written, wording, limit=True) for name, written in limits.items()
    }, None


def _amount(name: str, written: int | str, wording: Wording, *, limit: bool = False) -> Quantity:
    """A number, with a unit or as a range, that a measure is held against."""
    figure = written if isinstance(written, str) else None
    if not isinstance(written, str | bool):
        with suppress(TypeError):
            figure = str(index(written))  # a whole number, NumPy's among them
    if figure is None:
        message = (
            f"{name} is held against a number or text, such as '5M', and this is {shown(written)}"
        )
        raise TypeError(message)
    memory = read_measure(name).unit == "bytes"
    try:
        return amounts(ScalarNode(figure, 0, 1), OUTSIDE, limit=limit, memory=memory)
    except FieldError as error:
        advice = f"; {error.problem.help}" if error.problem.help else ""
        message = f"{wording.asked(name, figure, limit=limit)}: {error.problem.message}{advice}"
        raise ArgumentError(message) from None


def _batched(measures: Sequence[Measure]) -> bool:
    """Whether anything that is asked turns on how many examples there are."""
    return any(measure.memory and measure.limit is None for measure in measures)


def _idle(measures: Sequence[Measure], batch: int | None, optimizer: str | None) -> None:
    """Refuse what would have no effect on what is asked."""
    if batch is not None and not _batched(measures):
        message = "a batch has no effect: nothing that is asked turns on it, as memory does"
        raise ArgumentError(message)
    if optimizer is not None and not any(measure.name in OF_TRAINING for measure in measures):
        message = "an optimizer has no effect: nothing that is asked is of a training step"
        raise ArgumentError(message)


def _axis(subject: Subject, vary: str, wording: Wording) -> str:
    """The name of what is varied."""
    name = vary.partition("=")[0].strip()
    if not name:
        there = listed([*subject.defaults, "input", "batch"])
        message = (
            f"nothing is varied: write {wording.key('vary')} NAME=FROM..TO:STEP with one of {there}"
        )
        raise ArgumentError(message)
    if "=" not in vary:
        line = _line(subject, name)
        message = f"{wording.key('vary')} {vary[:60]}: it takes a range: write {line}"
        raise ArgumentError(message)
    if name in TRAINING or name == "dtype":
        message = (
            f"{wording.key('vary')} {name}: its values have no order: compare them with convcalc "
            "sweep"
        )
        raise ArgumentError(message)
    return name


def _line(subject: Subject, name: str) -> str:
    """What to write for an axis."""
    default = subject.defaults.get(name.removeprefix("set."))
    fraction = isinstance(default, ScalarNode) and _is_fraction(default.text)
    such = "0.25..2:0.05" if fraction else "16..256:16"
    return f"{name[:60]}=FROM..TO:STEP, such as {name[:60]}={such}"


def _read_range(
    subject: Subject, name: str, vary: str, *, training: bool, wording: Wording
) -> tuple[str, Steps]:
    """The name of the axis, and its values from the least to the greatest."""
    written = vary.partition("=")[2].strip()
    first = written.partition("..")[0] or "1"
    # Whether it is one:
    read_axes(subject, [(name, first)], training=training, wording=wording)
    if ".." not in written:
        line = _line(subject, name)
        message = f"{wording.key('vary')} {vary[:60]}: it takes a range: write {line}"
        raise ArgumentError(message)
    default = subject.defaults.get(name.removeprefix("set."))
    if isinstance(default, ScalarNode):
        _ordered(name, default, wording)
    fraction = isinstance(default, ScalarNode) and _is_fraction(default.text)
    if ":" not in written and (fraction or "." in written.replace("..", "", 1)):
        message = (
            f"{wording.key('vary')} {vary[:60]}: these are no whole numbers, so say in which "
            f"steps: write {name}={written[:60]}:0.01"
        )
        raise ArgumentError(message)
    steps = written_steps(written, name)
    ends = (steps.text(0), steps.text(steps.total - 1))
    both = ",".join(dict.fromkeys(ends))
    read_axes(subject, [(name, both)], training=training, wording=wording)
    if steps.step < 0:
        steps = steps.reversed()
    return name, steps


def _ordered(name: str, default: ScalarNode, wording: Wording) -> None:
    """Refuse a parameter whose values are words."""
    if not default.plain or default.text in ("true", "false"):
        message = (
            f"{wording.key('vary')} {name}: {name} is {default.text!r} and no number: compare its "
            "values with convcalc sweep"
        )
        raise ArgumentError(message)


def _is_fraction(text: str) -> bool:
    """Whether a number is written with a fraction."""
    return "." in text and text.replace(".", "", 1).isdecimal()


class _Trials:
    """What was tried of a range, and what follows from it."""

    def __init__(
        self,
        subject: Subject,
        name: str,
        steps: Steps,
        space: Space,
        measures: Sequence[Measure],
        limits: Mapping[str, Quantity],
    ) -> None:
        self.subject = subject
        self.name = name
        self.steps = steps
        self.space = space
        self.measures = measures
        self.limits = limits
        self.evaluator = evaluator_of(subject, steps.total)
        self.plain = PlainEvaluator(subject)
        self.known: dict[int, Tried] = {}
        self.where: dict[int, str] = {}
        """Where the spec is at fault, of values that are invalid."""
        self.unseen: tuple[int, int] | None = None
        """Numbers between which no valid value was found, though not all were worked out."""

    def work_out(self, numbers: Iterable[int]) -> None:
        """Work out values by their numbers, those that are not known."""
        missing = [number for number in dict.fromkeys(numbers) if number not in self.known]
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            texts = [self.steps.text(number) for number in some]
            space = self.with_values(texts)
            evaluator = self.evaluator if len(some) > FEW else self.plain
            chunk = evaluator.evaluate(space, 0, len(some), self.measures)
            for row, (number, value) in enumerate(zip(some, texts, strict=True)):
                if chunk.reason[row] >= 0:
                    reason = chunk.reasons[chunk.reason[row]]
                    self.where[number] = reason.where
                    self.known[number] = Tried(value, code=reason.code, problem=reason.message)
                    continue
                figures = {name: int(column[row]) for name, column in chunk.columns.items()}
                holds = all(limit.holds(figures[name]) for name, limit in self.limits.items())
                self.known[number] = Tried(value, figures, holds=holds)

    def at(self, number: int) -> Tried:
        """The value of this number."""
        self.work_out([number])
        return self.known[number]

    def ends(self, first: int, last: int) -> tuple[str, str]:
        """The values of these numbers."""
        return self.steps.text(first), self.steps.text(last)

    def beside(self, number: int) -> Tried:
        """The value of this number, with what is wrong with it itself.

        Of several that are invalid for one reason an evaluator says what is wrong with the first.
        """
        tried = self.at(number)
        if tried.figures:
            return tried
        chunk = self.plain.evaluate(self.with_values([tried.value]), 0, 1, self.measures)
        return tried._replace(problem=chunk.reasons[0].message)

    def valid_near(self, number: int, low: int, high: int) -> int | None:
        """The valid value nearest to one, between two others, themselves included.

        More of them are worked out at once the further away they are.
        """
        reach = 0
        while reach < NEAR:
            until = 2 * reach or 1
            around = range(max(number - until + 1, low), min(number + until, high + 1))
            self.work_out(around)
            valid = [near for near in around if self.known[near].figures]
            if valid:
                return min(valid, key=lambda near: (abs(near - number), near))
            if number - until < low and number + until > high:
                return None
            reach = until
        self.unseen = (low, high)
        return None

    def valid_of(self, number: int, end: int) -> int | None:
        """The first valid value from one on towards an end, itself included, of a few."""
        step = 1 if number < end else -1
        some = range(number, end + step, step)[:FAR]
        for start in range(0, len(some), FAR // 3):
            part = some[start : start + FAR // 3]
            self.work_out(part)
            valid = [each for each in part if self.known[each].figures]
            if valid:
                return valid[0]
        return None

    def outermost(self, number: int, end: int) -> int:
        """The last valid value from a valid one on to an end near which none is.

        It is looked for from the end on, and then from the valid one on, in stretches each twice as
        far away, and by halving between the last one that has a valid value and the next one.
        """
        step = 1 if number < end else -1
        outer, invalid, distance = number, end, NEAR
        while outer == number and distance < abs(end - number):
            valid = self.valid_of(end - step * distance, number)
            if valid is None:
                invalid = end - step * distance
            else:
                outer = valid
            distance *= 2
        distance = NEAR if outer == number else abs(invalid - number)
        while distance < abs(invalid - number):
            valid = self.valid_of(number + step * distance, invalid)
            if valid is None:
                invalid = number + step * distance
            else:
                outer = valid
            distance *= 2
        while abs(invalid - outer) > FAR:
            middle = (outer + invalid) // 2
            valid = self.valid_of(middle, invalid)
            if valid is None:
                invalid = middle
            else:
                outer = valid
        rest = range(outer, invalid, step)
        self.work_out(rest)
        outer = [each for each in rest if self.known[each].figures][-1]
        if outer == number or self.valid_of(outer - step, number) is None:
            # Else valid ones are close together up to there, and then there is none.
            self.unseen = (0, self.steps.total - 1)
        return outer

    def valid_ends(self) -> tuple[int, int] | None:
        """The least and the greatest valid value, as far as they are found; None where none is."""
        last = self.steps.total - 1
        high, low = self.valid_near(last, 0, last), self.valid_near(0, 0, last)
        some = low if high is None else high
        distance = NEAR
        while some is None and distance < last:
            some = self.valid_of(distance, last)
            if some is None:
                some = self.valid_of(last - distance, 0)
            distance *= 2
        if some is None:
            return None
        self.unseen = None  # what is not sure of either end is said of each
        high = self.outermost(some, last) if high is None else high
        return self.outermost(some, 0) if low is None else low, high

    def last(self, low: int, high: int, wanted: Callable[[Tried], bool]) -> int:
        """The last value that is `wanted`, where that of `low` is, and none behind one that is not.

        Values that are invalid are passed over.
        """
        if wanted(self.at(high)):
            return high
        while high - low > 1:
            middle = self.valid_near((low + high) // 2, low + 1, high - 1)
            if middle is None:
                break
            if wanted(self.at(middle)):
                low = middle
            else:
                high = middle
        return low

    def fitted(self, title: str, goal: tuple[str, int] | None) -> Fitted:
        """The answer, with what stands around it."""
        count = self.steps.total
        if count <= ALL:
            self.work_out(range(count))
            answer = self.best(goal)
        else:
            answer = self.halved(goal)
        for _ in range(BETTER):
            if answer is None:
                break
            self.work_out(each for each in (answer - 1, answer + 1) if 0 <= each < count)
            better = self.best(goal)
            if better == answer:
                break
            answer = better
        sides = [
            None if answer is None or not 0 <= answer + side < count else self.beside(answer + side)
            for side in (-1, 1)
        ]
        broken = sum(
            bool(tried.figures) and not tried.holds
            for number, tried in self.known.items()
            if answer is not None and number < answer
        )
        return Fitted(
            name=title,
            path=self.subject.path,
            axis=self.name,
            limits=self.limits,
            nearest=goal,
            answer=None if answer is None else self.known[answer],
            below=sides[0],
            above=sides[1],
            closest=self.closest() if answer is None else None,
            values=count,
            tried=len(self.known),
            monotone=self.monotone(),
            broken=broken,
            unseen=None if self.unseen is None else self.ends(*self.unseen),
            alike=None if answer is None or count > ALL else self.alike(answer),
            invalid=self.invalid(),
            diagnostics=self.diagnostics(),
        )

    def best(self, goal: tuple[str, int] | None) -> int | None:
        """The answer among the values that are known."""
        holding = [number for number, tried in self.known.items() if tried.holds]
        if not holding:
            return None
        if goal is None:
            return max(holding)
        name, figure = goal
        return min(
            holding, key=lambda number: (abs(self.known[number].figures[name] - figure), number)
        )

    def closest(self) -> Tried | None:
        """The valid value that breaks its limits by the least share."""

        def share(number: int) -> tuple[float, int]:
            figures = self.known[number].figures
            parts = [0.0]
            for name, limit in self.limits.items():
                value = figures[name]
                if limit.maximum is not None and value > limit.maximum:
                    parts.append((value - limit.maximum) / max(limit.maximum, 1))
                elif limit.minimum is not None and value < limit.minimum:
                    parts.append((limit.minimum - value) / max(limit.minimum, 1))
            return max(parts), number

        valid = [number for number, tried in self.known.items() if tried.figures]
        return self.known[min(valid, key=share)] if valid else None

    def halved(self, goal: tuple[str, int] | None) -> int | None:
        """The answer by halving the range."""
        ends = self.valid_ends()
        if ends is None:
            return None
        low, high = ends
        self.work_out(low + (high - low) * part // SPREAD for part in range(1, SPREAD))
        if goal is None:
            self.largest(low, high)
        else:
            self.nearest(low, high, *goal)
        return self.best(goal)

    def largest(self, low: int, high: int) -> None:
        """Halve towards the largest value that holds, between two that are valid."""
        keeps = self.keeping(self.at(low).figures, self.at(high).figures)
        if keeps(self.at(low)):
            self.last(low, high, keeps)
        largest = self.best(None)
        if (
            largest is not None and largest < high
        ):  # where figures rise and fall, not where that ended
            behind = [number for number, tried in self.known.items() if tried.figures]
            self.last(
                largest, min(each for each in behind if each > largest), lambda one: one.holds
            )

    def nearest(self, low: int, high: int, name: str, figure: int) -> None:
        """Halve towards the value that comes nearest to a figure, between two that are valid."""
        sign = 1 if self.at(low).figures[name] <= self.at(high).figures[name] else -1

        def below(most: int) -> Callable[[Tried], bool]:
            return lambda tried: sign * tried.figures[name] <= sign * most

        if below(figure)(self.at(low)):
            reached = self.last(low, high, below(figure))
            self.valid_near(min(reached + 1, high), reached, high)
        nearest = self.best((name, figure))
        if nearest is None:
            return
        least = self.at(nearest).figures[name]
        if below(least - sign)(self.at(low)):
            self.last(low, nearest, below(least - sign))  # the first of those that are as near

    def keeping(self, low: Mapping[str, int], high: Mapping[str, int]) -> Callable[[Tried], bool]:
        """What holds up to some value, where figures only rise or fall from `low` to `high`.

        That is the most of those that rise and the least of those that fall. The other ends hold
        from some value on, so that the last one for which the former hold is the answer, if any is.
        """
        rises = {name: low[name] <= high[name] for name in low}

        def keeps(tried: Tried) -> bool:
            return all(
                (limit.maximum is None or tried.figures[name] <= limit.maximum)
                if rises[name]
                else (limit.minimum is None or tried.figures[name] >= limit.minimum)
                for name, limit in self.limits.items()
            )

        return keeps

    def monotone(self) -> bool:
        """Whether each figure only rises, or only falls, over the values that are known."""
        valid = [tried.figures for _, tried in sorted(self.known.items()) if tried.figures]
        return all(
            all(a[name] <= b[name] for a, b in pairwise(valid))
            or all(a[name] >= b[name] for a, b in pairwise(valid))
            for name in (measure.name for measure in self.measures)
        )

    def alike(self, answer: int) -> tuple[str, str] | None:
        """The first and the last neighbour with the figures of the answer."""
        figures = self.known[answer].figures
        first = last = answer
        while first > 0 and self.known[first - 1].figures == figures:
            first -= 1
        while last + 1 < self.steps.total and self.known[last + 1].figures == figures:
            last += 1
        return None if first == last else self.ends(first, last)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The errors of the first value, where none is valid."""
        if any(tried.figures for tried in self.known.values()):
            return ()
        design = self.with_values([self.steps.text(min(self.known))]).design(0)
        return tuple(self.subject.network(design.parameters, design.input).errors)

    def with_values(self, values: Sequence[str]) -> Space:
        """The designs that have these values."""
        training = self.space.terms.training
        axes = read_axes(self.subject, [(self.name, ",".join(values))], training=training)
        return self.space._replace(axes=axes)

    def invalid(self) -> tuple[Invalid, ...]:
        """Why values are invalid, each code and place once."""
        by_reason: dict[tuple[str, str], list[int]] = {}
        for number in sorted(self.where):
            by_reason.setdefault((self.known[number].code, self.where[number]), []).append(number)
        return tuple(
            Invalid(code, len(numbers), example.value, example.problem, where)
            for (code, where), numbers in by_reason.items()
            for example in [self.known[numbers[0]]]
        )
