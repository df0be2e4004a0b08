"""Whether an arena fits into memory that there is, and its weights into flash."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from convcalc.analysis.memory.boards import BOARDS
from convcalc.analysis.memory.limits import Limit
from convcalc.analysis.memory.planner import Need, alive
from convcalc.analysis.memory.static_plan import ArenaReport
from convcalc.diagnostics import Problem
from convcalc.numbers import both_bytes, plural

SHOWN = 3
"""How many buffers, layers and constants a message names."""

Of = Literal["arena", "flash"]


class Room(NamedTuple):
    """Bytes that there are, for the arena or for weights."""

    name: str
    """What it is: a limit as it was written, or a board with its bank."""
    of: Of
    """What it is held against: the arena, or the weights in flash."""
    bytes: int
    """How many bytes there are."""
    board: str = ""
    """The board in `BOARDS` that it is of; "" for a number of bytes."""


class ArenaFit(NamedTuple):
    """Whether a network's arena, or its weights, fit into what there is."""

    room: Room
    """What there is, and what it is held against."""
    takes: int
    """Bytes that the head takes, or the weights."""
    tail: int
    """Bytes of the arena's tail, an estimate; 0 of weights, and where there is none."""
    known: bool
    """Whether every layer has a rule; where not, nothing is said about the fit."""

    @property
    def fits(self) -> bool:
        """Whether it is known to fit; of an arena its head, which is to the byte."""
        return self.known and self.takes <= self.room.bytes

    @property
    def close(self) -> bool:
        """Whether the head fits, and does not together with the estimated tail."""
        return self.fits and self.takes + self.tail > self.room.bytes


def rooms_of(limits: Sequence[Limit], boards: Sequence[str]) -> tuple[Room, ...]:
    """What limits in bytes and boards have room for; of a board, its largest bank."""
    rooms = [Room(limit.name, "arena", limit.bytes) for limit in limits if not limit.gpu]
    for name in boards:
        board = BOARDS[name]
        rooms.append(Room(f"{name}, {board.largest.name}", "arena", board.largest.bytes, name))
        rooms.append(Room(f"{name}, flash", "flash", board.flash, name))
    return tuple(rooms)


def arena_fit(arena: ArenaReport, room: Room) -> ArenaFit:
    """Whether it fits."""
    if room.of == "flash":
        return ArenaFit(room, arena.flash, 0, arena.exact)
    return ArenaFit(room, arena.size, arena.tail or 0, arena.exact)


def highest(arena: ArenaReport) -> str:
    """Where most is alive, and the largest buffers then, in a clause."""
    now = _highest(arena)
    there = [each for each in arena.buffers if each.first <= now <= each.last]
    there.sort(key=lambda each: -each.bytes)
    named = ", ".join(f"{each.name} {both_bytes(each.bytes)}" for each in there[:SHOWN])
    layer = arena.operators[now - 1].layer if now else arena.buffers[0].layer
    return f"most is alive at {layer}: {named}"


def _highest(arena: ArenaReport) -> int:
    live = alive([Need(each.bytes, each.first, each.last) for each in arena.buffers])
    return live.index(max(live))


def unknown(arena: ArenaReport) -> Problem | None:
    """What is said of layers that there is no rule for; None where all have one."""
    if arena.exact:
        return None
    reasons: dict[tuple[str, str], list[str]] = {}
    for layer, kind, reason in arena.unruled:
        reasons.setdefault((kind, reason), []).append(layer)
    clauses = []
    for (kind, reason), layers in reasons.items():
        more = f" and {len(layers) - 1} more" if len(layers) > 1 else ""
        clauses.append(f"{kind} ({layers[0]}{more}): {reason}" if kind else reason)
    more = f"; and {plural(len(clauses) - SHOWN, 'more reason')}" if len(clauses) > SHOWN else ""
    return Problem(
        "CC515",
        f"the arena of {arena.runtime.title} is not known: {'; '.join(clauses[:SHOWN])}{more}",
        None,
        "use layers that docs/memory.md has a rule for, or measure it on the runtime",
    )


def problem(arena: ArenaReport, fit: ArenaFit, limit: str, *, word: str) -> Problem | None:
    """What is wrong with a fit; `word` is `limit` or `budget`, and `limit` what it is called."""
    if not fit.known:
        return unknown(arena)
    there = both_bytes(fit.room.bytes)
    shown = f"the {word} {limit} is {there}" if limit else f"the {word} is {there}"
    if fit.room.of == "flash":
        if fit.fits:
            return None
        return Problem(
            "CC512",
            f"weights in {arena.dtype}: {both_bytes(fit.takes)}, and {shown}: "
            f"{both_bytes(fit.takes - fit.room.bytes)} more; the runtime's code is not in it",
            None,
            "use fewer or smaller layers with weights, or more flash",
        )
    if fit.close:
        return Problem(
            "CC512",
            f"arena in {arena.dtype}: a head of {both_bytes(fit.takes)} and a tail of about "
            f"{both_bytes(fit.tail)}, and {shown}: the head fits, and both may not",
            None,
            "the tail is an estimate for pointers of 8 bytes: measure it on the board",
            "warning",
        )
    if fit.fits:
        return None
    return Problem(
        "CC512",
        f"arena in {arena.dtype}: {both_bytes(fit.takes)}, and {shown}: "
        f"{both_bytes(fit.takes - fit.room.bytes)} more; {highest(arena)}",
        None,
        "make the layers whose maps are alive there smaller, or shrink the input",
    )
