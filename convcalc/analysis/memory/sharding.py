"""Data parallelism with sharded model states: what one of N devices holds.

Source: Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models",
arXiv:1910.02054, section 5: stage 1 shards the optimizer's state, stage 2 the gradients too, and
stage 3 the parameters too. The paper's formulas count model states alone; buffers for gathering
and reducing are extra.
"""

from typing import Literal, NamedTuple

from convcalc.analysis.memory.report import MemoryReport

Shard = Literal["none", "optimizer", "gradients", "parameters"]
STAGES: tuple[Shard, ...] = ("none", "optimizer", "gradients", "parameters")


class ShardedReport(NamedTuple):
    """One device's share, in bytes; its batch is the report's."""

    devices: int
    stage: Shard
    parameters: int
    gradients: int
    optimizer_state: int
    model_states: int
    """The sum of the three."""
    activations: int
    """The rest of the device's own peak: its input, targets, buffers, activations, temporaries."""
    total: int


def sharded(report: MemoryReport, devices: int, stage: Shard) -> ShardedReport:
    """What one of `devices` devices holds, each with the report's batch.

    Shares are rounded up, because the last device's may be smaller. Raises `ValueError` for fewer
    than one device, an unknown stage, or a report of inference.
    """
    if devices < 1:
        message = f"{devices} devices are fewer than 1"
        raise ValueError(message)
    if stage not in STAGES:
        message = f"stage {stage!r} is none of {', '.join(STAGES)}"
        raise ValueError(message)
    if not report.training:
        message = "sharding is for training, and the report is of inference"
        raise ValueError(message)
    level = STAGES.index(stage)

    def share(size: int, *, divided: bool) -> int:
        return -(-size // devices) if divided else size

    parameters = share(report.parameters, divided=level >= 3)
    gradients = share(report.gradients, divided=level >= 2)
    state = share(report.optimizer_state, divided=level >= 1)
    states = parameters + gradients + state
    own = sum(
        line.bytes
        for line in report.at_peak
        if line.name not in ("parameters", "gradients", "optimizer state")
    )
    return ShardedReport(devices, stage, parameters, gradients, state, states, own, states + own)
