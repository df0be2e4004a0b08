"""The designs of a sweep, numbered: which value each axis has in which, worked out by index."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np

from convcalc.analysis.memory.terms import AUTO, RunTerms
from convcalc.diagnostics import ArgumentError
from convcalc.shape import Shape
from convcalc.sweeps.axes import Axis, AxisError, Given, read_axes
from convcalc.sweeps.subject import Subject
from convcalc.sweeps.wording import COMMAND, Wording

Method = Literal["random", "latin"]
"""How a sample is drawn: designs at random, no two of them one; or a Latin hypercube, which has
each value of each axis as often as every other one, give or take one."""
METHODS: tuple[Method, ...] = ("random", "latin")
MOST_DESIGNS = 10**10
"""Most designs of a sweep that goes through all; of more a sample can be taken."""
MOST_COMBINATIONS = 2**62
"""Most designs of a space that a sample is taken of."""
MOST_SAMPLES = 10**9
"""Most designs of a sample."""
FOUND = (
    "checkpoint 'auto' is found for one network within one limit, by `convcalc memory`: write "
    "every=K, or names of blocks"
)
"""What is wrong with checkpoints that are to be found."""
ROUNDS = 6
"""Rounds of the permutation that a sample is drawn by."""


class Sample(NamedTuple):
    """Some of the designs of a space."""

    designs: int
    """How many designs it has, of all that there are."""
    seed: int = 0
    """Which ones: the same seed gives the same designs."""
    method: Method = "random"
    """How they are drawn."""


def sample_of(designs: int | None, method: str | None, seed: int | None) -> Sample | None:
    """A sample as it is asked for, what is not said as usual; None where none is taken."""
    if designs is None:
        return None
    return Sample(designs, seed or 0, "latin" if method == "latin" else "random")


class Design(NamedTuple):
    """One design of a sweep, as what is asked of one network is given."""

    number: int
    """Its number in the sweep, from 0 on."""
    parameters: Mapping[str, str]
    """Values of the parameters that are varied, as one would type them."""
    input: Shape | Mapping[str, Shape] | None
    """The input, of several some by their names; None where it is not varied."""
    batch: int
    """How many examples it takes at once."""
    terms: RunTerms
    """How it runs, as far as its memory turns on it."""


class Space(NamedTuple):
    """All designs of a sweep; of axes with values of their own the last one changes fastest."""

    axes: tuple[Axis, ...]
    """What is varied, in the order in which it was asked for."""
    batch: int = 1
    """Examples at once, where that is not varied."""
    terms: RunTerms = RunTerms()
    """How a network runs, so far as it is not varied; `training` is whether a step is asked for."""
    sample: Sample | None = None
    """Of a sweep that goes through some designs alone: which ones; None is all."""
    wording: Wording = COMMAND
    """How whoever asks writes what is asked, for messages."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each axis has of its own; 1 for one that is worked out from others."""
        return tuple(1 if axis.worked else len(axis.texts) for axis in self.axes)

    @property
    def combinations(self) -> int:
        """How many designs there are, whether they are gone through or not."""
        return prod(self.sizes)

    @property
    def designs(self) -> int:
        """How many designs the sweep goes through."""
        return self.combinations if self.sample is None else self.sample.designs

    def codes(self, start: int, stop: int, rows: Any = None) -> tuple[Any, ...]:
        """The code of each axis in the designs from `start` to before `stop`.

        An array of int64 an axis, each as long as there are designs; `rows` are those of them that
        are wanted, counted from `start`, an array of whole numbers. A code is the number of a value
        in `texts` and `values` of the axis.
        """
        indices = np.arange(start, stop, dtype=np.int64)
        if rows is not None:
            indices = indices[rows]
        sizes = self.sizes
        if self.sample is not None and self.sample.method == "latin":
            own = [
                permuted(indices, self.sample.designs, self.sample.seed, str(number))
                * size
                // self.sample.designs
                for number, size in enumerate(sizes)
            ]
        else:
            if self.sample is not None:
                indices = permuted(indices, self.combinations, self.sample.seed, "designs")
            own = []
            for size in reversed(sizes):
                whole = indices // size  # which divmod takes several times as long for
                own.append(indices - whole * size)
                indices = whole
            own.reverse()
        return tuple(
            own[number]
            if axis.worked is None
            else axis.worked.codes[tuple(own[source] for source in axis.worked.sources)]
            for number, axis in enumerate(self.axes)
        )

    def codes_of(self, number: int) -> list[int]:
        """The code of each axis in one design."""
        return [int(column[0]) for column in self.codes(number, number + 1)]

    def design(self, number: int) -> Design:
        """One design by its number; `IndexError` where there is none."""
        if not 0 <= number < self.designs:
            message = f"there are {self.designs:,} designs, and {number:,} is none of their numbers"
            raise IndexError(message)
        return self.with_codes(number, self.codes_of(number))

    def with_codes(self, number: int, codes: Sequence[int]) -> Design:
        """The design with these codes, which are those of `number`."""
        parameters: dict[str, str] = {}
        shapes: dict[str, Shape] = {}
        shape: Shape | None = None
        batch, terms = self.batch, self.terms
        for axis, code in zip(self.axes, codes, strict=True):
            value = axis.values[code]
            if axis.kind == "input":
                value = axis.shapes(codes, code)
            if axis.kind == "parameter":
                parameters[axis.target] = axis.texts[code]
            elif axis.kind == "input" and isinstance(value, Mapping):
                shapes.update(value)
            elif axis.kind == "input":
                shape = value
            elif axis.kind == "batch":
                batch = value
            else:
                terms = terms._replace(**{axis.kind: value})
        return Design(number, parameters, shape or shapes or None, batch, terms)


def read_space(
    subject: Subject,
    vary: Sequence[tuple[str, Given]],
    *,
    batch: int = 1,
    terms: RunTerms | None = None,
    sample: Sample | None = None,
    wording: Wording = COMMAND,
) -> Space:
    """The designs that names with their values as they are written give.

    Raises `ArgumentError` for what is none of these, and for more designs than can be gone through.

    >>> subject = Subject("lenet5")
    >>> [axis.texts for axis in read_space(subject, [("input", "28x28x1,32x32x1")]).axes]
    [('28x28x1', '32x32x1')]
    """
    terms = terms or RunTerms()
    axes = read_axes(subject, vary, training=terms.training, wording=wording)
    return checked(Space(axes, batch, terms, sample, wording))


def checked(space: Space) -> Space:
    """The space, where it can be gone through; raises `ArgumentError` where it is too large.

    Also where checkpoints are to be found, which a design has no limit for.
    """
    if space.terms.checkpoint == AUTO:
        raise ArgumentError(FOUND)
    for axis in space.axes:
        if axis.kind == "checkpoint" and AUTO in axis.values:
            raise AxisError(FOUND, axis.name)
    combinations, sample = space.combinations, space.sample
    if combinations > MOST_COMBINATIONS:
        message = f"{combinations:,} designs are more than 2^62: give the axes fewer values"
        raise ArgumentError(message)
    if sample is None:
        if combinations > MOST_DESIGNS:
            message = (
                f"{combinations:,} designs are more than {MOST_DESIGNS:,}: give the axes fewer "
                f"values, or go through some of them with {space.wording.given('sample', 100000)}"
            )
            raise ArgumentError(message)
        return space
    if sample.designs > MOST_SAMPLES:
        message = f"a sample of {sample.designs:,} designs is more than {MOST_SAMPLES:,}"
        raise ArgumentError(message)
    if sample.designs > combinations:
        message = (
            f"a sample of {sample.designs:,} designs is more than all {combinations:,}: "
            f"leave {space.wording.key('sample')} out"
        )
        raise ArgumentError(message)
    return space


def permuted(indices: Any, count: int, seed: int, what: str) -> Any:
    """Where each index from 0 to before `count` goes in an order that the seed gives.

    All of them go somewhere else, and none to where another one does, so that what is drawn first
    has no need to be remembered: a Feistel network over the next power of four, which is run again
    on what it puts beyond `count`.

    >>> sorted(permuted(np.arange(10), 10, 1, "designs").tolist())
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    half = max(((count - 1).bit_length() + 1) // 2, 1)
    mask = np.uint64((1 << half) - 1)
    shift = np.uint64(half)
    keys = [
        np.uint64(int(blake2b(f"{what} {seed} {turn}".encode(), digest_size=8).hexdigest(), 16))
        for turn in range(ROUNDS)
    ]
    places = np.asarray(indices).astype(np.uint64)
    outside = np.ones(places.shape, bool)
    while outside.any():
        moved = places[outside]
        left, right = moved >> shift, moved & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        places[outside] = left << shift | right
        outside[outside] = places[outside] >= np.uint64(count)
    return places.astype(np.int64)


def _mixed(values: Any) -> Any:
    """Numbers of 64 bits, mixed. Source: the finalizer of splitmix64 (Steele 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
