"""Convolutions become depthwise ones with 1×1 convolutions behind them, which take less.

A k×k convolution of C to K channels has k²·C·K weights, and k²·C + C·K as a filter for each channel
and a mix of the channels: 1/K + 1/k² of it (Howard et al. 2017, section 3.1). It is another network
of about as much use, and has to be trained anew.
"""

from collections.abc import Mapping
from typing import Any

from convcalc.graph import LayerNode
from convcalc.layers.base import Layer, declarations, field_value
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
    said_in_full,
)

ALONG = ("kernel", "stride", "padding", "dilation", "padding_mode", "rounding")
"""Fields of a convolution that are the depthwise one's."""


def convert(subject: Subject, value: None) -> Result:
    """The network with depthwise-separable convolutions for those larger than 1×1."""
    del value
    network = subject.network
    edits = {
        index: _separated(subject, node.layer)
        for index, node in enumerate(network.nodes)
        if node.layer is not None and _can(node) and network.plans[index].weights[0].shape[1] > 3
    }
    if not edits:
        message = "no convolution is larger than 1×1, without groups and of more than 3 channels"
        raise CannotConvertError(message)
    return anew(subject, edits, f"{plural(len(edits), 'convolution')} became two")


def _can(node: LayerNode) -> bool:
    """Whether a layer mixes channels and positions at once."""
    if node.kind != "conv" or node.layer is None:
        return False
    kernel = field_value(node.layer, "kernel")
    return field_value(node.layer, "groups") == 1 and kernel not in (1, (1,), (1, 1), (1, 1, 1))


def _separated(subject: Subject, layer: Layer) -> Edit:
    """The edit of a convolution."""
    known = declarations(type(layer))

    def items(item: Item) -> tuple[Item, ...]:
        said = fields_of(subject.spec, item)
        along: Mapping[str, Any] = {name: said[name] for name in ALONG if name in said}
        mix = {name: each for name, each in said.items() if name in known and name not in along}
        depthwise = said_in_full(subject.spec, "depthwise_conv", {**along, "bias": False})
        pointwise = said_in_full(subject.spec, "conv", {**mix, "kernel": 1})
        return in_sequence(item, (Item("depthwise_conv", **depthwise), Item("conv", **pointwise)))

    return Edit(items)
