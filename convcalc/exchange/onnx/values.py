"""Values in a graph: what is known of a tensor before the network runs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from convcalc.diagnostics import ArgumentError

if TYPE_CHECKING:
    from convcalc.exchange.onnx.operations import Operation


class UnknownError(ArgumentError):
    """What cannot be known before the network runs, or not from this file."""


class Batch:
    """So many times the number of examples, which no spec says: an extent that goes.

    >>> Batch() * 12 // 4, Batch(3) // Batch(), Batch() == 1
    (Batch(3), 3, False)
    """

    __slots__ = ("times",)

    def __init__(self, times: int = 1) -> None:
        self.times = times

    def __mul__(self, other: object) -> "Batch":
        if isinstance(other, Batch):
            message = "the square of the number of examples"
            raise UnknownError(message)
        return Batch(self.times * int(other))  # type: ignore[call-overload]

    __rmul__ = __mul__

    def __floordiv__(self, other: object) -> "Batch | int":
        by = other.times if isinstance(other, Batch) else int(other)  # type: ignore[call-overload]
        if not by or self.times % by:
            message = "a part of the number of examples"
            raise UnknownError(message)
        return self.times // by if isinstance(other, Batch) else Batch(self.times // by)

    __truediv__ = __floordiv__

    def __rfloordiv__(self, other: object) -> "Batch | int":
        message = f"{other} divided by the number of examples"
        raise UnknownError(message)

    __rtruediv__ = __rfloordiv__

    def __mod__(self, other: object) -> int:
        self // other
        return 0

    def _sum(self, other: object) -> "Batch":
        if isinstance(other, Batch):
            return Batch(self.times + other.times)
        if other == 0:
            return self
        message = "the number of examples and something beside"
        raise UnknownError(message)

    __add__ = __radd__ = _sum

    def __sub__(self, other: object) -> "Batch | int":
        if isinstance(other, Batch):
            left = self.times - other.times
            return Batch(left) if left else 0
        return self._sum(other)

    def __neg__(self) -> "Batch":
        return Batch(-self.times)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Batch) and other.times == self.times

    def __hash__(self) -> int:
        return hash(("batch", self.times))

    def _unordered(self, other: object) -> bool:
        if isinstance(other, Batch):
            message = "which of two numbers of examples is larger"
        else:
            message = f"whether the number of examples is larger than {other}"
        raise UnknownError(message)

    __lt__ = __le__ = __gt__ = __ge__ = _unordered

    def __repr__(self) -> str:
        return f"Batch({self.times})" if self.times != 1 else "Batch()"

    def __str__(self) -> str:
        return "N" if self.times == 1 else f"{self.times}·N"


ONE_BATCH = Batch()
"""The number of examples itself, as tensors have it that have nothing else of it."""
Extent: TypeAlias = int | Batch
Dims: TypeAlias = tuple[Extent, ...]


def size_of(dims: Sequence[Extent]) -> int:
    """Number of values in one example."""
    count = 1
    for extent in dims:
        count *= extent.times if isinstance(extent, Batch) else extent
    return count


def shown(dims: Sequence[Extent] | None) -> str:
    """Extents as findings show them: N×64×56×56."""
    if dims is None:
        return "?"
    return "×".join(map(str, dims)) or "one number"


class Constant:
    """An array that is known, read when it is asked for."""

    __slots__ = (
        "_array", "_load", "_size", "dims", "floats", "held", "initializer", "made", "mixed",
        "name", "sources",
    )  # fmt: skip

    def __init__(
        self,
        dims: Dims,
        load: Callable[[], Any],
        *,
        floats: bool,
        name: str = "",
        initializer: bool = False,
        sources: tuple[str, ...] = (),
        mixed: bool = False,
    ) -> None:
        self.dims = dims
        self.floats = floats
        """Whether it holds real numbers."""
        self.name = name
        """What the file calls it."""
        self.initializer = initializer
        """Whether it is listed as a weight, or was made of one."""
        self.sources = sources
        """The names of the weights that it is made of."""
        self.mixed = mixed
        """Whether it is made of several arrays of real numbers, and so is none that learns."""
        self.made = 0
        """What it is of its sources, by a number that those have which are made alike; 0 for the
        array itself. Halves of an array are two."""
        self.held = size_of(dims)
        """Number of values that its sources have."""
        self._load = load
        self._array: Any = None
        self._size = -1

    @property
    def size(self) -> int:
        """Number of values."""
        if self._size < 0:
            self._size = size_of(self.dims)
        return self._size

    @property
    def array(self) -> Any:
        """Its values; raises `UnknownError` where they are not in the file."""
        if self._array is None:
            self._array = self._load()
        return self._array

    @property
    def known(self) -> bool:
        """Whether its values are at hand already."""
        return self._array is not None

    def release(self) -> Any:
        """Its values, which are not kept."""
        array, self._array = self.array, None
        return array


class Value:
    """A tensor by its name."""

    __slots__ = ("constant", "dims", "floats", "lowered", "name", "number", "operation", "uses")

    def __init__(
        self,
        name: str,
        dims: Dims | None = None,
        *,
        constant: Constant | None = None,
        operation: "Operation | None" = None,
        number: int = 0,
        floats: bool = True,
    ) -> None:
        self.name = name
        self.dims = dims
        """Its extents; None where they are not known."""
        self.constant = constant
        """What it is, where that is known before the network runs."""
        self.operation = operation
        """What makes it; None of inputs and constants."""
        self.number = number
        """Which output of that it is."""
        self.floats = floats
        """Whether it holds real numbers."""
        self.uses = 0
        """How many operations read it, and outputs of the network."""
        self.lowered: Any = None
        """What it is in the spec."""

    def __repr__(self) -> str:
        return f"<Value {self.name!r}: {shown(self.dims)}>"
