"""Whether a YAML file is meant as a spec, told by its top-level keys and what stands behind them.

A folder holds the YAML of many tools, and a key that is misspelt must not take a spec for one of
theirs: it would be passed over, and the run be green. So keys count when they are one slip away
from a key of ours, and what decides between us and others is what they hold: layers that are
kinds of layers, an input that is a shape. Text that is no YAML is judged alike, line by line.
"""

import os
import re
import stat
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from convcalc.diagnostics import closest
from convcalc.findings import Findings
from convcalc.layers import CATALOGUE
from convcalc.spec.expand import TOP_LEVEL
from convcalc.spec.nodes import Map
from convcalc.spec.source import MAX_BYTES, compose
from convcalc.spec.text import SourceText
from convcalc.spec.vocabulary import KINDS, plain

SUFFIXES = (".yaml", ".yml")
TELLING = frozenset({"presets", "rounding", "blocks", "expect", "budget"})
"""Keys that hardly any other file has beside `layers`."""
MOST_KEYS = 4 * len(TOP_LEVEL)
"""A file with more top-level keys is not one of ours; nobody misspells so many."""
MOST_SHAPE = 200
"""Characters of an input that are looked at."""
LOOKED_AT = 20_000
"""Characters of a value that are looked at."""

_START = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\n|%[^\n]*\n|---[ \t]*(?:#[^\n]*)?\n|---[ \t]+(?=\{))*([ \t]*)(\{?)"
)
"""What may stand before the first key: its indentation, and `{` where a flow mapping begins."""
_KEY = r"^%s(\?[ \t]+)?([\"']?)([A-Za-z_][\w.-]*)\2[ \t]*(?::(?=\s|\Z)|(?(1)(?=\n|#|\Z)|(?!)))"
_BROKEN_KEY = rf"^%s({'|'.join(TOP_LEVEL)})[ \t]*(?=:|#|\n|\Z)"
"""A key of ours whose colon, or the space behind it, is missing."""
_FLOW_KEY = re.compile(r"[{,]\s*([\"']?)([A-Za-z_][\w.-]*)\1\s*:(?=[\s\[{])")
"""A key of a flow mapping that is not closed, and so cannot be composed."""
_BLOCK_ITEM = re.compile(r"^[ \t]*(?:-[ \t]+)+[\"']?([A-Za-z_][\w.]*)", re.MULTILINE)
_FLOW_ITEM = re.compile(r"[\[,]\s*\{?\s*[\"']?([A-Za-z_][\w.]*)")
"""The first word of an item of a list."""
_REMARK = re.compile(r"#(?<![^ \t\n]#)[^\n]*")
"""A sign at the start of a line or behind a blank, and the rest. That the sign stands first in the
pattern lets Python go from one to the next, and not from letter to letter."""
_NUMBERS = re.compile(r"[\s\[\],-]*(?:\d[\d.]*(?:[\s\[\],-]+|\Z))+\Z")
"""A number, or a list of them."""
_SHAPE = re.compile(r"\s*[^\n]*?(?:\d\s*[x×*]\s*[\w(]|[\w)]\s+[x×*]\s+[\w(])")
"""A shape with all its extents: 224x224x3, size x size x 3."""
_EXTENTS = re.compile(r"\s*(?:\d+\s*\Z|[\[-]\s*[\w\"']|[^\n]*[\w)]\s*[x×*]\s*[\w(])")
"""Anything that may be a shape: a number of features, a list."""


class _Keys(NamedTuple):
    """The top-level keys of a text: which of ours are meant, and how many are none of ours."""

    values: dict[str, str]
    """Key of ours → text behind it, in the order of the text."""
    exact: frozenset[str]
    """Those that are written as they should be."""
    foreign: tuple[str, ...]
    """What the text has behind other keys."""


def is_spec(path: str) -> bool:
    """Whether a YAML file is meant as a spec, mistakes in its keys included.

    One that may not be read counts as one, so that somebody learns of it.
    """
    if not path.lower().endswith(SUFFIXES):
        return False
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would keep us waiting
            return False
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return reads_as_spec(_decoded(data))


def _decoded(data: bytes) -> str:
    """The text of a file as well as it can be told; what is no UTF-8 gets its finding later."""
    if b"\0" in data[:MOST_SHAPE]:  # UTF-16 or UTF-32, with its mark or without: keys are ASCII
        data = data.removeprefix(b"\0\0").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
        data = data.replace(b"\0", b"")
    return data.decode("utf-8-sig", "replace")


def reads_as_spec(text: str) -> bool:
    r"""Whether a text is meant as a spec.

    With kinds of layers under `layers` and an input that is a shape it is one. Else most of its
    keys must be ours, and either `layers` or the input must be what it is with us.

    >>> reads_as_spec("input: 8x8x3\nlayer: [rel]"), reads_as_spec("name: web\nlayer: front")
    (True, False)
    """
    keys = _keys(text.replace("\r\n", "\n").replace("\r", "\n"))
    if keys is None or not keys.values:
        return False
    given, foreign = keys.values, keys.foreign
    layers, shape = given.get("layers"), given.get("input", "")[:MOST_SHAPE]
    shaped = _SHAPE.match(shape) is not None
    if shaped and (_holds_kinds(layers or "") or any(map(_holds_kinds, foreign))):
        return True
    if len(given) <= len(foreign):
        return False
    if layers is None:  # left out, or its colon was
        promised = given.get("expect")
        plain = promised is not None and ":" not in promised  # a test of something else
        return shaped and len(given) > 1 and not foreign and not plain
    if _NUMBERS.match(layers):  # how many there are, or how many units they have
        return shaped
    if _holds_kinds(layers):
        return True
    if "layers" not in keys.exact:
        return bool(_EXTENTS.match(shape)) and not _is_word(layers)
    return bool(_is_empty(layers) or _EXTENTS.match(shape) or given.keys() & TELLING)


def _keys(text: str) -> _Keys | None:
    """The top-level keys; None where there are none, or more than a spec can have."""
    start = _START.match(text)
    indent, flow = start.groups() if start else ("", "")
    if flow:
        pairs = _flow_values(text, start.start(2) if start else 0)
    else:
        pairs = _block_values(text, re.escape(indent))
        if indent and start is not None:  # of the first line alone, which is no YAML then
            pairs += _block_values(text[start.end() :], "")
    if not pairs or len(pairs) > MOST_KEYS:
        return None
    exact = {name for name, _ in pairs if name in TOP_LEVEL}
    values: dict[str, str] = {}
    foreign = []
    for name, written in pairs:
        meant = name if name in exact else _meant(name)
        value = _REMARK.sub("", written)
        if meant is None or (meant in exact and name not in exact):
            foreign.append(value)
        else:
            values.setdefault(meant, value)
    return _Keys(values, frozenset(exact), tuple(foreign))


def _block_values(text: str, indent: str) -> list[tuple[str, str]]:
    """Keys and values of a mapping that is written line by line."""
    places = {
        match.start(): (match[3], match.end())
        for match in re.finditer(_KEY % indent, text, re.MULTILINE)
    }
    whole = len(places)
    for match in re.finditer(_BROKEN_KEY % indent, text, re.MULTILINE):
        places.setdefault(match.start(), (match[1], match.end()))
    if not whole and not any(text.startswith(":", end) for _, end in places.values()):
        return []  # words, and no mapping
    pairs: list[tuple[str, str]] = []
    stop = len(text)
    for start, (name, end) in sorted(places.items(), reverse=True):
        pairs.append((name, text[end : min(stop, end + LOOKED_AT)].removeprefix(":")))
        stop = start
    pairs.reverse()
    return pairs


def _flow_values(text: str, start: int) -> list[tuple[str, str]]:
    """Keys and values of a flow mapping that is the whole document."""
    document = SourceText("", text.replace("\0", ""))
    root = compose(document, Findings(document))
    if isinstance(root, Map):
        return [
            (name, document.content[node.start : node.end][:LOOKED_AT])
            for name, node in root.entries.items()
        ]
    return [
        (match[2], text[match.end() : match.end() + LOOKED_AT])
        for match in _FLOW_KEY.finditer(text, start)
    ]


@lru_cache(maxsize=4096)
def _meant(key: str) -> str | None:
    """The top-level key that a key is a slip of."""
    return closest(key, TOP_LEVEL)


def _holds_kinds(value: str) -> bool:
    """Whether a value is a list in which a kind of layer stands, or mostly what is nearly one."""
    words = _BLOCK_ITEM.findall(value) or _FLOW_ITEM.findall(value)
    if any(word in CATALOGUE for word in words):
        return True
    return bool(words) and 2 * sum(map(_is_nearly_kind, words)) >= len(words)


_SPELT = frozenset(kind.replace("_", "") for kind in CATALOGUE)


@lru_cache(maxsize=4096)
def _is_nearly_kind(word: str) -> bool:
    spelt = plain(word)
    if spelt in KINDS or spelt in _SPELT:
        return True
    if spelt[-1:].isdigit():  # conv5 is what others call a layer
        return False
    return any(one_slip(spelt, kind.replace("_", "")) for kind in CATALOGUE)


def one_slip(written: str, meant: str) -> bool:
    """Whether a word is another one but for one letter too many, too few, wrong or swapped.

    >>> one_slip("layesr", "layers"), one_slip("layer", "layers"), one_slip("lyaes", "layers")
    (True, True, False)
    """
    start = _shared(written, meant)
    written, meant = written[start:], meant[start:]
    end = _shared(written[::-1], meant[::-1])
    written, meant = written[: len(written) - end], meant[: len(meant) - end]
    lengths = len(written), len(meant)
    return max(lengths) <= 1 or (lengths == (2, 2) and written == meant[::-1])


def _shared(one: str, other: str) -> int:
    """How many letters two words begin with together."""
    for number, (letter, against) in enumerate(zip(one, other, strict=False)):
        if letter != against:
            return number
    return min(len(one), len(other))


def _is_empty(value: str) -> bool:
    return value.strip() in ("", "[]", "[", "{}", "{", "null", "~")


def _is_word(value: str) -> bool:
    return value.strip()[:1] not in ("", "[", "{", "-") and "\n" not in value.strip()
