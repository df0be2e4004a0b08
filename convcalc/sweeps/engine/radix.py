"""Codes of several axes as one number, and back."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np


class Radix:
    """Some axes, whose codes together are one number: the last axis changes fastest."""

    def __init__(self, axes: Sequence[int], sizes: Sequence[int]) -> None:
        self.axes = tuple(axes)
        """The axes, by their numbers."""
        self.sizes = tuple(sizes)
        """How many codes each has."""
        self.count = prod(sizes)
        """How many combinations there are."""

    def size(self, axis: int) -> int:
        """How many codes an axis has."""
        return self.sizes[self.axes.index(axis)]

    def joined(self, codes: Sequence[Any]) -> Any:
        """The number of each design, by the codes of all axes; a single number without axes.

        >>> Radix((0, 2), (2, 3)).joined([np.array([1, 0]), None, np.array([2, 1])]).tolist()
        [5, 1]
        """
        number: Any = 0
        for axis, size in zip(self.axes, self.sizes, strict=True):
            number = number * size + codes[axis]
        return number if self.axes else np.int64(0)

    def split(self, number: int) -> tuple[int, ...]:
        """The codes of a number.

        >>> Radix((0, 2), (2, 3)).split(5)
        (1, 2)
        """
        codes = []
        for size in reversed(self.sizes):
            number, code = divmod(number, size)
            codes.append(code)
        return tuple(reversed(codes))
