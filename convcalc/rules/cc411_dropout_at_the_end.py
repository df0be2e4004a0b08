"""CC411: dropout on an output of the network."""

from collections.abc import Iterator

from convcalc.layers.dropout import Dropout
from convcalc.rules.base import Advice
from convcalc.rules.context import POINTWISE, VIEWS, WEIGHTED, Context


def check(context: Context) -> Iterator[Advice]:
    """The dropout behind the last layer with weights, of each output."""
    if not context.complete or not context.of("dropout"):
        return
    origins = context.origins(POINTWISE | VIEWS)
    before_end = context.origins((POINTWISE | VIEWS) - {"dropout"})
    for index in sorted({before_end[output] for output in context.network.outputs}):
        layer, origin = context.nodes[index].layer, origins[index]
        if isinstance(layer, Dropout) and layer.rate > 0 and context.kind(origin) in WEIGHTED:
            yield Advice(
                index,
                f"dropout sets {100 * layer.rate:.3g}% of the {context.output(index).size:,} "
                f"values that {context.name(origin)} puts out to 0",
                f"move it before {context.name(origin)}",
                "rate",
            )
