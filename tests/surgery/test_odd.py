"""Conversions that claim equality, on networks that are written oddly: equal, or refused."""

import re

import numpy as np
import pytest

import convcalc
from convcalc.forward import random_weights
from convcalc.graph.planned import planned
from convcalc.surgery import Converted, convert
from convcalc.surgery.edits import CannotConvertError
from convcalc.surgery.proof import _difference, proven

CONV = "{conv: {filters: 4, kernel: 3, padding: 1}}"
POINT = "{conv: {filters: 4, kernel: 1}}"
NORM = "batchnorm: {eps: 0.1}}"
HEAD = "flatten, {name: x, linear: 5}"
LAST = "linear: 5, add: [[], [from: x]]"
ONE = "{conv: {filters: 1, kernel: 1}}"
TALL = "{conv: {filters: 4, kernel: [3, 1], padding: [1, 0]}}"
WIDE = "{conv: {filters: 4, kernel: [1, 3], padding: [0, 1]}}"
WIDER = "{conv: {filters: 4, kernel: [1, 5], padding: [0, 2]}}"
HALF = "{conv: {filters: 4, kernel: 3, padding: 1, stride: 2}}"
EVEN = "{conv: {filters: 4, kernel: 2, padding: 1, stride: 2}}"


def _converted(text: str, conversion: str) -> tuple[convcalc.Network, Converted]:
    network = convcalc.loads(text)
    name, _, value = conversion.partition(" ")
    return network, convert(network, [(name, value) if value else name])


@pytest.mark.parametrize(
    ("layers", "conversion"),
    [
        ("[flatten, dropout, linear: 5, relu, linear: 3]", "linear-to-conv"),
        ("[flatten, leaky_relu, prelu: one, linear: 5]", "linear-to-conv"),
        (f"[concat: [[{CONV}, flatten], [flatten, tanh]], linear: 5]", "linear-to-conv"),
        (f"[add: [[{CONV}, flatten], [flatten]], linear: 5, batchnorm, softmax]", "linear-to-conv"),
        ("[linear: {features: 3, axis: channels}, relu, flatten, linear: 3]", "linear-to-conv"),
        ("[flatten, {linear: 64, name: x}, {linear: 64, from: x, repeat: 2}]", "linear-to-conv"),
        (f"[add: [[{CONV}, batchnorm], [batchnorm], []]]", "fold-batchnorm"),
        ("[{linear: {features: 3, axis: channels}}, {batchnorm: {eps: 0.5}}]", "fold-batchnorm"),
        ("[{depthwise_conv: {kernel: 3, multiplier: 2}}, batchnorm]", "fold-batchnorm"),
        (f"[{{layers: [{CONV}, {{batchnorm: {{affine: false}}}}], repeat: 3}}]", "fold-batchnorm"),
        (
            f"[{CONV}, batchnorm, {CONV}, batchnorm: {{track_running_stats: false}}]",
            "fold-batchnorm",
        ),
        # What goes is read by its name, or says what it reads.
        (f"[{CONV}, {{name: b, {NORM}, relu, {CONV}, add: [[], [from: b]]]", "fold-batchnorm"),
        (f"[{CONV}, {{name: b, {NORM}, add: [[from: b], [from: b]]]", "fold-batchnorm"),
        (f"[{{name: c, {CONV[1:]}, {HEAD}, {{flatten: , from: c}}, {LAST}]", "linear-to-conv"),
        (f"[add: [[{CONV}], [{POINT}], [], []]]", "reparameterize"),
        (f"[add: [[{CONV}], [{WIDE}], [{TALL}]]]", "reparameterize"),
        (f"[{{tanh: , name: t}}, {CONV}, {{add: [[], [from: t]]}}]", "conv-to-linear conv1"),
    ],
)
def test_odd_networks_stay_what_they_compute(layers: str, conversion: str) -> None:
    network, made = _converted(f"{{input: 4x4x4, layers: {layers}}}", conversion)
    assert all(proof.holds for proof in proven(planned(network), made))


@pytest.mark.parametrize(
    ("layers", "conversion", "said"),
    [
        ("[flatten, batchnorm, linear: 5]", "linear-to-conv", "does to a map of 4×4"),
        ("[flatten, softmax, linear: 5]", "linear-to-conv", "does to a map of 4×4"),
        ("[flatten, prelu: channels, linear: 5]", "linear-to-conv", "does to a map of 4×4"),
        (
            "[concat: [[maxpool: 2, flatten], [flatten]], linear: 5]",
            "linear-to-conv",
            "maps of 2×2×4 and 4×4×4",
        ),
        (  # 16 values each, which would spread to 4×4×16
            f"[multiply: [[{ONE}, flatten], [flatten, linear: 16]], linear: 5]",
            "linear-to-conv",
            "maps of 4×4×1 and 1×1×16",
        ),
        (
            f"[{CONV}, batchnorm: {{track_running_stats: false}}]",
            "fold-batchnorm",
            "no batch norm is",
        ),
        (
            f"[add: [[{CONV}, batchnorm: {{track_running_stats: false}}], [{POINT}]]]",
            "reparameterize",
            "no sum",
        ),
        # Neither covers the other.
        (f"[add: [[{WIDER}], [{TALL}]]]", "reparameterize", "no sum"),
        # They make as much with `rounding: floor`.
        (f"[{{pad: [[0, 1], [0, 1]]}}, add: [[{HALF}], [{EVEN}]]]", "reparameterize", "no sum"),
        # One channel is added to each of four.
        (f"[{ONE}, add: [[{CONV}], []]]", "reparameterize", "no sum"),
    ],
)
def test_what_would_not_be_equal_is_refused(layers: str, conversion: str, said: str) -> None:
    with pytest.raises(CannotConvertError, match=re.escape(said)):
        _converted(f"{{input: 4x4x4, rounding: floor, layers: {layers}}}", conversion)


def test_an_expression_that_means_something_else_outside_its_block_is_refused() -> None:
    text = """
input: 6x6x4
parameters: {filters: 7}
blocks: {b: {parameters: {filters: 4}, layers: [conv: {filters: filters, kernel: 3, padding: 1}]}}
layers: [add: [[b: {filters: 4}], [conv: {filters: 4, kernel: 1}]]]
"""
    with pytest.raises(CannotConvertError, match="6×6×7 where add1 makes 6×6×4"):
        _converted(text, "reparameterize")


def test_fields_may_be_said_by_defaults() -> None:
    network, made = _converted(
        "{input: 4x4x2, defaults: {linear: {features: 5, bias: false}, conv: {kernel: 3}}, "
        "layers: [flatten, linear, relu, linear]}",
        "linear-to-conv",
    )
    assert all(proof.holds for proof in proven(planned(network), made))


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        ([[1.0, 2.0]], [[1.0, 2.5]], 0.25),
        ([[1e6], [1.0]], [[1e6], [1.5]], 0.5),  # each output by its own largest
        ([[1.0, 2.0]], [[1.0, np.nan]], np.inf),
        ([[1.0, np.nan]], [[1.0, 2.0]], np.inf),
        ([[1.0, np.inf]], [[1.0, -np.inf]], np.inf),
        ([[2.0, np.nan]], [[1.0, np.nan]], 0.5),
        ([[0.0, 0.0]], [[0.0, 0.25]], 0.25),
        ([[1.0, 2.0]], [[1.0]], np.inf),
    ],
)
def test_a_difference_is_seen(
    before: list[list[float]], after: list[list[float]], difference: float
) -> None:
    arrays = [[np.asarray(each) for each in outputs] for outputs in (before, after)]
    assert _difference(*arrays) == difference


def test_layers_with_a_weight_for_all_channels_follow_what_is_pruned() -> None:
    layers = "[{conv: {filters: 4, kernel: 3}, name: c}, prelu: one, flatten, linear: 3]"
    network, made = _converted(f"{{input: 4x4x4, layers: {layers}}}", "prune c=2")
    weights = random_weights(planned(network), 3)
    new = made.weights(weights)
    np.testing.assert_array_equal(new["prelu1.weight"], weights["prelu1.weight"])
    assert new["linear1.weight"].shape == (3, 2 * 2 * 2)


def test_weights_that_two_read_of_different_channels_are_not_pruned() -> None:
    layers = (
        f"[{{name: c, {POINT[1:]}, {{name: d, from: input, {POINT[1:]}, "
        f"{{name: e, from: c, {ONE[1:]}, {{weights: e, from: d, {ONE[1:]}]"
    )
    with pytest.raises(CannotConvertError, match="has the weights of e, and reads other channels"):
        _converted(f"{{input: 4x4x4, layers: {layers}}}", "prune [cd]=2")


def test_what_is_an_output_by_its_name_stays_one() -> None:
    layers = f"[{CONV}, {{batchnorm: , name: b}}, {CONV}, {{batchnorm: , name: c}}]"
    network, made = _converted(
        f"{{input: 4x4x4, outputs: [b, c], layers: {layers}}}", "fold-batchnorm"
    )
    assert [*made.network.named_outputs] == ["b", "c"]
    assert [node.kind for node in made.network.layers] == ["conv", "identity"] * 2
    assert all(proof.holds for proof in proven(planned(network), made))
