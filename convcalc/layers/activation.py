"""Activation functions without hyperparameters; no multiply-accumulates are counted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Plan,
    Pointwise,
    Run,
    Storage,
    Weights,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation

SELU_ALPHA = 1.6732632423543772848
SELU_SCALE = 1.0507009873554804934
HARD = 3
"""How far from 0 the hard forms of sigmoid and swish stop bending."""


def elu(xp: Any, x: Any, alpha: float) -> Any:
    """X where x > 0, else alpha·(eˣ − 1)."""
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))


def elu_slope(xp: Any, x: Any, alpha: float) -> Any:
    """The slope of an ELU: 1 where x > 0, else alpha·eˣ; at 0 it is alpha, as in PyTorch."""
    return xp.where(x > 0, 1, alpha * xp.exp(xp.minimum(x, 0)))


def sigmoid(xp: Any, x: Any) -> Any:
    """1/(1 + e⁻ˣ) without a power that could overflow."""
    power = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1 / (1 + power), power / (1 + power))


def log1p_exp(xp: Any, x: Any) -> Any:
    """log(1 + eˣ) without a power that could overflow."""
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


@final
class Relu(Pointwise):
    """max(x, 0). Source: torch.nn.ReLU."""

    back_layout = "output"
    keeps = "output"
    overwrites = True

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """max(x, 0). Source: ONNX operator Relu."""
        return xp.maximum(xs[0], 0)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The gradient where y > 0, else 0: at x = 0 it is 0, as in PyTorch."""
        return {0: xp.where(kept["output"] > 0, dy, 0)}


@final
class Relu6(Pointwise):
    """min(max(x, 0), 6). Source: torch.nn.ReLU6."""

    keeps = "input"
    overwrites = True

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """min(max(x, 0), 6). Source: torch.nn.ReLU6."""
        return xp.minimum(xp.maximum(xs[0], 0), 6)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The gradient where 0 < x < 6, else 0: at 0 and at 6 it is 0, as in PyTorch."""
        x = kept["input"]
        return {0: xp.where((x > 0) & (x < 6), dy, 0)}


@final
class Selu(Pointwise):
    """ELU, scaled to keep mean 0 and variance 1. Source: arXiv:1706.02515; torch.nn.SELU."""

    keeps = "input"
    overwrites = True
    keeps_in_place = "output"

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """1.0507·ELU(x) with alpha 1.67326. Source: arXiv:1706.02515, section 2; torch.nn.SELU."""
        return elu(xp, xs[0], SELU_ALPHA) * SELU_SCALE

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """As of an ELU, scaled: below 0, and at it, 1.0507·1.67326·eˣ."""
        return {0: elu_slope(xp, kept["input"], SELU_ALPHA) * SELU_SCALE * dy}


@final
class Silu(Pointwise):
    """x·sigmoid(x), also called swish. Source: arXiv:1702.03118; torch.nn.SiLU."""

    keeps = "input"
    overwrites = True

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x·sigmoid(x). Source: torch.nn.SiLU."""
        return xs[0] * sigmoid(xp, xs[0])

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """σ(x)·(1 + x·(1 − σ(x)))."""
        x = kept["input"]
        share = sigmoid(xp, x)
        return {0: dy * share * (1 + x * (1 - share))}


@final
class Mish(Pointwise):
    """x·tanh(softplus(x)). Source: arXiv:1908.08681; torch.nn.Mish."""

    keeps = "input"
    overwrites = True

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x·tanh(log(1 + eˣ)). Source: ONNX operator Mish."""
        return xs[0] * xp.tanh(log1p_exp(xp, xs[0]))

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The slope is t + x·σ(x)·(1 − t²), where t is tanh(log(1 + eˣ))."""
        x = kept["input"]
        share = xp.tanh(log1p_exp(xp, x))
        return {0: dy * (share + x * sigmoid(xp, x) * (1 - share * share))}


@final
class Sigmoid(Pointwise):
    """1/(1 + e⁻ˣ). Source: torch.nn.Sigmoid."""

    keeps = "output"

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """1/(1 + e⁻ˣ). Source: ONNX operator Sigmoid."""
        return sigmoid(xp, xs[0])

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """y·(1 − y): the output is enough."""
        y = kept["output"]
        return {0: dy * y * (1 - y)}


@final
class Hardsigmoid(Pointwise):
    """min(max(x + 3, 0), 6)/6. Source: arXiv:1905.02244; torch.nn.Hardsigmoid."""

    keeps = "input"
    overwrites = True

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """min(max(x + 3, 0), 6)/6. Source: torch.nn.Hardsigmoid.

        ONNX operator HardSigmoid with alpha 1/6; its default is 1/5.
        """
        return xp.minimum(xp.maximum(xs[0] + 3, 0), 6) / 6

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """1/6 where −3 < x < 3, else 0: at both ends it is 0, as in PyTorch."""
        return {0: xp.where(abs(kept["input"]) < HARD, dy / (2 * HARD), 0)}


@final
class Hardswish(Pointwise):
    """x·hardsigmoid(x). Source: arXiv:1905.02244; torch.nn.Hardswish."""

    keeps = "input"
    overwrites = True

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x·min(max(x + 3, 0), 6)/6. Source: ONNX operator HardSwish."""
        return xs[0] * (xp.minimum(xp.maximum(xs[0] + 3, 0), 6) / 6)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """(2·x + 3)/6 between −3 and 3: at −3 it is 0, and at 3 it is 1, as in PyTorch."""
        x = kept["input"]
        near = xp.minimum(xp.maximum(x, -HARD), HARD)  # twice a large value is none
        within = xp.where(x > -HARD, dy * ((2 * near + HARD) / (2 * HARD)), 0)
        return {0: xp.where(x < HARD, within, dy)}


@final
class Tanh(Pointwise):
    """tanh(x). Source: torch.nn.Tanh."""

    keeps = "output"

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """tanh(x). Source: ONNX operator Tanh."""
        return xp.tanh(xs[0])

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """1 − y²: the output is enough."""
        y = kept["output"]
        return {0: dy * (1 - y * y)}


@final
class Abs(Pointwise):
    """|x|. Source: torch.abs."""

    keeps = "input"

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The input is kept; the sign of each value is made for the gradient."""
        (operation,) = super().operations(xs, plan)
        return (operation._replace(scratch=plan.output.size),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """|x|. Source: ONNX operator Abs."""
        return xp.abs(xs[0])

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The sign of x: at 0 it is 0, as in PyTorch."""
        return {0: dy * xp.sign(kept["input"])}


@final
class Softmax(Pointwise):
    """eˣ/Σeˣ over the channels of each position. Source: torch.nn.Softmax with dim=1."""

    storage: ClassVar[Storage] = "own"
    back_layout = "output"
    keeps = "output"
    precision = "full_on_cuda"
    layout = "fresh"

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """eˣ/Σeˣ over channels, the largest shifted to 0. Source: ONNX operator Softmax, axis 1."""
        powers = xp.exp(xs[0] - xs[0].max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """y·(dy − Σ dy·y): more of one channel is less of all others."""
        y = kept["output"]
        return {0: y * (dy - (dy * y).sum(axis=1, keepdims=True))}


@final
class LogSoftmax(Pointwise):
    """The logarithm of softmax over channels. Source: torch.nn.LogSoftmax with dim=1."""

    storage: ClassVar[Storage] = "own"
    back_layout = "output"
    keeps = "output"
    precision = "full_on_cuda"
    layout = "fresh"

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """log(eˣ/Σeˣ) over channels, the largest shifted to 0. Source: ONNX LogSoftmax."""
        shifted = xs[0] - xs[0].max(axis=1, keepdims=True)
        return shifted - xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The gradient less its sum over channels times eʸ, the softmax."""
        return {0: dy - xp.exp(kept["output"]) * dy.sum(axis=1, keepdims=True)}
