"""A spec that is folded: its items as nodes, what its words mean, and who reads which tensor."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from convcalc.layers import BRANCHES, CATALOGUE, layer_class, takes_branches
from convcalc.layers.base import AXIS_WORDS, declarations
from convcalc.spec.fold.nodes import KEPT, MISSING, REPEAT, Expr, Items, Known, Node, Number, Slot
from convcalc.spec.fold.scopes import NOWHERE_ELSE, Scope, Scopes, common, parts_of
from convcalc.spec.items import SPLIT
from convcalc.spec.nodes import (
    List,
    Map,
    ScalarNode,
    scalar,
)
from convcalc.spec.syntax import mentioned
from convcalc.spec.tree import Block, Item, Spec, branches_of, called, condition_of
from convcalc.spec.unfold import gathered, usual_of
from convcalc.spec.words import MEANINGFUL

NUMERIC = frozenset({"whole", "number", "flag", "axes", "ratios", "padding", "extents"})
"""Forms of fields where an expression may stand for a number."""


WORDS = (
    MEANINGFUL
    | {"same", "valid", "exact"}
    | {word for words in AXIS_WORDS.values() for word in words}
)
"""Words with a meaning of their own where a number stands."""


class Word(NamedTuple):
    """What a word before a colon means: its fields or parameters with what they usually are."""

    fields: tuple[tuple[str, Any, str], ...]
    """Name, default (`MISSING` where it must be given), and form: of parameters `number` or
    `name` for those that hold the name of a tensor."""
    alone: str | None
    """The field whose value may stand alone."""
    forms: Mapping[str, str]
    """The forms by name."""
    branched: bool = False
    """Whether items of it may have branches."""

    @classmethod
    def of(
        cls, fields: Iterable[tuple[str, Any, str]], alone: str | None, *, branched: bool = False
    ) -> "Word":
        """A word with these fields."""
        listed = tuple(fields)
        return cls(listed, alone, {name: form for name, _, form in listed}, branched)


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
        self.paths: set[tuple[str, ...]] = set()
        """The scopes that are told of."""
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
        return WORDS | self.words.keys()

    def local_name(self, name: str) -> str:
        """A name for a tensor in a block, which no other one has."""
        base = re.sub(r"[._-]?[0-9]+\Z", "", name) or "skip"
        made, number = base, 1
        while made in self.given or made in self.words or self._means(made):
            number += 1
            made = f"{base}_{chr(96 + number)}" if number < 27 else f"{base}_x{number}"
        return made

    def _means(self, word: str) -> bool:
        return word in CATALOGUE or word in WORDS or word in self.globals

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
        return Word.of(fields, alone, branched=takes_branches(kind))

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

    def _near(self, parts: tuple[str, ...]) -> Scope:
        """Where a layer stands that is not told of, beside what is: an array that is a layer."""
        if not self.paths:
            self.paths = {
                each.path[:depth]
                for each in (self.scopes or {}).values()
                for depth in range(len(each.path) + 1)
            }
        depth = max(at for at in range(len(parts) + 1) if parts[:at] in self.paths or not at)
        return Scope(parts[:depth], parts[depth] if depth < len(parts) else "")

    def _scope_of(self, origin: str) -> Scope:
        """Where a layer stands that comes from there."""
        known = (self.scopes or {}).get(origin)
        if known is not None:
            return known
        parts = parts_of(origin)
        if self.exact and self.scopes:
            return self._near(parts)
        return Scope(parts[:-1], parts[-1] if self.exact and parts else "")

    def _taken_apart(self, item: Item, node: Node) -> bool:
        entries = item.entries
        node.kind = kind = "layers" if "layers" in entries else called(item)
        for key, value in entries.items():
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
        value = entries[kind]
        if kind == "layers":
            if not isinstance(value, List):
                return False
            node.inner = [self.sequence(value.items, node)]
            return True
        means = self.meaning(kind)
        if means is None:
            return False
        branches = branches_of(kind, value) if means.branched and kind in CATALOGUE else None
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
        if node.fixed or node.inner or node.reads or node.modifiers or node.name:
            return self._looked(node, scope)
        if node.within.root.block:  # whose parameters it may read; most of a flat spec are in none
            return self._looked(node, scope)
        if _is_numbered(node):
            return self._looked(node, scope)
        said = node.kind, *node.fields.items()
        known = self.alike.get(said)
        if known is None:
            known = self.alike[said] = self._looked(node, ())
        return known if known.scope == scope else known._replace(scope=scope)

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
        if node.name in self.pinned or node.kind == SPLIT or _is_numbered(node):
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
        own = node.path or (self._scope_of(origin).path if origin else ())
        if not node.inner:
            return own
        inside = [each.known.scope for inner in node.inner for each in inner.nodes if each.known]
        if node.path or origin:
            inside.append(own)
        if not inside:
            return ()
        shared = inside[0]
        for each in inside[1:]:
            shared = common(shared, each)
        return shared


def _is_numbered(node: Node) -> bool:
    """Whether an origin has the number of the round of what it stands in."""
    if node.rounds is not None or not isinstance(node.origin, ScalarNode):
        return False
    return "{" in node.origin.text and "index" in node.origin.text


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
