"""Memory of the backward pass layer by layer, beside PyTorch's: how gradients lie decides copies.

A peak hides what stands beside it, so that here every layer's own is compared. Networks are drawn
from what lies in rows of channels or makes others do so, is a part of another, or wants a gradient
in some order.
"""

import gc
import json
from functools import partial
from math import prod
from random import Random
from typing import Any

import pytest

from convcalc.analysis.memory import memory
from convcalc.analysis.memory.checkpoint import segments
from convcalc.graph import Network, loads

torch = pytest.importorskip("torch")

import torch_memory  # noqa: E402 (needs torch)

NETWORKS = 20
MOST_VALUES = 1500
"""Values of a map above which a network grows no further."""


class Layered(torch_memory.Meter):
    """A meter that knows which layer runs backward, by the numbers of autograd's nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer: int | str = "loss"
        self.peaks: dict[int | str, int] = {}
        self.layer_of: dict[int, int] = {}
        self.owner: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        node = torch._C._current_autograd_node() if self.backward else None
        if node is not None:
            number = node._sequence_nr()
            if hasattr(node, "variable"):
                self.layer = self.owner.get(id(node.variable), self.layer)
            else:
                self.layer = self.layer_of.get(number, self.layer)
            self.note()
        return super().__torch_dispatch__(func, types, args, kwargs)

    def watch(self, tensor: Any, what: str = "") -> None:
        before = len(self.sizes)
        super().watch(tensor, what)
        if self.backward and len(self.sizes) > before:
            self.note()

    def note(self) -> None:
        self.peaks[self.layer] = max(self.peaks.get(self.layer, 0), self.live)


class Peer(torch_memory.Peer):
    """A network whose meter is told which nodes of autograd each layer makes."""

    meter: Layered

    def spread(self, index: int, value: Any, *, over_batch: bool = True) -> Any:
        first = torch.autograd._get_sequence_nr()
        each = super().spread(index, value, over_batch=over_batch)
        self.made(index, first)
        return each

    def layers(self, part: range, values: Any, flags: Any, in_place: Any) -> None:
        for index in part:
            first = torch.autograd._get_sequence_nr()
            super().layers(range(index, index + 1), values, flags, in_place)
            self.made(index, first)

    def made(self, index: int, first: int) -> None:
        for number in range(first, torch.autograd._get_sequence_nr()):
            self.meter.layer_of.setdefault(number, index)


def measured(net: Network, batch: int, in_place: Any) -> dict[int | str, int]:
    """Most bytes alive while each layer runs backward."""
    peer, meter = Peer(net, batch, "cpu"), Layered()
    peer.meter = meter
    for index, own in enumerate(peer.weights):
        for weight in own.values():
            meter.owner.setdefault(id(weight), index)
    for tensor in peer.tensors():
        meter.watch(tensor)
    with meter:
        loss = peer.loss(in_place, half=False)
        gc.collect(
            1
        )  # what only the peer's own cycles hold; whoever imports the CLI collects rarely
        meter.backward = True
        loss.backward()
        meter.backward = False
        del loss
    return meter.peaks


def in_place(net: Network, report: Any, index: int) -> bool:
    return bool(report.layer(net.nodes[index].name).in_place)


Item = tuple[Any, int, list[int]]
SAME = (
    "relu", "tanh", "silu", "sigmoid", "gelu", "relu6", "prelu", "elu", "abs", "l2norm", "scale",
    "softmax", "layernorm", "batchnorm", {"leaky_relu": 0.1}, {"lrn": {"size": 3}},
    {"layernorm": {"over": "all"}}, {"groupnorm": 1}, {"dropout": 0.5},
)  # fmt: skip
AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def item(random: Random, channels: int, spatial: list[int]) -> Item:
    """An item for a map, and what it makes of it."""
    rank, shape = len(spatial), [*spatial, channels]
    rows = {"linear": {"features": channels, "axis": "channels"}}
    point = {"conv": {"filters": channels, "kernel": 1}}
    own = {"learned": shape}
    branch = random.choice(["relu", "scale", "tanh", rows, point, own])
    axis = random.randrange(rank)
    made: list[Item] = [
        ({"linear": {"features": 3, "axis": "channels"}}, 3, spatial),
        ({"conv": {"filters": 4, "kernel": 3, "padding": 1}}, 4, spatial),
        (random.choice(SAME), channels, spatial),
        (random.choice(SAME), channels, spatial),
        ("instancenorm", channels, spatial),
        ({"attention": 1}, channels, spatial),
        ({random.choice(("add", "multiply")): [[], [own]]}, channels, spatial),
        ({random.choice(("add", "subtract", "multiply", "divide", "maximum")):
          random.sample([[], [branch]], 2)}, channels, spatial),
        ({"multiply": [[], [random.choice(("channel_maxpool", "global_avgpool"))]]},
         channels, spatial),
        ({"concat": random.sample([[random.choice(SAME)], [branch]], 2)}, 2 * channels, spatial),
        ({"concat": {"branches": random.sample([[random.choice(SAME)], [branch]], 2),
                     "axis": AXES[rank][axis]}},
         channels, [size * (1 + (place == axis)) for place, size in enumerate(spatial)]),
        ({"pad": {"padding": 1, "mode": random.choice(("zero", "replicate"))}},
         channels, [size + 2 for size in spatial]),
        ({"upsample": {"scale": 2, "mode": random.choice(("nearest", "linear"))}},
         channels, [2 * size for size in spatial]),
    ]  # fmt: skip
    if min(spatial) > 1:
        pool = random.choice(("maxpool", "avgpool"))
        made.append(({pool: 2}, channels, [size // 2 for size in spatial]))
    return random.choice(made)


def drawn(random: Random) -> str:
    rank, channels = random.choice((1, 1, 2, 2, 3)), random.choice((2, 3, 4, 6))
    spatial = [random.randint(2, 8 - 2 * rank) for _ in range(rank)]
    size = "x".join(map(str, (*spatial, channels)))
    rows = {"linear": {"features": channels, "axis": "channels"}}
    items = [*random.choice(((), ("scale",))), random.choice(("layernorm", rows, "tanh"))]
    for _ in range(random.randint(1, 5)):
        made, more, extents = item(random, channels, spatial)
        if more * prod(extents) <= MOST_VALUES:
            items.append(made)
            channels, spatial = more, extents
    ends: tuple[list[Any], ...] = (
        ["flatten", {"linear": 3}],
        [{"conv": {"filters": 3, "kernel": 1}}],
        [{"linear": {"features": 3, "axis": "channels"}}],
    )
    items += random.choice(ends)
    return f"input: {size}\nrounding: floor\nlayers: {json.dumps(items)}\n"


def test_every_layer_takes_going_back_what_it_takes_in_torch() -> None:
    random = Random("gradients")  # noqa: S311 (tests repeat)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    exact = 0
    while exact < NETWORKS:
        text = drawn(random)
        batch, inplace = random.choice((1, 1, 2, 3)), random.random() < 1 / 2
        try:
            net = loads(text)
            report = memory(net, batch=batch, training=True, inplace=inplace)
        except ValueError:  # a norm over one value
            continue
        if report.inexact:
            continue
        peaks = measured(net, batch, partial(in_place, net, report))
        for index, node in enumerate(net.nodes):
            if index in peaks and index not in net.inputs:
                ours = report.layer(node.name).live_backward
                assert ours == peaks[index], (node.name, ours, peaks[index], batch, inplace, text)
        exact += 1
    torch.set_num_threads(threads)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("read", ["add: [[], [from: w]]", "concat: [[], [from: w]]"])
def test_what_is_learned_has_its_gradient_as_soon_as_it_is_read(read: str, batch: int) -> None:
    """Whoever reads it spreads it over the batch, however long before it was named."""
    net = loads(
        "input: 5x4\nlayers: [{learned: 5x4, name: w}, {from: input, linear: {features: 4, axis: "
        f"channels}}}}, gelu, {{linear: {{features: 4, axis: channels}}}}, {read}, "
        "{linear: {features: 4, axis: channels}}, flatten, linear: 3]"
    )
    report = memory(net, batch=batch, training=True)
    peaks = measured(net, batch, partial(in_place, net, report))
    for index in range(len(net.inputs), len(net.nodes)):
        node = net.nodes[index]
        if index in peaks:
            assert report.layer(node.name).live_backward == peaks[index], node.name


A = "{conv: {filters: 4, kernel: 3, padding: 1}, name: a}"
IN_VAIN = {
    "a layer": f"[{A}, {{conv: {{filters: 9, kernel: 3}}}}, {{from: a, relu: {{}}}}, flatten, "
    "linear: 3]",
    "a chain": f"[{A}, {{conv: {{filters: 9, kernel: 3}}}}, batchnorm, silu, maxpool: 2, "
    "{from: a, relu: {}}, flatten, linear: 3]",
    "two that end later": f"[{A}, {{conv: {{filters: 9, kernel: 3}}, name: b}}, "
    "{silu: {}, name: c}, {from: b, gelu: {}}, {from: a, conv: {filters: 2, kernel: 1}, name: e}, "
    "{from: c, tanh: {}}, {from: e, relu: {}}, flatten, linear: 3]",
    "branches and a mask": f"[{A}, {{multiply: [[tanh], [sigmoid]]}}, dropout: 0.5, "
    "{from: a, flatten: {}}, linear: 3]",
}
"""Layers that lead to no output, of which nothing is left when the forward pass is over."""


@pytest.mark.parametrize("what", IN_VAIN)
def test_what_leads_to_no_output_is_not_kept(what: str) -> None:
    net = loads(f"input: 8x8x3\nlayers: {IN_VAIN[what]}\n")
    for batch, inplace in ((1, True), (2, False)):
        report = memory(net, batch=batch, training=True, inplace=inplace)
        measured = torch_memory.training(net, batch, partial(in_place, net, report), device="cpu")
        assert report.forward_peak == measured.forward_peak
        assert report.after_forward == measured.after_forward
        assert report.backward_peak == measured.backward_peak
        # The hooks by which what is kept is asked for keep it alive: what is, is what is left.
        loss = 4 + 4  # and the total of the classes' weights
        static = report.parameters + report.buffers + report.input + report.targets
        assert report.kept == measured.after_forward - static - loss


@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_segments_start_from_what_they_keep_of_others_too(every: int) -> None:
    """The indices of a pool are kept where it is undone, in another segment."""
    net = loads(
        f"input: 8x8x3\nlayers: [{A}, relu, {{maxpool: 2, name: p}}, "
        "conv: {filters: 4, kernel: 3, padding: 1}, tanh, maxunpool: {indices: p}, "
        "conv: {filters: 4, kernel: 3}, silu, flatten, linear: 3]"
    )
    report = memory(net, batch=2, training=True, checkpoint=every)
    measured = torch_memory.training(
        net, 2, partial(in_place, net, report), device="cpu", segments=segments(net, every)
    )
    assert report.after_forward == measured.after_forward
    assert report.forward_peak == measured.forward_peak
    assert report.backward_peak == measured.backward_peak
