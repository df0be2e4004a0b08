"""Activations in passes over blocks that stay in cache; others run as they are defined."""

from collections.abc import Callable, Iterator, Mapping
from math import inf, sqrt
from typing import Any, cast

import numpy as np

from convcalc.forward.engine.pool import Call
from convcalc.layers import CATALOGUE, Layer, kinds

try:  # np.clip does more in Python than the ufunc that it calls takes
    from numpy._core.umath import clip  # type: ignore[import-not-found,attr-defined,unused-ignore]
except ImportError:  # NumPy 1
    from numpy.core.umath import clip  # type: ignore[import-not-found,attr-defined,no-redef,unused-ignore]

Array = Any
ZERO, ONE, SIX, INFINITY = np.float32(0), np.float32(1), np.float32(6), np.float32(inf)
BLOCK = 64 * 1024
"""Values at a time: with what is computed on the way they stay in a core's second cache. With
fewer, threads take turns at Python's lock more often than that saves."""
ERFC = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
"""a₁ to a₅ of Abramowitz and Stegun, formula 7.1.26, with p = 0.3275911: |error| ≤ 1.5e-7."""


def blocks(source: Array, target: Array) -> Iterator[tuple[Array, Array]]:
    """Both in rows that stay in cache."""
    rows = max(BLOCK // max(source[0, 0].size, 1), 1)
    for x, y in zip(source, target, strict=True):
        for first in range(0, len(x), rows):
            yield x[first : first + rows], y[first : first + rows]


def silu(source: Array, target: Array) -> None:
    """x/(1 + e⁻ˣ), without the definition's care for both signs: e⁻ˣ may be infinite."""
    for x, y in blocks(source, target):
        below = np.negative(x)
        np.exp(below, below)
        below += 1
        np.divide(x, below, y)


def gelu(source: Array, target: Array) -> None:
    """max(x, 0) − |x|·½·erfc(|x|/√2), which is x·Φ(x), with fewer terms than the definition's."""
    for x, y in blocks(source, target):
        size = np.abs(x)
        t = size * (0.3275911 / sqrt(2))
        t += 1
        np.divide(ONE, t, t)
        tail = t * (ERFC[4] / 2)
        for factor in ERFC[3::-1]:
            tail += factor / 2
            tail *= t
        tail *= size
        size *= size
        size *= -0.5
        np.exp(size, size)
        tail *= size
        clip(x, ZERO, INFINITY, t)
        np.subtract(t, tail, y)


def define(layer: Layer, source: Array, target: Array) -> None:
    """An activation by its definition; on a band, its temporaries stay in cache."""
    np.copyto(target, layer.forward(np, {}, (source,)))


def _relu(layer: Layer, source: Array, target: Array) -> Call:  # noqa: ARG001
    # clip has a vector loop, np.maximum with a scalar a slow one.
    return clip, (source, ZERO, INFINITY, target)


def _relu6(layer: Layer, source: Array, target: Array) -> Call:  # noqa: ARG001
    return clip, (source, ZERO, SIX, target)


def _silu(layer: Layer, source: Array, target: Array) -> Call:  # noqa: ARG001
    return silu, (source, target)


def _gelu(layer: Layer, source: Array, target: Array) -> Call:
    exact = cast("Any", layer).approximate == "none"
    return (gelu, (source, target)) if exact else (define, (layer, source, target))


CALLS: Mapping[str, Callable[[Layer, Array, Array], Call]] = {
    "relu": _relu,
    "relu6": _relu6,
    "silu": _silu,
    "gelu": _gelu,
}
"""The call that applies an activation, by its kind."""
DEFINED: Mapping[str, str] = dict.fromkeys(
    kinds("activation") - CALLS.keys(), "its definition is fast enough where bands stay in cache"
)
"""Activations without one, and why."""
BY_CLASS = {CATALOGUE[kind].name: call for kind, call in CALLS.items()}


def activation_call(layer: Layer, source: Array, target: Array) -> Call:
    """The call that applies an activation."""
    call = BY_CLASS.get(type(layer).__name__)
    return call(layer, source, target) if call else (define, (layer, source, target))
