"""Pieces of a spec's list of layers, each written out once for every way that it can be.

A piece is a stretch of neighbouring items at the top of `layers` of which nothing is read from
outside but the tensor before it, and nothing is read in it but its last tensor. Where an item
starts from a tensor by its name, uses weights by their name, or reads an input, all from there to
it is one piece; so it is where names could be taken twice. Which pieces there are shows when they
are written out: `MergeError` says which are to be one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from convcalc.findings import Findings
from convcalc.graph.indices import INDEXING
from convcalc.layers.base import Layer, declarations
from convcalc.shape import Shape
from convcalc.spec.expand import MAX_PAIRS, Expander
from convcalc.spec.flat import Borrowed, LayerNode
from convcalc.spec.given import RESHAPING
from convcalc.spec.made_of import names_in
from convcalc.spec.names import Names, Surroundings
from convcalc.spec.nodes import Node, Value
from convcalc.spec.promises import read_promises
from convcalc.spec.source import RefusedError, refuse
from convcalc.spec.tree import Item
from convcalc.spec.values import Scope
from convcalc.sweeps.axes import sources_of
from convcalc.sweeps.engine.names import Top, expander_of
from convcalc.sweeps.engine.radix import Radix
from convcalc.sweeps.engine.watched import SPARSE, Asked, Question, Recorder, Watched, WatchedScope

UNNAMED = "\0"
"""What stands before the number of a name that a piece alone does not know."""
FEW_PLACES = 2**12
"""Combinations of which a piece has a table from the start; of more once many of them are met."""
MOST_IN_TABLE = 2**22
"""Most combinations that a piece keeps a table of; of more it keeps those that it has met."""
MOST_PLACES = 2**62
"""Most combinations that a whole number of 64 bits tells apart."""
MOST_FINDINGS = 200
"""Most findings that are kept of what was written out; then all is read anew."""
NO_AXES = Radix((), ())
Codes = Sequence[Any]
"""By axis, the code of each design, as an array."""


class MergeError(Exception):
    """Pieces that are one, from one of them to another."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__(first, last)
        self.first = first
        self.last = last


class InconsistentError(Exception):
    """The same answers led to another question: the tree is no tree, and nothing is told of it."""


class Leaf(NamedTuple):
    """What a piece becomes, with one set of answers."""

    number: int
    """Its number among the leaves of the piece."""
    nodes: tuple[LayerNode, ...]
    """Its layers. They are numbered as if they stood behind one layer, which makes what comes in;
    those of the first piece behind the network's inputs."""
    output: int
    """The number of the layer whose output goes on."""
    borrowed: tuple[Borrowed, ...]
    """Which layers use the weights of others by their name, numbered so."""
    steps: int
    """Steps that expanding it took."""
    wrong: bool
    """Whether it has errors: every design with it is invalid."""
    lost: bool
    """Whether an error keeps unknown what goes on from it."""
    unusual: bool
    """Whether it has something that only whole networks are looked at for."""
    axes: frozenset[int]
    """How many axes the fields have that say one number for each, before what makes other axes."""
    reshapes: bool
    """Whether it has a layer that makes other axes of what it gets."""
    outputs: tuple[int, ...] | None = None
    """The network's outputs by these numbers, where the spec says which they are; else None."""


class _Numbered(Names):
    """Names in a piece that stands behind others: a number at the top is not known there."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.bases: set[str] = set()
        """What is counted at the top."""
        self.given: set[str] = set()
        """What is given there."""
        self.hidden = False
        """Whether a number at the top is not known."""

    def claim(self, name: str, place: Surroundings, node: Item, index: Any) -> str:
        if not place.prefix:
            self.given.add(name)
        return super().claim(name, place, node, index)

    def numbered(self, name: str, place: Surroundings, index: Any) -> str:
        if place.prefix:
            return super().numbered(name, place, index)
        self.bases.add(name)
        if not self.hidden:
            return super().numbered(name, place, index)
        count = place.counters.get(name, 0) + 1
        place.counters[name] = count
        full = f"{name}{UNNAMED}{count}"
        self.tensors[full] = index
        return full


class _Watching(Expander):
    """An expander whose names are watched, and which writes out one piece after the other."""

    recorder: Recorder
    """What notes what is read."""

    def scope(self, values: Mapping[str, Value]) -> Scope:
        watched = Watched(values, self.recorder)
        return WatchedScope(watched, self.parameters.failed, recorder=self.recorder)

    def read_inputs(self, scope: Scope) -> list[Shape | None]:
        with self.recorder.quiet():
            return super().read_inputs(scope)

    def clear(self) -> None:
        """Forget what was written out before."""
        del self.nodes[len(self.sources) :]
        self.groups, self.begun, self.borrowed = [], {}, []
        self.said_frozen, self.lost_items, self.lost_reads = [], [], {}
        self.lost, self.lost_names, self.behind = False, {}, None
        self.depth = self.steps = 0
        self.items.calls.clear()


class _Kit(NamedTuple):
    """What pieces are written out with: all that stands around the layers was read."""

    expander: _Watching
    """What writes them out, one after the other."""
    findings: Findings
    """Where what is wrong goes to."""
    asked: tuple[Asked, ...]
    """What was asked in reading it."""
    wrong: bool
    """Whether that had errors."""


class Kits:
    """Makes kits, one for every set of answers of what stands around the layers."""

    def __init__(self, top: Top) -> None:
        self.top = top
        self.recorder = Recorder(top.columns, top.sizes)
        self._kits: dict[tuple[Any, ...], _Kit] = {}
        self._asks: bool | None = None
        """Whether anything is asked around the layers, which few specs do."""
        items = top.member.root.entries.get("layers")
        self.items: Sequence[Node] = getattr(items, "items", ())

    def kit(self, codes: Sequence[int]) -> _Kit:
        """The kit for a design."""
        if self._asks is False:
            known = self._kits.get(())
            if known is not None:
                return known
        findings = Findings(self.top.subject.written.places)
        expander = expander_of(_Watching, self.top, codes, findings)
        expander.recorder = self.recorder
        self.recorder.begin()
        expander.begin()
        asked = tuple(self.recorder.asked)
        self._asks = bool(asked)
        key = tuple((each.key, each.answer) for each in asked)
        known = self._kits.get(key)
        if known is None:
            wrong = any(each.severity == "error" for each in findings.diagnostics)
            known = self._kits[key] = _Kit(expander, findings, asked, wrong)
        return known

    def drop(self, kit: _Kit) -> None:
        """Let go of a kit that has findings: what is told once would not be told again."""
        self._kits = {key: each for key, each in self._kits.items() if each is not kit}


class _Branch:
    """A question of a piece, and where each answer leads; a leaf has none."""

    __slots__ = ("children", "key", "leaf", "question")

    def __init__(self) -> None:
        self.key: tuple[Any, ...] | None = None
        self.question: Question | None = None
        self.children: dict[int, _Branch] = {}
        self.leaf: Leaf | None = None


class Piece:
    """Neighbouring items, and all that they become."""

    def __init__(self, kits: Kits, number: int, items: range, *, last: bool) -> None:
        self.kits = kits
        self.number = number
        """Its number among the pieces."""
        self.items = items
        """The items of the list that it is made of."""
        self.last = last
        """Whether it is the last one, which promises are read with."""
        self.says_outputs = last and kits.top.member.entry("outputs") is not None
        """Whether the spec says which tensors are its outputs."""
        self.leaves: list[Leaf] = []
        self.kept = 0
        """Layers of all leaves, and one for each of these."""
        self.radix = NO_AXES
        """The axes that it turns on, as far as is known."""
        self.claimed: set[str] = set()
        """Names that are given at the top in some of its leaves."""
        self.bases: set[str] = set()
        """What is counted at the top in some of its leaves."""
        self._root = _Branch()
        self._axes: set[int] = set()
        self._table: Any = np.full(1, -1, np.int32)
        """The leaf of each combination; None while few of many are met."""
        self._met: dict[int, int] = {}
        """The leaves of those that were met, without a table."""
        self._layers: dict[tuple[Any, ...], Layer] = {}

    def numbers(self, codes: Codes) -> Any:
        """The leaf of each design by its number, for designs with these codes."""
        while True:
            leaves = self._known_leaves(codes)
            if leaves is not None:
                return leaves

    def _known_leaves(self, codes: Codes) -> Any:
        """The same; None where a new question shows that the piece turns on another axis."""
        places = self.radix.joined(codes)
        if self._table is None:
            return self._among_met(places, codes)
        leaves = self._table[places]
        if np.ndim(leaves) == 0:
            if leaves < 0:
                if not self._learn([int(places)], np.zeros(1, np.int64), codes):
                    return None
                leaves = self._table[places]
            return leaves
        unknown = np.flatnonzero(leaves < 0)
        if unknown.size:
            missing, first = np.unique(places[unknown], return_index=True)
            if not self._learn(missing.tolist(), unknown[first], codes):
                return None
            leaves = self._table[places]
        return leaves

    def _among_met(self, places: Any, codes: Codes) -> Any:
        """The same without a table."""
        own, first, back = np.unique(places, return_index=True, return_inverse=True)
        if len(self._met) > MOST_IN_TABLE:
            self._met.clear()
        missing = [row for row, place in enumerate(own.tolist()) if place not in self._met]
        if missing and not self._learn(own[missing].tolist(), first[missing], codes):
            return None
        leaves = np.array([self._met[place] for place in own.tolist()], np.int32)
        if self.radix.count <= min(MOST_IN_TABLE, len(self._met) * SPARSE):
            self._table = np.full(self.radix.count, -1, np.int32)
            self._table[[*self._met]] = [*self._met.values()]
            self._met = {}
        return leaves[back]

    def _learn(self, places: Sequence[int], rows: Any, all_codes: Codes) -> bool:
        """Find the leaves of combinations; False where the piece turns on more axes.

        `rows` are designs that have them: others are never written out.
        """
        leaves = self._descend([column[rows] for column in all_codes])
        radix = self._turns_on()
        if radix.axes != self.radix.axes:
            self.radix = radix
            small = self.radix.count <= min(FEW_PLACES, MOST_IN_TABLE)
            self._table = np.full(self.radix.count, -1, np.int32) if small else None
            self._met = {}
            return False
        if self._table is None:
            self._met.update(zip(places, leaves.tolist(), strict=True))
        else:
            self._table[np.array(places)] = leaves
        return True

    def _turns_on(self) -> Radix:
        """The axes that it turns on, as far as is known.

        Where they have too many combinations, an axis that is worked out is told by those that it
        is worked out from, of which a space has few enough.
        """
        top = self.kits.top
        axes = sorted(self._axes)
        radix = Radix(axes, [top.sizes[axis] for axis in axes])
        if radix.count <= MOST_PLACES:
            return radix
        own = sorted({source for axis in axes for source in sources_of(top.axes[axis], axis)})
        return Radix(own, [top.sizes[axis] for axis in own])

    def _descend(self, codes: Sequence[Any]) -> Any:
        """The leaves of designs, which go down the tree together."""
        leaves = np.full(len(codes[0]), -1, np.int32)
        waiting: list[tuple[_Branch, Any]] = [(self._root, np.arange(len(leaves)))]
        while waiting:
            branch, rows = waiting.pop()
            if branch.leaf is not None:
                leaves[rows] = branch.leaf.number
                continue
            if branch.question is None:
                self._grow([int(column[rows[0]]) for column in codes])
                waiting.append((branch, rows))
                continue
            answers = branch.question.answers([column[rows] for column in codes])
            if np.ndim(answers) == 0:
                answers = np.full(len(rows), answers)
            for answer in np.unique(answers).tolist():
                child = branch.children.get(answer)
                if child is None:
                    child = branch.children[answer] = _Branch()
                waiting.append((child, rows[answers == answer]))
        return leaves

    def _grow(self, codes: Sequence[int]) -> None:
        """Write the piece out for a design, and let its answers lead there."""
        asked, leaf = self._write_out(codes)
        branch = self._root
        for key, question, answer in asked:
            if branch.leaf is not None or branch.key not in (None, key):
                raise InconsistentError
            branch.key, branch.question = key, question
            self._axes.update(question.radix.axes)
            number = question.number(answer)
            child = branch.children.get(number)
            if child is None:
                child = branch.children[number] = _Branch()
            branch = child
        if branch.question is not None or branch.leaf is not None:
            raise InconsistentError
        branch.leaf = leaf
        self.leaves.append(leaf)
        self.kept += len(leaf.nodes) + 1

    def _write_out(self, codes: Sequence[int]) -> tuple[list[Asked], Leaf]:
        kit = self.kits.kit(codes)
        expander, recorder = kit.expander, self.kits.recorder
        recorder.begin()
        watched = Watched(self.kits.top.names(expander.parameters.top_values, codes), recorder)
        expander.parameters.top_values = watched
        expander.clear()
        names = expander.names = _Numbered(expander.report, expander.sources)
        names.hidden = self.number > 0
        for index, given in enumerate(expander.inputs):
            if given.name:
                names.add_source(given.name, index, given.at)
        before = len(kit.findings.diagnostics)
        scope = WatchedScope(watched, expander.parameters.failed, recorder=recorder)
        scope.products = expander.parameters.products
        place = Surroundings("", scope, block=True)
        sources = len(expander.sources)
        current: int | None = 0
        outputs: tuple[int, ...] | None = None
        refused = False
        if self.number:
            current = sources
            expander.nodes.append(LayerNode(UNNAMED, "input", None, (), _NOWHERE))
        try:
            for at in self.items:
                current = expander.item(self.kits.items[at], current, place)
            wanted = expander.member.entry("outputs") if self.last else None
            if wanted is not None:
                from convcalc.spec.outputs import read_outputs

                _, outputs = read_outputs(expander.report, expander.reader, names, wanted, place)
            if self.last:
                self._promise(expander, kit, scope)
        except RefusedError as error:  # after which nothing else is looked at
            refuse(kit.findings, error)
            refused, current = True, None
        for node in expander.nodes:  # fields that are read when it is known what comes in
            if node.late is not None:
                ask_all(names_in(node.late.written), watched)
        asked = list(dict.fromkeys([*kit.asked, *recorder.asked]))
        diagnostics = kit.findings.diagnostics
        errors = [each for each in diagnostics if each.severity == "error"]
        if len(diagnostics) > before or errors:
            if errors or len(diagnostics) > MOST_FINDINGS:
                self.kits.drop(kit)
            if self.number and any(each.code == "CC201" for each in errors):
                raise MergeError(self.number - 1, self.number)
        self.claimed |= names.given
        self.bases |= names.bases
        wrong = kit.wrong or bool(errors) or expander.lost or current is None
        leaf = self._leaf(expander, sources, current, outputs, wrong=wrong, refused=refused)
        return asked, leaf

    def _promise(self, expander: Expander, kit: _Kit, scope: Scope) -> None:
        member = expander.member
        budget = expander.root.entries.get("budget")
        read_promises(kit.findings, member.added("expect"), budget, scope, expander.reader)

    def _leaf(
        self,
        expander: Expander,
        sources: int,
        current: int | None,
        outputs: tuple[int, ...] | None,
        *,
        wrong: bool,
        refused: bool,
    ) -> Leaf:
        number = len(self.leaves)
        start = sources + (1 if self.number else 0)
        shift = start - 1 if self.number else 0
        nodes = tuple([self._moved(node, shift) for node in expander.nodes[start:]])
        reads = [read for node in expander.nodes[start:] for read in node.inputs]
        reads += [node.like for node in expander.nodes[start:] if node.like is not None]
        reads += [] if current is None else [current]
        if self.number and any(read < sources for read in reads):
            raise MergeError(0, self.number)
        axes, reshapes = _axes(nodes)
        borrowed = tuple(
            [
                Borrowed(each.item, _shifted(each.owner, shift), _shifted(each.user, shift))
                for each in expander.borrowed
            ]
        )
        return Leaf(
            number=number,
            nodes=nodes,
            output=0 if current is None else current - shift,
            borrowed=borrowed,
            steps=expander.steps,
            wrong=wrong
            or any(node.unknown or (node.layer is None and node.late is None) for node in nodes),
            lost=current is None,
            unusual=refused
            or (sources > 1 and sources * len(expander.nodes) > MAX_PAIRS)
            or any(node.kind in INDEXING or node.origin for node in nodes),
            axes=axes,
            reshapes=reshapes,
            outputs=None if outputs is None else tuple([each - shift for each in outputs]),
        )

    def _moved(self, node: LayerNode, shift: int) -> LayerNode:
        """A layer that is numbered by so many less, like what it reads."""
        layer = node.layer
        if layer is not None:
            # Equal numbers of two types are two: a digest has them as they are written.
            kinds = tuple(map(type, vars(layer).values()))
            layer = self._layers.setdefault((layer, kinds), layer)
        return node._replace(
            layer=layer,
            inputs=tuple([read - shift for read in node.inputs]),
            shared_with=None if node.shared_with is None else node.shared_with - shift,
            like=None if node.like is None else node.like - shift,
        )


_NOWHERE = Item("relu")


def _shifted(layers: range, shift: int) -> range:
    return range(layers.start - shift, layers.stop - shift)


def ask_all(names: Iterable[str], watched: Watched) -> None:
    """Ask for all of these names that there are."""
    for name in sorted(names):
        watched.get(name)


def _axes(nodes: Sequence[LayerNode]) -> tuple[frozenset[int], bool]:
    """How many axes fields with one number for each are for, before other axes are made."""
    counts: set[int] = set()
    for node in nodes:
        if node.kind in RESHAPING:
            return frozenset(counts), True
        if node.layer is None:
            continue
        for field, declared in declarations(type(node.layer)).items():
            sizes = getattr(node.layer, field) if declared.form == "axes" else None
            if isinstance(sizes, tuple):
                counts.add(len(sizes))
    return frozenset(counts), False


def look_apart(pieces: Sequence[Piece]) -> None:
    """Raise `MergeError` for pieces that may name two things alike.

    How far is counted where a piece begins is known of the first one alone.
    """
    for piece in pieces:
        if piece.number and _counts(piece.claimed, piece.bases):
            raise MergeError(0, piece.number)
        for other in pieces[piece.number + 1 :]:
            if _counts(piece.claimed, other.bases) or _counts(other.claimed, piece.bases):
                raise MergeError(0, other.number)
            if piece.claimed & other.claimed:
                raise MergeError(piece.number, other.number)


def _counts(claimed: set[str], bases: set[str]) -> bool:
    """Whether a name that is given may be one that is counted."""
    if not bases:
        return False
    for name in claimed:
        base = name.rstrip("0123456789")
        if base != name and not {base, base.removesuffix("_")}.isdisjoint(bases):
            return True
        if name in bases:  # a group that is repeated has its latest round's name as well
            return True
    return False
