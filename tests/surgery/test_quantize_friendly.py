"""What a runtime does not fuse becomes what it does, and the arena becomes smaller."""

import numpy as np
import pytest
from kinds import CASES
from tabled import tabled

import convcalc
from convcalc.analysis.memory import arena
from convcalc.forward import random_weights
from convcalc.graph.planned import planned
from convcalc.surgery import convert
from convcalc.surgery.edits import CannotConvertError
from convcalc.surgery.quantize_friendly import MULTIPLES, PASSING

MIXED = """
rounding: floor
input: 16x16x4
defaults: {depthwise_conv: {padding: 1, stride: 2}}
layers:
  - depthwise_conv: 3  # first
  - prelu: channels
  - {conv: {filters: 8, kernel: 3, stride: 2, padding: 1}, name: a}  # second
  - silu
  - multiply: [[], [global_avgpool, conv: {filters: 8, kernel: 1}, dropout, sigmoid, dropout]]
  - maxpool: {kernel: 3, stride: 2, padding: 1}
  - flatten
  - linear: 3
  - sigmoid
  - dropout
"""


def kinds_of(network: convcalc.Network) -> list[str]:
    return [node.kind for node in network.nodes]


# Both heads are those that TensorFlow Lite Micro was measured to take of the converted networks
# (tflite-micro 0.dev20261023182759, 26 November 2026).
@tabled(("network", "head"), [("lenet5", 5888), (MIXED, 1280)])
def test_the_arena_of_what_is_made_is_the_runtimes(network: str, head: int) -> None:
    spec = network if network == "lenet5" else convcalc.parse(network)
    made = convert(spec, "quantize-friendly").network
    assert (arena(made).size, arena(made).exact) == (head, True)


def test_activations_become_what_is_fused_but_for_gates_and_outputs() -> None:
    made = convert(convcalc.parse(MIXED), "quantize-friendly")
    kinds = kinds_of(made.network)
    assert [each for each in kinds if "relu" in each] == ["relu", "relu6"]
    assert kinds.count("sigmoid") == 2
    remarks = made.steps[0].result.remarks
    assert "1 prelu became relu; 1 silu became relu6" in remarks[0]
    assert "kept 1 sigmoid, whose values scale others" in remarks[0]
    assert "kept 1 sigmoid, whose values are an output" in remarks[0]
    assert remarks[1].startswith("3 layers pad as `same` does")
    assert "2,320 bytes → 1,280 bytes" in remarks[2]
    text = made.spec.to_yaml()
    assert "padding: same" in text
    assert "# first" in text
    assert "# second" in text


@tabled(
    "passing",
    [
        *("identity", "maxpool: 2", "avgpool: 2", "channel_shuffle: 2", "slice: {stop: 2}"),
        *("concat: [[], []]", "crop: 1", "pad: 1", "pixel_shuffle: 2", "space_to_depth: 2"),
        *("channel_avgpool", "global_avgpool", "permute: [2, 1, 3]", "affine: {times: 2}"),
    ],
)
def test_a_gate_stays_whose_values_are_passed_on_before_they_scale_others(passing: str) -> None:
    layers = f"relu, conv: {{filters: 4, kernel: 1}}, silu, sigmoid, {passing}"
    text = f"{{input: 4x4x4, layers: [{layers}, multiply: [[], [learned: 1x1x1]]]}}"
    made = kinds_of(convert(convcalc.parse(text), "quantize-friendly").network)

    assert ("silu" in made, "sigmoid" in made) == (False, True)


def test_what_passes_values_on_makes_none_beyond_them() -> None:
    """Of layers of each such kind, from values between 0 and 1; a cubic resizing overshoots."""
    seen = set()
    for case in CASES:
        usual = case.fields.get("mode") != "cubic" and "divisor" not in case.fields
        passes = case.kind in PASSING - {*MULTIPLES}
        if passes and case.small and len(case.shapes) == 1 and usual:
            x = np.random.default_rng(1).uniform(0, 1, (1, *case.shapes[0].axes))
            y = case.layer.forward(np, {}, [x])
            assert y.min() >= 0, case
            assert y.max() <= 1, case
            seen.add(case.kind)
    assert PASSING - seen == {"concat", "maxunpool", *MULTIPLES}  # two of which read several


@tabled("layer", ["conv: {filters: 4, kernel: 3, padding: 1, stride: 2}", "maxpool: 2"])
def test_padding_stays_where_it_is_no_copy(layer: str) -> None:
    # 15 positions, a stride of 2 and padding of 1 are what `same` pads: nothing is copied.
    spec = f"{{rounding: floor, input: 15x15x4, layers: [{layer}, relu]}}"
    with pytest.raises(CannotConvertError, match="no activation function"):
        convert(convcalc.parse(spec), "quantize-friendly")


def test_padding_stays_where_same_would_change_the_size() -> None:
    # ⌈16 / 2⌉ is 8, and with padding of 2 it makes ⌊(16 + 4 − 3) / 2⌋ + 1 = 9.
    spec = "{rounding: floor, input: 16x16x4, layers: [conv: {filters: 4, kernel: 3, padding: 2, stride: 2}, tanh, conv: {filters: 2, kernel: 1}]}"  # noqa: E501
    made = convert(convcalc.parse(spec), "quantize-friendly")
    assert kinds_of(made.network) == ["input", "conv", "relu6", "conv"]
    assert "padding: same" not in made.spec.to_yaml()
    assert not any("pad as" in each for each in made.steps[0].result.remarks)


def test_what_the_runtime_has_no_rule_for_is_said_instead_of_an_arena() -> None:
    spec = "{input: 8x8x4, layers: [conv: {filters: 4, kernel: 1}, gelu, conv: {filters: 4, kernel: 1}]}"  # noqa: E501
    remark = convert(convcalc.parse(spec), "quantize-friendly").steps[0].result.remarks[1]
    assert "not known (gelu: the runtime does not run it) → 512 bytes" in remark


def test_weights_of_what_stays_move_and_slopes_do_not() -> None:
    old = planned(convcalc.loads(MIXED))
    made = convert(convcalc.parse(MIXED), "quantize-friendly")
    weights = random_weights(old, 3)
    moved = made.weights(weights)
    expected = {name for name in weights if not name.startswith("prelu")}
    assert {*moved} == expected == {*random_weights(made.network, 0)}
    assert all(np.array_equal(moved[name], weights[name]) for name in expected)


def test_it_claims_no_equality_and_finds_nothing_twice() -> None:
    made = convert("lenet5", "quantize-friendly")
    assert not made.equal
    with pytest.raises(CannotConvertError):
        convert(made.spec, "quantize-friendly")


def test_what_has_no_weights_any_more_uses_and_freezes_none() -> None:
    made = convert(
        convcalc.parse(
            "input: 4x4x2\nlayers:\n"
            "  - {prelu: channels, name: one, frozen: true}\n"
            "  - conv: {filters: 2, kernel: 1}\n"
            "  - {prelu: channels, weights: one, frozen: true}\n"
            "  - {prelu: channels, repeat: 2, shared: true}\n"
            "  - conv: {filters: 2, kernel: 1}\n"
        ),
        "quantize-friendly",
    )

    assert kinds_of(made.network).count("relu") == 4
    assert not {"weights", "shared", "frozen"} & {*made.spec.to_yaml().replace(":", " ").split()}


def test_whose_weights_an_output_uses_stays_as_it_is() -> None:
    text = (
        "input: 4x4x2\nlayers:\n"
        "  - {prelu: channels, name: one}\n"
        "  - conv: {filters: 2, kernel: 1}\n"
        "  - silu\n"
        "  - {prelu: channels, weights: one}\n"
    )
    made = convert(convcalc.parse(text), "quantize-friendly")

    assert kinds_of(made.network) == ["input", "prelu", "conv", "relu6", "prelu"]
    assert "1 prelu, whose weights one that is kept uses" in made.steps[0].result.remarks[0]
