"""Other networks, as trials: inputs, orders of branches, layers left out or of other sizes."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from convcalc.analysis.memory.limits import half_input
from convcalc.analysis.memory.trials import DENSE, LAYERS, Trial, Trials
from convcalc.graph.changed import (
    branches,
    given_as,
    in_order,
    moved,
    with_input,
    without,
    without_branch,
)
from convcalc.graph.planned import Planned
from convcalc.layers import kinds, layer_class

LONGEST = 12
"""Layers between a pooling layer and the place before which it is tried."""
POOLS = kinds("pool", having="slides")


class NetworkTrials(Trials):
    """Networks with one thing changed, and other orders of this one."""

    def every(self) -> Iterator[Trial]:
        """Other networks, and other orders of this one, the most promising first."""
        yield from self._smaller_input()
        yield from self._orders()
        if self.terms.training:
            yield from self._without_dropout()
        yield from self._sums()
        yield from self._without_skips()
        yield from self._pools_earlier()
        yield from self._fewer_filters()
        yield from self._strides()

    def _smaller_input(self) -> Iterator[Trial]:
        half = half_input(self.network)
        if half is not None:
            yield self.of_network(
                f"{self.network.an_input} of {half}",
                given_as(self.network, half),
                lambda: with_input(self.network, half),
            )

    def _orders(self) -> Iterator[Trial]:
        """Branches that run in another order; what they are merged to stays as it is."""
        place = self.index.get(self.peak.layer, -1)
        merges = [
            index for index, node in enumerate(self.network.nodes) if len(set(node.inputs)) > 1
        ]
        around = [(index, parts) for index in merges if (parts := branches(self.network, index))]
        around = [each for each in around if each[1][0].start <= place <= each[0]]
        for index, parts in islice(around, LAYERS):
            node = self.network.nodes[index]
            for part in parts[1:]:
                first, last = (self.network.nodes[each].name for each in (part[0], part[-1]))
                branch = first if first == last else f"{first} to {last}"
                yield self.of_network(
                    f"{branch} before the other branches of {node.name}",
                    f"run {branch} first, and merge as before",
                    partial(self._with_first, part, parts),
                    alters="run",
                )

    def _with_first(self, part: range, parts: Sequence[range]) -> Planned | None:
        """The network whose branches run in their order, but for one that runs first."""
        rest = [other for other in parts if other is not part]
        order = [each for piece in (part, *rest) for each in piece]
        behind = range(parts[-1].stop, len(self.network.nodes))
        return in_order(self.network, [*range(parts[0].start), *order, *behind])

    def _without_dropout(self) -> Iterator[Trial]:
        masks = [index for index in self.concerned() if self.network.nodes[index].kind == "dropout"]
        for index in masks[:LAYERS]:
            name = self.network.nodes[index].name
            yield self.of_network(
                f"no {name}",
                f"leave {name} out",
                lambda index=index: without(self.network, [index]),  # type: ignore[misc]
            )

    def _sums(self) -> Iterator[Trial]:
        """Sums instead of concats whose branches have one shape."""
        for index in [
            index for index in self.concerned() if self.network.nodes[index].kind == "concat"
        ][:LAYERS]:
            node = self.network.nodes[index]
            if len({self.network.shape_of(read) for read in node.inputs}) == 1:
                yield self.of_layer(
                    f"a sum instead of {node.name}",
                    f"add instead of concat for {node.name}",
                    index,
                    layer_class("add")(),
                    "add",
                )

    def _without_skips(self) -> Iterator[Trial]:
        """Merges without a branch that waits for them at the peak."""
        place = self.index.get(self.peak.layer, 0)
        merges = [
            index for index in self.concerned() if len(set(self.network.nodes[index].inputs)) > 1
        ]
        for index in merges[:LAYERS]:
            node = self.network.nodes[index]
            waiting = [read for read in node.inputs if read < min(place, index - 1)]
            for read in [read for read in waiting if self._skips(read)][:LAYERS]:
                branch = self.network.nodes[read].name
                yield self.of_network(
                    f"{node.name} without {branch}",
                    f"leave {branch} out of {node.name}",
                    lambda index=index, read=read: without_branch(self.network, index, read),  # type: ignore[misc]
                )

    def _skips(self, read: int) -> bool:
        """Whether a branch only hands on, as a view, what is read elsewhere, too."""
        nodes = self.network.nodes
        while self.read[read] == 1 and nodes[read].layer.storage == "view":
            read = nodes[read].inputs[0]
        return self.read[read] > 1

    def _pools_earlier(self) -> Iterator[Trial]:
        nodes = self.network.nodes
        for index in self.dense(self.makers):
            for pool in range(index + 1, min(index + LONGEST, len(nodes))):
                if nodes[pool].inputs != (pool - 1,):
                    break
                if nodes[pool].kind in POOLS:
                    yield self.of_network(
                        f"{nodes[pool].name} in front of {nodes[index].name}",
                        f"move {nodes[pool].kind} {nodes[pool].name} before {nodes[index].name}",
                        lambda pool=pool, index=index: moved(self.network, pool, index),  # type: ignore[misc]
                    )
                    break

    def _fewer_filters(self) -> Iterator[Trial]:
        last = self._last_dense()
        for index in self.dense(self.layers):
            if index in last:  # whose filters are the network's classes
                continue
            node = self.network.nodes[index]
            for field in ("filters", "features"):
                count = getattr(node.layer, field, 0)
                if count > 1:
                    yield self.of_layer(
                        f"half the {field} of {node.name}",
                        f"{field}: {count // 2} for {node.name}, not {count}",
                        index,
                        node.layer.replace(**{field: count // 2}),
                    )

    def _strides(self) -> Iterator[Trial]:
        for index in self.dense(self.makers):
            node = self.network.nodes[index]
            layer, windows = node.layer, self.network.plans[index].windows
            slides = hasattr(layer, "rounding") and node.kind != "conv_transpose"
            if not slides or any(window.stride != 1 for window in windows) or not windows:
                continue
            stride = 2 if len(windows) == 1 else (2,) * len(windows)
            yield self.of_layer(
                f"stride 2 for {node.name}",
                f"stride: 2, rounding: floor for {node.name}",
                index,
                layer.replace(stride=stride, rounding="floor"),
            )

    def _last_dense(self) -> set[int]:
        """Layers with weights behind which there are none."""
        last: set[int] = set()
        behind = [*self.network.outputs]
        seen = {*behind}
        while behind:
            index = behind.pop()
            if self.network.nodes[index].kind in DENSE:
                last.add(index)
                continue
            fresh = [read for read in self.network.nodes[index].inputs if read not in seen]
            seen.update(fresh)
            behind += fresh
        return last
