"""CC412: layers go on from a single channel."""

from collections.abc import Iterator

from convcalc.numbers import times
from convcalc.rules.base import Advice
from convcalc.rules.context import DENSE, POINTWISE, POOLS, WEIGHTED, Context


def check(context: Context) -> Iterator[Advice]:
    """Layers that make one channel of several, and are not the last with weights."""
    origins = context.origins(POINTWISE | POOLS)
    reported: set[int] = set()
    for index in sorted(context.of(*DENSE)):
        x = context.input(index)
        source = origins[context.before(index)]
        if x.channels > 1 or source in reported:
            continue
        if context.kind(source) in WEIGHTED and context.input(source).channels > 1:
            reported.add(source)
            kept = times(x.spatial) + " values" if x.spatial else "one number"
            yield Advice(
                source,
                f"{context.name(source)} leaves one channel of {context.input(source).channels}: "
                f"{context.name(index)} works on {kept}",
                "use more channels",
                "features" if context.kind(source) == "linear" else "filters",
            )
