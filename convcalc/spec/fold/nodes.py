"""Items as folding works on them: numbers, names and origins apart from what they stand in.

Two stretches of items are alike where their nodes have the same keys; what differs then are
numbers, which become arguments, and names of tensors.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from convcalc.spec.nodes import (
    NO_COMMENTS,
    Comments,
)
from convcalc.spec.tree import Item

KEPT = ("when", "shared", "frozen")
"""Modifiers that are compared as they are written."""


class Expr(NamedTuple):
    """A value that is an expression over parameters."""

    text: str
    """As it is written."""
    local: bool
    """Whether it reads a parameter of the block that it stands in."""


Number: TypeAlias = int | float | bool | Expr
"""What may differ between two items that are alike."""


class Missing:
    """What a field without a default has instead."""


MISSING = Missing()


class Slot(NamedTuple):
    """Where a number stands in an item."""

    kind: str
    """The kind or block; empty for a modifier."""
    field: str
    """Its field, parameter or modifier."""
    default: Any
    """What it is where it is not written: a number, or `MISSING`."""


REPEAT = Slot("", "repeat", 1)
"""How often a group, a merge or the call of a block is done."""


class Items:
    """A list of items: the network's, a block's, a group's or a branch."""

    __slots__ = ("block", "nodes", "parent")

    def __init__(self, parent: "Node | None", block: str = "") -> None:
        self.nodes: list[Node] = []
        self.parent = parent
        self.block = block
        """The block whose body it is; empty for others."""

    def changed(self) -> None:
        """Let what it stands in be looked at anew."""
        node = self.parent
        while node is not None:
            node.known = None
            node = node.within.parent

    @property
    def root(self) -> "Items":
        """The network's items, or those of the block, that it stands in."""
        sequence = self
        while sequence.parent is not None:
            sequence = sequence.parent.within
        return sequence

    def every(self) -> Iterator["Items"]:
        """It and all lists inside it, inner before outer."""
        waiting: list[tuple[Items, bool]] = [(self, False)]
        while waiting:
            sequence, opened = waiting.pop()
            if opened:
                yield sequence
                continue
            waiting.append((sequence, True))
            for node in sequence.nodes:
                waiting.extend((inner, False) for inner in node.inner)


class Known(NamedTuple):
    """What there is to know of a node for comparing it."""

    key: int
    """The same of all nodes that are alike."""
    numbers: tuple[Number, ...]
    """What may differ in it and in what it holds, in order."""
    slots: tuple[Slot, ...]
    """Where each of these stands."""
    reads: tuple[str, ...]
    """Names of tensors that it starts from, in order."""
    names: tuple[str, ...]
    """Names that it gives to tensors, and that somebody reads, in order."""
    lines: int
    """How many lines it is, about."""
    fixed: bool
    """Whether it cannot stand anywhere else."""
    scope: tuple[str, ...]
    """Where it comes from."""


class Node:
    """An item."""

    __slots__ = (
        "branched",
        "called",
        "came",
        "class_name",
        "classes",
        "comments",
        "fields",
        "fixed",
        "inner",
        "kind",
        "known",
        "modifiers",
        "name",
        "origin",
        "path",
        "reads",
        "scope_name",
        "within",
    )

    def __init__(self, within: Items) -> None:
        self.within = within
        self.kind: str | None = None
        self.fields: dict[str, Any] = {}
        """Nodes of the tree by their keys; numbers and expressions among them."""
        self.reads: dict[str, str] = {}
        """The names of tensors in `from`, `weights` and fields."""
        self.name: str | None = None
        self.origin: Any = None
        self.came: tuple[str, str] | None = None
        """Where its first and its last layer come from, where that is only remarked."""
        self.modifiers: dict[str, Any] = {}
        self.inner: list[Items] = []
        self.branched = False
        self.comments: Comments = NO_COMMENTS
        self.fixed: Item | None = None
        """The item where it is left as it is written."""
        self.known: Known | None = None
        self.path: tuple[str, ...] = ()
        """The scopes that it stands in, where it comes from."""
        self.classes: tuple[str, ...] = ()
        """What each of these is an instance of, where that is known."""
        self.called = ""
        """The name that it is to have again; empty for any."""
        self.scope_name = ""
        """Of a group the scope that it is; empty for others."""
        self.class_name = ""
        """What that is an instance of, where it is known."""

    @property
    def rounds(self) -> Any:
        """How many times over; None where it is done once."""
        return self.modifiers.get("repeat")

    def lines(self) -> int:
        """How many lines it is, about."""
        beside = sum(key in self.modifiers for key in ("repeat", *KEPT)) if self.modifiers else 0
        beside += (self.name is not None) + (self.origin is not None) + ("from" in self.reads)
        if not self.inner:
            return 1 + (beside > 2)
        inside = sum(max(1, sum(node.look.lines for node in inner.nodes)) for inner in self.inner)
        return 1 + inside + beside

    @property
    def look(self) -> Known:
        """What there is to know of it, which is there once `Context.look` was asked."""
        if self.known is None:
            message = "an item that was not looked at"
            raise LookupError(message)
        return self.known
