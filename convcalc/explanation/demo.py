"""A layer on a small input of small numbers: every output with the numbers that it is made of.

It has the layer's kernel, stride, padding, dilation and groups, and as many positions, channels and
filters as a page has room for; the CS231n notes' demo of a convolution is 5×5×3 with two filters.
Every number is the reference's, and what it is made of is that of `explain --value`.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import ArgumentError
from convcalc.explanation.value import made_of
from convcalc.explanation.value.base import Made, real
from convcalc.graph import Network
from convcalc.graph.planned import leading_to
from convcalc.layers import kinds
from convcalc.layers.base import Layer, Plan
from convcalc.layers.separable import SeparableConv
from convcalc.numbers import plural, value_text
from convcalc.shape import Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from convcalc.forward.around import Around

DEMONSTRATED = frozenset(
    {
        *("conv", "depthwise_conv", "separable_conv", "conv_transpose", "locally_connected"),
        "upsample",
        *("maxpool", "avgpool", "lppool", "adaptive_avgpool", "adaptive_maxpool"),
        *("global_avgpool", "global_maxpool"),
    }
)
"""Kinds whose values are made of what lies under a window."""
SUMMED = kinds("dense")
"""Kinds of these that multiply by weights."""
RESIZED = frozenset(kind for kind in DEMONSTRATED if kind.startswith(("adaptive", "global", "up")))
"""Kinds of these whose windows follow from sizes."""
WINDOWS = 3
"""Positions of a window along an axis, where the layer has as many."""
WIDEST = 16
"""Most cells along an axis, with padding."""
FEW_CELLS = 6
"""Cells that a dilated kernel reaches over, of a layer that is drawn nearer."""
NARROW = 8
"""Cells along an axis from which on there is one channel, and of a window fewer positions."""
AXES = 3
"""Most axes that a page has: rows, columns, and slices of them one at a time."""
CHANNELS, FILTERS, GROUPS = 3, 2, 2
"""Most channels of a group, filters of one, and groups."""


class Term(NamedTuple):
    """A number that an output is made of."""

    at: tuple[int, ...]
    """Where it stands in the input: channel, then a number for each axis; beyond it is padding."""
    value: float
    """The input's value there."""
    weight: tuple[int, ...] | None
    """Which weight of the filter it is multiplied by: channel of the group, then the tap along each
    axis; None where it is multiplied by none."""
    factor: float | None
    """What it is multiplied by; None where nothing is."""
    product: float
    """What comes of it."""


class Frame(NamedTuple):
    """One output, and how it comes about."""

    at: tuple[int, ...]
    """Where it stands in the output: channel, then a number for each axis."""
    terms: tuple[Term, ...]
    """The numbers under the kernel, channel by channel."""
    added: Mapping[str, float]
    """What is added to the sum of products, by its name: the bias."""
    said: str
    """How the value comes about, in numbers."""
    value: float
    """What the reference gives there."""
    winner: tuple[int, ...] | None
    """Of a largest value, where it stands, as in `Term.at`."""


class Demo(NamedTuple):
    """A layer on a small input."""

    network: str
    """What the network calls itself."""
    layer: str
    """Full name of the layer."""
    kind: str
    """Kind of the layer."""
    says: tuple[str, ...]
    """What is shown, and what of the layer is left out, in sentences."""
    x: Any
    """The input in lists: channels, then each axis."""
    padding: tuple[tuple[int, int], ...]
    """By axis, the cells in front and behind that outputs look at."""
    weights: Mapping[str, Any]
    """Its weights in lists, by their names, in PyTorch's layout."""
    output: Any
    """The output in lists, as the reference gives it."""
    frames: tuple[Frame, ...]
    """Every output, filter by filter, row by row."""
    then: "Demo | None" = None
    """The second step of a layer that is two, whose input is this one's output."""

    @property
    def data(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            **self._asdict(),
            "frames": [
                {**frame._asdict(), "terms": [term._asdict() for term in frame.terms]}
                for frame in self.frames
            ],
            "then": self.then and self.then.data,
        }


def demo(network: Network, layer: int) -> Demo:
    """A demo of a layer, by its index.

    Raises `ArgumentError` for a layer that has none, and `SpecError` where an error keeps it, or
    one that it needs, unknown.
    """
    known = leading_to(network, layer)
    node, plan = known.nodes[known.output], known.plans[known.output]
    whole = known.shape_of(node.inputs[0]) if node.inputs else None
    if whole is None or node.kind not in DEMONSTRATED or not 0 < whole.rank <= AXES:
        why = "a convolution, pool or upsampling along one to three axes has"
        message = f"{node.name} ({node.kind}) has no demo: {why}"
        raise ArgumentError(message)
    near, windows, changes = _narrowed(node.layer, node.kind, plan.windows)
    small, shape = _cropped(near, node.kind, whole, plan, windows)
    says = (*_about(whole, plan, shape, small), *changes)
    if isinstance(small, SeparableConv):
        return _of_both(network.name, node.name, small, shape, says)
    return _run(network.name, node.name, small, shape, node.kind, says)


def _of_both(
    network: str, name: str, layer: SeparableConv, shape: Shape, says: tuple[str, ...]
) -> Demo:
    """The two convolutions of a separable one, the second on what the first makes."""
    first, second = layer.parts
    one = "Step 1 of 2, a depthwise convolution: each channel by filters of its own."
    other = "Step 2 of 2, a convolution of 1×1: sums over all channels that step 1 made."
    deep = _run(network, name, first, shape, "depthwise_conv", (*says, one))
    inside = first.plan([shape]).output
    flat = _run(network, name, second, inside, "conv", (*says, other), x=deep.output)
    return deep._replace(kind="separable_conv", then=flat)


def _narrowed(
    layer: Layer, kind: str, windows: Sequence[Window]
) -> tuple[Layer, tuple[Window, ...], tuple[str, ...]]:
    """The layer with a smaller dilation or padding where a page has no room, and what to say of it.

    What a tap is multiplied by, and which part of a window lies in the padding, stays.
    """
    fields: Any = layer
    made, changed = [], dict[str, Any]()
    for window in windows:
        before, after, taps = window.before, max(window.after, 0), window.kernel - 1
        near = window
        if window.extent + max(before, after) > WIDEST and window.dilation > 1 and taps:
            near = near._replace(dilation=min(window.dilation, max(2, FEW_CELLS // taps)))
        least = [
            min(round(side * near.dilation / window.dilation), near.extent)
            for side in (before, after)
        ]
        if near is not window or max(before, after) > WIDEST - near.extent:
            near = near._replace(before=least[0], after=least[1])
        made.append(near)
    near_windows = tuple(made)
    if kind in RESIZED or any(window.up > 1 for window in windows) or near_windows == (*windows,):
        return layer, (*windows,), ()
    said = []
    for name, of in (
        ("dilation", lambda window: window.dilation),
        ("padding", lambda window: (window.before, window.after)),
    ):
        was, now = (tuple(map(of, each)) for each in (windows, near_windows))
        if was != now and getattr(fields, name) != "same":
            changed[name] = now
            said.append(f"{name} {value_text(now)} in the place of {value_text(was)}")
    if not said:
        return layer, (*windows,), ()
    text = f"With {' and '.join(said)}, which a page has no room for."
    return layer.replace(**changed), near_windows, (text,)


def _cropped(
    layer: Layer, kind: str, whole: Shape, plan: Plan, windows: Sequence[Window]
) -> tuple[Layer, Shape]:
    """The layer with fewer filters, and a smaller input for it."""
    fields: Any = layer
    spatial, sizes = [], []
    deep = whole.rank == AXES
    for axis, (window, size, output) in enumerate(
        zip(windows, whole.spatial, plan.output.spatial, strict=True)
    ):
        most = 2 if deep and not axis else WINDOWS
        if kind in RESIZED:
            grown, shrunk = (2, 4) if deep else (3, 7)
            few = min(
                size, grown if output > size else (grown + shrunk) // 2 if output == 1 else shrunk
            )
            spatial.append(few)
            sizes.append(max(few * output // size, 1))
            continue
        if window.up > 1:
            spatial.append(min(size, most))
            continue
        many = most if window.extent < NARROW else 2
        if fields.padding == "same":
            few = many * window.stride
        else:
            few = (many - 1) * window.stride + window.extent - window.before
            few -= max(window.after, 0)
        spatial.append(min(size, max(few, 1)))
    large = max(spatial) >= NARROW
    channels, changed = whole.channels, dict[str, Any]()
    if hasattr(layer, "filters"):
        groups = min(getattr(fields, "groups", 1), GROUPS)
        own = min(channels // getattr(fields, "groups", 1), 1 if large else CHANNELS - deep)
        channels = groups * own
        each = min(fields.filters // getattr(fields, "groups", 1), FILTERS if groups == 1 else 1)
        changed["filters"] = groups * each
        if hasattr(layer, "groups"):
            changed["groups"] = groups
    else:
        channels = min(channels, 1 if large else 2)
    if hasattr(layer, "multiplier"):
        changed["multiplier"] = min(fields.multiplier, 2)
    if getattr(layer, "size", None) is not None:
        changed["size"] = tuple(sizes)
    return layer.replace(**changed), Shape(channels, tuple(spatial))


def _about(whole: Shape, plan: Plan, shape: Shape, small: Layer) -> tuple[str, ...]:
    """What is shown, and what is left out."""
    output = small.plan([shape]).output
    if (whole, plan.output) == (shape, output):
        return (f"{shape} → {output}, the layer's own size.",)
    part = f"{shape} → {output}: a part of the layer's {whole} → {plan.output}"
    return (f"{part}, all else but the numbers of filters and groups being the same.",)


def _run(
    network: str,
    name: str,
    layer: Layer,
    shape: Shape,
    kind: str,
    says: tuple[str, ...],
    x: Any = None,
) -> Demo:
    """Run it on numbers drawn from its own sizes, or on `x`, and take every output apart."""
    from convcalc.forward.around import alone

    problems = [*layer.check([shape])]
    if problems:
        message = f"{name} has no demo of {shape}: {problems[0].message}"
        raise ArgumentError(message)
    plan = layer.plan([shape])
    cells = [*shape.spatial, *(output // 2 for output in plan.output.spatial)]
    if kind not in RESIZED:
        cells += [min(window.extent, window.kernel * window.up) for window in plan.windows]
    _refuse_large(name, max(cells))
    drawn = Random(f"{kind} {shape}")  # noqa: S311 (numbers to look at)
    high = 2 if kind in SUMMED else 9
    x = _numbers(drawn, shape.axes, 0, high) if x is None else x
    weights = {
        each.name: _numbers(drawn, each.shape, *((0, 1) if each.name == "bias" else (-1, 1)))
        for each in plan.weights
    }
    arrays = alone(layer, x, weights)
    output = arrays.y[0]
    frames = []
    for channel in range(plan.output.channels):
        for place in _every(plan.output.spatial):
            made = made_of(kind, layer, arrays.xp, arrays.weights, arrays.xs, (*place, channel))
            terms = _terms(made, kind)
            if made.patch is None and kind == "upsample":  # it is a copy
                terms = _copied(layer, arrays, (channel, *place))
            at = (channel, *place)
            frames.append(_frame(at, terms, made, float(output[at]), kind))
    padding = _padding(frames, shape)
    _refuse_large(name, max(map(sum, zip(shape.spatial, map(sum, padding), strict=True))))
    return Demo(
        network=network,
        layer=name,
        kind=kind,
        says=says,
        x=x,
        padding=padding,
        weights=weights,
        output=output.tolist(),
        frames=tuple(frames),
    )


def _refuse_large(name: str, cells: int) -> None:
    """Raise `ArgumentError` for so many cells along an axis that a page has no room for them."""
    if cells > WIDEST:
        message = (
            f"{name} has no demo: its windows take {cells:,} cells along an axis, and a page has "
            f"room for {WIDEST}"
        )
        raise ArgumentError(message)


def _numbers(drawn: Random, extents: Sequence[int], low: int, high: int) -> Any:
    """Whole numbers in lists of these extents."""
    if not extents:
        return drawn.randint(low, high)
    return [_numbers(drawn, extents[1:], low, high) for _ in range(extents[0])]


def _terms(made: Made, kind: str) -> tuple[Term, ...]:
    """The numbers under the kernel, channel by channel."""
    patch = made.patch
    if patch is None:
        return ()
    counts = [len(along) for along in patch.places]
    taps = patch.taps or tuple(tuple(range(count)) for count in counts)
    terms = []
    for number, channel in enumerate(patch.channels):
        for tap in _every(counts):
            index = (*tap, number)
            place = (along[one] for along, one in zip(patch.places, tap, strict=True))
            weight = (number, *(row[one] for row, one in zip(taps, tap, strict=True)))
            term = Term(
                at=(channel, *map(int, place)),
                value=float(patch.values[index]),
                weight=weight if kind in SUMMED else None,
                factor=None if patch.factors is None else float(patch.factors[index]),
                product=float(patch.products[index]) + 0.0,  # 0 and not −0
            )
            terms.append(term)
    return tuple(terms)


def _copied(layer: Layer, arrays: "Around", at: tuple[int, ...]) -> tuple[Term, ...]:
    """The value that an output is a copy of, told by numbering all that goes in."""
    xp, (x,) = arrays.xp, arrays.xs
    numbers = xp.arange(x.size, dtype="float64").reshape(x.shape)
    number = round(float(layer.forward(xp, {}, (numbers,))[0][at]))
    there = tuple(map(int, xp.unravel_index(number, x[0].shape)))
    value = float(x[0][there])
    return (Term(there, value, None, None, value),)


def _frame(
    at: tuple[int, ...], terms: tuple[Term, ...], made: Made, value: float, kind: str
) -> Frame:
    """An output and what it is made of."""
    winner = None
    if made.winner is not None:
        *place_, channel_ = made.winner
        winner = (int(channel_), *map(int, place_))
    said = _said(made, value, kind)
    return Frame(at, terms, dict(made.summands), said, value, winner)


def _said(made: Made, value: float, kind: str) -> str:
    """How a value comes about, in numbers."""
    if kind in SUMMED and made.patch is not None:
        total = float(made.patch.products.sum())
        text = f"{plural(made.patch.values.size, 'product')} add up to {real(total)}"
        added = " and ".join(f"{name} = {real(each)}" for name, each in made.summands.items())
        return f"{text}, and with {added} to {real(value)}" if added else text
    if kind.endswith("maxpool"):
        count = 0 if made.patch is None else made.patch.values.size
        return f"the largest of {plural(count, 'value')}: {real(value)}"
    return f"{made.numbers} = {real(value)}" if made.numbers else real(value)


def _every(counts: Sequence[int]) -> Sequence[tuple[int, ...]]:
    """Every combination of numbers below these."""
    every: list[tuple[int, ...]] = [()]
    for count in counts:
        every = [(*one, number) for one in every for number in range(count)]
    return every


def _padding(frames: Sequence[Frame], shape: Shape) -> tuple[tuple[int, int], ...]:
    """By axis, the cells that outputs look at beyond the input."""
    sides = []
    for axis, size in enumerate(shape.spatial):
        places = [term.at[axis + 1] for frame in frames for term in frame.terms] or [0]
        sides.append((max(-min(places), 0), max(max(places) - size + 1, 0)))
    return tuple(sides)
