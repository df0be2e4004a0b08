"""CC407: two convolutions or linear layers in a row, with no non-linearity between."""

from collections.abc import Iterator
from math import prod

from convcalc.layers import Layer, kinds
from convcalc.layers.base import Plan
from convcalc.layers.normalization import BatchNorm
from convcalc.rules.base import Advice
from convcalc.rules.context import DENSE, POINTWISE, Context

LINEAR = kinds(having="linear")
"""Layers that are linear in their input, in inference."""


def check(context: Context) -> Iterator[Advice]:
    """The second of two weighted sums that one would do for."""
    # For each layer the dense layer that it is a linear map of, if nothing else reads that.
    sources: list[int | None] = [None] * len(context.nodes)
    separable = _behind_depthwise(context)
    for index, node in enumerate(context.nodes):
        plan = context.plans[index]
        linear = node.kind in LINEAR or _fixed_norm(node.layer)
        if plan is None or not (linear or node.kind in DENSE):
            continue
        before = context.before(index)
        source = sources[before] if context.reader(before) == index else None
        if linear:
            sources[index] = source
            continue
        if getattr(node.layer, "groups", 1) > 1:
            continue
        sources[index] = index
        if source is None:
            continue
        first = context.plan(source)
        if _factorized(first, plan, context.input(source).channels):
            continue
        if separable[context.before(source)] and prod(first.weights[0].shape[2:]) == 1:
            continue  # the linear 1×1 half of a separable convolution
        yield Advice(
            index,
            f"{context.name(index)} is linear in what {context.name(source)} makes: together they "
            f"compute one linear map of {context.input(source).channels} channels to "
            f"{plan.output.channels}",
            "put a non-linearity such as `relu` between them, or leave one of them out",
        )


def _fixed_norm(layer: Layer | None) -> bool:
    """Whether a layer is a batch normalization by statistics that inference does not take anew."""
    return isinstance(layer, BatchNorm) and layer.track_running_stats


def _behind_depthwise(context: Context) -> list[bool]:
    """Of each layer whether it makes what a depthwise convolution does, activated or gated.

    A gate may stand on either side of the product.
    """
    behind: list[bool] = []
    for node in context.nodes:
        passing = node.kind in POINTWISE or node.kind == "multiply"
        known = [read for at, read in enumerate(node.inputs) if at not in node.unknown]
        behind.append(
            node.kind == "depthwise_conv" or (passing and any(behind[read] for read in known))
        )
    return behind


def _factorized(first: Plan, second: Plan, channels: int) -> bool:
    """Whether two layers stand for a larger one that would cost more, on purpose."""
    if first.output.channels < min(channels, second.output.channels):
        return True
    one, other = first.weights[0].shape[2:], second.weights[0].shape[2:]
    if len(one) != len(other) or prod(one) == 1 or prod(other) == 1:
        return False
    return all(1 in pair for pair in zip(one, other, strict=True))
