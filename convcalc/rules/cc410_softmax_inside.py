"""CC410: layers that work on the output of a softmax."""

from collections.abc import Iterator

from convcalc.rules.base import Advice
from convcalc.rules.context import ACTIVATIONS, NORMS, SOFTMAXES, VIEWS, WEIGHTED, Context


def check(context: Context) -> Iterator[Advice]:
    """Softmaxes that another layer works on, unless it averages by their probabilities."""
    if not context.of(*SOFTMAXES):
        return
    origins = context.origins(VIEWS | {"dropout"})
    behind = _followed_by_weights(context)
    reported: set[int] = set()
    for index in sorted(context.of(*WEIGHTED, *ACTIVATIONS, *SOFTMAXES, *NORMS)):
        source = origins[context.before(index)]
        if context.kind(source) not in SOFTMAXES or source in reported:
            continue
        reported.add(source)
        if _expected_value(context, index, behind):
            continue
        yield Advice(
            source,
            f"{context.name(index)} works on the probabilities of {context.name(source)}",
            "leave this one out, and keep one at the end"
            if context.kind(index) in SOFTMAXES
            else "use an activation such as `relu` here, and keep softmax for the end",
        )


def _expected_value(context: Context, index: int, behind: list[bool]) -> bool:
    """Whether a layer averages over a distribution: no bias, fewer channels, and none behind it."""
    node = context.nodes[index]
    if node.kind not in ("conv", "linear") or getattr(node.layer, "bias", True):
        return False
    fewer = context.output(index).channels < context.input(index).channels
    return fewer and not behind[index]


def _followed_by_weights(context: Context) -> list[bool]:
    """By layer, whether some layer with weights works on what it makes."""
    followed = [False] * len(context.nodes)
    for index in reversed(range(len(followed))):
        if followed[index] or context.kind(index) in WEIGHTED:
            for source in context.nodes[index].inputs:
                followed[source] = True
    return followed
