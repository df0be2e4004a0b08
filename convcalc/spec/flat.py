"""A spec written out: a flat list of named layers, and the blocks and groups beside it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from convcalc.findings import Findings
from convcalc.layers import UNPOOL
from convcalc.layers.base import Layer
from convcalc.layers.source import Input
from convcalc.shape import Shape
from convcalc.spec.nodes import Node, Value
from convcalc.spec.promises import Promises
from convcalc.spec.tree import Item
from convcalc.spec.values import readings
from convcalc.window import Window

if TYPE_CHECKING:
    from convcalc.spec.fields import FieldReader
    from convcalc.spec.values import Scope
    from convcalc.spec.ways import Way


EXTENTS = (720_720, 1_441_440, 2_162_160)
"""Extents with many divisors, at which to ask what fields make of those that come in."""


class Like(NamedTuple):
    """The tensor that a layer is to make its map as large as."""

    name: str
    """Full name of the layer that makes it."""
    shape: Shape
    """Its shape, of which the spatial extents count."""
    pool: tuple[Window, ...] = ()
    """The windows of a pool that is to be undone; none where a layer is to be as large."""
    written: tuple[Window, ...] = ()
    """Those windows with the padding as it is written, not rounded up."""


class Late:
    """What makes a layer once it is known what comes in, as `groups: incoming.channels` needs.

    It makes one for each value of what its fields read, so that what follows from a layer is worked
    out once; of a layer that is as large as another one for both of their shapes.
    """

    __slots__ = ("_base", "_kind", "_made", "_node", "_reader", "_reads", "_scope")

    def __init__(
        self,
        reader: "FieldReader",
        kind: str,
        node: Node,
        scope: "Scope",
        base: Layer | None = None,
    ) -> None:
        self._reader = reader
        self._kind = kind
        self._node = node
        self._scope = scope
        self._base = base
        """What its fields alone make; None where they read what comes in."""
        self._made: dict[object, Layer | None] = {}
        self._reads: frozenset[str] = frozenset()

    def layer(
        self,
        incoming: Shape,
        name: str,
        findings: Findings | None,
        like: Like | None = None,
    ) -> Layer | None:
        """The layer for what comes in; None where it has errors, which go to `findings` if given.

        `name` is the layer's full name, which findings speak of, and `like` the tensor that it is
        to be as large as, if its fields name one.
        """
        if self._base is None and not self._reads:
            layer = self._read(incoming, name, findings, like)
            self._made[self._key(incoming, like)] = layer  # whose reads are known now
            return layer
        key = self._key(incoming, like)
        if key not in self._made:
            layer = self._read(incoming, name, findings, like)
            key = self._key(incoming, like)
            self._made[key] = layer
        return self._made[key]

    def _key(self, incoming: Shape, like: Like | None) -> object:
        """What the layer hangs on: one that errors hid until now is part of it from then on."""
        values = readings(incoming) if self._reads else {}
        read = tuple((name, values.get(name)) for name in sorted(self._reads))
        return read if like is None else (read, incoming, like)

    def reads(self, incoming: Shape, name: str) -> frozenset[str]:
        """What its fields read of what comes in: `incoming.channels`, `incoming.height`, ….

        It is asked with something that comes in unless a layer was made before.
        """
        if self._base is None and not self._reads:
            self.layer(incoming, name, None)
        return self._reads

    @property
    def known(self) -> Layer | None:
        """The layer that its fields alone make; None where they read what comes in."""
        return self._base

    @property
    def extents(self) -> tuple[int, ...]:
        """Extents that are read, at which to ask what it makes of them."""
        return EXTENTS

    @property
    def written(self) -> Node:
        """The fields as they are written."""
        return self._node

    def base(self, incoming: Shape, name: str, findings: Findings | None) -> Layer | None:
        """The layer with what its fields say alone, whatever tensor it is to be as large as."""
        if self._base is not None:
            return self._base
        layer, reads = self._reader.late(
            self._kind, self._node, self._scope, name, incoming, findings
        )
        self._reads |= reads
        return layer

    def _read(
        self, incoming: Shape, name: str, findings: Findings | None, like: Like | None
    ) -> Layer | None:
        layer = self.base(incoming, name, findings)
        if layer is None or like is None:
            return layer
        return self._reader.following(layer, self._node, name, incoming, like, findings)


class LayerNode(NamedTuple):
    """One layer of the network, and what it reads."""

    name: str
    """Full name, as `stage1.conv1`."""
    kind: str
    """What the spec calls it: `conv`, `maxpool`; a key of the catalogue."""
    layer: Layer | None
    """The layer with its fields; None when they have errors, and until it is planned if late."""
    inputs: tuple[int, ...]
    """Indices of the layers it reads, all of them earlier; a source reads none."""
    item: Item
    """Where it was written."""
    shared_with: int | None = None
    """Index of the layer whose weights it uses; None when they are its own."""
    unknown: tuple[int, ...] = ()
    """Which of what it reads an error keeps unknown, counted from 0 as written; `inputs` has the
    others."""
    late: Late | None = None
    """What makes the layer for the shape that comes in; None where its fields do not read that."""
    like: int | None = None
    """Index of an earlier layer whose map it makes its own as large as, or of the pool that it
    undoes; it does not read it."""
    origin: str = ""
    """What it is called where it comes from; empty where that is not said."""
    frozen: bool | None = None
    """Whether training leaves its weights as they are; None where that is not said, and it learns.
    Weights that are another layer's are as they are there."""

    @property
    def rounds_as_elsewhere(self) -> bool:
        """Whether it rounds down as it does where it comes from, which is how it was trained."""
        return bool(self.origin) and getattr(self.layer, "rounding", "") == "floor"

    @property
    def looks_at(self) -> tuple[int, ...]:
        """The layers whose positions its outputs look at: all that it reads.

        One that undoes a pool looks at what that made, and not at what it read.
        """
        if self.kind != UNPOOL or self.like is None:
            return self.inputs
        return self.inputs[0], self.like

    def __repr__(self) -> str:
        """What it is and reads, in one line."""
        what = self.kind if self.layer is None else repr(self.layer)
        return f"<LayerNode {self.name!r}: {what}, reads {[*self.inputs]}>"

    def changed(self, layer: Layer) -> "LayerNode":
        """The node with this layer, whatever comes in."""
        return self._replace(
            layer=layer, late=None, like=self.like if self.kind == UNPOOL else None
        )


class Group(NamedTuple):
    """A block or a named group, or one round of it, as a stretch of the flat network."""

    name: str
    """Full name, as `stage1.block2`."""
    block: str
    """The definition that it calls; empty for a group that is written where it stands."""
    item: Item
    """Where it is said; the rounds of one repeat share it."""
    layers: range
    """Indices of its layers, those of groups inside it among them; empty when it has none."""
    output: int | None
    """Index of the layer whose output its last item leaves, which may stand outside it; None where
    an error keeps it unknown."""
    origin: str = ""
    """What it is called where it comes from; empty where that is not said."""

    def __repr__(self) -> str:
        """What it calls, and which layers are its own, in one line."""
        block = f"block {self.block!r}" if self.block else "a group"
        own = f"layers {self.layers[0]} to {self.layers[-1]}" if self.layers else "no layers"
        return f"<Group {self.name!r}: {block}, {own}>"


class Lost(NamedTuple):
    """An item that an error keeps out of the network."""

    item: Node
    """What is written there, which may be no item."""
    reads: int | None
    """Index of the layer that it would read; None where that is lost, too."""
    after: int | None
    """Which of the lost items it would read, counted from 0; None where it is none of them."""
    before: int
    """Index of the layer in front of which it would stand; that behind the last one if none."""
    group: str
    """Full name of the group that it stands in; empty outside of groups."""


class Borrowed(NamedTuple):
    """Layers that use the weights of others by their name."""

    item: Item
    """Where that is said, as `weights`."""
    owner: range
    """Indices of the layers whose weights they are."""
    user: range
    """Indices of those that use them, of the same kinds in the same order, or transposed."""


class Frozen(NamedTuple):
    """An item that says whether the weights in it learn."""

    item: Item
    """Where that is said, as `frozen`."""
    layers: range
    """Indices of its layers."""


class Document(NamedTuple):
    """A spec written out."""

    name: str
    """The spec's `name`, or its path."""
    reference: str | None
    """Where the network is described; None where that is not said."""
    nodes: list[LayerNode]
    """All layers, the network's inputs first, with blocks, groups and repeats written out."""
    inputs: tuple[int, ...]
    """Indices of the network's inputs."""
    outputs: tuple[int, ...]
    """Indices of the layers whose outputs are the network's; those that errors keep unknown are not
    among them."""
    parameters: dict[str, Value]
    """Values of the spec's parameters, those that were given among them."""
    promises: Promises
    """What the spec expects and allows, with the places of both."""
    year: int | None = None
    """When the network was published; None where that is not said."""
    groups: tuple[Group, ...] = ()
    """Blocks and named groups, by where they start, outer before inner."""
    output_names: tuple[str, ...] = ()
    """What `outputs` calls each of the outputs; none where the spec does not say which they are."""
    lost: bool = False
    """Whether errors kept an item out altogether."""
    borrowed: tuple[Borrowed, ...] = ()
    """Which layers use the weights of others by their name."""
    frozen: tuple[Frozen, ...] = ()
    """Which items say whether the weights in them learn."""
    lost_items: tuple[Lost, ...] = ()
    """Those items, in order, each as often as it would be written out."""
    lost_reads: Mapping[tuple[int, int], int] = MappingProxyType({})
    """By a layer's index, and which of what it reads is unknown: the lost item that it reads."""
    ways: tuple["Way", ...] = ()
    """What is said of how layers are written in code, in the order in which it is written."""


def source_item(given: Node) -> Item:
    """Where an input is said, which is no item of `layers`."""
    return Item.at({"input": given}, (given.start,), given.start, given.end)


def source_node(name: str, shape: Shape | None, item: Item) -> LayerNode:
    """The layer that an input is; its shape is None where an error keeps it unknown."""
    return LayerNode(name, "input", None if shape is None else Input.of(shape), (), item)
