"""What explanations are made of, whatever they explain: pages of sentences, formulas and tables.

Every mode of `explain` gives a value of its own, with numbers, and makes a page of it; formats make
text of pages, and know no mode.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from convcalc.methods import above, from_json


class Formula(NamedTuple):
    """A figure: what it is, and how it comes about, from letters to the result.

    >>> str(Formula("height", "(H − F)/S + 1", "(227 − 11)/4 + 1", "55"))
    'height: (H − F)/S + 1 = (227 − 11)/4 + 1 = 55'
    """

    label: str
    """What the figure is, in a word or two: `height`."""
    letters: str = ""
    """The formula in letters; "" where there is none."""
    numbers: str = ""
    """The same with its numbers; "" where there is none."""
    result: str = ""
    """What it comes to, with its unit; "" where that is no number."""
    note: str = ""
    """What is to be said of it, behind it."""

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note and self.chain else self.note
        return f"{self.label}: {self.chain}{note}" if self.label else f"{self.chain}{note}"

    @property
    def steps(self) -> tuple[str, ...]:
        """Letters, numbers and result, each once: what says the same as the one before is gone."""
        steps: list[str] = []
        for step in (self.letters, self.numbers, self.result):
            if step and step not in steps[-1:]:
                steps.append(step)
        return tuple(steps)

    @property
    def chain(self) -> str:
        """The steps with equals signs between them."""
        return " = ".join(self.steps)


class Table(NamedTuple):
    """Rows of cells under the names of their columns."""

    columns: tuple[str, ...]
    """What stands at the head of each column."""
    rows: tuple[tuple[str, ...], ...]
    """The cells, as many in each row as there are columns."""
    right: frozenset[int] = frozenset()
    """Numbers of the columns that stand to the right, from 0."""


class Drawing(NamedTuple):
    """What is drawn with letters that all have one width."""

    lines: tuple[str, ...]
    """The lines, without ends."""


Part = str | Formula | Table | Drawing
"""A sentence or paragraph, or one of the others."""


class Section(NamedTuple):
    """A part of a page under a title of its own."""

    title: str
    """What it is about; "" for what stands at the start of a page."""
    parts: tuple[Part, ...]
    """What it says; () where sections of a deeper level follow."""
    level: int = 1
    """How deep it lies: 2 is below the last of level 1."""


class Page(NamedTuple):
    """An explanation: text for people, and what programs read of it."""

    title: str
    """What is explained, in the first line of the text."""
    sections: tuple[Section, ...]
    """The parts, in their order."""
    data: Mapping[str, Any]
    """The same as plain values, as JSON has it, with "schema"."""
    answered: bool = True
    """Whether there is an answer; a command that has none ends with exit code 1."""

    def __repr__(self) -> str:
        """What is explained, in one line."""
        return f"<Page {self.title[:100]!r}>"

    def __str__(self) -> str:
        """The text that `convcalc explain` prints."""
        return str(above("Page.__str__", self)).removesuffix("\n")

    def to_markdown(self) -> str:
        """The page as Markdown."""
        return str(above("Page.to_markdown", self))

    def to_json(self) -> str:
        """The page's data as JSON, as `convcalc explain --format json` prints it."""
        return str(above("Page.to_json", self))

    def to_dict(self) -> dict[str, Any]:
        """The data as Python has it: lists, dictionaries, numbers, texts and None."""
        return from_json(self.to_json())
