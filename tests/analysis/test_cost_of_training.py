"""What training costs in arithmetic, held against PyTorch's counts and by hand."""

import json
from typing import Any, cast

import pytest
from paths import DATA
from tabled import tabled
from test_memory_more import PYRAMID, SIAMESE, SMALL_VIT

from convcalc.analysis import analyze
from convcalc.analysis.training import training
from convcalc.graph import LayerNode, Network, load, loads, read_text
from convcalc.graph.frozen import freeze
from convcalc.graph.planned import planned
from convcalc.shape import Shape
from convcalc.spec.text import SourceText

GOLDEN: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (DATA / "backward_macs.json").read_text(encoding="utf-8")
)
UNET = """
input: 256x256x3
blocks:
  twice:
    parameters: {filters}
    layers:
      - {layers: [{conv: {filters: filters, kernel: 3, padding: 1, bias: false}}, batchnorm, relu], repeat: 2}
  down:
    parameters: {filters}
    layers: [maxpool: 2, twice: filters]
  up:
    parameters: {filters, skip: ""}
    layers:
      - {conv_transpose: {filters: filters, kernel: 2, stride: 2}, name: up}
      - concat: [[{from: "{skip}"}], []]
      - twice: filters
layers:
  - {twice: 32, name: d1}
  - {down: 64, name: d2}
  - {down: 128, name: d3}
  - {down: 256, name: d4}
  - {down: 512, name: d5}
  - up: {filters: 256, skip: "d4"}
  - up: {filters: 128, skip: "d3"}
  - up: {filters: 64, skip: "d2"}
  - up: {filters: 32, skip: "d1"}
  - conv: {filters: 2, kernel: 1}
"""  # noqa: E501
SPECS = {"unet_256": UNET, "siamese": SIAMESE, "pyramid": PYRAMID, "small_vit": SMALL_VIT}
CALLED = {"alexnet": "alexnet_torchvision"}
BEFORE_LAYER4 = ["conv1", "batchnorm1", "conv2_x", "conv3_x", "conv4_x"]


def golden(name: str) -> Network:
    """The network that was measured."""
    if name == "resnet18_frozen_to_layer3":
        return freeze(load("resnet18"), BEFORE_LAYER4)
    return loads(SPECS[name]) if name in SPECS else load(CALLED.get(name, name))


@tabled("name", [name for part in GOLDEN.values() for name in part])
def test_backward_macs_are_pytorchs(name: str) -> None:
    row = {**GOLDEN["networks"], **GOLDEN["more"], **GOLDEN["grouped"]}[name]
    report = analyze(golden(name))
    cost = training(report)
    assert cost is not None
    assert (report.totals.parameters, cost.macs) == (row["parameters"], row["forward_macs"])
    assert cost.backward_macs == row["backward_macs_by_definition"]
    # Of a grouped convolution it counts the weights' gradient groups times.
    network = planned(golden(name))
    beyond = sum(
        (_groups(node, network.shape_of(node.inputs[0])) - 1) * plan.macs
        for node, plan in zip(network.nodes, network.plans, strict=True)
        if node.kind in ("conv", "depthwise_conv")
    )
    assert row["backward_macs"] == cost.backward_macs + beyond
    assert row["equal"] == (beyond == 0)


def _groups(node: LayerNode, x: Shape) -> int:
    return x.channels if node.kind == "depthwise_conv" else cast("Any", node.layer).groups


def _net(*items: str, given: str = "8x8x4") -> str:
    return "\n".join([f"input: {given}", "layers:", *(f"  - {item}" for item in items)])


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        # A weight's gradient alone where nothing before it learns: 64 positions of 4·2 weights.
        (["conv: {filters: 2, kernel: 1}"], [512]),
        # Both behind a layer that learns: 64·2·3 twice.
        (["conv: {filters: 2, kernel: 1}", "conv: {filters: 3, kernel: 1}"], [512, 768]),
        # Frozen: none of the first, and only the input's none of the second.
        (
            ["{conv: {filters: 2, kernel: 1}, frozen: true}", "conv: {filters: 3, kernel: 1}"],
            [0, 384],
        ),
        # Frozen behind what learns: its input's gradient alone.
        (
            ["conv: {filters: 2, kernel: 1}", "{conv: {filters: 3, kernel: 1}, frozen: true}"],
            [512, 384],
        ),
        # A norm's factor learns, so a gradient goes through what stands behind it.
        (["batchnorm", "{conv: {filters: 2, kernel: 1}, frozen: true}"], [0, 512]),
        # Depthwise weights alone, then the pointwise ones and what these read: 64·4·9, 2·64·4·2.
        (
            ["separable_conv: {filters: 2, kernel: 3, padding: 1}"],
            [64 * 4 * 9 + 2 * 64 * 4 * 2],
        ),
        # Used twice, counted twice.
        (
            [
                "{conv: {filters: 4, kernel: 1}, name: a}",
                "{conv: {filters: 4, kernel: 1}, weights: a}",
            ],
            [1024, 2048],
        ),
    ],
)
def test_backward_macs_by_hand(items: list[str], expected: list[int]) -> None:
    report = analyze(loads(_net(*items)))
    assert [layer.backward_macs for layer in report.layers] == expected


def test_what_a_layer_makes_by_its_own_weights_has_a_gradient() -> None:
    # L = 5 rows of 4 channels into 3: the first input has none, the state has one.
    report = analyze(loads(_net("lstm: 3", given="5x4")))
    read, held = 5 * 12 * 4, 5 * 12 * 3
    assert report.layers[0].backward_macs == read + 2 * held
    # Attention of 5 positions of 4 channels, first of all: rows have no gradient of the input.
    report = analyze(loads(_net("attention: 1", given="5x4")))
    projections, products, out = 3 * 5 * 16, 5 * 5 * 4, 5 * 16
    assert report.layers[0].backward_macs == projections + 2 * 2 * products + 2 * out
    frozen = analyze(loads(_net("{attention: 1, frozen: true}", given="5x4")))
    assert frozen.layers[0].backward_macs == 0


def test_a_run_is_an_example_as_often_as_it_is_seen() -> None:
    report = analyze("lenet5", batch=64)
    cost = training(report, dataset_size=60_000, epochs=10)
    assert cost is not None
    # 416,520 forward and 715,440 backward an example; ⌈60,000/64⌉ = 938 steps an epoch.
    assert cost.flops == 2 * 64 * (416_520 + 715_440)
    assert cost.steps == 9_380
    assert cost.run_flops == 2 * (416_520 + 715_440) * 60_000 * 10


def test_of_a_broken_network_the_backward_pass_is_a_lower_bound() -> None:
    text = _net("conv: {filters: 2, kernel: 1}", "conv: {filters: 2, kernel: 99}")
    report = analyze(loads_anyway(text), strict=False)
    assert [layer.backward_macs for layer in report.layers] == [512, None]
    cost = training(report)
    assert cost is not None
    assert not cost.complete
    assert training(analyze(loads_anyway("input: 8x8x4"), strict=False)) is None


def loads_anyway(text: str) -> Network:
    """A network with its errors."""
    return read_text(SourceText("x", text))
