"""A network without errors, as a type: every layer is there, and so is its plan."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from convcalc.graph import LayerNode, Network, SpecError, T
from convcalc.layers.base import Layer, Plan
from convcalc.shape import Shape

if TYPE_CHECKING:

    class PlannedNode(LayerNode):
        """A node of a network without errors."""

        layer: Layer
        """The layer with its fields."""

else:
    PlannedNode = LayerNode  # the same nodes, of which a type checker knows more


class Planned(Network):
    """A network without errors, which `planned` makes of one that has none.

    It is the same tuple of the same lists; what is declared below is told to type checkers alone,
    so that whoever needs every plan asks once, and not of each layer whether it is there.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        nodes: Sequence[PlannedNode]
        """The layers, its inputs first; each reads earlier ones only."""
        plans: Sequence[Plan]
        """The plan of each layer."""

        @property
        def input(self) -> Shape:
            """Shape of one example."""

        @property
        def output(self) -> int:
            """Index of the layer whose output is the network's."""

        def shape_of(self, index: int) -> Shape:  # type: ignore[override]  # none is unknown
            """Output shape of a layer, or of the input."""

        def walk(
            self,
            step: Callable[[PlannedNode, Plan, list[T]], T],
            *,
            sparing: bool = False,
        ) -> Iterator[T]:
            """See `Network.walk`; no plan is None."""


def planned(network: Network) -> Planned:
    """The network as one without errors; raises `SpecError` with those that it has.

    >>> from convcalc.graph import read_text
    >>> from convcalc.spec.text import SourceText
    >>> planned(read_text(SourceText("net", "{input: 8x8x3, layers: [relu]}"))).plans[-1].output
    Shape(channels=3, spatial=(8, 8))
    >>> planned(read_text(SourceText("net", "{input: 8x8x0, layers: [relu]}")))
    Traceback (most recent call last):
        ...
    convcalc.graph.SpecError: net:1:9: CC108 an extent is from 1 to 1,000,000,000, and this is 0
    """
    if isinstance(network, Planned):
        return network
    if network.errors:
        raise SpecError(network.errors)
    return Planned(*network)


def leading_to(network: Network, index: int) -> Planned:
    """The network of a layer and all that it needs, whose output that layer's is.

    Layers have their names, and the first that uses weights of one that is left out owns them.
    Errors elsewhere are left out, too; raises `SpecError` for those that keep one of these layers
    unknown.

    >>> from convcalc.graph import loads
    >>> whole = planned(loads("{input: 8x8x3, layers: [relu, add: [[], [sigmoid]], {tanh: {}}]}"))
    >>> [node.name for node in leading_to(whole, 2).nodes]
    ['input', 'relu1', 'sigmoid1']
    """
    needed, waiting = {index, *network.inputs}, [index]
    while waiting:
        node = network.nodes[waiting.pop()]
        for read in (*node.inputs, *(() if node.like is None else (node.like,))):
            if read not in needed:
                needed.add(read)
                waiting.append(read)
    kept = sorted(needed)
    if any(network.plans[at] is None or network.nodes[at].unknown for at in kept):
        raise SpecError(network.errors)
    place = {at: number for number, at in enumerate(kept)}
    owners: dict[int, int] = {}
    nodes = []
    for at in kept:
        node, shared = network.nodes[at], network.nodes[at].shared_with
        if shared is not None:
            owner = owners.setdefault(shared, place.get(shared, place[at]))
            shared = None if owner == place[at] else owner
        inputs = tuple(place[read] for read in node.inputs)
        like = None if node.like is None else place[node.like]
        nodes.append(node._replace(inputs=inputs, shared_with=shared, like=like))
    part = network._replace(
        nodes=nodes,
        inputs=tuple(place[each] for each in network.inputs),
        outputs=(place[index],),
        output_names=(),
        plans=[network.plans[at] for at in kept],
        lines=[network.lines[at] for at in kept],
        groups=(),
        diagnostics=(),
    )
    return Planned(*part)
