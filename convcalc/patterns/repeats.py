"""What comes again in a list of layers is written once, with how many times over.

The shortest way to write it is found by dynamic programming over all stretches: a stretch is its
two parts one behind the other, or, where it is one part so many times over, that part once.
"""

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.layers import CATALOGUE
from convcalc.patterns.grammar import Element, Group, Layer, Merge, Sequential, simplified

MOST = 120
"""Most elements of a list whose shortest writing is looked for: it takes their number cubed."""
LONGEST = 256
"""Longest stretch that is looked for again in a longer list."""
LAYER, GROUP, STARTS_LATE = 10, 6, 1
"""What it costs to write a layer, a group round others, and a group that starts with what belongs
to the layer before it, an activation say."""
BELONGS = ("activation", "softmax", "norm", "identity")
"""Families of kinds that belong to the layer before them."""


def folded(pattern: Sequence[Element]) -> Sequential:
    """The pattern with equal neighbours written once, as far as it goes.

    >>> from convcalc.patterns.grammar import parse, written
    >>> written(folded(parse("CONV -> RELU -> CONV -> RELU -> POOL -> CONV -> RELU -> CONV -> RELU "
    ...                      "-> POOL -> FC")))
    'INPUT -> [[CONV -> RELU]*2 -> POOL]*2 -> FC'
    """
    made: list[Element] = []
    for element in pattern:
        if isinstance(element, Merge):
            made.append(element._replace(branches=tuple(map(folded, element.branches))))
        elif isinstance(element, Group):
            made.append(element._replace(inside=folded(element.inside)))
        else:
            made.append(element)
    period = 1
    while period <= min(len(made) // 2, LONGEST) and len(made) > MOST:
        shorter = _once(made, period)
        if len(shorter) < len(made):
            made, period = shorter, 1
        else:
            period += 1
    return simplified(_shortest(made) if len(made) <= MOST else made)


def _once(items: list[Element], period: int) -> list[Element]:
    """The items with each stretch of so many that follows itself written once."""
    made: list[Element] = []
    at = 0
    while at < len(items):
        inside = items[at : at + period]
        times = 1
        while items[at + times * period : at + (times + 1) * period] == inside:
            times += 1
        if times > 1 and len(inside) == period:
            made.append(Group(tuple(inside), times))
            at += times * period
        else:
            made.append(items[at])
            at += 1
    return made


class _Way(NamedTuple):
    """The shortest way to write a stretch."""

    cost: int
    """What it costs to write it so, in the unit of `LAYER`."""
    parts: int
    """Where its second part begins; 0 for one element."""
    period: int
    """Length of the part that it is several times over; 0 where it is two parts."""


def _shortest(items: list[Element]) -> list[Element]:
    """The items, written as short as can be."""
    known: dict[Element, int] = {}
    signs = [known.setdefault(each, len(known)) for each in items]
    ways: dict[tuple[int, int], _Way] = {}
    for start, item in enumerate(items):
        ways[start, start + 1] = _Way(_cost(item), 0, 0)
    for long in range(2, len(items) + 1):
        for start in range(len(items) - long + 1):
            end = start + long
            best = min(
                _Way(ways[start, middle].cost + ways[middle, end].cost, middle, 0)
                for middle in range(start + 1, end)
            )
            period = _period(signs[start:end])
            if period:
                late = STARTS_LATE * _belongs(items[start])
                once = ways[start, start + period].cost + GROUP + late
                if once < best.cost:
                    best = _Way(once, start + period, period)
            ways[start, end] = best
    return _followed(items, ways)


def _followed(items: list[Element], ways: dict[tuple[int, int], _Way]) -> list[Element]:
    """The items as the ways from the whole down say."""

    def stretch(start: int, end: int) -> list[Element]:
        way = ways[start, end]
        if way.period:
            inside = tuple(stretch(start, start + way.period))
            return [Group(inside, (end - start) // way.period)]
        if end - start == 1:
            return [items[start]]
        return [*stretch(start, way.parts), *stretch(way.parts, end)]

    return stretch(0, len(items)) if items else []


def _period(signs: list[int]) -> int:
    """The shortest part that a list is several times over; 0 where there is none."""
    whole = len(signs)
    for period in range(1, whole // 2 + 1):
        if whole % period == 0 and signs[:-period] == signs[period:]:
            return period
    return 0


def _cost(element: Element) -> int:
    """What it costs to write an element."""
    if isinstance(element, Group):
        return GROUP + sum(map(_cost, element.inside))
    if isinstance(element, Merge):
        return LAYER + sum(_cost(each) for branch in element.branches for each in branch)
    return LAYER


def _belongs(element: Element) -> bool:
    """Whether an element belongs to the layer before it."""
    return isinstance(element, Layer) and CATALOGUE[element.kind].family in BELONGS
