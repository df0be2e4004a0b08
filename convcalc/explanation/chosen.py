"""Which layers a word names: a layer by its full name, a group's, the start of one, a pattern."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from convcalc.arguments import shown, text, whole
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network, SpecError
from convcalc.layers import SOURCES

SHOWN = 8
"""Names that a message lists."""


def layers_named(network: Network, word: str) -> tuple[int, ...]:
    """Indices of the layers that a word names, in order.

    It is a layer's full name; a group's, for all of its layers; where one of these comes from; the
    start of a name and of no other; or a pattern with `*` and `?`. Raises `ValueError` for what
    names nothing, with the nearest names, and for what several names begin with.

    >>> from convcalc.graph import load
    >>> network = load("resnet18")
    >>> [network.nodes[index].name for index in layers_named(network, "conv3_x.basic_block1.conv1")]
    ['conv3_x.basic_block1.conv1']
    """
    nodes = network.nodes
    for index, node in enumerate(nodes):
        if node.name == word:
            return (index,)
    groups = {group.name: tuple(group.layers) for group in network.groups}
    if word in groups:
        return groups[word]
    if word and (come := _coming_from(network, word)):
        return come
    if any(sign in word for sign in "*?["):
        matched = tuple(
            index
            for index in every_layer(network)
            if fnmatchcase(nodes[index].name, word) or fnmatchcase(nodes[index].origin, word)
        )
        if not matched:
            message = f"no layer of {network.path} matches {word!r}"
            raise ArgumentError(message)
        return matched
    names = [*groups, *(node.name for node in nodes)]
    inside = tuple(
        index for index, node in enumerate(nodes) if word and node.name.startswith(f"{word}.")
    )
    if inside:  # a part of the names that is no group itself
        return inside
    starts = _outermost([name for name in names if word and name.startswith(word)])
    if len(starts) == 1:
        return layers_named(network, starts[0])
    if starts:
        message = f"{len(starts)} names of {network.path} begin with {word!r}: {_listed(starts)}"
        raise ArgumentError(message)
    from convcalc.nearness import nearest

    near = nearest(word, names)
    place, there = _around(word, names)
    are = "are" if len(there) > 1 else "is"
    advice = f": did you mean {near}?" if near else f"; {place}there {are} {_listed(there)}"
    message = f"no layer of {network.path} is called {word[:100]!r}{advice}"
    raise ArgumentError(message)


def _coming_from(network: Network, origin: str) -> tuple[int, ...]:
    """Indices of the layers that come from there, or of those of the group that does."""
    layers = tuple(index for index, node in enumerate(network.nodes) if node.origin == origin)
    if layers:
        return layers
    groups = (group.layers for group in network.groups if group.origin == origin)
    return tuple(index for group in groups for index in group)


def _around(word: str, names: Sequence[str]) -> tuple[str, list[str]]:
    """Where a name was looked for, as far as its dotted parts are there, and the names there."""
    parts = word.split(".")
    for count in range(len(parts) - 1, 0, -1):
        start = ".".join(parts[:count]) + "."
        inside = [name for name in names if name.startswith(start)]
        if inside:
            return f"in {start[:-1]} ", _outermost(inside)
    return "", _outermost(names)


def every_layer(network: Network) -> tuple[int, ...]:
    """Indices of all layers, in order; what is given, such as the input, is none."""
    nodes = enumerate(network.nodes)
    return tuple(index for index, node in nodes if node.kind not in SOURCES)


def _outermost(names: Sequence[str]) -> list[str]:
    """The names that lie in no group which is named, too, in order and each once."""
    known = {*names}
    outer = []
    for name in dict.fromkeys(names):
        parts = name.split(".")
        if not any(".".join(parts[:count]) in known for count in range(1, len(parts))):
            outer.append(name)
    return outer


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown


def one_named(network: Network, word: object, what: str) -> int:
    """The index of the one layer that a word names, as `what` is about one.

    Raises `TypeError` for what is no text, and `ValueError` where it names none, or several;
    `SpecError` where it names none of a network with errors, which may be why.
    """
    try:
        indices = layers_named(network, text(word, "layer", "'conv1'"))
    except ValueError as error:
        if network.errors:
            raise SpecError(network.errors) from error
        raise
    if len(indices) != 1:
        message = f"{what} is of one layer, and {word!r} names {len(indices)}"
        raise ArgumentError(message)
    return indices[0]


def position(value: object, name: str, *, least: int = 0) -> tuple[int, ...]:
    """A position: a whole number from 0 for each axis, or a size of whole numbers from `least`.

    Raises `TypeError` for anything else, and `ValueError` for a number below that.
    """
    if not isinstance(value, tuple | list):
        message = f"{name} is a tuple of whole numbers, as (10, 20), and not {shown(value)}"
        raise TypeError(message)
    return tuple(whole(each, name, least=least) for each in value)
