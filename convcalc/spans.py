"""What every output of a map sees along one axis, counted output by output.

`Field` has formulas for an endless line. Here a map has a border, beyond which there is nothing:
padding shows no value of the input, and interpolation repeats the value at the border.
"""

from collections.abc import Sequence
from operator import le
from typing import NamedTuple

from convcalc.window import Tiled, Window, inside, met

NOTHING = 2**63
"""First value that an output sees that sees none; the last one is then −1."""


class Spans(NamedTuple):
    """The first and the last input value that each output sees.

    A single entry stands for every output, where they all see the same.
    """

    first: list[int]
    """For each output the first input value that it sees, from 0 on; `NOTHING` if it sees none."""
    last: list[int]
    """For each output the last input value that it sees, itself included; −1 if it sees none."""
    exact: bool = True
    """Whether outputs see that far; otherwise each sees no more than this."""
    ordered: bool = True
    """Whether no output sees less far ahead than the one before it."""

    @property
    def size(self) -> int:
        """The largest number of values that an output sees, from the first to the last.

        >>> every(4).size, Spans([0, 1, NOTHING], [3, 3, -1]).size
        (1, 4)
        """
        pairs = zip(self.first, self.last, strict=True)
        return max(max(last - first + 1, 0) for first, last in pairs)

    def through(self, window: Window, outputs: int) -> "Spans":
        """What the outputs of a layer see that slides `window` over this map.

        >>> every(4).through(Window(kernel=3, before=1, after=1), 4)[:2]
        ([0, 0, 1, 2], [1, 2, 3, 3])
        """
        low, high = inside(window, 0, len(self.first) - 1)
        low, high = max(low, 0), min(high, outputs - 1)
        tiled = isinstance(window, Tiled)
        if tiled or window.up > 1 or not self.ordered or low > high:
            seen = [self._under(window, output) for output in range(outputs)]
            return self._made([one for one, _ in seen], [other for _, other in seen])
        # Outputs whose taps are all on the map need no look at each.
        front = [self._under(window, output) for output in range(low)]
        rear = [self._under(window, output) for output in range(high + 1, outputs)]
        count, stride = high - low + 1, window.stride
        start = low * stride - window.before
        end = start + window.extent - 1
        first = self.first[start : start + count * stride : stride]
        last = self.last[end : end + count * stride : stride]
        return self._made(
            [*(one for one, _ in front), *first, *(one for one, _ in rear)],
            [*(other for _, other in front), *last, *(other for _, other in rear)],
        )

    def _under(self, window: Window, output: int) -> tuple[int, int]:
        """What the values see that lie under the taps of one output, and on the map."""
        value, step, hits = met(window, output)
        if value < 0:
            passed = -(value // step)
            value, hits = value + passed * step, hits - passed
        hits = min(hits, (len(self.first) - 1 - value) // step + 1)
        if hits < 1:
            return NOTHING, -1
        end = value + (hits - 1) * step
        if self.ordered:
            return self.first[value], self.last[end]
        return min(self.first[value : end + 1 : step]), max(self.last[value : end + 1 : step])

    def _made(self, first: list[int], last: list[int]) -> "Spans":
        return _in_order(first, last, exact=self.exact)

    def at(self, places: list[int]) -> "Spans":
        """What these outputs see, one after the other, as a border that repeats values has them."""
        return self._made(
            [self.first[place] for place in places], [self.last[place] for place in places]
        )

    def collapsed(self) -> "Spans":
        """All that is seen, by outputs that have no position of their own.

        Each sees one position only, until a layer mixes them.
        """
        exact = self.exact and len(self.first) == 1
        return Spans([min(self.first)], [max(self.last)], exact)

    def beside(self, other: "Spans") -> "Spans":
        """What outputs see that are computed from both."""
        outputs = max(len(self.first), len(other.first))
        first, last = (
            [values * outputs if len(values) < outputs else values for values in pair]
            for pair in ((self.first, other.first), (self.last, other.last))
        )
        # The larger of two that never fall never falls.
        return Spans(
            list(map(min, *first)),
            list(map(max, *last)),
            self.exact and other.exact,
            self.ordered and other.ordered,
        )


def _in_order(first: list[int], last: list[int], *, exact: bool) -> Spans:
    """Those values, and whether they never fall."""
    ordered = all(map(le, first, first[1:])) and all(map(le, last, last[1:]))
    return Spans(first, last, exact, ordered)


def every(size: int) -> Spans:
    """The input's: each value sees itself."""
    values = list(range(size))
    return Spans(values, values)


def nothing() -> Spans:
    """What every output sees that sees nothing of an input."""
    return Spans([NOTHING], [-1])


def joined(parts: Sequence[Spans], sizes: Sequence[int]) -> Spans:
    """What the outputs of maps of these sizes see, one map behind the other.

    >>> joined([every(2), every(2)], [2, 2])[:2]
    ([0, 1, 0, 1], [0, 1, 0, 1])
    """
    first: list[int] = []
    last: list[int] = []
    for part, size in zip(parts, sizes, strict=True):
        one = len(part.first) == 1
        first += part.first * (size if one else 1)
        last += part.last * (size if one else 1)
    return _in_order(first, last, exact=all(part.exact for part in parts))
