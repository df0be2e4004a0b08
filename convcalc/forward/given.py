"""The inputs that a caller gives, as arrays of the network's shapes, by their names."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from convcalc.arguments import shown
from convcalc.diagnostics import ArgumentError, closest, listed
from convcalc.graph import INDEXING, Network
from convcalc.graph.planned import Planned
from convcalc.numbers import plural
from convcalc.shape import Shape

Inputs = dict[str, Any]
"""The name of each input → its array (N, C, *spatial), in the order of the network."""


def checked_inputs(network: Planned, x: Any, batch: int | None = None) -> Inputs:
    """`x` as an array of (N, C, *spatial) for each input, of `batch` examples if that is given.

    It is the array of the only input, or arrays by the names of the inputs. An array on a GPU stays
    there. Raises `TypeError` for what is no array of numbers, and `ValueError` for one of another
    shape, and for names that are not those of the inputs.
    """
    named = network.named_inputs
    if not isinstance(x, Mapping):
        if len(named) > 1:
            message = (
                f"{network.name} has {len(named)} inputs, and x is one array: write "
                f"{{{', '.join(f'{name!r}: …' for name in named)}}}"
            )
            raise TypeError(message)
        (name,) = named
        return checked_indices(network, {name: _checked(network, "x", x, network.input, batch)})
    _check_names(network, x)
    arrays: Inputs = {}
    for name, index in named.items():
        what = f"input {name!r}"
        arrays[name] = _checked(network, what, x[name], network.shape_of(index), batch)
    first, *others = named
    examples = len(arrays[first])
    for name in others:
        if len(arrays[name]) != examples:
            message = (
                f"input {name!r} has {plural(len(arrays[name]), 'example')}, and {first!r} has "
                f"{examples:,}: a batch has as many of each"
            )
            raise ArgumentError(message)
    return checked_indices(network, arrays)


def index_limits(network: Network) -> dict[int, int]:
    """By input that is looked up, how many rows the smallest table has: numbers are below that."""
    limits: dict[int, int] = {}
    for node in network.nodes:
        for read in node.inputs if node.kind in INDEXING and node.layer is not None else ():
            rows: int = cast("Any", node.layer).entries
            limits[read] = min(limits.get(read, rows), rows)
    return limits


def checked_indices(network: Planned, arrays: Inputs) -> Inputs:
    """The arrays, those of whole numbers in int64; raises `ValueError` for numbers of no row."""
    for index, rows in index_limits(network).items():
        name = network.nodes[index].name
        x = arrays[name]
        with np.errstate(invalid="ignore"):  # what is no number is told below
            whole = x if x.dtype.kind in "iu" else x.astype("int64")
        wrong = x[(whole != x) | (whole < 0) | (whole >= rows)]
        if len(wrong):
            message = (
                f"input {name!r} is looked up: whole numbers from 0 to {rows - 1:,}, and one is "
                f"{wrong[0]}"
            )
            raise ArgumentError(message)
        arrays[name] = whole.astype("int64")
    return arrays


def examples_of(inputs: Inputs) -> int:
    """How many examples there are of each input."""
    return len(next(iter(inputs.values())))


def _check_names(network: Planned, x: Mapping[Any, Any]) -> None:
    """Raise `ValueError` unless there is an array for each input, and none for anything else."""
    names = list(network.named_inputs)
    wrong = [name for name in x if name not in names]
    if wrong:
        near = closest(str(wrong[0]), names)
        advice = f"; did you mean {near}?" if near else ""
        message = (
            f"x has {wrong[0]!r:.60}, which is no input of {network.name}: it has "
            f"{listed(names)}{advice}"
        )
        raise ArgumentError(message)
    missing = [name for name in names if name not in x]
    if missing:
        message = f"x lacks {listed(missing)}: {network.name} takes {listed(names)}"
        raise ArgumentError(message)


def _checked(network: Planned, what: str, x: Any, wanted_shape: Shape, batch: int | None) -> Any:
    """One array, which messages call `what`."""
    array = x
    if not hasattr(x, "__cuda_array_interface__"):
        try:
            array = np.asarray(x)
        except (TypeError, ValueError, RuntimeError) as error:
            message = f"{what} is no array: {error}"
            raise TypeError(message) from None
    if array.dtype.kind not in "fiub":
        message = f"{what} is an array of numbers, N × channels × extents, and this is {shown(x)}"
        raise TypeError(message)
    shape, axes = tuple(array.shape), wanted_shape.axes
    if shape[1:] == axes and shape[:1] != (0,) and batch in (None, shape[0]):
        return array
    wanted = "×".join(["N" if batch is None else str(batch), *map(str, axes)])
    given = "×".join(map(str, shape)) or "a single number"
    name = what if what == "x" else "it"
    message = f"{what} is {given}, and {network.name} takes {wanted}{_advice(name, shape, axes)}"
    raise ArgumentError(message)


def _advice(name: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> str:
    """What to write where it is plain what was meant."""
    if shape == axes:
        return f": write {name}[None] for one example"
    if shape[1:] == (*axes[1:], axes[0]) and len(axes) > 1:
        order = (0, len(axes), *range(1, len(axes)))
        return f": channels come before extents, so write {name}.transpose{order}"
    return ""
