"""A layer run as in training: its output, and what it keeps for its backward pass, by name."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from convcalc.layers import Layer
from convcalc.layers.arrays import example
from convcalc.layers.base import Arrays, Run, Weights
from convcalc.layers.operations import kept


class Recording(Run):
    """A run as in training that holds on to what is kept, and draws numbers from a seed."""

    training: ClassVar[bool] = True

    def __init__(self, seed: int = 0) -> None:
        self.kept: dict[str, Any] = {}
        self.generator = np.random.default_rng(seed)

    def keep(self, name: str, array: Any) -> Any:
        """`array`, which is held from now on; `ValueError` for a name that is taken."""
        if name in self.kept:
            message = f"{name!r} is kept twice"
            raise ValueError(message)
        self.kept[name] = array
        return array

    def uniform(self, xp: Any, shape: Sequence[int]) -> Any:
        """Random numbers from 0 to 1, 1 left out, in float32."""
        return xp.asarray(self.generator.random(tuple(shape), np.float32))


def recorded(
    xp: Any, layer: Layer, weights: Weights, xs: Arrays, seed: int = 0
) -> tuple[Any, dict[str, Any]]:
    """A layer's output as in training, and what it keeps.

    What its `forward` keeps on the way is joined by its inputs and its output, as far as its
    operations declare them; by its inputs also where PyTorch keeps something that `forward` does
    not make, because that is what it can be worked out from.
    """
    run = Recording(seed)
    y = layer.forward(xp, weights, xs, run)
    shapes = [example(x) for x in xs]
    declared = kept(shapes, layer.operations(shapes, layer.plan(shapes)))
    names = ["input"] if len(xs) == 1 else [f"input {number + 1}" for number in range(len(xs))]
    replaced = not declared.keys().isdisjoint(layer.unmade)
    for name, x in zip(names, xs, strict=True):
        if name in declared or replaced:
            run.keep(name, x)
    if "output" in declared:
        run.keep("output", y)
    return y, run.kept
