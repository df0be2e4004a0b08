"""A spec written out as a spec: one item a layer, without blocks, repeats and expressions.

It is recorded while the network is expanded, so that an item says of its layer what the expansion
made of it, and every tensor that an item starts from is the one that it started from.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from convcalc.findings import Findings
from convcalc.layers import CATALOGUE, kinds, layer_class, takes_branches
from convcalc.layers.base import Layer, declarations, defaults
from convcalc.layers.source import Input
from convcalc.shape import Shape
from convcalc.spec.as_item import as_item, merging, started
from convcalc.spec.expand import Expander
from convcalc.spec.fields import FieldReader
from convcalc.spec.flat import Document, LayerNode
from convcalc.spec.items import SPLIT, Said
from convcalc.spec.names import Reporter, Surroundings
from convcalc.spec.nodes import (
    NO_COMMENTS,
    NOTHING_ABOUT,
    Comments,
    List,
    Map,
    Node,
    ScalarNode,
    Text,
    value_of,
)
from convcalc.spec.origins import literal
from convcalc.spec.parameters import Member
from convcalc.spec.tree import Item, Spec
from convcalc.spec.values import Scope
from convcalc.spec.ways import Layers, kept_lines, words
from convcalc.spec.write import DIRECTIVE

_E = TypeVar("_E", bound=Expander)

WEIGHTLESS = kinds(lacking="weighted")
"""Kinds of which no layer has weights, so that none can be another's."""


class Draft(NamedTuple):
    """An item that is written once it is known which tensors others start from."""

    kind: str
    """The kind of layer, or `split`."""
    fields: Mapping[str, Any]
    """What is not as usual, as nodes and values of Python."""
    node: int
    """The number of the layer; of `split` that of the first of its parts."""
    start: int | None
    """The tensor that it starts from where that is not the one before it."""
    branches: tuple["Branch", ...] | None = None
    """What a merge merges; None of other layers."""
    weights: int | None = None
    """The layer whose weights it uses."""
    like: int | None = None
    """The layer that a field of it names, whose map it makes its own as large as, say."""
    parts: tuple[int, ...] = ()
    """The slices of a `split`."""
    comments: Comments = NO_COMMENTS
    """Those of the item that made it."""


class Branch(NamedTuple):
    """A list of items."""

    items: tuple[Draft, ...]
    """One behind the other."""
    end: int | None
    """The tensor that it ends in where that is not what its last item makes."""


class Recorded(NamedTuple):
    """A spec that was expanded, with what its items made."""

    document: Document
    """The network that it is."""
    layers: Branch
    """The same as items."""


def recorded(spec: Spec) -> Recorded | None:
    """What the items of a spec make, without a preset; None where it has errors."""
    made = _expanded(spec, _Recorder)
    return None if made is None else Recorded(made[0], made[1].layers)


def expanded(spec: Spec) -> Document | None:
    """The network that a spec is, without a preset; None where it has errors."""
    made = _expanded(spec, Expander)
    return None if made is None else made[0]


def _expanded(spec: Spec, by: type[_E]) -> tuple[Document, _E] | None:
    from convcalc.spec.named import Unplaced, Values

    # In a block and outside of it one item may be two; and its comments are of each of its places.
    apart = bool(spec.blocks) or by is not Expander
    values = Values(spec) if apart else Unplaced(spec)
    findings = Findings(values)
    report, reader = Reporter(findings), FieldReader(findings)
    member = Member(report, reader, values.spec)
    if not member.choose(""):
        return None
    expander = by(report, reader, member, {}, None)
    document = expander.expand()
    wrong = any(each.severity == "error" for each in findings.diagnostics)
    if wrong or document.lost or any(node.unknown for node in document.nodes):
        return None
    return document, expander


def unfolded(spec: Spec, *, names: bool = False) -> Spec | None:
    """The same network with one item a layer; None where the spec has errors.

    What is not read of a name is a number then. With `names` each layer that comes from nowhere
    says as its `origin` what it was called. Comments stay with the first of the layers that an item
    makes.
    """
    made = recorded(spec)
    return None if made is None else _Writer(spec, made, names=names).spec()


class _Frame:
    """A list of items that is being made, and the tensor at its end."""

    def __init__(self, current: int | None) -> None:
        self.items: list[Draft] = []
        self.current = current

    def start(self, wanted: int | None) -> int | None:
        """What the next item says to start from `wanted`: None where it does anyway."""
        return None if wanted == self.current else wanted


class _Recorder(Expander):
    """An expansion that keeps what each item made, at its place among branches."""

    def __init__(
        self,
        report: Reporter,
        reader: FieldReader,
        member: Member,
        overrides: Mapping[str, object],
        input_shape: Shape | None,
    ) -> None:
        super().__init__(report, reader, member, overrides, input_shape)
        self.frames = [_Frame(0)]
        self.merges: list[list[_Frame]] = []
        self.merging = False
        """Whether the next list of items is a branch, and the next layer merges some."""
        self.layers = Branch((), None)
        self.commented: set[int] = set()

    def expand(self) -> Document:
        document = super().expand()
        (frame,) = self.frames
        last = document.outputs[0] if document.outputs and not document.output_names else None
        self.layers = Branch(
            tuple(self._with_weights(frame.items)), None if last is None else frame.start(last)
        )
        return document

    def _with_weights(self, drafts: Sequence[Draft]) -> Iterator[Draft]:
        """The items, with whose weights they use: that is known at the end."""
        for draft in drafts:
            made = draft
            if draft.kind != SPLIT:
                owner = self.nodes[draft.node].shared_with
                if owner is not None and draft.kind not in WEIGHTLESS:
                    made = made._replace(weights=owner)
            if draft.branches is not None:
                branches = tuple(
                    branch._replace(items=tuple(self._with_weights(branch.items)))
                    for branch in draft.branches
                )
                made = made._replace(branches=branches)
            yield made

    def sequence(
        self, node: List, current: int | None, place: Surroundings, first: int = 0
    ) -> int | None:
        if not self.merging:
            return super().sequence(node, current, place, first)
        self.merging = False
        self.frames.append(_Frame(current))
        made = super().sequence(node, current, place, first)
        frame = self.frames.pop()
        self.merges[-1].append(frame)
        frame.items.append(_END._replace(start=made))
        self.merging = True
        return made

    def merge(
        self,
        item: Said,
        kind: str,
        branches: List,
        node: Item,
        current: int | None,
        place: Surroundings,
        name: str,
    ) -> int | None:
        before, self.merging = self.merging, True
        self.merges.append([])
        count = len(self.nodes)
        made = super().merge(item, kind, branches, node, current, place, name)
        frames = self.merges.pop()
        self.merging = before
        outer = self.frames[-1]
        if made is not None and len(self.nodes) > count and self.nodes[-1].item is node:
            index = len(self.nodes) - 1
            drafted = self._draft(index, item.value, place.scope, node, outer.start(current))
            outer.items.append(drafted._replace(branches=tuple(map(_branch, frames))))
            outer.current = made
        else:  # one branch is left, and stands where the merge would
            for frame in frames:
                *items, _ = frame.items
                if items and items[0].start is None and outer.start(current) is not None:
                    items[0] = items[0]._replace(start=current)
                outer.items += items
                outer.current = frame.current if items else outer.current
        return made

    def add_layer(
        self,
        kind: str,
        value: Node,
        node: Item,
        inputs: tuple[int | None, ...],
        place: Surroundings,
        name: str,
        origin: str = "",
    ) -> int:
        index = super().add_layer(kind, value, node, inputs, place, name, origin)
        if not self.merging:
            frame = self.frames[-1]
            start = frame.start(inputs[0])
            frame.items.append(self._draft(index, value, place.scope, node, start))
            frame.current = index
        return index

    def split(
        self, value: Node, node: Item, current: int | None, place: Surroundings, name: str
    ) -> int | None:
        first = len(self.nodes)
        made = super().split(value, node, current, place, name)
        if len(self.nodes) > first:
            from convcalc.spec.split import Part

            part = self.nodes[first].late
            frame = self.frames[-1]
            fields: dict[str, Any] = {}
            if isinstance(part, Part):
                said = part.said
                fields = {} if said.axis == "channels" else {"axis": said.axis}
                if said.sizes is not None:
                    fields["into"] = said.sizes
            parts = tuple(range(first, len(self.nodes)))
            comments = self._comments(node)
            start = frame.start(current)
            frame.items.append(Draft(SPLIT, fields, first, start, parts=parts, comments=comments))
            frame.current = current
        return made

    def _draft(self, index: int, value: Node, scope: Scope, item: Item, start: int | None) -> Draft:
        node = self.nodes[index]
        layer = node.layer
        if layer is None and node.late is not None and node.like is not None:
            layer = node.late.known
        if layer is not None:
            fields = said_of(layer, self.reader.rounding)
        else:
            fields = self._late(node, value, scope)
        comments = self._comments(item)
        return Draft(node.kind, fields, index, start, like=node.like, comments=comments)

    def _late(self, node: LayerNode, value: Node, scope: Scope) -> dict[str, Any]:
        """The fields of a layer that waits for what it reads, with numbers for all other names."""
        fields: dict[str, Any] = dict(self.reader.kind_defaults.get(node.kind, {}))
        if isinstance(value, Map):
            given: Mapping[str, Node] = value.entries
        elif isinstance(value, List) or (value.text and value.text != node.kind):
            given = {next(iter(declarations(layer_class(node.kind)))): value}
        else:
            given = {}
        fields.update((name, settled(each, scope)) for name, each in given.items())
        declared = declarations(layer_class(node.kind))
        return {
            name: fields[name]
            for name, each in declared.items()
            if name in fields and each.form != "tensor"
        }

    def _comments(self, item: Item) -> Comments:
        """The comments of an item, for the first of the layers that it makes."""
        comments = gathered(item)
        if id(item) not in self.commented:
            self.commented.add(id(item))
            return comments
        if comments is NO_COMMENTS:
            return comments
        before, line, _ = comments  # what is said to this program holds for every round
        kept = tuple(each for each in before if DIRECTIVE.match(each))
        return Comments(kept, line if DIRECTIVE.match(line) else "")


_END = Draft("", {}, 0, None)
"""Ends the items of a branch, and says as `start` which tensor it puts out."""


def _branch(frame: _Frame) -> Branch:
    *items, end = frame.items
    return Branch(tuple(items), None if end.start == frame.current else end.start)


def gathered(item: Item) -> Comments:
    """All comments of an item and of its fields, as those of the item; not those of items in it."""
    if item.about is NOTHING_ABOUT:
        for value in item.entries.values():
            if isinstance(value, Map) and value.about is not NOTHING_ABOUT:
                break
        else:
            return NO_COMMENTS  # as most items have none
    before, line, after = item.comments
    lines = [line] if line else []
    above, below = [*before], [*after]
    waiting: list[Map] = [item]
    while waiting:
        for part in waiting.pop().parts:
            above += part.comments.before
            below += part.comments.after
            if part.comments.line:
                lines.append(part.comments.line)
            if isinstance(part.value, Map) and not isinstance(part.value, Item):
                waiting.append(part.value)
    if len(lines) > 1:
        above, lines = [*above, *lines[:-1]], lines[-1:]
    if not (above or lines or below):
        return NO_COMMENTS
    return Comments(tuple(above), "".join(lines), tuple(below))


def said_of(layer: Layer, rounding: str) -> dict[str, Any]:
    """The fields of a layer that are not as usual under a spec's `rounding`."""
    cls = type(layer)
    usual = usual_of(cls, rounding)
    missing = object()
    said = {}
    for name, declared in declarations(cls).items():
        if declared.form == "tensor":
            continue  # which is another layer, and said as such
        value = getattr(layer, name)
        there = usual.get(name, missing)
        if value is not None and (value != there or type(value) is not type(there)):
            said[name] = value
    return said


def usual_of(cls: type[Layer], rounding: str) -> dict[str, Any]:
    """The values that the fields of a kind have unless given, without a spec's `defaults`."""
    values = defaults(cls)
    if "rounding" in values and rounding != "exact":
        values["rounding"] = "ceil" if rounding == "ceil" and cls.ceils else "floor"
    return values


def settled(node: Node, scope: Scope) -> Node:
    """A value with numbers in place of the names that are known; what comes in stays a name."""
    if isinstance(node, List):
        return List([settled(each, scope) for each in node.items])
    if isinstance(node, Map) or not node.plain:
        return node
    from convcalc.spec.expressions import ExpressionError, constant
    from convcalc.spec.syntax import mentioned, parse

    held = scope.values.get(node.text)
    if isinstance(held, str):
        return ScalarNode(held, -1, 0)
    known = {name: scope.values[name] for name in mentioned(node.text) if name in scope.values}
    known = {name: value for name, value in known.items() if not name.startswith("incoming.")}
    if not known:
        return ScalarNode(node.text, -1, 0)
    try:
        made = parse(node.text).replace({name: constant(each) for name, each in known.items()})
    except ExpressionError:
        return ScalarNode(node.text, -1, 0)
    return ScalarNode(made.text(), -1, 0)


class _Writer:
    """Items of drafts, with names for the tensors that others start from."""

    def __init__(self, spec: Spec, made: Recorded, *, names: bool) -> None:
        self.whole = spec
        self.document, self.layers = made
        self.names = names
        self.named: dict[int, str] = {}
        self.taken: set[str] = set()
        for index in self.document.inputs:
            self.named[index] = self.document.nodes[index].name
            self.taken.add(self.named[index])

    def spec(self) -> Spec:
        """The whole."""
        document = self.document
        for index, name in zip(document.outputs, document.output_names, strict=False):
            known = name.replace(".", "_")
            if known not in self.taken and index not in self.named:
                self.named[index] = known  # by which the output is known
                self.taken.add(known)
        for index in self._referred(self.layers):
            self._name(index)
        changes: dict[str, Any] = {"input": self._inputs(), "layers": self._items(self.layers)}
        changes |= dict.fromkeys(("parameters", "presets", "defaults", "blocks", "origins"))
        if self._varies_parameters():
            changes["sweep"] = None
        if document.output_names:
            changes["outputs"] = [self._name(index) for index in document.outputs]
            changes["layers"] = self._items(self.layers)  # which have these names now
        for key in ("expect", "budget"):
            if key in self.whole:
                changes[key] = self._promises(self.whole.entries[key])
        if "expect" in self.whole and "layers" in self.whole.expect:
            changes["expect"], changes["layers"] = self._expected(changes["expect"])
        if "expect" in changes and "outputs" in changes["expect"].entries:
            now = {
                old: self._name(at)
                for old, at in zip(document.output_names, document.outputs, strict=True)
            }
            said = changes["expect"].entries["outputs"].entries
            outputs = Map({now.get(name, name): shape for name, shape in said.items()})
            changes["expect"] = Map({**changes["expect"].entries, "outputs": outputs})
        made = self.whole
        for key, value in changes.items():
            if value is not None or key in made:
                made = made.replace(**{key: value})
        if document.ways:
            wanted = words(Layers(document.nodes, document.groups), document.ways)
            bare = expanded(made.replace(written=None))
            if bare is not None:  # whose layers are called otherwise
                layers = Layers(bare.nodes, bare.groups)
                made = made.replace(written=kept_lines(layers, made.entries["written"], wanted))
        return made

    def _varies_parameters(self) -> bool:
        """Whether its sweep varies what is not there any more."""
        varied = self.whole.sweep.get("vary")
        names = varied.entries if isinstance(varied, Map) else {}
        return any(name.removeprefix("set.") in self.whole.parameters for name in names)

    def _expected(self, expect: Map) -> tuple[Map, Sequence[Item]]:
        """What is expected, of layers by the names that they have now."""
        tensors: dict[str, int | None] = {
            **{node.name: index for index, node in enumerate(self.document.nodes)},
            **{group.name: group.output for group in self.document.groups},
        }
        nodes = self.document.nodes
        told = {name: tensors[name] for name in expect["layers"].entries if name in tensors}
        while other := [  # names that are given count no more, so that others may change with them
            index
            for index, name in enumerate(self._called())
            if index in told.values() and index not in self.named and name != nodes[index].name
        ]:
            for index in other:
                self._name(index)
        called = self._called()
        layers: dict[str, Any] = {
            called[index]: expect["layers"].entries[name]
            for name, index in told.items()
            if index is not None
        }
        kept = {key: node for key, node in expect.entries.items() if key != "layers"}
        return Map({**kept, "layers": Map(layers)}), self._items(self.layers)

    def _called(self) -> list[str]:
        """What layers are called: as they are named, or by their kinds and numbers."""
        counts: dict[str, int] = {}
        taken: set[str] = set()
        called: list[str] = []
        for index, node in enumerate(self.document.nodes):
            name = self.named.get(index, "")
            count = counts.get(node.kind, 0)
            base = f"{node.kind}_" if node.kind[-1].isdigit() else node.kind
            while not name or name in taken:
                count += 1
                name = f"{base}{count}"
                counts[node.kind] = count
            taken.add(name)
            called.append(name)
        return called

    def _promises(self, node: Node) -> Node:
        """Promises, with numbers in place of parameters."""
        scope = Scope(self.document.parameters)
        if isinstance(node, Map):
            return Map({key: self._promises(each) for key, each in node.entries.items()})
        return settled(node, scope)

    def _inputs(self) -> Any:
        shapes = {
            self.document.nodes[index].name: self.document.nodes[index].layer
            for index in self.document.inputs
        }
        written = {
            name: "x".join(map(str, layer.shape))
            for name, layer in shapes.items()
            if isinstance(layer, Input)
        }
        if isinstance(self.whole.input, Map):
            return Map(written)
        (only,) = written.values()
        return int(only) if only.isdecimal() else only

    def _referred(self, branch: Branch) -> Iterator[int]:
        """The tensors that items name."""
        for draft in branch.items:
            yield from (
                each for each in (draft.start, draft.weights, draft.like) if each is not None
            )
            for inner in draft.branches or ():
                yield from self._referred(inner)
            yield from draft.parts
        if branch.end is not None:
            yield branch.end

    def _name(self, index: int) -> str:
        """The name of a tensor: its layer's, where that can be one item's and no other's."""
        if index not in self.named:
            node = self.document.nodes[index]
            wanted = node.name.replace(".", "_")
            numbered = wanted.rstrip("0123456789").rstrip("_") in CATALOGUE
            if numbered or wanted in self.taken or wanted in CATALOGUE:
                base = "skip" if numbered and "." not in node.name else f"{wanted}_"
                number = 1
                while f"{base}{number}" in self.taken:
                    number += 1
                wanted = f"{base}{number}"
            self.named[index] = wanted
            self.taken.add(wanted)
        return self.named[index]

    def _items(self, branch: Branch) -> list[Item]:
        items = [self._item(draft) for draft in branch.items]
        if branch.end is not None:
            items.append(started(self._name(branch.end)))
        return items

    def _item(self, draft: Draft) -> Item:
        node = self.document.nodes[draft.node]
        name = self.named.get(draft.node) if draft.kind != SPLIT else None
        origin = node.origin
        if self.names and draft.kind != SPLIT and node.name != name:
            origin = origin or node.name
        return as_item(
            draft.kind,
            self._value(draft),
            name=name,
            start=None if draft.start is None else self._name(draft.start),
            weights=None if draft.weights is None else self._name(draft.weights),
            frozen=bool(node.frozen) and node.kind not in WEIGHTLESS and draft.weights is None,
            origin=literal(origin),
            comments=draft.comments,
        )

    def _value(self, draft: Draft) -> Any:
        """What stands behind the kind."""
        fields: dict[str, Any] = {name: valued(each) for name, each in draft.fields.items()}
        if draft.kind == SPLIT:
            names = [self._name(index) for index in draft.parts]
            if "into" in draft.fields:
                sizes = dict(zip(names, draft.fields["into"], strict=True))
                return Map({**fields, "into": Map(sizes)})
            fields["into"] = List(names)
            return fields["into"] if len(fields) == 1 else Map(fields)
        if draft.like is not None:
            declared = declarations(layer_class(draft.kind))
            named = next(name for name, each in declared.items() if each.form == "tensor")
            fields[named] = Text(self._name(draft.like))
        if draft.branches is not None:
            branches = List([List(self._items(branch)) for branch in draft.branches])
            return merging(draft.kind, branches, fields)
        cls = layer_class(draft.kind)
        principal = next(iter(declarations(cls)), None)
        if cls.stands_alone and [*fields] == [principal] and not takes_branches(draft.kind):
            return next(iter(fields.values()))
        return Map(fields) if fields else None


def valued(value: Any) -> Any:
    """A field's value as a spec writes it: one number per axis as 3x5."""
    if isinstance(value, ScalarNode):
        return value_of(value)
    if isinstance(value, tuple):
        if len(value) > 1 and all(type(each) is int and each >= 0 for each in value):
            return Text("x".join(map(str, value)))
        if len(value) == 1 and type(value[0]) is int:
            return value[0]
        return List([List(each) if isinstance(each, tuple) else each for each in value])
    return value
