"""Positions along a line as stretches of neighbours: sizes of a set, outputs that are reached."""

from collections.abc import Iterable

Stretch = tuple[int, int]
"""The first position, and the one behind the last."""
Stretches = tuple[Stretch, ...]
"""Positions along an axis, in order, none next to another."""


def joined(stretches: Iterable[Stretch]) -> Stretches:
    """The same positions in order, neighbours in one stretch.

    >>> joined([(4, 6), (0, 2), (2, 3), (9, 9)])
    ((0, 3), (4, 6))
    """
    merged: list[Stretch] = []
    for start, end in sorted(stretches):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return tuple(merged)
