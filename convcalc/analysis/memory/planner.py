"""Offsets in one stretch of memory for buffers that live for some time each; it knows no layers.

Source: TensorFlow Lite Micro, micro/memory_planner/greedy_memory_planner.cc.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple


class Need(NamedTuple):
    """A buffer that needs a place for as long as it lives."""

    bytes: int
    """Its size in bytes; 0 takes no room."""
    first: int
    """When it begins to live."""
    last: int
    """When it lives last, included."""

    def meets(self, other: "Need") -> bool:
        """Whether both live at some time together.

        >>> Need(16, 0, 2).meets(Need(16, 2, 3)), Need(16, 0, 1).meets(Need(16, 2, 3))
        (True, False)
        """
        return self.first <= other.last and other.first <= self.last


def rounded_up(size: int, alignment: int) -> int:
    """The next multiple of the alignment.

    >>> rounded_up(17, 16), rounded_up(16, 16)
    (32, 16)
    """
    return -(-size // alignment) * alignment


def greedy(needs: Sequence[Need]) -> list[int]:
    """The offset of each buffer: by falling size, each at the lowest gap that is large enough.

    Of equal sizes the last of the order comes first: the runtime sorts in this way.

    >>> greedy([Need(16, 0, 1), Need(32, 1, 2), Need(16, 2, 3)])
    [32, 0, 32]
    """
    return placed(needs, by_size(needs))


def by_size(needs: Sequence[Need]) -> list[int]:
    """The runtime's order: by falling size, of equal sizes the last first."""
    return sorted(range(len(needs)), key=lambda number: (-needs[number].bytes, -number))


def placed(needs: Sequence[Need], order: Sequence[int]) -> list[int]:
    """The offset of each buffer if they are placed in this order, each at the lowest gap."""
    offsets = [0] * len(needs)
    beside = _Placed()
    for number in order:
        offsets[number] = beside.lowest(needs[number])
        beside.add(needs[number], offsets[number])
    return offsets


def banked(needs: Sequence[Need], rooms: Sequence[int]) -> list[tuple[int, int] | None]:
    """The bank and the offset in it of each buffer; None where it fits into none.

    In the runtime's order each goes into the first bank that has a gap for it; with one bank this
    is `greedy`.

    >>> banked([Need(16, 0, 1), Need(32, 1, 2), Need(64, 2, 3)], [32, 48])
    [(1, 0), (0, 0), None]
    """
    banks = [_Placed() for _ in rooms]
    places: list[tuple[int, int] | None] = [None] * len(needs)
    for number in by_size(needs):
        need = needs[number]
        for bank, (beside, room) in enumerate(zip(banks, rooms, strict=True)):
            offset = beside.lowest(need)
            if offset + need.bytes <= room:
                beside.add(need, offset)
                places[number] = bank, offset
                break
    return places


class _Placed:
    """Buffers that have a place, by each time that they live."""

    def __init__(self) -> None:
        self.at_time: dict[int, list[tuple[int, int]]] = {}

    def lowest(self, need: Need) -> int:
        """The offset of the lowest gap that is large enough."""
        times = range(need.first, need.last + 1)
        taken = {place for time in times for place in self.at_time.get(time, ())}
        offset = 0
        for start, stop in sorted(taken):
            if start - offset >= need.bytes:
                break
            offset = max(offset, stop)
        return offset

    def add(self, need: Need, offset: int) -> None:
        """Have a buffer there from now on."""
        for time in range(need.first, need.last + 1):
            self.at_time.setdefault(time, []).append((offset, offset + need.bytes))


def height(needs: Sequence[Need], offsets: Sequence[int]) -> int:
    """Bytes from the beginning to the end of the highest buffer; 0 of none.

    >>> height([Need(16, 0, 1), Need(32, 1, 2)], [32, 0])
    48
    """
    return max(
        (offset + need.bytes for offset, need in zip(offsets, needs, strict=True)), default=0
    )


def alive(needs: Sequence[Need]) -> list[int]:
    """By time, from 0 to the last that anything lives, the bytes of all that lives then.

    >>> alive([Need(16, 0, 1), Need(32, 1, 2)])
    [16, 48, 32]
    """
    changes = [0] * (max((need.last for need in needs), default=-1) + 2)
    for need in needs:
        changes[need.first] += need.bytes
        changes[need.last + 1] -= need.bytes
    return [*accumulate(changes)][:-1]
