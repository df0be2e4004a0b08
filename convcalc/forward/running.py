"""`run`: a network by the engine, or by the definitions of its layers, in NumPy or CuPy."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from convcalc.forward.engine import Executable
from convcalc.forward.reference import run_reference
from convcalc.forward.threads import blas_threads
from convcalc.forward.weights import checked_weights, random_weights
from convcalc.graph import Network
from convcalc.graph.planned import planned


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
    network = planned(network)
    names = [node.name for node in network.nodes]
    if keep == "all":
        kept = [node.name for node in network.layers]
    elif keep == "output":
        kept = [names[index] for index in network.outputs]
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
    if tuple(x.shape[1:]) != network.input.axes:
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
        outputs = run_reference(xp, network, x, arrays, set(kept))
    return outputs if xp is np else {name: xp.asnumpy(y) for name, y in outputs.items()}


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
