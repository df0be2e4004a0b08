"""What a run is told: defaults, the nearest pyproject.toml or convcalc.toml, the command line."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.checks.codes import Selection, UnknownCodeError, code_or_prefix
from convcalc.checks.files import glob_problem, matcher, relative
from convcalc.diagnostics import SEVERITIES, closest
from convcalc.spec.fields import FieldError
from convcalc.spec.promises import BUDGETS, MemoryTerms, Promise, limits, promise_code

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = ("convcalc.toml", "pyproject.toml")
"""Names of configuration files, in order of precedence within a folder."""
FAIL_ON = (*SEVERITIES, "never")
FORMATS = ("text", "concise", "json", "github", "gitlab", "sarif", "junit")
KEYS = {
    "select": "What to report: codes, beginnings of codes, names of rules; else all that is on.",
    "extend-select": "What to report besides.",
    "ignore": "What not to report.",
    "exclude": "Globs of files and folders to leave out, relative to the configuration.",
    "fail-on": "What makes the exit code 1: error, warning (the default), note or never.",
    "strict": "Report warnings as errors.",
    "format": "Format of standard output: " + ", ".join(FORMATS) + ".",
    "baseline": "File with the findings that are known and not reported.",
    "budget": "Limits for every spec, as in a spec's `budget`.",
    "overrides": "Tables of `files` (globs) with a select, ignore or budget of their own.",
}
"""Keys of the configuration, with what they hold."""
OVERRIDE_KEYS = ("files", "select", "extend-select", "ignore", "budget")
_ELSEWHERE = {
    "per-file-ignores": "write `[[overrides]]` with `files` and `ignore`",
    "extend-ignore": "write `ignore`",
    "extend-exclude": "write `exclude`",
    "exit-zero": 'write `fail-on = "never"`',
}


class SettingsError(ValueError):
    """A configuration that cannot be used."""


class Limit(NamedTuple):
    """A limit of a budget."""

    promise: Promise
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

    files: tuple[str, ...]
    selection: Selection
    budget: tuple[Limit, ...] = ()


class Settings(NamedTuple):
    """What a run is told."""

    selection: Selection = Selection()
    budget: tuple[Limit, ...] = ()
    """Limits from the configuration and the command line."""
    narrowed: bool = False
    """The command line selects what is reported, and so may leave out a configured limit."""
    overrides: tuple[Override, ...] = ()
    exclude: tuple[str, ...] = ()
    fail_on: str = "warning"
    strict: bool = False
    format: str | None = None
    baseline: str | None = None
    path: str | None = None
    """The configuration file, if there is one."""
    root: str = "."
    """The folder that globs are relative to."""

    def selection_for(self, path: str) -> Selection:
        """Which codes are reported for a file."""
        selection = self.selection
        for override in self._overrides_for(path):
            selection = selection.within(override.selection)
        return selection

    def budget_for(self, path: str) -> tuple[Limit, ...]:
        """The limits for a file; an override's take the place of those of the same thing."""
        named: dict[tuple[str, bool], list[Limit]] = {}
        for budget in (self.budget, *(own.budget for own in self._overrides_for(path))):
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

    def _overrides_for(self, path: str) -> list[Override]:
        if not self.overrides:
            return []
        shown = relative(path, self.root)
        return [
            override
            for override in self.overrides
            if any(matcher(glob).match(shown) for glob in override.files)
        ]


def nearest(paths: Sequence[str]) -> str | None:
    """The configuration file in the folder that PATHs have in common, or nearest above it."""
    folders = [
        os.path.abspath(path if os.path.isdir(path) else os.path.dirname(path) or ".")
        for path in paths
        if path != "-"
    ]
    try:
        at = os.path.commonpath(folders) if folders else os.path.abspath(".")
    except ValueError:  # several drives
        at = os.path.abspath(".")
    while not os.path.isdir(at) and at != os.path.dirname(at):
        at = os.path.dirname(at)
    while True:
        for name in FILES:
            path = os.path.join(at, name)
            if os.path.isfile(path) and (name != "pyproject.toml" or _has_table(path)):
                return os.path.relpath(path) if at.startswith(os.getcwd()) else path
        above = os.path.dirname(at)
        if above == at:
            return None
        at = above


def read_settings(path: str) -> Settings:
    """The settings of a configuration file; `SettingsError` names the key at fault."""
    text, values = _parsed(path)
    return _Reader(path, text).settings(values)


def _has_table(path: str) -> bool:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    if "convcalc" not in text:
        return False
    return isinstance(_parsed(path)[1], dict) and _table(_parsed(path)[1], path) is not None


def _parsed(path: str) -> tuple[str, dict[str, Any]]:
    try:
        text = Path(path).read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path}: not TOML: {error}"
    raise SettingsError(message)


def _table(values: Mapping[str, Any], path: str) -> Any:
    if os.path.basename(path) != "pyproject.toml":
        return values
    tool = values.get("tool")
    return tool.get("convcalc") if isinstance(tool, dict) else None


class _Reader:
    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    def fail(self, key: str, message: str) -> SettingsError:
        """An error with the line of a key, as far as it can be told."""
        place = self.path
        found = re.search(rf"(?m)^[ \t]*(?:\[+[^\]\n]*)?[\"']?{re.escape(key)}[\"']?", self.text)
        if key and found:
            place += f":{self.text.count(chr(10), 0, found.start()) + 1}"
        return SettingsError(f"{place}: {message}")

    def settings(self, values: Mapping[str, Any]) -> Settings:
        table = _table(values, self.path)
        if table is None:
            message = f"{self.path}: there is no table [tool.convcalc]"
            raise SettingsError(message)
        if not isinstance(table, dict):
            raise self.fail("convcalc", "tool.convcalc is a table")
        self.known(table, KEYS, "the configuration")
        fail_on = self.word(table, "fail-on", FAIL_ON) or "warning"
        strict = table.get("strict", False)
        if not isinstance(strict, bool):
            raise self.fail("strict", "strict is true or false")
        root = os.path.dirname(self.path) or "."
        baseline = table.get("baseline")
        if baseline is not None and not isinstance(baseline, str):
            raise self.fail("baseline", "baseline is the path of a file")
        overrides = table.get("overrides", [])
        if not isinstance(overrides, list) or not all(isinstance(one, dict) for one in overrides):
            raise self.fail("overrides", "overrides are tables: write [[overrides]]")
        selection, budget = self.selection(table), self.budget(table)
        self.held(budget, selection)
        return Settings(
            selection,
            budget,
            overrides=tuple(self.override(one, selection) for one in overrides),
            exclude=self.globs(table, "exclude"),
            fail_on=fail_on,
            strict=strict,
            format=self.word(table, "format", FORMATS),
            baseline=os.path.normpath(os.path.join(root, baseline)) if baseline else None,
            path=self.path,
            root=root,
        )

    def held(self, budget: Sequence[Limit], selection: Selection) -> None:
        """Refuse limits that the same table's `ignore` would keep from being looked at."""
        for limit in budget:
            if selection.leaves_out(limit.code):
                message = (
                    f"budget: {limit.promise.name} is never looked at, because `ignore` leaves "
                    f"out {limit.code}: remove one of them"
                )
                raise self.fail("budget", message)

    def override(self, table: Mapping[str, Any], above: Selection) -> Override:
        self.known(table, dict.fromkeys(OVERRIDE_KEYS, ""), "an override")
        files = self.globs(table, "files")
        if not files:
            raise self.fail("overrides", 'an override needs `files`: files = ["legacy/*.yaml"]')
        selection, budget = self.selection(table), self.budget(table)
        self.held(budget, above.within(selection))
        return Override(files, selection, budget)

    def known(self, table: Mapping[str, Any], keys: Mapping[str, str], what: str) -> None:
        for key in table:
            if key not in keys:
                near = closest(str(key).replace("_", "-"), keys)
                advice = _ELSEWHERE.get(key) or (
                    f"did you mean {near!r}?" if near else f"its keys are {', '.join(keys)}"
                )
                raise self.fail(key, f"{what} has no key {key!r}: {advice}")

    def word(self, table: Mapping[str, Any], key: str, choices: Sequence[str]) -> str | None:
        value = table.get(key)
        if value is not None and value not in choices:
            raise self.fail(key, f"{key} is {value!r}, and is one of {', '.join(choices)}")
        return value

    def strings(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fail(key, f'{key} is a list of texts: {key} = ["…"]')
        return tuple(value)

    def globs(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        globs = self.strings(table, key)
        for glob in globs:
            problem = glob_problem(glob)
            if problem is not None:
                raise self.fail(key, f"{key}: {problem}")
        return globs

    def selection(self, table: Mapping[str, Any]) -> Selection:
        select, extend, ignore = (
            self.codes(table, key) for key in ("select", "extend-select", "ignore")
        )
        return Selection(select, extend, ignore)

    def codes(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        written = self.strings(table, key)
        try:
            return tuple(map(code_or_prefix, written))
        except UnknownCodeError as error:
            raise self.fail(key, f"{key}: {error}") from None

    def budget(self, table: Mapping[str, Any]) -> tuple[Limit, ...]:
        given = table.get("budget", {})
        if not isinstance(given, dict):
            raise self.fail("budget", "budget is a table: budget = {parameters = '5M'}")
        entries = {str(key).replace("-", "_"): value for key, value in given.items()}
        for key in entries:
            if key not in BUDGETS:
                near = closest(key, BUDGETS)
                advice = f"did you mean {near!r}?" if near else f"it may hold {', '.join(BUDGETS)}"
                raise self.fail(key, f"budget has no key {key!r}: {advice}")
        try:
            return tuple(Limit(promise, self.path) for promise in limits(entries))
        except FieldError as error:
            advice = f"; {error.problem.help}" if error.problem.help else ""
            raise self.fail("budget", f"budget: {error.problem.message}{advice}") from None
