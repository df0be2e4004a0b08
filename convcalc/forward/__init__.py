"""Running a network: the only part that imports NumPy or CuPy, and only once something runs.

Two tiers check each other. The reference walks the graph with every layer's readable `forward`.
The engine compiles the graph once for an input shape, into a flat list of NumPy calls over memory
that is laid out in advance, and runs them on a pool of threads. The engine's files may be left
alone: what all others import of it is in `engine/__init__.py`.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from os import PathLike

    from convcalc.forward.engine import Executable
    from convcalc.graph import Given, GivenShape, Network
    from convcalc.spec.nodes import Value

__all__ = ["compile", "measure_peak", "random_weights", "run"]

Keep = Literal["all", "output"] | Iterable[str]
"""Whose outputs to return: all layers', the network's alone, or those of the layers and blocks
named."""


def compile(  # noqa: A001 (what it does; callers write forward.compile)
    network: "Network",
    batch: int = 1,
    *,
    weights: Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int | None = None,
    dtype: str = "float32",
    once: bool = False,
) -> "Executable":
    """Compile `network` for batches of `batch` examples, ready to run again and again.

    `weights` are named as in `random_weights`; without them they are random, from `seed`. At most
    `threads` threads work (by default one per core that the process may use). `once` leaves out
    preparation that pays from the second run on.
    """
    from convcalc.forward.engine import Executable

    executable = Executable(
        network, batch, weights=weights, seed=seed, threads=threads, dtype=dtype, once=once
    )
    executable.compiled()
    return executable


def random_weights(
    network: "Network", seed: int = 0, *, threads: int | None = None
) -> dict[str, Any]:
    """Random float32 weights by "<layer>.<weight>", in PyTorch's layout; activations stay finite.

    The same seed gives the same weights whatever the number of threads.
    """
    from convcalc.forward.weights import random_weights as fill

    return fill(network, seed, threads=threads)


def run(
    network: "Given",
    x: Any,
    weights: "Mapping[str, Any] | str | PathLike[str] | None" = None,
    *,
    seed: int | None = None,
    reference: bool = False,
    backend: Literal["numpy", "cupy"] = "numpy",
    keep: Keep = "output",
    threads: int | None = None,
    input: "GivenShape | None" = None,  # noqa: A002 (the spec's own word)
    parameters: "Mapping[str, Value] | None" = None,
) -> dict[str, Any]:
    """Run a network on a batch `x` of shape (N, C, *spatial) and return arrays by name.

    `network` is one, a `Spec`, or what `load` takes: a name, a path; `input` and `parameters` are
    for one that is read. Where there are several inputs, `x` has an array for each by its name.
    Only the network's outputs are kept, by the names that `outputs` gives them, or one by that of
    its layer, unless `keep` says more: what is kept cannot be fused with what follows it, and takes
    memory until the end.
    `weights` are arrays by name, or a file of them, by "<layer>.<weight>" in PyTorch's layout or as
    they are published (docs/verify.md), random from `seed` without.
    `reference` runs the readable definition of every layer instead of the engine; `backend` "cupy"
    does so on a GPU. At most `threads` threads of the engine work, by default one per core that the
    process may use; of the reference's BLAS, by default one.
    What comes back are NumPy's arrays in float32, whatever the dtype of `x`; from the definitions
    they have the dtype of `x`, or float32 where that is of whole numbers.

    Raises `ValueError` for an input of another shape, for names in `keep` that are no layers, for
    what would have no effect, and for weights that do not fit, listing all of them.
    """
    from convcalc.forward.running import run as run_network

    return run_network(
        network,
        x,
        weights,
        seed=seed,
        reference=reference,
        backend=backend,
        keep=keep,
        threads=threads,
        input=input,
        parameters=parameters,
    )


def measure_peak(function: Any, *arguments: Any, **options: Any) -> tuple[Any, int]:
    """Call `function`; return what it returns and the most bytes it had allocated at once.

    Counts what Python and NumPy allocate, by tracemalloc, beyond what was there before.
    """
    import tracemalloc

    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        result = function(*arguments, **options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not tracing:
            tracemalloc.stop()
    return result, peak - before
