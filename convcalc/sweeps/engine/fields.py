"""What a piece makes of a receptive field, so that those of pieces in a chain compose.

A field of size S, jump J and start P that a window of kernel k, dilation d, stride s and padding p
slides over becomes (S + d·(k − 1)·J, s·J, P − p·J): Araujo, Norris and Sim, equations 2 to 4. That
is affine in (S, J, P), and so is the union of two fields of one jump, (max(Pᵢ + Sᵢ) − min Pᵢ, J,
min Pᵢ). So a piece that makes of the field (1, 1, 0) of one position the field (s, j, p) makes of any
field (S, J, P) before it (S + J·(s − 1), J·j, P + J·p).

It holds as long as every layer of the piece has a field of that kind: one stride for all paths, the
same number of values seen by all outputs, nothing counted. Where a layer of a piece has another (a
gate over the whole map, a resampling, branches of several strides), its designs are worked out whole.
Behind a layer whose outputs have no position none has one: what stands in front has the last field.
"""

from typing import NamedTuple

from convcalc.analysis.receptive_field import Sight
from convcalc.sweeps.engine.worked import Worked, network_of_piece
from convcalc.window import Field

LARGEST = 2**30
"""No number of a piece's field is larger; else its designs are worked out whole."""


class Along(NamedTuple):
    """A field along one axis, made of that of one position."""

    size: int
    jump: int
    start: int


class PieceField(NamedTuple):
    """What a piece makes of a field before it."""

    last: tuple[Along, ...] | None
    """The field of its last layer that has one, by axis; None where none has."""
    after: tuple[Along, ...] | None
    """The field of what it gives; None where that has no positions."""


def field_of(worked: Worked) -> PieceField | None:
    """What a piece makes of a field; None where that is more than these numbers."""
    network = network_of_piece(worked)
    sight = Sight(network)
    last: tuple[Along, ...] | None = None
    after: tuple[Along, ...] | None = None
    for index, fields in enumerate(network.walk(sight.follow)):
        if index in sight.lost or index in sight.unseen or fields == ():
            along = None
        elif fields is None or not all(map(_plain, fields)):
            return None
        else:
            along = tuple([Along(*field[:3]) for field in fields])  # type: ignore[misc]
            if index >= worked.leading:
                last = along
        if index == worked.output:
            if along is None and index in sight.unseen:
                return None
            after = along
    return PieceField(last, after)


def _plain(field: Field) -> bool:
    """Whether a field is told by its first three numbers."""
    size, jump, start, phases, whole, counted, exact = field
    return (
        not (phases or whole or counted)
        and exact
        and type(jump) is int
        and type(start) is int
        and 0 < size < LARGEST
        and 0 < jump < LARGEST
        and -LARGEST < start < LARGEST
    )

