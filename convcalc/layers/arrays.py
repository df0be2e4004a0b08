"""Array work that layers share; the array library `xp` (NumPy or CuPy) comes in as an argument.

Arrays are batch first, then channels, then the spatial axes: (N, C, *spatial), and (N, C) for a
batch of vectors. Every function keeps the dtype it is given, and works on arrays of objects that
can be added and multiplied.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

from convcalc.shape import Shape
from convcalc.window import Window

Places = tuple[Any, ...]
"""An index of an array: everything in front, and a slice per spatial axis."""
PIECE = 2048
"""Outputs along an axis that are noted in Python at a time, some 400 bytes each at most."""


def example(x: Any) -> Shape:
    """The shape of one example of the batch `x`."""
    return Shape.from_axes(tuple(x.shape[1:]))


def per_channel(values: Any, x: Any) -> Any:
    """`values`, one per channel, shaped to spread over the positions of `x`."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


def borders(windows: Sequence[Window]) -> tuple[tuple[int, int], ...]:
    """(before, after) of each axis.

    >>> borders([Window(kernel=3, before=1, after=2)])
    ((1, 2),)
    """
    return tuple((window.before, window.after) for window in windows)


def makes_border(windows: Sequence[Window], mode: str = "zero") -> bool:
    """Whether a border is made in front: a kernel pads with zeros alone, both sides alike.

    >>> makes_border([Window(3, before=1, after=1)]), makes_border([Window(3, before=0, after=1)])
    (False, True)
    """
    if not any(window.before or window.after for window in windows):
        return False
    return mode != "zero" or any(window.before != window.after for window in windows)


def inside(windows: Sequence[Window]) -> list[Window]:
    """The windows where the border that they need is made already.

    >>> inside([Window(kernel=3, before=1, after=2)])
    [Window(kernel=3, stride=1, dilation=1, before=0, after=0, up=1)]
    """
    return [window._replace(before=0, after=0) for window in windows]


def source(position: int, size: int, mode: str) -> int:
    """Which of `size` values stands at a position inside or outside of them.

    >>> [source(position, 3, "reflect") for position in range(-2, 5)]
    [2, 1, 0, 1, 2, 1, 0]
    >>> [source(position, 3, "replicate") for position in range(-2, 5)]
    [0, 0, 0, 1, 2, 2, 2]
    >>> [source(position, 3, "circular") for position in range(-2, 5)]
    [1, 2, 0, 1, 2, 0, 1]
    """
    if mode == "circular":
        return position % size
    if mode == "replicate" or size == 1:
        return min(max(position, 0), size - 1)
    there_and_back = 2 * (size - 1)
    position %= there_and_back
    return min(position, there_and_back - position)


def padded(
    xp: Any, x: Any, pairs: Sequence[tuple[int, int]], mode: str = "zero", value: float = 0
) -> Any:
    """`x` with (before, after) values added to each of its last axes; negative: cut off.

    Source: ONNX operator Pad (constant, reflect, edge, wrap); torch.nn.functional.pad.
    """
    if not any(map(any, pairs)):
        return x
    front = x.ndim - len(pairs)
    if mode == "zero":
        sizes = x.shape[front:]
        inside, kept = [], []
        for size, (before, after) in zip(sizes, pairs, strict=True):
            inside.append(slice(max(before, 0), max(before + size + min(after, 0), 0)))
            kept.append(slice(max(-before, 0), size + min(after, 0)))
        total = (size + sum(pair) for size, pair in zip(sizes, pairs, strict=True))
        y = xp.full((*x.shape[:front], *total), value, dtype=x.dtype)
        target, rest = (..., *inside), (..., *kept)
        y[target] = x[rest]
        return y
    for axis, (before, after) in enumerate(pairs, front):
        size = x.shape[axis]
        if before or after:
            x = in_pieces(
                xp,
                axis,
                before + size + after,
                partial(_bordered, xp, x, axis, before, mode),
            )
    return x


def unpadded(xp: Any, dy: Any, pairs: Sequence[tuple[int, int]], mode: str = "zero") -> Any:
    """The adjoint of `padded`: what stands in a border is added to the value it was taken from."""
    if not any(map(any, pairs)):
        return dy
    if mode == "zero":
        return padded(xp, dy, [(-before, -after) for before, after in pairs])
    front = dy.ndim - len(pairs)
    for axis, (before, after) in enumerate(pairs, front):
        if before or after:
            dy = _unbordered(dy, axis, before, dy.shape[axis] - before - after, mode)
    return dy


def _unbordered(dy: Any, axis: int, before: int, size: int, mode: str) -> Any:
    """The gradient along an axis whose border was made of values within `size`."""
    first_axis = dy.swapaxes(0, axis)
    dx = first_axis[before : before + size].copy()
    for output in (*range(before), *range(before + size, dy.shape[axis])):
        dx[source(output - before, size, mode)] += first_axis[output]
    return dx.swapaxes(0, axis)


def _bordered(xp: Any, x: Any, axis: int, before: int, mode: str, outputs: range) -> Any:
    found = [source(output - before, x.shape[axis], mode) for output in outputs]
    return xp.take(x, xp.asarray(found), axis=axis)


def meetings(
    windows: Sequence[Window], spatial: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], Places, Places]]:
    """For each tap of the kernel: the outputs where it meets a value, and the values it meets.

    Output o meets with its tap t the value o·S + t·D − P; what lies in the padding is left out,
    and so is a tap that meets nothing. The windows must not spread their input out.

    >>> next(meetings([Window(kernel=3, stride=2, before=1, after=1)], [5]))
    ((0,), (Ellipsis, slice(1, 3, None)), (Ellipsis, slice(1, 4, 2)))
    """
    outputs = [window.output(size) for window, size in zip(windows, spatial, strict=True)]
    for tap in product(*(window.taps(size) for window, size in zip(windows, spatial, strict=True))):
        places, values = [], []
        for step, window, size, output in zip(tap, windows, spatial, outputs, strict=True):
            shift = step * window.dilation - window.before
            first = max(0, -(shift // window.stride))
            last = min(output - 1, (size - 1 - shift) // window.stride)
            if last < first:
                break
            start = first * window.stride + shift
            stop = last * window.stride + shift + 1
            places.append(slice(first, last + 1))
            values.append(slice(start, stop, window.stride))
        else:
            yield tap, (..., *places), (..., *values)


def taps(xp: Any, x: Any, windows: Sequence[Window]) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Each tap of the kernel, with the value it meets at every output: (N, C, *output).

    Zeros of the padding are met like any other value.
    """
    x = padded(xp, x, borders(windows))
    for tap, _, values in meetings(inside(windows), x.shape[2:]):
        yield tap, x[values]


def in_pieces(
    xp: Any, axis: int, count: int, piece: Callable[[range], Any], most: int | None = None
) -> Any:
    """All outputs along `axis`, some at a time: what Python notes of each is never all there.

    At most `PIECE`, or `most` where that is fewer.
    """
    most = PIECE if most is None else min(most, PIECE)
    some = [
        piece(range(first, min(first + most, count))) for first in range(0, max(count, 1), most)
    ]
    return some[0] if len(some) == 1 else xp.concatenate(some, axis=axis)


def over_positions(dy: Any) -> Any:
    """What is added to every position of a channel has this gradient: the sum over all of them."""
    return dy.sum(axis=(0, *range(2, dy.ndim)))


def by_channel(x: Any) -> Any:
    """A row for each channel, of all its values in the batch, example after example."""
    return x.swapaxes(0, 1).reshape(x.shape[1], -1)


def summed(terms: Iterator[Any]) -> Any:
    """The sum of arrays that nobody else has, in the memory of the first."""
    total = next(terms)
    for term in terms:
        total += term
    return total


def summed_to(dy: Any, shape: Sequence[int]) -> Any:
    """The adjoint of spreading extents of 1 over others: their sum, of the shape that spread."""
    axes = [axis for axis, size in enumerate(shape) if size == 1 and dy.shape[axis] != 1]
    return dy.sum(axis=tuple(axes), keepdims=True) if axes else dy


def repeated(xp: Any, dy: Any, shape: Sequence[int]) -> Any:
    """The adjoint of a sum over axes, which stayed as extents of 1: the same for every value."""
    return xp.broadcast_to(dy, tuple(shape))


def unturned(order: Sequence[int]) -> tuple[int, ...]:
    """The order that puts axes back where they were before `order` was taken of them.

    >>> unturned((0, 2, 3, 1))
    (0, 3, 1, 2)
    """
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def blended(xp: Any, x: Any, axis: int, shares: Sequence[Sequence[tuple[int, float]]]) -> Any:
    """Along `axis`, each output the sum of its shares: (position in `x`, factor), …."""
    most = max(map(len, shares))
    if most == 1:  # nothing to blend
        return xp.take(x, xp.asarray([position for ((position, _),) in shares]), axis=axis)
    # Where an output has fewer shares than others, it takes nothing of its first value again.
    even = [[*row, *[(row[0][0], 0.0)] * (most - len(row))] for row in shares]
    y: Any = 0
    for row in zip(*even, strict=True):
        positions = xp.asarray([position for position, _ in row])
        factors = xp.asarray([factor for _, factor in row], dtype=x.dtype)
        factors = factors.reshape(-1, *(1,) * (x.ndim - 1 - axis))
        y = y + xp.take(x, positions, axis=axis) * factors
    return y


def moments(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """Mean and biased variance over `axes`, which stay as extents of 1."""
    mean = x.mean(axis=axes, keepdims=True)
    deviation = x - mean
    return mean, (deviation * deviation).mean(axis=axes, keepdims=True)


def batch_statistics(x: Any) -> tuple[Any, Any]:
    """Mean and biased variance of each channel over the batch and all positions, as in training.

    Source: Ioffe and Szegedy, arXiv:1502.03167, algorithm 1.
    """
    mean, variance = moments(x, (0, *range(2, x.ndim)))
    return mean.reshape(-1), variance.reshape(-1)


def normalized(xp: Any, x: Any, mean: Any, variance: Any, eps: float) -> Any:
    """(x − mean)/√(variance + eps), an array of its own."""
    y = x - mean
    y /= xp.sqrt(variance + eps)
    return y
