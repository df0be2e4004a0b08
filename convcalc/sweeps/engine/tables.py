"""Tables of what is numbered: they grow, and are read by whole arrays of numbers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

UNKNOWN = -1
"""What stands where nothing is known yet, or nothing comes in because a piece before has errors."""
MOST_PAIRS = 2**22
"""Most pairs of numbers that are kept in one table."""


class Table:
    """Numbers of what is numbered, one behind the other."""

    def __init__(self, dtype: Any) -> None:
        self._values: Any = np.zeros(1, dtype)
        self._new: list[int] = []
        self.count = 0
        """How many there are."""

    def add(self, value: int) -> None:
        """Put another one behind."""
        self._new.append(value)
        self.count += 1

    @property
    def values(self) -> Any:
        """All of them, as an array; one 0 where there are none, which nobody asks for."""
        if self._new:
            known = self._values[: self.count - len(self._new)]
            self._values = np.concatenate([known, np.array(self._new, known.dtype)])
            self._new.clear()
        return self._values


class Pairs:
    """Numbers by pairs of numbers: a table while it is small, and then those that were met."""

    def __init__(self) -> None:
        self._table: Any = np.full((8, 8), UNKNOWN, np.int32)
        self._met: dict[tuple[int, int], int] | None = None

    def at(self, rows: Any, columns: Any, find: Callable[[int, int], int]) -> Any:
        """The number of each pair; `find` gives what is not known yet. Neither is below 0."""
        self._make_room(int(np.max(rows)), int(np.max(columns)))
        if self._met is not None:
            return self._among(self._met, rows, columns, find)
        numbers = self._table[rows, columns]
        if np.ndim(numbers) == 0:
            if numbers == UNKNOWN:
                numbers = self._table[rows, columns] = find(int(rows), int(columns))
            return numbers
        unknown = np.flatnonzero(numbers == UNKNOWN)
        if unknown.size:
            width = self._table.shape[1]
            rows = np.broadcast_to(rows, numbers.shape)[unknown]
            columns = np.broadcast_to(columns, numbers.shape)[unknown]
            for place in np.unique(rows.astype(np.int64) * width + columns).tolist():
                row, column = divmod(place, width)
                self._table[row, column] = find(row, column)
            numbers[unknown] = self._table[rows, columns]
        return numbers

    def _among(
        self,
        met: dict[tuple[int, int], int],
        rows: Any,
        columns: Any,
        find: Callable[[int, int], int],
    ) -> Any:
        """The same without a table."""
        rows, columns = np.broadcast_arrays(rows, columns)
        width = int(np.max(columns)) + 1
        places, back = np.unique(rows.astype(np.int64) * width + columns, return_inverse=True)
        own = []
        for place in places.tolist():
            pair = divmod(place, width)
            if pair not in met:
                met[pair] = find(*pair)
            own.append(met[pair])
        return np.array(own, np.int32)[back].reshape(rows.shape)

    def _make_room(self, row: int, column: int) -> None:
        height, width = self._table.shape
        if self._met is not None or (row < height and column < width):
            return
        while row >= height:
            height *= 2
        while column >= width:
            width *= 2
        if height * width > MOST_PAIRS:
            self._met = {
                (row, column): int(self._table[row, column])
                for row, column in np.argwhere(self._table != UNKNOWN).tolist()
            }
            return
        grown = np.full((height, width), UNKNOWN, np.int32)
        grown[: self._table.shape[0], : self._table.shape[1]] = self._table
        self._table = grown


def alike(keys: Sequence[Any], count: int) -> tuple[Any, Any]:
    """Rows with the same keys, which are from -1 on: a number each, and the first row of each."""
    joined, most = np.zeros(count, np.int64), 1
    for key in keys:
        own = int(key.max()) + 2
        if most * own > 2**62:
            _, joined = np.unique(joined, return_inverse=True)
            most = int(joined.max()) + 1
        joined = joined * own + (key + 1)
        most *= own
    _, first, numbers = np.unique(joined, return_index=True, return_inverse=True)
    return numbers, first
