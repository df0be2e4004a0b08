"""A picture that is set from top to bottom: texts, and what a style puts between them."""

from collections.abc import Sequence

from convcalc.pictures.font import width, wrapped
from convcalc.pictures.scene import Box, Drawn, Label, Path, Scene

MARGIN = 20
"""What is left round the picture."""
WIDEST_TEXT = 860
"""How wide a line of text may be."""
SPELT = {"⌈": "ceil(", "⌉": ")", "⌊": "floor(", "⌋": ")", "′": "'"}
"""Signs of formulas that the font has not → how they are written."""


def spelt(text: str) -> str:
    """A formula with the signs that the font has: what is rounded is called so.

    >>> spelt("⌈(112 − 3)/2⌉ + 1")
    'ceil((112 − 3)/2) + 1'
    """
    for sign, word in SPELT.items():
        text = text.replace(sign, word)
    return text


class Stack:
    """What is drawn so far, from top to bottom."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.items: list[Drawn] = []
        self.wide = 0.0
        self.down = float(MARGIN)
        self.text(title, size=15, bold=True)
        self.down += 8

    def text(self, text: str, *, size: float = 12, role: str = "text", bold: bool = False) -> None:
        """Lines of text below what is there."""
        for line in wrapped(spelt(text), WIDEST_TEXT, size, bold=bold):
            self.down += size * 1.5
            baseline = self.down - size * 0.35
            self.items.append(Label(MARGIN, baseline, line, size=size, role=role, bold=bold))
            self.reach(MARGIN + width(line, size, bold=bold))

    def name(self, text: str, *, bold: bool = False, small: bool = False) -> None:
        """What stands in front of a row that begins here."""
        role, size, down = ("quiet", 11, 13.5) if small else ("text", 12, 17.0)
        self.items.append(Label(MARGIN, self.down + down, text, size=size, role=role, bold=bold))

    def reach(self, right: float) -> None:
        """Widen the picture so that something fits that ends there."""
        self.wide = max(self.wide, right)

    def legend(self, entries: Sequence[tuple[str, str]]) -> None:
        """Small boxes of roles, each with what it is, in lines below what is there."""
        across = float(MARGIN)
        for role, text in entries:
            wide = 20 + width(text, 11)
            if across > MARGIN and across + wide > MARGIN + WIDEST_TEXT:
                across = MARGIN
                self.down += 20
            if role == "gap cell":
                self.items.append(Box(across + 5, self.down + 5, 4, 4, role, 2))
            else:
                self.items.append(Box(across, self.down, 14, 14, role, 3))
            if role == "dropped cell":
                line = ((across + 2, self.down + 12), (across + 12, self.down + 2))
                self.items.append(Path(line, "fault line"))
            label = Label(across + 20, self.down + 11, text, size=11, role="quiet")
            self.items.append(label)
            self.reach(across + wide)
            across += wide + 18
        self.down += 20

    def scene(self, description: str) -> Scene:
        """All of it."""
        return Scene(
            self.title, description, self.wide + MARGIN, self.down + MARGIN, tuple(self.items)
        )

    def measure(self, left: float, right: float, down: float, text: str) -> None:
        """A line with ticks at both ends, so far below what is there, and a text below it."""
        down += self.down
        self.items.append(Path(((left, down), (right, down)), "measure"))
        self.items += [Path(((x, down - 3), (x, down + 3)), "measure") for x in (left, right)]
        middle = (left + right) / 2
        self.items.append(Label(middle, down + 14, text, size=11, role="quiet", anchor="middle"))
        self.reach(middle + width(text, 11) / 2)
