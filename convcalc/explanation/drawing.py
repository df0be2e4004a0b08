r"""One axis of a layer that slides, drawn in letters: the cells it reads, and its windows on them.

    >>> print("\n".join(drawing(Window(kernel=3, stride=2, before=1, after=1), 5)))
                 0  1  2  3  4
    input     p  o  o  o  o  o  p
    output 0  □  ■  ■
    output 1        ■  ■  ■
    output 2              ■  ■  □
    o value   p padding   ■ tap   □ tap that meets no value

Nothing is worked out here: `Window` says where every tap lies.
"""

from collections.abc import Iterator
from typing import NamedTuple

from convcalc.explanation.cells import CELLS, Axis
from convcalc.window import Window

COLUMNS = 76
"""Columns that a drawing takes at most: those of a terminal, less what it is indented by."""
FEWEST_COLUMNS = 40
"""Columns that it takes however narrow the terminal is."""
ROWS = 12
"""Most outputs that are all drawn; of more the first and the last."""
FIRST, LAST = 5, 3
"""How many of them."""
ELIDED = " … "
"""What stands between the first and the last cells of an axis that is wider than the drawing."""

STEPS = (1, 5, 10, 20)
"""Values from one number above them to the next: the smallest that leaves room for the numbers."""

TAP = "■"
"""A tap that meets a value."""
EMPTY = "□"
"""A tap that meets padding, or a gap between values that are spread out."""


def drawing(
    window: Window,
    size: int,
    *,
    past: int = 0,
    mode: str = "zero",
    spread: bool = True,
    columns: int = COLUMNS,
) -> tuple[str, ...]:
    """The lines of a drawing of `window` over `size` values of an axis.

    `past` says how many of the cells behind are no padding as it is written: those that ceil mode
    reads past it, or an output padding; `mode` is what the padding holds. Without `spread` values
    are drawn without the gaps between them, and without padding, as where a map is resampled.
    A drawing is `columns` wide at most, and of more than `ROWS` outputs has the first and the last,
    with `…` between.
    """
    axis = Axis(window, size, min(past, max(window.after, 0)), mode != "zero", spread)
    outputs = axis.outputs
    labels = [f"output {output}" for output in (outputs - 1, 0)] if outputs else ["kernel"]
    width = max(len("input"), *map(len, labels)) + 2
    shown = _Columns.of(axis, max(columns, FEWEST_COLUMNS) - width)
    signs = [axis.sign(cell) for cell in shown.cells]
    ruler = (" " * width + shown.ruler(axis)).rstrip()
    lines = [ruler] if ruler else []  # where padding alone is shown no value has a number
    lines.append(f"{'input':<{width}}" + shown.line(signs, ELIDED))
    seen = {sign: CELLS[sign] for sign in CELLS if sign in signs}
    if "p" in seen and mode != "zero":
        seen["p"] = f"padding ({mode})"
    for output in _rows(axis, shown) if outputs else (0,):
        if output is None:
            lines.append("…")
            continue
        taps = axis.taps(output)
        marks = [_mark(axis, cell, taps) for cell in shown.cells]
        between = ELIDED if shown.elides(taps) else " " * len(ELIDED)
        label = f"output {output}" if outputs else "kernel"
        lines.append(f"{label:<{width}}" + shown.line(marks, between))
        seen.update((mark, "") for mark in marks if mark != " ")
    for sign, text in ((TAP, "tap"), (EMPTY, "tap that meets no value")):
        if sign in seen:
            del seen[sign]
            seen[sign] = text
    return (*(line.rstrip() for line in lines), *_legend(seen, max(columns, FEWEST_COLUMNS)))


def _mark(axis: Axis, cell: int, taps: range) -> str:
    if cell not in taps:
        return " "
    return TAP if axis.meets(cell) else EMPTY


class _Columns(NamedTuple):
    """Which cells of an axis are drawn, and how wide each is."""

    first: range
    """The first cells, or all."""
    last: range
    """The last cells, behind a gap; none where all are drawn."""
    width: int
    """Columns that a cell takes."""

    @classmethod
    def of(cls, axis: Axis, columns: int) -> "_Columns":
        cells, digits = axis.cells, len(str(axis.size - 1))
        none = range(0)
        for width in (max(digits + 1, 3), digits + 1):
            if len(cells) * width <= columns:
                return cls(cells, none, width)
        if len(cells) <= columns:
            return cls(cells, none, 1)
        first = (columns - len(ELIDED)) // 2
        return cls(cells[:first], cells[len(cells) - (columns - len(ELIDED) - first) :], 1)

    @property
    def cells(self) -> list[int]:
        """The cells that are drawn."""
        return [*self.first, *self.last]

    def line(self, signs: list[str], between: str) -> str:
        """A row of signs, one for each cell that is drawn."""
        texts = [f"{sign:<{self.width}}" for sign in signs]
        first = "".join(texts[: len(self.first)])
        return first + (between + "".join(texts[len(self.first) :]) if self.last else "")

    def elides(self, taps: range) -> bool:
        """Whether a window lies, in part, on cells that are not drawn."""
        if not self.last or not taps:
            return False
        return taps[0] < self.last[0] and taps[-1] > self.first[-1]

    def ruler(self, axis: Axis) -> str:
        """Numbers of values above their cells: all of them, or as many as there is room for."""
        up, digits = axis.up, len(str(axis.size - 1))
        step = next(each for each in STEPS if each * up * self.width > digits)
        text = ""
        at = 0
        for cells in (self.first, self.last):
            end = at + len(cells) * self.width
            for cell in cells:
                value, gap = divmod(cell, up)
                fits = len(text) < at + (not text) and at + len(str(value)) <= end
                if not gap and 0 <= value < axis.size and value % step == 0 and fits:
                    text = f"{text:<{at}}{value}"
                at += self.width
            at += len(ELIDED)
        return text


def _rows(axis: Axis, shown: _Columns) -> Iterator[int | None]:
    """The outputs that are drawn, with None for those between."""
    outputs, stride = axis.outputs, axis.window.stride
    if outputs <= ROWS:
        yield from range(outputs)
        return
    first, last = FIRST, LAST
    if shown.last:  # those whose windows begin, or end, on cells that are drawn
        first = min(first, (len(shown.first) - 1) // stride + 1)
        last = min(last, (len(shown.last) - 1) // stride + 1)
    yield from range(first)
    yield None
    yield from range(outputs - last, outputs)


def _legend(signs: dict[str, str], columns: int) -> list[str]:
    lines: list[str] = []
    for sign, text in signs.items():
        part = f"{sign} {text}"
        if lines and len(lines[-1]) + 3 + len(part) <= columns:
            lines[-1] += f"   {part}"
        else:
            lines.append(part)
    return lines
