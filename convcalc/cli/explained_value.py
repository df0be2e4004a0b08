"""`convcalc explain --value`: weights and input from files, and whether there is memory for it."""

from collections.abc import Sequence

from convcalc.checks.verify import Run
from convcalc.cli.running import (
    given_inputs,
    given_weights,
    refuse_idle,
    refuse_too_large,
    running,
)
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.page import Page
from convcalc.explanation.value import DTYPES, explained, refusal
from convcalc.graph import Network
from convcalc.graph.planned import leading_to


def page(
    network: Network,
    layers: Sequence[int],
    *,
    value: tuple[int, ...],
    dtype: str = "float32",
    seed: int | None = None,
    weights_path: str | None = None,
    map_path: str | None = None,
    images: Sequence[str] = (),
    normalize: str | None = None,
) -> Page:
    """The page of one value of one layer; raises `SpecError` and `ValueError`."""
    (index,) = layers
    part = leading_to(network, index)
    refused = refusal(part, value)
    if refused is not None:
        raise ArgumentError(refused)
    if dtype not in DTYPES:
        message = f"--value computes in float32, float16 or float64, and not in {dtype}"
        raise ArgumentError(message)
    refuse_idle(weights_path, map_path, images, normalize, seed)
    run = Run(dtype=dtype, threads=1)
    refuse_too_large(part, run, drawn=weights_path is None)
    with running():
        fitted = given_weights(weights_path, map_path, network)
        shown = explained(
            network,
            index,
            value,
            given=given_inputs(images, normalize, part, 1),
            weights=None if fitted is None else fitted.weights,
            seed=seed or 0,
            dtype=dtype,
            notes=() if fitted is None else fitted.notes,
        )
    return shown.page()
