"""What is wrong, with what, where, and what to do: one neutral object for every finding.

A layer or a rule yields a `Problem`, which knows a field and no place. The spec reader alone
knows places and makes a `Diagnostic` of it. Formats alone make text of either.
"""

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from convcalc.shape import Shape

Severity = Literal["error", "warning", "note"]
"""An error makes a spec invalid, a warning is probably a mistake, a note is a matter of taste or
budget, or says which of two things a name means."""
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The gravest first."""


class ArgumentError(ValueError):
    """An argument that is none of those there are, with what to write; a command's use is wrong.

    Any other `ValueError` is an error of the program's own.
    """


class Span(NamedTuple):
    """A stretch of source text; lines and columns count from 1, columns in characters."""

    line: int
    """Line of the first character, from 1 on."""
    column: int
    """Column of the first character, from 1 on."""
    end_line: int
    """Line of the last character; that of the first, unless the text goes over several."""
    end_column: int
    """Column behind the last character, from 1 on, so that the two differ on one line."""


class Named(NamedTuple):
    """A place in values that were made in Python."""

    name: str
    """How one gets there from the spec: `layers[3].conv.filters`; `spec` is the whole."""
    order: int = 0
    """How many values and keys come before it."""


Place = Span | Named


class Keyed(NamedTuple):
    """A mapping of one key, as a value that a fix writes: `{from: a}`."""

    key: str
    """Its one key, a word of specs such as `from`."""
    value: "Written"
    """What stands behind it."""


Written = int | bool | str | Keyed | tuple["Written", ...]
"""A value as a spec has it: text is a word, an expression or extents, without quotes."""


class Fix(NamedTuple):
    """What would mend a finding, in the words of a spec; made by the functions below.

    `spec/edit.py` knows what that changes in a text. A finding has one only where there is one
    thing to do: not a choice, and not a guess.
    """

    do: Literal[
        "set",
        "write",
        "rename",
        "insert",
        "remove_item",
        "remove_field",
        "remove_value",
        "respell",
    ]
    """What is done: a field set, a value written, a name put right, an item put before, or
    something removed."""
    name: str = ""
    """The field that is set, the name that is right, or the kind that is inserted; of a stretch
    that is written otherwise, what to do in words."""
    value: Written | None = None
    """What the field or the value becomes; of a rename what stands behind the name, None where it
    stays."""

    def __str__(self) -> str:
        """What to do, in words."""
        value = _shown(self.value)
        if self.do == "set":
            return f"set `{self.name}: {value}`"
        if self.do == "write":
            return f"write `{value}`"
        if self.do == "rename":
            return f"write `{self.name}`" if self.value is None else f"write `{self.name}: {value}`"
        if self.do == "respell":
            return self.name
        return f"put `{self.name}` before it" if self.do == "insert" else "leave it out"


def set_field(field: str, value: Written) -> Fix:
    """The layer's field gets a value, whether it is given or not."""
    return Fix("set", field, value)


def write_value(value: Written) -> Fix:
    """The value at fault is written so."""
    return Fix("write", value=value)


def rename(name: str, value: Written | None = None) -> Fix:
    """The key or word at fault is called `name`, and what stands behind it becomes `value`."""
    return Fix("rename", name, value)


def insert(kind: str) -> Fix:
    """An item of this kind stands before the one at fault."""
    return Fix("insert", kind)


def remove_item() -> Fix:
    """The layer's whole item goes, whichever of its fields is at fault."""
    return Fix("remove_item")


def remove_field() -> Fix:
    """The key at fault goes with its value.

    No edit is made of a field that the layer's kind or block has: without it the default holds,
    which is another value. What to set it to is for `set_field` to say.
    """
    return Fix("remove_field")


def remove_value() -> Fix:
    """The value at fault goes, behind the name of what takes none: `- relu: true`."""
    return Fix("remove_value")


def respell(text: str, words: str) -> Fix:
    """The stretch at fault is written so, as it stands in a text; it may be no YAML before.

    `words` say what that is.
    """
    return Fix("respell", words, text)


def _shown(value: Written | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Keyed):
        return f"{{{value.key}: {_shown(value.value)}}}"
    return f"[{', '.join(map(_shown, value))}]" if isinstance(value, tuple) else str(value)


class Way(NamedTuple):
    """One thing that may be done at a layer."""

    text: str
    """A clause of the help."""
    fields: tuple[tuple[str, object], ...] = ()
    """The fields that get other values by it, so that it can be tried; () where there is no one
    value to try."""


class Sizes(NamedTuple):
    """What a layer finds of the sizes that it gets, for who knows the whole network.

    A layer knows what would do for its own map. Which input of the network makes such a map, and
    whether that suits the other layers, is tried by who reads the spec, who then words the help.
    """

    axes: tuple[int, ...]
    """The spatial axes of its input that are at fault, counted from 0."""
    ways: tuple[Way, ...] = ()
    """What may be done at the layer, the most probable first."""
    rounded: str | None = None
    """What `rounding: floor` would leave over, where that would do; None where it would not."""
    own: str = ""
    """The clause that says which size the layer's own map might have; empty where there is none."""

    @property
    def clauses(self) -> list[str]:
        """The ways in words."""
        return [way.text for way in self.ways]


class Problem(NamedTuple):
    """A finding about one field of one thing, before anybody knows where that was written."""

    code: str
    """Stable code, `CC301`; the first digit is the stage (see docs/spec.md)."""
    message: str
    """What is, with the numbers of the formula; no advice."""
    field: str | None = None
    """The field whose value is at fault; None for the thing as a whole."""
    help: str | None = None
    """What to do about it; None where the message says enough."""
    severity: Severity = "error"
    """How grave it is; see `Severity`."""
    fix: Fix | None = None
    """What to do, where there is one thing to do."""
    related: tuple[tuple["Place | int", str], ...] = ()
    """What else it is about, and what that is; of a layer, an input by its number from 0."""
    sizes: Sizes | None = None
    """What is at fault with the sizes that come in, where another size would do."""


class Built(NamedTuple):
    """A layer that a finding is about, one of those that are built of an item of a spec."""

    name: str
    """Full name, as `down6.conv2`."""
    inputs: "tuple[Shape, ...]" = ()
    """Shapes of what it reads, in that order; () where an error keeps one of them unknown."""
    number: int = 1
    """Which one it is of the layers that are built of its item, from 1, in the network's order."""
    among: int = 1
    """How many layers are built of its item: rounds of a repeat, calls of a block."""

    def __str__(self) -> str:
        """The layer and what it reads: `down6.conv2 (6th of 6), input 1×2×512`."""
        text = self.name
        if self.among > 1:
            text += f" ({_ordinal(self.number)} of {self.among:,})"
        if not self.inputs:
            return text
        what = "input" if len(self.inputs) == 1 else "inputs"
        return f"{text}, {what} {listed(map(str, self.inputs))}"


class Diagnostic(NamedTuple):
    """A finding with its place."""

    code: str
    """Stable code, `CC301`, under which docs/rules.md explains it."""
    severity: Severity
    """How grave it is; `check --strict` makes errors of warnings."""
    message: str
    """What is, with the numbers of the formula; no advice."""
    help: str | None
    """What to do about it; None where the message says enough."""
    path: str
    """The file as the user named it; `-` is standard input, and `<spec>` a spec made in Python."""
    place: Place
    """The value at fault: a stretch of the text, or a path in values made in Python."""
    source_line: str
    """Text of the first line of the place; empty where there is none to show."""
    layer: str | None = None
    """Full name of the layer concerned."""
    field: str | None = None
    """The field of the layer at fault, or a path in the spec; None for the thing as a whole."""
    fix: Fix | None = None
    """What would mend it, where that is one thing."""
    edits: tuple[tuple[Span, str], ...] = ()
    """The fix in this text: stretches, which may be empty, and what stands there then; in order,
    none over another. None of values that were made in Python."""
    related: tuple[tuple[Place, str], ...] = ()
    """Other places that it is about, and what stands there: `first here`."""
    built: tuple[Built, ...] = ()
    """The first of the layers that it is about, where its place does not say which layer that is:
    in a block, a repeat or a branch."""
    alike: int = 0
    """How many more layers it is about, in the same words."""
    fixable: bool = False
    """Whether `check --fix` would write the fix, where that was found out."""

    @property
    def layers(self) -> str:
        """Which layers it is about, in words; empty where its place says so."""
        more = [f"and {self.alike:,} more"] if self.alike else []
        return "; ".join([*map(str, self.built), *more])

    @property
    def told(self) -> str:
        """The message, with the layers and the other places in words."""
        places = [
            f"{text}: line {place.line}, column {place.column}"
            if isinstance(place, Span)
            else f"{text}: {place.name}"
            for place, text in self.related
        ]
        beside = [*([f"in {self.layers}"] if self.built else []), *places]
        return f"{self.message} ({'; '.join(beside)})" if beside else self.message

    @property
    def span(self) -> Span | None:
        """The place in a text; None in values that were made in Python."""
        return self.place if isinstance(self.place, Span) else None

    @property
    def line(self) -> int | None:
        """The line of the place, from 1; None where there is no text."""
        return self.place.line if isinstance(self.place, Span) else None

    @property
    def column(self) -> int | None:
        """The column of the place, from 1; None where there is no text."""
        return self.place.column if isinstance(self.place, Span) else None

    @property
    def named(self) -> str | None:
        """The place in values that were made in Python: `layers[3].conv.filters`."""
        return self.place.name if isinstance(self.place, Named) else None

    @property
    def where(self) -> str:
        """The path and the place in it: `net.yaml:4:40`, `<spec>: layers[3].conv.filters`."""
        if isinstance(self.place, Span):
            return f"{self.path}:{self.place.line}:{self.place.column}"
        return f"{self.path}: {self.place.name}"


REFUSED = frozenset({"CC100", "CC101", "CC102", "CC103", "CC104"})
"""Codes of input that could not be worked on: our crash, unreadable, not text, beyond a limit."""


def exit_code(diagnostics: Iterable[Diagnostic]) -> int:
    """0 without errors, 1 with some, 2 when an input could not be worked on."""
    code = 0
    for diagnostic in diagnostics:
        if diagnostic.code in REFUSED:
            return 2
        if diagnostic.severity == "error":
            code = 1
    return code


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is probably a misspelling of, if any.

    >>> closest("maxpol", ["conv", "maxpool"])
    'maxpool'
    """
    from convcalc.nearness import nearest  # only wanted once something is wrong

    return nearest(name, known)


def listed(names: Iterable[str]) -> str:
    """Names one after the other, and how many more there are.

    >>> listed(["a", "b"]), listed(str(number) for number in range(22))[-11:]
    ('a, b', ' and 2 more')
    """
    known = list(names)
    more = f" and {len(known) - MAX_LISTED:,} more" if len(known) > MAX_LISTED else ""
    return ", ".join(known[:MAX_LISTED]) + more


def either(ways: Iterable[str]) -> str:
    """Clauses of which one is to be done.

    >>> either(["pad more"]), either(["pad more", "crop"]), either("abc")
    ('pad more', 'pad more, or crop', 'a, b, or c')
    """
    *first, last = ways
    return f"{', '.join(first)}, or {last}" if first else last


def misspelt(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` can only be a misspelling of; None where that is a guess.

    One letter is missing, too many, another or in its neighbour's place, or words are parted
    otherwise; and no other known name is as near. More may be another word: `no_bias` is no
    `bias`, `kernel_h` no `kernel`. So may a first letter (`asymmetric`), a last s (`kernels`) and
    a number (`conv3` is no `conv2`).

    >>> misspelt("maxpol", ["conv", "maxpool"]), misspelt("kernels", ["kernel"])
    ('maxpool', None)
    """
    said = name[:100].lower()
    if not _parted(said).replace("_", "").isidentifier():
        return None
    near = [each for each in dict.fromkeys(islice(known, MAX_COMPARED)) if _slip(said, each)]
    return near[0] if len(near) == 1 else None


def _slip(said: str, meant: str) -> bool:
    """Whether a name is another one with a single slip of the hand."""
    one, other = _parted(said), _parted(meant)
    if one.replace("_", "") == other.replace("_", ""):
        return True
    if one[:1] != other[:1] or one.count("_") != other.count("_") or _digits(one) != _digits(other):
        return False
    short, long = sorted((one, other), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(long) > len(short):
        ends = long[at + 1 :] == short[at:]
        return ends and not (long is one and long[at] == "s" and long[at + 1 : at + 2] in ("", "_"))
    swapped = long[at + 1 : at + 2] + long[at : at + 1] + long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or short[at:] == swapped


def _ordinal(number: int) -> str:
    """A number that counts: 1st, 2nd, 3rd, 11th, 22nd."""
    teens = 11 <= number % 100 <= 13
    return f"{number:,}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _parted(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


MAX_COMPARED = 500
"""Names that a misspelt one is compared with, the first of them."""
MAX_LISTED = 20
"""Names that a help lists."""


def _digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))
