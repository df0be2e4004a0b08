"""What `convcalc.memory` and `convcalc.largest_batch` are: terms by keyword, one answer each."""

from collections.abc import Mapping

from convcalc.analysis.memory.amounts import read_bytes
from convcalc.analysis.memory.batch import refusals
from convcalc.analysis.memory.checkpoint import read_checkpoint
from convcalc.analysis.memory.limits import read_limit
from convcalc.analysis.memory.losses import RULES as LOSSES
from convcalc.analysis.memory.optimizer import RULES
from convcalc.analysis.memory.program import LOSS
from convcalc.analysis.memory.report import MemoryReport
from convcalc.analysis.memory.terms import ATTENTION, AUTO, Checkpoint, RunTerms, model
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.arguments import one_of, shown, switch, whole
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Given, GivenShape, Network, SpecError, read
from convcalc.numbers import both_bytes
from convcalc.spec.nodes import Value


def memory(
    network: Given,
    *,
    batch: int = 1,
    dtype: str = "float32",
    training: bool = False,
    optimizer: str = "sgd",
    fused: bool = True,
    mixed_precision: bool = False,
    inplace: bool = True,
    overhead: int | str = 0,
    device: str = "cpu",
    checkpoint: Checkpoint | str | None = None,
    limit: int | str | None = None,
    attention: str | None = None,
    loss: str = LOSS,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> MemoryReport:
    """Work out what a network takes for a batch, in inference or in a training step.

    `network` is one, a `Spec`, or what `load` takes: a name, a path; `input` and `parameters` are
    for one that is read.
    `fused` is whether the optimizer works on all tensors at once, as PyTorch does on CUDA;
    `inplace` whether activation functions that can overwrite their input do; `device`, "cpu"
    or "cuda", matters for dropout's mask and for what mixed precision computes in float32;
    `loss` is what a training step makes small, "cross-entropy" unless given;
    `attention`, "fused" or "math", is how a network's attention is computed, fused unless given;
    `checkpoint` is every so many layers, or names of blocks, or a text as the command line takes
    it; with "auto" it is the segments with the fewest recomputed MACs whose peak is within `limit`,
    which is bytes, or what the command line takes, and the report's `segments` say which these are;
    `overhead` is bytes, or a text such as "500MB".

    Raises `ValueError` for terms there are not, for those that change nothing, as an optimizer
    without training, and for a limit that no segments are found to fit into, and `SpecError` (which
    is one) for a network with errors, or with a layer that the batch is too small for.
    """
    read_one = measurable(read(network, input=input, parameters=parameters))
    batch = whole(batch, "batch")
    terms = run_terms(
        dtype=dtype,
        training=training,
        optimizer=optimizer,
        fused=fused,
        mixed_precision=mixed_precision,
        inplace=inplace,
        overhead=overhead,
        device=device,
        checkpoint=checkpoint,
        attention=attention,
        loss=loss,
    )
    if (terms.checkpoint == AUTO) != (limit is not None):
        message = (
            "checkpoint='auto' needs the limit to find checkpoints for: limit='8GiB'"
            if limit is None
            else f"limit {shown(limit)} would change nothing without checkpoint='auto'"
        )
        raise ArgumentError(message)
    if limit is not None:
        if refused := refusals(read_one, batch, training=training):
            raise SpecError(refused)
        terms = terms._replace(checkpoint=_found(read_one, terms, batch, limit))
    any_batch = model(read_one, terms)
    if batch < any_batch.fewest:
        raise SpecError(refusals(read_one, batch, training=training))
    return any_batch.report(batch)


def _found(network: Network, terms: RunTerms, batch: int, limit: int | str) -> tuple[str, ...]:
    """The cheapest checkpoints within a limit; raises `ValueError` where none fit."""
    from convcalc.analysis.memory.automatic import automatic

    bound = read_limit(limit)
    best = automatic(network, terms, batch, bound.room)
    if not best.fits:
        least = "the lowest peak of all choices" if best.proven else "the lowest peak found"
        message = (
            f"no checkpoints fit into {bound.name}: {least} is {both_bytes(best.lowest)} at batch "
            f"{batch:,}, and there are {both_bytes(max(bound.room, 0))}"
        )
        raise ArgumentError(message)
    return best.names


def measurable(network: Network) -> Network:
    """The network; raises `SpecError` for one whose memory is not told whatever the batch."""
    if network.written is not None and network.written.unmeasured:
        raise SpecError(network.written.unmeasured)
    return network


def largest_batch(
    network: Given,
    limit: int | str,
    *,
    context: int | str | None = None,
    dtype: str = "float32",
    training: bool = False,
    optimizer: str = "sgd",
    fused: bool = True,
    mixed_precision: bool = False,
    inplace: bool = True,
    overhead: int | str = 0,
    device: str = "cpu",
    checkpoint: Checkpoint | str | None = None,
    attention: str | None = None,
    loss: str = LOSS,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> int:
    """The largest batch that fits into `limit`: one more does not. 0 when none that works does.

    `limit` is bytes, or what the command line takes: "8GiB", or the name of a GPU, such as "t4". Of
    a GPU a process's CUDA context takes `context` bytes, 500 MB unless given; a limit in bytes has
    none. With the checkpoint "auto" each batch has checkpoints with which it fits, if any do.
    Raises `ValueError` for a limit that is neither, for a context of a limit in bytes and, as
    `memory` does, for terms there are not, and `SpecError` (which is one) for a network read with
    errors.
    """
    read_one = measurable(read(network, input=input, parameters=parameters))
    bound = read_limit(limit, context=context)
    terms = run_terms(
        dtype=dtype,
        training=training,
        optimizer=optimizer,
        fused=fused,
        mixed_precision=mixed_precision,
        inplace=inplace,
        overhead=overhead,
        device=device,
        checkpoint=checkpoint,
        attention=attention,
        loss=loss,
    )
    if terms.checkpoint == AUTO:
        from convcalc.analysis.memory.automatic import largest_batch as largest_automatic

        return largest_automatic(read_one, terms, bound.room)
    return model(read_one, terms).largest_batch(bound.room)


def run_terms(
    *,
    dtype: str,
    training: bool,
    optimizer: str,
    fused: bool,
    mixed_precision: bool,
    inplace: bool,
    overhead: int | str,
    device: str,
    checkpoint: Checkpoint | str | None,
    attention: str | None = None,
    loss: str = LOSS,
) -> RunTerms:
    """The terms that are asked for, once each is one and has an effect.

    Raises `TypeError` and `ValueError` with the reason.
    """
    terms = RunTerms(
        dtype=one_of(dtype, "dtype", DTYPE_BYTES),
        training=switch(training, "training"),
        optimizer=one_of(optimizer, "optimizer", RULES),
        fused=switch(fused, "fused"),
        mixed_precision=switch(mixed_precision, "mixed_precision"),
        inplace=switch(inplace, "inplace"),
        overhead=read_bytes(overhead, "overhead", unitless=True),
        device=one_of(device, "device", ("cpu", "cuda")),
        checkpoint=read_checkpoint(checkpoint),
        attention=None if attention is None else one_of(attention, "attention", ATTENTION),
        loss=one_of(loss, "loss", LOSSES),
    )
    given = {
        f"loss {terms.loss!r}": terms.loss != LOSS,
        f"optimizer {terms.optimizer!r}": terms.optimizer != "sgd",
        "fused=False": not terms.fused,
        f"checkpoint {terms.checkpoint!r}": terms.checkpoint is not None,
    }
    idle = [name for name, there in given.items() if there]
    if idle and not terms.training:
        message = f"{' and '.join(idle)} would change nothing without training=True"
        raise ArgumentError(message)
    return terms
