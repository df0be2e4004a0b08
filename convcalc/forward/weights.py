"""Weights: random ones, and those that a user brings."""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from math import prod, sqrt
from typing import Any

import numpy as np

from convcalc.forward.pool import available_cores
from convcalc.graph import Network
from convcalc.layers import Layer, Weight

BLOCK = 1 << 20
"""Values filled from one generator, so that threads do not change them."""
CHUNK = 1 << 16
"""Values scaled while they are still in a core's cache."""
MOST = 2**64 - 1
"""Largest draw: four values of sixteen bits."""
BRANCH = 0.25
"""Factor on what feeds an `add`: a thousand residual blocks stay finite (2^(1/2) each do not)."""


def owner(network: Network, index: int) -> int:
    """The layer whose weights a layer uses: itself unless they are shared."""
    shared = network.nodes[index].shared_with
    return shared if shared >= 0 else index


def expected_weights(network: Network) -> Iterator[tuple[str, int, Weight]]:
    """Full name, layer and declaration of every weight; shared ones once."""
    for index, (node, plan) in enumerate(zip(network.nodes, network.plans, strict=True)):
        if plan is not None and node.shared_with < 0:
            for weight in plan.weights:
                yield f"{node.name}.{weight.name}", index, weight


def _range(kind: str, layer: Layer, weight: Weight) -> tuple[float, float]:
    """Middle and reach: He's variance 2/fan-in, normalization around 1, summands around 0."""
    shape = weight.shape
    if weight.name in ("running_var", "weight") and (len(shape) == 1 or kind == "layernorm"):
        return 1.0, 0.5
    if weight.name != "weight":
        return 0.0, 0.1
    fan_in = prod(shape[1:])
    if kind == "conv_transpose":
        stride: Any = getattr(layer, "stride", 1)
        steps = prod(stride) if isinstance(stride, tuple) else stride ** (len(shape) - 2)
        fan_in = max(prod(shape) // shape[1] // (steps * getattr(layer, "groups", 1)), 1)
    elif kind == "locally_connected":
        kernel: Any = getattr(layer, "kernel", 1)
        fan_in = min(fan_in, 9 * (kernel[0] if isinstance(kernel, tuple) else kernel) ** 2)
    return 0.0, sqrt(6 / fan_in)


def _fill(values: Any, seed: tuple[int, ...], middle: float, reach: float) -> None:
    # Making weights can take longer than running the network. Sixteen random bits each, four from
    # one draw of SFC64, take 0.9 ns; `random(dtype=float32)` takes 2.4, `standard_normal` 15.
    generator = np.random.Generator(np.random.SFC64(seed))
    for first in range(0, values.size, CHUNK):
        chunk = values[first : first + CHUNK]
        bits = generator.integers(0, MOST, -(-chunk.size // 4), np.uint64, endpoint=True)
        np.copyto(chunk, bits.view(np.int16)[: chunk.size])
        chunk *= reach / 2**15
        if middle:
            chunk += middle


def random_weights(
    network: Network, seed: int = 0, *, threads: int | None = None
) -> dict[str, np.ndarray[Any, Any]]:
    """Weights by "<layer>.<weight>", of PyTorch's shapes.

    A convolution's weights lie in memory as the engine reads them, taps × channels × filters, and
    are returned as a transposed view: preparing them then copies nothing.
    """
    feeds_add = {source for node in network.nodes if node.kind == "add" for source in node.inputs}
    read = Counter(source for node in network.nodes for source in node.inputs)
    found: dict[str, np.ndarray[Any, Any]] = {}
    blocks: list[tuple[Any, tuple[int, ...], float, float]] = []
    for number, (name, index, weight) in enumerate(expected_weights(network)):
        node, shape = network.nodes[index], weight.shape
        if node.layer is None:
            continue
        flat = np.empty(prod(shape), np.float32)
        middle, reach = _range(node.kind, node.layer, weight)
        if index in feeds_add and read[index] == 1 and weight.name == "weight":
            middle, reach = middle * BRANCH, reach * BRANCH
        for block, first in enumerate(range(0, flat.size, BLOCK)):
            blocks.append((flat[first : first + BLOCK], (seed, number, block), middle, reach))
        if node.kind == "conv" and weight.name == "weight":
            order = (*shape[2:], shape[1], shape[0])
            last = len(order) - 1
            found[name] = flat.reshape(order).transpose(last, last - 1, *range(last - 1))
        else:
            found[name] = flat.reshape(shape)
    with ThreadPoolExecutor(threads or available_cores()) as pool:
        list(pool.map(lambda block: _fill(*block), blocks))
    return found


def checked_weights(network: Network, weights: Mapping[str, Any]) -> None:
    """Raise one `ValueError` that names every weight missing, unknown or of another shape."""
    wrong = []
    known = set()
    for name, _, weight in expected_weights(network):
        known.add(name)
        if name not in weights:
            wrong.append(f"{name}: missing, expected {_times(weight.shape)}")
        elif tuple(weights[name].shape) != weight.shape:
            shape = tuple(weights[name].shape)
            wrong.append(f"{name}: is {_times(shape)}, expected {_times(weight.shape)}")
    wrong += [f"{name}: no such weight" for name in weights if name not in known]
    if wrong:
        message = f"{len(wrong)} weights do not fit the network:\n  " + "\n  ".join(wrong)
        raise ValueError(message)


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single number"
