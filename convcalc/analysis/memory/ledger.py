"""Who every byte belongs to: the walk once more, with each piece of memory written down.

A piece is a storage, or bytes that are no tensor's. It is alive at an operation if it was taken by
then and is given back later, so that the pieces of an operation add up to its `Event.live`.
"""

from collections.abc import Sequence

from convcalc.analysis.memory.program import Program, Step
from convcalc.analysis.memory.walk import Event, Gradient, Role, Segment, Walk, Walked, taken
from convcalc.layers.operations import Array

ALWAYS = 1 << 62
"""The number of an operation behind all others."""


class Piece:
    """A stretch of memory, with the operations that it is alive at.

    Operations are numbered as they run, those of the backward pass behind those of the forward one.
    """

    __slots__ = (
        "array",
        "bytes",
        "first",
        "kept",
        "last",
        "learned",
        "number",
        "overwritten",
        "role",
        "step",
        "uses",
    )

    def __init__(self, size: int, role: Role, number: int, first: int) -> None:
        self.bytes = size  # of the walk's own numbers
        self.role: Role | None = role  # None is what a step made beside its output
        self.number = number  # of a tensor or a weight, as the role says
        self.step = -1  # the step that made it beside its output
        self.array: Array | None = None  # what that is; None is a copy of the input
        self.first = first  # the first operation that it is alive at
        self.last = ALWAYS  # and the last
        self.kept: list[tuple[int, int]] = []  # from which to which it is kept to go back
        self.learned = ALWAYS  # from which on it is a gradient of a weight that is done
        self.uses: list[int] = []  # the operations that read it
        self.overwritten: list[tuple[int, int]] = []  # operations, and steps that overwrote it

    def alive(self, operation: int) -> bool:
        """Whether it is there while an operation runs."""
        return self.first <= operation <= self.last

    def is_kept(self, operation: int) -> bool:
        """Whether it is kept for the backward pass then."""
        return any(first <= operation <= last for first, last in self.kept)


class Ledger(Walk):
    """The walk with its `pieces` written down."""

    def __init__(self, program: Program, *, training: bool, inplace: bool) -> None:
        super().__init__(program, training=training, inplace=inplace)
        self.pieces: list[Piece] = []
        self._of_storage: list[Piece | None] = [None] * len(self.bytes)
        self._open: dict[tuple[Role, int], list[Piece]] = {}  # what is no storage
        self._beside: dict[int, list[Piece]] = {}  # what stays of what a step makes beside
        self._passing: list[Piece] = []  # and what goes with the step
        self._kept_from: dict[int, int] = {}
        self.again: list[tuple[int, int]] = []
        """From which to which operation layers run forward again."""

    @property
    def now(self) -> int:
        """The number of the next operation."""
        return len(self.forward) + len(self.backward)

    def _write(self, size: int, role: Role, number: int) -> Piece:
        piece = Piece(size, role, number, self.now)
        self.pieces.append(piece)
        return piece

    # Storages

    def _new(self, size: int, role: Role, number: int) -> int:
        self._of_storage.append(self._write(size, role, number))
        return super()._new(size, role, number)

    def _let_go(self, storage: int) -> None:
        super()._let_go(storage)
        piece = self._of_storage[storage]
        if piece is not None and not self.held[storage]:
            piece.last = self.now - 1

    def _keep(self, storage: int, layer: int) -> None:
        if not self.keepers[storage]:
            self._kept_from[storage] = self.now
        super()._keep(storage, layer)

    def _keep_no_more(self, storage: int) -> None:
        piece = self._of_storage[storage]
        if piece is not None:
            piece.uses.append(self.now - 1)
            if self.keepers[storage] == 1:
                piece.kept.append((self._kept_from[storage], self.now - 1))
        super()._keep_no_more(storage)

    def _placed(self, index: int, step: Step, *, idle: bool) -> bool:
        for read in step.reads:
            piece = self._of_storage[self.storage[read]]
            if piece is not None:
                piece.uses.append(self.now)
        overwrites = super()._placed(index, step, idle=idle)
        if overwrites:
            piece = self._of_storage[self.storage[step.output]]
            if piece is not None:
                piece.overwritten.append((self.now, index))
        return overwrites

    def _let_go_gradient(self, gradient: Gradient) -> None:
        piece = self._of_storage[gradient.storage]
        if piece is not None:
            piece.uses.append(self.now - 1)
        super()._let_go_gradient(gradient)

    # Bytes of no storage

    def _take(self, size: int, role: Role, number: int) -> None:
        self._open.setdefault((role, number), []).append(self._write(size, role, number))
        super()._take(size, role, number)

    def _give(self, size: int, role: Role, number: int) -> None:
        pieces = self._open[role, number]
        alike = (at for at in range(len(pieces) - 1, -1, -1) if pieces[at].bytes == size)
        piece = pieces.pop(next(alike, -1))
        piece.last = self.now - 1
        piece.uses.append(self.now - 1)
        if piece.kept:
            piece.kept = [(piece.kept[0][0], self.now - 1)]
        super()._give(size, role, number)

    def _made(self, size: int, index: int, array: Array | None, *, stays: bool) -> None:
        if size:
            piece = self._write(size, "scratch", -1)
            piece.role, piece.step, piece.array = None, index, array
            if stays:
                piece.kept = [(self.now + 1, ALWAYS)]
                self._beside.setdefault(index, []).append(piece)
            else:
                self._passing.append(piece)
        super()._made(size, index, array, stays=stays)

    def _drop(self, size: int, index: int, *, stayed: bool) -> None:
        last = self.now - 1
        gone = self._beside.pop(index, []) if stayed else self._passing
        for piece in gone:
            piece.last = last
            piece.uses.append(last)
            if stayed:
                piece.kept = [(piece.kept[0][0], last)]
        if not stayed:
            self._passing = []
        super()._drop(size, index, stayed=stayed)

    def _drop_one(self, size: int, index: int, name: str) -> None:
        last, pieces = self.now - 1, self._beside[index]
        for piece in pieces:
            if piece.array is not None and piece.array.name == name:
                piece.last = last
                piece.uses.append(last)
                piece.kept = [(piece.kept[0][0], last)]
        self._beside[index] = [piece for piece in pieces if piece.last != last]
        super()._drop_one(size, index, name)

    def _keep_cast(self, number: int, size: int) -> None:
        self._open["weight copy", number][-1].kept = [(self.now, ALWAYS)]
        super()._keep_cast(number, size)

    def _stays(self, number: int, size: int, storage: int) -> None:
        piece = self._of_storage[storage]
        if piece is not None and storage not in self.held_by_views:
            piece.learned = self.now
        super()._stays(number, size, storage)

    def _done(self, number: int, size: int) -> None:
        self._open["weight gradient", number][-1].learned = self.now
        super()._done(number, size)

    def _note(
        self,
        events: list[Event],
        layer: int,
        more: int = 0,
        role: Role = "scratch",
        number: int = 0,
    ) -> None:
        if more:
            piece = self._write(more, role, number)
            piece.last = piece.first
            piece.uses.append(piece.first)
        super()._note(events, layer, more, role, number)

    def _again(self, part: range, boundary: dict[int, int]) -> None:
        first = self.now
        super()._again(part, boundary)
        self.again.append((first, self.now - 1))

    def close(self) -> None:
        """End what is kept or there to the end."""
        for storage, piece in enumerate(self._of_storage):
            if piece is not None and self.keepers[storage]:
                piece.kept.append((self._kept_from[storage], ALWAYS))


def written(
    program: Program,
    *,
    training: bool,
    inplace: bool,
    segments: Sequence[Segment] = (),
    allowed: Sequence[bool] | None = None,
) -> tuple[Ledger, Walked]:
    """Take the walk with a ledger; see `walk`."""
    ledger = Ledger(program, training=training, inplace=inplace)
    walked = taken(ledger, segments, allowed)
    ledger.close()
    return ledger, walked
