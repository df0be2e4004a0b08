"""CC411: dropout on the network's output."""

from collections.abc import Iterator

from convcalc.layers.dropout import Dropout
from convcalc.rules.base import Advice
from convcalc.rules.context import POINTWISE, VIEWS, WEIGHTED, Context


def check(context: Context) -> Iterator[Advice]:
    """The dropout behind the last layer with weights."""
    if not context.complete or not context.of("dropout"):
        return
    (index,) = context.network.outputs
    passing = (POINTWISE | VIEWS) - {"dropout"}
    while context.kind(index) in passing:
        index = context.before(index)
    if context.kind(index) != "dropout":
        return
    layer = context.nodes[index].layer
    origin = context.origins(POINTWISE | VIEWS)[index]
    if isinstance(layer, Dropout) and layer.rate > 0 and context.kind(origin) in WEIGHTED:
        yield Advice(
            index,
            f"dropout sets {100 * layer.rate:.3g}% of the {context.output(index).size:,} values "
            f"that {context.name(origin)} puts out to 0",
            f"move it before {context.name(origin)}",
            "rate",
        )
