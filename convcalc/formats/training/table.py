"""A training step's verdict as aligned text in colours."""

from convcalc.checks.trained import TrainingVerdict
from convcalc.formats.training import plain
from convcalc.formats.verify.table import coloured


def render(verdict: TrainingVerdict, *, color: bool = False) -> str:
    """The same as plain text, with marks in colour."""
    text = plain.render(verdict)
    return coloured(text, good=verdict.good) if color else text
