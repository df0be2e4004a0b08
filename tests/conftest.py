"""What holds for all tests: no clock decides, and helpers are not looked into for tests."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

# Helpers that import peers, which may be absent.
collect_ignore = ["recorded.py", "torch_memory.py", "torch_zoo.py"]


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


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where Python is to write no bytecode beside sources, what tests start has a folder for it.

    Otherwise each of some sixty processes compiles the package anew.
    """
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("PYTHONDONTWRITEBYTECODE"):
            folder = tmp_path_factory.getbasetemp()
            if os.environ.get("PYTEST_XDIST_WORKER"):
                folder = folder.parent
            patch.delenv("PYTHONDONTWRITEBYTECODE")
            patch.setenv("PYTHONPYCACHEPREFIX", str(folder / "bytecode"))
        yield
