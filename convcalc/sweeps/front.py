"""The designs that no other one is better than in every goal: the Pareto front."""

from collections.abc import Sequence
from typing import Any

import numpy as np

BLOCK = 512
"""Designs that are compared with one another at once."""
FIRST = 64
"""Designs that most others are compared with first."""
MANY = 8192
"""Designs of which most are ruled out by a few good ones before any are sorted."""
SOME = 2048
"""Designs among which these good ones are looked for."""


def front_of(goals: Sequence[Any]) -> Any:
    """Which rows no other row dominates, as an array of booleans.

    `goals` are columns of numbers, less being better. A row dominates another one if it is nowhere
    more, and somewhere less; rows that are equal do not.

    >>> front_of([np.array([1, 2, 2, 3, 1]), np.array([5, 4, 5, 1, 5])]).tolist()
    [True, True, False, True, True]
    """
    count = len(goals[0])
    if count <= MANY:
        return _front(goals)
    some = np.arange(0, count, -(-count // SOME))
    good = some[_front([goal[some] for goal in goals])]
    good = good[:: max(1, -(-len(good) // FIRST))]
    ruled_out = np.zeros(count, bool)
    for row in good:
        nowhere_less, somewhere_more = np.ones(count, bool), np.zeros(count, bool)
        for goal in goals:
            nowhere_less &= goal >= goal[row]
            somewhere_more |= goal > goal[row]
        ruled_out |= nowhere_less & somewhere_more
    left = np.flatnonzero(~ruled_out)
    on = np.zeros(count, bool)
    on[left[_front([goal[left] for goal in goals])]] = True
    return on


def _front(goals: Sequence[Any]) -> Any:
    """The same of a few rows."""
    # Ranks compare as the numbers do, and are exact whatever these are.
    ranks = [np.unique(goal, return_inverse=True)[1].ravel() for goal in goals]
    order = np.lexsort(ranks[::-1])
    rows = np.stack(ranks, 1)[order]
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(1)
    on = np.zeros(len(rows), bool)
    on[order] = _of_sorted(rows[new])[np.cumsum(new) - 1]
    return on


def _of_sorted(rows: Any) -> Any:
    """The same of different rows in lexicographic order: none dominates an earlier one."""
    if rows.shape[1] == 1:
        return np.arange(len(rows)) == 0
    if rows.shape[1] == 2:
        least = np.minimum.accumulate(rows[:, 1])
        return np.concatenate([[True], rows[1:, 1] < least[:-1]])[: len(rows)]
    on = np.zeros(len(rows), bool)
    left = np.arange(len(rows))
    best = np.argsort(rows.sum(1), kind="stable")[:FIRST]
    left = left[~_dominated(rows, rows[best])]
    known = np.zeros((0, rows.shape[1]), rows.dtype)
    for start in range(0, len(left), BLOCK):
        block = left[start : start + BLOCK]
        block = block[~_dominated(rows[block], known)]
        block = block[~_dominated(rows[block], rows[block])]
        on[block] = True
        known = np.concatenate([known, rows[block]])
    return on


def _dominated(rows: Any, others: Any) -> Any:
    """Which rows some of the others dominates; no two rows are equal, but a row and itself."""
    dominated = np.zeros(len(rows), bool)
    for start in range(0, len(others), BLOCK):
        part = others[start : start + BLOCK]
        for at in range(0, len(rows), BLOCK):
            own = rows[at : at + BLOCK]
            nowhere_more = np.ones((len(own), len(part)), bool)
            somewhere_less = np.zeros((len(own), len(part)), bool)
            for column in range(rows.shape[1]):
                nowhere_more &= part[:, column] <= own[:, column, None]
                somewhere_less |= part[:, column] < own[:, column, None]
            dominated[at : at + BLOCK] |= (nowhere_more & somewhere_less).any(1)
    return dominated
