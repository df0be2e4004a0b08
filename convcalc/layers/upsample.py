"""Resampling to a larger or smaller map."""

from collections.abc import Iterator, Sequence
from functools import partial
from math import floor
from typing import Annotated, Any, Literal, final

from convcalc.diagnostics import Problem, set_field
from convcalc.layers.arrays import blended, in_pieces
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Axes,
    Growth,
    Layer,
    Plan,
    Run,
    Weights,
    axes,
    choice,
    flag,
    ratios,
    tensor,
)
from convcalc.layers.following import first_short, unfollowable
from convcalc.layers.sliding import check_spatial, per_axis
from convcalc.shape import Shape
from convcalc.window import Interpolated, Window, resampled

REACH = {"nearest": 1, "linear": 2, "cubic": 4}
FINEST = 64
"""Largest denominator of a scale by which a map grows as it is written."""
CUBIC = -0.75
"""The free coefficient a of cubic convolution, as in PyTorch and OpenCV."""


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


def _cubic(fraction: float) -> list[tuple[int, float]]:
    """The shares of the four values around a position, by distance.

    Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE
    Transactions on Acoustics, Speech, and Signal Processing 29 (1981), equation 4 with a.
    """

    def near(x: float) -> float:
        return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1

    def far(x: float) -> float:
        return ((x - 5) * x + 8) * x * CUBIC - 4 * CUBIC

    return [
        (-1, far(fraction + 1)),
        (0, near(fraction)),
        (1, near(1 - fraction)),
        (2, far(2 - fraction)),
    ]


@final
class Upsample(Layer):
    """Resampling: the nearest value, or a blend of neighbours, at evenly spread positions.

    Shapes: H×W×C → ⌊H·scale⌋×⌊W·scale⌋×C, or size×C. `linear` is bilinear on an image and
    trilinear on a volume.
    Source: ONNX operator Resize (half_pixel, align_corners, asymmetric; its four `nearest_mode`s);
    torch.nn.Upsample, whose `nearest-exact` is half_pixel with round_prefer_ceil.
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
        Literal["by_mode", "half_pixel", "asymmetric"],
        choice(
            "Whether pixels' centres lie over one another or their first corners, as `nearest` has "
            "it by itself.",
            "by_mode",
            "half_pixel",
            "asymmetric",
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
        if self.align_corners and self.mode == "nearest":
            yield Problem(
                "CC302",
                "align_corners has no meaning for mode nearest, which reads one pixel",
                "align_corners",
                "use mode linear or cubic, or leave align_corners out",
            )
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
        if self.mode == "cubic" and x.rank not in (0, 2):
            yield Problem(
                "CC302",
                f"mode cubic is for images, and the input has {x.rank} spatial "
                + ("axis" if x.rank == 1 else "axes"),
                "mode",
                "use mode linear",
                fix=set_field("mode", "linear"),
            )
        if x.spatial and any(size < 1 for size in self.output_sizes(x.spatial)):
            yield Problem(
                "CC312", f"scale {self.scale} leaves nothing of {x}", "scale", "use a larger scale"
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
        if self.align_corners:
            return ((size - 1, target - 1) if target > 1 else (1, 1)), (0, 1)
        step = _inverse(scale) if self.size is None else (size, target)
        by_itself = self.positions == "by_mode" and self.mode == "nearest"
        if by_itself or self.positions == "asymmetric":
            return step, (0, 1)
        return step, (step[0] - step[1], 2 * step[1])

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
        return resampled(size, target, step, offset, REACH[self.mode])

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
                shares = _cubic(fraction)
            # Beyond the border its value repeats.
            blends.append([(min(max(whole + tap, 0), size - 1), share) for tap, share in shares])
        return blends

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
            for at, share in self._blends(*extents, range(output, output + 1))[0]:
                merged[at] = merged.get(at, 0.0) + share
            shares.append(list(merged.items()))
        return shares

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[o] = Σ share·x around o·step + offset, axis by axis. Source: torch.nn.Upsample.

        `align_corners` spreads positions over the output's extent, as PyTorch does; ONNX operator
        Resize over extent·scale before rounding, which differs where a scale leaves a fraction.
        Its default for nearest is half_pixel with round_prefer_floor, PyTorch's asymmetric.
        """
        x = xs[0]
        spatial = x.shape[2:]
        sizes, scales = self.output_sizes(spatial), self._scales(len(spatial))
        for axis, extents in enumerate(zip(spatial, sizes, scales, strict=True), 2):
            x = in_pieces(xp, axis, extents[1], partial(self._piece, xp, x, axis, extents))
        return x

    def _piece(
        self, xp: Any, x: Any, axis: int, extents: tuple[int, int, float], outputs: range
    ) -> Any:
        return blended(xp, x, axis, self._blends(*extents, outputs))
