"""How much memory inference and training take: PyTorch's own figures, predicted without PyTorch.

docs/memory.md defines every line. What layers do to memory is said beside their plans
(`Layer.operations`); `program` writes a network out as operations, and `walk` counts bytes.

Names are imported when they are first used: `analyze` shows the peak and needs nothing of limits,
cards, shards and runtimes.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convcalc.analysis.memory.amounts import read_bytes as read_bytes
    from convcalc.analysis.memory.batch import refusals as refusals
    from convcalc.analysis.memory.batch import refused as refused
    from convcalc.analysis.memory.batch import untrained as untrained
    from convcalc.analysis.memory.differences import Inexact as Inexact
    from convcalc.analysis.memory.gpus import GPUS as GPUS
    from convcalc.analysis.memory.gpus import Gpu as Gpu
    from convcalc.analysis.memory.gpus import gpu_names as gpu_names
    from convcalc.analysis.memory.library import largest_batch as largest_batch
    from convcalc.analysis.memory.library import memory as memory
    from convcalc.analysis.memory.limits import CONTEXT as CONTEXT
    from convcalc.analysis.memory.limits import Fit as Fit
    from convcalc.analysis.memory.limits import Limit as Limit
    from convcalc.analysis.memory.limits import Suggestion as Suggestion
    from convcalc.analysis.memory.limits import fits as fits
    from convcalc.analysis.memory.limits import gpu_memory as gpu_memory
    from convcalc.analysis.memory.limits import read_limit as read_limit
    from convcalc.analysis.memory.limits import suggestions as suggestions
    from convcalc.analysis.memory.lower_line import DeployReport as DeployReport
    from convcalc.analysis.memory.lower_line import deploy as deploy
    from convcalc.analysis.memory.questions import Answer as Answer
    from convcalc.analysis.memory.questions import Checkpointed as Checkpointed
    from convcalc.analysis.memory.questions import Questions as Questions
    from convcalc.analysis.memory.questions import answer as answer
    from convcalc.analysis.memory.report import LayerMemory as LayerMemory
    from convcalc.analysis.memory.report import Line as Line
    from convcalc.analysis.memory.report import MemoryReport as MemoryReport
    from convcalc.analysis.memory.report import Moment as Moment
    from convcalc.analysis.memory.sharding import ShardedReport as ShardedReport
    from convcalc.analysis.memory.sharding import sharded as sharded
    from convcalc.analysis.memory.static_plan import ArenaReport as ArenaReport
    from convcalc.analysis.memory.static_plan import Buffer as Buffer
    from convcalc.analysis.memory.static_plan import arena as arena
    from convcalc.analysis.memory.terms import Checkpoint as Checkpoint
    from convcalc.analysis.memory.terms import Model as Model
    from convcalc.analysis.memory.terms import RunTerms as RunTerms
    from convcalc.analysis.memory.terms import model as model

_HOMES = {
    "Answer": "questions",
    "ArenaReport": "static_plan",
    "Buffer": "static_plan",
    "CONTEXT": "limits",
    "Checkpoint": "terms",
    "Checkpointed": "questions",
    "DeployReport": "lower_line",
    "Fit": "limits",
    "GPUS": "gpus",
    "Gpu": "gpus",
    "Inexact": "differences",
    "LayerMemory": "report",
    "Limit": "limits",
    "Line": "report",
    "MemoryReport": "report",
    "Model": "terms",
    "Moment": "report",
    "Questions": "questions",
    "RunTerms": "terms",
    "ShardedReport": "sharding",
    "Suggestion": "limits",
    "answer": "questions",
    "arena": "static_plan",
    "deploy": "lower_line",
    "fits": "limits",
    "gpu_memory": "limits",
    "gpu_names": "gpus",
    "largest_batch": "library",
    "memory": "library",
    "model": "terms",
    "read_bytes": "amounts",
    "read_limit": "limits",
    "refusals": "batch",
    "refused": "batch",
    "sharded": "sharding",
    "suggestions": "limits",
    "untrained": "batch",
}
"""Public name → the module it is in; type checkers read the same above."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
