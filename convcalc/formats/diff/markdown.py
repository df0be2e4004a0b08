"""The comparison as Markdown, for a comment on a pull request."""

from collections.abc import Sequence

from convcalc.analysis.compare import Comparison
from convcalc.formats.diff import HEAD, RIGHT, row, totals
from convcalc.formats.markdown import escaped
from convcalc.numbers import plural

MAX_ROWS = 200
"""Layers that are listed; a comment takes 65,536 characters."""


def render(comparison: Comparison, *, color: bool = False) -> str:
    """The totals, and the layers that changed behind a fold, ending in a newline."""
    del color
    old, new = comparison.old, comparison.new
    title = f"{old.name} → {new.name}" if old.name != new.name else new.name
    lines = [f"### {escaped(title)}", "", f"{escaped(old.path)} → {escaped(new.path)}", ""]
    lines += [_row(["", "Old", "New", "Difference", ""]), "| :-- | --: | --: | --: | --: |"]
    lines += [_row(cells) for cells in totals(comparison)]
    if not comparison.changes:
        return "\n".join([*lines, "", "No layer changed."]) + "\n"
    lines += ["", f"<details><summary>Layers: {counts(comparison)}</summary>", ""]
    return "\n".join([*lines, *layers(comparison, MAX_ROWS), "", "</details>"]) + "\n"


def counts(comparison: Comparison) -> str:
    """How many layers were added, removed, changed and affected."""
    return ", ".join(
        f"{count:,} {status}"
        for status in ("added", "removed", "changed", "affected")
        if (count := sum(change.status == status for change in comparison.changes))
    )


def layers(comparison: Comparison, most: int) -> list[str]:
    """The lines of a table of the layers that changed, of which it lists so many."""
    changes = comparison.changes
    lines = [_row(HEAD), _row(["--:" if right else ":--" for right in RIGHT])]
    lines += [_row(row(change)) for change in changes[:most]]
    if len(changes) > most:
        lines += ["", f"… and {plural(len(changes) - most, 'layer')} more."]
    return lines


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
