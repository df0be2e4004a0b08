"""Which tests reach which line, and how long each takes.

Measured once by a run of all tests, and then for files of tests alone that are new; lines that
moved are followed. A map that is out of date lets some tests be missed, so that more changes
survive, never fewer.
"""

import ast
import gc
import importlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import SequenceMatcher
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.mutation.changes import PARTS, ROOT, Change, files
from benchmarks.mutation.child import Job, start

STATE = ("convcalc", "tests", "docs", "architectures", "README.md", "CONTRIBUTING.md")
"""What a verdict depends on."""

Lines = dict[str, dict[str, list[int]]]
"""By file and line, tests by their position."""


class TestMap:
    """What runs of the tests showed, by file of tests: their seconds, and the lines they reach."""

    __test__ = False

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.modules: list[str] = data["modules"]
        """What tests import besides the code under test."""
        self._entries: Mapping[str, Any] = data["entries"]

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Processor seconds of each test that passes, by its name."""
        return {
            name: seconds
            for entry in self._entries.values()
            for name, seconds in entry["seconds"].items()
        }

    @cached_property
    def known(self) -> list[str]:
        """The names of all tests, of those that fail without any change too."""
        failed = [name for entry in self._entries.values() for name in entry["failed"]]
        return [*self.seconds, *failed]

    @cached_property
    def _lines(self) -> Mapping[str, Mapping[int, Sequence[str]]]:
        result: dict[str, dict[int, list[str]]] = {}
        for entry in self._entries.values():
            names = list(entry["seconds"])
            for path, lines in entry["lines"].items():
                mine = result.setdefault(path, {})
                for line, tests in lines.items():
                    mine.setdefault(int(line), []).extend(names[test] for test in tests)
        return result

    def names(self, change: Change) -> tuple[set[str], set[str]]:
        """The tests that reach a change, and others that reach its file."""
        lines = self._lines.get(change.path, {})
        reached = {test for tests in lines.values() for test in tests}
        span = statement(ROOT / change.path, change.line)
        if span is None:  # runs when the module is imported, for whoever imports it
            return reached, set(self.seconds) - reached
        near = {test for line in span for test in lines.get(line, ())}
        return near, reached - near


def digest() -> str:
    """A name of the state of code, tests and documents."""
    total = sha256(sys.version.encode())
    for name in STATE:
        whole = ROOT / name
        for path in sorted(whole.rglob("*")) if whole.is_dir() else [whole]:
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
                total.update(path.read_bytes())
    return total.hexdigest()[:16]


def test_map(kept: Path, jobs: int, *, anew: bool) -> TestMap:
    """The map as kept, followed to the state of now; measured where there is none."""
    data: dict[str, Any] = {"modules": [], "sources": {}, "entries": {}}
    if kept.exists() and not anew:
        data = json.loads(kept.read_text(encoding="utf-8"))
    sources = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for part in PARTS
        for path in files(part)
    }
    for path, text in sources.items():
        before = data["sources"].get(path)
        if before is not None and before != text:
            _follow(data["entries"].values(), path, before, text)
    data["sources"] = sources
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    targets = ["convcalc", *(path.relative_to(ROOT).as_posix() for path in tests)]
    known = data["entries"]
    data["entries"] = {target: known[target] for target in targets if target in known}
    missing = [target for target in targets if target not in data["entries"]]
    if missing:
        print(f"measuring what {' '.join(sorted(missing))} reach", file=sys.stderr, flush=True)
        _measure(data, missing, kept.parent, jobs)
    kept.write_text(json.dumps(data), encoding="utf-8")
    failed = [name for entry in data["entries"].values() for name in entry["failed"]]
    if failed:
        print(f"not used, because they fail: {' '.join(failed)}", file=sys.stderr)
    return TestMap(data)


def _measure(data: dict[str, Any], missing: Sequence[str], folder: Path, jobs: int) -> None:
    """Run files of tests, spread over some processes, and enter what they show."""
    covered = [str(path) for part in PARTS for path in files(part)]
    targets = sorted(missing, key=lambda name: -(ROOT / name).stat().st_size)
    jobs = min(jobs, len(targets))
    kept = [folder / f"measured-{number}.json" for number in range(jobs)]
    children = [
        start(Job(targets=targets[number::jobs], coverage=covered, kept=str(path)))
        for number, path in enumerate(kept)
    ]
    for child, path in zip(children, kept, strict=True):
        verdict = child.result()
        if not path.exists():
            raise SystemExit(f"the tests did not run to their end: {verdict.said}")
        measured = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        data["modules"] = sorted({*data["modules"], *measured["modules"]})
        _enter(data["entries"], targets, measured)


def _enter(entries: dict[str, Any], run: Iterable[str], measured: Mapping[str, Any]) -> None:
    """Part what was measured by files of tests."""
    names = list(measured["seconds"])
    targets = [_target(name) for name in names]
    for target in {*targets, *map(_target, measured["failed"])}:
        places = [place for place, of in enumerate(targets) if of == target]
        number = {place: position for position, place in enumerate(places)}
        lines: Lines = {}
        for path, of_path in measured["lines"].items():
            for line, tests in of_path.items():
                if mine := [number[test] for test in tests if test in number]:
                    lines.setdefault(path, {})[line] = mine
        entries[target] = {
            "failed": [name for name in measured["failed"] if _target(name) == target],
            "seconds": {names[place]: measured["seconds"][names[place]] for place in places},
            "lines": lines,
        }
    for target in run:  # files whose tests are all passed over
        entries.setdefault(target, {"failed": [], "seconds": {}, "lines": {}})


def _target(name: str) -> str:
    file = name.partition("::")[0]
    return file if file.startswith("tests/") else "convcalc"


def _follow(entries: Iterable[Any], path: str, before: str, now: str) -> None:
    """Move what tests reach along with the lines of a file that has changed."""
    moved: dict[str, list[str]] = {}
    old, new = before.splitlines(), now.splitlines()
    for _, first, stop, to, until in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for line in range(first, stop):
            if until > to:
                moved[str(line + 1)] = [str(number + 1) for number in range(to, until)]
            if stop - first == until - to:
                moved[str(line + 1)] = [str(line - first + to + 1)]
    for entry in entries:
        lines = entry["lines"].pop(path, {})
        followed: dict[str, set[int]] = {}
        for line, tests in lines.items():
            for number in moved.get(line, ()):
                followed.setdefault(number, set()).update(tests)
        entry["lines"][path] = {line: sorted(tests) for line, tests in followed.items()}


def preload(modules: Iterable[str]) -> None:
    """Import what tests import, so that no child has to, and share its memory with them."""
    for module in modules:
        with suppress(ImportError):
            importlib.import_module(module)
    gc.collect()
    gc.freeze()


@cache
def _statements(path: Path) -> Sequence[tuple[int, int, bool]]:
    """First and last line of each statement or header, and whether it stands in a function."""
    result: list[tuple[int, int, bool]] = []

    def visit(node: ast.AST, *, inside: bool) -> None:
        if isinstance(node, ast.stmt):
            last = node.end_lineno or node.lineno
            body = getattr(node, "body", None)
            if body:
                last = max(node.lineno, body[0].lineno - 1)
            result.append((node.lineno, last, inside))
        elif isinstance(node, ast.Lambda):
            inside = True
            result.append((node.lineno, node.end_lineno or node.lineno, inside))
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for name, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    visit(child, inside=inside or (function and name == "body"))

    visit(ast.parse(path.read_text(encoding="utf-8")), inside=False)
    return result


def statement(path: Path, line: int) -> range | None:
    """The lines of the statement at a line; None where it runs on import."""
    spans = [span for span in _statements(path) if span[0] <= line <= span[1]]
    if not spans:
        return None
    first, last, inside = min(spans, key=lambda span: span[1] - span[0])
    return range(first, last + 1) if inside else None
