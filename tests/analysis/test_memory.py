"""Memory against golden numbers, the published largest batches, and what must hold of any network.

`data/memory.json` was measured on PyTorch 2.13: six networks, batches 1, 8 and 32, activation
functions in place and not. docs/memory.md says what each figure is.
"""

import json
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import recorded
from draws import Draw, examples
from paths import DATA
from tabled import tabled

from convcalc.analysis.memory import (
    MemoryReport,
    Questions,
    RunTerms,
    answer,
    arena,
    deploy,
    differences,
    largest_batch,
    memory,
    model,
    sharded,
    suggestions,
    untrained,
)
from convcalc.analysis.memory.alive import alive
from convcalc.analysis.memory.changes import changes
from convcalc.analysis.memory.checkpoint import segments, unpaid
from convcalc.analysis.memory.optimizer import RULES
from convcalc.analysis.memory.program import program
from convcalc.analysis.memory.sharding import largest_sharded_batch
from convcalc.analysis.memory.walk import BATCH, at
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.explanation.peak import explain_memory
from convcalc.graph import Network, SpecError, load, loads, read
from convcalc.spec import swept
from convcalc.spec.bundled import bundled_folder
from convcalc.spec.promises import OPTIMIZERS
from convcalc.sweeps import space

GIB = 2**30
GOLDEN: dict[str, dict[str, int]] = json.loads((DATA / "memory.json").read_text(encoding="utf-8"))


@cache
def network(name: str) -> Network:
    """The golden networks as torchvision has them."""
    if name == "vgg16":
        # torchvision's pools adaptively to the 7×7 that it has anyway, and keeps the copy.
        text = (Path(bundled_folder()) / "vgg16.yaml").read_text(encoding="utf-8")
        return loads(text.replace("  - flatten\n", "  - adaptive_avgpool: 7\n  - flatten\n"))
    return load("alexnet_torchvision" if name == "alexnet" else name)


def train(net: Network, **terms: Any) -> MemoryReport:
    return memory(net, training=True, **terms)


# -- golden numbers ----------------------------------------------------------------------------


@tabled("kind", recorded.networks())
def test_small_networks_take_what_torch_took(kind: str) -> None:
    """To the byte; `data/torch_memory.json` was measured on PyTorch 2.13."""
    for row in recorded.networks()[kind]:
        net = loads(row["spec"])
        terms: dict[str, Any] = {"batch": row["batch"], "inplace": row["inplace"]}
        inference = memory(net, **terms)
        overwritten = [layer.name for layer in inference.layers if layer.in_place]
        assert overwritten == row["overwritten"]["False"], row["spec"]
        found = {"inference": inference.activation_peak}
        if untrained(net):  # what it keeps is not modelled, and so not recorded
            assert found == row["bytes"], row["spec"]
            continue
        training = train(net, **terms)
        overwritten = [layer.name for layer in training.layers if layer.in_place]
        assert overwritten == row["overwritten"]["True"], row["spec"]
        found |= {
            "static": training.parameters + training.buffers + training.input + training.targets,
            "kept": training.kept,
            "after forward": training.after_forward,
            "forward": training.forward_peak,
            "backward": training.backward_peak,
        }
        assert found == row["bytes"], row["spec"]


def test_optimizers_take_what_they_took() -> None:
    for row in recorded.memory("optimizers"):
        terms: dict[str, Any] = {"optimizer": row["optimizer"], "fused": row["fused"]}
        report = train(loads(row["spec"]), batch=2, inplace=False, **terms)
        standing = report.parameters + report.buffers + report.input + report.targets
        assert standing + report.optimizer_state == row["static"], row
        assert report.step_peak == row["step"], row


@tabled("key", GOLDEN)
def test_every_golden_field_to_the_byte(key: str) -> None:
    name, batch_text, manner = key.split("/")
    terms: dict[str, Any] = {
        "batch": int(batch_text.removeprefix("batch=")),
        "inplace": manner == "inplace",
    }
    net = network(name)
    found = {
        "sgd": train(net, **terms),
        "momentum": train(net, optimizer="momentum", **terms),
        "adam": train(net, optimizer="adam", fused=False, **terms),
        "adam_foreach": train(net, optimizer="adam", **terms),
    }
    sgd = found["sgd"]
    ours = {
        "param_bytes": sgd.parameters,
        "buffer_bytes": sgd.buffers,
        "input_bytes": sgd.input,
        "target_bytes": sgd.targets,
        "saved_for_backward": sgd.kept,
        "infer_peak_liveness": memory(net, **terms).activation_peak,
        "live_after_forward_sgd": sgd.after_forward,
        "bwd_peak_sgd": sgd.backward_peak,
        **{f"step_peak_{name}": report.step_peak for name, report in found.items()},
        **{f"train_peak_{name}": report.peak for name, report in found.items()},
    }
    expected = dict(GOLDEN[key])
    del expected["infer_peak_eager"]  # what frames of modules hold on to is not modelled
    assert ours == expected


@pytest.mark.parametrize(
    ("name", "gibibytes", "optimizer", "batch"),
    [
        ("alexnet", 4, "momentum", 930),
        ("vgg16", 8, "momentum", 94),
        ("googlenet", 4, "adam", 86),
        ("resnet18", 4, "adam", 185),
        ("mobilenet_v2", 8, "adam", 108),
    ],
)
def test_largest_batches(name: str, gibibytes: int, optimizer: str, batch: int) -> None:
    terms: dict[str, Any] = {"optimizer": optimizer, "fused": False}
    net, limit = network(name), gibibytes * GIB
    assert largest_batch(net, limit, training=True, **terms) == batch
    assert train(net, batch=batch, **terms).peak <= limit
    assert train(net, batch=batch + 1, **terms).peak > limit


def test_mixed_precision_raises_the_peak_of_a_network_of_parameters() -> None:
    alexnet = network("alexnet")
    assert train(alexnet, batch=8).peak == 516412040
    mixed = train(alexnet, batch=8, mixed_precision=True)
    assert round(mixed.peak / 1e6, 1) == 581.7
    # 2-byte activations, input and weights: everything kept is in half precision but the loss.
    assert mixed.optimizer_state == 0
    assert train(alexnet, batch=8, mixed_precision=True, optimizer="adam").optimizer_state == (
        2 * alexnet_bytes() + 4 * 16
    )


def alexnet_bytes() -> int:
    return GOLDEN["alexnet/batch=1/inplace"]["param_bytes"]


# -- what must hold of any network -------------------------------------------------------------

ITEMS = [
    "{conv: {filters: 4, kernel: 3, padding: 1}}",
    "{conv: {filters: 4, kernel: 1, bias: false}}",
    "{depthwise_conv: {kernel: 3, padding: same}}",
    "batchnorm",
    "{groupnorm: 2}",
    "layernorm",
    "{lrn: 3}",
    "relu",
    "relu6",
    "silu",
    "{leaky_relu: 0.1}",
    "sigmoid",
    "gelu",
    "{dropout: 0.3}",
    "{maxpool: {kernel: 3, stride: 1, padding: 1}}",
    "{avgpool: {kernel: 3, stride: 1, padding: 1}}",
    "{upsample: 1}",
    "scale",
    "{add: [[], [relu]]}",
    "{add: [[{conv: {filters: 4, kernel: 1}}, relu], []]}",
    "{multiply: [[], [global_avgpool, {conv: {filters: 4, kernel: 1}}, sigmoid]]}",
    "{concat: [[{slice: {stop: 2}}], [{slice: {start: 2}}, relu]]}",
    "{channel_shuffle: 2}",
]


def networks(draw: Draw) -> Network:
    """Chains and branches of small layers on 6×5×4 maps."""
    body = "".join(f"  - {item}\n" for item in draw.some(lambda: draw.choice(ITEMS), 1, 8))
    end = draw.choice(["", "  - flatten\n  - linear: 3\n", "  - global_avgpool\n"])
    return loads(f"input: 6x5x4\nlayers:\n{body}{end}")


def optimizers(draw: Draw) -> str:
    return draw.choice(list(RULES))


FEW = 60


@examples(
    FEW,
    net=networks,
    optimizer=optimizers,
    manner=lambda draw: (draw.flag(), draw.flag()),
    batch=lambda draw: draw.whole(1, 20),
)
def test_what_holds_of_every_report(
    net: Network, optimizer: str, manner: tuple[bool, bool], batch: int
) -> None:
    fused, mixed = manner
    terms: dict[str, Any] = {"optimizer": optimizer, "fused": fused, "mixed_precision": mixed}
    report = train(net, batch=batch, **terms)
    assert report.peak == max(report.forward_peak, report.backward_peak, report.step_peak)
    assert report.peak == sum(line.bytes for line in report.at_peak)
    assert all(line.bytes > 0 for line in report.at_peak)
    assert all(line.bytes <= report.peak for line in report.lines)
    assert report.peak == max(moment.bytes for moment in report.timeline)
    assert report.kept <= report.after_forward <= report.forward_peak
    assert sum(layer.kept for layer in report.layers) <= report.kept  # the loss keeps the rest
    inference = memory(net, batch=batch, mixed_precision=mixed)
    assert inference.peak <= report.peak
    assert inference.activation_peak <= inference.peak
    # More of a batch never takes less.
    assert train(net, batch=batch + 1, **terms).peak >= report.peak
    assert memory(net, batch=batch + 1).peak >= memory(net, batch=batch).peak
    # In place never keeps more.
    assert train(net, batch=batch).kept <= train(net, batch=batch, inplace=False).kept


@examples(
    FEW,
    net=networks,
    optimizer=lambda draw: draw.choice([None, *RULES]),
    kilobytes=lambda draw: draw.whole(1, 400),
)
def test_the_largest_batch_fits_and_the_next_does_not(
    net: Network, optimizer: str | None, kilobytes: int
) -> None:
    terms: dict[str, Any] = {"optimizer": optimizer or "sgd", "training": optimizer is not None}
    limit = kilobytes * 1024
    batch = largest_batch(net, limit, **terms)
    if batch:
        assert memory(net, batch=batch, **terms).peak <= limit
    assert memory(net, batch=batch + 1, **terms).peak > limit


@examples(
    FEW,
    net=networks,
    every=lambda draw: draw.whole(1, 5),
    batch=lambda draw: draw.whole(1, 9),
)
def test_checkpointing_says_which_segments_do_not_pay(net: Network, every: int, batch: int) -> None:
    plain = train(net, batch=batch)
    found = train(net, batch=batch, checkpoint=every)
    answered = answer(net, RunTerms(training=True, checkpoint=every), batch, Questions())
    assert answered.checkpointed is not None
    if not answered.checkpointed.unpaid:
        assert found.kept <= plain.kept
        assert found.after_forward <= plain.after_forward
    again = sum(
        plan.macs
        for layer, plan in zip(found.layers, net.plans[1:], strict=True)
        if layer.recomputed and plan
    )
    assert found.recomputed_macs == again * batch
    assert plain.recomputed_macs == 0


@examples(FEW, net=networks, dtype=lambda draw: draw.choice(["int8", "float32"]))
def test_the_arena_holds_no_two_live_tensors_in_one_place(net: Network, dtype: str) -> None:
    plan = arena(net, dtype=dtype)
    assert plan.size >= plan.lower_bound > 0
    assert plan.size == max(buffer.offset + buffer.bytes for buffer in plan.buffers)
    assert all(buffer.offset % 16 == buffer.bytes % 16 == 0 for buffer in plan.buffers)
    for one, other in combinations(plan.buffers, 2):
        together = one.first <= other.last and other.first <= one.last
        apart = one.offset + one.bytes <= other.offset or other.offset + other.bytes <= one.offset
        assert apart or not together, (one, other)


@examples(FEW, net=networks)
def test_the_lower_line_is_lower(net: Network) -> None:
    assert deploy(net).activation_peak <= memory(net, inplace=False).activation_peak


@examples(FEW, net=networks, optimizer=optimizers)
def test_a_walk_serves_every_batch(net: Network, optimizer: str) -> None:
    found = model(net, RunTerms(training=True, optimizer=optimizer))
    batches = (1, 2, 3, 4, 5, 7, 8, 11, 16, 29)
    peaks = [found.peak(batch) for batch in batches]
    assert peaks == [train(net, batch=batch, optimizer=optimizer).peak for batch in batches]


# -- the rules one by one ----------------------------------------------------------------------


def chain(*items: str, shape: str = "4x4x2") -> Network:
    return loads(f"input: {shape}\nlayers:\n" + "".join(f"  - {item}\n" for item in items))


def kept(net: Network, **terms: Any) -> dict[str, int]:
    """By kind, what each layer keeps of a batch of 2."""
    report = train(net, batch=2, **terms)
    return {layer.name: layer.kept for layer in report.layers if layer.kept}


CONV = "conv: {filters: 2, kernel: 1}"
N = 2 * 4 * 4 * 2 * 4
"""Bytes of a 4×4×2 map of a batch of 2."""


@pytest.mark.parametrize(
    ("activation", "out", "overwriting"),
    [
        ("relu", N, N),  # its output
        ("tanh", N, N),
        ("relu6", N, N),  # its input, or a copy of it
        ("silu", N, N),
        ("elu", N, N),
        ("gelu", N, N),
    ],
)
def test_what_an_activation_keeps(activation: str, out: int, overwriting: int) -> None:
    net = chain(CONV, activation, CONV)
    name = net.layers[1].name
    assert kept(net, inplace=False).get(name, 0) == out
    assert kept(net, inplace=True).get(name, 0) == overwriting


def test_a_storage_counts_once_whoever_keeps_it() -> None:
    """conv-bn-relu keeps two activations, conv-bn-relu6 three."""
    relu = train(chain(CONV, "batchnorm", "relu", CONV), batch=2)
    relu6 = train(chain(CONV, "batchnorm", "relu6", CONV), batch=2)
    head = relu.kept - sum(layer.kept for layer in relu.layers)
    statistics = 2 * 2 * 4
    assert relu.kept == 2 * N + statistics + head
    assert relu6.kept == 3 * N + statistics + head


def test_in_place_is_left_alone_where_it_would_be_wrong() -> None:
    def overwritten(net: Network, *, training: bool) -> list[str]:
        report = memory(net, training=training)
        return [layer.name for layer in report.layers if layer.in_place]

    # The network's input, a value that another layer reads, one that a backward pass needs.
    assert overwritten(chain("relu"), training=False) == []
    branch = chain(CONV, "add: [[relu], []]")
    assert overwritten(branch, training=False) == []
    twice = chain(CONV, "relu", "silu")
    assert overwritten(twice, training=False) == ["relu1", "silu1"]
    assert overwritten(twice, training=True) == ["relu1"]


def test_dropouts_mask_is_of_bytes_on_cuda() -> None:
    net = chain(CONV, "dropout: 0.5", CONV)
    on_cpu, on_cuda = train(net, batch=2), train(net, batch=2, device="cuda")
    assert on_cpu.layer("dropout1").kept == N
    assert on_cuda.layer("dropout1").kept == N // 4
    assert memory(net).peak == memory(net, device="cuda").peak
    assert train(chain(CONV, "dropout: 0", CONV)).layer("dropout1").kept == 0


def test_shared_weights_count_once() -> None:
    shared = "{layers: [{conv: {filters: 2, kernel: 1}}], repeat: 3, shared: true}"
    net = chain(shared)
    assert train(net).parameters == 4 * 6
    assert train(net).gradients == 4 * 6


def test_peaks_with_overhead() -> None:
    net = network("lenet5")
    plain, loaded = train(net, batch=2), train(net, batch=2, overhead=1000)
    assert loaded.peak == plain.peak + 1000
    assert loaded.lines[-1] == ("overhead", 1000)
    assert loaded.not_included


ALIASED = """
input: 16x16x3
layers:
  - conv: {filters: 8, kernel: 3, padding: 1}
  - add: [[], [dropout: 0.5, relu]]
  - global_avgpool
  - flatten
  - linear: 5
"""
OVERLAPPING = """
input: 16x16x3
layers:
  - conv: {filters: 8, kernel: 3, padding: 1}
  - concat: [[{slice: {start: 0, stop: 6}}, relu], [{slice: {start: 2, stop: 8}}, tanh]]
  - global_avgpool
  - flatten
  - linear: 5
"""


def test_the_lower_line_overwrites_nothing_that_is_read_again() -> None:
    aliased = loads(ALIASED)
    assert arena(aliased).size == 3 * 16 * 16 * 8
    assert deploy(aliased).activation_peak == 4 * 3 * 16 * 16 * 8
    # Slices are parts of a tensor that others read: neither activation overwrites its own.
    overlapping = loads(OVERLAPPING)
    assert [tensor.name for tensor in deploy(overlapping).tensors][1:5] == [
        "conv1",
        "relu1",
        "tanh1",
        "concat1",
    ]
    # conv + both activations, then these and the concat: 6 + 6 + 12 channels of 16×16.
    assert deploy(overlapping).activation_peak == 4 * 16 * 16 * (6 + 6 + 12)
    # What reads it before keeps an activation from being done where its input is made.
    early = chain(CONV, "add: [[{conv: {filters: 2, kernel: 1}}], [relu]]")
    assert len(deploy(early).tensors) == 5
    # A slice is none of its parts' to overwrite, even if it has no other reader.
    alone = chain(CONV, "slice: {start: 0, stop: 1}", "relu", CONV)
    assert len(deploy(alone).tensors) == 4
    # Dropout in a chain still costs nothing.
    assert len(deploy(chain(CONV, "dropout: 0.5", "relu", CONV)).tensors) == 3


def test_what_is_learned_is_a_tensor_of_its_own() -> None:
    """It is no name of the tensor that it stands behind, however large that is."""
    net = loads("input: 64x1\nlayers: [add: [[], [learned: 64x1000]], relu]")
    assert [tensor.values for tensor in deploy(net).tensors] == [64, 64_000, 64_000]
    # The input, what is learned, and the sum, which the activation goes into.
    assert deploy(net, batch=2).activation_peak == 2 * 4 * (64 + 64_000 + 64_000)


def test_a_batch_norm_without_running_statistics_is_not_folded() -> None:
    tracking = chain(CONV, "batchnorm", CONV)
    alone = chain(CONV, "batchnorm: {track_running_stats: false}", CONV)
    assert len(deploy(tracking).tensors) == 3
    assert len(deploy(alone).tensors) == 4
    assert deploy(tracking).parameters == 4 * 12
    assert deploy(alone).parameters == 4 * (12 + 4)


TWICE = """
input: {a: 16x16x4, b: 16x16x4}
blocks:
  unit: {layers: [{name: c, conv: {filters: 4, kernel: 3, padding: 1, bias: BIAS}}, batchnorm]}
layers:
  - {name: left, unit: }
  - add: [[], [from: b, ITEMS]]
"""


@tabled(
    ("bias", "items", "sets"),
    [
        # One tower at two places: one folded convolution, as one alone.
        ("true", "unit: , weights: left", 1),
        ("false", "unit: , weights: left", 1),
        # One convolution and two normalizations, or one and none: two that differ.
        ("true", "{conv: {filters: 4, kernel: 3, padding: 1}, weights: left.c}, batchnorm", 2),
        ("true", "{conv: {filters: 4, kernel: 3, padding: 1}, weights: left.c}", 2),
        # Nothing in common.
        ("true", "unit", 2),
    ],
)
def test_folded_weights_are_stored_once_for_each_normalization(
    bias: str, items: str, sets: int
) -> None:
    if items.startswith("unit:"):
        items = f"{{{items}}}"
    branch = f"[from: b, {items}]"
    net = loads(TWICE.replace("BIAS", bias).replace("[from: b, ITEMS]", branch))
    # 3×3 weights from 4 to 4 channels, and a bias, which the normalization brings at the latest.
    assert deploy(net).parameters == 4 * sets * (9 * 4 * 4 + 4)
    mine = model(net, RunTerms())
    tried = changes(mine, alive(mine, 1), 1)
    folded = "batch norms folded into the layers before them"
    assert (folded in {*tried.idle, *(change.change for change in tried.lower)}) == (
        items == "unit"
    )


@pytest.mark.parametrize(("dtype", "width"), [("float64", 8), ("float32", 4), ("float16", 2)])
def test_the_loss_is_of_the_data_type(dtype: str, width: int) -> None:
    report = train(chain(CONV), dtype=dtype)
    logits = 4 * 4 * 2 * width
    # The log-softmax is kept; the loss and the total of the classes' weights are there besides.
    assert report.kept == logits
    beside = report.parameters + report.input + report.targets + report.kept
    assert report.after_forward == beside + 2 * width
    assert train(chain(CONV), mixed_precision=True).dtype == "float32"


def test_sharding_takes_the_worst_moment_of_the_shares() -> None:
    report = train(load("resnet50"), batch=2, optimizer="adam")
    found = model(load("resnet50"), RunTerms(training=True, optimizer="adam"))
    share = sharded(report, 8, "parameters")
    standing = report.input + report.targets + report.buffers
    most = max(
        at(event.live - event.learned, 2) - (-at(event.learned, 2) // 8)
        for _, event in found.events()
    )
    states = -(-report.parameters // 8) - (-found.state // 8)
    assert share.total == share.pass_peak == states + standing + most >= 219_177_549
    assert share.temporaries == -(-found.step // 8)
    assert sharded(report, 8, "none").temporaries == found.step
    assert sharded(report, 1, "parameters").total == report.peak
    assert sharded(report, 8, "none").total == report.peak
    totals = [
        sharded(report, 8, stage).total
        for stage in ("none", "optimizer", "gradients", "parameters")
    ]
    assert totals == sorted(totals, reverse=True)


@pytest.mark.parametrize("stage", ["none", "optimizer", "gradients", "parameters"])
def test_sharding_divides_what_its_stage_says(stage: Any) -> None:
    report = train(network("lenet5"), batch=2, optimizer="adam")
    share = sharded(report, 4, stage)
    whole = {
        "parameters": report.parameters,
        "gradients": report.gradients,
        "optimizer_state": report.optimizer_state,
    }
    stages = ("optimizer_state", "gradients", "parameters")
    level = ("none", "optimizer", "gradients", "parameters").index(stage)
    for position, name in enumerate(stages):
        expected = -(-whole[name] // 4) if position < level else whole[name]
        assert getattr(share, name) == expected
    assert share.model_states == share.parameters + share.gradients + share.optimizer_state
    assert share.total == max(share.pass_peak, share.step_peak)
    standing = report.input + report.targets + report.buffers
    assert share.step_peak == share.model_states + standing + share.temporaries
    assert share.pass_peak <= share.model_states + share.activations
    with pytest.raises(ValueError, match="devices"):
        sharded(report, 0, stage)
    with pytest.raises(ValueError, match="inference"):
        sharded(memory(network("lenet5")), 2, stage)


def test_checkpointing_by_name() -> None:
    net = network("resnet18")
    blocks = ["conv2_x", "conv3_x"]
    known = {node.name.split(".")[0] for node in net.layers}
    names = [name for name in blocks if name in known] or sorted(known)[:1]
    report = train(net, batch=8, checkpoint=names)
    assert report.kept < train(net, batch=8).kept
    assert {layer.name.split(".")[0] for layer in report.layers if layer.recomputed} <= set(names)
    with pytest.raises(ValueError, match="no layer"):
        train(net, checkpoint=["nowhere"])


UNITS = """
input: 8x8x4
blocks:
  unit:
    layers: [{conv: {filters: 4, kernel: 3, padding: 1}}, relu, {conv: {filters: 4, kernel: 1}}]
layers:
  - {layers: [unit], repeat: 3, name: stage}
  - {conv: {filters: 4, kernel: 1}, name: unit10}
  - {layers: [unit, tanh], name: head}
"""


def test_checkpointing_names_all_that_a_repeat_numbered() -> None:
    net = loads(UNITS)
    starts = [node.name for node in net.layers]

    def asked(*names: str) -> list[tuple[str, str]]:
        found = segments(net, list(names))
        return [(net.nodes[one.first].name, net.nodes[one.stop - 1].name) for one in found]

    blocks = sorted({name.split(".")[0] for name in starts})
    assert {"stage1", "stage2", "stage3"} <= set(blocks), blocks
    each = [
        tuple(name for name in starts if name.split(".")[0] == block)
        for block in ("stage1", "stage2", "stage3")
    ]
    ends = [(names[0], names[-1]) for names in each]
    assert asked("stage") == asked("stage*") == asked("stage[1-3]") == ends
    assert asked("stage2") == ends[1:2]  # a name that there is means itself alone
    assert asked("unit") == [("unit10", "unit10")]
    assert asked("*") == asked(*blocks)  # the outermost of what a pattern fits
    plain, found = train(net, batch=2), train(net, batch=2, checkpoint=["stage"])
    assert found.kept < plain.kept


def test_a_number_of_layers_below_one() -> None:
    net = network("resnet18")
    with pytest.raises(ValueError, match="below 1"):
        train(net, checkpoint=0)


def test_a_smaller_input_is_offered_with_those_that_are_as_large() -> None:
    pair = "input: {left: 64x64x3, right: 64x64x1, told: 8}\nlayers:\n"
    conv = "conv: {filters: 8, kernel: 3}"
    rest = f"  - add: [[{conv}], [from: right, {conv}]]\noutputs: [add1, told]\n"
    net, by_hand = loads(pair + rest), loads(pair.replace("64x64", "32x32") + rest)
    smaller = "an input `left` of 32×32×3"
    [offered] = [one for one in suggestions(net, RunTerms()) if one.change == smaller]
    assert offered.peak == memory(by_hand).peak
    explained = explain_memory(net)
    [change] = [one for one in explained.changes.lower if one.change == smaller]
    assert change.write == "--input left=32x32x3 --input right=32x32x1"


def test_suggestions_lower_the_peak() -> None:
    net = network("resnet18")
    found = suggestions(net, RunTerms(training=True, optimizer="adam"))
    now = train(net, optimizer="adam").peak
    assert {"plain SGD"} <= {suggestion.change for suggestion in found}
    assert all(now - suggestion.saved == suggestion.peak < now for suggestion in found)
    assert suggestions(net, RunTerms())[0].change == "float16"


def test_of_another_loss_only_what_is_known_with_it_is_suggested() -> None:
    net = load("lenet5")
    terms = RunTerms(training=True, optimizer="adam", loss="mean-squared-error")
    found = suggestions(net, terms)
    assert "plain SGD" in {suggestion.change for suggestion in found}
    assert not [suggestion for suggestion in found if "mixed" in suggestion.change]


def test_words_of_specs_are_those_that_there_are() -> None:
    assert tuple(RULES) == OPTIMIZERS
    assert tuple(DTYPE_BYTES) == swept.DTYPES
    assert space.METHODS == swept.SAMPLINGS


@tabled(
    "terms",
    [
        {"dtype": "float8"},
        {"optimizer": "lion"},
        {"device": "abacus"},
        {"dtype": "int8", "training": True},
        {"dtype": "float16", "mixed_precision": True},
        {"overhead": -1},
        {"overhead": "5x"},
        {"batch": 0},
    ],
)
def test_terms_there_are_not(terms: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        memory(network("lenet5"), **terms)


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("4096", 4096), ("4096B", 4096), ("4kB", 4000), ("4KiB", 4096), ("0.5MiB", 524288)],
)
def test_what_else_is_taken_may_be_a_text_and_is_bytes_without_a_unit(
    text: str, bytes_: int
) -> None:
    assert memory(network("lenet5"), overhead=text).overhead == bytes_


EFFECTS: dict[str, Any] = {
    "training": True,
    "optimizer": "adam",
    "fused": False,
    "mixed_precision": True,
    "dtype": "float64",
    "inplace": False,
    "overhead": 4096,
    "checkpoint": 2,
    "attention": "math",
    "loss": "squares",
}
"""Every term but the device, each with a value that is not its default."""


def test_every_term_is_tried() -> None:
    assert {*EFFECTS, "device"} == set(RunTerms._fields)


@tabled("names", [*((name,) for name in EFFECTS), *combinations(EFFECTS, 2)], ids="+".join)
def test_every_term_has_an_effect_or_is_refused(names: tuple[str, ...]) -> None:
    """Alone and beside every other: a figure that differs, or a reason."""
    net = loads(
        "input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3, padding: 1}\n  - silu\n"
        "  - elu\n  - attention: 2\n  - global_avgpool\n  - flatten\n  - linear: 3\n"
    )

    def figures(given: dict[str, Any]) -> Any:
        report = memory(net, batch=2, **given)
        live = [layer.live for layer in report.layers]
        peaks = report.forward_peak, report.backward_peak, report.step_peak
        return report.at_peak, live, peaks

    given = {name: EFFECTS[name] for name in names}
    try:
        whole = figures(given)
    except ValueError:
        reason = "|".join(name.replace("_", " ") for name in names)
        with pytest.raises(ValueError, match=reason):
            memory(net, batch=2, **given)
        with pytest.raises(ValueError, match=reason):
            largest_batch(net, 10**6, **given)
        return
    for name in names:
        if name == "fused" and given.get("optimizer") is None:
            continue  # plain SGD takes nothing either way: the term is true of it
        without = {other: value for other, value in given.items() if other != name}
        try:
            assert figures(without) != whole, name
        except ValueError:
            continue  # the other one needs it


def test_a_network_with_errors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("input: 4x4x2\nlayers:\n  - conv: {filters: 2, kernel: 9}\n", encoding="utf-8")
    with pytest.raises(SpecError):
        memory(read(str(path)))
    with pytest.raises(SpecError):
        arena(read(str(path)))


def test_numbers_of_the_walk_hold_both_parts() -> None:
    number = 7 * BATCH + 11
    assert [at(number, batch) for batch in (0, 1, 32)] == [11, 18, 235]


def test_an_empty_network_takes_its_input() -> None:
    net = loads("input: 4x4x2\nlayers: []\n")
    assert memory(net).peak == 4 * 4 * 2 * 4
    assert train(net).kept == 0


# -- mixed precision, and segments that run again ------------------------------------------


@pytest.mark.parametrize("what", ["half precision", "checkpoints"])
def test_memory_of_training_otherwise_is_what_torch_took(what: str) -> None:
    """To the byte; `data/torch_memory.json` was measured on PyTorch 2.13."""
    for row in recorded.memory(what):
        terms = RunTerms(
            training=True,
            inplace=row["inplace"],
            mixed_precision=what == "half precision",
            checkpoint=row.get("checkpoint"),
        )
        report = model(loads(row["spec"]), terms).report(row["batch"])
        found = {
            "kept": report.kept,
            "after forward": report.after_forward,
            "forward": report.forward_peak,
            "backward": report.backward_peak,
        }
        assert {name: found[name] for name in row["bytes"]} == row["bytes"], row["spec"]


# -- what is said not to be exact ------------------------------------------------------------

TURN = "permute: [2, 1, 3]"
INEXACT = [
    # input, layers, batch, training, and the layers with the reason of each
    ("8x8x4", "locally_connected: {filters: 4, kernel: 3}", 2, False,
     {"locally_connected1": differences.NO_PEER}),
    ("8x8x4", f"{TURN}, flatten", 2, True, {}),
    ("8x4", "layernorm, slice: {axis: length, stop: 1}, flatten", 2, True, {}),
    ("8x4", "layernorm, slice: {axis: length, stop: 2}, flatten", 2, True,
     {"slice1": differences.OUT_OF_ORDER}),
    ("8x8x4", f"{TURN}, flatten: {{start: 2}}", 2, False, {"flatten1": differences.OUT_OF_ORDER}),
    ("8x8x4", f"{TURN}, reshape: 64x4", 2, False, {"reshape1": differences.OUT_OF_ORDER}),
    ("8x8x4", f"{TURN}, channel_shuffle: 2", 2, False,
     {"channel_shuffle1": differences.OUT_OF_ORDER}),
    ("8x8x4", f"{TURN}, add: [[], []]", 2, True, {}),
    ("8x8x4", f"concat: [[{TURN}], [{TURN}]]", 2, False, {"concat1": differences.OUT_OF_ORDER}),
    ("8x8x4", "concat: [[], []]", 2, False, {}),
    ("8x8x4", f"{TURN}, conv: {{filters: 8, kernel: 3, padding: 1}}", 2, True, {}),
    ("8x8x4", f"{TURN}, groupnorm: 2, relu", 2, True, {}),
    ("8x8x4", f"{TURN}, groupnorm: 2, relu", 2, False, {}),
    ("8x8x4", f"groupnorm: 2, {TURN}, relu", 2, True, {}),
    ("8x8x4", f"groupnorm: 2, {TURN}, tanh", 2, True, {"groupnorm1": differences.GRADIENTS}),
    ("8x8x4", f"instancenorm, {TURN}, tanh", 2, True, {"instancenorm1": differences.GRADIENTS}),
    ("8x8x4", "groupnorm: 2, relu", 2, True, {}),
    ("8x8x4", "linear: {features: 4, axis: channels}, upsample: {size: 4, mode: linear}", 2, True,
     {}),
    ("8x8x4", "linear: {features: 4, axis: channels}, relu", 2, True, {}),
    ("8x8x4", f"linear: {{features: 4, axis: channels}}, {TURN}, tanh", 2, True,
     {"linear1": differences.ROWS_BACK, "permute1": differences.OUT_OF_ORDER}),
    ("8x8x4", f"linear: {{features: 4, axis: channels}}, {TURN}, tanh", 1, True,
     {"permute1": differences.OUT_OF_ORDER}),
    ("4x4x4x4", "layernorm, conv: {filters: 4, kernel: 3}", 1, True,
     {"conv1": differences.UNTURNED}),
    ("4x4x4x4", "layernorm, conv: {filters: 4, kernel: 3}", 2, True, {}),
    ("4x4x4", "layernorm, conv: {filters: 4, kernel: 3}", 1, True, {}),
    ("4x4x4x4", "conv: {filters: 4, kernel: 3}", 1, True, {}),
    ("8x8x4", f"batchnorm, {TURN}, relu", 2, True, {}),
    ("8x8x4", "slice: {start: 0, stop: 2}, groupnorm: 2", 1, False,
     {"groupnorm1": differences.SLICED}),
    ("8x8x4", "slice: {start: 0, stop: 2}, groupnorm: 2", 2, False, {}),
    ("8x8x4", "slice: {start: 0, stop: 2}, relu6", 1, False, {}),
    ("4", "scale", 1, True, {"scale1": differences.NOT_SUMMED}),
    ("4", "scale", 2, True, {}),
    ("4", "scale", 1, False, {}),
    ("8x8x4", "scale", 1, True, {}),
    ("8x8x4", "relu, add: [[], [learned: 8x8x4]]", 1, True, {}),
    ("8x8x4", f"add: [[], [learned: 8x8x4]], {TURN}, tanh", 1, True,
     {"learned1": differences.LEARNED}),
    ("8x8x4", f"add: [[], [learned: 8x8x4]], {TURN}, tanh", 2, True, {}),
    ("8x8x4", "relu, add: [[], [learned: 8x8x4]]", 2, True, {}),
    ("8x8x4", "relu, add: [[], [learned: 8x8x4]]", 1, False, {}),
    ("4", "prelu: {slopes: channels}", 1, True, {"prelu1": differences.NOT_SUMMED}),
    ("4", "prelu", 1, True, {}),
    ("8x8x4", "conv: {filters: 4, kernel: 3, padding: 1, padding_mode: circular}", 2, True,
     {"conv1": differences.CIRCULAR}),
    ("8x8x4", "conv: {filters: 4, kernel: 3, padding: 1, padding_mode: circular}", 2, False, {}),
    ("8x8x4", "conv: {filters: 4, kernel: 3, padding_mode: circular}", 2, True, {}),
    ("8x8x4", "pad: {padding: [[0, 1], [0, 0]], mode: circular}", 2, True,
     {"pad1": differences.CIRCULAR}),
    ("8x8x4", "pad: {padding: 0, mode: circular}", 2, True, {"pad1": differences.CIRCULAR}),
    ("8x8x4", "pad: {padding: 1, mode: reflect}", 2, True, {}),
    # A volume whose first and last row nothing is left of: PyTorch makes them, and leaves them out.
    ("4x4x4x4", "conv_transpose: {filters: 4, kernel: 3, padding: 3, stride: 2}", 2, False,
     {"conv_transpose1": differences.BEYOND}),
    ("4x4x4", "conv_transpose: {filters: 4, kernel: 3, padding: 3, stride: 2}", 2, False, {}),
]  # fmt: skip


@tabled(("shape", "layers", "batch", "training", "expected"), INEXACT)
def test_memory_says_of_which_layers_it_is_not_exact(
    shape: str, layers: str, batch: int, *, training: bool, expected: dict[str, str]
) -> None:
    """Of these and no others; `test_memory_against_torch.py` measures them."""
    net = loads(f"input: {shape}\nlayers: [{layers}]")
    report = memory(net, batch=batch, training=training)

    assert {each.layer: each.reason for each in report.inexact} == expected


def test_segments_that_keep_what_is_kept_anyway_do_not_pay() -> None:
    """The image is there anyway, and what `tanh1` and `conv2` keep is one tensor."""
    conv = "conv: {filters: 4, kernel: 3}"
    net = loads(f"input: 8x8x4\nlayers: [{conv}, tanh, {conv}, relu]")

    assert unpaid(net, program(net, training=True), 1) == ["conv1", "tanh1", "conv2"]
    assert unpaid(net, program(net, training=True), 2) == ["conv1 to tanh1"]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_is_read_with_finer_values_has_a_gradient_of_its_own_precision(device: str) -> None:
    """Behind a convolution in half precision; the concat's own gradients are slices."""
    net = loads("input: 8x8x4\nlayers: [concat: [[conv: {filters: 4, kernel: 1}], []]]")
    report = memory(net, batch=8, training=True, mixed_precision=True, device=device)
    before, after = (
        moment.bytes
        for moment in report.timeline
        if (moment.phase, moment.layer) == ("backward", "concat1")
    )

    assert after - before == 8 * (8 * 8 * 4) * 2


def test_what_works_on_values_in_order_copies_those_with_channels_last() -> None:
    """PyTorch's `instance_norm` takes `input.contiguous()`; a layer norm leaves channels last."""
    report = memory(loads("input: 8x8x4\nlayers: [layernorm, instancenorm]"), batch=8)
    maps = 4  # the image, what the layer norm made, the copy in order, and the output
    statistics = 2 * (8 * 4)  # a mean and a variance of each channel of each example

    assert report.peak == report.parameters + 4 * (maps * 8 * (8 * 8 * 4) + statistics)


@tabled(
    ("channels", "kernel", "copied"),
    [(1, 3, False), (2, 3, True), (3, 3, True), (2, 1, False)],
)
def test_gradients_of_weights_with_channels_last_are_copied(
    channels: int, kernel: int, *, copied: bool
) -> None:
    """A parameter's gradient lies as the parameter; one channel or one tap lies both ways."""
    filters = f"conv: {{filters: {channels}, kernel: 3, padding: 1}}"
    layers = f"[{filters}, layernorm, conv: {{filters: 4, kernel: {kernel}}}]"
    report = memory(loads(f"input: 8x8x4\nlayers: {layers}"), batch=8, training=True)
    moments = [each for each in report.timeline if each.layer == "conv2"]

    assert len([each for each in moments if each.phase == "backward"]) == 1 + copied


@pytest.mark.parametrize("every", [2, 3])
def test_memory_says_of_which_layers_that_run_again_it_is_not_exact(every: int) -> None:
    """Of eight layers in segments of two or three the last two or three do not run again."""
    net = loads("input: 8x8x4\nlayers: [relu, scale, relu, tanh, scale, relu, scale, relu]")
    report = memory(net, batch=2, training=True, checkpoint=every)

    assert {each.layer: each.reason for each in report.inexact} == {
        "scale1": differences.PARAMETERS,
        "scale2": differences.PARAMETERS,
    }


# -- shares, and small things counted by hand -----------------------------------------------


@pytest.mark.parametrize("stage", ["none", "optimizer", "gradients", "parameters"])
@pytest.mark.parametrize("devices", [1, 3])
def test_the_largest_sharded_batch_fits_on_a_device_and_the_next_does_not(
    stage: Any, devices: int
) -> None:
    """Of activations that are larger than what is learned, and the other way round."""
    for text in (
        "input: 32x32x3\nlayers: [conv: {filters: 8, kernel: 3}, relu, flatten, linear: 10]",
        "input: 64\nlayers: [linear: 512, relu, linear: 512, relu, linear: 10]",
        # One example is on a line of its own here.
        "input: 9x8\nlayers: [add: [[learned: 9x8], []], attention: 2, flatten, linear: 10]",
    ):
        net = loads(text)
        for optimizer in ("sgd", "adam"):
            mine = model(net, RunTerms(training=True, optimizer=optimizer))
            for batch in (1, 2, 7, 100):
                total, more = (
                    sharded(train(net, batch=size, optimizer=optimizer), devices, stage).total
                    for size in (batch, batch + 1)
                )
                largest = [
                    largest_sharded_batch(mine, devices, stage, limit)
                    for limit in (total - 1, total, more - 1)
                ]
                if total == more:  # the step of the optimizer is the most, whatever the batch
                    assert largest[1] > batch
                else:
                    assert largest[0] < batch
                    assert largest[1:] == [batch, batch]


def test_memory_of_a_network_without_layers_is_its_input_alone() -> None:
    report = memory(loads("input: 8x8x3\nlayers: []"), batch=5)

    lines = {line.name: line.bytes for line in report.at_peak if line.bytes}
    assert lines == {"input": 8 * 8 * 3 * 5 * 4}
    assert report.peak_layer == "input"


@pytest.mark.parametrize(
    ("device", "dtype", "width"),
    [
        ("cuda", "float64", 8),
        ("cuda", "float32", 4),
        ("cuda", "float16", 4),
        ("cpu", "float64", 8),
        ("cpu", "float32", 4),
        ("cpu", "float16", 2),
    ],
)
def test_memory_of_means_and_deviations_is_at_least_4_bytes_each_on_cuda(
    device: str, dtype: str, width: int
) -> None:
    """What a group normalization keeps beside its input: two numbers for each of its groups."""
    kept = {
        groups: train(
            loads(f"input: 4x4x8\nlayers: [groupnorm: {groups}, relu, flatten, linear: 2]"),
            batch=3,
            dtype=dtype,
            device=device,
        ).kept
        for groups in (2, 8)
    }
    assert kept[8] - kept[2] == 2 * (8 - 2) * 3 * width


@tabled("fused", [True, False])
@tabled("optimizer", RULES)
def test_memory_of_a_step_without_parameters_is_nothing(optimizer: str, *, fused: bool) -> None:
    net = loads("input: 4x4x2\nlayers: [relu]")
    report = train(net, batch=3, optimizer=optimizer, fused=fused)

    assert (report.optimizer_state, report.gradients) == (0, 0)
    assert report.step_peak == report.input + report.targets
