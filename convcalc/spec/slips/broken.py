"""A text that YAML cannot read, and where; and a slip that may have made it so."""

import re
from typing import NamedTuple

import yaml

from convcalc.spec.text import SourceText

MOST_OF_LINE = 2_000
"""Characters of a line that are looked at."""


class Slip(NamedTuple):
    """What somebody wrote by mistake, with what was meant."""

    message: str
    """What is wrong, in words for people."""
    start: int
    """Offset in characters of what is wrong."""
    end: int
    """Offset behind its last character."""
    help: str
    """What to do about it, in the words of a finding."""
    right: str | None = None
    """What stands between `start` and `end` when it is right; None where that is not one thing."""
    sure: bool = True
    """Whether that is the only thing that can be meant, so that it may be written."""
    whole: str | None = None
    """The whole text with this and all slips of its kind put right, where one alone is not enough
    to be read any further; None where it is."""

    def tried(self, content: str) -> str | None:
        """The text without the slip; None where nothing is to be tried."""
        if self.whole is not None:
            return self.whole
        if self.right is None:
            return None
        return content[: self.start] + self.right + content[self.end :]


class Line(NamedTuple):
    """A line of a text, or as much of it as is looked at."""

    start: int
    """Offset in characters of its first."""
    text: str
    """What stands on it, without its end and without a comment."""

    @property
    def indent(self) -> int:
        """How many blanks it begins with."""
        return len(self.text) - len(self.text.lstrip(" "))

    @property
    def end(self) -> int:
        """Offset behind its last sign that is no blank."""
        return self.start + len(self.text.rstrip())


class Broken(NamedTuple):
    """A text that YAML cannot read."""

    text: SourceText
    """The whole text, with its lines."""
    at: int
    """Offset in characters of where reading ends; of what is never closed, of its beginning."""
    stopped: int
    """Offset in characters of the first that cannot stand where it does."""
    opened: int
    """Offset in characters of what was being read there: a list, a mapping, a quoted text."""
    problem: str
    """The words of the YAML reader, which nobody is shown."""

    @classmethod
    def of(cls, text: SourceText, error: yaml.MarkedYAMLError) -> "Broken":
        """Where a text is broken, from what YAML says of it."""
        end = len(text.content)
        problem, context = error.problem_mark, error.context_mark
        stopped = min(problem.index, end) if problem else end
        opened = min(context.index, end) if context else stopped
        unclosed = stopped >= len(text.content.rstrip()) and context is not None
        words = f"{error.problem or ''} ({error.context or ''})"
        return cls(text, opened if unclosed else stopped, stopped, opened, words)

    def line(self, number: int) -> Line:
        """A line by its number, from 1."""
        written = self.text.line(number)[:MOST_OF_LINE]
        return Line(self.text.starts[number - 1], re.sub(r"(?:^|(?<=\s))#.*", "", written))

    def number(self, offset: int) -> int:
        """The number, from 1, of the line that a character stands on."""
        return self.text.line_of(offset)

    def above(self, number: int) -> Line | None:
        """The nearest line above one that says something."""
        for each in range(number - 1, max(number - 50, 0), -1):
            line = self.line(each)
            if line.text.strip():
                return line
        return None

    def below(self, number: int) -> Line | None:
        """The nearest line below one that says something."""
        for each in range(number + 1, min(number + 50, len(self.text.starts)) + 1):
            line = self.line(each)
            if line.text.strip():
                return line
        return None

    @property
    def suspects(self) -> list[Line]:
        """The lines that may hold what is wrong: where reading ended, above, where it began."""
        number = self.number(self.stopped)
        near = [self.line(number), self.above(number), self.line(self.number(self.opened))]
        kept: list[Line] = []
        for line in near:
            if line is not None and line.text.strip() and line not in kept:
                kept.append(line)
        return kept
