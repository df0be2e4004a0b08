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
            closing = glob.find("]", at + 1 + (glob[at : at + 1] in ("!", "^")))
            if closing < 0:
                parts.append(r"(?!)")  # as git has it, an open bracket matches nothing
                continue
            inner = glob[at:closing]
            invert = inner[:1] in ("!", "^")
            body = inner[invert:].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
            parts.append(f"(?!/)[{'^' * invert}{body}]")
            at = closing + 1
        elif character == "\\" and at < len(glob):
            parts.append(re.escape(glob[at]))
            at += 1
        else:
            parts.append(re.escape(character))
    return "".join(parts) + r"\Z"
