"""What pytest is not to look into for tests: helpers that import peers, which may be absent."""

collect_ignore = ["torch_memory.py", "torch_zoo.py"]
