"""Layers that wait for a shape, because a field of theirs reads the incoming tensor."""

from typing import TYPE_CHECKING

from convcalc.findings import Findings
from convcalc.layers.base import Layer
from convcalc.shape import Shape
from convcalc.spec.nodes import Node

if TYPE_CHECKING:
    from convcalc.spec.fields import FieldReader, Scope


class Late:
    """What makes a layer once it is known what comes in, as `groups: incoming.channels` needs.

    It makes one for each number of channels, so that what follows from a layer is worked out once.
    """

    __slots__ = ("_kind", "_made", "_node", "_reader", "_scope")

    def __init__(self, reader: "FieldReader", kind: str, node: Node, scope: "Scope") -> None:
        self._reader = reader
        self._kind = kind
        self._node = node
        self._scope = scope
        self._made: dict[int, Layer | None] = {}

    def layer(self, incoming: Shape, name: str, findings: Findings | None) -> Layer | None:
        """The layer for what comes in; None where it has errors, which go to `findings` if given.

        `name` is the layer's full name, which findings speak of.
        """
        channels = incoming.channels
        if channels not in self._made:
            self._made[channels] = self._reader.late(
                self._kind, self._node, self._scope, name, incoming, findings
            )
        return self._made[channels]
