"""What each kind of layer is in ONNX operators, in both directions: a row by kind.

What writes a kind gets a `Maker` and returns the name of the tensor that is the layer's output.
Source: ONNX operators, https://onnx.ai/onnx/operators, by the names that stand here.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import inf, prod
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from convcalc.exchange.onnx.attending import attention
from convcalc.exchange.onnx.writer import Maker, Unwritten
from convcalc.layers.base import axis_number
from convcalc.layers.sliding import sides, unrounded_windows
from convcalc.window import Window

Write = Callable[[Maker], str]

MODES = {"zero": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""Borders, as operator Pad calls them."""


# -- windows -----------------------------------------------------------------------------------


def _pads(windows: Sequence[Window]) -> list[int]:
    """All paddings in front, then all behind."""
    return [window.before for window in windows] + [window.after for window in windows]


def _attributes(windows: Sequence[Window]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "kernel_shape": [window.kernel for window in windows],
        "strides": [window.stride for window in windows],
        "pads": _pads(windows),
    }
    if any(window.dilation > 1 for window in windows):
        attributes["dilations"] = [window.dilation for window in windows]
    return attributes


def _bordered(make: Maker, windows: Sequence[Window], mode: str, value: float = 0) -> str:
    """The input with a border of its own, for what no operator pads."""
    sides = [(0, 0), (0, 0), *((window.before, window.after) for window in windows)]
    return _pad(make, make.x, sides, mode, value)


def _pad(
    make: Maker, x: str, sides: Sequence[tuple[int, int]], mode: str = "zero", value: float = 0
) -> str:
    if mode == "circular" and make.opset < 19:
        return _around(make, x, sides)
    pads = make.integers(*(before for before, _ in sides), *(after for _, after in sides))
    inputs = [x, pads, make.number(value)] if mode == "zero" else [x, pads]
    return make("Pad", *inputs, mode=MODES[mode])


def _around(make: Maker, x: str, sides: Sequence[tuple[int, int]]) -> str:
    """A border that goes around, of what stands at the other end of each axis."""
    extents = (0, *make.shape.axes)
    for axis, ((before, after), extent) in enumerate(zip(sides, extents, strict=True)):
        if max(before, after) > extent > 0:
            raise Unwritten("a circular border larger than the map needs opset 19")
        front = [make.cut(x, axis, extent - before, extent)] if before else []
        behind = [make.cut(x, axis, 0, after)] if after else []
        if front or behind:
            x = make("Concat", *front, x, *behind, axis=axis)
    return x


def _unpadded(windows: Sequence[Window]) -> list[Window]:
    return [window._replace(before=0, after=0) for window in windows]


# -- weighted sums -----------------------------------------------------------------------------


def _convolution(
    make: Maker, x: str, windows: Sequence[Window], weight: str, *, groups: int, bias: bool
) -> str:
    inputs = [x, weight, *([make.weight("bias")] if bias else [])]
    return make("Conv", *inputs, **_attributes(windows), group=groups if groups > 1 else None)


def _padded_input(make: Maker, mode: str) -> tuple[str, Sequence[Window]]:
    """The input and the windows that are left, once a border that is no zeros stands around it."""
    windows = make.plan.windows
    if mode == "zero" or not any(map(any, ((w.before, w.after) for w in windows))):
        return make.x, windows
    return _bordered(make, windows, mode), _unpadded(windows)


def _conv(make: Maker) -> str:
    layer = make.layer
    x, windows = _padded_input(make, layer.padding_mode)
    weight = make.weight("weight")
    return _convolution(make, x, windows, weight, groups=layer.groups, bias=layer.bias)


def _depthwise_conv(make: Maker) -> str:
    x, windows = _padded_input(make, make.layer.padding_mode)
    weight, groups = make.weight("weight"), make.shape.channels
    return _convolution(make, x, windows, weight, groups=groups, bias=make.layer.bias)


def _separable_conv(make: Maker) -> str:
    x, windows = _padded_input(make, make.layer.padding_mode)
    weight = make.weight("weight")
    inside = _convolution(make, x, windows, weight, groups=make.shape.channels, bias=False)
    inputs = [inside, make.weight("pointwise")]
    bias = [make.weight("bias")] if make.layer.bias else []
    return make("Conv", *inputs, *bias, kernel_shape=[1] * make.shape.rank)


def _conv_transpose(make: Maker) -> str:
    layer, windows = make.layer, make.plan.windows
    cuts = [(w.extent - 1 - w.before, w.extent - 1 - w.after) for w in windows]
    attributes = {
        "kernel_shape": [window.kernel for window in windows],
        "strides": [window.up for window in windows],
        "dilations": [window.dilation for window in windows],
        "pads": [max(before, 0) for before, _ in cuts] + [max(after, 0) for _, after in cuts],
        "output_padding": [max(-after, 0) for _, after in cuts],
        "group": layer.groups,
    }
    inputs = [make.x, make.weight("weight"), *([make.weight("bias")] if layer.bias else [])]
    return make("ConvTranspose", *inputs, **attributes)


def _locally_connected(make: Maker) -> str:
    """A sum over the taps of what each meets, times its own weights at every position."""
    windows, output = make.plan.windows, make.plan.output.spatial
    x = _bordered(make, windows, "zero") if any(_pads(windows)) else make.x
    values = make.values("weight")
    axes = "xyz"[: len(windows)]
    total = ""
    for tap in product(*(range(window.kernel) for window in windows)):
        met = x
        for axis, (at, window, size) in enumerate(zip(tap, windows, output, strict=True), 2):
            start = at * window.dilation
            stop = start + (size - 1) * window.stride + 1
            met = make.cut(met, axis, start, stop, window.stride)
        name = f"weight at {'×'.join(map(str, tap))}"
        at_tap = (..., *tap)
        weight = make.arranged("weight", name, values[at_tap])
        part = make("Einsum", met, weight, equation=f"nc{axes},k{axes}c->nk{axes}")
        total = make("Add", total, part) if total else part
    return make("Add", total, make.weight("bias")) if make.layer.bias else total


def _linear(make: Maker) -> str:
    bias = [make.weight("bias")] if make.layer.bias else []
    rank = make.shape.rank
    if not rank:
        return make("Gemm", make.x, make.weight("weight"), *bias, transB=1)
    ones = (1,) * rank
    weight = make.weight("weight", (*make.values("weight").shape, *ones))
    return make("Conv", make.x, weight, *bias, kernel_shape=ones)


# -- recurrent layers --------------------------------------------------------------------------

GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
"""For each gate in ONNX's order, which it is of PyTorch's: input, output, forget, cell; and update,
reset, new."""


def _recurrent(operator: str) -> Write:
    def write(make: Maker) -> str:
        layer, size = make.layer, make.layer.features
        order = GATES[operator]

        def turned(name: str, number: int) -> Any:
            each = [make.values(f"{name}_l{number}{end}") for end in layer.directions]
            gates = [np.split(array, len(order)) for array in each]
            return np.stack([np.concatenate([gate[at] for at in order]) for gate in gates])

        x = make.transpose(make.x, 2, 0, 1)
        for number in range(layer.layers):
            inputs = [
                x,
                make.arranged(f"weight_ih_l{number}", "", turned("weight_ih", number)),
                make.arranged(f"weight_hh_l{number}", "", turned("weight_hh", number)),
            ]
            if layer.bias:
                both = [turned(name, number) for name in ("bias_ih", "bias_hh")]
                inputs.append(make.arranged(f"bias_ih_l{number}", "", np.concatenate(both, axis=1)))
            attributes: dict[str, Any] = {"hidden_size": size}
            if layer.bidirectional:
                attributes["direction"] = "bidirectional"
            if operator == "GRU":
                attributes["linear_before_reset"] = 1
            y = make(operator, *inputs, **attributes)
            turned_back = make.transpose(y, 0, 2, 1, 3)  # length, N, directions, features
            x = make.reshape(turned_back, 0, 0, len(layer.directions) * size)
        return make.transpose(x, 1, 2, 0)

    return write


# -- pooling -----------------------------------------------------------------------------------


def _pool(make: Maker) -> tuple[str, Sequence[Window], dict[str, Any]]:
    """The input, its windows and the operator's attributes, rounding up as the file can say it."""
    written = unrounded_windows(make.layer, make.shape.spatial)
    windows = make.plan.windows
    attributes = _attributes(written)
    if windows != written:
        attributes["ceil_mode"] = 1
    return make.x, windows, attributes


def _beyond(windows: Sequence[Window]) -> bool:
    """Whether there is more padding than an operator of pooling takes."""
    return any(max(window.before, window.after) >= window.kernel for window in windows)


def _maxpool(make: Maker) -> str:
    x, windows, attributes = _pool(make)
    if _beyond(windows):
        x = _bordered(make, windows, "zero", -inf)
        attributes = _attributes(_unpadded(windows))
    return make("MaxPool", x, **attributes)


def _maxunpool(make: Maker) -> str:
    """MaxUnpool by a pool that is written once more: a layer sees the tensors alone that it reads.

    It makes as many rows as its windows come to: what the pool reads gets that many before, and
    what comes out is cut or padded to what it had.
    """
    windows, sizes = make.layer.windows, make.plan.output.spatial
    made = [
        (outputs - 1) * window.stride + window.kernel - window.before
        for window, outputs in zip(windows, make.shape.spatial, strict=True)
    ]
    more = [(0, 0), (0, 0), *((0, to - size) for to, size in zip(made, sizes, strict=True))]
    pooled = _fitted(make, make.inputs[1], more, -inf)
    attributes = _attributes([window._replace(after=0) for window in windows])
    _, indices = make.many("MaxPool", [pooled], 2, **attributes)
    y = make("MaxUnpool", make.x, indices, **attributes)
    return _fitted(make, y, [(before, -after) for before, after in more], 0)


def _fitted(make: Maker, x: str, sides: Sequence[tuple[int, int]], value: float) -> str:
    """A tensor padded behind along each axis, or cut where the number is negative."""
    longer = [(before, max(after, 0)) for before, after in sides]
    if any(after for _, after in longer):
        x = _pad(make, x, longer, value=value)
    for axis, (_, after) in enumerate(sides):
        if after < 0:
            x = make.cut(x, axis, 0, after)
    return x


def _avgpool(make: Maker) -> str:
    layer = make.layer
    x, windows, attributes = _pool(make)
    dilated = any(window.dilation > 1 for window in windows)
    if dilated and make.opset < 19:
        raise Unwritten("average pooling with dilation needs opset 19")
    if layer.divisor is not None or (_beyond(windows) and layer.count_include_pad):
        if attributes.get("ceil_mode") and layer.divisor is None:
            raise Unwritten("average pooling that rounds up has too much padding")
        x = _bordered(make, windows, "zero") if any(_pads(windows)) else x
        y = make("AveragePool", x, **_attributes(_unpadded(windows)))
        if layer.divisor is None:
            return y
        taps = prod(window.kernel for window in windows)
        return make("Mul", y, make.number(taps / layer.divisor))
    return make("AveragePool", x, **attributes, count_include_pad=int(layer.count_include_pad))


def _lppool(make: Maker) -> str:
    layer = make.layer
    windows = make.plan.windows
    rounded = tuple(windows) != tuple(unrounded_windows(layer, make.shape.spatial))
    if rounded:
        raise Unwritten("lppool that rounds up scales sums at the border, which LpPool does not")
    if layer.norm % 2 == 0:
        return make("LpPool", make.x, **_attributes(windows), p=int(layer.norm))
    taps = prod(window.kernel for window in windows)
    powers = make("Pow", make.x, make.number(layer.norm))
    mean = make("AveragePool", powers, **_attributes(windows), count_include_pad=1)
    return make("Pow", make("Mul", mean, make.number(taps)), make.number(1 / layer.norm))


def _whole_map(operator: str) -> Write:
    return lambda make: make(operator, make.x)


def _adaptive(whole: str, pool: str, reduce: str) -> Write:
    """Where regions are alike, a pool; else region by region along each axis."""

    def write(make: Maker) -> str:
        sizes, x = make.plan.output.spatial, make.x
        if all(size == 1 for size in sizes):
            return make(whole, x)
        if all(not extent % size for extent, size in zip(make.shape.spatial, sizes, strict=True)):
            kernel = [e // s for e, s in zip(make.shape.spatial, sizes, strict=True)]
            return make(pool, x, kernel_shape=kernel, strides=kernel)
        for axis, (extent, size) in enumerate(zip(make.shape.spatial, sizes, strict=True), 2):
            regions = []
            for at in range(size):
                part = make.cut(x, axis, at * extent // size, -(-(at + 1) * extent // size))
                regions.append(make.reduce(reduce, part, axis))
            x = make("Concat", *regions, axis=axis)
        return x

    return write


def _kmaxpool(make: Maker) -> str:
    count = make.integers(make.layer.k)
    _, places = make.many("TopK", [make.x, count], 2, axis=-1)
    ordered, _ = make.many("TopK", [places, count], 2, axis=-1, largest=0)
    return make("GatherElements", make.x, ordered, axis=-1)


def _over_channels(operator: str) -> Write:
    return lambda make: make.reduce(operator, make.x, 1)


# -- normalization -----------------------------------------------------------------------------


def _filled(make: Maker, value: float, *extents: int) -> str:
    """Factors or summands that an operator demands, and a layer does not learn."""
    onnx = make.graph.onnx
    number = onnx.helper.make_tensor("value", onnx.TensorProto.FLOAT, [1], [value])
    return make("ConstantOfShape", make.integers(*extents), value=number)


def _factors(make: Maker) -> tuple[str, str]:
    """A factor and a summand for each channel, learned or 1 and 0."""
    if make.layer.affine:
        return make.weight("weight"), make.weight("bias")
    channels = make.shape.channels
    return _filled(make, 1, channels), _filled(make, 0, channels)


def _batchnorm(make: Maker) -> str:
    layer = make.layer
    if not layer.track_running_stats:
        return _of_the_batch(make)
    factor, summand = _factors(make)
    inputs = [make.x, factor, summand, make.weight("running_mean"), make.weight("running_var")]
    return make("BatchNormalization", *inputs, epsilon=layer.eps)


def _of_the_batch(make: Maker) -> str:
    """By the statistics of the batch that comes in."""
    axes = (0, *range(2, 2 + make.shape.rank))
    centred = make("Sub", make.x, make.reduce("ReduceMean", make.x, *axes))
    variance = make.reduce("ReduceMean", make("Mul", centred, centred), *axes)
    deviation = make("Sqrt", make("Add", variance, make.number(make.layer.eps)))
    return _affine(make, make("Div", centred, deviation))


def _instancenorm(make: Maker) -> str:
    if make.layer.track_running_stats:
        return _batchnorm(make)
    factor, summand = _factors(make)
    return make("InstanceNormalization", make.x, factor, summand, epsilon=make.layer.eps)


def _groupnorm(make: Maker) -> str:
    layer, shape = make.layer, make.shape
    if make.opset >= 21 and shape.rank:
        factor, summand = _factors(make)
        inputs = [make.x, factor, summand]
        return make("GroupNormalization", *inputs, num_groups=layer.groups, epsilon=layer.eps)
    groups = make.reshape(make.x, 0, layer.groups, -1)
    ones, zeros = _filled(make, 1, layer.groups), _filled(make, 0, layer.groups)
    y = make("InstanceNormalization", groups, ones, zeros, epsilon=layer.eps)
    y = make.reshape(y, 0, *shape.axes)
    return _affine(make, y)


def _affine(make: Maker, y: str) -> str:
    """A factor and a summand for each channel, as far as they are learned."""
    names = {weight.name for weight in make.plan.weights}
    if "weight" in names:
        y = make("Mul", y, make.per_channel("weight"))
    return make("Add", y, make.per_channel("bias")) if "bias" in names else y


def _layernorm(make: Maker) -> str:
    layer, shape = make.layer, make.shape
    learned = {weight.name for weight in make.plan.weights}
    whole = layer.over == "all" or not shape.rank
    extents = shape.axes if layer.over == "all" else (shape.channels,)
    rank = shape.rank
    x = make.x if whole else make.transpose(make.x, 0, *range(2, rank + 2), 1)
    factor = make.weight("weight") if "weight" in learned else _filled(make, 1, *extents)
    summand = [make.weight("bias")] if "bias" in learned else []
    axis = 1 if whole else rank + 1
    y = make("LayerNormalization", x, factor, *summand, axis=axis, epsilon=layer.eps)
    return y if whole else make.transpose(y, 0, rank + 1, *range(1, rank + 1))


def _lrn(make: Maker) -> str:
    layer = make.layer
    if layer.size % 2 and make.shape.rank == 2:  # others, ONNX Runtime does not run
        numbers = {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "bias": layer.k}
        return make("LRN", make.x, **numbers)
    channels, positions = make.shape.channels, prod(make.shape.spatial)
    before, after = (min(far, channels - 1) for far in (layer.size // 2, (layer.size - 1) // 2))
    squares = make.reshape(make("Mul", make.x, make.x), 0, 1, channels, positions)
    squares = make("Pad", squares, make.integers(0, 0, before, 0, 0, 0, after, 0))
    taps = before + after + 1
    mean = make("AveragePool", squares, kernel_shape=[taps, 1])
    scaled = make("Mul", mean, make.number(layer.alpha * taps / layer.size))
    base = make("Add", scaled, make.number(layer.k))
    power = make.reshape(make("Pow", base, make.number(layer.beta)), 0, *make.shape.axes)
    return make("Div", make.x, power)


def _l2norm(make: Maker) -> str:
    length = make.reduce("ReduceL2", make.x, 1)
    direction = make("Div", make.x, make("Max", length, make.number(make.layer.eps)))
    return _affine(make, direction)


# -- activations -------------------------------------------------------------------------------


def _function(operator: str, **attributes: Any) -> Write:
    return lambda make: make(operator, make.x, **attributes)


def _relu6(make: Maker) -> str:
    return make("Clip", make.x, make.number(0), make.number(6))


def _leaky_relu(make: Maker) -> str:
    return make("LeakyRelu", make.x, alpha=make.layer.slope)


def _elu(make: Maker) -> str:
    return make("Elu", make.x, alpha=make.layer.alpha)


def _prelu(make: Maker) -> str:
    one = make.layer.slopes == "one"
    return make("PRelu", make.x, make.weight("weight") if one else make.per_channel("weight"))


def _gelu(make: Maker) -> str:
    layer = make.layer
    if make.opset >= 20:
        return make("Gelu", make.x, approximate=layer.approximate)
    x, half = make.x, make.number(0.5)
    if layer.approximate == "tanh":
        cube = make("Mul", make("Mul", make("Mul", x, x), x), make.number(0.044715))
        inner = make("Mul", make("Add", x, cube), make.number((2 / np.pi) ** 0.5))
        grown = make("Add", make("Tanh", inner), make.number(1))
    else:
        grown = make("Add", make("Erf", make("Div", x, make.number(2**0.5))), make.number(1))
    return make("Mul", make("Mul", x, grown), half)


def _silu(make: Maker) -> str:
    return make("Mul", make.x, make("Sigmoid", make.x))


def _mish(make: Maker) -> str:
    if make.opset >= 18:
        return make("Mish", make.x)
    return make("Mul", make.x, make("Tanh", make("Softplus", make.x)))


def _softplus(make: Maker) -> str:
    layer, x = make.layer, make.x
    steep = x if layer.beta == 1 else make("Mul", x, make.number(layer.beta))
    y = make("Softplus", steep)
    y = y if layer.beta == 1 else make("Div", y, make.number(layer.beta))
    if layer.threshold >= 20:  # beyond, log(1 + eˣ) is x in float32
        return y
    return make("Where", make("Greater", steep, make.number(layer.threshold)), x, y)


# -- other places and shapes -------------------------------------------------------------------


def _dropout(make: Maker) -> str:
    return make("Dropout", make.x, make.number(make.layer.rate))


def _flatten(make: Maker) -> str:
    if len(make.plan.output.axes) == 1:
        return make("Flatten", make.x, axis=1)
    return _reshape(make)


def _reshape(make: Maker) -> str:
    return make.reshape(make.x, 0, *make.plan.output.axes)


def _permute(make: Maker) -> str:
    return make.transpose(make.x, 0, *make.layer.order)


def _turned(make: Maker, apart: Sequence[int], order: Sequence[int]) -> str:
    """Axes taken apart, put into another order, and put together as the output has them."""
    blocks = make.reshape(make.x, 0, *apart)
    return make.reshape(make.transpose(blocks, 0, *order), 0, *make.plan.output.axes)


def _pixel_shuffle(make: Maker) -> str:
    factor, shape = make.layer.factor, make.shape
    if shape.rank == 2:
        return make("DepthToSpace", make.x, blocksize=factor, mode="CRD")
    rank = shape.rank
    apart = [make.plan.output.channels, *(factor,) * rank, *shape.spatial]
    order = [1, *(axis for step in range(rank) for axis in (2 + rank + step, 2 + step))]
    return _turned(make, apart, order)


def _space_to_depth(make: Maker) -> str:
    layer, shape = make.layer, make.shape
    if shape.rank == 2 and layer.order == "rows":
        return make("SpaceToDepth", make.x, blocksize=layer.factor)
    apart = [shape.channels]
    for size in shape.spatial:
        apart += [size // layer.factor, layer.factor]
    places = range(2, 2 * shape.rank + 2, 2)
    taps = [place + 1 for place in places]
    if layer.order == "columns":
        taps.reverse()
    front = [1, *taps] if layer.order == "channels" else [*taps, 1]
    return _turned(make, apart, [*front, *places])


def _channel_shuffle(make: Maker) -> str:
    groups, shape = make.layer.groups, make.shape
    apart = [groups, shape.channels // groups, *shape.spatial]
    return _turned(make, apart, [2, 1, *range(3, 3 + shape.rank)])


def _pad_layer(make: Maker) -> str:
    layer, rank = make.layer, make.shape.rank
    border = sides(layer.padding, rank) if layer.padding is not None else ((0, 0),) * rank
    return _pad(make, make.x, [(0, 0), layer.channels, *border], layer.mode, layer.value)


def _crop(make: Maker) -> str:
    starts = [-window.before for window in make.plan.windows]
    stops = [start + size for start, size in zip(starts, make.plan.output.spatial, strict=True)]
    axes = range(2, 2 + len(starts))
    every = (make.integers(*each) for each in (starts, stops, axes))
    return make("Slice", make.x, *every)


def _slice(make: Maker) -> str:
    layer = make.layer
    axis = axis_number(layer.axis, make.shape.rank) or 0
    extent, left = make.shape.axes[axis], make.plan.output.axes[axis]
    start = layer.start + extent if layer.start < 0 else layer.start
    return make.cut(make.x, axis + 1, start, start + left)


COORDINATES = {"nearest": "asymmetric", "linear": "half_pixel", "cubic": "half_pixel"}
"""Which positions each mode has by itself, as operator Resize calls them."""


def _upsample(make: Maker) -> str:
    layer, shape = make.layer, make.shape
    if layer.antialias and make.opset < 18:
        raise Unwritten("antialias needs opset 18")
    positions = COORDINATES[layer.mode] if layer.positions == "by_mode" else layer.positions
    if layer.align_corners:
        positions = "align_corners"
    excludes = layer.antialias if layer.border == "by_mode" else layer.border == "exclude"
    attributes: dict[str, Any] = {
        "mode": layer.mode,
        "coordinate_transformation_mode": positions,
    }
    if layer.mode == "nearest":
        attributes["nearest_mode"] = layer.round
    if layer.mode == "cubic":
        usual = -0.5 if layer.antialias else -0.75
        attributes["cubic_coeff_a"] = usual if layer.coefficient is None else layer.coefficient
    if excludes and layer.mode != "nearest":
        attributes["exclude_outside"] = 1
    if layer.antialias:
        attributes["antialias"] = 1
    if layer.size is None and not layer.align_corners:
        scales = layer.scale if isinstance(layer.scale, tuple) else (layer.scale,) * shape.rank
        factors = make.graph.numbers((1, 1, *scales), "float32")
        return make("Resize", make.x, "", factors, **attributes)
    sizes = make.integers(make.shape.channels, *make.plan.output.spatial)
    if make.opset >= 18:
        axes = [*range(1, 2 + shape.rank)]
        return make("Resize", make.x, "", "", sizes, axes=axes, **attributes)
    whole = make("Concat", _batch(make), sizes, axis=0)
    return make("Resize", make.x, "", "", whole, **attributes)


def _scale(make: Maker) -> str:
    return _affine(make, make.x)


def _affine_numbers(make: Maker) -> str:
    layer, y = make.layer, make.x
    if layer.times != 1 or not layer.plus:
        y = make("Mul", y, make.number(layer.times))
    return make("Add", y, make.number(layer.plus)) if layer.plus else y


# -- branches ----------------------------------------------------------------------------------


def _chain(operator: str) -> Write:
    """One input after the other; of one alone, itself."""

    def write(make: Maker) -> str:
        if len(make.inputs) == 1:
            return make("Identity", make.x)
        y = make.x
        for x in make.inputs[1:]:
            y = make(operator, y, x)
        return y

    return write


def _concat(make: Maker) -> str:
    axis = (make.layer.joins(make.shape.rank) or 0) + 1
    return make("Concat", *make.inputs, axis=axis)


def _matmul(make: Maker) -> str:
    return make("MatMul", make.inputs[1], make.inputs[0])


def _batch(make: Maker) -> str:
    """How many examples there are, as a list of one number."""
    return make("Slice", make("Shape", make.x), make.integers(0), make.integers(1))


def _learned(make: Maker) -> str:
    values = make.values("weight")
    if len(make.layer.shape) == 2:
        values = values.transpose(0, 2, 1)
    weight = make.arranged("weight", "", values)
    extents = make("Concat", _batch(make), make.integers(*make.plan.output.axes), axis=0)
    return make("Expand", weight, extents)


def _embedding(make: Maker) -> str:
    """Rows by position, then channels first."""
    rows = make("Gather", make.weight("weight"), make("Squeeze", make.x, make.integers(1)), axis=0)
    return make.transpose(rows, 0, 2, 1)


class Row(NamedTuple):
    """What a kind of layer is in ONNX, in both directions."""

    write: Write
    """What writes it as operators: there is no kind that ONNX cannot say."""
    operators: tuple[str, ...] = ()
    """What it may be read from; each has a row in `rows.READS`."""
    unread: str = ""
    """Why it is read from none, where it is not."""


ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "conv": Row(_conv, ("Conv", "com.microsoft:FusedConv")),
        "depthwise_conv": Row(_depthwise_conv, ("Conv",)),
        "conv_transpose": Row(_conv_transpose, ("ConvTranspose",)),
        "separable_conv": Row(_separable_conv, unread="it is two convolutions in a file"),
        "locally_connected": Row(
            _locally_connected,
            unread="it is a convolution, a product and a sum of patches in a file",
        ),
        "linear": Row(_linear, ("Gemm", "com.microsoft:FusedGemm", "MatMul")),
        "lstm": Row(_recurrent("LSTM"), ("LSTM",)),
        "gru": Row(_recurrent("GRU"), ("GRU",)),
        "maxpool": Row(_maxpool, ("MaxPool",)),
        "avgpool": Row(_avgpool, ("AveragePool",)),
        "lppool": Row(_lppool, ("LpPool",)),
        "adaptive_avgpool": Row(
            _adaptive("GlobalAveragePool", "AveragePool", "ReduceMean"), ("AveragePool",)
        ),
        "adaptive_maxpool": Row(_adaptive("GlobalMaxPool", "MaxPool", "ReduceMax"), ("MaxPool",)),
        "global_avgpool": Row(
            _whole_map("GlobalAveragePool"), ("GlobalAveragePool", "ReduceMean", "ReduceSum")
        ),
        "global_maxpool": Row(_whole_map("GlobalMaxPool"), ("GlobalMaxPool", "ReduceMax")),
        "kmaxpool": Row(_kmaxpool, ("KMaxPool",)),
        "maxunpool": Row(
            _maxunpool,
            unread="places count through a whole map in ONNX, and here through a pool's windows",
        ),
        "channel_avgpool": Row(_over_channels("ReduceMean"), ("ReduceMean", "ReduceSum")),
        "channel_maxpool": Row(_over_channels("ReduceMax"), ("ReduceMax",)),
        "batchnorm": Row(_batchnorm, ("BatchNormalization",)),
        "groupnorm": Row(_groupnorm, ("GroupNormalization", "InstanceNormalization")),
        "layernorm": Row(_layernorm, ("LayerNormalization", "ReduceMean")),
        "instancenorm": Row(_instancenorm, ("InstanceNormalization",)),
        "lrn": Row(_lrn, ("LRN",)),
        "l2norm": Row(_l2norm, ("LpNormalization",)),
        "relu": Row(_function("Relu"), ("Relu", "Clip", "Max")),
        "relu6": Row(_relu6, ("Clip",)),
        "leaky_relu": Row(_leaky_relu, ("LeakyRelu",)),
        "prelu": Row(_prelu, ("PRelu",)),
        "elu": Row(_elu, ("Elu",)),
        "selu": Row(_function("Selu"), ("Selu",)),
        "gelu": Row(_gelu, ("Gelu", "com.microsoft:Gelu", "com.microsoft:FastGelu", "Mul")),
        "silu": Row(_silu, ("Silu", "Mul")),
        "mish": Row(_mish, ("Mish", "Mul")),
        "sigmoid": Row(_function("Sigmoid"), ("Sigmoid",)),
        "hardsigmoid": Row(_function("HardSigmoid", alpha=1 / 6, beta=0.5), ("HardSigmoid", "Div")),
        "hardswish": Row(_function("HardSwish"), ("HardSwish", "Mul", "Div")),
        "tanh": Row(_function("Tanh"), ("Tanh",)),
        "abs": Row(_function("Abs"), ("Abs",)),
        "softplus": Row(_softplus, ("Softplus",)),
        "softmax": Row(_function("Softmax", axis=1), ("Softmax",)),
        "log_softmax": Row(_function("LogSoftmax", axis=1), ("LogSoftmax",)),
        "dropout": Row(_dropout, ("Dropout",)),
        "identity": Row(_function("Identity"), ("Clip",)),
        "flatten": Row(_flatten, ("Flatten", "Reshape", "Squeeze")),
        "reshape": Row(_reshape, ("Reshape", "Unsqueeze", "Expand")),
        "permute": Row(_permute, ("Transpose",)),
        "pixel_shuffle": Row(_pixel_shuffle, ("DepthToSpace", "Reshape")),
        "space_to_depth": Row(_space_to_depth, ("SpaceToDepth", "Reshape", "Concat")),
        "channel_shuffle": Row(_channel_shuffle, ("ChannelShuffle", "DepthToSpace", "Reshape")),
        "pad": Row(_pad_layer, ("Pad",)),
        "crop": Row(_crop, unread="a cut from both sides is a slice for each axis"),
        "upsample": Row(_upsample, ("Resize", "Upsample")),
        "slice": Row(_slice, ("Slice", "Split", "Gather")),
        "scale": Row(_scale, ("Mul",)),
        "affine": Row(_affine_numbers, ("Add", "Sub", "Mul", "Div", "Neg", "Mean")),
        "add": Row(_chain("Add"), ("Add", "Sum", "Mean")),
        "subtract": Row(_chain("Sub"), ("Sub",)),
        "multiply": Row(_chain("Mul"), ("Mul",)),
        "divide": Row(_chain("Div"), ("Div",)),
        "maximum": Row(_chain("Max"), ("Max",)),
        "concat": Row(_concat, ("Concat",)),
        "matmul": Row(_matmul, ("MatMul",)),
        "attention": Row(attention, ("Attention",)),
        "learned": Row(_learned, ("Add", "Sub", "Mul", "Div", "Concat")),
        "embedding": Row(_embedding, ("Gather",)),
    }
)
"""Every kind of the catalogue → what writes it, and what it is read from or why it is not."""
