"""Whether a converted network computes what it did: both run on the same weights and input."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from convcalc.graph.planned import Planned
from convcalc.surgery import Converted

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}
"""Data type → largest difference that is one of rounding, as a part of the largest output."""


class Proof(NamedTuple):
    """What both networks computed in one data type."""

    dtype: str
    """Data type that both were run in, a key of `TOLERANCES`."""
    difference: float
    """Largest difference of an output's values, divided by the largest of that output; infinite
    where one network gives a number and the other none."""

    @property
    def holds(self) -> bool:
        """Whether they computed the same but for rounding."""
        return self.difference <= TOLERANCES[self.dtype]


def proven(
    old: Planned, converted: Converted, weights: Mapping[str, Any] | None = None, seed: int = 0
) -> list[Proof]:
    """Both networks run on the same weights, random ones unless given, and on random input.

    By the readable definitions of the layers, in each of `TOLERANCES`.
    """
    import numpy as np

    from convcalc.forward import random_weights, run
    from convcalc.forward.values import random_inputs

    given = random_weights(old, seed) if weights is None else weights
    inputs = random_inputs(old, 1, seed)
    proofs: list[Proof] = []
    for dtype in TOLERANCES:
        cast = {name: np.asarray(array, dtype) for name, array in given.items()}
        x = {
            name: array if array.dtype.kind in "iu" else array.astype(dtype)
            for name, array in inputs.items()
        }
        before = run(old, x, cast, reference=True)
        after = run(converted.network, x, converted.weights(cast), reference=True)
        proofs.append(Proof(dtype, _difference([*before.values()], [*after.values()])))
    return proofs


def _difference(before: list[Any], after: list[Any]) -> float:
    """The largest difference of outputs, in their order, each divided by the largest of its own."""
    import numpy as np

    worst = 0.0
    for one, other in zip(before, after, strict=True):
        if one.size != other.size:
            return float("inf")
        flat, against = one.ravel(), other.ravel()
        finite = np.isfinite(flat)
        if not np.array_equal(flat[~finite], against[~finite], equal_nan=True):
            return float("inf")
        if not np.isfinite(against[finite]).all():
            return float("inf")
        largest = float(abs(flat[finite]).max(initial=0.0))
        difference = float(abs(flat[finite] - against[finite]).max(initial=0.0))
        worst = max(worst, difference / largest if largest else difference)
    return worst
