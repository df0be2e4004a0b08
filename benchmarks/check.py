"""How long `convcalc check` takes on many specs, in one process and in several.

python -m benchmarks check [SPECS]
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.arguments import parser, positive
from convcalc.spec.bundled import bundled_folder

SPECS = 1_000
RUNS = 3
GOAL = 5.0
"""Seconds that 1,000 specs of VGG's size may take on two cores."""


def main(arguments: list[str]) -> int:
    """Print the best of several runs; 1 when the goal is missed."""
    given = parser("check", __doc__)
    given.add_argument("specs", nargs="?", type=positive, default=SPECS, help="how many")
    specs: int = given.parse_args(arguments).specs
    text = Path(bundled_folder(), "vgg16.yaml").read_text(encoding="utf-8")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{specs:,} copies of VGG-16, {cores} cores, best of {RUNS} runs")
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(specs):
            Path(folder, f"vgg{number}.yaml").write_text(text, encoding="utf-8")
        for jobs in ("1", "2", ""):
            command = [sys.executable, "-m", "convcalc", "check", "--isolated", "--statistics"]
            command += [f"--jobs={jobs}"] if jobs else []
            times = []
            for _ in range(RUNS):
                start = time.perf_counter()
                result = subprocess.run([*command, folder], check=False, capture_output=True)
                times.append(time.perf_counter() - start)
                if result.returncode not in (0, 1):
                    print(result.stderr.decode())
                    return 2
            name = f"--jobs {jobs}" if jobs else "as it chooses"
            best[name] = min(times)
            print(f"{name:<14} {min(times):6.2f} s  {specs / min(times):8,.0f} specs a second")
    return int(best["as it chooses"] > GOAL * specs / SPECS)
