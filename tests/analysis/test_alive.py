"""Who every byte belongs to: at every operation, at the peak, and with what lowers it."""

from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any

import pytest
from draws import Draw
from tabled import tabled

import convcalc.analysis.memory.alive as alive_module
from convcalc.analysis.memory import RunTerms, arena, deploy, model, sharded, untrained
from convcalc.analysis.memory.alive import Alive, Peak, alive
from convcalc.analysis.memory.changes import FEWEST_TRIALS, changes
from convcalc.analysis.memory.ledger import written
from convcalc.analysis.memory.runtime_peaks import arena_peak, deployed_peak, device_peak
from convcalc.analysis.memory.sharding import STAGES
from convcalc.analysis.memory.terms import Model, allowed, segments_of
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.graph import Network, load, loads
from convcalc.graph.planned import planned
from convcalc.spec.bundled import bundled_folder

WIDTHS = {**DTYPE_BYTES, "bool": 1, "int64": 8, "uint8": 1}

TERMS = [
    RunTerms(),
    RunTerms(mixed_precision=True),
    RunTerms(inplace=False, dtype="float16", overhead=1000),
    RunTerms(training=True),
    RunTerms(training=True, optimizer="adam", device="cuda"),
    RunTerms(training=True, optimizer="rmsprop", fused=False, mixed_precision=True, checkpoint=5),
    RunTerms(training=True, inplace=False, device="cuda", mixed_precision=True),
    RunTerms(training=True, optimizer="nesterov", checkpoint=3, fused=False),
    RunTerms(training=True, optimizer="adagrad", checkpoint=2, mixed_precision=True),
]
"""Ways to run, inference and training in turn."""

ITEMS = [
    "{conv: {filters: 4, kernel: 3, padding: 1}}",
    "{conv: {filters: 4, kernel: 2, padding: [[0, 1], [0, 1]], bias: false}}",
    "{depthwise_conv: {kernel: 3, padding: same, padding_mode: reflect}}",
    "{conv_transpose: {filters: 4, kernel: 3, padding: 1}}",
    "batchnorm",
    "{groupnorm: 2}",
    "instancenorm",
    "layernorm",
    "{lrn: 3}",
    "relu",
    "relu6",
    "silu",
    "prelu",
    "{leaky_relu: 0.1}",
    "{dropout: 0.3}",
    "{maxpool: {kernel: 3, stride: 1, padding: 1}}",
    "{lppool: {kernel: 3, stride: 1, padding: 1}}",
    "{pad: 1}",
    "scale",
    "{permute: [1, 3, 2]}",
    "{add: [[], [relu], [{conv: {filters: 4, kernel: 1}}, relu]]}",
    "{multiply: [[], [global_avgpool, {conv: {filters: 4, kernel: 1}}, sigmoid]]}",
    "{concat: [[{slice: {stop: 2}}, relu], [{slice: {start: 2}}, relu]]}",
    "{layers: [{conv: {filters: 4, kernel: 1}}, {slice: {}}, relu, {leaky_relu: 0}, silu]}",
    "{repeat: 2, shared: true, layers: [{conv: {filters: 4, kernel: 3, padding: same}}, relu]}",
]


def random_network(draw: Draw) -> Network:
    """A chain with branches of small layers on 6×6×4 maps."""
    items = draw.some(lambda: draw.choice(ITEMS), 1, 9)
    end = draw.choice(["", "  - flatten\n  - linear: 3\n", "  - global_avgpool\n"])
    return loads("input: 6x6x4\nlayers:\n" + "".join(f"  - {item}\n" for item in items) + end)


def ledger_adds_up(mine: Model) -> None:
    """Of every operation, the pieces add up to what the walk counted, line by line."""
    terms, walked = mine.terms, mine.walked
    ledger, again = written(
        mine.program,
        training=terms.training,
        inplace=bool(terms.inplace),
        segments=segments_of(mine.network, terms),
        allowed=allowed(mine.network, terms),
    )
    events = [*walked.forward, *walked.backward]
    assert events == [*again.forward, *again.backward]
    sums = [[0] * (len(events) + 1) for _ in range(3)]

    def count(line: int, first: int, last: int, size: int) -> None:
        last = min(last, len(events) - 1)
        if first <= last:
            sums[line][first] += size
            sums[line][last + 1] -= size

    for piece in ledger.pieces:
        count(0, piece.first, piece.last, piece.bytes)
        for first, last in piece.kept:
            count(1, first, last, piece.bytes)
        count(2, piece.learned, piece.last, piece.bytes)
    found = list(zip(*map(accumulate, sums), strict=True))[:-1]
    assert found == [(event.live, event.kept, event.learned) for event in events], terms


def size_of(tensor: Alive) -> int:
    return prod(tensor.shape) * WIDTHS[tensor.dtype]


def peak_adds_up(mine: Model, batch: int) -> Peak:
    """The tensors at the peak are the peak of the report, and each line of it."""
    peak, report = alive(mine, batch), mine.report(batch)
    assert sum(tensor.bytes for tensor in peak.tensors) == peak.bytes == report.peak
    assert (peak.phase, peak.layer) == (report.peak_phase, report.peak_layer)
    parts: dict[str, int] = {}
    for tensor in peak.tensors:
        parts[tensor.part] = parts.get(tensor.part, 0) + tensor.bytes
        assert tensor.bytes == size_of(tensor), (mine.terms, tensor)
        assert tensor.needed or tensor.until is None, tensor
    assert parts == {line.name: line.bytes for line in report.at_peak}
    assert [*peak.tensors] == sorted(peak.tensors, key=lambda tensor: -tensor.bytes)
    # All lines are affine in the batch, so each example adds what it is said to add.
    if report.timeline:
        same = [moment.bytes for moment in report.timeline].index(peak.bytes)
        assert mine.timeline(batch + 1).moments[same].bytes - peak.bytes == peak.each
    return peak


@pytest.mark.parametrize("seed", range(4))
def test_every_byte_of_random_networks_belongs_to_something(seed: int) -> None:
    draw = Draw(seed)
    for number in range(12):
        net = random_network(draw)
        for terms in (TERMS[number % len(TERMS)], draw.choice(TERMS)):
            mine = model(net, terms)
            ledger_adds_up(mine)
            batch = draw.whole(mine.fewest, 5)
            peak_adds_up(mine, batch)
            moments = mine.timeline(batch).moments
            for moment in draw.sample(range(len(moments)), min(4, len(moments))):
                there = alive(mine, batch, moment=moment)
                assert total(there) == there.bytes == moments[moment].bytes
                assert all(size_of(tensor) == tensor.bytes for tensor in there.tensors), there


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(each, marks=pytest.mark.thorough) for each in (1, 2))]
)
def test_the_peaks_of_all_bundled_networks_add_up(part: int) -> None:
    """Each in inference and in training, under terms in turn; of a family, its main network.

    Where memory of training is not known, other terms of inference stand for it.
    """
    files = sorted(Path(bundled_folder()).glob("*.yaml"))
    assert len(files) > 40
    for number, file in list(enumerate(files))[part::3]:
        net = planned(load(file.stem))
        trained = TERMS[3:] if untrained(net) is None else TERMS[1:3]
        for terms in (TERMS[number % 3], trained[number % len(trained)]):
            peak_adds_up(model(net, terms), 2)


@pytest.mark.parametrize("role", alive_module.OF_WEIGHTS)
def test_a_role_that_nothing_is_said_of_is_no_gradient(
    role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the walk may get and nobody names here is an error, and not a weight's gradient."""
    net = loads("input: 4\nlayers: [{repeat: 2, shared: true, layers: [linear: 4, relu]}]")
    mine = model(net, RunTerms(training=True))
    moments = range(len(mine.timeline(2).moments))
    monkeypatch.delitem(alive_module.OF_WEIGHTS, role)

    with pytest.raises(KeyError, match=role):
        [alive(mine, 2, moment=moment) for moment in moments]


def test_copies_of_shared_weights_are_kept_each_time_a_segment_runs_again() -> None:
    """Each round's segment keeps a 2-byte copy of the weight: it was taken off, and not put on."""
    shared = "{repeat: 3, shared: true, layers: [{conv: {filters: 4, kernel: 1}}, relu]}"
    net = loads(f"input: 4x4x4\nlayers:\n  - {shared}\n")
    mine = model(net, RunTerms(training=True, mixed_precision=True, checkpoint=2))
    assert all(event.kept >= 0 for _, event in mine.events())
    assert mine.walked.backward[-1].kept == 0


@pytest.mark.parametrize("seed", range(2))
def test_what_runtimes_arenas_and_devices_hold_adds_up(seed: int) -> None:
    draw = Draw(seed)
    nets = [random_network(draw) for _ in range(8)]
    nets.append(load("lenet5"))
    for number, net in enumerate(map(planned, nets)):
        lower = deploy(net, batch=3, dtype="float16")
        peak = deployed_peak(net, batch=3, dtype="float16")
        assert peak.bytes == lower.parameters + lower.activation_peak == total(peak)
        assert peak.layer == lower.peak_layer
        plan = arena(net)
        arranged = arena_peak(net, dtype="int8")
        assert arranged.bytes == plan.size == total(arranged)
        assert plan.lower_bound >= arranged.bytes - sum(
            tensor.bytes for tensor in arranged.tensors if tensor.part == "gaps"
        )
        mine = model(net, TERMS[3 + number % len(TERMS[3:])])
        for stage in STAGES:
            device = device_peak(mine, 2, devices=3, stage=stage)
            assert total(device) == sharded(mine.report(2), 3, stage).total == device.bytes


def total(peak: Peak) -> int:
    return sum(tensor.bytes for tensor in peak.tensors)


# -- worked by hand ------------------------------------------------------------------------------

TINY = """
input: 4x4x2
layers:
  - conv: {filters: 3, kernel: 3, padding: 1}
  - relu
  - conv: {filters: 2, kernel: 1}
"""
# Maps of 16 positions in float32: 2 channels are 128 bytes, 3 are 192.
# Parameters: 3·(2·9 + 1)·4 = 216 + 12 and 2·(3 + 1)·4 = 24 + 8 bytes.
WEIGHTS = {"conv1.weight": 216, "conv1.bias": 12, "conv2.weight": 24, "conv2.bias": 8}


def found(peak: Peak) -> dict[str, int]:
    return {tensor.name: tensor.bytes for tensor in peak.tensors}


def tensor_of(peak: Peak, name: str) -> Alive:
    (tensor,) = (tensor for tensor in peak.tensors if tensor.name == name)
    return tensor


def test_the_peak_of_inference_by_hand() -> None:
    """At conv2 there are the input, what relu made of conv1's output in its place, and conv2's."""
    peak = alive(model(loads(TINY), RunTerms()), 1)
    kept = "output of conv1, overwritten by relu1"
    assert found(peak) == {kept: 192, "output of conv2": 128, "input": 128, **WEIGHTS}
    assert (peak.bytes, peak.phase, peak.layer) == (192 + 128 + 128 + 260, "forward", "conv2")
    # The input and the output are whoever's runs it.
    assert (peak.came, peak.goes, peak.each) == (128, 192, 192 + 128 + 128)
    assert tensor_of(peak, kept).shape == (1, 3, 4, 4)
    assert [use.layer for use in tensor_of(peak, kept).needed] == ["conv2"]
    # Out of place relu makes 192 bytes beside the 192 that it reads, and is the peak.
    beside = alive(model(loads(TINY), RunTerms(inplace=False)), 1)
    assert (beside.bytes, beside.layer) == (192 + 192 + 128 + 260, "relu1")
    lower = changes_of(TINY, RunTerms(inplace=False))
    assert lower["activations in place"] == (peak.bytes, "conv2")
    assert lower["relu1 in place"] == (peak.bytes, "conv2")


def test_the_peak_of_training_by_hand() -> None:
    """relu1 goes back: its output, the gradient of it and of its input; conv2's gradients are done.

    The loss (4 bytes) and its gradient (4) stay to the end. Backward at conv2 there are
    192 (relu's output) + 8 + 128 (incoming) + 192 + 32 = 552, at relu1 192 + 8 + 192 + 192 + 32 =
    616, at conv1 8 + 32 + 192 + 228 = 460 bytes beside input, targets (8·16) and parameters. At the
    loss there are 192 + 128 (log-softmax) + 8 + 128 + 128 = 584.
    """
    peak = alive(model(loads(TINY), RunTerms(training=True)), 1)
    assert found(peak) == {
        "output of conv1, overwritten by relu1": 192,
        "gradient of the output of relu1": 192,
        "gradient of the output of conv1": 192,
        "input": 128,
        "targets": 128,
        "gradient of conv2.weight": 24,
        "gradient of conv2.bias": 8,
        "loss": 4,
        "gradient of the loss": 4,
        **WEIGHTS,
    }
    assert (peak.bytes, peak.phase, peak.layer) == (616 + 128 + 128 + 260, "backward", "relu1")
    made = tensor_of(peak, "gradient of the output of relu1")
    assert (made.made, made.layer, made.part) == ("backward", "conv2", "temporaries")
    assert (made.until and made.until.layer) == "relu1"
    kept = tensor_of(peak, "output of conv1, overwritten by relu1")
    assert (kept.made, kept.part, kept.until and kept.until.layer) == (
        "forward",
        "kept for backward",
        "relu1",
    )
    behind = tensor_of(peak, "gradient of the output of conv1")
    assert [use.layer for use in behind.needed] == ["conv1"]
    assert [use.phase for use in tensor_of(peak, "gradient of conv2.bias").needed] == ["step"]


SKIP = """
input: 8x8x1
layers:
  - {conv: {filters: 2, kernel: 1, bias: false}, name: a}
  - concat:
      - []
      - [maxpool: 2, {conv: {filters: 8, kernel: 1, bias: false}}, upsample: 2]
"""


def test_a_skip_is_alive_until_its_concat_by_hand() -> None:
    """a: 64·2·4 = 512 bytes, upsampled 64·8·4 = 2,048, concat 64·10·4 = 2,560, input 256.

    Without the skip the concat is gone: at the upsampling there are 16·8·4 = 512 + 2,048 bytes.
    """
    weights = 2 * 1 * 4 + 8 * 2 * 4
    peak = alive(model(loads(SKIP), RunTerms()), 1)
    assert (peak.bytes, peak.layer) == (512 + 2048 + 2560 + 256 + weights, "concat1")
    skip = tensor_of(peak, "output of a")
    assert [(use.phase, use.layer) for use in skip.needed] == [("forward", "concat1")]
    assert skip.until == skip.needed[0]
    lower = changes_of(SKIP, RunTerms())
    assert lower["concat1 without a"] == (512 + 2048 + 256 + weights, "upsample1")


ORDER = """
input: 8x8x1
layers:
  - {conv: {filters: 2, kernel: 1, bias: false}, name: a}
  - add:
      - [{conv: {filters: 8, kernel: 1, bias: false}, name: near}]
      - [{conv: {filters: 32, kernel: 1, bias: false}, name: up},
         {conv: {filters: 8, kernel: 1, bias: false}, name: down}]
"""


def test_branches_in_another_order_by_hand() -> None:
    """While `down` runs there are up's 64·32·4 = 8,192 bytes, its own 2,048, and near's 2,048.

    The other branch first, and instead of near's there are the 512 of `a`, which is still read.
    """
    standing = 256 + (2 + 16 + 64 + 256) * 4  # the input, and the weights
    peak = alive(model(loads(ORDER), RunTerms()), 1)
    assert (peak.bytes, peak.layer) == (8192 + 2048 + 2048 + standing, "down")
    lower = changes_of(ORDER, RunTerms())
    assert lower["up to down before the other branches of add1"] == (
        8192 + 2048 + 512 + standing,
        "down",
    )


def changes_of(text: str, terms: RunTerms, batch: int = 1) -> dict[str, tuple[int, str]]:
    """Change → the peak with it, and where it is then."""
    mine = model(loads(text), terms)
    peak = alive(mine, batch)
    lower = changes(mine, peak, batch).lower
    assert all(change.saved == peak.bytes - change.peak > 0 for change in lower)
    assert [*lower] == sorted(lower, key=lambda change: -change.saved)
    return {change.change: (change.peak, change.layer) for change in lower}


def test_a_checkpoint_by_hand() -> None:
    """The block keeps its input, and not the 4 maps of 192 bytes that its activations keep."""
    unit = "{layers: [{conv: {filters: 3, kernel: 1, bias: false}}, silu], repeat: 3, name: unit}"
    text = f"input: 4x4x3\nlayers: [{unit}, {{conv: {{filters: 3, kernel: 1}}}}]"
    terms = RunTerms(training=True)
    mine, lower = model(loads(text), terms), changes_of(text, terms)
    names = [change for change in lower if change.startswith("checkpoint ")]
    assert names
    for name in names:
        checkpoint = (name.removeprefix("checkpoint "),)
        again = model(loads(text), terms._replace(checkpoint=checkpoint)).report(1)
        assert lower[name] == (again.peak, again.peak_layer)
    assert mine.peak(1) > min(peak for peak, _ in lower.values())


@tabled(
    ("name", "terms", "expected"),
    [
        # A network of parameters, one of maps, and one of a map that waits.
        ("vgg16", {"training": True, "optimizer": "adam"}, ["optimizer sgd", "optimizer momentum"]),
        ("resnet18", {"training": True}, ["checkpoint conv2_x", "mixed precision (autocast)"]),
        ("unet", {}, ["values in float16", "a sum instead of decoder1.concat1"]),
    ],
)
def test_changes_are_what_memory_says_of_the_changed_run(
    name: str, terms: dict[str, Any], expected: list[str]
) -> None:
    net = planned(load(name))
    run = RunTerms(**terms)
    mine = model(net, run)
    tried = changes(mine, alive(mine, 2), 2)
    assert {*expected} <= {change.change for change in tried.lower}, tried
    options: dict[str, dict[str, Any]] = {
        "optimizer sgd": {"optimizer": "sgd"},
        "optimizer momentum": {"optimizer": "momentum"},
        "mixed precision (autocast)": {"mixed_precision": True},
        "checkpoint conv2_x": {"checkpoint": ("conv2_x",)},
        "values in float16": {"dtype": "float16"},
    }
    for change in tried.lower:
        if change.change in options:
            report = model(net, run._replace(**options[change.change])).report(2)
            assert (change.peak, change.phase, change.layer) == (
                report.peak,
                report.peak_phase,
                report.peak_layer,
            )


def test_how_much_is_tried_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = "{conv: {filters: 2, kernel: 1}}, relu, dropout"
    mine = model(
        loads(f"input: 4x4x2\nlayers: [{{layers: [{deep}], repeat: 30}}]"),
        RunTerms(training=True, optimizer="adam"),
    )
    peak = alive(mine, 1)
    for work, trials in ((10, FEWEST_TRIALS), (8 * 91, 8)):
        monkeypatch.setattr("convcalc.analysis.memory.changes.WORK", work)
        tried = changes(mine, peak, 1)
        done = [*(change.change for change in tried.lower), *tried.idle]
        # Another optimizer needs nothing of the network worked out again.
        assert sum("optimizer" not in change for change in done) == trials
        assert tried.untried > 0
