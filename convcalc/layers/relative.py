"""Positions as seen from each other: the bias that attention learns for each of them.

Source: Liu et al., arXiv:2103.14030, equation 4; Shaw et al., arXiv:1803.02155.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

TABLE = "relative_position_bias_table"
"""What the learned numbers are called; torchvision calls them so."""

INDEX = "relative_position_index"
"""What their rows for all pairs of positions are called, which frameworks hold beside them."""


def relative_positions(sizes: Sequence[int]) -> int:
    """How many relative positions there are in a map of these extents.

    >>> relative_positions((7, 7))  # 13 along each axis
    169
    """
    return prod(2 * size - 1 for size in sizes)


def relative_index(xp: Any, sizes: Sequence[int]) -> Any:
    """The row of the table for each two positions, (positions, positions).

    >>> import numpy as np
    >>> relative_index(np, (3,)).tolist()
    [[2, 1, 0], [3, 2, 1], [4, 3, 2]]
    """
    rank, total = len(sizes), prod(sizes)
    index: Any = 0
    for axis, size in enumerate(sizes):
        along = xp.arange(size)
        own = along.reshape(-1, *(1,) * (2 * rank - axis - 1))
        other = along.reshape(-1, *(1,) * (rank - axis - 1))
        index = index * (2 * size - 1) + own - other + (size - 1)
    return index.reshape(total, total)
