"""Layers that give the same values another shape; numbered as in PyTorch, 1 is the channels."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import example, unturned
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Extents,
    Gradients,
    Layer,
    Plan,
    Run,
    Weights,
    extents,
    whole,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Layout, Operation


@final
class Flatten(Layer):
    """Axes `start` to `end` become one, by default all of them: an image becomes a vector.

    Shapes: H×W×C → H·W·C, in memory order C, H, W. Source: torch.nn.Flatten.
    """

    stands_alone: ClassVar[bool] = False

    storage = "view"

    start: Annotated[int, whole("First axis; 1 is the channels, 2 the first spatial axis.", 1)] = 1
    end: Annotated[int, whole("Last axis, included; −1 is the last there is.", -1)] = -1

    def _span(self, x: Shape) -> tuple[int, int]:
        return self.start - 1, (x.rank if self.end == -1 else self.end - 1)

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Axes that exist, in order."""
        first, last = self._span(xs[0])
        for field, axis in (("start", first), ("end", last)):
            if not 0 <= axis <= xs[0].rank:
                yield Problem(
                    "CC311",
                    f"{field} {axis + 1} is no axis of {xs[0]}: its axes are 1 to {xs[0].rank + 1}",
                    field,
                    "1 is the channels, 2 the first spatial axis",
                )
                return
        if last < first:
            yield Problem(
                "CC311",
                f"flatten from axis {first + 1} to axis {last + 1} is backwards",
                "end",
                f"use an end of at least {first + 1}",
            )

    def growth(self, rank: int) -> None:
        """An axis of the output is none of the input."""

    def made_of(self, rank: int) -> tuple[tuple[int, ...], ...]:
        """Those from `start` to `end` are one."""
        first, last = self._span(Shape(1, (1,) * rank))
        span = tuple(range(first, last + 1))
        return (
            *((axis,) for axis in range(first)),
            span,
            *((axis,) for axis in range(last + 1, rank + 1)),
        )

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A view: no weights, no multiply-accumulates, no memory."""
        x = xs[0]
        first, last = self._span(x)
        axes = (*x.axes[:first], prod(x.axes[first : last + 1]), *x.axes[last + 1 :])
        return Plan(Shape.from_axes(axes), positions="kept" if axes == x.axes else "lost")

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A view; a copy where a permutation or a cut left the values out of order."""
        from convcalc.layers.operations import view

        first, last = self._span(xs[0])
        return (view(plan.output.size)._replace(reshapes=True),) if first != last else ()

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """The same values in memory order, `start` to `end` as one. Source: torch.nn.Flatten."""
        return xs[0].reshape(xs[0].shape[0], *self.plan((example(xs[0]),)).output.axes)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The same values in the input's shape."""
        return {0: dy.reshape(dy.shape[0], *kept.shapes[0].axes)}


@final
class Reshape(Layer):
    """The same values in another shape, in memory order C, H, W; one extent may be −1.

    Shapes: any → `shape`, written as in `input`: height × width × channels.
    Source: ONNX operator Reshape; torch.reshape.
    """

    storage = "view"

    shape: Annotated[Extents, extents("Height × width × channels; −1 once, for the rest.", -1)]

    def _axes(self, x: Shape) -> tuple[int, ...]:
        axes = (self.shape[-1], *self.shape[:-1])
        if -1 not in axes:
            return axes
        known = prod(extent for extent in axes if extent != -1)
        return tuple(x.size // known if extent == -1 else extent for extent in axes)

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """As many values before as after."""
        x = xs[0]
        if not self.shape or 0 in self.shape or self.shape.count(-1) > 1:
            yield Problem(
                "CC302",
                "a shape is at least one positive extent, of which one may be −1",
                "shape",
                "write it as in `input`: 4x4x1024, or [4, 4, -1]",
            )
            return
        known = prod(extent for extent in self.shape if extent != -1)
        text = "×".join("?" if extent == -1 else str(extent) for extent in self.shape)
        if (x.size % known) if -1 in self.shape else (x.size != known):
            yield Problem(
                "CC312",
                f"{x} has {x.size} values and {text} "
                + (f"needs a multiple of {known}" if -1 in self.shape else f"has {known}"),
                "shape",
                f"use extents whose product divides {x.size}"
                if -1 in self.shape
                else f"use extents whose product is {x.size}, one of them −1 to take what is left",
            )

    def growth(self, rank: int) -> None:
        """An axis of the output is none of the input."""

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A view: no weights, no multiply-accumulates, no memory."""
        axes = self._axes(xs[0])
        return Plan(Shape.from_axes(axes), positions="kept" if axes == xs[0].axes else "lost")

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A view; a copy where a permutation or a cut left the values out of order."""
        from convcalc.layers.operations import view

        return (view(plan.output.size)._replace(reshapes=True),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """The same values in memory order, in the given shape. Source: ONNX operator Reshape."""
        return xs[0].reshape(xs[0].shape[0], *self._axes(example(xs[0])))

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The same values in the input's shape."""
        return {0: dy.reshape(dy.shape[0], *kept.shapes[0].axes)}


@final
class Permute(Layer):
    """The axes in another order; 1 is the channels, 2 the first spatial axis.

    Shapes: ``permute: [1, 3, 2]`` turns H×W×C into W×H×C. Source: torch.permute.
    """

    storage = "view"

    order: Annotated[Extents, extents("Which input axis each output axis is: [1, 3, 2].", 1)]

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Every axis once."""
        expected = list(range(1, xs[0].rank + 2))
        if sorted(self.order) != expected:
            yield Problem(
                "CC311",
                f"order {list(self.order)} does not name each axis of {xs[0]} once",
                "order",
                f"give {expected} in the order wanted; 1 is the channels",
            )

    def growth(self, rank: int) -> None:
        """An axis of the output is none of the input."""

    def made_of(self, rank: int) -> tuple[tuple[int, ...], ...]:
        """Each is one, in the order given."""
        return tuple((axis - 1,) for axis in self.order)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A view: no weights, no multiply-accumulates, no memory."""
        axes = tuple(xs[0].axes[axis - 1] for axis in self.order)
        same = list(self.order) == sorted(self.order)
        return Plan(Shape.from_axes(axes), positions="kept" if same else "lost")

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A view of the values in another order."""
        from convcalc.layers.operations import turns, view

        there = [axis - 1 for axis in self.order]
        layout: Layout = "turned" if turns(xs[0].axes, there) else "kept"
        if xs[0].rank and there == [xs[0].rank, *range(xs[0].rank)]:
            wide: Layout = "channels_last" if xs[0].rank > 1 else "turned"
            layout = wide if layout == "turned" else "both"
        last = there == [*range(1, len(there)), 0]
        return (
            view(plan.output.size)._replace(
                layout=layout, back_layout="last" if last else "output"
            ),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """Output axis i is input axis order[i]. Source: torch.permute; ONNX operator Transpose."""
        return xs[0].transpose(0, *self.order)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The axes in the order that they had: input axis order[i] is output axis i."""
        return {0: dy.transpose(unturned((0, *self.order)))}
