"""Sets of sizes: stretches, each of which has the sizes with some residues of one modulus.

Residues are kept as intervals, because what is rounded down has the same answer for many sizes in
a row; nothing is listed unless it has to be, and then within `MOST_INTERVALS`.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import gcd, lcm
from typing import NamedTuple

from convcalc.stretches import joined

MOST_INTERVALS = 4_096
"""Most intervals of residues of one set; beyond it, the set is said to be not worked out."""
LARGEST_FACTOR = 1_000
"""Largest prime by which a modulus is tried to be made smaller."""

Intervals = tuple[tuple[int, int], ...]
"""Stretches of whole numbers, first and one behind the last; in order, none touching another."""


class TooManyError(Exception):
    """More intervals, or more steps, than are worked out."""


class Stretch(NamedTuple):
    """The sizes from one to another that have some residues."""

    first: int
    """The least size that may be in it."""
    last: int | None
    """The largest; None where it has no end."""
    modulus: int = 1
    """What residues are of."""
    residues: Intervals = ((0, 1),)
    """Which remainders the sizes have, divided by the modulus."""

    def __contains__(self, size: object) -> bool:
        """Whether a size is in it."""
        if not isinstance(size, int) or size < self.first:
            return False
        if self.last is not None and size > self.last:
            return False
        rest = size % self.modulus
        return any(first <= rest < behind for first, behind in self.residues)

    def above(self, size: int) -> int | None:
        """The least of its sizes that is `size` or more.

        >>> Stretch(1, None, 8, ((0, 1), (2, 3))).above(43)
        48
        """
        size = max(size, self.first)
        turn, rest = divmod(size, self.modulus)
        for first, behind in self.residues:
            if rest < behind:
                size = turn * self.modulus + max(first, rest)
                break
        else:
            size = (turn + 1) * self.modulus + self.residues[0][0]
        return None if self.last is not None and size > self.last else size

    def below(self, size: int) -> int | None:
        """The largest of its sizes that is `size` or less.

        >>> Stretch(1, None, 8, ((0, 1), (2, 3))).below(57)
        56
        """
        if self.last is not None:
            size = min(size, self.last)
        turn, rest = divmod(size, self.modulus)
        for first, behind in reversed(self.residues):
            if rest >= first:
                size = turn * self.modulus + min(behind - 1, rest)
                break
        else:
            size = (turn - 1) * self.modulus + self.residues[-1][1] - 1
        return None if size < self.first else size


Sizes = tuple[Stretch, ...]
"""A set of sizes: stretches in order, none over another."""

ALL: Sizes = (Stretch(1, None),)
"""Every size from 1 on."""


def holds(sizes: Sizes, size: int) -> bool:
    """Whether a size is in a set."""
    return any(size in stretch for stretch in sizes)


def least_of(sizes: Sizes, size: int = 0) -> int | None:
    """The least size of a set that is `size` or more."""
    return next((at for each in sizes if (at := each.above(size)) is not None), None)


def largest_of(sizes: Sizes, size: int) -> int | None:
    """The largest size of a set that is `size` or less."""
    return next((at for each in reversed(sizes) if (at := each.below(size)) is not None), None)


def members(sizes: Sizes, start: int = 0) -> Iterator[int]:
    """The sizes of a set in order, from `start` on; without end if it has none."""
    for stretch in sizes:
        size = stretch.above(start)
        while size is not None:
            yield size
            size = stretch.above(size + 1)


def within(sizes: Sizes, first: int, last: int | None = None) -> Sizes:
    """The sizes of a set from `first` to `last`.

    >>> within(ALL, 3, 9)
    (Stretch(first=3, last=9, modulus=1, residues=((0, 1),)),)
    """
    kept = []
    for each in sizes:
        low = max(each.first, first)
        high = each.last if last is None else last if each.last is None else min(each.last, last)
        cut = each._replace(first=low, last=high)
        if (high is None or low <= high) and cut.above(low) is not None:
            kept.append(cut)
    return tuple(kept)


def meet(sizes: Sizes, modulus: int, residues: Intervals) -> Sizes:
    """The sizes of a set that have some residues.

    >>> meet(meet(ALL, 4, ((1, 2),)), 6, ((3, 4),))  # 9, 21, 33, …
    (Stretch(first=1, last=None, modulus=12, residues=((9, 10),)),)
    """
    kept = []
    for each in sizes:
        common, both = _met(each.modulus, each.residues, modulus, residues)
        stretch = each._replace(modulus=common, residues=both)
        if both and stretch.above(each.first) is not None:
            kept.append(stretch)
    return tuple(kept)


def _met(one: int, some: Intervals, two: int, others: Intervals) -> tuple[int, Intervals]:
    """The residues of the least common multiple that are among both."""
    if one > two:
        one, two, some, others = two, one, others, some
    common = lcm(one, two)
    if one == 1 and some == ((0, 1),):
        return two, others
    if _single(some) and _single(others):
        return common, _crossed(one, some[0][0], two, others[0][0])
    turns = common // two
    if turns * len(others) > MOST_INTERVALS:
        if _single(some) and turns > 1:  # few of those many turns meet it
            return common, joined(_sparse(one, some[0][0], two, others))
        raise TooManyError
    both = []
    for turn in range(turns):
        for first, behind in others:
            start = turn * two
            for piece in _cut(one, some, start + first, start + behind):
                both.append(piece)
                if len(both) > MOST_INTERVALS:
                    raise TooManyError
    return common, joined(both)


def _single(intervals: Intervals) -> bool:
    return len(intervals) == 1 and intervals[0][1] - intervals[0][0] == 1


def _crossed(one: int, first: int, two: int, second: int) -> Intervals:
    """The residue of the least common multiple with two given ones, if there is one."""
    common = gcd(one, two)
    if (second - first) % common:
        return ()
    steps = (second - first) // common * pow(one // common, -1, two // common) % (two // common)
    size = (first + one * steps) % lcm(one, two)
    return ((size, size + 1),)


def _sparse(one: int, residue: int, two: int, others: Intervals) -> Iterator[tuple[int, int]]:
    """The residues of the least common multiple that are `residue` of the smaller modulus."""
    count = 0
    for first, behind in others:
        count += behind - first
        if count > MOST_INTERVALS:
            raise TooManyError
        for second in range(first, behind):
            yield from _crossed(one, residue, two, second)


def _cut(modulus: int, residues: Intervals, first: int, behind: int) -> Iterator[tuple[int, int]]:
    """The stretches from `first` on, up to `behind`, that have some residues."""
    turn = first // modulus * modulus
    while turn < behind:
        for start, end in residues:
            low, high = max(turn + start, first), min(turn + end, behind)
            if low < high:
                yield low, high
        turn += modulus


def wrapped(modulus: int, intervals: Iterable[tuple[int, int]]) -> Intervals:
    """Intervals of whole numbers as residues.

    >>> wrapped(8, [(6, 10), (19, 20)])
    ((0, 2), (3, 4), (6, 8))
    """
    pieces = []
    for first, behind in intervals:
        if behind - first >= modulus:
            return ((0, modulus),)
        start = first % modulus
        end = start + behind - first
        pieces.append((start, min(end, modulus)))
        if end > modulus:
            pieces.append((0, end - modulus))
    return joined(pieces)


def listed(intervals: Iterable[tuple[int, int]]) -> Sizes:
    """The set of some intervals of sizes."""
    return tuple(Stretch(first, behind - 1) for first, behind in joined(intervals))


def lifted(
    stretch: Stretch, modulus: int, most: int = MOST_INTERVALS
) -> tuple[int, tuple[tuple[int, int], ...]]:
    """The stretch's residues as those of the least common multiple with a modulus."""
    common = lcm(stretch.modulus, modulus)
    turns = common // stretch.modulus
    if turns * len(stretch.residues) > most:
        raise TooManyError
    return common, tuple(
        (turn * stretch.modulus + first, turn * stretch.modulus + behind)
        for turn in range(turns)
        for first, behind in stretch.residues
    )


def simplest(sizes: Iterable[Stretch]) -> Sizes:
    """The same set with the least moduli, and with as few stretches as there can be.

    >>> simplest([Stretch(3, 6), Stretch(7, None, 4, ((0, 4),))])
    (Stretch(first=3, last=None, modulus=1, residues=((0, 1),)),)
    """
    kept: list[Stretch] = []
    for stretch in sorted(map(_trimmed, sizes)):
        each = stretch
        while kept and (both := _both(kept[-1], each)) is not None:
            kept.pop()
            each = both
        kept.append(each)
    return tuple(kept)


def _trimmed(stretch: Stretch) -> Stretch:
    """With the least modulus, and from its least to its largest size."""
    modulus, residues = _least_modulus(stretch.modulus, stretch.residues)
    stretch = stretch._replace(modulus=modulus, residues=residues)
    first = stretch.above(stretch.first)
    last = None if stretch.last is None else stretch.below(stretch.last)
    stretch = stretch._replace(first=stretch.first if first is None else first, last=last)
    if (
        last is not None
        and last - stretch.first < modulus
        and len([*islice(_runs(stretch), 2)]) == 1
    ):
        return Stretch(stretch.first, last)
    return stretch


def _runs(stretch: Stretch) -> Iterator[int]:
    """The starts of what a bounded stretch has in a row."""
    before = None
    for size in members((stretch,)):
        if before is None or size > before + 1:
            yield size
        before = size


def _least_modulus(modulus: int, residues: Intervals) -> tuple[int, Intervals]:
    if residues == ((0, modulus),):
        return 1, ((0, 1),)
    rest, prime = modulus, 2
    while prime <= min(rest, LARGEST_FACTOR):
        if rest % prime:
            prime += 1
            continue
        rest //= prime
        smaller = modulus // prime
        if wrapped(modulus, [(a + smaller, b + smaller) for a, b in residues]) == residues:
            modulus, residues = (
                smaller,
                wrapped(smaller, [each for each in residues if each[0] < smaller]),
            )
    return modulus, residues


def _both(one: Stretch, two: Stretch) -> Stretch | None:
    """Two stretches as one, where there is one that has their sizes and no other."""
    if one.last is None:
        return None
    for pattern, first, last in ((two, one.first, two.last), (one, one.first, two.last)):
        whole = pattern._replace(first=first, last=last)
        if pattern is two:
            between = within((whole,), first, two.first - 1), within((one,), first)
        else:
            between = within((whole,), one.last + 1, last), within((two,), two.first)
        if _alike(*between):
            return whole
    return None


def _alike(some: Sizes, others: Sizes) -> bool:
    """Whether two sets are the same; False also where they are too large to tell."""
    if [(each.modulus, each.residues) for each in some] == [
        (each.modulus, each.residues) for each in others
    ]:
        ends = [(each.above(each.first), each.last and each.below(each.last)) for each in some]
        if ends == [
            (each.above(each.first), each.last and each.below(each.last)) for each in others
        ]:
            return True
    if any(each.last is None for each in (*some, *others)):
        return False
    one, two = (list(islice(members(each), MOST_INTERVALS)) for each in (some, others))
    return len(one) < MOST_INTERVALS and one == two
