"""What a network is and costs once somebody has done what the help of a rule says."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any, NamedTuple

from convcalc.diagnostics import Problem
from convcalc.graph import Network, plan_layers
from convcalc.graph.inputs import resized
from convcalc.layers import layer_class
from convcalc.layers.base import Layer, Plan
from convcalc.layers.sliding import per_axis
from convcalc.rules import advice
from convcalc.shape import Shape

Changes = Mapping[int, Sequence[Layer]]
"""For some layers what stands in their place: nothing where they are left out."""


class Cost(NamedTuple):
    """What a network, or one layer, asks for."""

    parameters: int
    macs: int
    values: int
    """What is computed, or read, and kept."""

    def lower(self, other: "Cost") -> bool:
        """Whether less is asked for: parameters or multiplications, or else values."""
        if (self.parameters, self.macs) == (other.parameters, other.macs):
            return self.values < other.values
        return self.parameters < other.parameters or self.macs < other.macs


def problems(network: Network, code: str) -> Iterator[tuple[int | None, Problem]]:
    """What a rule says of a network, or what its layers say themselves."""
    if code.startswith("CC4"):
        yield from advice(network, {code})
        return
    names = {node.name: index for index, node in enumerate(network.nodes)}
    for item in network.diagnostics:
        if item.code == code:
            assert item.layer is not None
            yield names[item.layer], Problem(code, item.message, item.field, item.help, "warning")


def done(network: Network, index: int | None, problem: Problem) -> Iterator[tuple[Cost, Cost]]:
    """The costs before and after each way of doing what the help says that keeps all other shapes.

    Nothing comes where there is no such way.
    """
    if index is None or problem.code == "CC306":
        yield from _other_inputs(network, problem)
        return
    if problem.code in READ:
        yield from READ[problem.code](network, index)
        return
    for changes in CHANGES[problem.code](network, index, problem):
        after = changed(network, changes)
        if after is not None:
            yield cost(network.nodes, network.plans), after


def cost(nodes: Sequence[Any], plans: Sequence[Plan | None]) -> Cost:
    """The sums over all layers; weights that are shared count once."""
    known = [(node, plan) for node, plan in zip(nodes, plans, strict=True) if plan is not None]
    return Cost(
        sum(
            weight.size
            for node, plan in known
            if node.shared_with is None
            for weight in plan.weights
            if not weight.buffer
        ),
        sum(plan.macs for _, plan in known),
        sum(plan.output.size for _, plan in known),
    )


def changed(network: Network, changes: Changes) -> Cost | None:
    """The cost with other layers in some places; None where that changes the shape of another.

    The layers from the first to the last that was changed may differ, as a flattened map does, and
    of a layer that is left out nothing is asked, unless it made the output.
    """
    nodes: list[Any] = []
    now: dict[int, int] = {}
    owners: dict[int, int] = {}
    for index, node in enumerate(network.nodes):
        inputs = tuple(now[read] for read in node.inputs)
        shared = node.shared_with
        owner = None if shared is None else owners.get(shared)
        for layer in changes.get(index, (node.layer,)):
            nodes.append(node._replace(layer=layer, late=None, inputs=inputs, shared_with=owner))
            inputs = (len(nodes) - 1,)
        now[index] = inputs[0]
        if changes.get(index, [None]):  # else the next one that shares its weights owns them
            owners.setdefault(index if shared is None else shared, inputs[0])
    _, plans, _ = plan_layers(nodes)
    for index, plan in enumerate(network.plans):
        if min(changes) <= index < max(changes) or now[index] in network.inputs:
            continue
        if not changes.get(index, [None]) and index != network.output:
            continue
        after = plans[now[index]]
        if after is None or plan is None or after.output != plan.output:
            return None
    return cost(nodes, plans)


def _layer(network: Network, index: int) -> Any:
    return network.nodes[index].layer


def _input(network: Network, index: int) -> Shape:
    shape = network.shape_of(network.nodes[index].inputs[0])
    assert shape is not None
    return shape


def _without_bias(network: Network, index: int, _: Problem) -> Iterator[Changes]:
    yield {index: [replace(_layer(network, index), bias=False)]}


def _stack(network: Network, index: int, _: Problem) -> Iterator[Changes]:
    """3×3 convolutions that see as much, nowhere with fewer channels than on the wider side."""
    layer, x = _layer(network, index), _input(network, index)
    count = (max(per_axis(layer.kernel, x.rank)) - 1) // 2
    conv: Any = layer_class("conv")
    between = [
        conv(filters=max(x.channels, layer.filters), kernel=3, padding=1, bias=layer.bias)
    ] * (count - 1)
    yield {index: [*between, conv(filters=layer.filters, kernel=3, padding=1, bias=layer.bias)]}


def _one_left_out(network: Network, index: int, problem: Problem) -> Iterator[Changes]:
    name = problem.message.partition(" is linear in what ")[2].partition(" makes")[0]
    first = next(at for at, node in enumerate(network.nodes) if node.name == name)
    yield {index: []}
    yield {first: [], index: [_layer(network, index)]}
    if network.nodes[first].kind == network.nodes[index].kind == "conv":
        yield {first: [_one_map(network, first, index)], index: []}


def _one_map(network: Network, first: int, second: int) -> Layer:
    """The convolution that computes what two in a row do."""
    one, other, x = _layer(network, first), _layer(network, second), _input(network, first)
    plan = network.plans[second]
    assert plan is not None
    kernels, strides, pads = [], [], []
    for size, wanted, *numbers in zip(
        x.spatial,
        plan.output.spatial,
        *(per_axis(value, x.rank) for value in (one.kernel, one.stride, one.dilation)),
        *(per_axis(value, x.rank) for value in (other.kernel, other.stride, other.dilation)),
        strict=True,
    ):
        kernel, stride, dilation, kernel2, stride2, dilation2 = numbers
        kernels.append(dilation * (kernel - 1) + 1 + dilation2 * (kernel2 - 1) * stride)
        strides.append(stride * stride2)
        total = max((wanted - 1) * strides[-1] + kernels[-1] - size, 0)
        pads.append((total // 2, total - total // 2))
    conv: Any = layer_class("conv")
    made: Layer = conv(
        filters=other.filters,
        kernel=tuple(kernels),
        stride=tuple(strides),
        padding=tuple(pads),
        bias=other.bias,
        rounding="floor",
    )
    return made


def _pooled(network: Network, index: int, _: Problem) -> Iterator[Changes]:
    owner = network.nodes[index].shared_with
    owner = index if owner is None else owner
    pool, flat = layer_class("global_avgpool")(), layer_class("flatten")()
    changes: dict[int, Sequence[Layer]] = {}
    for each, node in enumerate(network.nodes):
        if owner not in (each, node.shared_with):  # whose weights stay what they are
            continue
        flatten = node.inputs[0]
        while network.nodes[flatten].kind not in ("flatten", "reshape"):
            flatten = network.nodes[flatten].inputs[0]
        changes |= {flatten: [pool, flat], each: [_layer(network, each)]}
    yield changes


def _left_out(network: Network, index: int, _: Problem) -> Iterator[Changes]:
    yield {index: []}


def _divisible_kernel(network: Network, index: int, _: Problem) -> Iterator[Changes]:
    layer, x = _layer(network, index), _input(network, index)
    plan = network.plans[index]
    assert plan is not None
    kernels, paddings, extras = [], [], []
    for kernel, stride, size, wanted in zip(
        per_axis(layer.kernel, x.rank),
        per_axis(layer.stride, x.rank),
        x.spatial,
        plan.output.spatial,
        strict=True,
    ):
        kernels.append(max(kernel // stride, 1) * stride)
        surplus = (size - 1) * stride + kernels[-1] - wanted
        if surplus < 0:  # rows without inputs
            kernels[-1] += stride
            surplus += stride
        paddings.append(ceil(surplus / 2))
        extras.append(2 * paddings[-1] - surplus)
    yield {
        index: [
            replace(
                layer,
                kernel=tuple(kernels),
                padding=tuple(paddings),
                output_padding=tuple(extras),
            )
        ]
    }


def _odd_kernels(network: Network, _: int, __: Problem) -> Iterator[Changes]:
    found = {}
    for at, node in enumerate(network.nodes):
        kernels = per_axis(_layer(network, at).kernel, 1) if node.kind == "conv" else (1,)
        if any(kernel % 2 == 0 for kernel in kernels):
            smaller = tuple(kernel - 1 for kernel in kernels)
            found[at] = [replace(_layer(network, at), kernel=smaller, padding="same")]
    yield found


CHANGES = {
    "CC402": _stack,
    "CC406": _stack,
    "CC407": _one_left_out,
    "CC408": _without_bias,
    "CC413": _pooled,
    "CC416": _left_out,
    "CC418": _divisible_kernel,
    "CC419": _odd_kernels,
}
"""What the help of a rule comes to, by its code."""


def _other_inputs(network: Network, problem: Problem) -> Iterator[tuple[Cost, Cost]]:
    """The inputs that a help names, where the output stays what it is."""
    image = network.input
    assert image is not None
    for text in re.findall(r"(?<=of |or )\d+(?:×\d+)*", problem.help or ""):
        other = resized(network, image._replace(spatial=parse_extents(text)))
        if other is not None and other.shape_of(network.output) == network.shape_of(network.output):
            yield _with_input(network), _with_input(other)


def _with_input(network: Network) -> Cost:
    """The cost of a network, the values of its input among those that are kept."""
    whole = cost(network.nodes, network.plans)
    assert network.input is not None
    return whole._replace(values=whole.values + network.input.size)


def parse_extents(text: str) -> tuple[int, ...]:
    """The extents that a message shows: `24×24`."""
    return tuple(map(int, text.split("×")))


def _read(network: Network, index: int, layer: Layer, x: Shape) -> Iterator[tuple[Cost, Cost]]:
    """What a layer reads, and what it could do with for the same output."""
    plan, whole = network.plans[index], _input(network, index)
    assert plan is not None
    if layer.plan([x]).output == plan.output:
        yield Cost(0, 0, whole.size), Cost(0, 0, x.size)


def _strided_before(network: Network, index: int) -> Iterator[tuple[Cost, Cost]]:
    layer, x = _layer(network, index), _input(network, index)
    strides = per_axis(layer.stride, x.rank)
    less = tuple(ceil(size / stride) for size, stride in zip(x.spatial, strides, strict=True))
    yield from _read(network, index, replace(layer, stride=1), x._replace(spatial=less))


READ = {"CC405": _strided_before}
"""Codes whose help is about what a layer need not read."""
