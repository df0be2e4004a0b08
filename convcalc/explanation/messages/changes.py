"""What a program may have otherwise than the spec in one place, the likely first.

A change is one number of one layer, a layer left out or called twice, one that reads another
tensor, or the image that comes in. Nothing of it is a guess: each is worked out, and stays only if
its numbers are those of the message.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from convcalc.explanation.messages.clash import Clash, numbers_of
from convcalc.explanation.messages.program import (
    BY_FACTOR,
    CONVOLUTIONS,
    SLIDING_POOLS,
    Made,
    Program,
    declared,
)
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import Layer, declarations
from convcalc.layers.sliding import layer_stride, per_axis, sides
from convcalc.shape import Shape

Sort = Literal[
    "takes", "field", "missing", "twice", "before", "reads", "merges", "input", "batch", "weights"
]  # fmt: skip
"""Weights for other channels; another value of a field; a layer left out, called twice, or another
one before it; another tensor that is read; branches that are merged otherwise; another image; an
image without its batch; weights of another shape in a file or a model."""


class Change(NamedTuple):
    """What one layer has otherwise."""

    sort: Sort
    """What sort of difference it is; see `Sort`."""
    field: str = ""
    """The field that has another value; the kind of a layer that is before it."""
    value: Any = None
    """That value; the channels that the weights are for; the index of the tensor that is read; the
    shape of the image."""
    cost: float = 0.0
    """How unusual it is: 0 is what people do most."""


KERNELS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15)
STRIDES = (1, 2, 3, 4)
PADDINGS = (0, 1, 2, 3, 4, 5, 6)
DILATIONS = (1, 2, 3, 4)
GLOBAL = {"global_avgpool": "adaptive_avgpool", "global_maxpool": "adaptive_maxpool"}
"""Pools over all of a map, and those that make one of a given size."""
FEW = (0, 1, 2, 3)
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
FACTORS = (1, 2, 3, 4, 8)
VALUES: dict[str, tuple[int, ...]] = {
    "kernel": KERNELS,
    "stride": STRIDES,
    "padding": PADDINGS,
    "dilation": DILATIONS,
    "output_padding": FEW,
    "size": SIZES,
    "scale": FACTORS,
    "factor": FACTORS,
    "amount": FEW,
    "groups": (1, 2, 3, 4, 8, 16, 32),
}
"""What numbers of a field people write."""
LEAST = {"kernel": 1, "stride": 1, "padding": 0}
"""The fields of a kernel of which numbers near the spec's are tried, and the least of each."""
A_LITTLE = 2
"""By how much those may be less or more."""
PADDING_THEMSELVES = CONVOLUTIONS | SLIDING_POOLS
"""Kinds that a framework's layer pads alike on both sides."""
COSTS = {"stride": 1.0, "padding": 1.0, "kernel": 1.1, "rounding": 1.3, "dilation": 1.6}
PER_CHANNEL = frozenset(("depthwise_conv",))
"""Kinds whose number of channels is so many times that of the input."""
COUNTS = ("filters", "features", "multiplier")
"""Fields that say how many channels come out."""
MOST_READ = 24
"""Most other tensors, by their shapes, that a layer may read instead."""
PASSED_OVER = 500
"""Layers that are passed over in a search for them in the time in which one is worked out."""
IMAGES = (
    28,
    32,
    64,
    96,
    112,
    128,
    160,
    192,
    224,
    227,
    240,
    256,
    288,
    299,
    320,
    384,
    416,
    448,
    480,
    512,
    640,
)
"""Sides of images that people use."""
NEAR = 8
"""By how much an image may be smaller or larger than the spec's."""


def of_fields(made: Made, x: Shape, said: Clash, areas: Iterable[int]) -> Iterator[Change]:
    """Other values of the fields of a layer that gets `x`."""
    layer: Any = made.layer
    numbers = numbers_of(said)
    names = declarations(type(made.layer))
    for name in COUNTS:
        if name in names:
            for count in counts(made, x, getattr(layer, name), said, areas):
                yield Change("field", name, count, 1.0)
    for name, usual in VALUES.items():
        if name not in names or (getattr(layer, name, None) is None and name != "stride"):
            continue
        if name == "groups" and made.kind not in ("channel_shuffle", "groupnorm"):
            continue
        more = numbers if name in ("kernel", "size", "groups") else set()
        values = {*usual, *_near(layer, name, x.rank), *(n for n in more if n < 1000)}
        yield from _axes(layer, name, x.rank, sorted(values))
        if name == "padding" and made.kind in PADDING_THEMSELVES:
            yield from _padded_twice(layer, x.rank, pool=made.kind in SLIDING_POOLS)
    if "rounding" in names:
        yield Change("field", "rounding", "floor" if layer.rounding == "ceil" else "ceil", 1.3)
    if made.kind == "slice":
        for number in sorted(numbers):
            yield Change("field", "stop", layer.start + number if layer.start >= 0 else number, 1.5)
    if made.kind == "pad" and layer.padding is not None:
        for number in FEW:
            yield Change("field", "padding", number, 1.2)
    if made.kind in GLOBAL:
        for number in SIZES[1:]:
            yield Change("field", "size", number, 1.3)
    if made.kind in ("prelu", *BY_FACTOR) and made.weights:
        for number in sorted(counts(made, x, made.weights[0].shape[0], said, areas)):
            yield Change("takes", value=number, cost=1.0)
    if made.kind == "permute":
        yield from (
            Change("field", "order", tuple(order), 1.5)
            for order in _orders(len(layer.order))
            if tuple(order) != layer.order
        )


def _orders(count: int) -> Iterator[Sequence[int]]:
    from itertools import permutations

    return permutations(range(1, count + 1))


def written(made: Made, xs: tuple[Shape, ...]) -> Iterator[Made]:
    """The layer as it is, and with `same` written as numbers, which stay if the kernel changes."""
    yield made
    layer: Any = made.layer
    if getattr(layer, "padding", None) == "same" and made.kind != "conv_transpose":
        pairs = tuple((window.before, window.after) for window in layer.plan(xs).windows)
        yield made._replace(layer=layer.replace(padding=pairs))


def counts(made: Made, x: Shape, count: int, said: Clash, areas: Iterable[int]) -> set[int]:
    """How many channels a layer may have put out, so that the message's numbers come of it."""
    tried = set(numbers_of(said))
    per_channel = x.channels if made.kind in PER_CHANNEL else 1
    count *= per_channel
    pairs = [] if said.got is None or said.wanted is None else [(said.got, said.wanted)]
    if said.sizes is not None:
        pairs += [said.sizes, said.sizes[::-1]]
    for got, wanted in pairs:
        if wanted and count * got % wanted == 0:
            tried.add(count * got // wanted)
        for area in areas:
            if (got - wanted) % area == 0:
                tried.add(count + (got - wanted) // area)
            if got % area == 0:
                tried.add(got // area)
    tried = {number // per_channel for number in tried if number % per_channel == 0}
    count //= per_channel
    groups = int(getattr(made.layer, "groups", 1))
    return {number for number in tried if number > 0 and number != count and number % groups == 0}


def _near(layer: Any, name: str, rank: int) -> set[int]:
    """Numbers that are a little less or more than those of a field of a kernel."""
    if name not in LEAST:
        return set()
    if name == "padding":
        present = {side for pair in sides(layer.padding, rank) for side in pair}
    else:
        present = {*per_axis(layer_stride(layer) if name == "stride" else layer.kernel, rank)}
    steps = range(-A_LITTLE, A_LITTLE + 1)
    return {number + step for number in present for step in steps if number + step >= LEAST[name]}


def _padded_twice(layer: Any, rank: int, *, pool: bool) -> Iterator[Change]:
    """Padding of the layer's own beside that which the spec has, where its sides are not alike.

    A framework's layer pads both sides alike, so that a program pads in front of such a layer, by a
    call of its own, and the layer's padding, which is 0 there, is another number. That of a pool is
    at most half of its kernel.
    """
    pairs = sides(layer.padding, rank)
    if all(before == after for before, after in pairs):
        return
    kernels = per_axis(layer.kernel, rank)
    for number in PADDINGS[1:]:
        more = [
            (before + number, after + number)
            if not pool or number <= kernel // 2
            else (before, after)
            for (before, after), kernel in zip(pairs, kernels, strict=True)
        ]
        if all(one != pair for one, pair in zip(more, pairs, strict=True)):
            yield Change("field", "padding", tuple(more), 1.3)
        for axis, one in enumerate(more if rank > 1 else ()):
            if one != pairs[axis]:
                yield Change("field", "padding", (*pairs[:axis], one, *pairs[axis + 1 :]), 1.9)


def _beside(present: Any, value: Any, rank: int) -> bool:
    """Whether padding is that of the spec, its sides not alike, with the layer's own beside it."""
    before = sides(present, rank)
    if present == "same" or all(one == other for one, other in before):
        return False
    more = [
        (new[0] - old[0], new[1] - old[1])
        for new, old in zip(sides(value, rank), before, strict=True)
    ]
    return all(one == other >= 0 for one, other in more)


def _axes(layer: Any, name: str, rank: int, usual: Sequence[int]) -> Iterator[Change]:
    """Other numbers of a field: for all axes, and for one of them."""
    given = layer_stride(layer) if name == "stride" else getattr(layer, name)
    cost = COSTS.get(name, 1.4)
    if name == "padding":
        if given == "same":
            yield Change("field", name, 0, 1.0)
            kernel = per_axis(layer.kernel, rank)
            yield Change("field", name, tuple(one // 2 for one in kernel), 1.2)
            return
        present: tuple[Any, ...] = tuple(
            before if before == after else (before, after) for before, after in sides(given, rank)
        )
    elif name in ("factor", "groups"):
        present = (given,)
    else:
        present = per_axis(given, rank) if not isinstance(given, float) else (given,) * rank
    if len(present) not in (rank, 1):
        return
    alike = len(set(present)) == 1
    for number in usual:
        if not alike or number != present[0]:
            more = min(abs(number - one) if isinstance(one, int) else 2 for one in present)
            usual_cost = 0.0 if more == 1 or number in (0, 1) else 0.1 * min(more, 5)
            yield Change("field", name, number, cost + usual_cost)
    if rank < 2 or len(present) < 2 or name in ("scale", "groups"):
        return
    for axis in range(rank):
        for number in usual:
            if number != present[axis]:
                value = (*present[:axis], number, *present[axis + 1 :])
                yield Change("field", name, value, cost + (0.6 if alike else 0.3))


def changed(made: Made, change: Change, xs: tuple[Shape, ...]) -> Made | None:
    """The layer with another value of a field; None where no such layer can be made."""
    layer: Any = made.layer
    if change.sort == "takes":
        return declared(made, change.value)
    if made.kind in GLOBAL:
        kind = GLOBAL[made.kind]
        return made._replace(kind=kind, layer=layer_class(kind)(size=change.value))
    fields: dict[str, Any] = {change.field: change.value}
    if made.kind in SLIDING_POOLS and change.field == "kernel" and layer.stride is None:
        fields["stride"] = None
    other: Layer = layer.replace(**fields)
    if change.field == "padding" and made.kind in PADDING_THEMSELVES and xs:
        made = made._replace(beside=_beside(layer.padding, change.value, xs[0].rank))
    if made.kind == "flatten":
        return made._replace(layer=other)
    if made.weights and xs and made.kind != "linear":
        try:
            if not any(each.severity == "error" for each in other.check(xs)):
                return made._replace(layer=other, weights=other.plan(xs).weights)
        except (ArithmeticError, LookupError, ValueError):
            return None
        return made._replace(layer=other)  # it does not fit; its weights say nothing
    if made.kind == "linear":
        weight = made.weights[0]
        shape = (change.value, *weight.shape[1:]) if change.field == "features" else weight.shape
        return made._replace(layer=other, weights=(weight._replace(shape=shape), *made.weights[1:]))
    return made._replace(layer=other)


def images(image: Shape, said: Clash) -> Iterator[Change]:
    """Other images that may come in instead of the spec's."""
    sides_of = {*IMAGES, *(number for number in numbers_of(said) if number <= 2048)}
    for channels in dict.fromkeys((image.channels, 1, 3, 4, *((said.got,) if said.got else ()))):
        if channels != image.channels:
            yield Change("input", value=image._replace(channels=channels), cost=1.2)
    if said.input is not None and Shape.from_axes(said.input) != image:
        yield Change("input", value=Shape.from_axes(said.input), cost=1.2)
    if image.rank > 1:  # channels last
        last = Shape.from_axes((*image.spatial, image.channels))
        if last != image:
            yield Change("input", value=last, cost=1.1)
    for side in sorted(sides_of):
        spatial = (side,) * image.rank
        if image.rank and spatial != image.spatial:
            cost = 1.05 if side in IMAGES else 1.25
            yield Change("input", value=image._replace(spatial=spatial), cost=cost)
    for more in range(1, NEAR + 1):
        for sign in (1, -1):
            spatial = tuple(extent + sign * more for extent in image.spatial)
            if image.rank and min(spatial) > 0:
                yield Change("input", value=image._replace(spatial=spatial), cost=1.3)
    for axis in range(image.rank if image.rank > 1 else 0):
        for side in sorted(sides_of):
            spatial = (*image.spatial[:axis], side, *image.spatial[axis + 1 :])
            yield Change("input", value=image._replace(spatial=spatial), cost=1.8)


def others_read(program: Program, index: int, read: int, at_once: set[int]) -> Iterator[int]:
    """Other tensors that a layer may read instead of `read`: the nearest of each shape.

    `at_once` are those that the message itself speaks of, however far they are.
    """
    program.spend(index // PASSED_OVER)
    seen = {program.shapes[read]}
    count = 0
    for other in range(index - 1, -1, -1):
        shape = program.shapes[other]
        if shape is None or shape in seen:
            continue
        if count < MOST_READ or other in at_once:
            seen.add(shape)
            count += 1
            yield other


def areas_of(program: Program) -> set[int]:
    """By how many values a channel becomes on the way to a vector, and 1."""
    areas = {1}
    for index, made in enumerate(program.made):
        xs = program.inputs(index)
        if made is not None and xs and made.kind in ("flatten", "reshape") and xs[0].spatial:
            areas.add(xs[0].size // xs[0].channels)
    for made in program.made:
        if made is not None and made.kind == "pixel_shuffle":
            areas |= {area * made.layer.factor**made.rank for area in areas}  # type: ignore[attr-defined]
    return areas


SHAPING = frozenset(
    kind
    for kind, row in CATALOGUE.items()
    if row.family in ("dense", "pool", "view", "resize", "merge") or kind in ("slice", "permute")
)
"""Kinds that change a shape, and so the numbers behind them."""
