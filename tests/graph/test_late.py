"""Fields that read the incoming tensor: the same network as with the numbers in their place."""

from pathlib import Path
from typing import Any

import pytest
from tabled import tabled

from convcalc import Shape, loads, read, verify
from convcalc.checks.run import Task, check_text
from convcalc.graph import Network, SpecError, plan_layers, read_text
from convcalc.graph.inputs import fed, resized
from convcalc.layers.base import declarations
from convcalc.spec.bundled import bundled_folder
from convcalc.spec.nodes import Map, Node, ScalarNode
from convcalc.spec.text import SourceText

FAMILIES = sorted(path.stem for path in Path(bundled_folder()).glob("*.yaml"))
NUMBERS = ("whole", "number", "axes", "ratios", "padding")


def written(network: Network) -> dict[int, tuple[Node, set[bool]]]:
    """By place, the numbers that fields are given, and whether they are the incoming channels."""
    numbers: dict[int, tuple[Node, set[bool]]] = {}
    for index, node in enumerate(network.nodes):
        given = node.item.entries.get(node.kind)
        if index in network.inputs or given is None or node.layer is None:
            continue
        declared = declarations(type(node.layer))
        fields: dict[str, Node] = {}
        if isinstance(given, Map):
            fields = {name: given.entries[name] for name in given.entries}
        elif isinstance(given, ScalarNode) and given.text not in ("", node.kind):
            fields = {next(iter(declared)): given}
        before = network.shape_of(node.inputs[0])
        assert before is not None
        for name, value in fields.items():
            if not isinstance(value, ScalarNode) or name not in declared:
                continue
            if declared[name].form not in NUMBERS:
                continue
            number = getattr(node.layer, name)
            if isinstance(number, int | float):
                _, same = numbers.setdefault(value.start, (value, set()))
                same.add(number == before.channels)
    return numbers


def made_late(text: str, network: Network) -> str:
    """The spec with every number of a field read from the incoming tensor."""
    numbers = written(network)
    for start in sorted(numbers, reverse=True):
        value, same = numbers[start]
        assert isinstance(value, ScalarNode)
        late = "incoming.channels"
        if same != {True}:
            late = f"({value.text}) + 0*incoming.channels"
        if not value.plain or "," in late:
            late = f'"{late}"'
        text = text[:start] + late + text[value.end :]
    return text


def layers(network: Network) -> list[Any]:
    """What each layer is called and reads, and what it is where its shapes work out."""
    return [
        (node.name, node.kind, node.inputs, node.shared_with, plan and node.layer)
        for node, plan in zip(network.nodes, network.plans, strict=True)
    ]


def same(late: Network | None, early: Network | None) -> None:
    """Ask whether two networks are the same, layer by layer."""
    assert (late is None) == (early is None)
    if late is not None and early is not None:
        assert layers(late) == layers(early)
        assert late.plans == early.plans


def checked(text: str) -> set[tuple[str, str, str | None]]:
    """What is found in all members, without places: the one text is longer than the other."""
    found = check_text(SourceText("net", text), Task()).diagnostics
    return {(each.code, each.message, each.layer) for each in found}


@pytest.mark.thorough
@tabled("family", FAMILIES)
def test_a_network_is_the_same_with_the_incoming_channels_for_its_numbers(family: str) -> None:
    early = read(family)
    assert early.written is not None
    assert early.input is not None
    text = (Path(bundled_folder()) / f"{family}.yaml").read_text(encoding="utf-8")
    rewritten = made_late(text, early)
    assert "incoming.channels" in rewritten

    late = read_text(SourceText(family, rewritten))

    same(late, early)
    larger = early.input._replace(spatial=tuple(size + 32 for size in early.input.spatial))
    same(resized(late, larger), resized(early, larger))
    same(read_text(SourceText(family, rewritten), input=larger), read(family, input=larger))


@pytest.mark.parametrize("family", ["alexnet", "squeezenet", "resnet", "mobilenet_v2"])
def test_rules_say_the_same_of_it(family: str) -> None:
    text = (Path(bundled_folder()) / f"{family}.yaml").read_text(encoding="utf-8")

    assert checked(made_late(text, read(family))) == set()  # as of all that is bundled (test_rules)


NET = """input: 33x33x8
layers:
  - repeat: 3
    layers:
      - conv: {filters: 2*incoming.channels, kernel: 3, groups: incoming.channels, padding: 1}
      - maxpool: {kernel: 3, stride: 2, rounding: floor}
  - conv: {filters: incoming.channels, kernel: 1}
  - conv: {filters: incoming.channels, kernel: 1}
"""


def test_rounds_of_one_item_make_different_layers_and_equal_ones_are_one_object() -> None:
    network = loads(NET)
    convs = [node.layer for node in network.nodes if node.kind == "conv"]

    assert [(conv.filters, conv.groups) for conv in convs] == [  # type: ignore[union-attr]
        (16, 8),
        (32, 16),
        (64, 32),
        (64, 1),
        (64, 1),
    ]
    assert convs[-1] is convs[-2]
    again = loads(
        "{input: 8x8x4, layers: [{repeat: 2, relu: }, {repeat: 2, conv: {filters: "
        "incoming.channels, kernel: 1}}]}"
    )
    assert again.nodes[-1].layer is again.nodes[-2].layer


@pytest.mark.parametrize("run", ["reference", "engine"])
def test_it_runs_as_it_was_planned(run: str) -> None:
    assert verify(loads(NET), engine=run == "engine", seed=1).good


def test_other_channels_make_other_layers_or_none() -> None:
    network = loads("{input: 8x8x4, layers: [conv: {filters: incoming.channels/2, kernel: 3}]}")

    wide = resized(network, Shape(6, (8, 8)))

    assert wide is not None
    assert wide.nodes[1].layer.filters == 3  # type: ignore[union-attr]
    assert network.nodes[1].layer.filters == 2  # type: ignore[union-attr]
    assert resized(network, Shape(5, (8, 8))) is None
    assert resized(wide, Shape(4, (8, 8))) is not None
    nodes, plans, problems = plan_layers(fed(network, Shape(5, (8, 8))))
    assert (nodes[1].layer, plans[1], problems) == (None, None, [])


def test_behind_an_error_it_is_silent() -> None:
    spec = "{input: 8x8x4, layers: [conv: {filters: 2, kernel: 9}, linear: 1/incoming.channels]}"

    with pytest.raises(SpecError) as caught:
        loads(spec)

    assert [found.code for found in caught.value.diagnostics] == ["CC303"]
