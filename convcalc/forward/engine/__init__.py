"""The engine: a network compiled for batches of one size, ready to run again and again.

This module is all that others import of the engine. A compiled network comes about in four steps:

1. `fusion.py`: layers to fusions, which is what a producer can do on its way out.
2. `kernels/`: what computes a fusion, some rows at a time; one file a family.
3. `chain.py`: kernels that run one behind the other on a band of rows, which stays in cache.
4. `compile.py`: all of it as NumPy calls over one block of memory, which `arena.py` shares out.

`pool.py` runs the calls on threads. The engine takes layers, shapes and weights, and may be left
alone by whoever wants to know what a layer does: that is what its `forward` says.
"""

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from convcalc.diagnostics import ArgumentError
from convcalc.forward.engine.bounds import Bounds, memory_bounds
from convcalc.forward.engine.compile import Compiled, Stage, build
from convcalc.forward.engine.pool import workers
from convcalc.forward.given import checked_inputs
from convcalc.forward.threads import available_cores
from convcalc.forward.weights import Drawn, checked_weights, drawn_weights, random_weights
from convcalc.graph import Network
from convcalc.graph.planned import planned

__all__ = ["Bounds", "Compiled", "Executable", "Stage", "memory_bounds"]

Array = np.ndarray[Any, Any]


class Executable:
    """A network for batches of one size, with its weights; compiled for the outputs asked for.

    `once` leaves out preparation that pays from the second run on, `apart` computes every fusion
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
        network = planned(network)
        if batch < 1:
            message = f"batch {batch} is below 1"
            raise ArgumentError(message)
        if dtype != "float32":
            message = f"the engine works in float32; run {dtype} with reference=True"
            raise ArgumentError(message)
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
            nodes = {*keep, *self.network.outputs}
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

    def run(self, x: Any) -> Any:
        """The network's output for a batch `x` of shape (N, C, *spatial).

        Of several inputs `x` has the arrays by their names, and so has what is returned of several
        outputs.
        """
        arrays = self._run(x, ())
        named = self.network.named_outputs
        if len(named) == 1:
            return arrays[self.network.output]
        return {name: arrays[index] for name, index in named.items()}

    def run_keeping(self, x: Any, keep: Iterable[str]) -> dict[str, Array]:
        """What layers, blocks or inputs give, by the names that are given of them.

        Each is computed as if nothing followed it.
        """
        tensors = self.network.named_outputs | self.network.tensors()
        wanted = {name: index for name in keep if (index := tensors[name]) is not None}
        outputs = self._run(x, tuple(sorted({*wanted.values()})))
        return {name: outputs[index] for name, index in wanted.items()}

    def profile(self, x: Any) -> list[tuple[tuple[str, ...], str, float]]:
        """Layers, kernel and seconds of every stage of one run."""
        stages: list[tuple[tuple[str, ...], str, float]] = []
        self._run(x, (), lambda stage, time: stages.append((stage.names, stage.kernel, time)))
        return stages

    def compiled(self, keep: Iterable[str] = ()) -> Compiled:
        """Steps and memory of a run that keeps the layers named beside the output."""
        return self._compile(self._indices(keep))

    def watch(
        self, x: Any, after: Callable[[Stage, float], None], keep: Iterable[str] = ()
    ) -> dict[str, Array]:
        """Run stage by stage, with `after` called on each stage and its seconds.

        The arrays of a stage's inputs and output hold its values until the next stage runs.
        """
        outputs = self._run(x, self._indices(keep), after)
        return {self.network.nodes[index].name: y for index, y in outputs.items()}

    def _indices(self, keep: Iterable[str]) -> tuple[int, ...]:
        names = {node.name: index for index, node in enumerate(self.network.nodes)}
        return tuple(sorted({names[name] for name in keep}))

    def _run(
        self, x: Any, keep: tuple[int, ...], after: Callable[[Stage, float], None] | None = None
    ) -> dict[int, Array]:
        given = checked_inputs(self.network, x, self.batch)
        compiled = self._compile(keep)
        for name, index in self.network.named_inputs.items():
            np.copyto(compiled.sources[index], np.asarray(given[name]), casting="unsafe")
        with workers(self.threads) as execute, np.errstate(all="ignore"):
            if after is not None:
                for stage in compiled.stages:
                    start = perf_counter()
                    execute(stage.phases)
                    after(stage, perf_counter() - start)
            else:
                execute([phase for stage in compiled.stages for phase in stage.phases])
        return {index: np.array(y, order="C") for index, y in compiled.outputs.items()}
