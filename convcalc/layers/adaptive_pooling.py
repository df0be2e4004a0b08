"""Pooling to a given size, and over the whole map."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import in_pieces, repeated
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Axes,
    Gradients,
    Growth,
    Keeps,
    Layer,
    Plan,
    Run,
    Weights,
    axes,
)
from convcalc.layers.pooling import to_indices
from convcalc.layers.sliding import check_axes, check_spatial, per_axis
from convcalc.shape import Shape
from convcalc.window import Window, adaptive

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation

SIZE = axes(
    "Output size: one number for all axes, or one per axis, of which `'*'` leaves one as it comes.",
    starred=True,
)


def _check_adaptive(
    kind: str, layer: "AdaptiveAvgPool | AdaptiveMaxPool", x: Shape
) -> Iterator[Problem]:
    yield from check_spatial(kind, x, layer)
    if x.spatial:
        yield from check_axes(x.rank, size=layer.size)


def _adaptive_plan(size: Axes, x: Shape) -> Plan:
    output = per_axis(size, x.rank)
    return Plan(Shape(x.channels, output), positions=tuple(map(adaptive, x.spatial, output)))


def _global_plan(x: Shape) -> Plan:
    windows = tuple(Window(kernel=size) for size in x.spatial)
    return Plan(Shape(x.channels, (1,) * x.rank), positions=windows)


def _largest(x: Shape, plan: Plan) -> "tuple[Operation, ...]":
    """The input is kept, and where each largest value stood: 8 bytes an output."""
    from convcalc.layers.operations import (
        VOLUME,
        Array,
        Operation,
        as_image,
        pooling_layout,
        pooling_precision,
    )

    size = plan.output.size
    pool = Operation(
        size,
        keeps="input",
        extra=(Array("indices", size, width=8),),
        precision=pooling_precision(x),
        layout=pooling_layout(x, plan),
        back_layout="fresh" if x.rank == VOLUME else "output",
    )
    return as_image(x, (), pool)


def _mean(x: Shape, plan: Plan, keeps: Keeps) -> "tuple[Operation, ...]":
    from convcalc.layers.operations import Operation, as_image, pooling_layout, pooling_precision

    precision, layout = pooling_precision(x), pooling_layout(x, plan)
    pool = Operation(
        plan.output.size,
        keeps=keeps,
        precision=precision,
        layout=layout,
        back_layout="output" if max(plan.output.spatial) > 1 else "fresh",
    )
    return as_image(x, (), pool)


def _pooled(xp: Any, reduce: Callable[..., Any], x: Any, size: Axes) -> Any:
    """Pool one axis after the other; a mean of equally many means is the mean of all."""
    for axis, output in enumerate(per_axis(size, x.ndim - 2), 2):
        x = in_pieces(xp, axis, output, partial(_regions, xp, reduce, x, axis, output))
    return x


def _region(x: Any, axis: int, output: int, of: int) -> Any:
    """The values along an axis that one of `of` outputs is made of, as a part of `x`."""
    extent = x.shape[axis]
    region = slice(output * extent // of, -(-(output + 1) * extent // of))
    place = (*(slice(None),) * axis, region)
    return x[place]


def _spread(xp: Any, dy: Any, spatial: Sequence[int]) -> Any:
    """The adjoint of pooling to means: each value of a region gets an even share, axis by axis."""
    for axis, extent in enumerate(spatial, 2):
        of = dy.shape[axis]
        dx = xp.zeros((*dy.shape[:axis], extent, *dy.shape[axis + 1 :]), dtype=dy.dtype)
        for output in range(of):
            region = _region(dx, axis, output, of)
            region += xp.take(dy, xp.asarray([output]), axis=axis) / region.shape[axis]
        dy = dx
    return dy


def _regions(
    xp: Any, reduce: Callable[..., Any], x: Any, axis: int, output: int, some: range
) -> Any:
    """Some of the outputs along an axis."""
    return xp.stack([reduce(_region(x, axis, o, output), axis=axis) for o in some], axis=axis)


def _largest_places(xp: Any, x: Any, size: Axes) -> Any:
    """Where the largest value of each region stands first: its number among those of the map."""
    numbers = xp.broadcast_to(xp.arange(prod(x.shape[2:])).reshape(x.shape[2:]), x.shape)
    sizes = per_axis(size, x.ndim - 2)
    for axis in range(x.ndim - 1, 1, -1):  # first in the row, then the first row
        values, places = [], []
        for output in range(sizes[axis - 2]):
            some, those = (_region(each, axis, output, sizes[axis - 2]) for each in (x, numbers))
            first = xp.expand_dims(some.argmax(axis=axis), axis)
            values.append(xp.take_along_axis(some, first, axis))
            places.append(xp.take_along_axis(those, first, axis))
        x, numbers = xp.concatenate(values, axis=axis), xp.concatenate(places, axis=axis)
    return numbers


@final
class AdaptiveAvgPool(Layer):
    """Average pooling to a given output size, with kernels as even as they can be.

    Shapes: H×W×C → size×C. Output i averages inputs ⌊i·H/size⌋ to ⌈(i + 1)·H/size⌉ − 1.
    Source: torch.nn.AdaptiveAvgPool2d.
    """

    size: Annotated[Axes, SIZE]

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A map to pool, and a size for each axis."""
        return _check_adaptive("adaptive_avgpool", self, xs[0])

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """None at all, however large the map."""
        return (Growth(0),) * rank

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return _adaptive_plan(self.size, xs[0])

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """To one position it is a mean, which keeps nothing; otherwise the input is kept."""
        kept = any(size > 1 for size in plan.output.spatial)
        return _mean(xs[0], plan, "input" if kept else "nothing")

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[o] = mean of x[⌊o·H/size⌋ : ⌈(o + 1)·H/size⌉]. Source: torch.nn.AdaptiveAvgPool2d."""
        return _pooled(xp, xp.mean, xs[0], self.size)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Spread evenly over the values of each region; regions may overlap."""
        return {0: _spread(xp, dy, kept.shapes[0].spatial)}


@final
class AdaptiveMaxPool(Layer):
    """Max pooling to a given output size, with kernels as even as they can be.

    Shapes: H×W×C → size×C. Source: torch.nn.AdaptiveMaxPool2d.
    """

    keeps = "input"

    size: Annotated[Axes, SIZE]

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A map to pool, and a size for each axis."""
        return _check_adaptive("adaptive_maxpool", self, xs[0])

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """None at all, however large the map."""
        return (Growth(0),) * rank

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return _adaptive_plan(self.size, xs[0])

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept, and where each largest value stood: 8 bytes an output."""
        return _largest(xs[0], plan)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[o] = max of x[⌊o·H/size⌋ : ⌈(o + 1)·H/size⌉]. Source: torch.nn.AdaptiveMaxPool2d."""
        if run.training:
            run.keep("indices", _largest_places(xp, xs[0], self.size))
        return _pooled(xp, xp.max, xs[0], self.size)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """To the largest value of each region, the first of equal ones, as in PyTorch."""
        return {0: to_indices(xp, dy, kept["indices"], kept.shapes[0].spatial)}


@final
class GlobalAvgPool(Layer):
    """The mean over all positions of each channel.

    Shapes: H×W×C → 1×1×C. Source: ONNX operator GlobalAveragePool; Lin et al., arXiv:1312.4400.
    """

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A map to pool."""
        return check_spatial("global_avgpool", xs[0], self)

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """None at all, however large the map."""
        return (Growth(0),) * rank

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return _global_plan(xs[0])

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A mean keeps nothing."""
        return _mean(xs[0], plan, "nothing")

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """The mean of x over all positions. Source: ONNX operator GlobalAveragePool."""
        return xs[0].mean(axis=tuple(range(2, xs[0].ndim)), keepdims=True)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Spread evenly over all positions."""
        spatial = kept.shapes[0].spatial
        return {0: repeated(xp, dy / prod(spatial), (*dy.shape[:2], *spatial))}


@final
class GlobalMaxPool(Layer):
    """The largest value over all positions of each channel (max over time in a sequence).

    Shapes: H×W×C → 1×1×C. Source: ONNX operator GlobalMaxPool.
    """

    keeps = "input"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A map to pool."""
        return check_spatial("global_maxpool", xs[0], self)

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """None at all, however large the map."""
        return (Growth(0),) * rank

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return _global_plan(xs[0])

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept, and where each largest value stood: 8 bytes an output."""
        return _largest(xs[0], plan)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """The largest x over all positions. Source: ONNX operator GlobalMaxPool."""
        if run.training:
            run.keep("indices", _largest_places(xp, xs[0], 1))
        return xs[0].max(axis=tuple(range(2, xs[0].ndim)), keepdims=True)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """To the largest value of the map, the first of equal ones, as in PyTorch."""
        return {0: to_indices(xp, dy, kept["indices"], kept.shapes[0].spatial)}
