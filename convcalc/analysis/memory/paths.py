"""The path through pieces that spends least: what is carried from node to node, and what is not.

What is left of a path behind a node depends on the node and on K alone, and less K is never worse
(`cheapest`). So of the paths to a node those are carried on of which no other has both spent no
more and kept no more, and of these only such as may still lead to less than the best that is known:
what is spent behind at least (`bounds`) tells which. A first round carries a few from each node,
those that promise most, and finds a path that is good; with that known, most pieces are in none
that is better, and are forgotten. Rounds carry more and more, until nothing that may be better was
left behind, and the best known is the best. What was left behind tells how far from the best it is
at most, where rounds end before that.
"""

from bisect import bisect_right
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from convcalc.analysis.memory.bounds import Bounds, Edges

FIRST_WIDTH = 8
"""Paths to a node that are carried on in the first round."""
WIDER = 8
"""How many times more it is in each round."""
PATHS = 400_000_000
"""Paths that are looked at beyond which a search is given up, about."""
MIXED = 8
"""For how many one counts in mixed precision, where more of them are compared one by one."""
CARRIED = 4_000_000
"""Paths carried on in one round beyond which it is given up."""
AT_ONCE = 1_000_000
"""Paths that are made at once, about."""
FINE = 32
"""Slopes that are looked at around those that count."""


class Work:
    """How much may still be done."""

    def __init__(self, paths: int) -> None:
        """So many paths may be looked at."""
        self.left = paths


class Found(NamedTuple):
    """What a search found."""

    path: list[int] | None
    """The edges of the best path, by their numbers; None where there is none that is better."""
    cost: int
    """What it spends; without a path, the first number that it may not spend."""
    bound: int
    """What any path spends at least, up to `cost`, which it is where nothing was given up."""
    edges: Edges
    """The edges that may be in a path that spends no more than `cost`; if there is none, than is
    allowed."""
    slopes: Any
    """The slopes that were looked at last."""


class _Round(NamedTuple):
    """What one round found."""

    path: list[int] | None
    """Edges of the graph of that round, by their place."""
    cost: int
    """What that path spends, in whole numbers of what is counted."""
    dropped: float
    """What the paths that were not carried on spend at least."""


def slopes_of(costs: Any, room: int, total: int, segments: int) -> Any:
    """Slopes that may count: of what is done again in all, and of one segment, to the room."""
    slopes = [0.0]
    for whole in {total, segments} - {0}:
        base = whole / max(room, 1)
        slopes += [base * 2.0 ** (step / 2) for step in range(-18, 15)]
    return np.unique(np.array(slopes if len(costs) and costs.max() > 0 else [0.0]))


def least_spent(
    edges: Edges,
    count: int,
    room: int,
    costs: Any,
    below: int,
    unit: int,
    slopes: Any,
    work: Work,
    *,
    any_path: bool = False,
    rounds: int | None = None,
) -> Found:
    """The path within `room` that spends least, and less than `below`; or the first, if any does.

    What is spent is counted in whole numbers of `unit`, by `costs` of each edge.
    """
    best: list[int] | None = None
    bound, width = 0, FIRST_WIDTH
    equal = edges  # those that may be in a path that spends as little as the best
    bounds = None
    while rounds is None or rounds > 0:
        if bounds is None:
            bounds = Bounds(edges, count, room, costs, slopes, below - unit)
            work.left -= len(edges.to) * len(slopes) // 4
            bound = max(bound, _rounded(bounds.whole - bounds.margin, unit, below))
            if bound >= below:
                break
            alive = bounds.through() <= below - unit + bounds.margin
            edges, costs = edges.chosen(alive), costs[alive]
            bounds.keep(edges, costs, alive)
            if not len(edges.to):
                bound = below
                break
        carried = _round(bounds, room, below - unit, width, work)
        if carried.path is not None:
            best, below = [int(edges.numbers[at]) for at in carried.path], carried.cost
            equal = edges
            if any_path:
                break
        bound = max(bound, _rounded(carried.dropped - bounds.margin, unit, below))
        if bound >= below or work.left <= 0:
            break
        if carried.path is not None:
            slopes, bounds = _finer(bounds, carried.path), None
        width *= WIDER
        rounds = None if rounds is None else rounds - 1
    return Found(best, below, min(bound, below), equal, slopes)


def _rounded(least: float, unit: int, below: int) -> int:
    """The first whole number of units from what is spent at least; no more than `below`."""
    if least >= below:
        return below
    return max(-(-int(np.ceil(least)) // unit) * unit, 0) if least > -np.inf else 0


def _finer(bounds: Bounds, path: list[int]) -> Any:
    """Slopes around those that tell most along a path."""
    slopes, edges = bounds.slopes, bounds.edges
    telling: set[int] = set()
    kept = 0
    for edge in path:
        lines = bounds.behind[edges.node[edge]] + slopes * float(kept)
        telling.add(int(lines.argmax()))
        kept += int(edges.adds[edge])
    telling -= {0}
    finer = [slopes[0], *slopes[1::6]]
    for at in sorted(telling):
        low, high = slopes[max(at - 1, 1)], slopes[min(at + 1, len(slopes) - 1)]
        finer += np.geomspace(low, high, max(FINE // len(telling), 3)).tolist()
    return np.unique(np.array(finer))


class _Carried:
    """Paths that are carried on, those to one node together."""

    def __init__(self, spent: Any, kept: Any, *, mixed: bool) -> None:
        """What is spent and what is kept are arrays of such types."""
        self.mixed, self.used = mixed, 0
        self.kinds = (spent, kept, kept if mixed else np.int8, np.int64, np.int64)
        self.arrays: list[Any] = []
        self._more(1 << 12)

    def _more(self, size: int) -> None:
        made = [np.zeros(size, kind) for kind in self.kinds]
        for new, old in zip(made, self.arrays, strict=False):
            new[: len(old)] = old
        self.arrays = made
        self.cost, self.kept, self.casts, self.before, self.edge = made

    def put(self, *values: Any) -> None:
        """Carry paths on: what they spent, keep, keep as copies, what they were, and an edge."""
        stop = self.used + len(values[0])
        if stop > len(self.cost):
            self._more(max(2 * len(self.cost), stop))
        for array, value in zip(self.arrays, values, strict=True):
            array[self.used : stop] = value
        self.used = stop


def _round(bounds: Bounds, room: int, most: int, width: int, work: Work) -> _Round:
    """The best path that spends at most `most`, of those carried on, `width` from each node."""
    edges, mixed = bounds.edges, bool(len(bounds.edges.forwards))
    carried = _Carried(bounds.costs.dtype, edges.adds.dtype, mixed=mixed)
    first, last = np.zeros(bounds.count, np.int64), np.zeros(bounds.count, np.int64)
    carried.put(np.zeros(1, np.int64), *(0,) * 2, -1, -1)
    last[0] = 1
    dropped = np.inf
    ends = bounds.ends.tolist()
    for node in range(1, bounds.count):
        first[node] = last[node] = carried.used
        into = bounds.into[ends[node] : ends[node + 1]]
        several = last[edges.node[into]] - first[edges.node[into]]
        into, several = into[several > 0], several[several > 0]
        if not len(into):
            continue
        made = int(several.sum())
        work.left -= made * (MIXED if mixed else 1)
        # The first is gone to the end, so that there is a path.
        if (work.left <= 0 or carried.used > CARRIED) and width > FIRST_WIDTH:
            return _Round(None, 0, -np.inf)
        parts = [
            _made(bounds, carried, room, most, node, into[part], several[part], first)
            for part in _parts(several)
        ]
        cost, kept, casts, before, edge, least = (
            parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        )
        if len(parts) > 1:
            chosen = _front(cost, kept, casts)
            cost, kept, casts = cost[chosen], kept[chosen], casts[chosen]
            before, edge, least = before[chosen], edge[chosen], least[chosen]
        if len(cost) > width:
            order = np.argsort(least, kind="stable")
            dropped = min(dropped, float(least[order[width]]))
            chosen = np.sort(order[:width])
            cost, kept, casts = cost[chosen], kept[chosen], casts[chosen]
            before, edge = before[chosen], edge[chosen]
        carried.put(cost, kept, casts, before, edge)
        last[node] = carried.used
    if last[-1] == first[-1]:
        return _Round(None, 0, dropped)
    at, path = int(first[-1]), []
    cost = int(carried.cost[at])
    while carried.before[at] >= 0:
        path.append(int(carried.edge[at]))
        at = int(carried.before[at])
    return _Round(path[::-1], cost, dropped)


def _parts(several: Any) -> list[slice]:
    """Edges with about so many paths as are made at once."""
    if int(several.sum()) <= AT_ONCE:
        return [slice(0, len(several))]
    numbers = np.cumsum(several) // AT_ONCE
    borders = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(several)]
    return [slice(*pair) for pair in pairwise(borders)]


def _made(
    bounds: Bounds,
    carried: _Carried,
    room: int,
    most: int,
    node: int,
    into: Any,
    several: Any,
    first: Any,
) -> tuple[Any, ...]:
    """The paths to a node by some of its edges that may be better; of equal ones the first."""
    edges = bounds.edges
    by = np.repeat(np.arange(len(into)), several)
    before = np.arange(len(by)) - (np.cumsum(several) - several - first[edges.node[into]])[by]
    edge = into[by]
    kept = carried.kept[before]
    fits = kept <= bounds.caps[edge]
    if carried.mixed:
        fits &= kept - carried.casts[before] <= (room - edges.forwards)[edge]
    before, edge = before[fits], edge[fits]
    kept = kept[fits] + edges.adds[edge]
    cost = carried.cost[before] + bounds.costs[edge]
    casts = carried.casts[before]
    if carried.mixed:
        casts = casts + edges.casts[edge]
    else:  # what spends no more, and keeps no more, promises no less
        chosen = _front(cost, kept, casts)
        cost, kept, casts = cost[chosen], kept[chosen], casts[chosen]
        before, edge = before[chosen], edge[chosen]
    least = bounds.at_least(node, kept) + cost.astype(np.float64)
    better = least <= float(most) + bounds.margin
    cost, kept, casts = cost[better], kept[better], casts[better]
    before, edge, least = before[better], edge[better], least[better]
    if carried.mixed:
        chosen = _front(cost, kept, casts)
        cost, kept, casts = cost[chosen], kept[chosen], casts[chosen]
        before, edge, least = before[chosen], edge[chosen], least[chosen]
    return cost, kept, casts, before, edge, least


def _front(cost: Any, kept: Any, casts: Any) -> Any:
    """Those of which no other has spent no more, and keeps no more.

    Of K as a whole; and also of K without copies of weights, where these differ.
    """
    order = np.argsort(kept - casts, kind="stable") if len(kept) else np.zeros(0, np.int64)
    order = order[np.argsort(kept[order], kind="stable")]
    order = order[np.argsort(cost[order], kind="stable")]
    if not len(order):
        return order
    kept = kept[order]
    if casts.min() == casts.max():
        alive = np.ones(len(order), bool)
        alive[1:] = kept[1:] < np.minimum.accumulate(kept)[:-1]
        return order[alive]
    beside = (kept - casts[order]).tolist()
    chosen: list[int] = []
    whole: list[int] = []  # rising, and what is beside copies of weights falls with it
    rest: list[int] = []
    for at, most in enumerate(kept.tolist()):
        place = bisect_right(whole, most)
        if place and rest[place - 1] <= beside[at]:
            continue
        chosen.append(at)
        stop = place
        while stop < len(whole) and rest[stop] >= beside[at]:
            stop += 1
        if place and whole[place - 1] == most:
            place -= 1
        whole[place:stop], rest[place:stop] = [most], [beside[at]]
    return order[np.array(chosen, np.int64)]
