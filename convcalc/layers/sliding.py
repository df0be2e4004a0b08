"""What layers with a sliding kernel share: their windows, and what can be wrong with them."""

from collections.abc import Iterator
from math import gcd
from typing import TYPE_CHECKING, Protocol, cast

from convcalc.diagnostics import Problem, Sizes, Way, either
from convcalc.layers.base import Axes, Growth, Padding, Rounding
from convcalc.shape import Shape
from convcalc.window import Window, same

if TYPE_CHECKING:
    from convcalc.layers.base import Layer

AXIS_NAMES = {
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
}
LINE_NAMES = {
    1: ("position",),
    2: ("row", "column"),
    3: ("slice", "row", "column"),
}

LESS = "downsample less before this layer"
"""What to do in a network about a map that is too small; a layer by itself has none before it."""
UNBOUNDED = ("zero", "replicate")
"""Modes of padding that any border may have, however small the input."""


class Sliding(Protocol):
    """Fields of a layer that slides a kernel."""

    @property
    def kernel(self) -> Axes:
        """Kernel size F."""

    @property
    def padding(self) -> Padding:
        """Padding P."""

    @property
    def rounding(self) -> Rounding:
        """What to do when the stride does not tile."""


def per_axis(value: Axes, rank: int) -> tuple[int, ...]:
    """One number per spatial axis.

    >>> per_axis(3, 2)
    (3, 3)
    """
    return value if isinstance(value, tuple) else (value,) * rank


def sides(padding: Padding, rank: int) -> tuple[tuple[int, int], ...]:
    """(before, after) per axis of padding given in numbers.

    >>> sides((1, (0, 2)), 2)
    ((1, 1), (0, 2))
    """
    if isinstance(padding, str):
        return ((0, 0),) * rank
    if isinstance(padding, int):
        return ((padding, padding),) * rank
    return tuple((side, side) if isinstance(side, int) else side for side in padding)


def layer_stride(layer: Sliding) -> Axes:
    """The stride; pooling that gives none steps by its kernel."""
    stride: Axes | None = getattr(layer, "stride", 1)
    return layer.kernel if stride is None else stride


def unrounded_windows(layer: Sliding, spatial: tuple[int, ...]) -> tuple[Window, ...]:
    """One window per axis with the padding as written."""
    rank = len(spatial)
    kernels = per_axis(layer.kernel, rank)
    strides = per_axis(layer_stride(layer), rank)
    dilations = per_axis(getattr(layer, "dilation", 1), rank)
    if layer.padding == "same":
        return tuple(map(same, spatial, kernels, strides, dilations))
    return tuple(
        Window(kernel, stride, dilation, before, after)
        for kernel, stride, dilation, (before, after) in zip(
            kernels, strides, dilations, sides(layer.padding, rank), strict=True
        )
    )


def windows_of(layer: Sliding, spatial: tuple[int, ...]) -> tuple[Window, ...]:
    """One window per axis of an input with extents `spatial`, the rounding applied."""
    windows = unrounded_windows(layer, spatial)
    if layer.rounding == "ceil":
        return tuple(window.rounded_up(size) for window, size in zip(windows, spatial, strict=True))
    return windows


def rounded_past(layer: Sliding, spatial: tuple[int, ...]) -> tuple[int, ...]:
    """By axis, the positions behind the padding as it is written that rounding up reads.

    >>> from convcalc.layers.pooling import MaxPool
    >>> rounded_past(MaxPool(kernel=3, stride=2, rounding="ceil"), (112, 113))
    (1, 0)
    """
    both = zip(windows_of(layer, spatial), unrounded_windows(layer, spatial), strict=True)
    return tuple(rounded.after - written.after for rounded, written in both)


def sliding_growth(layer: Sliding, rank: int) -> tuple[Growth, ...]:
    """One position more with every stride, however it is padded and rounded."""
    return tuple(Growth(1, stride) for stride in per_axis(layer_stride(layer), rank))


def output_sizes(windows: tuple[Window, ...], spatial: tuple[int, ...]) -> tuple[int, ...]:
    """Spatial extents of the output."""
    return tuple(window.output(size) for window, size in zip(windows, spatial, strict=True))


def check_spatial(kind: str, x: Shape, layer: "Layer") -> Iterator[Problem]:
    """A vector where there should be positions to slide over, or more axes than three."""
    if not x.spatial:
        from convcalc.layers.remedies import mapped

        shape = mapped(layer, x)
        yield Problem(
            "CC314",
            f"{kind} needs an input with spatial axes, and this one is a vector of {x.channels}",
            help="use `linear` here, or `reshape` the vector first"
            + (f", for example to {shape}" if shape else ""),
        )
    elif x.rank > 3:
        yield Problem(
            "CC314",
            f"{kind} works on 1 to 3 spatial axes, and its input {x} has {x.rank}",
            help="`flatten` or `reshape` some axes into one first",
        )


def check_axes(rank: int, **values: Axes | Padding | None) -> Iterator[Problem]:
    """Fields that give another number of values than there are spatial axes."""
    for name, value in values.items():
        if isinstance(value, tuple) and len(value) != rank:
            from convcalc.numbers import plural

            axes = "axis" if rank == 1 else "axes"
            yield Problem(
                "CC311",
                f"{name} has {plural(len(value), 'value')}, and the input has {rank} spatial "
                f"{axes}",
                name,
                "give one number for all axes, or one per axis",
            )


def check_sliding(kind: str, layer: Sliding, x: Shape) -> Iterator[Problem]:
    """Everything that can be wrong with a kernel that slides over `x`."""
    wrong = [
        *check_spatial(kind, x, cast("Layer", layer)),
        *check_axes(
            x.rank,
            kernel=layer.kernel,
            stride=getattr(layer, "stride", None),
            dilation=getattr(layer, "dilation", None),
            padding=layer.padding,
        ),
    ]
    if wrong:
        yield from wrong
        return
    if layer.padding == "same":
        yield from _check_same(kind, layer, x)
    windows = windows_of(layer, x.spatial)
    too_large = list(_check_fits(kind, layer, windows, x))
    yield from too_large
    if not too_large:
        yield from _check_tiles(kind, layer, windows, x)


def _check_same(kind: str, layer: Sliding, x: Shape) -> Iterator[Problem]:
    if layer.rounding != "exact":
        return
    for window in unrounded_windows(layer, x.spatial):
        if window.stride == 1 and window.extent % 2 == 0:
            from convcalc.layers.remedies import odd_kernels

            ways = [*odd_kernels(kind, layer, x)]

            yield Problem(
                "CC307",
                f"`same` needs an odd kernel: P = (F − 1)/2 = ({window.extent} − 1)/2 = "
                f"{decimal(window.extent - 1, 2)}",
                "padding",
                either(ways or ["use an odd kernel"]),
            )
            return


def _check_fits(
    kind: str, layer: Sliding, windows: tuple[Window, ...], x: Shape
) -> Iterator[Problem]:
    written = unrounded_windows(layer, x.spatial) if layer.rounding == "ceil" else windows
    most: dict[int, int] = {}
    message = ""
    for axis, (rounded, window, size) in enumerate(zip(windows, written, x.spatial, strict=True)):
        if rounded.room(size) >= 0:
            continue
        padding = window.before + window.after
        padded = size + padding
        most[axis] = max((padded - 1) // window.dilation + 1, 1)
        dilated = (
            f" (dilated: {window.dilation}·({window.kernel} − 1) + 1 = {window.extent})"
            if window.dilation > 1
            else ""
        )
        message = message or (
            f"kernel {window.kernel}{dilated} is larger than the padded "
            f"{AXIS_NAMES[x.rank][axis]}: {size} + {padding} = {padded}"
        )
    if not most:
        return
    from convcalc.layers.remedies import smaller_kernel

    ways = (
        smaller_kernel(kind, layer, most, x),
        Way("pad more"),
        Way(LESS),
    )
    sizes = Sizes(tuple(most), ways)
    yield Problem("CC303", message, "kernel", either(sizes.clauses), sizes=sizes)


def _check_tiles(
    kind: str, layer: Sliding, windows: tuple[Window, ...], x: Shape
) -> Iterator[Problem]:
    if layer.rounding == "ceil" or layer.padding == "same":  # `same` says what the size is
        return
    left_over = [window.remainder(size) for window, size in zip(windows, x.spatial, strict=True)]
    if not any(left_over):
        return
    dropped = [window.dropped(size) for window, size in zip(windows, x.spatial, strict=True)]
    drops = _count_lines(dropped)
    from convcalc.layers.remedies import changed, own_map, slides

    axes = tuple(axis for axis, rest in enumerate(left_over) if rest)
    own = own_map(kind, layer, windows, x, left_over)
    if layer.rounding == "floor":
        if drops:
            clauses = ["pad behind", *own, *(["`rounding: ceil`"] if "pool" in kind else [])]
            yield Problem(
                "CC306",
                f"the last {drops} of its input {'is' if sum(dropped) == 1 else 'are'} never read: "
                + _formula(windows, x, left_over),
                "stride",
                either(clauses),
                "warning",
                sizes=Sizes(axes),
            )
        return
    if drops:
        effect = f"drops {drops}"
    elif any(rest > window.after for window, rest in zip(windows, left_over, strict=True)):
        effect = "only values that the stride skips are left over"
    else:
        effect = "only padding is left over"
    pairs = tuple(_padding_that_tiles(windows, left_over))
    ways: tuple[Way, ...] = ()
    if slides(kind, changed(layer, padding=pairs), x):
        ways = (Way(f"use padding {list(map(list, pairs))}", (("padding", pairs),)),)
    sizes = Sizes(axes, ways, effect, "".join(own))
    yield Problem(
        "CC301",
        "stride "
        + _stride_text(windows)
        + " does not tile the input: "
        + _formula(windows, x, left_over),
        "stride",
        either([rounding_down(effect), *own, *sizes.clauses]),
        sizes=sizes,
    )


def rounding_down(effect: str, where: str = "once at the top of the spec, as frameworks do") -> str:
    """The clause that has a stride round down, as nearly everybody means it."""
    return f"write `rounding: floor` {where} ({effect})"


def _stride_text(windows: tuple[Window, ...]) -> str:
    strides = {window.stride for window in windows}
    return "×".join(str(w.stride) for w in windows) if len(strides) > 1 else str(windows[0].stride)


def _formula(windows: tuple[Window, ...], x: Shape, left_over: list[int]) -> str:
    """(W − F + 2P)/S + 1 with its numbers, for each axis where it is no integer."""
    from convcalc.reasons import filled, named  # only who has something to say

    shown: list[str] = []
    for axis, (window, size, rest) in enumerate(zip(windows, x.spatial, left_over, strict=True)):
        if not rest:
            continue
        dilation = named(window.dilation, "D") if window.dilation > 1 else 1
        letters = Window(
            named(window.kernel, "F"),
            window.stride,
            dilation,
            named(window.before, "P"),
            named(window.after, "P"),
        )
        room = letters.room(named(size, "W"))
        quotient = decimal(room + window.stride, window.stride)
        text = f"({filled(room)})/{window.stride} + 1 = {quotient}"
        if len(set(zip(windows, x.spatial, strict=True))) > 1:
            text += f" ({AXIS_NAMES[x.rank][axis]})"
        if text not in shown:
            shown.append(text)
    return ", ".join(shown)


def _padding_that_tiles(windows: tuple[Window, ...], left_over: list[int]) -> list[tuple[int, int]]:
    pairs = []
    for window, rest in zip(windows, left_over, strict=True):
        total = window.before + window.after + (window.stride - rest if rest else 0)
        pairs.append((total // 2, total - total // 2))
    return pairs


def _count_lines(dropped: list[int]) -> str:
    names = LINE_NAMES[len(dropped)]
    counts = [
        f"{count} {name}{'s' if count > 1 else ''}"
        for count, name in zip(dropped, names, strict=True)
        if count
    ]
    return " and ".join(counts)


def decimal(numerator: int, denominator: int) -> str:
    """A quotient of whole numbers; one that is no integer has as many decimals as show that.

    >>> decimal(217, 4), decimal(10, 3), decimal(1, 4096), decimal(8, 4)
    ('54.25', '3.333', '0.0002', '2')
    """
    whole, rest = divmod(numerator, denominator)
    if not rest:
        return str(whole)
    # A fraction is at least 1/denominator away from both integers, so that as many digits as the
    # denominator has show that it is none.
    for digits in range(3, max(len(str(denominator)), 3) + 1):
        unit = 10**digits
        scaled, over = divmod(rest * unit, denominator)
        scaled += 2 * over > denominator or (2 * over == denominator and scaled % 2)  # half to even
        if 0 < scaled < unit:
            break
    return f"{whole}.{scaled:0{digits}}".rstrip("0")


def check_groups(channels: int, filters: int, groups: int) -> Iterator[Problem]:
    """Groups that do not divide the channels in or out."""
    common = gcd(channels, filters)
    for field, count, what in (("groups", channels, "input"), ("groups", filters, "output")):
        if count % groups:
            divisors = [number for number in range(1, min(common, 4096) + 1) if not common % number]
            near = min(divisors, key=lambda number: abs(number - groups))
            yield Problem(
                "CC305",
                f"{groups} groups do not divide the {count} {what} channels: "
                f"{count}/{groups} = {decimal(count, groups)}",
                field,
                f"use a divisor of {channels} and {filters}, such as {near}, or another number of "
                + ("filters" if what == "output" else "channels in"),
            )


def check_pool_padding(layer: Sliding, x: Shape) -> Iterator[Problem]:
    """Pooling padded by more than half its kernel, which PyTorch and Caffe refuse."""
    if isinstance(layer.padding, str):
        return
    kernels = per_axis(layer.kernel, x.rank)
    for kernel, pair in zip(kernels, sides(layer.padding, x.rank), strict=False):
        if max(pair) > kernel // 2:
            yield Problem(
                "CC304",
                f"padding {max(pair)} is more than half the pooling kernel: {kernel}/2 = "
                f"{decimal(kernel, 2)}",
                "padding",
                f"{_less_padding('pool', layer, [each // 2 for each in kernels], x)}, as PyTorch "
                "and Caffe require",
            )
            return


def _less_padding(kind: str, layer: Sliding, limits: list[int], x: Shape) -> str:
    """The clause that names the most padding that a layer can have."""
    from convcalc.layers.remedies import shown, smaller_padding

    fields = (layer.kernel, layer_stride(layer), getattr(layer, "dilation", 1), layer.padding)
    if any(isinstance(field, tuple) and len(field) != x.rank for field in fields) or not limits:
        return "pad less"
    padding, whole = smaller_padding(kind, layer, limits, x) or (None, False)
    if padding is None:
        return "pad less"
    if whole and isinstance(padding, int):
        return f"use a padding of at most {padding}"
    return f"use padding {shown(padding)}"


def check_padded_border(layer: Sliding, mode: str, x: Shape) -> Iterator[Problem]:
    """The same for the padding that a sliding kernel ends up with."""
    if mode in UNBOUNDED:
        return
    fields = (layer.kernel, layer_stride(layer), getattr(layer, "dilation", 1), layer.padding)
    if not any(isinstance(field, tuple) and len(field) != x.rank for field in fields):
        windows = windows_of(layer, x.spatial)
        pairs = tuple((window.before, window.after) for window in windows)
        for problem in check_border(pairs, mode, x):
            limits = [size - (mode == "reflect") for size in x.spatial]
            less = _less_padding("conv", layer, limits, x) if layer.padding != "same" else ""
            yield _with_ways(problem, [less or "use a smaller kernel"])


def check_border(padding: Padding, mode: str, x: Shape) -> Iterator[Problem]:
    """Reflected or wrapped borders wider than the input they repeat."""
    if mode in UNBOUNDED or isinstance(padding, str):
        return
    if isinstance(padding, tuple) and len(padding) != x.rank:
        return
    pairs = sides(padding, x.rank)
    axes = tuple(
        axis
        for axis, (size, pair) in enumerate(zip(x.spatial, pairs, strict=True))
        if beyond(pair, mode, size)
    )
    if not axes:
        return
    from convcalc.layers.remedies import clipped, shown

    limits = [size - (mode == "reflect") for size in x.spatial]
    less = clipped(padding, limits)
    widest, size = max(pairs[axes[0]]), x.spatial[axes[0]]
    problem = Problem(
        "CC312",
        f"padding {widest} needs {widest + (mode == 'reflect')} values to {mode}, "
        f"and the axis has {size}",
        "padding",
        sizes=Sizes(axes),
    )
    at_most = "a padding of at most" if isinstance(less, int) else "padding"
    yield _with_ways(problem, [f"use {at_most} {shown(less)}"])


def _with_ways(problem: Problem, ways: list[str]) -> Problem:
    """A problem of a border with what may be done; `replicate` repeats one value alone."""
    sizes = Sizes(
        problem.sizes.axes if problem.sizes else (), (*map(Way, ways), Way("use `replicate`"))
    )
    return problem._replace(help=either(sizes.clauses), sizes=sizes)


def beyond(pair: tuple[int, int], mode: str, size: int) -> bool:
    """Whether a border of an axis is wider than what it repeats."""
    return mode not in UNBOUNDED and max(pair) > size - (mode == "reflect")
