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
    order = sorted(range(len(needs)), key=lambda number: (-needs[number].bytes, -number))
    return placed(needs, order)


def placed(needs: Sequence[Need], order: Sequence[int]) -> list[int]:
    """The offset of each buffer if they are placed in this order, each at the lowest gap."""
    offsets = [0] * len(needs)
    at_time: dict[int, list[int]] = {}  # what is placed, by each time that it lives
    for number in order:
        need = needs[number]
        others = {
            other for time in range(need.first, need.last + 1) for other in at_time.get(time, ())
        }
        offset = 0
        for other in sorted(others, key=offsets.__getitem__):
            if offsets[other] - offset >= need.bytes:
                break
            offset = max(offset, offsets[other] + needs[other].bytes)
        offsets[number] = offset
        for time in range(need.first, need.last + 1):
            at_time.setdefault(time, []).append(number)
    return offsets


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
