"""A network compiled for one batch size: memory laid out, and every NumPy call written down."""

from collections.abc import Collection, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcalc.forward.fusion import Operation, fuse, shape_of
from convcalc.forward.kernels import Choice, Kernel, choose
from convcalc.forward.kernels.common import LINE, Border, Tensor, aligned, grid
from convcalc.forward.memory import Span, placed
from convcalc.forward.pool import Phase
from convcalc.graph import INPUT, Network


class Step(NamedTuple):
    """What computes one operation."""

    names: tuple[str, ...]
    """The layers that it runs."""
    kernel: str
    phases: list[Phase]
    inputs: tuple[Any, ...] = ()
    """What it reads, (N, C, *spatial)."""
    output: Any = None
    """What it computes; None for a border."""


class Compiled(NamedTuple):
    """Steps over memory of their own."""

    steps: list[Step]
    source: Any
    """Where the input goes, (N, C, *spatial)."""
    outputs: dict[int, Any]
    """The output of each layer that is kept, (N, C, *spatial), a view that the next run changes."""
    size: int
    """Bytes of memory for activations and scratch."""


def build(
    network: Network,
    batch: int,
    weights: Mapping[str, Any],
    keep: Collection[int],
    threads: int,
    *,
    once: bool,
) -> Compiled:
    """Compile a network; layers in `keep` can be read after a run."""
    operations, holder = fuse(network, keep)
    choice = Choice(network, operations, batch, weights, threads, once=once)
    kernels = [choose(choice, operation) for operation in operations]
    shapes = [grid(batch, shape_of(network, operations, each)) for each in _values(operations)]
    borders = _borders(operations, kernels, shapes)
    extents = [
        (
            full[0],
            *(size + sum(pair) for size, pair in zip(full[1:-1], border, strict=True)),
            full[-1],
        )
        for full, border in zip(shapes, borders, strict=True)
    ]
    spans = _spans(operations, kernels, extents, {holder[index] for index in keep})
    offsets, total = placed(spans)
    memory = np.empty(total + LINE, np.float32)
    # On a cache line, so that no row is split by one that the next also uses.
    shift = -(memory.ctypes.data // memory.itemsize) % LINE
    memory = memory[shift : shift + total]
    tensors: dict[int, Tensor] = {}
    for value, extent, border, offset in zip(
        _values(operations), extents, borders, offsets, strict=False
    ):
        full = memory[offset : offset + prod(extent)].reshape(extent)
        tensors[value] = Tensor(full, border, shape_of(network, operations, value).rank)
    arrays = {value: tensor.channels_first for value, tensor in tensors.items()}
    steps = []
    for number, (operation, kernel) in enumerate(zip(operations, kernels, strict=True)):
        span = spans[len(extents) + number]
        offset = offsets[len(extents) + number]
        phases = kernel.bind(
            [tensors[value] for value in operation.inputs],
            tensors[number],
            memory[offset : offset + span.size],
        )
        # The border is written anew by every run, because others use its memory in between.
        fills = tensors[number].border_fills()
        phases[0] = [[*fills, *phases[0][0]], *phases[0][1:]]
        seen = tuple(arrays[value] for value in operation.inputs)
        steps.append(
            Step(tuple(operation.names), type(kernel).__name__, phases, seen, arrays[number])
        )
    fills = tensors[INPUT].border_fills()
    if fills:
        steps.insert(0, Step((), "Border", [[fills, *[()] * (threads - 1)]]))
    outputs = {index: arrays[holder[index]] for index in keep}
    return Compiled(steps, arrays[INPUT], outputs, total * memory.itemsize)


def _values(operations: list[Operation]) -> range:
    """The network's input, then every operation's output."""
    return range(INPUT, len(operations))


def _borders(
    operations: list[Operation], kernels: list[Kernel], shapes: list[tuple[int, ...]]
) -> list[Border]:
    """The widest border that any reader of a value asks for: no reader then copies to pad."""
    found: list[Border] = [((0, 0),) * (len(shape) - 2) for shape in shapes]
    for operation, kernel in zip(operations, kernels, strict=True):
        for value, border in zip(operation.inputs, kernel.borders, strict=False):
            if border is not None:
                found[value + 1] = tuple(
                    (max(a[0], b[0]), max(a[1], b[1]))
                    for a, b in zip(found[value + 1], border, strict=True)
                )
    return found


def _spans(
    operations: list[Operation],
    kernels: list[Kernel],
    extents: list[tuple[int, ...]],
    kept: Collection[int],
) -> list[Span]:
    """When each value is needed, then each operation's workspace."""
    last = dict.fromkeys(_values(operations), 0)
    for number, operation in enumerate(operations):
        last[number] = max(last[number], number)
        for value in operation.inputs:
            last[value] = number
    for value in kept:
        last[value] = len(operations)
    values = [
        Span(aligned(prod(extent)), max(value, 0) if value >= 0 else -1, last[value])
        for value, extent in zip(_values(operations), extents, strict=True)
    ]
    scratch = [
        Span(aligned(kernel.workspace), number, number) for number, kernel in enumerate(kernels)
    ]
    return values + scratch
