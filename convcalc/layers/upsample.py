"""Resampling to a larger or smaller map."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor
from typing import Annotated, Literal, final

from convcalc.diagnostics import Problem
from convcalc.layers.base import Axes, Layer, Plan, axes, choice, flag, ratios
from convcalc.layers.sliding import check_spatial, per_axis
from convcalc.shape import Shape
from convcalc.window import Window, resampled

REACH = {"nearest": 1, "linear": 2, "cubic": 4}


@final
@dataclass(frozen=True)
class Upsample(Layer):
    """Resampling: the nearest value, or a blend of neighbours, at evenly spread positions.

    Shapes: H×W×C → ⌊H·scale⌋×⌊W·scale⌋×C, or size×C. `linear` is bilinear on an image and
    trilinear on a volume.
    Source: ONNX operator Resize (half_pixel, align_corners, asymmetric with floor for nearest);
    torch.nn.Upsample.
    """

    scale: Annotated[float | tuple[float, ...] | None, ratios("Factor, per axis or for all.")] = (
        None
    )
    size: Annotated[Axes | None, axes("Output size, instead of a factor.")] = None
    mode: Annotated[
        Literal["nearest", "linear", "cubic"],
        choice("How values between positions are made.", "nearest", "linear", "cubic"),
    ] = "nearest"
    align_corners: Annotated[bool, flag("Let the corner pixels' centres coincide.")] = False

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
        yield from check_spatial("upsample", x)
        if (self.scale is None) == (self.size is None):
            yield Problem(
                "CC302",
                "upsample takes a scale or a size, and has "
                + ("neither" if self.scale is None else "both"),
                None if self.scale is None else "size",
                "write `upsample: 2`, or `upsample: {size: 64x64}`",
            )
            return
        for field, value in (("scale", self.scale), ("size", self.size)):
            if isinstance(value, tuple) and x.spatial and len(value) != x.rank:
                yield Problem(
                    "CC311",
                    f"{field} has {len(value)} values, and the input has {x.rank} spatial axes",
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
        if self.mode == "cubic" and x.rank not in (0, 2):
            yield Problem(
                "CC302",
                f"mode cubic is for images, and the input has {x.rank} spatial axes",
                "mode",
                "use mode linear",
            )
        if any(size < 1 for size in self.output_sizes(x.spatial)):
            yield Problem(
                "CC312", f"scale {self.scale} leaves nothing of {x}", "scale", "use a larger scale"
            )

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        x = xs[0]
        output = self.output_sizes(x.spatial)
        found = tuple(
            self._window(size, target, scale)
            for size, target, scale in zip(x.spatial, output, self._scales(x.rank), strict=True)
        )
        return Plan(Shape(x.channels, output), windows=found)

    def _window(self, size: int, target: int, scale: float) -> Window:
        """The positions that output o reads: o·step, moved by half a pixel unless aligned."""
        if self.align_corners:
            step = (size - 1, target - 1) if target > 1 else (1, 1)
            return resampled(size, target, step, (0, 1), REACH[self.mode])
        if self.size is not None:
            step = (size, target)
        else:
            numerator, denominator = float(scale).as_integer_ratio()
            step = (denominator, numerator)
        if self.mode == "nearest":
            return resampled(size, target, step, (0, 1), 1)
        return resampled(size, target, step, (step[0] - step[1], 2 * step[1]), REACH[self.mode])
