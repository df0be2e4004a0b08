"""What pytest is not to look into for tests: helpers that import peers, which may be absent."""

collect_ignore = ["recorded.py", "torch_memory.py", "torch_zoo.py"]
