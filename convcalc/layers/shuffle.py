"""Layers that move values between channels and positions."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.base import INFERENCE, Arrays, Growth, Layer, Plan, Run, Weights, whole
from convcalc.layers.sliding import check_spatial, decimal
from convcalc.shape import Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from convcalc.layers.operations import Operation


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
            return (view(x.size),)
        return (Operation(x.size),)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[c, i·r + a, j·r + b] = x[(c·r + a)·r + b, i, j]. Source: torch.nn.PixelShuffle.

        ONNX operator DepthToSpace in mode CRD; its default, DCR, is this behind a `channel_shuffle`
        of r² groups.
        """
        x = xs[0]
        rank, factor = x.ndim - 2, self.factor
        blocks = x.reshape(x.shape[0], -1, *(factor,) * rank, *x.shape[2:])
        # (N, C, r, r, H, W) → (N, C, H, r, W, r): each extent beside the factor that stretches it
        turns = [axis for step in range(rank) for axis in (2 + rank + step, 2 + step)]
        sizes = [size * factor for size in x.shape[2:]]
        return blocks.transpose(0, 1, *turns).reshape(x.shape[0], -1, *sizes)


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
        copied = (Operation(x.size),) if turns(axes, (1, 0, 2)) else ()
        return (*copied, view(x.size, len(copied)))

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[i·groups + g] = x[g·(C/groups) + i]. Source: torch.nn.ChannelShuffle."""
        x = xs[0]
        groups = x.reshape(x.shape[0], self.groups, -1, *x.shape[2:])
        return groups.swapaxes(1, 2).reshape(x.shape)
