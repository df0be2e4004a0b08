"""Where each array lives: one block of memory, used again once what it held has been read."""

from collections.abc import Iterator
from typing import NamedTuple

GAPS = 100
"""Arrays in use beside one, up to which the gaps between them are looked through."""


class Span(NamedTuple):
    """An array's size and the steps, first to last, that need it."""

    size: int
    """How many values it takes up, rounded up to whole cache lines."""
    first: int
    """Number of the first step that needs it; the input is there before all of them."""
    last: int
    """Number of the last step that needs it, itself included."""


def placed(spans: list[Span], gaps: int = GAPS) -> tuple[list[int], int]:
    """An offset for each span, so that none in use at the same step overlap, and the total.

    The largest is placed first, each into the lowest gap that holds it (greedy by size: Pisarchyk
    and Lee, arXiv:2001.03288), or above all that it meets where that is more than `gaps` others.

    >>> placed([Span(4, 0, 1), Span(2, 1, 2), Span(4, 2, 3)])
    ([0, 4, 0], 6)
    """
    offsets = [0] * len(spans)
    start = min((span.first for span in spans), default=0)
    timeline = _Timeline(max((span.last for span in spans), default=0) - start + 1)
    total = 0
    for index in sorted(range(len(spans)), key=lambda index: -spans[index].size):
        size, first, last = spans[index]
        first, last = first - start, last - start
        taken = timeline.meets(first, last, gaps)
        offset = 0
        if len(taken) > gaps:
            offset = timeline.top(first, last)
        else:
            for low, high in sorted(taken.values()):
                if low - offset >= size:
                    break
                offset = max(offset, high)
        timeline.add(index, first, last, (offset, offset + size))
        offsets[index] = offset
        total = max(total, offset + size)
    return offsets, total


class _Timeline:
    """What is in use at which steps: a segment tree, so that few others are looked at."""

    def __init__(self, steps: int) -> None:
        self.leaves = 1 << max(steps - 1, 0).bit_length()
        self.own: dict[int, dict[int, tuple[int, int]]] = {}
        """By node, what is in use at all steps of it, and not at all of the node above."""
        self.tops: dict[int, int] = {}
        """By node, the end of the highest at any of its steps."""
        self.own_tops: dict[int, int] = {}
        """By node, the end of the highest that is in use at all of its steps."""

    def add(self, index: int, first: int, last: int, place: tuple[int, int]) -> None:
        """Let steps, first to last, use a place."""
        low, high = first + self.leaves, last + self.leaves + 1
        while low < high:
            for node in ((low,) if low & 1 else ()) + ((high - 1,) if high & 1 else ()):
                self.own.setdefault(node, {})[index] = place
                self.own_tops[node] = max(self.own_tops.get(node, 0), place[1])
                above = node
                while above and self.tops.get(above, -1) < place[1]:
                    self.tops[above] = place[1]
                    above >>= 1
            low, high = (low + 1) >> 1, high >> 1

    def meets(self, first: int, last: int, most: int) -> dict[int, tuple[int, int]]:
        """What is in use at any step from the first to the last; a part of more than `most`."""
        taken: dict[int, tuple[int, int]] = {}
        for node, _ in self._nodes(first, last):
            own = self.own.get(node, {})
            if len(own) > most:
                return own
            taken.update(own)
            if len(taken) > most:
                break
        return taken

    def top(self, first: int, last: int) -> int:
        """The end of the highest that is in use at any step from the first to the last."""
        return max(
            self.tops[node] if inside else self.own_tops.get(node, 0)
            for node, inside in self._nodes(first, last, whole=True)
        )

    def _nodes(self, first: int, last: int, *, whole: bool = False) -> Iterator[tuple[int, bool]]:
        """Nodes of those steps that hold anything, and whether all their steps are among them."""
        stack = [(1, 0, self.leaves)]
        while stack:
            node, low, high = stack.pop()
            if node not in self.tops or high <= first or low > last:
                continue
            inside = first <= low and high <= last + 1
            yield node, inside
            if high - low > 1 and not (whole and inside):
                middle = (low + high) // 2
                stack += [(2 * node + 1, middle, high), (2 * node, low, middle)]
