"""Which files `.gitignore` files leave out.

A matcher of our own, because leaving a folder out while walking needs no git, no process and no
further dependency. It follows gitignore(5); tests hold it against `git check-ignore`.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

MAX_BYTES = 2**20
"""Of a `.gitignore`, what is read."""

_CLASS = re.compile(r"\[:([^\]:]*):\]")
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t-\\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
"""What the names in brackets stand for: `[[:alpha:]]`."""


class Pattern(NamedTuple):
    """One line of a `.gitignore`."""

    matches: re.Pattern[str]
    negated: bool
    folders_only: bool


class Ignored:
    """Asks the `.gitignore` files from the top of the repository down to a file's folder."""

    def __init__(self) -> None:
        self._patterns: dict[str, tuple[Pattern, ...]] = {}
        self._tops: dict[str, str | None] = {}
        self._folders: dict[str, bool] = {}

    def ignores(self, path: str, *, folder: bool = False) -> bool:
        """Whether the file or folder at an absolute path is left out."""
        parent = os.path.dirname(path)
        top = self._top(parent)
        if top is None:
            return False
        if parent != top and self._ignores_folder(parent):
            return True
        return self._says(path, top, folder=folder)

    def _ignores_folder(self, folder: str) -> bool:
        found = self._folders.get(folder)
        if found is None:
            found = self._folders[folder] = self.ignores(folder, folder=True)
        return found

    def _says(self, path: str, top: str, *, folder: bool) -> bool:
        at = os.path.dirname(path)
        while True:
            relative = path[len(at.rstrip(os.sep)) + 1 :].replace(os.sep, "/")
            for pattern in reversed(self._read(at)):
                if (folder or not pattern.folders_only) and pattern.matches.match(relative):
                    return not pattern.negated
            if at == top:
                return False
            at = os.path.dirname(at)

    def _top(self, folder: str) -> str | None:
        """The folder that holds `.git`, this one or one above."""
        if folder not in self._tops:
            if os.path.lexists(os.path.join(folder, ".git")):
                self._tops[folder] = folder
            else:
                above = os.path.dirname(folder)
                self._tops[folder] = None if above == folder else self._top(above)
        return self._tops[folder]

    def _read(self, folder: str) -> tuple[Pattern, ...]:
        found = self._patterns.get(folder)
        if found is None:
            try:
                with Path(folder, ".gitignore").open("rb") as file:
                    text = file.read(MAX_BYTES).decode("utf-8", "replace")
            except OSError:
                text = ""
            found = tuple(
                pattern for line in text.splitlines() if (pattern := compiled(line)) is not None
            )
            self._patterns[folder] = found
        return found


@lru_cache(maxsize=1024)
def compiled(line: str) -> Pattern | None:
    """The pattern of a line; None for a comment or nothing.

    >>> compiled("build/").matches.match("a/build") is not None
    True
    >>> compiled("/build/").matches.match("a/build") is not None
    False
    """
    line = line.rstrip("\r\n")
    while line.endswith((" ", "\t")) and not line.endswith(("\\ ", "\\\t")):
        line = line[:-1]
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line[negated:]
    folders_only = line.endswith("/")
    line = line.rstrip("/") if folders_only else line
    if not line:
        return None
    anchored = "/" in line
    try:
        expression = translated(line.removeprefix("/"))
        matches = re.compile(expression if anchored else f"(?:.*/)?{expression}", re.DOTALL)
    except re.error:
        return None
    return Pattern(matches, negated, folders_only)


def translated(glob: str) -> str:
    r"""A glob as a regular expression: `*` and `?` stop at `/`, `**` does not.

    >>> translated("a/**/b")
    'a/(?:.*/)?b\\Z'
    """
    parts: list[str] = []
    at = 0
    while at < len(glob):
        character = glob[at]
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            parts.append("(?:.*/)?")
            at += 3
            continue
        if glob[at:] == "**" and (at == 0 or glob[at - 1] == "/"):
            parts.append(".+")
            break
        at += 1
        if character == "*":
            while at < len(glob) and glob[at] == "*":
                at += 1
            parts.append("[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character == "[":
            found = _bracket(glob, at)
            if found is None:
                parts.append(r"(?!)")  # as git has it, an open bracket matches nothing
                continue
            expression, at = found
            parts.append(expression)
        elif character == "\\" and at < len(glob):
            parts.append(re.escape(glob[at]))
            at += 1
        else:
            parts.append(re.escape(character))
    return "".join(parts) + r"\Z"


def _bracket(glob: str, at: int) -> tuple[str, int] | None:
    """The expression of what stands behind `[`, and where it ends; None when it never does."""
    invert = glob[at : at + 1] in ("!", "^")
    first = at = at + invert
    body = ""
    while at < len(glob):
        character = glob[at]
        if character == "]" and at > first:
            return f"(?!/)[{'^' * invert}{body}]", at + 1
        named = _CLASS.match(glob, at)
        if named:
            if named[1] not in _CLASSES:
                return r"(?!)", len(glob)
            body += _CLASSES[named[1]]
            at = named.end()
            continue
        if character == "\\":
            at += 1
            if at == len(glob):
                return None
            body += "\\" + glob[at] if not glob[at].isalnum() else glob[at]
        elif character == "-":  # a range, unless it is the first or the last
            body += "-" if at > first and glob[at + 1 : at + 2] not in ("]", "") else "\\-"
        else:
            body += "\\" + character if character in "[]^&~|" else character
        at += 1
    return None
