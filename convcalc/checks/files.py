"""The files a run checks: named ones always, and in folders the YAML files that are specs."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from convcalc.checks.gitignore import Ignored, translated
from convcalc.checks.recognition import SUFFIXES, is_spec

SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})
"""Folders that are never looked into, like those whose name starts with a dot."""


class Found(NamedTuple):
    """What the PATHs of a run come to."""

    files: list[str]
    """Files to check, each once, in the order of the PATHs and sorted within a folder."""
    empty: list[str]
    """PATHs that hold nothing to check."""


def find(
    paths: Sequence[str], *, exclude: Sequence[str] = (), root: str = ".", only_specs: bool = False
) -> Found:
    """The files that PATHs mean: files, folders, globs, `-` and names of bundled architectures.

    `exclude` are globs relative to `root`; they and `.gitignore` files leave out what is not
    named itself. `only_specs` leaves out named YAML files that are no specs, too.
    """
    ignored = Ignored()
    excluded = [re.compile(_exclusion(glob)) for glob in exclude]
    base = os.path.abspath(root)
    listed: dict[str, str] = {}
    empty: list[str] = []
    for path in paths:
        if path == "-":
            listed.setdefault("-", "-")
            continue
        if os.path.isdir(path):
            matches: Iterable[str] = _walk(path, ignored, excluded, base)
        elif not os.path.lexists(path) and any(sign in path for sign in "*?["):
            matches = _glob(path, ignored, excluded, base)
        else:
            matches = [path] if not only_specs or is_spec(path) else []
        seen = False
        for match in matches:
            seen = True
            listed.setdefault(os.path.realpath(match) if os.path.lexists(match) else match, match)
        if not seen and not (only_specs and os.path.isfile(path)):
            empty.append(path)
    return Found(list(listed.values()), empty)


def _walk(
    folder: str, ignored: Ignored, excluded: Sequence[re.Pattern[str]], base: str
) -> Iterator[str]:
    for at, folders, files in os.walk(folder):
        here = os.path.abspath(at)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in SKIPPED
            and not ignored.ignores(os.path.join(here, name), folder=True)
            and not _excludes(excluded, os.path.join(here, name), base)
        )
        for name in sorted(files):
            if not name.lower().endswith(SUFFIXES) or name.startswith("."):
                continue
            path = os.path.join(here, name)
            if _excludes(excluded, path, base) or ignored.ignores(path):
                continue
            shown = os.path.join(at, name)
            if is_spec(shown):
                yield os.path.normpath(shown)


def _glob(
    pattern: str, ignored: Ignored, excluded: Sequence[re.Pattern[str]], base: str
) -> Iterator[str]:
    import glob

    for path in sorted(glob.iglob(pattern, recursive=True)):
        here = os.path.abspath(path)
        if os.path.isdir(path):
            known = os.path.basename(here) not in SKIPPED and not ignored.ignores(here, folder=True)
            if known and not _excludes(excluded, here, base):
                yield from _walk(path, ignored, excluded, base)
        elif not _excludes(excluded, here, base) and not ignored.ignores(here):
            yield path


def matcher(glob: str) -> re.Pattern[str]:
    """A glob of the configuration as an expression for a `/`-separated relative path.

    >>> bool(matcher("legacy").match("legacy/a/b.yaml")), bool(matcher("*.yaml").match("a/b.yaml"))
    (True, True)
    """
    return re.compile(_exclusion(glob))


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
    """A path as globs of the configuration see it."""
    try:
        shown = os.path.relpath(path, base)
    except ValueError:  # another drive
        shown = path
    return shown.replace(os.sep, "/")


def _exclusion(glob: str) -> str:
    glob = glob.strip("/") if "/" in glob.strip("/") else "**/" + glob.strip("/")
    expression = translated(glob)
    return expression.removesuffix(r"\Z") + r"(?:/.*)?\Z"


def _excludes(excluded: Sequence[re.Pattern[str]], path: str, base: str) -> bool:
    if not excluded:
        return False
    shown = relative(path, base)
    return any(pattern.match(shown) for pattern in excluded)
