"""The verdict as aligned text, for pipes and files."""

from convcalc.checks.verdict import Verdict
from convcalc.formats.plain import aligned
from convcalc.formats.verify import (
    HEAD,
    RIGHT,
    allocated,
    class_rows,
    ending,
    row,
    time_rows,
    title,
    totals,
)


def render(verdict: Verdict, *, color: bool = False) -> str:
    """A row per layer, the totals and the verdict, ending in a newline."""
    del color
    rows = [row(layer) for layer in verdict.layers]
    lines = [title(verdict), ""]
    if rows:
        lines += [*aligned([HEAD, *rows], RIGHT), ""]
    lines += [*aligned(totals(verdict), [False, True, True, False]), ""]
    if verdict.times:
        lines += [*aligned(time_rows(verdict), [False, False, True, True, True, False])]
        lines += [allocated(verdict), ""]
    if verdict.classes:
        lines += [*aligned(class_rows(verdict), [True, True, False, True]), ""]
    return "\n".join([*lines, *ending(verdict)]) + "\n"
