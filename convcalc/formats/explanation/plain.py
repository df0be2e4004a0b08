"""A page as aligned text: titles, formulas whose labels line up, tables and drawings."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from textwrap import wrap
from typing import NamedTuple

from convcalc.explanation.page import Drawing, Formula, Page, Part, Table
from convcalc.formats.plain import aligned

INDENT = 2
"""Blanks in front of what stands below a title."""
NARROWEST = 40
"""Characters that a line may always have, however narrow the terminal."""

LEAST = 14
"""Characters that a text in a table keeps, or its longest word if that is longer."""


class Style(NamedTuple):
    """How parts of a line are made to stand out: what is written before and behind them."""

    title: str = ""
    """Before a title of the page or of a section."""
    label: str = ""
    """Before the label of a formula."""
    dim: str = ""
    """Before what matters less: letters, notes, heads of columns."""
    end: str = ""
    """Behind each of them."""

    def of(self, style: str, text: str) -> str:
        """The text in one of the styles."""
        return f"{style}{text}{self.end}" if style and text else text


PLAIN = Style()
"""Nothing stands out."""


def render(
    page: Page, *, width: int | None = None, color: bool = False, style: Style = PLAIN
) -> str:
    """The page as text, ending in a newline; lines are `width` long at most where they can be."""
    del color
    lines = [*_title(page.title, width, style)]
    for section in page.sections:
        depth = INDENT * (section.level - 1)
        if section.title:
            lines += ["", *_title(section.title, width, style, " " * depth)]
            depth += INDENT
        elif section.parts:
            lines.append("")
        lines += _parts(section.parts, " " * depth, width, style)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _title(text: str, width: int | None, style: Style, indent: str = "") -> Iterator[str]:
    for line in _wrapped(text, indent, width):
        yield indent + style.of(style.title, line.removeprefix(indent))


def _parts(parts: Sequence[Part], indent: str, width: int | None, style: Style) -> Iterator[str]:
    """Formulas that stand together have their labels aligned."""
    first = True
    for kind, group in groupby(parts, key=type):
        if not first and kind in (Table, Drawing):
            yield ""
        first = False
        if kind is Formula:
            yield from _formulas(
                [each for each in group if isinstance(each, Formula)], indent, width, style
            )
            continue
        for number, part in enumerate(group):
            if isinstance(part, str):
                yield from _wrapped(part, indent, width)
            elif isinstance(part, Table):
                yield from [""] * (number > 0)
                yield from _table(part, indent, width, style)
            elif isinstance(part, Drawing):
                yield from [""] * (number > 0)
                yield from (indent + line for line in part.lines)


def _formulas(
    formulas: Sequence[Formula], indent: str, width: int | None, style: Style
) -> Iterator[str]:
    wide = max(len(each.label) for each in formulas)
    for each in formulas:
        start = indent + each.label.ljust(wide) + "  " * (wide > 0)
        steps = each.steps
        cells = [f"= {step}" if number else step for number, step in enumerate(steps)]
        if each.note:
            cells.append(f"({each.note})" if steps else each.note)
        rows = _folded(cells, len(start), width)
        for number, row in enumerate(rows):
            head = (
                indent + style.of(style.label, each.label) + start[len(indent + each.label) :]
                if number == 0
                else " " * len(start)
            )
            yield head + row
    return


def _folded(cells: Sequence[str], start: int, width: int | None) -> list[str]:
    """The steps of a formula on one line, or as many as it takes; a step is not cut."""
    if width is None or not cells:
        return [" ".join(cells)]
    room = max(width - start, NARROWEST)
    lines = [""]
    for cell in cells:
        if lines[-1] and len(lines[-1]) + 1 + len(cell) > room:
            lines.append("")
        lines[-1] += f" {cell}" if lines[-1] else cell
    return [
        part
        for line in lines
        for part in (wrap(line, room, break_long_words=False, subsequent_indent="  ") or [""])
    ]


def _table(table: Table, indent: str, width: int | None, style: Style) -> Iterator[str]:
    """The table; where there is too little room texts fold, and then figures between their parts.

    It is wider if it must be, for no number is cut.
    """
    right = [number in table.right for number in range(len(table.columns))]
    rows = [table.columns, *table.rows]
    if width is None:
        folded = [[row] for row in rows]
    else:
        room = max(width, NARROWEST) - len(indent)
        widths = _widths(rows, right, room)
        folded = [[*_in_lines(row, widths, right)] for row in rows]
    lines = aligned([line for row in folded for line in row], right)
    heads = len(folded[0])
    yield from (indent + style.of(style.dim, line) for line in lines[:heads])
    yield from (indent + line for line in lines[heads:])


def _widths(rows: Sequence[Sequence[str]], right: Sequence[bool], room: int) -> list[int]:
    """Characters that each column gets, so that all fit into `room` if they can."""
    columns = [*zip(*rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    least = [
        max(
            len(part)
            for cell in column
            for part in (_parts_of(cell) if to_right else [cell[:LEAST]])
        )
        for column, to_right in zip(columns, right, strict=True)
    ]
    for to_right in (False, True):
        for at in sorted(range(len(widths)), key=lambda at: -widths[at]):
            over = sum(widths) + 2 * (len(widths) - 1) - room
            if over > 0 and right[at] == to_right:
                widths[at] = max(least[at], widths[at] - over)
    return widths


def _in_lines(
    row: Sequence[str], widths: Sequence[int], right: Sequence[bool]
) -> Iterator[tuple[str, ...]]:
    """A row as lines of cells that are as wide at most."""
    cells = [
        _filled(_parts_of(cell), wide)
        if to_right
        else wrap(cell, max(wide, 1), break_long_words=False, break_on_hyphens=False) or [""]
        for cell, wide, to_right in zip(row, widths, right, strict=True)
    ]
    return zip_longest(*cells, fillvalue="")


def _parts_of(cell: str) -> list[str]:
    """What a figure says, of which none is cut: 1,000 B, and 1.00 kB, and (0.98 KiB)."""
    return re.split(r"(?<=,) | (?=\()", cell)


def _filled(parts: Sequence[str], wide: int) -> list[str]:
    """Parts on lines, as many on each as there is room for."""
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + 1 + len(part) > wide:
            lines.append("")
        lines[-1] += f" {part}" if lines[-1] else part
    return lines


def _wrapped(text: str, indent: str, width: int | None) -> list[str]:
    if width is None:
        return [indent + text]
    wide = max(width, NARROWEST + len(indent))
    return wrap(
        text,
        wide,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
