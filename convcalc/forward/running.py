"""`run`: a network by the engine, or by the definitions of its layers, in NumPy or CuPy."""

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

import numpy as np

from convcalc.arguments import one_of, switch, texts, whole
from convcalc.diagnostics import closest
from convcalc.forward.engine import Executable
from convcalc.forward.given import checked_input
from convcalc.forward.named import given_weights
from convcalc.forward.reference import run_reference
from convcalc.forward.threads import blas_threads
from convcalc.forward.weights import random_weights
from convcalc.graph import Given, GivenShape, read
from convcalc.graph.planned import Planned, planned
from convcalc.spec.nodes import Value


def run(
    network: Given,
    x: Any,
    weights: "Mapping[str, Any] | str | PathLike[str] | None" = None,
    *,
    seed: int | None = None,
    reference: bool = False,
    backend: str = "numpy",
    keep: str | Iterable[str] = "output",
    threads: int | None = None,
    input: GivenShape | None = None,  # noqa: A002
    parameters: Mapping[str, Value] | None = None,
) -> dict[str, Any]:
    """See `convcalc.forward.run`."""
    network = planned(read(network, input=input, parameters=parameters))
    one_of(backend, "backend", ("numpy", "cupy"))
    if seed is not None:
        seed = whole(seed, "seed", least=0)
        if weights is not None:
            message = f"seed {seed} would have no effect: weights are given"
            raise ValueError(message)
    if threads is not None:
        threads = whole(threads, "threads")
    x = checked_input(network, x)
    kept = _kept(network, keep)
    arrays = None if weights is None else given_weights(weights, network).weights
    if backend == "numpy" and not switch(reference, "reference"):
        executable = Executable(
            network, len(x), weights=arrays, seed=seed or 0, threads=threads, once=True
        )
        return executable.run_keeping(x, kept)
    xp = np if backend == "numpy" else cupy_with_gpu()
    if arrays is None:
        arrays = random_weights(network, seed or 0, threads=threads)
    x = xp.asarray(x)
    if x.dtype.kind != "f":  # weights would lose their fractions
        x = x.astype(np.float32)
    arrays = {name: xp.asarray(each, dtype=x.dtype) for name, each in arrays.items()}
    with np.errstate(all="ignore"), blas_threads(threads or 1):
        outputs = run_reference(xp, network, x, arrays, set(kept))
    return outputs if xp is np else {name: xp.asnumpy(y) for name, y in outputs.items()}


def _kept(network: Planned, keep: object) -> list[str]:
    """Names of the layers whose outputs are wanted; raises `ValueError` for one there is not."""
    if keep == "all":
        return [node.name for node in network.layers]
    names = [node.name for node in network.nodes]
    if keep == "output":
        return [names[index] for index in network.outputs]
    kept = texts(keep, "keep", "'all' or ['conv1']")
    wrong = sorted({*kept} - {*names})
    if wrong:
        near = closest(wrong[0], names)
        advice = f"; did you mean {near}?" if near else ""
        message = f"no such layer to keep: {', '.join(wrong)}{advice}"
        raise ValueError(message)
    return kept


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
