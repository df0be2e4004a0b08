"""What layers ask of the size of the input, and what their extents are while it is not known.

One variable at a time is asked about. A condition is kept as the sizes that are left of it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Literal, NamedTuple

from convcalc.laws.extents import either, equal, without
from convcalc.laws.forms import Form
from convcalc.laws.sets import (
    Sizes,
    TooManyError,
    largest_of,
    least_of,
    meet,
    simplest,
    within,
    wrapped,
)
from convcalc.laws.steps import Step, WrongError

REMAINDERS = "its sizes have too many remainders"
BORDER = "how much of what it leaves out is a border hangs on both maps before it"
"""Why something is not worked out."""


class Along(NamedTuple):
    """An extent that follows one variable."""

    variable: int
    """Which one: an axis of the input, from 0."""
    form: Form
    """How it follows it."""


class Mixed(NamedTuple):
    """An extent that is made of several, or in a way that is not followed."""

    parts: tuple[object, ...]
    """What it is made of; two of the same parts are alike."""
    variables: frozenset[int]
    """Which variables are in it."""


Extent = int | Along | Mixed
"""An extent on the way."""


What = Literal["least", "remainders", "alike", "within", "never"]
"""What a layer asks of the size: that it is large enough, that its stride tiles, that branches are
alike, or a border no wider than what it repeats, or that one map lies within another."""


class Imposed(NamedTuple):
    """What a layer puts on the size of the input, beyond what those before it do."""

    layer: int
    """Index of the layer in the network."""
    what: What
    """What it asks of the size; see `What`."""
    drops: bool
    """Whether it takes other sizes, too, and leaves out a real row of them."""
    sizes: Sizes
    """The sizes that are left: which drop nothing, if it is that."""


Meant = Callable[[int, int], bool]
"""Of a merge by its index and a spatial axis, whether one row may be spread there."""


class SplitError(Exception):
    """A merge does otherwise from one size on."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class UnknownError(Exception):
    """A layer asks what is not followed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Asked:
    """The sizes of one variable that all layers so far take, and what they asked for that."""

    def __init__(self, variable: int, sizes: Sizes, meant: Meant | None) -> None:
        self.variable = variable
        self.sizes = self.whole = self.start_sizes = sizes
        self.meant = meant
        self.at = 0
        self.lost: int | None = None
        self.why = ""
        self.imposed: list[Imposed] = []
        self.together: set[int] = set()
        self.mixing: list[int] = []

    def _stepped(self, step: Step, extent: Extent, border: int | None) -> Extent:
        """An extent behind a layer, whose conditions it has to meet."""
        if isinstance(extent, int):
            if extent < step.least or extent in step.without:
                raise WrongError
            if step.exact and step.left_over(extent):
                raise WrongError
            if step.spare is not None and step.left_over(extent) > step.spare + (border or 0):
                if border is None:
                    self._not_whole(BORDER)
                else:
                    self._ask("remainders", lambda _: (), drops=True)
            return step.at(extent)
        if isinstance(extent, Mixed):
            if (step.times, step.shift, step.over, step.least) == (1, 0, 1, 1):
                return extent
            if self.variable in extent.variables:
                self._mixes(extent.variables)
                if len(extent.variables) == 1:
                    what = "a sum of what follows" if extent.parts[0] == "sum" else "a product of"
                    itself = "in other steps" if extent.parts[0] == "sum" else "with itself"
                    raise UnknownError(f"its extent is {what} the size {itself}")
            if not step.times:
                return step.at(0)
            return Mixed(("step", extent, step[:3]), extent.variables)
        variable, form = extent
        if variable == self.variable:
            self._condition(step, form, border)
        if not step.times:
            return step.at(0)
        return Along(variable, form.then(*step[:3]))

    def _condition(self, step: Step, form: Form, border: int | None) -> None:
        """Ask of the size what a layer asks of an extent."""
        if step.least > 1:
            self._at_least(form, step.least)
        for extent in step.without:
            low, high = form.least(extent), form.least(extent + 1) - 1
            self._ask("alike", partial(without, first=low, last=high))
        if step.exact:
            self._remainders(form, step, 0)
        elif step.spare is not None and border is not None:
            self._remainders(form, step, step.spare + border, drops=True)
        elif step.spare is not None and step.spare < step.over - 1:
            self._not_whole(BORDER)

    def _at_least(self, form: Form, extent: int) -> None:
        self._ask("least", partial(within, first=form.least(extent)))

    def _remainders(self, form: Form, step: Step, spare: int, *, drops: bool = False) -> None:
        """Ask that a stride leaves over no more than so many rows."""
        if spare < step.over - 1:
            around = wrapped(step.over, [(step.turn, step.turn + spare + 1)])
            modulus, residues = form.pulled(step.over, around)
            ask = partial(meet, modulus=modulus, residues=residues)
            self._ask("remainders", ask, drops=drops)

    def _ask(self, what: What, ask: Callable[[Sizes], Sizes], *, drops: bool = False) -> None:
        """Keep the sizes that a layer takes, and note what it asks if any goes."""
        sizes, whole = self.sizes, self.whole
        try:
            self.whole = ask(whole)
        except TooManyError:
            self._not_whole(REMAINDERS)
        if not drops:
            self.sizes = ask(sizes)
        if self._fewer(what, sizes, self.sizes):
            self.imposed.append(Imposed(self.at, what, drops=False, sizes=self.sizes))
        elif self._fewer(what, whole, self.whole):
            self.imposed.append(Imposed(self.at, what, drops=True, sizes=self.whole))

    def _not_whole(self, why: str) -> None:
        """Note that from this layer on it is not worked out which sizes drop nothing."""
        if self.lost is None:
            self.lost, self.why = self.at, why
        self.whole = ()

    @staticmethod
    def _fewer(what: What, before: Sizes, after: Sizes) -> bool:
        """Whether any size is gone."""
        if before == after or (what == "within" and simplest(before) == simplest(after)):
            return False
        return what != "least" or least_of(before, 0) != least_of(after, 0)

    def _mixes(self, variables: frozenset[int]) -> None:
        """Note that a layer makes something of several variables."""
        others = variables - {self.variable}
        if others:
            self.together |= others
            self.mixing.append(self.at)

    def _product(self, extents: Sequence[Extent]) -> Extent:
        """One axis of several."""
        number = prod(each for each in extents if isinstance(each, int))
        others: list[Along | Mixed] = []
        for each in extents:
            if isinstance(each, Mixed) and each.parts[0] == "product":
                number *= each.parts[1]  # type: ignore[operator]  # a product starts so
                others += each.parts[2:]  # type: ignore[arg-type]
            elif not isinstance(each, int):
                others.append(each)
        if not others:
            return number
        if len(others) == 1 and isinstance(others[0], Along):
            variable, form = others[0]
            return Along(variable, form.then(number, 0, 1))
        ordered = sorted(others, key=repr)
        return Mixed(("product", number, *ordered), frozenset().union(*map(variables_in, others)))

    @staticmethod
    def _sum(extents: Sequence[Extent]) -> Extent:
        """Axes one behind the other."""
        number = sum(each for each in extents if isinstance(each, int))
        others = [each for each in extents if not isinstance(each, int)]
        if not others:
            return number
        first = others[0]
        if isinstance(first, Along) and all(each == first for each in others):
            return Along(first.variable, first.form.then(len(others), number, 1))
        return Mixed(("sum", *extents), frozenset().union(*map(variables_in, extents)))

    def _met(self, one: Extent, two: Extent, axis: int, *, spreads: bool) -> Extent:
        """The extent of two branches along an axis, where they fit each other."""
        if one == two:
            return one
        if isinstance(one, int) and isinstance(two, int):
            if spreads and 1 in (one, two):
                return max(one, two)
            raise WrongError
        variables = variables_in(one) | variables_in(two)
        if self.variable not in variables:
            if spreads and isinstance(one, int) and one == 1:
                return two
            if spreads and isinstance(two, int) and two == 1:
                return one
            return one if not isinstance(two, int) else two
        if isinstance(one, Mixed) or isinstance(two, Mixed) or len(variables) > 1:
            if spreads and 1 in (one, two):
                return two if one == 1 else one
            self._mixes(variables)
            if len(variables) == 1:
                raise UnknownError("its branches have products or sums of the size with itself")
            return one
        if isinstance(one, int):
            one, two = two, one
        assert isinstance(one, Along)  # noqa: S101 (for the type checker)
        if spreads and two == 1:
            return one
        if self.meant is not None and axis >= 0:
            spreads &= self.meant(self.at, axis)
        if isinstance(two, int):
            return self._met_number(one, two, spreads=spreads)
        return self._met_form(one, two, spreads=spreads)

    def _met_number(self, one: Along, two: int, *, spreads: bool) -> Extent:
        """The extent of a branch that follows the size and of one that has `two` rows."""
        form = one.form

        def ask(sizes: Sizes) -> Sizes:
            alike = within(sizes, form.least(two), form.least(two + 1) - 1)
            return either(within(sizes, 0, form.least(2) - 1), alike) if spreads else alike

        self._ask("alike", ask)
        return two

    def _met_form(self, one: Along, two: Along, *, spreads: bool) -> Extent:
        """The extent of two branches that follow the size."""
        low, high = least_of(self.sizes, 0), _last(self.sizes)
        if low is None:
            return one
        for each, other in ((one, two), (two, one)) if spreads else ():
            larger = each.form.least(2)
            if low < larger:
                if high is None or high >= larger:
                    raise SplitError(larger)
                return other
        self._ask("alike", partial(equal, one.form, two.form))
        return one if len(one.form.steps) <= len(two.form.steps) else two


def variables_in(extent: Extent) -> frozenset[int]:
    """The variables that an extent follows."""
    if isinstance(extent, Along):
        return frozenset({extent.variable})
    return extent.variables if isinstance(extent, Mixed) else frozenset()


def _last(sizes: Sizes) -> int | None:
    """The largest size of a set; None where there is none."""
    end = sizes[-1].last if sizes else 0
    return None if end is None else largest_of(sizes, end)
