"""The input that a caller gives, as an array of the network's shape."""

from typing import Any

import numpy as np

from convcalc.arguments import shown
from convcalc.graph.planned import Planned


def checked_input(network: Planned, x: Any, batch: int | None = None) -> Any:
    """`x` as an array of (N, C, *spatial), of `batch` examples if that is given.

    An array on a GPU stays there. Raises `TypeError` for what is no array of numbers, and
    `ValueError` for one of another shape.
    """
    array = x
    if not hasattr(x, "__cuda_array_interface__"):
        try:
            array = np.asarray(x)
        except (TypeError, ValueError, RuntimeError) as error:
            message = f"x is no array: {error}"
            raise TypeError(message) from None
    if array.dtype.kind not in "fiub":
        message = f"x is an array of numbers, N × channels × extents, and this is {shown(x)}"
        raise TypeError(message)
    shape, axes = tuple(array.shape), network.input.axes
    if shape[1:] == axes and shape[:1] != (0,) and batch in (None, shape[0]):
        return array
    wanted = "×".join(["N" if batch is None else str(batch), *map(str, axes)])
    given = "×".join(map(str, shape)) or "a single number"
    message = f"x is {given}, and {network.name} takes {wanted}{_advice(shape, axes)}"
    raise ValueError(message)


def _advice(shape: tuple[int, ...], axes: tuple[int, ...]) -> str:
    """What to write where it is plain what was meant."""
    if shape == axes:
        return ": write x[None] for one example"
    if shape[1:] == (*axes[1:], axes[0]) and len(axes) > 1:
        order = (0, len(axes), *range(1, len(axes)))
        return f": channels come before extents, so write x.transpose{order}"
    return ""
