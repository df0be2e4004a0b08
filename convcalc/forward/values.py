"""One run of a network with everything looked at: values, times, and the bytes that it takes."""

import warnings
from collections.abc import Callable, Collection, Mapping
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from convcalc.forward.engine import Executable, cupy_with_gpu
from convcalc.forward.plan import Compiled, Step
from convcalc.forward.pool import available_cores, blas_threads
from convcalc.forward.reference import run_reference
from convcalc.graph import INPUT, Network

Progress = Callable[[int, int], None]
"""Called with how many layers are done, and of how many."""


class Timed(NamedTuple):
    """What ran as one step, and how long it took."""

    layers: tuple[str, ...]
    kernel: str
    seconds: float


class Values(NamedTuple):
    """What a run was seen to do."""

    tier: str
    """`engine` or `reference`."""
    shapes: dict[str, tuple[int, ...]]
    """Shape of each array that was computed, the batch first; fused layers have none of theirs."""
    finite: dict[str, bool]
    """Whether all values of a layer's output are finite; of a step's last, where it is fused."""
    output: Any
    kept: dict[str, Any]
    times: list[Timed]
    alive: int | None
    """Most bytes of activations that were in use at once, by the arrays that steps read and
    wrote; None for the reference, which lays nothing out."""
    allocated: int
    """Bytes of the memory for activations with borders and scratch; for the reference, the most
    that was allocated at once."""


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
    repeats: int = 1,
    progress: Progress | None = None,
) -> Values:
    """Run the engine operation by operation, each into memory full of NaN.

    What one does not write is seen.
    """
    executable = Executable(
        network, len(x), weights=weights, threads=threads, once=True, apart=True
    )
    compiled = executable.compiled(keep)
    targets = [step.output for step in compiled.steps if step.output is not None]
    if targets:
        targets[0].fill(np.nan)
    shapes: dict[str, tuple[int, ...]] = {}
    finite: dict[str, bool] = {}
    runs: list[list[Timed]] = []

    def after(step: Step, seconds: float) -> None:
        runs[-1].append(Timed(step.names, step.kernel, seconds))
        if len(runs) == 1 and step.names:
            shapes[step.names[-1]] = tuple(step.output.shape)
            fine = is_finite(np, step.output)
            finite.update(dict.fromkeys(step.names, fine))
            done = len(runs[-1]) - len(compiled.steps) + len(targets)
            if done < len(targets):
                targets[done].fill(np.nan)
            if progress is not None:
                progress(len(finite), len(network.nodes))

    found: dict[str, Any] = {}
    for _ in range(repeats):
        runs.append([])
        found = executable.watch(x, after, keep)
    best = [min(each, key=lambda timed: timed.seconds) for each in zip(*runs, strict=True)]
    output = found[network.nodes[network.output].name] if network.output >= 0 else x
    kept = {name: found[name] for name in keep}
    return Values(
        "engine", shapes, finite, output, kept, best, _alive(compiled, network), compiled.size
    )


def _alive(compiled: Compiled, network: Network) -> int:
    """Most bytes of arrays between being written and being read for the last time, at once.

    A copy that the engine makes of a view, because it has channels last, is what it is a view of.
    """
    views = {
        node.name
        for node in network.nodes
        if node.layer is not None and node.layer.storage == "view"
    }
    steps = [step for step in compiled.steps if step.output is not None]
    source = id(compiled.source)
    sizes, first, last = {source: int(compiled.source.nbytes)}, {source: -1}, {source: -1}
    same = {source: source}
    for number, step in enumerate(steps):
        for read in step.inputs:
            last[same[id(read)]] = number
        key = id(step.output)
        if step.names[0] in views:
            same[key] = same[id(step.inputs[0])]
            continue
        same[key] = key
        sizes[key] = int(step.output.nbytes)
        first[key] = last[key] = number
    for kept in compiled.outputs.values():
        last[same[id(kept)]] = len(steps)
    return max(
        sum(size for key, size in sizes.items() if first[key] <= now <= last[key])
        for now in range(-1, len(steps) + 1)
    )


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
    """Run every layer's readable definition, in NumPy or CuPy."""
    import tracemalloc

    gpu = backend == "cupy"
    xp: Any = cupy_with_gpu() if gpu else np
    x = xp.asarray(x, dtype=dtype)
    arrays = {name: xp.asarray(np.asarray(each), dtype=dtype) for name, each in weights.items()}
    shapes: dict[str, tuple[int, ...]] = {}
    finite: dict[str, bool] = {}
    runs: list[list[Timed]] = []
    started = 0.0

    def after(index: int, y: Any) -> None:
        nonlocal started
        if gpu:
            xp.cuda.get_current_stream().synchronize()
        node = network.nodes[index]
        runs[-1].append(Timed((node.name,), node.kind, perf_counter() - started))
        if len(runs) == 1:
            shapes[node.name] = tuple(y.shape)
            finite[node.name] = is_finite(xp, y)
            if progress is not None:
                progress(len(finite), len(network.nodes))
        started = perf_counter()

    last = network.output
    names = {*keep, *([network.nodes[last].name] if last >= 0 else [])}
    found: dict[str, Any] = {}
    tracing = tracemalloc.is_tracing() or gpu
    if not tracing:
        tracemalloc.start()
    allocated = 0
    try:
        before = 0 if gpu else tracemalloc.get_traced_memory()[0]
        for number in range(repeats):
            runs.append([])
            started = perf_counter()
            count = threads or available_cores()
            with np.errstate(all="ignore"), blas_threads(count), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                found = run_reference(xp, network, x, arrays, names, after)
            if not number and not gpu:
                allocated = tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()
    if gpu:
        allocated = int(xp.get_default_memory_pool().total_bytes())
        found = {name: xp.asnumpy(y) for name, y in found.items()}
    best = [min(each, key=lambda timed: timed.seconds) for each in zip(*runs, strict=True)]
    output = found[network.nodes[last].name] if last != INPUT else (xp.asnumpy(x) if gpu else x)
    kept = {name: found[name] for name in keep}
    return Values("reference", shapes, finite, output, kept, best, None, allocated)


def largest_error(found: Any, expected: Any) -> float:
    """The largest difference, as a part of the largest value expected."""
    largest = float(abs(expected).max(initial=0))
    return float(abs(found - expected).max(initial=0)) / (largest or 1.0)


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
