"""What can be wrong with how attention cuts a map: windows, their shift, and grids."""

from collections.abc import Iterator, Sequence

from convcalc.diagnostics import Problem, Sizes, Way
from convcalc.layers.base import Axes
from convcalc.layers.remedies import shown
from convcalc.layers.sliding import AXIS_NAMES, check_axes, decimal, per_axis
from convcalc.shape import Shape


def check_cut(x: Shape, window: Axes | None, shift: Axes, grid: Axes | None) -> Iterator[Problem]:
    """Windows or a grid, a shift within a window, and a grid that divides the map."""
    wrong = list(check_axes(x.rank, window=window, shift=shift, grid=grid))
    yield from wrong
    if wrong:
        return
    if window is not None and grid is not None:
        yield Problem(
            "CC302",
            "window and grid both say which positions attend to each other",
            "grid",
            "give one of them, and the other to a layer behind it",
        )
    elif window is not None:
        yield from list(_check_windows(x, window, shift)) or _check_shift(x, window, shift)
    elif shift not in (0, (0,) * x.rank):
        yield Problem(
            "CC302", "shift moves windows, and there are none", "shift", "give `window`, too"
        )
    elif grid is not None:
        yield from _check_grid(x, grid)


def _check_windows(x: Shape, window: Axes, shift: Axes) -> Iterator[Problem]:
    """Windows no wider than twice the map: zeros fill the rest of them."""
    windows = per_axis(window, x.rank)
    pairs = enumerate(zip(x.spatial, windows, strict=True))
    wide = tuple(axis for axis, (size, each) in pairs if each > 2 * size)
    if not wide or x.rank not in AXIS_NAMES:
        return
    name, size = AXIS_NAMES[x.rank][wide[0]], x.spatial[wide[0]]
    most = [2 * size for size in x.spatial]
    if isinstance(window, int):
        most = [min(most)] * x.rank
    shifts = zip(most, per_axis(shift, x.rank), strict=True)
    less = ", and less of a shift" if any(by >= left for left, by in shifts) else ""
    ways = (Way(_at_most("window", window, most) + less),)
    yield Problem(
        "CC312",
        f"a window of {windows[wide[0]]} is wider than twice the {name} {size}: more than "
        "half of it would be zeros",
        "window",
        ways[0].text,
        sizes=Sizes(wide, ways),
    )


def _check_shift(x: Shape, window: Axes, shift: Axes) -> Iterator[Problem]:
    """A shift of less than a window."""
    windows = per_axis(window, x.rank)
    for each, by in zip(windows, per_axis(shift, x.rank), strict=True):
        if by >= each:
            yield Problem(
                "CC312",
                f"shift {by} is no part of a window of {each}",
                "shift",
                _at_most("shift", shift, [each - 1 for each in windows]),
            )
            return


def _check_grid(x: Shape, grid: Axes) -> Iterator[Problem]:
    """A grid that divides the map."""
    parts = per_axis(grid, x.rank)
    pairs = enumerate(zip(x.spatial, parts, strict=True))
    uneven = tuple(axis for axis, (size, each) in pairs if size % each)
    if uneven and x.rank in AXIS_NAMES:
        name, size, each = AXIS_NAMES[x.rank][uneven[0]], x.spatial[uneven[0]], parts[uneven[0]]
        ways = (Way(f"`pad` or `crop` it to a multiple of {shown(grid)}"),)
        yield Problem(
            "CC312",
            f"a grid of {each} does not divide the {name} {size}: {size}/{each} = "
            f"{decimal(size, each)}",
            "grid",
            ways[0].text,
            sizes=Sizes(uneven, ways),
        )


def _at_most(field: str, value: Axes, most: Sequence[int]) -> str:
    """The most that a field may say, as one number or one per axis."""
    if isinstance(value, int):
        return f"use a {field} of at most {min(value, *most)}"
    return f"use {field} {shown(tuple(map(min, value, most)))}"
