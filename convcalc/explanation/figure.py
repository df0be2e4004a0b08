"""A figure with its reason: a number, and the formula that it came from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from convcalc.explanation.page import Formula, Part
from convcalc.layers.base import Layer, declarations
from convcalc.layers.letters import AXES
from convcalc.numbers import mebibytes, megabytes
from convcalc.reasons import (
    Names,
    Reasoned,
    filled,
    formula,
    is_worked_out,
    letters,
    name_of,
    named,
)
from convcalc.shape import Shape

if TYPE_CHECKING:
    from fractions import Fraction

LETTERS: Mapping[str, str] = {
    "C": "channels",
    "L": "length",
    "D": "depth",
    "H": "height",
    "W": "width",
}
"""Letter of an extent of an input → what it is."""


LISTED = 8
"""Most inputs of a layer that a sentence or a formula lists."""


class Figure(NamedTuple):
    """A number of a layer, and how it comes about."""

    of: str
    """Which number: `height`, `parameters`."""
    formula: str
    """How it comes about, in letters: `(H − F + 2·P)/S + 1`; "" where nothing is worked out."""
    filled: str
    """The same with the layer's numbers."""
    value: float
    """What it comes to, in `unit`s; a whole number, but for strides behind a resampling."""
    unit: str = ""
    """What is counted, where the title does not say it: `values`, `bytes`."""
    note: str = ""
    """What is to be said of it."""

    def shown(self) -> Formula:
        """The figure as a page shows it."""
        alone = self.filled in ("", str(self.value))
        numbers = "" if alone else self.filled
        number = f"{self.value:,}" if isinstance(self.value, int) else f"{self.value:.4g}"
        result = f"{number} {self.unit}".rstrip()
        return Formula(self.of, self.formula, numbers, result, self.note)


class Group(NamedTuple):
    """Figures that belong together, under one title."""

    title: str
    """What they are about: `Output size`."""
    figures: tuple[Figure, ...]
    """The figures, in their order."""
    says: tuple[str, ...] = ()
    """Sentences behind them, or in their place."""

    def parts(self) -> tuple[Part, ...]:
        """What a page shows below the title."""
        return (*(figure.shown() for figure in self.figures), *self.says)


def reasoned(
    of: str, number: "int | Fraction", names: Names | None = None, *, unit: str = "", note: str = ""
) -> Figure:
    """The figure of a number that remembers; a plain number is its own reason."""
    if not isinstance(number, int):
        return Figure(of, "", "", float(number), unit, note)
    if not isinstance(number, Reasoned):
        return Figure(of, "", "", number, unit, note)
    text, numbers = formula(number, names), filled(number, names)
    given = text == numbers  # a constant of the layer's
    return Figure(of, "" if given else text, numbers, int(number), unit, note)


def listed(words: Sequence[str]) -> str:
    """Words in a sentence, of many the first.

    >>> listed(["a", "b", "c"]), listed([str(number) for number in range(20)])
    ('a, b and c', '0, 1, 2, 3, 4, 5, 6, 7 and 12 more')
    """
    if len(words) > LISTED:
        words = [*words[:LISTED], f"{len(words) - LISTED} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def of_bytes(of: str, values: int, itemsize: int, batch: int) -> Figure:
    """Bytes of so many values of `itemsize` bytes each, of each of the examples of a batch.

    NumPy and PyTorch call the bytes of one value so; a width is a map's.
    """
    number: int = named(values, "values") * named(itemsize, "itemsize")
    if batch > 1:
        number = named(batch, "batch") * number
    return reasoned(of, number, unit="byte" if number == 1 else "bytes", note=in_units(number))


def in_units(count: int) -> str:
    """Bytes with a decimal and a binary unit; "" where they are few.

    >>> in_units(60950432), in_units(96)
    ('60.95 MB, 58.13 MiB', '')
    """
    return f"{megabytes(count)}, {mebibytes(count)}" if count >= 1000 else ""


def output_names(output: Shape) -> Names:
    """Names of an output's extents that are worked out: H′ of the height."""
    names = {}
    for letter, extent in zip(AXES[output.rank], output.spatial, strict=True):
        if is_worked_out(extent):
            names[name_of(extent)] = f"{letter}′"
    return names


def relettered(output: Shape) -> Shape:
    """An output whose extents that are worked out are given, by their names: H′·W′·C."""
    names = output_names(output)
    spatial = (
        named(int(extent), names[name_of(extent)]) if name_of(extent) in names else extent
        for extent in output.spatial
    )
    return Shape(output.channels, tuple(spatial))


def legend(layer: Layer, shapes: Sequence[Shape]) -> dict[str, tuple[str, int]]:
    """What each letter stands for: a word, and its number; of a layer and inputs on letters."""
    known: dict[str, tuple[str, int]] = {}
    for shape in shapes:
        for letter, extent in zip("C" + AXES[shape.rank], shape.axes, strict=True):
            for name, value in letters(extent).items():
                known[name] = (LETTERS[letter], value)
    for field in declarations(type(layer)):
        for number in _numbers(getattr(layer, field)):
            for name, value in letters(number).items():
                known.setdefault(name, (field.replace("_", " "), value))
    return known


def _numbers(value: object) -> Iterable[int]:
    """The whole numbers of a field."""
    if isinstance(value, tuple):
        return [number for each in value for number in _numbers(each)]
    return [value] if isinstance(value, Reasoned) else []
