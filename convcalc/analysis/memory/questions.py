"""All that may be asked about one network's memory, in one value."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.memory.arena_fits import ArenaFit, Room, arena_fit
from convcalc.analysis.memory.arena_search import Searched, search
from convcalc.analysis.memory.banks import Banked, in_banks
from convcalc.analysis.memory.boards import Bank
from convcalc.analysis.memory.checkpoint import unpaid
from convcalc.analysis.memory.limits import Fit, Limit, fits
from convcalc.analysis.memory.lower_line import DeployReport, deploy
from convcalc.analysis.memory.patches import Asked, Patches
from convcalc.analysis.memory.patches import answered as patched
from convcalc.analysis.memory.report import MemoryReport
from convcalc.analysis.memory.sharding import Shard, ShardedReport, sharded
from convcalc.analysis.memory.static_plan import ArenaReport, arena
from convcalc.analysis.memory.terms import AUTO, Model, RunTerms, model
from convcalc.graph import Network
from convcalc.graph.planned import planned

if TYPE_CHECKING:
    from convcalc.analysis.memory.automatic import Automatic


class Questions(NamedTuple):
    """What is asked besides the breakdown itself."""

    limits: Sequence[Limit] = ()
    """Limits that the batch is held against; () asks nothing."""
    devices: int | None = None
    """Data parallelism over so many devices; None asks nothing."""
    stage: Shard = "none"
    """What the devices share, each stage with all of those before it."""
    deploy: bool = False
    """Whether to ask what a runtime takes that folds and fuses."""
    arena: str | None = None
    """The data type of an arena to plan; None plans none."""
    rooms: Sequence[Room] = ()
    """What the arena and the weights are held against; () asks nothing."""
    banks: Sequence[Bank] = ()
    """Banks of memory that the arena is planned into, the fastest first; () plans one piece."""
    seconds: float | None = None
    """How long a lower plan and a better order are searched for; None searches for none."""
    patches: Asked | None = None
    """A first stage that runs patch by patch; None has none."""


class Checkpointed(NamedTuple):
    """What checkpointing saves, in bytes, and what it costs."""

    kept: int
    """Bytes kept for the backward pass, checkpoints included."""
    kept_without: int
    """Bytes that would be kept if nothing ran again."""
    peak: int
    """Most bytes alive in the training step, all lines included."""
    peak_without: int
    """The same if nothing ran again."""
    recomputed_macs: int
    """Multiply-accumulates that the backward pass does again, for the whole batch."""
    forward_macs: int
    """Multiply-accumulates of one forward pass, for the whole batch."""
    unpaid: tuple[str, ...] = ()
    """Segments that keep no less if run again than their layers keep anyway."""


class Answer(NamedTuple):
    """A network's memory, and the answers to what else was asked."""

    report: MemoryReport
    """The breakdown of the network's memory itself."""
    fits: tuple[Fit, ...] = ()
    """For each limit, in the order of the question, whether the batch fits."""
    checkpointed: Checkpointed | None = None
    """What checkpoints save; None without any, and for inference."""
    automatic: "Automatic | None" = None
    """The cheapest checkpoints, which all else is told with; None where they are not asked for."""
    sharded: ShardedReport | None = None
    """What one of several devices holds; None where that is not asked."""
    deployed: DeployReport | None = None
    """What a runtime takes that folds and fuses; None where that is not asked."""
    arena: ArenaReport | None = None
    """Where a micro-controller puts every tensor; None where that is not asked."""
    arena_fits: tuple[ArenaFit, ...] = ()
    """For each room, in the order of the question, whether the arena or the weights fit."""
    banked: Banked | None = None
    """Where each buffer of the arena lies in banks; None where none are asked for."""
    searched: Searched | None = None
    """The best plan and order of the arena that were found; None where none is searched for."""
    patches: Patches | None = None
    """The network with its first stage in patches, which the rooms are held against then; None
    where that is not asked."""


def answer(
    network: Network,
    terms: RunTerms,
    batch: int,
    questions: Questions,
    mine: Model | None = None,
) -> Answer:
    """Work out everything that is asked; `mine` is the model of these terms where it is known.

    The checkpoint `AUTO` is the cheapest within the first of the limits. Raises `SpecError` for a
    network with errors and `ValueError` for terms there are not.
    """
    network = planned(network)
    chosen: Automatic | None = None
    if terms.checkpoint == AUTO and terms.training and questions.limits:
        from convcalc.analysis.memory.automatic import automatic  # which others need nothing of

        chosen = automatic(network, terms, batch, questions.limits[0].room)
        terms = terms._replace(checkpoint=chosen.names)
    mine = mine or model(network, terms)
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
            batch * sum(plan.macs for plan in network.plans),
            tuple(unpaid(network, mine.program, terms.checkpoint)) if chosen is None else (),
        )
    devices = questions.devices
    answered = Answer(
        report=report,
        fits=tuple(fits(mine, batch, questions.limits, devices=devices, stage=questions.stage))
        if questions.limits
        else (),
        checkpointed=checkpointed,
        automatic=chosen,
        sharded=None if devices is None else sharded(report, devices, questions.stage),
        deployed=deploy(network, batch=batch, dtype=terms.dtype) if questions.deploy else None,
    )
    if questions.arena is None:
        return answered
    plan = arena(network, dtype=questions.arena)
    rooms, stage = questions.rooms, None
    arena_fits = tuple(arena_fit(plan, room) for room in rooms)
    if questions.patches is not None:
        there = [room.bytes for room in rooms if room.of == "arena"]
        stage = patched(network, plan, questions.patches, there)
        arena_fits = tuple(
            fit if fit.room.of == "flash" else fit._replace(takes=stage.size, tail=0)
            for fit in arena_fits
        )
    return answered._replace(
        arena=plan,
        arena_fits=arena_fits,
        patches=stage,
        banked=in_banks(plan, questions.banks) if questions.banks else None,
        searched=None if questions.seconds is None else search(plan, questions.seconds),
    )
