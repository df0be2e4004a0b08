"""The comparison on a terminal: what is new, gone or changed in colours."""

from convcalc.analysis.compare import Comparison
from convcalc.formats.diff.plain import text

_STYLES = {"+": "\x1b[32m", "−": "\x1b[31m", "~": "\x1b[33m", "·": "\x1b[2m"}


def render(comparison: Comparison, *, color: bool = False) -> str:
    """The layers that changed and the totals, ending in a newline."""
    return text(comparison, _STYLES if color else {})
