"""CC406: a stack of 3×3 filters sees as much as a large one, with fewer weights."""

from collections.abc import Iterator

from convcalc.layers.convolution import Conv
from convcalc.numbers import times
from convcalc.rules.base import Advice
from convcalc.rules.context import Context
from convcalc.rules.stacks import stack_of


def check(context: Context) -> Iterator[Advice]:
    """Convolutions that a stack of 3×3 ones would do for at most ¾ of the weights."""
    for index in context.of("conv"):
        layer, plan = context.nodes[index].layer, context.plan(index)
        if not isinstance(layer, Conv) or layer.groups > 1:
            continue
        x = context.input(index)
        kernel = plan.weights[0].shape[2:]
        stack = stack_of(kernel, x, plan.output, context.windows(index))
        if stack is None:
            continue
        count, weights = stack
        small = times((3,) * len(kernel))
        yield Advice(
            index,
            f"one {times(kernel)} convolution from {x.channels} to {plan.output.channels} channels "
            f"has {plan.weights[0].size:,} weights; {count} of {small} see as much with "
            f"{weights:,}",
            f"stack {count} convolutions of {small}, with a non-linearity after each",
            "kernel",
        )
