"""What names mean in `--where`, `--pareto` and `--sort`: measures, and parameters of the spec."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np

from convcalc.diagnostics import ArgumentError
from convcalc.spec.expressions import Expression, ExpressionError
from convcalc.spec.made_of import names_in
from convcalc.spec.nodes import Map, ScalarNode
from convcalc.spec.parameters import value_set
from convcalc.spec.syntax import parse
from convcalc.spec.values import FieldError
from convcalc.sweeps.arrays import column_of, evaluate
from convcalc.sweeps.axes import MEMORY, SET, Axis
from convcalc.sweeps.measures import (
    MEASURES,
    TRAINING,
    Measure,
    is_measure,
    read_measure,
    unknown_measure,
)
from convcalc.sweeps.space import Space
from convcalc.sweeps.subject import Subject

LOOKED_AT = 64
"""In how many parts all designs are divided by those of which one is to have a value of a name."""


class Names:
    """The names that there are for a space of designs."""

    def __init__(self, subject: Subject, space: Space) -> None:
        self.subject = subject
        self.space = space
        self._measures: dict[str, Measure] = {}

    def check(self, names: Iterable[str], option: str) -> None:
        """Raise `ArgumentError` for a name that is none; `option` is where it stands."""
        try:
            for name in names:
                if self.measure(name) is None:
                    self.known(name)
        except ArgumentError as error:
            message = f"{option}: {error}"
            raise ArgumentError(message) from None

    def measure(self, name: str) -> Measure | None:
        """The measure of this name; None for an axis or parameter. Raises `ArgumentError`."""
        if name in self._measures:
            return self._measures[name]
        if not is_measure(name):
            if name in self._axes or name in self._settled:
                return None
            if name in self._own:
                message = f"{name} is not varied; the parameter of the spec is {SET}{name}"
                raise ArgumentError(message)
            first = name.partition(".")[0]
            if first in ("input", *MEMORY):
                also = "; output.input.height is an extent of it" if first == "input" else ""
                message = f"{name} is not varied, and so the same in every design{also}"
                raise ArgumentError(message)
            others = dict.fromkeys((*(axis.name for axis in self.space.axes), *self._own))
            raise ArgumentError(unknown_measure(name, others))
        measure = read_measure(name)
        if measure.name in TRAINING and not self.space.terms.training:
            step = self.space.wording.given("training", True)
            message = f"{name} is of a training step: add {step}"
            raise ArgumentError(message)
        self._measures[name] = measure
        return measure

    def known(self, name: str) -> None:
        """Raise `ArgumentError` for an axis or parameter whose values are none to work with."""
        axis = self._axes.get(name)
        if axis is None or axis.kind not in ("input", "checkpoint"):
            self._example(name)
            return
        if axis.kind == "checkpoint":
            message = f"{name} is no number, and there is no measure of it"
            raise ArgumentError(message)
        if not all(text.isdecimal() for text in axis.texts):
            message = f"{name} is no number: output.{axis.target or 'input'}.height is one"
            raise ArgumentError(message)

    def not_varied(self, name: str) -> str | None:
        """The parameter of this name, which may be `set.NAME`; None for an axis or a measure."""
        if self.measure(name) is not None or name in self._axes:
            return None
        return self._settled[name]

    @cached_property
    def _axes(self) -> Mapping[str, Axis]:
        """The axes by their names; of a parameter with `set.` in front, too."""
        own = {axis.target: axis for axis in self.space.axes if axis.kind == "parameter"}
        axes = {name: axis for name, axis in own.items() if name not in (*MEMORY, "input")}
        axes |= {axis.name: axis for axis in self.space.axes}
        return axes | {f"{SET}{name}": axis for name, axis in own.items()}

    @property
    def _own(self) -> Mapping[str, Any]:
        """The parameters of the spec."""
        return self.subject.defaults

    @cached_property
    def _of_input(self) -> set[str]:
        """Parameters that the spec's input is made of: another input says what they are."""
        presets = self.subject.spec.presets.entries.values()
        inputs = [self.subject.spec, *(each for each in presets if isinstance(each, Map))]
        return {name for each in inputs for name in names_in(each.entries.get("input"))}

    @cached_property
    def _settled(self) -> Mapping[str, str]:
        """Parameters that are not varied, as they are called."""
        varied = {axis.target for axis in self.space.axes if axis.kind == "parameter"}
        names = {name: name for name in self._own if name not in varied and name not in self._axes}
        names |= {f"{SET}{name}": name for name in self._own if name not in varied}
        return {name: target for name, target in names.items() if name not in MEASURES}

    def columns(self, names: Iterable[str], codes: tuple[Any, ...]) -> dict[str, Any]:
        """Values of axes and parameters for designs, of which `codes` are those of the axes."""
        return {name: self._column(name, codes) for name in names if self.measure(name) is None}

    def examples(self, names: Iterable[str]) -> dict[str, Any]:
        """The same for one design each, the first of some in which it has a value.

        Raises `ArgumentError` where it has none in any of these.
        """
        return {name: self._example(name) for name in names if self.measure(name) is None}

    def _example(self, name: str) -> Any:
        last = self.space.designs - 1
        for number in sorted({last * part // LOOKED_AT for part in range(LOOKED_AT + 1)}):
            with suppress(ArgumentError):
                return self._column(name, self.space.codes(number, number + 1))
        return self._column(name, self.space.codes(0, 1))  # which says what is wrong with it

    def _column(self, name: str, codes: tuple[Any, ...]) -> Any:
        axis = self._axes.get(name)
        if axis is not None:
            number = self.space.axes.index(axis)
            return self._values[number][codes[number]]
        count = len(codes[0])
        target = self._settled[name]
        default = self._own[target]
        given = self.subject.parameters.get(target)
        if target in self._of_input:
            if any(axis.kind == "input" for axis in self.space.axes):
                message = (
                    f"{name} is what the input makes it, which is varied: vary {target} instead, "
                    "or ask for output.input.height"
                )
                raise ArgumentError(message)
            if self.subject.input is not None:
                given = self.subject.own.parameters.get(target)
        if given is not None:
            try:
                value = value_set(given, default) if isinstance(given, str) else given
            except FieldError as error:
                message = f"{name}: {error.problem.message}"
                raise ArgumentError(message) from None
            return np.broadcast_to(column_of([value]), (count,))
        if not isinstance(default, ScalarNode):
            message = f"{name} has no value to work with"
            raise ArgumentError(message)
        if not default.plain:
            return np.broadcast_to(column_of([default.text]), (count,))
        try:
            expression: Expression = parse(default.text)
            inner = {
                each: self._column(f"{SET}{each}", codes)
                for each in expression.names
                if each in self._own
            }
            return evaluate(expression, inner, count)
        except ExpressionError as error:
            message = f"{name}: {error.message}"
            raise ArgumentError(message) from None

    def values_of(self, axis: Axis) -> Any:
        """The values of an axis as an array, by code; of words and shapes their texts."""
        return self._values[self.space.axes.index(axis)]

    @cached_property
    def _values(self) -> list[Any]:
        """The values of each axis as an array, by code."""
        return [
            column_of([*map(int, axis.texts)])
            if axis.kind == "input" and all(text.isdecimal() for text in axis.texts)
            else column_of([*axis.texts])
            if axis.kind in ("input", "checkpoint")
            else column_of([*axis.values])
            for axis in self.space.axes
        ]


def listed_names(text: str, option: str) -> list[str]:
    """Names between commas; raises `ArgumentError` where there is none, or one twice."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        message = f"{option}: {text[:60]!r} has an empty name between its commas"
        raise ArgumentError(message)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        message = f"{option}: {twice} stands there twice"
        raise ArgumentError(message)
    return names
