"""Which single changes lower the peak, and to what: each is made, and the memory worked out again.

What is tried depends on what is alive at the peak. How much is tried is bounded, so that deep
networks are answered at once, too; what was left out is counted.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from convcalc.analysis.memory.alive import Peak
from convcalc.analysis.memory.network_trials import NetworkTrials
from convcalc.analysis.memory.report import Phase
from convcalc.analysis.memory.run_trials import RunTrials
from convcalc.analysis.memory.runtime_peaks import highest_on_device
from convcalc.analysis.memory.sharding import STAGES, Shard
from convcalc.analysis.memory.terms import Model, RunTerms, model
from convcalc.analysis.memory.timeline import Highest
from convcalc.analysis.memory.trials import Trial, Where
from convcalc.graph.planned import Planned

TRIALS = 60
"""Changes that are tried at most."""
WORK = 15_000
"""Layers that all trials together work out at most; each works out the whole network."""
FEWEST_TRIALS = 3
"""Trials there are whatever the network's depth."""


class Change(NamedTuple):
    """One change, and the peak with it."""

    change: str
    """What it is: `checkpoint stage1`."""
    write: str
    """What to write: options of the command line, or the layer's field and its value."""
    alters: Literal["run", "network"]
    """Whether the network stays as it is and runs otherwise, or computes something else."""
    peak: int
    """Bytes at the peak with the change."""
    saved: int
    """Bytes by which that is less."""
    phase: Phase
    """Where the peak is then: the pass, or the optimizer's step."""
    layer: str
    """Full name of the layer at which it is then; `loss` or `optimizer` behind the last."""


class Changes(NamedTuple):
    """What was tried, and what it saves."""

    lower: tuple[Change, ...]
    """The changes that lower the peak, those that save most first."""
    idle: tuple[str, ...]
    """Those that were tried and do not."""
    untried: int
    """How many more there are, which were not tried."""


def changes(mine: Model, peak: Peak, batch: int) -> Changes:
    """The single changes that lower the peak of a batch, which is `peak`."""

    def highest(changed: Model) -> Highest:
        return changed.timeline(batch).highest

    start = mine.network, mine.terms, peak, _under(batch, highest)
    runs = RunTrials(*start).every(mine, batch, highest)
    return _tried(mine.network, peak, [*runs, *NetworkTrials(*start).every()])


def device_changes(mine: Model, peak: Peak, batch: int, *, devices: int, stage: Shard) -> Changes:
    """The same for one of several devices; more of them, and more that they share, among it."""

    def highest(changed: Model) -> Highest:
        return highest_on_device(changed, batch, devices=devices, stage=stage)

    def shared(change: str, write: str, count: int, what: Shard) -> Trial:
        def made() -> Where:
            return Where.of(highest_on_device(mine, batch, devices=count, stage=what))

        return Trial(change, write, "run", made, free=True)

    start = mine.network, mine.terms, peak, _under(batch, highest)
    others = [
        shared(f"{other} shared, too", f"--shard {other}", devices, other)
        for other in STAGES[STAGES.index(stage) + 1 :]
        if devices > 1
    ]
    if stage != "none":
        twice = 2 * devices
        others.append(shared(f"{twice} devices", f"--data-parallel {twice}", twice, stage))
    others += RunTrials(*start).every(mine, batch, highest)
    others += NetworkTrials(*start).every()
    return _tried(mine.network, peak, others)


def runtime_changes(
    network: Planned, peak: Peak, dtype: str, lowest: Callable[[Planned, str], Peak]
) -> Changes:
    """The same where a runtime folds and fuses; `lowest` is the peak of a network in a type."""

    def where(changed: Planned, terms: RunTerms) -> Where:
        there = lowest(changed, terms.dtype)
        return Where(there.bytes, there.phase, there.layer)

    start = network, RunTerms(dtype=dtype), peak, where
    trials = [*RunTrials(*start).types(), *NetworkTrials(*start).every()]
    return _tried(network, peak, trials)


def _under(
    batch: int, highest: Callable[[Model], Highest]
) -> Callable[[Planned, RunTerms], Where | None]:
    """Works out where a network's peak is; None for one that takes no such batch."""

    def where(changed: Planned, terms: RunTerms) -> Where | None:
        worked_out = model(changed, terms)
        return None if batch < worked_out.fewest else Where.of(highest(worked_out))

    return where


def _tried(network: Planned, peak: Peak, trials: Sequence[Trial]) -> Changes:
    """Make the changes, as many as there is time for."""
    lower: list[Change] = []
    idle: list[str] = []
    cost = max(len(network.nodes), 1)
    left = min(max(WORK // cost, FEWEST_TRIALS), TRIALS)
    untried = 0
    for trial in trials:
        if not trial.free:
            if not left:
                untried += 1
                continue
            left -= 1
        where = trial.made()
        if where is None:
            continue
        if where.peak < peak.bytes:
            saved = peak.bytes - where.peak
            lower.append(
                Change(
                    change=trial.change,
                    write=trial.write,
                    alters=trial.alters,
                    peak=where.peak,
                    saved=saved,
                    phase=where.phase,
                    layer=where.layer,
                )
            )
        else:
            idle.append(trial.change)
    lower.sort(key=lambda change: -change.saved)
    return Changes(tuple(lower), tuple(idle), untried)
