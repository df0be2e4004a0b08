"""What a spec is made of: scalars, lists and mappings, immutable, each with its place.

YAML's events become these, and so do values of Python; `Spec`, `Block` and `Item` of `tree.py` are
mappings that know what they are. Two ways lead in: `entries` and `items` are nodes, scalars as they
were written with their places, which reading a field wants; and a mapping is read like a dict, a
list like a tuple, with numbers, texts, true and false in them.

A place is two whole numbers, `start` and `end`. In a text they are offsets of characters; in values
of Python they number the values and keys in order, once the whole is known.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from keyword import iskeyword
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, Union, cast, final

from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.spec.expressions import Expression

Value = int | float | bool | str
"""What a parameter can be and an expression can give."""
MAX_INTEGER = 10**18
"""Largest magnitude of an integer, written or computed."""
MAX_DEPTH = 64
"""Deepest nesting of lists and mappings."""
INCOMING = {
    "incoming.channels": "Channels of the tensor that the layer reads.",
    "incoming.length": "Positions of a sequence that the layer reads.",
    "incoming.height": "Rows of an image or volume that the layer reads.",
    "incoming.width": "Columns of an image or volume that the layer reads.",
    "incoming.depth": "Slices of a volume that the layer reads.",
}
"""Names of what an expression may read of the incoming tensor, in the fields of a layer."""

NOWHERE = -1
"""The place of what stands in no text and no whole yet."""

_PLAIN = r"(?!-{3}|\.{3})(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|[-?:](?=[^\s,\[\]{}]))[^\n\r\t]*(?<! )\Z"
"""Text that is a plain scalar of YAML, but for what `_BREAKS` finds in it."""
_SURELY = r"[A-Za-z0-9_/][A-Za-z0-9_./]*\Z"
"""Text that is one whatever the others say, as most names are."""
_BREAKS = r": |:\Z| #|[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]"
"""What ends a plain scalar, or is no character that YAML shows as it is."""
_WHOLE = r"-?(?:0|[1-9][0-9]{0,17})\Z"
_DECIMAL = r"-?[0-9]{1,18}\.[0-9]{1,18}\Z"


class Comments(NamedTuple):
    """The comments of one entry or item, each from its `#`."""

    before: tuple[str, ...] = ()
    """Lines above it; an empty one is a blank line."""
    line: str = ""
    """Behind it, on the line that it starts on."""
    after: tuple[str, ...] = ()
    """Lines below the last one of its kind, indented as it is."""


NO_COMMENTS = Comments()


class ScalarNode(NamedTuple):
    """A word, number or text as it is written: only a field's form tells which it is."""

    text: str
    """What it says, without quotes and with escapes resolved; empty where nothing is written."""
    start: int
    """Where it begins, with its quote if it has one."""
    length: int
    """How far it reaches, from there to the place behind its last character."""
    plain: bool = True
    """Whether it is written without quotes, so that it may be a number or an expression."""

    @property
    def end(self) -> int:
        """The place behind its last character."""
        return self.start + self.length


Node = Union[ScalarNode, "List", "Map"]

NOTHING = ScalarNode("", 0, 0)
"""What stands behind a kind that is given no fields."""


class _About:
    """What a mapping has that is no key and no value."""

    __slots__ = ("by_key", "comments")

    def __init__(self, comments: Comments, by_key: Mapping[str, Comments]) -> None:
        self.comments = comments
        """Those of the whole, where it stands in a list."""
        self.by_key = by_key
        """The comments of each entry that has some."""


NOTHING_ABOUT = _About(NO_COMMENTS, {})


def noted(comments: Comments, by_key: Mapping[str, Comments]) -> _About:
    """What there is to know about a mapping beside its keys and values."""
    some = {key: each for key, each in by_key.items() if each != NO_COMMENTS}
    if some or comments != NO_COMMENTS:
        return _About(comments, some)
    return NOTHING_ABOUT


def _unchanged(self: object, name: str, value: object = None) -> None:
    del value
    message = f"a {type(self).__name__} is not changed: replace({name}=…) makes another"
    raise AttributeError(message)


if TYPE_CHECKING:
    _Sequence = Sequence[Any]
    _Mapping = Mapping[str, Any]
else:  # registered below: abstract classes are slow to define and to ask whether something is one

    class _Sequence:
        __slots__ = ()
        __contains__, __iter__, __reversed__ = (
            Sequence.__contains__,
            Sequence.__iter__,
            Sequence.__reversed__,
        )
        index, count = Sequence.index, Sequence.count

    class _Mapping:
        __slots__ = ()
        keys, items, values, get = Mapping.keys, Mapping.items, Mapping.values, Mapping.get


@final
class Text:
    """A scalar that is no plain number: a word, an expression, extents, or quoted text.

    >>> Text("2*width").expression.names
    frozenset({'width'})
    """

    __slots__ = ("quoted", "text")
    text: str
    """What it says, without quotes and with escapes resolved."""
    quoted: bool
    """Whether it stands in quotes, and so is text; what cannot be written without them always
    is."""

    def __init__(self, text: str, quoted: bool = False) -> None:  # noqa: FBT001, FBT002 (its field)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "quoted", quoted or not is_plain(text))

    __setattr__ = _unchanged
    __delattr__ = _unchanged

    def __reduce__(self) -> tuple[Any, ...]:
        return Text, (self.text, self.quoted)

    @property
    def expression(self) -> "Expression":
        """The expression that the text stands for; raises `ExpressionError` where it is none."""
        from convcalc.spec.syntax import parse  # plain values need no arithmetic

        return parse(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash((self.text, self.quoted))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Text(text={self.text!r}, quoted={self.quoted})"


class Entry(NamedTuple):
    """A key with its value, None where nothing is written behind the key, and its comments."""

    key: str
    """The word in front of the colon; of an item its kind or block."""
    value: Any
    """A number, a flag, a `Text`, `List` or `Map`; None where nothing is written."""
    comments: Comments = NO_COMMENTS
    """The comments above its line and behind it; they are part of what it says."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self._said() == other._said()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._said())

    def _said(self) -> tuple[object, ...]:
        """What it says, to compare: 1, 1.0 and true are three things."""
        return self.key, type(self.value), self.value, self.comments


class _OpenList:
    """What a list has, which may be set until the list is one."""

    __slots__ = ("comments", "items", "length", "start")
    items: tuple[Node, ...]
    """The values as nodes."""
    start: int
    length: int
    """How far it reaches from there."""
    comments: Comments


@final
class List(_OpenList, _Sequence):
    """A list of values; a branch is one, with comments of its own."""

    __slots__ = ()

    def __init__(self, values: Iterable[Any] = (), comments: Comments = NO_COMMENTS) -> None:
        items = tuple(map(node_of, values))
        _begin(self, items=items, start=NOWHERE, length=0, comments=comments)

    @staticmethod
    def at(
        items: tuple[Node, ...], start: int, end: int, comments: Comments = NO_COMMENTS
    ) -> "List":
        """A list of nodes at its place."""
        made: Any = _OpenList()
        made.items = items
        made.start = start
        made.length = end - start
        made.comments = comments
        made.__class__ = List
        return cast("List", made)

    __setattr__ = _unchanged
    __delattr__ = _unchanged

    def __reduce__(self) -> tuple[Any, ...]:
        return List.at, (self.items, self.start, self.end, self.comments)

    @property
    def end(self) -> int:
        """The place behind it."""
        return self.start + self.length

    @property
    def values(self) -> tuple[Any, ...]:
        """The values as Python has them."""
        return tuple(map(value_of, self.items))

    def __getitem__(self, index: Any) -> Any:
        return self.values[index] if isinstance(index, slice) else value_of(self.items[index])

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, List) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash(self._said())

    def __repr__(self) -> str:
        return f"List({shown(self)})"

    def _said(self) -> tuple[object, ...]:
        return tuple((type(value), value) for value in self.values), self.comments


_M = TypeVar("_M", bound="Map")


class OpenMap:
    """What a mapping has, which may be set until the mapping is one."""

    __slots__ = ("about", "entries", "key_starts", "length", "start")
    entries: dict[str, Node]
    """The values as nodes, by key; of a key that is given twice, the first."""
    key_starts: tuple[int, ...]
    """Where the keys start; `NOWHERE` in values that have no place yet."""
    start: int
    length: int
    """How far it reaches from there."""
    about: _About


class Map(OpenMap, _Mapping):
    """Keys and values in the order in which they were written; read like a dict."""

    __slots__ = ()
    texts: ClassVar[frozenset[str]] = frozenset()
    """Keys whose values are text, with quotes or without."""
    opened: ClassVar[type[OpenMap]] = OpenMap
    """What one of its kind is until it has all that it has."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._keep({str(key): node_of(value) for key, value in (values or {}).items()})

    def _keep(self, entries: dict[str, Node]) -> None:
        """Begin as these nodes, which have no place yet."""
        starts = (NOWHERE,) * len(entries)
        fields = {"entries": entries, "key_starts": starts, "about": NOTHING_ABOUT}
        _begin(self, **fields, start=NOWHERE, length=0)

    @classmethod
    def at(  # noqa: PYI019 (Self is of Python 3.11; all that it has)
        cls: type[_M],
        entries: dict[str, Node],
        key_starts: tuple[int, ...],
        start: int,
        end: int,
        about: _About = NOTHING_ABOUT,
    ) -> _M:
        """A mapping of nodes at its place."""
        made: Any = cls.opened()
        made.entries = entries
        made.key_starts = key_starts
        made.start = start
        made.length = end - start
        made.about = about
        made.__class__ = cls
        return cast("_M", made)

    @classmethod
    def of(  # noqa: PYI019
        cls: type[_M],
        parts: Iterable[Entry],
        comments: Comments = NO_COMMENTS,
    ) -> _M:
        """The mapping of these entries."""
        listed = tuple(parts)
        about = noted(comments, {part.key: part.comments for part in listed})
        made = {part.key: node_of(part.value) for part in listed}
        return cls.unplaced(made, about)

    @classmethod
    def unplaced(  # noqa: PYI019
        cls: type[_M], entries: dict[str, Node], about: _About = NOTHING_ABOUT
    ) -> _M:
        """A mapping of nodes that has no place yet."""
        return cls.at(entries, (NOWHERE,) * len(entries), NOWHERE, NOWHERE, about)

    __setattr__ = _unchanged
    __delattr__ = _unchanged

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (self.entries, self.key_starts, self.start, self.end, self.about)
        return _restored, (type(self), *parts)

    @property
    def end(self) -> int:
        """The place behind it."""
        return self.start + self.length

    # As nodes

    def key(self, name: str) -> ScalarNode:
        """The key `name` as a node."""
        start = self.key_starts[list(self.entries).index(name)]
        return ScalarNode(name, start, len(name))

    def without(self, name: str) -> "Map":
        """The other keys with what stands behind them, at the same places."""
        places = zip(self.entries, self.key_starts, strict=True)
        starts = tuple(start for key, start in places if key != name)
        entries = {key: node for key, node in self.entries.items() if key != name}
        return Map.at(entries, starts, self.start, self.end)

    def key_nodes(self) -> Iterator[ScalarNode]:
        """The keys as nodes."""
        for name, start in zip(self.entries, self.key_starts, strict=True):
            yield ScalarNode(name, start, len(name))

    # As a dict

    def __getitem__(self, key: str) -> Any:
        return self.value_at(key, self.entries[key])

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def value_at(self, key: str, node: Node) -> Any:
        """What a node says as the value of a key."""
        if node.__class__ is ScalarNode and key in self.texts:
            return text_of(node)
        return value_of(node)

    # With comments

    @property
    def comments(self) -> Comments:
        """Those of the whole, where it stands in a list."""
        return self.about.comments

    @property
    def parts(self) -> tuple[Entry, ...]:
        """Keys, values and comments."""
        by_key = self.about.by_key
        return tuple(
            Entry(key, self.value_at(key, node), by_key.get(key, NO_COMMENTS))
            for key, node in self.entries.items()
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Map) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash(self._said())

    def _said(self) -> tuple[object, ...]:
        return self._sort(), self.parts, self.comments

    def _sort(self) -> str:
        """What it is, which two equal ones are both."""
        return type(self).__name__

    def __repr__(self) -> str:
        said = shown(self) if type(self) is Map else arguments(self.parts)
        return f"{type(self).__name__}({said})"

    def with_parts(self: _M, parts: Iterable[Entry]) -> _M:  # noqa: PYI019
        """The same with other entries."""
        return type(self).of(parts, self.comments)

    def with_value(self: _M, key: str, value: object, *, first: bool = False) -> _M:  # noqa: PYI019
        """The same with another value for a key; without the key where it is None.

        A key keeps its place and comments; a new one comes last, or `first`.
        """
        if value is None:
            return self.with_parts(part for part in self.parts if part.key != key)
        return self.with_parts(put(self.parts, key, value_of(node_of(value)), first=first))


def _restored(cls: type[Map], *parts: Any) -> Map:
    return cls.at(*parts)


@final
class Preset(Map):
    """A member of a family: values for parameters, and what it says of itself."""

    __slots__ = ()
    texts = frozenset({"name", "reference", "description"})

    def _sort(self) -> str:
        return Map.__name__

    def __repr__(self) -> str:
        return f"Map({shown(self)})"


Sequence.register(List)
Mapping.register(Map)


def _begin(made: _OpenList | OpenMap, **fields: object) -> None:
    """Set what a list or mapping has, once."""
    for name, value in fields.items():
        object.__setattr__(made, name, value)


def put(parts: Sequence[Entry], key: str, value: object, *, first: bool) -> list[Entry]:
    """The entries with another value for a key; a new one comes last, or `first`."""
    new = Entry(key, value)
    if all(part.key != key for part in parts):
        return [new, *parts] if first else [*parts, new]
    return [part._replace(value=value) if part.key == key else part for part in parts]


# Values of Python and nodes


def node_of(value: Any, depth: int = 1) -> Node:
    """A value of Python as a node; text is what it would be in YAML without quotes.

    `depth` counts the lists and mappings around it. Raises `TypeError` or `ValueError` for what no
    spec can hold.
    """
    if isinstance(value, List | Map | ScalarNode):
        return value
    if isinstance(value, Text):
        return ScalarNode(value.text, NOWHERE, 0, not value.quoted)
    if value is None:
        return ScalarNode("", NOWHERE, 0)
    if isinstance(value, str):
        return ScalarNode(value, NOWHERE, 0, is_plain(value))
    if depth > MAX_DEPTH:
        message = f"nested more than {MAX_DEPTH} deep; move inner layers into blocks"
        raise ValueError(message)
    if isinstance(value, Mapping):
        return Map({key: node_of(inner, depth + 1) for key, inner in value.items()})
    text = _number(value)
    if text is not None:
        return ScalarNode(text, NOWHERE, 0)
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        return List(node_of(inner, depth + 1) for inner in value)
    from convcalc.arguments import shown

    message = f"a spec holds numbers, text, lists and mappings, and this is {shown(value)}"
    raise TypeError(message)


def _number(value: Any) -> str | None:
    """A number, an expression or a shape as a spec writes it; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not isfinite(value):
            message = f"{value} is no number that a spec can hold"
            raise ValueError(message)
        return repr(float(value))
    if isinstance(value, Shape):
        return "x".join(map(str, (*value.spatial, value.channels)))
    if hasattr(value, "__index__"):
        return str(value.__index__())
    from convcalc.spec.expressions import Expression

    return value.text() if isinstance(value, Expression) else None


def value_of(node: Node) -> Any:
    """What a node says, as Python has it; None where nothing is written."""
    if isinstance(node, ScalarNode):
        if not node.plain:
            return Text(node.text, quoted=True)
        return scalar(node.text) if node.text else None
    return node


def text_of(node: ScalarNode) -> Text | None:
    """What a scalar says where text is wanted, with quotes or without."""
    return Text(node.text) if node.text or not node.plain else None


def tree(value: Any) -> Any:
    """A value of Python as one of the tree.

    >>> tree("2*width"), tree("64"), tree((3, 5))
    (Text(text='2*width', quoted=False), 64, List([3, 5]))
    """
    return value_of(node_of(value))


def scalar(text: str) -> Any:
    """A scalar without quotes: a number where its text is the usual one of a number, else text.

    >>> scalar("64"), scalar("0.5"), scalar("true"), scalar("010")
    (64, 0.5, True, Text(text='010', quoted=False))
    """
    if text.isdecimal() and text.isascii() and (text[0] != "0" or text == "0") and len(text) < 19:
        return int(text)  # as most are
    if text in ("true", "false"):
        return text == "true"
    if text[:1] not in "-0123456789":
        return Text(text)
    if re.match(_WHOLE, text) and text != "-0":
        return int(text)
    if re.match(_DECIMAL, text) and repr(float(text)) == text:
        return float(text)
    return Text(text)


def is_plain(text: str) -> bool:
    """Whether text may stand without quotes behind a key, on a line of its own."""
    surely, plain, breaks = _patterns()
    if surely.match(text) is not None:
        return True
    return plain.match(text) is not None and breaks.search(text) is None


@cache
def _patterns() -> tuple["re.Pattern[str]", "re.Pattern[str]", "re.Pattern[str]"]:
    """What surely is plain, what is, and what ends it; most specs that are read ask for none."""
    return re.compile(_SURELY), re.compile(_PLAIN), re.compile(_BREAKS)


# As Python shows them


def shown(value: Any) -> str:
    """A value as Python gives it."""
    if isinstance(value, Text) and not value.quoted:
        return repr(value.text)
    if isinstance(value, List):
        return f"[{', '.join(map(shown, value.values))}]"
    if type(value) in (Map, Preset):
        return f"{{{', '.join(f'{each.key!r}: {shown(each.value)}' for each in value.parts)}}}"
    return repr(value)


def arguments(parts: Iterable[Entry]) -> str:
    """Entries as the arguments of a call."""
    return ", ".join(f"{argument(part.key)}={shown(part.value)}" for part in parts)


def argument(key: str) -> str:
    """A key as Python spells it: `from` is `from_`."""
    return f"{key}_" if iskeyword(key) else key
