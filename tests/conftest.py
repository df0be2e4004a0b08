"""What holds for all tests: no clock decides, and helpers are not looked into for tests."""

import os
from collections.abc import Generator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from _pytest.doctest import DoctestModule
from paths import TESTS


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[Any], list[Any]]:
    """Tests and their helpers have no doctests, and looking for some takes its time."""
    collectors = yield
    return [each for each in collectors if not isinstance(each, DoctestModule)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test begins: at the end one process would wait for the other to end it."""
    items.sort(key=lambda item: item.path.name != "test_frozen.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, each process has the tests of a file that know what others of it have made.

    The default deals tests out one by one, and both work out what a file remembers for its tests.
    """
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Where Python is to write no bytecode beside sources, processes have a folder for it.

    Otherwise each process of `-n`, and each of some sixty that tests start, compiles all anew.
    """
    if hasattr(config, "workerinput") or not os.environ.get("PYTHONDONTWRITEBYTECODE"):
        return
    folder, patch = TemporaryDirectory(prefix="convcalc-tests-"), pytest.MonkeyPatch()
    patch.delenv("PYTHONDONTWRITEBYTECODE")
    patch.setenv("PYTHONPYCACHEPREFIX", folder.name)
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(patch.undo)


def pytest_collection(session: pytest.Session) -> None:
    """Every other process of `-n` that runs all tests reads their files from the last one first.

    Where nothing is compiled yet, it finds the first half as others have compiled it, and they the
    second. What cannot be imported is told when it is collected.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    whole = {Path(given).name for given in session.config.args} == {
        *session.config.getini("testpaths")
    }
    if whole and int(worker) % 2:
        for path in sorted(TESTS.rglob("test_*.py"), reverse=True):
            with suppress(Exception, pytest.skip.Exception):
                import_module(path.stem)


@pytest.fixture
def torch() -> Any:
    """PyTorch; whatever asks for it is skipped without."""
    return pytest.importorskip("torch")


@pytest.fixture
def torch_memory() -> Any:
    """What measures PyTorch's memory, likewise."""
    return pytest.importorskip("torch_memory")
