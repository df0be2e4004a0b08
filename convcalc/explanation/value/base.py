"""What an explanation of one value is given, and what it is made of."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.layers import Layer, Plan
from convcalc.layers.sliding import LINE_NAMES
from convcalc.numbers import plural
from convcalc.shape import Shape

Array = Any
"""An array of NumPy, which none of this package imports."""


class Asked(NamedTuple):
    """One value of one layer, and the arrays around it; of one example, channels last."""

    xp: Any
    """The library of the arrays."""
    kind: str
    """Kind of the layer."""
    layer: Layer
    """The layer with its fields."""
    plan: Plan
    """Its plan for the shapes of the inputs."""
    shapes: tuple[Shape, ...]
    """Shapes of its inputs."""
    xs: tuple[Array, ...]
    """Its inputs, (*spatial, C), in the data type that was computed in."""
    weights: Mapping[str, Array]
    """Its weights, as the plan has them, in that data type."""
    at: tuple[int, ...]
    """Where the value stands in the output: a number for each spatial axis, then the channel."""

    @property
    def x(self) -> Array:
        """The only input."""
        return self.xs[0]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Spatial extents of the only input."""
        return self.shapes[0].spatial

    @property
    def place(self) -> tuple[int, ...]:
        """The position, without the channel."""
        return self.at[:-1]

    @property
    def channel(self) -> int:
        """The channel."""
        return self.at[-1]


class Patch(NamedTuple):
    """The values that a value is made of, what each is multiplied by, and where they stand."""

    values: Array
    """(*taps, channels), in float64."""
    channels: tuple[int, ...]
    """Which channels of the input these are."""
    places: tuple[tuple[int, ...], ...]
    """Where taps stand in the input, for each spatial axis; outside of it is padding."""
    factors: Array = None
    """What each is multiplied by, of the same shape; None where nothing is."""
    outside: Array = None
    """Which of the taps meet padding, (*taps); None where none does."""
    taps: tuple[tuple[int, ...], ...] = ()
    """Which tap of the kernel each is, for each axis; () where they are 0, 1, 2, …."""

    @property
    def padding(self) -> int:
        """How many taps meet padding."""
        return 0 if self.outside is None else int(self.outside.sum())

    @property
    def products(self) -> Array:
        """Values times factors."""
        return self.values if self.factors is None else self.values * self.factors


class Im2col(NamedTuple):
    """Which row of the weights times which column of im2col a value is."""

    group: int
    """Group of channels that has these matrices; 0 where there is one."""
    row: int
    """Row of the weights, from 0: the filter's number in its group."""
    column: int
    """Column of im2col, from 0: the position's number, row by row."""
    size: int
    """Numbers in each of them: channels of the group times taps of the kernel."""


class Name(NamedTuple):
    """What a name in a formula is."""

    text: str
    """As NumPy has it, of `X`, weights, and names before it: `np.moveaxis(weight[1], 0, -1)`."""
    number: float | None = None
    """What it comes to, where that is one number."""


class Made(NamedTuple):
    """How a value came about: NumPy's text of it, the numbers, and how exact they can be."""

    formula: str
    """What it is, as NumPy has it: `np.sum(X[6:11,:5,:] * W1) + b1`."""
    numbers: str
    """The same with its numbers."""
    value: float
    """What this comes to, in float64."""
    names: Mapping[str, Name] = MappingProxyType({})
    """What names in the formula are, in an order in which they can be worked out."""
    patch: Patch | None = None
    """What is added up, or chosen from."""
    im2col: Im2col | None = None
    """Which dot product it is, where layers of its kind are worked out by im2col."""
    summands: Mapping[str, float] = MappingProxyType({})
    """What is added to the sum of the products, by its name: the bias."""
    notes: tuple[str, ...] = ()
    """What else there is to say, in sentences."""
    roundings: int = 0
    """How often a number is rounded on the way, at most; 0 is exact."""
    magnitude: float = 0.0
    """How large they are: the sum of the magnitudes of what is added."""
    winner: tuple[int, ...] | None = None
    """Of a largest value, where it stands in the input: position and channel."""


def position_names(rank: int) -> tuple[str, ...]:
    """What the numbers of a place in a tensor are: of a vector, only the feature.

    >>> position_names(2), position_names(0)
    (('row', 'column', 'channel'), ('feature',))
    """
    return (*LINE_NAMES[rank], "channel") if rank else ("feature",)


def index_text(at: Iterable[int]) -> str:
    """An index, as the notes write it.

    >>> index_text((3, 0, 1))
    '3,0,1'
    """
    return ",".join(map(str, at))


def slice_text(places: Sequence[int]) -> str:
    """Evenly spaced places as a slice, as the notes write it; the places are not empty.

    >>> [slice_text(places) for places in ([0, 1, 2], [6, 7], [0, 2, 4], [4, 2, 0], [3])]
    [':3', '6:8', ':5:2', '4::-2', '3:4']
    """
    first, last = places[0], places[-1]
    step = places[1] - first if len(places) > 1 else 1
    if step < 0:
        return f"{first}:{last - 1 if last else ''}:{step}"
    return f"{first or ''}:{last + 1}" + (f":{step}" if step > 1 else "")


def channels_text(channels: range, of: int) -> str:
    """Channels as a slice: all of them are `:`.

    >>> channels_text(range(4), 4), channels_text(range(4, 8), 8)
    (':', '4:8')
    """
    return ":" if len(channels) == of else f"{channels.start or ''}:{channels.stop}"


def at_places(xp: Any, x: Array, places: Sequence[Sequence[int]]) -> Array:
    """What stands at some places along the first axes, in float64."""
    for axis, along in enumerate(places):
        x = xp.take(x, xp.asarray(along, dtype="int64"), axis=axis)
    return x.astype("float64")


def real(value: float, digits: int = 6) -> str:
    """A number as it is shown: rounded, with the sign of minus.

    >>> real(-0.123456789), real(4.0), real(1e-7, 3)
    ('−0.123457', '4', '1e−07')
    """
    return f"{value:.{digits}g}".replace("-", "−")


def added(terms: Iterable[float]) -> str:
    """Numbers with plus between them, and minus where one is below 0.

    >>> added([1.5, -2, 0.25])
    '1.5 − 2 + 0.25'
    """
    text = ""
    for term in terms:
        shown = real(term)
        if not text:
            text = shown
        else:
            text += f" − {shown[1:]}" if shown.startswith("−") else f" + {shown}"
    return text


def bracketed(value: float) -> str:
    """A number as a factor: one below 0 stands in brackets."""
    return f"({real(value)})" if real(value).startswith("−") else real(value)


def padding_note(padding: int, count: int, mode: str = "zero") -> str:
    """How many of the taps meet padding, in a sentence."""
    holds = "zeros" if mode == "zero" else "values of X again"
    return f"{padding:,} of the {plural(count, 'position')} under the kernel are padding: {holds}."
