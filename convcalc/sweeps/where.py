"""Conditions on designs: what is cheap to know is asked first, the rest of what is left."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.diagnostics import ArgumentError
from convcalc.spec.expressions import Connective, Expression, ExpressionError
from convcalc.spec.promises import amount
from convcalc.spec.syntax import parse_measures
from convcalc.sweeps.arrays import DesignError, evaluate
from convcalc.sweeps.measures import NEEDS, Measure
from convcalc.sweeps.names import Names
from convcalc.sweeps.space import Space
from convcalc.sweeps.wording import SPEC

DIVIDES = {"/", "%"}
"""Characters of what has no value where something is 0."""


class ConditionError(ArgumentError):
    """What is no condition; from `start` to before `end` its text is at fault."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


class Step(NamedTuple):
    """Conditions that are known once some measures are."""

    measures: tuple[Measure, ...]
    """What they need, and no earlier step does."""
    conditions: tuple[Expression, ...]
    """What must hold, in the order in which it was written."""


class Where(NamedTuple):
    """All conditions on a design, by what they cost."""

    text: str
    """What was written, for messages; empty for no condition."""
    steps: tuple[Step, ...] = ()
    """Conditions, the cheapest first."""

    @property
    def names(self) -> list[str]:
        """The names that it mentions, each once, in the order of the steps."""
        mentioned = (
            name
            for step in self.steps
            for condition in step.conditions
            for name in sorted(condition.names)
        )
        return list(dict.fromkeys(mentioned))


def read_where(text: str | None, names: Names) -> Where:
    """The conditions of a text; raises `ArgumentError` for what is none.

    What `and` joins at the top is asked one by one; anything else is one condition.
    """
    if text is None:
        return Where("")
    wording = names.space.wording
    key = wording.key("where")
    if not text.strip():
        message = f"{key} is empty: write a condition, such as parameters < 5M"
        raise ArgumentError(message)
    try:
        expression = parse_measures(text, amount_of)
    except ExpressionError as error:
        advice = f"; {error.help}" if error.help else ""
        column = "" if wording is SPEC else f", column {error.start + 1}"  # a spec has its own
        message = f"{key}{column}: {error.message}{advice}"
        raise ConditionError(message, error.start, error.end) from None
    if not expression.names:
        message = f"{key} {text.strip()[:60]!r} names nothing that a design has"
        raise ArgumentError(message)
    names.check(sorted(expression.names), key)
    parts = _parts(expression)
    for part in parts:
        if not part.names:
            message = f"{key}: {part} names nothing that a design has"
            raise ArgumentError(message)
    costs = [
        max(
            (
                0,
                *(
                    NEEDS.index(measure.needs) + 1
                    for name in part.names
                    if (measure := names.measure(name)) is not None
                ),
            )
        )
        for part in parts
    ]
    for at, part in enumerate(parts):
        if DIVIDES & {*str(part)}:  # which what stands in front may keep from a division by 0
            costs[at] = max(costs[: at + 1])
    steps = []
    seen: set[Measure] = set()
    for cost in sorted({*costs}):
        chosen = [part for part, own in zip(parts, costs, strict=True) if own == cost]
        needed = [
            measure
            for part in chosen
            for name in sorted(part.names)
            if (measure := names.measure(name)) is not None and measure not in seen
        ]
        seen.update(needed)
        steps.append(Step(tuple(dict.fromkeys(needed)), tuple(chosen)))
    return Where(text, tuple(steps))


def amount_of(text: str) -> int | None:
    """A number with a unit as budgets have it; None for what is none."""
    return amount(text, round_up=False)


def _parts(expression: Expression) -> Sequence[Expression]:
    if isinstance(expression, Connective) and expression.word == "and":
        return [part for operand in expression.operands for part in _parts(operand)]
    return [expression]


def holding(condition: Expression, columns: dict[str, Any], space: Space, numbers: Any) -> Any:
    """Which designs a condition holds for, as an array of booleans; `numbers` are theirs.

    Raises `ArgumentError`, which names a design, where it is neither true nor false of one.
    """
    count = len(numbers)
    key = space.wording.key("where")
    try:
        holds = evaluate(condition, columns, count)
    except DesignError as error:
        of = named(space, int(numbers[error.row]))
        advice = f"; {error.help}" if error.help else ""
        message = f"{key}: at {of}: {error.message}{advice}"
        raise ArgumentError(message) from None
    if holds.dtype.kind != "b":
        shown = str(condition)
        message = f"{key}: {shown} is no condition: compare it, as in {shown} < 5M"
        raise ArgumentError(message)
    return holds


def named(space: Space, number: int) -> str:
    """A design by the values of its axes: `alpha=0.5, batch=8`."""
    return ", ".join(
        f"{axis.name}={axis.texts[code]}"
        for axis, code in zip(space.axes, space.codes_of(number), strict=True)
    )
