"""Layers that select or scale channels, or scale all of them alike."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import per_channel
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Layer,
    Plan,
    Pointwise,
    Run,
    Storage,
    Weight,
    Weights,
    flag,
    number,
    whole,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.operations import Operation


@final
class Slice(Layer):
    """Channels `start` up to, not including, `stop`; negative numbers count from the end.

    Shapes: H×W×C → H×W×(stop − start). Source: ONNX operator Slice; numpy's x[:, start:stop].
    """

    stands_alone: ClassVar[bool] = False

    storage = "view"

    start: Annotated[int, whole("First channel, from 0.")] = 0
    stop: Annotated[int | None, whole("Channel to stop before; the end when left out.")] = None

    def _range(self, channels: int) -> tuple[int, int]:
        start = self.start + channels if self.start < 0 else self.start
        stop = channels if self.stop is None else self.stop
        return start, stop + channels if stop < 0 else stop

    @staticmethod
    def _between(field: str, start: int, stop: int, channels: int) -> str:
        """The channels that a start or a stop may be, with the other one as it is."""
        if field == "start":
            return f"0 to {(stop if 0 < stop <= channels else channels) - 1}"
        return f"{start + 1 if 0 <= start < channels else 1} to {channels}"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Channels that exist, and at least one."""
        channels = xs[0].channels
        start, stop = self._range(channels)
        for field, value in (("start", start), ("stop", stop)):
            if not 0 <= value <= channels:
                yield Problem(
                    "CC312",
                    f"{field} {getattr(self, field)} is outside the {channels} channels",
                    field,
                    f"use {self._between(field, start, stop, channels)}, or a negative number to "
                    "count from the end",
                )
                return
        if start >= stop:
            yield Problem(
                "CC312",
                f"channels {start} to {stop} are none: start must lie before stop",
                "start" if self.start else "stop",
                f"use a stop of at least {start + 1}"
                if start < channels
                else f"use a start of at most {stop - 1}"
                if stop
                else "let the start lie before the stop",
            )

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """A view: no weights, no multiply-accumulates, no memory."""
        start, stop = self._range(xs[0].channels)
        return Plan(Shape(stop - start, xs[0].spatial))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A view; its gradient is an array of zeros around it."""
        from convcalc.layers.operations import Operation, view

        if plan.output == xs[0]:
            return (view(plan.output.size),)
        return (Operation(plan.output.size, storage="view", layout="sliced"),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[c] = x[start + c]. Source: ONNX operator Slice."""
        start, stop = self._range(xs[0].shape[1])
        return xs[0][:, start:stop]


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
        scale = scale._replace(learns=(factors,), gradient="product")
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
            steps.append(Operation(size, layout="kept", name="times"))
        if self.plus:
            steps.append(
                Operation(size, (len(steps),), gradient="same", layout="kept", name="plus")
            )
        return tuple(steps)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """times·x + plus. Source: ONNX operators Mul and Add."""
        y = xs[0] * self.times
        return y + self.plus if self.plus else y
