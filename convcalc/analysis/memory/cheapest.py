"""The cheapest checkpoints: the fewest multiply-accumulates done again whose peak fits.

Pieces of a network (`pieces`) make a graph: its nodes are cuts between layers, its edges the pieces
from one cut to another, each with what it takes beside K, the bytes kept before it, with what K
grows by, and with its multiply-accumulates. A choice of checkpoints is a path through it, and fits
where every edge's K and need are within the room that there is. The path that spends least is
searched (`paths`), exactly, with bounds of what is spent behind each node (`bounds`).

Among the choices with the fewest multiply-accumulates the lowest peak is the least room in which
there is still one, found by bisection; then the fewest segments are found the same way as the
fewest multiply-accumulates, within that room.
"""

from math import gcd
from typing import Any, NamedTuple

import numpy as np

from convcalc.analysis.memory.bounds import Edges, most_kept
from convcalc.analysis.memory.paths import PATHS, Found, Work, least_spent, slopes_of
from convcalc.analysis.memory.pieces import Piece, Pieces
from convcalc.analysis.memory.walk import Segment

MOST_EDGES = 2_000_000
"""Pieces of a network beyond which not all are looked at."""
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


class Answer(NamedTuple):
    """The best choice, and how far that is proven."""

    choice: Choice | None
    """The best that was found; None where none was."""
    bound: int
    """No choice does fewer multiply-accumulates again, of one example."""
    proven: bool
    """Whether no other choice is better, of those that are looked at."""


class TooMany(Exception):  # noqa: N818 (it is an answer)
    """There are more pieces than are looked at."""


class Choices:
    """All choices of checkpoints for one batch that take at most `room`, and `most` MACs."""

    def __init__(
        self,
        pieces: Pieces,
        room: int,
        most: int,
        *,
        every: int = 1,
        longest: int | None = None,
    ) -> None:
        """Segments begin and end at `every` so many layers, and are of `longest` at most.

        Raises `TooMany`.
        """
        self.pieces = pieces
        self.mixed = pieces.program.mixed
        self.type: Any = np.int64 if max(room, most) < LARGE else np.object_
        self.nodes: list[tuple[int, int]] = []
        numbers: dict[tuple[int, int], int] = {}
        by_layer: list[list[int]] = [[] for _ in range(pieces.stop + 1)]
        least: list[int] = []
        order: list[int] = []
        edges: list[Edges] = []
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
        for layer in range(pieces.start, pieces.stop):
            for here in by_layer[layer]:
                order.append(here)
                cut, kept = self.nodes[here][1], least[here]
                left = room - kept
                there = [pieces.once(layer, cut)]
                if (layer - pieces.start) % every == 0:
                    there += (
                        piece
                        for piece in pieces.segments(layer, cut, left, most, longest)
                        if piece.stop == pieces.stop or (piece.stop - pieces.start) % every == 0
                    )
                there = [each for each in there if self._need(layer, each) <= left]
                to = [node(each.stop, each.cut, kept + each.adds) for each in there]
                edges.append(self._arrays(layer, there, to))
                count += len(there)
                if count > MOST_EDGES:
                    raise TooMany
        end = len(least)
        for here in by_layer[pieces.stop]:
            order.append(here)
            there = [pieces.losses(self.nodes[here][1])]
            there = [each for each in there if self._need(pieces.stop, each) <= room - least[here]]
            edges.append(self._arrays(pieces.stop, there, [end] * len(there)))
        self.nodes = [self.nodes[here] for here in order]
        self.count = len(order) + 1
        self.edges = self._joined(edges, [*order, end])

    def _need(self, layer: int, piece: Piece) -> int:
        return max(piece.forward - self.pieces.kept_copies[layer], piece.backward)

    def _arrays(self, layer: int, found: list[Piece], to: list[int]) -> Edges:
        """Pieces of one node, which is not said yet."""
        wide, narrow = self.type, np.int64
        mixed = found if self.mixed else []
        return Edges(
            numbers=np.zeros(0, narrow),
            node=np.zeros(0, narrow),
            to=np.array(to, narrow),
            needs=np.array([self._need(layer, each) for each in found], wide),
            forwards=np.array([each.forward for each in mixed], wide),
            adds=np.array([each.adds for each in found], wide),
            casts=np.array([each.casts for each in mixed], wide),
            macs=np.array([each.macs for each in found], wide),
            stops=np.array([each.stop if each.again else 0 for each in found], narrow),
        )

    def _joined(self, edges: list[Edges], order: list[int]) -> Edges:
        """Pieces of all nodes, which are counted in their order."""
        places = np.zeros(len(order), np.int64)
        places[order] = np.arange(len(order))
        whole = Edges._make(map(np.concatenate, zip(*edges, strict=True)))
        return whole._replace(
            numbers=np.arange(len(whole.to)),
            node=np.repeat(np.arange(len(edges)), [len(each.to) for each in edges]),
            to=places[whole.to],
        )

    def lowest(self, least: int, room: int) -> int | None:
        """The least room in which there is a path, from `least` to `room`; None if in none.

        Raises `TooMany` where that is not known.
        """
        edges, reached = self.edges, None
        low, high = least - 1, room + 1
        middle = room
        while low < middle < high:
            if most_kept(edges, self.count, middle)[1][0] < 0:
                low = middle
            else:
                reached = high = middle
            middle = (low + high) // 2
        if not self.mixed or reached is None:
            return reached
        # Without copies of weights that are not kept it may be more.
        nothing, work = np.zeros(len(edges.to), np.int64), Work(PATHS)
        low, high, middle, reached = high - 1, room + 1, high, None
        while low < middle < high:
            slopes = slopes_of(nothing, middle, 0, 0)
            tried = least_spent(edges, self.count, middle, nothing, 1, 1, slopes, work)
            if tried.path is not None:
                reached = high = max(min(self.choice(tried.path).most, middle), low + 1)
            elif tried.bound < 1:
                raise TooMany
            else:
                low = middle
            middle = (low + high) // 2
        return reached

    def choice(self, path: list[int]) -> Choice:
        """The choice that a path is."""
        edges = self.edges
        kept = casts = spent = highest = 0
        segments: list[Segment] = []
        for edge in path:
            need = int(edges.needs[edge])
            if self.mixed:
                need = max(need, int(edges.forwards[edge]) - casts)
                casts += int(edges.casts[edge])
            highest = max(highest, kept + need)
            kept += int(edges.adds[edge])
            spent += int(edges.macs[edge])
            if edges.stops[edge] > 0:
                segments.append(
                    Segment(self.nodes[int(edges.node[edge])][0], int(edges.stops[edge]))
                )
        return Choice(tuple(segments), spent, highest)


def cheapest(
    choices: Choices, room: int, least: int, most: int, *, rounds: int | None = None
) -> Answer:
    """The fewest multiply-accumulates, then the lowest peak, then the fewest segments.

    At most `most` multiply-accumulates. Peaks are held to be no lower than `least`, which something
    else takes. `rounds` are how many are searched; then nothing but the first is asked for.
    """
    count, work = choices.count, Work(PATHS)
    macs = choices.edges.macs
    unit = max(gcd(*{*macs[macs <= most].tolist()}), 1)
    total = sum(choices.pieces.macs)
    slopes = slopes_of(macs, room, total, 0)
    search = least_spent(
        choices.edges, count, room, macs, most + unit, unit, slopes, work, rounds=rounds
    )
    if search.path is None:
        return Answer(None, search.bound, search.bound > most)
    best, spent = choices.choice(search.path), search.cost
    if search.bound < spent or rounds is not None:
        return Answer(best, search.bound, proven=False)
    best, edges, slopes, proven = _lowest_peak(choices, best, search, least, unit, work)
    if not proven:
        return Answer(best, spent, proven=False)
    high = max(best.most, least)
    several = len(best.segments)
    # There are never as many segments as one more of the first counts for.
    edges, times = edges.chosen(edges.macs <= spent), choices.pieces.stop + 1
    macs = edges.macs if (spent + 1) * times < LARGE else edges.macs.astype(np.object_)
    costs = macs * times + (edges.stops > 0)
    # Of steep slopes numbers are large, and off by more than a segment.
    slopes = np.union1d(slopes * times, slopes_of(costs, high, 0, choices.pieces.stop))
    search = least_spent(edges, count, high, costs, spent * times + several, 1, slopes, work)
    best = best if search.path is None else choices.choice(search.path)
    return Answer(best, spent, search.bound >= search.cost)


def _lowest_peak(
    choices: Choices, best: Choice, search: Found, least: int, unit: int, work: Work
) -> tuple[Choice, Edges, Any, bool]:
    """Of choices that spend as little the one with the lowest peak, and whether that is proven.

    Between them, the edges that may be in one of these, and slopes that tell of them.
    """
    edges, slopes, below = search.edges, search.slopes, search.cost + unit
    low, high, just = least - 1, max(best.most, least), True
    while high - low > 1:
        # There is often none that is any lower; otherwise a step of bisection is next.
        middle = high - 1 if just else (low + high) // 2
        search = least_spent(
            edges, choices.count, middle, edges.macs, below, unit, slopes, work, any_path=True
        )
        if search.path is not None:
            best = choices.choice(search.path)
            edges, slopes, high = search.edges, search.slopes, max(best.most, least)
            just = not just
        elif search.bound < below:
            return best, edges, slopes, False
        elif just:
            break
        else:
            low, just = middle, True
    return best, edges, slopes, True
