"""The formats of findings: every name, and what is known of one without its module.

The modules that make text are in `formats/check/`, a floor above; a configuration names formats.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class CheckFormat(NamedTuple):
    """A format of `check`: the module of its name in `formats/check/` has `render`."""

    doc: str
    """What it is for, in a phrase for the reference."""
    machine: bool
    """Programs read it: UTF-8 on every system; else people do, and it can have colours."""
    statistics: bool = False
    """A machine format: it says itself how many findings there are of each code, and how many
    promises were not looked at."""
    short: bool = False
    """For people: what codes mean is left out where --statistics counts them."""
    pages: bool = False
    """It shows what there is to say about codes, which is read for it."""
    card: bool = False
    """It shows what the networks take and what became of them, which is worked out for it."""
    checkout: str = "GITHUB_WORKSPACE"
    """The environment variable with the folder that its paths are relative to."""


CHECK_FORMATS: Mapping[str, CheckFormat] = MappingProxyType(
    {
        "text": CheckFormat(
            "people: the source with a caret, and what to do",
            machine=False,
        ),
        "concise": CheckFormat(
            "`file:line:column: code message`, which terminals and editors make clickable",
            machine=False,
            short=True,
        ),
        "json": CheckFormat(
            'programs; `"schema": 1`, [described by a schema](check.schema.json)',
            machine=True,
            statistics=True,
        ),
        "github": CheckFormat(
            "annotations of GitHub Actions; where it runs they follow the text, also by default; "
            "a note is a notice",
            machine=True,
        ),
        "gitlab": CheckFormat(
            "GitLab's code quality report; a note is of severity info",
            machine=True,
            checkout="CI_PROJECT_DIR",
        ),
        "sarif": CheckFormat(
            "SARIF 2.1.0, for code scanning; a note is of level note", machine=True, pages=True
        ),
        "junit": CheckFormat(
            "JUnit XML: a suite a file, a passed case for a note and for a file without findings",
            machine=True,
        ),
        "card": CheckFormat(
            "Markdown for a pull request: what each spec takes, how much of its budget that is, "
            "what changed since `--base`, and the findings",
            machine=True,
            card=True,
        ),
        "html": CheckFormat(
            "a page to open, one file: findings with their lines, [as reports have them]"
            "(report.md#findings-alone)",
            machine=True,
        ),
    }
)
"""The formats of `check`, by name."""

DEFAULT_FORMAT = "text"
"""What standard output has where nothing else is asked for."""
