"""Where each array lives: one block of memory, used again once what it held has been read."""

from typing import NamedTuple


class Span(NamedTuple):
    """An array's size and the steps, first to last, that need it."""

    size: int
    first: int
    last: int


def placed(spans: list[Span]) -> tuple[list[int], int]:
    """An offset for each span, so that none in use at the same step overlap, and the total.

    The largest is placed first, each into the lowest gap that holds it (greedy by size: Pisarchyk
    and Lee, arXiv:2001.03288).

    >>> placed([Span(4, 0, 1), Span(2, 1, 2), Span(4, 2, 3)])
    ([0, 4, 0], 6)
    """
    offsets = [0] * len(spans)
    done: list[int] = []
    total = 0
    for index in sorted(range(len(spans)), key=lambda index: -spans[index].size):
        size, first, last = spans[index]
        taken = sorted(
            (offsets[other], offsets[other] + spans[other].size)
            for other in done
            if spans[other].first <= last and first <= spans[other].last
        )
        offset = 0
        for start, end in taken:
            if start - offset >= size:
                break
            offset = max(offset, end)
        offsets[index] = offset
        total = max(total, offset + size)
        done.append(index)
    return offsets, total
