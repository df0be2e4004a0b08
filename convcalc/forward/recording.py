"""A layer run as in training: its output, and what it keeps for its backward pass, by name."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

import numpy as np

from convcalc.layers import Layer
from convcalc.layers.arrays import example
from convcalc.layers.base import Arrays, Run, Weights
from convcalc.layers.kept import Kept
from convcalc.layers.operations import input_names, kept, of_batch


class Recording(Run):
    """A run as in training that holds on to what is kept, and draws numbers from a generator."""

    training: ClassVar[bool] = True

    def __init__(self, generator: np.random.Generator) -> None:
        self.kept: dict[str, Any] = {}
        self.updated: dict[str, Any] = {}
        self.generator = generator

    def keep(self, name: str, array: Any) -> Any:
        """`array`, which is held from now on; `ValueError` for a name that is taken."""
        if name in self.kept:
            message = f"{name!r} is kept twice"
            raise ValueError(message)
        self.kept[name] = array
        return array

    def update(self, name: str, array: Any) -> None:
        """Hold the new value of a running statistic."""
        self.updated[name] = array

    def uniform(self, xp: Any, shape: Sequence[int]) -> Any:
        """Random numbers from 0 to 1, 1 left out, in float32."""
        return xp.asarray(self.generator.random(tuple(shape), np.float32))


class Recorded:
    """A layer that was run as in training."""

    __slots__ = ("kept", "output", "updated")

    def __init__(self, output: Any, kept: Kept, updated: dict[str, Any]) -> None:
        self.output = output
        """What came out, batch first."""
        self.kept = kept
        """What its backward pass gets, and nothing else of the run."""
        self.updated = updated
        """New values of its running statistics, by their names in its plan."""


def record(
    xp: Any,
    layer: Layer,
    weights: Weights,
    xs: Arrays,
    asked: Collection[int | str] | None = None,
    generator: np.random.Generator | None = None,
) -> Recorded:
    """Run a layer as in training, for the gradients of `asked`: of all unless given.

    What its `forward` keeps on the way is joined by its inputs and its output, as far as its
    operations declare them; by its inputs also where PyTorch keeps something that `forward` does
    not make, because that is what it can be worked out from.
    """
    run = Recording(np.random.default_rng(0) if generator is None else generator)
    y = layer.forward(xp, weights, xs, run)
    shapes = [example(x) for x in xs]
    plan = layer.plan(shapes)
    operations = layer.operations(shapes, plan)
    declared = kept(shapes, of_batch(operations, y.shape[0]), asked)
    replaced = not declared.keys().isdisjoint(layer.unmade)
    there = dict(run.kept)
    if asked is None:
        asked = [*range(len(xs)), *(weight.name for weight in plan.weights if not weight.buffer)]
    else:
        there = {name: array for name, array in there.items() if name in declared}
    for name, x in zip(input_names(len(xs)), xs, strict=True):
        if name in declared or replaced:
            there[name] = x
    if "output" in declared:
        there["output"] = y
    return Recorded(y, Kept(there, shapes, asked), run.updated)


def recorded(
    xp: Any, layer: Layer, weights: Weights, xs: Arrays, seed: int = 0
) -> tuple[Any, dict[str, Any]]:
    """A layer's output as in training, and what it keeps if everything has a gradient."""
    made = record(xp, layer, weights, xs, generator=np.random.default_rng(seed))
    return made.output, dict(made.kept.arrays)
