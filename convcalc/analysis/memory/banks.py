"""An arena in several banks of memory: what goes into the fastest, and what spills."""

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.analysis.memory.amounts import read_bytes
from convcalc.analysis.memory.boards import Bank
from convcalc.analysis.memory.planner import Need, banked
from convcalc.analysis.memory.static_plan import ArenaReport
from convcalc.diagnostics import ArgumentError, Problem
from convcalc.numbers import both_bytes, plural

SHOWN = 3
"""How many buffers a message names."""


class Banked(NamedTuple):
    """Where each buffer of an arena lies, in banks of memory."""

    banks: tuple[Bank, ...]
    """The banks, the fastest first."""
    used: tuple[int, ...]
    """By bank, bytes from its beginning to the end of the highest buffer in it."""
    places: tuple[tuple[int, int] | None, ...]
    """By buffer, the bank that it is in and its offset there in bytes; None where none has room."""

    @property
    def fits(self) -> bool:
        """Whether every buffer has a place."""
        return None not in self.places


def in_banks(arena: ArenaReport, banks: Sequence[Bank]) -> Banked:
    """Place an arena's buffers, in the runtime's order, each in the first bank with a gap for it.

    With one bank that is large enough, this is the runtime's own plan.
    """
    needs = [Need(each.bytes, each.first, each.last) for each in arena.buffers]
    places = banked(needs, [bank.bytes for bank in banks])
    used = [0] * len(banks)
    for need, place in zip(needs, places, strict=True):
        if place is not None:
            bank, offset = place
            used[bank] = max(used[bank], offset + need.bytes)
    return Banked(tuple(banks), tuple(used), tuple(places))


def read_banks(written: Sequence[str]) -> tuple[Bank, ...]:
    """Banks as `NAME=BYTES`, each name once; raises `ValueError` for what is none.

    >>> read_banks(["dtcm=64KiB", "sram=320KiB"])[1]
    Bank(name='sram', bytes=327680)
    """
    banks: list[Bank] = []
    for text in written:
        name, sign, size = (part.strip() for part in text.partition("="))
        if not (name and sign and size):
            message = f"{text!r} is no bank: write NAME=BYTES, such as dtcm=64KiB"
            raise ArgumentError(message)
        if any(bank.name == name for bank in banks):
            message = f"bank {name} is given twice"
            raise ArgumentError(message)
        banks.append(Bank(name, read_bytes(size, "bank")))
    return tuple(banks)


def spilt(arena: ArenaReport, plan: Banked) -> Problem | None:
    """What finds no place; None where everything has one."""
    left = [
        buffer for buffer, place in zip(arena.buffers, plan.places, strict=True) if place is None
    ]
    if not left:
        return None
    left.sort(key=lambda buffer: -buffer.bytes)
    named = ", ".join(f"{each.name} {both_bytes(each.bytes)}" for each in left[:SHOWN])
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    have = "has" if len(left) == 1 else "have"
    there = ", ".join(f"{bank.name} {both_bytes(bank.bytes)}" for bank in plan.banks)
    return Problem(
        "CC512",
        f"arena in {arena.dtype}: {plural(len(left), 'buffer')} of {len(arena.buffers)} {have} no "
        f"place in {there}: {named}{more}",
        None,
        f"in one piece it takes {both_bytes(arena.size)}; use larger banks, or smaller layers",
    )
