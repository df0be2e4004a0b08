"""Items as folding works on them: numbers, names and origins apart from what they stand in.

Two stretches of items are alike where their nodes have the same keys; what differs then are
numbers, which become arguments, and names of tensors.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from convcalc.layers import BRANCHES, CATALOGUE, layer_class
from convcalc.layers.base import declarations
from convcalc.spec.items import SPLIT
from convcalc.spec.nodes import (
    NO_COMMENTS,
    Comments,
    Entry,
    List,
    Map,
    ScalarNode,
    Text,
    node_of,
    scalar,
)
from convcalc.spec.syntax import mentioned
from convcalc.spec.tree import Block, Item, Spec, branches_of, condition_of
from convcalc.spec.unfold import gathered, usual_of

NUMERIC = frozenset({"whole", "number", "flag", "axes", "ratios", "padding", "extents"})
"""Forms of fields where an expression may stand for a number."""
RESERVED = frozenset(
    {
        *("input", "true", "false", "and", "or", "not", "if", "else", "index", "null"),
        *("min", "max", "ceil", "floor", "round", "abs", "divisible"),
        *("same", "valid", "exact", "channels", "length", "height", "width", "depth"),
    }
)
"""Words with a meaning of their own."""
KEPT = ("when", "shared")
"""Modifiers that are compared as they are written."""


class Expr(NamedTuple):
    """A value that is an expression over parameters."""

    text: str
    """As it is written."""
    local: bool
    """Whether it reads a parameter of the block that it stands in."""


Number: TypeAlias = int | float | bool | Expr
"""What may differ between two items that are alike."""


class Scope(NamedTuple):
    """Where a layer stands where it comes from: in modules, or in the blocks of a spec."""

    path: tuple[str, ...]
    """The names of these, from the outermost on, each as it is called within the one before."""
    called: str = ""
    """What the layer is called within the last of them, if it is to be called so again."""
    classes: tuple[str, ...] = ()
    """What each of them is an instance of, where that is known."""
    kind: str = ""
    """The kind of the layer that is called so; others come of the same. Empty for any."""


Scopes: TypeAlias = Mapping[str, Scope]
"""By the origin of layers where they stand."""
NOWHERE_ELSE = Scope(())


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


class Word(NamedTuple):
    """What a word before a colon means: its fields or parameters with what they usually are."""

    fields: tuple[tuple[str, Any, str], ...]
    """Name, default (`MISSING` where it must be given), and form: of parameters `number` or
    `name` for those that hold the name of a tensor."""
    alone: str | None
    """The field whose value may stand alone."""
    forms: Mapping[str, str]
    """The forms by name."""

    @classmethod
    def of(cls, fields: Iterable[tuple[str, Any, str]], alone: str | None) -> "Word":
        """A word with these fields."""
        listed = tuple(fields)
        return cls(listed, alone, {name: form for name, _, form in listed})


class Context:
    """A spec that is folded: what its words mean, and who reads which tensor."""

    def __init__(
        self,
        spec: Spec,
        scopes: Scopes | None,
        *,
        strict: bool = False,
        exact: bool = False,
    ) -> None:
        self.spec = spec
        self.exact = exact
        """Whether all is called again what it is where it comes from."""
        self.scope_names: set[str] = set()
        """Names that scopes and what is in them are to have again."""
        self.strict = strict
        """Whether nothing is written once that makes a layer with weights lose its origin;
        otherwise origins are only remarked."""
        self.scopes = scopes
        self.rounding = str(spec.rounding or "exact")
        self.globals = frozenset(spec.parameters)
        self.words: dict[str, Word | None] = {}
        self.keys: dict[Any, int] = {}
        self.alike: dict[Any, Known] = {}
        """What there is to know of items that say nothing but a kind and fields, wherever from."""
        self.uses: Counter[str] = Counter()
        """How often a tensor is read by its name."""
        self.owners: set[str] = set()
        """Names by which weights are used, which of a call would be those of all of its layers."""
        self.given: set[str] = set()
        """Names that items have."""
        self.pinned: set[str] = set()
        """Names that are said in another way than by a plain word, and so have to stay."""
        self.bodies: dict[str, Items] = {}
        """Bodies of the blocks that folding makes."""
        self.parameters: dict[str, dict[str, Any]] = {}
        """Their parameters with defaults."""
        self.texts: dict[str, frozenset[str]] = {}
        """Of these the ones that hold the name of a tensor."""
        for name, block in spec.blocks.items():
            if isinstance(block, Block):
                self.words[name] = self._of_block(block)

    @property
    def reserved(self) -> frozenset[str]:
        """Words that no parameter is called, because they mean something."""
        return RESERVED | self.words.keys()

    def local_name(self, name: str) -> str:
        """A name for a tensor in a block, which no other one has."""
        base = re.sub(r"[._-]?[0-9]+\Z", "", name) or "skip"
        made, number = base, 1
        while made in self.given or made in self.words or self._means(made):
            number += 1
            made = f"{base}_{chr(96 + number)}" if number < 27 else f"{base}_x{number}"
        return made

    def _means(self, word: str) -> bool:
        return word in CATALOGUE or word in RESERVED or word in self.globals

    # Words

    def meaning(self, word: str) -> Word | None:
        """What a word means; None where it is nothing that can be taken apart."""
        if word not in self.words:
            self.words[word] = self._of_kind(word) if word in CATALOGUE else None
        return self.words[word]

    def _of_kind(self, kind: str) -> Word:
        cls = layer_class(kind)
        usual = usual_of(cls, self.rounding)
        written = self.spec.defaults.get(kind)
        for name, node in written.entries.items() if isinstance(written, Map) else ():
            usual[name] = _number(node)
        fields = []
        for name, declared in declarations(cls).items():
            default = usual.get(name)
            number = type(default) in (int, float, bool)
            fields.append((name, default if number else MISSING, declared.form))
        alone = next(iter(declarations(cls)), None) if cls.stands_alone else None
        return Word.of(fields, alone)

    def _of_block(self, block: Block) -> Word:
        fields = []
        for name, node in block.parameters.entries.items():
            number = _number(node)
            fields.append((name, MISSING if number is None else number, "number"))
        return Word.of(fields, next((name for name, *_ in fields), None))

    @property
    def named(self) -> bool:
        """Whether names alone say where layers come from."""
        return self.exact and not self.strict

    def add_block(
        self, name: str, parameters: dict[str, Any], texts: frozenset[str], body: Items
    ) -> None:
        """Let a word mean a block that folding makes."""
        self.bodies[name], self.parameters[name], self.texts[name] = body, parameters, texts
        fields = tuple(
            (each, default, "tensor" if each in texts else "number")
            for each, default in parameters.items()
        )
        self.words[name] = Word.of(fields, next(iter(parameters), None))

    # Reading items

    def sequence(self, items: Iterable[Any], parent: Node | None = None) -> Items:
        """Items as nodes."""
        made = Items(parent)
        made.nodes = [self.node(item, made) for item in items]
        return made

    def node(self, item: Any, within: Items) -> Node:
        """An item as a node; one with anything unusual is left as it is."""
        node = Node(within)
        if not isinstance(item, Item) or not self._taken_apart(item, node):
            made = Node(within)
            made.fixed = item
            made.comments = item.comments
            self._read_names(item)
            return made
        node.comments = gathered(item)
        for name in node.reads.values():
            self.uses[name] += 1
        if "weights" in node.reads:
            self.owners.add(node.reads["weights"])
        if node.name is not None:
            self.given.add(node.name)
        said = getattr(node.origin, "text", "") or ""
        scope = self._scope_of(said) if said else NOWHERE_ELSE
        node.path, node.classes = scope.path, scope.classes
        if self.exact:
            node.called = scope.called if scope.kind in ("", node.kind) else ""
            self.scope_names.add(scope.called)
        if not self.strict:
            said = said or node.name or ""
            node.came = (said, said) if said and not self.exact else None
            node.origin = None
        return node

    def _scope_of(self, origin: str) -> Scope:
        """Where a layer stands that comes from there."""
        known = (self.scopes or {}).get(origin)
        if known is not None:
            return known
        parts = parts_of(origin)
        return Scope(parts[:-1], parts[-1] if self.exact and parts else "")

    def _taken_apart(self, item: Item, node: Node) -> bool:
        node.kind = kind = item.kind or ("layers" if "layers" in item else None)
        for key, value in item.entries.items():
            if key == kind:
                continue
            if key == "name":
                node.name = getattr(value, "text", None)
            elif key in ("from", "weights"):
                if not isinstance(value, ScalarNode) or not _plain_name(value.text):
                    return False
                node.reads[key] = value.text
            elif key == "origin":
                node.origin = value
            elif key in ("repeat", *KEPT):
                node.modifiers[key] = value
            else:
                return False
        if kind is None:
            return True
        value = item.entries[kind]
        if kind == "layers":
            if not isinstance(value, List):
                return False
            node.inner = [self.sequence(value.items, node)]
            return True
        means = self.meaning(kind)
        if means is None:
            return False
        branches = branches_of(kind, value) if kind in CATALOGUE else None
        if branches is not None:
            node.branched = True
            for branch in branches.items:
                if not isinstance(branch, List) or condition_of(branch) is not None:
                    return False
                node.inner.append(self.sequence(branch.items, node))
            if value is branches:
                return True
        if isinstance(value, Map):
            for name, each in value.entries.items():
                if name != BRANCHES:
                    node.fields[name] = each
        elif not isinstance(value, ScalarNode) or (value.text and not (item.bare and value.plain)):
            if means.alone is None:
                return False
            node.fields[means.alone] = value
        forms = means.forms
        for name, each in [*node.fields.items()]:
            if name not in forms:
                return False
            if forms[name] == "tensor":
                if not isinstance(each, ScalarNode) or not _plain_name(each.text):
                    return False
                node.reads[name] = each.text
                del node.fields[name]
            elif isinstance(each, ScalarNode) and not each.plain and kind not in CATALOGUE:
                return False  # text that a block is given may be the name of a tensor
        return True

    def _read_names(self, item: Any) -> None:
        """Count the names that an item mentions which is not taken apart."""
        for text in words_in(item):
            self.uses[text] += 1
            self.pinned.add(text.partition(".")[0])

    # Looking at nodes

    def look(self, sequence: Items) -> None:
        """Look at the nodes of a list and of all lists in it."""
        for each in sequence.every():
            for node in each.nodes:
                if node.known is None:
                    node.known = self._look(node)

    def refresh(self, sequence: Items) -> None:
        """Look anew at what a list stands in, whose own nodes are known."""
        parent = sequence.parent
        while parent is not None:
            parent.known = self._look(parent)
            parent = parent.within.parent

    def _intern(self, key: Any) -> int:
        return self.keys.setdefault(key, len(self.keys))

    def _look(self, node: Node) -> Known:
        scope = self._scope(node)
        alone = node.within.parent is None and not node.within.block  # as most of a flat spec are
        if not alone or node.fixed or node.inner or node.reads or node.modifiers or node.name:
            return self._looked(node, scope)
        said = node.kind, *node.fields.items()
        known = self.alike.get(said)
        if known is None:
            known = self.alike[said] = self._looked(node, ())
        return known._replace(scope=scope)

    def _looked(self, node: Node, scope: tuple[str, ...]) -> Known:
        if node.fixed is not None:
            alone = self._intern(id(node))
            return Known(
                key=alone,
                numbers=(),
                slots=(),
                reads=(),
                names=(),
                lines=1,
                fixed=True,
                scope=scope,
            )
        key: list[Any] = [node.kind, node.branched, len(node.inner)]
        numbers: list[Number] = []
        slots: list[Slot] = []
        reads: list[str] = []
        fixed = False
        kind = node.kind or ""
        means = self.meaning(kind) if kind not in ("", "layers") else None
        local = self.parameters.get(node.within.root.block, {})
        for name, default, form in means.fields if means else ():
            if name in node.reads:
                key.append((name, "reads"))
                reads.append(node.reads[name])
                continue
            written = node.fields.get(name)
            if written is None:
                if default is MISSING:
                    key.append((name, "absent"))
                else:
                    numbers.append(default)
                    slots.append(Slot(kind, name, default))
                continue
            number = self.value(written, form, local)
            if number is None:
                key.append((name, _literal(written)))
                fixed = fixed or bool(words_of(written) & {"index"})
            else:
                if default is MISSING:
                    key.append((name, "number"))
                numbers.append(number)
                slots.append(Slot(kind, name, default))
        names = [] if node.name is None or not self.uses[node.name] else [node.name]
        inner: list[str] = []
        for sequence in node.inner:
            key.append(tuple(each.look.key for each in sequence.nodes))
            for each in sequence.nodes:
                look = each.look
                numbers += look.numbers
                slots += look.slots
                reads += look.reads
                inner += look.names
                fixed = fixed or (look.fixed and node.rounds is None)
        for name in ("from", "weights"):
            if name in node.reads:
                key.append((name, "reads"))
                reads.append(node.reads[name])
        for name in KEPT:
            if name in node.modifiers:
                key.append((name, _literal(node.modifiers[name])))
                fixed = True
        if node.rounds is not None:
            number = self.value(node.rounds, "whole", local)
            if number is None:
                fixed = True
            else:
                if not (node.inner or node.kind in self.bodies):
                    key.append("repeat")
                numbers.append(number)
                slots.append(REPEAT)
        elif node.inner or node.kind in self.bodies:
            numbers.append(1)  # so that one round and several are alike
            slots.append(REPEAT)
        if node.name in self.pinned or (node.kind == SPLIT):
            fixed = True
        return Known(
            key=self._intern(tuple(key)),
            numbers=tuple(numbers),
            slots=tuple(slots),
            reads=tuple(reads),
            names=(*inner, *names),
            lines=node.lines(),
            fixed=fixed,
            scope=scope,
        )

    def value(self, node: Any, form: str, local: Mapping[str, Any]) -> Number | None:
        """What a node says as a number or an expression over parameters; None for other values."""
        if not isinstance(node, ScalarNode) or not node.plain or form not in NUMERIC:
            return None
        number: Number | None = _number(node)
        if number is not None:
            return number
        names = mentioned(node.text) if node.text else frozenset()
        if not names or "index" in names or not names <= (self.globals | local.keys()):
            return None
        return Expr(node.text, local=not names.isdisjoint(local))

    def _scope(self, node: Node) -> tuple[str, ...]:
        origin: str = node.origin.text if isinstance(node.origin, ScalarNode) else ""
        if node.came is not None:
            origin = node.came[0]
        inside = [each.known.scope for inner in node.inner for each in inner.nodes if each.known]
        if node.path:
            inside.append(node.path)
        elif origin:
            inside.append(self._scope_of(origin).path)
        if not inside:
            return ()
        shared = inside[0]
        for each in inside[1:]:
            shared = common(shared, each)
        return shared


def exact_names(spec: Spec) -> bool:
    """Whether all origins are names that layers and what they stand in can have again."""
    waiting: list[Any] = [spec.entries.get("layers")]
    nested = False
    while waiting:
        here = waiting.pop()
        if isinstance(here, Item) and "origin" in here.entries:
            text = getattr(here.entries["origin"], "text", "")
            if not all(map(_WORD.match, text.split("."))):
                return False
            nested = nested or "." in text
        if isinstance(here, Map):
            waiting += here.entries.values()
        elif isinstance(here, List):
            waiting += here.items
    return nested


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


def common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The parts that two paths begin with."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return one[:count]


def parts_of(path: str) -> tuple[str, ...]:
    """The scopes that an origin names, and the layer in them.

    >>> parts_of("/layer1/layer1.0/conv1/Conv"), parts_of("layer1.0.conv1")
    (('layer1', '0', 'conv1', 'Conv'), ('layer1', '0', 'conv1'))
    """
    if "/" not in path:
        return tuple(filter(None, path.split(".")))
    before, parts = "", []
    for part in path.split("/"):
        if part:
            parts.append(part.removeprefix(f"{before}."))
            before = part
    return tuple(parts)


def _plain_name(text: str) -> bool:
    return bool(text) and not set(text) & set(".{}")


def _number(node: Any) -> int | float | None:
    """The number that a node says; None for anything else."""
    if not isinstance(node, ScalarNode) or not node.plain or not node.text:
        return None
    value = scalar(node.text)
    return value if isinstance(value, int | float) else None


def _literal(node: Any) -> Any:
    if isinstance(node, ScalarNode):
        return node.text, node.plain
    if isinstance(node, List):
        return tuple(map(_literal, node.items))
    return tuple((key, _literal(each)) for key, each in node.entries.items())


def words_of(node: Any) -> set[str]:
    """The words in the scalars of a value."""
    words: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, ScalarNode):
            words |= {*re.findall(r"[^\W\d]\w*", here.text)}
        elif isinstance(here, List):
            waiting += here.items
        elif isinstance(here, Map):
            waiting += here.entries.values()
    return words


def words_in(node: Any) -> set[str]:
    """All that may be the name of a tensor in a part of a spec."""
    names: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, ScalarNode):
            names |= {here.text, *re.findall(r"[^\W\d][\w-]*", here.text)}
        elif isinstance(here, List):
            waiting += here.items
        elif isinstance(here, Map):
            waiting += here.entries.values()
            if isinstance(here, Item) and here.bare:
                waiting.pop()
    return names


# Writing them


def item_of(node: Node, context: Context) -> Item:
    """A node as an item."""
    if node.fixed is not None:
        return node.fixed
    entries: list[Entry] = []
    if node.kind is not None:
        entries.append(Entry(node.kind, _written(node, context)))
    modifiers: dict[str, Any] = {
        "name": None if node.name is None else Text(node.name),
        "from": _text(node.reads.get("from")),
        "repeat": node.modifiers.get("repeat"),
        "when": node.modifiers.get("when"),
        "shared": node.modifiers.get("shared"),
        "weights": _text(node.reads.get("weights")),
        "origin": node.origin,
    }
    entries += [Entry(key, _valued(each)) for key, each in modifiers.items() if each is not None]
    return Item.of(entries, node.comments)


def _valued(value: Any) -> Any:
    from convcalc.spec.nodes import value_of

    return value_of(value) if isinstance(value, ScalarNode) else value


def _text(name: str | None) -> Text | None:
    return None if name is None else Text(name)


def _written(node: Node, context: Context) -> Any:
    """What stands behind the kind."""
    kind = node.kind or ""
    if kind == "layers":
        return List([item_of(each, context) for each in node.inner[0].nodes])
    means = context.meaning(kind)
    fields: dict[str, Any] = dict(node.fields)
    texts = context.texts.get(kind, frozenset())
    for name, target in node.reads.items():
        if name not in ("from", "weights"):
            fields[name] = named_value(target, node, context) if name in texts else Text(target)
    if means is not None:
        order = [name for name, *_ in means.fields]
        fields = {name: fields[name] for name in order if name in fields}
    if node.branched:
        branches = List(
            [List([item_of(each, context) for each in inner.nodes]) for inner in node.inner]
        )
        if not fields and layer_class(kind).inputs == "many":
            return branches
        return Map({BRANCHES: branches, **{key: node_of(each) for key, each in fields.items()}})
    if means is not None and means.alone is not None and fields.keys() == {means.alone}:
        return _valued(node_of(fields[means.alone]))
    return Map({key: node_of(each) for key, each in fields.items()}) if fields else None


def named_value(target: str, node: Node, context: Context) -> Text:
    """The name of a tensor as an argument: in quotes, but where a parameter holds it."""
    local = context.texts.get(node.within.root.block, frozenset())
    return Text(target, quoted=target not in local)
