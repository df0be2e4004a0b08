"""A network's memory as aligned text, for pipes and files."""

import textwrap

from convcalc.analysis.memory import Answer
from convcalc.formats.memory import sections, title
from convcalc.formats.memory.arena_picture import drawn_arena
from convcalc.formats.memory.timeline import drawn
from convcalc.formats.plain import aligned

WIDTH = 100
"""Characters of the picture, and of sentences."""


def render(answer: Answer, *, layers: bool = False, timeline: bool = False, **_: object) -> str:
    """The answer as aligned text, ending in a newline."""
    lines = [title(answer.report)]
    if timeline:
        lines += ["", *drawn(answer.report, WIDTH)]
        if answer.arena is not None:
            lines += ["", *drawn_arena(answer.arena, answer.searched, answer.banked, WIDTH)]
    for section in sections(answer, layers=layers):
        lines += ["", section.title]
        if section.head:
            lines += [f"  {line}" for line in aligned([section.head, *section.rows], section.right)]
        for note in section.notes:
            lines += textwrap.wrap(
                note, WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False
            )
    return "\n".join(line.rstrip() for line in lines) + "\n"
