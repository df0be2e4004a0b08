"""CC409: batch normalization of values that went through dropout."""

from collections.abc import Iterator
from typing import NamedTuple

from convcalc.layers.dropout import Dropout
from convcalc.rules.base import Advice
from convcalc.rules.context import ACTIVATIONS, NOWHERE, POOLS, VIEWS, WEIGHTED, Context


def check(context: Context) -> Iterator[Advice]:
    """Batch normalizations that a dropout before them gives other values in training."""
    passing = WEIGHTED.union(ACTIVATIONS, VIEWS, POOLS, ("scale", "pad"))
    dropped = [NOWHERE] * len(context.nodes)
    norms: list[tuple[int, int]] = []
    for index, node in enumerate(context.nodes):
        before = node.inputs[0]
        if node.kind == "dropout":
            active = isinstance(node.layer, Dropout) and node.layer.rate > 0
            dropped[index] = index if active else dropped[before] if before >= 0 else NOWHERE
        elif before < 0 or dropped[before] == NOWHERE:
            continue
        elif node.kind in passing:
            dropped[index] = dropped[before]
        elif node.kind == "batchnorm":
            norms.append((index, dropped[before]))
    if not norms:
        return
    behind = _behind(context)
    lasts = {
        index: index if behind[index].norm == NOWHERE else behind[index].norm for index, _ in norms
    }
    dropouts: dict[int, set[int]] = {}
    for index, source in norms:
        dropouts.setdefault(lasts[index], set()).add(source)
    for index, source in norms:
        last = lasts[index]
        if not behind[last].weights:
            continue
        late = behind[last].dropout
        layer = context.nodes[source].layer
        rate = layer.rate if isinstance(layer, Dropout) else 0
        shift = f"{1 / (1 - rate):.3g} times" if rate < 1 else "other than"
        if late != NOWHERE:
            way = f"leave {context.name(source)} out: {context.name(late)} stands behind the last"
        elif len(dropouts[last]) > 1:
            way = (
                f"leave the {len(dropouts[last])} dropouts before a batch normalization out, and "
                f"put one behind {context.name(last)}, the last"
            )
        else:
            way = f"move {context.name(source)} behind {context.name(last)}, the last"
        yield Advice(
            index,
            f"{context.name(source)} makes the mean square of its values in training {shift} "
            f"that in inference, and {context.name(index)} keeps the statistics of training",
            f"{way} batch normalization",
        )


class _Behind(NamedTuple):
    """What works on the output of a layer, however far behind."""

    weights: bool = False
    """Whether a layer of weighted sums works on it."""
    norm: int = NOWHERE
    """Index of the last batch normalization behind it; `NOWHERE` without one."""
    dropout: int = NOWHERE
    """Index of a dropout behind that, with weights behind it; `NOWHERE` without one."""


def _behind(context: Context) -> list[_Behind]:
    behind = [_Behind()] * len(context.nodes)
    for index in reversed(range(len(behind))):
        node, here = context.nodes[index], behind[index]
        layer = node.layer
        if context.kind(index) in WEIGHTED:
            here = here._replace(weights=True)
        elif node.kind == "batchnorm" and here.norm == NOWHERE:
            here = here._replace(norm=index)
        elif (
            isinstance(layer, Dropout)
            and layer.rate > 0
            and here.weights
            and here.norm == here.dropout == NOWHERE
        ):
            here = here._replace(dropout=index)
        for read in node.inputs:
            if read >= 0:
                known = behind[read]
                behind[read] = _Behind(
                    known.weights or here.weights,
                    max(known.norm, here.norm),
                    max(known.dropout, here.dropout),
                )
    return behind
