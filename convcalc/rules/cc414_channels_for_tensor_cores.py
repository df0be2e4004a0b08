"""CC414: a number of channels that tensor cores pad."""

from collections.abc import Iterator

from convcalc.layers.sliding import decimal
from convcalc.rules.base import Advice
from convcalc.rules.context import POINTWISE, WEIGHTED, Context

TENSOR_CORE = 8
"""Channels that a tensor core takes at once, in half precision."""


def check(context: Context) -> Iterator[Advice]:
    """Layers whose channels are no multiple of 8, but for the output."""
    origins = context.origins(POINTWISE)
    last = {origins[output] for output in context.network.outputs} if context.complete else set()
    for index in context.of(*WEIGHTED - {"depthwise_conv"}):
        channels = context.output(index).channels
        if channels % TENSOR_CORE and index not in last:
            more = -(-channels // TENSOR_CORE) * TENSOR_CORE
            less = more - TENSOR_CORE
            yield Advice(
                index,
                f"{channels} channels are no multiple of {TENSOR_CORE}: {channels}/{TENSOR_CORE} = "
                f"{decimal(channels, TENSOR_CORE)}",
                f"use {less} or {more}" if less else f"use {more}",
                "features" if context.kind(index) == "linear" else "filters",
            )
