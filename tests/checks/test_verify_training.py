"""`verify --training`: what a step does is what is predicted of it, and what is not is told."""

from collections.abc import Callable
from typing import Any

import adjoints
import numpy as np
import pytest
from tabled import tabled

import convcalc
from convcalc.checks.trained import TrainedLayer, TrainingRun, TrainingVerdict
from convcalc.checks.training import verify_training
from convcalc.formats.training import row
from convcalc.forward import random_weights
from convcalc.graph.planned import planned
from convcalc.layers.activation import Relu
from convcalc.layers.linear import Linear
from convcalc.layers.operations import Array
from convcalc.layers.pooling import MaxPool

SMALL = """
input: 12x12x1
layers:
  - conv: {filters: 6, kernel: 5, padding: 2}
  - batchnorm
  - relu
  - maxpool: 2
  - {add: [[], [conv: {filters: 6, kernel: 3, padding: 1}, relu]]}
  - flatten
  - dropout: 0.5
  - linear: 10
"""
PAIR = """
input: {left: 8x8x2, right: 8x8x2}
blocks: {tower: {layers: [conv: {filters: 4, kernel: 3}, relu, flatten]}}
layers:
  - {tower: {}, name: one}
  - {from: right, tower: {}, name: two, weights: one}
  - {name: joined, add: [[from: one], [from: two]]}
  - {name: head, linear: 3}
  - {from: one, name: side, linear: 2}
outputs: [head, side]
"""


CURVED = """
input: 4x6x3
layers:
  - conv: {filters: 8, kernel: 1}
  - attention: {heads: 2}
  - attention: {heads: 2, window: 2, shift: 1, relative_bias: true}
  - attention: {heads: 2, window: 2, bias: false}
  - attention: {heads: 4, branches: [[], [conv: {filters: 4, kernel: 2, stride: 2}]]}
  - attention: {heads: 2, branches: [[], [groupnorm: 2]]}
  - attention: {heads: 2, branches: [[], [conv: {filters: 8, kernel: 2, stride: 2}], [conv: {filters: 8, kernel: 2, stride: 2}, instancenorm]]}
  - {attention: {heads: 2, grid: 2}}
  - l2norm
  - prelu
  - layernorm
  - {maximum: [[], [gelu], [global_maxpool]]}
  - {divide: [[], [channel_maxpool, softplus]]}
  - lrn: 3
  - lppool: {kernel: 2, padding: 1, rounding: floor}
  - adaptive_maxpool: 2
  - flatten
  - softmax
  - linear: 3
"""  # noqa: E501 (one item a line)
LINEAR = """
input: 16x16x4
rounding: floor
layers:
  - conv: {filters: 6, kernel: 3, stride: 1, padding: same, padding_mode: reflect, groups: 2}
  - depthwise_conv: {kernel: 3, padding: 1, multiplier: 2}
  - separable_conv: {filters: 8, kernel: 3, padding: same}
  - {name: pool, maxpool: 2}
  - {conv_transpose: {filters: 8, kernel: 3, padding: 1, groups: 2}}
  - maxunpool: pool
  - avgpool: {kernel: 3, stride: 2, padding: 1}
  - locally_connected: {filters: 4, kernel: 3}
  - adaptive_avgpool: 5
  - upsample: {scale: 2, mode: linear}
  - upsample: {size: 7x7, mode: cubic, antialias: true}
  - pad: {padding: 1, mode: circular}
  - crop: 1
  - concat: [[], [{slice: {start: 0, stop: 2}}], [channel_avgpool]]
  - scale: {bias: true}
  - affine: {times: 0.5, plus: 1.0}
  - multiply: [[], [global_avgpool]]
  - subtract: [[], [{learned: 1x1x7}]]
  - permute: [1, 3, 2]
  - crop: {size: 6}
  - space_to_depth: 2
  - channel_shuffle: 4
  - pixel_shuffle: 2
  - reshape: [-1, 7]
  - matmul: [[], [conv: {filters: 36, kernel: 3, padding: 1}, {slice: {axis: length, stop: 7}}]]
  - dropout
  - add: [[], [identity]]
  - linear: {features: 3, axis: channels}
  - flatten
  - linear: 5
"""
TABLE = """
input: 12x1
layers: [embedding: {entries: 9, features: 5}, conv: {filters: 4, kernel: 3}, flatten, linear: 3]
"""
ALONG = """
input: 5x3
layers:
  - lstm: {features: 4, layers: 2, bidirectional: true}
  - gru: {features: 3, layers: 2}
  - kmaxpool: 2
  - flatten
  - linear: 3
"""


def verdict(text: str, **terms: Any) -> TrainingVerdict:
    return verify_training(planned(convcalc.loads(text)), TrainingRun(**{"batch": 2, **terms}))


def layer(of: TrainingVerdict, name: str) -> TrainedLayer:
    return next(each for each in of.layers if each.name == name)


def test_a_step_is_as_predicted_and_figures_are_those_of_hand() -> None:
    made = verdict(SMALL)
    assert made.differences == ()
    assert made.finite
    assert made.kept_bytes is not None
    assert made.peak is not None
    # Its input is the network's own, and so is kept by nobody; there is no gradient of it.
    conv = layer(made, "conv1")
    assert (conv.kept, conv.kept_bytes.observed) == (("input",), 0)
    assert conv.gradients.observed == 6 * 25 + 6
    assert conv.macs.observed == 2 * 12 * 12 * 6 * 25
    # Of the second both: its input's 6·6·6 values, and 36 places of 6·6·9 products for each.
    conv = layer(made, "conv2")
    assert conv.kept_bytes.observed == 2 * 4 * 216
    assert conv.macs.observed == 2 * 2 * 36 * 6 * 54
    # A batch norm keeps its input, and 6 means and variances; a pool indices of 8 bytes, and its
    # input, which is the output that relu keeps.
    assert layer(made, "batchnorm1").kept_bytes.observed == 2 * 4 * 864 + 2 * 6 * 4
    assert layer(made, "maxpool1").kept_bytes.observed == 2 * 8 * 216
    assert layer(made, "flatten1").kept == ()
    assert layer(made, "dropout1").kept_bytes.observed == 2 * 4 * 216
    assert made.loss_bytes.observed == 2 * 4 * 10
    parameters = 156 + 12 + 330 + 2170
    assert (made.gradient_bytes.observed, made.state_bytes.observed) == (4 * parameters, 0)
    assert made.macs.observed == 2 * (12 * 12 * 150 + 2 * 36 * 324 + 2 * 2160)
    assert made.peak.predicted_at == made.peak.observed_at == "backward, relu1"


@tabled("batch", [1, 2])
def test_what_is_not_linear_keeps_and_multiplies_as_predicted(batch: int) -> None:
    made = verdict(CURVED, batch=batch)
    assert made.differences == ()
    assert made.finite
    assert {layer.kind for layer in made.layers if layer.macs.observed} == {
        *("conv", "attention", "linear"),
    }


@tabled("batch", [1, 2])
def test_what_is_linear_keeps_and_multiplies_as_predicted(batch: int) -> None:
    verdicts = [verdict(text, batch=batch) for text in (LINEAR, TABLE)]
    for made in verdicts:
        assert made.differences == ()
        assert made.finite
    there = {each.kind for made in verdicts for each in made.layers}
    assert there == adjoints.DRAWS.keys() | {"maxpool"}


def test_what_goes_along_a_sequence_has_gradients_and_no_peak() -> None:
    made = verdict(ALONG)
    assert made.peak is None
    assert any("there is no peak to compare" in note for note in made.notes)
    assert made.finite
    names = layer(made, "lstm1").kept
    assert {"gates of l0", "states of l1_reverse", "cells of l1", "input"} <= {*names}
    assert made.differences == ()
    lstm, gru = layer(made, "lstm1"), layer(made, "gru1")
    assert lstm.gradients.fine
    assert gru.gradients.fine
    assert gru.macs.observed == 2 * 2 * 5 * 9 * (8 + 3 + 3 + 3)


@tabled("loss", ["cross-entropy", "binary-cross-entropy", "mean-squared-error", "squares"])
@tabled("optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_every_loss_and_optimizer_is_as_predicted(loss: str, optimizer: str) -> None:
    made = verdict(SMALL, loss=loss, optimizer=optimizer, steps=3)
    assert made.differences == ()
    assert len(made.losses) == 3
    assert not made.interrupted
    assert any("scores" in note for note in made.notes) == (loss == "binary-cross-entropy")


@tabled("dtype", ["float16", "float32", "float64"])
def test_every_type_is_as_predicted(dtype: str) -> None:
    made = verdict(SMALL, dtype=dtype, optimizer="adam")
    assert made.differences == ()
    assert made.gradient_bytes.observed == {"float16": 2, "float32": 4, "float64": 8}[dtype] * 2668


def test_shared_weights_have_one_gradient_and_outputs_a_loss_each() -> None:
    made = verdict(PAIR)
    assert made.differences == ()
    one, two = layer(made, "one.conv1"), layer(made, "two.conv1")
    assert (one.gradients.observed, two.gradients.observed) == (76, 0)
    assert (one.gradient_norm is None, two.gradient_norm is None) == (False, True)
    assert made.loss_bytes.observed == 2 * 4 * (3 + 2)
    assert len(made.outputs) == 2


def test_a_layer_that_leads_nowhere_has_no_gradient_and_a_note_says_so() -> None:
    made = verdict(PAIR.replace("outputs: [head, side]", "outputs: [head]"))
    assert made.differences == ()
    assert layer(made, "side").gradients.observed == 0
    assert "no output is made of side, so nothing flows back to it" in made.notes


def wrong_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relu, "keeps", "input")


def wrong_width(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda array: array._replace(width=4))


def wrong_name_of_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda array: array._replace(name="places"))


def wrong_count(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda array: array._replace(values=array.values + 1))


def changed(monkeypatch: pytest.MonkeyPatch, change: Callable[[Array], Array]) -> None:
    """What a pool declares that it keeps beside its input, changed."""
    declared = MaxPool.operations

    def operations(self: MaxPool, *given: Any) -> Any:
        steps = declared(self, *given)
        return tuple(step._replace(extra=tuple(map(change, step.extra))) for step in steps)

    monkeypatch.setattr(MaxPool, "operations", operations)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (wrong_names, "its backward pass raised LookupError: 'output' was not kept"),
        (wrong_width, "maxpool1: keeps 1,728 bytes as predicted, and 3,456 as observed"),
        (wrong_name_of_an_array, "maxpool1: places is declared to be kept, and was not"),
        (wrong_count, "maxpool1: keeps 3,472 bytes as predicted, and 3,456 as observed"),
    ],
)
def test_a_wrong_declaration_of_what_is_kept_fails(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[[pytest.MonkeyPatch], None], said: str
) -> None:
    wrong(monkeypatch)
    made = verdict(SMALL)
    assert not made.good
    assert any(said in each for each in made.differences), made.differences


def test_a_backward_pass_that_multiplies_too_much_or_errs_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = Linear.backward

    def twice(self: Linear, xp: Any, weights: Any, kept: Any, dy: Any) -> Any:
        right(self, xp, weights, kept, dy)
        return right(self, xp, weights, kept, dy)

    def turned(self: Linear, *given: Any) -> Any:
        return {key: each.T for key, each in right(self, *given).items()}

    def none(self: Linear, *given: Any) -> Any:
        return {key: each for key, each in right(self, *given).items() if key != "bias"}

    def not_finite(self: Linear, *given: Any) -> Any:
        return {key: each * np.inf for key, each in right(self, *given).items()}

    for backward, said in (
        (twice, "linear1: 8,640 MACs back predicted, 17,280 observed"),
        (turned, "linear1: the gradient of input 1 is 216×2, and it is 2×216"),
        (none, "linear1: there is no gradient of weight 'bias'"),
        (not_finite, "linear1: some of its gradients are not finite"),
    ):
        monkeypatch.setattr(Linear, "backward", backward)
        made = verdict(SMALL.replace("  - dropout: 0.5\n", ""), steps=1)
        assert said in made.differences, made.differences


def test_vanishing_and_exploding_gradients_are_flagged_and_are_no_difference() -> None:
    net = convcalc.loads("{input: 4, layers: [linear: 4, linear: 3]}")
    weights = {name: each.astype(np.float64) for name, each in random_weights(net).items()}
    for factor, flag in ((1e-12, "vanishing"), (1e9, "exploding")):
        given = {**weights, "linear2.weight": weights["linear2.weight"] * factor}
        run = TrainingRun(batch=2, dtype="float64", weights=given, loss="squares")
        made = verify_training(planned(net), run)
        assert made.good
        assert layer(made, "linear1").flag == flag
        assert any(note.startswith(f"{flag} gradient: that of linear1") for note in made.notes)
    assert layer(verdict(SMALL), "linear1").flag == ""


def test_weights_that_are_given_stay_as_they_are() -> None:
    net = convcalc.loads(SMALL)
    weights = random_weights(net)
    before = {name: each.copy() for name, each in weights.items()}
    made = verify_training(planned(net), TrainingRun(batch=2, weights=weights, steps=2))
    assert made.seed is None
    assert all(np.array_equal(each, before[name]) for name, each in weights.items())


def test_steps_that_are_interrupted_show_what_was_done() -> None:
    def stop(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    made = verdict(SMALL, steps=10, progress=stop)
    assert (len(made.losses), made.steps, made.interrupted) == (3, 10, True)
    assert made.good
    assert made.losses == verdict(SMALL, steps=3).losses


def test_without_weights_that_learn_there_is_nothing_to_train() -> None:
    with pytest.raises(ValueError, match="has no weights that learn"):
        verdict("{name: plain, input: 4x4x1, layers: [relu, flatten]}")


def test_attention_is_as_predicted_between_its_start_and_its_end() -> None:
    """Within, its kernels take arrays of their own, which no run of definitions sees."""
    for fields in ("{heads: 2, window: 4, relative_bias: true}", "2"):
        made = verdict(
            "{input: 8x8x8, layers: [conv: {filters: 8, kernel: 1}, "
            f"add: [[], [layernorm, attention: {fields}]], global_avgpool, flatten, linear: 3]}}"
        )
        assert made.differences == ()
        assert made.peak is not None
        assert made.peak.predicted_at == made.peak.observed_at == "forward, attention1"
        assert any("peak of" in note and "within attention1" in note for note in made.notes)


def test_of_a_recurrent_layer_there_is_no_peak_to_compare() -> None:
    made = verdict("{input: 5x3, layers: [lstm: 4, flatten, linear: 2]}")
    assert made.differences == ()
    assert (made.peak, made.kept_bytes) == (None, None)
    assert layer(made, "lstm1").macs.observed == 2 * 5 * 16 * (3 + 2 * 4)
    assert any(note.startswith("there is no peak to compare: ") for note in made.notes)


def test_frozen_layers_have_no_gradient_and_no_state() -> None:
    text = SMALL.replace(
        "- conv: {filters: 6, kernel: 5", "- frozen: true\n    conv: {filters: 6, kernel: 5"
    )
    made = verdict(text, optimizer="adam")
    assert made.differences == ()
    assert (layer(made, "conv1").gradients.observed, layer(made, "conv1").macs.observed) == (0, 0)
    assert layer(made, "conv1").gradient_norm is None
    assert made.gradient_bytes.observed == 4 * (2668 - 156)
    assert made.state_bytes.observed == 2 * 4 * (2668 - 156) + 4 * 6


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("lenet5", None),
        *(
            pytest.param(*each, marks=pytest.mark.thorough)
            for each in (
                ("siamese", None),
                ("resnet18", "32x32x3"),
                ("mobilenet_v2", "64x64x3"),
                ("vit_b_32", "64x64x3"),
                ("fpn", "64x64x3"),
                ("crnn", None),
                ("dcgan_generator", None),
                ("wavenet", None),
            )
        ),
    ],
)
def test_bundled_networks_are_as_predicted(name: str, size: str | None) -> None:
    network = planned(convcalc.load(name, input=size))
    made = verify_training(network, TrainingRun(batch=2, optimizer="momentum"))
    assert made.differences == ()
    assert made.peak is None or made.peak.fine


def test_notes_say_what_a_loss_is_of_and_where_it_stops_being_finite() -> None:
    text = "{name: one, input: 4, layers: [linear: KEPT]}"
    for end, loss, said in (
        ("3, softmax", "cross-entropy", "takes what the softmax gives as scores"),
        ("3, log_softmax", "cross-entropy", ""),
        ("1", "cross-entropy", "over one channel is always 0"),
        ("1, sigmoid", "binary-cross-entropy", "is of the shares that the sigmoid gives"),
        ("1", "binary-cross-entropy", "takes the output as scores, and a sigmoid of them"),
        ("1, sigmoid", "mean-squared-error", ""),
    ):
        notes = verdict(text.replace("KEPT", end), loss=loss).notes
        assert any(said in note for note in notes) if said else not notes, (end, loss, notes)
    made = verdict(text.replace("KEPT", "3"), loss="squares", learning_rate=1e30, steps=5)
    assert made.good
    assert "the loss is not finite from step 2 on: steps are too large" in made.notes


def test_sums_of_gradients_take_no_more_than_pytorchs() -> None:
    """Of views of one tensor, each an output of its own, the gradients are added in place."""
    text = """
    input: 8x8x3
    layers: [conv: {filters: 4, kernel: 3}, sigmoid, flatten, {name: map, reshape: [12, 12]}]
    outputs: [conv1, sigmoid1, flatten1, map]
    """
    for loss in ("squares", "mean-squared-error", "binary-cross-entropy"):
        assert verdict(text, loss=loss).differences == ()


def test_a_row_names_few_of_the_many_arrays_that_a_layer_along_a_sequence_keeps() -> None:
    made = verdict(ALONG)
    shown = row(layer(made, "lstm1"))[2]
    assert len(layer(made, "lstm1").kept) == 13
    assert shown.count(",") == 4
    assert shown.endswith(" and 8 more")


def test_what_float16_does_not_hold_is_no_fault_of_the_steps() -> None:
    # A channel without a gradient: 10⁻⁸, which keeps Adam from dividing 0 by 0, is 0 in float16.
    made = verdict(ALONG, dtype="float16", optimizer="adam", steps=3, loss="squares")
    (note,) = [each for each in made.notes if "not finite" in each]
    assert "float16 has no such small" in note
