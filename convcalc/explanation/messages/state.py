"""Weights of a file that are of other shapes than a model's: which of the two the spec is.

Where the file's shape is the spec's, the model's code differs from it; where the model's is, the
file is another network's.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from convcalc.explanation.messages.changes import Change
from convcalc.explanation.messages.clash import Axes, Clash
from convcalc.explanation.messages.finder import Trial

if TYPE_CHECKING:
    from convcalc.graph import Network

Weights = Sequence[tuple[str, Axes, Axes]]
"""Names, with the shape in the file and the shape in the model."""


def unlike(network: "Network", weights: Weights) -> Iterator[Trial]:
    """The layers that the first weight may be of, each with what the other side has instead.

    The first whose filters differ, or the first of all: those behind it follow from it.
    """
    own = [each for each in weights if each[1][0] != each[2][0]] or list(weights)
    for name, file, model in own[:1]:
        for index, node in enumerate(network.nodes):
            plan = network.plans[index]
            if plan is None or node.shared_with is not None:
                continue
            for weight in plan.weights:
                if not _may_be(name, weight.name):
                    continue
                for side, shape, other in (("model", file, model), ("file", model, file)):
                    if weight.shape == shape and other != shape:
                        change = Change("weights", side, other, _distance(name, node.name))
                        yield Trial(index, change, index, Clash("", weight=shape), None, 0)
                        break


def _may_be(name: str, weight: str) -> bool:
    """Whether a weight of a file may be this one: a bias is no weight."""
    last = name.rpartition(".")[2].rpartition("/")[2]
    known: dict[str, Any] = {"kernel": "weight", "gamma": "weight", "beta": "bias"}
    ours = known.get(last, last)
    return ours == weight or ours not in ("weight", "bias", "running_mean", "running_var")


def _distance(name: str, layer: str) -> float:
    """0 where the name in the file ends with the layer's, 1 elsewhere."""
    held = name.replace("/", ".").split(".")
    return 0.0 if layer.rsplit(".", maxsplit=1)[-1] in held else 1.0
