"""What holds for all tests: no clock decides, and helpers are not looked into for tests."""

from hypothesis import HealthCheck, settings

# Helpers that import peers, which may be absent.
collect_ignore = ["recorded.py", "torch_memory.py", "torch_zoo.py"]

# How long an example takes is the machine's, and how busy it is.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")
