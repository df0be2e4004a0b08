"""The text of a law of sizes, `32*k, k >= 1` or `5..9 or 12`, as `expect` and tables have it."""

import re
from typing import NamedTuple

MOST_DIGITS = 15
"""Most digits of a number in the text of a law."""
MOST_LETTERS = 2_000
"""Most letters of the text of a law."""


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


def parse_parts(text: str) -> tuple[Part, ...]:
    """The parts of the law that a text says; `ValueError` with what is wrong where it says none.

    >>> [str(part) for part in parse_parts("5..7 or 188 + 16*k, k >= 0")]
    ['5…7', '188 + 16·k, k ≥ 0']
    """
    if text.strip() == "none":
        return ()
    if len(text) > MOST_LETTERS:
        message = f"a law has at most {MOST_LETTERS:,} letters"
        raise ValueError(message)
    return tuple(_part(" ".join(each.split())) for each in re.split(r"\bor\b|;", text))


def _part(text: str) -> Part:
    """One part of a law."""
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
