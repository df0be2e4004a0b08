"""What a loss does to memory, as PyTorch's functions do it, by its name; of one output."""

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import NamedTuple

from convcalc.analysis.memory.program import LOSS
from convcalc.analysis.report import INDEX
from convcalc.graph.ends import last_kind
from convcalc.graph.planned import Planned
from convcalc.layers.operations import Operation, power
from convcalc.shape import Shape


class LossRule(NamedTuple):
    """What a loss of an output takes."""

    operation: Callable[[int], Operation]
    """Of the output's values: the operation that reads it. What that makes is made one number, of
    which it has a gradient; if it makes nothing, it is that number, and gives the output's."""
    target: Callable[[Shape, int], int]
    """Of the output's shape and the bytes of a value: bytes of an example's targets."""
    weighed: bool = False
    """Whether the total of the classes' weights is a number of its own."""
    large: bool = False
    """Whether the number is as large in memory as the output, in which it is worked out."""


def _classes(shape: Shape, _: int) -> int:
    return INDEX * prod(shape.spatial)


def _values(shape: Shape, width: int) -> int:
    return shape.size * width


def _at_once(_: int) -> Operation:
    """One kernel from the output to the number, and one back to the output's gradient."""
    return Operation(0, keeps="input", precision="full", name="loss")


OF_SCORES = LossRule(lambda size: _at_once(size)._replace(scratch=size), _values)
"""Binary cross-entropy of scores; its gradient takes their sigmoid first."""
RULES: Mapping[str, LossRule] = MappingProxyType(
    {
        LOSS: LossRule(
            lambda size: Operation(size, keeps="output", precision="full", name="log_softmax"),
            _classes,
            weighed=True,
        ),
        "binary-cross-entropy": LossRule(_at_once, _values, large=True),
        "mean-squared-error": LossRule(_at_once, _values, large=True),
        "squares": LossRule(lambda size: power(size, 0), lambda shape, width: 0),  # noqa: ARG005
    }
)
"""By the names that options take. Sources: torch.nn.functional's cross_entropy,
binary_cross_entropy (of scores binary_cross_entropy_with_logits), mse_loss, and
`y.square().mean()`; measured on PyTorch 2.13, see docs/memory.md."""


def rule_of(name: str, network: Planned, output: int) -> LossRule:
    """The rule of a loss of the output that a layer makes, by its index."""
    if name == "binary-cross-entropy" and last_kind(network, output) != "sigmoid":
        return OF_SCORES
    return RULES[name]
