"""Specs in one style: a text is read as a tree and written from it, and its meaning stays."""

from typing import NamedTuple

from convcalc.checks.recognition import reads_as_spec
from convcalc.diagnostics import Diagnostic
from convcalc.spec.read import read
from convcalc.spec.source import Source
from convcalc.spec.write import write

_NEEDED = frozenset({"input", "layers"})
"""Keys that no spec is without."""


class Styled(NamedTuple):
    """A text in the one style."""

    text: str
    """The same as before where it is left as it is."""
    problems: tuple[Diagnostic, ...] = ()
    """Why it is left: it is no YAML, or has not the form of a spec."""


def styled(source: Source) -> Styled:
    """The text of a spec in the one style, with its comments and its kind of line ends.

    What was written is read again, and must say the same; else the text is left, and says so.
    """
    text = source.text
    spec = None if source.diagnostics else read(source, source.compose())
    if spec is None or source.diagnostics:
        return Styled(text, tuple(source.diagnostics))
    if not reads_as_spec(text) and not {entry.key for entry in spec.entries} & _NEEDED:
        source.report(
            "CC115",
            "neither `input` nor `layers` is here, so this is no spec",
            0,
            1,
            "name specs alone; `--only-specs` leaves out the others",
        )
        return Styled(text, tuple(source.diagnostics))
    written = write(spec)
    again = Source(source.path, written)
    if read(again, again.compose()) != spec or again.diagnostics:
        source.report(
            "CC100",
            "in another style this would say something else, which is a bug of convcalc",
            0,
            1,
            "please report it with the spec",
        )
        return Styled(text, tuple(source.diagnostics))
    if text[: text.find("\n") + 1].endswith("\r\n"):
        written = written.replace("\n", "\r\n")
    return Styled(written)
