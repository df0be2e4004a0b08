"""The formats of `convcalc check`, a module each, and what several of them say."""

from convcalc.diagnostics import Diagnostic
from convcalc.numbers import plural


def not_looked_at(promises: int) -> str:
    """A sentence that says that promises were left out."""
    were, their = ("was", "its code is") if promises == 1 else ("were", "their codes are")
    return f"{plural(promises, 'promise')} {were} not looked at: {their} not selected."


def said(diagnostic: Diagnostic) -> str:
    """The message with the other places in words, for a format that has the line elsewhere.

    A place in values made in Python, which have no lines, stands before it.
    """
    return diagnostic.told if diagnostic.span else f"{diagnostic.named}: {diagnostic.told}"


def helped(text: str, diagnostic: Diagnostic) -> str:
    """A text about a finding, and on a line of its own what to do, where that is known."""
    return f"{text}\nhelp: {diagnostic.help}" if diagnostic.help else text
