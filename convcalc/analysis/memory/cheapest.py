"""The cheapest checkpoints: the fewest multiply-accumulates done again whose peak fits.

Pieces of a network (`pieces`) make a graph: its nodes are cuts between layers, its edges the pieces
from one cut to another, each with what it takes beside K, the bytes kept before it, with what K
grows by, and with its multiply-accumulates. A choice of checkpoints is a path through it, and fits
where every edge's K and need are within the room that there is. What is left of a path behind a
node depends on the node and on K alone, and less K is never worse. So the paths to a node that may
be part of the best are those of which no other has both less K and fewer multiply-accumulates: a
front. Fronts are carried from cut to cut, and the best path to the end is the best of all choices.

Fronts are kept small by a bound that never cuts off a best path: `caps` tells for each node, and
for so much that may still be spent, the most K from which the end is reached. What is spent is
counted in levels there, rounded down for each piece, K to the byte.

Among the choices with the fewest multiply-accumulates the lowest peak is the least room in which
there is still one, found by bisection; then the fewest segments are found the same way as the
fewest multiply-accumulates, within that room.
"""

from math import gcd
from typing import Any, NamedTuple

import numpy as np

from convcalc.analysis.memory.pieces import Piece, Pieces
from convcalc.analysis.memory.walk import Segment

LEVELS = 4096
"""Most levels in which what is spent is counted."""
ENTRIES = 16_000_000
"""Numbers that are worked with for one table of levels, about: pieces times levels."""
FEWEST_LEVELS = 32
"""Levels that there are in any case."""
MOST_EDGES = 2_000_000
"""Pieces of a network beyond which not all are looked at."""
MOST_POINTS = 400_000
"""Paths carried from cut to cut beyond which a search is given up."""
LARGE = 2**60
"""Numbers below it are worked with as NumPy's."""


class Choice(NamedTuple):
    """Segments that run again, and what they take."""

    segments: tuple[Segment, ...]
    """The segments, in the network's order."""
    macs: int
    """Multiply-accumulates that are done again, of one example."""
    most: int
    """The most bytes alive in both passes, beside what is there all the time."""


class TooMany(Exception):  # noqa: N818 (it is an answer)
    """There are more pieces, or paths, than are looked at."""


class _Edges(NamedTuple):
    """Pieces from one node, as arrays."""

    needs: Any
    """What each takes beside K, if K has as many copies of weights as it can."""
    forwards: Any
    """In mixed precision, what it takes forward beside K without its copies of weights."""
    adds: Any
    """By how much K grows."""
    casts: Any
    """In mixed precision, how much of that is copies of weights."""
    macs: Any
    """Multiply-accumulates that each does again, of one example."""
    to: Any
    """The node behind it."""
    stops: Any
    """The layer behind a segment; 0 where nothing runs again."""

    def within(self, casts: int) -> Any:
        """What each takes beside K, if K has so many bytes of copies of weights."""
        return np.maximum(self.needs, self.forwards - casts) if len(self.forwards) else self.needs

    def chosen(self, alive: Any) -> "_Edges":
        """Some of them."""
        return _Edges(*(array[alive] if len(array) else array for array in self))


class Choices:
    """All choices of checkpoints for one batch that take at most `room`, and `most` MACs."""

    def __init__(self, pieces: Pieces, room: int, most: int, *, every: int = 1) -> None:
        """Segments begin and end at `every` so many layers. Raises `TooMany`."""
        self.pieces = pieces
        self.mixed = pieces.program.mixed
        self.type: Any = np.int64 if max(room, most) < LARGE else np.object_
        self.nodes: list[tuple[int, int]] = []
        numbers: dict[tuple[int, int], int] = {}
        by_layer: list[list[int]] = [[] for _ in range(pieces.stop + 1)]
        least: list[int] = []
        edges: dict[int, _Edges] = {}
        count = 0

        def node(layer: int, cut: int, kept: int) -> int:
            known = numbers.get((layer, cut))
            if known is None:
                known = numbers[layer, cut] = len(least)
                by_layer[layer].append(known)
                self.nodes.append((layer, cut))
                least.append(kept)
            elif kept < least[known]:
                least[known] = kept
            return known

        node(pieces.start, pieces.first, 0)
        self.order: list[int] = []
        for layer in range(pieces.start, pieces.stop):
            for here in by_layer[layer]:
                self.order.append(here)
                cut, kept = self.nodes[here][1], least[here]
                left = room - kept
                there = [pieces.once(layer, cut)]
                if (layer - pieces.start) % every == 0:
                    there += (
                        piece
                        for piece in pieces.segments(layer, cut, left, most)
                        if piece.stop == pieces.stop or (piece.stop - pieces.start) % every == 0
                    )
                there = [each for each in there if self._need(layer, each) <= left]
                to = [node(each.stop, each.cut, kept + each.adds) for each in there]
                edges[here] = self._arrays(layer, there, to)
                count += len(there)
                if count > MOST_EDGES:
                    raise TooMany
        self.end = len(least)
        for here in by_layer[pieces.stop]:
            self.order.append(here)
            there = [pieces.losses(self.nodes[here][1])]
            there = [each for each in there if self._need(pieces.stop, each) <= room - least[here]]
            edges[here] = self._arrays(pieces.stop, there, [self.end] * len(there))
        none = self._arrays(pieces.stop, [], [])
        self.edges = [edges.get(here, none) for here in range(self.end + 1)]

    def _need(self, layer: int, piece: Piece) -> int:
        return max(piece.forward - self.pieces.kept_copies[layer], piece.backward)

    def _arrays(self, layer: int, found: list[Piece], to: list[int]) -> _Edges:
        wide, narrow = self.type, np.int64
        mixed = found if self.mixed else []
        return _Edges(
            np.array([self._need(layer, each) for each in found], wide),
            np.array([each.forward for each in mixed], wide),
            np.array([each.adds for each in found], wide),
            np.array([each.casts for each in mixed], wide),
            np.array([each.macs for each in found], wide),
            np.array(to, narrow),
            np.array([each.stop if each.again else 0 for each in found], narrow),
        )

    def caps(
        self, room: int, unit: int = 1, levels: int = 1, *, free: bool = False, strict: bool = False
    ) -> Any:
        """By node and level, the most K from which the end is reached within `room`, or -1.

        A level is `unit` multiply-accumulates; of each piece so many are counted, rounded down, or
        none where they are `free`. In mixed precision K is taken to have as many copies of weights
        as it can, or, if it is `strict`, none.
        """
        table = np.full((len(self.edges), 2 * levels), -1, self.type)
        table[self.end, levels:] = room
        each = np.arange(levels, 2 * levels)
        for here in reversed(self.order):
            edges = self.edges[here]
            if not len(edges.to):
                continue
            if free:
                left = table[edges.to, levels:]
            else:
                spent = np.minimum(edges.macs // unit, levels).astype(np.int64)
                left = table[edges.to[:, None], each[None, :] - spent[:, None]]
            needs = edges.within(0) if strict else edges.needs
            left = np.minimum(left - edges.adds[:, None], (room - needs)[:, None])
            table[here, levels:] = np.maximum(left.max(axis=0), -1)
        return table[:, levels:]

    def lowest(self, least: int, room: int) -> int | None:
        """The least room in which the end is reached, from `least` to `room`; None if in none.

        Raises `TooMany`.
        """
        if self.caps(room, free=True)[0, 0] < 0:
            return None
        low, high = least - 1, room
        while high - low > 1:
            middle = (low + high) // 2
            if self.caps(middle, free=True)[0, 0] < 0:
                low = middle
            else:
                high = middle
        if not self.mixed:
            return high
        low, high = high - 1, room + 1
        while high - low > 1:
            middle = (low + high) // 2
            caps = self.caps(middle, free=True)
            path = self._searched(caps, middle, 1, 0, free=True)
            if path is None:
                low = middle
            else:
                high = max(path.most, low + 1)
        return high if high <= room else None

    def best(self, room: int, most: int, *, fewest: bool = False) -> Choice | None:
        """The choice with the fewest multiply-accumulates, at most `most`; None if none fits.

        Of equal ones it has the `fewest` segments, if asked. Raises `TooMany`.
        """
        unit, levels = self._levels(most)
        caps = self.caps(room, unit, levels)
        if caps[0, -1] < 0:
            return None
        level = int(np.searchsorted(caps[0], 0))
        if not self.mixed:
            traced = self._traced(caps, room, unit, level)
            if not fewest and traced.macs <= level * unit:
                return traced
            most = min(most, traced.macs)
        return self._searched(caps, room, unit, most, fewest=fewest)

    def bounded(self, room: int, most: int) -> Choice | None:
        """A choice that fits, not far from the best, and what is dearer forgotten; or None.

        In mixed precision there may be one that it does not find.
        """
        nearest = None
        while True:
            unit, levels = self._levels(most)
            caps = self.caps(room, unit, levels, strict=True)
            if caps[0, -1] < 0:
                return nearest
            level = int(np.searchsorted(caps[0], 0))
            traced = self._traced(caps, room, unit, level)
            nearest = traced if nearest is None or traced.macs < nearest.macs else nearest
            if nearest.macs > most * 3 // 4 or unit == 1:
                return nearest
            most = nearest.macs
            self.keep(room, most)

    def _levels(self, most: int) -> tuple[int, int]:
        """Multiply-accumulates a level, and how many levels there are up to `most`."""
        unit = 0
        for edges in self.edges:
            for macs in {*edges.macs.tolist()}:
                unit = gcd(unit, macs) if macs <= most else unit
        count = sum(len(edges.to) for edges in self.edges)
        levels = max(min(LEVELS, ENTRIES // max(count, 1)), FEWEST_LEVELS)
        unit = max(unit, -(-most // (levels - 1)), 1)
        return unit, most // unit + 1

    def _traced(self, caps: Any, room: int, unit: int, level: int) -> Choice:
        """A path that fits; it spends no more than `level`, rounded down for each piece."""
        here = kept = spent = highest = 0
        segments: list[Segment] = []
        while here != self.end:
            edges = self.edges[here]
            left = level - edges.macs // unit
            ahead = caps[edges.to, np.maximum(left, 0).astype(np.int64)]
            needs = edges.within(0)
            fits = (left >= 0) & (needs <= room - kept) & (ahead >= edges.adds + kept)
            taken = int(np.flatnonzero(fits)[0])
            highest = max(highest, kept + int(needs[taken]))
            kept += int(edges.adds[taken])
            spent += int(edges.macs[taken])
            level = int(left[taken])
            if edges.stops[taken] > 0:
                segments.append(Segment(self.nodes[here][0], int(edges.stops[taken])))
            here = int(edges.to[taken])
        return Choice(tuple(segments), spent, highest)

    def _searched(
        self,
        caps: Any,
        room: int,
        unit: int,
        most: int,
        *,
        fewest: bool = False,
        free: bool = False,
    ) -> Choice | None:
        """The best path of at most `most` multiply-accumulates, by fronts from cut to cut.

        None where there is none. Nothing is counted where multiply-accumulates are `free`.
        """
        waiting: dict[int, list[_Point]] = {0: [_Point(0, 0, 0, 0, None, 0, 0)]}
        levels, points = caps.shape[1], 0
        for here in (*self.order, self.end):
            front = _front(waiting.pop(here, []), flat=not self.mixed)
            if here == self.end:
                return self._path(min(front, key=lambda each: each[:2])) if front else None
            edges = self.edges[here]
            macs = edges.macs * 0 if free else edges.macs
            for point in front:
                left = most - point.macs - macs
                level = np.clip(left // unit, 0, levels - 1).astype(np.int64)
                fits = (left >= 0) & (edges.within(point.casts) <= room - point.kept)
                fits &= caps[edges.to, level] >= edges.adds + point.kept
                for at in np.flatnonzero(fits).tolist():
                    waiting.setdefault(int(edges.to[at]), []).append(
                        _Point(
                            point.macs + int(macs[at]),
                            point.several + (fewest and edges.stops[at] > 0),
                            point.kept + int(edges.adds[at]),
                            point.casts + (int(edges.casts[at]) if self.mixed else 0),
                            point,
                            here,
                            at,
                        )
                    )
                    points += 1
                if points > MOST_POINTS:
                    raise TooMany
        return None

    def _path(self, point: "_Point") -> Choice:
        """The choice that leads to a point."""
        spent = highest = 0
        segments: list[Segment] = []
        while (before := point.before) is not None:
            edges, at = self.edges[point.node], point.edge
            spent += int(edges.macs[at])
            highest = max(highest, before.kept + int(edges.within(before.casts)[at]))
            if edges.stops[at] > 0:
                segments.append(Segment(self.nodes[point.node][0], int(edges.stops[at])))
            point = before
        return Choice(tuple(reversed(segments)), spent, highest)

    def keep(self, room: int, most: int) -> None:
        """Forget the pieces that are in no choice of at most `most` multiply-accumulates."""
        unit, levels = self._levels(most)
        caps = self.caps(room, unit, levels)
        never = np.iinfo(np.int64).max if self.type is np.int64 else 2**200
        reached = np.full((len(self.edges), levels), never, self.type)
        reached[0, :] = 0
        each = np.arange(levels)
        for here in self.order:
            edges = self.edges[here]
            if not len(edges.to):
                continue
            kept = reached[here][None, :]
            spent = np.minimum(edges.macs // unit, levels).astype(np.int64)[:, None]
            ends = each[None, :] + spent
            ahead = caps[edges.to[:, None], np.maximum(levels - 1 - ends, 0)]
            fits = (ends < levels) & (kept <= np.minimum((room - edges.needs), room)[:, None])
            grown = np.where(fits, kept, 0) + edges.adds[:, None]
            alive = (fits & (grown <= ahead)).any(axis=1)
            for at in np.flatnonzero(alive).tolist():
                there, by = int(edges.to[at]), int(spent[at, 0])
                now = np.where(fits[at], grown[at], never)[: levels - by]
                reached[there, by:] = np.minimum(reached[there, by:], now)
            self.edges[here] = edges.chosen(alive)


class _Point(NamedTuple):
    """A path to a node."""

    macs: int
    """Multiply-accumulates that it does again, of one example."""
    several: int
    """How many segments it has, if they count; otherwise 0."""
    kept: int
    """K behind it, in bytes."""
    casts: int
    """Of that, copies of weights."""
    before: "_Point | None"
    """The path without its last piece, which is an edge of a node."""
    node: int
    """The node in front of its last piece."""
    edge: int
    """The edge of that node that its last piece is."""


def _front(points: list[_Point], *, flat: bool) -> list[_Point]:
    """Those of which no other has spent no more, and keeps no more.

    Of K as a whole, where that is `flat`; otherwise also of K without copies of weights.
    """
    points.sort(key=lambda each: each[:3])
    front: list[_Point] = []
    if flat:
        for point in points:
            if not front or point.kept < front[-1].kept:
                front.append(point)
        return front
    for point in points:
        beside = point.kept - point.casts
        if not any(each.kept <= point.kept and each.kept - each.casts <= beside for each in front):
            front.append(point)
    return front


def cheapest(choices: Choices, room: int, least: int, most: int) -> Choice | None:
    """The fewest multiply-accumulates, then the lowest peak, then the fewest segments.

    Peaks are held to be no lower than `least`, which something else takes. None where nothing
    fits. Raises `TooMany`.
    """
    bounded = choices.bounded(room, most)
    best = choices.best(room, most if bounded is None else bounded.macs)
    if best is None:
        return None
    macs = best.macs
    choices.keep(room, macs)
    high = max(best.most, least)
    low = (choices.lowest(least, high) or least) - 1
    while high - low > 1:
        middle = (low + high) // 2
        lower = choices.best(middle, macs)
        if lower is None:
            low = middle
        else:
            best, high = lower, max(lower.most, least)
    return choices.best(high, macs, fewest=True) or best
