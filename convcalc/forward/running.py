"""`run`: a network by the engine, or by the definitions of its layers, in NumPy or CuPy."""

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

import numpy as np

from convcalc.arguments import one_of, switch, texts, whole
from convcalc.diagnostics import ArgumentError, closest
from convcalc.forward.engine import Executable
from convcalc.forward.given import checked_inputs, examples_of
from convcalc.forward.named import Fitted, given_weights, own_weights
from convcalc.forward.reference import run_reference
from convcalc.forward.threads import MOST_THREADS, blas_threads
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
            raise ArgumentError(message)
    if threads is not None:
        threads = whole(threads, "threads", most=MOST_THREADS)
    given = checked_inputs(network, x)
    kept = _kept(network, keep)
    if weights is not None:
        fitted: Fitted | None = given_weights(weights, network)
    else:
        fitted = own_weights(network) if seed is None else None
    arrays = None if fitted is None else fitted.weights
    if backend == "numpy" and not switch(reference, "reference"):
        executable = Executable(
            network, examples_of(given), weights=arrays, seed=seed or 0, threads=threads, once=True
        )
        return executable.run_keeping(given, kept)
    xp = np if backend == "numpy" else cupy_with_gpu()
    if arrays is None:
        arrays = random_weights(network, seed or 0, threads=threads)
    given = {name: xp.asarray(each) for name, each in given.items()}
    # Weights would lose their fractions in a type of whole numbers.
    fractions = [each.dtype for each in given.values() if each.dtype.kind == "f"]
    dtype = np.result_type(*(fractions or [np.float32]))
    numbers = {network.nodes[index].name for index in network.index_inputs}
    given = {
        name: each if name in numbers else xp.asarray(each, dtype=dtype)
        for name, each in given.items()
    }
    arrays = {name: xp.asarray(each, dtype=dtype) for name, each in arrays.items()}
    layers = {name: network.nodes[index].name for name, index in kept.items()}
    with np.errstate(all="ignore"), blas_threads(threads or 1):
        outputs = run_reference(xp, network, given, arrays, {*layers.values()})
    if xp is not np:
        outputs = {name: xp.asnumpy(y) for name, y in outputs.items()}
    return {name: outputs[layer] for name, layer in layers.items()}


def _kept(network: Planned, keep: object) -> dict[str, int]:
    """What is wanted, by name, with the index of the layer that makes it.

    Raises `ValueError` for a name that there is not.
    """
    ends = network.named_outputs
    if keep == "output":
        return ends
    if keep == "all":
        indices = {node.name: index for index, node in enumerate(network.nodes)}
        return {node.name: indices[node.name] for node in network.layers} | ends
    tensors = {name: index for name, index in network.tensors().items() if index is not None}
    kept = texts(keep, "keep", "'all' or ['conv1']")
    wrong = sorted({*kept} - {*tensors})
    if wrong:
        near = closest(wrong[0], tensors)
        advice = f"; did you mean {near}?" if near else ""
        message = f"no such layer to keep: {', '.join(wrong)}{advice}"
        raise ArgumentError(message)
    return {name: tensors[name] for name in kept}


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
