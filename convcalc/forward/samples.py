"""The engine held against the definitions: each layer computed again at some positions.

What a layer's definition makes of the values that some of its outputs see is compared with what
the engine put there. Every layer starts from the engine's own values, so that an error is told
where it arises, and the definitions of a whole network need not run.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from convcalc.forward.engine import Stage
from convcalc.forward.seen import Compared
from convcalc.forward.weights import Drawn, layer_weights
from convcalc.graph import LayerNode
from convcalc.graph.planned import Planned
from convcalc.layers import Layer, Plan, kinds
from convcalc.layers.arrays import borders, padded
from convcalc.layers.sliding import unrounded_windows
from convcalc.window import Window

Array = Any
Range = tuple[int, int]

SIDE = 3
"""Outputs along each axis of a sample: neighbours, because a stride or a tile treats them apart."""
ROWS = 4
"""Outputs of a linear layer in a sample."""
REACH = 0.01
"""What an activation function is given counts by so much of it beside what comes out: the engine's
gelu errs by some 10⁻⁷ of its input, however near to 0 it brings that."""
STATISTICS = kinds(having="coupled")
"""Kinds whose windows are one value wide, and that may take statistics over all."""
UNCHANGED = kinds("view") | kinds("pool", lacking="slides")
"""Kinds that do nothing where their output has their input's shape, and cannot take a part."""


class Sample(NamedTuple):
    """Some outputs of a layer."""

    examples: slice
    """Which examples of the batch, as a stretch of its first axis."""
    channels: slice
    """Which channels of the output, as a stretch of its second axis."""
    box: tuple[Range, ...]
    """First and end along each axis of the output; () for all of it."""

    @property
    def place(self) -> tuple[slice, ...]:
        """Where they stand in the output, (N, C, *spatial)."""
        return (self.examples, self.channels, *(slice(*each) for each in self.box))


class Comparison:
    """Compares what the engine computes, stage by stage."""

    def __init__(
        self, network: Planned, weights: Mapping[str, Any], stages: Sequence[Stage], seed: int = 0
    ) -> None:
        self.network, self.weights = network, weights
        self.generator = np.random.default_rng(seed)
        self.index = {node.name: index for index, node in enumerate(network.nodes)}
        computed = {self.index[name] for stage in stages for name in stage.names}
        computed.update(network.inputs)
        # Layers that the engine leaves out, because their output is their input.
        self.left_out: dict[int, list[int]] = {}
        for index, node in enumerate(network.nodes):
            if index not in computed:
                source = node.inputs[0]
                while source not in computed:
                    source = network.nodes[source].inputs[0]
                self.left_out.setdefault(source, []).append(index)
        self.compared: list[Compared] = []
        self.reach = 0.0
        """The largest value that an activation function of the stage was given."""

    def sources(self, given: Mapping[str, Array]) -> None:
        """The network's inputs, by their names, are in memory."""
        for name, x in given.items():
            self._left_out(self.index[name], x)

    def stage(self, stage: Stage) -> None:
        """A stage has run, and its inputs are still in memory."""
        indices = [self.index[name] for name in stage.names]
        arrays = self._arrays(indices, stage)
        first, y = indices[0], stage.output
        error, count = 0.0, 0
        with np.errstate(all="ignore"):
            largest = float(max(y.max(), -y.min(), 0)) if y.size else 0.0
            for sample in self._samples(self.network.nodes[first], self.network.plans[first], y):
                self.reach = 0.0
                expected = self._expected(indices, arrays, sample)
                scale = max(largest, REACH * self.reach)
                error = max(error, _difference(y[sample.place], expected, scale))
                count += expected.size
        self.compared.append(Compared(stage.names, error, count))
        self._left_out(indices[-1], y)

    def _left_out(self, source: int, x: Array) -> None:
        """An example of what is left out behind a layer, against its input."""
        for index in self.left_out.get(source, ()):
            node = self.network.nodes[index]
            example = x[self._example(len(x))]
            y = self._forward(index, [example] * len(node.inputs), slice(None))
            error = 0.0 if np.array_equal(y, example, equal_nan=True) else float("inf")
            self.compared.append(Compared((node.name,), error, y.size))

    def _arrays(self, indices: Sequence[int], stage: Stage) -> dict[int, Array]:
        """What the layers of a stage read that it does not compute."""
        nodes = self.network.nodes
        arrays = dict(zip(nodes[indices[0]].inputs, stage.inputs, strict=False))
        for index in indices[1:]:
            arrays.update(
                (source, stage.inputs[-1])
                for source in nodes[index].inputs
                if source not in indices
            )
        return arrays

    def _example(self, count: int) -> slice:
        example = int(self.generator.integers(count))
        return slice(example, example + 1)

    def _samples(self, node: LayerNode, plan: Plan, y: Array) -> Iterator[Sample]:
        """The first outputs, the last, and some in between; all where they depend on all."""
        every = slice(None)
        if node.kind == "linear":
            for first, end in self._ranges(plan.output.channels, ROWS):
                yield Sample(every, slice(first, end), ())
        elif has_parts(node, plan):
            axes = [self._ranges(extent, SIDE) for extent in plan.output.spatial]
            examples = (slice(1), self._example(len(y)), slice(len(y) - 1, None))
            for example, box in zip(examples, zip(*axes, strict=True), strict=True):
                yield Sample(example, every, box)
        elif node.kind == "batchnorm":  # its statistics are over the batch
            yield Sample(every, every, ())
        else:
            yield Sample(self._example(len(y)), every, ())

    def _ranges(self, extent: int, side: int) -> tuple[Range, Range, Range]:
        """The first of so many, some, and the last."""
        side = min(side, extent)
        middle = int(self.generator.integers(extent - side + 1))
        return (0, side), (middle, middle + side), (extent - side, extent)

    def _expected(
        self, indices: Sequence[int], arrays: Mapping[int, Array], sample: Sample
    ) -> Array:
        """What the layers' definitions make of their inputs at some outputs."""
        first, *others = indices
        node, plan = self.network.nodes[first], self.network.plans[first]
        xs = [arrays[source][sample.examples] for source in node.inputs]
        layer: Layer = node.layer
        if sample.box:
            layer, xs = part(node.kind, layer, plan, xs, sample.box)
        rows = sample.channels if node.kind == "linear" else slice(None)
        y = self._forward(first, xs, rows, layer)
        made = {first: y}
        for index in others:
            node = self.network.nodes[index]
            if node.kind not in UNCHANGED:
                y = self._forward(
                    index,
                    [
                        made[source] if source in made else arrays[source][sample.place]
                        for source in node.inputs
                    ],
                    rows,
                )
            made[index] = y
        return y

    def _forward(
        self, index: int, xs: Sequence[Array], rows: slice, layer: Layer | None = None
    ) -> Array:
        """A layer's definition; with those of its weights that belong to some outputs."""
        layer = layer or self.network.nodes[index].layer
        held = layer_weights(self.network, index, self.weights)
        weights = {name: _rows(each, rows) for name, each in held.items()}
        if layer.storage == "in_place":
            reach = float(abs(xs[0]).max(initial=0))
            self.reach = max(self.reach, reach if np.isfinite(reach) else 0.0)
        return layer.forward(np, weights, xs)


def has_parts(node: LayerNode, plan: Plan) -> bool:
    """Whether outputs of a layer can be computed without the others."""
    if not plan.output.spatial or node.kind == "locally_connected":
        return False
    if node.kind in STATISTICS:
        tracked = node.kind == "batchnorm" and getattr(node.layer, "track_running_stats", False)
        return tracked or getattr(node.layer, "over", None) == "channels"
    slides = hasattr(node.layer, "kernel")
    return plan.positions != "lost" and (slides or plan.positions == "kept")


def part(
    kind: str, layer: Layer, plan: Plan, xs: Sequence[Array], box: Sequence[Range]
) -> tuple[Layer, list[Array]]:
    """A layer, and the parts of its inputs, that give a box of its outputs."""
    windows: Sequence[Window] = plan.windows
    if not windows:
        extents = plan.output.spatial
        return layer, [x[_shown(x.shape[2:], extents, box)] for x in xs]
    (x,) = xs
    spatial = tuple(x.shape[2:])
    mode = getattr(layer, "padding_mode", "zero")
    changes: dict[str, Any] = {}
    given: Sequence[Window] = windows
    if kind == "conv_transpose":
        sides = list(map(_spread, windows, spatial, box))
        changes["output_padding"] = 0
    else:
        given = unrounded_windows(layer, spatial)  # type: ignore[arg-type]
        if mode != "zero":  # what the border holds may come from anywhere
            x = padded(np, x, borders(windows), mode)
            spatial = tuple(x.shape[2:])
            windows = given = [window._replace(before=0, after=0) for window in windows]
        sides = list(map(_met, windows, given, spatial, box))
    kept = (..., *(slice(*met) for met, _ in sides))
    changes["padding"] = tuple(padding for _, padding in sides)
    return layer.replace(**changes), [x[kept]]


def _shown(spatial: Sequence[int], extents: Sequence[int], box: Sequence[Range]) -> tuple[Any, ...]:
    """Where a box of the output is in an input; one that is spread over an axis stays whole."""
    axes = zip(spatial, extents, box, strict=True)
    return (..., *(slice(*side) if own == full else slice(None) for own, full, side in axes))


def _met(window: Window, given: Window, size: int, outputs: Range) -> tuple[Range, Range]:
    """The values that some outputs meet, and the padding around those.

    Where a kernel reaches beyond the padding that was given, rounding up lets it do so again.

    >>> window = Window(kernel=3, stride=2, before=1, after=1)
    >>> _met(window, window, 7, (0, 2)), _met(window, window, 7, (2, 4))
    (((0, 4), (1, 0)), ((3, 7), (0, 1)))
    """
    low = outputs[0] * window.stride - window.before
    high = (outputs[1] - 1) * window.stride - window.before + window.extent
    first = min(max(low, 0), size - 1)
    end = max(min(high, size), first + 1)
    return (first, end), (first - low, min(high - end, max(given.after, 0)))


def _spread(window: Window, size: int, outputs: Range) -> tuple[Range, Range]:
    """The values that are spread over some outputs, and what is cut off around those.

    >>> _spread(Window(kernel=4, before=2, after=2, up=2), 5, (0, 2))
    ((0, 2), (1, 3))
    """
    cut = window.extent - 1 - window.before
    low, high = outputs[0] + cut, outputs[1] + cut
    first = min(max(-((window.extent - 1 - low) // window.up), 0), size - 1)
    end = max(min((high - 1) // window.up + 1, size), first + 1)
    whole = (end - first - 1) * window.up + window.extent
    before = low - first * window.up
    return (first, end), (before, whole - before - (outputs[1] - outputs[0]))


def _rows(weight: Any, rows: slice) -> Array:
    """Some rows of a weight; of one that is drawn when it is read, only what holds them."""
    if rows == slice(None) or not isinstance(weight, Drawn) or len(weight.shape) < 2:
        return np.asarray(weight)[rows]
    row = weight.size // weight.shape[0]
    values = []
    for number, (first, end) in enumerate(weight.blocks()):
        low, high = max(first, rows.start * row), min(end, rows.stop * row)
        if low < high:
            block = np.empty(end - first, np.float32)
            weight.fill(block, number)
            values.append(block[low - first : high - first])
    return np.concatenate(values).reshape(-1, *weight.shape[1:])


def _difference(y: Array, expected: Array, largest: float) -> float:
    """The largest difference, as a part of a value; infinite where one has no number."""
    if y.shape != expected.shape:
        return float("inf")
    finite = np.isfinite(expected)
    if not np.array_equal(np.isfinite(y), finite):
        return float("inf")
    scale = max(
        largest if np.isfinite(largest) else 0.0, float(abs(expected[finite]).max(initial=0))
    )
    return float(abs(y[finite] - expected[finite]).max(initial=0)) / (scale or 1.0)
