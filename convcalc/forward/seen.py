"""What was seen of a run, as values: no array library is needed to read them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.layers import Plan

MATRIX = 2
"""Axes of weights that are multiplied as matrices; a kernel has more."""


class Observed(NamedTuple):
    """What one layer's definition did."""

    output: tuple[int, ...] | None
    """Shape of the array that came out, the batch first; None when it raised."""
    weights: dict[str, tuple[tuple[int, ...], int]]
    """Shape of each array that was asked for, and how many of its values were read."""
    matrix_products: int
    """Multiplications inside products of matrices."""
    products: int
    """Multiplications of single values."""
    error: str | None = None
    """What was raised, in words; None where it ran through."""

    def multiplications(self, plan: Plan) -> int:
        """Multiply-accumulates, as docs/definitions.md counts them.

        Where a plan has products by the taps of a kernel, all multiplications are theirs; elsewhere
        those of matrices are, and not those of gates.
        """
        taps = any(len(weight.shape) > MATRIX for weight in plan.weights)
        return self.matrix_products + (self.products if taps and plan.products else 0)


class Compared(NamedTuple):
    """How far the engine is from the definitions of one or more layers."""

    layers: tuple[str, ...]
    """Those that the engine computes in one pass; the last one's output is compared."""
    error: float
    """The largest difference, as a part of the largest value of the output; infinite where one
    has a finite value and the other has none."""
    values: int
    """How many were compared."""


class Timed(NamedTuple):
    """What ran as one stage, and how long it took."""

    layers: tuple[str, ...]
    """Full names of the layers that were done in it, in their order."""
    kernel: str
    """What computed it; of the reference, the kind of the layer."""
    seconds: float
    """The shortest time of all runs, for the whole batch."""


class Values(NamedTuple):
    """What a run was seen to do."""

    tier: str
    """What computed them: `engine`, or `reference`."""
    shapes: dict[str, tuple[int, ...]]
    """Shape of each array that was computed, the batch first; fused layers have none of theirs."""
    finite: dict[str, bool]
    """Whether all values of a layer's output are finite; of a stage's last, where it is fused."""
    outputs: dict[str, Any]
    """The network's outputs by their names, the batch first."""
    kept: dict[str, Any]
    """Outputs that were to be kept, the batch first, by full names of their layers."""
    times: list[Timed]
    """What ran, stage by stage, in order."""
    alive: int
    """Most bytes of activations that were in use at once, by the arrays that were read and made."""
    allocated: int
    """Bytes of the memory for activations with borders and scratch; for the reference, the most of
    layers' outputs that were held at once."""
    compared: Sequence[Compared] = ()
    """How far the engine is from the definitions; nothing for the reference, which is them."""
