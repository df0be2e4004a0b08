"""Which sizes of its input fit a network: the exact set, as laws such as `32·k, k ≥ 1`."""

from collections.abc import Mapping

from convcalc.graph import Given, GivenShape, read
from convcalc.laws.law import Law, difference, of_parts, parse
from convcalc.laws.report import (
    Asks,
    Dropped,
    Fit,
    Nearest,
    Output,
    SizesReport,
    nearest,
    sizes_of,
)
from convcalc.laws.sets import TooManyError
from convcalc.spec.nodes import Value
from convcalc.spec.progressions import Part

__all__ = [
    "Asks",
    "Dropped",
    "Fit",
    "Law",
    "Nearest",
    "Output",
    "Part",
    "SizesReport",
    "TooManyError",
    "difference",
    "nearest",
    "of_parts",
    "parse",
    "sizes",
    "sizes_of",
]


def sizes(
    spec: Given,
    *,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> SizesReport:
    """Which inputs fit a network, by axis: those that it takes, and those it drops nothing of.

    Takes what `load` takes. Raises `SpecError` where errors of the spec keep the answer unknown.

    >>> fit = sizes("vgg16").fits[0]
    >>> fit.name, fit.accepted.text(), 225 in fit.accepted
    ('height', '32·k, k ≥ 1', False)
    """
    return sizes_of(read(spec, input=input, parameters=parameters))
