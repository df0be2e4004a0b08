"""A training step's verdict as aligned text, for pipes and files."""

from convcalc.checks.trained import TrainingVerdict
from convcalc.formats.plain import aligned
from convcalc.formats.training import HEAD, RIGHT, curve, ending, loss_line, row, title, totals


def render(verdict: TrainingVerdict, *, color: bool = False) -> str:
    """A row per layer, the totals, the curve and the verdict, ending in a newline."""
    del color
    rows = [row(layer) for layer in verdict.layers]
    lines = [title(verdict), ""]
    if rows:
        lines += [*aligned([HEAD, *rows], RIGHT), ""]
    lines += [*aligned(totals(verdict), [False, True, True, False]), ""]
    drawn = curve(verdict.losses) if len(verdict.losses) > 1 else []
    if drawn:
        lines += [*drawn, ""]
    return "\n".join([*lines, loss_line(verdict), *ending(verdict)]) + "\n"
