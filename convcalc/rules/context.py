"""What rules ask about a network, each answer worked out once, when a rule first asks.

Every answer takes one pass over the layers, so that all rules together do.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import islice

from convcalc.analysis.receptive_field import Fields, Sight, receptive_fields
from convcalc.graph import LayerNode, Network
from convcalc.graph.inputs import resized
from convcalc.layers import (
    KEEPS_SHAPE,
    PLACED_BY_PLAN,
    READING_NOTHING,
    SOURCES,
    keeps_places,
    kinds,
)
from convcalc.layers.base import Plan
from convcalc.rules.written import computed
from convcalc.shape import Shape
from convcalc.window import Window

DENSE = kinds("dense", having="mixes")
"""Layers in which every output is a weighted sum over channels."""
WEIGHTED = kinds("dense")
"""Layers that are linear in their input, with weights to learn."""
SLIDING = kinds("dense", having="slides")
"""Layers whose filters slide over their input."""
POOLS = kinds("pool", having="slides")
WHOLE_POOLS = kinds("pool", lacking="slides")
"""Layers that pool the map into a number of parts."""
MAXIMA = kinds(having="maximum")
NORMS = kinds("norm")
SOFTMAXES = kinds("softmax")
ACTIVATIONS = kinds("activation")
VIEWS = kinds("view")
"""Layers that give the same values another shape."""
PLACED = kinds(having="keeps_places") | PLACED_BY_PLAN
"""Layers after which every position is where it was, though its channels may be others; of some of
them, where their plan says so."""
POINTWISE = kinds(having=KEEPS_SHAPE)
"""Layers after which every position is where it was, with as many channels."""

TRIED = 50_000
"""Most layers that are worked out in search of an input to name."""

Smallest = tuple[tuple[int, int], ...] | None
"""Size and effective stride per axis; None where positions are lost."""


class Context:
    """A network, and what can be asked about it."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes = network.nodes
        self.plans = network.plans
        self.complete = not network.errors
        """Whether the whole network is known."""
        self._origins: dict[frozenset[str], list[int]] = {}

    @cached_property
    def _by_kind(self) -> dict[str, list[int]]:
        indices: dict[str, list[int]] = {}
        for index, (node, plan) in enumerate(zip(self.nodes, self.plans, strict=True)):
            if plan is not None and node.kind not in SOURCES:
                indices.setdefault(node.kind, []).append(index)
        return indices

    def of(self, *kinds: str) -> list[int]:
        """The layers of some kinds whose plans are known."""
        if len(kinds) == 1:
            return self._by_kind.get(kinds[0], [])
        return [index for kind in kinds for index in self._by_kind.get(kind, ())]

    def plan(self, index: int) -> Plan:
        """The plan of a layer that `of` names; `LookupError` where none is known."""
        plan = self.plans[index]
        if plan is None:
            raise LookupError(self.name(index))
        return plan

    def windows(self, index: int) -> tuple[Window, ...]:
        """The windows of a layer that `of` names, an axis each; none where it has no axes."""
        return self.plan(index).windows

    def name(self, index: int) -> str:
        """What a layer is called."""
        return self.nodes[index].name

    def kind(self, index: int) -> str:
        """The kind of a layer; that of the network's input is `input`."""
        return self.nodes[index].kind

    def alike(self, index: int) -> list[int]:
        """The layers that are written where a layer is, itself among them."""
        return self._by_item[id(self.nodes[index].item)]

    def computed(self, index: int) -> bool:
        """Whether fields of a layer are worked out from parameters, so that others may hold.

        Those of its block and of the spec, in its item or in the `defaults` of its kind.
        """
        written = self.network.written
        spec = written.spec if written else None
        return computed(self.nodes[index].item, spec and spec.defaults.get(self.kind(index)))

    @cached_property
    def _by_item(self) -> dict[int, list[int]]:
        indices: dict[int, list[int]] = {}
        for index, node in enumerate(self.nodes):
            indices.setdefault(id(node.item), []).append(index)
        return indices

    def before(self, index: int) -> int:
        """The layer that a planned layer reads first."""
        return self.nodes[index].inputs[0]

    def source(self, index: int) -> bool:
        """Whether a layer reads nothing: the network's input."""
        return self.nodes[index].kind in SOURCES

    def input(self, index: int) -> Shape:
        """The shape of what a planned layer reads first."""
        return self.output(self.before(index))

    def output(self, index: int) -> Shape:
        """The shape of what a layer makes, or of the network's input; `LookupError` as `plan`."""
        return self.plan(index).output

    @cached_property
    def consumers(self) -> list[list[int]]:
        """For each layer those that read it."""
        readers: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for read in node.inputs if node.kind not in READING_NOTHING else ():
                readers[read].append(index)
        return readers

    @cached_property
    def wanted(self) -> frozenset[int]:
        """The network's outputs, and what the spec expects something of by name."""
        names = {promise.layer for promise in self.network.promises.expect if promise.layer}
        tensors = self.network.tensors() if names else {}
        named = {index for name in names if (index := tensors.get(name)) is not None}
        return frozenset({*self.network.outputs, *named})

    def reader(self, index: int) -> int | None:
        """The only layer that reads a layer; None when there are several, or none."""
        found = self.consumers[index]
        return found[0] if len(found) == 1 and index not in self.wanted else None

    def origins(self, passing: frozenset[str]) -> list[int]:
        """For each layer the last one at or before it that is of no kind in `passing`.

        A layer is its own where an error keeps unknown what it reads.
        """
        origins = self._origins.get(passing)
        if origins is None:
            origins = []
            for index, node in enumerate(self.nodes):
                here = node.kind not in passing or 0 in node.unknown
                if node.kind in PLACED_BY_PLAN:
                    here = here or not keeps_places(node.kind, self.plans[index])
                origins.append(index if here else origins[node.inputs[0]])
            self._origins[passing] = origins
        return origins

    @cached_property
    def fields(self) -> list[tuple[Fields | None, bool]]:
        """Receptive fields, and whether the paths to a layer have one stride."""
        return list(receptive_fields(self.network, self._sight))

    def sees_half(self, index: int) -> bool:
        """Whether each position of a map sees at least half of the image along every axis.

        True of sequences, too, and of what has no field of its own.
        """
        image = self.network.input
        fields = None if self.source(index) else self.fields[index][0]
        if image is None or image.rank < 2 or fields is None or len(fields) != image.rank:
            return True
        return all(
            2 * field.size >= extent for field, extent in zip(fields, image.spatial, strict=True)
        )

    @cached_property
    def _sight(self) -> Sight:
        return Sight(self.network)

    @cached_property
    def places(self) -> list[Fields | None]:
        """Where the outputs of each layer look, by formula, as if the input had no end."""
        return self._sight.fields if self.fields else []

    def between(self, one: int, other: int) -> list[int]:
        """The layers from the last one that all ways to two layers pass, up to both, in order."""
        layers: list[int] = []
        queued = {one, other}
        waiting = [-index for index in queued]
        heapify(waiting)
        while len(waiting) > 1:
            index = -heappop(waiting)
            layers.append(index)
            for read in self.nodes[index].inputs:
                if read not in queued:
                    queued.add(read)
                    heappush(waiting, -read)
        return layers[::-1]

    @cached_property
    def smallest_fields(self) -> list[Smallest]:
        """The receptive field along the shortest path to each layer."""
        if len(self.network.inputs) == 1:
            return list(self.network.walk(_smallest))
        others = {*self.network.inputs} - {*self.network.alike_inputs}
        unseen = {id(self.nodes[index]) for index in others}

        def step(node: LayerNode, plan: Plan | None, read: list[Smallest]) -> Smallest:
            return None if id(node) in unseen else _smallest(node, plan, read)

        return list(self.network.walk(step))

    def follows_input(self, index: int) -> bool:
        """Whether what a layer makes comes of the first input, or of one that changes with it."""
        return len(self.network.inputs) == 1 or (
            bool(self.fields) and index not in self._sight.unseen
        )

    @cached_property
    def input_field(self) -> str:
        """Where the first input is said in the spec."""
        if len(self.network.inputs) == 1:
            return "input"
        return f"input.{self.name(self.network.inputs[0])}"

    @cached_property
    def collapse(self) -> int | None:
        """The layer at which the map becomes the one position or vector of the first output.

        None when an output is a map, or there is no map at all.
        """
        index = self.network.output
        if index is None or not self.complete:
            return None
        if any(_positions(self.output(end)) > 1 for end in self.network.outputs):
            return None
        while not self.source(index) and _positions(self.output(index)) == 1:
            if _positions(self.input(index)) > 1:
                return index
            index = self.before(index)
        return None

    @cached_property
    def collapses(self) -> list[int]:
        """All layers at which a map becomes the one position or vector of the output.

        More than one where branches end in a pool each, and none where a map goes on, too.
        """
        if self.collapse is None:
            return []
        collapsing: set[int] = set()
        passed: set[int] = set()
        waiting = [*self.network.outputs]
        while waiting:
            index = waiting.pop()
            if index in passed or self.source(index):
                continue
            passed.add(index)
            if _positions(self.input(index)) > 1:
                collapsing.add(index)
            else:
                waiting.extend(self.nodes[index].inputs)
        return sorted(collapsing)

    @cached_property
    def dense(self) -> bool:
        """Whether the output is a map, or every position of some in a row."""
        if not self.complete:
            return False
        waiting, passed = [*self.network.outputs], set[int]()
        while waiting:
            index = waiting.pop()
            if index in passed or self.source(index):
                continue
            passed.add(index)
            if _positions(self.output(index)) > 1:
                return True
            if self.kind(index) not in WEIGHTED | POOLS | WHOLE_POOLS:
                waiting.extend(self.nodes[index].inputs)
        return False

    def first_fitting(
        self, inputs: Iterable[Shape], fits: "Callable[[Context], bool]"
    ) -> Shape | None:
        """The first of these inputs that every layer takes and that is as wanted.

        A help names no input that was not tried on the whole network.
        """
        if not self.complete:
            return None
        for shape in islice(inputs, 1 + TRIED // len(self.nodes)):
            if min(shape.axes) < 1:
                break
            network = resized(self.network, shape)
            if network is not None and fits(Context(network)):
                return shape
        return None

    @cached_property
    def pooled(self) -> bool:
        """Whether the output is made from a pool over the whole map."""
        return self.collapse is not None and self.kind(self.collapse) in POOLS | WHOLE_POOLS

    @cached_property
    def any_size(self) -> bool:
        """Whether a pool makes one size of every map before the output."""
        if self.collapse is None:
            return False
        source = self.origins(PLACED | VIEWS)[self.before(self.collapse)]
        return self.pooled or self.kind(source) in WHOLE_POOLS

    @cached_property
    def pooled_whole(self) -> frozenset[int]:
        """Layers whose whole map is pooled into one position next."""
        origins = self.origins(PLACED)
        return frozenset(
            origins[self.before(index)]
            for index in self.of(*POOLS, *WHOLE_POOLS)
            if _positions(self.output(index)) == 1
        )

    @cached_property
    def parameters(self) -> int:
        """Parameters of the network; shared ones count once."""
        return sum(
            self.size(index) for index, node in enumerate(self.nodes) if node.shared_with is None
        )

    @cached_property
    def weights(self) -> list[object]:
        """The weights of every layer, by their shapes."""
        return [plan.weights for plan in self.plans if plan is not None and plan.weights]

    def size(self, index: int) -> int:
        """Parameters of a layer."""
        plan = self.plans[index]
        if plan is None or not plan.weights:
            return 0
        return sum(weight.size for weight in plan.weights if not weight.buffer)


def _smallest(_: LayerNode, plan: Plan | None, read: list[Smallest]) -> Smallest:
    """The receptive field along the shortest path to a layer."""
    if plan is None:
        return None
    if not read:
        return ((1, 1),) * plan.output.rank
    if len(read) > 1:
        return min((field for field in read if field is not None), default=None)
    (before,) = read
    if not plan.windows or before is None:
        return before if plan.positions == "kept" else None
    if len(plan.windows) != len(before) or any(window.up > 1 for window in plan.windows):
        return None
    return tuple(
        (size + (window.extent - 1) * jump, jump * window.stride)
        for window, (size, jump) in zip(plan.windows, before, strict=True)
    )


def _positions(shape: Shape) -> int:
    return shape.size // shape.channels
