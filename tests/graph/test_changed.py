"""A network with one thing changed is the network of the spec that says so."""

from collections.abc import Callable

import pytest
from tabled import tabled

from convcalc.graph import load, loads
from convcalc.graph.changed import (
    branches,
    in_order,
    moved,
    with_input,
    with_layers,
    without,
    without_branch,
)
from convcalc.graph.planned import Planned, planned
from convcalc.layers import layer_class
from convcalc.shape import Shape

Changed = Callable[[Planned], Planned | None]


def at(network: Planned, name: str) -> int:
    return [node.name for node in network.nodes].index(name)


def halved(network: Planned) -> Planned | None:
    index = at(network, "b")
    node = network.nodes[index]
    return with_layers(network, {index: (node.kind, node.layer.replace(filters=4))})


def summed(network: Planned) -> Planned | None:
    return with_layers(network, {at(network, "concat1"): ("add", layer_class("add")())})


CHAIN = """
input: 8x8x3
layers:
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: a}
  - {dropout: 0.5, name: drop}
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: b}
  - relu
  - {maxpool: 2, name: pool}
  - flatten
  - {linear: 10, name: head}
"""
B = "  - {conv: {filters: 8, kernel: 3, padding: 1}, name: b}\n"
POOL = "  - {maxpool: 2, name: pool}\n"
SKIP = """
input: 8x8x4
layers:
  - {conv: {filters: 4, kernel: 1}, name: a}
  - concat:
      - []
      - [{maxpool: 2, name: pool}, {conv: {filters: 4, kernel: 1}, name: low}, upsample: 2]
  - {conv: {filters: 2, kernel: 1}, name: last}
"""
LOW = """\
  - {maxpool: 2, name: pool}
  - {conv: {filters: 4, kernel: 1}, name: low}
  - upsample: 2
"""
MERGE = SKIP[SKIP.index("  - concat") : SKIP.index("  - {conv: {filters: 2")]


@tabled(
    ("text", "changed", "expected"),
    [
        (
            CHAIN,
            lambda net: without(net, [at(net, "drop")]),
            CHAIN.replace("  - {dropout: 0.5, name: drop}\n", ""),
        ),
        (CHAIN, halved, CHAIN.replace(B, B.replace("filters: 8", "filters: 4"))),
        (
            CHAIN,
            lambda net: moved(net, at(net, "pool"), at(net, "b")),
            CHAIN.replace(POOL, "").replace(B, POOL + B),
        ),
        (CHAIN, lambda net: with_input(net, Shape(3, (6, 10))), CHAIN.replace("8x8x3", "6x10x3")),
        (SKIP, summed, SKIP.replace("concat:", "add:")),
        (
            SKIP,
            lambda net: without_branch(net, at(net, "concat1"), at(net, "a")),
            SKIP.replace(MERGE, LOW),
        ),
        # What is for the other branch alone goes with it.
        (
            SKIP,
            lambda net: without_branch(net, at(net, "concat1"), at(net, "upsample1")),
            SKIP.replace(MERGE, ""),
        ),
    ],
)
def test_it_is_the_network_of_the_changed_spec(text: str, changed: Changed, expected: str) -> None:
    network = changed(planned(loads(text)))
    written = planned(loads(expected))
    assert network is not None
    assert [node.kind for node in network.nodes] == [node.kind for node in written.nodes]
    assert [node.inputs for node in network.nodes] == [node.inputs for node in written.nodes]
    assert [*network.plans] == [*written.plans]
    assert network.outputs == written.outputs


@tabled(
    ("text", "changed"),
    [
        (CHAIN, lambda net: with_input(net, Shape(3, (1, 1)))),
        (CHAIN, lambda net: moved(net, at(net, "head"), at(net, "a"))),
        (SKIP, lambda net: moved(net, at(net, "last"), at(net, "a"))),
        (SKIP, lambda net: in_order(net, [0, 2, 1, *range(3, len(net.nodes))])),
        (CHAIN, lambda net: without_branch(net, at(net, "b"), at(net, "drop"))),
    ],
)
def test_what_cannot_be_so_is_none(text: str, changed: Changed) -> None:
    assert changed(planned(loads(text))) is None


@pytest.mark.parametrize("name", ["googlenet", "resnet50", "inception_v4"])
def test_branches_run_in_any_order(name: str) -> None:
    """Every layer reads what it read, and works out the same."""
    network = planned(load(name))
    merges = [each for each, node in enumerate(network.nodes) if branches(network, each)]
    assert merges
    for merge in merges[:3]:
        first, *others = branches(network, merge)
        assert others[-1].stop == merge
        order = [*range(first.start), *(each for part in (*others, first) for each in part)]
        order += range(merge, len(network.nodes))
        turned = in_order(network, order)
        assert turned is not None
        for position, index in enumerate(order):
            node, before = turned.nodes[position], network.nodes[index]
            assert (node.name, turned.plans[position]) == (before.name, network.plans[index])
            names = [turned.nodes[read].name for read in node.inputs]
            assert names == [network.nodes[read].name for read in before.inputs]
        inside = {group.name: {*group.layers} for group in network.groups}
        for group in turned.groups:
            assert {order[index] for index in group.layers} == inside[group.name]


@tabled(
    ("second", "third"),
    [("from: right, ", ""), ("", "from: right, "), ("from: right, ", "from: left, ")],
)
def test_an_input_is_in_no_branch(second: str, third: str) -> None:
    network = planned(
        loads(
            "input: {left: 8x8x3, right: 8x8x3, told: 8}\n"
            f"layers:\n  - add: [[relu], [{second}tanh], [{third}sigmoid]]\n"
            "outputs: [add1, told]\n"
        )
    )
    parts = branches(network, at(network, "add1"))
    assert parts
    assert {index for part in parts for index in part}.isdisjoint(network.inputs)
