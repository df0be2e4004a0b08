"""Normalizations and reductions of ONNX as layers."""

from math import prod
from typing import Any, NoReturn

from convcalc.exchange.foreign import Source
from convcalc.exchange.onnx.dense import weight_of
from convcalc.exchange.onnx.extents import axis_of, reduced_axes, whole
from convcalc.exchange.onnx.merges import named
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.reader import BATCH, Lowered, Reader, tidy
from convcalc.exchange.onnx.values import Batch, Constant, UnknownError, shown
from convcalc.exchange.wiring import CannotError

IN_TRAINING = "batch norms that the file has in training, by the statistics of what comes in"
"""What is said of them: in a spec, how a network runs says that and not the layer."""


def epsilon(op: Operation, default: float = 1e-5) -> dict[str, Any]:
    """What is added to the variance, where it is not what a layer adds by itself."""
    eps = tidy(op.attributes.get("epsilon", 1e-5))
    return {} if eps == default else {"eps": eps}


def flat(constant: Constant) -> Source:
    """An array as one row."""
    return lambda: constant.release().reshape(-1)


def batch(reader: Reader, op: Operation) -> None:
    """BatchNormalization, with its running statistics."""
    number = reader.first(op)
    channels = reader.shape(number).channels
    scale, bias, mean, variance = (weight_of(op, at, "statistics") for at in range(1, 5))
    if any(each.size != channels for each in (scale, bias, mean, variance)):
        message = f"its statistics are not of {channels} channels"
        raise CannotError(message)
    if op.attributes.get("training_mode"):
        reader.count(IN_TRAINING)
    fields = epsilon(op)
    momentum = tidy(1 - op.attributes.get("momentum", 0.9))
    if abs(momentum - 0.1) > 1e-6:
        fields["momentum"] = momentum
    weights = {"running_mean": flat(mean), "running_var": flat(variance)}
    constants = [mean, variance]
    if named(scale) or named(bias) or not (everywhere(scale, 1) and everywhere(bias, 0)):
        weights = {"weight": flat(scale), "bias": flat(bias), **weights}
        constants = [scale, bias, *constants]
    else:
        fields["affine"] = False
    reader.give_first(op, reader.add(op, "batchnorm", [number], fields, weights, constants))


def _of_the_batch(reader: Reader, op: Operation) -> None:
    """A batch norm that keeps no running statistics."""
    number = reader.first(op)
    channels = reader.shape(number).channels
    fields: dict[str, Any] = {"track_running_stats": False, **epsilon(op)}
    constants = [weight_of(op, at, "factors") for at in (1, 2) if op.input(at) is not None]
    if not constants:
        fields["affine"] = False
    elif [each.size for each in constants] != [channels, channels]:
        message = f"it learns no factor and summand for each of {channels} channels"
        raise CannotError(message)
    weights = dict(zip(("weight", "bias"), map(flat, constants), strict=False))
    reader.give_first(op, reader.add(op, "batchnorm", [number], fields, weights, constants))


def layer(reader: Reader, op: Operation) -> None:
    """LayerNormalization over the last axis, or over all but the examples."""
    value = reader.tensor(op)
    dims = value.dims or ()
    axes = op.attributes.get("axes")
    axis = axis_of(op.attributes.get("axis", -1), len(dims))
    if axes is not None and list(axes) == [0, *range(2, len(dims))]:
        _of_the_batch(reader, op)
        return
    if axes is not None and len(axes) > 1 and axes != list(range(axis, len(dims))):
        message = f"it normalizes the axes {', '.join(map(str, axes))} together"
        raise CannotError(message)
    alone = axes is not None and len(axes) == 1
    scale, bias = op.constant(1), op.constant(2)
    if op.input(1) is not None and scale is None:
        message = "its factors are no constant"
        raise CannotError(message)
    fields: dict[str, Any] = {}
    weights: dict[str, Source] = {}
    if axis == len(dims) - 1 or alone:
        low = reader.channels_at(op, value, axis)
    elif all(isinstance(extent, Batch) for extent in dims[:axis]):
        low_number = reader.canonical(op, value)
        shape = reader.shape(low_number)
        layout = (*(BATCH for _ in dims[:axis]), *range(shape.rank + 1))
        fields["over"] = "all"
        low = Lowered(low_number, layout)
    else:
        message = f"it normalizes the axes from {axis} on together"
        raise CannotError(message)
    size = prod(map(whole, dims[axis : axis + 1] if alone else dims[axis:]))
    fields |= epsilon(op)
    plain = scale is None or (not named(scale) and everywhere(scale, 1))
    if plain and (bias is None or (not named(bias) and everywhere(bias, 0))):
        fields["affine"] = False
    elif scale is not None:
        if scale.size != size or (bias is not None and bias.size != size):
            message = f"its factors are {shown(scale.dims)}"
            raise CannotError(message)
        shaped = (-1,) if axis == len(dims) - 1 or alone else reader.shape(low.number).axes
        weights["weight"] = lambda: scale.release().reshape(shaped)
        if bias is None:
            fields["bias"] = False
        else:
            weights["bias"] = lambda: bias.release().reshape(shaped)
    number = reader.add(op, "layernorm", [low.number], fields, weights, (scale, bias))
    reader.give(op, number, low.layout)


def everywhere(constant: Constant, number: float) -> bool:
    """Whether all values are one number."""
    if constant.size > 65536:
        return False
    try:
        return bool((constant.array == number).all())
    except UnknownError:
        return False


def instance(reader: Reader, op: Operation) -> None:
    """InstanceNormalization."""
    number = reader.first(op)
    scale, bias = weight_of(op, 1, "factors"), weight_of(op, 2, "summands")
    fields = epsilon(op)
    weights: dict[str, Source] = {}
    if named(scale) or named(bias) or not (everywhere(scale, 1) and everywhere(bias, 0)):
        fields["affine"] = True
        weights = {"weight": flat(scale), "bias": flat(bias)}
    made = reader.add(op, "instancenorm", [number], fields, weights, (scale, bias))
    reader.give_first(op, made)


def group(reader: Reader, op: Operation) -> None:
    """GroupNormalization, whose factors are for each channel, or for each group in version 18."""
    number = reader.first(op)
    channels = reader.shape(number).channels
    groups = op.attributes.get("num_groups", 1)
    fields: dict[str, Any] = {"groups": groups, **epsilon(op)}
    if op.input(1) is None:
        fields["affine"] = False
        reader.give_first(op, reader.add(op, "groupnorm", [number], fields))
        return
    scale = weight_of(op, 1, "factors")
    if op.input(2) is None:
        message = "it has factors and no summands"
        raise CannotError(message)
    bias = weight_of(op, 2, "summands")

    def spread(constant: Constant) -> Source:
        if constant.size == channels:
            return flat(constant)
        return lambda: constant.release().reshape(-1).repeat(channels // groups)

    weights = {"weight": spread(scale), "bias": spread(bias)}
    reader.give_first(op, reader.add(op, "groupnorm", [number], fields, weights, (scale, bias)))


def local_response(reader: Reader, op: Operation) -> None:
    """LRN."""
    number = reader.first(op)
    given = op.attributes
    fields: dict[str, Any] = {"size": given.get("size", 1)}
    if not fields["size"] % 2 and not given.get("even"):
        message = f"its {fields['size']} channels begin one later than those of the layer"
        raise CannotError(message)
    usual = (("alpha", "alpha", 1e-4), ("beta", "beta", 0.75), ("k", "bias", 1.0))
    for field, name, default in usual:
        value = tidy(given.get(name, default))
        if value != default:
            fields[field] = value
    reader.give_first(op, reader.add(op, "lrn", [number], fields))


def root_mean_square(reader: Reader, op: Operation) -> NoReturn:
    """RMSNormalization, which no layer is."""
    del reader, op
    message = "it divides by the root of the mean of squares and takes no mean off"
    raise CannotError(message)


def length(reader: Reader, op: Operation) -> None:
    """LpNormalization with p 2 along one axis."""
    value = reader.tensor(op)
    if op.attributes.get("p", 2) != 2:
        message = "it divides by the sum of magnitudes"
        raise CannotError(message)
    axis = axis_of(op.attributes.get("axis", -1), len(value.dims or ()))
    low = reader.channels_at(op, value, axis)
    fields: dict[str, Any] = {"affine": False}
    least = tidy(op.attributes.get("least", 1e-12))
    if least != 1e-12:
        fields["eps"] = least
    number = reader.add(op, "l2norm", [low.number], fields)
    reader.give(op, number, low.layout)


REDUCED = {
    "ReduceMean": ("global_avgpool", "channel_avgpool"),
    "ReduceMax": ("global_maxpool", "channel_maxpool"),
    "ReduceSum": ("global_avgpool", "channel_avgpool"),
}


def reduced(reader: Reader, op: Operation) -> None:
    """ReduceMean, ReduceMax and ReduceSum over all positions, or over the channels."""
    value = reader.tensor(op)
    dims = value.dims or ()
    low = reader.low(value)
    axes = reduced_axes(op)
    keep = op.attributes.get("keepdims", 1)
    codes = [low.layout[at] for at in axes]
    if not axes or any(isinstance(code, tuple) or code == BATCH for code in codes):
        message = f"it reduces {shown(dims)} along axes {', '.join(map(str, axes)) or 'none'}"
        raise CannotError(message)
    shape = reader.shape(low.number)
    real = {code for code in codes if isinstance(code, int) and code >= 0}
    spatial = {at for at in range(1, shape.rank + 1) if shape.axes[at] != 1}
    number = low.number
    if real - {0} and not spatial - real and 0 not in real:
        number = reader.add(op, REDUCED[op.name][0], [number])
    elif real == {0}:
        number = reader.add(op, REDUCED[op.name][1], [number])
    elif 0 not in {code for code in low.layout if isinstance(code, int)} or real:
        order = [at for at in reader.places(value) if at not in axes]
        if not order:
            message = f"it reduces all of {shown(dims)} to one number"
            raise CannotError(message)
        number = reader.fit(op, value, [*order, *axes])
        rank = len(order)
        if rank != 1:
            if op.name == "ReduceMax" or len(axes) != 1:
                message = f"it reduces {shown(dims)} along axes {', '.join(map(str, axes))}"
                raise CannotError(message)
            number = reader.fit(op, value, [*axes, *order])
            number = reader.add(op, REDUCED[op.name][1], [number])
            layout: list[Any] = [BATCH] * len(dims)
            for place, at in enumerate([*axes, *order]):
                layout[at] = place
            _reduced_to(reader, op, number, tuple(layout), axes, keep=keep)
            return
        number = reader.add(op, REDUCED[op.name][0], [number])
        layout = [BATCH] * len(dims)
        for place, at in enumerate([*order, *axes]):
            layout[at] = place
        _reduced_to(reader, op, number, tuple(layout), axes, keep=keep)
        return
    _reduced_to(reader, op, number, low.layout, axes, keep=keep)


def _reduced_to(
    reader: Reader,
    op: Operation,
    number: int,
    layout: tuple[Any, ...],
    axes: list[int],
    *,
    keep: int,
) -> None:
    if op.name == "ReduceSum":
        dims = (op.inputs[0].dims if op.inputs[0] is not None else None) or ()
        count = prod(whole(dims[at]) for at in axes)
        if count != 1:
            number = reader.add(op, "affine", [number], {"times": count})
    left = tuple(code for at, code in enumerate(layout) if keep or at not in axes)
    reader.give(op, number, left)
