"""Memory of networks with frozen layers: by hand, and as PyTorch takes it, to the byte."""

from functools import partial
from random import Random
from typing import Any

from kinds import CASES, Case
from tabled import tabled

from convcalc.analysis.memory import memory
from convcalc.analysis.memory.batch import refusals
from convcalc.analysis.memory.checkpoint import segments
from convcalc.graph import Network, load, loads
from convcalc.graph.frozen import WEIGHTED, freeze
from convcalc.layers import kinds

HEAD = """
input: 4x4x2
layers:
  - {conv: {filters: 3, kernel: 1}, name: stem}
  - relu
  - flatten
  - linear: 5
"""


def test_what_is_frozen_has_no_gradient_no_state_and_keeps_nothing() -> None:
    # stem 2·3 + 3 parameters, linear 48·5 + 5; 4 bytes each, and Adam's two states.
    network = freeze(loads(HEAD), "stem")
    report = memory(network, batch=2, training=True, optimizer="adam", inplace=False)
    assert report.parameters == 4 * (9 + 245)
    assert report.gradients == 4 * 245
    assert report.optimizer_state == 2 * 4 * 245 + 4 * 2  # and a step for each tensor
    # The linear layer keeps its input, 48 values of each example, and the loss 5.
    assert report.kept == 4 * 2 * (48 + 5)
    whole = memory(loads(HEAD), batch=2, training=True, optimizer="adam", inplace=False)
    assert whole.gradients == whole.parameters == report.parameters
    # Of a network of which nothing learns there is no way back.
    none = memory(freeze(network, ["stem", "linear1"]), batch=2, training=True)
    assert (none.gradients, none.optimizer_state, none.kept) == (0, 0, 0)


def test_a_frozen_linear_layer_keeps_no_input_and_a_frozen_convolution_does() -> None:
    # Behind a layer that learns: PyTorch's convolution keeps what it read, its product does not.
    linear = freeze(loads(HEAD), "linear1")
    kept = {layer.name: layer.kept for layer in memory(linear, training=True).layers}
    assert kept["linear1"] == 0
    text = HEAD.replace("flatten", "conv: {filters: 4, kernel: 1}").replace("  - linear: 5\n", "")
    conv = freeze(loads(text), "conv1")
    report = memory(conv, training=True, inplace=False)
    assert report.layer("conv1").kept == 0  # the relu keeps that already
    text = text.replace("relu", "leaky_relu").replace("kernel: 1}, name", "kernel: 1}, name")
    report = memory(freeze(loads(text), "conv1"), training=True, inplace=False)
    assert report.layer("conv1").kept == 4 * 48


def compare(torch_memory: Any, network: Network, batch: int, *, inplace: bool) -> None:
    report = memory(network, batch=batch, inplace=inplace, training=True)
    names = {layer.name for layer in report.layers if layer.in_place}

    def among(network: Network, index: int) -> bool:
        return index < len(network.nodes) and network.nodes[index].name in names

    measured = torch_memory.training(network, batch, partial(among, network))
    found = (report.kept, report.after_forward, report.forward_peak, report.backward_peak)
    theirs = (
        measured.saved,
        measured.after_forward,
        measured.forward_peak,
        measured.backward_peak,
    )
    assert found == theirs or report.inexact, network.name


@tabled("name", ["resnet18", "mobilenet_v2", "vgg16_bn", "densenet121", "unet", "convnext_tiny"])
def test_networks_with_frozen_layers_to_the_byte(name: str, torch_memory: Any) -> None:
    network = load(name)
    own = [
        node.name for node in network.nodes if node.kind in WEIGHTED and node.shared_with is None
    ]
    some = Random(name).sample(own, len(own) // 2)  # noqa: S311 (no secret)
    for patterns, batch in ((own[: len(own) * 2 // 3], 1), (some, 2), (own[1:], 1)):
        compare(torch_memory, freeze(network, patterns), batch, inplace=batch == 1)


@tabled("slopes", ["channels", "one"])
def test_of_frozen_slopes_the_gradient_is_made_all_the_same(slopes: str, torch_memory: Any) -> None:
    """One kernel makes both gradients, and that of the slopes is as large as the map."""
    layers = ("conv: {filters: 4, kernel: 3}", f"prelu: {{slopes: {slopes}}}", "flatten")
    items = "".join(f"  - {each}\n" for each in (*layers, "linear: 2"))
    network = freeze(loads(f"input: 6x6x3\nlayers:\n{items}"), "prelu1")
    for batch in (1, 3):
        assert not memory(network, batch=batch, training=True).inexact
        compare(torch_memory, network, batch, inplace=False)


LEFT_OUT = kinds("recurrent") | {"embedding", "learned"}
"""Not trained, without an input that learns, or no layer on a path."""


def frozen_between(row: Case) -> Network | None:
    """The row's layer, frozen, between two that learn; None where a batch of one does not do."""
    if row.kind in LEFT_OUT or len(row.shapes) > 1 or not row.small:
        return None
    if not row.layer.plan(row.shapes).weights:
        return None
    items = f"  - scale\n  - {{{row.item}, frozen: true}}\n  - scale\n"
    return loads(f"input: {row.inputs}\nlayers:\n{items}")


@tabled("row", [row for row in CASES if frozen_between(row)])
def test_every_kind_that_is_frozen_to_the_byte_or_said(row: Case, torch_memory: Any) -> None:
    network = frozen_between(row)
    assert network is not None
    for batch, inplace in ((1, True), (2, False)):
        if refusals(network, batch, training=True):  # one value to normalize
            continue
        compare(torch_memory, network, batch, inplace=inplace)
        found = memory(network, batch=batch, training=True).inexact
        said = [each for each in found if each.layer.startswith(row.kind)]
        assert not said or row.kind in ("attention", "linear", "locally_connected", "scale"), said


CHECKPOINTED = """
input: 6x6x3
layers:
  - {conv: {filters: 8, kernel: 3, padding: 1}, name: a}
  - {batchnorm: {}, name: b}
  - {relu: {}, name: c}
  - {scale: {}, name: d}
  - {conv: {filters: 4, kernel: 3}, name: e}
  - {l2norm: {}, name: f}
  - {flatten: {}, name: g}
  - {linear: 6, name: h}
  - {linear: 5, name: i}
"""


@tabled("frozen", ["a", "b", "d", "e", "f", "h", "i", "abd", "efhi", "dfhi", "abdefh"])
def test_frozen_layers_that_run_again_to_the_byte(frozen: str, torch_memory: Any) -> None:
    """Weights that are saved make a segment run again, also where nothing else is kept."""
    net = freeze(loads(CHECKPOINTED), [*frozen])
    for checkpoint in (2, ["d"], ["f"], ["h"], ["i"], ["h", "i"]):
        report = memory(net, batch=3, training=True, checkpoint=checkpoint, inplace=False)
        measured = torch_memory.training(
            net, 3, lambda _: False, device="cpu", segments=segments(net, checkpoint)
        )
        found = (report.after_forward, report.forward_peak, report.backward_peak)
        theirs = (measured.after_forward, measured.forward_peak, measured.backward_peak)
        assert found[:2] == theirs[:2], checkpoint
        assert {each.figures for each in report.inexact} <= {"the backward peak"}
        if not report.inexact:
            assert found == theirs, checkpoint
        elif {each.direction for each in report.inexact} == {"lower"}:
            assert found[2] >= theirs[2], checkpoint
