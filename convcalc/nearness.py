"""Which known name another is near, without being another thing or the opposite of it."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
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

_ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("param", "params", "weights", "#params"), ("parameters",)),
    **dict.fromkeys(("mac", "macc", "maccs", "mult_adds", "madds", "multadds"), ("macs",)),
    **dict.fromkeys(("rf", "field", "receptive"), ("receptive_field",)),
    **dict.fromkeys(("shape", "output_shape", "out", "output_size"), ("output",)),
    **dict.fromkeys(("in", "input"), ("inputs", "input")),
    **dict.fromkeys(("type", "layer_type", "op"), ("kind",)),
    **dict.fromkeys(("layer", "layers"), ("name",)),
    **dict.fromkeys(("mem", "bytes"), ("memory",)),
    **dict.fromkeys(("strides", "jump"), ("stride",)),
    **dict.fromkeys(("pad", "pads"), ("padding",)),
    **dict.fromkeys(("hparams", "hyperparams", "args", "arguments"), ("hyperparameters",)),
    **dict.fromkeys(("md", "gfm"), ("markdown",)),
    **dict.fromkeys(("txt", "text", "plain"), ("plain", "text")),
    **dict.fromkeys(("rich", "pretty"), ("table", "text")),
    **dict.fromkeys(("xml",), ("junit",)),
    **dict.fromkeys(("fp16", "f16", "half", "16"), ("float16",)),
    **dict.fromkeys(("fp32", "f32", "float", "single", "32"), ("float32",)),
    **dict.fromkeys(("fp64", "f64", "double", "64"), ("float64",)),
    **dict.fromkeys(("bf16",), ("bfloat16",)),
    **dict.fromkeys(("gpu",), ("cuda", "cupy")),
    **dict.fromkeys(("cpu",), ("numpy",)),
}
"""Words for columns, formats and types elsewhere → those here, of which a choice has one."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is probably a misspelling of, if any.

    >>> nearest("vgg61", ["vgg19", "vgg16"]), nearest("minpool", ["maxpool"])
    ('vgg16', None)
    """
    said = name[:100].lower()
    compared: dict[str, str] = {}
    for each in islice(known, MAX_COMPARED):
        compared.setdefault(each.lower(), each)
    near = _nearest(said, tuple(compared))
    return None if near is None else compared[near]


@lru_cache(maxsize=256)
def _nearest(said: str, names: tuple[str, ...]) -> str | None:
    """The same in lower case; one mistake asks more than once, and comparing letters is slow."""
    from difflib import get_close_matches  # only wanted once something is wrong

    letters = {*said}
    alike = [
        each for each in names if _may_be_near(len(said), len(each), sum(map(each.count, letters)))
    ]
    near = [
        each
        for each in get_close_matches(said, alike, n=8, cutoff=NEAR)
        if not _another_thing(said, each) and not _another_thing(each, said)
    ]
    return min(near, key=lambda each: distance(said, each)) if near else None


def _may_be_near(said: int, name: int, known: int) -> bool:
    """Whether words of so many letters can be near, of which `known` of the name's are said, too.

    Most names are told apart by this, which takes a tenth of a comparison.
    """
    return not said + name or 2 * min(said, known) / (said + name) >= NEAR


def meant(word: str, known: Iterable[str]) -> str | None:
    """The word of a choice that another is: in other letters, as elsewhere, or misspelt.

    >>> meant("params", ["name", "parameters"]), meant("Adam", ["adam"]), meant("x", ["y"])
    ('parameters', 'adam', None)
    """
    words = {each.lower(): each for each in known}
    said = word.strip().lower().replace("-", "_")
    for each in (said, *_ELSEWHERE.get(said, ())):
        if each in words:
            return words[each]
    return nearest(said, words.values())


def asked(unknown: Collection[str], known: Iterable[str]) -> str:
    """A question for the words that are meant by unknown ones; "" where nothing is near.

    >>> asked(["params"], ["parameters"])
    ': did you mean parameters?'
    """
    words = list(known)
    near = [word for each in unknown if (word := meant(each, words))]
    also = " JUnit's reports are XML." if "junit" in near and "xml" in unknown else ""
    return f": did you mean {' and '.join(dict.fromkeys(near))}?{also}" if near else ""


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
    joined, whole = "".join(words), "".join(others)
    alike = len(words) == len(others)
    for at, word in enumerate(words):
        for negation in _NEGATIONS:
            if not word.startswith(negation):
                continue
            rest = word.removeprefix(negation)
            if alike and not others[at].startswith(negation) and _alike(rest, others[at]) >= 0.8:
                return True
            if not alike and _alike("".join([*words[:at], rest, *words[at + 1 :]]), whole) >= 0.95:
                return True
    if alike:
        return any(_alike(a, b) < 0.6 for a, b in zip(words, others, strict=True))
    return not (joined.startswith(whole) or whole.startswith(joined)) and (
        _alike(joined, whole) < 0.8
    )


def _words(name: str) -> list[str]:
    return [word for word in name.replace("-", "_").replace(" ", "_").split("_") if word]


def _alike(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio()
