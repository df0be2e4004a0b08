"""What a sweep comes to, merged as its stretches come."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from convcalc.diagnostics import ArgumentError
from convcalc.methods import above, from_json
from convcalc.sweeps.axes import Axis
from convcalc.sweeps.job import Invalid, Job, Partial, add_reason
from convcalc.sweeps.kept import Groups

MOST_ON_FRONT = 100_000
"""Most networks on a front."""


class SweepReport(NamedTuple):
    """What is known of a sweep whose designs up to some number are worked out."""

    job: Job
    """The sweep, with all that was asked."""
    done: int
    """How many designs are worked out: those with smaller numbers."""
    left: int
    """How many of them meet all conditions."""
    invalid: tuple[Invalid, ...]
    """Why others are invalid, in the order of first examples."""
    tried: tuple[Any, ...]
    """By axis an array of booleans: which of its values a design that was worked out has."""
    valid: tuple[Any, ...]
    """By axis an array of booleans: which of its values a valid design has."""
    best: Groups | None
    """The best, in order; None where none are left."""
    front: Groups | None
    """The front, in order of the first goal; None where none are left, or none is asked for."""

    def __repr__(self) -> str:
        """How many designs are worked out, and how many are left, in one line."""
        name, designs = self.job.subject.name, self.job.space.designs
        return (
            f"<SweepReport {name!r}: {self.done:,} of {designs:,} designs, {self.left:,} left, "
            f"{self.invalid_designs:,} invalid>"
        )

    def __str__(self) -> str:
        """What it comes to, as `convcalc sweep` writes it into a pipe."""
        text: str = above("SweepReport.__str__", self)
        return text.removesuffix("\n")

    def to_json(self) -> str:
        """Everything but the designs one by one, stable; docs/sweep.schema.json describes it."""
        text: str = above("SweepReport.to_json", self)
        return text

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` says, as Python has it."""
        return from_json(self.to_json())

    @property
    def whole(self) -> bool:
        """Whether all designs are worked out."""
        return self.done == self.job.space.designs

    @property
    def invalid_designs(self) -> int:
        """How many designs are invalid."""
        return sum(each.designs for each in self.invalid)

    @property
    def spoilt(self) -> Iterator[tuple[str, str]]:
        """Names of axes with values of theirs of which every design is invalid."""
        for axis, codes in self.spoilt_codes:
            for code in codes:
                yield axis.name, axis.texts[code]

    @property
    def spoilt_codes(self) -> Iterator[tuple[Axis, list[int]]]:
        """Axes with the codes of values of theirs of which every design is invalid, if any are."""
        for axis, tried, valid in zip(self.job.space.axes, self.tried, self.valid, strict=True):
            codes = np.flatnonzero(tried & ~valid).tolist()
            if valid.any() and codes:  # else nothing is said by naming all values
                yield axis, codes


def nothing(job: Job) -> SweepReport:
    """What is known before the first design."""
    none = tuple(np.zeros(len(axis.texts), bool) for axis in job.space.axes)
    return SweepReport(
        job=job,
        done=0,
        left=0,
        invalid=(),
        tried=none,
        valid=none,
        best=None,
        front=None,
    )


def merged(known: SweepReport, more: Partial) -> SweepReport:
    """What is known with one more stretch, the next one; raises `ArgumentError` for a huge front.

    Stretches are merged in the order of their numbers, so that who worked them out when changes
    nothing.
    """
    if more.start != known.done:
        message = f"designs from {more.start:,} on do not follow {known.done:,}"
        raise ValueError(message)
    keeper = known.job.keeper
    reasons = {(each.code, each.where): each for each in known.invalid}
    for each in more.invalid:
        add_reason(reasons, each)
    best, front = known.best, known.front
    if more.best is not None:
        every = more.best if best is None else keeper.merged([best, more.best])
        best = keeper.best(every)
        known.job.knows(best)
    if more.front is not None:
        every = more.front if front is None else keeper.merged([front, more.front])
        front = keeper.front(every)
        if len(front.count) > MOST_ON_FRONT:
            goals = ", ".join(("-" if most else "") + name for name, most in keeper.goals)
            wording = known.job.space.wording
            fewer = wording.given("where", f"'{keeper.goals[0][0]} < 5M'")
            message = (
                f"{wording.key('pareto')} {goals}: more than {MOST_ON_FRONT:,} networks are on the "
                "front, none better than another in all of these: leave fewer with "
                f"{fewer}, or ask for fewer goals"
            )
            raise ArgumentError(message)
    return SweepReport(
        job=known.job,
        done=more.stop,
        left=known.left + more.left,
        invalid=tuple(sorted(reasons.values(), key=lambda each: each.example)),
        tried=tuple(a | b for a, b in zip(known.tried, more.tried, strict=True)),
        valid=tuple(a | b for a, b in zip(known.valid, more.valid, strict=True)),
        best=best,
        front=front,
    )
