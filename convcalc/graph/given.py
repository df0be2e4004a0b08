"""Inputs and parameters as the library's functions are given them, or refused."""

from collections.abc import Mapping
from operator import index as as_index
from typing import Any

from convcalc.shape import Shape
from convcalc.spec.values import FieldError, parse_shape


def given_shape(given: object) -> Shape | dict[str, Shape] | None:
    """An input as the library takes it: a shape, a text that says one, or its numbers.

    Of several, some by their names. None where none is given.

    >>> given_shape((224, 200, 3))
    Shape(channels=3, spatial=(224, 200))
    >>> given_shape({"left": "64x64x1"})
    {'left': Shape(channels=1, spatial=(64, 64))}
    """
    if given is None or (isinstance(given, Mapping) and not given):
        return None
    if isinstance(given, Mapping):
        from convcalc.arguments import by_name

        named = by_name(given, "input", "{'left': '64x64x1'}")
        return {name: _one_shape(shape) for name, shape in named.items()}
    return _one_shape(given)


def _one_shape(given: object) -> Shape:
    """A shape as the library takes it. Raises `ValueError` for what is none."""
    if isinstance(given, Shape):
        if all(type(size) is int and size > 0 for size in given.axes):
            return given
    elif isinstance(given, str):
        try:
            return parse_shape(given)
        except FieldError as error:
            raise ValueError(f"input {given!r}: {error.problem.message}") from None
    elif isinstance(given, tuple | list) and given:
        sizes = [_index(size) for size in given]
        if None not in sizes:
            return _one_shape("x".join(map(str, sizes)))
    from convcalc.arguments import shown

    message = (
        f'input {shown(given)} is no shape; write "224x224x3", (224, 224, 3) or '
        "Shape(3, (224, 224))"
    )
    raise ValueError(message)


def given_parameters(given: Any) -> Mapping[str, Any] | None:
    """Values by names as the library takes them. Raises `TypeError` for anything else."""
    if given is None or (type(given) is dict and not given):
        return None
    from convcalc.arguments import by_name

    values = by_name(given, "parameters", "{'classes': 10}")
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python has it; anything else as it is."""
    return value.item() if getattr(value, "shape", None) == () else value


def _index(size: object) -> int | None:
    """A whole number, NumPy's among them; None for anything else."""
    try:
        return None if isinstance(size, bool) else as_index(size)  # type: ignore[arg-type]
    except TypeError:
        return None


def refuse_beside_network(shape: object, parameters: object) -> None:
    """Raise `ValueError` for an input or parameters beside a network, which has both."""
    if shape is not None or given_parameters(parameters):
        message = "input and parameters are for a spec that is read, and this is a network already"
        raise ValueError(message)
