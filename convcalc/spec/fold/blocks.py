"""Stretches that are alike, which become a block with parameters."""

from collections.abc import Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

from convcalc.layers import kinds
from convcalc.spec.fold.arguments import Arguments, Parameter, arguments, in_order
from convcalc.spec.fold.context import Context, words_of
from convcalc.spec.fold.naming import block_name
from convcalc.spec.fold.nodes import MISSING, Expr, Items, Node, Number
from convcalc.spec.fold.runs import (
    every,
    forget,
    name_origins,
    names_of,
    other_comments,
    outside,
    pattern,
    rank,
    read_outside,
    span,
)
from convcalc.spec.fold.scopes import common
from convcalc.spec.fold.traces import outermost, own_origins, said, trace
from convcalc.spec.nodes import NO_COMMENTS, ScalarNode

LONGEST = 64
"""Most items of one list that become a block."""
MOST_BLOCKS = 40
"""Blocks that are made of one spec."""
AFFORDED = 4
"""Lines that a block may cost which is one where it comes from, too."""
OFTEN = 3
"""Calls of such a block."""
MOST_PARAMETERS = 10
"""Most parameters of a block."""
EVALUATED = 32
"""Candidates that are looked at closely, those that promise most."""
SAMPLED = 60
"""Occurrences that what a candidate saves is worked out of."""
COLUMNS = 90
"""Characters of a call on one line."""
ENDINGS = kinds("activation", "pool", "norm", "softmax")
"""What a person ends a block with, rather than begins the next one."""


class Place(NamedTuple):
    """A stretch of a list."""

    sequence: Items
    """The list that it is of."""
    start: int
    """The number of its first item in there."""
    length: int
    """How many items it has."""

    @property
    def nodes(self) -> Sequence[Node]:
        """The items."""
        return self.sequence.nodes[self.start : self.start + self.length]


class Candidate(NamedTuple):
    """What could become a block."""

    places: tuple[Place, ...]
    """Where it stands, one behind the other in each list."""
    worth: float
    """Lines that it saves, and a little more where it begins and ends as a block would."""


def best(sequences: Sequence[Items], context: Context, work: "Work") -> list[Candidate]:
    """What is worth being a block, the best first."""
    promising: list[tuple[int, int, list[int]]] = []
    row = _Row(sequences)
    sums = row.sums
    for length, starts in _repeated(row.keys, work):
        body = sums[starts[0] + length] - sums[starts[0]]
        if body < 2:
            continue
        count = _apart(starts, length)
        promise = (count - 1) * body - count - 2
        if promise > 0:
            promising.append((promise, length, starts))
    candidates = []
    for _, length, starts in nlargest(EVALUATED, promising, key=lambda each: each[0]):
        candidate = _evaluated(length, [row.places[start] for start in starts], context)
        if candidate is not None:
            candidates.append(candidate)
    candidates.sort(key=lambda each: -each.worth)
    return candidates


class _Row:
    """The nodes of several lists in one row, in which a gap stands behind each list."""

    def __init__(self, sequences: Sequence[Items]) -> None:
        self.keys: list[int] = []
        """The key of each node; below 0 for one that cannot stand elsewhere, and for a gap."""
        self.sums = [0]
        """The lines in front of each node."""
        self.places: list[tuple[Items, int]] = []
        """The list that each node is of, and its number there."""
        lines = 0
        for sequence in sequences:
            for at, node in enumerate(sequence.nodes):
                look = node.look
                self.keys.append(-1 if look.fixed else look.key)
                lines += look.lines
                self.sums.append(lines)
                self.places.append((sequence, at))
            self.keys.append(-1)
            self.sums.append(lines)
            self.places.append((sequence, len(sequence.nodes)))


class Work:
    """How much may be compared in one folding, so that it ends soon whatever it is given."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self, count: int) -> bool:
        """Whether there is so much left, which is taken."""
        self.left -= count
        return self.left > 0


def _one_behind_another(starts: Sequence[int], length: int) -> bool:
    """Whether one of the stretches begins where another ends, so that longer ones overlap."""
    return any(other - one == length for one, other in pairwise(starts))


def _apart(starts: Sequence[int], length: int) -> int:
    """How many of the stretches do not overlap."""
    count = end = 0
    for start in starts:
        if start >= end:
            count += 1
            end = start + length
    return count


def _repeated(keys: Sequence[int], work: Work) -> Iterator[tuple[int, list[int]]]:
    """Where stretches with the same keys start, by their length; none longer everywhere."""
    groups: dict[int, list[int]] = {}
    for at, key in enumerate(keys):
        if key >= 0:
            groups.setdefault(key, []).append(at)
    length = 1
    alive = [starts for starts in groups.values() if len(starts) > 1]
    while alive and length < LONGEST:
        following = []
        for starts in alive:
            if not work.take(len(starts)):
                return
            longer: dict[int, list[int]] = {}
            for start in starts:
                key = keys[start + length]
                if key < 0:
                    continue
                alike = longer.get(key)
                if alike is None:
                    longer[key] = [start]
                else:
                    alike.append(start)
            longest = any(len(each) == len(starts) for each in longer.values())
            if not longest or _one_behind_another(starts, length):
                yield length, starts
            following += [each for each in longer.values() if len(each) > 1]
        alive = following
        length += 1
    for starts in alive:
        yield length, starts


def _evaluated(
    length: int, places: Sequence[tuple[Items, int]], context: Context
) -> Candidate | None:
    """What a candidate is worth; None where it is nothing."""
    groups: dict[tuple[object, ...], list[Place]] = {}
    last: Items | None = None
    end = 0
    for sequence, start in places:
        if sequence is last and start < end:
            continue
        place = Place(sequence, start, length)
        nodes = place.nodes
        seen: tuple[object, ...] = ()
        if any(node.look.reads or node.look.names for node in nodes):
            read = read_outside(nodes, context)
            if read and read != [nodes[-1].name]:
                continue
            seen = pattern(nodes)
        if context.strict:
            seen = seen, own_origins(nodes, context.bodies)
        groups.setdefault(seen, []).append(place)
        last, end = sequence, start + length
    if not groups:
        return None
    chosen = max(groups.values(), key=len)
    if len(chosen) < 2:
        return None
    saved = _saved(chosen, context)
    if saved is None or saved <= 0:
        return None
    return Candidate(tuple(chosen), saved * (1 + _form(chosen)))


def _saved(places: Sequence[Place], context: Context) -> float | None:
    """How many lines a block saves; None where it would have more parameters than one may have."""
    sample = places[:: ceil(len(places) / SAMPLED)]
    given = _given(sample, context)
    texts = _texts(sample, context)
    count = len(given.parameters) + len({each for each in texts if each is not None})
    if count > MOST_PARAMETERS:
        return None
    body = sum(node.look.lines for node in places[0].nodes)
    calls = sum(_call_lines(given, at) for at in range(len(sample))) / len(sample) * len(places)
    return len(places) * body - calls - body - 2 - bool(count)


def block_of(
    places: Sequence[Place], context: Context, wanted: str = "", *, always: bool = False
) -> str:
    """The name of a block that stretches which are alike become; empty where they do not.

    They do where it costs few lines, or `always`; it is called as is `wanted`, if it can be.
    """
    saved = _saved(places, context)
    least = -AFFORDED if len(places) >= OFTEN else 0
    if saved is None or (saved <= least and not always) or len(context.bodies) >= MOST_BLOCKS:
        return ""
    return replaced(Candidate(tuple(places), saved), context, wanted)


def _call_lines(given: Arguments, at: int) -> int:
    """How many lines a call is."""
    width = 24
    for parameter in given.parameters:
        value = parameter.values[at]
        text = value.text if isinstance(value, Expr) else str(value)
        width += len(parameter.name) + len(text) + 4
    return ceil(width / COLUMNS)


def _form(places: Sequence[Place]) -> float:
    """How much a stretch looks like a block: a share of what it saves."""
    first = places[0]
    share = 0.0
    if rank(first.sequence.nodes, first.start)[1] == 0:
        share += 0.05
    if first.nodes[-1].kind in ENDINGS:
        share += 0.03
    if any(_strides(node) for node in first.nodes[: (first.length + 1) // 2]):
        share += 0.05
    aligned = sum(map(_aligned, places[:SAMPLED]))
    return share + 0.3 * aligned / len(places[:SAMPLED])


def _strides(node: Node) -> bool:
    """Whether anything in an item makes the map smaller that has weights."""
    return any(
        slot.field.rstrip("0123456789") == "stride"
        and number not in (1, slot.default)
        and slot.kind not in ENDINGS
        for slot, number in zip(node.look.slots, node.look.numbers, strict=True)
    )


def _aligned(place: Place) -> bool:
    """Whether a stretch is all that comes from one place, and nothing else does."""
    nodes = place.sequence.nodes
    inside = nodes[place.start].look.scope
    for node in place.nodes[1:]:
        inside = common(inside, node.look.scope)
    around = [
        len(common(nodes[at].look.scope, inside))
        for at in (place.start - 1, place.start + place.length)
        if 0 <= at < len(nodes)
    ]
    return bool(inside) and all(depth < len(inside) for depth in around)


def _given(places: Sequence[Place], context: Context) -> Arguments:
    """The parameters that the numbers of stretches want."""
    looks = [[node.look for node in place.nodes] for place in places]
    slots = [slot for look in looks[0] for slot in look.slots]
    rows: list[list[Number]] = [
        [number for look in each for number in look.numbers] for each in looks
    ]
    taken = context.globals | _words(places[0], context) | context.reserved
    return arguments(slots, [*zip(*rows, strict=True)], taken)


def _words(place: Place, context: Context) -> set[str]:
    """Words that stand for themselves in what is written, and no number does."""
    words: set[str] = set()
    local = context.parameters.get(place.sequence.root.block, {})
    for node in every(place.nodes):
        means = context.meaning(node.kind or "") if node.kind not in (None, "layers") else None
        forms = {name: form for name, _, form in means.fields} if means else {}
        for name, each in node.fields.items():
            if context.value(each, forms.get(name, ""), local) is None:
                words |= words_of(each)
        words |= {*node.reads.values()}
        if node.name:
            words.add(node.name)
    return words


def _texts(places: Sequence[Place], context: Context) -> list[str | None]:
    """For each tensor from outside that stretches read the parameter that names it.

    None where that is the same tensor for all of them.
    """
    columns = [*zip(*(outside(place.nodes) for place in places), strict=True)]
    made: list[str | None] = []
    names: dict[tuple[str, ...], str] = {}
    local = {name for place in places for name in _held(place, context)}
    taken = context.given | context.globals | context.reserved
    for column in columns:
        if len(set(column)) == 1 and column[0] not in local:
            made.append(None)
            continue
        if column not in names:
            number = 1
            while (name := f"source{number}" if number > 1 else "source") in taken:
                number += 1
            names[column] = name
            taken |= {name}
        made.append(names[column])
    return made


def _held(place: Place, context: Context) -> frozenset[str]:
    """Parameters around a stretch that hold names of tensors."""
    return context.texts.get(place.sequence.root.block, frozenset())


def replaced(candidate: Candidate, context: Context, wanted: str = "") -> str:
    """Make a block, and let its calls stand in the places; its name."""
    places = candidate.places
    given = _given(places, context)
    texts = _texts(places, context)
    for place in places if not context.named else ():
        name_origins(place.nodes)
    name = block_name(places, context, wanted)
    leaves = [outermost(place.nodes, context.bodies) if context.strict else [] for place in places]
    fronts: Sequence[str] = [""] * len(places)
    if any(leaves):
        traced = trace(leaves)
        fronts = traced.fronts
        for node, own in zip(leaves[0], traced.own, strict=True):
            node.origin = None if own is None else said(own)
    came = [span(place.nodes, place.nodes) for place in places]
    comments = other_comments([place.nodes for place in places])
    parameters = in_order(given.parameters)
    declared: dict[str, Any] = {each.name: each.default for each in parameters}
    declared.update((each, MISSING) for each in texts if each is not None)
    rows = [outside(place.nodes) for place in places]
    for place in places:
        forget(place.nodes, context)
    calls = []
    for at, place in enumerate(places):
        call = _call(place, at, name, given.parameters, dict(zip(texts, rows[at], strict=True)))
        if fronts[at]:
            call.origin = said(fronts[at])
        call.came = came[at]
        calls.append(call)
    body = _body(places[0], name, given, texts, context)
    if comments is not NO_COMMENTS:
        calls[0].comments = calls[0].comments._replace(before=comments.before)
    texts_held = frozenset(each for each in texts if each is not None)
    context.add_block(name, declared, texts_held, body)
    for node in (*every(body.nodes), *calls):
        for read in node.reads.values():
            context.uses[read] += 1
    context.look(body)
    _put(places, calls)
    return name


def _call(
    place: Place,
    at: int,
    name: str,
    parameters: Sequence[Parameter],
    texts: "dict[str | None, str]",
) -> Node:
    call = Node(place.sequence)
    call.kind = name
    for parameter in parameters:
        value, default = parameter.values[at], parameter.default
        if default is MISSING or type(value) is not type(default) or value != default:
            call.fields[parameter.name] = scalar_of(value)
    call.reads = {each: target for each, target in texts.items() if each is not None}
    last = place.nodes[-1]
    if last.name is not None:
        call.name = last.name
    return call


def scalar_of(value: Number) -> ScalarNode:
    """A number or an expression as a spec has it."""
    if isinstance(value, Expr):
        return ScalarNode(value.text, -1, 0)
    if isinstance(value, bool):
        return ScalarNode("true" if value else "false", -1, 0)
    return ScalarNode(repr(value), -1, 0)


def _body(
    first: Place, name: str, given: Arguments, texts: Sequence[str | None], context: Context
) -> Items:
    """The items of the block: those of its first call, with its parameters for what differs."""
    body = Items(None, name)
    body.nodes = [*first.nodes]
    inner = {each: number for number, each in enumerate(names_of(body.nodes))}
    renamed: dict[str, str] = {}
    for each in inner:
        if each != body.nodes[-1].name:
            renamed[each] = context.local_name(each)
    filling = _Filling(
        iter(given.written),
        iter(texts),
        {each: renamed.get(each, each) for each in inner},
        context.parameters.get(first.sequence.root.block, {}),
    )
    for node in body.nodes:
        node.within = body
        _fill(node, filling, context)
    last = body.nodes[-1]
    last.name = None
    for node in every(body.nodes):
        if node.name is not None:
            node.name = renamed.get(node.name)
            if node.name is not None:
                context.given.add(node.name)
    return body


class _Filling(NamedTuple):
    """What comes into the first of several stretches, in the order of its numbers and names."""

    expressions: Iterator[str | None]
    """By number what stands in its place; None for itself."""
    outer: Iterator[str | None]
    """By tensor from outside the parameter that names it; None for itself."""
    inner: Mapping[str, str]
    """What its own tensors are called from now on, by their names."""
    local: Mapping[str, Any]
    """The parameters that it could read where it stood."""

    def name(self, target: str) -> str:
        """What a tensor is called from now on."""
        if target in self.inner:
            return self.inner[target]
        return next(self.outer) or target


def _fill(node: Node, filling: _Filling, context: Context) -> None:
    """Put expressions in the places of numbers, and names in those of names."""
    node.known = None
    means = context.meaning(node.kind or "") if node.kind not in (None, "layers") else None
    for field, default, form in means.fields if means else ():
        if field in node.reads:
            node.reads[field] = filling.name(node.reads[field])
            continue
        there = node.fields.get(field)
        if there is None and default is MISSING:
            continue
        if there is not None and context.value(there, form, filling.local) is None:
            continue
        text = next(filling.expressions)
        if text is not None:
            node.fields[field] = ScalarNode(text, -1, 0)
    for sequence in node.inner:
        for each in sequence.nodes:
            _fill(each, filling, context)
    for modifier in ("from", "weights"):
        if modifier in node.reads:
            node.reads[modifier] = filling.name(node.reads[modifier])
    if node.rounds is not None or node.inner or node.kind in context.bodies:
        text = next(filling.expressions)
        if text is not None:
            node.modifiers["repeat"] = ScalarNode(text, -1, 0)


def _put(places: Sequence[Place], calls: Sequence[Node]) -> None:
    """Let calls stand where the stretches were."""
    by_sequence: dict[int, list[tuple[Place, Node]]] = {}
    for place, call in zip(places, calls, strict=True):
        by_sequence.setdefault(id(place.sequence), []).append((place, call))
    for each in by_sequence.values():
        sequence = each[0][0].sequence
        made: list[Node] = []
        end = 0
        for place, call in sorted(each, key=lambda pair: pair[0].start):
            made += sequence.nodes[end : place.start]
            made.append(call)
            end = place.start + place.length
        sequence.nodes = made + sequence.nodes[end:]
        sequence.changed()
