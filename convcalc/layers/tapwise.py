"""What a kernel does to a map tap by tap, and back: a convolution in three directions.

A convolution gathers y from x by weights w. Its gradient for x scatters dy by the same weights,
which is a transposed convolution, and that for w is the sum of what was multiplied. A transposed
convolution goes forward as the second does, and back as the first. The notes' rule, that the
backward pass of a convolution is a convolution with flipped filters, is the scattering: a tap that
reads to one side writes to the other.

Weights are (K, C/G, *kernel): K channels of y in G groups, and C of x. Windows have no padding.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from convcalc.layers.arrays import Places, by_channel, meetings, summed
from convcalc.window import Window


def gathered(xp: Any, weight: Any, groups: int, x: Any, windows: Sequence[Window]) -> Any:
    """y[k, o] = Σ w[k, c, t]·x[c, o·S + t·D]."""
    filters, group_channels, *_ = weight.shape
    count, channels, *spatial = x.shape
    sizes = [window.output(size) for window, size in zip(windows, spatial, strict=True)]
    weight = _grouped(weight, groups)
    if group_channels == 1:
        ones = (1,) * len(sizes)
        y = summed(
            weight[at_tap].reshape(groups, -1, *ones) * x[values].reshape(count, groups, 1, *sizes)
            for ((at_tap, values),) in _together(windows, spatial, 1)
        )
    else:
        y = summed(
            _joined(xp, [weight[at_tap] for at_tap, _ in some], 2)
            @ _joined(
                xp, [x[values].reshape(count, groups, group_channels, -1) for _, values in some], 2
            )
            for some in _together(windows, spatial, filters // channels)
        )
    return y.reshape(count, filters, *sizes)


def scattered(
    xp: Any, weight: Any, groups: int, y: Any, windows: Sequence[Window], spatial: Sequence[int]
) -> Any:
    """The adjoint of gathering from extents `spatial`: x[c, o·S + t·D] += w[k, c, t]·y[k, o]."""
    filters, group_channels, *_ = weight.shape
    channels, count = groups * group_channels, y.shape[0]
    weight = _grouped(weight, groups).swapaxes(1, 2)
    by_group = y.reshape(count, groups, filters // groups, -1)
    x = xp.zeros((count, channels, *spatial), dtype=y.dtype)
    for some in _together(windows, spatial, filters // channels):
        factors = _joined(xp, [weight[at_tap] for at_tap, _ in some], 1)
        products = factors * by_group if filters == groups else factors @ by_group
        products = products.reshape(count, groups, len(some), group_channels, -1)
        for number, (_, values) in enumerate(some):
            x[values] += products[:, :, number].reshape(count, channels, *y.shape[2:])
    return x


def correlated(
    xp: Any, y: Any, groups: int, x: Any, windows: Sequence[Window], shape: Sequence[int]
) -> Any:
    """The gradient of weights of `shape`: w[k, c, t] = Σ y[k, o]·x[c, o·S + t·D].

    The sum is over positions and over the batch: all of them share the weights.
    """
    filters, group_channels, *_ = shape
    rows = by_channel(y).reshape(groups, filters // groups, -1)
    w = xp.zeros(tuple(shape), dtype=y.dtype)
    for some in _together(windows, x.shape[2:], filters // x.shape[1]):
        met = [by_channel(x[values]).reshape(groups, group_channels, -1) for _, values in some]
        sums = rows @ _joined(xp, met, 1).swapaxes(1, 2)
        sums = sums.reshape(groups, filters // groups, len(some), group_channels)
        for number, (at_tap, _) in enumerate(some):
            w[at_tap] = sums[:, :, number].reshape(filters, group_channels)
    return w


def _grouped(weight: Any, groups: int) -> Any:
    """Weights with the filters of each group by themselves: (G, K/G, C/G, *kernel)."""
    return weight.reshape(groups, -1, *weight.shape[1:])


def _together(
    windows: Sequence[Window], spatial: Sequence[int], most: int
) -> Iterator[list[tuple[Places, Places]]]:
    """The taps of a kernel, so many at a time, each with the places of the values that it meets.

    Several taps are one product, as long as that is no larger than what it is made of or makes.
    """
    met = (((..., *tap), values) for tap, _, values in meetings(windows, spatial))
    while some := [*islice(met, max(most, 1))]:
        yield some


def _joined(xp: Any, arrays: Sequence[Any], axis: int) -> Any:
    """Arrays behind one another; one alone is not copied."""
    return xp.concatenate(arrays, axis=axis) if len(arrays) > 1 else arrays[0]
