"""What an optimizer remembers, and what it allocates while it steps.

Measured on torch.optim (PyTorch 2.13), fused over all tensors (`foreach`) and tensor by tensor.
"""

from collections.abc import Sequence
from typing import NamedTuple

COUNTER = 4
"""Bytes of the float32 step counter that most keep per tensor."""


class Rule(NamedTuple):
    """An optimizer in multiples of the parameters' bytes."""

    state: int
    """Copies of the parameters that it remembers."""
    counters: bool
    """Whether it counts the steps of each tensor."""
    fused: int
    """Copies that it makes of all tensors at once, fused."""
    previous: int
    """Tensor by tensor: arrays as large as the tensor before that still live."""
    current: int
    """Tensor by tensor: arrays as large as the tensor itself."""


RULES = {
    "sgd": Rule(0, counters=False, fused=0, previous=0, current=0),
    "momentum": Rule(1, counters=False, fused=0, previous=0, current=0),
    "nesterov": Rule(1, counters=False, fused=0, previous=0, current=1),
    "adagrad": Rule(1, counters=True, fused=2, previous=1, current=1),
    "rmsprop": Rule(1, counters=True, fused=1, previous=1, current=1),
    "adam": Rule(2, counters=True, fused=1, previous=1, current=2),
    "adamw": Rule(2, counters=True, fused=1, previous=1, current=2),
}
"""By the names that a spec's budget uses."""


def state_bytes(optimizer: str, sizes: Sequence[int]) -> int:
    """Bytes remembered for parameter tensors of `sizes` bytes.

    >>> state_bytes("adam", [400, 40])
    888
    """
    rule = RULES[optimizer]
    return rule.state * sum(sizes) + (COUNTER * len(sizes) if rule.counters else 0)


def step_bytes(optimizer: str, sizes: Sequence[int], *, fused: bool) -> int:
    """Most bytes that a step allocates beside parameters, gradients and state.

    >>> step_bytes("adam", [400, 40], fused=True), step_bytes("adam", [400, 40], fused=False)
    (440, 800)
    """
    rule = RULES[optimizer]
    if fused:
        return rule.fused * sum(sizes)
    before = [0, *sizes]
    return max(
        (
            rule.previous * last + rule.current * size
            for last, size in zip(before, sizes, strict=False)
        ),
        default=0,
    )
