"""What `convcalc.memory` and `convcalc.largest_batch` are: terms by keyword, one answer each."""

from convcalc.analysis.memory.batch import refusals
from convcalc.analysis.memory.limits import read_bytes, read_limit
from convcalc.analysis.memory.report import MemoryReport
from convcalc.analysis.memory.terms import Checkpoint, RunTerms, model
from convcalc.graph import Network, SpecError


def memory(
    network: Network,
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
    checkpoint: Checkpoint | None = None,
) -> MemoryReport:
    """Work out what `network` takes for a batch, in inference or in a training step.

    `fused` is whether the optimizer works on all tensors at once, as PyTorch does on CUDA;
    `inplace` whether activation functions that can overwrite their input do; `device`, "cpu"
    or "cuda", matters for dropout's mask and for what mixed precision computes in float32;
    `checkpoint` is every so many layers, or names of blocks; `overhead` is bytes, or a text such as
    "500MB". Raises `ValueError` for terms there are not and for those that change nothing, as an
    optimizer without training, and `SpecError` (which is one) for a network with errors, or with a
    layer that the batch is too small for.
    """
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        message = f"batch {batch!r} is no whole number above 0"
        raise ValueError(message)
    terms = RunTerms(
        dtype=dtype,
        training=training,
        optimizer=optimizer,
        fused=fused,
        mixed_precision=mixed_precision,
        inplace=inplace,
        overhead=read_bytes(overhead, "overhead", unitless=True),
        device=device,
        checkpoint=checkpoint,
    )
    _with_effect(terms)
    any_batch = model(network, terms)
    if batch < any_batch.fewest:
        raise SpecError(refusals(network, batch, training=training))
    return any_batch.report(batch)


def largest_batch(
    network: Network,
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
    checkpoint: Checkpoint | None = None,
) -> int:
    """The largest batch that fits into `limit`: one more does not. 0 when none that works does.

    `limit` is bytes, or what the command line takes: "8GiB", or the name of a GPU, such as "t4". Of
    a GPU a process's CUDA context takes `context` bytes, 500 MB unless given; a limit in bytes has
    none. Raises `ValueError` for a limit that is neither, for a context of a limit in bytes and, as
    `memory` does, for terms there are not, and `SpecError` (which is one) for a network read with
    errors.
    """
    bound = read_limit(limit, context=context)
    terms = RunTerms(
        dtype=dtype,
        training=training,
        optimizer=optimizer,
        fused=fused,
        mixed_precision=mixed_precision,
        inplace=inplace,
        overhead=read_bytes(overhead, "overhead", unitless=True),
        device=device,
        checkpoint=checkpoint,
    )
    _with_effect(terms)
    return model(network, terms).largest_batch(bound.room)


def _with_effect(terms: RunTerms) -> None:
    """Refuse what would change nothing. Raises `ValueError` with the reason."""
    given = {
        f"optimizer {terms.optimizer!r}": terms.optimizer != "sgd",
        "fused=False": not terms.fused,
        f"checkpoint {terms.checkpoint!r}": terms.checkpoint is not None,
    }
    idle = [name for name, there in given.items() if there]
    if idle and not terms.training:
        message = f"{' and '.join(idle)} would change nothing without training=True"
        raise ValueError(message)
