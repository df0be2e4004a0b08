"""Values of fields, drawn from a seed.

Of one layer hypothesis draws a hundred times as long as the layer takes to be checked: what is
drawn for every kind is drawn here, so that more can be tried. Ends of what a field allows come
often, as with hypothesis; what fails names its layer.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar

import pytest

from convcalc.layers.base import Declared
from convcalc.shape import Shape

Value = TypeVar("Value")
MOST = 0x10FFFF
"""The last character that there is."""


@contextmanager
def no_advice() -> Iterator[None]:
    """Of what is read within, nobody looks for another input that would do.

    That takes most of the time of random networks, of which those with errors are passed over.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("convcalc.graph.sized.helped", lambda _, problems, **__: problems)
        patch.setattr("convcalc.graph.unread.told", lambda *_: ())
        yield


def examples(
    count: int, **drawn: "Callable[[Draw], Any]"
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Try a test on so many examples in one go, each drawn anew, and show the first that fails.

    The draws are the same in every run: of a seed that has the test's name and a number.
    """

    def on_all(test: Callable[..., None]) -> Callable[..., None]:
        def of_examples(**fixtures: Any) -> None:
            for number in range(count):
                draw = Draw(f"{test.__name__} {number}")
                given = {name: of_draw(draw) for name, of_draw in drawn.items()}
                try:
                    test(**fixtures, **given)
                except Exception as error:
                    message = f"example {number}, {given}: {type(error).__name__}: {error}"
                    raise AssertionError(message) from error

        signature = inspect.signature(test)
        kept = [each for name, each in signature.parameters.items() if name not in drawn]
        of_examples.__name__, of_examples.__qualname__ = test.__name__, test.__qualname__
        of_examples.__module__, of_examples.__doc__ = test.__module__, test.__doc__
        of_examples.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return of_examples

    return on_all


class Draw(Random):
    """Draws that tests share."""

    def flag(self) -> bool:
        return self.random() < 0.5

    def whole(self, low: int, high: int) -> int:
        """A whole number, one of both ends every fourth time."""
        return self.choice((low, high)) if self.random() < 0.25 else self.randint(low, high)

    def number(self, low: float, high: float, *, above: bool = False) -> float:
        """A number; its ends, whole numbers and numbers near the lower end come often."""
        ends = (high, low + (high - low) * 1e-9) if above else (low, high)
        drawn = self.uniform(low, min(high, low + 10))
        way = self.random()
        if way < 0.3:
            return self.choice(ends)
        return float(round(drawn)) if way < 0.5 and (round(drawn) > low or not above) else drawn

    def some(self, value: Callable[[], Value], least: int, most: int) -> tuple[Value, ...]:
        return tuple(value() for _ in range(self.randint(least, most)))

    def text(self, signs: str, most: int) -> str:
        """Some of some characters."""
        return "".join(self.choices(signs, k=self.randint(0, most)))

    def any_text(self, most: int) -> str:
        """Characters of any sort: of expressions, letters of any script, ends of lines, signs."""

        def sign() -> str:
            low, high = self.choice(
                [(33, 126), (48, 57), (0, 255), (0x100, 0xD7FF), (0xE000, MOST)]
            )
            return chr(self.whole(low, high))

        return "".join(self.some(sign, 0, most))

    def shape(self) -> Shape:
        return Shape(self.whole(1, 12), self.some(lambda: self.whole(1, 9), 0, 4))

    def field(self, declared: Declared) -> Any:
        """A value that a field's declaration allows, a small one."""
        low = declared.minimum
        least = int(low) if low is not None else -3

        def whole() -> int:
            return self.whole(least, least + 5)

        def ratio() -> float:
            return self.whole(1, 4) if self.flag() else self.number(0.1, 4)

        def side() -> Any:
            return self.whole(0, 4) if self.flag() else (self.whole(0, 4), self.whole(0, 4))

        match declared.form:
            case "whole":
                return whole()
            case "number":
                above = declared.above is not None
                bottom = declared.above if declared.above is not None else low
                top = declared.maximum if declared.maximum is not None else 5
                return self.number(-3 if bottom is None else bottom, top, above=above)
            case "flag":
                return self.flag()
            case "choice":
                return self.choice(declared.choices)
            case "axes":
                return whole() if self.flag() else self.some(whole, 1, 4)
            case "extents":
                return self.some(whole, 1, 5)
            case "ratios":
                return ratio() if self.flag() else self.some(ratio, 1, 4)
            case "padding":
                words = self.choice(["same", "valid"])
                return self.choice([self.whole(0, 4), self.some(side, 1, 4), words])
