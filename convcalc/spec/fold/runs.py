"""Equal stretches one behind the other, which become a `repeat`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from convcalc.layers import CATALOGUE
from convcalc.spec.fold.context import Context
from convcalc.spec.fold.naming import base_of
from convcalc.spec.fold.nodes import Items, Known, Node
from convcalc.spec.fold.scopes import common
from convcalc.spec.fold.traces import (
    MADE_UP,
    goes_on,
    of_rounds,
    outermost,
    own_origins,
    said,
    together,
    trace,
    written,
)
from convcalc.spec.nodes import NO_COMMENTS, Comments, ScalarNode
from convcalc.spec.origins import literal

LONGEST = 256
"""Most items of what is repeated."""
TRIED = 8
"""How many of the next equal items are tried as where the next round begins."""
BEGINNINGS = frozenset({"dense", "merge", "recurrent", "channels", "source"})
"""Families that a person begins a round with, rather than with what follows them."""


def collapse(sequence: Items, context: Context) -> bool:
    """Write equal rounds once; whether there were any."""
    nodes = sequence.nodes
    if len(nodes) < 2:
        return False
    tokens: dict[object, int] = {}
    known: dict[tuple[int, int], int] = {}  # those that are alike have one tuple of numbers
    codes = []
    for at, node in enumerate(nodes):
        look = node.look
        code = None if look.fixed else known.get((look.key, id(look.numbers)))
        if code is None:
            token = ("fixed", at) if look.fixed else (look.key, _typed(look))
            code = tokens.setdefault(token, len(tokens))
            if not look.fixed:
                known[look.key, id(look.numbers)] = code
        codes.append(code)
    if len(tokens) == len(codes):
        return False
    where: dict[int, list[int]] = {}
    for at, code in enumerate(codes):
        where.setdefault(code, []).append(at)
    order = [0] * len(codes)
    for places in where.values():
        for number, at in enumerate(places):
            order[at] = number
    ends: dict[int, int] = {}
    made: list[Node] = []
    at, collapsed = 0, False
    while at < len(nodes):
        best: tuple[int, int] | None = None
        places = where[codes[at]]
        for other in places[order[at] + 1 : order[at] + 1 + TRIED]:
            period = other - at
            if period > LONGEST:
                break
            end = ends.get(period, 0)
            if end <= at:
                end = other
                while end < len(codes) and codes[end] == codes[end - period]:
                    end += 1
                ends[period] = end
            if end - at < 2 * period:
                continue
            start = _beginning(nodes, at, period, end)
            rounds = (end - start) // period
            saved = _saved(nodes[start : start + period], rounds)
            if saved >= 0 and not _torn(nodes, start, period):
                best = start, period  # the shortest: what is longer is made of what it becomes
                break
        if best is not None:
            start, period = best
            stretches = _rounds(nodes, start, period, ends[period], context)
            if len(stretches) > 1:
                made += nodes[at:start]
                made += _repeated(stretches, sequence, context)
                at = start + period * len(stretches)
                collapsed = True
                continue
        made.append(nodes[at])
        at += 1
    if collapsed:
        sequence.nodes = made
        context.look(sequence)
        context.refresh(sequence)
    return collapsed


def _typed(look: Known) -> tuple[object, ...]:
    return tuple((type(each), each) for each in look.numbers)


def _saved(nodes: Sequence[Node], rounds: int) -> int:
    """How many lines a repeat is shorter."""
    body = sum(node.look.lines for node in nodes)
    return (rounds - 1) * body - (1 if alone(nodes) else 2)


def alone(nodes: Sequence[Node]) -> bool:
    """Whether it is one item that can say itself how often it is done."""
    (node,) = nodes if len(nodes) == 1 else (None,)
    return node is not None and node.rounds is None and "from" not in node.reads


def _beginning(nodes: Sequence[Node], at: int, period: int, end: int) -> int:
    """Where the first round begins, of places that leave as many: at the end of what is before."""
    spare = (end - at) % period
    return min(range(at, at + spare + 1), key=lambda start: (rank(nodes, start), start))


def _torn(nodes: Sequence[Node], start: int, period: int) -> bool:
    """Whether what a round holds comes from places further apart than two rounds do."""
    scopes = [node.look.scope for node in nodes[start : start + period + 1]]
    depths = [len(common(one, other)) for one, other in pairwise(scopes)]
    return min(depths) < depths[-1]


def rank(nodes: Sequence[Node], start: int) -> tuple[int, int]:
    """How little a stretch that starts here would look like one: lower is better."""
    depth = 0
    if start:
        depth = len(common(nodes[start - 1].look.scope, nodes[start].look.scope))
    kind = nodes[start].kind or ""
    row = CATALOGUE.get(kind)
    if row is None or row.family in BEGINNINGS:
        return depth, 0
    return depth, 1 if row.family == "norm" else 2


def pattern(nodes: Sequence[Node]) -> tuple[int, ...]:
    """Which of its own tensors a stretch reads by name, in order; −1 for one from outside."""
    names = {name: at for at, name in enumerate(names_of(nodes))}
    return tuple(names.get(read, -1) for node in nodes for read in node.look.reads)


def names_of(nodes: Sequence[Node]) -> list[str]:
    """The names that a stretch gives and somebody reads."""
    return [name for node in nodes for name in node.look.names]


def outside(nodes: Sequence[Node]) -> list[str]:
    """The tensors from outside that a stretch reads by name."""
    names = {*names_of(nodes)}
    return [read for node in nodes for read in node.look.reads if read not in names]


def read_outside(nodes: Sequence[Node], context: Context) -> list[str]:
    """The names of a stretch that something outside of it reads."""
    names = names_of(nodes)
    if not names:
        return []
    own = [read for node in nodes for read in node.look.reads]
    read = [name for name in names if context.uses[name] > own.count(name)]
    return read if context.owners.isdisjoint(read) else [*read, ""]


def _rounds(
    nodes: Sequence[Node], start: int, period: int, end: int, context: Context
) -> list[Sequence[Node]]:
    """The rounds that are the same also in which tensors they read."""
    stretches: list[Sequence[Node]] = []
    first: tuple[object, ...] | None = None
    known: tuple[str | None, ...] | None = None
    for at in range(start, end - period + 1, period):
        stretch = nodes[at : at + period]
        seen: tuple[object, ...]
        if any(node.look.reads or node.look.names for node in stretch):
            seen = pattern(stretch), outside(stretch)
            read = read_outside(stretch, context)
        else:
            seen, read = ((), []), []
        if context.strict and not (period == 1 and alone(stretch) and not stretch[0].inner):
            own = own_origins(stretch, context.bodies)  # one alone lists them, if need be
            known = own if known is None else known
            if own != known and _calls_go_on(stretch, known, own, len(stretches), context):
                own = known
            seen = *seen, own
        first = seen if first is None else first
        if seen != first or (read and read != [stretch[-1].name]):
            break
        if context.exact and not (
            _counts_on(stretches[0], stretch, len(stretches))
            if stretches
            else _counts_from(nodes, start, period)
        ):
            break
        stretches.append(stretch)
        if read:
            break
    return stretches


def _calls_go_on(
    stretch: Sequence[Node],
    first: Sequence[str | None],
    own: Sequence[str | None],
    number: int,
    context: Context,
) -> bool:
    """Whether a round comes from where the first does, but for calls, which go on counting."""
    leaves = outermost(stretch, context.bodies)
    return len(first) == len(own) == len(leaves) and all(
        one == other or (_may_count(leaf, stretch, context) and goes_on(one, other, number))
        for leaf, one, other in zip(leaves, first, own, strict=True)
    )


def _may_count(leaf: Node, stretch: Sequence[Node], context: Context) -> bool:
    """Whether the origin of a call may have the number of a round: no other is nearer than that.

    What is to have its name again has it in one round alone.
    """
    node: Node | None = None if context.exact else leaf
    while node is not None and node.rounds is None:
        if node in stretch:
            return leaf.kind in context.bodies
        node = node.within.parent
    return False


def _counts_from(nodes: Sequence[Node], start: int, period: int) -> bool:
    """Whether a first round can have the names that it is to have: those that are next."""
    counts: Counter[str] = Counter()
    for at, node in enumerate(nodes[: start + period]):
        base = base_of(node.called)
        if (
            at >= start
            and node.called
            and node.called[len(base) :].lstrip("_") != str(counts[base] + 1)
        ):
            return False
        counts[base] += _times(node)
    return True


def _times(node: Node) -> int:
    """How many times over, where that is a number."""
    text = getattr(node.rounds, "text", "1")
    return int(text) if text.isdecimal() else 1


def _counts_on(first: Sequence[Node], other: Sequence[Node], number: int) -> bool:
    """Whether what is called something in a later round has the name that the round gives it."""
    counts: Counter[str] = Counter()
    for node in first:
        if node.called:
            counts[base_of(node.called)] += _times(node)
    for mine, theirs in zip(first, other, strict=True):
        if not mine.called and not theirs.called:
            continue
        base = base_of(mine.called)
        if base_of(theirs.called) != base or base == mine.called:
            return False
        numbers = [int(each.called[len(base) :].lstrip("_")) for each in (mine, theirs)]
        if numbers[1] - numbers[0] != number * counts[base]:
            return False
    return True


def _repeated(stretches: Sequence[Sequence[Node]], sequence: Items, context: Context) -> list[Node]:
    """What is written once for all rounds."""
    body = [*stretches[0]]
    name = None
    last = stretches[-1][-1]
    if last.name is not None and context.uses[last.name]:
        name = last.name
    for stretch in stretches[1:]:
        forget(stretch, context)
    one = alone(body) and (not body[0].inner or outermost(body, context.bodies) in ([], body))
    origin = merged_origins(stretches, one=one, context=context)
    comments = other_comments(stretches)
    came = span(stretches[0], stretches[-1])
    repeat = ScalarNode(str(len(stretches)), -1, 0)
    if one:
        (node,) = body
        node.modifiers["repeat"] = repeat
        node.name = name
        node.came = came
        node.comments = _both(comments, node.comments)
        if origin is not None:
            node.origin = origin
        elif any(each[0].origin is not None for each in stretches):
            node.origin = None
        node.known = None
        return body
    group = Node(sequence)
    group.kind = "layers"
    inner = Items(group)
    inner.nodes = body
    for node in body:
        node.within = inner
        node.known = None
    for node in every(body):
        if node.name is not None and (node.name == name or not context.uses[node.name]):
            node.name, node.known = None, None
    group.inner = [inner]
    group.modifiers["repeat"] = repeat
    group.origin = origin
    group.name = name
    group.came = came
    group.comments = comments
    return [group]


def span(first: Sequence[Node], last: Sequence[Node]) -> tuple[str, str] | None:
    """Where the first and the last layer of a stretch come from, where that is only remarked."""
    starts = [node.came[0] for node in _as_made(first) if node.came]
    ends = [node.came[1] for node in _as_made(last) if node.came]
    return (starts[0], ends[-1]) if starts and ends else None


def _as_made(nodes: Sequence[Node]) -> Iterator[Node]:
    """Nodes and all inside them, those of branches before the merge of them."""
    for node in nodes:
        for inner in node.inner:
            yield from _as_made(inner.nodes)
        yield node


def simplify(sequence: Items, context: Context) -> None:
    """Let an item that is alone in a repeated group say itself how often it is done."""
    for at, group in enumerate(sequence.nodes):
        if group.kind != "layers" or group.fixed or group.scope_name:
            continue
        if len(group.inner[0].nodes) != 1:
            continue
        (node,) = group.inner[0].nodes
        if not alone([node]) or node.fixed or (node.name and context.uses[node.name]):
            continue
        if group.modifiers.keys() - {"repeat"} or group.reads:
            continue
        if group.origin is not None and node.branched:
            continue  # what it comes from stands in front of nothing in its branches
        origin = node.origin if group.origin is None else group.origin
        if node.origin is not None and group.origin is not None:
            front, rest = written(group.origin), written(node.origin)
            if front is None or rest is None:
                continue
            origin = said(together(front, rest))
        node.origin = origin
        if group.rounds is not None:
            node.modifiers["repeat"] = group.rounds
        node.name = group.name or node.name
        node.came = group.came
        node.comments = _both(group.comments, node.comments)
        node.within = sequence
        node.known = None
        sequence.nodes[at] = node


def forget(nodes: Sequence[Node], context: Context) -> None:
    """Take nodes away that are written elsewhere from now on: nobody reads by their names."""
    for node in nodes:
        for read in node.look.reads:
            context.uses[read] -= 1


def merged_origins(
    stretches: Sequence[Sequence[Node]], *, one: bool, context: Context
) -> ScalarNode | None:
    """Leave each node of the first round what is its own origin; the origin of what holds them."""
    if not context.strict:
        return None
    for stretch in stretches:
        name_origins(stretch)
    leaves = [outermost(stretch, context.bodies) for stretch in stretches]
    if not any(leaves):
        return None
    if len({len(each) for each in leaves}) != 1:
        for node in leaves[0]:
            node.origin = None
        return None
    if one and len(leaves[0]) == 1 and leaves[0][0] is stretches[0][0]:
        fronts = [text for (node,) in leaves if (text := written(node.origin)) is not None]
        if len(fronts) == len(leaves):
            return of_rounds(fronts)  # type: ignore[no-any-return]
    traced = trace(leaves)
    for node, own, counted in zip(leaves[0], traced.own, traced.counted, strict=True):
        text = counted if own is None and _may_count(node, stretches[0], context) else own
        node.origin = None if text is None else said(text)
        node.known = None
    return of_rounds(traced.fronts)  # type: ignore[no-any-return]


def name_origins(nodes: Sequence[Node]) -> None:
    """Let names that are given up be origins, unless they were made up."""
    if any(node.came for node in nodes):
        return
    for node in every(nodes):
        if node.name and node.origin is None and not MADE_UP.match(node.name):
            node.origin = said(literal(node.name))


def other_comments(stretches: Sequence[Sequence[Node]]) -> Comments:
    """The comments of the other rounds that the first does not have, too."""
    own = {line for node in every(stretches[0]) for line in _lines(node.comments)}
    lines: dict[str, None] = {}
    for stretch in stretches[1:]:
        for node in every(stretch):
            if node.comments is not NO_COMMENTS:
                lines.update(dict.fromkeys(_lines(node.comments)))
    left = tuple(line for line in lines if line not in own)
    return Comments(left) if left else NO_COMMENTS


def every(nodes: Sequence[Node]) -> list[Node]:
    """Nodes and all inside them."""
    nested: list[Node] = []
    waiting = [*reversed(nodes)]
    while waiting:
        node = waiting.pop()
        nested.append(node)
        for inner in reversed(node.inner):
            waiting += reversed(inner.nodes)
    return nested


def _lines(comments: Comments) -> list[str]:
    return [line for line in (*comments.before, comments.line, *comments.after) if line]


def _both(one: Comments, other: Comments) -> Comments:
    if one == NO_COMMENTS:
        return other
    return other._replace(before=(*one.before, *other.before))
