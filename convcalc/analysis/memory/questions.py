"""All that may be asked about one network's memory, in one value."""

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.analysis.memory.checkpoint import unpaid
from convcalc.analysis.memory.limits import Fit, Limit, fits
from convcalc.analysis.memory.lower_line import DeployReport, deploy
from convcalc.analysis.memory.report import MemoryReport
from convcalc.analysis.memory.sharding import Shard, ShardedReport, sharded
from convcalc.analysis.memory.static_plan import ArenaReport, arena
from convcalc.analysis.memory.terms import Terms, model
from convcalc.graph import Network


class Questions(NamedTuple):
    """What is asked besides the breakdown itself."""

    limits: Sequence[Limit] = ()
    devices: int | None = None
    """Data parallelism over so many devices; None asks nothing."""
    stage: Shard = "none"
    deploy: bool = False
    arena: str | None = None
    """The data type of an arena to plan; None plans none."""


class Checkpointed(NamedTuple):
    """What checkpointing saves, in bytes, and what it costs."""

    kept: int
    kept_without: int
    peak: int
    peak_without: int
    recomputed_macs: int
    forward_macs: int
    """Multiply-accumulates of one forward pass."""
    unpaid: tuple[str, ...] = ()
    """Segments that keep no less if run again than their layers keep anyway."""


class Answer(NamedTuple):
    """A network's memory, and the answers to what else was asked."""

    report: MemoryReport
    fits: tuple[Fit, ...] = ()
    checkpointed: Checkpointed | None = None
    sharded: ShardedReport | None = None
    deployed: DeployReport | None = None
    arena: ArenaReport | None = None


def answer(network: Network, terms: Terms, batch: int, questions: Questions) -> Answer:
    """Work out everything that is asked.

    Raises `SpecError` for a network with errors and `ValueError` for terms there are not.
    """
    mine = model(network, terms)
    report = mine.report(batch)
    checkpointed = None
    if terms.checkpoint is not None and terms.training:
        without = model(network, terms._replace(checkpoint=None)).report(batch)
        checkpointed = Checkpointed(
            report.kept,
            without.kept,
            report.peak,
            without.peak,
            report.recomputed_macs,
            batch * sum(plan.macs for plan in network.plans if plan is not None),
            tuple(unpaid(network, mine.program, terms.checkpoint)),
        )
    devices = questions.devices
    return Answer(
        report,
        tuple(fits(mine, batch, questions.limits, devices=devices, stage=questions.stage))
        if questions.limits
        else (),
        checkpointed,
        None if devices is None else sharded(report, devices, questions.stage),
        deploy(network, batch=batch, dtype=terms.dtype) if questions.deploy else None,
        None if questions.arena is None else arena(network, dtype=questions.arena),
    )
