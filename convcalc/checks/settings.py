"""What is set for files and for a run, and what the command line makes of it."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from convcalc.checks.codes import Selection
from convcalc.checks.formats import CHECK_FORMATS
from convcalc.checks.globs import Globs
from convcalc.spec.promises import MemoryTerms, Promise, promise_code

KEYS = {
    "select": "What to report: codes, beginnings of codes, names of rules; else all that is on.",
    "extend-select": "What to report besides.",
    "ignore": "What not to report.",
    "exclude": "Globs of files and folders to leave out, relative to the configuration.",
    "force-exclude": "Leave out what `exclude` matches even where it is named.",
    "fail-on": "What makes the exit code 1: error, warning (the default), note or never.",
    "strict": "Report warnings as errors.",
    "format": "Format of standard output: " + ", ".join(CHECK_FORMATS) + ".",
    "baseline": "File with the findings that are known and not reported.",
    "budget": "Limits for every spec, as in a spec's `budget`.",
    "overrides": "Tables of `files` (globs) with a select, ignore or budget of their own.",
}
"""Keys of the configuration, with what they hold."""
RUN_KEYS = ("format", "fail-on", "strict")
"""Those that belong to the run, and so come from the working folder's configuration alone."""
OVERRIDE_KEYS = ("files", "select", "extend-select", "ignore", "budget")


class Limit(NamedTuple):
    """A limit of a budget."""

    promise: Promise
    """What is limited, and by how much."""
    origin: str = ""
    """The file or option that it was written in; empty for the spec itself."""
    asked: bool = False
    """It was given on the command line, and holds whatever is selected."""

    @property
    def code(self) -> str:
        """The code of what is over it."""
        return promise_code(self.promise, budget=True)

    @property
    def key(self) -> tuple[str, bool]:
        """What it limits, and of memory whether that of training; one limit replaces another."""
        wanted = self.promise.wanted
        return self.promise.name, isinstance(wanted, MemoryTerms) and wanted.training


class Override(NamedTuple):
    """What holds for some files only."""

    files: Globs
    """Which files it is for."""
    selection: Selection
    """Which codes are reported there, within what is reported everywhere."""
    budget: tuple[Limit, ...] = ()
    """Limits that take the place of others of the same thing."""


class Settings(NamedTuple):
    """What is set for some files, and for a run in their folder."""

    selection: Selection = Selection()
    """Which codes are reported, unless an override says more."""
    budget: tuple[Limit, ...] = ()
    """Limits from the configuration and the command line."""
    narrowed: bool = False
    """The command line selects what is reported, and so may leave out a configured limit."""
    overrides: tuple[Override, ...] = ()
    """What holds for some files only, the later ones within the earlier."""
    exclude: tuple[Globs, ...] = ()
    """Files and folders that are left out where a folder is gone through."""
    force_exclude: bool = False
    """Whether they are left out, too, where they are named themselves."""
    baseline: str | None = None
    """The file with findings that are known and not reported; None is none."""
    fail_on: str = "warning"
    """The least that makes the exit code 1, one of `FAIL_ON`."""
    strict: bool = False
    """Whether warnings are reported as errors."""
    format: str | None = None
    """How findings are written to standard output, one of `CHECK_FORMATS`; None is the default."""
    path: str | None = None
    """The configuration file, if there is one."""
    given: frozenset[str] = frozenset()
    """The keys that it has."""

    def selection_for(self, path: str) -> Selection:
        """Which codes are reported for a file."""
        selection = self.selection
        for override in self._overrides_for(path):
            selection = selection.within(override.selection)
        return selection

    def budget_for(self, path: str) -> tuple[Limit, ...]:
        """The limits for a file; an override's take the place of those of the same thing."""
        named: dict[tuple[str, bool], list[Limit]] = {}
        for budget in (self.budget, *(override.budget for override in self._overrides_for(path))):
            fresh: dict[tuple[str, bool], list[Limit]] = {}
            for limit in budget:
                fresh.setdefault(limit.key, []).append(limit)
            named.update(fresh)
        return tuple(limit for group in named.values() for limit in group)

    def holds(self, limit: Limit, path: str) -> bool:
        """Whether a limit is looked at for a file.

        One of the command line always is. A configured one is whatever the configuration selects,
        unless the command line, or an override for the file, leaves it out.
        """
        if limit.asked:
            return True
        selection = self.selection_for(path)
        if self.narrowed:
            return selection.includes(limit.code)
        return not selection.leaves_out(limit.code)

    def names(self, path: str) -> bool:
        """Whether an override names a file itself, which is a spec then whatever it holds."""
        return any(override.files.name(path) for override in self.overrides)

    def _overrides_for(self, path: str) -> list[Override]:
        at = os.path.abspath(path)
        return [override for override in self.overrides if override.files.matching(at)]


class Given(NamedTuple):
    """What the command line says; it goes before every configuration, overrides included."""

    select: tuple[str, ...] | None = None
    """Prefixes of --select, which take the place of all that is configured; None was not given."""
    extend_select: tuple[str, ...] | None = None
    """Prefixes of --extend-select, beside those configured; None was not given."""
    ignore: tuple[str, ...] | None = None
    """Prefixes of --ignore, beside those configured; None was not given."""
    limits: tuple[Limit, ...] = ()
    """Limits of --max-…, which take the place of configured ones of the same thing."""
    exclude: tuple[str, ...] = ()
    """Globs relative to the working folder."""
    force_exclude: bool = False
    """Whether --force-exclude was given; it adds to what is configured."""
    baseline: str | None = None
    """The file of --baseline, instead of the configured one; None was not given."""
    fail_on: str | None = None
    """The word of --fail-on, instead of the configured one; None was not given."""
    strict: bool = False
    """Whether --strict was given; it adds to what is configured."""
    format: str | None = None
    """The format of standard output, instead of the configured one; None was not given."""

    def over(self, configured: Settings) -> Settings:
        """What holds where a configuration says what is `configured`."""
        left = self._left_of(configured.selection)
        excluded = (Globs(self.exclude, os.path.abspath("."), "--exclude"),) if self.exclude else ()
        return configured._replace(
            selection=Selection(
                self.select or left.select,
                (*left.extend_select, *(self.extend_select or ())),
                (*left.ignore, *(self.ignore or ())),
            ),
            narrowed=self.select is not None,
            overrides=tuple(
                override._replace(
                    selection=self._left_of(override.selection),
                    budget=self._without(override.budget),
                )
                for override in configured.overrides
            ),
            budget=(*self._without(configured.budget), *self.limits),
            exclude=(*configured.exclude, *excluded),
            force_exclude=self.force_exclude or configured.force_exclude,
            baseline=self.baseline or configured.baseline,
            fail_on=self.fail_on or configured.fail_on,
            strict=self.strict or configured.strict,
            format=self.format or configured.format,
        )

    def _left_of(self, configured: Selection) -> Selection:
        """What is left of what is configured: with --select, nothing."""
        if self.select is not None:
            return Selection()
        chosen, left_out = self.extend_select or (), self.ignore or ()
        return Selection(
            configured.select,
            tuple(code for code in configured.extend_select if not code.startswith(left_out)),
            tuple(code for code in configured.ignore if not code.startswith(chosen)),
        )

    def _without(self, configured: Sequence[Limit]) -> tuple[Limit, ...]:
        """The limits whose place none of those given takes."""
        keys = {one.key for one in self.limits}
        return tuple(one for one in configured if one.key not in keys)
