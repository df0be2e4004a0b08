"""A network run on windows of one larger random image, which lie some values apart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from convcalc.forward.running import run
from convcalc.forward.weights import random_weights
from convcalc.graph.planned import Planned


def runs(
    network: Planned, shifts: Sequence[int], weights: Mapping[str, Any] | None, seed: int
) -> Iterator[dict[str, Any]]:
    """The outputs of all layers, in float64 by their definitions, of window after window.

    The first is where the image starts; then for each axis one that lies its shift further, and one
    that lies a single value further, if that is less.
    """
    shape = network.input
    given = random_weights(network, seed) if weights is None else weights
    arrays = {name: np.asarray(array, np.float64) for name, array in given.items()}
    extents = [extent + shift for extent, shift in zip(shape.spatial, shifts, strict=True)]
    image = np.random.default_rng(seed).standard_normal((1, shape.channels, *extents))
    starts = [(0,) * len(shifts)]
    for axis, shift in enumerate(shifts):
        starts += [_along(axis, far, len(shifts)) for far in (shift, 1)[: 1 + (shift > 1)]]
    for start in starts:
        window = tuple(
            slice(first, first + extent) for first, extent in zip(start, shape.spatial, strict=True)
        )
        places = (slice(None), slice(None), *window)
        yield run(network, image[places], arrays, reference=True, keep="all")


def _along(axis: int, far: int, axes: int) -> tuple[int, ...]:
    """Where a window starts that lies so far along one axis."""
    return tuple(far if each == axis else 0 for each in range(axes))
