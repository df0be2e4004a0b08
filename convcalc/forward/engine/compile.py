"""A network compiled for one batch size: memory laid out, and every NumPy call written down."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

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
from convcalc.forward.threads import on_threads
from convcalc.graph.planned import Planned


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
    """In the order in which they run; borders of the inputs are filled first."""
    sources: dict[int, Any]
    """By the index of each input, where it goes, (N, C, *spatial)."""
    outputs: dict[int, Any]
    """The output of each layer that is kept, (N, C, *spatial), a view that the next run changes."""
    size: int
    """Bytes of memory for activations and scratch."""


class Task(NamedTuple):
    """A fusion, or several in a chain, that one stage computes; values are numbers of fusions."""

    fusions: list[Fused]
    """The fusions that it computes, each from what those before it compute."""
    kernels: list[Kernel]
    """For each of these fusions, what computes it."""
    reads: list[list[int]]
    """For each, the values that it reads which none of the others computes."""
    out: int
    """The value that the last one computes; those of the others are never there as a whole."""
    work: Chain | Whole
    """All of them, as one."""

    @property
    def given(self) -> list[int]:
        """All values that it reads; the first fusion's first input comes first."""
        return [value for each in self.reads for value in each]


class Layout(NamedTuple):
    """Memory for what tasks read, compute and work in."""

    tensors: dict[int, Tensor]
    """By value, its tensor with the borders that its readers want."""
    arrays: dict[int, Array]
    """What these hold, (N, C, *spatial): one array for each value, by which it is known."""
    scratch: list[Array]
    """By task, the memory that its kernels work in."""
    size: int
    """Bytes of all this memory together."""


def build(
    network: Planned,
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
    given = [number for number, fused in enumerate(fusions) if not fused.inputs]
    computed = [number for number, fused in enumerate(fusions) if fused.inputs]
    chosen = on_threads(partial(choose, choice), [fusions[number] for number in computed], threads)
    kernels = dict(zip(computed, chosen, strict=True))
    shapes = {value: shape_of(network, fusions, value) for value in range(len(fusions))}
    grids = {value: grid(batch, shape) for value, shape in shapes.items()}
    kept = {holder[index] for index in keep}
    groups = [[number] for number in computed]
    if not apart:
        groups = _chained(fusions, kernels, grids, kept)
    tasks = [_task(choice, kernels, grids, group) for group in groups]
    ranks = {value: shape.rank for value, shape in shapes.items()}
    layout = _laid_out(tasks, given, grids, ranks, kept)
    for index in network.index_inputs:  # whole numbers in the memory of as many float32
        layout.arrays[holder[index]] = layout.arrays[holder[index]].view(np.int32)
    borders = [layout.tensors[source].border_fills() for source in given]
    stages = [Stage((), "Border", [[border]]) for border in borders if border]
    for task, scratch in zip(tasks, layout.scratch, strict=True):
        stages.append(_stage(task, layout, scratch))
    outputs = {index: layout.arrays[holder[index]] for index in keep}
    sources = {index: layout.arrays[holder[index]] for index in network.inputs}
    return Compiled(stages, sources, outputs, layout.size)


def _task(
    choice: Choice,
    kernels: Mapping[int, Kernel],
    grids: Mapping[int, Sequence[int]],
    group: list[int],
) -> Task:
    """The task for fusions that are run together, by their numbers."""
    fusions = [choice.fusions[number] for number in group]
    own = [kernels[number] for number in group]
    reads = [[value for value in each.inputs if value not in group] for each in fusions]
    banded = [each for each in own if isinstance(each, Banded)]
    work: Chain | Whole
    if banded:
        outputs = [grids[number] for number in group]
        work = Chain(banded, grids[reads[0][0]], outputs, choice.threads_for(*fusions))
    else:
        (work,) = (each for each in own if isinstance(each, Whole))
    return Task(fusions, own, reads, group[-1], work)


def _stage(task: Task, layout: Layout, scratch: Array) -> Stage:
    """A task with its place in memory."""
    out = layout.tensors[task.out]
    given = [[layout.tensors[value] for value in each] for each in task.reads]
    phases = task.work.bind(given, out, scratch)
    # The border is written anew by every run, because others use its memory in between.
    phases[0] = [[*out.border_fills(), *phases[0][0]], *phases[0][1:]]
    names = tuple(name for fused in task.fusions for name in fused.names)
    kernel = "+".join(type(each).__name__ for each in task.kernels)
    seen = tuple(layout.arrays[value] for value in task.given)
    return Stage(names, kernel, phases, seen, layout.arrays[task.out])


def _chained(
    fusions: list[Fused],
    kernels: Mapping[int, Kernel],
    grids: Mapping[int, Sequence[int]],
    kept: Collection[int],
) -> list[list[int]]:
    """Fusions that are run together, band by band, because nobody else reads what is between."""
    readers = Counter(value for fused in fusions for value in fused.inputs)
    groups: list[list[int]] = []
    twice = False
    for number, kernel in kernels.items():
        fused, before = fusions[number], number - 1
        spread = isinstance(kernel, Merge) and grids[before] != grids[number]
        follows = before == fused.inputs[0] and before in kernels
        alone = follows and readers[before] == 1 and before not in kept
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


def _laid_out(
    tasks: Sequence[Task],
    given: Sequence[int],
    grids: Mapping[int, Sequence[int]],
    ranks: Mapping[int, int],
    kept: Collection[int],
) -> Layout:
    """A place in one block of memory for all that is stored, with borders, and all scratch."""
    stored = [*given, *(task.out for task in tasks)]
    borders = _borders(tasks, {value: grids[value] for value in stored})
    extents = {value: _extended(grids[value], border) for value, border in borders.items()}
    sizes = {value: aligned(prod(extent)) for value, extent in extents.items()}
    spans = [*_spans(tasks, given, sizes, kept)]
    offsets, total = placed(spans)
    # On a cache line, so that no row is split by one that the next also uses.
    memory: Array = np.empty(total + LINE, np.float32)
    memory = memory[-(memory.ctypes.data // memory.itemsize) % LINE :]
    places = [memory[at : at + span.size] for span, at in zip(spans, offsets, strict=True)]
    tensors = {
        value: Tensor(place[: prod(extents[value])].reshape(extents[value]), border, ranks[value])
        for (value, border), place in zip(borders.items(), places, strict=False)
    }
    arrays = {value: tensor.channels_first for value, tensor in tensors.items()}
    return Layout(tensors, arrays, places[len(stored) :], total * memory.itemsize)


def _borders(tasks: Sequence[Task], grids: Mapping[int, Sequence[int]]) -> dict[int, Border]:
    """The widest border that any reader of a value asks for: no reader then copies to pad."""
    borders: dict[int, Border] = {value: ((0, 0),) * (len(own) - 2) for value, own in grids.items()}
    for task in tasks:
        border, value = task.kernels[0].border, task.given[0]
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
    tasks: Sequence[Task], given: Sequence[int], sizes: Mapping[int, int], kept: Collection[int]
) -> Iterator[Span]:
    """When each value is needed, in the order of `sizes`, then each task's scratch.

    What is given is there before the first task.
    """
    computed = {task.out: number for number, task in enumerate(tasks)}
    first = dict.fromkeys(given, -1) | computed
    last = dict.fromkeys(given, 0) | computed
    for number, task in enumerate(tasks):
        last.update(dict.fromkeys(task.given, number))
    last.update(dict.fromkeys(kept, len(tasks)))
    for value, size in sizes.items():
        yield Span(size, first[value], last[value])
    for number, task in enumerate(tasks):
        yield Span(aligned(task.work.workspace), number, number)
