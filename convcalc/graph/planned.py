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
