"""Norms as operators."""

from math import prod

from convcalc.exchange.onnx.writer import Maker


def filled(make: Maker, value: float, *extents: int) -> str:
    """Factors or summands that an operator demands, and a layer does not learn."""
    onnx = make.graph.onnx
    number = onnx.helper.make_tensor("value", onnx.TensorProto.FLOAT, [1], [value])
    return make("ConstantOfShape", make.integers(*extents), value=number)


def factors(make: Maker) -> tuple[str, str]:
    """A factor and a summand for each channel, learned or 1 and 0."""
    if make.layer.affine:
        return make.weight("weight"), make.weight("bias")
    channels = make.shape.channels
    return filled(make, 1, channels), filled(make, 0, channels)


def batchnorm(make: Maker) -> str:
    """BatchNormalization, or a norm by the batch itself."""
    layer = make.layer
    if not layer.track_running_stats:
        return of_the_batch(make)
    factor, summand = factors(make)
    inputs = [make.x, factor, summand, make.weight("running_mean"), make.weight("running_var")]
    return make("BatchNormalization", *inputs, epsilon=layer.eps)


def of_the_batch(make: Maker) -> str:
    """By the statistics of the batch that comes in."""
    axes = (0, *range(2, 2 + make.shape.rank))
    centred = make("Sub", make.x, make.reduce("ReduceMean", make.x, *axes))
    variance = make.reduce("ReduceMean", make("Mul", centred, centred), *axes)
    deviation = make("Sqrt", make("Add", variance, make.number(make.layer.eps)))
    return affine(make, make("Div", centred, deviation))


def instancenorm(make: Maker) -> str:
    """InstanceNormalization."""
    if make.layer.track_running_stats:
        return batchnorm(make)
    factor, summand = factors(make)
    return make("InstanceNormalization", make.x, factor, summand, epsilon=make.layer.eps)


def groupnorm(make: Maker) -> str:
    """GroupNormalization, or an instance norm of groups before version 21."""
    layer, shape = make.layer, make.shape
    if make.opset >= 21 and shape.rank:
        factor, summand = factors(make)
        inputs = [make.x, factor, summand]
        return make("GroupNormalization", *inputs, num_groups=layer.groups, epsilon=layer.eps)
    groups = make.reshape(make.x, 0, layer.groups, -1)
    ones, zeros = filled(make, 1, layer.groups), filled(make, 0, layer.groups)
    y = make("InstanceNormalization", groups, ones, zeros, epsilon=layer.eps)
    y = make.reshape(y, 0, *shape.axes)
    return affine(make, y)


def affine(make: Maker, y: str) -> str:
    """A factor and a summand for each channel, as far as they are learned."""
    names = {weight.name for weight in make.plan.weights}
    if "weight" in names:
        y = make("Mul", y, make.per_channel("weight"))
    return make("Add", y, make.per_channel("bias")) if "bias" in names else y


def layernorm(make: Maker) -> str:
    """LayerNormalization."""
    layer, shape = make.layer, make.shape
    learned = {weight.name for weight in make.plan.weights}
    whole = layer.over == "all" or not shape.rank
    extents = shape.axes if layer.over == "all" else (shape.channels,)
    rank = shape.rank
    x = make.x if whole else make.transpose(make.x, 0, *range(2, rank + 2), 1)
    factor = make.weight("weight") if "weight" in learned else filled(make, 1, *extents)
    summand = [make.weight("bias")] if "bias" in learned else []
    axis = 1 if whole else rank + 1
    y = make("LayerNormalization", x, factor, *summand, axis=axis, epsilon=layer.eps)
    return y if whole else make.transpose(y, 0, rank + 1, *range(1, rank + 1))


def lrn(make: Maker) -> str:
    """LRN, or its formula for what ONNX Runtime does not run."""
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


def l2norm(make: Maker) -> str:
    """Each vector by its length."""
    length = make.reduce("ReduceL2", make.x, 1)
    direction = make("Div", make.x, make("Max", length, make.number(make.layer.eps)))
    return affine(make, direction)
