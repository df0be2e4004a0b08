"""Globs of the configuration and the command line: which files and folders they mean."""

import os
import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Globs(NamedTuple):
    """Globs that were written in one place, and the folder that they are relative to."""

    globs: tuple[str, ...]
    """As they were written, with `/` between folders."""
    root: str
    """The folder that they are relative to, an absolute path."""
    origin: str
    """The file or option that they were written in."""

    def matching(self, path: str) -> list[str]:
        """The globs that an absolute path, or a folder that it is in, is meant by."""
        if not self.globs:
            return []
        shown = relative(path, self.root)
        return [glob for glob in self.globs if matcher(glob).match_file(shown)]

    def name(self, path: str) -> bool:
        """Whether one of them is just the name or path of a file."""
        return any(
            not any(sign in glob for sign in "*?[")
            and os.path.basename(path) == glob.rpartition("/")[2]
            and matcher(glob).match_file(relative(os.path.abspath(path), self.root))
            for glob in self.globs
        )


@lru_cache(maxsize=1024)
def matcher(glob: str) -> "GitIgnoreSpec":
    """What a glob matches, of `/`-separated relative paths: as a line of a `.gitignore` would.

    >>> [matcher(glob).match_file("a/b/c.yaml") for glob in ("b", "a/*", "*.yaml", "b/c.yaml")]
    [True, True, True, False]
    """
    from pathspec import GitIgnoreSpec  # only where there are globs

    plain = glob.strip("/")
    with warnings.catch_warnings():  # Python's, about brackets of odd globs
        warnings.simplefilter("ignore", FutureWarning)
        return GitIgnoreSpec.from_lines([f"/{plain}" if "/" in plain else f"**/{plain}"])


def glob_problem(glob: str) -> str | None:
    """What is wrong with a glob, or None.

    >>> glob_problem("[a-z]*"), glob_problem("[z-a]")
    (None, "'[z-a]' is no glob: bad character range z-a")
    """
    try:
        patterns = matcher(glob).patterns
    except (ValueError, re.error) as error:
        return f"{glob!r} is no glob: {getattr(error, 'msg', error)}"
    if all(pattern.include is None for pattern in patterns):
        return f"{glob!r} is no glob: it matches nothing"
    return None


def relative(path: str, base: str) -> str:
    """A path as globs see it."""
    try:
        shown = os.path.relpath(path, base)
    except ValueError:  # another drive
        shown = path
    return shown.replace(os.sep, "/")
