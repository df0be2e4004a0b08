"""Where every buffer of an arena lies in the plan that is asked for: what pictures show."""

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.analysis.memory.arena_search import Searched
from convcalc.analysis.memory.banks import Banked
from convcalc.analysis.memory.planner import Need, alive
from convcalc.analysis.memory.static_plan import ArenaReport, Buffer


class Stretch(NamedTuple):
    """Memory without a gap, and the buffers in it."""

    name: str
    """The bank's name; "" where there are no banks."""
    bytes: int
    """Bytes from its beginning to the end of its highest buffer."""
    room: int | None
    """Bytes that the bank has; None where there are no banks."""
    buffers: tuple[Buffer, ...]
    """What lies in it, with its offset there, in the order in which it is made."""

    @property
    def live(self) -> list[int]:
        """By operation, 0 being before all others, the bytes of it that are in use."""
        return alive([Need(each.bytes, each.first, each.last) for each in self.buffers])

    @property
    def busiest(self) -> int:
        """The first operation at which most bytes are in use."""
        live = self.live
        return live.index(max(live)) if live else 0

    def at(self, operation: int) -> list[Buffer]:
        """What is in use at an operation, the largest first."""
        there = [each for each in self.buffers if each.first <= operation <= each.last]
        return sorted(there, key=lambda each: -each.bytes)


class Layout(NamedTuple):
    """A plan with all its stretches."""

    plan: str
    """How it was made: `greedy`, `best found` or `by bank`."""
    stretches: tuple[Stretch, ...]
    """One, or one for each bank, the fastest first."""
    left: tuple[Buffer, ...]
    """What no bank has room for."""


def offsets_of(arena: ArenaReport, searched: Searched | None) -> tuple[list[int], str]:
    """The offsets in one piece, and how they were found: the best plan if one was searched."""
    if searched is not None and searched.plan.size < arena.size:
        return [*searched.plan.offsets], "best found"
    return [buffer.offset for buffer in arena.buffers], "greedy"


def laid_out(arena: ArenaReport, searched: Searched | None, banked: Banked | None) -> Layout:
    """The plan by bank where there are banks, else the best that was searched, else the runtime's.

    >>> from convcalc.analysis.memory.static_plan import arena
    >>> from convcalc.graph import load
    >>> (whole,) = laid_out(arena(load("lenet5")), None, None).stretches
    >>> whole.bytes, whole.busiest, [each.name for each in whole.at(whole.busiest)]
    (9408, 2, ['C1', 'tanh1'])
    """
    if banked is None:
        offsets, plan = offsets_of(arena, searched)
        both = zip(arena.buffers, offsets, strict=True)
        return Layout(plan, (_stretch("", None, [_at(*each) for each in both]),), ())
    inside: list[list[Buffer]] = [[] for _ in banked.banks]
    left = []
    for buffer, place in zip(arena.buffers, banked.places, strict=True):
        if place is None:
            left.append(buffer)
        else:
            inside[place[0]].append(_at(buffer, place[1]))
    banks = zip(banked.banks, inside, strict=True)
    stretches = tuple(_stretch(bank.name, bank.bytes, buffers) for bank, buffers in banks)
    return Layout("by bank", stretches, tuple(left))


def _at(buffer: Buffer, offset: int) -> Buffer:
    return buffer._replace(offset=offset)


def _stretch(name: str, room: int | None, buffers: Sequence[Buffer]) -> Stretch:
    high = max((each.offset + each.bytes for each in buffers), default=0)
    return Stretch(name, high, room, tuple(buffers))


def running(arena: ArenaReport, operation: int) -> str:
    """What runs at an operation: a layer's name, or `input` before all others."""
    return arena.operators[operation - 1].layer if operation else "input"
