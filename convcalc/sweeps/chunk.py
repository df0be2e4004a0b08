"""What is worked out of a stretch of designs, and who works it out."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from convcalc.sweeps.measures import Measure
from convcalc.sweeps.space import Space

VALID = -1
"""What stands in the place of a reason where there is none."""


class Reason(NamedTuple):
    """Why designs are invalid: an error of their network, or a measure that is not told of it."""

    code: str
    """The code of the finding; empty where what is asked has no answer and no code."""
    where: str
    """Where the spec is at fault: `net.yaml:4:40`. Designs with one code and one place have one
    reason, whatever the numbers in their messages."""
    message: str
    """What is wrong with the example."""
    example: int
    """The number of the first design in this chunk that is invalid for it."""

    @property
    def key(self) -> tuple[str, str]:
        """What makes reasons of several chunks one."""
        return self.code, self.where


class Chunk(NamedTuple):
    """Measures of designs, a row each, in the order of their numbers."""

    numbers: Any
    """Numbers of the designs in the sweep: an array of int64."""
    columns: Mapping[str, Any]
    """By the names of the measures: an array of int64 each. What stands in the row of an invalid
    design is 0."""
    reason: Any
    """An array of int32: -1 for a valid design, else which of `reasons` it is."""
    reasons: tuple[Reason, ...]
    """Why designs of this chunk are invalid."""
    digest: Any
    """An array of uint64 of two columns: the digest of each design's network, as `digest.Digest`
    has it; two zeros for an invalid one."""


class Evaluator(Protocol):
    """Who works out designs."""

    def evaluate(
        self,
        space: Space,
        start: int,
        stop: int,
        measures: Sequence[Measure],
        rows: Any = None,
    ) -> Chunk:
        """Measures of the designs from `start` to before `stop`, or of some `rows` of them.

        `rows` are whole numbers counted from `start`, rising; None is all. A design is invalid
        where its network has errors, whatever is asked, and where a measure that is asked has no
        answer for it.
        """
        ...
