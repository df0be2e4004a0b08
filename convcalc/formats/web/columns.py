"""JSON in columns: what is the same in many objects is written once.

A list of objects becomes a table with a column a field, a column of lists one of their lengths and
one of all that is in them, and a column in which few different values stand these values and their
numbers. `unpacked` gives back what was packed, value for value, and `web/src/columns.ts` reads the
same.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType
from typing import Any

Packed = dict[str, Any]
"""One column; its `is` says how it is written.

- values: the values as they are, in `values`
- same: one value, `value`, `length` times
- words: the different values, `words`, and for each place the number of its own, in `at`
- lists: the lengths of lists, the column `lengths`, and what is in them, the column `items`
- objects: `length` objects, `fields` the column of each field that all have, and `some` of each
  that some have, with the places of those, `at`
- gaps: null at the places `at` of `length`, and elsewhere the column `rest`
- again: the different lists or objects, the column `of`, and their numbers, the column `at`
- named: texts of a list that is apart, by their numbers, the column `at`, null among them
- digits: whole numbers of which some are too large for a number of JavaScript, as texts
"""
NONE: Mapping[str, int] = MappingProxyType({})
"""No names."""
SAFE = 2**53 - 1
"""The largest whole number up to which JavaScript's numbers have all."""
REPEATED = 3
"""How often lists or objects come at least, on average, for each to be written once."""

_text = json.JSONEncoder(ensure_ascii=False).encode


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
            return {"is": "gaps", "length": len(values), "at": gaps, "rest": packed(rest, names)}
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
    texts = [*map(_text, values)]
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
            some[name] = {"at": at, "column": column}
    return {"is": "objects", "length": len(values), "fields": fields, "some": some}


def _scalars(values: Sequence[Any]) -> Packed:
    """Values in the shortest of three ways: as they are, as one, or as numbers of words."""
    if any(isinstance(value, int) and abs(value) > SAFE for value in values):
        return _digits(values)
    texts = [*map(_text, values)]
    words = dict(zip(texts, values, strict=True))
    if len(words) == 1 and len(values) > 1:
        return {"is": "same", "value": values[0], "length": len(values)}
    plain = sum(map(len, texts)) + len(texts)
    width = len(str(len(words))) + 1
    if sum(map(len, words)) + len(words) + width * len(values) < plain:
        number = {text: place for place, text in enumerate(words)}
        return {"is": "words", "words": [*words.values()], "at": [number[text] for text in texts]}
    return {"is": "values", "values": [*values]}


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
        return (column["words"][number] for number in column["at"])
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
        return _filled(column["length"], column["at"], _values(column["rest"], names))
    return iter(_object_values(column, names))


def _filled(length: int, gaps: Iterable[int], rest: Iterator[Any]) -> Iterator[Any]:
    empty = set(gaps)
    return (None if place in empty else next(rest) for place in range(length))


def _object_values(column: Packed, names: Sequence[str]) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = [{} for _ in range(column["length"])]
    for name, field in column["fields"].items():
        for one, value in zip(objects, _values(field, names), strict=True):
            one[name] = value
    for name, part in column["some"].items():
        for place, value in zip(part["at"], _values(part["column"], names), strict=True):
            objects[place][name] = value
    return objects
