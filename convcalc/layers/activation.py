"""Activation functions: one value in, one value out; no multiply-accumulates are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, final

from convcalc.layers.base import Layer, Plan, Pointwise, Storage, Weight, choice, number
from convcalc.shape import Shape


@final
class Relu(Pointwise):
    """max(x, 0). Source: torch.nn.ReLU."""


@final
class Relu6(Pointwise):
    """min(max(x, 0), 6). Source: torch.nn.ReLU6."""


@final
@dataclass(frozen=True)
class LeakyRelu(Pointwise):
    """x where x > 0, else slope·x. Source: torch.nn.LeakyReLU."""

    slope: Annotated[float, number("Slope below 0.")] = 0.01


@final
@dataclass(frozen=True)
class Prelu(Layer):
    """x where x > 0, else a learned slope times x.

    Source: He et al., arXiv:1502.01852; torch.nn.PReLU.
    """

    storage = "in_place"

    slopes: Annotated[
        Literal["one", "channels"],
        choice("Learn one slope, or one per channel.", "one", "channels"),
    ] = "one"

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """One slope, or one per channel."""
        count = 1 if self.slopes == "one" else xs[0].channels
        return Plan(xs[0], (Weight("weight", (count,)),))


@final
@dataclass(frozen=True)
class Elu(Pointwise):
    """x where x > 0, else alpha·(eˣ − 1). Source: arXiv:1511.07289; torch.nn.ELU."""

    alpha: Annotated[float, number("Depth below 0.")] = 1.0


@final
class Selu(Pointwise):
    """ELU, scaled to keep mean 0 and variance 1. Source: arXiv:1706.02515; torch.nn.SELU."""


@final
@dataclass(frozen=True)
class Gelu(Pointwise):
    """x·Φ(x), Φ the normal distribution. Source: arXiv:1606.08415; torch.nn.GELU."""

    approximate: Annotated[
        Literal["none", "tanh"], choice("Compute it exactly, or by tanh.", "none", "tanh")
    ] = "none"


@final
class Silu(Pointwise):
    """x·sigmoid(x), also called swish. Source: arXiv:1702.03118; torch.nn.SiLU."""


@final
class Mish(Pointwise):
    """x·tanh(softplus(x)). Source: arXiv:1908.08681; torch.nn.Mish."""


@final
class Sigmoid(Pointwise):
    """1/(1 + e⁻ˣ). Source: torch.nn.Sigmoid."""


@final
class Hardsigmoid(Pointwise):
    """min(max(x + 3, 0), 6)/6. Source: arXiv:1905.02244; torch.nn.Hardsigmoid."""


@final
class Hardswish(Pointwise):
    """x·hardsigmoid(x). Source: arXiv:1905.02244; torch.nn.Hardswish."""


@final
class Tanh(Pointwise):
    """tanh(x). Source: torch.nn.Tanh."""


@final
@dataclass(frozen=True)
class Softplus(Pointwise):
    """log(1 + e^(beta·x))/beta; x itself above the threshold. Source: torch.nn.Softplus."""

    beta: Annotated[float, number("Steepness.", above=0)] = 1.0
    threshold: Annotated[float, number("beta·x above which the output is x.")] = 20.0


@final
class Softmax(Pointwise):
    """eˣ/Σeˣ over the channels of each position. Source: torch.nn.Softmax with dim=1."""

    storage: ClassVar[Storage] = "own"


@final
class LogSoftmax(Pointwise):
    """The logarithm of softmax over channels. Source: torch.nn.LogSoftmax with dim=1."""

    storage: ClassVar[Storage] = "own"
