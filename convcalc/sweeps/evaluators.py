"""Which evaluator works a spec out."""

from convcalc.sweeps.chunk import Evaluator
from convcalc.sweeps.engine.evaluator import PiecewiseEvaluator
from convcalc.sweeps.plain import STRETCH
from convcalc.sweeps.subject import Subject


def evaluator_of(subject: Subject) -> Evaluator:
    """The fastest that gives what the plain one gives."""
    return PiecewiseEvaluator(subject)


def stretch_of(evaluator: Evaluator, most: int) -> int:
    """How many designs an evaluator is best asked for at once.

    One that takes them one by one holds the networks of as many, for what is asked of them later.
    """
    return most if getattr(evaluator, "pieces", ()) else STRETCH
