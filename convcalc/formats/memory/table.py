"""A network's memory on a terminal: bars for shares, colours, and a picture as wide as it is."""

import shutil
import textwrap
from itertools import groupby

from convcalc.analysis.memory import Answer
from convcalc.formats.memory import Section, sections, title
from convcalc.formats.memory.arena_picture import drawn_arena
from convcalc.formats.memory.timeline import ALWAYS, drawn
from convcalc.formats.plain import aligned
from convcalc.numbers import bar

BAR = 40
"""Characters of the longest bar."""
LEAST = 8
"""Characters that make a bar worth drawing."""
_BOLD, _DIM, _BLUE, _RED, _GREEN = "\x1b[1m", "\x1b[2m", "\x1b[34m", "\x1b[1;31m", "\x1b[32m"
_RESET = "\x1b[0m"


def render(
    answer: Answer,
    *,
    layers: bool = False,
    timeline: bool = False,
    color: bool = True,
    width: int | None = None,
    **_: object,
) -> str:
    """The answer with bars, ending in a newline."""
    columns = width or shutil.get_terminal_size((100, 24)).columns

    def styled(style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if color and text else text

    lines = [styled(_BOLD, title(answer.report))]
    if timeline:
        picture = drawn(answer.report, columns)
        if answer.arena is not None:
            plan = drawn_arena(answer.arena, answer.searched, answer.banked, columns)
            picture += ["", *plan]
        lines += ["", *(_colored(line) if color else line for line in picture)]
    for section in sections(answer, layers=layers):
        lines += ["", styled(_BOLD, section.title)]
        if section.head:
            head, *rows = _barred(section, columns)
            lines.append(styled(_DIM, head[0]))
            for position, (text, drawing) in enumerate(rows):
                style = ""
                if section.verdict is not None:
                    style = _GREEN if answer.fits[position].fits else _RED
                shown = styled(style, text) if style else text
                lines.append(shown + styled(_BLUE, drawing))
        for note in section.notes:
            lines += textwrap.wrap(
                note,
                max(columns, 40),
                initial_indent="  ",
                subsequent_indent="  ",
                break_long_words=False,
            )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _barred(section: Section, columns: int) -> list[tuple[str, str]]:
    """Lines of the table, each with its bar; bars only where there is room."""
    lines = [f"  {line}" for line in aligned([section.head, *section.rows], section.right)]
    longest = max(map(len, lines))
    room = min(columns - longest - 2, BAR)
    if not section.shares or room < LEAST:
        return [(line, "") for line in lines]
    bars = ["", *("  " + bar(min(share, 1.0), room).rstrip() for share in section.shares)]
    return [(line.ljust(longest), drawing) for line, drawing in zip(lines, bars, strict=True)]


def _colored(line: str) -> str:
    """A line of the picture, its blocks blue and what is always there dim."""
    head, stroke, blocks = line.partition("│")
    if not stroke:
        return line
    runs = (
        f"{_DIM if always else _BLUE}{''.join(run)}{_RESET}"
        for always, run in groupby(blocks, ALWAYS.__eq__)
    )
    return f"{head}{stroke}{''.join(runs)}"
