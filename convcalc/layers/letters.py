"""A layer and its input shapes on numbers that remember, each under the letter of its declaration.

Whatever is asked of such a layer, its plan, its operations or a field through its windows, explains
itself: `reasons.formula` writes what was calculated.

A letter stands for one number: where a field has another value on each axis, its letters say which
(`F_H`, `P_left`), and so do those of several inputs (`C_1`, `C_2`).
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from convcalc.layers.base import Layer, declarations, defaults
from convcalc.reasons import named
from convcalc.shape import Shape

AXES = {0: "", 1: "L", 2: "HW", 3: "DHW"}
"""Letters of the spatial axes, by their number."""
SIDES = {
    1: (("left", "right"),),
    2: (("top", "bottom"), ("left", "right")),
    3: (("front", "back"), ("top", "bottom"), ("left", "right")),
}
"""What stands before and behind the values of each axis, by the number of axes."""
ALWAYS = frozenset({"F", "S", "P"})
"""Letters that formulas show even where a field has its default."""

Kind = TypeVar("Kind", bound=Layer)


def lettered(layer: Kind, taken: str = "") -> Kind:
    """The layer with its hyperparameters under their letters, but for defaults that change nothing.

    A field goes by its name where it has no letter, or one that is `taken` by an axis.

    >>> from convcalc.layers.convolution import Conv
    >>> from convcalc.reasons import formula
    >>> conv = lettered(Conv(filters=96, kernel=11, stride=4))
    >>> formula(conv.plan([lettered_shape(Shape(3, (227, 227)))]).output.spatial[0])
    '(H − F + 2·P)/S + 1'
    >>> conv = lettered(Conv(filters=1, kernel=(1, 3), padding=(0, (2, 1))))
    >>> [formula(size) for size in conv.plan([lettered_shape(Shape(3, (5, 5)))]).output.spatial]
    ['(H − F_H + 2·P_H)/S + 1', '(W − F_W + P_left + P_right)/S + 1']
    """
    usual = defaults(type(layer))
    fields = {name: getattr(layer, name) for name in declarations(type(layer))}
    for name, declared in declarations(type(layer)).items():
        if declared.form == "tensor":
            continue
        letter, value = declared.letter, fields[name]
        called = letter if letter and letter not in taken else name
        if letter in ALWAYS or name not in usual or value != usual[name]:
            if declared.form == "extents":
                fields[name] = _listed(value, called, sided=declared.sided)
            else:
                fields[name] = _under(value, called)
    return type(layer)(**fields)


def lettered_call(layer: Kind, shapes: Sequence[Shape]) -> tuple[Kind, list[Shape]]:
    """A layer and what it reads, no letter of which stands for two numbers."""
    return lettered(layer, AXES[shapes[0].rank] if shapes else ""), lettered_shapes(shapes)


def lettered_shape(shape: Shape) -> Shape:
    """A shape with its channels C and its extents L, H and W, or D, H and W."""
    return lettered_shapes([shape])[0]


def lettered_shapes(shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes of several inputs, whose letters have a number where their extents differ.

    >>> from convcalc.reasons import formula
    >>> shapes = lettered_shapes([Shape(3, (5, 5)), Shape(4, (5, 5))])
    >>> [formula(size) for shape in shapes for size in shape.axes]
    ['C_1', 'H', 'W', 'C_2', 'H', 'W']
    """
    known: dict[str, set[int]] = {}
    for shape in shapes:
        for letter, size in zip("C" + AXES[shape.rank], shape.axes, strict=True):
            known.setdefault(letter, set()).add(size)
    alike = {letter for letter, sizes in known.items() if len(sizes) == 1}
    return [
        Shape.from_axes(
            tuple(
                named(size, letter if letter in alike else f"{letter}_{number}")
                for letter, size in zip("C" + AXES[shape.rank], shape.axes, strict=True)
            )
        )
        for number, shape in enumerate(shapes, 1)
    ]


def _under(value: Any, letter: str) -> Any:
    """A field's value with its whole numbers under a letter, or one for each axis and side."""
    if not isinstance(value, tuple):
        return named(value, letter) if type(value) is int else value
    one = value[0] if len({*value}) == 1 else None
    if len(value) == 1 and isinstance(one, tuple) and one[0] == one[1]:
        one = one[0]
    if type(one) is int:
        return tuple(
            _pair(each, letter) if isinstance(each, tuple) else named(each, letter)
            for each in value
        )
    axes, sides = AXES.get(len(value), ""), SIDES.get(len(value), ())
    if not axes:  # more axes than there are, which is an error of the layer's
        return value
    return tuple(
        _side_by_side(each, letter, axis, names)
        for each, axis, names in zip(value, axes, sides, strict=True)
    )


def _pair(pair: tuple[int, int], letter: str) -> tuple[int, int]:
    return named(pair[0], letter), named(pair[1], letter)


def _side_by_side(value: Any, letter: str, axis: str, sides: tuple[str, str]) -> Any:
    """What a field says of one axis: a number, or one for each of its sides."""
    if not isinstance(value, tuple):
        return named(value, f"{letter}_{axis}") if type(value) is int else value
    if value[0] == value[1]:
        return _pair(value, f"{letter}_{axis}")
    return tuple(named(each, f"{letter}_{side}") for each, side in zip(value, sides, strict=True))


def _listed(values: Sequence[int], name: str, *, sided: bool) -> tuple[int, ...]:
    """A list of whole numbers, each by its place."""
    places = ("before", "behind") if sided else range(1, len(values) + 1)
    return tuple(
        named(value, f"{name}_{place}") for value, place in zip(values, places, strict=False)
    )
