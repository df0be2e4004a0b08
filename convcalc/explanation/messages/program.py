"""The network as a framework's program has it: layers with weights of their own, run on shapes.

A spec's layers take whatever comes in. A program's were made for what its author worked out: their
weights stay as they are when something before them changes, and that is where it stops. Strides
round down, as in every framework.
"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.explanation.messages.clash import Clash, Operation
from convcalc.layers import CATALOGUE, kinds
from convcalc.layers.base import Layer, Weight, axis_number
from convcalc.layers.relative import TABLE
from convcalc.layers.sliding import UNBOUNDED, beyond, per_axis, unrounded_windows, windows_of
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.graph import Network

CONVOLUTIONS = kinds("dense", having="slides")
DEEP = ("depthwise_conv", "separable_conv")
"""Kinds whose first weight has filters for each channel."""
MERGED = kinds("merge") - {"concat", "matmul"}
BY_CHANNEL = frozenset(("batchnorm", "instancenorm", "groupnorm"))
BY_FACTOR = frozenset(("scale", "l2norm"))
"""Kinds that multiply each channel by a factor, as a product of tensors."""
SLIDING_POOLS = kinds("pool", having="slides")
UNREFUSING = kinds("activation", "softmax", "identity") | {"batchnorm", "scale", "lrn"}
"""Kinds that take any shape."""
MOST_STEPS = 60_000
"""Most layers that are worked out for one message."""
BRANCHES = 8
"""So many branches of a merge are as much work as a layer."""


class OutOfWorkError(Exception):
    """No more layers may be worked out."""


class Made(NamedTuple):
    """A layer as a program makes it."""

    kind: str
    """A key of the catalogue."""
    layer: Layer
    """Its fields, with strides that round down."""
    weights: tuple[Weight, ...]
    """The weights that it has, whatever comes in."""
    rank: int
    """For how many spatial axes it is made."""
    features: int = 0
    """Of a `view(-1, 9216)` how many values it writes out; 0 where it takes what comes."""
    beside: bool = False
    """Whether its padding is in two parts, one of them in front of it: no limit is that of both."""


class Failure(NamedTuple):
    """Where a trial stops."""

    layer: int
    """Index of the layer."""
    clash: Clash
    """The numbers that do not meet there."""


Result = Shape | Clash | None
"""What a layer makes of its inputs; None where it is not known."""


def rounding_down(layer: Layer) -> Layer:
    """The layer with strides that round down, as frameworks have it; ceil stays."""
    return layer.replace(rounding="floor") if getattr(layer, "rounding", "") == "exact" else layer


class Program:
    """A network's layers as a program makes them, all of them as the spec has them."""

    def __init__(
        self,
        network: "Network",
        *,
        built: bool = True,
        viewed: bool = False,
        written_out: int | None = None,
    ) -> None:
        """`built` is whether weights are there before the network runs, as in PyTorch.

        `viewed` is whether vectors are made by `view(-1, 9216)`, its number written out, and
        `written_out` so many values of which a reshape has a number in the place of the spec's −1.
        """
        self.network = network
        self.built = built
        self.viewed = viewed
        self.written_out = written_out
        self.reads: list[tuple[int, ...]] = [node.inputs for node in network.nodes]
        self.made: list[Made | None] = []
        self.shapes: list[Shape | None] = []
        self.own: list[Failure] = []
        """Where the spec's own numbers do not meet."""
        self.left = MOST_STEPS
        self._known: dict[tuple[Made, tuple[Shape, ...]], Result] = {}
        self._from: dict[tuple[int, Shape], Failure | None] = {}
        for index, node in enumerate(network.nodes):
            xs = [self.shapes[read] for read in node.inputs]
            given = tuple(x for x in xs if x is not None)
            known = len(given) == len(xs) and not node.unknown
            layer = node.layer
            if layer is None or not known:
                self.made.append(None)
                self.shapes.append(None)
                continue
            made, result = self.fresh(node.kind, layer, given)
            self.made.append(made)
            self.shapes.append(result if isinstance(result, Shape) else None)
            if isinstance(result, Clash):
                self.own.append(Failure(index, result))
        self.readers: list[list[int]] = [[] for _ in self.reads]
        for index, reads in enumerate(self.reads):
            for read in dict.fromkeys(reads):
                self.readers[read].append(index)

    def inputs(self, index: int) -> tuple[Shape, ...]:
        """What a layer gets by the spec; () where that is not known."""
        shapes = [self.shapes[read] for read in self.reads[index]]
        given = tuple(shape for shape in shapes if shape is not None)
        return given if len(given) == len(shapes) else ()

    def fresh(self, kind: str, layer: Layer, xs: tuple[Shape, ...]) -> tuple[Made, Result]:
        """A layer that is made for what comes in, and what it makes of that."""
        layer = rounding_down(layer)
        rank = xs[0].rank if xs else 0
        made = Made(kind, layer, (), rank)
        result = self._step(made, xs, built=False)
        if isinstance(result, Shape):
            try:
                made = made._replace(weights=layer.plan(xs).weights)
                if kind == "flatten" and self.viewed and not result.spatial:
                    made = made._replace(features=result.channels)
                if kind == "reshape" and self.viewed and result.size == self.written_out:
                    made = made._replace(features=result.size)
            except (ArithmeticError, LookupError, ValueError):  # a linear layer on a map
                return made, None
        return made, result

    def spend(self, steps: int) -> None:
        """Count work, as that of so many layers. Raises `OutOfWorkError` where none is left."""
        self.left -= steps
        if self.left <= 0:
            raise OutOfWorkError

    def step(self, made: Made, xs: tuple[Shape, ...]) -> Result:
        """What a layer makes of what comes in, or the numbers that do not meet."""
        key = (made, xs)
        self.spend(len(xs) // BRANCHES)  # to compare them is work, known or not
        if key not in self._known:
            self.spend(1)
            self._known[key] = self._step(made, xs, built=self.built)
        return self._known[key]

    def _step(self, made: Made, xs: tuple[Shape, ...], *, built: bool) -> Result:
        kind, layer = made.kind, made.layer
        if kind == "input":
            return layer.plan(()).output
        if kind == "linear":
            return _linear(made, xs[0], built=built)
        if kind in MERGED:
            return _elementwise(xs)
        if kind == "concat":
            return _concatenated(xs, layer.joins(xs[0].rank))
        x = xs[0]
        weights = made.weights if built else ()
        if CATALOGUE[kind].family in ("dense", "norm", "pool") and kind != "lrn":
            wrong = _axes(made, x)
            if wrong is not None:
                return wrong
        if kind in CONVOLUTIONS and not made.beside and _wraps(layer, x):
            return Clash(_refusing(made), input=x.axes, got=x.channels)
        if weights or kind in ("groupnorm", "channel_shuffle"):
            unlike = _unlike(made, x, weights)
            if unlike is not None:
                return unlike
        if kind in BY_FACTOR and weights:
            return Shape(max(x.channels, weights[0].shape[0]), x.spatial)
        if kind in CONVOLUTIONS or kind in SLIDING_POOLS or kind == "conv_transpose":
            small = _too_small(made, x) or (_bare(made, x) if built else None)
            if small is not None:
                return small
        if made.features and x.size != made.features:
            return Clash("view", values=x.size, wanted=made.features, input=x.axes)
        if kind == "slice":  # numbers beyond the channels are cut, as Python does
            at = axis_number(layer.axis, x.rank)  # type: ignore[attr-defined]
            if at is None:
                return None
            axes = list(x.axes)
            axes[at] = len(range(axes[at])[slice(layer.start, layer.stop)])  # type: ignore[attr-defined]
            return Shape.from_axes(tuple(axes)) if axes[at] else None
        if kind == "reshape":
            moulded = _moulded(layer, x)
            if moulded is not None:
                return moulded
        if (
            not made.beside
            and not _surely_fits(kind, layer)
            and any(problem.severity == "error" for problem in layer.check(xs))
        ):
            return Clash(_refusing(made), input=x.axes, got=x.channels)
        output = layer.plan(xs).output
        return output if min(output.axes) > 0 else None

    def failure(
        self, index: int, shape: Shape, instead: Mapping[int, Made] | None = None
    ) -> Failure | None:
        """Where a program stops in which one layer puts out another shape; None if nowhere.

        Only layers are worked out that read what changed. Where all that is left depends on one
        output alone, what becomes of it is worked out once for all changes that come to it.
        `instead` are other layers in the places of some.
        """
        changed = {index: shape}
        pending: list[int] = []
        waiting: set[int] = set()
        result: Failure | None = None
        cut: tuple[int, Shape] | None = (index, shape)
        passed: list[tuple[int, Shape]] = []
        self._wait(index, pending, waiting)
        while True:
            if cut is not None and not instead:
                if cut in self._from:
                    result = self._from[cut]
                    break
                passed.append(cut)
            if not pending:
                break
            at, cut = heappop(pending), None
            waiting.discard(at)
            made = self.made[at] if instead is None else instead.get(at, self.made[at])
            xs = [changed.get(read, self.shapes[read]) for read in self.reads[at]]
            given = tuple(x for x in xs if x is not None)
            if made is None or len(given) < len(xs):
                continue
            output = self.step(made, given)
            if isinstance(output, Clash):
                result = Failure(at, output)
                break
            if output is None:
                break
            if output != self.shapes[at]:
                cut = None if pending else (at, output)
                changed[at] = output
                self._wait(at, pending, waiting)
        for each in passed:
            self._from[each] = result
        return result

    def _wait(self, index: int, pending: list[int], waiting: set[int]) -> None:
        """Those that read a layer are to be worked out."""
        for reader in self.readers[index]:
            if reader not in waiting:
                waiting.add(reader)
                heappush(pending, reader)


def _surely_fits(kind: str, layer: Any) -> bool:
    """Whether nothing can be wrong with a layer whose kernel fits into its map.

    Of most layers that is so, and asking them is most of the work of a trial.
    """
    if kind in ("conv", "depthwise_conv"):
        return layer.padding_mode in UNBOUNDED
    if kind == "instancenorm" and layer.track_running_stats:
        return True  # one position has statistics where they are those of the training
    return kind in UNREFUSING or (kind in SLIDING_POOLS and layer.padding == 0)


def _wraps(layer: Any, x: Shape) -> bool:
    """Whether a border is wider than what it repeats: frameworks lay it before all else."""
    mode = getattr(layer, "padding_mode", "zero")
    if mode in UNBOUNDED:
        return False
    pairs = zip(unrounded_windows(layer, x.spatial), x.spatial, strict=True)
    return any(beyond((window.before, window.after), mode, size) for window, size in pairs)


def _refusing(made: Made) -> Operation:
    """What is done where a layer refuses what comes in, as messages tell it apart."""
    if made.kind == "crop":
        return "crop"
    layer: Any = made.layer
    border = layer.mode if made.kind == "pad" else getattr(layer, "padding_mode", "")
    return "wrap" if border == "circular" else "other"


def _axes(made: Made, x: Shape) -> Clash | None:
    """Too few or too many axes for a module that is made for so many."""
    rank = made.rank
    loose = made.kind == "batchnorm" and rank <= 1 and x.rank <= 1
    if x.rank == rank or loose or made.kind in ("groupnorm", "layernorm"):
        return None
    return Clash("axes", got=x.rank, wanted=rank, input=x.axes)


def _linear(made: Made, x: Shape, *, built: bool) -> Result:
    """Rows of features: of a map every row is a vector, as frameworks have it."""
    features: int = getattr(made.layer, "features")  # noqa: B009 (a layer of any class)
    if getattr(made.layer, "axis", None):  # written on what has its channels last
        result = _linear(made._replace(layer=made.layer.replace(axis=None)), _last(x), built=built)
        return _first(result) if isinstance(result, Shape) else result
    axes = x.axes
    wanted = made.weights[0].shape[1] if made.weights else axes[-1]
    if built and axes[-1] != wanted:
        return Clash(
            "linear",
            got=axes[-1],
            wanted=wanted,
            input=axes,
            filters=features,
            rows=prod(axes[:-1]),
            weight=(features, wanted),
        )
    return Shape.from_axes((*axes[:-1], features))


def _last(x: Shape) -> Shape:
    """A map as a program has it whose layers find the channels last."""
    return Shape.from_axes((*x.spatial, x.channels))


def _first(x: Shape) -> Shape:
    """Such a map as convcalc has it."""
    return Shape.from_axes((x.axes[-1], *x.axes[:-1]))


def _unlike(made: Made, x: Shape, weights: tuple[Weight, ...]) -> Clash | None:
    """Weights that are made for other channels."""
    kind, layer = made.kind, made.layer
    groups = int(getattr(layer, "groups", 1))
    if kind in ("groupnorm", "channel_shuffle") and x.channels % groups:
        return Clash("groups", got=x.channels, input=x.axes, groups=groups)
    multiplied = [weight for weight in weights if weight.name != TABLE]
    if not multiplied:
        return None
    shape = multiplied[0].shape
    if kind in CONVOLUTIONS:
        groups = shape[0] // made.layer.multiplier if kind in DEEP else groups  # type: ignore[attr-defined]
        wanted = x.channels if kind == "locally_connected" else shape[1] * groups
        operation: Any = "convolution"
    elif kind == "conv_transpose":
        wanted, operation = shape[0], "transposed"
    elif kind == "layernorm":
        normalized = x.axes if len(shape) > 1 else (x.channels,)
        if normalized == shape:
            return None
        return Clash(
            "layernorm",
            got=x.channels,
            wanted=shape[0] if len(shape) == 1 else None,
            input=x.axes,
            weight=shape,
            values=x.size,
        )
    elif kind == "prelu":
        if len(shape) == 1 and shape[0] == 1:
            return None
        wanted, operation = shape[0], "prelu"
    elif CATALOGUE[kind].family == "recurrent" or kind == "attention":
        wanted, operation = shape[1], "other"
    elif kind in BY_CHANNEL:
        wanted, operation = shape[0], "instancenorm" if kind == "instancenorm" else "norm"
    elif kind in BY_FACTOR:
        if x.channels in (shape[0], 1) or shape[0] == 1:
            return None
        sizes = (x.channels, shape[0])
        return Clash("elementwise", sizes=sizes, axis=0, branches=(x.axes, shape))
    else:
        return None
    if x.channels == wanted:
        return None
    return Clash(
        operation,
        got=x.channels,
        wanted=wanted,
        input=x.axes,
        weight=shape,
        groups=groups,
        bordered=_bordered(made, x),
    )


def _bordered(made: Made, x: Shape) -> tuple[int, ...] | None:
    """What a layer gets whose program pads in front of it.

    Sides that are not alike need that, and all borders but those of zeros are made so.
    """
    if made.kind not in CONVOLUTIONS and made.kind not in SLIDING_POOLS:
        return None
    windows = unrounded_windows(made.layer, x.spatial)  # type: ignore[arg-type]
    zeros = getattr(made.layer, "padding_mode", "zero") == "zero"
    if zeros and all(window.before == window.after for window in windows):
        return None
    pairs = zip(windows, x.spatial, strict=True)
    return (x.channels, *(size + window.before + window.after for window, size in pairs))


def _too_small(made: Made, x: Shape) -> Clash | None:
    """A kernel that does not fit into its map."""
    layer: Any = made.layer
    if made.kind == "conv_transpose":
        output = tuple(
            window.output(extent)
            for window, extent in zip(layer.plan([x]).windows, x.spatial, strict=True)
        )
        return None if min(output) > 0 else Clash("transposed", input=x.axes, output=output)
    written = unrounded_windows(layer, x.spatial)
    if len(written) != x.rank:
        return None
    extents = tuple(zip(written, x.spatial, strict=True))
    rounded = windows_of(layer, x.spatial)  # a step that is not whole counts in ceil mode
    if all(window.room(size) >= 0 for window, size in zip(rounded, x.spatial, strict=True)):
        return None
    kernel = tuple(window.extent for window in written)
    padded = tuple(extent + window.before + window.after for window, extent in extents)
    operation: Any = "convolution" if made.kind in CONVOLUTIONS else "pool"
    output = tuple(window.output(extent) for window, extent in zip(rounded, x.spatial, strict=True))
    return Clash(
        operation,
        input=x.axes,
        kernel=kernel,
        padded=padded,
        output=output,
        bordered=_bordered(made, x),
    )


def _bare(made: Made, x: Shape) -> Clash | None:
    """A mean over volumes whose kernel is larger than the map without its padding.

    PyTorch refuses it, of three axes alone; what is padded in front of a pool counts for the map.
    """
    if made.kind != "avgpool" or x.rank != len("DHW"):
        return None
    extents = (_bordered(made, x) or x.axes)[1:]
    kernel = per_axis(made.layer.kernel, x.rank)  # type: ignore[attr-defined]
    if all(size >= one for size, one in zip(extents, kernel, strict=True)):
        return None
    return Clash("pool", input=x.axes, kernel=kernel, padded=extents)


def _moulded(layer: Any, x: Shape) -> Clash | None:
    """Values that do not fill the shape that they are to have."""
    wanted = prod(extent for extent in layer.shape if extent != -1)
    if (x.size % wanted) if -1 in layer.shape else (x.size != wanted):
        return Clash("view", values=x.size, wanted=wanted, input=x.axes)
    return None


def _elementwise(xs: Sequence[Shape]) -> Result:
    """Branches one after the other, compared from their last axis on."""
    whole = xs[0]
    for branch, x in enumerate(xs[1:], 1):
        if x.rank != whole.rank:
            return _of_ranks(whole, x, branch)
        pairs = [*zip(whole.axes, x.axes, strict=True)]
        for axis in reversed(range(len(pairs))):
            one, other = pairs[axis]
            if one != other and 1 not in (one, other):
                return Clash(
                    "elementwise",
                    sizes=(one, other),
                    axis=axis,
                    branch=branch,
                    branches=(whole.axes, x.axes),
                )
        whole = Shape.from_axes(tuple(max(pair) for pair in pairs))
    return whole


def _of_ranks(whole: Shape, x: Shape, branch: int) -> Result:
    """Branches with other numbers of axes, which are laid upon each other from the last axis."""
    high, low = (whole, x) if whole.rank > x.rank else (x, whole)
    for axis in range(1, len(low.axes) + 1):
        pair = (whole.axes[-axis], x.axes[-axis])
        if pair[0] != pair[1] and 1 not in pair:
            return Clash(
                "elementwise",
                sizes=pair,
                axis=len(high.axes) - axis,
                branch=branch,
                branches=(whole.axes, x.axes),
            )
    return None  # the batch of one lies upon an axis of the other


def _concatenated(xs: Sequence[Shape], joined: int | None) -> Result:
    first = xs[0]
    if joined is None:
        return None  # it has no such axis
    for branch, x in enumerate(xs[1:], 1):
        if x.rank != first.rank:
            return Clash(
                "axes", got=x.rank, wanted=first.rank, branch=branch, branches=_all_axes(xs)
            )
        for axis, pair in enumerate(zip(first.axes, x.axes, strict=True)):
            if pair[0] != pair[1] and axis != joined:
                return Clash("concat", sizes=pair, axis=axis, branch=branch, branches=_all_axes(xs))
    axes = list(first.axes)
    axes[joined] = sum(x.axes[joined] for x in xs)
    return Shape.from_axes(tuple(axes))


def _all_axes(xs: Sequence[Shape]) -> tuple[tuple[int, ...], ...]:
    return tuple(x.axes for x in xs)


def declared_apart(made: Made, channels: int) -> Made | None:
    """A depthwise convolution for so many channels in, its groups and filters as they are."""
    shape = made.weights[0].shape if made.kind == "depthwise_conv" and made.weights else (0, 0)
    groups = shape[0] // made.layer.multiplier if shape[0] else 0  # type: ignore[attr-defined]
    if not groups or channels % groups or channels == groups:
        return None
    weight = made.weights[0]._replace(shape=(shape[0], channels // groups, *shape[2:]))
    return made._replace(weights=(weight, *made.weights[1:]))


def declared(made: Made, channels: int) -> Made | None:
    """The layer made for so many channels or features; None where it has no such number."""
    if made.features:
        return made._replace(features=channels)
    if not made.weights:
        return None
    first = made.weights[0].shape
    groups = int(getattr(made.layer, "groups", 1))
    shape: tuple[int, ...]
    if made.kind == "linear":
        shape = (first[0], channels)
    elif made.kind == "conv" and channels % groups == 0:
        shape = (first[0], channels // groups, *first[2:])
    elif made.kind == "depthwise_conv":
        shape = (channels * made.layer.multiplier, *first[1:])  # type: ignore[attr-defined]
    elif made.kind == "conv_transpose" or made.kind in (
        *("layernorm", "prelu"),
        *BY_CHANNEL,
        *BY_FACTOR,
    ):
        shape = (channels, *first[1:])
    else:
        return None
    return made._replace(weights=(made.weights[0]._replace(shape=shape), *made.weights[1:]))
