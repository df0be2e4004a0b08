"""A law: which sizes there are, in words that can be read back: `188 + 16·k, k ≥ 0`."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from math import lcm
from typing import NamedTuple

from convcalc.laws import sets
from convcalc.laws.sets import Sizes, Stretch, TooManyError
from convcalc.spec.progressions import Part, parse_parts

SHOWN = 6
"""Most parts of a law that are shown one by one."""
MOST_COMPARED = 100_000
"""Most sizes that follow one another which are compared of two laws."""
NOT_KNOWN = "not known"
"""What a law is called of which no size is worked out."""
FEW = 4
"""So many sizes without end are listed rather than said as a rule."""


def _stretch(part: Part) -> Stretch:
    """The sizes of a part as a set."""
    if not part.step:
        return Stretch(part.first, part.last)
    start = part.first % part.step
    residues = sets.wrapped(part.step, [(start, start + part.last - part.first + 1)])
    last = None if part.turns is None else part.last + part.step * part.turns
    return Stretch(part.first, last, part.step, residues)


class Law(NamedTuple):
    """Which sizes there are along an axis, or of a parameter."""

    sizes: Sizes
    """The set of them."""
    until: int | None = None
    """Up to which size it holds; None for all of them. What is larger is not worked out."""

    def __contains__(self, size: object) -> bool:
        """Whether a size is one of them; `ValueError` for one up to which it is not worked out."""
        if self.until is not None and isinstance(size, int) and size > self.until:
            message = f"whether {size} is one of the sizes is not known: {self.text()}"
            raise ValueError(message)
        return isinstance(size, int) and sets.holds(self.sizes, size)

    @property
    def smallest(self) -> int | None:
        """The least size; None where there is none."""
        return sets.least_of(self.sizes, 0)

    @property
    def all(self) -> bool:
        """Whether it is every size."""
        return self.sizes == sets.ALL

    def above(self, size: int) -> int | None:
        """The least size that is not below another one."""
        return sets.least_of(self.sizes, size)

    def below(self, size: int) -> int | None:
        """The largest size that is not above another one."""
        return sets.largest_of(self.sizes, size)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is made of."""
        return tuple(part for stretch in self.sizes for part in _parts(stretch))

    def text(self) -> str:
        """The law as tables show it, where it has many parts with the first ones alone.

        >>> Law(sets.meet(sets.within(sets.ALL, 48), 8, ((0, 1), (2, 3)))).text()
        '8·k, k ≥ 6 or 50 + 8·k, k ≥ 0'
        """
        if self.until == 0:
            return NOT_KNOWN
        parts = self.parts
        if not parts:
            text = "none"
        elif len(parts) <= SHOWN:
            text = " or ".join(map(str, parts))
        else:
            first = ", ".join(map(str, islice(sets.members(self.sizes), SHOWN)))
            end = self.sizes[-1]
            count = sum(behind - start for start, behind in end.residues)
            text = f"{first}, …"
            if end.last is None:
                text += f" ({count:,} remainders of {end.modulus:,})"
        return text if self.until is None else f"{text} (up to {self.until:,})"

    def written(self) -> str:
        """The law as a spec has it, which `parse` reads: `32*k, k >= 1`; one not known says so."""
        if self.until == 0:
            return NOT_KNOWN
        return " or ".join(part.written() for part in self.parts) or "none"


def _parts(stretch: Stretch) -> Iterator[Part]:
    first, last, modulus, residues = stretch
    if modulus == 1:
        yield Part(first, first, 1, None) if last is None else Part(first, last)
        return
    if last is not None:
        few = [*islice(sets.members((stretch,)), FEW + 1)]
        if len(few) <= FEW:
            yield from (Part(size, size) for size in few)
            return
    # one turn from the first size on: what starts within a run comes without the run's start once
    turn = first // modulus * modulus
    runs = [(turn + a, turn + b - 1) for a, b in residues]
    if runs[0][0] == turn and runs[-1][1] == turn + modulus - 1:  # one run over the end of a turn
        runs[-1] = runs[-1][0], runs[0][1] + modulus
        del runs[0]
    ahead = []
    for low, high in runs:
        further = -((high - first) // modulus) * modulus  # the first turn that ends behind it
        start, end = low + further, high + further
        if start < first:
            yield Part(first, end)
            start, end = start + modulus, end + modulus
        ahead.append((start, end))
    for start, end in sorted(ahead):
        yield from _bounded(start, end, modulus, last)


def _bounded(start: int, end: int, step: int, last: int | None) -> Iterator[Part]:
    """Sizes that follow one another, again and again, up to the last there is."""
    if last is None:
        yield Part(start, end, step, None)
        return
    turns = (last - end) // step
    if turns >= 0:
        yield Part(start, end, step, turns) if turns else Part(start, end)
    cut = start + step * (turns + 1)
    if cut <= last:
        yield Part(cut, last)


def parse(text: str) -> Law:
    """The law that a text says; `ValueError` where it says none, with what is wrong.

    >>> parse("188 + 16*k, k >= 0 or 5..7").text()
    '5…7 or 188 + 16·k, k ≥ 0'
    """
    return of_parts(parse_parts(text))


def of_parts(parts: Iterable[Part]) -> Law:
    """The law of what is in one of several parts."""
    return Law(union(map(_stretch, parts)))


def union(stretches: Iterable[Stretch]) -> Sizes:
    """The set of what is in one of several, which may be over one another.

    >>> union([Stretch(1, None, 4, ((0, 1),)), Stretch(2, None, 4, ((2, 3),))])
    (Stretch(first=2, last=None, modulus=2, residues=((0, 1),)),)
    """
    some = [each for each in stretches if each.above(each.first) is not None]
    if not some:
        return ()
    cuts = sorted({each.first for each in some} | {each.last + 1 for each in some if each.last})
    kept = []
    for first, behind in zip(cuts, [*cuts[1:], None], strict=True):
        here = [
            each
            for each in some
            if each.first <= first and (each.last is None or first <= each.last)
        ]
        if not here:
            continue
        modulus = lcm(*(each.modulus for each in here))
        pieces: list[tuple[int, int]] = []
        for each in here:
            _, lifted = sets.lifted(each, modulus)
            pieces += lifted
        kept.append(
            Stretch(
                first,
                None if behind is None else behind - 1,
                modulus,
                sets.wrapped(modulus, pieces),
            )
        )
    return sets.simplest(each for each in kept if each.above(each.first) is not None)


def difference(one: Law, two: Law) -> int | None:
    """The least size that is in one of two laws alone; None where there is none.

    >>> difference(parse("2*k, k >= 1"), parse("4*k, k >= 1"))
    2
    """
    ends = [law.sizes[-1] for law in (one, two) if law.sizes]
    until = max((end.first if end.last is None else end.last for end in ends), default=0)
    around = [end.modulus for end in ends if end.last is None]
    # Behind the last start everything recurs: a turn of both shows all there is.
    until += lcm(*around) if around else 0
    first, second = one.smallest, two.smallest
    for _ in range(MOST_COMPARED):
        if first != second:
            return min(each for each in (first, second) if each is not None)
        if first is None or first > until:
            return None
        run = min(_run(one.sizes, first), _run(two.sizes, first))
        first, second = one.above(run), two.above(run)
    raise TooManyError


def _run(sizes: Sizes, size: int) -> int:
    """The first size behind one of a set that does not follow it there."""
    stretch = next(each for each in sizes if size in each)
    if stretch.modulus == 1:
        return (size + MOST_COMPARED**2 if stretch.last is None else stretch.last) + 1
    rest = size % stretch.modulus
    end = size + next(behind - rest for first, behind in stretch.residues if first <= rest < behind)
    return end if stretch.last is None else min(end, stretch.last + 1)


def both(laws: Sequence[Sizes]) -> Sizes:
    """The sizes that are in all of several sets."""
    first, *others = laws
    for other in others:
        kept: list[Stretch] = []
        for stretch in other:
            ask = partial(sets.within, first=stretch.first, last=stretch.last)
            kept += sets.meet(ask(first), stretch.modulus, stretch.residues)
        first = tuple(kept)
    return sets.simplest(first)
