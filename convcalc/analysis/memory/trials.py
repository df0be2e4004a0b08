"""What a trial of a change is, and what all of them ask of the peak: whose are its bytes."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from convcalc.analysis.memory.alive import Peak
from convcalc.analysis.memory.report import Phase
from convcalc.analysis.memory.terms import RunTerms
from convcalc.analysis.memory.timeline import Highest
from convcalc.graph.changed import with_layers
from convcalc.graph.planned import Planned
from convcalc.layers import kinds
from convcalc.layers.base import Layer

LAYERS = 4
"""Layers of which one change is tried, those that have most at the peak."""
DENSE = kinds("dense")
"""Kinds with weights that multiply, whose outputs are what takes most."""


class Where(NamedTuple):
    """Where a peak is, and how much it is."""

    peak: int
    """All bytes that are alive then."""
    phase: Phase
    """The pass, or the optimizer's step."""
    layer: str
    """Full name of the layer that runs then; `loss` or `optimizer` behind the last."""

    @classmethod
    def of(cls, highest: Highest) -> "Where":
        """Where the most of a timeline is."""
        return cls(highest.bytes, highest.phase, highest.layer)


class Trial(NamedTuple):
    """A change that may be made."""

    change: str
    """What it is, as in `Change`."""
    write: str
    """What to write, as in `Change`."""
    alters: Literal["run", "network"]
    """What stays as it is, as in `Change`."""
    made: Callable[[], Where | None]
    """Works out the peak with it; None where the network cannot be so."""
    free: bool = False
    """Whether nothing of the network needs to be worked out again."""


class Trials:
    """What may be changed, given what is alive at the peak; `where` works it out."""

    def __init__(
        self,
        network: Planned,
        terms: RunTerms,
        peak: Peak,
        where: Callable[[Planned, RunTerms], Where | None],
    ) -> None:
        self.network = network
        self.terms = terms
        self.peak = peak
        self.where = where
        self.index = {node.name: index for index, node in enumerate(self.network.nodes)}
        held: dict[str, int] = {}
        moving: dict[str, int] = {}
        for tensor in peak.tensors:
            held[tensor.layer] = held.get(tensor.layer, 0) + tensor.bytes
            if tensor.each:
                moving[tensor.layer] = moving.get(tensor.layer, 0) + tensor.bytes
        self.read = [0] * len(network.nodes)
        """By layer, how often it is read, by the network's caller, too."""
        for node in network.nodes:
            for each in node.inputs:
                self.read[each] += 1
        for each in network.outputs:
            self.read[each] += 1
        self.layers = self._largest(held)
        """Layers by their bytes at the peak, the largest first."""
        self.makers = self._largest(moving)
        """The same by what grows with the batch."""

    def _largest(self, held: dict[str, int]) -> list[int]:
        """Indices of layers that read something, by what they have at the peak."""
        names = sorted(held, key=lambda name: -held[name])
        indices = [self.index[name] for name in names if name in self.index]
        return [index for index in indices if self.network.nodes[index].inputs]

    def of_terms(self, change: str, write: str, **fields: object) -> Trial:
        """The trial of another way to run the network: other `fields` of its terms."""

        def made() -> Where | None:
            return self.where(self.network, self.terms._replace(**fields))  # type: ignore[arg-type]

        return Trial(change, write, "run", made)

    def of_network(
        self,
        change: str,
        write: str,
        changed: Callable[[], Planned | None],
        *,
        alters: Literal["run", "network"] = "network",
    ) -> Trial:
        """The trial of another network, which `changed` makes; None where it cannot be so."""

        def made() -> Where | None:
            network = changed()
            return None if network is None else self.where(network, self.terms)

        return Trial(change, write, alters, made)

    def of_layer(self, change: str, write: str, index: int, layer: Layer, kind: str = "") -> Trial:
        """The trial of another layer in the place of one, by its index, of its kind or another."""
        kind = kind or self.network.nodes[index].kind
        return self.of_network(
            change, write, lambda: with_layers(self.network, {index: (kind, layer)})
        )

    def concerned(self) -> list[int]:
        """Layers that make what is alive at the peak, or still read it; the largest first."""
        names = [self.peak.layer]
        for tensor in self.peak.tensors:
            if tensor.each:
                names += [tensor.layer, *(use.layer for use in tensor.needed)]
        known = (self.index[name] for name in dict.fromkeys(names) if name in self.index)
        return [index for index in known if self.network.nodes[index].inputs]

    def dense(self, layers: Sequence[int]) -> list[int]:
        """Layers with weights that make these, or what they change in place; each once."""
        dense: list[int] = []
        for start in layers:
            index = start
            while self.network.nodes[index].kind not in DENSE:
                inputs = self.network.nodes[index].inputs
                if len(inputs) != 1:
                    break
                index = inputs[0]
            if self.network.nodes[index].kind in DENSE and index not in dense:
                dense.append(index)
            if len(dense) == LAYERS:
                break
        return dense
