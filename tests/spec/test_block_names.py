"""A block whose name is also a kind's is the block: kinds that are added change no spec."""

import sys
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from types import MappingProxyType

import jsonschema
import pytest
import yaml
from paths import ROOT

from convcalc import Network, analyze, layers, loads
from convcalc.graph import read_opened
from convcalc.layers import CATALOGUE, Kind
from convcalc.rules import advice
from convcalc.spec.bundled import bundled_architectures, find_bundled
from convcalc.spec.schema import spec_schema
from convcalc.spec.source import Opened, open_spec
from convcalc.spec.text import SourceText

CORPUS = sorted((ROOT / "tests" / "corpus").glob("*.yaml"))
TEXTS = [
    text
    for path in [*sorted((ROOT / "architectures").glob("*.yaml")), *CORPUS]
    if "\nblocks:" in (text := path.read_text(encoding="utf-8"))
]
"""Specs with blocks."""
MADE_UP = (
    Kind("convolution", "Conv", "dense"),
    Kind("merge", "Add", "merge"),
    Kind("activation", "Relu", "activation"),
)
"""What a kind may be like: with fields, with branches, or with neither."""


@cache
def block_names(text: str) -> list[str]:
    """Names of the blocks of a spec."""
    return list(yaml.load(text, yaml.CSafeLoader).get("blocks") or ())


def all_block_names() -> set[str]:
    return {name for text in TEXTS for name in block_names(text)}


def made_up() -> dict[str, Kind]:
    """A kind for every name of a block, of each sort by turns."""
    names = sorted(all_block_names() - CATALOGUE.keys())
    return dict(zip(names, cycle(MADE_UP), strict=False))


def add_kinds(patch: pytest.MonkeyPatch, kinds: dict[str, Kind]) -> None:
    """Let the catalogue have more kinds, wherever it was imported."""
    longer = MappingProxyType({**CATALOGUE, **kinds})
    for module in [module for name, module in sys.modules.items() if name.startswith("convcalc")]:
        if getattr(module, "CATALOGUE", None) is CATALOGUE:
            patch.setattr(module, "CATALOGUE", longer)
    assert layers.CATALOGUE is longer


def networks() -> Iterator[tuple[Opened, Network]]:
    """The bundled networks, and those of the corpus, that have blocks.

    Of a family, those members that call a block which none before them calls.
    """
    called: dict[str, set[str]] = {}
    for name in [*bundled_architectures(), *map(str, CORPUS)]:
        opened = open_spec(name, find_bundled)
        text = opened.text.content
        if text in TEXTS and not called.get(text, set()) >= {*block_names(text)}:
            network = read_opened(opened)
            blocks = {group.block for group in network.groups if group.block}
            if text not in called or not blocks <= called[text]:
                called[text] = called.get(text, set()) | blocks
                yield opened, network


def answers(network: Network) -> object:
    """What a network is, from which every answer is worked out, and what is said of its spec."""
    return (
        [(node.name, node.kind, node.layer, node.inputs) for node in network.nodes],
        network.plans,
        network.output,
        [(group.name, group.block, group.layers, group.output) for group in network.groups],
        network.parameters,
        [found for found in network.diagnostics if found.code != "CC117"],
        list(advice(network, {"CC420", "CC421", "CC422", "CC423"})),
    )


@pytest.mark.thorough
def test_kinds_called_like_blocks_change_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [(opened, answers(network)) for opened, network in networks()]
    assert len({opened.text.content for opened, _ in before}) == len(TEXTS)
    assert {"split", "separable_conv"} <= all_block_names()
    add_kinds(monkeypatch, made_up())

    for opened, answer in before:
        network = read_opened(opened)
        assert answers(network) == answer, network.path
        notes = [found for found in network.diagnostics if found.code == "CC117"]
        assert network.written is not None
        assert isinstance(network.written.places, SourceText)
        assert len(notes) == len(block_names(network.written.places.content)), network.path
        assert all(found.severity == "note" for found in notes)


@pytest.mark.thorough
def test_the_schema_lets_kinds_be_names_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    add_kinds(monkeypatch, made_up())
    validator = jsonschema.Draft7Validator(spec_schema())

    for text in TEXTS:
        validator.validate(yaml.load(text, yaml.CSafeLoader))


def test_the_schema_knows_fields_where_no_block_is_called_like_a_kind() -> None:
    validator = jsonschema.Draft7Validator(spec_schema())
    spec = {"input": "8x8x3", "layers": [{"conv": {"n": 3}}]}

    assert not validator.is_valid(spec)
    assert not validator.is_valid({**spec, "blocks": {"unit": {"layers": []}}})
    assert validator.is_valid({**spec, "blocks": {"conv": {"layers": []}}})


def test_in_its_own_layers_the_name_is_the_kind() -> None:
    """By hand: 3·3·3·16 weights and 16 biases, then 3·3·16·8 and 8."""
    network = loads("""
        input: 32x32x3
        defaults: {conv: {padding: same}}
        blocks:
          conv:
            parameters: {out}
            layers:
              - layers:
                  - conv: {filters: out, kernel: 3}
                  - relu
                name: body
          unit: {layers: [conv: 8]}
        layers:
          - conv: {out: 16}
          - unit
    """)

    assert [node.name for node in network.layers] == [
        "conv1.body.conv1",
        "conv1.body.relu1",
        "unit1.conv1.body.conv1",
        "unit1.conv1.body.relu1",
    ]
    report = analyze(network)
    assert [layer.parameters for layer in report.layers] == [448, 0, 1160, 0]
    assert str(report.output) == "32×32×8"
    assert [(found.code, found.severity) for found in network.diagnostics] == [("CC117", "note")]


def test_it_is_the_same_spec_under_another_name() -> None:
    """A family of kinds, each the name of a block: renamed, everything else stays."""
    spec = """
        input: 32x32x16
        blocks:
          NAME:
            parameters: {n: 4}
            layers:
              - conv: {filters: 16, kernel: 1}
                repeat: n
          outer: {layers: [NAME, NAME: 2, {NAME: {n: 1}, name: last}, {from: last}]}
        layers:
          - outer
          - NAME
          - NAME: {n: 3}
            repeat: 2
    """

    def shown(name: str) -> object:
        network = loads(spec.replace("NAME", name))
        names = [node.name.replace(name, "NAME") for node in network.nodes]
        groups = [(group.name.replace(name, "NAME"), *group[3:]) for group in network.groups]
        return names, groups, network.plans, network.output

    expected = shown("unlike")
    for kind in ("relu", "add", "linear", "flatten", "batchnorm", "concat", "global_avgpool"):
        assert shown(kind) == expected
