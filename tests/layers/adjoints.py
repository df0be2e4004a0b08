"""Layers that are linear in what they read, drawn at random, and the identity that each must keep.

A layer's backward pass is the adjoint of its forward pass: ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩ for all x and y.
With small integers in float64 both sides are integers, so they are equal and not close. Inputs of
averages are multiples of what they are divided by; the factors of resampling are binary fractions,
or else its matrix is written out and compared with that of its backward pass, entry by entry.
"""

from collections.abc import Callable, Iterator, Sequence
from math import lcm, prod
from random import Random
from typing import Any, NamedTuple

import numpy as np
from kinds import pool

from convcalc.diagnostics import Problem
from convcalc.forward.recording import Recording, record
from convcalc.layers import Layer, layer_class
from convcalc.layers.base import Gradients
from convcalc.layers.upsample import Upsample
from convcalc.shape import Shape

Fields = dict[str, Any]
Key = int | str
"""The number of an input, or the name of a weight."""

MODES = ("zero", "zero", "reflect", "replicate", "circular")
MAPS, ALL = (1, 2, 3), (0, 1, 2, 3)
LARGEST = {0: 9, 1: 9, 2: 6, 3: 4}
"""Largest extent of a map by its rank."""
FINEST = 2**12
"""Largest denominator of a factor with which sums of products are exact."""


class Drawn(NamedTuple):
    """A layer on its inputs."""

    layer: Layer
    shapes: Sequence[Shape]
    unit: int = 1
    """What a mean's inputs are multiples of, so that it is a whole number."""


class Identity(NamedTuple):
    """Both sides of ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩."""

    key: Key
    left: Any
    right: Any

    @property
    def holds(self) -> bool:
        """Whether they are equal: not close."""
        return bool(np.array_equal(self.left, self.right))


# -- draws -------------------------------------------------------------------------------------


def extents(random: Random, rank: int, low: int = 1, high: int | None = None) -> tuple[int, ...]:
    """Extents of a map."""
    high = LARGEST[rank] if high is None else high
    return tuple(random.randint(low, high) for _ in range(rank))


def axes(random: Random, rank: int, low: int, high: int) -> int | tuple[int, ...]:
    """One number for all axes, or one each."""
    return random.choice((random.randint(low, high), extents(random, rank, low, high)))


def sides(random: Random, rank: int, high: int) -> Any:
    """Padding: one number, one an axis, or two an axis."""
    pairs = tuple((random.randint(0, high), random.randint(0, high)) for _ in range(rank))
    return random.choice((axes(random, rank, 0, high), pairs, pairs))


def sliding(random: Random, rank: int) -> Fields:
    """A kernel that mostly overlaps its neighbours."""
    return {
        "kernel": axes(random, rank, 1, 4 if rank < 3 else 3),
        "stride": axes(random, rank, 1, random.choice((1, 2, 3))),
        "padding": random.choice(("same", "valid", *[sides(random, rank, 2)] * 4)),
        "dilation": axes(random, rank, 1, random.choice((1, 2))),
        "rounding": "floor",
    }


def filtering(random: Random, rank: int) -> Fields:
    """The same with a border of some mode, and perhaps a bias."""
    padding_mode, bias = random.choice(MODES), random.random() < 0.7
    return {**sliding(random, rank), "padding_mode": padding_mode, "bias": bias}


def per_group(random: Random) -> int:
    """Channels of a group: mostly few, sometimes more than twice as many as the other side has."""
    return random.choice((1, 2, 3, 1, 2, 6))


def drawn_conv(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    groups = random.choice((1, 1, 2, 3))
    fields = {**filtering(random, rank), "filters": groups * per_group(random), "groups": groups}
    return fields, [Shape(groups * per_group(random), extents(random, rank, 2))]


def drawn_depthwise_conv(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    fields = {**filtering(random, rank), "multiplier": random.randint(1, 3)}
    return fields, [Shape(random.randint(1, 3), extents(random, rank, 2))]


def drawn_conv_transpose(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    groups = random.choice((1, 1, 2, 3))
    fields = {
        "filters": groups * per_group(random),
        "kernel": axes(random, rank, 1, 4 if rank < 3 else 3),
        "stride": axes(random, rank, 1, 3 if rank < 3 else 2),
        "padding": random.choice(("same", *[sides(random, rank, 2)] * 4)),
        "output_padding": random.choice((0, axes(random, rank, 0, 2))),
        "dilation": axes(random, rank, 1, 2),
        "groups": groups,
        "bias": random.random() < 0.7,
    }
    small = extents(random, rank, 1, 5 if rank < 3 else 3)
    return fields, [Shape(groups * per_group(random), small)]


def drawn_separable_conv(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    fields, xs = drawn_depthwise_conv(random, rank)
    return {**fields, "filters": random.randint(1, 4)}, xs


def drawn_locally_connected(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    fields = {
        **sliding(random, rank),
        "filters": random.randint(1, 3),
        "bias": random.random() < 0.7,
    }
    return fields, [Shape(random.randint(1, 3), extents(random, rank, 2))]


def drawn_linear(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    fields: Fields = {"features": random.randint(1, 9), "bias": random.random() < 0.7}
    if rank:
        fields["axis"] = "channels"
    return fields, [Shape(random.randint(1, 9), extents(random, rank))]


def drawn_avgpool(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    kernel = axes(random, rank, 1, 4 if rank < 3 else 3)
    least = kernel if isinstance(kernel, int) else min(kernel)
    fields = {
        "kernel": kernel,
        "stride": random.choice((None, axes(random, rank, 1, 2), axes(random, rank, 1, 3))),
        "padding": random.choice(("same", *[sides(random, rank, least // 2)] * 3)),
        "dilation": axes(random, rank, 1, random.choice((1, 2))),
        "count_include_pad": random.random() < 0.5,
        "divisor": random.choice((None, None, 3)),
        "rounding": random.choice(("floor", "ceil")),
    }
    return fields, [Shape(random.randint(1, 3), extents(random, rank, 2))]


def drawn_adaptive_avgpool(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    size = axes(random, rank, 1, LARGEST[rank])
    return {"size": size}, [Shape(random.randint(1, 3), extents(random, rank))]


def any_map(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    return {}, [Shape(random.randint(1, 5), extents(random, rank))]


def drawn_dropout(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    return {"rate": random.choice((0, 0.5, 0.75, 1))}, any_map(random, rank)[1]


def drawn_flatten(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    start = random.randint(1, rank + 1)
    end = random.choice((-1, random.randint(start, rank + 1)))
    return {"start": start, "end": end}, any_map(random, rank)[1]


def drawn_reshape(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    x = Shape(6, extents(random, rank))
    shape = [x.size // 6, 2, 3]
    shape[random.randrange(3)] = -1
    return {"shape": tuple(shape)}, [x]


def drawn_permute(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    order = random.sample(range(1, rank + 2), rank + 1)
    return {"order": tuple(order)}, any_map(random, rank)[1]


def drawn_pixel_shuffle(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    factor = random.randint(1, 3 if rank < 3 else 2)
    x = Shape(factor**rank * random.randint(1, 3), extents(random, rank, 1, 4))
    return {"factor": factor}, [x]


def drawn_space_to_depth(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    factor = random.randint(1, 3)
    size = tuple(factor * extent for extent in extents(random, rank, 1, 3 if rank < 3 else 2))
    order = random.choice(("channels", "rows", "columns"))
    return {"factor": factor, "order": order}, [Shape(random.randint(1, 3), size)]


def drawn_channel_shuffle(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    groups = random.randint(1, 4)
    return {"groups": groups}, [Shape(groups * random.randint(1, 4), extents(random, rank))]


def drawn_pad(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    x = Shape(random.randint(1, 3), extents(random, rank, 2))
    mode = random.choice(MODES)
    if random.random() < 1 / 4:
        more = tuple(size + random.randint(0, 3) for size in x.spatial)
        offset = random.choice((None, 0))
        return {"like": more, "offset": offset, "mode": mode}, [x]
    value = random.choice((0.0, -2.0)) if mode == "zero" else 0.0
    fields: Fields = {"padding": sides(random, rank, 4), "mode": mode, "value": value}
    if mode == "zero" and random.random() < 0.5:
        fields["channels"] = (random.randrange(3), random.randrange(3))
        if random.random() < 1 / 3:
            del fields["padding"]
    return fields, [x]


def drawn_crop(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    x = Shape(random.randint(1, 3), extents(random, rank, 2))
    left = tuple(random.randint(1, size) for size in x.spatial)
    offset = tuple(
        random.randint(0, size - each) for size, each in zip(x.spatial, left, strict=True)
    )
    sized: Fields = {
        random.choice(("size", "like")): left,
        "offset": random.choice((None, offset)),
    }
    return random.choice((sized, {"amount": sides(random, rank, 2)})), [x]


def drawn_upsample(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    x = Shape(random.randint(1, 2), extents(random, rank, 1, 6 if rank < 3 else 3))
    mode = random.choice(("nearest", "linear", "cubic") if rank == 2 else ("nearest", "linear"))
    fields: Fields = {"mode": mode, "align_corners": mode != "nearest" and random.random() < 0.3}
    manner = random.random()
    if manner < 0.4:
        scales = tuple(random.choice((1, 2, 2.0, 4, 0.5, 0.7, 1.5, 3)) for _ in range(rank))
        fields["scale"] = random.choice((scales, scales[0]))
    elif manner < 0.7:
        doubled = [size * random.choice((1, 2, 4)) for size in x.spatial]
        if fields["align_corners"]:
            doubled = [(size - 1) * random.choice((1, 2, 4)) + 1 for size in x.spatial]
        fields[random.choice(("size", "like"))] = tuple(doubled)
    else:
        fields["size"] = extents(random, rank, 1, 12 if rank < 3 else 5)
    if not fields["align_corners"]:
        fields["positions"] = random.choice(
            (
                *("by_mode", "half_pixel", "asymmetric", "pytorch_half_pixel"),
                *("half_pixel_symmetric", "tf_half_pixel_for_nn"),
            )
        )
    if mode == "nearest":
        words = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
        fields["round"] = random.choice(words)
    elif rank == 2 and not fields["align_corners"]:
        fields["antialias"] = random.random() < 0.5
    if mode == "cubic":
        fields["coefficient"] = random.choice((None, -0.5, -1))
    if mode == "cubic" or fields.get("antialias"):
        fields["border"] = random.choice(("by_mode", "replicate", "exclude"))
    return fields, [x]


def drawn_slice(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    names = (
        "channels",
        *{0: (), 1: ("length",), 2: ("height", "width")}.get(rank, ("depth", "height", "width")),
    )
    axis = random.choice(names)
    start, stop = random.choice((0, 1, 2, -3)), random.choice((None, 3, -1))
    fields = {"start": start, "stop": stop, "axis": axis}
    return fields, [Shape(random.randint(1, 6), extents(random, rank, 2))]


def drawn_scale(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    return {"bias": random.random() < 0.5}, any_map(random, rank)[1]


def drawn_affine(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    fields = {"times": random.choice((1.0, 0.5, 2.0, -2.0)), "plus": random.choice((0.0, 3.0))}
    return fields, any_map(random, rank)[1]


def spread(random: Random, rank: int, count: int) -> list[Shape]:
    """Branches that broadcast: along every axis one of them is as large as the output."""
    whole = Shape(random.randint(1, 5), extents(random, rank)).axes
    parts = [
        tuple(extent if random.random() < 2 / 3 else 1 for extent in whole) for _ in range(count)
    ]
    return [Shape.from_axes(part) for part in parts]


def several(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    return {}, spread(random, rank, random.randint(1, 4))


def two(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    return {}, spread(random, rank, 2)


def drawn_concat(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    names = {0: (), 1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}[rank]
    axis = random.choice(("channels", *names))
    joined = ("channels", *names).index(axis)
    first = any_map(random, rank)[1][0].axes
    xs = []
    for _ in range(random.randint(1, 4)):
        each = [*first]
        each[joined] = random.randint(1, 4)
        xs.append(Shape.from_axes(tuple(each)))
    return {"axis": axis}, xs


def drawn_matmul(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    length, inner, columns = (random.randint(1, 6) for _ in range(2 + rank))
    return {}, [Shape(inner, (length,)), Shape(columns, (inner,))]


def drawn_learned(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    shape = (*extents(random, rank), random.randint(1, 5))
    return {"shape": shape}, any_map(random, random.choice(ALL))[1]


def drawn_embedding(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    fields = {"entries": random.randint(1, 6), "features": random.randint(1, 5)}
    return fields, [Shape(1, extents(random, rank))]


def drawn_maxunpool(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    """Windows that overlap, too: of several values that go to one place one stays."""
    slides = []
    for _ in range(rank):
        kernel = random.randint(1, 3)
        slides.append((kernel, random.randint(1, kernel + 1), random.randint(0, kernel // 2)))
    sizes = tuple(kernel + random.randint(0, LARGEST[rank] - 2) for kernel, *_ in slides)
    made = tuple(
        (size - kernel + 2 * padding) // stride + 1
        for size, (kernel, stride, padding) in zip(sizes, slides, strict=True)
    )
    channels = random.randint(1, 3)
    return {"indices": pool(*slides)}, [Shape(channels, made), Shape(channels, sizes)]


def drawn_attention(random: Random, rank: int) -> tuple[Fields, list[Shape]]:
    """Over 1, 2 or 4 positions, of which exp(−log n) is 1/n exactly."""
    heads = random.randint(1, 3)
    fields: Fields = {"heads": heads, "bias": random.random() < 0.7}
    part = [2, 2, 1][:rank] if random.random() < 1 / 2 else [1, 2, 1][:rank]
    x = Shape(heads * random.randint(1, 3), tuple(part))
    if random.random() < 1 / 2:
        other = Shape(random.randint(1, 4), extents(random, 1, 1, 2))
        values = other._replace(channels=random.randint(1, 4))
        return fields, [x, *random.choice(([other], [other, values]))]
    manner = random.choice(("window", "grid", "map"))
    if manner != "map":
        fields[manner] = tuple(part)
        x = x._replace(spatial=tuple(size * random.randint(1, 2) for size in part))
    return fields, [x]


DRAWS: dict[str, tuple[tuple[int, ...], Callable[[Random, int], tuple[Fields, list[Shape]]]]] = {
    "conv": (MAPS, drawn_conv),
    "depthwise_conv": (MAPS, drawn_depthwise_conv),
    "conv_transpose": (MAPS, drawn_conv_transpose),
    "separable_conv": (MAPS, drawn_separable_conv),
    "locally_connected": (MAPS, drawn_locally_connected),
    "linear": (ALL, drawn_linear),
    "avgpool": (MAPS, drawn_avgpool),
    "adaptive_avgpool": (MAPS, drawn_adaptive_avgpool),
    "global_avgpool": (MAPS, any_map),
    "channel_avgpool": (ALL, any_map),
    "dropout": (ALL, drawn_dropout),
    "identity": (ALL, any_map),
    "flatten": (ALL, drawn_flatten),
    "reshape": (ALL, drawn_reshape),
    "permute": (ALL, drawn_permute),
    "pixel_shuffle": (MAPS, drawn_pixel_shuffle),
    "space_to_depth": (MAPS, drawn_space_to_depth),
    "channel_shuffle": (ALL, drawn_channel_shuffle),
    "pad": (MAPS, drawn_pad),
    "crop": (MAPS, drawn_crop),
    "upsample": (MAPS, drawn_upsample),
    "slice": (ALL, drawn_slice),
    "scale": (ALL, drawn_scale),
    "affine": (ALL, drawn_affine),
    "add": (ALL, several),
    "subtract": (ALL, two),
    "multiply": (ALL, several),
    "concat": (ALL, drawn_concat),
    "matmul": ((1,), drawn_matmul),
    "learned": (ALL, drawn_learned),
    "embedding": ((1,), drawn_embedding),
    "maxunpool": (MAPS, drawn_maxunpool),
}
"""Kind → (ranks, random layers). Each is linear in each of what it reads, or in its weights."""
ATTENTION = {"attention": (MAPS, drawn_attention)}
"""The same of a kind that is so where its queries are 0, which says nothing of keys."""

NO_GRADIENT: dict[str, int] = {"embedding": 0, "learned": 0, "maxunpool": 1}
"""Kinds of which only so many inputs, the first ones, have a gradient."""
OVERLAPPING = (
    "conv",
    "depthwise_conv",
    "conv_transpose",
    "separable_conv",
    "locally_connected",
    "avgpool",
    "adaptive_avgpool",
    "maxunpool",
)
"""Kinds whose windows, or what they spread a value over, may overlap."""
INEXACT_IN_FLOAT32 = frozenset({"upsample"})
"""Kinds whose factors have more binary places than float32 adds up exactly."""


def drawn(kind: str, random: Random) -> Drawn:
    """A valid random layer of a kind, of any of its ranks."""
    ranks, draw = (DRAWS | ATTENTION)[kind]
    while True:
        fields, xs = draw(random, random.choice(ranks))
        like = fields.pop("like", None)
        made: Any = layer_class(kind)(**fields)
        if like is not None:  # as a spec's `like` becomes numbers once shapes are known
            made = made.following(xs[0], Shape(1, like), "other")
            if isinstance(made, Problem):
                continue
        layer: Any = made
        if any(problem.severity == "error" for problem in layer.check(xs)):
            continue
        # One value read several times at a border is added up in an order that NumPy chooses.
        repeats = isinstance(layer, Upsample) and layer.antialias and layer.border == "replicate"
        if not repeats or binary(layer, xs[0]):
            return Drawn(layer, xs, unit(kind, layer, xs))


def unit(kind: str, layer: Any, xs: Sequence[Shape]) -> int:
    """What all counts divide that the layer divides by, one after the other."""
    (x, *_) = xs
    if kind == "global_avgpool":
        return prod(x.spatial)
    if kind == "channel_avgpool":
        return x.channels
    if kind == "avgpool":
        kernels = layer.kernel if isinstance(layer.kernel, tuple) else (layer.kernel,) * x.rank
        return layer.divisor or prod(lcm(*range(1, kernel + 1)) for kernel in kernels)
    if kind == "adaptive_avgpool":
        sizes = layer.plan(xs).output.spatial
        return prod(
            lcm(*(-(-(at + 1) * size // of) - at * size // of for at in range(of)))
            for size, of in zip(x.spatial, sizes, strict=True)
        )
    return 1


# -- identities --------------------------------------------------------------------------------


def identities(case: Drawn, kind: str, random: Random) -> list[Identity]:
    """Both sides for some of what the layer reads and learns, asked for at once.

    Raises `AssertionError` where its backward pass gives anything but what was asked for, or
    another shape or type of number.
    """
    layer, shapes, unit = case
    generator = np.random.default_rng(random.getrandbits(32))
    count, seed = random.randint(1, 3), random.getrandbits(32)
    exact = unit == 1 and kind not in INEXACT_IN_FLOAT32
    dtype = np.float32 if exact and random.random() < 1 / 4 else np.float64
    plan = layer.plan(shapes)

    def values(axes: Sequence[int]) -> Any:
        return generator.integers(-3, 4, tuple(axes)).astype(dtype)

    weights = {weight.name: values(weight.shape) for weight in plan.weights}
    if kind == "attention":
        without_queries(weights)
    xs = [values((count, *x.axes)) for x in shapes]
    y = values((count, *plan.output.axes))
    if kind == "embedding":
        xs[0] = generator.integers(0, plan.weights[0].shape[0], xs[0].shape).astype(dtype)
    keys: list[Key] = [*range(NO_GRADIENT.get(kind, len(xs))), *weights]
    asked = set(random.sample(keys, random.randint(1, len(keys))))

    def forward(key: Key, value: Any) -> Any:
        """The output with another value in the place of one, and the same masks as always."""
        own = {**weights, key: value} if isinstance(key, str) else weights
        read = [value if at == key else each for at, each in enumerate(xs)]
        run = Recording(np.random.default_rng(seed))
        return layer.forward(np, own, read, run).astype(np.float64)

    def backward(dy: Any) -> Gradients:
        made = record(np, layer, weights, xs, asked, np.random.default_rng(seed))
        assert made.output.shape == dy.shape, (layer, shapes)
        gradients = layer.backward(np, weights, made.kept, dy)
        assert gradients.keys() == asked, (layer, shapes, asked, [*gradients])
        for key, gradient in gradients.items():
            value = weights[key] if isinstance(key, str) else xs[key]
            assert gradient.shape == value.shape, (layer, shapes, key, gradient.shape)
            assert gradient.dtype == dtype, (layer, shapes, key, gradient.dtype)
        return gradients

    if isinstance(layer, Upsample) and not binary(layer, shapes[0]):
        return [transposes(layer, shapes[0])]
    gradients = backward(unit * y)
    sides = []
    for key in sorted(asked, key=str):
        value = weights[key] if isinstance(key, str) else xs[key]
        # What does not depend on it, a bias or a border of another value than 0, is taken away.
        made = forward(key, unit * value) - forward(key, 0 * value)
        right = (value.astype(np.float64) * gradients[key].astype(np.float64)).sum()
        sides.append(Identity(key, (made * y).sum(), right))
    return sides


def without_queries(weights: dict[str, Any]) -> None:
    """All scores are 0: attention is a mean of values, and linear in what these are made of."""
    for name in weights.keys() & {"in_proj_weight", "in_proj_bias"}:
        weights[name][: len(weights[name]) // 3] = 0
    if "q_proj_weight" in weights:
        weights["q_proj_weight"][:] = 0


def binary(layer: Upsample, x: Shape) -> bool:
    """Whether all factors of resampling are binary fractions with few places."""
    scales = layer._scales(x.rank)
    return all(
        float(share * FINEST).is_integer()
        for extents in zip(x.spatial, layer.plan([x]).output.spatial, scales, strict=True)
        for output in range(extents[1])
        for _, share in layer._taken(np, extents, output)
    )


def transposes(layer: Layer, x: Shape) -> Identity:
    """The matrix of a layer on maps of one channel, and of its backward pass turned.

    A batch of all maps of a single 1 gives each: the same factors are multiplied, in the same
    order, so that entries are equal to the last bit, whatever they are.
    """
    x = Shape(1, x.spatial)
    output = layer.plan([x]).output
    ones = np.eye(x.size).reshape(-1, *x.axes)
    forward = layer.forward(np, {}, [ones]).reshape(x.size, output.size)
    dy = np.eye(output.size).reshape(-1, *output.axes)
    kept = record(np, layer, {}, [ones]).kept
    backward = layer.backward(np, {}, kept, dy)[0].reshape(output.size, x.size)
    return Identity("matrix", forward, backward.T)


def drawn_identities(kind: str, seed: int, count: int) -> Iterator[tuple[Drawn, Identity]]:
    """So many identities of random layers of a kind."""
    random = Random(f"{kind} {seed}")  # noqa: S311 (tests repeat)
    while count > 0:
        case = drawn(kind, random)
        for identity in identities(case, kind, random)[:count]:
            yield case, identity
            count -= 1


def overlaps(case: Drawn) -> bool:
    """Whether windows of a sliding kernel, or what values are spread over, share positions."""
    (x, *_), plan = case.shapes, case.layer.plan(case.shapes)
    sizes = zip(plan.windows, x.spatial, plan.output.spatial, strict=True)
    return any(
        window.stride < window.extent and output > 1
        if window.up == 1
        else window.up < window.extent and size > 1
        for window, size, output in sizes
    )
