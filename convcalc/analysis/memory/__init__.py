"""How much memory inference and training take: PyTorch's own figures, predicted without PyTorch.

docs/memory.md defines every line. What layers do to memory is said beside their plans
(`Layer.operations`); `program` writes a network out as operations, and `walk` counts bytes.
"""

from convcalc.analysis.memory.answer import Answer, Checkpointed, Questions, answer
from convcalc.analysis.memory.arena import ArenaReport, Buffer, arena
from convcalc.analysis.memory.deploy import DeployReport, deploy
from convcalc.analysis.memory.limits import (
    GPUS,
    Fit,
    Limit,
    Suggestion,
    fits,
    gpu_memory,
    gpu_names,
    suggestions,
)
from convcalc.analysis.memory.model import Checkpoint, Model, Terms, model
from convcalc.analysis.memory.report import LayerMemory, Line, MemoryReport, Moment
from convcalc.analysis.memory.sharding import ShardedReport, sharded
from convcalc.graph import Network

__all__ = [
    "GPUS",
    "Answer",
    "ArenaReport",
    "Buffer",
    "Checkpoint",
    "Checkpointed",
    "DeployReport",
    "Fit",
    "LayerMemory",
    "Limit",
    "Line",
    "MemoryReport",
    "Model",
    "Moment",
    "Questions",
    "ShardedReport",
    "Suggestion",
    "Terms",
    "answer",
    "arena",
    "deploy",
    "fits",
    "gpu_memory",
    "gpu_names",
    "largest_batch",
    "memory",
    "model",
    "sharded",
    "suggestions",
]


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
    overhead: int = 0,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
) -> MemoryReport:
    """Work out what `network` takes for a batch, in inference or in a training step.

    `fused` is whether the optimizer works on all tensors at once, as PyTorch does on CUDA;
    `inplace` whether activation functions that can overwrite their input do; `device` matters for
    dropout's mask alone; `checkpoint` is every so many layers, or names of blocks. Raises
    `ValueError` for terms there are not, and `SpecError` (which is one) for a network with errors.
    """
    if batch < 1:
        message = f"batch {batch} is below 1"
        raise ValueError(message)
    terms = Terms(
        dtype,
        training,
        optimizer,
        fused,
        mixed_precision,
        inplace,
        overhead,
        device,
        checkpoint,
    )
    return model(network, terms).report(batch)


def largest_batch(
    network: Network,
    limit: int,
    *,
    dtype: str = "float32",
    training: bool = False,
    optimizer: str = "sgd",
    fused: bool = True,
    mixed_precision: bool = False,
    inplace: bool = True,
    overhead: int = 0,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
) -> int:
    """The largest batch that fits into `limit` bytes: one more does not. 0 when none does."""
    terms = Terms(
        dtype,
        training,
        optimizer,
        fused,
        mixed_precision,
        inplace,
        overhead,
        device,
        checkpoint,
    )
    return model(network, terms).largest_batch(limit)
