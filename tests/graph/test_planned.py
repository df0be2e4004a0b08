"""A network without errors has every plan, whatever it is read from."""

from pathlib import Path

import pytest
from paths import TESTS
from tabled import tabled

from convcalc import SpecError, analyze, load
from convcalc.graph import read
from convcalc.graph.planned import Planned, planned
from convcalc.spec.bundled import bundled_architectures, find_bundled

MEMBERS = {
    bundled.path: name for name in bundled_architectures() if (bundled := find_bundled(name))
}
"""A network of every bundled file, and of a family the last member."""
SPECS = sorted((TESTS / "specs").rglob("*.yaml"))


def keeps_its_word(network: Planned) -> None:
    """What `Planned` declares is there: layers, plans, the input and one output."""
    assert all(node.layer is not None and not node.unknown for node in network.nodes)
    assert len(network.plans) == len(network.nodes)
    assert all(plan is not None for plan in network.plans)
    assert network.input == network.plans[network.inputs[0]].output
    assert network.outputs[0] == network.output
    assert network.complete


@tabled("name", MEMBERS.values())
def test_the_zoo_is_planned(name: str) -> None:
    keeps_its_word(planned(load(name)))


@tabled("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_is_planned_or_refused_with_its_errors(path: Path) -> None:
    network = read(path)
    if network.errors:
        with pytest.raises(SpecError) as raised:
            planned(network)
        assert raised.value.diagnostics == network.errors
    else:
        keeps_its_word(planned(network))


def test_it_is_the_same_network() -> None:
    network = load("alexnet")
    one = planned(network)
    assert one == network
    assert one.nodes is network.nodes
    assert planned(one) is one
    assert repr(one) == repr(network)
    assert analyze(one) == analyze(network)
    assert isinstance(one._replace(name="other"), Planned)
