"""How attention cuts a map: into windows, which may be shifted, or along a grid, or not at all.

Source: Liu et al., arXiv:2103.14030, section 3.2 (windows, shifted by turns); Tu et al.,
arXiv:2204.01697, section 3.1 (the grid).
"""

from collections.abc import Sequence
from math import prod
from typing import Any, Literal, NamedTuple

from convcalc.layers.arrays import padded
from convcalc.window import Tiled

MASKED = -100.0
"""What is added to scores of positions that a shift brought together: a share of 10⁻⁴⁴."""


class Cut(NamedTuple):
    """A map cut into parts, each of as many positions, which attend to each other alone."""

    sizes: tuple[int, ...]
    """Extents of the map."""
    whole: tuple[int, ...]
    """The same with the zeros behind them that fill the last windows."""
    inner: tuple[int, ...]
    """Positions of a part along each axis."""
    shift: tuple[int, ...]
    """How far windows are moved along each axis; 0 where one is as wide as the map."""
    by: Literal["window", "grid", "whole"]
    """What the parts are: windows, positions that stand apart on a grid, or the map itself."""

    @property
    def outer(self) -> tuple[int, ...]:
        """How many parts there are along each axis."""
        return tuple(whole // inner for whole, inner in zip(self.whole, self.inner, strict=True))

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return prod(self.outer)

    @property
    def length(self) -> int:
        """How many positions each of them has."""
        return prod(self.inner)

    @property
    def shifted(self) -> bool:
        """Whether windows are moved."""
        return any(self.shift)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of the map, each cut in two: parts and positions, or the other way round."""
        pairs = zip(self.outer, self.inner, strict=True)
        return tuple(each for pair in pairs for each in (pair[::-1] if self.by == "grid" else pair))

    @property
    def order(self) -> tuple[int, ...]:
        """The order of these in which all parts stand first."""
        rank = len(self.sizes)
        first, second = range(0, 2 * rank, 2), range(1, 2 * rank, 2)
        return (*second, *first) if self.by == "grid" else (*first, *second)

    @property
    def moved(self) -> bool:
        """Whether positions of a part do not stand one behind the other in the map."""
        there = [axis for axis in self.order if self.axes[axis] > 1]
        return there != sorted(there)

    @property
    def copied(self) -> bool:
        """Whether parts are an array of their own: PyTorch pads a map even where nothing lacks."""
        return self.by == "window" or self.moved

    def tiles(self) -> tuple[Tiled, ...]:
        """What an output sees along each axis: the window, or the part of the grid, it is in.

        >>> Cut((8,), (8,), (4,), (2,), "window").tiles()[0].begins(3)
        2
        >>> vars(Cut((8,), (8,), (4,), (0,), "grid").tiles()[0])
        {'tile': 8, 'first': 0, 'step': 2}
        """
        each = zip(self.whole, self.inner, self.shift, strict=True)
        return tuple(
            Tiled(whole, step=whole // inner) if self.by == "grid" else Tiled(inner, shift)
            for whole, inner, shift in each
        )

    def rows(self, xp: Any, x: Any) -> Any:
        """The positions of a batch (N, C, *spatial) part by part: (N·parts, positions, C)."""
        pairs = zip(self.sizes, self.whole, strict=True)
        x = padded(xp, x, [(0, whole - size) for size, whole in pairs])
        for axis, shift in enumerate(self.shift, 2):
            x = _rolled(xp, x, shift, axis)
        count, channels = x.shape[:2]
        turn = (0, *(2 + axis for axis in self.order), 1)
        x = x.reshape(count, channels, *self.axes).transpose(*turn)
        return x.reshape(count * self.parts, self.length, channels)

    def map(self, xp: Any, rows: Any) -> Any:
        """The batch (N, C, *spatial) of which these are the rows."""
        channels, rank = rows.shape[2], len(self.sizes)
        taken = [self.axes[axis] for axis in self.order]
        back = [self.order.index(axis) for axis in range(2 * rank)]
        x = rows.reshape(-1, *taken, channels)
        x = x.transpose(0, 2 * rank + 1, *(1 + axis for axis in back))
        x = x.reshape(-1, channels, *self.whole)
        for axis, (size, whole, shift) in enumerate(
            zip(self.sizes, self.whole, self.shift, strict=True), 2
        ):
            x = _rolled(xp, x, (whole - shift) % whole, axis)
            if size < whole:
                x = x[(slice(None),) * axis + (slice(size),)]
        return x

    def mask(self, xp: Any, dtype: Any) -> Any:
        """What is added to scores, (parts, positions, positions); zeros where nothing is moved."""
        region: Any = 0  # which of the parts that a map was cut into and put together again
        for axis, (whole, inner, shift) in enumerate(
            zip(self.whole, self.inner, self.shift, strict=True)
        ):
            place = xp.arange(whole).reshape((-1, *(1,) * (len(self.whole) - axis - 1)))
            own = 1 * (place >= whole - inner) + 1 * (place >= whole - shift)
            region = 3 * region + (own if shift else 0 * place)
        still = self._replace(sizes=self.whole, shift=(0,) * len(self.whole))
        rows = still.rows(xp, region[None, None])
        apart = rows != rows.transpose(0, 2, 1)
        masked = xp.full(apart.shape, MASKED, dtype=dtype)
        return xp.where(apart, masked, xp.zeros(apart.shape, dtype=dtype))


def cut(
    sizes: Sequence[int],
    *,
    window: Sequence[int] | None = None,
    shift: Sequence[int] | None = None,
    grid: Sequence[int] | None = None,
) -> Cut:
    """How a map of these extents is cut; without window and grid it is one part.

    >>> cut((56, 60), window=(7, 7), shift=(3, 3)).outer
    (8, 9)
    >>> cut((7, 7), window=(7, 7), shift=(3, 3)).shifted  # one window is the whole map
    False
    """
    sizes = tuple(sizes)
    whole, inner, moved = sizes, tuple(grid or sizes), (0,) * len(sizes)
    if window:
        inner = tuple(window)
        whole = tuple(-(-size // part) * part for size, part in zip(sizes, inner, strict=True))
        each = zip(whole, inner, shift or moved, strict=True)
        moved = tuple(move if part < size else 0 for size, part, move in each)
    return Cut(sizes, whole, inner, moved, "window" if window else "grid" if grid else "whole")


def _rolled(xp: Any, x: Any, by: int, axis: int) -> Any:
    """`x` from position `by` on, and what stands before that behind it."""
    if not by:
        return x
    front = (slice(None),) * axis
    behind, ahead = (*front, slice(by, None)), (*front, slice(by))
    return xp.concatenate([x[behind], x[ahead]], axis=axis)
