"""What is found in one spec: the one thing that is written to while it is read and checked.

Findings come with their places from all parts and in any order; here the same one counts once,
their number has an end, and they get the one order in which everybody shows them.
"""

from collections.abc import Iterable
from typing import Protocol

from convcalc.diagnostics import Diagnostic, Fix, Named, Place, Problem, Severity, Span

MAX_FINDINGS = 2_000
"""Most findings kept of one spec."""


class Places(Protocol):
    """A text, or values made in Python: what knows where something was written."""

    @property
    def path(self) -> str:
        """What findings call it."""

    def place(self, start: int, end: int) -> Place:
        """The stretch from one position up to another."""

    def line(self, number: int) -> str:
        """The text of a line, from 1; empty where there is none."""

    def line_of(self, start: int) -> int | None:
        """The line, from 1, of a position; None where there are no lines."""

    def first_line(self, start: int, end: int) -> int:
        """The end of a stretch, or of its first line where it has several."""


class Findings:
    """The findings of one spec so far."""

    def __init__(self, places: Places, earlier: Iterable[Diagnostic] = ()) -> None:
        self.places = places
        self._found = {_key(found.code, found.message, found.place): found for found in earlier}
        self._others: dict[Diagnostic, dict[str, None]] = {}

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All of them, in their order."""
        return in_order(self._found.values())

    @property
    def full(self) -> bool:
        """Whether no more are kept, so that none need be worded."""
        return len(self._found) >= MAX_FINDINGS

    def layers(self, found: Diagnostic) -> list[str]:
        """The layers that a finding is about, its own first.

        The same words at one place are one finding.
        """
        own = [] if found.layer is None else [found.layer]
        return [*own, *self._others.get(found, ())]

    def add(self, problem: Problem, at: Place, layer: str | None = None) -> None:
        """Keep a problem with its place and the full name of the layer concerned."""
        if self.full:
            return
        key = _key(problem.code, problem.message, at)
        known = self._found.get(key)
        if known is not None:
            if layer is not None and layer != known.layer:
                self._others.setdefault(known, {})[layer] = None
            return
        self._found[key] = Diagnostic(
            code=problem.code,
            severity=problem.severity,
            message=problem.message,
            help=problem.help,
            path=self.places.path,
            place=at,
            source_line=self.places.line(at.line) if isinstance(at, Span) else "",
            layer=layer,
            field=problem.field,
            fix=problem.fix,
            related=tuple(
                (place, text) for place, text in problem.related if not isinstance(place, int)
            ),
        )

    def report(
        self,
        code: str,
        message: str,
        start: int,
        end: int,
        help: str | None = None,  # noqa: A002 (the word of Problem and Diagnostic)
        severity: Severity = "error",
        layer: str | None = None,
        field: str | None = None,
        fix: Fix | None = None,
        related: tuple[tuple[Place, str], ...] = (),
    ) -> None:
        """Keep a problem of a stretch between two positions."""
        if not self.full:
            problem = Problem(code, message, field, help, severity, fix=fix, related=related)
            self.add(problem, self.places.place(start, end), layer)


def _key(code: str, message: str, at: Place) -> tuple[object, ...]:
    """What tells a finding from the others."""
    return code, message, at[:2] if isinstance(at, Span) else at.order


def in_order(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings of one spec by their places, at one place by their codes."""
    return tuple(sorted(found, key=_order))


def _order(found: Diagnostic) -> tuple[object, ...]:
    place = found.place
    return (
        isinstance(place, Named),
        place.order if isinstance(place, Named) else place,
        found.code,
    )
