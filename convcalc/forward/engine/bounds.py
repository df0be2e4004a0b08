"""What the engine takes of memory, at most, as far as it is known before a network is compiled."""

from typing import NamedTuple

from convcalc.forward.engine.fusion import fuse
from convcalc.forward.engine.kernels import KERNELS
from convcalc.forward.weights import weight_names
from convcalc.graph import Network
from convcalc.graph.planned import planned

SCRATCH = 24 * 2**20
"""Bytes that a thread works in, at most, beside weights that are drawn."""
BORDERS = 1.5
"""Activations with their borders and the gaps between them, over those of the memory model."""


class Bounds(NamedTuple):
    """Bytes, at most."""

    prepared: int
    """What kernels make of weights: factors folded into them, or transformed for tiles."""
    unheld: int
    """Weights that are never in memory as they are where they are random: they are drawn where
    they are prepared or read."""
    thread: int
    """What each thread works in."""
    borders: float = BORDERS
    """Activations with their borders and the gaps between them, over those of the memory model."""


def memory_bounds(network: Network, *, drawn: bool) -> Bounds:
    """For any batch; `drawn` says that weights are random."""
    network = planned(network)
    prepared, rows = 0, 0
    unheld: dict[str, int] = {}
    fusions, _ = fuse(network, ())
    for fused in fusions:
        row, plan = KERNELS.get(fused.node.kind), network.plans[fused.index]
        if row is None or row.prepared is None:
            continue
        weight = plan.weights[0]
        prepared += 4 * row.prepared(fused, weight)  # layers that share weights prepare their own
        unheld[weight_names(network, fused.node, plan)[weight.name]] = 4 * weight.size
        if len(weight.shape) == 2:  # a block that is drawn is one row at least
            rows = max(rows, weight.shape[1])
    return Bounds(prepared, sum(unheld.values()), SCRATCH + (4 * rows if drawn else 0))
