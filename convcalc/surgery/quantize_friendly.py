"""What a runtime of small devices does not fuse becomes what it does, so that the arena is smaller.

An activation function of its own has a map of its own beside the one that it reads, and several
where the runtime has no operator for it; one that is fused has none (EfficientNet-Lite has relu6
for swish for this reason). Padding that the kernel does not have is a copy of the whole map; what
`same` pads is none. Which are which says the runtime's table.
"""

from typing import Any

from convcalc.analysis.memory.runtimes import RUNTIMES, Runtime
from convcalc.analysis.memory.static_plan import arena
from convcalc.graph.planned import Planned
from convcalc.layers import kinds
from convcalc.layers.base import field_value
from convcalc.layers.sliding import per_axis
from convcalc.numbers import plural
from convcalc.spec.tree import Item
from convcalc.surgery.edits import (
    CannotConvertError,
    Edit,
    Result,
    Subject,
    edited,
    fields_of,
    moved,
    of_kind,
    readers,
    said_in_full,
)

RUNTIME = "tflite-micro"
"""The runtime whose table it is."""
DTYPE = "int8"
"""Data type of the maps of a quantized network."""
SLIDING = ("conv", "depthwise_conv", "maxpool")
"""Kinds whose padding may become `same`: the border's values are zeros, or lower than all."""

SCALING = ("multiply", "matmul", "divide", "subtract")
"""Kinds that have values scale others."""
BOUNDED = ("sigmoid", "hardsigmoid", "tanh")
"""Kinds whose values may be factors."""
MULTIPLES = ("scale", "affine")
"""Kinds that make multiples of values, as twice a sigmoid's."""
PASSING = kinds("identity", "view", "pool", "resize") - {"lppool"} | {
    *("channel_avgpool", "channel_maxpool", "channel_shuffle", "slice", "concat"),
    *MULTIPLES,
}
"""Kinds that pass on values, some of them, what lies between or multiples: all are factors."""
FACTOR = "whose values scale others"
OUTPUT = "whose values are an output"
OWNER = "whose weights one that is kept uses"


def convert(subject: Subject, value: None) -> Result:
    """The network of layers that the runtime fuses, with its arena before and after."""
    del value
    runtime, network = RUNTIMES[RUNTIME], subject.network
    kept = _kept(network)
    instead = {
        index: runtime.fused_instead[node.kind]
        for index, node in enumerate(network.nodes)
        if node.kind in runtime.fused_instead and index not in kept
    }
    edits = {index: _replaced(subject, kind) for index, kind in instead.items()}
    copied = _copied(network, runtime)
    edits |= {index: _padded(subject) for index in _of_the_same_items(network, copied)}
    if not edits:
        message = (
            f"there is no activation function that {runtime.title} does not fuse but would have "
            "one for, and no padding that it copies and `same` would do for"
        )
        raise CannotConvertError(message)
    made = edited(subject, edits)
    remarks = [
        _said(network, instead, kept),
        _said_of_padding(len(copied)),
        *_arenas(network, made),
    ]
    remarks.append("it computes something else: measure what it is worth, and train it further")
    said = tuple(each for each in (*remarks, *made.remarks) if each)
    return Result(made.subject, lambda weights: moved(network, made, weights), said)


def _kept(network: Planned) -> dict[int, str]:
    """Layers whose values mean something between their bounds, and what: by what reads them."""
    reading, outputs = readers(network), {*network.outputs}
    kept: dict[int, str] = {}
    for index, node in enumerate(network.nodes):
        waiting = [index]
        for at in waiting:
            if at in outputs:
                kept[index] = OUTPUT
            for reader in reading[at]:
                kind = network.nodes[reader].kind
                if kind in SCALING and node.kind in BOUNDED:
                    kept[index] = FACTOR
                if kind in PASSING and reader not in waiting:
                    waiting.append(reader)
    for index in [*kept]:
        owner = network.nodes[index].shared_with
        if owner is not None:
            kept.setdefault(owner, OWNER)
    return kept


def _replaced(subject: Subject, kind: str) -> Edit:
    """The edit of an activation function, which has no weights then."""

    def items(item: Item) -> tuple[Item, ...]:
        bare = item.replace(weights=None, shared=None, frozen=None)
        return (of_kind(bare, kind, said_in_full(subject.spec, kind, {})),)

    return Edit(items, lambda *_: [{}])


def _copied(network: Planned, runtime: Runtime) -> list[int]:
    """Layers that read a padded copy, and make as much with padding `same`."""
    copies = {
        operator.layer
        for operator in runtime.lower(network, DTYPE).operators
        if operator.name in runtime.copies_for_padding
    }
    return [
        index
        for index, node in enumerate(network.nodes)
        if node.kind in SLIDING and node.name in copies and _keeps_its_size(network, index)
    ]


def _of_the_same_items(network: Planned, copied: list[int]) -> list[int]:
    """These layers and others of their items, whose windows `same` leaves where they are or not.

    So a block stays as it is written, which has one padding for all that it makes.
    """
    items = {id(network.nodes[index].item) for index in copied}
    return [
        index
        for index, node in enumerate(network.nodes)
        if id(node.item) in items and _keeps_its_size(network, index)
    ]


def _keeps_its_size(network: Planned, index: int) -> bool:
    """Whether a layer's output is as large with padding `same`: ⌈size / stride⌉ along each axis."""
    node = network.nodes[index]
    layer: Any = node.layer
    before = network.shape_of(node.inputs[0]).spatial
    stride = field_value(layer, "stride")
    strides = per_axis(layer.kernel if stride is None else stride, len(before))
    same = tuple(-(-size // step) for size, step in zip(before, strides, strict=True))
    return network.shape_of(index).spatial == same


def _padded(subject: Subject) -> Edit:
    """The edit of a layer that slides."""

    def items(item: Item) -> tuple[Item, ...]:
        if item.fields:
            return (item.replace(padding="same"),)
        said = {**fields_of(subject.spec, item), "padding": "same"}
        return (of_kind(item, item.kind or "", said),)

    return Edit(items)


def _said(network: Planned, instead: dict[int, str], kept: dict[int, str]) -> str:
    """Which activation functions became which, and which stay."""
    pairs: dict[tuple[str, str], int] = {}
    for index, kind in instead.items():
        pair = network.nodes[index].kind, kind
        pairs[pair] = pairs.get(pair, 0) + 1
    became = [f"{count} {old} became {new}" for (old, new), count in pairs.items()]
    stay: dict[tuple[str, str], int] = {}
    for index, why in kept.items():
        pair = network.nodes[index].kind, why
        if pair[0] in RUNTIMES[RUNTIME].fused_instead:
            stay[pair] = stay.get(pair, 0) + 1
    became += [f"kept {count} {kind}, {why}" for (kind, why), count in stay.items()]
    return "; ".join(became)


def _said_of_padding(count: int) -> str:
    """How many layers have other padding."""
    if not count:
        return ""
    return f"{plural(count, 'layer')} pad as `same` does, and so need no padded copy of a map"


def _arenas(old: Planned, made: Any) -> list[str]:
    """The arena before and after, as far as there are rules for it."""
    before, after = (arena(network, dtype=DTYPE) for network in (old, made.subject.network))
    whole = f"arena of one example in {DTYPE}, {before.runtime.title}, {before.runtime.kernels}"
    said = [
        f"{report.size:,} bytes"
        if report.exact
        else f"not known ({report.unruled[0].kind or 'the network'}: {report.unruled[0].reason})"
        for report in (before, after)
    ]
    return [f"{whole}: {said[0]} → {said[1]}"]
