"""A batch norm behind a convolution goes into its weights, as it can once training is over.

In inference batch norm is γ·(x − μ)/√(σ² + ε) + β for each channel, and a convolution is linear: so
both are the convolution with weights w·γ/√(σ² + ε) and bias (b − μ)·γ/√(σ² + ε) + β (Jacob et al.
2017, section 3.2).
"""

from collections.abc import Sequence

from convcalc.graph import LayerNode
from convcalc.layers.base import Layer, field_value
from convcalc.numbers import plural
from convcalc.spec.tree import Item
from convcalc.surgery.edits import (
    Arrays,
    CannotConvertError,
    Edit,
    Result,
    Subject,
    dropped,
    readers,
    result,
)

OUTPUTS_FIRST = ("conv", "depthwise_conv", "linear")
"""Kinds whose weights have their outputs along the first axis."""


def convert(subject: Subject, value: None) -> Result:
    """The network without the batch norms that can go."""
    del value
    made = edits(subject)
    kinds = [subject.network.nodes[index].kind for index in made]
    gone = kinds.count("batchnorm")
    left = sum(node.kind == "batchnorm" for node in subject.network.nodes) - gone
    remarks = [f"{plural(gone, 'batch norm')} went into the weights before; it is for inference"]
    mixed = sum(_learn_apart(subject, made[index].takes_in, index) for index in made)
    if mixed:
        remarks.append(f"{mixed} of them learned where it did not, or the reverse: both learn now")
    if left:
        remarks.append(
            f"{plural(left, 'batch norm')} stayed: not right behind a layer it alone reads, or by "
            "the statistics of what comes in"
        )
    return result(subject, made, *remarks)


def edits(subject: Subject) -> dict[int, Edit]:
    """The edits of a network; raises `CannotConvertError` where no batch norm can go."""
    network = subject.network
    reading = readers(network)
    made: dict[int, Edit] = {}
    shared = {node.shared_with for node in network.nodes}
    for index, node in enumerate(network.nodes):
        if node.kind != "batchnorm" or node.layer is None or not is_fixed(node.layer):
            continue
        before = node.inputs[0]
        convolution = network.nodes[before]
        own = convolution.shared_with is None and before not in shared
        single = reading[before] == [index] and before not in network.outputs
        norm_own = node.shared_with is None and index not in shared
        if convolution.kind in OUTPUTS_FIRST and own and single and norm_own:
            made[before] = _folded(subject, convolution, node.layer, index)
            made[index] = Edit(dropped)
    if not made:
        message = "no batch norm is right behind a convolution or linear layer that it alone reads"
        raise CannotConvertError(message)
    return made


def is_fixed(norm: Layer) -> bool:
    """Whether a batch norm is the same factors and summands for all inputs, once it is trained."""
    return bool(field_value(norm, "track_running_stats"))


def _learn_apart(subject: Subject, norms: Sequence[int], convolution: int) -> bool:
    """Whether a layer is frozen and a norm that it takes in is not, or the other way."""
    network = subject.network
    frozen = bool(network.nodes[convolution].frozen)
    return any(
        bool(network.nodes[norm].frozen) != frozen
        for norm in norms
        if not all(weight.buffer for weight in network.plans[norm].weights)
    )


def _folded(subject: Subject, convolution: LayerNode, norm: Layer, index: int) -> Edit:
    """A convolution that takes a batch norm in.

    It is frozen where both are: with either of them training changes what it does.
    """
    epsilon = field_value(norm, "eps")
    (number,) = subject.network.nodes[index].inputs
    learns = bool(convolution.frozen) and _learn_apart(subject, (index,), number)

    def items(item: Item) -> tuple[Item, ...]:
        said = item.replace(bias=None, frozen=False) if learns else item.replace(bias=None)
        elsewhere = subject.spec.defaults.get(convolution.kind)
        if elsewhere is not None and "bias" in elsewhere:
            said = said.replace(bias=True)
        return (said,)

    def arrays(own: Arrays, of_norm: Arrays) -> list[Arrays]:
        factor = (of_norm["running_var"] + epsilon) ** -0.5
        if "weight" in of_norm:
            factor = factor * of_norm["weight"]
        weight = own["weight"]
        along = (-1, *(1,) * (weight.ndim - 1))
        bias = -of_norm["running_mean"] * factor
        if "bias" in own:
            bias = bias + own["bias"] * factor
        if "bias" in of_norm:
            bias = bias + of_norm["bias"]
        return [{"weight": weight * factor.reshape(along), "bias": bias}]

    return Edit(items, arrays, (index,))
