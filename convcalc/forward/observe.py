"""What each layer's definition does, seen from outside: shapes, values of weights read, products.

`Layer.forward` runs through NumPy on arrays that have a shape and no values of their own (every
value is the same one in memory), so that a network of any size takes milliseconds. NumPy's rules
decide what comes out of each operation; the layer's plan is not asked.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, ClassVar, cast

import numpy as np

from convcalc.forward.seen import Observed
from convcalc.forward.weights import Drawn, weight_names
from convcalc.graph.planned import Planned, PlannedNode
from convcalc.layers import Layer, Plan
from convcalc.numbers import array_shape


class Tally:
    """What has been counted for one layer."""

    def __init__(self) -> None:
        self.matrix_products = self.products = 0
        self.views: dict[str, dict[tuple[Any, ...], Any]] = {}

    def enters(self, array: Any) -> None:
        """An array enters an operation: remember which values of which weight it has."""
        origin = getattr(array, "origin", None)
        if origin is not None:
            place = array.__array_interface__["data"][0], array.shape, array.strides
            # Kept, so that no other array comes to lie at the same place meanwhile.
            self.views.setdefault(origin, {})[place] = array


class Dry(np.ndarray[Any, Any]):
    """An array with a shape whose values nobody looks at; weights know their name."""

    tally: ClassVar[Tally] = Tally()
    origin: str | None = None

    def __array_finalize__(self, given: Any) -> None:
        """Views of a weight stay that weight's."""
        self.origin = getattr(given, "origin", None)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        """Count, and make an array of the shape that NumPy would make."""
        for given in inputs:
            self.tally.enters(given)
        if method == "reduce":
            shape = _reduced(
                inputs[0].shape, options.get("axis", 0), keep=bool(options.get("keepdims"))
            )
            size = 1
        elif method == "at":
            target = inputs[0][inputs[1]].shape
            if np.broadcast_shapes(np.shape(inputs[2]), target) != target:
                values, room = array_shape(np.shape(inputs[2])), array_shape(target)
                message = f"{values} values do not fit into {room}"
                raise ValueError(message)
            return None
        elif method != "__call__":
            return NotImplemented
        elif ufunc is np.matmul:
            a, b = (given.shape for given in inputs)
            if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
                message = f"a matrix of {array_shape(a)} cannot multiply one of {array_shape(b)}"
                raise ValueError(message)
            shape = (*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])
            self.tally.matrix_products += prod(shape) * a[-1]
            size = 2
        else:
            shape = np.broadcast_shapes(*(np.shape(given) for given in inputs))
            if ufunc is np.multiply:
                self.tally.products += prod(shape)
            size = 1
        if out is not None and out[0] is not None:
            if out[0].shape != shape:
                message = f"{array_shape(shape)} values do not fit into {array_shape(out[0].shape)}"
                raise ValueError(message)
            return out[0]
        small = [
            np.ones((1,) * size, given.dtype) if isinstance(given, np.ndarray) else given
            for given in inputs
        ]
        if method == "reduce":
            return dry(shape, ufunc.reduce(small[0]).dtype)
        return dry(shape, ufunc(*small).dtype)

    def copy(self, order: Any = "C") -> "Dry":
        """Another one, in the memory of one value again."""
        del order
        self.tally.enters(self)
        return dry(self.shape, self.dtype)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Only the shapes must fit."""
        target = self[key].shape
        if np.broadcast_shapes(np.shape(value), target) != target:
            message = f"{array_shape(np.shape(value))} values do not fit into {array_shape(target)}"
            raise ValueError(message)


def dry(shape: Sequence[int], dtype: Any = np.float32) -> Dry:
    """An array of a shape in the memory of one value."""
    return cast("Dry", np.broadcast_to(np.zeros((), dtype), tuple(shape)).view(Dry))


class _Library:
    """NumPy, except that what makes arrays makes dry ones."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def full(self, shape: Sequence[int], value: float, dtype: Any = None) -> Dry:
        del value
        return dry(shape, dtype)

    def zeros(self, shape: Sequence[int], dtype: Any = None) -> Dry:
        return dry(shape, dtype)

    def where(self, condition: Any, x: Any, y: Any) -> Dry:
        shape = np.broadcast_shapes(np.shape(condition), np.shape(x), np.shape(y))
        return dry(shape, next(each.dtype for each in (x, y) if hasattr(each, "dtype")))

    def concatenate(self, arrays: Sequence[Any], axis: int = 0) -> Dry:
        for given in arrays:
            Dry.tally.enters(given)
        shape = list(arrays[0].shape)
        for other in arrays[1:]:
            rest = [*other.shape[:axis], *other.shape[axis + 1 :]]
            if rest != [*shape[:axis], *shape[axis + 1 :]]:
                message = f"{array_shape(other.shape)} cannot stand beside {array_shape(shape)}"
                raise ValueError(message)
            shape[axis] += other.shape[axis]
        return dry(shape, arrays[0].dtype)

    def stack(self, arrays: Sequence[Any], axis: int = 0) -> Dry:
        shape = list(arrays[0].shape)
        shape.insert(axis, len(arrays))
        return dry(shape, arrays[0].dtype)

    def argsort(self, x: Any, axis: int, kind: str | None = None) -> Dry:
        del axis, kind
        return dry(x.shape, np.int64)

    def sort(self, x: Any, axis: int) -> Dry:
        del axis
        return dry(x.shape, x.dtype)

    def take_along_axis(self, x: Any, places: Any, axis: int) -> Dry:
        rest = list(x.shape)
        rest[axis] = places.shape[axis]
        if rest != [*places.shape]:
            given, own = array_shape(places.shape), array_shape(x.shape)
            message = f"places {given} are not along one axis of {own}"
            raise ValueError(message)
        return dry(rest, x.dtype)

    def take(self, x: Any, places: Any, axis: int) -> Dry:
        Dry.tally.enters(x)
        shape = list(x.shape)
        places = np.asarray(places)
        if places.size and not -shape[axis] <= places.min() <= places.max() < shape[axis]:
            message = f"a position of {shape[axis]} is {places.max()}"
            raise IndexError(message)
        shape[axis : axis + 1] = places.shape
        return dry(shape, x.dtype)


LIBRARY = _Library()
"""The array library for layers that are run without values."""


class Asked(dict[str, Any]):
    """Weights that remember which of them were asked for."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        super().__init__(weights)
        self.names: list[str] = []

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            self.names.append(name)
        return super().__getitem__(name)


def observe(network: Planned, batch: int, weights: Mapping[str, Any]) -> list[Observed]:
    """Run every layer's definition once on what came out of those before it.

    A layer that raises says what, and those behind it get what its plan says. An input has no
    definition: what comes out of it is what goes in.
    """

    def step(
        node: PlannedNode, plan: Plan, read: list[tuple[Observed, tuple[int, ...]]]
    ) -> tuple[Observed, tuple[int, ...]]:
        planned = (batch, *plan.output.axes)
        if not read:
            return Observed(planned, {}, 0, 0), planned
        named: dict[str, Any] = {}
        for name, full in weight_names(network, node, plan).items():
            array = named[name] = _stand_in(weights[full]).view(Dry)
            array.origin = name
        seen = _observed(node.layer, named, [dry(shape) for _, shape in read])
        return seen, seen.output or planned

    return [seen for seen, _ in network.walk(step)]


def _observed(layer: Layer, named: dict[str, Any], xs: list[Any]) -> Observed:
    """Run one layer's definition."""
    asked = Asked(named)
    tally = Dry.tally = Tally()
    error, output = None, None
    try:
        with np.errstate(all="ignore"):
            output = tuple(layer.forward(LIBRARY, asked, xs).shape)
    except Exception as raised:  # noqa: BLE001 (a definition may fail in any way; it is told)
        error = f"{type(raised).__name__}: {raised}"
    values = {
        name: (named[name].shape, _values(named[name].size, tally.views.get(name, {})))
        for name in asked.names
        if name in named
    }
    return Observed(output, values, tally.matrix_products, tally.products, error)


def _stand_in(weight: Any) -> Any:
    """An array whose parts lie where those of the weight would, in memory that nobody touches.

    The columns of a matrix need no places of their own: products read whole rows.
    """
    if not isinstance(weight, Drawn):
        return np.asarray(weight)
    if len(weight.shape) == 2:
        return np.broadcast_to(np.empty((weight.shape[0], 1), weight.dtype), weight.shape)
    return np.empty(weight.shape, weight.dtype)


def _values(size: int, views: Mapping[tuple[Any, ...], Any]) -> int:
    """How many of a weight's values were read: all by one view, or the parts by theirs."""
    sizes = [view.size for view in views.values()]
    return size if size in sizes else sum(sizes)


def _reduced(shape: tuple[int, ...], axis: Any, *, keep: bool) -> tuple[int, ...]:
    if axis is None:
        axes = set(range(len(shape)))
    else:
        axes = {each % len(shape) for each in (axis if isinstance(axis, tuple) else (axis,))}
    if keep:
        return tuple(1 if at in axes else size for at, size in enumerate(shape))
    return tuple(size for at, size in enumerate(shape) if at not in axes)
