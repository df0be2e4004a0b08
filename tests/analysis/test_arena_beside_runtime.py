"""Random networks in TensorFlow Lite Micro itself, where `convcalc[tflite-peers]` is installed."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest
from paths import ROOT

pytest.importorskip("benchmarks", reason="benchmarks are not shipped")
for each in ("tensorflow", "tflite_micro"):
    if find_spec(each) is None:
        pytest.skip(f"{each} is not installed", allow_module_level=True)

COUNT = 10


def test_random_networks_are_what_the_runtime_makes_of_them() -> None:
    command = [sys.executable, "-m", "benchmarks", "arena", "--random", str(COUNT), "--seed", "7"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr[-2000:]
    verdicts = r"(?m)^ *(\d+) (?:equal|equal operators, branches in another order)$"
    held = re.findall(verdicts, said)
    assert sum(map(int, held)) == COUNT, said
    assert done.returncode == 0, said
    assert "TensorFlow 2.21" in said
