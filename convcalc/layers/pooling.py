"""Pooling with a kernel that slides over each channel by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, final

from convcalc.diagnostics import Problem
from convcalc.layers.base import (
    ROUNDING,
    Axes,
    Layer,
    Padding,
    Plan,
    Rounding,
    axes,
    flag,
    number,
    padding_field,
    whole,
)
from convcalc.layers.sliding import check_pool_padding, check_sliding, output_sizes, windows
from convcalc.shape import Shape

STRIDE = axes("Stride S; the kernel size when left out.")


def pooling_plan(layer: "MaxPool | AvgPool | LpPool", x: Shape) -> Plan:
    """Plan of a pooling layer: channels untouched, nothing learned."""
    found = windows(layer, x.spatial)
    return Plan(Shape(x.channels, output_sizes(found, x.spatial)), windows=found)


@final
@dataclass(frozen=True)
class MaxPool(Layer):
    """Max pooling: the largest value under the kernel, in each channel; padding never wins.

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×C.
    Source: CS231n notes, "Pooling Layer"; ONNX operator MaxPool; torch.nn.MaxPool2d.
    """

    kernel: Annotated[Axes, axes("Kernel size F.")]
    stride: Annotated[Axes | None, STRIDE] = None
    padding: Annotated[Padding, padding_field("Padding P, at most half the kernel.")] = 0
    dilation: Annotated[Axes, axes("Distance D between taps; 1 is the ordinary kernel.")] = 1
    rounding: Annotated[Rounding, ROUNDING] = "exact"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input."""
        yield from check_sliding("maxpool", self, xs[0])
        yield from check_pool_padding(self, xs[0])

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return pooling_plan(self, xs[0])


@final
@dataclass(frozen=True)
class AvgPool(Layer):
    """Average pooling: the mean of the values under the kernel, in each channel.

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×C.
    Source: ONNX operator AveragePool; torch.nn.AvgPool2d.
    """

    kernel: Annotated[Axes, axes("Kernel size F.")]
    stride: Annotated[Axes | None, STRIDE] = None
    padding: Annotated[Padding, padding_field("Padding P, at most half the kernel.")] = 0
    count_include_pad: Annotated[bool, flag("Count the padding's zeros in the mean.")] = True
    divisor: Annotated[int | None, whole("Divide by this instead of the count.", 1)] = None
    rounding: Annotated[Rounding, ROUNDING] = "exact"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input."""
        yield from check_sliding("avgpool", self, xs[0])
        yield from check_pool_padding(self, xs[0])

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return pooling_plan(self, xs[0])


@final
@dataclass(frozen=True)
class LpPool(Layer):
    """Lp pooling: (Σ x^p)^(1/p) of the values under the kernel, in each channel; L2 by default.

    Shapes: H×W×C → ((H − F + 2P)/S + 1)×(…)×C.
    Source: CS231n notes, "General pooling"; ONNX operator LpPool; torch.nn.LPPool2d.
    """

    kernel: Annotated[Axes, axes("Kernel size F.")]
    stride: Annotated[Axes | None, STRIDE] = None
    padding: Annotated[Padding, padding_field("Padding P with zeros, at most half the kernel.")] = 0
    norm: Annotated[float, number("Exponent p.", above=0)] = 2
    rounding: Annotated[Rounding, ROUNDING] = "exact"

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Kernel, stride and padding against the input."""
        yield from check_sliding("lppool", self, xs[0])
        yield from check_pool_padding(self, xs[0])

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return pooling_plan(self, xs[0])
