"""A law: which sizes there are, in words that can be read back: `188 + 16·k, k ≥ 0`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from math import lcm
from typing import NamedTuple

from convcalc.laws import sets
from convcalc.laws.sets import MOST_INTERVALS, Sizes, Stretch, TooManyError

SHOWN = 6
"""Most parts of a law that are shown one by one."""
FEW = 4
"""So many sizes without end are listed rather than said as a rule."""
MOST_DIGITS = 15
"""Most digits of a number in the text of a law."""


class Part(NamedTuple):
    """Sizes that follow one another, and again every so many: 29 to 32 and 32·k more."""

    first: int
    """The first of its sizes, in rows."""
    last: int
    """The last one of those that follow it."""
    step: int = 0
    """After so many they come again; 0 where they do not."""
    turns: int | None = 0
    """How often they do, after the first time; None without end."""

    def __str__(self) -> str:
        """As tables have it."""
        start = str(self.first) if self.first == self.last else f"{self.first}…{self.last}"
        if not self.step:
            return start
        if self.step == 1:
            return f"k, k ≥ {self.first}"
        begin = self.begin
        if begin:
            text = f"{self.step}·k"
        else:
            text = f"{f'({start})' if self.first != self.last else start} + {self.step}·k"
        if self.turns is None:
            return f"{text}, k ≥ {begin}"
        return f"{text}, {begin} ≤ k ≤ {begin + self.turns}"

    def written(self) -> str:
        """As a spec has it."""
        text = str(self).replace("·", "*").replace("≥", ">=").replace("≤", "<=")
        return text.replace("…", "..")

    @property
    def begin(self) -> int:
        """The k of the first sizes: 1 of 32, 64, 96, which are 32·k, and 0 of 188, 204."""
        if self.step == 1 or (self.step and self.first == self.last and not self.first % self.step):
            return self.first // self.step
        return 0

    @property
    def stretch(self) -> Stretch:
        """Its sizes as a set."""
        if not self.step:
            return Stretch(self.first, self.last)
        start = self.first % self.step
        residues = sets.wrapped(self.step, [(start, start + self.last - self.first + 1)])
        last = None if self.turns is None else self.last + self.step * self.turns
        return Stretch(self.first, last, self.step, residues)


class Law(NamedTuple):
    """Which sizes there are along an axis, or of a parameter."""

    sizes: Sizes
    """The set of them."""
    until: int | None = None
    """Up to which size it holds; None for all of them. What is larger is not worked out."""

    def __contains__(self, size: object) -> bool:
        """Whether a size is one of them."""
        return isinstance(size, int) and sets.holds(self.sizes, size)

    @property
    def smallest(self) -> int | None:
        """The least size; None where there is none."""
        return sets.least_of(self.sizes, 0)

    @property
    def all(self) -> bool:
        """Whether it is every size."""
        return self.sizes == sets.ALL

    def above(self, size: int) -> int | None:
        """The least size that is not below another one."""
        return sets.least_of(self.sizes, size)

    def below(self, size: int) -> int | None:
        """The largest size that is not above another one."""
        return sets.largest_of(self.sizes, size)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is made of."""
        return tuple(part for stretch in self.sizes for part in _parts(stretch))

    def text(self) -> str:
        """The law as tables show it, where it has many parts with the first ones alone.

        >>> Law(sets.meet(sets.within(sets.ALL, 48), 8, ((0, 1), (2, 3)))).text()
        '8·k, k ≥ 6 or 50 + 8·k, k ≥ 0'
        """
        if not self.sizes:
            return "none"
        parts = self.parts
        if len(parts) <= SHOWN:
            text = " or ".join(map(str, parts))
        else:
            first = ", ".join(map(str, islice(sets.members(self.sizes), SHOWN)))
            end = self.sizes[-1]
            count = sum(behind - start for start, behind in end.residues)
            text = f"{first}, …"
            if end.last is None:
                text += f" ({count:,} remainders of {end.modulus:,})"
        return text if self.until is None else f"{text} (up to {self.until:,})"

    def written(self) -> str:
        """The law as a spec has it, which `parse` reads: `32*k, k >= 1`."""
        return " or ".join(part.written() for part in self.parts) or "none"


def _parts(stretch: Stretch) -> Iterator[Part]:
    first, last, modulus, residues = stretch
    if modulus == 1:
        yield Part(first, first, 1, None) if last is None else Part(first, last)
        return
    if last is not None:
        few = [*islice(sets.members((stretch,)), FEW + 1)]
        if len(few) <= FEW:
            yield from (Part(size, size) for size in few)
            return
    # one turn from the first size on: what starts within a run comes without the run's start once
    turn = first // modulus * modulus
    runs = [(turn + a, turn + b - 1) for a, b in residues]
    if runs[0][0] == turn and runs[-1][1] == turn + modulus - 1:  # one run over the end of a turn
        runs[-1] = runs[-1][0], runs[0][1] + modulus
        del runs[0]
    ahead = []
    for low, high in runs:
        further = -((high - first) // modulus) * modulus  # the first turn that ends behind it
        start, end = low + further, high + further
        if start < first:
            yield Part(first, end)
            start, end = start + modulus, end + modulus
        ahead.append((start, end))
    for start, end in sorted(ahead):
        yield from _bounded(start, end, modulus, last)


def _bounded(start: int, end: int, step: int, last: int | None) -> Iterator[Part]:
    """Sizes that follow one another, again and again, up to the last there is."""
    if last is None:
        yield Part(start, end, step, None)
        return
    turns = (last - end) // step
    if turns >= 0:
        yield Part(start, end, step, turns) if turns else Part(start, end)
    cut = start + step * (turns + 1)
    if cut <= last:
        yield Part(cut, last)


_NUMBER = rf"\d{{1,{MOST_DIGITS}}}"
_START = rf"\(?\s*(?P<first>{_NUMBER})\s*(?:(?:\.\.|…|to)\s*(?P<last>{_NUMBER}))?\s*\)?"
_RULE = re.compile(
    rf"(?:(?:{_START}\s*\+\s*)?(?:(?P<step>{_NUMBER})\s*[*·×]\s*)?k"
    rf"(?:\s*[+]\s*(?P<more>{_NUMBER}))?"
    rf"(?:\s*,\s*(?:(?P<from>{_NUMBER})\s*(?:<=|≤)\s*k\s*(?:<=|≤)\s*(?P<to>{_NUMBER})"
    rf"|k\s*(?P<sign>>=|≥|>)\s*(?P<least>{_NUMBER})))?)\Z",
    re.ASCII,
)
_ALONE = re.compile(rf"{_START}\Z", re.ASCII)


def parse(text: str) -> Law:
    """The law that a text says; `ValueError` where it says none, with what is wrong.

    >>> parse("188 + 16*k, k >= 0 or 5..7").text()
    '5…7 or 188 + 16·k, k ≥ 0'
    """
    parts = [_part(each.strip()) for each in re.split(r"\bor\b|;", text)]
    if [text.strip()] == ["none"]:
        return Law(())
    return Law(union(part.stretch for part in parts if part is not None))


def _part(text: str) -> Part | None:
    if text == "none":
        return None
    match = _ALONE.match(text)
    if match is not None:
        first, last = int(match["first"]), int(match["last"] or match["first"])
        if not 1 <= first <= last:
            message = f"`{text}` is no range of sizes"
            raise ValueError(message)
        return Part(first, last)
    match = _RULE.match(text)
    if match is None:
        message = f"`{text}` is no rule such as `32*k, k >= 1`"
        raise ValueError(message)
    step = int(match["step"] or 1)
    first = int(match["first"] or 0)
    last = int(match["last"] or first)
    more = int(match["more"] or 0)
    begin = int(match["from"] or match["least"] or 0) + (match["sign"] == ">")
    if not step or not 0 <= last - first < step:
        message = f"`{text}` is no rule: what follows one another meets what comes again"
        raise ValueError(message)
    first, last = first + more + step * begin, last + more + step * begin
    if first < 1:  # 32*k with k from 0: there is no size 0
        if match["from"] or match["least"]:
            message = f"`{text}` starts at {first}, and a size is 1 or more"
            raise ValueError(message)
        first, last = first + step, last + step
    turns = None if match["to"] is None else int(match["to"]) - begin
    if turns is not None and turns < 0:
        message = f"`{text}` has no k: {match['from']} is above {match['to']}"
        raise ValueError(message)
    return Part(first, last, step, turns)


def union(stretches: Iterable[Stretch]) -> Sizes:
    """The set of what is in one of several, which may be over one another.

    >>> union([Stretch(1, None, 4, ((0, 1),)), Stretch(2, None, 4, ((2, 3),))])
    (Stretch(first=2, last=None, modulus=2, residues=((0, 1),)),)
    """
    some = [each for each in stretches if each.above(each.first) is not None]
    cuts = sorted({each.first for each in some} | {each.last + 1 for each in some if each.last})
    kept = []
    for first, behind in zip(cuts, [*cuts[1:], None], strict=True):
        here = [
            each
            for each in some
            if each.first <= first and (each.last is None or first <= each.last)
        ]
        if not here:
            continue
        modulus = lcm(*(each.modulus for each in here))
        pieces: list[tuple[int, int]] = []
        for each in here:
            _, lifted = sets.lifted(each, modulus)
            pieces += lifted
        kept.append(
            Stretch(
                first,
                None if behind is None else behind - 1,
                modulus,
                sets.wrapped(modulus, pieces),
            )
        )
    return sets.simplest(each for each in kept if each.above(each.first) is not None)


def same(one: Law, two: Law) -> bool:
    """Whether two laws have the same sizes."""
    ends = [law.sizes[-1] if law.sizes else None for law in (one, two)]
    until = max(0 if end is None else end.first if end.last is None else end.last for end in ends)
    open_ends = [None if end is None or end.last is not None else end for end in ends]
    if (open_ends[0] is None) != (open_ends[1] is None):
        return False
    if open_ends[0] is not None and open_ends[1] is not None:
        tails = [sets.simplest([end._replace(first=until)]) for end in open_ends if end]
        if tails[0] != tails[1]:
            return False
    some, others = (sets.simplest(sets.within(law.sizes, 0, until)) for law in (one, two))
    if some == others:
        return True
    first, second = (list(islice(sets.members(each), MOST_INTERVALS)) for each in (some, others))
    if MOST_INTERVALS in (len(first), len(second)):
        raise TooManyError
    return first == second


def both(laws: Sequence[Sizes]) -> Sizes:
    """The sizes that are in all of several sets."""
    first, *others = laws
    for other in others:
        kept: list[Stretch] = []
        for stretch in other:
            ask = partial(sets.within, first=stretch.first, last=stretch.last)
            kept += sets.meet(ask(first), stretch.modulus, stretch.residues)
        first = tuple(kept)
    return sets.simplest(first)
