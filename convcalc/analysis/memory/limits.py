"""How large a batch fits into a limit, which may be a GPU, and what would help when none does."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.memory.amounts import read_bytes, with_unit, without_unit
from convcalc.analysis.memory.batch import untrained
from convcalc.analysis.memory.gpus import GPUS, gpu_names, nearest_gpu
from convcalc.analysis.memory.program import LOSS
from convcalc.analysis.memory.report import Line, MemoryReport
from convcalc.analysis.memory.sharding import Shard, largest_sharded_batch, sharded
from convcalc.analysis.memory.terms import Model, RunTerms, model
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network, plan_layers
from convcalc.graph.inputs import fed
from convcalc.shape import Shape
from convcalc.spec.promises import amount

CONTEXT = 500_000_000
"""Bytes of a process's CUDA context; docs/memory.md has what was measured."""


class Suggestion(NamedTuple):
    """What would lower the peak."""

    change: str
    """What to change: `float16`; several changes are joined by " + "."""
    peak: int
    """Bytes that the smallest batch, mostly one example, takes with the change."""
    saved: int
    """Bytes by which that is less than without the change."""


class Limit(NamedTuple):
    """Memory that there is."""

    name: str
    """The limit as it was written: `8GiB`, or the name of a GPU."""
    bytes: int
    """Bytes that there are in all; a peak may take `room` of them."""
    gpu: str = ""
    """The card in `GPUS` that the name is; "" for a number of bytes."""
    context: int = 0
    """Bytes of it that a process's CUDA context takes, beside every peak; 0 unless it is a GPU."""

    @property
    def room(self) -> int:
        """What a peak may take of it; below 0 where not even the context fits."""
        return self.bytes - self.context


class Fit(NamedTuple):
    """Whether a batch fits into a limit, and the largest batches that do."""

    limit: Limit
    """The limit that the batch is held against."""
    peak: int
    """Bytes that the batch takes; with data parallelism, those of one device."""
    inference: int
    """Largest batch of inference; 0 when not even one example fits."""
    training: int | None
    """Largest batch of a training step, on each device; None where training is impossible."""
    one: int
    """Bytes that one example takes, or the smallest batch that works."""
    fewest: int
    """The batch that `one` is of: 1, unless a layer needs more examples to normalize."""
    most: tuple[Line, ...]
    """If not even one example fits: what its peak is made of, the largest first."""
    suggestions: tuple[Suggestion, ...]
    """If not even one example fits: what would lower its peak."""

    @property
    def fits(self) -> bool:
        """Whether the batch fits."""
        return self.peak <= self.limit.room


def gpu_memory(name: str) -> int | None:
    """Bytes that PyTorch finds on a GPU, by its name in any spelling; None for an unknown one.

    Also None for a name that says too little; `gpu_names` are those it may mean.

    >>> gpu_memory("Tesla T4") == 1456 * 2**30 // 100
    True
    """
    known = gpu_names(name)
    return GPUS[known[0]].bytes if len(known) == 1 else None


FEWEST = 1024
"""Of a limit of fewer bytes, as a number, the unit was forgotten; so it is in budgets."""


def read_limit(value: int | str, *, context: int | str | None = None) -> Limit:
    """A limit as it is written: bytes with a unit, or the name of a GPU; a number is bytes.

    `context` is what a CUDA context takes of a GPU; `CONTEXT` unless given. Raises `ValueError` for
    what is neither, and for a context of a limit in bytes, which has none.

    >>> read_limit("8GiB").bytes, read_limit("nvidia t4").gpu
    (8589934592, 't4')
    """
    taken = CONTEXT if context is None else read_bytes(context, "context")
    if isinstance(value, str) and (known := gpu_names(value)):
        if len(known) > 1:
            message = f"{value!r} may be {', '.join(known[:-1])} or {known[-1]}"
            raise ArgumentError(message)
        return Limit(value.strip(), GPUS[known[0]].bytes, known[0], taken)
    if context is not None:
        message = f"context is what is taken of a GPU, and the limit {value!r} is no GPU's name"
        raise ArgumentError(message)
    if not isinstance(value, str):
        count = read_bytes(value, "limit")
        if 0 < count < FEWEST:
            raise ArgumentError(without_unit(str(count)))
        return Limit(f"{count:,} B", count)
    text = value.strip()
    known_bytes = amount(text, round_up=False)
    if known_bytes is None:
        near = with_unit(text) or nearest_gpu(text)
        advice = f"did you mean {near}?" if near else "T4, rtx4090 and a100-80gb are some of these"
        message = f"{value!r} is neither a number of bytes, such as 12GiB, nor a GPU: {advice}"
        raise ArgumentError(message)
    if text[-1].isdigit():
        raise ArgumentError(without_unit(text))
    return Limit(text, known_bytes)


class _Change(NamedTuple):
    """Something that may lower the peak: other terms, or a smaller input."""

    name: str
    """What a suggestion calls it: `mixed precision`, `float16`."""
    terms: dict[str, Any]
    """Fields of `RunTerms` that it sets, with their values."""
    network: Network | None = None
    """The network on a smaller input; None where that stays as it is."""


def suggestions(
    network: Network, terms: RunTerms, *, takes: Callable[[Model, int], int] | None = None
) -> list[Suggestion]:
    """What would lower the peak of the smallest batch, mostly one example: the most helpful first.

    The last is several together: the most helpful, then whatever lowers the peak most beside those,
    until nothing does. `takes` is what a batch takes, the peak unless given.
    """

    def peak(changes: Sequence[_Change]) -> int:
        changed, under = network, terms
        for change in changes:
            changed, under = change.network or changed, under._replace(**change.terms)
        any_batch = model(changed, under)
        return (
            any_batch.peak(any_batch.fewest)
            if takes is None
            else takes(any_batch, any_batch.fewest)
        )

    now = peak([])
    tried = _changes(network, terms)
    alone = {change.name: peak([change]) for change in tried}
    helpful = [Suggestion(name, least, now - least) for name, least in alone.items() if least < now]
    helpful.sort(key=lambda suggestion: suggestion.peak)
    taken: list[_Change] = []
    best = now
    while left := [change for change in tried if change not in taken]:
        reached = alone if not taken else {each.name: peak([*taken, each]) for each in left}
        least = min(left, key=lambda change: reached[change.name])
        if reached[least.name] >= best:
            break
        taken.append(least)
        best = reached[least.name]
    if len(taken) > 1:
        helpful.append(Suggestion(" + ".join(each.name for each in taken), best, now - best))
    return helpful


def _changes(network: Network, terms: RunTerms) -> list[_Change]:
    """Everything that is tried."""
    tried: list[_Change] = []
    if terms.training:
        known = terms.dtype == "float32" and terms.loss == LOSS  # what mixed precision is known of
        if known and not terms.mixed_precision:
            tried.append(_Change("mixed precision", {"mixed_precision": True}))
        if terms.optimizer != "sgd":
            tried.append(_Change("plain SGD", {"optimizer": "sgd"}))
        if terms.checkpoint is None:
            every = max(round(len(network.layers) ** 0.5), 2)
            tried.append(_Change(f"checkpoints every {every} layers", {"checkpoint": every}))
    elif terms.dtype in ("float32", "float64") and not terms.mixed_precision:
        tried.append(_Change("float16", {"dtype": "float16"}))
    smaller = _smaller(network)
    if smaller is not None:
        tried.append(_Change(f"{network.an_input} of {smaller.input}", {}, smaller))
    return tried


def _smaller(network: Network) -> Network | None:
    """The network on an input of half the extents; None where that has errors."""
    half = half_input(network)
    if half is None:
        return None
    nodes, plans, _ = plan_layers(fed(network, half))
    if any(plan is None for plan in plans):
        return None
    return network._replace(nodes=nodes, plans=plans, diagnostics=())


def half_input(network: Network) -> Shape | None:
    """The first input in half the extents, whole multiples of 32 if they are as large.

    Of several inputs those that are as large go with it, as `fed` has them. None where there is
    none as small.
    """
    shape = network.input
    if shape is None or not shape.spatial:
        return None
    halves = (size // 2 for size in shape.spatial)
    half = shape._replace(spatial=tuple(each // 32 * 32 or each for each in halves))
    return half if half.size else None


def fits(
    mine: Model,
    batch: int,
    limits: Sequence[Limit],
    *,
    devices: int | None = None,
    stage: Shard = "none",
) -> list[Fit]:
    """Whether a batch fits into each of the limits, and the largest batches that do.

    Of several devices each has the batch, and its training takes what `sharded` says.
    """
    network, terms = mine.network, mine.terms
    inference: Model = mine
    training: Model | None = mine
    if terms.training:
        inference = model(network, terms._replace(training=False))
    else:
        trainable = terms.dtype != "int8" and untrained(network) is None
        training = model(network, terms._replace(training=True)) if trainable else None
    sharing = devices is not None and terms.training

    def takes(any_batch: Model, examples: int) -> int:
        if devices is None or not terms.training:
            return any_batch.peak(examples)
        return sharded(any_batch.report(examples), devices, stage).total

    per_limit = []
    one, peak = takes(mine, mine.fewest), takes(mine, batch)
    most: list[Line] = []
    helpful: list[Suggestion] = []
    if any(one > limit.room for limit in limits):
        report = mine.report(mine.fewest)
        lines = (
            report.at_peak if devices is None or not sharing else _shares(report, devices, stage)
        )
        most = sorted(lines, key=lambda line: -line.bytes)
        helpful = suggestions(network, terms, takes=takes)
    for limit in limits:
        largest = None
        if sharing:
            largest = largest_sharded_batch(mine, devices or 1, stage, limit.room)
        elif training is not None:
            largest = training.largest_batch(limit.room)
        too_large_one = one > limit.room
        per_limit.append(
            Fit(
                limit=limit,
                peak=peak,
                inference=inference.largest_batch(limit.room),
                training=largest,
                one=one,
                fewest=mine.fewest,
                most=tuple(most) if too_large_one else (),
                suggestions=tuple(helpful) if too_large_one else (),
            )
        )
    return per_limit


def _shares(report: MemoryReport, devices: int, stage: Shard) -> list[Line]:
    """What one of several devices holds, by the names of the parts."""
    device = sharded(report, devices, stage)
    lines = [
        Line("parameters", device.parameters),
        Line("gradients", device.gradients),
        Line("optimizer state", device.optimizer_state),
        Line("activations", device.activations),
        Line("temporaries", device.temporaries),
    ]
    return [line for line in lines if line.bytes]
