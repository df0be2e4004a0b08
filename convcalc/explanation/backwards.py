"""The calculator backwards: what makes an output of a size that is wanted.

Sizes never rise, or never fall, along each field, so the values that make one stand in a stretch,
which is looked for by halves; none is named that the layer did not accept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, Literal, NamedTuple

from convcalc.diagnostics import ArgumentError
from convcalc.explanation.calculator import (
    ENUMERATED,
    SCHEMA,
    Given,
    by_axis,
    described,
    fields_of,
    layer_of,
    one_channel,
    read_extents,
)
from convcalc.explanation.page import Page, Part, Section, Table
from convcalc.layers.base import MAX_WHOLE, Rounding
from convcalc.layers.conv_transpose import ConvTranspose
from convcalc.layers.convolution import Conv
from convcalc.layers.sliding import AXIS_NAMES
from convcalc.numbers import times
from convcalc.shape import Shape

USUAL: Mapping[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "output_padding": 0}
"""What is meant where a field is left out; output padding is of a transposed layer."""
NEAR = 64
"""Values beside that are looked at for one that does where none makes the size."""
LISTED = 6
"""Values that are all written out; of more the first and the last."""


class Run(NamedTuple):
    """Values `first`, `first + step`, … up to `last`."""

    first: int
    """The smallest value of the run."""
    last: int | None
    """The largest value; None where there is no end."""
    step: int = 1
    """From one to the next; 1 where there is one alone."""

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int) or value < self.first:
            return False
        return (self.last is None or value <= self.last) and not (value - self.first) % self.step


class Solution(NamedTuple):
    """The values of one field with which a layer makes the size that is wanted."""

    field: Literal["input", "kernel", "stride", "padding", "dilation", "output_padding"]
    """The field that is solved for."""
    axes: tuple[tuple[Run, ...], ...]
    """By axis, all values that do; of padding the sum of both sides, of which the odd row is
    behind. () is none."""
    rounded: tuple[tuple[Run, ...], ...] = ()
    """By axis, those that would do if sizes were rounded down, where none does otherwise."""
    near: tuple[tuple[tuple[int, int], ...], ...] = ()
    """By axis where no value does, the nearest below and above that the layer accepts, each with
    the size that it makes."""

    @property
    def solves(self) -> bool:
        """Whether there is a value for every axis."""
        return all(self.axes)


class Solved(NamedTuple):
    """What makes an output so large."""

    layer: Conv | ConvTranspose
    """The layer with what is given, and usual values for what is not."""
    input: tuple[int, ...] | None
    """Extents of the input; None where they are solved for."""
    output: tuple[int, ...]
    """Extents of the output that are wanted."""
    solutions: tuple[Solution, ...]
    """One for every field that may be the one that is missing."""

    @property
    def solves(self) -> bool:
        """Whether any field has a value that does."""
        return any(each.solves for each in self.solutions)

    def __str__(self) -> str:
        """The text that `convcalc size --output-size` prints."""
        return str(page_of_solved(self))


def solve_size(
    output: Given,
    *,
    input: Given | None = None,  # noqa: A002 (the spec's own word)
    kernel: Given | None = None,
    stride: Given | None = None,
    padding: Given | None = None,
    dilation: Given | None = None,
    rounding: Rounding = "exact",
    transposed: bool = False,
    output_padding: Given | None = None,
) -> Solved:
    """The values of the one thing that is missing with which a layer makes this output.

    Without an input, or a kernel, that is it; where both are given, stride, padding and dilation,
    and the output padding of a transposed layer, are solved for, each that is not given by itself,
    while the others are 1, 0, 1 and 0. Raises `ValueError` where nothing is missing, or too much.

    >>> [run] = solve_size(55, kernel=11, stride=4).solutions[0].axes[0]
    >>> run.first, run.last
    (227, 227)
    """
    given = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    behind = USUAL["output_padding"] if output_padding is None else output_padding
    wanted = read_extents("output", output)
    if input is None and kernel is None:
        message = "input and kernel are both missing, and one of them can be solved for"
        raise ArgumentError(message)
    if input is None:
        missing = ["input"]
    elif kernel is None:
        missing = ["kernel"]
    else:
        missing = [name for name in USUAL if name in given and given[name] is None]
        if transposed is True and output_padding is None:
            missing.append("output_padding")
        if not missing:
            message = "nothing is missing: leave out what is to be solved for"
            raise ArgumentError(message)
    fields = {name: value for name, value in given.items() if value is not None}
    layer = layer_of(
        {"kernel": 1, **fields}, rounding, transposed=transposed, output_padding=behind
    )
    extents = None if input is None else read_extents("input", input)
    if extents is not None and len(extents) != len(wanted):
        message = (
            f"input {times(extents)} and output {times(wanted)}: both have as many axes, and "
            f"these are {len(extents)} and {len(wanted)}"
        )
        raise ArgumentError(message)
    _refuse_ranks(layer, len(wanted))
    return Solved(
        layer,
        extents,
        wanted,
        tuple(_solution(name, layer, extents, wanted) for name in missing),
    )


def _refuse_ranks(layer: Conv | ConvTranspose, rank: int) -> None:
    """Raise `ValueError` for a field that has values for another number of axes."""
    for problem in layer.check([one_channel((1,) * rank)]):
        if problem.code == "CC311":
            raise ArgumentError(problem.message.replace("the input has", "the output has"))


def _solution(
    field: Any,
    layer: Conv | ConvTranspose,
    spatial: tuple[int, ...] | None,
    wanted: tuple[int, ...],
) -> Solution:
    """The values of one field, axis by axis: no axis knows of another."""
    ones = by_axis(layer, len(wanted))
    sizes = spatial or (None,) * len(wanted)
    each = [*zip(ones, sizes, wanted, strict=True)]
    axes = tuple(_runs(field, one, size, output) for one, size, output in each)
    rounded: tuple[tuple[Run, ...], ...] = ()
    if not all(axes) and getattr(layer, "rounding", "") == "exact":
        down: Any = [one.replace(rounding="floor") for one in ones]
        rounded = tuple(
            _runs(field, one, size, output)
            for one, size, output in zip(down, sizes, wanted, strict=True)
        )
    near = tuple(
        () if runs else tuple(_near(_Tried(field, one, size), output))
        for runs, (one, size, output) in zip(axes, each, strict=True)
    )
    return Solution(field, axes, rounded if all(rounded) else (), near)


def _near(tried: "_Tried", wanted: int) -> Iterator[tuple[int, int]]:
    """The nearest values that make a smaller and a larger size, with those."""
    first, last = _stretch(tried, wanted)
    for values in (range(first - 1, first - NEAR, -1), range(last, last + NEAR)):
        for value in values:
            if tried.least <= value <= tried.most and tried.accepts(value):
                yield value, tried.output(value)
                break


class _Tried(NamedTuple):
    """One layer along one axis, with other values of one field."""

    field: str
    """The field that is solved for; `input` is none of the layer's."""
    layer: Any
    """The layer along this axis, whose value of the field does not matter."""
    size: int | None
    """Extent of the input along it; None where that is solved for."""

    @property
    def least(self) -> int:
        """The smallest value of the field."""
        return 0 if self.field in ("padding", "output_padding") else 1

    @property
    def most(self) -> int:
        """The largest, of padding that of both sides."""
        return MAX_WHOLE * (1 + (self.field == "padding"))

    def of(self, value: int) -> tuple[Any, Shape]:
        """The layer and its input with a value."""
        if self.field == "input":
            return self.layer, one_channel((value,))
        field: Any = ((value // 2, value - value // 2),) if self.field == "padding" else value
        return self.layer.replace(**{self.field: field}), one_channel((self.size or 1,))

    def output(self, value: int) -> int:
        """The size that comes of a value, whether the layer accepts it or not."""
        layer, x = self.of(value)
        sizes: tuple[int, ...] = layer.plan([x]).output.spatial
        return sizes[0]

    def accepts(self, value: int) -> bool:
        """Whether the layer has no error with a value."""
        layer, x = self.of(value)
        return not any(problem.severity == "error" for problem in layer.check([x]))


def _runs(field: str, layer: Any, size: int | None, wanted: int) -> tuple[Run, ...]:
    """All values of a field that make the size that is wanted.

    Sizes never rise, or never fall, along each field, so those values stand in one stretch, of
    which the layer accepts all or, where a stride must tile, some.
    """
    tried = _Tried(field, layer, size)
    first, last = _stretch(tried, wanted)
    if first == last:
        return ()
    if last - first <= ENUMERATED:
        values = [value for value in range(first, last) if tried.accepts(value)]
        return _endless(_condensed(values), tried)
    # A stride tiles with a whole quotient alone, which is at an end; anything else is a law.
    front = [value for value in range(first, first + 64) if tried.accepts(value)]
    runs = _condensed(front)
    if len(front) > 1 and len(runs) == 1:
        step = runs[0].step
        end = None if last > tried.most else last - 1 - (last - 1 - first) % step
        return (Run(runs[0].first, end, step),)
    ends = [
        *front,
        *(value for value in (last - 1,) if value <= tried.most and tried.accepts(value)),
    ]
    return _condensed(ends)


def _endless(runs: tuple[Run, ...], tried: _Tried) -> tuple[Run, ...]:
    """The runs, of which the one that comes to the largest number there is has no end."""
    if not runs or runs[-1].last != tried.most:
        return runs
    *front, last = runs
    return (*front, last._replace(last=None))


def _stretch(tried: _Tried, wanted: int) -> tuple[int, int]:
    """The first value that makes the size, and the one behind the last; the same where none does.

    Whether the layer accepts them is another question.
    """
    if tried.output(tried.least) > tried.output(tried.most):
        return _border(tried, wanted.__ge__), _border(tried, wanted.__gt__)
    return _border(tried, wanted.__le__), _border(tried, wanted.__lt__)


def _border(tried: _Tried, is_reached: Callable[[int], bool]) -> int:
    """The first value whose size is; one more than the largest where none is."""
    low, high = tried.least, tried.most + 1
    while low < high:
        middle = (low + high) // 2
        if is_reached(tried.output(middle)):
            high = middle
        else:
            low = middle + 1
    return low


def _condensed(values: Iterable[int]) -> tuple[Run, ...]:
    """Rising values as runs, each as long as it can be."""
    runs: list[Run] = []
    for value in values:
        if runs:
            first, last, step = runs[-1]
            if last is not None and (last == first or value - last == step):
                runs[-1] = Run(first, value, value - last)
                continue
        runs.append(Run(value, value))
    # Two values a step apart are two values.
    return tuple(
        one
        for run in runs
        for one in (
            [Run(run.first, run.first), Run(run.last, run.last)]
            if run.last is not None and run.step > 1 and run.last - run.first == run.step
            else [run]
        )
    )


# Pages


def page_of_solved(answer: Solved) -> Page:
    """The page of what makes a size: a row for each axis of each field that may be the one."""
    names = AXIS_NAMES[len(answer.output)]
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for solution in answer.solutions:
        alike = len({*solution.axes}) == 1
        for axis, runs in zip(names[:1] if alike else names, solution.axes, strict=False):
            where = " and ".join(names) if alike else axis
            text = ", ".join(_run_text(solution.field, run) for run in runs) or "none"
            rows.append((solution.field, where, text))
        notes += _beside(solution, names)
    parts: tuple[Part, ...] = (Table(("missing", "axis", "values"), tuple(rows)), *notes)
    missing = [each.field for each in answer.solutions] if len(answer.solutions) == 1 else []
    rest = "" if answer.input is None else f" of {times(answer.input)}"
    return Page(
        f"What makes {times(answer.output)}{rest}: {described(answer.layer, *missing)}",
        (Section("", parts),),
        _solved_data(answer),
    )


def _beside(solution: Solution, names: Sequence[str]) -> Iterator[str]:
    """What there is to say of a field of which no value does."""
    field = solution.field
    for axis, near in zip(names, solution.near, strict=True):
        sizes = [f"{_one(field, value)} makes {size:,}" for value, size in near]
        if sizes:
            along = f" along the {axis}" if len(names) > 1 else ""
            yield f"The nearest {field}{along}: {', '.join(sizes)}."
    if solution.rounded:
        down = [", ".join(_run_text(field, run) for run in runs) for runs in solution.rounded]
        yield f"Rounded down (floor), {field} {' and '.join(dict.fromkeys(down))} does."


def _run_text(field: str, run: Run) -> str:
    """A run as values that can be written."""
    last = inf if run.last is None else run.last
    values = range(run.first, run.first + LISTED * run.step, run.step)
    shown = [_one(field, value) for value in values if value <= last]
    if run.last is not None and len(shown) < LISTED:
        return ", ".join(shown)
    if run.last is None:
        return f"{', '.join(shown[:3])}, … without end"
    between = f"{', '.join(shown[:2])}, …, " if run.step > 1 else f"{shown[0]} … "
    return f"{between}{_one(field, run.last)}"


def _one(field: str, value: int) -> str:
    if field != "padding":
        return str(value)
    return str(value // 2) if value % 2 == 0 else f"[[{value // 2}, {value // 2 + 1}]]"


def _solved_data(answer: Solved) -> dict[str, Any]:
    def runs(axes: tuple[tuple[Run, ...], ...]) -> list[list[dict[str, Any]]]:
        return [[run._asdict() for run in axis] for axis in axes]

    rank = len(answer.output)
    return {
        "schema": SCHEMA,
        **fields_of(answer.layer, rank),
        "input": None if answer.input is None else list(answer.input),
        "output": list(answer.output),
        "solutions": [
            {
                "missing": each.field,
                "axes": runs(each.axes),
                "rounded_down": runs(each.rounded),
                "near": [
                    [{"value": value, "output": size} for value, size in axis] for axis in each.near
                ],
            }
            for each in answer.solutions
        ],
    }
