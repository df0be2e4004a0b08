"""Linear layers become convolutions with the same weights, so that larger inputs can go in.

A linear layer on a flattened map of H×W×C is a convolution whose kernel is H×W: its row of weights
is its filter. One on a vector is a 1×1 convolution. A larger input then gives a map of answers
instead of one (notes of CS231n, "Converting FC layers to CONV layers"; Long et al. 2015).
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil, prod

from convcalc.analysis import analyze
from convcalc.graph import LayerNode
from convcalc.graph.planned import Planned
from convcalc.layers import kinds
from convcalc.layers.base import field_value
from convcalc.layers.rearrange import Flatten
from convcalc.numbers import plural, times
from convcalc.shape import Shape
from convcalc.spec.tree import Item, Spec
from convcalc.surgery.edits import (
    Arrays,
    CannotConvertError,
    Edit,
    Result,
    Subject,
    dropped,
    fields_of,
    of_kind,
    result,
    said_in_full,
)
from convcalc.surgery.whole_maps import whole_map_layer

EACH = kinds("activation", "identity", "merge") - {"matmul"}
"""Kinds that do to each value of a map what they do to that of its vector, where their weights are
the same for all."""
ALIKE = EACH | {"softmax", "log_softmax", "batchnorm", "scale"}
"""Kinds that do to a map of one position what they do to a vector of as many channels."""


def convert(subject: Subject, value: None) -> Result:
    """The network with convolutions for its linear layers."""
    del value
    made = edits(subject)
    convolutions = sum(subject.network.nodes[index].kind == "linear" for index in made)
    return result(
        subject,
        made,
        f"{plural(convolutions, 'linear layer')} became {plural(convolutions, 'convolution')}",
        *_crops(subject.network, made),
    )


def _crops(network: Planned, edits: Mapping[int, Edit]) -> Iterator[str]:
    """What the answers for a larger input are to those of its crops."""
    flat = [index for index in edits if isinstance(network.nodes[index].layer, Flatten)]
    if not flat:
        return
    whole = whole_map_layer(network)
    if whole is not None:
        yield (
            f"for a larger input its answers are not those of crops: {whole.name} is {whole.kind}, "
            "which hangs on the whole map"
        )
        return
    node = network.nodes[network.nodes[flat[0]].inputs[0]]
    fields = analyze(network).layer(node.name).receptive_field
    if not fields or any(not field.jump for field in fields):
        return
    stride = "×".join(dict.fromkeys(str(field.jump) for field in fields))
    border = max(ceil(-Fraction(field.start) / Fraction(field.jump)) for field in fields)
    if border <= 0:
        yield f"for a larger input its answers are those of the crops at a stride of {stride}"
        return
    extents = network.shape_of(network.nodes[flat[0]].inputs[0]).spatial
    yield (
        f"for a larger input its answers are not those of crops at a stride of {stride}: layers "
        f"pad, and of a crop's {times(extents)} map {plural(border, 'position')} at each border "
        f"{'see' if border > 1 else 'sees'} padding that the larger input has not"
    )


def edits(subject: Subject) -> dict[int, Edit]:
    """The edits of a network; raises `CannotConvertError` for layers that only take vectors."""
    network = subject.network
    made: dict[int, Edit] = {}
    maps: dict[int, Shape] = {}
    for index, node in enumerate(network.nodes):
        read = [maps.get(each, network.shape_of(each)) for each in node.inputs]
        flat = any(each in maps for each in node.inputs)
        if (
            isinstance(node.layer, Flatten)
            and not network.shape_of(index).spatial
            and read[0].spatial
        ):
            made[index] = Edit(dropped)
            maps[index] = read[0]
        elif node.kind == "linear" and (flat or field_value(node.layer, "axis") is not None):
            kernel = read[0].spatial if flat else (1,) * len(read[0].spatial)
            made[index] = _as_convolution(
                subject.spec, kernel, read[0].channels, bias=field_value(node.layer, "bias")
            )
            if flat:
                features = network.shape_of(index).channels
                maps[index] = Shape(features, (1,) * len(read[0].spatial))
        elif flat:
            if any(each not in maps for each in node.inputs):
                raise CannotConvertError(_refusal(node))
            maps[index] = _alike(network, index, read)
    if not any(node.kind == "linear" and index in made for index, node in enumerate(network.nodes)):
        message = "no linear layer is behind a map: there is none to make a convolution of"
        raise CannotConvertError(message)
    return made


def _alike(network: Planned, index: int, read: Sequence[Shape]) -> Shape:
    """The map whose vector a layer makes of those of maps.

    Raises `CannotConvertError` where it makes another of the maps themselves.
    """
    node, first = network.nodes[index], read[0]
    if node.kind not in ALIKE:
        raise CannotConvertError(_refusal(node))
    of_each = node.kind in EACH and all(weight.size == 1 for weight in network.plans[index].weights)
    if not (of_each or prod(first.spatial) == 1):
        message = (
            f"{node.name} is {node.kind}, which does to a map of {times(first.spatial)} something "
            "else than to the vector that flatten makes of it"
        )
        raise CannotConvertError(message)
    joins = node.kind == "concat"
    for each in read[1:]:
        if each.spatial != first.spatial or not (joins or each.channels == first.channels):
            message = (
                f"{node.name} is {node.kind} of vectors that are maps of {first} and {each}, which "
                "do not go together"
            )
            raise CannotConvertError(message)
    return Shape(sum(each.channels for each in read), first.spatial) if joins else first


def _refusal(node: LayerNode) -> str:
    return f"{node.name} is {node.kind}, which takes the vector that flatten makes, and no map"


def _as_convolution(spec: Spec, kernel: tuple[int, ...], channels: int, *, bias: bool) -> Edit:
    """A linear layer as a convolution of a kernel."""

    def items(item: Item) -> tuple[Item, ...]:
        said = {"filters": fields_of(spec, item)["features"], "kernel": _extents(kernel)}
        said["bias"] = bias
        if bias:
            del said["bias"]  # as is usual
        return (of_kind(item, "conv", said_in_full(spec, "conv", said)),)

    def arrays(linear: Arrays) -> list[Arrays]:
        weight = linear["weight"]
        return [{**linear, "weight": weight.reshape(len(weight), channels, *kernel)}]

    return Edit(items, arrays)


def _extents(kernel: tuple[int, ...]) -> object:
    """A kernel as a spec says it."""
    return kernel[0] if len({*kernel}) == 1 else kernel
