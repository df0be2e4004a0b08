"""Layers that a program cannot even make: groups that do not divide, and padding beyond the kernel.

Such a message comes before any tensor, and says next to nothing; what is in it is compared with the
fields of the spec.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from convcalc.explanation.messages.changes import Change
from convcalc.explanation.messages.clash import Clash
from convcalc.explanation.messages.finder import Trial
from convcalc.explanation.messages.program import SLIDING_POOLS
from convcalc.layers.sliding import per_axis, sides

if TYPE_CHECKING:
    from convcalc.graph import Network
    from convcalc.shape import Shape


def undivided(network: "Network", numbers: Mapping[str, Any]) -> Iterator[Trial]:
    """The layers of a spec that such a message may be about, each with what it has otherwise."""
    for index, node in enumerate(network.nodes):
        x = network.shape_of(node.inputs[0]) if node.inputs else None
        if node.layer is None or x is None:
            continue
        for change in _changes(node.kind, node.layer, x, numbers):
            clash = Clash("other", got=x.channels, input=x.axes)
            yield Trial(index, change, index, clash, None, 0)


def _changes(kind: str, layer: Any, x: "Shape", numbers: Mapping[str, Any]) -> Iterator[Change]:
    what = numbers["what"]
    if what == "num_channels" and kind == "groupnorm":
        groups, channels = numbers["groups"], numbers["channels"]
        if groups == layer.groups and channels != x.channels:
            yield Change("takes", value=channels)
        elif channels == x.channels and groups != layer.groups:
            yield Change("field", "groups", groups, 1.0)
    elif what == "padding" and kind in SLIDING_POOLS:
        kernels = per_axis(layer.kernel, x.rank)
        pairs = sides(layer.padding, x.rank)
        alike = all(before == after for before, after in pairs)
        # Sides that are not alike are padded in front of the layer, which pads nothing itself.
        paddings = {side for pair in pairs for side in pair} if alike else {0}
        padding, kernel = numbers["padding"], numbers["kernel"]
        if kernel in kernels and padding not in paddings:
            yield Change("field", "padding", padding, 1.0)
        elif padding in paddings and kernel not in kernels:
            yield Change("field", "kernel", kernel, 1.0)
    elif what == "output_padding" and kind == "conv_transpose":
        differing = [
            (name, numbers[name])
            for name in ("output_padding", "stride", "dilation")
            if name in numbers and numbers[name] != per_axis(getattr(layer, name), x.rank)
        ]
        if len(differing) == 1:
            yield Change("field", *differing[0], 1.0)
    elif what in ("in_channels", "out_channels") and _grouped(kind, layer):
        yield Change("takes" if what == "in_channels" else "field", "filters", None, 1.0)


def _grouped(kind: str, layer: Any) -> bool:
    grouped = kind in ("conv", "conv_transpose") and layer.groups > 1
    return grouped or kind == "depthwise_conv"
