"""What layers make of an input as grey and coloured pixels, and the filters of a first layer."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from convcalc.forward.given import Inputs, index_limits
from convcalc.forward.reference import run_reference
from convcalc.forward.threads import blas_threads
from convcalc.forward.values import random_inputs
from convcalc.forward.weights import drawn_weights, layer_weights
from convcalc.graph import LayerNode
from convcalc.graph.planned import Planned

MOST = 96
"""Most pixels along an axis; of what is larger, neighbours are averaged."""
LEVELS = 255
"""The brightest value of a pixel."""
COLOURS = 3
"""Channels that are shown as red, green and blue."""


class Pixels(NamedTuple):
    """A grid of pixels, from the smallest of its values, black, to the largest, white."""

    width: int
    """How many there are in a row."""
    height: int
    """How many rows there are."""
    colours: int
    """Bytes of a pixel: 1 for grey, 3 for red, green and blue."""
    data: bytes
    """The pixels, row by row from the top."""
    low: float
    """The value that is black, or the only one."""
    high: float
    """The value that is white."""
    finite: bool = True
    """Whether all values are numbers; others are black."""


class Seen(NamedTuple):
    """What is shown of a layer's output."""

    maps: tuple[Pixels, ...]
    """The first of its channels, each for itself; of an input of three, one in colour; of a
    sequence, one with a row a channel; of a vector, one with its values row by row."""
    channels: int
    """How many channels these are."""
    largest: tuple[tuple[int, float], ...] = ()
    """Of a vector, its largest values with where they stand, counted from 0."""


def activations(
    network: Planned,
    shown: Collection[int],
    *,
    given: Inputs | None = None,
    weights: Mapping[str, Any] | None = None,
    seed: int = 0,
    most: int = 10,
) -> dict[int, Seen]:
    """What these layers make of the first example given, at most so many channels of each.

    Inputs and weights are those that `verify` draws from the same seed, unless they are given.
    Every array is freed behind its last reader.
    """
    held = drawn_weights(network, seed) if weights is None else weights
    limits = index_limits(network)
    inputs = random_inputs(network, 1, seed, limits) if given is None else given
    numbers = {network.nodes[index].name for index in limits}
    example = {
        name: np.asarray(x[:1]) if name in numbers else np.asarray(x[:1], np.float32)
        for name, x in inputs.items()
    }
    places = {node.name: index for index, node in enumerate(network.nodes)}
    seen: dict[int, Seen] = {}
    for name, x in example.items():
        if places[name] in shown:
            seen[places[name]] = _seen(x[0], most, coloured=True)

    def after(node: LayerNode, _: Sequence[Any], y: Any) -> None:
        if places[node.name] in shown:
            seen[places[node.name]] = _seen(y[0], most)

    with np.errstate(all="ignore"), blas_threads(1):
        run_reference(np, network, example, held, (), after, read=_read)
    return seen


def filters(
    network: Planned, index: int, weights: Mapping[str, Any] | None, seed: int, most: int
) -> tuple[Pixels, ...]:
    """The first filters of a layer: of one that reads three channels in colour, of one in grey.

    None of a layer that reads another number of channels, or not images.
    """
    held = drawn_weights(network, seed) if weights is None else weights
    kernel = _read(layer_weights(network, index, held)["weight"])
    if kernel.ndim != 4 or kernel.shape[1] not in (
        1,
        COLOURS,
    ):  # (filters, channels, height, width)
        return ()
    return tuple(pixels(each if len(each) > 1 else each[0]) for each in kernel[:most])


def _read(values: Any) -> Any:
    return np.asarray(np.asarray(values), np.float32)


def _seen(y: Any, most: int, *, coloured: bool = False) -> Seen:
    """What is shown of an output (C, *spatial)."""
    channels = len(y)
    if y.ndim == 1 or y[0].size == 1:
        flat = y.reshape(-1)
        order = np.argsort(-np.nan_to_num(flat, nan=-np.inf), kind="stable")[:5]
        largest = tuple((int(at), float(flat[at])) for at in order)
        side = int(np.ceil(np.sqrt(channels)))
        grid = np.full(-(-channels // side) * side, flat.min() if channels else 0, flat.dtype)
        grid[:channels] = flat
        return Seen((pixels(grid.reshape(-1, side)),), channels, largest)
    if y.ndim == 2:
        return Seen((pixels(y[:MOST]),), min(channels, MOST))
    while y.ndim > 3:  # of time or depth, what is in the middle
        y = y[:, y.shape[1] // 2]
    if coloured and channels == COLOURS:
        return Seen((pixels(y),), channels)
    return Seen(tuple(pixels(each) for each in y[:most]), min(channels, most))


def pixels(values: Any) -> Pixels:
    """Values (H, W), or (3, H, W) as red, green and blue, as pixels."""
    numbers = np.asarray(values, np.float64)
    finite = np.isfinite(numbers)
    whole = bool(finite.all())
    if not whole:
        numbers = np.where(finite, numbers, numbers[finite].min() if finite.any() else 0)
    for axis in (-2, -1):
        numbers = _averaged(numbers, axis)
    low, high = float(numbers.min()), float(numbers.max())
    scaled = (numbers - low) * (LEVELS / (high - low) if high > low else 0)
    levels = np.rint(scaled).astype(np.uint8)
    if levels.ndim == 3:  # colours last
        levels = np.moveaxis(levels, 0, -1)
    height, width = levels.shape[:2]
    return Pixels(
        width=width,
        height=height,
        colours=levels.shape[2] if levels.ndim == 3 else 1,
        data=levels.tobytes(),
        low=low,
        high=high,
        finite=whole,
    )


def _averaged(numbers: Any, axis: int) -> Any:
    """Neighbours along an axis averaged, so that at most `MOST` are left."""
    size = numbers.shape[axis]
    if size <= MOST:
        return numbers
    starts = np.arange(MOST) * size // MOST
    counts = np.diff(np.append(starts, size))
    shape = [1] * numbers.ndim
    shape[axis] = MOST
    return np.add.reduceat(numbers, starts, axis=axis) / counts.reshape(shape)
