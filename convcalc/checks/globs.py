"""Globs of the configuration and the command line: which files and folders they mean."""

import os
import re
from functools import lru_cache
from typing import NamedTuple

from convcalc.checks.gitignore import translated


class Globs(NamedTuple):
    """Globs that were written in one place, and the folder that they are relative to."""

    globs: tuple[str, ...]
    root: str
    """An absolute path."""
    origin: str
    """The file or option that they were written in."""

    def matching(self, path: str) -> list[str]:
        """The globs that an absolute path, or a folder that it is in, is meant by."""
        if not self.globs:
            return []
        shown = relative(path, self.root)
        return [glob for glob in self.globs if matcher(glob).match(shown)]

    def name(self, path: str) -> bool:
        """Whether one of them is just the name or path of a file."""
        return any(
            not any(sign in glob for sign in "*?[")
            and os.path.basename(path) == glob.rpartition("/")[2]
            and matcher(glob).match(relative(os.path.abspath(path), self.root)) is not None
            for glob in self.globs
        )


@lru_cache(maxsize=1024)
def matcher(glob: str) -> re.Pattern[str]:
    """A glob as an expression for a `/`-separated relative path.

    >>> bool(matcher("legacy").match("legacy/a/b.yaml")), bool(matcher("*.yaml").match("a/b.yaml"))
    (True, True)
    """
    glob = glob.strip("/") if "/" in glob.strip("/") else "**/" + glob.strip("/")
    return re.compile(translated(glob).removesuffix(r"\Z") + r"(?:/.*)?\Z")


def glob_problem(glob: str) -> str | None:
    """What is wrong with a glob, or None.

    >>> glob_problem("[a-z]*"), glob_problem("[z-a]")
    (None, "'[z-a]' is no glob: bad character range z-a; write the smaller character first")
    """
    try:
        matcher(glob)
    except re.error as error:
        advice = "; write the smaller character first" if "range" in error.msg else ""
        return f"{glob!r} is no glob: {error.msg}{advice}"
    return None


def relative(path: str, base: str) -> str:
    """A path as globs see it."""
    try:
        shown = os.path.relpath(path, base)
    except ValueError:  # another drive
        shown = path
    return shown.replace(os.sep, "/")
