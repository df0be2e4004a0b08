"""How optimizers step: the update rules of the notes, parameter by parameter, as torch.optim's.

Each changes a parameter and its own state in their memory. Hyperparameters are PyTorch's defaults;
where it has none, as for the momentum, they are the notes' usual ones.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

MOMENTUM = 0.9
"""Share of the velocity that stays. Source: CS231n notes, "SGD and bells and whistles"."""
DECAY = 0.99
"""Share of the mean square that stays in RMSProp. Source: torch.optim.RMSprop, `alpha`."""
BETAS = (0.9, 0.999)
"""Shares of the first and the second moment that stay. Source: Kingma and Ba, arXiv:1412.6980."""
WEIGHT_DECAY = 0.01
"""Share of a weight that a step of AdamW takes off it, by the learning rate. Source:
torch.optim.AdamW."""
EPS = 1e-8
"""What is added to the root of a mean square that divides."""
ADAGRAD_EPS = 1e-10
"""The same of Adagrad. Source: torch.optim.Adagrad."""

State = dict[str, Any]
"""What is remembered of one parameter: arrays by the names of `Rule.state`, and float32 `step`."""


class Rule(NamedTuple):
    """How an optimizer steps."""

    learning_rate: float
    """Factor of a step: PyTorch's default."""
    step: Callable[[Any, Any, Any, State, float], None]
    """Of the array library, a parameter, its gradient, its state and the learning rate."""
    state: tuple[str, ...] = ()
    """Names of the arrays as large as a parameter that it remembers."""
    counts: bool = False
    """Whether it counts the steps of each parameter, in `step`."""


def _sgd(_xp: Any, x: Any, dx: Any, _state: State, rate: float) -> None:
    """The vanilla update: x −= η·dx. Source: CS231n notes, "Vanilla update"."""
    x -= rate * dx


def _momentum(_xp: Any, x: Any, dx: Any, state: State, rate: float) -> None:
    """The momentum update: v = µ·v + dx; x −= η·v.

    Source: CS231n notes, "Momentum update"; torch.optim.SGD. The notes have the
    learning rate within v, which is the same where it stays the same.
    """
    v = state["momentum"]
    v *= MOMENTUM
    v += dx
    x -= rate * v


def _nesterov(_xp: Any, x: Any, dx: Any, state: State, rate: float) -> None:
    """The momentum of Nesterov: v = µ·v + dx; x −= η·(dx + µ·v).

    Source: CS231n notes, "Nesterov Momentum"; torch.optim.SGD.

    The notes' `x_ahead` is what x is called here.
    """
    v = state["momentum"]
    v *= MOMENTUM
    v += dx
    x -= rate * (dx + MOMENTUM * v)


def _adagrad(xp: Any, x: Any, dx: Any, state: State, rate: float) -> None:
    """Of squares: cache += dx²; x −= η·dx/(√cache + ε).

    Source: CS231n notes, "Adagrad"; torch.optim.Adagrad.
    """
    cache = state["sum of squares"]
    cache += dx * dx
    x -= rate * dx / (xp.sqrt(cache) + ADAGRAD_EPS)


def _rmsprop(xp: Any, x: Any, dx: Any, state: State, rate: float) -> None:
    """Of a mean of squares: cache = ρ·cache + (1 − ρ)·dx²; x −= η·dx/(√cache + ε).

    Source: CS231n notes, "RMSprop"; torch.optim.RMSprop.
    """
    cache = state["mean square"]
    cache *= DECAY
    cache += (1 - DECAY) * dx * dx
    x -= rate * dx / (xp.sqrt(cache) + EPS)


def _adam(xp: Any, x: Any, dx: Any, state: State, rate: float) -> None:
    """Of two moments: m = β₁·m + (1 − β₁)·dx; v = β₂·v + (1 − β₂)·dx²; x −= η·m̂/(√v̂ + ε).

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ). Source: CS231n notes, "Adam"; torch.optim.Adam.
    """
    m, v, step = state["first moment"], state["second moment"], float(state["step"])
    m *= BETAS[0]
    m += (1 - BETAS[0]) * dx
    v *= BETAS[1]
    v += (1 - BETAS[1]) * dx * dx
    m_unbiased = m * (1 / (1 - BETAS[0] ** step))
    v_unbiased = v * (1 / (1 - BETAS[1] ** step))
    x -= rate * m_unbiased / (xp.sqrt(v_unbiased) + EPS)


def _adamw(xp: Any, x: Any, dx: Any, state: State, rate: float) -> None:
    """Weights decay by x −= η·λ·x, then comes Adam's step.

    Source: Loshchilov and Hutter, arXiv:1711.05101; torch.optim.AdamW.
    """
    x *= 1 - rate * WEIGHT_DECAY
    _adam(xp, x, dx, state, rate)


MOMENTS = ("first moment", "second moment")
"""What Adam remembers."""
OPTIMIZERS: Mapping[str, Rule] = MappingProxyType(
    {
        "sgd": Rule(1e-3, _sgd),
        "momentum": Rule(1e-3, _momentum, ("momentum",)),
        "nesterov": Rule(1e-3, _nesterov, ("momentum",)),
        "adagrad": Rule(1e-2, _adagrad, ("sum of squares",), counts=True),
        "rmsprop": Rule(1e-2, _rmsprop, ("mean square",), counts=True),
        "adam": Rule(1e-3, _adam, MOMENTS, counts=True),
        "adamw": Rule(1e-3, _adamw, MOMENTS, counts=True),
    }
)
"""By the names that the memory model has."""


def first_state(xp: Any, optimizer: str, x: Any) -> State:
    """What is remembered of a parameter before the first step: zeros."""
    rule = OPTIMIZERS[optimizer]
    state: State = {name: xp.zeros_like(x) for name in rule.state}
    if rule.counts:
        state["step"] = xp.zeros((), "float32")
    return state


def step(xp: Any, optimizer: str, x: Any, dx: Any, state: State, rate: float | None = None) -> None:
    """Change a parameter, and what is remembered of it, by its gradient `dx`."""
    rule = OPTIMIZERS[optimizer]
    if "step" in state:
        state["step"] += 1
    rule.step(xp, x, dx, state, rule.learning_rate if rate is None else rate)
