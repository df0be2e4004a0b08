"""The files a run checks: named ones, and in folders the YAML files that are specs."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from convcalc.checks.configuration import Configurations
from convcalc.checks.ignored import Ignored
from convcalc.checks.recognition import SUFFIXES, is_spec
from convcalc.exchange.content import ENDINGS

SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})
"""Folders that are never looked into, like those whose name starts with a dot."""


class Found(NamedTuple):
    """What the PATHs of a run come to."""

    files: list[str]
    """Files to check, each once, in the order of the PATHs and sorted within a folder."""
    empty: list[str]
    """PATHs that hold nothing to check."""
    excluded: list[tuple[str, str]] = []  # noqa: RUF012 (a tuple's default is never written to)
    """PATHs that an `exclude` matches, with the glob: left out where it is forced on them."""
    foreign: list[str] = []  # noqa: RUF012 (the same)
    """Networks from elsewhere that a folder holds, by their names: left out there, because such
    files are large and made by programs; a glob or the configuration names them."""


def find(
    paths: Sequence[str],
    configured: Configurations | None = None,
    *,
    only_specs: bool = False,
    stdin: str | None = None,
) -> Found:
    """The files that PATHs mean: files, folders, globs, `-` and names of bundled architectures.

    What `exclude` and `.gitignore` leave out is left out unless it is named itself, and what
    `exclude` does even then where it is forced. `only_specs` leaves out named YAML files that
    are no specs. `stdin` is what standard input is called.
    """
    search = _Search(configured or Configurations(isolated=True))
    listed: dict[str, str] = {}
    empty: list[str] = []
    excluded: list[tuple[str, str]] = []
    for path in paths:
        if path == "-":
            listed.setdefault("-", "-")
            search.configured.of(stdin or path)  # what is wrong in it is to be known in time
            continue
        named = True
        if os.path.isdir(path):
            matches: Iterable[str] = search.folder(path)
        elif not os.path.lexists(path) and any(sign in path for sign in "*?["):
            named, matches = False, search.glob(path)
        else:
            spec = not only_specs or is_spec(path) or search.named_by_configuration(path)
            matches = [path] if spec else []
            search.configured.of(path)
        glob = search.excluded(path) if named and os.path.lexists(path) else None
        if glob is not None:
            excluded.append((path, glob))
            if search.forced(path):
                continue
        seen = False
        for match in matches:
            seen = True
            file = os.path.realpath(match) if os.path.lexists(match) else match
            before = listed.setdefault(file, match)
            if before != match and before not in paths and os.path.islink(before):
                del listed[file]  # a link that was come upon does not hide the name of its file
                listed[file] = match
        if not seen and not (only_specs and os.path.isfile(path)):
            empty.append(path)
    return Found(list(listed.values()), empty, excluded, search.foreign)


def left_out(path: str, configured: Configurations) -> bool:
    """Whether a search passes over a file of this name, which need not be there."""
    return _Search(configured).excluded(path) is not None


class _Search:
    """Looks for specs where the configurations let it."""

    def __init__(self, configured: Configurations) -> None:
        self.configured = configured
        self.foreign: list[str] = []
        """Networks from elsewhere that were come upon and are not named."""
        self._ignored = Ignored()

    def forced(self, path: str) -> bool:
        """Whether excludes hold for a PATH that is named."""
        return self.configured.of(os.path.abspath(path)).force_exclude

    def named_by_configuration(self, path: str) -> bool:
        """Whether the configuration of a YAML file names it, and not by a pattern."""
        return self.configured.of(path).names(path)

    def excluded(self, path: str) -> str | None:
        """The glob that leaves a file or folder out, or a folder that it is in.

        Folders above are looked at as a run on the working folder would, and above that never.
        """
        at, here = os.path.abspath(path), os.path.abspath(".")
        inside = at.startswith(os.path.join(here, ""))
        glob = None if here == at else self._excludes(at)
        while inside and glob is None and (at := os.path.dirname(at)) != here:
            glob = self._excludes(at)
        return glob

    def _excludes(self, path: str, void: frozenset[str] = frozenset()) -> str | None:
        """The glob of the configuration above an absolute path that leaves it out."""
        for globs in self.configured.of(path).exclude:
            if path == globs.root or globs.root.startswith(os.path.join(path, "")):
                continue  # the working folder itself, seen from --exclude
            for glob in globs.matching(path):
                if glob not in void:
                    return glob
        return None

    def folder(self, folder: str) -> Iterator[str]:
        """The specs in a folder; globs that leave out the folder itself are void in it."""
        void = self._void(os.path.abspath(folder))
        for at, folders, files in os.walk(folder):
            here = os.path.abspath(at)
            folders[:] = sorted(
                name
                for name in folders
                if not name.startswith(".")
                and name not in SKIPPED
                and not self._ignored.ignores(os.path.join(here, name), folder=True)
                and self._excludes(os.path.join(here, name), void) is None
            )
            for name in sorted(files):
                if not name.lower().endswith((*SUFFIXES, *ENDINGS)) or name.startswith("."):
                    continue
                path = os.path.join(here, name)
                if self._excludes(path, void) is not None or self._ignored.ignores(path):
                    continue
                shown = os.path.join(at, name)
                if name.lower().endswith(ENDINGS) and not self.named_by_configuration(shown):
                    self.foreign.append(os.path.normpath(shown))
                    continue
                if is_spec(shown) or self.named_by_configuration(shown):
                    yield os.path.normpath(shown)

    def _void(self, folder: str) -> frozenset[str]:
        """The globs that leave out a folder which is searched all the same."""
        void: set[str] = set()
        while (glob := self._excludes(folder, frozenset(void))) is not None:
            void.add(glob)
        return frozenset(void)

    def glob(self, pattern: str) -> Iterator[str]:
        """What a glob of the command line matches, and the specs in folders that it matches."""
        import glob

        for path in sorted(glob.iglob(pattern, recursive=True)):
            here = os.path.abspath(path)
            if self.excluded(here) is not None:
                continue
            if os.path.isdir(path):
                known = os.path.basename(here) not in SKIPPED
                if known and not self._ignored.ignores(here, folder=True):
                    yield from self.folder(path)
            elif not self._ignored.ignores(here):
                yield path
