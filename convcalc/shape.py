"""The shape of one example: channels and spatial extents, never the batch."""

from math import prod
from typing import NamedTuple


class Shape(NamedTuple):
    """Channels and spatial extents of one example.

    ``Shape(10)`` is a vector, ``Shape(3, (100,))`` a sequence, ``Shape(3, (224, 224))`` an image
    and ``Shape(3, (16, 112, 112))`` a volume.

    >>> Shape(3, (224, 224)).size
    150528
    >>> str(Shape(3, (224, 224)))
    '224×224×3'
    >>> Shape(3, (224, 224)).axes
    (3, 224, 224)
    """

    channels: int
    """Values at each position, C; of a vector, all its values."""
    spatial: tuple[int, ...] = ()
    """Extents of the axes, in values: (height, width) of an image; () for a vector."""

    @property
    def rank(self) -> int:
        """Number of spatial axes: 0 for a vector, 2 for an image."""
        return len(self.spatial)

    @property
    def size(self) -> int:
        """Number of values in one example."""
        return self.channels * prod(self.spatial)

    @property
    def axes(self) -> tuple[int, ...]:
        """Extents in memory order: channels, then the spatial axes (C×H×W)."""
        return (self.channels, *self.spatial)

    @classmethod
    def from_axes(cls, axes: tuple[int, ...]) -> "Shape":
        """Build a shape from extents in memory order (C×H×W)."""
        return cls(axes[0], tuple(axes[1:]))

    def __str__(self) -> str:
        """Height × width × channels, as the field writes it."""
        return "×".join(map(str, (*self.spatial, self.channels)))


def spatial_axes(count: int) -> str:
    """How many spatial axes there are, in words.

    >>> spatial_axes(1), spatial_axes(2)
    ('1 spatial axis', '2 spatial axes')
    """
    return f"{count} spatial {'axis' if count == 1 else 'axes'}"
