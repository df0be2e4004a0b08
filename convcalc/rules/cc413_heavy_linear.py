"""CC413: a linear layer on a flattened map holds most of the parameters."""

from collections.abc import Iterator

from convcalc.rules.base import Advice
from convcalc.rules.context import POINTWISE, VIEWS, WEIGHTED, Context

HEAVY = 1_000_000
"""Weights below which a layer is never called heavy."""


def check(context: Context) -> Iterator[Advice]:
    """Linear layers behind a flatten with at least half of the parameters."""
    if not context.complete or context.dense or _measures(context):
        return
    origins = context.origins(POINTWISE)
    for index in context.of("linear"):
        weights = context.size(index)
        if weights < HEAVY or 2 * weights < context.parameters:
            continue
        source = origins[context.before(index)]
        if context.kind(source) not in ("flatten", "reshape"):
            continue
        x, features = context.input(source), context.output(index).channels
        saved = (context.input(index).channels - x.channels) * features
        if saved <= 0 or not context.sees_half(context.before(source)):
            continue
        pool = origins[context.before(source)]
        way = (
            "set `adaptive_avgpool: 1`"
            if context.kind(pool) == "adaptive_avgpool"
            else "put `global_avgpool` before the flatten"
        )
        share = 100 * weights / context.parameters
        yield Advice(
            index,
            f"{context.name(index)} has {weights:,} of the {context.parameters:,} parameters "
            f"({share:.0f}%), a weight for each of the {x} values per output",
            f"{way}: {x.channels} values, and {saved:,} parameters fewer",
        )


def _measures(context: Context) -> bool:
    """Whether an output is a single number without bounds."""
    origins = context.origins(VIEWS)
    return any(
        context.output(output).size == 1 and context.kind(origins[output]) in WEIGHTED
        for output in context.network.outputs
    )
