"""The readable definition of every layer against PyTorch's layer, with the same weights."""

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import kinds
import numpy as np
import pytest

from convcalc.layers import CATALOGUE, Layer, Plan, layer_class
from convcalc.shape import Shape

torch = pytest.importorskip("torch")

import recorded  # noqa: E402 (beside the tests)
from torch_memory import (  # noqa: E402 (needs torch)
    along,
    attended,
    functional_call,
    spread,
    twins,
)

functional = torch.nn.functional

Fields = dict[str, Any]
Weights = dict[str, Any]
Case = tuple[Fields, list[Shape]]
Peer = Callable[[Any, Weights, list[Any]], Any]

DRAWS = 20
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
"""Of the largest value."""
MODES = {"zero": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# -- random layers -----------------------------------------------------------------------------


def spatial(random: Random, rank: int, low: int = 1, high: int = 9) -> tuple[int, ...]:
    return tuple(random.randint(low, high) for _ in range(rank))


def axes(random: Random, rank: int, low: int, high: int) -> int | tuple[int, ...]:
    return random.choice((random.randint(low, high), spatial(random, rank, low, high)))


def sides(random: Random, rank: int, high: int) -> Any:
    pairs = tuple((random.randint(0, high), random.randint(0, high)) for _ in range(rank))
    return random.choice((axes(random, rank, 0, high), pairs))


def convolution(random: Random, rank: int) -> Case:
    groups = random.choice((1, 1, 2, 3))
    fields = {
        "filters": groups * random.randint(1, 3),
        "kernel": axes(random, rank, 1, 4),
        "stride": axes(random, rank, 1, 3),
        "padding": random.choice(("same", "valid", sides(random, rank, 3))),
        "dilation": axes(random, rank, 1, 2),
        "groups": groups,
        "bias": random.random() < 0.7,
        "padding_mode": random.choice((*MODES, "zero")),
        "rounding": "floor",
    }
    if fields["padding"] == "same":
        fields["stride"] = 1
    return fields, [Shape(groups * random.randint(1, 3), spatial(random, rank, 2))]


def depthwise(random: Random, rank: int) -> Case:
    fields, (x,) = convolution(random, rank)
    del fields["filters"], fields["groups"]
    return {**fields, "multiplier": random.randint(1, 3)}, [x]


def transposed(random: Random, rank: int) -> Case:
    groups = random.choice((1, 1, 2, 3))
    return {
        "filters": groups * random.randint(1, 3),
        "kernel": axes(random, rank, 1, 4),
        "stride": axes(random, rank, 1, 3),
        "padding": axes(random, rank, 0, 2),
        "output_padding": axes(random, rank, 0, 2),
        "dilation": axes(random, rank, 1, 3),
        "groups": groups,
        "bias": random.random() < 0.7,
    }, [Shape(groups * random.randint(1, 3), spatial(random, rank, 1, 6))]


def separable(random: Random, rank: int) -> Case:
    fields, xs = depthwise(random, rank)
    return {**fields, "filters": random.randint(1, 4)}, xs


def recurrent(random: Random, rank: int) -> Case:
    fields = {
        "features": random.randint(1, 4),
        "layers": random.randint(1, 3),
        "bidirectional": random.choice((True, False)),
        "bias": random.choice((True, False)),
    }
    return fields, [Shape(random.randint(1, 4), spatial(random, rank, 1, 6))]


def locally_connected(random: Random, rank: int) -> Case:
    fields, (x,) = convolution(random, rank)
    del fields["groups"], fields["padding_mode"]
    return {**fields, "filters": random.randint(1, 3)}, [Shape(2, x.spatial)]


def linear(random: Random, rank: int) -> Case:
    fields: Fields = {"features": random.randint(1, 9), "bias": random.random() < 0.7}
    if not rank:
        return fields, [Shape(random.randint(1, 50))]
    return {**fields, "axis": "channels"}, [Shape(random.randint(1, 9), spatial(random, rank))]


def pooling(random: Random, rank: int) -> Case:
    kernel = axes(random, rank, 1, 4)
    least = kernel if isinstance(kernel, int) else min(kernel)
    return {
        "kernel": kernel,
        "stride": random.choice((None, axes(random, rank, 1, 4))),
        "padding": axes(random, rank, 0, least // 2),
        "rounding": random.choice(("floor", "ceil")),
    }, [Shape(3, spatial(random, rank, 4 if rank == 3 else 1))]  # PyTorch wants room in 3-D


def max_pooling(random: Random, rank: int) -> Case:
    fields, xs = pooling(random, rank)
    return {**fields, "dilation": axes(random, rank, 1, 2)}, xs


def average_pooling(random: Random, rank: int) -> Case:
    fields, xs = pooling(random, rank)
    divisor = random.choice((None, 3)) if rank > 1 else None
    return {**fields, "count_include_pad": random.random() < 0.5, "divisor": divisor}, xs


def norm_pooling(random: Random, rank: int) -> Case:
    fields, xs = pooling(random, rank)
    return {**fields, "padding": 0, "norm": random.choice((1, 2, 2.0, 3, 1.5, 4))}, xs


def adaptive(random: Random, rank: int) -> Case:
    return {"size": axes(random, rank, 1, 9)}, [Shape(3, spatial(random, rank))]


def map_only(random: Random, rank: int) -> Case:
    return {}, [Shape(3, spatial(random, rank, 2))]


def batch_norm(random: Random, rank: int) -> Case:
    return {
        "eps": random.choice((1e-5, 1e-3)),
        "affine": random.random() < 0.7,
        "track_running_stats": random.random() < 0.7,
    }, [Shape(random.randint(1, 6), spatial(random, rank, 2))]


def group_norm(random: Random, rank: int) -> Case:
    groups = random.randint(1, 3)
    fields = {"groups": groups, "eps": random.choice((1e-5, 1e-3)), "affine": random.random() < 0.7}
    return fields, [Shape(groups * random.randint(2, 3), spatial(random, rank))]


def layer_norm(random: Random, rank: int) -> Case:
    affine = random.random() < 0.7
    return {
        "over": random.choice(("channels", "all")),
        "eps": random.choice((1e-5, 1e-3)),
        "affine": affine,
        "bias": affine and random.random() < 0.7,
    }, [Shape(random.randint(2, 6), spatial(random, rank))]


def response_norm(random: Random, rank: int) -> Case:
    return {
        "size": random.randint(1, 6),
        "alpha": random.choice((1e-4, 2.0)),
        "beta": random.choice((0.75, 0.5)),
        "k": random.choice((1.0, 2.0)),
    }, [Shape(random.randint(1, 8), spatial(random, rank))]


def anything(**choices: tuple[Any, ...]) -> Callable[[Random, int], Case]:
    def draw(random: Random, rank: int) -> Case:
        fields = {name: random.choice(values) for name, values in choices.items()}
        return fields, [Shape(random.randint(1, 6), spatial(random, rank))]

    return draw


def flatten(random: Random, rank: int) -> Case:
    start = random.randint(1, rank + 1)
    end = random.choice((-1, random.randint(start, rank + 1)))
    return {"start": start, "end": end}, [Shape(3, spatial(random, rank))]


def reshape(random: Random, rank: int) -> Case:
    x = Shape(6, spatial(random, rank))
    shape = [x.size // 6, 2, 3]
    shape[random.randrange(3)] = -1
    return {"shape": tuple(shape)}, [x]


def permute(random: Random, rank: int) -> Case:
    order = random.sample(range(1, rank + 2), rank + 1)
    return {"order": tuple(order)}, [Shape(3, spatial(random, rank))]


def pixel_shuffle(random: Random, rank: int) -> Case:
    factor = random.randint(1, 3)
    return {"factor": factor}, [Shape(factor**rank * 2, spatial(random, rank, 1, 4))]


def space_to_depth(random: Random, rank: int) -> Case:
    factor = random.randint(1, 3)
    size = tuple(factor * extent for extent in spatial(random, rank, 1, 3))
    order = random.choice(("channels", "rows", "columns"))
    return {"factor": factor, "order": order}, [Shape(random.randint(1, 3), size)]


def channel_shuffle(random: Random, rank: int) -> Case:
    groups = random.randint(1, 4)
    return {"groups": groups}, [Shape(groups * random.randint(1, 3), spatial(random, rank, 1, 4))]


def border(random: Random, rank: int) -> Case:
    mode = random.choice((*MODES, "zero"))
    value = random.choice((0.0, -1.5)) if mode == "zero" else 0.0
    x = Shape(2, spatial(random, rank, 2))
    fields: Fields = {"padding": sides(random, rank, 4), "mode": mode, "value": value}
    if mode == "zero" and random.random() < 0.5:
        fields["channels"] = (random.randrange(3), random.randrange(3))
    return fields, [x]


def crop(random: Random, rank: int) -> Case:
    return {"amount": sides(random, rank, 3)}, [Shape(2, spatial(random, rank, 3))]


def upsample(random: Random, rank: int) -> Case:
    modes = ("nearest", "linear", "cubic") if rank == 2 else ("nearest", "linear")
    fields: Fields = {"mode": random.choice(modes)}
    size = spatial(random, rank)
    if random.random() < 0.5:
        fields["size"] = axes(random, rank, 1, 12)
    else:
        scales = tuple(random.choice(own_scales(extent)) for extent in size)
        fields["scale"] = scales if random.random() < 0.5 or len(set(scales)) > 1 else scales[0]
    if fields["mode"] == "nearest" and random.random() < 0.3:  # nearest-exact
        fields |= {"positions": "half_pixel", "round": "round_prefer_ceil"}
    if fields["mode"] != "nearest":
        fields["align_corners"] = random.random() < 0.5
    if rank == 2 and fields["mode"] != "nearest" and random.random() < 0.4:
        fields |= {"align_corners": False, "antialias": True}
        made = layer_class("upsample")(**fields).plan([Shape(2, size)]).output.spatial
        if 1 in (*size, *made):  # PyTorch smooths maps of one column wrongly
            fields["antialias"] = False
    return fields, [Shape(2, size)]


def own_scales(size: int) -> list[float]:
    """Scales that give a size other than 1 or 2 do.

    Where 1.3 gives the size itself, some of PyTorch's kernels copy and others resample; the
    definition, as ONNX Resize's, resamples.
    """
    usual = [size, 2 * size]
    return [1, 2, 2.0, *(f for f in (0.5, 0.7, 1.3, 1.5, 2.5, 3) if int(f * size) not in usual)]


def channels(random: Random, rank: int) -> Case:
    return {"start": random.choice((0, 2, -4)), "stop": random.choice((None, 5, -1))}, [
        Shape(7, spatial(random, rank))
    ]


def broadcast(random: Random, rank: int) -> Case:
    whole = Shape(random.randint(1, 5), spatial(random, rank)).axes
    parts = [tuple(random.choice((1, extent)) for extent in whole) for _ in range(3)]
    return {}, [Shape.from_axes(whole), *map(Shape.from_axes, parts)]


def broadcast_two(random: Random, rank: int) -> Case:
    fields, xs = broadcast(random, rank)
    return fields, random.sample(xs, 2)


def attention(random: Random, rank: int) -> Case:
    heads = random.randint(1, 3)
    x = Shape(heads * random.randint(1, 4), spatial(random, rank, 2, 5))
    channels = random.choice((x.channels, random.randint(1, 6)))
    other = Shape(channels, spatial(random, random.randint(1, 2), 2, 5))
    values = other._replace(channels=random.choice((channels, random.randint(1, 6))))
    fields: dict[str, Any] = {"heads": heads, "bias": random.random() < 0.7}
    if random.random() < 1 / 2:
        return fields, [x, *random.choice(([], [other], [other, values]))]
    fields["relative_bias"] = random.random() < 2 / 3
    by = random.choice(("window", "window", "grid", "map"))
    if by != "map":
        fields[by] = random.randint(1, 4)
    if by == "window" and fields[by] > 1:
        fields["shift"] = random.randint(0, fields[by] - 1)
    return fields, [x]


def learned(random: Random, rank: int) -> Case:
    shape = (*spatial(random, rank), random.randint(1, 6))
    return {"shape": shape}, [Shape(random.randint(1, 6), spatial(random, rank))]


def looked_up(random: Random, rank: int) -> Case:
    fields = {"entries": random.randint(1, 9), "features": random.randint(1, 6)}
    return fields, [Shape(1, spatial(random, rank))]


def matrices(random: Random, rank: int) -> Case:
    length, inner, channels = (random.randint(1, 6) for _ in range(3))
    return {}, [Shape(inner, (length,)), Shape(channels, (inner,))]


def concatenated(random: Random, rank: int) -> Case:
    size = spatial(random, rank)
    return {}, [Shape(random.randint(1, 5), size) for _ in range(random.randint(1, 4))]


# -- PyTorch's answers -------------------------------------------------------------------------


def of_rank(name: str, x: Any) -> Any:
    """The function for as many spatial axes as `x` has: conv1d, conv2d or conv3d."""
    return getattr(functional, f"{name}{x.ndim - 2}d")


def each(value: Any, x: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) * (x.ndim - 2)


def bordered(x: Any, padding: Any, mode: str = "zero", value: float = 0.0) -> Any:
    pairs = [side if isinstance(side, tuple) else (side, side) for side in each(padding, x)]
    flat = [number for pair in reversed(pairs) for number in pair]
    if mode != "zero":
        return functional.pad(x, flat, MODES[mode])
    return functional.pad(x, flat, "constant", value)


def torch_convolution(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    x, weight = xs[0], weights["weight"]
    groups = x.shape[1] // weight.shape[1]
    kernel, stride, dilation = (
        each(value, x) for value in (layer.kernel, layer.stride, layer.dilation)
    )
    padding = layer.padding
    if padding == "same":
        totals = [d * (f - 1) for f, d in zip(kernel, dilation, strict=True)]
        padding = tuple((total // 2, total - total // 2) for total in totals)  # as "same" there
    elif padding == "valid":
        padding = 0
    x = bordered(x, padding, getattr(layer, "padding_mode", "zero"))
    bias = weights.get("bias")
    return of_rank("conv", x)(x, weight, bias, stride, 0, dilation, groups)


def torch_separable(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    inside = torch_convolution(layer, {"weight": weights["weight"]}, xs)
    return of_rank("conv", inside)(inside, weights["pointwise"], weights.get("bias"))


def torch_locally_connected(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    """A convolution with the weights of each position, of which that position is kept."""
    weight, bias = weights["weight"], weights.get("bias")
    out = weight.shape[1 : xs[0].ndim - 1]
    y = torch.empty((xs[0].shape[0], weight.shape[0], *out), dtype=xs[0].dtype)
    for position in np.ndindex(*out):
        place, here = (..., *position), (slice(None), *position)
        y[place] = torch_convolution(layer, {"weight": weight[here]}, xs)[place]
    return y if bias is None else y + bias


def torch_transposed(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    return of_rank("conv_transpose", xs[0])(
        xs[0],
        weights["weight"],
        weights.get("bias"),
        layer.stride,
        layer.padding,
        layer.output_padding,
        layer.groups,
        layer.dilation,
    )


def torch_max(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    ceil = layer.rounding == "ceil"
    pool = of_rank("max_pool", xs[0])
    return pool(xs[0], layer.kernel, layer.stride, layer.padding, layer.dilation, ceil)


def torch_average(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    ceil = layer.rounding == "ceil"
    fields = (layer.kernel, layer.stride, layer.padding, ceil, layer.count_include_pad)
    divisor = () if layer.divisor is None else (layer.divisor,)
    return of_rank("avg_pool", xs[0])(xs[0], *fields, *divisor)


def torch_norm_pool(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    ceil = layer.rounding == "ceil"
    pool = of_rank("lp_pool", xs[0])
    kernel = layer.kernel if xs[0].ndim > 3 else each(layer.kernel, xs[0])[0]
    return pool(xs[0], layer.norm, kernel, layer.stride, ceil)


def torch_batch_norm(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    kept = (weights.get("running_mean"), weights.get("running_var"))
    learned = (weights.get("weight"), weights.get("bias"))
    return functional.batch_norm(xs[0], *kept, *learned, kept[0] is None, 0.0, layer.eps)


def torch_instance_norm(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    kept = (weights.get("running_mean"), weights.get("running_var"))
    learned = (weights.get("weight"), weights.get("bias"))
    return functional.instance_norm(xs[0], *kept, *learned, kept[0] is None, 0.0, layer.eps)


def torch_layer_norm(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    learned = (weights.get("weight"), weights.get("bias"))
    if layer.over == "all":
        return functional.layer_norm(xs[0], xs[0].shape[1:], *learned, layer.eps)
    last = xs[0].movedim(1, -1)
    return functional.layer_norm(last, last.shape[-1:], *learned, layer.eps).movedim(-1, 1)


def torch_response_norm(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    x = xs[0] if xs[0].ndim > 2 else xs[0][:, :, None]  # PyTorch wants a map
    y = functional.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k)
    return y.reshape(xs[0].shape)


def torch_reshape(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    return xs[0].reshape(len(xs[0]), layer.shape[-1], *layer.shape[:-1])


def torch_pixel_shuffle(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    """On a sequence and a volume by a transposed convolution that sets values apart."""
    x, factor = xs[0], layer.factor
    if x.ndim == 4:
        return functional.pixel_shuffle(x, factor)
    rank = x.ndim - 2
    taps = torch.eye(factor**rank, dtype=x.dtype).reshape(-1, 1, *(factor,) * rank)
    weight = taps.repeat(x.shape[1] // factor**rank, *(1,) * (rank + 1))
    groups = x.shape[1] // factor**rank
    return of_rank("conv_transpose", x)(x, weight, None, factor, 0, 0, groups)


def torch_space_to_depth(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    """By slices with a step, place after place."""
    x, factor = xs[0], layer.factor
    places = [*np.ndindex(*(factor,) * (x.ndim - 2))]
    if layer.order == "columns":
        places.sort(key=lambda place: place[::-1])
    steps = [(..., *(slice(first, None, factor) for first in place)) for place in places]
    parts = [x[step] for step in steps]
    if layer.order == "channels":
        return torch.stack(parts, 2).flatten(1, 2)
    return torch.cat(parts, 1)


def torch_channel_shuffle(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    x = xs[0] if xs[0].ndim > 2 else xs[0][:, :, None]
    return torch.channel_shuffle(x, layer.groups).reshape(xs[0].shape)


def torch_crop(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    pairs = [
        side if isinstance(side, tuple) else (side, side) for side in each(layer.amount, xs[0])
    ]
    return bordered(xs[0], tuple((-before, -after) for before, after in pairs))


def torch_upsample(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    linear = ("linear", "bilinear", "trilinear")[xs[0].ndim - 3]
    exact = "nearest" if layer.positions == "by_mode" else "nearest-exact"
    mode = {"nearest": exact, "linear": linear, "cubic": "bicubic"}[layer.mode]
    corners = None if layer.mode == "nearest" else layer.align_corners
    smooth = layer.antialias
    return functional.interpolate(xs[0], layer.size, layer.scale, mode, corners, antialias=smooth)


def torch_scale(layer: Any, weights: Weights, xs: list[Any]) -> Any:
    shape = (-1, *(1,) * (xs[0].ndim - 2))
    y = xs[0] * weights["weight"].reshape(shape)
    return y + weights["bias"].reshape(shape) if layer.bias else y


def folded(function: Any) -> Peer:
    def answer(layer: Any, weights: Weights, xs: list[Any]) -> Any:
        y = xs[0]
        for x in xs[1:]:
            y = function(y, x)
        return y

    return answer


def plain(function: Any, *names: str, **renamed: str) -> Peer:
    """A function of the input and of the layer's fields, by name."""

    def answer(layer: Any, weights: Weights, xs: list[Any]) -> Any:
        fields = {name: getattr(layer, name) for name in names}
        fields |= {theirs: getattr(layer, ours) for theirs, ours in renamed.items()}
        return function(xs[0], **fields)

    return answer


MAPS, ALL = (1, 2, 3), (0, 1, 2, 3)


def unpooling(random: Random, rank: int) -> tuple[dict[str, Any], list[Shape]]:
    """Windows side by side or apart: of overlapping ones PyTorch does not say which value stays."""
    slides = []
    for _ in range(rank):
        kernel = random.randint(1, 3)
        slides.append((kernel, kernel + random.randint(0, 1), random.randint(0, kernel // 2)))
    sizes = [kernel + random.randint(0, 5) for kernel, _, _ in slides]
    made = [
        (size - kernel + 2 * padding) // stride + 1
        for size, (kernel, stride, padding) in zip(sizes, slides, strict=True)
    ]
    channels = random.randint(1, 4)
    return {"indices": kinds.pool(*slides)}, [
        Shape(channels, tuple(made)),
        Shape(channels, tuple(sizes)),
    ]


def torch_unpool(layer: Any, _: Any, xs: Any) -> Any:
    kernel, stride, _, padding, *_ = zip(*layer.windows, strict=True)
    x, pooled = xs
    rank = x.ndim - 2
    max_pool, unpool = (getattr(functional, f"max_{name}{rank}d") for name in ("pool", "unpool"))
    _, indices = max_pool(pooled, kernel, stride, padding, return_indices=True)
    return unpool(x, indices, kernel, stride, padding, output_size=pooled.shape[2:])


PEERS: dict[str, tuple[tuple[int, ...], Callable[[Random, int], Case], Peer]] = {
    "conv": (MAPS, convolution, torch_convolution),
    "depthwise_conv": (MAPS, depthwise, torch_convolution),
    "conv_transpose": (MAPS, transposed, torch_transposed),
    "separable_conv": (MAPS, separable, torch_separable),
    **dict.fromkeys(
        ("lstm", "gru"),
        ((1,), recurrent, lambda layer, weights, xs: along(layer, None, weights, xs)),
    ),
    "locally_connected": (MAPS, locally_connected, torch_locally_connected),
    "linear": (
        ALL,
        linear,
        lambda _, weights, xs: functional.linear(
            xs[0].movedim(1, -1), weights["weight"], weights.get("bias")
        ).movedim(-1, 1),
    ),
    "maxpool": (MAPS, max_pooling, torch_max),
    "avgpool": (MAPS, average_pooling, torch_average),
    "lppool": (MAPS, norm_pooling, torch_norm_pool),
    "adaptive_avgpool": (
        MAPS,
        adaptive,
        lambda layer, _, xs: of_rank("adaptive_avg_pool", xs[0])(xs[0], layer.size),
    ),
    "adaptive_maxpool": (
        MAPS,
        adaptive,
        lambda layer, _, xs: of_rank("adaptive_max_pool", xs[0])(xs[0], layer.size),
    ),
    "global_avgpool": (
        MAPS,
        map_only,
        lambda _, __, xs: of_rank("adaptive_avg_pool", xs[0])(xs[0], 1),
    ),
    "global_maxpool": (
        MAPS,
        map_only,
        lambda _, __, xs: of_rank("adaptive_max_pool", xs[0])(xs[0], 1),
    ),
    "batchnorm": (ALL, batch_norm, torch_batch_norm),
    "groupnorm": (
        ALL,
        group_norm,
        lambda layer, weights, xs: functional.group_norm(
            xs[0], layer.groups, weights.get("weight"), weights.get("bias"), layer.eps
        ),
    ),
    "layernorm": (ALL, layer_norm, torch_layer_norm),
    "instancenorm": (MAPS, batch_norm, torch_instance_norm),
    "lrn": (ALL, response_norm, torch_response_norm),
    "l2norm": (
        ALL,
        anything(affine=(True, False), eps=(1e-12, 2.0)),
        lambda layer, weights, xs: (
            functional.normalize(xs[0], eps=layer.eps)
            * (weights["weight"].reshape(-1, *(1,) * (xs[0].ndim - 2)) if layer.affine else 1)
        ),
    ),
    "relu": (ALL, anything(), plain(functional.relu)),
    "relu6": (ALL, anything(), plain(functional.relu6)),
    "leaky_relu": (
        ALL,
        anything(slope=(0.01, 0.2, -0.5)),
        plain(functional.leaky_relu, negative_slope="slope"),
    ),
    "prelu": (
        ALL,
        anything(slopes=("one", "channels")),
        lambda _, weights, xs: functional.prelu(xs[0], weights["weight"]),
    ),
    "elu": (ALL, anything(alpha=(1.0, 0.3)), plain(functional.elu, "alpha")),
    "selu": (ALL, anything(), plain(functional.selu)),
    "gelu": (ALL, anything(approximate=("none", "tanh")), plain(functional.gelu, "approximate")),
    "silu": (ALL, anything(), plain(functional.silu)),
    "mish": (ALL, anything(), plain(functional.mish)),
    "sigmoid": (ALL, anything(), plain(torch.sigmoid)),
    "hardsigmoid": (ALL, anything(), plain(functional.hardsigmoid)),
    "hardswish": (ALL, anything(), plain(functional.hardswish)),
    "tanh": (ALL, anything(), plain(torch.tanh)),
    "softplus": (
        ALL,
        anything(beta=(1.0, 0.5, 8.0), threshold=(20.0, 3.0)),
        plain(functional.softplus, "beta", "threshold"),
    ),
    "softmax": (ALL, anything(), lambda _, __, xs: functional.softmax(xs[0], 1)),
    "log_softmax": (ALL, anything(), lambda _, __, xs: functional.log_softmax(xs[0], 1)),
    "dropout": (
        ALL,
        anything(rate=(0.5, 0.0)),
        lambda layer, _, xs: functional.dropout(xs[0], layer.rate, training=False),
    ),
    "flatten": (ALL, flatten, plain(torch.flatten, start_dim="start", end_dim="end")),
    "reshape": (ALL, reshape, torch_reshape),
    "permute": (ALL, permute, lambda layer, _, xs: xs[0].permute(0, *layer.order)),
    "pixel_shuffle": (MAPS, pixel_shuffle, torch_pixel_shuffle),
    "space_to_depth": (MAPS, space_to_depth, torch_space_to_depth),
    "channel_shuffle": (ALL, channel_shuffle, torch_channel_shuffle),
    "pad": (
        MAPS,
        border,
        lambda layer, _, xs: functional.pad(
            bordered(xs[0], layer.padding, layer.mode, layer.value),
            (*(0, 0) * (xs[0].ndim - 2), *layer.channels),
            value=layer.value,
        ),
    ),
    "crop": (MAPS, crop, torch_crop),
    "upsample": (MAPS, upsample, torch_upsample),
    "slice": (ALL, channels, lambda layer, _, xs: xs[0][:, layer.start : layer.stop]),
    "scale": (ALL, anything(bias=(True, False)), torch_scale),
    "affine": (
        ALL,
        anything(times=(0.1, -2.0, 1.0), plus=(0.0, 3.0)),
        lambda layer, _, xs: xs[0] * layer.times + layer.plus,
    ),
    "add": (ALL, broadcast, lambda _, __, xs: sum(xs[1:], xs[0])),
    "subtract": (ALL, broadcast_two, folded(torch.sub)),
    "multiply": (ALL, broadcast, folded(torch.mul)),
    "divide": (ALL, broadcast_two, folded(torch.div)),
    "maximum": (ALL, broadcast, folded(torch.maximum)),
    "attention": (MAPS, attention, lambda layer, weights, xs: attended(layer, None, weights, xs)),
    "learned": (ALL, learned, lambda layer, weights, xs: spread(layer, None, weights, xs)),
    "matmul": ((1,), matrices, lambda _, __, xs: torch.bmm(xs[1], xs[0])),
    "maxunpool": (MAPS, unpooling, torch_unpool),
    "concat": (ALL, concatenated, lambda _, __, xs: torch.cat(xs, 1)),
    "embedding": (
        (1,),
        looked_up,
        lambda _, weights, xs: functional.embedding(xs[0][:, 0].long(), weights["weight"]).mT,
    ),
}
"""Kind → (ranks, random layers, PyTorch's answer)."""


# -- the comparison ----------------------------------------------------------------------------


def draws(kind: str, rank: int) -> list[tuple[Layer, list[Shape], Plan]]:
    """Valid random layers of a kind."""
    random = Random(f"{kind} {rank}")  # noqa: S311 (tests repeat)
    _, draw, _ = PEERS[kind]
    found = []
    for _ in range(50 * DRAWS):
        fields, xs = draw(random, rank)
        layer = layer_class(kind)(**fields)
        if not any(problem.severity == "error" for problem in layer.check(xs)):
            found.append((layer, xs, layer.plan(xs)))
        if len(found) == DRAWS:
            return found
    raise AssertionError(kind)


def values(layer: Layer, xs: list[Shape], plan: Plan) -> tuple[Weights, list[Any]]:
    random = np.random.default_rng(plan.output.size)
    weights = {weight.name: random.normal(size=weight.shape) for weight in plan.weights}
    if "running_var" in weights:
        weights["running_var"] = np.abs(weights["running_var"]) + 0.5
    return weights, recorded.looked_up(layer, [3 * random.normal(size=(2, *x.axes)) for x in xs])


def of_twin(layer: Layer, weights: Weights, xs: list[Any]) -> Any:
    """What the module gives that the row of a layer names."""
    with torch.no_grad():
        return functional_call(twins(layer)[0].double().eval(), weights, tuple(xs))


TWINS = [case for case in kinds.RUN if case.torch]


def test_every_kind_has_a_peer() -> None:
    """A table of draws, or the twin that its row in `kinds.py` names."""
    assert {*PEERS} | {case.kind for case in TWINS} == set(CATALOGUE)


@pytest.mark.parametrize("case", TWINS, ids=str)
def test_the_values_of_a_worked_layer_are_those_of_its_twin(case: kinds.Case) -> None:
    layer = case.layer
    weights, xs = values(layer, case.shapes, layer.plan(case.shapes))
    theirs = {name: torch.from_numpy(value) for name, value in weights.items()}
    expected = of_twin(layer, theirs, [torch.from_numpy(x) for x in xs]).numpy()
    y = layer.forward(np, weights, xs)

    assert {name: tuple(each.shape) for name, each in theirs.items()} == {
        name: tuple(each.shape)
        for name, each in twins(layer)[0].state_dict().items()
        if name != "num_batches_tracked"
    }
    assert y.shape == expected.shape
    assert np.allclose(y, expected, 0, TOLERANCE["float64"] * np.abs(expected).max())


@pytest.mark.parametrize(
    ("kind", "rank"), [(kind, rank) for kind, (ranks, *_) in PEERS.items() for rank in ranks]
)
def test_the_values_are_those_of_torch(kind: str, rank: int) -> None:
    for layer, shapes, plan in draws(kind, rank):
        weights, xs = values(layer, shapes, plan)
        for dtype, tolerance in TOLERANCE.items():
            ours = {name: value.astype(dtype) for name, value in weights.items()}
            given = [x.astype(dtype) for x in xs]
            y = layer.forward(np, ours, given)
            theirs = {name: torch.from_numpy(value) for name, value in ours.items()}
            expected = PEERS[kind][2](layer, theirs, [torch.from_numpy(x) for x in given]).numpy()
            assert y.shape == expected.shape, layer
            assert y.dtype == expected.dtype == dtype, layer
            largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
            assert np.allclose(y, expected, 0, tolerance * largest, equal_nan=True), (layer, shapes)


# -- for those without PyTorch -----------------------------------------------------------------

SLIDING = {"conv", "conv_transpose", "maxpool", "avgpool", "upsample", "pad"}
"""Kinds with many hyperparameters, of which more draws are recorded."""


def answer(kind: str, layer: Layer, shapes: list[Shape], plan: Plan) -> Any:
    """What PyTorch gives for the values that `recorded` makes."""
    weights, xs = recorded.inputs(shapes, plan)
    theirs = {name: torch.from_numpy(value) for name, value in weights.items()}
    given = [torch.from_numpy(x) for x in recorded.looked_up(layer, xs)]
    peer = PEERS[kind][2] if kind in PEERS else of_twin
    return peer(layer, theirs, given).numpy()


def rows(kind: str, rank: int) -> Iterator[Fields]:
    """Layers to record, with PyTorch's answer."""
    for layer, shapes, plan in draws(kind, rank)[: 6 if kind in SLIDING else 3]:
        if np.isfinite(answer(kind, layer, shapes, plan)).all():
            yield recording(kind, layer, shapes)


def recording(kind: str, layer: Layer, shapes: list[Shape]) -> Fields:
    """A layer with PyTorch's answer, as it is recorded."""
    plan = layer.plan(shapes)
    expected = answer(kind, layer, shapes, plan)
    return {
        "fields": {each.name: getattr(layer, each.name) for each in dataclasses.fields(layer)},
        "inputs": [[x.channels, *x.spatial] for x in shapes],
        "weights": {weight.name: list(weight.shape) for weight in plan.weights},
        "output": list(expected.shape),
        "values": recorded.summary(expected),
    }


def test_what_is_recorded_is_what_torch_gives() -> None:
    """The file is the one that an update writes, but for the last digits of PyTorch's answers."""
    given = {f"{kind} {rank}": [*rows(kind, rank)] for kind in PEERS for rank in PEERS[kind][0]}
    for case in TWINS:
        if case.kind not in PEERS:
            rows_of_twin = given.setdefault(f"{case.kind} {case.inputs}", [])
            rows_of_twin.append(recording(case.kind, case.layer, case.shapes))
    if os.environ.get("CONVCALC_UPDATE"):
        recorded.write(recorded.VALUES, given)
    kept = json.loads(recorded.VALUES.read_text(encoding="utf-8"))
    renew = "is not what CONVCALC_UPDATE=1 and this test write into tests/data/torch_values.json"
    assert [*kept] == [*given], f"the list of layers {renew}"
    for name, expected in json.loads(json.dumps(given)).items():
        assert len(kept[name]) == len(expected), f"{name} {renew}"
        for row, now in zip(kept[name], expected, strict=True):
            values_kept, values_now = row.pop("values"), now.pop("values")
            assert row == now, f"{name} {renew}"
            assert values_now == pytest.approx(values_kept, rel=1e-9, abs=1e-9), f"{name} {renew}"
