"""The lower line: what a runtime takes that folds, fuses and frees whatever it can.

Batch normalization goes into the weights before it, activation functions into the layer before
them, views and dropout cost nothing, no indices are made that nothing reads, and the input is
freed like any tensor.
TensorFlow Lite, ONNX Runtime and TensorRT do all of this.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from convcalc.analysis.report import DTYPE_BYTES, INDEX
from convcalc.graph import Network
from convcalc.graph.planned import Planned, planned
from convcalc.layers import UNPOOL


class Tensor(NamedTuple):
    """A tensor that a fused runtime stores."""

    name: str
    """The layer that makes it, or `input`."""
    values: int
    """How many values it has for one example."""
    first: int
    """Number of the operation that makes it; 0 is before all others."""
    last: int
    """Number of the last operation that reads it."""
    indices: bool = False
    """Whether it holds whole numbers that say what is looked up, or where largest values were:
    int64 whatever the data type."""

    def bytes(self, dtype: str) -> int:
        """Bytes for one example."""
        return self.values * (INDEX if self.indices else DTYPE_BYTES[dtype])


class DeployReport(NamedTuple):
    """What a fused runtime takes, in bytes for the whole batch."""

    name: str
    """The network's name, as its spec has it."""
    batch: int
    """Number of examples that the activations are for."""
    dtype: str
    """Data type of weights and activations, a key of `DTYPE_BYTES`."""
    parameters: int
    """Bytes of weights, batch normalization folded into them."""
    activation_peak: int
    """Most bytes of tensors alive at once, for the whole batch."""
    peak_layer: str
    """The layer that runs then, all that was fused into it going by its name."""
    tensors: tuple[Tensor, ...]
    """What is left to be stored, in the order in which it is made; the input is the first."""


class _Stored:
    """A tensor that is stored, as far as its readers are known."""

    def __init__(self, name: str, values: int, time: int, to_come: int, *, read: bool) -> None:
        self.name, self.values = name, values
        self.first = self.last = time
        # What it goes by (views, dropout) reads it too: those still to come, and any so far.
        self.to_come = to_come
        self.read = read

    def alone(self, size: int) -> bool:
        """Whether no one else reads any of it, and what is read, of a size, is the whole of it."""
        return not self.to_come and not self.read and self.values == size


class Weights(NamedTuple):
    """What a fused runtime stores of a layer's weights."""

    name: str
    """Full name of the layer."""
    values: int
    """How many values they have."""
    folded: bool = False
    """Whether they are the bias that the layer, a batch normalization, gives the one before."""


def fused(network: Network, *, indices: bool = True) -> tuple[list[Tensor], list[Weights]]:
    """The tensors that are left, and the weights that are.

    What undoes a pool reads the pool's indices, or without them what the pool reads, as here.
    """
    network = planned(network)
    reads = [
        node.inputs[:1] if indices and node.kind == UNPOOL else node.inputs
        for node in network.nodes
    ]
    readers = Counter(read for each in reads for read in each)
    readers.update(network.outputs)  # the caller reads them
    stored: list[_Stored] = []
    held: list[_Stored] = []  # by layer, the tensor that its output is
    foldable: set[int] = set()
    norms: dict[int, int] = {}  # by layer, the batch normalization that is folded into it
    places: dict[int | None, _Stored] = {  # by pool that is undone, where its largest values were
        node.like: _Stored("", 0, 0, 0, read=True)
        for node in network.nodes
        if indices and node.kind == UNPOOL
    }
    time = 0
    for index, (node, plan) in enumerate(zip(network.nodes, network.plans, strict=True)):
        layer = node.layer
        if not node.inputs:
            # It is there before all, and nothing is done in its place: it is the caller's.
            held.append(_Stored(node.name, plan.output.size, 0, readers[index], read=True))
            stored.append(held[-1])
            continue
        before = node.inputs[0]
        for read in reads[index]:
            held[read].to_come -= 1
        # Whether the layer may be done in place of what makes its input.
        alone = held[before].alone(network.shape_of(before).size)
        folded = layer.folds and alone and before in foldable
        free = _free(network, index)
        if folded:
            norms[before] = index
        if folded or free or (layer.storage == "in_place" and alone):
            held.append(held[before])
            held[before].to_come += readers[index]
            if not (folded or free):
                foldable.discard(before)
            continue
        time += 1
        for read in reads[index]:
            held[read].last, held[read].read = time, True
        held.append(_Stored(node.name, plan.output.size, time, readers[index], read=False))
        stored.append(held[-1])
        if index in places:
            name = f"{node.name} (indices)"
            places[index] = _Stored(name, plan.output.size, time, 0, read=True)
            stored.append(places[index])
        if indices and node.kind == UNPOOL:
            places[node.like].last = time
        if plan.macs:
            foldable.add(index)
    for output in network.outputs:
        held[output].last = time
    numbers = {network.nodes[index].name for index in network.index_inputs}
    numbers.update(each.name for each in places.values())
    tensors = [
        Tensor(each.name, each.values, each.first, each.last, each.name in numbers)
        for each in stored
    ]
    return tensors, _weights(network, norms)


def _weights(network: Planned, norms: Mapping[int, int]) -> list[Weights]:
    """The weights that are stored, where batch normalizations go into layers.

    Layers that use the same weights have them once, if they also use the same normalization:
    folded into each other, two make two.
    """
    weights: list[Weights] = []
    made: set[tuple[int, int | None]] = set()
    folded = frozenset(norms.values())
    for index, (node, plan) in enumerate(zip(network.nodes, network.plans, strict=True)):
        values = sum(weight.size for weight in plan.weights if not weight.buffer)
        if not values or index in folded:
            continue
        norm = norms.get(index)
        key = _owner(network, index), None if norm is None else _owner(network, norm)
        if key in made:
            continue
        made.add(key)
        weights.append(Weights(node.name, values))
        if norm is not None and not any(weight.name == "bias" for weight in plan.weights):
            channels = network.shape_of(norm).channels
            weights.append(Weights(network.nodes[norm].name, channels, folded=True))
    return weights


def _owner(network: Planned, index: int) -> int:
    """The layer whose weights a layer uses, which is itself unless it shares them."""
    owner = network.nodes[index].shared_with
    return index if owner is None else owner


def _free(network: Planned, index: int) -> bool:
    """Whether a layer only gives its input another shape, or does nothing in inference."""
    node, plan = network.nodes[index], network.plans[index]
    return all(
        operation.training_only or (operation.storage == "view" and operation.reads)
        for operation in node.layer.operations([network.shape_of(i) for i in node.inputs], plan)
    )


def deploy(
    network: Network, *, batch: int = 1, dtype: str = "float32", indices: bool = True
) -> DeployReport:
    """What a runtime takes at least that folds and fuses; see the module, and `fused`."""
    tensors, weights = fused(network, indices=indices)
    changes: dict[int, int] = {}
    for tensor in tensors:
        changes[tensor.first] = changes.get(tensor.first, 0) + tensor.bytes(dtype)
        changes[tensor.last + 1] = changes.get(tensor.last + 1, 0) - tensor.bytes(dtype)
    live = peak = peak_time = 0
    for time in sorted(changes):
        live += changes[time]
        if live > peak:
            peak, peak_time = live, time
    made = {tensor.first: tensor.name for tensor in reversed(tensors)}
    return DeployReport(
        network.name,
        batch,
        dtype,
        sum(each.values for each in weights) * DTYPE_BYTES[dtype],
        peak * batch,
        made.get(peak_time, "input"),
        tuple(tensors),
    )
