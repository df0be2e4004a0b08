"""CC409: batch normalization of values that went through dropout."""

from collections.abc import Iterator

from convcalc.layers.dropout import Dropout
from convcalc.rules.base import Advice
from convcalc.rules.context import ACTIVATIONS, NOWHERE, POOLS, VIEWS, WEIGHTED, Context


def check(context: Context) -> Iterator[Advice]:
    """Batch normalizations that a dropout before them gives other values in training."""
    passing = WEIGHTED | ACTIVATIONS | VIEWS | POOLS | {"scale", "pad"}
    dropped = [NOWHERE] * len(context.nodes)
    for index, node in enumerate(context.nodes):
        before = node.inputs[0]
        if node.kind == "dropout":
            active = isinstance(node.layer, Dropout) and node.layer.rate > 0
            dropped[index] = index if active else dropped[before] if before >= 0 else NOWHERE
        elif before < 0 or dropped[before] == NOWHERE:
            continue
        elif node.kind in passing:
            dropped[index] = dropped[before]
        elif node.kind == "batchnorm":
            source = dropped[before]
            layer = context.nodes[source].layer
            rate = layer.rate if isinstance(layer, Dropout) else 0
            shift = f"{1 / (1 - rate):.3g} times" if rate < 1 else "other than"
            yield Advice(
                index,
                f"{context.name(source)} makes the mean square of its values in training {shift} "
                f"that in inference, and {context.name(index)} keeps the statistics of training",
                f"move {context.name(source)} behind the last batch normalization",
            )
