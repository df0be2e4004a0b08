"""What a path through pieces of a network spends at least, by where it is and by what it keeps.

Pieces are edges of a graph (`cheapest`): each costs something, lets K, the bytes kept, grow, and is
in a path only where K in front of it is at most a cap of its own. What is spent behind a node at
least is a function of K there, which is stepped, and no smaller for more K. The exact one is as
large as all choices; what is kept here is a convex function below it, as the lines that it is the
highest of, one for each of some slopes: how much is spent for a byte. That of a node is told by
those behind its edges, line by line: an edge's is the lowest that its function, up to its cap,
stands above the line of that slope through the origin. What is spent in front of a node at least,
with at most so much kept there, is told the same way from the first node on.

Both together tell of an edge what every path through it spends at least. Numbers are rounded, as
floating-point numbers are; `margin` is more than all that they can be off by.
"""

from typing import Any, NamedTuple

import numpy as np

EPSILON = 2.0**-52
"""What a floating-point number is rounded by at most, as a share of it; twice of that."""


class Edges(NamedTuple):
    """Pieces between nodes, as arrays, those of one node together and nodes in their order."""

    numbers: Any
    """The number of each."""
    node: Any
    """The node in front of it."""
    to: Any
    """The node behind it."""
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
    stops: Any
    """The layer behind a segment; 0 where nothing runs again."""

    def chosen(self, alive: Any) -> "Edges":
        """Some of them."""
        return Edges._make(array[alive] if len(array) else array for array in self)


def most_kept(edges: Edges, count: int, room: int) -> tuple[Any, Any]:
    """By edge and by node, the most K in front of it from which the end is reached, or below 0.

    In mixed precision K is taken to have as many copies of weights as it can.
    """
    starts = np.searchsorted(edges.node, np.arange(count + 1)).tolist()
    reached = np.full(count, -1, edges.adds.dtype)
    reached[-1] = room
    caps = np.full(len(edges.to), -1, edges.adds.dtype)
    limits = room - edges.needs
    for node in range(count - 2, -1, -1):
        part = slice(starts[node], starts[node + 1])
        if part.start < part.stop:
            caps[part] = np.minimum(limits[part], reached[edges.to[part]] - edges.adds[part])
            reached[node] = max(caps[part].max(), -1)
    return caps, reached


class Bounds:
    """What paths of some edges within `room` spend at least, counted by `costs` of each edge."""

    def __init__(
        self, edges: Edges, count: int, room: int, costs: Any, slopes: Any, most: int
    ) -> None:
        """`count` is of nodes, of which the first is where paths begin and the last their end.

        No more than `most` is asked for: what is told of a path that spends more may be any more.
        """
        self.edges, self.count, self.costs, self.slopes = edges, count, costs, slopes
        self.starts = np.searchsorted(edges.node, np.arange(count + 1))
        self.into = np.argsort(edges.to, kind="stable")
        self.ends = np.searchsorted(edges.to[self.into], np.arange(count + 1))
        self.caps, _ = most_kept(edges, count, room)
        """By edge, the most K in front of it from which the end is reached, or less than 0."""
        self.least = self._least(room)
        """By node, the least K there; more than `room` where no path leads."""
        self.open = self.caps >= self.least[edges.node]
        """By edge, whether a path may go through it."""
        self.behind = self._behind(room)
        """By node and slope, where the line begins: what is spent behind is at least it, and the
        slope times K."""
        largest = float(np.abs(self.behind[np.isfinite(self.behind)]).max(initial=0))
        largest += float(slopes[-1]) * 2 * float(room) + float(most)
        self.margin = 8 * count * EPSILON * largest
        """More than all that numbers are off by, of paths that spend no more than `most`."""

    def keep(self, edges: Edges, costs: Any, alive: Any) -> None:
        """Go on with some of the edges, and their costs."""
        self.edges, self.costs = edges, costs
        self.caps, self.open = self.caps[alive], self.open[alive]
        self.starts = np.searchsorted(edges.node, np.arange(self.count + 1))
        self.into = np.argsort(edges.to, kind="stable")
        self.ends = np.searchsorted(edges.to[self.into], np.arange(self.count + 1))

    @property
    def whole(self) -> float:
        """What any path spends at least; infinite where there is none."""
        return float(self.behind[0].max())

    def at_least(self, node: int, kept: Any) -> Any:
        """What is spent behind a node at least, with so much kept."""
        kept = kept.astype(np.float64)
        most = np.full(len(kept), -np.inf)
        for line, slope in zip(self.behind[node].tolist(), self.slopes.tolist(), strict=True):
            np.maximum(most, line + slope * kept, out=most)
        return most

    def through(self) -> Any:
        """By edge, what every path through it spends at least."""
        edges, ahead = self.edges, self._ahead()
        adds, most = edges.adds.astype(np.float64), np.full(len(edges.to), -np.inf)
        for at, slope in enumerate(self.slopes.tolist()):
            line = ahead[edges.node, at] + self.behind[edges.to, at] + slope * adds
            np.maximum(most, line, out=most)
        most += self.costs.astype(np.float64)
        most[~self.open] = np.inf
        return most

    def _least(self, room: int) -> Any:
        edges, ends = self.edges, self.ends.tolist()
        least = np.full(self.count, room + 1, edges.adds.dtype)
        least[0] = 0
        for node in range(1, self.count):
            into = self.into[ends[node] : ends[node + 1]]
            before = least[edges.node[into]]
            into, before = into[before <= self.caps[into]], before[before <= self.caps[into]]
            if len(into):
                least[node] = (before + edges.adds[into]).min()
        return least

    def _behind(self, room: int) -> Any:
        edges, slopes, starts = self.edges, self.slopes, self.starts.tolist()
        count = np.arange(len(slopes))
        lines = np.full((self.count, len(slopes)), np.inf)
        lines[-1] = -slopes * float(room)
        caps, adds = self.caps.astype(np.float64), edges.adds.astype(np.float64)
        costs = self.costs.astype(np.float64)
        for node in range(self.count - 2, -1, -1):
            own = np.flatnonzero(self.open[starts[node] : starts[node + 1]]) + starts[node]
            if not len(own):
                continue
            line = lines[edges.to[own]] + slopes * adds[own, None]
            low, high = float(self.least[node]), caps[own, None] * slopes
            # From the slope that is highest at the cap on, the cap is where least is above; and up
            # to that which is highest at the least K, that is.
            rows = np.arange(len(own))
            there = line + high
            last = there.argmax(axis=1)[:, None]
            np.subtract(there[rows[:, None], last], high, out=high)
            there = line + slopes * low
            first = there.argmax(axis=1)[:, None]
            value = there[rows[:, None], first] - slopes * low
            lowest = np.where(count >= last, high, np.where(count <= first, value, line))
            lines[node] = (lowest + costs[own, None]).min(axis=0)
        return lines

    def _ahead(self) -> Any:
        """By node and slope: what is spent in front is at least it, less the slope times K."""
        edges, slopes, ends = self.edges, self.slopes, self.ends.tolist()
        count = np.arange(len(slopes))
        lines = np.full((self.count, len(slopes)), np.inf)
        lines[0] = 0
        caps, adds = self.caps.astype(np.float64), edges.adds.astype(np.float64)
        costs = self.costs.astype(np.float64)
        for node in range(1, self.count):
            own = self.into[ends[node] : ends[node + 1]]
            own = own[self.open[own]]
            if not len(own):
                continue
            line = lines[edges.node[own]]
            high = caps[own, None] * slopes
            there = line - high
            last = there.argmax(axis=1)[:, None]
            high += there[np.arange(len(own))[:, None], last]
            lowest = np.where(count <= last, high, line) + slopes * adds[own, None]
            lines[node] = (lowest + costs[own, None]).min(axis=0)
        return lines
