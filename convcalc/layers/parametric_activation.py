"""Activation functions with hyperparameters or a learned slope."""

from collections.abc import Sequence
from math import pi, sqrt
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

from convcalc.layers.activation import elu, elu_slope, log1p_exp, sigmoid
from convcalc.layers.arrays import over_positions, per_channel, summed_to
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Layer,
    Plan,
    Pointwise,
    Run,
    Weight,
    Weights,
    choice,
    number,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


GELU_SCALE, GELU_CUBE = sqrt(2 / pi), 0.044715
"""Of the form of GELU by tanh: √(2/π)·(x + 0.044715·x³)."""


def _near_tanh(xp: Any, x: Any) -> tuple[Any, Any]:
    """Values no further from 0 than where tanh is ±1 in every float, and GELU's tanh of them."""
    near = xp.minimum(xp.maximum(x, -10), 10)
    return near, xp.tanh(GELU_SCALE * (near + GELU_CUBE * near**3))


@final
class LeakyRelu(Pointwise):
    """x where x > 0, else slope·x. Source: torch.nn.LeakyReLU."""

    back_layout = "output"
    keeps = "input"
    keeps_in_place = "output"
    overwrites = True

    slope: Annotated[float, number("Slope below 0.")] = 0.01

    @property
    def undone(self) -> bool:
        """Only if the output's sign is the input's; PyTorch refuses the rest."""
        return self.slope >= 0

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """The value where it is above 0, else slope·x. Source: ONNX operator LeakyRelu."""
        x = xs[0]
        return xp.where(x > 0, x, x * self.slope)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The gradient where x > 0, else slope times it: at 0, too, as in PyTorch."""
        return {0: xp.where(kept["input"] > 0, dy, dy * self.slope)}


@final
class Prelu(Layer):
    """x where x > 0, else a learned slope times x.

    Source: He et al., arXiv:1502.01852; torch.nn.PReLU.
    """

    storage = "in_place"
    keeps = "input"
    layout = "kept"
    precision = "low"

    slopes: Annotated[
        Literal["one", "channels"],
        choice("Learn one slope, or one per channel.", "one", "channels"),
    ] = "one"

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One slope, or one per channel."""
        count = 1 if self.slopes == "one" else xs[0].channels
        return Plan(xs[0], (Weight("weight", (count,)),))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The gradient of the slopes is first made per value."""
        (operation,) = super().operations(xs, plan)
        return (operation._replace(storage="own", gradient="product", unasked=True),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """The value where it is above 0, else w·x. Source: torch.nn.PReLU.

        ONNX operator PRelu takes slopes of any shape that broadcasts, even one per value.
        """
        x = xs[0]
        return xp.where(x > 0, x, x * per_channel(weights["weight"], x))

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The gradient, times w unless x > 0: at 0, too, as in PyTorch; dw = Σ x·dy there."""
        x, weight = kept["input"], weights["weight"]
        gradients: Gradients = {}
        if kept.asks(0):
            gradients[0] = xp.where(x > 0, dy, dy * per_channel(weight, x))
        if kept.asks("weight"):
            products = over_positions(xp.where(x > 0, 0, x * dy))
            gradients["weight"] = summed_to(products, weight.shape)
        return gradients


@final
class Elu(Pointwise):
    """x where x > 0, else alpha·(eˣ − 1). Source: arXiv:1511.07289; torch.nn.ELU."""

    keeps = "input"
    keeps_in_place = "output"
    overwrites = True

    alpha: Annotated[float, number("Depth below 0.")] = 1.0

    @property
    def undone(self) -> bool:
        """Only if the output's sign is the input's; PyTorch refuses the rest."""
        return self.alpha >= 0

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """The value where it is above 0, else alpha·(eˣ − 1). Source: ONNX operator Elu."""
        return elu(xp, xs[0], self.alpha)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """1 where x > 0, else alpha·eˣ: at 0, too, as in PyTorch."""
        return {0: elu_slope(xp, kept["input"], self.alpha) * dy}


@final
class Gelu(Pointwise):
    """x·Φ(x), Φ the normal distribution. Source: arXiv:1606.08415; torch.nn.GELU."""

    keeps = "input"

    approximate: Annotated[
        Literal["none", "tanh"], choice("Compute it exactly, or by tanh.", "none", "tanh")
    ] = "none"

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x·Φ(x), or x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))). Source: torch.nn.GELU."""
        x = xs[0]
        if self.approximate == "tanh":
            return x * (0.5 * (1 + _near_tanh(xp, x)[1]))
        from convcalc.layers.special import normal_distribution  # few networks need it

        return x * normal_distribution(xp, x)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Φ(x) + x·φ(x), φ the normal density; or the same of the form by tanh."""
        x = kept["input"]
        if self.approximate == "tanh":
            near, tanh = _near_tanh(xp, x)
            inner = GELU_SCALE * (1 + 3 * GELU_CUBE * near * near)
            return {0: dy * 0.5 * (1 + tanh + near * (1 - tanh * tanh) * inner)}
        from convcalc.layers.special import normal_density, normal_distribution

        return {0: dy * (normal_distribution(xp, x) + x * normal_density(xp, x))}


@final
class Softplus(Pointwise):
    """log(1 + e^(beta·x))/beta; x itself above the threshold. Source: torch.nn.Softplus."""

    stands_alone: ClassVar[bool] = False

    keeps = "input"
    precision = "full_on_cuda"

    beta: Annotated[float, number("Steepness.", above=0)] = 1.0
    threshold: Annotated[float, number("beta·x above which the output is x.")] = 20.0

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """log(1 + e^(beta·x))/beta, x where beta·x > threshold. Source: torch.nn.Softplus."""
        steep = xs[0] * self.beta
        return xp.where(steep > self.threshold, xs[0], log1p_exp(xp, steep) / self.beta)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """σ(beta·x), and 1 where beta·x > threshold, as in PyTorch."""
        steep = kept["input"] * self.beta
        return {0: xp.where(steep > self.threshold, dy, dy * sigmoid(xp, steep))}
