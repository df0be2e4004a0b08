"""Memory that running a network needs, and memory that there is."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from convcalc.analysis import DTYPE_BYTES, analyze
from convcalc.analysis.memory import Model, RunTerms, model
from convcalc.analysis.memory.optimizer import RULES
from convcalc.graph import Network
from convcalc.graph.planned import Planned, planned
from convcalc.layers import SOURCES

PIECES = 16 * 2**20
"""Bytes that a definition works in which goes piece by piece."""
TEMPORARIES = 4
"""Activations with all that a definition computes on the way, over those of the memory model."""


class Need(NamedTuple):
    """Bytes that a run takes, at most; docs/verify.md has the formulas."""

    weights: int
    """Bytes of the weights as they are given or drawn, in float32."""
    prepared: int
    """Bytes of weights as the engine or the data type wants them."""
    activations: int
    """Bytes of inputs, outputs and what is computed on the way, for the whole batch."""
    kept: int
    """Bytes of outputs that are kept to be saved, for the whole batch."""

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self)


class Needs:
    """What a network needs to be run, for any batch."""

    def __init__(
        self,
        network: Network,
        *,
        dtype: str,
        engine: bool,
        threads: int,
        keep: bool,
        drawn: bool = False,
    ) -> None:
        network = planned(network)
        self.network, self.engine, self.threads = network, engine, threads
        self.model: Model = model(network, RunTerms(dtype))
        width = DTYPE_BYTES[dtype]
        totals = analyze(network).totals
        values = totals.known("parameters") + totals.known("buffers")
        self.weights, self.prepared = 4 * values, 0
        self.borders, self.thread = 1.0, 0
        if engine:
            from convcalc.forward.engine import memory_bounds

            bounds = memory_bounds(network, drawn=drawn)
            self.borders, self.thread = bounds.borders, bounds.thread
            self.prepared = bounds.prepared
            self.weights -= bounds.unheld if drawn else 0
        else:
            if drawn:  # those of one layer at a time
                sizes = (sum(weight.size for weight in plan.weights) for plan in network.plans)
                values = max(sizes, default=0)
                self.weights = 4 * values
            self.prepared = width * values if dtype != "float32" else 0
        self.comparing = _comparing(network) if engine else 0
        self.input = sum(network.shape_of(index).size for index in network.inputs) * width
        plans = zip(network.nodes, network.plans, strict=True)
        made = (plan for node, plan in plans if node.kind not in SOURCES)
        outputs = sum(plan.output.size for plan in made) * width
        self.kept = outputs * (2 if engine else 1) if keep else 0

    def batch(self, batch: int) -> Need:
        """For so many examples."""
        activations = self.model.peak(batch) - self.model.fixed()
        if self.engine:
            activations = int(self.borders * activations) + self.thread * self.threads
            activations += self.comparing
        else:
            activations = TEMPORARIES * activations + PIECES
        # The inputs are there once more, as they were given.
        activations += self.input * batch
        return Need(self.weights, self.prepared, activations, self.kept * batch)

    def largest(self, limit: int, most: int) -> int:
        """The largest batch up to `most` that fits into `limit` bytes; 0 when none does."""
        return largest_batch(lambda batch: self.batch(batch).total <= limit, most)


def largest_batch(fits: Callable[[int], bool], most: int) -> int:
    """The largest batch up to `most` that fits; 0 when none does."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


def training_need(network: Network, *, batch: int, dtype: str, optimizer: str, loss: str) -> int:
    """Bytes that training a network takes, at most; docs/training.md has the formula.

    Of a network whose training is not known to the byte, all outputs are taken to be kept.
    """
    network = planned(network)
    run = Needs(network, dtype=dtype, engine=False, threads=1, keep=True).batch(batch)
    untrained = any(node.layer.untrained for node in network.nodes)
    if untrained:
        values = analyze(network).totals.known("parameters")
        copies = 2 + RULES[optimizer].state
        held = copies * values * DTYPE_BYTES[dtype] + 3 * run.kept
    else:
        terms = RunTerms(
            dtype, training=True, optimizer=optimizer, fused=False, inplace=False, loss=loss
        )
        held = model(network, terms).peak(batch)
    return held + run.weights + run.activations


def _comparing(network: Planned) -> int:
    """Bytes of definitions that the engine is compared with, where they run for a whole example."""
    from convcalc.forward.samples import has_parts

    sizes = [
        sum(network.shape_of(each).size for each in node.inputs) + plan.output.size
        for node, plan in zip(network.nodes, network.plans, strict=True)
        if node.kind not in SOURCES and not has_parts(node, plan)
    ]
    return 4 * TEMPORARIES * max(sizes, default=0)


def available() -> int | None:
    """Bytes that this process may still take; None where nothing says so."""
    limits = [*_system(), *_control_groups(), *_address_space()]
    return max(min(limits), 0) if limits else None


def _system() -> Iterator[int]:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        yield next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvail"))
    except (OSError, ValueError, StopIteration, IndexError):
        if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
            yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _control_groups(root: str = "/sys/fs/cgroup", own: str = "/proc/self/cgroup") -> Iterator[int]:
    """What is left of the limits of this process's group and those above it; versions 2 and 1."""
    try:
        lines = Path(own).read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if names and "memory" not in names.split(","):
            continue
        base = Path(root, "memory") if names else Path(root)
        files = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        most, used = files if names else ("memory.max", "memory.current")
        folder = base / path.strip("/")
        while True:
            try:
                limit = (folder / most).read_text(encoding="ascii").strip()
                if limit != "max" and int(limit) < 2**60:
                    yield int(limit) - int((folder / used).read_text(encoding="ascii"))
            except (OSError, ValueError):
                pass
            if folder == base or base not in folder.parents:
                break
            folder = folder.parent


def _address_space() -> Iterator[int]:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        yield limit - pages * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        return
