"""What holds for all tests: no clock decides, and helpers are not looked into for tests."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Helpers that import peers, which may be absent.
collect_ignore = ["recorded.py", "torch_memory.py", "torch_zoo.py"]

# How long an example takes is the machine's, and how busy it is.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, each process has the tests of a file that know what others of it have made.

    The default deals tests out one by one, and both work out what a file remembers for its tests.
    """
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)
