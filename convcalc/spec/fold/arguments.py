"""Numbers that differ between stretches that are alike: parameters, and what each call gives."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.spec.fold.nodes import MISSING, Expr, Number, Slot

WIDTHS = frozenset({"filters", "features", "groups", "hidden", "start", "stop"})
"""Fields that count channels, so that one number may stand for several of them."""
MOST_TIMES = 16
"""Largest multiple of a parameter that is seen as one."""


class Parameter(NamedTuple):
    """A parameter of a block that is made."""

    name: str
    """What expressions call it."""
    values: tuple[Number, ...]
    """What each call gives."""
    default: Any
    """What calls leave out; `MISSING` where each gives it."""
    field: str
    """The field that it was made for."""


class Arguments(NamedTuple):
    """What stands in the place of each number, and what each call gives."""

    parameters: tuple[Parameter, ...]
    """In the order in which they were wanted."""
    written: tuple[str | None, ...]
    """By slot: the expression that stands there; None for the number that is the same of all."""


def arguments(
    slots: Sequence[Slot], columns: Sequence[tuple[Number, ...]], taken: frozenset[str]
) -> Arguments:
    """Parameters for the columns that differ; `taken` are names that mean something else."""
    parameters: list[Parameter] = []
    written: list[str | None] = []
    known: dict[tuple[str, tuple[Any, ...]], str] = {}
    names = set(taken)
    for slot, column in zip(slots, columns, strict=True):
        if _same(column):
            written.append(None)
            continue
        field = slot.field.rstrip("0123456789")
        sort = "widths" if field in WIDTHS else field
        typed = tuple((type(each), each) for each in column)
        text = known.get((sort, typed)) or _related(slot, column, parameters)
        if text is None:
            text = _named(slot, names)
            names.add(text)
            parameters.append(Parameter(text, column, _usual(slot, column), field))
        known[sort, typed] = text
        written.append(text)
    return Arguments(tuple(parameters), tuple(written))


def _same(column: Sequence[Number]) -> bool:
    """Whether all are the same number, or an expression that means the same everywhere."""
    first = column[0]
    if isinstance(first, Expr) and first.local:
        return False
    return all(type(each) is type(first) and each == first for each in column)


def _usual(slot: Slot, column: Sequence[Number]) -> Any:
    """The default of a parameter: what its field has, where most calls want that."""
    default = slot.default
    if default is MISSING or isinstance(default, Expr):
        return MISSING
    count = sum(type(each) is type(default) and each == default for each in column)
    return default if 2 * count >= len(column) else MISSING


def _named(slot: Slot, names: set[str]) -> str:
    base = {"repeat": "rounds"}.get(slot.field, slot.field.rstrip("0123456789"))
    name, number = base, 1
    while name in names:
        number += 1
        name = f"{base}{number}"
    return name


def _related(
    slot: Slot,
    column: tuple[Number, ...],
    parameters: Sequence[Parameter],
) -> str | None:
    """An expression over a parameter that gives the numbers: 4*filters, or kernel // 2."""
    if any(type(each) is not int for each in column):
        return None
    field = slot.field.rstrip("0123456789")
    for parameter in parameters:
        if any(type(each) is not int or each < 1 for each in parameter.values):
            continue
        if {field, parameter.field} == {"padding", "dilation"} and column == parameter.values:
            return parameter.name
        halves = zip(column, parameter.values, strict=True)
        if (field, parameter.field) == ("padding", "kernel") and all(
            p == k // 2  # type: ignore[operator]
            for p, k in halves
        ):
            return f"{parameter.name} // 2"
        if not {field, parameter.field} <= WIDTHS:
            continue
        for one, other, form in (
            (column, parameter.values, "{times}*{name}"),
            (parameter.values, column, "{name} / {times}"),
        ):
            times = _times(one, other)
            if times:
                return form.format(times=times, name=parameter.name)
    return None


def _times(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many times larger all of one are than the others; 0 where they are not alike so."""
    if other[0] < 1 or one[0] % other[0]:
        return 0
    times: int = one[0] // other[0]
    if not 1 < times <= MOST_TIMES:
        return 0
    return times if all(a == times * b for a, b in zip(one, other, strict=True)) else 0


def in_order(parameters: Sequence[Parameter]) -> list[Parameter]:
    """The parameters as a block declares them: first those that every call gives."""
    return sorted(parameters, key=lambda each: each.default is not MISSING)
