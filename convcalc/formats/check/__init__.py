"""The formats of `convcalc check`: every name, and the module that makes text of its findings."""

from convcalc.numbers import plural

CHECK_FORMATS = {
    "text": "The place, what is, the source with a caret, and what to do.",
    "concise": "One line a finding: file:line:column: code message.",
    "json": "Everything, stable.",
    "github": "Annotations of GitHub Actions.",
    "gitlab": "Code quality report of GitLab CI.",
    "sarif": "SARIF 2.1.0, for code scanning.",
    "junit": "JUnit XML, one suite a file.",
}
"""Format → what it is; each is the module of that name with `render`."""


def not_looked_at(promises: int) -> str:
    """A sentence that says that promises were left out."""
    were, their = ("was", "its code is") if promises == 1 else ("were", "their codes are")
    return f"{plural(promises, 'promise')} {were} not looked at: {their} not selected."
