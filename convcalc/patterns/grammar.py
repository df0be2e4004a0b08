"""Patterns of layers as the notes write them: `INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> FC`.

A pattern is layers with `->` between them. `[…]` is a group, `*3` or `*N` behind a layer or a group
says how many times over, `?` that it may be left out, and a merge has its branches behind it,
`ADD(CONV -> BATCHNORM, )`, of which an empty one passes on what came in. Layers are kinds of the
catalogue, in letters of any size, or names that are known from elsewhere: POOL, FC, BN.

The syntax is that of the notes of the course CS231n, "ConvNet Architectures: Layer Patterns", and
merges are ours.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, NoReturn, TypeAlias, Union

from convcalc.diagnostics import ArgumentError
from convcalc.layers import CATALOGUE, layer_class
from convcalc.nearness import meant
from convcalc.spec.vocabulary import known_kind

SHORT: Mapping[str, str] = MappingProxyType(
    {"POOL": "maxpool", "FC": "linear", "BN": "batchnorm", "GAP": "global_avgpool"}
)
"""Names that the notes and papers use → kind."""
WRITTEN: Mapping[str, str] = MappingProxyType(
    {kind: name for name, kind in SHORT.items() if name in ("POOL", "FC")}
)
"""Kind → how a pattern writes it where that is not its own name."""
START = "INPUT"
"""What a pattern starts with; it may be left out."""
MAX_LENGTH = 20_000
"""Most letters of a pattern."""
MAX_DEPTH = 20
"""Most groups and merges inside one another."""
MAX_TIMES = 100_000
"""Most times over that a pattern can say."""


class Layer(NamedTuple):
    """A layer."""

    kind: str
    """Its kind, a key of the catalogue."""


class Merge(NamedTuple):
    """Branches that meet."""

    kind: str
    """The kind that merges them, a key of the catalogue."""
    branches: "tuple[Sequential, ...]"
    """The branches; an empty one passes on what came in."""


class Group(NamedTuple):
    """Layers that are repeated, or that may be left out."""

    inside: "Sequential"
    """What is repeated, or may be left out."""
    times: int | str = 1
    """How many times over: a number, or the name of one."""
    optional: bool = False
    """Whether it may be left out."""


Element: TypeAlias = Union[Layer, Merge, Group]  # noqa: UP007 (3.10 has no | of a forward name)
"""What a pattern is a list of."""
Sequential: TypeAlias = tuple[Element, ...]
"""Layers one behind the other."""


class PatternError(ArgumentError):
    """A text is no pattern; the message shows where it stops being one."""


class _Token(NamedTuple):
    """A word or a sign."""

    text: str
    """It, as it was written."""
    start: int
    """Where it begins in the text."""


_TOKENS = re.compile(r"\s*(?:(->|→|=>)|([A-Za-z_]\w*)|(\d+)|(\S))", re.ASCII)
_ARROWS = ("->", "→", "=>")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def parse(text: str) -> Sequential:
    """A pattern as a tree, without the INPUT that it may start with; raises `PatternError`.

    >>> parse("INPUT -> [CONV -> RELU]*2 -> POOL?")
    (Group(inside=(Layer(kind='conv'), Layer(kind='relu')), times=2, optional=False), \
Group(inside=(Layer(kind='maxpool'),), times=1, optional=True))
    """
    return _Parser(text).whole()


def written(pattern: Sequential) -> str:
    """The text of a pattern, with its INPUT.

    >>> written(parse("[conv->relu]*2 -> fc"))
    'INPUT -> [CONV -> RELU]*2 -> FC'
    """
    return " -> ".join([START, *map(_said, pattern)])


def _joined(pattern: Sequential) -> str:
    return " -> ".join(map(_said, pattern))


def _said(element: Element) -> str:
    """The text of one element."""
    if isinstance(element, Group):
        alone = len(element.inside) == 1 and not isinstance(element.inside[0], Group)
        inside = _joined(element.inside)
        times = "" if element.times == 1 else f"*{element.times}"
        return f"{inside if alone else f'[{inside}]'}{times}{'?' if element.optional else ''}"
    name = WRITTEN.get(element.kind, element.kind.upper())
    if isinstance(element, Merge):
        return f"{name}({', '.join(map(_joined, element.branches))})"
    return name


def everything(pattern: Sequential) -> Iterator[Element]:
    """Every element, outer before inner."""
    for element in pattern:
        yield element
        for inner in inside(element):
            yield from everything(inner)


def inside(element: Element) -> tuple[Sequential, ...]:
    """The lists of an element."""
    if isinstance(element, Group):
        return (element.inside,)
    return element.branches if isinstance(element, Merge) else ()


class _Parser:
    """Reads a text from its start to its end."""

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > MAX_LENGTH:
            message = f"a pattern has at most {MAX_LENGTH:,} letters, and this has {len(text):,}"
            raise PatternError(message)
        self.tokens = [
            _Token(match[match.lastindex or 0], match.start(match.lastindex or 0))
            for match in _TOKENS.finditer(text)
        ]
        self.at = 0

    def whole(self) -> Sequential:
        """The pattern, all of it."""
        if self.peek().upper() == START:
            self.at += 1
            if self.peek() and self.peek() not in _ARROWS:
                self.refuse(f"{START} is followed by ->")
            self.at += 1
        made = self.sequence(0)
        if self.peek():
            closing = self.peek() in ("]", ")", ",")
            self.refuse(f"{self.peek()} closes nothing" if closing else "-> is missing before this")
        if not made:
            message = f"a pattern names layers, such as {START} -> [CONV -> RELU]*2 -> POOL -> FC"
            raise PatternError(message)
        return made

    def peek(self) -> str:
        """The text of the next word or sign; empty at the end."""
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def sequence(self, depth: int) -> Sequential:
        """Elements with arrows between them, until something else comes."""
        made = [self.element(depth)]
        while self.peek() in _ARROWS:
            self.at += 1
            made.append(self.element(depth))
        return tuple(made)

    def element(self, depth: int) -> Element:
        """A layer, a merge or a group, with what stands behind it."""
        if depth > MAX_DEPTH:
            self.refuse(f"groups are at most {MAX_DEPTH} deep")
        word = self.peek()
        made: Element
        if word == "[":
            self.at += 1
            opened = self.at - 1
            made = Group(self.sequence(depth + 1))
            self.close("]", opened)
        elif _NAME.fullmatch(word):
            made = self.layer(depth)
        else:
            where = "here" if word else "at the end"
            self.refuse(f"a layer is missing {where}")
        return self.counted(made)

    def counted(self, made: Element) -> Element:
        """An element with how often it comes, and whether it may be left out."""
        inner = made.inside if isinstance(made, Group) else (made,)
        if self.peek() in ("*", "×"):
            self.at += 1
            made = Group(inner, self.times())
        if self.peek() == "?":
            self.at += 1
            made = Group(inner, made.times if isinstance(made, Group) else 1, optional=True)
        return made

    def times(self) -> int | str:
        """A number, or the name of one."""
        word = self.peek()
        if word.isdecimal():
            if len(word) > 6 or not 1 <= int(word) <= MAX_TIMES:
                self.refuse(f"how many times over is from 1 to {MAX_TIMES:,}")
            self.at += 1
            return int(word)
        if not _NAME.fullmatch(word):
            self.refuse("a number, or a name such as N, says how many times over")
        self.at += 1
        return word

    def layer(self, depth: int) -> Element:
        """A layer, or a merge with its branches."""
        kind = self.kind()
        self.at += 1
        merges = layer_class(kind).inputs == "many"
        if self.peek() != "(":
            if merges:
                self.at -= 1
                self.refuse(f"{self.peek()} merges branches: {kind.upper()}(CONV, )")
            return Layer(kind)
        if not merges:
            self.refuse(f"{kind.upper()} merges nothing; a pattern leaves hyperparameters open")
        opened = self.at
        self.at += 1
        branches = [self.branch(depth + 1)]
        while self.peek() == ",":
            self.at += 1
            branches.append(self.branch(depth + 1))
        self.close(")", opened)
        return Merge(kind, tuple(branches))

    def branch(self, depth: int) -> Sequential:
        """A branch, which may be empty."""
        return () if self.peek() in (",", ")") else self.sequence(depth)

    def close(self, sign: str, opened: int) -> None:
        """Go on behind a closing bracket."""
        if self.peek() == sign:
            self.at += 1
        elif self.peek():
            self.refuse(f"-> or {sign} is missing before this")
        else:
            self.at = opened
            self.refuse(f"{sign} is missing for this")

    def kind(self) -> str:
        """The kind that the next word names."""
        word = self.peek()
        kind = SHORT.get(word.upper(), word.lower())
        if kind not in CATALOGUE:
            kind = known_kind(word, [*CATALOGUE]) or ""
        if kind not in CATALOGUE:
            if word.upper() == START:
                self.refuse(f"{START} stands at the start alone")
            near = meant(word.lower(), [*(name.lower() for name in SHORT), *CATALOGUE])
            advice = f"did you mean {near.upper()}?" if near else "`convcalc kinds` lists them"
            self.refuse(f"{word} is no kind of layer; {advice}")
        return kind

    def refuse(self, message: str) -> NoReturn:
        """Say what is wrong, and where."""
        at = self.tokens[self.at].start if self.at < len(self.tokens) else len(self.text)
        line = re.sub(r"\s", " ", self.text)
        start = max(0, at - 60)
        excerpt = line[start : at + 30]
        raise PatternError(
            f"pattern, column {at + 1}: {message}\n  {excerpt}\n  {' ' * (at - start)}^"
        )


def _joined_rounds(group: Group) -> Group:
    """A group of one group alone as one of the product of both numbers."""
    only = group.inside[0] if len(group.inside) == 1 else None
    if not isinstance(only, Group) or group.optional or only.optional:
        return group
    if isinstance(only.times, str) or isinstance(group.times, str):
        return group
    return only._replace(times=only.times * group.times)


def simplified(pattern: Sequence[Element]) -> Sequential:
    """The same without groups that say nothing."""
    made: list[Element] = []
    for element in pattern:
        if isinstance(element, Group):
            inner = simplified(element.inside)
            if element.times == 1 and not element.optional:
                made += inner
                continue
            made.append(_joined_rounds(element._replace(inside=inner)))
        elif isinstance(element, Merge):
            made.append(element._replace(branches=tuple(map(simplified, element.branches))))
        else:
            made.append(element)
    return tuple(made)
