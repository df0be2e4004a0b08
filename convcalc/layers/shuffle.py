"""Layers that move values between channels and positions."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

from convcalc.diagnostics import Problem, Sizes, Way, either
from convcalc.layers.arrays import unturned
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Growth,
    Layer,
    Plan,
    Run,
    Weights,
    choice,
    whole,
)
from convcalc.layers.sliding import AXIS_NAMES, check_spatial, decimal
from convcalc.shape import Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation

MOST_AXES = max(AXIS_NAMES)
"""Most spatial axes that a map has."""


@final
class PixelShuffle(Layer):
    """Channels become positions: a map `factor` times as large with fewer channels.

    Shapes: H×W×C → H·r×W·r×C/r². Source: Shi et al., arXiv:1609.05158; torch.nn.PixelShuffle.
    """

    factor: Annotated[int, whole("Upscale factor r.", 1, letter="r")]

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Channels that divide into blocks of positions."""
        x = xs[0]
        yield from check_spatial("pixel_shuffle", x, self)
        block = self.factor**x.rank
        if x.spatial and x.channels % block:
            yield Problem(
                "CC312",
                f"{x.channels} channels do not divide into blocks of {self.factor}^{x.rank} = "
                f"{block}",
                "factor",
                f"use a multiple of {block} channels before it",
            )

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """As many times as large."""
        return (Growth(self.factor),) * rank

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """The same values in other places."""
        x, factor = xs[0], self.factor
        output = Shape(x.channels // factor**x.rank, tuple(size * factor for size in x.spatial))
        window = Window(factor, 1, 1, factor - 1, factor - 1, factor)
        return Plan(output, positions=(window,) * x.rank)

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A copy; off images, where PyTorch has no kernel, only if that moves values."""
        from convcalc.layers.operations import Operation, turns, view

        x = xs[0]
        axes = (plan.output.channels, *(self.factor,) * x.rank, *x.spatial)
        order = [0, *(axis for step in range(x.rank) for axis in (1 + x.rank + step, 1 + step))]
        if x.rank != 2 and not turns(axes, order):
            return (view(x.size)._replace(back_layout="reshaped"),)
        # An image's has a kernel of its own, which works on the gradient as it lies.
        return (Operation(x.size, back_layout="gradient" if x.rank == len("HW") else "reshaped"),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[c, i·r + a, j·r + b] = x[(c·r + a)·r + b, i, j]. Source: torch.nn.PixelShuffle.

        ONNX operator DepthToSpace in mode CRD; its default, DCR, is this behind a `channel_shuffle`
        of r² groups.
        """
        x = xs[0]
        rank, factor = x.ndim - 2, self.factor
        blocks = x.reshape(x.shape[0], -1, *(factor,) * rank, *x.shape[2:])
        sizes = [size * factor for size in x.shape[2:]]
        return blocks.transpose(self._turn(rank)).reshape(x.shape[0], -1, *sizes)

    @staticmethod
    def _turn(rank: int) -> tuple[int, ...]:
        """(N, C, r, r, H, W) → (N, C, H, r, W, r): each extent beside what stretches it."""
        turns = [axis for step in range(rank) for axis in (2 + rank + step, 2 + step)]
        return (0, 1, *turns)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Every gradient back to the channel and position that its value was taken from."""
        (shape,), factor = kept.shapes, self.factor
        parts = [part for size in shape.spatial for part in (size, factor)]
        blocks = dy.reshape(*dy.shape[:2], *parts).transpose(unturned(self._turn(shape.rank)))
        return {0: blocks.reshape(dy.shape[0], *shape.axes)}


@final
class SpaceToDepth(Layer):
    """Positions become channels: a map a `factor`-th as large with more channels.

    The orders of the channels: `channels`, all of an input channel behind one another, as in
    PixelUnshuffle; `rows`, all channels of a place behind one another, places by rows, as in
    TensorFlow and ONNX; `columns`, the same with places by columns, as YOLOv5's Focus.
    Shapes: H×W×C → H/r×W/r×C·r².
    Source: torch.nn.PixelUnshuffle; ONNX operator SpaceToDepth; Redmon and Farhadi,
    arXiv:1612.08242 (the passthrough layer, reorg).
    """

    factor: Annotated[int, whole("Downscale factor r.", 1, letter="r")]
    order: Annotated[
        Literal["channels", "rows", "columns"],
        choice("Which of the new channels comes first.", "channels", "rows", "columns"),
    ] = "channels"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """A map that divides into blocks."""
        x, factor = xs[0], self.factor
        yield from check_spatial("space_to_depth", x, self)
        uneven = tuple(axis for axis, size in enumerate(x.spatial) if size % factor)
        if uneven and x.rank <= MOST_AXES:
            name = AXIS_NAMES[x.rank][uneven[0]]
            size = x.spatial[uneven[0]]
            ways = (Way(f"`pad` or `crop` it to a multiple of {factor}"),)
            yield Problem(
                "CC312",
                f"the {name} {size} does not divide into blocks of {factor}: {size}/{factor} = "
                f"{decimal(size, factor)}",
                "factor",
                either([way.text for way in ways]),
                sizes=Sizes(uneven, ways),
            )

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """One position more with every whole block."""
        return (Growth(1, self.factor, even=True),) * rank

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """The same values in other places."""
        x, factor = xs[0], self.factor
        output = Shape(x.channels * factor**x.rank, tuple(size // factor for size in x.spatial))
        return Plan(output, positions=(Window(factor, factor),) * x.rank)

    def _turn(self, rank: int) -> tuple[int, ...]:
        """Axes C, H, r, W, r, … in the order in which they make the output's C and H, W, …."""
        places = tuple(2 + 2 * axis for axis in range(rank))
        if self.order == "columns":
            places = places[::-1]
        first = (0, *places) if self.order == "channels" else (*places, 0)
        return (*first, *(1 + 2 * axis for axis in range(rank)))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A copy; off PixelUnshuffle's images, where PyTorch has no kernel, if it has to be one."""
        from convcalc.layers.operations import Operation, strided, turns, view

        x = xs[0]
        axes = (x.channels, *(part for out in plan.output.spatial for part in (out, self.factor)))
        kernel = x.rank == len("HW") and self.order == "channels"
        turn = self._turn(x.rank)
        if kernel or not strided(axes, turn[: x.rank + 1]):
            return (Operation(x.size, back_layout="reshaped"),)
        return (view(x.size)._replace(layout="turned" if turns(axes, turn) else "kept"),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[(c·r + a)·r + b, i, j] = x[c, i·r + a, j·r + b]. Source: torch.nn.PixelUnshuffle.

        Of the order `rows` y[(a·r + b)·C + c, i, j], and of `columns` y[(b·r + a)·C + c, i, j].
        """
        x, factor = xs[0], self.factor
        rank, sizes = x.ndim - 2, [size // self.factor for size in x.shape[2:]]
        blocks = x.reshape(*x.shape[:2], *(part for size in sizes for part in (size, factor)))
        turned = blocks.transpose(0, *(1 + axis for axis in self._turn(rank)))
        return turned.reshape(x.shape[0], -1, *sizes)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Every gradient back to the channel and position that its value was taken from."""
        (shape,), factor, count = kept.shapes, self.factor, dy.shape[0]
        turn = (0, *(1 + axis for axis in self._turn(shape.rank)))
        blocks = (
            count,
            shape.channels,
            *(part for size in shape.spatial for part in (size // factor, factor)),
        )
        turned = dy.reshape([blocks[axis] for axis in turn]).transpose(unturned(turn))
        return {0: turned.reshape(count, *shape.axes)}


@final
class ChannelShuffle(Layer):
    """Channels of different groups take turns.

    Shapes: unchanged. Source: Zhang et al., arXiv:1707.01083; torch.nn.ChannelShuffle.
    """

    groups: Annotated[int, whole("Number of groups G.", 1, letter="G")]

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups that divide the channels."""
        channels = xs[0].channels
        if channels % self.groups:
            yield Problem(
                "CC305",
                f"{self.groups} groups do not divide the {channels} channels: "
                f"{channels}/{self.groups} = {decimal(channels, self.groups)}",
                "groups",
                f"use a divisor of {channels}",
            )

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """The same values in other places."""
        return Plan(xs[0])

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A copy, if it moves values, in the input's shape again."""
        from convcalc.layers.operations import Operation, turns, view

        x = xs[0]
        axes = (self.groups, x.channels // self.groups, x.size // x.channels)
        copied = (Operation(x.size, back_layout="reshaped"),) if turns(axes, (1, 0, 2)) else ()
        return (*copied, view(x.size, len(copied)))

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[i·groups + g] = x[g·(C/groups) + i]. Source: torch.nn.ChannelShuffle."""
        x = xs[0]
        groups = x.reshape(x.shape[0], self.groups, -1, *x.shape[2:])
        return groups.swapaxes(1, 2).reshape(x.shape)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The same with as many groups as a group had channels: x[g·(C/groups) + i] again."""
        groups = dy.reshape(dy.shape[0], -1, self.groups, *dy.shape[2:])
        return {0: groups.swapaxes(1, 2).reshape(dy.shape)}
