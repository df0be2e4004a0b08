"""JSON in columns: what is the same in many objects is written once.

A list of objects becomes a table with a column a field, a column of lists one of their lengths and
one of all that is in them, and a column in which few different values stand these values and their
numbers. `unpacked` gives back what was packed, value for value, and `web/src/columns.ts` reads the
same.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import accumulate, islice, pairwise
from types import MappingProxyType
from typing import Any, TypeVar

Packed = dict[str, Any]
"""One column; its `is` says how it is written.

- values: the values as they are, in `values`
- same: one value, `value`, `length` times
- words: the different values, `words`, and for each place the number of its own, in `at`
- steps: whole numbers, the `first` one and the column of how much more each one is, `steps`
- copied: `length` values, of which stretches are those that stand further in front: `copies` has
  in turns where one starts, how long it is, and how far in front; `values` are all others
- dotted: texts, the column of what stands before their last full stop, `front`, null where there is
  none, and that of what stands behind it, `tail`
- lists: the lengths of lists, the column `lengths`, and what is in them, the column `items`
- objects: `length` objects, `fields` the column of each field that all have, and `some` of each
  that some have, with the places of those, `at`
- gaps: null at the places `at` of `length`, and elsewhere the column `rest`
- again: the different lists or objects, the column `of`, and their numbers, the column `at`
- named: texts of a list that is apart, by their numbers, the column `at`, null among them
- digits: whole numbers of which some are too large for a number of JavaScript, as texts

Numbers of places and words, in `at`, are a list, or a column where that is shorter.
"""
NONE: Mapping[str, int] = MappingProxyType({})
"""No names."""
SAFE = 2**53 - 1
"""The largest whole number up to which JavaScript's numbers have all."""
REPEATED = 3
"""How often lists or objects come at least, on average, for each to be written once."""
SAMPLE = 200
"""How many of them are looked at before all are; where none of these comes again, few others do."""
LONG = 64
"""Values from which on it is worth while to look for steps and copies."""
STRETCH = 6
"""The shortest stretch that is copied."""

Way = TypeVar("Way")

_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def packed(values: Sequence[Any], names: Mapping[str, int] = NONE) -> Packed:
    """A column of values that JSON has; `names` are texts that many columns have, by number."""
    again = _again(values, names)
    if again is not None:
        return again
    if values and all(isinstance(value, dict) for value in values):
        return _objects(values, names)
    if values and all(isinstance(value, list) for value in values):
        items = [item for value in values for item in value]
        return {
            "is": "lists",
            "lengths": _scalars([len(value) for value in values]),
            "items": packed(items, names),
        }
    gaps = [place for place, value in enumerate(values) if value is None]
    if gaps and len(gaps) < len(values):
        rest = [value for value in values if value is not None]
        if isinstance(rest[0], dict | list) and all(isinstance(one, type(rest[0])) for one in rest):
            return {
                "is": "gaps",
                "length": len(values),
                "at": _places(gaps),
                "rest": packed(rest, names),
            }
    if names and any(values) and all(value is None or _known(value, names) for value in values):
        at = [None if value is None else names[value] for value in values]
        return {"is": "named", "at": _scalars(at)}
    return _scalars(values)


def _known(value: object, names: Mapping[str, int]) -> bool:
    return isinstance(value, str) and value in names


def _again(values: Sequence[Any], names: Mapping[str, int]) -> Packed | None:
    """Lists or objects of which most come again; None of others."""
    if len(values) < REPEATED or not isinstance(values[0], dict | list):
        return None
    sample = [*map(repr, values[:: len(values) // SAMPLE + 1])]
    if len(sample) > SAMPLE // 2 and len({*sample}) == len(sample):
        return None
    texts = [*map(repr, values)]
    different = dict(zip(texts, values, strict=True))
    if REPEATED * len(different) > len(values):
        return None
    number = {text: place for place, text in enumerate(different)}
    return {
        "is": "again",
        "of": packed([*different.values()], names),
        "at": _scalars([number[text] for text in texts]),
    }


def _objects(values: Sequence[dict[str, Any]], names: Mapping[str, int]) -> Packed:
    every = dict.fromkeys(name for value in values for name in value)
    fields: dict[str, Packed] = {}
    some: dict[str, Packed] = {}
    for name in every:
        at = [place for place, value in enumerate(values) if name in value]
        column = packed([values[place][name] for place in at], names)
        if len(at) == len(values):
            fields[name] = column
        else:
            some[name] = {"at": _places(at), "column": column}
    return {"is": "objects", "length": len(values), "fields": fields, "some": some}


def _scalars(values: Sequence[Any]) -> Packed:
    """Values in the shortest way."""
    kinds = {*map(type, values)}
    if int in kinds and any(type(value) is int and abs(value) > SAFE for value in values):
        return _digits(values)
    if len(kinds - {type(None)}) > 1:  # True is 1 and 1.0 to Python, and not to JSON
        texts = [*map(repr, values)]
        words = dict(zip(texts, values, strict=True))
        at = _numbered(texts, words)
    else:
        words = dict.fromkeys(values)
        at = _numbered(values, words)
        words = {word: word for word in words}
    if len(words) == 1 and len(values) > 1:
        return {"is": "same", "value": values[0], "length": len(values)}
    ways: list[Packed] = [{"is": "values", "values": [*values]}]
    if 2 * len(words) <= len(values) or len(values) < LONG:
        ways.append({"is": "words", "words": [*words.values()], "at": _places(at)})
    if len(values) >= LONG and kinds == {int}:
        ways += _stepped(values)
    if len(values) >= LONG and kinds == {str} and any("." in word for word in words):
        parts = [value.rpartition(".") for value in values]
        front = _scalars([before if dot else None for before, dot, _ in parts])
        ways.append(
            {"is": "dotted", "front": front, "tail": _scalars([tail for *_, tail in parts])}
        )
    return _shortest(ways)


def _numbered(values: Iterable[Any], words: Iterable[Any]) -> list[int]:
    """For each value the number of its word."""
    number = {word: place for place, word in enumerate(words)}
    return [number[value] for value in values]


def _shortest(ways: Sequence[Way]) -> Way:
    """The one that takes least room, the first of equal ones."""
    return min(ways, key=lambda way: len(_text(way)))


def _places(numbers: list[int]) -> list[int] | Packed:
    """Whole numbers as a list, or as a column where that is shorter."""
    ways: list[list[int] | Packed] = [numbers]
    if len(numbers) >= LONG:
        ways += _stepped(numbers)
    return _shortest(ways)


def _stepped(numbers: Sequence[int]) -> list[Packed]:
    """Whole numbers with what comes again in them, or in the steps between them, copied."""
    steps = [after - before for before, after in pairwise(numbers)]
    return [
        _copied(numbers),
        {"is": "steps", "first": numbers[0], "steps": _copied(steps)},
    ]


def _copied(values: Sequence[int]) -> Packed:
    """Values with stretches that stand further in front, too, copied from there."""
    rest: list[int] = []
    copies: list[int] = []
    seen: dict[tuple[int, ...], int] = {}
    at, count = 0, len(values)
    while at < count:
        key = tuple(values[at : at + STRETCH])
        start = seen.get(key)
        if start is None or len(key) < STRETCH:
            seen[key] = at
            rest.append(values[at])
            at += 1
            continue
        long = STRETCH
        while at + long < count and values[start + long] == values[at + long]:
            long += 1
        copies += at, long, at - start
        at += long
    return {"is": "copied", "length": count, "values": rest, "copies": copies}


def _digits(values: Sequence[Any]) -> Packed:
    """Whole numbers as texts. Raises `ValueError` for anything else among them."""
    if not all(value is None or type(value) is int for value in values):
        message = "a whole number that JavaScript cannot hold stands among other values"
        raise ValueError(message)
    texts = [None if value is None else str(value) for value in values]
    return {"is": "digits", "values": texts}


def unpacked(column: Packed, names: Sequence[str] = ()) -> list[Any]:
    """The values of a column, packed with these names."""
    return [*_values(column, names)]


def _values(column: Packed, names: Sequence[str]) -> Iterator[Any]:
    form = column["is"]
    if form == "values":
        return iter(column["values"])
    if form == "same":
        return iter([column["value"]] * column["length"])
    if form == "words":
        return (column["words"][number] for number in _listed(column["at"]))
    if form == "steps":
        return accumulate(_values(column["steps"], names), initial=column["first"])
    if form == "copied":
        return iter(_with_copies(column))
    if form == "dotted":
        parts = zip(_values(column["front"], names), _values(column["tail"], names), strict=True)
        return (tail if front is None else f"{front}.{tail}" for front, tail in parts)
    if form == "named":
        numbers = _values(column["at"], names)
        return (None if number is None else names[number] for number in numbers)
    if form == "digits":
        return (None if text is None else int(text) for text in column["values"])
    if form == "lists":
        items = _values(column["items"], names)
        lengths = _values(column["lengths"], names)
        return ([next(items) for _ in range(length)] for length in lengths)
    if form == "again":
        different = unpacked(column["of"], names)
        return (deepcopy(different[number]) for number in _values(column["at"], names))
    if form == "gaps":
        gaps = _listed(column["at"])
        return _filled(column["length"], gaps, _values(column["rest"], names))
    return iter(_object_values(column, names))


def _listed(at: list[int] | Packed) -> list[int]:
    return at if isinstance(at, list) else unpacked(at)


def _with_copies(column: Packed) -> list[int]:
    values: list[int] = []
    rest = iter(column["values"])
    copies = column["copies"]
    for at, long, back in zip(copies[::3], copies[1::3], copies[2::3], strict=True):
        values += islice(rest, at - len(values))
        for _ in range(long):
            values.append(values[-back])
    return [*values, *rest]


def _filled(length: int, gaps: Iterable[int], rest: Iterator[Any]) -> Iterator[Any]:
    empty = set(gaps)
    return (None if place in empty else next(rest) for place in range(length))


def _object_values(column: Packed, names: Sequence[str]) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = [{} for _ in range(column["length"])]
    for name, field in column["fields"].items():
        for one, value in zip(objects, _values(field, names), strict=True):
            one[name] = value
    for name, part in column["some"].items():
        for place, value in zip(_listed(part["at"]), _values(part["column"], names), strict=True):
            objects[place][name] = value
    return objects
