"""What blocks are called that folding finds: by where layers come from, or by what they are."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from convcalc.layers import CATALOGUE, kinds
from convcalc.spec.fold.nodes import Node
from convcalc.spec.fold.scopes import common
from convcalc.spec.names import RESERVED
from convcalc.spec.tree import MODIFIERS

if TYPE_CHECKING:
    from convcalc.spec.fold.blocks import Place
    from convcalc.spec.fold.context import Context

SHORT = {"batchnorm": "bn", "depthwise_conv": "depthwise", "global_avgpool": "pool"}
"""What people call kinds within the name of a block."""
CONVOLUTIONS = kinds("dense")
"""What a bottleneck has three of."""
MOST_KINDS = 3
"""Kinds that a name lists."""
LONGEST = 24
"""Letters of a name."""
TAKEN = CATALOGUE.keys() | MODIFIERS.keys() | RESERVED | {"layers", "split"}
"""Words that no block is called, because items mean something else by them."""


def block_name(places: "Sequence[Place]", context: "Context", wanted: str = "") -> str:
    """A name that is no other's: the one that is wanted, if it can be."""
    if not legal_name(wanted):
        wanted = _by_origin(places) or _by_kinds(places[0].nodes, context)
    name, number = wanted, 1
    while _taken(name, context):
        number += 1
        name = f"{wanted}_{chr(ord('a') + number - 1)}" if number < 27 else f"{wanted}_x{number}"
    return name


def legal_name(name: str) -> bool:
    """Whether something may be called so."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9_-]*\Z", name)) and name not in RESERVED


def base_of(name: str) -> str:
    """A name without the number that tells it from others: `unit` of unit2, `relu6` of relu6_2."""
    base = re.sub(r"_?[0-9]+\Z", "", name)
    return base or name


def _taken(name: str, context: "Context") -> bool:
    """Whether a name means something, or calls of it might be called as something is."""
    if name in TAKEN or name in context.words:
        return True
    if name in context.given or name in context.globals or name in context.scope_names:
        return True
    if context.exact:
        return False
    calls = re.compile(rf"{re.escape(name)}_?[0-9]+\Z")
    return any(calls.match(each) for each in context.given)


def _by_origin(places: "Sequence[Place]") -> str:
    """What all of the places come from, without numbers: `layer` of layer1 and layer2.

    A module that is one of a row has only a number, and so no name.
    """
    names = []
    for place in places:
        scope = place.nodes[0].look.scope
        for node in place.nodes[1:]:
            scope = common(scope, node.look.scope)
        names.append(scope[-1] if scope else "")
    return shared_word(names)


def shared_word(parts: Sequence[str]) -> str:
    """What all of these parts of paths are called; empty where they have no word in common.

    >>> shared_word(["inception3a", "inception4e"]), shared_word(["Mixed_5b", "Mixed_5c"])
    ('inception', 'mixed')
    >>> shared_word(["layer1", "layer2"]), shared_word(["attention", "attended"])
    ('layer', '')
    """
    words = {word_of(part) for part in parts}
    if len(words) == 1:
        return words.pop()
    begun = {_BEGUN.match(word) for word in words}
    heads = {each[0] for each in begun if each is not None}
    return word_of(heads.pop()) if len(heads) == 1 and None not in begun else ""


_BEGUN = re.compile(r"[a-z]+(?:_[a-z]+)*(?=_?[0-9]|_?\Z)")
"""The words that a name begins with, before any number."""


def word_of(part: str) -> str:
    """A part of a path as a name: without the numbers at its end."""
    word = re.sub(r"[^A-Za-z_]+\Z", "", part).strip("_").lower()
    word = re.sub(r"(?<![A-Za-z])[0-9]+\Z", "", word)
    usable = re.match(r"[a-z][a-z_0-9]*\Z", word) and 2 < len(word) <= LONGEST
    return word if usable and word not in TAKEN else ""


def _by_kinds(nodes: "Sequence[Node]", context: "Context") -> str:
    listed: list[str] = []
    for node in nodes:
        kind = node.kind or "name"
        if kind == "layers":
            kind = "group"
        listed.append(kind)
    there = set(listed)
    merges = [node for node in nodes if node.branched]
    if merges:
        return _by_merge(merges, there)
    if "group" in there or any(node.rounds is not None for node in nodes):
        return "stage"
    if there & context.bodies.keys():
        inside = [*_kinds_in(nodes, context)]
        convolutions = sum(kind in CONVOLUTIONS for kind in inside)
        return "bottleneck" if convolutions >= 3 and "group" not in inside else "stage"
    if "depthwise_conv" in there and listed.count("conv") >= 2:
        return "bottleneck"
    if "depthwise_conv" in there and "conv" in there:
        return "separable"
    unlike = [*dict.fromkeys(SHORT.get(kind, kind) for kind in listed)]
    if len(unlike) == 1:
        return f"{unlike[0]}s"
    first = unlike[:MOST_KINDS]
    while len("_".join(first)) > LONGEST:
        first.pop()
    return "_".join(first) if len(first) > 1 else "unit"


def _by_merge(merges: "Sequence[Node]", kinds: set[str]) -> str:
    """A name for what merges branches."""
    merge = merges[0]
    branches = [inner.nodes for inner in merge.inner]
    if kinds & {"conv_transpose", "upsample"}:
        return "up"
    if merge.kind == "add" and _attends(merges):
        return "transformer"
    if "group" in kinds or len(merges) > 1:
        return "stage"
    if merge.kind == "add":
        shortest = min(map(len, branches), default=0)
        projected = 0 < shortest <= 2 and max(map(len, branches)) > 2
        return "projection" if projected else "residual"
    if merge.kind == "concat":
        return "inception" if all(branches) else "dense"
    return "gate" if merge.kind == "multiply" else "merge"


def _attends(merges: "Sequence[Node]") -> bool:
    """Whether a branch is attention, as in every block of a transformer."""
    return any(
        node.kind == "attention"
        for merge in merges
        for inner in merge.inner
        for node in inner.nodes
    )


def _kinds_in(nodes: "Sequence[Node]", context: "Context") -> "Iterator[str]":
    """The kinds of items, and of what those hold that are calls of blocks made before."""
    waiting = [*nodes]
    while waiting:
        node = waiting.pop()
        body = context.bodies.get(node.kind or "")
        if body is not None:
            waiting += body.nodes
        elif node.kind == "layers":
            yield "group"
        else:
            yield node.kind or ""
            for inner in node.inner:
                waiting += inner.nodes
