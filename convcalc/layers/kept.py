"""What a layer's backward pass is given: the arrays that training kept of it, and no others."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from convcalc.shape import Shape

_T = TypeVar("_T")


class Kept:
    """Arrays by the names that `operations` declares: `input`, `output`, `indices`, ….

    Of several inputs each is `input 1`, `input 2`, …. What is not there was not declared, or only
    a gradient that nobody asks for needs it.
    """

    __slots__ = ("arrays", "asked", "shapes")

    def __init__(
        self,
        arrays: Mapping[str, Any],
        shapes: Sequence[Shape],
        asked: Collection[int | str],
    ) -> None:
        self.arrays = arrays
        """What was kept, by name; batch first."""
        self.shapes = tuple(shapes)
        """The shapes of the inputs, of one example each: sizes are known without any array."""
        self.asked = asked
        """The numbers of the inputs, and the names of the weights, whose gradients are wanted."""

    def __getitem__(self, name: str) -> Any:
        return self.arrays[name] if name in self.arrays else self._missing(name)

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __repr__(self) -> str:
        return f"Kept({', '.join(self.arrays) or 'nothing'}; asked for {[*self.asked]})"

    def again(self, work: Callable[[], _T]) -> _T:
        """What `work` gives: an array of the forward pass, worked out again of what is kept.

        It is no part of the gradients, so that who counts what is multiplied for them leaves it
        out.
        """
        return work()

    def asks(self, *keys: int | str) -> bool:
        """Whether the gradient of one of these is wanted."""
        return any(key in self.asked for key in keys)

    def _missing(self, name: str) -> NoReturn:
        there = ", ".join(self.arrays) or "nothing"
        message = f"{name!r} was not kept for the backward pass, and what was is {there}"
        raise LookupError(message)
