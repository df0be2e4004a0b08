"""A layer and its input shapes on numbers that remember, each under the letter of its declaration.

Whatever is asked of such a layer, its plan, its operations or a field through its windows, explains
itself: `reasons.formula` writes what was calculated.
"""

from typing import Any, TypeVar

from convcalc.layers.base import Layer, declarations, defaults
from convcalc.reasons import named
from convcalc.shape import Shape

AXES = {0: "", 1: "L", 2: "HW", 3: "DHW"}
"""Letters of the spatial axes, by their number."""
ALWAYS = frozenset({"F", "S", "P"})
"""Letters that formulas show even where a field has its default."""

Kind = TypeVar("Kind", bound=Layer)


def lettered(layer: Kind) -> Kind:
    """The layer with its hyperparameters under their letters, but for defaults that change nothing.

    >>> from convcalc.layers.convolution import Conv
    >>> from convcalc.reasons import formula
    >>> conv = lettered(Conv(filters=96, kernel=11, stride=4))
    >>> formula(conv.plan([lettered_shape(Shape(3, (227, 227)))]).output.spatial[0])
    '(H − F + 2·P)/S + 1'
    """
    usual = defaults(type(layer))
    fields = {name: getattr(layer, name) for name in declarations(type(layer))}
    for name, declared in declarations(type(layer)).items():
        letter, value = declared.letter, fields[name]
        if letter and (letter in ALWAYS or name not in usual or value != usual[name]):
            fields[name] = _under(value, letter)
    return type(layer)(**fields)


def lettered_shape(shape: Shape) -> Shape:
    """A shape with its channels C and its extents L, H and W, or D, H and W."""
    letters = AXES[shape.rank]
    spatial = (named(size, letter) for size, letter in zip(shape.spatial, letters, strict=True))
    return Shape(named(shape.channels, "C"), tuple(spatial))


def _under(value: Any, letter: str) -> Any:
    """A field's value with its whole numbers under a letter."""
    if isinstance(value, tuple):
        return tuple(_under(each, letter) for each in value)
    return named(value, letter) if type(value) is int else value
