"""The reference tier against the operator conformance cases that ship in the `onnx` package.

Each ONNX node becomes one or a few layers. A layer is only ever run after its own check was silent,
with weights of the shapes that its plan names, and must give the shape that its plan says.
"""

import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from kinds import pool

from convcalc.layers import kinds, layer_class
from convcalc.layers.base import AXIS_WORDS
from convcalc.shape import Shape
from convcalc.window import same

onnx = pytest.importorskip("onnx", "1.23")  # older ones have fewer cases

Attributes = dict[str, Any]
Translator = Callable[["Node", list[Any]], Any]

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
TOLERANCE = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-12}
"""Largest error, as a share of the largest value expected; whole numbers are exact."""


class InexpressibleError(Exception):
    """The vocabulary has no layers for this."""


class Node(NamedTuple):
    """One node of an ONNX graph."""

    operator: str
    attributes: Attributes
    inputs: list[str]
    outputs: list[str]
    version: int
    """Of the operator set, in which some operators changed their meaning."""

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute's value; words as text."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def need(self, **values: Any) -> None:
        """Attributes that have these values or are left out."""
        for name, value in values.items():
            if self.get(name, value) != value:
                raise InexpressibleError(f"{name} = {self.get(name)}")


def run(kind: str, fields: dict[str, Any], *xs: Any, **weights: Any) -> Any:
    """One layer on batches `xs`, its plan held against its weights and its values."""
    layer = layer_class(kind)(**fields)
    shapes = [Shape.from_axes(x.shape[1:]) for x in xs]
    wrong = [problem for problem in layer.check(shapes) if problem.severity == "error"]
    if wrong:
        raise InexpressibleError(wrong[0].message)
    plan = layer.plan(shapes)
    given = {name: value for name, value in weights.items() if value is not None}
    assert [(w.name, w.shape) for w in plan.weights] == [(n, v.shape) for n, v in given.items()]
    y = layer.forward(np, given, list(xs))
    assert y.shape[1:] == plan.output.axes
    looked_up = kind in kinds(having="indices")  # by whole numbers, which are no values
    assert y.dtype == (given["weight"] if looked_up else xs[0]).dtype
    return y


# -- what several operators share --------------------------------------------------------------


def optional(xs: Sequence[Any], position: int) -> Any:
    """An input, or None where it is left out."""
    return xs[position] if position < len(xs) else None


def whole(values: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def pairs(pads: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """ONNX puts all begins before all ends."""
    half = len(pads) // 2
    return tuple(zip(whole(pads[:half]), whole(pads[half:]), strict=True))


def sliding(node: Node, x: Any, kernel: Sequence[int]) -> dict[str, Any]:
    """Kernel, stride, dilation and padding; `same` in numbers where the layer wants them."""
    rank = x.ndim - 2
    strides = whole(node.get("strides", (1,) * rank))
    dilations = whole(node.get("dilations", (1,) * rank))
    how = node.get("auto_pad", "NOTSET")
    padding: Any = pairs(node.get("pads", (0,) * 2 * rank))
    if how == "VALID":
        padding = "valid"
    elif how.startswith("SAME"):
        found = map(same, x.shape[2:], kernel, strides, dilations)
        halves = [(window.before, window.after) for window in found]
        uneven = any(f % 2 == 0 and s == 1 for f, s in zip(kernel, strides, strict=True))
        padding = tuple(halves) if uneven else "same"
        if how == "SAME_LOWER":
            padding = tuple((after, before) for before, after in halves)
    fields = {"kernel": whole(kernel), "stride": strides, "dilation": dilations}
    return fields | {"padding": padding}


def pooling(node: Node, x: Any) -> dict[str, Any]:
    fields = sliding(node, x, node.get("kernel_shape"))
    fields["rounding"] = "ceil" if node.get("ceil_mode", 0) else "floor"
    return fields


def undilated(fields: dict[str, Any]) -> dict[str, Any]:
    if any(dilation > 1 for dilation in fields.pop("dilation")):
        raise InexpressibleError("lppool has no dilation")
    return fields


def batched(x: Any) -> Any:
    """`x` as a batch, whatever its rank."""
    return x.reshape(1, *x.shape) if x.ndim else x.reshape(1, 1)


def pointwise(kind: str, **renamed: str) -> Translator:
    """A function of one value; attributes of the node that it takes are fields of the layer."""

    def translated(node: Node, xs: list[Any]) -> Any:
        if not isinstance(xs[0], np.ndarray):
            raise InexpressibleError("a tensor is one array")
        known = {ours: node.get(theirs) for ours, theirs in renamed.items()}
        fields = {ours: value for ours, value in known.items() if value is not None}
        x = xs[0] if xs[0].ndim > 1 else batched(xs[0])
        return run(kind, fields, x).reshape(xs[0].shape)

    return translated


def scaled(x: Any, factor: float, summand: float = 0.0) -> Any:
    """factor·x + summand, by a `scale` with the same weights for each channel."""
    if x.ndim < 2:
        return scaled(batched(x), factor, summand).reshape(x.shape)
    one = np.ones(x.shape[1], x.dtype)
    return run("scale", {"bias": True}, x, weight=one * factor, bias=one * summand)


def at_channels(x: Any, axis: int, apply: Callable[[Any], Any]) -> Any:
    """`apply` to `x` with one of its axes made the channels by `permute`."""
    rank = x.ndim
    order = [axis % rank, *(other for other in range(rank) if other != axis % rank)]
    turned = run("permute", {"order": tuple(1 + each for each in order)}, x[None])
    back = tuple(1 + order.index(each) for each in range(rank))
    return run("permute", {"order": back}, apply(turned))[0]


def as_map(x: Any) -> Any:
    """`x` as one channel with all of its axes, or all but the first, spatial."""
    return x[:, None] if x.ndim > 3 else x[None, None]


# -- one translator per operator ---------------------------------------------------------------


def conv(node: Node, xs: list[Any]) -> Any:
    x, weight, bias = xs[0], xs[1], optional(xs, 2)
    fields = sliding(node, x, weight.shape[2:]) | {"bias": bias is not None, "rounding": "floor"}
    groups = node.get("group", 1)
    filters = weight.shape[0]
    y = run("conv", {"filters": filters, "groups": groups, **fields}, x, weight=weight, bias=bias)
    if groups == x.shape[1]:
        depthwise = {"multiplier": filters // groups, **fields}
        other = run("depthwise_conv", depthwise, x, weight=weight, bias=bias)
        assert np.array_equal(y, other)
    return y


def conv_transpose(node: Node, xs: list[Any]) -> Any:
    x, weight, bias = xs[0], xs[1], optional(xs, 2)
    groups = node.get("group", 1)
    fields = sliding(node, x, weight.shape[2:])
    extra = whole(node.get("output_padding", (0,) * (x.ndim - 2)))
    wanted = node.get("output_shape")
    if wanted is not None:  # the padding follows from it; negative, it is output padding
        full = [
            (size - 1) * s + d * (f - 1) + 1
            for size, s, d, f in zip(
                x.shape[2:], fields["stride"], fields["dilation"], fields["kernel"], strict=True
            )
        ]
        cuts = [size - target for size, target in zip(full, wanted[-len(full) :], strict=True)]
        extra = tuple(max(-cut, 0) for cut in cuts)
        fields["padding"] = tuple((cut - cut // 2, cut // 2) if cut > 0 else 0 for cut in cuts)
    fields |= {"filters": weight.shape[1] * groups, "groups": groups, "output_padding": extra}
    return run("conv_transpose", fields | {"bias": bias is not None}, x, weight=weight, bias=bias)


def within_half(x: Any, fields: dict[str, Any], value: float = 0.0) -> Any:
    """`x` with padding of more than half a kernel put around it by `pad`, out of the fields."""
    pads = fields["padding"]
    if isinstance(pads, str) or all(
        2 * max(pair) <= size for pair, size in zip(pads, fields["kernel"], strict=True)
    ):
        return x
    fields["padding"] = 0
    return run("pad", {"padding": pads, "value": value}, x)


def max_pool(node: Node, xs: list[Any]) -> Any:
    if xs[0].dtype.kind != "f":
        raise InexpressibleError("values are floating-point numbers")
    fields = pooling(node, xs[0])
    x = within_half(xs[0], fields, float(np.finfo("float32").min))
    return run("maxpool", fields, x)


def max_unpool(node: Node, xs: list[Any]) -> Any:
    """What was pooled is made up: 1 where the indices are, counted as if nothing were left over.

    `output_shape` may have more rows behind.
    """
    x, indices = xs[0], xs[1]
    kernel = whole(node.get("kernel_shape"))
    strides = whole(node.get("strides", (1,) * len(kernel)))
    pads = pairs(node.get("pads", (0,) * 2 * len(kernel)))
    if any(before != after for before, after in pads):
        raise InexpressibleError("maxunpool undoes pooling that pads both sides alike")
    slides = tuple((f, s, p) for f, s, (p, _) in zip(kernel, strides, pads, strict=True))
    inner = [(n - 1) * s + f - 2 * p for n, (f, s, p) in zip(x.shape[2:], slides, strict=True)]
    pooled = np.zeros((*x.shape[:2], *inner), x.dtype)
    pooled.reshape(*x.shape[:2], -1)[..., indices.reshape(-1)] = 1
    wanted = xs[2][2:] if len(xs) > 2 else inner
    behind = [(0, int(more - size)) for more, size in zip(wanted, inner, strict=True)]
    pooled = np.pad(pooled, [(0, 0), (0, 0), *behind])
    return run("maxunpool", {"indices": pool(*slides)}, x, pooled)


def average_pool(node: Node, xs: list[Any]) -> Any:
    fields = pooling(node, xs[0])
    counted = bool(node.get("count_include_pad", 0))
    x = within_half(xs[0], fields) if counted else xs[0]
    return run("avgpool", {"count_include_pad": counted, **fields}, x)


def lp_pool(node: Node, xs: list[Any]) -> Any:
    """ONNX takes |x|^p, and the layer, as PyTorch's, x^p, which differs where p is odd."""
    x, norm = xs[0], node.get("p", 2)
    if norm % 2:
        x = run("add", {}, run("relu", {}, x), run("relu", {}, scaled(x, -1)))
    fields = undilated(pooling(node, x))
    x = within_half(x, fields)
    return run("lppool", {"norm": norm, **fields}, x)


def whole_map(kind: str) -> Translator:
    return lambda node, xs: run(kind, {}, xs[0])


def reduction(kind: str) -> Translator:
    """A mean or maximum over some axes: adaptive pooling to one position."""

    def translated(node: Node, xs: list[Any]) -> Any:
        x, axes = xs[0], optional(xs, 1)
        if x.dtype.kind != "f" or not x.size:
            raise InexpressibleError("values are floating-point numbers, and there are some")
        axes = node.get("axes", ()) if axes is None else axes.tolist()
        gone = {axis % x.ndim for axis in axes or range(x.ndim)}
        size = tuple(1 if axis in gone else extent for axis, extent in enumerate(x.shape))
        y = as_map(x)
        y = run(kind, {"size": size[x.ndim - y.ndim + 2 :]}, y)
        if node.get("keepdims", 1):
            return y.reshape(size)
        return y.reshape([x.shape[axis] for axis in range(x.ndim) if axis not in gone])

    return translated


def batch_norm(node: Node, xs: list[Any]) -> Any:
    x, weight, bias, mean, variance = xs
    fields = {"eps": node.get("epsilon", 1e-5), "track_running_stats": True}
    if node.get("training_mode", 0):
        fields["track_running_stats"] = False
        return run("batchnorm", fields, x, weight=weight, bias=bias)
    kept = {"running_mean": mean, "running_var": variance}
    return run("batchnorm", fields, x, weight=weight, bias=bias, **kept)


def instance_norm(node: Node, xs: list[Any]) -> Any:
    fields = {"eps": node.get("epsilon", 1e-5), "affine": True}
    return run("instancenorm", fields, xs[0], weight=xs[1], bias=xs[2])


def group_norm(node: Node, xs: list[Any]) -> Any:
    fields = {"eps": node.get("epsilon", 1e-5), "groups": node.get("num_groups")}
    return run("groupnorm", fields, xs[0], weight=xs[1], bias=xs[2])


def layer_norm(node: Node, xs: list[Any]) -> Any:
    """The axes in front of `axis` are the batch; a single one behind it is the channels."""
    x, weight, bias = xs[0], xs[1], optional(xs, 2)
    inner = x.shape[node.get("axis", -1) % x.ndim :]
    fields = {
        "over": "channels" if len(inner) == 1 else "all",
        "eps": node.get("epsilon", 1e-5),
        "bias": bias is not None,
    }
    return run("layernorm", fields, x.reshape(-1, *inner), weight=weight, bias=bias).reshape(
        x.shape
    )


def response_norm(node: Node, xs: list[Any]) -> Any:
    fields = {"size": node.get("size"), "alpha": node.get("alpha", 1e-4)}
    fields |= {"beta": node.get("beta", 0.75), "k": node.get("bias", 1.0)}
    return run("lrn", fields, xs[0])


def prelu(node: Node, xs: list[Any]) -> Any:
    """One slope, one per channel, or one per value, which are then channels of a vector."""
    x, slope = xs
    if slope.size == 1:
        return run("prelu", {"slopes": "one"}, x, weight=slope.reshape(1))
    if slope.size == x.shape[1] and slope.shape != x.shape[-1:]:
        return run("prelu", {"slopes": "channels"}, x, weight=slope.reshape(-1))
    weight = np.broadcast_to(slope, x.shape).reshape(-1)
    return run("prelu", {"slopes": "channels"}, x.reshape(1, -1), weight=weight).reshape(x.shape)


def selu(node: Node, xs: list[Any]) -> Any:
    """With numbers of its own it is an ELU, scaled."""
    if "alpha" not in node.attributes:
        return pointwise("selu")(node, xs)
    return scaled(pointwise("elu", alpha="alpha")(node, xs), node.get("gamma"))


def hard_sigmoid(node: Node, xs: list[Any]) -> Any:
    """min(max(alpha·x + beta, 0), 1), where the layer has alpha 1/6 and beta 1/2."""
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    return pointwise("hardsigmoid")(node, [scaled(xs[0], 6 * alpha, 6 * beta - 3)])


def swish(node: Node, xs: list[Any]) -> Any:
    """With a factor of its own it is a gate."""
    alpha = node.get("alpha", 1.0)
    if alpha == 1:
        return pointwise("silu")(node, xs)
    gate = pointwise("sigmoid")(node, [scaled(xs[0], alpha)])
    return merge("multiply")(node, [xs[0], gate])


def clip(node: Node, xs: list[Any]) -> Any:
    """`relu6` between `scale`s that take the bounds to 0 and 6; `relu` with one bound."""
    x = xs[0]
    low = node.get("min") if node.version < 11 else optional(xs, 1)
    high = node.get("max") if node.version < 11 else optional(xs, 2)
    if low is None and high is None:
        return pointwise("identity")(node, [x])
    if x.dtype.kind != "f":
        raise InexpressibleError("values are floating-point numbers")
    if high is None:
        return scaled(pointwise("relu")(node, [scaled(x, 1, -float(low))]), 1, float(low))
    if low is None:
        return scaled(pointwise("relu")(node, [scaled(x, -1, float(high))]), -1, float(high))
    reach = float(high) - float(low)
    if reach <= 0:
        raise InexpressibleError("the bounds are in order")
    inner = scaled(x, 6 / reach, -6 * float(low) / reach)
    return scaled(pointwise("relu6")(node, [inner]), reach / 6, float(low))


def softmax(kind: str) -> Translator:
    def translated(node: Node, xs: list[Any]) -> Any:
        x = xs[0]
        if node.version < 13:  # all axes from `axis` on were one, by default from 1
            rows = math.prod(x.shape[: node.get("axis", 1) % x.ndim])
            return run(kind, {}, x.reshape(rows, -1)).reshape(x.shape)
        axis = node.get("axis", -1) % x.ndim
        if axis == 1:
            return run(kind, {}, x)
        return at_channels(x, axis, lambda turned: run(kind, {}, turned))

    return translated


def dropout(node: Node, xs: list[Any]) -> Any:
    ratio, training = optional(xs, 1), optional(xs, 2)
    rate = float(node.get("ratio", 0.5) if ratio is None else ratio)
    if training is not None and bool(training) and rate:
        raise InexpressibleError("training drops values at random")
    return pointwise("dropout")(node, [xs[0]])


def flatten(node: Node, xs: list[Any]) -> Any:
    x = xs[0]
    axis = node.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    if axis == 1 and x.ndim > 1:
        return run("flatten", {}, x)
    if axis in (0, x.ndim):
        return run("flatten", {}, x[None]).reshape((1, -1) if axis == 0 else (-1, 1))
    front = run("flatten", {"start": 1, "end": axis}, x[None])
    return run("flatten", {"start": 2}, front)[0]


def reshaped(x: Any, shape: Sequence[int]) -> Any:
    """The batch is an axis like any other for ONNX; the layer writes its channels last."""
    if 0 in shape:
        raise InexpressibleError("an extent is at least 1")
    return run("reshape", {"shape": (*whole(shape[1:]), int(shape[0]))}, batched(x))[0]


def reshape(node: Node, xs: list[Any]) -> Any:
    x, shape = xs[0], xs[1].tolist()
    if not node.get("allowzero", 0):  # a 0 stays what it is
        shape = [extent or x.shape[axis] for axis, extent in enumerate(shape)]
    return reshaped(x, shape)


def squeeze(node: Node, xs: list[Any]) -> Any:
    x = xs[0]
    axes = node.get("axes") if len(xs) == 1 else xs[1].tolist()
    gone = {axis % x.ndim for axis in axes}
    return reshaped(x, [extent for axis, extent in enumerate(x.shape) if axis not in gone])


def unsqueeze(node: Node, xs: list[Any]) -> Any:
    x = xs[0]
    axes = node.get("axes") if len(xs) == 1 else xs[1].tolist()
    added, rest = {axis % (x.ndim + len(axes)) for axis in axes}, iter(x.shape)
    return reshaped(x, [1 if a in added else next(rest) for a in range(x.ndim + len(axes))])


def transpose(node: Node, xs: list[Any]) -> Any:
    order = node.get("perm", tuple(reversed(range(xs[0].ndim))))
    return run("permute", {"order": tuple(1 + axis for axis in order)}, xs[0][None])[0]


def pad(node: Node, xs: list[Any]) -> Any:
    x = xs[0]
    given = node.get("pads") if node.version < 11 else xs[1].tolist()
    value = node.get("value", 0.0) if node.version < 11 else float(xs[2]) if len(xs) > 2 else 0.0
    axes = range(x.ndim) if optional(xs, 3) is None else xs[3].tolist()
    sides = dict.fromkeys(range(x.ndim), (0, 0))
    sides |= {axis % x.ndim: pair for axis, pair in zip(axes, pairs(given), strict=True)}
    mode = {"constant": "zero", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    fields: dict[str, Any] = {"mode": mode[node.get("mode", "constant")]}
    fields |= {"value": value} if fields["mode"] == "zero" else {}
    if sides[0] == sides[1] == (0, 0):
        padding = tuple(sides[axis] for axis in range(2, x.ndim))
        return run("pad", {"padding": padding, **fields}, x)
    assert sides[0] == (0, 0)
    padding = tuple(sides[axis] for axis in range(1, x.ndim))
    return run("pad", {"padding": padding, **fields}, x[:, None])[:, 0]


def center_crop_pad(node: Node, xs: list[Any]) -> Any:
    x, targets = xs[0], xs[1].tolist()
    axes = [axis % x.ndim for axis in node.get("axes", range(x.ndim))]
    size = list(x.shape)
    for axis, target in zip(axes, targets, strict=True):
        size[axis] = target
    least = tuple(map(min, zip(size, x.shape, strict=True)))
    y = run("crop", {"size": least}, x[None, None])
    missing = [target - extent for target, extent in zip(size, least, strict=True)]
    padding = tuple((extra // 2, extra - extra // 2) for extra in missing)
    return run("pad", {"padding": padding}, y)[0, 0]


def axis_word(x: Any, axis: int) -> str | None:
    """What a layer calls an axis of an array; None of the batch, and of more axes than it has."""
    words = AXIS_WORDS.get(x.ndim - 2, ())
    return words[axis % x.ndim - 1] if axis % x.ndim and words else None


def cut(x: Any, axis: int, start: int, stop: int) -> Any:
    """Values `start` to `stop` along one axis, by `slice`."""
    if stop <= start:
        raise InexpressibleError("a slice holds at least one value")
    fields = {"start": start, "stop": stop}
    if (named := axis_word(x, axis)) is not None:
        return run("slice", {**fields, "axis": named}, x)
    return at_channels(x, axis, lambda turned: run("slice", fields, turned))


def sliced(node: Node, xs: list[Any]) -> Any:
    x = xs[0]
    if node.version < 10:
        starts, stops = node.get("starts"), node.get("ends")
        axes, steps = node.get("axes"), None
    else:
        starts, stops, axes, steps = (
            None if optional(xs, position) is None else xs[position].tolist()
            for position in range(1, 5)
        )
    for number, (axis, start, stop) in enumerate(
        zip(axes or range(len(starts)), starts, stops, strict=True)
    ):
        if steps and steps[number] != 1:
            raise InexpressibleError("a slice has no steps")
        first, end, _ = slice(start, stop).indices(x.shape[axis])
        x = cut(x, axis, first, end)
    return x


def split(node: Node, xs: list[Any]) -> Any:
    x, axis = xs[0], node.get("axis", 0)
    count, size = len(node.outputs), x.shape[axis]
    parts = node.get("split") if len(xs) == 1 else xs[1].tolist()
    if parts is None:
        each = -(-size // count)
        parts = [min(each, size - start * each) for start in range(count)]
    ends = [sum(parts[: number + 1]) for number in range(count)]
    return tuple(cut(x, axis, end - part, end) for end, part in zip(ends, parts, strict=True))


def resize(node: Node, xs: list[Any]) -> Any:
    x = xs[0]
    scales, sizes = optional(xs, 2), optional(xs, 3)
    axes = node.get("axes", range(x.ndim))
    mode = node.get("mode", "nearest")
    how = node.get("coordinate_transformation_mode", "half_pixel")
    if how == "tf_crop_and_resize":
        raise InexpressibleError("a region of the map is no hyperparameter")
    smooth, excluded = bool(node.get("antialias", 0)), node.get("exclude_outside", 0)
    fields: dict[str, Any] = {"mode": mode, "antialias": smooth}
    fields |= {"align_corners": True} if how == "align_corners" else {"positions": how}
    if mode == "nearest":
        fields["round"] = node.get("nearest_mode", "round_prefer_floor")
    if mode == "cubic" or smooth:
        fields["border"] = "exclude" if excluded else "replicate"
    if mode == "cubic":
        fields["coefficient"] = node.get("cubic_coeff_a", -0.75)
    policy = node.get("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":  # one scale for all axes: the least or the largest of what sizes ask
        ratios = [size / x.shape[axis] for axis, size in zip(axes, sizes.tolist(), strict=True)]
        scale = min(ratios) if policy == "not_larger" else max(ratios)
        if any(x.shape[axis] * scale % 1 >= 0.5 for axis in axes):
            raise InexpressibleError("half a row is none, and ONNX makes it one here")
        fields["scale"] = scale
    elif sizes is not None:
        found = dict(zip(axes, sizes.tolist(), strict=True))
        fields["size"] = tuple(found[axis] for axis in range(2, x.ndim))
    else:
        found = dict(zip(axes, (round(float(scale), 6) for scale in scales), strict=True))
        fields["scale"] = tuple(found[axis] for axis in range(2, x.ndim))
    return run("upsample", fields, x)


def old_upsample(node: Node, xs: list[Any]) -> Any:
    """Up to operator set 9: asymmetric positions, rounded down."""
    node.need(mode="nearest")
    return run("upsample", {"scale": tuple(map(float, xs[1][2:]))}, xs[0])


def depth_to_space(node: Node, xs: list[Any]) -> Any:
    """DCR puts a block's channels in another order, which `channel_shuffle` turns."""
    x, factor = xs[0], node.get("blocksize")
    if node.get("mode", "DCR") == "DCR":
        x = run("channel_shuffle", {"groups": factor**2}, x)
    return run("pixel_shuffle", {"factor": factor}, x)


def space_to_depth(node: Node, xs: list[Any]) -> Any:
    order = "channels" if node.get("mode", "DCR") == "CRD" else "rows"
    return run("space_to_depth", {"factor": node.get("blocksize"), "order": order}, xs[0])


def length_norm(node: Node, xs: list[Any]) -> Any:
    """Of norm 1 it is a quotient by the sum of magnitudes, which is their mean, so many times."""
    x, axis = xs[0], node.get("axis", -1)
    if node.get("p", 2) == 2:
        fields = {"affine": False, "eps": float(np.finfo(x.dtype).tiny)}
        return at_channels(x, axis, lambda turned: run("l2norm", fields, turned))

    def divided(turned: Any) -> Any:
        mean = run("channel_avgpool", {}, run("abs", {}, turned))
        return run("divide", {}, turned, run("affine", {"times": float(x.shape[axis])}, mean))

    return at_channels(x, axis, divided)


def concat(node: Node, xs: list[Any]) -> Any:
    axis = node.get("axis") % xs[0].ndim
    if (named := axis_word(xs[0], axis)) is not None:
        return run("concat", {"axis": named}, *xs)
    order = [axis, *(other for other in range(xs[0].ndim) if other != axis)]
    turned = [run("permute", {"order": tuple(1 + each for each in order)}, x[None]) for x in xs]
    back = tuple(1 + order.index(each) for each in range(xs[0].ndim))
    return run("permute", {"order": back}, run("concat", {}, *turned))[0]


def merge(kind: str) -> Translator:
    """Axes that are missing in front are extents of 1, as ONNX broadcasts."""

    def translated(node: Node, xs: list[Any]) -> Any:
        if node.version < 7 and node.get("broadcast", 0):
            axis = node.get("axis", xs[0].ndim - xs[1].ndim)
            behind = xs[0].ndim - axis - xs[1].ndim
            xs = [xs[0], xs[1].reshape((*xs[1].shape, *(1,) * behind))]
        rank = max(1, *(x.ndim for x in xs))
        given = [x.reshape(1, *(1,) * (rank - x.ndim), *x.shape) for x in xs]
        shape = np.broadcast_shapes(*(x.shape for x in xs))
        return run(kind, {}, *given).reshape(shape)

    return translated


def gemm(node: Node, xs: list[Any]) -> Any:
    """Alpha is part of the weights and beta of the bias; a matrix is added by itself."""
    x, weight, summand = xs[0], xs[1], optional(xs, 2)
    if node.get("transA", 0):
        x = run("permute", {"order": (2, 1)}, x[None])[0]
    weight = (weight if node.get("transB", 0) else weight.T) * x.dtype.type(node.get("alpha", 1.0))
    fields = {"features": weight.shape[0]}
    if summand is None:
        return run("linear", fields | {"bias": False}, x, weight=weight)
    summand = summand * x.dtype.type(node.get("beta", 1.0))
    if summand.ndim == 2 and summand.shape[0] > 1:
        return run("add", {}, run("linear", fields | {"bias": False}, x, weight=weight), summand)
    bias = np.broadcast_to(summand.reshape(-1), weight.shape[:1])
    return run("linear", fields, x, weight=weight, bias=bias)


def matmul(node: Node, xs: list[Any]) -> Any:
    """One matrix by `linear`, and matrices of one batch by `matmul`, rows before columns here.

    A vector is a matrix of one row in front, of one column behind, and that axis is gone again.
    """
    first, second = xs
    if 1 in (first.ndim, second.ndim):
        rows = first[None] if first.ndim == 1 else first
        columns = second[:, None] if second.ndim == 1 else second
        y = matmul(node, [rows, columns])
        y = y[..., 0, :] if first.ndim == 1 else y
        return y[..., 0] if second.ndim == 1 else y
    if first.ndim == second.ndim == 2:
        return run("linear", {"features": second.shape[1], "bias": False}, first, weight=second.T)
    batch = np.broadcast_shapes(first.shape[:-2], second.shape[:-2])
    given = [
        run("permute", {"order": (2, 1)}, each)
        for x in xs
        for each in [np.broadcast_to(x, (*batch, *x.shape[-2:])).reshape(-1, *x.shape[-2:])]
    ]
    y = run("permute", {"order": (2, 1)}, run("matmul", {}, *given))
    return y.reshape(*batch, *y.shape[1:])


def gather(node: Node, xs: list[Any]) -> Any:
    """Rows of a table, or what lies along another of its axes, turned to the front.

    Where a number is negative it counts from the end.
    """
    table, numbers = xs
    axis = node.get("axis", 0) % table.ndim
    order = [axis, *(other for other in range(table.ndim) if other != axis)]
    turned = run("permute", {"order": tuple(1 + each for each in order)}, table[None])[0]
    weight = turned.reshape(len(turned), -1)
    rows, features = weight.shape
    numbers = np.where(numbers < 0, numbers + rows, numbers)
    fields = {"entries": rows, "features": features}
    y = run("embedding", fields, numbers.reshape(1, 1, -1), weight=weight)[0].T
    y = y.reshape(*numbers.shape, *turned.shape[1:])
    return np.moveaxis(y, range(numbers.ndim), range(axis, axis + numbers.ndim))


GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2)}
"""Which of the operator's gates each of PyTorch's is: i, f, g, o of i, o, f, c; r, z, n of z, r,
h."""


def recurrent(node: Node, xs: list[Any]) -> Any:
    """One layer; the operator's gates stand in another order, and it may go backwards alone."""
    first, weight, by_state, bias = *xs[:3], optional(xs, 3)
    if any(optional(xs, number) is not None for number in (4, 5, 6, 7)):
        raise InexpressibleError("a state begins with zeros, and a sequence with its first step")
    gates, batch_first = GATES[node.operator], bool(node.get("layout", 0))
    count, rows, size = by_state.shape
    x = first if batch_first else first.swapaxes(0, 1)
    if (
        node.operator == "GRU"
        and not node.get("linear_before_reset", 0)
        and (x.shape[1] > 1 or (bias is not None and bias[:, rows:].any()))
    ):
        raise InexpressibleError("the state is multiplied before it is reset")

    def ordered(array: Any) -> Any:
        return np.concatenate([array[gate * size : (gate + 1) * size] for gate in gates])

    weights = {}
    for number, end in zip(range(count), ("", "_reverse"), strict=False):
        weights[f"weight_ih_l0{end}"] = ordered(weight[number])
        weights[f"weight_hh_l0{end}"] = ordered(by_state[number])
        if bias is not None:
            weights[f"bias_ih_l0{end}"] = ordered(bias[number, :rows])
            weights[f"bias_hh_l0{end}"] = ordered(bias[number, rows:])
    fields = {"features": size, "bias": bias is not None, "bidirectional": count > 1}
    back = node.get("direction", "forward") in ("reverse", b"reverse")
    turned = (x[:, ::-1] if back else x).swapaxes(1, 2)
    y = run(node.operator.lower(), fields, turned, **weights)
    y = y[..., ::-1] if back else y
    every = y.reshape(len(y), count, size, -1).transpose(3, 1, 0, 2)  # steps first
    last = np.stack([every[0 if back or number else -1, number] for number in range(count)])
    if batch_first:
        return every.transpose(2, 0, 1, 3), last.swapaxes(0, 1)
    return every, last


TRANSLATORS: dict[str, Translator] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "MaxUnpool": max_unpool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalAveragePool": whole_map("global_avgpool"),
    "GlobalMaxPool": whole_map("global_maxpool"),
    "ReduceMean": reduction("adaptive_avgpool"),
    "ReduceMax": reduction("adaptive_maxpool"),
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "LRN": response_norm,
    "Relu": pointwise("relu"),
    "LeakyRelu": pointwise("leaky_relu", slope="alpha"),
    "PRelu": prelu,
    "Elu": pointwise("elu", alpha="alpha"),
    "Selu": selu,
    "Gelu": pointwise("gelu", approximate="approximate"),
    "Mish": pointwise("mish"),
    "Sigmoid": pointwise("sigmoid"),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": pointwise("hardswish"),
    "Swish": swish,
    "Tanh": pointwise("tanh"),
    "Softplus": pointwise("softplus"),
    "Softmax": softmax("softmax"),
    "LogSoftmax": softmax("log_softmax"),
    "Dropout": dropout,
    "Flatten": flatten,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Pad": pad,
    "CenterCropPad": center_crop_pad,
    "Slice": sliced,
    "Split": split,
    "Resize": resize,
    "Upsample": old_upsample,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "LpNormalization": length_norm,
    "Concat": concat,
    "Sub": merge("subtract"),
    "Div": merge("divide"),
    "Max": merge("maximum"),
    "Abs": pointwise("abs"),
    "Identity": pointwise("identity"),
    "Add": merge("add"),
    "Sum": merge("add"),
    "Mul": merge("multiply"),
    "Clip": clip,
    "Gemm": gemm,
    "MatMul": matmul,
    "LSTM": recurrent,
    "GRU": recurrent,
    "Gather": gather,
}
"""Operators that the vocabulary covers."""


# -- the cases ---------------------------------------------------------------------------------


class Case(NamedTuple):
    """A conformance case whose operators are all covered."""

    name: str
    nodes: tuple[Node, ...]
    inputs: list[str]
    """Names of what a data set gives."""
    outputs: list[str]
    constants: dict[str, Any]
    data: list[tuple[list[Any], list[Any]]]
    """Inputs and expected outputs."""


def parsed(node: Any, version: int) -> Node:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return Node(node.op_type, attributes, list(node.input), list(node.output), version)


def stored(folder: Path) -> Iterator[tuple[list[Any], list[Any]]]:
    """The data sets of a case that lies on disk."""
    for data in sorted(folder.glob("test_data_set_*")):
        yield tuple(  # type: ignore[misc]
            [
                onnx.numpy_helper.to_array(onnx.load_tensor(data / f"{side}_{number}.pb"))
                for number in range(len(list(data.glob(f"{side}_*.pb"))))
            ]
            for side in ("input", "output")
        )


@cache
def cases() -> dict[str, Case]:
    """All cases of `KINDS` by name, of covered operators alone; making them takes some seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other operators' cases
        from onnx.backend.test.loader import load_model_tests

        raw = [case for kind in KINDS for case in load_model_tests(kind=kind)]
    found = {}
    for case in raw:
        model = case.model or onnx.load(Path(case.model_dir) / "model.onnx")
        graph = model.graph
        if not {node.op_type for node in graph.node} - {"Constant"} <= set(TRANSLATORS):
            continue
        versions = {each.domain: each.version for each in model.opset_import}
        constants = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
        found[case.name] = Case(
            case.name,
            tuple(parsed(node, versions[""]) for node in graph.node),
            [each.name for each in graph.input if each.name not in constants],
            [each.name for each in graph.output],
            constants,
            case.data_sets or list(stored(Path(case.model_dir))),
        )
    return found


def operators(case: Case) -> list[str]:
    return sorted({node.operator for node in case.nodes} - {"Constant"})


def check(case: Case) -> None:
    """Run a case and compare what the layers give with what is expected."""
    for given, expected in case.data:
        values = {"": None, **case.constants, **dict(zip(case.inputs, given, strict=True))}
        for node in case.nodes:
            if node.operator == "Constant":
                results: Any = onnx.numpy_helper.to_array(node.attributes["value"])
            else:
                xs = [values[name] for name in node.inputs]
                results = TRANSLATORS[node.operator](node, xs)
            if not isinstance(results, tuple):
                results = (results,)  # a mask or statistics behind it are no output of a layer
            values |= dict(zip(node.outputs, results, strict=False))
        compared = 0
        for name, wanted in zip(case.outputs, expected, strict=True):
            if name not in values:
                continue
            y, compared = values[name], compared + 1
            assert y.shape == wanted.shape
            assert y.dtype == wanted.dtype
            finite = np.abs(wanted[np.isfinite(wanted)].astype("float64"))
            share = ROUNDED.get(case.name, TOLERANCE.get(str(wanted.dtype), 0))
            bound = share * finite.max(initial=0)
            assert np.allclose(y, wanted, 0, bound, equal_nan=True)
        assert compared


ROUNDED = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 5e-4}
"""Cases whose expected values are stored in few digits, and how far they may be off."""

SKIPPED: dict[str, str] = {
    "maxpool_2d_uint8": "a network's values are floating-point numbers",
    "averagepool_2d_pads": (
        "padding beyond half the kernel is refused, as by PyTorch, and around the map it counts"
    ),
    "lppool_.d_dilations.*": "lppool has no dilation, as in PyTorch",
    "reduce_max_bool_inputs": "a network's values are floating-point numbers",
    "reduce_max_empty_set.*": "no array of a network is empty",
    "training_dropout_(default|mask|default_mask)": "training drops values at random",
    "training_dropout": "training drops values at random",
    "reshape_allowzero_reordered": "no array of a network is empty",
    "slice_start_out_of_bounds": "no array of a network is empty",
    "split_zero_size_splits_.*": "no array of a network is empty",
    "slice_neg_steps": "slice and crop have no steps",
    "clip_min_greater_than_max": "bounds of relu6 are in order",
    "clip_default_int8_m.*": "a network's values are floating-point numbers",
    "gru_(seq_length|reverse|bidirectional)": "the state is reset after its product, as in PyTorch",
    "lstm_with_peepholes": "a state begins with zeros, and no gate sees it but by weights",
    "div_u?int.*": "a network's values are floating-point numbers",
    "identity_(opt|sequence)": "a tensor is one array",
    "resize_downsample_sizes_nearest_not_smaller": "half a row is none, and ONNX makes it one here",
    "resize_downsample_scales_.*_align_corners": (
        "ONNX's cases spread positions over extent·scale − 1, PyTorch and ONNX Runtime over the "
        "output, its whole part, less 1"
    ),
    "resize_tf_crop_and_resize.*": "a region of the map is no hyperparameter",
}
"""Cases of covered operators that are not run: pattern → why not."""

LEAST: dict[str, int] = {
    "Conv": 33,
    "ConvTranspose": 14,
    "MaxPool": 27,
    "MaxUnpool": 2,
    "AveragePool": 26,
    "LpPool": 7,
    "GlobalAveragePool": 2,
    "GlobalMaxPool": 2,
    "ReduceMean": 10,
    "ReduceMax": 8,
    "BatchNormalization": 9,
    "InstanceNormalization": 3,
    "GroupNormalization": 2,
    "LayerNormalization": 19,
    "LRN": 2,
    "Relu": 3,
    "LeakyRelu": 5,
    "PRelu": 8,
    "Elu": 4,
    "Selu": 5,
    "Gelu": 4,
    "Mish": 1,
    "Sigmoid": 5,
    "HardSigmoid": 4,
    "HardSwish": 1,
    "Swish": 4,
    "Tanh": 4,
    "Softplus": 4,
    "Softmax": 10,
    "LogSoftmax": 10,
    "Dropout": 8,
    "Flatten": 11,
    "Reshape": 10,
    "Squeeze": 5,
    "Unsqueeze": 9,
    "Transpose": 10,
    "Pad": 11,
    "CenterCropPad": 6,
    "Slice": 7,
    "Split": 17,
    "Resize": 32,
    "Upsample": 1,
    "DepthToSpace": 2,
    "SpaceToDepth": 4,
    "LpNormalization": 6,
    "Concat": 13,
    "Sub": 9,
    "Div": 4,
    "Max": 15,
    "Abs": 2,
    "Identity": 3,
    "Add": 15,
    "Sum": 3,
    "Mul": 17,
    "Clip": 10,
    "Gemm": 14,
    "MatMul": 8,
    "LSTM": 5,
    "GRU": 3,
    "Gather": 1,
}
"""Cases that are run, at least, per operator."""


def skipped(name: str) -> bool:
    return any(re.fullmatch(f"test_{pattern}", name) for pattern in SKIPPED)


@pytest.mark.parametrize("operator", TRANSLATORS)
def test_layers_give_what_the_cases_expect(operator: str) -> None:
    count = 0
    for name, case in cases().items():
        if operator in operators(case) and not skipped(name):
            try:
                check(case)
            except (AssertionError, InexpressibleError) as error:
                raise AssertionError(name) from error
            count += 1
    assert count >= LEAST[operator]


@pytest.mark.parametrize("pattern", SKIPPED)
def test_every_skip_still_matches(pattern: str) -> None:
    assert any(re.fullmatch(f"test_{pattern}", name) for name in cases())


def test_no_case_is_skipped_that_would_pass() -> None:
    for name, case in cases().items():
        if skipped(name):
            with pytest.raises((AssertionError, InexpressibleError)):
                check(case)
