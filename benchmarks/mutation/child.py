"""One process that runs tests on changed code: a fork in which nothing of ours is imported yet."""

import importlib
import importlib.machinery
import importlib.util
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings

PEERS = ("torch", "torchinfo", "onnx", "onnxruntime", "cupy", "PIL")
"""What a fresh clone does not have, and so must not be needed to notice a mistake."""
TESTS = Path(__file__).parent.parent.parent / "tests"
OURS = ("convcalc", "benchmarks", "tests", *(path.stem for path in TESTS.rglob("*.py")))
MEMORY = 8 * 2**30
"""Bytes of address space; more than any test takes."""
WALL = 20
"""How many times its processor seconds a child may take."""


class Verdict(NamedTuple):
    """What came of a change."""

    outcome: str
    """killed, survived, or unusable where the module cannot be imported."""
    said: str
    """The test that killed, or how many did not."""
    seconds: float
    """Processor seconds."""


class Job(NamedTuple):
    """What a child has to do."""

    path: str = ""
    source: str = ""
    """The changed file, from the root of the repository, and its text."""
    targets: Sequence[str] = ()
    """Files of tests; nothing for all."""
    tests: Sequence[str] = ()
    """Names of tests in the order in which they run; nothing for all."""
    known: Sequence[str] | None = ()
    """Names of all tests there are without the change, so that others run too; None: no others."""
    seconds: dict[str, float] | None = None
    """What each test took without the change."""
    budget: float = float("inf")
    coverage: Sequence[str] = ()
    """Files whose lines are followed."""
    kept: str = ""
    """Where the map of tests goes."""


class Child:
    """A running job."""

    def __init__(self, pid: int, pipe: Connection, folder: str, limit: float) -> None:
        self.pid = pid
        self.pipe = pipe
        self._folder = folder
        self._end = time.monotonic() + limit

    def result(self) -> Verdict:
        """What it says, or what becomes of it; waits for it."""
        said: Verdict | None = None
        if self.pipe.poll(max(0.0, self._end - time.monotonic())):
            try:
                said = Verdict(*self.pipe.recv())
            except EOFError:
                said = None
        status, seconds = self.end()
        if said is None:
            return Verdict("killed", f"ended by {status}", seconds)
        return said._replace(seconds=seconds)

    def end(self) -> tuple[int, float]:
        """End it, and what it may have left running; its exit status and processor seconds."""
        for kill in (os.killpg, os.kill):  # by itself, where it has no group of its own yet
            with suppress(ProcessLookupError):
                kill(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        self.pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime

    @property
    def late(self) -> bool:
        """Whether it has taken longer than it may."""
        return time.monotonic() > self._end


def start(job: Job) -> Child:
    """Fork and go to work."""
    ours, theirs = Pipe(duplex=False)
    folder = tempfile.mkdtemp(prefix="mutation-")
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            try:
                verdict = _run(job, folder, theirs)
            except Exception:  # noqa: BLE001 (it is told where it can be read)
                verdict = Verdict("broken", traceback.format_exc(), 0)
            theirs.send(tuple(verdict))
        finally:
            os._exit(0)
    theirs.close()
    limit = WALL * (60 + min(job.budget, 600))
    return Child(pid, ours, folder, limit)


def _run(job: Job, folder: str, pipe: Connection) -> Verdict:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in PEERS:
        sys.modules[name] = None  # type: ignore[assignment]
    settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )
    settings.load_profile("mutation")
    if job.path:
        module = job.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        sys.meta_path.insert(0, Changed(module, job.source))
        resource.setrlimit(resource.RLIMIT_CPU, (20, resource.RLIM_INFINITY))
        try:
            importlib.import_module(module)
        except BaseException as error:  # noqa: BLE001 (whatever it is, there is nothing to test)
            return Verdict("unusable", repr(error), 0)
    plugin = Plugin(job)

    def endless(*_: object) -> None:
        pipe.send(("killed", plugin.running, 0))
        os._exit(0)

    signal.signal(signal.SIGXCPU, endless)
    cover = None
    if job.coverage:
        from coverage import Coverage

        cover = Coverage(data_file=None, include=list(job.coverage))
        plugin.cover = cover
        cover.start()
    before = set(sys.modules)
    code = pytest.main(
        [
            *("-q", "-p", "no:cacheprovider", "-o", "addopts=", "--doctest-modules"),
            *("--strict-markers", "--strict-config", f"--basetemp={folder}/tests"),
            *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # imported once, for all children
            *(() if job.coverage else ("-x",)),
            *job.targets,
        ],
        plugins=[plugin],
    )
    if cover is not None:
        cover.stop()
        _keep(job, plugin, cover, sorted(set(sys.modules) - before))
    if plugin.failed:
        return Verdict("killed", plugin.failed[0], 0)
    if code in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED} or plugin.spent:
        return Verdict("survived", f"{plugin.passed} tests let it through", 0)
    return Verdict("killed", f"pytest ends with {code}", 0)


class Changed(importlib.machinery.SourceFileLoader):
    """Finds one module, and loads it with another text than its file has."""

    def __init__(self, module: str, text: str) -> None:
        spec = importlib.util.find_spec(module.partition(".")[0])
        base = Path(spec.submodule_search_locations[0]) if spec else Path()  # type: ignore[index]
        whole = base.parent.joinpath(*module.split("."))
        path = whole / "__init__.py" if whole.is_dir() else whole.with_suffix(".py")
        super().__init__(module, str(path))
        self._text = text

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """The specification of the one module, None of all others."""
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, _: str) -> CodeType:
        """The changed text's code, never from a cache."""
        return compile(self._text, self.path, "exec", dont_inherit=True)


class Plugin:
    """Chooses and orders the tests, follows what they take and reach, and stops in time."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self.passed = 0
        self.spent = False
        self.running = ""
        self.cover: Any = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The tests that are wanted, in their order; those that only the change has, too."""
        if self.job.tests:
            order = {name: position for position, name in enumerate(self.job.tests)}
            known = None if self.job.known is None else set(self.job.known)
            items[:] = sorted(
                (
                    item
                    for item in items
                    if item.nodeid in order or (known is not None and item.nodeid not in known)
                ),
                key=lambda item: order.get(item.nodeid, -1),
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Measure one test, with a limit of processor time that only endless loops reach."""
        start = time.process_time()
        if self.job.seconds is not None:
            usual = self.job.seconds.get(item.nodeid, 1.0)
            limit = int(start + 10 * usual + 6)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
            self.running = item.nodeid
        if self.cover:
            self.cover.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            if self.cover:
                self.cover.switch_context("")
            self.seconds[item.nodeid] = time.process_time() - start
            if time.process_time() > self.job.budget:
                self.spent = True
                item.session.shouldstop = "the budget is spent"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what passes, and keep the names of what does not."""
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file whose tests cannot even be listed has failed."""
        if report.failed:
            self.failed.append(report.nodeid or "collection")


def _keep(job: Job, plugin: Plugin, cover: Any, modules: Sequence[str]) -> None:
    """Write the map of tests."""
    data = cover.get_data()
    root = Path(__file__).parent.parent.parent
    passed = [name for name in plugin.seconds if name not in set(plugin.failed)]
    number = {name: position for position, name in enumerate(passed)}
    lines = {
        Path(path).relative_to(root).as_posix(): {
            str(line): sorted(number[name] for name in contexts if name in number)
            for line, contexts in data.contexts_by_lineno(path).items()
        }
        for path in data.measured_files()
    }
    result = {
        "failed": plugin.failed,
        "seconds": {name: round(plugin.seconds[name], 4) for name in passed},
        "lines": lines,
        "modules": [name for name in modules if not name.startswith(OURS)],
    }
    Path(job.kept).write_text(json.dumps(result), encoding="utf-8")
