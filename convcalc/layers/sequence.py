"""What layers say that go along a sequence where another tensor comes in."""

from collections.abc import Iterator

from convcalc.diagnostics import Problem
from convcalc.shape import Shape


def check_sequence(does: str, x: Shape, vector: str) -> Iterator[Problem]:
    """One axis to go along.

    `does` is what the layer does with a sequence, as `lstm goes along`, and `vector` what to make
    of a vector, behind "`reshape` it".
    """
    if not x.spatial:
        message = f"{does} a sequence, and its input is a vector of {x.channels}"
        yield Problem("CC314", message, help=f"`reshape` it{vector}")
    elif x.rank > 1:
        message = f"{does} a sequence, and its input {x} has {x.rank} spatial axes"
        advice = f"`reshape` its positions into one axis: [-1, {x.channels}]"
        yield Problem("CC314", message, help=advice)
