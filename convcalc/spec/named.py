"""Places in values that were made in Python: their numbers in order, and what they are called.

A tree that was made or changed in Python has no place of its own: one item may stand in it twice,
and another may come from a text. So it is copied as it is worked on, with every key and value
numbered in order; a name is made of a number when somebody asks for it.
"""

from convcalc.collector import without_collection
from convcalc.diagnostics import Diagnostic, Named, Place, Span
from convcalc.spec.nodes import MAX_DEPTH, List, Map, Node, ScalarNode, argument
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Item, Spec

TOO_DEEP = f"nested more than {MAX_DEPTH} deep; move inner layers into blocks"
"""What is said of a spec that is."""


class Values:
    """A spec made in Python, as what knows where everything in it stands."""

    def __init__(self, spec: Spec, path: str = "<spec>") -> None:
        self.path = path
        self.spec = numbered(spec)

    def place(self, start: int, end: int) -> Named:
        """What one calls the value or key that has the number `start`."""
        del end
        return Named(self._name(start) or "spec", start)

    def line(self, number: int) -> str:
        """Nothing: there is no text."""
        del number
        return ""

    def line_of(self, start: int) -> None:
        """None: there are no lines."""
        del start

    def first_line(self, start: int, end: int) -> int:
        """All of it."""
        del start
        return end

    def _name(self, number: int) -> str:
        name, node = "", self.spec
        inner: Node | None = node
        while inner is not None and inner.start != number and not isinstance(inner, ScalarNode):
            inner, name = _step(inner, number, name)
        return name


class Unplaced(Values):
    """The same where nobody asks for places, and so without a copy that has them."""

    def __init__(self, spec: Spec) -> None:
        see_depth(spec)
        self.path, self.spec = "<spec>", spec

    def place(self, start: int, end: int) -> Named:
        """All of it."""
        del end
        return Named("spec", start)


def _step(node: Map | List, number: int, name: str) -> tuple[Node | None, str]:
    """The key or value inside a node that holds a number, and what it is called."""
    if isinstance(node, List):
        for position, value in enumerate(node.items):
            if value.start <= number < max(value.end, value.start + 1):
                return value, f"{name}[{position}]"
        return None, name
    for (key, value), at in zip(node.entries.items(), node.key_starts, strict=True):
        if at <= number < max(value.end, at + 1):
            inner = None if number == at else value
            return inner, f"{name}.{argument(key)}" if name else argument(key)
    return None, name


def in_python(diagnostic: Diagnostic, text: SourceText, spec: Spec) -> Diagnostic:
    """A finding about the text that was written of a tree, with places in the tree."""

    def named(place: Place) -> Place:
        if not isinstance(place, Span):
            return place
        start, end = text.offset(*place[:2]), text.offset(*place[2:])
        return Named(_name_at(spec, start, end) or "spec", start)

    related = tuple((named(place), said) for place, said in diagnostic.related)
    return diagnostic._replace(
        place=named(diagnostic.place), source_line="", edits=(), related=related
    )


def _name_at(spec: Spec, start: int, end: int) -> str:
    """What the innermost key or value is called that a stretch of a text begins in.

    One character at the beginning of a mapping stands for the mapping, as it does in a finding.
    """
    name = ""
    node: Node | None = spec
    while isinstance(node, Map | List) and not (isinstance(node, Item) and node.bare):
        if isinstance(node, Map):
            whole = start == node.start and end == start + 1
            if whole and len(next(iter(node.entries), "")) > 1:
                break
        node, name = _step(node, start, name)
    return name


def see_depth(spec: Spec) -> None:
    """See that a spec nests no deeper than it can; raises `ValueError`."""
    within: list[Map | List] = [spec]
    for _ in range(MAX_DEPTH):
        inner: dict[int, Map | List] = {}  # each once, wherever it stands
        for node in within:
            for each in node.items if isinstance(node, List) else node.entries.values():
                if not isinstance(each, ScalarNode):
                    inner[id(each)] = each
        if not inner:
            return
        within = [*inner.values()]
    raise ValueError(TOO_DEEP)


@without_collection
def numbered(spec: Spec) -> Spec:
    """A copy of a spec with the numbers of its keys and values as their places.

    Raises `ValueError` where it nests deeper than a spec can.
    """
    made, _ = _mapping(spec, 0, 1)
    return made  # type: ignore[return-value]


def _node(node: Node, number: int, depth: int) -> tuple[Node, int]:
    """A node with its places, and the next number."""
    if isinstance(node, ScalarNode):
        return ScalarNode(node.text, number, 1, node.plain), number + 1
    if depth > MAX_DEPTH:
        raise ValueError(TOO_DEEP)
    if isinstance(node, Map):
        return _mapping(node, number, depth)
    items, start = [], number
    number += 1
    for item in node.items:
        made, number = _node(item, number, depth + 1)
        items.append(made)
    return List.at(tuple(items), start, number, node.comments), number


def _mapping(node: Map, number: int, depth: int) -> tuple[Map, int]:
    start = number
    said = node.entries
    if len(said) == 1 and isinstance(node, Item):
        ((key, value),) = said.items()
        if node.bare or (isinstance(value, ScalarNode) and not value.text and value.plain):
            word = ScalarNode(key, start, 1)
            return Item.at({key: word}, (start,), start, start + 1, node.about), start + 1
    number += 1
    entries: dict[str, Node] = {}
    starts: list[int] = []
    for key, value in said.items():
        starts.append(number)
        if value.__class__ is ScalarNode:  # as most are
            entries[key] = ScalarNode(value.text, number + 1, 1, value.plain)
            number += 2
        else:
            entries[key], number = _node(value, number + 1, depth + 1)
    return node.at(entries, tuple(starts), start, number, node.about), number
