"""`frozen` in a spec: what it reaches, what it says nothing about, and that nothing loses it."""

import pytest

from convcalc.analysis import analyze
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network, loads, parse, read_text
from convcalc.graph.frozen import freeze
from convcalc.spec.fold import fold as folded
from convcalc.spec.text import SourceText
from convcalc.spec.unfold import unfolded

BLOCKS = """
input: 8x8x4
parameters: {tuned: 1}
blocks:
  unit:
    layers:
      - conv: {filters: 4, kernel: 1}
      - {prelu: {}, frozen: false}
      - relu
layers:
  - {unit: {}, frozen: tuned < 2, name: first}
  - {unit: {}, name: second}
  - {layers: [conv: {filters: 4, kernel: 1}, batchnorm], repeat: 2, frozen: true, name: last}
  - {conv: {filters: 4, kernel: 1}, weights: first.conv1}
"""


def names(network: Network) -> list[str]:
    """Layers with weights that are frozen."""
    return [node.name for node in network.nodes if node.frozen and node.kind != "relu"]


def test_frozen_reaches_all_inside_that_says_nothing_else() -> None:
    network = loads(BLOCKS)
    assert names(network) == [
        "first.conv1", "last1.conv1", "last1.batchnorm1", "last2.conv1", "last2.batchnorm1",
    ]  # fmt: skip
    assert names(loads(BLOCKS, parameters={"tuned": 2})) == names(network)[1:]
    assert analyze(network).totals.frozen_parameters == 20 + 2 * (20 + 8)


def said(text: str) -> list[tuple[str, str, str]]:
    network = read_text(SourceText("x", text))
    return [(each.code, each.severity, each.message) for each in network.diagnostics]


@pytest.mark.parametrize(
    ("item", "code", "severity", "message"),
    [
        ("{relu: , frozen: true}", "CC116", "warning", "`relu` has no weights"),
        ("{layers: [relu, maxpool: 2], frozen: false}", "CC116", "warning", "have no weights"),
        (
            "{conv: {filters: 4, kernel: 1}, weights: first, frozen: true}",
            "CC202",
            "error",
            "is frozen, and uses the weights of first, which learns",
        ),
        ("{conv: {filters: 4, kernel: 1}, frozen: 3}", "CC107", "error", "3"),
    ],
)
def test_frozen_in_vain_is_told(item: str, code: str, severity: str, message: str) -> None:
    text = (
        f"input: 8x8x4\nlayers:\n  - {{conv: {{filters: 4, kernel: 1}}, name: first}}\n  - {item}"
    )
    ((its_code, its_severity, its_message),) = said(text)
    assert (its_code, its_severity) == (code, severity)
    assert message in its_message


def test_rounds_say_it_once() -> None:
    text = "input: 8x8x4\nlayers:\n  - {layers: [relu], frozen: true, repeat: 3}"
    assert len(said(text)) == 1


def test_a_block_may_be_called_frozen() -> None:
    text = "input: 8x8x4\nblocks: {frozen: {layers: [relu]}}\nlayers: [frozen, {frozen: {}}]"
    assert said(text) == []
    assert names(loads(text)) == []


def test_folding_and_unfolding_keep_what_is_frozen_and_whose_weights_a_prelu_uses() -> None:
    spec = parse(
        "input: 8x8x4\nlayers:\n"
        "  - {conv: {filters: 4, kernel: 1}, frozen: true}\n  - {prelu: , name: a}\n"
        + "  - {conv: {filters: 4, kernel: 1}}\n  - {prelu: , weights: a}\n"
        * 3
    )
    network, flat = loads(str(spec)), unfolded(spec)
    assert flat is not None
    for other in (flat, folded(spec), folded(flat), unfolded(folded(flat))):
        again = loads(str(other))
        assert [bool(node.frozen) for node in again.nodes] == [
            bool(node.frozen) for node in network.nodes
        ]
        assert analyze(again).totals == analyze(network).totals


def test_layers_are_frozen_by_pattern() -> None:
    network = loads(BLOCKS, parameters={"tuned": 2})
    assert names(freeze(network, ["second", "first.c*"])) == [
        "first.conv1", "second.conv1", "second.prelu1", *names(network),
    ]  # fmt: skip
    for pattern, message in (
        ("none", "no layer matches 'none'"),
        ("*.relu1", "has no weights of its own: first.relu1, second.relu1"),
        ("conv1", "has no weights of its own: conv1"),
    ):
        with pytest.raises(ArgumentError, match=message):
            freeze(network, [pattern])
