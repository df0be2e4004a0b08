"""What is kept of a sweep: networks with the designs that give them, the best and the front."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from convcalc.shape import Shape
from convcalc.sweeps.axes import MEMORY, Axis
from convcalc.sweeps.digest import hashed
from convcalc.sweeps.front import front_of


class Rows(NamedTuple):
    """Designs that are left, a row each, in the order of their numbers."""

    numbers: Any
    """Numbers of the designs in the sweep, an array of int64."""
    codes: tuple[Any, ...]
    """The code of each axis, an array of int64 each."""
    columns: Mapping[str, Any]
    """What was worked out of them, an array by each name."""
    digest: Any
    """An array of uint64 with two columns: the digests of their networks."""

    def take(self, chosen: Any) -> "Rows":
        """Some of the rows: an array of their numbers, or of booleans."""
        return Rows(
            self.numbers[chosen],
            tuple(code[chosen] for code in self.codes),
            {name: column[chosen] for name, column in self.columns.items()},
            self.digest[chosen],
        )


def joined(several: Sequence[Rows]) -> Rows:
    """Rows one behind the other."""
    first = several[0]
    if len(several) == 1:
        return first
    return Rows(
        np.concatenate([rows.numbers for rows in several]),
        tuple(
            np.concatenate([rows.codes[number] for rows in several])
            for number in range(len(first.codes))
        ),
        {name: np.concatenate([rows.columns[name] for rows in several]) for name in first.columns},
        np.concatenate([rows.digest for rows in several]),
    )


class Groups(NamedTuple):
    """Networks, each with the first design that gives it and what the others are."""

    rows: Rows
    """The first design of each, in the order of their numbers unless it says otherwise."""
    count: Any
    """How many designs give it, an array of int64."""
    least: tuple[Any, ...]
    """By axis: the least value of these designs, as its place among all values by size."""
    greatest: tuple[Any, ...]
    """By axis: the greatest value of these designs, in the same way."""

    def take(self, chosen: Any) -> "Groups":
        """Some of the groups, in the order of their numbers in `chosen`."""
        return Groups(
            self.rows.take(chosen),
            self.count[chosen],
            tuple(each[chosen] for each in self.least),
            tuple(each[chosen] for each in self.greatest),
        )


class Keeper:
    """What is kept, and what makes two designs one there."""

    def __init__(
        self,
        axes: tuple[Axis, ...],
        goals: tuple[tuple[str, bool], ...] = (),
        sort: tuple[tuple[str, bool], ...] = (),
        top: int = 20,
        *,
        all_rows: bool = False,
    ) -> None:
        self.axes = axes
        """The axes of the sweep, in order."""
        self.goals = goals
        """What the front is of: names of columns, and whether more of it is better."""
        self.sort = sort
        """What the best are the first by: names of columns, and whether the most comes first; none
        is the order of the designs' numbers."""
        self.top = top
        """How many of the best are kept."""
        self.all_rows = all_rows
        """Whether every design is kept by itself, also where another one gives the same network."""

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs."""
        return {name: value for name, value in self.__dict__.items() if name != "ranks"}

    @cached_property
    def ranks(self) -> tuple[Any, ...]:
        """By axis the places of its values among all by size, by code."""
        return tuple(map(rank_of, self.axes))

    def groups(self, rows: Rows) -> Groups:
        """Designs as groups, those that give one network together."""
        ranks = tuple([rank[code] for rank, code in zip(self.ranks, rows.codes, strict=True)])
        single = Groups(rows, np.ones(len(rows.numbers), np.int64), ranks, ranks)
        return self.merged([single])

    def merged(self, several: Sequence[Groups]) -> Groups:
        """Groups of earlier and of later designs as one, in the order of first designs."""
        every = Groups(
            joined([groups.rows for groups in several]),
            np.concatenate([groups.count for groups in several]),
            *(
                tuple(np.concatenate([ends[at] for ends in side]) for at in range(len(self.axes)))
                for side in (
                    [groups.least for groups in several],
                    [groups.greatest for groups in several],
                )
            ),
        )
        order = np.argsort(every.rows.numbers, kind="stable")
        if self.all_rows or len(order) < 2:
            return every.take(order)
        every = every.take(order)
        keys = self._keys(every.rows)
        _, first, back = np.unique(keys, return_index=True, return_inverse=True)
        back = back.ravel()
        place = np.argsort(np.argsort(first))[back]  # of each row, the group in order of firsts
        first = np.sort(first)
        count = np.zeros(len(first), np.int64)
        np.add.at(count, place, every.count)
        least = tuple(each[first].copy() for each in every.least)
        greatest = tuple(each[first].copy() for each in every.greatest)
        for at in range(len(self.axes)):
            np.minimum.at(least[at], place, every.least[at])
            np.maximum.at(greatest[at], place, every.greatest[at])
        return Groups(every.rows.take(first), count, least, greatest)

    def _keys(self, rows: Rows) -> Any:
        """What makes designs one: the network, how it runs, and all that was worked out."""
        parts = [rows.digest.view(np.int64)]
        parts += [
            code[:, None]
            for axis, code in zip(self.axes, rows.codes, strict=True)
            if axis.kind in MEMORY
        ]
        parts += [_bits(column)[:, None] for column in rows.columns.values()]
        keys = np.ascontiguousarray(np.concatenate(parts, 1))
        return keys.view(np.dtype((np.void, keys.dtype.itemsize * keys.shape[1]))).ravel()

    def front(self, groups: Groups) -> Groups:
        """Those on the front."""
        if not len(groups.count):
            return groups
        goals = [signed(groups.rows.columns[name], most) for name, most in self.goals]
        return groups.take(np.flatnonzero(front_of(goals)))

    def front_rows(self, rows: Rows) -> Rows:
        """Designs that may be on the front."""
        goals = [signed(rows.columns[name], most) for name, most in self.goals]
        return rows.take(np.flatnonzero(front_of(goals)))

    def best(self, groups: Groups, *, ties: bool = False) -> Groups:
        """The best, in order.

        Of one stretch of designs it is with all `ties` of the last one, of which some may be the
        better ones for designs of theirs in an earlier stretch.
        """
        order = self._order(groups.rows)
        if ties and len(order) > self.top and not self.all_rows:
            last = order[self.top - 1]
            tied = np.ones(len(order), bool)
            for name, _ in self.sort:
                column = groups.rows.columns[name]
                tied &= column[order] == column[last]
            until = max(np.flatnonzero(tied), default=0) + 1
            return groups.take(order[: max(self.top, int(until))])
        return groups.take(order[: self.top])

    def best_rows(self, rows: Rows) -> Rows:
        """Designs that may be among the best, or give a network that is."""
        count = len(rows.numbers)
        if not self.sort or count <= 4 * self.top:
            return rows
        name, most = self.sort[0]
        column = signed(rows.columns[name], most)
        wanted = 4 * self.top
        while wanted < count:
            bound = np.partition(column, wanted - 1)[wanted - 1]
            some = rows.take(np.flatnonzero(column <= bound))
            if self.all_rows or len(np.unique(self._keys(some))) > self.top:
                return some
            wanted *= 8
        return rows

    def firsts(self, best: Groups) -> Any:
        """What tells the first networks from all others, once as many are known as are kept.

        That is where these are the best: nothing is sorted by, so no later design changes which
        they are, and all that is to be known of others is whether they give one of these. None
        where there may be others yet, or others that are better.
        """
        if self.sort or self.all_rows or len(best.count) < self.top:
            return None
        return best.rows

    def among(self, rows: Rows, firsts: Rows) -> Rows:
        """The designs that give one of some networks."""
        near = np.flatnonzero(np.isin(rows.digest[:, 1], firsts.digest[:, 1]))
        some = rows.take(near)
        known = {each.tobytes() for each in self._keys(firsts)}
        return some.take([each.tobytes() in known for each in self._keys(some)])

    def _order(self, rows: Rows) -> Any:
        """Rows by what is sorted by, then by number."""
        keys = [signed(rows.columns[name], most) for name, most in self.sort]
        return np.lexsort([rows.numbers, *keys[::-1]])


def signed(column: Any, most: bool) -> Any:  # noqa: FBT001 (which end is the better one)
    """A column of which less is better."""
    if column.dtype.kind == "b":
        column = column.astype(np.int64)
    return -column if most else column


def _bits(column: Any) -> Any:
    """Values as whole numbers that are equal where these are; of texts they are digests."""
    if column.dtype.kind == "O":
        told = [hashed(f"{type(value).__name__} {value}").plus for value in column.tolist()]
        return np.array(told, np.uint64).view(np.int64)
    if column.dtype.kind == "f":
        return (column + 0.0).view(np.int64)  # −0 is 0
    return column.astype(np.int64)


def rank_of(axis: Axis) -> Any:
    """By code of an axis, the place of its value among all by size; of words by their order."""
    order = _by_size(axis)
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def has_sizes(axis: Axis) -> bool:
    """Whether its values have an order by size, which words have not."""
    return all(_size(value) is not None for value in axis.values)


def _by_size(axis: Axis) -> list[int]:
    """The codes of an axis, the one of the least value first."""
    codes = list(range(len(axis.texts)))
    sizes = [size for size in map(_size, axis.values) if size is not None]
    if len(sizes) < len(codes):
        return codes
    return sorted(codes, key=lambda code: (sizes[code], code))


def _size(value: object) -> float | None:
    """What values of an axis are put in order by, false before true; None for words."""
    if isinstance(value, Shape):
        return value.size
    if isinstance(value, Mapping):  # inputs by their names
        return int(sum(shape.size for shape in value.values()))
    return value if isinstance(value, int | float) else None


def values_by_size(axis: Axis) -> list[str]:
    """The values of an axis as one would type them, the least first; words in their order."""
    return [axis.texts[code] for code in _by_size(axis)]
