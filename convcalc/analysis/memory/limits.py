"""How large a batch fits, in what memory common GPUs have, and what would help when none does."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.memory.model import Model, Terms, model
from convcalc.analysis.memory.report import Line, MemoryReport
from convcalc.analysis.memory.sharding import Shard, largest_sharded_batch, sharded
from convcalc.graph import Network, plan_layers
from convcalc.spec.source import Source

GIB = 2**30

GPUS = {
    "gtx1080ti": 11,
    "rtx2080ti": 11,
    "rtx3060": 12,
    "rtx3080": 10,
    "rtx3090": 24,
    "rtx4060": 8,
    "rtx4070": 12,
    "rtx4080": 16,
    "rtx4090": 24,
    "rtx5080": 16,
    "rtx5090": 32,
    "rtxa6000": 48,
    "rtx6000ada": 48,
    "p100": 16,
    "v100": 16,
    "v100-32gb": 32,
    "t4": 16,
    "l4": 24,
    "l40s": 48,
    "a10": 24,
    "a40": 48,
    "a100-40gb": 40,
    "a100-80gb": 80,
    "h100": 80,
}
"""Memory in GiB as the vendor's data sheet has it ("24 GB" of GDDR or HBM is 24 GiB); error
correction and the driver take some, so `overhead` should say how much is not to be had."""


class Suggestion(NamedTuple):
    """What would lower the peak."""

    change: str
    """Several changes are joined by " + "."""
    peak: int
    """Bytes for one example with the change."""
    saved: int


class Limit(NamedTuple):
    """Memory that there is."""

    name: str
    """As it was written."""
    bytes: int


class Fit(NamedTuple):
    """Whether a batch fits into a limit, and the largest batches that do."""

    limit: Limit
    peak: int
    """What the batch takes; with data parallelism, of one device."""
    inference: int
    """Largest batch of inference; 0 when not even one example fits."""
    training: int | None
    """Largest batch of a training step, on each device; None where training is impossible."""
    one: int
    """Bytes that one example takes."""
    most: tuple[Line, ...]
    """If not even one example fits: what its peak is made of, the largest first."""
    suggestions: tuple[Suggestion, ...]
    """If not even one example fits: what would lower its peak."""

    @property
    def fits(self) -> bool:
        """Whether the batch fits."""
        return self.peak <= self.limit.bytes


def gpu_memory(name: str) -> int | None:
    """Bytes of a common GPU's memory, by its name in any spelling; None for an unknown one.

    Also None for a name that says too little; `gpu_names` are those it may mean.

    >>> gpu_memory("NVIDIA GeForce RTX 4090") == 24 * 2**30
    True
    """
    found = gpu_names(name)
    return GPUS[found[0]] * GIB if len(found) == 1 else None


def gpu_names(name: str) -> list[str]:
    """The names in `GPUS` that one in any spelling may mean: one, none, or several sizes of it.

    >>> gpu_names("A100"), gpu_names("V100 32GB"), gpu_names("H100-80GB")
    (['a100-40gb', 'a100-80gb'], ['v100-32gb'], ['h100'])
    """
    asked = _bare(name).replace("nvidia", "").replace("geforce", "")
    if not asked:
        return []
    for known, size in GPUS.items():
        # With its memory behind it, too: h100-80gb.
        if asked in (_bare(known), f"{_bare(known)}{size}gb"):
            return [known]
    return [known for known in GPUS if _bare(known.partition("-")[0]) == asked]


def _bare(name: str) -> str:
    return "".join(each for each in name.lower() if each.isalnum())


class _Change(NamedTuple):
    """Something that may lower the peak: other terms, or a smaller input."""

    name: str
    terms: dict[str, Any]
    network: Network | None = None


def suggestions(
    network: Network, terms: Terms, *, takes: Callable[[Model], int] | None = None
) -> list[Suggestion]:
    """What would lower the peak of one example: the most helpful first, then all together.

    Together are those that still help beside others: the most helpful first, then whatever lowers
    the peak most, until nothing does. `takes` is what one example takes, the peak unless given.
    """

    def peak(changes: Sequence[_Change]) -> int:
        changed, under = network, terms
        for change in changes:
            changed, under = change.network or changed, under._replace(**change.terms)
        found = model(changed, under)
        return found.peak(1) if takes is None else takes(found)

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


def _changes(network: Network, terms: Terms) -> list[_Change]:
    """Everything that is tried."""
    tried: list[_Change] = []
    if terms.training:
        if not terms.mixed_precision and terms.dtype == "float32":
            tried.append(_Change("mixed precision", {"mixed_precision": True}))
        if terms.optimizer != "sgd":
            tried.append(_Change("plain SGD", {"optimizer": "sgd"}))
        if terms.checkpoint is None:
            every = max(round(len(network.nodes) ** 0.5), 2)
            tried.append(_Change(f"checkpoints every {every} layers", {"checkpoint": every}))
    elif terms.dtype in ("float32", "float64") and not terms.mixed_precision:
        tried.append(_Change("float16", {"dtype": "float16"}))
    smaller = _smaller(network)
    if smaller is not None:
        tried.append(_Change(f"an input of {smaller.input}", {}, smaller))
    return tried


def _smaller(network: Network) -> Network | None:
    """The network on an input of half the extents, whole multiples of 32 if they are as large.

    None where that has errors.
    """
    shape, source = network.input, network.source
    if shape is None or source is None or not shape.spatial:
        return None
    halves = (size // 2 for size in shape.spatial)
    half = shape._replace(spatial=tuple(each // 32 * 32 or each for each in halves))
    if not half.size:
        return None
    notes = Source(source.path, source.text)  # its findings are no one's
    plans = plan_layers(network.nodes, half, notes)
    found = network._replace(input=half, plans=plans, diagnostics=tuple(notes.diagnostics))
    return None if found.errors else found


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
        trainable = terms.dtype != "int8"
        training = model(network, terms._replace(training=True)) if trainable else None
    sharing = devices is not None and terms.training

    def takes(found: Model, examples: int = 1) -> int:
        if devices is None or not terms.training:
            return found.peak(examples)
        return sharded(found.report(examples), devices, stage).total

    found = []
    one, peak = takes(mine), takes(mine, batch)
    most: list[Line] = []
    helpful: list[Suggestion] = []
    if any(one > limit.bytes for limit in limits):
        report = mine.report(1)
        lines = (
            report.at_peak if devices is None or not sharing else _shares(report, devices, stage)
        )
        most = sorted(lines, key=lambda line: -line.bytes)
        helpful = suggestions(network, terms, takes=takes)
    for limit in limits:
        largest = None
        if sharing:
            largest = largest_sharded_batch(mine, devices or 1, stage, limit.bytes)
        elif training is not None:
            largest = training.largest_batch(limit.bytes)
        too_large_one = one > limit.bytes
        found.append(
            Fit(
                limit,
                peak,
                inference.largest_batch(limit.bytes),
                largest,
                one,
                tuple(most) if too_large_one else (),
                tuple(helpful) if too_large_one else (),
            )
        )
    return found


def _shares(report: MemoryReport, devices: int, stage: Shard) -> list[Line]:
    """What one of several devices holds, by the names of the parts."""
    found = sharded(report, devices, stage)
    lines = [
        Line("parameters", found.parameters),
        Line("gradients", found.gradients),
        Line("optimizer state", found.optimizer_state),
        Line("activations", found.activations),
        Line("temporaries", found.temporaries),
    ]
    return [line for line in lines if line.bytes]
