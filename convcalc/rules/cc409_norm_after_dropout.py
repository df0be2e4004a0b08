"""CC409: batch normalization of values that went through dropout."""

from collections.abc import Iterator
from typing import NamedTuple

from convcalc.layers import kinds
from convcalc.layers.dropout import Dropout
from convcalc.rules.base import Advice
from convcalc.rules.context import WEIGHTED, WHOLE_POOLS, Context

LEVELLING = kinds("norm", "softmax", "merge") | WHOLE_POOLS
"""Layers behind which a dropout shows less: they scale what comes anew, add what was not dropped,
or take the mean of whole maps."""


def check(context: Context) -> Iterator[Advice]:
    """Batch normalizations that a dropout before them gives other values in training."""
    dropped: list[int | None] = [None] * len(context.nodes)
    norms: list[tuple[int, int]] = []
    for index, node in enumerate(context.nodes):
        source = dropped[node.inputs[0]] if node.inputs and 0 not in node.unknown else None
        if node.kind == "dropout":
            active = isinstance(node.layer, Dropout) and node.layer.rate > 0
            dropped[index] = index if active else source
        elif source is None:
            continue
        elif node.kind == "batchnorm":
            norms.append((index, source))
        elif node.kind not in LEVELLING:
            dropped[index] = source
    if not norms:
        return
    behind = _behind(context)
    lasts = {index: index if (norm := behind[index].norm) is None else norm for index, _ in norms}
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
        if late is not None:
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
    norm: int | None = None
    """Index of the last batch normalization behind it; None without one."""
    dropout: int | None = None
    """Index of a dropout behind that, with weights behind it; None without one."""


def _behind(context: Context) -> list[_Behind]:
    behind = [_Behind()] * len(context.nodes)
    for index in reversed(range(len(behind))):
        node, here = context.nodes[index], behind[index]
        layer = node.layer
        if context.kind(index) in WEIGHTED:
            here = here._replace(weights=True)
        elif node.kind == "batchnorm" and here.norm is None:
            here = here._replace(norm=index)
        elif (
            isinstance(layer, Dropout)
            and layer.rate > 0
            and here.weights
            and here.norm is here.dropout is None
        ):
            here = here._replace(dropout=index)
        for read in node.inputs:
            known = behind[read]
            behind[read] = _Behind(
                known.weights or here.weights,
                _later(known.norm, here.norm),
                _later(known.dropout, here.dropout),
            )
    return behind


def _later(one: int | None, other: int | None) -> int | None:
    """The later of two layers, of which there may be one or none."""
    return max((index for index in (one, other) if index is not None), default=None)
