"""Kinds of layers as Markdown: what docs/spec.md shows of them."""

from collections.abc import Sequence

from convcalc.analysis.reference import KindReference
from convcalc.formats.kinds import by_family, formula_rows, made, takes_nothing


def render(kinds: Sequence[KindReference], **_: object) -> str:
    """The sections of kinds, ending in a newline."""
    return "\n\n".join(_section(kind) for kind in kinds) + "\n"


def listed(kinds: Sequence[KindReference], **_: object) -> str:
    """A list of kinds by family, ending in a newline."""
    parts = []
    for family, members in by_family(kinds):
        items = "\n".join(f"- `{kind.kind}`: {kind.summary}" for kind in members)
        parts.append(f"### {family}\n\n{items}\n")
    return "\n".join(parts)


def _section(kind: KindReference) -> str:
    parts = [f"### `{kind.kind}`", "\n".join(kind.sentences)]
    if kind.fields:
        rows = [("Field", "Takes", "Default", "Meaning")]
        for field in kind.fields:
            taken = ", ".join(f"`{word}`" for word in field.words) or field.takes
            usual = f"`{field.default}`" if field.default is not None else "–"
            default = "required" if field.required else usual
            rows.append((f"`{field.name}`", taken, default, field.doc))
        parts.append(_table(rows))
    else:
        parts.append(takes_nothing(kind))
    parts += [f"```yaml fragment\n{kind.example}\n```", f"{made(kind)}."]
    formulas = formula_rows(kind)
    if formulas:
        head = ("", "Formula", "Of the example")
        parts.append(_table([head, *formulas]))
    return "\n\n".join(parts)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + "|".join(" --- " for _ in rows[0]) + "|")
    return "\n".join(lines)
