"""Inputs are layers that read nothing; whatever goes through layers goes from index to index.

The networks are random, and some of their specs are broken: a jump to a name that means nothing
where it stands keeps unknown what a layer reads.
"""

import gc
import json
import weakref
from typing import Any

from draws import Draw, examples, no_advice
from test_groups import Item, repaired, specs

from convcalc import Network, analyze
from convcalc.analysis.memory.program import program
from convcalc.graph import read_text
from convcalc.layers import CATALOGUE, GIVEN, SOURCES
from convcalc.layers.base import Plan
from convcalc.rules import RULES, advice
from convcalc.shape import Shape
from convcalc.spec.flat import LayerNode
from convcalc.spec.text import SourceText


def networks(draw: Draw, *, whole: bool | None = None) -> Network:
    """Networks, with errors in their specs or without."""
    spec: Item = specs(draw)
    if whole or (whole is None and draw.flag()):
        repaired(spec)
    with no_advice():
        return read_text(SourceText("random.yaml", json.dumps(spec)))


def whole_networks(draw: Draw) -> Network:
    return networks(draw, whole=True)


def broken_networks(draw: Draw) -> Network:
    return networks(draw, whole=False)


def test_an_input_is_a_kind_that_no_item_names() -> None:
    assert list(GIVEN) == ["input"]
    assert not GIVEN.keys() & CATALOGUE.keys()
    assert set(GIVEN) == SOURCES


@examples(60, network=networks)
def test_every_index_is_that_of_an_earlier_layer(network: Network) -> None:
    nodes = network.nodes
    sources = [index for index, node in enumerate(nodes) if node.kind in SOURCES]

    assert network.inputs == tuple(sources) == (0,)
    assert len(network.layers) == len(nodes) - 1
    assert nodes[0].name == "input"
    assert not nodes[0].unknown
    for index, (node, plan) in enumerate(zip(nodes, network.plans, strict=True)):
        read = len(node.inputs) + len(node.unknown)
        assert all(earlier in range(index) for earlier in node.inputs)
        assert all(place in range(read) for place in node.unknown)
        assert (read == 0) == (index in network.inputs)
        assert plan is None or not node.unknown
        assert node.shared_with is None or node.shared_with in range(index)
    for group in network.groups:
        assert group.output is None or group.output in range(len(nodes))
        assert 0 not in group.layers
    assert all(index in range(len(nodes)) for index in network.outputs)
    assert len(network.outputs) == 1 or network.errors
    assert network.output == (network.outputs[0] if network.outputs else None)
    assert network.input == Shape(3, (8, 8))


@examples(60, network=networks, sparing=Draw.flag)
def test_the_walk_is_what_goes_from_node_to_node(network: Network, sparing: bool) -> None:  # noqa: FBT001
    """By hand: everything that a layer's output is made of, written as a term."""
    terms: list[str] = []
    for node, plan in zip(network.nodes, network.plans, strict=True):
        made_of = ", ".join(terms[index] for index in node.inputs)
        terms.append(f"{node.name}{plan and plan.output}({made_of})")
    seen: list[tuple[LayerNode, Plan | None]] = []

    def step(node: LayerNode, plan: Plan | None, read: list[str]) -> str:
        seen.append((node, plan))
        return f"{node.name}{plan and plan.output}({', '.join(read)})"

    assert list(network.walk(step, sparing=sparing)) == terms
    assert seen == list(zip(network.nodes, network.plans, strict=True))


class Array:
    """Something that can be seen to be gone."""


@examples(60, network=whole_networks)
def test_a_sparing_walk_holds_what_is_yet_to_be_read(network: Network) -> None:
    alive: dict[int, weakref.ref[Array]] = {}

    def step(node: LayerNode, plan: Plan | None, read: list[Array]) -> Array:
        del plan
        assert all(isinstance(each, Array) for each in read)
        assert len(read) == len(node.inputs)
        made = Array()
        alive[len(alive)] = weakref.ref(made)
        return made

    walk = network.walk(step, sparing=True)
    for index, made in enumerate(walk):
        gc.collect(0)
        held = {number for number, reference in alive.items() if reference() is not None}
        later = {read for node in network.nodes[index + 1 :] for read in node.inputs}
        assert held == {number for number in later if number <= index} | {index}
        del made


@examples(60, network=whole_networks, training=Draw.flag)
def test_memory_counts_no_tensor_and_no_layer_from_the_end(
    network: Network,
    training: bool,  # noqa: FBT001
) -> None:
    written = program(network, training=training)
    tensors = range(len(written.sizes))

    assert written.loss == len(network.nodes)
    assert [written.sizes[tensor] for tensor in written.inputs] == [3 * 8 * 8]
    for step in written.steps:
        assert step.layer in range(1, written.loss + training)
        assert {step.output, *step.reads, *step.keeps, *step.frees} <= set(tensors)
        assert written.inputs[0] not in step.frees, "it is the caller's"


@examples(60, network=broken_networks)
def test_what_an_error_keeps_unknown_has_its_place_in_reports(network: Network) -> None:
    report = analyze(network, strict=False)
    names = {node.name: index for index, node in enumerate(network.nodes)}

    assert [each.name for each in report.nodes] == [node.name for node in network.nodes]
    assert report.layers == list(report.nodes[1:])
    for node, layer in zip(network.nodes, report.nodes, strict=True):
        unknown = tuple(at for at, name in enumerate(layer.inputs) if name == "?")
        assert unknown == node.unknown
        assert tuple(names[name] for name in layer.inputs if name != "?") == node.inputs
    for index, problem in advice(network, list(RULES)):
        assert index is None or network.plans[index] is not None, problem.message


def test_an_input_has_numbers_as_a_layer_does() -> None:
    text = "{input: 6x5x4, layers: [conv: {filters: 8, kernel: 3}]}"
    report = analyze(read_text(SourceText("x.yaml", text)), batch=2)
    given_layer: Any = report.layer("input")

    assert given_layer.output == Shape(4, (6, 5))
    assert (given_layer.parameters, given_layer.macs) == (0, 0)
    assert given_layer.activations == 2 * 6 * 5 * 4
    assert report.totals.activations == 2 * (6 * 5 * 4 + 4 * 3 * 8)
    assert given_layer.line == 1
