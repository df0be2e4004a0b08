"""Layers that select or scale channels, or scale all of them alike."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import over_positions, padded, per_channel
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Axis,
    Gradients,
    Growth,
    Layer,
    Plan,
    Pointwise,
    Run,
    Storage,
    Weight,
    Weights,
    axis_field,
    axis_number,
    check_axis,
    flag,
    number,
    whole,
)
from convcalc.shape import Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Layout, Operation


LINES: Mapping[Axis, str] = MappingProxyType(
    {
        "channels": "channels",
        "length": "positions",
        "height": "rows",
        "width": "columns",
        "depth": "slices",
    }
)
"""What an axis counts."""


@final
class Slice(Layer):
    """Channels `start` up to, not including, `stop`; or positions along an axis.

    Negative numbers count from the end.
    Shapes: H×W×C → H×W×(stop − start); along the height (stop − start)×W×C.
    Source: ONNX operator Slice; numpy's x[:, start:stop]; torch.narrow.
    """

    stands_alone: ClassVar[bool] = False

    storage = "view"

    start: Annotated[int, whole("First channel or position, from 0.")] = 0
    stop: Annotated[
        int | None, whole("Channel or position to stop before; the end when left out.")
    ] = None
    axis: Annotated[Axis, axis_field("Axis along which it is cut out.")] = "channels"

    def _axis(self, rank: int) -> int:
        """The axis in memory order, 0 for the channels."""
        return axis_number(self.axis, rank) or 0

    def _range(self, extent: int) -> tuple[int, int]:
        start = self.start + extent if self.start < 0 else self.start
        stop = extent if self.stop is None else self.stop
        return start, stop + extent if stop < 0 else stop

    @staticmethod
    def _between(field: str, start: int, stop: int, extent: int) -> str:
        """What a start or a stop may be, with the other one as it is."""
        if field == "start":
            return f"0 to {(stop if 0 < stop <= extent else extent) - 1}"
        return f"{start + 1 if 0 <= start < extent else 1} to {extent}"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """An axis that there is, with what is cut out of it, and at least one of that."""
        wrong = list(check_axis(self.axis, xs[0]))
        yield from wrong
        if wrong:
            return
        extent, lines = xs[0].axes[self._axis(xs[0].rank)], LINES[self.axis]
        start, stop = self._range(extent)
        for field, value in (("start", start), ("stop", stop)):
            if not 0 <= value <= extent:
                yield Problem(
                    "CC312",
                    f"{field} {getattr(self, field)} is outside the {extent} {lines}",
                    field,
                    f"use {self._between(field, start, stop, extent)}, or a negative number to "
                    "count from the end",
                )
                return
        if start >= stop:
            yield Problem(
                "CC312",
                f"{lines} {start} to {stop} are none: start must lie before stop",
                "start" if self.start else "stop",
                f"use a stop of at least {start + 1}"
                if start < extent
                else f"use a start of at most {stop - 1}"
                if stop
                else "let the start lie before the stop",
            )

    def growth(self, rank: int) -> tuple[Growth, ...] | None:
        """None where less is cut out of more: from behind up to a place from the front."""
        along = self._axis(rank)
        grows = [Growth()] * rank
        if along:
            ends = self.stop is None or self.stop < 0
            if self.start < 0 and not ends:
                return None
            grows[along - 1] = Growth(int(self.start >= 0 and ends))
        return tuple(grows)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A view: no weights, no multiply-accumulates, no memory."""
        axis, axes = self._axis(xs[0].rank), list(xs[0].axes)
        extent = axes[axis]
        start, stop = self._range(extent)
        axes[axis] = stop - start
        if not axis:
            return Plan(Shape.from_axes(tuple(axes)))
        windows = [Window()] * xs[0].rank
        windows[axis - 1] = Window(before=-start, after=stop - extent)
        return Plan(Shape.from_axes(tuple(axes)), positions=tuple(windows))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A view; its gradient is an array of zeros around it."""
        from convcalc.layers.operations import Operation, gaps, view

        if plan.output == xs[0]:
            return (view(plan.output.size),)
        layout: Layout = "sliced"
        if self.axis != "channels":
            layout = "cut" if gaps(xs[0].axes, plan.output.axes) else "sliced"
        return (Operation(plan.output.size, storage="view", layout=layout),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[c] = x[start + c], or y[c, i] = x[c, start + i]. Source: ONNX operator Slice."""
        axis = self._axis(xs[0].ndim - 2) + 1
        kept = (slice(None),) * axis + (slice(*self._range(xs[0].shape[axis])),)
        return xs[0][kept]

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Zeros before and behind what was cut out."""
        (shape,) = kept.shapes
        axis = self._axis(shape.rank)
        start, stop = self._range(shape.axes[axis])
        around = [(0, 0)] * (shape.rank + 1)
        around[axis] = (start, shape.axes[axis] - stop)
        return {0: padded(xp, dy, around)}


@final
class Scale(Layer):
    """A learned factor per channel, and a summand if `bias`.

    Shapes: unchanged. Parameters C, or 2C with bias.
    Source: Touvron et al., arXiv:2103.17239 (LayerScale); Caffe's Scale layer.
    """

    stands_alone: ClassVar[bool] = False

    keeps = "input"
    layout = "kept"

    bias: Annotated[bool, flag("Learn a summand per channel too.")] = False

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One factor per channel; its multiplications are not counted as MACs."""
        shape = (xs[0].channels,)
        bias = (Weight("bias", shape),) if self.bias else ()
        return Plan(xs[0], (Weight("weight", shape), *bias))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept; the gradient of the factors is first made per value."""
        from convcalc.layers.operations import Operation

        (scale,) = super().operations(xs, plan)
        factors, *summands = scale.learns
        scale = scale._replace(
            learns=(factors,), keeps_to_learn=True, gradient="product", back_layout="gradient"
        )
        if not summands:
            return (scale,)
        plus = Operation(
            scale.output, (1,), learns=tuple(summands), gradient="same", layout="kept", name="plus"
        )
        return (scale, plus)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """w·x + b per channel. Source: Caffe's Scale layer."""
        x = xs[0]
        y = x * per_channel(weights["weight"], x)
        return y + per_channel(weights["bias"], x) if self.bias else y

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The notes' multiply gate swaps: dx = w·dy, and dw = Σ x·dy of a channel; db = Σ dy."""
        gradients: Gradients = {}
        if kept.asks(0):
            gradients[0] = dy * per_channel(weights["weight"], dy)
        if kept.asks("weight"):
            gradients["weight"] = over_positions(dy * kept["input"])
        if kept.asks("bias"):
            gradients["bias"] = over_positions(dy)
        return gradients


@final
class Affine(Pointwise):
    """A constant factor and a constant summand, the same for every value.

    Shapes: unchanged, no parameters.
    Source: Lim et al., arXiv:1707.02921, section 3.2 (EDSR's residual scaling by 0.1);
    ONNX operators Mul and Add with constants; Keras Rescaling.
    """

    storage: ClassVar[Storage] = "own"

    times: Annotated[float, number("Factor.")] = 1.0
    plus: Annotated[float, number("Summand, added after the factor.")] = 0.0

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A product and a sum, each a tensor of its own, as far as they change anything."""
        from convcalc.layers.operations import Operation

        size, steps = plan.output.size, list[Operation]()
        if self.times != 1:
            steps.append(Operation(size, layout="kept", back_layout="gradient", name="times"))
        if self.plus:
            steps.append(
                Operation(size, (len(steps),), gradient="same", layout="kept", name="plus")
            )
        return tuple(steps)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """times·x + plus. Source: ONNX operators Mul and Add."""
        y = xs[0] if self.times == 1 else xs[0] * self.times
        return y + self.plus if self.plus else y

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """times·dy: what is added makes no difference."""
        return {0: dy if self.times == 1 else dy * self.times}
