"""The formats of `convcalc check`, a module each, and what several of them say."""

from convcalc.numbers import plural


def not_looked_at(promises: int) -> str:
    """A sentence that says that promises were left out."""
    were, their = ("was", "its code is") if promises == 1 else ("were", "their codes are")
    return f"{plural(promises, 'promise')} {were} not looked at: {their} not selected."
