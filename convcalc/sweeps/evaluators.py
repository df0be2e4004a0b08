"""Which evaluator works a spec out."""

from convcalc.sweeps.chunk import Evaluator
from convcalc.sweeps.plain import HELD, PlainEvaluator
from convcalc.sweeps.subject import Subject

FEW = 3
"""Most designs that are worked out one by one: finding pieces takes as long as so many networks."""


def evaluator_of(subject: Subject, designs: int) -> Evaluator:
    """The fastest for so many designs that gives what the plain one gives."""
    if designs <= FEW:
        return PlainEvaluator(subject)
    from convcalc.sweeps.engine.evaluator import PiecewiseEvaluator

    return PiecewiseEvaluator(subject)


def stretch_of(evaluator: Evaluator, most: int) -> int:
    """How many designs an evaluator is best asked for at once.

    One that takes them one by one holds the networks of as many, for what is asked of them later.
    """
    return most if getattr(evaluator, "pieces", ()) else HELD
