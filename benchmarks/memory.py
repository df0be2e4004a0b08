"""Predicted memory beside PyTorch's own, and beside what other tools estimate.

`python -m benchmarks memory [--batch N] [NETWORK …]`: a training step with Adam, tensor by tensor,
and inference. The truth is tests/data/memory.json for the six networks it has, and is measured on
PyTorch's meta device for the others. torchinfo's figure is its "Estimated Total Size"; that of
`accelerate estimate-memory` for Adam is four times the parameters, and it counts no activations.
torchsummary's and Keras' are by the rules in their sources (torchsummary 1.5.1: input, parameters,
and twice every module's output; Keras 3.15, utils/summary_utils.py: variables of the layers and of
the optimizer).
"""

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.arguments import parser, positive
from benchmarks.timing import print_table
from convcalc.analysis.memory import largest_batch, memory
from convcalc.graph import Network, load
from convcalc.spec.bundled import find_bundled

TESTS = Path(__file__).parent.parent / "tests"
NETWORKS = (
    "lenet5",
    "alexnet_torchvision",
    "vgg16",
    "googlenet",
    "resnet18",
    "mobilenet_v2",
    "resnet50",
    "densenet121",
    "efficientnet_b0",
    "convnext_tiny",
)
GIB = 2**30


def main(arguments: list[str]) -> int:
    """Show the table, then what the prediction costs in time."""
    asked = parser("memory", __doc__)
    asked.add_argument("networks", nargs="*", default=NETWORKS)
    asked.add_argument("--batch", type=positive, default=8)
    given = asked.parse_args(arguments)
    if unknown := [name for name in given.networks if find_bundled(name) is None]:
        asked.error(f"{', '.join(unknown)}: no bundled network; `convcalc list` shows them")
    sys.path.insert(0, str(TESTS))
    tools = ["torchinfo", "torchsummary", "Keras", "accelerate"]
    rows = [["network", "inference", "measured", "training", "measured", *tools]]
    for name in given.networks:
        net = load(name)
        inference = memory(net, batch=given.batch).activation_peak
        training = memory(net, batch=given.batch, training=True, optimizer="adam", fused=False)
        true_inference, true_training = _truth(name, net, given.batch)
        rows.append(
            [
                name,
                _megabytes(inference),
                _megabytes(true_inference),
                _megabytes(training.peak),
                _megabytes(true_training),
                _share(_torchinfo(name, net, given.batch), true_training),
                _share(_torchsummary(name, net, given.batch), true_training),
                _share(
                    training.parameters + training.buffers + training.optimizer_state, true_training
                ),
                _share(4 * training.parameters, true_training),
            ]
        )
    print(f"MB at batch {given.batch}; training with Adam, and other tools ÷ measured training\n")
    print_table(rows)
    print("".join(f"\n– {why}" for why in sorted(_missing)))
    _times()
    return 0


_missing: set[str] = set()
"""Why figures are missing."""


def _without(error: ImportError) -> str:
    """What is to be installed."""
    return f"{error.name or error} is not installed (pip install '.[test,peers]')"


def _truth(name: str, net: Network, batch: int) -> tuple[int | None, int | None]:
    """Inference and training peaks, from the golden numbers or measured."""
    golden: dict[str, dict[str, int]] = json.loads((TESTS / "data" / "memory.json").read_text())
    known = golden.get(f"{name.removesuffix('_torchvision')}/batch={batch}/inplace")
    if known:
        return known["infer_peak_liveness"], known["train_peak_adam"]
    try:
        import torch
        import torch_memory
    except ImportError as error:
        _missing.add(f"not measured: {_without(error)}")
        return None, None
    overwritten = [layer.in_place for layer in memory(net).layers]
    inference = torch_memory.inference(net, batch, overwritten.__getitem__)
    overwritten = [layer.in_place for layer in memory(net, training=True).layers]
    measured = torch_memory.training(
        net, batch, overwritten.__getitem__, partial(torch.optim.Adam, foreach=False)
    )
    peaks = (measured.forward_peak, measured.backward_peak, measured.step_peak)
    return inference, max(peaks)


def _peer(name: str, net: Network) -> Any:
    """The tests' PyTorch model of the network and its input, on the meta device, or nothing."""
    try:
        import torch_zoo
    except ImportError as error:
        _missing.add(f"no torchinfo and torchsummary: {_without(error)}")
        return None
    peer: Any = torch_zoo.PEERS.get(name)
    if peer is None:
        _missing.add("no torchinfo and torchsummary of a network that the tests have no model of")
    return None if peer is None or net.input is None else torch_zoo.on_meta(peer)


def _torchinfo(name: str, net: Network, batch: int) -> int | None:
    """Its estimated total, where the tests have a PyTorch model of the network."""
    peer = _peer(name, net)
    try:
        import torchinfo
    except ImportError as error:
        _missing.add(f"no torchinfo: {_without(error)}")
        return None
    if peer is None or net.input is None:
        return None
    model, _ = peer
    found = torchinfo.summary(
        model, (batch, *net.input.axes), verbose=0, device="meta", mode="train"
    )
    return int(found.total_input + found.total_output_bytes + found.total_param_bytes)


def _torchsummary(name: str, net: Network, batch: int) -> int | None:
    """Its "Estimated Total Size", where the tests have a PyTorch model of the network."""
    peer = _peer(name, net)
    if peer is None:
        return None
    import torch

    model, entry = peer
    values = 0

    def count(_module: object, _inputs: object, output: Any) -> None:
        nonlocal values
        values += output.numel() if isinstance(output, torch.Tensor) else 0

    for module in model.modules():
        if module is not model and not isinstance(
            module, torch.nn.Sequential | torch.nn.ModuleList
        ):
            module.register_forward_hook(count)
    with torch.no_grad():
        model(entry)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return int(4 * (batch * (entry.numel() + 2 * values) + parameters))


def _times() -> None:
    net = load("resnet152")
    start = time.perf_counter()
    memory(net, batch=32, training=True, optimizer="adam")
    middle = time.perf_counter()
    found = largest_batch(net, 24 * GIB, training=True, optimizer="adam")
    end = time.perf_counter()
    print(
        f"\nResNet-152: a training breakdown in {(middle - start) * 1e3:.1f} ms, the largest "
        f"batch in 24 GiB ({found}) in {(end - middle) * 1e3:.1f} ms"
    )


def _megabytes(count: int | None) -> str:
    return "–" if count is None else f"{count / 1e6:,.1f}"


def _share(estimate: int | None, truth: int | None) -> str:
    return "–" if estimate is None or not truth else f"{estimate / truth:.2f}"
