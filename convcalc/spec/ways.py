"""`written: {relu: function}`: how layers are written in code, by their kinds or names.

Nothing of the network hangs on it, so it is read when the layers are there, and again where they
are called otherwise: the lines then say the same of the same layers.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import NamedTuple

from convcalc.diagnostics import Problem, closest, misspelt
from convcalc.layers.written import (
    WAYS,
    WORDS,
    Questions,
    fits,
    kinds_with,
    questions,
    words_of,
)
from convcalc.numbers import plural
from convcalc.spec.flat import Group, LayerNode
from convcalc.spec.names import Reporter
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.values import quoted, renamed

WANTED = "write kinds or names of layers, with a word each: `{relu: function}`"
MOST = 4_000_000
"""Most pairs of a line and a layer, which are held against one another."""
MAX_NAMED = 6
"""Kinds that a message lists."""


_UNFIT: Mapping[str, str] = {
    "linear": "no convolution of kernel 1, as nn.Linear would be",
    "string": "no convolution whose padding is a word: `padding: same`",
}


class Way(NamedTuple):
    """One line: layers, and how they are written."""

    pattern: str
    """A kind, or a pattern of layers' names, as * in `stage1.*`."""
    word: str
    """How they are written: one of `layers.written.WORDS`."""
    at: tuple[int, int] | None = None
    """Where the pattern stands; None of one that was given otherwise."""
    word_at: tuple[int, int] | None = None
    """Where the word stands, which may be one of several of the line."""
    meant: tuple[int, ...] | None = None
    """Indices of the layers, where these are called otherwise since; None for those that match."""


class Layers(NamedTuple):
    """What patterns are held against."""

    nodes: Sequence[LayerNode]
    """All layers, the inputs first."""
    groups: Sequence[Group]
    """The groups that they stand in."""


def read_ways(report: Reporter, node: Node, layers: int) -> tuple[Way, ...]:
    """The lines of a spec's `written`; what is wrong with them is reported.

    `layers` is how many layers there are that they may be about.
    """
    lines = report.mapping(node, "written", WANTED)
    return () if lines is None else tuple(_ways(report, lines, layers))


def _ways(report: Reporter, lines: Map, layers: int) -> Iterator[Way]:
    if len(lines) * layers > MOST:
        message = (
            f"written has {plural(len(lines), 'line')}, which for {layers:,} layers are more than "
            f"{MOST:,} pairs of both"
        )
        report.error("CC103", message, lines, "say it of kinds, or by patterns: `stage1.*`")
        return
    for key in lines.key_nodes():
        value = lines.entries[key.text]
        for word in (isinstance(value, List) and value.items) or (value,):
            if isinstance(word, ScalarNode) and word.text in WORDS:
                yield Way(key.text, word.text, (key.start, key.end), (word.start, word.end))
                continue
            advice = fix = None
            if isinstance(word, ScalarNode) and (near := closest(word.text, WORDS)):
                advice, fix = f"did you mean `{near}`?", renamed(misspelt(word.text, WORDS))
            message = f"this takes one of {', '.join(WORDS)}, and is {quoted(word)}"
            report.error("CC107", message, word, advice, fix=fix)


def called(layers: Layers, pattern: str) -> set[int]:
    """The layers whose name or origin a pattern matches, or whose group it names, by index."""
    inside = {
        index
        for group in layers.groups
        if pattern and pattern in (group.name, group.origin)
        for index in group.layers
    }
    return {
        index
        for index, node in enumerate(layers.nodes)
        if index in inside
        or fnmatchcase(node.name, pattern)
        or (node.origin and fnmatchcase(node.origin, pattern))
    }


def said(layers: Layers, ways: Sequence[Way]) -> list[dict[str, Way]]:
    """By layer the lines that hold of it, by their words.

    A later line holds and not one before it, where both answer one question.
    """
    lines: list[dict[str, Way]] = [{} for _ in layers.nodes]
    for way in ways:
        for index in about(layers, way):
            mine, answers = lines[index], _answers(layers.nodes[index].kind, way.word)
            for word in answers:
                mine.pop(word, None)
            mine[way.word] = way
    return lines


def words(layers: Layers, ways: Sequence[Way]) -> tuple[frozenset[str], ...]:
    """By layer how it is written: to each question of its kind what is said, else the usual."""
    known: dict[tuple[Questions, tuple[str, ...]], frozenset[str]] = {}
    made = []
    for node, lines in zip(layers.nodes, said(layers, ways), strict=True):
        asked = questions(node.kind, node.layer)
        key = (asked, tuple(lines))
        if key not in known:
            known[key] = with_words(asked, lines)
        made.append(known[key])
    return tuple(made)


def with_words(asked: Questions, known: Mapping[str, object] | frozenset[str]) -> frozenset[str]:
    """How a layer is written that is asked this, and of which these words are said.

    >>> sorted(with_words(questions("upsample"), frozenset({"size", "mean"})))
    ['module', 'size']
    """
    return frozenset({_answer(answers, known) for answers in asked} - {""})


def about(layers: Layers, way: Way) -> list[int]:
    """The layers that a line is about: those that its pattern matches and that can be so."""
    if way.meant is not None:
        return [*way.meant]
    return [
        index
        for index in _matched(layers, way.pattern)
        if _answers(layers.nodes[index].kind, way.word)
        and fits(way.word, layers.nodes[index].layer)
    ]


def _matched(layers: Layers, pattern: str) -> list[int]:
    """The layers that a pattern matches: by kind, name, origin or group."""
    named = called(layers, pattern)
    kinds = {kind for kind in {node.kind for node in layers.nodes} if fnmatchcase(kind, pattern)}
    return [
        index for index, node in enumerate(layers.nodes) if index in named or node.kind in kinds
    ]


def _answers(kind: str, word: str) -> tuple[str, ...]:
    """The answers to the question that a word answers; none where a kind has not this word."""
    return next((answers for answers in WAYS.get(kind, ()) if word in answers), ())


def unmatched(layers: Layers, way: Way) -> Problem:
    """What is wrong with a line that is about no layer."""
    nodes = layers.nodes
    matched = dict.fromkeys(nodes[index].kind for index in _matched(layers, way.pattern))
    kinds = [kind for kind in matched if words_of(kind)]
    shown = f"`{way.pattern[:100]}`"
    if not matched:
        known = [*dict.fromkeys(node.kind for node in nodes), *(node.name for node in nodes)]
        near = closest(way.pattern, known)
        advice = f"did you mean `{near}`?" if near else "`convcalc analyze` lists names and kinds"
        fix = renamed(misspelt(way.pattern, known)) if near else None
        return Problem(
            "CC116", f"no layer is called {shown}, or is of that kind", help=advice, fix=fix
        )
    if way.word in _UNFIT and any(way.word in words_of(kind) for kind in kinds):
        message = f"{shown} is {_UNFIT[way.word]}"
        return Problem("CC116", message, help="name those that are, or leave the line out")
    what = " and ".join(f"`{kind}`" for kind in [*matched][:MAX_NAMED])
    allowed = list(dict.fromkeys(word for kind in kinds for word in words_of(kind)))
    advice = (
        f"say one of {', '.join(allowed)}"
        if allowed
        else (f"`{way.word}` is said of {', '.join(kinds_with(way.word)[:MAX_NAMED])}")
    )
    message = f"{shown} is {what}, of which `{way.word}` cannot be said"
    return Problem("CC116", message, help=advice)


def replaced(layers: Layers, ways: Sequence[Way]) -> Iterator[tuple[Way, Problem]]:
    """Words of a line that hold of no layer because others behind them in the line do."""
    for _, line in groupby(ways, lambda way: way.at):
        behind: dict[tuple[int, str], str] = {}  # by layer and the first answer, what is said last
        for way in reversed([*line]):
            kinds = {index: layers.nodes[index].kind for index in about(layers, way)}
            asked = [(index, _answers(kind, way.word)[0]) for index, kind in kinds.items()]
            if asked and way.word_at is not None and all(each in behind for each in asked):
                others = dict.fromkeys(behind[each] for each in asked)
                shown = " and ".join(f"`{word}`" for word in others)
                message = f"`{way.word}` holds of nothing here: {shown} behind it holds of the same"
                if [*others] == [way.word]:
                    message = f"`{way.word}` is said twice"
                yield way, Problem("CC116", message, help="say one of both")
            behind |= {each: behind.get(each, way.word) for each in asked}


def lines_for(layers: Layers, wanted: Sequence[frozenset[str]]) -> Map | None:
    """Lines that say how every layer is written: what most of a kind are, then the others by name.

    Of the words in `wanted` those count that a layer's kind has. None where nothing is to be said.
    A layer that is called as another kind is also meant by what is said of that: its own kind is
    then said behind.
    """
    asked = [with_words(questions(node.kind, node.layer), known)
             for node, known in zip(layers.nodes, wanted, strict=True)]  # fmt: skip
    behind: set[str] = set()
    while True:
        lines = _lines(layers, asked, behind)
        if len(lines) * len(layers.nodes) > MOST:
            break  # which nobody reads
        made = words(layers, [Way(pattern, word) for pattern in lines for word in lines[pattern]])
        nodes = zip(layers.nodes, made, asked, strict=True)
        wrong = {node.kind for node, mine, its in nodes if mine != its} - behind
        if not wrong:
            break
        behind |= wrong
    if not lines:
        return None
    return Map(
        {key: several[0] if len(several) == 1 else several for key, several in lines.items()}
    )


def _lines(
    layers: Layers, asked: Sequence[frozenset[str]], behind: Collection[str]
) -> dict[str, list[str]]:
    """Words by kinds and names; those of kinds that are said `behind` are last, and all there."""
    by_kind: dict[str, list[int]] = {}
    for index, node in enumerate(layers.nodes):
        by_kind.setdefault(node.kind, []).append(index)
    kinds: dict[str, list[str]] = {}
    names: dict[str, list[str]] = {}
    for kind, indices in sorted(by_kind.items(), key=lambda each: each[0] in behind):
        if kind in behind:
            kinds, names = {**kinds, **names}, {}
        for number, answers in enumerate(WAYS.get(kind, ())):
            given = {index: _answer(answers, asked[index]) for index in indices}
            usual = {
                index: questions(kind, layers.nodes[index].layer)[number][0] for index in indices
            }
            most, count = Counter(given.values()).most_common(1)[0]
            so = {index for index, word in given.items() if word == most}
            if "" in answers and count < len(indices):
                most = ""  # which no line could say of the others
            elif kind not in behind and all(usual[index] == most for index in so):
                most = ""  # which goes without saying
            elif most:
                kinds.setdefault(kind, []).append(most)
            for index, word in given.items():
                node = layers.nodes[index]
                if word != (most if most and fits(most, node.layer) else usual[index]):
                    names.setdefault(node.name, []).append(word)
    return {**kinds, **names}


def _answer(answers: Sequence[str], known: Mapping[str, object] | frozenset[str]) -> str:
    """What is said to a question, or the usual."""
    return next((word for word in answers if word in known), answers[0])


def kept_lines(layers: Layers, lines: Node | None, wanted: Sequence[frozenset[str]]) -> Node | None:
    """What says how layers are written that are called otherwise now, which is `wanted` of each.

    The lines as they are where they still say it; None where nothing is to be said.
    """
    if isinstance(lines, Map):
        ways = [
            Way(pattern, word) for pattern in lines.entries for word in plain_words(lines[pattern])
        ]
        if all(about(layers, way) for way in ways) and [*words(layers, ways)] == [*wanted]:
            return lines
    return lines_for(layers, wanted)


def plain_words(said: object) -> list[str]:
    """The words of a line, as a tree has them: one, or a list."""
    values = said.values if isinstance(said, List) else (said,)
    return [str(getattr(each, "text", each)) for each in values]
