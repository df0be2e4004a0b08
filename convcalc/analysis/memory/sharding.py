"""Data parallelism with sharded model states: what one of N devices holds.

Source: Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models",
arXiv:1910.02054, section 5: stage 1 shards the optimizer's state, stage 2 the gradients too, and
stage 3 the parameters too. The optimizer works on its own share from stage 1 on. The paper's
formulas count model states alone; buffers for gathering and reducing are extra.
"""

from typing import Literal, NamedTuple

from convcalc.analysis.memory.report import MemoryReport
from convcalc.analysis.memory.terms import Model, largest
from convcalc.analysis.memory.walk import at
from convcalc.diagnostics import ArgumentError

Shard = Literal["none", "optimizer", "gradients", "parameters"]
STAGES: tuple[Shard, ...] = ("none", "optimizer", "gradients", "parameters")


class ShardedReport(NamedTuple):
    """One device's share, in bytes; its batch is the report's."""

    devices: int
    """How many devices there are, each with the whole batch of the report."""
    stage: Shard
    """What they share, with all of the stages before it."""
    parameters: int
    """Bytes of parameters that a device holds: its share in the last stage, otherwise all."""
    gradients: int
    """Bytes of gradients once all are done: its share from stage `gradients` on, otherwise all."""
    optimizer_state: int
    """Bytes that the optimizer remembers: its share from stage `optimizer` on, otherwise all."""
    model_states: int
    """Bytes of the three together."""
    activations: int
    """Most bytes alive in the passes beside model states, with input, targets, buffers,
    overhead."""
    temporaries: int
    """Bytes that the optimizer's step allocates."""
    pass_peak: int
    """Most bytes alive in the two passes, with the share of the gradients that are done by then."""
    step_peak: int
    """Most bytes alive in the optimizer's step."""
    total: int
    """Bytes of the larger of the two peaks."""


class Division(NamedTuple):
    """How a stage divides."""

    devices: int
    """How many devices share what is divided."""
    level: int
    """Index of the stage in `STAGES`: what it and those before it divide is shared."""

    def share(self, size: int, stage: int) -> int:
        """A device's share of what is divided from `stage` on."""
        return -(-size // self.devices) if self.level >= stage else size


def sharded(report: MemoryReport, devices: int, stage: Shard) -> ShardedReport:
    """What one of `devices` devices holds, each with the report's batch.

    Shares are rounded up, because the last device's may be smaller. Raises `ValueError` for fewer
    than one device, an unknown stage, or a report of inference.
    """
    if devices < 1:
        message = f"{devices} devices are fewer than 1"
        raise ArgumentError(message)
    if stage not in STAGES:
        message = f"stage {stage!r} is none of {', '.join(STAGES)}"
        raise ArgumentError(message)
    if not report.training:
        message = "sharding is for training, and the report is of inference"
        raise ArgumentError(message)
    division = Division(devices, STAGES.index(stage))
    parameters = division.share(report.parameters, 3)
    gradients = division.share(report.gradients, 2)
    state = division.share(report.optimizer_state, 1)
    standing = report.input + report.targets + report.buffers + report.overhead
    whole = report.parameters + report.optimizer_state
    # Of every operation of the passes, what is beside the model states, and what is learned so far.
    moments = [
        (moment.bytes - whole - learned, learned)
        for moment, learned in zip(report.timeline, report.learned, strict=True)
        if moment.phase != "step"
    ]
    temporaries = division.share(report.step_peak - whole - report.gradients - standing, 1)
    states = parameters + gradients + state
    most = max(beside + division.share(learned, 2) for beside, learned in moments)
    pass_peak = parameters + state + most
    step_peak = states + standing + temporaries
    return ShardedReport(
        devices=devices,
        stage=stage,
        parameters=parameters,
        gradients=gradients,
        optimizer_state=state,
        model_states=states,
        activations=max(beside for beside, _ in moments),
        temporaries=temporaries,
        pass_peak=pass_peak,
        step_peak=step_peak,
        total=max(pass_peak, step_peak),
    )


def largest_sharded_batch(mine: Model, devices: int, stage: Shard, limit: int) -> int:
    """The largest batch on each device whose `sharded` total is at most `limit` bytes."""
    division = Division(devices, STAGES.index(stage))
    states = division.share(mine.parameters, 3) + division.share(mine.state, 1)
    lines = set()
    for _, event in mine.events():
        learned = event.learned  # of parameters, whatever the batch
        kept_back = division.share(learned, 2) - learned
        lines.add((at(event.live, 0) + kept_back, at(event.live, 1) + kept_back))
    step = division.share(mine.gradients, 2) + division.share(mine.step, 1)
    lines.add((step, step))
    beside = mine.fixed() - mine.parameters - mine.state
    batch = largest(lines, mine.moving, limit - states - beside)
    if batch <= 1 and mine.alone is not None:
        batch = min(1, largest_sharded_batch(mine.alone, devices, stage, limit))
    return batch if batch >= mine.fewest else 0
