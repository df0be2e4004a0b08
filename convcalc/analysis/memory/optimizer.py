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

STATES: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("momentum",),
    "nesterov": ("momentum",),
    "adagrad": ("sum of squares",),
    "rmsprop": ("mean square",),
    "adam": ("first moment", "second moment"),
    "adamw": ("first moment", "second moment"),
}
"""By the same names, what each of the copies is that it remembers."""


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
    copies = step_copies(optimizer, sizes, fused=fused)
    return sum(count * sizes[number] for number, count in copies)


def step_copies(optimizer: str, sizes: Sequence[int], *, fused: bool) -> list[tuple[int, int]]:
    """What is alive when a step has allocated most: numbers of tensors, and copies of each.

    >>> step_copies("adam", [400, 40], fused=False), step_copies("adam", [40, 400], fused=False)
    ([(0, 2)], [(0, 1), (1, 2)])
    """
    rule = RULES[optimizer]
    if fused:
        return [(number, rule.fused) for number in range(len(sizes)) if rule.fused]
    current = max(
        range(len(sizes)),
        key=lambda number: (
            (rule.previous * sizes[number - 1] if number else 0) + rule.current * sizes[number]
        ),
        default=0,
    )
    pair = ((current - 1, rule.previous), (current, rule.current))
    return [(number, copies) for number, copies in pair if 0 <= number < len(sizes) and copies]
