"""A spec as a person would write it: what comes again is a block, a repeat or a default.

Nothing of the network changes. What folding made is expanded and held against what was there, so
that a fault in here shows as a spec that is not folded, and never as another network.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from convcalc.collector import without_collection
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import declarations
from convcalc.spec.fold.blocks import MOST_BLOCKS, Candidate, Work, best, replaced
from convcalc.spec.fold.context import Context, words_in
from convcalc.spec.fold.items import item_of
from convcalc.spec.fold.nodes import MISSING, Items, Node
from convcalc.spec.fold.runs import collapse, every, simplify
from convcalc.spec.fold.same import Said, network_said, with_origins
from convcalc.spec.fold.scoped import Names, Scoped
from convcalc.spec.fold.scopes import Scopes, exact_names
from convcalc.spec.fold.traces import Leaf, fewest_apart, said, written
from convcalc.spec.nodes import Entry, List, Map, ScalarNode, node_of
from convcalc.spec.tree import Block, Item, Spec, branches_of, called
from convcalc.spec.unfold import WEIGHTLESS, unfolded
from convcalc.spec.write import WIDTH

MOST_WORK = 12_000_000
"""Comparisons of one folding."""
NOISE = 200
"""A block saves at least so small a part of the lines: less is chance."""
MOST_COMMENT = 40
"""Letters of a comment that says what something comes from."""
LONGER = 1.15
"""How much longer a spec may be to say of every layer with weights where it comes from."""
ENOUGH = 3
"""Layers of a kind that a default is worth writing for."""


@without_collection
def fold(
    spec: Spec, scopes: Scopes | None = None, *, told: Callable[[], Said | None] | None = None
) -> Spec:
    """The same network with what comes again written once, as blocks, repeats and defaults.

    Layers, their order, shapes, weights and all totals stay as they are, and so do comments and
    where layers come from: beside the items, or listed as `origins`.
    `scopes` says of items by their `origin` what they stand in, where the origin itself does not:
    `{"node_conv2d_3": Scope(("layer1", "0"))}`. `told` gives what expanding the spec would give, of
    one whose layers are known already. A spec with errors comes back as it is.

    >>> from convcalc.spec.tree import Item
    >>> unit = [Item("conv", filters=8, kernel=3, padding=1), Item("batchnorm"), Item("relu")]
    >>> print(fold(Spec(input=(8, 8, 8), layers=unit * 3)).to_yaml(), end="")
    input: 8x8x8
    layers:
      - layers:
          - conv: {filters: 8, kernel: 3, padding: 1}
          - batchnorm
          - relu
        repeat: 3
    """
    if not isinstance(spec.get("layers"), List):
        return spec
    before = None if told is None else told()
    if before is None:
        before = network_said(spec)
    if before is None:
        return spec
    bare = spec.replace(origins=None) if "origins" in spec else spec
    for written_out in (False, True):
        given = unfolded(spec) if written_out else bare
        made = None if given is None else _best(given, before, scopes)
        if made is not None:
            return made
    return spec


def _best(spec: Spec, before: Said, scopes: Scopes | None) -> Spec | None:
    """The spec folded in the best of several ways; None where none is the same network.

    What is to be called again what it was is nested as that was, however long that is. Else the
    shortest way lists where layers come from; one that says it where they stand is better, where
    it is not much longer, and one that is nested as what they come from better still. None is
    better than a spec that is shorter as it is.
    """
    scoped = True  # until a way shows that no scope holds what stands together

    def made(*, strict: bool, exact: bool = False, nested: bool = False) -> Spec | None:
        nonlocal scoped
        if nested and not scoped:
            return None
        folding = _Folding(spec, scopes, strict=strict, exact=exact)
        folded = folding.nested() if nested else folding.made()
        scoped = scoped and folding.scoped
        renamed = exact and scopes is not None
        return None if folded is None else with_origins(folded, before, renamed=renamed)

    if not _from_elsewhere(spec):
        return made(strict=True)
    if scopes and any(each.called for each in scopes.values()):
        scoped = any(each.path for each in scopes.values())
        again = made(strict=True, exact=True, nested=True)
        if again is not None:
            return again
    listed = made(strict=False)
    if listed is None:
        return made(strict=True)
    least = _lines(listed)
    layers = spec.entries["layers"]
    if isinstance(layers, List) and len(layers.items) < least:  # an item is a line at least
        listed = min(listed, spec, key=_lines)
        least = _lines(listed)
    if not scopes and exact_names(spec):
        ways = [partial(made, strict=False, exact=True, nested=True)]
    else:
        ways = [partial(made, strict=True, nested=True)]
        if scopes:
            ways.append(partial(made, strict=False, nested=True))
    best, worth = listed, float(least)
    for way in ways:
        folded = way()
        if folded is None:
            continue
        lines = _lines(folded)
        if lines <= least:
            return folded
        if lines <= LONGER * worth:
            best, worth = folded, lines / LONGER
    if _least_lines(spec, LONGER * worth) <= LONGER * worth:
        folded = made(strict=True)
        if folded is not None and _lines(folded) < worth * (LONGER if best is listed else 1):
            return folded
    return best


def _least_lines(spec: Spec, enough: float) -> int:
    """How many lines there are at least where each layer with weights says where it comes from.

    More than are `enough` are not counted out.
    """
    layers = spec.entries["layers"]
    return fewest_apart(_leaves(layers), enough) if isinstance(layers, List) else 0


def _leaves(items: List) -> Iterator[Leaf]:
    """Items and those inside them by where they come from."""
    before: str | None = ""
    for item in items.items:
        said = item.entries if isinstance(item, Item) else {}
        kind = called(item) if isinstance(item, Item) and "layers" not in said else None
        inner = branches_of(kind, said[kind]) if kind else said.get("layers")
        kept = not isinstance(inner, List) and kind not in WEIGHTLESS
        yield Leaf(written(said.get("origin")) if kind else None, kept, kind != before)
        if isinstance(inner, List):
            for branch in inner.items if kind else (inner,):
                if isinstance(branch, List):
                    yield from _leaves(branch)
        before = kind


def _lines(spec: Spec) -> int:
    """How many lines a spec is."""
    return len(spec.to_yaml().splitlines())


def _from_elsewhere(spec: Spec) -> bool:
    """Whether any item says where it comes from, or has a name that it might lose."""
    waiting: list[Any] = [spec.entries.get("layers")]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Item) and not {"origin", "name"}.isdisjoint(here.entries):
            return True
        if isinstance(here, Map):
            waiting += here.entries.values()
        elif isinstance(here, List):
            waiting += here.items
    return False


class _Folding:
    def __init__(
        self,
        spec: Spec,
        scopes: Scopes | None,
        *,
        strict: bool = False,
        exact: bool = False,
    ) -> None:
        self.spec = spec
        self.context = Context(spec, scopes, strict=strict, exact=exact)
        layers = spec.entries["layers"]
        self.top = self.context.sequence(layers.items if isinstance(layers, List) else ())
        self.scoped = True
        """Whether scopes may hold what stands together."""
        self._read_elsewhere()

    def _read_elsewhere(self) -> None:
        """Count the names of tensors that are said outside of the layers."""
        context, spec = self.context, self.spec
        said = {*words_in(spec.entries.get("outputs")), *words_in(spec.entries.get("blocks"))}
        expected = spec.expect.get("layers")
        said |= {*expected} if isinstance(expected, Map) else set()
        for name in said:
            context.uses[name] += 1
            if "." in name:
                context.pinned.add(name.partition(".")[0])

    def _seen(self) -> bool:
        """Whether names mean no more than can be seen.

        The number of a kind, a round: what it means hangs on all that is before.
        """
        context = self.context
        known = {*context.given, *context.pinned, "input", *self._inputs()}
        reads = {name for node in every(self.top.nodes) for name in node.reads.values()}
        return reads <= known

    def nested(self) -> Spec | None:
        """The spec after its scopes; None where there are none, or names mean more than is seen."""
        if not self._seen():
            return None
        context = self.context
        scoped = Scoped(self.top, context)
        if not scoped.nest():
            self.scoped = False
            return None
        scoped.blocks()
        if not context.exact:
            return self._searched()
        self._collapse()
        names = Names(context)
        names.give_all((*context.bodies.values(), self.top))
        return _renamed(self._written(), names)

    def made(self) -> Spec | None:
        """The spec; None where names in it mean more than can be seen."""
        if not self._seen():
            return None
        self.context.look(self.top)
        return self._searched()

    def _searched(self) -> Spec:
        """The spec with a block for each of what comes again."""
        context = self.context
        work = Work(MOST_WORK)
        self._collapse()
        while len(context.bodies) < MOST_BLOCKS:
            candidates = best(self._sequences(), context, work)
            lines = sum(node.look.lines for node in self.top.nodes)
            if not candidates or candidates[0].worth < lines / NOISE:
                break
            gone: set[int] = set()
            for candidate in candidates:
                if not self._stands(candidate, gone):
                    continue
                gone |= {id(node) for place in candidate.places for node in every(place.nodes)}
                gone |= {id(place.sequence) for place in candidate.places}
                replaced(candidate, context)
                if len(context.bodies) >= MOST_BLOCKS or len(self.top.nodes) < 2000:
                    break
            for sequence in self._roots():
                context.look(sequence)
            self._collapse()
        if not context.strict:
            self._remark()
        return self._written()

    def _remark(self) -> None:
        """Say where layers come from: as they do where they stand alone, else in a comment."""
        waiting = [*self.top.nodes]
        while waiting:
            node = waiting.pop()
            if node.came is None:
                continue
            first, last = node.came
            once = node.rounds is None
            if once and node.kind in CATALOGUE and node.kind not in self.spec.blocks:
                if not node.branched or first == last:
                    node.origin = said(first)
                for inner in node.inner:
                    waiting += inner.nodes
            elif not node.comments.line:
                text = first if first == last else f"{first} to {last}"
                if len(text) > MOST_COMMENT:
                    continue
                comments, said_so = node.comments, f"# {text}"
                if _width(node) + len(f"  {said_so}") <= WIDTH:
                    node.comments = comments._replace(line=said_so)
                else:  # beside it, the call would be a line for each argument
                    node.comments = comments._replace(before=(*comments.before, said_so))

    def _stands(self, candidate: Candidate, gone: set[int]) -> bool:
        """Whether a candidate is where it was found, before other blocks were made."""
        if not gone:
            return True
        return not any(
            id(place.sequence) in gone or any(id(node) in gone for node in every(place.nodes))
            for place in candidate.places
        )

    def _inputs(self) -> list[str]:
        return [*self.spec.input] if isinstance(self.spec.input, Map) else []

    def _roots(self) -> list[Items]:
        return [self.top, *self.context.bodies.values()]

    def _sequences(self) -> list[Items]:
        return [each for root in self._roots() for each in root.every()]

    def _collapse(self) -> None:
        for sequence in self._sequences():
            simplify(sequence, self.context)
            self.context.look(sequence)
            self.context.refresh(sequence)
            while collapse(sequence, self.context):
                pass
        for root in self._roots():
            self.context.look(root)

    def _written(self) -> Spec:
        """The spec with its blocks and layers."""
        context = self.context
        made = self.spec
        blocks: dict[str, Any] = {**self.spec.blocks.entries}
        defaults = self._defaults()
        for name, body in reversed(context.bodies.items()):
            parameters = {
                each: None if default is MISSING else node_of(default)
                for each, default in context.parameters[name].items()
            }
            blocks[name] = Block(parameters, [item_of(node, context) for node in body.nodes])
        layers = [item_of(node, context) for node in self.top.nodes]
        if defaults:
            made = _put(made, "defaults", Map({**self.spec.defaults.entries, **defaults}))
        if context.bodies:
            made = _put(made, "blocks", Map(blocks))
        old = self.spec.entries["layers"]
        return made.replace(layers=List.at(tuple(layers), -1, -1, old.comments))  # type: ignore[union-attr]

    def _defaults(self) -> dict[str, Any]:
        """Fields that all layers of a kind say alike, which then none of them says."""
        by_kind: dict[str, list[Node]] = {}
        fixed = False
        for root in self._roots():
            for node in every(root.nodes):
                fixed = fixed or node.fixed is not None
                by_kind.setdefault(node.kind or "", []).append(node)
        if fixed or self.spec.blocks:
            return {}
        made: dict[str, Any] = {}
        names = {name for each in self.context.parameters.values() for name in each}
        for kind, nodes in by_kind.items():
            if kind not in CATALOGUE or kind in self.spec.defaults or len(nodes) < ENOUGH:
                continue
            fields = {}
            declared = [*declarations(layer_class(kind))]
            for field in declared[1:]:
                said = {_said(node.fields.get(field)) for node in nodes}
                if len(said) == 1 and None not in said and said.isdisjoint(names):
                    fields[field] = nodes[0].fields[field]
            if fields:
                made[kind] = Map(fields)
                for node in nodes:
                    for field in fields:
                        del node.fields[field]
        return made


def _width(node: Node) -> int:
    """How many columns an item is, about, on one line."""
    given = {**node.fields, **node.modifiers, **node.reads}
    texts = [getattr(value, "text", value) for value in given.values()]
    return len(f"  - {node.kind}: {{}}") + sum(
        len(f"{name}: {text}, ") for name, text in zip(given, texts, strict=True)
    )


def _renamed(spec: Spec, names: Names) -> Spec:
    """The spec with the names that tensors have now, where they are said outside of the layers."""
    changes: dict[str, Any] = {}
    if spec.outputs:
        changes["outputs"] = [names.now(str(each)) for each in spec.outputs]
    expected = spec.expect.get("layers")
    if isinstance(expected, Map):
        layers = {names.now(name): shape for name, shape in expected.entries.items()}
        changes["expect"] = Map({**spec.expect.entries, "layers": Map(layers)})
    return spec.replace(**changes) if changes else spec


def _said(node: Any) -> Any:
    """A number or a word that is the same wherever it stands; None for anything else."""
    if not isinstance(node, ScalarNode) or not node.plain:
        return None
    word = node.text.isalpha() or node.text.replace(".", "", 1).isdecimal()
    return node.text if word else None


def _put(spec: Spec, key: str, value: Map) -> Spec:
    """The spec with a top-level key before its layers."""
    if key in spec:
        return spec.with_value(key, value)
    parts: list[Entry] = []
    for part in spec.parts:
        if part.key in ("layers", "blocks") and all(each.key != key for each in parts):
            parts.append(Entry(key, value))
        parts.append(part)
    return spec.with_parts(parts)
