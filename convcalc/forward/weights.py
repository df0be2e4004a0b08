"""Weights: random ones, and those that a user brings."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod, sqrt
from typing import Any, cast

import numpy as np

from convcalc.diagnostics import ArgumentError
from convcalc.forward.threads import available_cores, on_threads
from convcalc.graph import LayerNode, Network
from convcalc.graph.planned import Planned
from convcalc.layers import SOURCES, Layer, Plan, Weight, kinds
from convcalc.numbers import SINGLE, array_shape

BLOCK = 1 << 19
"""Values filled from one generator, so that threads do not change them: 2 MiB, which a core holds
in cache until they are used."""
CHUNK = 1 << 18
"""Values scaled while they are still in a core's cache; with fewer, threads take turns at Python's
lock more often than that saves."""
MOST = 2**64 - 1
"""Largest draw: four values of sixteen bits."""
BRANCH = 0.25
"""Factor on what feeds a sum: a thousand residual blocks stay finite (2^(1/2) each do not)."""


def weight_names(network: Network, node: LayerNode, plan: Plan) -> dict[str, str]:
    """Full names of a layer's weights, by their names in its plan: its own unless it shares."""
    owner = node if node.shared_with is None else network.nodes[node.shared_with]
    return {weight.name: f"{owner.name}.{weight.name}" for weight in plan.weights}


def layer_weights(network: Planned, index: int, weights: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of one layer by the names its plan uses."""
    names = weight_names(network, network.nodes[index], network.plans[index])
    return {name: weights[full] for name, full in names.items()}


def expected_weights(network: Network) -> Iterator[tuple[str, int, Weight]]:
    """Full name, layer and declaration of every weight; shared ones once."""
    for index, (node, plan) in enumerate(zip(network.nodes, network.plans, strict=True)):
        if plan is not None and node.shared_with is None:
            for weight in plan.weights:
                yield f"{node.name}.{weight.name}", index, weight


def _spread(fan_in: int) -> tuple[float, float]:
    """He's variance, 2/fan-in."""
    return 0.0, sqrt(6 / max(fan_in, 1))


def _of_row(layer: Layer, weight: Weight) -> tuple[float, float]:  # noqa: ARG001
    return _spread(prod(weight.shape[1:]))


def _transposed(layer: Layer, weight: Weight) -> tuple[float, float]:
    """Of an output's taps those count that meet a value: one in each stride."""
    shape, stride = weight.shape, cast("Any", layer).stride
    steps = prod(stride) if isinstance(stride, tuple) else stride ** (len(shape) - 2)
    return _spread(prod(shape) // shape[1] // (steps * cast("Any", layer).groups))


def _by_position(layer: Layer, weight: Weight) -> tuple[float, float]:
    """Positions have weights of their own, and so do not count."""
    kernel = cast("Any", layer).kernel
    most = 9 * (kernel[0] if isinstance(kernel, tuple) else kernel) ** 2
    return _spread(min(prod(weight.shape[1:]), most))


def _factor(layer: Layer, weight: Weight) -> tuple[float, float]:  # noqa: ARG001
    """With `VARIANCE`, a mean square of 1: (0.9² + 0.45²/3) · ln 3."""
    return 0.9, 0.45


SUMS = kinds(having="sums")
"""Kinds whose outputs grow with every branch."""
VARIANCE = (1.0, 0.5)
"""Middle and reach of running variances."""
SUMMAND = (0.0, 0.1)
"""Middle and reach of all else that is not called weight: biases, running means."""
INITIAL: Mapping[str, Callable[[Layer, Weight], tuple[float, float]]] = {
    **dict.fromkeys(("conv", "depthwise_conv", "separable_conv", "linear"), _of_row),
    "attention": _of_row,
    "conv_transpose": _transposed,
    "locally_connected": _by_position,
    **dict.fromkeys(kinds("norm") - {"lrn"}, _factor),
    **dict.fromkeys(("scale", "prelu", "learned", "embedding"), _factor),
    **dict.fromkeys(kinds("recurrent"), _of_row),
}
"""Middle and reach of the random numbers of what a kind calls `weight`, or `weight_` and more."""
UNWEIGHTED: Mapping[str, str] = {
    **dict.fromkeys(SOURCES, "its values are given"),
    **dict.fromkeys(
        kinds("pool", "softmax", "identity", "view", "resize", "merge"), "nothing of it is learned"
    ),
    **dict.fromkeys({*kinds("activation"), "lrn"} - INITIAL.keys(), "its numbers are given"),
    **dict.fromkeys(
        ("channel_shuffle", "channel_avgpool", "channel_maxpool", "slice"), "its channels are given"
    ),
    "affine": "its numbers are given",
}
"""Kinds without weights, and why."""


def _range(kind: str, layer: Layer, weight: Weight) -> tuple[float, float]:
    """Middle and reach of an array's random numbers."""
    if weight.name.endswith(("weight", "pointwise")) or weight.name.startswith("weight_"):
        return INITIAL[kind](layer, weight)
    return VARIANCE if weight.name == "running_var" else SUMMAND


class Drawn:
    """Random values of a shape that are drawn when they are asked for, the same every time.

    A convolution's weights lie in memory as the engine reads them, taps × channels × filters, and
    come as a transposed view: preparing them then copies nothing.
    """

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        shape: tuple[int, ...],
        seed: tuple[int, ...],
        middle: float,
        reach: float,
        *,
        turned: bool,
    ) -> None:
        self.shape, self.seed, self.middle, self.reach = shape, seed, middle, reach
        self.order = (*shape[2:], shape[1], shape[0]) if turned else shape
        rows = shape[0] if shape else 1
        row = max(prod(shape) // max(rows, 1), 1)
        self.step = BLOCK if turned else max(BLOCK // row, 1) * row
        """Values that one generator fills: whole rows, unless rows do not lie in one piece."""

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)

    def blocks(self) -> list[tuple[int, int]]:
        """Blocks of values in their order in memory, first and end."""
        return [(at, min(at + self.step, self.size)) for at in range(0, self.size, self.step)]

    def fill(self, values: Any, block: int) -> None:
        """Draw one block.

        Making weights can take longer than running the network, so each value is sixteen random
        bits, four from one draw of SFC64.
        """
        generator = np.random.Generator(np.random.SFC64((*self.seed, block)))
        for first in range(0, values.size, CHUNK):
            chunk = values[first : first + CHUNK]
            bits = generator.integers(0, MOST, -(-chunk.size // 4), np.uint64, endpoint=True)
            np.copyto(chunk, bits.view(np.int16)[: chunk.size])
            chunk *= self.reach / 2**15
            if self.middle:
                chunk += self.middle

    def view(self, flat: Any) -> Any:
        """Values in their order in memory, as an array of the shape."""
        last = len(self.order) - 1
        turned = flat.reshape(self.order)
        if self.order == self.shape:
            return turned
        return turned.transpose(last, last - 1, *range(last - 1))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """All values, for `np.asarray`; always a copy of their own."""
        del copy
        flat = np.empty(self.size, np.float32)
        for block, (first, end) in enumerate(self.blocks()):
            self.fill(flat[first:end], block)
        return self.view(flat).astype(dtype or np.float32, copy=False)


def _branches(network: Network) -> set[int]:
    """Layers whose weights end a branch of a sum, whatever gates or activations follow."""
    read = Counter(source for node in network.nodes for source in node.inputs)
    ending: set[int] = set()
    adds = [node for node in network.nodes if node.kind in SUMS]
    ends = [end for node in adds for end in node.inputs if read[end] == 1]
    while ends:
        end = ends.pop()
        plan, node = network.plans[end], network.nodes[end]
        if end in ending:
            continue
        if plan and plan.weights:
            ending.add(end)
        elif node.kind not in SUMS:  # what a gate multiplies is also what it looks at
            ends += [each for each in node.inputs if read[each] == 1 or node.kind == "multiply"]
    return ending


def drawn_weights(network: Network, seed: int = 0) -> dict[str, Drawn]:
    """Random weights by "<layer>.<weight>", of PyTorch's shapes, none of them in memory yet."""
    branches = _branches(network)
    drawn: dict[str, Drawn] = {}
    for number, (name, index, weight) in enumerate(expected_weights(network)):
        node = network.nodes[index]
        if node.layer is None:
            continue
        middle, reach = _range(node.kind, node.layer, weight)
        if index in branches and weight.name == "weight":
            middle, reach = middle * BRANCH, reach * BRANCH
        turned = node.kind == "conv" and weight.name == "weight"
        drawn[name] = Drawn(weight.shape, (seed, number), middle, reach, turned=turned)
    return drawn


def random_weights(
    network: Network, seed: int = 0, *, threads: int | None = None
) -> dict[str, np.ndarray[Any, Any]]:
    """The same, drawn on several threads."""
    drawn = drawn_weights(network, seed)
    flat = {name: np.empty(each.size, np.float32) for name, each in drawn.items()}
    blocks = [
        (each, flat[name][first:end], number)
        for name, each in drawn.items()
        for number, (first, end) in enumerate(each.blocks())
    ]
    on_threads(lambda block: block[0].fill(*block[1:]), blocks, threads or available_cores())
    return {name: each.view(flat[name]) for name, each in drawn.items()}


def checked_weights(network: Network, weights: Mapping[str, Any]) -> None:
    """Raise one `ValueError` that names every weight missing, unknown or of another shape."""
    wrong = []
    known = set()
    for name, _, weight in expected_weights(network):
        known.add(name)
        if name not in weights:
            wrong.append(f"{name}: missing, expected {array_shape(weight.shape, SINGLE)}")
        elif tuple(weights[name].shape) != weight.shape:
            shape = tuple(weights[name].shape)
            why = f": {TURNED}" if turned(shape, weight.shape) else ""
            given, fitting = array_shape(shape, SINGLE), array_shape(weight.shape, SINGLE)
            wrong.append(f"{name}: is {given}, expected {fitting}{why}")
    wrong += [f"{name}: no such weight" for name in weights if name not in known]
    if wrong:
        message = f"{len(wrong)} weights do not fit the network:\n  " + "\n  ".join(wrong)
        raise ArgumentError(message)


TURNED = "its axes are in another order than PyTorch's, which is filters first"
"""What is said of an array that would fit if it were transposed."""


def turned(given: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a shape is another one with its axes in another order."""
    if len(given) > 5 or tuple(given) == tuple(wanted):
        return False
    return sorted(given) == sorted(wanted)
