"""One run of a network with everything looked at: values, times, and the bytes that it takes."""

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from time import perf_counter
from typing import Any

import numpy as np

from convcalc.forward.engine import Compiled, Executable, Stage
from convcalc.forward.given import Inputs, examples_of, index_limits
from convcalc.forward.reference import run_reference
from convcalc.forward.running import cupy_with_gpu
from convcalc.forward.samples import Comparison
from convcalc.forward.seen import Timed, Values
from convcalc.forward.threads import blas_threads
from convcalc.forward.weights import Drawn
from convcalc.graph import LayerNode
from convcalc.graph.planned import Planned

Progress = Callable[[int, int], None]
"""Called with how many layers are done, and of how many."""


def random_inputs(
    network: Planned, batch: int, seed: int, limits: Mapping[int, int] | None = None
) -> Inputs:
    """Normally distributed numbers of the shape of each input, by its name.

    Of one whose numbers are looked up, whole ones below its limit, each as likely; a part of a
    network is given the limits of the whole.
    """
    generator = np.random.default_rng(seed)
    limits = index_limits(network) if limits is None else limits
    inputs: Inputs = {}
    for name, index in network.named_inputs.items():
        shape = (batch, *network.shape_of(index).axes)
        if index in limits:
            inputs[name] = generator.integers(0, limits[index], shape)
        else:
            inputs[name] = generator.standard_normal(shape, dtype=np.float32)
    return inputs


def is_finite(xp: Any, y: Any) -> bool:
    """Whether every value is finite; a sum that is, tells without an array of answers."""
    with np.errstate(all="ignore"):
        return bool(xp.isfinite(y.sum())) or bool(xp.isfinite(y).all())


class _Clock:
    """Seconds of what runs one behind the other, over several runs."""

    def __init__(self) -> None:
        self.runs: list[list[Timed]] = []
        self.started = 0.0

    @contextmanager
    def run(self) -> Iterator[None]:
        """One more run."""
        self.runs.append([])
        self.started = perf_counter()
        yield

    def note(self, layers: tuple[str, ...], kernel: str, seconds: float | None = None) -> bool:
        """Something has run, since the last `go_on` unless its seconds are given.

        Whether it is the first run, in which everything is looked at.
        """
        seconds = perf_counter() - self.started if seconds is None else seconds
        self.runs[-1].append(Timed(layers, kernel, seconds))
        return len(self.runs) == 1

    def go_on(self) -> None:
        """What was between is not timed."""
        self.started = perf_counter()

    @property
    def best(self) -> list[Timed]:
        """The shortest time of each."""
        return [min(each, key=lambda timed: timed.seconds) for each in zip(*self.runs, strict=True)]


class _Look:
    """What is seen of layers' outputs when they are computed."""

    def __init__(self, xp: Any, network: Planned, progress: Progress | None) -> None:
        self.xp, self.progress, self.count = xp, progress, len(network.layers)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.finite: dict[str, bool] = {}

    def at(self, layers: tuple[str, ...], y: Any) -> None:
        """The output of the last of some layers that were computed in one pass."""
        self.shapes[layers[-1]] = tuple(y.shape)
        self.finite.update(dict.fromkeys(layers, is_finite(self.xp, y)))
        if self.progress is not None:
            self.progress(len(self.finite), self.count)


class _Traps:
    """Each output is full of NaN until it is computed; that of the next is, when one has been."""

    def __init__(self, compiled: Compiled) -> None:
        self.left = [stage.output for stage in compiled.stages[::-1] if stage.output is not None]
        self.next()

    def next(self) -> None:
        """Not all at once, because outputs share memory."""
        if self.left:
            self.left.pop().fill(np.nan)


def with_engine(
    network: Planned,
    given: Inputs,
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
        network, examples_of(given), weights=weights, threads=threads, once=True, apart=True
    )
    compiled = executable.compiled(keep)
    clock, look, traps = _Clock(), _Look(np, network, progress), _Traps(compiled)
    comparison = Comparison(network, weights, compiled.stages, seed)
    comparison.sources(given)

    def after(stage: Stage, seconds: float) -> None:
        if clock.note(stage.names, stage.kernel, seconds) and stage.names:
            comparison.stage(stage)
            look.at(stage.names, stage.output)
            traps.next()

    outputs: dict[str, Any] = {}
    for _ in range(repeats):
        with clock.run():
            outputs = executable.watch(given, after, keep)
    return Values(
        tier="engine",
        shapes=look.shapes,
        finite=look.finite,
        outputs=_named(network, outputs),
        kept={name: outputs[name] for name in keep},
        times=clock.best,
        alive=_alive_in_stages(compiled, network),
        allocated=compiled.size,
        compared=comparison.compared,
    )


def _named(network: Planned, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The network's outputs by their names, of arrays by full names of layers."""
    ends = network.named_outputs.items()
    return {name: arrays[network.nodes[index].name] for name, index in ends}


def _alive_in_stages(compiled: Compiled, network: Planned) -> int:
    """Most bytes of arrays between being written and being read for the last time, at once.

    A copy that the engine makes of a view, because it has channels last, is what it is a view of.
    """
    views = {node.name for node in network.nodes if node.layer.storage == "view"}
    stages = [stage for stage in compiled.stages if stage.output is not None]
    sizes = {id(source): int(source.nbytes) for source in compiled.sources.values()}
    first, last = dict.fromkeys(sizes, -1), dict.fromkeys(sizes, -1)
    same = {source: source for source in sizes}
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


class _Device:
    """Where the reference computes: in NumPy, or on a GPU in CuPy."""

    def __init__(self, backend: str, dtype: str) -> None:
        self.gpu, self.dtype = backend == "cupy", dtype
        self.xp: Any = cupy_with_gpu() if self.gpu else np

    def array(self, values: Any) -> Any:
        """Values there, in the data type."""
        drawn = isinstance(values, Drawn)
        return self.xp.asarray(np.asarray(values) if drawn else values, dtype=self.dtype)

    def wait(self) -> None:
        """Until all that it was asked for has been computed."""
        if self.gpu:
            self.xp.cuda.get_current_stream().synchronize()

    def back(self, y: Any) -> Any:
        """An array in NumPy."""
        return self.xp.asnumpy(y) if self.gpu else y

    def allocated(self) -> int:
        """Bytes that a GPU's arrays were given; 0 in NumPy, where nobody counts."""
        return int(self.xp.get_default_memory_pool().total_bytes()) if self.gpu else 0


@contextmanager
def _quietly() -> Iterator[None]:
    """Values that are not finite are looked at, and not warned of."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def with_reference(
    network: Planned,
    given: Inputs,
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
    device = _Device(backend, dtype)
    numbers = {network.nodes[index].name for index in network.index_inputs}
    given = {
        name: device.xp.asarray(x) if name in numbers else device.array(x)
        for name, x in given.items()
    }
    arrays = {
        name: each if isinstance(each, Drawn) else device.array(each)
        for name, each in weights.items()
    }
    clock, look = _Clock(), _Look(device.xp, network, progress)
    same: dict[str, bool] = {}
    sizes = {name: int(x.nbytes) for name, x in given.items()}

    def after(node: LayerNode, xs: Sequence[Any], y: Any) -> None:
        device.wait()
        if clock.note((node.name,), node.kind):
            same[node.name], sizes[node.name] = y is xs[0], int(y.nbytes)
            look.at((node.name,), y)
        clock.go_on()

    names = {*keep, *(network.nodes[index].name for index in network.outputs)}
    outputs: dict[str, Any] = {}
    for _ in range(repeats):
        with _quietly(), blas_threads(threads or 1), clock.run():
            outputs = run_reference(device.xp, network, given, arrays, names, after, device.array)
    allocated = device.allocated()
    outputs = {name: device.back(y) for name, y in outputs.items()}
    return Values(
        tier="reference",
        shapes=look.shapes,
        finite=look.finite,
        outputs=_named(network, outputs),
        kept={name: outputs[name] for name in keep},
        times=clock.best,
        alive=_alive_between_layers(network, sizes, same, overwriting=True),
        allocated=allocated or _alive_between_layers(network, sizes, same, overwriting=False),
    )


def _alive_between_layers(
    network: Planned, sizes: Mapping[str, int], same: Mapping[str, bool], *, overwriting: bool
) -> int:
    """Most bytes of arrays between being made and being read for the last time, at once.

    A layer's output lies where its first input does if it is the same array or a view of it. When
    `overwriting`, it also does if nobody reads that any more and it is as large, where the layer
    works value by value or is a normalization that goes into the weights before it.
    """
    readers = Counter(source for node in network.nodes for source in node.inputs)
    readers.update(network.outputs)
    own = {index: sizes[node.name] for index, node in enumerate(network.nodes)}
    place: dict[int, int] = {}
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    to_come: dict[int, int] = {}
    for index, node in enumerate(network.nodes):
        for source in node.inputs:
            to_come[place[source]] -= 1
            last[place[source]] = index
        layer = node.layer
        whole = place[node.inputs[0]] if node.inputs else index
        unread = whole != index and not to_come[whole] and own[index] == own[whole]
        overwrites = overwriting and unread and (layer.storage == "in_place" or layer.folds)
        if node.inputs and (same[node.name] or layer.storage == "view" or overwrites):
            place[index] = whole
        else:
            place[index] = index
            first[index] = last[index] = index
            to_come[index] = 0
        to_come[place[index]] += readers[index]
    for output in network.outputs:
        last[place[output]] = len(network.nodes)
    return _most_at_once(own, first, last)


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
