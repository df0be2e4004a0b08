"""CC402: a large filter works on something other than the image."""

from collections.abc import Iterator
from math import prod

from convcalc.layers.convolution import Conv
from convcalc.numbers import times
from convcalc.rules.base import Advice
from convcalc.rules.context import PLACED, VIEWS, Context
from convcalc.rules.stacks import stack_of

BORDERED = PLACED | VIEWS | {"pad", "crop"}
"""Layers after which an image is still an image."""


def check(context: Context) -> Iterator[Advice]:
    """Convolutions of 7×7 or more that neither read the image nor make the output."""
    origins = context.origins(BORDERED)
    for index in context.of("conv"):
        layer, plan = context.nodes[index].layer, context.plan(index)
        if not isinstance(layer, Conv) or layer.groups > 1:
            continue
        kernel, windows = plan.weights[0].shape[2:], context.windows(index)
        image = context.source(origins[context.before(index)])
        if len(kernel) < 2 or min(kernel) < 7 or image:
            continue
        if all(w.stride == 1 and not (w.before or w.after) for w in windows):
            continue
        if any(origins[output] == origins[index] for output in context.network.outputs):
            continue
        x = context.input(index)
        if kernel == x.spatial or stack_of(kernel, x, plan.output, windows) is not None:
            continue
        count, small = max(kernel) // 2, times((3,) * len(kernel))
        yield Advice(
            index,
            f"a {times(kernel)} filter on {x.channels} channels has {prod(kernel) * x.channels:,} "
            f"weights; {count} of {small} on as many see as much with "
            f"{count * 3 ** len(kernel) * x.channels:,}",
            f"stack {count} convolutions of {small}, with a non-linearity after each",
            "kernel",
        )
