"""`convcalc explain --memory`: which peak its options ask for, and which would be idle."""

from collections.abc import Collection, Sequence

from convcalc.analysis.memory import Checkpoint, RunTerms
from convcalc.analysis.memory.terms import AUTO
from convcalc.cli.options import idle_in
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.page import Page
from convcalc.explanation.peak import (
    explain_arena,
    explain_device,
    explain_peak,
    explain_runtime,
)
from convcalc.explanation.peak import page as peak_page
from convcalc.graph import Network


def page(
    network: Network,
    _: Sequence[int] = (),
    *,
    memory: bool = True,
    batch: int = 1,
    dtype: str | None = None,
    training: bool = False,
    optimizer: str | None = None,
    fused: bool | None = None,
    mixed_precision: bool = False,
    inplace: bool = True,
    device: str = "cpu",
    overhead: int = 0,
    checkpoint: Checkpoint | None = None,
    devices: int | None = None,
    shard: str | None = None,
    deploy: bool = False,
    arena: bool = False,
    attention: str | None = None,
    every: bool = False,
) -> Page:
    """The page of a peak, by options that mean what they mean to `convcalc memory`.

    Raises `ValueError` where they ask for what there is not, or would have no effect, and
    `SpecError` for a network with errors.
    """
    del memory  # which is what asks for this page
    terms = RunTerms(
        dtype=dtype or ("int8" if arena else "float32"),
        training=training,
        optimizer=optimizer or "sgd",
        fused=fused is not False,
        mixed_precision=mixed_precision,
        inplace=inplace,
        overhead=overhead,
        device=device,
        checkpoint=checkpoint,
        attention=attention,
    )
    of_training = {
        "optimizer": optimizer,
        "fused": fused,
        "checkpoint": checkpoint,
        "devices": devices,
        "shard": shard,
    }
    given = {name for name, value in of_training.items() if value is not None}
    _refuse_idle(given, terms, deploy=deploy, arena=arena, batch=batch)
    if arena:
        explanation = explain_arena(network, terms)
    elif deploy:
        explanation = explain_runtime(network, terms, batch)
    elif devices is not None:
        explanation = explain_device(network, terms, batch, devices, shard or "none")
    else:
        explanation = explain_peak(network, terms, batch)
    return peak_page(explanation, every=every)


def _refuse_idle(
    given: Collection[str],
    terms: RunTerms,
    *,
    deploy: bool,
    arena: bool,
    batch: int,
) -> None:
    """Raise `ValueError` for what would be without effect, or is of two things at once."""
    message = idle_in(given, training=terms.training)
    if terms.checkpoint == AUTO and not message:
        message = (
            "--checkpoint auto needs a --limit, which `convcalc memory` has: explain the "
            "--checkpoint that it prints"
        )
    if deploy and arena:
        message = "--deploy and --arena are two plans of memory: ask for one"
    if deploy or arena:
        option = "--arena" if arena else "--deploy"
        idle = {
            "--training": terms.training,
            "--mixed-precision": terms.mixed_precision,
            "--no-inplace": not terms.inplace,
            "--device": terms.device != "cpu",
            "--overhead": terms.overhead > 0,
            "--attention": terms.attention is not None,
            "--batch": arena and batch != 1,
        }
        for other, there in idle.items():
            if there:
                message = f"{other} has no effect on {option}"
        if idle["--batch"]:
            message = "--arena is planned for one example: leave --batch out"
    if message:
        raise ArgumentError(message)
