"""A figure with its reason: a number, and the formula that it came from."""

from typing import NamedTuple

from convcalc.explanation.page import Formula
from convcalc.numbers import grouped
from convcalc.reasons import Names, Reasoned, filled, formula


class Figure(NamedTuple):
    """A number of a layer, and how it comes about."""

    of: str
    """Which number: `height`, `parameters`."""
    formula: str
    """How it comes about, in letters: `(H − F + 2·P)/S + 1`; "" where nothing is worked out."""
    filled: str
    """The same with the layer's numbers."""
    value: int
    """What it comes to: values, multiply-accumulates, positions or bytes."""
    note: str = ""
    """What is to be said of it."""

    def shown(self) -> Formula:
        """The figure as a page shows it."""
        alone = self.filled in ("", str(self.value))
        numbers = "" if alone else self.filled
        return Formula(self.of, self.formula, numbers, grouped(self.value), self.note)


def reasoned(of: str, number: int, names: Names | None = None, note: str = "") -> Figure:
    """The figure of a number that remembers; a plain number is its own reason."""
    if not isinstance(number, Reasoned):
        return Figure(of, "", "", int(number), note)
    letters, numbers = formula(number, names), filled(number, names)
    given = letters == numbers  # a constant of the layer's
    return Figure(of, "" if given else letters, numbers, int(number), note)
