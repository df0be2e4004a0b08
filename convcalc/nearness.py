"""Which known name another is near, without being another thing or the opposite of it."""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from itertools import islice

from convcalc.diagnostics import MAX_COMPARED

NEAR = 0.7
"""Least share of common letters of names that are near each other."""
_NEGATIONS = ("un", "de", "non", "no", "not", "dis", "anti", "inverse")
_OPPOSITES = (
    *(("max", "min"), ("up", "down"), ("depth", "point"), ("before", "after"), ("left", "right")),
    *(("first", "last"), ("height", "width"), ("input", "output"), ("include", "exclude")),
    *(("row", "column"), ("encode", "decode"), ("hard", "soft"), ("above", "below")),
)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is probably a misspelling of, if any.

    >>> nearest("vgg61", ["vgg19", "vgg16"]), nearest("minpool", ["maxpool"])
    ('vgg16', None)
    """
    said = name[:100].lower()
    compared: dict[str, str] = {}
    for each in islice(known, MAX_COMPARED):
        compared.setdefault(each.lower(), each)
    near = [
        each
        for each in get_close_matches(said, compared, n=8, cutoff=NEAR)
        if not _another_thing(said, each) and not _another_thing(each, said)
    ]
    return compared[min(near, key=lambda each: distance(said, each))] if near else None


def distance(one: str, other: str) -> int:
    """Letters that are missing, too many or wrong, or stand in their neighbour's place.

    >>> distance("vgg61", "vgg16"), distance("vgg61", "vgg19"), distance("cnv", "conv")
    (1, 2, 1)
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        last, before, row = before, row, [i + 1]
        for j, wanted in enumerate(other):
            least = min(before[j] + (letter != wanted), before[j + 1] + 1, row[j] + 1)
            if i and j and letter == other[j - 1] and one[i - 1] == wanted:
                least = min(least, last[j - 1] + 1)
            row.append(least)
    return row[-1]


def _another_thing(one: str, other: str) -> bool:
    """Whether a name denies the other, says the opposite, or has a word that the other has not."""
    words, others = _words(one), _words(other)
    if any(a in one and b in other and a not in other and b not in one for a, b in _OPPOSITES):
        return True
    joined, meant = "".join(words), "".join(others)
    for at, word in enumerate(words):
        for negation in _NEGATIONS:
            if word.startswith(negation) and not any(each.startswith(negation) for each in others):
                rest = "".join([*words[:at], word.removeprefix(negation), *words[at + 1 :]])
                if _alike(rest, meant) >= 0.8:
                    return True
    if len(words) == len(others):
        return any(_alike(a, b) < 0.6 for a, b in zip(words, others, strict=True))
    return not (joined.startswith(meant) or meant.startswith(joined)) and (
        _alike(joined, meant) < 0.8
    )


def _words(name: str) -> list[str]:
    return name.replace("-", "_").replace(" ", "_").split("_")


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
