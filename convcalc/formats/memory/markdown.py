"""A network's memory as Markdown, for a README or a pull request."""

from collections.abc import Sequence

from convcalc.analysis.memory import Answer
from convcalc.formats.markdown import escaped
from convcalc.formats.memory import sections, title
from convcalc.formats.memory.arena_picture import drawn_arena
from convcalc.formats.memory.timeline import drawn

WIDTH = 100
"""Characters of the picture."""


def render(answer: Answer, *, layers: bool = False, timeline: bool = False, **_: object) -> str:
    """The answer as Markdown, ending in a newline."""
    lines = [f"### {escaped(title(answer.report))}"]
    if timeline:
        lines += ["", "```text", *drawn(answer.report, WIDTH)]
        if answer.arena is not None:
            lines += ["", *drawn_arena(answer.arena, answer.searched, answer.banked, WIDTH)]
        lines.append("```")
    for section in sections(answer, layers=layers):
        lines += ["", f"**{escaped(section.title)}**", ""]
        if section.head:
            lines += [
                _row(section.head),
                _row(["--:" if right else ":--" for right in section.right]),
            ]
            lines += [_row(row) for row in section.rows]
            lines += ["", *(escaped(note) for note in section.notes)] if section.notes else []
        else:
            lines += [f"- {escaped(note)}" for note in section.notes]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
