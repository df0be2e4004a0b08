"""Where stretches that are alike come from: what their origins share, and what stands in front."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from math import inf
from typing import Any, NamedTuple

from convcalc.spec.fold.nodes import Items, Node
from convcalc.spec.nodes import List, ScalarNode, Text, is_plain
from convcalc.spec.origins import literal
from convcalc.spec.unfold import WEIGHTLESS

MADE_UP = re.compile(r"skip[0-9]+\Z")
"""Names that a spec has for want of others."""


class Trace(NamedTuple):
    """What origins become where several stretches are written once."""

    fronts: tuple[str, ...]
    """What stands in front, by stretch; empty where nothing does."""
    own: tuple[str | None, ...]
    """What is left, by the nodes that have an origin; None where that is not the same of all."""
    counted: tuple[str | None, ...]
    """What is left with the number of the stretch in braces, where that is all that differs."""


def outermost(nodes: Sequence[Node], bodies: Mapping[str, Items]) -> list[Node]:
    """The nodes whose origins no other's stands in front of, in order.

    A call without one, of a block that has some within, is among them: nothing may come in front.
    """
    leaves: list[Node] = []
    waiting = [*reversed(nodes)]
    while waiting:
        node = waiting.pop()
        if node.origin is not None or (node.name and not MADE_UP.match(node.name)):
            leaves.append(node)
            if node.kind == "layers":
                continue
        elif (body := bodies.get(node.kind or "")) is not None and from_elsewhere(body):
            leaves.append(node)
        for inner in reversed(node.inner):
            waiting += reversed(inner.nodes)
    return leaves


def from_elsewhere(body: Items) -> bool:
    """Whether anything in a block says where it comes from."""
    return any(node.origin is not None for each in body.every() for node in each.nodes)


def trace(stretches: Sequence[Sequence[Node]]) -> Trace:
    """What the origins of nodes share that are written once, those of a stretch each."""
    texts = [[written(node.origin) for node in nodes] for nodes in stretches]
    fronts = [_front_of_kept(*each) for each in zip(stretches, texts, strict=True)]
    rests = [
        [None if text is None else _rest(front, text) for text in each]
        for front, each in zip(fronts, texts, strict=True)
    ]
    own = tuple(
        column[0] if column[0] is not None and len(set(column)) == 1 else None
        for column in zip(*rests, strict=True)
    )
    if not any(own):
        fronts, rests = ["" for _ in fronts], texts
    counted = tuple(
        None if each is not None or None in column else _counted(column)
        for each, column in zip(own, zip(*rests, strict=True), strict=True)
    )
    return Trace(tuple(fronts), own, counted)


def own_origins(stretch: Sequence[Node], bodies: Mapping[str, Items]) -> tuple[str | None, ...]:
    """What is left of the origins of layers with weights behind what all in a stretch begin with.

    Stretches of which it is the same can be written once, and each layer keeps its origin.
    """
    leaves = outermost(stretch, bodies)
    if not leaves:
        return ()
    origins = [origin_text(node) for node in leaves]
    front = _front_of_kept(leaves, origins)
    return tuple([
        "" if not keeps(node) else None if each is None else _rest(front, each)
        for node, each in zip(leaves, origins, strict=True)
    ])  # fmt: skip


def keeps(node: Node) -> bool:
    """Whether a node has weights, or holds some, so that it is not to lose its origin."""
    return node.kind not in WEIGHTLESS and not node.branched


def _front_of_kept(nodes: Sequence[Node], origins: Sequence[str | None]) -> str:
    """What the origins of nodes begin with: of those that keep them, if there are several.

    PyTorch's exporter names a concatenation after the module that reads it.
    """
    kept = [each for node, each in zip(nodes, origins, strict=True) if keeps(node)]
    if len(kept) < 2:
        kept = [*origins]
    return "" if None in kept or not kept else _front(kept)  # type: ignore[arg-type]


def origin_text(node: Node) -> str | None:
    """The origin of a node as it is written, or what it would be once its name is given up."""
    if node.origin is None and node.name and not MADE_UP.match(node.name):
        return literal(node.name)
    return written(node.origin)


def _front(origins: Sequence[str]) -> str:
    """What all begin with, up to where a part of them ends, and nothing that is calculated."""
    return _front_of(min(origins), max(origins))


def _front_of(first: str, last: str) -> str:
    """What both begin with, in whole parts; something is left of each."""
    cut = max(min(len(first), len(last)) - 1, 0)
    shared = first[:cut]
    if "{" in shared or "}" in shared:
        shared = shared.partition("{")[0].partition("}")[0]
        cut = len(shared)
    while True:  # from one part to the next shorter one
        cut = max(shared.rfind(".", 0, cut), shared.rfind("/", 0, cut))
        if cut < 0:
            return ""
        if last.startswith(shared[: cut + 1]):
            break
    dotted = shared[cut] == "." and cut and shared[cut - 1].isalnum()
    return shared[:cut] if dotted else shared[: cut + 1]


class Leaf(NamedTuple):
    """A layer by where it comes from."""

    origin: str | None
    """That, as it is written; None where it is none, or one for each round."""
    kept: bool
    """Whether it has weights, so that it is not to lose that."""
    apart: bool = True
    """Whether it is to keep it beside an item of its own: not behind another one of its kind, as a
    repeat of one item lists where its rounds come from."""


def fewest_apart(leaves: Iterable[Leaf], enough: float = inf) -> int:
    """How many layers at least are written apart, of those that keep where they come from.

    It looks at no more leaves than it needs to find more than are `enough`.

    What is left of an origin in a stretch that is written once is what it does not share with the
    one before or behind it, or with the next of those that are kept, or more of it; so two of which
    neither ends with what is left of the other are never written together.

    >>> fewest_apart([Leaf("/a1/Conv", True), Leaf("/b/Relu", False), Leaf("/a2/Conv", True)])
    2
    >>> fewest_apart([Leaf("1.conv", True), Leaf("1.relu", False), Leaf("2.conv", True)])
    1
    >>> fewest_apart([Leaf("/a/Conv", True), Leaf("/a/Relu", False), Leaf("/b/Conv", True)])
    1
    """
    left: set[str] = set()
    counted = enough
    nowhere = Leaf("", kept=False), Leaf("", kept=True)
    last = before = nowhere[0]
    fronts: list[str | None] = []  # of the last one that is kept, with those before and behind it
    for leaf in chain(leaves, nowhere):
        origin = leaf.origin
        if last is before:
            fronts.append(_shared(last.origin, origin))
        if leaf.kept:
            fronts.append(_shared(last.origin, origin))
            if last.origin and last.kept and last.apart:
                front = _front((last.origin,)) if None in fronts else max(map(str, fronts), key=len)
                left.add(_rest(front, last.origin) or last.origin)
                if len(left) > counted:
                    if _apart(left) > enough:
                        break
                    counted = 2 * len(left)
            fronts = [fronts[-1], _shared(before.origin, origin)]
            last = leaf
        before = leaf
    return _apart(left)


def _shared(one: str | None, other: str | None) -> str | None:
    """What two origins begin with; None where one of them is not known."""
    return None if one is None or other is None else _front_of(one, other)


def _apart(left: AbstractSet[str]) -> int:
    """How many texts end with no other one."""
    return sum(left.isdisjoint(_ends(each)) for each in left)


def _ends(origin: str) -> Iterator[str]:
    """What an origin ends with, in whole parts; not all of it."""
    return (origin[at + 1 :] for at, sign in enumerate(origin) if sign in "./")


def _rest(front: str, origin: str) -> str | None:
    """What stands behind a front; None where both do not make the whole."""
    if not origin.startswith(front):
        return None
    rest = origin[len(front) :]
    if front and front[-1].isalnum():
        behind = rest[1:2]
        dotted = rest.startswith(".") and (behind.isalnum() or _begins_calculated(rest[1:]))
        if dotted:
            return rest[1:]
        return rest if rest and not rest[0].isalnum() and rest[0] != "{" else None
    return rest or None


def together(front: str, rest: str) -> str:
    """What an origin is behind another one, both as they are written."""
    ends = front[-1:].isalnum() or (front.endswith("}") and not front.endswith("}}"))
    return (
        f"{front}.{rest}"
        if ends and (rest[:1].isalnum() or _begins_calculated(rest))
        else front + rest
    )


def _begins_calculated(text: str) -> bool:
    return text.startswith("{") and not text.startswith("{{")


def written(origin: Any) -> str | None:
    """An origin as it is written; None where it is a list with one for each round."""
    if origin.__class__ is ScalarNode or isinstance(origin, Text):
        text: str = origin.text
        return text
    return None


def of_rounds(fronts: Sequence[str]) -> Any:
    """The origin of what is repeated, of those of its rounds; None where it has none."""
    if not any(fronts):
        return None
    if len(set(fronts)) == 1:
        return said(fronts[0])
    template = _counted(fronts)
    if template is not None:
        return said(template)
    return List([Text(front) for front in fronts])


def goes_on(first: str | None, other: str | None, rounds: int) -> bool:
    """Whether a name is another one but for a number that is larger by so many rounds.

    >>> goes_on("block1.layer3", "block1.layer5", 2), goes_on("layer3", "layer5", 1)
    (True, False)
    """
    if first is None or other is None:
        return False
    return any(
        f"{first[: each.start()]}{int(each[0]) + rounds}{first[each.end() :]}" == other
        for each in re.finditer(r"[0-9]+", first)
    )


def _counted(fronts: Sequence[str]) -> str | None:
    """Names that differ by a number that grows with the rounds, as `layer1.{index - 1}`."""
    if len(fronts) < 2 or any("{" in front for front in fronts):
        return None
    numbers = [[*re.finditer(r"[0-9]+", front)] for front in fronts[:2]]
    for one, other in zip(*numbers, strict=False):
        start, step = int(one[0]), int(other[0]) - int(one[0])
        if not step or one.start() != other.start():
            continue
        head, tail = fronts[0][: one.start()], fronts[0][one.end() :]
        made = [f"{head}{start + step * number}{tail}" for number in range(len(fronts))]
        if made == [*fronts]:
            before = start - step
            grown = "index" if step == 1 else f"{step}*index"
            sum_ = f"{grown} {'+' if before > 0 else '-'} {abs(before)}" if before else grown
            return f"{head}{{{sum_}}}{tail}"
    return None


def said(origin: str) -> ScalarNode:
    """An origin as an item has it."""
    return ScalarNode(origin, -1, 0, is_plain(origin))
