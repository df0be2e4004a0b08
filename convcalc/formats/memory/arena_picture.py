"""An arena's plan in letters: offsets upwards, operators from left to right, the peak marked."""

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence

from convcalc.analysis.memory import ArenaReport
from convcalc.analysis.memory.arena_search import Searched
from convcalc.analysis.memory.banks import Banked
from convcalc.analysis.memory.layout import Stretch, laid_out, running
from convcalc.analysis.memory.static_plan import Buffer
from convcalc.formats.diagnostics import printable
from convcalc.formats.memory.timeline import HEIGHT, LEAST
from convcalc.numbers import both_bytes, grouped, megabytes, plural

BROADEST = 6
"""Most columns of an operator."""
LETTERS = "ABCDEFGH"
"""What the largest buffers are drawn with that are alive at the peak, one each."""
SHADES = "░▒▓"
"""What all others are drawn with, so that neighbours differ where that can be."""


def drawn_arena(
    arena: ArenaReport, searched: Searched | None, banked: Banked | None, width: int
) -> list[str]:
    """The plan, one picture a stretch of memory, as lines of at most `width` characters."""
    layout = laid_out(arena, searched, banked)
    lines = [f"Plan of the arena ({layout.plan}): offsets upwards, operators from left to right"]
    for stretch in layout.stretches:
        if stretch.bytes:
            lines += ["", *_picture(arena, stretch, width)]
        else:
            lines += ["", f"{printable(stretch.name)}: nothing is in it"]
    if layout.left:
        lines += ["", f"{plural(len(layout.left), 'buffer')} in no bank"]
    return lines


def _picture(arena: ArenaReport, stretch: Stretch, width: int) -> Iterator[str]:
    """A stretch with its axes, the peak's mark and what its letters are."""
    top, middle = megabytes(stretch.bytes), megabytes(stretch.bytes // 2)
    margin = max(len(top), len(middle), len("0 B"))
    times = len(arena.operators) + 1
    columns = _columns(times, max(width - margin - 2, LEAST))
    grid = _owners(stretch, columns, times)
    busiest = stretch.busiest
    lettered = dict(zip(map(id, stretch.at(busiest)), LETTERS, strict=False))
    signs = _signs(grid, lettered)
    said = f"{both_bytes(max(stretch.live))} in use, {printable(running(arena, busiest))}"
    if stretch.room is not None:
        yield (
            f"{printable(stretch.name)}: {grouped(stretch.bytes)} of {grouped(stretch.room)} bytes"
        )
    yield from _mark(said, margin + 2 + (2 * busiest + 1) * columns // (2 * times), width)
    for row in reversed(range(HEIGHT)):
        label = {HEIGHT - 1: top, HEIGHT // 2 - 1: middle}.get(row, "")
        cells = "".join(" " if each is None else signs[id(each)] for each in grid[row])
        yield f"{label:>{margin}} │{cells}".rstrip()
    yield f"{'0 B':>{margin}} └{'─' * columns}"
    last = f"operator {times - 1}"
    yield f"{'':>{margin}}  {'input':<{max(columns - len(last), 6)}}{last}"
    names = [
        f"{lettered[id(each)]} {printable(each.name)} {grouped(each.bytes)}"
        for each in stretch.at(busiest)[: len(LETTERS)]
    ]
    more = len(stretch.at(busiest)) - len(names)
    names += [f"and {more} more"] if more else []
    indent = " " * (margin + 2)
    legend = f"In use at the peak, in bytes: {', '.join(names)}"
    yield from textwrap.wrap(
        legend, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )


def _columns(times: int, most: int) -> int:
    """Columns for so many operations: as many for each, or several operations in one."""
    return times * min(most // times, BROADEST) if times <= most else most


def _owners(stretch: Stretch, columns: int, times: int) -> list[list[Buffer | None]]:
    """By row from the lowest, and by column, the buffer that has most of it; None of no buffer."""
    shares: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for number, each in enumerate(stretch.buffers):
        low, high = each.offset * HEIGHT, (each.offset + each.bytes) * HEIGHT
        left, right = each.first * columns, (each.last + 1) * columns
        for row in range(low // stretch.bytes, -(-high // stretch.bytes)):
            bottom = row * stretch.bytes
            tall = min(high, bottom + stretch.bytes) - max(low, bottom)
            for column in range(left // times, -(-right // times)):
                start = column * times
                long = min(right, start + times) - max(left, start)
                shares[row, column][number] = tall * long
    grid: list[list[Buffer | None]] = [[None] * columns for _ in range(HEIGHT)]
    for (row, column), owners in shares.items():
        grid[row][column] = stretch.buffers[max(owners, key=owners.__getitem__)]
    return grid


def _signs(grid: Sequence[Sequence[Buffer | None]], lettered: dict[int, str]) -> dict[int, str]:
    """The sign of each buffer that is seen: its letter, or a shade that no neighbour has."""
    beside: dict[int, set[int]] = defaultdict(set)
    order: dict[int, None] = {}
    for row, cells in enumerate(grid):
        for column, each in enumerate(cells):
            if each is None:
                continue
            order.setdefault(id(each))
            right = cells[column + 1] if column + 1 < len(cells) else None
            above = grid[row + 1][column] if row + 1 < len(grid) else None
            for other in (right, above):
                if other is not None and other is not each:
                    beside[id(each)].add(id(other))
                    beside[id(other)].add(id(each))
    signs: dict[int, str] = {}
    for number, one in enumerate(order):
        taken = {signs.get(other) for other in beside[one]}
        free = [shade for shade in SHADES if shade not in taken]
        signs[one] = lettered.get(one) or (free[0] if free else SHADES[number % len(SHADES)])
    return signs


def _mark(text: str, at: int, width: int) -> Iterator[str]:
    """What the peak is, beside its mark, which stands over the column `at`."""
    if at + 2 + len(text) <= width:
        yield f"{'':>{at}}▼ {text}"
    elif len(text) + 1 <= at:
        yield f"{text + ' ▼':>{at + 1}}"
    else:
        yield text
        yield f"{'':>{at}}▼"
