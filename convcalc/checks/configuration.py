"""Configuration files: which one is a file's, and what it says."""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from convcalc.checks.codes import Selection, UnknownCodeError, code_or_prefix
from convcalc.checks.formats import CHECK_FORMATS
from convcalc.checks.globs import Globs, glob_problem
from convcalc.checks.report import FAIL_ON
from convcalc.checks.settings import (
    KEYS,
    OVERRIDE_KEYS,
    RUN_KEYS,
    Given,
    Limit,
    Override,
    Settings,
)
from convcalc.diagnostics import closest, misspelt
from convcalc.spec.promises import BUDGETS, limits
from convcalc.spec.values import FieldError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = ("convcalc.toml", "pyproject.toml")
"""Names of configuration files, in order of precedence within a folder."""
_ELSEWHERE = {
    "per-file-ignores": "write `[[overrides]]` with `files` and `ignore`",
    "extend-ignore": "write `ignore`",
    "extend-exclude": "write `exclude`",
    "exit-zero": 'write `fail-on = "never"`',
}


class SettingsError(ValueError):
    """A configuration that cannot be used."""


class Configurations:
    """The settings of every file: those of the nearest configuration, below the command line.

    What belongs to a file comes from the configuration in its folder or the nearest one above;
    what belongs to the run (`RUN_KEYS`) from that of the working folder. With `only`, this one
    is everybody's; with `isolated`, there is none.
    """

    def __init__(
        self, given: Given | None = None, *, only: str | None = None, isolated: bool = False
    ) -> None:
        given = given or Given()
        self._given = given
        self._all: Settings | None = None
        if isolated:
            self._all = given.over(Settings())
        elif only is not None:
            self._all = given.over(read_settings(only))
        self._paths: dict[str, str | None] = {}
        self._settings: dict[str | None, Settings] = {}
        self._folders: dict[str, Settings] = {}
        self.run = self.of_folder(".")

    def of(self, path: str) -> Settings:
        """What is set for a file; of standard input and bundled names, for the working folder."""
        return self.of_folder(os.path.dirname(path))

    def of_folder(self, folder: str) -> Settings:
        """What is set for the files of a folder."""
        if self._all is not None:
            return self._all
        settings = self._folders.get(folder)
        if settings is None:
            path = self._nearest(os.path.abspath(folder))
            settings = self._settings.get(path)
            if settings is None:
                configured = read_settings(path) if path is not None else Settings()
                settings = self._settings[path] = self._given.over(configured)
            self._folders[folder] = settings
        return settings

    def used(self, files: Iterable[str]) -> list[Settings]:
        """The settings of the run, then those of files that have others."""
        by_path = {self.run.path: self.run}
        for file in files:
            settings = self.of(file)
            by_path.setdefault(settings.path, settings)
        return [*by_path.values()]

    def unheeded(self, files: Iterable[str]) -> list[tuple[str, str]]:
        """Configurations of files and those of their keys that say otherwise than the run does."""
        keys = []
        for settings in self.used(files)[1:]:
            for key in RUN_KEYS:
                name = key.replace("-", "_")
                if key in settings.given and getattr(settings, name) != getattr(self.run, name):
                    keys.append((settings.path or "", key))
        return keys

    def _nearest(self, folder: str) -> str | None:
        if folder not in self._paths:
            above = os.path.dirname(folder)
            path = _own(folder)
            if path is None and above != folder:
                path = self._nearest(above)
            self._paths[folder] = path
        return self._paths[folder]


def _own(folder: str) -> str | None:
    """The configuration file in a folder."""
    for name in FILES:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and (name != "pyproject.toml" or _has_table(path)):
            return os.path.relpath(path) if path.startswith(os.path.join(os.getcwd(), "")) else path
    return None


def read_settings(path: str) -> Settings:
    """The settings of a configuration file; `SettingsError` names the key at fault."""
    text, values = _parsed(path)
    return _Reader(path, text).settings(values)


def _has_table(path: str) -> bool:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    if "convcalc" not in text:
        for header in re.finditer(r"(?m)^\[+[ ]*tool[ ]*\.[ ]*([\w-]+)", text):
            if misspelt(header[1], ["convcalc"]):
                line = text.count("\n", 0, header.start()) + 1
                message = f"[tool.{header[1]}] is nobody's: did you mean [tool.convcalc]?"
                raise SettingsError(f"{path}:{line}: {message}")
        return False
    return _table(_parsed(path)[1], path) is not None


def _parsed(path: str) -> tuple[str, dict[str, Any]]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
    except UnicodeDecodeError as error:
        message = f"{path}: not TOML, which is UTF-8 text: {error.reason}"
    except tomllib.TOMLDecodeError as error:
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
        self.root = os.path.abspath(os.path.dirname(path) or ".")
        self.text = text

    def fail(self, key: str, message: str) -> SettingsError:
        """An error with the line of a key, as far as it can be told."""
        place = self.path
        match = re.search(rf"(?m)^[ \t]*(?:\[+[^\]\n]*)?[\"']?{re.escape(key)}[\"']?", self.text)
        if key and match:
            place += f":{self.text.count(chr(10), 0, match.start()) + 1}"
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
        force_exclude = table.get("force-exclude", False)
        if not isinstance(force_exclude, bool):
            raise self.fail("force-exclude", "force-exclude is true or false")
        baseline = table.get("baseline")
        if baseline is not None and not isinstance(baseline, str):
            raise self.fail("baseline", "baseline is the path of a file")
        overrides = table.get("overrides", [])
        if not isinstance(overrides, list) or not all(isinstance(one, dict) for one in overrides):
            raise self.fail("overrides", "overrides are tables: write [[overrides]]")
        selection, budget = self.selection(table), self.budget(table)
        self.held(budget, selection)
        folder, exclude = os.path.dirname(self.path), self.globs(table, "exclude")
        return Settings(
            selection,
            budget,
            overrides=tuple(self.override(one, selection) for one in overrides),
            exclude=(exclude,) if exclude.globs else (),
            force_exclude=force_exclude,
            baseline=os.path.normpath(os.path.join(folder, baseline)) if baseline else None,
            fail_on=fail_on,
            strict=strict,
            format=self.word(table, "format", [*CHECK_FORMATS]),
            path=self.path,
            given=frozenset(table),
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
        if not files.globs:
            raise self.fail("overrides", 'an override needs `files`: files = ["legacy/*.yaml"]')
        selection, budget = self.selection(table), self.budget(table)
        self.held(budget, above.within(selection))
        return Override(files, selection, budget)

    def known(self, table: Mapping[str, Any], keys: Mapping[str, str], what: str) -> None:
        for key in table:
            if key not in keys and key in ("tool", "convcalc") and what == "the configuration":
                message = (
                    "the header [tool.convcalc] belongs in pyproject.toml: here its keys stand at "
                    "the top, without it"
                )
                raise self.fail(key, message)
            if key not in keys:
                near = closest(str(key).replace("_", "-"), keys)
                advice = _ELSEWHERE.get(key) or (
                    f"did you mean {near!r}?" if near else f"its keys are {', '.join(keys)}"
                )
                raise self.fail(key, f"{what} has no key {key!r}: {advice}")

    def word(self, table: Mapping[str, Any], key: str, choices: Sequence[str]) -> str | None:
        value = table.get(key)
        if value is not None and value not in choices:
            from convcalc.nearness import asked

            near = asked([str(value)], choices) or f", and is one of {', '.join(choices)}"
            raise self.fail(key, f"{key} is {value!r}{near}")
        return value

    def strings(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fail(key, f'{key} is a list of texts: {key} = ["…"]')
        return tuple(value)

    def globs(self, table: Mapping[str, Any], key: str) -> Globs:
        globs = self.strings(table, key)
        for glob in globs:
            problem = glob_problem(glob)
            if problem is not None:
                raise self.fail(key, f"{key}: {problem}")
        return Globs(globs, self.root, self.path)

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
