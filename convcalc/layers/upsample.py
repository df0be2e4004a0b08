"""Resampling to a larger or smaller map."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from math import floor
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

from convcalc.diagnostics import Problem, set_field
from convcalc.layers.arrays import blended, in_pieces
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Axes,
    BackLayout,
    Gradients,
    Growth,
    Layer,
    Plan,
    Run,
    Weights,
    axes,
    choice,
    flag,
    number,
    ratios,
    tensor,
)
from convcalc.layers.following import first_short, unfollowable
from convcalc.layers.sliding import check_spatial, per_axis
from convcalc.shape import Shape
from convcalc.window import Interpolated, Window, resampled

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation

REACH = {"nearest": 1, "linear": 2, "cubic": 4}
FINEST = 64
"""Largest denominator of a scale by which a map grows as it is written."""
CUBIC = -0.75
"""The free coefficient a of cubic convolution, as in PyTorch and OpenCV."""
SMOOTH_CUBIC = -0.5
"""The same with `antialias`, as in PyTorch and Pillow."""


def _inverse(scale: float) -> tuple[int, int]:
    """1/scale as a ratio of integers; 1.3 is 13/10, as it was written.

    >>> _inverse(1.3)
    (10, 13)
    """
    if isinstance(scale, int):
        return 1, scale
    from fractions import Fraction  # slow to import, and scales are mostly whole

    exact = Fraction(repr(scale))
    return exact.denominator, exact.numerator


Ratio = tuple[int, int]


def _near(distance: Any, a: float) -> Any:
    """The share of a value up to a distance of 1 from a position, in numbers or arrays.

    Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE
    Transactions on Acoustics, Speech, and Signal Processing 29 (1981), equation 4 with a.
    """
    return ((a + 2) * distance - (a + 3)) * distance * distance + 1


def _far(distance: Any, a: float) -> Any:
    """The share of one at a distance from 1 to 2. Source: as above."""
    return ((distance - 5) * distance + 8) * distance * a - 4 * a


def _cubic(fraction: float, a: float) -> list[tuple[int, float]]:
    """The shares of the four values around a position, by distance."""
    return [
        (-1, _far(fraction + 1, a)),
        (0, _near(fraction, a)),
        (1, _near(1 - fraction, a)),
        (2, _far(2 - fraction, a)),
    ]


@final
class Upsample(Layer):
    """Resampling: the nearest value, or a blend of neighbours, at evenly spread positions.

    Shapes: H×W×C → ⌊H·scale⌋×⌊W·scale⌋×C, or size×C. `linear` is bilinear on an image and
    trilinear on a volume.
    Source: ONNX operator Resize, whose names `positions` and `round` have; torch.nn.Upsample,
    whose `nearest-exact` is half_pixel with round_prefer_ceil;
    torch.nn.functional.interpolate, for `antialias`.
    """

    layout = "format"

    scale: Annotated[float | tuple[float, ...] | None, ratios("Factor, per axis or for all.")] = (
        None
    )
    size: Annotated[Axes | None, axes("Output size, instead of a factor.")] = None
    mode: Annotated[
        Literal["nearest", "linear", "cubic"],
        choice("How values between positions are made.", "nearest", "linear", "cubic"),
    ] = "nearest"
    align_corners: Annotated[bool, flag("Let the corner pixels' centres coincide.")] = False
    positions: Annotated[
        Literal[
            "by_mode",
            "half_pixel",
            "asymmetric",
            "pytorch_half_pixel",
            "half_pixel_symmetric",
            "tf_half_pixel_for_nn",
        ],
        choice(
            "Whether pixels' centres lie over one another or their first corners, as `nearest` has "
            "it by itself; the others as in ONNX.",
            "by_mode",
            "half_pixel",
            "asymmetric",
            "pytorch_half_pixel",
            "half_pixel_symmetric",
            "tf_half_pixel_for_nn",
        ),
    ] = "by_mode"
    round: Annotated[
        Literal["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"],
        choice(
            "Which value a position of mode `nearest` is nearest to.",
            "floor",
            "ceil",
            "round_prefer_floor",
            "round_prefer_ceil",
        ),
    ] = "floor"
    like: Annotated[
        str | None, tensor("A tensor as large as which it is made, instead of a factor or size.")
    ] = None
    antialias: Annotated[
        bool, flag("Blend all values that an output stands for where the map shrinks.")
    ] = False
    coefficient: Annotated[
        float | None,
        number("Coefficient a of mode `cubic`: -0.75, or -0.5 with `antialias`.", -1, maximum=0),
    ] = None
    border: Annotated[
        Literal["by_mode", "replicate", "exclude"],
        choice(
            "What counts beyond the border: its value again, or nothing, as `antialias` has it by "
            "itself.",
            "by_mode",
            "replicate",
            "exclude",
        ),
    ] = "by_mode"

    def _scales(self, rank: int) -> tuple[float, ...]:
        scale = self.scale if self.scale is not None else 1
        return scale if isinstance(scale, tuple) else (scale,) * rank

    def output_sizes(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial extents of the output for an input of extents `spatial`."""
        if self.size is not None:
            return per_axis(self.size, len(spatial))
        scales = self._scales(len(spatial))
        return tuple(floor(size * scale) for size, scale in zip(spatial, scales, strict=True))

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A factor or a size, for each axis, and something left."""
        x = xs[0]
        yield from check_spatial("upsample", x, self)
        if (self.scale is None) == (self.size is None):
            takes = "upsample takes a scale or a size"
            if self.scale is None:
                advice = "write `upsample: 2`, or `upsample: {size: 64x64}`"
                yield Problem("CC302", f"{takes}, and has neither", None, advice)
            else:
                yield Problem("CC302", f"{takes}, and has both", "size", "keep one of the two")
            return
        for field, value in (("scale", self.scale), ("size", self.size)):
            if isinstance(value, tuple) and x.spatial and len(value) != x.rank:
                from convcalc.numbers import plural

                yield Problem(
                    "CC311",
                    f"{field} has {plural(len(value), 'value')}, and the input has "
                    f"{x.rank} spatial {'axis' if x.rank == 1 else 'axes'}",
                    field,
                    "give one number for all axes, or one per axis",
                )
                return
        if self.align_corners and self.positions != "by_mode":
            yield Problem(
                "CC302",
                f"align_corners spreads positions by the corners, and positions are "
                f"{self.positions}",
                "positions",
                "keep one of the two",
            )
        if self.round != "floor" and self.mode != "nearest":
            yield Problem(
                "CC302",
                f"round {self.round} is for mode nearest, and mode {self.mode} blends values",
                "round",
                "leave round out, or use mode nearest",
            )
        yield from self._check_blends(x)
        if x.spatial and any(size < 1 for size in self.output_sizes(x.spatial)):
            yield Problem(
                "CC312", f"scale {self.scale} leaves nothing of {x}", "scale", "use a larger scale"
            )

    def _check_blends(self, x: Shape) -> Iterator[Problem]:
        """What is for some modes or ranks alone."""
        axes = f"{x.rank} spatial {'axis' if x.rank == 1 else 'axes'}"
        if self.mode == "cubic" and x.rank not in (0, 2):
            yield Problem(
                "CC302",
                f"mode cubic is for images, and the input has {axes}",
                "mode",
                "use mode linear",
                fix=set_field("mode", "linear"),
            )
        elif self.antialias and x.rank not in (0, 2):
            yield Problem(
                "CC302",
                f"antialias is for images, and the input has {axes}",
                "antialias",
                "leave antialias out",
            )
        if self.antialias and self.mode == "nearest":
            yield Problem(
                "CC302",
                "antialias blends values, and mode nearest reads one",
                "antialias",
                "use mode linear or cubic, or leave antialias out",
            )
        if self.antialias and self.align_corners:
            yield Problem(
                "CC302",
                "antialias has no one meaning with align_corners: PyTorch and ONNX smooth around "
                "other positions",
                "align_corners",
                "leave align_corners out",
            )
        if self.coefficient is not None and self.mode != "cubic":
            yield Problem(
                "CC302",
                f"the coefficient is for mode cubic, and mode {self.mode} has none",
                "coefficient",
                "leave coefficient out, or use mode cubic",
            )
        if self.border != "by_mode" and self.mode != "cubic" and not self.antialias:
            yield Problem(
                "CC302",
                f"border {self.border} is for mode cubic and for antialias, and mode {self.mode} "
                "gives the same without it",
                "border",
                "leave border out",
                fix=set_field("border", "by_mode"),
            )

    def following(self, x: Shape, like: Shape, name: str) -> "Upsample | Problem":
        """With the size of another map."""
        for problem in unfollowable("upsample", self, x, like, name, ["scale", "size"]):
            return problem
        short = first_short(x.spatial, like.spatial, None)
        if short is None:
            return self.replace(size=like.spatial, like=None)
        axis, least, most, _ = short
        return Problem(
            "CC312",
            f"the {axis} {least} is more than the {most} of {name}, and upsample makes a map "
            "larger",
            "like",
            "cut it with `crop`, or name a larger tensor",
        )

    def growth(self, rank: int) -> tuple[Growth, ...] | None:
        """By the scale, where floats hold it as it is written; None at all where a size is given.

        A product with a float such as 0.29 is rounded, and 100·0.29 is below 29.
        """
        if self.size is not None:
            return (Growth(0),) * rank
        ratios = [scale.as_integer_ratio() for scale in self._scales(rank)]
        if any(below > FINEST for _, below in ratios):
            return None
        return tuple(Growth(above, below) for above, below in ratios)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        x = xs[0]
        output = self.output_sizes(x.spatial)
        windows = tuple(
            self._window(size, target, scale)
            for size, target, scale in zip(x.spatial, output, self._scales(x.rank), strict=True)
        )
        return Plan(Shape(x.channels, output), positions=windows)

    def _positions(self, size: int, target: int, scale: float) -> tuple[Ratio, Ratio]:
        """Ratios (step, offset): output o reads around position o·step + offset of the input."""
        how = self.positions
        if target == 1 and (self.align_corners or how == "pytorch_half_pixel"):
            return (1, 1), (0, 1)
        if self.align_corners:
            return (size - 1, target - 1), (0, 1)
        step = _inverse(scale) if self.size is None else (size, target)
        over, under = step
        if how == "asymmetric" or (how == "by_mode" and self.mode == "nearest"):
            return step, (0, 1)
        if how == "tf_half_pixel_for_nn":
            return step, (over, 2 * under)
        moved = over - under
        if how == "half_pixel_symmetric":  # what the whole part of the size leaves, on both sides
            moved += size * under - target * over
        return step, (moved, 2 * under)

    def _whole(self, step: Ratio, offset: Ratio) -> Ratio:
        """The offset with which the value at or before a position is the one that `round` means.

        Positions are multiples of 1/q: x rounded up is x + (q − 1)/q rounded down, and so on.

        >>> [
        ...     Upsample(2, round=word)._whole((1, 2), (0, 1))
        ...     for word in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
        ... ]
        [(0, 1), (1, 2), (1, 4), (1, 2)]
        """
        (shift, parts), q = offset, step[1] * offset[1]
        more, of = {
            "floor": (0, 1),
            "ceil": (q - 1, q),
            "round_prefer_floor": (q - 1, 2 * q),
            "round_prefer_ceil": (1, 2),
        }[self.round]
        return shift * of + more * parts, parts * of

    def _window(self, size: int, target: int, scale: float) -> Window:
        """The positions that output o reads: o·step, moved by half a pixel unless aligned."""
        step, offset = self._positions(size, target, scale)
        if self.mode == "nearest":
            shift, parts = self._whole(step, offset)
            last = ((target - 1) * step[0] * parts + shift * step[1]) // (step[1] * parts)
            if shift // parts < 0 or last >= size:  # the border's value, which lies beside
                return Interpolated(*resampled(size, target, step, offset, REACH["linear"]))
            offset = shift, parts
        smooth = self._smooths(size, target, scale)
        return resampled(size, target, step, offset, REACH[self.mode], smooth=smooth)

    def _blends(
        self, size: int, target: int, scale: float, outputs: range
    ) -> list[list[tuple[int, float]]]:
        """For some of the outputs, the input values that each reads and the share of each."""
        (step, per), (shift, parts) = self._positions(size, target, scale)
        if self.mode == "nearest":
            shift, parts = self._whole((step, per), (shift, parts))
        blends = []
        for output in outputs:
            whole, rest = divmod(output * step * parts + shift * per, per * parts)
            fraction = rest / (per * parts)
            if self.mode == "nearest" or not rest:
                shares = [(0, 1.0)]
            elif self.mode == "linear":
                shares = [(0, 1 - fraction), (1, fraction)]
            else:
                shares = _cubic(fraction, self._coefficient)
            blends.append(self._bordered(size, [(whole + tap, share) for tap, share in shares]))
        return blends

    @property
    def _coefficient(self) -> float:
        """The coefficient a of cubic convolution, as given or by itself."""
        if self.coefficient is not None:
            return self.coefficient
        return SMOOTH_CUBIC if self.antialias else CUBIC

    @property
    def _excludes(self) -> bool:
        """Whether what lies beyond the border does not count."""
        return self.antialias if self.border == "by_mode" else self.border == "exclude"

    def _bordered(self, size: int, shares: list[tuple[int, float]]) -> list[tuple[int, float]]:
        """The shares of values alone: beyond the border its value repeats, or nothing counts."""
        if not self._excludes:
            return [(min(max(at, 0), size - 1), share) for at, share in shares]
        kept = [(at, share) for at, share in shares if 0 <= at < size]
        if len(kept) == len(shares):
            return shares
        if not kept:  # a position far outside
            return [(min(max(shares[0][0], 0), size - 1), 1.0)]
        total = sum(share for _, share in kept)
        return [(at, share / total) for at, share in kept]

    def _smooths(self, size: int, target: int, scale: float) -> bool:
        """Whether outputs blend all the values that they stand for."""
        over, under = self._positions(size, target, scale)[0]
        return self.antialias and over > under

    def _smooth(
        self, size: int, target: int, scale: float, outputs: range
    ) -> tuple[list[tuple[int, int, int]], int, int, int]:
        """Where outputs read that blend all the values that they stand for.

        For each of some outputs its first value, how far that lies before the position, and how
        many values it reads, beyond the border, too; then how far one value is from the next, how
        far one output, of which an output's shares reach one (linear) or two, and how many values
        an output reads at most. Distances are whole multiples of some fraction of a value.
        Source: PyTorch's upsample_bilinear2d_aa, which is Pillow's; ONNX operator Resize.
        """
        (over, under), (shift, parts) = self._positions(size, target, scale)
        whole, unit = under * parts, over * parts  # a value, and a step, in fractions of a value
        reach = REACH[self.mode] // 2 * unit
        starts = []
        for output in outputs:
            position = output * unit + shift * under
            first = (position - reach) // whole + 1
            count = -(-(position + reach) // whole) - first
            starts.append((first, position - first * whole, count))
        return starts, whole, unit, -(-2 * reach // whole)

    def shares(
        self, spatial: tuple[int, ...], position: tuple[int, ...]
    ) -> list[list[tuple[int, float]]]:
        """By axis, which values of the input a position of the output reads, and each one's share.

        >>> Upsample(scale=2, mode="linear").shares((3,), (0,))
        [[(0, 1.0)]]
        >>> Upsample(scale=2, mode="linear").shares((3,), (1,))
        [[(0, 0.75), (1, 0.25)]]
        """
        axes = zip(spatial, self.output_sizes(spatial), self._scales(len(spatial)), strict=True)
        shares = []
        for extents, output in zip(axes, position, strict=True):
            merged: dict[int, float] = {}
            for at, share in self._row(extents, output):
                merged[at] = merged.get(at, 0.0) + share
            shares.append(list(merged.items()))
        return shares

    def _row(self, extents: tuple[int, int, float], output: int) -> list[tuple[int, float]]:
        """What one output along an axis reads, and each value's share."""
        outputs = range(output, output + 1)
        if not self._smooths(*extents):
            return self._blends(*extents, outputs)[0]
        [(first, before, count)], whole, unit, _ = self._smooth(*extents, outputs)
        row = [(first + tap, self._share(abs(tap * whole - before) / unit)) for tap in range(count)]
        total = sum(share for _, share in row)
        return self._bordered(extents[0], [(at, share / total) for at, share in row])

    def _share(self, distance: float) -> float:
        """The share of a value so many steps from a position, before they are made to sum up to 1.

        >>> Upsample(1, mode="linear")._share(0.25)
        0.75
        """
        if self.mode == "linear":
            return 1 - distance
        share: float = (_near if distance < 1 else _far)(distance, self._coefficient)
        return share

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Nothing is kept; kernels that know channels last give a gradient that lies as theirs."""
        (operation,) = super().operations(xs, plan)
        knows = {"nearest": (2,), "linear": (2, 3), "cubic": ()}[self.mode]
        there: BackLayout = "gradient" if xs[0].rank in knows else "fresh"
        return (operation._replace(back_layout=there),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[o] = Σ share·x around o·step + offset, axis by axis. Source: torch.nn.Upsample.

        `align_corners` spreads positions over the output's extent, as PyTorch does; ONNX operator
        Resize over extent·scale before rounding, which differs where a scale leaves a fraction.
        With `antialias`, PyTorch 2.13 on a CPU gives other values for maps of one column, of which
        its kernel takes the wrong stride; ONNX Runtime agrees with what is here.
        Its default for nearest is half_pixel with round_prefer_floor, PyTorch's asymmetric.
        """
        x = xs[0]
        spatial = x.shape[2:]
        sizes, scales = self.output_sizes(spatial), self._scales(len(spatial))
        for axis, extents in enumerate(zip(spatial, sizes, scales, strict=True), 2):
            piece, most = self._piece, None
            if self._smooths(*extents):  # as many values at a time as the axis has
                *_, taps = self._smooth(*extents, range(0))
                piece, most = self._smoothed, max(extents[0] // taps, 1)
            x = in_pieces(xp, axis, extents[1], partial(piece, xp, x, axis, extents), most)
        return x

    def _piece(
        self, xp: Any, x: Any, axis: int, extents: tuple[int, int, float], outputs: range
    ) -> Any:
        return blended(xp, x, axis, self._blends(*extents, outputs))

    def _smoothed(
        self, xp: Any, x: Any, axis: int, extents: tuple[int, int, float], outputs: range
    ) -> Any:
        """Outputs that blend all they stand for, values and shares side by side."""
        places, shares = self._smoothing(xp, extents, outputs)
        values = xp.take(x, places, axis=axis)
        shares = xp.asarray(shares, dtype=x.dtype).reshape(
            *shares.shape, *(1,) * (x.ndim - axis - 1)
        )
        return (values * shares).sum(axis=axis + 1)

    def _smoothing(
        self, xp: Any, extents: tuple[int, int, float], outputs: range
    ) -> tuple[Any, Any]:
        """For some of the outputs, a row each: the input values that it reads, and their shares."""
        starts, whole, unit, taps = self._smooth(*extents, outputs)
        size = extents[0]
        along = xp.arange(taps)
        before = xp.asarray([before / unit for _, before, _ in starts]).reshape(-1, 1)
        distances = xp.abs(before - along * (whole / unit))
        inside = along < xp.asarray([count for *_, count in starts]).reshape(-1, 1)
        if self.mode == "cubic":
            a = self._coefficient
            shares = xp.where(distances < 1, _near(distances, a), _far(distances, a))
        else:
            shares = 1 - distances
        shares = shares * inside
        # Where an output reads fewer values than others, it takes nothing of its first one again.
        places = xp.asarray([first for first, *_ in starts]).reshape(-1, 1) + along * inside
        if self._excludes:
            shares = shares * (places >= 0) * (places < size)
        shares = shares / shares.sum(axis=1, keepdims=True)
        return xp.minimum(xp.maximum(places, 0), size - 1), shares

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Axis by axis, each value gets of an output's gradient the share that it had in it."""
        spatial = kept.shapes[0].spatial
        sizes, scales = self.output_sizes(spatial), self._scales(len(spatial))
        for axis, extents in enumerate(zip(spatial, sizes, scales, strict=True), 2):
            outputs = xp.moveaxis(dy, axis, 0)
            values = xp.zeros((extents[0], *outputs.shape[1:]), dtype=dy.dtype)
            for output in range(extents[1]):
                for at, share in self._taken(xp, extents, output):
                    values[at] += share * outputs[output]
            dy = xp.moveaxis(values, 0, axis)
        return {0: dy}

    def _taken(
        self, xp: Any, extents: tuple[int, int, float], output: int
    ) -> Iterable[tuple[int, float]]:
        """What `forward` takes for one output along an axis: input values and their shares."""
        outputs = range(output, output + 1)
        if not self._smooths(*extents):
            return self._blends(*extents, outputs)[0]
        (places,), (shares,) = self._smoothing(xp, extents, outputs)
        return zip(places.tolist(), shares.tolist(), strict=True)
