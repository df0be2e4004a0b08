"""Blocks after what layers stand in where they come from: modules, or the blocks of a spec.

A scope is a stretch of a list where all that stands in it stands together, and nothing else does;
others are passed over. Scopes that are alike become a block, the innermost first, so that blocks
are nested as they were.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from convcalc.spec.fold.blocks import OFTEN, Place, block_of
from convcalc.spec.fold.context import Context
from convcalc.spec.fold.naming import base_of, legal_name, shared_word, word_of
from convcalc.spec.fold.nodes import Items, Node
from convcalc.spec.fold.runs import collapse, every, pattern, read_outside, simplify
from convcalc.spec.fold.traces import keeps, own_origins

SHORT = 2
"""Lines of a block that is one only where it would be written several times otherwise."""
DEEPEST = 20
"""Most scopes inside one another."""
MOST_ROUNDS = 10_000
"""Rounds that names are counted through."""


class Scoped:
    """A spec's items while they are nested after their scopes."""

    def __init__(self, top: Items, context: Context) -> None:
        self.top, self.context = top, context
        self.exact = context.exact
        """Whether scopes and layers have the names that they are to have again."""
        self.totals: Counter[tuple[str, ...]] = Counter()
        """How many layers stand in each scope, of those that keep that."""
        for node in every(top.nodes):
            for depth in range(1, min(len(node.path), DEEPEST) + 1 if self._counts(node) else 1):
                self.totals[node.path[:depth]] += 1
        self.heights: dict[int, list[Node]] = defaultdict(list)
        """The groups by how many are inside one another in them."""
        self.places: dict[int, tuple[int, int]] = {}
        """By the identity of groups the list that they stand in, alike or not, and where."""

    def nest(self) -> bool:
        """Let scopes be groups; whether there are any."""
        if not self.totals:
            return False
        self.context.look(self.top)
        self._nest(self.top, 0)
        self.context.look(self.top)
        self._place()
        return bool(self.heights)

    def _place(self) -> None:
        """Remember of each group which of all lists that are not alike it is in, and where."""
        numbers: dict[tuple[int, ...], int] = {}
        for groups in self.heights.values():
            for items in {id(group.within): group.within for group in groups}.values():
                alike = tuple([node.look.key for node in items.nodes])
                number = numbers.setdefault(alike, len(numbers))
                for at, node in enumerate(items.nodes):
                    self.places[id(node)] = number, at

    def _nest(self, items: Items, depth: int) -> int:
        """Group the items of a list that stands in so many scopes; how deep groups nest in it."""
        made: list[Node] = []
        deepest = 0
        for scope, run in self._runs(items, depth):
            if scope is None or depth >= DEEPEST:
                made += run
                for node in run:
                    for inner in node.inner:
                        deepest = max(deepest, self._nest(inner, depth))
                continue
            group = Node(items)
            group.kind = "layers"
            inside = Items(group)
            inside.nodes = run
            group.inner = [inside]
            group.path = scope[:-1]
            whole = self._count(run, scope) == self.totals[scope]
            if not whole or not (self.exact or len(run) > 1 or run[0].inner):
                deepest = max(deepest, self._nest(inside, depth + 1))
                for node in inside.nodes:
                    node.within = items
                made += inside.nodes
                continue
            for node in run:
                node.within = inside
            group.called = scope[-1] if self.exact else ""
            group.scope_name = scope[-1]
            group.class_name = self._class_of(run, depth)
            height = self._nest(inside, depth + 1) + 1
            self.heights[height].append(group)
            deepest = max(deepest, height)
            made.append(group)
        items.nodes = made
        items.changed()
        return deepest

    def _runs(
        self, items: Items, depth: int
    ) -> Iterator[tuple[tuple[str, ...] | None, list[Node]]]:
        """The items in stretches that stand in one scope; None for those that stand in no more."""
        run: list[Node] = []
        last: tuple[str, ...] | None = None
        for node in items.nodes:
            path = node.look.scope
            scope = path[: depth + 1] if len(path) > depth else None
            if run and (scope is None or scope != last):
                yield last, run
                run = []
            last = scope
            if scope is None:
                yield None, [node]
            else:
                run.append(node)
        if run:
            yield last, run

    def _counts(self, node: Node) -> bool:
        return self.exact or keeps(node)

    def _count(self, nodes: Sequence[Node], scope: tuple[str, ...]) -> int:
        return sum(node.path[: len(scope)] == scope and self._counts(node) for node in every(nodes))

    def _class_of(self, nodes: Sequence[Node], depth: int) -> str:
        """What the scope at a depth is an instance of, where that is said."""
        for node in every(nodes):
            if len(node.classes) > depth:
                return node.classes[depth]
        return ""

    # Blocks

    def blocks(self) -> None:
        """Let groups that are alike be calls of a block, the innermost first."""
        for height in sorted(self.heights):
            groups = self.heights[height]
            for group in groups:
                self._collapse(group.inner[0])
            alike: dict[Any, list[Node]] = defaultdict(list)
            for group in groups:
                key = self._key(group)
                if key is not None:
                    alike[key].append(group)
            calls: dict[int, Node] = {}
            for members in alike.values():
                if len(members) > 1:
                    calls.update(self._called(members))
            self._settle(groups, calls)

    def _collapse(self, items: Items) -> None:
        for sequence in items.every():
            simplify(sequence, self.context)
            self.context.look(sequence)
            self.context.refresh(sequence)
            while collapse(sequence, self.context):
                pass

    def _key(self, group: Node) -> Any:
        """The same of all groups that can be one block; None of one that can be none."""
        nodes = group.inner[0].nodes
        self.context.look(group.inner[0])
        if any(node.look.fixed for node in nodes):
            return None
        read = read_outside(nodes, self.context)
        if read and read != [nodes[-1].name]:
            return None
        key: list[Any] = [tuple(node.look.key for node in nodes), pattern(nodes)]
        if self.context.strict:
            key.append(own_origins(nodes, self.context.bodies))
        if self.exact:
            key.append(tuple(node.called for node in every(nodes)))
            key.append(group.class_name)
        return tuple(key)

    def _called(self, groups: Sequence[Node]) -> dict[int, Node]:
        """The calls of a block that groups become, by these; none where it is not worth one."""
        places = tuple(Place(group.inner[0], 0, len(group.inner[0].nodes)) for group in groups)
        short = sum(node.look.lines for node in places[0].nodes) <= SHORT
        if short and not self.exact and not self._often(groups):
            return {}
        name = self._wanted(groups)
        if not block_of(places, self.context, name, always=self.exact):
            return {}
        made = {}
        for group in groups:
            (call,) = group.inner[0].nodes
            call.called, call.path = group.called, group.path
            if call.came is not None and self.context.scopes:
                module = ".".join((*group.path, group.scope_name))
                call.came = module, module
            made[id(group)] = call
        return made

    def _wanted(self, groups: Sequence[Node]) -> str:
        """What a block of groups is called where it comes from: a class, or the modules' name."""
        word = base_of if self.exact else word_of
        wanted = Counter(group.class_name or word(group.scope_name) for group in groups)
        shared = ""
        if len(wanted) > 1 and not any(group.class_name for group in groups):
            shared = shared_word([group.scope_name for group in groups])
        return shared or wanted.most_common(1)[0][0]

    def _often(self, groups: Sequence[Node]) -> bool:
        """Whether calls of groups are written several times, in lists that are not alike."""
        apart: set[tuple[tuple[int, int], ...]] = set()
        for group in groups:
            apart.add(self._written_at(group))
            if len(apart) >= OFTEN:
                return True
        return False

    def _written_at(self, group: Node) -> tuple[tuple[int, int], ...]:
        """Where a group is written: the same for those that a block around them writes once."""
        chain = []
        node: Node | None = group
        while node is not None and id(node) in self.places:
            chain.append(self.places[id(node)])
            # What is short around it is no block itself.
            node = node.within.parent if len(node.within.nodes) <= SHORT else None
        return tuple(chain)

    def _settle(self, groups: Sequence[Node], calls: dict[int, Node]) -> None:
        """Let calls stand where their groups did; other groups go, but for those with a name."""
        ready = {id(group) for group in groups}
        for items in {id(group.within): group.within for group in groups}.values():
            made: list[Node] = []
            for node in items.nodes:
                call = calls.get(id(node))
                if call is not None:
                    made.append(call)
                elif id(node) in ready and not self.exact:
                    made += node.inner[0].nodes
                else:
                    made.append(node)
            for node in made:
                node.within = items
            items.nodes = made
            items.changed()
            self.context.look(items.root)


# Names


class _Counted:
    """The names of one place, as expanding a spec gives them."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.taken: set[str] = set()

    def next_of(self, name: str) -> str:
        """What the next of a name will be called."""
        base = f"{name}_" if name[-1].isdigit() else name
        count = self.counters[name] + 1
        while f"{base}{count}" in self.taken:
            count += 1
        return f"{base}{count}"

    def next(self, name: str) -> None:
        """Take that."""
        self.taken.add(self.next_of(name))
        self.counters[name] += 1


class Names:
    """Lets items be called again what they were where they come from."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.renamed: dict[str, tuple[tuple[str, ...], str]] = {}
        """By the name of a tensor the named groups that it stands in, and its name there."""
        self.budget = MOST_ROUNDS

    def give_all(self, roots: Sequence[Items]) -> None:
        """Give names to the items of all roots, of which the last is the network's."""
        for root in roots:
            self.give(root)
        for body in roots[:-1]:
            for items in body.every():
                for node in items.nodes:
                    node.reads = {key: self.now(name) for key, name in node.reads.items()}

    def give(self, root: Items) -> None:
        """Give names to the items of a root, and say tensors by them."""
        self.renamed.clear()
        self._give(root, _Counted(), (), naming=True)
        for items, chain in self._places(root, ()):
            for node in items.nodes:
                for key, target in node.reads.items():
                    known = self.renamed.get(target)
                    if known is not None:
                        node.reads[key] = _from(chain, *known)

    def now(self, name: str) -> str:
        """The name that a tensor has now, as it is said outside of the root that came last."""
        known = self.renamed.get(name)
        return name if known is None else _from((), *known)

    def _places(
        self, items: Items, chain: tuple[str, ...]
    ) -> Iterator[tuple[Items, tuple[str, ...]]]:
        yield items, chain
        for node in items.nodes:
            inner = (*chain, node.name) if node.kind == "layers" and node.name else chain
            for each in node.inner:
                yield from self._places(each, inner)

    def _give(
        self, items: Items, counted: _Counted, chain: tuple[str, ...], *, naming: bool
    ) -> None:
        for node in items.nodes:
            rounds = _rounds(node)
            if node.kind == "layers" and not (node.called or node.name):
                self._give(node.inner[0], counted, chain, naming=naming)
                for _ in range(rounds - 1):
                    self.budget -= 1
                    if self.budget > 0:
                        self._give(node.inner[0], counted, chain, naming=False)
                continue
            for number in range(max(rounds, 1)):
                self.budget -= 1
                if self.budget < 0:
                    return
                first = naming and not number
                if node.branched:
                    for inner in node.inner:
                        self._give(inner, counted, chain, naming=first)
                self._name(node, counted, chain, first=first)
            if node.kind == "layers" and naming:
                within = (*chain, node.name) if node.name else chain
                self._give(node.inner[0], _Counted() if node.name else counted, within, naming=True)

    def _name(self, node: Node, counted: _Counted, chain: tuple[str, ...], *, first: bool) -> None:
        """What an item is called, which gets the name that it is to have, if another would come."""
        kind = node.kind
        if kind is None:
            return
        wanted = node.called
        if wanted != node.name and self.context.uses[wanted] > 0:
            wanted = ""  # which is what others read another tensor by
        if first and wanted and legal_name(wanted) and wanted not in counted.taken:
            before = node.name
            repeated = node.rounds is not None
            automatic = "" if kind == "layers" else counted.next_of(kind)
            node.name = wanted
            if repeated and counted.next_of(base_of(wanted)) == wanted:
                node.name = base_of(wanted)  # which the rounds count
            if automatic == wanted and not (before is not None and self.context.uses[before]):
                node.name = None
            if before is not None:
                self.renamed[before] = chain, wanted
        elif first and node.name is not None:
            self.renamed[node.name] = chain, node.name
        if node.name is None:
            counted.next(kind)
        elif node.rounds is not None:
            counted.next(node.name)
        else:
            counted.taken.add(node.name)


def _rounds(node: Node) -> int:
    text = getattr(node.rounds, "text", "1")
    return min(int(text), MOST_ROUNDS) if text.isdecimal() and len(text) < 7 else 1


def _from(chain: tuple[str, ...], owner: tuple[str, ...], name: str) -> str:
    """A tensor by its name, from items that stand in other named groups."""
    shared = 0
    while shared < min(len(chain), len(owner)) and chain[shared] == owner[shared]:
        shared += 1
    return ".".join((*owner[shared:], name))
