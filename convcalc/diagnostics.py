"""What is wrong, with what, where, and what to do: one neutral object for every finding.

A layer or a rule yields a `Problem`, which knows a field and no place. The spec reader alone
knows places and makes a `Diagnostic` of it. Formats alone make text of either.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
"""An error makes a spec invalid, a warning is probably a mistake, a note is a matter of taste or
budget, or says which of two things a name means."""
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The gravest first."""


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
    from difflib import get_close_matches  # only wanted once something is wrong

    matches = get_close_matches(name[:100].lower(), list(known), n=1, cutoff=0.7)
    return matches[0] if matches else None
