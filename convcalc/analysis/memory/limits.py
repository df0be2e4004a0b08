"""How large a batch fits, in what memory common GPUs have, and what would help when none does."""

from typing import NamedTuple

from convcalc.analysis.memory.model import Terms, model
from convcalc.graph import Network

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
    peak: int
    """Bytes for one example with the change."""
    saved: int


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
    """What would lower the peak of one example, the most helpful first."""
    now = model(network, terms).peak(1)
    tried: list[tuple[str, Terms]] = []
    if terms.training:
        if not terms.mixed_precision and terms.dtype == "float32":
            tried.append(("mixed precision", terms._replace(mixed_precision=True)))
        if terms.optimizer != "sgd":
            tried.append(("plain SGD", terms._replace(optimizer="sgd")))
        if terms.checkpoint is None:
            every = max(round(len(network.nodes) ** 0.5), 2)
            tried.append((f"checkpoints every {every} layers", terms._replace(checkpoint=every)))
    elif terms.dtype in ("float32", "float64"):
        tried.append(("float16", terms._replace(dtype="float16")))
    found = [
        Suggestion(change, peak, now - peak)
        for change, changed in tried
        if (peak := model(network, changed).peak(1)) < now
    ]
    return sorted(found, key=lambda suggestion: suggestion.peak)
