"""What a piece makes of a receptive field, so that those of pieces in a chain compose.

A field of size S, jump J and start P that a window of kernel k, dilation d, stride s and padding p
slides over becomes (S + d·(k − 1)·J, s·J, P − p·J): Araujo, Norris and Sim, equations 2 to 4. That
is affine in (S, J, P), and so is the union of two fields of one jump, (max(Pᵢ + Sᵢ) − min Pᵢ, J,
min Pᵢ). So a piece that makes of the field (1, 1, 0) of one position the field (s, j, p) makes of
any field (S, J, P) before it (S + J·(s − 1), J·j, P + J·p).

It holds as long as every layer of the piece has a field of that kind: one stride for all paths, the
same number of values seen by all outputs, nothing counted. Where a layer of a piece has another (a
gate over the whole map, a resampling, branches of several strides), its designs are worked out
whole. Behind a layer whose outputs have no position none has one: what stands in front has the last
field.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from convcalc.analysis.receptive_field import Sight
from convcalc.sweeps.engine.results import Results
from convcalc.sweeps.engine.worked import Worked, network_of_piece
from convcalc.window import Field

LARGEST = 2**30
"""No number of a piece's field is larger; else its designs are worked out whole."""


class Along(NamedTuple):
    """A field along one axis, made of that of one position."""

    size: int
    """Values that are seen."""
    jump: int
    """Values from one output to the next."""
    start: int
    """The first value that output 0 sees."""


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
            along = tuple([Along(one.size, int(one.jump), int(one.start)) for one in fields])
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


class Fields:
    """Receptive fields of designs, composed of those of their pieces."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.known: dict[int, PieceField | None] = {}

    @staticmethod
    def of(results: Results) -> "Fields":
        """Those that belong to results, which hold them."""
        if results.fields is None:
            results.fields = Fields(results)
        fields: Fields = results.fields
        return fields

    def sizes(self, made: Sequence[Any], count: int) -> tuple[Any, Any]:
        """The smallest axis of each design's last field, and whether it is known.

        `made` are the results of every piece, of designs without errors.
        """
        size: list[Any] = []
        jump: list[Any] = []
        most = 1
        last: Any = np.int64(0)
        there: Any = np.False_
        lost: Any = np.False_
        known: Any = np.True_
        for number, own in enumerate(made):
            numbers, back = np.unique(own, return_inverse=True)
            pieces = [self._of(each) for each in numbers.tolist()]
            axes = max([len(each.last or each.after or ()) for each in pieces if each] or [0])
            told = np.array([each is not None for each in pieces])[back]
            known = known & (told | lost)
            if not axes:
                continue
            if number == 0 or not size:
                size = [np.int64(1)] * axes
                jump = [np.int64(1)] * axes
            lasts, afters = (
                [(each.last if which == 0 else each.after) or () if each else () for each in pieces]
                for which in (0, 1)
            )
            has = np.array([bool(each) for each in lasts])[back] & ~lost
            goes = np.array([bool(each) for each in afters])[back] & ~lost
            most *= max([each.jump for along in afters for each in along] or [1])
            least: Any = None
            after_size, after_jump = list(size), list(jump)
            for axis in range(axes):
                grown = np.array([along[axis].size if along else 1 for along in lasts], np.int64)
                own_size = size[axis] + jump[axis] * (grown[back] - 1)
                least = own_size if least is None else np.minimum(least, own_size)
                grown = np.array([along[axis].size if along else 1 for along in afters], np.int64)
                times = np.array([along[axis].jump if along else 1 for along in afters], np.int64)
                after_size[axis] = size[axis] + jump[axis] * (grown[back] - 1)
                after_jump[axis] = jump[axis] * times[back]
            if most > LARGEST:
                known = known & False
                break
            last = np.where(has, least, last)
            there = there | has
            size, jump = after_size, after_jump
            lost = lost | ~goes
        shape = (count,)
        return np.broadcast_to(last, shape), np.broadcast_to(known & there, shape)

    def _of(self, number: int) -> PieceField | None:
        if number not in self.known:
            worked = self.results.worked[number]
            self.known[number] = field_of(worked)
        return self.known[number]
