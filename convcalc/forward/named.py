"""Weights by name, from a caller or a file, as those of a network: by its names or by others'.

Published weights have the names of the library that they were trained with. Five ways are tried in
turn: the network's own names; a map of names that is given; where layers say they come from; the
bundled maps; and what order the names count, with shapes. Only what is certain is taken, and
whatever is not by own names is told.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from os import PathLike, fspath
from typing import Any, NamedTuple

import numpy as np

from convcalc.arguments import by_name, shown
from convcalc.diagnostics import ArgumentError, listed
from convcalc.forward.files import read_arrays
from convcalc.forward.foreign import FileError
from convcalc.forward.mapping import Line, bundled_maps, lines_of
from convcalc.forward.matching import Signature, Slot, Unclear, match, module_of, plain_shape, slots
from convcalc.forward.weights import checked_weights, expected_weights, turned
from convcalc.graph import Network
from convcalc.layers.relative import INDEX
from convcalc.numbers import plural

IGNORED = ("num_batches_tracked", INDEX)
"""PyTorch's counter of batches, which no layer reads, and what follows of the size of a map."""
NO_NUMBERS = "cSUOmM"
"""Kinds of NumPy's data types that are no real numbers: complex ones, texts, objects, times."""
SHOWN = 5
"""How many names or layers a message lists."""


class Fitted(NamedTuple):
    """Weights by the names that they have in the network."""

    weights: Mapping[str, Any]
    """Arrays by "<layer>.<weight>", of the shapes that the network plans."""
    unused: tuple[str, ...] = ()
    """Names of the arrays that no layer has."""
    notes: tuple[str, ...] = ()
    """What was made of the names, in sentences without a full stop."""


def given_weights(given: object, network: Network) -> Fitted:
    """The weights of a network from arrays by name, or from a file of them.

    Raises `TypeError` for what is neither, and `ValueError` for weights that do not fit.
    """
    if isinstance(given, str | PathLike):
        path = fspath(given)
        if not isinstance(path, str):
            message = f"weights are arrays by name, or a file's path as text, not {shown(path)}"
            raise TypeError(message)
        if not path:
            message = "weights: an empty text names no file"
            raise ArgumentError(message)
        return read_weights(path, network)
    arrays = by_name(given, "weights", "{'conv1.weight': array}")
    for name, array in arrays.items():
        if not hasattr(array, "shape"):
            message = f"weights: {name} is an array, and this is {shown(array)}"
            raise TypeError(message)
    return fitted({name: _whole(array) for name, array in arrays.items()}, network)


def own_weights(network: Network) -> Fitted | None:
    """The weights that the file of a network from elsewhere has; None of any other network.

    Raises `ValueError` where they are not to be had.
    """
    written = network.written
    if written is None or written.arrays is None:
        return None
    weights = {
        name: np.asarray(_whole(array), np.float32)
        for name, array in written.arrays(network).items()
    }
    return Fitted(weights, notes=("weights are the file's own",))


def _whole(array: Any) -> Any:
    """The array with every value in memory, of which `verify` counts those that are read."""
    strides = getattr(array, "strides", ()) if isinstance(array, np.ndarray) else ()
    return np.array(array) if 0 in strides else array


def read_weights(path: str, network: Network, names: Mapping[str, str] | None = None) -> Fitted:
    """Weights of a file in float32, whose arrays may have other names.

    `names` is a map, whose lines may be patterns: docs/verify.md. Raises `FileError` for a file
    that cannot be read, and `ValueError` with every weight that is missing or does not fit.
    """
    known = fitted(read_arrays(path), network, names, path)
    notes = known.notes if path.endswith(".json") else (*known.notes, *_of_whole_numbers(known))
    weights = {name: np.asarray(each, np.float32) for name, each in known.weights.items()}
    return known._replace(weights=weights, notes=notes)


def _of_whole_numbers(known: Fitted) -> Iterator[str]:
    """What is said of weights that are whole numbers, as those of a quantized network are.

    In a text people write 1 for 1.0.
    """
    whole = [name for name, each in known.weights.items() if each.dtype.kind in "iub"]
    if whole:
        types = listed(dict.fromkeys(str(known.weights[name].dtype) for name in whole))
        more = f" and {plural(len(whole) - 1, 'other')}" if len(whole) > 1 else ""
        hold = "hold" if more else "holds"
        yield (
            f"{whole[0]}{more} {hold} whole numbers ({types}), which are taken as they stand; "
            "quantized weights are real ones once they are written as scale * (array - zero_point)"
        )


def fitted(
    arrays: Mapping[str, Any],
    network: Network,
    names: Mapping[str, str] | None = None,
    path: str = "the dictionary",
) -> Fitted:
    """Arrays by any names as the network's weights; `path` is what messages call them."""
    arrays = {name: array for name, array in arrays.items() if not name.endswith(IGNORED)}
    for name, array in arrays.items():
        dtype = getattr(array, "dtype", None)
        if getattr(dtype, "kind", "f") in NO_NUMBERS:
            message = f"{name} of {path} holds {dtype}, and weights are real numbers"
            raise ArgumentError(message)
    shapes = {name: weight.shape for name, _, weight in expected_weights(network)}
    if names:
        return _by_map(arrays, network, shapes, lines_of(names), path)
    known = _known(arrays, network, shapes, path)
    if known is not None:
        return known
    for prefix in _shared_beginnings(arrays):
        rest = {name.removeprefix(prefix): array for name, array in arrays.items()}
        known = _known(rest, network, shapes, path)
        if known is not None:
            note = f"every name in {path} begins with {prefix!r}, which was left out"
            unused = tuple(f"{prefix}{name}" for name in known.unused)
            return known._replace(unused=unused, notes=(note, *known.notes))
    own = [name for name in shapes if name in arrays]
    if 2 * len(own) >= len(shapes) or not arrays:
        checked_weights(network, arrays)  # which says what is wrong with own names
    called = _matched(arrays, shapes, {}, path)
    note = f"{path} has other names, matched by the order that they count and by shape"
    return _taken(arrays, shapes, called, (f"{note} ({_examples(called)})",))


def _shared_beginnings(names: Iterable[str]) -> Iterator[str]:
    """What all names begin with, as `module.` of a wrapped model, by parts and the shortest first.

    >>> [*_shared_beginnings(["module.model.a.weight", "module.model.b.weight"])]
    ['module.', 'module.model.']
    """
    every = [*names]
    if not every:
        return
    for at, (one, other) in enumerate(zip(min(every), max(every), strict=False)):
        if one != other:
            return
        if one == ".":
            yield every[0][: at + 1]


def _known(
    arrays: Mapping[str, Any],
    network: Network,
    shapes: Mapping[str, tuple[int, ...]],
    path: str,
) -> Fitted | None:
    """Arrays by the network's own names, or by those of a bundled map; None where neither fits."""
    own = [name for name in shapes if name in arrays]
    if len(own) == len(shapes) and all(tuple(arrays[name].shape) == shapes[name] for name in own):
        checked_weights(network, arrays)
        return Fitted(arrays)
    called = _by_origin(network, shapes, arrays)
    if called:
        note = f"{path} has the names that layers come from ({_examples(called)})"
        return _taken(arrays, shapes, called, (note,))
    for bundled in bundled_maps():
        called = _called(bundled.lines, shapes, arrays, whole=True)
        if len(called) == len(shapes) and all(
            _fits(arrays[called[name]].shape, shapes[name]) for name in shapes
        ):
            how = f"read by the bundled map {bundled.name} ({_examples(called)})"
            notes = [f"{path} has other names, {how}"]
            if bundled.differs:
                notes.append(f"outputs may not be those published: {bundled.differs}")
            return _taken(arrays, shapes, called, tuple(notes))
    return None


def _by_origin(
    network: Network, shapes: Mapping[str, tuple[int, ...]], arrays: Mapping[str, Any]
) -> dict[str, str]:
    """What the file calls each weight, where it has those that layers come from; {} otherwise."""
    origins = {node.name: node.origin for node in network.nodes}
    called: dict[str, str] = {}
    for name, shape in shapes.items():
        layer, _, leaf = name.rpartition(".")
        origin = origins.get(layer, "")
        theirs = f"{origin}.{leaf}"
        if theirs not in arrays and "/" in origin:
            theirs = f"{_module(origin)}.{leaf}"
        if not origin or theirs not in arrays or not _fits(arrays[theirs].shape, shape):
            return {}
        called[name] = theirs
    return called


def _module(path: str) -> str:
    """The module of a node that is named by its path, each part of which may repeat the last.

    >>> _module("/layer1/layer1.0/conv1/Conv")
    'layer1.0.conv1'
    """
    parts: list[str] = []
    for part in filter(None, path.split("/")[:-1]):
        if parts and part.startswith(f"{parts[-1]}."):
            parts.pop()
        parts.append(part)
    return ".".join(parts)


def _by_map(
    arrays: Mapping[str, Any],
    network: Network,
    shapes: Mapping[str, tuple[int, ...]],
    lines: list[Line],
    path: str,
) -> Fitted:
    """By a map that is given; what it leaves out has its own name, or is matched."""
    layers = {name.rpartition(".")[0] for name in shapes}
    idle = [
        line.name
        for line in lines
        if not any(line.pattern.fullmatch(name) for name in (*shapes, *layers))
    ]
    if idle:
        message = f"the mapping names weights that the network does not have: {_some(idle)}"
        raise FileError(message)
    try:
        called = _called(lines, shapes, arrays, whole=False)
    except FileError as error:
        message = f"{path} {error}"
        raise FileError(message) from None
    rest = [name for name in shapes if name not in called]
    own = [name for name in rest if name in arrays]
    notes: tuple[str, ...] = ()
    if rest and not own:
        called = _matched(arrays, shapes, called, path)
        note = "what the mapping leaves out was matched by the order that names count and by shape"
        notes = (f"{note} ({_examples({name: called[name] for name in rest})})",)
    called.update((name, name) for name in own)
    taken = _taken(arrays, shapes, called, notes)
    checked_weights(network, taken.weights)
    return taken


def _called(
    lines: list[Line], shapes: Mapping[str, object], arrays: Mapping[str, Any], *, whole: bool
) -> dict[str, str]:
    """What the file calls each weight that lines are about.

    The first line that is about a weight or its layer holds. What the file does not have is a
    `FileError`; a map that is tried, which is `whole`, is given up at the first of such, and at
    the first weight that it says nothing about.
    """
    called: dict[str, str] = {}
    modules: dict[str, str | None] = {}
    for name in shapes:
        layer, _, leaf = name.rpartition(".")
        if layer not in modules:
            modules[layer] = _first(lines, layer)
        module, theirs = modules[layer], _first(lines, name)
        if theirs is None and module is not None:
            theirs = f"{module}.{leaf}"
            if theirs not in arrays and leaf == "weight" and module in arrays:
                theirs = module  # a single array, which needs no name of its own
        if theirs is not None and theirs in arrays:
            called[name] = theirs
        elif whole:
            return {}
        elif theirs is not None:
            message = f"has no array {theirs!r}, which the mapping names for {name}"
            raise FileError(message)
    return called


def _first(lines: list[Line], name: str) -> str | None:
    return next((called for line in lines if (called := line.called(name)) is not None), None)


def _fits(shape: Iterable[int], wanted: tuple[int, ...]) -> bool:
    """Whether values of a shape lie as those of another, whose axes may be merged into one."""
    given = tuple(shape)
    if plain_shape(given) == plain_shape(wanted):
        return True
    flat = len(wanted) == 2 and len(given) > 2
    return flat and given[0] == wanted[0] and prod(given) == prod(wanted)


def _as(array: Any, shape: tuple[int, ...]) -> Any:
    """The array in the shape of the network, where its values lie so."""
    if tuple(array.shape) != shape and _fits(array.shape, shape):
        return np.asarray(array).reshape(shape)
    return array


def _taken(
    arrays: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    called: Mapping[str, str],
    notes: tuple[str, ...],
) -> Fitted:
    weights = {name: _as(arrays[theirs], shapes[name]) for name, theirs in called.items()}
    used = {*called.values()}
    return Fitted(weights, tuple(name for name in arrays if name not in used), notes)


def _matched(
    arrays: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    fixed: Mapping[str, str],
    path: str,
) -> dict[str, str]:
    """What the file calls each weight, by order and shape, beside those that are `fixed`.

    Raises `ValueError` where that is not certain, with what to do.
    """
    wanted = slots(shapes.items())
    there = [
        _flattened(slot, {each.signature for each in wanted})
        for slot in slots((name, array.shape) for name, array in arrays.items())
    ]
    known = {module_of(one)[0]: module_of(other)[0] for one, other in fixed.items()}
    _refuse_unlike(wanted, there, path)
    answer = match(wanted, there, known)
    if answer.impossible:
        message = (
            f"{path} has other names, and the order that they count is not that of the network's "
            f"layers; {ADVICE}"
        )
        raise ArgumentError(message)
    if answer.unclear:
        raise ArgumentError(_unclear(answer.unclear, path))
    called = {}
    for name in shapes:
        layer, leaf = module_of(name)
        module = answer.names[layer]
        called[name] = f"{module}.{leaf}" if f"{module}.{leaf}" in arrays else module
    return called


ADVICE = "write what is what into a file for --weights-map, a line a layer: conv1: features.0"


def _flattened(slot: Slot, known: set[Signature]) -> Slot:
    """A convolution over a whole map as the linear layer that it is, where only that is wanted."""
    if slot.signature in known:
        return slot
    flat = tuple(
        (name, (shape[0], prod(shape[1:])) if len(shape) > 2 else shape)
        for name, shape in slot.signature
    )
    return slot._replace(signature=flat) if flat in known else slot


def _refuse_unlike(wanted: list[Slot], there: list[Slot], path: str) -> None:
    """Refuse a file whose layers are not of the shapes of the network's, naming what is not."""
    here, other = (Counter(slot.signature for slot in each) for each in (wanted, there))
    if here == other:
        return
    missing, more = here - other, other - here
    lines = [f"{path} has other names, and its shapes are not the network's:"]
    lines += _listed(
        f"{slot.name}: {_said(slot.signature)} is wanted{_turned(slot, more)}"
        for slot in wanted
        if slot.signature in missing
    )
    lines += _listed(
        f"{slot.name}: {_said(slot.signature)} is there, and no layer's"
        for slot in there
        if slot.signature in more
    )
    if not missing:
        lines.append(f"leave out what is not of the network, or {ADVICE}")
    raise ArgumentError("\n  ".join(lines))


def _turned(slot: Slot, more: Counter[Signature]) -> str:
    """That a layer of the file has the same values with its axes in another order."""
    for signature in more:
        if [name for name, _ in signature] != [name for name, _ in slot.signature]:
            continue
        pairs = [(a, b) for (_, a), (_, b) in zip(signature, slot.signature, strict=True)]
        if all(turned(given, shape) or given == shape for given, shape in pairs):
            return ", and there are such with axes in another order: PyTorch's is filters first"
    return ""


def _unclear(groups: Iterable[Unclear], path: str) -> str:
    """Which layers may be several, and what to write."""
    listed = list(groups)
    lines = [f"{path} has other names, which do not tell which array is which:"]
    lines += _listed(
        f"{_some(each.layers)}: {_said(each.shapes)} may be {_some(each.modules)}"
        for each in listed
    )
    lines.append(
        "write which is which into a file for --weights-map, a line a layer, the name here and the "
        f"one there ({listed[0].layers[0]}: …); the rest is matched"
    )
    return "\n  ".join(lines)


def _listed(lines: Iterable[str]) -> Iterator[str]:
    """The first of them, and how many more there are."""
    every = list(lines)
    yield from every[:SHOWN]
    if len(every) > SHOWN:
        yield f"and {len(every) - SHOWN:,} more"


def _said(signature: Signature) -> str:
    return ", ".join(f"{name} {'×'.join(map(str, shape)) or 1}" for name, shape in signature)


def _examples(called: Mapping[str, str]) -> str:
    """How it goes, by the first layers and the last."""
    pairs = [f"{one} is {other.removesuffix('.weight')}" for one, other in _firsts(called)]
    return ", ".join(pairs if len(pairs) <= 4 else [*pairs[:3], "…", pairs[-1]])


def _firsts(called: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The first weight of each layer, as layer and array."""
    seen = set()
    for name, theirs in called.items():
        layer = name.rpartition(".")[0]
        if layer not in seen:
            seen.add(layer)
            yield layer, theirs


def _some(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more
