"""Compiled networks, and `run`, which chooses between them and the reference."""

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from convcalc.forward.plan import Compiled, Step, build
from convcalc.forward.pool import available_cores, blas_threads, workers
from convcalc.forward.reference import run_reference
from convcalc.forward.weights import Drawn, checked_weights, drawn_weights, random_weights
from convcalc.graph import Network, SpecError

Array = np.ndarray[Any, Any]


class Executable:
    """A network for batches of one size, with its weights; compiled for the outputs asked for.

    `once` leaves out preparation that pays from the second run on, `apart` computes every operation
    on its own instead of in chains: what is between them can then be looked at.
    """

    def __init__(
        self,
        network: Network,
        batch: int = 1,
        *,
        weights: Mapping[str, Any] | None = None,
        seed: int = 0,
        threads: int | None = None,
        dtype: str = "float32",
        once: bool = False,
        apart: bool = False,
    ) -> None:
        if network.errors:
            raise SpecError(network.errors)
        if batch < 1:
            message = f"batch {batch} is below 1"
            raise ValueError(message)
        if dtype != "float32":
            message = f"the engine works in float32; run {dtype} with reference=True"
            raise ValueError(message)
        if weights is None:
            drawn = drawn_weights(network, seed)
            weights = drawn if once else random_weights(network, seed, threads=threads)
        else:
            checked_weights(network, weights)
            weights = {
                name: each if isinstance(each, Drawn) else np.asarray(each, np.float32)
                for name, each in weights.items()
            }
        self.network = network
        self.batch = batch
        self.threads = threads or available_cores()
        self._weights = weights
        self._once, self._apart = once, apart
        self._compiled: dict[tuple[int, ...], Compiled] = {}

    def _compile(self, keep: tuple[int, ...]) -> Compiled:
        if keep not in self._compiled:
            nodes = {*keep, *([self.network.output] if self.network.output >= 0 else ())}
            self._compiled[keep] = build(
                self.network,
                self.batch,
                self._weights,
                nodes,
                self.threads,
                once=self._once,
                apart=self._apart,
            )
        return self._compiled[keep]

    @property
    def workspace_bytes(self) -> int:
        """Memory for activations and scratch of a run that keeps the output alone."""
        return self._compile(()).size

    def run(self, x: Any) -> Array:
        """The network's output for a batch `x` of shape (N, C, *spatial)."""
        network = self.network
        if network.output < 0:
            return np.array(self._checked(x))
        return self._run(x, ())[network.output]

    def run_keeping(self, x: Any, keep: Iterable[str]) -> dict[str, Array]:
        """The outputs of the layers named, each computed as if nothing followed it."""
        wanted = self._indices(keep)
        found = self._run(x, wanted)
        return {self.network.nodes[index].name: found[index] for index in wanted}

    def profile(self, x: Any) -> list[tuple[tuple[str, ...], str, float]]:
        """Layers, kernel and seconds of every step of one run."""
        found: list[tuple[tuple[str, ...], str, float]] = []
        self._run(x, (), lambda step, time: found.append((step.names, step.kernel, time)))
        return found

    def compiled(self, keep: Iterable[str] = ()) -> Compiled:
        """Steps and memory of a run that keeps the layers named beside the output."""
        return self._compile(self._indices(keep))

    def watch(
        self, x: Any, after: Callable[[Step, float], None], keep: Iterable[str] = ()
    ) -> dict[str, Array]:
        """Run step by step, with `after` called on each step and its seconds.

        The arrays of a step's inputs and output hold its values until the next step runs.
        """
        found = self._run(x, self._indices(keep), after)
        return {self.network.nodes[index].name: y for index, y in found.items() if index >= 0}

    def _indices(self, keep: Iterable[str]) -> tuple[int, ...]:
        names = {node.name: index for index, node in enumerate(self.network.nodes)}
        return tuple(sorted({names[name] for name in keep}))

    def _checked(self, given: Any) -> Array:
        shape = self.network.input
        x: Array = np.asarray(given, np.float32)
        if shape is None or x.shape != (self.batch, *shape.axes):
            message = (
                f"the input is {'×'.join(map(str, x.shape))}, and the network compiled for "
                f"{'×'.join(map(str, (self.batch, *(shape.axes if shape else ()))))} "
                "(batch, channels, extents)"
            )
            raise ValueError(message)
        return x

    def _run(
        self, x: Any, keep: tuple[int, ...], after: Callable[[Step, float], None] | None = None
    ) -> dict[int, Array]:
        x = self._checked(x)
        compiled = self._compile(keep)
        np.copyto(compiled.source, x)
        with workers(self.threads) as execute, np.errstate(all="ignore"):
            if after is not None:
                for step in compiled.steps:
                    start = perf_counter()
                    execute(step.phases)
                    after(step, perf_counter() - start)
            else:
                execute([phase for step in compiled.steps for phase in step.phases])
        return {index: np.array(y, order="C") for index, y in compiled.outputs.items()}


def run(
    network: Network,
    x: Any,
    weights: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    reference: bool = False,
    backend: str = "numpy",
    keep: str | Iterable[str] = "output",
    threads: int | None = None,
) -> dict[str, Any]:
    """See `convcalc.forward.run`."""
    if network.errors:
        raise SpecError(network.errors)
    names = [node.name for node in network.nodes]
    if keep == "all":
        kept = names
    elif keep == "output":
        kept = [names[network.output]] if network.output >= 0 else []
    else:
        kept = [keep] if isinstance(keep, str) else list(keep)
        unknown = sorted(set(kept) - set(names))
        if unknown:
            message = f"no such layer to keep: {', '.join(unknown)}"
            raise ValueError(message)
    if backend not in ("numpy", "cupy"):
        message = f"backend {backend!r} is neither numpy nor cupy"
        raise ValueError(message)
    if backend == "numpy" and not reference:
        executable = Executable(
            network, len(x), weights=weights, seed=seed, threads=threads, once=True
        )
        return executable.run_keeping(x, kept)
    if network.input is None or tuple(x.shape[1:]) != network.input.axes:
        message = f"the input is {x.shape}, and the network's (batch, {network.input})"
        raise ValueError(message)
    xp = np if backend == "numpy" else cupy_with_gpu()
    if weights is None:
        weights = random_weights(network, seed, threads=threads)
    else:
        checked_weights(network, weights)
    x = xp.asarray(x)
    if x.dtype.kind != "f":  # weights would lose their fractions
        x = x.astype(np.float32)
    arrays = {name: xp.asarray(each, dtype=x.dtype) for name, each in weights.items()}
    with np.errstate(all="ignore"), blas_threads(threads or 1):
        found = run_reference(xp, network, x, arrays, set(kept))
    return found if xp is np else {name: xp.asnumpy(y) for name, y in found.items()}


def cupy_with_gpu() -> Any:
    """CuPy, if there is a GPU; `ModuleNotFoundError` or `RuntimeError` says what is missing."""
    try:
        import cupy
    except ImportError as error:
        message = "backend cupy needs CuPy: pip install cupy-cuda12x (or your CUDA version's)"
        raise ModuleNotFoundError(message, name="cupy") from error
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        message = f"backend cupy needs a CUDA GPU: {error}"
        raise RuntimeError(message) from error
    return cupy
