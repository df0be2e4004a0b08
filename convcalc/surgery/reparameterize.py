"""Parallel convolutions that are added become one, as RepVGG does once training is over.

A convolution is linear, and so is a batch norm in inference: a 3×3, a 1×1 and nothing, each with a
batch norm, that are added are one 3×3 whose weights are the sum of theirs, the 1×1 being a 3×3 that
is 0 but in its middle, and nothing a 1×1 of the unit matrix (Ding et al. 2021, section 3.3).
"""

from math import prod
from typing import Any, NamedTuple

from convcalc.graph.planned import Planned
from convcalc.layers.base import field_value
from convcalc.numbers import plural
from convcalc.spec.tree import Item
from convcalc.surgery.edits import (
    Arrays,
    CannotConvertError,
    Edit,
    Result,
    Subject,
    dropped,
    fields_of,
    of_kind,
    readers,
    result,
    said_in_full,
)
from convcalc.surgery.fold_batchnorm import is_fixed


class Branch(NamedTuple):
    """What is added: a convolution or nothing, with a batch norm or none behind it."""

    convolution: int | None
    """Number of the convolution; None for what comes in as it is."""
    norm: int | None
    """Number of the batch norm; None where there is none."""

    @property
    def layers(self) -> tuple[int, ...]:
        """Its layers, the convolution first."""
        return tuple(each for each in self if each is not None)


def convert(subject: Subject, value: None) -> Result:
    """The network with one convolution for those that are added."""
    del value
    network = subject.network
    reading = readers(network)
    edits: dict[int, Edit] = {}
    for index, node in enumerate(network.nodes):
        if node.kind != "add":
            continue
        start, branches = _branches(network, reading, index)
        if start is None or not _alike(network, start, branches):
            continue
        if any(network.shape_of(each) != network.shape_of(index) for each in node.inputs):
            continue  # one is added to each of several values
        edits[index] = _one(subject, branches)
        edits.update({each: Edit(dropped) for branch in branches for each in branch.layers})
    if not edits:
        message = (
            "no sum is of convolutions of one stride, padded so that they match, each with a batch "
            "norm or none, and of what comes in"
        )
        raise CannotConvertError(message)
    sums = sum(network.nodes[index].kind == "add" for index in edits)
    return result(subject, edits, f"{plural(sums, 'sum')} of convolutions became one each")


def _branches(
    network: Planned, reading: list[list[int]], index: int
) -> tuple[int | None, list[Branch]]:
    """What a sum starts from, and its branches; None where they are anything else."""
    starts: set[int] = set()
    branches: list[Branch] = []
    shared = {node.shared_with for node in network.nodes}
    for end in network.nodes[index].inputs:
        at, norm, convolution = end, None, None
        if network.nodes[at].kind == "batchnorm":
            norm, at = at, network.nodes[at].inputs[0]
        if network.nodes[at].kind == "conv":
            convolution, at = at, network.nodes[at].inputs[0]
        layer = None if norm is None else network.nodes[norm].layer
        if layer is not None and not is_fixed(layer):
            return None, []
        own = [each for each in (convolution, norm) if each is not None]
        if any(len(reading[each]) != 1 or each in network.outputs for each in own):
            return None, []
        if any(network.nodes[each].shared_with is not None or each in shared for each in own):
            return None, []
        starts.add(at)
        branches.append(Branch(convolution, norm))
    if len(starts) != 1 or not any(each.convolution is not None for each in branches):
        return None, []
    return starts.pop(), branches


def _alike(network: Planned, start: int, branches: list[Branch]) -> bool:
    """Whether all branches can be the largest one's kernel."""
    layers: list[Any] = [
        network.nodes[each.convolution].layer for each in branches if each.convolution is not None
    ]
    largest = max(layers, key=lambda layer: prod(_extents(network, start, layer)))
    axes = len(network.shape_of(start).spatial)
    sizes = _extents(network, start, largest)
    if any(size % 2 == 0 for size in sizes) or not axes:
        return False
    for layer in layers:
        extents = _extents(network, start, layer)
        inside = all(each <= size and each % 2 for size, each in zip(sizes, extents, strict=True))
        spare = [(size - extent) // 2 for size, extent in zip(sizes, extents, strict=True)]
        fits = [
            (big - each, bigger - other) == (left, left)
            for (big, bigger), (each, other), left in zip(
                _padding(largest, axes), _padding(layer, axes), spare, strict=True
            )
        ]
        same = all(
            field_value(layer, name) == field_value(largest, name)
            for name in ("stride", "groups", "padding_mode", "rounding")
        )
        if not (
            inside and all(fits) and same and field_value(layer, "dilation") in (1, (1,) * axes)
        ):
            return False
    nothing = any(each.convolution is None for each in branches)
    middle = all(
        pads == (size // 2, size // 2)
        for size, pads in zip(sizes, _padding(largest, axes), strict=True)
    )
    stride = field_value(largest, "stride") in (1, (1,) * axes)
    return not nothing or (middle and stride and field_value(largest, "groups") == 1)


def _extents(network: Planned, start: int, layer: Any) -> tuple[int, ...]:
    """The kernel along each axis."""
    kernel = field_value(layer, "kernel")
    axes = len(network.shape_of(start).spatial)
    return (kernel,) * axes if isinstance(kernel, int) else tuple(kernel)


def _padding(layer: Any, axes: int) -> list[tuple[int, int]]:
    """The padding before and behind along each axis."""
    padding = field_value(layer, "padding")
    if isinstance(padding, str):
        return [(-1, -1)] * axes if padding != "valid" else [(0, 0)] * axes
    if isinstance(padding, int):
        return [(padding, padding)] * axes
    return [(each, each) if isinstance(each, int) else tuple(each) for each in padding]


def _one(subject: Subject, branches: list[Branch]) -> Edit:
    """The edit of a sum: one convolution of the largest kernel."""
    network = subject.network
    convolutions = [each.convolution for each in branches if each.convolution is not None]
    largest = max(convolutions, key=lambda each: prod(network.plans[each].weights[0].shape[2:]))
    node = network.nodes[largest]
    shape = network.plans[largest].weights[0].shape
    layers = tuple(each for branch in branches for each in branch.layers)

    def items(item: Item) -> tuple[Item, ...]:
        said = fields_of(subject.spec, node.item)
        said.pop("bias", None)
        return (of_kind(item, "conv", said_in_full(subject.spec, "conv", said)),)

    def arrays(own: Arrays, *taken: Arrays) -> list[Arrays]:
        del own
        of_layer = dict(zip(layers, taken, strict=True))
        weight: Any = 0
        bias: Any = 0
        for branch in branches:
            kernel, shift = _effect(network, branch, of_layer, shape)
            weight, bias = weight + kernel, bias + shift
        return [{"weight": weight, "bias": bias}]

    return Edit(items, arrays, layers)


def _effect(
    network: Planned, branch: Branch, arrays: dict[int, Arrays], shape: tuple[int, ...]
) -> tuple[Any, Any]:
    """The weights and the bias that a branch is, as a kernel of a shape."""
    import numpy as np

    filters, _, *extents = shape
    if branch.convolution is None:
        of_norm = arrays[branch.norm] if branch.norm is not None else {}
        kind = next(iter(of_norm.values())).dtype if of_norm else np.float32
        weight = np.eye(filters, dtype=kind).reshape(filters, filters, *(1,) * len(extents))
        bias: Any = np.zeros(filters, kind)
    else:
        own = arrays[branch.convolution]
        weight = own["weight"]
        bias = own.get("bias", np.zeros(filters, weight.dtype))
    spare = [(large - small) // 2 for large, small in zip(extents, weight.shape[2:], strict=True)]
    weight = np.pad(weight, [(0, 0), (0, 0), *((each, each) for each in spare)])
    if branch.norm is None:
        return weight, bias
    norm = arrays[branch.norm]
    epsilon = field_value(network.nodes[branch.norm].layer, "eps")
    factor = (norm["running_var"] + epsilon) ** -0.5 * norm.get("weight", 1)
    shifted = (bias - norm["running_mean"]) * factor + norm.get("bias", 0)
    return weight * factor.reshape(-1, *(1,) * (weight.ndim - 1)), shifted
