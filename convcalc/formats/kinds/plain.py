"""Kinds of layers as aligned text, wrapped to a terminal."""

from collections.abc import Sequence
from textwrap import wrap

from convcalc.analysis.reference import KindReference
from convcalc.formats.kinds import by_family, formula_rows, made, takes_nothing
from convcalc.formats.plain import aligned

NARROWEST = 24
"""Characters that the last column keeps, however narrow the terminal."""


def render(kinds: Sequence[KindReference], *, width: int | None = None) -> str:
    """The pages of kinds, one below the other; lines are at most `width` long where they can be."""
    return "\n".join(_page(kind, width) for kind in kinds)


def listed(kinds: Sequence[KindReference], *, width: int | None = None) -> str:
    """One line a kind, by family."""
    parts = []
    widest = max(len(kind.kind) for kind in kinds)
    for family, members in by_family(kinds):
        parts.append(f"{family}\n")
        for kind in members:
            parts += _hanging(f"  {kind.kind:<{widest}}  ", kind.summary, width)
        parts.append("\n")
    return "".join(parts[:-1])


def _page(kind: KindReference, width: int | None) -> str:
    lines = [f"{kind.kind} ({kind.family})\n", "\n"]
    for sentence in kind.sentences:
        lines += _hanging("", sentence, width)
    lines.append("\n")
    if kind.fields:
        rows = [("Field", "Takes", "Default")]
        rows += [
            (field.name, field.takes, "required" if field.required else field.default or "–")
            for field in kind.fields
        ]
        docs = ["Meaning", *(field.doc for field in kind.fields)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row, doc in zip(rows, docs, strict=True):
            start = "".join(f"{cell:<{wide}}  " for cell, wide in zip(row, widths, strict=True))
            lines += _hanging(start, doc, width)
    else:
        lines.append(f"{takes_nothing(kind)}\n")
    lines += ["\n", f"{kind.example}\n", "\n", f"{made(kind)}\n"]
    rows = [(what, f"= {letters}", f"= {worked}") for what, letters, worked in formula_rows(kind)]
    lines += [f"{line}\n" for line in aligned(rows, [False] * 3)]
    return "".join(lines)


def _hanging(start: str, text: str, width: int | None) -> list[str]:
    """A text behind the start of its line, and below itself where it is longer than the line."""
    if width is None:
        return [f"{start}{text}\n"]
    wide = max(width - len(start), NARROWEST)
    under = " " * len(start)
    wrapped = wrap(text, len(start) + wide, initial_indent=start, subsequent_indent=under)
    return [f"{part}\n" for part in wrapped]
