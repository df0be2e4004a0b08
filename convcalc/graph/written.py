"""How the layers of a network are written in code, which some tools' counts hang on."""

from collections.abc import Iterable, Iterator

from convcalc.diagnostics import ArgumentError, Problem, closest
from convcalc.graph import Network
from convcalc.layers.written import WORDS
from convcalc.spec.ways import Layers, Way, about, replaced, said, words
from convcalc.spec.ways import unmatched as about_none

__all__ = ["unmatched", "with_ways", "written", "written_said"]


def written(network: Network) -> tuple[frozenset[str], ...]:
    """How each layer is written, by its index: the words that hold of it.

    For every question of its kind in `layers.written.WAYS` that is the word of the last line whose
    pattern matches it, else the usual one; a kind that can be written in one way alone has none.

    >>> from convcalc.graph import loads
    >>> network = loads("{input: 8x8x3, written: {relu: function}, layers: [relu, relu6]}")
    >>> [sorted(each) for each in written(network)]
    [[], ['function'], ['module']]
    """
    return words(Layers(network.nodes, network.groups), network.ways)


def written_said(network: Network) -> tuple[dict[str, Way], ...]:
    """What is said of how each layer is written, by its index: the words that hold, with the lines.

    >>> from convcalc.graph import loads
    >>> network = loads("{input: 8x8x3, written: {relu: function}, layers: [relu, relu6]}")
    >>> [{word: way.pattern for word, way in each.items()} for each in written_said(network)]
    [{}, {'function': 'relu'}, {}]
    """
    return tuple(said(Layers(network.nodes, network.groups), network.ways))


def with_ways(network: Network, lines: Iterable[tuple[str, str]]) -> Network:
    """The network with lines behind those of its spec: patterns, each with a word.

    Raises `ArgumentError` for a word that is none, and for a pattern that matches no layer which
    can be written so.
    """
    layers = Layers(network.nodes, network.groups)
    for pattern, word in lines:
        if word not in WORDS:
            near = closest(word, WORDS)
            message = f"{word!r} is none of {', '.join(WORDS)}"
            raise ArgumentError(f"{message}: did you mean {near}?" if near else message)
        way = Way(pattern, word)
        if not network.errors and not about(layers, way):
            problem = about_none(layers, way)
            raise ArgumentError(f"{problem.message}: {problem.help}")
        network = network._replace(ways=(*network.ways, way))
    return network


def unmatched(network: Network) -> Iterator[tuple[tuple[int, int], Problem]]:
    """Lines of the spec that hold of no layer, and words of a line, each with where it stands."""
    layers = Layers(network.nodes, network.groups)
    for way in network.ways:
        if way.at is not None and not about(layers, way):
            yield way.at, about_none(layers, way)
    for way, problem in replaced(layers, network.ways):
        if way.word_at is not None:
            yield way.word_at, problem
