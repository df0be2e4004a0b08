"""CC424: max unpooling whose windows overlap, so that two values may go to one place."""

from collections.abc import Iterator
from typing import cast

from convcalc.layers.sliding import AXIS_NAMES
from convcalc.layers.unpooling import MaxUnpool
from convcalc.rules.base import Advice
from convcalc.rules.context import Context


def check(context: Context) -> Iterator[Advice]:
    """Layers that undo a pool whose kernel is larger than its stride, and has several windows."""
    for index in context.of("maxunpool"):
        layer, x = cast("MaxUnpool", context.nodes[index].layer), context.input(index)
        names = AXIS_NAMES.get(x.rank, ())
        for name, window, size in zip(names, layer.windows, x.spatial, strict=False):
            if window.kernel > window.stride and size > 1:
                yield Advice(
                    index,
                    f"windows of {window.kernel} every {window.stride} overlap along the {name}: "
                    "where two have one largest value, one of both values is lost",
                    f"pool with kernel {window.stride}, or stride {window.kernel}",
                    "indices",
                )
                break
