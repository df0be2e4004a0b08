"""Edits of single layers of a network, made in its spec.

A conversion says for some layers which items stand in their places. Where all layers that one item
makes become the same, the item is changed where it stands, and blocks, parameters, repeats and
comments stay. Where they do not, the network is written out, edited, and folded again. Either way
the new network is held against the old one, layer by layer: what reads what must be as it was.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network, SpecError, read
from convcalc.graph.as_made import spec_as_made
from convcalc.graph.planned import Planned, planned
from convcalc.layers import layer_class
from convcalc.layers.base import declarations, defaults
from convcalc.layers.written import questions, usual
from convcalc.spec.fold import fold
from convcalc.spec.nodes import Comments, List, Map
from convcalc.spec.tree import MODIFIERS, Block, Item, Spec, branches_of
from convcalc.spec.unfold import unfolded
from convcalc.spec.ways import Layers, kept_lines, with_words, words
from convcalc.spec.write import DIRECTIVE

if TYPE_CHECKING:
    from convcalc.graph import LayerNode

Arrays = Mapping[str, Any]
"""Arrays of a layer by what they are to it: `weight`, `bias`, `running_mean`."""

WRITTEN_OUT = (
    "what one item of the spec makes becomes different layers, or names mean others then: the spec "
    "was written out and folded"
)
"""What is said where a spec could not be changed where it stands."""
ANEW = "it computes something else and has to be trained anew"
"""What is said of a network that is another one."""


class CannotConvertError(ArgumentError):
    """A network cannot be converted so; the message says which layer, and why."""


def unchanged(arrays: Arrays) -> list[Arrays]:
    """The arrays of a layer as those of the one that stands in its place."""
    return [arrays]


class Edit(NamedTuple):
    """What becomes of a layer."""

    items: Callable[[Item], Sequence[Item]]
    """The items that stand in the place of the one that makes it, each a layer or a group of some;
    none where it goes, and what read it reads what it read."""
    arrays: Callable[..., Sequence[Arrays]] = unchanged
    """What its arrays, and behind them those of the layers that it takes in, are to each of these
    items."""
    takes_in: tuple[int, ...] = ()
    """Layers that go, and what they do is part of what stands here."""


def dropped(item: Item) -> tuple[Item, ...]:
    """Nothing in the place of an item."""
    del item
    return ()


class Subject(NamedTuple):
    """A network without errors, and the spec that it is of."""

    spec: Spec
    """The spec; its items are those of the network's layers."""
    network: Planned
    """The network that the spec is."""

    @classmethod
    def of(cls, network: Network) -> "Subject":
        """A network with a spec that has its member's, parameters' and input's values.

        Raises `SpecError` for one with errors.
        """
        if network.errors:
            raise SpecError(network.errors)
        spec = spec_as_made(network)
        if spec is None:
            message = f"{network.name} was made of no spec, which could be converted"
            raise CannotConvertError(message)
        return cls.read(spec)

    @classmethod
    def read(cls, spec: Spec) -> "Subject":
        """A spec with its network. Raises `SpecError` where it has errors."""
        network = planned(read(spec))
        written = network.written
        own = None if written is None else written.spec
        return cls(spec if own is None else own, network)


class Edited(NamedTuple):
    """A network whose layers were edited."""

    subject: Subject
    """What it is now."""
    places: tuple[tuple[int, ...], ...]
    """For each layer of the old network the numbers of those that stand in its place."""
    in_place: bool
    """Whether its blocks, repeats and comments are still those that were written."""
    edits: Mapping[int, Edit]
    """What became of its layers, by their numbers."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said of how it is written."""
        return () if self.in_place else (WRITTEN_OUT,)


def edited(subject: Subject, edits: Mapping[int, Edit], **changes: object) -> Edited:
    """The network with some layers edited, by their numbers.

    `changes` are keys of the spec that change, too, as its `input`. Where a layer goes whose name
    others read, or that says what it reads, an `identity` stands for it. Raises
    `CannotConvertError` where the new network has errors, and where it is wired otherwise than the
    old one.
    """
    marked = {**edits, **_marks(subject.network, edits)}
    problems: list[CannotConvertError] = []
    for way in (_in_place, _written_out):
        for asked in (edits, marked) if marked != edits else (edits,):
            spec = way(subject, asked)
            if spec is None:
                continue
            try:
                return _checked(subject, spec.replace(**changes), asked, in_place=way is _in_place)
            except CannotConvertError as error:
                problems.append(error)
    if problems:
        raise problems[0]
    message = "one item of the spec makes several layers, which become different ones"
    raise CannotConvertError(message)


def _marks(network: Planned, edits: Mapping[int, Edit]) -> dict[int, Edit]:
    """Edits that leave an `identity` where the wiring needs an item of a layer that goes."""
    reading = readers(network)

    def read_by_name(index: int) -> bool:
        if network.nodes[index].item.name is None:
            return False
        return index in network.outputs or any(
            reader != index + 1
            or network.nodes[reader].item.from_ is not None
            or len(network.nodes[reader].inputs) > 1
            for reader in reading[index]
        )

    return {
        index: Edit(_mark, lambda *_: [{}])
        for index, edit in edits.items()
        if edit.items is dropped
        and (network.nodes[index].item.from_ is not None or read_by_name(index))
    }


def _mark(item: Item) -> tuple[Item, ...]:
    """An `identity` that is called as an item is, and reads what it reads."""
    return (item.replace(kind="identity", value=None, origin=None, weights=None, shared=None),)


def _checked(subject: Subject, spec: Spec, edits: Mapping[int, Edit], *, in_place: bool) -> Edited:
    """An edited spec with its network, which is held against what was there."""
    spec = without_promises(spec)
    lines = spec.get("written")
    spec = spec.replace(written=None) if lines else spec  # whose names may be others'
    try:
        made = Subject.read(spec if in_place else fold(spec))
    except SpecError as error:
        first = error.diagnostics[0]
        where = f"{first.layer}: " if first.layer else ""
        message = (
            f"the network that comes of it has errors, the first of them {where}{first.message}"
        )
        raise CannotConvertError(message) from None
    places = _places(subject.network, made.network, edits)
    if subject.network.ways:
        lines = _lines(lines, subject.network, made.network, places)
        made = Subject.read(made.spec.replace(written=lines))
    return Edited(made, places, in_place, edits)


def _lines(lines: Any, old: Planned, new: Planned, places: tuple[tuple[int, ...], ...]) -> Any:
    """What `written` says of the new layers: what it said of those in whose place they stand."""
    known = [usual(node.kind, node.layer) for node in new.nodes]
    before = words(Layers(old.nodes, old.groups), old.ways)
    for index, here in enumerate(places):
        for place in here:
            node = new.nodes[place]
            known[place] = with_words(questions(node.kind, node.layer), before[index])
    return kept_lines(Layers(new.nodes, new.groups), lines, known)


def _written_out(subject: Subject, edits: Mapping[int, Edit]) -> Spec | None:
    """The spec written out, one item a layer, with its items changed.

    What is referred to has a name of its own there, which no conversion counts anew.
    """
    flat = unfolded(subject.spec)
    return None if flat is None else _in_place(Subject.read(flat), edits)


def without_promises(spec: Spec) -> Spec:
    """The spec without what it promises, which was of the network as it was."""
    kept = {key: None for key in ("expect", "budget") if key in spec}
    return spec.replace(**kept) if kept else spec


def _in_place(subject: Subject, edits: Mapping[int, Edit]) -> Spec | None:
    """The spec with its items changed; None where one of them makes layers that differ."""
    becomes: dict[int, Sequence[Item] | None] = {}
    for index, node in enumerate(subject.network.nodes):
        edit = edits.get(index)
        items = None if edit is None else tuple(edit.items(node.item))
        if id(node.item) in becomes and becomes[id(node.item)] != items:
            return None
        becomes[id(node.item)] = items
    replaced = {place: items for place, items in becomes.items() if items is not None}
    spec = subject.spec
    if spec.blocks:
        blocks = {
            name: _block(block, replaced) if isinstance(block, Block) else block
            for name, block in spec.blocks.items()
        }
        if any(blocks[name] is not spec.blocks[name] for name in blocks):
            spec = spec.replace(blocks=blocks)
    return spec.replace(layers=_items(spec.layers, replaced))


def _block(block: Block, replaced: Mapping[int, Sequence[Item]]) -> Block:
    """A block with its items changed."""
    items = _items(block.layers, replaced)
    same = all(one is other for one, other in zip(items, block.layers, strict=False))
    return block if same and len(items) == len(block.layers) else block.replace(layers=items)


def _items(items: Iterable[Item], replaced: Mapping[int, Sequence[Item]]) -> list[Item]:
    """Items, each changed or as it is."""
    made: list[Item] = []
    for item in items:
        if id(item) in replaced:
            made += replaced[id(item)]
        elif item.layers:
            inside = _items(item.layers, replaced)
            if inside:
                same = len(inside) == len(item.layers) and all(map(_same, inside, item.layers))
                made.append(item if same else item.replace(layers=inside))
        elif branches_of(item.kind, item.value) is not None:
            branches = [List(_items(branch, replaced)) for branch in item.branches]
            same = all(
                len(one) == len(other) and all(map(_same, one, other))
                for one, other in zip(branches, item.branches, strict=True)
            )
            made.append(item if same else item.replace(branches=branches))
        else:
            made.append(item)
    return made


def _same(one: object, other: object) -> bool:
    return one is other


def _places(old: Planned, new: Planned, edits: Mapping[int, Edit]) -> tuple[tuple[int, ...], ...]:
    """For each old layer the new ones in its place; raises where those are wired otherwise."""
    places: list[tuple[int, ...]] = []
    ends: list[int] = []
    count = 0
    for index, node in enumerate(old.nodes):
        edit = edits.get(index)
        long = 1 if edit is None else layers_in(edit.items(node.item))
        here = tuple(range(count, count + long))
        count += long
        places.append(here)
        ends.append(here[-1] if here else ends[node.inputs[0]])
        if count > len(new.nodes):
            break
        _check_wiring(node, here, new, ends)
        if here:
            _check_references(node, here[-1], new, places)
    if count != len(new.nodes):
        message = (
            f"{len(new.nodes)} layers came of {len(old.nodes)}, and {count} were meant: layers are "
            "wired by names that the conversion changes; name them in the spec"
        )
        raise CannotConvertError(message)
    return tuple(places)


def check_sizes(old: Planned, made: Edited) -> None:
    """Raise where what stands in the place of a layer makes another number of values than that.

    An expression of a block means something else, or nothing, where it is said outside.
    """
    new = made.subject.network
    for index, places in enumerate(made.places):
        if places and new.shape_of(places[-1]).size != old.shape_of(index).size:
            message = (
                f"{new.nodes[places[-1]].name} would make {new.shape_of(places[-1])} where "
                f"{old.nodes[index].name} makes {old.shape_of(index)}: what the spec says of it "
                "means something else where it would stand"
            )
            raise CannotConvertError(message)


def _check_wiring(
    node: "LayerNode", here: tuple[int, ...], new: Planned, ends: Sequence[int]
) -> None:
    """Raise where what stands in the place of a layer reads what that did not."""
    if not here:
        return
    expected = tuple(dict.fromkeys(ends[read] for read in node.inputs))
    actual = tuple(dict.fromkeys(new.nodes[here[0]].inputs))
    if actual != expected:
        would, wanted = (
            ", ".join(new.nodes[each].name for each in reads) for reads in (actual, expected)
        )
        message = (
            f"{new.nodes[here[0]].name} would read {would} instead of {wanted}: name what it reads "
            "in the spec"
        )
        raise CannotConvertError(message)


def _check_references(
    node: "LayerNode", last: int, new: Planned, places: Sequence[tuple[int, ...]]
) -> None:
    """Raise where a layer uses the weights, or follows the map, of another than it did.

    A name such as `conv2` is counted, and means another layer where one more comes before it.
    """
    made = new.nodes[last]
    lost = made.shared_with is None and bool(new.plans[last].weights)
    for what, before, after in (
        ("weights", node.shared_with, last if lost else made.shared_with),
        ("map", node.like, made.like),
    ):
        if before is not None and after is not None and after not in places[before]:
            message = (
                f"{made.name} would use the {what} of {new.nodes[after].name}, and "
                f"{node.name} those of another layer: name the one that is meant in the spec"
            )
            raise CannotConvertError(message)


def layers_in(items: Iterable[Item]) -> int:
    """How many layers items make in one round."""
    return sum(layers_in(item.layers) if item.layers else 1 for item in items)


def in_sequence(item: Item, items: Sequence[Item], *, named: bool = True) -> tuple[Item, ...]:
    """Several items in the place of one: as they are, or as a group with what it said beside.

    A name alone is the last one's, whose output it means, unless that is not to be `named`.
    """
    said = {part.key: part for part in item.parts if part.key in MODIFIERS}
    if said.keys() <= ({"name", "origin"} if named else set()):
        first = Item.of(items[0].parts, _lasting(item.comments))
        leading = [*takewhile(lambda part: part.key in said, item.parts)]
        behind = [part for part in item.parts if part.key in said and part not in leading]
        last = Item.of([*leading, *items[-1].parts, *behind])
        return (first, *items[1:-1], last)
    group = Item(layers=items)
    return (Item.of([*group.parts, *said.values()], item.comments),)


def moved(old: Planned, edited: Edited, weights: Mapping[str, Any]) -> dict[str, Any]:
    """The weights of the old network as those of the new one, by its layers' names."""
    made: dict[str, Any] = {}
    new = edited.subject.network
    for index, (node, plan) in enumerate(zip(old.nodes, old.plans, strict=True)):
        edit = edited.edits.get(index)
        taken = () if edit is None else edit.takes_in
        if node.shared_with is not None or not edited.places[index] or not (plan.weights or taken):
            continue
        arrays = [_arrays(old, each, weights) for each in (index, *taken)]
        parts = arrays if edit is None else edit.arrays(*arrays)
        for place, part in zip(edited.places[index], parts, strict=True):
            made.update({f"{new.nodes[place].name}.{role}": each for role, each in part.items()})
    return made


def _arrays(network: Planned, index: int, weights: Mapping[str, Any]) -> Arrays:
    """The arrays of a layer by what they are to it."""
    name = network.nodes[index].name
    return {each.name: weights[f"{name}.{each.name}"] for each in network.plans[index].weights}


def of_kind(item: Item, kind: str, fields: Mapping[str, Any]) -> Item:
    """The item as a layer of another kind, with its modifiers and its comments.

    A comment that says what `check` is to leave alone goes: it was about the other kind.
    """
    made = item.replace(kind=kind, value=dict(fields) or None)
    before = next((part for part in item.parts if part.key not in MODIFIERS), None)
    parts = list(made.parts)
    if before is not None:
        kept = _lasting(before.comments)
        parts = [part._replace(comments=kept) if part.key == kind else part for part in parts]
    return Item.of(parts, _lasting(item.comments))


def _lasting(comments: Comments) -> Comments:
    """Comments without those that say what `check` is to leave alone."""
    before, after = (
        tuple(each for each in lines if not DIRECTIVE.search(each))
        for lines in (comments.before, comments.after)
    )
    return Comments(before, "" if DIRECTIVE.search(comments.line) else comments.line, after)


def fields_of(spec: Spec, item: Item) -> dict[str, Any]:
    """What is said of a layer's fields, by its item and by the spec's defaults for its kind."""
    kind = item.kind or ""
    elsewhere = spec.defaults.get(kind)
    said = dict(elsewhere) if isinstance(elsewhere, Map) else {}
    if item.fields:
        return {**said, **item.fields}
    if item.value is None:
        return said
    return {**said, next(iter(declarations(layer_class(kind)))): item.value}


def said_in_full(spec: Spec, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a layer, with the usual values of those for which the spec has other defaults."""
    elsewhere = spec.defaults.get(kind)
    usual = defaults(layer_class(kind))
    others = [] if elsewhere is None else [name for name in elsewhere if name in usual]
    return {**fields, **{name: usual[name] for name in others if name not in fields}}


class Result(NamedTuple):
    """What a conversion made of a network."""

    subject: Subject
    """The network and its spec as they are now."""
    moves: Callable[[Mapping[str, Any]], dict[str, Any]] | None
    """The weights of the old network as those of the new one; None where there are none that fit,
    because the new network is another one."""
    remarks: tuple[str, ...] = ()
    """What is to be said of it, a sentence each."""


def result(subject: Subject, edits: Mapping[int, Edit], *remarks: str) -> Result:
    """What edits make of a network."""
    made = edited(subject, edits)
    check_sizes(subject.network, made)
    old = subject.network
    return Result(
        made.subject, lambda weights: moved(old, made, weights), (*remarks, *made.remarks)
    )


def anew(subject: Subject, edits: Mapping[int, Edit], what: str, *, sizes: bool = True) -> Result:
    """What edits make of a network that is another one then: its weights are no longer those.

    `sizes` are held against the old ones unless they are to change.
    """
    made = edited(subject, edits)
    if sizes:
        check_sizes(subject.network, made)
    before, after = (
        sum(weight.size for plan in each.network.plans for weight in plan.weights)
        for each in (subject, made.subject)
    )
    said = f"{what}: {after:,} weights for {before:,}"
    return Result(made.subject, None, (said, ANEW, *made.remarks))


def readers(network: Planned) -> list[list[int]]:
    """For each layer the numbers of those that read it."""
    made: list[list[int]] = [[] for _ in network.nodes]
    for index, node in enumerate(network.nodes):
        for read_ in node.inputs:
            made[read_].append(index)
    return made
