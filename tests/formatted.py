"""Every command that has formats, and its table of them: what is asked of all is asked of these."""

from collections.abc import Mapping

from convcalc.checks.formats import CHECK_FORMATS, CheckFormat
from convcalc.cli.list import LIST_FORMATS
from convcalc.cli.rule import RULE_FORMATS
from convcalc.formats import FORMATS, Format
from convcalc.formats.diff import DIFF_FORMATS
from convcalc.formats.explanation import EXPLANATION_FORMATS
from convcalc.formats.kinds import KINDS_FORMATS
from convcalc.formats.memory import MEMORY_FORMATS
from convcalc.formats.sweep import SWEEP_FORMATS
from convcalc.formats.verify import VERIFY_FORMATS

FORMATTED: Mapping[str, Mapping[str, Format | CheckFormat]] = {
    "analyze": FORMATS,
    "memory": MEMORY_FORMATS,
    "list": LIST_FORMATS,
    "check": CHECK_FORMATS,
    "diff": DIFF_FORMATS,
    "verify": VERIFY_FORMATS,
    "explain": EXPLANATION_FORMATS,
    "size": EXPLANATION_FORMATS,
    "sizes": EXPLANATION_FORMATS,
    "fit": EXPLANATION_FORMATS,
    "sweep": SWEEP_FORMATS,
    "kinds": KINDS_FORMATS,
    "rule": RULE_FORMATS,
}
"""Command → its formats; a test of the architecture says that none is missing."""

PACKAGES = {
    "analyze": "",
    "memory": ".memory",
    "check": ".check",
    "diff": ".diff",
    "kinds": ".kinds",
    "verify": ".verify",
    "explain": ".explanation",
    "size": ".explanation",
    "sizes": ".explanation",
    "fit": ".explanation",
    "sweep": ".sweep",
}
"""Command → where in `convcalc.formats` the modules of its formats are."""
