"""Specs in one style: a text is read as a tree and written from it, and its meaning stays."""

from typing import NamedTuple

from convcalc.checks.recognition import reads_as_spec
from convcalc.diagnostics import Diagnostic
from convcalc.findings import Findings
from convcalc.spec.annotate import annotated
from convcalc.spec.form import misfits
from convcalc.spec.read import read
from convcalc.spec.source import Opened, compose
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Spec
from convcalc.spec.write import write

_NEEDED = frozenset({"input", "layers"})
"""Keys that no spec is without."""


class Styled(NamedTuple):
    """A text in the one style."""

    text: str
    """The same as before where it is left as it is."""
    problems: tuple[Diagnostic, ...] = ()
    """Why it is left: it is no YAML, or has not the form of a spec."""


def styled(opened: Opened) -> Styled:
    """The text of a spec in the one style, with its comments and its kind of line ends.

    What was written is read again, and must say the same; else the text is left, and says so.
    """
    text = opened.text.content
    findings = Findings(opened.text, opened.problems)
    spec = _read(opened.text, findings)
    if spec is None:
        return Styled(text, findings.diagnostics)
    if not reads_as_spec(text) and not spec.keys() & _NEEDED:
        findings.report(
            "CC115",
            "neither `input` nor `layers` is here, so this is no spec",
            0,
            1,
            "name specs alone; `--only-specs` leaves out the others",
        )
        return Styled(text, findings.diagnostics)
    written = write(spec)
    again = SourceText(opened.text.path, written)
    if _read(again, Findings(again)) != spec:
        findings.report(
            "CC100",
            "in another style this would say something else, which is a bug of convcalc",
            0,
            1,
            "please report it with the spec",
        )
        return Styled(text, findings.diagnostics)
    if text[: text.find("\n") + 1].endswith("\r\n"):
        written = written.replace("\n", "\r\n")
    return Styled(written)


def _read(text: SourceText, findings: Findings) -> Spec | None:
    """The tree of a text; None, and findings, where anything is wrong with it."""
    if findings.diagnostics:
        return None
    spec = read(compose(text, findings), findings)
    for problem, start, end in misfits(spec) if spec else ():
        findings.add(problem, text.place(start, end))
    return None if spec is None or findings.diagnostics else annotated(text, spec)
