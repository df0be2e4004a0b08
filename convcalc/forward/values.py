"""One run of a network with everything looked at: values, times, and the bytes that it takes."""

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import accumulate
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from convcalc.forward.engine import Compiled, Executable, Stage
from convcalc.forward.reference import run_reference
from convcalc.forward.running import cupy_with_gpu
from convcalc.forward.samples import Compared, Comparison
from convcalc.forward.threads import blas_threads
from convcalc.forward.weights import Drawn
from convcalc.graph import INPUT, Network

Progress = Callable[[int, int], None]
"""Called with how many layers are done, and of how many."""


class Timed(NamedTuple):
    """What ran as one stage, and how long it took."""

    layers: tuple[str, ...]
    """Full names of the layers that were done in it, in their order."""
    kernel: str
    """What computed it; of the reference, the kind of the layer."""
    seconds: float
    """The shortest time of all runs, for the whole batch."""


class Values(NamedTuple):
    """What a run was seen to do."""

    tier: str
    """What computed them: `engine`, or `reference`."""
    shapes: dict[str, tuple[int, ...]]
    """Shape of each array that was computed, the batch first; fused layers have none of theirs."""
    finite: dict[str, bool]
    """Whether all values of a layer's output are finite; of a stage's last, where it is fused."""
    output: Any
    """The network's output, the batch first."""
    kept: dict[str, Any]
    """Outputs that were to be kept, the batch first, by full names of their layers."""
    times: list[Timed]
    """What ran, stage by stage, in order."""
    alive: int
    """Most bytes of activations that were in use at once, by the arrays that were read and made."""
    allocated: int
    """Bytes of the memory for activations with borders and scratch; for the reference, the most of
    layers' outputs that were held at once."""
    compared: Sequence[Compared] = ()
    """How far the engine is from the definitions; nothing for the reference, which is them."""


def random_input(network: Network, batch: int, seed: int) -> Any:
    """Normally distributed numbers of the input's shape."""
    axes = network.input.axes if network.input else ()
    return np.random.default_rng(seed).standard_normal((batch, *axes), dtype=np.float32)


def is_finite(xp: Any, y: Any) -> bool:
    """Whether every value is finite; a sum that is, tells without an array of answers."""
    with np.errstate(all="ignore"):
        return bool(xp.isfinite(y.sum())) or bool(xp.isfinite(y).all())


def with_engine(
    network: Network,
    x: Any,
    weights: Mapping[str, Any],
    *,
    threads: int | None,
    keep: Collection[str],
    seed: int = 0,
    repeats: int = 1,
    progress: Progress | None = None,
) -> Values:
    """Run the engine fusion by fusion, each into memory full of NaN.

    What one does not write is seen, and what it writes is compared with the definitions.
    """
    executable = Executable(
        network, len(x), weights=weights, threads=threads, once=True, apart=True
    )
    compiled = executable.compiled(keep)
    targets = [stage.output for stage in compiled.stages if stage.output is not None]
    if targets:
        targets[0].fill(np.nan)
    shapes: dict[str, tuple[int, ...]] = {}
    finite: dict[str, bool] = {}
    runs: list[list[Timed]] = []

    comparison = Comparison(network, weights, compiled.stages, seed)
    comparison.source(x)

    def after(stage: Stage, seconds: float) -> None:
        runs[-1].append(Timed(stage.names, stage.kernel, seconds))
        if len(runs) == 1 and stage.names:
            comparison.stage(stage)
            shapes[stage.names[-1]] = tuple(stage.output.shape)
            fine = is_finite(np, stage.output)
            finite.update(dict.fromkeys(stage.names, fine))
            done = len(runs[-1]) - len(compiled.stages) + len(targets)
            if done < len(targets):
                targets[done].fill(np.nan)
            if progress is not None:
                progress(len(finite), len(network.nodes))

    outputs: dict[str, Any] = {}
    for _ in range(repeats):
        runs.append([])
        outputs = executable.watch(x, after, keep)
    best = [min(each, key=lambda timed: timed.seconds) for each in zip(*runs, strict=True)]
    output = outputs[network.nodes[network.output].name] if network.output >= 0 else x
    kept = {name: outputs[name] for name in keep}
    alive = _alive_in_steps(compiled, network)
    return Values(
        tier="engine",
        shapes=shapes,
        finite=finite,
        output=output,
        kept=kept,
        times=best,
        alive=alive,
        allocated=compiled.size,
        compared=comparison.compared,
    )


def _alive_in_steps(compiled: Compiled, network: Network) -> int:
    """Most bytes of arrays between being written and being read for the last time, at once.

    A copy that the engine makes of a view, because it has channels last, is what it is a view of.
    """
    views = {
        node.name
        for node in network.nodes
        if node.layer is not None and node.layer.storage == "view"
    }
    stages = [stage for stage in compiled.stages if stage.output is not None]
    source = id(compiled.source)
    sizes, first, last = {source: int(compiled.source.nbytes)}, {source: -1}, {source: -1}
    same = {source: source}
    for number, stage in enumerate(stages):
        for read in stage.inputs:
            last[same[id(read)]] = number
        key = id(stage.output)
        if stage.names[0] in views:
            same[key] = same[id(stage.inputs[0])]
            continue
        same[key] = key
        sizes[key] = int(stage.output.nbytes)
        first[key] = last[key] = number
    for kept in compiled.outputs.values():
        last[same[id(kept)]] = len(stages)
    return _most_at_once(sizes, first, last)


def _most_at_once(
    sizes: Mapping[int, int], first: Mapping[int, int], last: Mapping[int, int]
) -> int:
    """The largest sum of the sizes of what is there, from its first time to its last.

    >>> _most_at_once({1: 4, 2: 2, 3: 4}, {1: 0, 2: 1, 3: 2}, {1: 1, 2: 2, 3: 3})
    6
    """
    changes: Counter[int] = Counter()
    for key, start in first.items():
        changes[start] += sizes[key]
        changes[last[key] + 1] -= sizes[key]
    return max(accumulate(change for _, change in sorted(changes.items())))


def with_reference(
    network: Network,
    x: Any,
    weights: Mapping[str, Any],
    *,
    backend: str,
    dtype: str,
    threads: int | None,
    keep: Collection[str],
    repeats: int = 1,
    progress: Progress | None = None,
) -> Values:
    """Run every layer's readable definition, in NumPy or CuPy.

    Weights that are drawn are when their layer runs, and are gone with it.
    """
    gpu = backend == "cupy"
    xp: Any = cupy_with_gpu() if gpu else np
    x = xp.asarray(x, dtype=dtype)

    def on_device(weight: Any) -> Any:
        return xp.asarray(np.asarray(weight), dtype=dtype)

    arrays = {
        name: each if isinstance(each, Drawn) else on_device(each) for name, each in weights.items()
    }
    shapes: dict[str, tuple[int, ...]] = {}
    finite: dict[str, bool] = {}
    runs: list[list[Timed]] = []
    started = 0.0

    same: dict[int, bool] = {}
    sizes: dict[int, int] = {INPUT: int(x.nbytes)}

    def after(index: int, xs: Sequence[Any], y: Any) -> None:
        nonlocal started
        if gpu:
            xp.cuda.get_current_stream().synchronize()
        node = network.nodes[index]
        runs[-1].append(Timed((node.name,), node.kind, perf_counter() - started))
        if len(runs) == 1:
            same[index], sizes[index] = y is xs[0], int(y.nbytes)
            shapes[node.name] = tuple(y.shape)
            finite[node.name] = is_finite(xp, y)
            if progress is not None:
                progress(len(finite), len(network.nodes))
        started = perf_counter()

    last = network.output
    names = {*keep, *([network.nodes[last].name] if last >= 0 else [])}
    outputs: dict[str, Any] = {}
    for _ in range(repeats):
        runs.append([])
        started = perf_counter()
        with np.errstate(all="ignore"), blas_threads(threads or 1), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            outputs = run_reference(xp, network, x, arrays, names, after, on_device)
    allocated = _alive_between_layers(network, sizes, same, overwriting=False)
    if gpu:
        allocated = int(xp.get_default_memory_pool().total_bytes())
        outputs = {name: xp.asnumpy(y) for name, y in outputs.items()}
    best = [min(each, key=lambda timed: timed.seconds) for each in zip(*runs, strict=True)]
    output = outputs[network.nodes[last].name] if last != INPUT else (xp.asnumpy(x) if gpu else x)
    kept = {name: outputs[name] for name in keep}
    alive = _alive_between_layers(network, sizes, same, overwriting=True)
    return Values(
        tier="reference",
        shapes=shapes,
        finite=finite,
        output=output,
        kept=kept,
        times=best,
        alive=alive,
        allocated=allocated,
    )


def _alive_between_layers(
    network: Network, sizes: Mapping[int, int], same: Mapping[int, bool], *, overwriting: bool
) -> int:
    """Most bytes of arrays between being made and being read for the last time, at once.

    A layer's output lies where its first input does if it is the same array or a view of it. When
    `overwriting`, it also does if nobody reads that any more and it is as large, where the layer
    works value by value or is a normalization that goes into the weights before it.
    """
    readers = Counter(source for node in network.nodes for source in node.inputs)
    readers[network.output] += 1
    place = {INPUT: INPUT}
    first, last, to_come = {INPUT: -1}, {INPUT: -1}, {INPUT: readers[INPUT]}
    for index, node in enumerate(network.nodes):
        for source in node.inputs:
            to_come[place[source]] -= 1
            last[place[source]] = index
        whole = place[node.inputs[0]]
        layer = node.layer
        assert layer is not None  # noqa: S101 (networks with errors are refused)
        unread = not to_come[whole] and sizes[index] == sizes[whole]
        overwrites = overwriting and unread and (layer.storage == "in_place" or layer.folds)
        if same[index] or layer.storage == "view" or overwrites:
            place[index] = whole
        else:
            place[index] = index
            first[index] = last[index] = index
            to_come[index] = 0
        to_come[place[index]] += readers[index]
    last[place[network.output]] = len(network.nodes)
    return _most_at_once(sizes, first, last)


def top(output: Any, kind: str, count: int) -> list[list[tuple[int, float]]]:
    """The likeliest classes of each example, with their probabilities.

    Scores become probabilities by a softmax, unless the last layer is one.
    """
    scores = np.asarray(output, np.float64).reshape(len(output), -1)
    if kind == "log_softmax":
        scores = np.exp(scores)
    elif kind != "softmax":
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return [
        [(int(each), float(row[each])) for each in places]
        for row, places in zip(scores, best, strict=True)
    ]
