"""A network compiled for one batch size: memory laid out, and every NumPy call written down."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import prod
from typing import Any, NamedTuple, cast

import numpy as np

from convcalc.forward.engine.arena import Span, placed
from convcalc.forward.engine.chain import Chain, joins, overlaps
from convcalc.forward.engine.fusion import Fused, fuse, shape_of
from convcalc.forward.engine.kernels import Choice, Kernel, choose
from convcalc.forward.engine.kernels.common import (
    LINE,
    Array,
    Banded,
    Border,
    Tensor,
    Whole,
    aligned,
    grid,
)
from convcalc.forward.engine.kernels.elementwise import Merge
from convcalc.forward.engine.pool import Phase
from convcalc.forward.threads import blas_threads, hold_blas
from convcalc.graph import INPUT, Network


class Stage(NamedTuple):
    """What computes a fusion, or several band by band."""

    names: tuple[str, ...]
    """The layers that it runs."""
    kernel: str
    """Names of the kernels' classes that compute it, joined by `+`."""
    phases: list[Phase]
    """The calls that compute it, thread by thread; one phase is done before the next begins."""
    inputs: tuple[Any, ...] = ()
    """What it reads, (N, C, *spatial)."""
    output: Any = None
    """What it computes; None for a border."""


class Compiled(NamedTuple):
    """Stages over memory of their own."""

    stages: list[Stage]
    """In the order in which they run; a border of the input is filled first."""
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
    apart: bool = False,
) -> Compiled:
    """Compile a network; layers in `keep` can be read after a run."""
    fusions, holder = fuse(network, keep)
    choice = Choice(network, fusions, batch, weights, threads, once=once)
    with blas_threads(1), ThreadPoolExecutor(threads, initializer=hold_blas) as pool:
        kernels = list(pool.map(partial(choose, choice), fusions))
    shapes = {value: shape_of(network, fusions, value) for value in range(INPUT, len(fusions))}
    grids = {value: grid(batch, shape) for value, shape in shapes.items()}
    kept = {holder[index] for index in keep}
    groups = [[number] for number in range(len(fusions))]
    if not apart:
        groups = _chained(fusions, kernels, grids, kept)
    tasks: list[Chain | Whole] = []
    for group in groups:
        banded = [each for number in group if isinstance(each := kernels[number], Banded)]
        own = [fusions[number] for number in group]
        outputs = [grids[number] for number in group]
        tasks.append(
            Chain(banded, grids[own[0].inputs[0]], outputs, choice.threads_for(*own))
            if banded
            else cast("Whole", kernels[group[0]])
        )
    stored = [INPUT, *(group[-1] for group in groups)]
    borders = _borders(fusions, kernels, groups, {value: grids[value] for value in stored})
    extents = [_extended(grids[value], borders[value]) for value in stored]
    spans = _spans(fusions, groups, extents, [task.workspace for task in tasks], kept)
    offsets, total = placed(spans)
    # On a cache line, so that no row is split by one that the next also uses.
    memory: Array = np.empty(total + LINE, np.float32)
    memory = memory[-(memory.ctypes.data // memory.itemsize) % LINE :]
    held = [memory[at : at + span.size] for span, at in zip(spans, offsets, strict=True)]
    tensors = {
        value: Tensor(own[: prod(extent)].reshape(extent), borders[value], shapes[value].rank)
        for value, extent, own in zip(stored, extents, held, strict=False)
    }
    arrays = {value: tensor.channels_first for value, tensor in tensors.items()}
    border = tensors[INPUT].border_fills()
    stages = [Stage((), "Border", [[border]])] if border else []
    for group, task, work in zip(groups, tasks, held[len(stored) :], strict=True):
        out = tensors[group[-1]]
        read = [[value for value in fusions[number].inputs if value in tensors] for number in group]
        phases = task.bind([[tensors[value] for value in each] for each in read], out, work)
        # The border is written anew by every run, because others use its memory in between.
        phases[0] = [[*out.border_fills(), *phases[0][0]], *phases[0][1:]]
        names = tuple(name for number in group for name in fusions[number].names)
        kernel = "+".join(type(kernels[number]).__name__ for number in group)
        seen = tuple(arrays[value] for each in read for value in each)
        stages.append(Stage(names, kernel, phases, seen, arrays[group[-1]]))
    kept_arrays = {index: arrays[holder[index]] for index in keep}
    return Compiled(stages, arrays[INPUT], kept_arrays, total * memory.itemsize)


def _chained(
    fusions: list[Fused],
    kernels: list[Kernel],
    grids: Mapping[int, Sequence[int]],
    kept: Collection[int],
) -> list[list[int]]:
    """Fusions that are run together, band by band, because nobody else reads what is between."""
    readers = Counter(value for fused in fusions for value in fused.inputs)
    groups: list[list[int]] = []
    twice = False
    for number, (fused, kernel) in enumerate(zip(fusions, kernels, strict=True)):
        before = number - 1
        spread = isinstance(kernel, Merge) and grids[before] != grids[number]
        alone = before == fused.inputs[0] >= 0 and readers[before] == 1 and before not in kept
        if not alone or spread or not joins(kernels[before], kernel):
            groups.append([number])
            twice = False
        elif not overlaps(kernel):
            groups[-1].append(number)
        elif twice:  # once more would multiply what is computed twice
            groups[-1].pop()
            groups.append([before, number])
        else:
            groups[-1].append(number)
            twice = True
    return groups


def _borders(
    fusions: list[Fused],
    kernels: list[Kernel],
    groups: list[list[int]],
    grids: Mapping[int, Sequence[int]],
) -> dict[int, Border]:
    """The widest border that any reader of a value asks for: no reader then copies to pad."""
    borders: dict[int, Border] = {value: ((0, 0),) * (len(own) - 2) for value, own in grids.items()}
    for first, *_ in groups:
        border, value = kernels[first].border, fusions[first].inputs[0]
        if border is not None:
            borders[value] = tuple(
                (max(a[0], b[0]), max(a[1], b[1]))
                for a, b in zip(borders[value], border, strict=True)
            )
    return borders


def _extended(full: Sequence[int], border: Border) -> tuple[int, ...]:
    wide = (size + sum(pair) for size, pair in zip(full[1:-1], border, strict=True))
    return (full[0], *wide, full[-1])


def _spans(
    fusions: list[Fused],
    groups: list[list[int]],
    extents: list[tuple[int, ...]],
    scratch: list[int],
    kept: Collection[int],
) -> list[Span]:
    """When each value is needed, then each stage's workspace."""
    last = {INPUT: 0}
    for number, group in enumerate(groups):
        last[group[-1]] = number
        for value in (value for each in group for value in fusions[each].inputs):
            if value in last:
                last[value] = number
    last.update(dict.fromkeys(kept, len(groups)))
    first = [-1, *range(len(groups))]
    values = [
        Span(aligned(prod(extent)), start, end)
        for extent, start, end in zip(extents, first, last.values(), strict=True)
    ]
    return values + [Span(aligned(size), at, at) for at, size in enumerate(scratch)]
