"""Which files `.gitignore` files leave out; pathspec reads their lines."""

import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_BYTES = 2**20
"""Of a `.gitignore`, what is read."""


class Ignored:
    """Asks the `.gitignore` files from the top of the repository down to a file's folder."""

    def __init__(self) -> None:
        self._rules: dict[str, _Rules | None] = {}
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
        ignored = self._folders.get(folder)
        if ignored is None:
            ignored = self._folders[folder] = self.ignores(folder, folder=True)
        return ignored

    def _says(self, path: str, top: str, *, folder: bool) -> bool:
        at = os.path.dirname(path)
        while True:
            rules = self._read(at)
            if rules is not None:
                relative = path[len(at.rstrip(os.sep)) + 1 :].replace(os.sep, "/")
                said = rules.says(relative, folder=folder)
                if said is not None:
                    return said
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

    def _read(self, folder: str) -> "_Rules | None":
        if folder not in self._rules:
            try:
                with Path(folder, ".gitignore").open("rb") as file:
                    text = file.read(MAX_BYTES).decode("utf-8", "replace")
            except OSError:
                text = ""
            self._rules[folder] = _compiled(text) if text.strip() else None
        return self._rules[folder]


class _Rules(NamedTuple):
    """The lines of a `.gitignore`."""

    lines: list[str]
    """The lines that pathspec was given, by the index that it names them with."""
    spec: "GitIgnoreSpec"
    """What pathspec made of these lines."""

    def says(self, relative: str, *, folder: bool) -> bool | None:
        """Whether a path below is left out; None where no line is about it.

        A folder is asked for with a slash, for lines that are about folders alone. To pathspec
        that is also a path in the folder, which lines such as `a/**` and `!a` are about.
        """
        if folder:
            said = self.spec.check_file(f"{relative}/")
            if said.index is None or self.lines[said.index].rstrip().endswith("/"):
                return said.include
        return self.spec.check_file(relative).include


def _compiled(text: str) -> _Rules:
    """The lines of a `.gitignore`; those that are no pattern leave out nothing, as with git."""
    from pathspec import GitIgnoreSpec  # only where there is such a file

    def sound(line: str) -> bool:
        try:
            GitIgnoreSpec.from_lines([line])
        except (ValueError, re.error):
            return False
        return True

    with warnings.catch_warnings():  # Python's, about brackets of odd lines
        warnings.simplefilter("ignore", FutureWarning)
        lines = [line for line in text.splitlines() if line and sound(line)]
        return _Rules(lines, GitIgnoreSpec.from_lines(lines))
