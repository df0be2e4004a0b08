"""Convolutions become linear layers: a convolution is a product with a large matrix, mostly zeros.

Each output is a sum over its window alone, so the matrix has zeros everywhere else; and each window
has the same weights, so the others are repeated (notes of CS231n, "Converting FC layers to CONV
layers": "a large matrix that is mostly zero except for at certain blocks […] where the weights in
many of the blocks are equal").
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from math import prod
from typing import Any

from convcalc.arguments import unknown
from convcalc.graph.planned import Planned
from convcalc.layers import kinds
from convcalc.layers.base import field_value
from convcalc.numbers import grouped
from convcalc.spec.tree import Item
from convcalc.surgery.edits import (
    Arrays,
    CannotConvertError,
    Edit,
    Result,
    Subject,
    fields_of,
    in_sequence,
    of_kind,
    readers,
    result,
    said_in_full,
)
from convcalc.window import met

MOST = 1 << 28
"""Most values of a matrix: 1 GiB in float32."""
EXAMPLES = 64
"""Columns that are worked out at once."""
ALIKE = kinds("activation", "identity") | {"softmax", "log_softmax"}
"""Kinds that do to a vector what they do to a map of one position."""


def convert(subject: Subject, value: str) -> Result:
    """The network with linear layers for the convolutions that match."""
    network = subject.network
    chosen: list[int] = []
    for pattern in filter(None, map(str.strip, value.split(","))):
        matching = [
            index for index, node in enumerate(network.nodes) if fnmatchcase(node.name, pattern)
        ]
        if not matching:
            message = str(unknown(pattern, "layer", (node.name for node in network.nodes)))
            raise CannotConvertError(message)
        chosen += matching
    edits: dict[int, Edit] = {}
    remarks: list[str] = []
    vectors: set[int] = set()
    for index in sorted({*chosen}):
        node = network.nodes[index]
        if node.kind != "conv" or node.shared_with is not None:
            message = f"{node.name} is {node.kind}: convolutions of their own weights can be linear"
            raise CannotConvertError(message)
        rows, columns = network.shape_of(index).size, network.shape_of(node.inputs[0]).size
        if rows * columns > MOST:
            message = (
                f"the matrix of {node.name} is {rows:,}×{columns:,}: {rows * columns:,} values are "
                f"more than {MOST:,}"
            )
            raise CannotConvertError(message)
        as_vector = _stays_vector(network, index, chosen)
        edits[index] = _linear(subject, index, node.inputs[0] in vectors, as_vector)
        if as_vector:
            vectors |= _passing(network, index)
        remarks.append(_shares(network, index, rows, columns))
    return result(subject, edits, *remarks)


def _shares(network: Planned, index: int, rows: int, columns: int) -> str:
    """How large the matrix is, and how much of it says nothing new."""
    plan = network.plans[index]
    weights = plan.weights[0].size
    taps = weights // prod(plan.weights[0].shape[2:]) * _taps(network, index)
    zeros = 1 - taps / (rows * columns)
    return (
        f"{network.nodes[index].name}: {rows:,}×{columns:,}, {grouped(rows * columns)} values for "
        f"{grouped(weights)}; {zeros:.2%} are zeros, and of the others "
        f"{1 - weights / taps:.2%} repeat"
    )


def _taps(network: Planned, index: int) -> int:
    """Taps of all windows that meet a value, of one filter and channel: padding has no column."""
    plan = network.plans[index]
    before = network.shape_of(network.nodes[index].inputs[0])
    meeting = 1
    for window, size, outputs in zip(
        plan.windows, before.spatial, plan.output.spatial, strict=True
    ):
        along = 0
        for output in range(outputs):
            first, step, count = met(window, output)
            along += sum(0 <= first + tap * step < size for tap in range(count))
        meeting *= along
    return meeting


def _passing(network: Planned, index: int) -> set[int]:
    """A layer, and those behind it that pass on its channels."""
    reading = readers(network)
    passed, waiting = {index}, [index]
    while waiting:
        for each in reading[waiting.pop()]:
            if network.nodes[each].kind in ALIKE and each not in passed:
                passed.add(each)
                waiting.append(each)
    return passed


def _stays_vector(network: Planned, index: int, chosen: Sequence[int]) -> bool:
    """Whether all that reads a map of one position takes a vector as well."""
    if any(extent != 1 for extent in network.shape_of(index).spatial):
        return False
    reading = readers(network)
    return all(
        each in chosen or network.nodes[each].kind in ALIKE
        for passed in _passing(network, index)
        for each in reading[passed]
    )


def _linear(subject: Subject, index: int, given_vector: bool, as_vector: bool) -> Edit:  # noqa: FBT001
    """The edit of a convolution: a vector, a linear layer, and a map again."""
    network = subject.network
    layer: Any = network.nodes[index].layer
    plan = network.plans[index]
    output, before = plan.output, network.shape_of(network.nodes[index].inputs[0])
    bias = bool(field_value(layer, "bias"))

    def items(item: Item) -> tuple[Item, ...]:
        said = fields_of(subject.spec, item)
        features = said["filters"] if prod(output.spatial) == 1 else output.size
        fields: dict[str, Any] = {"features": features}
        if not bias:
            fields["bias"] = False
        linear = of_kind(item, "linear", said_in_full(subject.spec, "linear", fields))
        before_it = [] if given_vector else [Item("flatten")]
        after = [] if as_vector else [Item("reshape", (*output.spatial, output.channels))]
        if not before_it and not after:
            return (linear,)
        plain = Item("linear", **said_in_full(subject.spec, "linear", fields))
        return in_sequence(item, (*before_it, plain, *after), named=not after)

    def arrays(own: Arrays) -> list[Arrays]:
        import numpy as np

        weight = own["weight"]
        matrix = np.zeros((output.size, before.size), weight.dtype)
        eye = np.eye(before.size, dtype=weight.dtype)
        with_zero_bias = {**own, **({"bias": np.zeros_like(own["bias"])} if bias else {})}
        for start in range(0, before.size, EXAMPLES):
            part = eye[start : start + EXAMPLES].reshape(-1, before.channels, *before.spatial)
            made = layer.forward(np, with_zero_bias, [part])
            matrix[:, start : start + EXAMPLES] = made.reshape(len(part), -1).T
        linear: dict[str, Any] = {"weight": matrix}
        if bias:
            linear["bias"] = np.repeat(own["bias"], prod(output.spatial))
        return [*([] if given_vector else [{}]), linear, *([] if as_vector else [{}])]

    return Edit(items, arrays)
