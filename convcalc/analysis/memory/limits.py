"""How large a batch fits, in what memory common GPUs have, and what would help when none does."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.memory.model import Model, Terms, model
from convcalc.analysis.memory.report import Line
from convcalc.analysis.memory.sharding import Shard, sharded
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


ALL = "all of these"
"""The change that is all others together."""


class Suggestion(NamedTuple):
    """What would lower the peak."""

    change: str
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

    >>> gpu_memory("RTX 4090") == 24 * 2**30
    True
    """
    key = name.lower().replace(" ", "").replace("_", "-")
    for candidate in (key, key.replace("-", ""), key.removeprefix("nvidia").strip("-")):
        if candidate in GPUS:
            return GPUS[candidate] * GIB
    return None


def suggestions(network: Network, terms: Terms) -> list[Suggestion]:
    """What would lower the peak of one example: the most helpful first, then all together."""
    now = model(network, terms).peak(1)
    tried: list[tuple[str, dict[str, Any]]] = []
    if terms.training:
        if not terms.mixed_precision and terms.dtype == "float32":
            tried.append(("mixed precision", {"mixed_precision": True}))
        if terms.optimizer != "sgd":
            tried.append(("plain SGD", {"optimizer": "sgd"}))
        if terms.checkpoint is None:
            every = max(round(len(network.nodes) ** 0.5), 2)
            tried.append((f"checkpoints every {every} layers", {"checkpoint": every}))
    elif terms.dtype in ("float32", "float64") and not terms.mixed_precision:
        tried.append(("float16", {"dtype": "float16"}))
    helpful: list[tuple[Suggestion, dict[str, Any]]] = []
    for change, replaced in tried:
        peak = model(network, terms._replace(**replaced)).peak(1)
        if peak < now:
            helpful.append((Suggestion(change, peak, now - peak), replaced))
    found = [suggestion for suggestion, _ in helpful]
    smaller = _smaller(network)
    if smaller is not None:
        peak = model(smaller, terms).peak(1)
        if peak < now:
            found.append(Suggestion(f"an input of {smaller.input}", peak, now - peak))
        else:
            smaller = None
    found.sort(key=lambda suggestion: suggestion.peak)
    if len(found) > 1:
        together = terms
        for _, replaced in helpful:
            together = together._replace(**replaced)
        peak = model(smaller or network, together).peak(1)
        if peak < found[0].peak:
            found.append(Suggestion(ALL, peak, now - peak))
    return found


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

    def taken(examples: int) -> int:
        if devices is None or not terms.training:
            return mine.peak(examples)
        return sharded(mine.report(examples), devices, stage).total

    found = []
    one, peak = taken(1), taken(batch)
    most: list[Line] = []
    helpful: list[Suggestion] = []
    if any(one > limit.bytes for limit in limits):
        most = sorted(mine.report(1).at_peak, key=lambda line: -line.bytes)
        helpful = suggestions(network, terms)
    for limit in limits:
        largest = None
        if sharing:
            states = sharded(mine.report(1), devices or 1, stage).model_states
            # What is not shared out is the peak without parameters, state, and some gradients.
            least = limit.bytes - states + mine.parameters + mine.state
            fitting = mine.largest_batch(least)
            too_large = mine.largest_batch(least + mine.parameters) + 1
            largest = _largest(taken, limit.bytes, fitting, too_large)
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


def _largest(taken: Callable[[int], int], limit: int, fitting: int, too_large: int) -> int:
    """A batch that fits while one more does not, between one that does and one that does not."""
    while too_large - fitting > 1:
        middle = (fitting + too_large) // 2
        if taken(middle) <= limit:
            fitting = middle
        else:
            too_large = middle
    return fitting
