"""Weights by name, from a caller or a file, as those of a network."""

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any, NamedTuple

from convcalc.arguments import by_name, shown
from convcalc.forward.weights import checked_weights
from convcalc.graph import Network


class Fitted(NamedTuple):
    """Weights by the names that they have in the network."""

    weights: Mapping[str, Any]
    """Arrays by "<layer>.<weight>", of the shapes that the network plans."""
    notes: tuple[str, ...] = ()
    """What was made of the names, in sentences without a full stop."""


def given_weights(given: object, network: Network) -> Fitted:
    """The weights of a network from arrays by name, or from a file of them.

    Raises `TypeError` for what is neither, and `ValueError` for weights that do not fit.
    """
    if isinstance(given, str | PathLike):
        from convcalc.forward.files import read_weights

        path = fspath(given)
        if not isinstance(path, str):
            message = f"weights are arrays by name, or a file's path as text, not {shown(path)}"
            raise TypeError(message)
        weights, unused = read_weights(path, network)
        del unused
        return Fitted(weights)
    arrays = by_name(given, "weights", "{'conv1.weight': array}")
    for name, array in arrays.items():
        if not hasattr(array, "shape"):
            message = f"weights: {name} is an array, and this is {shown(array)}"
            raise TypeError(message)
    checked_weights(network, arrays)
    return Fitted(arrays)
