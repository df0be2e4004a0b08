"""Where two extents are alike, or one within the other, as a set of sizes of the input."""

from collections.abc import Callable, Iterator
from operator import eq, le
from typing import Any

from convcalc.laws.forms import Form, apart_from, slower
from convcalc.laws.sets import (
    MOST_INTERVALS,
    Sizes,
    Stretch,
    TooManyError,
    least_of,
    lifted,
    listed,
    meet,
    members,
    simplest,
    within,
    wrapped,
)

MOST_STEPS = 50_000
"""Most pairs of extents that are compared for one merge."""


def equal(one: Form, two: Form, sizes: Sizes) -> Sizes:
    """The sizes of a set with which two extents are alike.

    >>> from convcalc.laws.sets import ALL
    >>> equal(Form(), Form().then(1, 0, 2).then(2, 0, 1), ALL)  # halved and doubled
    (Stretch(first=1, last=None, modulus=2, residues=((0, 1),)),)
    """
    return _compared(one, two, sizes, _alike, eq)


def at_most(one: Form, two: Form, sizes: Sizes) -> Sizes:
    """The sizes of a set with which the first of two extents is no larger than the second.

    >>> from convcalc.laws.sets import ALL
    >>> at_most(Form().then(1, 4, 1), Form().then(2, 0, 1), ALL)  # W + 4 and 2·W
    (Stretch(first=4, last=None, modulus=1, residues=((0, 1),)),)
    """
    return _compared(one, two, sizes, _ordered, le)


Intervals = list[tuple[int, int]]
Between = Callable[[Form, Form, int, int, list[int]], Intervals]
"""The intervals from one size to another in which two extents compare."""


def _compared(
    one: Form, two: Form, sizes: Sizes, between: Between, compare: Callable[[Any, Any], bool]
) -> Sizes:
    """The sizes of a set with which two extents compare in a way."""
    left = [MOST_STEPS]
    if slower(one, two):
        until = apart_from(one, two)
        pieces = []
        for stretch in within(sizes, 0, until):
            pieces += [
                piece
                for piece in between(
                    one, two, stretch.first, min(until, stretch.last or until), left
                )
                for piece in _parts(stretch, *piece)
            ]
        behind = within(sizes, until + 1) if compare(slower(one, two), 0) else ()
        return simplest((*listed(pieces), *behind))
    kept: list[Stretch] = []
    for stretch in sizes:
        if stretch.residues[0][1] - stretch.residues[0][0] == 1 == len(stretch.residues):
            settled = [form.settled(stretch.modulus, stretch.residues[0][0]) for form in (one, two)]
            if None not in settled:
                kept += [stretch] if compare(*settled) else []
                continue
        if stretch.last is not None and stretch.last - stretch.first < MOST_INTERVALS:
            pieces = between(one, two, stretch.first, stretch.last, left)
            kept += listed(part for piece in pieces for part in _parts(stretch, *piece))
            continue
        modulus, residues = lifted(stretch, one.period)
        modulus, residues = lifted(stretch._replace(modulus=modulus, residues=residues), two.period)
        turn = stretch.first // modulus * modulus
        both = [
            piece
            for first, behind in residues
            for piece in between(one, two, turn + first, turn + behind - 1, left)
        ]
        if both:
            kept += meet(
                (stretch._replace(modulus=1, residues=((0, 1),)),), modulus, wrapped(modulus, both)
            )
    return tuple(kept)


def _parts(stretch: Stretch, first: int, behind: int) -> Iterator[tuple[int, int]]:
    """The parts of an interval that are in a stretch, as intervals."""
    size = stretch.above(first)
    while size is not None and size < behind:
        # as long as sizes follow one another
        rest = size % stretch.modulus
        run = next(end - rest for start, end in stretch.residues if start <= rest < end)
        end = min(size + run, behind) if stretch.modulus > 1 else behind
        if stretch.last is not None:
            end = min(end, stretch.last + 1)
        yield size, end
        size = stretch.above(end)


def _ordered(one: Form, two: Form, first: int, last: int, left: list[int]) -> Intervals:
    """The intervals from `first` to `last` where an extent is no larger than another."""
    intervals = []
    size = first
    while size <= last:
        left[0] -= 1
        if left[0] < 0:
            raise TooManyError
        here, there = one.at(size), two.at(size)
        if here <= there:
            end = min(one.least(there + 1), last + 1)
            intervals.append((size, end))
            size = end
        else:
            size = two.least(here)
    return intervals


def _alike(one: Form, two: Form, first: int, last: int, left: list[int]) -> Intervals:
    """The intervals from `first` to `last` where two extents are alike."""
    intervals = []
    size = first
    while size <= last:
        left[0] -= 1
        if left[0] < 0:
            raise TooManyError
        here, there = one.at(size), two.at(size)
        if here == there:
            end = min(one.least(here + 1), two.least(there + 1), last + 1)
            intervals.append((size, end))
            size = end
        elif here < there:
            size = one.least(there)
        else:
            size = two.least(here)
    return intervals


def without(sizes: Sizes, first: int, last: int) -> Sizes:
    """The sizes of a set that are not from `first` to `last`."""
    return (*within(sizes, 0, first - 1), *within(sizes, last + 1))


def either(one: Sizes, two: Sizes) -> Sizes:
    """The sizes of two sets, of which one is bounded and has few."""
    small, large = (one, two) if bounded(one) else (two, one)
    for interval in _runs(small):
        low, high = interval
        if least_of(large, low) != low or least_of(large, high) != high:
            large = simplest((*without(large, low, high), Stretch(low, high)))
    return large


def bounded(sizes: Sizes) -> bool:
    """Whether a set has an end."""
    return not sizes or sizes[-1].last is not None


def _runs(sizes: Sizes) -> Iterator[tuple[int, int]]:
    for stretch in sizes:
        if stretch.modulus == 1 and stretch.last is not None:
            yield stretch.first, stretch.last
            continue
        for number, size in enumerate(members((stretch,))):
            if number > MOST_INTERVALS:
                raise TooManyError
            yield size, size
