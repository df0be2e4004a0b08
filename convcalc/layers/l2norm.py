"""Normalization of the vector of channels at each position."""

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.layers.arrays import over_positions, per_channel
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Layer,
    Plan,
    Run,
    Weight,
    Weights,
    flag,
    number,
)

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation
    from convcalc.shape import Shape


@final
class L2Norm(Layer):
    """The channels of each position divided by their length, then by a learned factor per channel.

    Shapes: unchanged. Parameters C.
    Source: Liu et al., arXiv:1506.04579, section 3.3 (ParseNet), and SSD's conv4_3,
    arXiv:1512.02325; ONNX operator LpNormalization; torch.nn.functional.normalize.
    """

    stands_alone: ClassVar[bool] = False

    eps: Annotated[float, number("Least length that is divided by.", minimum=0)] = 1e-12
    affine: Annotated[bool, flag("Learn a factor per channel.")] = True

    def plan(self, xs: "Sequence[Shape]") -> Plan:
        """A factor per channel; nothing is counted as MACs."""
        return Plan(xs[0], (Weight("weight", (xs[0].channels,)),) if self.affine else ())

    def operations(self, xs: "Sequence[Shape]", plan: Plan) -> "tuple[Operation, ...]":
        """x/max(|x|, eps), a length per position that is spread, then times the factors."""
        from convcalc.layers.operations import Operation, learned

        size, places = xs[0].size, prod(xs[0].spatial)
        steps = (
            Operation(
                places,
                keeps=(0, 1),
                scratch=places,
                masks=places,
                layout="one",
                name="length",
            ),
            Operation(places, (1,), keeps="input", masks=places, layout="kept", name="bounded"),
            Operation(places, (2,), "view", layout="kept", name="spread"),
            Operation(
                size,
                (0, 3),
                keeps="divisor",
                gradient="product",
                ahead=(1, 3 * size),
                layout="kept",
                back_layout="gradient",
                name="direction",
            ),
        )
        if not self.affine:
            return steps
        times = Operation(
            size,
            (4,),
            keeps="input",
            keeps_to_learn=True,
            learns=learned(plan),
            gradient="product",
            layout="kept",
            back_layout="gradient",
        )
        return (*steps, times)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """w·x/max(√(Σ x²), eps) over the channels. Source: torch.nn.functional.normalize."""
        x = xs[0]
        length = run.keep("length", xp.sqrt((x * x).sum(axis=1, keepdims=True)))
        direction = x / run.keep("bounded", xp.maximum(length, self.eps))
        if not self.affine:
            return direction
        return run.keep("direction", direction) * per_channel(weights["weight"], x)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """With d = dy·w, dx = (d − x·Σ d·x/|x|²)/|x|, and d/eps below eps; dw = Σ dy·x/|x|.

        A length of 0 has the gradient 0, and one of eps its own, as in PyTorch.
        """
        gradients: Gradients = {}
        if kept.asks("weight"):
            gradients["weight"] = over_positions(dy * kept["direction"])
        if kept.asks(0):
            x, length, bounded = (kept[name] for name in ("input", "length", "bounded"))
            back = dy * per_channel(weights["weight"], dy) if self.affine else dy
            shrinks = (back * x).sum(axis=1, keepdims=True) / (bounded * bounded)
            towards = x / xp.where(length > 0, length, 1)
            gradients[0] = back / bounded - xp.where(length >= self.eps, shrinks * towards, 0)
        return gradients
