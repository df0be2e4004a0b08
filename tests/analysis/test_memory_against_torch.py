"""Memory beside PyTorch's own, measured: random small networks of every kind of layer.

Equal to the byte, but for what `NOT_EXACT` lists; docs/memory.md gives the reasons.
"""

import json
import os
from collections.abc import Iterator
from functools import partial
from itertools import chain
from random import Random
from typing import Any

import pytest
from kinds import RUN

from benchmarks import random as random_networks
from convcalc.analysis.memory import RunTerms, largest_batch, memory, model, untrained
from convcalc.analysis.memory.batch import fewest
from convcalc.analysis.memory.checkpoint import segments
from convcalc.analysis.memory.differences import PARTS_IN_ORDER, PARTS_OF_ONE
from convcalc.analysis.memory.optimizer import RULES
from convcalc.graph import Network, SpecError, load, loads, read_text
from convcalc.graph.frozen import freeze
from convcalc.layers import CATALOGUE, kinds, layer_class
from convcalc.shape import Shape
from convcalc.spec.text import SourceText

torch = pytest.importorskip("torch")

import recorded  # noqa: E402 (beside the tests)
import test_forward_against_torch as forward_peers  # noqa: E402 (needs torch)
import torch_memory  # noqa: E402

BODIES = {
    "alone": "  - scale\n  - {item}\n",
    "first": "  - {item}\n  - flatten\n  - linear: 3\n",
    "between": "  - scale\n  - {item}\n  - flatten\n  - linear: 3\n",
    "followed": "  - scale\n  - {item}\n  - relu\n  - silu\n  - scale\n  - flatten\n"
    "  - linear: 3\n",
    "branches": "  - scale\n  - concat: [[flatten], [{item}, flatten], "
    "[{item}, {{scale: {{bias: true}}}}, flatten]]\n  - linear: 3\n",
}
"""Where a layer may stand: what follows it, whether its input has a gradient, several consumers."""

LOOKUP = "embedding"
TIMES = 3
PAIRS = ("subtract", "divide")
"""Merges of two branches and no more."""
NOT_EXACT = {
    "locally_connected": 0.4,  # PyTorch has no such layer; columns and a product by position
    "circular": 0.3,  # written slice by slice; autograd copies the map's gradient for each
}
"""Largest relative error of a peak; what is kept is not compared."""
HALF_NOT_EXACT = {"attention": 0.5}
"""The same in mixed precision alone."""
PEAKS = ("inference", "forward", "backward")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(random: Random, kind: str, rank: int) -> tuple[str, Shape] | None:
    """A random layer as a spec has it, and its input."""
    _, draw, _ = forward_peers.PEERS[kind]
    for _ in range(60):
        fields: Any
        fields, (x, *_) = draw(random, rank)
        if kind == "learned":  # alone, nothing would reach what stands before it
            positions = {"learned": [*x.spatial, x.channels]}
            return json.dumps({"add": random.sample([[], [positions]], 2)}), x
        if kind == "matmul":
            x = x._replace(spatial=(x.channels,))
            return json.dumps({kind: random.sample([[], ["scale"], ["tanh"]], 2)}), x
        if kind == "maxunpool":
            pool = {
                "kernel": random.choice([2, 3]),
                "rounding": random.choice(["floor", "ceil"]),
            }
            items = [{"name": "p", "maxpool": pool}, "tanh", {kind: {"indices": "p"}}]
            return json.dumps({"layers": items}), x
        if kind in kinds("merge"):
            fields = [[], ["scale"], ["relu"]][: random.randint(1, 3)]
            if kind != "concat" and rank:
                fields.append(["global_avgpool"])
            if kind in PAIRS:
                fields = random.sample([*fields, ["tanh"]], 2)
            return json.dumps({kind: fields}), x
        layer = layer_class(kind)(**fields)
        if not any(problem.severity == "error" for problem in layer.check([x])):
            return json.dumps({kind: fields}), x
    return None


def compared(net: Network, batch: int, *, inplace: bool) -> dict[str, tuple[int, int]]:
    """Each figure: predicted and measured."""
    inference = memory(net, batch=batch, inplace=inplace)

    def in_place(report: Any, index: int) -> bool:
        return bool(report.layer(net.nodes[index].name).in_place)

    peak = torch_memory.inference(net, batch, partial(in_place, inference), device="cpu")
    if untrained(net):
        return {"inference": (inference.activation_peak, peak)}
    training = memory(net, batch=batch, inplace=inplace, training=True)
    measured = torch_memory.training(net, batch, partial(in_place, training), device="cpu")
    return {
        "inference": (inference.activation_peak, peak),
        "static": (
            training.parameters + training.buffers + training.input + training.targets,
            measured.static,
        ),
        "kept": (training.kept, measured.saved),
        "after forward": (training.after_forward, measured.after_forward),
        "forward": (training.forward_peak, measured.forward_peak),
        "backward": (training.backward_peak, measured.backward_peak),
    }


CASES = [
    (kind, rank, body)
    for kind, (ranks, *_) in forward_peers.PEERS.items()
    for rank in ranks
    for body in BODIES
    if (kind, rank) != ("locally_connected", 3)  # PyTorch's unfold is for images
]


TWINS = [case for case in RUN if case.torch and case.kind not in torch_memory.PEERS]
"""Of kinds that no table of PyTorch's knows, the worked layers."""

WORKED = [*TWINS, *(case for case in RUN if case.torch and case.kind in ("selu", "gelu", "slice"))]
"""And some that a table knows, to try the way that the others take."""


def test_every_kind_has_a_peer() -> None:
    assert {*torch_memory.PEERS} | {case.kind for case in TWINS} == set(CATALOGUE)


def test_worked_layers_take_what_their_twins_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the way that kinds take which have no more than their row."""
    for case in WORKED:
        monkeypatch.delitem(torch_memory.PEERS, case.kind, raising=False)
        net = loads(f"input: {case.inputs}\nlayers:\n  - {case.item}\n  - flatten\n  - linear: 2\n")
        for what, (ours, theirs) in compared(net, 2, inplace=False).items():
            assert ours == theirs, (what, str(case))


def test_worked_layers_whose_input_does_not_lie_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind with no more than its row: exact, or named by analysis/memory/differences.py."""
    for case in WORKED:
        rank = case.shapes[0].rank
        monkeypatch.delitem(torch_memory.PEERS, case.kind, raising=False)
        for body in LAID_OUT.values() if rank and len(case.shapes) == 1 else ():
            turned, last = list(range(rank + 1, 0, -1)), [rank + 1, *range(1, rank + 1)]
            layers = body.format(item=case.item, turned=turned, last=last)
            text = f"input: {case.inputs}\nrounding: floor\nlayers:\n{layers}"
            try:
                net = loads(text)
            except ValueError:  # a row is for its own shape, and a turned one may not suit it
                continue
            for batch in (2, 3):
                is_exact_or_said(net, batch, inplace=False, text=text)


def body_of(kind: str, body: str) -> str:
    """What follows a layer; what looks up stands first, and alone reads the input."""
    text = BODIES[body]
    return text.replace("  - scale\n", "", 1).replace("[flatten], ", "") if kind == LOOKUP else text


def named(net: Network, batch: int) -> set[str]:
    """The reasons for which layers are said not to be exact."""
    return {each.reason for each in memory(net, batch=batch).inexact}


@pytest.mark.parametrize(("kind", "rank", "body"), CASES)
def test_every_kind_to_the_byte(kind: str, rank: int, body: str) -> None:
    random = Random(f"{kind} {rank} {body}")  # noqa: S311 (tests repeat)
    for time in range(TIMES):
        found = drawn(random, kind, rank)
        if found is None:
            return
        item, x = found
        size = "x".join(map(str, (*x.spatial, x.channels)))
        text = f"input: {size}\nrounding: floor\nlayers:\n"
        text += body_of(kind, body).format(item=item)
        try:
            net = loads(text)
        except ValueError:
            continue
        batch, inplace = 2 + time % 2, bool(time % 2)
        if named(net, batch) & {PARTS_OF_ONE, PARTS_IN_ORDER}:  # for these very reasons alone
            is_exact_or_said(net, batch, inplace=inplace, text=text)
            continue
        tolerance = NOT_EXACT.get(kind, NOT_EXACT["circular"] if "circular" in item else 0)
        for what, (ours, theirs) in compared(net, batch, inplace=inplace).items():
            if not tolerance or what in PEAKS:
                assert abs(ours - theirs) <= tolerance * theirs, (what, ours, theirs, text)


LAID_OUT = {
    "channels last": "  - layernorm\n  - {item}\n  - flatten\n  - linear: 3\n",
    "channels last, convolved": "  - layernorm\n  - {item}\n"
    "  - conv: {{filters: 4, kernel: 1}}\n  - flatten\n  - linear: 3\n",
    "turned": "  - scale\n  - permute: {turned}\n  - {item}\n  - flatten\n  - linear: 3\n",
    "permuted to channels last": "  - scale\n  - permute: {last}\n  - {item}\n  - flatten\n"
    "  - linear: 3\n",
}
"""How what a layer reads may lie in memory otherwise than in order."""


def is_exact_or_said(net: Network, batch: int, *, inplace: bool, text: str) -> None:
    """Every figure is PyTorch's, or the report says which layer, which way."""
    told = memory(net, batch=batch, inplace=inplace).inexact
    if not untrained(net):
        told += memory(net, batch=batch, inplace=inplace, training=True).inexact
    for what, (ours, theirs) in compared(net, batch, inplace=inplace).items():
        if ours != theirs:
            assert any(random_networks.said(each, what, theirs - ours) for each in told), (
                what,
                ours,
                theirs,
                told,
                text,
            )


@pytest.mark.parametrize("lies", LAID_OUT)
@pytest.mark.parametrize(
    ("kind", "rank"),
    [(kind, rank) for kind, (ranks, *_) in forward_peers.PEERS.items() for rank in ranks if rank],
)
def test_layers_whose_input_does_not_lie_in_order(kind: str, rank: int, lies: str) -> None:
    """What a layer makes of values that lie otherwise: exact, or said of it."""
    if (kind, rank) == ("locally_connected", 3):
        return
    random = Random(f"{kind} {rank} {lies}")  # noqa: S311 (tests repeat)
    turned, last = list(range(rank + 1, 0, -1)), [rank + 1, *range(1, rank + 1)]
    found = drawn(random, kind, rank)
    if found is None:
        return
    item, x = found
    size = "x".join(map(str, (*x.spatial, x.channels)))
    body = LAID_OUT[lies].format(item=item, turned=turned, last=last)
    text = f"input: {size}\nrounding: floor\nlayers:\n{body}"
    try:
        net = loads(text)
    except ValueError:
        return
    batch = max(random.randint(1, 3), fewest(net, training=True).batch)
    try:
        is_exact_or_said(net, batch, inplace=random.random() < 1 / 2, text=text)
    except RuntimeError as error:
        refused = any(words in str(error) for words in random_networks.REFUSALS)
        assert refused, (error, text)  # noqa: PT017 (PyTorch refuses some)


BY_POSITION = {
    "in order": "",
    "behind a norm of everything": "  - layernorm: {{over: all}}\n",
    "behind rows": "  - layernorm\n",
    "behind a norm whose gradient comes in rows": "  - scale\n  - groupnorm: 1\n",
    "turned": "  - permute: {turned}\n",
}
"""What stands before a linear layer at each position."""
POSITIONS = ["4x5", "1x5", "4x1", "1x3x4", "2x1x5", "2x2x3", "1x1x2x5"]


@pytest.mark.parametrize("before", BY_POSITION)
@pytest.mark.parametrize("batch", [1, 2])
def test_a_linear_layer_at_each_position(before: str, batch: int) -> None:
    """One example is rows of channels as it is, in order or not, and has no copy."""
    for size in POSITIONS:
        turned = list(range(size.count("x") + 1, 0, -1))
        for features, bias in ((1, "false"), (6, "true"), (1, "true"), (6, "false")):
            item = f"linear: {{features: {features}, axis: channels, bias: {bias}}}"
            text = (
                f"input: {size}\nlayers:\n{BY_POSITION[before].format(turned=turned)}"
                f"  - {item}\n  - tanh\n  - flatten\n  - linear: 2\n"
            )
            net = loads(text)
            is_exact_or_said(net, batch, inplace=True, text=text)
            if before == "in order":
                assert not memory(net, batch=batch, training=True).inexact


@pytest.mark.parametrize("pool", ["global_maxpool", "global_avgpool", "adaptive_maxpool: 1"])
@pytest.mark.parametrize("again", ["adaptive_maxpool: 2", "adaptive_avgpool: 3"])
def test_one_position_left_of_rows_is_pooled_to_several(pool: str, again: str) -> None:
    for size in ("3x6", "1x5", "2x1", "3x2x4"):
        text = (
            f"input: {size}\nlayers:\n  - linear: {{features: 7, axis: channels}}\n  - {pool}\n"
            f"  - {again}\n  - instancenorm\n  - flatten\n  - linear: 3\n"
        )
        for batch in (1, 2):
            is_exact_or_said(loads(text), batch, inplace=False, text=text)


NOT_IN_ORDER = "input: 4x4x4\nlayers:\n  - layernorm\n"
SAID = {
    "locally_connected: {filters: 2, kernel: 3}": "locally_connected1",
    "pad: {padding: 1, mode: circular}": "pad1",
    "conv: {filters: 2, kernel: 3, padding: 1, padding_mode: circular}": "conv1",
    "permute: [2, 1, 3]": "permute1",
    "groupnorm: 2": "",
    "relu": "",
    "gelu": "",
    "maxpool: 2": "",
    "conv: {filters: 4, kernel: 3}": "",
    "instancenorm": "",
    "pad: {padding: 3, mode: replicate}": "",
}


@pytest.mark.parametrize("item", SAID)
def test_only_what_is_not_exact_is_said(item: str) -> None:
    net = loads(f"{NOT_IN_ORDER}  - {item}\n  - flatten\n  - linear: 3\n")
    told = memory(net, batch=2, training=True).inexact
    assert [each.layer for each in told] == [name for name in [SAID[item]] if name]


@pytest.mark.parametrize("name", ["convnext_tiny", "resnet50", "unet", "densenet121"])
def test_nothing_is_said_of_networks_that_are_exact(name: str) -> None:
    for training in (True, False):
        assert memory(load(name), training=training).inexact == ()


def test_padding_keeps_the_layout() -> None:
    """A border that mirrors or repeats lies channels last if its input does, and so on behind it.

    The forward peak is PyTorch's, measured: 17,660.
    """
    net = loads(
        "input: 4x4x4\nrounding: floor\nlayers:\n  - layernorm\n"
        "  - pad: {padding: 3, mode: replicate}\n"
        "  - conv: {filters: 6, kernel: 3, stride: [3, 1], padding: [[1, 0], [3, 3]], groups: 2, "
        "bias: false, padding_mode: reflect}\n  - flatten\n  - linear: 3\n"
    )
    assert memory(net, batch=2, training=True).forward_peak == 17_660


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("bias", ["true", "false"])
def test_gradients_of_a_shared_linear_layer_add_up_in_a_new_array(batch: int, bias: str) -> None:
    net = loads(
        "input: 20\nlayers:\n  - linear: 30\n  - repeat: 3\n    shared: true\n"
        f"    layers: [{{linear: {{features: 30, bias: {bias}}}}}, relu]\n  - linear: 3\n"
    )
    for what, (ours, theirs) in compared(net, batch, inplace=True).items():
        assert ours == theirs, (what, ours, theirs)


@pytest.mark.parametrize("item", ["conv: {filters: 4, kernel: 3}", "linear: 9"])
@pytest.mark.parametrize("batch", [1, 3])
def test_two_towers_have_one_gradient_for_their_weights(item: str, batch: int) -> None:
    size = "8x8x4" if "conv" in item else "20"
    tower = f"{{{item}}}, tanh, {{{item}}}, relu, " + ("flatten" if "conv" in item else "silu")
    net = loads(
        f"input: {size}\nlayers:\n  - scale\n  - {{layers: [{tower}], name: left}}\n"
        f"  - {{layers: [{tower}], name: right, from: scale1, weights: left}}\n"
        "  - subtract: [[from: left], [from: right]]\n  - linear: 2\n"
    )
    for inplace in (False, True):
        for what, (ours, theirs) in compared(net, batch, inplace=inplace).items():
            assert ours == theirs, (what, ours, theirs)


@pytest.mark.parametrize("first", ["conv", "conv_transpose"])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_convolution_and_its_transpose_have_one_gradient(first: str, batch: int) -> None:
    other = "conv" if first == "conv_transpose" else "conv_transpose"
    net = loads(
        "input: 9x9x4\nlayers:\n"
        f"  - {{name: there, {first}: {{filters: 6, kernel: 3, padding: 1}}}}\n  - relu\n"
        f"  - {{{other}: {{filters: 4, kernel: 3, bias: false}}, weights: there}}\n  - tanh\n"
        f"  - {{{first}: {{filters: 6, kernel: 3}}, weights: there}}\n"
    )
    for inplace in (False, True):
        for what, (ours, theirs) in compared(net, batch, inplace=inplace).items():
            assert ours == theirs, (what, ours, theirs)


@pytest.mark.parametrize("norm", ["groupnorm: 2", "instancenorm", "instancenorm: {affine: true}"])
@pytest.mark.parametrize("batch", [2, 8])
@pytest.mark.parametrize("inplace", [True, False])
def test_normalization_of_a_slice_keeps_its_copy(norm: str, batch: int, *, inplace: bool) -> None:
    first, second = "{slice: {start: 0, stop: 4}}", "{slice: {start: 4, stop: 8}}"
    net = loads(
        "input: 8x8x3\nlayers:\n  - conv: {filters: 8, kernel: 3, padding: 1}\n"
        f"  - concat: [[{first}, {{{norm}}}], [{second}, hardswish]]\n"
        "  - flatten\n  - linear: 5\n"
    )
    alone = loads(
        "input: 8x8x3\nlayers:\n  - conv: {filters: 8, kernel: 3, padding: 1}\n"
        f"  - {first}\n  - {norm}\n  - flatten\n  - linear: 5\n"
    )
    for each in (net, alone):
        for what, (ours, theirs) in compared(each, batch, inplace=inplace).items():
            assert ours == theirs, (what, ours, theirs)


IN_PLACE = [
    "relu",
    "relu6",
    "leaky_relu: 0.2",
    "leaky_relu: -0.2",
    "elu",
    "elu: -1",
    "selu",
    "silu",
    "mish",
    "hardsigmoid",
    "hardswish",
]
"""Every kind that can overwrite its input, with slopes of which PyTorch refuses one."""
BEFORE = [
    "batchnorm",
    "batchnorm: {track_running_stats: false}",
    "groupnorm: 2",
    "layernorm",
    "layernorm: {over: all}",
    "instancenorm",
    "instancenorm: {affine: true}",
    "instancenorm: {track_running_stats: true}",
    "instancenorm: {affine: true, track_running_stats: true}",
    "lrn: 3",
    "scale",
    "dropout: 0",
    "dropout: 0.5",
    "maxpool: 2",
    "avgpool: 2",
    "lppool: 2",
    "adaptive_maxpool: 2",
    "adaptive_avgpool: 2",
    "channel_shuffle: 2",
    "slice: {stop: 3}",
    "slice: {start: 0}",
    "crop: {amount: 1}",
    "crop: {amount: 0}",
    "flatten",
    "flatten: {start: 2}",
    "reshape: [-1, 2]",
    "permute",
]
"""What may stand before them: every normalization, and whatever gives a view."""
MAPS = {1: "8", 2: "6x6", 3: "4x4x4"}


def test_every_activation_that_can_work_in_place_is_tried() -> None:
    overwriting = {kind for kind in CATALOGUE if layer_class(kind).overwrites}
    assert {item.split(":")[0] for item in IN_PLACE} == overwriting
    norms = {kind for kind in CATALOGUE if kind.endswith("norm") or kind == "lrn"} - {"l2norm"}
    assert norms <= {item.split(":")[0] for item in BEFORE}


@pytest.mark.parametrize("rank", MAPS)
@pytest.mark.parametrize("before", BEFORE)
def test_in_place_behind_every_normalization_and_view(before: str, rank: int) -> None:
    """Autograd rewrites the history of a view that is overwritten, and of what it is a view of."""
    turned = list(range(rank + 1, 0, -1))
    before = before.replace("permute", f"permute: {turned}")
    for number, activation in enumerate(IN_PLACE):
        again = ["", "  - hardswish\n"][number % 2]  # twice in the same place
        net = loads(
            f"input: {MAPS[rank]}x3\nlayers:\n  - conv: {{filters: 8, kernel: 3, padding: 1}}\n"
            f"  - {before}\n  - {activation}\n{again}  - scale\n  - flatten\n  - linear: 2\n"
        )
        for what, (ours, theirs) in compared(net, 2, inplace=True).items():
            assert ours == theirs, (what, ours, theirs, activation)


def test_in_place_where_others_read_the_view_or_the_whole() -> None:
    """Gradients of the whole, of the view before it was overwritten, and of what it became."""
    activations = random_choices(["relu", "relu6", "selu", "hardsigmoid", "silu"], "in place")
    for first, second in [*zip(activations, activations, strict=False)][:40]:
        net = loads(
            "input: 6x6x3\nlayers:\n  - conv: {filters: 8, kernel: 3, padding: 1}\n"
            "  - concat: [[{upsample: 1}], [{slice: {stop: 6}}, "
            f"{{concat: [[{{upsample: 1}}], [{first}, {second}]]}}, {first}]]\n"
            f"  - instancenorm\n  - add: [[scale], [{{upsample: 1}}], [{second}, {first}]]\n"
            "  - flatten\n  - linear: 2\n"
        )
        for what, (ours, theirs) in compared(net, 3, inplace=True).items():
            assert ours == theirs, (what, ours, theirs, first, second)


def random_choices(items: list[str], seed: str) -> list[str]:
    return Random(seed).choices(items, k=80)  # noqa: S311 (tests repeat)


NORMS = [item for item in BEFORE if "norm" in item]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("size", ["4", "1x4", "1x1x4", "1x1x1x4", "2x1x4"])
@pytest.mark.parametrize("norm", [*NORMS, "groupnorm: 4"])
def test_batches_that_pytorch_refuses_are_refused(
    norm: str, size: str, batch: int, *, training: bool
) -> None:
    """One value alone has no variance: of a group, of a channel of an example, of a batch."""
    text = f"input: {size}\nlayers:\n  - scale\n  - {norm}\n  - flatten\n  - linear: 2\n"
    net = read_text(SourceText("net.yaml", text))
    if net.errors:
        assert {each.code for each in net.errors} == {"CC314"}  # whatever the batch
        return
    peer = torch_memory.Peer(net, batch, "cpu")
    try:
        peer.run(torch_memory.Flags(training=training), lambda _: False)
    except ValueError:
        with pytest.raises(SpecError, match=rf"CC513 .* batch of {batch}.* that works is 2"):
            memory(net, batch=batch, training=training)
        assert largest_batch(net, 10**6, training=training) > batch
        least = memory(net, batch=batch + 1, training=training).peak
        assert largest_batch(net, f"{least - 1}B", training=training) == 0
        assert largest_batch(net, f"{least}B", training=training) == batch + 1
    else:
        assert memory(net, batch=batch, training=training).peak > 0
        peak = memory(net, batch=batch, training=training).peak
        assert largest_batch(net, f"{peak}B") >= batch


def test_what_was_measured_on_instance_normalization() -> None:
    """CycleGAN's way of it: torch.nn.InstanceNorm2d, then torch.nn.ReLU(inplace=True)."""
    net = loads(
        "input: 8x8x3\nlayers:\n  - conv: {filters: 16, kernel: 3, padding: 1}\n"
        "  - instancenorm\n  - relu\n  - conv: {filters: 16, kernel: 3, padding: 1}\n"
        "  - instancenorm\n  - relu\n  - flatten\n  - linear: 2\n"
    )
    report = memory(net, batch=8, training=True)
    assert report.forward_peak == 158_736
    assert report.after_forward == 158_672
    assert report.backward_peak == 297_880


ZOO = [
    "densenet121",
    "shufflenet_v2_x1_0",
    "squeezenet1_1",
    "mobilenet_v3_small",
    "efficientnet_b0",
    "convnext_tiny",
    "se_resnet50",
    "unet",
]


@pytest.mark.parametrize("name", ZOO)
def test_whole_networks_to_the_byte(name: str) -> None:
    net = load(name)
    for batch, inplace in ((1, True), (2, False)):
        training = memory(net, batch=batch, inplace=inplace, training=True)
        in_place = {layer.name for layer in training.layers if layer.in_place}
        measured = torch_memory.training(net, batch, partial(_among, net, in_place))
        assert training.kept == measured.saved
        assert training.after_forward == measured.after_forward
        assert training.forward_peak == measured.forward_peak
        assert training.backward_peak == measured.backward_peak


UNDONE = {
    "one pool that is undone twice": """
input: 13x9x3
rounding: ceil
layers:
  - relu
  - {name: p, maxpool: 2}
  - {name: r, relu: }
  - {name: u, maxunpool: p}
  - {name: v, from: p, maxunpool: p}
  - multiply: [[from: u], [from: v]]
  - conv: {filters: 2, kernel: 3}
""",
    "in blocks, and of weights that are shared": """
input: 12x12x4
blocks:
  unit:
    layers:
      - {name: pool, maxpool: {kernel: incoming.height // 2}}
      - conv: {filters: incoming.channels, kernel: 1}
      - maxunpool: {indices: pool}
layers:
  - {unit: , repeat: 2}
  - {unit: , repeat: 2, shared: true}
""",
    "one in another": """
input: 12x8x3
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
  - {name: p, maxpool: 2}
  - relu
  - {name: q, maxpool: 2}
  - tanh
  - maxunpool: q
  - batchnorm
  - maxunpool: p
  - relu
""",
    "of a sequence, a view of which is overwritten": """
input: 9x1
rounding: floor
layers:
  - {name: p, maxpool: 2}
  - scale
  - maxunpool: p
  - elu
""",
}


@pytest.mark.parametrize("name", UNDONE)
def test_indices_of_undone_pools_to_the_byte(name: str) -> None:
    net = loads(UNDONE[name])
    for batch, inplace in ((1, True), (3, False)):
        figures = compared(net, batch, inplace=inplace)
        assert all(predicted == measured for predicted, measured in figures.values()), figures


OPTIMIZERS: dict[str, Any] = {
    "sgd": partial(torch.optim.SGD, lr=0.1),
    "momentum": partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    "nesterov": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "adagrad": partial(torch.optim.Adagrad, lr=0.1),
    "rmsprop": partial(torch.optim.RMSprop, lr=0.1),
    "adam": partial(torch.optim.Adam, lr=0.1),
    "adamw": partial(torch.optim.AdamW, lr=0.1),
}


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("optimizer", RULES)
def test_every_optimizer_to_the_byte(optimizer: str, *, fused: bool) -> None:
    net = load("lenet5")
    report = memory(net, batch=3, training=True, optimizer=optimizer, fused=fused)
    measured = torch_memory.training(
        net,
        3,
        lambda index: report.layer(net.nodes[index].name).in_place,
        partial(OPTIMIZERS[optimizer], foreach=fused),
        device="cpu",
    )
    assert report.step_peak == measured.step_peak
    assert report.peak == max(measured.forward_peak, measured.backward_peak, measured.step_peak)


CHECKPOINTED = """
input: 6x6x3
layers:
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: a}
  - {batchnorm: {}, name: b}
  - {relu: {}, name: c}
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: d}
  - {silu: {}, name: e}
  - {dropout: 0.5, name: f}
  - {concat: [[{conv: {filters: 4, kernel: 1}}, tanh], [], [{slice: {stop: 2}}, relu6]], name: g}
  - {maxpool: 2, name: h}
  - {flatten: {}, name: i}
  - {linear: 5, name: j}
"""
SEGMENTS = [1, 2, 3, 4, 6, 9, *([name] for name in "abcdefghij"), ["a", "c", "e"], ["g", "h"]]


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("checkpoint", SEGMENTS)
def test_checkpointing_to_the_byte(checkpoint: Any, *, inplace: bool) -> None:
    """Beside torch.utils.checkpoint: one layer, several, branches, and what keeps nothing."""
    net = loads(CHECKPOINTED)
    terms = RunTerms(training=True, checkpoint=checkpoint, inplace=inplace)
    found = model(net, terms).report(3)
    measured = torch_memory.training(
        net,
        3,
        lambda index: found.layer(net.nodes[index].name).in_place,
        device="cpu",
        segments=segments(net, checkpoint),
    )
    assert found.after_forward == measured.after_forward
    assert found.forward_peak == measured.forward_peak
    assert found.backward_peak == measured.backward_peak


# Layers that lead to no output, in the segments and behind them.
NOWHERE = """
input: 4x4x8
layers:
  - conv: {filters: 8, kernel: 1}
  - relu
  - conv: {filters: 8, kernel: 1}
  - relu
  - conv: {filters: 8, kernel: 1}
  - mish
outputs: [OUTPUTS]
"""
# The indices of the first pool are made where nothing learns.
UNLEARNT = """
input: 4x4x6
layers:
  - {name: pool, maxpool: 2}
  - relu
  - {maxunpool: pool}
  - mish
  - flatten
  - linear: 4
"""


@pytest.mark.parametrize(
    ("spec", "checkpoint"),
    [
        (NOWHERE.replace("OUTPUTS", "conv2"), ["relu1..relu2"]),
        (NOWHERE.replace("OUTPUTS", "conv2, relu1"), ["relu1..relu2", "conv3..mish1"]),
        (NOWHERE.replace("OUTPUTS", "relu1"), ["relu1..relu2"]),
        (NOWHERE.replace("OUTPUTS", "relu1"), ["conv2..relu2"]),
        (NOWHERE.replace("OUTPUTS", "relu1"), 1),
        (NOWHERE.replace("OUTPUTS", "relu1"), 2),
        (UNLEARNT, ["maxunpool1..mish1"]),
        (UNLEARNT, ["relu1..maxunpool1"]),
        (UNLEARNT, 2),
        (UNLEARNT + "outputs: [relu1]", 3),
    ],
)
def test_checkpointing_what_leads_nowhere_to_the_byte(spec: str, checkpoint: Any) -> None:
    """It runs again with all that was saved behind it, and what it starts from lives with it."""
    net = loads(spec)
    found = model(net, RunTerms(training=True, checkpoint=checkpoint, inplace=False)).report(3)
    measured = torch_memory.training(
        net, 3, lambda _: False, device="cpu", segments=segments(net, checkpoint)
    )
    assert not found.inexact
    assert found.after_forward == measured.after_forward
    assert found.forward_peak == measured.forward_peak
    assert max(found.backward_peak, found.after_forward) == measured.backward_peak


@pytest.mark.parametrize("shape", ["4x4x4x6", "4x4x6", "8x6"])
def test_of_a_volume_an_undone_pool_lies_in_order(shape: str) -> None:
    """So that flatten is a view of it: max_unpool3d's output does not lie channels last."""
    layers = ("layernorm", "{name: pool, maxpool: 2}", "maxunpool: pool", "hardswish", "flatten")
    items = "".join(f"  - {each}\n" for each in (*layers, "linear: 3"))
    net = loads(f"input: {shape}\nlayers:\n{items}")
    for batch in (1, 2):
        found = model(net, RunTerms(training=True, inplace=False)).report(batch)
        measured = torch_memory.training(net, batch, lambda _: False, device="cpu")
        assert found.forward_peak == measured.forward_peak
        assert found.backward_peak == measured.backward_peak


@pytest.mark.parametrize(
    ("shape", "order"), [("4x4x4x6", [4, 1, 2, 3]), ("4x4x6", [3, 1, 2]), ("8x6", [2, 1])]
)
def test_an_undone_pool_whose_output_is_turned_to_the_byte(shape: str, order: list[int]) -> None:
    """What undoes it looks its gradient up in a copy that lies as its output does."""
    layers = (
        "scale",
        "{name: pool, maxpool: 2}",
        "maxunpool: pool",
        f"permute: {{order: {order}}}",
    )
    items = "".join(f"  - {each}\n" for each in (*layers, "flatten", "{name: z, linear: 3}"))
    net = freeze(loads(f"input: {shape}\nlayers:\n{items}"), ["z"])
    for batch in (1, 3):
        found = memory(net, batch=batch, training=True, inplace=False)
        measured = torch_memory.training(net, batch, lambda _: False, device="cpu")
        assert not found.inexact
        assert found.forward_peak == measured.forward_peak
        assert found.backward_peak == measured.backward_peak


@pytest.mark.parametrize("shape", ["4x4x4x6", "4x4x6", "8x6"])
@pytest.mark.parametrize(
    "layers",
    [
        ("{name: pool, maxpool: 2}", "layernorm: {over: channels}", "maxunpool: pool"),
        (
            "layernorm: {over: channels}",
            "{name: pool, maxpool: 2}",
            "instancenorm",
            "maxunpool: pool",
            "slice: {stop: 3}",
        ),
    ],
)
def test_gradients_are_looked_up_where_the_indices_lie(shape: str, layers: tuple[str, ...]) -> None:
    """Which lie as the pool's output does, and not as what is undone."""
    items = "".join(
        f"  - {each}\n" for each in ("scale", *layers, "flatten", "{name: z, linear: 3}")
    )
    net = freeze(loads(f"input: {shape}\nlayers:\n{items}"), ["z"])
    for batch in (1, 3):
        found = memory(net, batch=batch, training=True, inplace=False)
        measured = torch_memory.training(net, batch, lambda _: False, device="cpu")
        assert not found.inexact
        assert found.forward_peak == measured.forward_peak
        assert found.backward_peak == measured.backward_peak


@pytest.mark.parametrize("first", ["upsample1", "avgpool1", "flatten1"])
def test_what_runs_again_for_an_overwritten_view_to_the_byte(first: str) -> None:
    """It does so beside the whole's gradient, its copy, and the copy of the view's part."""
    layers = ("upsample: 4", "avgpool: 4", "scale", "flatten", "relu")
    items = "".join(f"  - {each}\n" for each in (*layers, "linear: 2"))
    net = loads(f"input: 4x4x2\nlayers:\n{items}")
    checkpoint = [f"{first}..relu1"]
    found = memory(net, batch=3, training=True, checkpoint=checkpoint)
    measured = torch_memory.training(
        net,
        3,
        lambda index: found.layer(net.nodes[index].name).in_place,
        device="cpu",
        segments=segments(net, checkpoint),
    )
    assert found.forward_peak == measured.forward_peak
    assert found.backward_peak == measured.backward_peak


def test_what_adds_where_it_runs_again_makes_an_array() -> None:
    """As in its first run: only autograd itself adds gradients in place."""
    net = loads("input: 6x6x4\nlayers:\n  - add: [[tanh], []]\n  - maxpool: 3\n  - batchnorm\n")
    checkpoint = ["tanh1..batchnorm1"]
    found = memory(net, batch=1, training=True, checkpoint=checkpoint, inplace=False)
    measured = torch_memory.training(
        net, 1, lambda _: False, device="cpu", segments=segments(net, checkpoint)
    )
    assert found.backward_peak == measured.backward_peak


@pytest.mark.parametrize("outputs", ["tanh1, add1, learned1", "learned1, add1, tanh1"])
def test_what_is_learned_as_an_output_to_the_byte(outputs: str) -> None:
    """Its gradient is summed once all losses went back, in whichever order they stand."""
    layers = ("scale", "tanh", "add: [[], [{learned: [6, 6, 8]}]]")
    items = "".join(f"  - {each}\n" for each in layers)
    net = loads(f"input: 6x6x8\nlayers:\n{items}outputs: [{outputs}]\n")
    for batch in (1, 2, 3):
        terms = RunTerms(training=True, inplace=False, loss="mean-squared-error")
        found = model(net, terms).report(batch)
        measured = torch_memory.training(
            net, batch, lambda _: False, device="cpu", loss=torch.nn.functional.mse_loss
        )
        assert found.after_forward == measured.after_forward
        assert found.backward_peak == measured.backward_peak


@pytest.mark.parametrize("layer", ["linear: 3", "l2norm: {affine: true}\n  - linear: 3"])
def test_a_bias_of_a_segment_is_said(layer: str) -> None:
    """Its gradient is summed when what the layer read is gone: 392 here, and 380 in PyTorch."""
    net = loads(f"input: 8\nlayers:\n  - selu\n  - {layer}\n")
    checkpoint = ["selu1..linear1"]
    found = model(net, RunTerms(training=True, checkpoint=checkpoint, inplace=False)).report(2)
    measured = torch_memory.training(
        net, 2, lambda _: False, device="cpu", segments=segments(net, checkpoint)
    )
    assert found.backward_peak >= measured.backward_peak
    assert {each.direction for each in found.inexact} <= {"lower", "higher or lower"}
    assert "linear1" in {each.layer for each in found.inexact}


HALF = """
input: 16x16x3
rounding: floor
layers:
  - conv: {filters: 8, kernel: 3, padding: 1, bias: false}
  - batchnorm
  - relu
  - add:
      - - conv: {filters: 8, kernel: 3, padding: 1}
        - relu6
        - conv: {filters: 8, kernel: 1}
      - []
  - maxpool: 2
  - concat: [[{conv: {filters: 4, kernel: 1}}, relu], [silu]]
  - global_avgpool
  - flatten
  - linear: 32
  - tanh
  - dropout: 0.5
  - linear: 10
"""


def compared_in_half(
    net: Network, batch: int, *, inplace: bool = True
) -> dict[str, tuple[int, int]]:
    """Each figure of a training step in mixed precision on the CPU: predicted and measured."""
    terms = RunTerms(training=True, mixed_precision=True, inplace=inplace, device="cpu")
    found = model(net, terms).report(batch)
    measured = torch_memory.training(
        net,
        batch,
        lambda index: found.layer(net.nodes[index].name).in_place,
        device="cpu",
        half=True,
    )
    return {
        "kept": (found.kept, measured.saved),
        "after forward": (found.after_forward, measured.after_forward),
        "forward": (found.forward_peak, measured.forward_peak),
        "backward": (found.backward_peak, measured.backward_peak),
    }


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("batch", [1, 4, 16])
def test_mixed_precision(batch: int, *, inplace: bool) -> None:
    for what, (ours, theirs) in compared_in_half(loads(HALF), batch, inplace=inplace).items():
        assert ours == theirs, (what, ours, theirs)


def test_what_only_cuda_computes_in_float32_is_named() -> None:
    """The default is the CPU, whose autocast takes less; who means a GPU is told so."""
    plain, norm = (
        loads(f"input: 8x8x3\nlayers:\n  - conv: {{filters: 4, kernel: 1}}\n{more}")
        for more in ("", "  - layernorm\n")
    )
    terms = RunTerms(training=True, mixed_precision=True)
    assert not any("cuda" in each for each in model(plain, terms).report(1).not_included)
    on_cpu = model(norm, terms).report(1)
    on_cuda = model(norm, terms._replace(device="cuda")).report(1)
    assert any("device cuda" in each for each in on_cpu.not_included)
    assert not any("device cuda" in each for each in on_cuda.not_included)
    # The norm's input of 8·8·4 values has a copy in float32, and its statistics are float32 anyway.
    assert on_cuda.kept >= on_cpu.kept + 2 * 8 * 8 * 4


FIRST = {
    "linear": "input: 24\nlayers:\n  - linear: 16\n  - relu\n  - linear: 10\n",
    "linear without bias": "input: 24\nlayers:\n  - linear: {features: 16, bias: false}\n"
    "  - linear: 10\n",
    "conv": "input: 6x6x3\nlayers:\n  - conv: {filters: 4, kernel: 3}\n  - flatten\n"
    "  - linear: 2\n",
    "linear behind what does not learn": "input: 6x6x3\nlayers:\n  - maxpool: 2\n  - tanh\n"
    "  - flatten\n  - linear: 16\n  - linear: 2\n",
    "conv behind what does not learn": "input: 6x6x3\nlayers:\n  - maxpool: 2\n  - tanh\n"
    "  - conv: {filters: 4, kernel: 1}\n  - global_avgpool\n",
    "conv_transpose": "input: 6x6x3\nlayers:\n  - conv_transpose: {filters: 4, kernel: 3}\n"
    "  - global_avgpool\n",
    "prelu": "input: 6x6x3\nlayers:\n  - prelu\n  - global_avgpool\n",
    "the same linear twice": "input: 8\nlayers:\n  - repeat: 3\n    shared: true\n"
    "    layers: [{linear: 8}, relu]\n  - linear: 2\n",
    "the same conv twice": "input: 6x6x3\nlayers:\n  - conv: {filters: 4, kernel: 1}\n"
    "  - repeat: 3\n    shared: true\n    layers: [{conv: {filters: 4, kernel: 1}}, silu]\n"
    "  - global_avgpool\n",
}
"""What a network may begin with: does its first weight's copy have a use in the backward pass?"""


@pytest.mark.parametrize("name", FIRST)
def test_which_copies_of_weights_mixed_precision_keeps(name: str) -> None:
    for what, (ours, theirs) in compared_in_half(loads(FIRST[name]), 5).items():
        assert ours == theirs, (what, ours, theirs)


@pytest.mark.parametrize(("kind", "rank"), dict.fromkeys((kind, rank) for kind, rank, _ in CASES))
def test_every_kind_in_mixed_precision(kind: str, rank: int) -> None:
    """Given float32, as the network's input is, and given half precision."""
    random = Random(f"half {kind} {rank}")  # noqa: S311 (tests repeat)
    for number, body in enumerate(BODIES):
        drawing = drawn(random, kind, rank)
        if drawing is None:
            continue
        item, x = drawing
        size = "x".join(map(str, (*x.spatial, x.channels)))
        text = f"input: {size}\nrounding: floor\nlayers:\n" + body_of(kind, body).format(item=item)
        if number % 2:
            half = f"conv: {{filters: {x.channels}, kernel: 1}}"
            half = half if x.spatial else f"linear: {x.channels}"
            text = text.replace("  - scale\n", f"  - {half}\n", 1)
        net = read_text(SourceText("net.yaml", text))
        if net.errors or untrained(net):
            continue
        tolerance = NOT_EXACT.get(kind, NOT_EXACT["circular"] if "circular" in item else 0)
        tolerance = tolerance or HALF_NOT_EXACT.get(kind, 0)
        for what, (ours, theirs) in compared_in_half(net, 2 + number % 2).items():
            if not tolerance or what in PEAKS:
                assert abs(ours - theirs) <= tolerance * theirs, (what, ours, theirs, text)


# -- for those without PyTorch -----------------------------------------------------------------


def row(net: Network, text: str, batch: int, *, inplace: bool) -> dict[str, Any]:
    """A network to record, with what PyTorch takes for it."""
    theirs = {
        what: measured for what, (_, measured) in compared(net, batch, inplace=inplace).items()
    }
    return {
        "spec": text,
        "batch": batch,
        "inplace": inplace,
        "overwritten": {
            str(training): [
                layer.name
                for layer in memory(net, batch=batch, inplace=inplace, training=training).layers
                if layer.in_place
            ]
            for training in ([False] if untrained(net) else [False, True])
        },
        "bytes": theirs,
    }


STEPS = {
    "the first tensor is the largest": "input: 40\nlayers: [linear: 9, relu, linear: 3]\n",
    "the last tensor is the largest": "input: 2\nlayers: [linear: {features: 3, bias: false}, "
    "relu, linear: {features: 50, bias: false}]\n",
    "one tensor": "input: 7\nlayers: [linear: {features: 5, bias: false}]\n",
    "the largest follows a large one": "input: 8x8x2\nlayers:\n"
    "  - conv: {filters: 3, kernel: 3}\n  - batchnorm\n  - flatten\n"
    "  - linear: {features: 9, bias: false}\n  - linear: {features: 100, bias: false}\n",
}
"""Networks whose tensors differ in order and size, which is what a step tensor by tensor feels."""


def steps() -> Iterator[dict[str, Any]]:
    """What PyTorch's optimizers allocate while they step."""
    for text in STEPS.values():
        for optimizer, make in OPTIMIZERS.items():
            for fused in (False, True):
                measured = torch_memory.training(
                    loads(text), 2, lambda _: False, partial(make, foreach=fused), device="cpu"
                )
                yield {
                    "spec": text,
                    "optimizer": optimizer,
                    "fused": fused,
                    "static": measured.static,
                    "step": measured.step_peak,
                }


def halves() -> Iterator[dict[str, Any]]:
    """What mixed precision takes: every kind in every rank, and what a network may begin with."""
    texts = [HALF, *FIRST.values()]
    for number, (kind, rank) in enumerate(dict.fromkeys((kind, rank) for kind, rank, _ in CASES)):
        found = drawn(Random(f"recorded {kind} {rank}"), kind, rank)  # noqa: S311 (tests repeat)
        inexact = NOT_EXACT.keys() | HALF_NOT_EXACT.keys()
        if found is None or kind in inexact or "circular" in found[0]:
            continue
        size = "x".join(map(str, (*found[1].spatial, found[1].channels)))
        body = body_of(kind, list(BODIES)[number % len(BODIES)])
        text = f"input: {size}\nrounding: floor\nlayers:\n" + body.format(item=found[0])
        net = read_text(SourceText("net.yaml", text))
        if not net.errors and untrained(net) is None:
            texts.append(text)
    for number, text in enumerate(texts):
        batch, inplace = 2 + number % 3, bool(number % 2)
        figures = compared_in_half(loads(text), batch, inplace=inplace)
        theirs = {what: measured for what, (_, measured) in figures.items()}
        yield {"spec": text, "batch": batch, "inplace": inplace, "bytes": theirs}


def _among(net: Network, names: set[str], index: int) -> bool:
    return net.nodes[index].name in names


def checkpoints() -> Iterator[dict[str, Any]]:
    """What training takes where segments run again."""
    net = loads(CHECKPOINTED)
    asked: Any
    for number, asked in enumerate(SEGMENTS):
        terms = RunTerms(training=True, checkpoint=asked, inplace=bool(number % 2))
        found = model(net, terms).report(3)
        in_place = {layer.name for layer in found.layers if layer.in_place}
        measured = torch_memory.training(
            net,
            3,
            partial(_among, net, in_place),
            device="cpu",
            segments=segments(net, asked),
        )
        yield {
            "spec": CHECKPOINTED,
            "batch": 3,
            "inplace": terms.inplace,
            "checkpoint": asked,
            "bytes": {
                "after forward": measured.after_forward,
                "forward": measured.forward_peak,
                "backward": measured.backward_peak,
            },
        }


OTHERS = {"optimizers": steps, "half precision": halves, "checkpoints": checkpoints}


@pytest.mark.parametrize("what", recorded.OTHERS)
def test_what_is_recorded_beside_kinds_is_what_torch_takes(what: str) -> None:
    if not os.environ.get("CONVCALC_UPDATE"):
        assert list(OTHERS[what]()) == recorded.memory(what)


def test_what_is_recorded_is_what_torch_takes() -> None:
    if os.environ.get("CONVCALC_UPDATE"):
        cases: dict[str, list[Any]] = {}
        for number, (kind, rank, body) in enumerate(CASES):
            random = Random(f"{kind} {rank} {body}")  # noqa: S311 (tests repeat)
            found = drawn(random, kind, rank)
            if found is None or kind in NOT_EXACT or "circular" in found[0]:
                continue
            size = "x".join(map(str, (*found[1].spatial, found[1].channels)))
            text = f"input: {size}\nrounding: floor\nlayers:\n"
            text += body_of(kind, body).format(item=found[0])
            try:
                net = loads(text)
            except ValueError:
                continue
            made = row(net, text, 2 + number % 3, inplace=body == "followed" or bool(number % 2))
            cases.setdefault(kind, []).append(made)
        others = {what: list(OTHERS[what]()) for what in recorded.OTHERS}
        recorded.write(recorded.MEMORY, {**cases, **others})
    for kept in chain.from_iterable(recorded.networks().values()):
        net = loads(kept["spec"])
        assert row(net, kept["spec"], kept["batch"], inplace=kept["inplace"]) == kept
