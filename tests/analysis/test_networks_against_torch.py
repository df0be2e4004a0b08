"""Whole networks against PyTorch models of them, with the same weights, by both tiers."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest

from convcalc import forward
from convcalc.forward.threads import blas_threads
from convcalc.forward.weights import expected_weights
from convcalc.graph import Network, load

torch = pytest.importorskip("torch")

import torch_zoo  # noqa: E402 (needs torch)

Weights = dict[str, Any]
BATCH = 2
FLOAT32, FLOAT64 = 1e-4, 1e-12
"""Largest error, as a share of the largest value expected."""


class Pair(NamedTuple):
    """A spec beside a PyTorch model written from the same paper."""

    input: str | None = None
    """A smaller input, where the network takes any."""
    build: Callable[[], Any] | None = None
    """The model, where it is not the one of the same name."""
    parameters: dict[str, int] | None = None


PAIRS = {
    "alexnet": Pair(),
    "all_cnn_c": Pair(),
    "cifar_convnetjs": Pair(),
    "darknet53": Pair("64x96x3"),
    "dcgan_discriminator": Pair(),
    "dcgan_generator": Pair(),
    "densenet121": Pair("64x96x3"),
    "googlenet_caffe": Pair(),
    "idcnn": Pair(),
    "lenet5": Pair(),
    "mobilenet_v1": Pair("64x96x3"),
    "mobilenet_v2": Pair("64x96x3"),
    "nin": Pair(),
    "resnet18": Pair("64x96x3"),
    "resnet50": Pair("64x96x3"),
    "resnet50_v1": Pair("64x96x3"),
    "se_resnet50": Pair("64x96x3"),
    "segnet": Pair("40x56x3"),
    "sentence_cnn": Pair(),
    "tdnn": Pair(),
    "unet": Pair(None, lambda: torch_zoo.Unet(2), {"width": 2}),
    "wavenet": Pair("1500x256"),
    "zfnet": Pair(),
}


@contextmanager
def one_thread() -> Iterator[None]:
    """Threads of a BLAS wait for one another, long on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with blas_threads(1):
            yield
    finally:
        torch.set_num_threads(before)


def tensors(module: Any) -> dict[str, Any]:
    """A module's own parameters and running statistics."""
    found = dict(module.named_parameters(recurse=False))
    found |= dict(module.named_buffers(recurse=False))
    return {name: value for name, value in found.items() if name != "num_batches_tracked"}


def in_order(model: Any, x: Any) -> list[Any]:
    """Modules with weights, as a run comes to them."""
    met: dict[Any, None] = {}  # one that runs again shares its weights
    hooks = [
        module.register_forward_pre_hook(lambda module, _: met.setdefault(module))
        for module in model.modules()
        if tensors(module)
    ]
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    return list(met)


def by_layer(network: Network, weights: Weights) -> list[Weights]:
    """The weights of each layer that has some, in the order of the spec."""
    found: dict[int, Weights] = defaultdict(dict)
    for name, index, weight in expected_weights(network):
        found[index][weight.name] = weights[name]
    return list(found.values())


def give(model: Any, x: Any, layers: list[Weights]) -> None:
    """Copy the weights of layers into the modules, by order; names and shapes must agree."""
    modules = in_order(model, x)
    for module, weights in zip(modules, layers, strict=True):
        own = tensors(module)
        assert {name: tuple(value.shape) for name, value in own.items()} == {
            name: value.shape for name, value in weights.items()
        }
        with torch.no_grad():
            for name, value in weights.items():
                own[name].copy_(torch.from_numpy(np.ascontiguousarray(value)))


def off(y: Any, expected: Any) -> float:
    """The largest error as a share of the largest value."""
    assert y.shape == expected.shape
    assert y.dtype == expected.dtype
    return float(np.abs(y - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("name", PAIRS)
def test_both_tiers_give_what_torch_gives(name: str) -> None:
    pair = PAIRS[name]
    network = load(name, input=pair.input, parameters=pair.parameters)
    assert network.input is not None
    weights = forward.random_weights(network)
    x = np.random.default_rng(0).normal(size=(BATCH, *network.input.axes))
    end = network.nodes[network.outputs[0]].name

    with one_thread():
        model = (pair.build or torch_zoo.PEERS[name].build)().eval()
        give(model, torch.from_numpy(x[:1].astype("float32")), by_layer(network, weights))
        with torch.inference_mode():
            single = model(torch.from_numpy(x.astype("float32"))).numpy()
            double = model.double()(torch.from_numpy(x)).numpy()
        narrow = x.astype("float32")
        reference = forward.run(network, narrow, weights, reference=True, keep="output")
        exact = forward.run(network, x, weights, reference=True, keep="output")
    engine = forward.run(network, narrow, weights, keep="output")

    assert off(single[:1], single[1:]) > 50 * FLOAT32  # the output does depend on the input
    # Gates on gates magnify what rounding loses: then as near as PyTorch is to float64.
    bound = max(FLOAT32, 3 * off(single.astype("float64"), double))
    assert off(reference[end], single) <= bound
    assert off(engine[end], single) <= bound
    assert off(exact[end], double) <= FLOAT64
