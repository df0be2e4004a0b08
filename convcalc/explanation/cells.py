"""The cells of an axis that a window slides along, and which of them lie under its taps.

Drawings in letters and pictures are made of these facts; nothing is worked out here, either:
`Window` says where every tap lies.
"""

from typing import NamedTuple

from convcalc.window import Interpolated, Window, met, read_by

CELLS = {
    "o": "value",
    "p": "padding",
    "+": "more than the padding",
    ".": "gap",
    "x": "dropped: the last step does not fit",
    "-": "value that no window reads",
    "c": "value that is cut off",
}
"""Sign of a cell → what it is."""


class Axis(NamedTuple):
    """A window over an axis, and what there is to know of each of its cells."""

    window: Window
    """What slides along the axis."""
    size: int
    """Values of the input along it, without padding."""
    past: int
    """Cells at the end that are no padding as it is written."""
    repeats: bool
    """Whether the padding repeats values."""
    spread: bool
    """Whether values are drawn with the gaps between them; otherwise they alone are."""

    @property
    def outputs(self) -> int:
        """How many windows fit."""
        return max(self.window.output(self.size), 0)

    @property
    def up(self) -> int:
        """Cells from one value to the next."""
        return self.window.up if self.spread else 1

    @property
    def cells(self) -> range:
        """The cells with their padding; the first value is cell 0, the next is `up` further."""
        if not self.spread:
            return range(self.size)
        before, after, up = self.window.before, self.window.after, self.window.up
        last = (self.size - 1) * up + max(after, 0)
        if not self.outputs:  # a kernel that does not fit is drawn as far as it goes
            last = max(last, self.window.extent - 1 - before)
        return range(-max(before, 0), last + 1)

    def sign(self, cell: int) -> str:
        """What a cell is, as a sign of `CELLS`; a blank behind the border."""
        window, size = self.window, self.size
        if not self.spread:
            return "o" if read_by(window, cell, self.outputs) else "-"
        end = (size - 1) * window.up
        if cell < 0:
            return "p"
        if cell > end:
            behind = max(window.after, 0)
            if cell > end + behind:
                return " "
            return "+" if cell > end + behind - self.past else "p"
        if cell < -window.before or cell > end + window.after:
            return "." if cell % window.up else "c"
        value, gap = divmod(cell, window.up)
        if gap:
            return "."
        if not self.outputs:
            return "o"
        if value >= size - window.dropped(size):
            return "x"
        return "o" if read_by(window, value, self.outputs) else "-"

    def taps(self, output: int) -> range:
        """The cells that lie under the taps of an output."""
        window = self.window
        if not self.spread:
            value, step, hits = met(window, output)
            return range(value, value + hits * step, step)
        first = output * window.stride - window.before
        middle = first + window.kernel // 2
        if isinstance(window, Interpolated) and not middle % window.up:
            return range(middle, middle + 1)
        return range(first, first + window.extent, window.dilation)

    def meets(self, cell: int) -> bool:
        """Whether a tap on a cell meets a value."""
        inside = 0 <= cell <= (self.size - 1) * self.up
        return cell % self.up == 0 if inside else self.repeats

    def has(self, cell: int) -> bool:
        """Whether a cell is one of the axis, with its padding."""
        return cell in self.cells

    @property
    def span(self) -> int:
        """Cells that a window reaches over at most."""
        window = self.window
        return window.extent if self.spread else (window.extent - 1) // window.up + 1

    def center(self, output: int) -> float:
        """The middle of an output's window, from the beginning of cell 0 on."""
        window = self.window
        first = output * window.stride - window.before
        return (first + (window.extent - 1) / 2) / (1 if self.spread else window.up) + 0.5
