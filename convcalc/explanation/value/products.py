"""Values that are sums of products: convolutions of every sort, and fully connected layers."""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, cast

from convcalc.explanation.value.base import (
    Asked,
    Im2col,
    Made,
    Name,
    Patch,
    added,
    at_places,
    channels_text,
    index_text,
    padding_note,
    slice_text,
)
from convcalc.layers.arrays import source
from convcalc.window import Window, values_under

NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""What `np.pad` calls modes of padding; without one it pads with zeros."""


def conv(asked: Asked) -> Made:
    """A filter over the channels of its group."""
    return _convolved(asked, cast("Any", asked.layer).groups)


def depthwise_conv(asked: Asked) -> Made:
    """A filter over one channel."""
    return _convolved(asked, asked.shapes[0].channels)


def _convolved(asked: Asked, groups: int) -> Made:
    """Σ w[k, c, t]·x[c, o·S + t·D − P] + b[k]."""
    k, channels = asked.channel, asked.shapes[0].channels
    weight = asked.weights["weight"]
    own = channels // groups
    group = k // (len(weight) // groups)
    read = range(group * own, (group + 1) * own)
    patch, where, names = _under_kernel(asked, read)
    names[f"W{k}"] = Name(f"np.moveaxis(weight[{k}], 0, -1)")
    patch = patch._replace(factors=asked.xp.moveaxis(weight[k].astype("float64"), 0, -1))
    positions, rows = asked.plan.output.spatial, len(weight) // groups
    column = int(asked.xp.ravel_multi_index(asked.place, positions))
    im2col = Im2col(group, k - group * rows, column, weight[k].size)
    matrices = (
        f"Stretched out, patch and filter are vectors of {im2col.size:,} numbers, and the sum is "
        f"their dot product: row {im2col.row} of the weights [{rows} × {im2col.size}] times "
        f"column {im2col.column:,} of im2col [{im2col.size} × {prod(positions)}]"
    )
    if groups > 1:
        matrices += f"; these are the matrices of group {group}, channels {where[-1]} of X"
    mode = cast("Any", asked.layer).padding_mode
    notes = [*_met(patch, mode), f"{matrices}."]
    return _summed(asked, patch, where, f"W{k}", names, notes)._replace(im2col=im2col)


def locally_connected(asked: Asked) -> Made:
    """A filter of its own at every position."""
    channels, index = asked.shapes[0].channels, (asked.channel, *asked.place)
    patch, where, names = _under_kernel(asked, range(channels))
    names["W"] = Name(f"np.moveaxis(weight[{index_text(index)}], 0, -1)")
    own = asked.weights["weight"][index]
    patch = patch._replace(factors=asked.xp.moveaxis(own.astype("float64"), 0, -1))
    notes = [
        *_met(patch, "zero"),
        "W is the filter of this position alone: no other position uses it.",
    ]
    return _summed(asked, patch, where, "W", names, notes)


def separable_conv(asked: Asked) -> Made:
    """A filter of each channel at the position, then a sum of these over all of them."""
    xp, k, channels = asked.xp, asked.channel, asked.shapes[0].channels
    weight = asked.weights["weight"].astype("float64")
    patch, where, names = _under_kernel(asked, range(channels))
    multiplier, rank = len(weight) // channels, len(asked.place)
    spread = xp.repeat(patch.values, multiplier, axis=-1)
    filters, axes = xp.moveaxis(weight[:, 0], 0, -1), tuple(range(rank))
    deep = (spread * filters).sum(axis=axes)
    sizes = abs(spread * filters).sum(axis=axes)
    name = "Xp" if "Xp" in names else "X"
    names["D"] = Name(
        f"np.sum(np.repeat({name}[{','.join(where)}], {multiplier}, axis=-1) * "
        f"np.moveaxis(weight[:,0], 0, -1), axis={axes})"
    )
    by = f"P{k}"
    names[by] = Name(f"pointwise[{k}].ravel()")
    factors = asked.weights["pointwise"][k].astype("float64").reshape(-1)
    inside = Patch(deep, tuple(range(deep.size)), (), factors)
    note = f"D is what the filter of each of {deep.size:,} channels gives at this position."
    notes = [*_met(patch, cast("Any", asked.layer).padding_mode), note]
    made = _summed(asked, inside, (), by, names, notes)
    return made._replace(
        formula=made.formula.replace(f"np.sum({name} * ", "np.sum(D * "),
        roundings=made.roundings + patch.values.size,
        magnitude=made.magnitude + float(abs(sizes * factors).sum()),
    )


def matmul(asked: Asked) -> Made:
    """A row of the first matrix times a column of the second."""
    row, column = asked.at
    first, second = (x.astype("float64") for x in asked.xs)
    values, factors = first[row], second[:, column]
    patch = Patch(values, tuple(range(values.size)), (), factors)
    return Made(
        formula=f"np.sum(X1[{row},:] * X2[:,{column}])",
        numbers="",
        value=float((values * factors).sum()),
        patch=patch,
        notes=(f"It is the dot product of row {row} of X1 and column {column} of X2.",),
        roundings=values.size + 1,
        magnitude=float(abs(values * factors).sum()),
    )


def linear(asked: Asked) -> Made:
    """A row of the weights times the vector, or that of the position."""
    k, features, rank = asked.channel, asked.shapes[0].channels, len(asked.place)
    weight = asked.weights["weight"]
    names = {f"W{k}": Name(f"weight[{k}]")}
    places = tuple((at,) for at in asked.place)
    values = at_places(asked.xp, asked.x, places)
    factors = weight[k].astype("float64").reshape((*(1,) * rank, -1))
    patch = Patch(values.astype("float64"), tuple(range(features)), places, factors)
    column = f"the channels at {index_text(asked.place)}" if rank else "the input"
    note = (
        f"It is the dot product of row {k} of the weights [{len(weight)} × {features}] and "
        f"{column}, a column of {features:,} numbers."
    )
    where = (*map(str, asked.place), ":") if rank else ()
    return _summed(asked, patch, where, f"W{k}", names, [note])


def conv_transpose(asked: Asked) -> Made:
    """What input values spread over an output: i adds to i·S + t·D − P by tap t."""
    layer, weight = cast("Any", asked.layer), asked.weights["weight"]
    k, channels = asked.channel, asked.shapes[0].channels
    group_filters, own = layer.filters // layer.groups, channels // layer.groups
    group = k // group_filters
    read = range(group * own, (group + 1) * own)
    axes = [*zip(asked.plan.windows, asked.place, strict=True)]
    places = tuple(
        tuple(values_under(window, place, 0, size))
        for (window, place), size in zip(axes, asked.sizes, strict=True)
    )
    taps = tuple(
        tuple(_tap(window, place, value) for value in along)
        for (window, place), along in zip(axes, places, strict=True)
    )
    inner = k - group * group_filters
    count, kernel = prod(map(len, places)), prod(window.kernel for window in asked.plan.windows)
    meeting = (
        f"{count:,} of the {kernel:,} taps meet an input value here: input i adds to output "
        "i·S + t·D − P by its tap t."
    )
    if not count:
        return _nothing(asked, meeting)
    xp, span = asked.xp, channels_text(read, channels)
    filters = xp.moveaxis(weight[read.start : read.stop, inner], 0, -1)
    values = at_places(xp, asked.x[..., read.start : read.stop], places)
    patch = Patch(values, tuple(read), places, at_places(xp, filters, taps), None, taps)
    names = {f"W{k}": Name(f"np.moveaxis(weight[{span},{inner}], 0, -1)")}
    turned = f"W{k}[{','.join(map(slice_text, taps))},:]"
    return _summed(asked, patch, (*map(slice_text, places), span), turned, names, [meeting])


def _nothing(asked: Asked, meeting: str) -> Made:
    """A value that no input reaches: the bias, or 0."""
    if "bias" not in asked.weights:
        return Made("0", "", 0.0, notes=(meeting, "No input value reaches this position: it is 0."))
    name, bias = f"b{asked.channel}", float(asked.weights["bias"][asked.channel])
    names = {name: Name(f"bias[{asked.channel}]", bias)}
    only = "No input value reaches this position: it is the bias alone."
    return Made(name, "", bias, names, notes=(meeting, only))


def _tap(window: Window, place: int, value: int) -> int:
    """The tap of a transposed convolution's kernel by which a value adds to a place of the output.

    >>> [_tap(Window(kernel=3, before=2, after=2, up=2), 4, value) for value in (1, 2)]
    [2, 0]
    """
    return (place + window.extent - 1 - window.before - value * window.up) // window.dilation


def _under_kernel(asked: Asked, read: range) -> tuple[Patch, tuple[str, ...], dict[str, Name]]:
    """The values under the kernel, the slices that they are, and X with its border if needed."""
    xp, x, windows = asked.xp, asked.x[..., read.start : read.stop], asked.plan.windows
    mode = getattr(asked.layer, "padding_mode", "zero")
    places = tuple(
        tuple(
            place * window.stride - window.before + tap * window.dilation
            for tap in range(window.kernel)
        )
        for place, window in zip(asked.place, windows, strict=True)
    )
    axes = list(zip(places, asked.sizes, strict=True))
    inside = [[0 <= place < size for place in along] for along, size in axes]
    rest = channels_text(read, asked.shapes[0].channels)
    if all(map(all, inside)):
        where = (*map(slice_text, places), rest)
        return Patch(at_places(xp, x, places), tuple(read), places), where, {}
    held = [[_stands(place, size, mode) for place in along] for along, size in axes]
    values = at_places(xp, x, held)
    outside = ~xp.asarray([all(each) for each in product(*inside)]).reshape(values.shape[:-1])
    if mode == "zero":
        values[outside] = 0
    border = ", ".join(f"({window.before}, {window.after})" for window in windows)
    word = "" if mode == "zero" else f', mode="{NUMPY_MODES[mode]}"'
    names = {"Xp": Name(f"np.pad(X, ({border}, (0, 0)){word})")}
    shifted = (
        [place + window.before for place in along]
        for along, window in zip(places, windows, strict=True)
    )
    where = (*map(slice_text, shifted), rest)
    return Patch(values, tuple(read), places, outside=outside), where, names


def _stands(place: int, size: int, mode: str) -> int:
    """Which value of X stands at a place; any, where a zero does."""
    return min(max(place, 0), size - 1) if mode == "zero" else source(place, size, mode)


def _met(patch: Patch, mode: str) -> list[str]:
    return [padding_note(patch.padding, patch.outside.size, mode)] if patch.padding else []


def _summed(
    asked: Asked,
    patch: Patch,
    where: Sequence[str],
    by: str,
    names: dict[str, Name],
    notes: Sequence[str],
) -> Made:
    """The sum of the patch's products, and the bias; `by` is the text of the factors."""
    name = "Xp" if "Xp" in names else "X"
    index = f"[{','.join(where)}]" if where else ""
    products = patch.products
    total = float(products.sum())
    bias: dict[str, float] = {}
    if "bias" in asked.weights:
        each = asked.kind == "locally_connected"
        at = (asked.channel, *asked.place) if each else (asked.channel,)
        letter = "b" if each else f"b{asked.channel}"
        bias[letter] = float(asked.weights["bias"][at])
        names[letter] = Name(f"bias[{index_text(at)}]", bias[letter])
    return Made(
        formula=" + ".join([f"np.sum({name}{index} * {by})", *bias]),
        numbers=added([total, *bias.values()]) if bias else "",
        value=total + sum(bias.values()),
        names=names,
        patch=patch,
        summands=bias,
        notes=tuple(notes),
        roundings=products.size + len(bias) + 1,
        magnitude=float(abs(products).sum()) + sum(map(abs, bias.values())),
    )
