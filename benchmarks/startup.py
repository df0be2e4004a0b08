"""What a user waits for: whole processes from start to exit, side by side."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.arguments import parser, positive
from benchmarks.timing import interleaved, print_table, process, python, ratio

BASE = "import click, yaml"
TORCHINFO = """
import torch, torchinfo
from torch import nn
layers, channels = [], 3
for filters, convs in (64, 2), (128, 2), (256, 3), (512, 3), (512, 3):
    for _ in range(convs):
        layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]
        channels = filters
    layers.append(nn.MaxPool2d(2))
layers += [nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096),
           nn.ReLU(), nn.Dropout(), nn.Linear(4096, 1000)]
with torch.device("meta"):
    model = nn.Sequential(*layers)
print(torchinfo.summary(model, (1, 3, 224, 224), device="meta", verbose=0))
"""


def main(arguments: list[str]) -> int:
    """Print medians and ratios."""
    given = parser("startup", __doc__)
    given.add_argument("rounds", nargs="?", type=positive, default=15, help="how often each is run")
    rounds: int = given.parse_args(arguments).rounds
    beside = Path(sys.executable).with_name("convcalc")
    convcalc = str(beside) if beside.exists() else shutil.which("convcalc")
    if convcalc is None:
        print("convcalc is not installed; run `pip install -e .` first")
        return 2
    runs = {
        "python -c 'import click, yaml'": python(BASE),
        "analyze vgg16 --format json": process(convcalc, "analyze", "vgg16", "--format", "json"),
        "analyze vgg16 --format plain": process(convcalc, "analyze", "vgg16", "--format", "plain"),
        "analyze vgg16 --format table": process(convcalc, "analyze", "vgg16", "--format", "table"),
    }
    base, *ours = runs
    times = interleaved(runs, rounds)
    peer = "torchinfo (torch on the meta device)"
    if find_spec("torch") and find_spec("torchinfo"):
        slow = interleaved({ours[0]: runs[ours[0]], peer: python(TORCHINFO)}, max(rounds // 3, 3))
    else:
        slow = {}
    rows = [["process", "median ms", "÷ click, yaml"]]
    rows += [
        [name, f"{1000 * median(times[name]):.1f}", f"{ratio(times, name, base):.2f}"]
        for name in runs
    ]
    print_table(rows)
    if slow:
        print(
            f"{peer}: {1000 * median(slow[peer]):.0f} ms, "
            f"{ratio(slow, peer, ours[0]):.1f} × the time of `{ours[0]}`"
        )
    else:
        print("torch and torchinfo are not installed: no comparison with them")
    return 0
