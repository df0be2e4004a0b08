"""A convolution of a large kernel becomes several of 3×3, which see as much with fewer weights.

(k − 1)/2 convolutions of 3×3 see k×k; of C channels they have (k − 1)/2·9·C² weights instead of
k²·C², and what comes between them makes them more expressive (notes of CS231n, "Prefer a stack of
small filter CONV to one large receptive field CONV layer"; Simonyan and Zisserman 2014).
"""

from collections.abc import Sequence
from typing import Any

from convcalc.graph import LayerNode
from convcalc.layers.base import Plan, field_value
from convcalc.numbers import plural
from convcalc.spec.tree import Item
from convcalc.surgery.edits import (
    CannotConvertError,
    Edit,
    Result,
    Subject,
    anew,
    fields_of,
    in_sequence,
    readers,
)

BETWEEN = "relu"
"""The activation between two, where none is behind the one that they stand for."""


def convert(subject: Subject, value: None) -> Result:
    """The network with stacks of 3×3 for its larger convolutions."""
    del value
    network = subject.network
    reading = readers(network)
    edits: dict[int, Edit] = {}
    for index, node in enumerate(network.nodes):
        size = _size(node, len(network.shape_of(index).spatial))
        if size and _saves(network.plans[index], size):
            behind = [network.nodes[each] for each in reading[index]]
            activation = behind[0].item if _activates(behind) else Item(BETWEEN)
            edits[index] = _stacked(subject, size, activation)
    if not edits:
        message = (
            "no convolution whose weights a stack would save has a kernel of 5, 7, … alike along "
            "each axis, without groups and dilation, and padding of none or of (k − 1)/2"
        )
        raise CannotConvertError(message)
    return anew(subject, edits, f"{plural(len(edits), 'convolution')} became stacks")


def _saves(plan: Plan, size: int) -> bool:
    """Whether a stack has fewer weights: not where few channels come in, as those of a picture."""
    filters, channels, *kernel = plan.weights[0].shape
    small = 3 ** len(kernel) * filters * (channels + (size // 2 - 1) * filters)
    return bool(small < plan.weights[0].size)


def _activates(behind: Sequence[LayerNode]) -> bool:
    return len(behind) == 1 and behind[0].kind.endswith(("relu", "elu", "silu", "tanh", "sigmoid"))


def _size(node: LayerNode, axes: int) -> int:
    """The kernel of a convolution that can be a stack; 0 for others."""
    layer: Any = node.layer
    if node.kind != "conv" or layer is None:
        return 0
    kernel, padding = field_value(layer, "kernel"), field_value(layer, "padding")
    sizes = {kernel} if isinstance(kernel, int) else {*kernel}
    size = sizes.pop()
    if sizes or size < 5 or size % 2 == 0 or not axes:
        return 0
    if field_value(layer, "groups") != 1 or field_value(layer, "dilation") not in (1, (1,) * axes):
        return 0
    same = size // 2
    whole = padding in (0, same, (same,) * axes, (0,) * axes, ((same, same),) * axes)
    return size if whole or padding == "same" else 0


def _stacked(subject: Subject, size: int, activation: Item) -> Edit:
    """The edit of a convolution: the stride is the last one's, as the size then stays."""

    def items(item: Item) -> tuple[Item, ...]:
        said = fields_of(subject.spec, item)
        layer: dict[str, Any] = {**said, "kernel": 3}
        if "padding" in said:
            nothing = str(said["padding"]) in ("0", "valid")
            layer["padding"] = 0 if nothing else 1
        first = {**layer, "stride": 1} if "stride" in layer else layer
        first = {name: each for name, each in first.items() if each is not None}
        made: list[Item] = []
        for _ in range(size // 2 - 1):
            made += [Item("conv", **first), activation.replace(name=None, origin=None)]
        return in_sequence(item, (*made, Item("conv", **layer)))

    return Edit(items)
