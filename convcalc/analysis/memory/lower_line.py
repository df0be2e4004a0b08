"""The lower line: what a runtime takes that folds, fuses and frees whatever it can.

Batch normalization goes into the weights before it, activation functions into the layer before
them, views and dropout cost nothing, no indices are made, and the input is freed like any tensor.
TensorFlow Lite, ONNX Runtime and TensorRT do all of this.
"""

from typing import NamedTuple

from convcalc.analysis.report import DTYPE_BYTES
from convcalc.graph import Network, SpecError
from convcalc.layers.base import Weight


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


def fused(network: Network) -> tuple[list[Tensor], int]:
    """The tensors that are left, and the values of the weights that are."""
    if network.errors:
        raise SpecError(network.errors)
    readers = dict.fromkeys(network.outputs, 1)  # the caller reads them
    for node in network.nodes:
        for index in node.inputs:
            readers[index] = readers.get(index, 0) + 1
    tensor_of: dict[int, int] = {}
    names: list[str] = []
    values: list[int] = []
    firsts: list[int] = []
    lasts: list[int] = []
    # What a tensor goes by (views, dropout) reads it too: those still to come, and any so far.
    to_come: list[int] = []
    read_before: list[bool] = []
    foldable: set[int] = set()
    weights = time = 0
    for index, (node, plan) in enumerate(zip(network.nodes, network.plans, strict=True)):
        if plan is None or node.layer is None:  # pragma: no cover (errors are refused)
            continue
        layer = node.layer
        if not node.inputs:
            # It is there before all, and nothing is done in its place: it is the caller's.
            tensor_of[index] = len(names)
            names.append(node.name)
            values.append(plan.output.size)
            firsts.append(0)
            lasts.append(0)
            to_come.append(readers.get(index, 0))
            read_before.append(True)
            continue
        before = node.inputs[0]
        for read in node.inputs:
            to_come[tensor_of[read]] -= 1
        whole = tensor_of[before]
        # Whether the layer may be done in place of what makes its input: no one else reads any of
        # that, and the input is no part of it.
        sole = not to_come[whole] and not read_before[whole]
        sole = sole and _size(network, before) == values[whole]
        folded = layer.folds and sole and before in foldable
        learned = sum(weight.size for weight in plan.weights if not weight.buffer)
        free = _free(network, index)
        if folded or free or (layer.storage == "in_place" and sole):
            tensor_of[index] = whole
            to_come[whole] += readers.get(index, 0)
            if not folded:
                weights += learned if node.shared_with is None else 0
            elif not any(weight.name == "bias" for weight in _plan_weights(network, before)):
                weights += plan.output.channels
            if folded or free:
                continue
            foldable.discard(before)
            continue
        time += 1
        for read in node.inputs:
            lasts[tensor_of[read]] = time
            read_before[tensor_of[read]] = True
        tensor_of[index] = len(names)
        names.append(node.name)
        values.append(plan.output.size)
        firsts.append(time)
        lasts.append(time)
        to_come.append(readers.get(index, 0))
        read_before.append(False)
        weights += learned if node.shared_with is None else 0
        if plan.macs:
            foldable.add(index)
    for output in network.outputs:
        lasts[tensor_of[output]] = time
    return [Tensor(*each) for each in zip(names, values, firsts, lasts, strict=True)], weights


def _size(network: Network, index: int) -> int:
    shape = network.shape_of(index)
    return shape.size if shape is not None else 0


def _free(network: Network, index: int) -> bool:
    """Whether a layer only gives its input another shape, or does nothing in inference."""
    node, plan = network.nodes[index], network.plans[index]
    if node.layer is None or plan is None:  # pragma: no cover (errors are refused)
        return False
    shapes = [shape for i in node.inputs if (shape := network.shape_of(i)) is not None]
    return all(
        operation.training_only or operation.storage == "view"
        for operation in node.layer.operations(shapes, plan)
    )


def _plan_weights(network: Network, index: int) -> tuple[Weight, ...]:
    plan = network.plans[index]
    return plan.weights if plan else ()


def deploy(network: Network, *, batch: int = 1, dtype: str = "float32") -> DeployReport:
    """What a runtime takes at least that folds and fuses; see the module."""
    width = DTYPE_BYTES[dtype] * batch
    tensors, weights = fused(network)
    changes: dict[int, int] = {}
    for tensor in tensors:
        changes[tensor.first] = changes.get(tensor.first, 0) + tensor.values
        changes[tensor.last + 1] = changes.get(tensor.last + 1, 0) - tensor.values
    live = peak = peak_time = 0
    for time in sorted(changes):
        live += changes[time]
        if live > peak:
            peak, peak_time = live, time
    made = {tensor.first: tensor.name for tensor in tensors}
    return DeployReport(
        network.name,
        batch,
        dtype,
        weights * DTYPE_BYTES[dtype],
        peak * width,
        made.get(peak_time, "input"),
        tuple(tensors),
    )
