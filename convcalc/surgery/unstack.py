"""Two convolutions in a row become one that sees as much: the other way of `stack`.

A 3×3 behind a 3×3 sees 5×5 of what the first reads; one 5×5 has 25·C² weights instead of 18·C².
What is between them goes, so it computes something else.
"""

from typing import Any

from convcalc.graph.planned import Planned
from convcalc.layers import kinds
from convcalc.layers.base import field_value
from convcalc.numbers import plural
from convcalc.spec.tree import Item
from convcalc.surgery.edits import (
    CannotConvertError,
    Edit,
    Result,
    Subject,
    anew,
    dropped,
    fields_of,
    readers,
)

BETWEEN = kinds("activation", "identity") | {"batchnorm"}
"""Kinds that may stand between two convolutions, and go."""


def convert(subject: Subject, value: None) -> Result:
    """The network with one convolution for each stack of them."""
    del value
    network = subject.network
    reading = readers(network)
    edits: dict[int, Edit] = {}
    stacks = 0
    for index in range(len(network.nodes)):
        stack = [] if index in edits else _stack(network, reading, index)
        convolutions = [each for each in stack if network.nodes[each].kind == "conv"]
        if len(convolutions) > 1:
            stacks += 1
            edits.update({each: Edit(dropped) for each in stack[:-1]})
            edits[stack[-1]] = _one(subject, convolutions)
    if not edits:
        message = "no two convolutions of stride 1 and the same filters follow each other"
        raise CannotConvertError(message)
    return anew(subject, edits, f"{plural(stacks, 'stack')} became a convolution")


def _stack(network: Planned, reading: list[list[int]], start: int) -> list[int]:
    """Convolutions from one on, and what is between them, the last a convolution."""
    if not _fits(network, start):
        return []
    chain, last = [start], 1
    at = start
    while len(reading[at]) == 1 and at not in network.outputs:
        at = reading[at][0]
        node = network.nodes[at]
        if len(node.inputs) != 1 or node.shared_with is not None:
            break
        chain.append(at)
        if node.kind == "conv":
            filters = network.shape_of(at).channels
            if not _fits(network, at) or filters != network.shape_of(start).channels:
                break
            last = len(chain)
        elif node.kind not in BETWEEN:
            break
    return chain[:last]


def _fits(network: Planned, index: int) -> bool:
    """Whether a convolution is one that a larger can stand for."""
    node = network.nodes[index]
    layer: Any = node.layer
    if node.kind != "conv" or node.shared_with is not None or network.nodes[index].late:
        return False
    kernel, padding = field_value(layer, "kernel"), field_value(layer, "padding")
    return (
        isinstance(kernel, int)
        and kernel > 1
        and kernel % 2 == 1
        and padding in (0, kernel // 2)
        and all(field_value(layer, name) == 1 for name in ("stride", "groups", "dilation"))
    )


def _one(subject: Subject, convolutions: list[int]) -> Edit:
    """The edit of the last convolution of a stack."""
    layers: list[Any] = [subject.network.nodes[each].layer for each in convolutions]
    kernel = 1 + sum(field_value(layer, "kernel") - 1 for layer in layers)
    padding = sum(field_value(layer, "padding") for layer in layers)

    def items(item: Item) -> tuple[Item, ...]:
        said = fields_of(subject.spec, item)
        changes = {"kernel": kernel}
        if padding or "padding" in said:
            changes["padding"] = padding
        return (item.replace(**changes),)

    return Edit(items)
